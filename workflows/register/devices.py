"""Devices, with what they were before: a later first day makes a change, the same day a correction.

What a device was on a day A as known at K is, of the versions recorded by K whose days hold A, the one recorded last.
The days of the current row run from `facts_since` on; those of a change lie in `effective_from` (empty: always) and
`effective_until`, and ran on while K is before `superseded_at`; a correction counts only while K is before it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from datetime import date, datetime

from model.people import Device
from workflows.register.entries import Book, Counts, Entry
from workflows.register.history import (
    ALWAYS,
    Row,
    Version,
    Wanted,
    Writing,
    blank,
    earlier,
    filled,
    load,
    same,
    with_own,
)
from workflows.register.names import People, named

_PLAIN = {
    name: name
    for name in (
        "identity", "name", "serial", "kind", "processors", "cores", "threads", "system", "site", "state",
        "retired_on", "last_seen_at",
    )
}  # fmt: skip


def put_devices(book: Book, entries: Sequence[Entry]) -> Counts:
    """Write devices; hosts may be in the same file, above or below. Wrong entries are noted in the book."""
    people = People(book, named(entries, "person", "retired_by"))
    identities = sorted({_identity(entry) for entry in entries} | {entry["host"] for entry in entries if entry["host"]})
    stored: dict[Hashable, Row] = {row["identity"]: row for row in load(book.work, Device, "identity", identities)}
    here = {_identity(entry) for entry in entries}
    wanted = []
    for entry in entries:
        values = _values(book, entry, people)
        if entry["host"] and entry["host"] not in here and entry["host"] not in stored:
            book.wrong(entry, "host", f"no device is called {entry['host']}. Put the host into the file as well.")
        if entry["host"] == _identity(entry):
            book.wrong(entry, "host", "a device is not its own host.")
        wanted.append(Wanted(entry, _identity(entry), filled(Device, values)))
    ordered = _in_order(book, wanted)
    if book.problems:
        return Counts()
    counts = Counts()
    missing = [one for one in ordered if one.key not in stored]
    first: dict[Hashable, Wanted] = {}
    for one in missing:
        first.setdefault(one.key, one)
    _insert(book, list(first.values()), stored)
    counts.new += len(first)
    for one in ordered:
        if one.key not in first and "name" not in one.entry.values:
            one.values.pop("name", None)  # a column the file lacks leaves what is stored
        if "host" in one.entry.values:
            one.values["host_id"] = stored[one.entry["host"]]["id"] if one.entry["host"] else None
    counts.add(_apply_all(book, ordered, stored, set(map(id, first.values()))))
    return counts


def _identity(entry: Entry) -> str:
    return str(entry["identity"] or entry["name"])


def _values(book: Book, entry: Entry, people: People) -> Row:
    values = entry.only(_PLAIN) | {"identity": _identity(entry)}
    if entry["name"] or not entry["identity"] or "name" not in entry.values:
        values["name"] = entry["name"] or _identity(entry)
    if not _identity(entry) or _identity(entry) == "None":
        book.wrong(entry, "identity", "is empty, and so is name. Write what tells the device from all others.")
    if len(_identity(entry)) > 128:
        book.wrong(entry, "name", "has more than 128 characters. Give the device a shorter identity.")
    if "person" in entry.values:
        values["person_id"] = people.find(entry, "person")
        values["person_source"] = (entry["person_source"] or "import") if entry["person"] else ""
    if entry["retired_on"] and entry["state"] in (None, "retired"):
        values["state"] = "retired"
    elif entry["retired_on"]:
        book.wrong(entry, "state", f"is {entry['state']}, but the row has a day in retired_on.")
    elif entry["state"] == "retired":
        book.wrong(entry, "retired_on", "is empty. A retired device counts until the day it was retired: write it.")
    if "retired_by" in entry.values:
        values["retired_by_id"] = people.find(entry, "retired_by")
    if entry["cores"] and entry["processors"] and entry["cores"] < entry["processors"]:
        book.wrong(entry, "cores", f"“{entry['cores']}” is less than its {entry['processors']} processors.")
    return values


def _in_order(book: Book, wanted: list[Wanted]) -> list[Wanted]:
    seen: dict[Hashable, Wanted] = {}
    for one in wanted:
        other = seen.setdefault((one.key, one.at, one.entry["since"]), one)
        if other is not one:
            book.wrong(
                one.entry,
                "identity",
                f"is the same as in row {other.entry.line}. Delete one, or say with since from when each is true.",
            )
    return sorted(wanted, key=lambda one: (one.at, one.entry["since"] or date.min))


def _insert(book: Book, first: list[Wanted], stored: dict[Hashable, Row]) -> None:
    writing = Writing(book.work, Device)
    for one in first:
        row = blank(Device) | with_own({}, one.entry, one.values)
        row |= {"facts_since": one.entry["since"], "recorded_at": one.at}
        stored[one.key] = row
        writing.insert(row)
    writing.flush(ids=True)


def _apply_all(book: Book, ordered: list[Wanted], stored: dict[Hashable, Row], made: set[int]) -> Counts:
    counts = Counts()
    writing = Writing(book.work, Device)
    history = earlier(book.work, Device, sorted({row["id"] for row in stored.values()}))
    for one in ordered:
        row = stored[one.key]
        if id(one) in made:
            if one.values.get("host_id") is not None:
                row["host_id"] = one.values["host_id"]
                writing.change(row)
            continue
        if _apply(writing, row, one, history.setdefault(row["id"], [])):
            counts.changed += 1
        else:
            counts.unchanged += 1
    writing.flush()
    return counts


def learn(writing: Writing, row: Row, values: Row, at: datetime, now: datetime) -> bool:
    """What an agent says of a device, true since `at`; whether anything was new. What was known stays as its past.

    Facts that nobody knew before are taken as true all along: a machine does not get its cores with its agent.
    """
    news = {name: value for name, value in values.items() if row[name] != value}
    if not news:
        return False
    versions = earlier(writing.work, Device, [row["id"]]).get(row["id"], [])
    fills = {name: value for name, value in news.items() if row[name] in (None, "")}
    later = max(at.date(), _start(row["facts_since"]))
    for part, since in ((fills, row["facts_since"]), ({n: v for n, v in news.items() if n not in fills}, later)):
        if part:
            _apply(writing, row, Wanted(Entry(0, {"since": since}, now), row["identity"], part), versions)
    return True


def _start(value: date | None) -> date:
    return value or date.min


def _apply(writing: Writing, row: Row, one: Wanted, versions: list[Version]) -> bool:
    """Change one device, or add to its past; whether anything was new."""
    since: date | None = one.entry["since"] or row["facts_since"]
    now_since = _start(row["facts_since"])
    known_since = row["recorded_at"] or ALWAYS
    day = _start(since)
    if one.at >= known_since and day >= now_since:
        values = with_own(row, one.entry, one.values)
        if same(row, values):
            return False
        version = Version(dict(row), known_since, one.at)
        if day > now_since:
            version = replace(version, effective_from=row["facts_since"], effective_until=since)
        row.update(values)
        row |= {"facts_since": since, "recorded_at": one.at}
        writing.change(row)
    else:
        then = _believed(row, versions, day, one.at)
        base = then if then is not None else row
        values = with_own(base, one.entry, one.values)
        if then is not None and same(then, values):
            return False
        facts = dict(base) | values | {"facts_since": since, "recorded_at": one.at}
        if day < now_since:
            starts = [_start(version.effective_from) for version in versions if version.effective_until is not None]
            until = min(start for start in (*starts, now_since) if start > day)
            version = Version(facts, one.at, one.at, since, until)
        else:
            later = [version.recorded_at for version in versions if version.recorded_at > one.at]
            version = Version(facts, one.at, min([*later, known_since]))
    versions.append(version)
    writing.supersede(row, version)
    return True


def _believed(row: Row, versions: Sequence[Version], day: date, at: datetime) -> Row | None:
    """What was held true of the device on a day, as known at an instant."""
    found: list[tuple[datetime, Row]] = []
    for version in versions:
        if not version.recorded_at <= at:
            continue
        if version.effective_until is not None:
            running = at < version.superseded_at
            holds = _start(version.effective_from) <= day and (day < version.effective_until or running)
        else:
            holds = at < version.superseded_at and _start(version.row["facts_since"]) <= day
        if holds:
            found.append((version.recorded_at, version.row))
    if (row["recorded_at"] or ALWAYS) <= at and _start(row["facts_since"]) <= day:
        found.append((row["recorded_at"] or ALWAYS, row))
    return max(found, key=lambda pair: pair[0])[1] if found else None
