"""Which device a report is of. Clones and changed identities are told apart and put to a person, never merged.

An agent's own id comes first, then what the hardware says, then DEVICEID. What lies on the disk (agent, deviceid) is
copied with it, so a disk's identity that comes from other hardware is a clone. One hardware identity with another
agent and another name is a template's UUID; with the same name it is a machine that was set up anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, insert, select, update

from model.alerts import DeviceDoubt, DeviceIdentity
from model.people import Device
from workflows.inventory.report import Report
from workflows.register.history import table_of

HARDWARE, ON_DISK = ("uuid", "serial"), ("agent", "deviceid")
#: Who reports a device that no agent does yet, but Intune: it is still to be met by an agent.
MANAGED = "Intune"
#: A device that was told apart while another has its DEVICEID is known by both DEVICEID and name.
NAMED = "named"
_ORDER = (NAMED, "agent", "uuid", "serial", "deviceid")

_HITS = select(DeviceIdentity.kind, DeviceIdentity.value, DeviceIdentity.device_id).where(
    DeviceIdentity.kind.in_(bindparam("kinds", expanding=True)),
    DeviceIdentity.value.in_(bindparam("values", expanding=True)),
)
_OWN = (
    select(
        DeviceIdentity.device_id, DeviceIdentity.kind, DeviceIdentity.value, DeviceIdentity.first_seen_at, Device.name
    )
    .join(Device, Device.id == DeviceIdentity.device_id)
    .where(DeviceIdentity.device_id.in_(bindparam("devices", expanding=True)))
)
_ALIKE = (
    select(Device.id, Device.name, Device.identity, Device.serial, Device.agent)
    .where(
        (func.lower(Device.name) == bindparam("name"))
        | (func.lower(Device.identity) == bindparam("name"))
        | ((Device.serial != "") & (Device.serial == bindparam("serial")))
    )
    .limit(bindparam("most"))
)
_MOST_ALIKE = 20
_TAKEN = select(Device.identity).where(Device.identity.in_(bindparam("wished", expanding=True)))
_TABLE = table_of(DeviceIdentity)
_INSERT = insert(_TABLE)
_SEEN = update(_TABLE).where(_TABLE.c.device_id == bindparam("device")).values(last_seen_at=bindparam("at"))

#: Kind -> value -> first seen.
Own = Mapping[str, Mapping[str, datetime]]


@dataclass(frozen=True, slots=True)
class Found:
    """The device; `device_id` None: a new one. `words` are a doubt for a person, about `other_id` where it is two.

    `is_free`: no device is called like it in files, as far as was looked.
    """

    device_id: int | None
    words: str = ""
    other_id: int | None = None
    new: tuple[tuple[str, str], ...] = ()  # identities to store for it
    is_free: bool = False


def identify(connection: Connection, report: Report) -> Found:
    """Find the device of a report by what agents said before, else among those that were imported."""
    stated = report.identities()
    if "deviceid" in stated:
        stated[NAMED] = f"{stated['deviceid']} {report.name}"[:200]
    hits: dict[str, int] = {
        row.kind: row.device_id
        for row in connection.execute(_HITS, {"kinds": list(stated), "values": list(stated.values())})
        if stated[row.kind] == row.value
    }
    objection, against = "", None
    if hits:
        own, names = _known(connection, set(hits.values()))
        for kind in _ORDER:
            device_id = hits.get(kind)
            if device_id is None:
                continue
            words = _objection(stated, own[device_id], report.name, names[device_id])
            if not words:
                doubt = _changed(stated, own[device_id])
                return Found(device_id, doubt, None, _new(stated, hits))
            if not objection:
                objection, against = words, device_id
    new = _new(stated, hits)
    if objection:
        if "deviceid" in hits:
            new = (*new, (NAMED, stated[NAMED]))
        return Found(None, objection, against, new)
    return _among_imported(connection, report, new)


def _new(stated: Mapping[str, str], hits: Mapping[str, int]) -> tuple[tuple[str, str], ...]:
    return tuple((kind, value) for kind, value in stated.items() if kind != NAMED and kind not in hits)


def _known(connection: Connection, device_ids: set[int]) -> tuple[dict[int, Own], dict[int, str]]:
    own: dict[int, dict[str, dict[str, datetime]]] = {one: defaultdict(dict) for one in device_ids}
    names: dict[int, str] = {}
    for row in connection.execute(_OWN, {"devices": list(device_ids)}):
        own[row.device_id][row.kind][row.value] = row.first_seen_at
        names[row.device_id] = row.name
    return {one: dict(kinds) for one, kinds in own.items()}, names


def _objection(stated: Mapping[str, str], own: Own, name: str, former: str) -> str:
    """Why the report is of another machine than this device; "" when it is of this one."""

    def agree(kinds: tuple[str, ...]) -> bool:
        return any(kind in stated and stated[kind] in own.get(kind, ()) for kind in kinds)

    def differ(kinds: tuple[str, ...]) -> bool:
        return any(kind in stated and own.get(kind) and stated[kind] not in own[kind] for kind in kinds)

    if NAMED in own and stated.get(NAMED) in own[NAMED]:
        return ""
    another_name = name.casefold() != former.casefold()
    if differ(HARDWARE) and not agree(HARDWARE):
        return f"The agent of {former} reports from other hardware, as {name}: a copied disk, or a new mainboard?"
    if differ(HARDWARE) and not agree(ON_DISK):
        return f"{name} has the UUID of {former} and another serial number: one template, or one machine?"
    if agree(HARDWARE) and not agree(ON_DISK) and differ(ON_DISK) and another_name:
        return f"{name} has the hardware identity of {former} and an agent of its own: two machines, or one renamed?"
    if not agree(HARDWARE) and "agent" not in own and another_name:
        return f"{name} has the DEVICEID of {former}: a copied disk, or one machine renamed?"
    return ""


def _changed(stated: Mapping[str, str], own: Own) -> str:
    """What a person should look at although it is taken for the same device."""
    for kind in HARDWARE:
        if kind in stated and own.get(kind) and stated[kind] not in own[kind]:
            return f"It reports another {'UUID' if kind == 'uuid' else 'serial number'} than before: is it one machine?"
    for kind in ON_DISK:
        seen = own.get(kind, {})
        if stated.get(kind) in seen and seen[stated[kind]] < max(seen.values()):
            return "Two agents report as this device in turn: are these one machine or two?"
    return ""


def _among_imported(connection: Connection, report: Report, new: tuple[tuple[str, str], ...]) -> Found:
    """A device that no agent reported yet and that has this serial number or name, if there is exactly one."""
    name = report.name.lower()
    rows = connection.execute(_ALIKE, {"name": name, "serial": report.serial, "most": _MOST_ALIKE}).all()
    is_free = len(rows) < _MOST_ALIKE and all(row.identity.lower() != name for row in rows)
    imported = [row for row in rows if row.agent in ("", MANAGED) and row.serial in ("", report.serial or row.serial)]
    by_serial = [row for row in imported if report.serial and row.serial == report.serial]
    for found in (by_serial, imported):
        if len(found) == 1:
            return Found(found[0].id, new=new)
    other = next((row for row in rows if row.agent not in ("", MANAGED)), None)
    if other is not None and other.name.lower() == name:
        words = f"Another device called {other.name} reports as well: one machine, or two?"
        return Found(None, words, other.id, new, is_free)
    return Found(None, new=new, is_free=is_free)


def free_identity(connection: Connection, report: Report, found: Found) -> str:
    """What a new device is called in files: its name where nobody else has it."""
    if found.is_free and 0 < len(report.name) <= 128:
        return report.name
    wished = [report.name[:128], report.serial, report.uuid, report.deviceid, report.agent_id]
    wished = [one[:128] for one in wished if one]
    wished += [f"{report.name[:100]}~{number}" for number in range(2, 10)]
    taken = set(connection.execute(_TAKEN, {"wished": wished}).scalars())
    free = next((one for one in wished if one not in taken), None)
    return free or f"{report.name[:60]}~{report.digest()[:32]}"


def remember(connection: Connection, found: Found, device_id: int, at: datetime) -> None:
    """Store new identities, and the doubt unless it is there already."""
    if found.new:
        seen = {"device_id": device_id, "first_seen_at": at, "last_seen_at": at}
        connection.execute(_INSERT, [{"kind": kind, "value": value} | seen for kind, value in found.new])
        if found.device_id is not None:
            connection.execute(_SEEN, {"device": device_id, "at": at})
    if not found.words:
        return
    there = select(DeviceDoubt.id).where(DeviceDoubt.device_id == device_id)
    other = DeviceDoubt.other_id
    there = there.where(other.is_(None) if found.other_id is None else other == found.other_id)
    if connection.execute(there).first() is None:
        row = {"device_id": device_id, "other_id": found.other_id, "words": found.words[:500], "seen_at": at}
        connection.execute(insert(DeviceDoubt), row)
