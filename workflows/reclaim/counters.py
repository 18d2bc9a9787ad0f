"""What became of a campaign in numbers: people are counted here, never named (rules §10), and money stays apart.

Reusable now, reducible at renewal and saved are three figures: a removed seat is reassignable, not saved (rules §7).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, select

from licensing.money import Sums
from model.licences import Seat
from model.reclaim import CandidateState, ReclaimCandidate
from workflows.reads.prices import prices

_S = CandidateState
_KEPT = frozenset({_S.KEPT, _S.KEEP_ASKED})


@dataclass(frozen=True)
class Counters:
    """One campaign. `reducible_now`: a year of what was taken; `reducible_more`: of what is still confirmed to go."""

    seats: int
    asked: int
    kept: int
    given_back: int
    no_answer: int
    in_use: int
    snoozed: int
    to_confirm: int
    confirmed: int  # confirmed and not gone yet
    taken: int
    skipped: int
    not_taken: int
    put_back: int
    reducible_now: Sums
    reducible_more: Sums

    @property
    def reusable_now(self) -> int:
        """Seats that came back and were not put back."""
        return self.taken


def counters(connection: Connection, campaign_ids: Collection[int], today: date) -> dict[int, Counters]:
    """By campaign; the number of queries is the same for one and for all."""
    rows = connection.execute(
        select(
            ReclaimCandidate.campaign_id,
            ReclaimCandidate.state,
            ReclaimCandidate.asked_at,
            ReclaimCandidate.answer,
            ReclaimCandidate.answered_at,
            Seat.sku_id,
        )
        .join(Seat, Seat.id == ReclaimCandidate.seat_id)
        .where(ReclaimCandidate.campaign_id.in_(campaign_ids))
    ).all()
    price = prices(connection, {row.sku_id for row in rows}, today)
    found = {}
    for campaign_id in campaign_ids:
        own = [row for row in rows if row.campaign_id == campaign_id]
        states = Counter(_S(row.state) for row in own)
        found[campaign_id] = Counters(
            seats=len(own),
            asked=sum(row.asked_at is not None for row in own),
            kept=sum(states[state] for state in _KEPT),
            given_back=sum(row.answer == "release" for row in own),
            no_answer=sum(_silent(row.state, row.asked_at, row.answered_at) for row in own),
            in_use=states[_S.IN_USE],
            snoozed=states[_S.SNOOZED],
            to_confirm=states[_S.RELEASED] + states[_S.UNANSWERED],
            confirmed=states[_S.CONFIRMED],
            taken=states[_S.TAKEN],
            skipped=states[_S.SKIPPED],
            not_taken=states[_S.NOT_TAKEN],
            put_back=states[_S.PUT_BACK],
            reducible_now=Sums.of(price[row.sku_id].yearly for row in own if row.state == _S.TAKEN),
            reducible_more=Sums.of(price[row.sku_id].yearly for row in own if row.state == _S.CONFIRMED),
        )
    return found


def _silent(state: str, asked_at: object, answered_at: object) -> bool:
    """Asked, never answered, and past the time to answer."""
    return asked_at is not None and answered_at is None and state not in (_S.ASKED, _S.SNOOZED, _S.IN_USE)
