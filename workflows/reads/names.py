"""Reported software names nobody has decided on, in the order in which deciding matters most (rules §8)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select, text

from model.inventory import Installation, Title
from model.licences import Product, Publisher

#: Written out, not bound: only then do both databases use the partial index of the queue.
UNDECIDED = text("title.kind IN ('unrecognised', 'ask')")
#: A name grows by the devices that got it in these days.
GROWTH_DAYS = 28
#: Products a searchable list offers.
MOST_OPTIONS = 100

_LEGAL = re.compile(
    r"\b(?:inc|incorporated|corp|corporation|co|company|ltd|limited|llc|gmbh|ag|sa|sas|bv|ab|oy|plc|pty|srl|spa|kg)\b"
)


@dataclass(frozen=True)
class Unsettled:
    """A name as devices report it. `guess` is what it may be, with how sure the rules are of it in per cent."""

    id: int
    version: int  # changes with every decision: a window that is older is refused
    title: str
    publisher: str
    reported_version: str
    devices: int
    installations: int
    new_devices: int
    commercial: bool
    guess_id: int | None
    guess: str
    confidence: int


@dataclass(frozen=True)
class Offered:
    """A product of the register as an option."""

    id: int
    name: str
    publisher: str
    licence_model: str


def unsettled_count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(Title).where(UNDECIDED)).scalar_one()


def unsettled(connection: Connection, now: datetime) -> tuple[Unsettled, ...]:
    """All of them: publishers that sell to the company first, then by devices, then by growth. Two queries.

    Everything is read because the order depends on the counts, which one grouped query brings for all.
    """
    sellers = _sellers(connection)
    found = [_row(row, sellers) for row in connection.execute(_query(now))]
    return tuple(sorted(found, key=lambda one: (not one.commercial, -one.devices, -one.new_devices, one.title, one.id)))


def unsettled_one(connection: Connection, title_id: int, now: datetime) -> Unsettled | None:
    """One name, None when it is settled or gone."""
    row = connection.execute(_query(now, title_id)).one_or_none()
    return None if row is None else _row(row, _sellers(connection))


def _query(now: datetime, title_id: int | None = None) -> Select[Any]:
    counts = (
        select(
            Installation.title_id,
            func.count(Installation.device_id.distinct()).label("devices"),
            func.count().label("installations"),
            func.count(Installation.device_id.distinct())
            .filter(Installation.began_at > now - timedelta(days=GROWTH_DAYS))
            .label("new_devices"),
        )
        .join(Title, Title.id == Installation.title_id)
        .where(Installation.ended_at.is_(None), UNDECIDED)
        .group_by(Installation.title_id)
    )
    if title_id is not None:
        counts = counts.where(Title.id == title_id)
    by_title = counts.subquery()
    query = (
        select(
            Title.id,
            Title.recorded_at,
            Title.raw_title,
            Title.raw_publisher,
            Title.sample_version,
            Title.candidate_id,
            Title.confidence,
            Product.name.label("guess"),
            Product.licence_model,
            func.coalesce(by_title.c.devices, 0).label("devices"),
            func.coalesce(by_title.c.installations, 0).label("installations"),
            func.coalesce(by_title.c.new_devices, 0).label("new_devices"),
        )
        .outerjoin(by_title, by_title.c.title_id == Title.id)
        .outerjoin(Product, Product.id == Title.candidate_id)
        .where(UNDECIDED)
    )
    return query if title_id is None else query.where(Title.id == title_id)


def version_of(recorded_at: datetime) -> int:
    """What a window remembers of the decision it showed, in microseconds."""
    return int(recorded_at.timestamp() * 1_000_000)


def _row(row: Row[Any], sellers: frozenset[str]) -> Unsettled:
    return Unsettled(
        id=row.id,
        version=version_of(row.recorded_at),
        title=row.raw_title,
        publisher=row.raw_publisher,
        reported_version=row.sample_version,
        devices=row.devices,
        installations=row.installations,
        new_devices=row.new_devices,
        commercial=row.licence_model == "paid" or folded(row.raw_publisher) in sellers,
        guess_id=row.candidate_id,
        guess=row.guess or "",
        confidence=row.confidence,
    )


def _sellers(connection: Connection) -> frozenset[str]:
    """Publishers with a paid product in the register, folded."""
    rows = connection.execute(
        select(Publisher.name)
        .join(Product, Product.publisher_id == Publisher.id)
        .where(Product.licence_model == "paid", Product.provisional.is_(False))
        .distinct()
    )
    return frozenset(folded(name) for name in rows.scalars()) - {""}


def folded(publisher: str) -> str:
    """A publisher's name without case, signs and legal form: "Adobe Inc." is "adobe"."""
    words = re.sub(r"[^\w\s]", " ", publisher.casefold())
    return " ".join(_LEGAL.sub(" ", words).split())


def offered(connection: Connection, words: str) -> tuple[Offered, ...]:
    """Products whose name holds every word typed, shortest name first."""
    query = (
        select(Product.id, Product.name, Publisher.name.label("publisher"), Product.licence_model)
        .join(Publisher, Publisher.id == Product.publisher_id)
        .where(Product.retired_at.is_(None))
        .order_by(func.length(Product.name), Product.name)
        .limit(MOST_OPTIONS)
    )
    for word in words.split():
        query = query.where(func.lower(Product.name).contains(word.lower(), autoescape=True))
    return tuple(Offered(*row) for row in connection.execute(query))
