"""One inventory into the register, in one transaction: device, person, software, keys, event, and what follows.

An inventory in which nothing changed writes the device and its report, nothing else. One older than what is stored is
history: it adds what was there then and changes nothing that is known since.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from model.alerts import DeviceReport
from model.events import Happened, Tag
from model.people import Device
from model.session import Crossed, Database, DatabaseBusy, UnitOfWork
from workflows.effects import LookAtAlerts, enqueue
from workflows.inventory import identity, installed_keys, lists, owners, sources
from workflows.inventory.report import Report
from workflows.policy import InventoryRules
from workflows.register import devices
from workflows.register.history import Row as Stored
from workflows.register.history import Writing, blank, table_of
from workflows.rules import RulesSource

#: Two deliveries that make the same title or device at once: the second meets what the first committed.
ATTEMPTS = 3

_DEVICE, _REPORT = table_of(Device), table_of(DeviceReport)
_DEVICE_ROW = select(_DEVICE).where(_DEVICE.c.id == bindparam("device")).with_for_update()
_REPORTS = (
    select(_REPORT)
    .where(_REPORT.c.device_id == bindparam("device"))
    .order_by(_REPORT.c.at.desc(), _REPORT.c.id.desc())
    .limit(owners.LAST)
)
_INSERT_DEVICE = insert(_DEVICE)
_INSERT_REPORT = insert(_REPORT)
_UPDATE_REPORT = (
    update(_REPORT)
    .where(_REPORT.c.id == bindparam("_id"))
    .values({name: bindparam(name) for name in ("at", "source", "person_id", "software", "digest")})
)
_SEEN = ("last_seen_at", "software_at", "agent", "tag")
_UPDATE_SEEN = update(_DEVICE).where(_DEVICE.c.id == bindparam("_id")).values({name: bindparam(name) for name in _SEEN})


@dataclass(frozen=True, slots=True)
class Taken:
    """What one inventory did."""

    device_id: int
    new: bool = False
    older: bool = False
    opened: int = 0
    closed: int = 0
    facts: tuple[str, ...] = ()  # names of the device's facts that changed


class Intake:
    """Takes inventories; one lives as long as the program, for the titles it remembers. `key` hashes product keys."""

    def __init__(self, database: Database, rules: RulesSource, key: bytes, wake: Callable[[], None]) -> None:
        self._database, self._rules, self._key, self._wake = database, rules, key, wake
        self._titles, self._heard = lists.TitleIds(), sources.Heard()

    def take(self, report: Report, now: datetime) -> Taken:
        """Take a report. Raises DatabaseBusy, also for one that met others at the same rows each time."""
        rules = self._rules().policy.inventory
        for _ in range(ATTEMPTS):
            try:
                with self._database.unit_of_work() as work:
                    taken = self._in(work, report, rules, now)
                    if taken.opened or taken.closed:
                        work.after_commit(self._wake)
                    work.commit()
                    return taken
            except (Crossed, IntegrityError):
                continue  # another transaction wrote the same row first, so that a second try finds it
        raise DatabaseBusy

    def _in(self, work: UnitOfWork, report: Report, rules: InventoryRules, now: datetime) -> Taken:
        at = report.at(now)
        found = identity.identify(work.connection, report)
        is_new = found.device_id is None
        if found.device_id is None:
            row = _made(work, report, found, at, now)
        else:
            row = dict(work.connection.execute(_DEVICE_ROW, {"device": found.device_id}).mappings().one())
        if found.new or found.words:
            identity.remember(work.connection, found, row["id"], at)
        reports = [] if is_new else work.connection.execute(_REPORTS, {"device": row["id"]}).all()
        if not is_new and row["last_seen_at"] is not None and at < row["last_seen_at"]:
            return self._older(work, report, row, reports, at, now)
        return self._current(work, report, rules, row, reports, is_new, at, now)

    def _current(
        self,
        work: UnitOfWork,
        report: Report,
        rules: InventoryRules,
        row: Stored,
        reports: Sequence[Row[Any]],
        is_new: bool,
        at: datetime,
        now: datetime,
    ) -> Taken:
        last = reports[0] if reports else None
        digest = report.digest() if report.software is not None else last.digest if last else ""
        changes = lists.Changes()
        if report.software is not None and not (last and last.digest == digest and last.source == report.source):
            changes = lists.bring_in_line(
                work,
                self._titles,
                row["id"],
                report.software,
                source=report.source,
                others={one.source for one in reports} - {report.source},
                is_new=is_new,
                at=at,
                now=now,
            )
        keys: tuple[int, ...] = ()
        if report.keys is not None and not (is_new and not report.keys):
            keys = installed_keys.put(work, self._key, row["id"], report.keys, at)
        if report.users is None and report.partial:
            person_id = last.person_id if last else None
        else:
            person_id = owners.signed_in(work.connection, report.users or ())
        people = [person_id, *(one.person_id for one in reports)][: owners.LAST]
        _reported(work, reports, row["id"], at, report, person_id, digest)
        facts = _seen(work, row, report, owners.owner(row, people), at, now, is_new)
        first = all(one.source != report.source for one in reports)
        self._heard.reported(work, report.source, new=first, rules=rules, now=now)
        taken = Taken(row["id"], is_new, False, changes.opened, changes.closed, facts)
        if is_new or changes.opened or changes.closed or keys or facts:
            self._record(work, report, taken, digest, keys, now)
        if changes.opened or changes.closed or keys:
            product_ids = lists.changed_products(work.connection, changes)
            if product_ids:
                enqueue(work, [LookAtAlerts(product_ids)], now)
        return taken

    def _older(
        self, work: UnitOfWork, report: Report, row: Stored, reports: Sequence[Row[Any]], at: datetime, now: datetime
    ) -> Taken:
        later = [one.at for one in reports if one.at > at]
        first = row["first_seen_at"]
        until = first if first is not None and first > at else min(later, default=row["last_seen_at"])
        added = 0
        if report.software is not None:
            added = lists.add_history(
                work, self._titles, row["id"], report.software, source=report.source, at=at, until=until, now=now
            )
        if first is None or at < first:
            work.connection.execute(update(_DEVICE).where(_DEVICE.c.id == row["id"]).values(first_seen_at=at))
        taken = Taken(row["id"], older=True, opened=added, closed=added)
        if added:
            self._record(work, report, taken, report.digest(), (), now)
        return taken

    def _record(
        self, work: UnitOfWork, report: Report, taken: Taken, digest: str, keys: Sequence[int], now: datetime
    ) -> None:
        facts: dict[str, Any] = {"opened": taken.opened, "closed": taken.closed, "digest": digest}
        if taken.facts:
            facts["facts"] = list(taken.facts)
        if keys:
            facts["keys"] = len(keys)
        facts |= {name: True for name in ("new", "older") if getattr(taken, name)}
        work.record([Happened(Tag.INVENTORY_TAKEN, f"agent:{report.source}", f"device:{taken.device_id}", facts)], now)


def _made(work: UnitOfWork, report: Report, found: identity.Found, at: datetime, now: datetime) -> Stored:
    """A device nobody knew."""
    row = (
        blank(Device)
        | {
            "identity": identity.free_identity(work.connection, report, found),
            "name": report.name,
            "serial": report.serial,
            "processors": report.processors,
            "cores": report.cores,
            "threads": report.threads,
            "system": report.system,
            "first_seen_at": at,
            "recorded_at": now,
        }
        | _signs(report, {}, at)
    )
    if report.kind is not None:
        row["kind"] = report.kind
    key = work.connection.execute(_INSERT_DEVICE, row).inserted_primary_key
    assert key is not None  # noqa: S101  one row went in
    row["id"] = int(key[0])
    return row


def _seen(
    work: UnitOfWork,
    row: Stored,
    report: Report,
    person: dict[str, Any],
    at: datetime,
    now: datetime,
    is_new: bool,
) -> tuple[str, ...]:
    """Write that the device reported, and its facts where they changed; returns the names of those."""
    facts: dict[str, Any] = {"state": "live"} | person
    if report.name.casefold() != row["name"].casefold():
        facts["name"] = report.name
    if row["state"] == "retired":  # it is not, for it reports
        facts |= {"retired_on": None, "retired_by_id": None}
    stated = {
        "serial": report.serial,
        "system": report.system,
        "processors": report.processors,
        "cores": report.cores,
        "threads": report.threads,
    }
    facts |= {name: value for name, value in stated.items() if value}
    changed = tuple(sorted(name for name, value in facts.items() if row[name] != value))
    seen = _signs(report, row, at)
    writing = Writing(work, Device)
    if changed and devices.learn(writing, row, facts, at, now):
        row |= seen
        writing.change(row)
        writing.flush()
    elif not is_new:
        work.connection.execute(_UPDATE_SEEN, {"_id": row["id"]} | seen)
    return changed


def _signs(report: Report, row: Stored, at: datetime) -> dict[str, Any]:
    """What each report writes of its device."""
    return {
        "last_seen_at": at,
        "software_at": at if report.software is not None else row.get("software_at"),
        "agent": report.agent or report.source,
        "tag": report.tag or row.get("tag", ""),
    }


def _reported(
    work: UnitOfWork,
    reports: Sequence[Row[Any]],
    device_id: int,
    at: datetime,
    report: Report,
    person_id: int | None,
    digest: str,
) -> None:
    """The last ten reports are kept: the eleventh takes the place of the oldest."""
    values = {
        "at": at,
        "source": report.source,
        "person_id": person_id,
        "software": report.software is not None,
        "digest": digest,
    }
    if len(reports) < owners.LAST:
        work.connection.execute(_INSERT_REPORT, values | {"device_id": device_id})
    else:
        work.connection.execute(_UPDATE_REPORT, values | {"_id": reports[-1].id})
