"""The doctor against running stand-ins: what is right is said, each thing that is wrong has its line and its cure."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from sqlalchemy import update

from bot import cli_doctor
from bot.bootstrap import connect
from bot.doctor_checks import SCOPES, Line
from bot.doctor_servicenow import servicenow
from bot.settings import Settings, SettingsError
from model.licences import Product
from sandbox.clock import SandboxClock
from sandbox.faults import Faults
from sandbox.servicenow import add_catalog_item
from sandbox.slack import SlackStandIn, create_slack
from sandbox.store import Store
from sandbox.traffic import Traffic
from tests.http import sandbox_graph_tenant, servicenow_standin
from tests.http.smtp_standin import Post, posting
from tests.http.web_company import Company, found
from workflows.policy import Policy

READER, WRITER, ADMIN, BASIC = (f"{digit * 8}-1111-4111-8111-{digit * 12}" for digit in "1234")
GRAPH_APPS = {
    READER: sandbox_graph_tenant.CLIENTS["reader-app"],
    WRITER: sandbox_graph_tenant.CLIENTS["writer-app"],
    ADMIN: sandbox_graph_tenant.CLIENTS["admin-app"],
    BASIC: {"secret": "example-secret", "roles": ["User.ReadBasic.All", "Application.Read.All"]},
}


class Town:
    """Everything outside, running, and the settings that lead there."""

    def __init__(self, stack: ExitStack, folder: Path, url: str) -> None:
        self.company: Company = found(url)
        stack.callback(self.company.database.dispose)
        self.graph = stack.enter_context(sandbox_graph_tenant.running(folder, clients=GRAPH_APPS))
        self.snow = stack.enter_context(servicenow_standin.running())
        self.post: Post = stack.enter_context(posting())
        self.stack = stack
        self.settings = Settings(
            database_url=url,
            secret_key="x" * 40,
            base_url="https://seatkeeper.example.com",
            slack_bot_token="xoxb-example-bot",
            slack_signing_secret="example",
            slack_api_url=self.slack(tuple(SCOPES)),
            m365_tenant_id=sandbox_graph_tenant.TENANT,
            m365_client_id=READER,
            m365_client_secret="example-secret",
            m365_write_client_id=WRITER,
            m365_write_client_secret="example-secret",
            m365_authority=self.graph.graph.url,
            graph_url=self.graph.graph.graph_url,
            m365_ca_bundle=str(self.graph.ca.ca),
            servicenow_url=self.snow.url,
            servicenow_user="seatkeeper",
            servicenow_password="example-password",
            smtp_url=self.post.url,
        )

    def slack(self, scopes: tuple[str, ...]) -> str:
        standin: SlackStandIn = create_slack(
            Store(None), SandboxClock(), Traffic(), Faults(), signing_secret="example", bot_token="xoxb-example-bot",
            app_token="xapp-example-app", scopes=scopes,
        ).start()  # fmt: skip
        self.stack.callback(standin.stop)
        return f"{standin.url}/api/"

    def lines(self, **changes: object) -> list[Line]:
        settings = replace(self.settings, **changes)  # type: ignore[arg-type]
        return list(cli_doctor.examine(settings, lambda: datetime.now(UTC)))

    def wrong(self, level: str = "fail", **changes: object) -> list[str]:
        return [f"{line.part}: {line.words}" for line in self.lines(**changes) if line.level == level]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    copy = folder / "town.db"
    copy.write_bytes(migrated_file.read_bytes())
    with ExitStack() as stack:
        yield Town(stack, folder, f"sqlite:///{copy}")


def test_a_town_in_order_has_no_failure(town: Town) -> None:
    found = town.lines()
    assert [line for line in found if line.level == "fail"] == []
    said = [f"{line.part}: {line.words}" for line in found if line.level == "ok"]
    for words in (
        "Database: Reached, and at this version's schema.", "Policy: Version 1 is in force.",
        "Slack: The clocks agree.", "Slack: The bot token has the scopes of the manifest.",
        "Microsoft 365: The registration that reads has what it needs.",
        "Microsoft 365: The registration that writes has what it needs.", "ServiceNow: Signed in.",
        "Mail: The mail server takes our sign-in.",
    ):  # fmt: skip
        assert words in said, said


def test_the_scopes_are_those_of_the_manifest(town: Town) -> None:
    manifest = yaml.safe_load((Path(__file__).parents[2] / "manifest.yaml").read_text())
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == SCOPES
    (missing,) = town.wrong(
        slack_api_url=town.slack(("commands", "users:read", "users:read.email", "files:write", "files:read"))
    )
    assert missing.startswith("Slack: The bot token lacks chat:write: add it under OAuth & Permissions")
    extra = town.wrong("warn", slack_api_url=town.slack((*SCOPES, "channels:history")))
    assert "Slack: The bot token may do more than is used: remove channels:history." in extra
    assert any("BASE_URL is not https" in words for words in town.wrong("warn", base_url="http://x.example"))


def test_a_wrong_token_or_secret_names_its_setting(town: Town) -> None:
    (slack,) = town.wrong(slack_bot_token="xoxb-wrong")
    assert slack.startswith("Slack: check token:")
    (graph,) = town.wrong(m365_client_secret="wrong")
    assert "M365_CLIENT_SECRET" in graph
    (snow,) = town.wrong(servicenow_password="wrong")
    assert snow.startswith("ServiceNow:")
    town.post.answers["CONNECT"] = "554 no"
    (mail,) = town.wrong()
    del town.post.answers["CONNECT"]
    assert mail == "Mail: send mail: the server turned us away (554)."


def test_permissions_are_named_exactly(town: Town) -> None:
    bare = town.wrong(m365_client_id=BASIC)
    assert any("(M365_CLIENT_ID) lacks LicenseAssignment.Read.All" in words for words in bare)
    assert any("(M365_CLIENT_ID) lacks User.Read.All" in words for words in bare)
    same = town.wrong(m365_write_client_id=READER)
    assert any("(M365_WRITE_CLIENT_ID) lacks LicenseAssignment.ReadWrite.All" in words for words in same)
    one = town.wrong("warn", m365_write_client_id="", m365_write_client_secret="")
    assert any("One registration reads and writes" in words for words in one)


def test_a_registration_that_could_delete_people_fails(town: Town) -> None:
    """One DELETE without /$ref deletes a person from the directory; without the permission it cannot."""
    failed = town.wrong(m365_write_client_id=ADMIN)
    assert any(
        "M365_WRITE_CLIENT_ID holds Directory.ReadWrite.All and User.ReadWrite.All, with which a mistake can delete"
        in words
        for words in failed
    )


def test_catalogue_items_and_close_codes_are_compared_with_the_instance(town: Town) -> None:
    instance = town.snow.standin.instance
    good = add_catalog_item(instance, "Miro seat", price="15", variables=[("seatkeeper_key", "Key", False)])
    database = town.company.database
    with database.unit_of_work() as work:
        ids = {town.company.miro: good, town.company.copilot: town.snow.cheap}
        for product, item in ids.items():
            values = {"catalog_item_id": item, "purchase_item_id": "0" * 32 if item == good else None}
            work.connection.execute(update(Product).where(Product.id == product).values(**values))
        work.commit()
    try:
        found = [f"{line.level} {line.words}" for line in town.lines() if line.part == "ServiceNow"]
    finally:
        with database.unit_of_work() as work:
            work.connection.execute(update(Product).values(catalog_item_id=None, purchase_item_id=None))
            work.commit()
    assert "ok The catalogue item “Miro seat” can be ordered." in found
    assert any(
        words.startswith("fail The catalogue item “Diagram tool seat” of Microsoft Copilot has no") for words in found
    )
    assert any("0000 of Miro is not there" in words for words in found)
    assert any("Orders above 1,000.00 USD may ask for an approval" in words for words in found)
    policy = Policy.model_validate({"servicenow": {"close_codes": {"fulfilled": {"state": "99"}}}})
    client = connect(town.settings).servicenow
    assert client is not None
    failed = [line.words for line in servicenow(client, policy, []) if line.level == "fail"]
    assert len(failed) == 1
    assert failed[0].startswith("ServiceNow refuses the state “99” in sc_req_item; it knows ")
    assert failed[0].endswith("Choose one of them in policy.yaml, servicenow.close_codes.fulfilled.state.")


def test_a_clock_that_is_off_is_said(town: Town) -> None:
    late = datetime.now(UTC) + timedelta(minutes=6)
    found = [line for line in cli_doctor.examine(town.settings, lambda: late) if "clock" in line.words]
    assert {line.part for line in found if line.level == "fail"} == {"Slack", "Microsoft 365", "ServiceNow"}
    assert "seconds ahead of theirs: signatures and tokens are refused" in found[0].words


def test_what_cannot_be_reached_is_a_line_and_the_rest_goes_on(town: Town, empty_sqlite_url: str) -> None:
    failed = town.wrong(
        database_url=empty_sqlite_url, slack_api_url="http://127.0.0.1:1/api/", servicenow_url="http://127.0.0.1:1",
        smtp_url="smtp://127.0.0.1:1?from=a@b.example",
    )  # fmt: skip
    assert [words.split(":")[0] for words in failed] == ["Database", "Slack", "ServiceNow", "Mail"], failed
    assert "run seatkeeper migrate" in failed[0]
    assert town.wrong(database_url="sqlite:////no/such/folder/x.db")[0].startswith("Database: It cannot be reached")


def test_the_command_ends_with_what_it_found(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    nothing = argparse.Namespace()
    assert cli_doctor.run(nothing, lambda: replace(town.settings, slack_bot_token="xoxb-wrong")) == 1
    assert "fail  Slack: check token" in capsys.readouterr().out
    off = Settings(database_url=town.settings.database_url, secret_key="x" * 40)
    assert cli_doctor.run(nothing, lambda: off) == 0
    assert "warn  Settings: Slack is off" in capsys.readouterr().out

    def wrong() -> Settings:
        raise SettingsError(["PORT must be 1 to 65535; it says 0."])

    assert cli_doctor.run(nothing, wrong) == 2


def test_sources_of_use_are_named_with_what_is_missing(town: Town) -> None:
    """Nothing fails without them, but whoever wonders why every verdict is unknown finds the reason here."""
    bare = town.wrong("warn", m365_client_id=BASIC)
    for permission in ("AuditLog.Read.All", "Reports.Read.All", "ReportSettings.Read.All", "Organization.Read.All"):
        assert any(f"(M365_CLIENT_ID) lacks {permission}, so " in words for words in bare), permission
    assert not any("AuditLog.Read.All" in words for words in town.wrong("warn"))
    town.graph.fault("concealed")
    town.graph.fault("non_premium")
    warned = town.wrong("warn")
    town.graph.faults.clear()
    assert any("hides the names in usage reports" in words for words in warned)
    assert any("no Entra ID P1 or P2" in words for words in warned)
