"""Files of rows from the disk: CSV in the usual encodings and separators, and XLSX, both streamed.

An XLSX file is a zip of XML that a stranger may have made: its size unpacked is bounded, document types with entities
are refused, and merged cells are found by reading the sheet's own XML, because openpyxl does not tell when it streams.
"""

from __future__ import annotations

import csv
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from xml.etree.ElementTree import ParseError  # only the name of the error: nothing is parsed with it

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from licensing.cells import Broken, Cell, Formula
from workflows.imports.columns import MOST_COLUMNS, CannotRead
from workflows.imports.reading import Source

#: Unpacked, an XLSX of a million rows has some hundreds of megabytes.
MOST_UNPACKED = 2_000_000_000
MOST_CELL = 100_000  # characters of one CSV cell
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?ref=\"([A-Z]+[0-9]+:[A-Z]+([0-9]+))\"")
_SAMPLE = 64 * 1024
_SEPARATORS = ",;\t|"


@contextmanager
def open_sheet(path: Path, sheet: str | None) -> Iterator[Source]:
    """The rows of a file, to be read inside. Raises CannotRead with what to do; OSError when it cannot be opened."""
    with path.open("rb") as file:
        start = file.read(4)
        if start == b"PK\x03\x04":
            file.seek(0)
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", module="openpyxl")  # on styles and extensions, which hold no rows
                yield _workbook(path, file, sheet)
            return
    if start == b"\xd0\xcf\x11\xe0":
        raise CannotRead(f"{path.name} is an old or protected Excel file. Save it as .xlsx or .csv without password.")
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        raise CannotRead(f"{path.name} is not the XLSX file its name promises. Save it again as .xlsx or .csv.")
    yield _text(path)


# -- CSV ---------------------------------------------------------------------------------------------------------------


def _text(path: Path) -> Source:
    encoding, notes = _encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        sample = file.read(_SAMPLE)
    if "\x00" in sample:
        raise CannotRead(f"{path.name} is neither CSV nor XLSX. Save it as one of them.")
    separator = _separator(sample)
    if separator != ",":
        names = {";": "semicolon", "\t": "tab", "|": "pipe"}
        notes.append(f"Columns are separated by {names[separator]}.")
    return Source(path.name, _lines(path, encoding, separator), notes=tuple(notes))


def _lines(path: Path, encoding: str, separator: str) -> Iterator[tuple[int, Sequence[Cell]]]:
    """Records with the line each begins on."""
    with path.open(encoding=encoding, newline="") as file:
        csv.field_size_limit(MOST_CELL)
        reader = csv.reader(file, delimiter=separator, strict=True)
        line = 1
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as wrong:
                raise CannotRead(
                    f"Row {line}: {wrong}. Nothing was imported. A quotation mark inside a quoted cell is doubled."
                ) from None
            yield line, row
            line = reader.line_num + 1


def _encoding(path: Path) -> tuple[str, list[str]]:
    """The encoding and what to say about it; the whole file is tried, because one letter at its end may decide."""
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith(b"\xef\xbb\xbf"):
        _one_encoding(path)
        return "utf-8-sig", []
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16", ["The file is UTF-16."] if _decodes(path, "utf-16") else _refused(path)
    if b"\x00" in start[:2] and len(start) == 4:
        name = "utf-16-be" if start[0] == 0 else "utf-16-le"
        if _decodes(path, name):
            return name, ["The file is UTF-16."]
    if _decodes(path, "utf-8"):
        return "utf-8", []
    _one_encoding(path)
    if _decodes(path, "cp1252"):
        return "cp1252", ["The file is not UTF-8; it was read as Windows-1252 (Western European). Look at the accents."]
    return "latin-1", ["The file is not UTF-8; it was read as Latin-1. Look at the accents."]


def _one_encoding(path: Path) -> None:
    """Refuse a file put together of several: read either way, some of its names would be stored wrong."""
    first: dict[bool, int] = {}
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.isascii():
                first.setdefault(_is_utf8(line), number)
            if len(first) == 2:
                raise CannotRead(
                    f"Line {first[False]} is not UTF-8, line {first[True]} is: the file mixes encodings. Nothing was "
                    "imported. Save all of it as CSV UTF-8."
                )


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _refused(path: Path) -> list[str]:
    raise CannotRead(f"{path.name} says it is UTF-16 and is not. Save it as CSV UTF-8.")


def _decodes(path: Path, encoding: str) -> bool:
    try:
        with path.open(encoding=encoding, newline="") as file:
            while file.read(1 << 20):
                pass
    except UnicodeError:
        return False
    return True


def _separator(sample: str) -> str:
    """The separator of the heading row: the one it has most of, outside quotation marks."""
    heading = next((line for line in sample.splitlines() if line.strip()), "")
    bare = re.sub(r'"[^"]*"', "", heading)
    return max(_SEPARATORS, key=lambda one: (bare.count(one), -_SEPARATORS.index(one)))


# -- XLSX --------------------------------------------------------------------------------------------------------------


def _workbook(path: Path, file: IO[bytes], wanted: str | None) -> Source:
    try:
        _bounded(path)
        book = load_workbook(file, read_only=True, data_only=False, keep_links=False)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, ParseError, OSError) as wrong:
        raise CannotRead(f"{path.name} cannot be read as a spreadsheet ({wrong}). Save it again as .xlsx.") from None
    open_ones = [one for one in book.worksheets if one.sheet_state == "visible"]
    notes = []
    if len(open_ones) < len(book.worksheets):
        notes.append(f"Hidden sheets are ignored: {len(book.worksheets) - len(open_ones)}.")
    if wanted is not None:
        named = [one for one in open_ones if one.title.casefold() == wanted.casefold()]
        if not named:
            there = ", ".join(one.title for one in open_ones)
            raise CannotRead(f"There is no visible sheet called {wanted}. There are: {there}.")
        open_ones = named
    filled = [one for one in open_ones if _has_rows(one)]
    if not filled:
        raise CannotRead("No visible sheet has any row. The first row must hold the headings.")
    if len(filled) > 1:
        there = ", ".join(one.title for one in filled)
        raise CannotRead(f"Several sheets have rows: {there}. Say which one with --sheet.")
    sheet = filled[0]
    merged = _merged(path, sheet)
    notes.append(f"The sheet {sheet.title} is read.") if len(book.worksheets) > 1 else None
    return Source(path.name, _sheet_rows(sheet, path.name), spreadsheet=True, merged=merged, notes=tuple(notes))


def _bounded(path: Path) -> None:
    with zipfile.ZipFile(path) as packed:
        if sum(one.file_size for one in packed.infolist()) > MOST_UNPACKED:
            raise CannotRead(f"{path.name} is larger unpacked than is read here. Save it as CSV, in parts.")
        for one in packed.infolist():
            if one.filename.endswith((".xml", ".rels")):
                with packed.open(one) as part:
                    if b"<!DOCTYPE" in part.read(4096):
                        raise CannotRead(f"{path.name} holds XML with a document type, which no spreadsheet needs.")


def _has_rows(sheet: Any) -> bool:
    sheet.reset_dimensions()
    return any(
        any(cell.value is not None for cell in row) for row in sheet.iter_rows(max_row=20, max_col=MOST_COLUMNS + 1)
    )


def _merged(path: Path, sheet: Any) -> list[tuple[int, str]]:
    """Ranges of merged cells with their last row, read from the sheet's XML as a stream."""
    found: list[tuple[int, str]] = []
    with zipfile.ZipFile(path) as packed, packed.open(sheet._worksheet_path) as part:
        rest = b""
        while chunk := part.read(1 << 20):
            window = rest + chunk
            found += [(int(one[2]), one[1].decode()) for one in _MERGED.finditer(window)]
            rest = window[window.rfind(b"<") :] if b"<" in window else b""
    return found


def _sheet_rows(sheet: Any, name: str) -> Iterator[tuple[int, Sequence[Cell]]]:
    most = MOST_COLUMNS + 1  # one more, so that it is seen when there are too many
    try:
        for line, row in enumerate(sheet.iter_rows(), start=1):
            values = [_value(cell) for cell in row[:most]]
            if len(row) > most and any(cell.value is not None for cell in row[most:]):
                raise CannotRead(
                    f"Row {line} of {name} has cells beyond its {MOST_COLUMNS}th column. Nothing was imported. "
                    "Delete the columns that do not belong to the register."
                )
            while values and values[-1] is None:
                values.pop()
            yield line, values
    except (ValueError, KeyError, ParseError, zipfile.BadZipFile) as wrong:
        raise CannotRead(f"{name} is damaged ({wrong}). Nothing was imported. Save it again as .xlsx.") from None


def _value(cell: Any) -> Cell:
    value: Cell
    if cell.data_type == "f":
        return Formula(str(cell.value))
    if cell.data_type == "e":
        return Broken(str(cell.value))
    value = cell.value
    return value
