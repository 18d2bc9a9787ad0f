"""Sessions of products that are used concurrently, as far back as their true-up periods go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from heapq import merge
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Select, or_, select

from licensing.position.facts import Session
from licensing.position.periods import Highest, Period
from model.inventory import UseSession
from workflows.positions.earlier import said
from workflows.positions.purchases import FEW
from workflows.positions.spared import rights
from workflows.positions.times import Times
from workflows.positions.use_then import Cover

#: Rows held at once, of those read one by one.
AT_ONCE = 20_000
#: A true-up period is a year, where no contract states when it began; a session may have begun before it.
_SESSIONS_BACK = timedelta(days=400)


def sessions(
    connection: Connection,
    times: Times,
    periods: Mapping[int, Collection[Period]],
    spared: Mapping[int, Sequence[Cover]],
) -> dict[int, tuple[Session, ...]]:
    """By product, as far back as the true-up periods asked of it go.

    `spared`: the products of which some sessions may need no unit, with the suites that cover them.
    """
    if not periods:
        return {}
    found: dict[int, list[Session]] = defaultdict(list)
    before: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for row in said(connection, UseSession, times):
        if row["product_id"] in spared:
            before[row["product_id"]].append(row)
        elif row["product_id"] in periods:
            found[row["product_id"]].append(Session(row["began_at"], row["ended_at"]))
    back = times.after - _SESSIONS_BACK
    firsts = {product_id: min(one.begins_at for one in some) for product_id, some in periods.items()}
    long = {product_id for product_id, first in firsts.items() if first < back} - spared.keys()
    query = _since(times, back)
    ids = periods.keys() - long - spared.keys()
    if ids:
        for product_id, began_at, ended_at in connection.execute(
            query.where(UseSession.product_id.in_(ids)) if len(ids) < FEW else query
        ):
            if product_id in ids:
                found[product_id].append(Session(began_at, ended_at))
    for product_id in long:
        found[product_id] = _highest(connection, times, product_id, periods[product_id], found[product_id])
    for product_id, covers in spared.items():
        first = min(back, firsts[product_id])
        found[product_id] = _with_rights(connection, times, product_id, first, covers, before[product_id])
    return {product_id: tuple(rows) for product_id, rows in found.items() if rows}


def _since(times: Times, since: datetime) -> Select[tuple[int, datetime, datetime | None]]:
    return select(UseSession.product_id, UseSession.began_at, UseSession.ended_at).where(
        UseSession.began_at < times.after,
        UseSession.recorded_at <= times.known_at,
        or_(UseSession.ended_at.is_(None), UseSession.ended_at > since),
    )


def _highest(
    connection: Connection, times: Times, product_id: int, periods: Collection[Period], more: Collection[Session]
) -> list[Session]:
    """Of the sessions of long periods only those at their peaks: years of them are read, and never held at once."""
    query = _since(times, min(one.begins_at for one in periods)).order_by(UseSession.began_at)
    rows = connection.execute(query.where(UseSession.product_id == product_id).execution_options(yield_per=AT_ONCE))
    peaks = [Highest(period, times.at) for period in periods]
    stored = (Session(began_at, ended_at) for _, began_at, ended_at in rows)
    for session in merge(stored, sorted(more, key=_began), key=_began):
        for peak in peaks:
            peak.add(session)
    kept_once = {id(one): one for one in chain.from_iterable(peak.sessions() for peak in peaks)}  # equal ones are two
    return list(kept_once.values())


def _began(session: Session) -> datetime:
    return session.began_at


def _with_rights(
    connection: Connection,
    times: Times,
    product_id: int,
    since: datetime,
    covers: Sequence[Cover],
    before: Sequence[Mapping[str, Any]],
) -> list[Session]:
    """Each with the days on which it needs no unit; all of them, for how many there are is said."""
    given = rights(connection, times, product_id, covers)
    query = _since(times, since).add_columns(UseSession.person_id, UseSession.device_id)
    rows = connection.execute(query.where(UseSession.product_id == product_id))
    found = [Session(began_at, ended_at, given.of(*whose)) for _, began_at, ended_at, *whose in rows]
    return found + [
        Session(row["began_at"], row["ended_at"], given.of(row["person_id"], row["device_id"])) for row in before
    ]
