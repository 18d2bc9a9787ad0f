"""What a position is computed from: purchases, and groups of alike users of one product, on one day.

Whoever reads the database brings ten million rows into this shape with set-based statements; the rules see a handful
of groups. Two people are alike when everything that decides about cover and waste is the same for both.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from licensing.money import Cycle, Money


class Metric(enum.StrEnum):
    """What is counted (rules §1)."""

    NAMED_USER = "named_user"
    DEVICE = "device"
    CONCURRENT = "concurrent"
    CORE = "core"
    CONSUMPTION = "consumption"
    SITE = "site"

    @property
    def noun(self) -> str:
        """What one of it is called: people, devices and sessions have seats."""
        return "seat" if self in (Metric.NAMED_USER, Metric.DEVICE, Metric.CONCURRENT) else "unit"


class Kind(enum.StrEnum):
    """How long a purchase gives its right."""

    SUBSCRIPTION = "subscription"
    PERPETUAL = "perpetual"
    SAAS = "saas"
    CONCURRENT = "concurrent"
    CONSUMPTION = "consumption"


class Right(enum.StrEnum):
    """A right beside plain use; each stands in the contract and has its evidence."""

    DOWNGRADE = "downgrade"
    SECOND_USE = "second_use"


@dataclass(frozen=True, slots=True)
class CoreProfile:
    """Least number of cores that counts per processor, server or virtual machine, and how many cores a unit has."""

    per_processor: int = 0
    per_server: int = 0
    per_virtual: int = 0
    pack: int = 1


@dataclass(frozen=True, slots=True)
class Purchase:
    """An entitlement. `quantity` None is unlimited; prices are per unit and billing cycle, None where not recorded.

    `starts_on` and `ends_on` belong to the term. A purchase whose term does not hold the day is given as well: its
    price may be the newest known. `version` "" is any version. `maintenance_until` is the last day on which newer
    versions are included. Core purchases count in packs where the profile has one.
    """

    id: int
    metric: Metric
    kind: Kind
    quantity: Decimal | None
    starts_on: date
    ends_on: date | None = None
    acquired_on: date | None = None
    unit_price: Money | None = None
    cycle: Cycle = "year"
    version: str = ""
    maintenance_until: date | None = None
    maintenance_price: Money | None = None  # a unit a year
    true_up_price: Money | None = None  # the contract's, a unit and billing cycle
    overage_price: Money | None = None  # a unit above what was bought
    rights: frozenset[Right] = frozenset()  # those whose term holds the day
    cores: CoreProfile | None = None
    sites: frozenset[str] = frozenset()
    true_up_from: date | None = None  # first day of the contract's running true-up period, where it states one
    contract_from: date | None = None  # the contract's first day: else the period runs from its anniversary
    contract_until: date | None = None  # its last day, where it has one
    proof: str = ""
    penalty: str = ""  # the contract's words; never part of a sum
    name: str = ""  # what people call it: a purchase number or a contract's
    quantity_missing: bool = False  # nobody recorded how many; `quantity` is 0 then, and every sum says so
    contract: str = ""  # the number of the contract it was bought under, whose words `penalty` are

    def holds(self, day: date) -> bool:
        """Whether the term holds the day; its first and last day belong to it."""
        return self.starts_on <= day and (self.ends_on is None or day <= self.ends_on)

    def contract_holds(self, day: date) -> bool:
        """Whether the term of its contract holds the day, though its own may be over."""
        begun = self.contract_from is not None and self.contract_from <= day
        return begun and (self.contract_until is None or day <= self.contract_until)


@dataclass(frozen=True, slots=True)
class Installed:
    """The product on one device: its version as reported, whether the device can be carried, is stale, and where."""

    version: str = ""
    portable: bool = False
    stale: bool = False
    site: str = ""  # only where a purchase is by site
    undecided: bool = False  # its title may be this product; nobody has said yet


@dataclass(frozen=True, slots=True)
class Users:
    """`count` alike users of the product: each a person with their devices, or one device that has no person.

    Excluded devices and people are not in here (`Facts.excluded` counts them). `suite` is the product that covers
    them, "" if none: held by the person, or installed on the device itself (a device of its own group then).
    `idle` is True only on a verdict, None when not known. `undecided` users have nothing but titles
    that may be this product; a user who has both a known and such a title marks the device instead.
    """

    count: int
    person: bool = True
    seat: bool = False
    devices: tuple[Installed, ...] = ()
    suite: str = ""
    idle: bool | None = None
    leaver: bool = False
    undecided: bool = False


@dataclass(frozen=True, slots=True)
class Server:
    """`count` alike machines with a product that is counted by core; None where the inventory has no such fact.

    `version` is the newest of the product on the machine, only where a purchase names one.
    """

    count: int
    virtual: bool = False
    processors: int | None = None
    cores: int | None = None  # of the whole machine; a virtual machine's own
    stale: bool = False
    undecided: bool = False
    suite: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Spared:
    """Days, both counted, on which a session needs no unit: by `suite`, or by an exclusion where that is ""."""

    first: date
    last: date | None
    suite: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody used one of the concurrent units from `began_at` up to, not at, `ended_at` (None: still).

    `spared` holds the days on which whoever works has a suite that covers it, or is excluded.
    """

    began_at: datetime
    ended_at: datetime | None
    spared: tuple[Spared, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """`units` used up in the days from `from_on` to `to_on`, both counted."""

    from_on: date
    to_on: date
    units: Decimal


@dataclass(frozen=True, slots=True)
class Vendor:
    """What the vendor says is enabled; units in warning, suspended or locked out are not in `enabled`."""

    enabled: int
    source: str
    read_at: datetime | None
    consumed: int | None = None
    warning: int = 0
    suspended: int = 0
    locked_out: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """Where figures come from and how old they are; `at` None when it never reported."""

    name: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All about one product on one day. None for sessions or readings: nothing was ever recorded, so not known."""

    product: str
    at: date
    known_at: datetime
    purchases: tuple[Purchase, ...] = ()
    users: tuple[Users, ...] = ()
    servers: tuple[Server, ...] = ()
    sessions: tuple[Session, ...] | None = None
    readings: tuple[Reading, ...] | None = None
    vendor: Vendor | None = None
    excluded: Mapping[Metric, int] = field(default_factory=dict)  # users or devices a right in the contract takes out
    list_price: Money | None = None
    list_cycle: Cycle = "year"
    default_metric: Metric | None = None  # where nothing was bought; else by what is seen
    idle_after_days: int | None = None  # for the sentence
    sources: tuple[Source, ...] = ()
    first_record_on: date | None = None  # before it nothing is known
