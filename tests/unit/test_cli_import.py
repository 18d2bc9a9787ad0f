"""`seatkeeper import` as typed: templates, preview, the question, refusals in lines, exit codes."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot import cli_import
from bot.__main__ import main
from model.contracts import Entitlement
from model.licences import Product
from tests.unit.import_desk import Desk, desk

PURCHASES = "Purchase order;Software;Metric;Seats;Unit price;Start;Colour\nP-1;Visio;user;10;336,00 €;01.01.2026;blue\n"


@pytest.fixture
def register(sqlite_url: str) -> Iterator[Desk]:
    with desk(sqlite_url) as made:
        yield made


@pytest.fixture
def run(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """The command in a folder of its own; answers are typed at a terminal when given."""
    policy = tmp_path / "policy.yaml"
    policy.touch()
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "DATABASE_URL": sqlite_url, "SECRET_KEY": "example-key-" * 4, "POLICY_FILE": str(policy),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    (tmp_path / "purchases.csv").write_text(PURCHASES, encoding="utf-8")

    def typed(*words: str, answer: str | None = None) -> tuple[int, str, str]:
        typist = io.StringIO("" if answer is None else f"{answer}\n")
        monkeypatch.setattr(typist, "isatty", lambda: answer is not None, raising=False)
        monkeypatch.setattr(sys, "stdin", typist)
        code = main(["import", *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return typed


def test_a_template_is_printed_and_can_be_imported(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    code, out, _ = run("--template", "meters")
    assert (code, out) == (0, "product,meter,from_on,to_on,units,recorded_at\n")
    (tmp_path / "meters.csv").write_text(out)
    code, out, _ = run("meters", "meters.csv")
    assert (code, out) == (0, "The file has headings and no rows: nothing to import.\n")
    code, out, _ = run("--template", "entitlements", "--describe")
    assert code == 0 and "quantity             How many units, or unlimited; empty is not known." in out
    assert run("--template", "licences")[0] == 1


def test_without_a_terminal_it_imports_at_once_and_says_what(
    run: Callable[..., tuple[int, str, str]], register: Desk
) -> None:
    code, out, err = run("entitlements", "purchases.csv")
    assert (code, err) == (0, "Columns are separated by semicolon.\n")
    assert out.splitlines() == [
        "Imported entitlements: 1 new, 0 changed, 0 unchanged.",
        "1 product made: Visio",
        "1 row without a kind, taken as perpetual",
        "1 row without proof of purchase",
    ]
    assert register.rows(Entitlement, "reference", "quantity") == [("P-1", 10)]
    assert "0 new, 0 changed, 1 unchanged" in run("entitlements", "purchases.csv")[1]


@pytest.mark.parametrize(("answer", "kept"), [("n", 0), ("", 0), ("y", 1)])
def test_at_a_terminal_it_shows_and_asks_first(
    run: Callable[..., tuple[int, str, str]], register: Desk, answer: str, kept: int
) -> None:
    code, out, _ = run("entitlements", "purchases.csv", answer=answer)
    assert code == 0
    assert "  Purchase order -> reference" in out and "  Colour -> ignored" in out
    assert "reference P-1, product Visio, metric named_user, quantity 10, unit_price 336.00 EUR" in out
    assert "Import 1 row? [y/N]" in out
    assert len(register.rows(Product, "id")) == kept


def test_a_preview_changes_nothing(run: Callable[..., tuple[int, str, str]], register: Desk) -> None:
    sizes = register.sizes()
    code, out, _ = run("entitlements", "purchases.csv", "--preview")
    assert code == 0 and out.endswith("Nothing was changed: this is a preview.\n")
    assert run("entitlements", "purchases.csv", "--dry-run", "--yes")[0] == 0
    assert register.sizes() == sizes


def test_what_cannot_be_taken_is_said_in_lines_with_exit_code_one(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    (tmp_path / "bad.csv").write_text(PURCHASES.replace("336,00 €", "1.200").replace(";10;", ";ten;"))
    code, out, err = run("entitlements", "bad.csv")
    assert (code, out) == (1, "")
    assert err.splitlines()[1:] == [
        "Row 2, *Seats*: “ten” is not a number.",
        "Row 2, *Unit price*: “1.200” could be 1,200 or 1.20. "
        "Choose the format with --decimal . or --decimal ,, or change the cell.",
        "Nothing was imported.",
    ]
    assert run("entitlements", "none.csv")[0] == 1
    assert run("wishes", "purchases.csv")[0] == 1
    assert run("entitlements")[0] == 2


def test_the_format_can_be_said(run: Callable[..., tuple[int, str, str]], register: Desk, tmp_path: Path) -> None:
    text = PURCHASES.replace("336,00 €", "1.200").replace("01.01.2026", "03/04/2026")
    (tmp_path / "other.csv").write_text(text)
    assert run("entitlements", "other.csv", "--decimal", ",", "--dates", "mdy")[0] == 0
    assert [str(row) for row in register.rows(Entitlement, "unit_price", "starts_on")] == [
        "(Decimal('1200'), datetime.date(2026, 3, 4))"
    ]


def test_a_long_file_has_a_bar_on_a_terminal_only(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(f"Product {number}\n" for number in range(60))
    (tmp_path / "products.csv").write_text(f"name\n{rows}")
    monkeypatch.setattr(cli_import, "BAR_FROM", 50)
    assert run("products", "products.csv", "--preview")[2] == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    err = run("products", "products.csv", "--preview")[2]
    assert "\rstore  [##############################] 60 of 60" in err
