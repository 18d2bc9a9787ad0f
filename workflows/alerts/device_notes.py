"""The work note about devices that came and went: one a day, and none of them is lost (rules §8).

What a note tells is kept beside the alert until it is sent. More devices go into a note that still waits; those that
come after it was sent are held for the note of the next day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from licensing.words import and_more
from model.alerts import RedAlert
from model.session import UnitOfWork
from model.tickets import Ticket, TicketNote
from workflows.alerts import records
from workflows.alerts.groups import record_of
from workflows.alerts.red_alert import own, reference, remember
from workflows.effects import Effect

HELD = "devices_note"  # its place beside the figures: key, came, went


def note_devices(
    work: UnitOfWork, alert: RedAlert, came: Sequence[str], went: Sequence[str], now: datetime
) -> list[Effect]:
    """Tell the record what changed, as soon as a note of this day may."""
    held: Mapping[str, Any] = own(alert).get(HELD) or {}
    if not (held or came or went):
        return []
    ticket = record_of(work, alert)
    if ticket is None or ticket.closed_at is not None:
        if held:
            remember(alert, **{HELD: None})  # a record that is opened again says where it still is
        return []
    key = str(held.get("key") or "")
    if key and _sent(work, ticket, alert, key):
        held, key = {}, ""
    new, gone = ([*dict.fromkeys([*held.get(name, ()), *more])] for name, more in (("came", came), ("went", went)))
    if not (new or gone):
        remember(alert, **{HELD: None})
        return []
    today = f"devices-{now.date()}"
    if not key and _sent(work, ticket, alert, today):
        remember(alert, **{HELD: {"key": "", "came": new, "went": gone}})
        return []
    if key and not (came or went):
        return []  # it is written and waits to be sent
    key = key or today
    remember(alert, **{HELD: {"key": key, "came": new, "went": gone}})
    named = (("new", new), ("gone", gone))
    words = "; ".join(f"{what}: {and_more(names, records.NAMED_IN_NOTE)}" for what, names in named if names)
    return records.note(work, alert, key, f"{reference(alert.id)}, devices: {words}.")


def _sent(work: UnitOfWork, ticket: Ticket, alert: RedAlert, key: str) -> bool:
    query = select(TicketNote.sent_at).where(
        TicketNote.ticket_id == ticket.id, TicketNote.effect_key == records.note_key(alert, key)
    )
    return work.connection.execute(query).scalar() is not None
