"""`seatkeeper renewals` as typed: its formats, what is missing, and private calendars."""

from __future__ import annotations

import argparse
import csv
import io
import json
from collections.abc import Callable, Iterator

import pytest
from icalendar import Calendar
from sqlalchemy import update

from bot import cli_renewals
from bot.settings import Settings
from licensing.words import day
from model.people import Person
from tests.unit.renewal_desk import Office, office
from workflows.renewals import calendar

Run = Callable[..., int]
SECRET = "example-secret-key-of-more-than-32-characters"
CONTRACTS = """
    number,vendor,starts_on,ends_on,notice,auto_renew,owner,programme
    K-1,Northwind,2026-04-01,2027-03-31,2 months,yes,chitra@example.test,
    K-2,=Southwind,2026-01-01,2026-12-31,10 days,no,,
    K-3,Eastwind,2026-01-01,2028-12-31,,yes,,
    K-4,Westwind,2026-01-01,,60 days,yes,ana@example.test,
    EA-1,Microsoft,2024-04-01,2027-03-31,,no,dara@example.test,EA
"""


@pytest.fixture
def company(sqlite_url: str) -> Iterator[Office]:
    with office(sqlite_url, CONTRACTS) as made:
        made.now = made.at("2026-11-23", 9)
        yield made


@pytest.fixture
def run(company: Office, sqlite_url: str) -> Run:
    def typed(*words: str, url: str = sqlite_url) -> int:
        parser = argparse.ArgumentParser(prog="seatkeeper")
        cli_renewals.add_parser(parser.add_subparsers(required=True))
        settings = Settings(database_url=url, secret_key=SECRET, base_url="https://seats.example.test")
        return cli_renewals.run(parser.parse_args(["renewals", *words]), lambda: settings, company.now)

    return typed


def test_the_table_is_by_date_and_says_what_is_missing(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["contract", "holds", "decide", "by", "days", "state", "owner"]
    listed = [line for line in lines[1:] if not line.startswith("    ")]
    assert [" ".join(line.split()) for line in listed] == [
        "=Southwind, K-2 nothing on record 21 Dec 2026 28 open nobody",
        "Northwind, K-1 Copilot, 40 29 Jan 2027 67 open Chitra Rao",
        "Microsoft, EA-1 nothing on record 31 Mar 2027 128 open Dara Novak",
        "Eastwind, K-3 nothing on record not known open nobody",
        "Westwind, K-4 nothing on record not known open Ana Lindqvist",
    ]
    assert "    31 Jan 2027 is a Sunday" in lines
    assert "    not recorded: its notice period, a price and an owner (procurement or licence manager)" in lines
    assert "    not recorded: its last day and a price (procurement)" in lines


def test_within_keeps_what_lacks_something(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run("--within", "30", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["contract"] for row in rows] == [
        "'=Southwind, K-2", "Microsoft, EA-1", "Eastwind, K-3", "Westwind, K-4",
    ]  # fmt: skip
    assert rows[0]["days_left"] == "28" and rows[1]["missing"] == "price"


def test_json_carries_every_date_and_unknown_is_null(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    company_rows = run("--format", "json")
    found = {row["contract"]: row for row in json.loads(capsys.readouterr().out)}
    assert company_rows == 0
    assert all(tuple(row) == cli_renewals.COLUMNS for row in found.values())
    copilot = found["Northwind, K-1"]
    assert (copilot["seats"], copilot["next_term_costs"], copilot["days_left"]) == (40, {"EUR": "13440.00"}, 67)
    assert [(one["decision"], one["decide_by"], one["why"]) for one in copilot["dates"]] == [
        ("cancel", "2027-01-29", "31 Jan 2027 is a Sunday"),
        ("reduce", "2027-01-29", "31 Jan 2027 is a Sunday"),
    ]
    assert (found["Westwind, K-4"]["decide_by"], found["Westwind, K-4"]["seats"]) == (None, None)
    assert {one["not_before"] for one in found["Microsoft, EA-1"]["dates"]} == {"2027-03-01"}


def test_stored_renewals_are_shown_with_number_and_state(
    run: Run, company: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    company.night("2026-11-24")
    run()
    said = capsys.readouterr().out
    assert "REN-" in said and "nobody has decided" in said


def test_the_calendar_holds_a_whole_day_each_and_reads_back(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--format", "ics") == 0
    made = Calendar.from_ical(capsys.readouterr().out)
    events = {str(one["summary"]): one for one in made.walk("VEVENT")}
    assert list(events) == [
        "Decide by 21 Dec 2026: =Southwind, K-2",
        "Decide by 29 Jan 2027: Northwind, K-1",
        "Decide by 31 Mar 2027: Microsoft, EA-1",
    ]
    copilot = events["Decide by 29 Jan 2027: Northwind, K-1"]
    assert day(copilot.decoded("dtstart")) == "29 Jan 2027" and day(copilot.decoded("dtend")) == "30 Jan 2027"
    assert str(copilot["uid"]).startswith("contract-1-term-2027-03-31@")
    text = str(copilot["description"])
    assert "Cancel: by 29 Jan 2027 (31 Jan 2027 is a Sunday); notice of 2 months." in text
    assert "The term ends on 31 Mar 2027 and renews by itself." in text


@pytest.mark.parametrize("words", [("--within", "-1"), ("--within", "soon"), ("--format", "pdf")])
def test_wrong_use_ends_with_two(run: Run, words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(*words)
    assert ended.value.code == 2


def test_new_alone_and_a_missing_database_are_said(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--new") == 2
    assert run(url="sqlite:////nowhere/at/all.db") == 1
    assert capsys.readouterr().err.count("\n") >= 2


def token(run: Run, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert run("--calendar", *words) == 0
    address = capsys.readouterr().out.strip()
    assert address.startswith("https://seats.example.test/calendar/") and address.endswith(".ics")
    return address.rpartition("/")[2].removesuffix(".ics")


def test_a_private_address_stays_until_a_new_one_ends_it(
    run: Run, company: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    key = Settings(secret_key=SECRET).key("links")

    def opens(given: str, with_key: bytes = key) -> str | None:
        with company.database.reading() as connection:
            found = calendar.reader(connection, with_key, given)
            return found.name if found is not None else None

    first = token(run, capsys, "ana@example.test")
    assert token(run, capsys, "ana@example.test") == first and len(first) == 43
    assert opens(first) == "Ana Lindqvist"
    second = token(run, capsys, "ana@example.test", "--new")
    assert (opens(first), opens(second), opens("x" * 43), opens(second, b"k" * 32)) == (
        None,
        "Ana Lindqvist",
        None,
        None,
    )
    with company.work() as work:
        work.connection.execute(update(Person).values(active=False))
    assert opens(second) is None
    assert run("--calendar", "nobody@example.test") == 1
    assert "Nobody in the staff directory" in capsys.readouterr().err


def test_a_calendar_holds_what_its_person_may_see(company: Office) -> None:
    def seen(who: str) -> list[str]:
        with company.database.reading() as connection:
            rows = calendar.own_rows(connection, company.policy, company.person(who), company.now)
            return sorted(row.subject.name for row in rows)

    assert len(seen("dara")) == 5 and len(seen("fatima")) == 5
    assert seen("chitra") == ["Northwind, K-1"]
    assert seen("ana") == ["Westwind, K-4"]
    assert seen("fay") == []


def test_the_back_test_prints_a_line_a_product(run: Run, company: Office, capsys: pytest.CaptureFixture[str]) -> None:
    company.take(
        "seats",
        """
        product,person,began_on
        Copilot,ana@example.test,2026-01-05
        Copilot,chitra@example.test,2026-03-05
        Copilot,dara@example.test,2026-09-05
        """,
    )
    assert run("--backtest") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("Copilot") and "11" in lines[1] and "as today" in lines[1]


def test_other_assumptions_stand_beside_as_is(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("--seats", "34", "--rise", "5", "--price", "300.00EUR", "--head-count", "10")
    assert run("--what-if", "k-1", *asked) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "Copilot, k-1: 1 Apr 2027 to 31 Mar 2028"
    assert lines[2].startswith("as is 40 €336.00 €13,440.00 €13,440.00")
    assert any(line.startswith("34 seats 34 €336.00 €11,424.00 €11,424.00") for line in lines)
    assert any(
        line.startswith("price +5% 40 €352.80 €14,112.00 €14,112.00") and line.endswith("+€672.00") for line in lines
    )
    assert any(line.startswith("at €300.00 40 €300.00") and line.endswith("−€1,440.00") for line in lines)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--what-if", "K-9"), "Nothing renews under K-9"),
        (("--what-if", "K-1", "--price", "cheap"), "A price is written as 300.00EUR"),
        (("--what-if", "K-1", "--tier", "Plan 9"), "Copilot has no tier called Plan 9."),
        (("--what-if", "K-1", "--bundle", "Nothing of the kind"), "Nothing in the register is called"),
    ],
)
def test_an_assumption_that_means_nothing_is_refused(
    run: Run, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert run(*words) == 1
    assert said in capsys.readouterr().err
