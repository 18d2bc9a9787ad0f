"""What renewals need of a contract's file, and the hiring plan: read right or refused with a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from model.contracts import Contract
from model.renewals import HiringPlan
from tests.unit.import_desk import Desk, desk


@pytest.fixture
def register(sqlite_url: str) -> Iterator[Desk]:
    with desk(sqlite_url) as made:
        yield made


def test_what_a_contract_says_about_its_end(register: Desk) -> None:
    register.take(
        "contracts",
        """
        number,vendor,starts_on,ends_on,notice,receipt_counts,delivery_days,term_months,programme,told_days,true_up_peak
        K-1,Northwind,2025-04-01,2027-03-31,6 weeks,yes,3,12,,120; 30; 120; 7,yes
        K-2,Microsoft,2025-04-01,2028-03-31,,,,,EA,,
        K-3,Microsoft,2025-12-15,2026-12-14,2 years,no,,,NCE,,
        """,
    )
    assert register.rows(
        Contract, "notice_count", "notice_unit", "receipt_counts", "delivery_days", "term_months", "programme"
    ) == [
        (6, "weeks", True, 3, 12, ""),
        (None, None, False, 0, None, "enterprise_agreement"),
        (24, "months", False, 0, None, "new_commerce"),
    ]
    assert register.rows(Contract, "told_days", "true_up_peak") == [([120, 30, 7], True), ([], False), ([], False)]


def test_days_that_are_none_are_refused(register: Desk) -> None:
    (line, *_) = register.refused(
        "contracts",
        """
        number,vendor,starts_on,told_days
        K-1,Northwind,2025-04-01,90; soon
        """,
    )
    assert "is no list of days. Write for example 90; 30; 7" in line


def test_the_hiring_plan_is_read_and_corrected(register: Desk) -> None:
    register.take("products", "name,publisher\nMiro,Miro")
    plan = """
        department,starts_on,heads,product
        Design,2027-01-01,3,
        Design,2027-01-01,2,miro
        Sales,2027-02-01,-4,
        """
    assert register.take("hiring", plan).sentence == "3 new, 0 changed, 0 unchanged."
    assert register.take("hiring", plan.replace(",3,", ",5,")).sentence == "0 new, 1 changed, 2 unchanged."
    assert register.rows(HiringPlan, "reference", "starts_on", "heads", "product_id") == [
        ("Design 2027-01-01", date(2027, 1, 1), 5, None),
        ("Design 2027-01-01 miro", date(2027, 1, 1), 2, 1),
        ("Sales 2027-02-01", date(2027, 2, 1), -4, None),
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("Design,2027-01-01,half,", "heads"),
        ("Design,2027-01-01,1.5,", "no whole number of people"),
        ("Design,2027-01-01,2,Visoi", "“Visoi” is not in the register"),
        ("Design,,2,", "starts_on"),
    ],
)
def test_a_wrong_plan_is_refused(register: Desk, row: str, said: str) -> None:
    assert said in " ".join(register.refused("hiring", f"department,starts_on,heads,product\n{row}"))
