"""What is used of what renews, and what a date nobody decided by costs: reads for the night, the card and the command.

Use is the position's own count, of the metric the purchase is counted by; where it is not known nothing is offered.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import Connection, select

from licensing.money import months_later
from licensing.renewal.dates import Due, Occasion, due
from licensing.renewal.offer import Missed, Needed, buffer_of, missed
from licensing.renewal.terms import ONE_DAY, Term, terms
from model.licences import Sku
from model.positions import seat_figures
from workflows.policy import Policy
from workflows.positions.compute import positions
from workflows.positions.times import Times
from workflows.renewals.subjects import Bought, Subject


@dataclass(frozen=True)
class Use:
    """Units of one product and tier: in use (None: not known) and reserved, and those free or idle for a year."""

    in_use: int | None
    reserved: int = 0
    entitled: int | None = None


def used(connection: Connection, bought: Collection[Bought], now: datetime) -> Mapping[tuple[int, int | None], Use]:
    """By product and tier; a purchase for the whole product finds the sum of its tiers under None."""
    products = {one.product_id for one in bought if one.product_id is not None}
    if not products:
        return {}
    skus = connection.execute(select(Sku.id, Sku.product_id).where(Sku.product_id.in_(products))).all()
    figures = seat_figures(connection, [row.id for row in skus], now.date()) if skus else {}
    found: dict[tuple[int, int | None], Use] = {}
    kept: dict[int, int] = {}
    for row in skus:
        kept[row.product_id] = kept.get(row.product_id, 0) + figures[row.id].reserved
    for computed in positions(connection, Times.today(now), sorted(products)):
        subject, position = computed.subject, computed.position
        reserved = figures[subject.sku_id].reserved if subject.sku_id else kept.get(subject.product_id, 0)
        here = Use(
            None if position.consumed is None or position.undecided else int(position.consumed),
            reserved,
            None if position.entitled is None else int(position.entitled),
        )
        found[subject.product_id, subject.sku_id] = here
        found[subject.product_id, None] = _together(found.get((subject.product_id, None)), here)
    return found


def _together(first: Use | None, second: Use) -> Use:
    if first is None:
        return second
    unknown = first.in_use is None or second.in_use is None
    return Use(None if unknown else (first.in_use or 0) + (second.in_use or 0), first.reserved + second.reserved)


def needed(use: Mapping[tuple[int, int | None], Use], one: Bought, floor: int | None, policy: Policy) -> Needed:
    """The lowest offer's parts for one purchase."""
    here = use.get((one.product_id, one.sku_id)) if one.product_id is not None else None
    here = here or (use.get((one.product_id, None)) if one.product_id is not None else None) or Use(None)
    rules = policy.renewals
    return Needed(
        here.in_use,
        here.reserved,
        buffer_of(here.in_use, rules.spare_per_cent, rules.spare_at_least),
        floor,
    )


def next_term(subject: Subject, ends_on: date) -> Term | None:
    """The term that follows the one that ends on a day, where the contract goes on by itself."""
    return next((term for term in terms(subject.agreement) if term.starts_on > ends_on), None)


def paid_next(subject: Subject, occasion: Occasion, ends_on: date) -> Term | None:
    """The days a decision pays for: the next term, also where it begins only because it is renewed; after an
    anniversary the year that follows, to the end of the term at most."""
    if occasion in (Occasion.ANNIVERSARY, Occasion.TRUE_UP):
        first, last = ends_on + ONE_DAY, subject.agreement.ends_on
        year = months_later(first, 12) - ONE_DAY
        if last is not None and last > ends_on:
            return Term(first, min(year, last))
    going_on = replace(subject.agreement, auto_renew=True)
    return next((term for term in terms(going_on) if term.starts_on > ends_on), None)


def miss(connection: Connection, subject: Subject, occasion: Due, policy: Policy, now: datetime) -> Missed | None:
    """What letting the date pass costs until the next; None where nothing goes on, or where nothing is on record.

    A contract with several purchases is told by the one that costs most too much.
    """
    term = next_term(subject, occasion.ends_on)
    if term is None:
        return None
    after = due(subject.agreement, subject.calendar, occasion.ends_on + ONE_DAY, term.ends_on)
    following = next((one for one in after if one.occasion is occasion.occasion), None)
    use = used(connection, subject.bought, now)
    alone = len(subject.bought) == 1
    found = [
        missed(
            one.line,
            needed(use, one, subject.commit_floor if alone else None, policy).lowest,
            max(term.starts_on, occasion.ends_on + ONE_DAY),
            term.ends_on,
            following.decide_by if following is not None else None,
            one.noun,
        )
        for one in subject.bought
    ]
    return max(found, key=lambda one: (one.cost is not None, one.cost.amount if one.cost else 0), default=None)
