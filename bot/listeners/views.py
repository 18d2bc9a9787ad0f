"""Windows that were sent, and the form that was closed before it was.

A repeated delivery is harmless: requests are found by the window's id, everything else by the state of its row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from slack_bolt import App

from bot import payloads
from bot.deps import BotDeps
from bot.ids import Action, Callback
from bot.ids import Block as Field
from bot.listeners.base import Ack, Body, Handler, Turn
from bot.listeners.form import Form, answers_of, ban_words
from bot.payloads import OpenView, Sent
from bot.people import named
from bot.views import forms, request_modal
from bot.views import modals as m
from bot.views import text as t
from licensing.words import day, joined, ordinal
from model.people import Person
from workflows import naming, not_working, seats, submit, talk, tasks
from workflows.choices import DENIAL_REASONS
from workflows.decide import Lowered, Verdict, decide
from workflows.forms import NewProductForm, RequestForm
from workflows.refusals import FieldRefusals


def register(app: App, deps: BotDeps) -> None:
    part = Views(deps)
    for callback, handler in part.windows().items():  # the form's buttons are with all the others
        app.view(callback.value)(handler)
    app.view_closed(Callback.REQUEST.value)(part.form_closed)
    app.view_closed(re.compile(".*"))(closed)
    app.view(re.compile(".*"))(old_window)


def closed(ack: Ack) -> None:
    ack()


def old_window(ack: Ack) -> None:
    raise payloads.OldButton


class Views(Form):
    """One short method per window."""

    def windows(self) -> Mapping[Callback, Handler]:
        return {
            Callback.REQUEST: self.request_form,
            Callback.NEW_PRODUCT: self.new_product_form,
            Callback.CHANGE: self.change_form,
            Callback.DENY: self.deny_form,
            Callback.ASK: self.ask_form,
            Callback.HAND_ON: self.hand_on_form,
            Callback.ANSWER: self.answer_form,
            Callback.NOTE: self.note_form,
            Callback.URGENT: self.urgent_form,
            Callback.NAME_HOLDER: self.name_holder_form,
            Callback.GIVE_BACK: self.give_back_form,
            Callback.KEEP_LONGER: self.keep_longer_form,
            Callback.TASK_BLOCKED: self.task_blocked_form,
            Callback.TASK_HAND_ON: self.task_hand_on_form,
            Callback.NOT_WORKING: self.not_working_form,
            Callback.SETTINGS: self.settings_form,
            Callback.CARD: self.nothing_to_send,
            Callback.SHOWN: self.nothing_to_send,
        }

    # Asking

    def request_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        product = sent.view.option(Action.PRODUCT)
        if product == request_modal.SOMETHING_ELSE:
            ack(response_action="update", view=request_modal.new_product_form())
            return
        with self.turn(sent.slack_id) as turn:
            product_id = payloads.row_id(product)
            if product_id is None:
                raise FieldRefusals({"product": ban_words(turn.rules.policy, product)})
            form = self._read_form(turn, sent, product_id)
            receipt = submit.submit(turn.work, turn.rules, form, turn.by.id, turn.now)
        ack(response_action="update", view=request_modal.sent(receipt))

    def _read_form(self, turn: Turn, sent: Sent, product_id: int) -> RequestForm:
        view = sent.view
        people = named(turn.work.connection, view.users(Field.PEOPLE))
        if people.unknown_places:
            raise FieldRefusals({"people": unknown_people(people.unknown_places)})
        draft = view.metadata.get("draft")
        return RequestForm(
            submission_key=view.id,
            product_id=product_id,
            people=people.ids,
            seats=view.number(Field.COUNT) or max(1, len(people.ids)),
            why=view.text(Field.WHY),
            frequency=view.option(Field.FREQUENCY),
            sku_id=payloads.row_id(view.option(Field.TIER)),
            until=view.day(Field.UNTIL),
            alternative_offered=str(view.metadata.get("offered") or ""),
            draft_id=draft if isinstance(draft, int) else None,
        )

    def form_closed(self, ack: Ack, body: Body) -> None:
        """The answers are kept, and a message says where."""
        sent = payloads.sent(body)
        answers = answers_of(sent.view)
        if answers:
            with self.turn(sent.slack_id) as turn:
                submit.keep_draft(turn.work, turn.rules, turn.by.id, sent.view.id, answers, turn.now)
        ack()

    def new_product_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        view = sent.view
        form = NewProductForm(
            submission_key=view.id,
            name=view.text(Field.NAME),
            why=view.text(Field.WHY),
            link=view.text(Field.LINK),
            others=view.text(Field.OTHERS),
            holds=view.option(Field.HOLDS) or "nothing",
            price=view.text(Field.PRICE),
        )
        with self.turn(sent.slack_id) as turn:
            receipt = submit.submit_new_product(turn.work, turn.rules, form, turn.by.id, turn.now)
        ack(response_action="update", view=request_modal.sent(receipt, new=True, holds=form.holds))

    # Deciding

    def change_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        view, ref = sent.view, sent.ref
        with self.look(sent.slack_id) as (connection, by):
            facts = self.approval(connection, ref.id, by)
        asked = facts.request
        tier, until, seats_ = payloads.row_id(view.option(Field.TIER)), view.day(Field.UNTIL), view.number(Field.COUNT)
        lowered = Lowered(
            sku_id=tier if tier != asked.sku_id else None,
            until_on=until if until != asked.until_on else None,
            seats=seats_ if seats_ != asked.seats else None,
        )
        if lowered.until_on is not None:
            first = self.deps.now().date()
            latest = asked.until_on or facts.price.runs_to(first)
            if lowered.until_on <= first or (latest is not None and lowered.until_on > latest):
                end = f" to {day(latest)}" if latest else " on"
                raise FieldRefusals({"until": f"Choose a day after {day(first)}{end}."})
        self._decided(ack, sent, Verdict(True, words=view.text(Field.NOTE), lowered=lowered))

    def deny_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        view = sent.view
        reason, typed = view.option(Field.REASON), view.text(Field.WORDS)
        if reason == "other" and not typed:
            raise FieldRefusals({"words": "Say why in a few words: whoever asked reads this."})
        words = typed or DENIAL_REASONS.get(reason, "")
        if typed and reason not in ("", "other"):
            words = f"{DENIAL_REASONS.get(reason, '')}: {typed}"
        self._decided(ack, sent, Verdict(False, words=words, suggestion=view.text(Field.SUGGEST)))

    def _decided(self, ack: Ack, sent: Sent, verdict: Verdict) -> None:
        with self.deps.unit_of_work() as work:
            decide(work, self.deps.rules, sent.ref.id, sent.ref.version, sent.slack_id, verdict, self.deps.now())
            work.commit()
        ack(response_action="clear")

    def ask_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        with self.turn(sent.slack_id) as turn:
            talk.ask(turn.work, turn.rules, sent.ref.id, turn.by.id, sent.view.text(Field.WORDS), turn.now)
        ack(response_action="clear")

    def hand_on_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        with self.turn(sent.slack_id) as turn:
            to = self._one_person(turn, sent.view)
            talk.hand_on(turn.work, turn.rules, sent.ref.id, turn.by.id, to, turn.now)
        ack(response_action="clear")

    # The requester

    def answer_form(self, ack: Ack, body: Body) -> None:
        self._talk(ack, body, talk.answer)

    def note_form(self, ack: Ack, body: Body) -> None:
        self._talk(ack, body, talk.add_note)

    def urgent_form(self, ack: Ack, body: Body) -> None:
        self._talk(ack, body, talk.urgent)

    def _talk(self, ack: Ack, body: Body, operation: Callable[..., None]) -> None:
        sent = payloads.sent(body)
        with self.turn(sent.slack_id) as turn:
            operation(turn.work, turn.rules, sent.ref.id, turn.by.id, sent.view.text(Field.WORDS), turn.now)
        ack(response_action="clear")

    def name_holder_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        with self.turn(sent.slack_id) as turn:
            people = named(turn.work.connection, sent.view.users(Field.PERSON))
            if people.unknown_places:
                raise FieldRefusals({"person": unknown_people(people.unknown_places)})
            who_has = naming.name_holders(turn.work, turn.rules, sent.ref.id, turn.by.id, people.ids, turn.now)
        ack(response_action="update", view=forms.named(who_has))

    def not_working_form(self, ack: Ack, body: Body) -> None:
        """Reopens the task of whoever gave it; a seat that a system gave is looked at by a person."""
        sent = payloads.sent(body)
        words = sent.view.text(Field.WORDS)
        with self.turn(sent.slack_id) as turn:
            again = not_working.report(turn.work, turn.rules, sent.ref.id, turn.person, words, turn.now)
        said = "Sent to whoever gave it to you." if again else "Sent to IT, who look at it. News comes as a message."
        ack(response_action="update", view=m.said(said, "Sent"))

    # Seats and tasks

    def give_back_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        with self.turn(sent.slack_id) as turn:
            seats.give_back(turn.work, turn.rules, sent.ref.id, turn.by.id, sent.view.text(Field.REASON), turn.now)
        ack(response_action="clear")

    def keep_longer_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        view = sent.view
        with self.turn(sent.slack_id) as turn:
            receipt = seats.extend(
                turn.work,
                turn.rules,
                sent.ref.id,
                turn.by.id,
                view.day(Field.UNTIL),
                view.text(Field.WHY),
                view.id,
                turn.now,
            )
        ack(response_action="update", view=request_modal.sent(receipt))

    def task_blocked_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        reason, words = sent.view.option(Field.REASON), sent.view.text(Field.WORDS)
        try:
            why = tasks.InTheWay(reason)
        except ValueError:
            raise FieldRefusals({"reason": "Choose what is in the way."}) from None
        if why is tasks.InTheWay.OTHER and not words:
            raise FieldRefusals({"words": "Say in a few words what is in the way."})
        with self.turn(sent.slack_id) as turn:
            tasks.could_not(turn.work, turn.rules, sent.ref.id, turn.person, why, words, turn.now)
        ack(response_action="clear")

    def task_hand_on_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        with self.turn(sent.slack_id) as turn:
            to = turn.work.session.get_one(Person, self._one_person(turn, sent.view))
            if not to.active:
                raise FieldRefusals({"person": f"{to.name} has left. Choose somebody else."})
            tasks.hand_on(turn.work, turn.rules, sent.ref.id, turn.person, to, turn.now)
        ack(response_action="clear")

    def settings_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        view = sent.view
        first, last = view.day(Field.FROM), view.day(Field.UNTIL)
        with self.turn(sent.slack_id) as turn:
            deputy = self._one_person(turn, view) if view.users(Field.PERSON) else None
            today = turn.now.date()
            if deputy is not None and (first is None or last is None):
                raise FieldRefusals({"from": "Say from when."} if first is None else {"until": "Say until when."})
            if first is not None and last is not None and (last < first or last < today):
                raise FieldRefusals({"until": f"Choose a day from {day(max(first, today))} on."})
            talk.set_deputy(turn.work, turn.rules, turn.by.id, deputy, first, last, turn.now)
            name = turn.work.session.get_one(Person, deputy).name if deputy is not None else ""
        if deputy is None or first is None or last is None:
            words = "Nobody stands in for you now."
        else:
            words = f"{t.named(name)} decides for you from {day(first)} to {day(last)}. You both hear of it."
        ack(response_action="update", view=m.said(words, "Saved"))

    def nothing_to_send(self, ack: Ack) -> None:
        ack()

    def _one_person(self, turn: Turn, view: OpenView) -> int:
        people = named(turn.work.connection, view.users(Field.PERSON))
        if len(people.ids) != 1:
            raise FieldRefusals(
                {"person": "This Slack account belongs to nobody in the staff directory. Choose somebody else."}
            )
        return people.ids[0]


def unknown_people(places: tuple[int, ...]) -> str:
    """ "The 2nd person you named is not in the staff directory …": Slack's form names accounts, not people."""
    which = joined([f"the {ordinal(place)}" for place in places])
    one = len(places) == 1
    start = f"{which[0].upper()}{which[1:]} {'person' if one else 'of the people'} you named"
    verb, name, it = ("is", "name", "it") if one else ("are", "names", "them")
    return f"{start} {verb} not in the staff directory. Remove the {name}, or ask IT to add {it}."
