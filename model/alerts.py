"""Red alerts, the places they are about, exceptions, and whether a source of inventories may already be acted on."""

from __future__ import annotations

import enum
from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from model.base import Base, Json, Key, UtcTime


class Cause(enum.StrEnum):
    """Why somebody must look (rules §8)."""

    UNAUTHORISED = "unauthorised"  # banned, or restricted without an entitlement
    SHORTFALL = "shortfall"
    NEAR_LIMIT = "near_limit"
    EXPIRED_RIGHT = "expired_right"  # the right ended, the use goes on
    DUPLICATE_ACTIVATION = "duplicate_activation"  # one key on more devices than it allows


class AlertState(enum.StrEnum):
    """Where an alert stands; the moves between them are the table in `workflows.alerts.red_alert`."""

    WATCHING = "watching"  # seen by one complete run; nobody hears of it until a second agrees
    OPEN = "open"  # nobody has it yet
    TAKEN = "taken"  # a named person has it
    AWAITING_SCAN = "awaiting_scan"  # resolved in ServiceNow; verified here first
    EXCEPTED = "excepted"
    CLOSED = "closed"


class RedAlert(Base):
    """One cause, however many devices or seats: `key` names it, and one alert with a key is not closed at a time."""

    __tablename__ = "red_alert"
    __table_args__ = (
        Index(
            "uq_red_alert_live",
            "key",
            unique=True,
            sqlite_where=text("state <> 'closed'"),
            postgresql_where=text("state <> 'closed'"),
        ),
        Index("ix_red_alert_state", "state", "opened_at"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    key: Mapped[str] = mapped_column(String(160))  # "shortfall:12:0:device", "unauthorised:12", "key:ab12…"
    cause: Mapped[Cause] = mapped_column(String(24))
    product_id: Mapped[int | None] = mapped_column(ForeignKey("product.id"), index=True)
    sku_id: Mapped[int | None] = mapped_column(ForeignKey("sku.id"))
    metric: Mapped[str] = mapped_column(String(20), default="")
    state: Mapped[AlertState] = mapped_column(String(20))
    version: Mapped[int] = mapped_column(default=1)  # grows with every change; an older press is refused
    rule: Mapped[str] = mapped_column(String(120), default="")  # "rule 3": which part of the policy it follows from
    figures: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # bought, in use, short, at risk: as last seen
    agreed: Mapped[int] = mapped_column(default=0)  # complete runs in a row that say the same of a change to come
    first_seen_at: Mapped[datetime] = mapped_column(UtcTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcTime)
    opened_at: Mapped[datetime | None] = mapped_column(UtcTime)
    taken_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    taken_at: Mapped[datetime | None] = mapped_column(UtcTime)
    exception_id: Mapped[int | None] = mapped_column(Key)  # no key constraint: alert and exception name each other
    follows_id: Mapped[int | None] = mapped_column(ForeignKey("red_alert.id"))  # the one that came back
    closed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    closing_words: Mapped[str] = mapped_column(String(500), default="")


class AlertPlace(Base):
    """A device or person an alert is about, what they were asked and what they said."""

    __tablename__ = "alert_place"
    __table_args__ = (
        UniqueConstraint("alert_id", "device_id", "person_id"),
        Index("ix_alert_place_person", "person_id", "asked_at"),  # one message a day about software
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("red_alert.id"), index=True)
    device_id: Mapped[int | None] = mapped_column(ForeignKey("device.id"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    first_seen_at: Mapped[datetime] = mapped_column(UtcTime)
    gone_at: Mapped[datetime | None] = mapped_column(UtcTime)
    asked_at: Mapped[datetime | None] = mapped_column(UtcTime)
    answer: Mapped[str] = mapped_column(String(20), default="")  # ask, remove, another_product, part_of, not_mine, have
    words: Mapped[str] = mapped_column(Text, default="")
    answered_at: Mapped[datetime | None] = mapped_column(UtcTime)
    remove_by: Mapped[date | None]
    request_id: Mapped[int | None] = mapped_column(ForeignKey("licence_request.id"))  # the licence they asked for


class ExceptionGrant(Base):
    """A named person tolerates use without a right until a day, for a reason an auditor reads. It never leaves a count.

    `devices` lists device ids; empty with a department means everybody there, empty without one every place.
    """

    __tablename__ = "exception_grant"
    __table_args__ = (Index("ix_exception_grant_product", "product_id", "ends_on"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    product_id: Mapped[int | None] = mapped_column(ForeignKey("product.id"))
    alert_id: Mapped[int | None] = mapped_column(ForeignKey("red_alert.id"))
    devices: Mapped[list[int]] = mapped_column(Json, default=list)
    department: Mapped[str] = mapped_column(String(120), default="")
    reason: Mapped[str] = mapped_column(Text)
    evidence: Mapped[str] = mapped_column(String(500), default="")
    owner_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    granted_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    granted_at: Mapped[datetime] = mapped_column(UtcTime)
    ends_on: Mapped[date]
    asked_again_at: Mapped[datetime | None] = mapped_column(UtcTime)  # 30 days before the end
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)


class SourceState(enum.StrEnum):
    OBSERVE = "observe"  # fills the register and sends nothing to anybody (rules §3)
    ACCEPTED = "accepted"


class InventorySource(Base):
    """A source of inventories and whether its baseline was accepted by a named person, with what it held then."""

    __tablename__ = "inventory_source"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)  # fusioninventory, ocs, glpi, osquery, intune, import …
    state: Mapped[SourceState] = mapped_column(String(10), default=SourceState.OBSERVE)
    since: Mapped[datetime] = mapped_column(UtcTime)
    accepted_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    accepted_at: Mapped[datetime | None] = mapped_column(UtcTime)
    accepted_counts: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    day: Mapped[date | None]  # the day `day_devices` counts; a jump returns the source to observe
    day_devices: Mapped[int] = mapped_column(default=0)
    last_day_devices: Mapped[int] = mapped_column(default=0)
    last_report_at: Mapped[datetime | None] = mapped_column(UtcTime)
    words: Mapped[str] = mapped_column(String(500), default="")  # why it went back to observe


class DeviceIdentity(Base):
    """By what a device is known: an agent's id, a hardware UUID, a serial number, an agent's device id."""

    __tablename__ = "device_identity"
    __table_args__ = (UniqueConstraint("kind", "value"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))  # agent, uuid, serial, deviceid
    value: Mapped[str] = mapped_column(String(200))
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"), index=True)
    first_seen_at: Mapped[datetime] = mapped_column(UtcTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcTime)


class DeviceDoubt(Base):
    """Two machines that may be one, or one that may be two: put to a person, nothing is merged meanwhile."""

    __tablename__ = "device_doubt"
    __table_args__ = (UniqueConstraint("device_id", "other_id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    other_id: Mapped[int | None] = mapped_column(ForeignKey("device.id"))
    words: Mapped[str] = mapped_column(String(500))
    seen_at: Mapped[datetime] = mapped_column(UtcTime)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decision: Mapped[str] = mapped_column(String(20), default="")  # one, two; moot: another answer settled it


class DeviceReport(Base):
    """One delivery of an agent, the last ten per device: who used it, and whether it listed its software in full."""

    __tablename__ = "device_report"
    __table_args__ = (Index("ix_device_report_device", "device_id", "at"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    at: Mapped[datetime] = mapped_column(UtcTime)
    source: Mapped[str] = mapped_column(String(40))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # whoever was signed in, where known
    software: Mapped[bool] = mapped_column(default=True)  # False: the list was left out as unchanged
    digest: Mapped[str] = mapped_column(String(64), default="")  # of the software list: the same again writes nothing


class InstalledKey(Base):
    """A product key seen on a device: keyed hash and last five characters only (rules §2)."""

    __tablename__ = "installed_key"
    __table_args__ = (
        UniqueConstraint("device_id", "fingerprint"),
        Index("ix_installed_key_fingerprint", "fingerprint"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    product_id: Mapped[int | None] = mapped_column(ForeignKey("product.id"))
    label: Mapped[str] = mapped_column(String(200), default="")  # what the agent calls it
    fingerprint: Mapped[str] = mapped_column(String(64))
    last_five: Mapped[str] = mapped_column(String(5))
    first_seen_at: Mapped[datetime] = mapped_column(UtcTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcTime)
    gone_at: Mapped[datetime | None] = mapped_column(UtcTime)
