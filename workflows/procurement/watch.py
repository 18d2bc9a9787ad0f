"""Notices as rows: opened once per cause, told once, cleared when what they say is so no more.

In quiet hours a notice is kept and told afterwards, if it still stands. One that was cleared less than a week ago and
is back says nothing new: it stands again without a second message.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from licensing.alerts import QuietHours
from licensing.procurement import Found
from model.events import Happened, Tag
from model.renewals import ProcurementNotice
from model.requests import Card
from model.session import Database, UnitOfWork
from workflows import cards
from workflows.cards import CardKind
from workflows.effects import Effect, ShowCard, enqueue
from workflows.policy_procurement import Procurement
from workflows.procurement.gather import everything
from workflows.rules import Rules

_INSERT: dict[str, Any] = {"sqlite": sqlite_insert, "postgresql": postgres_insert}
SAME_NEWS = timedelta(days=7)
CHANNEL = "procurement"
#: What an audience holds; a longer department hears of it through procurement.
LONGEST_AUDIENCE = 64
#: Cards looked at when notices are cleared; older ones stay as they are.
_CARDS_LOOKED_AT = 50


@dataclass
class Watched:
    """What one look changed."""

    opened: int = 0
    cleared: int = 0
    told: int = 0


def look(database: Database, rules: Rules, now: datetime) -> Watched:
    """Read what is so, then write; a second look changes nothing."""
    policy = rules.policy.procurement
    with database.reading() as connection:
        found = everything(connection, policy, now)
    with database.unit_of_work() as work:
        done = apply(work, policy, found, now)
        work.commit()
    return done


def apply(work: UnitOfWork, policy: Procurement, found: Sequence[Found], now: datetime) -> Watched:
    """Open, renew, clear, and tell what nobody was told of, unless the hours are quiet."""
    done = Watched()
    standing = {
        (row.kind, row.cause): row
        for row in work.session.execute(
            select(ProcurementNotice)
            .where(ProcurementNotice.cleared_at.is_(None))
            .order_by(ProcurementNotice.id)
            .with_for_update()
        ).scalars()
    }
    fresh = [one for one in found if (one.kind.value, one.cause) not in standing]
    told_before = _told_lately(work, fresh, now)
    for one in found:
        row = standing.pop((one.kind.value, one.cause), None)
        if row is not None:
            row.words, row.facts = one.words, _facts(one)
        else:
            done.opened += _open(work, one, told_before.get((one.kind.value, one.cause)), now)
    gone = list(standing.values())
    for row in gone:
        row.cleared_at = now
        work.record([_happened(Tag.NOTICE_CLEARED, row.id, row.kind, row.cause)], now)
        done.cleared += 1
    work.session.flush()
    effects: list[Effect] = [ShowCard(card_id) for card_id in _cards_of(work, {row.id for row in gone})]
    if not _quiet(policy, now):
        told, more = _tell(work, policy, now)
        done.told += told
        effects += more
    enqueue(work, effects, now)
    return done


def _facts(one: Found) -> dict[str, Any]:
    return {"teams": list(one.teams), **one.facts}


def _told_lately(work: UnitOfWork, fresh: Sequence[Found], now: datetime) -> dict[tuple[str, str], datetime]:
    """When causes that are back were told of, of those cleared within the week."""
    causes = sorted({one.cause for one in fresh})
    if not causes:
        return {}
    rows = work.connection.execute(
        select(ProcurementNotice.kind, ProcurementNotice.cause, ProcurementNotice.told_at).where(
            ProcurementNotice.cause.in_(causes),
            ProcurementNotice.cleared_at > now - SAME_NEWS,
            ProcurementNotice.told_at.is_not(None),
        )
    )
    return {(row.kind, row.cause): row.told_at for row in rows}


def _open(work: UnitOfWork, one: Found, told_at: datetime | None, now: datetime) -> int:
    """1 when this process opened it, 0 when another was first."""
    statement = (
        _INSERT[work.connection.dialect.name](ProcurementNotice)
        .values(
            kind=one.kind.value,
            cause=one.cause,
            product_id=one.product_id,
            words=one.words,
            facts=_facts(one),
            opened_at=now,
            told_at=told_at,
        )
        .on_conflict_do_nothing()
        .returning(ProcurementNotice.id)
    )
    made = work.connection.execute(statement).scalar()
    if made is None:
        return 0
    work.record([_happened(Tag.NOTICE_OPENED, made, one.kind.value, one.cause)], now)
    return 1


def _happened(tag: Tag, notice_id: int, kind: str, cause: str) -> Happened:
    return Happened(tag, "clock", f"notice:{notice_id}", {"kind": kind, "cause": cause})


def _quiet(policy: Procurement, now: datetime) -> bool:
    hours = policy.quiet_hours
    return hours is not None and QuietHours(hours.starts, hours.ends, hours.zone).holds(now)


def _tell(work: UnitOfWork, policy: Procurement, now: datetime) -> tuple[int, list[Effect]]:
    """One message to procurement with all that is new, and one to each team that has a channel with its own."""
    rows = (
        work.session.execute(
            select(ProcurementNotice)
            .where(ProcurementNotice.cleared_at.is_(None), ProcurementNotice.told_at.is_(None))
            .order_by(ProcurementNotice.id)
            .with_for_update()
        )
        .scalars()
        .all()
    )
    by_channel: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        row.told_at = now
        by_channel[CHANNEL].append(row.id)
        for team in (row.facts or {}).get("teams", ()):
            if policy.channel_of(team) and len(cards.channel(f"team:{team}")) <= LONGEST_AUDIENCE:
                by_channel[f"team:{team}"].append(row.id)
    effects: list[Effect] = []
    for purpose, ids in by_channel.items():
        effects += cards.new_card(work, CardKind.NOTICES, ids[0], cards.channel(purpose), now, facts={"notices": ids})
    return len(rows), effects


def _cards_of(work: UnitOfWork, ids: set[int]) -> list[int]:
    """Messages that list any of these, among the latest."""
    if not ids:
        return []
    rows = work.connection.execute(
        select(Card.id, Card.facts)
        .where(Card.kind == CardKind.NOTICES, Card.live)
        .order_by(Card.id.desc())
        .limit(_CARDS_LOOKED_AT)
    )
    return sorted(row.id for row in rows if ids & set((row.facts or {}).get("notices", ())))
