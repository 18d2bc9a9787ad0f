"""People and what they may decide. The directory id is the identity; addresses and names change."""

from __future__ import annotations

import enum
from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from model.base import Base, Json, Key, UtcTime


class Role(enum.StrEnum):
    """What a person may do; everybody is an employee, and manager follows from having reports (design §7)."""

    LICENCE_MANAGER = "licence_manager"
    IT = "it"
    FINANCE = "finance"
    PROCUREMENT = "procurement"
    SECURITY = "security"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Person(Base):
    """Somebody in the staff directory. `active` is False for people who left or whose account is disabled."""

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    directory_id: Mapped[str | None] = mapped_column(String(64), unique=True)
    email: Mapped[str] = mapped_column(String(320), unique=True)  # stored lower-cased
    upn: Mapped[str | None] = mapped_column(
        String(320), index=True
    )  # name they sign in with, lower-cased; NULL: untold
    name: Mapped[str] = mapped_column(String(256))
    slack_id: Mapped[str | None] = mapped_column(String(32), unique=True)
    manager_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    department: Mapped[str] = mapped_column(String(120), default="")
    cost_centre: Mapped[str] = mapped_column(String(64), default="")
    country: Mapped[str] = mapped_column(String(2), default="")  # ISO 3166-1; holidays and eligibility
    time_zone: Mapped[str] = mapped_column(String(64), default="UTC")
    job_title: Mapped[str] = mapped_column(String(120), default="")
    employment: Mapped[str] = mapped_column(String(20), default="employee")  # employee, contractor, guest
    account: Mapped[str] = mapped_column(String(20), default="user")  # user, room, shared, service
    account_since: Mapped[date | None]  # the day the directory made it
    usage_location: Mapped[str] = mapped_column(String(2), default="")  # Microsoft 365 asks for it before a seat
    starts_on: Mapped[date | None]
    leaves_on: Mapped[date | None]
    active: Mapped[bool] = mapped_column(default=True)
    absent_from: Mapped[date | None]
    absent_until: Mapped[date | None]  # inclusive
    was_absent_from: Mapped[date | None]  # the absence before the one above: its silence is no idleness
    was_absent_until: Mapped[date | None]
    deputy_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    home_hash: Mapped[str | None] = mapped_column(String(255))  # of the Home view last published
    home_seen_at: Mapped[datetime | None] = mapped_column(UtcTime)  # Home is kept fresh only for those who opened it
    welcomed_at: Mapped[datetime | None] = mapped_column(UtcTime)


class RoleGrant(Base):
    """A role held by a person between two instants; nobody gives one to themselves (rules §5)."""

    __tablename__ = "role_grant"
    __table_args__ = (Index("ix_role_grant_open", "person_id", "role"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    role: Mapped[Role] = mapped_column(String(20))
    granted_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    began_at: Mapped[datetime] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)


class Device(Base):
    """A machine that can carry software (rules §2). What it was before a change lies in `superseded`."""

    __tablename__ = "device"
    __table_args__ = (
        Index("ix_device_host", "host_id"),
        Index("ix_device_last_seen", "last_seen_at"),  # who fell silent, and how fresh the counts are
        Index("ix_device_called", text("lower(name)")),  # a machine that reports for the first time: which one is it?
        Index("ix_device_lower_identity", text("lower(identity)")),
        Index("ix_device_serial", "serial"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    identity: Mapped[str] = mapped_column(String(128), unique=True)
    name: Mapped[str] = mapped_column(String(256))
    serial: Mapped[str] = mapped_column(String(128), default="")
    kind: Mapped[str] = mapped_column(String(20), default="portable")  # desktop, portable, server, virtual
    host_id: Mapped[int | None] = mapped_column(ForeignKey("device.id"))  # of a virtual machine
    processors: Mapped[int | None]
    cores: Mapped[int | None]  # of the whole machine
    threads: Mapped[int | None]
    system: Mapped[str] = mapped_column(String(160), default="")  # operating system and version
    site: Mapped[str] = mapped_column(String(120), default="")
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    person_source: Mapped[str] = mapped_column(String(40), default="")  # import, intune, reports, themselves
    state: Mapped[str] = mapped_column(String(20), default="live")  # live, stale, retired
    retired_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    retired_on: Mapped[date | None]
    first_seen_at: Mapped[datetime | None] = mapped_column(UtcTime)
    last_seen_at: Mapped[datetime | None] = mapped_column(UtcTime)
    software_at: Mapped[datetime | None] = mapped_column(UtcTime)  # of the last full list of software
    agent: Mapped[str] = mapped_column(String(80), default="")  # who reports it: "FusionInventory-Agent_v2.6-3"
    tag: Mapped[str] = mapped_column(String(80), default="")  # the site tag its agent was given
    facts_since: Mapped[date | None]  # first day for which the columns above are true; NULL = always
    recorded_at: Mapped[datetime | None] = mapped_column(UtcTime)
    fields: Mapped[dict[str, str]] = mapped_column(Json, default=dict)  # the company's own
