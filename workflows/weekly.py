"""The week in figures, for one message on Monday: what is short, idle, to decide, asked for, taken back and saved.

They are counted once and kept with the message, so that what stands there stays what it was. Money is per currency.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import Connection, func, select

from licensing.money import Money, Sums
from model.licences import SeatReturn
from model.reclaim import Saving
from model.requests import Card, LicenceRequest
from model.session import UnitOfWork
from model.usage import SeatUse
from workflows import cards
from workflows.cards import CardKind
from workflows.effects import Effect
from workflows.positions.use_sql import KEPT_DAYS
from workflows.reads.positions import overview
from workflows.reads.prices import prices
from workflows.reads.renewal_counts import counts

WEEK = timedelta(days=7)
#: Verdicts that are said to look idle.
_IDLE = ("idle", "little_used")


def weekly(work: UnitOfWork, found: dict[str, Any], now: datetime) -> list[Effect]:
    """The message of this week to #licences, once. `found`: the figures, counted before the transaction."""
    year, week, _ = now.isocalendar()
    subject, audience = year * 100 + week, cards.channel("licences")
    there = select(Card.id).where(Card.kind == CardKind.WEEKLY, Card.subject_id == subject, Card.audience == audience)
    if work.connection.execute(there).first() is not None:
        return []
    return list(cards.new_card(work, CardKind.WEEKLY, subject, audience, now, facts=found))


def figures(connection: Connection, now: datetime) -> dict[str, Any]:
    """Plain values, as the message keeps them. None: not known, or not counted today."""
    short = overview(connection, now, wait=False)
    renewals = counts(connection, now.date())
    idle, worth = _idle(connection, now)
    asked, half = _asked(connection, now)
    taken, back = _taken(connection, now)
    before = connection.execute(
        select(Card.facts).where(Card.kind == CardKind.WEEKLY).order_by(Card.subject_id.desc()).limit(1)
    ).scalar()
    return {
        "week": now.isocalendar().week,
        "short_seats": int(sum(one.short or 0 for one in short.short)) if short is not None else None,
        "short_products": len({one.product_id for one in short.short}) if short is not None else None,
        "idle": idle,
        "idle_before": (before or {}).get("idle"),
        "idle_a_year": worth,
        "to_decide": renewals.to_decide,
        "until": renewals.until.isoformat(),
        "red": renewals.red,
        "asked": asked,
        "half_minutes": half,
        "taken": taken,
        "put_back": back,
        "saved": _saved(connection, now),
    }


def _idle(connection: Connection, now: datetime) -> tuple[int, dict[str, str]]:
    rows = connection.execute(
        select(SeatUse.sku_id, func.count())
        .where(SeatUse.verdict.in_(_IDLE), SeatUse.judged_on > now.date() - timedelta(days=KEPT_DAYS))
        .group_by(SeatUse.sku_id)
    ).all()
    known = prices(connection, [sku_id for sku_id, _ in rows], now.date())
    each = [(known[sku_id].yearly, count) for sku_id, count in rows]
    return sum(count for _, count in each), Sums.of(one * n for one, n in each if one is not None).rounded()


def _asked(connection: Connection, now: datetime) -> tuple[int, int | None]:
    """Requests of the week, and within how many minutes half of those decided in it were."""
    since = now - WEEK
    asked = connection.execute(
        select(func.count()).select_from(LicenceRequest).where(LicenceRequest.submitted_at >= since)
    ).scalar_one()
    rows = connection.execute(
        select(LicenceRequest.submitted_at, LicenceRequest.decided_at).where(
            LicenceRequest.decided_at >= since, LicenceRequest.submitted_at.is_not(None)
        )
    ).all()
    took = [(decided - submitted).total_seconds() / 60 for submitted, decided in rows if submitted and decided]
    return asked, round(median(took)) if took else None


def _taken(connection: Connection, now: datetime) -> tuple[int, int]:
    since = now - WEEK
    taken = select(func.count()).select_from(SeatReturn).where(SeatReturn.removed_at >= since)
    back = select(func.count()).select_from(SeatReturn).where(SeatReturn.restored_at >= since)
    return connection.execute(taken).scalar_one(), connection.execute(back).scalar_one()


def _saved(connection: Connection, now: datetime) -> dict[str, str]:
    """What was realised this calendar year and not taken back."""
    rows = connection.execute(
        select(Saving.amount, Saving.currency).where(
            Saving.taken_back_at.is_(None),
            Saving.amount.is_not(None),
            func.extract("year", Saving.realised_at) == now.year,
        )
    ).all()
    return Sums.of(Money(amount, currency) for amount, currency in rows if amount is not None).rounded()
