"""What taking an inventory in costs in statements, and that reading it quickly is no less careful."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from model.alerts import InventorySource
from tests.unit.inventory_desk import Desk, desk, report
from workflows.inventory import report as reports
from workflows.inventory.dialects import markup
from workflows.inventory.report import Software, Unreadable

#: A notebook's list; all of it is one company's.
LISTED = tuple(Software(f"Tool {number} Professional", "Maker Ltd", "1.0") for number in range(120))


@pytest.fixture
def office(sqlite_url: str) -> Iterator[Desk]:
    with desk(sqlite_url) as made:
        yield made


@contextmanager
def counted(office: Desk) -> Iterator[list[str]]:
    """The statements that were sent meanwhile."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        sent.append(statement)

    event.listen(office.database.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(office.database.engine, "before_cursor_execute", note)


def test_the_number_of_statements_does_not_grow_with_the_list(office: Desk) -> None:
    office.take(report(*LISTED, name="PC-1"))
    with counted(office) as short:
        office.take(report(*LISTED[:3], name="PC-2"))
    with counted(office) as long:
        office.take(report(*LISTED, name="PC-3"))
    assert len(short) == len(long) <= 12, long


def test_no_statement_reads_a_whole_table(office: Desk) -> None:
    """The first inventory of a machine looks for it among all devices, by name and serial number."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if statement.startswith(("SELECT", "UPDATE")):
            asked.append((statement, parameters))

    office.take(report(*LISTED, name="PC-1"))  # its titles are known from here on
    event.listen(office.database.engine, "before_cursor_execute", note)
    office.take(report(*LISTED, name="PC-2", serial="SN-2", users=("ana",)))
    office.take(report(*LISTED[1:], name="PC-2", serial="SN-2", users=("ana",)))
    event.remove(office.database.engine, "before_cursor_execute", note)
    assert any("lower(device.name)" in statement for statement, _ in asked)
    with office.database.reading() as connection:
        for statement, parameters in asked:
            steps = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            read = {step.split()[1] for step in steps if step.startswith("SCAN")}
            assert steps and read <= {"json_each"}, (statement, steps)


def test_an_inventory_in_which_nothing_changed_writes_its_device_and_its_report(office: Desk) -> None:
    for _ in range(2):
        office.take(report(*LISTED, name="PC-1"))
    with counted(office) as sent:
        office.take(report(*LISTED, name="PC-1"), days=0.01)
    written = [one for one in sent if not one.startswith(("SELECT", "BEGIN"))]
    assert [one.split()[:2] for one in written] == [["INSERT", "INTO"], ["UPDATE", "device"]], written
    assert len(sent) <= 9, sent


def test_when_a_source_last_reported_is_written_once_an_hour(office: Desk) -> None:
    office.take(report(name="PC-1"))
    office.take(report(name="PC-1"), days=0.01)
    first = office.now - timedelta(days=0.01)
    assert office.rows(InventorySource, "last_report_at") == [(first,)]
    office.take(report(name="PC-1"))
    assert office.rows(InventorySource, "last_report_at") == [(office.now,)]


def test_a_device_named_like_another_ones_identity_gets_a_free_one(office: Desk) -> None:
    first = office.take(report(name="PC-1", serial="SER-1"))
    second = office.take(report(name="PC-1", serial="SER-2", deviceid="PC-1-2026-02-02-02-02-02"))
    assert office.device(first.device_id)["identity"] == "PC-1"
    assert office.device(second.device_id)["identity"] == "SER-2"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
@pytest.mark.parametrize("inside", ["<!DOCTYPE r>", "<!DOCTYPE r [<!ENTITY a 'b'>]>", "<!DOCTYPE r SYSTEM 'x.dtd'>"])
def test_no_document_type_in_whatever_encoding(encoding: str, inside: str) -> None:
    text = f"<?xml version='1.0' encoding='{encoding.removesuffix('-le').removesuffix('-be')}'?>{inside}<r>&a;</r>"
    with pytest.raises(Unreadable, match="document type"):
        markup.read(text.encode(encoding), ())


def test_cells_that_are_no_text_are_left_out_and_lists_within_too() -> None:
    rows = [("Visio", None, 16), (["Visio"], "x", "1"), (None, "x", "1"), ({"a": 1}, "", ""), (7, "", ""), ("", "", "")]
    assert reports.software(rows) == (Software("Visio", "", "16"), Software("7", "", ""))


def test_a_row_met_before_is_cleaned_like_a_new_one() -> None:
    for _ in range(2):
        found = reports.software([("  Visio\t2021 ", "Microsoft\x00", "16.0"), ("V" * 900, "", "")])
        assert found == (Software("Visio 2021", "Microsoft", "16.0"), Software("V" * 500, "", ""))
