"""An inventory as values, whichever agent wrote it. `None` is always "not said", which is never "there is none"."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, NamedTuple

#: Rows of software in one report; a machine with every package of a distribution has some thousands.
MOST_SOFTWARE = 20_000
MOST_KEYS = 200
#: Characters kept, as many as the tables hold.
TITLE, PUBLISHER, VERSION, NAME = 500, 300, 120, 256
#: Makers' fillers, cloned templates and privacy masks: they identify nothing.
PLACEHOLDER = re.compile(
    r"to be filled.*|default.*|system serial.*|not (?:specified|available|applicable)|none|n/?a|unknown|invalid|"
    r"o\.?e\.?m\.?|serial ?(?:number|#)?|chassis.*|empty|0?1?2345678\d*|"
    r"(?:03000200-0400-0500|00020003-0004-0005)-0006-000700080009|12345678-1234-5678-90ab-cddeefaabbcc",
    re.I,
)
_BLANKS = re.compile(r"\s+")
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")
#: Clocks differ by less; what is older than a delivery takes was collected before.
ON_ITS_WAY = timedelta(minutes=15)
#: A local time without its zone may be so far off and still be now.
ANY_ZONE = timedelta(hours=14)
#: An earlier date comes from a machine whose clock has stopped.
CLOCKS_BEGIN = datetime(2005, 1, 1, tzinfo=UTC)


class Unreadable(ValueError):
    """The delivery cannot be taken; the message is a sentence for whoever reads the agent's log."""


class TooMuch(Unreadable):
    """The delivery is larger than any machine's inventory."""


class Software(NamedTuple):
    """A title as the device reports it; equal ones are one installation, whatever their language or architecture."""

    title: str
    publisher: str
    version: str


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A product key in clear, on its way to becoming a hash; it is not shown when this is printed."""

    label: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Report:
    """What one delivery says of one device.

    `software` None: the section is not there; with `partial` that means unchanged, else not collected (it never means
    that nothing is installed). `collected` is the agent's own local time, `offset` its zone where it says so.
    """

    source: str  # fusioninventory, ocs, glpi, osquery, fleet
    name: str
    agent: str = ""
    agent_id: str = ""
    uuid: str = ""
    serial: str = ""
    deviceid: str = ""
    kind: str | None = None
    system: str = ""
    processors: int | None = None
    cores: int | None = None
    threads: int | None = None
    tag: str = ""
    users: tuple[str, ...] | None = None
    collected: datetime | None = None
    offset: str = ""
    partial: bool = False
    software: tuple[Software, ...] | None = None
    keys: tuple[FoundKey, ...] | None = None

    def identities(self) -> dict[str, str]:
        """By what the device may be known, strongest first; fillers are left out."""
        stated = {"agent": self.agent_id, "uuid": self.uuid, "serial": self.serial, "deviceid": self.deviceid}
        return {kind: value[:200] for kind, value in stated.items() if value}

    def at(self, now: datetime) -> datetime:
        """Since when this is true: when it was collected, or `now` while it may have been on its way."""
        if self.collected is None:
            return now
        found = _OFFSET.fullmatch(self.offset)
        zone = UTC
        if found:
            away = timedelta(hours=int(found[2]), minutes=int(found[3]))
            zone = timezone(away if found[1] == "+" else -away) if away < timedelta(hours=24) else UTC
        then = self.collected.replace(tzinfo=zone).astimezone(UTC)
        if then < CLOCKS_BEGIN or then > now - (ON_ITS_WAY if found else ANY_ZONE):
            return now
        return then

    def digest(self) -> str:
        """Of the list of software, whatever its order."""
        lines = "\x1e".join(map("\x1f".join, sorted(self.software or ())))
        return hashlib.sha256(lines.encode("utf-8", "replace")).hexdigest()


def text(value: Any, most: int = NAME) -> str:
    """A cell as one line without odd signs, at most so long; "" for what is no text and no number."""
    if value is None or isinstance(value, (dict, list, bool)):
        return ""
    line = value if isinstance(value, str) else str(value)
    if len(line) > 4 * most:
        line = line[: 4 * most]
    if not line.isprintable() or line[:1] == " " or line[-1:] == " " or "  " in line:
        line = "".join(sign if sign.isprintable() else " " for sign in line)
        line = _BLANKS.sub(" ", line).strip()
    return line[:most]


def known(value: Any, most: int = 128) -> str:
    """A serial number, UUID or id, "" when it is a filler."""
    line = text(value, most)
    is_one_sign = len(set(line.casefold()) - set("-_. ")) <= 1  # zeros, crosses, nothing at all
    return "" if is_one_sign or PLACEHOLDER.fullmatch(line) else line


def whole(value: Any, most: int = 100_000) -> int | None:
    """A count above zero; None when it is not stated or no count."""
    line = text(value, 12)
    if not (line.isascii() and line.isdigit()):
        return None
    number = int(line)
    return number if 0 < number <= most else None


def when(value: Any) -> datetime | None:
    """A local time as agents write it, without its zone."""
    line = text(value, 40).replace("/", "-")
    try:
        return datetime.fromisoformat(line[:19])
    except ValueError:
        return None


def software(rows: Iterable[tuple[Any, Any, Any]]) -> tuple[Software, ...]:
    """Rows of (name, publisher, version), each once; rows without a name are left out. Raises TooMuch."""
    found: dict[Software, None] = {}
    for name, publisher, version in rows:
        try:
            if len(name) + len(publisher or "") + len(version or "") > SHORT:
                one = _software(name, publisher, version)
            else:
                one = _remembered(name, publisher, version)
        except TypeError:  # a cell that is no text
            one = _software(name, publisher, version)
        if one is not None:
            found[one] = None
            if len(found) > MOST_SOFTWARE:
                raise TooMuch(f"The inventory lists more than {MOST_SOFTWARE:,} titles. No machine has as many.")
    return tuple(found)


def _software(name: Any, publisher: Any, version: Any) -> Software | None:
    title = text(name, TITLE)
    return Software(title, text(publisher, PUBLISHER), text(version, VERSION)) if title else None


#: The machines of a company list the same some thousand rows. Long ones are not kept, so that this stays small.
_remembered = lru_cache(maxsize=32_768)(_software)
SHORT = 200


def keys(pairs: Iterable[tuple[Any, Any]]) -> tuple[FoundKey, ...]:
    """Product keys with what the agent calls them; masked ones (XXXXX-…) say nothing and are left out."""
    found: dict[str, FoundKey] = {}
    for label, key in pairs:
        line = known(key)
        if len(line) >= 10 and len(found) < MOST_KEYS:
            found.setdefault(line, FoundKey(text(label, 200), line))
    return tuple(found.values())


def distribution(system: str) -> str:
    """Who publishes the packages of a Debian system: OCS names a homepage there, others the distribution."""
    return "Ubuntu" if "ubuntu" in system.casefold() else "Debian"


def package(name: Any) -> str:
    """The name of a Debian package without its architecture, which OCS adds: "gcc-12-base:amd64"."""
    return text(name, TITLE).partition(":")[0]


def kind_of(chassis: Any, virtual: Any, system: str) -> str | None:
    """What kind of machine, None when nothing says so."""
    where, case = text(virtual).casefold(), text(chassis).casefold()
    if where and where not in ("physical", "0", "none", "false"):
        return "virtual"
    if "server" in system.casefold() or case in ("rack mount chassis", "blade", "main server chassis", "server"):
        return "server"
    if case in ("notebook", "laptop", "portable", "sub notebook", "convertible", "tablet", "detachable", "hand held"):
        return "portable"
    if case in ("desktop", "tower", "mini tower", "low profile desktop", "all in one", "mini pc", "space-saving"):
        return "desktop"
    return None
