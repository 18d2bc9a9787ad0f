"""What `seatkeeper doctor` finds out about sources of use at Microsoft: permissions, settings, licences, and ages.

None of it is a failure: seats are kept in order without it, but nothing can be said about who uses them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, Row, select

from bot.doctor_checks import Line
from integrations.errors import Refused
from integrations.graph import GraphClient
from integrations.graph_listing import NOT_PREMIUM, Form
from integrations.graph_reports import CONCEALED
from model.usage import SourceHealth
from workflows.perform_m365_people import NO_PREMIUM

PART = "Microsoft 365"
#: Permission -> (permissions that include it, what is missing without it).
WANTED: dict[str, tuple[frozenset[str], str]] = {
    "AuditLog.Read.All": (frozenset(), "sign-ins are not known"),
    "Reports.Read.All": (frozenset(), "usage reports are not read"),
    "ReportSettings.Read.All": (
        frozenset({"ReportSettings.ReadWrite.All"}),
        "hidden names are seen only in the reports themselves",
    ),
    "Organization.Read.All": (
        frozenset({"Directory.Read.All", "Organization.ReadWrite.All"}),
        "subscriptions and their dates are not shown",
    ),
    "GroupMember.Read.All": (
        frozenset({"GroupMember.ReadWrite.All", "Group.Read.All", "Directory.Read.All", "Group.ReadBasic.All"}),
        "licensing groups have no names",
    ),
}


def permissions(held: frozenset[str] | None) -> Iterator[Line]:
    """The permission that each missing source needs, by name; nothing when ours cannot be read."""
    for permission, (also, without) in WANTED.items():
        if held is not None and permission not in held and not held & also:
            yield Line(
                "warn",
                PART,
                f"The registration that reads (M365_CLIENT_ID) lacks {permission}, so {without}: add it as an "
                "application permission in Entra and grant admin consent.",
            )


def settings(client: GraphClient, held: frozenset[str] | None) -> Iterator[Line]:
    """Hidden names in reports, and a tenant without Entra ID P1: neither is a permission."""
    if client.reports.concealed():
        yield Line("warn", PART, CONCEALED)
    if held is not None and "AuditLog.Read.All" not in held:
        return
    try:
        client.listing.page(Form(sign_in=True, managers=False, top=1))
    except Refused as refused:
        if refused.code == NOT_PREMIUM:
            yield Line("warn", PART, NO_PREMIUM)
        elif refused.fatal or held is not None:
            raise
    else:
        yield Line("ok", PART, "Sign-ins can be read.")


def health(connection: Connection) -> list[Row[tuple[str, str, str]]]:
    """Sources that the last reading found not fine."""
    return list(
        connection.execute(
            select(SourceHealth.source, SourceHealth.state, SourceHealth.words)
            .where(SourceHealth.state != "fine")
            .order_by(SourceHealth.source)
        )
    )


def sources(found: Sequence[Row[tuple[str, str, str]]]) -> Iterator[Line]:
    """What the last reading said of each source of use that is not fine; equal sentences once."""
    said: dict[str, list[str]] = {}
    for source, _, words in found:
        said.setdefault(words, []).append(source.replace("_", " "))
    for words, names in said.items():
        yield Line("warn", "Sources of use", f"{', '.join(names)}: {words}")
