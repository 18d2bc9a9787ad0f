"""OData on people: which properties exist, $select, $filter and $expand, and what Graph refuses of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from flask import request

from sandbox.graph_directory import assigned_licences
from sandbox.graph_errors import GraphError, bad_request, unsupported
from sandbox.store import Document

DEFAULT = (
    "businessPhones displayName givenName id jobTitle mail mobilePhone officeLocation preferredLanguage surname "
    "userPrincipalName"
).split()
BASIC = frozenset([*DEFAULT, "photo"])  # what User.ReadBasic.All may see, roughly
SINGLE_ONLY = frozenset(
    "aboutMe birthday hireDate interests mySite pastProjects preferredName responsibilities schools skills "
    "mailboxSettings".split()
)
_OTHERS = (
    "accountEnabled ageGroup assignedLicenses assignedPlans authorizationInfo city companyName consentProvidedForMinor "
    "country createdDateTime creationType customSecurityAttributes deletedDateTime department deviceEnrollmentLimit "
    "employeeHireDate employeeId employeeLeaveDateTime employeeOrgData employeeType externalUserState "
    "externalUserStateChangeDateTime faxNumber identities imAddresses isResourceAccount lastPasswordChangeDateTime "
    "legalAgeGroupClassification licenseAssignmentStates mailNickname onPremisesDistinguishedName onPremisesDomainName "
    "onPremisesExtensionAttributes onPremisesImmutableId onPremisesLastSyncDateTime onPremisesProvisioningErrors "
    "onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesSyncEnabled onPremisesUserPrincipalName "
    "otherMails passwordPolicies passwordProfile postalCode preferredDataLocation provisionedPlans "
    "proxyAddresses securityIdentifier showInAddressList signInActivity signInSessionsValidFromDateTime state "
    "streetAddress usageLocation userType"
).split()
KNOWN = frozenset([*DEFAULT, *_OTHERS, *SINGLE_ONLY])
_LISTS = frozenset(
    {"businessPhones", "otherMails", "proxyAddresses", "assignedPlans", "provisionedPlans", "identities"}
)
_BY_LOWER = {name.lower(): name for name in KNOWN}

Predicate = Callable[[Document], bool]


def selected(extra: frozenset[str] = frozenset()) -> list[str] | None:
    """The properties of $select in Graph's spelling, None without one; 400 for a property that does not exist."""
    raw = request.args.get("$select")
    if raw is None:
        return None
    names = []
    for part in filter(None, (piece.strip() for piece in raw.split(","))):
        name = _BY_LOWER.get(part.lower()) or (part if part in extra else None)
        if name is None:
            raise bad_request(
                "Parsing OData Select and Expand failed: Could not find a property named "
                f"'{part}' on type 'Microsoft.DirectoryServices.User'.",
                "BadRequest",
            )
        names.append(name)
    return names


def show(user: Document, names: list[str] | None) -> Document:
    """One person as Graph shows them; `id` is always there, and an absent signInActivity stays absent."""
    shown: Document = {}
    for name in DEFAULT if names is None else dict.fromkeys([*names, "id"]):
        if name == "assignedLicenses":
            shown[name] = assigned_licences(user)
        elif name == "licenseAssignmentStates":
            shown[name] = [
                {key: value for key, value in entry.items() if key != "unlisted"}
                for entry in user["licences"]
                if not entry.get("unlisted")
            ]
        elif name == "signInActivity":
            if user["signInActivity"] is not None:
                shown[name] = user["signInActivity"]
        else:
            shown[name] = user["properties"].get(name, [] if name in _LISTS else None)
    return shown


# -- $filter -----------------------------------------------------------------------------------------------------------

_CLAUSE = re.compile(
    r"(?P<name>[A-Za-z/]+)\s+(?P<op>eq|ne|ge|le|in)\s+"
    r"(?P<value>'(?:[^']|'')*'|\((?:\s*'(?:[^']|'')*'\s*,?)+\)|true|false|null|[0-9TZ:.+-]+)",
    re.IGNORECASE,
)
_PLAIN = {
    name.lower(): name
    for name in ("id", "userPrincipalName", "mail", "accountEnabled", "userType", "department", "usageLocation")
}


def filtered(text: str | None, *, eventual: bool) -> Predicate | None:
    """A test for $filter. Clauses may be joined by `and`, or all by `or`; everything else is refused as Graph does."""
    if not text:
        return None
    joiner = " or " if re.search(r"\sor\s", text) else " and "
    clauses = re.split(joiner.strip().join((r"\s+", r"\s+")), text.strip())
    if len(clauses) > 1 and "signinactivity" in text.lower():
        raise bad_request("Filter on signInActivity cannot be combined with other filterable properties.", "BadRequest")
    tests = [_clause(clause, eventual) for clause in clauses]
    if joiner == " or ":
        return lambda user: any(test(user) for test in tests)
    return lambda user: all(test(user) for test in tests)


def _clause(text: str, eventual: bool) -> Predicate:
    if re.fullmatch(r"assignedLicenses/\$count\s+(ne|eq)\s+0", text):
        if not eventual:
            raise unsupported("Unsupported Query.")
        wanted = " ne " in text
        return lambda user: bool(assigned_licences(user)) is wanted
    found = _CLAUSE.fullmatch(text.strip().strip("()") if text.startswith("(") else text.strip())
    if found is None:
        raise bad_request(f"Invalid filter clause: {text}", "BadRequest")
    name, op, value = found["name"].lower(), found["op"].lower(), found["value"]
    if name.startswith("signinactivity/"):
        return _sign_in(found["name"].split("/")[1], op, value.strip("'"))
    if name not in _PLAIN or op in ("ge", "le") or (op == "ne" and not eventual):
        raise unsupported(f"Unsupported or invalid query filter clause specified for property '{found['name']}'.")
    values = [_literal(part) for part in re.findall(r"'(?:[^']|'')*'|true|false|null", value, re.IGNORECASE)]
    wanted_values = [part.lower() if isinstance(part, str) else part for part in values]

    def test(user: Document) -> bool:
        have = user["properties"].get(_PLAIN[name])
        have = have.lower() if isinstance(have, str) else have
        return (have in wanted_values) is (op != "ne")

    return test


def _literal(text: str) -> Any:
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    return {"true": True, "false": False, "null": None}[text.lower()]


def _sign_in(name: str, op: str, value: str) -> Predicate:
    def test(user: Document) -> bool:
        have = (user["signInActivity"] or {}).get(name) or ""
        if not have:
            return False
        return bool({"ge": have >= value, "le": have <= value, "eq": have == value, "ne": have != value}[op])

    return test


# -- $expand -----------------------------------------------------------------------------------------------------------

_EXPAND = re.compile(r"manager(?:\((?P<options>.*)\))?")


def expanded_manager(*, eventual: bool) -> tuple[bool, list[str] | None]:
    """(whether the manager is wanted, its properties). `$levels` needs ConsistencyLevel: eventual and $count=true."""
    raw = request.args.get("$expand")
    if raw is None:
        return False, None
    found = _EXPAND.fullmatch(raw.strip())
    if found is None:
        raise bad_request(f"Parsing OData Select and Expand failed: '{raw}' cannot be expanded.", "BadRequest")
    options = dict(part.split("=", 1) for part in (found["options"] or "").split(";") if "=" in part)
    if "$levels" in options and not (eventual and request.args.get("$count", "").lower() == "true"):
        raise unsupported("Expand with $levels requires the header 'ConsistencyLevel: eventual' and $count=true.")
    if options.get("$levels", "1") not in ("1", "max"):
        raise unsupported("The stand-in expands one level of managers.")
    if "$select" not in options:
        return True, None
    names = [_BY_LOWER.get(part.strip().lower(), "") for part in options["$select"].split(",")]
    if "" in names:
        raise bad_request("Parsing OData Select and Expand failed.", "BadRequest")
    return True, names


def refuse_search() -> None:
    if "$search" in request.args:
        text = (
            "Request with $search query parameter only works through MSGraph with a special request header: "
            "'ConsistencyLevel: eventual'"
        )
        raise unsupported(text)
    if "$skip" in request.args:
        raise bad_request("'$skip' is not supported by the service.", "BadRequest")


def not_on_collections(names: list[str] | None) -> None:
    """501 for properties that live outside the directory and are readable for one person only."""
    if names and SINGLE_ONLY.intersection(names):
        text = "The requested property can be retrieved for a single user only."  # wording ours
        raise GraphError(501, "NotImplemented", text)
