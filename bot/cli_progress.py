"""How far a reading is, on the terminal: a bar while it runs, and how each source of use is at the end."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import select

from model.session import Database
from model.sync import SyncProgress
from model.usage import SourceHealth

WIDTH = 30
LOOK_SECONDS = 0.3
#: What the steps of a reading are called for people.
STEPS = {
    "begin": "subscriptions",
    "people": "people",
    "managers": "managers",
    "changes": "changes",
    "check": "looking at what would close",
    "merge": "storing",
    "bosses": "storing",
    "groups": "licensing groups",
    "reports": "usage reports",
    "uses": "storing",
    "finish": "done",
}


def line(state: dict[str, Any]) -> str:
    """One line: the step, and a bar where it is known how many people there are."""
    step, seen, total = str(state.get("step", "")), int(state.get("seen") or 0), state.get("total")
    said = STEPS.get(step, step)
    if step == "people" and total:
        done = min(WIDTH, WIDTH * seen // total)
        return f"{said} [{'#' * done}{'.' * (WIDTH - done)}] {seen:,} of {total:,}"
    if step in ("people", "changes"):
        return f"{said} {seen:,}"
    if step == "reports":
        return f"{said} {len(state.get('reports') or ())} read"
    return said


@contextmanager
def bar(database: Database) -> Iterator[None]:
    """Show it on standard error while inside; on a file or a pipe nothing is shown."""
    if not sys.stderr.isatty():
        yield
        return
    done = threading.Event()

    def show() -> None:
        while not done.wait(LOOK_SECONDS):
            with database.reading() as connection:
                state = connection.execute(select(SyncProgress.state)).scalar()
            print(f"\r{line(state or {}):<76}", end="", file=sys.stderr, flush=True)

    shower = threading.Thread(target=show, name="progress", daemon=True)
    shower.start()
    try:
        yield
    finally:
        done.set()
        shower.join()
        print(f"\r{'':<76}\r", end="", file=sys.stderr, flush=True)


def sources(database: Database) -> Iterator[str]:
    """Each source that is not fine, and why; one line when all are."""
    with database.reading() as connection:
        rows = connection.execute(
            select(SourceHealth.source, SourceHealth.state, SourceHealth.words)
            .where(SourceHealth.state != "fine")
            .order_by(SourceHealth.source)
        ).all()
    for row in rows:
        yield f"{row.source.replace('_', ' ')}: {row.state.replace('_', ' ')}. {row.words}"
    if not rows:
        yield "Every source of use can be read."
