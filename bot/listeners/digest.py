"""[Open Home] on the digest: what the Home tab holds, shown where the reader is."""

from __future__ import annotations

from collections.abc import Mapping

from slack_bolt import App

from bot import payloads
from bot.deps import BotDeps
from bot.ids import Action
from bot.listeners.base import Ack, Body, Handler, Listener
from bot.views import modals as m
from bot.views.home import home_view
from workflows.reads.home import home
from workflows.refusals import UnknownPerson


def register(app: App, deps: BotDeps) -> None:
    """Before the listener that takes what no other knows."""
    Digest(deps).listen(app)


class Digest(Listener):
    """The one button that is the digest's own."""

    def table(self) -> Mapping[Action, Handler]:
        return {Action.OPEN_HOME: self.open_home}

    def open_home(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            now = self.deps.now()
            facts = home(connection, self.deps.rules().policy, by.id, now)
        if facts is None:
            raise UnknownPerson
        self.window(press, m.shown("Home", *home_view(facts, now)["blocks"]))
        ack()
