"""A person's word about a reported name: the pure step, and how publishers are told apart for the order."""

from __future__ import annotations

from typing import Any

import pytest

from workflows.reads.names import folded
from workflows.recognising import NOT_A_PRODUCT
from workflows.titles_settled import PRODUCT, RULE, decided

ASKED: dict[str, Any] = {"kind": "ask", "product_id": None, "candidate_id": 3, "confidence": 62}


@pytest.mark.parametrize("kind", ["ask", "unrecognised"])
def test_a_word_decides_whatever_was_guessed(kind: str) -> None:
    after = decided(ASKED | {"kind": kind}, PRODUCT, 7, 5)
    assert after == {
        "kind": "product", "product_id": 7, "candidate_id": None, "confidence": 100, "rule": RULE, "decided_by_id": 5,
    }  # fmt: skip


def test_what_is_no_product_leaves_every_count() -> None:
    after = decided(ASKED, NOT_A_PRODUCT, None, 5)
    assert (after["kind"], after["product_id"], after["candidate_id"]) == (NOT_A_PRODUCT, None, None)


@pytest.mark.parametrize(
    ("kind", "product_id", "before"), [(PRODUCT, None, "ask"), (NOT_A_PRODUCT, 7, "ask"), (PRODUCT, 7, "product")]
)
def test_a_word_that_fits_nothing_is_refused(kind: str, product_id: int | None, before: str) -> None:
    with pytest.raises(ValueError):
        decided(ASKED | {"kind": before}, kind, product_id, 5)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Adobe Inc.", "adobe"), ("ADOBE", "adobe"), ("Microsoft Corporation", "microsoft"),
        ("Foo, GmbH & Co. KG", "foo"), ("Incubator", "incubator"), ("", ""), ("S.A.", "s a"),
    ],
)  # fmt: skip
def test_publishers_are_compared_without_their_legal_form(name: str, plain: str) -> None:
    assert folded(name) == plain
