"""What the web side works with: one frozen value, made where everything is wired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from sqlalchemy import Connection

from model.session import Database
from workflows.inventory.take import Intake
from workflows.links import CardDrawer, ShownCard
from workflows.rules import Rules

#: Says in a sentence what is not ready; empty when all is well. May raise: that counts as not ready.
Readiness = Callable[[], str]


def nothing_drawn(connection: Connection, card_id: int, now: datetime) -> ShownCard | None:
    """Without a way to draw messages every link says that there is nothing to answer."""
    return None


@dataclass(frozen=True)
class WebDeps:
    """`api_token` empty: the API and the metrics are off. `link_key`: 32 bytes that sign links and forms.

    `wake` tells the workers that something is due; `off` holds a sentence for each system that is not connected.
    `hint_secret` empty: ServiceNow's hints are off. `draw` shows a stored message as it is now.
    `inventory_token` empty or `intake` None: inventories are not taken.
    """

    database: Database
    now: Callable[[], datetime]
    rules: Callable[[], Rules]
    wake: Callable[[], None]
    base_url: str
    link_key: bytes
    api_token: str = ""
    readiness: tuple[Readiness, ...] = ()
    off: tuple[str, ...] = ()
    draw: CardDrawer = nothing_drawn
    hint_secret: str = ""
    inventory_token: str = ""
    intake: Intake | None = None

    @property
    def https(self) -> bool:
        """Whether people reach us by https: then cookies say so too."""
        return urlsplit(self.base_url).scheme == "https"

    @property
    def only_here(self) -> bool:
        """Whether the published address is this machine's own: behind a proxy every caller would look local."""
        return is_loopback(urlsplit(self.base_url).hostname or "")


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
