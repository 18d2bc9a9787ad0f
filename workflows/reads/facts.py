"""The values that cards, Home and the web are drawn from. Nothing here reads or writes; the queries stand beside.

A field that may be None has a neighbour `..._unknown` with the reason, in words for the reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from licensing.money import Cycle, Money, Share, yearly
from model.requests import NAMEABLE, ApproverState, LineState, RequestKind, Status, StepKind, StepState

#: Why the surfaces cannot say how many seats look idle.
USE_NOT_READ = "no report of use is connected yet"


@dataclass(frozen=True)
class Who:
    """A person as a sentence names them."""

    id: int
    name: str
    team: str
    email: str
    slack_id: str | None
    time_zone: str
    active: bool


@dataclass(frozen=True)
class Price:
    """The price in force for one unit of a SKU, and until when the term it belongs to runs."""

    unit: Money | None
    cycle: Cycle
    ends_on: date | None
    unknown: str = ""  # why `unit` is None

    @property
    def yearly(self) -> Money | None:
        return None if self.unit is None else yearly(self.unit, self.cycle)

    def runs_to(self, today: date) -> date | None:
        """The end of a term that still runs; None for one without an end, and after it."""
        return self.ends_on if self.ends_on is not None and self.ends_on >= today else None


@dataclass(frozen=True)
class SeatNumbers:
    """Seats of a SKU: `bought` None with `unlimited`, or None because nothing says how many."""

    bought: int | None
    in_use: int
    reserved: int
    free: int | None
    waiting: int  # seats wanted by requests in the queue
    unlimited: bool
    source: str  # "Microsoft 365" or "the licence register"
    read_at: datetime | None
    unknown: str = ""  # why `bought` is None although there is a limit

    @property
    def free_for_new(self) -> int | None:
        """Free seats that nobody in the queue comes first for; None without a limit or when not known."""
        return None if self.free is None else max(0, self.free - self.waiting)

    def enough_for(self, seats: int) -> bool:
        """Whether an approval now would get that many seats at once; False when it is not known."""
        return self.unlimited or (self.free_for_new is not None and self.free_for_new >= seats)


@dataclass(frozen=True)
class Charge:
    """What approving spends. `to_end` None means not known (`unknown` says why); with `buys` 0 nothing is spent."""

    buys: int
    to_end: Money | None
    ends_on: date | None
    share: Share | None  # "129 of 365 days"
    then_yearly: Money | None
    unknown: str = ""

    @property
    def nothing(self) -> bool:
        return self.buys == 0


@dataclass(frozen=True)
class BudgetLeft:
    """A cost centre's money for software this year, in the currency of the price."""

    cost_centre: str
    left: Money | None
    unknown: str = ""

    def over(self, charge: Charge) -> Money | None:
        """By how much the charge would exceed it; None when it would not, or cannot be said."""
        if self.left is None or charge.to_end is None or charge.to_end.currency != self.left.currency:
            return None
        return charge.to_end - self.left if charge.to_end > self.left else None


@dataclass(frozen=True)
class Held:
    """A time in which a person had the product before."""

    began_on: date
    ended_on: date
    gave_back: bool


@dataclass(frozen=True)
class LineFacts:
    """One seat of a request. `who` None: the holder is named later."""

    id: int
    who: Who | None
    state: LineState
    words: str
    granted_at: datetime | None


@dataclass(frozen=True)
class AskedFacts:
    """A person asked in a step, with what they did."""

    id: int
    who: Who
    because: str
    stands_in_for: Who | None
    stands_in_until: date | None  # last day of that person's absence
    state: ApproverState
    asked_at: datetime
    reminders: int
    decided_at: datetime | None
    words: str
    lowered_until: date | None
    lowered_seats: int | None
    lowered_tier: str
    handed_on: bool  # named by another approver of the step, not by the time limit


@dataclass(frozen=True)
class StepFacts:
    """One decision of a request."""

    id: int
    position: int
    kind: StepKind
    because: str
    quorum: int
    state: StepState
    opened_at: datetime | None
    due_at: datetime | None
    escalations: int
    decided_at: datetime | None
    asked: tuple[AskedFacts, ...]

    @property
    def waits_for(self) -> tuple[AskedFacts, ...]:
        return tuple(one for one in self.asked if one.state == ApproverState.ASKED)

    @property
    def agreed(self) -> tuple[AskedFacts, ...]:
        return tuple(one for one in self.asked if one.state == ApproverState.AGREED)

    @property
    def nobody_left(self) -> bool:
        """Open, and too few people are asked to reach the quorum: somebody must be named."""
        return self.state == StepState.OPEN and len(self.agreed) + len(self.waits_for) < self.quorum


@dataclass(frozen=True)
class RequestFacts:
    """A request with its lines and steps: what every message about it needs."""

    id: int
    reference: str
    version: int
    kind: RequestKind
    status: Status
    requester: Who
    product_id: int | None
    product: str
    sku_id: int | None
    tier: str  # empty when the product has one tier only
    seats: int
    until_on: date | None
    reason: str
    frequency: str
    alternative_offered: str
    cost_centre: str
    purchase: bool
    pre_approved_rule: str
    question: str
    question_by: Who | None
    question_at: datetime | None
    urgent_reason: str
    created_at: datetime
    submitted_at: datetime | None
    decided_at: datetime | None
    queued_at: datetime | None
    closed_at: datetime | None
    nudged_at: datetime | None
    closing_words: str
    extends_until: date | None  # present end of the seat an extension speaks of
    details: dict[str, str]
    lines: tuple[LineFacts, ...]
    steps: tuple[StepFacts, ...]
    closed_by: Who | None = None  # gave it up in the place of whoever asked

    @property
    def holders(self) -> tuple[Who, ...]:
        """Those who would get a seat, or got one."""
        return tuple(line.who for line in self.lines if line.who is not None)

    @property
    def open_step(self) -> StepFacts | None:
        return next((step for step in self.steps if step.state == StepState.OPEN), None)

    @property
    def for_self_only(self) -> bool:
        return all(line.who is not None and line.who.id == self.requester.id for line in self.lines)

    @property
    def unnamed(self) -> int:
        """Seats that are given, or being given, and whose holder can be named now."""
        return sum(line.who is None and line.state in NAMEABLE for line in self.lines)

    @property
    def given(self) -> tuple[LineFacts, ...]:
        return tuple(line for line in self.lines if line.state == LineState.GRANTED)


@dataclass(frozen=True)
class AfterApproval:
    """Purchases held against everything in use, once this is approved. `bought` None: without limit."""

    in_use: Decimal
    bought: Decimal | None
    free: Decimal
    short: Decimal
    by_device: bool = False
    at_least: bool = False
    idle: int | None = None  # units that look idle now; None: nothing says who uses it
    use_unknown: int = 0  # units of which nobody can say


@dataclass(frozen=True)
class ApprovalFacts:
    """Everything an approval card says, for one person asked."""

    request: RequestFacts
    step: StepFacts
    asked: AskedFacts
    numbers: SeatNumbers | None  # None for a product the company does not own
    price: Price
    charge: Charge
    budget: BudgetLeft
    can_buy: bool  # the product has an order form, or an order is a task for somebody
    orders: Who | None  # who confirms the order after the money was approved
    use_unknown: str  # why nobody can say how many seats look idle
    history: tuple[Held, ...]  # of the person who would hold it
    licences: int | None  # how many that person has; None for several people
    overlap: tuple[str, ...]  # products that person holds which do part of this
    next_if_silent: Who | None
    passed_to: tuple[AskedFacts, ...]
    after_this: tuple[StepFacts, ...]
    safe: bool  # a seat is free, nothing is spent, nothing special: may be approved in one go with others
    then: AfterApproval | None = None  # on a single open card only: a list does not say it


@dataclass(frozen=True)
class DecisionsFacts:
    """All that waits for one person, oldest deadline first."""

    who: Who
    open: tuple[ApprovalFacts, ...]

    @property
    def safe(self) -> tuple[ApprovalFacts, ...]:
        """Those that are safe together: two requests for one last free seat are not both."""
        left: dict[int, int | None] = {}
        chosen = []
        for one in self.open:
            sku_id, numbers = one.request.sku_id, one.numbers
            if not one.safe or sku_id is None or numbers is None:
                continue
            free = left.setdefault(sku_id, numbers.free_for_new)
            if free is not None:
                if free < one.request.seats:
                    continue
                left[sku_id] = free - one.request.seats
            chosen.append(one)
        return tuple(chosen)


@dataclass(frozen=True)
class QueuePlace:
    """Where a request stands in its queue. `usual_days` is the middle of earlier waits in working days."""

    place: int
    of: int
    usual_days: int | None
    usual_unknown: str = ""
    taken: int | None = None  # all seats there are
    asked: int = 0  # holders of idle seats who were asked while it waits
    asked_at: datetime | None = None  # when the first of them was


@dataclass(frozen=True)
class TicketFacts:
    """A ServiceNow record of the request, in people's words."""

    number: str | None
    purpose: str
    state: str
    waits_for_approval_there: bool
    closing_words: str
    comment: str = ""  # the newest that people there wrote for the caller
    reopened: bool = False


@dataclass(frozen=True)
class Told:
    """Who heard that a request waits for a person ("IT"), and when."""

    whom: str
    at: datetime


@dataclass(frozen=True)
class ProgressFacts:
    """Everything the requester's own card says."""

    request: RequestFacts
    queue: QueuePlace | None
    tickets: tuple[TicketFacts, ...]
    owner: Who | None  # looks after the product
    task_with: Who | None  # does the giving by hand
    guide_url: str | None
    ready_hint: str
    until_on: date | None  # last day of the seat as agreed; None: to the end of the contract
    term_ends_on: date | None
    alternative: str  # what the person may use instead
    told: Told | None = None  # people heard that it waits for one of them

    @property
    def ends_on(self) -> date | None:
        return self.until_on or self.term_ends_on


@dataclass(frozen=True)
class RequestRow:
    """A request as one line of a list."""

    id: int
    reference: str
    version: int
    status: Status
    product: str
    waits_for: tuple[str, ...]
    due_at: datetime | None
    queue: QueuePlace | None
    closed_at: datetime | None
    unnamed: int = 0  # seats whose holder can be named now
