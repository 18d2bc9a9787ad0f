"""What the list to confirm, its result and the counters of campaigns show: figures, rows, and until when undo goes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.orm import aliased

from licensing.money import Money, Sums
from model.licences import Product, Seat, SeatReturn, Sku
from model.people import Person
from model.reclaim import CampaignKind, CampaignState, CandidateState, ReclaimCampaign, ReclaimCandidate
from workflows.reads.facts import Price, SeatNumbers, Who
from workflows.reads.people import people
from workflows.reads.prices import prices, seat_numbers
from workflows.reads.seats import went_to_queue

_S = CandidateState
#: Rows of a list that a person confirms.
LISTED = (_S.RELEASED, _S.UNANSWERED, _S.LISTED)
#: Rows whose removal was confirmed, whatever came of it.
CONFIRMED = (_S.CONFIRMED, _S.TAKEN, _S.SKIPPED, _S.NOT_TAKEN, _S.PUT_BACK)


@dataclass(frozen=True)
class SeatRow:
    """One seat of a campaign. Dates of use stand in `evidence`, which is shown after a stored reason only."""

    id: int
    seat_id: int
    holder: Who
    state: CandidateState
    ground: str
    short: str  # the verdict without days
    look: str  # why it needs a look; "" when it is suggested
    answer: str
    asked_at: datetime | None
    words: str
    evidence: Mapping[str, Any]
    rule: str
    return_id: int | None
    undo_until: datetime | None
    returned: str  # where its return stands: "removed", "restoring", "waiting", …; "" before the list is confirmed
    price: Price
    went_on: bool = False  # somebody who was waiting has it now
    restored_by: Who | None = None  # whoever pressed Undo, or the holder
    restored_at: datetime | None = None

    @property
    def gone(self) -> bool:
        """Taken, and neither put back nor promised to its holder again."""
        return self.state is _S.TAKEN and self.returned == "removed"

    @property
    def suggested(self) -> bool:
        return not self.look and self.state in (_S.RELEASED, _S.LISTED)


@dataclass(frozen=True)
class CampaignFacts:
    """One campaign with its rows."""

    id: int
    version: int
    kind: CampaignKind
    state: CampaignState
    product: str
    product_id: int
    lost: str
    to_name: str  # a smaller licence that is given in exchange; "" when seats are only taken
    to_price: Price | None  # and what it costs
    planned_by: Who | None
    planned_by_rule: str
    planned_at: datetime
    begun_at: datetime | None
    answer_by: date | None
    decide_by: date | None
    words: str
    figures: Mapping[str, Any]
    confirmed_by: Who | None
    confirmed_at: datetime | None
    rows: tuple[SeatRow, ...]
    numbers: SeatNumbers
    term_ends_on: date | None

    @property
    def reference(self) -> str:
        return f"CMP-{self.id}"

    def count(self, *states: CandidateState) -> int:
        return sum(row.state in states for row in self.rows)

    @property
    def listed(self) -> tuple[SeatRow, ...]:
        """Rows to confirm: what needs a look first, then what is suggested."""
        rows = [row for row in self.rows if row.state in LISTED]
        return tuple(sorted(rows, key=lambda row: (row.suggested, row.id)))

    @property
    def confirmed(self) -> tuple[SeatRow, ...]:
        return tuple(row for row in self.rows if row.state in CONFIRMED)

    @property
    def undo_until(self) -> datetime | None:
        """The last instant at which every seat that is gone can be put back."""
        days = [row.undo_until for row in self.rows if row.gone and row.undo_until is not None]
        return min(days, default=None)

    def yearly(self, rows: Collection[SeatRow]) -> tuple[Sums, int]:
        """What the rows cost a year per currency, and for how many no price is recorded.

        Of a swap only what the smaller licence costs less, where both prices are known and in one currency.
        """
        known = [less_a_year(row.price, self.to_price) for row in rows]
        return Sums.of(one for one in known if one is not None), sum(one is None for one in known)


def campaigns(connection: Connection, ids: Collection[int], now: datetime) -> dict[int, CampaignFacts]:
    """Campaigns by id with all their rows; a fixed number of queries."""
    smaller = aliased(Product)
    heads = connection.execute(
        select(
            *ReclaimCampaign.__table__.c,
            Product.name.label("product"),
            Product.lost_on_return,
            func.coalesce(func.nullif(Sku.tier, ""), smaller.name, "").label("to_name"),
        )
        .join(Product, Product.id == ReclaimCampaign.product_id)
        .outerjoin(Sku, Sku.id == ReclaimCampaign.to_sku_id)
        .outerjoin(smaller, smaller.id == Sku.product_id)
        .where(ReclaimCampaign.id.in_(ids))
    ).all()
    if not heads:
        return {}
    rows = connection.execute(
        select(
            *ReclaimCandidate.__table__.c,
            Seat.sku_id,
            SeatReturn.undo_until,
            SeatReturn.removed_at,
            SeatReturn.restored_by_id,
            SeatReturn.restored_at,
            SeatReturn.state.label("return_state"),
        )
        .join(Seat, Seat.id == ReclaimCandidate.seat_id)
        .outerjoin(SeatReturn, SeatReturn.id == ReclaimCandidate.seat_return_id)
        .where(ReclaimCandidate.campaign_id.in_([head.id for head in heads]))
        .order_by(ReclaimCandidate.id)
    ).all()
    wanted = [one for row in rows for one in (row.person_id, row.confirmed_by_id, row.restored_by_id)]
    known = people(connection, [*wanted, *(head.planned_by_id for head in heads)])
    skus = {row.sku_id for row in rows}
    price_of = prices(connection, skus | {head.to_sku_id for head in heads if head.to_sku_id}, now.date())
    numbers = seat_numbers(connection, skus, now)
    gone = {row.seat_return_id: (row.sku_id, row.removed_at) for row in rows if row.state == _S.TAKEN}
    went_on = went_to_queue(connection, gone)
    of_campaign = defaultdict(list)
    for row in rows:
        of_campaign[row.campaign_id].append(row)
    found = {}
    for head in heads:
        own = of_campaign[head.id]
        sku = Counter(row.sku_id for row in own).most_common(1)
        confirmed = next((row for row in own if row.confirmed_by_id is not None), None)
        found[head.id] = CampaignFacts(
            id=head.id,
            version=head.version,
            kind=CampaignKind(head.kind),
            state=CampaignState(head.state),
            product=head.product,
            product_id=head.product_id,
            lost=head.lost_on_return,
            to_name=head.to_name,
            to_price=price_of.get(head.to_sku_id or 0),
            planned_by=known.get(head.planned_by_id or 0),
            planned_by_rule=head.planned_by,
            planned_at=head.planned_at,
            begun_at=head.begun_at,
            answer_by=head.answer_by,
            decide_by=head.decide_by,
            words=head.words,
            figures=head.figures or {},
            confirmed_by=known.get(confirmed.confirmed_by_id) if confirmed else None,
            confirmed_at=confirmed.confirmed_at if confirmed else None,
            rows=tuple(_row(row, known, price_of[row.sku_id], went_on) for row in own),
            numbers=numbers[sku[0][0]] if sku else _NO_NUMBERS,
            term_ends_on=price_of[sku[0][0]].ends_on if sku else None,
        )
    return found


_NO_NUMBERS = SeatNumbers(None, 0, 0, None, 0, False, "", None, "nothing is listed")


def less_a_year(price: Price, to: Price | None) -> Money | None:
    """What giving `to` in its place saves a year, all of it without one; None where that is not known."""
    if to is None or price.yearly is None:
        return price.yearly
    if to.yearly is None or to.yearly.currency != price.yearly.currency:
        return None
    return price.yearly - to.yearly


def _row(row: Any, known: Mapping[int, Who], price: Price, went_on: Collection[int]) -> SeatRow:
    evidence = row.evidence or {}
    return SeatRow(
        id=row.id,
        seat_id=row.seat_id,
        holder=known[row.person_id],
        state=CandidateState(row.state),
        ground=row.ground,
        short=str(evidence.get("short") or ""),
        look=row.look,
        answer=row.answer,
        asked_at=row.asked_at,
        words=row.words,
        evidence=evidence,
        rule=row.rule,
        return_id=row.seat_return_id,
        undo_until=row.undo_until,
        returned=row.return_state or "",
        price=price,
        went_on=row.seat_return_id in went_on,
        restored_by=known.get(row.restored_by_id or 0),
        restored_at=row.restored_at,
    )


@dataclass(frozen=True)
class HandoverFacts:
    """Somebody who left and what of theirs waits until it is handed over."""

    who: Who
    left_on: date | None
    products: tuple[str, ...]  # empty: handed over, or nothing waits
    said_by: Who | None
    said: str


def handover(connection: Connection, person_id: int) -> HandoverFacts | None:
    """What the question to a leaver's manager shows; None for nobody."""
    person = people(connection, [person_id]).get(person_id)
    if person is None:
        return None
    rows = connection.execute(
        select(
            Product.name,
            ReclaimCandidate.state,
            ReclaimCandidate.answered_at,
            ReclaimCandidate.answer_words,
            ReclaimCandidate.manager_id,
        )
        .join(Product, Product.id == ReclaimCandidate.product_id)
        .join(ReclaimCampaign, ReclaimCampaign.id == ReclaimCandidate.campaign_id)
        .where(ReclaimCandidate.person_id == person_id, ReclaimCampaign.kind == CampaignKind.LEAVING)
        .order_by(Product.name)
    ).all()
    left_on = connection.execute(select(Person.leaves_on).where(Person.id == person_id)).scalar()
    said = next((row for row in rows if row.answered_at is not None), None)
    by = people(connection, [said.manager_id]) if said is not None else {}
    return HandoverFacts(
        who=person,
        left_on=left_on,
        products=tuple(row.name for row in rows if row.state == _S.LISTED and row.answered_at is None),
        said_by=by.get(said.manager_id) if said is not None else None,
        said=said.answer_words if said is not None else "",
    )


def live_campaigns(
    connection: Connection, products: Collection[int] | None, kind: CampaignKind | None = None
) -> list[int]:
    """Campaigns that are not over, newest first; of these products and this kind, None for all."""
    wanted = select(ReclaimCampaign.id).where(
        ReclaimCampaign.state.not_in([CampaignState.DONE, CampaignState.CANCELLED])
    )
    if products is not None:
        wanted = wanted.where(ReclaimCampaign.product_id.in_(products))
    if kind is not None:
        wanted = wanted.where(ReclaimCampaign.kind == kind)
    return list(connection.execute(wanted.order_by(ReclaimCampaign.id.desc())).scalars())


def lists_to_confirm(connection: Connection) -> list[int]:
    """Campaigns whose list waits for a person with the right."""
    rows = connection.execute(
        select(ReclaimCampaign.id)
        .where(ReclaimCampaign.state == CampaignState.CONFIRMING)
        .order_by(ReclaimCampaign.listed_at, ReclaimCampaign.id)
    ).scalars()
    return list(rows)


def seats_to_confirm(connection: Connection) -> tuple[int, int]:
    """How many lists wait for a person with the right, and how many seats stand on them."""
    row = connection.execute(
        select(func.count(func.distinct(ReclaimCampaign.id)).label("lists"), func.count().label("seats"))
        .select_from(ReclaimCampaign)
        .join(ReclaimCandidate, ReclaimCandidate.campaign_id == ReclaimCampaign.id)
        .where(ReclaimCampaign.state == CampaignState.CONFIRMING, ReclaimCandidate.state.in_(LISTED))
    ).one()
    return row.lists, row.seats
