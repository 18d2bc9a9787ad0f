"""What a true-up or statement reports of each product: what was bought, and what is used above it (rules §9).

A true-up that counts the peak takes it from the positions kept each night, which are the register's own count. A period
that began before the first of them has no peak that is known, and nothing is guessed: a person fills the number in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import Connection, exists, select

from licensing.money import months_later
from licensing.renewal.offer import true_up_units
from model.inventory import PositionRow, PositionRun
from workflows.positions.compute import Computed
from workflows.reads.renewal_facts import ProductFacts
from workflows.renewals.subjects import Subject

_KEPT = "nightly"


def with_reported(
    connection: Connection,
    subject: Subject,
    ends_on: date,
    products: Sequence[ProductFacts],
    counted: Sequence[Computed | None],
    now: datetime,
) -> tuple[ProductFacts, ...]:
    """The products of a statement whose period ends on a day, each with the units it reports; None: not known."""
    found, seen = [], set()
    for product, computed in zip(products, counted, strict=True):
        bought = product.quantity
        if bought is None or computed is None:
            found.append(product)
            continue
        position = computed.position
        thing = computed.subject.key, position.metric
        above: int | None = 0
        if position.entitled is None and not position.unlimited:
            above = None  # what was bought apart is not known, so neither is what is above it
        elif thing not in seen and not position.unlimited:
            peak = None
            if subject.true_up_peak:
                peak = peak_of(connection, computed, period_first(subject, ends_on), min(ends_on, now.date()))
            in_all = max(bought, int(position.entitled or 0))  # what was bought apart covers its part of the use
            above = true_up_units(in_all, product.use.in_use, peak, counts_peak=subject.true_up_peak)
        seen.add(thing)  # two kinds of purchase of one product are short together, and only once
        found.append(replace(product, reported=bought + above if above is not None else None))
    return tuple(found)


def period_first(subject: Subject, ends_on: date) -> date:
    """First day of the true-up period that ends on a day: periods are years from the one the contract states."""
    first = subject.agreement.true_up_from or subject.agreement.starts_on
    years = 0
    while months_later(first, 12 * (years + 1)) <= ends_on:
        years += 1
    return months_later(first, 12 * years)


def peak_of(connection: Connection, computed: Computed, first: date, last: date) -> int | None:
    """Most units in use on a night of the period; None where it began before the nights that were kept."""
    before = exists().where(PositionRun.kind == _KEPT, PositionRun.at <= first)
    if not connection.execute(select(before)).scalar():
        return None
    product_id, sku_id = computed.subject.product_id, computed.subject.sku_id
    rows = connection.execute(
        select(PositionRow.figures)
        .join(PositionRun, PositionRun.id == PositionRow.run_id)
        .where(
            PositionRun.kind == _KEPT,
            PositionRun.at.between(first, last),
            PositionRow.product_id == product_id,
            PositionRow.sku_id == sku_id if sku_id is not None else PositionRow.sku_id.is_(None),
            PositionRow.metric == computed.position.metric.value,
        )
    ).scalars()
    units = [int(float(one["consumed"])) for one in rows if one.get("consumed") is not None]
    return max(units, default=0)
