"""The registry: what is licensed, what was bought, who holds it. Words as in the field (ISO/IEC 19770-3)."""

from __future__ import annotations

import enum
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from model.base import Amount, Base, Json, Key, UtcTime


class Publisher(Base):
    """Who grants the right; the reseller is a contract's vendor."""

    __tablename__ = "publisher"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)


class Granting(enum.StrEnum):
    """How a seat of a product is given."""

    GRAPH_DIRECT = "graph_direct"
    GRAPH_GROUP = "graph_group"
    SERVICENOW_ITEM = "servicenow_item"
    OWNER_TASK = "owner_task"


class Product(Base):
    """What people ask for. Edition is part of it, version is not (rules §1)."""

    __tablename__ = "product"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    publisher_id: Mapped[int] = mapped_column(ForeignKey("publisher.id"))
    name: Mapped[str] = mapped_column(String(200), unique=True)
    key: Mapped[str] = mapped_column(String(80), unique=True)  # what policy.yaml calls it
    category: Mapped[str] = mapped_column(String(80), default="")
    search_words: Mapped[str] = mapped_column(Text, default="")
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    granting: Mapped[Granting] = mapped_column(String(20))
    group_id: Mapped[str | None] = mapped_column(String(64))  # the licensing group named in policy (rules §6)
    catalog_item_id: Mapped[str | None] = mapped_column(String(32))  # ServiceNow catalogue item
    purchase_item_id: Mapped[str | None] = mapped_column(String(32))  # the item that buys more of it
    admin_url: Mapped[str | None] = mapped_column(String(500))
    guide_url: Mapped[str | None] = mapped_column(String(500))
    lost_on_return: Mapped[str] = mapped_column(String(300), default="")  # "Copilot stops in Word and Teams. …"
    ready_hint: Mapped[str] = mapped_column(String(300), default="")  # what to do to see a new seat
    metric: Mapped[str] = mapped_column(String(20), default="")  # how use counts where nothing was bought
    licence_model: Mapped[str] = mapped_column(String(10), default="paid")  # paid, free, unknown
    provisional: Mapped[bool] = mapped_column(default=False)  # made by rule from a reported title, not by a person
    list_price: Mapped[Decimal | None] = mapped_column(Amount)  # a unit and `list_cycle`
    list_currency: Mapped[str | None] = mapped_column(String(3))
    list_cycle: Mapped[str] = mapped_column(String(10), default="year")
    idle_after_days: Mapped[int | None]  # without use this long a holder looks idle; NULL = the policy's number
    fields: Mapped[dict[str, str]] = mapped_column(Json, default=dict)  # the company's own
    retired_at: Mapped[datetime | None] = mapped_column(UtcTime)


class Sku(Base):
    """An orderable variant; the tier people choose when a product has several. `sku_id` is Graph's, lower-cased."""

    __tablename__ = "sku"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), index=True)
    sku_id: Mapped[str | None] = mapped_column(String(36), unique=True)
    part_number: Mapped[str] = mapped_column(String(100))
    tier: Mapped[str] = mapped_column(String(80), default="")
    rank: Mapped[int] = mapped_column(default=1)  # higher is more; an approver may only lower it
    # the vendor's own figures, with their age; NULL enabled = not read from a vendor
    enabled: Mapped[int | None]
    consumed: Mapped[int | None]
    warning: Mapped[int] = mapped_column(default=0)
    suspended: Mapped[int] = mapped_column(default=0)
    figures_at: Mapped[datetime | None] = mapped_column(UtcTime)


class Alternative(Base):
    """Holding `held_product` already gives what `asked_product` would: shown before a request is sent."""

    __tablename__ = "alternative"
    __table_args__ = (UniqueConstraint("asked_product_id", "held_product_id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    asked_product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), index=True)
    held_product_id: Mapped[int] = mapped_column(ForeignKey("product.id"))
    offered_name: Mapped[str] = mapped_column(String(200))  # "Microsoft Planner", part of the held product
    sentence: Mapped[str] = mapped_column(String(300))
    link: Mapped[str | None] = mapped_column(String(500))


class Budget(Base):
    """Money a cost centre may spend on software in a calendar year, per currency."""

    __tablename__ = "budget"
    __table_args__ = (UniqueConstraint("cost_centre", "year", "currency"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    cost_centre: Mapped[str] = mapped_column(String(64))
    year: Mapped[int]
    amount: Mapped[Decimal] = mapped_column(Amount)
    currency: Mapped[str] = mapped_column(String(3))


class Seat(Base):
    """One unit of an entitlement in use by a person, from `began_at` until `ended_at` (open while NULL)."""

    __tablename__ = "seat"
    __table_args__ = (
        # one open seat per person and SKU and path, whoever writes it
        Index(
            "uq_seat_open",
            "person_id",
            "sku_id",
            "path",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(
            "ix_seat_open_product",  # how many are in use, for each form and card
            "product_id",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(
            "ix_seat_ended_person",  # since when a seat first seen can have been held: not before an earlier one ended
            "person_id",
            "sku_id",
            sqlite_where=text("ended_at IS NOT NULL"),
            postgresql_where=text("ended_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"))
    sku_id: Mapped[int] = mapped_column(ForeignKey("sku.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    path: Mapped[str] = mapped_column(String(100), default="direct")  # direct, group:<id>, role
    began_at: Mapped[datetime] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)
    recorded_at: Mapped[datetime] = mapped_column(UtcTime)
    end_recorded_at: Mapped[datetime | None] = mapped_column(UtcTime)  # NULL with an end: when it ended
    until_on: Mapped[date | None]  # last day agreed by the approver; NULL = to the contract's end
    line_id: Mapped[int | None] = mapped_column(ForeignKey("request_line.id"))  # what authorised it
    authorised_by: Mapped[str] = mapped_column(String(20), default="nothing")  # request, baseline, exception, nothing
    #: service plans that were switched off in it at the last reading, their ids with commas; NULL: not read
    off: Mapped[str | None] = mapped_column(Text)


class SeatReturn(Base):
    """A human's confirmation that one seat may be taken back, and how far that is (rules §7).

    Nothing removes a seat without such a row: it names person, product, ground and who confirmed.
    """

    __tablename__ = "seat_return"
    __table_args__ = (
        Index(  # is any on its way back: asked with each press
            "ix_seat_return_restoring",
            "seat_id",
            sqlite_where=text("state = 'restoring'"),
            postgresql_where=text("state = 'restoring'"),
        ),
        Index(  # a seat is taken back once, whoever confirms it
            "uq_seat_return_open",
            "seat_id",
            unique=True,
            sqlite_where=text("state IN ('confirmed', 'removing')"),
            postgresql_where=text("state IN ('confirmed', 'removing')"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    seat_id: Mapped[int] = mapped_column(ForeignKey("seat.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"))
    ground: Mapped[str] = mapped_column(String(20))  # given_back, agreed_end, leaving, idle, redundant, too_big
    confirmed_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    confirmed_at: Mapped[datetime] = mapped_column(UtcTime)
    step_id: Mapped[int | None] = mapped_column(ForeignKey("approval_step.id"))  # the press behind an agreed end
    reason: Mapped[str] = mapped_column(Text, default="")
    #: confirmed, removing, removed, kept, failed, restoring, waiting, restored: the table in `workflows.seat_life`
    state: Mapped[str] = mapped_column(String(20))
    prior_state: Mapped[str] = mapped_column(Text, default="")  # JSON: disabled plans, path, usage location
    removed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    undo_until: Mapped[datetime | None] = mapped_column(UtcTime)
    swap_to_sku_id: Mapped[int | None] = mapped_column(ForeignKey("sku.id"))  # rightsizing: given in the same call
    restored_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # who pressed Undo, or the holder
    restored_at: Mapped[datetime | None] = mapped_column(UtcTime)
    warned_days: Mapped[int | None]  # smallest distance to `undo_until` that was announced: 7, then 1
    handed_over_at: Mapped[datetime | None] = mapped_column(UtcTime)  # leavers: the manager said so
    note: Mapped[str] = mapped_column(String(500), default="")
