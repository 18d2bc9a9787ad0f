"""The request form while it is filled in: the product chosen, people named, the owned alternative taken or not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection

from bot import payloads
from bot.deps import View
from bot.ids import Action, Callback
from bot.ids import Block as Field
from bot.listeners.base import Ack, Body, Handler, Listener
from bot.payloads import OldButton, OpenView, Place, Press
from bot.people import Presser
from bot.views import modals as m
from bot.views import request_modal as form
from bot.views import text as t
from bot.views.request_modal import Asking
from workflows.reads.catalogue import closest
from workflows.reads.form import ChosenFacts, chosen_product, draft_answers


class Form(Listener):
    """Presses and choices inside the form, and the ways into it."""

    def table(self) -> Mapping[Action, Handler]:
        return {
            Action.PRODUCT: self.product,
            Action.PEOPLE: self.people,
            Action.USE_ALTERNATIVE: self.use_alternative,
            Action.ASK_ANYWAY: self.ask_anyway,
            Action.ASK_FOR_OWNED: self.ask_for_owned,
            Action.SOMETHING_ELSE: self.something_else,
            Action.ASK_LICENCE: self.ask_licence,
            Action.OPEN_DRAFT: self.open_draft,
        }

    # Ways in

    def ask_licence(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            view = self.form(connection, by, Asking())
        self.window(press, view)
        ack()

    def ask_for_owned(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            view = self.form(connection, by, Asking(product_id=_product(press.value)))
        self._show(press, view)
        ack()

    def something_else(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            view = self.new_product(connection, by, press.value)
        self._show(press, view)
        ack()

    def open_draft(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            answers = draft_answers(connection, press.ref.id, by.id)
            if answers is None:
                raise OldButton
            view = self.form(connection, by, asking_from(answers, press.ref.id))
        self.window(press, view)
        ack()

    # Inside

    def product(self, ack: Ack, body: Body) -> None:
        """A product was chosen: the same form, now saying what is free, what it costs and who decides."""
        press = payloads.press(body)
        view = _view(press)
        with self.look(press.slack_id) as (connection, by):
            if press.value == form.SOMETHING_ELSE:
                redrawn = self.new_product(connection, by, "")
            elif press.value.startswith("ban:"):
                redrawn = self.banned(connection, by, view, press.value)
            else:
                redrawn = self.form(connection, by, _asking(view, product_id=_product(press.value), offered=""))
        self.redraw(press, redrawn)
        ack()

    def people(self, ack: Ack, body: Body) -> None:
        """The number of seats follows the names as long as nobody typed another."""
        press = payloads.press(body)
        view = _view(press)
        count, named = view.number(Field.COUNT), len(view.users(Field.PEOPLE))
        before = int(view.metadata.get("named") or 1)
        if named and named != before and count in (None, before):
            with self.look(press.slack_id) as (connection, by):
                asking = _asking(view, named=named, seats=named, resets={"count": str(named)})
                redrawn = self.form(connection, by, asking)
            self.redraw(press, redrawn)
        ack()

    def use_alternative(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        view = _view(press)
        with self.look(press.slack_id) as (connection, by):
            chosen = self.chosen(connection, by, _product(press.value), None)
        if chosen is None or chosen.owned is None:
            raise OldButton
        ready = dict(form.nothing_to_ask(chosen.owned, chosen))
        kept = m.modal(Callback.SHOWN, "", [], metadata={"answers": answers_of(view)})
        self.redraw(press, ready | {"private_metadata": kept["private_metadata"]})
        ack()

    def ask_anyway(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        view = _view(press)
        product_id = _product(press.value)
        with self.look(press.slack_id) as (connection, by):
            kept = view.metadata.get("answers")
            if isinstance(kept, Mapping):
                asking = asking_from({**kept, "product": product_id, "anyway": True}, None)
            else:
                asking = _asking(view, product_id=product_id, asked_anyway=True)
            redrawn = self.form(connection, by, asking)
        self.redraw(press, redrawn)
        ack()

    # Building

    def form(self, connection: Connection, by: Presser, asking: Asking) -> View:
        """The form for what is chosen; an owned alternative that is shown is remembered as offered."""
        chosen = self.chosen(connection, by, asking.product_id, asking.sku_id)
        if chosen is not None and chosen.owned is not None and not chosen.refusal:
            asking = _with(asking, offered=chosen.owned.name)
        return form.request_form(asking, chosen, by.slack_id, self.deps.now().date())

    def chosen(
        self, connection: Connection, by: Presser, product_id: int | None, sku_id: int | None
    ) -> ChosenFacts | None:
        if product_id is None:
            return None
        return chosen_product(connection, self.deps.rules(), by.id, product_id, sku_id, self.deps.now())

    def banned(self, connection: Connection, by: Presser, view: OpenView, value: str) -> View:
        """Something nobody may use: why, in place of the figures."""
        words = ban_words(self.deps.rules().policy, value)
        drawn = dict(self.form(connection, by, _asking(view, product_id=None, offered="")))
        drawn["blocks"] = [drawn["blocks"][0], t.section(t.escape(words)), *drawn["blocks"][1:]]
        return drawn

    def new_product(self, connection: Connection, by: Presser, name: str) -> View:
        near = closest(connection, self.deps.rules().policy, by.id, name, self.deps.now()) if name else None
        return form.new_product_form(name, near)

    def _show(self, press: Press, view: View) -> None:
        """In place of the window that is open, or as a new one from a message."""
        if press.place is Place.MODAL:
            self.redraw(press, view)
        else:
            self.window(press, view)


def ban_words(policy: Any, value: str) -> str:
    """The sentence of the ban behind the option "ban:4"."""
    number = value.partition(":")[2]
    for ban in policy.not_allowed:
        if str(ban.rule) == number:
            more = f" {ban.alternative}" if ban.alternative else ""
            return f"{ban.name} may not be used here (policy {ban.rule}: {ban.because}).{more}"
    return "Choose a product from the list, or “Something else”."


def answers_of(view: OpenView) -> dict[str, Any]:
    """What was typed into the form, as it is kept for a draft; nothing when no word was written in it.

    A product, a person and a number are filled in beforehand or chosen in a moment; a message about them is noise.
    """
    product, why = view.option(Action.PRODUCT), view.text(Field.WHY)
    if not why:
        return {}
    until = view.day(Field.UNTIL)
    kept = {
        "product": payloads.row_id(product),
        "tier": payloads.row_id(view.option(Field.TIER)),
        "people": list(view.users(Field.PEOPLE)),
        "seats": view.number(Field.COUNT),
        "until": until.isoformat() if until else None,
        "why": why,
        "frequency": view.option(Field.FREQUENCY),
        "anyway": bool(view.metadata.get("anyway")),
    }
    return {key: value for key, value in kept.items() if value not in (None, "", [], False)}


def asking_from(answers: Mapping[str, Any], draft_id: int | None) -> Asking:
    """The form filled with what was typed before."""
    people = tuple(str(one) for one in answers.get("people") or ())
    until = answers.get("until")
    return Asking(
        product_id=_number(answers.get("product")),
        sku_id=_number(answers.get("tier")),
        asked_anyway=bool(answers.get("anyway")),
        draft_id=draft_id,
        named=max(1, len(people)),
        people=people,
        seats=_number(answers.get("seats")),
        until=date.fromisoformat(until) if isinstance(until, str) else None,
        why=str(answers.get("why") or ""),
        frequency=str(answers.get("frequency") or "weekly"),
    )


def _asking(view: OpenView, **changed: Any) -> Asking:
    """What stands in the open form, with some of it changed; Slack itself keeps what was typed."""
    product = view.option(Action.PRODUCT)
    count = view.block_of(Field.COUNT) or Field.COUNT
    kept = {
        "product_id": _number(product) or _number(view.metadata.get("product")),
        "sku_id": _number(view.option(Field.TIER)),
        "offered": str(view.metadata.get("offered") or ""),
        "asked_anyway": bool(view.metadata.get("anyway")),
        "draft_id": _number(view.metadata.get("draft")),
        "named": _number(view.metadata.get("named")) or 1,
        "people": view.users(Field.PEOPLE),
        "seats": view.number(Field.COUNT),
        "until": view.day(Field.UNTIL),
        "why": view.text(Field.WHY),
        "frequency": view.option(Field.FREQUENCY) or "weekly",
        "resets": {"count": count.partition(":")[2]} if ":" in count else {},
    }
    if "product_id" in changed and changed["product_id"] != kept["product_id"]:
        kept["sku_id"], kept["asked_anyway"] = None, False
    return Asking(**{**kept, **changed})


def _with(asking: Asking, **changed: Any) -> Asking:
    return Asking(**{**vars(asking), **changed})


def _number(value: object) -> int | None:
    return payloads.row_id(str(value)) if value is not None else None


def _product(value: str) -> int:
    number = _number(value)
    if number is None:
        raise OldButton
    return number


def _view(press: Press) -> OpenView:
    if press.view is None:
        raise OldButton
    return press.view
