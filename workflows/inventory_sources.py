"""Whether a source of inventories may be acted on: a licence manager accepts what it holds as baseline (rules §3)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update

from model.alerts import InventorySource, SourceState
from model.events import Happened, Tag
from model.inventory import Installation
from model.people import Person, Role
from model.requests import Card
from model.session import UnitOfWork
from workflows import refusals
from workflows.alerts.adopted import KEYS, SHORT, keys_on_several
from workflows.alerts.causes import BASELINE
from workflows.cards import CardKind
from workflows.effects import LookAtAlerts, ShowCard, enqueue
from workflows.permissions import NotForYou, licence_managers
from workflows.positions.compute import positions
from workflows.positions.times import Times

WHAT = "Accepting a baseline"


class SourceGone(refusals.Refusal):
    """No such source, or nothing to accept."""

    def __init__(self) -> None:
        super().__init__("This source is not watched only any more; your press changed nothing.")


def accept_baseline(
    work: UnitOfWork, source_id: int, by: int, roles: Collection[Role], now: datetime
) -> dict[str, Any]:
    """What the source reported until now is adopted, not alerted; from now on it counts. Returns the counts.

    Raises NotForYou for anybody but a licence manager, AlreadyDecided for whoever comes second, SourceGone.
    """
    if Role.LICENCE_MANAGER not in roles:
        raise NotForYou(WHAT, licence_managers(work.connection))
    source = work.session.get(InventorySource, source_id, with_for_update=True, populate_existing=True)
    if source is None:
        raise SourceGone
    if source.state != SourceState.OBSERVE:
        who = work.session.get(Person, source.accepted_by_id) if source.accepted_by_id is not None else None
        if who is None or source.accepted_at is None:
            raise SourceGone
        raise refusals.AlreadyDecided(who.name, "accepted", source.accepted_at, who.id)
    here = (Installation.source == source.name, Installation.ended_at.is_(None))
    devices, installations = work.connection.execute(
        select(func.count(Installation.device_id.distinct()), func.count()).where(*here)
    ).one()
    adopted = work.connection.execute(
        update(Installation).where(*here, Installation.authorised_by == "nothing").values(authorised_by=BASELINE)
    ).rowcount
    watched = select(InventorySource.name).where(
        InventorySource.state == SourceState.OBSERVE, InventorySource.id != source.id
    )
    counts = {"devices": devices, "installations": installations, "adopted": adopted, SHORT: _short(work, now)}
    counts[KEYS] = keys_on_several(work.connection, work.connection.execute(watched).scalars().all())
    source.state = SourceState.ACCEPTED
    source.accepted_by_id, source.accepted_at, source.accepted_counts = by, now, counts
    source.since, source.words = now, ""
    source.day, source.last_day_devices = now.date(), source.day_devices
    work.session.flush()
    facts = {"name": source.name, **{name: value for name, value in counts.items() if name not in (SHORT, KEYS)}}
    facts["short"] = len(counts[SHORT])
    work.record([Happened(Tag.SOURCE_ACCEPTED, f"person:{by}", f"inventory_source:{source.id}", facts)], now)
    enqueue(work, [*_card(work, source_id, facts), LookAtAlerts()], now)
    return counts


def _short(work: UnitOfWork, now: datetime) -> dict[str, str]:
    """Shortfalls of this moment by the key their alert would have: a list to work off, no alerts."""
    found = {}
    for one in positions(work.connection, Times.today(now)):
        short = one.position.shortfall
        if short is not None and short > 0:
            key = f"shortfall:{one.subject.product_id}:{one.subject.sku_id or 0}:{one.position.metric}"
            found[key] = str(short)
    return found


def _card(work: UnitOfWork, source_id: int, facts: dict[str, Any]) -> list[ShowCard]:
    rows = work.connection.execute(
        select(Card.id, Card.facts).where(Card.kind == CardKind.OBSERVE, Card.subject_id == source_id, Card.live)
    ).all()
    for row in rows:
        changed = {**row.facts, "accepted": facts["installations"]}
        work.connection.execute(update(Card).where(Card.id == row.id).values(facts=changed))
    return [ShowCard(row.id) for row in rows]
