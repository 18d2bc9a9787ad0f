"""What a digest shows: the rows that still wait, the news, and what became of things the reader agreed to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select

from model.licences import Product
from model.people import Person
from model.renewals import RenewalState
from model.requests import (
    ApprovalStep,
    ApproverState,
    Card,
    LicenceRequest,
    RequestLine,
    Status,
    StepApprover,
    StepState,
)
from workflows.cards import CardKind
from workflows.policy import Policy
from workflows.reads.approvals import approvals, decisions
from workflows.reads.facts import ApprovalFacts, DecisionsFacts, RequestFacts, Who
from workflows.reads.people import people
from workflows.reads.renewal_brief import brief
from workflows.reads.requests import requests
from workflows.reads.seat_facts import EndingFacts, ReturnedFacts, TaskFacts
from workflows.reads.seats import endings, returned
from workflows.reads.tasks import tasks
from workflows.replies import Said


@dataclass(frozen=True)
class NoteFacts:
    """A plain sentence to the reader."""

    said: Said
    by: Who | None
    request: RequestFacts | None
    deputy: Who | None


@dataclass(frozen=True)
class RenewalNote:
    """A renewal's brief that was held back: what it is about, and whether somebody's word or decision is wanted."""

    id: int
    version: int
    name: str
    decide_by: date | None
    red: bool
    asks_to_agree: bool


Waiting = RenewalNote | ApprovalFacts | TaskFacts | EndingFacts | DecisionsFacts
News = ReturnedFacts | NoteFacts


@dataclass(frozen=True)
class DigestFacts:
    """One digest as it stands now, both lists oldest first."""

    waiting: tuple[Waiting, ...]
    news: tuple[News, ...]
    since: date
    given: tuple[tuple[str, str], ...]  # product and holder of seats the reader agreed to, given since then


def digest(
    connection: Connection,
    person_id: int,
    card_ids: Collection[int],
    since: datetime,
    until: datetime,
    policy: Policy,
    now: datetime,
) -> DigestFacts:
    """The rows of these cards, in their order; what is settled is left out. `until`: when the digest was made."""
    rows = connection.execute(
        select(Card.id, Card.kind, Card.subject_id, Card.request_id, Card.facts)
        .where(Card.id.in_(card_ids), Card.live)
        .order_by(Card.created_at, Card.id)
    ).all()
    by_kind: dict[str, list[int]] = {}
    for row in rows:
        by_kind.setdefault(row.kind, []).append(row.subject_id)
    asked = approvals(connection, by_kind.get(CardKind.APPROVAL, []), now, policy)
    by_hand = tasks(connection, by_kind.get(CardKind.TASK, []), now)
    ending = endings(connection, by_kind.get(CardKind.ENDING, []), now)
    back = returned(connection, by_kind.get(CardKind.RETURNED, []), now)
    lists = decisions(connection, by_kind.get(CardKind.DECISIONS, []), now, policy)
    waiting: list[Waiting] = []
    news: list[News] = []
    for row in rows:
        key = row.subject_id
        if row.kind == CardKind.APPROVAL and key in asked and _open(asked[key]):
            waiting.append(asked[key])
        elif row.kind == CardKind.TASK and key in by_hand and _theirs(by_hand[key], person_id):
            waiting.append(by_hand[key])
        elif row.kind == CardKind.ENDING and key in ending:
            announced = ending[key].announced_by(str((row.facts or {}).get("notice", "")))
            if announced.waits:
                waiting.append(announced)
        elif row.kind == CardKind.DECISIONS and key in lists and lists[key].open:
            waiting.append(lists[key])
        elif row.kind == CardKind.RENEWAL:
            note = _renewal(connection, key, person_id, policy, now)
            waiting += [note] if note is not None else []
        elif row.kind == CardKind.RETURNED and key in back:
            news.append(back[key])
        elif row.kind == CardKind.NOTE:
            news.append(_note(connection, row.request_id, row.facts or {}))
    return DigestFacts(_each_once(waiting), tuple(news), since.date(), _given(connection, person_id, since, until))


def _each_once(waiting: Sequence[Waiting]) -> tuple[Waiting, ...]:
    """A decision that has its own row is not in a list beside it; a list that holds more stands for its rows."""
    alone = {one.asked.id for one in waiting if isinstance(one, ApprovalFacts)}
    listed = {one.asked.id for many in waiting if isinstance(many, DecisionsFacts) for one in many.open}
    if listed <= alone:
        return tuple(one for one in waiting if not isinstance(one, DecisionsFacts))
    return tuple(one for one in waiting if not (isinstance(one, ApprovalFacts) and one.asked.id in listed))


def _open(facts: ApprovalFacts) -> bool:
    return (
        facts.request.status == Status.AWAITING_APPROVAL
        and facts.step.state == StepState.OPEN
        and facts.asked.state == ApproverState.ASKED
    )


def _theirs(facts: TaskFacts, person_id: int) -> bool:
    return facts.state == "open" and facts.assignee.id == person_id


def _renewal(
    connection: Connection, renewal_id: int, person_id: int, policy: Policy, now: datetime
) -> RenewalNote | None:
    """None for one that nobody waits for any more."""
    facts = brief(connection, policy, renewal_id, now, forecast="never")
    if facts is None or not (facts.undecided or facts.decision is not None):
        return None
    asked = facts.state is RenewalState.DECIDED and facts.decision is not None and facts.decision.waits_on(person_id)
    red = facts.state is RenewalState.PROOF_AWAITED
    if not (facts.undecided or asked or red):
        return None
    return RenewalNote(facts.id, facts.version, facts.name, facts.decide_by, red, asked)


def _note(connection: Connection, request_id: int | None, facts: Mapping[str, Any]) -> NoteFacts:
    said = Said.read(facts)
    known = people(connection, [said.by, said.deputy])
    request = requests(connection, [request_id]).get(request_id) if request_id is not None else None
    return NoteFacts(said, known.get(said.by or 0), request, known.get(said.deputy or 0))


def _given(connection: Connection, person_id: int, since: datetime, until: datetime) -> tuple[tuple[str, str], ...]:
    rows = connection.execute(
        select(Product.name.label("product"), Person.name, RequestLine.id)
        .join(LicenceRequest, LicenceRequest.id == RequestLine.request_id)
        .join(Product, Product.id == LicenceRequest.product_id)
        .join(Person, Person.id == RequestLine.person_id)
        .join(ApprovalStep, ApprovalStep.request_id == LicenceRequest.id)
        .join(StepApprover, StepApprover.step_id == ApprovalStep.id)
        .where(
            StepApprover.person_id == person_id,
            StepApprover.state == ApproverState.AGREED,
            RequestLine.granted_at >= since,
            RequestLine.granted_at <= until,
        )
        .order_by(RequestLine.granted_at, RequestLine.id)
    )
    return tuple(dict.fromkeys((row.product, row.name) for row in rows))
