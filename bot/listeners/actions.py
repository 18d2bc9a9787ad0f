"""The buttons of the requester, of a seat's holder and of whoever has work by hand; and those nobody knows any more."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from slack_bolt import App

from bot import payloads
from bot.deps import BotDeps, View
from bot.ids import Action, Menu, Ref
from bot.listeners.base import Ack, Body, Handler, Listener
from bot.listeners.form import Form
from bot.payloads import OldButton, Place
from bot.people import Presser
from bot.views import forms
from bot.views import home as home_views
from bot.views import modals as m
from bot.views import text as t
from bot.views.answers import keep_or_back
from workflows import naming, parked, seats, talk, tasks
from workflows.reads.facts import RequestFacts
from workflows.reads.requests import requests
from workflows.reads.seat_facts import SeatFacts, TaskFacts
from workflows.reads.seats import holdings
from workflows.reads.tasks import tasks as task_facts


def register(app: App, deps: BotDeps) -> None:
    """All buttons but the approver's; the last listener takes what no other knows, so that any old one says so."""
    for part in (Form(deps), Actions(deps)):
        part.listen(app)
    app.action(re.compile(".*"))(old_button)


def old_button(ack: Ack, body: Body) -> None:
    raise OldButton


class Actions(Listener):
    """One short method per button."""

    def table(self) -> Mapping[Action, Handler]:
        return {
            Action.WITHDRAW: self.withdraw,
            Action.REMIND: self.remind,
            Action.LEAVE_QUEUE: self.leave_queue,
            Action.REOPEN: self.reopen,
            Action.ADD_NOTE: self.add_note,
            Action.ANSWER: self.answer,
            Action.URGENT: self.urgent,
            Action.DOES_NOT_WORK: self.does_not_work,
            Action.NAME_HOLDER: self.name_holder,
            Action.WORKS: self.works,
            Action.OPEN_REQUEST: self.open_request,
            Action.GIVE_BACK: self.give_back,
            Action.KEEP_LONGER: self.keep_longer,
            Action.KEEP_OR_BACK: self.keep_or_back,
            Action.LET_END: self.let_end,
            Action.NEED_BACK: self.need_back,
            Action.TASK_DONE: self.task_done,
            Action.TASK_BLOCKED: self.task_blocked,
            Action.TASK_MORE: self.task_more,
            Action.RUN_AGAIN: self.run_again,
            Action.LEAVE_PARKED: self.leave_parked,
            Action.GUIDE: self.link,
            Action.DASHBOARD: self.link,
        }

    # The request

    def withdraw(self, ack: Ack, body: Body) -> None:
        self._with_request(ack, body, talk.withdraw)

    def leave_queue(self, ack: Ack, body: Body) -> None:
        self._with_request(ack, body, talk.leave_queue)

    def reopen(self, ack: Ack, body: Body) -> None:
        self._with_request(ack, body, talk.reopen)

    def remind(self, ack: Ack, body: Body) -> None:
        self._with_request(ack, body, talk.nudge)

    def _with_request(self, ack: Ack, body: Body, operation: Callable[..., None]) -> None:
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            operation(turn.work, turn.rules, press.ref.id, turn.by.id, turn.now)
        if press.place is Place.MODAL:
            with self.showing():
                with self.look(press.slack_id) as (connection, _):
                    view = self.progress_window(connection, press.ref.id)
                self.redraw(press, view)
        ack()

    def add_note(self, ack: Ack, body: Body) -> None:
        self._request_form(ack, body, forms.note_form)

    def answer(self, ack: Ack, body: Body) -> None:
        self._request_form(ack, body, forms.answer_form)

    def urgent(self, ack: Ack, body: Body) -> None:
        self._request_form(ack, body, forms.urgent_form)

    def does_not_work(self, ack: Ack, body: Body) -> None:
        self._request_form(ack, body, forms.not_working_form)

    def _request_form(self, ack: Ack, body: Body, build: Callable[[RequestFacts, Ref], View]) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            view = build(self.request(connection, press.ref.id, by), press.ref)
        self.window(press, view)
        ack()

    def open_request(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            self.request(connection, press.ref.id, by)
            view = self.progress_window(connection, press.ref.id)
        self.window(press, view)
        ack()

    def name_holder(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            most = naming.to_name(connection, press.ref.id, by.id)
            view = forms.name_form(requests(connection, [press.ref.id])[press.ref.id], press.ref, most)
        self.window(press, view)
        ack()

    def works(self, ack: Ack, body: Body) -> None:
        """Good news changes nothing; saying so is the answer."""
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            self.tell(turn, press, "Good. There is nothing more to do.")
        ack()

    # Seats

    def give_back(self, ack: Ack, body: Body) -> None:
        self._seat_form(ack, body, forms.give_back_form)

    def keep_longer(self, ack: Ack, body: Body) -> None:
        self._seat_form(ack, body, forms.keep_longer_form)

    def keep_or_back(self, ack: Ack, body: Body) -> None:
        self._seat_form(ack, body, lambda seat: keep_or_back(home_views.both_ways(seat)))

    def _seat_form(self, ack: Ack, body: Body, build: Callable[[SeatFacts], View]) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            held = holdings(connection, [by.id], self.deps.now())[by.id].seats
        seat = next((one for one in held if one.id == press.ref.id), None)
        if seat is None:
            raise seats.NotYourSeat
        self.window(press, build(seat))
        ack()

    def let_end(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            seats.let_end(turn.work, turn.rules, press.ref.id, turn.by.id, turn.now)
        ack()

    def need_back(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            seats.need_back(turn.work, turn.rules, press.ref.id, turn.by.id, turn.now)
        ack()

    # Work by hand

    def task_done(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            tasks.done(turn.work, turn.rules, press.ref.id, turn.person, turn.now)
        if press.place is Place.MODAL:
            with self.showing():
                self.redraw(press, m.said("Done. Everybody concerned is told."))
        ack()

    def task_blocked(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            task = self._task(connection, press.ref, by)
        self.window(press, forms.task_blocked_form(task, press.ref))
        ack()

    def task_more(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        name, ref = press.choice
        if name in (Menu.HAND_ON, Menu.WHY_ME):
            with self.look(press.slack_id) as (connection, by):
                task = self._task(connection, ref, by)
            view = forms.hand_on_form(ref, task=True) if name == Menu.HAND_ON else forms.task_why(task)
            self.window(press, view)
        ack()

    def _task(self, connection: Any, ref: Ref, by: Presser) -> TaskFacts:
        found = task_facts(connection, [ref.id], self.deps.now()).get(ref.id)
        if found is None:
            raise OldButton
        if found.assignee.id != by.id:
            raise tasks.NotYourTask(found.assignee.name)
        return found

    # Parked work

    def run_again(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            again = parked.run_again(turn.work, press.ref.id, turn.by.id, turn.by.roles, turn.now)
            self.tell(turn, press, f"Tried again: {t.plural(again, 'thing')}.")
        ack()

    def leave_parked(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            self.tell(turn, press, "It stays as it is. It can be tried again from here at any time.")
        ack()

    def link(self, ack: Ack, body: Body) -> None:
        """A link opens by itself; Slack still wants its answer."""
        ack()
