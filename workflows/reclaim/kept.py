"""Verdicts kept for figures and lists: judged each night, product by product.

Cards, Home and positions count from here, for judging 200,000 seats takes longer than a press may. Nothing is taken on
the word of a kept verdict: campaigns judge anew when they list, and again just before a removal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Connection, delete, exists, func, insert, select

from licensing.idle.facts import Kind
from licensing.idle.products import evidence_of, named
from licensing.idle.signals import CONCEALED, NO_PERMISSION
from model.licences import Product, Publisher, Seat, Sku
from model.session import Database
from model.usage import SeatUse, SourceHealth
from workflows.policy import Policy
from workflows.positions.use_sql import KEPT_DAYS
from workflows.reclaim.evidence import MICROSOFT, SeatVerdict, each_verdict

#: Rows written at once.
BATCH = 1000
NOT_YET = "its seats are looked at in the coming night for the first time"
NOT_CONNECTED = "no report of use is connected yet"


@dataclass(frozen=True)
class TeamUse:
    """Of one person's seats: how many look idle, and of how many that is not known."""

    idle: int
    unknown: int
    judged: int


def judge_all(database: Database, policy: Policy, today: date, product_ids: Collection[int] | None = None) -> int:
    """Judge the open seats of all products, or of some, anew; returns how many seats were judged.

    What is read is one picture of the data; it is written a thousand seats at a time, for on SQLite nobody else writes
    meanwhile, and a press waits for less than three seconds.
    """
    with database.reading() as connection:
        held = select(Seat.product_id).where(Seat.ended_at.is_(None)).distinct()
        ids = set(connection.execute(held.union(select(SeatUse.product_id))).scalars())
    judged = 0
    for product_id in sorted(ids if product_ids is None else ids.intersection(product_ids)):
        with database.reading() as connection:
            found = each_verdict(connection, policy, product_id, today)
            while part := [_row(one, product_id, today) for one in islice(found, BATCH)]:
                with database.unit_of_work() as work:
                    seats = [row["seat_id"] for row in part]
                    work.connection.execute(delete(SeatUse).where(SeatUse.seat_id.in_(seats)))
                    work.connection.execute(insert(SeatUse), part)
                    work.commit()
                judged += len(part)
        with database.unit_of_work() as work:
            still = select(Seat.id).where(Seat.product_id == product_id, Seat.ended_at.is_(None))
            gone = SeatUse.product_id == product_id, SeatUse.seat_id.not_in(still)
            work.connection.execute(delete(SeatUse).where(*gone))
            work.commit()
    return judged


def _row(one: SeatVerdict, product_id: int, today: date) -> dict[str, Any]:
    return {
        "seat_id": one.seat_id,
        "product_id": product_id,
        "sku_id": one.sku_id,
        "person_id": one.person_id,
        "verdict": one.verdict.value,
        "rule": one.rule,
        "idle_days": one.evidence["rule"]["idle_days"],
        "taken": one.may_be_taken,
        "judged_on": today,
    }


def of_people(connection: Connection, person_ids: Collection[int], today: date) -> dict[int, TeamUse]:
    """What looks idle of each person's open seats; people of whom nothing was judged lately are left out.

    A seat held by two paths is one seat, and in use when either says so.
    """
    rows = connection.execute(
        select(SeatUse.person_id, SeatUse.product_id, SeatUse.sku_id, SeatUse.verdict)
        .join(Seat, Seat.id == SeatUse.seat_id)
        .where(
            SeatUse.person_id.in_(person_ids),
            SeatUse.judged_on > today - timedelta(days=KEPT_DAYS),
            Seat.ended_at.is_(None),
        )
    )
    said: dict[tuple[int, int, int], set[str]] = {}
    for row in rows:
        said.setdefault((row.person_id, row.product_id, row.sku_id), set()).add(row.verdict)
    counts: dict[int, Counter[str]] = {}
    for (person_id, _, _), kinds in said.items():
        kind = next((one for one in (Kind.ACTIVE, Kind.LITTLE_USED, Kind.UNKNOWN) if one in kinds), Kind.IDLE)
        counts.setdefault(person_id, Counter())[kind] += 1
    return {
        person_id: TeamUse(found[Kind.IDLE], found[Kind.UNKNOWN], found.total()) for person_id, found in counts.items()
    }


def why_not_known(connection: Connection, product_ids: Collection[int]) -> dict[int, str]:
    """Why nothing can be said of the use of these products, in words for the reader, where nothing can be."""
    health = {row.source: row.state for row in connection.execute(select(SourceHealth.source, SourceHealth.state))}
    rows = connection.execute(
        select(
            Product.id,
            Product.name,
            Publisher.name.label("publisher"),
            func.max(Sku.sku_id).label("guid"),
            func.max(Sku.part_number).label("part_number"),
        )
        .join(Publisher, Publisher.id == Product.publisher_id)
        .outerjoin(Sku, Sku.product_id == Product.id)
        .where(Product.id.in_(product_ids))
        .group_by(Product.id, Product.name, Publisher.name)
    )
    new = _not_judged_yet(connection, product_ids)
    found = {}
    for row in rows:
        microsoft = bool(row.guid) or row.publisher.casefold().startswith(MICROSOFT)
        evidence = evidence_of(row.name, row.part_number or "", row.guid or "", microsoft=microsoft)
        states = {one: health.get(one) for one in evidence.needs if health.get(one) not in (None, "fine")}
        if states:
            source, state = next(iter(states.items()))
            found[row.id] = _trouble(source, str(state))
        elif row.id in new and any(one in health for one in evidence.needs):
            found[row.id] = NOT_YET
        elif any(one in health for one in evidence.needs):
            found[row.id] = "its seats are too new, or their holders are in no report"
        else:
            found[row.id] = NOT_CONNECTED if len(evidence.counts) > 1 else evidence.silent
    return found


def _not_judged_yet(connection: Connection, product_ids: Collection[int]) -> set[int]:
    """Products with open seats of which none was ever judged."""
    held = exists().where(Seat.product_id == Product.id, Seat.ended_at.is_(None))
    judged = exists().where(SeatUse.product_id == Product.id)
    return set(connection.execute(select(Product.id).where(Product.id.in_(product_ids), held, ~judged)).scalars())


def _trouble(source: str, state: str) -> str:
    if state == CONCEALED:
        return "Microsoft hides the names in its reports"
    if state == NO_PERMISSION:
        return f"Seatkeeper has no permission to read the {named(source)}"
    return f"the {named(source)} is not up to date" if state == "stale" else f"the {named(source)} cannot be read"
