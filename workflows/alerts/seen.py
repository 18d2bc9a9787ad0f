"""What a look at the registry found: the alerts wanted, where they are, and what sources in observe would have sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from licensing.alerts import Wanted
from model.people import Device, Person
from workflows.alerts.adopted import Lowered
from workflows.policy import Policy

#: What `places_of` reads of a device and of its person.
OF_DEVICE = (
    Device.name,
    Device.kind,
    Device.site,
    Device.state,
    Device.software_at,
    Device.last_seen_at,
    Device.person_id,
    Person.department,
    Person.active,
)
#: Places kept of one alert; more are counted, not listed.
MOST_PLACES = 500


@dataclass(frozen=True)
class Place:
    """A device an alert is about. `reported_at` is its last full list of software; None: it never sent one."""

    device_id: int
    device: str
    person_id: int | None
    department: str
    site: str
    reported_at: datetime | None
    silent: bool


@dataclass(frozen=True)
class Found:
    """An alert wanted now, with what it may cost a year by currency (None: unpriced) and where it is."""

    wanted: Wanted
    product: str
    places: tuple[Place, ...] = ()
    at_risk: Mapping[str, str] | None = None


@dataclass(frozen=True)
class WouldBe:
    """An alert a source in observe would have led to; `people` would have been asked by itself."""

    found: Found
    ticket: bool
    people: frozenset[int]


@dataclass
class Would:
    """What a source in observe would have sent, by the key of the alert."""

    alerts: dict[str, WouldBe] = field(default_factory=dict)

    def add(self, found: Found, policy: Policy) -> None:
        """One more alert, with its ticket and the people policy lets ask without a press."""
        cause = found.wanted.cause.value
        ask = policy.alerts.ask_people
        people = frozenset(place.person_id for place in found.places if place.person_id is not None)
        asked = ask.of(cause) == "by_itself" and len(people) <= ask.people_at_most
        ticket = policy.alerts.tickets.of(cause).open
        self.alerts[found.wanted.key] = WouldBe(found, ticket, people if asked else frozenset())

    @property
    def tickets(self) -> int:
        return sum(one.ticket for one in self.alerts.values())

    @property
    def people(self) -> frozenset[int]:
        """A person gets one message a day, whatever it lists."""
        return frozenset().union(*(one.people for one in self.alerts.values()))


@dataclass(frozen=True)
class Picture:
    """One look. `product_ids` None: all products, a complete run. `strangers` are sources nobody has a row of yet.

    `lowered`: what a complete run leaves of adopted shortfalls that were partly worked off.
    """

    product_ids: frozenset[int] | None
    found: Mapping[str, Found]
    would: Mapping[str, Would]
    strangers: frozenset[str]
    lowered: tuple[Lowered, ...] = ()

    @property
    def complete(self) -> bool:
        return self.product_ids is None


def places_of(rows: Iterable[Row[Any]], policy: Policy, now: datetime) -> tuple[Place, ...]:
    """Each device once, at most so many. Servers and devices whose person left are nobody's to be asked about."""
    silent_before = now - timedelta(days=policy.alerts.silent_after_days)
    found: dict[int, Place] = {}
    for row in rows:
        if row.device_id in found or len(found) >= MOST_PLACES:
            continue
        personal = row.kind not in ("server", "virtual") and row.person_id is not None and row.active
        heard = row.software_at or row.last_seen_at
        found[row.device_id] = Place(
            row.device_id,
            row.name,
            row.person_id if personal else None,
            row.department or "",
            row.site,
            row.software_at,
            row.state == "stale" or (heard is not None and heard < silent_before),
        )
    return tuple(found.values())


def figures_of(found: Found) -> dict[str, Any]:
    """What an alert keeps of a look, in plain JSON."""
    risk = dict(found.at_risk) if found.at_risk is not None else None
    return {**found.wanted.figures, "name": found.product, "at_risk": risk}
