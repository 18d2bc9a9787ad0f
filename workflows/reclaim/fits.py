"""Seats that are more than is needed, set by set: covered by another seat of the person, or larger than what they use.

Both are candidates and no more: a person confirms each, and what could not be read needs a tick of its own (rules §7).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, select

from licensing.idle.fit import covered_by, rightsizing
from licensing.idle.products import gives_mail
from licensing.idle.signals import FINE, M365_APPS, MAILBOX
from licensing.suites import CoverRow, Covers, key, microsoft
from model.contracts import SuiteCover
from model.licences import Granting, Product, Seat, SeatReturn, Sku
from model.usage import LastUse
from workflows.policy import Policy
from workflows.reclaim.evidence import SeatVerdict, verdicts


@dataclass(frozen=True)
class Redundant:
    """A seat that another seat of the same person covers wholly."""

    seat: SeatVerdict
    by_sku_id: int
    by_product: str

    @property
    def sentence(self) -> str:
        """ "covered wholly by Microsoft 365 E5": without a day, so it may stand in lists."""
        return f"covered wholly by {self.by_product}"


@dataclass(frozen=True)
class TooBig:
    """A seat for which a smaller tier would do, as far as could be read."""

    seat: SeatVerdict
    to_sku_id: int
    words: str  # what was not checked; "" when everything fits
    checks: tuple[str, ...]
    unread: tuple[str, ...] = ()  # of what was not checked: what reports do not say any more, or not yet

    def was_seen(self, look: str) -> bool:
        """Whether whoever ticked a row with these words saw all that the reports do not say now."""
        return all(one in look for one in self.unread)

    @property
    def not_checked(self) -> bool:
        return bool(self.words)


def redundant(
    connection: Connection,
    policy: Policy,
    product_id: int,
    today: date,
    seat_ids: Collection[int] | None = None,
    as_read: Mapping[str, Collection[str]] | None = None,
) -> list[Redundant]:
    """Seats of a product that another seat of the same person covers, by the cover table and the company's own rows.

    `seat.excluded` holds for these too, but that a seat is new or its holder away is no reason to keep two. Nothing
    that is on in the seat may be off in the other, as the last reading showed both. `as_read`: what one holder has in
    Microsoft 365 at this moment, each SKU with the service plans that are off in it. Then only what is there covers.
    """
    found = [one for one in verdicts(connection, policy, product_id, today, seat_ids) if not _kept_anyway(one)]
    if not found:
        return []
    part = {
        row.id: row.sku_id for row in connection.execute(select(Sku.id, Sku.sku_id).where(Sku.product_id == product_id))
    }
    holders = select(Seat.person_id).where(Seat.product_id == product_id, Seat.ended_at.is_(None))
    # one that is itself on its way back covers nothing, nor does one that was given until a day
    going = select(SeatReturn.seat_id).where(SeatReturn.state.in_(["confirmed", "removing"]))
    rows = connection.execute(
        select(Seat.person_id, Seat.sku_id, Seat.product_id, Sku.sku_id.label("guid"), Product.name, Seat.off)
        .join(Sku, Sku.id == Seat.sku_id)
        .join(Product, Product.id == Seat.product_id)
        .where(
            Seat.person_id.in_(holders),
            Seat.ended_at.is_(None),
            Seat.until_on.is_(None),
            Seat.product_id != product_id,
            Seat.id.not_in(going),
        )
        .order_by(Seat.person_id, Seat.id)
    )
    held: dict[int, dict[str, Any]] = defaultdict(dict)
    stored = _Off()
    for row in rows:
        held[row.person_id].setdefault(spelt(row.guid, row.sku_id), row)
        stored.add(row.person_id, spelt(row.guid, row.sku_id), row.off)
    if as_read is None:
        mine = select(Seat.person_id, Seat.sku_id, Seat.off).where(Seat.product_id == product_id)
        for person_id, sku_id, off in connection.execute(mine.where(Seat.ended_at.is_(None))).tuples():
            stored.add(person_id, spelt(part.get(sku_id), sku_id), off)
    covers = microsoft(own_covers(connection))
    listed = []
    for one in found:
        own, beside = spelt(part[one.sku_id], one.sku_id), held.get(one.person_id, {})
        if as_read is not None:
            beside = {sku: row for sku, row in beside.items() if not row.guid or _stands_in(covers, sku, own, as_read)}
        else:
            beside = {sku: row for sku, row in beside.items() if stored.stands_in(covers, one.person_id, sku, own)}
        by = covered_by(own, beside, covers)
        if by:
            listed.append(Redundant(one, beside[by].sku_id, beside[by].name))
    return listed


class _Off:
    """The services that are off in the seats people hold, as stored; by two paths what is off in both."""

    def __init__(self) -> None:
        self._of: dict[tuple[int, str], frozenset[str] | None] = {}

    def add(self, person_id: int, sku: str, off: str | None) -> None:
        found = frozenset(off.split(",")) - {""} if off is not None else None
        known = self._of.get((person_id, sku), found)
        self._of[person_id, sku] = None if found is None or known is None else found & known

    def stands_in(self, covers: Covers, person_id: int, suite: str, part: str) -> bool:
        """False only where both were read, and something is off in the suite that is on in the part."""
        off, part_off = self._of.get((person_id, suite)), self._of.get((person_id, part))
        return off is None or part_off is None or covers.stands_in(suite, part, off, part_off)


def _stands_in(covers: Covers, suite: str, part: str, as_read: Mapping[str, Collection[str]]) -> bool:
    return suite in as_read and covers.stands_in(suite, part, as_read[suite], as_read.get(part, ()))


def too_big(
    connection: Connection,
    policy: Policy,
    product_id: int,
    to_sku_id: int,
    today: date,
    seat_ids: Collection[int] | None = None,
    given_back: Collection[int] = (),
) -> list[TooBig]:
    """Seats of a product for which the smaller tier would do; those whose things have no room there are left out.

    Only what is wholly part of the seat's own tier is smaller, so that nobody is moved upwards or aside. Of seats whose
    holders gave them back only that decides: what else stands against taking one does not stand against their word.
    """
    judged = verdicts(connection, policy, product_id, today, seat_ids)
    found = [one for one in judged if not one.excluded or one.seat_id in given_back]
    tiers = select(Sku.id, Sku.sku_id).where((Sku.product_id == product_id) | (Sku.id == to_sku_id))
    skus = {row.id: row.sku_id for row in connection.execute(tiers)}
    target = skus.get(to_sku_id)
    if not found or target is None:
        return []  # only Microsoft's tiers are swapped by one call
    holders = select(Seat.person_id).where(Seat.product_id == product_id, Seat.ended_at.is_(None))
    told = select(LastUse.person_id, LastUse.facts).where(
        LastUse.source == M365_APPS, LastUse.product_id.is_(None), LastUse.person_id.in_(holders)
    )
    apps = {row.person_id: row.facts for row in connection.execute(told)}
    covers, max_age = microsoft(own_covers(connection)), policy.reclaim.report_max_age_days
    listed = []
    for one in found:
        own = skus.get(one.sku_id)
        if own is None or not _smaller(covers, own, target):
            continue
        box = one.evidence.get("mailbox") if _fresh(one, MAILBOX, max_age) else None
        used = apps.get(one.person_id) if _fresh(one, M365_APPS, max_age) else None
        fit = rightsizing(own, target, box, used, watched=policy.reclaim.watched_plans)
        if fit.offered:
            checks = tuple(check.words for check in fit.checks)
            listed.append(TooBig(_looked_at(one, fit.words), to_sku_id, fit.words, checks, fit.unread))
    return listed


def smaller_tiers(connection: Connection, product_id: int) -> dict[int, str]:
    """By SKU row: what people call each licence that is smaller than some held tier of the product.

    Only Microsoft's, given to people directly: one call swaps them. A part that brings no mail, such as Power BI, does
    not stand for a suite that does.
    """
    held = select(Sku.sku_id).join(Seat, Seat.sku_id == Sku.id).where(Sku.product_id == product_id)
    rows_held = connection.execute(held.where(Seat.ended_at.is_(None), Sku.sku_id.is_not(None)).distinct()).scalars()
    own = [one for one in rows_held if one is not None]
    if not own:
        return {}
    rows = connection.execute(
        select(Sku.id, Sku.sku_id, Sku.tier, Product.name)
        .join(Product, Product.id == Sku.product_id)
        .where(Sku.sku_id.is_not(None), Product.granting == Granting.GRAPH_DIRECT, Product.retired_at.is_(None))
    )
    covers = microsoft(own_covers(connection))
    return {row.id: row.tier or row.name for row in rows if any(_stands_for(covers, one, row.sku_id) for one in own)}


def _stands_for(covers: Covers, own: str, target: str | None) -> bool:
    if target is None or not _smaller(covers, own, target):
        return False
    return gives_mail(target, target) or not gives_mail(own, own)


def _smaller(covers: Covers, own: str | None, target: str | None) -> bool:
    """Whether `target` is wholly part of `own` and not the other way round too; never where one is not Microsoft's."""
    if own is None or target is None:
        return False
    return key(own) != key(target) and covers.covers(own, target) and not covers.covers(target, own)


def _kept_anyway(one: SeatVerdict) -> bool:
    """What stands against taking it back though another seat covers it; being new or away does not."""
    return bool(one.excluded) and one.excluded_code not in ("new_seat", "new_hire", "future_hire", "leave")


def _looked_at(one: SeatVerdict, words: str) -> SeatVerdict:
    return replace(one, look="; ".join(part for part in (words, one.look) if part))


def _fresh(one: SeatVerdict, source: str, max_age: int) -> bool:
    """Whether a report is fine and young enough to go by; one that is not says nothing of what is stored or used."""
    seen = next((seen for seen in one.evidence["sources"] if seen["source"] == source), None)
    return seen is not None and seen["health"] == FINE and seen["age"] is not None and seen["age"] <= max_age


def spelt(guid: str | None, sku_id: int) -> str:
    """How a tier is named in the cover table: the vendor's id, else one of ours that the company's own rows use."""
    return key(guid) if guid else f"sku:{sku_id}"


def own_covers(connection: Connection) -> tuple[CoverRow, ...]:
    """The company's own rows, which win; they speak of products, so each of their tiers is meant."""
    rows = connection.execute(
        select(SuiteCover.suite_product_id, SuiteCover.part_product_id, SuiteCover.covers).order_by(SuiteCover.id)
    ).all()
    if not rows:
        return ()
    tiers: dict[int, list[str]] = defaultdict(list)
    ids = {one for row in rows for one in (row.suite_product_id, row.part_product_id)}
    for row in connection.execute(select(Sku.id, Sku.sku_id, Sku.product_id).where(Sku.product_id.in_(ids))):
        tiers[row.product_id].append(spelt(row.sku_id, row.id))
    return tuple(
        CoverRow(suite, part, "the company", row.covers)
        for row in rows
        for suite in tiers[row.suite_product_id]
        for part in tiers[row.part_product_id]
    )
