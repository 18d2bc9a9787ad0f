"""Asks a product's owner to give or take one seat by hand; how they close it is `workflows.tasks`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from licensing.business_time import add_working_hours
from model.events import Happened, Tag
from model.licences import Product
from model.people import Person
from model.requests import LicenceRequest, OwnerTask, RequestLine
from model.session import UnitOfWork
from workflows import cards
from workflows.effects import Effect, PublishHome
from workflows.people import calendar_of, fallback_person
from workflows.rules import Rules


def open_give_task(
    work: UnitOfWork, rules: Rules, request: LicenceRequest, line: RequestLine, product: Product, now: datetime
) -> list[Effect]:
    """Ask the product's owner to give one seat; the fallback group when there is no owner who is there."""
    return _open(
        work, rules, OwnerTask(kind="give", line_id=line.id, request_id=request.id, product_id=product.id), product, now
    )


def open_take_task(work: UnitOfWork, rules: Rules, return_id: int, product: Product, now: datetime) -> list[Effect]:
    """Ask the product's owner to take one confirmed seat back."""
    return _open(work, rules, OwnerTask(kind="take", return_id=return_id, product_id=product.id), product, now)


def _open(work: UnitOfWork, rules: Rules, task: OwnerTask, product: Product, now: datetime) -> list[Effect]:
    same = select(OwnerTask).where(
        OwnerTask.kind == task.kind,
        OwnerTask.line_id == task.line_id if task.line_id else OwnerTask.return_id == task.return_id,
        OwnerTask.state.in_(["open", "could_not"]),
    )
    known = work.session.execute(same).scalar_one_or_none()
    if known is not None:
        if known.state == "open":
            return []
        known.state, known.version = "open", known.version + 1
        return list(renewed(work, known, now))
    assignee = work.session.get(Person, product.owner_id) if product.owner_id else None
    if assignee is None or not assignee.active:
        assignee = fallback_person(work, rules.policy, now)
    calendar = calendar_of(assignee, rules.policy)
    task.assignee_id = assignee.id
    task.created_at = now
    task.due_at = add_working_hours(now, rules.policy.approval.time_limit_hours, calendar)
    work.session.add(task)
    work.session.flush()  # the card names the task
    work.record([Happened(Tag.TASK_OPENED, "rule:granting", f"task:{task.id}", facts_of(task))], now)
    return list(renewed(work, task, now))


def renewed(work: UnitOfWork, task: OwnerTask, now: datetime) -> list[Effect]:
    return [
        *cards.new_card(
            work, cards.CardKind.TASK, task.id, cards.person(task.assignee_id), now, request_id=task.request_id
        ),
        PublishHome(task.assignee_id),
    ]


def facts_of(task: OwnerTask) -> dict[str, int | str | None]:
    return {"kind": task.kind, "line": task.line_id, "return": task.return_id, "assignee": task.assignee_id}
