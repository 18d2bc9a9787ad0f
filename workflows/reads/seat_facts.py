"""The values behind messages about seats and about work that waits: what is held, ends, was given or taken back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from licensing.money import Money, Sums
from model.requests import LineState, Status
from workflows.reads.facts import Price, SeatNumbers, Who


@dataclass(frozen=True)
class SeatFacts:
    """A seat somebody holds."""

    id: int
    product_id: int
    product: str
    tier: str
    who: Who
    price: Price
    since: date
    until_on: date | None
    path: str  # direct, role, group:<id>
    return_state: str  # of a confirmed return under way; empty without
    lost_on_return: str

    @property
    def can_give_back(self) -> bool:
        return self.path == "direct" and not self.return_state


@dataclass(frozen=True)
class HoldingFacts:
    """All seats of a person and what they cost a year, per currency."""

    seats: tuple[SeatFacts, ...]
    yearly: Sums


@dataclass(frozen=True)
class TaskFacts:
    """Work in a product's own admin page."""

    id: int
    version: int
    kind: str  # give, take
    state: str
    product: str
    tier: str
    admin_url: str | None
    assignee: Who
    holder: Who | None
    request_id: int | None
    reference: str
    approved_by: str  # a name, or "" when a rule approved
    confirmed_by: str  # of a return
    words: str
    due_at: datetime
    done_by: Who | None
    done_at: datetime | None
    numbers: SeatNumbers | None
    switched_off: bool = False  # a removal that waits until removals are on again


@dataclass(frozen=True)
class EndingFacts:
    """A seat that ends on an agreed day."""

    seat_id: int
    product: str
    who: Who
    ends_on: date
    given_for: str  # the words of the request
    agreed_by: str
    ended_at: datetime | None
    extension: Status | None  # of a request to keep it longer
    extension_reference: str
    let_end: bool  # the holder pressed "Let it end"

    @property
    def waits(self) -> bool:
        """The holder may still answer: it has not ended, and nothing keeps it or may yet keep it longer."""
        kept = (Status.AWAITING_APPROVAL, Status.APPROVED, Status.FULFILLING, Status.FULFILLED)
        return self.ended_at is None and not self.let_end and self.extension not in kept

    def announced_by(self, notice: str) -> EndingFacts:
        """As the announcement of one end sees it; `notice` is "2027-01-31/14", the last day it speaks of.

        A request to keep the seat longer that led to this very day says nothing about keeping it beyond.
        """
        led_here = notice.startswith(self.ends_on.isoformat()) and self.extension == Status.FULFILLED
        return replace(self, extension=None, extension_reference="") if led_here else self


@dataclass(frozen=True)
class ReturnedFacts:
    """A seat on its way back, or taken back, for its former holder."""

    id: int
    product: str
    who: Who
    ground: str
    confirmed_by: Who
    confirmed_at: datetime
    state: str
    reason: str
    removed_at: datetime | None
    undo_until: datetime | None
    monthly: Money | None
    went_to_queue: bool  # somebody who was waiting got it
    lost_on_return: str
    agreed_end: date | None
    evidence: str = ""  # why it looked idle, as its holder may read it: with days
    asked_on: date | None = None  # they were asked and did not answer
    differs: str = ""  # of one put back: what is not as it was
    instead: str = ""  # the smaller licence that came in its place


@dataclass(frozen=True)
class ReceivedFacts:
    """A seat that was given to somebody."""

    line_id: int
    who: Who
    requester: Who
    reference: str
    product: str
    until_on: date | None
    term_ends_on: date | None
    ready_hint: str
    guide_url: str | None
    line_state: LineState
    said_by: str  # who did it by hand; empty when the target system confirmed it
    request_version: int
    request_id: int


@dataclass(frozen=True)
class ParkedFacts:
    """Work that waits for a person, all of one cause."""

    job_id: int
    cause: str
    queue: str
    error: str
    count: int
    references: tuple[str, ...]
    since: datetime
    settled: bool


@dataclass(frozen=True)
class StuckFacts:
    """A request nobody can decide or finish; the channel card names no person, so `words` names none either."""

    request_id: int
    reference: str
    product: str
    status: Status
    words: str
    since: datetime
    settled: bool
    version: int = 0
    missing: int = 1  # people still to be named before the open step can be decided
    silent: bool = False  # somebody was asked, did not answer, and nobody is next
    product_id: int | None = None
    can_retry: bool = True  # a seat can be tried again; a purchase of something new was settled elsewhere

    @property
    def failed(self) -> bool:
        return self.status == Status.FAILED
