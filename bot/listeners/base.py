"""What every listener shares: who pressed, one unit of work, and where the next window goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from slack_bolt import App
from sqlalchemy import Connection

from bot.deps import BotDeps, NotShown, TooManyWindows, View
from bot.ids import Action, Callback
from bot.payloads import OldButton, Place, Press
from bot.people import Presser, presser
from bot.views import modals as m
from bot.views.progress_card import progress_card
from model.people import Person
from model.session import DatabaseBusy, UnitOfWork
from workflows.effects import Say, enqueue
from workflows.reads.approvals import approvals
from workflows.reads.facts import ApprovalFacts, ProgressFacts, RequestFacts
from workflows.reads.progress import progress
from workflows.reads.requests import requests
from workflows.refusals import NotYourStep, Refusal
from workflows.rules import Rules

log = structlog.get_logger(__name__)

Ack = Callable[..., Any]
Body = Mapping[str, Any]
Handler = Callable[..., None]


class NotYourRequest(Refusal):
    """Somebody else's request, seen on a forwarded card."""

    def __init__(self) -> None:
        super().__init__("This request is somebody else's. You can look, not change it.")


@dataclass(frozen=True)
class Turn:
    """One press being handled: an open transaction, who pressed, the rules in force, the service's time."""

    work: UnitOfWork
    by: Presser
    rules: Rules
    now: datetime

    @property
    def person(self) -> Person:
        return self.work.session.get_one(Person, self.by.id)


class Listener:
    """Base of the listener classes; no state besides the dependencies."""

    def __init__(self, deps: BotDeps) -> None:
        self.deps = deps

    def table(self) -> Mapping[Action, Handler]:
        """Its buttons, menus and fields that send something when used."""
        return {}

    def windows(self) -> Mapping[Callback, Handler]:
        """Its windows that are sent."""
        return {}

    def listen(self, app: App) -> None:
        """Take what is its own."""
        for action, handler in self.table().items():
            app.action(action.value)(handler)
        for callback, handler in self.windows().items():
            app.view(callback.value)(handler)

    @contextmanager
    def turn(self, slack_id: str) -> Iterator[Turn]:
        """A unit of work for one press, committed when the block ends without a refusal. Raises UnknownPerson."""
        with self.deps.unit_of_work() as work:
            now = self.deps.now()
            yield Turn(work, presser(work.connection, slack_id, now), self.deps.rules(), now)
            work.commit()

    @contextmanager
    def look(self, slack_id: str) -> Iterator[tuple[Connection, Presser]]:
        """A consistent read for one person. Raises UnknownPerson."""
        with self.deps.database.reading() as connection:
            yield connection, presser(connection, slack_id, self.deps.now())

    def tell(self, turn: Turn, press: Press, words: str, *, replaces: bool = False) -> None:
        """An answer to one press, for its presser only; nothing where Slack gave no address for it.

        `replaces`: the press was on an answer that only they saw, whose buttons are over now.
        """
        if press.response_url:
            enqueue(turn.work, [Say(press.response_url, words, replaces)], turn.now)

    def window(self, press: Press, view: View) -> None:
        """Open a window, on top of the one the press came from if there is one.

        Slack stacks three; a fourth takes the place of the one that was pressed.
        """
        if press.place is not Place.MODAL or press.view is None:
            self.deps.slack.open_view(press.trigger_id, view)
            return
        try:
            self.deps.slack.push_view(press.trigger_id, view)
        except TooManyWindows:
            self.deps.slack.update_view(press.view.id, view)

    def redraw(self, press: Press, view: View) -> None:
        """Replace the window the press came from; a no-op where there is none."""
        if press.place is Place.MODAL and press.view is not None:
            self.deps.slack.update_view(press.view.id, view, press.view.hash or None)

    @contextmanager
    def showing(self) -> Iterator[None]:
        """Around what only shows a change that is stored: trouble there is logged, never told as a refusal."""
        try:
            yield
        except (NotShown, DatabaseBusy) as trouble:
            log.warning("not shown in time", reason=type(trouble).__name__)

    def approval(self, connection: Connection, approver_id: int, by: Presser) -> ApprovalFacts:
        """Facts of a card for somebody who was asked in its step. Raises a Refusal for anybody else."""
        found = approvals(connection, [approver_id], self.deps.now(), self.deps.rules().policy).get(approver_id)
        if found is None:
            raise OldButton
        if all(one.who.id != by.id for one in found.step.asked):
            raise NotYourStep(tuple(one.who.name for one in found.step.waits_for))
        own = next(one for one in found.step.asked if one.who.id == by.id)
        if own.id == approver_id:
            return found
        return approvals(connection, [own.id], self.deps.now(), self.deps.rules().policy)[own.id]

    def request(self, connection: Connection, request_id: int, by: Presser) -> RequestFacts:
        """A request of this person's own. Raises NotYourRequest or OldButton."""
        found = requests(connection, [request_id]).get(request_id)
        if found is None:
            raise OldButton
        if by.id != found.requester.id and all(holder.id != by.id for holder in found.holders):
            raise NotYourRequest
        return found

    def progress_window(self, connection: Connection, request_id: int) -> View:
        """The requester's card as a window."""
        facts: ProgressFacts = progress(connection, [request_id], self.deps.now())[request_id]
        return m.shown(facts.request.reference, *progress_card(facts, self.deps.now()).blocks)
