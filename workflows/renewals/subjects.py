"""What renews: contracts of the register and subscriptions as Microsoft lists them, in the shape the rules want.

A subscription whose purchase stands under a contract with an end is that contract's matter: it is told of once.
Microsoft gives dates and units, the customer the price (rules §9). Reads only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, case, func, or_, select

from licensing.business_time import WorkCalendar
from licensing.money import Cycle, Money
from licensing.position.facts import Metric
from licensing.renewal.offer import Line
from licensing.renewal.terms import Agreement, Length, Missing, Notice, Programme, Unit, missing
from model.contracts import Contract, Entitlement
from model.licences import Product, Sku
from model.people import Person
from model.renewals import Renewal
from model.usage import VendorSubscription
from workflows.deadlines import calendar_of
from workflows.facts import PersonFacts
from workflows.policy import Policy
from workflows.reads.prices import prices
from workflows.register.prices import announced

#: Kinds of purchases that a contract's next term takes along; of perpetual ones it is the maintenance that renews.
PERPETUAL = "perpetual"
RENEWING = ("subscription", "saas", "concurrent", "consumption")
#: What the maintenance of a perpetual purchase is called, before its product's name.
UPKEEP = "maintenance of "
_ENABLED = "Enabled"


@dataclass(frozen=True)
class Bought:
    """A purchase that renews: whose product, how many, at which price. `entitlement_id` None: as Microsoft lists it.

    `noun` is what one of it is called, by what the purchase counts.
    """

    product_id: int | None
    product: str
    line: Line
    entitlement_id: int | None = None
    sku_id: int | None = None
    key: str = ""
    product_owner_id: int | None = None
    noun: str = "seat"


@dataclass(frozen=True)
class Subject:
    """One contract or subscription: its dates' rules, whose it is, what it holds. Exactly one of the ids is set.

    `owner_id` is who answers for it, else who looks after its only product. `wrong` says why its term makes no sense.
    """

    agreement: Agreement
    calendar: WorkCalendar
    name: str  # "Northwind, K-1"
    bought: tuple[Bought, ...]
    contract_id: int | None = None
    subscription_id: int | None = None
    owner_id: int | None = None
    cost_centre: str = ""
    commit_floor: int | None = None
    told_days: tuple[int, ...] = ()
    true_up_peak: bool = False
    wrong: str = ""

    @property
    def products(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.product for one in self.bought))

    @property
    def product_owners(self) -> frozenset[int]:
        return frozenset(one.product_owner_id for one in self.bought if one.product_owner_id is not None)

    @property
    def missing(self) -> tuple[Missing, ...]:
        """What is not recorded; a price is missing when any line that costs again has none, or there is no line."""
        priced = bool(self.bought) and all(one.line.unit_price is not None for one in self.bought)
        return missing(self.agreement, priced=priced, owned=self.owner_id is not None)

    def key(self) -> tuple[str, int]:
        """Tells subjects apart."""
        return ("contract", self.contract_id) if self.contract_id is not None else ("subscription", self._sub)

    @property
    def _sub(self) -> int:
        return self.subscription_id or 0


def calendar_for(owner: PersonFacts | None, policy: Policy) -> WorkCalendar:
    """Working days of the owner's country; absences move no contract's date. Nobody: the policy's week alone."""
    facts = owner or PersonFacts(id=0, name="")
    return replace(calendar_of(facts, policy), absent=())


def subjects(
    connection: Connection, policy: Policy, now: datetime, contract_ids: Collection[int] | None = None
) -> list[Subject]:
    """Contracts by number, then subscriptions by their id; some contracts when ids are given."""
    found = list(_contracts(connection, policy, now, contract_ids))
    return found if contract_ids is not None else [*found, *_subscriptions(connection, policy, now)]


def _contracts(connection: Connection, policy: Policy, now: datetime, ids: Collection[int] | None) -> Iterator[Subject]:
    query = select(Contract.__table__).order_by(Contract.number)
    rows = connection.execute(query.where(Contract.id.in_(ids)) if ids is not None else query).all()
    bought = _bought(connection, [row.id for row in rows] if ids is not None else None, now.date())
    owners: dict[int, int | None] = {row.id: _owner(row.owner_id, bought.get(row.id, ())) for row in rows}
    people = _people(connection, owners.values())
    for row in rows:
        owner_id = owners[row.id]
        agreement, wrong = _agreement(row)
        yield Subject(
            agreement=agreement,
            calendar=calendar_for(people.get(owner_id or 0), policy),
            name=f"{row.vendor}, {row.number}",
            bought=bought.get(row.id, ()),
            contract_id=row.id,
            owner_id=owner_id,
            cost_centre=row.cost_centre,
            commit_floor=row.commit_floor,
            told_days=tuple(row.told_days or ()),
            true_up_peak=row.true_up_peak,
            wrong=wrong,
        )


def _agreement(row: Row[Any]) -> tuple[Agreement, str]:
    """The rules' view of a contract's row; a term that runs backwards counts as one without an end."""
    wrong = "its last day is before its first" if row.ends_on is not None and row.ends_on < row.starts_on else ""
    known = row.notice_count is not None and row.notice_unit in {unit.value for unit in Unit}
    programme = row.programme if row.programme in {one.value for one in Programme} else ""
    return (
        Agreement(
            starts_on=row.starts_on,
            ends_on=None if wrong else row.ends_on,
            notice=Notice(row.notice_count, Unit(row.notice_unit)) if known else None,
            auto_renew=row.auto_renew,
            receipt_counts=row.receipt_counts,
            delivery_days=row.delivery_days,
            programme=Programme(programme),
            length=Length(row.term_months or 0, row.term_days or 0) if row.term_months or row.term_days else None,
            true_up=row.true_up_price is not None or row.true_up_from is not None,
            true_up_from=row.true_up_from,
        ),
        wrong,
    )


def _owner(owner_id: int | None, bought: Collection[Bought]) -> int | None:
    if owner_id is not None:
        return owner_id
    owners = {one.product_owner_id for one in bought}
    return owners.pop() if len(owners) == 1 else None


def _bought(connection: Connection, contract_ids: Collection[int] | None, today: date) -> dict[int, tuple[Bought, ...]]:
    """Purchases by contract that the next term takes along: those in force, else those that begin later.

    Of a contract whose last day is over and which is not closed yet: those in force on that day.
    """
    day_of = case((Contract.ends_on < today, Contract.ends_on), else_=today)
    query = (
        select(
            Entitlement.__table__,
            Product.name,
            Product.key,
            Product.owner_id,
            Sku.tier,
            Contract.ends_on.label("term_ends"),
        )
        .join(Product, Product.id == Entitlement.product_id)
        .join(Contract, Contract.id == Entitlement.contract_id)
        .outerjoin(Sku, Sku.id == Entitlement.sku_id)
        .where(
            Entitlement.contract_id.is_not(None),
            or_(
                Entitlement.kind.in_(RENEWING),
                and_(
                    Entitlement.kind == PERPETUAL,
                    Entitlement.maintenance_price.is_not(None),
                    or_(Entitlement.maintenance_until.is_(None), Entitlement.maintenance_until >= day_of),
                ),
            ),
            or_(Entitlement.ends_on.is_(None), Entitlement.ends_on >= day_of),
        )
        .order_by(Product.name, Entitlement.starts_on, Entitlement.id)
    )
    if contract_ids is not None:
        query = query.where(Entitlement.contract_id.in_(contract_ids))
    found: dict[int, list[Bought]] = {}
    rows = connection.execute(query).all()
    running = {_thing(row) for row in rows if not _of_next_term(row)}
    for row in rows:
        if _of_next_term(row) and _thing(row) in running:
            continue  # the order of the next term is on record already, and is no second one
        upkeep = row.kind == PERPETUAL
        each = row.maintenance_price if upkeep else row.unit_price
        price = Money(each, row.currency) if each is not None and row.currency else None
        quantity = row.quantity if row.quantity_known else None
        name = f"{row.name}, {row.tier}" if row.tier else row.name
        found.setdefault(row.contract_id, []).append(
            Bought(
                product_id=row.product_id,
                product=f"{UPKEEP}{name}" if upkeep else name,
                line=Line(
                    quantity,
                    price,
                    "year" if upkeep else _cycle(row.billing_cycle),
                    None if upkeep else announced(row.fields, row.currency),
                ),
                entitlement_id=row.id,
                sku_id=row.sku_id,
                key=row.key,
                product_owner_id=row.owner_id,
                noun=Metric(row.metric).noun,
            )
        )
    return {contract_id: tuple(lines) for contract_id, lines in found.items()}


def _of_next_term(row: Row[Any]) -> bool:
    """Whether a purchase begins only after the term that is to be decided about."""
    return bool(row.term_ends is not None and row.starts_on > row.term_ends)


def _thing(row: Row[Any]) -> tuple[int, int, int | None, bool]:
    return row.contract_id, row.product_id, row.sku_id, row.kind == PERPETUAL


def _cycle(stored: str) -> Cycle:
    if stored == "month":
        return "month"
    return "once" if stored == "once" else "year"


def _people(connection: Connection, ids: Collection[int | None]) -> dict[int, PersonFacts]:
    wanted = {one for one in ids if one is not None}
    rows = connection.execute(
        select(Person.id, Person.name, Person.country, Person.time_zone).where(Person.id.in_(wanted))
    )
    return {row.id: PersonFacts(row.id, row.name, country=row.country, time_zone=row.time_zone) for row in rows}


def _subscriptions(connection: Connection, policy: Policy, now: datetime) -> Iterator[Subject]:
    under_contract = (
        select(Entitlement.sku_id)
        .join(Contract, Contract.id == Entitlement.contract_id)
        .where(Contract.ends_on >= now.date(), Entitlement.sku_id.is_not(None))
    )
    rows = connection.execute(
        select(VendorSubscription.__table__, Sku.id.label("sku"), Sku.tier, Product.id.label("product"), Product.name,
               Product.key, Product.owner_id)
        .outerjoin(Sku, Sku.sku_id == VendorSubscription.sku_guid)
        .outerjoin(Product, Product.id == Sku.product_id)
        .where(
            VendorSubscription.gone_at.is_(None),
            VendorSubscription.status == _ENABLED,
            or_(Sku.id.is_(None), Sku.id.not_in(under_contract)),
        )
        .order_by(VendorSubscription.id)
    ).all()  # fmt: skip
    known = prices(connection, [row.sku for row in rows if row.sku is not None], now.date())
    before = {
        row.subscription_id: row.last
        for row in connection.execute(
            select(Renewal.subscription_id, func.max(Renewal.ends_on).label("last"))
            .where(Renewal.subscription_id.is_not(None), Renewal.ends_on < now.date(), Renewal.occasion == "term")
            .group_by(Renewal.subscription_id)
        )
    }
    people = _people(connection, [row.owner_id for row in rows])
    for row in rows:
        price = known.get(row.sku or 0)
        product = row.name or row.part_number or row.sku_guid
        shown = f"{product}, {row.tier}" if row.tier else product
        bought = Bought(
            product_id=row.product,
            product=shown,
            line=Line(row.units, price.unit if price else None, price.cycle if price else "year"),
            sku_id=row.sku,
            key=row.key or "",
            product_owner_id=row.owner_id,
        )
        yield Subject(
            agreement=of_subscription(row.created_on, row.next_change_on, before.get(row.id)),
            calendar=calendar_for(people.get(row.owner_id or 0), policy),
            name=f"Microsoft, {shown}",
            bought=(bought,),
            subscription_id=row.id,
            owner_id=row.owner_id,
        )


def of_subscription(created_on: date | None, next_change_on: date | None, last_end: date | None) -> Agreement:
    """A subscription's dates as an agreement of new commerce.

    Microsoft names the day of the next change, so the day before it is the last one to act on. How long a term is
    it does not say: it is what lies between two renewals we saw, else between purchase and first renewal up to a
    month, else a year. Whether it renews by itself is not readable either; it is taken to, since that is what costs.
    """
    end = next_change_on - timedelta(days=1) if next_change_on is not None else None
    if end is None:
        return Agreement(created_on or date.min, None, programme=Programme.NEW_COMMERCE)
    start, length = created_on, Length(months=12)
    if last_end is not None and last_end < end:
        start = last_end + timedelta(days=1)
        length = Length.between(start, end)
    elif created_on is not None and created_on <= end and Length.between(created_on, end).short:
        length = Length.between(created_on, end)
    if start is None or start > end:
        start = length.later(end + timedelta(days=1), -1)
    return Agreement(start, end, auto_renew=True, programme=Programme.NEW_COMMERCE, length=length)
