"""What was bought: contracts, entitlements with their rights, product keys, invoices, and exclusions.

A row holds what is known now and since when (`recorded_at`). What it said before lies in `superseded`, so that "as
known then" is a query (rules §1): a correction adds, and nothing is lost.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from model.base import Amount, Base, Json, Key, UtcTime


class Contract(Base):
    """An agreement with a vendor; terms include their first and last day."""

    __tablename__ = "contract"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    vendor: Mapped[str] = mapped_column(String(200))
    number: Mapped[str] = mapped_column(String(100), unique=True)
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    notice_count: Mapped[int | None]
    notice_unit: Mapped[str | None] = mapped_column(String(20))  # days, working_days, weeks, months
    receipt_counts: Mapped[bool] = mapped_column(default=False)  # a notice counts when it is received, not sent
    delivery_days: Mapped[int] = mapped_column(default=0)  # working days it is under way then
    auto_renew: Mapped[bool] = mapped_column(default=False)
    term_months: Mapped[int | None]  # of a renewed term; NULL: as long as the first
    term_days: Mapped[int | None]  # of one that is no whole months; kept once the contract is longer than its first
    programme: Mapped[str] = mapped_column(String(30), default="")  # whose windows hold: licensing.renewal.windows
    true_up_peak: Mapped[bool] = mapped_column(default=False)  # a true-up counts the peak of its period
    told_days: Mapped[list[int]] = mapped_column(Json, default=list)  # days before decide-by; empty: the policy's
    commit_floor: Mapped[int | None]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    cost_centre: Mapped[str] = mapped_column(String(64), default="")
    true_up_from: Mapped[date | None]  # first day of the running true-up period; NULL = its anniversary
    true_up_price: Mapped[Decimal | None] = mapped_column(Amount)  # a unit and billing cycle of its purchases
    true_up_currency: Mapped[str | None] = mapped_column(String(3))
    penalty: Mapped[str] = mapped_column(String(500), default="")  # in the contract's words; never part of a sum
    fields: Mapped[dict[str, str]] = mapped_column(Json, default=dict)  # the company's own
    recorded_at: Mapped[datetime | None] = mapped_column(UtcTime)


class ContractDocument(Base):
    """A paper of a contract: where it lies, and its digest where the file was seen."""

    __tablename__ = "contract_document"
    __table_args__ = (UniqueConstraint("contract_id", "reference"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    reference: Mapped[str] = mapped_column(String(500))  # a link or a file name
    sha256: Mapped[str] = mapped_column(String(64), default="")
    recorded_at: Mapped[datetime] = mapped_column(UtcTime)


class Entitlement(Base):
    """A right bought under a contract. `quantity` None is unlimited; `unit_price` is per unit and billing cycle.

    Where the metric is core and `pack` is set, a unit is a pack of that many cores.
    """

    __tablename__ = "entitlement"
    __table_args__ = (Index("uq_entitlement_reference", "reference", unique=True),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    reference: Mapped[str | None] = mapped_column(String(120))  # purchase number: what a second import finds it by
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), index=True)
    sku_id: Mapped[int | None] = mapped_column(ForeignKey("sku.id"))
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("contract.id"))
    metric: Mapped[str] = mapped_column(String(20), default="named_user")
    kind: Mapped[str] = mapped_column(String(20), default="subscription")
    quantity: Mapped[int | None]
    quantity_known: Mapped[bool] = mapped_column(default=True)  # False: kept and marked, in no sum
    version: Mapped[str] = mapped_column(String(60), default="")  # "" is any
    unit_price: Mapped[Decimal | None] = mapped_column(Amount)
    currency: Mapped[str | None] = mapped_column(String(3))
    billing_cycle: Mapped[str] = mapped_column(String(10), default="year")  # month, year, once
    true_up_price: Mapped[Decimal | None] = mapped_column(Amount)  # wins over the contract's
    overage_price: Mapped[Decimal | None] = mapped_column(Amount)  # a unit above what was bought
    maintenance_price: Mapped[Decimal | None] = mapped_column(Amount)  # a unit a year
    maintenance_until: Mapped[date | None]
    acquired_on: Mapped[date | None]
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    cores_per_processor: Mapped[int] = mapped_column(default=0)  # the least that counts
    cores_per_server: Mapped[int] = mapped_column(default=0)
    cores_per_virtual: Mapped[int] = mapped_column(default=0)
    pack: Mapped[int] = mapped_column(default=1)  # cores in a unit
    sites: Mapped[list[str]] = mapped_column(Json, default=list)  # of a site licence
    proof: Mapped[str] = mapped_column(String(500), default="")  # proof of purchase: a link or document number
    supplier: Mapped[str] = mapped_column(String(200), default="")
    fields: Mapped[dict[str, str]] = mapped_column(Json, default=dict)  # the company's own
    recorded_at: Mapped[datetime] = mapped_column(UtcTime)


class EntitlementRight(Base):
    """A right beside plain use, with the evidence without which it does not count (rules §2)."""

    __tablename__ = "entitlement_right"
    __table_args__ = (UniqueConstraint("entitlement_id", "name"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    entitlement_id: Mapped[int] = mapped_column(ForeignKey("entitlement.id"))
    name: Mapped[str] = mapped_column(String(20))  # downgrade, second_use
    evidence: Mapped[str] = mapped_column(String(500))
    ends_on: Mapped[date | None]
    recorded_at: Mapped[datetime] = mapped_column(UtcTime)
    ended_recorded_at: Mapped[datetime | None] = mapped_column(UtcTime)  # since when it is known not to be there


class ProductKey(Base):
    """A product key as a keyed hash and its last five characters; the key itself is never kept (rules §2)."""

    __tablename__ = "product_key"
    __table_args__ = (UniqueConstraint("entitlement_id", "fingerprint"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    entitlement_id: Mapped[int] = mapped_column(ForeignKey("entitlement.id"))
    fingerprint: Mapped[str] = mapped_column(String(64), index=True)
    last_five: Mapped[str] = mapped_column(String(5))
    volume: Mapped[bool] = mapped_column(default=False)


class Exclusion(Base):
    """Use that a right in the contract takes out of the count: a device, a person, a site or a class of devices."""

    __tablename__ = "exclusion"
    __table_args__ = (Index("ix_exclusion_product", "product_id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    reference: Mapped[str] = mapped_column(String(120), unique=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"))
    device_id: Mapped[int | None] = mapped_column(ForeignKey("device.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    site: Mapped[str] = mapped_column(String(120), default="")
    right: Mapped[str] = mapped_column(String(200))  # "disaster recovery", "development and test"
    evidence: Mapped[str] = mapped_column(String(500))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    recorded_at: Mapped[datetime] = mapped_column(UtcTime)


class Invoice(Base):
    """A line of an invoice as it was billed; a credit note has a negative amount."""

    __tablename__ = "invoice"
    __table_args__ = (UniqueConstraint("vendor", "number", "line"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    vendor: Mapped[str] = mapped_column(String(200))
    number: Mapped[str] = mapped_column(String(100))
    line: Mapped[int] = mapped_column(default=1)
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("contract.id"))
    product_id: Mapped[int | None] = mapped_column(ForeignKey("product.id"), index=True)
    issued_on: Mapped[date]
    period_from: Mapped[date | None]
    period_to: Mapped[date | None]
    quantity: Mapped[int | None]
    amount: Mapped[Decimal | None] = mapped_column(Amount)
    currency: Mapped[str | None] = mapped_column(String(3))
    cost_centre: Mapped[str] = mapped_column(String(64), default="")
    words: Mapped[str] = mapped_column(Text, default="")
    recorded_at: Mapped[datetime] = mapped_column(UtcTime)


class SuiteCover(Base):
    """The customer's own word on whether a suite covers a part; it wins over what is computed (rules §1)."""

    __tablename__ = "suite_cover"
    __table_args__ = (UniqueConstraint("suite_product_id", "part_product_id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    suite_product_id: Mapped[int] = mapped_column(ForeignKey("product.id"))
    part_product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), index=True)
    covers: Mapped[bool] = mapped_column(default=True)
    source: Mapped[str] = mapped_column(String(500))
    recorded_at: Mapped[datetime] = mapped_column(UtcTime)


class Superseded(Base):
    """What a row of the registry said until it was corrected or changed: its columns, and both times.

    `effective_from` and `effective_until` (exclusive) bound the days for which it was true where a change, not a
    correction, ended it; a correction leaves both empty: what it said was never true, only known.
    """

    __tablename__ = "superseded"
    __table_args__ = (Index("ix_superseded_row", "table_name", "row_id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    table_name: Mapped[str] = mapped_column(String(40))
    row_id: Mapped[int] = mapped_column(Key)
    facts: Mapped[dict[str, object]] = mapped_column(Json)
    recorded_at: Mapped[datetime] = mapped_column(UtcTime)
    superseded_at: Mapped[datetime] = mapped_column(UtcTime)
    effective_from: Mapped[date | None]
    effective_until: Mapped[date | None]
