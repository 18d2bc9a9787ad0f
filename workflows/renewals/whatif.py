"""What a contract or product would cost under other assumptions: the facts that `licensing.renewal.whatif` needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from licensing.renewal.dates import Occasion
from licensing.renewal.whatif import AsIs, Part
from licensing.suites import covers
from model.contracts import Contract
from model.licences import Product, Seat, Sku
from workflows.policy import Policy
from workflows.reads.facts import Price
from workflows.reads.prices import prices
from workflows.reclaim.fits import own_covers, spelt
from workflows.renewals.need import needed, paid_next, used
from workflows.renewals.subjects import Subject, subjects


@dataclass(frozen=True)
class Renewing:
    """A purchase of a contract with what it is as things stand, and whose tiers and bundles it can be held against."""

    subject: Subject
    product_id: int
    as_is: AsIs


def renewing(connection: Connection, policy: Policy, number: str, now: datetime) -> list[Renewing]:
    """The purchases of one contract, by its number, that renew after its term; empty where none does."""
    found = connection.execute(
        select(Contract.id, Contract.ends_on).where(func.lower(Contract.number) == number.strip().lower())
    ).one_or_none()
    if found is None or found.ends_on is None:
        return []
    known = subjects(connection, policy, now, [found.id])
    made = []
    for subject in known:
        ends_on = subject.agreement.ends_on
        term = paid_next(subject, Occasion.TERM, ends_on) if ends_on is not None else None
        if term is None:
            continue
        use = used(connection, subject.bought, now)
        alone = len(subject.bought) == 1
        for one in subject.bought:
            if one.product_id is None:
                continue
            need = needed(use, one, subject.commit_floor if alone else None, policy)
            line = one.line
            as_is = AsIs(one.product, line.quantity, line.next_price, line.cycle, need, term.starts_on, term.ends_on)
            made.append(Renewing(subject, one.product_id, as_is))
    return made


def tier_price(connection: Connection, product_id: int, tier: str, now: datetime) -> Price | None:
    """The price in force of another tier of the same product; None where there is no such tier."""
    sku = connection.execute(
        select(Sku.id).where(Sku.product_id == product_id, func.lower(Sku.tier) == tier.strip().lower())
    ).scalar()
    return None if sku is None else prices(connection, [sku], now.date())[sku]


def parts_of(connection: Connection, product_id: int, bundle_id: int, now: datetime) -> tuple[Part, ...]:
    """Other products whose people hold this one too, and which the bundle covers: they would not be bought for them."""
    skus = connection.execute(select(Sku.id, Sku.product_id, Sku.sku_id)).all()
    named = {row.id: spelt(row.sku_id, row.id) for row in skus}
    bundles = [named[row.id] for row in skus if row.product_id == bundle_id]
    own = own_covers(connection)
    mine = select(Seat.person_id).where(Seat.product_id == product_id, Seat.ended_at.is_(None))
    held = connection.execute(
        select(Seat.sku_id, Product.name, func.count(func.distinct(Seat.person_id)))
        .join(Product, Product.id == Seat.product_id)
        .where(
            Seat.ended_at.is_(None),
            Seat.person_id.in_(mine),
            Seat.product_id.not_in([product_id, bundle_id]),
        )
        .group_by(Seat.sku_id, Product.name)
        .order_by(Product.name)
    ).all()
    wanted = [row for row in held if any(covers(bundle, named[row[0]], own) for bundle in bundles)]
    price_of = prices(connection, {row[0] for row in wanted}, now.date())
    return tuple(Part(row[1], row[2], price_of[row[0]].unit, price_of[row[0]].cycle) for row in wanted)
