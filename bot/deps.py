"""What the listeners work with: one frozen value, handed to each of them, no module-level state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from bot.settings import Settings
from model.session import Database, UnitOfWork
from workflows.rules import Rules

View = Mapping[str, Any]


class NotShown(Exception):
    """Slack did not say that it shows the window; it may show it all the same. Another call could come too late."""


class TooManyWindows(NotShown):
    """Three windows lie on one another already, and Slack takes no fourth."""


class Screen(Protocol):
    """The only calls a listener makes outside: opening and redrawing windows, two seconds at most.

    Each raises NotShown.
    """

    def open_view(self, trigger_id: str, view: View) -> object: ...

    def push_view(self, trigger_id: str, view: View) -> object: ...

    def update_view(self, view_id: str, view: View, hash: str | None = None) -> object: ...


@dataclass(frozen=True)
class BotDeps:
    """`now` is the service's clock, `rules` the policy in force, `wake` tells the workers that something is due."""

    database: Database
    now: Callable[[], datetime]
    rules: Callable[[], Rules]
    slack: Screen
    settings: Settings
    wake: Callable[[], None]

    @contextmanager
    def unit_of_work(self) -> Iterator[UnitOfWork]:
        """A writing transaction whose commit wakes the workers. Raises DatabaseBusy."""
        with self.database.unit_of_work() as work:
            work.after_commit(self.wake)
            yield work
