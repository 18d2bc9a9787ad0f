"""Files of rows as they come from the world: encodings, separators, workbooks, headings; read right or refused."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from bot.sheets import open_sheet
from licensing.cells import Format
from workflows.imports.columns import CannotRead, match
from workflows.imports.kinds import KINDS, kind_of
from workflows.imports.reading import Reading, Source, letters, read

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
ENTITLEMENTS = KINDS["entitlements"]
HEADINGS = ["reference", "product", "metric", "quantity", "unit_price", "starts_on"]


def no_tick(what: str, done: int, total: int) -> None:
    return None


def reading(path: Path, kind: str = "entitlements", sheet: str | None = None, form: Format | None = None) -> Reading:
    with open_sheet(path, sheet) as source:
        return read(KINDS[kind], source, form or Format(), NOW, no_tick)


@pytest.fixture
def workbook(tmp_path: Path) -> Callable[..., Path]:
    """A workbook with these rows on its first sheet, changed by a function before it is saved."""

    def made(rows: list[list[Any]], change: Callable[[Workbook, Worksheet], None] | None = None) -> Path:
        book = Workbook()
        sheet = book.active
        assert isinstance(sheet, Worksheet)
        for row in rows:
            sheet.append(row)
        if change is not None:
            change(book, sheet)
        path = tmp_path / "purchases.xlsx"
        book.save(path)
        return path

    return made


# -- text --------------------------------------------------------------------------------------------------------------

TEXT = """Purchase order;Software;Licence metric;Seats;Unit price;Start date
P-1;Café Müller;named user;3;336,00 €;1.2.2026
"""


@pytest.mark.parametrize(
    ("encoding", "note"),
    [
        ("utf-8", ""), ("utf-8-sig", ""), ("utf-16", "UTF-16"), ("utf-16-le", "UTF-16"), ("utf-16-be", "UTF-16"),
        ("cp1252", "Windows-1252"),
    ],
)  # fmt: skip
def test_encodings_are_told_apart(tmp_path: Path, encoding: str, note: str) -> None:
    path = tmp_path / "purchases.csv"
    path.write_bytes(TEXT.encode(encoding))
    found = reading(path)
    assert note in " ".join(found.source.notes)
    (entry,) = found.entries
    assert (entry["product"], entry["quantity"], entry["starts_on"]) == ("Café Müller", 3, date(2026, 2, 1))


@pytest.mark.parametrize(
    ("mark", "named"), [(b"", "Line 3 is not UTF-8, line 2 is"), (b"\xef\xbb\xbf", "Line 3 is not UTF-8")]
)
def test_a_file_of_several_encodings_is_refused_with_its_lines(tmp_path: Path, mark: bytes, named: str) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(mark + "email,name\na@x.test,Zoë\n".encode() + "b@x.test,Jörg\n".encode("cp1252"))
    with pytest.raises(CannotRead, match=named):
        reading(path)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators_are_told_apart_and_lines_in_a_cell_are_kept(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "products.csv"
    rows = [["name", "search_words"], ["Visio", '"charts\nplans; a, b | c"'], ["Figma", ""], ["", ""], ["Miro", "x"]]
    path.write_text("\r\n".join(separator.join(row) for row in rows), newline="")
    found = reading(path, "products").entries
    assert [(entry.line, entry["name"]) for entry in found] == [(2, "Visio"), (4, "Figma"), (6, "Miro")]
    assert found[0]["search_words"] == "charts\nplans; a, b | c"


def test_the_line_for_excel_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    path.write_text("sep=;\nname;publisher\nVisio;Microsoft\n")
    (entry,) = reading(path, "products").entries
    assert (entry.line, entry["publisher"]) == (3, "Microsoft")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\n\n\n", "empty"),
        (b"\xd0\xcf\x11\xe0 old", "old or protected"),
        (b"GIF89a\x00\x00\x01", "neither CSV nor XLSX"),
        (b"PK\x03\x04 broken", "cannot be read as a spreadsheet"),
        (b"name,colour\nVisio,blue,extra\n", "without a heading"),
        (b'name\n"Visio" x\n', "Row 2"),
        (b"colour,size\n", "The column name is missing"),
        (b"name,Product name\n", "Two columns say name"),
        (("name," + ",".join(f"c{i}" for i in range(2000)) + "\n").encode(), "2,001 columns"),
    ],
)
def test_a_file_that_cannot_be_taken_is_refused_in_words(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "products.csv"
    path.write_bytes(content)
    with pytest.raises(CannotRead, match=says):
        reading(path, "products")


# -- workbooks ---------------------------------------------------------------------------------------------------------


def test_a_workbook_is_read_with_its_own_types(workbook: Callable[..., Path]) -> None:
    rows = [["My purchases"], HEADINGS, [4711, "Visio", "user", 10.0, 336.5, date(2026, 1, 1)], [None] * 6]
    (entry,) = reading(workbook(rows)).entries
    assert (entry.line, entry["reference"], entry["quantity"]) == (3, "4711", 10)
    assert (str(entry["unit_price"][0]), entry["starts_on"]) == ("336.5", date(2026, 1, 1))


def test_a_formula_is_refused_by_its_cell_where_it_is_read(workbook: Callable[..., Path]) -> None:
    rows = [[*HEADINGS, "remark"], ["P1", "Visio", "user", "=5+5", 3, date(2026, 1, 1), "=A1"]]
    found = reading(workbook(rows))
    assert [str(one) for one in found.problems] == [
        "Row 2, *quantity* (D2): holds a formula. Copy the column and paste it as values."
    ]


def test_a_text_that_looks_like_a_formula_is_a_text(workbook: Callable[..., Path]) -> None:
    def change(book: Workbook, sheet: Worksheet) -> None:
        sheet["A2"].value = "=later"
        sheet["A2"].data_type = "s"

    rows = [HEADINGS, ["", "Visio", "user", 5, 3, date(2026, 1, 1)]]
    assert reading(workbook(rows, change)).entries[0]["reference"] == "=later"


def test_an_error_of_the_spreadsheet_is_refused_by_its_cell(workbook: Callable[..., Path]) -> None:
    def change(book: Workbook, sheet: Worksheet) -> None:
        sheet["E2"].value = "#REF!"
        sheet["E2"].data_type = "e"

    rows = [HEADINGS, ["P1", "Visio", "user", 5, 3, date(2026, 1, 1)]]
    assert "(E2): holds the error #REF!" in str(reading(workbook(rows, change)).problems[0])


def test_merged_cells_are_refused_by_their_range_below_the_headings_only(workbook: Callable[..., Path]) -> None:
    rows = [["Title", None], HEADINGS, ["P1", "Visio", "user", 1, 3, date(2026, 1, 1)], ["P2", "", "user", 1, 3, ""]]
    above = workbook(rows[:3], lambda book, sheet: sheet.merge_cells("A1:F1"))
    assert len(reading(above).entries) == 1
    below = workbook(rows, lambda book, sheet: sheet.merge_cells("B3:B4"))
    with pytest.raises(CannotRead, match="B3:B4 are merged"):
        reading(below)


def test_hidden_sheets_are_ignored_and_two_visible_ones_are_asked_about(workbook: Callable[..., Path]) -> None:
    rows = [HEADINGS, ["P1", "Visio", "user", 1, 3, date(2026, 1, 1)]]

    def hidden(book: Workbook, sheet: Worksheet) -> None:
        other = book.create_sheet("Old", 0)
        other.append(["something else"])
        other.sheet_state = "hidden"

    found = reading(workbook(rows, hidden))
    assert any("Hidden sheets are ignored: 1" in note for note in found.source.notes)
    assert len(found.entries) == 1

    def second(book: Workbook, sheet: Worksheet) -> None:
        book.create_sheet("Empty")
        book.create_sheet("More").append(["x"])

    path = workbook(rows, second)
    with pytest.raises(CannotRead, match="Several sheets have rows: Sheet, More. Say which one with --sheet"):
        reading(path)
    assert len(reading(path, sheet="sheet").entries) == 1
    with pytest.raises(CannotRead, match="no visible sheet called Old"):
        reading(path, sheet="Old")


def test_thousands_of_columns_are_read_when_empty_and_refused_when_not(workbook: Callable[..., Path]) -> None:
    row = ["P1", "Visio", "user", 1, 3, date(2026, 1, 1)]
    assert len(reading(workbook([HEADINGS, [*row, *[None] * 3000]])).entries) == 1
    with pytest.raises(CannotRead, match="columns"):
        reading(workbook([[*HEADINGS, *[f"c{i}" for i in range(3000)]], row]))
    with pytest.raises(CannotRead, match="column"):
        reading(workbook([HEADINGS, [*row, *[None] * 3000, "x"]]))


def test_a_workbook_with_a_document_type_is_refused(workbook: Callable[..., Path], tmp_path: Path) -> None:
    path, odd = workbook([HEADINGS]), tmp_path / "odd.xlsx"
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(odd, "w") as copy:
        for name in whole.namelist():
            content = whole.read(name)
            if name == "xl/workbook.xml":
                content = b'<!DOCTYPE x [<!ENTITY a "b">]>' + content
            copy.writestr(name, content)
    with pytest.raises(CannotRead, match="document type"):
        reading(odd)


# -- headings and cells ------------------------------------------------------------------------------------------------


def test_headings_are_found_by_other_names_and_the_rest_is_shown_as_ignored() -> None:
    found = match(ENTITLEMENTS, ["Purchase Order", "SOFTWARE", "Unit-Price", "field: PO owner", "Colour", ""])
    assert found.told() == [
        "Purchase Order -> reference", "SOFTWARE -> product", "Unit-Price -> unit_price",
        "field: PO owner -> own field PO owner", "Colour -> ignored",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_every_heading_and_its_other_names_mean_one_column(kind: Any) -> None:
    seen: dict[str, str] = {}
    for column in kind.columns:
        for spelling in column.spellings():
            assert seen.setdefault(spelling, column.name) == column.name, (spelling, seen[spelling], column.name)
        assert column.sentence.endswith(".") and column.name == column.name.lower()


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_every_template_is_itself_a_file_without_rows(kind: Any) -> None:
    found = read(kind, Source("template.csv", [(1, kind.headings())]), Format(), NOW, no_tick)
    assert not found.entries and not found.problems and not found.matched.ignored


def test_a_kind_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(CannotRead, match="There are: products, contracts, entitlements"):
        kind_of("licences")


def test_bad_cells_are_named_with_row_column_and_reason(tmp_path: Path) -> None:
    path = tmp_path / "purchases.csv"
    path.write_text(
        "reference,product,metric,Seats,Unit price,starts_on,recorded_at\n"
        "P1,Visio,heads,1,5,2026-01-01,\n"
        "P2,Visio,user,-1,5,2026-01-01,\n"
        "P3,Visio,user,1,1.200,2026-01-01,\n"
        "P4,,user,1,5,2026-01-01,\n"
        "P5,Visio,user,1,5,03/04/2026,\n"
        "P6,Visio,user,1,5,2026-01-01,2027-01-01\n"
    )
    found = reading(path)
    assert [str(one) for one in found.problems] == [
        "Row 2, *metric*: “heads” is not known. Write one of: named_user, device, concurrent, core, consumption, site.",
        "Row 3, *Seats*: “-1” is below zero.",
        "Row 4, *Unit price*: “1.200” could be 1,200 or 1.20. "
        "Choose the format with --decimal . or --decimal ,, or change the cell.",
        "Row 5, *product*: is empty. It must say: the product's name or key; a new one is made.",
        "Row 6, *starts_on*: “03/04/2026” could be 3 Apr or 4 Mar 2026. "
        "Choose the format with --dates dmy or --dates mdy, or change the cell.",
        "Row 7, *recorded_at*: 1 Jan 2027 is still to come; nothing was learned then yet.",
    ]
    settled = reading(path, form=Format(decimals=",", order="mdy"))
    assert len(settled.problems) == 4


def test_the_digest_is_of_the_rows_and_not_of_the_file(tmp_path: Path, workbook: Callable[..., Path]) -> None:
    path = tmp_path / "products.csv"
    path.write_text("name;publisher\nVisio;Microsoft\n", encoding="utf-16")
    in_sheet = reading(workbook([["name", "publisher"], ["Visio", "Microsoft"]]), "products")
    assert reading(path, "products").digest == in_sheet.digest


def test_spreadsheet_columns_have_letters() -> None:
    assert [letters(place) for place in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]
