"""The values a renewal's brief is drawn from; `renewal_brief` reads them. Unknown is None, and never 0 (rules §9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from licensing.money import Cycle, Money, Sums, yearly
from licensing.renewal.dates import DecideBy, Due, Occasion
from licensing.renewal.offer import Suggestion
from licensing.renewal.windows import Decision
from model.renewals import RenewalState
from workflows.reads.facts import Who
from workflows.renewals.chart import SeatsChart
from workflows.renewals.outlook import Outlook
from workflows.renewals.renewal import UNDECIDED, reference


@dataclass(frozen=True)
class LineFacts:
    """One purchase that renews."""

    entitlement_id: int | None
    product: str
    quantity: int | None  # None: unlimited, or not recorded
    unit_price: Money | None
    cycle: Cycle
    announced: Money | None = None  # what a unit will cost from the next term on, as its vendor said
    rise: Decimal | None = None  # per cent above today's price, where the two can be compared


@dataclass(frozen=True)
class UseFacts:
    """How the product is used today. `peak` is the fullest month on record."""

    in_use: int | None
    peak: tuple[date, int] | None
    idle: int | None
    unknown: int
    free: int | None
    short: int | None
    exposed: Sums | None  # money at risk of what is short
    counted_by: str  # "seats", or "units" where a period is counted
    least: int | None = None  # where names nobody settled may be it: what is in use without them
    undecided: int = 0  # and how many they would add


@dataclass(frozen=True)
class ProductFacts:
    """What a contract holds of one product and tier: its purchases together, how they are used, what would do."""

    name: str
    product_id: int | None
    sku_id: int | None
    lines: tuple[LineFacts, ...]
    use: UseFacts
    suggestion: Suggestion | None
    suggestion_unknown: str
    next_costs: Sums  # of the next term as it is
    reported: int | None = None  # units a true-up or statement reports; None: not known, or none is due

    @property
    def quantity(self) -> int | None:
        """Units of all its purchases; None where one is unlimited or has no number."""
        units = [one.quantity for one in self.lines]
        return None if None in units else sum(one for one in units if one is not None)

    @property
    def costs_nothing(self) -> bool:
        """Whether its units are free of charge: then none of them is worth counting."""
        return bool(self.lines) and all(one.unit_price is not None and not one.unit_price for one in self.lines)

    @property
    def suggested(self) -> int | None:
        return self.suggestion.seats if self.suggestion is not None else None

    @property
    def reducible(self) -> int | None:
        """Units fewer that the suggestion leaves; None when one of the two is not known."""
        if self.costs_nothing:
            return 0
        if self.suggested is None or self.quantity is None:
            return None
        return max(0, self.quantity - self.suggested)

    @property
    def saves_a_year(self) -> Money | None:
        """What those units cost a year at today's prices, the dearest purchase first; None where one is not known."""
        fewer, found = self.reducible, None
        if fewer is None:
            return None
        for line in sorted(self.lines, key=lambda one: one.unit_price.amount if one.unit_price else 0, reverse=True):
            part = min(fewer, line.quantity or 0)
            each = yearly(line.unit_price, line.cycle) if line.unit_price is not None else None
            if part and (each is None or (found is not None and found.currency != each.currency)):
                return None
            if part and each is not None:
                found = each * part if found is None else found + each * part
            fewer -= part
        return found


@dataclass(frozen=True)
class MoneyFacts:
    """What the next term costs as it is, and what all others left of the budget of the year it begins in."""

    total: Sums
    budget: Money | None
    budget_unknown: str
    cost_centre: str

    @property
    def left(self) -> str:
        """ "€4,000.00 left", "€120.00 overspent"; "" when it is not known."""
        if self.budget is None:
            return ""
        return f"{-self.budget} overspent" if self.budget.amount < 0 else f"{self.budget} left"


@dataclass(frozen=True)
class CampaignNote:
    """The asking that makes a reduction possible."""

    id: int
    listed: int
    begins_on: date | None  # None: it has begun
    over: bool
    late: bool
    words: str


@dataclass(frozen=True)
class DecisionFacts:
    """What was decided, by whom, whose word is missing, and what shows that it was done."""

    id: int
    verdict: str
    quantity: int | None
    product: str  # whose units, of several; "" for all
    words: str
    by: Who
    at: datetime
    total: Money | None
    over_budget: bool
    waits_for: tuple[tuple[Who, ...], ...]  # of each open step, those of whom one can agree
    because: tuple[str, ...]
    not_before: date | None
    carry_out_by: date | None
    ticket: str
    ticket_state: str
    sent_by: Who | None
    sent_on: date | None
    sent_how: str
    verified_at: datetime | None
    verified_by: str
    campaign: CampaignNote | None
    entitlement_id: int | None = None  # whose units a reduction is about
    document: str = ""  # the confirmation: a file's name, or a link
    awaits_file: str = ""  # name of a file that was attached and is being fetched

    def waits_on(self, person_id: int | None) -> bool:
        """Whether somebody's word is one of those missing."""
        return any(one.id == person_id for step in self.waits_for for one in step)


@dataclass(frozen=True)
class BriefFacts:
    """One renewal, with everything its card, its windows and its notice say."""

    id: int
    version: int
    state: RenewalState
    due: Due
    vendor: str
    contract: str  # its number; "" for a subscription as Microsoft lists it
    lines: tuple[LineFacts, ...]
    main: LineFacts | None  # the dearest; figures below are its product's
    product_id: int | None
    owner: Who | None
    senders: tuple[Who, ...]  # who gets the ticket and sends the notice
    auto_renew: bool
    receipt_counts: bool
    next_term: tuple[date, date] | None
    floor: int | None
    use: UseFacts
    money: MoneyFacts
    suggestion: Suggestion | None
    suggestion_unknown: str
    outlook: Outlook | None
    chart: SeatsChart | None
    missing: str
    missing_by: str
    words: str
    deferred_until: date | None
    decision: DecisionFacts | None
    needs_freed: int | None = None  # of a decided reduction: seats still in use above it
    products: tuple[ProductFacts, ...] = ()  # dearest first; one where the contract holds one
    commit_floor: int | None = None  # of all purchases together; `floor` is of a contract of one

    @property
    def reference(self) -> str:
        """ "REN-12"."""
        return reference(self.id)

    @property
    def decide_by(self) -> date | None:
        return self.due.decide_by

    @property
    def ends_on(self) -> date:
        return self.due.ends_on

    @property
    def whole_term(self) -> bool:
        return self.due.occasion is Occasion.TERM

    @property
    def reviewed(self) -> bool:
        """Whether its terms are so short that it is looked at once a quarter, and nothing is decided here."""
        return self.due.occasion is Occasion.REVIEW

    @property
    def reports(self) -> int | None:
        """Units of its only product that the statement of the period reports; None: several, or not known."""
        return self.products[0].reported if len(self.products) == 1 and not self.whole_term else None

    @property
    def undecided(self) -> bool:
        return self.state in UNDECIDED

    @property
    def name(self) -> str:
        """What it is about, as a header says it: the product, or how many there are."""
        if self.main is None:
            return f"{self.vendor}, {self.contract}" if self.contract else self.vendor
        return self.main.product

    @property
    def several(self) -> bool:
        """Whether the contract holds more than one product or tier."""
        return len(self.products) > 1

    @property
    def seats(self) -> int | None:
        """Units of the main product; None: unlimited, or not recorded."""
        if self.products:
            return self.products[0].quantity
        return self.main.quantity if self.main is not None else None

    @property
    def first_date(self) -> DecideBy | None:
        """The date people are told, with why it was moved."""
        return next((one for one in self.due.dates if one.on == self.decide_by), None)

    def last_for(self, decision: Decision) -> DecideBy | None:
        return self.due.by(decision)

    @property
    def send_by(self) -> date | None:
        """The working day by which what was decided is sent: what the vendor must have later is brought forward."""
        last = self.decision.carry_out_by if self.decision is not None else None
        return min((one.on for one in self.due.dates if one.not_after == last), default=last)

    @property
    def suggested(self) -> int | None:
        """Seats that would do; None where nothing is known."""
        return self.suggestion.seats if self.suggestion is not None else None

    @property
    def reducible(self) -> int | None:
        """Seats fewer that the suggestion leaves; None when one of the two is not known."""
        if self.suggested is None or self.seats is None:
            return None
        return max(0, self.seats - self.suggested)

    @property
    def saves_a_year(self) -> Sums:
        """What all units that would not be needed cost a year, per currency; those of unknown price are counted."""
        return Sums.of(one.saves_a_year for one in self.products if one.reducible)

    def of_line(self, entitlement_id: int | None) -> ProductFacts | None:
        """The product a purchase is of; with no purchase named the only one there is."""
        if entitlement_id is None:
            return self.products[0] if len(self.products) == 1 else None
        return next(
            (one for one in self.products if any(line.entitlement_id == entitlement_id for line in one.lines)), None
        )

    def may_reduce(self, today: date) -> bool:
        """Whether fewer can be asked for: there is time, and something above what the contract allows."""
        last = self.last_for(Decision.REDUCE) or self.last_for(Decision.CANCEL)
        if not self.whole_term or (self.due.dates and (last is None or last.on < today)):
            return False
        return any(one.quantity is not None and one.quantity > self.least(one) for one in self.lines)

    def may_cancel(self, today: date) -> bool:
        last = self.last_for(Decision.CANCEL)
        return self.whole_term and (not self.due.dates or (last is not None and last.on >= today))

    def least(self, line: LineFacts) -> int:
        """Fewest units of a line that the contract allows; a floor of several holds for their units together."""
        if len(self.lines) == 1:
            return (self.floor or 0) if line in self.lines else 0
        others = [one.quantity for one in self.lines if one is not line]
        if not self.commit_floor or None in others:
            return 0
        return max(0, self.commit_floor - sum(one for one in others if one is not None))
