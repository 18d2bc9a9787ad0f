"""The invented company of the demo: Lumen & Fjord, sixty people in ten offices, twenty-five products.

The tables in `data/` are written for one example day. Read for another day, every date in them moves by the same
number of days, so that notice dates, shares of a year and "had it from February to May" stay as they were meant.
"""

from __future__ import annotations

import csv
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.servicenow_schema import stable_id

DATA = Path(__file__).parent / "data"
NAME = "Lumen & Fjord"
DOMAIN = "lumenfjord.example"
EXAMPLE_DAY = date(2026, 11, 23)
#: When the first demo morning begins, in the zone of the head office.
MORNING = time(9, 14)
HEAD_OFFICE = "Lyon"
#: Office: time zone, country (ISO 3166-1).
OFFICES = {
    "Lyon": ("Europe/Paris", "FR"),
    "London": ("Europe/London", "GB"),
    "Berlin": ("Europe/Berlin", "DE"),
    "New York": ("America/New_York", "US"),
    "Honolulu": ("Pacific/Honolulu", "US"),
    "Auckland": ("Pacific/Auckland", "NZ"),
    "Tokyo": ("Asia/Tokyo", "JP"),
    "Bengaluru": ("Asia/Kolkata", "IN"),
    "Nairobi": ("Africa/Nairobi", "KE"),
    "São Paulo": ("America/Sao_Paulo", "BR"),
}
CHANNELS = {
    "licences": "Licences: what is short, what is idle, what must be decided",
    "it-alerts": "What waits for a person in IT",
    "renewals": "Contracts to decide",
    "it-help": "Questions about computers and software",
}


@dataclass(frozen=True)
class Staff:
    """Somebody at Lumen & Fjord. Dates are inclusive; `manager` and `deputy` are keys of others."""

    key: str
    name: str
    email: str
    directory_id: str
    slack_id: str | None
    title: str
    department: str
    office: str
    manager: str | None
    employment: str  # employee, contractor, guest
    roles: tuple[str, ...] = ()
    starts_on: date | None = None
    leaves_on: date | None = None
    left: bool = False
    absent_from: date | None = None
    absent_until: date | None = None
    deputy: str | None = None
    usage_location: str | None = None
    in_servicenow: bool = True

    @property
    def time_zone(self) -> str:
        return OFFICES[self.office][0]

    @property
    def country(self) -> str:
        return OFFICES[self.office][1]

    @property
    def user_principal_name(self) -> str:
        """What the directory signs them in with; a guest's carries the mark of one."""
        if self.employment == "guest":
            return f"{self.email.replace('@', '_')}#EXT#@{DOMAIN}"
        return self.email


@dataclass(frozen=True)
class Tier:
    """One orderable variant; `sku_id` and `part` are Microsoft's where Microsoft sells it. `bought` None: unlimited."""

    tier: str
    part: str
    sku_id: str | None
    bought: int | None
    price: Decimal | None
    currency: str | None
    cycle: str
    holders: tuple[str, ...]


@dataclass(frozen=True)
class Software:
    """A product people ask for, with its purchase. `owned` False: nothing was ever bought."""

    key: str
    name: str
    publisher: str
    category: str
    words: str
    owner: str
    granting: str
    tiers: tuple[Tier, ...]
    contract: str | None
    bought_on: date | None
    group: str | None
    admin: str | None
    lost: str
    ready: str
    can_buy: bool

    @property
    def owned(self) -> bool:
        return self.contract is not None or self.bought_on is not None

    @property
    def from_microsoft(self) -> bool:
        return self.granting.startswith("graph_")

    @property
    def order_name(self) -> str | None:
        """The catalogue item that gives a seat, where ServiceNow does that."""
        return f"{self.name[:80]}: seat" if self.granting == "servicenow_item" else None

    @property
    def purchase_name(self) -> str | None:
        """The catalogue item that buys one more, where one may be bought."""
        return f"{self.name[:80]}: purchase" if self.can_buy else None


@dataclass(frozen=True)
class Agreement:
    """A contract; notice is a count and a unit (days, working_days, weeks, months)."""

    number: str
    vendor: str
    starts_on: date
    ends_on: date | None
    notice_count: int
    notice_unit: str
    auto_renew: bool
    floor: int | None
    owner: str
    cost_centre: str
    delivery_days: int | None = None  # working days a notice is under way, where it counts when it is received
    programme: str = ""


@dataclass(frozen=True)
class PastSeat:
    """A seat somebody had and gave back."""

    who: str
    product: str
    began_at: datetime
    ended_at: datetime
    reason: str


@dataclass(frozen=True)
class PastRequest:
    """A request that ended before the demo begins. `outcome`: fulfilled, bought, denied, withdrawn or expired."""

    asked_at: datetime
    who: str
    product: str
    tier: str
    outcome: str
    working_hours: int
    frequency: str
    why: str
    words: str


@dataclass(frozen=True)
class Instead:
    """Holders of `held` have what `asked` would give them."""

    asked: str
    held: str
    offered: str
    sentence: str
    link: str | None


@dataclass(frozen=True)
class Group:
    """A directory group; one with licences gives them to its members."""

    name: str
    key: str
    id: str
    licences: tuple[str, ...]
    members: tuple[str, ...]


@dataclass(frozen=True)
class Company:
    """Everything the stand-ins and the register are filled from, for the day it was read for."""

    day: date
    people: dict[str, Staff]
    products: dict[str, Software]
    contracts: tuple[Agreement, ...]
    budgets: tuple[tuple[str, Decimal, str], ...]
    alternatives: tuple[Instead, ...]
    groups: tuple[Group, ...]
    past_seats: tuple[PastSeat, ...]
    past_requests: tuple[PastRequest, ...]

    def holdings(self, person: str) -> list[tuple[Software, Tier]]:
        """What somebody holds today."""
        return [
            (product, tier) for product in self.products.values() for tier in product.tiers if person in tier.holders
        ]

    def group_of(self, product: Software) -> Group | None:
        """The group through which a product is given."""
        return next((group for group in self.groups if group.key == product.group), None)


def first_morning(real: datetime) -> datetime:
    """When the company's clock starts: the example day, or the first working morning not before `real`."""
    zone = ZoneInfo(OFFICES[HEAD_OFFICE][0])
    start = datetime.combine(EXAMPLE_DAY, MORNING, zone)
    if real.astimezone(zone).date() > EXAMPLE_DAY:
        start = datetime.combine(real.astimezone(zone).date(), MORNING, zone)
        while start < real or start.weekday() > 4:
            start = datetime.combine(start.date() + timedelta(days=1), MORNING, zone)
    return start.astimezone(UTC)


def catalogue_id(name: str) -> str:
    """The sys_id of the catalogue item with this name, in the ServiceNow stand-in."""
    return stable_id("sc_cat_item", name)


def load(day: date = EXAMPLE_DAY) -> Company:
    """The company as it stands on the morning of `day`."""
    moved = day - EXAMPLE_DAY
    with (DATA / "people.csv").open(encoding="utf-8", newline="") as source:
        people = {row["key"]: _staff(row, moved) for row in csv.DictReader(source)}
    with (DATA / "requests.csv").open(encoding="utf-8", newline="") as source:
        requests = tuple(_past_request(row, moved) for row in csv.DictReader(source))
    facts = json.loads((DATA / "products.json").read_text(encoding="utf-8"))
    products = {each["key"]: _software(each, people, moved) for each in facts["products"]}
    return Company(
        day=day,
        people=people,
        products=products,
        contracts=tuple(_agreement(each, moved) for each in facts["contracts"]),
        budgets=tuple((centre, Decimal(amount), currency) for centre, amount, currency in facts["budgets"]),
        alternatives=tuple(
            Instead(each["asked"], each["held"], each["offered"], each["sentence"], each["link"])
            for each in facts["alternatives"]
        ),
        groups=tuple(_group(each, people, products) for each in facts["groups"]),
        past_seats=tuple(
            PastSeat(each["who"], each["product"], _at(each["began"], moved), _at(each["ended"], moved), each["reason"])
            for each in facts["past_seats"]
        ),
        past_requests=requests,
    )


# -- reading the tables ------------------------------------------------------------------------------------------------


def _on(text: str | None, moved: timedelta) -> date | None:
    return date.fromisoformat(text) + moved if text else None


def _day(text: str, moved: timedelta) -> date:
    return date.fromisoformat(text) + moved


def _at(text: str, moved: timedelta) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC) + moved


def _staff(row: dict[str, str], moved: timedelta) -> Staff:
    marks: dict[str, list[str]] = {}
    for mark in filter(None, row["marks"].split(";")):
        word, _, value = mark.partition(":")
        marks.setdefault(word, []).append(value)

    def one(word: str) -> str | None:
        return marks.get(word, [None])[0]

    email = f"{row['address']}@{'partner.example' if row['employment'] == 'guest' else DOMAIN}"
    away_from, _, away_until = (one("away") or "").partition("/")
    return Staff(
        key=row["key"],
        name=row["name"],
        email=email,
        directory_id=str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{row['key']}.{DOMAIN}")),
        slack_id=None if "noslack" in marks else f"U0{row['key'].upper()}",
        title=row["title"],
        department=row["department"],
        office=row["office"],
        manager=row["manager"] or None,
        employment=row["employment"],
        roles=tuple(marks.get("role", ())),
        starts_on=_on(one("starts"), moved),
        leaves_on=_on(one("leaves") or one("left"), moved),
        left="left" in marks,
        absent_from=_on(away_from, moved),
        absent_until=_on(away_until, moved),
        deputy=one("deputy"),
        usage_location=None if "nousage" in marks else OFFICES[row["office"]][1],
        in_servicenow="nosnow" not in marks,
    )


def _software(facts: dict[str, Any], people: dict[str, Staff], moved: timedelta) -> Software:
    return Software(
        key=facts["key"],
        name=facts["name"],
        publisher=facts["publisher"],
        category=facts["category"],
        words=facts["words"],
        owner=facts["owner"],
        granting=facts["granting"],
        tiers=tuple(_tier(each, people, facts["granting"]) for each in facts["tiers"]),
        contract=facts.get("contract"),
        bought_on=_on(facts.get("bought_on"), moved),
        group=facts.get("group"),
        admin=facts.get("admin"),
        lost=facts["lost"],
        ready=facts["ready"],
        can_buy=bool(facts.get("purchase")),
    )


def _tier(facts: dict[str, Any], people: dict[str, Staff], granting: str) -> Tier:
    # imported late: the table of Microsoft's names is large, and most readers of the company do not need it
    from sandbox.graph_skus import by_part_number

    sku_id = by_part_number(facts["part"])[0].id if granting.startswith("graph_") else None
    return Tier(
        tier=facts["tier"],
        part=facts["part"],
        sku_id=sku_id,
        bought=facts["bought"],
        price=None if facts["price"] is None else Decimal(facts["price"]),
        currency=facts["currency"],
        cycle=facts.get("cycle", "year"),
        holders=_chosen(facts["holders"], people),
    )


def _chosen(words: list[str], people: dict[str, Staff]) -> tuple[str, ...]:
    """`*` is everybody, `@Sales` a department, `ana` one person, and `-ana` everybody so far but one."""
    chosen: dict[str, None] = {}
    for word in words:
        if word == "*":
            chosen |= dict.fromkeys(people)
        elif word.startswith("@"):
            chosen |= dict.fromkeys(key for key, one in people.items() if one.department == word[1:])
        elif word.startswith("-"):
            del chosen[word[1:]]
        else:
            chosen[people[word].key] = None
    return tuple(chosen)


def _agreement(facts: dict[str, Any], moved: timedelta) -> Agreement:
    return Agreement(
        number=facts["number"],
        vendor=facts["vendor"],
        starts_on=_day(facts["starts"], moved),
        ends_on=_on(facts["ends"], moved),
        notice_count=facts["notice"][0],
        notice_unit=facts["notice"][1],
        auto_renew=facts["auto_renew"],
        floor=facts["floor"],
        owner=facts["owner"],
        cost_centre=facts["cost_centre"],
        delivery_days=facts.get("received_after"),
        programme=facts.get("programme", ""),
    )


def _group(facts: dict[str, Any], people: dict[str, Staff], products: dict[str, Software]) -> Group:
    if "department" in facts:
        members = tuple(key for key, one in people.items() if one.department == facts["department"])
    else:
        members = tuple(key for tier in products[facts["key"]].tiers for key in tier.holders)
    return Group(facts["name"], facts["key"], facts["id"], tuple(facts["licences"]), members)


def _past_request(row: dict[str, str], moved: timedelta) -> PastRequest:
    return PastRequest(
        asked_at=_at(row["asked"], moved),
        who=row["who"],
        product=row["product"],
        tier=row["tier"],
        outcome=row["outcome"],
        working_hours=int(row["working_hours"]),
        frequency=row["frequency"],
        why=row["why"],
        words=row["words"],
    )
