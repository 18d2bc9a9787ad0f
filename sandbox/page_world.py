"""What the demo page needs of the world around it, and the one number that tells it that something changed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sandbox.agents import Agents
from sandbox.clock import SandboxClock
from sandbox.company import Company
from sandbox.graph import GraphStandIn
from sandbox.servicenow import ServiceNow
from sandbox.slack import SlackStandIn
from sandbox.slack_world import Changes
from sandbox.store import Store
from sandbox.traffic import Traffic

SLICE_SECONDS = 0.4  # how late a change without a listener (traffic, clock, the service going) may be noticed


@dataclass(frozen=True)
class CastMember:
    """A person one plays: Slack id and what they are in the story ("her manager")."""

    user_id: str
    role: str


class DemoWorld(Protocol):
    """The stand-ins, the clock and the service beside them."""

    @property
    def slack(self) -> SlackStandIn: ...

    @property
    def graph(self) -> GraphStandIn: ...

    @property
    def servicenow(self) -> ServiceNow: ...

    @property
    def company(self) -> Company: ...

    @property
    def agents(self) -> Agents: ...

    @property
    def clock(self) -> SandboxClock: ...

    @property
    def traffic(self) -> Traffic: ...

    @property
    def service_url(self) -> str:
        """Where Seatkeeper listens; its API is below /api/v1."""

    @property
    def api_token(self) -> str: ...

    @property
    def inventory_token(self) -> str:
        """What inventory agents send to the service."""

    @property
    def cast(self) -> Sequence[CastMember]:
        """The people listed by name on the page, in order; the first asks, the second decides for them."""

    @property
    def tour_product(self) -> str:
        """What one types to find the product of the tour; it is part of the product's name."""

    def stop_worker(self) -> str:
        """Stop Seatkeeper's process at once, as a power cut would; says in a sentence what happened."""

    def start_over(self) -> None:
        """Delete everything and seed the company afresh, in the same stand-ins (their stores are emptied)."""


class Moments:
    """A growing stamp of everything the page shows; `wait` returns as soon as it differs from the one known."""

    def __init__(self, world: DemoWorld) -> None:
        self._world = world
        self._changes = Changes()
        self._probe = ""
        self._seen_traffic = 0
        stores: list[Store] = []
        for store in (world.slack.world.store, world.graph.directory.store, world.servicenow.instance.store):
            if not any(store is known for known in stores):
                stores.append(store)
                store.watch(lambda _kind, _key: self._changes.bump())

    def bump(self) -> None:
        self._changes.bump()

    def stamp(self, extra: Any = "") -> str:
        for exchange in self._world.traffic.since(self._seen_traffic):
            self._seen_traffic = max(self._seen_traffic, exchange["number"])
        offset = round(self._world.clock.offset().total_seconds())
        return f"{self._changes.number}.{self._seen_traffic}.{offset}.{extra}"

    def wait(self, known: str, seconds: float, extra: Any) -> str:
        """`extra()` joins the stamp: what only asking can tell, such as whether the service answers."""
        until = time.monotonic() + seconds
        while True:
            number = self._changes.number
            found = self.stamp(extra())
            left = until - time.monotonic()
            if found != known or left <= 0:
                return found
            self._changes.wait(number, min(SLICE_SECONDS, left))
