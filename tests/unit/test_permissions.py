"""The permission table, cell by cell, against the one of the wording guide §4.1 written out again."""

from __future__ import annotations

import pytest

from model.people import Role
from workflows.permissions import Access, Duty, NotForYou, Page, Part, access, cell, duty, parts_of

#: E employee, M manager, O product owner, L licence manager, I IT, F finance, P procurement, A auditor, Ad admin.
GUIDE = """
| page      | E | M | O | L | I | F | P | A | Ad |
| overview  | – | ◐ | ◐ | ● | ○ | ○ | ○ | ○ | ○ |
| requests  | ◐ | ◐ | ◐ | ● | ● | ○ | ● | ○ | ○ |
| renewals  | – | – | ◐ | ● | ○ | ● | ● | ○ | ○ |
| alerts    | – | – | ◐ | ● | ● | ○ | – | ○ | ○ |
| reclaim   | – | ◐ | ◐ | ● | ○ | ○ | – | ○ | ○ |
| positions | – | – | ◐ | ● | ● | ○ | ○ | ○ | ○ |
| money     | – | ◐ | – | ○ | – | ● | ○ | ○ | – |
| contracts | – | – | ◐ | ● | ○ | ○ | ● | ○ | ○ |
| people    | ◐ | ◐ | – | ● | ● | – | – | ○ | ○ |
| names     | – | – | – | ● | ● | – | – | ○ | – |
| evidence  | – | – | – | ● | – | ○ | ○ | ● | – |
| audit     | – | – | – | ○ | ○ | – | – | ● | ○ |
| system    | – | – | – | ○ | ● | – | – | ○ | ● |
"""
SIGNS = {"–": Access.NONE, "◐": Access.OWN, "○": Access.READ, "●": Access.ACT}
PARTS = {
    "E": Part.EMPLOYEE, "M": Part.MANAGER, "O": Part.PRODUCT_OWNER, "L": Part.LICENCE_MANAGER, "I": Part.IT,
    "F": Part.FINANCE, "P": Part.PROCUREMENT, "A": Part.AUDITOR, "Ad": Part.ADMIN,
}  # fmt: skip


def cells() -> list[tuple[Page, Part, Access]]:
    rows = [[one.strip() for one in line.strip("|").split("|")] for line in GUIDE.strip().splitlines()]
    head = [PARTS[name] for name in rows[0][1:]]
    return [(Page(row[0]), part, SIGNS[sign]) for row in rows[1:] for part, sign in zip(head, row[1:], strict=True)]


@pytest.mark.parametrize(("page", "part", "right"), cells(), ids=lambda one: str(one))
def test_each_cell(page: Page, part: Part, right: Access) -> None:
    assert cell(page, part) is right


def test_every_page_and_part_is_in_the_table() -> None:
    assert {(page, part) for page, part, _ in cells()} == {(page, part) for page in Page for part in Part}


#: Planning is a right of its own, apart from confirming, which policy gives to roles (rules §7).
DUTIES = """
| duty            | E | M | O | L | I | F | P | A | Ad |
| plan_reclaim    | – | – | ◐ | ● | ● | – | – | – | – |
| switch_removals | – | – | – | ● | ● | – | – | – | ● |
| state_holds     | – | – | – | ● | ● | – | – | – | – |
| answer_differences | – | – | – | ● | – | ● | ● | – | – |
"""


def duties() -> list[tuple[Duty, Part, Access]]:
    rows = [[one.strip() for one in line.strip("|").split("|")] for line in DUTIES.strip().splitlines()]
    head = [PARTS[name] for name in rows[0][1:]]
    return [(Duty(row[0]), part, SIGNS[sign]) for row in rows[1:] for part, sign in zip(head, row[1:], strict=True)]


@pytest.mark.parametrize(("which", "part", "right"), duties(), ids=lambda one: str(one))
def test_each_duty(which: Duty, part: Part, right: Access) -> None:
    assert duty(which, [part]) is right


def test_every_duty_is_in_the_table() -> None:
    assert {(which, part) for which, part, _ in duties()} == {(which, part) for which in Duty for part in Part}


def test_the_strongest_part_counts_and_nobody_is_nothing() -> None:
    assert access(Page.NAMES, parts_of({Role.AUDITOR, Role.IT})) is Access.ACT
    assert access(Page.POSITIONS, parts_of(set(), owns=True)) is Access.OWN
    assert access(Page.OVERVIEW, parts_of(set(), manages=True)) is Access.OWN
    assert access(Page.POSITIONS, ()) is Access.NONE


def test_every_role_has_a_part_but_security_which_only_decides() -> None:
    for role in Role:
        assert len(parts_of({role})) == (1 if role is Role.SECURITY else 2)
    assert access(Page.POSITIONS, parts_of({Role.SECURITY})) is Access.NONE


def test_a_refusal_names_the_next_step() -> None:
    said = NotForYou("What the company has bought", ("Dara Novak",)).sentence
    assert said == "What the company has bought is shown to those who look after licences: ask Dara Novak."
    assert NotForYou("It", ()).sentence.endswith("IT can tell you who that is.")
