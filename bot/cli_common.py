"""What commands share: the open database, who somebody is, and every trouble said in a line with its exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec

from sqlalchemy import Connection, select
from sqlalchemy.exc import OperationalError

from bot.settings import Settings, SettingsError
from migrations import current, head
from model.people import Person
from model.session import Database, DatabaseBusy, make_engine
from workflows import policies
from workflows.policy import Policy
from workflows.policy_file import PolicyProblems
from workflows.refusals import Refusal

SettingsLoader = Callable[[], Settings]
Given = ParamSpec("Given")


class Failed(Exception):
    """A command could not do what was asked; the message says why and what to do."""


def in_words(run: Callable[Given, int]) -> Callable[Given, int]:
    """A command that says its troubles: 2 for wrong settings, 1 for what is refused or cannot be done now."""

    @wraps(run)
    def told(*given: Given.args, **named: Given.kwargs) -> int:
        try:
            return run(*given, **named)
        except SettingsError as wrong:
            print("\n".join(wrong.problems), file=sys.stderr)
            return 2
        except PolicyProblems as wrong:
            print("\n".join(wrong.lines()), file=sys.stderr)
            return 1
        except (Failed, Refusal) as wrong:
            print(wrong, file=sys.stderr)
            return 1
        except DatabaseBusy:
            print("The database is busy. Nothing was changed; try again in a few seconds.", file=sys.stderr)
            return 1

    return told


@contextmanager
def open_database(settings: Settings) -> Iterator[Database]:
    """The database at this program's schema. Raises Failed with what to do."""
    engine = make_engine(settings.database_url)
    try:
        try:
            at = current(engine)
        except OperationalError:
            raise Failed("The database cannot be reached: check DATABASE_URL.") from None
        if at != head():
            raise Failed("The database is not at this version's schema. Run: seatkeeper migrate")
        yield Database(engine)
    finally:
        engine.dispose()


def policy_of(database: Database) -> Policy:
    """The policy in force; before the first start what holds without a file."""
    with database.reading() as connection:
        return policies.in_force(connection)


def person_at(connection: Connection, email: str) -> int:
    """Somebody in the staff directory by their address. Raises Failed for nobody."""
    wanted = select(Person.id).where(Person.email == email.strip().lower(), Person.active)
    found = connection.execute(wanted).scalar()
    if found is None:
        raise Failed(f"Nobody in the staff directory has the address {email}. Use your address at work.")
    return found
