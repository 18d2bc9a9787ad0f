"""The approver's buttons. Approving is: parse, one operation, commit, acknowledge; nothing else is on that path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slack_bolt import App

from bot import payloads
from bot.deps import BotDeps
from bot.ids import Action, Menu
from bot.listeners.base import Ack, Body, Handler, Listener
from bot.payloads import Place, Press
from bot.views import forms
from bot.views import modals as m
from bot.views import text as t
from workflows.decide import Verdict, decide
from workflows.effects import Say, enqueue
from workflows.reads.form import chosen_product
from workflows.refusals import Refusal


def register(app: App, deps: BotDeps) -> None:
    """Before all other listeners: Bolt tries them in turn, and each it passes over costs what a statement does."""
    Decisions(deps).listen(app)


class Decisions(Listener):
    """Approve, change, deny, ask, hand on, and several safe ones at once."""

    def table(self) -> Mapping[Action, Handler]:
        return {
            Action.APPROVE: self.approve,
            Action.APPROVE_AND_BUY: self.approve_and_buy,
            Action.APPROVE_AND_WAIT: self.approve_and_wait,
            Action.APPROVE_SAFE: self.approve_safe,
            Action.DECIDE: self.open_card,
            Action.CHANGE: self.change,
            Action.DENY: self.deny,
            Action.ASK: self.ask,
            Action.APPROVAL_MORE: self.more,
        }

    def approve(self, ack: Ack, body: Body) -> None:
        self._approve(ack, payloads.press(body), Verdict(True))

    def approve_and_buy(self, ack: Ack, body: Body) -> None:
        self._approve(ack, payloads.press(body), Verdict(True, buy=True))

    def approve_and_wait(self, ack: Ack, body: Body) -> None:
        self._approve(ack, payloads.press(body), Verdict(True, wait=True))

    def _approve(self, ack: Ack, press: Press, verdict: Verdict) -> None:
        ref = press.ref
        with self.deps.unit_of_work() as work:
            decide(work, self.deps.rules, ref.id, ref.version, press.slack_id, verdict, self.deps.now())
            work.commit()
        if press.place is Place.MODAL:
            with self.showing():
                with self.look(press.slack_id) as (connection, by):
                    view = forms.card_window(self.approval(connection, ref.id, by))
                self.redraw(press, view)
        ack()

    def approve_safe(self, ack: Ack, body: Body) -> None:
        """Each on its own: one that is refused leaves the others approved, and is named."""
        press = payloads.press(body)
        refs = [payloads.reference(one) for one in press.value.split(",")]
        done, refused = 0, []
        for ref in refs:
            try:
                with self.deps.unit_of_work() as work:
                    decide(work, self.deps.rules, ref.id, ref.version, press.slack_id, Verdict(True), self.deps.now())
                    work.commit()
                done += 1
            except Refusal as refusal:
                refused.append(m.refused(refusal))
        words = f"Approved {t.plural(done, 'request')}."  # the list may be an answer, which nothing rewrites
        if refused:
            words = f"Approved {done} of {len(refs)}. {t.plural(len(refused), 'request')} stayed: {refused[0]}"
        self._tell(press, words)
        ack()

    def _tell(self, press: Press, words: str) -> None:
        if press.place is not Place.MESSAGE:
            with self.showing():
                self.window(press, m.said(words, "Approved"))
            return
        with self.deps.unit_of_work() as work:
            enqueue(work, [Say(press.response_url, words)], self.deps.now())
            work.commit()

    def open_card(self, ack: Ack, body: Body) -> None:
        self._window(ack, body, forms.card_window)

    def deny(self, ack: Ack, body: Body) -> None:
        self._window(ack, body, forms.deny_form)

    def ask(self, ack: Ack, body: Body) -> None:
        self._window(ack, body, forms.ask_form)

    def change(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        now = self.deps.now()
        with self.look(press.slack_id) as (connection, by):
            facts = self.approval(connection, press.ref.id, by)
            request = facts.request
            found = (
                chosen_product(connection, self.deps.rules(), by.id, request.product_id, request.sku_id, now)
                if request.product_id is not None
                else None
            )
        self.window(press, forms.change_form(facts, found.tiers if found else (), now.date()))
        ack()

    def _window(self, ack: Ack, body: Body, build: Any) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            view = build(self.approval(connection, press.ref.id, by))
        self.window(press, view)
        ack()

    def more(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        name, ref = press.choice
        if name in (Menu.HAND_ON, Menu.WHY_ME):
            with self.look(press.slack_id) as (connection, by):
                facts = self.approval(connection, ref.id, by)
            self.window(press, forms.hand_on_form(ref) if name == Menu.HAND_ON else forms.why_me(facts))
        ack()  # the dashboard entry is a link
