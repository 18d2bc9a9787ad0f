"""What the doctor finds out about a ServiceNow instance: every instance is different, so everything is read there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bot.doctor_checks import Line
from integrations.errors import NotFound, Refused
from integrations.servicenow import ServiceNowClient
from licensing.words import joined
from workflows.policy import CloseCodes, Policy
from workflows.policy import ServiceNow as ServiceNowPolicy

PART = "ServiceNow"
#: What each table is read for; without it, that is what does not work.
_READ_FOR = {
    "sys_user": "finding people",
    "sys_user_group": "finding the assignment group",
    "sys_choice": "checking close codes and states",
    "sys_journal_field": "writing each note once, and showing what the service desk writes",
    "sysapproval_approver": "seeing that an order waits for an approval there",
}
#: Time zones in which a literal means the same however the instance reads it (ServiceNow §8).
_UTC = frozenset({"GMT", "UTC", "Etc/UTC", "Etc/GMT"})
#: What we send with a new record, or the instance fills by itself.
_FILLED = frozenset(
    {
        "short_description", "description", "correlation_id", "correlation_display", "caller_id", "requested_for",
        "category", "impact", "urgency", "assignment_group", "number", "state", "priority", "opened_at", "opened_by",
        "sys_class_name", "active", "approval",
    }
)  # fmt: skip


def servicenow(client: ServiceNowClient, policy: Policy, items: Iterable[tuple[str, str]]) -> Iterator[Line]:
    """Sign-in, rights, our user, states, close codes, group, category, mandatory fields, and catalogue items."""
    ours = policy.servicenow
    yield from _rights(client, ours)
    yield Line("ok", PART, "Signed in.")
    yield from _own_user(client)
    yield from _searches(client)
    yield from _codes(client, ours)
    if ours.assignment_group:
        yield from _group(client, ours.assignment_group)
    if ours.category:
        yield from _choice(client, ours.table, "category", ours.category, "category", "the category")
    yield from _mandatory(client, ours.table)
    yield from _items(client, ours, list(items))


def _rights(client: ServiceNowClient, ours: ServiceNowPolicy) -> Iterator[Line]:
    """A read of one row of each table; a sign-in that is dead raises."""
    records = dict.fromkeys(("sc_req_item", ours.table, "incident"), "keeping records in step")
    for table, purpose in (records | _READ_FOR).items():
        said = client.setup.may_read(table)
        if said:
            yield Line(
                "fail",
                PART,
                f"ServiceNow does not let us read {table}, which is needed for {purpose}: {said}. Give the "
                "integration user a role that may read it.",
            )


def _own_user(client: ServiceNowClient) -> Iterator[Line]:
    try:
        user = client.setup.own_user()
    except Refused:
        return  # the line about sys_user says it
    if user is None:
        yield Line(
            "warn",
            PART,
            "ServiceNow does not say which user we are: our own changes are told from those of people by their "
            "values alone.",
        )
    elif user.time_zone not in _UTC:
        zone = f"is {user.time_zone}" if user.time_zone else "is the instance's own"
        yield Line(
            "warn",
            PART,
            f"The time zone of the integration user {user.user_name} {zone}: set it to GMT, or changes may be read "
            "hours late.",
        )


def _searches(client: ServiceNowClient) -> Iterator[Line]:
    try:
        ignored = client.setup.ignores_what_it_does_not_know()
    except Refused:
        return
    if ignored:
        yield Line(
            "warn",
            PART,
            "ServiceNow ignores a search by a field it does not know and answers with every record. We compare each "
            "answer, but set the property glide.invalid_query.returns_no_rows to true.",
        )


def _codes(client: ServiceNowClient, ours: ServiceNowPolicy) -> Iterator[Line]:
    for outcome in CloseCodes.model_fields:
        code = getattr(ours.close_codes, outcome)
        table = "incident" if outcome == "resolved" else "sc_req_item"
        setting = f"close_codes.{outcome}"
        yield from _choice(client, table, "state", code.state, f"{setting}.state", "the state")
        if code.close_code:
            of = "incident" if outcome == "resolved" else ours.table
            yield from _choice(client, of, "close_code", code.close_code, f"{setting}.close_code", "the close code")


def _choice(client: ServiceNowClient, table: str, element: str, value: str, setting: str, what: str) -> Iterator[Line]:
    """A value of policy against what the instance offers; an instance that lists none is not judged."""
    try:
        known = client.setup.choices(table, element)
        if not known and table != "task":
            known = client.setup.choices("task", element)
    except Refused:
        yield Line(
            "warn", PART, f"The choices of {table}.{element} cannot be read: check servicenow.{setting} yourself."
        )
        return
    if known and value not in {one.value for one in known}:
        offered = joined([one.value if one.value == one.label else f"{one.value} ({one.label})" for one in known], "or")
        yield Line(
            "fail",
            PART,
            f"ServiceNow refuses {what} “{value}” in {table}; it knows {offered}. Choose one of them in policy.yaml, "
            f"servicenow.{setting}.",
        )


def _group(client: ServiceNowClient, name: str) -> Iterator[Line]:
    try:
        found = client.setup.groups(name)
    except Refused:
        return  # the line about sys_user_group says it
    if not found:
        yield Line(
            "fail",
            PART,
            f"The assignment group “{name}” is not in ServiceNow, or not active: no record can be opened. Create it "
            "there, or name another in policy.yaml, servicenow.assignment_group.",
        )
    elif len(found) > 1:
        yield Line(
            "fail",
            PART,
            f"ServiceNow has more than one active group “{name}”: rename all but one there, or name another in "
            "policy.yaml, servicenow.assignment_group.",
        )


def _mandatory(client: ServiceNowClient, table: str) -> Iterator[Line]:
    """Where the dictionary is closed to us, which is usual, nothing is said: a refusal at run time names the field."""
    try:
        wanted = client.setup.mandatory(table) - _FILLED
    except (Refused, NotFound):
        return
    if wanted:
        yield Line(
            "warn",
            PART,
            f"ServiceNow wants {joined(sorted(wanted))} in every {table}, which we do not know: give it a default "
            "there, or our records are refused.",
        )


def _items(client: ServiceNowClient, ours: ServiceNowPolicy, wanted: list[tuple[str, str]]) -> Iterator[Line]:
    for item, what in wanted:
        try:
            found = client.catalogue_item(item)
        except NotFound:
            yield Line("fail", PART, f"The catalogue item {item} of {what} is not there, or not active.")
            continue
        if not found.has_key:
            yield Line(
                "fail",
                PART,
                f"The catalogue item “{found.name}” of {what} has no variable seatkeeper_key: add one (single line "
                "text, not mandatory), or an order could be placed twice.",
            )
        else:
            yield Line("ok", PART, f"The catalogue item “{found.name}” can be ordered.")
    if wanted and ours.catalogue_approval_above:
        limits = joined([f"{amount:,.2f} {currency}" for currency, amount in ours.catalogue_approval_above.items()])
        yield Line(
            "warn",
            PART,
            f"Orders above {limits} may ask for an approval there as well: cards then say “waits in ServiceNow”.",
        )
