"""What procurement should hear of before the cycle, as rules over plain facts; what is not known raises nothing."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from licensing.money import Cycle, Money, with_period, yearly
from licensing.words import day, isolate, plural

#: A dearer purchase is news for so long, before and after it begins.
PRICE_IS_NEWS = timedelta(days=90)


class Notice(enum.StrEnum):
    """What a notice is about. Stored."""

    TRIAL = "trial"
    FREE_SEATS = "free_seats"
    PRICE_RISE = "price_rise"
    OVERLAP = "overlap"
    ENDING = "ending"


HEADS: Mapping[Notice, str] = {
    Notice.TRIAL: "Trial ends",
    Notice.FREE_SEATS: "Few seats left",
    Notice.PRICE_RISE: "Price rises",
    Notice.OVERLAP: "Two for one purpose",
    Notice.ENDING: "Purchase ends",
}


@dataclass(frozen=True, slots=True)
class Found:
    """One thing to know. `cause` is the same at each look; `teams` are departments it concerns most."""

    kind: Notice
    cause: str
    words: str
    product_id: int | None = None
    teams: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seats:
    """A product or tier: what is bought and free (None: not known), who holds most of it, when its term ends."""

    key: str
    name: str
    product_id: int
    bought: int | None
    free: int | None
    waiting: int = 0
    team: str = ""
    ends_on: date | None = None


def few_seats(seats: Seats, per_cent: int, count: int, from_bought: int) -> Found | None:
    """When both the share and the count of free seats are small, of a product that is bought in numbers."""
    bought, free = seats.bought, seats.free
    if bought is None or free is None or bought < from_bought:
        return None
    if free > count or free * 100 > per_cent * bought:
        return None
    waits = f", and {plural(seats.waiting, 'person waits', 'people wait')}" if seats.waiting else ""
    end = f" The term ends on {day(seats.ends_on)}." if seats.ends_on is not None else ""
    left = f"no seat of {bought:,} is free"
    if free > 0:
        left = f"{free:,} of {bought:,} seats {'is' if free == 1 else 'are'} free"
    return Found(
        Notice.FREE_SEATS,
        f"seats:{seats.key}",
        f"{isolate(seats.name)}: {left}{waits}.{end}",
        seats.product_id,
        (seats.team,) if seats.team else (),
        {"free": str(free), "bought": str(bought)},
    )


@dataclass(frozen=True, slots=True)
class Priced:
    """A purchase with its price. `quantity` None: not known or unlimited."""

    id: int
    starts_on: date
    unit_price: Money | None
    cycle: Cycle
    quantity: int | None


def price_rise(
    name: str,
    product_id: int,
    purchases: tuple[Priced, ...],
    today: date,
    per_cent: int,
    least_a_year: Mapping[str, Decimal],
    sku_id: int | None = None,
) -> Found | None:
    """The newest purchase, begun or agreed, against the one before it; only like with like: currency and cycle.

    An announced price and the purchase that it comes true with are one cause: what is told is the price and its day.
    """
    priced = sorted((one for one in purchases if one.unit_price is not None), key=lambda one: (one.starts_on, one.id))
    if len(priced) < 2:
        return None
    newest = priced[-1]
    if newest.starts_on + PRICE_IS_NEWS < today:
        return None
    same = [one for one in priced[:-1] if one.starts_on < newest.starts_on and _alike(one, newest)]
    if not same:
        return None
    old, new = same[-1].unit_price, newest.unit_price
    if old is None or new is None or old.amount <= 0 or new <= old:
        return None
    share = (new.amount - old.amount) * 100 / old.amount
    more = None
    if newest.quantity is not None:
        by_year = yearly(new - old, newest.cycle)
        more = (by_year if by_year is not None else new - old) * newest.quantity
    if share < per_cent or (more is not None and more.amount < least_a_year.get(new.currency, Decimal(0))):
        return None
    when = "since" if newest.starts_on <= today else "from"
    at = f"{with_period(new, newest.cycle)} {when} {day(newest.starts_on)}"
    all_of_them = " For how many seats is not known."
    if more is not None and newest.quantity is not None:
        period = "" if newest.cycle == "once" else " a year"
        all_of_them = f" For {plural(newest.quantity, 'seat')} that is {more} more{period}."
    return Found(
        Notice.PRICE_RISE,
        f"price:{product_id}:{sku_id or 0}:{newest.starts_on.isoformat()}:{new.amount.normalize():f}{new.currency}",
        f"{isolate(name)}: {at}, {_per_cent(share)} more than {old} before.{all_of_them}",
        product_id,
        (),
        {"old": str(old.amount), "new": str(new.amount), "currency": new.currency},
    )


def _alike(one: Priced, other: Priced) -> bool:
    if one.unit_price is None or other.unit_price is None:
        return False
    return one.unit_price.currency == other.unit_price.currency and one.cycle == other.cycle


def _per_cent(share: Decimal) -> str:
    """ "5%", "4.8%"."""
    shown = share.quantize(Decimal("0.1"))
    return f"{shown.normalize():f}%"


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial as the vendor lists it. `turns_on` None: the vendor names no day."""

    id: int
    name: str
    product_id: int | None
    units: int
    in_use: int | None
    turns_on: date | None
    unit_price: Money | None = None
    cycle: Cycle = "year"


def trial_ends(trial: Trial, today: date, days: int) -> Found | None:
    """Before a trial turns paid or stops, in time to decide; one without a day is said at once."""
    if trial.turns_on is not None and not today <= trial.turns_on <= today + timedelta(days=days):
        return None
    when = f"ends on {day(trial.turns_on)}" if trial.turns_on is not None else "ends on a day that is not known"
    used = f", {trial.in_use:,} in use" if trial.in_use is not None else ", use not known"
    each = yearly(trial.unit_price, trial.cycle) if trial.unit_price is not None else None
    cost = f"Kept, it costs {each * trial.units} a year." if each is not None else "What it costs then is not known."
    return Found(
        Notice.TRIAL,
        f"subscription:{trial.id}:{trial.turns_on.isoformat() if trial.turns_on else 'unknown'}",
        f"{isolate(trial.name)}: the trial of {plural(trial.units, 'seat')} {when}{used}. {cost}",
        trial.product_id,
        (),
        {"turns_on": trial.turns_on.isoformat() if trial.turns_on else ""},
    )


@dataclass(frozen=True, slots=True)
class Ending:
    """A purchase with a last day that no renewal speaks of: its contract goes on beyond it, or it has none.

    `units` None: not known or unlimited. `followed`: another purchase of the same takes over.
    """

    id: int
    reference: str
    name: str
    product_id: int
    units: int | None
    unit: str  # "seat", "core"
    ends_on: date
    contract: str = ""
    contract_ends_on: date | None = None
    followed: bool = False


def purchase_ends(one: Ending, today: date, days: int) -> Found | None:
    """Before the last day of such a purchase, in time to buy anew; nothing renews it by itself."""
    if one.followed or not today <= one.ends_on <= today + timedelta(days=days):
        return None
    what = plural(one.units, one.unit) if one.units is not None else "all that was bought"
    what += f" of {isolate(one.reference)}" if one.reference else ""
    alone = "It stands under no contract."
    if one.contract:
        on = f" goes on to {day(one.contract_ends_on)} and" if one.contract_ends_on is not None else ""
        alone = f"Contract {isolate(one.contract)}{on} does not renew it."
    return Found(
        Notice.ENDING,
        f"purchase:{one.id}:{one.ends_on.isoformat()}",
        f"{isolate(one.name)}: the term of {what} ends on {day(one.ends_on)}, and nothing follows. {alone}",
        one.product_id,
        (),
        {"ends_on": one.ends_on.isoformat()},
    )


@dataclass(frozen=True, slots=True)
class Both:
    """Two products that do the same job and how many people hold both; `category` "" where a person said so."""

    first_id: int
    first: str
    second_id: int
    second: str
    people: int
    category: str = ""
    offered: str = ""  # the part of the second that does what the first does
    price: Money | None = None  # a seat of the first
    cycle: Cycle = "year"
    at_least: bool = False  # the price is that of its cheapest tier


def overlap(both: Both, people_at_least: int) -> Found | None:
    """When people hold both; what one of the two costs them is what could be spared, if they need only one."""
    if both.people < max(1, people_at_least):
        return None
    same = f"{isolate(both.offered)} is part of the latter"
    if both.category:
        same = f"both are in {isolate(both.category)}"
    hold = plural(both.people, "person holds", "people hold")
    each = yearly(both.price, both.cycle) if both.price is not None else None
    cost = (
        f"{isolate(both.first)} for them costs {'at least ' if both.at_least else ''}{each * both.people} a year."
        if each is not None
        else f"What {isolate(both.first)} costs is not known."
    )
    low, high = sorted((both.first_id, both.second_id))
    return Found(
        Notice.OVERLAP,
        f"products:{low}:{high}",
        f"{hold} {isolate(both.first)} and {isolate(both.second)}: {same}. {cost}",
        both.first_id,
        (),
        {"people": str(both.people)},
    )
