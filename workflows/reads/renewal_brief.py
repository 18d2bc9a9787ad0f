"""Reads what a renewal's brief shows: dates, use, peak, forecast, prices, budget, and how a decision stands.

Every product and tier of the contract has its figures; the chart and the forecast are those of the dearest one.
A contract with something missing is read all the same: what is missing and who can fill it is part of the brief.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import Connection, exists, func, or_, select

from licensing.money import Money, Sums, yearly
from licensing.position.facts import Metric
from licensing.renewal.dates import Occasion
from licensing.renewal.offer import Suggestion, term_cost
from licensing.renewal.terms import FILLED_BY, Term
from licensing.words import joined
from model.licences import Seat
from model.people import Person, Role, RoleGrant
from model.renewals import Renewal, RenewalDecision, RenewalState
from model.usage import SeatUse
from workflows.policy import Policy
from workflows.positions.compute import Computed, positions
from workflows.positions.times import Times
from workflows.reads.people import people
from workflows.reads.positions import use_seen
from workflows.reads.prices import budgets
from workflows.reads.renewal_decision import decision_facts, standing
from workflows.reads.renewal_facts import (
    BriefFacts,
    LineFacts,
    MoneyFacts,
    ProductFacts,
    UseFacts,
)
from workflows.reads.true_ups import with_reported
from workflows.renewals import chart as charts
from workflows.renewals import night
from workflows.renewals.need import paid_next
from workflows.renewals.outlook import outlook, planned
from workflows.renewals.subjects import UPKEEP, Bought, Subject, subjects

#: Ways of counting of which a number of seats can be said to do for the next term.
_BY_HEADS = (Metric.NAMED_USER, Metric.DEVICE, Metric.CONCURRENT)
_NO_USE = UseFacts(None, None, None, 0, None, None, None, "seats")
NOT_COUNTED = "nothing says how many are in use"
UNSETTLED = "names nobody settled may be this product"
NOT_BOUGHT = "a purchase beside it has no quantity"
NOT_BY_HEADS = "it is not counted by people or devices"
BY_PERIOD = "use is counted by the period, and a period says little about the next"


def subject_of(connection: Connection, policy: Policy, row: Renewal, now: datetime) -> Subject | None:
    """What a renewal is about; None when it is gone from the register and from Microsoft."""
    wanted = [row.contract_id] if row.contract_id is not None else None
    key = (row.contract_id, row.subscription_id)
    found = subjects(connection, policy, now, wanted)
    return next((one for one in found if (one.contract_id, one.subscription_id) == key), None)


def brief(
    connection: Connection,
    policy: Policy,
    renewal_id: int,
    now: datetime,
    *,
    forecast: Literal["undecided", "always", "never"] = "undecided",
) -> BriefFacts | None:
    """Everything about one renewal; None when it, or what it is about, is gone.

    `forecast` says when months and forecast are counted, which takes a second: nobody who pressed a button waits for
    them, and a message needs them for a decision only.
    """
    stored = connection.execute(select(*Renewal.__table__.c).where(Renewal.id == renewal_id)).one_or_none()
    if stored is None:
        return None
    row = Renewal(**stored._mapping)
    subject = subject_of(connection, policy, row, now)
    if subject is None:
        return None
    due = night.stored(connection, row.id, row.occasion, row.starts_on, row.ends_on)
    bought = sorted(subject.bought, key=_dearest_first)
    lines = tuple(_line(one) for one in bought)
    main = bought[0] if bought else None
    term = paid_next(subject, Occasion(row.occasion), row.ends_on)
    groups = _grouped(bought)
    floor = subject.commit_floor if len(groups) == 1 else None
    counted = _counted(connection, groups, now)
    found = counted[0] if counted else None
    use = _use(found)
    undecided = row.state in (RenewalState.OPEN, RenewalState.BRIEFED, RenewalState.DEFERRED)
    look, looked_at = None, forecast == "always" or (forecast == "undecided" and undecided)
    if looked_at and main is not None and main.product_id is not None and term is not None:
        look = outlook(connection, main.product_id, main.sku_id, term.starts_on, term.ends_on, now)
        if look.peak is not None:
            use = replace(use, peak=(look.peak.first, look.peak.seats))
    products = tuple(
        _product(connection, group, here, term, floor, now.date()) for group, here in zip(groups, counted, strict=True)
    )
    if products:
        products = (replace(products[0], use=use), *products[1:])
    if row.occasion in (Occasion.ANNIVERSARY, Occasion.TRUE_UP):
        products = with_reported(connection, subject, row.ends_on, products, counted, now)
    senders = _procurement(connection, now)
    decision = standing(connection, row.id)
    ids = [row.owner_id or subject.owner_id, *senders]
    known = people(connection, ids)
    owner = known.get(row.owner_id or subject.owner_id or 0)
    named = tuple(known[one] for one in senders if one in known) or ((owner,) if owner is not None else ())
    vendor, _, number = subject.name.partition(", ")
    return BriefFacts(
        id=row.id,
        version=row.version,
        state=RenewalState(row.state),
        due=due,
        vendor=vendor,
        contract=number if subject.contract_id is not None else "",
        lines=lines,
        main=lines[0] if lines else None,
        product_id=main.product_id if main is not None else None,
        owner=owner,
        senders=named,
        auto_renew=subject.agreement.auto_renew,
        receipt_counts=subject.agreement.receipt_counts,
        next_term=(term.starts_on, term.ends_on) if term is not None else None,
        floor=floor,
        use=use,
        money=_money(connection, subject, main, term, row.id),
        suggestion=products[0].suggestion if products else None,
        suggestion_unknown=products[0].suggestion_unknown if products else NOT_COUNTED,
        outlook=look,
        chart=charts.chart(main.product, look) if look is not None and main is not None and look.history else None,
        missing=joined([FILLED_BY[one][0] for one in subject.missing]),
        missing_by=joined(sorted({FILLED_BY[one][1].replace("_", " ") for one in subject.missing}), "or"),
        words=row.words,
        deferred_until=row.deferred_until,
        decision=decision_facts(connection, decision, lines, policy.renewals.ask_holders_days) if decision else None,
        needs_freed=_above(decision, products),
        products=products,
        commit_floor=subject.commit_floor,
    )


def _dearest_first(one: Bought) -> tuple[bool, Any, str, int]:
    price = one.line.unit_price
    worth = price.amount * (one.line.quantity or 0) if price is not None else 0
    return price is None, -worth, one.product, one.entitlement_id or 0


def _line(one: Bought) -> LineFacts:
    line = one.line
    return LineFacts(
        one.entitlement_id, one.product, line.quantity, line.unit_price, line.cycle, line.announced, line.rise
    )


# -- use ---------------------------------------------------------------------------------------------------------------


def _grouped(bought: Sequence[Bought]) -> list[list[Bought]]:
    """Purchases by product and tier, in their order: several of one product are judged together."""
    found: dict[object, list[Bought]] = {}
    for at, one in enumerate(bought):
        upkeep = one.product.startswith(UPKEEP)  # what is bought once is held apart from what is bought for a term
        key = (one.product_id, one.sku_id, upkeep) if one.product_id is not None else at
        found.setdefault(key, []).append(one)
    return list(found.values())


def _counted(connection: Connection, groups: Sequence[Sequence[Bought]], now: datetime) -> list[Computed | None]:
    """The position of each group's product: of its tier, or of the whole product."""
    wanted = sorted({group[0].product_id for group in groups if group[0].product_id is not None})
    by_product: dict[int, list[Computed]] = {one: [] for one in wanted}
    if wanted:
        for computed in positions(connection, Times.today(now), wanted):
            by_product[computed.subject.product_id].append(computed)
    return [_position_of(group[0], by_product) for group in groups]


def _position_of(one: Bought, by_product: Mapping[int, Sequence[Computed]]) -> Computed | None:
    found = by_product.get(one.product_id or 0, ())
    own = [each for each in found if each.subject.sku_id == one.sku_id]
    whole = [each for each in found if each.subject.sku_id is None]
    return next(iter(own or whole or (found if len(found) == 1 else [])), None)


def _product(
    connection: Connection,
    group: Sequence[Bought],
    found: Computed | None,
    term: Term | None,
    floor: int | None,
    today: date,
) -> ProductFacts:
    use = _use(found)
    suggestion, unknown = _suggestion(connection, group, found, use, term, floor, today)
    lines = [one.line for one in group]
    return ProductFacts(
        name=group[0].product,
        product_id=group[0].product_id,
        sku_id=group[0].sku_id,
        lines=tuple(_line(one) for one in group),
        use=use,
        suggestion=suggestion,
        suggestion_unknown=unknown,
        next_costs=term_cost(lines, term.starts_on, term.ends_on) if term is not None else Sums.of([None]),
    )


def _use(found: Computed | None) -> UseFacts:
    if found is None:
        return _NO_USE
    idle, unknown = use_seen(found.facts, found.position)
    position = found.position
    sure = position.consumed is not None and not position.undecided
    return UseFacts(
        in_use=int(position.consumed) if sure and position.consumed is not None else None,
        peak=None,
        idle=idle,
        unknown=unknown,
        free=int(position.surplus) if position.surplus is not None else None,
        short=int(position.shortfall) if position.shortfall is not None else None,
        exposed=position.at_risk,
        counted_by=f"{position.metric.noun}s",
        least=int(position.consumed) if position.consumed is not None and position.undecided else None,
        undecided=position.undecided,
    )


def _suggestion(
    connection: Connection,
    group: Sequence[Bought],
    found: Computed | None,
    use: UseFacts,
    term: Term | None,
    floor: int | None,
    today: date,
) -> tuple[Suggestion | None, str]:
    """How many would do, with its parts; else why nobody can say."""
    main = group[0]
    if found is None or use.in_use is None or main.product_id is None:
        return None, NOT_COUNTED if use.least is None else UNSETTLED
    if found.position.metric not in _BY_HEADS:
        return None, BY_PERIOD if found.position.metric is Metric.CONSUMPTION else NOT_BY_HEADS
    apart = 0
    bought = [one.line.quantity for one in group]
    if found.position.entitled is None and not found.position.unlimited and None not in bought:
        return None, NOT_BOUGHT
    if found.position.entitled is not None and None not in bought:
        apart = max(0, int(found.position.entitled) - sum(one for one in bought if one is not None))
    until = term.ends_on if term is not None else today
    leaving = _leaving(connection, main.product_id, main.sku_id, today, until)
    plan = planned(connection, main.product_id, main.sku_id, today, until)
    hired = sum((one.seats for one in plan), Decimal(0))
    return Suggestion(use.in_use, use.idle or 0, leaving, hired, floor, apart), ""


def _leaving(connection: Connection, product_id: int, sku_id: int | None, today: date, until: date) -> int:
    """Holders whose last day comes before the next term is over and whose seat does not look idle: each counts once."""
    idle = exists().where(SeatUse.seat_id == Seat.id, SeatUse.verdict.in_(("idle", "little_used")))
    rows = (
        select(func.count(Seat.person_id.distinct()))
        .join(Person, Person.id == Seat.person_id)
        .where(
            Seat.product_id == product_id,
            *([Seat.sku_id == sku_id] if sku_id is not None else []),
            Seat.ended_at.is_(None),
            Person.active,
            Person.leaves_on >= today,
            Person.leaves_on <= until,
            ~idle,
        )
    )
    return int(connection.execute(rows).scalar_one())


# -- money -------------------------------------------------------------------------------------------------------------


def _money(connection: Connection, subject: Subject, main: Bought | None, term: Term | None, own: int) -> MoneyFacts:
    lines = [one.line for one in subject.bought]
    total = term_cost(lines, term.starts_on, term.ends_on) if term is not None and lines else Sums.of([None])
    price = main.line.unit_price if main is not None else None
    if not subject.cost_centre:
        return MoneyFacts(total, None, "no cost centre is recorded", "")
    year = term.starts_on.year if term is not None else 0
    left = {key[1]: money for key, money in budgets(connection, [subject.cost_centre], year, own).items()}
    if price is not None and price.currency in left:
        return MoneyFacts(total, left[price.currency], "", subject.cost_centre)
    unknown = f"none is recorded for {subject.cost_centre} in {year}"
    return MoneyFacts(total, None, unknown, subject.cost_centre)


def fewer_a_year(line: LineFacts, fewer: int) -> Money | None:
    """What so many units fewer cost less in a year; None where no price is recorded or it is paid once."""
    each = yearly(line.unit_price, line.cycle) if line.unit_price is not None else None
    return each * fewer if each is not None else None


# -- the decision ------------------------------------------------------------------------------------------------------


def _procurement(connection: Connection, now: datetime) -> tuple[int, ...]:
    rows = connection.execute(
        select(Person.id)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .where(
            RoleGrant.role == Role.PROCUREMENT,
            RoleGrant.began_at <= now,
            or_(RoleGrant.ended_at.is_(None), RoleGrant.ended_at > now),
            Person.active,
        )
        .order_by(Person.name)
    ).scalars()
    return tuple(dict.fromkeys(rows))


def _above(decision: RenewalDecision | None, products: Sequence[ProductFacts]) -> int | None:
    """Units in use of the product decided about above those that remain, its other purchases counted."""
    if decision is None or decision.verdict != "reduce" or decision.quantity is None:
        return None
    mine = [one for one in products if any(line.entitlement_id == decision.entitlement_id for line in one.lines)]
    product = mine[0] if mine else products[0] if len(products) == 1 else None
    if product is None or product.use.in_use is None:
        return None
    others = [one.quantity for one in product.lines if one.entitlement_id != decision.entitlement_id]
    beside = 0 if decision.entitlement_id is None else sum(one or 0 for one in others)
    return max(0, product.use.in_use - decision.quantity - beside)
