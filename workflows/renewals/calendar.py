"""Renewals as a calendar: what the file holds, and the private address a person's calendar reads it from.

The address is a secret of 256 bits like that of a signed link: an HMAC, of which the database keeps the digest. A new
one ends the old; a changed SECRET_KEY ends them all. Whoever holds the address reads what its person may see, no more.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from icalendar import Alarm, Calendar, Event
from sqlalchemy import Connection, select, update

from licensing.renewal.dates import Occasion
from licensing.words import day, joined, plural
from model.events import Happened, Tag
from model.people import Person
from model.renewals import CalendarFeed
from model.session import UnitOfWork
from workflows.people import person_facts
from workflows.permissions import Access, Page, access, parts_of
from workflows.policy import Policy
from workflows.reads.renewals import RenewalRow, renewals
from workflows.refusals import Refusal

_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")
_DECISIONS = {"cancel": "Cancel", "reduce": "Fewer", "true_up": "True-up"}
#: A calendar reminds so long before the day itself.
REMINDS = timedelta(days=3)


class NobodyThere(Refusal):
    """Nobody in the staff directory has this address."""


@dataclass(frozen=True)
class Reader:
    """Whose calendar it is."""

    person_id: int
    name: str


def token_for(key: bytes, feed_id: int, person_id: int) -> str:
    """The token of a feed; nobody can make one without the key."""
    made = hmac.new(key, f"calendar:{feed_id}:{person_id}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def address(base_url: str, token: str) -> str:
    """Where a calendar program reads it."""
    return f"{base_url}/calendar/{token}.ics"


def person_of(connection: Connection, email: str) -> int:
    """Whose calendar an operator means. Raises NobodyThere."""
    found = connection.scalar(select(Person.id).where(Person.email == email.strip().lower(), Person.active))
    if found is None:
        raise NobodyThere(f"Nobody in the staff directory has the address {email}.")
    return found


def token_of(work: UnitOfWork, key: bytes, person_id: int, actor: str, now: datetime, *, anew: bool = False) -> str:
    """The token of a person's calendar, made when there is none or a new one is wanted."""
    work.session.execute(select(Person.id).where(Person.id == person_id).with_for_update())  # one feed, presses or not
    feed = work.session.execute(
        select(CalendarFeed).where(CalendarFeed.person_id == person_id, CalendarFeed.ended_at.is_(None))
    ).scalar_one_or_none()
    if feed is not None and not anew and _digest(token_for(key, feed.id, person_id)) == feed.token_digest:
        return token_for(key, feed.id, person_id)
    if feed is not None:
        work.session.execute(update(CalendarFeed).where(CalendarFeed.id == feed.id).values(ended_at=now))
        work.record([Happened(Tag.CALENDAR_ENDED, actor, f"person:{person_id}", {"feed": feed.id})], now)
    made = CalendarFeed(person_id=person_id, token_digest=f"{now.timestamp()}:{person_id}", made_at=now)
    work.session.add(made)
    work.session.flush()  # the token is made of its id
    token = token_for(key, made.id, person_id)
    made.token_digest = _digest(token)
    work.record([Happened(Tag.CALENDAR_MADE, actor, f"person:{person_id}", {"feed": made.id})], now)
    return token


def reader(connection: Connection, key: bytes, token: str) -> Reader | None:
    """Whose calendar a token opens; None for one that was never given out, was ended, or whose person has left."""
    if not _SHAPE.fullmatch(token):
        return None
    row = connection.execute(
        select(CalendarFeed.id, CalendarFeed.person_id, Person.name)
        .join(Person, Person.id == CalendarFeed.person_id)
        .where(CalendarFeed.token_digest == _digest(token), CalendarFeed.ended_at.is_(None), Person.active)
    ).one_or_none()
    if row is None or not hmac.compare_digest(token_for(key, row.id, row.person_id), token):
        return None
    return Reader(row.person_id, row.name)


def own_rows(connection: Connection, policy: Policy, person_id: int, now: datetime) -> list[RenewalRow]:
    """The renewals a person may see: all with a role for them, else those they answer for or whose product they own."""
    person = person_facts(connection, [person_id], now).get(person_id)
    if person is None or person.has_left(now):
        return []
    found = renewals(connection, policy, now)
    if access(Page.RENEWALS, parts_of(person.roles)) >= Access.READ:
        return found
    return [one for one in found if person_id in {one.owner_id, *one.subject.product_owners}]


def ics(rows: Iterable[RenewalRow], now: datetime, page: Callable[[int], str] | None = None) -> bytes:
    """An iCalendar file (RFC 5545): a whole day for each date to decide by, with every last day in words.

    `page` gives the address of a renewal's page for the calendar's own reader.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//Seatkeeper//Renewals//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", "Renewals")
    calendar.add("x-published-ttl", "PT12H")
    calendar.add("refresh-interval", timedelta(hours=12), parameters={"VALUE": "DURATION"})
    for row in rows:
        if row.occasion is not None and row.decide_by is not None:
            calendar.add_component(_event(row, now, page(row.id) if page is not None and row.id is not None else ""))
    made: bytes = calendar.to_ical()
    return made


def _event(row: RenewalRow, now: datetime, address: str) -> Event:
    kind, number = row.subject.key()
    assert row.occasion is not None and row.decide_by is not None  # noqa: S101  the caller looked
    event = Event()
    event.add("uid", f"{kind}-{number}-{row.occasion.occasion.value}-{row.occasion.ends_on}@seatkeeper")
    event.add("dtstamp", now)
    event.add("dtstart", row.decide_by)
    event.add("dtend", row.decide_by + timedelta(days=1))
    event.add("summary", f"Decide by {day(row.decide_by)}: {row.subject.name}")
    event.add("description", description(row))
    if address:
        event.add("url", address)
    event.add("transp", "TRANSPARENT")
    event.add("categories", ["Renewals"])
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", f"Decide by {day(row.decide_by)}: {row.subject.name}")
    alarm.add("trigger", -REMINDS)
    event.add_component(alarm)
    return event


def description(row: RenewalRow) -> str:
    """Every last day of an occasion in lines, and how it stands."""
    lines = [f"{row.reference} {row.state_words}".strip() + "."]
    holds = [
        f"{one.product}, {plural(one.line.quantity, one.noun)}" if one.line.quantity is not None else one.product
        for one in row.subject.bought
    ]
    lines += [f"{joined(holds)}."] if holds else []
    for one in row.dates:
        begins = f" from {day(one.not_before)}" if one.not_before is not None else ""
        moved = f" ({one.why})" if one.why else ""
        unsure = ", not confirmed" if not one.confirmed else ""
        lines.append(f"{_DECISIONS[one.decision]}: by {day(one.on)}{moved}; {one.what}{begins}{unsure}.")
    if row.occasion is not None:
        ends = "The true-up period ends" if row.occasion.occasion is not Occasion.TERM else "The term ends"
        goes_on = row.subject.agreement.auto_renew and row.occasion.occasion is Occasion.TERM
        lines.append(f"{ends} on {day(row.occasion.ends_on)}{' and renews by itself' if goes_on else ''}.")
    lines += [f"Not recorded: {row.missing_words}."] if row.missing else []
    return "\n".join(lines)
