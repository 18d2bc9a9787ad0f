"""Past requests under another policy: which would have been decided by others, by a rule, or not taken at all.

Each request is routed twice over the same facts, once under the version it met and once under the new text, so that a
difference comes from the policy and from nothing else. What was asked, its cost, what a purchase was needed for and
what was asked for lately are as they were then; people, roles and departments are those of the directory today.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from licensing.money import Money, Sums
from model.events import Event, Tag
from model.licences import Product, Seat, Sku
from model.requests import ApprovalStep, LicenceRequest, RequestKind, RequestLine, Status, StepKind
from workflows import approval, policies, policy_file
from workflows.eligibility import FormFacts, Held, check
from workflows.facts import Directory, PersonFacts, RequestFacts
from workflows.people import directory_for
from workflows.policy import Policy
from workflows.policy_file import PolicyProblems
from workflows.request import reference

#: Requests in memory at a time.
CHUNK = 200
_CAME_TO_NOTHING = (Status.DENIED, Status.WITHDRAWN, Status.EXPIRED)


@dataclass(frozen=True)
class StepOutcome:
    """One decision and who would be asked, by name."""

    kind: StepKind
    asked: tuple[str, ...]
    quorum: int

    def __str__(self) -> str:
        who = ", ".join(self.asked) if self.asked else "nobody is left"
        many = f" ({self.quorum} must agree)" if self.quorum > 1 else ""
        return f"{self.kind.value.replace('_', ' ')}: {who}{many}"


@dataclass(frozen=True)
class Outcome:
    """What a policy makes of a request: refused sentences, or the rule that approves it, or the steps."""

    steps: tuple[StepOutcome, ...] = ()
    pre_approved: str = ""
    refused: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.refused:
            return "not taken: " + " ".join(self.refused)
        if self.pre_approved:
            return f"approved by {self.pre_approved}"
        return "; ".join(str(step) for step in self.steps)


@dataclass(frozen=True)
class Difference:
    """A request that two policies treat differently."""

    reference: str
    product: str
    asked_on: date
    then: Outcome
    now: Outcome


@dataclass
class Simulation:
    """Iterate over it for the differences; the counts are complete when the iteration is."""

    connection: Connection
    policy: Policy
    now: datetime
    since: date | None = None
    looked_at: int = 0
    different: int = 0
    refused: int = 0
    _old: dict[int | None, Policy] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Difference]:
        last = 0
        while rows := _page(self.connection, last, self.since):
            last = rows[-1].id
            yield from self._compare(rows)

    def _compare(self, rows: list[Row[Any]]) -> Iterator[Difference]:
        old = {row.id: self._policy_then(row.policy_version_id) for row in rows}
        chunk = _Chunk(self.connection, rows, self.now)
        directory = chunk.directory([self.policy, *{id(one): one for one in old.values()}.values()])
        for row in rows:
            self.looked_at += 1
            then = chunk.outcome(row, old[row.id], directory)
            now = chunk.outcome(row, self.policy, directory)
            if then == now:
                continue
            self.different += 1
            self.refused += bool(now.refused)
            product = row.name or str(row.details.get("name") or "something new")
            yield Difference(reference(row.id), product, row.submitted_at.date(), then, now)

    def _policy_then(self, version_id: int | None) -> Policy:
        """The policy a request met; the one in force where that is not recorded or no longer readable."""
        if version_id not in self._old:
            text = policies.text_of(self.connection, version_id) if version_id is not None else None
            try:
                found = policy_file.load(text, f"version {version_id}") if text is not None else None
            except PolicyProblems:
                found = None
            if found is None:
                in_force = policies.active(self.connection)
                found = policy_file.load(in_force[1], "the policy in force") if in_force else Policy()
            self._old[version_id] = found
        return self._old[version_id]


class _Chunk:
    """Some requests with all that is needed to route them again, read in a few queries."""

    def __init__(self, connection: Connection, rows: list[Row[Any]], now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._rows = rows
        ids = [row.id for row in rows]
        self._people = _beneficiaries(connection, ids)
        self._steps = _steps(connection, ids)
        self._asked = _as_asked(connection, ids)
        self._tiers = _tiers(connection, {row.product_id for row in rows if row.product_id is not None})
        self._seats = _seats(connection, {one for people in self._people.values() for one in people})

    def directory(self, rules: list[Policy]) -> dict[int, PersonFacts]:
        """Everybody either policy may ask about these requests."""
        around: set[int | None] = {one for people in self._people.values() for one in people}
        around |= {row.requester_id for row in self._rows} | {row.owner_id for row in self._rows}
        found: dict[int, PersonFacts] = {}
        for policy in rules:
            found |= directory_for(self._connection, around, policy, self._now, mail=True)
        return found

    def outcome(self, row: Row[Any], policy: Policy, directory: Directory) -> Outcome:
        """What this policy would make of the request on the day it was sent."""
        refused = self._refused(row, policy, directory)
        if refused:
            return Outcome(refused=refused)
        route = approval.route(self._facts(row, policy), directory, policy, row.submitted_at)
        if route.pre_approved is not None:
            return Outcome(pre_approved=str(route.pre_approved))
        return Outcome(
            tuple(
                StepOutcome(step.kind, tuple(directory[one.person_id].name for one in step.asked), step.quorum)
                for step in route.steps
            )
        )

    def _facts(self, row: Row[Any], policy: Policy) -> RequestFacts:
        steps = self._steps.get(row.id, ())
        facts = RequestFacts(
            requester_id=row.requester_id,
            beneficiary_ids=self._people.get(row.id, ()),
            product_key=row.key,
            product_name=row.name or str(row.details.get("name") or "new software"),
            owner_id=row.owner_id,
            seats=self._wanted(row, "seats", row.seats),
            is_extension=row.kind == RequestKind.EXTENSION,
        )
        if row.key is None:
            return replace(facts, purchase_needed=True, sensitive_data=row.details.get("holds") == "people")
        until = self._until(row)
        buys = row.kind == RequestKind.SEAT and (row.purchase or any(kind == StepKind.PURCHASE for kind, _ in steps))
        return replace(
            facts,
            free_seats=0 if buys else facts.seats,
            cost=Money(row.cost, row.currency) if row.cost is not None and row.currency else None,
            recent=self._recent(row, policy),
            tier_rank=row.rank or 1,
            days=(until - row.submitted_at.date()).days + 1 if until else None,
            purchase_needed=buys,
            over_budget=any("over the budget" in because for _, because in steps),
        )

    def _refused(self, row: Row[Any], policy: Policy, directory: Directory) -> tuple[str, ...]:
        requester = directory.get(row.requester_id)
        if row.kind == RequestKind.EXTENSION or requester is None:
            return ()
        if row.key is None:
            ban = policy.not_allowed_for(str(row.details.get("name") or ""))
            return () if ban is None else (f"{ban.name} may not be used here (policy {ban.rule}: {ban.because}).",)
        tiers = self._tiers.get(row.product_id, {})
        facts = FormFacts(
            requester=requester,
            product_key=row.key,
            product_name=row.name,
            people=tuple(directory[one] for one in self._people.get(row.id, ()) if one in directory),
            seats=self._wanted(row, "seats", row.seats),
            why=row.reason,
            tier=row.tier or "",
            tiers=tiers if len(tiers) > 1 else {},
            until=self._until(row),
            held=tuple(
                Held(seat.person_id, seat.key, seat.name)
                for one in self._people.get(row.id, ())
                for seat in self._seats.get(one, ())
                if seat.key != row.key
                and seat.began_at <= row.submitted_at
                and (seat.ended_at is None or seat.ended_at > row.submitted_at)
            ),
        )
        return tuple(check(facts, policy, requester.today(row.submitted_at)).values())

    def _wanted(self, row: Row[Any], name: str, otherwise: int) -> int:
        found = self._asked.get(row.id, {}).get(name)
        return found if isinstance(found, int) else otherwise

    def _until(self, row: Row[Any]) -> date | None:
        """The last day as it was asked for; an approver may have lowered the row since."""
        found = self._asked.get(row.id)
        if found is None or "until" not in found:
            own: date | None = row.until_on
            return own
        return date.fromisoformat(str(found["until"])) if found["until"] else None

    def _recent(self, row: Row[Any], policy: Policy) -> Sums:
        """Cost of the other requests for this product and cost centre in the policy's days before this one."""
        if not policy.finance.above and not policy.pre_approved:
            return Sums()
        others = self._connection.execute(
            select(LicenceRequest.cost, LicenceRequest.currency).where(
                LicenceRequest.product_id == row.product_id,
                LicenceRequest.cost_centre == row.cost_centre,
                LicenceRequest.id != row.id,
                LicenceRequest.submitted_at >= row.submitted_at - timedelta(days=policy.finance.sum_over_days),
                LicenceRequest.submitted_at < row.submitted_at,
                LicenceRequest.status != Status.DRAFT,
                or_(LicenceRequest.status.not_in(_CAME_TO_NOTHING), LicenceRequest.closed_at > row.submitted_at),
            )
        )
        return Sums.of(Money(cost, currency) if cost is not None and currency else None for cost, currency in others)


def _page(connection: Connection, after: int, since: date | None) -> list[Row[Any]]:
    query = (
        select(
            *(getattr(LicenceRequest, name) for name in _REQUEST_COLUMNS),
            Product.key,
            Product.name,
            Product.owner_id,
            Sku.rank,
            Sku.tier,
        )
        .outerjoin(Product, Product.id == LicenceRequest.product_id)
        .outerjoin(Sku, Sku.id == LicenceRequest.sku_id)
        .where(LicenceRequest.id > after, LicenceRequest.submitted_at.is_not(None))
        .order_by(LicenceRequest.id)
        .limit(CHUNK)
    )
    if since is not None:
        query = query.where(LicenceRequest.submitted_at >= datetime(since.year, since.month, since.day, tzinfo=UTC))
    return list(connection.execute(query).all())


_REQUEST_COLUMNS = (
    "id", "kind", "requester_id", "product_id", "seats", "until_on", "reason", "details", "status", "purchase", "cost",
    "currency", "cost_centre", "policy_version_id", "submitted_at",
)  # fmt: skip


def _beneficiaries(connection: Connection, ids: Collection[int]) -> dict[int, tuple[int, ...]]:
    rows = connection.execute(
        select(RequestLine.request_id, RequestLine.person_id)
        .where(RequestLine.request_id.in_(ids), RequestLine.person_id.is_not(None))
        .order_by(RequestLine.id)
    )
    found: dict[int, tuple[int, ...]] = defaultdict(tuple)
    for request_id, person_id in rows:
        if person_id is not None:
            found[request_id] += (person_id,)
    return found


def _steps(connection: Connection, ids: Collection[int]) -> dict[int, tuple[tuple[str, str], ...]]:
    rows = connection.execute(
        select(ApprovalStep.request_id, ApprovalStep.kind, ApprovalStep.because).where(ApprovalStep.request_id.in_(ids))
    )
    found: dict[int, tuple[tuple[str, str], ...]] = defaultdict(tuple)
    for request_id, kind, because in rows:
        found[request_id] += ((kind, because),)
    return found


def _as_asked(connection: Connection, ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """What each request asked for when it was first sent, as its event says."""
    rows = connection.execute(
        select(Event.subject, Event.facts)
        .where(Event.subject.in_([f"request:{one}" for one in ids]), Event.tag == Tag.REQUEST_SUBMITTED)
        .order_by(Event.id.desc())
    )
    return {int(subject.partition(":")[2]): json.loads(facts) for subject, facts in rows}


def _tiers(connection: Connection, product_ids: Collection[int]) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for product_id, tier, rank in connection.execute(
        select(Sku.product_id, Sku.tier, Sku.rank).where(Sku.product_id.in_(product_ids))
    ):
        found[product_id][tier] = rank
    return found


def _seats(connection: Connection, people: Collection[int]) -> dict[int, list[Row[Any]]]:
    """Every seat these people ever had, for what nobody may hold together."""
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(
        select(Seat.person_id, Product.key, Product.name, Seat.began_at, Seat.ended_at)
        .join(Product, Product.id == Seat.product_id)
        .where(Seat.person_id.in_(people))
    ):
        found[row.person_id].append(row)
    return found
