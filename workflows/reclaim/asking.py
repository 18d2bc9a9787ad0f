"""Asking holders: a card per person and matter, a list when the answers are in. Who cannot be reached has a manager.

Business hours and the number of unasked messages a day are the messages' own rule (`workflows.quiet`).
"""

from __future__ import annotations

from datetime import date, datetime

from licensing.business_time import working_day_after
from model.licences import Product
from model.people import Person
from model.reclaim import CampaignKind, CampaignState, CandidateState, ReclaimCampaign, ReclaimCandidate
from model.session import UnitOfWork
from workflows import cards
from workflows.cards import CardKind
from workflows.effects import Effect, LookAtCampaign, PublishHome, enqueue
from workflows.people import person_facts
from workflows.permissions import Duty
from workflows.reclaim import candidate as candidates
from workflows.reclaim import held, rights, shown
from workflows.reclaim.campaign import IllegalMove, Verb, any_in, in_states, locked, move, settle
from workflows.reclaim.limits import limits, timeline
from workflows.reclaim.plan import calendar_for
from workflows.reclaim.sources import UNKNOWN
from workflows.rules import Rules

#: Stored as an answer: the word of whoever is asked in a holder's place, which is no release.
MANAGER_RELEASE = "manager_release"
#: Questions made in one transaction.
AT_ONCE = 50
#: Kinds whose holders are not asked whether they need it: they left.
NOT_ASKED = frozenset({CampaignKind.LEAVING})


def begin(work: UnitOfWork, rules: Rules, campaign_id: int, by: int | None, now: datetime) -> ReclaimCampaign:
    """Leave the dry run: ask the holders. `by` None: a rule of the policy does it.

    Whoever begins it counts as its planner, whoever looked before: two people stand between a question and a removal.
    Raises NoCampaign, NotForYou, IllegalMove, and NoHeldList for a product with a mailbox while nobody said which
    mailboxes are on hold.
    """
    row = locked(work, campaign_id)
    if by is not None:
        rights.require(work.connection, Duty.PLAN_RECLAIM, row.product_id, by, now)
    if row.state != CampaignState.DRY_RUN:
        raise IllegalMove(CampaignState(row.state), Verb.BEGIN)
    on_hold = held.check(work.connection, rules.policy, row.product_id, now)
    actor = f"person:{by}" if by is not None else row.planned_by
    if by is not None:
        row.planned_by_id, row.planned_by = by, actor
    row.words = ""
    effects = _drop_held(work, row, on_hold, now)
    listed = in_states(work, row.id, CandidateState.LISTED)
    if CampaignKind(row.kind) in NOT_ASKED:
        effects += bring_list(work, rules, row, actor, now)
    elif not listed:
        settle(work, row, now)
    else:
        product = work.session.get_one(Product, row.product_id)
        calendar = calendar_for(work, product, rules.policy)
        pace = limits(rules.policy)
        days = timeline(now.date(), row.decide_by, len(listed), pace, calendar).answer_days
        row.answer_by = working_day_after(calendar.local_day(now), days, calendar)
        move(work, row, Verb.BEGIN, actor, now, facts={"to_ask": len(listed), "answer_by": row.answer_by})
        effects += [*ask_next(work, rules, row, actor, now), *shown.queue(work, row.product_id)]
    enqueue(work, [*effects, *shown.campaign(work, row.id)], now)
    return row


def ask_next(work: UnitOfWork, rules: Rules, row: ReclaimCampaign, actor: str, now: datetime) -> list[Effect]:
    """Ask the next of those who wait for their question; a job goes on from there, so that no press waits for all."""
    waiting = in_states(work, row.id, CandidateState.LISTED)
    effects: list[Effect] = []
    for one in waiting[:AT_ONCE]:
        ask(work, rules, one, actor, now, row.answer_by or now.date())
        effects += question(work, one, now)
    return [*effects, LookAtCampaign(row.id)] if len(waiting) > AT_ONCE else effects


def ask(work: UnitOfWork, rules: Rules, one: ReclaimCandidate, actor: str, now: datetime, answer_by: date) -> None:
    """The move that asks its holder, for the first time or after a snooze; `question` makes the message."""
    verb = candidates.Verb.WAKE if one.state == CandidateState.SNOOZED else candidates.Verb.ASK
    asked = _whom(work, rules, one, now)
    one.manager_id = asked if asked != one.person_id else None
    facts = {"asked": f"person:{asked}" if asked is not None else "nobody", "answer_by": answer_by}
    candidates.move(work, one, verb, actor, now, facts=facts)
    one.asked_at = now if asked is not None else None
    one.answer_by, one.reminded_at, one.snoozed_until = answer_by, None, None
    work.session.flush()


def question(work: UnitOfWork, one: ReclaimCandidate, now: datetime) -> list[Effect]:
    """The card, or its next generation, to the holder by Slack or mail, or the manager; none where nobody is asked."""
    if one.asked_at is None:
        return [PublishHome(one.person_id)]
    asked = one.manager_id if one.manager_id is not None else one.person_id
    made = cards.new_card(work, CardKind.STILL_NEEDED, one.id, cards.person(asked), now)
    return [*made, PublishHome(one.person_id)]


def _whom(work: UnitOfWork, rules: Rules, one: ReclaimCandidate, now: datetime) -> int | None:
    """The holder where Slack or mail reaches them, else their manager; None: nobody, and a human finds it in the list.

    A review asks whoever answers for the holder.
    """
    holder = work.session.get_one(Person, one.person_id)
    facts = person_facts(work.connection, [holder.id, holder.manager_id], now, mail=rules.mail)
    if facts[holder.id].reachable and one.ground != CampaignKind.REVIEW:
        return holder.id
    manager = facts.get(holder.manager_id or 0)
    return manager.id if manager is not None and manager.reachable and not manager.has_left(now) else None


def _drop_held(work: UnitOfWork, row: ReclaimCampaign, on_hold: frozenset[str], now: datetime) -> list[Effect]:
    """Mailboxes that came onto the list of holds after the dry run."""
    listed = in_states(work, row.id, CandidateState.LISTED)
    people = held.held_people(work.connection, on_hold)
    effects: list[Effect] = []
    for one in listed:
        if one.person_id in people:
            candidates.move(work, one, candidates.Verb.DROP, "rule:hold", now, facts={"because": "on_hold"})
            one.words = "The mailbox is on hold."
            effects += shown.candidate(work, one)
    return effects


# -- the list ----------------------------------------------------------------------------------------------------------


def confirmable(row: ReclaimCampaign, one: ReclaimCandidate) -> bool:
    """Whether a seat may stand in the list: given back, or unanswered where use is known, or of somebody who left."""
    if one.state == CandidateState.RELEASED:
        return True
    if one.state == CandidateState.LISTED:
        return CampaignKind(row.kind) in NOT_ASKED
    if CampaignKind(row.kind) is CampaignKind.REVIEW:
        return one.state == CandidateState.UNANSWERED and one.answer == MANAGER_RELEASE
    return one.state == CandidateState.UNANSWERED and not stays_without_word(one)


def stays_without_word(one: ReclaimCandidate) -> bool:
    """Whether nothing but the holder's own release can take the seat: nobody knows whether it is used."""
    return one.ground == CampaignKind.IDLE and one.verdict == UNKNOWN


def advance(work: UnitOfWork, rules: Rules, row: ReclaimCampaign, now: datetime) -> list[Effect]:
    """Bring the list when the answers are in, and close the campaign when nothing is open. The row is locked."""
    work.session.flush()
    if settle(work, row, now):
        return shown.campaign(work, row.id)
    state = CampaignState(row.state)
    if state not in (CampaignState.ASKING, CampaignState.TAKING):
        return []
    # somebody waits for the seat of a campaign that a request began: the first release is worth a list
    soon = row.request_id is not None and any_in(work, row.id, CandidateState.RELEASED)
    if not soon and _still_asked(work, row):
        return []
    ready = [one for one in in_states(work, row.id, *candidates.CONFIRMABLE) if confirmable(row, one)]
    if all(_not_handed_over(one) for one in ready):
        return []
    return bring_list(work, rules, row, "clock", now)


def _still_asked(work: UnitOfWork, row: ReclaimCampaign) -> bool:
    """Whether somebody still has time to answer, or waits for their question."""
    if any_in(work, row.id, CandidateState.ASKED):
        return True
    return CampaignKind(row.kind) not in NOT_ASKED and any_in(work, row.id, CandidateState.LISTED)


def _not_handed_over(one: ReclaimCandidate) -> bool:
    """A leaver's seat alone brings no further list before its hand-over."""
    return one.state == CandidateState.LISTED and one.answered_at is None


def bring_list(work: UnitOfWork, rules: Rules, row: ReclaimCampaign, actor: str, now: datetime) -> list[Effect]:
    """The list to each person who may confirm it; never to its planner."""
    verb = Verb.LIST_MORE if row.state == CampaignState.TAKING else Verb.LIST
    ready = [one for one in in_states(work, row.id, *candidates.CONFIRMABLE) if confirmable(row, one)]
    move(work, row, verb, actor, now, facts={"seats": len(ready)})
    work.session.flush()
    effects: list[Effect] = []
    for person_id in rights.confirmers(work.connection, rules.policy, now):
        if person_id != row.planned_by_id:
            effects += cards.new_card(work, CardKind.RECLAIM_LIST, row.id, cards.person(person_id), now)
    return effects
