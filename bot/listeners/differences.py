"""The button and the window of a difference between invoices, purchases, the vendor and us."""

from __future__ import annotations

from collections.abc import Mapping

from slack_bolt import App

from bot import payloads
from bot.deps import BotDeps
from bot.ids import Action, Callback
from bot.ids import Block as Field
from bot.listeners.base import Ack, Body, Handler, Listener
from bot.payloads import OldButton
from bot.views import modals as m
from bot.views import text as t
from bot.views.difference_card import all_differences, answer_window
from workflows.reads.reconciliation import differences
from workflows.reconciling import answer as answers
from workflows.reconciling.lines import Verb


def register(app: App, deps: BotDeps) -> None:
    """Before the listeners that take what no other knows."""
    Differences(deps).listen(app)


class Differences(Listener):
    """One short method per button; rights are asked anew at each press."""

    def table(self) -> Mapping[Action, Handler]:
        return {Action.DIFFERENCE_ANSWER: self.open, Action.SEE_DIFFERENCES: self.all}

    def windows(self) -> Mapping[Callback, Handler]:
        return {Callback.DIFFERENCE_ANSWER: self.answer}

    def open(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            answers.require(connection, by.roles)
            found = differences(connection, [press.ref.id])
            if not found:
                raise OldButton
        self.window(press, answer_window(found[0]))
        ack()

    def all(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            answers.require(connection, by.roles)
            rows = differences(connection)
        self.window(press, all_differences(rows, self.deps.now().date()))
        ack()

    def answer(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        try:
            verb = Verb(sent.view.option(Field.AS))
        except ValueError:
            raise OldButton from None
        if verb not in answers.ANSWERS:
            raise OldButton
        words, link = sent.view.text(Field.WORDS), sent.view.text(Field.LINK)
        with self.turn(sent.slack_id) as turn:
            ref, by = sent.ref, turn.by
            said = answers.answer(turn.work, ref.id, ref.version, verb, by.id, by.roles, words, link, turn.now)
        ack(response_action="update", view=m.said(t.inert(said)))
