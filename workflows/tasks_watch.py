"""Work by hand that waits: given to somebody else when its assignee has left, and put before its assignee once more
when its time is over. Only the person asked may press, so a task of somebody who left would wait for ever.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from sqlalchemy import String, cast, exists, literal, select

from model.events import Event, Happened, Tag
from model.licences import Product
from model.requests import OwnerTask
from model.session import UnitOfWork
from workflows.effects import enqueue
from workflows.people import person_facts
from workflows.reclaim import switch
from workflows.rules import Rules
from workflows.task_opening import facts_of, give_to, renewed, whose
from workflows.tasks import shown

log = structlog.get_logger(__name__)


def look(work: UnitOfWork, rules: Rules, now: datetime) -> None:
    """Do what is due for every open task; each look finds only what none did before. The caller commits."""
    _pass_on(work, rules, now)
    _remind(work, now)


def _pass_on(work: UnitOfWork, rules: Rules, now: datetime) -> None:
    """To the product's owner, else the fallback person, with the whole time anew."""
    waiting = work.connection.execute(
        select(OwnerTask.id, OwnerTask.assignee_id).where(OwnerTask.state == "open").order_by(OwnerTask.id)
    ).all()
    facts = person_facts(work.connection, {row.assignee_id for row in waiting}, now)
    left = {person_id for person_id, person in facts.items() if person.has_left(now)}
    for row in waiting:
        if row.assignee_id not in left:
            continue
        task = work.session.get_one(OwnerTask, row.id, with_for_update=True, populate_existing=True)
        if task.state != "open" or task.assignee_id != row.assignee_id:
            continue  # done or handed on at this moment
        try:
            heir = whose(work, rules, work.session.get_one(Product, task.product_id).owner_id, now)
        except LookupError as nobody:
            log.warning("work by hand waits for nobody", task=task.id, because=str(nobody))
            continue
        if heir.id == row.assignee_id:
            continue
        give_to(rules, task, heir, now)
        task.version += 1
        work.session.flush()  # the new card names the new assignee
        told = facts_of(task) | {"from": f"person:{row.assignee_id}", "to": f"person:{task.assignee_id}"}
        work.record([Happened(Tag.TASK_PASSED_ON, "clock", f"task:{task.id}", told)], now)
        enqueue(work, [*shown(work, task), *renewed(work, task, now)], now)


def _remind(work: UnitOfWork, now: datetime) -> None:
    """Once for each time it was due; a removal only while removals are on."""
    kinds = ("give", "take") if switch.is_on(work.connection) else ("give",)
    said = exists().where(
        Event.subject == literal("task:") + cast(OwnerTask.id, String),
        Event.tag == Tag.TASK_REMINDED,
        Event.at >= OwnerTask.due_at,
    )
    overdue = work.session.execute(
        select(OwnerTask)
        .where(OwnerTask.state == "open", OwnerTask.kind.in_(kinds), OwnerTask.due_at <= now, ~said)
        .order_by(OwnerTask.id)
        .with_for_update()
    ).scalars()
    for task in overdue.all():
        work.record([Happened(Tag.TASK_REMINDED, "clock", f"task:{task.id}", facts_of(task))], now)
        enqueue(work, renewed(work, task, now), now)
