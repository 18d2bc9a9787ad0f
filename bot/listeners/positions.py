"""What is bought, in use, free and short: the words of the command, their windows, and why it changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta

from slack_bolt import App
from sqlalchemy import Connection

from bot import payloads
from bot.deps import BotDeps, View
from bot.ids import Action, Callback, Ref
from bot.ids import Block as Field
from bot.listeners.base import Ack, Body, Handler, Listener
from bot.payloads import Command, OldButton
from bot.people import Presser
from bot.views import answers
from bot.views import positions as views
from bot.views.text import Message
from licensing.money import months_later
from licensing.words import day
from workflows.permissions import NotForYou, Page, licence_managers, products_seen
from workflows.positions.named import find
from workflows.positions.why import explain
from workflows.reads.positions import Overview, overview, product_detail, product_name
from workflows.refusals import FieldRefusals

#: Words of `/licence` that are answered here.
WORDS = ("position", views.SHORT, views.WASTE)
#: How a refusal begins: words an employee may read.
WHAT = "What the company has bought and uses"


def register(app: App, deps: BotDeps) -> None:
    """Before the listeners that take what no other knows."""
    Positions(deps).listen(app)


class Positions(Listener):
    """Looks only; each press asks anew whether its reader may see it."""

    def table(self) -> Mapping[Action, Handler]:
        return {
            Action.SEE_POSITIONS: self.see_all,
            Action.SHOW_SHORT: self.show_short,
            Action.SHOW_WASTE: self.show_waste,
            Action.SEE_POSITION: self.see_one,
            Action.WHY_CHANGED: self.why,
        }

    def windows(self) -> Mapping[Callback, Handler]:
        return {Callback.WHY_CHANGED: self.why_again}

    def answer(self, command: Command) -> Message:
        """`/licence position [product]`, `/licence short`, `/licence waste`. Raises NotForYou."""
        with self.look(command.slack_id) as (connection, by):
            own = self._seen(connection, by)
            if command.word != "position":
                return views.rows(self._overview(connection, own), command.word)
            if not command.rest:
                return views.overview(self._overview(connection, own), own=own is not None)
            named = find(connection, command.rest)
            if named.product_id is None:
                return answers.no_such_product(command.rest, named.near)
            self._check(connection, own, named.product_id)
            name = product_name(connection, named.product_id) or command.rest
            details = product_detail(connection, named.product_id, self.deps.now())
        return views.product(name, details, named.product_id)

    def see_all(self, ack: Ack, body: Body) -> None:
        self._window(ack, body, lambda found, own: views.overview_window(found, own=own))

    def show_short(self, ack: Ack, body: Body) -> None:
        self._window(ack, body, lambda found, _: views.rows_window(found, views.SHORT))

    def show_waste(self, ack: Ack, body: Body) -> None:
        self._window(ack, body, lambda found, _: views.rows_window(found, views.WASTE))

    def _window(self, ack: Ack, body: Body, build: Callable[[Overview, bool], View]) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            own = self._seen(connection, by)
            found = self._overview(connection, own)
        self.window(press, build(found, own is not None))
        ack()

    def see_one(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            name = self._named(connection, by, press.ref)
            details = product_detail(connection, press.ref.id, self.deps.now())
        self.window(press, views.product_window(name, details, press.ref.id))
        ack()

    def why(self, ack: Ack, body: Body) -> None:
        """Since last month: from the same day one month back."""
        press = payloads.press(body)
        today = self.deps.now().date()
        self.window(press, self._why(press.slack_id, press.ref, months_later(today, -1), today))
        ack()

    def why_again(self, ack: Ack, body: Body) -> None:
        """Two days of the reader's choice, in the same window."""
        sent = payloads.sent(body)
        today = self.deps.now().date()
        since, until = sent.view.day(Field.FROM), sent.view.day(Field.UNTIL) or today
        if since is None:
            raise FieldRefusals({"from": "Choose the day to compare with."})
        if until > today:
            raise FieldRefusals({"until": f"Choose a day up to {day(today)}."})
        if since >= until:
            raise FieldRefusals({"from": f"Choose a day up to {day(until - timedelta(days=1))}."})
        ack(response_action="update", view=self._why(sent.slack_id, sent.ref, since, until))

    def _why(self, slack_id: str, ref: Ref, since: date, until: date) -> View:
        with self.look(slack_id) as (connection, by):
            name = self._named(connection, by, ref)
            found = explain(connection, ref.id, since, until, self.deps.now())
        return views.why_form(name, ref.id, found, since, until)

    # Rights

    def _seen(self, connection: Connection, by: Presser) -> frozenset[int] | None:
        return products_seen(connection, Page.POSITIONS, by.id, by.roles, WHAT)

    def _check(self, connection: Connection, own: frozenset[int] | None, product_id: int) -> None:
        if own is not None and product_id not in own:
            raise NotForYou(WHAT, licence_managers(connection))

    def _named(self, connection: Connection, by: Presser, ref: Ref) -> str:
        """The product's name, for somebody who may see it."""
        self._check(connection, self._seen(connection, by), ref.id)
        name = product_name(connection, ref.id)
        if name is None:
            raise OldButton
        return name

    def _overview(self, connection: Connection, own: frozenset[int] | None) -> Overview:
        found = overview(connection, self.deps.now(), own)
        assert found is not None  # noqa: S101  it was waited for
        return found
