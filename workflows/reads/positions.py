"""What is bought, in use, free and short, as Slack tells it: an overview of all products, and one product in full."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, func, select

from licensing.money import Money, Sums
from licensing.position.facts import Facts, Metric, Source
from licensing.position.figure import Position, VersionLine, sum_in_words
from model.inventory import Installation
from model.licences import Product, Seat
from workflows.positions.compute import Computed, positions
from workflows.positions.nightly import latest
from workflows.positions.times import Times
from workflows.reads.facts import USE_NOT_READ
from workflows.reclaim.kept import why_not_known

#: Above this many rows of seats and installations counting everything anew takes longer than a command may.
MANY = 300_000


@dataclass(frozen=True)
class Standing:
    """One product or tier by one way of counting. None is not known; `bought` None with `unlimited` is no limit."""

    product_id: int
    name: str
    metric: Metric
    bought: Decimal | None
    in_use: Decimal | None
    free: Decimal | None
    short: Decimal | None
    unused: Decimal  # units paid and not needed
    at_risk: Sums | None
    wasted: Sums  # a year
    unlimited: bool = False
    at_least: bool = False
    undecided: int = 0
    not_proven: bool = False


@dataclass(frozen=True)
class Overview:
    """All standings somebody may see, and when they were counted."""

    all: tuple[Standing, ...]
    counted_at: datetime
    sources: tuple[Source, ...]

    @property
    def short(self) -> tuple[Standing, ...]:
        """Those with a shortfall: the dearest first, then the largest."""
        found = [one for one in self.all if one.short]
        return tuple(
            sorted(found, key=lambda one: (-_most(one.at_risk or Sums()), -(one.short or 0), one.name, one.metric))
        )

    @property
    def wasteful(self) -> tuple[Standing, ...]:
        """Those with units that cost money, or a price nobody recorded, and are not needed; the dearest first.

        The figure alone decides the order where currencies differ; they are never added.
        """
        found = [one for one in self.all if one.unused and one.wasted]
        return tuple(sorted(found, key=lambda one: (-_most(one.wasted), -one.unused, one.name, one.metric)))

    @property
    def spare(self) -> int:
        """How many other products have unused units that cost nothing more: free ones, and what was paid once."""
        return len({one.product_id for one in self.all if one.unused and not one.wasted})

    @property
    def not_known(self) -> int:
        """How many products cannot be said to be short or not."""
        return len({one.product_id for one in self.all if one.short is None})

    @property
    def at_risk(self) -> Sums:
        return _added(one.at_risk for one in self.short)

    @property
    def wasted(self) -> Sums:
        return _added(one.wasted for one in self.wasteful)


@dataclass(frozen=True)
class Detail:
    """One standing with how it came about. `idle` None: nothing says who uses it, or it is not counted by people."""

    standing: Standing
    sum: str
    reasons: tuple[str, ...]
    versions: tuple[VersionLine, ...]
    idle: int | None
    use_unknown: int
    sources: tuple[Source, ...]
    counted_at: datetime
    use_silent: str = USE_NOT_READ  # why nobody can say how many look idle, where `idle` is None


def _most(sums: Sums) -> Decimal:
    """The largest of the amounts; 0 when none is known."""
    return max(sums.totals.values(), default=Decimal(0))


def _added(sums: Iterable[Sums | None]) -> Sums:
    total = Sums()
    for one in sums:
        total = total.plus(one)
    return total


def overview(
    connection: Connection, now: datetime, product_ids: Collection[int] | None = None, *, wait: bool = True
) -> Overview | None:
    """Counted now, or as the last night counted it: the one place that chooses.

    A company's rows are counted as they are asked for, so that the answer is of this minute. Where there are more than
    `MANY` of them that takes longer than Slack waits, and the figures of the night's run of today stand in, with their
    time. Without such a run they are counted all the same; `wait` False gives None then, for what must not be slow.
    """
    if product_ids is None and _many(connection):
        kept = latest(connection, now.date())
        if kept:
            return _of_night(kept)
        if not wait:
            return None
    found = list(positions(connection, Times.today(now), product_ids))
    sources = found[0].position.sources if found else ()
    return Overview(tuple(_standing(one) for one in found), now, sources)


def _many(connection: Connection) -> bool:
    """By the newest row ids: an index's last entry each, where a count would read everything."""
    rows = [connection.execute(select(func.max(table.id))).scalar() or 0 for table in (Installation, Seat)]
    return sum(rows) > MANY


def product_detail(connection: Connection, product_id: int, now: datetime) -> tuple[Detail, ...]:
    """One product, counted now: a line for each tier and way of counting; empty when nothing is bought or used."""
    silent = why_not_known(connection, [product_id]).get(product_id, USE_NOT_READ)
    return tuple(_detail(one, now, silent) for one in positions(connection, Times.today(now), [product_id]))


def short_of(connection: Connection, product_id: int, sku_id: int | None, now: datetime) -> Decimal:
    """Units of a tier short by any way of counting, the largest; 0 when none is, or when it is not known."""
    found = positions(connection, Times.today(now), [product_id])
    return max(
        (one.position.shortfall or Decimal(0) for one in found if one.subject.sku_id in (None, sku_id)),
        default=Decimal(0),
    )


def product_name(connection: Connection, product_id: int) -> str | None:
    return connection.execute(select(Product.name).where(Product.id == product_id)).scalar()


def _standing(one: Computed) -> Standing:
    position = one.position
    return Standing(
        product_id=one.subject.product_id,
        name=position.product,
        metric=position.metric,
        bought=position.entitled,
        in_use=position.consumed,
        free=position.surplus,
        short=position.shortfall,
        unused=position.shelfware,
        at_risk=position.at_risk,
        wasted=position.wasted,
        unlimited=position.unlimited,
        at_least=position.at_least,
        undecided=position.undecided,
        not_proven=bool(position.not_proven),
    )


def _detail(one: Computed, now: datetime, silent: str) -> Detail:
    idle, unknown = use_seen(one.facts, one.position)
    return Detail(
        standing=_standing(one),
        sum=sum_in_words(one.position),
        reasons=one.position.reasons,
        versions=one.position.versions,
        idle=idle,
        use_unknown=unknown,
        sources=one.position.sources,
        counted_at=now,
        use_silent=silent,
    )


def use_seen(facts: Facts, position: Position) -> tuple[int | None, int]:
    """How many look idle and of how many that is not known; those whom a suite covers take no unit.

    None when nothing at all is known of anybody's use, or it is not counted by people or devices.
    """
    if position.metric not in (Metric.NAMED_USER, Metric.DEVICE):
        return None, 0
    idle = known = unknown = 0
    for one in facts.users:
        if one.undecided or one.suite:
            continue
        units = one.count if position.metric is Metric.NAMED_USER else one.count * len(one.devices)
        if one.idle is None:
            unknown += units
        else:
            known += units
            idle += units if one.idle else 0
    return (idle if known else None), unknown


# -- the night's figures -----------------------------------------------------------------------------------------------


def _of_night(kept: Mapping[tuple[int, int | None, str], Mapping[str, Any]]) -> Overview:
    rows = [(key[0], figures) for key, figures in kept.items()]
    rows.sort(key=lambda row: (str(row[1]["product"]), str(row[1]["metric"])))
    first = rows[0][1]
    return Overview(
        tuple(_kept(product_id, figures) for product_id, figures in rows),
        datetime.fromisoformat(first["known_at"]),
        _sources(first["sources"]),
    )


def _sources(stored: Sequence[Mapping[str, Any]]) -> tuple[Source, ...]:
    return tuple(Source(str(one["name"]), datetime.fromisoformat(one["at"]) if one["at"] else None) for one in stored)


def _kept(product_id: int, figures: Mapping[str, Any]) -> Standing:
    """A row of the night. It does not say how many units a sum leaves out; no sum at all leaves out all of them."""
    short = _number(figures["shortfall"])
    unused = _number(figures["shelfware"]) or Decimal(0)
    bought, in_use = _number(figures["entitled"]), _number(figures["consumed"])
    at_risk = _sums(figures["at_risk"])
    if at_risk is None and short:
        at_risk = Sums(unknown=int(short))
    return Standing(
        product_id=product_id,
        name=str(figures["product"]),
        metric=Metric(figures["metric"]),
        bought=bought,
        in_use=in_use,
        free=_number(figures["surplus"]),
        short=short,
        unused=unused,
        at_risk=at_risk,
        wasted=_sums(figures["wasted"]) or Sums(unknown=int(unused)),
        unlimited=bought is None and short is not None,
        at_least=bool(figures["at_least"]),
        undecided=int(figures["undecided"]),
        not_proven=bool(figures["not_proven"]),
    )


def _number(stored: object) -> Decimal | None:
    return None if stored is None else Decimal(str(stored))


def _sums(stored: Mapping[str, str] | None) -> Sums | None:
    if stored is None:
        return None
    return Sums.of(Money(Decimal(amount), currency) for currency, amount in stored.items())
