"""Accounts that may be one person: somebody of IT answers, and it is carried out once."""

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
from bot.views.match_card import match_window
from workflows import match_doubts
from workflows.effects import Say, enqueue
from workflows.match_doubts import WHAT
from workflows.permissions import Page, require
from workflows.reads.matches import matches


def register(app: App, deps: BotDeps) -> None:
    """Before the listeners that take what no other knows."""
    for action, handler in Matches(deps).table().items():
        app.action(action.value)(handler)


class Matches(Listener):
    """One short method per button; rights are asked anew at each press."""

    def table(self) -> Mapping[Action, Handler]:
        return {Action.MATCH_SAME: self.same, Action.MATCH_OTHER: self.other, Action.MATCH_SEE: self.see}

    def same(self, ack: Ack, body: Body) -> None:
        self._decide(ack, body, same=True)

    def other(self, ack: Ack, body: Body) -> None:
        self._decide(ack, body, same=False)

    def _decide(self, ack: Ack, body: Body, *, same: bool) -> None:
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            words = match_doubts.decide(
                turn.work, press.ref.id, same=same, by=turn.by.id, roles=turn.by.roles, now=turn.now
            )
            if press.place is not Place.MODAL and press.response_url:
                enqueue(turn.work, [Say(press.response_url, t.inert(words))], turn.now)
        if press.place is Place.MODAL:
            self.redraw(press, m.said(t.inert(words)))
        ack()

    def see(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            require(connection, Page.PEOPLE, by.roles, WHAT)
            found = matches(connection, [press.ref.id])
            if not found:
                raise OldButton
        self.window(press, match_window(found[0]))
        ack()
