"""What outside sources say about use, read so that "never" is never a date and an attempt is never taken for proof.

The rules are those of Microsoft's own description of `signInActivity` (reference page of Graph, §4): null, the empty
string, an absent property and year 1 all mean "never"; `lastSignInDateTime` is the last attempt, successful or not, so
that a password spray refreshes it; `lastSuccessfulSignInDateTime` was not filled in for the time before 1 Dec 2023, so
that its absence proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

SIGN_IN = "sign_in"
M365_ACTIVE = "m365_active"
M365_APPS = "m365_apps"
MAILBOX = "mailbox"
TEAMS = "teams"
COPILOT = "copilot"
IMPORT = "import"
#: Every source there is, in the order in which one is named where several show the same day; and how people read it.
SOURCE_WORDS: dict[str, str] = {
    COPILOT: "Copilot report",
    IMPORT: "imported list of use",
    SIGN_IN: "sign-in log",
    M365_ACTIVE: "Microsoft 365 report",
    M365_APPS: "Microsoft 365 Apps report",
    MAILBOX: "mailbox report",
    TEAMS: "Teams report",
}
FINE, STALE, CONCEALED = "fine", "stale", "concealed"
NO_LICENCE, NO_PERMISSION, UNREADABLE, NOT_READ = "no_licence", "no_permission", "unreadable", "not_read"
#: No usage signal of any vendor is older; what claims to be is an unset field.
FIRST_YEAR = 1990


@dataclass(frozen=True, slots=True)
class Reading:
    """What one source says about one person's use, and whether it can be trusted now.

    `listed` False: the source was read and does not name the person at all. `used_on` None while listed: it names the
    person and shows no use, which is no proof of any. `as_of` is the day up to which the source speaks. `facts` is
    what else it says: attempts to sign in, days of use, the size of the mailbox.
    """

    source: str
    used_on: date | None = None
    as_of: date | None = None
    health: str = FINE
    listed: bool = True
    facts: Mapping[str, Any] = field(default_factory=dict)

    def age(self, today: date) -> int | None:
        """Days between what the source speaks of and today; None when it does not say."""
        return None if self.as_of is None else max(0, (today - self.as_of).days)


def day_of(value: object) -> date | None:
    """The day of an instant as sources write it; None for every form of "never" and for what is no date at all."""
    if isinstance(value, datetime):
        found = value.astimezone(UTC).date() if value.tzinfo and value.year > FIRST_YEAR else value.date()
    elif isinstance(value, date):
        found = value
    elif isinstance(value, str) and value.strip():
        try:
            return day_of(datetime.fromisoformat(value.strip()))
        except ValueError:
            return None
    else:
        return None
    return found if found.year >= FIRST_YEAR else None


def signed_in_on(facts: Mapping[str, Any]) -> date | None:
    """The last use that sign-ins show: the last success where there is one, else the last attempt of either kind."""
    success = day_of(facts.get("success"))
    if success is not None:
        return success
    attempts = [day_of(facts.get(name)) for name in ("interactive", "non_interactive")]
    return max((one for one in attempts if one is not None), default=None)


def attempt_after_success(facts: Mapping[str, Any]) -> date | None:
    """The day of an attempt that came after the last success, so that it failed: somebody may need help, or guesses."""
    success = day_of(facts.get("success"))
    attempt = day_of(facts.get("interactive"))
    return attempt if success is not None and attempt is not None and attempt > success else None


def last_use(reading: Reading) -> date | None:
    """The last day of use a reading shows. Sign-ins are judged by their parts; year 1 is no day in any source."""
    if reading.source == SIGN_IN and {"success", "interactive", "non_interactive"} & reading.facts.keys():
        return signed_in_on(reading.facts)
    return day_of(reading.used_on)


def days_of_use(reading: Reading) -> tuple[int, int] | None:
    """On how many days the person used it, of how many the source looks back; None where it does not count days."""
    days, window = reading.facts.get("days"), reading.facts.get("window", 30)
    if isinstance(days, bool) or not isinstance(days, int) or not isinstance(window, int) or days < 0 or window < 1:
        return None
    return days, window
