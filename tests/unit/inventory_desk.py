"""A database that takes inventories: reports made by hand or read from the samples, and what is stored of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from jobs.tables import Job
from model.alerts import DeviceDoubt
from model.base import Base
from model.events import Event
from model.inventory import Installation, Title
from model.people import Device, Person, Role, RoleGrant
from model.session import Database, make_engine
from workflows.inventory import message
from workflows.inventory.dialects import fusion
from workflows.inventory.report import FoundKey, Report, Software
from workflows.inventory.take import Intake, Taken
from workflows.policy import Policy
from workflows.register.history import table_of
from workflows.rules import Rules

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
KEY = b"k" * 32
SAMPLES = Path(__file__).resolve().parents[1] / "data" / "inventories"
PHOTOSHOP = Software("Adobe Photoshop 2026", "Adobe Inc.", "27.0")
VISIO = Software("Microsoft Visio Professional 2021 - en-us", "Microsoft Corporation", "16.0.14332")
SEVEN_ZIP = Software("7-Zip 24.08 (x64)", "Igor Pavlov", "24.08")


def sample(name: str, **changes: Any) -> Report:
    """The report in a sample file."""
    said = message.read((SAMPLES / name).read_bytes())
    report = said.report if isinstance(said, fusion.Request) else said
    assert isinstance(report, Report)
    return replace(report, **changes)


def report(*software: Software, name: str = "PC-7", **changes: Any) -> Report:
    """A full report of a notebook, as an agent would send it now."""
    given: dict[str, Any] = {
        "source": "fusioninventory",
        "name": name,
        "agent": "FusionInventory-Agent_v2.6-3",
        "uuid": "",
        "serial": "",
        "deviceid": f"{name}-2026-01-15-08-30-00",
        "kind": "portable",
        "system": "Microsoft Windows 11 Pro 10.0.26100",
        "processors": 1,
        "cores": 8,
        "threads": 16,
        "software": software,
        "keys": (),
    }
    return Report(**(given | changes))


def licence(key: str, label: str = "Microsoft Office Professional 2021") -> FoundKey:
    return FoundKey(label, key)


class Desk:
    """Takes reports an hour apart unless a test moves the clock."""

    def __init__(self, database: Database, policy: Policy | None = None) -> None:
        self.database = database
        self.now = NOW
        self.woken = 0
        rules = Rules(policy or Policy(), 1)
        self.intake = Intake(database, lambda: rules, KEY, self._wake)

    def _wake(self) -> None:
        self.woken += 1

    def take(self, one: Report, *, days: float = 0) -> Taken:
        self.now += timedelta(days=days) if days else timedelta(hours=1)
        return self.intake.take(one, self.now)

    def rows(self, model: type, *columns: str) -> list[tuple[Any, ...]]:
        """Columns of all rows, by id."""
        table = table_of(model)
        with self.database.reading() as connection:
            found = connection.execute(select(*(table.c[name] for name in columns)).order_by(table.c.id))
            return [tuple(row) for row in found]

    def open_titles(self, device_id: int) -> set[str]:
        """Titles that are installed now."""
        with self.database.reading() as connection:
            found = connection.execute(
                select(Title.raw_title)
                .join(Installation, Installation.title_id == Title.id)
                .where(Installation.device_id == device_id, Installation.ended_at.is_(None))
            )
            return set(found.scalars())

    def device(self, device_id: int) -> dict[str, Any]:
        with self.database.reading() as connection:
            table = table_of(Device)
            return dict(connection.execute(select(table).where(table.c.id == device_id)).mappings().one())

    def doubts(self) -> list[tuple[int, int | None, str]]:
        return [(one, other, words) for one, other, words in self.rows(DeviceDoubt, "device_id", "other_id", "words")]

    def jobs(self) -> list[dict[str, Any]]:
        """Payloads of jobs that look for alerts."""
        with self.database.reading() as connection:
            return list(connection.execute(select(Job.payload).where(Job.kind == "alerts.look")).scalars())

    def tags(self) -> list[str]:
        with self.database.reading() as connection:
            return list(connection.execute(select(Event.tag).order_by(Event.id)).scalars())

    def sizes(self) -> dict[str, int]:
        """How many rows each table has."""
        with self.database.reading() as connection:
            return {
                name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for name, table in Base.metadata.tables.items()
            }


@contextmanager
def desk(url: str, policy: Policy | None = None) -> Iterator[Desk]:
    """A desk on this database."""
    database = Database(make_engine(url))
    try:
        yield Desk(database, policy)
    finally:
        database.dispose()


def person(office: Desk, email: str, *roles: Role) -> int:
    """Somebody in the staff directory, with roles; returns the id."""
    with office.database.unit_of_work() as work:
        one = Person(email=email, name=email.partition("@")[0].title())
        work.session.add(one)
        work.session.flush()
        for role in roles:
            work.session.add(RoleGrant(person_id=one.id, role=role, began_at=datetime(2026, 1, 1, tzinfo=UTC)))
        work.commit()
        return one.id
