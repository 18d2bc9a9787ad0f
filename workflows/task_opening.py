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
from workflows.people import calendar_of, fallback_person, person_facts
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
        ask_anew(work, rules, known, now)
        return list(renewed(work, known, now))
    task.created_at = now
    give_to(rules, task, whose(work, rules, product.owner_id, now), now)
    work.session.add(task)
    work.session.flush()  # the card names the task
    work.record([Happened(Tag.TASK_OPENED, "rule:granting", f"task:{task.id}", facts_of(task))], now)
    return list(renewed(work, task, now))


def whose(work: UnitOfWork, rules: Rules, owner_id: int | None, now: datetime) -> Person:
    """Who does what is done by hand: the product's owner, or the fallback person where that one has left.

    Raises LookupError when the fallback group is empty.
    """
    owner = person_facts(work.connection, [owner_id], now).get(owner_id) if owner_id is not None else None
    if owner is None or owner.has_left(now):
        return fallback_person(work, rules.policy, now)
    return work.session.get_one(Person, owner.id)


def ask_anew(work: UnitOfWork, rules: Rules, task: OwnerTask, now: datetime) -> None:
    """A task that is open again has its whole time again, and somebody who is there."""
    assignee = person_facts(work.connection, [task.assignee_id], now)[task.assignee_id]
    owner_id = work.session.get_one(Product, task.product_id).owner_id if assignee.has_left(now) else assignee.id
    give_to(rules, task, whose(work, rules, owner_id, now), now)


def give_to(rules: Rules, task: OwnerTask, assignee: Person, now: datetime) -> None:
    """Theirs from now on, with the whole time that policy gives."""
    task.assignee_id = assignee.id
    task.due_at = add_working_hours(now, rules.policy.tasks.limit_hours, calendar_of(assignee, rules.policy))


def renewed(work: UnitOfWork, task: OwnerTask, now: datetime) -> list[Effect]:
    return [
        *cards.new_card(
            work, cards.CardKind.TASK, task.id, cards.person(task.assignee_id), now, request_id=task.request_id
        ),
        PublishHome(task.assignee_id),
    ]


def facts_of(task: OwnerTask) -> dict[str, int | str | None]:
    return {"kind": task.kind, "line": task.line_id, "return": task.return_id, "assignee": task.assignee_id}
