"""The audit trail: what happened, in the past tense, never changed.

A writer inserts an `Event`, the database marks it as `Unsealed`, and nobody waits for anybody. A sealing job later
numbers and hashes what was committed (`Seal`). Personal fields lie in a side row that can be erased; the chained part
holds their salted digest. Triggers in the database refuse change on `event` and `seal`.
"""

from __future__ import annotations

import enum
import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, ForeignKey, Index, String, Text, bindparam, insert
from sqlalchemy.orm import Mapped, mapped_column

from model.base import Base, Key, UtcTime
from model.writes import Write


class Tag(enum.StrEnum):
    """Subject, thing, past participle; a report may filter on any part. Read a new name twice: it is stored."""

    REQUEST_DRAFT_KEPT = "request:draft:kept"
    REQUEST_SUBMITTED = "request:submission:received"
    REQUEST_STEP_OPENED = "request:step:opened"
    REQUEST_STEP_AGREED = "request:step:agreed"
    REQUEST_APPROVED = "request:approval:granted"
    REQUEST_PRE_APPROVED = "request:approval:granted_by_rule"
    REQUEST_CHANGED = "request:terms:lowered"
    REQUEST_DENIED = "request:approval:denied"
    REQUEST_WITHDRAWN = "request:submission:withdrawn"
    REQUEST_CLOSED = "request:submission:closed"
    REQUEST_EXPIRED = "request:approval:expired"
    REQUEST_REOPENED = "request:submission:reopened"
    REQUEST_QUESTION_ASKED = "request:question:asked"
    REQUEST_QUESTION_ANSWERED = "request:question:answered"
    REQUEST_NOTE_ADDED = "request:note:added"
    REQUEST_HANDED_ON = "request:step:handed_on"
    REQUEST_DECIDER_NAMED = "request:step:decider_named"
    REQUEST_ESCALATED = "request:step:escalated"
    REQUEST_REMINDED = "request:step:reminded"
    REQUEST_RESERVED = "request:seat:reserved"
    REQUEST_QUEUED = "request:queue:joined"
    REQUEST_QUEUE_LEFT = "request:queue:left"
    REQUEST_URGENCY_STATED = "request:queue:urgency_stated"
    REQUEST_ORDER_UNCONFIRMED = "request:purchase:confirmation_needed"
    REQUEST_PURCHASE_ORDERED = "request:purchase:ordered"
    REQUEST_PURCHASE_ARRIVED = "request:purchase:arrived"
    REQUEST_GRANTING_BEGUN = "request:grant:begun"
    REQUEST_GRANT_DELAYED = "request:grant:delayed"
    REQUEST_GRANT_FAILED = "request:grant:failed"
    REQUEST_GRANT_RETRIED = "request:grant:retried"
    REQUEST_HOLDER_NAMED = "request:holder:named"
    REQUEST_FULFILLED = "request:grant:completed"
    REQUEST_NOT_WORKING = "request:seat:reported_not_working"
    SEAT_GIVEN = "seat:grant:completed"
    SEAT_RETURN_CONFIRMED = "seat:return:confirmed"
    SEAT_RETURN_HELD = "seat:return:held"
    SEAT_TAKEN_BACK = "seat:return:completed"
    SEAT_RETURN_FAILED = "seat:return:failed"
    SEAT_KEPT = "seat:return:called_off"
    SEAT_RESTORED = "seat:return:undone"
    SEAT_UNDO_GIVEN_UP = "seat:return:undo_given_up"
    SEAT_END_ANNOUNCED = "seat:end:announced"
    SEAT_EXTENDED = "seat:end:moved"
    TASK_OPENED = "task:work:opened"
    TASK_DONE = "task:work:done"
    TASK_BLOCKED = "task:work:blocked"
    TASK_REOPENED = "task:work:reopened"
    TASK_PASSED_ON = "task:work:passed_on"
    TASK_REMINDED = "task:work:reminded"
    TICKET_OPENED = "ticket:record:opened"
    TICKET_CLOSED = "ticket:record:closed"
    TICKET_STATE_READ = "ticket:record:changed_there"
    TICKET_CONFLICT = "ticket:record:conflicted"
    TICKET_REOPENED = "ticket:record:reopened_there"
    TICKET_DELETED = "ticket:record:deleted_there"
    CAMPAIGN_PLANNED = "reclaim:campaign:planned"
    CAMPAIGN_BEGUN = "reclaim:campaign:begun"
    CAMPAIGN_LISTED = "reclaim:campaign:listed"
    CAMPAIGN_CONFIRMED = "reclaim:campaign:confirmed"
    CAMPAIGN_DONE = "reclaim:campaign:done"
    CAMPAIGN_CANCELLED = "reclaim:campaign:cancelled"
    CANDIDATE_ASKED = "reclaim:seat:asked"
    CANDIDATE_REMINDED = "reclaim:seat:reminded"
    CANDIDATE_SNOOZED = "reclaim:seat:snoozed"
    CANDIDATE_KEPT = "reclaim:seat:kept"
    CANDIDATE_KEEP_ASKED = "reclaim:seat:keep_asked"
    CANDIDATE_DISPUTED = "reclaim:seat:keep_disputed"
    CANDIDATE_RELEASED = "reclaim:seat:released"
    CANDIDATE_UNANSWERED = "reclaim:seat:unanswered"
    CANDIDATE_IN_USE = "reclaim:seat:used_again"
    CANDIDATE_HANDED_OVER = "reclaim:seat:handed_over"
    CANDIDATE_DROPPED = "reclaim:seat:dropped"
    CANDIDATE_LEFT_ALONE = "reclaim:seat:left_alone"
    CANDIDATE_CONFIRMED = "reclaim:seat:confirmed"
    CANDIDATE_TAKEN = "reclaim:seat:taken"
    CANDIDATE_SKIPPED = "reclaim:seat:skipped"
    CANDIDATE_NOT_TAKEN = "reclaim:seat:not_taken"
    CANDIDATE_PUT_BACK = "reclaim:seat:put_back"
    UNDO_END_ANNOUNCED = "seat:undo:end_announced"
    SAVING_REALISED = "reclaim:saving:realised"
    SAVING_TAKEN_BACK = "reclaim:saving:taken_back"
    REMOVALS_SWITCHED = "reclaim:switch:turned"
    EVIDENCE_SEEN = "reclaim:evidence:seen"
    MAILBOXES_HELD = "reclaim:mail:holds_stated"
    DEPUTY_SET = "person:deputy:set"
    PERSON_LINKED = "person:slack:linked"
    PERSON_UNLINKED = "person:slack:unlinked"
    PERSON_TOLD_APART = "person:account:told_apart"
    ROLE_GRANTED = "person:role:granted"
    ROLE_ENDED = "person:role:ended"
    POLICY_PROPOSED = "policy:version:proposed"
    POLICY_ACTIVATED = "policy:version:activated"
    SYNC_COMPLETED = "sync:run:completed"
    SYNC_STOPPED = "sync:run:stopped"
    REGISTRY_CHANGED = "registry:entry:written"
    REGISTRY_IMPORTED = "registry:rows:imported"
    TITLE_DECIDED = "inventory:title:decided"
    SOURCE_ACCEPTED = "inventory:source:accepted"
    DEVICE_PERSON_CORRECTED = "inventory:device:person_corrected"
    DEVICE_DOUBT_DECIDED = "inventory:device:doubt_decided"
    ALERT_SEEN = "alert:cause:seen"
    ALERT_OPENED = "alert:cause:opened"
    ALERT_FADED = "alert:cause:faded"
    ALERT_CLOSED = "alert:cause:gone"
    ALERT_REOPENED = "alert:cause:reopened"
    ALERT_TAKEN = "alert:work:taken"
    ALERT_ASKED = "alert:question:asked"
    ALERT_ANSWERED = "alert:question:answered"
    ALERT_EXCEPTED = "alert:exception:granted"
    ALERT_EXCEPTION_ENDS = "alert:exception:asked_again"
    ALERT_EXCEPTION_ENDED = "alert:exception:ended"
    ALERT_RESOLVED_THERE = "alert:ticket:resolved_there"
    ALERT_STILL_THERE = "alert:ticket:still_there"
    INVENTORY_TAKEN = "inventory:report:taken"
    SOURCE_RETURNED = "inventory:source:returned_to_observe"
    DEVICES_SILENT = "inventory:devices:marked_stale"
    POSITIONS_COUNTED = "position:run:completed"
    POSITIONS_DIFFER = "position:run:disagreed"
    USE_RULE_PAUSED = "reclaim:rule:paused"
    USE_RULE_LIFTED = "reclaim:rule:lifted"
    RENEWAL_OPENED = "renewal:occasion:opened"
    RENEWAL_DATES_MOVED = "renewal:dates:moved"
    RENEWAL_TOLD = "renewal:people:told"
    RENEWAL_DECIDED = "renewal:decision:made"
    RENEWAL_AGREED = "renewal:decision:agreed"
    RENEWAL_REFUSED = "renewal:decision:refused"
    RENEWAL_CHANGED = "renewal:decision:changed"
    RENEWAL_DEFERRED = "renewal:decision:deferred"
    RENEWAL_TAKEN_UP = "renewal:decision:taken_up"
    RENEWAL_PROOF_AWAITED = "renewal:proof:awaited"
    RENEWAL_PROVED = "renewal:proof:given"
    RENEWAL_PROOF_LOST = "renewal:proof:lost"
    RENEWAL_PROOF_REFUSED = "renewal:proof:refused"
    RENEWAL_MISSED = "renewal:date:missed"
    RENEWAL_REOPENED = "renewal:occasion:reopened"
    RENEWAL_ROLLED_OVER = "renewal:term:rolled_over"
    RENEWAL_DROPPED = "renewal:occasion:dropped"
    RENEWAL_OWNER_NAMED = "renewal:owner:named"
    RECONCILED = "reconciliation:run:completed"
    DIFFERENCE_FOUND = "reconciliation:difference:found"
    DIFFERENCE_ACCEPTED = "reconciliation:difference:accepted"
    DIFFERENCE_DISPUTED = "reconciliation:difference:disputed"
    DIFFERENCE_ASKED = "reconciliation:difference:asked_about"
    DIFFERENCE_GONE = "reconciliation:difference:gone"
    DIFFERENCE_REOPENED = "reconciliation:difference:reopened"
    NOTICE_OPENED = "procurement:notice:opened"
    NOTICE_CLEARED = "procurement:notice:cleared"
    CALENDAR_MADE = "person:calendar:made"
    CALENDAR_ENDED = "person:calendar:ended"
    JOB_PARKED = "job:work:parked"
    JOB_RUN_AGAIN = "job:work:run_again"
    PERSONAL_ERASED = "person:data:erased"


class Event(Base):
    """One thing that happened. `facts` is canonical JSON without personal data; people appear by id."""

    __tablename__ = "event"
    __table_args__ = (Index("ix_event_subject", "subject", "id"),)  # the story of one request or seat

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    tag: Mapped[str] = mapped_column(String(60))
    at: Mapped[datetime] = mapped_column(UtcTime)
    actor: Mapped[str] = mapped_column(String(60))  # "person:12", "rule:4", "clock", "servicenow", "operator:<name>"
    subject: Mapped[str] = mapped_column(String(60))  # "request:42", "seat:7", "ticket:3" …
    facts: Mapped[str] = mapped_column(Text)
    personal_digest: Mapped[str | None] = mapped_column(String(64))


class EventPersonal(Base):
    """Words people typed and names, erasable; erasing leaves the salted digest in the chain intact."""

    __tablename__ = "event_personal"

    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), primary_key=True)
    salt: Mapped[str] = mapped_column(String(32))
    facts: Mapped[str] = mapped_column(Text)


class Unsealed(Base):
    """Committed but not yet numbered. The sealing job empties it; its count is the unsealed tail."""

    __tablename__ = "unsealed"

    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), primary_key=True)


class Seal(Base):
    """A link of the chain: `hash` = SHA-256 over the previous hash and the event's canonical form."""

    __tablename__ = "seal"

    seq: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), unique=True)
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
    sealed_at: Mapped[datetime] = mapped_column(UtcTime)


@dataclass(frozen=True)
class Happened:
    """An event to record. `personal` holds what may have to be erased one day: names, typed words."""

    tag: Tag
    actor: str
    subject: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    personal: Mapping[str, Any] = field(default_factory=dict)


def person_of(actor: str) -> int | None:
    """The person behind an actor, None for a rule, the clock or another system."""
    kind, _, key = actor.partition(":")
    return int(key) if kind == "person" and key.isdecimal() else None


def canonical(facts: Mapping[str, Any]) -> str:
    """JSON with sorted keys and no spare spaces: equal facts give equal text, also years later."""
    return json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)


def personal_digest(salt: str, facts: str) -> str:
    """What the chain keeps of personal facts."""
    return hashlib.sha256(f"{salt}\n{facts}".encode()).hexdigest()


#: Built once, on the tables: a press waits for them. The first for one event, the second for several, whose ids come
#: in the order they were given.
_INSERT = insert(Event.metadata.tables["event"])
_INSERT_MANY = insert(Event).returning(Event.id, sort_by_parameter_order=True)
_INSERT_PERSONAL = insert(Event.metadata.tables["event_personal"])
_COLUMNS = ("tag", "at", "actor", "subject", "facts", "personal_digest")
_WRITE = insert(Event.metadata.tables["event"]).values({name: bindparam(f"event_{name}") for name in _COLUMNS})


def record(connection: Connection, events: Iterable[Happened], now: datetime) -> list[int]:
    """Write events in the caller's transaction; returns their ids in order. Core inserts: this is on the press path."""
    happened = list(events)
    if not happened:
        return []
    rows, sides = [], []
    for one in happened:
        side = None
        if one.personal:
            salt, words = secrets.token_hex(16), canonical(one.personal)
            side = {"salt": salt, "facts": words}
        rows.append(_row(one, now, personal_digest(side["salt"], side["facts"]) if side else None))
        sides.append(side)
    if len(rows) == 1:
        key = connection.execute(_INSERT, rows[0]).inserted_primary_key
        assert key is not None  # noqa: S101  one row went in
        ids = [int(key[0])]
    else:
        ids = [int(event_id) for event_id in connection.execute(_INSERT_MANY, rows).scalars()]
    personal = [{"event_id": i} | side for i, side in zip(ids, sides, strict=True) if side]
    if personal:
        connection.execute(_INSERT_PERSONAL, personal)
    return ids


def write(happened: Happened, now: datetime) -> Write:
    """One event to be written together with other rows. Raises ValueError for one with personal facts: see `record`."""
    if happened.personal:
        raise ValueError("personal facts lie beside their event, whose id they need: record it")
    return Write(_WRITE, {f"event_{name}": value for name, value in _row(happened, now, None).items()})


def _row(happened: Happened, now: datetime, digest: str | None) -> dict[str, Any]:
    return {
        "tag": happened.tag.value,
        "at": now,
        "actor": happened.actor,
        "subject": happened.subject,
        "facts": canonical(happened.facts),
        "personal_digest": digest,
    }
