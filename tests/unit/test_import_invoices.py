"""What invoices may hold: credits, negative lines, repeated numbers, other currencies; read right, or named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from model.contracts import Invoice
from tests.unit.renewal_desk import Office, office
from workflows.reconciling.gather import look

HEAD = "vendor,number,line,product,issued_on,period_from,period_to,quantity,amount,currency\n"
YEAR = "2026-04-05,2026-04-01,2027-03-31"
GOOD = f"Northwind,INV-1,1,Copilot,{YEAR},40,13440.00,EUR"


@pytest.fixture
def company(sqlite_url: str) -> Iterator[Office]:
    with office(sqlite_url) as made:
        yield made


def said(company: Office, *rows: str) -> list[str]:
    """Lines of the import, without those about nothing."""
    return list(company.take("invoices", HEAD + "\n".join(rows)).lines)


def differs(company: Office) -> list[tuple[str, str]]:
    with company.database.reading() as connection:
        found = look(connection, date(2026, 11, 23)).differences
    return [(one.kind.value, one.words) for one in found]


def test_an_invoice_that_agrees_is_kept_without_a_word(company: Office) -> None:
    assert said(company, GOOD) == []
    assert differs(company) == []


@pytest.mark.parametrize("amount", ["-1680.00", "(1680.00)", "−1680.00", "-EUR 1680.00"])
@pytest.mark.parametrize("quantity", ["-5", "5"])
def test_a_credit_note_is_read_however_its_minus_is_written(company: Office, amount: str, quantity: str) -> None:
    lines = said(
        company,
        f"Northwind,INV-1,1,Copilot,{YEAR},45,15120.00,EUR",
        f"Northwind,C-1,1,Copilot,{YEAR},{quantity},{amount},EUR",
    )
    assert any("read as a credit" in line for line in lines)
    assert company.rows(Invoice, "amount")[1] == (Decimal(-1680),)
    assert differs(company) == []


def test_a_negative_line_within_an_invoice_counts(company: Office) -> None:
    said(
        company,
        f"Northwind,INV-1,1,Copilot,{YEAR},45,15120.00,EUR",
        f"Northwind,INV-1,2,Copilot,{YEAR},-5,-1680.00,EUR",
    )
    assert differs(company) == []


def test_a_negative_number_with_a_positive_sum_is_named_and_not_counted(company: Office) -> None:
    lines = said(company, f"Northwind,INV-1,1,Copilot,{YEAR},-40,13440.00,EUR")
    assert any("negative number of units and a positive sum" in line for line in lines)
    assert differs(company) == [
        ("unclear", "Invoice INV-1 of Northwind has a negative number of units and a positive sum.")
    ]


def test_a_number_on_two_days_is_named_in_the_file_and_afterwards(company: Office) -> None:
    lines = said(company, GOOD, "Northwind,INV-1,2,,2026-06-01,,,,5.00,EUR")
    assert any("stands on several days" in line for line in lines)
    kinds = [kind for kind, _ in differs(company)]
    assert kinds == ["unclear", "billed_not_bought"]


def test_a_number_that_is_there_written_otherwise_is_counted_once(company: Office) -> None:
    said(company, GOOD)
    lines = said(company, f"NORTHWIND,inv 1,1,Copilot,{YEAR},40,13440.00,EUR")
    assert any("there already, written otherwise" in line for line in lines)
    ((kind, words),) = differs(company)
    assert kind == "unclear" and words.endswith("It is counted once.")


def test_the_same_file_twice_is_the_same_invoices(company: Office) -> None:
    said(company, GOOD)
    again = company.take("invoices", HEAD + GOOD)
    assert again.changes == 0 and len(company.rows(Invoice, "id")) == 1


def test_another_currency_is_named_and_its_number_still_counts(company: Office) -> None:
    said(company, f"Northwind,INV-1,1,Copilot,{YEAR},40,14800.00,USD")
    assert differs(company) == [
        ("price", "Copilot: invoice INV-1 of Northwind is in USD, bought in EUR. The prices are not compared.")
    ]


def test_a_bare_dollar_is_no_currency_and_the_sum_is_said_to_lack_one(company: Office) -> None:
    said(company, f"Northwind,INV-1,1,Copilot,{YEAR},40,$13440.00,")
    assert differs(company) == [("unclear", "Invoice INV-1 of Northwind names no currency.")]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (f"Northwind,INV-1,1,Copilot,{YEAR},4.5,10.00,EUR", "no whole number of units"),
        ("Northwind,INV-1,1,Copilot,2026-04-05,2027-03-31,2026-04-01,40,10.00,EUR", "period_to"),
        (f"Northwind,,1,Copilot,{YEAR},40,10.00,EUR", "number"),
        (f"Northwind,INV-1,1,Copilot,{YEAR},40,ten,EUR", "ten"),
    ],
)
def test_what_cannot_be_read_stops_the_file_with_a_sentence(company: Office, row: str, words: str) -> None:
    lines = company.refused("invoices", HEAD + row)
    assert any(words in line for line in lines)
