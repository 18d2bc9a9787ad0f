"""Whose device it is, by who was signed in: at least two thirds of the last ten reports (rules §2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select

from model.people import Person

LAST = 10
#: One or two reports are whoever set the machine up.
FEWEST = 3
_BY_ADDRESS = (
    select(Person.id)
    .where(Person.active, Person.email >= bindparam("first"), Person.email < bindparam("before"))
    .limit(2)
)
BY_REPORTS = "reports"


def signed_in(connection: Connection, users: Sequence[str]) -> int | None:
    """The person of an account, by the name before the @ of their address; None when it is nobody's or several'."""
    found: set[int] = set()
    for user in users[:10]:
        name = user.rpartition("\\")[2].casefold()
        if not name:
            continue
        # a range of addresses, so that their index serves it
        first, before = (name, f"{name}\x01") if "@" in name else (f"{name}@", f"{name}A")
        people = connection.execute(_BY_ADDRESS, {"first": first, "before": before}).scalars().all()
        if len(people) == 1:
            found.add(people[0])
    return found.pop() if len(found) == 1 else None


def usual(people: Sequence[int | None]) -> int | None:
    """Who was seen in two thirds of these reports, None when nobody was or there are too few."""
    counted = Counter(one for one in people if one is not None)
    if len(people) < FEWEST or not counted:
        return None
    person_id, times = counted.most_common(1)[0]
    return person_id if 3 * times >= 2 * len(people) else None


def owner(device: Mapping[str, Any], people: Sequence[int | None]) -> dict[str, Any]:
    """The columns that change; nothing where a person is known otherwise, or for a server."""
    if device["person_source"] not in ("", BY_REPORTS) or device["kind"] == "server":
        return {}
    if device["person_source"] == "" and device["person_id"] is not None:
        return {}
    person_id = usual(people)
    return {"person_id": person_id, "person_source": BY_REPORTS if person_id is not None else ""}
