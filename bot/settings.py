"""Settings from the environment or `.env`, read once, checked at start.

A wrong or missing one stops the program with a sentence: which, why, and what to put. Outside systems may be absent;
half of one may not.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from dotenv import dotenv_values

#: How Slack's other tokens begin: of an app, of a person, of a configuration, of a browser. Another Slack-compatible
#: system may use whatever it likes.
NO_BOT_TOKENS = ("xapp-", "xoxp-", "xoxe-", "xoxc-")


class SettingsError(Exception):
    """One or more settings are wrong; `problems` holds a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _setting(env: str, default: Any, help: str, *, secret: bool = False) -> Any:
    return field(default=default, metadata={"env": env, "help": help, "secret": secret}, repr=not secret)


@dataclass(frozen=True)
class Settings:
    """Everything that can be set. An empty string means not set."""

    database_url: str = _setting(
        "DATABASE_URL",
        "sqlite:///var/seatkeeper.db",
        "where the data lives: an SQLite file, or postgresql+psycopg://user:password@host/name (15 or newer)",
        secret=True,
    )
    port: int = _setting("PORT", 8080, "the port the service listens on")
    listen: str = _setting("LISTEN", "127.0.0.1", "the address it listens on; 0.0.0.0 behind a reverse proxy")
    base_url: str = _setting("BASE_URL", "", "the address people reach it under, for links; default http://LISTEN:PORT")
    secret_key: str = _setting(
        "SECRET_KEY", "", "at least 32 characters, kept secret: signs links and encrypts secrets at rest", secret=True
    )
    slack_bot_token: str = _setting("SLACK_BOT_TOKEN", "", "the bot token of the Slack app (xoxb-…)", secret=True)
    slack_signing_secret: str = _setting(
        "SLACK_SIGNING_SECRET",
        "",
        "the signing secret of the Slack app; needed unless Socket Mode is used",
        secret=True,
    )
    slack_app_token: str = _setting(
        "SLACK_APP_TOKEN",
        "",
        "an app-level token (xapp-…) with connections:write; set it to use Socket Mode",
        secret=True,
    )
    slack_api_url: str = _setting("SLACK_API_URL", "https://slack.com/api/", "the Slack Web API")
    m365_tenant_id: str = _setting("M365_TENANT_ID", "", "the Microsoft Entra tenant")
    m365_client_id: str = _setting("M365_CLIENT_ID", "", "the app registration that reads")
    m365_client_secret: str = _setting("M365_CLIENT_SECRET", "", "its secret", secret=True)
    m365_client_certificate: str = _setting(
        "M365_CLIENT_CERTIFICATE", "", "or a PEM file with its private key and certificate, in place of the secret"
    )
    m365_write_client_id: str = _setting(
        "M365_WRITE_CLIENT_ID", "", "optional second app registration that writes (LicenseAssignment.ReadWrite.All)"
    )
    m365_write_client_secret: str = _setting("M365_WRITE_CLIENT_SECRET", "", "its secret", secret=True)
    m365_authority: str = _setting(
        "M365_AUTHORITY", "https://login.microsoftonline.com", "where tokens come from; https only"
    )
    graph_url: str = _setting("GRAPH_URL", "https://graph.microsoft.com/v1.0", "Microsoft Graph")
    m365_ca_bundle: str = _setting("M365_CA_BUNDLE", "", "a CA file to trust for both, in place of the usual ones")
    servicenow_url: str = _setting("SERVICENOW_URL", "", "the ServiceNow instance, https://acme.service-now.com")
    servicenow_client_id: str = _setting("SERVICENOW_CLIENT_ID", "", "OAuth client; alone: client credentials")
    servicenow_client_secret: str = _setting("SERVICENOW_CLIENT_SECRET", "", "its secret", secret=True)
    servicenow_user: str = _setting(
        "SERVICENOW_USER", "", "integration user: with the client, password grant; alone, basic"
    )
    servicenow_password: str = _setting("SERVICENOW_PASSWORD", "", "its password", secret=True)
    servicenow_webhook_secret: str = _setting(
        "SERVICENOW_WEBHOOK_SECRET", "", "what the instance sends with its hints to /webhooks/servicenow", secret=True
    )
    inventory_token: str = _setting("INVENTORY_TOKEN", "", "what inventory agents send to /inventory", secret=True)
    api_token: str = _setting(
        "API_TOKEN", "", "bearer token of /api/v1 and /metrics; without it both are off", secret=True
    )
    policy_file: str = _setting("POLICY_FILE", "policy.yaml", "the policy in force from the first start")
    smtp_url: str = _setting(
        "SMTP_URL",
        "",
        "optional mail server for people without Slack: smtp://user:password@host:port?from=address",
        secret=True,
    )
    workers: int = _setting("WORKERS", 4, "threads that do the work outside")
    clock_offset_file: str = _setting(
        "CLOCK_OFFSET_FILE", "", "demo only: a file with the seconds by which the clock is ahead"
    )

    @property
    def slack_on(self) -> bool:
        return bool(self.slack_bot_token)

    @property
    def socket_mode(self) -> bool:
        return bool(self.slack_app_token)

    @property
    def graph_on(self) -> bool:
        return bool(self.m365_tenant_id)

    @property
    def servicenow_on(self) -> bool:
        return bool(self.servicenow_url)

    @property
    def public_url(self) -> str:
        return (self.base_url or f"http://{self.listen}:{self.port}").rstrip("/")

    def key(self, purpose: str) -> bytes:
        """32 bytes derived from SECRET_KEY for one purpose (RFC 5869), so that keys are never shared by two uses."""
        derive = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"seatkeeper:{purpose}".encode())
        return derive.derive(self.secret_key.encode())

    def off(self) -> list[str]:
        """A sentence for each outside system that is not connected."""
        sentences = []
        if not self.slack_on:
            sentences.append("Slack is off: set SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET to connect a workspace.")
        if not self.graph_on:
            sentences.append("Microsoft 365 is off: set M365_TENANT_ID and a registration to give seats there.")
        if not self.servicenow_on:
            sentences.append("ServiceNow is off: set SERVICENOW_URL and a sign-in to order and record there.")
        if not self.smtp_url:
            sentences.append("Mail is off: people without Slack cannot be asked; their manager is asked. Set SMTP_URL.")
        return sentences


def load(environment: Mapping[str, str] | None = None, dotenv: Path | None = Path(".env")) -> Settings:
    """Read and check. The environment wins over the file. Raises SettingsError with all problems at once."""
    values: dict[str, str] = {}
    if dotenv is not None and dotenv.exists():
        values.update({k: v for k, v in dotenv_values(dotenv).items() if v is not None})
    values.update(os.environ if environment is None else environment)
    problems: list[str] = []
    read: dict[str, Any] = {}
    for one in fields(Settings):
        name = one.metadata["env"]
        raw = values.get(name, "").strip()
        if not raw:
            continue
        if one.type == "int":
            if raw.isascii() and raw.isdigit():
                read[one.name] = int(raw)
            else:
                problems.append(f"{name} must be a whole number; it says {raw!r}.")
        else:
            read[one.name] = raw
    settings = Settings(**read)
    problems += _problems(settings)
    if problems:
        raise SettingsError(problems)
    return settings


def _problems(settings: Settings) -> list[str]:
    found = []
    if len(settings.secret_key) < 32:
        found.append(
            "SECRET_KEY must have at least 32 characters: it signs links and encrypts secrets. "
            'Put the output of: python -c "import secrets; print(secrets.token_urlsafe(48))"'
        )
    if not 1 <= settings.port <= 65535:
        found.append(f"PORT must be 1 to 65535; it says {settings.port}.")
    if not 1 <= settings.workers <= 64:
        found.append(f"WORKERS must be 1 to 64; it says {settings.workers}.")
    if settings.slack_on and not (settings.slack_signing_secret or settings.slack_app_token):
        found.append(
            "SLACK_SIGNING_SECRET is missing: without it anybody could press buttons. Copy it from Basic Information "
            "of the Slack app, or set SLACK_APP_TOKEN to use Socket Mode."
        )
    if not settings.slack_on and (settings.slack_signing_secret or settings.slack_app_token):
        found.append("SLACK_BOT_TOKEN is missing: copy it from OAuth & Permissions of the Slack app.")
    if settings.slack_bot_token.startswith(NO_BOT_TOKENS):
        found.append(
            f"SLACK_BOT_TOKEN begins with {settings.slack_bot_token[:5]}, which no bot token does: copy the one that "
            "begins with xoxb- from OAuth & Permissions of the Slack app."
        )
    if settings.slack_app_token and not settings.slack_app_token.startswith("xapp-"):
        found.append("SLACK_APP_TOKEN must begin with xapp-: make an app-level token with connections:write.")
    if settings.graph_on:
        if not settings.m365_client_id:
            found.append("M365_CLIENT_ID is missing: put the application id of the app registration.")
        if not (settings.m365_client_secret or settings.m365_client_certificate):
            found.append("M365_CLIENT_SECRET or M365_CLIENT_CERTIFICATE is missing: one of them signs the app in.")
        if bool(settings.m365_write_client_id) != bool(settings.m365_write_client_secret):
            found.append("M365_WRITE_CLIENT_ID and M365_WRITE_CLIENT_SECRET belong together: set both or none.")
        if not settings.m365_authority.startswith("https://"):
            found.append("M365_AUTHORITY must begin with https://: tokens are never asked for in clear.")
    elif settings.m365_client_id:
        found.append("M365_TENANT_ID is missing: put the id of the Microsoft Entra tenant.")
    if settings.servicenow_on:
        client = settings.servicenow_client_id and settings.servicenow_client_secret
        user = settings.servicenow_user and settings.servicenow_password
        if not (client or user):
            found.append(
                "A sign-in for SERVICENOW_URL is missing: set SERVICENOW_CLIENT_ID and SERVICENOW_CLIENT_SECRET, "
                "or SERVICENOW_USER and SERVICENOW_PASSWORD, or all four."
            )
        for one, other in (("CLIENT_ID", "CLIENT_SECRET"), ("USER", "PASSWORD")):
            given = [bool(getattr(settings, f"servicenow_{name.lower()}")) for name in (one, other)]
            if (client or user) and given[0] != given[1]:
                found.append(f"SERVICENOW_{one} and SERVICENOW_{other} belong together: set both or none.")
    for name, url in [
        ("SLACK_API_URL", settings.slack_api_url),
        ("GRAPH_URL", settings.graph_url),
        ("M365_AUTHORITY", settings.m365_authority),
        ("SERVICENOW_URL", settings.servicenow_url),
        ("BASE_URL", settings.base_url),
    ]:
        if url and urlsplit(url).scheme not in ("http", "https"):
            found.append(f"{name} must be a whole address, https://…; it says {url!r}.")
    for name, file in [
        ("M365_CA_BUNDLE", settings.m365_ca_bundle),
        ("M365_CLIENT_CERTIFICATE", settings.m365_client_certificate),
        ("POLICY_FILE", settings.policy_file),
    ]:
        if file and not Path(file).is_file():
            found.append(f"{name} names the file {file!r}, which is not there.")
    if not settings.database_url.startswith(("sqlite:///", "postgresql+psycopg://")):
        found.append("DATABASE_URL must begin with sqlite:/// or postgresql+psycopg://.")
    return found
