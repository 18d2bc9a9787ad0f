"""Everybody in the directory, page by page, in the fewest requests a tenant allows.

The best form asks for everything at once: licences, sign-ins and the manager, 500 people a page (Graph gives no more
when sign-ins are selected). A tenant that refuses a part of it is asked more plainly, one step at a time, and what was
left out is read in passes of its own. A page belongs to a `Form`, so that a job can go on from a stored link.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from integrations import graph_types as g
from integrations.errors import NotFound, RateLimited, Refused, Transient
from integrations.graph_transport import SYSTEM, guid
from integrations.http import Answer, HttpClient, retry_after, utc_now

USER_FIELDS = (
    "id,userPrincipalName,mail,displayName,accountEnabled,userType,department,jobTitle,companyName,country,"
    "usageLocation,employeeType,employeeHireDate,createdDateTime,onPremisesSyncEnabled,assignedLicenses,"
    "licenseAssignmentStates"
)
_GROUP_FIELDS = "id,displayName,groupTypes,onPremisesSyncEnabled,isAssignableToRole,assignedLicenses"
_EXPAND_MANAGER = "manager($levels=1;$select=id)"
#: Scans give way to what people wait for; pages do not inherit headers, so both are sent with each.
_SCAN = {"x-ms-throttle-priority": "Low"}
_EVENTUAL = {"ConsistencyLevel": "eventual"}
BATCH = 20  # $batch takes no more
#: What a tenant without Entra ID P1 or P2 answers, and what one with it has answered now and then.
NOT_PREMIUM = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
#: Codes that say "this link is no longer good", beside 410: the reading begins anew.
EXPIRED = frozenset({"Directory_ExpiredPageToken", "syncStateNotFound", "SyncStateNotFound", "syncStateInvalid"})


@dataclass(frozen=True)
class Form:
    """One way to ask for everybody. `top` None leaves the page size to Graph; `only` reads one thing beside the id."""

    sign_in: bool = True
    managers: bool = True
    top: int | None = 500
    only: str = ""  # "" everything, "managers"

    def plain(self) -> dict[str, Any]:
        """For storing beside a link."""
        return asdict(self)

    def params(self) -> dict[str, str]:
        fields = "id" if self.only else USER_FIELDS
        asked = {"$select": f"{fields},signInActivity" if self.sign_in else fields}
        if self.managers:
            asked |= {"$expand": _EXPAND_MANAGER}
        if self.top is not None:
            asked |= {"$top": str(self.top)}
        return asked | {"$count": "true"}


#: The form to begin with, and the passes for what it could not bring along.
BEST = Form()
WITHOUT_SIGN_IN = Form(sign_in=False, top=999)
MANAGERS_ONLY = Form(sign_in=False, top=999, only="managers")


def plainer(form: Form, words: str) -> Form | None:
    """The next form to try after a refusal in these words (a hint, no contract); None when nothing is left to drop.

    A page size is met by a smaller one (the limit was 120 once) and at last by none; then the expansion goes, because
    managers can be read apart; sign-ins go last.
    """
    smaller = 120 if form.top is not None and form.top > 120 else None
    about_size = re.search(r"page size|\$top|more than \d+", words, re.IGNORECASE) is not None
    if form.top is not None and about_size:
        return replace(form, top=smaller)
    if form.managers and form.only != "managers":
        return replace(form, managers=False)
    if form.top is not None:
        return replace(form, top=smaller)
    if form.sign_in and not form.only:
        return WITHOUT_SIGN_IN
    return None


@dataclass(frozen=True)
class UserPage:
    """Some people and the link that continues after them, so that a job can go on where it was asked to wait.

    Rows become people when they are looked at: the work of whoever stores them, while the next page is fetched.
    """

    rows: Sequence[g.Facts]
    person: Callable[[g.Facts], g.DirectoryUser]
    next_link: str | None
    total: int | None = None  # how many there are in all; said on the first page only

    @cached_property
    def users(self) -> tuple[g.DirectoryUser, ...]:
        """The people of this page."""
        return tuple(self.person(row) for row in self.rows)


@dataclass(frozen=True)
class Change:
    """One row of a delta query: who changed, or left the directory. Rows repeat; what they say is read anew."""

    id: str
    gone: bool


@dataclass(frozen=True)
class ChangePage:
    """`next_link` while there is more, then `delta_link` for the next time."""

    changes: tuple[Change, ...]
    next_link: str | None
    delta_link: str | None


class Expired(Exception):
    """A stored link is no longer good (a week for delta tokens, less for pages): read everything anew."""


class GraphListing:
    """Lists over the reading registration. Nothing sleeps or repeats here: that is the job table's business."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    def page(self, form: Form, link: str | None = None) -> UserPage:
        """One page. Raises Refused when the form is not taken, Expired when the link is too old."""
        operation = "list people"
        headers = _SCAN | _EVENTUAL
        if link is None:
            answer = self._http.send("GET", "/users", operation=operation, params=form.params(), headers=headers)
        else:
            answer = self._follow(link, operation, headers)
        rows: Sequence[Mapping[str, Any]] = answer.body.get("value") or []
        total = answer.body.get("@odata.count")
        return UserPage(
            rows,
            lambda row: g.user(row, _manager_of(row), with_sign_in=form.sign_in),
            g.text_or_none(answer.body.get("@odata.nextLink")),
            total if isinstance(total, int) else None,
        )

    def latest(self) -> str:
        """A delta link that says what changes from now on, without telling what there is."""
        watched = "id,accountEnabled,assignedLicenses,displayName,mail,manager,userPrincipalName"
        params = {"$deltatoken": "latest", "$select": watched}
        answer = self._http.send("GET", "/users/delta", operation="begin to follow changes", params=params)
        link = g.text_or_none(answer.body.get("@odata.deltaLink"))
        if link is None:
            raise Transient(SYSTEM, "begin to follow changes", "the answer holds no delta link", answer.request_id)
        return link

    def changes(self, link: str) -> ChangePage:
        """A page of changes. Raises Expired after a week, or when Graph starts over (410)."""
        answer = self._follow(link, "read changes", _SCAN)
        rows = answer.body.get("value") or []
        return ChangePage(
            tuple(Change(str(row["id"]).lower(), "@removed" in row) for row in rows),
            g.text_or_none(answer.body.get("@odata.nextLink")),
            g.text_or_none(answer.body.get("@odata.deltaLink")),
        )

    def people(self, ids: Sequence[str]) -> list[g.DirectoryUser]:
        """These people in full, with their managers; who is gone meanwhile is left out. Twenty a request."""
        path = f"?$select={USER_FIELDS}&$expand=manager($select=id)"
        parts = self._batches("read people", {one: f"/users/{guid(one, 'read people')}{path}" for one in ids})
        return [g.user(body, _manager_of(body)) for body in parts.values()]

    def managers(self, ids: Sequence[str]) -> dict[str, str]:
        """Managers by person, for tenants that refuse the expansion; who has none is left out."""
        asked = {one: f"/users/{guid(one, 'read managers')}/manager?$select=id" for one in ids}
        return {one: str(body["id"]).lower() for one, body in self._batches("read managers", asked).items()}

    def groups(self, ids: Sequence[str]) -> dict[str, g.GroupFacts]:
        """What decides whether these groups may be used; one that is gone is left out."""
        asked = {one: f"/groups/{guid(one, 'read groups')}?$select={_GROUP_FIELDS}" for one in ids}
        return {one: g.group(body) for one, body in self._batches("read groups", asked).items()}

    def _follow(self, link: str, operation: str, headers: Mapping[str, str]) -> Answer:
        try:
            return self._http.send("GET", link, operation=operation, headers=headers)
        except NotFound as gone:
            raise Expired from gone
        except Refused as error:
            if error.code in EXPIRED:
                raise Expired from error
            raise

    def _batches(self, operation: str, asked: Mapping[str, str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        items = list(asked.items())
        for start in range(0, len(items), BATCH):
            found |= self._batch(operation, dict(items[start : start + BATCH]))
        return found

    def _batch(self, operation: str, asked: Mapping[str, str]) -> dict[str, Any]:
        """Bodies by key of the calls that answered 200; 404 is an answer too, anything else raises."""
        keys = list(asked)
        parts = [{"id": str(n), "method": "GET", "url": asked[key]} for n, key in enumerate(keys)]
        answer = self._http.send("POST", "/$batch", operation=operation, json={"requests": parts}, reading=True)
        answered = {str(part.get("id")): part for part in answer.body.get("responses") or []}  # in any order
        found: dict[str, Any] = {}
        for n, key in enumerate(keys):
            part = answered.get(str(n))
            status = int(part["status"]) if part else 0
            if part and status == 200:
                found[key] = part["body"]
            elif part and status == 429:
                wait = retry_after(part.get("headers") or {}, utc_now())
                raise RateLimited(SYSTEM, operation, "asks us to wait", answer.request_id, retry_after=wait)
            elif part and status == 403:
                sentence = "the application lacks a permission for this: see `seatkeeper doctor`"
                raise Refused(SYSTEM, operation, sentence, answer.request_id, code="Authorization_RequestDenied")
            elif status != 404:
                raise Transient(SYSTEM, operation, f"a part of the batch answered {status}", answer.request_id)
        return found


def _manager_of(row: Mapping[str, Any]) -> str | None:
    manager = row.get("manager")
    return str(manager["id"]).lower() if isinstance(manager, dict) and manager.get("id") else None
