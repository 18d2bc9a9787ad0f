"""Engines of one test process share what they compiled: a statement is turned into SQL once, not once per test.

SQLAlchemy keeps compiled statements per engine and, for what a session writes, per table and dialect. A test has an
engine of its own, so each compiled everything anew, and every table kept a hundred statements of engines long gone,
which the garbage collector had to look through. What is shared is text, by the structure of the statement it says.
"""

from __future__ import annotations

from sqlalchemy import Engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

#: More than the product has.
MOST_STATEMENTS = 4000
_COMPILED: LRUCache[object, object] = LRUCache(MOST_STATEMENTS)


def share() -> None:
    """Let engines made from now on share."""
    registry.register("sqlite", __name__, "SQLite")
    registry.register("postgresql.psycopg", __name__, "PostgreSQL")


class SQLite(SQLiteDialect_pysqlite):
    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SQLite)

    def __hash__(self) -> int:
        return hash(SQLite)

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        engine.update_execution_options(compiled_cache=_COMPILED)


class PostgreSQL(PGDialect_psycopg):
    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PostgreSQL)

    def __hash__(self) -> int:
        return hash(PostgreSQL)

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        engine.update_execution_options(compiled_cache=_COMPILED)
