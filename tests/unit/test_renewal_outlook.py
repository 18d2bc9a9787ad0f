"""What a brief is judged by, from rows: months of seats, what was bought when, the hiring plan's share."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import update

from licensing.forecast import Month
from model.licences import Sku
from tests.unit.renewal_desk import Office, office
from workflows.renewals import outlook

SEATS = """
    product,person,began_on,ended_on
    Copilot,ana@example.test,2026-04-10,
    Copilot,chitra@example.test,2026-05-31,2026-09-30
    Copilot,dara@example.test,2026-06-01,
    Copilot,fay@example.test,2026-06-15,2026-07-01
"""


@pytest.fixture
def company(sqlite_url: str) -> Iterator[Office]:
    with office(sqlite_url) as made:
        made.take("seats", SEATS)
        made.now = made.at("2026-11-23", 9)
        yield made


def test_months_count_people_at_their_end(company: Office) -> None:
    with company.database.reading() as connection:
        found = outlook.months(connection, 1, None, company.now.date())
    assert [(one.first.month, one.seats) for one in found] == [
        (4, 1), (5, 2), (6, 4), (7, 3), (8, 3), (9, 2), (10, 2), (11, 2),
    ]  # fmt: skip


def test_a_product_nobody_held_has_no_months(company: Office) -> None:
    with company.database.reading() as connection:
        assert outlook.months(connection, 99, None, company.now.date()) == []


def test_the_outlook_has_peak_purchases_and_the_next_terms_need(company: Office) -> None:
    with company.database.reading() as connection:
        seen = outlook.outlook(connection, 1, None, date(2027, 4, 1), date(2028, 3, 31), company.now)
    assert (seen.in_use, seen.peak) == (2, Month(date(2026, 6, 1), 4))
    assert {one.seats for one in seen.bought} == {40} and len(seen.bought) == 8
    assert seen.needed is not None and seen.needed.first == date(2027, 4, 1)
    assert seen.forecast.ahead[-1].first == date(2028, 3, 1)


def test_bought_follows_the_terms_and_unknown_is_not_zero(company: Office) -> None:
    company.take(
        "entitlements",
        """
        reference,product,metric,quantity,starts_on,ends_on
        PO-9,Copilot,named_user,5,2026-06-01,2026-08-31
        """,
    )
    with company.database.reading() as connection:
        seen = outlook.outlook(connection, 1, None, date(2027, 4, 1), date(2028, 3, 31), company.now)
    assert [one.seats for one in seen.bought] == [40, 40, 45, 45, 45, 40, 40, 40]
    company.take("entitlements", "reference,product,metric,quantity,starts_on\nPO-8,Copilot,named_user,,2026-10-01")
    with company.database.reading() as connection:
        seen = outlook.outlook(connection, 1, None, date(2027, 4, 1), date(2028, 3, 31), company.now)
    assert [one.seats for one in seen.bought] == [40, 40, 45, 45, 45, 40, None, None]


def test_without_a_purchase_the_vendors_figure_counts_for_today_only(company: Office) -> None:
    company.take("seats", "product,person,began_on\nMiro,ana@example.test,2026-09-01")
    with company.work() as work:
        work.connection.execute(update(Sku).where(Sku.product_id == 2).values(enabled=12, figures_at=company.now))
    with company.database.reading() as connection:
        seen = outlook.outlook(connection, 2, None, date(2027, 4, 1), date(2028, 3, 31), company.now)
    assert [one.seats for one in seen.bought] == [None, None, 12]
    assert (seen.forecast.method, seen.needed) == ("", None)


def test_the_hiring_plan_counts_with_the_departments_share(company: Office) -> None:
    """One of two designers holds Copilot; two of six people in the company."""
    company.take(
        "hiring",
        """
        reference,department,starts_on,heads,product
        H-1,Design,2027-01-01,4,
        H-2,,2027-02-01,3,
        H-3,Sales,2027-03-01,5,
        H-4,Sales,2027-03-01,2,Copilot
        H-5,Design,2026-11-01,9,
        H-6,Design,2030-01-01,9,
        """,
    )
    with company.database.reading() as connection:
        found = outlook.planned(connection, 1, None, company.now.date(), date(2028, 3, 31))
        seen = outlook.outlook(connection, 1, None, date(2027, 4, 1), date(2028, 3, 31), company.now)
    assert [(one.on.month, one.seats) for one in found] == [
        (1, Decimal("2.0000")), (2, Decimal("0.9999")), (3, Decimal(2)),
    ]  # fmt: skip
    assert seen.forecast.method == "plan" and seen.needed is not None
    assert round(seen.needed.seats, 3) == 7.0
