"""Devices that may be one or two, put to a person: whoever looks after devices says which, and it is carried out.

`one` of two rows: the later one is retired and what it is known by leads to the earlier from now on; what it has goes
on there. `two` in one row: the newer agent gets a row of its own, where something tells the two apart.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from datetime import datetime
from typing import Any

from sqlalchemy import exists, insert, or_, select, update

from model.alerts import DeviceDoubt, DeviceIdentity, DeviceReport, InstalledKey, InventorySource, SourceState
from model.events import Happened, Tag
from model.inventory import Installation, Title
from model.people import Device, Person
from model.session import UnitOfWork
from workflows.cards import CardKind
from workflows.effects import LookAtAlerts, enqueue
from workflows.inventory.identity import NAMED, ON_DISK
from workflows.permissions import Page
from workflows.questions import Answered, Matter
from workflows.register.devices import learn
from workflows.register.history import Writing, load


class Answer(enum.StrEnum):
    """What a person says. Stored."""

    ONE = "one"
    TWO = "two"


#: The question was settled by the answer to another about the same row. Stored.
MOOT = "moot"


def _settle(work: UnitOfWork, doubt_id: int, answer: Answer, by: int, now: datetime) -> str:
    doubt = work.session.get(DeviceDoubt, doubt_id, with_for_update=True, populate_existing=True)
    if doubt is None:
        raise Answered
    if doubt.decision:
        who = work.session.get(Person, doubt.decided_by_id) if doubt.decided_by_id is not None else None
        raise Answered(who.name if who is not None else "")
    doubt.decision, doubt.decided_by_id = answer.value, by
    work.session.flush()
    facts: dict[str, Any] = {"doubt": doubt.id, "answer": answer.value}
    products: set[int] = set()
    if answer is Answer.ONE and doubt.other_id is not None:
        products, moved = _merge(work, doubt.other_id, doubt.device_id, by, now)
        facts |= {"into": doubt.other_id} | moved
        words = f"{_name(work, doubt.device_id)} counts as {_name(work, doubt.other_id)} from now on and is retired."
    elif answer is Answer.TWO and doubt.other_id is None:
        made = _split(work, doubt.device_id, now)
        facts["made"] = made
        words = (
            "The newer agent has a device of its own; the next full lists fill both."
            if made is not None
            else "Noted. Nothing they report tells them apart: set up one of the agents anew, and it becomes a device."
        )
    else:
        words = "They stay two devices." if answer is Answer.TWO else "It stays one device."
    work.record([Happened(Tag.DEVICE_DOUBT_DECIDED, f"person:{by}", f"device:{doubt.device_id}", facts)], now)
    if products:
        enqueue(work, [LookAtAlerts(tuple(sorted(products)))], now)
    return words


def _name(work: UnitOfWork, device_id: int) -> str:
    return work.connection.execute(select(Device.name).where(Device.id == device_id)).scalar_one()


# -- one machine in two rows -------------------------------------------------------------------------------------------


def _merge(work: UnitOfWork, kept: int, gone: int, by: int, now: datetime) -> tuple[set[int], dict[str, int]]:
    """What is known of `gone` leads to `kept`; its software and keys go on there. Products concerned, and counts."""
    lock = select(Device.id).where(Device.id.in_([kept, gone])).order_by(Device.id).with_for_update()
    work.connection.execute(lock).all()
    known = work.connection.execute(
        update(DeviceIdentity).where(DeviceIdentity.device_id == gone).values(device_id=kept)
    ).rowcount
    products, moved = _installations(work, kept, gone, now)
    _keys(work, kept, gone, now)
    # the next list of the kept one is compared in full, whatever it said last
    work.connection.execute(update(DeviceReport).where(DeviceReport.device_id == kept).values(digest=""))
    writing = Writing(work, Device)
    (row,) = load(work, Device, "id", [gone])
    learn(writing, row, {"state": "retired", "retired_on": now.date(), "retired_by_id": by}, now, now)
    writing.flush()
    work.connection.execute(
        update(DeviceDoubt)
        .where(or_(DeviceDoubt.device_id == gone, DeviceDoubt.other_id == gone), DeviceDoubt.decision == "")
        .values(decision=MOOT, decided_by_id=by)
    )
    return products, {"identities": known, "installations": moved}


def _installations(work: UnitOfWork, kept: int, gone: int, now: datetime) -> tuple[set[int], int]:
    """Rows open and close, they never change: what only the retired one had opens on the kept one."""
    table = Installation.__table__
    rows = work.connection.execute(
        select(
            Installation.device_id,
            Installation.title_id,
            Installation.version,
            Installation.source,
            Installation.authorised_by,
            Title.product_id,
        )
        .join(Title, Title.id == Installation.title_id)
        .where(Installation.device_id.in_([kept, gone]), Installation.ended_at.is_(None))
    ).all()
    there = {(row.title_id, row.version) for row in rows if row.device_id == kept}
    new = [
        {
            "device_id": kept,
            "title_id": row.title_id,
            "version": row.version,
            "source": row.source,
            "authorised_by": row.authorised_by,
            "began_at": now,
            "recorded_at": now,
        }
        for row in rows
        if row.device_id == gone and (row.title_id, row.version) not in there
    ]
    work.connection.execute(
        update(Installation)
        .where(Installation.device_id == gone, Installation.ended_at.is_(None))
        .values(ended_at=now, end_recorded_at=now)
    )
    if new:
        work.connection.execute(insert(table), new)  # type: ignore[arg-type]  # the Core table of a mapped class
    return {row.product_id for row in rows if row.device_id == gone and row.product_id is not None}, len(new)


def _keys(work: UnitOfWork, kept: int, gone: int, now: datetime) -> None:
    """One key on both rows was one key on one machine."""
    there = select(InstalledKey.fingerprint).where(InstalledKey.device_id == kept)
    fingerprints = list(work.connection.execute(there).scalars())
    work.connection.execute(
        update(InstalledKey)
        .where(InstalledKey.device_id == gone, InstalledKey.fingerprint.not_in(fingerprints))
        .values(device_id=kept)
    )
    work.connection.execute(
        update(InstalledKey).where(InstalledKey.device_id == gone, InstalledKey.gone_at.is_(None)).values(gone_at=now)
    )


# -- two machines in one row -------------------------------------------------------------------------------------------


def _split(work: UnitOfWork, device_id: int, now: datetime) -> int | None:
    """A row for the agent that came last, by what lies on its disk; None where both agents say the same of it."""
    device = work.session.get_one(Device, device_id, with_for_update=True, populate_existing=True)
    known: dict[str, list[DeviceIdentity]] = defaultdict(list)
    rows = work.session.execute(
        select(DeviceIdentity)
        .where(DeviceIdentity.device_id == device_id, DeviceIdentity.kind.in_(ON_DISK))
        .order_by(DeviceIdentity.first_seen_at, DeviceIdentity.id)
    ).scalars()
    for row in rows:
        known[row.kind].append(row)
    newer = [own[-1] for own in known.values() if len(own) > 1]
    if not newer:
        return None
    made = Device(
        identity=_free_identity(work, device.name),
        name=device.name,
        kind=device.kind,
        site=device.site,
        agent=device.agent,
        tag=device.tag,
        first_seen_at=min(one.first_seen_at for one in newer),
        last_seen_at=device.last_seen_at,
        recorded_at=now,
    )
    work.session.add(made)
    work.session.flush()
    for one in newer:
        one.device_id = made.id
    if (own := next((one for one in newer if one.kind == "deviceid"), None)) is not None:
        value = f"{own.value} {device.name}"[:200]
        taken = select(DeviceIdentity).where(DeviceIdentity.kind == NAMED, DeviceIdentity.value == value)
        named = work.session.execute(taken).scalar_one_or_none()
        if named is None:
            named = DeviceIdentity(kind=NAMED, value=value, first_seen_at=own.first_seen_at, last_seen_at=now)
            work.session.add(named)
        named.device_id = made.id
    work.session.flush()
    # what the row has may be the other machine's: the next list is compared in full
    work.connection.execute(update(DeviceReport).where(DeviceReport.device_id == device_id).values(digest=""))
    return made.id


def _free_identity(work: UnitOfWork, name: str) -> str:
    wished = [f"{name[:100]}~{number}" for number in range(2, 100)]
    taken = set(work.connection.execute(select(Device.identity).where(Device.identity.in_(wished))).scalars())
    return next(one for one in wished if one not in taken)


# -- putting it to a person --------------------------------------------------------------------------------------------

_ACCEPTED = select(InventorySource.name).where(InventorySource.state == SourceState.ACCEPTED)
_REPORTED = exists().where(DeviceReport.device_id == DeviceDoubt.device_id, DeviceReport.source.in_(_ACCEPTED))

#: A source in observe sends nothing (rules §3): its doubts come once it is accepted.
MATTER = Matter(
    card=CardKind.DOUBT,
    page=Page.ALERTS,
    what="Telling devices apart",
    waiting=select(DeviceDoubt.id).where(DeviceDoubt.decision == "", _REPORTED).order_by(DeviceDoubt.id),
    settle=_settle,
)
