"""The global shortcut "Ask for a licence"."""

from __future__ import annotations

from slack_bolt import App

from bot import payloads
from bot.deps import BotDeps
from bot.ids import Callback
from bot.listeners.base import Ack, Body
from bot.listeners.form import Form
from bot.views.request_modal import Asking


def register(app: App, deps: BotDeps) -> None:
    app.shortcut(Callback.SHORTCUT.value)(Shortcuts(deps).ask)


class Shortcuts(Form):
    """From anywhere in Slack to the form."""

    def ask(self, ack: Ack, body: Body) -> None:
        with self.look(payloads.user_of(body)) as (connection, by):
            view = self.form(connection, by, Asking())
        self.deps.slack.open_view(str(body.get("trigger_id") or ""), view)
        ack()
