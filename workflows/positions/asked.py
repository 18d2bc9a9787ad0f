"""What is asked of each product before anything is counted: what was bought says which statement counts its users."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, exists, func, or_, select

from licensing.position.facts import Metric, Purchase, Right
from licensing.suites import cover_table, sku_named
from model.contracts import SuiteCover
from model.licences import Product, Publisher, Sku
from workflows.positions.earlier import said as read_then
from workflows.positions.kept import Question
from workflows.positions.purchases import BOUGHT, COLUMNS, purchases, purchases_of
from workflows.positions.subjects import ALL, Subject, subjects, subjects_of
from workflows.positions.times import Times
from workflows.positions.use_then import Cover, Plan

#: A version that people buy by.
YEAR = re.compile(r"(?:19|20)\d\d")
#: Publishers of products that may be Microsoft's by their name alone.
MICROSOFT = ("microsoft", "not recorded")


@dataclass(frozen=True)
class Asked:
    """What is asked of which products, before anything is counted."""

    found: list[Subject]
    bought: dict[tuple[int, int], list[Purchase]]
    covers: list[Cover]
    plans: dict[Plan, set[int]]
    by_year: set[int]  # products bought by the year in their name

    @property
    def base_sku(self) -> dict[int, int]:
        """Under which tier devices count, for products with tiers."""
        return {one.product_id: one.sku_id for one in self.found if one.takes_devices and one.sku_id is not None}

    @property
    def idle_after(self) -> dict[int, int]:
        return {one.product_id: one.idle_after_days for one in self.found}

    def questions(self, times: Times) -> Iterator[Question]:
        """One for each product and plan."""
        base_sku, idle_after = self.base_sku, self.idle_after
        covers: dict[int, list[Cover]] = defaultdict(list)
        for cover in self.covers:
            covers[cover.part[0]].append(cover)
        for plan, product_ids in self.plans.items():
            for one in sorted(product_ids):
                yield Question(
                    one, plan, times.at, base_sku.get(one), tuple(covers[one]), idle_after[one], one in self.by_year
                )


def asked(connection: Connection, times: Times, product_ids: Collection[int] | None = None) -> Asked:
    """Of some products, or of all that are licensed."""
    if product_ids is not None and len(product_ids) == 1:
        found, rows = _with_purchases(connection, times, next(iter(product_ids)))
    else:
        found, rows = subjects(connection, times, product_ids), purchases(connection, times, product_ids)
    bought = _by_subject(found, rows)
    by_year = {product_id for (product_id, _), rows in bought.items() if any(YEAR.fullmatch(r.version) for r in rows)}
    covers = covers_of(connection, times, found)
    return Asked(found, bought, covers, _plans(found, bought, {one.product_id for one in found}), by_year)


#: One product, which cards ask for all day, with its purchases: each tier comes once a purchase.
_TOGETHER = (
    ALL.add_columns(*(column.label(f"bought_{column.name}") for column in COLUMNS))
    .outerjoin(BOUGHT, BOUGHT.c.product_id == Product.id)
    .where(Product.id == bindparam("product_id"))
    .order_by(BOUGHT.c.id)
)


def _with_purchases(
    connection: Connection, times: Times, product_id: int
) -> tuple[list[Subject], dict[tuple[int, int | None], list[Purchase]]]:
    rows = connection.execute(_TOGETHER, {"product_id": product_id, "known_at": times.known_at}).all()
    tiers = {row.own_sku_id: row for row in rows}
    bought = {
        row.bought_id: {column.name: getattr(row, f"bought_{column.name}") for column in COLUMNS}
        for row in rows
        if row.bought_id is not None
    }
    found = subjects_of(connection, times, tiers.values())
    return found, purchases_of(connection, times, list(bought.values()), [product_id])


def _by_subject(
    found: Sequence[Subject], bought: Mapping[tuple[int, int | None], list[Purchase]]
) -> dict[tuple[int, int], list[Purchase]]:
    """Purchases to tiers; what was bought for a product with tiers as such counts where its devices do."""
    sorted_out: dict[tuple[int, int], list[Purchase]] = defaultdict(list)
    whole = {subject.product_id for subject in found if subject.sku_id is None}
    base = {subject.product_id: subject.key for subject in found if subject.takes_devices}
    for (product_id, sku_id), rows in bought.items():
        if product_id in whole:
            sorted_out[product_id, 0] += rows
        elif sku_id is not None:
            sorted_out[product_id, sku_id] += rows
        elif product_id in base:
            sorted_out[base[product_id]] += rows
    return sorted_out


def _plans(
    found: Sequence[Subject],
    bought: Mapping[tuple[int, int], Sequence[Purchase]],
    ids: Collection[int],
) -> dict[Plan, set[int]]:
    """Which products need which statement; one with cores and something else needs two."""
    traits = {subject.product_id: subject.traits for subject in found}
    by_product: dict[int, list[Purchase]] = defaultdict(list)
    asked: dict[int, set[Metric]] = defaultdict(set)
    for subject in found:
        by_product[subject.product_id] += bought.get(subject.key, ())
        if subject.metric is not None:
            asked[subject.product_id].add(subject.metric)
    plans: dict[Plan, set[int]] = defaultdict(set)
    for product_id in ids:
        rows = by_product[product_id]
        metrics = {one.metric for one in rows} or asked[product_id]
        flags = {
            "exclusions": traits[product_id].exclusions,
            "undecided": traits[product_id].undecided,
            "signals": traits[product_id].signals,
        }
        if Metric.CORE in metrics:
            by_version = any(one.version for one in rows if one.metric is Metric.CORE)
            plans[
                Plan(
                    servers=True,
                    versions=by_version,
                    exclusions=flags["exclusions"],
                    undecided=flags["undecided"],
                )
            ].add(product_id)
        if not metrics or metrics & {Metric.NAMED_USER, Metric.DEVICE, Metric.SITE}:
            second = any(Right.SECOND_USE in one.rights for one in rows)
            by_person = Metric.NAMED_USER in metrics or second or (not metrics and traits[product_id].seats)
            plans[
                Plan(
                    people=by_person,
                    devices=not by_person or second or bool(metrics - {Metric.NAMED_USER, Metric.CORE}),
                    versions=any(one.version for one in rows),
                    portable=second,
                    sites=Metric.SITE in metrics,
                    judged=by_person and traits[product_id].judged,
                    **flags,
                )
            ].add(product_id)
    return plans


def covers_of(connection: Connection, times: Times, found: Sequence[Subject]) -> list[Cover]:
    """Which suites cover which of the subjects: Microsoft's by their plans, and the company's own word, which wins."""
    if times.plain and not _by_vendor_id(found) and not any(one.traits.covers for one in found):
        return []
    query = select(SuiteCover.suite_product_id, SuiteCover.part_product_id, SuiteCover.covers)
    said = {
        (suite_id, part_id): yes
        for suite_id, part_id, yes in connection.execute(query.where(SuiteCover.recorded_at <= times.known_at))
    }
    said |= {
        (row["suite_product_id"], row["part_product_id"]): row["covers"]
        for row in read_then(connection, SuiteCover, times)
    }
    own = select(Product.id).join(Publisher, Publisher.id == Product.publisher_id)
    microsoft = own.where(
        or_(
            *(func.lower(Publisher.name).startswith(name) for name in MICROSOFT),
            exists().where(Sku.product_id == Product.id, Sku.sku_id.is_not(None)),
        )
    )
    held = set(connection.execute(microsoft).scalars()) | {suite_id for suite_id, _ in said}
    suites = subjects(connection, times, held)
    by_vendor_id = _by_vendor_id(suites)
    wanted = {one.key for one in found}
    covers: dict[tuple[tuple[int, int], tuple[int, int]], str] = {}
    for computed in cover_table(by_vendor_id):
        suite, part = by_vendor_id[computed.suite], by_vendor_id[computed.part]
        if part.key in wanted and said.get((suite.product_id, part.product_id), True):
            covers[part.key, suite.key] = suite.name
    for (suite_id, part_id), yes in said.items():
        names = [one.name for one in suites if one.product_id == suite_id]
        if yes and names:
            covers |= {(part.key, (suite_id, 0)): names[0] for part in found if part.product_id == part_id}
    return [Cover(part, suite, name) for (part, suite), name in sorted(covers.items()) if part[0] != suite[0]]


def _by_vendor_id(found: Sequence[Subject]) -> dict[str, Subject]:
    """Microsoft's products by its ids: those read from its tenant, and those the register knows by name only."""
    by_id: dict[str, Subject] = {}
    for one in found:
        ids = [vendor_id for _, vendor_id in one.skus if vendor_id]
        if not ids and one.publisher.casefold().startswith(MICROSOFT):
            ids = [named] if (named := sku_named(one.name)) else []
        by_id |= dict.fromkeys(ids, one)
    return by_id
