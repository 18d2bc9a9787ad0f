"""Seats that are more than is needed: covered by another of the same person, or larger than what is used (rules §7).

Not the ground idleness: whoever uses such a seat every day loses nothing, or a swap gives what they use. What cannot be
read is "not checked" and wants a tick of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection, select

from licensing.idle.fit import covered_by, rightsizing
from licensing.suites import CoverRow, Covers, microsoft
from licensing.words import isolate
from model.contracts import SuiteCover
from model.licences import Product, Seat, SeatReturn, Sku
from model.usage import LastUse
from workflows.policy import Policy
from workflows.reclaim import evidence
from workflows.reclaim.evidence import SeatVerdict

#: Reasons to leave a seat out of a campaign about use that say nothing about a seat that is covered or too large.
NOT_ABOUT_NEED = frozenset({"new_seat", "new_hire"})
MAILBOX, APPS = "mailbox", "m365_apps"


def redundant(
    connection: Connection, policy: Policy, product_id: int, today: date, seat_ids: Collection[int] | None = None
) -> dict[int, tuple[SeatVerdict, str]]:
    """Seats that another seat of the same person covers wholly, each with the sentence that names it."""
    judged = _judged(connection, policy, product_id, today, seat_ids)
    keys, covers, names = _keys(connection), _covers(connection), _names(connection)
    held = _held_by(connection, {one.person_id for one in judged.values()})
    found = {}
    for seat_id, one in judged.items():
        own = keys[one.sku_id]
        others = {key for seat, key in held[one.person_id] if seat != seat_id}
        by = covered_by(own, others, covers)
        if by:
            found[seat_id] = (one, f"{isolate(names.get(by, 'Another seat of theirs'))} includes it.")
    return found


def too_big(
    connection: Connection,
    policy: Policy,
    product_id: int,
    to_sku_id: int,
    today: date,
    seat_ids: Collection[int] | None = None,
) -> dict[int, tuple[SeatVerdict, str, str]]:
    """Seats for which the smaller tier would do, each with the sentence and what was not checked ("" for nothing)."""
    judged = _judged(connection, policy, product_id, today, seat_ids)
    to = connection.execute(
        select(Sku.sku_id, Sku.part_number, Sku.tier, Product.name)
        .join(Product, Product.id == Sku.product_id)
        .where(Sku.id == to_sku_id)
    ).one_or_none()
    if to is None or not to.sku_id:
        return {}
    keys, facts = _keys(connection), _facts(connection, {one.person_id for one in judged.values()})
    found = {}
    for seat_id, one in judged.items():
        own = keys[one.sku_id]
        if one.sku_id == to_sku_id or own == to.sku_id:
            continue
        fit = rightsizing(own, to.sku_id, facts.get((one.person_id, MAILBOX)), facts.get((one.person_id, APPS)))
        if fit.offered:
            name = isolate(to.tier or to.name)
            found[seat_id] = (one, f"{name} would do for what is stored and used.", "; ".join(fit.not_checked))
    return found


def _judged(
    connection: Connection, policy: Policy, product_id: int, today: date, seat_ids: Collection[int] | None
) -> dict[int, SeatVerdict]:
    """Seats nothing but their newness leaves out."""
    return {
        one.seat_id: one
        for one in evidence.each_verdict(connection, policy, product_id, today, seat_ids)
        if not one.excluded or one.excluded_code in NOT_ABOUT_NEED
    }


def _keys(connection: Connection) -> Mapping[int, str]:
    """How the cover table names each SKU: by the vendor's id, or by our row where the vendor gives none."""
    rows = connection.execute(select(Sku.id, Sku.sku_id))
    return {row.id: row.sku_id or f"row:{row.id}" for row in rows}


def _names(connection: Connection) -> dict[str, str]:
    keys = _keys(connection)
    rows = connection.execute(select(Sku.id, Product.name).join(Product, Product.id == Sku.product_id))
    return {keys[row.id].casefold(): row.name for row in rows}


def _covers(connection: Connection) -> Covers:
    """Microsoft's plans and the company's own word, which wins (rules §1)."""
    skus: dict[int, list[str]] = defaultdict(list)
    keys = _keys(connection)
    for row in connection.execute(select(Sku.id, Sku.product_id)):
        skus[row.product_id].append(keys[row.id])
    said = connection.execute(select(SuiteCover.suite_product_id, SuiteCover.part_product_id, SuiteCover.covers))
    own = tuple(
        CoverRow(suite, part, "the company's own word", row.covers)
        for row in said
        for suite in skus[row.suite_product_id]
        for part in skus[row.part_product_id]
    )
    return microsoft(own)


def _held_by(connection: Connection, people: Collection[int]) -> dict[int, list[tuple[int, str]]]:
    """By person: their open seats with the key of the SKU; one that is on its way back covers nothing."""
    keys = _keys(connection)
    found: dict[int, list[tuple[int, str]]] = defaultdict(list)
    going = select(SeatReturn.seat_id).where(SeatReturn.state.in_(["confirmed", "removing"]))
    rows = connection.execute(
        select(Seat.id, Seat.person_id, Seat.sku_id).where(
            Seat.ended_at.is_(None), Seat.person_id.in_(people), Seat.id.not_in(going)
        )
    )
    for row in rows:
        found[row.person_id].append((row.id, keys[row.sku_id]))
    return found


def _facts(connection: Connection, people: Collection[int]) -> dict[tuple[int, str], Mapping[str, Any]]:
    """What a person stores and uses, by source; somebody a report does not name is not checked."""
    rows = connection.execute(
        select(LastUse.person_id, LastUse.source, LastUse.facts).where(
            LastUse.person_id.in_(people), LastUse.source.in_([MAILBOX, APPS])
        )
    )
    return {(row.person_id, row.source): row.facts or {} for row in rows}
