"""What a contract that goes on by itself gives on a day whose term nobody has written down (rules §9).

The night writes each next term (`rollover`). A register that was filled from files and is only asked has no night, and
its contracts looked ended on the last day that was imported. Nothing is written here: the same rows are read as the
night would leave them, at the prices on record. A contract whose cancellation was proved has ended.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, select

from licensing.renewal.dates import Occasion
from licensing.renewal.terms import Agreement, Length, terms
from model.renewals import Renewal, RenewalDecision, RenewalState
from workflows.renewals.subjects import PERPETUAL, RENEWING

#: An order that begins so soon after a term's end is the next term's; a later one adds to it.
ORDER_BEGINS = timedelta(days=31)
Row = dict[str, Any]


@dataclass(frozen=True)
class GoneOn:
    """A contract that went on: the last day on record, the ends that went by since, the last day of the term now."""

    ended_on: date
    passed: tuple[date, ...]
    until: date


def followed(purchase: Row, ordered: Sequence[Row], ended_on: date) -> bool:
    """Whether the same product and tier has a purchase on record that begins with the next term, and not within it."""
    thing = purchase["product_id"], purchase["sku_id"]
    return any(
        (one["product_id"], one["sku_id"]) == thing and ended_on < one["starts_on"] <= ended_on + ORDER_BEGINS
        for one in ordered
    )


def gone_on(connection: Connection, contracts: Mapping[int, Row], day: date) -> dict[int, GoneOn]:
    """By contract: those that are in a later term on `day` than the one on record."""
    found = {number: moved for number, row in contracts.items() if (moved := _moved(row, day)) is not None}
    if not found:
        return {}
    cancelled = (
        select(Renewal.contract_id, Renewal.ends_on)
        .join(RenewalDecision, RenewalDecision.renewal_id == Renewal.id)
        .where(
            Renewal.contract_id.is_not(None),
            Renewal.occasion == Occasion.TERM.value,
            Renewal.state == RenewalState.DONE,
            RenewalDecision.verdict == "cancel",
            RenewalDecision.replaced_at.is_(None),
        )
    )
    over = {(contract_id, ends_on) for contract_id, ends_on in connection.execute(cancelled).tuples()}
    return {number: one for number, one in found.items() if (number, one.ended_on) not in over}


def _moved(contract: Row, day: date) -> GoneOn | None:
    first, last = contract["starts_on"], contract["ends_on"]
    if not contract["auto_renew"] or last is None or not first <= last < day:
        return None
    months, days = contract["term_months"] or 0, contract["term_days"] or 0
    length = Length(months, days) if months or days else None
    passed: list[date] = []
    for term in terms(Agreement(first, last, auto_renew=True, length=length)):
        if term.starts_on <= last:
            continue
        if term.ends_on >= day:
            return GoneOn(last, tuple(passed), term.ends_on)
        passed.append(term.ends_on)
    return None


def carried_on(purchases: Iterable[Row], moved: Mapping[int, GoneOn]) -> list[Row]:
    """Purchases of all contracts, those of the contracts that went on with the days that go with the term now."""
    found = list(purchases)
    orders: dict[int, list[Row]] = {number: [] for number in moved}
    for one in found:
        went = moved.get(one["contract_id"])
        if went is not None and one["kind"] in RENEWING and one["starts_on"] > went.ended_on:
            orders[one["contract_id"]].append(one)
    return [
        one if (went := moved.get(one["contract_id"])) is None else one | _days(one, went, orders[one["contract_id"]])
        for one in found
    ]


def _days(one: Row, went: GoneOn, ordered: Collection[Row]) -> Row:
    if one["kind"] == PERPETUAL:
        return {"maintenance_until": went.until} if one["maintenance_until"] == went.ended_on else {}
    if one["kind"] not in RENEWING:
        return {}
    ends = went.passed if one["starts_on"] > went.ended_on else (None, went.ended_on)
    if one["ends_on"] not in ends:
        return {}
    last = one["ends_on"] or went.ended_on
    return {"ends_on": last if followed(one, list(ordered), last) else went.until}
