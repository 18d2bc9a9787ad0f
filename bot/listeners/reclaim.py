"""Taking seats back: what a campaign would do, the list to confirm, Undo. The holders' side is `still_needed`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from slack_bolt import App
from sqlalchemy import Connection

from bot import payloads
from bot.deps import BotDeps, View
from bot.ids import Action, Callback, Menu, Ref
from bot.ids import Block as Field
from bot.listeners.base import Ack, Body, Handler, Listener
from bot.payloads import Command, OldButton, OpenView, Press
from bot.people import Presser
from bot.views import modals as m
from bot.views import reclaim_forms as forms
from bot.views import reclaim_list as lists
from bot.views import text as t
from bot.views.answers import no_such_product
from bot.views.reclaim_result import campaign_message, campaigns_message, put_back_words, undo_window
from bot.views.reclaim_smaller import smaller_message
from bot.views.text import Message
from model.reclaim import CampaignKind, CampaignState
from workflows.permissions import Duty, NotForYou, Page, licence_managers, products_seen
from workflows.positions.named import find
from workflows.reads.reclaim import CampaignFacts, campaigns, lists_to_confirm, live_campaigns
from workflows.reads.smaller import smaller
from workflows.reclaim import asking, confirm, evidence_seen, held, plan, rights, rule_scores, switch, undo
from workflows.reclaim.campaign import reference
from workflows.reclaim.fits import smaller_tiers
from workflows.reclaim.listing import ReclaimList, list_of
from workflows.refusals import FieldRefusals

#: The word of `/licence` that is answered here.
WORD = "reclaim"
#: A last word that asks for seats to be looked at for another reason than that nobody uses them.
KINDS = {"review": CampaignKind.REVIEW, "covered": CampaignKind.REDUNDANT, "smaller": CampaignKind.TOO_BIG}


def register(app: App, deps: BotDeps) -> None:
    """Before the listeners that take what no other knows."""
    Reclaim(deps).listen(app)


@dataclass(frozen=True)
class _Open:
    """The list as its window shows it: rows whose tick was changed, and the page."""

    facts: CampaignFacts
    listed: ReclaimList
    changed: frozenset[int]
    page: int


class Reclaim(Listener):
    """One short method per button; rights are asked anew at each press."""

    def table(self) -> Mapping[Action, Handler]:
        return {
            Action.SEE_CAMPAIGNS: self.see,
            Action.CAMPAIGN_OPEN: self.open,
            Action.SMALLER_CHOSEN: self.smaller_chosen,
            Action.CAMPAIGN_BEGIN: self.begin,
            Action.CAMPAIGN_CANCEL: self.cancel,
            Action.REVIEW_LIST: self.review,
            Action.LIST_TICKS: self.tick,
            Action.LIST_LOOKS: self.tick,
            Action.LIST_BEFORE: self.before,
            Action.LIST_AFTER: self.after,
            Action.LIST_TAKE: self.take,
            Action.LIST_MORE: self.more,
            Action.HOLDS_NONE: self.no_holds,
            Action.RULE_LIFT: self.lift,
            Action.UNDO_SOME: self.undo_some,
            Action.UNDO_ALL: self.undo_all,
        }

    def windows(self) -> Mapping[Callback, Handler]:
        return {
            Callback.RECLAIM_LIST: self.only_closed,
            Callback.EVIDENCE: self.evidence_form,
            Callback.UNDO_SOME: self.undo_form,
        }

    def answer(self, command: Command) -> Message:
        """`/licence reclaim`: counters per campaign; with a product, a dry run of it. Raises NotForYou.

        After the product "review" (every seat, keep or drop), "covered" (by another licence of the same person) or
        "smaller" (a smaller licence would do, which is chosen first).
        """
        if command.rest:
            return self._planned(command)
        with self.look(command.slack_id) as (connection, by):
            return self._status(connection, by)

    def _planned(self, command: Command) -> Message:
        """What a campaign on a product would ask for; nobody hears of it. One that runs already is shown."""
        words, _, last = command.rest.rpartition(" ")
        kind = KINDS.get(last.lower()) if words.strip() else None
        name, kind = (words.strip(), kind) if kind is not None else (command.rest, CampaignKind.IDLE)
        with self.look(command.slack_id) as (connection, by):
            own = products_seen(connection, Page.RECLAIM, by.id, by.roles, rights.WHAT)
            named = find(connection, name)
            product_id = named.product_id
            if product_id is None:
                return no_such_product(name, named.near)
            if own is not None and product_id not in own:
                raise NotForYou(rights.WHAT, licence_managers(connection))
            live = live_campaigns(connection, [product_id], kind)
            found = campaigns(connection, live, self.deps.now())
            if kind is CampaignKind.TOO_BIG and all(one.state is CampaignState.DRY_RUN for one in found.values()):
                rights.require(connection, Duty.PLAN_RECLAIM, product_id, by.id, self.deps.now())
                return smaller_message(smaller(connection, product_id, self.deps.now()))
        today = self.deps.now().date()  # a dry run of an earlier day is planned anew, from today's figures
        if all(one.state is CampaignState.DRY_RUN and one.planned_at.date() < today for one in found.values()):
            with self.turn(command.slack_id) as turn:
                actor = f"person:{turn.by.id}"
                made = plan.plan(turn.work, turn.rules, product_id, kind, actor, turn.now)
                live = [made.id]
        return self._one(command.slack_id, live[0])

    def _one(self, slack_id: str, campaign_id: int) -> Message:
        with self.look(slack_id) as (connection, by):
            facts = self._campaign(connection, campaign_id)
            own = products_seen(connection, Page.RECLAIM, by.id, by.roles, rights.WHAT)
            if own is not None and facts.product_id not in own:
                raise OldButton
            now = self.deps.now()
            plans = rights.has(connection, Duty.PLAN_RECLAIM, facts.product_id, by.id, now)
            return campaign_message(facts, t.inert(switch.state(connection).words()), plans=plans)

    def only_closed(self, ack: Ack, body: Body) -> None:
        """The list's window has nothing to send; its buttons do the work."""
        ack()

    def _status(self, connection: Connection, by: Presser) -> Message:
        now = self.deps.now()
        own = products_seen(connection, Page.RECLAIM, by.id, by.roles, rights.WHAT)
        ids = live_campaigns(connection, own)
        found = campaigns(connection, ids, now)
        confirms = rights.may_confirm(connection, self.deps.rules().policy, by.id, now)
        lists = lists_to_confirm(connection) if confirms else []
        words = t.inert(switch.state(connection).words())
        return campaigns_message([found[one] for one in ids], words, lists)

    def see(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            said = self._status(connection, by)
        self.window(press, m.shown("Taking back", *said.blocks))
        ack()

    # The list

    def open(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        said = self._one(press.slack_id, press.ref.id)
        self.window(press, m.shown("Taking back", *said.blocks))
        ack()

    def smaller_chosen(self, ack: Ack, body: Body) -> None:
        """A dry run of the seats that could be moved to the licence chosen; another one replaces it."""
        press = payloads.press(body)
        product_id, sku_id = press.ref.id, press.ref.version
        with self.turn(press.slack_id) as turn:
            if sku_id not in smaller_tiers(turn.work.connection, product_id):
                raise OldButton
            actor, kind = f"person:{turn.by.id}", CampaignKind.TOO_BIG
            made = plan.plan(turn.work, turn.rules, product_id, kind, actor, turn.now, to_sku_id=sku_id)
        said = self._one(press.slack_id, made.id)
        self.window(press, m.shown("Taking back", *said.blocks))
        ack()

    def begin(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            row = asking.begin(turn.work, turn.rules, press.ref.id, turn.by.id, turn.now)
            words = "The holders are being asked. Nothing is taken without a list that is confirmed."
            self.tell(turn, press, f"*{reference(row.id)}:* {words}", replaces=True)
        with self.showing():
            self.redraw(press, m.shown("Taking back", *self._one(press.slack_id, press.ref.id).blocks))
        ack()

    def cancel(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            row = plan.cancel(turn.work, turn.rules, press.ref.id, turn.by.id, "", turn.now)
            words = "Called off: everybody keeps their seat, and whoever was asked is told."
            self.tell(turn, press, f"*{reference(row.id)}:* {words}", replaces=True)
        with self.showing():
            self.redraw(press, m.shown("Taking back", *self._one(press.slack_id, press.ref.id).blocks))
        ack()

    def review(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            shown = self._list(connection, by, press.ref.id, frozenset(), 1)
        self.window(press, self._drawn(shown))
        ack()

    def tick(self, ack: Ack, body: Body) -> None:
        """Boxes of one page changed: the rows on it are as ticked as the boxes say, all others as before."""
        press = payloads.press(body)
        view, ref = _list_view(press)
        with self.look(press.slack_id) as (connection, by):
            shown = self._list(connection, by, ref.id, *_marks(view))
        here = lists.page_of(shown.listed, shown.page)[2]
        looks = press.action == Action.LIST_LOOKS
        group = {one.candidate_id: one.ticked for one in here if one.needs_look is looks and not one.waits}
        on = {number for number in map(payloads.row_id, press.chosen) if number in group}
        changed = (shown.changed - group.keys()) | {one for one, began in group.items() if began != (one in on)}
        self.redraw(press, self._drawn(_Open(shown.facts, shown.listed, changed, shown.page)))
        ack()

    def before(self, ack: Ack, body: Body) -> None:
        self._turn_page(body, -1)
        ack()

    def after(self, ack: Ack, body: Body) -> None:
        self._turn_page(body, 1)
        ack()

    def _turn_page(self, body: Body, by_pages: int) -> None:
        press = payloads.press(body)
        view, ref = _list_view(press)
        changed, page = _marks(view)
        with self.look(press.slack_id) as (connection, by):
            shown = self._list(connection, by, ref.id, changed, page + by_pages)
        self.redraw(press, self._drawn(shown))

    def take(self, ack: Ack, body: Body) -> None:
        """The version is that of the window: a list that changed meanwhile is refused, and shown anew."""
        press = payloads.press(body)
        view, ref = _list_view(press)
        changed, _ = _marks(view)
        with self.turn(press.slack_id) as turn:
            listed = list_of(turn.work.connection, turn.rules.policy, ref.id, turn.now)
            if listed is None:
                raise OldButton
            ticks = {one.candidate_id for one in lists.ticked(listed, changed)}
            looked = frozenset(one.candidate_id for one in listed.look if one.candidate_id in ticks)
            said = confirm.confirm(
                turn.work, turn.rules, ref.id, ref.version, ticks, turn.by.id, turn.now, looked_at=looked
            )
        with self.showing():
            self.redraw(press, m.said(t.inert(said.text), "Confirmed"))
        ack()

    def more(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        view, ref = _list_view(press)
        changed, page = _marks(view)
        name, _ = press.choice
        with self.look(press.slack_id) as (connection, by):
            shown = self._list(connection, by, ref.id, changed, page)
        here = lists.page_of(shown.listed, shown.page)[2]
        if name == Menu.UNTICK:
            ids = {one.candidate_id: one.ticked for one in here}
            left = (changed - ids.keys()) | {one for one, began in ids.items() if began}
            self.redraw(press, self._drawn(_Open(shown.facts, shown.listed, left, shown.page)))
        elif name == Menu.EVIDENCE:
            self.window(press, forms.evidence_form(ref, shown.page, [one.candidate_id for one in here]))
        ack()

    def evidence_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        wanted = lists.unpacked(str(sent.view.metadata.get("rows") or ""))
        with self.turn(sent.slack_id) as turn:
            reason, policy = sent.view.text(Field.WHY), turn.rules.policy
            evidence_seen.look(turn.work, policy, sent.ref.id, turn.by.id, reason, len(wanted), turn.now)
            facts = self._campaign(turn.work.connection, sent.ref.id)
        rows = [row for row in facts.rows if row.id in wanted]
        ack(response_action="update", view=lists.evidence_window(rows))

    def no_holds(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            said = held.state_none(turn.work, turn.by.id, turn.now)
            self.tell(turn, press, t.inert(said.text))
        ack()

    def lift(self, ack: Ack, body: Body) -> None:
        """A rule that paused itself judges again."""
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            rule_scores.lift(turn.work, press.ref.id, turn.by.id, turn.now)
        ack()

    def undo_some(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        now = self.deps.now()
        with self.look(press.slack_id) as (connection, by):
            rights.require_confirming(connection, self.deps.rules().policy, by.id, now)
            facts = self._campaign(connection, press.ref.id)
        self.window(press, undo_window(facts, now))
        ack()

    def undo_form(self, ack: Ack, body: Body) -> None:
        sent = payloads.sent(body)
        chosen = {number for number in map(payloads.row_id, sent.view.ticked(Field.PEOPLE)) if number is not None}
        if not chosen:
            raise FieldRefusals({Field.PEOPLE.value: "Tick at least one person."})
        with self.turn(sent.slack_id) as turn:
            known = set(undo.of_campaign(turn.work.connection, sent.ref.id))
            done = undo.put_back(turn.work, turn.rules, chosen & known, turn.by.id, turn.now)
        ack(response_action="update", view=m.said(put_back_words(done), "Undo"))

    def undo_all(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.turn(press.slack_id) as turn:
            all_of_it = undo.of_campaign(turn.work.connection, press.ref.id)
            done = undo.put_back(turn.work, turn.rules, all_of_it, turn.by.id, turn.now)
            self.tell(turn, press, put_back_words(done))
        ack()

    def _campaign(self, connection: Connection, campaign_id: int) -> CampaignFacts:
        facts = campaigns(connection, [campaign_id], self.deps.now()).get(campaign_id)
        if facts is None:
            raise OldButton
        return facts

    def _list(
        self, connection: Connection, by: Presser, campaign_id: int, changed: Collection[int], page: int
    ) -> _Open:
        now, policy = self.deps.now(), self.deps.rules().policy
        rights.require_confirming(connection, policy, by.id, now)
        listed = list_of(connection, policy, campaign_id, now)
        if listed is None:
            raise OldButton
        known = {one.candidate_id for one in listed.rows}
        shown = lists.page_of(listed, page)[0]
        return _Open(self._campaign(connection, campaign_id), listed, frozenset(changed) & known, shown)

    def _drawn(self, shown: _Open) -> View:
        return lists.list_window(shown.facts, shown.listed, shown.changed, shown.page, self.deps.now().date())


def _list_view(press: Press) -> tuple[OpenView, Ref]:
    if press.view is None or press.view.callback_id != Callback.RECLAIM_LIST:
        raise OldButton
    return press.view, press.view.ref


def _marks(view: OpenView) -> tuple[frozenset[int], int]:
    """Which rows were ticked otherwise than they began, and the page."""
    try:
        return lists.unpacked(str(view.metadata.get("ticks") or "")), int(view.metadata.get("page") or 1)
    except ValueError:
        raise OldButton from None
