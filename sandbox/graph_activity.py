"""People of the tenant who go on working: what they used last moves along with the demo's clock.

Without it everybody stopped on the day the tenant was filled, and after a month of played time every seat looked idle.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sandbox.store import Document

#: Who did something within so many days before the tenant was filled works with it.
RECENT = timedelta(days=14)
_SATURDAY = 5


def as_of(user: Document, now: datetime) -> Document:
    """The person as the tenant knows them at `now`: recent use is as long ago as it was, and ends with their last day.

    What was old on the day they were filled in stays as it was, and so does everybody without `goes_on_from`.
    """
    if "goes_on_from" not in user or not user["properties"].get("accountEnabled", True):
        return user
    began = date.fromisoformat(user["goes_on_from"])
    passed = now.date() - began
    leaves = user["properties"].get("employeeLeaveDateTime")
    last = date.fromisoformat(leaves[:10]) if leaves else date.max

    def moved(text: Any) -> Any:
        day = _day(text)
        if day is None or not began - RECENT <= day <= began or passed <= timedelta(0):
            return text
        return f"{min(_workday(day + passed), max(last, day)).isoformat()}{text[10:]}"

    usage = {service: moved(day) for service, day in user["usage"].items()}
    sign_in = user["signInActivity"] and {name: moved(moment) for name, moment in user["signInActivity"].items()}
    return user | {"usage": usage, "signInActivity": sign_in}


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except (TypeError, ValueError):
        return None


def _workday(day: date) -> date:
    """The day, or the Friday before it."""
    return day - timedelta(days=max(0, day.weekday() - _SATURDAY + 1))
