"""Phrases that several messages share: who, until when, how many seats, what it costs, who waits."""

from __future__ import annotations

from decimal import Decimal

from bot.views import text as t
from licensing.money import with_period
from licensing.position.figure import shown
from model.requests import ApproverState, RequestKind, StepKind
from workflows.reads.facts import (
    USE_NOT_READ,
    AfterApproval,
    ApprovalFacts,
    AskedFacts,
    Charge,
    Held,
    Price,
    RequestFacts,
    SeatNumbers,
    StepFacts,
    Who,
)

FREQUENCIES = {
    "daily": "every day",
    "weekly": "a few times a week",
    "monthly": "a few times a month",
    "once": "once",
}
OFFICES = {
    StepKind.LINE_MANAGER: "the manager",
    StepKind.PRODUCT_OWNER: "who looks after the product",
    StepKind.FINANCE: "finance",
    StepKind.SECURITY: "security",
    StepKind.LICENCE_MANAGER: "a licence manager",
    StepKind.PURCHASE: "who confirms the order",
}


def who(person: Who, *, team: bool = False) -> str:
    """A person for mrkdwn: "Ana Lindqvist, Design"."""
    named = t.named(person.name)
    return f"{named}, {t.named(person.team)}" if team and person.team else named


def product(request: RequestFacts) -> str:
    """The product and, where there are several, the tier; not escaped."""
    return f"{request.product}, {request.tier}" if request.tier else request.product


def for_whom(request: RequestFacts, reader: Who | None = None) -> str:
    """ "you", "Ana Lindqvist", "3 people": whose seats, for mrkdwn."""
    holders, unnamed = request.holders, len(request.lines) - len(request.holders)
    if len(holders) == 1 and not unnamed:
        return "you" if reader is not None and holders[0].id == reader.id else who(holders[0])
    if not holders and request.kind == RequestKind.NEW_PRODUCT:  # for whom it is comes later, if it is bought
        return "you" if reader is not None and request.requester.id == reader.id else who(request.requester)
    if not holders:
        return t.plural(request.seats, "person", "people") + " to be named"
    return t.plural(len(holders), "person", "people") + (f" and {unnamed} to be named" if unnamed else "")


def until(request: RequestFacts, price: Price) -> str:
    """ "31 Jan 2027, then taken back", "31 Mar 2027 (end of contract)", or that there is no end."""
    if request.until_on is not None and request.until_on != price.ends_on:
        return f"{t.day(request.until_on)}, then taken back"
    if price.ends_on is not None:
        return f"{t.day(price.ends_on)} (end of contract)"
    return "no end date is recorded"


def free(numbers: SeatNumbers) -> str:
    """ "3 of 40", "no limit", "not known: no purchase is recorded"."""
    if numbers.unlimited:
        return "no limit"
    if numbers.free is None:
        return f"not known: {t.escape(numbers.unknown)}"
    waiting = f", {t.plural(numbers.waiting, 'request')} waiting" if numbers.waiting else ""
    return f"{numbers.free:,} of {numbers.bought:,}{waiting}" if numbers.bought is not None else f"{numbers.free:,}"


def after(numbers: SeatNumbers, seats: int, buys: int) -> str:
    """ "38 of 40 in use, 2 free"; what is reserved counts as in use, a seat bought for this counts as bought."""
    used = numbers.in_use + numbers.reserved + seats
    if numbers.bought is None:
        return f"{used:,} in use"
    bought = numbers.bought + buys
    return f"{used:,} of {bought:,} in use, {_left(bought - used)}"


def _left(units: Decimal | int) -> str:
    return f"{shown(Decimal(-units))} short" if units < 0 else f"{shown(Decimal(units))} free"


def idle(looks: int | None, unknown: int, why: str = USE_NOT_READ) -> list[str]:
    """ "4 look idle", "2 not known": each where it is known and not nothing; why it is not known where nothing is."""
    if looks is None:
        return [f"not known: {t.escape(why)}"]
    said = "none looks idle" if not looks else f"{looks:,} {'looks' if looks == 1 else 'look'} idle"
    return [said, *([f"{unknown:,} not known"] if unknown else [])]


def by_register(then: AfterApproval | None, numbers: SeatNumbers | None, seats: int, buys: int) -> str:
    """ "41 of 38 in use, 3 short; Microsoft 365 counts 37 of 40 in use now"; empty where it would say nothing new."""
    if then is None or numbers is None:
        return ""
    if then.bought is not None and numbers.bought is not None and not then.short:
        used, bought_there = numbers.in_use + numbers.reserved + seats, numbers.bought + buys
        if then.in_use == used and then.bought == bought_there:
            return ""
    least = "at least " if then.at_least else ""
    devices = " on devices" if then.by_device else ""
    of = "no limit" if then.bought is None else _ends(then)
    bought = "" if then.bought is None else f" of {shown(then.bought)}"
    said = f"{least}{shown(then.in_use)}{bought} in use{devices}, {of}"
    if numbers.bought is None:
        return said
    return f"{said}; {t.escape(numbers.source)} counts {numbers.in_use:,} of {numbers.bought:,} seats in use now"


def _ends(then: AfterApproval) -> str:
    """Free of one version and short of another stand side by side."""
    ends = [f"{shown(amount)} {word}" for amount, word in ((then.free, "free"), (then.short, "short")) if amount]
    return " and ".join(ends) or "0 free"


def cost(charge: Charge) -> str:
    """ "€118.75 to 31 Mar 2027, then €336.00 a year"; never for a charge of nothing."""
    if charge.to_end is None:
        return f"not known: {charge.unknown}"
    end = f" to {t.day(charge.ends_on)}" if charge.ends_on else " for a year"
    days = f" ({charge.share})" if charge.share and charge.share.days else ""
    then = f", then {charge.then_yearly} a year" if charge.then_yearly else ""
    return f"{charge.to_end}{end}{days}{then}"


def price(of: Price) -> str:
    """ "€336.00 a seat a year" or why it is not known."""
    return f"not known: {of.unknown}" if of.unit is None else price_paid(of, seat=True)


def price_paid(of: Price, *, seat: bool = False) -> str:
    """ "€336.00 a year"; a price of nothing is said in words, and is not the same as one that is not known."""
    if of.unit is None:
        return "price not known"
    return with_period(of.unit, of.cycle, seat=seat) if of.unit else "nothing extra to pay"


def age(numbers: SeatNumbers | None) -> str:
    """Where the figures come from and how old they are."""
    if numbers is None:
        return ""
    read = f", {t.instant(numbers.read_at)}" if numbers.read_at else ""
    return f"figures from {numbers.source}{read}"


def decides_next(step: StepFacts) -> str:
    """Who decides in a later step: names where somebody is asked, the office where nobody is yet."""
    names = [who(one.who) for one in step.asked if one.state != ApproverState.PASSED]
    return t.and_more(names, 3) if names else OFFICES[step.kind]


def waits_for(step: StepFacts) -> str:
    """ "Ben Okafor", "Mia Chen or Omar Said": those who are still asked, for mrkdwn; many are shortened."""
    if 0 < len(step.waits_for) <= 4:
        return still_asked(step)
    return t.and_more([who(one.who) for one in step.waits_for], 3) or OFFICES[step.kind]


def still_asked(step: StepFacts) -> str:
    """All their names: "A or B" where one of them is enough, "A and B" where every one has to agree."""
    names = [who(one.who) for one in step.waits_for]
    return t.joined(names, "and" if len(step.agreed) + len(names) <= step.quorum else "or")


def asks_for(facts: ApprovalFacts) -> str:
    """ "asks for Copilot", "asks to keep Copilot longer"; not escaped."""
    request = facts.request
    if request.kind == RequestKind.EXTENSION:
        return f"asks to keep {t.name(product(request))} longer"
    if request.kind == RequestKind.NEW_PRODUCT:
        return f"asks for something new: {t.name(product(request))}"
    seats = f"{t.plural(request.seats, 'seat')} of " if request.seats > 1 else ""
    return f"asks for {seats}{t.name(product(request))}"


def terms(asked: AskedFacts, request: RequestFacts) -> str:
    """What an approver lowered: "until 31 Jan 2027 instead of 31 Mar 2027, 2 seats"; empty when nothing was."""
    parts = []
    if asked.lowered_until:
        parts.append(f"until {t.day(asked.lowered_until)}")
    if asked.lowered_seats:
        parts.append(t.plural(asked.lowered_seats, "seat"))
    if asked.lowered_tier:
        parts.append(f"as {t.named(asked.lowered_tier)}")
    return ", ".join(parts)


def before(facts: ApprovalFacts) -> str:
    """ "Before: had it from Feb to May 2026, gave it back · has 6 licences · was offered Planner"."""
    parts = [_had(one) for one in facts.history[-2:]]
    if facts.licences is not None:
        parts.append(f"has {t.plural(facts.licences, 'licence') if facts.licences else 'no licences'}")
    if facts.request.alternative_offered:
        parts.append(f"was offered {t.named(facts.request.alternative_offered)}")
    return f"Before: {' · '.join(parts)}" if parts else ""


def _had(one: Held) -> str:
    ended = ", gave it back" if one.gave_back else ""
    return f"had it {t.span(one.began_on, one.ended_on)}{ended}"
