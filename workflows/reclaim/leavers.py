"""Seats of people who left: one list per product, confirmed by a person with the right, after the hand-over (rules §7).

Nobody asks a leaver whether they still need a seat. The manager says who gets mailbox, OneDrive, groups and flows, once
for all seats of the person; until then no tick takes a row.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from licensing.words import isolate
from model.licences import Product, Seat
from model.people import Person
from model.reclaim import CampaignKind, CampaignState, CandidateState, ReclaimCampaign, ReclaimCandidate
from model.requests import Card
from model.session import UnitOfWork
from workflows import cards
from workflows.cards import CardKind
from workflows.effects import Effect, enqueue
from workflows.people import person_facts
from workflows.permissions import Duty, NotForYou
from workflows.reclaim import rights, shown, sources
from workflows.reclaim.asking import advance, begin
from workflows.reclaim.campaign import LIVE, locked
from workflows.reclaim.candidate import Verb, move
from workflows.reclaim.held import NoHeldList
from workflows.reclaim.plan import candidate_of, plan
from workflows.reclaim.sources import has_left
from workflows.refusals import FieldRefusals, Refusal
from workflows.replies import About, Said
from workflows.rules import Rules

RULE = "rule:leaving"


class NothingToHandOver(Refusal):
    """No seat of the person waits for it."""

    def __init__(self) -> None:
        super().__init__("Nothing of this person waits for a hand-over any more.")


def look(work: UnitOfWork, rules: Rules, now: datetime) -> list[int]:
    """Bring the lists of leavers' seats up to date, and ask their managers once; returns the campaigns begun.

    A product whose list waits already takes further leavers in; one that cannot begin for want of a list of held
    mailboxes stays a dry run that says so.
    """
    begun = []
    for product_id in _products(work, now):
        live = work.session.execute(
            select(ReclaimCampaign).where(
                ReclaimCampaign.product_id == product_id,
                ReclaimCampaign.kind == CampaignKind.LEAVING,
                ReclaimCampaign.state.in_(LIVE),
            )
        ).scalar_one_or_none()
        if live is not None and (live.state != CampaignState.DRY_RUN or live.planned_by == RULE):
            _join(work, rules, live, now)
        elif live is None:
            picture = sources.looked_at(work.connection, rules.policy, product_id, CampaignKind.LEAVING, now)
            if picture.found:  # else all of them come through groups, are on hold, or were left alone by a person
                live = plan(work, rules, product_id, CampaignKind.LEAVING, RULE, now, picture=picture)
        if live is not None and live.state == CampaignState.DRY_RUN and live.planned_by == RULE:
            begun += _begun(work, rules, live, now)
    _ask_managers(work, rules, now)
    return begun


def _begun(work: UnitOfWork, rules: Rules, row: ReclaimCampaign, now: datetime) -> list[int]:
    try:
        begin(work, rules, row.id, None, now)
    except NoHeldList:
        return []  # it stays a dry run that says what is missing
    return [row.id]


def _join(work: UnitOfWork, rules: Rules, live: ReclaimCampaign, now: datetime) -> None:
    """Somebody else left while a list waits: their seats join it, and a confirmation of the older one is refused."""
    row = locked(work, live.id)
    picture = sources.looked_at(work.connection, rules.policy, row.product_id, CampaignKind.LEAVING, now)
    for one in picture.found:
        work.session.add(candidate_of(row, one, now))
    if picture.found:
        work.session.flush()
        enqueue(work, [*shown.list_changed(work, row), *advance(work, rules, row, now)], now)


def _products(work: UnitOfWork, now: datetime) -> list[int]:
    """Products with open seats of leavers that no list holds yet, or with a dry run that waits for a list of holds."""
    live = select(ReclaimCandidate.seat_id).where(
        ReclaimCandidate.state.in_([CandidateState.LISTED, CandidateState.RELEASED, CandidateState.CONFIRMED])
    )
    waiting = select(ReclaimCampaign.product_id).where(
        ReclaimCampaign.kind == CampaignKind.LEAVING, ReclaimCampaign.state == CampaignState.DRY_RUN
    )
    rows = work.connection.execute(
        select(Seat.product_id)
        .join(Person, Person.id == Seat.person_id)
        .join(Product, Product.id == Seat.product_id)
        .where(
            Seat.ended_at.is_(None),
            has_left(now.date()),
            Seat.id.not_in(live) | Seat.product_id.in_(waiting),
            Product.retired_at.is_(None),
        )
        .distinct()
        .order_by(Seat.product_id)
    )
    return list(rows.scalars())


def _ask_managers(work: UnitOfWork, rules: Rules, now: datetime) -> None:
    """One question per leaver, to whoever can answer: the manager, else the licence managers' channel."""
    effects: list[Effect] = []
    for person_id, since in _to_hand_over(work):
        work.session.flush()
        asked = select(Card.id).where(
            Card.kind == CardKind.HANDOVER, Card.subject_id == person_id, Card.created_at >= since
        )
        if work.connection.execute(asked.limit(1)).first():
            continue  # an older question was about an earlier departure, or was answered before this seat was listed
        leaver = work.session.get_one(Person, person_id)
        facts = person_facts(work.connection, [leaver.manager_id], now, mail=rules.mail).get(leaver.manager_id or 0)
        there = facts is not None and facts.reachable and not facts.has_left(now)
        audience = cards.person(facts.id) if there and facts is not None else cards.channel("licences")
        effects += cards.new_card(work, CardKind.HANDOVER, person_id, audience, now)
    enqueue(work, effects, now)


def _to_hand_over(work: UnitOfWork) -> list[tuple[int, datetime]]:
    """Leavers, and since when the first of their seats waits for the hand-over."""
    rows = work.connection.execute(
        select(ReclaimCandidate.person_id, func.min(ReclaimCandidate.checked_at))
        .join(ReclaimCampaign, ReclaimCampaign.id == ReclaimCandidate.campaign_id)
        .where(
            ReclaimCampaign.kind == CampaignKind.LEAVING,
            ReclaimCampaign.state.in_([CampaignState.CONFIRMING, CampaignState.TAKING]),
            ReclaimCandidate.state == CandidateState.LISTED,
            ReclaimCandidate.answered_at.is_(None),
        )
        .group_by(ReclaimCandidate.person_id)
        .order_by(ReclaimCandidate.person_id)
    )
    return [(person_id, since) for person_id, since in rows]


def handed_over(work: UnitOfWork, rules: Rules, person_id: int, by: int, words: str, now: datetime) -> Said:
    """The manager, or who plans campaigns, says that mailbox, OneDrive, groups and flows are with `words`.

    Raises NotForYou, FieldRefusals for no words, NothingToHandOver.
    """
    leaver = work.session.get(Person, person_id)
    if leaver is None:
        raise NothingToHandOver
    if leaver.manager_id != by or person_id == by:
        _require(work, person_id, by, now)
    if len(words.strip()) < 3:
        raise FieldRefusals({"words": "Say who gets mailbox, files, groups and flows, or that there is nothing."})
    effects: list[Effect] = []
    told = 0
    for campaign_id in _campaigns_of(work, person_id):
        row = locked(work, campaign_id)
        waiting = work.session.execute(
            select(ReclaimCandidate)
            .where(
                ReclaimCandidate.campaign_id == campaign_id,
                ReclaimCandidate.person_id == person_id,
                ReclaimCandidate.state == CandidateState.LISTED,
            )
            .with_for_update()
            .execution_options(populate_existing=True)
        ).scalars()
        for one in waiting:
            one.answer, one.answer_words, one.answered_at = "handed_over", words.strip()[:1000], now
            move(work, one, Verb.HAND_OVER, f"person:{by}", now, personal={"words": words.strip()[:1000]})
            told += 1
        work.session.flush()
        effects += [*shown.list_changed(work, row), *advance(work, rules, row, now)]
    if not told:
        raise NothingToHandOver
    enqueue(work, dict.fromkeys([*effects, *shown.handover(work, person_id)]), now)
    return Said(About.TEXT, by=by, text=f"Handed over: the seats of {isolate(leaver.name)} can be confirmed now.")


def _require(work: UnitOfWork, person_id: int, by: int, now: datetime) -> None:
    """Never the leaver; for others the right to plan."""
    if person_id == by or not rights.has(work.connection, Duty.PLAN_RECLAIM, None, by, now):
        raise NotForYou(rights.WHAT, ())


def _campaigns_of(work: UnitOfWork, person_id: int) -> list[int]:
    rows = work.connection.execute(
        select(ReclaimCandidate.campaign_id)
        .join(ReclaimCampaign, ReclaimCampaign.id == ReclaimCandidate.campaign_id)
        .where(
            ReclaimCandidate.person_id == person_id,
            ReclaimCandidate.state == CandidateState.LISTED,
            ReclaimCampaign.kind == CampaignKind.LEAVING,
            ReclaimCampaign.state.in_(LIVE),
        )
        .distinct()
        .order_by(ReclaimCandidate.campaign_id)
    )
    return list(rows.scalars())
