"""The buttons of questions that only a person at IT can answer, the same for every kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slack_bolt import App

from bot import payloads
from bot.deps import BotDeps
from bot.ids import Action
from bot.listeners.base import Ack, Body, Handler, Listener
from bot.payloads import OldButton, Place
from bot.questions import KINDS
from bot.questions.kind import Kind
from bot.views import modals as m
from bot.views import text as t
from bot.views.question_card import question_window
from workflows import questions


def register(app: App, deps: BotDeps) -> None:
    """Before the listeners that take what no other knows."""
    for kind in KINDS:
        Questions(deps, kind).listen(app)


class Questions(Listener):
    """Those of one kind; rights are asked anew at each press."""

    def __init__(self, deps: BotDeps, kind: Kind[Any]) -> None:
        super().__init__(deps)
        self.kind = kind
        self.says = {choice.action: choice.says for choice in kind.choices}

    def table(self) -> Mapping[Action, Handler]:
        return {self.kind.see: self.see} | dict.fromkeys(self.says, self.answer)

    def answer(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            said, by = self.says[Action(press.action)], turn.by
            words = questions.answer(turn.work, self.kind.matter, press.ref.id, said, by.id, by.roles, turn.now)
            if press.place is not Place.MODAL:
                self.tell(turn, press, t.inert(words))
        with self.showing():
            self.redraw(press, m.said(t.inert(words)))
        ack()

    def see(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            questions.require_may_answer(connection, self.kind.matter, by.roles)
            found = self.kind.read(connection, [press.ref.id])
            if not found:
                raise OldButton
        self.window(press, question_window(self.kind, found[0]))
        ack()
