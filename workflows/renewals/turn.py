"""What a night's round carries from step to step: its transaction, what it did, and what it has to tell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import date, datetime

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError

from model.session import UnitOfWork
from workflows.policy import Policy
from workflows.renewals import telling

log = structlog.get_logger(__name__)


@dataclass
class Night:
    """What one round did."""

    opened: int = 0
    told: int = 0
    missed: int = 0
    rolled: int = 0
    dropped: int = 0
    proved: int = 0  # by the vendor's figures
    not_understood: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)  # whose look raised, as the log names them: "contract 12"

    @contextmanager
    def apart(self, work: UnitOfWork, subject: str, notes: telling.Notes) -> Iterator[None]:
        """All about one contract, or none of it: its trouble is counted and logged, and stops nobody else's.

        Trouble of the database itself is raised, since the whole part has to come again.
        """
        told, counts = len(notes.found), {one.name: getattr(self, one.name) for one in fields(self)}
        try:
            with work.session.begin_nested():
                yield
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            del notes.found[told:]
            for name, count in counts.items():
                setattr(self, name, count)
            self.failed.append(subject)
            log.exception("contract not looked at", subject=subject, error=type(error).__name__)


@dataclass(frozen=True)
class Round:
    """What every step of the round needs."""

    work: UnitOfWork
    policy: Policy
    now: datetime
    night: Night
    notes: telling.Notes = field(default_factory=telling.Notes)

    @property
    def today(self) -> date:
        return self.now.date()
