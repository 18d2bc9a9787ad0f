"""The week in figures, as the summary in the channel tells it: people are counted, nobody is named.

Gathered once and kept with the message: what it says is of that morning, whatever is corrected later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

from sqlalchemy import Connection, func, select

from licensing.business_time import zone_of
from licensing.money import Money, Sums, months_later
from licensing.position.facts import Metric
from model.licences import Seat, SeatReturn
from model.reclaim import Saving
from model.renewals import RenewalState
from model.requests import LicenceRequest, Status
from workflows.policy import Policy
from workflows.reads.positions import overview
from workflows.reads.prices import prices
from workflows.reads.renewals import renewals

WEEK = timedelta(days=7)
#: What is to be decided this far ahead is told.
AHEAD = timedelta(days=30)
#: Months of the chart, the present one included.
MONTHS = 6
#: Ways of counting whose units are seats.
_SEATS = (Metric.NAMED_USER, Metric.DEVICE)
_OPEN = (RenewalState.OPEN, RenewalState.BRIEFED, RenewalState.DEFERRED)


@dataclass(frozen=True)
class MonthSaved:
    """One month: a year of what was taken back in it, what was realised in it, and what was put back of it."""

    first: date
    possible: Sums
    realised: Sums
    put_back: Sums


@dataclass(frozen=True)
class WeekFacts:
    """Everything the weekly summary says. `half_minutes` None: nothing was decided."""

    year: int
    number: int
    short: Decimal
    short_products: int
    short_otherwise: int  # products short of something that is no seat: cores, characters, envelopes
    unused: Decimal  # units that are paid for and not needed
    unused_a_year: Sums
    unused_before: Decimal | None  # a week ago; None: it was not told then
    decide: int
    decide_until: date
    requests: int
    half_minutes: int | None
    taken_back: int
    given_back: int  # of those, by their holders
    put_back: int
    saved: Sums  # this year
    months: tuple[MonthSaved, ...]
    unused_otherwise: int = 0  # products with something unused that is no seat

    def stored(self) -> dict[str, Any]:
        """As the message keeps it."""
        kept: dict[str, Any] = {}
        for name, value in vars(self).items():
            kept[name] = [_stored(one) for one in value] if name == "months" else _plain(value)
        return kept

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to tell."""
        told = (
            self.short,
            self.short_otherwise,
            self.unused,
            self.unused_otherwise,
            self.decide,
            self.requests,
            self.taken_back,
            self.put_back,
        )
        return not any(told) and not self.saved


def week(connection: Connection, policy: Policy, now: datetime, before: Mapping[str, Any] | None = None) -> WeekFacts:
    """The seven days up to now. `before`: the facts stored a week ago."""
    since = now - WEEK
    found = overview(connection, now)
    all_short, wasteful = (found.short, found.wasteful) if found is not None else ((), ())
    short = [one for one in all_short if one.metric in _SEATS]
    idle = [one for one in wasteful if one.metric in _SEATS]
    due = [one for one in renewals(connection, policy, now, AHEAD.days) if one.state in _OPEN and one.decide_by]
    decided, sent = _requests(connection, since, now)
    return WeekFacts(
        year=now.year,
        number=since.isocalendar().week,  # the week that is over
        short=sum((one.short or Decimal(0) for one in short), Decimal(0)),
        short_products=len({one.product_id for one in short}),
        short_otherwise=len({one.product_id for one in all_short} - {one.product_id for one in short}),
        unused=sum((one.unused for one in idle), Decimal(0)),
        unused_a_year=_added(one.wasted for one in idle),
        unused_before=Decimal(str(before["unused"])) if before and before.get("unused") is not None else None,
        decide=sum(now.date() <= one.decide_by <= now.date() + AHEAD for one in due if one.decide_by is not None),
        decide_until=now.date() + AHEAD,
        requests=sent,
        half_minutes=round(median(decided)) if decided else None,
        taken_back=_count(connection, SeatReturn.removed_at > since, SeatReturn.removed_at <= now),
        given_back=_count(
            connection, SeatReturn.removed_at > since, SeatReturn.removed_at <= now, SeatReturn.ground == "given_back"
        ),
        put_back=_count(connection, SeatReturn.restored_at > since, SeatReturn.restored_at <= now),
        saved=_saved(connection, date(now.year, 1, 1)),
        months=_months(connection, now.date()),
        unused_otherwise=len({one.product_id for one in wasteful} - {one.product_id for one in idle}),
    )


def from_stored(kept: Mapping[str, Any]) -> WeekFacts:
    """What `stored` made."""
    months = tuple(
        MonthSaved(
            date.fromisoformat(one["first"]), _sums(one["possible"]), _sums(one["realised"]), _sums(one["put_back"])
        )
        for one in kept["months"]
    )
    before = kept["unused_before"]
    return WeekFacts(
        year=kept["year"],
        number=kept["number"],
        short=Decimal(kept["short"]),
        short_products=kept["short_products"],
        short_otherwise=kept["short_otherwise"],
        unused=Decimal(kept["unused"]),
        unused_a_year=_sums(kept["unused_a_year"]),
        unused_before=Decimal(before) if before is not None else None,
        decide=kept["decide"],
        decide_until=date.fromisoformat(kept["decide_until"]),
        requests=kept["requests"],
        half_minutes=kept["half_minutes"],
        taken_back=kept["taken_back"],
        given_back=kept["given_back"],
        put_back=kept["put_back"],
        saved=_sums(kept["saved"]),
        months=months,
        unused_otherwise=kept.get("unused_otherwise", 0),  # older messages do not say
    )


def _added(each: Iterable[Sums | None]) -> Sums:
    total = Sums()
    for one in each:
        total = total.plus(one)
    return total


def _requests(connection: Connection, since: datetime, now: datetime) -> tuple[list[float], int]:
    """Minutes from sending to decision of what was decided in the week, and how many were sent in it."""
    sent = LicenceRequest.submitted_at
    rows = connection.execute(
        select(sent, LicenceRequest.decided_at).where(
            LicenceRequest.decided_at > since, LicenceRequest.decided_at <= now, sent.is_not(None)
        )
    ).tuples()
    took = [(decided - begun).total_seconds() / 60 for begun, decided in rows if begun and decided]
    asked = select(func.count()).where(sent > since, sent <= now, LicenceRequest.status != Status.DRAFT)
    return took, connection.execute(asked).scalar_one()


def _count(connection: Connection, *conditions: Any) -> int:
    return connection.execute(select(func.count(SeatReturn.id)).where(*conditions)).scalar_one()


def _saved(connection: Connection, since: date) -> Sums:
    """Realised this year and not taken back."""
    rows = connection.execute(
        select(Saving.amount, Saving.currency).where(Saving.taken_back_at.is_(None), Saving.realised_at >= _at(since))
    ).all()
    return Sums.of(_money(row.amount, row.currency) for row in rows)


def _months(connection: Connection, today: date) -> tuple[MonthSaved, ...]:
    first = months_later(today.replace(day=1), 1 - MONTHS)
    starts = [months_later(first, one) for one in range(MONTHS)]
    gone = connection.execute(
        select(Seat.sku_id, SeatReturn.removed_at)
        .join(Seat, Seat.id == SeatReturn.seat_id)
        .where(SeatReturn.state == "removed", SeatReturn.removed_at >= _at(first))
    ).all()
    price = prices(connection, {row.sku_id for row in gone}, today)
    savings = connection.execute(
        select(Saving.amount, Saving.currency, Saving.realised_at, Saving.taken_back_at).where(
            (Saving.realised_at >= _at(first)) | (Saving.taken_back_at >= _at(first))
        )
    ).all()
    found = []
    for begins in starts:
        ends = months_later(begins, 1)
        within = (_at(begins), _at(ends))
        found.append(
            MonthSaved(
                begins,
                Sums.of(price[row.sku_id].yearly for row in gone if _in(row.removed_at, within)),
                Sums.of(_money(row.amount, row.currency) for row in savings if _in(row.realised_at, within)),
                Sums.of(_money(row.amount, row.currency) for row in savings if _in(row.taken_back_at, within)),
            )
        )
    return tuple(found)


def _in(at: datetime | None, within: tuple[datetime, datetime]) -> bool:
    return at is not None and within[0] <= at < within[1]


def _at(day: date) -> datetime:
    return datetime.combine(day, time(0), zone_of("UTC"))


def _money(amount: Decimal | None, currency: str) -> Money | None:
    return Money(amount, currency) if amount is not None and currency else None


def _stored(one: MonthSaved) -> dict[str, Any]:
    return {name: _plain(value) for name, value in vars(one).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Sums):
        return {"sums": value.rounded(), "unknown": value.unknown}
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _sums(kept: Mapping[str, Any]) -> Sums:
    known = Sums.of(Money(Decimal(amount), currency) for currency, amount in kept["sums"].items())
    return Sums(known.totals, kept["unknown"])
