"""Microsoft Graph as Seatkeeper uses it: read SKUs, people and licences; give and take back seats; two group calls.

Every write reads the state first and answers with a result type; a lost answer is `Unclear` and the caller looks with
`licence_states` before it repeats. Microsoft's messages are not contract: status, code and details decide,
the text is a hint, and when in doubt the state is read again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import unquote

from integrations import graph_types as g
from integrations.errors import NotFound, RateLimited, Refused, Transient
from integrations.graph_answers import NOT_THERE, LastLook, known_refusal, signed_in_at
from integrations.graph_auth import claimed_roles
from integrations.graph_devices import IntuneReader
from integrations.graph_listing import USER_FIELDS, GraphListing, UserPage
from integrations.graph_reports import GraphReports
from integrations.graph_transport import SYSTEM, explain, guid, member_ref
from integrations.http import Answer, HttpClient, retry_after, utc_now

BATCH = 20  # $batch takes no more
_LICENCE_FIELDS = "id,usageLocation,assignedLicenses,licenseAssignmentStates"
_GROUP_FIELDS = "id,displayName,groupTypes,onPremisesSyncEnabled,isAssignableToRole,assignedLicenses"
_EXPAND_MANAGER = "manager($levels=1;$select=id)"
_EVENTUAL = {"ConsistencyLevel": "eventual"}


class GraphClient:
    """One tenant. `http` reads; `write_http` belongs to the second registration where there is one."""

    def __init__(self, http: HttpClient, write_http: HttpClient | None = None, *, client_id: str = "") -> None:
        self._http = http
        self._write = write_http or http
        self._client_id = client_id
        self.listing = GraphListing(http)
        self.reports = GraphReports(http)
        self.intune = IntuneReader(http)

    # -- reading ---------------------------------------------------------------------------------------------------

    def subscribed_skus(self) -> list[g.SubscribedSku]:
        """All SKUs of the tenant with their counts, in one request."""
        fields = (
            "skuId,skuPartNumber,consumedUnits,prepaidUnits,servicePlans,appliesTo,capabilityStatus,subscriptionIds"
        )
        return [g.sku(facts) for facts in self._all("/subscribedSkus", "read SKUs", {"$select": fields})]

    def subscriptions(self) -> list[g.Subscription]:
        """The purchases behind the SKUs; several may share one SKU."""
        return [g.subscription(facts) for facts in self._all("/directory/subscriptions", "read subscriptions", {})]

    def users(self, page_size: int = 999) -> Iterator[g.DirectoryUser]:
        """Everybody in the directory, each with the manager's id."""
        for page in self.user_pages(page_size):
            yield from page.users

    def user_pages(self, page_size: int = 999, resume: str | None = None) -> Iterator[UserPage]:
        """Pages of people; a page may be empty and still have a next link. `resume` is the link of an earlier page.

        The manager comes with the page where the tenant allows the expansion, else by $batch, page by page.
        """
        operation = "list people"
        if resume is None:
            answer, expanded = self._first_user_page(page_size)
        else:  # a link that does not show its expansion costs batches, never managers
            answer, expanded = self._next(resume, operation), "$expand=manager" in unquote(resume)
        while True:
            rows = answer.body.get("value") or []
            managers = self._expanded_managers(rows) if expanded else self._batched_managers(rows)
            following = g.text_or_none(answer.body.get("@odata.nextLink"))
            yield UserPage(rows, partial(_with_manager, managers), following)
            if following is None:
                return
            answer = self._next(following, operation)

    def user(self, user_id: str) -> g.DirectoryUser:
        """One person, with the manager; `NotFound` when they are gone."""
        answer = self._get(f"/users/{guid(user_id, 'read person')}", "read person", {"$select": USER_FIELDS})
        return g.user(answer.body, self.manager(user_id))

    def manager(self, user_id: str) -> str | None:
        """The manager's id, or None: their absence is a 404 that names 'manager'; a 404 that does not is `NotFound`."""
        operation = "read manager"
        path = f"/users/{guid(user_id, operation)}/manager"
        answer = self._http.send("GET", path, operation=operation, params={"$select": "id"}, answers=(404,))
        if answer.status == 404:
            if _names_manager(answer.body):
                return None
            raise NotFound(SYSTEM, operation, "the person is no longer in the directory", answer.request_id)
        return str(answer.body["id"]).lower()

    def licence_states(self, user_id: str) -> g.UserLicences:
        """Every path by which the person holds licences, with the usage location, in one read."""
        operation = "read licences"
        answer = self._get(f"/users/{guid(user_id, operation)}", operation, {"$select": _LICENCE_FIELDS})
        return g.licences(answer.body)

    def last_look(self, user_id: str) -> LastLook:
        """Licences and the latest sign-in in one read; a tenant that keeps the sign-in from us gives the licences."""
        operation = "look before removing"
        fields = {"$select": f"{_LICENCE_FIELDS},signInActivity"}
        try:
            answer = self._get(f"/users/{guid(user_id, operation)}", operation, fields)
        except Refused as error:
            if error.fatal:
                raise
            return LastLook(self.licence_states(user_id), None)
        return LastLook(g.licences(answer.body), signed_in_at(answer.body.get("signInActivity")))

    def group(self, group_id: str) -> g.GroupFacts:
        """What decides whether a group may give seats."""
        operation = "read group"
        answer = self._get(f"/groups/{guid(group_id, operation)}", operation, {"$select": _GROUP_FIELDS})
        return g.group(answer.body)

    # -- direct seats ----------------------------------------------------------------------------------------------

    def assign(
        self, user_id: str, sku_id: str, disabled_plans: Sequence[str] = (), *, beside_groups: bool = False
    ) -> g.AssignOutcome:
        """Give a seat directly, unless the person holds the SKU already. `NotFound` when the person is gone.

        `beside_groups`: also to who holds it through groups alone, as an undo puts back one of two paths.
        """
        operation = "assign licence"
        wanted = guid(sku_id, operation).lower()
        before = self.licence_states(user_id)
        beside = beside_groups and before.groups(wanted) and before.direct(wanted) is None
        if before.holds(wanted) and not beside:
            return g.AlreadyHeld(before.direct(wanted) is not None, before.groups(wanted))
        if before.usage_location is None:
            return g.NoUsageLocation()
        added = {"skuId": wanted, "disabledPlans": [guid(plan, operation) for plan in disabled_plans]}
        answer = self._assign_licence(user_id, operation, add=[added], remove=[])
        if answer.status == 400:
            return self._why_not_assigned(answer, wanted, operation)
        return g.Assigned(wanted)

    def remove(self, user_id: str, sku_id: str) -> g.RemoveOutcome:
        """Take a directly assigned seat back. What only a group gives is reported and left alone."""
        operation = "remove licence"
        wanted = guid(sku_id, operation).lower()
        before = self.licence_states(user_id)
        outcome = _nothing_to_remove(before, wanted, operation)
        if outcome is not None:
            return outcome
        plans = next(s.disabled_plans for s in before.states if s.sku_id == wanted and s.group_id is None)
        answer = self._assign_licence(user_id, operation, add=[], remove=[wanted])
        if answer.status == 400:
            outcome = _nothing_to_remove(self.licence_states(user_id), wanted, operation)
            if outcome is not None:
                return outcome
            code, message = explain(answer.status, answer.body)
            if NOT_THERE in message:  # gone, and the read lags behind
                return g.NotAssigned()
            known = known_refusal(code, message)
            if isinstance(known, g.DependencyMissing):
                return known  # another licence of the person needs this one
            raise Refused(SYSTEM, operation, message, answer.request_id, code=code)
        return g.SeatRemoved(wanted, plans, frees_unit=before.direct(wanted) is not None and not before.groups(wanted))

    def swap(self, user_id: str, take: str, give: str, disabled_plans: Sequence[str] = ()) -> g.SwapOutcome:
        """Give one SKU and take another, in one call: all of it or nothing. Read the states first."""
        operation = "swap licence"
        taken, given = guid(take, operation).lower(), guid(give, operation).lower()
        added = {"skuId": given, "disabledPlans": [guid(plan, operation) for plan in disabled_plans]}
        answer = self._assign_licence(user_id, operation, add=[added], remove=[taken])
        if answer.status != 400:
            return g.Swapped(given)
        states = self.licence_states(user_id)
        if states.direct(given) is not None and states.direct(taken) is None:
            return g.Swapped(given)  # an earlier call did it, and its answer was lost
        if NOT_THERE in explain(answer.status, answer.body)[1]:
            return g.NotAssigned()  # the same, and the read lags behind
        return _nothing_to_remove(states, taken, operation) or self._why_not_assigned(answer, given, operation)

    def _assign_licence(self, user_id: str, operation: str, *, add: list[dict[str, Any]], remove: list[str]) -> Answer:
        body = {"addLicenses": add, "removeLicenses": remove}  # both must be present, either may be empty
        path = f"/users/{guid(user_id, operation)}/assignLicense"
        return self._write.send("POST", path, operation=operation, json=body, answers=(400,))

    def _why_not_assigned(self, answer: Answer, sku_id: str, operation: str) -> g.NotAssigning:
        code, message = explain(answer.status, answer.body)
        known = known_refusal(code, message)
        if known is not None:
            return known
        skus = {found.sku_id: found for found in self.subscribed_skus()}  # the words are new to us: look at the facts
        found = skus.get(sku_id)
        if found is None:
            sentence = "the tenant does not hold this SKU"
            raise Refused(SYSTEM, operation, sentence, answer.request_id, code="unknown_sku")
        if found.applies_to != "User" or "cannot be assigned to a user" in message.lower():
            return g.NotAssignable()
        if found.free <= 0:
            return g.NoSeatsLeft()
        raise Refused(SYSTEM, operation, message, answer.request_id, code=code)

    # -- group seats -----------------------------------------------------------------------------------------------

    def add_to_group(self, group_id: str, user_id: str, sku_id: str) -> g.MemberAdded | g.AlreadyMember:
        """Put a person into the group of this licence; done only when their licence states say Active."""
        operation = "add to group"
        member = guid(user_id, operation)
        self.check_group(group_id, sku_id, operation)
        body = {"@odata.id": f"{self._http.base_url}/directoryObjects/{member}"}
        path = member_ref(group_id, None, operation)
        answer = self._write.send("POST", path, operation=operation, json=body, answers=(400,))
        if answer.status == 400:
            code, message = explain(answer.status, answer.body)
            if "already exist" in message:
                return g.AlreadyMember()
            raise Refused(SYSTEM, operation, message, answer.request_id, code=code)
        return g.MemberAdded()

    def remove_from_group(self, group_id: str, user_id: str, sku_id: str) -> g.MemberRemoved | g.NotMember:
        """Take a person out of the group of this licence (never out of the directory: see `graph_transport`)."""
        operation = "remove from group"
        self.check_group(group_id, sku_id, operation)
        path = member_ref(group_id, user_id, operation)
        answer = self._write.send("DELETE", path, operation=operation, answers=(404,))
        return g.NotMember() if answer.status == 404 else g.MemberRemoved()

    def check_group(self, group_id: str, sku_id: str, operation: str) -> None:
        """Raise Refused, "unusable_group", for one that may not be written or gives anything but this licence.

        A second licence would be given, or taken, without anybody's word (rules §6).
        """
        try:
            facts = self.group(group_id)
        except NotFound as gone:  # else it reads as if the person had left
            sentence = "the licensing group is not in Microsoft 365 any more"
            raise Refused(SYSTEM, operation, sentence, gone.request_id, code="unusable_group") from gone
        gives = {licence.sku_id for licence in facts.licences}
        wanted = guid(sku_id, operation).lower()
        why = None
        if facts.dynamic:
            why = "its members follow a rule in Entra, so nobody can be added or removed by hand"
        elif facts.synced:
            why = "it is synchronised from the local directory and must be changed there"
        elif facts.role_assignable:
            why = "it can hold administrator roles; use a group that does nothing but license"
        elif wanted not in gives:
            why = "it does not give this licence"
        elif gives != {wanted}:
            why = "it gives other licences besides this one"
        if why is not None:
            raise Refused(SYSTEM, operation, f"the group “{facts.name}” is not usable: {why}", code="unusable_group")

    # -- for the doctor --------------------------------------------------------------------------------------------

    def permissions(self, client_id: str | None = None) -> frozenset[str]:
        """The application permissions granted to a registration (ours unless told), for example User.Read.All.

        Needs Application.Read.All; without it the call is `Refused`, and `token_roles` says it for our own tokens.
        """
        operation = "read permissions"
        app = guid(client_id or self._client_id, operation)
        found = list(self._all("/servicePrincipals", operation, {"$filter": f"appId eq '{app}'", "$select": "id"}))
        if not found:
            raise NotFound(SYSTEM, operation, "the tenant does not know this application")
        own = guid(str(found[0]["id"]), operation)
        grants = list(self._all(f"/servicePrincipals/{own}/appRoleAssignments", operation, {}))
        names: dict[str, str] = {}
        for resource in sorted({str(grant["resourceId"]) for grant in grants}):
            path = f"/servicePrincipals/{guid(resource, operation)}"
            roles = self._get(path, operation, {"$select": "id,appRoles"}).body.get("appRoles") or []
            names.update({str(role["id"]).lower(): str(role.get("value") or "") for role in roles})
        held = (names.get(str(grant["appRoleId"]).lower(), "") for grant in grants)
        return frozenset(name for name in held if name)

    def token_roles(self, *, writing: bool = False) -> frozenset[str] | None:
        """The permissions our own token claims, None when it is opaque. A hint for the doctor, never a decision."""
        credentials = (self._write if writing else self._http).credentials
        return claimed_roles(credentials.authorization()) if credentials is not None else None

    # -- pages -----------------------------------------------------------------------------------------------------

    def _get(self, path: str, operation: str, params: dict[str, str]) -> Answer:
        return self._http.send("GET", path, operation=operation, params=params)

    def _next(self, link: str, operation: str) -> Answer:
        """A next link, verbatim, with the header that pages do not inherit; another host is refused."""
        return self._http.send("GET", link, operation=operation, headers=_EVENTUAL)

    def _all(self, path: str, operation: str, params: dict[str, str]) -> Iterator[Any]:
        answer = self._get(path, operation, params)
        while True:
            yield from answer.body.get("value") or []
            link = g.text_or_none(answer.body.get("@odata.nextLink"))
            if link is None:
                return
            answer = self._http.send("GET", link, operation=operation)

    def _first_user_page(self, page_size: int) -> tuple[Answer, bool]:
        """The documented form first; a tenant that refuses the expansion or the page size gets a plainer question."""
        operation = "list people"
        top = {"$top": str(page_size)}
        expand = {"$expand": _EXPAND_MANAGER, "$count": "true"}
        forms: list[tuple[bool, dict[str, str]]] = [(True, expand | top), (False, top), (True, expand), (False, {})]
        for number, (expanded, extra) in enumerate(forms):
            try:
                answer = self._http.send(
                    "GET",
                    "/users",
                    operation=operation,
                    params={"$select": USER_FIELDS} | extra,
                    headers=_EVENTUAL if expanded else None,
                )
            except Refused as error:
                if error.fatal or error.code == "Authorization_RequestDenied" or number == len(forms) - 1:
                    raise
                continue
            return answer, expanded
        raise AssertionError("the last form either answers or raises")

    @staticmethod
    def _expanded_managers(rows: list[dict[str, Any]]) -> dict[str, str]:
        return {
            str(row["id"]).lower(): str(row["manager"]["id"]).lower()
            for row in rows
            if isinstance(row.get("manager"), dict) and row["manager"].get("id")
        }

    def _batched_managers(self, rows: list[dict[str, Any]]) -> dict[str, str]:
        managers: dict[str, str] = {}
        ids = [str(row["id"]).lower() for row in rows]
        for start in range(0, len(ids), BATCH):
            managers.update(self._manager_batch(ids[start : start + BATCH]))
        return managers

    def _manager_batch(self, ids: list[str]) -> dict[str, str]:
        operation = "read managers"
        parts = [
            {"id": str(n), "method": "GET", "url": f"/users/{guid(one, operation)}/manager?$select=id"}
            for n, one in enumerate(ids)
        ]
        answer = self._http.send("POST", "/$batch", operation=operation, json={"requests": parts}, reading=True)
        found: dict[str, str] = {}
        answered = {str(part.get("id")): part for part in answer.body.get("responses") or []}  # in any order
        for n, one in enumerate(ids):
            part = answered.get(str(n))
            status = int(part["status"]) if part else 0
            if part and status == 200:
                found[one] = str(part["body"]["id"]).lower()
            elif part and status == 429:
                wait = retry_after(part.get("headers") or {}, utc_now())
                raise RateLimited(SYSTEM, operation, "asks us to wait", answer.request_id, retry_after=wait)
            elif status != 404:  # no manager, or the person left between the page and now
                raise Transient(SYSTEM, operation, f"a part of the batch answered {status}", answer.request_id)
        return found


def _with_manager(managers: Mapping[str, str | None], row: g.Facts) -> g.DirectoryUser:
    return g.user(row, managers.get(str(row["id"]).lower()))


def _names_manager(body: Any) -> bool:
    error = body.get("error") if isinstance(body, dict) else None
    return isinstance(error, dict) and "'manager'" in str(error.get("message") or "")


def _nothing_to_remove(
    states: g.UserLicences, sku_id: str, operation: str
) -> g.NotAssigned | g.InheritedFromGroup | None:
    """The answer that needs no write, or None when a direct seat is there to take."""
    if any(s.sku_id == sku_id and s.group_id is None for s in states.states):
        return None
    if states.groups(sku_id):
        return g.InheritedFromGroup(states.groups(sku_id))
    if states.unexplained(sku_id):
        sentence = "the person holds this SKU by no path that Graph names; look at it in the admin centre"
        raise Refused(SYSTEM, operation, sentence, code="no_assignment_path")
    return g.NotAssigned()
