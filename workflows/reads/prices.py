"""Seats, prices, costs and budgets, for any number of SKUs at once."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, and_, func, or_, select

from licensing.money import Cycle, Money, cost_to_end, share
from model.contracts import Contract, Entitlement
from model.licences import Budget, Sku
from model.positions import seat_figures
from model.renewals import Renewal, RenewalDecision, RenewalState
from model.requests import LicenceRequest, LineState, RequestLine, Status
from workflows.reads.facts import BudgetLeft, Charge, Price, SeatNumbers

PRICE_NOT_RECORDED = "the price is not recorded"
#: Requests whose cost is spent or promised.
_SPENDING = (Status.APPROVED, Status.WAITING_FOR_SEAT, Status.FULFILLING, Status.FULFILLED, Status.FAILED)
#: Renewals whose decision is promised or carried out; of those that others still have to agree to as well.
_RENEWING = (RenewalState.DECIDED, RenewalState.PROOF_AWAITED, RenewalState.DONE, RenewalState.ROLLED_OVER)


def seat_numbers(connection: Connection, sku_ids: Collection[int], now: datetime) -> dict[int, SeatNumbers]:
    """Bought, in use, free and waited for, by SKU row id."""
    if not sku_ids:
        return {}
    figures = seat_figures(connection, sku_ids, now.date())
    waiting = connection.execute(
        select(LicenceRequest.sku_id, func.count())
        .join(RequestLine, RequestLine.request_id == LicenceRequest.id)
        .where(LicenceRequest.sku_id.in_(sku_ids), RequestLine.state == LineState.QUEUED)
        .group_by(LicenceRequest.sku_id)
    )
    queued = {row[0]: row[1] for row in waiting}
    return {
        sku_id: SeatNumbers(
            bought=one.enabled if one.known else None,
            in_use=one.consumed,
            reserved=one.reserved,
            free=one.free if one.known else None,
            waiting=queued.get(sku_id, 0),
            unlimited=one.known and one.enabled is None,
            source="Microsoft 365" if one.source == "vendor" else "the licence register",
            read_at=one.read_at if one.source == "vendor" else now,  # the register is counted as it is read
            unknown="" if one.known else "no purchase is recorded",
        )
        for sku_id, one in figures.items()
    }


def prices(connection: Connection, sku_ids: Collection[int], today: date) -> dict[int, Price]:
    """The newest purchase in force, else the one that ended last; of the SKU itself before those of its product."""
    if not sku_ids:
        return {}
    rows = connection.execute(
        select(
            Sku.id,
            Entitlement.sku_id,
            Entitlement.unit_price,
            Entitlement.currency,
            Entitlement.billing_cycle,
            Entitlement.starts_on,
            func.coalesce(Entitlement.ends_on, Contract.ends_on).label("ends_on"),
        )
        .join(
            Entitlement,
            and_(
                Entitlement.product_id == Sku.product_id,
                or_(Entitlement.sku_id == Sku.id, Entitlement.sku_id.is_(None)),
            ),
        )
        .outerjoin(Contract, Contract.id == Entitlement.contract_id)
        .where(Sku.id.in_(sku_ids), Entitlement.starts_on <= today)
    ).all()
    found: dict[int, Price] = {sku_id: Price(None, "year", None, PRICE_NOT_RECORDED) for sku_id in sku_ids}
    best: dict[int, tuple[bool, bool, bool, date]] = {}
    for sku_id, own, unit, currency, cycle, starts_on, ends_on in rows:
        in_force = ends_on is None or ends_on >= today
        rank = (in_force, own is not None, unit is not None and currency is not None, starts_on)
        if sku_id in best and rank <= best[sku_id]:
            continue
        best[sku_id] = rank
        term = ends_on if in_force else None
        if unit is None or currency is None:
            found[sku_id] = Price(None, _cycle(cycle), term, PRICE_NOT_RECORDED)
        else:
            found[sku_id] = Price(Money(unit, currency), _cycle(cycle), term)
    return found


def _cycle(stored: str) -> Cycle:
    if stored == "month":
        return "month"
    return "once" if stored == "once" else "year"


def charge(price: Price, buys: int, today: date) -> Charge:
    """What buying that many seats today spends to the end of the term."""
    if buys <= 0:
        return Charge(0, None, price.ends_on, None, None)
    if price.unit is None:
        return Charge(buys, None, price.ends_on, None, None, price.unknown)
    yearly = price.yearly
    return Charge(
        buys=buys,
        to_end=cost_to_end(price.unit, price.cycle, today, price.ends_on, buys),
        ends_on=price.ends_on,
        share=share(price.cycle, today, price.ends_on),
        then_yearly=yearly * buys if yearly else None,
    )


def budgets(
    connection: Connection, cost_centres: Collection[str], year: int, apart_from: int | None = None
) -> dict[tuple[str, str], Money]:
    """What is left this calendar year, by cost centre and currency: the budget less what was decided to be bought.

    A renewal counts whole in the year its decided term begins in; one that is looked at is left out by its id.
    """
    if not cost_centres:
        return {}
    planned = connection.execute(
        select(Budget.cost_centre, Budget.currency, Budget.amount).where(
            Budget.cost_centre.in_(cost_centres), Budget.year == year
        )
    ).all()
    spent = connection.execute(
        select(LicenceRequest.cost_centre, LicenceRequest.currency, LicenceRequest.cost).where(
            LicenceRequest.cost_centre.in_(cost_centres),
            LicenceRequest.purchase.is_(True),
            LicenceRequest.status.in_(_SPENDING),
            LicenceRequest.cost.is_not(None),
            func.extract("year", LicenceRequest.decided_at) == year,
        )
    ).tuples()
    renewed = connection.execute(
        select(Contract.cost_centre, RenewalDecision.currency, RenewalDecision.total)
        .join(Renewal, Renewal.id == RenewalDecision.renewal_id)
        .join(Contract, Contract.id == Renewal.contract_id)
        .where(
            Contract.cost_centre.in_(cost_centres),
            RenewalDecision.replaced_at.is_(None),
            RenewalDecision.total.is_not(None),
            Renewal.state.in_(_RENEWING),
            Renewal.ends_on.between(date(year - 1, 12, 31), date(year, 12, 30)),  # the day before it begins
            *([Renewal.id != apart_from] if apart_from is not None else []),
        )
    ).tuples()
    used: dict[tuple[str, str], Decimal] = {}
    for centre, currency, cost in [*spent, *renewed]:
        used[centre, currency] = used.get((centre, currency), Decimal(0)) + cost
    return {
        (centre, currency): Money(amount - used.get((centre, currency), Decimal(0)), currency)
        for centre, currency, amount in planned
    }


def budget_left(known: dict[tuple[str, str], Money], cost_centre: str, price: Price) -> BudgetLeft:
    """The budget an approval of something at this price is held against."""
    if not cost_centre:
        return BudgetLeft("", None, "no cost centre is recorded")
    if price.unit is None:
        ours = [money for (centre, _), money in known.items() if centre == cost_centre]
        return BudgetLeft(cost_centre, ours[0] if len(ours) == 1 else None, "" if len(ours) == 1 else price.unknown)
    left = known.get((cost_centre, price.unit.currency))
    return BudgetLeft(cost_centre, left, "" if left is not None else f"no budget in {price.unit.currency} is recorded")
