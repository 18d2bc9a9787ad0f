"""What people do about a request that waits for a person: try again, name who decides, or close it with words.

Nobody left to decide is never an approval (rules §5): a licence manager names somebody, under the same exclusions as
everybody who is asked, and both names stay in the record.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select, update

from model.events import Happened, Tag
from model.licences import Product
from model.people import Person, Role, RoleGrant
from model.requests import (
    ApprovalStep,
    ApproverState,
    LicenceRequest,
    LineState,
    RequestLine,
    Status,
    StepApprover,
    StepState,
)
from model.session import UnitOfWork
from workflows import approval, deadlines, granting, needed_back, refusals, routing
from workflows.cards import CardKind
from workflows.effects import Advance, Effect, PublishHome, ShowCard, WatchStep, enqueue
from workflows.people import directory_for, person_facts
from workflows.reads.cards import cards_about
from workflows.reads.seat_facts import StuckFacts
from workflows.reads.stuck import Behind, behind, stuck
from workflows.request import Verb, close_steps, drop_lines, move, settle
from workflows.request_facts import step_facts
from workflows.rules import Rules

#: Who looks after a seat that could not be given; the product's owner may as well.
MAY_CLEAR = frozenset({Role.IT, Role.LICENCE_MANAGER, Role.ADMIN})
#: Who names somebody where nobody is left.
MAY_NAME = frozenset({Role.LICENCE_MANAGER, Role.ADMIN})


class WaitsForOthers(refusals.Refusal):
    """Only those who look after it act here; looking is fine."""

    def __init__(self, whom: str) -> None:
        super().__init__(whom)
        self.whom = whom

    def say(self, instant: refusals.Instant = refusals.plain_instant) -> str:
        return f"This waits for {self.whom}. You can look, not press."


class Settled(refusals.Refusal):
    """Somebody was quicker, or it went on by itself."""

    def __init__(self) -> None:
        super().__init__("This does not wait for a person any more; your press changed nothing.")


class OwnStep(refusals.Refusal):
    """Nobody names who decides on what they asked for or would get."""

    def __init__(self) -> None:
        super().__init__("You asked for this or would get it, so another licence manager names who decides.")


def facts_for(
    work: UnitOfWork, request_id: int, by: int, roles: Collection[Role], now: datetime, *, naming: bool = False
) -> StuckFacts:
    """The request as it is stuck, for somebody who may act on it. Raises Settled or WaitsForOthers."""
    found = stuck(work.connection, [request_id], now).get(request_id)
    if found is None:
        raise Settled
    if naming or not found.failed:
        if not MAY_NAME & set(roles):
            raise WaitsForOthers("a licence manager")
    elif not MAY_CLEAR & set(roles) and _owner(work, found.product_id) != by:
        raise WaitsForOthers("IT, a licence manager or whoever looks after the product")
    if found.settled or (naming and found.failed):
        raise Settled
    return found


def who_is_it(work: UnitOfWork, request_id: int, by: int, roles: Collection[Role], now: datetime) -> Behind:
    """The people behind a channel card, for those who may act on it. Raises Settled or WaitsForOthers."""
    facts_for(work, request_id, by, roles, now)
    found = behind(work.connection, request_id)
    if found is None:
        raise Settled
    return found


def try_again(work: UnitOfWork, rules: Rules, request_id: int, by: int, roles: Collection[Role], now: datetime) -> None:
    """What was in the way is cleared: the seats are given anew. Raises Settled or WaitsForOthers."""
    facts = facts_for(work, request_id, by, roles, now)
    work.session.get_one(LicenceRequest, request_id, with_for_update=True)  # of two presses one finds it settled
    if not (facts.failed and facts.can_retry and _has_lines(work, request_id, LineState.FAILED)):
        raise Settled
    granting.try_again(work, rules, request_id, f"person:{by}", now)
    enqueue(work, _shown(work, request_id), now)


def name_decider(
    work: UnitOfWork, rules: Rules, request_id: int, by: int, roles: Collection[Role], to: int, now: datetime
) -> None:
    """Ask `to` in the step nobody is left for. Raises a Refusal; FieldRefusals when this person cannot be asked."""
    facts = facts_for(work, request_id, by, roles, now, naming=True)
    request = work.session.get_one(LicenceRequest, request_id, with_for_update=True)
    step = work.session.execute(
        select(ApprovalStep)
        .where(ApprovalStep.request_id == request_id, ApprovalStep.state == StepState.OPEN)
        .with_for_update()
    ).scalar_one_or_none()
    if step is None or Status(request.status) != Status.AWAITING_APPROVAL:
        raise Settled
    here = step_facts(work.connection, step.id, rules.policy, now)
    if by in here.request.excluded:
        raise OwnStep
    around = [to, by, *here.tried_ids, *here.request.excluded]
    directory = directory_for(work.connection, around, rules.policy, now, mail=rules.mail)
    obstacle = approval.may_be_asked(to, here, directory, now)
    if obstacle is not None:
        raise refusals.FieldRefusals({"person": obstacle})
    _ask(work, step.id, to, f"{directory[by].name} named you: nobody else was left to decide.", now)
    effects = _open_for(work, rules, step, now)
    request.version += 1
    work.session.flush()
    named = {"step": step.id, "to": f"person:{to}", "nobody_answered": facts.silent}
    work.record([Happened(Tag.REQUEST_DECIDER_NAMED, f"person:{by}", f"request:{request_id}", named)], now)
    enqueue(work, [*effects, Advance(request_id), *_shown(work, request_id)], now)


def close(
    work: UnitOfWork,
    rules: Rules,
    request_id: int,
    by: int,
    roles: Collection[Role],
    words: str,
    now: datetime,
) -> None:
    """Give it up, with words to whoever asked; seats already given stay. Raises Settled or WaitsForOthers."""
    facts_for(work, request_id, by, roles, now)
    request = work.session.get_one(LicenceRequest, request_id, with_for_update=True)
    actor = f"person:{by}"
    close_steps(work, request_id, now)
    drop_lines(work, request_id)
    if _has_lines(work, request_id, LineState.GRANTED):
        # what was given is the end of it; the rest falls, and whoever asked reads why
        closed = Happened(Tag.REQUEST_CLOSED, actor, f"request:{request_id}", {"rest": True}, {"words": words})
        events = [closed, *settle(work, request_id, actor, now)]
    else:
        events = [
            move(
                work,
                request_id,
                Status(request.status),
                Verb.CLOSE,
                actor,
                now,
                personal={"words": words},
                closing_words=words,
                details={**request.details, "closed_by": by},
            )
        ]
        needed_back.gave_up(work, request, actor, now)
    work.record(events, now)
    enqueue(work, [Advance(request_id), *_shown(work, request_id)], now)


def _ask(work: UnitOfWork, step_id: int, person_id: int, because: str, now: datetime) -> None:
    """One person more in the step; one who let it pass before is asked once more."""
    known = work.session.execute(
        select(StepApprover).where(StepApprover.step_id == step_id, StepApprover.person_id == person_id)
    ).scalar_one_or_none()
    if known is None:
        known = StepApprover(step_id=step_id, person_id=person_id, asked_at=now)
        work.session.add(known)
    known.because, known.handed_on = because[:300], True  # their right comes from having been named
    known.state, known.asked_at, known.decided_at, known.reminders = ApproverState.ASKED, now, None, 0
    work.session.flush()  # the card names it


def _open_for(work: UnitOfWork, rules: Rules, step: ApprovalStep, now: datetime) -> list[Effect]:
    """Ask everybody in the step once there are enough; their time begins now, however long nobody was left."""
    people = list(
        work.session.execute(
            select(StepApprover)
            .where(StepApprover.step_id == step.id, StepApprover.state == ApproverState.ASKED)
            .order_by(StepApprover.id)
        ).scalars()
    )
    agreed = work.connection.execute(
        select(func.count())
        .select_from(StepApprover)
        .where(StepApprover.step_id == step.id, StepApprover.state == ApproverState.AGREED)
    ).scalar_one()
    if len(people) + agreed < step.quorum:
        return []
    work.connection.execute(
        update(StepApprover)
        .where(StepApprover.step_id == step.id, StepApprover.state == ApproverState.ASKED)
        .values(asked_at=now)
    )
    facts = person_facts(work.connection, [one.person_id for one in people], now, mail=rules.mail)
    calendars = [deadlines.calendar_of(facts[one.person_id], rules.policy) for one in people]
    step.opened_at = now
    step.due_at = max(deadlines.due_at(now, rules.policy.approval, calendar) for calendar in calendars)
    work.session.flush()  # the first reminder is computed from it
    effects: list[Effect] = []
    for one in people:
        effects += routing.ask(work, one, step.request_id, now)
    effects.append(WatchStep(step.id, routing.next_look(rules, step, people[0].person_id, work, now)))
    return effects


def _has_lines(work: UnitOfWork, request_id: int, state: LineState) -> bool:
    return bool(
        work.connection.execute(
            select(func.count())
            .select_from(RequestLine)
            .where(RequestLine.request_id == request_id, RequestLine.state == state)
        ).scalar_one()
    )


def _owner(work: UnitOfWork, product_id: int | None) -> int | None:
    return work.connection.execute(select(Product.owner_id).where(Product.id == product_id)).scalar()


def _shown(work: UnitOfWork, request_id: int) -> list[Effect]:
    """The notes about it, and the Home of those who look after such things."""
    shown: list[Effect] = [ShowCard(one) for one in cards_about(work.connection, CardKind.STUCK, request_id)]
    return [*shown, *(PublishHome(person) for person in _looking(work))]


def _looking(work: UnitOfWork) -> list[int]:
    rows = work.connection.execute(
        select(Person.id)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .where(RoleGrant.role.in_(MAY_CLEAR), RoleGrant.ended_at.is_(None), Person.home_seen_at.is_not(None))
        .distinct()
        .order_by(Person.id)
    )
    return list(rows.scalars())
