"""Before mail of a seat that was taken back is lost for good: said 7 days and 1 day before, to confirmer and holder.

Each distance is announced once, however long the service was down; who comes back on the last day hears of that alone.
Only seats that held a mailbox lose something, and only where no other licence of the person holds it: the smaller one
of a swap, or one that covered it. For all others "I need it back" simply ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, select

from licensing.idle.products import gives_mail
from licensing.words import day, isolate, plural
from model.events import Happened, Tag
from model.licences import Product, Seat, SeatReturn, Sku
from model.session import UnitOfWork
from workflows import cards
from workflows.effects import Effect, enqueue
from workflows.reclaim import held
from workflows.replies import About, Said

#: Days before the end, the farther first.
DISTANCES = (7, 1)
_PRESS = "Press “I need it back” before then if you need it."
_WAITS = "You are in the queue as no seat is free."


def warn(work: UnitOfWork, now: datetime) -> int:
    """Announce what is near. Returns how many seats were spoken of."""
    spoken = 0
    for distance in sorted(DISTANCES):  # the nearest first: it makes the farther one unnecessary
        spoken += _announce(work, distance, now)
    return spoken


def _announce(work: UnitOfWork, distance: int, now: datetime) -> int:
    near = work.session.execute(
        select(SeatReturn, Product.name)
        .join(Product, Product.id == SeatReturn.product_id)
        .where(
            SeatReturn.state.in_(["removed", "waiting"]),
            SeatReturn.undo_until > now,
            SeatReturn.undo_until <= now + timedelta(days=distance),
            or_(SeatReturn.warned_days.is_(None), SeatReturn.warned_days > distance),
        )
        .order_by(SeatReturn.id)
        .with_for_update(of=SeatReturn)
    ).all()
    by_confirmer: dict[tuple[int, str, str], list[SeatReturn]] = defaultdict(list)
    effects: list[Effect] = []
    loses_mail: dict[int, bool] = {}
    have_mail = _have_mail(work.connection, {row.person_id for row, _ in near})
    spoken = 0
    for row, product in near:
        row.warned_days = distance
        if row.product_id not in loses_mail:
            loses_mail[row.product_id] = held.wants_list(work.connection, row.product_id)
        if not loses_mail[row.product_id] or row.person_id in have_mail:
            continue
        spoken += 1
        assert row.undo_until is not None  # noqa: S101  the query asks for it
        end = day(row.undo_until.date())
        facts = {"return": row.id, "days": distance, "until": row.undo_until.date()}
        ids = work.record([Happened(Tag.UNDO_END_ANNOUNCED, "clock", f"seat:{row.seat_id}", facts)], now)
        words = (
            f"Undo ends on {end}: then the mailbox of your {isolate(product)} licence is gone for good. "
            f"{_WAITS if row.state == 'waiting' else _PRESS}"
        )
        effects += _note(work, ids[0], row.person_id, words, now)
        if row.confirmed_by_id != row.person_id:
            by_confirmer[row.confirmed_by_id, end, product].append(row)
    work.session.flush()
    for (confirmer, end, product), rows in by_confirmer.items():
        facts = {"returns": len(rows), "days": distance, "product": rows[0].product_id}
        ids = work.record([Happened(Tag.UNDO_END_ANNOUNCED, "clock", f"person:{confirmer}", facts)], now)
        gone = plural(len(rows), "mailbox is", "mailboxes are")
        words = f"Undo ends on {end}: then {gone} gone for good ({isolate(product)})."
        wanted = sum(row.state == "waiting" for row in rows)
        if wanted:
            words += f" Needed back: {wanted}, in the queue as no seat is free. Buy or free one before then."
        effects += _note(work, ids[0], confirmer, words, now)
    enqueue(work, effects, now)
    return spoken


def _have_mail(connection: Connection, person_ids: Collection[int]) -> frozenset[int]:
    """Whose mailbox another licence holds, now that this one is gone."""
    rows = connection.execute(
        select(Seat.person_id, Sku.sku_id, Sku.part_number)
        .join(Sku, Sku.id == Seat.sku_id)
        .where(Seat.person_id.in_(person_ids), Seat.ended_at.is_(None), Sku.sku_id.is_not(None))
    )
    return frozenset(row.person_id for row in rows if gives_mail(row.sku_id, row.part_number))


def _note(work: UnitOfWork, event_id: int, person_id: int, words: str, now: datetime) -> list[Effect]:
    facts = Said(About.TEXT, text=words).facts()
    return list(cards.new_card(work, cards.CardKind.NOTE, event_id, cards.person(person_id), now, facts=facts))
