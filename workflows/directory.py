"""People and seat figures read from outside: the Microsoft directory, its SKUs, and Slack accounts by e-mail.

A run is one event with counts. One that ended early, or that would close more than two per cent of the people, stops
and asks (design §10): a half-read directory must not look like a company that lost half its staff.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, bindparam, func, or_, select, update

from integrations.graph_types import DirectoryUser, SubscribedSku
from model.events import Happened, Tag
from model.licences import Sku
from model.requests import LicenceRequest, LineState, RequestLine
from model.session import UnitOfWork
from model.tickets import SyncRun
from workflows import directory_merge as merge
from workflows import directory_seats as seats
from workflows import directory_stage as stage
from workflows.effects import Effect, MatchQueue, enqueue

#: People merged in one go: some tens of milliseconds, so that a Slack press never waits long for the database.
SLICE = 2_000
#: The first of a reading, then twice as many each time: until a first reading's tables are measured, plans are bad.
FIRST_SLICE = 250


#: What a stopped reading leaves as it was.
UNCHANGED = "No person and no seat was changed"


class RunStopped(Exception):
    """The run was stopped before it changed anything; the message says why and what to do."""


@dataclass
class Counts:
    """What one run did; `digest` is of the rows it read."""

    seen: int = 0
    added: int = 0
    changed: int = 0
    closed: int = 0
    digest: str = ""

    def stored(self) -> dict[str, int | str]:
        return {
            "seen": self.seen,
            "added": self.added,
            "changed": self.changed,
            "closed": self.closed,
            "rows": self.digest,
        }


def store_people(
    work: UnitOfWork, users: Iterable[DirectoryUser], now: datetime, *, accept_closing: bool = False
) -> SyncRun:
    """Bring our people in line with a complete reading of the directory. Raises RunStopped and changes nothing.

    Guests are kept as guests; rooms and service accounts without a mail address are left out. The caller commits. This
    is the reading in one transaction; `perform_m365` does it page by page and slice by slice.
    """
    run = SyncRun(source="directory", began_at=now)
    work.session.add(run)
    stage.clear(work.connection)
    seen, digest = stage.lay(work.connection, users, 0, "")
    stage.know_sizes(work.connection)
    prepare(work.connection, now)
    would = merge.closing(work.connection, now)
    if would.too_many_people and not accept_closing:
        raise RunStopped(too_many(would))
    merge.free_addresses(work.connection)
    counts = Counts(seen=seen, digest=digest, closed=would.people)
    for theirs in _slices(work.connection):
        added, changed, matched = merge.merge_people(work.connection, theirs)
        counts.added, counts.changed = counts.added + added, counts.changed + changed + matched
    for theirs in _slices(work.connection):
        merge.merge_managers(work.connection, theirs)
    merge.close_people(work.connection, now)
    stage.clear(work.connection)
    run.ended_at, run.outcome, run.counts = now, "done", counts.stored()
    work.session.flush()
    work.session.expire_all()
    work.record([Happened(Tag.SYNC_COMPLETED, "microsoft365", f"sync:{run.id}", counts.stored())], now)
    return run


def chained(digest: str, rows: str) -> str:
    """The digest of a run so far and of some rows more."""
    return hashlib.sha256(f"{digest}{rows}".encode()).hexdigest()


def welcome(connection: Connection, before: int, until: int, began: datetime) -> dict[str, int]:
    """In a first reading the people of a page, `before` < seq <= `until`, become ours at once, with their seats.

    Then the books hold nothing that a later page could take from anybody. Whose account waits for the merge (disabled,
    or with an address that is somebody's) is marked so. Returns how many people and seats.
    """
    theirs = stage.page_of(before, until)
    counts = {"added": merge.welcome(connection, theirs), "seats_opened": seats.open_seats(connection, theirs, began)}
    stage.unmerge(connection, theirs)
    return counts


def prepare(connection: Connection, now: datetime, *, partial: bool = False) -> int:
    """Settle whose the addresses of a complete reading are; returns how many matches only a person can make."""
    stage.find_shadows(connection)
    if partial:
        stage.find_shadows_of_known(connection)
    return merge.doubt_addresses(connection, now)


def too_many(would: merge.Closing) -> str:
    """Why a run stopped, and what to do."""
    if would.too_many_people:
        said = f"The directory no longer shows {would.people} of {would.of_people} people, or shows them as disabled."
    else:
        said = f"Microsoft no longer shows {would.seats} of {would.of_seats} seats that we hold open."
    return f"{said} {UNCHANGED}. If that is right, run: seatkeeper sync m365 --accept"


def _slices(connection: Connection) -> Iterator[ColumnElement[bool]]:
    after = ""
    while (found := stage.next_slice(connection, after, SLICE)) is not None:
        after, theirs = found
        yield theirs


def store_figures(work: UnitOfWork, skus: Iterable[SubscribedSku], read_at: datetime, now: datetime) -> int:
    """Seat counts as the vendor gives them, with the time of the reading; freed units go to who waits.

    `read_at` is taken before the call: a seat given during it is then counted by its own row.
    """
    rows = [
        {
            "guid": sku.sku_id,
            "now_enabled": sku.enabled,
            "now_consumed": sku.consumed,
            "now_warning": sku.warning,
            "now_suspended": sku.suspended,
            "read_at": read_at,
        }
        for sku in skus
    ]
    if not rows:
        return 0
    changed = work.connection.execute(
        update(Sku)
        .where(
            Sku.sku_id == bindparam("guid"),
            or_(Sku.figures_at.is_(None), Sku.figures_at <= bindparam("read_at")),
        )
        .values(
            enabled=bindparam("now_enabled"),
            consumed=bindparam("now_consumed"),
            warning=bindparam("now_warning"),
            suspended=bindparam("now_suspended"),
            figures_at=bindparam("read_at"),
        ),
        rows,
    )
    effects: list[Effect] = [MatchQueue(sku_id) for sku_id in _waited_for(work.connection)]
    enqueue(work, effects, now)
    return changed.rowcount


def _waited_for(connection: Connection) -> list[int]:
    rows = connection.execute(
        select(LicenceRequest.sku_id)
        .join(RequestLine, RequestLine.request_id == LicenceRequest.id)
        .where(RequestLine.state == LineState.QUEUED, LicenceRequest.sku_id.is_not(None))
        .distinct()
    )
    return [sku_id for sku_id in rows.scalars() if sku_id is not None]


def store_seats(work: UnitOfWork, users: Iterable[DirectoryUser], now: datetime) -> tuple[int, int]:
    """Seats as the directory shows them, per person and path. Returns (opened, closed)."""
    work.session.flush()
    stage.clear(work.connection)
    stage.lay(work.connection, users, 0, "")
    stage.find_shadows(work.connection)
    opened = closed = 0
    digest = ""
    for theirs in _slices(work.connection):
        more, fewer, rows = seats.merge_seats(work.connection, theirs, now)
        opened, closed, digest = opened + more, closed + fewer, chained(digest, rows)
    closed += merge.close_seats_of_absent(work.connection, now)
    stage.clear(work.connection)
    work.session.expire_all()
    if opened or closed:
        facts = {"opened": opened, "closed": closed, "rows": digest}
        work.record([Happened(Tag.SYNC_COMPLETED, "microsoft365", "sync:seats", facts)], now)
    return opened, closed


def last_run(connection: Connection, source: str) -> datetime | None:
    """When a source was last read to its end."""
    return connection.execute(
        select(func.max(SyncRun.ended_at)).where(SyncRun.source == source, SyncRun.outcome == "done")
    ).scalar()
