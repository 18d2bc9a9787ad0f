"""People by e-mail address, for companies whose directory is not read, and what only the register knows of others."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from sqlalchemy import bindparam, update

from model.people import Person
from workflows.register.entries import Book, Counts, Entry
from workflows.register.history import Row, Wanted, filled, in_order, load, put

_PLAIN = {
    name: name
    for name in (
        "email", "name", "department", "cost_centre", "country", "time_zone", "job_title", "employment",
        "usage_location", "starts_on", "leaves_on",
    )
}  # fmt: skip


def put_people(book: Book, entries: Sequence[Entry]) -> Counts:
    """Write people; managers may be in the same file, above or below. Wrong entries are noted in the book."""
    emails = sorted({entry[column] for entry in entries for column in ("email", "manager") if entry[column]})
    stored: dict[Hashable, Row] = {row["email"]: row for row in load(book.work, Person, "email", emails)}
    here = {entry["email"] for entry in entries}
    today = book.now.date()
    wanted = []
    for entry in entries:
        values = entry.only(_PLAIN)
        if "active" in entry.values and entry["active"] is not None:
            values["active"] = entry["active"]
        elif entry["leaves_on"] is not None:
            values["active"] = entry["leaves_on"] >= today
        if entry["starts_on"] and entry["leaves_on"] and entry["leaves_on"] < entry["starts_on"]:
            book.wrong(entry, "leaves_on", "is before the first day, starts_on.")
        manager = entry["manager"]
        if manager and manager not in here and manager not in stored:
            book.wrong(entry, "manager", f"nobody in the register or in this file has the address {manager}.")
        if manager and manager == entry["email"]:
            book.wrong(entry, "manager", "nobody is their own manager.")
        wanted.append(Wanted(entry, entry["email"], filled(Person, values)))
    wanted = in_order(book, wanted, "email")
    if book.problems:
        return Counts()
    new = [one for one in wanted if one.key not in stored]
    first = put(book, Person, new, stored, ids=True)
    for one in wanted:  # all have an id now, so everybody's manager has
        if "manager" in one.entry.values:
            manager = one.entry["manager"]
            one.values["manager_id"] = stored[manager]["id"] if manager else None
    made = {one.key for one in new}
    for key in made:
        managers = [one.values.get("manager_id") for one in wanted if one.key == key]
        stored[key]["manager_id"] = managers[-1]
    _managers(book, [stored[key] for key in made if stored[key]["manager_id"] is not None])
    second = put(book, Person, [one for one in wanted if one.key not in made], stored)
    first.add(second)
    return first


def _managers(book: Book, rows: Sequence[Row]) -> None:
    """Give new people their managers: the last part of making them, so nothing is superseded."""
    if rows:
        table = Person.__table__
        statement = update(Person).where(table.c.id == bindparam("_id")).values(manager_id=bindparam("_manager"))
        book.work.connection.execute(statement, [{"_id": row["id"], "_manager": row["manager_id"]} for row in rows])
