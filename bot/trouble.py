"""What a person reads when something was refused or went wrong, wherever they pressed: one place for all listeners.

A refusal becomes its sentence, for the presser only, and the card is brought in line. What nobody foresaw becomes a
reference that is also in the log, without anything that was typed.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog
from slack_bolt import BoltResponse
from sqlalchemy import Connection

from bot import payloads
from bot.deps import BotDeps, NotShown
from bot.ids import Action
from bot.payloads import Malformed, OldButton, Place, Press
from bot.people import presser
from bot.views import modals
from model.session import DatabaseBusy
from workflows import routing
from workflows.cards import CardKind
from workflows.effects import Effect, PublishHome, Say, ShowCard, ShowRequest, enqueue
from workflows.reads.cards import cards_about
from workflows.refusals import AlreadyDecided, FieldRefusals, Refusal, RightGone, UnknownPerson

log = structlog.get_logger(__name__)

BUSY = "Too much happens at this moment, so nothing was changed. Press again in a few seconds."

#: Which cards show the row that a button names.
_ABOUT: Mapping[CardKind, frozenset[str]] = {
    CardKind.APPROVAL: frozenset(
        {
            Action.APPROVE,
            Action.APPROVE_AND_BUY,
            Action.APPROVE_AND_WAIT,
            Action.CHANGE,
            Action.DENY,
            Action.ASK,
            Action.DECIDE,
        }
    ),
    CardKind.PROGRESS: frozenset(
        {
            Action.WITHDRAW,
            Action.ADD_NOTE,
            Action.REMIND,
            Action.ANSWER,
            Action.LEAVE_QUEUE,
            Action.URGENT,
            Action.REOPEN,
            Action.DOES_NOT_WORK,
            Action.NAME_HOLDER,
            Action.OPEN_DRAFT,
        }
    ),
    CardKind.TASK: frozenset({Action.TASK_DONE, Action.TASK_BLOCKED}),
    CardKind.ENDING: frozenset({Action.KEEP_LONGER, Action.LET_END, Action.GIVE_BACK}),
    CardKind.RETURNED: frozenset({Action.NEED_BACK}),
    CardKind.RENEWAL: frozenset(
        {
            Action.RENEWAL_RENEW,
            Action.RENEWAL_REDUCE,
            Action.RENEWAL_RENEGOTIATE,
            Action.RENEWAL_CANCEL,
            Action.RENEWAL_PROOF,
            Action.RENEWAL_CHANGE,
            Action.RENEWAL_AGREE,
            Action.RENEWAL_DISAGREE,
        }
    ),
    CardKind.STUCK: frozenset({Action.STUCK_RETRY, Action.STUCK_NAME, Action.STUCK_CLOSE}),
}


def unknown(reference: str) -> str:
    return (
        "That did not work. Nothing was changed and your answers are kept. "
        f"Try again; if it repeats, tell IT reference *{reference}*."
    )


def not_shown(reference: str) -> str:
    return f"Slack did not show the answer in time. Press again; if it repeats, tell IT reference *{reference}*."


class Trouble:
    """Turns what a listener raised into an acknowledgement, and into words where the person is."""

    def __init__(self, deps: BotDeps) -> None:
        self._deps = deps

    def answer(self, error: Exception, body: Mapping[str, Any]) -> BoltResponse:
        """The response to Slack. Never raises: a second failure is logged and the delivery acknowledged."""
        if isinstance(error, Malformed):
            log.warning("malformed delivery", kind=str(body.get("type") or body.get("command") or "?")[:40])
            return BoltResponse(status=400, body={"error": "malformed"})
        words = self._words(error, body)
        try:
            return self._told(error, words, body)
        except Exception as second:  # noqa: BLE001  (the last line: logged, and Slack gets its answer)
            if not isinstance(error, Refusal | DatabaseBusy):
                log.error("answer lost", reason=type(second).__name__)
            else:
                log.warning("answer lost", refusal=type(error).__name__, reason=type(second).__name__)
            return BoltResponse(status=200, body="")

    def _words(self, error: Exception, body: Mapping[str, Any]) -> str:
        if isinstance(error, Refusal):
            log.info("refused", refusal=type(error).__name__, action=_what(body))
            return modals.refused(error)
        if isinstance(error, DatabaseBusy):
            log.warning("database busy", action=_what(body))
            return BUSY
        reference = f"E-{secrets.token_hex(2).upper()}"
        frames = _frames(error)
        kind = type(error.__cause__ if isinstance(error, NotShown) and error.__cause__ else error).__name__
        log.error("listener failed", reference=reference, error=kind, at=frames, action=_what(body))
        if isinstance(error, NotShown) and body.get("type") == "block_actions":
            return not_shown(reference)
        return unknown(reference)

    def _told(self, error: Exception, words: str, body: Mapping[str, Any]) -> BoltResponse:
        if "command" in body:
            return BoltResponse(status=200, body={"response_type": "ephemeral", "text": words})
        kind = body.get("type")
        if kind == "view_submission":
            return self._in_form(error, words, body)
        if kind == "block_suggestion":
            return BoltResponse(status=200, body={"options": []})
        if kind == "block_actions":
            self._after_press(error, words, payloads.press(body))
        elif kind == "shortcut" and not isinstance(error, NotShown):
            self._deps.slack.open_view(str(body.get("trigger_id") or ""), modals.nothing_changed(words))
        return BoltResponse(status=200, body="")

    def _in_form(self, error: Exception, words: str, body: Mapping[str, Any]) -> BoltResponse:
        view = payloads.sent(body).view
        if isinstance(error, FieldRefusals) and view.inputs:
            return BoltResponse(status=200, body={"response_action": "errors", "errors": view.errors(error.by_field)})
        if isinstance(error, Refusal):
            window = modals.nothing_changed(words)
            return BoltResponse(status=200, body={"response_action": "update", "view": window})
        # what was typed must stay: the form stays open and the words stand at its first field
        where = view.inputs[0] if view.inputs else None
        if where is None:
            return BoltResponse(status=200, body={"response_action": "update", "view": modals.nothing_changed(words)})
        plain = words.replace("*", "")
        return BoltResponse(status=200, body={"response_action": "errors", "errors": {where: plain}})

    def _after_press(self, error: Exception, words: str, press: Press) -> None:
        if press.place is Place.MESSAGE and not isinstance(error, DatabaseBusy):
            with self._deps.unit_of_work() as work:
                now = self._deps.now()
                by = _pressed_by(work.connection, press, now)
                twice = isinstance(error, AlreadyDecided) and by is not None and by == error.person_id
                said = [] if twice else [Say(press.response_url, words)]  # twice by one person: silence
                moved: list[Effect] = []
                if isinstance(error, RightGone):
                    moved = routing.right_moved(work, self._deps.rules(), press.ref.id, press.slack_id, now)
                enqueue(work, [*said, *moved, *_refreshed(work.connection, press)], now)
                work.commit()
            return
        # what Slack was too slow for may have happened, and a second wait would cost the acknowledgement
        if press.place is Place.MODAL and press.view is not None:
            if not isinstance(error, NotShown):
                self._deps.slack.update_view(press.view.id, modals.nothing_changed(words))
            return
        if not isinstance(error, NotShown):
            self._deps.slack.open_view(press.trigger_id, modals.nothing_changed(words))
        if press.place is Place.HOME and not isinstance(error, DatabaseBusy):
            with self._deps.unit_of_work() as work:
                now = self._deps.now()
                enqueue(work, [PublishHome(presser(work.connection, press.slack_id, now).id)], now)
                work.commit()


def _pressed_by(connection: Connection, press: Press, now: datetime) -> int | None:
    try:
        return presser(connection, press.slack_id, now).id
    except UnknownPerson:
        return None


def _refreshed(connection: Connection, press: Press) -> list[Effect]:
    """The effects that show the present state on the cards the button belongs to."""
    kind = next((kind for kind, names in _ABOUT.items() if press.action in names), None)
    if kind is None:
        return []
    try:
        row = press.ref.id
    except OldButton:
        return []
    if kind is CardKind.PROGRESS:
        return [ShowRequest(row)]
    return [ShowCard(card_id) for card_id in cards_about(connection, kind, row)]


def _what(body: Mapping[str, Any]) -> str:
    """Which action, window or command, for the log; nothing that was typed."""
    actions = body.get("actions")
    if isinstance(actions, list) and actions and isinstance(actions[0], Mapping):
        return str(actions[0].get("action_id"))[:80]
    view = body.get("view")
    if isinstance(view, Mapping):
        return str(view.get("callback_id"))[:80]
    return str(body.get("command") or body.get("callback_id") or body.get("type") or "")[:80]


def _frames(error: BaseException) -> str:
    """Where it happened: files and lines, since a message could hold what somebody typed."""
    ours, last, trace = [], "", error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        last = f"{'/'.join(file.split('/')[-2:])}:{trace.tb_lineno}"
        if "site-packages" not in file:
            ours.append(last)
        trace = trace.tb_next
    return " ".join([*ours[-4:], *([last] if last not in ours else [])])
