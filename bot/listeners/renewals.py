"""Renewals: the buttons and windows of a brief, and `/licence renewals`. Who may is asked anew at each press."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from slack_bolt import App
from sqlalchemy import Connection

from bot import payloads
from bot.deps import BotDeps, View
from bot.ids import Action, Callback, Menu
from bot.ids import Block as Field
from bot.listeners.base import Ack, Body, Handler, Listener, Turn
from bot.payloads import Command, Malformed, OldButton, Press, Sent, row_id
from bot.people import Presser, by_slack
from bot.views import modals as m
from bot.views import renewal_forms as forms
from bot.views.renewal_card import renewal_card
from bot.views.renewal_open import Reader
from bot.views.renewal_rows import calendar_window, renewals_message, renewals_window
from bot.views.text import Message
from licensing.words import weekday
from model.renewals import RenewalState
from workflows.permissions import Access, NotForYou, Page, access, licence_managers, own_products, parts_of
from workflows.reads.renewal_brief import brief
from workflows.reads.renewal_decision import begins_on
from workflows.reads.renewal_facts import BriefFacts
from workflows.reads.renewals import RenewalRow
from workflows.refusals import FieldRefusals
from workflows.renewals import agreeing, calendar, decide, pages, proof, proof_files
from workflows.renewals.decide import Asked, Verdict
from workflows.renewals.notices import draft
from workflows.renewals.proof import Proof
from workflows.renewals.proof_files import Attached
from workflows.renewals.renewal import locked
from workflows.renewals.rights import require, subject_of

#: The word of `/licence` that is answered here.
WORD = "renewals"
WHAT = "What is to be renewed"
#: What is listed: so far ahead, and all that stands red or lacks something.
AHEAD_DAYS = 120


def register(app: App, deps: BotDeps) -> None:
    """Before the listeners that take what no other knows."""
    Renewals(deps).listen(app)


class Renewals(Listener):
    """One short method per button."""

    def table(self) -> Mapping[Action, Handler]:
        return {
            Action.SEE_RENEWALS: self.see_all,
            Action.RENEWAL_SEE: self.see,
            Action.RENEWAL_RENEW: self.renew,
            Action.RENEWAL_REDUCE: self.reduce,
            Action.RENEWAL_RENEGOTIATE: self.renegotiate,
            Action.RENEWAL_CANCEL: self.cancel,
            Action.RENEWAL_MORE: self.more,
            Action.RENEWAL_NOTICE: self.notice,
            Action.RENEWAL_PROOF: self.add_proof,
            Action.RENEWAL_CHANGE: self.change,
            Action.RENEWAL_AGREE: self.agree,
            Action.RENEWAL_DISAGREE: self.disagree,
            Action.RENEWAL_PAGE: self.page,
            Action.RENEWAL_CALENDAR: self.calendar,
            Action.RENEWAL_CALENDAR_NEW: self.new_calendar,
        }

    def windows(self) -> Mapping[Callback, Handler]:
        return {
            Callback.RENEWAL_REDUCE: self.reduce_form,
            Callback.RENEWAL_RENEGOTIATE: self.renegotiate_form,
            Callback.RENEWAL_CANCEL: self.cancel_form,
            Callback.RENEWAL_DEFER: self.defer_form,
            Callback.RENEWAL_OWNER: self.owner_form,
            Callback.RENEWAL_PROOF: self.proof_form,
            Callback.RENEWAL_DISAGREE: self.disagree_form,
        }

    # Lists

    def answer(self, command: Command) -> Message:
        """`/licence renewals`. Raises NotForYou."""
        with self.look(command.slack_id) as (connection, by):
            rows = self._rows(connection, by)
        return renewals_message(rows, self.deps.now().date())

    def see_all(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            rows = self._rows(connection, by)
        self.window(press, renewals_window(rows, self.deps.now().date()))
        ack()

    def _rows(self, connection: Connection, by: Presser) -> list[RenewalRow]:
        """Those somebody may see. Raises NotForYou for those who may see none."""
        now = self.deps.now()
        rows = calendar.own_rows(connection, self.deps.rules().policy, by.id, now)
        if not rows and access(Page.RENEWALS, parts_of(by.roles)) < Access.READ and not own_products(connection, by.id):
            raise NotForYou(WHAT, licence_managers(connection))
        return [
            one
            for one in rows
            if one.missing
            or one.state in (RenewalState.PROOF_AWAITED, RenewalState.MISSED)
            or (one.decide_by is not None and (one.decide_by - now.date()).days <= AHEAD_DAYS)
        ]

    def see(self, ack: Ack, body: Body) -> None:
        """A row's brief as a window, without the chart: a window may hold no uploaded picture of a card."""
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            facts = self._facts(connection, press.ref.id)
            self._may_see(connection, by, facts)
            reader = Reader(self.deps.now().date(), by.id, self.deps.settings.public_url)
        self.window(press, self._window_of(facts, reader))
        ack()

    def _may_see(self, connection: Connection, by: Presser, facts: BriefFacts) -> None:
        if not pages.may_see(connection, by.id, by.roles, facts):
            raise NotForYou(WHAT, licence_managers(connection))

    def page(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        self._page(press, press.ref.id)
        ack()

    def calendar(self, ack: Ack, body: Body) -> None:
        """The private address of whoever pressed, made at the first press."""
        press = payloads.press(body)
        self.window(press, calendar_window(self._calendar_address(press, anew=False)))
        ack()

    def new_calendar(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        self.redraw(press, calendar_window(self._calendar_address(press, anew=True)))
        ack()

    def _calendar_address(self, press: Press, *, anew: bool) -> str:
        settings = self.deps.settings
        with self.turn(press.slack_id) as turn:
            self._rows(turn.work.connection, turn.by)
            actor, key = f"person:{turn.by.id}", settings.key("links")
            token = calendar.token_of(turn.work, key, turn.by.id, actor, turn.now, anew=anew)
        return calendar.address(settings.public_url, token)

    # Decisions

    def renew(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            ref = press.ref
            decide.decide(turn.work, turn.rules, ref.id, ref.version, turn.by.id, Asked(Verdict.RENEW), turn.now)
            self.tell(turn, press, "Decided: it is renewed. The brief shows what follows.")
        self._redrawn(press)
        ack()

    def reduce(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        facts = self._to_decide(press)
        today, policy = self.deps.now().date(), self.deps.rules().policy
        if not facts.may_reduce(today):
            raise OldButton
        starts = begins_on(facts.decide_by, None, today, policy.renewals.ask_holders_days)
        self.window(press, forms.reduce_form(facts, today, starts))
        ack()

    def reduce_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        chosen = row_id(sent.view.option(Field.ENTITLEMENT)) if sent.view.has(Field.ENTITLEMENT) else None
        asked = Asked(Verdict.REDUCE, sent.view.number(Field.QUANTITY), chosen, sent.view.text(Field.WORDS))
        self._decided(ack, sent, asked)

    def renegotiate(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        self.window(press, forms.renegotiate_form(self._to_decide(press)))
        ack()

    def renegotiate_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        self._decided(ack, sent, Asked(Verdict.RENEGOTIATE, words=sent.view.text(Field.WORDS)))

    def cancel(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        self.window(press, forms.cancel_form(self._to_decide(press)))
        ack()

    def cancel_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        if forms.READ not in sent.view.ticked(Field.READ):
            raise FieldRefusals({Field.READ.value: "Tick it to cancel the contract."})
        self._decided(ack, sent, Asked(Verdict.CANCEL, words=sent.view.text(Field.WORDS)))

    def _decided(self, ack: Ack, sent: Sent, asked: Asked) -> None:
        with self.turn(sent.slack_id) as turn:
            decide.decide(turn.work, turn.rules, sent.ref.id, sent.ref.version, turn.by.id, asked, turn.now)
        ack(response_action="clear")

    def change(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            decide.change(turn.work, turn.rules, press.ref.id, press.ref.version, turn.by.id, turn.now)
            self.tell(turn, press, "Taken back: nobody has decided now.")
        self._redrawn(press)
        ack()

    def agree(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            agreeing.agree(turn.work, turn.rules, press.ref.id, press.ref.version, turn.by.id, turn.now)
            self.tell(turn, press, "Agreed.")
        self._redrawn(press)
        ack()

    def disagree(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            locked(turn.work, press.ref.id, press.ref.version, (RenewalState.DECIDED,))
            facts = self._facts(turn.work.connection, press.ref.id)
            self._may_see(turn.work.connection, turn.by, facts)
        self.window(press, forms.disagree_form(facts))
        ack()

    def disagree_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        words = sent.view.text(Field.WORDS)
        with self.turn(sent.slack_id) as turn:
            ref = sent.ref
            agreeing.agree(turn.work, turn.rules, ref.id, ref.version, turn.by.id, turn.now, agrees=False, words=words)
        ack(response_action="clear")

    # Later, somebody else

    def more(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        name, ref = press.choice
        if name == Menu.DASHBOARD:
            self._page(press, ref.id)
            ack()
            return
        facts, last = self._with_calendar(press.slack_id, ref.id)
        if name == Menu.DEFER:
            self.window(press, forms.defer_form(facts, self.deps.now().date(), last))
        elif name == Menu.OWNER:
            self.window(press, forms.owner_form(facts))
        else:
            raise OldButton
        ack()

    def _page(self, press: Press, renewal_id: int) -> None:
        """A window with the page's address, made for whoever pressed."""
        with self.look(press.slack_id) as (connection, by):
            facts = self._facts(connection, renewal_id)
            self._may_see(connection, by, facts)
        settings = self.deps.settings
        address = pages.address(settings.public_url, settings.key("links"), facts.id, by.id, self.deps.now())
        self.window(press, forms.page_window(facts.reference, address))

    def defer_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        until = sent.view.day(Field.UNTIL)
        if until is None:
            raise Malformed("no day")
        _, last = self._with_calendar(sent.slack_id, sent.ref.id)
        if last is not None and until > last > self.deps.now().date():
            raise FieldRefusals({Field.UNTIL.value: f"Choose a day up to {weekday(last)}."})
        with self.turn(sent.slack_id) as turn:
            words = sent.view.text(Field.WORDS)
            decide.defer(turn.work, turn.rules, sent.ref.id, sent.ref.version, turn.by.id, until, words, turn.now)
        ack(response_action="clear")

    def owner_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        with self.turn(sent.slack_id) as turn:
            owner_id = self._chosen(turn, sent, Field.OWNER)
            decide.assign(turn.work, turn.rules, sent.ref.id, turn.by.id, owner_id, turn.now)
        ack(response_action="clear")

    # Carried out

    def notice(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            facts = self._facts(connection, press.ref.id)
            self._may_see(connection, by, facts)
        self.window(press, forms.notice_window(draft(facts)))
        ack()

    def add_proof(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        facts = self._to_decide(press, RenewalState.PROOF_AWAITED)
        self.window(press, forms.proof_form(facts, self.deps.now().date(), press.slack_id))
        ack()

    def proof_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        view, on = sent.view, sent.view.day(Field.SENT_ON)
        if on is None:
            raise Malformed("no day")
        with self.turn(sent.slack_id) as turn:
            sender = self._chosen(turn, sent, Field.SENT_BY)
            shown = Proof(sender, on, view.text(Field.HOW), view.text(Field.DOCUMENT))
            about = (turn.work, turn.rules, sent.ref.id, sent.ref.version, turn.by.id, shown)
            picked = view.files(Field.FILE)
            if picked:
                proof_files.ask(*about, Attached(*picked[0]), turn.now)
            else:
                proof.prove(*about, turn.now)
        ack(response_action="clear")

    # Shared

    def _to_decide(self, press: Press, decided: RenewalState | None = None) -> BriefFacts:
        """The facts for a window that only those who may decide can open. Raises NotYourRenewal, AlreadyDecided.

        `decided`: it is about the decision that the pressed card shows, in this state. Raises OldCard for another.
        """
        with self.turn(press.slack_id) as turn:
            seen = (press.ref.version, (decided,)) if decided is not None else ()
            renewal = locked(turn.work, press.ref.id, *seen)
            require(turn.work, renewal, subject_of(turn.work, renewal, turn.rules, turn.now), turn.by.id, turn.now)
            if decided is None:
                decide.still_open(turn.work, renewal)
            return self._facts(turn.work.connection, press.ref.id)

    def _with_calendar(self, slack_id: str, renewal_id: int) -> tuple[BriefFacts, date | None]:
        """The facts, and the last day to put it off to, for somebody who may decide."""
        with self.turn(slack_id) as turn:
            renewal = locked(turn.work, renewal_id)
            subject = subject_of(turn.work, renewal, turn.rules, turn.now)
            require(turn.work, renewal, subject, turn.by.id, turn.now)
            facts = self._facts(turn.work.connection, renewal_id)
            return facts, forms.last_to_defer(facts, subject.calendar)

    def _chosen(self, turn: Turn, sent: Sent, name: Field) -> int:
        """The person picked in a field. Raises FieldRefusals for somebody who is not in the directory."""
        found = by_slack(turn.work.connection, sent.view.users(name))
        if not found:
            raise FieldRefusals({name.value: "This person is not in the staff directory. Choose somebody else."})
        return next(iter(found.values()))

    def _facts(self, connection: Connection, renewal_id: int) -> BriefFacts:
        found = brief(connection, self.deps.rules().policy, renewal_id, self.deps.now(), forecast="never")
        if found is None:
            raise OldButton
        return found

    def _redrawn(self, press: Press) -> None:
        """The window a press came from shows how it stands now; messages follow by themselves."""
        if press.view is None:
            return
        with self.showing():
            with self.look(press.slack_id) as (connection, by):
                facts = self._facts(connection, press.ref.id)
            reader = Reader(self.deps.now().date(), by.id, self.deps.settings.public_url)
            self.redraw(press, self._window_of(facts, reader))

    def _window_of(self, facts: BriefFacts, reader: Reader) -> View:
        return m.shown(facts.reference, *renewal_card(facts, reader).blocks)
