"""Builds the program: database, clients, rules, workers, clock, Bolt and Flask apps. The only module that knows all."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import structlog
from flask import Flask
from slack_bolt import App
from slack_sdk import WebClient
from sqlalchemy import select
from sqlalchemy.exc import ArgumentError, DBAPIError

import migrations
from bot.app import build_app
from bot.clock import ServiceClock
from bot.deliver import Deliver
from bot.deliver_absent import DeliverWithoutSlack
from bot.deliver_home import home_publisher
from bot.deliver_proof import KeepProofs
from bot.deliver_screen import SlackScreen
from bot.deps import BotDeps
from bot.settings import Settings
from bot.shown import drawer
from bot.socket import SocketRunner
from integrations.graph import GraphClient
from integrations.graph_auth import GraphCredentials
from integrations.graph_transport import graph_transport
from integrations.http import HttpClient
from integrations.servicenow import ServiceNowClient
from integrations.servicenow_auth import BasicCredentials, TokenCredentials
from integrations.servicenow_tables import Tables
from integrations.slack import SlackClient
from jobs.clock import Clock, ScheduleSpec
from jobs.limits import Limit
from jobs.worker import Handler, Worker, unknown_kinds
from licensing.words import day
from model.session import Database, make_engine
from model.tickets import Meta
from web.app import WebDeps, create_app
from web.slack import mount
from workflows import policies
from workflows.effects import MERGED
from workflows.inventory.take import Intake
from workflows.perform_alert_tickets import AlertTickets
from workflows.perform_digest import DigestWork
from workflows.perform_graph import GraphEffects
from workflows.perform_intune import IntuneSync
from workflows.perform_local import LocalWork
from workflows.perform_m365 import M365Sync
from workflows.perform_mail import MailEffects
from workflows.perform_restoring import RestoringEffects
from workflows.perform_servicenow import ServiceNowEffects
from workflows.perform_sync import Sync
from workflows.perform_taking import TakingEffects
from workflows.perform_ticket_sync import TicketSync
from workflows.perform_trouble import classify, on_parked
from workflows.policies import ActiveRules
from workflows.policy_file import PolicyProblems
from workflows.reclaim.recheck import recheck

#: Calls a queue may start: below what each system documents (Slack §5, Graph §8), and never all threads on one system.
LIMITS = {
    "slack": Limit(calls=240, per_seconds=60, at_once=3),
    "graph": Limit(calls=600, per_seconds=60, at_once=3),
    "servicenow": Limit(calls=120, per_seconds=60, at_once=3),
    "mail": Limit(calls=30, per_seconds=60, at_once=1),
}

log = structlog.get_logger(__name__)

SCHEDULES = (
    ScheduleSpec("seat figures", "*/5 * * * *", "UTC", "m365.figures", "graph"),
    ScheduleSpec("microsoft 365", "15 3 * * *", "UTC", "sync.m365", "graph"),
    ScheduleSpec("directory changes", "35 6-20 * * *", "UTC", "sync.m365_changes", "graph"),
    ScheduleSpec("intune", "30 5 * * *", "UTC", "sync.intune", "graph"),
    ScheduleSpec("slack accounts", "45 3 * * *", "UTC", "sync.slack", "slack"),
    ScheduleSpec("servicenow changes", "* * * * *", "UTC", "tickets.poll", "servicenow"),
    ScheduleSpec("servicenow records", "7 * * * *", "UTC", "tickets.look", "servicenow"),
    ScheduleSpec("outages", "*/5 * * * *", "UTC", "outages.watch", "local"),
    ScheduleSpec("agreed ends", "5 * * * *", "UTC", "seats.ends", "local"),
    ScheduleSpec("work by hand", "15 * * * *", "UTC", "tasks.look", "local"),
    ScheduleSpec("ends of undo", "35 * * * *", "UTC", "returns.warn", "local"),
    ScheduleSpec("positions", "10 4 * * *", "UTC", "positions.count", "local"),
    ScheduleSpec("kept positions", "4-59/10 * * * *", "UTC", "positions.keep", "local"),
    ScheduleSpec("new terms", "1 0 * * *", "UTC", "renewals.begin", "local"),
    ScheduleSpec("renewals", "50 4 * * *", "UTC", "renewals.look", "local"),
    ScheduleSpec("reconciliation", "20 6 * * *", "UTC", "reconciliation.look", "local"),
    ScheduleSpec("procurement", "55 5-20 * * *", "UTC", "procurement.look", "local"),
    ScheduleSpec("names to settle", "0 8 * * mon", "UTC", "names.weekly", "local"),
    ScheduleSpec("red alerts", "20 * * * *", "UTC", "alerts.look", "local"),
    ScheduleSpec("silent devices", "40 4 * * *", "UTC", "devices.stale", "local"),
    ScheduleSpec("taking seats back", "35 * * * *", "UTC", "reclaim.watch", "local"),
    ScheduleSpec("weekly summary", "0 8 * * *", "UTC", "reclaim.weekly", "local"),
    ScheduleSpec("tidy", "25 2 * * *", "UTC", "work.tidy", "local"),
)


class NotReady(Exception):
    """The program cannot start as things are; the message says what to do."""


@dataclass(frozen=True)
class Clients:
    """The outside systems that are connected."""

    slack: SlackClient | None
    graph: GraphClient | None
    servicenow: ServiceNowClient | None


@dataclass(frozen=True)
class Service:
    """The assembled program, not yet running."""

    settings: Settings
    now: ServiceClock
    database: Database
    rules: ActiveRules
    clients: Clients
    worker: Worker
    clock: Clock
    bolt: App | None
    web: Flask
    sockets: SocketRunner | None

    def close(self) -> None:
        self.database.dispose()


def open_database(settings: Settings, *, create: bool = True) -> Database:
    """The database at the newest revision; an empty one is made. Raises NotReady when it cannot be used."""
    if settings.database_url.startswith("sqlite:///"):
        Path(settings.database_url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    try:
        engine = make_engine(settings.database_url)
        at, head = migrations.current(engine), migrations.head()
        if at is None and create:
            migrations.upgrade(engine)
            at = head
    except (DBAPIError, ArgumentError, ValueError) as wrong:
        said = str(wrong.orig if isinstance(wrong, DBAPIError) else "it is no database address").partition("\n")[0]
        raise NotReady(
            f"DATABASE_URL: the database cannot be opened ({said}). "
            "Put an SQLite file of ours, or the address of a running PostgreSQL with user, password and name."
        ) from None
    if at != head:
        engine.dispose()
        raise NotReady(f"The database is at revision {at or 'none'}, this version needs {head}: run seatkeeper migrate")
    return Database(engine)


def connect(settings: Settings) -> Clients:
    """Clients for what is set; nothing is called yet. Raises NotReady for settings that cannot work."""
    try:
        return Clients(
            slack=SlackClient(settings.slack_bot_token, settings.slack_api_url) if settings.slack_on else None,
            graph=_graph(settings) if settings.graph_on else None,
            servicenow=_servicenow(settings) if settings.servicenow_on else None,
        )
    except (ValueError, OSError) as wrong:
        raise NotReady(str(wrong)) from wrong


def _graph(settings: Settings) -> GraphClient:
    def transport(client_id: str, secret: str, certificate: str = "") -> HttpClient:
        credentials = GraphCredentials(
            settings.m365_tenant_id,
            client_id,
            secret=None if certificate else secret,
            certificate=certificate or None,
            authority=settings.m365_authority,
            graph_url=settings.graph_url,
            ca_bundle=settings.m365_ca_bundle or None,
        )
        return graph_transport(settings.graph_url, credentials, ca_bundle=settings.m365_ca_bundle or None)

    reads = transport(settings.m365_client_id, settings.m365_client_secret, settings.m365_client_certificate)
    writes = None
    if settings.m365_write_client_id:
        writes = transport(settings.m365_write_client_id, settings.m365_write_client_secret)
    return GraphClient(reads, writes, client_id=settings.m365_client_id)


def _servicenow(settings: Settings) -> ServiceNowClient:
    credentials: BasicCredentials | TokenCredentials
    if settings.servicenow_client_id:
        credentials = TokenCredentials(
            settings.servicenow_url,
            settings.servicenow_client_id,
            settings.servicenow_client_secret,
            user=settings.servicenow_user or None,
            password=settings.servicenow_password or None,
        )
    else:
        credentials = BasicCredentials(settings.servicenow_user, settings.servicenow_password)
    return ServiceNowClient(Tables(settings.servicenow_url, credentials))


def first_steps(settings: Settings, database: Database, now: datetime) -> tuple[str, str]:
    """This installation's id, made once, and the policy file taken over or noticed.

    Returns (id, words about the policy file). Raises NotReady when the very first policy cannot be read.
    """
    text = _policy_text(settings.policy_file)
    with database.unit_of_work() as work:
        instance = work.connection.execute(select(Meta.value).where(Meta.key == "instance")).scalar()
        if instance is None:
            instance = secrets.token_hex(4)
            work.session.add(Meta(key="instance", value=instance))
        first = policies.active(work.connection) is None
        try:
            if text is None:
                words = f"{settings.policy_file} is not UTF-8 text. Save it as UTF-8."
                if first:
                    raise NotReady(words)
                words += f" The policy of {_since(policies.in_force_since(work.connection))} stays in force."
            elif first:
                policies.ensure_first(work, text, now, settings.policy_file)
                words = ""
            else:
                words = policies.notice_file(work, text, now, settings.policy_file).words
        except PolicyProblems as wrong:
            raise NotReady(str(wrong)) from wrong
        work.commit()
    return instance, words


def _since(on: date | None) -> str:
    return day(on) if on is not None else "before"


def _policy_text(file: str) -> str | None:
    """The file's text; None when it is no text."""
    try:
        return Path(file).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def handlers(
    settings: Settings, database: Database, rules: ActiveRules, clients: Clients, now: ServiceClock
) -> Mapping[str, Handler]:
    """Every kind of job this program knows. What an absent system would do is never enqueued; messages go by mail."""
    known: dict[str, Handler] = {**LocalWork(rules).handlers()}
    sync = Sync(clients.graph, clients.slack)
    known |= {"m365.figures": sync.figures, "sync.slack": sync.accounts}
    m365 = M365Sync(clients.graph)
    known |= {"sync.m365": m365.everything, "sync.m365_changes": m365.changes, "sync.people": m365.people}
    if clients.slack is not None:
        urls = {"dashboard_url": settings.public_url, "servicenow_url": settings.servicenow_url}
        known |= Deliver(database, clients.slack, rules, **urls).handlers()
        known |= KeepProofs(database, clients.slack, rules).handlers()
        known["home.publish"] = home_publisher(database, rules, clients.slack, now)
    else:
        known |= DeliverWithoutSlack(database, rules, mail=bool(settings.smtp_url)).handlers()
    if clients.graph is not None:
        graph = GraphEffects(database, clients.graph)
        known["sync.intune"] = IntuneSync(clients.graph.intune, rules).read
        taking, restoring = (
            TakingEffects(database, clients.graph, rules, recheck),
            RestoringEffects(database, clients.graph),
        )
        known |= {"line.grant": graph.grant, "seat.take_back": taking.take_back, "seat.restore": restoring.restore}
    if clients.servicenow is not None:
        servicenow = ServiceNowEffects(database, clients.servicenow, rules)
        of_alerts = AlertTickets(database, clients.servicenow, rules, servicenow.settle)
        tickets = TicketSync(database, clients.servicenow, rules)
        known |= {"ticket.settle": of_alerts.settle, "tickets.poll": tickets.poll, "tickets.look": tickets.look}
    try:
        mail = MailEffects(settings.smtp_url, settings.public_url, settings.key("links"), rules, drawer(rules))
    except ValueError as wrong:
        raise NotReady(f"{wrong}.") from wrong
    known |= mail.handlers() | DigestWork(rules, drawer(rules)).handlers()
    return known


def assemble(settings: Settings) -> Service:
    """Build everything and start nothing. Raises NotReady."""
    now = ServiceClock(settings.clock_offset_file)
    database = open_database(settings)
    instance, words = first_steps(settings, database, now())
    if words:
        log.warning("policy file", detail=words)
    clients = connect(settings)
    rules = ActiveRules(
        database,
        graph=clients.graph is not None,
        servicenow=clients.servicenow is not None,
        mail=bool(settings.smtp_url),
        instance=instance,
    )
    known = handlers(settings, database, rules, clients, now)
    worker = Worker(
        database,
        known,
        now=now,
        classify=classify,
        limits=LIMITS,
        owner=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}",
        threads=settings.workers,
        on_parked=on_parked,
        merged=MERGED,
    )
    specs = [spec for spec in SCHEDULES if spec.kind in known]
    clock = Clock(database, specs, now, worker.wake)
    bolt = _bolt(settings, database, rules, clients, now, worker)
    web = create_app(
        WebDeps(
            database=database,
            now=now,
            rules=rules,
            wake=worker.wake,
            base_url=settings.public_url,
            link_key=settings.key("links"),
            api_token=settings.api_token,
            readiness=(lambda: _schema_known(database), lambda: _kinds_known(database, known)),
            off=tuple(settings.off()),
            hint_secret=settings.servicenow_webhook_secret if clients.servicenow is not None else "",
            draw=drawer(rules),
            inventory_token=settings.inventory_token,
            intake=Intake(database, rules, settings.key("product keys"), worker.wake),
        )
    )
    sockets = None
    if bolt is not None and settings.socket_mode:
        client = WebClient(token=settings.slack_bot_token, base_url=f"{settings.slack_api_url.rstrip('/')}/")
        sockets = SocketRunner(bolt, settings.slack_app_token, client)
    elif bolt is not None:
        mount(web, bolt)
    return Service(settings, now, database, rules, clients, worker, clock, bolt, web, sockets)


def _bolt(
    settings: Settings,
    database: Database,
    rules: ActiveRules,
    clients: Clients,
    now: ServiceClock,
    worker: Worker,
) -> App | None:
    if clients.slack is None:
        return None
    return build_app(
        BotDeps(
            database=database,
            now=now,
            rules=rules,
            slack=SlackScreen(clients.slack),
            settings=settings,
            wake=worker.wake,
        )
    )


def _schema_known(database: Database) -> str:
    """A sentence when the tables are of another version: somebody migrated while we ran, or went back."""
    at, head = migrations.current(database.engine), migrations.head()
    if at == head:
        return ""
    return f"The database is at revision {at}, this version needs {head}: run seatkeeper migrate, then start again."


def _kinds_known(database: Database, known: Mapping[str, Handler]) -> str:
    """A sentence when work waits that this version cannot do; a renamed job kind shows here."""
    unknown = unknown_kinds(database, known)
    if not unknown:
        return ""
    return (
        f"Work of a kind this version does not know waits: {', '.join(sorted(unknown))}. Start the version that does."
    )


def utc_now() -> datetime:
    """The machine's own time, for commands that run beside the service."""
    return datetime.now(UTC)
