"""Short ways to let devices report software in the test office, and to look at what became of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update

from model.alerts import AlertPlace, InventorySource, RedAlert, SourceState
from model.inventory import Installation, Title
from model.licences import Granting, Product, Publisher
from model.people import Device
from model.session import UnitOfWork
from tests.whole import Whole
from workflows.alerts import looks
from workflows.effects import LookAtAlerts, enqueue

SOURCE = "fusioninventory"


def accepted(work: UnitOfWork, now: datetime, name: str = SOURCE, state: SourceState = SourceState.ACCEPTED) -> None:
    """A source as it stands."""
    work.session.add(InventorySource(name=name, state=state, since=now, accepted_at=now, accepted_counts={}))
    work.session.flush()


def product(work: UnitOfWork, key: str, name: str, now: datetime) -> tuple[int, int]:
    """A paid product of which nothing was bought, and the name devices report it by; their ids."""
    publisher = Publisher(name=f"{name} makers")
    work.session.add(publisher)
    work.session.flush()
    made = Product(
        publisher_id=publisher.id,
        name=name,
        key=key,
        granting=Granting.OWNER_TASK,
        licence_model="paid",
        metric="device",
    )
    work.session.add(made)
    work.session.flush()
    title = Title(
        raw_title=name, kind="product", product_id=made.id, confidence=100, first_seen_at=now, recorded_at=now
    )
    work.session.add(title)
    work.session.flush()
    return made.id, title.id


def device(work: UnitOfWork, name: str, person_id: int | None, now: datetime) -> int:
    made = Device(
        identity=name, name=name, person_id=person_id, site="Lyon", first_seen_at=now, last_seen_at=now, software_at=now
    )
    work.session.add(made)
    work.session.flush()
    return made.id


def installed(work: UnitOfWork, device_id: int, title_id: int, now: datetime, source: str = SOURCE) -> None:
    work.session.add(Installation(device_id=device_id, title_id=title_id, source=source, began_at=now, recorded_at=now))
    work.session.flush()


def reported(work: UnitOfWork, device_id: int, now: datetime, *, without: int | None = None) -> None:
    """A full list of software came; a title that is not on it any more ends."""
    work.connection.execute(
        update(Device).where(Device.id == device_id).values(software_at=now, last_seen_at=now, state="live")
    )
    if without is not None:
        work.connection.execute(
            update(Installation)
            .where(
                Installation.device_id == device_id,
                Installation.title_id == without,
                Installation.ended_at.is_(None),
            )
            .values(ended_at=now, end_recorded_at=now)
        )


def look(office: Whole, *product_ids: int) -> None:
    """As after an inventory; without products a complete run."""
    with office.work() as work:
        enqueue(work, [LookAtAlerts(product_ids)], office.now())
    office.settle()


def look_at(work: UnitOfWork, office: Whole) -> None:
    looks.look(work, office.service.rules(), None, office.now())


def the_alert(office: Whole) -> RedAlert:
    """The newest."""
    with office.database.unit_of_work() as work:
        return work.session.execute(select(RedAlert).order_by(RedAlert.id.desc()).limit(1)).scalar_one()


def places(office: Whole, alert_id: int) -> list[AlertPlace]:
    with office.database.unit_of_work() as work:
        query = select(AlertPlace).where(AlertPlace.alert_id == alert_id).order_by(AlertPlace.id)
        return list(work.session.execute(query).scalars())
