"""Microsoft 365 usage reports: CSV behind a redirect, read by column name, line by line, as plain values.

Two calls each: Graph answers 302 with a pre-authenticated address on another host, which is fetched without our token
and is written to no log, for whoever reads it there could fetch the report. What cannot be relied on is said as
`Unusable` with a state and a sentence, and then no row of it counts: hidden names join to nobody, and a report without
the columns or rows it should have proves nothing about anybody.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import chain, islice
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

import requests

from integrations.errors import IntegrationError, NotFound, RateLimited, Refused, Transient
from integrations.graph_transport import SYSTEM
from integrations.http import HttpClient, PinnedSession, retry_after, transport_trouble, utc_now

State = Literal["concealed", "no_permission", "unreadable"]
_CHUNK = 1 << 16
_LOOKED_AT = 500  # rows looked at before any of them counts


class Usage(NamedTuple):
    """One line: who (user principal name, lower-cased), the last day of use, the rest as facts."""

    name: str
    used_on: date | None
    facts: dict[str, Any]


@dataclass(frozen=True)
class Report:
    """A report that can be used: the day up to which it speaks, and its lines, which are read as they are taken."""

    as_of: date
    rows: Iterator[Usage]


class Unusable(Exception):
    """This report must not be used now; `state` as SourceHealth has it, and why in words."""

    def __init__(self, state: State, words: str) -> None:
        super().__init__(words)
        self.state, self.words = state, words


#: Facts of a line; made once for the columns a report has, so that a line costs look-ups by place only.
Facts = Callable[[Sequence[str]], dict[str, Any]]


@dataclass(frozen=True)
class Kind:
    """One report: its name at Microsoft, the columns without which it says nothing, and how a line is read."""

    source: str
    call: str
    needs: tuple[str, ...]
    facts: Callable[[Mapping[str, int]], Facts]
    days: tuple[str, ...] = ("Last Activity Date",)


@lru_cache(maxsize=8192)
def _day(text: str) -> date | None:
    """A report's day; empty and year 1 mean "none"."""
    try:
        found = date.fromisoformat(text.strip()[:10])
    except ValueError:
        return None
    return found if found.year > 1 else None


@lru_cache(maxsize=8192)
def _iso(text: str) -> str:
    """The same as text, empty for none."""
    found = _day(text) if text else None
    return found.isoformat() if found is not None else ""


_YES = {"true": True, "yes": True, "false": False, "no": False}


def _yes(text: str) -> bool | None:
    return _YES.get(text.strip().lower())


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def _places(at: Mapping[str, int], names: Iterable[str], suffix: str = "") -> list[tuple[str, int]]:
    return [(name, at[f"{name}{suffix}"]) for name in names if f"{name}{suffix}" in at]


_SERVICES = ("Exchange", "OneDrive", "SharePoint", "Skype For Business", "Yammer", "Teams")
_APPS = ("Outlook", "Word", "Excel", "PowerPoint", "OneNote", "Teams")
_LAST = " Last Activity Date"


def _active(at: Mapping[str, int]) -> Facts:
    days = _places(at, _SERVICES, _LAST)
    return lambda line: {"workloads": {name: day for name, place in days if (day := _iso(line[place]))}}


def _apps(at: Mapping[str, int]) -> Facts:
    platforms, apps = _places(at, ("Windows", "Mac")), _places(at, _APPS)

    def facts(line: Sequence[str]) -> dict[str, Any]:
        desktop = [_yes(line[place]) for _, place in platforms]
        return {
            "desktop": True if True in desktop else False if False in desktop else None,
            "apps": [name for name, place in apps if _yes(line[place])],
        }

    return facts


def _mailbox(at: Mapping[str, int]) -> Facts:
    size, archive, kind = (at.get(name) for name in ("Storage Used (Byte)", "Has Archive", "Recipient Type"))
    return lambda line: {
        "bytes": None if size is None else _number(line[size]),
        "archive": None if archive is None else _yes(line[archive]),
        "recipient_type": None if kind is None else line[kind].strip() or None,
    }


def _teams(at: Mapping[str, int]) -> Facts:
    places = [(name, at.get(column)) for name, column in (("meetings", "Meeting Count"), ("chats", _CHATS))]
    return lambda line: {name: None if place is None else _number(line[place]) for name, place in places}


def _copilot(at: Mapping[str, int]) -> Facts:
    named = [
        (name.removesuffix(_LAST).removeprefix("Microsoft ").removesuffix(" Copilot"), place)
        for name, place in at.items()
        if name.endswith(_LAST)
    ]
    return lambda line: {"apps": {name: day for name, place in named if (day := _iso(line[place]))}}


_CHATS = "Private Chat Message Count"
_ACTIVE_DAYS = tuple(f"{one}{_LAST}" for one in _SERVICES)
KINDS: dict[str, Kind] = {
    kind.source: kind
    for kind in (
        Kind("m365_active", "getOffice365ActiveUserDetail", ("Exchange Last Activity Date",), _active, _ACTIVE_DAYS),
        Kind("m365_apps", "getM365AppUserDetail", ("Last Activity Date",), _apps),
        Kind("mailbox", "getMailboxUsageDetail", ("Last Activity Date", "Storage Used (Byte)"), _mailbox),
        Kind("teams", "getTeamsUserActivityUserDetail", ("Last Activity Date",), _teams),
        Kind("copilot", "getMicrosoft365CopilotUsageUserDetail", ("Last Activity Date",), _copilot),
    )
}


class GraphReports:
    """Reports over the reading registration."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    def concealed(self) -> bool | None:
        """Whether the tenant hides names in reports; None when the setting may not be read."""
        try:
            answer = self._http.send("GET", "/admin/reportSettings", operation="read report settings")
        except (Refused, NotFound):
            return None
        found = answer.body.get("displayConcealedNames")
        return found if isinstance(found, bool) else None

    def read(self, source: str, period: str = "D180") -> Report:
        """Begin to read a report. Raises Unusable, here or from its rows; RateLimited and Transient as always."""
        kind = KINDS[source]
        operation = f"read the report {kind.call}"
        lines = _csv(_text(self._lines(kind, period, operation)))
        head = [name.strip() for name in next(lines, [])]
        missing = [name for name in ("Report Refresh Date", "User Principal Name", *kind.needs) if name not in head]
        if missing:
            raise Unusable("unreadable", f"The report {kind.call} lacks the column “{missing[0]}”: it is not used.")
        at = {name: place for place, name in reversed(list(enumerate(head)))}
        rows = (line for line in lines if len(line) == len(head))
        first = list(islice(rows, _LOOKED_AT))
        if not first:
            raise Unusable("unreadable", f"The report {kind.call} holds no rows: it proves nothing about anybody.")
        named = sum("@" in line[at["User Principal Name"]] for line in first)
        if named * 2 < len(first):
            raise Unusable("concealed", CONCEALED)
        as_of = _day(first[0][at["Report Refresh Date"]])
        if as_of is None:
            raise Unusable("unreadable", f"The report {kind.call} does not say of which day it is: it is not used.")
        return Report(as_of, _usages(kind, at, chain(first, rows)))

    def _lines(self, kind: Kind, period: str, operation: str) -> Iterator[bytes]:
        try:
            answer = self._http.send(
                "GET", f"/reports/{kind.call}(period='{period}')", operation=operation, answers=(302,)
            )
        except NotFound as absent:
            raise Unusable("unreadable", f"This tenant has no report {kind.call}.") from absent
        except Refused as refused:
            if refused.fatal:
                raise
            if "permission" in refused.detail:
                words = "Usage reports need the application permission Reports.Read.All with admin consent."
                raise Unusable("no_permission", words) from refused
            raise Unusable("unreadable", f"Microsoft refused the report {kind.call}: {refused.detail}.") from refused
        location = answer.headers.get("Location", "")
        wanted = urlsplit(self._http.base_url).scheme
        if answer.status != 302 or urlsplit(location).scheme != wanted or not urlsplit(location).hostname:
            raise Unusable("unreadable", f"Microsoft gave no address to fetch the report {kind.call} from.")
        return self._download(location, operation)

    def _download(self, location: str, operation: str) -> Iterator[bytes]:
        """The bytes behind the address, without our token."""
        with PinnedSession(self._http.timeouts, ca_bundle=self._http.ca_bundle) as session:
            try:
                with session.get(location, stream=True) as response:
                    if response.status_code == 429:
                        wait = retry_after(response.headers, utc_now())
                        raise RateLimited(SYSTEM, operation, "asks us to wait", retry_after=wait)
                    if response.status_code != 200:  # the address lives for minutes: asked again, there is a new one
                        raise Transient(SYSTEM, operation, f"the download answered {response.status_code}")
                    yield from response.iter_content(_CHUNK)
            except requests.RequestException as error:
                trouble: IntegrationError = transport_trouble(error, SYSTEM, operation, reading=True)
                raise trouble from None  # the original's text holds the address


CONCEALED = (
    "Microsoft 365 hides the names in usage reports (Settings > Org settings > Reports), so they are not used. "
    "An administrator can show them there."
)


def _text(chunks: Iterable[bytes]) -> Iterator[str]:
    """Lines of UTF-8 with or without a byte-order mark; other bytes make the report unusable."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    rest = ""
    try:
        for chunk in chunks:
            rest += decoder.decode(chunk)
            *lines, rest = rest.split("\n")
            yield from (f"{line}\n" for line in lines)
        rest += decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise Unusable("unreadable", "A usage report is not UTF-8 text: it is not used.") from error
    if rest:
        yield rest


def _csv(lines: Iterable[str]) -> Iterator[list[str]]:
    try:
        yield from csv.reader(lines)
    except csv.Error as error:
        raise Unusable("unreadable", "A usage report is not a table: it is not used.") from error


def _usages(kind: Kind, at: Mapping[str, int], lines: Iterable[Sequence[str]]) -> Iterator[Usage]:
    who, deleted = at["User Principal Name"], at.get("Is Deleted")
    days, facts = [at[column] for column in kind.days if column in at], kind.facts(at)
    for line in lines:
        name = line[who].strip().lower()
        if "@" not in name or (deleted is not None and _yes(line[deleted])):
            continue
        newest = max(_iso(line[place]) for place in days)
        yield Usage(name, _day(newest) if newest else None, facts(line))
