"""What renewals need of a contract's file, the hiring plan, and budgets: read right or refused with a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from model.contracts import Contract
from model.licences import Budget
from model.renewals import HiringPlan
from tests.unit.import_desk import Desk, desk
from workflows.policy_procurement import Procurement
from workflows.reads.budgets import budget_lines


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


def test_budgets_are_read_and_corrected_and_stand_in_the_budget_lines(register: Desk) -> None:
    plan = """
        Cost center,Year,Budget,Currency
        Design,2027,"€12,000.00",
        Design,2027,3000.50,USD
        IT,2027,0,EUR
        """
    assert register.take("budgets", plan).sentence == "3 new, 0 changed, 0 unchanged."
    assert register.take("budgets", plan.replace("12,000", "13,000")).sentence == "0 new, 1 changed, 2 unchanged."
    assert register.rows(Budget, "cost_centre", "year", "currency", "amount") == [
        ("Design", 2027, "EUR", Decimal("13000.00")),
        ("Design", 2027, "USD", Decimal("3000.50")),
        ("IT", 2027, "EUR", Decimal("0.00")),
    ]
    with register.database.reading() as connection:
        found = budget_lines(connection, 2027, Procurement())
    assert [(line.name, str(line.budget)) for line in found] == [
        ("Design", "€13,000.00"), ("Design", "US$3,000.50"), ("IT", "€0.00"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("Design,2027,-5,EUR", "is no budget. Write 0 or more."),
        ("Design,2027,5,", "Write for example EUR"),
        ("Design,27,5,EUR", "is no year from 2000 to 2100"),
        ("Design,2027,€5,USD", "One row has one currency"),
        (",2027,5,EUR", "cost_centre"),
        ("Design,2027,5,EUR\nDesign,2027,6,EUR", "is the same as in row 2"),
    ],
)
def test_a_wrong_budget_is_refused(register: Desk, row: str, said: str) -> None:
    assert said in " ".join(register.refused("budgets", f"cost_centre,year,amount,currency\n{row}"))
