"""Budgets against invoices and commitments, per currency: worked by hand, then read from the database as typed."""

from __future__ import annotations

import argparse
import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from bot import cli_budgets
from bot.settings import Settings
from licensing.budgets import Line, Obliged, Spent, lines
from licensing.money import Money
from model.licences import Budget
from tests.unit.renewal_desk import Office, office
from workflows.policy_procurement import Procurement
from workflows.reads.budgets import department_of


def eur(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


SEATS = Obliged("CC-1", date(2026, 4, 1), date(2027, 3, 31), 40, eur("336"), "year")
#: 275 days from 1 Apr to 31 Dec 2026, of 365: 13,440 × 275 / 365 = 10,126.03.
OBLIGED: dict[str, tuple[Obliged, int, object]] = {
    "the part of the term in the year": (SEATS, 2026, eur("10126.03")),
    "the rest in the next": (SEATS, 2027, eur("3313.97")),
    "another year": (SEATS, 2028, False),
    "billed to the end": (replace(SEATS, billed_until=date(2027, 3, 31)), 2026, False),
    "billed to September": (replace(SEATS, billed_until=date(2026, 9, 30)), 2026, eur("3387.62")),
    "by the month": (Obliged("", date(2026, 11, 1), None, 10, eur("28"), "month"), 2026, eur("560.00")),
    "without an end": (Obliged("", date(2025, 1, 1), None, 1, eur("365"), "year"), 2026, eur("365.00")),
    "once, this year": (Obliged("", date(2026, 5, 5), None, 3, eur("500"), "once"), 2026, eur("1500.00")),
    "once, before": (Obliged("", date(2025, 5, 5), None, 3, eur("500"), "once"), 2026, False),
    "once, billed": (Obliged("", date(2026, 5, 5), None, 3, eur("500"), "once", date(2026, 5, 9)), 2026, False),
    "no price": (Obliged("", date(2026, 1, 1), None, 3, None, "year"), 2026, None),
    "no number": (Obliged("", date(2026, 1, 1), None, None, eur("5"), "year"), 2026, None),
}  # fmt: skip


@pytest.mark.parametrize("case", OBLIGED)
def test_what_a_purchase_obliges_to(case: str) -> None:
    one, year, expected = OBLIGED[case]
    assert one.in_year(year) == expected


def test_currencies_stand_side_by_side_and_credits_come_off() -> None:
    found = lines(
        2026,
        {("CC-1", "EUR"): Decimal(12000)},
        [Spent("CC-1", eur("3000")), Spent("CC-1", eur("-500")), Spent("CC-1", usd("90"))],
        [SEATS],
    )
    assert [str(one) for one in found] == [
        "€12,000.00: €2,500.00 billed, €10,126.03 committed, €626.03 over",
        "no budget in USD is recorded: US$90.00 billed, US$0.00 committed",
    ]
    assert [one.over for one in found] == [True, False]


def test_what_is_not_known_is_counted_and_never_zero() -> None:
    (one,) = lines(
        2026,
        {("CC-1", "EUR"): Decimal(100)},
        [Spent("CC-1", None)],
        [Obliged("CC-1", date(2026, 1, 1), None, 3, None, "year")],
    )
    assert str(one) == (
        "€100.00: €0.00 billed, €0.00 committed, at most €100.00 left; not counted: 1 invoice line without a sum and "
        "1 purchase without a sum"
    )
    (alone,) = lines(2026, {}, [Spent("CC-9", None)], [])
    assert (alone.name, alone.left, alone.spent_unknown) == ("CC-9", None, 1)


def test_departments_add_their_centres_and_what_belongs_to_none_is_apart() -> None:
    budgets = {("A", "EUR"): Decimal(10), ("B", "EUR"): Decimal(5), ("C", "EUR"): Decimal(1)}
    found = lines(2026, budgets, [Spent("A", eur("4")), Spent("B", eur("3"))], [], {"A": "Design", "B": "Design"})
    assert [(one.name, str(one.left)) for one in found] == [("", "€1.00"), ("Design", "€8.00")]


def test_a_line_without_a_budget_has_nothing_left_to_say() -> None:
    line = Line("X", "EUR", None, eur("1"), eur("2"))
    assert line.left is None and not line.over


INVOICES = """
    vendor,number,product,contract,issued_on,period_from,period_to,quantity,amount,currency,cost_centre
    Northwind,INV-1,Copilot,K-1,2026-04-05,2026-04-01,2026-09-30,40,6738.41,EUR,
    Northwind,C-1,Copilot,K-1,2026-05-05,2026-04-01,2026-09-30,2,-336.92,EUR,
    Elsewhere,INV-2,,,2026-05-05,,,,90.00,USD,CC-2
    Elsewhere,INV-3,,,2025-05-05,,,,70.00,USD,CC-2
"""


@pytest.fixture
def company(sqlite_url: str) -> Iterator[Office]:
    with office(sqlite_url) as made:
        made.take("invoices", INVOICES)
        with made.work() as work:
            work.session.add(Budget(cost_centre="CC-1", year=2026, amount=Decimal(12000), currency="EUR"))
        yield made


@pytest.fixture
def typed(company: Office, sqlite_url: str) -> Callable[..., int]:
    def type_words(*words: str) -> int:
        parser = argparse.ArgumentParser(prog="seatkeeper")
        cli_budgets.add_parser(parser.add_subparsers(required=True))
        settings = Settings(database_url=sqlite_url, secret_key="example-secret-key-of-more-than-32-characters")
        return cli_budgets.run(parser.parse_args(["budgets", *words]), lambda: settings, company.at("2026-11-02"))

    return type_words


def test_the_command_reads_invoices_and_contracts(
    typed: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """From 1 Oct to 31 Dec is not billed yet: 92 days of 365, 13,440 × 92 / 365 = 3,387.62."""
    assert typed() == 0
    assert capsys.readouterr().out.splitlines() == [
        "CC-1  €12,000.00: €6,401.49 billed, €3,387.62 committed, €2,210.89 left",
        "CC-2  no budget in USD is recorded: US$90.00 billed, US$0.00 committed",
    ]
    typed("--over")
    assert capsys.readouterr().out.startswith("CC-2  no budget")


def test_csv_and_json(typed: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    typed("--format", "json")
    first = json.loads(capsys.readouterr().out)[0]
    assert (first["name"], first["budget"], first["left"]) == ("CC-1", "12000.00", "2210.89")
    typed("--format", "csv", "--year", "2025")
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (row["name"], row["spent"], row["budget"]) == ("CC-2", "70.00", "")


def test_a_year_is_a_year(typed: Callable[..., int]) -> None:
    with pytest.raises(SystemExit) as ended:
        typed("--year", "26")
    assert ended.value.code == 2


def test_an_invoice_of_one_contract_takes_nothing_from_what_another_obliges_to(
    company: Office, typed: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """The same product under two contracts: the one's invoice left the other, not billed yet, with €0.00 to pay."""
    company.take("contracts", "number,vendor,starts_on,ends_on,cost_centre\nK-2,Southwind,2026-04-01,2027-03-31,CC-2")
    company.take(
        "entitlements",
        "reference,product,metric,quantity,unit_price,currency,starts_on,ends_on,contract\n"
        "PO-2,Copilot,named_user,40,336.00,EUR,2026-04-01,2027-03-31,K-2",
    )
    typed()
    assert capsys.readouterr().out.splitlines()[:2] == [
        "CC-1  €12,000.00: €6,401.49 billed, €3,387.62 committed, €2,210.89 left",
        "CC-2  no budget in EUR is recorded: €0.00 billed, €10,126.03 committed",
    ]


def test_whose_a_cost_centre_is(company: Office) -> None:
    company.take(
        "people",
        "email,name,department,cost_centre\na@example.test,A B,Design,D-1\nb@example.test,B C,Sales,S-1\n"
        "c@example.test,C D,Sales,MIX\nd@example.test,D E,Design,MIX",
    )
    policy = Procurement.model_validate({"departments": {"Board": ["X-1"]}})
    with company.database.reading() as connection:
        found = department_of(connection, {"D-1", "S-1", "MIX", "x-1", "design", "?"}, policy)
    assert found == {"D-1": "Design", "S-1": "Sales", "x-1": "Board", "design": "Design"}
