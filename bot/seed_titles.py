"""Titles of the demo's devices: each is recognised once, and becomes a product, a question, or nothing that counts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import insert, select

from licensing.recognition import Kind, Recogniser, Recognition, key, shipped
from model.contracts import Superseded
from model.inventory import Title
from model.licences import Granting, Product, Publisher
from model.session import UnitOfWork
from sandbox.inventory import Copy, Decided, Inventory

#: A title with its publisher, as reported.
Raw = tuple[str, str]
_BY_PERSON = "decided by a person"
_CERTAIN = 100


def store_titles(
    work: UnitOfWork, inventory: Inventory, people: Mapping[str, int], products: Mapping[str, int], began: datetime
) -> dict[Raw, int]:
    """Row ids of all titles. `products` by key are those of the register; others are made as recognition names them."""
    recogniser = Recogniser(shipped())
    catalogue = _Products(work, {key(one.product): one.licence for one in shipped().products})
    decided = {(one.raw_title, one.raw_publisher): one for one in inventory.decisions}
    first: dict[Raw, Copy] = {}
    for copy in inventory.copies:
        raw = copy.raw_title, copy.raw_publisher
        if raw not in first or copy.since < first[raw].since:
            first[raw] = copy
    rows, before = [], {}
    for raw, copy in first.items():
        found = recogniser.recognise(copy.raw_title, copy.raw_publisher, copy.version)
        seen = max(began, copy.since)
        row = _row(found, catalogue) | {
            "raw_title": copy.raw_title,
            "raw_publisher": copy.raw_publisher,
            "sample_version": copy.version,
            "decided_by_id": None,
            "first_seen_at": seen,
            "recorded_at": seen,
        }
        if raw in decided:
            before[raw] = row
            row = row | _decision(decided[raw], people, products)
        rows.append(row)
    work.connection.execute(insert(Title), rows)
    stored = work.connection.execute(select(Title.id, Title.raw_title, Title.raw_publisher))
    ids = {(row.raw_title, row.raw_publisher): row.id for row in stored}
    work.session.add_all(_what_it_was(ids[raw], row, decided[raw].at) for raw, row in before.items())
    work.session.flush()
    return ids


def _row(found: Recognition, catalogue: _Products) -> dict[str, object]:
    product_id = catalogue.of(found) if found.kind is Kind.PRODUCT else None
    candidate_id = catalogue.candidate(found) if found.kind is Kind.ASK else None
    return {
        "kind": str(found.kind),
        "product_id": product_id,
        "candidate_id": candidate_id,
        "confidence": round(found.confidence * _CERTAIN),
        "rule": found.rule,
    }


def _decision(one: Decided, people: Mapping[str, int], products: Mapping[str, int]) -> dict[str, object]:
    return {
        "kind": str(Kind.PRODUCT),
        "product_id": products[one.product],
        "candidate_id": None,
        "confidence": _CERTAIN,
        "rule": _BY_PERSON,
        "decided_by_id": people[one.by],
        "recorded_at": one.at,
    }


def _what_it_was(title_id: int, row: Mapping[str, object], until: datetime) -> Superseded:
    """A question before somebody answered it: it was open then, and is known as such."""
    names = ("kind", "product_id", "candidate_id", "confidence", "rule", "decided_by_id")
    return Superseded(
        table_name="title",
        row_id=title_id,
        facts={name: row[name] for name in names},
        recorded_at=row["first_seen_at"],
        superseded_at=until,
    )


@dataclass
class _Products:
    """Products by name, whatever its spelling; `licences` says what the catalogue knows of each."""

    work: UnitOfWork
    licences: Mapping[str, str]
    _ids: dict[str, int] = field(default_factory=dict)
    _keys: set[str] = field(default_factory=set)
    _publishers: dict[str, int] = field(default_factory=dict)
    _registered: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for row in self.work.connection.execute(select(Product.id, Product.name, Product.key)):
            self._ids[key(row.name)] = row.id
            self._keys.add(row.key)
        publishers = self.work.connection.execute(select(Publisher.id, Publisher.name))
        self._publishers = {row.name.casefold(): row.id for row in publishers}
        self._registered = frozenset(self._ids)

    def of(self, found: Recognition) -> int:
        """The product named, made when nobody has registered it."""
        return self._ids.get(found.key) or self._made(found)

    def candidate(self, found: Recognition) -> int | None:
        """What it may be: the first possibility somebody registered, else the product whose licence is open."""
        names: Sequence[str] = [key(name) for name in (found.product, *found.candidates) if name]
        registered = next((name for name in names if name in self._registered), None)
        if registered is not None:
            return self._ids[registered]
        return self.of(found) if found.product else None

    def _made(self, found: Recognition) -> int:
        row = Product(
            publisher_id=self._publisher(found.publisher or "Unknown publisher"),
            name=found.product,
            key=self._free_key(found.product),
            granting=Granting.OWNER_TASK,
            licence_model=self.licences.get(found.key) or "unknown",
            provisional=found.provisional,
        )
        self.work.session.add(row)
        self.work.session.flush()
        self._ids[found.key] = row.id
        return row.id

    def _publisher(self, name: str) -> int:
        known = self._publishers.get(name.casefold())
        if known is None:
            row = Publisher(name=name)
            self.work.session.add(row)
            self.work.session.flush()
            known = self._publishers[name.casefold()] = row.id
        return known

    def _free_key(self, name: str) -> str:
        plain = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:70] or "title"
        wanted, number = plain, 2
        while wanted in self._keys:
            wanted, number = f"{plain}-{number}", number + 1
        self._keys.add(wanted)
        return wanted
