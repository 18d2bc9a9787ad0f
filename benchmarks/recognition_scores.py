"""Label files and the scores of recognition: accuracy after folding, B-cubed precision and recall, pairs, questions.

A label and an answer are compared casefolded, with everything dropped but letters, digits, `+` and `#`. B-cubed says
for each row how pure its group is (precision: two products merged) and how whole (recall: one product split); that is
what a count of licences suffers from, not the spelling of a name. A row without a product is a group of its own.
"""

from __future__ import annotations

import csv
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from licensing.recognition import Catalogue, Kind, Recogniser, Recognition

DATA = Path(__file__).parent / "data"
Row = dict[str, str]
Name = Callable[[Row], tuple[str, str]]


def labels(name: str) -> list[Row]:
    """The rows of `benchmarks/data/titles_<name>.csv`."""
    with (DATA / f"titles_{name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def fold(text: str) -> str:
    """The form labels are compared in."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in folded if letter.isalnum() or letter in "+#")


@dataclass(frozen=True)
class Score:
    """Shares from 0 to 1 over `rows` rows; `publisher` over the rows that came with one."""

    rows: int
    product: float
    publisher: float
    precision: float
    recall: float
    wrong: tuple[tuple[Row, str], ...]


def answers(recogniser: Recogniser, rows: Sequence[Row]) -> list[Recognition]:
    return [recogniser.recognise(row["raw_title"], row["raw_publisher"], row["raw_version"]) for row in rows]


def score(rows: Sequence[Row], named: Sequence[tuple[str, str]]) -> Score:
    """How well `named` (product, publisher) fits the labels of `rows`."""
    wanted = [fold(row["product"]) for row in rows]
    given = [fold(product) or f"row {at}" for at, (product, _) in enumerate(named)]
    precision, recall = b_cubed(wanted, given)
    published = [
        fold(row["publisher"]) == fold(publisher)
        for row, (_, publisher) in zip(rows, named, strict=True)
        if row["raw_publisher"] and row["publisher"]
    ]
    wrong = tuple(
        (row, product) for row, want, give, (product, _) in zip(rows, wanted, given, named, strict=True) if want != give
    )
    return Score(len(rows), 1 - len(wrong) / len(rows), _share(published), precision, recall, wrong)


def b_cubed(wanted: Sequence[str], given: Sequence[str]) -> tuple[float, float]:
    """Precision and recall of the grouping `given` against `wanted`, averaged over rows."""
    both = Counter(zip(wanted, given, strict=True))
    wants, gives = Counter(wanted), Counter(given)
    count = len(wanted)
    precision = sum(both[want, give] / gives[give] for want, give in zip(wanted, given, strict=True)) / count
    recall = sum(both[want, give] / wants[want] for want, give in zip(wanted, given, strict=True)) / count
    return precision, recall


def of(recogniser: Recogniser, rows: Sequence[Row]) -> Score:
    """The recogniser's score on labelled rows."""
    return score(rows, [(found.product, found.publisher) for found in answers(recogniser, rows)])


def left_out(catalogue: Catalogue, rows: Sequence[Row]) -> Score:
    """The score when, for each product in turn, the catalogue does not hold it: what an unknown product gets."""
    whole = Recogniser(catalogue)
    by_product: dict[str, Recogniser] = {}
    for product in {row["product"] for row in rows}:
        rest = catalogue.without(product)
        by_product[product] = whole if rest is catalogue else Recogniser(rest)
    found = [answers(by_product[row["product"]], [row])[0] for row in rows]
    return score(rows, [(one.product, one.publisher) for one in found])


def trivial(row: Row) -> bool:
    """Whether the title is the product's name already, so that doing nothing is right."""
    return fold(row["raw_title"]) == fold(row["product"])


def merged(recogniser: Recogniser, pairs: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """The pairs of different products answered as one, and those of one product answered as two."""
    wrong: tuple[list[Row], list[Row]] = ([], [])
    for pair in pairs:
        first, second = (
            recogniser.recognise(pair[f"raw_title_{side}"], pair[f"raw_publisher_{side}"]) for side in "ab"
        )
        one = bool(first.key) and first.key == second.key
        if one != (pair["same_product"] == "yes"):
            wrong[0 if one else 1].append(pair)
    return wrong


def counted(recogniser: Recogniser, noise: Sequence[Row]) -> list[Row]:
    """The updates and parts that would count as an installation."""
    found = ((row, recogniser.recognise(row["raw_title"], row["raw_publisher"])) for row in noise)
    return [row for row, one in found if one.product or one.kind not in (Kind.COMPONENT, Kind.UPDATE)]


def guessed(recogniser: Recogniser, ambiguous: Sequence[Row]) -> list[Row]:
    """The titles that alone cannot decide and were not asked about."""
    return [row for row in ambiguous if recogniser.recognise(row["raw_title"], row["raw_publisher"]).kind != Kind.ASK]


def _share(right: Sequence[bool]) -> float:
    return sum(right) / len(right) if right else 1.0
