"""A seat that was taken comes back to its holder: as it was, given anew, or not at all and in words that say why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from licensing.words import cut, isolate
from model.events import Happened, Tag
from model.licences import Product, Seat, SeatReturn
from model.people import Person
from model.session import UnitOfWork
from workflows import cards, seat_life
from workflows.effects import Effect, FollowReturn, MatchQueue, PublishHome, ReadFigures, enqueue
from workflows.reclaim.sources import tier_name
from workflows.replies import About, Said
from workflows.seat_life import Verb
from workflows.seat_returns import show_returned, swapped_seat

#: Of one that came back from the queue or by its owner's hand: nobody compared it with what was taken.
GIVEN_ANEW = "It was given anew, so settings may differ."


@dataclass(frozen=True)
class Back:
    """What came back, as a read shows it. `differs`: what is not as it was before, in sentences that name nobody."""

    differs: str = ""
    both_held: bool = False  # of a swap: the smaller licence, given in exchange, is still there


def restored(work: UnitOfWork, return_id: int, actor: str, now: datetime, back: Back | None = None) -> None:
    """The seat is back as it was, or as nearly as `back` says."""
    back = back or Back()
    row = work.session.get(SeatReturn, return_id, with_for_update=True)
    if row is None or not seat_life.can(row, Verb.RESTORE):
        return
    old = work.session.get_one(Seat, row.seat_id)
    seat = Seat(
        product_id=old.product_id,
        sku_id=old.sku_id,
        person_id=old.person_id,
        path=old.path,
        began_at=now,
        recorded_at=now,
        until_on=_last_day_after_undo(old, row, now),
        line_id=old.line_id,
        authorised_by=old.authorised_by,
    )
    exchanged = swapped_seat(work, row) if row.swap_to_sku_id is not None and not back.both_held else None
    if exchanged is not None:
        exchanged.ended_at = now
    seat_life.move(row, Verb.RESTORE)
    row.restored_at, row.note = now, _differs(work, row, back)
    known = work.session.execute(
        select(Seat)
        .where(Seat.person_id == old.person_id, Seat.sku_id == old.sku_id, Seat.path == old.path)
        .where(Seat.ended_at.is_(None))
    ).scalar_one_or_none()
    if known is None:
        work.session.add(seat)
    else:
        seat = known  # a nightly look saw it before us
    work.session.flush()
    facts = {"return": row.id, "before": old.id} | ({"differs": row.note} if row.note else {})
    ids = work.record([Happened(Tag.SEAT_RESTORED, actor, f"seat:{seat.id}", facts)], now)
    effects: list[Effect] = [*show_returned(work, row.id), FollowReturn(row.id), PublishHome(row.person_id)]
    effects += [ReadFigures(), *([MatchQueue(exchanged.sku_id)] if exchanged is not None else [])]
    if row.note:
        effects += _tell_difference(work, row, back, ids[0], now)
    enqueue(work, effects, now)


def _differs(work: UnitOfWork, row: SeatReturn, back: Back) -> str:
    smaller = ""
    if back.both_held and row.swap_to_sku_id is not None:
        smaller = f"{tier_name(work.connection, row.swap_to_sku_id)}, given in its place, is still there too."
    return " ".join(part for part in (back.differs, smaller) if part)[:500]


def _tell_difference(work: UnitOfWork, row: SeatReturn, back: Back, event_id: int, now: datetime) -> list[Effect]:
    """Whoever pressed Undo reads it; the holder does in their own message, so then only what is left to do is told."""
    pressed = row.restored_by_id or row.confirmed_by_id
    if pressed == row.person_id and not back.both_held:
        return []
    told = row.confirmed_by_id if pressed == row.person_id else pressed
    holder = isolate(work.session.get_one(Person, row.person_id).name)
    product = isolate(cut(work.session.get_one(Product, row.product_id).name, 60))
    todo = " Take that back by hand." if back.both_held else ""
    said = Said(About.TEXT, text=f"{holder} has {product} again, not quite as before: {row.note}{todo}")
    return list(cards.new_card(work, cards.CardKind.NOTE, event_id, cards.person(told), now, facts=said.facts()))


def _last_day_after_undo(old: Seat, row: SeatReturn, now: datetime) -> date | None:
    """As it was; an agreed day that is over becomes the end of the undo window, when the holder is asked again.

    The past day would take the seat again within the hour, against the press that put it back.
    """
    if old.until_on is None or old.until_on >= now.date() or row.undo_until is None:
        return old.until_on
    return row.undo_until.date()


def came_back(work: UnitOfWork, return_id: int, actor: str, now: datetime) -> None:
    """The seat that was needed back was given anew, from the queue or by its owner."""
    row = work.session.get(SeatReturn, return_id, with_for_update=True)
    if row is None or not seat_life.can(row, Verb.COME_ANEW):
        return
    seat_life.move(row, Verb.COME_ANEW)
    row.restored_at, row.note = now, GIVEN_ANEW
    work.session.flush()
    facts = {"return": row.id, "anew": True}
    ids = work.record([Happened(Tag.SEAT_RESTORED, actor, f"seat:{row.seat_id}", facts)], now)
    effects: list[Effect] = [*show_returned(work, row.id), FollowReturn(row.id), PublishHome(row.person_id)]
    if row.swap_to_sku_id is not None and swapped_seat(work, row) is not None:
        holder = work.session.get_one(Person, row.person_id).name
        words = (
            f"{isolate(holder)} has the larger licence again and still holds the smaller one: take that back by hand."
        )
        told, said = cards.person(row.confirmed_by_id), Said(About.TEXT, text=words)
        effects += cards.new_card(work, cards.CardKind.NOTE, ids[0], told, now, facts=said.facts())
    enqueue(work, effects, now)


def not_restored(work: UnitOfWork, return_id: int, words: str, actor: str, now: datetime) -> None:
    """It could not be put back: told to whoever pressed, never repeated by itself. Undo can be pressed again."""
    row = work.session.get_one(SeatReturn, return_id, with_for_update=True)
    if not seat_life.can(row, Verb.REFUSE):
        return
    seat_life.move(row, Verb.REFUSE)
    row.note = words[:500] or "No seat is free."
    work.session.flush()
    facts, personal = {"undo": True}, {"because": row.note}  # the note may name somebody
    ids = work.record([Happened(Tag.SEAT_RETURN_FAILED, actor, f"seat:{row.seat_id}", facts, personal)], now)
    holder = work.session.get_one(Person, row.person_id).name
    told = row.restored_by_id or row.confirmed_by_id
    whose = "Your seat" if told == row.person_id else f"{isolate(holder)}'s seat"
    said = Said(About.TEXT, text=f"{whose} could not be put back: {row.note}")
    effects: list[Effect] = [*show_returned(work, row.id), FollowReturn(row.id), PublishHome(row.person_id)]
    effects += cards.new_card(work, cards.CardKind.NOTE, ids[0], cards.person(told), now, facts=said.facts())
    effects.append(MatchQueue(work.session.get_one(Seat, row.seat_id).sku_id))  # its unit was kept until now
    enqueue(work, effects, now)
