"""Performs `home.publish`: draws a person's Home from what is true now and writes it over what stands there.

`views.publish` takes the hash of the view it replaces; when somebody wrote meanwhile it refuses, and the tab is drawn
again from current data. Nobody who never opened Home gets one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import select

from bot.views.home import home_view, unknown_person
from bot.views.modals import refused
from integrations.slack import HashConflict, SlackClient
from model.people import Person
from model.session import Database, UnitOfWork
from workflows import homes
from workflows.decide import link_code
from workflows.reads.home import home
from workflows.refusals import UnknownPerson
from workflows.rules import RulesSource


class Run(Protocol):
    """What of a job's run is needed here."""

    def finish(self, work: UnitOfWork) -> None: ...


Handler = Callable[[dict[str, Any], Run], None]

#: Writers in the way before the last one simply wins.
TRIES = 3


def home_publisher(database: Database, rules: RulesSource, slack: SlackClient, now: Callable[[], datetime]) -> Handler:
    """The handler of `home.publish`: payload {"person": id}, or {"slack": id} for an account that is nobody's."""

    def publish(payload: dict[str, Any], run: Run) -> None:
        if "slack" in payload:
            slack_id = str(payload["slack"])
            slack.publish_home(slack_id, unknown_person(refused(UnknownPerson(link_code(slack_id)))))
            return
        person_id = int(payload["person"])
        view_hash = _publish(person_id)
        with database.unit_of_work() as work:
            if view_hash is not None:
                homes.published(work, person_id, view_hash)
            run.finish(work)
            work.commit()

    def _publish(person_id: int) -> str | None:
        for attempt in range(1, TRIES + 1):
            at = now()
            with database.reading() as connection:
                row = connection.execute(
                    select(Person.slack_id, Person.home_hash, Person.home_seen_at).where(
                        Person.id == person_id, Person.active
                    )
                ).one_or_none()
                if row is None or row.slack_id is None or row.home_seen_at is None:
                    return None
                facts = home(connection, rules().policy, person_id, at, counts=True)
            if facts is None:
                return None
            known = row.home_hash if attempt == 1 else None
            answer = slack.publish_home(row.slack_id, home_view(facts, at), known)
            if not isinstance(answer, HashConflict):
                return answer.hash
        return None

    return publish
