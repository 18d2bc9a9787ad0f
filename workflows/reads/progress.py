"""Where requests stand: the requester's card, the queue, tickets, and requests as rows of a list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime, timedelta
from statistics import median

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select, text

from model.licences import Product, Seat
from model.reclaim import CampaignKind, CampaignState, ReclaimCampaign, ReclaimCandidate
from model.requests import (
    NAMEABLE,
    ApprovalStep,
    ApproverState,
    LicenceRequest,
    LineState,
    OwnerTask,
    RequestLine,
    Status,
    StepApprover,
    StepState,
)
from model.tickets import Ticket, TicketNote
from workflows.reads.facts import ProgressFacts, QueuePlace, RequestRow, TicketFacts, Who
from workflows.reads.people import people
from workflows.reads.prices import prices, seat_numbers
from workflows.reads.requests import requests
from workflows.reads.stuck import told
from workflows.request import reference

NO_WAITS = "nobody has waited for this product before"
#: States in which a request is over.
CLOSED = (Status.FULFILLED, Status.DENIED, Status.WITHDRAWN, Status.EXPIRED)
#: How far back a wait counts as usual, and how many of the latest are looked at.
_USUAL_SINCE = timedelta(days=365)
_USUAL_OF = 50


def progress(connection: Connection, request_ids: Collection[int], now: datetime) -> dict[int, ProgressFacts]:
    """By request id, for those that exist."""
    found = requests(connection, request_ids)
    if not found:
        return {}
    skus = {one.sku_id for one in found.values() if one.sku_id is not None}
    price_of = prices(connection, skus, now.date())
    places = queue_places(connection, skus, now)
    papers = _tickets(connection, found)
    product_rows = connection.execute(
        select(Product.id, Product.owner_id, Product.guide_url, Product.ready_hint).where(
            Product.id.in_({one.product_id for one in found.values() if one.product_id is not None})
        )
    )
    products = {row.id: row for row in product_rows}
    tasks = connection.execute(
        select(OwnerTask.request_id, OwnerTask.assignee_id).where(
            OwnerTask.request_id.in_(found), OwnerTask.state.in_(["open", "could_not"])
        )
    ).all()
    until = dict(
        connection.execute(
            select(RequestLine.request_id, func.max(Seat.until_on))
            .join(Seat, Seat.line_id == RequestLine.id)
            .where(RequestLine.request_id.in_(found), Seat.until_on.is_not(None))
            .group_by(RequestLine.request_id)
        )
        .tuples()
        .all()
    )
    known = people(connection, [*(row.owner_id for row in products.values()), *(task.assignee_id for task in tasks)])
    waits = told(connection, list(found))
    hands: dict[int, Who] = {task.request_id: known[task.assignee_id] for task in tasks if task.assignee_id in known}
    facts = {}
    for request_id, one in found.items():
        product = products.get(one.product_id) if one.product_id else None
        facts[request_id] = ProgressFacts(
            request=one,
            queue=places.get(request_id),
            tickets=papers.get(request_id, ()),
            owner=known.get(product.owner_id) if product and product.owner_id else None,
            task_with=hands.get(request_id),
            guide_url=product.guide_url if product else None,
            ready_hint=product.ready_hint if product else "",
            until_on=until.get(request_id) or one.until_on,
            term_ends_on=price_of[one.sku_id].ends_on if one.sku_id in price_of else None,
            alternative=one.alternative_offered,
            told=waits.get(request_id),
        )
    return facts


def queue_places(connection: Connection, sku_ids: Collection[int], now: datetime) -> dict[int, QueuePlace]:
    """By request id: the place of every request that waits for a seat of these SKUs. Order is by date of joining."""
    rows = connection.execute(
        select(LicenceRequest.id, LicenceRequest.sku_id)
        .join(RequestLine, RequestLine.request_id == LicenceRequest.id)
        .where(
            LicenceRequest.sku_id.in_(sku_ids),
            LicenceRequest.status.in_([Status.WAITING_FOR_SEAT, Status.FULFILLING, Status.FAILED]),
            RequestLine.state == LineState.QUEUED,
        )
        .group_by(LicenceRequest.id, LicenceRequest.sku_id, LicenceRequest.queued_at)
        .order_by(LicenceRequest.queued_at, LicenceRequest.id)
    ).all()
    if not rows:
        return {}
    numbers = seat_numbers(connection, {row.sku_id for row in rows}, now)
    usual = _usual_waits(connection, {row.sku_id for row in rows}, now)
    asked = _holders_asked(connection, {row.sku_id for row in rows})
    lines: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        lines[row.sku_id].append(row.id)
    return {
        request_id: QueuePlace(
            place=place,
            of=len(waiting),
            usual_days=usual.get(sku_id),
            usual_unknown="" if sku_id in usual else NO_WAITS,
            taken=numbers[sku_id].bought if sku_id in numbers else None,
            asked=asked[sku_id][0] if sku_id in asked else 0,
            asked_at=asked[sku_id][1] if sku_id in asked else None,
        )
        for sku_id, waiting in lines.items()
        for place, request_id in enumerate(waiting, start=1)
    }


def _holders_asked(connection: Connection, sku_ids: Collection[int]) -> dict[int, tuple[int, datetime]]:
    """How many holders of idle seats are asked by campaigns that are not over, and since when; by SKU."""
    over = [CampaignState.DONE, CampaignState.CANCELLED]
    rows = connection.execute(
        select(Seat.sku_id, func.count(), func.min(ReclaimCandidate.asked_at))
        .join(Seat, Seat.id == ReclaimCandidate.seat_id)
        .join(ReclaimCampaign, ReclaimCampaign.id == ReclaimCandidate.campaign_id)
        .where(
            Seat.sku_id.in_(sku_ids),
            ReclaimCandidate.asked_at.is_not(None),
            ReclaimCampaign.kind == CampaignKind.IDLE,
            ReclaimCampaign.state.not_in(over),
        )
        .group_by(Seat.sku_id)
    ).tuples()
    return {sku_id: (count, first) for sku_id, count, first in rows if first is not None}


def _usual_waits(connection: Connection, sku_ids: Collection[int], now: datetime) -> dict[int, int]:
    """The middle of the latest waits in working days (Monday to Friday), by SKU; at least one."""
    rows = connection.execute(
        select(LicenceRequest.sku_id, LicenceRequest.queued_at, RequestLine.granted_at)
        .join(RequestLine, RequestLine.request_id == LicenceRequest.id)
        .where(
            LicenceRequest.sku_id.in_(sku_ids),
            LicenceRequest.queued_at.is_not(None),
            RequestLine.granted_at > now - _USUAL_SINCE,
            RequestLine.granted_at > LicenceRequest.queued_at,
        )
        .order_by(RequestLine.granted_at.desc())
    )
    waits: dict[int, list[int]] = defaultdict(list)
    for sku_id, queued_at, granted_at in rows:
        if len(waits[sku_id]) < _USUAL_OF:
            waits[sku_id].append(_working_days(queued_at.date(), granted_at.date()))
    return {sku_id: max(1, round(median(days))) for sku_id, days in waits.items()}


def _working_days(first: date, last: date) -> int:
    """Days from Monday to Friday after `first`, up to `last`."""
    weeks, rest = divmod((last - first).days, 7)
    return weeks * 5 + sum((first + timedelta(days=offset)).weekday() < 5 for offset in range(1, rest + 1))


def _tickets(connection: Connection, request_ids: Collection[int]) -> dict[int, tuple[TicketFacts, ...]]:
    rows = connection.execute(select(*Ticket.__table__.c).where(Ticket.request_id.in_(request_ids)).order_by(Ticket.id))
    comments = _comments(connection, request_ids)
    papers: dict[int, list[TicketFacts]] = defaultdict(list)
    for row in rows:
        papers[row.request_id].append(
            TicketFacts(
                number=row.number,
                purpose=row.purpose,
                state=row.state,
                waits_for_approval_there=row.state in ("", "open") and row.approval.lower() == "requested",
                closing_words=row.closing_words,
                comment=comments.get(row.id, ""),
                reopened=row.closed_at is not None and row.state == "open",
            )
        )
    return {request_id: tuple(facts) for request_id, facts in papers.items()}


def _comments(connection: Connection, request_ids: Collection[int]) -> dict[int, str]:
    """By record: the newest comment of people there. Work notes are the service desk's own and not shown."""
    rows = connection.execute(
        select(TicketNote.ticket_id, TicketNote.words)
        .join(Ticket, Ticket.id == TicketNote.ticket_id)
        .where(Ticket.request_id.in_(request_ids), TicketNote.effect_key.startswith("comments:"))
        .order_by(TicketNote.sent_at, TicketNote.id)
    )
    return {row.ticket_id: row.words for row in rows}


def request_rows(
    connection: Connection, person_id: int, now: datetime, *, closed_since: datetime | None = None, most: int = 100
) -> tuple[RequestRow, ...]:
    """A person's own requests, newest first: the open ones, those closed since an instant, and those whose seats still
    want a holder's name however long ago they were given."""
    open_states = [status for status in Status if status not in CLOSED and status != Status.DRAFT]
    chosen: ColumnElement[bool] = LicenceRequest.status.in_(open_states)
    if closed_since is not None:
        sent = LicenceRequest.submitted_at.is_not(None)  # a form that was never sent is no request
        lately = and_(LicenceRequest.status.in_(CLOSED), LicenceRequest.closed_at >= closed_since, sent)
        chosen = or_(chosen, lately, LicenceRequest.id.in_(_nameable(person_id)))
    rows = connection.execute(
        select(
            LicenceRequest.id,
            LicenceRequest.version,
            LicenceRequest.status,
            LicenceRequest.sku_id,
            LicenceRequest.details,
            LicenceRequest.closed_at,
            Product.name,
        )
        .outerjoin(Product, Product.id == LicenceRequest.product_id)
        .where(LicenceRequest.requester_id == person_id, chosen)
        .order_by(LicenceRequest.id.desc())
        .limit(most)
    ).all()
    ids = [row.id for row in rows]
    asked = connection.execute(
        select(ApprovalStep.request_id, ApprovalStep.due_at, StepApprover.person_id)
        .join(StepApprover, StepApprover.step_id == ApprovalStep.id)
        .where(
            ApprovalStep.request_id.in_(ids),
            ApprovalStep.state == StepState.OPEN,
            StepApprover.state == ApproverState.ASKED,
        )
        .order_by(StepApprover.id)
    ).all()
    known = people(connection, [one.person_id for one in asked])
    names: dict[int, list[str]] = defaultdict(list)
    due: dict[int, datetime | None] = {}
    for one in asked:
        names[one.request_id].append(known[one.person_id].name)
        due[one.request_id] = one.due_at
    units = dict(
        connection.execute(
            select(RequestLine.request_id, func.count())
            .where(RequestLine.request_id.in_(ids), RequestLine.person_id.is_(None), RequestLine.state.in_(NAMEABLE))
            .group_by(RequestLine.request_id)
        )
        .tuples()
        .all()
    )
    places = queue_places(connection, {row.sku_id for row in rows if row.status == Status.WAITING_FOR_SEAT}, now)
    return tuple(
        RequestRow(
            id=row.id,
            reference=reference(row.id),
            version=row.version,
            status=Status(row.status),
            product=row.name or str((row.details or {}).get("name") or "something new"),
            waits_for=tuple(names[row.id]),
            due_at=due.get(row.id),
            queue=places.get(row.id),
            closed_at=row.closed_at,
            unnamed=units.get(row.id, 0),
        )
        for row in rows
    )


def _nameable(requester_id: int) -> Select[tuple[int]]:
    """Requests of a person with a seat that was given and has no holder yet."""
    return (
        select(RequestLine.request_id)
        .join(LicenceRequest, LicenceRequest.id == RequestLine.request_id)
        .where(
            LicenceRequest.requester_id == requester_id,
            RequestLine.person_id.is_(None),
            text("request_line.state = 'granted'"),  # written out: only then both databases use the partial index
        )
    )
