"""The stand-ins, the clock they share and the company in them, running in one process.

Everything lives in one folder, so that a second start goes on where the first one stopped: a journal per system, the
clock's offset, the keys, the certificates. `sandbox.json` says where each part listens.

Two things only the process that started us can do, because Seatkeeper is its child: stop it, and start all over. We
write the wish into the folder and wait for the answer beside it; without such a process the page says so.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sandbox import inventory
from sandbox.agents import Agents
from sandbox.certificates import Authority, make_ca
from sandbox.clock import SandboxClock
from sandbox.company import Company, first_morning, load
from sandbox.company_seed import fill_graph, fill_servicenow, fill_slack
from sandbox.faults import Faults
from sandbox.graph import GraphStandIn, create_graph
from sandbox.mail import MailStandIn
from sandbox.page_world import CastMember
from sandbox.servicenow import ServiceNow, create_servicenow
from sandbox.servicenow_seed import seed_defaults
from sandbox.slack import SlackStandIn, create_slack
from sandbox.store import Store
from sandbox.traffic import Traffic

TENANT = "5ea7c0de-0000-4000-8000-000000000001"
READER = "5ea7c0de-0000-4000-8000-000000000002"
WRITER = "5ea7c0de-0000-4000-8000-000000000003"
READS = (
    "User.Read.All",
    "LicenseAssignment.Read.All",
    "GroupMember.Read.All",
    "Organization.Read.All",
    "Application.Read.All",
    "AuditLog.Read.All",
    "DeviceManagementManagedDevices.Read.All",
    "Reports.Read.All",
    "ReportSettings.Read.All",
)
WRITES = ("LicenseAssignment.ReadWrite.All", "GroupMember.ReadWrite.All", "User.Read.All")
ACCOUNT = "seatkeeper"
COMMANDS = ("/licence", "/license")
SHORTCUTS = ("request_licence",)
#: Who is listed by name on the page, and what they are in the story.
CAST = (
    ("ana", "employee"),
    ("ben", "her manager"),
    ("chitra", "product owner"),
    ("dara", "licence manager"),
    ("eli", "IT"),
    ("fatima", "finance"),
    ("goran", "procurement"),
)
#: How long a wish may take: starting over migrates and fills a database.
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Keys:
    """Secrets of the demo, made once per folder; they open nothing but the stand-ins."""

    secret_key: str
    api_token: str
    inventory_token: str
    webhook_secret: str
    slack_bot_token: str
    slack_app_token: str
    slack_signing_secret: str
    m365_secret: str
    m365_write_secret: str
    servicenow_secret: str
    servicenow_password: str


@dataclass(frozen=True)
class Ports:
    """Where each part listens; 0 takes a free one."""

    slack: int = 0
    graph: int = 0
    servicenow: int = 0
    mail: int = 0
    page: int = 0


def keys(folder: Path) -> Keys:
    """The keys of this folder, made when missing."""
    file = folder / "keys.json"
    if file.exists():
        return Keys(**json.loads(file.read_text(encoding="ascii")))
    made = Keys(
        secret_key=secrets.token_urlsafe(48),
        api_token=f"example-{secrets.token_hex(12)}",
        inventory_token=f"example-{secrets.token_hex(12)}",
        webhook_secret=f"example-{secrets.token_hex(12)}",
        slack_bot_token=f"xoxb-example-{secrets.token_hex(12)}",
        slack_app_token=f"xapp-example-{secrets.token_hex(12)}",
        slack_signing_secret=secrets.token_hex(16),
        m365_secret=f"example-{secrets.token_hex(12)}",
        m365_write_secret=f"example-{secrets.token_hex(12)}",
        servicenow_secret=f"example-{secrets.token_hex(12)}",
        servicenow_password=f"example-{secrets.token_hex(12)}",
    )
    folder.mkdir(parents=True, exist_ok=True)
    write(file, json.dumps(asdict(made), indent=1), mode=0o600)
    return made


def write(file: Path, text: str, mode: int = 0o644) -> None:
    """Replace a file at once, so that whoever reads it never sees half of it."""
    fresh = file.with_name(f"{file.name}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.chmod(mode)
    fresh.replace(file)


class World:
    """The running stand-ins. `service_url` is where Seatkeeper will listen; its press address follows from it."""

    tour_product = "copilot"

    def __init__(
        self,
        folder: Path,
        ports: Ports = Ports(),
        *,
        service_url: str = "",
        supervised: bool = False,
        real_now: datetime | None = None,
    ) -> None:
        self.folder = folder
        self.keys = keys(folder)
        self.service_url = service_url
        self._supervised = supervised
        self.clock = SandboxClock(folder / "clock")
        self._set_clock(real_now)
        self.company = self._company()
        self.traffic = Traffic()
        self.agents = Agents(folder, self.company, self.clock, self.traffic)
        self._stores = {name: Store(folder / f"{name}.journal") for name in ("slack", "graph", "servicenow", "mail")}
        self._authority: Authority = make_ca(folder / "certificates")
        self.slack = self._make_slack(ports.slack)
        self.graph = self._make_graph(ports.graph)
        self.servicenow = self._make_servicenow(ports.servicenow)
        self.mail = MailStandIn(self._stores["mail"], self.clock, self.traffic, Faults(), ports.mail)
        if service_url:
            self.slack.request_url = f"{service_url.rstrip('/')}/slack/events"
        if self.slack.world.user(self.cast[0].user_id) is None:
            self.fill()

    # -- what the page asks for ------------------------------------------------------------------------------------

    @property
    def api_token(self) -> str:
        return self.keys.api_token

    @property
    def inventory_token(self) -> str:
        return self.keys.inventory_token

    @property
    def cast(self) -> Sequence[CastMember]:
        return [CastMember(str(self.company.people[key].slack_id), role) for key, role in CAST]

    def stop_worker(self) -> str:
        """Seatkeeper's process ends at once, as in a power cut, and starts again a few seconds later."""
        return self._wish("stop")

    def start_over(self) -> None:
        """The company as on its first morning: stand-ins emptied and filled, Seatkeeper's database made anew."""
        self._wish("halt")
        for store in self._stores.values():
            store.clear()
        for faults in (self.slack.faults, self.graph.faults, self.servicenow.faults, self.mail.faults):
            faults.clear()
        (self.folder / "clock").unlink(missing_ok=True)
        (self.folder / "day").unlink(missing_ok=True)
        self._set_clock(None)
        self.company = self._company()
        self.agents.start_over(self.company)
        self.traffic.clear()
        self.fill()
        self._wish("fresh")

    # -- life ------------------------------------------------------------------------------------------------------

    def start(self) -> World:
        self.slack.start()
        self.graph.start()
        self.servicenow.start()
        self.mail.start()
        return self

    def stop(self) -> None:
        for standin in (self.slack, self.graph, self.servicenow, self.mail):
            standin.stop()
        for store in self._stores.values():
            store.close()

    def fill(self) -> None:
        """Put the company into the three systems."""
        seed_defaults(self.servicenow.instance, self.servicenow.auth.users)
        fill_graph(self.graph.directory, self.company, inventory.load(self.company))
        fill_servicenow(self.servicenow.instance, self.company)
        fill_slack(self.slack, self.company)  # last: its first person is the mark that all is there

    def environment(self) -> dict[str, str]:
        """Settings by which Seatkeeper finds the stand-ins."""
        return {
            "SECRET_KEY": self.keys.secret_key,
            "API_TOKEN": self.keys.api_token,
            "INVENTORY_TOKEN": self.keys.inventory_token,
            "SLACK_BOT_TOKEN": self.keys.slack_bot_token,
            "SLACK_SIGNING_SECRET": self.keys.slack_signing_secret,
            "SLACK_API_URL": self.slack.api_url,
            "M365_TENANT_ID": TENANT,
            "M365_CLIENT_ID": READER,
            "M365_CLIENT_SECRET": self.keys.m365_secret,
            "M365_WRITE_CLIENT_ID": WRITER,
            "M365_WRITE_CLIENT_SECRET": self.keys.m365_write_secret,
            "M365_AUTHORITY": self.graph.url,
            "GRAPH_URL": self.graph.graph_url,
            "M365_CA_BUNDLE": str(self._authority.ca.resolve()),
            "SERVICENOW_URL": self.servicenow.url,
            "SERVICENOW_CLIENT_ID": "seatkeeper-client",
            "SERVICENOW_CLIENT_SECRET": self.keys.servicenow_secret,
            "SERVICENOW_WEBHOOK_SECRET": self.keys.webhook_secret,
            "SMTP_URL": self.mail.url,
            "CLOCK_OFFSET_FILE": str((self.folder / "clock").resolve()),
        }

    # -- making ----------------------------------------------------------------------------------------------------

    def _set_clock(self, real_now: datetime | None) -> None:
        """On the first start the company's morning begins; later the clock goes on from where it was."""
        day = self.folder / "day"
        if day.exists():
            return
        real = real_now or datetime.now(UTC)
        morning = first_morning(real)
        write(self.folder / "clock", f"{(morning - real).total_seconds():.0f}")
        write(day, morning.date().isoformat())

    def _company(self) -> Company:
        return load(date.fromisoformat((self.folder / "day").read_text(encoding="ascii").strip()))

    def _make_slack(self, port: int) -> SlackStandIn:
        return create_slack(
            self._stores["slack"],
            self.clock,
            self.traffic,
            Faults(),
            port,
            signing_secret=self.keys.slack_signing_secret,
            bot_token=self.keys.slack_bot_token,
            app_token=self.keys.slack_app_token,
            commands=COMMANDS,
            shortcuts=SHORTCUTS,
        )

    def _make_graph(self, port: int) -> GraphStandIn:
        clients: dict[str, dict[str, Any]] = {
            READER: {"secret": self.keys.m365_secret, "roles": list(READS)},
            WRITER: {"secret": self.keys.m365_write_secret, "roles": list(WRITES)},
        }
        return create_graph(
            self._stores["graph"],
            self.clock,
            self.traffic,
            Faults(),
            port,
            tenant_id=TENANT,
            clients=clients,
            certificate=self._authority.pair,
        )

    def _make_servicenow(self, port: int) -> ServiceNow:
        return create_servicenow(
            self._stores["servicenow"],
            self.clock,
            self.traffic,
            Faults(),
            port,
            users={ACCOUNT: {"password": self.keys.servicenow_password, "roles": ["itil"]}},
            oauth={"seatkeeper-client": {"secret": self.keys.servicenow_secret, "user": ACCOUNT}},
        )

    # -- wishes ----------------------------------------------------------------------------------------------------

    def _wish(self, word: str) -> str:
        """Ask the process that started us, and wait for its sentence. Raises TimeoutError without an answer."""
        if not self._supervised:
            return "Seatkeeper was not started by the demo, so it is not touched from here."
        wish, answer = self.folder / "wish", self.folder / "answer"
        token = secrets.token_hex(8)
        answer.unlink(missing_ok=True)
        write(wish, json.dumps({"wish": word, "token": token}))
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            with suppress(FileNotFoundError, ValueError):
                said = json.loads(answer.read_text(encoding="utf-8"))
                if said["token"] == token:
                    return str(said["words"])
            time.sleep(0.05)
        raise TimeoutError("The demo did not answer. Stop it with Ctrl-C and start it again.")
