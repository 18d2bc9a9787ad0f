"""What became of a confirmed removal, told where it matters: candidate, campaign, card, ServiceNow record, money.

One function reads where the return stands and brings the rest in line, so it may come late, twice or out of turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import func, select

from licensing.words import plural
from model.licences import Product, SeatReturn
from model.people import Person
from model.reclaim import CampaignKind, CampaignState, CandidateState, ReclaimCampaign, ReclaimCandidate
from model.session import UnitOfWork
from model.tickets import Ticket, TicketNote, TicketPurpose
from workflows.effects import Effect, SettleTicket, enqueue
from workflows.reclaim import campaign as campaigns
from workflows.reclaim import candidate as candidates
from workflows.reclaim import rule_scores, savings, shown
from workflows.reclaim.candidate import Verb
from workflows.rules import Rules
from workflows.tickets import correlation_id, open_ticket

#: Where a return stands, and the move of its candidate; other states are not an end yet.
_MOVES: Mapping[str, Verb] = {
    "removed": Verb.TAKE,
    "kept": Verb.SKIP,
    "failed": Verb.FAIL,
    "restoring": Verb.TAKE,
    "waiting": Verb.TAKE,
    "restored": Verb.PUT_BACK,
}
#: While the seat is with its holder again, or promised to them, it saves nothing.
_WITH_HOLDER = ("waiting", "restored")


def follow(work: UnitOfWork, rules: Rules, return_id: int, now: datetime) -> None:
    """Bring what belongs to a return in line with where it stands now."""
    row = work.session.get(SeatReturn, return_id, with_for_update=True, populate_existing=True)
    if row is None:
        return
    if row.state in _WITH_HOLDER:
        savings.take_back(work, row.id, now)
    known = work.connection.execute(
        select(ReclaimCandidate.id, ReclaimCandidate.campaign_id).where(ReclaimCandidate.seat_return_id == row.id)
    ).one_or_none()
    if known is None:
        return
    campaign = campaigns.locked(work, known.campaign_id)
    candidate = work.session.get_one(ReclaimCandidate, known.id, with_for_update=True, populate_existing=True)
    _move(work, candidate, row, now)
    effects: list[Effect] = []
    if row.state == "restored" and row.restored_by_id == row.person_id and candidate.ground == CampaignKind.IDLE:
        paused = rule_scores.answered(work, rules.policy, candidate.product_id, candidate.rule, now)  # it was not idle
        effects += rule_scores.tell(work, paused, now) if paused is not None else []
    campaigns.settle(work, campaign, now)
    work.session.flush()
    effects += [
        *shown.candidate(work, candidate),
        *shown.campaign(work, campaign.id),
        *_record(work, rules, campaign, now),
    ]
    enqueue(work, dict.fromkeys(effects), now)


def _move(work: UnitOfWork, candidate: ReclaimCandidate, row: SeatReturn, now: datetime) -> None:
    """The move that the return's state asks for; one that came back before anybody looked was taken first."""
    verb = _MOVES.get(row.state)
    if verb is None:
        return
    if verb is Verb.PUT_BACK and candidate.state == CandidateState.CONFIRMED:
        candidates.move(work, candidate, Verb.TAKE, "microsoft365", now, facts={"return": row.id})
    if not candidates.can(candidate, verb):
        return
    actor = f"person:{row.restored_by_id}" if verb is Verb.PUT_BACK and row.restored_by_id else "rule:return"
    if verb in (Verb.SKIP, Verb.FAIL, Verb.PUT_BACK):
        candidate.words = row.note
    candidates.move(work, candidate, verb, actor, now, facts={"return": row.id})


# -- the record in ServiceNow ------------------------------------------------------------------------------------------


def open_record(work: UnitOfWork, rules: Rules, campaign_id: int, now: datetime) -> list[Effect]:
    """Want a record of the confirmed list: called with the confirmation; one a campaign, however often."""
    row = work.connection.execute(
        select(Product.name, ReclaimCampaign.kind)
        .join(ReclaimCampaign, ReclaimCampaign.product_id == Product.id)
        .where(ReclaimCampaign.id == campaign_id)
    ).one()
    counts = _counts(work, campaign_id)
    by = work.connection.execute(
        select(Person.name)
        .join(ReclaimCandidate, ReclaimCandidate.confirmed_by_id == Person.id)
        .where(ReclaimCandidate.campaign_id == campaign_id)
        .order_by(ReclaimCandidate.confirmed_at.desc())
        .limit(1)
    ).scalar()
    listed = sum(counts.get(state, 0) for state in _OUTCOMES) + counts.get(CandidateState.CONFIRMED, 0)
    title = f"{campaigns.reference(campaign_id)}: take back {plural(listed, 'seat')} of {row.name}"
    words = f"{title}\nConfirmed by {by}. Seatkeeper takes them back and notes here what came of it." if by else title
    return open_ticket(work, rules, TicketPurpose.RECLAIM, campaign_id, now, words=words, quantity=listed)


_OUTCOMES: Mapping[CandidateState, str] = {
    CandidateState.TAKEN: "taken back",
    CandidateState.SKIPPED: "skipped",
    CandidateState.NOT_TAKEN: "not done",
    CandidateState.PUT_BACK: "put back",
}


def _counts(work: UnitOfWork, campaign_id: int) -> dict[CandidateState, int]:
    rows = work.connection.execute(
        select(ReclaimCandidate.state, func.count())
        .where(ReclaimCandidate.campaign_id == campaign_id)
        .group_by(ReclaimCandidate.state)
    ).all()
    return {CandidateState(state): count for state, count in rows}


def _record(work: UnitOfWork, rules: Rules, campaign: ReclaimCampaign, now: datetime) -> list[Effect]:
    """A note with the counts when the last one is through, then the record is closed; an undo afterwards is noted.

    Seats that are put back together make one note, when the last of them is there.
    """
    if not rules.servicenow:
        return []
    effects = open_record(work, rules, campaign.id, now)
    key = correlation_id(rules, TicketPurpose.RECLAIM, campaign.id)
    ticket = work.session.execute(
        select(Ticket)
        .where((Ticket.correlation_id == key) | Ticket.correlation_id.like(f"{key}-try%"))
        .order_by(Ticket.id.desc())
        .limit(1)
        .with_for_update()
    ).scalar_one()
    counts = _counts(work, campaign.id)
    if counts.get(CandidateState.CONFIRMED, 0):
        return effects
    coming, waiting = _promised(work, campaign.id)
    words = told(counts, waiting)
    effect_key = f"reclaim-{campaign.id}-" + "-".join(str(counts.get(state, 0)) for state in _OUTCOMES)
    effect_key += f"-waits-{waiting}" if waiting else ""
    noted = select(TicketNote.id).where(TicketNote.ticket_id == ticket.id, TicketNote.effect_key == effect_key)
    if not coming and work.connection.execute(noted).first() is None:
        work.session.add(TicketNote(ticket_id=ticket.id, effect_key=effect_key, words=words))
    if campaign.state == CampaignState.DONE and ticket.wanted == "open":
        ticket.wanted, ticket.closing_words = "complete", words
    work.session.flush()  # the unique key must speak now, not at commit
    return [*effects, SettleTicket(ticket.id)]


def _promised(work: UnitOfWork, campaign_id: int) -> tuple[int, int]:
    """How many of its seats are on their way back to their holders, and how many wait for a free one."""
    rows = work.connection.execute(
        select(SeatReturn.state, func.count())
        .join(ReclaimCandidate, ReclaimCandidate.seat_return_id == SeatReturn.id)
        .where(ReclaimCandidate.campaign_id == campaign_id, SeatReturn.state.in_(["restoring", "waiting"]))
        .group_by(SeatReturn.state)
    ).tuples()
    found = dict(rows.all())
    return found.get("restoring", 0), found.get("waiting", 0)


def told(counts: Mapping[CandidateState, int], waiting: int = 0) -> str:
    """ "9 seats taken back, 1 skipped, 2 not done."; `waiting`: of those taken, how many are wanted back."""
    parts = [(counts.get(state, 0), word) for state, word in _OUTCOMES.items()]
    named = [(count, word) for count, word in parts if count]
    if not named:
        return "Nothing was taken back."
    first, *others = named
    told = [f"{plural(first[0], 'seat')} {first[1]}", *(f"{count} {word}" for count, word in others)]
    wanted = f" {waiting} wanted back: in the queue until a seat is free." if waiting else ""
    return f"{', '.join(told)}.{wanted}"
