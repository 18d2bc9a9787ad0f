"""`seatkeeper position` as typed: its three formats, its questions, and what it says when something is wrong."""

from __future__ import annotations

import argparse
import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from bot import cli_position
from bot.settings import Settings, SettingsError
from tests.unit.import_desk import PEOPLE, Desk, desk

Run = Callable[..., int]


@pytest.fixture
def register(sqlite_url: str) -> Iterator[Desk]:
    with desk(sqlite_url) as made:
        made.take("people", PEOPLE)
        made.take(
            "entitlements",
            """
            reference,product,metric,kind,quantity,unit_price,currency,starts_on,proof,recorded_at
            PO-1,Miro,named_user,subscription,3,28.00,EUR,2026-01-01,invoice 7,2026-01-01
            PO-2,Miro,named_user,subscription,2,30.00,EUR,2026-10-01,,2026-10-01
            PO-3,=Figma,named_user,subscription,1,180.00,USD,2026-01-01,,2026-01-01
            """,
        )
        made.take(
            "seats",
            """
            product,person,began_on,recorded_at
            Miro,ana@example.test,2026-02-01,2026-02-01
            Miro,ben@example.test,2026-10-05,2026-10-05
            """,
        )
        yield made


@pytest.fixture
def run(register: Desk, sqlite_url: str) -> Run:
    def typed(*words: str, url: str = sqlite_url) -> int:
        parser = argparse.ArgumentParser(prog="seatkeeper")
        cli_position.add_parser(parser.add_subparsers(required=True))
        arguments = parser.parse_args(["position", *words])
        return cli_position.run(arguments, lambda: Settings(database_url=url), register.now + timedelta(hours=1))

    return typed


def test_the_table_shows_each_product_and_one_product_with_its_reasons(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == "product counted by bought in use free short at risk wasted a year".split()
    assert [row.split("  ")[0] for row in rows] == ["=Figma", "Miro"]
    assert run("miro", "--rows") == 0
    said = capsys.readouterr().out
    assert "Miro, named user: 3 bought, PO-1 + 2 bought, PO-2 − 2 in use = 3 free" in said
    assert "  Ana Lindqvist: 1" in said and "  Ben Okafor: 1" in said


def test_json_has_the_shape_of_the_rules(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("Miro", "--format", "json", "--at", "2026-06-01") == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert list(found) == list(cli_position.COLUMNS)
    assert (found["at"], found["entitled"], found["consumed"], found["wasted"]) == (
        "2026-06-01",
        3,
        1,
        {"EUR": "56.00"},
    )


def test_csv_has_the_same_columns_and_no_cell_becomes_a_formula(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--format", "csv") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert list(rows[0]) == list(cli_position.COLUMNS)
    assert [row["product"] for row in rows] == ["'=Figma", "Miro"]
    assert rows[1]["wasted"] == "88.00 EUR"  # from what ends first, then the dearest: two at 30.00, one at 28.00


def test_as_known_then(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("Miro", "--format", "json", "--known-at", "2026-09-30") == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["entitled"], found["consumed"]) == (3, 1)


def test_only_what_is_proven(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("Miro", "--format", "json", "--proven") == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["entitled"], found["consumed"]) == (3, 2)


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_why_it_changed(run: Run, capsys: pytest.CaptureFixture[str], form: str) -> None:
    assert run("miro", "--why", "2026-09-01", "2026-11-01", "--format", form) == 0
    said = capsys.readouterr().out
    if form == "table":
        assert "Free went from 2 to 3: 1 more in use, 2 more bought." in said
    assert "bought" in said and "given" in said


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("visoi",), 1, "Nothing in the register is called “visoi”."),
        (("--why", "2026-09-01", "2026-11-01"), 2, "Name one product for --why or --rows"),
        (("miro", "--why", "2026-11-01", "2026-09-01"), 2, "2026-09-01 lies before 2026-11-01."),
    ],
)
def test_what_cannot_be_answered_is_said(
    run: Run, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, said: str
) -> None:
    assert run(*words) == code
    assert said in capsys.readouterr().err


def test_a_day_that_is_none_ends_with_two(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run("--at", "yesterday")
    assert ended.value.code == 2
    assert "a day is written as 2026-11-23, it says yesterday" in capsys.readouterr().err


def test_without_settings_it_says_which(register: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    def missing() -> Settings:
        raise SettingsError(["SECRET_KEY is missing."])

    parser = argparse.ArgumentParser()
    cli_position.add_parser(parser.add_subparsers(required=True))
    assert cli_position.run(parser.parse_args(["position"]), missing) == 2
    assert capsys.readouterr().err == "SECRET_KEY is missing.\n"


def test_a_database_of_another_version_is_said(
    run: Run, empty_sqlite_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(url=empty_sqlite_url) == 1
    assert "Run: seatkeeper migrate" in capsys.readouterr().err
