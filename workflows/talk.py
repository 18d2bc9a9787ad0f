"""What people say and do around a decision: ask, answer, note, remind, hand on, withdraw, reopen, name a deputy."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import select

from licensing.words import isolate
from model.events import Happened, Tag
from model.licences import Product
from model.people import Person
from model.requests import ApprovalStep, ApproverState, LicenceRequest, Status, StepApprover, StepState
from model.session import UnitOfWork
from workflows import approval, cards, needed_back, refusals, routing
from workflows.effects import Advance, Effect, PublishHome, ShowRequest, WatchStep, enqueue
from workflows.facts import Asked
from workflows.people import directory_for
from workflows.request import IllegalMove, Verb, close_steps, drop_lines, lock, move, want_lines
from workflows.request_facts import open_step_of, step_facts
from workflows.rules import Rules
from workflows.tickets import add_note as add_ticket_note
from workflows.tickets import record_again

#: How often the requester may press "Remind".
NUDGE_EVERY = timedelta(days=1)


class QuestionOpen(refusals.Refusal):
    """Another approver's question has no answer yet; a second one would hide it."""

    def __init__(self, name: str, when: datetime) -> None:
        super().__init__(name, when)
        self.name, self.when = name, when

    def say(self, instant: refusals.Instant = refusals.plain_instant) -> str:
        asked = f"{isolate(self.name)} asked something first, {instant(self.when)}"
        return f"{asked}; wait for the answer, then ask yours. Nothing was sent."


class NotYours(refusals.Refusal):
    """Only the person who asked can do this."""

    def say(self, instant: refusals.Instant = refusals.plain_instant) -> str:
        return "This request belongs to somebody else, so nothing changed."


class TooSoon(refusals.Refusal):
    """The approver was reminded a short while ago."""

    def __init__(self, name: str, when: datetime) -> None:
        super().__init__(name, when)
        self.name, self.when = name, when

    def say(self, instant: refusals.Instant = refusals.plain_instant) -> str:
        return f"{self.name} can be reminded again {instant(self.when)}."


def ask(work: UnitOfWork, rules: Rules, approver_id: int, by: int, question: str, now: datetime) -> None:
    """The approver asks the requester; the time limit waits for the answer. Raises a Refusal."""
    row = _asked_here(work, rules, approver_id, by, now)
    request = work.session.get_one(LicenceRequest, row.request_id, with_for_update=True)
    _awaiting(request)
    if (request.question, request.question_by_id) == (question, by):
        return  # the same window sent twice, because its answer was lost
    if request.question_at is not None and request.question_by_id not in (None, by):
        raise QuestionOpen(work.session.get_one(Person, request.question_by_id).name, request.question_at)
    request.question, request.question_by_id, request.question_at = question, by, now
    request.version += 1
    work.session.flush()
    work.record(
        [
            Happened(
                Tag.REQUEST_QUESTION_ASKED,
                f"person:{by}",
                f"request:{request.id}",
                {"step": row.id},
                {"words": question},
            )
        ],
        now,
    )
    enqueue(work, [Advance(request.id)], now)


def answer(work: UnitOfWork, rules: Rules, request_id: int, by: int, words: str, now: datetime) -> None:
    """The requester answers; the deadline moves by as long as the answer took, and the approver's card comes anew."""
    request = _own(work, request_id, by)
    _awaiting(request)
    if not request.question or request.question_at is None:
        if words in request.details.get("answers", [])[-1:]:
            return None  # sent twice
        return add_note(work, rules, request_id, by, words, now)
    waited = now - request.question_at
    before = float(request.details.get("waited_seconds", 0))
    asker = request.question_by_id
    request.question, request.question_at, request.question_by_id = "", None, None
    request.details = {
        **request.details,
        "answers": [*request.details.get("answers", []), words],
        "waited_seconds": before + waited.total_seconds(),  # neither the step's limit nor the request's end counts it
    }
    request.version += 1
    step_id = open_step_of(work.connection, request.id)
    effects: list[Effect] = [Advance(request.id)]
    if step_id is not None:
        step = work.session.get_one(ApprovalStep, step_id)
        if step.due_at is not None:
            step.due_at += waited
        for one in _waiting(work, step_id):
            effects += routing.ask(work, one, request.id, now, answers=one.person_id == asker)
            effects.append(WatchStep(step.id, routing.next_look(rules, step, one.person_id, work, now)))
    work.session.flush()
    work.record(
        [Happened(Tag.REQUEST_QUESTION_ANSWERED, f"person:{by}", f"request:{request.id}", {}, {"words": words})], now
    )
    enqueue(work, effects, now)
    return None


def add_note(work: UnitOfWork, rules: Rules, request_id: int, by: int, words: str, now: datetime) -> None:
    """The requester adds something; approvers see it on their card, ServiceNow as a work note."""
    request = _own(work, request_id, by)
    if words in request.details.get("notes", [])[-1:]:
        return  # sent twice
    request.details = {**request.details, "notes": [*request.details.get("notes", []), words]}
    request.version += 1
    work.session.flush()
    ids = work.record(
        [Happened(Tag.REQUEST_NOTE_ADDED, f"person:{by}", f"request:{request.id}", {}, {"words": words})], now
    )
    effects: list[Effect] = [Advance(request.id)]
    effects += add_ticket_note(work, request.id, f"note-{ids[0]}", words)
    enqueue(work, effects, now)


def nudge(work: UnitOfWork, rules: Rules, request_id: int, by: int, now: datetime) -> None:
    """The requester reminds the approver, once a day. Raises TooSoon."""
    request = _own(work, request_id, by)
    _awaiting(request)
    step_id = open_step_of(work.connection, request.id)
    waiting = _waiting(work, step_id) if step_id is not None else []
    if request.nudged_at is not None and now - request.nudged_at < NUDGE_EVERY:
        name = work.session.get_one(Person, waiting[0].person_id).name if waiting else "The approver"
        raise TooSoon(name, request.nudged_at + NUDGE_EVERY)
    request.nudged_at = now
    work.session.flush()
    work.record([Happened(Tag.REQUEST_REMINDED, f"person:{by}", f"request:{request.id}", {"step": step_id})], now)
    effects: list[Effect] = [ShowRequest(request.id)]
    for one in waiting:
        one.reminders += 1
        effects += routing.ask(work, one, request.id, now)
    enqueue(work, effects, now)


def hand_on(work: UnitOfWork, rules: Rules, approver_id: int, by: int, to: int, now: datetime) -> None:
    """The approver names somebody else for this step; both names stay in the record. Raises a Refusal."""
    step = _asked_here(work, rules, approver_id, by, now)
    own = next(one for one in _waiting(work, step.id) if one.person_id == by)
    facts = step_facts(work.connection, step.id, rules.policy, now)
    around = [to, *facts.tried_ids, facts.request.requester_id, *facts.request.beneficiary_ids]
    directory = directory_for(work.connection, around, rules.policy, now, mail=rules.mail)
    obstacle = approval.may_be_asked(to, facts, directory, now)
    if obstacle is not None:
        raise refusals.FieldRefusals({"person": obstacle})
    name = directory[by].name
    effects = routing.pass_on(work, rules, step, own, Asked(to, f"{name} handed this on to you."), now, handed_on=True)
    request = work.session.get_one(LicenceRequest, step.request_id, with_for_update=True)
    request.version += 1
    work.session.flush()
    work.record(
        [
            Happened(
                Tag.REQUEST_HANDED_ON,
                f"person:{by}",
                f"request:{request.id}",
                {"step": step.id, "to": f"person:{to}"},
            )
        ],
        now,
    )
    enqueue(work, [*effects, Advance(request.id)], now)


def withdraw(work: UnitOfWork, rules: Rules, request_id: int, by: int, now: datetime) -> None:
    """The requester takes the request back. Raises NotYours or IllegalMove."""
    request = _own(work, request_id, by)
    event = move(work, request.id, Status(request.status), Verb.WITHDRAW, f"person:{by}", now)
    close_steps(work, request.id, now)
    drop_lines(work, request.id)
    work.record([event], now)
    needed_back.gave_up(work, request, f"person:{by}", now)
    enqueue(work, [Advance(request.id)], now)


def leave_queue(work: UnitOfWork, rules: Rules, request_id: int, by: int, now: datetime) -> None:
    """The same for a request that waits for a seat."""
    withdraw(work, rules, request_id, by, now)


def urgent(work: UnitOfWork, rules: Rules, request_id: int, by: int, why: str, now: datetime) -> None:
    """The requester says why it is urgent; the product's owner reads it. Never a jump by itself."""
    request = _own(work, request_id, by)
    if Status(request.status) != Status.WAITING_FOR_SEAT:
        raise IllegalMove(Status(request.status), Verb.QUEUE)
    if request.urgent_reason == why:
        return  # sent twice
    request.urgent_reason = why
    request.version += 1
    work.session.flush()
    ids = work.record(
        [Happened(Tag.REQUEST_URGENCY_STATED, f"person:{by}", f"request:{request.id}", {}, {"words": why})], now
    )
    effects: list[Effect] = [ShowRequest(request.id)]
    owner = work.connection.execute(select(Product.owner_id).where(Product.id == request.product_id)).scalar()
    if owner is not None:
        effects += cards.new_card(
            work,
            cards.CardKind.NOTE,
            ids[0],
            cards.person(owner),
            now,
            request_id=request.id,
            facts={"about": "urgent", "by": by, "words": why},
        )
    effects += add_ticket_note(work, request.id, f"urgent-{ids[0]}", why)
    enqueue(work, effects, now)


def reopen(work: UnitOfWork, rules: Rules, request_id: int, by: int, now: datetime) -> None:
    """A request that closed without an answer is asked again with one press (rules §7)."""
    request = _own(work, request_id, by)
    event = move(work, request.id, Status(request.status), Verb.REOPEN, f"person:{by}", now, submitted_at=now)
    want_lines(work, request.id, request.seats)
    work.record([event], now)
    work.session.refresh(request)
    route = routing.plan(work, rules, request, now)
    if route.pre_approved is not None:
        approved = move(
            work,
            request.id,
            Status.AWAITING_APPROVAL,
            Verb.APPROVE,
            f"rule:{route.pre_approved.number}",
            now,
            tag=Tag.REQUEST_PRE_APPROVED,
            facts={"rule": str(route.pre_approved)},
            pre_approved_rule=str(route.pre_approved),
        )
        work.record([approved], now)
    enqueue(work, [Advance(request.id), *record_again(work, rules, request.id, now)], now)


def set_deputy(
    work: UnitOfWork,
    rules: Rules,
    by: int,
    deputy: int | None,
    first_day: date | None,
    last_day: date | None,
    now: datetime,
) -> None:
    """Say who decides in my place while I am away; both are told. None clears it."""
    if deputy == by:
        raise refusals.FieldRefusals({"person": "Choose somebody else: you cannot stand in for yourself."})
    if deputy is not None and (first_day is None or last_day is None or last_day < first_day):
        raise refusals.FieldRefusals({"until": "Choose the first and the last day, the last one not before the first."})
    person = work.session.get_one(Person, by, with_for_update=True)
    _remember_absence(person, first_day, now.date())
    person.deputy_id, person.absent_from, person.absent_until = deputy, first_day, last_day
    work.session.flush()
    ids = work.record(
        [
            Happened(
                Tag.DEPUTY_SET,
                f"person:{by}",
                f"person:{by}",
                {"deputy": deputy, "from": first_day, "until": last_day},
            )
        ],
        now,
    )
    effects: list[Effect] = [PublishHome(by)]
    if deputy is not None:
        facts = {
            "about": "deputy",
            "by": by,
            "deputy": deputy,
            "from": str(first_day),
            "until": str(last_day),
        }
        for person_id in (by, deputy):
            effects += cards.new_card(work, cards.CardKind.NOTE, ids[0], cards.person(person_id), now, facts=facts)
    enqueue(work, effects, now)


def _remember_absence(person: Person, first_day: date | None, today: date) -> None:
    """Keep the absence that the next one, from `first_day`, takes the place of; one that it only moves is its own."""
    began, until = person.absent_from, person.absent_until
    if began is None or began > today or (first_day is not None and first_day <= began):
        return
    over = until is not None and (until < today or (first_day is not None and until < first_day))
    person.was_absent_from = began
    person.was_absent_until = until if over else min(today, first_day - timedelta(days=1) if first_day else today)


# -- who may ----------------------------------------------------------------------------------------------------------


def _own(work: UnitOfWork, request_id: int, by: int) -> LicenceRequest:
    request = work.session.get(LicenceRequest, request_id, with_for_update=True)
    if request is None or request.requester_id != by:
        raise NotYours
    return request


def _awaiting(request: LicenceRequest) -> None:
    if Status(request.status) != Status.AWAITING_APPROVAL:
        raise IllegalMove(Status(request.status), Verb.AGREE)


def _asked_here(work: UnitOfWork, rules: Rules, approver_id: int, by: int, now: datetime) -> ApprovalStep:
    """The open step in which this person is asked now. Raises the sentence that says why not."""
    request_id = work.connection.execute(
        select(ApprovalStep.request_id)
        .join(StepApprover, StepApprover.step_id == ApprovalStep.id)
        .where(StepApprover.id == approver_id)
    ).scalar()
    if request_id is None:
        raise refusals.NotYourStep(())
    lock(work, request_id)  # a decision made at this moment counts
    step = work.session.execute(
        select(ApprovalStep)
        .join(StepApprover, StepApprover.step_id == ApprovalStep.id)
        .where(StepApprover.id == approver_id)
    ).scalar_one_or_none()
    if step is None or step.state != StepState.OPEN:
        raise refusals.NotYourStep(())
    facts = step_facts(work.connection, step.id, rules.policy, now)
    around = [by, *facts.tried_ids, facts.request.requester_id, facts.request.owner_id, *facts.request.beneficiary_ids]
    directory = directory_for(work.connection, around, rules.policy, now, mail=rules.mail)
    refusal = approval.may_decide(by, facts, directory, rules.policy, now)
    if refusal is not None:
        raise refusal
    return step


def _waiting(work: UnitOfWork, step_id: int) -> list[StepApprover]:
    return list(
        work.session.execute(
            select(StepApprover)
            .where(StepApprover.step_id == step_id, StepApprover.state == ApproverState.ASKED)
            .order_by(StepApprover.id)
        ).scalars()
    )
