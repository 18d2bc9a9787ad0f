"""What runs at Lumen & Fjord and what was bought for it: devices, titles on them, purchases of every metric, use.

Tables and dates are read as `sandbox.company` reads its own: written for the example day, moved with the day played.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sandbox.company import DATA, EXAMPLE_DAY, Company


@dataclass(frozen=True)
class Machine:
    """A device. `known` is how its person is known; `no_person` says why there is none; `site` "" is not known."""

    name: str
    kind: str  # desktop, portable, server, virtual
    system: str
    processors: int | None
    cores: int | None
    threads: int | None
    host: str
    site: str
    person: str
    known: str
    state: str  # live, stale, retired
    first_seen: datetime
    last_seen: datetime
    retired_on: date | None
    retired_by: str
    no_person: str


@dataclass(frozen=True)
class Copy:
    """A title on a device, as its agent reported it, up to and not on the day it was gone."""

    device: str
    raw_title: str
    raw_publisher: str
    version: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True)
class Licensed:
    """A product of the register that nobody asks for in a form: installed, metered or of servers."""

    key: str
    name: str
    publisher: str
    owner: str
    metric: str
    list_price: Decimal | None
    list_currency: str | None
    list_cycle: str


@dataclass(frozen=True)
class Bought:
    """A purchase. `of_tier`: the part number in products.json whose figure counts these units already."""

    reference: str
    product: str
    of_tier: str
    contract: str | None
    metric: str
    kind: str
    quantity: int | None
    version: str
    price: Decimal | None
    currency: str | None
    cycle: str
    overage: Decimal | None
    maintenance: Decimal | None
    maintenance_until: date | None
    starts_on: date
    ends_on: date | None
    cores: tuple[int, int, int, int] | None  # least per processor, server, virtual machine; cores in a pack
    sites: tuple[str, ...]
    proof: str
    supplier: str
    rights: tuple[tuple[str, str], ...]  # name and evidence


@dataclass(frozen=True)
class Paper:
    """A contract on software of machines; notice as in `company.Agreement`."""

    number: str
    vendor: str
    starts_on: date
    ends_on: date | None
    notice_count: int
    notice_unit: str
    auto_renew: bool
    owner: str
    cost_centre: str
    true_up: Decimal | None
    true_up_currency: str | None
    penalty: str


@dataclass(frozen=True)
class LeftOut:
    """A device that a right in the contract takes out of the count."""

    reference: str
    product: str
    device: str
    right: str
    evidence: str
    starts_on: date
    ends_on: date


@dataclass(frozen=True)
class Worked:
    """Somebody, or a shared machine, had one of a product's concurrent units."""

    product: str
    person: str
    device: str
    began_at: datetime
    ended_at: datetime


@dataclass(frozen=True)
class Reading:
    """Units of a meter used up in the days from `from_on` to `to_on`, both counted."""

    product: str
    meter: str
    from_on: date
    to_on: date
    units: Decimal


@dataclass(frozen=True)
class Decided:
    """What a title was decided to be, by whom and when; until then it was a question."""

    raw_title: str
    raw_publisher: str
    product: str
    by: str
    at: datetime


@dataclass(frozen=True)
class Heads:
    """People a department plans to gain, or with a minus to lose, from a day on."""

    reference: str
    department: str
    starts_on: date
    heads: int
    words: str


@dataclass(frozen=True)
class Reduced:
    """A contract of which somebody decided before the demo begins that fewer units are renewed."""

    contract: str
    to: int
    by: str
    words: str


@dataclass(frozen=True)
class Inventory:
    """All of it, for the day it was read for. `covers`: suite, part, source. `used`: product, person, day."""

    machines: tuple[Machine, ...]
    copies: tuple[Copy, ...]
    products: tuple[Licensed, ...]
    papers: tuple[Paper, ...]
    purchases: tuple[Bought, ...]
    without_proof: frozenset[str]
    idle_after: dict[str, int]
    left_out: tuple[LeftOut, ...]
    covers: tuple[tuple[str, str, str], ...]
    sessions: tuple[Worked, ...]
    readings: tuple[Reading, ...]
    used: tuple[tuple[str, str, date], ...]
    signed_in: dict[str, date]  # the last sign-in of those who have not been here lately
    decisions: tuple[Decided, ...]
    hiring: tuple[Heads, ...]
    reduced: Reduced

    def bought_beside(self, part: str) -> int:
        """Units of a tier that were bought apart from the first purchase of it."""
        return sum(one.quantity or 0 for one in self.purchases if one.of_tier == part)

    def on(self, device: str) -> list[Copy]:
        """What is on a device now."""
        return [one for one in self.copies if one.device == device and one.until is None]


def load(company: Company) -> Inventory:
    """The machines, titles, purchases and use of the company, on the day it was read for."""
    moved = company.day - EXAMPLE_DAY
    facts = json.loads((DATA / "register.json").read_text(encoding="utf-8"))
    return Inventory(
        machines=tuple(_machine(row, moved) for row in _rows("devices.csv")),
        copies=tuple(_copy(row, moved) for row in _rows("installed.csv")),
        products=tuple(_licensed(each) for each in facts["products"]),
        papers=tuple(_paper(each, moved) for each in facts["contracts"]),
        purchases=tuple(_bought(each, moved) for each in facts["purchases"]),
        hiring=tuple(
            Heads(each["reference"], each["department"], _day(each["starts"], moved), each["heads"], each["words"])
            for each in facts["hiring"]
        ),
        reduced=Reduced(**facts["reduced"]),
        without_proof=frozenset(facts["without_proof"]),
        idle_after=dict(facts["idle_after"]),
        left_out=tuple(
            LeftOut(
                each["reference"],
                each["product"],
                each["device"],
                each["right"],
                each["evidence"],
                _day(each["starts"], moved),
                _day(each["ends"], moved),
            )
            for each in facts["exclusions"]
        ),
        covers=tuple((each["suite"], each["part"], each["source"]) for each in facts["covers"]),
        sessions=tuple(
            Worked(row["product"], row["person"], row["device"], _at(row["began"], moved), _at(row["ended"], moved))
            for row in _rows("sessions.csv")
        ),
        readings=tuple(
            Reading(each["product"], each["meter"], _day(first, moved), _day(last, moved), Decimal(units))
            for each in facts["meters"]
            for first, last, units in each["readings"]
        ),
        used=tuple(used for each in facts["signals"] for used in _used(each, company, moved)),
        signed_in={each["person"]: _day(each["day"], moved) for each in facts["sign_ins"]},
        decisions=tuple(
            Decided(each["raw_title"], each["raw_publisher"], each["product"], each["by"], _at(each["at"], moved))
            for each in facts["decisions"]
        ),
    )


# -- reading the tables ------------------------------------------------------------------------------------------------

#: When agents report, and when people start.
_REPORTED = time(5, 40)
_STARTED = time(8)


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


def _day(text: str, moved: timedelta) -> date:
    return date.fromisoformat(text) + moved


def _on(text: str | None, moved: timedelta) -> date | None:
    return _day(text, moved) if text else None


def _at(text: str, moved: timedelta) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC) + moved


def _moment(text: str, clock: time, moved: timedelta) -> datetime:
    return datetime.combine(_day(text, moved), clock, UTC)


def _number(text: str) -> int | None:
    return int(text) if text else None


def _amount(text: str | None) -> Decimal | None:
    return Decimal(text) if text else None


def _machine(row: dict[str, str], moved: timedelta) -> Machine:
    return Machine(
        name=row["name"],
        kind=row["kind"],
        system=row["system"],
        processors=_number(row["processors"]),
        cores=_number(row["cores"]),
        threads=_number(row["threads"]),
        host=row["host"],
        site=row["site"],
        person=row["person"],
        known=row["known"],
        state=row["state"],
        first_seen=_moment(row["first_seen"], _STARTED, moved),
        last_seen=_moment(row["last_seen"], _REPORTED, moved),
        retired_on=_on(row["retired_on"], moved),
        retired_by=row["retired_by"],
        no_person=row["no_person"],
    )


def _copy(row: dict[str, str], moved: timedelta) -> Copy:
    return Copy(
        row["device"],
        row["raw_title"],
        row["raw_publisher"],
        row["version"],
        _moment(row["since"], _STARTED, moved),
        _moment(row["until"], _STARTED, moved) if row["until"] else None,
    )


def _licensed(facts: dict[str, Any]) -> Licensed:
    amount, currency, cycle = facts.get("list_price", (None, None, "year"))
    return Licensed(
        facts["key"],
        facts["name"],
        facts["publisher"],
        facts["owner"],
        facts["metric"],
        _amount(amount),
        currency,
        cycle,
    )


def _paper(facts: dict[str, Any], moved: timedelta) -> Paper:
    true_up, currency = facts.get("true_up", (None, None))
    return Paper(
        number=facts["number"],
        vendor=facts["vendor"],
        starts_on=_day(facts["starts"], moved),
        ends_on=_on(facts["ends"], moved),
        notice_count=facts["notice"][0],
        notice_unit=facts["notice"][1],
        auto_renew=facts["auto_renew"],
        owner=facts["owner"],
        cost_centre=facts["cost_centre"],
        true_up=_amount(true_up),
        true_up_currency=currency,
        penalty=facts.get("penalty", ""),
    )


def _bought(facts: dict[str, Any], moved: timedelta) -> Bought:
    maintenance, until = facts.get("maintenance", (None, None))
    cores = facts.get("cores")
    return Bought(
        reference=facts["reference"],
        product=facts["product"],
        of_tier=facts.get("of_tier", ""),
        contract=facts.get("contract"),
        metric=facts.get("metric", "named_user"),
        kind=facts.get("kind", "subscription"),
        quantity=facts["quantity"],
        version=facts.get("version", ""),
        price=_amount(facts["price"]),
        currency=facts["currency"],
        cycle=facts.get("cycle", "year"),
        overage=_amount(facts.get("overage")),
        maintenance=_amount(maintenance),
        maintenance_until=_on(until, moved),
        starts_on=_day(facts["starts"], moved),
        ends_on=_on(facts.get("ends"), moved),
        cores=(cores[0], cores[1], cores[2], cores[3]) if cores else None,
        sites=tuple(facts.get("sites", ())),
        proof=facts["proof"],
        supplier=facts.get("supplier", ""),
        rights=tuple((name, evidence) for name, evidence in facts.get("rights", ())),
    )


def _used(facts: dict[str, Any], company: Company, moved: timedelta) -> list[tuple[str, str, date]]:
    """The people named, or all holders but those named."""
    product, day = facts["product"], _day(facts["day"], moved)
    if "people" in facts:
        people = facts["people"]
    else:
        holders = [key for tier in company.products[product].tiers for key in tier.holders]
        people = [key for key in holders if key not in facts["but"]]
    return [(product, key, day) for key in people]
