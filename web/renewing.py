"""Renewals on the page behind a signed link: the brief's buttons for whoever has no Slack account (rules §10).

A decision leaves the link open, since its proof comes days later; it closes with the proof, or with one's word on
somebody else's decision. Every press goes through the operation that a press in Slack goes through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import request
from sqlalchemy import Connection, func, select

from model.people import Person
from model.renewals import Renewal
from web.deps import WebDeps
from web.press import Press
from workflows.cards import CardKind
from workflows.links import ShownCard
from workflows.reads.renewal_brief import brief
from workflows.refusals import FieldRefusals
from workflows.renewals import agreeing, decide, proof, proof_files
from workflows.renewals.decide import Asked, Verdict
from workflows.renewals.notices import draft
from workflows.renewals.proof import Proof

#: The actions of the Slack buttons; put off and hand on stand in a menu there.
RENEW, REDUCE, RENEGOTIATE, CANCEL = "renewal_renew", "renewal_reduce", "renewal_renegotiate", "renewal_cancel"
NOTICE, PROOF, CHANGE = "renewal_notice", "renewal_add_proof", "renewal_change_decision"
AGREE, DISAGREE = "renewal_agree", "renewal_do_not_agree"
DEFER, ASSIGN, MENU = "renewal_defer", "renewal_assign", "renewal_more"
#: What stands in the menu, by the beginning of its value.
_IN_MENU = {"defer": DEFER, "owner": ASSIGN}
FIELDS = ("quantity", "entitlement", "until", "owner", "sent_by", "sent_on", "how", "document")
Answer = tuple[str, bool]  # what happened, and whether the link is used up


@dataclass(frozen=True)
class Forms:
    """What the forms need besides the message."""

    lines: Mapping[str, str]  # purchase -> name and units, where one has to be chosen
    suggested: int | None
    letter: str
    today: str
    email: str


def forms(connection: Connection, deps: WebDeps, card: ShownCard) -> Forms | None:
    """For a renewal's message; None for any other."""
    if card.kind is not CardKind.RENEWAL:
        return None
    facts = brief(connection, deps.rules().policy, card.subject_id, deps.now(), forecast="never")
    if facts is None:
        return None
    email = connection.execute(select(Person.email).where(Person.id == card.person_id)).scalar()
    several = len(facts.lines) > 1
    lines = {
        str(one.entitlement_id): f"{one.product}, {one.quantity:,}"
        for one in facts.lines
        if several and one.quantity is not None and one.quantity > facts.least(one)
    }
    suggested = None if several else facts.suggested
    return Forms(lines, suggested, draft(facts).text, deps.now().date().isoformat(), email or "")


def offered(card: ShownCard, shown: Mapping[str, Any]) -> set[str]:
    """Answers of the message as it is now: its buttons, and what its menu holds."""
    entries = {
        option["value"].partition("/")[0]
        for block in card.blocks
        if block.get("type") == "actions"
        for element in block["elements"]
        if element.get("action_id") == MENU
        for option in element["options"]
    }
    return {*shown, *(action for entry, action in _IN_MENU.items() if entry in entries)}


def version(connection: Connection, card: ShownCard) -> int:
    return connection.execute(select(Renewal.version).where(Renewal.id == card.subject_id)).scalar() or 0


def renew(press: Press) -> Answer:
    _decided(press, Asked(Verdict.RENEW))
    return "Decided: it is renewed. Below stands what follows.", False


def reduce(press: Press) -> Answer:
    typed = press.text("quantity").replace(",", "")
    chosen = press.text("entitlement")
    if not (typed.isascii() and typed.isdigit() and len(typed) < 8):
        raise FieldRefusals({"quantity": "Write how many are to remain."})
    entitlement = int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 18 else None
    _decided(press, Asked(Verdict.REDUCE, int(typed), entitlement, press.text("words")))
    return "Decided: fewer units. Below stands what follows.", False


def renegotiate(press: Press) -> Answer:
    _decided(press, Asked(Verdict.RENEGOTIATE, words=press.text("words")))
    return "Decided: other terms are asked for. Below stands what follows.", False


def cancel(press: Press) -> Answer:
    if press.text("read") != "read":
        raise FieldRefusals({"read": "Tick it to cancel the contract."})
    _decided(press, Asked(Verdict.CANCEL, words=press.text("words")))
    return "Decided: the contract is cancelled. Below stands what follows.", False


def _decided(press: Press, asked: Asked) -> None:
    rules, card = press.deps.rules(), press.card
    decide.decide(press.work, rules, card.subject_id, press.version, press.link.person_id, asked, press.now)


def put_off(press: Press) -> Answer:
    until = _day(press, "until")
    rules, who, words = press.deps.rules(), press.link.person_id, press.text("words")
    decide.defer(press.work, rules, press.card.subject_id, press.version, who, until, words, press.now)
    return "Put off. You are asked again then.", False


def hand_on(press: Press) -> Answer:
    owner = _person(press, "owner")
    decide.assign(press.work, press.deps.rules(), press.card.subject_id, press.link.person_id, owner, press.now)
    return "Handed on. They get the same message.", True


def change(press: Press) -> Answer:
    rules, who = press.deps.rules(), press.link.person_id
    decide.change(press.work, rules, press.card.subject_id, press.version, who, press.now)
    return "Taken back: nobody has decided now.", False


def agree(press: Press) -> Answer:
    rules, who = press.deps.rules(), press.link.person_id
    agreeing.agree(press.work, rules, press.card.subject_id, press.version, who, press.now)
    return "Agreed. Whoever decided sees it.", True


def disagree(press: Press) -> Answer:
    rules, who, words = press.deps.rules(), press.link.person_id, press.text("words")
    agreeing.agree(press.work, rules, press.card.subject_id, press.version, who, press.now, agrees=False, words=words)
    return "Not agreed: the decision was taken back.", True


def prove(press: Press) -> Answer:
    given = Proof(_person(press, "sent_by"), _day(press, "sent_on"), press.text("how"), press.text("document"))
    about = (press.work, press.deps.rules(), press.card.subject_id, press.version, press.link.person_id, given)
    file = request.files.get("file")
    if file is not None and file.filename:
        content = file.stream.read(proof_files.LARGEST + 1)
        proof_files.give(*about, file.filename, content, press.now)
    else:
        proof.prove(*about, press.now)
    return "Done: the proof is attached.", True


def _day(press: Press, name: str) -> date:
    try:
        return date.fromisoformat(press.text(name))
    except ValueError:
        raise FieldRefusals({name: "Choose a day, such as 2027-01-12."}) from None


def _person(press: Press, name: str) -> int:
    """Somebody by their address. Raises FieldRefusals for nobody."""
    found = press.work.connection.execute(
        select(Person.id).where(func.lower(Person.email) == press.text(name).casefold(), Person.active)
    ).scalar()
    if found is None:
        raise FieldRefusals({name: "Nobody in the staff directory has this address."})
    return int(found)


PRESSES = {
    RENEW: renew, REDUCE: reduce, RENEGOTIATE: renegotiate, CANCEL: cancel, DEFER: put_off, ASSIGN: hand_on,
    CHANGE: change, AGREE: agree, DISAGREE: disagree, PROOF: prove,
}  # fmt: skip
