"""What was heard from ServiceNow, written down: hints, how far was read, notes of people there, records gone missing.

The calls themselves are in `perform_ticket_sync`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Connection, Row, func, select

from jobs.outbox import NewJob
from jobs.outbox import enqueue as enqueue_jobs
from model.session import UnitOfWork
from model.tickets import Meta, Ticket, TicketNote, TicketPoll
from workflows.effects import ShowRequest, enqueue
from workflows.rules import Rules
from workflows.ticket_budget import mark_hinted

#: Hints within so many seconds lead to one reading at their end.
HINTS_TOGETHER = 5
#: A record that ended is watched for so long: it may be reopened.
REOPENED_WITHIN = timedelta(days=30)
#: An open record of which no change was heard is looked at after this long.
UNHEARD = timedelta(hours=1)
MOST_LOOKS = 2000
#: An absent record is believed deleted after so many looks: a right may be away for a moment.
LOOKS = 2
MISSING = "servicenow_missing"
#: What people wrote there is kept to this length.
LONGEST_NOTE = 1000
_AT_ONCE = 500


class Written(Protocol):
    """A line of a record's journal."""

    @property
    def sys_id(self) -> str: ...
    @property
    def element(self) -> str: ...
    @property
    def words(self) -> str: ...
    @property
    def by(self) -> str: ...
    @property
    def at(self) -> datetime | None: ...
    @property
    def key(self) -> str: ...


@dataclass(frozen=True)
class Table:
    """A table with records of ours, and from when its changes are to be read (their clock)."""

    name: str
    since: datetime


def prefix(rules: Rules) -> str:
    """How every correlation id of this installation begins."""
    return f"seatkeeper-{rules.instance}-"


def hinted(work: UnitOfWork, now: datetime) -> None:
    """Somebody says that something changed there: read soon. What they say it is counts for nothing.

    Hints of the same few seconds make one reading, at their end, so that none comes after the reading it led to.
    """
    mark_hinted(work, now)
    turn = int(now.timestamp()) // HINTS_TOGETHER + 1
    job = NewJob(
        "tickets.poll",
        "servicenow",
        lane="tickets.poll",
        dedupe_key=f"tickets.hint:{turn}",
        run_at=datetime.fromtimestamp(turn * HINTS_TOGETHER, UTC),
    )
    enqueue_jobs(work.connection, [job], now)


# -- how far was read --------------------------------------------------------------------------------------------------


def tables(connection: Connection, now: datetime) -> list[Table]:
    """Tables with records that are open or ended lately. A table that was never read begins before its first record."""
    rows = connection.execute(
        select(Ticket.table_name, func.min(Ticket.opened_at).label("first"), TicketPoll.read_until)
        .outerjoin(TicketPoll, TicketPoll.table_name == Ticket.table_name)
        .where(Ticket.sys_id.is_not(None))
        .where(Ticket.closed_at.is_(None) | (Ticket.closed_at > now - REOPENED_WITHIN))
        .group_by(Ticket.table_name, TicketPoll.read_until)
        .order_by(Ticket.table_name)
    )
    return [Table(row.table_name, row.read_until or (row.first or now) - timedelta(days=1)) for row in rows]


def further(since: datetime, newest: datetime | None, began: datetime) -> datetime:
    """How far was read: up to the newest change, but never to a moment that has not come yet, and never back.

    A record may carry a time to come (an import, a clock that is wrong); believing it would skip all changes until
    then.
    """
    return since if newest is None else max(since, min(newest, began))


def read_until(work: UnitOfWork, table: Table, newest: datetime | None, began: datetime) -> None:
    """Keep how far a table was read. Of two readings at once the one that came further counts."""
    until = further(table.since, newest, began)
    row = work.session.get(TicketPoll, table.name)
    if row is None:
        work.session.add(TicketPoll(table_name=table.name, read_until=until))
    elif until > row.read_until:
        row.read_until = until
    work.session.flush()  # one row per table


def tickets_of(connection: Connection, sys_ids: Sequence[str]) -> dict[str, Row[Any]]:
    """Our rows by the ids of their records, ended ones too."""
    columns = (
        Ticket.id, Ticket.sys_id, Ticket.table_name, Ticket.purpose, Ticket.correlation_id, Ticket.closed_at,
        Ticket.request_id, Ticket.state,
    )  # fmt: skip
    found: dict[str, Row[Any]] = {}
    for start in range(0, len(sys_ids), _AT_ONCE):
        rows = connection.execute(select(*columns).where(Ticket.sys_id.in_(sys_ids[start : start + _AT_ONCE])))
        found |= {row.sys_id: row for row in rows}
    return found


# -- notes of people there ---------------------------------------------------------------------------------------------


def notes_heard(
    work: UnitOfWork, ticket_id: int, entries: Sequence[Written], own_user: str | None, now: datetime
) -> int:
    """Keep what others wrote, each once; ours are known by their effect keys. Returns how many are new."""
    known = set(
        work.connection.execute(select(TicketNote.effect_key).where(TicketNote.ticket_id == ticket_id)).scalars()
    )
    new = 0
    for entry in entries:
        key = f"{entry.element}:{entry.sys_id}"
        ours = entry.key in known and (own_user is None or entry.by == own_user)
        words = entry.words.strip()
        if ours or key in known or not words:
            continue
        known.add(key)
        new += 1
        note = TicketNote(ticket_id=ticket_id, effect_key=key, words=words[:LONGEST_NOTE], sent_at=entry.at or now)
        work.session.add(note)
    if new:
        work.session.flush()  # the unique key must speak now, not at commit
        request_id = work.connection.execute(select(Ticket.request_id).where(Ticket.id == ticket_id)).scalar()
        if request_id is not None:
            enqueue(work, [ShowRequest(request_id)], now)
    return new


# -- records gone missing ----------------------------------------------------------------------------------------------


def unheard(connection: Connection, now: datetime) -> dict[str, list[Row[Any]]]:
    """Open records no change was heard of for long, by table, the longest first: a deleted one never changes."""
    seen = func.coalesce(Ticket.read_at, Ticket.opened_at)
    rows = connection.execute(
        select(Ticket.id, Ticket.sys_id, Ticket.table_name)
        .where(Ticket.closed_at.is_(None), Ticket.sys_id.is_not(None), seen < now - UNHEARD)
        .order_by(seen, Ticket.id)
        .limit(MOST_LOOKS)
    )
    found: dict[str, list[Row[Any]]] = {}
    for row in rows:
        found.setdefault(row.table_name, []).append(row)
    return found


def looked(work: UnitOfWork, found: Collection[int], missing: Collection[int]) -> Mapping[int, int]:
    """Count one look: how often each missing record was looked for in vain so far. Those found are forgotten."""
    stored = work.session.get(Meta, MISSING, with_for_update=True)
    before = {int(ticket): int(count) for ticket, count in json.loads(stored.value if stored else "{}").items()}
    after = {ticket: count for ticket, count in before.items() if ticket not in found}
    for ticket in missing:
        after[ticket] = after.get(ticket, 0) + 1
    if after == before:
        return after
    value = json.dumps({str(ticket): count for ticket, count in sorted(after.items())})
    if stored is None:
        work.session.add(Meta(key=MISSING, value=value))
    else:
        stored.value = value
    work.session.flush()
    return after
