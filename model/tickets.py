"""Records we opened in ServiceNow, the policy in force, and runs of the directory and licence syncs."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from model.base import Base, Json, Key, UtcTime


class TicketPurpose(enum.StrEnum):
    GRANT = "grant"  # the requested item that gives the seat
    RECORD = "record"  # the requested item that mirrors a request Seatkeeper fulfils itself
    PURCHASE = "purchase"  # buys a seat
    NEW_PRODUCT = "new_product"
    TAKE_BACK = "take_back"
    RECLAIM = "reclaim"  # mirrors a confirmed list of seats to take back
    RENEWAL = "renewal"  # carries out what was decided about a renewal
    ALERT = "alert"  # an incident that lives with a red alert
    TROUBLE = "trouble"  # an incident: something waits for IT


class Ticket(Base):
    """One ServiceNow record. `correlation_id` is ours, looked up and compared before anything is created."""

    __tablename__ = "ticket"
    __table_args__ = (Index("ix_ticket_sys_id", "sys_id"),)  # their changes name their records

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    correlation_id: Mapped[str] = mapped_column(String(100), unique=True)
    purpose: Mapped[TicketPurpose] = mapped_column(String(20))
    table_name: Mapped[str] = mapped_column(String(80))
    request_id: Mapped[int | None] = mapped_column(ForeignKey("licence_request.id"), index=True)
    line_id: Mapped[int | None] = mapped_column(ForeignKey("request_line.id"))
    return_id: Mapped[int | None] = mapped_column(ForeignKey("seat_return.id"))
    alert_id: Mapped[int | None] = mapped_column(ForeignKey("red_alert.id"), index=True)
    renewal_decision_id: Mapped[int | None] = mapped_column(ForeignKey("renewal_decision.id"), index=True)
    sys_id: Mapped[str | None] = mapped_column(String(32))
    number: Mapped[str | None] = mapped_column(String(40))
    wanted: Mapped[str] = mapped_column(
        String(20), default="open"
    )  # what we want it to be: open, complete, incomplete, cancelled
    state: Mapped[str] = mapped_column(
        String(20), default=""
    )  # theirs in our words: open, complete, incomplete, cancelled, rejected, deleted
    quantity: Mapped[int | None]  # seats ordered, of a purchase
    approval: Mapped[str] = mapped_column(String(40), default="")  # theirs, raw
    stage: Mapped[str] = mapped_column(String(60), default="")  # theirs, raw
    opening_words: Mapped[str] = mapped_column(Text, default="")  # what somebody typed, for the people there
    closing_words: Mapped[str] = mapped_column(Text, default="")
    opened_at: Mapped[datetime | None] = mapped_column(UtcTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    read_at: Mapped[datetime | None] = mapped_column(UtcTime)
    created_at: Mapped[datetime] = mapped_column(UtcTime)


class TicketNote(Base):
    """A work note to write once; the effect key is part of the text and looked for before it is sent again.

    What others wrote there is kept here too, under "comments:<sys_id>" or "work_notes:<sys_id>".
    """

    __tablename__ = "ticket_note"
    __table_args__ = (UniqueConstraint("ticket_id", "effect_key"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    effect_key: Mapped[str] = mapped_column(String(100))
    words: Mapped[str] = mapped_column(Text)
    sent_at: Mapped[datetime | None] = mapped_column(UtcTime)


class TicketPoll(Base):
    """How far the changes of a ServiceNow table were read; the next look goes back a little behind it.

    The row named "*" is about all tables together: when they were last read, hints, and requests of the running hour.
    """

    __tablename__ = "ticket_poll"

    table_name: Mapped[str] = mapped_column(String(80), primary_key=True)
    read_until: Mapped[datetime] = mapped_column(UtcTime)  # the newest `sys_updated_on` that was read, by their clock
    hinted_at: Mapped[datetime | None] = mapped_column(UtcTime)  # the webhook says that something changed
    calls: Mapped[int] = mapped_column(default=0)  # in the running hour
    hour: Mapped[datetime | None] = mapped_column(UtcTime)


class PolicyState(enum.StrEnum):
    PROPOSED = "proposed"
    ACTIVE = "active"
    RETIRED = "retired"


class PolicyVersion(Base):
    """A policy file as it was read. Exactly one is active; a second person activates what the first proposed."""

    __tablename__ = "policy_version"
    __table_args__ = (
        Index(
            "uq_policy_version_active",
            "state",
            unique=True,
            sqlite_where=text("state = 'active'"),
            postgresql_where=text("state = 'active'"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    text: Mapped[str] = mapped_column(Text)
    state: Mapped[PolicyState] = mapped_column(String(20))
    proposed_by: Mapped[str] = mapped_column(String(320), default="")  # e-mail, or "set-up" for the first
    proposed_at: Mapped[datetime] = mapped_column(UtcTime)
    activated_by: Mapped[str] = mapped_column(String(320), default="")
    activated_at: Mapped[datetime | None] = mapped_column(UtcTime)


class SyncRun(Base):
    """One read of an outside system: from, to, counts, outcome, and the digest of its rows in one event."""

    __tablename__ = "sync_run"
    __table_args__ = (Index("ix_sync_run_source", "source", "began_at"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    source: Mapped[str] = mapped_column(String(40))  # directory, m365_skus, slack_people
    began_at: Mapped[datetime] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)
    outcome: Mapped[str] = mapped_column(String(20), default="running")  # done, stopped, failed
    counts: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    words: Mapped[str] = mapped_column(Text, default="")


class Meta(Base):
    """Facts about this installation: its id (part of every correlation id), the demo's seed mark."""

    __tablename__ = "meta"

    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
