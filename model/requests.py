"""A licence request, its lines, the steps that decide it, and everything shown to people about it."""

from __future__ import annotations

import enum
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from model.base import Amount, Base, Json, Key, UtcTime


class Status(enum.StrEnum):
    """Where a request stands; the moves between them are the table in `workflows.request`."""

    DRAFT = "draft"  # the form closed before it was sent; kept 24 hours
    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"  # decided; a seat is reserved, or being bought
    WAITING_FOR_SEAT = "waiting_for_seat"  # decided; in the queue
    FULFILLING = "fulfilling"  # the seat is being given
    FULFILLED = "fulfilled"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    FAILED = "failed"  # approved, but a person must clear something


class RequestKind(enum.StrEnum):
    SEAT = "seat"
    EXTENSION = "extension"  # keep an end-dated seat longer
    NEW_PRODUCT = "new_product"  # software the company does not own


class LicenceRequest(Base):
    """What somebody asked for. `version` grows with every change; a press that names an older one is refused."""

    __tablename__ = "licence_request"
    __table_args__ = (
        Index("ix_licence_request_requester", "requester_id", "status"),  # Home and /licence status
        Index("ix_licence_request_product", "product_id", "status"),  # reservations, queue places
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    #: the Slack view id (or the link's token): a repeated submit finds the first row
    submission_key: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[RequestKind] = mapped_column(String(20), default=RequestKind.SEAT)
    requester_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    product_id: Mapped[int | None] = mapped_column(ForeignKey("product.id"))
    sku_id: Mapped[int | None] = mapped_column(ForeignKey("sku.id"))
    seats: Mapped[int] = mapped_column(default=1)
    until_on: Mapped[date | None]  # last day wanted; NULL = until the contract ends
    reason: Mapped[str] = mapped_column(Text, default="")
    frequency: Mapped[str] = mapped_column(String(20), default="")  # daily, weekly, monthly, once
    extends_seat_id: Mapped[int | None] = mapped_column(Key)  # no key constraint: seat and request name each other
    details: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # answers of a draft or of a new product
    alternative_offered: Mapped[str] = mapped_column(String(200), default="")
    status: Mapped[Status] = mapped_column(String(20))
    version: Mapped[int] = mapped_column(default=1)
    policy_version_id: Mapped[int | None] = mapped_column(ForeignKey("policy_version.id"))
    #: what approving it would spend to the end of the term, as shown at the decision; NULL = unknown
    cost: Mapped[Decimal | None] = mapped_column(Amount)
    currency: Mapped[str | None] = mapped_column(String(3))
    cost_centre: Mapped[str] = mapped_column(String(64), default="")
    purchase: Mapped[bool] = mapped_column(default=False)  # the approver chose to buy
    pre_approved_rule: Mapped[str] = mapped_column(String(120), default="")
    question: Mapped[str] = mapped_column(Text, default="")  # open question; the time limit waits for the answer
    question_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    question_at: Mapped[datetime | None] = mapped_column(UtcTime)
    urgent_reason: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    submitted_at: Mapped[datetime | None] = mapped_column(UtcTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcTime)
    queued_at: Mapped[datetime | None] = mapped_column(UtcTime)  # order of the queue
    closed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    closing_words: Mapped[str] = mapped_column(Text, default="")  # the denial's reason, or why it failed
    nudged_at: Mapped[datetime | None] = mapped_column(UtcTime)  # the requester pressed Remind


class LineState(enum.StrEnum):
    """One seat of a request on its way to a person."""

    WANTED = "wanted"
    RESERVED = "reserved"  # approved, a free seat is kept for it
    QUEUED = "queued"  # approved, no seat free
    GRANTING = "granting"
    GRANTED = "granted"
    FAILED = "failed"
    DROPPED = "dropped"  # the request closed without it


#: Where a seat without a holder can get one: it is given, or its giving is under way.
NAMEABLE = (LineState.GRANTING, LineState.GRANTED)


class RequestLine(Base):
    """One seat asked for; `person_id` is NULL for a seat whose holder is named later."""

    __tablename__ = "request_line"
    __table_args__ = (
        UniqueConstraint("request_id", "person_id"),
        Index("ix_request_line_state", "state", "request_id"),
        Index(
            "ix_request_line_unnamed",  # seats in use whose holder is not named: every count of free seats
            "request_id",
            sqlite_where=text("person_id IS NULL AND state = 'granted'"),
            postgresql_where=text("person_id IS NULL AND state = 'granted'"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("licence_request.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    state: Mapped[LineState] = mapped_column(String(20), default=LineState.WANTED)
    words: Mapped[str] = mapped_column(String(500), default="")  # what is in the way, for a person
    granted_at: Mapped[datetime | None] = mapped_column(UtcTime)


class StepKind(enum.StrEnum):
    LINE_MANAGER = "line_manager"
    PRODUCT_OWNER = "product_owner"
    FINANCE = "finance"
    SECURITY = "security"
    LICENCE_MANAGER = "licence_manager"
    PURCHASE = "purchase"  # confirms the order; never somebody who approved the money


class StepState(enum.StrEnum):
    LATER = "later"  # an earlier step is not decided yet
    OPEN = "open"
    APPROVED = "approved"
    DENIED = "denied"
    CLOSED = "closed"  # the request ended without it


class ApprovalStep(Base):
    """One decision needed; `quorum` of its approvers must agree, one denial ends it."""

    __tablename__ = "approval_step"
    __table_args__ = (UniqueConstraint("request_id", "position"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("licence_request.id"))
    position: Mapped[int]
    kind: Mapped[StepKind] = mapped_column(String(20))
    because: Mapped[str] = mapped_column(String(300), default="")  # the rule in words: "Why me?"
    quorum: Mapped[int] = mapped_column(default=1)
    state: Mapped[StepState] = mapped_column(String(20), default=StepState.LATER)
    opened_at: Mapped[datetime | None] = mapped_column(UtcTime)
    due_at: Mapped[datetime | None] = mapped_column(UtcTime)
    escalations: Mapped[int] = mapped_column(default=0)
    decided_at: Mapped[datetime | None] = mapped_column(UtcTime)


class ApproverState(enum.StrEnum):
    ASKED = "asked"
    AGREED = "agreed"
    DENIED = "denied"
    PASSED = "passed"  # time was up, or handed on
    CLOSED = "closed"  # somebody else decided, or the request ended


class StepApprover(Base):
    """A person asked in a step. One person fills one step of a request (rules §5)."""

    __tablename__ = "step_approver"
    __table_args__ = (
        UniqueConstraint("step_id", "person_id"),
        Index(
            "ix_step_approver_asked",  # what waits for a person: Home, /licence approvals
            "person_id",
            sqlite_where=text("state = 'asked'"),
            postgresql_where=text("state = 'asked'"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    step_id: Mapped[int] = mapped_column(ForeignKey("approval_step.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    because: Mapped[str] = mapped_column(String(300), default="")
    stands_in_for_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    state: Mapped[ApproverState] = mapped_column(String(20), default=ApproverState.ASKED)
    asked_at: Mapped[datetime] = mapped_column(UtcTime)
    reminders: Mapped[int] = mapped_column(default=0)
    decided_at: Mapped[datetime | None] = mapped_column(UtcTime)
    words: Mapped[str] = mapped_column(Text, default="")  # reason or note
    changed: Mapped[dict[str, Any] | None] = mapped_column(Json)  # tier, until, seats lowered by this person
    bought: Mapped[bool] = mapped_column(default=False)  # pressed a button that named a sum
    handed_on: Mapped[bool] = mapped_column(default=False)  # named by another approver of the step


class OwnerTask(Base):
    """Work in a product's own admin page that a person does and closes with a button."""

    __tablename__ = "owner_task"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))  # give, take
    line_id: Mapped[int | None] = mapped_column(ForeignKey("request_line.id"), index=True)
    return_id: Mapped[int | None] = mapped_column(ForeignKey("seat_return.id"), index=True)
    request_id: Mapped[int | None] = mapped_column(ForeignKey("licence_request.id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"))
    assignee_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    state: Mapped[str] = mapped_column(String(20), default="open")  # open, done, could_not, closed
    version: Mapped[int] = mapped_column(default=1)
    words: Mapped[str] = mapped_column(Text, default="")  # what was in the way, or what does not work
    due_at: Mapped[datetime] = mapped_column(UtcTime)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    done_at: Mapped[datetime | None] = mapped_column(UtcTime)


class Card(Base):
    """A message on somebody's screen: where it stands and what it last showed.

    What it shows is computed from the other tables at the time of sending, so a card that is late is never wrong.
    One live card per person and matter: a reminder makes the next `generation` and turns the old one into a pointer.
    """

    __tablename__ = "card"
    __table_args__ = (
        UniqueConstraint("kind", "subject_id", "audience", "generation"),
        Index("ix_card_request", "request_id"),  # every copy changes after a decision
        Index("ix_card_audience", "audience", "posted_at"),  # how many messages somebody had today
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))  # see workflows.cards.CardKind
    subject_id: Mapped[int] = mapped_column(Key)  # request, step approver, task, seat … by kind
    request_id: Mapped[int | None] = mapped_column(ForeignKey("licence_request.id"))
    audience: Mapped[str] = mapped_column(String(64))  # "person:12" or "channel:it_alerts"
    generation: Mapped[int] = mapped_column(default=1)
    live: Mapped[bool] = mapped_column(default=True)  # False once a newer generation was posted
    thread_of_id: Mapped[int | None] = mapped_column(ForeignKey("card.id"))
    facts: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # what only this message says (a thread reply)
    channel: Mapped[str | None] = mapped_column(String(32))
    ts: Mapped[str | None] = mapped_column(String(32))
    shown_digest: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    posted_at: Mapped[datetime | None] = mapped_column(UtcTime)
    by_mail_at: Mapped[datetime | None] = mapped_column(UtcTime)  # sent as a signed link instead


class SignedLink(Base):
    """A single-use link for a person without Slack; only the token's digest is kept."""

    __tablename__ = "signed_link"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    card_id: Mapped[int] = mapped_column(ForeignKey("card.id"))
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcTime)
