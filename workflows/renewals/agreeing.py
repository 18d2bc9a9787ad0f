"""Whose word a renewal's decision needs besides: the approval steps of a request on what the term costs (rules §9).

Nobody agrees to a decision of their own, and one person fills one step. The order itself is confirmed by its proof.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from licensing.money import Money, Sums
from licensing.renewal.dates import Occasion
from model.events import Tag
from model.renewals import Renewal, RenewalAgreement, RenewalDecision, RenewalState
from model.requests import StepKind
from model.session import UnitOfWork
from workflows import approval
from workflows.effects import FollowRenewal, enqueue
from workflows.facts import Directory, RequestFacts
from workflows.people import directory_for
from workflows.renewals import renewal as moves
from workflows.renewals.renewal import Verb
from workflows.renewals.rights import NotYourRenewal, acts, names_of, subject_of
from workflows.renewals.rollover import standing
from workflows.renewals.subjects import Bought, Subject
from workflows.rules import Rules

LONGEST_WORDS = 2000


def steps(
    work: UnitOfWork,
    rules: Rules,
    subject: Subject,
    chosen: Bought | None,
    by: int,
    total: Sums,
    over: bool,
    now: datetime,
) -> list[dict[str, Any]]:
    """The approval steps of a request on this sum, with who is asked; whoever decided is in none (rules §9)."""
    money: Money | None = next(iter(total.each()), None) if len(total.totals) == 1 and not total.unknown else None
    facts = RequestFacts(
        requester_id=by,
        beneficiary_ids=(),
        product_key=chosen.key if chosen is not None and chosen.key else "",
        product_name=chosen.product if chosen is not None else subject.name,
        owner_id=chosen.product_owner_id if chosen is not None else subject.owner_id,
        cost=money,
        over_budget=over,
        purchase_needed=True,
    )
    directory = directory_for(work.connection, [by, facts.owner_id], rules.policy, now, mail=rules.mail)
    route = approval.route(facts, directory, rules.policy, now)
    return [
        {
            "step": step.kind.value,
            "because": _because(step.kind, step.because, rules, money, over),
            "quorum": step.quorum,
            "asked": [one.person_id for one in step.asked] or _anybody(directory, by, now),
        }
        for step in route.steps
        if step.kind is not StepKind.PURCHASE  # the order is confirmed by the proof
    ]


def _because(kind: StepKind, said: str, rules: Rules, money: Money | None, over: bool) -> str:
    """Why somebody's word is needed: a renewal has no person who gets a seat, and its sum is that of the term."""
    policy = rules.policy
    if kind is StepKind.LINE_MANAGER:
        return f"rule {policy.approval.rule}: the manager of whoever decided agrees"
    if kind is StepKind.FINANCE and money is not None and not over and money.currency in policy.finance.above:
        limit = Money(policy.finance.above[money.currency], money.currency)
        return f"rule {policy.finance.rule}: second person above {limit}"
    return said


def _anybody(directory: Directory, by: int, now: datetime) -> list[int]:
    """Whom a step falls to that nobody is left for: everybody who may act on renewals, but for whoever decided."""
    return sorted(one.id for one in directory.values() if one.id != by and not one.has_left(now) and acts(one))


def settle(work: UnitOfWork, renewal: Renewal, subject: Subject, decision: RenewalDecision, now: datetime) -> None:
    """Everybody agreed: proof is awaited, but for a term that goes on by itself there is nothing to send."""
    whole_term = renewal.occasion == Occasion.TERM.value  # a true-up or statement is an order, and is sent
    nothing_to_send = decision.verdict == "renew" and whole_term and subject.agreement.auto_renew
    verb = Verb.CONFIRM if nothing_to_send else Verb.SETTLE
    if nothing_to_send:
        decision.verified_at, decision.verified_by = now, "renews by itself"
    moves.move(work, renewal, verb, f"person:{decision.by_id}", now, {"decision": decision.id})


def agree(
    work: UnitOfWork,
    rules: Rules,
    renewal_id: int,
    version: int | None,
    by: int,
    now: datetime,
    *,
    agrees: bool = True,
    words: str = "",
) -> None:
    """Somebody who has to agree says so, or does not. Raises NotYourRenewal, OldCard or IllegalMove.

    `version` is the one they were shown: their word is on the decision that stood there, and on no other.
    """
    renewal = moves.locked(work, renewal_id, version, (RenewalState.DECIDED,))
    decision = standing(work, renewal.id)
    if renewal.state != RenewalState.DECIDED or decision is None:
        raise moves.IllegalMove(RenewalState(renewal.state), Verb.SETTLE)
    open_steps = pending(work, decision)
    mine = next((one for one in open_steps if by in one["asked"]), None)
    if mine is None or by == decision.by_id or by in _agreed(work, decision.id):
        asked = [person for one in open_steps for person in one["asked"]]
        raise NotYourRenewal(names_of(work, asked))
    facts = {"decision": decision.id, "step": mine["step"]}
    personal = {"words": words.strip()[:LONGEST_WORDS]} if words.strip() else None
    if not agrees:
        decision.replaced_at = now
        moves.move(work, renewal, Verb.REFUSE, f"person:{by}", now, facts, personal)
        return
    work.session.add(RenewalAgreement(decision_id=decision.id, step=mine["step"], person_id=by, at=now))
    work.record([moves.happened(renewal, Tag.RENEWAL_AGREED, f"person:{by}", facts, personal)], now)
    work.session.flush()
    if not pending(work, decision):
        settle(work, renewal, subject_of(work, renewal, rules, now), decision, now)
    else:
        enqueue(work, [FollowRenewal(renewal.id)], now)  # every copy says whose word is missing now


def pending(work: UnitOfWork, decision: RenewalDecision) -> list[dict[str, Any]]:
    """Steps that still lack people's word."""
    given: dict[str, int] = {}
    rows = work.connection.execute(
        select(RenewalAgreement.step).where(RenewalAgreement.decision_id == decision.id)
    ).scalars()
    for step in rows:
        given[step] = given.get(step, 0) + 1
    return [one for one in decision.needs if given.get(one["step"], 0) < one["quorum"]]


def _agreed(work: UnitOfWork, decision_id: int) -> set[int]:
    rows = select(RenewalAgreement.person_id).where(RenewalAgreement.decision_id == decision_id)
    return set(work.connection.execute(rows).scalars())
