"""A press on an approval card: who pressed, may they, what does it change. One read, a few writes, no call outside.

This is the path a person waits on, so it is Core statements only, each built once: building and compiling them anew
took more time than running them (measured). Everything that follows from a decision (the next step, the reservation,
the cards) is the `Advance` job of the same transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    String,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.orm import aliased

from licensing.business_time import zone_of
from model import ready
from model.events import Happened
from model.events import write as write_event
from model.licences import Sku
from model.people import Person
from model.requests import (
    ApprovalStep,
    ApproverState,
    LicenceRequest,
    RequestLine,
    Status,
    StepApprover,
    StepKind,
    StepState,
)
from model.session import UnitOfWork
from model.writes import Write
from workflows import approval, refusals
from workflows.decide_why import Presser, asked_names, why_not
from workflows.decide_why import link_code as link_code
from workflows.effects import Advance, ShowRequest
from workflows.effects import write as write_effects
from workflows.people import directory_for
from workflows.reads.prices import prices
from workflows.request import Verb, close_steps, drop_lines, fewer_lines, moving
from workflows.request_facts import step_facts
from workflows.rules import Rules, RulesSource


@dataclass(frozen=True)
class Lowered:
    """What an approver may change: less than was asked, never more (design §6). None leaves it as it was."""

    sku_id: int | None = None
    until_on: date | None = None
    seats: int | None = None

    def given(self) -> dict[str, Any]:
        """The changed columns by name."""
        named = {"sku_id": self.sku_id, "until_on": self.until_on, "seats": self.seats}
        return {column: value for column, value in named.items() if value is not None}


@dataclass(frozen=True)
class Verdict:
    """Approve or deny. `buy`: the button named a sum that is spent; `wait`: the approver chose the queue instead."""

    approve: bool
    words: str = ""
    buy: bool = False
    wait: bool = False
    lowered: Lowered = field(default_factory=Lowered)
    suggestion: str = ""  # a product named in a denial


@dataclass(frozen=True)
class Decided:
    """What a press did; `final` when no further step of this kind of decision is needed."""

    request_id: int
    approve: bool
    final: bool


def _is(state: StrEnum) -> ColumnElement[str]:
    """A fixed state as part of the statement. As a parameter it made SQLite plan the statement anew at every press,
    since a partial index might apply: fifteen times what running it takes (measured)."""
    return literal_column(f"'{state.value}'", String)


_holder = aliased(Person)
_later = aliased(ApprovalStep)
_seen = aliased(LicenceRequest)

# the button names a row of step_approver; the presser's own row in that step counts, since cards get forwarded
_OPEN_STEP: Select[Any] = (
    select(
        LicenceRequest.id.label("request_id"),
        LicenceRequest.status,
        LicenceRequest.version,
        _seen.version.label("version_seen"),
        LicenceRequest.purchase,
        LicenceRequest.until_on,
        LicenceRequest.seats,
        ApprovalStep.id.label("step_id"),
        ApprovalStep.position,
        ApprovalStep.kind,
        ApprovalStep.quorum,
        StepApprover.id.label("own_id"),
        StepApprover.stands_in_for_id,
        Person.id.label("presser_id"),
        Person.leaves_on,
        Person.time_zone,
        exists()
        .where(
            ApprovalStep.request_id == LicenceRequest.id,
            RequestLine.request_id == LicenceRequest.id,
            RequestLine.person_id == Person.id,
        )
        .correlate(LicenceRequest, Person, ApprovalStep)
        .label("benefits"),
        LicenceRequest.requester_id,
        LicenceRequest.sku_id,
        or_(
            StepApprover.handed_on,
            and_(
                ApprovalStep.kind == _is(StepKind.LINE_MANAGER),
                exists()
                .where(
                    RequestLine.request_id == LicenceRequest.id,
                    _holder.id == RequestLine.person_id,
                    _holder.manager_id == Person.id,
                )
                .correlate(LicenceRequest, Person),
            ),
        ).label("right_is_plain"),
        exists()
        .where(
            _later.request_id == LicenceRequest.id,
            _later.position > ApprovalStep.position,
            _later.state == _is(StepState.LATER),
        )
        .correlate(LicenceRequest, ApprovalStep)
        .label("more_to_come"),
    )
    .select_from(StepApprover)
    .join(ApprovalStep, ApprovalStep.id == StepApprover.step_id)
    .join(LicenceRequest, LicenceRequest.id == ApprovalStep.request_id)
    .join(_seen, _seen.id == LicenceRequest.id)
    .join(Person, Person.id == StepApprover.person_id)
    .where(
        ApprovalStep.id
        == select(StepApprover.step_id).where(StepApprover.id == bindparam("approver_id")).scalar_subquery(),
        Person.active,
        StepApprover.state == _is(ApproverState.ASKED),
        ApprovalStep.state == _is(StepState.OPEN),
        LicenceRequest.status == _is(Status.AWAITING_APPROVAL),
    )
    # SQLite has one writer at a time and no such words
    .with_for_update(of=LicenceRequest)
)
_BY_SLACK = _OPEN_STEP.where(Person.slack_id == bindparam("presser"))
_BY_PERSON = _OPEN_STEP.where(Person.id == bindparam("presser"))

_approver, _step = StepApprover.metadata.tables["step_approver"].c, ApprovalStep.metadata.tables["approval_step"].c
# the writes name the state they leave: whoever passed a step on leaves its request's version as it was
_ANSWER = (
    update(_approver.id.table)
    .where(_approver.id == bindparam("own_id"), _approver.state == _is(ApproverState.ASKED))
    .values(
        state=bindparam("answer"),
        decided_at=bindparam("now"),
        words=bindparam("said"),
        changed=bindparam("lowered"),
        bought=bindparam("buy"),
    )
)
_CLOSE = (
    update(_step.id.table)
    .where(_step.id == bindparam("closing_id"), _step.state == _is(StepState.OPEN))
    .values(state=bindparam("outcome"), decided_at=bindparam("now"))
)


def decide(
    work: UnitOfWork,
    rules: RulesSource,
    approver_id: int,
    version: int | None,
    presser: Presser,
    verdict: Verdict,
    now: datetime,
) -> Decided:
    """Decide the step in which `approver_id` was asked, as the person who pressed.

    `version` is the request's version on the pressed card; None skips the comparison (a list, a web page that just
    read it). Raises a Refusal with the sentence for the presser; nothing is changed then.
    """
    query = _BY_SLACK if isinstance(presser, str) else _BY_PERSON
    pressed = {"approver_id": approver_id, "presser": presser}
    found = ready.one_or_none(work.connection, query, pressed)
    if found is not None and found.version != found.version_seen:
        # whoever waited for the lock sees the request anew and the rows joined to it as they were before the wait
        found = ready.one_or_none(work.connection, query, pressed)
    if found is None:
        raise why_not(work, approver_id, presser)
    if found.leaves_on is not None and found.leaves_on < now.astimezone(zone_of(found.time_zone)).date():
        raise refusals.RightGone("", "this request")
    if found.presser_id == found.requester_id:
        raise refusals.OwnRequest(asked_names(work, approver_id, but=found.presser_id))
    if found.benefits:
        raise refusals.WouldBenefit
    if not found.right_is_plain:
        _check_right(work, rules(), found, now)
    if version is not None and version != found.version:
        raise refusals.OldCard("The request changed meanwhile")
    _check_lowered(work, found, verdict.lowered, now)
    step_done = not verdict.approve or found.quorum <= 1 or _agreed(work, found.step_id) + 1 >= found.quorum
    if verdict.approve:
        final, move, event = _approval(work, found, verdict, step_done, now)
    else:
        final, move, event = _denial(found, verdict, now)
    follows = write_effects([Advance(found.request_id), ShowRequest(found.request_id)], now)
    writes = [_answer(found, verdict, now), move, follows]
    if step_done:
        writes.append(_closed(found.step_id, verdict.approve, now))
    if event.personal:  # the words lie beside the event and need its id
        work.record([event], now)
    else:
        writes.append(write_event(event, now))
    if 0 in work.write_together(writes):
        raise why_not(work, approver_id, presser)
    if not verdict.approve:
        close_steps(work, found.request_id, now)
        drop_lines(work, found.request_id)
    return Decided(found.request_id, verdict.approve, final)


def _check_right(work: UnitOfWork, rules: Rules, found: Row[Any], now: datetime) -> None:
    """Having been asked is not enough: the right is derived anew, from today's roles, owners and managers."""
    facts = step_facts(work.connection, found.step_id, rules.policy, now)
    around = [found.presser_id, facts.request.requester_id, facts.request.owner_id]
    around += [*facts.request.beneficiary_ids, *facts.tried_ids]
    directory = directory_for(work.connection, around, rules.policy, now, mail=rules.mail)
    refusal = approval.may_decide(found.presser_id, facts, directory, rules.policy, now)
    if refusal is not None:
        raise refusal


class NotLess(refusals.Refusal):
    """An approver may lower what was asked for, never raise it."""

    def say(self, instant: refusals.Instant = refusals.plain_instant) -> str:
        return "You can give less than was asked for: a lower tier, fewer seats or an earlier day. Nothing was changed."


def _check_lowered(work: UnitOfWork, found: Row[Any], lowered: Lowered, now: datetime) -> None:
    if lowered.seats is not None and not 1 <= lowered.seats <= found.seats:
        raise NotLess
    if lowered.until_on is not None:
        latest = found.until_on
        if latest is None and found.sku_id is not None:  # asked for to the end of the contract
            latest = prices(work.connection, [found.sku_id], now.date())[found.sku_id].runs_to(now.date())
        if latest is not None and lowered.until_on > latest:
            raise NotLess
    if lowered.sku_id is not None and lowered.sku_id != found.sku_id:
        asked = aliased(Sku)
        lower = work.connection.execute(
            select(Sku.id)
            .join(asked, asked.product_id == Sku.product_id)
            .where(Sku.id == lowered.sku_id, asked.id == found.sku_id, Sku.rank <= asked.rank)
        ).scalar()
        if lower is None:
            raise NotLess


def _answer(found: Row[Any], verdict: Verdict, now: datetime) -> Write:
    changed = {key: str(value) for key, value in verdict.lowered.given().items()}
    return Write(
        _ANSWER,
        {
            "own_id": found.own_id,
            "answer": ApproverState.AGREED if verdict.approve else ApproverState.DENIED,
            "now": now,
            "said": verdict.words,
            "lowered": changed or None,
            "buy": verdict.buy,
        },
    )


def _closed(step_id: int, approved: bool, now: datetime) -> Write:
    outcome = StepState.APPROVED if approved else StepState.DENIED
    return Write(_CLOSE, {"closing_id": step_id, "outcome": outcome, "now": now})


def _approval(
    work: UnitOfWork, found: Row[Any], verdict: Verdict, step_done: bool, now: datetime
) -> tuple[bool, Write, Happened]:
    """Whether nobody else has to agree, and the move with its event."""
    actor = f"person:{found.presser_id}"
    facts: dict[str, Any] = {"step": found.step_id, "kind": found.kind}
    if found.stands_in_for_id:
        facts["for"] = f"person:{found.stands_in_for_id}"
    personal = {"words": verdict.words} if verdict.words else {}
    values: dict[str, Any] = {}
    if verdict.buy and not found.purchase:
        values["purchase"] = True
        facts["buy"] = True
    more_to_come = found.more_to_come
    if verdict.wait:
        _drop_purchase(work, found.request_id, now)
        more_to_come = _later_steps(work, found.request_id, found.position)
    if lowered := verdict.lowered.given():
        values |= lowered
        facts["lowered"] = {key: str(value) for key, value in lowered.items()}
        facts["asked_until"] = found.until_on
        if "seats" in lowered:
            fewer_lines(work, found.request_id, lowered["seats"])
    last = step_done and not more_to_come
    verb = Verb.APPROVE if last else Verb.AGREE
    status = Status(found.status)
    return last, *moving(found.request_id, status, verb, actor, now, facts=facts, personal=personal, **values)


def _denial(found: Row[Any], verdict: Verdict, now: datetime) -> tuple[bool, Write, Happened]:
    return True, *moving(
        found.request_id,
        Status(found.status),
        Verb.DENY,
        f"person:{found.presser_id}",
        now,
        facts={"step": found.step_id, "kind": found.kind},
        personal={"words": verdict.words, "suggestion": verdict.suggestion},
        closing_words=verdict.words + (f"\n{verdict.suggestion}" if verdict.suggestion else ""),
    )


def _agreed(work: UnitOfWork, step_id: int) -> int:
    return work.connection.execute(
        select(func.count())
        .select_from(StepApprover)
        .where(StepApprover.step_id == step_id, StepApprover.state == ApproverState.AGREED)
    ).scalar_one()


def _later_steps(work: UnitOfWork, request_id: int, position: int) -> bool:
    return bool(
        work.connection.execute(
            select(
                exists().where(
                    ApprovalStep.request_id == request_id,
                    ApprovalStep.position > position,
                    ApprovalStep.state == StepState.LATER,
                )
            )
        ).scalar()
    )


def _drop_purchase(work: UnitOfWork, request_id: int, now: datetime) -> None:
    """Nothing is ordered, so nobody confirms an order."""
    work.connection.execute(
        update(ApprovalStep)
        .where(
            ApprovalStep.request_id == request_id,
            ApprovalStep.kind == StepKind.PURCHASE,
            ApprovalStep.state == StepState.LATER,
        )
        .values(state=StepState.CLOSED, decided_at=now)
    )
