"""The ServiceNow record that lives with a red alert: wanted here, sent by `perform_alert_tickets` (rules §8).

One record per alert, or per group that came within an hour. Devices are its list, changes one work note a day.
Whoever reads records (the poll, the webhook) calls `ended_there` for one that was closed over there.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from licensing.words import and_more
from model.alerts import AlertPlace, AlertState, RedAlert
from model.people import Device
from model.session import UnitOfWork
from model.tickets import Ticket, TicketNote, TicketPurpose
from workflows.alerts.groups import goes_on, newest, record_of, together
from workflows.alerts.messages import changed
from workflows.alerts.red_alert import ALLOWED, Verb, move, own, reference, remember
from workflows.alerts.titles import title_of
from workflows.effects import Effect, SettleTicket, enqueue
from workflows.rules import Rules
from workflows.tickets import correlation_id

#: Devices a work note names.
NAMED_IN_NOTE = 20
#: Asked of a record that was closed there although the cause is still there.
REOPENED = "reopened"


def open_for(work: UnitOfWork, rules: Rules, alert: RedAlert, now: datetime, *, asked: bool = False) -> list[Effect]:
    """Want the record of an alert, or of the group it leads; the same alert has one, however often this is called.

    An alert that joins a record which is there already is noted on it; a record that ended is opened again.
    `asked`: a person wants one where policy opens none by itself.
    """
    conf = rules.policy.alerts.tickets.of(str(alert.cause))
    if not rules.servicenow:
        return []
    ticket = record_of(work, alert)
    if ticket is not None and ticket.alert_id != alert.id:
        if goes_on(ticket):
            return _joined(work, alert, ticket, now)
        ticket = None
    if ticket is not None and ticket.closed_at is not None:
        return reopen(work, alert, f"{reference(alert.id)} is open again.")
    if ticket is None:
        if not (conf.open or asked):
            return []
        remember(alert, **{"with": None})  # a record of its own
        ticket = Ticket(
            correlation_id=correlation_id(rules, TicketPurpose.ALERT, alert.id),
            purpose=TicketPurpose.ALERT,
            table_name=conf.table,
            alert_id=alert.id,
            created_at=now,
        )
        work.session.add(ticket)
        work.session.flush()  # its id goes into the job
    return [SettleTicket(ticket.id)]


def open_again(work: UnitOfWork, rules: Rules, alert: RedAlert, words: str, now: datetime) -> list[Effect]:
    """An alert that was tolerated is on the table again: its record hears of it, and there is one that is open."""
    ticket = record_of(work, alert)
    if goes_on(ticket):
        return note(work, alert, f"open-{alert.version}", words)
    if ticket is not None and ticket.state == "deleted":
        remember(alert, ticket_gone=None)
        return follow(work, rules, ticket, words, now)
    if ticket is not None:
        return reopen(work, alert, words)
    return open_for(work, rules, alert, now)


def _joined(work: UnitOfWork, alert: RedAlert, ticket: Ticket, now: datetime) -> list[Effect]:
    """The record opened before learns of one more; that of this moment lists it in its text."""
    if ticket.created_at == now:
        return []
    names = work.connection.execute(
        select(Device.name)
        .join(AlertPlace, AlertPlace.device_id == Device.id)
        .where(AlertPlace.alert_id == alert.id, AlertPlace.gone_at.is_(None))
        .order_by(Device.name)
    ).scalars()
    where = f" Devices: {and_more(found, NAMED_IN_NOTE)}." if (found := list(names)) else ""
    return note(work, alert, "joined", f"Also {reference(alert.id)}: {title_of(alert)}. Why: {alert.rule}.{where}")


def note(work: UnitOfWork, alert: RedAlert, key: str, words: str) -> list[Effect]:
    """A work note, written once per key; one that was not sent yet takes the newer words."""
    ticket = record_of(work, alert)
    if ticket is None or ticket.closed_at is not None:
        return []
    effect_key = note_key(alert, key)
    known = work.session.execute(
        select(TicketNote).where(TicketNote.ticket_id == ticket.id, TicketNote.effect_key == effect_key)
    ).scalar_one_or_none()
    if known is None:
        work.session.add(TicketNote(ticket_id=ticket.id, effect_key=effect_key, words=words))
    elif known.sent_at is None:
        known.words = words
    else:
        return []
    work.session.flush()  # the unique key must speak now, not at commit
    return [SettleTicket(ticket.id)]


def note_key(alert: RedAlert, key: str) -> str:
    """What a note is looked for by before it is sent again."""
    return f"alert-{alert.id}-{key}"


def resolve(work: UnitOfWork, alert: RedAlert, words: str) -> list[Effect]:
    """The cause is gone: the record is resolved when nothing else it speaks for is left."""
    ticket = record_of(work, alert)
    if ticket is None or ticket.alert_id is None:
        return []
    if any(one.id != alert.id for one in together(work, ticket.alert_id)):
        return note(work, alert, f"gone-{alert.version}", f"{reference(alert.id)}: {words}")
    ticket.wanted, ticket.closing_words = "complete", words
    work.session.flush()
    return [SettleTicket(ticket.id)]


def ended_there(work: UnitOfWork, rules: Rules, ticket: Ticket, state: str, now: datetime) -> None:
    """Their record is over although we did not ask for it: every alert it speaks for waits for a scan.

    A record that is gone is told on the card; the alert stays where it is, since nobody said that it is settled.
    """
    if ticket.wanted != "open" or ticket.alert_id is None:
        return
    concerned = together(work, ticket.alert_id)
    for alert in concerned:
        if state == "gone":
            remember(alert, ticket_gone=ticket.number or "the record")
            alert.version += 1
        elif (AlertState(alert.state), Verb.RESOLVE_THERE) in ALLOWED:
            resolved_there(work, alert, ticket, now)
    enqueue(work, changed(work, [alert.id for alert in concerned], now), now)


def resolved(work: UnitOfWork, rules: Rules, alert_id: int, now: datetime) -> None:
    """Somebody resolved the record of this alert over there."""
    ticket = newest(work, alert_id)
    if ticket is not None:
        ended_there(work, rules, ticket, "complete", now)


def deleted(work: UnitOfWork, rules: Rules, alert_id: int, now: datetime) -> None:
    """The record of this alert is not there any more."""
    ticket = newest(work, alert_id)
    if ticket is not None:
        ended_there(work, rules, ticket, "gone", now)


def reopened_there(work: UnitOfWork, rules: Rules, alert_id: int, now: datetime) -> None:
    """People opened the record again: what waited for a scan is open once more, without one."""
    ticket = newest(work, alert_id)
    if ticket is None or ticket.wanted != "open":
        return
    waiting = [one for one in together(work, alert_id) if one.state == AlertState.AWAITING_SCAN]
    for alert in waiting:
        remember(alert, resolved_at=None)
        move(work, alert, Verb.STILL_THERE, "servicenow", now, facts={"ticket": ticket.id, "reopened": True})
    enqueue(work, changed(work, [alert.id for alert in waiting], now), now)


def resolved_there(work: UnitOfWork, alert: RedAlert, ticket: Ticket, now: datetime) -> None:
    """An incident resolved there is verified here first: until every device has reported in full since."""
    remember(alert, resolved_at=now.isoformat(), still=None)
    move(work, alert, Verb.RESOLVE_THERE, "servicenow", now, facts={"ticket": ticket.id})


def reopen(work: UnitOfWork, alert: RedAlert, words: str) -> list[Effect]:
    """It is still there: their record is opened again, or followed by a new one that names it."""
    ticket = record_of(work, alert)
    if ticket is None:
        return []
    ticket.wanted, ticket.closed_at, ticket.opening_words = REOPENED, None, words
    work.session.flush()
    return [SettleTicket(ticket.id)]


def follow(work: UnitOfWork, rules: Rules, ticket: Ticket, words: str, now: datetime) -> list[Effect]:
    """A new record that names the one before it, which cannot be opened again."""
    assert ticket.alert_id is not None  # noqa: S101  a record of an alert
    key = correlation_id(rules, TicketPurpose.ALERT, ticket.alert_id)
    tries = work.connection.execute(select(Ticket.id).where(Ticket.alert_id == ticket.alert_id)).all()
    following = Ticket(
        correlation_id=f"{key}-try{len(tries) + 1}",
        purpose=TicketPurpose.ALERT,
        table_name=ticket.table_name,
        alert_id=ticket.alert_id,
        opening_words=f"Follows {ticket.number}, which cannot be opened again. {words}",
        created_at=now,
    )
    work.session.add(following)
    work.session.flush()  # its id goes into the job
    return [SettleTicket(following.id)]


def resolved_at(alert: RedAlert) -> datetime | None:
    """Since when a scan is awaited."""
    stored = own(alert).get("resolved_at")
    return datetime.fromisoformat(str(stored)) if stored else None
