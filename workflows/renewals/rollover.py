"""When a term is over: what went on by itself gets its next term written, what did not is closed (rules §9).

The contract's last day moves, and with it that of its purchases, as corrections that lose nothing. A reduction that
was proved ends the old purchase and adds one with fewer units from the new term on, so that past days keep their count.
An order of the next term that was registered early takes the old purchase's place.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert, select

from licensing.money import Money
from licensing.renewal.dates import Occasion
from licensing.renewal.terms import Term, terms
from licensing.words import day
from model.contracts import Contract, Entitlement, EntitlementRight
from model.events import Happened, Tag
from model.renewals import Renewal, RenewalDecision, RenewalState
from model.session import UnitOfWork
from workflows.register.entries import Book, Entry
from workflows.register.history import Row, Wanted, load, put
from workflows.register.prices import announced, announces
from workflows.renewals import renewal as moves
from workflows.renewals import savings
from workflows.renewals.following import followed
from workflows.renewals.renewal import LIVE, Verb
from workflows.renewals.subjects import PERPETUAL, RENEWING, Subject

UNPROVED = "Decided, but nothing shows that it was done: the next term began by itself."


def standing(work: UnitOfWork, renewal_id: int) -> RenewalDecision | None:
    """The decision that counts."""
    found: RenewalDecision | None = work.session.execute(
        select(RenewalDecision).where(RenewalDecision.renewal_id == renewal_id, RenewalDecision.replaced_at.is_(None))
    ).scalar_one_or_none()
    return found


def close(work: UnitOfWork, subject: Subject, row: Renewal, now: datetime) -> bool:
    """Bring a renewal whose period is over to its end; whether a next term was written or seen."""
    state = RenewalState(row.state)
    if row.occasion == Occasion.REVIEW.value:
        if (state, Verb.DROP) in moves.ALLOWED:  # a decided one stays red until it is proved
            moves.move(work, row, Verb.DROP, "clock", now)
        return False
    if row.occasion != Occasion.TERM.value:
        return False  # an anniversary that was missed stays missed, one without proof stays red
    decision = standing(work, row.id)
    done = state is RenewalState.DONE
    if subject.subscription_id is not None:
        went_on = subject.agreement.ends_on is not None and subject.agreement.ends_on > row.ends_on
    elif done and decision is not None:
        went_on = _renews(subject, decision) and _written(work, subject, row.ends_on, decision, now)
    else:
        went_on = subject.agreement.auto_renew and _written(work, subject, row.ends_on, None, now)
    if went_on and not done:
        row.words = UNPROVED if state is RenewalState.PROOF_AWAITED else row.words
        moves.move(work, row, Verb.ROLL_OVER, "clock", now)
    elif not went_on and subject.subscription_id is None and state in LIVE and state is not RenewalState.PROOF_AWAITED:
        row.words = f"It ended on {day(row.ends_on)} without a decision."
        moves.move(work, row, Verb.DROP, "clock", now)
    return went_on


def _renews(subject: Subject, decision: RenewalDecision) -> bool:
    """Whether a term follows: one that was bought, or one that begins by itself and was not cancelled."""
    return decision.verdict in ("renew", "reduce") or (subject.agreement.auto_renew and decision.verdict != "cancel")


def catch_up(work: UnitOfWork, subject: Subject, now: datetime) -> bool:
    """A contract that goes on by itself and whose last day on record has passed without a renewal of ours."""
    ends_on = subject.agreement.ends_on
    if subject.contract_id is None or ends_on is None or ends_on >= now.date() or not subject.agreement.auto_renew:
        return False
    known = select(Renewal.id).where(
        Renewal.contract_id == subject.contract_id,
        Renewal.occasion == Occasion.TERM.value,
        Renewal.ends_on == ends_on,
        Renewal.state != RenewalState.DROPPED,  # it was dropped for dates that the contract has no more
    )
    if work.connection.execute(known).first() is not None:
        return False  # cancelled, or closed with its own renewal
    return _written(work, subject, ends_on, None, now)


def _written(
    work: UnitOfWork, subject: Subject, ended_on: date, decision: RenewalDecision | None, now: datetime
) -> bool:
    """Write the term after the one that ended, up to today; False when the contract's last day is another by now."""
    stored = next(iter(load(work, Contract, "id", [subject.contract_id])), None)
    if stored is None or stored["ends_on"] != ended_on:
        return False
    following = _following(subject, ended_on)
    if following is None:
        return False
    first = term = next(following)
    passed = []  # ends of terms that went by while nobody looked
    while term.ends_on < now.date():
        passed.append(term.ends_on)
        term = next(following)
    values: Row = {"ends_on": term.ends_on}
    length = subject.agreement.repeats
    if not (stored["term_months"] or stored["term_days"]) and length is not None:
        # from now on the contract is longer than a term of it
        values |= {"term_months": length.months or None, "term_days": None if length.months else length.days}
    _put(work, Contract, stored, values, now)
    own = load(work, Entitlement, "contract_id", [subject.contract_id])
    renewing = [one for one in own if one["kind"] in RENEWING]
    ordered = [one for one in renewing if one["starts_on"] > ended_on]
    purchases = [one for one in renewing if one["ends_on"] in (None, ended_on) and one not in ordered]
    kept_up = [one for one in own if one["kind"] == PERPETUAL and one["maintenance_until"] == ended_on]
    for purchase in ordered:
        if purchase["ends_on"] in passed and not followed(purchase, ordered, purchase["ends_on"]):
            _put(work, Entitlement, purchase, {"ends_on": term.ends_on}, now)
    saved, alone = 0, len(purchases) + len(kept_up) == 1
    for purchase in kept_up:
        other = _other_quantity(decision, purchase, alone)
        if other is not None and other < (purchase["quantity"] or 0):
            _without_upkeep(work, purchase, purchase["quantity"] - other, now)
            upkeep = purchase | {"unit_price": purchase["maintenance_price"], "billing_cycle": "year"}
            saved += savings.reduced(work, upkeep, other, first, now)
            if other:
                _put(work, Entitlement, purchase, {"quantity": other, "maintenance_until": term.ends_on}, now)
        else:
            _put(work, Entitlement, purchase, {"maintenance_until": term.ends_on}, now)
    for purchase in purchases:
        other = _other_quantity(decision, purchase, alone)
        price = announced(purchase["fields"], purchase["currency"])
        if followed(purchase, ordered, ended_on):  # what was ordered early takes its place, and is no second one
            if purchase["ends_on"] is None:
                _put(work, Entitlement, purchase, {"ends_on": ended_on}, now)
            saved += savings.reduced(work, purchase, other, first, now) if other is not None else 0
        elif other is not None or price not in (None, _price(purchase)):
            _put(work, Entitlement, purchase, {"ends_on": ended_on}, now)
            units = purchase["quantity"] if other is None else other
            _added(work, purchase, units, price, Term(first.starts_on, term.ends_on), now)
            saved += savings.reduced(work, purchase, other, first, now) if other is not None else 0
        elif purchase["ends_on"] is not None:
            _put(work, Entitlement, purchase, {"ends_on": term.ends_on}, now)
    facts = {"contract": subject.contract_id, "from": ended_on, "to": term.ends_on, "seats_saved": saved}
    work.record([Happened(Tag.REGISTRY_CHANGED, "clock", f"contract:{subject.contract_id}", facts)], now)
    return True


def _following(subject: Subject, ended_on: date) -> Iterator[Term] | None:
    """The terms after one that ended, without end; also of a contract that was renewed by a decision alone."""
    length = subject.agreement.repeats
    if length is None:
        return None
    going_on = replace(subject.agreement, auto_renew=True)
    return (term for term in terms(going_on) if term.starts_on > ended_on)


def _other_quantity(decision: RenewalDecision | None, purchase: Row, alone: bool) -> int | None:
    """Units of this purchase's next term where they were decided and proved to be others; None: as they are."""
    if decision is None or decision.quantity is None or decision.quantity == purchase["quantity"]:
        return None
    if decision.entitlement_id is None:
        return decision.quantity if alone else None
    return decision.quantity if decision.entitlement_id == purchase["id"] else None


def _price(purchase: Row) -> Money | None:
    price, currency = purchase["unit_price"], purchase["currency"]
    return Money(price, currency) if price is not None and currency else None


def _added(
    work: UnitOfWork, purchase: Row, quantity: int | None, price: Money | None, term: Term, now: datetime
) -> None:
    """The next term's purchase: as before but for units and an announced price; its proof is still to come.

    One without a reference is named after its contract, and after its row, for a contract may have several.
    """
    values: dict[str, Any] = {name: value for name, value in purchase.items() if name not in ("id", "recorded_at")}
    if price is not None:  # it has come true, and announces nothing any more
        own = {name: value for name, value in (purchase["fields"] or {}).items() if not announces(name)}
        values |= {"unit_price": price.amount, "currency": price.currency, "fields": own}
    reference = f"{purchase['reference'] or _row_of(work, purchase)} from {term.starts_on.isoformat()}"
    values |= {
        "reference": reference[-120:],
        "quantity": quantity,
        "starts_on": term.starts_on,
        "ends_on": term.ends_on,
        "acquired_on": term.starts_on,
        "proof": "",
    }
    book, entry = Book(work, now), Entry(0, {}, now)
    put(book, Entitlement, [Wanted(entry, values["reference"], values)], {})


def _row_of(work: UnitOfWork, purchase: Row) -> str:
    """ "LF-MS-COPILOT/4"."""
    asked = select(Contract.number).where(Contract.id == purchase["contract_id"])
    number = work.connection.execute(asked).scalar()
    return f"{number}/{purchase['id']}" if number else str(purchase["id"])


def _without_upkeep(work: UnitOfWork, purchase: Row, units: int, now: datetime) -> None:
    """Units that stay bought and get no maintenance any more, as a row of their own with the same rights.

    Past days keep their count: both rows together are what was bought, from the same day on. Of a purchase of which no
    unit is maintained any more nothing is written: its maintenance simply ends.
    """
    if units >= (purchase["quantity"] or 0):
        return
    named = purchase["reference"] or purchase["id"]
    reference = f"{named} without maintenance from {purchase['maintenance_until']}"[-120:]
    values: dict[str, Any] = {name: value for name, value in purchase.items() if name not in ("id", "recorded_at")}
    values |= {"reference": reference, "quantity": units}
    book, entry = Book(work, now), Entry(0, {}, now)
    stored: dict[Hashable, Row] = {}
    put(book, Entitlement, [Wanted(entry, reference, values)], stored, ids=True)
    rights = work.connection.execute(
        select(EntitlementRight.name, EntitlementRight.evidence, EntitlementRight.ends_on).where(
            EntitlementRight.entitlement_id == purchase["id"], EntitlementRight.ended_recorded_at.is_(None)
        )
    ).all()
    if rights:
        made = stored[reference]["id"]
        copies = [{**row._mapping, "entitlement_id": made, "recorded_at": now} for row in rights]
        work.connection.execute(insert(EntitlementRight), copies)


def _put(work: UnitOfWork, model: type, row: Row, values: Row, now: datetime) -> None:
    """Through the register's own way, so that what was known before stays known."""
    stored: dict[Hashable, Row] = {row["id"]: row}
    put(Book(work, now), model, [Wanted(Entry(0, {}, now), row["id"], values)], stored)
