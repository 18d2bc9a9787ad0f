"""What the company allows, who decides, and when people are asked: `policy.yaml` as types.

Every rule carries a number, so that a sentence to a person can say "rule 4" and the person can find it. Parsing, with
file and line in each error, is `workflows.policy_file`. Nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Annotated, Literal

from licensing.money import Rate
from model.people import Role
from model.requests import StepKind
from workflows.policy_alerts import Alerts
from workflows.policy_channels import Channels
from workflows.policy_fields import (
    Amount,
    Between,
    Clock,
    Country,
    Currency,
    Email,
    Employment,
    Guid,
    Key,
    Part,
    RateValue,
    RuleNumber,
    Weekday,
    Words,
)
from workflows.policy_procurement import Procurement
from workflows.policy_reclaim import Reclaim
from workflows.policy_renewals import Renewals

WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as sentences name it."""

    number: int
    words: str

    def __str__(self) -> str:
        return f"rule {self.number}: {self.words}" if self.words else f"rule {self.number}"


class WorkingHours(Part):
    """The hours in which time limits run, in each person's own zone."""

    starts: Clock = time(9)
    ends: Clock = time(17)
    days: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")
    public_holidays: bool = True  # those of the person's country count as days off

    @property
    def weekdays(self) -> frozenset[int]:
        return frozenset(WEEKDAYS.index(day) for day in self.days)


class Deciders(Part):
    """Who is asked in a step: people by e-mail, in order, and after them everybody with one of the roles."""

    people: tuple[Email, ...] = ()
    roles: tuple[Role, ...] = ()
    quorum: Annotated[int, Between(1, 10)] = 1


class Approval(Part):
    """How a request is decided unless a product says otherwise."""

    rule: RuleNumber = 1
    steps: tuple[StepKind, ...] = (StepKind.LINE_MANAGER,)
    line_manager_quorum: Annotated[int, Between(1, 5)] = 1
    product_owner: Deciders = Deciders()  # asked when the product has no owner who can decide
    security: Deciders = Deciders(roles=(Role.SECURITY,))
    finance: Deciders = Deciders(roles=(Role.FINANCE,))
    licence_manager: Deciders = Deciders(roles=(Role.LICENCE_MANAGER,))
    purchase: Deciders = Deciders(roles=(Role.PROCUREMENT,))
    fallback: Deciders = Deciders(roles=(Role.LICENCE_MANAGER,))  # decides when nobody nearer can
    time_limit_hours: Annotated[int, Between(1, 200)] = 12  # working hours until the next in line is asked
    remind_at_percent: tuple[Annotated[int, Between(1, 99)], ...] = (50, 80)
    remind_each_working_day: bool = True
    expire_after_working_days: Annotated[int, Between(1, 60)] = 5

    def deciders(self, kind: StepKind) -> Deciders:
        """The named people and roles of a step; a line manager comes from the directory alone."""
        if kind is StepKind.LINE_MANAGER:
            return Deciders(quorum=self.line_manager_quorum)
        found: Deciders = getattr(self, kind.value)
        return found


class Finance(Part):
    """Above which sum finance decides too. What has no known price or rate is above every sum (rules §5)."""

    rule: RuleNumber = 2
    above: Mapping[Currency, Amount] = {}
    counts: Literal["requests", "purchases"] = "requests"  # purchases: only when a seat must be bought
    sum_over_days: Annotated[int, Between(1, 365)] = 30


class Who(Part):
    """A group of people by what the directory says; an empty list allows all, all given lists must fit."""

    departments: tuple[Words, ...] = ()
    countries: tuple[Country, ...] = ()
    employment: tuple[Employment, ...] = ()
    roles: tuple[Role, ...] = ()


class MayAsk(Part):
    """Who may have a product."""

    rule: RuleNumber
    only: Who
    reason: Words


class NotAllowed(Part):
    """A product nobody gets; `name` is what people call it, `because` short, `alternative` a full sentence."""

    rule: RuleNumber
    name: Words
    because: Words
    alternative: Words | None = None


class Restricted(Part):
    """Security decides too."""

    rule: RuleNumber
    because: Words


class TierLimit(Part):
    """The highest tier a department may have without saying what the lower one lacks."""

    rule: RuleNumber
    departments: tuple[Words, ...] = ()  # empty: all not named by another limit
    highest: Words


class ProductRules(Part):
    """What differs for one product; what is left out follows the general rules."""

    may_ask: MayAsk | None = None
    restricted: Restricted | None = None
    steps: tuple[StepKind, ...] | None = None
    owner_quorum: Annotated[int, Between(1, 10)] = 1
    tiers: tuple[TierLimit, ...] = ()
    max_days: Annotated[int, Between(1, 3650)] | None = None
    max_seats: Annotated[int, Between(1, 50)] | None = None
    group: Key | None = None  # a name in licensing_groups


class PreApproval(Part):
    """A request that needs no decision: a seat is free and all that is stated here holds."""

    rule: RuleNumber
    products: tuple[Key, ...] = ()  # empty: any product
    below: Mapping[Currency, Amount]
    who: Who = Who()
    highest_rank: Annotated[int, Between(1, 99)] | None = None
    max_days: Annotated[int, Between(1, 3650)] | None = None
    max_seats: Annotated[int, Between(1, 50)] = 1


class Conflict(Part):
    """Products one person must not hold together."""

    rule: RuleNumber
    products: tuple[Key, ...]
    because: Words


class Limits(Part):
    """What one request may ask for."""

    rule: RuleNumber = 3
    max_seats: Annotated[int, Between(1, 50)] = 20
    ask_for_more: Email | None = None  # who helps with more; else a licence manager
    max_days: Annotated[int, Between(1, 3650)] | None = None
    why_at_least: Annotated[int, Between(0, 100)] = 10


class LicensingGroup(Part):
    """A directory group that gives a licence to its members. It must state that it does nothing but license."""

    id: Guid
    does_nothing_but_license: Literal[True]


class EndOfTerm(Part):
    notices_days: tuple[Annotated[int, Between(1, 365)], ...] = (14, 3)


class Tasks(Part):
    """Work outside: how long a product owner has for a task, and when IT hears that a system does not answer."""

    limit_hours: Annotated[int, Between(1, 400)] = 24  # working hours
    tell_it_after_hours: Annotated[int, Between(1, 72)] = 4


class Mail(Part):
    """What decides whether losing a mailbox may be confirmed (rules §7)."""

    held_list_max_age_days: Annotated[int, Between(1, 30)] = 30
    large_mailbox_gb: Annotated[int, Between(1, 50)] = 50
    deleted_after_days: Annotated[int, Between(1, 30)] = 30


class Messages(Part):
    """How often and when people hear from us unasked (rules §10)."""

    a_day_at_most: Annotated[int, Between(1, 3)] = 3
    digest_at: Clock = time(9)
    one_list_above: Annotated[int, Between(1, 20)] = 4  # more open decisions than this become one list


class Safe(Part):
    """Which open decisions "approve the safe ones" takes. A seat must be free and nothing extra to pay, always."""

    rule: RuleNumber = 8
    below: Mapping[Currency, Amount] = {}
    restricted: Literal[False] = False
    max_seats: Annotated[int, Between(1, 20)] = 1


class InventoryRules(Part):
    """When a device counts as silent, and how much a source of inventories may grow before a person must look."""

    stale_after_days: Annotated[int, Between(1, 365)] = 30
    growth_back_to_observe_percent: Annotated[int, Between(1, 1000)] = 50  # new devices in a day
    growth_from_devices: Annotated[int, Between(1, 10_000)] = 20  # fewer new ones are never a jump


class ExchangeRate(Part):
    """One `base` is `rate` of `quote`; stated by the company, with day and source."""

    base: Currency
    quote: Currency
    rate: RateValue
    on: date
    source: Words


class CloseCode(Part):
    state: Words
    close_code: Words | None = None


class CloseCodes(Part):
    """How a record is closed there for each outcome here; the values are those of the company's own instance.

    `resolved` is for incidents, whatever the outcome: they have states of their own, and people close them.
    """

    fulfilled: CloseCode = CloseCode(state="3")
    denied: CloseCode = CloseCode(state="4")
    cancelled: CloseCode = CloseCode(state="7")
    incomplete: CloseCode = CloseCode(state="4")
    resolved: CloseCode = CloseCode(state="6", close_code="Solution provided")


class ServiceNow(Part):
    """Where our records go on the company's instance; nothing about it is fixed in the program."""

    request_item: bool = True  # each request is kept there as a requested item
    # catalogue items to order through, by sys_id; without one a record is made in the table itself
    record_catalogue_item: Words | None = None
    purchase_catalogue_item: Words | None = None  # when a product names none of its own
    new_product_catalogue_item: Words | None = None
    table: Literal["incident", "sc_request", "sc_req_item", "sc_task"] = "incident"
    category: Words | None = None
    assignment_group: Words | None = None
    impact: Annotated[int, Between(1, 3)] = 3
    urgency: Annotated[int, Between(1, 3)] = 3
    close_codes: CloseCodes = CloseCodes()
    catalogue_approval_above: Mapping[Currency, Amount] = {"USD": Decimal(1000)}
    requests_an_hour: Annotated[int, Between(60, 100_000)] = 600  # a quarter is kept for what we write


class Policy(Part):
    """The whole policy. A file that leaves everything out is valid: the line manager decides."""

    version: Literal[1] = 1
    working_hours: WorkingHours = WorkingHours()
    approval: Approval = Approval()
    finance: Finance = Finance()
    limits: Limits = Limits()
    products: Mapping[Key, ProductRules] = {}
    not_allowed: tuple[NotAllowed, ...] = ()
    pre_approved: tuple[PreApproval, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    safe: Safe = Safe()
    licensing_groups: Mapping[Key, LicensingGroup] = {}
    often_asked_for: Mapping[Words, tuple[Key, ...]] = {}
    end_of_term: EndOfTerm = EndOfTerm()
    draft_kept_hours: Annotated[int, Between(1, 168)] = 24
    messages: Messages = Messages()
    tasks: Tasks = Tasks()
    mail: Mail = Mail()
    inventory: InventoryRules = InventoryRules()
    rates: tuple[ExchangeRate, ...] = ()
    servicenow: ServiceNow = ServiceNow()
    channels: Channels = Channels()
    alerts: Alerts = Alerts()
    reclaim: Reclaim = Reclaim()
    renewals: Renewals = Renewals()
    procurement: Procurement = Procurement()

    def channel_for(self, purpose: str) -> str:
        """The channel of a purpose, or of a department's own ("team:Design"); "" when the file names none."""
        team = purpose.removeprefix("team:")
        return self.channels.of(purpose) if team == purpose else self.procurement.channel_of(team)

    def product(self, key: str) -> ProductRules:
        """The rules of one product; the general ones when the file does not name it."""
        return self.products.get(key) or ProductRules()

    def steps_for(self, key: str) -> tuple[StepKind, ...]:
        own = self.product(key).steps
        return self.approval.steps if own is None else own

    def not_allowed_for(self, *names: str) -> NotAllowed | None:
        """The ban that names a product by any of `names` (key or name), without regard to case."""
        asked = {name.casefold() for name in names if name}
        return next((ban for ban in self.not_allowed if ban.name.casefold() in asked), None)

    def seats_at_most(self, key: str) -> int:
        own = self.product(key).max_seats
        return self.limits.max_seats if own is None else own

    def days_at_most(self, key: str) -> int | None:
        own = self.product(key).max_days
        return self.limits.max_days if own is None else own

    def tier_limit(self, key: str, department: str) -> TierLimit | None:
        limits = self.product(key).tiers
        own = next((limit for limit in limits if fits_any(department, limit.departments)), None)
        return own or next((limit for limit in limits if not limit.departments), None)

    def group_of(self, key: str) -> LicensingGroup | None:
        name = self.product(key).group
        return None if name is None else self.licensing_groups.get(name)

    def dated_rates(self) -> tuple[Rate, ...]:
        return tuple(Rate(rate.base, rate.quote, rate.rate, rate.on, rate.source) for rate in self.rates)

    def often_for(self, department: str) -> tuple[str, ...]:
        """Keys of the products this department asks for often."""
        wanted = department.casefold()
        return next((keys for name, keys in self.often_asked_for.items() if name.casefold() == wanted), ())

    def rules(self) -> Iterator[tuple[Rule, tuple[str | int, ...]]]:
        """Every numbered rule with its words and where it stands in the file."""
        yield Rule(self.approval.rule, "who decides"), ("approval", "rule")
        yield Rule(self.finance.rule, "finance above a sum"), ("finance", "rule")
        yield Rule(self.limits.rule, "what one request may ask for"), ("limits", "rule")
        yield Rule(self.safe.rule, "what is safe to approve together"), ("safe", "rule")
        yield Rule(self.alerts.rule, "what deserves a red alert"), ("alerts", "rule")
        yield Rule(self.renewals.rule, "when renewals are told and what is kept spare"), ("renewals", "rule")
        yield Rule(self.procurement.rule, "what procurement hears of"), ("procurement", "rule")
        for key, product in self.products.items():
            if product.may_ask:
                yield Rule(product.may_ask.rule, product.may_ask.reason), ("products", key, "may_ask", "rule")
            if product.restricted:
                yield Rule(product.restricted.rule, product.restricted.because), ("products", key, "restricted", "rule")
            for index, tier in enumerate(product.tiers):
                yield Rule(tier.rule, f"up to {tier.highest}"), ("products", key, "tiers", index, "rule")
        for index, ban in enumerate(self.not_allowed):
            yield Rule(ban.rule, ban.because), ("not_allowed", index, "rule")
        for index, free in enumerate(self.pre_approved):
            yield Rule(free.rule, "approved without asking"), ("pre_approved", index, "rule")
        for index, conflict in enumerate(self.conflicts):
            yield Rule(conflict.rule, conflict.because), ("conflicts", index, "rule")
        for number, words, path in self.reclaim.rules():
            yield Rule(number, words), path


def fits_any(value: str, allowed: tuple[str, ...]) -> bool:
    """Whether `value` is in the list, without regard to case; an empty list fits nothing."""
    return value.casefold() in {each.casefold() for each in allowed}
