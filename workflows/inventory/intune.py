"""Intune as a source of installations: chosen by name first, gathered page by page, brought in line at the end.

Graph lists devices by software, so a device's list exists only when all of it was read. Until then the rows wait in
`managed_software`, and a run that was told to wait goes on from its page. Installations change in one transaction, and
not at all when the run ended early or would close too much of what was there.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, exists, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from licensing.words import plural
from model.base import UtcTime
from model.events import Happened, Tag
from model.inventory import Installation, ManagedSoftware, Title
from model.session import UnitOfWork
from model.tickets import SyncRun
from workflows.effects import LookAtAlerts, enqueue
from workflows.inventory import lists, report, sources
from workflows.inventory.intune_devices import SOURCE, Managed, settle
from workflows.policy import InventoryRules, Policy
from workflows.recognising import Recognising
from workflows.register.entries import Book
from workflows.register.history import chunks, table_of
from workflows.register.names import Products

#: Where software needs a licence of its own; on phones it comes with the person's seat.
PLATFORMS = frozenset({"windows", "macos", "unknown", ""})
#: A run that waited longer than this is read again from its beginning.
GOES_ON_FOR = timedelta(hours=20)
#: More than this share of what was there, and more than a handful, never goes in one run.
MOST_CLOSED, HANDFUL = 0.5, 20
RUNNING, DONE, STOPPED, FAILED = "running", "done", "stopped", "failed"

_TABLE, _SEEN = table_of(Installation), table_of(ManagedSoftware)
_OWN = (_TABLE.c.source == SOURCE) & _TABLE.c.ended_at.is_(None)


class App(NamedTuple):
    """A name and version that Intune found on so many devices."""

    id: str
    name: str
    version: str
    publisher: str
    platform: str
    devices: int


class TooMuchGone(Exception):
    """The run would close too much; nothing was changed. The message says what to do."""


@dataclass(frozen=True)
class Begun:
    """The run to go on with; `following` is the page it waits at, None at the beginning."""

    run_id: int
    following: str | None


class Choice:
    """Which software is looked at: what recognition or the register calls paid, and what policy names."""

    def __init__(self, work: UnitOfWork, policy: Policy, now: datetime) -> None:
        self._recognising = Recognising(work, Products(Book(work, now)))
        self._policy = policy

    def of(self, apps: Iterable[App]) -> tuple[list[App], dict[str, int]]:
        """The ones to read devices of, and how many there were of each kind."""
        kept: list[App] = []
        counts = {"apps": 0, "kept": 0, "others": 0, "phones": 0}
        for app in apps:
            counts["apps"] += 1
            if app.platform.casefold() not in PLATFORMS:
                counts["phones"] += 1
            elif self._is_wanted(app):
                counts["kept"] += 1
                kept.append(app)
            else:
                counts["others"] += 1
        return kept, counts

    def _is_wanted(self, app: App) -> bool:
        named = self._recognising.looked_up(app.name, app.publisher, app.version)
        if named.paid:
            return True
        names = (app.name, *named.names)
        restricted = any(self._policy.product(key).restricted is not None for key in named.names)
        return restricted or self._policy.not_allowed_for(*names) is not None


def begin(work: UnitOfWork, now: datetime) -> Begun:
    """The run that waits to go on, or a new one. The caller commits."""
    waits = work.session.execute(
        select(SyncRun).where(SyncRun.source == SOURCE, SyncRun.outcome == RUNNING).order_by(SyncRun.id.desc())
    ).scalars()
    for run in waits:
        if now - run.began_at < GOES_ON_FOR and run.counts.get("next"):
            return Begun(run.id, str(run.counts["next"]))
        give_up(work, run.id, FAILED, "It broke off and was read again from the beginning.", now)
    made = SyncRun(source=SOURCE, began_at=now, counts={})
    work.session.add(made)
    work.session.flush()  # generate made.id
    return Begun(made.id, None)


def give_up(work: UnitOfWork, run_id: int, outcome: str, words: str, now: datetime) -> None:
    """End a run that changes nothing. The caller commits."""
    run = work.session.get_one(SyncRun, run_id)
    run.ended_at, run.outcome, run.words = now, outcome, words
    run.counts = {name: value for name, value in run.counts.items() if name != "next"}
    work.session.flush()
    work.connection.execute(delete(_SEEN).where(_SEEN.c.run_id == run_id))
    if outcome == STOPPED:
        work.record([Happened(Tag.SYNC_STOPPED, SOURCE, f"sync:{run_id}", {"words": words})], now)


class Gathering:
    """Rows of one run on their way; titles and devices that were met are remembered for as long as it works."""

    def __init__(self, run_id: int, rules: InventoryRules) -> None:
        self._run_id, self._rules = run_id, rules
        self._titles = lists.TitleIds()
        self._devices: dict[str, int] = {}

    def meet(self, work: UnitOfWork, apps: Sequence[App], now: datetime) -> None:
        """Store the titles of a page together: the rules are made once for all that are new. The caller commits."""
        self._titles.find(work, [_software(app) for app in apps], now, now)

    def add(self, work: UnitOfWork, app: App, managed: Sequence[Managed], now: datetime) -> bool:
        """Note on which devices an app is; False when Intune counts devices and lists none: it stays where it was.

        Adding the same again changes nothing. The caller commits.
        """
        software = _software(app)
        version = software.version
        (title_id,) = self._titles.find(work, [software], now, now)
        if not managed and app.devices > 0:
            self._as_before(work.connection, title_id, version)
            return False
        found, first = settle(work, [one for one in managed if one.id not in self._devices], now)
        if first:
            sources.grew(work, SOURCE, first, self._rules, now)
        work.after_commit(lambda: self._devices.update(found))
        known = ChainMap(found, self._devices)
        device_ids = {known[one.id] for one in managed if one.id in known}
        rows = [
            {"run_id": self._run_id, "device_id": device_id, "title_id": title_id, "version": version}
            for device_id in sorted(device_ids)
        ]
        for part in chunks(rows):
            work.connection.execute(_once(work.connection), part)
        return True

    def _as_before(self, connection: Connection, title_id: int, version: str) -> None:
        there = select(literal(self._run_id), _TABLE.c.device_id, _TABLE.c.title_id, _TABLE.c.version).where(
            _OWN, _TABLE.c.title_id == title_id, _TABLE.c.version == version
        )
        names = ["run_id", "device_id", "title_id", "version"]
        connection.execute(_once(connection).from_select(names, there))


def _software(app: App) -> report.Software:
    return report.Software(
        report.text(app.name, report.TITLE),
        report.text(app.publisher, report.PUBLISHER),
        report.text(app.version, report.VERSION),
    )


def _once(connection: Connection) -> Any:
    made: Any = {"sqlite": sqlite_insert, "postgresql": postgres_insert}[connection.dialect.name]
    return made(_SEEN).on_conflict_do_nothing()


def turn(work: UnitOfWork, run_id: int, counts: dict[str, int], following: str | None) -> None:
    """A page is done: its counts are added, and where the run goes on is written down. The caller commits."""
    run = work.session.get_one(SyncRun, run_id)
    added = {name: int(run.counts.get(name, 0)) + value for name, value in counts.items()}
    run.counts = {**run.counts, **added, "next": following}
    work.session.flush()


def finish(work: UnitOfWork, run_id: int, rules: InventoryRules, now: datetime, *, accept: bool = False) -> SyncRun:
    """Bring installations in line with a complete reading; the caller commits. Raises TooMuchGone."""
    seen = select(_SEEN.c.run_id).where(
        _SEEN.c.run_id == run_id,
        _SEEN.c.device_id == _TABLE.c.device_id,
        _SEEN.c.title_id == _TABLE.c.title_id,
        _SEEN.c.version == _TABLE.c.version,
    )
    gone = _OWN & ~exists(seen)
    there, going = (
        work.connection.execute(select(func.count()).select_from(_TABLE).where(which)).scalar_one()
        for which in (_OWN, gone)
    )
    if going > max(HANDFUL, MOST_CLOSED * there) and not accept:
        raise TooMuchGone(
            f"Intune no longer shows {going:,} of {plural(there, 'installation')}. Nothing was changed. "
            "If that is right, run: seatkeeper sync intune --accept"
        )
    products = set(_products(work.connection, select(_TABLE.c.title_id).where(gone)))
    work.connection.execute(
        update(_TABLE)
        .where(gone)
        .values(
            ended_at=func.max(_TABLE.c.began_at, bindparam("at", type_=UtcTime))
            if work.connection.dialect.name == "sqlite"
            else func.greatest(_TABLE.c.began_at, bindparam("at", type_=UtcTime)),
            end_recorded_at=now,
        ),
        {"at": now},
    )
    opened = _open(work.connection, run_id, now)
    if opened:
        fresh = select(_TABLE.c.title_id).where(_OWN, _TABLE.c.began_at == now)
        products |= set(_products(work.connection, fresh))
    devices = work.connection.execute(
        select(func.count(_SEEN.c.device_id.distinct())).where(_SEEN.c.run_id == run_id)
    ).scalar_one()
    run = work.session.get_one(SyncRun, run_id)
    counted = {name: value for name, value in run.counts.items() if name != "next"}
    run.ended_at, run.outcome = now, DONE
    run.counts = counted | {"devices": devices, "opened": opened, "closed": going}
    work.session.flush()
    work.connection.execute(delete(_SEEN).where(_SEEN.c.run_id == run_id))
    if devices:
        sources.grew(work, SOURCE, 0, rules, now)
    work.record([Happened(Tag.SYNC_COMPLETED, SOURCE, f"sync:{run_id}", run.counts)], now)
    if products:
        enqueue(work, [LookAtAlerts(tuple(sorted(products)))], now)
    return run


def _open(connection: Connection, run_id: int, now: datetime) -> int:
    """What was seen and nobody has open already: an agent's row of the same title on the same device is enough."""
    names = ["device_id", "title_id", "version", "source", "began_at", "recorded_at", "authorised_by"]
    times = [literal(now, UtcTime), literal(now, UtcTime)]
    have = select(_TABLE.c.id).where(
        _TABLE.c.device_id == _SEEN.c.device_id,
        _TABLE.c.title_id == _SEEN.c.title_id,
        _TABLE.c.version == _SEEN.c.version,
        _TABLE.c.ended_at.is_(None),
    )
    rows = select(
        _SEEN.c.device_id, _SEEN.c.title_id, _SEEN.c.version, literal(SOURCE), *times, literal("nothing")
    ).where(_SEEN.c.run_id == run_id, ~exists(have))
    return connection.execute(
        insert(_TABLE).from_select(names, rows).execution_options(preserve_rowcount=True)
    ).rowcount


def _products(connection: Connection, titles: Any) -> list[int]:
    found = select(Title.product_id).distinct().where(Title.id.in_(titles), Title.product_id.is_not(None))
    return [one for one in connection.execute(found).scalars() if one is not None]
