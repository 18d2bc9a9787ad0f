"""A confirmed return of a seat: the row without which nothing is taken, and its life until the seat is gone or back.

Nothing here removes a seat without a stored `SeatReturn` that names person, product, ground and who confirmed it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select, update

from licensing.words import cut
from model.events import Happened, Tag
from model.licences import Granting, Product, Seat, SeatReturn, Sku
from model.reclaim import ReclaimCandidate
from model.requests import Card, LicenceRequest, OwnerTask, RequestKind, Status
from model.session import UnitOfWork
from workflows import cards, seat_life
from workflows.effects import (
    Effect,
    FollowReturn,
    MatchQueue,
    PublishHome,
    ReadFigures,
    ShowCard,
    TakeBackSeat,
    enqueue,
)
from workflows.reclaim import held
from workflows.replies import About, Said
from workflows.rules import Rules
from workflows.seat_life import Verb
from workflows.task_opening import open_take_task

#: How long a seat that was taken back is put back by one press, while a unit is free. Mail is kept as long (rules §7).
UNDO_DAYS = 30
#: In the stored state: when our newest write went out.
WRITTEN_AT = "written_at"
#: In the stored state: whether the unit is free now; held by a second path it is not.
FREES_UNIT = "frees_unit"
#: In the stored state: the other paths by which the person held it then.
BESIDE = "beside"
#: Of returns whose unit came free.
UNIT_CAME_FREE = SeatReturn.prior_state.not_like(f'%"{FREES_UNIT}": false%')
#: Grounds that a person stated for one seat; all others come as a list, whose result has a card of its own.
OF_ONE_SEAT = ("given_back", "agreed_end")
#: Rows named in one statement.
_AT_ONCE = 500
#: Requests that hold the seat they want to keep longer.
_PENDING = (Status.AWAITING_APPROVAL, Status.APPROVED)


def confirm(
    work: UnitOfWork,
    rules: Rules,
    seat: Seat,
    ground: str,
    confirmed_by: int,
    now: datetime,
    *,
    reason: str = "",
    step_id: int | None = None,
    at: datetime | None = None,
    swap_to_sku_id: int | None = None,
    handed_over_at: datetime | None = None,
) -> SeatReturn:
    """Store that a person confirmed it, and start what follows. `at`: not before then."""
    one = Confirmed(seat, ground, reason, step_id, at, swap_to_sku_id, handed_over_at)
    (row,) = confirm_all(work, rules, [one], confirmed_by, now)
    return row


@dataclass(frozen=True)
class Confirmed:
    """One seat of those that a person confirmed together. `at`: not before then; by hand `by_hand.ask` comes back."""

    seat: Seat
    ground: str
    reason: str = ""
    step_id: int | None = None
    at: datetime | None = None
    swap_to_sku_id: int | None = None
    handed_over_at: datetime | None = None


def confirm_all(
    work: UnitOfWork, rules: Rules, many: Sequence[Confirmed], confirmed_by: int, now: datetime
) -> list[SeatReturn]:
    """The same for many seats with a few statements, since the press of whoever confirms them waits for all."""
    rows = [
        SeatReturn(
            seat_id=one.seat.id,
            person_id=one.seat.person_id,
            product_id=one.seat.product_id,
            ground=one.ground,
            confirmed_by_id=confirmed_by,
            confirmed_at=now,
            step_id=one.step_id,
            reason=one.reason,
            state=seat_life.State.CONFIRMED.value,
            swap_to_sku_id=one.swap_to_sku_id,
            handed_over_at=one.handed_over_at,
        )
        for one in many
    ]
    work.session.add_all(rows)
    work.session.flush()  # event, card and job name them
    events = []
    for row in rows:
        facts = {
            "return": row.id,
            "ground": row.ground,
            "person": row.person_id,
            "product": row.product_id,
            "step": row.step_id,
        }
        personal = {"reason": row.reason} if row.reason else {}
        subject = f"seat:{row.seat_id}"
        events.append(Happened(Tag.SEAT_RETURN_CONFIRMED, f"person:{confirmed_by}", subject, facts, personal))
    work.record(events, now)
    effects: list[Effect] = []
    on_hold = _on_hold(work, rules, rows, now)
    for one, row in zip(many, rows, strict=True):
        product = work.session.get_one(Product, row.product_id)
        if by_graph(product, one.seat, rules):
            effects.append(TakeBackSeat(row.id, "graph", one.at))  # looks at holds itself, before each write
        elif row.id in on_hold:
            called_off(work, row, held.ON_HOLD, now)
        elif one.at is None or one.at <= now:
            effects += open_take_task(work, rules, row.id, product, now)
    told = [(row.id, cards.person(row.person_id)) for row in rows if row.ground == "given_back"]
    effects += cards.first_cards(work, cards.CardKind.RETURNED, told, now)
    effects += [PublishHome(row.person_id) for row in rows]
    enqueue(work, effects, now)
    return rows


def _on_hold(work: UnitOfWork, rules: Rules, rows: Sequence[SeatReturn], now: datetime) -> set[int]:
    """Those of these returns that would take a mailbox on hold: nobody is asked to do that by hand either."""
    people = {
        product_id: held.held_people(
            work.connection,
            held.addresses(work.connection, rules.policy, product_id, now),
            {row.person_id for row in rows},
        )
        for product_id in {row.product_id for row in rows}
    }
    return {row.id for row in rows if row.person_id in people[row.product_id]}


def by_graph(product: Product, seat: Seat, rules: Rules) -> bool:
    ours = Granting(product.granting) in (Granting.GRAPH_DIRECT, Granting.GRAPH_GROUP)
    return ours and rules.graph and seat.path != "task"


def took_unit(row: SeatReturn) -> bool:
    """Whether a unit came free by it, which putting it back needs again; of two paths the other one kept it."""
    return bool(json.loads(row.prior_state or "{}").get(FREES_UNIT, True))


def extension_pending(work: UnitOfWork, seat_id: int) -> bool:
    found = work.connection.execute(
        select(LicenceRequest.id).where(
            LicenceRequest.kind == RequestKind.EXTENSION,
            LicenceRequest.extends_seat_id == seat_id,
            LicenceRequest.status.in_(_PENDING),
        )
    ).first()
    return found is not None


def called_off(work: UnitOfWork, row: SeatReturn, words: str, now: datetime) -> None:
    """The seat stays; whoever was asked to take it by hand reads that there is nothing to do any more.

    `words` name nobody: they stand in an event.
    """
    seat_life.move(row, Verb.KEEP)
    row.note = words[:500]
    work.session.flush()
    work.record([Happened(Tag.SEAT_KEPT, "rule:return", f"seat:{row.seat_id}", {"because": words})], now)
    tasks = work.connection.execute(
        update(OwnerTask)
        .where(OwnerTask.return_id == row.id, OwnerTask.state.in_(["open", "could_not"]))
        .values(state="closed", version=OwnerTask.version + 1)
        .returning(OwnerTask.id, OwnerTask.assignee_id)
    ).all()
    shown = work.connection.execute(
        select(Card.id).where(Card.kind == cards.CardKind.TASK, Card.subject_id.in_([task.id for task in tasks]))
    ).scalars()
    effects: list[Effect] = [ShowCard(card_id) for card_id in shown]
    effects += show_returned(work, row.id)
    enqueue(work, [*effects, FollowReturn(row.id), *(PublishHome(task.assignee_id) for task in tasks)], now)


def removed(work: UnitOfWork, return_id: int, actor: str, now: datetime) -> None:
    """The seat is gone there, as read back or as its owner said."""
    row = work.session.get(SeatReturn, return_id, with_for_update=True)
    if row is None or not seat_life.can(row, Verb.GO):
        return
    seat = work.session.get_one(Seat, row.seat_id)
    seat.ended_at = seat.ended_at or now
    seat_life.move(row, Verb.GO)
    row.removed_at, row.undo_until = now, _gone_since(row, now) + timedelta(days=UNDO_DAYS)
    work.session.flush()
    _swapped(work, row, seat, now)
    work.record(
        [
            Happened(
                Tag.SEAT_TAKEN_BACK,
                actor,
                f"seat:{seat.id}",
                {"return": row.id, "ground": row.ground, "confirmed_by": f"person:{row.confirmed_by_id}"},
            )
        ],
        now,
    )
    effects: list[Effect] = [MatchQueue(seat.sku_id), ReadFigures(), FollowReturn(row.id), PublishHome(seat.person_id)]
    effects += show_ending(work, seat.id)
    if row.ground == "given_back":
        effects += show_returned(work, row.id)
    else:
        effects += cards.new_card(work, cards.CardKind.RETURNED, row.id, cards.person(seat.person_id), now)
    enqueue(work, effects, now)


def _gone_since(row: SeatReturn, now: datetime) -> datetime:
    """When our write went out, however late a read showed it: the vendor counts the days of a mailbox from there."""
    written = json.loads(row.prior_state or "{}").get(WRITTEN_AT)
    return min(datetime.fromisoformat(written), now) if written else now


def _swapped(work: UnitOfWork, row: SeatReturn, seat: Seat, now: datetime) -> None:
    """The smaller licence that came in the same call; a nightly look may have seen it before us."""
    if row.swap_to_sku_id is None or swapped_seat(work, row) is not None:
        return
    given = Seat(
        product_id=work.session.get_one(Sku, row.swap_to_sku_id).product_id,
        sku_id=row.swap_to_sku_id,
        person_id=row.person_id,
        path="direct",
        began_at=now,
        recorded_at=now,
        until_on=seat.until_on,
        line_id=seat.line_id,
        authorised_by=seat.authorised_by,
    )
    work.session.add(given)
    work.session.flush()  # the event names it
    facts = {"return": row.id, "instead_of": seat.id, "person": row.person_id, "path": "direct"}
    work.record([Happened(Tag.SEAT_GIVEN, "microsoft365", f"seat:{given.id}", facts)], now)


def swapped_seat(work: UnitOfWork, row: SeatReturn) -> Seat | None:
    """The open seat of the smaller licence that a swap gave."""
    return work.session.execute(
        select(Seat)
        .where(Seat.person_id == row.person_id, Seat.sku_id == row.swap_to_sku_id, Seat.ended_at.is_(None))
        .order_by(Seat.id)
        .limit(1)
    ).scalar_one_or_none()


def not_removed(work: UnitOfWork, return_id: int, words: str, actor: str, now: datetime) -> None:
    """It was left alone; the holder keeps it, and IT sees why. Of a list, the list's own card tells it."""
    row = work.session.get_one(SeatReturn, return_id, with_for_update=True)
    if not seat_life.can(row, Verb.FAIL):
        return
    seat_life.move(row, Verb.FAIL)
    row.note = words[:500]
    work.session.flush()
    ids = work.record([Happened(Tag.SEAT_RETURN_FAILED, actor, f"seat:{row.seat_id}", {}, {"because": words})], now)
    product = work.session.get_one(Product, row.product_id).name
    said = Said(About.TEXT, text=f"A seat of {cut(product, 60)} was to be taken back and was not. {cut(words, 200)}")
    effects: list[Effect] = [*show_returned(work, row.id), FollowReturn(row.id), PublishHome(row.person_id)]
    if row.ground in OF_ONE_SEAT:
        effects += cards.new_card(
            work, cards.CardKind.NOTE, ids[0], cards.channel("it_alerts"), now, facts=said.facts()
        )
    enqueue(work, effects, now)


def show_returned(work: UnitOfWork, return_id: int) -> list[Effect]:
    rows = work.connection.execute(
        select(Card.id).where(Card.kind == cards.CardKind.RETURNED, Card.subject_id == return_id)
    ).scalars()
    return [ShowCard(card_id) for card_id in rows]


def show_ending(work: UnitOfWork, seat_id: int) -> list[Effect]:
    """The announcements of its end say what became of it."""
    rows = work.connection.execute(
        select(Card.id).where(Card.kind == cards.CardKind.ENDING, Card.subject_id == seat_id)
    ).scalars()
    return [ShowCard(card_id) for card_id in rows]


def show_where_it_went(work: UnitOfWork, sku_id: int, now: datetime) -> list[Effect]:
    """Whoever gave back a seat of this SKU within a day reads that somebody who waited has it; its confirmer too."""
    rows = work.connection.execute(
        select(Card.id)
        .join(SeatReturn, SeatReturn.id == Card.subject_id)
        .join(Seat, Seat.id == SeatReturn.seat_id)
        .where(
            Card.kind == cards.CardKind.RETURNED,
            Seat.sku_id == sku_id,
            SeatReturn.state == "removed",
            SeatReturn.removed_at > now - timedelta(days=1),
        )
    ).scalars()
    lists = work.connection.execute(
        select(Card.id)
        .join(ReclaimCandidate, ReclaimCandidate.campaign_id == Card.subject_id)
        .join(SeatReturn, SeatReturn.id == ReclaimCandidate.seat_return_id)
        .join(Seat, Seat.id == SeatReturn.seat_id)
        .where(
            Card.kind == cards.CardKind.RECLAIM_LIST,
            Card.live,
            Seat.sku_id == sku_id,
            SeatReturn.removed_at > now - timedelta(days=1),
        )
        .distinct()
    ).scalars()
    return [ShowCard(card_id) for card_id in (*rows, *lists)]


def open_return(work: UnitOfWork, seat_id: int) -> SeatReturn | None:
    """The one that is under way. One that failed is over: the holder may give the seat back anew."""
    return work.session.execute(
        select(SeatReturn).where(SeatReturn.seat_id == seat_id, SeatReturn.state.in_(["confirmed", "removing"]))
    ).scalar_one_or_none()


def under_way(work: UnitOfWork, seat_ids: Sequence[int]) -> set[int]:
    """Those of these seats that are on their way back already."""
    found: set[int] = set()
    for first in range(0, len(seat_ids), _AT_ONCE):
        some = seat_ids[first : first + _AT_ONCE]
        open_ones = SeatReturn.state.in_(["confirmed", "removing"])
        rows = work.connection.execute(select(SeatReturn.seat_id).where(SeatReturn.seat_id.in_(some), open_ones))
        found |= set(rows.scalars())
    return found


def failed_since(work: UnitOfWork, seat_id: int, day: date) -> bool:
    """Whether taking it back after this day was tried and failed: IT was told, and nothing repeats by itself."""
    began = select(func.max(SeatReturn.confirmed_at)).where(SeatReturn.seat_id == seat_id, SeatReturn.state == "failed")
    newest = work.connection.execute(began).scalar()
    return newest is not None and newest.date() >= day
