"""Events besides the Home tab: the app was removed or its token withdrawn, and those we do not listen to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import structlog
from slack_bolt import App

from bot.deps import BotDeps
from bot.listeners.base import Ack

log = structlog.get_logger(__name__)

#: As in manifest.yaml; a test compares.
EVENTS = ("app_home_opened", "app_uninstalled", "tokens_revoked")


def register(app: App, deps: BotDeps) -> None:
    """`app_home_opened` is with the Home listeners."""
    app.event("app_uninstalled")(uninstalled)
    app.event("tokens_revoked")(revoked)
    app.event(re.compile(".*"))(ignored)


def uninstalled(ack: Ack) -> None:
    log.error("the app was removed from the workspace: install it again and set the new SLACK_BOT_TOKEN")
    ack()


def revoked(event: Mapping[str, Any], ack: Ack) -> None:
    tokens = event.get("tokens")
    ours = bool(tokens.get("bot")) if isinstance(tokens, Mapping) else True
    if ours:
        log.error("the bot token was withdrawn: install the app again and set the new SLACK_BOT_TOKEN")
    ack()


def ignored(ack: Ack) -> None:
    """Acknowledged, so that Slack does not repeat it or switch the subscription off."""
    ack()
