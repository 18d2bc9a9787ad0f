"""A reading of Microsoft 365 under way: how far it is, what it read so far, and what only a person can match.

People, seats and lines of usage reports are laid down as they come and merged when the reading is complete, so that a
run that breaks off closes nothing, one that is killed goes on, and memory does not grow with the company. What cannot
be in doubt does not wait: what a page says of the use of people we know, and in a first reading its people themselves.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from model.base import Base, Json, Key, UtcTime

#: Where "not read" is NULL and not a JSON null.
_MaybeJson = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class SyncProgress(Base):
    """The run under way, or the last one of its kind; one row, since one reading runs at a time.

    `state` says how far it is (step, link of the next page, counts so far) and is written with what was read.
    """

    __tablename__ = "sync_progress"

    source: Mapped[str] = mapped_column(String(40), primary_key=True)  # m365
    run_id: Mapped[int] = mapped_column(ForeignKey("sync_run.id"))
    job_id: Mapped[int] = mapped_column(BigInteger)  # whose run it is; a job of that id may be long gone
    state: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    delta_link: Mapped[str | None] = mapped_column(Text)  # what changed since the last run; good for seven days
    delta_at: Mapped[datetime | None] = mapped_column(UtcTime)
    full_at: Mapped[datetime | None] = mapped_column(UtcTime)  # when everything was read last


class StagedPerson(Base):
    """A person as a reading shows them, in the words of `Person`."""

    __tablename__ = "staged_person"
    __table_args__ = (
        Index("ix_staged_person_email", "email"),  # two accounts with one address
        Index("ix_staged_person_seq", "seq"),  # the people of one page
    )

    directory_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    seq: Mapped[int]  # place in the reading
    email: Mapped[str] = mapped_column(String(320))
    upn: Mapped[str] = mapped_column(String(320))
    name: Mapped[str] = mapped_column(String(256))
    active: Mapped[bool]
    department: Mapped[str] = mapped_column(String(120))
    job_title: Mapped[str] = mapped_column(String(120))
    usage_location: Mapped[str] = mapped_column(String(2))
    employment: Mapped[str] = mapped_column(String(20))
    account_since: Mapped[date | None]
    starts_on: Mapped[date | None]
    manager: Mapped[str | None] = mapped_column(String(64))  # directory id
    used_on: Mapped[date | None]
    sign_in: Mapped[dict[str, Any] | None] = mapped_column(_MaybeJson)  # as LastUse has it; NULL: not read
    shadow: Mapped[bool] = mapped_column(default=False)  # another account is the person with this address
    gone: Mapped[bool] = mapped_column(default=False)  # a change says so; the other columns are empty then
    merged: Mapped[bool] = mapped_column(default=False)  # a person of ours has all of this already, and their seats
    later: Mapped[bool] = mapped_column(default=True)  # what is said of their use is not stored yet


class StagedSeat(Base):
    """A path by which a person holds a SKU, as a reading shows it; path "?" is none that Graph names."""

    __tablename__ = "staged_seat"

    directory_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    sku_guid: Mapped[str] = mapped_column(String(36), primary_key=True)
    path: Mapped[str] = mapped_column(String(100), primary_key=True)
    state: Mapped[str] = mapped_column(String(40))  # Active, ActiveWithError, Error, Disabled
    since: Mapped[datetime | None] = mapped_column(UtcTime)  # when Microsoft last changed it: held since then at least
    off: Mapped[str | None] = mapped_column(Text)  # as `Seat` has it


class StagedUse(Base):
    """A line of a usage report, under the name that it gives its person."""

    __tablename__ = "staged_use"

    upn: Mapped[str] = mapped_column(String(320), primary_key=True)
    source: Mapped[str] = mapped_column(String(40), primary_key=True)
    used_on: Mapped[date | None]
    facts: Mapped[dict[str, Any]] = mapped_column(Json)
    as_of: Mapped[date]  # the day up to which the report speaks


class VendorSku(Base):
    """A SKU of the tenant as Microsoft lists it, registered here or not; `name` from Microsoft's table."""

    __tablename__ = "vendor_sku"

    sku_guid: Mapped[str] = mapped_column(String(36), primary_key=True)
    part_number: Mapped[str] = mapped_column(String(120), default="")
    name: Mapped[str] = mapped_column(String(256))
    applies_to: Mapped[str] = mapped_column(String(20), default="")  # User, Company: only the first is assignable
    status: Mapped[str] = mapped_column(String(20), default="")  # Enabled, Warning, Suspended, LockedOut, Deleted
    enabled: Mapped[int]
    consumed: Mapped[int]
    warning: Mapped[int] = mapped_column(default=0)
    suspended: Mapped[int] = mapped_column(default=0)
    locked_out: Mapped[int] = mapped_column(default=0)
    read_at: Mapped[datetime] = mapped_column(UtcTime)
    gone_at: Mapped[datetime | None] = mapped_column(UtcTime)  # no longer listed


class MatchDoubt(Base):
    """Two records that may or may not be one person: nothing is tied until somebody says so."""

    __tablename__ = "match_doubt"
    __table_args__ = (
        Index(
            "ix_match_doubt_open",
            "id",
            sqlite_where=text("settled_at IS NULL"),
            postgresql_where=text("settled_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    key: Mapped[str] = mapped_column(String(200), unique=True)  # "slack:U1:person:4": asked once
    kind: Mapped[str] = mapped_column(String(20))  # slack, directory
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))  # who it would be tied to
    account: Mapped[str] = mapped_column(String(64))  # Slack id or directory id
    words: Mapped[str] = mapped_column(String(500))  # why it is in doubt, without addresses
    found_at: Mapped[datetime] = mapped_column(UtcTime)
    settled_at: Mapped[datetime | None] = mapped_column(UtcTime)
    settled_by: Mapped[str] = mapped_column(String(320), default="")
    outcome: Mapped[str] = mapped_column(String(20), default="")  # same, different
