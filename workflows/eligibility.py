"""Who may ask for what, checked when a form is sent: a sentence for each field that needs a correction.

Field names are those of the form: product, tier, people, count, until, why. An empty answer means the form is fine.
The sentences are those of the wording guide, §2.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from licensing.words import and_more, day, first_name, isolate, plural
from workflows.facts import PersonFacts
from workflows.policy import Policy

LONGEST_WHY = 500


@dataclass(frozen=True, slots=True)
class Held:
    """A seat somebody has now; `until` None is to the end of the contract."""

    person_id: int
    product_key: str
    product_name: str
    until: date | None = None


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request for this product that is not settled, and who it waits for."""

    person_id: int
    asked_on: date
    waits_for: str


@dataclass(frozen=True, slots=True)
class FormFacts:
    """What somebody asks for, and what is known about them and the product.

    `tiers` are the product's tiers with their rank, higher is more. `approver` and `helper` are full names; the helper
    is who to ask beyond the limits. `extends_until` is set when a seat with an end is to be kept longer.
    """

    requester: PersonFacts
    product_key: str | None
    product_name: str
    people: tuple[PersonFacts, ...]
    seats: int
    why: str
    unknown_people: tuple[str, ...] = ()
    tier: str = ""
    tiers: Mapping[str, int] = field(default_factory=dict)
    until: date | None = None
    term_ends: date | None = None
    held: tuple[Held, ...] = ()
    open_requests: tuple[OpenRequest, ...] = ()
    approver: str = ""
    helper: str = ""
    extends_until: date | None = None


def check(facts: FormFacts, policy: Policy, today: date) -> dict[str, str]:
    """What to correct, by field; one sentence or two per field, the most important first."""
    if facts.product_key is None:
        return {"product": "Choose a product from the list, or “Something else”."}
    wrong: dict[str, str] = {}
    for name, words in (
        *_product(facts, policy),
        *_people(facts, policy),
        *_tier(facts, policy),
        *_count(facts, policy),
        *_until(facts, policy, today),
        *_why(facts, policy),
    ):
        wrong.setdefault(name, words)
    return wrong


def check_named(facts: FormFacts, policy: Policy) -> tuple[str, ...]:
    """What stands between people and seats that were approved before their holders had a name, most telling first.

    The product, the people and their tiers are looked at as in the form; number, end and use were decided by then.
    """
    found = [words for _, words in (*_product(facts, policy), *_people(facts, policy))]
    found += [f"{team} may have {highest}. Remove the name." for team, highest in _above(facts, policy)]
    return tuple(dict.fromkeys(found))


def not_allowed(policy: Policy, product_key: str, product_name: str) -> str | None:
    """ "Dropbox may not be used here (policy 4: customer data). OneDrive does …"; None when nothing bans it."""
    ban = policy.not_allowed_for(product_key, product_name)
    if ban is None:
        return None
    sentence = f"{product_name or ban.name} may not be used here (policy {ban.rule}: {ban.because})."
    return f"{sentence} {ban.alternative}" if ban.alternative else sentence


def may_have(person: PersonFacts, product_key: str, policy: Policy) -> str | None:
    """The rule that keeps a product from somebody: "policy 5: …"; None when they may have it."""
    rule = policy.product(product_key).may_ask
    return None if rule is None or person.fits(rule.only) else f"policy {rule.rule}: {rule.reason}"


def latest_day(facts: FormFacts, policy: Policy, today: date) -> date | None:
    """The last day that can be asked for: the end of the contract, or earlier by policy; None without either."""
    longest = policy.days_at_most(facts.product_key or "")
    begins = facts.extends_until or today
    ends = [facts.term_ends, begins + timedelta(days=longest) if longest is not None else None]
    return min((end for end in ends if end is not None), default=None)


def _product(facts: FormFacts, policy: Policy) -> Iterator[tuple[str, str]]:
    key = facts.product_key or ""
    banned = not_allowed(policy, key, facts.product_name)
    if banned is not None:
        yield "product", banned
    if facts.requester not in facts.people:
        return
    yield from (("product", words) for words in _personal(facts, facts.requester, policy))


def _people(facts: FormFacts, policy: Policy) -> Iterator[tuple[str, str]]:
    if facts.unknown_people:
        names = and_more([isolate(name) for name in facts.unknown_people], 3)
        one = len(facts.unknown_people) == 1
        verb, noun, it = ("is", "name", "it") if one else ("are", "names", "them")
        yield "people", f"{names} {verb} not in the staff directory. Remove the {noun}, or ask IT to add {it}."
    for person in facts.people:
        if not person.active:
            yield "people", f"{isolate(person.name)} has left. Remove the name."
        if person.id != facts.requester.id:
            yield from (("people", f"{words} Remove the name.") for words in _personal(facts, person, policy))


def _personal(facts: FormFacts, person: PersonFacts, policy: Policy) -> Iterator[str]:
    """What stands between one person and the product, most telling first."""
    key, you = facts.product_key or "", person.id == facts.requester.id
    name = isolate(person.name)
    rule = may_have(person, key, policy)
    if rule is not None:
        whom = "your team" if you else name
        ending = f" {facts.helper} can tell you more." if you and facts.helper else ""
        yield f"{facts.product_name} is not open to {whom} ({rule}).{ending}"
    own = [seat for seat in facts.held if seat.person_id == person.id]
    same = next((seat for seat in own if seat.product_key == key), None)
    if same is not None and facts.extends_until is None:
        until = f", until {day(same.until)}" if same.until else ", until the contract ends"
        longer = " To keep it longer, open Home and choose it." if you and same.until else ""
        yield f"{'You already have' if you else f'{name} already has'} this{until}.{longer}"
    waiting = next((one for one in facts.open_requests if one.person_id == person.id), None)
    if waiting is not None:
        asked = "You asked for this" if you else f"This was asked for {name}"
        waits = f"; it waits for {isolate(waiting.waits_for)}" if waiting.waits_for else ""
        yield f"{asked} on {day(waiting.asked_on)}{waits}."
    for conflict in policy.conflicts:
        if key not in conflict.products:
            continue
        other = next((seat for seat in own if seat.product_key in conflict.products and seat.product_key != key), None)
        if other is not None:
            have, back = ("You have", " Give that back first.") if you else (f"{name} has", "")
            why = f"policy {conflict.rule}: {conflict.because}"
            yield f"{have} {other.product_name}, and nobody may hold both ({why}).{back}"


def _tier(facts: FormFacts, policy: Policy) -> Iterator[tuple[str, str]]:
    if not facts.tiers:
        return
    if facts.tier not in facts.tiers:
        yield "tier", "Choose a tier."
        return
    for team, highest in _above(facts, policy):
        yield "tier", f"{team} may have {highest}. For {facts.tier}, say below what {highest} lacks."


def _above(facts: FormFacts, policy: Policy) -> Iterator[tuple[str, str]]:
    """Teams whose own limit is below the tier, with that limit; saying what the smaller tier lacks lifts it."""
    for person in facts.people or (facts.requester,):
        limit = policy.tier_limit(facts.product_key or "", person.department)
        if limit is None or facts.tier not in facts.tiers:
            continue
        # a name that is no tier of the product opens none: only the lowest is below it for sure
        above = facts.tiers[facts.tier] > facts.tiers.get(limit.highest, min(facts.tiers.values()))
        # saying what the smaller tier lacks means naming it
        if above and limit.highest.casefold() not in facts.why.casefold():
            yield (
                "Your team" if person.department == facts.requester.department else person.department or "This team",
                limit.highest,
            )


def _count(facts: FormFacts, policy: Policy) -> Iterator[tuple[str, str]]:
    most = policy.seats_at_most(facts.product_key or "")
    if facts.seats < 1:
        yield "count", "Ask for 1 seat or more."
    if facts.seats > most or len(facts.people) > most:
        yield "count", f"At most {most} at once.{f' For more, ask {isolate(facts.helper)}.' if facts.helper else ''}"
    if facts.seats < len(facts.people):
        named = plural(len(facts.people), "person", "people")
        yield "count", f"You named {named}: ask for {plural(len(facts.people), 'seat')} or more."


def _until(facts: FormFacts, policy: Policy, today: date) -> Iterator[tuple[str, str]]:
    first = max(today, facts.extends_until or today) + timedelta(days=1)
    last = latest_day(facts, policy, today)
    if last is not None and last < first:
        whom = f" Ask {isolate(facts.helper)}." if facts.helper else ""
        yield "until", f"{day(last)} is the last day a seat can be given for; there is no later one.{whom}"
    elif facts.until is not None and (facts.until < first or (last is not None and facts.until > last)):
        yield "until", f"Choose a day from {day(first)} {f'to {day(last)}' if last else 'on'}."
    elif facts.until is None and last is not None and (facts.term_ends is None or last < facts.term_ends):
        yield "until", f"Choose a day from {day(first)} to {day(last)}."


def _why(facts: FormFacts, policy: Policy) -> Iterator[tuple[str, str]]:
    least = policy.limits.why_at_least
    if len(facts.why.strip()) < least:
        so_that = f"{isolate(first_name(facts.approver))} need not ask" if facts.approver else "nobody needs to ask"
        yield "why", f"Write at least {least} characters, so that {so_that}."
    elif len(facts.why) > LONGEST_WHY:
        yield "why", f"Write at most {LONGEST_WHY} characters; {len(facts.why) - LONGEST_WHY:,} are too many."
