"""Work that was given up and waits for a person: who may run it again, and the record of it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select

from jobs import parked as parked_jobs
from jobs.tables import Job, JobState
from model.events import Happened, Tag
from model.people import Role
from model.session import UnitOfWork
from workflows import cards
from workflows.effects import ShowCard, enqueue
from workflows.reads.cards import cards_about
from workflows.refusals import Refusal

#: Who looks after work that stopped (design §7).
MAY_RUN = frozenset({Role.IT, Role.LICENCE_MANAGER, Role.ADMIN})


class NotYourWork(Refusal):
    """Only those who look after the outside systems run parked work again."""

    def __init__(self) -> None:
        super().__init__("This waits for IT or a licence manager. You can look, not press.")


def run_again(work: UnitOfWork, job_id: int, by: int, roles: Collection[Role], now: datetime) -> int:
    """Make everything that was given up for the same cause due now; returns how many. Raises NotYourWork.

    Nothing parked any more is no refusal: somebody was quicker, and the card is brought in line.
    """
    if not MAY_RUN & set(roles):
        raise NotYourWork
    ids = _of_one_cause(work, job_id)
    again = parked_jobs.run_again(work, ids, now) if ids else 0
    if again:
        facts = {"jobs": ids[:50], "count": again}
        work.record([Happened(Tag.JOB_RUN_AGAIN, f"person:{by}", f"job:{job_id}", facts)], now)
    enqueue(work, [ShowCard(one) for one in cards_about(work.connection, cards.CardKind.PARKED, job_id)], now)
    return again


def _of_one_cause(work: UnitOfWork, job_id: int) -> list[int]:
    """Parked jobs with the cause and system of the job a note was made for."""
    named = work.connection.execute(select(Job.cause, Job.queue).where(Job.id == job_id)).one_or_none()
    if named is None:
        return []
    rows = work.connection.execute(
        select(Job.id)
        .where(Job.state == JobState.PARKED, Job.cause == named.cause, Job.queue == named.queue)
        .order_by(Job.id)
    )
    return list(rows.scalars())
