"""Machines, what runs on them and what was bought for it, into the demo's database: one function for each table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import insert, select, update

from bot.seed_titles import Raw, store_titles
from model.alerts import DeviceIdentity, DeviceReport, InventorySource, SourceState
from model.contracts import Contract, Entitlement, EntitlementRight, Exclusion, SuiteCover
from model.events import Happened, Tag
from model.inventory import Installation, MeterReading, UsageSignal, UseSession
from model.licences import Granting, Product, Publisher
from model.people import Device, Role
from model.session import UnitOfWork
from model.usage import LastUse
from sandbox import agents
from sandbox.inventory import Bought, Inventory
from workflows.inventory import owners
from workflows.inventory_sources import accept_baseline

OPERATOR = "operator:set-up"
AGENT = "fusioninventory"
_IMPORT = "import"
_MORNING = time(8)


@dataclass(frozen=True)
class Known:
    """Row ids of what is stored, by the keys of the company's tables; filled on as more is."""

    people: Mapping[str, int]
    products: dict[str, int]
    tiers: Mapping[str, int]  # by part number
    contracts: dict[str, int]


def store(work: UnitOfWork, inventory: Inventory, known: Known, began: datetime) -> list[tuple[datetime, Happened]]:
    """Everything of the inventory; `began` is when Seatkeeper came. Returns what happened, to be put on record."""
    _products(work, inventory, known)
    _contracts(work, inventory, known, began)
    happened = _purchases(work, inventory, known, began)
    devices = _devices(work, inventory, known, began)
    _exclusions(work, inventory, known, devices, began)
    _covers(work, inventory, known, began)
    titles = store_titles(work, inventory, known.people, known.products, began)
    _installations(work, inventory, devices, titles, began)
    _reports(work, inventory, known, devices, began)
    _sessions(work, inventory, known, devices, began)
    _readings(work, inventory, known, began)
    _signals(work, inventory, known, began)
    counts = {"devices": len(devices), "titles": len(titles), "installations": len(inventory.copies)}
    happened.append((began, Happened(Tag.REGISTRY_IMPORTED, OPERATOR, "registry:inventory", counts)))
    return happened + _decisions(inventory, known, titles)


# -- the register ------------------------------------------------------------------------------------------------------


def _products(work: UnitOfWork, inventory: Inventory, known: Known) -> None:
    """Products nobody orders in a form: they have no SKU. And how long a holder may be silent."""
    publishers = {row.name: row.id for row in work.connection.execute(select(Publisher.id, Publisher.name))}
    for name in sorted({one.publisher for one in inventory.products} - publishers.keys()):
        row = Publisher(name=name)
        work.session.add(row)
        work.session.flush()
        publishers[name] = row.id
    for one in inventory.products:
        product = Product(
            publisher_id=publishers[one.publisher],
            name=one.name,
            key=one.key,
            owner_id=known.people[one.owner],
            granting=Granting.OWNER_TASK,
            metric=one.metric,
            list_price=one.list_price,
            list_currency=one.list_currency,
            list_cycle=one.list_cycle,
        )
        work.session.add(product)
        work.session.flush()
        known.products[one.key] = product.id
    for key, days in inventory.idle_after.items():
        work.connection.execute(update(Product).where(Product.id == known.products[key]).values(idle_after_days=days))


def _contracts(work: UnitOfWork, inventory: Inventory, known: Known, began: datetime) -> None:
    for one in inventory.papers:
        row = Contract(
            vendor=one.vendor,
            number=one.number,
            starts_on=one.starts_on,
            ends_on=one.ends_on,
            notice_count=one.notice_count,
            notice_unit=one.notice_unit,
            auto_renew=one.auto_renew,
            owner_id=known.people[one.owner],
            cost_centre=one.cost_centre,
            true_up_price=one.true_up,
            true_up_currency=one.true_up_currency,
            penalty=one.penalty,
            recorded_at=max(began, datetime.combine(one.starts_on, _MORNING, UTC)),
        )
        work.session.add(row)
        work.session.flush()
        known.contracts[one.number] = row.id


def _purchases(
    work: UnitOfWork, inventory: Inventory, known: Known, began: datetime
) -> list[tuple[datetime, Happened]]:
    """Purchases with their rights; one made since Seatkeeper came is an entry on record of its own."""
    happened = []
    for one in inventory.purchases:
        row = _entitlement(one, known, began)
        work.session.add(row)
        work.session.flush()
        work.session.add_all(
            EntitlementRight(entitlement_id=row.id, name=name, evidence=evidence, recorded_at=row.recorded_at)
            for name, evidence in one.rights
        )
        if row.recorded_at > began:
            facts = {"purchase": one.reference, "quantity": one.quantity, "product": row.product_id}
            event = Happened(Tag.REGISTRY_CHANGED, OPERATOR, f"entitlement:{row.id}", facts)
            happened.append((row.recorded_at, event))
    work.session.flush()
    return happened


def _entitlement(one: Bought, known: Known, began: datetime) -> Entitlement:
    per_processor, per_server, per_virtual, pack = one.cores or (0, 0, 0, 1)
    return Entitlement(
        reference=one.reference,
        product_id=known.products[one.product],
        sku_id=known.tiers[one.of_tier] if one.of_tier else None,
        contract_id=known.contracts[one.contract] if one.contract else None,
        metric=one.metric,
        kind=one.kind,
        quantity=one.quantity,
        version=one.version,
        unit_price=one.price,
        currency=one.currency,
        billing_cycle=one.cycle,
        overage_price=one.overage,
        maintenance_price=one.maintenance,
        maintenance_until=one.maintenance_until,
        acquired_on=one.starts_on,
        starts_on=one.starts_on,
        ends_on=one.ends_on,
        cores_per_processor=per_processor,
        cores_per_server=per_server,
        cores_per_virtual=per_virtual,
        pack=pack,
        sites=list(one.sites),
        proof=one.proof,
        supplier=one.supplier,
        recorded_at=max(began, datetime.combine(one.starts_on, _MORNING, UTC)),
    )


def _exclusions(
    work: UnitOfWork, inventory: Inventory, known: Known, devices: Mapping[str, int], began: datetime
) -> None:
    work.session.add_all(
        Exclusion(
            reference=one.reference,
            product_id=known.products[one.product],
            device_id=devices[one.device],
            right=one.right,
            evidence=one.evidence,
            starts_on=one.starts_on,
            ends_on=one.ends_on,
            recorded_at=began,
        )
        for one in inventory.left_out
    )
    work.session.flush()


def _covers(work: UnitOfWork, inventory: Inventory, known: Known, began: datetime) -> None:
    work.session.add_all(
        SuiteCover(
            suite_product_id=known.products[suite],
            part_product_id=known.products[part],
            source=source,
            recorded_at=began,
        )
        for suite, part, source in inventory.covers
    )
    work.session.flush()


# -- machines and what runs on them ------------------------------------------------------------------------------------


def _devices(work: UnitOfWork, inventory: Inventory, known: Known, began: datetime) -> dict[str, int]:
    """Row ids by name; hosts come before the machines on them."""
    ids: dict[str, int] = {}
    for one in sorted(inventory.machines, key=lambda machine: bool(machine.host)):
        row = Device(
            identity=one.name.casefold(),
            name=one.name,
            kind=one.kind,
            host_id=ids[one.host] if one.host else None,
            processors=one.processors,
            cores=one.cores,
            threads=one.threads,
            system=one.system,
            site=one.site,
            person_id=known.people[one.person] if one.person else None,
            person_source=one.known,
            state=one.state,
            retired_by_id=known.people[one.retired_by] if one.retired_by else None,
            retired_on=one.retired_on,
            first_seen_at=one.first_seen,
            last_seen_at=one.last_seen,
            software_at=one.last_seen,
            recorded_at=max(began, one.first_seen),
            fields={"without a person": one.no_person} if one.no_person else {},
        )
        work.session.add(row)
        work.session.flush()
        ids[one.name] = row.id
    return ids


def _installations(
    work: UnitOfWork, inventory: Inventory, devices: Mapping[str, int], titles: Mapping[Raw, int], began: datetime
) -> None:
    """What was there before Seatkeeper came is adopted; what came later, nothing authorised."""
    _insert(
        work,
        Installation,
        [
            {
                "device_id": devices[one.device],
                "title_id": titles[one.raw_title, one.raw_publisher],
                "version": one.version,
                "source": AGENT,
                "began_at": one.since,
                "ended_at": one.until,
                "recorded_at": max(began, one.since),
                "end_recorded_at": one.until,
                "authorised_by": "baseline" if one.since <= began else "nothing",
            }
            for one in inventory.copies
        ],
    )


def _reports(work: UnitOfWork, inventory: Inventory, known: Known, devices: Mapping[str, int], began: datetime) -> None:
    """Who the devices are to their source, and that each reported daily: a scan meets them and whose they are."""
    identities, reports = [], []
    for one in inventory.machines:
        seen = {"device_id": devices[one.name], "first_seen_at": one.first_seen, "last_seen_at": one.last_seen}
        identities.append(seen | {"kind": "deviceid", "value": agents.device_id(one)})
        identities.append(seen | {"kind": "uuid", "value": agents.hardware_id(one)})
        person_id = known.people[one.person] if one.person else None
        reports += [
            {"device_id": devices[one.name], "at": at, "source": AGENT, "person_id": person_id, "software": True}
            for at in (one.last_seen - timedelta(days=days) for days in reversed(range(owners.LAST)))
            if at >= one.first_seen
        ]
    _insert(work, DeviceIdentity, identities)
    _insert(work, DeviceReport, reports)
    last = max(one.last_seen for one in inventory.machines)
    source = InventorySource(
        name=AGENT,
        state=SourceState.OBSERVE,
        since=began,
        day=last.date(),
        day_devices=len(devices),
        last_day_devices=len(devices),
        last_report_at=last,
    )
    work.session.add(source)
    work.session.flush()


def accept(work: UnitOfWork, by: int, now: datetime) -> None:
    """A licence manager accepts what the agents reported until the demo begins: nothing of it alerts (rules §3)."""
    source_id = work.connection.execute(select(InventorySource.id).where(InventorySource.name == AGENT)).scalar_one()
    accept_baseline(work, source_id, by, {Role.LICENCE_MANAGER}, now)


def _sessions(
    work: UnitOfWork, inventory: Inventory, known: Known, devices: Mapping[str, int], began: datetime
) -> None:
    _insert(
        work,
        UseSession,
        [
            {
                "product_id": known.products[one.product],
                "reference": f"{one.device} {one.began_at:%Y-%m-%dT%H:%M}",
                "person_id": known.people[one.person] if one.person else None,
                "device_id": devices[one.device],
                "began_at": one.began_at,
                "ended_at": one.ended_at,
                "recorded_at": max(began, one.ended_at),
            }
            for one in inventory.sessions
        ],
    )


def _readings(work: UnitOfWork, inventory: Inventory, known: Known, began: datetime) -> None:
    _insert(
        work,
        MeterReading,
        [
            {
                "product_id": known.products[one.product],
                "meter": one.meter,
                "from_on": one.from_on,
                "to_on": one.to_on,
                "units": one.units,
                "recorded_at": max(began, datetime.combine(one.to_on, time(23), UTC)),
            }
            for one in inventory.readings
        ],
    )


def _signals(work: UnitOfWork, inventory: Inventory, known: Known, began: datetime) -> None:
    _insert(
        work,
        UsageSignal,
        [
            {
                "product_id": known.products[product],
                "person_id": known.people[person],
                "device_id": None,
                "kind": _IMPORT,
                "day": day,
                "recorded_at": max(began, datetime.combine(day, time(23), UTC)),
            }
            for product, person, day in inventory.used
        ],
    )

    # the list of use that the company exports each week names everybody it knows, whether they used it or not
    exported = max((day for _, _, day in inventory.used), default=None)
    last: dict[tuple[str, str], date] = {}
    for product, person, day in inventory.used:
        last[product, person] = max(day, last.get((product, person), day))
    _insert(
        work,
        LastUse,
        [
            {
                "product_id": known.products[product],
                "person_id": known.people[person],
                "source": _IMPORT,
                "used_on": day,
                "as_of": exported,
                "read_at": datetime.combine(exported, time(23), UTC),
            }
            for (product, person), day in last.items()
            if exported is not None
        ],
    )


def _insert(work: UnitOfWork, table: Any, rows: list[dict[str, Any]]) -> None:
    work.connection.execute(insert(table), rows)


def _decisions(inventory: Inventory, known: Known, titles: Mapping[Raw, int]) -> list[tuple[datetime, Happened]]:
    found = []
    for one in inventory.decisions:
        subject = f"title:{titles[one.raw_title, one.raw_publisher]}"
        actor, facts = f"person:{known.people[one.by]}", {"product": known.products[one.product]}
        found.append((one.at, Happened(Tag.REGISTRY_CHANGED, actor, subject, facts)))
    return found
