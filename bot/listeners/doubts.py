"""The buttons of the question whether devices are one machine or two."""

from __future__ import annotations

from collections.abc import Mapping

from slack_bolt import App

from bot import payloads
from bot.deps import BotDeps
from bot.ids import Action
from bot.listeners.base import Ack, Body, Handler, Listener
from bot.payloads import OldButton, Place
from bot.views import modals as m
from bot.views import text as t
from bot.views.doubt_card import doubt_window
from workflows import device_doubts
from workflows.device_doubts import WHAT, Answer
from workflows.effects import Say, enqueue
from workflows.permissions import Page, require
from workflows.reads.doubts import doubts


def register(app: App, deps: BotDeps) -> None:
    """Before the listeners that take what no other knows."""
    for action, handler in Doubts(deps).table().items():
        app.action(action.value)(handler)


class Doubts(Listener):
    """One short method per button; rights are asked anew at each press."""

    def table(self) -> Mapping[Action, Handler]:
        return {Action.DOUBT_ONE: self.one, Action.DOUBT_TWO: self.two, Action.DOUBT_SEE: self.see}

    def one(self, ack: Ack, body: Body) -> None:
        self._decide(ack, body, Answer.ONE)

    def two(self, ack: Ack, body: Body) -> None:
        self._decide(ack, body, Answer.TWO)

    def _decide(self, ack: Ack, body: Body, answer: Answer) -> None:
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            words = device_doubts.decide(turn.work, press.ref.id, answer, turn.by.id, turn.by.roles, turn.now)
            if press.place is not Place.MODAL and press.response_url:
                enqueue(turn.work, [Say(press.response_url, t.inert(words))], turn.now)
        if press.place is Place.MODAL:
            self.redraw(press, m.said(t.inert(words)))
        ack()

    def see(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            require(connection, Page.ALERTS, by.roles, WHAT)
            found = doubts(connection, [press.ref.id])
            if not found:
                raise OldButton
        self.window(press, doubt_window(found[0]))
        ack()
