"""What a ServiceNow record's state means for us: a seat given, an order arrived, a refusal, a conflict to show."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import exists, select, update

from model.contracts import Entitlement
from model.events import Happened, Tag
from model.renewals import RenewalDecision
from model.requests import LicenceRequest, LineState, RequestLine, Status
from model.session import UnitOfWork
from model.tickets import Ticket, TicketPurpose
from workflows import cards, granting
from workflows.alerts import records
from workflows.effects import Advance, Effect, FollowRenewal, MatchQueue, ReadFigures, ShowRequest, enqueue
from workflows.request import Verb, lock, move, present_status, settle
from workflows.rules import Rules

_OVER = ("complete", "incomplete", "cancelled", "rejected", "deleted")
_ORDERS = (TicketPurpose.GRANT, TicketPurpose.PURCHASE, TicketPurpose.NEW_PRODUCT)
_WORDS = {
    "incomplete": "ServiceNow closed {number} as incomplete.",
    "cancelled": "{number} was cancelled in ServiceNow.",
    "rejected": "The approval of {number} was refused in ServiceNow.",
    "deleted": "{number} is not in ServiceNow any more.",
}


@dataclass(frozen=True)
class Reading:
    """A record as read: `state` in our words; approval and stage as they are there."""

    state: str
    approval: str = ""
    stage: str = ""
    waits_for_approval: bool = False


class Fields(Protocol):
    """A record as read."""

    @property
    def table(self) -> str: ...
    def get(self, name: str) -> str: ...


def reading_of(record: Fields, approvals: Collection[str] = ()) -> Reading:
    """What a record says, in our words. `approvals`: states of those the instance asks for."""
    return Reading(state_of(record), record.get("approval"), record.get("stage"), "requested" in approvals)


def state_of(record: Fields) -> str:
    """Their state in our words: open, complete, incomplete, cancelled, rejected (rules §5: different outcomes).

    Numbers of sc_req_item and of incident are their defaults (unconfirmed for a customised instance: policy's close
    codes say what we write, this says what we read).
    """
    if record.get("approval") == "rejected":
        return "rejected"
    state = record.get("state")
    if record.table == "incident":
        return {"6": "complete", "7": "complete", "8": "cancelled"}.get(state, "open")
    if "cancel" in record.get("stage").lower():
        return "cancelled"
    return {"3": "complete", "4": "incomplete", "7": "cancelled"}.get(state, "open")


Hook = Callable[[UnitOfWork, Rules, int, datetime], None]


@dataclass(frozen=True)
class AlertHooks:
    """What a red alert does when people end, reopen or delete its incident; each gets the alert's id."""

    resolved: Hook = records.resolved
    reopened: Hook = records.reopened_there
    deleted: Hook = records.deleted


ALERTS = AlertHooks()


def seen(
    work: UnitOfWork,
    rules: Rules,
    ticket_id: int,
    reading: Reading,
    now: datetime,
    *,
    alerts: AlertHooks = ALERTS,
    by_us: bool = False,
) -> None:
    """Write down what was read and do what follows. The caller commits; seeing the same twice does nothing more.

    `by_us`: our own user changed the record last. What we wanted is then no news; anything else still is, because a
    change of somebody else may lie under ours.
    """
    ticket = work.session.get_one(Ticket, ticket_id, with_for_update=True)
    if ticket.closed_at is not None:
        _seen_again(work, rules, ticket, reading, now, alerts)
        return
    approval = "requested" if reading.waits_for_approval else reading.approval
    changed = (ticket.state, ticket.approval, ticket.stage) != (reading.state, approval, reading.stage)
    ticket.state, ticket.approval, ticket.stage, ticket.read_at = reading.state, approval, reading.stage, now
    over = reading.state in _OVER
    if over:
        ticket.closed_at = now
    work.session.flush()
    if not changed and not over:
        return
    facts = {"ticket": ticket.id, "state": reading.state, "approval": approval, "stage": reading.stage}
    if over:
        tag = Tag.TICKET_DELETED if reading.state == "deleted" else Tag.TICKET_CLOSED
        work.record([Happened(tag, "servicenow", _subject(ticket), facts)], now)
        _follow(work, rules, ticket, reading.state, now, alerts)
    elif not (by_us and reading.state == ticket.wanted and not reading.waits_for_approval):
        work.record([Happened(Tag.TICKET_STATE_READ, "servicenow", _subject(ticket), facts)], now)
    if ticket.request_id is not None:
        enqueue(work, [ShowRequest(ticket.request_id)], now)
    enqueue(work, renewal_of(work, ticket.renewal_decision_id), now)


def renewal_of(work: UnitOfWork, decision_id: int | None) -> list[Effect]:
    """The renewal whose brief shows a record."""
    if decision_id is None:
        return []
    renewal_id = work.connection.execute(
        select(RenewalDecision.renewal_id).where(RenewalDecision.id == decision_id)
    ).scalar()
    return [FollowRenewal(renewal_id)] if renewal_id is not None else []


def _seen_again(
    work: UnitOfWork, rules: Rules, ticket: Ticket, reading: Reading, now: datetime, alerts: AlertHooks
) -> None:
    """A record that ended is open again, or ended once more; what followed from its first end stays as it is.

    A seat that was given stays given, and a record that people reopened is theirs: we do not close it again. An order
    that had ended without what was ordered goes on, or brings it after all, unless another one followed it.
    """
    if ticket.state == reading.state or "deleted" in (ticket.state, reading.state):
        return
    before = ticket.state
    ticket.state, ticket.stage, ticket.read_at = reading.state, reading.stage, now
    facts = {"ticket": ticket.id, "state": reading.state, "before": before}
    work.session.flush()
    if reading.state != "open":
        work.record([Happened(Tag.TICKET_CLOSED, "servicenow", _subject(ticket), facts)], now)
        if ticket.purpose == TicketPurpose.ALERT:
            _follow(work, rules, ticket, reading.state, now, alerts)
        elif ticket.purpose in _ORDERS and reading.state == "complete" and not _another_followed(work, ticket):
            _owed_again(work, ticket, now)
            _follow(work, rules, ticket, reading.state, now, alerts)
        return
    work.record([Happened(Tag.TICKET_REOPENED, "servicenow", _subject(ticket), facts)], now)
    if ticket.purpose == TicketPurpose.ALERT:
        ticket.closed_at = None  # it lives with its alert, which says whether it may be closed
        if ticket.alert_id is not None:
            alerts.reopened(work, rules, ticket.alert_id, now)
    elif ticket.purpose in _ORDERS and before != "complete":
        _taken_up_again(work, rules, ticket, now)
    if ticket.request_id is not None:
        enqueue(work, [ShowRequest(ticket.request_id)], now)


def _taken_up_again(work: UnitOfWork, rules: Rules, ticket: Ticket, now: datetime) -> None:
    """The same order may still bring what was ordered; a second one would bring it twice."""
    if _another_followed(work, ticket):
        return
    ticket.closed_at = None
    work.session.flush()
    if ticket.line_id is None or ticket.request_id is None:
        return
    failed = work.connection.execute(
        select(RequestLine.id).where(RequestLine.request_id == ticket.request_id, RequestLine.state == LineState.FAILED)
    ).scalars()
    if list(failed) == [ticket.line_id]:  # the others' orders are at their end: a person says whether to try those
        granting.try_again(work, rules, ticket.request_id, "servicenow", now)


def _another_followed(work: UnitOfWork, ticket: Ticket) -> bool:
    """Whether what this order did not bring was ordered again."""
    key = ticket.correlation_id.partition("-try")[0]
    later = select(Ticket.id).where(
        (Ticket.correlation_id == key) | Ticket.correlation_id.like(f"{key}-try%"), Ticket.id > ticket.id
    )
    return work.connection.execute(later.limit(1)).first() is not None


def _owed_again(work: UnitOfWork, ticket: Ticket, now: datetime) -> None:
    """The order is complete after all: what failed with it stands as it did before, for `_follow` to bring to its end.

    A line that failed for another reason stays, and so does a request that was withdrawn meanwhile.
    """
    assert ticket.request_id is not None  # noqa: S101  an order belongs to its request
    lock(work, ticket.request_id)
    failed = (RequestLine.request_id == ticket.request_id, RequestLine.state == LineState.FAILED)
    if ticket.purpose == TicketPurpose.GRANT:
        mine = update(RequestLine).where(*failed, RequestLine.id == ticket.line_id)
        work.connection.execute(mine.values(state=LineState.GRANTING))
    elif ticket.purpose == TicketPurpose.PURCHASE:
        by_it = RequestLine.words.in_([_words(ticket, state) for state in _WORDS])
        again = update(RequestLine).where(*failed, by_it).values(state=LineState.QUEUED, words="")
        if work.connection.execute(again).rowcount:
            work.record(settle(work, ticket.request_id, "servicenow", now), now)
    elif present_status(work, ticket.request_id) == Status.FAILED:
        work.record([move(work, ticket.request_id, Status.FAILED, Verb.BEGIN, "servicenow", now)], now)
    said = update(LicenceRequest).where(LicenceRequest.id == ticket.request_id, ~exists().where(*failed))
    work.connection.execute(said.values(closing_words=""))


def _subject(ticket: Ticket) -> str:
    return f"request:{ticket.request_id}" if ticket.request_id else f"ticket:{ticket.id}"


def not_ordered(work: UnitOfWork, ticket_id: int, words: str, now: datetime) -> None:
    """The order could not be placed until a person clears something; a second try places the same order."""
    ticket = work.session.get_one(Ticket, ticket_id, with_for_update=True)
    if ticket.purpose == TicketPurpose.GRANT and ticket.line_id is not None:
        granting.blocked(work, ticket.line_id, words, "servicenow", now)
    elif ticket.request_id is not None:
        _not_bought(work, ticket.request_id, words, now)


def _follow(work: UnitOfWork, rules: Rules, ticket: Ticket, state: str, now: datetime, alerts: AlertHooks) -> None:
    if ticket.purpose == TicketPurpose.ALERT:
        if ticket.alert_id is not None:
            hook = alerts.deleted if state == "deleted" else alerts.resolved
            hook(work, rules, ticket.alert_id, now)
        return
    PURPOSES.get(TicketPurpose(ticket.purpose), _mirrored)(work, ticket, state, now)


def _seat_given(work: UnitOfWork, ticket: Ticket, state: str, now: datetime) -> None:
    if ticket.line_id is None:
        _mirrored(work, ticket, state, now)
    elif state == "complete":
        granting.given(work, ticket.line_id, "servicenow", "servicenow", now, ticket=ticket.id)
    else:
        granting.blocked(work, ticket.line_id, _words(ticket, state), "servicenow", now)


def _ordered(work: UnitOfWork, ticket: Ticket, state: str, now: datetime) -> None:
    if state == "complete":
        _arrived(work, ticket, now)
        return
    assert ticket.request_id is not None  # noqa: S101  an order belongs to its request
    _not_bought(work, ticket.request_id, _words(ticket, state), now)


def _theirs(work: UnitOfWork, ticket: Ticket, state: str, now: datetime) -> None:
    """Theirs to close."""


def _mirrored(work: UnitOfWork, ticket: Ticket, state: str, now: datetime) -> None:
    if ticket.wanted != state and not (ticket.wanted == "incomplete" and state in ("cancelled", "rejected")):
        _conflict(work, ticket, state, now)


def _words(ticket: Ticket, state: str) -> str:
    return _WORDS[state].format(number=ticket.number or "The record") + " Talk to the service desk, then try again."


def _arrived(work: UnitOfWork, ticket: Ticket, now: datetime) -> None:
    """The order came: what was ordered is registered at the newest known price, and whoever waits is served.

    The company owns those seats whatever became of the request meanwhile.
    """
    request = work.session.get_one(LicenceRequest, ticket.request_id)
    seats = ticket.quantity or 0
    newest = work.session.execute(
        select(Entitlement)
        .where(Entitlement.product_id == request.product_id, Entitlement.sku_id == request.sku_id)
        .order_by(Entitlement.starts_on.desc(), Entitlement.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    if seats and request.product_id is not None:
        work.session.add(
            Entitlement(
                product_id=request.product_id,
                sku_id=request.sku_id,
                contract_id=newest.contract_id if newest else None,
                metric=newest.metric if newest else "named_user",
                kind=newest.kind if newest else "subscription",
                quantity=seats,
                unit_price=newest.unit_price if newest else None,
                currency=newest.currency if newest else None,
                billing_cycle=newest.billing_cycle if newest else "year",
                starts_on=now.date(),
                ends_on=newest.ends_on if newest else None,
                recorded_at=now,
            )
        )
    work.session.flush()
    facts = {"ticket": ticket.id, "seats": seats}
    work.record([Happened(Tag.REQUEST_PURCHASE_ARRIVED, "servicenow", f"request:{request.id}", facts)], now)
    effects: list[Effect] = [ReadFigures(), Advance(request.id)]
    if request.sku_id is not None:
        effects.append(MatchQueue(request.sku_id))
    enqueue(work, effects, now)


def _not_bought(work: UnitOfWork, request_id: int, words: str, now: datetime) -> None:
    """No order, no seat: what waits for it failed, and people hear why."""
    request = work.session.get_one(LicenceRequest, request_id, with_for_update=True)
    lines = list(
        work.session.execute(
            select(RequestLine).where(RequestLine.request_id == request.id, RequestLine.state == LineState.QUEUED)
        ).scalars()
    )
    if not lines:
        return  # withdrawn, or served by a seat that came back: nobody waits for this order
    request.closing_words = words
    for line in lines:
        line.state, line.words = LineState.FAILED, words
    work.session.flush()
    work.record(settle(work, request.id, "servicenow", now, facts={"because": words}), now)
    enqueue(work, [Advance(request.id), *_to_licence_managers(work, request, now)], now)


def _to_licence_managers(work: UnitOfWork, request: LicenceRequest, now: datetime) -> list[Effect]:
    """What was not bought waits for them: another way, or a word to whoever asked."""
    audience = cards.channel("licences")
    return list(cards.new_card(work, cards.CardKind.STUCK, request.id, audience, now, request_id=request.id))


def _procured(work: UnitOfWork, ticket: Ticket, state: str, now: datetime) -> None:
    request = work.session.get_one(LicenceRequest, ticket.request_id)
    status = Status(request.status)
    if status != Status.FULFILLING:
        return
    verb = Verb.FULFIL if state == "complete" else Verb.FAIL
    facts = {} if state == "complete" else {"because": _words(ticket, state)}
    work.record([move(work, request.id, status, verb, "servicenow", now, facts=facts)], now)
    effects: list[Effect] = [Advance(request.id)]
    if verb is Verb.FAIL:
        effects += _to_licence_managers(work, request, now)
    enqueue(work, effects, now)


def _conflict(work: UnitOfWork, ticket: Ticket, state: str, now: datetime) -> None:
    """Closed there while we still work on it here: shown, not guessed."""
    facts = {"ticket": ticket.id, "wanted": ticket.wanted, "found": state}
    work.record([Happened(Tag.TICKET_CONFLICT, "servicenow", _subject(ticket), facts)], now)


#: What the end of a record leads to, by what it is for; those of alerts go to their hooks.
PURPOSES: Mapping[TicketPurpose, Callable[[UnitOfWork, Ticket, str, datetime], None]] = {
    TicketPurpose.GRANT: _seat_given,
    TicketPurpose.PURCHASE: _ordered,
    TicketPurpose.NEW_PRODUCT: _procured,
    TicketPurpose.TROUBLE: _theirs,
    TicketPurpose.RECORD: _mirrored,
    TicketPurpose.TAKE_BACK: _mirrored,
    TicketPurpose.RENEWAL: _theirs,  # closed there it is no proof: the brief stays red
}
