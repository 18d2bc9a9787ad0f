"""What begins and ends: seats and installations. A row opens, is ended once, and is corrected only by superseding it.

An end that is learned later sets `ended_at` and `end_recorded_at`; as known before that, the row was open.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from itertools import pairwise

from licensing.words import day
from workflows.register.entries import Book, Counts, Entry
from workflows.register.history import ALWAYS, Row, Version, Writing, blank, earlier, known_at, same

#: Makes the groups of rows that a row may not overlap with: one seat or one installed version.
GroupOf = Callable[[Row], Hashable]


@dataclass
class Span:
    """What an entry says of one seat or installation: `values` without beginning and end."""

    entry: Entry
    group: Hashable
    values: Row  # of a new row
    changing: tuple[str, ...] = ()  # those of them that a later row may correct
    tells: bool = False  # the entry changed something beside the row: what its title is


@dataclass
class _Group:
    rows: list[Row] = field(default_factory=list)
    spans: list[tuple[Row, Span]] = field(default_factory=list)  # what touched which row


def midnight(when: date) -> datetime:
    """The instant a day begins, in UTC: a seat counts from it, and up to it on the day it ended."""
    return datetime.combine(when, time(), UTC)


def put_spans(book: Book, model: type, spans: Sequence[Span], stored: Iterable[Row], group_of: GroupOf) -> Counts:
    """Open, end and correct rows; what overlaps is noted as wrong and nothing of it is to be kept."""
    writing = Writing(book.work, model)
    groups: dict[Hashable, _Group] = {}
    for row in stored:
        groups.setdefault(group_of(row), _Group()).rows.append(row)
    counts = Counts()
    ordered = sorted(spans, key=lambda span: (span.entry.recorded_at, span.entry["began_on"] or date.min))
    seen: dict[Hashable, Span] = {}
    old = [
        row["id"] for span in ordered if (group := groups.get(span.group)) for row in group.rows if _older(span, row)
    ]
    versions = earlier(book.work, model, dict.fromkeys(old))
    for span in ordered:
        group = groups.setdefault(span.group, _Group())
        place = (span.group, span.entry["began_on"], span.entry.recorded_at)
        other = seen.setdefault(place, span)
        if other is not span:
            _twice(book, span, other)
            continue
        found = _found(span, group.rows)
        row = found if found is not None else _opened(book, model, span)
        if found is None:
            group.rows.append(row)
            writing.insert(row)
            counts.new += 1
        elif _apply(book, writing, row, span, versions) or span.tells:
            counts.changed += 1
        else:
            counts.unchanged += 1
        group.spans.append((row, span))
    for group in groups.values():
        _overlaps(book, group)
    if not book.problems:
        writing.flush()
    return counts


def _older(span: Span, row: Row) -> bool:
    latest: datetime = max(row["recorded_at"], row["end_recorded_at"] or ALWAYS)
    return span.entry.recorded_at < latest


def _twice(book: Book, span: Span, other: Span) -> None:
    if other.entry.values == span.entry.values:
        book.note("the same as another row, counted once")
    else:
        book.wrong(span.entry, "began_on", f"is the same as in row {other.entry.line}, which says something else.")


def _found(span: Span, rows: list[Row]) -> Row | None:
    began = span.entry["began_on"]
    if began is not None:
        return next((row for row in rows if row["began_at"] == midnight(began)), None)
    if span.entry["ended_on"] is not None:
        ended = midnight(span.entry["ended_on"])
        return next((row for row in rows if row["ended_at"] in (None, ended)), None)
    return next((row for row in rows if row["ended_at"] is None), None)


def _opened(book: Book, model: type, span: Span) -> Row:
    at = span.entry.recorded_at
    ended = span.entry["ended_on"]
    if span.entry["began_on"] is None and ended is not None:
        book.wrong(span.entry, "began_on", "is empty. What has ended needs its first day.")
    began_at = midnight(span.entry["began_on"] or at.date())
    if ended is not None and midnight(ended) < began_at:
        book.wrong(span.entry, "ended_on", f"{day(ended)} is before {day(began_at.date())}, the first day.")
    return (
        blank(model)
        | span.values
        | {
            "began_at": began_at,
            "ended_at": midnight(ended) if ended else None,
            "recorded_at": at,
            "end_recorded_at": at if ended else None,
        }
    )


def _apply(book: Book, writing: Writing, row: Row, span: Span, versions: dict[int, list[Version]]) -> bool:
    """End or correct one row; whether anything was new."""
    entry, at = span.entry, span.entry.recorded_at
    history = versions.setdefault(row["id"], []) if "id" in row else []
    ended = midnight(entry["ended_on"]) if entry["ended_on"] else None
    says_end = "ended_on" in entry.values
    if ended is not None and ended < row["began_at"]:
        book.wrong(entry, "ended_on", f"{day(ended.date())} is before {day(row['began_at'].date())}, the first day.")
        return False
    values = {name: span.values[name] for name in span.changing}
    learned = row["end_recorded_at"] if row["ended_at"] is not None else None
    if at < row["recorded_at"]:
        return _past(writing, row, history, values | ({"ended_at": ended} if says_end else {}), at, row["recorded_at"])
    ends_same = not says_end or ended == row["ended_at"]
    if not ends_same and learned is not None and at < learned:
        if ended is None:
            ends_same = True  # as known then it was open
        else:
            return _past(writing, row, history, {"ended_at": ended}, at, learned)
    if ends_same and same(row, values):
        return False
    only_ended = not ends_same and row["ended_at"] is None and same(row, values)
    if not only_ended:
        version = Version(dict(row), row["recorded_at"], at)
        history.append(version)
        writing.supersede(row, version)
        row["recorded_at"] = at
        row.update(values)
    if not ends_same:
        row |= {"ended_at": ended, "end_recorded_at": at if ended else None}
    writing.change(row)
    return True


def _past(writing: Writing, row: Row, history: list[Version], values: Row, at: datetime, following: datetime) -> bool:
    """One more version of what was known once; the row as it is known now stays."""
    then = known_at(history, at)
    if then is not None and same(then.row, values):
        return False
    base = dict(then.row if then else row) | values
    base |= {"recorded_at": at, "end_recorded_at": at if base["ended_at"] is not None else None}
    version = Version(base, at, min([following, *(one.recorded_at for one in history if one.recorded_at > at)]))
    history.append(version)
    writing.supersede(row, version)
    return True


def _overlaps(book: Book, group: _Group) -> None:
    """Two rows of one seat or installation at the same time would be counted twice."""
    if not group.spans or len(group.rows) < 2:
        return
    touched = {id(row): span for row, span in group.spans}
    for first, second in pairwise(sorted(group.rows, key=lambda row: row["began_at"])):
        if first["ended_at"] is not None and first["ended_at"] <= second["began_at"]:
            continue
        span = touched.get(id(second)) or touched.get(id(first))
        if span is not None:
            until = f"until {day(first['ended_at'].date())}" if first["ended_at"] else "and has no end"
            book.wrong(
                span.entry,
                "began_on",
                f"the one that began on {day(first['began_at'].date())} {until} overlaps this. Give it its ended_on.",
            )
