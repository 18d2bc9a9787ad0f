"""Intune through Graph: the software Intune detected and the managed devices each record was found on.

Records are one per name and version; their devices are a second call each, so twenty go in one $batch. A tenant without
Intune and a registration without the permission are a refusal of their own (`IntuneOff`): neither is an outage.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from integrations.errors import RateLimited, Refused, Transient
from integrations.graph_transport import SYSTEM, explain
from integrations.http import Answer, HttpClient, retry_after, utc_now

PERMISSION = "DeviceManagementManagedDevices.Read.All"
BATCH = 20  # $batch takes no more
_APP_FIELDS = "id,displayName,version,publisher,platform,deviceCount"
_DEVICE_FIELDS = "id,deviceName,serialNumber,userId,userPrincipalName,lastSyncDateTime,operatingSystem,osVersion"
_APP_ID = re.compile(r"[0-9A-Za-z_-]{1,128}")  # 64 hexadecimal digits today, and no GUID
#: [?] How Intune words that a tenant has no licence for it: seen in public threads, not in the documentation.
_NO_LICENCE = ("not applicable to target tenant", "does not have an intune license", "no intune license")


class IntuneOff(Refused):
    """Intune cannot be read here, and that is no outage; `code` is no_permission or no_licence."""


@dataclass(frozen=True, slots=True)
class DetectedApp:
    """A name and version that Intune found; `devices` is its own count of where."""

    id: str
    name: str
    version: str
    publisher: str
    platform: str
    devices: int


@dataclass(frozen=True, slots=True)
class ManagedDevice:
    """A device that Intune manages, as the relation of a detected app shows it; "" for what it does not say."""

    id: str
    name: str
    serial: str
    user_id: str
    user_name: str
    system: str
    synced_at: datetime | None


@dataclass(frozen=True, slots=True)
class AppPage:
    """One page of records; `following` is the link of the next, None on the last."""

    apps: tuple[DetectedApp, ...]
    following: str | None


class IntuneReader:
    """Reads one tenant through the registration that reads."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    def app_pages(self, resume: str | None = None) -> Iterator[AppPage]:
        """Pages of detected software, from the first or from the link of an earlier page. Raises IntuneOff."""
        link: str | None = resume or "/deviceManagement/detectedApps"
        params = None if resume else {"$select": _APP_FIELDS}
        while link is not None:
            answer = self._get(link, "list detected apps", params)
            link, params = _following(answer.body), None
            yield AppPage(tuple(_app(facts) for facts in answer.body.get("value") or [] if facts.get("id")), link)

    def check(self) -> None:
        """One short question, for the doctor. Raises IntuneOff."""
        self._get("/deviceManagement/detectedApps", "read Intune", {"$select": "id", "$top": "1"})

    def devices_of(self, app_ids: Sequence[str]) -> Iterator[tuple[str, list[ManagedDevice]]]:
        """The devices of each record, twenty records a request; further pages of one record are asked for singly."""
        for start in range(0, len(app_ids), BATCH):
            for app_id, body in self._batch(app_ids[start : start + BATCH]).items():
                devices = [_device(facts) for facts in body.get("value") or [] if facts.get("id")]
                link = _following(body)
                while link is not None:
                    answer = self._get(link, "list devices of an app", None)
                    devices += [_device(facts) for facts in answer.body.get("value") or [] if facts.get("id")]
                    link = _following(answer.body)
                yield app_id, devices

    def _get(self, path: str, operation: str, params: dict[str, str] | None) -> Answer:
        answer = self._http.send("GET", path, operation=operation, params=params, answers=(400, 403))
        if answer.status in (400, 403):
            raise _refused(answer.status, answer.body, operation, answer.request_id)
        return answer

    def _batch(self, app_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """The first page of each record's devices; a part that failed fails the whole, which is read again later."""
        operation = "list devices of apps"
        parts = [{"id": str(n), "method": "GET", "url": _devices_path(one, operation)} for n, one in enumerate(app_ids)]
        answer = self._http.send("POST", "/$batch", operation=operation, json={"requests": parts}, reading=True)
        answered = {str(part.get("id")): part for part in answer.body.get("responses") or []}  # in any order
        found: dict[str, Mapping[str, Any]] = {}
        for n, one in enumerate(app_ids):
            part = answered.get(str(n)) or {}
            status, body = int(part.get("status") or 0), part.get("body")
            if status == 200 and isinstance(body, dict):
                found[one] = body
            elif status == 404:  # the record went between the page and now
                found[one] = {}
            elif status == 429:
                wait = retry_after(part.get("headers") or {}, utc_now())
                raise RateLimited(SYSTEM, operation, "asks us to wait", answer.request_id, retry_after=wait)
            elif status in (400, 403):
                raise _refused(status, body, operation, answer.request_id)
            else:
                raise Transient(SYSTEM, operation, f"a part of the batch answered {status}", answer.request_id)
        return found


def _devices_path(app_id: str, operation: str) -> str:
    if _APP_ID.fullmatch(app_id) is None:  # anything else could change the address it is put into
        raise Refused(SYSTEM, operation, "the id of a detected app is none", code="invalid_id")
    return f"/deviceManagement/detectedApps/{app_id}/managedDevices?$select={_DEVICE_FIELDS}"


def _refused(status: int, body: Any, operation: str, request_id: str | None) -> Refused:
    code, sentence = explain(status, body)
    if status == 403:
        words = (
            f"the registration that reads (M365_CLIENT_ID) lacks {PERMISSION}: add it as an application permission in "
            "Entra and grant admin consent"
        )
        return IntuneOff(SYSTEM, operation, words, request_id, code="no_permission")
    if any(hint in sentence.casefold() for hint in _NO_LICENCE):
        words = "the tenant has no Intune licence, so Microsoft lists no devices and no software on them"
        return IntuneOff(SYSTEM, operation, words, request_id, code="no_licence")
    return Refused(SYSTEM, operation, sentence, request_id, code=code)


def _following(body: Mapping[str, Any]) -> str | None:
    link = body.get("@odata.nextLink")
    return str(link) if link else None


def _app(facts: Mapping[str, Any]) -> DetectedApp:
    count = facts.get("deviceCount")
    return DetectedApp(
        _text(facts.get("id")),
        _text(facts.get("displayName")),
        _text(facts.get("version")),
        _text(facts.get("publisher")),
        _text(facts.get("platform")),
        count if isinstance(count, int) else 0,
    )


def _device(facts: Mapping[str, Any]) -> ManagedDevice:
    system = f"{_text(facts.get('operatingSystem'))} {_text(facts.get('osVersion'))}".strip()
    return ManagedDevice(
        _text(facts.get("id")).lower(),
        _text(facts.get("deviceName")),
        _text(facts.get("serialNumber")),
        _text(facts.get("userId")).lower(),
        _text(facts.get("userPrincipalName")).lower(),
        system,
        _instant(facts.get("lastSyncDateTime")),
    )


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _instant(value: Any) -> datetime | None:
    """An instant; Microsoft writes "never" as null, as "" and as the year 1."""
    try:
        found = datetime.fromisoformat(_text(value).replace("Z", "+00:00"))
    except ValueError:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return found.astimezone(UTC) if found.year > 1 else None
