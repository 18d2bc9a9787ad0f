"""Seats with an agreed last day: announced, held while an extension is decided, taken back on that day.

The ground is the approver's press on a card that said "ends on D, then taken back" (rules §7). An end that only a rule
agreed to is a question to the holder, whose own release is all that counts.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from licensing.business_time import zone_of
from licensing.words import day, isolate
from model.events import Event, Happened, Tag
from model.licences import Product, Seat
from model.people import Person
from model.requests import Card
from model.session import UnitOfWork
from workflows import cards
from workflows.effects import enqueue
from workflows.reads.agreed_ends import end_agreed
from workflows.reclaim import held
from workflows.replies import About, Said
from workflows.rules import Rules
from workflows.seat_returns import confirm, extension_pending, failed_since, open_return


def announce_ends(work: UnitOfWork, rules: Rules, now: datetime) -> int:
    """Tell holders whose agreed end comes near, once per notice of policy. Returns how many were told."""
    told = 0
    for days in sorted(rules.policy.end_of_term.notices_days, reverse=True):
        last = now.date() + timedelta(days=days)
        ending = work.session.execute(
            select(Seat).where(Seat.ended_at.is_(None), Seat.until_on.is_not(None), Seat.until_on <= last)
        ).scalars()
        for seat in ending:
            told += _announce(work, seat, days, now)
    return told


def _announce(work: UnitOfWork, seat: Seat, days: int, now: datetime) -> int:
    assert seat.until_on is not None  # noqa: S101  the query asks for it
    notice = f"{seat.until_on.isoformat()}/{days}"
    earlier = work.connection.execute(
        select(Card.facts).where(Card.kind == cards.CardKind.ENDING, Card.subject_id == seat.id)
    ).scalars()
    told = {str(facts.get("notice")) for facts in earlier}
    # whoever was told of a nearer date needs no word of the farther one
    if any(one.partition("/")[0] == seat.until_on.isoformat() and int(one.partition("/")[2]) <= days for one in told):
        return 0
    work.record(
        [Happened(Tag.SEAT_END_ANNOUNCED, "clock", f"seat:{seat.id}", {"until": seat.until_on, "days": days})], now
    )
    enqueue(
        work,
        cards.new_card(
            work, cards.CardKind.ENDING, seat.id, cards.person(seat.person_id), now, facts={"notice": notice}
        ),
        now,
    )
    return 1


def take_back_ended(work: UnitOfWork, rules: Rules, now: datetime) -> int:
    """Confirmed by the approver's press on a card that said "ends on D, then taken back". Returns how many.

    A pending extension holds the seat, and so does a mailbox on hold. A seat without such a press on record, approved
    by a rule, stays with its holder, and the product's owner is told once. The last day belongs to the holder to its
    end, where they are.
    """
    taken = 0
    over = work.session.execute(
        select(Seat.id, Person.time_zone)
        .join(Person, Person.id == Seat.person_id)
        .where(Seat.ended_at.is_(None), Seat.until_on.is_not(None), Seat.until_on < now.date())
    ).all()
    for seat_id, time_zone in over:
        # the holder may be giving it back this moment
        seat = work.session.get_one(Seat, seat_id, with_for_update=True, populate_existing=True)
        if (
            seat.ended_at is not None
            or seat.until_on is None
            or seat.until_on >= now.astimezone(zone_of(time_zone)).date()
        ):
            continue
        if open_return(work, seat.id) is not None or failed_since(work, seat.id, seat.until_on):
            continue
        if extension_pending(work, seat.id):
            _held_once(work, seat, now)
            continue
        agreed = end_agreed(work.connection, seat.id, seat.line_id, seat.until_on)
        if agreed is None:
            _noted_once(work, seat, now)
            continue
        addresses = held.addresses(work.connection, rules.policy, seat.product_id, now)
        if held.held_people(work.connection, addresses, [seat.person_id]):
            _once(work, seat, "hold", now)
            continue
        confirm(work, rules, seat, "agreed_end", agreed.person_id, now, step_id=agreed.step_id)
        taken += 1
    return taken


def _held_once(work: UnitOfWork, seat: Seat, now: datetime) -> None:
    _once(work, seat, "extension", now)


def _noted_once(work: UnitOfWork, seat: Seat, now: datetime) -> None:
    """Nobody pressed behind this end and the holder gave no answer: the product's owner reads it, nothing is taken."""
    event_id = _once(work, seat, "no_answer", now)
    product = work.session.get_one(Product, seat.product_id)
    if event_id is None or product.owner_id is None or seat.until_on is None:
        return
    holder = work.session.get_one(Person, seat.person_id)
    words = (
        f"{isolate(holder.name)} had {isolate(product.name)} until {day(seat.until_on)} by a rule and has not said "
        "whether it is still needed. Nothing is taken without their answer."
    )
    facts = Said(About.TEXT, text=words).facts()
    enqueue(
        work, cards.new_card(work, cards.CardKind.NOTE, event_id, cards.person(product.owner_id), now, facts=facts), now
    )


def _once(work: UnitOfWork, seat: Seat, by: str, now: datetime) -> int | None:
    """Write down once for this last day why the seat stays; the event's id the first time, None afterwards."""
    said = work.connection.execute(
        select(Event.id).where(
            Event.subject == f"seat:{seat.id}",
            Event.tag == Tag.SEAT_RETURN_HELD,
            Event.facts.contains(str(seat.until_on)),
            Event.facts.contains(f'"{by}"'),
        )
    ).first()
    if said is not None:
        return None
    held = Happened(Tag.SEAT_RETURN_HELD, "clock", f"seat:{seat.id}", {"until": seat.until_on, "by": by})
    return work.record([held], now)[0]
