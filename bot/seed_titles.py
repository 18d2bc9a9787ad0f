"""Titles of the demo's devices, by the operation that stores every reported title; then what a person decided."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from licensing.recognition import Kind
from model.inventory import Title
from model.session import UnitOfWork
from sandbox.inventory import Decided, Inventory
from workflows import titles
from workflows.register.entries import Book
from workflows.register.history import Row, Version, Writing
from workflows.register.names import Products

#: A title with its publisher, as reported.
Raw = tuple[str, str]


def store_titles(
    work: UnitOfWork, inventory: Inventory, people: Mapping[str, int], products: Mapping[str, int], began: datetime
) -> dict[Raw, int]:
    """Row ids of all titles; products nobody registered are made as recognition names them."""
    book = Book(work, began)
    reported = [
        titles.Reported(one.raw_title, one.raw_publisher, one.version, max(began, one.since), max(began, one.since))
        for one in inventory.copies
    ]
    rows = titles.store(book, Products(book), reported)
    writing = Writing(work, Title)
    for one in inventory.decisions:
        _decide(writing, rows[one.raw_title, one.raw_publisher], one, people, products)
    writing.flush()
    return {raw: row["id"] for raw, row in rows.items()}


def _decide(writing: Writing, row: Row, one: Decided, people: Mapping[str, int], products: Mapping[str, int]) -> None:
    """Until then it was a question, and is known as such."""
    writing.supersede(row, Version(dict(row), row["recorded_at"], one.at))
    row |= {
        "kind": Kind.PRODUCT.value,
        "product_id": products[one.product],
        "candidate_id": None,
        "confidence": 100,
        "rule": "decided by a person",
        "decided_by_id": people[one.by],
        "recorded_at": one.at,
    }
    writing.change(row)
