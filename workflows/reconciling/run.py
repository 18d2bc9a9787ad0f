"""A look at all sides once a month, and at a renewal's products before it is decided; what it found is kept as lines.

Read before it is written: the comparison holds nobody up. Whoever is second finds the run's key taken and does
nothing, so that a month has one digest however many processes run and however long all of them were down.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from licensing.reconciliation.facts import Difference
from model.contracts import Entitlement
from model.events import Happened, Tag
from model.licences import Sku
from model.renewals import ReconciliationLine, ReconciliationRun, Renewal
from model.session import Database, UnitOfWork
from model.usage import VendorSubscription
from workflows import cards
from workflows.cards import CardKind
from workflows.effects import enqueue
from workflows.reconciling import lines
from workflows.reconciling.gather import Looked, look
from workflows.reconciling.lines import LIVE, State, Verb
from workflows.register.history import chunks
from workflows.renewals.renewal import UNDECIDED
from workflows.rules import Rules

_INSERT: dict[str, Any] = {"sqlite": sqlite_insert, "postgresql": postgres_insert}
TOGETHER = 200
CHANNEL = "finance"


@dataclass
class Run:
    """What a look changed."""

    looks: int = 0
    counts: dict[str, int] = field(default_factory=lambda: {"found": 0, "again": 0, "gone": 0})


def due(connection: Connection, now: datetime, before_days: int) -> list[tuple[str, int | None]]:
    """Keys of the looks that have to be made now: this month's, and one for each renewal that comes up."""
    wanted: list[tuple[str, int | None]] = [(f"month:{now:%Y-%m}", None)]
    until = now.date() + timedelta(days=before_days)
    rows = connection.execute(
        select(Renewal.id, Renewal.ends_on)
        .where(Renewal.state.in_(UNDECIDED), Renewal.decide_by.between(now.date(), until), Renewal.occasion == "term")
        .order_by(Renewal.id)
    )
    wanted += [(f"renewal:{row.id}:{row.ends_on.isoformat()}", row.id) for row in rows]
    made = set(
        connection.execute(
            select(ReconciliationRun.key).where(ReconciliationRun.key.in_([key for key, _ in wanted]))
        ).scalars()
    )
    return [one for one in wanted if one[0] not in made]


def run(database: Database, rules: Rules, now: datetime) -> Run:
    """Every look that is due; a second call the same day makes none."""
    done = Run()
    own = rules.policy.procurement
    with database.reading() as connection:
        wanted = due(connection, now, own.reconcile_before_days)
    for key, renewal_id in wanted:
        with database.reading() as connection:
            products = _products_of(connection, renewal_id) if renewal_id is not None else None
            seen = look(connection, now.date(), products, own.invoice_grace_days)
        with database.unit_of_work() as work:
            if keep(work, seen, key, now, products=products, renewal_id=renewal_id, done=done):
                done.looks += 1
                work.commit()
    return done


def keep(
    work: UnitOfWork,
    seen: Looked,
    key: str,
    now: datetime,
    *,
    products: Collection[int] | None = None,
    renewal_id: int | None = None,
    done: Run | None = None,
) -> bool:
    """Write what a look saw, with its digest where anything is open. False when the look was made already."""
    done = done or Run()
    statement = (
        _INSERT[work.connection.dialect.name](ReconciliationRun)
        .values(key=key, renewal_id=renewal_id, at=now, counts={})
        .on_conflict_do_nothing()
        .returning(ReconciliationRun.id)
    )
    run_id = work.connection.execute(statement).scalar()
    if run_id is None:
        return False
    before = dict(done.counts)
    changed = _apply(work, seen, now, products=products, renewal_id=renewal_id, done=done)
    work.session.flush()
    own = {name: done.counts[name] - before[name] for name in before}
    own["open"] = _open(work.connection, products)
    row = work.session.get_one(ReconciliationRun, run_id)
    row.counts = own
    work.record([Happened(Tag.RECONCILED, "clock", f"reconciliation:{run_id}", {"key": key} | own)], now)
    # before a renewal only what is new is worth a message; the month's digest lists all that is open
    if own["open"] and (renewal_id is None or changed):
        facts = {"renewal": renewal_id, "products": sorted(products) if products is not None else None}
        effects = cards.new_card(work, CardKind.RECONCILIATION, run_id, cards.channel(CHANNEL), now, facts=facts)
        enqueue(work, effects, now)
    return True


def _open(connection: Connection, products: Collection[int] | None) -> int:
    query = select(func.count()).select_from(ReconciliationLine).where(ReconciliationLine.state.in_(LIVE))
    if products is not None:
        query = query.where(ReconciliationLine.product_id.in_(products))
    return connection.execute(query).scalar_one()


def _apply(
    work: UnitOfWork,
    seen: Looked,
    now: datetime,
    *,
    products: Collection[int] | None,
    renewal_id: int | None,
    done: Run,
) -> bool:
    """Lines as this look sees them: new, again, changed, gone. True when any is new or open anew."""
    query = select(ReconciliationLine).where(ReconciliationLine.state != State.GONE).order_by(ReconciliationLine.id)
    if products is not None:
        query = query.where(ReconciliationLine.product_id.in_(products))
    stored = {(one.kind, one.cause): one for one in work.session.execute(query.with_for_update()).scalars()}
    found = {(one.kind.value, one.cause): one for one in seen.differences}
    stored |= _gone_before(work, [key for key in found if key not in stored])
    news = False
    fresh: list[ReconciliationLine] = []
    for key, one in found.items():
        line = stored.pop(key, None)
        if line is None:
            fresh.append(_new(one, seen, now, renewal_id))
            continue
        again = line.state == State.GONE or (line.state == State.ACCEPTED and line.mark != one.mark)
        _update(line, one, now.date())
        if again:
            lines.move(work, line, Verb.DIFFER, "clock", now, {"mark": one.mark})
            line.answer = line.evidence = ""
            line.answered_by_id = line.answered_at = None
            news = True
        done.counts["again"] += 1
    for line in stored.values():
        lines.move(work, line, Verb.AGREE, "clock", now)
        line.seen_on = now.date()
        done.counts["gone"] += 1
    work.session.add_all(fresh)
    work.session.flush()  # their ids go into the events
    for part in chunks(fresh, TOGETHER):
        work.record(
            [
                Happened(
                    Tag.DIFFERENCE_FOUND, "clock", f"difference:{one.id}",
                    {"kind": one.kind, "cause": one.cause, "mark": one.mark},
                )
                for one in part
            ],
            now,
        )  # fmt: skip
    done.counts["found"] += len(fresh)
    return news or bool(fresh)


def _gone_before(work: UnitOfWork, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], ReconciliationLine]:
    """Lines that were gone and are seen again."""
    causes = sorted({cause for _, cause in keys})
    found: dict[tuple[str, str], ReconciliationLine] = {}
    for part in chunks(causes, TOGETHER):
        rows = work.session.execute(
            select(ReconciliationLine)
            .where(ReconciliationLine.state == State.GONE, ReconciliationLine.cause.in_(part))
            .with_for_update()
        ).scalars()
        found |= {(one.kind, one.cause): one for one in rows if (one.kind, one.cause) in set(keys)}
    return found


def _new(one: Difference, seen: Looked, now: datetime, renewal_id: int | None) -> ReconciliationLine:
    product = one.product_id
    line = ReconciliationLine(
        run_on=now.date(),
        kind=one.kind.value,
        cause=one.cause,
        product_id=product,
        contract_id=seen.contracts.get(product) if product is not None else None,
        renewal_id=renewal_id,
        owner_id=seen.owners.get(product) if product is not None else None,
        state=State.OPEN.value,
        found_at=now,
    )
    _update(line, one, now.date())
    return line


def _update(line: ReconciliationLine, one: Difference, today: date) -> None:
    """As it was seen now; what people said stays."""
    line.seen_on = today
    line.registered, line.vendor = one.registered, one.vendor
    line.invoiced, line.assigned = one.invoiced, one.assigned
    line.amount = one.money.amount if one.money is not None else None
    line.currency = one.money.currency if one.money is not None else ""
    line.words, line.mark = one.words, one.mark[:200]
    line.facts = {
        "invoices": list(one.invoices),
        "from": one.first.isoformat() if one.first else None,
        "to": one.last.isoformat() if one.last else None,
    }


def _products_of(connection: Connection, renewal_id: int) -> list[int]:
    """Products a renewal is about."""
    row = connection.execute(select(Renewal.contract_id, Renewal.subscription_id).where(Renewal.id == renewal_id)).one()
    if row.contract_id is not None:
        query = select(Entitlement.product_id).where(Entitlement.contract_id == row.contract_id)
    else:
        query = (
            select(Sku.product_id)
            .join(VendorSubscription, VendorSubscription.sku_guid == Sku.sku_id)
            .where(VendorSubscription.id == row.subscription_id)
        )
    return sorted(set(connection.execute(query).scalars()))
