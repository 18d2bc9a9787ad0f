"""The buttons of the Home tab and of the answers to commands, and the tab's own opening."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from slack_bolt import App

from bot import payloads
from bot.deps import BotDeps, View
from bot.ids import Action
from bot.listeners.base import Ack, Body, Handler, Listener
from bot.payloads import Press
from bot.people import presser
from bot.views import answers, forms
from bot.views import home as home_views
from workflows import homes
from workflows.effects import PublishStranger, enqueue
from workflows.reads.home import HomeFacts, deputy_of, home, stored_about
from workflows.reads.stuck import stuck as stuck_facts
from workflows.reads.tasks import parked as parked_facts
from workflows.refusals import UnknownPerson


def register(app: App, deps: BotDeps) -> None:
    part = Home(deps)
    part.listen(app)
    app.event("app_home_opened")(part.opened)


class Home(Listener):
    """Windows with what the reader may see; nothing here changes anything but the greeting."""

    def table(self) -> Mapping[Action, Handler]:
        return {
            Action.SEE_MINE: self.see_mine,
            Action.SHOW_ALL: self.show_all,
            Action.SEE_TEAM: self.see_team,
            Action.SETTINGS: self.settings,
            Action.STORED_ABOUT_ME: self.stored,
            Action.HELP: self.help,
            Action.TELL_IT: self.tell_it,
        }

    def opened(self, event: Mapping[str, Any]) -> None:
        """Fires for every tab; only the Home tab is drawn. The drawing is a job, so that a slow Slack costs nobody."""
        if event.get("tab") != "home":
            return
        with self.deps.unit_of_work() as work:
            now = self.deps.now()
            slack_id = str(event.get("user") or "")
            try:
                homes.opened(work, presser(work.connection, slack_id, now).id, now)
            except UnknownPerson:
                enqueue(work, [PublishStranger(slack_id)], now)
            work.commit()

    def see_mine(self, ack: Ack, body: Body) -> None:
        self._shown(ack, body, lambda facts: answers.all_rows(home_views.SEATS, facts))

    def see_team(self, ack: Ack, body: Body) -> None:
        self._shown(ack, body, lambda facts: answers.all_rows(home_views.TEAM, facts))

    def help(self, ack: Ack, body: Body) -> None:
        self._shown(ack, body, lambda facts: answers.help_window(facts, self.deps.settings.public_url))

    def show_all(self, ack: Ack, body: Body) -> None:
        group = payloads.press(body).value
        if group in ("parked", "stuck"):
            self._waiting(ack, payloads.press(body))
            return
        self._shown(ack, body, lambda facts: answers.all_rows(group, facts))

    def _shown(self, ack: Ack, body: Body, build: Callable[[HomeFacts], View]) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            facts = home(connection, self.deps.rules().policy, by.id, self.deps.now())
        if facts is None:
            raise UnknownPerson
        self.window(press, build(facts))
        if facts.first_time:
            with self.turn(press.slack_id) as turn:
                homes.welcomed(turn.work, turn.by.id, turn.now)
        ack()

    def _waiting(self, ack: Ack, press: Press) -> None:
        """What waits for a person, for those who look after it."""
        with self.look(press.slack_id) as (connection, by):
            now = self.deps.now()
            facts = home(connection, self.deps.rules().policy, by.id, now)
            if facts is None or facts.today is None:
                raise payloads.OldButton
            stopped = parked_facts(connection, facts.today.parked_ids, now)
            stuck = stuck_facts(connection, facts.today.stuck, now)
        self.window(press, answers.parked_rows(tuple(stopped.values()), tuple(stuck.values())))
        ack()

    def settings(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            now = deputy_of(connection, by.id)
        self.window(press, forms.settings_form(now.deputy, now.first_day, now.last_day))
        ack()

    def stored(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        with self.look(press.slack_id) as (connection, by):
            facts = stored_about(connection, by.id, self.deps.now())
        self.window(press, answers.stored(facts))
        ack()

    def tell_it(self, ack: Ack, body: Body) -> None:
        press = payloads.press(body)
        self.window(press, answers.tell_it())
        ack()
