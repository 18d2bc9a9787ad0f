"""The buttons and windows of red alerts, of software found on a device, and of sources that are watched only."""

from __future__ import annotations

from collections.abc import Mapping

from slack_bolt import App
from sqlalchemy import Connection

from bot import payloads
from bot.cards_alerts import ticket_url
from bot.deps import BotDeps
from bot.ids import Action, Callback, Menu, Ref
from bot.ids import Block as Field
from bot.listeners.base import Ack, Body, Handler
from bot.listeners.form import Form
from bot.payloads import OldButton, Place, Press
from bot.people import Presser, named
from bot.views import alert_forms as forms
from bot.views import modals as m
from bot.views import text as t
from bot.views.alert_card import alert_card, alerts_window
from bot.views.found_card import answer_window
from bot.views.names import settled_words
from bot.views.observe_card import work_off_window, would_window
from bot.views.request_modal import Asking
from workflows import inventory_sources, titles_settled
from workflows.alerts import acting, records
from workflows.alerts.acting import Answer, Grant
from workflows.alerts.messages import changed
from workflows.alerts.red_alert import locked
from workflows.effects import enqueue
from workflows.permissions import Access, NotForYou, Page, access, licence_managers, parts_of, products_seen, require
from workflows.reads.alerts import (
    AlertFacts,
    PlaceFacts,
    alerts,
    behind,
    found,
    live_ids,
    observed,
    titles_behind,
    words_behind,
)
from workflows.reads.baselines import to_work_off, would_rows
from workflows.refusals import FieldRefusals
from workflows.titles_settled import As, Word


def register(app: App, deps: BotDeps) -> None:
    """Before the listeners that take what no other knows."""
    Alerts(deps).listen(app)


class Alerts(Form):
    """One short method per button; rights are asked anew at each press."""

    def table(self) -> Mapping[Action, Handler]:
        return {
            Action.ALERT_TAKE: self.take,
            Action.ALERT_ASK: self.ask,
            Action.ALERT_TICKET: self.ticket,
            Action.ALERT_EXCEPT: self.exception,
            Action.ALERT_MORE: self.more,
            Action.ALERT_SEE: self.see,
            Action.SEE_ALERTS: self.list,
            Action.WRONG_AS: self.wrong_as,
            Action.FOUND_ANSWER: self.found_answer,
            Action.FOUND_ASK: self.found_ask,
            Action.FOUND_REMOVE: self.found_remove,
            Action.FOUND_WRONG: self.found_wrong,
            Action.OBSERVE_SEE: self.observe_see,
            Action.OBSERVE_ACCEPT: self.observe_accept,
        }

    def windows(self) -> Mapping[Callback, Handler]:
        return {
            Callback.ALERT_EXCEPT: self.exception_form,
            Callback.ALERT_WRONG: self.wrong_form,
            Callback.FOUND_WRONG: self.found_wrong_form,
        }

    # The channel card

    def take(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            acting.take(turn.work, turn.rules, press.ref.id, press.ref.version, turn.by.id, turn.by.roles, turn.now)
        self._again(press)
        ack()

    def ask(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            asked = acting.ask_people(
                turn.work, turn.rules, press.ref.id, press.ref.version, turn.by.id, turn.by.roles, turn.now
            )
            self.tell(turn, press, f"Asked: {t.plural(asked, 'person', 'people')}, each in private.")
        self._again(press)
        ack()

    def ticket(self, ack: Ack, body: Body) -> None:
        """Where policy opens none by itself."""
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            alert = locked(turn.work, press.ref.id)
            acting.require_acting(turn.work.connection, alert.product_id, turn.by.id, turn.by.roles)
            effects = records.open_for(turn.work, turn.rules, alert, turn.now, asked=True)
            words = "The ticket is being opened." if effects else "ServiceNow is not connected, so there is no ticket."
            enqueue(turn.work, [*effects, *changed(turn.work, [alert.id], turn.now)], turn.now)
            self.tell(turn, press, words)
        ack()

    def exception(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            facts = self._alert(connection, press.ref.id)
            acting.require_acting(connection, facts.product_id, by.id, by.roles)
        self.window(press, forms.exception_form(facts, self.deps.now().date(), by.slack_id))
        ack()

    def exception_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        scope = sent.view.option(Field.AS)
        with self.turn(sent.slack_id) as turn:
            departments = self._alert(turn.work.connection, sent.ref.id).departments
            owners = named(turn.work.connection, sent.view.users(Field.PERSON))
            grant = Grant(
                reason=sent.view.text(Field.WHY),
                evidence=sent.view.text(Field.LINK),
                owner_id=owners.ids[0] if len(owners.ids) == 1 else None,
                ends_on=sent.view.day(Field.UNTIL),
                department=next((one for one in departments if forms.department_key(one) == scope), ""),
            )
            acting.grant_exception(
                turn.work, turn.rules, sent.ref.id, sent.ref.version, grant, turn.by.id, turn.by.roles, turn.now
            )
        ack(response_action="clear")

    def more(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        name, ref = press.choice
        if name == Menu.WHO:
            self._who(press, ref)
        elif name == Menu.WRONG:
            with self.look(press.slack_id) as (connection, by):
                view = self._wrong(connection, by, ref.id, As.KNOWN)
            self.window(press, view)
        ack()

    def _who(self, press: Press, ref: Ref) -> None:
        """Names are for those entitled, and for their eyes only."""
        with self.turn(press.slack_id) as turn:
            facts = self._alert(turn.work.connection, ref.id)
            acting.require_acting(turn.work.connection, facts.product_id, turn.by.id, turn.by.roles)
            words = forms.who_words(behind(turn.work.connection, ref.id))
            if press.place is Place.MESSAGE:
                self.tell(turn, press, words)
        if press.place is not Place.MESSAGE:
            self.window(press, m.said(words, "Who is it?"))

    def _wrong(self, connection: Connection, by: Presser, alert_id: int, as_: As) -> dict[str, object]:
        require(connection, Page.NAMES, by.roles, titles_settled.WHAT)
        facts = self._alert(connection, alert_id)
        titles = titles_behind(connection, alert_id)
        if not titles:
            return m.nothing_changed("No reported name stands behind this alert, so nothing can be settled here.")
        said = words_behind(connection, alert_id)
        return forms.wrong_product_form(facts, titles, said, as_)

    def wrong_as(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        if press.view is None:
            raise OldButton
        ref = press.view.ref
        with self.look(press.slack_id) as (connection, by):
            view = self._wrong(connection, by, ref.id, _as(press.value))
        self.redraw(press, view)
        ack()

    def wrong_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        title_id = payloads.row_id(sent.view.option(Field.REPORTED))
        if title_id is None:
            raise FieldRefusals({"reported": "Choose the name that is something else."})
        word = Word(
            as_=_as(sent.view.option(Action.WRONG_AS)),
            product_id=payloads.row_id(sent.view.option(Field.REGISTER)),
            name=sent.view.text(Field.NAME),
            publisher=sent.view.text(Field.PUBLISHER),
            paid=sent.view.option(Field.LICENCE) != "free",
        )
        with self.turn(sent.slack_id) as turn:
            done = acting.settle_wrong_product(
                turn.work, sent.ref.id, title_id, word, turn.by.id, turn.by.roles, turn.now
            )
        ack(response_action="update", view=m.said(settled_words(done), "Settled"))

    # Lists and windows

    def see(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            view = self._card(connection, by, press.ref.id)
        self.window(press, view)
        ack()

    def list(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            seen = products_seen(connection, Page.ALERTS, by.id, by.roles, acting.WHAT)
            ids = live_ids(connection, seen)
            known = alerts(connection, ids)
        self.window(press, alerts_window([known[one] for one in ids if one in known]))
        ack()

    def _card(self, connection: Connection, by: Presser, alert_id: int) -> dict[str, object]:
        facts = self._alert(connection, alert_id)
        seen = products_seen(connection, Page.ALERTS, by.id, by.roles, acting.WHAT)
        if seen is not None and facts.product_id not in seen:
            acting.require_acting(connection, facts.product_id, by.id, by.roles)
        settings = self.deps.settings
        url = ticket_url(facts, settings.servicenow_url)
        card = alert_card(facts, dashboard_url=settings.public_url, ticket_url=url)
        return m.shown(facts.reference, *card.blocks)

    def _again(self, press: Press) -> None:
        """The window the press came from, as it is now."""
        if press.place is not Place.MODAL:
            return
        with self.showing():
            with self.look(press.slack_id) as (connection, by):
                view = self._card(connection, by, press.ref.id)
            self.redraw(press, view)

    def _alert(self, connection: Connection, alert_id: int) -> AlertFacts:
        facts = alerts(connection, [alert_id]).get(alert_id)
        if facts is None:
            raise OldButton
        return facts

    # The person who is asked

    def found_answer(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        place = self._place(press)
        self.window(press, answer_window(place))
        ack()

    def found_ask(self, ack: Ack, body: Body) -> None:
        """The request form with product and where it was found; the alert closes when the licence is there."""
        press = payloads.press(body)
        place = self._place(press)
        with self.turn(press.slack_id) as turn:
            acting.answer(turn.work, turn.rules, place.id, turn.by.id, Answer.ASK, turn.now)
        with self.look(press.slack_id) as (connection, by):
            view = self.form(connection, by, Asking(product_id=place.product_id, why=f"Found on {place.device}"))
        self.window(press, view)
        ack()

    def found_remove(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            acting.answer(turn.work, turn.rules, press.ref.id, turn.by.id, Answer.REMOVE, turn.now)
        with self.showing():
            self.redraw(press, m.said("The next scan checks, then this closes by itself."))
        ack()

    def found_wrong(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        place = self._place(press)
        self.window(press, forms.really_form(place))
        ack()

    def found_wrong_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        try:
            said = Answer(sent.view.option(Field.AS))
        except ValueError:
            raise OldButton from None
        with self.turn(sent.slack_id) as turn:
            acting.answer(turn.work, turn.rules, sent.ref.id, turn.by.id, said, turn.now, sent.view.text(Field.WORDS))
        ack(response_action="clear")

    def _place(self, press: Press) -> PlaceFacts:
        """A question of this person's own that is open still."""
        with self.turn(press.slack_id) as turn:
            acting.place_of(turn.work, press.ref.id, turn.by.id)
            facts = found(turn.work.connection, [press.ref.id], turn.rules.policy, turn.by.id)
        if facts is None:
            raise OldButton
        return facts.places[0]

    # Sources that are watched only

    def observe_see(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            right = access(Page.ALERTS, parts_of(by.roles))
            if right < Access.READ:
                raise NotForYou(acting.WHAT, licence_managers(connection))
            facts = observed(connection, press.ref.id)
            if facts is None:
                raise OldButton
            rules, now = self.deps.rules(), self.deps.now()
            if facts.accepted_at is not None:
                view = work_off_window(facts.name, to_work_off(connection, facts.name, now))
            else:
                rows = would_rows(connection, rules.policy, facts.name, now, names=right >= Access.ACT)
                view = would_window(facts.name, rows)
        self.window(press, view)
        ack()

    def observe_accept(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            inventory_sources.accept_baseline(turn.work, press.ref.id, turn.by.id, turn.by.roles, turn.now)
        ack()


def _as(value: str) -> As:
    try:
        return As(value)
    except ValueError:
        raise OldButton from None
