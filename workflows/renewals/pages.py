"""The address of a renewal's page: a secret that names one person and a last day, given to that person alone.

Nothing is stored: the address is signed, and what its person may see is read anew at each visit. Whoever holds it reads
as that person, and can decide nothing. A changed SECRET_KEY ends all of them, leaving the company ends a person's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Collection
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from model.people import Role
from workflows.facts import PersonFacts
from workflows.people import person_facts
from workflows.permissions import Access, Page, access, own_products, parts_of
from workflows.reads.renewal_facts import BriefFacts

#: An address is good for as long as the link of a mail.
VALID = timedelta(days=14)
_SHAPE = re.compile(r"([1-9][0-9]{0,17})\.([0-9]{8})\.([A-Za-z0-9_-]{43})")


def token_for(key: bytes, person_id: int, until: date) -> str:
    """What an address carries; nobody can make one without the key."""
    named = f"{person_id}.{until:%Y%m%d}"
    made = hmac.new(key, f"renewal page:{named}".encode(), hashlib.sha256).digest()
    return f"{named}.{base64.urlsafe_b64encode(made).decode().rstrip('=')}"


def address(base_url: str, key: bytes, renewal_id: int, person_id: int, now: datetime) -> str:
    """The page of one renewal, for one person."""
    return f"{base_url}/renewals/{renewal_id}?key={token_for(key, person_id, (now + VALID).date())}"


def reader(connection: Connection, key: bytes, token: str, now: datetime) -> PersonFacts | None:
    """Whose address it is; None for one that was never given out, has run out, or whose person has left."""
    found = _SHAPE.fullmatch(token)
    if found is None:
        return None
    try:
        until = date(int(found[2][:4]), int(found[2][4:6]), int(found[2][6:]))
    except ValueError:
        return None
    person_id = int(found[1])
    if not hmac.compare_digest(token_for(key, person_id, until), token) or now.date() > until:
        return None
    person = person_facts(connection, [person_id], now).get(person_id)
    return None if person is None or person.has_left(now) else person


def may_see(connection: Connection, person_id: int, roles: Collection[Role], facts: BriefFacts) -> bool:
    """Whether somebody may look: a role for renewals, or they answer for it, are asked to agree, or own a product."""
    if access(Page.RENEWALS, parts_of(roles)) >= Access.READ:
        return True
    mine = facts.owner is not None and facts.owner.id == person_id
    asked = facts.decision is not None and facts.decision.waits_on(person_id)
    own = own_products(connection, person_id)
    return mine or asked or any(one.product_id in own for one in facts.products)
