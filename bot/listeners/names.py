"""Reported software names to settle: the list, its pages, the form, and what was said."""

from __future__ import annotations

from collections.abc import Mapping

from slack_bolt import App
from sqlalchemy import Connection

from bot import payloads
from bot.deps import BotDeps, View
from bot.ids import Action, Callback
from bot.ids import Block as Field
from bot.listeners.base import Ack, Body, Handler, Listener
from bot.payloads import OldButton, OpenView, Sent
from bot.people import Presser
from bot.views import modals as m
from bot.views import names as views
from workflows import titles_settled
from workflows.permissions import Page, require
from workflows.reads.names import offered, unsettled, unsettled_one
from workflows.titles_settled import As, NameGone, Settled, Word


def register(app: App, deps: BotDeps) -> None:
    """Before the listeners that take what no other knows."""
    part = Names(deps)
    part.listen(app)
    app.options(Field.REGISTER.value)(part.products)


class Names(Listener):
    """For those who may settle them, asked anew at each press."""

    def table(self) -> Mapping[Action, Handler]:
        return {
            Action.SETTLE_NAMES: self.list,
            Action.NAMES_BEFORE: self.page,
            Action.NAMES_AFTER: self.page,
            Action.SETTLE_NAME: self.open,
            Action.SETTLE_AS: self.as_changed,
        }

    def windows(self) -> Mapping[Callback, Handler]:
        return {Callback.SETTLE_NAME: self.settle}

    def list(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            view = self._list(connection, by, 0)
        self.window(press, view)
        ack()

    def page(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            view = self._list(connection, by, _page(press.value))
        self.redraw(press, view)
        ack()

    def open(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        page = _page(press.view.metadata.get("page")) if press.view is not None else 0
        with self.look(press.slack_id) as (connection, by):
            require(connection, Page.NAMES, by.roles, titles_settled.WHAT)
            one = unsettled_one(connection, press.ref.id, self.deps.now())
        if one is None:
            raise NameGone
        self.window(press, views.settle_form(one, None, page))
        ack()

    def as_changed(self, ack: Ack, body: Body) -> None:
        """The fields follow the answer."""
        press = payloads.press(body)
        if press.view is None:
            raise OldButton
        ref = press.view.ref
        with self.look(press.slack_id) as (connection, by):
            require(connection, Page.NAMES, by.roles, titles_settled.WHAT)
            one = unsettled_one(connection, ref.id, self.deps.now())
        if one is None:
            raise NameGone
        self.redraw(press, views.settle_form(one, _as(press.value), _page(press.view.metadata.get("page"))))
        ack()

    def settle(self, ack: Ack, body: Body) -> None:
        """Said once for all devices; the list beneath is drawn anew."""
        sent = payloads.sent(body)
        with self.turn(sent.slack_id) as turn:
            done = titles_settled.settle(
                turn.work, sent.ref.id, sent.ref.version, _word(sent.view), turn.by.id, turn.by.roles, turn.now
            )
        with self.showing():
            self._list_again(sent)
        ack(response_action="update", view=self._said(done))

    def products(self, ack: Ack, body: Body) -> None:
        typing = payloads.typing(body)
        with self.look(typing.slack_id) as (connection, by):
            require(connection, Page.NAMES, by.roles, titles_settled.WHAT)
            found = offered(connection, typing.words)
        ack(options=views.register_options(found))

    def _list(self, connection: Connection, by: Presser, page: int) -> View:
        require(connection, Page.NAMES, by.roles, titles_settled.WHAT)
        return views.names_window(unsettled(connection, self.deps.now()), page)

    def _list_again(self, sent: Sent) -> None:
        """The window the form came from, where there is one."""
        if not sent.view.root_id or sent.view.root_id == sent.view.id:
            return
        with self.look(sent.slack_id) as (connection, by):
            view = self._list(connection, by, _page(sent.view.metadata.get("page")))
        self.deps.slack.update_view(sent.view.root_id, view)

    def _said(self, done: Settled) -> View:
        return m.said(views.settled_words(done), "Settled")


def _page(value: object) -> int:
    number = payloads.row_id(str(value))
    return 0 if number is None else number


def _as(value: str) -> As:
    try:
        return As(value)
    except ValueError:
        raise OldButton from None


def _word(view: OpenView) -> Word:
    return Word(
        as_=_as(view.option(Action.SETTLE_AS)),
        product_id=payloads.row_id(view.option(Field.REGISTER)),
        name=view.text(Field.NAME),
        publisher=view.text(Field.PUBLISHER),
        paid=view.option(Field.LICENCE) != "free",
    )
