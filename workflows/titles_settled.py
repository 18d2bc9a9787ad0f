"""A person says what a reported software name is, once for all devices that report it.

The word of a person wins over every rule: whoever recognises titles leaves those with `decided_by_id` as they are.
What was thought before goes to `superseded` with both times, so that a position "as known then" still stands.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from licensing.recognition import Kind
from model.contracts import Superseded
from model.events import Happened, Tag
from model.inventory import Installation, Title
from model.licences import Granting, Product, Publisher
from model.people import Person, Role, RoleGrant
from model.session import UnitOfWork
from workflows.effects import PublishHome, enqueue
from workflows.permissions import Page, require
from workflows.reads.names import version_of
from workflows.recognising import NOT_A_PRODUCT
from workflows.refusals import AlreadyDecided, FieldRefusals, Refusal

#: Kinds that wait for a person.
WAITING = frozenset({Kind.UNRECOGNISED.value, Kind.ASK.value})
PRODUCT = Kind.PRODUCT.value
RULE = "a person decided"
#: What of a title a decision changes, and so what is kept of it.
DECISION = ("kind", "product_id", "candidate_id", "confidence", "rule", "decided_by_id")
WHAT = "Settling names"
#: Roles that see the queue on Home.
LOOK_AFTER = (Role.LICENCE_MANAGER, Role.IT)


class As(enum.StrEnum):
    """What a name is said to be."""

    KNOWN = "known"  # a product of the register
    NEW = "new"  # a product the register does not have yet
    NOTHING = "nothing"  # an update, a driver, a part of something: no product


@dataclass(frozen=True)
class Word:
    """What a person said. `product_id` for KNOWN; name, publisher and `paid` for NEW."""

    as_: As
    product_id: int | None = None
    name: str = ""
    publisher: str = ""
    paid: bool = True


@dataclass(frozen=True)
class Settled:
    """What became of it, for the answer."""

    title: str
    product: str  # "" for no product
    installations: int


class NameGone(Refusal):
    """The name is in no queue: a rule knows it now, or it was never there."""

    def __init__(self) -> None:
        super().__init__("This name is settled or gone, so nothing changed. Open Home to see what is left.")


def decided(before: Mapping[str, Any], kind: str, product_id: int | None, by: int) -> dict[str, Any]:
    """The columns of a title after a person's word; pure. ValueError when nothing waits for one."""
    if before["kind"] not in WAITING:
        raise ValueError(f"{before['kind']} waits for nobody")
    if (kind == PRODUCT) is (product_id is None):
        raise ValueError("a product, and only a product, has an id")
    return {
        "kind": kind,
        "product_id": product_id,
        "candidate_id": None,
        "confidence": 100,
        "rule": RULE,
        "decided_by_id": by,
    }


def settle(
    work: UnitOfWork, title_id: int, version: int, word: Word, by: int, roles: Collection[Role], now: datetime
) -> Settled:
    """Record what a name is. Raises NotForYou, AlreadyDecided, NameGone, or FieldRefusals for an incomplete word."""
    require(work.connection, Page.NAMES, roles, WHAT)
    title = work.session.get(Title, title_id, with_for_update=True)
    if title is None:
        raise NameGone
    if title.kind not in WAITING or version_of(title.recorded_at) != version:
        raise _too_late(work, title)
    product = _product(work, word, by, now)
    before = {name: getattr(title, name) for name in DECISION}
    after = decided(before, NOT_A_PRODUCT if product is None else PRODUCT, product.id if product else None, by)
    return _stored(work, title, before, after, product, by, now)


def correct(
    work: UnitOfWork,
    title_id: int,
    product_id: int | None,
    word: Word,
    by: int,
    roles: Collection[Role],
    now: datetime,
) -> Settled:
    """Say that a name which was taken for `product_id` is something else. Raises as `settle`; NameGone if it is not."""
    require(work.connection, Page.NAMES, roles, WHAT)
    title = work.session.get(Title, title_id, with_for_update=True)
    if title is None or product_id is None or title.product_id != product_id:
        raise NameGone
    product = _product(work, word, by, now)
    if product is not None and product.id == product_id:
        raise FieldRefusals({"register": "That is what it is taken for now. Choose another product."})
    before = {name: getattr(title, name) for name in DECISION}
    kind = NOT_A_PRODUCT if product is None else PRODUCT
    after = decided(before | {"kind": "ask"}, kind, product.id if product else None, by)
    return _stored(work, title, before, after, product, by, now)


def _stored(
    work: UnitOfWork,
    title: Title,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    product: Product | None,
    by: int,
    now: datetime,
) -> Settled:
    """Write the decision, keep what was thought before, and tell those who look after names."""
    title_id = title.id
    work.session.add(
        Superseded(
            table_name="title",
            row_id=title.id,
            facts=dict(before),
            recorded_at=title.recorded_at,
            superseded_at=now,
        )
    )
    for name, value in after.items():
        setattr(title, name, value)
    title.recorded_at = now
    work.session.flush()
    installations = _installations(work, title_id)
    work.record(
        [
            Happened(
                Tag.TITLE_DECIDED,
                f"person:{by}",
                f"title:{title_id}",
                {
                    "kind": title.kind,
                    "product": title.product_id,
                    "before": {"kind": before["kind"], "candidate": before["candidate_id"], "rule": before["rule"]},
                    "installations": installations,
                },
            )
        ],
        now,
    )
    enqueue(work, [PublishHome(person_id) for person_id in looking(work, now)], now)
    return Settled(title.raw_title, product.name if product else "", installations)


def _product(work: UnitOfWork, word: Word, by: int, now: datetime) -> Product | None:
    match word.as_:
        case As.NOTHING:
            return None
        case As.KNOWN:
            found = work.session.get(Product, word.product_id) if word.product_id is not None else None
            if found is None or found.retired_at is not None:
                raise FieldRefusals({"register": "Choose a product from the list."})
            return found
        case As.NEW:
            return _new_product(work, word, by, now)


def _new_product(work: UnitOfWork, word: Word, by: int, now: datetime) -> Product:
    """A product of the register without purchases or tiers, given by hand until IT says otherwise."""
    name, publisher_name = " ".join(word.name.split()), " ".join(word.publisher.split())
    missing = {
        **({} if len(name) > 1 else {"name": "Write the product's name, without its version."}),
        **({} if publisher_name else {"publisher": "Write who makes it."}),
    }
    if missing:
        raise FieldRefusals(missing)
    taken = work.connection.execute(
        select(Product.name).where(func.lower(Product.name) == name.lower()).limit(1)
    ).scalar()
    if taken is not None:
        raise FieldRefusals({"name": f"{taken} is in the register already: choose it under “It is …”."})
    publisher = work.session.execute(
        select(Publisher).where(func.lower(Publisher.name) == publisher_name.lower()).order_by(Publisher.id).limit(1)
    ).scalar_one_or_none()
    if publisher is None:
        publisher = Publisher(name=publisher_name)
        work.session.add(publisher)
        work.session.flush()  # the product names it
    product = Product(
        publisher_id=publisher.id,
        name=name,
        key=_key(work, name),
        granting=Granting.OWNER_TASK,
        licence_model="paid" if word.paid else "free",
    )
    work.session.add(product)
    work.session.flush()  # the title names it
    facts = {"key": product.key, "licence_model": product.licence_model, "from": "a reported name"}
    work.record([Happened(Tag.REGISTRY_CHANGED, f"person:{by}", f"product:{product.id}", facts)], now)
    return product


def _key(work: UnitOfWork, name: str) -> str:
    """What policy.yaml would call it: letters and digits, with a number when another product has it."""
    start = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:70] or "product"
    taken = set(work.connection.execute(select(Product.key).where(Product.key.startswith(start))).scalars())
    keys = [start, *(f"{start}-{number}" for number in range(2, len(taken) + 2))]
    return next(key for key in keys if key not in taken)


def _too_late(work: UnitOfWork, title: Title) -> Refusal:
    who = work.session.get(Person, title.decided_by_id) if title.decided_by_id is not None else None
    if who is None:
        return NameGone()
    return AlreadyDecided(who.name, "settled", title.recorded_at, who.id)


def _installations(work: UnitOfWork, title_id: int) -> int:
    return work.connection.execute(
        select(func.count())
        .select_from(Installation)
        .where(Installation.title_id == title_id, Installation.ended_at.is_(None))
    ).scalar_one()


def looking(work: UnitOfWork, now: datetime) -> list[int]:
    """Those whose Home shows the queue."""
    rows = work.connection.execute(
        select(Person.id)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .where(
            RoleGrant.role.in_(LOOK_AFTER),
            RoleGrant.began_at <= now,
            RoleGrant.ended_at.is_(None),
            Person.home_seen_at.is_not(None),
        )
        .distinct()
        .order_by(Person.id)
    )
    return list(rows.scalars())
