"""The Slack manifest: what the official schema accepts, in both modes, and no right more than is used."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs/reference/slack-manifest.schema.json").read_text())
EVENTS_URL = "https://seatkeeper.example.com/slack/events"


@pytest.fixture
def manifest() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yaml").read_text())
    return loaded


def without_urls(manifest: dict[str, Any]) -> dict[str, Any]:
    """The same app for Socket Mode, as the README tells it: no URLs, and the mode switched on."""
    changed = copy.deepcopy(manifest)
    for command in changed["features"]["slash_commands"]:
        del command["url"]
    del changed["settings"]["event_subscriptions"]["request_url"]
    for name in ("request_url", "message_menu_options_url"):
        del changed["settings"]["interactivity"][name]
    changed["settings"]["socket_mode_enabled"] = True
    return changed


def test_slacks_own_schema_accepts_it(manifest: dict[str, Any]) -> None:
    jsonschema.validate(manifest, SCHEMA)


def test_slacks_own_schema_accepts_the_socket_mode_variant(manifest: dict[str, Any]) -> None:
    variant = without_urls(manifest)
    jsonschema.validate(variant, SCHEMA)
    assert "://" not in json.dumps(variant)


def test_the_schema_refuses_a_slip(manifest: dict[str, Any]) -> None:
    manifest["features"]["slash_commands"][0]["command"] = "licence"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(manifest, SCHEMA)


def test_it_asks_for_these_rights_and_no_more(manifest: dict[str, Any]) -> None:
    rights = ["commands", "chat:write", "users:read", "users:read.email", "files:write", "files:read"]
    assert manifest["oauth_config"] == {"scopes": {"bot": rights}}
    assert manifest["settings"]["event_subscriptions"]["bot_events"] == [
        "app_home_opened",
        "app_uninstalled",
        "tokens_revoked",
    ]


def test_every_url_is_the_one_the_service_listens_at(manifest: dict[str, Any]) -> None:
    settings = manifest["settings"]
    urls = [command["url"] for command in manifest["features"]["slash_commands"]]
    urls += [settings["event_subscriptions"]["request_url"], settings["interactivity"]["request_url"]]
    urls += [settings["interactivity"]["message_menu_options_url"]]  # without it no product search is ever asked
    assert set(urls) == {EVENTS_URL}


def test_people_can_be_written_to(manifest: dict[str, Any]) -> None:
    """With the messages tab off, every direct message fails with `messages_tab_disabled`."""
    assert manifest["features"]["app_home"] == {
        "home_tab_enabled": True,
        "messages_tab_enabled": True,
        "messages_tab_read_only_enabled": False,
    }
