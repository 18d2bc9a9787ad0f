"""The manifest, the ids and the registered listeners say the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import yaml

from bot.deps import BotDeps
from bot.ids import Action, Callback
from bot.listeners.actions import Actions
from bot.listeners.alerts import Alerts
from bot.listeners.commands import COMMANDS
from bot.listeners.decisions import Decisions
from bot.listeners.differences import Differences
from bot.listeners.digest import Digest
from bot.listeners.events import EVENTS
from bot.listeners.form import Form
from bot.listeners.home import Home
from bot.listeners.names import Names
from bot.listeners.positions import Positions
from bot.listeners.questions import Questions
from bot.listeners.reclaim import Reclaim
from bot.listeners.renewals import Renewals
from bot.listeners.still_needed import StillNeeded
from bot.listeners.stuck import Stuck
from bot.listeners.views import Views
from bot.questions import KINDS
from bot.views.answers import WORDS

MANIFEST: dict[str, Any] = yaml.safe_load((Path(__file__).resolve().parents[2] / "manifest.yaml").read_text())
NO_DEPS = cast(BotDeps, None)
PARTS = (
    Decisions(NO_DEPS), Form(NO_DEPS), Actions(NO_DEPS), Home(NO_DEPS), Stuck(NO_DEPS), Digest(NO_DEPS),
    Positions(NO_DEPS), Names(NO_DEPS), Alerts(NO_DEPS), Differences(NO_DEPS), Reclaim(NO_DEPS),
    StillNeeded(NO_DEPS), Renewals(NO_DEPS), *(Questions(NO_DEPS, kind) for kind in KINDS),
)  # fmt: skip


def test_every_button_has_one_listener() -> None:
    handled = [action for part in PARTS for action in part.table()]
    assert sorted(handled) == sorted(set(handled))
    assert set(handled) == set(Action)


def test_every_window_has_a_listener() -> None:
    windows = [
        *Views(NO_DEPS).windows(),
        *Stuck(NO_DEPS).windows(),
        *Positions(NO_DEPS).windows(),
        *Names(NO_DEPS).windows(),
        *Alerts(NO_DEPS).windows(),
        *Reclaim(NO_DEPS).windows(),
        *Differences(NO_DEPS).windows(),
        *StillNeeded(NO_DEPS).windows(),
        *Renewals(NO_DEPS).windows(),
    ]
    assert sorted(windows) == sorted(set(windows))
    assert set(windows) == set(Callback) - {Callback.SHORTCUT}


def test_the_manifest_names_what_is_listened_to() -> None:
    features = MANIFEST["features"]
    assert tuple(command["command"] for command in features["slash_commands"]) == COMMANDS
    for command in features["slash_commands"]:
        hinted = [one.split()[0] for one in command["usage_hint"].split(" | ")]
        assert hinted == list(WORDS)
    assert [shortcut["callback_id"] for shortcut in features["shortcuts"]] == [Callback.SHORTCUT]
    assert tuple(MANIFEST["settings"]["event_subscriptions"]["bot_events"]) == EVENTS
