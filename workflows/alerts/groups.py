"""Which ServiceNow record speaks for an alert: its own, or that of the group it came with (rules §8).

A group is a card for many. Its record is that of one alert, the lead, and speaks for the others until the last of them
is gone; one that got a record of its own is spoken for by that.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from model.alerts import AlertState, RedAlert
from model.session import UnitOfWork
from model.tickets import Ticket, TicketPurpose
from workflows.alerts.red_alert import head
from workflows.rules import Rules


def newest(work: UnitOfWork, alert_id: int) -> Ticket | None:
    """The record of an alert; of several the last one opened."""
    return work.session.execute(
        select(Ticket)
        .where(Ticket.alert_id == alert_id, Ticket.purpose == TicketPurpose.ALERT)
        .order_by(Ticket.id.desc())
        .limit(1)
    ).scalar_one_or_none()


def record_of(work: UnitOfWork, alert: RedAlert) -> Ticket | None:
    """The record that speaks for an alert."""
    return newest(work, alert.id) or newest(work, head(alert))


def goes_on(ticket: Ticket | None) -> bool:
    """Whether a record is there and neither ended nor about to be."""
    return ticket is not None and ticket.closed_at is None and ticket.wanted != "complete"


def together(work: UnitOfWork, lead_id: int) -> Sequence[RedAlert]:
    """Alerts not closed that the record of this one speaks for."""
    rows = work.session.execute(
        select(RedAlert).where(RedAlert.state != AlertState.CLOSED).order_by(RedAlert.id).with_for_update()
    ).scalars()
    found = [alert for alert in rows if lead_id in (alert.id, head(alert))]
    others = [alert.id for alert in found if alert.id != lead_id]
    apart = set(work.connection.execute(select(Ticket.alert_id).where(Ticket.alert_id.in_(others))).scalars())
    return [alert for alert in found if alert.id not in apart]


def lead(work: UnitOfWork, rules: Rules, shown: Sequence[int], new: Sequence[RedAlert]) -> int:
    """Whose record speaks for new alerts on a card: one shown there that is not closed, else the first of the new.

    Only alerts whose cause opens a record lead, where there is one; of those shown, only with a record that goes on.
    """
    tickets = rules.policy.alerts.tickets
    rows = work.session.execute(
        select(RedAlert).where(RedAlert.id.in_(shown), RedAlert.state != AlertState.CLOSED)
    ).scalars()
    going = {alert.id: alert for alert in rows}
    for alert in (going[one] for one in shown if one in going):
        ticket = record_of(work, alert) if tickets.of(str(alert.cause)).open else None
        if ticket is not None and goes_on(ticket) and ticket.alert_id is not None:
            return ticket.alert_id
    return next((one.id for one in new if tickets.of(str(one.cause)).open), new[0].id)
