"""Recognition against the label files: no score may fall below what was reached."""

from __future__ import annotations

import pytest

from benchmarks import recognition_scores as scores
from benchmarks import row_recognition
from benchmarks.recognition_scores import Row
from licensing.recognition import Kind, Recogniser, paid, shipped

RECOGNISER = Recogniser(shipped())
DEV = scores.labels("dev")
OWN = scores.labels("own")


def test_the_sample_is_recognised() -> None:
    found = scores.of(RECOGNISER, DEV)
    assert found.product >= 0.99
    assert found.publisher >= 0.98
    assert found.precision >= 0.995
    assert found.recall >= 0.99


def test_paid_products_are_recognised() -> None:
    rows = [row for row in DEV + OWN if scores.fold(row["product"]) in paid(shipped())]
    assert len(rows) > 100
    assert scores.of(RECOGNISER, rows).product >= 0.97


@pytest.mark.parametrize("half", ["tuned", "untouched", "later"])
def test_titles_of_other_products_are_recognised(half: str) -> None:
    found = scores.of(RECOGNISER, [row for row in OWN if row["half"] == half and row["product"]])
    assert found.rows > 90
    assert found.product >= 0.95
    assert found.publisher >= 0.95
    assert found.precision >= 0.99
    assert found.recall >= 0.97


def test_products_taken_out_of_the_catalogue_still_fall_together() -> None:
    """Without its entry a renamed product splits by name; two products are never merged."""
    rows = [row for row in OWN if row["product"] and row["half"] == "untouched"][::3]
    found = scores.left_out(shipped(), rows)
    assert found.product >= 0.85
    assert found.precision >= 0.99
    assert found.recall >= 0.93


@pytest.mark.parametrize("row", OWN, ids=lambda row: row["raw_title"])
def test_the_kind_of_every_title(row: Row) -> None:
    found = RECOGNISER.recognise(row["raw_title"], row["raw_publisher"], row["raw_version"])
    assert found.kind == row["kind"]


@pytest.mark.parametrize("pair", scores.labels("confusable"), ids=lambda pair: pair["raw_title_b"])
def test_confusable_pairs(pair: Row) -> None:
    assert scores.merged(RECOGNISER, [pair]) == ([], []), pair["note"]


@pytest.mark.parametrize("row", scores.labels("ambiguous"), ids=lambda row: row["raw_title"])
def test_ambiguous_titles_are_asked(row: Row) -> None:
    assert not scores.guessed(RECOGNISER, [row]), row["what_decides"]


@pytest.mark.parametrize("row", scores.labels("noise"), ids=lambda row: row["raw_title"])
def test_updates_and_parts_never_count(row: Row) -> None:
    found = RECOGNISER.recognise(row["raw_title"], row["raw_publisher"])
    assert (found.kind, found.product) == (Kind(row["kind"]), "")


def test_b_cubed_by_hand() -> None:
    """Five rows, two products; one row of the second was put with the first."""
    precision, recall = scores.b_cubed(list("aaabb"), list("xxxxy"))
    assert precision == pytest.approx((3 * 3 / 4 + 1 / 4 + 1) / 5)
    assert recall == pytest.approx((3 * 1 + 2 * 1 / 2) / 5)


def test_the_row_of_the_benchmark_reports_every_figure() -> None:
    made = row_recognition.report(200, 40)
    times = ("/s", "×")  # a busy machine reaches none of them
    assert [check.name for check in made.checks if not check.reached and check.unit not in times] == []
    assert {"identity, sample", "left out, dev", "own set, untouched"} <= {str(line[0]) for line in made.tables[0].rows}
    assert "new titles" in made.text()
