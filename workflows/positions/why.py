"""Why a position changed between two days: the rows of both, and what the registry knows of each that differs.

By default each day is taken as it was known then, so that what was recognised anew or recorded late shows as a step of
its own and not as use. Where nothing of the product was known then, as after the import of a history, that says nothing
of what happened: both days are then taken as known now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Select, func, select

from licensing.money import Sums
from licensing.position import changes
from licensing.position.changes import Cause, Explanation, Rows
from licensing.position.compute import position
from licensing.position.facts import CoreProfile, Facts, Metric
from licensing.position.figure import Position
from model.events import Event
from model.inventory import Installation
from model.licences import Seat, SeatReturn
from model.people import Person
from workflows.positions.compute import Computed
from workflows.positions.gather import facts
from workflows.positions.rows import Ground, Taker, takers, titles_of
from workflows.positions.times import Times

_BY_ROW = (Metric.NAMED_USER, Metric.DEVICE, Metric.CORE)


@dataclass(frozen=True)
class Day:
    """One end of the comparison."""

    times: Times
    computed: Computed
    takers: Mapping[str, Taker]


def known_on(day: date, now: datetime) -> Times:
    """A day as it was known at its end."""
    return Times(day, min(now, datetime.combine(day, time.max, UTC)), now)


def explain(
    connection: Connection,
    product_id: int,
    since: date,
    until: date,
    now: datetime,
    known_at: datetime | None = None,
) -> list[Explanation]:
    """One explanation for each tier and metric that has a position on both days, or on one and nothing on the other.

    `known_at`: both days as known at that instant. ValueError when `until` is earlier.
    """
    times = [known_on(one, now) if known_at is None else Times(one, known_at, now) for one in (since, until)]
    before, after = (_days(connection, product_id, one) for one in times)
    if known_at is None and not _anything(before):
        anew = _days(connection, product_id, Times(since, now, now))
        if _anything(anew):
            before, after = anew, _days(connection, product_id, Times(until, now, now))
    found = []
    for key in dict.fromkeys([*after, *before]):
        first, last = _day(before, key, after), _day(after, key, before)
        if first is not None and last is not None:
            causes = _causes(connection, first, last)
            found.append(changes.explain(_rows(first), _rows(last), causes))
    return found


_Key = tuple[tuple[int, int], Metric | None]


def _days(connection: Connection, product_id: int, times: Times) -> dict[_Key, Day]:
    """By tier and metric; a tier that has no position on the day is there under None, with a position of nothing."""
    days: dict[_Key, Day] = {}
    for subject, known in facts(connection, times, [product_id]):
        for found in position(known):
            rows: dict[str, Taker] = {}
            if found.metric in _BY_ROW:
                cores = next((p.cores for p in reversed(known.purchases) if p.cores is not None), CoreProfile())
                rows = {taker.key: taker for taker in takers(connection, times, subject, found.metric, cores)}
            days[subject.key, found.metric] = Day(times, Computed(subject, known, found), rows)
        if not any(key == subject.key for key, _ in days):
            days[subject.key, None] = Day(times, Computed(subject, known, _nothing(known)), {})
    return days


def _anything(days: Mapping[_Key, Day]) -> bool:
    """Whether anything of the product was known of the day."""
    known = (day.computed.facts for (_, metric), day in days.items() if metric is not None)
    return any(one.first_record_on is None or one.first_record_on <= one.at for one in known)


def _day(days: Mapping[_Key, Day], key: _Key, others: Mapping[_Key, Day]) -> Day | None:
    """The day's end of the comparison; where nothing was bought and nothing used yet, nothing by the other's metric."""
    tier, metric = key
    if metric is None:
        return None
    found = days.get(key)
    if found is None and (empty := days.get((tier, None))) is not None:
        nothing = replace(empty.computed.position, metric=others[key].computed.position.metric)
        return replace(empty, computed=replace(empty.computed, position=nothing))
    return found


def _nothing(known: Facts) -> Position:
    none = Decimal(0)
    return Position(
        known.product, Metric.NAMED_USER, known.at, known.known_at, none, none, none, none, Sums(), Sums(),
        sources=known.sources,
    )  # fmt: skip


def _rows(day: Day) -> Rows:
    found = day.computed.position
    users = {key: taker.units for key, taker in day.takers.items() if taker.units}
    if found.consumed is not None:
        if found.metric not in _BY_ROW:
            users["use"] = found.consumed
        elif left := found.consumed - sum(users.values(), Decimal(0)):
            users["second use"] = left  # devices that leave the count by a right to a second one
    bought = {
        f"purchase:{one.id}": one.quantity
        for one in day.computed.facts.purchases
        if one.metric is found.metric and one.holds(found.at)
    }
    if not day.computed.facts.purchases and day.computed.facts.vendor is not None:
        bought["vendor"] = Decimal(day.computed.facts.vendor.enabled)
    return Rows(found, bought, users)


# -- what the registry knows of each row that differs ------------------------------------------------------------------


def _causes(connection: Connection, before: Day, after: Day) -> dict[str, Cause]:
    pairs = {key: (before.takers.get(key), after.takers.get(key)) for key in {*before.takers, *after.takers}}
    differ = {key: pair for key, pair in pairs.items() if _units(pair[0]) != _units(pair[1])}
    known = _Known(connection, differ)
    earlier = titles_of(connection, before.times, after.computed.subject.product_id) if differ else set()
    causes = {
        key: _cause(key, old, new, before.times, after.times, earlier, known) for key, (old, new) in differ.items()
    }
    return causes | {
        "second use": Cause(changes.Ground.SECOND_USE),
        "use": Cause(changes.Ground.USED),
        "vendor": Cause(changes.Ground.VENDOR),
    }


def _units(taker: Taker | None) -> Decimal:
    return taker.units if taker is not None else Decimal(0)


def _grounds(taker: Taker | None) -> list[Ground]:
    return taker.grounds if taker is not None else []


class _Known:
    """Seats, installations, people and returns behind the rows that differ, each read once for all."""

    def __init__(self, connection: Connection, differ: Mapping[str, tuple[Taker | None, Taker | None]]) -> None:
        grounds = [ground for pair in differ.values() for taker in pair for ground in _grounds(taker)]
        seats = [ground.row_id for ground in grounds if ground.kind == "seat"]
        installed = [ground.row_id for ground in grounds if ground.kind == "installation"]
        people = [int(key.partition(":")[2]) for key in differ if key.startswith("person:")]
        self.seats = _by_id(connection, select(Seat.id, Seat.began_at, Seat.ended_at).where(Seat.id.in_(seats)))
        self.installed = _by_id(
            connection,
            select(Installation.id, Installation.began_at, Installation.ended_at).where(Installation.id.in_(installed)),
        )
        self.people = _by_id(
            connection, select(Person.id, Person.starts_on, Person.leaves_on).where(Person.id.in_(people))
        )
        returns = select(SeatReturn.seat_id, SeatReturn.ground).where(SeatReturn.seat_id.in_(seats))
        self.returned = {row.seat_id: row.ground for row in connection.execute(returns)}
        self.restored = set(
            connection.execute(
                select(SeatReturn.person_id).where(SeatReturn.person_id.in_(people), SeatReturn.state == "restored")
            ).scalars()
        )
        subjects = [f"seat:{seat_id}" for seat_id in seats]
        events = select(Event.subject, func.max(Event.id).label("id")).where(Event.subject.in_(subjects))
        self.events = {row.subject: row.id for row in connection.execute(events.group_by(Event.subject))}


def _by_id(connection: Connection, query: Select[Any]) -> dict[int, Any]:
    return {row.id: row for row in connection.execute(query)}


def _cause(
    key: str,
    old: Taker | None,
    new: Taker | None,
    before: Times,
    after: Times,
    earlier: set[int],
    known: _Known,
) -> Cause:
    if old is not None and new is not None:
        if new.suite != old.suite:
            return Cause(changes.Ground.SUITE_GAINED if new.suite else changes.Ground.SUITE_LOST)
        if new.excluded != old.excluded:
            return Cause(changes.Ground.EXCLUDED if new.excluded else changes.Ground.EXCLUSION_ENDED)
        return Cause(changes.Ground.CORRECTED)  # facts of the machine: cores, kind
    grounds = _grounds(new) or _grounds(old)
    if not grounds:
        return Cause(changes.Ground.CORRECTED)
    if grounds[0].kind == "seat":
        return _of_seat(grounds[0].row_id, key, new is not None, before, after, known)
    installation = known.installed[grounds[0].row_id]
    if new is not None:
        if installation.began_at >= before.after:
            return Cause(changes.Ground.INSTALLED)
        return Cause(changes.Ground.NAMED_ANEW if grounds[0].title_id not in earlier else changes.Ground.CORRECTED)
    if installation.ended_at is not None and installation.ended_at < after.after:
        return Cause(changes.Ground.REMOVED)
    return Cause(changes.Ground.NAMED_ANEW)


def _of_seat(seat_id: int, key: str, came: bool, before: Times, after: Times, known: _Known) -> Cause:
    person_id = int(key.partition(":")[2])
    person, seat = known.people[person_id], known.seats[seat_id]
    event_id = known.events.get(f"seat:{seat_id}")
    event = f"event:{event_id}" if event_id is not None else ""
    if came:
        if seat.began_at < before.after:
            return Cause(changes.Ground.CORRECTED, event)
        if person_id in known.restored:
            return Cause(changes.Ground.PUT_BACK, event)
        joined = person.starts_on is not None and before.at < person.starts_on <= after.at
        return Cause(changes.Ground.JOINED if joined else changes.Ground.GIVEN, event)
    returned = known.returned.get(seat_id)
    left = person.leaves_on is not None and before.at <= person.leaves_on <= after.at
    if returned == "leaving" or (returned is None and left):
        return Cause(changes.Ground.LEFT, event)
    if seat.ended_at is None or seat.ended_at >= after.after:
        return Cause(changes.Ground.CORRECTED, event)
    return Cause(changes.Ground.TAKEN_BACK, event)
