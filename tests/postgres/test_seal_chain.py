"""The audit chain on both databases: sealed in order, whole after races, tampering named by its first bad link."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import delete, func, select, text
from sqlalchemy.exc import DBAPIError

from model import events, seal
from model.events import Event, EventPersonal, Happened, Seal, Tag, Unsealed
from model.seal import GENESIS, export, verify, verify_database
from model.session import Database, make_engine

NOW = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(make_engine(database_url))
    yield found
    found.dispose()


def happened(number: int) -> Happened:
    words = {"why": f"I draw floor plans, No. {number} – für Zoë"} if number % 2 else {}
    return Happened(Tag.REQUEST_SUBMITTED, "person:1", f"request:{number}", {"quantity": number}, words)


def write(database: Database, *numbers: int) -> list[int]:
    with database.unit_of_work() as work:
        ids = work.record([happened(number) for number in numbers], NOW)
        work.commit()
    return ids


def exported(database: Database, *, personal: bool = True) -> list[str]:
    out = io.StringIO()
    with database.reading() as connection:
        export(connection, out, personal=personal)
    return out.getvalue().splitlines()


def sealed(database: Database) -> list[tuple[int, int]]:
    with database.reading() as connection:
        return [
            (row.seq, row.event_id) for row in connection.execute(select(Seal.seq, Seal.event_id).order_by(Seal.seq))
        ]


def test_several_events_get_their_ids_in_the_order_they_were_given(database: Database) -> None:
    ids = write(database, *range(50))
    assert ids == sorted(ids)
    with database.reading() as connection:
        subjects = dict(connection.execute(select(Event.id, Event.subject)).tuples().all())
        personal = set(connection.execute(select(EventPersonal.event_id)).scalars())
    assert [subjects[event_id] for event_id in ids] == [f"request:{n}" for n in range(50)]
    assert personal == {ids[n] for n in range(1, 50, 2)}


def test_what_was_committed_is_sealed_once_and_in_order(database: Database) -> None:
    first = write(database, 1, 2, 3)
    assert seal.seal(database, NOW) == 3
    assert seal.seal(database, NOW) == 0
    second = write(database, 4)
    with database.reading() as connection:
        assert seal.unsealed(connection) == 1
    assert seal.seal(database, NOW) == 1
    assert sealed(database) == list(enumerate([*first, *second], start=1))


def test_more_than_one_batch_makes_one_chain(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seal, "BATCH", 7)
    monkeypatch.setattr(seal, "_NEXT", seal._NEXT.limit(7))
    write(database, *range(25))
    assert seal.seal(database, NOW) == 25
    assert verify_database(database).count == 25


def test_an_empty_chain_is_in_order(database: Database) -> None:
    report = verify(exported(database))
    assert (report.ok, report.count, report.head) == (True, 0, GENESIS)


def test_an_export_is_checked_without_the_database(database: Database) -> None:
    write(database, *range(6))
    seal.seal(database, NOW)
    write(database, 7)
    lines = exported(database)
    report = verify(lines)
    assert (report.ok, report.count, report.first_bad) == (True, 6, None)
    assert "1 newer events" in report.words
    assert report == verify_database(database)
    assert report.head == json.loads(lines[5])["hash"]


def test_an_export_without_personal_data_holds_none_and_is_as_good(database: Database) -> None:
    write(database, *range(6))
    seal.seal(database, NOW)
    lines = exported(database, personal=False)
    assert "Zoë" not in "".join(lines)
    assert verify(lines).ok


def test_erasing_personal_words_leaves_the_chain_intact(database: Database) -> None:
    ids = write(database, 1, 2, 3)
    seal.seal(database, NOW)
    with database.unit_of_work() as work:
        work.connection.execute(delete(EventPersonal).where(EventPersonal.event_id == ids[0]))
        work.commit()
    assert verify_database(database).ok
    assert verify(exported(database)).ok


def change(field: str, value: Any) -> Callable[[list[str]], list[str]]:
    def tamper(lines: list[str]) -> list[str]:
        link = json.loads(lines[3])
        link[field] = value
        return [*lines[:3], json.dumps(link), *lines[4:]]

    return tamper


def rehashed(lines: list[str]) -> list[str]:
    """Somebody who knows the recipe changes a link and computes its hash anew."""
    link = json.loads(lines[3])
    link["actor"] = "person:99"
    link["hash"] = seal.link_hash(link["previous_hash"], link)
    return [*lines[:3], json.dumps(link), *lines[4:]]


def retold(lines: list[str]) -> list[str]:
    link = json.loads(lines[3])
    link["personal"]["facts"] = '{"why":"something else"}'
    return [*lines[:3], json.dumps(link), *lines[4:]]


TAMPERINGS: dict[str, tuple[Callable[[list[str]], list[str]], int | None]] = {
    "actor": (change("actor", "person:2"), 4),
    "time": (change("at", "2026-03-02T09:00:00.123457+00:00"), 4),
    "facts": (change("facts", '{"quantity":30}'), 4),
    "subject": (change("subject", "request:4"), 4),
    "tag": (change("tag", "request:approval:denied"), 4),
    "id": (change("id", 999), 4),
    "digest": (change("personal_digest", None), 4),
    "hash": (change("hash", "f" * 64), 4),
    "recomputed": (rehashed, 5),
    "personal": (retold, 4),
    "taken out": (lambda lines: [*lines[:3], *lines[4:]], 4),
    "swapped": (lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]], 4),
    "doubled": (lambda lines: [*lines[:3], lines[2], *lines[3:]], 4),
    "unreadable": (lambda lines: [*lines[:3], "{not json", *lines[4:]], 4),
    "no link": (lambda lines: [*lines[:3], '["a"]', *lines[4:]], 4),
    "field missing": (lambda lines: [*lines[:3], lines[3].replace('"subject"', '"object"'), *lines[4:]], 4),
    "first cut": (lambda lines: lines[1:], 1),
    "broken off": (lambda lines: lines[:4], None),
    "tail cut": (lambda lines: [*lines[:4], lines[-1]], None),
    "after the end": (lambda lines: [*lines, lines[0]], 7),
}


@pytest.mark.parametrize("how", TAMPERINGS)
def test_tampering_with_an_export_is_found_at_its_first_link(sqlite_url: str, how: str) -> None:
    database = Database(make_engine(sqlite_url))
    write(database, *range(6))
    seal.seal(database, NOW)
    lines = exported(database)
    database.dispose()
    assert verify(lines).ok
    tamper, first_bad = TAMPERINGS[how]
    report = verify(tamper(lines))
    assert (report.ok, report.first_bad) == (False, first_bad)
    assert report.words


REFUSED = [
    "UPDATE event SET actor = 'person:2'",
    "DELETE FROM event",
    "UPDATE seal SET hash = ''",
    "DELETE FROM seal",
    "UPDATE event_personal SET facts = '{}'",
]


@pytest.mark.parametrize("statement", REFUSED)
def test_the_database_itself_refuses_to_change_the_past(database: Database, statement: str) -> None:
    write(database, 1, 2)
    seal.seal(database, NOW)
    with database.unit_of_work() as work, pytest.raises(DBAPIError, match="never changed"):
        work.connection.execute(text(statement))
    assert verify_database(database).ok


def test_an_event_whose_mark_was_removed_is_missed(database: Database) -> None:
    write(database, 1, 2)
    seal.seal(database, NOW)
    [hidden] = write(database, 3)
    with database.unit_of_work() as work:
        work.connection.execute(delete(Unsealed))
        work.commit()
    report = verify_database(database)
    assert not report.ok
    assert f"Event {hidden}" in report.words


def test_sealers_at_the_same_moment_make_one_chain(database: Database) -> None:
    gate, counts = threading.Barrier(4), list[int]()

    def one(start: int) -> None:
        gate.wait()
        for number in range(10):
            write(database, start + number)
            counts.append(seal.seal(database, NOW))

    threads = [threading.Thread(target=one, args=(start,)) for start in (0, 100, 200, 300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(counts) == 40
    report = verify_database(database)
    assert (report.ok, report.count) == (True, 40)


def test_a_lower_id_that_commits_after_a_higher_one_was_sealed_is_not_lost(postgres_url: str) -> None:
    """Ids are taken before commit: a slow press may appear below what is sealed already."""
    database = Database(make_engine(postgres_url))
    with database.unit_of_work() as slow:
        [low] = events.record(slow.connection, [happened(1)], NOW)
        [high] = write(database, 2)
        assert low < high
        assert seal.seal(database, NOW) == 1
        slow.commit()
    assert seal.seal(database, NOW) == 1
    assert sealed(database) == [(1, high), (2, low)]
    assert verify_database(database).ok
    with database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(Unsealed)).scalar_one() == 0
    database.dispose()
