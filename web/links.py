"""`/d/<token>`: the question of a message, for a person without Slack. Opening it changes nothing; a press decides.

A press needs the address (a secret of 256 bits), a form that this service made for this browser, and goes through the
same operation as a press in Slack, as the person the link was made for. The link closes in the same transaction.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import structlog
from flask import Flask, Response, make_response, render_template, request
from sqlalchemy import Connection, select

from model.requests import ApprovalStep, LicenceRequest, StepApprover
from web import found, renewing, still
from web.deps import WebDeps
from web.press import Press
from web.words import buttons, instant, pieces, zone_words
from workflows import links, seats, talk, tasks
from workflows.cards import CardKind
from workflows.choices import DENIAL_REASONS, IN_THE_WAY, KEEPS, REALLY
from workflows.decide import Verdict, decide
from workflows.links import Link, LinkClosed, ShownCard
from workflows.refusals import FieldRefusals, Refusal

log = structlog.get_logger(__name__)

COOKIE = "seatkeeper_form"
STALE_FORM = "This page was open too long, or your browser keeps no cookies. Nothing was changed: press again."
LONGEST_ANSWER = 1000  # as in Slack's window
NOT_A_LINK = "This link is not one of ours, or it is incomplete. Copy the whole address from the mail."


@dataclass
class Page:
    """What the template shows besides the card."""

    notice: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    status: int = 200
    done: bool = False
    final: bool = False  # the link is used up by it


def mount(app: Flask, deps: WebDeps) -> None:
    """Add the page."""

    def opened(token: str) -> Response:
        with deps.database.reading() as connection:
            link = links.find(connection, deps.link_key, token)
            if link is None:
                return _not_a_link()
            return _shown(connection, deps, link, _untouched(link, deps.now()))

    def pressed(token: str) -> Response:
        with deps.database.reading() as connection:
            link = links.find(connection, deps.link_key, token)
            if link is None:
                return _not_a_link()
            page = _untouched(link, deps.now())
            if page.status == 410:
                return _shown(connection, deps, link, page)
            if not _form_is_ours(deps, link):
                return _shown(connection, deps, link, Page(notice=STALE_FORM, status=400))
        page = _answered(deps, token, link)
        with deps.database.reading() as connection:
            return _shown(connection, deps, link, page)

    app.add_url_rule("/d/<token>", "link", opened, methods=["GET"])
    app.add_url_rule("/d/<token>", "link_pressed", pressed, methods=["POST"])


def _untouched(link: Link, now: datetime) -> Page:
    """The page before any press."""
    try:
        links.check_open(link, now)
    except LinkClosed as closed:
        return Page(notice=_said(closed, link), status=410)
    return Page()


def _answered(deps: WebDeps, token: str, seen: Link) -> Page:
    """Do what was pressed. Nothing is changed unless all of it was."""
    now, action = deps.now(), request.form.get("action", "")
    try:
        with deps.database.unit_of_work() as work:
            link = links.find(work.connection, deps.link_key, token, to_answer=True)
            if link is None:
                raise LinkClosed("left")
            links.check_open(link, now)
            card = _drawn(work.connection, deps, link, now)
            press = _PRESSES.get((card.kind, action)) if card is not None else None
            if card is None or press is None or not _offered(work.connection, deps, card, action):
                raise Refusal("This answer is not open any more, so nothing changed.")
            words, final = press(Press(work, deps, link, card, now))
            if final:
                links.mark_used(work, link, now)
            work.after_commit(deps.wake)
            work.commit()
    except FieldRefusals as wrong:
        return Page(notice="Something needs a correction. Nothing was changed yet.", errors=wrong.by_field, status=422)
    except Refusal as refusal:
        log.info("refused", refusal=type(refusal).__name__, action=action[:40])
        return Page(notice=_said(refusal, seen), status=410 if isinstance(refusal, LinkClosed) else 409)
    return Page(notice=words, done=True, final=final)


def _approve(press: Press, *, buy: bool = False, wait: bool = False) -> tuple[str, bool]:
    verdict = Verdict(True, buy=buy, wait=wait)
    decide(press.work, press.deps.rules, press.card.subject_id, press.version, press.link.person_id, verdict, press.now)
    return "Approved. Whoever asked is told, and the rest happens by itself.", True


def _deny(press: Press) -> tuple[str, bool]:
    reason, typed = press.text("reason"), press.text("words")
    if reason not in DENIAL_REASONS:
        raise FieldRefusals({"reason": "Choose why."})
    if reason == "other" and not typed:
        raise FieldRefusals({"words": "Say why in a few words: whoever asked reads this."})
    chosen = DENIAL_REASONS[reason]
    words = chosen if not typed else typed if reason == "other" else f"{chosen}: {typed}"
    verdict = Verdict(False, words=words, suggestion=press.text("suggest")[:100])
    decide(press.work, press.deps.rules, press.card.subject_id, press.version, press.link.person_id, verdict, press.now)
    return "Not approved. Whoever asked reads your reason.", True


def _ask(press: Press) -> tuple[str, bool]:
    question = press.text("question")
    if len(question) < 3:
        raise FieldRefusals({"question": "Write your question in 3 characters or more."})
    talk.ask(press.work, press.deps.rules(), press.card.subject_id, press.link.person_id, question, press.now)
    return "Asked. The time limit waits for the answer, which comes as a new mail.", False


def _answer(press: Press) -> tuple[str, bool]:
    words = press.text("words", LONGEST_ANSWER)
    if not words:
        raise FieldRefusals({"words": "Write your answer."})
    asked = links.request_of(press.work.connection, press.card.id)
    talk.answer(press.work, press.deps.rules(), asked, press.link.person_id, words, press.now)
    return "Sent. Whoever asked reads it, and the time limit runs on.", True


def _reopen(press: Press) -> tuple[str, bool]:
    asked = links.request_of(press.work.connection, press.card.id)
    talk.reopen(press.work, press.deps.rules(), asked, press.link.person_id, press.now)
    return "Open again. Whoever decides is asked anew.", True


def _task_done(press: Press) -> tuple[str, bool]:
    tasks.done(press.work, press.deps.rules(), press.card.subject_id, press.person, press.now)
    return "Done. Whoever asked is told.", True


def _task_blocked(press: Press) -> tuple[str, bool]:
    reason, typed = press.text("reason"), press.text("words")
    if reason not in IN_THE_WAY:
        raise FieldRefusals({"reason": "Choose what is in the way."})
    if reason == "other" and not typed:
        raise FieldRefusals({"words": "Say in a few words what is in the way."})
    why = tasks.InTheWay(reason)
    tasks.could_not(press.work, press.deps.rules(), press.card.subject_id, press.person, why, typed, press.now)
    return "Noted. Somebody who can clear it is told.", True


def _keep_longer(press: Press) -> tuple[str, bool]:
    try:
        until = date.fromisoformat(press.text("until"))
    except ValueError:
        raise FieldRefusals({"until": "Choose a day, such as 2027-03-31."}) from None
    key = f"link:{press.link.id}"
    receipt = seats.extend(
        press.work,
        press.deps.rules(),
        press.card.subject_id,
        press.link.person_id,
        until,
        press.text("why"),
        key,
        press.now,
    )
    return f"Sent, {receipt.reference}. The seat stays yours until there is an answer.", True


def _let_end(press: Press) -> tuple[str, bool]:
    seats.let_end(press.work, press.deps.rules(), press.card.subject_id, press.link.person_id, press.now)
    return "It ends on the day agreed. You need not do anything.", True


def _give_back(press: Press) -> tuple[str, bool]:
    seats.give_back(press.work, press.deps.rules(), press.card.subject_id, press.link.person_id, "", press.now)
    return "Given back. A message says when it is done.", True


def _need_back(press: Press) -> tuple[str, bool]:
    seats.need_back(press.work, press.deps.rules(), press.card.subject_id, press.link.person_id, press.now)
    return "It is being brought back.", True


#: What each kind of message takes, by the action of its Slack button; the second of the answer: the link is used up.
_PRESSES: Mapping[tuple[CardKind, str], Callable[[Press], tuple[str, bool]]] = {
    (CardKind.APPROVAL, "approve"): _approve,
    (CardKind.APPROVAL, "approve_and_buy"): lambda press: _approve(press, buy=True),
    (CardKind.APPROVAL, "approve_and_wait"): lambda press: _approve(press, wait=True),
    (CardKind.APPROVAL, "deny"): _deny,
    (CardKind.APPROVAL, "ask_question"): _ask,
    (CardKind.REPLY, "answer_question"): _answer,
    (CardKind.REPLY, "reopen_request"): _reopen,
    (CardKind.TASK, "task_done"): _task_done,
    (CardKind.TASK, "task_blocked"): _task_blocked,
    (CardKind.ENDING, "keep_longer"): _keep_longer,
    (CardKind.ENDING, "let_end"): _let_end,
    (CardKind.ENDING, "give_back"): _give_back,
    (CardKind.RETURNED, "need_back"): _need_back,
    (CardKind.FOUND, found.ASK): found.ask,
    (CardKind.FOUND, found.REMOVE): found.remove,
    (CardKind.FOUND, found.WRONG): found.wrong,
    (CardKind.STILL_NEEDED, still.KEEP): still.keep,
    (CardKind.STILL_NEEDED, still.RELEASE): still.release,
    (CardKind.STILL_NEEDED, still.LATER): still.later,
    (CardKind.KEEP_WORD, still.AGREE): still.agree,
    (CardKind.KEEP_WORD, still.DISPUTE): still.dispute,
    (CardKind.HANDOVER, still.HANDED_OVER): still.handed_over,
    **{(CardKind.RENEWAL, action): answer for action, answer in renewing.PRESSES.items()},
}


def _offered(connection: Connection, deps: WebDeps, card: ShownCard, action: str) -> bool:
    """Whether the message shows this button now; what it does not show it does not take."""
    if card.kind is CardKind.FOUND:
        return found.offered(found.questions(connection, deps, card), action)
    if card.kind is CardKind.RENEWAL:
        return action in renewing.offered(card, buttons(card.blocks))
    return action in buttons(card.blocks)


def _drawn(connection: Connection, deps: WebDeps, link: Link, now: datetime) -> ShownCard | None:
    """The card as it is now, when it is this person's."""
    card = deps.draw(connection, link.card_id, now)
    return card if card is not None and card.person_id == link.person_id else None


def _shown(connection: Connection, deps: WebDeps, link: Link, page: Page) -> Response:
    """The page: what happened, the message as it is now, and the answers that are open."""
    now = deps.now()
    # a closed link says only that: a mail may lie about for years, and what it led to goes on changing
    card = _drawn(connection, deps, link, now) if page.status != 410 else None
    shown = pieces(card.blocks, link.time_zone) if card is not None else []
    heading = next((words for kind, words in shown if kind == "heading"), "About a licence")
    nonce = request.cookies.get(COOKIE, "")
    if not (len(nonce) == 32 and nonce.isalnum()):
        nonce = secrets.token_hex(16)
    renewal = renewing.forms(connection, deps, card) if card is not None else None
    goes_on = renewal is not None and link.used_at is None and not page.final
    open_still = card is not None and (goes_on or not page.done)
    offered = buttons(card.blocks) if card is not None and open_still else {}
    asked = found.questions(connection, deps, card) if card is not None else []
    answer = make_response(
        render_template(
            "link.html",
            page=page,
            heading=heading,
            pieces=[piece for piece in shown if piece[0] != "heading"],
            buttons={name: one for name, one in offered.items() if card and (card.kind, name) in _PRESSES},
            kind=card.kind.value if card else "",
            asked=asked,
            renewal=renewal,
            answers=renewing.offered(card, offered) if card is not None and renewal is not None and open_still else (),
            really=REALLY,
            version=_version(connection, card) if card else 0,
            form=_form_token(deps, link, nonce),
            reasons=DENIAL_REASONS,
            in_the_way=IN_THE_WAY,
            keeps=KEEPS,
            days=still.days_to_choose(connection, deps, card, now) if card and "ask_me_later" in offered else None,
            typed={name: request.form.get(name, "") for name in _FIELDS} if page.errors else {},
            who=link.name if card is not None else "",
            zone=zone_words(link.time_zone),
            until=instant(link.expires_at, link.time_zone),
        )
    )
    answer.status_code = page.status
    answer.set_cookie(COOKIE, nonce, max_age=86_400, path="/d/", secure=deps.https, httponly=True, samesite="Lax")
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer


_FIELDS = ("action", "reason", "words", "suggest", "question", "until", "why", "place", *renewing.FIELDS)


def _version(connection: Connection, card: ShownCard) -> int:
    """The version of what a decision speaks of; a press on an older page is refused."""
    if card.kind is CardKind.RENEWAL:
        return renewing.version(connection, card)
    if card.kind is not CardKind.APPROVAL:
        return 0
    return (
        connection.execute(
            select(LicenceRequest.version)
            .join(ApprovalStep, ApprovalStep.request_id == LicenceRequest.id)
            .join(StepApprover, StepApprover.step_id == ApprovalStep.id)
            .where(StepApprover.id == card.subject_id)
        ).scalar()
        or 0
    )


def _form_token(deps: WebDeps, link: Link, nonce: str) -> str:
    return hmac.new(deps.link_key, f"form:{link.id}:{nonce}".encode(), hashlib.sha256).hexdigest()


def _form_is_ours(deps: WebDeps, link: Link) -> bool:
    """Whether this browser got the form from us: a page elsewhere cannot send it for the reader."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    nonce, given = request.cookies.get(COOKIE, ""), request.form.get("form", "")
    return bool(nonce) and hmac.compare_digest(_form_token(deps, link, nonce), given)


def _said(refusal: Refusal, link: Link) -> str:
    """The refusal's sentence with instants in the person's zone; plain text, the template escapes it."""
    return refusal.say(lambda at: str(instant(at, link.time_zone).striptags()))


def _not_a_link() -> Response:
    answer = make_response(render_template("said.html", title="Not found", heading=NOT_A_LINK, lines=()))
    answer.status_code = 404
    return answer
