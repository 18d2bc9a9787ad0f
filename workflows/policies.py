"""Stored versions of the policy: proposed by one person, put in force by another, exactly one in force at a time.

The file is taken over by itself only at the very first start. Later a changed file becomes a proposal, and one with an
error changes nothing: the version in force stays.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, Row, func, or_, select, update

from licensing.words import day
from model.events import Happened, Tag
from model.people import Person, Role, RoleGrant
from model.session import Database, UnitOfWork
from model.tickets import PolicyState, PolicyVersion
from workflows import policy_file, policy_register
from workflows.policy import Policy
from workflows.policy_file import PolicyProblems
from workflows.refusals import Refusal
from workflows.rules import Rules

#: Who may propose and put in force; while nobody has one of these roles, everybody in the staff directory may.
MAY_CHANGE = (Role.ADMIN, Role.LICENCE_MANAGER)
SET_UP = "set-up"
THE_FILE = "file"
#: PostgreSQL's advisory locks are plain numbers shared by everybody in the database: "seatkeeper policy".
POLICY_LOCK = 7_328_003


class PolicyRefused(Refusal):
    """A version cannot be proposed or put in force; the sentence says why and what to do."""


@dataclass(frozen=True)
class Version:
    """One stored version; `proposed_by` is an e-mail address, "set-up", or "file" for a file changed at a start."""

    id: int
    state: PolicyState
    proposed_by: str
    proposed_at: datetime
    activated_by: str
    activated_at: datetime | None


@dataclass(frozen=True)
class Notice:
    """What a look at the file at a start found; `words` is empty when the file is the policy in force."""

    words: str = ""
    proposed_id: int | None = None
    broken: bool = False


def active(connection: Connection) -> tuple[int, str] | None:
    """Id and text of the version in force; None before the first start."""
    row = connection.execute(
        select(PolicyVersion.id, PolicyVersion.text).where(PolicyVersion.state == PolicyState.ACTIVE)
    ).one_or_none()
    return None if row is None else (row.id, row.text)


def in_force(connection: Connection) -> Policy:
    """The policy that holds; before the first start what holds without a file. Raises PolicyProblems."""
    stored = active(connection)
    return policy_file.load(stored[1], f"version {stored[0]}") if stored else Policy()


def in_force_since(connection: Connection) -> date | None:
    """The day the version in force began."""
    at = connection.execute(
        select(PolicyVersion.activated_at).where(PolicyVersion.state == PolicyState.ACTIVE)
    ).scalar()
    return None if at is None else at.date()


def versions(connection: Connection, most: int = 200) -> list[Version]:
    """Stored versions, newest first."""
    rows = connection.execute(select(*_COLUMNS).order_by(PolicyVersion.id.desc()).limit(most))
    return [Version(*row) for row in rows]


def text_of(connection: Connection, version_id: int) -> str | None:
    """The text of one version as it was read; None when there is no such version."""
    return connection.execute(select(PolicyVersion.text).where(PolicyVersion.id == version_id)).scalar()


def ensure_first(work: UnitOfWork, text: str, now: datetime, source_name: str = "policy.yaml") -> int:
    """The id of the version in force; at the very first start `text` becomes it. Raises PolicyProblems then."""
    _one_at_a_time(work)
    found = active(work.connection)
    if found is not None:
        return found[0]
    policy_file.load(text, source_name)
    version_id = _store(work, text, SET_UP, now)
    _put_in_force(work, version_id, SET_UP, "operator:set-up", now)
    return version_id


def propose(work: UnitOfWork, text: str, by_email: str, now: datetime, source_name: str = "policy.yaml") -> int:
    """Store a text as a proposal; returns its id. Raises PolicyProblems or PolicyRefused. Nothing changes in force."""
    policy = policy_file.load(text, source_name)
    _one_at_a_time(work)
    person = _may_change(work.connection, by_email, now)
    policy_register.check(work.connection, policy, text, source_name)
    known = _known(work.connection, text)
    if known is not None and known.state == PolicyState.ACTIVE:
        raise PolicyRefused("This is the policy in force already; there is nothing to propose.")
    if known is not None and known.state == PolicyState.PROPOSED and known.proposed_by != THE_FILE:
        raise PolicyRefused(
            f"This was proposed already, as version {known.id} by {known.proposed_by}. Somebody else activates it."
        )
    return _store(work, text, person.email, now, actor=f"person:{person.id}", known=known)


def activate(work: UnitOfWork, version_id: int, by_email: str, now: datetime) -> None:
    """Put a proposed version in force. Raises PolicyRefused, above all for the person who proposed it (rules §5)."""
    _one_at_a_time(work)
    version = work.connection.execute(select(*_COLUMNS).where(PolicyVersion.id == version_id)).one_or_none()
    if version is None:
        raise PolicyRefused(f"There is no version {version_id}. See them with: seatkeeper policy list")
    if version.state == PolicyState.ACTIVE:
        raise PolicyRefused(f"Version {version_id} is in force already.")
    if version.state != PolicyState.PROPOSED:
        raise PolicyRefused(
            f"Version {version_id} was in force before and is no proposal. Propose its text again to return to it."
        )
    person = _may_change(work.connection, by_email, now)
    if person.email == version.proposed_by.strip().lower():
        raise PolicyRefused(f"{person.name} proposed version {version_id}, so somebody else activates it.")
    text = text_of(work.connection, version_id) or ""
    try:
        policy = policy_file.load(text, f"version {version_id}")
    except PolicyProblems as wrong:
        raise PolicyRefused(f"This program cannot read version {version_id}. {wrong.lines()[0]}") from None
    try:
        policy_register.check(work.connection, policy, text, f"version {version_id}")
    except PolicyProblems as wrong:
        raise PolicyRefused(f"Version {version_id} does not fit the register. {wrong.lines()[0]}") from None
    _put_in_force(work, version_id, person.email, f"person:{person.id}", now)


def notice_file(work: UnitOfWork, text: str, now: datetime, source_name: str = "policy.yaml") -> Notice:
    """Look at the file at a start. A changed valid file is proposed, a broken one is said; nothing changes in force."""
    _one_at_a_time(work)
    known = _known(work.connection, text)
    if known is not None and known.state == PolicyState.ACTIVE:
        return Notice()
    if known is not None and known.state == PolicyState.RETIRED:
        return Notice(f"{source_name} holds version {known.id}, which is no longer in force; a later version is.")
    try:
        policy_register.check(work.connection, policy_file.load(text, source_name), text, source_name)
    except PolicyProblems as wrong:
        return Notice(wrong.say(in_force_since(work.connection)), broken=True)
    version_id = known.id if known is not None else _store(work, text, THE_FILE, now)
    since = in_force_since(work.connection)
    stays = f" The policy of {day(since)} stays in force until then." if since else ""
    return Notice(
        f"{source_name} has changed: version {version_id} waits for a second person.{stays} "
        f"Look with: seatkeeper policy simulate {source_name}; "
        f"then: seatkeeper policy activate {version_id} --by their e-mail address",
        proposed_id=version_id,
    )


class ActiveRules:
    """A `RulesSource`: the active version's id is read at each call, its text only when the id changed.

    Safe for several threads; other processes' activations are seen at the next call.
    """

    def __init__(
        self,
        database: Database,
        *,
        graph: bool = False,
        servicenow: bool = False,
        mail: bool = False,
        instance: str = "",
    ) -> None:
        self._database = database
        self._systems = {"graph": graph, "servicenow": servicenow, "mail": mail}
        self._instance = instance
        self._lock = threading.Lock()
        self._known: Rules | None = None

    def __call__(self) -> Rules:
        """The rules in force now. Raises LookupError before the first start, PolicyProblems for an unreadable one."""
        with self._database.reading() as connection:
            version_id = connection.execute(_ACTIVE_ID).scalar()
            known = self._known
            if known is not None and known.version_id == version_id:
                return known
            found = active(connection)
        if found is None:
            raise LookupError("no policy is in force: start the service once, or run seatkeeper migrate")
        with self._lock:
            if self._known is None or self._known.version_id != found[0]:
                policy = policy_file.load(found[1], f"policy version {found[0]}")
                self._known = Rules(policy, found[0], **self._systems, instance=self._instance)
            return self._known


_ACTIVE_ID = select(PolicyVersion.id).where(PolicyVersion.state == PolicyState.ACTIVE)
_COLUMNS = (
    PolicyVersion.id,
    PolicyVersion.state,
    PolicyVersion.proposed_by,
    PolicyVersion.proposed_at,
    PolicyVersion.activated_by,
    PolicyVersion.activated_at,
)


def _one_at_a_time(work: UnitOfWork) -> None:
    """Two processes that start together must not both find that there is no policy yet."""
    if work.connection.dialect.name == "postgresql":
        work.connection.execute(select(func.pg_advisory_xact_lock(POLICY_LOCK)))


def _known(connection: Connection, text: str) -> Version | None:
    row = connection.execute(select(*_COLUMNS).where(PolicyVersion.digest == policy_file.digest(text))).one_or_none()
    return None if row is None else Version(*row)


def _store(
    work: UnitOfWork, text: str, by: str, now: datetime, *, actor: str = "", known: Version | None = None
) -> int:
    """A proposal; a text that was in force long ago, or came from the file, keeps its number."""
    values = {
        "state": PolicyState.PROPOSED,
        "proposed_by": by,
        "proposed_at": now,
        "activated_by": "",
        "activated_at": None,
    }
    if known is not None:
        version_id = known.id
        work.connection.execute(update(PolicyVersion).where(PolicyVersion.id == version_id).values(**values))
    else:
        version = PolicyVersion(digest=policy_file.digest(text), text=text, **values)
        work.session.add(version)
        work.session.flush()  # its id goes into the event
        version_id = version.id
    facts = {"version": version_id, "digest": policy_file.digest(text)}
    work.record([Happened(Tag.POLICY_PROPOSED, actor or f"operator:{by}", f"policy:{version_id}", facts)], now)
    return version_id


def _put_in_force(work: UnitOfWork, version_id: int, by: str, actor: str, now: datetime) -> None:
    before = work.connection.execute(_ACTIVE_ID).scalar()
    if before is not None:
        work.connection.execute(
            update(PolicyVersion).where(PolicyVersion.id == before).values(state=PolicyState.RETIRED)
        )
    work.connection.execute(
        update(PolicyVersion)
        .where(PolicyVersion.id == version_id)
        .values(state=PolicyState.ACTIVE, activated_by=by, activated_at=now)
    )
    facts = {"version": version_id, "instead_of": before}
    work.record([Happened(Tag.POLICY_ACTIVATED, actor, f"policy:{version_id}", facts)], now)


def _may_change(connection: Connection, email: str, now: datetime) -> Row[tuple[int, str, str]]:
    """The person of this address, when their role allows it. Raises PolicyRefused."""
    wanted = email.strip().lower()
    person = connection.execute(
        select(Person.id, Person.name, Person.email).where(Person.email == wanted, Person.active)
    ).one_or_none()
    if person is None:
        raise PolicyRefused(f"Nobody in the staff directory has the address {wanted}. Use your address at work.")
    holders = (
        select(RoleGrant.person_id)
        .join(Person, Person.id == RoleGrant.person_id)
        .where(
            RoleGrant.role.in_(MAY_CHANGE),
            RoleGrant.began_at <= now,
            or_(RoleGrant.ended_at.is_(None), RoleGrant.ended_at > now),
            Person.active,
        )
    )
    if connection.execute(holders.where(RoleGrant.person_id == person.id).limit(1)).first() is None:
        other = connection.execute(
            select(Person.name).where(Person.id.in_(holders)).order_by(Person.id).limit(1)
        ).scalar()
        if other is not None:
            raise PolicyRefused(f"{person.name} may not change the policy; administrators may, for example {other}.")
    return person
