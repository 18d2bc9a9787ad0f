"""What routing and eligibility are told, and what they answer: plain frozen values, no rows and no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from licensing.business_time import zone_of
from licensing.money import Money, Sums
from licensing.words import day
from model.people import Role
from model.requests import StepKind
from workflows.policy import Rule, Who, fits_any


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """A person as the staff directory has them. Absence counts from the first to the last day, both included."""

    id: int
    name: str
    email: str = ""
    manager_id: int | None = None
    active: bool = True
    absent_from: date | None = None
    absent_until: date | None = None  # None with a first day: away until further notice
    deputy_id: int | None = None  # stands in while absent
    roles: frozenset[Role] = frozenset()
    department: str = ""
    country: str = ""
    time_zone: str = "UTC"
    employment: str = "employee"
    leaves_on: date | None = None
    reachable: bool = True  # False: no Slack account, and no mail is set up for a signed link

    def today(self, now: datetime) -> date:
        return now.astimezone(zone_of(self.time_zone)).date()

    def is_away(self, now: datetime) -> bool:
        today = self.today(now)
        begun = self.absent_from is None or self.absent_from <= today
        if self.absent_until is None:
            return self.absent_from is not None and begun
        return begun and today <= self.absent_until

    def has_left(self, now: datetime) -> bool:
        return not self.active or (self.leaves_on is not None and self.leaves_on < self.today(now))

    def cannot_be_asked(self, now: datetime) -> str | None:
        """Why this person cannot decide now, in words that follow the name; None when they can."""
        if self.has_left(now):
            return "has left"
        if self.is_away(now):
            return f"is away until {day(self.absent_until)}" if self.absent_until else "is away"
        return None if self.reachable else "has no Slack account"

    def fits(self, who: Who) -> bool:
        """Whether the person is in a group that policy describes; employment unknown to it never fits."""
        return (
            (not who.departments or fits_any(self.department, who.departments))
            and (not who.countries or fits_any(self.country, who.countries))
            and (not who.employment or self.employment in who.employment)
            and (not who.roles or bool(self.roles & set(who.roles)))
        )


#: Everybody routing may need: those of the request, the managers above them, deputies, owners, and holders of roles.
Directory = Mapping[int, PersonFacts]


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """A request as routing sees it.

    `cost` is what it costs to the end of the term, None when price or rate is not known; `recent` the same for the
    other requests for this product and cost centre in policy's 30 days, so that splitting a request changes nothing.
    """

    requester_id: int
    beneficiary_ids: tuple[int, ...]  # empty: the holders are named later
    product_key: str | None  # None: software the company does not own
    product_name: str
    owner_id: int | None = None
    seats: int = 1
    free_seats: int | None = None  # None: not known
    cost: Money | None = None
    recent: Sums = field(default_factory=Sums)
    tier_rank: int = 1
    days: int | None = None  # None: to the end of the contract
    is_extension: bool = False
    purchase_needed: bool = False
    over_budget: bool = False
    sensitive_data: bool = False  # of a product not owned: it would hold data about people or customers

    @property
    def excluded(self) -> frozenset[int]:
        """Nobody decides on what they asked for or would get."""
        return frozenset((self.requester_id, *self.beneficiary_ids))

    @property
    def total(self) -> Sums:
        return self.recent.plus(self.cost)


@dataclass(frozen=True, slots=True)
class Asked:
    """A person to ask, why (second person: "You manage …"), and for whom they stand in."""

    person_id: int
    because: str
    stands_in_for_id: int | None = None


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One decision: `quorum` of `asked` must agree. Fewer asked than the quorum means the step is stuck."""

    kind: StepKind
    because: str
    quorum: int
    asked: tuple[Asked, ...]

    @property
    def is_stuck(self) -> bool:
        return len(self.asked) < self.quorum


@dataclass(frozen=True, slots=True)
class Stuck:
    """A step nobody is left for. Never an approval: the licence managers are shown `words` and must name somebody."""

    kind: StepKind
    words: str


@dataclass(frozen=True, slots=True)
class Route:
    """Who decides. Either `pre_approved` names a rule and there are no steps, or there is at least one step."""

    steps: tuple[PlannedStep, ...]
    pre_approved: Rule | None = None
    skipped: tuple[str, ...] = ()  # who was passed over and why, for the record and the card
    stuck: tuple[Stuck, ...] = ()


@dataclass(frozen=True, slots=True)
class StepFacts:
    """An open step at the moment of a press or when its time is up."""

    kind: StepKind
    request: RequestFacts
    asked_ids: tuple[int, ...]  # whose answer is awaited now
    tried_ids: frozenset[int] = frozenset()  # asked at any time in this step
    agreed_ids: frozenset[int] = frozenset()  # agreed in this step
    handed_on_ids: frozenset[int] = frozenset()  # named by an approver, so their right comes from that
    elsewhere_ids: frozenset[int] = frozenset()  # asked now in another open or later step
    decided_elsewhere_ids: frozenset[int] = frozenset()  # decided another step of this request
    money_approved_ids: frozenset[int] = frozenset()  # approved the money: finance, or pressed "Approve and buy"

    @property
    def barred(self) -> frozenset[int]:
        """Who may not be asked in this step, whatever their place."""
        taken = self.elsewhere_ids | self.decided_elsewhere_ids | self.agreed_ids
        return self.request.excluded | taken | self.money_barred

    @property
    def money_barred(self) -> frozenset[int]:
        return self.money_approved_ids if self.kind is StepKind.PURCHASE else frozenset()
