"""A database to import into: files as text, learned on a day that the test says, and what is stored as plain rows."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from licensing.cells import Format
from model.base import Base
from model.contracts import Superseded
from model.events import Event
from model.session import Database, make_engine
from workflows.imports.kinds import KINDS
from workflows.imports.reading import Source
from workflows.imports.run import Outcome, prepare
from workflows.register.entries import RegisterRefused
from workflows.register.history import table_of

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
KEY = b"k" * 32


def no_tick(what: str, done: int, total: int) -> None:
    return None


class Desk:
    """Imports files one after the other, an hour apart."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = NOW

    def take(self, kind: str, text: str, *, keep: bool = True, form: Format | None = None) -> Outcome:
        """Import a file whose lines may be indented; raises what the command would say."""
        lines = [line.strip() for line in text.strip().splitlines()]
        rows = list(enumerate(csv.reader(lines), start=1))
        self.now += timedelta(hours=1)
        source = Source(f"{kind}.csv", rows)
        ready = prepare(KINDS[kind], source, form or Format(), key=KEY, now=self.now, tick=no_tick)
        with self.database.unit_of_work() as work:
            outcome = ready.apply(work, "operator:dara", no_tick)
            if keep:
                work.commit()
        return outcome

    def refused(self, kind: str, text: str) -> list[str]:
        """What a file is refused for; the database is the same afterwards."""
        before = self.sizes()
        try:
            self.take(kind, text)
        except RegisterRefused as wrong:
            assert self.sizes() == before
            return wrong.lines()
        raise AssertionError("the file was taken")

    def rows(self, model: type, *columns: str) -> list[tuple[Any, ...]]:
        """Columns of all rows, by id."""
        table = table_of(model)
        with self.database.reading() as connection:
            found = connection.execute(select(*(table.c[name] for name in columns)).order_by(table.c.id))
            return [tuple(row) for row in found]

    def superseded(self) -> list[tuple[Any, ...]]:
        """Table, and the times of what was known before."""
        return self.rows(
            Superseded, "table_name", "recorded_at", "superseded_at", "effective_from", "effective_until", "facts"
        )

    def sizes(self) -> dict[str, int]:
        """How many rows each table has."""
        with self.database.reading() as connection:
            return {
                name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for name, table in Base.metadata.tables.items()
            }

    def events(self) -> list[str]:
        with self.database.reading() as connection:
            return list(connection.execute(select(Event.facts).order_by(Event.id)).scalars())


@contextmanager
def desk(url: str) -> Iterator[Desk]:
    """A desk on this database."""
    database = Database(make_engine(url))
    try:
        yield Desk(database)
    finally:
        database.dispose()


PEOPLE = """
    email,name,manager,department,leaves_on
    ana@example.test,Ana Lindqvist,ben@example.test,Design,
    ben@example.test,Ben Okafor,,Design,
    kai@example.test,Kai Moreno,ben@example.test,Sales,2026-06-30
"""
DEVICES = """
    identity,kind,person,site,processors,cores,host,since
    L1,laptop,ana@example.test,Lyon,1,8,,
    S1,server,,Lyon,2,32,,
    V1,vm,,Lyon,,4,S1,
"""
