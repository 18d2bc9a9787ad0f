"""What is installed and used: titles as reported, installations, sessions, meters, signals of use, frozen positions.

Installation rows open and close and never change; when a device was last seen lies on the device, so that an
inventory in which nothing changed writes one row.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from model.base import Amount, Base, Json, Key, UtcTime


class Title(Base):
    """A software name as devices report it, and what it was recognised as. A person's word wins over every rule.

    `kind` says product, component, update …; only a product counts. `product_id` NULL is undecided;
    `candidate_id` is then what it may be, for "up to + n".
    """

    __tablename__ = "title"
    __table_args__ = (
        UniqueConstraint("raw_title", "raw_publisher"),
        Index("ix_title_product", "product_id"),
        Index("ix_title_candidate", "candidate_id"),
        Index(
            "ix_title_undecided",  # the queue where a person decides once for all
            "id",
            sqlite_where=text("kind IN ('unrecognised', 'ask')"),
            postgresql_where=text("kind IN ('unrecognised', 'ask')"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    raw_title: Mapped[str] = mapped_column(String(500))
    raw_publisher: Mapped[str] = mapped_column(String(300), default="")
    sample_version: Mapped[str] = mapped_column(String(120), default="")
    release: Mapped[str] = mapped_column(String(20), default="")  # the year in its name, by which versions are bought
    product_id: Mapped[int | None] = mapped_column(ForeignKey("product.id"))
    candidate_id: Mapped[int | None] = mapped_column(ForeignKey("product.id"))
    kind: Mapped[str] = mapped_column(String(20))
    confidence: Mapped[int] = mapped_column(default=0)  # per cent
    rule: Mapped[str] = mapped_column(String(80), default="")
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # NULL: a rule did
    first_seen_at: Mapped[datetime] = mapped_column(UtcTime)
    recorded_at: Mapped[datetime] = mapped_column(UtcTime)  # when it was recognised as this


class Installation(Base):
    """A title on a device, from `began_at` until `ended_at` (open while NULL)."""

    __tablename__ = "installation"
    __table_args__ = (
        Index(
            "uq_installation_open",
            "device_id",
            "title_id",
            "version",
            unique=True,
            postgresql_include=["began_at"],
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(
            "ix_installation_open_title",  # how many devices have it, for each position: answered from the index alone
            "title_id",
            "device_id",
            "version",
            "began_at",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_installation_device", "device_id"),  # the story of one device, with what ended
        Index(
            "ix_installation_ended",  # the past: what was there on a day and is gone
            "ended_at",
            "title_id",
            sqlite_where=text("ended_at IS NOT NULL"),
            postgresql_where=text("ended_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    title_id: Mapped[int] = mapped_column(ForeignKey("title.id"))
    version: Mapped[str] = mapped_column(String(120), default="")
    source: Mapped[str] = mapped_column(String(40))
    began_at: Mapped[datetime] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)
    recorded_at: Mapped[datetime] = mapped_column(UtcTime)
    end_recorded_at: Mapped[datetime | None] = mapped_column(UtcTime)
    authorised_by: Mapped[str] = mapped_column(String(20), default="nothing")  # request, baseline, exception, nothing


class ManagedSoftware(Base):
    """What a reading of Intune under way has seen so far: scratch, emptied when the run ends.

    Installations change only from a reading that is complete, and Intune lists devices by software, not the reverse.
    """

    __tablename__ = "managed_software"

    run_id: Mapped[int] = mapped_column(ForeignKey("sync_run.id"), primary_key=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"), primary_key=True)
    title_id: Mapped[int] = mapped_column(ForeignKey("title.id"), primary_key=True)
    version: Mapped[str] = mapped_column(String(120), primary_key=True)


class UseSession(Base):
    """Somebody used one of a product's concurrent units, up to but not at `ended_at`."""

    __tablename__ = "use_session"
    __table_args__ = (
        UniqueConstraint("product_id", "reference"),
        Index("ix_use_session_time", "product_id", "began_at"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"))
    reference: Mapped[str] = mapped_column(String(160))  # the source's own id, else who, where and when
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    device_id: Mapped[int | None] = mapped_column(ForeignKey("device.id"))
    began_at: Mapped[datetime] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)
    recorded_at: Mapped[datetime] = mapped_column(UtcTime)


class MeterReading(Base):
    """Units of a product used up in the days from `from_on` to `to_on`, both counted."""

    __tablename__ = "meter_reading"
    __table_args__ = (UniqueConstraint("product_id", "meter", "from_on", "to_on"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"))
    meter: Mapped[str] = mapped_column(String(120), default="")
    from_on: Mapped[date]
    to_on: Mapped[date]
    units: Mapped[Decimal] = mapped_column(Amount)
    recorded_at: Mapped[datetime] = mapped_column(UtcTime)


class UsageSignal(Base):
    """A person, or a device without one, used a product on a day; `kind` says how that is known."""

    __tablename__ = "usage_signal"
    __table_args__ = (
        Index("uq_usage_signal", "product_id", "person_id", "device_id", "kind", "day", unique=True),
        Index("ix_usage_signal_day", "day"),  # raw signals are kept 90 days (rules §10)
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    device_id: Mapped[int | None] = mapped_column(ForeignKey("device.id"))
    kind: Mapped[str] = mapped_column(String(20))
    day: Mapped[date]
    recorded_at: Mapped[datetime] = mapped_column(UtcTime)


class PositionRun(Base):
    """Positions computed together and frozen: the night's, or a numbered one of an audit case."""

    __tablename__ = "position_run"
    __table_args__ = (Index("ix_position_run_kind", "kind", "at"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))  # nightly, audit
    at: Mapped[date]
    known_at: Mapped[datetime] = mapped_column(UtcTime)
    made_at: Mapped[datetime] = mapped_column(UtcTime)
    rows: Mapped[int] = mapped_column(default=0)
    digest: Mapped[str] = mapped_column(String(64), default="")
    words: Mapped[str] = mapped_column(Text, default="")  # what did not agree, in words


class PositionRow(Base):
    """One position of a run: the exported shape, as it was."""

    __tablename__ = "position_row"
    __table_args__ = (UniqueConstraint("run_id", "product_id", "sku_id", "metric"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("position_run.id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), index=True)
    sku_id: Mapped[int | None] = mapped_column(ForeignKey("sku.id"))
    metric: Mapped[str] = mapped_column(String(20))
    figures: Mapped[dict[str, Any]] = mapped_column(Json)
