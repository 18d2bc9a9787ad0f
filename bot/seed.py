"""Fills the demo's database through the model: people by the real synchronisation, then the register and the past.

People, Slack accounts and seat figures arrive as the clients read them from the stand-ins, by the same operations as
every night. Only what no outside system knows comes from the company's tables: roles, absences, cost centres,
contracts, prices, owners, and what happened before the demo begins.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import select

from bot import seed_history, seed_inventory, seed_money
from integrations.graph_types import DirectoryUser, SubscribedSku
from model.contracts import Contract, Entitlement
from model.events import Happened, Tag
from model.licences import Alternative, Budget, Granting, Product, Publisher, Seat, Sku
from model.people import Person, Role, RoleGrant
from model.session import Database, UnitOfWork
from model.tickets import Meta, SyncRun
from sandbox import bills, inventory
from sandbox.company import Company, Software, Staff, Tier, catalogue_id
from sandbox.inventory import Inventory
from workflows import directory, matching
from workflows.effects import ReadMicrosoft365, enqueue

#: The row in `meta` that says the company is in; its value is the company's first day.
MARK = "demo"
OPERATOR = "operator:set-up"
#: Seatkeeper came into the company this long before the first request on record.
BEFORE_FIRST = timedelta(days=21)
#: Seats older than Seatkeeper began somewhere in these days.
_OLDEST = timedelta(days=1024)
_SPREAD_DAYS = 300


@dataclass(frozen=True)
class Outside:
    """What was read from the stand-ins."""

    users: Sequence[DirectoryUser]
    accounts: Sequence[matching.SlackAccount]
    skus: Sequence[SubscribedSku]


@dataclass
class Rows:
    """Row ids of what is stored, by the keys of the company's tables."""

    people: dict[str, int] = field(default_factory=dict)
    products: dict[str, int] = field(default_factory=dict)
    skus: dict[tuple[str, str], int] = field(default_factory=dict)  # product and tier
    contracts: dict[str, int] = field(default_factory=dict)


def is_seeded(database: Database) -> bool:
    """Whether the company is in this database."""
    with database.reading() as connection:
        return connection.execute(select(Meta.value).where(Meta.key == MARK)).scalar() is not None


def introduced_at(company: Company) -> datetime:
    """When Seatkeeper came into the company: before its first request."""
    return min(request.asked_at for request in company.past_requests) - BEFORE_FIRST


def seed(database: Database, company: Company, outside: Outside, now: datetime) -> bool:
    """Store the company in one transaction; False when it is there already. `now` is the company's time."""
    if is_seeded(database):
        return False
    with database.unit_of_work() as work:
        began = introduced_at(company)
        rows = Rows()
        directory.store_people(work, outside.users, began)
        matching.link_slack(work, outside.accounts, began)
        _people(work, company, rows, began)
        machines = inventory.load(company)
        _register(work, company, machines, rows, began)
        parts = {tier.part: rows.skus[one.key, tier.tier] for one in company.products.values() for tier in one.tiers}
        known = seed_inventory.Known(rows.people, rows.products, parts, rows.contracts)
        besides = seed_inventory.store(work, machines, known, began)
        seed_money.store(work, bills.load(company.day), rows.products, rows.contracts, began)
        seats = _seats(work, company, rows)
        seed_history.store(work, company, rows.people, rows.products, rows.skus, seats, besides)
        directory.store_people(work, outside.users, now)  # tonight's run: nothing changed, and the figures are fresh
        directory.store_figures(work, outside.skus, now, now)
        seed_inventory.accept(work, rows.people["dara"], now)
        enqueue(work, [ReadMicrosoft365()], now)  # seats, sign-ins and reports of use
        _slack_run(work, len(outside.accounts), now)
        work.session.add(Meta(key=MARK, value=company.day.isoformat()))
        work.commit()
    return True


def _slack_run(work: UnitOfWork, seen: int, now: datetime) -> None:
    run = SyncRun(source="slack", began_at=now, ended_at=now, outcome="done", counts={"seen": seen, "linked": 0})
    work.session.add(run)
    work.session.flush()
    work.record([Happened(Tag.SYNC_COMPLETED, "slack", f"sync:{run.id}", run.counts)], now)


# -- people ------------------------------------------------------------------------------------------------------------


def _people(work: UnitOfWork, company: Company, rows: Rows, began: datetime) -> None:
    """What only we know of them: cost centre, absence, deputy, last day, roles."""
    stored = {person.directory_id: person for person in work.session.execute(select(Person)).scalars()}
    found = {key: stored[staff.directory_id] for key, staff in company.people.items()}
    rows.people |= {key: person.id for key, person in found.items()}
    granted: list[tuple[Role, Person]] = []
    for key, staff in company.people.items():
        person = found[key]
        person.cost_centre = staff.department
        person.country = staff.country
        person.time_zone = staff.time_zone
        person.leaves_on = staff.leaves_on
        person.absent_from, person.absent_until = staff.absent_from, staff.absent_until
        person.deputy_id = rows.people[staff.deputy] if staff.deputy else None
        granted += [(Role(role), person) for role in staff.roles]
    happened = []
    for role, person in granted:
        work.session.add(RoleGrant(person_id=person.id, role=role, began_at=began))
        happened.append(Happened(Tag.ROLE_GRANTED, OPERATOR, f"person:{person.id}", {"role": role}))
    work.session.flush()
    work.record(happened, began)


# -- the register ------------------------------------------------------------------------------------------------------


def _register(work: UnitOfWork, company: Company, machines: Inventory, rows: Rows, began: datetime) -> None:
    """Publishers, products with tiers, contracts, purchases, budgets and alternatives, as one import on record."""
    publishers = {name: Publisher(name=name) for name in {one.publisher for one in company.products.values()}}
    work.session.add_all(publishers[name] for name in sorted(publishers))
    work.session.flush()
    for contract in company.contracts:
        row = Contract(
            vendor=contract.vendor,
            number=contract.number,
            starts_on=contract.starts_on,
            ends_on=contract.ends_on,
            notice_count=contract.notice_count,
            notice_unit=contract.notice_unit,
            auto_renew=contract.auto_renew,
            commit_floor=contract.floor,
            receipt_counts=contract.delivery_days is not None,
            delivery_days=contract.delivery_days or 0,
            programme=contract.programme,
            owner_id=rows.people[contract.owner],
            cost_centre=contract.cost_centre,
            recorded_at=began,
        )
        work.session.add(row)
        work.session.flush()
        rows.contracts[contract.number] = row.id
    for product in company.products.values():
        _product(work, company, machines, product, publishers[product.publisher].id, rows, began)
    work.session.add_all(
        Budget(cost_centre=centre, year=year, amount=amount, currency=currency)
        for year in (company.day.year, company.day.year + 1)
        for centre, amount, currency in company.budgets
    )
    work.session.add_all(
        Alternative(
            asked_product_id=rows.products[one.asked],
            held_product_id=rows.products[one.held],
            offered_name=one.offered,
            sentence=one.sentence,
            link=one.link,
        )
        for one in company.alternatives
    )
    work.session.flush()
    counts = {"products": len(rows.products), "tiers": len(rows.skus), "contracts": len(rows.contracts)}
    work.record([Happened(Tag.REGISTRY_IMPORTED, OPERATOR, "registry:set-up", counts)], began)


def _product(
    work: UnitOfWork,
    company: Company,
    machines: Inventory,
    product: Software,
    publisher_id: int,
    rows: Rows,
    began: datetime,
) -> None:
    group = company.group_of(product)
    row = Product(
        publisher_id=publisher_id,
        name=product.name,
        key=product.key,
        category=product.category,
        search_words=product.words,
        owner_id=rows.people[product.owner],
        granting=Granting(product.granting),
        group_id=group.id if group else None,
        catalog_item_id=catalogue_id(product.order_name) if product.order_name else None,
        purchase_item_id=catalogue_id(product.purchase_name) if product.purchase_name else None,
        admin_url=product.admin,
        lost_on_return=product.lost,
        ready_hint=product.ready,
    )
    work.session.add(row)
    work.session.flush()
    rows.products[product.key] = row.id
    for rank, tier in enumerate(product.tiers, start=1):
        sku = Sku(product_id=row.id, sku_id=tier.sku_id, part_number=tier.part, tier=tier.tier, rank=rank)
        work.session.add(sku)
        work.session.flush()
        rows.skus[product.key, tier.tier] = sku.id
        if product.owned:
            work.session.add(_purchase(company, machines, product, tier, sku, rows, began))


def _purchase(
    company: Company, machines: Inventory, product: Software, tier: Tier, sku: Sku, rows: Rows, began: datetime
) -> Entitlement:
    """The first purchase of a tier; units bought apart from it later are a purchase of their own."""
    contract = next((one for one in company.contracts if one.number == product.contract), None)
    starts_on = contract.starts_on if contract else product.bought_on
    return Entitlement(
        product_id=sku.product_id,
        sku_id=sku.id,
        contract_id=rows.contracts[contract.number] if contract else None,
        quantity=None if tier.bought is None else tier.bought - machines.bought_beside(tier.part),
        unit_price=tier.price,
        currency=tier.currency,
        billing_cycle=tier.cycle,
        acquired_on=product.bought_on,
        starts_on=starts_on or company.day,
        ends_on=contract.ends_on if contract else None,
        proof="" if product.key in machines.without_proof else f"Order confirmation {tier.part}",
        recorded_at=max(began, _morning(starts_on or company.day)),
    )


# -- seats -------------------------------------------------------------------------------------------------------------


def _seats(work: UnitOfWork, company: Company, rows: Rows) -> dict[tuple[str, str], Seat]:
    """Open seats by person and product, adopted from the time before Seatkeeper; requests refine some of them later."""
    seats: dict[tuple[str, str], Seat] = {}
    for product in company.products.values():
        group = company.group_of(product)
        for tier in product.tiers:
            for key in tier.holders:
                began_at = _morning(_held_since(company, company.people[key], product))
                seats[key, product.key] = Seat(
                    product_id=rows.products[product.key],
                    sku_id=rows.skus[product.key, tier.tier],
                    person_id=rows.people[key],
                    path=f"group:{group.id}" if group else "direct",
                    began_at=began_at,
                    recorded_at=max(began_at, introduced_at(company)),
                    authorised_by="baseline",
                )
    work.session.add_all(seats.values())
    work.session.flush()
    return seats


def _held_since(company: Company, person: Staff, product: Software) -> date:
    """Some day in the months before Seatkeeper came, the same each time; never before the person did."""
    first = company.day - _OLDEST  # 3 Feb 2024, seen from the example day
    spread = zlib.crc32(f"{person.key} {product.key}".encode()) % _SPREAD_DAYS
    day = first if product.category == "Office" else first + timedelta(days=spread)
    bought = product.bought_on or day
    return max(day, bought, person.starts_on or day)


def _morning(day: date) -> datetime:
    return datetime.combine(day, time(8), UTC)
