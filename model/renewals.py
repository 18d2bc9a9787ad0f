"""Renewals: what has to be decided until when, who decided what, and the proof that it was done (rules §9).

Also what stands beside them: who was told, a person's private calendar, the hiring plan of the forecast, and lines in
which registry, vendor, invoice and assigned differ. A renewal changes no quantity anywhere: people do, and prove it.
"""

from __future__ import annotations

import enum
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from model.base import Amount, Base, Json, Key, UtcTime


class RenewalState(enum.StrEnum):
    """Where a renewal stands; the moves are the table in `workflows.renewals.renewal`."""

    OPEN = "open"
    BRIEFED = "briefed"  # its people were told, nobody has decided
    DEFERRED = "deferred"  # somebody said: later, on a day before decide-by
    DECIDED = "decided"  # decided, and others have to agree
    PROOF_AWAITED = "proof_awaited"  # red: decided, and nothing shows yet that it was done
    DONE = "done"
    MISSED = "missed"  # the date passed without a decision
    ROLLED_OVER = "rolled_over"  # the next term began by itself
    DROPPED = "dropped"  # the contract says another date now, or is gone


class Renewal(Base):
    """One occasion to decide about a contract or a Microsoft subscription; people read it as "REN-12".

    `occasion` is the end of a term, an anniversary in it, or the quarterly review of short terms. `decide_by` is the
    day people are told: the first on which a chance for one of the decisions ends. NULL: nothing says until when.
    """

    __tablename__ = "renewal"
    __table_args__ = (
        Index("ix_renewal_state", "state", "decide_by"),  # what waits, by its date; the night's round
        Index("ix_renewal_owner", "owner_id", "state"),  # somebody's own, in Home and the calendar
        Index(
            "uq_renewal_contract",
            "contract_id",
            "occasion",
            "ends_on",
            unique=True,
            sqlite_where=text("contract_id IS NOT NULL"),
            postgresql_where=text("contract_id IS NOT NULL"),
        ),
        Index(
            "uq_renewal_subscription",
            "subscription_id",
            "occasion",
            "ends_on",
            unique=True,
            sqlite_where=text("subscription_id IS NOT NULL"),
            postgresql_where=text("subscription_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("contract.id"))
    subscription_id: Mapped[int | None] = mapped_column(ForeignKey("vendor_subscription.id"))
    occasion: Mapped[str] = mapped_column(String(20))  # term, anniversary, review
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    decide_by: Mapped[date | None]
    state: Mapped[RenewalState] = mapped_column(String(20), default=RenewalState.OPEN)
    version: Mapped[int] = mapped_column(default=1)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # who was asked; NULL: licence managers
    known_since: Mapped[date]  # when its facts were first complete: nothing is told for days before
    deferred_until: Mapped[date | None]
    words: Mapped[str] = mapped_column(String(500), default="")  # what a missed date costs; why it was dropped
    opened_at: Mapped[datetime] = mapped_column(UtcTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcTime)


class RenewalDate(Base):
    """Until when one decision can be made: by `decide_by`; the vendor must have it from `not_before` to `not_after`."""

    __tablename__ = "renewal_date"
    __table_args__ = (UniqueConstraint("renewal_id", "decision", "not_after"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    renewal_id: Mapped[int] = mapped_column(ForeignKey("renewal.id"))
    decision: Mapped[str] = mapped_column(String(20))  # cancel, reduce, true_up
    decide_by: Mapped[date]
    not_before: Mapped[date | None]
    not_after: Mapped[date]
    why: Mapped[str] = mapped_column(String(200), default="")  # what brought it forward: "31 Jan 2027 is a Sunday"
    what: Mapped[str] = mapped_column(String(200), default="")  # "notice of 2 months"
    source: Mapped[str] = mapped_column(String(200), default="")
    confirmed: Mapped[bool] = mapped_column(default=True)  # False: no paper we saw says so outright


class RenewalStage(Base):
    """A time at which people were told, once. `stood_for_by` names the later stage that spoke for one slept through."""

    __tablename__ = "renewal_stage"
    __table_args__ = (UniqueConstraint("renewal_id", "name"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    renewal_id: Mapped[int] = mapped_column(ForeignKey("renewal.id"))
    name: Mapped[str] = mapped_column(String(20))  # before-90, opens, missed, review
    due_on: Mapped[date]
    told_at: Mapped[datetime] = mapped_column(UtcTime)
    stood_for_by: Mapped[str] = mapped_column(String(20), default="")


class RenewalDecision(Base):
    """What somebody decided, what others still have to agree to, how it is carried out, and the proof (rules §9).

    A decision that was changed stays, with when it was replaced. `total` is what the decided term costs.
    """

    __tablename__ = "renewal_decision"
    __table_args__ = (
        Index(  # one decision counts
            "uq_renewal_decision_standing",
            "renewal_id",
            unique=True,
            sqlite_where=text("replaced_at IS NULL"),
            postgresql_where=text("replaced_at IS NULL"),
        ),
        Index("ix_renewal_decision_renewal", "renewal_id", "id"),  # its story
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    renewal_id: Mapped[int] = mapped_column(ForeignKey("renewal.id"))
    verdict: Mapped[str] = mapped_column(String(20))  # renew, reduce, renegotiate, cancel
    quantity: Mapped[int | None]  # units of the next term; NULL: as they are, or none with a cancellation
    entitlement_id: Mapped[int | None] = mapped_column(ForeignKey("entitlement.id"))  # whose units, of several
    vendor_units: Mapped[int | None]  # at the vendor then: a fall since is proof; see undone_at_vendor
    words: Mapped[str] = mapped_column(Text, default="")  # what to ask for in a renegotiation; why
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime] = mapped_column(UtcTime)
    total: Mapped[Decimal | None] = mapped_column(Amount)  # NULL: no price, or several currencies
    currency: Mapped[str] = mapped_column(String(3), default="")
    over_budget: Mapped[bool] = mapped_column(default=False)
    needs: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)  # steps others decide: who, why, how many
    not_before: Mapped[date | None]  # the window it is carried out in
    carry_out_by: Mapped[date | None]
    carried_out_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # who sent it
    carried_out_on: Mapped[date | None]
    carried_out_how: Mapped[str] = mapped_column(String(500), default="")  # "registered letter RR123, e-mail to …"
    document_id: Mapped[int | None] = mapped_column(ForeignKey("contract_document.id"))  # the confirmation
    campaign_id: Mapped[int | None] = mapped_column(ForeignKey("reclaim_campaign.id"))  # frees the seats of a reduction
    verified_at: Mapped[datetime | None] = mapped_column(UtcTime)
    verified_by: Mapped[str] = mapped_column(String(120), default="")  # "person:4", or the sync that saw the figure
    replaced_at: Mapped[datetime | None] = mapped_column(UtcTime)


class ProofFile(Base):
    """A file that somebody attached as proof: fetched from Slack by a job, and kept with its digest.

    Until it is kept the renewal stays red. `content` is never loaded with lists.
    """

    __tablename__ = "proof_file"
    __table_args__ = (Index("ix_proof_file_renewal", "renewal_id", "id"),)  # those of one renewal, on its page

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    renewal_id: Mapped[int] = mapped_column(ForeignKey("renewal.id"))
    decision_id: Mapped[int] = mapped_column(ForeignKey("renewal_decision.id"))
    state: Mapped[str] = mapped_column(String(20), default="awaited")  # awaited, kept, refused
    slack_file_id: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(255))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))  # who attached it
    at: Mapped[datetime] = mapped_column(UtcTime)
    sent_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))  # who sent the notice, when and how
    sent_on: Mapped[date]
    how: Mapped[str] = mapped_column(String(500))
    reference: Mapped[str] = mapped_column(String(500), default="")  # a link beside the file
    size: Mapped[int | None]  # bytes
    sha256: Mapped[str] = mapped_column(String(64), default="")
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    words: Mapped[str] = mapped_column(String(500), default="")  # why it was not kept
    settled_at: Mapped[datetime | None] = mapped_column(UtcTime)


class RenewalAgreement(Base):
    """Somebody else's word on a decision, as the policy's steps ask for it; one person fills one step."""

    __tablename__ = "renewal_agreement"
    __table_args__ = (UniqueConstraint("decision_id", "person_id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("renewal_decision.id"))
    step: Mapped[str] = mapped_column(String(20))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime] = mapped_column(UtcTime)


class CalendarFeed(Base):
    """A person's private calendar address; the database keeps only the token's digest. A new one ends the old."""

    __tablename__ = "calendar_feed"
    __table_args__ = (
        Index(
            "uq_calendar_feed_person",
            "person_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    made_at: Mapped[datetime] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)


class HiringPlan(Base):
    """Heads a department plans to gain (or lose, negative) from a day on; a forecast adds them to what history says."""

    __tablename__ = "hiring_plan"
    __table_args__ = (Index("ix_hiring_plan_starts_on", "starts_on"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    reference: Mapped[str] = mapped_column(String(120), unique=True)
    department: Mapped[str] = mapped_column(String(120), default="")  # "" is the whole company
    starts_on: Mapped[date]
    heads: Mapped[int]
    product_id: Mapped[int | None] = mapped_column(ForeignKey("product.id"))  # NULL: the department's usual share
    cost_centre: Mapped[str] = mapped_column(String(64), default="")
    words: Mapped[str] = mapped_column(String(500), default="")
    recorded_at: Mapped[datetime] = mapped_column(UtcTime)


class ReconciliationLine(Base):
    """A difference between registry, vendor, invoice and assigned until somebody answers it. Nothing corrects itself.

    Quantities are NULL where a side says nothing, which is not the same as 0. `mark` changes when the difference does.
    """

    __tablename__ = "reconciliation_line"
    __table_args__ = (
        UniqueConstraint("kind", "cause"),  # seen again it is the same line, whoever looks
        Index("ix_reconciliation_line_open", "state", "product_id"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    run_on: Mapped[date]  # the day of the look that found it first
    seen_on: Mapped[date]  # of the last look that saw it
    kind: Mapped[str] = mapped_column(String(30))  # licensing.reconciliation.facts.Kind
    cause: Mapped[str] = mapped_column(String(160))  # what it is about, the same at each look: "sku:12", "invoice:7"
    product_id: Mapped[int | None] = mapped_column(ForeignKey("product.id"))
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("contract.id"))
    renewal_id: Mapped[int | None] = mapped_column(ForeignKey("renewal.id"))
    registered: Mapped[int | None]  # by what was bought
    vendor: Mapped[int | None]
    invoiced: Mapped[int | None]
    assigned: Mapped[int | None]
    amount: Mapped[Decimal | None] = mapped_column(Amount)  # NULL: not known
    currency: Mapped[str] = mapped_column(String(3), default="")
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    state: Mapped[str] = mapped_column(String(20), default="open")  # workflows.reconciling.lines.State
    version: Mapped[int] = mapped_column(default=1)
    words: Mapped[str] = mapped_column(Text, default="")  # what differs, as it was last seen
    mark: Mapped[str] = mapped_column(String(200), default="")
    answer: Mapped[str] = mapped_column(Text, default="")
    evidence: Mapped[str] = mapped_column(String(500), default="")
    facts: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # rows it came from
    found_at: Mapped[datetime] = mapped_column(UtcTime)
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    answered_at: Mapped[datetime | None] = mapped_column(UtcTime)


class ReconciliationRun(Base):
    """A look at all sides, once a month and once before a renewal; `key` makes it happen once."""

    __tablename__ = "reconciliation_run"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    key: Mapped[str] = mapped_column(String(60), unique=True)  # "month:2026-11", "renewal:12:2027-03-31"
    renewal_id: Mapped[int | None] = mapped_column(ForeignKey("renewal.id"))
    at: Mapped[datetime] = mapped_column(UtcTime)
    counts: Mapped[dict[str, int]] = mapped_column(Json, default=dict)  # found, again, gone, open


class ProcurementNotice(Base):
    """Something procurement should know before the cycle: told once per cause, cleared when it is gone."""

    __tablename__ = "procurement_notice"
    __table_args__ = (
        Index(
            "uq_procurement_notice_standing",
            "kind",
            "cause",
            unique=True,
            sqlite_where=text("cleared_at IS NULL"),
            postgresql_where=text("cleared_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))  # licensing.procurement.Notice
    cause: Mapped[str] = mapped_column(String(160))  # the same at each look: "product:12", "entitlement:7"
    product_id: Mapped[int | None] = mapped_column(ForeignKey("product.id"))
    words: Mapped[str] = mapped_column(Text)
    facts: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    opened_at: Mapped[datetime] = mapped_column(UtcTime)
    told_at: Mapped[datetime | None] = mapped_column(UtcTime)  # NULL: held back by quiet hours
    cleared_at: Mapped[datetime | None] = mapped_column(UtcTime)
