"""What outside sources say about use and ownership at Microsoft: last use per person, subscriptions, licensing groups.

Every row says which source it comes from, for which day and when it was read. "No date" is not "never used".
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from model.base import Base, Json, Key, UtcTime


class LastUse(Base):
    """What one source last said about one person's use; the next reading takes its place.

    `product_id` is NULL where the source speaks of the person and not of a product (the sign-in, the report of all
    Microsoft 365 workloads). `facts` holds what the rule or the list needs beside the day: attempts and successful
    sign-in, workloads, mailbox bytes and archive, activated desktop apps.
    """

    __tablename__ = "last_use"
    __table_args__ = (
        Index(
            "uq_last_use",
            "person_id",
            "source",
            "product_id",
            unique=True,
            sqlite_where=text("product_id IS NOT NULL"),
            postgresql_where=text("product_id IS NOT NULL"),
        ),
        Index(  # NULLs differ from one another: what speaks of the person needs an index of its own
            "uq_last_use_person",
            "person_id",
            "source",
            unique=True,
            sqlite_where=text("product_id IS NULL"),
            postgresql_where=text("product_id IS NULL"),
        ),
        Index("ix_last_use_source", "source", "as_of"),  # how old a source is, and what it knows of whom
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    source: Mapped[str] = mapped_column(String(40))  # sign_in, m365_active, m365_apps, mailbox, teams, copilot, import
    product_id: Mapped[int | None] = mapped_column(ForeignKey("product.id"))
    used_on: Mapped[date | None]  # NULL: the source knows the person and shows no use
    facts: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    as_of: Mapped[date]  # the day up to which the source speaks ("Report Refresh Date")
    read_at: Mapped[datetime] = mapped_column(UtcTime)


class SourceHealth(Base):
    """Whether a source of use can be trusted now, in words; without a healthy source a verdict is unknown."""

    __tablename__ = "source_health"

    source: Mapped[str] = mapped_column(String(40), primary_key=True)
    state: Mapped[str] = mapped_column(String(20))  # fine, stale, concealed, no_licence, no_permission, unreadable
    words: Mapped[str] = mapped_column(String(500), default="")
    as_of: Mapped[date | None]
    read_at: Mapped[datetime] = mapped_column(UtcTime)


class SeatUse(Base):
    """The verdict on one seat as it was last judged, for figures and lists; before a removal it is judged anew.

    Without days: what privacy mode hides is not kept here (rules §10). A row older than a few days says nothing.
    """

    __tablename__ = "seat_use"
    __table_args__ = (
        Index("ix_seat_use_product", "product_id", "person_id"),  # what of a product looks idle
        Index("ix_seat_use_person", "person_id"),  # a team's line on Home
    )

    seat_id: Mapped[int] = mapped_column(ForeignKey("seat.id"), primary_key=True, autoincrement=False)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"))
    sku_id: Mapped[int] = mapped_column(ForeignKey("sku.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    verdict: Mapped[str] = mapped_column(String(20))  # active, little_used, idle, unknown (licensing.idle)
    rule: Mapped[str] = mapped_column(String(60))
    idle_days: Mapped[int]  # of the rule, for sentences about all of them
    taken: Mapped[bool]  # whether the ground "idle" exists: a verdict that allows it, and nothing that forbids it
    judged_on: Mapped[date]


class VendorSubscription(Base):
    """One subscription as Microsoft lists it; several may share a SKU. No price and no auto-renewal is known there."""

    __tablename__ = "vendor_subscription"
    __table_args__ = (Index("ix_vendor_subscription_sku", "sku_guid"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    subscription_id: Mapped[str] = mapped_column(String(64), unique=True)
    sku_guid: Mapped[str] = mapped_column(String(36))  # lower-cased
    part_number: Mapped[str] = mapped_column(String(120), default="")
    status: Mapped[str] = mapped_column(String(20))  # Enabled, Warning, Suspended, LockedOut, Deleted
    units: Mapped[int]
    trial: Mapped[bool] = mapped_column(default=False)
    next_change_on: Mapped[date | None]  # term end while Enabled; of the other states only their next change
    created_on: Mapped[date | None]
    read_at: Mapped[datetime] = mapped_column(UtcTime)
    gone_at: Mapped[datetime | None] = mapped_column(UtcTime)  # no longer listed


class LicensingGroup(Base):
    """A directory group that licences come through, with what decides whether it may be touched at all (rules §6)."""

    __tablename__ = "licensing_group"

    group_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(256), default="")
    obstacle: Mapped[str] = mapped_column(String(60), default="")  # dynamic, synced, role_assignable, gone
    read_at: Mapped[datetime] = mapped_column(UtcTime)


class HeldMailboxList(Base):
    """Who said which mailboxes are on hold, and when: Graph cannot say it (rules §7). `none` = "we have none"."""

    __tablename__ = "held_mailbox_list"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    said_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    said_at: Mapped[datetime] = mapped_column(UtcTime, index=True)
    mailboxes: Mapped[list[str]] = mapped_column(Json, default=list)  # e-mail addresses, lower-cased; empty: none
