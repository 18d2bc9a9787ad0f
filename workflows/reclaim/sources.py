"""Which seats a campaign of each kind is about, and which ones are only counted: the dry run's picture (design §6).

Excluded seats, those that come through a group nobody named, mailboxes on hold, and seats whose use is not known are
reported as numbers, never as a list of names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, or_, select

from licensing.words import day, isolate
from model.licences import Product, Seat, SeatReturn, Sku
from model.people import Person
from model.reclaim import CampaignKind, ReclaimCandidate
from workflows.policy import Policy
from workflows.reclaim import evidence, fits, held
from workflows.reclaim.campaign import OPEN

#: Verdicts on which a seat may be taken for its idleness, once a person confirmed it.
IDLE = frozenset({"idle", "little_used"})
UNKNOWN, ACTIVE = "unknown", "active"
#: Key of a candidate's evidence: the verdict with its days, for the holder's own eyes.
SENTENCE = "sentence"


@dataclass(frozen=True)
class Found:
    """One seat that becomes a candidate."""

    seat_id: int
    person_id: int
    sku_id: int
    verdict: str
    sentence: str
    rule: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    look: str = ""
    used_on: date | None = None  # None: never, as far as is known


@dataclass
class Picture:
    """What a dry run found: the seats, and the numbers of what is not listed."""

    found: list[Found] = field(default_factory=list)
    verdicts: Counter[str] = field(default_factory=Counter)
    groups: Counter[str] = field(default_factory=Counter)  # path -> seats that are only reported
    left_out: Counter[str] = field(default_factory=Counter)  # by reason: a word of `excluded`, or one of `looked_at`

    def figures(self) -> dict[str, Any]:
        """As the campaign keeps them."""
        return {
            "verdicts": dict(self.verdicts),
            "groups": dict(self.groups),
            "left_out": dict(self.left_out),
            "listed": len(self.found),
        }


def acted_on(policy: Policy, path: str) -> bool:
    """Whether seats of this path are taken one by one; a group only where policy names it (rules §6)."""
    kind, _, group_id = path.partition(":")
    return kind in ("direct", "task") or (kind == "group" and policy.reclaim.acts_on(group_id))


def has_left(today: date) -> Any:
    """Condition on people: the account is gone or disabled, or the last day is over."""
    return or_(Person.active.is_(False), Person.leaves_on < today)


def who_left(connection: Connection, product_id: int, today: date) -> frozenset[int]:
    """Holders of the product who left."""
    rows = connection.execute(
        select(Person.id)
        .join(Seat, Seat.person_id == Person.id)
        .where(Seat.product_id == product_id, Seat.ended_at.is_(None), has_left(today))
    )
    return frozenset(rows.scalars())


def looked_at(
    connection: Connection,
    policy: Policy,
    product_id: int,
    kind: CampaignKind,
    now: datetime,
    *,
    ask_unknown: bool = False,
    to_sku_id: int | None = None,
) -> Picture:
    """The seats of a product that a campaign of this kind is about, leavers apart, in the order they are asked.

    `ask_unknown`: seats whose use nobody knows are asked about too; only their holders' own release counts then.
    """
    today, picture = now.date(), Picture()
    leavers = _leavers(connection, policy, product_id, today)
    if kind is CampaignKind.LEAVING:
        rows = _leaving(connection, policy, product_id, today)
    elif kind in (CampaignKind.REDUNDANT, CampaignKind.TOO_BIG):
        rows = _more_than_needed(connection, policy, product_id, kind, to_sku_id, today, picture)
    else:
        rows = _used(connection, policy, product_id, kind, today, picture, ask_unknown)
    elsewhere = busy(connection, product_id)
    again = _not_again(connection, product_id, today, kind)
    on_hold = held.held_people(connection, held.addresses(connection, policy, product_id, now))
    for row in rows:
        if row.seat_id in elsewhere:
            picture.left_out["elsewhere"] += 1
        elif kind is not CampaignKind.LEAVING and row.seat_id in leavers:
            picture.left_out["leaving"] += 1  # their seats go first, by a list of their own
        elif row.person_id in on_hold:
            picture.left_out["on_hold"] += 1
        elif row.seat_id in again:
            picture.left_out["not_again"] += 1
        else:
            picture.found.append(row)
    return picture


def _used(
    connection: Connection,
    policy: Policy,
    product_id: int,
    kind: CampaignKind,
    today: date,
    picture: Picture,
    ask_unknown: bool,
) -> list[Found]:
    """By what sources say about use; the idlest first. A review is about every seat, whatever is known of its use."""
    found = []
    for one in evidence.each_verdict(connection, policy, product_id, today):
        if not acted_on(policy, one.path):
            picture.groups[one.path] += 1
            continue
        if one.excluded:
            picture.left_out[one.excluded_code] += 1
            continue
        picture.verdicts[str(one.verdict)] += 1
        if kind is CampaignKind.REVIEW or one.verdict in IDLE or (one.verdict == UNKNOWN and ask_unknown):
            found.append(
                Found(
                    seat_id=one.seat_id,
                    person_id=one.person_id,
                    sku_id=one.sku_id,
                    verdict=str(one.verdict),
                    sentence=one.short[:500],  # no dates: managers and lists show it (rules §10)
                    rule=kind.value if kind is CampaignKind.REVIEW else one.rule[:60],
                    evidence={**one.evidence, SENTENCE: one.sentence},
                    look=one.look[:200],
                    used_on=one.used_on,
                )
            )
    order = {"idle": 0, "little_used": 1}
    return sorted(
        found, key=lambda row: (order.get(row.verdict, 2), bool(row.look), row.used_on or date.min, row.seat_id)
    )


def _more_than_needed(
    connection: Connection,
    policy: Policy,
    product_id: int,
    kind: CampaignKind,
    to_sku_id: int | None,
    today: date,
    picture: Picture,
) -> list[Found]:
    """Covered by another seat, or larger than what is used; whether it is used does not decide."""
    if kind is CampaignKind.REDUNDANT:
        covered = fits.redundant(connection, policy, product_id, today)
        rows = [(one.seat, f"{one.sentence[:1].upper()}{one.sentence[1:]}.") for one in covered]
    else:
        smaller = fits.too_big(connection, policy, product_id, to_sku_id or 0, today)
        rows = [
            (one.seat, f"{tier_name(connection, one.to_sku_id)} would do for what is stored and used.")
            for one in smaller
        ]
    found = []
    for one, words in rows:
        if not acted_on(policy, one.path):
            picture.groups[one.path] += 1
            continue
        picture.verdicts[str(one.verdict)] += 1
        found.append(
            Found(
                seat_id=one.seat_id,
                person_id=one.person_id,
                sku_id=one.sku_id,
                verdict=str(one.verdict),
                sentence=words[:500],
                rule=kind.value,
                evidence={**one.evidence, SENTENCE: one.sentence},
                look=one.look[:200],
            )
        )
    return found


def tier_name(connection: Connection, sku_id: int) -> str:
    """What people call a tier."""
    row = connection.execute(
        select(Sku.tier, Product.name).join(Product, Product.id == Sku.product_id).where(Sku.id == sku_id)
    ).one()
    return isolate(row.tier or row.name)


def _leavers(connection: Connection, policy: Policy, product_id: int, today: date) -> frozenset[int]:
    """Open seats of people who left."""
    return frozenset(row.seat_id for row in _leaving(connection, policy, product_id, today))


def _leaving(connection: Connection, policy: Policy, product_id: int, today: date) -> list[Found]:
    rows = connection.execute(
        select(Seat.id, Seat.person_id, Seat.sku_id, Seat.path, Person.leaves_on)
        .join(Person, Person.id == Seat.person_id)
        .where(
            Seat.product_id == product_id,
            Seat.ended_at.is_(None),
            has_left(today),
        )
        .order_by(Person.leaves_on, Seat.id)
    )
    return [
        Found(
            seat_id=row.id,
            person_id=row.person_id,
            sku_id=row.sku_id,
            verdict=UNKNOWN,
            sentence=f"Left on {day(row.leaves_on)}." if row.leaves_on is not None else "The account is switched off.",
            rule="leaving",
            evidence={"leaves_on": row.leaves_on.isoformat() if row.leaves_on is not None else None},
        )
        for row in rows
        if acted_on(policy, row.path)
    ]


def busy(connection: Connection, product_id: int) -> frozenset[int]:
    """Seats that are candidates of another campaign, or on their way back already."""
    candidates = select(ReclaimCandidate.seat_id).where(
        ReclaimCandidate.product_id == product_id, ReclaimCandidate.state.in_(OPEN)
    )
    returns = select(SeatReturn.seat_id).where(
        SeatReturn.product_id == product_id, SeatReturn.state.in_(["confirmed", "removing"])
    )
    return frozenset(connection.execute(candidates.union(returns)).scalars())


def _not_again(connection: Connection, product_id: int, today: date, kind: CampaignKind) -> frozenset[int]:
    """Seats whose holder was asked lately and keeps it, or that a person left alone in a list.

    Whoever kept theirs and left since is listed all the same.
    """
    query = select(ReclaimCandidate.seat_id).where(
        ReclaimCandidate.product_id == product_id, ReclaimCandidate.ask_again_on > today
    )
    if kind is CampaignKind.LEAVING:
        query = query.where(ReclaimCandidate.ground == kind)
    return frozenset(connection.execute(query).scalars())
