"""The buttons of "Do you still need it?": the holder's answers, the manager's word, and what a leaver handed over."""

from __future__ import annotations

from collections.abc import Mapping

from slack_bolt import App
from sqlalchemy import Connection

from bot import payloads
from bot.deps import BotDeps
from bot.ids import Action, Callback
from bot.ids import Block as Field
from bot.listeners.base import Ack, Body, Handler, Listener
from bot.payloads import Malformed, OldButton
from bot.views import modals as m
from bot.views import reclaim_forms as forms
from bot.views.still_needed import keep_form, later_form, release_form, still_needed_card
from workflows.reads.reclaim import handover
from workflows.reads.still_needed import StillNeededFacts, still_needed
from workflows.reclaim import answers, leavers
from workflows.reclaim.answers import Answer
from workflows.refusals import NotYourStep


def register(app: App, deps: BotDeps) -> None:
    """Before the listeners that take what no other knows."""
    StillNeeded(deps).listen(app)


class StillNeeded(Listener):
    """One short method per button; who may answer is asked anew at each press."""

    def table(self) -> Mapping[Action, Handler]:
        return {
            Action.KEEP_SEAT: self.keep,
            Action.RELEASE_SEAT: self.release,
            Action.ASK_LATER: self.later,
            Action.SEAT_ANSWER: self.question,
            Action.KEEP_AGREE: self.agree,
            Action.KEEP_DISPUTE: self.dispute,
            Action.HANDED_OVER: self.handed_over,
        }

    def windows(self) -> Mapping[Callback, Handler]:
        return {
            Callback.KEEP_SEAT: self.keep_form,
            Callback.RELEASE_SEAT: self.release_form,
            Callback.ASK_LATER: self.later_form,
            Callback.HANDED_OVER: self.handed_over_form,
        }

    def question(self, ack: Ack, body: Body) -> None:
        """A row of Home: the card as a window."""
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            facts = self._asked(connection, press.ref.id, by.id)
        self.window(press, m.shown("Still needed?", *still_needed_card(facts, by.id).blocks))
        ack()

    def keep(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            facts = self._asked(connection, press.ref.id, by.id)
        self.window(press, keep_form(facts))
        ack()

    def keep_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        why = _answer(sent.view.option(Field.REASON))
        with self.turn(sent.slack_id) as turn:
            words = sent.view.text(Field.WORDS)
            answers.keep(turn.work, turn.rules, sent.ref.id, turn.by.id, why, words, turn.now)
        ack(response_action="clear")

    def release(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            facts = self._asked(connection, press.ref.id, by.id)
        self.window(press, release_form(facts))
        ack()

    def release_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        with self.turn(sent.slack_id) as turn:
            words = sent.view.text(Field.WORDS)
            answers.give_back(turn.work, turn.rules, sent.ref.id, turn.by.id, words, turn.now)
        ack(response_action="clear")

    def later(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        now = self.deps.now()
        with self.look(press.slack_id) as (connection, by):
            facts = self._asked(connection, press.ref.id, by.id)
            first, last = answers.snooze_days(self.deps.rules(), facts.begun_on, now.date())
        too_late = "It was put off as long as it can be: keep it or give it back."
        self.window(press, later_form(facts, first, last) if first <= last else m.nothing_changed(too_late))
        ack()

    def later_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        until = sent.view.day(Field.UNTIL)
        if until is None:
            raise Malformed("no day")
        with self.turn(sent.slack_id) as turn:
            answers.ask_later(turn.work, turn.rules, sent.ref.id, turn.by.id, until, turn.now)
        ack(response_action="clear")

    def agree(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            answers.manager_agrees(turn.work, turn.rules, press.ref.id, turn.by.id, turn.now)
        ack()

    def dispute(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            answers.manager_disagrees(turn.work, turn.rules, press.ref.id, turn.by.id, "", turn.now)
        ack()

    def handed_over(self, ack: Ack, body: Body) -> None:
        """Who gets mailbox, files, groups and flows of somebody who left; `press.ref` names that person."""
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, _):
            facts = handover(connection, press.ref.id)
        if facts is None:
            raise OldButton
        self.window(press, forms.handed_over_form(press.ref, facts.who.name))
        ack()

    def handed_over_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        with self.turn(sent.slack_id) as turn:
            words = sent.view.text(Field.WORDS)
            leavers.handed_over(turn.work, turn.rules, sent.ref.id, turn.by.id, words, turn.now)
        ack(response_action="clear")

    def _asked(self, connection: Connection, candidate_id: int, person_id: int) -> StillNeededFacts:
        facts = still_needed(connection, [candidate_id], self.deps.now()).get(candidate_id)
        if facts is None:
            raise OldButton
        if person_id not in (facts.holder.id, facts.manager.id if facts.manager else None):
            raise NotYourStep((facts.holder.name,))
        return facts


def _answer(value: str) -> Answer:
    try:
        return Answer(value)
    except ValueError:
        raise Malformed("no such answer") from None
