"""What `seatkeeper doctor` finds out about each part: lines that say ok, warn or fail, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

import requests
from sqlalchemy import Connection, select

from bot.settings import Settings
from integrations.errors import IntegrationError, NotFound, Refused
from integrations.graph import GraphClient
from integrations.graph_devices import IntuneOff
from integrations.mail import Mailer
from integrations.slack import SlackClient
from licensing.words import joined, plural
from model.licences import Product
from workflows.policy import Policy

#: Bot scopes the product uses: those of manifest.yaml, and a test keeps them equal.
SCOPES = frozenset({"commands", "chat:write", "users:read", "users:read.email", "files:write", "files:read"})
#: Slack refuses and is refused beyond five minutes; a minute off is a clock that nobody keeps.
SKEW_FAILS, SKEW_WARNS = 240.0, 30.0

#: Permission wanted -> permissions that include it (Microsoft Graph permissions reference).
READS: dict[str, frozenset[str]] = {
    "LicenseAssignment.Read.All": frozenset(
        {"LicenseAssignment.ReadWrite.All", "Organization.Read.All", "Directory.Read.All"}
    ),
    "User.Read.All": frozenset({"Directory.Read.All"}),
}
READS_GROUPS = {
    "GroupMember.Read.All": frozenset({"GroupMember.ReadWrite.All", "Group.Read.All", "Directory.Read.All"})
}
WRITES: dict[str, frozenset[str]] = {"LicenseAssignment.ReadWrite.All": frozenset()}
WRITES_GROUPS: dict[str, frozenset[str]] = {"GroupMember.ReadWrite.All": frozenset()}
#: With one of these a wrong address deletes a person from the directory (rules §6).
TOO_MUCH = frozenset({"User.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"})


@dataclass(frozen=True)
class Line:
    """One finding. `words` of a warning or failure say what to do."""

    level: Literal["ok", "warn", "fail"]
    part: str
    words: str


def guarded(part: str, check: Callable[[], Iterable[Line]]) -> Iterator[Line]:
    """The check's lines; trouble outside is a line of its own and ends this part only."""
    try:
        yield from check()
    except IntegrationError as error:
        yield Line("fail", part, f"{error.operation}: {error.detail}.")
    except ValueError as error:
        yield Line("fail", part, f"{error}.".replace("..", "."))


def clock(url: str, part: str, now: Callable[[], datetime], ca_bundle: str = "") -> Iterator[Line]:
    """How far our clock is from the Date header of an outside system; any answer will do."""
    try:
        answer = requests.head(url, timeout=(5, 10), allow_redirects=False, verify=ca_bundle or True)
    except requests.RequestException:
        return  # the part's own check says that it cannot be reached, and why
    try:
        theirs = parsedate_to_datetime(answer.headers.get("Date", ""))
    except ValueError:
        return
    off = (now() - theirs.replace(tzinfo=theirs.tzinfo or UTC)).total_seconds()
    way = "ahead of" if off > 0 else "behind"
    said = f"This machine's clock is {abs(off):.0f} seconds {way} theirs"
    if abs(off) >= SKEW_FAILS:
        yield Line("fail", part, f"{said}: signatures and tokens are refused. Switch on time synchronisation (NTP).")
    elif abs(off) >= SKEW_WARNS:
        yield Line("warn", part, f"{said}. Switch on time synchronisation (NTP).")
    else:
        yield Line("ok", part, "The clocks agree.")


def slack(client: SlackClient, settings: Settings) -> Iterator[Line]:
    """The token, its scopes against the manifest, and the way deliveries come in."""
    who = client.auth_test()
    yield Line("ok", "Slack", f"Signed in to the workspace {who.team or who.team_id}.")
    if not who.scopes:
        yield Line("warn", "Slack", "Slack did not say which scopes the token has; compare them with manifest.yaml.")
    elif missing := SCOPES - who.scopes:
        yield Line(
            "fail",
            "Slack",
            f"The bot token lacks {joined(sorted(missing))}: add it under OAuth & Permissions, then reinstall the app.",
        )
    else:
        yield Line("ok", "Slack", "The bot token has the scopes of the manifest.")
        if extra := who.scopes - SCOPES:
            yield Line("warn", "Slack", f"The bot token may do more than is used: remove {joined(sorted(extra))}.")
    if not settings.socket_mode and not settings.public_url.startswith("https://"):
        yield Line(
            "warn", "Slack", "BASE_URL is not https: Slack delivers to https only. Set BASE_URL, or use Socket Mode."
        )


def graph(
    client: GraphClient, settings: Settings, policy: Policy, of_use: Callable[[frozenset[str] | None], Iterable[Line]]
) -> Iterator[Line]:
    """Sign-in, the permissions of both registrations, what `of_use` finds, a read of the seat counts and of Intune.

    `of_use` is told the permissions of the registration that reads, None where they cannot be read.
    """
    separate = bool(settings.m365_write_client_id)
    reads = _permissions(client, settings.m365_client_id, writing=False)
    writes = _permissions(client, settings.m365_write_client_id, writing=True) if separate else reads
    yield Line("ok", "Microsoft 365", "Signed in.")
    groups = bool(policy.licensing_groups)
    yield from _lacking("reads", "M365_CLIENT_ID", reads, READS | (READS_GROUPS if groups else {}))
    name = "M365_WRITE_CLIENT_ID" if separate else "M365_CLIENT_ID"
    yield from _lacking("writes", name, writes, WRITES | (WRITES_GROUPS if groups else {}))
    for held, own in ((writes, name),) if not separate else ((writes, name), (reads, "M365_CLIENT_ID")):
        if held and (found := held & TOO_MUCH):
            yield Line(
                "fail",
                "Microsoft 365",
                f"The registration {own} holds {joined(sorted(found))}, with which a mistake can delete people. "
                "Remove it in Entra and grant only what is named here.",
            )
    if not separate:
        yield Line(
            "warn",
            "Microsoft 365",
            "One registration reads and writes: make a second one for writing and set M365_WRITE_CLIENT_ID.",
        )
    yield from of_use(reads)
    skus = client.subscribed_skus()
    yield Line("ok", "Microsoft 365", f"Seat counts of {plural(len(skus), 'product')} read.")
    yield from intune(client)


def intune(client: GraphClient) -> Iterator[Line]:
    """Whether software that Intune detected can be read; a company without Intune lacks nothing."""
    try:
        client.intune.check()
    except IntuneOff as off:
        words = f"{off.detail[:1].upper()}{off.detail[1:]}."
        yield Line("ok" if off.code == "no_licence" else "warn", "Intune", words)
    else:
        yield Line("ok", "Intune", "Detected software can be read.")


def _permissions(client: GraphClient, client_id: str, *, writing: bool) -> frozenset[str] | None:
    """What a registration was granted: its token says it; where that is opaque, the directory does."""
    claimed = client.token_roles(writing=writing)
    if claimed is not None:
        return claimed
    try:
        return client.permissions(client_id)
    except (Refused, NotFound):
        return None


def _lacking(what: str, name: str, held: frozenset[str] | None, wanted: dict[str, frozenset[str]]) -> Iterator[Line]:
    if held is None:
        yield Line(
            "warn",
            "Microsoft 365",
            f"The permissions of {name} cannot be read: look in Entra whether it has {joined(list(wanted))}.",
        )
        return
    missing = [one for one, also in wanted.items() if one not in held and not held & also]
    for one in missing:
        yield Line(
            "fail",
            "Microsoft 365",
            f"The registration that {what} ({name}) lacks {one}: add it as an application permission in Entra and "
            "grant admin consent.",
        )
    if not missing:
        yield Line("ok", "Microsoft 365", f"The registration that {what} has what it needs.")


def catalogue_items(connection: Connection, policy: Policy) -> list[tuple[str, str]]:
    """Every catalogue item that policy or a product orders through, with who names it."""
    rows = connection.execute(
        select(Product.name, Product.catalog_item_id, Product.purchase_item_id).where(Product.retired_at.is_(None))
    )
    found = {item: name for name, give, buy in rows for item in (give, buy) if item}
    for setting in ("record_catalogue_item", "purchase_catalogue_item", "new_product_catalogue_item"):
        if item := getattr(policy.servicenow, setting):
            found[item] = f"policy servicenow.{setting}"
    return list(found.items())


def mail(settings: Settings) -> Iterator[Line]:
    """The mail server takes our sign-in."""
    Mailer(settings.smtp_url).check()
    yield Line("ok", "Mail", "The mail server takes our sign-in.")
