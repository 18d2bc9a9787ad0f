"""The chain over the audit trail: numbering and hashing what was committed, exporting it, checking it.

A seal's hash is SHA-256 over the previous hash and the event in canonical form, so no event can be changed, moved or
taken out without every later hash telling. Event ids are taken before commit, so a lower id may become visible after
a higher one was sealed: `seq`, the order of sealing, is the chain's order, and only what is in `unsealed` is sealed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TextIO

from sqlalchemy import Connection, delete, exists, func, insert, select

from model.events import Event, EventPersonal, Seal, Unsealed, canonical, personal_digest
from model.session import Database

#: The hash before the first.
GENESIS = "0" * 64
#: PostgreSQL's advisory locks are plain numbers shared by everybody in the database: "seatkeeper seal".
SEAL_LOCK = 7_328_002
#: Events sealed in one transaction. On SQLite a press waits meanwhile: about 30 ms for so many.
BATCH = 1000
#: Fields of an exported line that are hashed, in the order of the canonical form.
HASHED = ("actor", "at", "facts", "id", "personal_digest", "subject", "tag")


@dataclass(frozen=True)
class ChainReport:
    """`count` links were checked. `first_bad` is the number of the first that is wrong; `words` say what and why.

    `head` is the last good hash: kept elsewhere, it shows later that nothing before it was rewritten.
    """

    ok: bool
    count: int
    first_bad: int | None
    words: str
    head: str = GENESIS


def link_hash(previous: str, event: dict[str, Any]) -> str:
    """The hash of one link. `event` has the fields of HASHED, `at` as ISO 8601 in UTC with microseconds."""
    hashed = canonical({name: event[name] for name in HASHED})
    return hashlib.sha256(f"{previous}\n{hashed}".encode()).hexdigest()


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _hashed_fields(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "tag": str(row.tag),
        "at": _instant(row.at),
        "actor": row.actor,
        "subject": row.subject,
        "facts": row.facts,
        "personal_digest": row.personal_digest,
    }


_EVENT_COLUMNS = (Event.id, Event.tag, Event.at, Event.actor, Event.subject, Event.facts, Event.personal_digest)
_NEXT = select(*_EVENT_COLUMNS).join(Unsealed, Unsealed.event_id == Event.id).order_by(Event.id).limit(BATCH)


def seal(database: Database, now: datetime) -> int:
    """Number and hash what was committed and not sealed yet; returns how many.

    One sealer at a time: a second one waits and then finds nothing. Each batch is a transaction of its own, after
    which the chain is whole.
    """
    total = 0
    while True:
        with database.unit_of_work() as work:
            sealed = _seal_batch(work.connection, now)
            work.commit()
        total += sealed
        if sealed < BATCH:
            return total


def _seal_batch(connection: Connection, now: datetime) -> int:
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(SEAL_LOCK)))
    rows = connection.execute(_NEXT).all()
    if not rows:
        return 0
    last = connection.execute(select(Seal.seq, Seal.hash).order_by(Seal.seq.desc()).limit(1)).first()
    seq, previous = (last.seq, last.hash) if last else (0, GENESIS)
    first = seq + 1
    links = []
    for row in rows:
        seq, before = seq + 1, previous
        previous = link_hash(before, _hashed_fields(row))
        links.append({"seq": seq, "event_id": row.id, "previous_hash": before, "hash": previous, "sealed_at": now})
    connection.execute(insert(Seal), links)
    # exactly the rows sealed here, never a range of ids: a lower one may have been committed in between
    connection.execute(delete(Unsealed).where(Unsealed.event_id.in_(select(Seal.event_id).where(Seal.seq >= first))))
    return len(rows)


def unsealed(connection: Connection) -> int:
    """How many committed events wait for the sealing job."""
    return connection.execute(select(func.count()).select_from(Unsealed)).scalar_one()


def _lines(connection: Connection) -> Iterator[dict[str, Any]]:
    """Every link in order, then one line that says where the chain ends; a few rows in memory at a time."""
    query = (
        select(Seal.seq, Seal.previous_hash, Seal.hash, Seal.sealed_at, *_EVENT_COLUMNS)
        .add_columns(EventPersonal.salt, EventPersonal.facts.label("words"))
        .join(Event, Event.id == Seal.event_id)
        .outerjoin(EventPersonal, EventPersonal.event_id == Event.id)
        .order_by(Seal.seq)
    )
    count, head = 0, GENESIS
    with connection.execution_options(yield_per=BATCH).execute(query) as rows:
        for row in rows:
            line = {"seq": row.seq, **_hashed_fields(row), "previous_hash": row.previous_hash, "hash": row.hash}
            line["sealed_at"] = _instant(row.sealed_at)
            line["personal"] = None if row.salt is None else {"salt": row.salt, "facts": row.words}
            count, head = count + 1, row.hash
            yield line
    yield {"end": {"count": count, "head": head, "unsealed": unsealed(connection)}}


def export(connection: Connection, out: TextIO, *, personal: bool = False) -> int:
    """Write the chain as JSON lines; returns the number of links. With `personal`, typed words and names go along."""
    links = 0
    for line in _lines(connection):
        if "end" not in line:
            links += 1
            if not personal:
                line["personal"] = None
        out.write(canonical(line) + "\n")
    return links


def verify(lines: Iterable[str]) -> ChainReport:
    """Check an exported chain without any database; stops at the first bad link."""
    return _check(_parsed(lines))


def verify_database(database: Database) -> ChainReport:
    """Check the chain where it lives, and that every event is either sealed or waits to be."""
    with database.reading() as connection:
        report = _check(_lines(connection))
        if not report.ok:
            return report
        neither = select(Event.id).where(
            ~exists().where(Seal.event_id == Event.id), ~exists().where(Unsealed.event_id == Event.id)
        )
        stray = connection.execute(neither.order_by(Event.id).limit(1)).scalar()
    if stray is None:
        return report
    words = f"Event {stray} is neither in the chain nor waiting for it: its mark was removed."
    return ChainReport(False, report.count, None, words, report.head)


def _parsed(lines: Iterable[str]) -> Iterator[dict[str, Any] | None]:
    for text in lines:
        if not text.strip():
            continue
        try:
            line = json.loads(text)
        except ValueError:
            line = None
        yield line if isinstance(line, dict) else None


def _check(lines: Iterable[dict[str, Any] | None]) -> ChainReport:
    count, head = 0, GENESIS
    end: dict[str, Any] | None = None
    for line in lines:
        if end is not None:
            return ChainReport(False, count, count + 1, "There are lines after the end of the chain.", head)
        if line is not None and isinstance(line.get("end"), dict):
            end = line["end"]
            continue
        wrong = "This line is not a link: it cannot be read." if line is None else _wrong(line, count + 1, head)
        if wrong or line is None:
            return ChainReport(False, count, count + 1, f"Link {count + 1}: {wrong}", head)
        count, head = count + 1, line["hash"]
    if end is None:
        return ChainReport(
            False, count, None, f"The file breaks off after link {count}: its last line is missing.", head
        )
    if end.get("count") != count or end.get("head") != head:
        words = f"The last line names {end.get('count')} links, and there are {count}: some were cut off."
        return ChainReport(False, count, None, words, head)
    tail = end.get("unsealed") or 0
    waiting = f" {tail} newer events are not sealed yet." if tail else ""
    return ChainReport(True, count, None, f"{count} links, each in its place and unchanged.{waiting}", head)


def _wrong(line: dict[str, Any], seq: int, previous: str) -> str | None:
    """What is wrong with a link, in words; None when it is right."""
    missing = [name for name in (*HASHED, "seq", "previous_hash", "hash") if name not in line]
    if missing:
        return f"it lacks {', '.join(missing)}."
    if line["seq"] != seq:
        return f"it says it is number {line['seq']}: a link was taken out, put in or moved."
    if line["previous_hash"] != previous:
        return "it does not follow from the link before it."
    if line["hash"] != link_hash(previous, line):
        return f"event {line['id']} was changed after it was sealed."
    personal = line.get("personal")
    if personal is not None:
        if not isinstance(personal, dict) or not {"salt", "facts"} <= personal.keys():
            return f"the personal part of event {line['id']} cannot be read."
        if personal_digest(str(personal["salt"]), str(personal["facts"])) != line["personal_digest"]:
            return f"the personal part of event {line['id']} was changed."
    return None
