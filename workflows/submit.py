"""From a filled form to a request that somebody decides: checks, price, route, rows, events, jobs, in one transaction.

The Slack view's id is unique in the table: whoever sends the same form twice meets the first request.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update

from licensing.money import Money
from model.alerts import AlertPlace, AlertState, RedAlert
from model.events import Happened, Tag
from model.licences import Product, Seat, Sku
from model.people import Person
from model.requests import LicenceRequest, LineState, RequestKind, RequestLine, Status
from model.session import UnitOfWork
from model.tickets import TicketPurpose
from workflows import cards, refusals
from workflows.effects import Advance, Effect, PublishHome, ShowCard, enqueue
from workflows.eligibility_check import check_form
from workflows.forms import NewProductForm, Receipt, RequestForm
from workflows.reads.prices import prices
from workflows.request import IllegalMove, Verb, after, move, reference
from workflows.request_facts import cost_of
from workflows.routing import first_asked, plan
from workflows.rules import Rules
from workflows.tickets import open_ticket

#: PostgreSQL's advisory locks are plain numbers shared by everybody in the database: "seatkeeper submit", then the key.
SUBMIT_LOCK = 7_328_004


def submit(work: UnitOfWork, rules: Rules, form: RequestForm, by: int, now: datetime) -> Receipt:
    """Take a request. Raises FieldRefusals with a sentence per field; nothing is stored then."""
    known = _sent_before(work, form.submission_key)
    if known is not None:
        return _receipt(work, rules, known, now)
    requester = work.session.get_one(Person, by)
    product = work.session.get(Product, form.product_id)
    if product is None or product.retired_at is not None:
        raise refusals.FieldRefusals({"product": "Choose a product from the list, or “Something else”."})
    sku = _tier(work, product, form.sku_id)
    check_form(work, rules, form, requester, product, sku, now)
    price = prices(work.connection, [sku.id], now.date())[sku.id]
    cost = cost_of(price, form.seats, form.until, now.date())
    request = _store(
        work,
        form.submission_key,
        form.draft_id,
        requester,
        now,
        kind=RequestKind.SEAT,
        product_id=product.id,
        sku_id=sku.id,
        seats=form.seats,
        until_on=form.until,
        reason=form.why,
        frequency=form.frequency,
        alternative_offered=form.alternative_offered,
        urgent_reason=form.urgent,
        **_priced(cost),
    )
    for person_id in form.people:
        work.session.add(RequestLine(request_id=request.id, person_id=person_id, state=LineState.WANTED))
    for _ in range(form.seats - len(form.people)):
        work.session.add(RequestLine(request_id=request.id, person_id=None, state=LineState.WANTED))
    work.session.flush()  # routing reads the lines
    _found_before(work, product.id, form.people, request.id)
    return _route(work, rules, request, requester, now)


def submit_new_product(work: UnitOfWork, rules: Rules, form: NewProductForm, by: int, now: datetime) -> Receipt:
    """Take a request for software the company does not own. Raises FieldRefusals."""
    known = _sent_before(work, form.submission_key)
    if known is not None:
        return _receipt(work, rules, known, now)
    ban = rules.policy.not_allowed_for(form.name)
    if ban is not None:
        more = f" {ban.alternative}" if ban.alternative else ""
        raise refusals.FieldRefusals(
            {"name": f"{ban.name} may not be used here (policy {ban.rule}: {ban.because}).{more}"}
        )
    requester = work.session.get_one(Person, by)
    request = _store(
        work,
        form.submission_key,
        None,
        requester,
        now,
        kind=RequestKind.NEW_PRODUCT,
        reason=form.why,
        details={
            "name": form.name,
            "link": form.link,
            "others": form.others,
            "holds": form.holds,
            "price": form.price,
        },
        purchase=True,
    )
    return _route(work, rules, request, requester, now)


def submit_extension(
    work: UnitOfWork, rules: Rules, seat: Seat, until: date | None, why: str, key: str, by: int, now: datetime
) -> Receipt:
    """Ask to keep an end-dated seat longer; while it is open the seat is held (rules §7)."""
    known = _sent_before(work, key)
    if known is not None:
        return _receipt(work, rules, known, now)
    requester = work.session.get_one(Person, by)
    price = prices(work.connection, [seat.sku_id], now.date())[seat.sku_id]
    request = _store(
        work,
        key,
        None,
        requester,
        now,
        kind=RequestKind.EXTENSION,
        product_id=seat.product_id,
        sku_id=seat.sku_id,
        until_on=until,
        reason=why,
        extends_seat_id=seat.id,
        **_priced(cost_of(price, 1, until, now.date())),
    )
    work.session.add(RequestLine(request_id=request.id, person_id=seat.person_id, state=LineState.WANTED))
    work.session.flush()  # routing reads the line
    return _route(work, rules, request, requester, now)


def keep_draft(
    work: UnitOfWork, rules: Rules, by: int, view_id: str, answers: Mapping[str, Any], now: datetime
) -> int | None:
    """The form closed before it was sent: keep what was typed. None when nothing worth keeping was typed."""
    if _sent_before(work, view_id) is not None or not any(answers.values()):
        return None
    draft = LicenceRequest(
        submission_key=view_id,
        kind=RequestKind.SEAT,
        requester_id=by,
        product_id=answers.get("product"),
        details=dict(answers),
        status=Status.DRAFT,
        created_at=now,
    )
    work.session.add(draft)
    work.session.flush()  # the card and the event name it
    work.record([Happened(Tag.REQUEST_DRAFT_KEPT, f"person:{by}", f"request:{draft.id}", {})], now)
    enqueue(work, cards.new_card(work, cards.CardKind.DRAFT, draft.id, cards.person(by), now, request_id=draft.id), now)
    return draft.id


def drop_old_drafts(work: UnitOfWork, rules: Rules, now: datetime) -> int:
    """Drafts nobody came back to close; their answers are forgotten. Returns how many."""
    limit = now - timedelta(hours=rules.policy.draft_kept_hours)
    old = work.session.execute(
        select(LicenceRequest.id)
        .where(LicenceRequest.status == Status.DRAFT, LicenceRequest.created_at < limit)
        .order_by(LicenceRequest.id)
    ).scalars()
    dropped = 0
    for draft_id in list(old):
        try:
            event = move(work, draft_id, Status.DRAFT, Verb.EXPIRE, "clock", now, details={})
        except IllegalMove:
            continue  # sent this moment
        work.record([event], now)
        enqueue(work, [ShowCard(card_id) for card_id in cards.cards_of_request(work, draft_id)], now)
        dropped += 1
    return dropped


def _store(
    work: UnitOfWork, key: str, draft_id: int | None, requester: Person, now: datetime, **values: Any
) -> LicenceRequest:
    draft = work.session.get(LicenceRequest, draft_id) if draft_id is not None else None
    if draft is not None and (draft.status != Status.DRAFT or draft.requester_id != requester.id):
        draft = None  # used or foreign: a new request it is
    request = draft or LicenceRequest(created_at=now, requester_id=requester.id)
    request.submission_key = key
    request.status = after(Status.DRAFT, Verb.SUBMIT)
    request.cost_centre = requester.cost_centre or requester.department  # a directory may know no cost centres
    request.submitted_at = now
    request.details = {}
    for column, value in values.items():
        setattr(request, column, value)
    work.session.add(request)
    work.session.flush()  # lines, steps and cards name it
    work.session.execute(delete(RequestLine).where(RequestLine.request_id == request.id))
    return request


def _route(work: UnitOfWork, rules: Rules, request: LicenceRequest, requester: Person, now: datetime) -> Receipt:
    """Plan who decides and write it down; the first step opens in the `Advance` job."""
    request.policy_version_id = rules.version_id
    work.session.flush()
    actor = f"person:{requester.id}"
    events = [
        Happened(
            Tag.REQUEST_SUBMITTED,
            actor,
            f"request:{request.id}",
            {
                "from": Status.DRAFT.value,
                "to": request.status,
                "kind": request.kind,
                "product": request.product_id,
                "sku": request.sku_id,
                "seats": request.seats,
                "until": request.until_on,
                "policy": rules.version_id,
                "alternative_offered": request.alternative_offered,
            },
            {"why": request.reason, "details": request.details},
        )
    ]
    route = plan(work, rules, request, now)
    if route.pre_approved is not None:
        request.pre_approved_rule = str(route.pre_approved)
        before = Status(request.status)
        request.status = after(before, Verb.APPROVE)
        request.decided_at = now
        work.session.flush()
        events.append(
            Happened(
                Tag.REQUEST_PRE_APPROVED,
                f"rule:{route.pre_approved.number}",
                f"request:{request.id}",
                {"from": before.value, "to": request.status, "rule": str(route.pre_approved)},
            )
        )
    work.record(events, now)
    effects: list[Effect] = []
    effects += cards.new_card(
        work, cards.CardKind.PROGRESS, request.id, cards.person(requester.id), now, request_id=request.id
    )
    effects += [Advance(request.id), PublishHome(requester.id)]
    if rules.policy.servicenow.request_item:
        effects += open_ticket(work, rules, TicketPurpose.RECORD, request.id, now, request_id=request.id)
    enqueue(work, effects, now)
    return _receipt(work, rules, request, now)


def _receipt(work: UnitOfWork, rules: Rules, request: LicenceRequest, now: datetime) -> Receipt:
    return Receipt(
        request.id,
        reference(request.id),
        first_asked(work, request.id),
        rules.policy.approval.time_limit_hours,
        request.pre_approved_rule,
    )


def _sent_before(work: UnitOfWork, key: str) -> LicenceRequest | None:
    if work.connection.dialect.name == "postgresql":  # the same form a moment ago: wait until it is written
        work.connection.execute(select(func.pg_advisory_xact_lock(SUBMIT_LOCK, func.hashtext(key))))
    return work.session.execute(
        select(LicenceRequest).where(LicenceRequest.submission_key == key, LicenceRequest.status != Status.DRAFT)
    ).scalar_one_or_none()


def _found_before(work: UnitOfWork, product_id: int, people: Collection[int], request_id: int) -> None:
    """Whoever answered "Ask for a licence" about software on their device: the question names the request."""
    same = select(RedAlert.id).where(RedAlert.product_id == product_id, RedAlert.state != AlertState.CLOSED)
    work.connection.execute(
        update(AlertPlace)
        .where(
            AlertPlace.person_id.in_(people),
            AlertPlace.answer == "ask",
            AlertPlace.request_id.is_(None),
            AlertPlace.alert_id.in_(same),
        )
        .values(request_id=request_id)
    )


def _tier(work: UnitOfWork, product: Product, sku_id: int | None) -> Sku:
    tiers = work.session.execute(select(Sku).where(Sku.product_id == product.id).order_by(Sku.rank, Sku.id)).scalars()
    for sku in tiers:
        if sku_id is None or sku.id == sku_id:
            return sku
    raise refusals.FieldRefusals({"tier": "Choose a tier from the list."})


def _priced(cost: Money | None) -> dict[str, Any]:
    return {"cost": cost.amount, "currency": cost.currency} if cost is not None else {}
