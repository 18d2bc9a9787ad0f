"""The way to the database: one `Database` per process, `unit_of_work()` to write, `reading()` to read.

Leaving a unit of work without `commit()` undoes everything. On SQLite every writing unit begins with BEGIN IMMEDIATE
behind one fair lock of this process: SQLite's own waiting is a poll in which a busy worker starves a Slack press for
seconds (measured), and a press has three in all.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

import model.alerts
import model.contracts
import model.inventory
import model.kept
import model.licences
import model.people
import model.reclaim
import model.renewals
import model.requests
import model.sync
import model.tickets
import model.usage  # noqa: F401  whoever writes knows every table: a key to one never loaded fails at the first flush
from model import events
from model.writes import Write, write_together

#: Below Slack's three seconds, so that a person gets a sentence and not a time-out.
LOCK_WAIT_SECONDS = 2.5
#: A server that restarts, or a firewall that forgets, closes connections that lie idle.
PING_AFTER_SECONDS = 5.0
#: PostgreSQL's words for a deadlock and for a transaction that met another one's writes.
_CROSSED = frozenset({"40P01", "40001"})


class DatabaseBusy(Exception):
    """Another writer held the database too long. Nothing was changed; try again."""


class Crossed(DatabaseBusy):
    """Two transactions waited for each other, and PostgreSQL ended this one. Nothing was changed; try again."""


class FairLock:
    """First come, first served; `threading.Lock` lets the thread that just released win again and again."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held = False
        self._waiting: deque[threading.Lock] = deque()  # each taken; giving it back wakes the one who waits

    def acquire(self, timeout: float) -> bool:
        with self._guard:
            if not self._held and not self._waiting:
                self._held = True
                return True
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        if turn.acquire(timeout=timeout):
            return True
        with self._guard:
            if turn.acquire(blocking=False):  # handed over in the last moment
                return True
            self._waiting.remove(turn)
            return False

    def release(self) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()  # stays held, by the next in line
            else:
                self._held = False


class _NoLock:
    def acquire(self, timeout: float) -> bool:
        return True

    def release(self) -> None:
        return None


class UnitOfWork:
    """One transaction. `connection` for Core statements, `session` for the ORM on the same transaction."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._session: Session | None = None
        self._after: list[Callable[[], None]] = []
        self.committed = False

    @property
    def session(self) -> Session:
        if self._session is None:
            self._session = Session(bind=self.connection, expire_on_commit=False)
        return self._session

    def record(self, happened: Iterable[events.Happened], now: datetime) -> list[int]:
        """Append events to the audit trail in this transaction."""
        if self._session is not None:
            self._session.flush()  # an event may speak of rows the session has not written yet
        return events.record(self.connection, happened, now)

    def write_together(self, writes: Sequence[Write]) -> list[int]:
        """Make writes that do not build on one another; returns how many rows each wrote, in their order."""
        if self._session is not None:
            self._session.flush()
        return write_together(self.connection, writes)

    def after_commit(self, call: Callable[[], None]) -> None:
        """Run `call` once the transaction is durable: wake a worker, nothing that may be lost."""
        self._after.append(call)

    def commit(self) -> None:
        if self._session is not None:
            self._session.flush()
        self.connection.commit()
        self.committed = True
        for call in self._after:
            call()

    def close(self) -> None:
        if self._session is not None:
            self._session.close()


def make_engine(url: str, *, pool_size: int = 20) -> Engine:
    """An engine for SQLite (WAL, foreign keys, busy timeout) or PostgreSQL 15 and newer (psycopg 3)."""
    if not url.startswith("sqlite"):
        engine = create_engine(url, pool_size=pool_size, max_overflow=pool_size, pool_use_lifo=True)
        _ping_the_idle(engine)
        return engine
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_use_lifo=True,  # the next writer gets the last one's connection, whose page cache still holds
        connect_args={"timeout": LOCK_WAIT_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        # whoever fills the log copies it back: `Database.checkpoint` does so before a press has to (measured)
        cursor.execute("PRAGMA wal_autocheckpoint=8000")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("seatkeeper_writing", True)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _ping_the_idle(engine: Engine) -> None:
    """Ask a connection whether it is alive when it lay idle, not at every use: that is a round trip on each press."""

    @event.listens_for(engine, "checkin")
    def _returned(_connection: Any, record: Any) -> None:
        record.info["returned"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _taken(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("returned", 0.0) < PING_AFTER_SECONDS:
            return
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            connection.commit()  # a rollback has psycopg forget the statements that the server has planned already
        except Exception as gone:
            raise DisconnectionError("the connection was closed while it lay idle") from gone


class Database:
    """The engine and the rule of one writer at a time on SQLite."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._lock: FairLock | _NoLock = FairLock() if self.is_sqlite else _NoLock()
        self._reader = engine.execution_options(seatkeeper_writing=False)

    @contextmanager
    def unit_of_work(self) -> Iterator[UnitOfWork]:
        """A writing transaction; rolled back unless `commit()` was called. Raises DatabaseBusy."""
        if not self._lock.acquire(LOCK_WAIT_SECONDS):
            raise DatabaseBusy
        try:
            with self.engine.connect() as connection:
                work = UnitOfWork(connection)
                try:
                    yield work
                except DBAPIError as error:
                    if getattr(error.orig, "sqlstate", None) in _CROSSED:
                        raise Crossed from error
                    raise
                finally:
                    work.close()
        finally:
            self._lock.release()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent read; on SQLite it waits for no writer."""
        with self._reader.connect() as connection:
            yield connection
            connection.commit()  # a rollback has psycopg forget the statements that the server has planned already

    def checkpoint(self) -> None:
        """Copy SQLite's log back without making anybody wait; nothing on PostgreSQL."""
        if not self.is_sqlite:
            return
        connection = self.engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)").close()
        except sqlite3.OperationalError:
            return  # another process is at it
        finally:
            connection.close()

    def dispose(self) -> None:
        self.engine.dispose()
