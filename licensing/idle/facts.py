"""What a verdict is made from and what it says; `licensing.idle.judge` makes it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date

from licensing.idle.signals import IMPORT


class Kind(enum.StrEnum):
    """What can be said of a seat's use."""

    ACTIVE = "active"
    LITTLE_USED = "little_used"
    IDLE = "idle"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """What the directory and the policy say of the holder. `excluded_by` is the policy's exclusion, in words."""

    account: str = "user"  # user, room, shared, service
    employment: str = "employee"  # employee, contractor, guest
    active: bool = True
    account_since: date | None = None
    starts_on: date | None = None
    leaves_on: date | None = None
    absent_from: date | None = None
    absent_until: date | None = None  # inclusive
    was_absent_from: date | None = None  # the absence before that one
    was_absent_until: date | None = None
    excluded_by: str = ""


@dataclass(frozen=True, slots=True)
class SeatFacts:
    """What is known of the seat. `group` names the group it comes through, "" for a seat given directly."""

    since: date
    group: str = ""
    group_may_act: bool = False  # the policy names the group, and nothing about the group stands against it
    group_obstacle: str = ""  # dynamic, synced, role_assignable, gone
    role: bool = False  # part of the holder's role
    paths: int = 1  # by how many paths the person holds this very SKU
    stated: bool = True  # the directory says how it was given
    free: bool = False
    mail: bool = False  # losing it deletes a mailbox
    mailbox_held: bool = False  # the mailbox stands on the list of held ones
    excluded_by: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """The company's rule for a product. `number` is how sentences name it: "rule 7"."""

    number: int
    idle_days: int = 90
    little_used_days: int = 0  # at most this many days of use in the source's window is little; 0 never asks
    seat_grace_days: int = 30
    hire_grace_days: int = 60
    report_max_age_days: int = 7
    import_max_age_days: int = 14
    guests: bool = False  # guests are judged like everybody else
    large_mailbox_gb: int = 50
    paused: str = ""  # why it judges nothing for now

    @property
    def name(self) -> str:
        return f"rule {self.number}"

    def max_age(self, source: str) -> int:
        return self.import_max_age_days if source == IMPORT else self.report_max_age_days


@dataclass(frozen=True, slots=True)
class SourceSeen:
    """One source with its value and age, as evidence keeps it. `counts` False: shown, and no part of the verdict."""

    source: str
    words: str
    used_on: date | None
    as_of: date | None
    age: int | None
    health: str
    counts: bool
    value: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of one seat.

    `sentence` names days and is for the person and, after a stored reason, the licence manager; `short` names none and
    is for managers and lists (rules §10). `look` are reasons to look at the row before it is ticked; `excluded` says
    why the seat must not be listed to be taken back at all, whatever its use, and `excluded_code` is the same in one
    word. `because` is how a question to the holder gives its ground: "no use for 60 days (rule 7)".
    """

    kind: Kind
    sentence: str
    short: str
    sources: tuple[SourceSeen, ...]
    rule: str
    because: str = ""
    look: tuple[str, ...] = ()
    excluded: str = ""
    excluded_code: str = ""
    unknown_because: str = ""
    used_on: date | None = None

    @property
    def may_be_taken(self) -> bool:
        """Whether the ground idleness exists at all (rules §7): a verdict that holds, and nothing that forbids it."""
        return self.kind in (Kind.IDLE, Kind.LITTLE_USED) and not self.excluded
