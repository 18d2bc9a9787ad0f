"""What a holder does with their own seat: give it back, keep it longer, let it end, have it back."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import func, select, update

from licensing.words import isolate
from model.events import Happened, Tag
from model.licences import Product, Seat, SeatReturn, Sku
from model.people import Person
from model.requests import Card, LicenceRequest, LineState, OwnerTask, RequestKind, RequestLine, Status
from model.session import UnitOfWork
from workflows import cards, needed_back, refusals, seat_life, seats_free
from workflows.effects import Advance, Effect, FollowReturn, PublishHome, RestoreSeat, enqueue
from workflows.eligibility_check import check_form
from workflows.forms import Receipt, RequestForm
from workflows.replies import About, Said
from workflows.rules import Rules
from workflows.seat_life import Verb
from workflows.seat_returns import (
    OF_ONE_SEAT,
    by_graph,
    called_off,
    confirm,
    open_return,
    show_ending,
    show_returned,
    took_unit,
)
from workflows.submit import submit_extension


class NotYourSeat(refusals.Refusal):
    """The seat belongs to somebody else, or is gone."""

    def say(self, instant: refusals.Instant = refusals.plain_instant) -> str:
        return "This licence is not yours any more, so nothing changed."


class PartOfRole(refusals.Refusal):
    """The seat comes through a group or a role and is not given back one by one."""

    def say(self, instant: refusals.Instant = refusals.plain_instant) -> str:
        return "This licence comes with your role; ask IT to change it."


class BeingTaken(refusals.Refusal):
    """The seat is on its way back this moment; afterwards it can be had back."""

    def say(self, instant: refusals.Instant = refusals.plain_instant) -> str:
        return "It is being given back this very minute. Press again when this message says that it is done."


class EndUnderWay(refusals.Refusal):
    """The agreed end came first: the seat is being taken back, so there is nothing to keep longer."""

    def say(self, instant: refusals.Instant = refusals.plain_instant) -> str:
        return (
            "It is being taken back this very minute, so nothing was asked. When that is done you get a message with "
            "the button “I need it back”."
        )


class UndoEnded(refusals.Refusal):
    """The time in which the seat comes back as it was is over."""

    def __init__(self, when: datetime | None) -> None:
        super().__init__(when)
        self.when = when

    def say(self, instant: refusals.Instant = refusals.plain_instant) -> str:
        ended = f" ended {instant(self.when)}" if self.when else " is over"
        return f"The time to bring it back as it was{ended}. You can ask for it again at any time."


def give_back(work: UnitOfWork, rules: Rules, seat_id: int, by: int, reason: str, now: datetime) -> SeatReturn:
    """The holder gives a seat back; that is the confirmation. Raises NotYourSeat or PartOfRole."""
    seat = _mine(work, seat_id, by)
    if seat.path not in ("direct", "task") and not seat.line_id:
        raise PartOfRole
    known = open_return(work, seat.id)
    if known is not None:
        return known
    return confirm(work, rules, seat, "given_back", by, now, reason=reason)


def extend(
    work: UnitOfWork,
    rules: Rules,
    seat_id: int,
    by: int,
    until: date | None,
    why: str,
    submission_key: str,
    now: datetime,
) -> Receipt:
    """Ask to keep a seat longer. Raises NotYourSeat, EndUnderWay, or FieldRefusals with what to correct."""
    _coming_return(work, seat_id)  # before the seat, as whoever takes it
    seat = _mine(work, seat_id, by)
    ending = _coming_return(work, seat_id)  # it may have begun while we waited
    if ending is not None and ending.state == "removing":
        raise EndUnderWay
    product = work.session.get_one(Product, seat.product_id)
    sku = work.session.get_one(Sku, seat.sku_id)
    person = work.session.get_one(Person, by)
    form = RequestForm(submission_key, product.id, (seat.person_id,), 1, why, "", sku_id=sku.id, until=until)
    check_form(work, rules, form, person, product, sku, now, extends_until=seat.until_on)
    receipt = submit_extension(work, rules, seat, until, why, submission_key, by, now)
    if ending is not None:
        _hold(work, ending, now)
    enqueue(work, show_ending(work, seat.id), now)
    return receipt


def _coming_return(work: UnitOfWork, seat_id: int) -> SeatReturn | None:
    """The seat's return that is under way, held until the transaction ends."""
    known = open_return(work, seat_id)
    row = locked_return(work, known.id) if known is not None else None
    return row if row is not None and row.state in ("confirmed", "removing") else None


def _hold(work: UnitOfWork, row: SeatReturn, now: datetime) -> None:
    """Somebody asks to keep the seat: an agreed end that was reached and not carried out yet waits for the answer.

    If the answer is no, the next daily look confirms it anew.
    """
    if row.ground == "agreed_end" and row.state == "confirmed":
        called_off(work, row, "an extension is asked for", now)
        enqueue(work, show_returned(work, row.id), now)


def extended(work: UnitOfWork, request: LicenceRequest, now: datetime) -> list[Effect] | None:
    """An approved extension moves the seat's end. None: the seat ended meanwhile."""
    seat = work.session.get(Seat, request.extends_seat_id, with_for_update=True)
    if seat is None or seat.ended_at is not None:
        return None
    before, seat.until_on = seat.until_on, request.until_on
    work.session.flush()
    work.record(
        [
            Happened(
                Tag.SEAT_EXTENDED,
                f"request:{request.id}",
                f"seat:{seat.id}",
                {"from": before, "until": request.until_on, "request": request.id},
            )
        ],
        now,
    )
    return [*show_ending(work, seat.id), PublishHome(seat.person_id)]


def let_end(work: UnitOfWork, rules: Rules, seat_id: int, by: int, now: datetime) -> None:
    """The holder says the agreed end may come: the reminder closes. Nothing is taken before the day."""
    seat = _mine(work, seat_id, by)
    work.connection.execute(
        update(Card).where(Card.kind == cards.CardKind.ENDING, Card.subject_id == seat.id, Card.live).values(live=False)
    )
    enqueue(work, show_ending(work, seat.id), now)


def need_back(work: UnitOfWork, rules: Rules, return_id: int, by: int, now: datetime) -> None:
    """ "I need it back": inside the undo window without a new approval while a seat is free (rules §7).

    Raises NotYourSeat or UndoEnded.
    """
    row = locked_return(work, return_id)
    if row is None or row.person_id != by:
        raise NotYourSeat
    if row.state in ("confirmed",):
        called_off(work, row, "the holder needs it", now)
    elif row.state == "removing":
        raise BeingTaken
    elif row.state == "removed":
        put_back(work, rules, row, by, now)
    work.session.flush()
    enqueue(work, [*show_returned(work, row.id), PublishHome(by)], now)


def put_back(work: UnitOfWork, rules: Rules, row: SeatReturn, by: int, now: datetime) -> bool:
    """Begin the undo of a removed seat; the caller holds the row. False: no seat is free, its holder waits first.

    Raises UndoEnded.
    """
    if row.undo_until is None or row.undo_until <= now:
        raise UndoEnded(row.undo_until)
    product = work.session.get_one(Product, row.product_id)
    seat = work.session.get_one(Seat, row.seat_id)
    seats_free.lock_sku(work, seat.sku_id)
    free = seats_free.free_now(work, seat.sku_id, now) if took_unit(row) else None
    seat_life.move(row, Verb.UNDO)
    row.restored_by_id, row.note = by, ""
    if by_graph(product, seat, rules) and (free is None or free > 0):
        work.session.flush()  # the next one counts it
        enqueue(work, [RestoreSeat(row.id, "graph")], now)
        return True
    wait_for_seat(work, row, now, first=free == 0)
    return free != 0


def wait_for_seat(work: UnitOfWork, row: SeatReturn, now: datetime, *, first: bool) -> None:
    """Given anew without an approval: by its owner's hand, or `first` in the queue as no seat is free (rules §7)."""
    seat = work.session.get_one(Seat, row.seat_id)
    if first:
        seat_life.move(row, Verb.QUEUE)
    request = LicenceRequest(
        submission_key=needed_back.next_key(work, row.id),
        kind=RequestKind.SEAT,
        requester_id=row.person_id,
        product_id=seat.product_id,
        sku_id=seat.sku_id,
        until_on=seat.until_on,
        reason="Needed back after it was taken.",
        status=Status.APPROVED,
        pre_approved_rule="undo within its time",
        created_at=now,
        submitted_at=now,
        decided_at=now,
        queued_at=_before_all(work, seat.sku_id, now) if first else None,
    )
    work.session.add(request)
    work.session.flush()  # the line names it
    work.session.add(RequestLine(request_id=request.id, person_id=row.person_id, state=LineState.WANTED))
    work.session.flush()
    ids = work.record(_taken_by_rule(request), now)
    effects: list[Effect] = [Advance(request.id)]
    effects += cards.new_card(
        work, cards.CardKind.PROGRESS, request.id, cards.person(row.person_id), now, request_id=request.id
    )
    effects.append(FollowReturn(row.id))
    if first and row.ground not in OF_ONE_SEAT:
        holder = work.session.get_one(Person, row.person_id).name
        said = Said(
            About.TEXT, text=f"No seat is free for {isolate(holder)}, who needs it back and is 1st in the queue."
        )
        effects += cards.new_card(
            work, cards.CardKind.NOTE, ids[0], cards.person(row.confirmed_by_id), now, facts=said.facts()
        )
    enqueue(work, effects, now)


def none_free_after_all(work: UnitOfWork, return_id: int, now: datetime) -> None:
    """Microsoft had no unit left for it: the holder waits, first of all."""
    row = work.session.get_one(SeatReturn, return_id, with_for_update=True)
    if seat_life.can(row, Verb.QUEUE):
        wait_for_seat(work, row, now, first=True)
        enqueue(work, [*show_returned(work, row.id), PublishHome(row.person_id)], now)


def _before_all(work: UnitOfWork, sku_id: int, now: datetime) -> datetime:
    """A moment before whoever waits longest."""
    longest = work.connection.execute(
        select(func.min(LicenceRequest.queued_at))
        .join(RequestLine, RequestLine.request_id == LicenceRequest.id)
        .where(LicenceRequest.sku_id == sku_id, RequestLine.state == LineState.QUEUED)
    ).scalar()
    return min(longest, now) - timedelta(seconds=1) if longest is not None else now


def _taken_by_rule(request: LicenceRequest) -> list[Happened]:
    """The two moves of a request that needs no decision, so that its events begin at the beginning."""
    subject, waiting = f"request:{request.id}", Status.AWAITING_APPROVAL.value
    sent = {"from": Status.DRAFT.value, "to": waiting, "kind": request.kind, "product": request.product_id}
    rule = {"from": waiting, "to": request.status, "rule": request.pre_approved_rule}
    return [
        Happened(Tag.REQUEST_SUBMITTED, f"person:{request.requester_id}", subject, sent, {"why": request.reason}),
        Happened(Tag.REQUEST_PRE_APPROVED, "rule:undo", subject, rule),
    ]


def locked_return(work: UnitOfWork, return_id: int) -> SeatReturn | None:
    """A return held until the transaction ends, as it stands now; the task to take it first, as its owner's press."""
    task = select(OwnerTask.id).where(OwnerTask.return_id == return_id).order_by(OwnerTask.id).with_for_update()
    work.connection.execute(task).all()
    return work.session.get(SeatReturn, return_id, with_for_update=True, populate_existing=True)


def _mine(work: UnitOfWork, seat_id: int, by: int) -> Seat:
    seat = work.session.get(Seat, seat_id, with_for_update=True)
    if seat is None or seat.person_id != by or seat.ended_at is not None:
        raise NotYourSeat
    return seat
