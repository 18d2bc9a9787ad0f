"""What is written into a CSV stays what it is when a spreadsheet program opens it."""

from __future__ import annotations

import pytest

from licensing.sheet import as_cell, no_formula


@pytest.mark.parametrize("text", ["=1+1", "+SUM(A1)", "-2+3", "@name", "\tx", "\rx", "-", "=5"])
def test_a_text_that_begins_like_a_formula_stays_text(text: str) -> None:
    assert no_formula(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Miro", "-12.50", "+3", "-4", "a=b"])
def test_numbers_and_other_texts_stay_as_they_are(text: str) -> None:
    assert no_formula(text) == text


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, ""), ("", ""), (True, "yes"), (False, "no"), (-3, "-3"), (2.5, "2.5"), ("=Figma", "'=Figma"),
        ({"EUR": "12.00", "USD": "3.00"}, "12.00 EUR; 3.00 USD"), ([], ""), (["=Figma", "Miro"], "'=Figma; Miro"),
    ],
)  # fmt: skip
def test_a_value_is_written_as_people_read_it(value: object, wanted: str) -> None:
    assert as_cell(value) == wanted


def test_the_parts_of_a_list_are_said_as_the_table_says_them() -> None:
    assert as_cell([{"name": "OCS"}, {"name": "Intune"}], lambda one: one["name"].lower()) == "ocs; intune"
