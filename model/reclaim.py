"""Taking idle seats back: campaigns, their candidates, rules that pause themselves, the switch, and what was saved.

No row here removes a seat. A confirmed candidate leads to a `SeatReturn`, and only that is carried out.
"""

from __future__ import annotations

import enum
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from model.base import Amount, Base, Json, Key, UtcTime


class CampaignKind(enum.StrEnum):
    """Why seats are looked at together (rules §7)."""

    IDLE = "idle"
    REDUNDANT = "redundant"  # covered wholly by another seat of the same person
    TOO_BIG = "too_big"  # a smaller tier would do: one swap call
    LEAVING = "leaving"
    REVIEW = "review"  # access review: keep or drop per seat


class CampaignState(enum.StrEnum):
    """Where a campaign stands; the moves are the table in `workflows.reclaim.campaign`."""

    DRY_RUN = "dry_run"  # listed, nobody asked
    ASKING = "asking"
    CONFIRMING = "confirming"  # a list waits for a person with the right
    TAKING = "taking"
    DONE = "done"
    CANCELLED = "cancelled"


class ReclaimCampaign(Base):
    """One product's seats looked at together, from the dry run to the end of undo; people read it as "CMP-12"."""

    __tablename__ = "reclaim_campaign"
    __table_args__ = (
        Index("ix_reclaim_campaign_state", "state", "answer_by"),
        Index(  # one live campaign of a kind and product
            "uq_reclaim_campaign_live",
            "product_id",
            "kind",
            unique=True,
            sqlite_where=text("state NOT IN ('done', 'cancelled')"),
            postgresql_where=text("state NOT IN ('done', 'cancelled')"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[CampaignKind] = mapped_column(String(20))
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"))
    to_sku_id: Mapped[int | None] = mapped_column(ForeignKey("sku.id"))  # rightsizing: the tier that would do
    state: Mapped[CampaignState] = mapped_column(String(20))
    version: Mapped[int] = mapped_column(default=1)
    planned_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # NULL: by a rule of the policy
    planned_by: Mapped[str] = mapped_column(String(120))  # actor as events name it: "person:4", "rule:renewal"
    planned_at: Mapped[datetime] = mapped_column(UtcTime)
    request_id: Mapped[int | None] = mapped_column(ForeignKey("licence_request.id"))  # the waiting one that asked
    policy_id: Mapped[int | None] = mapped_column(ForeignKey("policy_version.id"))
    decide_by: Mapped[date | None]  # of the contract it serves; the plan runs backwards from here
    answer_by: Mapped[date | None]  # last day for holders; then a human looks
    begun_at: Mapped[datetime | None] = mapped_column(UtcTime)
    listed_at: Mapped[datetime | None] = mapped_column(UtcTime)  # the list went to the confirmer
    closed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    words: Mapped[str] = mapped_column(Text, default="")  # why it stays a dry run, or was cancelled
    figures: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # of the dry run: per verdict, money


class CandidateState(enum.StrEnum):
    """Where one seat of a campaign stands; the moves are the table in `workflows.reclaim.candidate`."""

    LISTED = "listed"
    ASKED = "asked"
    SNOOZED = "snoozed"
    KEEP_ASKED = "keep_asked"  # kept by the holder; the manager is asked to agree, as policy wants it
    KEPT = "kept"
    RELEASED = "released"  # the holder gives it back: their own confirmation
    UNANSWERED = "unanswered"  # silence is never a yes: a human looks
    IN_USE = "in_use"  # new activity ended it
    DROPPED = "dropped"  # left the list: seat gone, excluded, campaign cancelled
    CONFIRMED = "confirmed"
    TAKEN = "taken"
    SKIPPED = "skipped"  # re-checked just before and left alone
    NOT_TAKEN = "not_taken"  # the system refused; words say why
    PUT_BACK = "put_back"


class ReclaimCandidate(Base):
    """One seat of a campaign: verdict and evidence as they were, what the holder said, what came of it."""

    __tablename__ = "reclaim_candidate"
    __table_args__ = (
        Index("ix_reclaim_candidate_campaign", "campaign_id", "state"),
        Index("ix_reclaim_candidate_person", "person_id", "state"),  # what waits for the holder; when asked last
        Index("ix_reclaim_candidate_rule", "rule", "answered_at"),  # how often a rule was wrong
        Index(  # a seat is a candidate once at a time
            "uq_reclaim_candidate_live",
            "seat_id",
            unique=True,
            sqlite_where=text("state IN ('listed','asked','snoozed','keep_asked','released','unanswered','confirmed')"),
            postgresql_where=text(
                "state IN ('listed','asked','snoozed','keep_asked','released','unanswered','confirmed')"
            ),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("reclaim_campaign.id"))
    seat_id: Mapped[int] = mapped_column(ForeignKey("seat.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"))
    state: Mapped[CandidateState] = mapped_column(String(20))
    version: Mapped[int] = mapped_column(default=1)
    ground: Mapped[str] = mapped_column(String(20))  # idle, leaving, redundant, too_big, review: as the return will say
    verdict: Mapped[str] = mapped_column(String(20))  # active, little_used, idle, unknown (licensing.idle)
    sentence: Mapped[str] = mapped_column(String(500))  # the verdict in words, without what privacy mode hides
    rule: Mapped[str] = mapped_column(String(60))  # "idle-60": the rule of the policy it follows from
    evidence: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # each source, day, age, value
    look: Mapped[str] = mapped_column(String(200), default="")  # why it needs a look and starts unticked
    checked_at: Mapped[datetime] = mapped_column(UtcTime)  # when the evidence was read
    asked_at: Mapped[datetime | None] = mapped_column(UtcTime)
    reminded_at: Mapped[datetime | None] = mapped_column(UtcTime)
    answer_by: Mapped[date | None]
    snoozed_until: Mapped[date | None]
    answer: Mapped[str] = mapped_column(String(20), default="")  # uses_it, seasonal, about_to, away, other, release
    answer_words: Mapped[str] = mapped_column(Text, default="")
    answered_at: Mapped[datetime | None] = mapped_column(UtcTime)
    manager_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # whose word on a keep is asked
    ask_again_on: Mapped[date | None]  # not asked before
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    seat_return_id: Mapped[int | None] = mapped_column(ForeignKey("seat_return.id"), index=True)
    take_on: Mapped[date | None] = mapped_column(index=True)  # the day its removal is due, by the limit a day
    words: Mapped[str] = mapped_column(String(500), default="")  # why skipped or not taken


class RulePause(Base):
    """A rule of the idle verdict that was wrong too often and stopped itself, until a person switches it on again."""

    __tablename__ = "rule_pause"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"))
    rule: Mapped[str] = mapped_column(String(60), index=True)
    paused_at: Mapped[datetime] = mapped_column(UtcTime)
    words: Mapped[str] = mapped_column(String(500))  # "5 of 12 holders said they use it"
    lifted_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    lifted_at: Mapped[datetime | None] = mapped_column(UtcTime)


class RemovalSwitch(Base):
    """The kill switch: the newest row counts, and it is read before every single removal."""

    __tablename__ = "removal_switch"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    on: Mapped[bool]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    by: Mapped[str] = mapped_column(String(320))  # name, or the command line
    at: Mapped[datetime] = mapped_column(UtcTime)
    reason: Mapped[str] = mapped_column(String(500), default="")


class Saving(Base):
    """Money that was really saved: once per unit, named by request or contract, taken back on undo (rules §7)."""

    __tablename__ = "saving"
    __table_args__ = (
        Index(
            "uq_saving_return",
            "seat_return_id",
            unique=True,
            sqlite_where=text("taken_back_at IS NULL"),
            postgresql_where=text("taken_back_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    seat_return_id: Mapped[int] = mapped_column(ForeignKey("seat_return.id"))
    kind: Mapped[str] = mapped_column(String(10))  # avoided (a purchase), reduced (the renewed quantity)
    request_id: Mapped[int | None] = mapped_column(ForeignKey("licence_request.id"))
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("contract.id"))
    amount: Mapped[Decimal | None] = mapped_column(Amount)  # NULL: no price is registered
    currency: Mapped[str] = mapped_column(String(3), default="")
    from_on: Mapped[date]
    to_on: Mapped[date | None]
    realised_at: Mapped[datetime] = mapped_column(UtcTime)
    taken_back_at: Mapped[datetime | None] = mapped_column(UtcTime)
