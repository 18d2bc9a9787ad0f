"""The buttons and windows of a request that waits for a person."""

from __future__ import annotations

from collections.abc import Mapping

from slack_bolt import App

from bot import payloads
from bot.deps import BotDeps
from bot.ids import Action, Callback
from bot.ids import Block as Field
from bot.listeners.base import Ack, Body, Handler, Listener
from bot.payloads import Place
from bot.people import named
from bot.views import modals as m
from bot.views import stuck_forms
from workflows import stuck
from workflows.refusals import FieldRefusals


def register(app: App, deps: BotDeps) -> None:
    """Before the listeners that take what no other knows."""
    Stuck(deps).listen(app)


class Stuck(Listener):
    """Try again, name who decides, close it, who is it."""

    def table(self) -> Mapping[Action, Handler]:
        return {
            Action.STUCK_RETRY: self.retry,
            Action.STUCK_NAME: self.name,
            Action.STUCK_CLOSE: self.close,
            Action.STUCK_WHO: self.who,
        }

    def windows(self) -> Mapping[Callback, Handler]:
        return {Callback.STUCK_NAME: self.name_form, Callback.STUCK_CLOSE: self.close_form}

    def retry(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            stuck.try_again(turn.work, turn.rules, press.ref.id, turn.by.id, turn.by.roles, turn.now)
            self.tell(turn, press, "It is tried again. The card says what came of it.")
        with self.showing():
            self.redraw(press, m.said("It is tried again. Whoever asked is told when the seat is there."))
        ack()

    def name(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            facts = stuck.facts_for(turn.work, press.ref.id, turn.by.id, turn.by.roles, turn.now, naming=True)
        self.window(press, stuck_forms.name_form(facts))
        ack()

    def close(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            facts = stuck.facts_for(turn.work, press.ref.id, turn.by.id, turn.by.roles, turn.now)
        self.window(press, stuck_forms.close_form(facts))
        ack()

    def who(self, ack: Ack, body: Body) -> None:
        """Names are for those entitled, and for their eyes only."""
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            found = stuck.who_is_it(turn.work, press.ref.id, turn.by.id, turn.by.roles, turn.now)
            words = stuck_forms.who_words(found)
            if press.place is Place.MESSAGE:
                self.tell(turn, press, words)
        if press.place is not Place.MESSAGE:
            self.window(press, m.said(words))
        ack()

    def name_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        with self.turn(sent.slack_id) as turn:
            people = named(turn.work.connection, sent.view.users(Field.PERSON))
            if len(people.ids) != 1:
                raise FieldRefusals(
                    {"person": "This Slack account belongs to nobody in the staff directory. Choose somebody else."}
                )
            stuck.name_decider(turn.work, turn.rules, sent.ref.id, turn.by.id, turn.by.roles, people.ids[0], turn.now)
        ack(response_action="clear")

    def close_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        words = sent.view.text(Field.WORDS)
        if not words:
            raise FieldRefusals({"words": "Say why in a few words: whoever asked reads this."})
        with self.turn(sent.slack_id) as turn:
            stuck.close(turn.work, turn.rules, sent.ref.id, turn.by.id, turn.by.roles, words, turn.now)
        ack(response_action="clear")
