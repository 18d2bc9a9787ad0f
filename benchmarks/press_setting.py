"""What a press is measured in: a migrated and filled database, the signed presses for it, the server's settings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import migrations
from benchmarks import deliveries
from benchmarks.company import POLICY, Open, fill
from model.session import Database, make_engine
from workflows import policies

SECRET = "example-signing-secret"
TOKEN = "xoxb-example"
#: Nothing listens there: a listener that called Slack on its way would fail at once.
NOWHERE = "http://127.0.0.1:9/api/"


@dataclass(frozen=True)
class Prepared:
    """A company in its database, what waits there, the presses that decide it in the same order, and the settings."""

    database: Database
    waiting: list[Open]
    presses: list[bytes]
    environment: dict[str, str]


@contextmanager
def prepared(url: str, folder: Path, open_requests: int, presses: int) -> Iterator[Prepared]:
    """A company with so many open requests, and the signed presses for the first of them."""
    with migrated(url, POLICY) as database:
        now = datetime.now(UTC)
        waiting = fill(database, open_requests, now)
        _come_to_rest(database)
        with database.reading() as connection:
            bodies = deliveries.presses(connection, waiting[:presses], now)
        signed = [deliveries.interaction(body, SECRET) for body in bodies]
        yield Prepared(database, waiting, signed, settings(url, folder))


def _come_to_rest(database: Database) -> None:
    """What was filled in a moment is as if it had been there for a day: housekeeping done, and all of it on the disk.

    Else the server's own housekeeping and the disk take their turn in the middle of what is measured, where a slowest
    hundredth of some hundred presses is decided by it.
    """
    if not database.is_sqlite:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for statement in ("VACUUM (ANALYZE)", "CHECKPOINT"):
                connection.exec_driver_sql(statement)
    os.sync()


@contextmanager
def migrated(url: str, policy: str) -> Iterator[Database]:
    """A database with the schema and this policy in force, as after the service's first start."""
    engine = make_engine(url)
    migrations.upgrade(engine)
    database = Database(engine)
    try:
        with database.unit_of_work() as work:
            policies.ensure_first(work, policy, datetime.now(UTC))
            work.commit()
        yield database
    finally:
        database.dispose()


def settings(url: str, folder: Path, slack_api_url: str = NOWHERE) -> dict[str, str]:
    """The environment of a server on this database; outside systems other than Slack are absent."""
    policy = folder / "policy.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    return {
        "DATABASE_URL": url,
        "PORT": "1",
        "SECRET_KEY": "example-secret-key-of-more-than-32-characters",
        "SLACK_BOT_TOKEN": TOKEN,
        "SLACK_SIGNING_SECRET": SECRET,
        "SLACK_API_URL": slack_api_url,
        "POLICY_FILE": str(policy),
    }
