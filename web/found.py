"""Software found on a device, on the page behind a signed link: a question for each, with the answers Slack has.

The link is used up when nothing on it is open any more; until then the page shows what is left.
"""

from __future__ import annotations

from collections.abc import Collection

from flask import request
from sqlalchemy import Connection, select

from model.requests import Card
from web.deps import WebDeps
from web.press import Press
from workflows.alerts import acting, licence
from workflows.alerts.acting import WRONG as SAID_WRONG
from workflows.alerts.acting import Answer
from workflows.cards import CardKind
from workflows.links import ShownCard
from workflows.reads.alerts import PlaceFacts
from workflows.reads.alerts import found as facts_of
from workflows.refusals import FieldRefusals

#: The actions of the Slack buttons.
ASK, REMOVE, WRONG = "found_ask_licence", "found_remove", "found_not_right"


def questions(connection: Connection, deps: WebDeps, card: ShownCard) -> list[PlaceFacts]:
    """What is open on a message about software; nothing for any other message."""
    if card.kind is not CardKind.FOUND:
        return []
    stored = connection.execute(select(Card.facts).where(Card.id == card.id)).scalar_one()
    ids = [int(one) for one in stored.get("places", ())]
    known = facts_of(connection, ids, deps.rules().policy, card.person_id)
    return [place for place in known.places if place.open] if known is not None else []


def offered(asked: Collection[PlaceFacts], action: str) -> bool:
    """Whether the page has this answer for the place that was pressed; what is forbidden here cannot be asked for."""
    place = next((one for one in asked if one.id == _place()), None)
    return place is not None and not (place.banned and action == ASK)


def ask(press: Press) -> tuple[str, bool]:
    """A licence: the request goes to whoever decides, and the alert closes when the licence is there."""
    key = f"found:{press.link.id}:{_place()}"
    receipt = licence.ask_for_licence(
        press.work, press.deps.rules(), _place(), press.link.person_id, press.text("why"), key, press.now
    )
    return _noted(press, f"Sent, {receipt.reference}. This closes by itself when there is a licence.")


def remove(press: Press) -> tuple[str, bool]:
    """It goes away; the next scan checks."""
    _answer(press, Answer.REMOVE)
    return _noted(press, "Noted. The next scan checks, then this closes by itself.")


def wrong(press: Press) -> tuple[str, bool]:
    """ "That is not right": a person looks at it."""
    try:
        said = Answer(press.text("reason"))
    except ValueError:
        said = Answer.ASK
    if said not in SAID_WRONG:
        raise FieldRefusals({"reason": "Choose what it is."})
    _answer(press, said, press.text("words"))
    return _noted(press, "Thank you. A person looks at it.")


def _answer(press: Press, said: Answer, words: str = "") -> None:
    acting.answer(press.work, press.deps.rules(), _place(), press.link.person_id, said, press.now, words)


def _noted(press: Press, words: str) -> tuple[str, bool]:
    press.work.session.flush()
    left = len(questions(press.work.connection, press.deps, press.card))
    more = f" {left} more {'needs' if left == 1 else 'need'} an answer below." if left else ""
    return words + more, not left


def _place() -> int:
    given = request.form.get("place", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 19 else 0
