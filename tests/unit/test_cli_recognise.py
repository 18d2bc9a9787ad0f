"""`seatkeeper recognise`: row for row, without settings, and one sentence when a file is not what it should be."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from bot import cli_recognise
from bot.__main__ import main

HEADING = "raw_title,product,publisher,kind,confidence,rule"


def written(folder: Path, text: str | bytes) -> str:
    path = folder / "titles.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


def test_rows_are_answered_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.chdir(tmp_path)
    file = written(
        tmp_path,
        "\ufeffRAW_VERSION,host,Raw_Title , raw_publisher\r\n"
        '22.01,pc-1,"7-Zip 22.01 (x64)",Igor Pavlov\r\n'
        ",,Security Update for Windows XP (KB2160329),Microsoft Corporation\r\n"
        ",,Adobe Acrobat (64-bit),Adobe\r\n"
        "3.1,,  Ünknown Tööl 3.1  ,Acme GmbH\r\n"
        "1\r\n"
        "\r\n"
        '2.0,,"Two\nlines, 2.0",\r\n',
    )
    assert main(["recognise", file]) == 0
    out, err = capsys.readouterr()
    assert not err
    assert out.startswith(f"{HEADING}\n")
    rows = list(csv.reader(io.StringIO(out)))[1:]
    assert [row[:4] for row in rows] == [
        ["7-Zip 22.01 (x64)", "7-Zip", "Igor Pavlov", "product"],
        ["Security Update for Windows XP (KB2160329)", "", "Microsoft", "update"],
        ["Adobe Acrobat (64-bit)", "", "Adobe", "ask"],
        ["  Ünknown Tööl 3.1  ", "Ünknown Tööl", "Acme", "product"],
        ["", "", "", "unrecognised"],
        ["Two\nlines, 2.0", "Two lines", "", "product"],
    ]
    assert all(0 <= float(row[4]) <= 1 and row[5] for row in rows)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("title,raw_publisher,raw_version\n", 2, "{} lacks the column raw_title."),
        ("raw_title\n", 2, "{} lacks the columns raw_publisher and raw_version."),
        (
            "raw_title;raw_publisher;raw_version\n", 2,
            "{} lacks the columns raw_title, raw_publisher and raw_version. Its columns are separated by semicolons; "
            "export it with commas.",
        ),
        ("", 2, "{} is empty; its first line must name the columns raw_title, raw_publisher and raw_version."),
        (b"raw_title,raw_publisher,raw_version\nM\xfcller,,\n", 1,
         "{} is not UTF-8 text; save or export it as CSV in UTF-8."),
        ("raw_title,raw_publisher,raw_version\n" + "a" * 140_000 + ",,\n", 1,
         "{}, line 2, is not CSV: field larger than field limit (131072)."),
    ],
)  # fmt: skip
def test_a_file_that_is_not_right_gets_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | bytes, code: int, words: str
) -> None:
    file = written(tmp_path, text)
    assert main(["recognise", file]) == code
    assert capsys.readouterr().err == words.format(file) + "\n"


def test_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recognise", "none.csv"]) == 1
    assert capsys.readouterr().err == "none.csv cannot be read: No such file or directory.\n"


def test_answers_cannot_become_formulas_and_titles_stay_as_they_are() -> None:
    out = io.StringIO()
    cli_recognise.answer("f", io.StringIO("raw_title,raw_publisher,raw_version\n=cmd+Tool,@Firm,\n"), out)
    assert out.getvalue().splitlines()[1].startswith("=cmd+Tool,'=cmd+Tool,'@Firm,")


def test_rows_are_answered_while_they_are_read() -> None:
    """An inventory of any size needs one row of memory."""
    out = io.StringIO()

    def lines() -> object:
        yield "raw_title,raw_publisher,raw_version\n"
        for number in range(3):
            yield f"Tool {number},Firm,\n"
            if number:
                assert len(out.getvalue().splitlines()) > number

    cli_recognise.answer("f", lines(), out)  # type: ignore[arg-type]
    assert len(out.getvalue().splitlines()) == 4
