"""Signed deliveries as Slack sends them, ready to be written to a socket.

The body of a press is the whole interaction: who, where, and a copy of the message with all its blocks, as rendered
from the stored request. Signatures are made beforehand and hold for five minutes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection

from benchmarks.company import Open
from bot.ids import Action, Ref
from bot.views.approval_card import approval_card
from workflows.policy import Policy
from workflows.reads.approvals import approvals

PATH = "/slack/events"
TEAM = {"id": "T0EXAMPLE", "domain": "example"}
APP_ID = "A0EXAMPLE"
_CARDS_AT_ONCE = 200
_FORM = "application/x-www-form-urlencoded"


def presses(connection: Connection, waiting: Sequence[Open], now: datetime) -> list[dict[str, Any]]:
    """The block_actions body of "Approve" on each of these cards."""
    policy = Policy()
    bodies: list[dict[str, Any]] = []
    for first in range(0, len(waiting), _CARDS_AT_ONCE):
        some = waiting[first : first + _CARDS_AT_ONCE]
        facts = approvals(connection, [one.approver_id for one in some], now, policy)
        for one in some:
            message = approval_card(facts[one.approver_id])
            bodies.append(_press(one, message.text, message.blocks, now))
    return bodies


def _press(one: Open, text: str, blocks: Sequence[Any], now: datetime) -> dict[str, Any]:
    shown = [{"block_id": f"b{number}", **block} for number, block in enumerate(blocks)]
    buttons = next(block for block in reversed(shown) if block["type"] == "actions")
    button = next(element for element in buttons["elements"] if element["action_id"] == Action.APPROVE.value)
    assert button["value"] == str(Ref(one.approver_id, one.version)), "the card's button names another row"
    channel, stamp = f"D{one.approver_id:08d}", f"{now.timestamp():.6f}"
    return {
        "type": "block_actions",
        "token": "example-verification-token",
        "api_app_id": APP_ID,
        "enterprise": None,
        "is_enterprise_install": False,
        "team": TEAM,
        "user": _user(one.manager_slack),
        "container": {"type": "message", "message_ts": stamp, "channel_id": channel, "is_ephemeral": False},
        "channel": {"id": channel, "name": "directmessage"},
        "message": {
            "type": "message",
            "user": "U0EXAMPLEBOT",
            "bot_id": "B0EXAMPLE",
            "app_id": APP_ID,
            "team": TEAM["id"],
            "ts": stamp,
            "text": text,
            "blocks": shown,
        },
        "state": {"values": {}},
        "trigger_id": f"{one.approver_id}.{int(now.timestamp())}.0123456789abcdef0123456789abcdef",
        "response_url": f"https://hooks.slack.example/actions/{TEAM['id']}/{one.approver_id}/abcdefghijklmnopqrstuvwx",
        "actions": [{"block_id": buttons["block_id"], "action_ts": stamp, **button}],
    }


def _user(slack_id: str) -> dict[str, str]:
    return {"id": slack_id, "username": slack_id.lower(), "name": slack_id.lower(), "team_id": TEAM["id"]}


def home_opened(slack_id: str, number: int, now: datetime) -> dict[str, Any]:
    """The event of somebody opening the Home tab."""
    return {
        "type": "event_callback",
        "token": "example-verification-token",
        "team_id": TEAM["id"],
        "api_app_id": APP_ID,
        "event": {
            "type": "app_home_opened",
            "user": slack_id,
            "channel": f"D{slack_id[1:]}",
            "tab": "home",
            "event_ts": f"{now.timestamp():.6f}",
        },
        "event_id": f"Ev{number:010d}",
        "event_time": int(now.timestamp()),
        "is_ext_shared_channel": False,
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": TEAM["id"],
                "user_id": "U0EXAMPLEBOT",
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
    }


def command(slack_id: str, words: str, number: int) -> dict[str, str]:
    """The fields of `/licence words`."""
    return {
        "token": "example-verification-token",
        "team_id": TEAM["id"],
        "team_domain": TEAM["domain"],
        "channel_id": f"D{slack_id[1:]}",
        "channel_name": "directmessage",
        "user_id": slack_id,
        "user_name": slack_id.lower(),
        "command": "/licence",
        "text": words,
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
        "response_url": f"https://hooks.slack.example/commands/{TEAM['id']}/{number}/abcdefghijklmnopqrstuvwx",
        "trigger_id": f"{number}.0.0123456789abcdef0123456789abcdef",
    }


def interaction(body: dict[str, Any], secret: str) -> bytes:
    """A press or a form as Slack posts it: JSON in one form field."""
    return _signed(urlencode({"payload": json.dumps(body)}), _FORM, secret)


def event(body: dict[str, Any], secret: str) -> bytes:
    return _signed(json.dumps(body), "application/json", secret)


def slash(fields: dict[str, str], secret: str) -> bytes:
    return _signed(urlencode(fields), _FORM, secret)


def _signed(body: str, content_type: str, secret: str) -> bytes:
    stamp = str(int(time.time()))
    digest = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    content = body.encode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Slackbot 1.0 (+https://api.slack.com/robots)\r\n"
        f"Accept: application/json,*/*\r\nAccept-Encoding: gzip,deflate\r\nContent-Type: {content_type}\r\n"
        f"X-Slack-Request-Timestamp: {stamp}\r\nX-Slack-Signature: v0={digest}\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode("ascii") + content
