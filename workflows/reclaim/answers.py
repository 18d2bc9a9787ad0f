"""What a holder or a manager answers, in time or late: each press is checked against the person who pressed.

Nothing here removes a seat. A release is the holder's own confirmation and goes onto the list; a manager who is asked
in a holder's place, or sees a keep differently, brings a human, never a removal.
"""

from __future__ import annotations

import enum
from datetime import date, datetime, timedelta

from sqlalchemy import select

from licensing.business_time import zone_of
from licensing.words import cut, day, isolate
from model.events import Happened, Tag
from model.licences import Product, Seat, SeatReturn
from model.people import Person
from model.reclaim import CampaignKind, CandidateState, ReclaimCampaign, ReclaimCandidate
from model.session import UnitOfWork
from workflows import cards, seats
from workflows.cards import CardKind
from workflows.effects import Effect, enqueue
from workflows.people import person_facts
from workflows.reclaim import asking, rule_scores, shown
from workflows.reclaim.campaign import locked
from workflows.reclaim.candidate import ANSWERABLE, IllegalMove, Verb, can, move
from workflows.reclaim.limits import limits
from workflows.reclaim.sources import tier_name
from workflows.refusals import FieldRefusals, Refusal
from workflows.replies import About, Said
from workflows.rules import Rules

LONGEST_WORDS = 1000


class Answer(enum.StrEnum):
    """Why somebody keeps a licence. Stored."""

    USES_IT = "uses_it"  # "I use it; the report is wrong": counts against the rule
    SEASONAL = "seasonal"
    ABOUT_TO = "about_to"
    AWAY = "away"
    OTHER = "other"


#: Stored beside those: the holder's own release.
RELEASE = "release"


class NotAsked(Refusal):
    """Somebody else is asked."""

    def __init__(self) -> None:
        super().__init__("This question is for somebody else. You can look, not answer.")


class NoQuestion(Refusal):
    """The button belongs to a question that does not exist."""

    def __init__(self) -> None:
        super().__init__("This question does not exist any more; nothing was changed.")


class BeingTaken(Refusal):
    """The write is under way; afterwards its own message brings the seat back."""

    def __init__(self) -> None:
        super().__init__(
            "It is being taken back this very minute, so nothing was changed. When that is done you get a message with "
            "the button “I need it back”."
        )


def keep(work: UnitOfWork, rules: Rules, candidate_id: int, by: int, answer: Answer, words: str, now: datetime) -> Said:
    """The holder keeps it, for a reason; where policy wants it, the manager is asked to agree.

    After a person confirmed the list it still counts, until the seat is taken. Raises NoQuestion, NotAsked,
    IllegalMove, BeingTaken, or FieldRefusals when "other" comes without words.
    """
    if answer is Answer.OTHER and len(words.strip()) < 3:
        raise FieldRefusals({"words": "Say in a few words why you keep it."})
    coming = _coming_return(work, candidate_id, by)
    if coming is not None:
        return _needed(work, rules, candidate_id, coming, by, answer, words, now)
    row, one = _locked(work, candidate_id)
    holder = _asked(one, by)
    pace = limits(rules.policy)
    manager = _manager(work, rules, one, now) if pace.manager_word and holder else None
    verb = Verb.KEEP_IF_AGREED if manager is not None else Verb.KEEP
    _answered(one, answer.value, words, now)
    one.ask_again_on = _today(work, by, now) + timedelta(days=pace.ask_again_calendar_days)
    facts = {"answer": answer.value, "ask_again_on": one.ask_again_on}
    move(work, one, verb, f"person:{by}", now, facts=facts, personal=_typed(words))
    effects: list[Effect] = []
    if manager is not None:
        one.manager_id = manager.id
        work.session.flush()
        effects += cards.new_card(work, CardKind.KEEP_WORD, one.id, cards.person(manager.id), now)
    if one.ground == CampaignKind.IDLE:
        effects += _scored(work, rules, one, now)
    _after(work, rules, row, one, effects, now)
    if manager is not None:
        text = f"{isolate(manager.name)} is asked to agree; until then you keep it."
    else:
        text = f"Kept. You will not be asked again before {day(one.ask_again_on)}."
    if answer is Answer.USES_IT and one.ground == CampaignKind.IDLE:
        text += " That counts against the rule."
    return Said(About.TEXT, by=by, text=text)


def _coming_return(work: UnitOfWork, candidate_id: int, by: int) -> int | None:
    """The confirmed return of the holder's seat while it is not taken. Not held: `_needed` looks again."""
    return work.connection.execute(
        select(SeatReturn.id)
        .join(ReclaimCandidate, ReclaimCandidate.seat_return_id == SeatReturn.id)
        .where(
            ReclaimCandidate.id == candidate_id,
            ReclaimCandidate.person_id == by,
            ReclaimCandidate.state == CandidateState.CONFIRMED,
            SeatReturn.state.in_(["confirmed", "removing"]),
        )
    ).scalar()


def _needed(
    work: UnitOfWork,
    rules: Rules,
    candidate_id: int,
    return_id: int,
    by: int,
    answer: Answer,
    words: str,
    now: datetime,
) -> Said:
    """A holder's word between confirmation and removal: nothing is taken, and the answer counts as any other.

    The return is held before its campaign and candidate, as whoever follows it does. Raises BeingTaken.
    """
    try:
        seats.need_back(work, rules, return_id, by, now)
    except seats.BeingTaken:
        raise BeingTaken from None
    row, one = _locked(work, candidate_id)
    _answered(one, answer.value, words, now)
    one.ask_again_on = _today(work, by, now) + timedelta(days=limits(rules.policy).ask_again_calendar_days)
    scored = one.ground == CampaignKind.IDLE
    _after(work, rules, row, one, _scored(work, rules, one, now) if scored else [], now)
    text = f"Kept: nothing is taken back. You will not be asked again before {day(one.ask_again_on)}."
    if answer is Answer.USES_IT and scored:
        text += " That counts against the rule."
    return Said(About.TEXT, by=by, text=text)


def give_back(work: UnitOfWork, rules: Rules, candidate_id: int, by: int, words: str, now: datetime) -> Said:
    """The holder gives it back: their own confirmation. From a manager in their place it is only a word for the list.

    Raises NoQuestion, NotAsked, IllegalMove.
    """
    row, one = _locked(work, candidate_id)
    if not _asked(one, by):
        return _not_needed(work, rules, row, one, by, words, now)
    _answered(one, RELEASE, words, now)
    one.ask_again_on = None
    move(work, one, Verb.RELEASE, f"person:{by}", now, facts={"answer": RELEASE}, personal=_typed(words))
    _after(work, rules, row, one, [], now)
    product = work.session.get_one(Product, row.product_id).name
    then = f" You get {tier_name(work.connection, row.to_sku_id)} instead." if row.to_sku_id is not None else ""
    text = (
        f"Given back: {cut(product, 60)} goes back when a person confirmed the list.{then} Until then you can keep it."
    )
    return Said(About.TEXT, by=by, text=text)


def _not_needed(
    work: UnitOfWork, rules: Rules, row: ReclaimCampaign, one: ReclaimCandidate, by: int, words: str, now: datetime
) -> Said:
    """Said by who was asked in the holder's place: that is not the holder's word, and a person looks at it."""
    _answered(one, asking.MANAGER_RELEASE, words, now)
    if one.state == CandidateState.ASKED:
        move(
            work,
            one,
            Verb.SILENCE,
            f"person:{by}",
            now,
            facts={"answer": asking.MANAGER_RELEASE},
            personal=_typed(words),
        )
    _after(work, rules, row, one, [], now)
    holder = work.session.get_one(Person, one.person_id).name
    return Said(About.TEXT, by=by, text=f"Noted: a licence manager looks at it; {isolate(holder)} keeps it until then.")


def ask_later(work: UnitOfWork, rules: Rules, candidate_id: int, by: int, until: date, now: datetime) -> Said:
    """Asked again on a day the holder chose, within the policy's limit counted from the first question.

    Raises NoQuestion, NotAsked, IllegalMove, or FieldRefusals for a day outside the limit.
    """
    row, one = _locked(work, candidate_id)
    _asked(one, by)
    if not can(one, Verb.SNOOZE):
        raise IllegalMove(CandidateState(one.state), Verb.SNOOZE)
    first, last = snooze_days(rules, (row.begun_at or row.planned_at).date(), _today(work, by, now))
    if last < first:
        raise FieldRefusals({"until": "It was put off as long as the policy allows: keep it or give it back."})
    if not first <= until <= last:
        raise FieldRefusals({"until": f"Choose a day from {day(first)} to {day(last)}."})
    move(work, one, Verb.SNOOZE, f"person:{by}", now, facts={"until": until})
    one.snoozed_until = until
    _after(work, rules, row, one, [], now)
    return Said(About.TEXT, by=by, text=f"Later: you will be asked again on {day(until)}.", until=until)


def snooze_days(rules: Rules, began: date, today: date) -> tuple[date, date]:
    """First and last day somebody may choose, the last before the first when there is none any more.

    The limit runs from the day the campaign began, so that asking for "later" again and again does not move it.
    """
    first = today + timedelta(days=1)
    return first, began + timedelta(days=limits(rules.policy).snooze_calendar_days)


def manager_agrees(work: UnitOfWork, rules: Rules, candidate_id: int, by: int, now: datetime) -> Said:
    """The manager agrees that the licence stays. Raises NoQuestion, NotAsked, IllegalMove."""
    row, one = _locked(work, candidate_id)
    _word_of(one, by)
    move(work, one, Verb.AGREE, f"person:{by}", now)
    _after(work, rules, row, one, [], now)
    holder = work.session.get_one(Person, one.person_id).name
    return Said(About.TEXT, by=by, text=f"Agreed: {isolate(holder)} keeps it.")


def manager_disagrees(work: UnitOfWork, rules: Rules, candidate_id: int, by: int, words: str, now: datetime) -> Said:
    """The manager sees it differently: the licence managers hear of it and talk; the holder keeps it.

    Raises NoQuestion, NotAsked, IllegalMove.
    """
    row, one = _locked(work, candidate_id)
    _word_of(one, by)
    move(work, one, Verb.DISAGREE, f"person:{by}", now, personal=_typed(words))
    one.ask_again_on = None  # the next campaign may ask again
    holder, manager = work.session.get_one(Person, one.person_id), work.session.get_one(Person, by)
    product = work.session.get_one(Product, row.product_id).name
    text = (
        f"{isolate(manager.name)} does not see why {isolate(holder.name)} keeps {cut(product, 60)}. "
        f"{isolate(holder.name)} keeps it until somebody spoke with both."
    )
    said = Said(About.TEXT, by=by, words=words.strip()[:LONGEST_WORDS], text=text)
    told = Happened(Tag.CANDIDATE_DISPUTED, f"person:{by}", f"campaign:{row.id}", {"candidate": one.id, "told": True})
    (event_id,) = work.record([told], now)
    effects: list[Effect] = list(
        cards.new_card(work, CardKind.NOTE, event_id, cards.channel("licences"), now, facts=said.facts())
    )
    _after(work, rules, row, one, effects, now)
    return Said(About.TEXT, by=by, text=f"A licence manager looks at it. {isolate(holder.name)} keeps it until then.")


# -- who, and what follows ---------------------------------------------------------------------------------------------


def _locked(work: UnitOfWork, candidate_id: int) -> tuple[ReclaimCampaign, ReclaimCandidate]:
    """The campaign first, then its seat: everybody locks in this order. A question whose seat is gone is closed."""
    campaign_id = work.connection.execute(
        select(ReclaimCandidate.campaign_id).where(ReclaimCandidate.id == candidate_id)
    ).scalar()
    if campaign_id is None:
        raise NoQuestion
    row = locked(work, campaign_id)
    one = work.session.get_one(ReclaimCandidate, candidate_id, with_for_update=True, populate_existing=True)
    seat = work.session.get_one(Seat, one.seat_id)
    if seat.ended_at is not None and one.state in ANSWERABLE:
        raise IllegalMove(CandidateState.DROPPED, Verb.KEEP)
    return row, one


def _asked(one: ReclaimCandidate, by: int) -> bool:
    """True for the holder, False for a manager asked in their place. Raises NotAsked for everybody else."""
    if one.person_id == by:
        return True
    if one.manager_id == by and one.state in (CandidateState.ASKED, CandidateState.UNANSWERED):
        return False
    raise NotAsked


def _word_of(one: ReclaimCandidate, by: int) -> None:
    if one.manager_id != by or one.person_id == by:
        raise NotAsked
    if one.state != CandidateState.KEEP_ASKED:
        raise IllegalMove(CandidateState(one.state), Verb.AGREE)


def _manager(work: UnitOfWork, rules: Rules, one: ReclaimCandidate, now: datetime) -> Person | None:
    """The holder's manager, where there is one who can be asked and is not the holder."""
    holder = work.session.get_one(Person, one.person_id)
    if holder.manager_id is None or holder.manager_id == holder.id:
        return None
    facts = person_facts(work.connection, [holder.manager_id], now, mail=rules.mail).get(holder.manager_id)
    if facts is None or facts.has_left(now) or not facts.reachable:
        return None
    return work.session.get_one(Person, holder.manager_id)


def _answered(one: ReclaimCandidate, answer: str, words: str, now: datetime) -> None:
    one.answer, one.answer_words, one.answered_at = answer, words.strip()[:LONGEST_WORDS], now


def _scored(work: UnitOfWork, rules: Rules, one: ReclaimCandidate, now: datetime) -> list[Effect]:
    """An answer to a rule: one that was wrong too often pauses itself, and whoever looks after licences hears why."""
    paused = rule_scores.answered(work, rules.policy, one.product_id, one.rule, now)
    return rule_scores.tell(work, paused, now) if paused is not None else []


def _typed(words: str) -> dict[str, str]:
    return {"words": words.strip()[:LONGEST_WORDS]} if words.strip() else {}


def _today(work: UnitOfWork, person_id: int, now: datetime) -> date:
    """The day it is for the person."""
    return now.astimezone(zone_of(work.session.get_one(Person, person_id).time_zone)).date()


def _after(
    work: UnitOfWork, rules: Rules, row: ReclaimCampaign, one: ReclaimCandidate, effects: list[Effect], now: datetime
) -> None:
    """Every card that shows it, a list that is another one now, and the list itself when this was the last answer."""
    work.session.flush()
    effects += [*shown.candidate(work, one), *shown.list_changed(work, row)]
    if CampaignKind(row.kind) not in asking.NOT_ASKED:
        effects += asking.advance(work, rules, row, now)
    enqueue(work, dict.fromkeys(effects), now)
