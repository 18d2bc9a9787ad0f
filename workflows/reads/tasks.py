"""Work by hand and work that stopped: the product owner's task, parked jobs."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, func, select

from jobs.tables import Job, JobState
from model.licences import Product, SeatReturn, Sku
from model.people import Person
from model.requests import ApprovalStep, ApproverState, LicenceRequest, OwnerTask, RequestLine, StepApprover
from workflows.reads.people import people
from workflows.reads.prices import seat_numbers
from workflows.reads.seat_facts import ParkedFacts, TaskFacts
from workflows.reclaim import switch
from workflows.request import reference

#: How many requests a note names before it says "and n more".
_NAMED = 5


def tasks(connection: Connection, task_ids: Collection[int], now: datetime) -> dict[int, TaskFacts]:
    """By task id."""
    rows = connection.execute(
        select(
            *OwnerTask.__table__.c,
            Product.name,
            Product.admin_url,
            RequestLine.person_id.label("line_person"),
            SeatReturn.person_id.label("return_person"),
            SeatReturn.confirmed_by_id,
            LicenceRequest.sku_id,
        )
        .join(Product, Product.id == OwnerTask.product_id)
        .outerjoin(RequestLine, RequestLine.id == OwnerTask.line_id)
        .outerjoin(SeatReturn, SeatReturn.id == OwnerTask.return_id)
        .outerjoin(LicenceRequest, LicenceRequest.id == OwnerTask.request_id)
        .where(OwnerTask.id.in_(task_ids))
    ).all()
    agreed = dict(
        connection.execute(
            select(ApprovalStep.request_id, Person.name)
            .join(StepApprover, StepApprover.step_id == ApprovalStep.id)
            .join(Person, Person.id == StepApprover.person_id)
            .where(
                ApprovalStep.request_id.in_([row.request_id for row in rows if row.request_id is not None]),
                StepApprover.state == ApproverState.AGREED,
            )
            .order_by(StepApprover.decided_at)
        )
        .tuples()
        .all()
    )
    who = people(
        connection,
        [
            person
            for row in rows
            for person in (row.assignee_id, row.done_by_id, row.line_person, row.return_person, row.confirmed_by_id)
        ],
    )
    sku_ids = {row.sku_id for row in rows if row.sku_id is not None}
    numbers = seat_numbers(connection, sku_ids, now)
    tiers = _tiers(connection, sku_ids)
    off = not switch.is_on(connection)
    return {
        row.id: TaskFacts(
            id=row.id,
            version=row.version,
            kind=row.kind,
            state=row.state,
            product=row.name,
            tier=tiers.get(row.sku_id, ""),
            admin_url=row.admin_url,
            assignee=who[row.assignee_id],
            holder=who.get(row.line_person or row.return_person),
            request_id=row.request_id,
            reference=reference(row.request_id) if row.request_id else "",
            approved_by=agreed.get(row.request_id, ""),
            confirmed_by=who[row.confirmed_by_id].name if row.confirmed_by_id else "",
            words=row.words,
            due_at=row.due_at,
            done_by=who.get(row.done_by_id),
            done_at=row.done_at,
            numbers=numbers.get(row.sku_id) if row.sku_id else None,
            switched_off=off and row.kind == "take" and row.state == "open",
        )
        for row in rows
    }


def _tiers(connection: Connection, sku_ids: Collection[int]) -> dict[int, str]:
    """Tier by SKU, only of products that have several."""
    several = select(Sku.product_id).group_by(Sku.product_id).having(func.count() > 1)
    rows = connection.execute(select(Sku.id, Sku.tier).where(Sku.id.in_(sku_ids), Sku.product_id.in_(several)))
    return {row.id: row.tier for row in rows}


def parked(connection: Connection, job_ids: Collection[int], now: datetime) -> dict[int, ParkedFacts]:
    """By the job a note was made for: everything that is parked for the same cause today."""
    named = connection.execute(
        select(Job.id, Job.cause, Job.queue, Job.error, Job.state, Job.created_at).where(Job.id.in_(job_ids))
    ).all()
    causes = {row.cause for row in named}
    waiting = connection.execute(
        select(Job.cause, Job.queue, Job.payload, Job.error)
        .where(Job.state == JobState.PARKED, Job.cause.in_(causes))
        .order_by(Job.id)
    ).all()
    facts = {}
    for row in named:
        same = [one for one in waiting if (one.cause, one.queue) == (row.cause, row.queue)]
        requests = dict.fromkeys(
            reference(int(one.payload["request"])) for one in same if isinstance(one.payload.get("request"), int)
        )
        facts[row.id] = ParkedFacts(
            job_id=row.id,
            cause=row.cause,
            queue=row.queue,
            error=(same[-1].error if same else row.error) or row.error,
            count=len(same),
            references=tuple(requests)[:_NAMED],
            since=row.created_at,
            settled=not same,
        )
    return facts
