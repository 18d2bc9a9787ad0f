"""Messages about a seat to its holder: it ends, it was given, it was taken back (wording guide §2.5, §2.10)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.ids import Action, Ref
from bot.views import text as t
from bot.views.said import who
from bot.views.text import Block, Message
from model.requests import LineState, Status
from workflows.reads.seat_facts import EndingFacts, ReceivedFacts, ReturnedFacts

_ASKED = {Status.AWAITING_APPROVAL}
_KEPT = {Status.APPROVED, Status.FULFILLING, Status.FULFILLED}

#: What became of the wish to keep it longer, where it came to nothing.
_NO_YES: Mapping[Status | None, str] = {
    Status.DENIED: "Your request to keep it longer was not approved.",
    Status.EXPIRED: "Your request to keep it longer closed without an answer.",
}


def ending_card(facts: EndingFacts) -> Message:
    """14 and 3 days before the agreed end; afterwards what became of it."""
    name, last = t.named(facts.product), t.day(facts.ends_on)
    if facts.extension in _KEPT:
        said = f"*You keep {name}* until {last}. {facts.extension_reference}"
        return _plain(said)
    if facts.extension in _ASKED:
        said = f"*Asked to keep {name} longer*, {facts.extension_reference}. You hold it until there is an answer."
        return _plain(said)
    if facts.ended_at is not None:
        return _plain(f"*Your {name} licence ended* on {last}. You can ask again at any time.")
    taken = t.day(facts.ends_on + timedelta(days=1))
    agreed = f", as {t.named(facts.agreed_by)} agreed when approving" if facts.agreed_by else ""
    if facts.let_end and not facts.agreed_by:
        return _plain(f"*{name} was given until {last}.* It stays yours until you give it back.")
    if facts.let_end:
        return _plain(f"*{name} ends on {last}.* It is taken back on {taken}{agreed}. Files stay yours.")
    if not facts.agreed_by:
        return _ask_about_end(facts)
    head = f"*Your {name} licence ends on {last}.*"
    keep = _NO_YES.get(facts.extension, "Keep it longer if you still need it.")
    consequence = (
        f"If you do nothing it is taken back on {taken}{agreed}. Asking to keep it holds it until there is an answer."
    )
    ref = Ref(facts.seat_id)
    blocks: list[Block] = [t.section(head)]
    if facts.given_for:
        blocks += [t.section(f"It was given for this. {keep}"), t.typed(facts.given_for, 300)]
    else:
        blocks.append(t.section(keep))
    blocks += [
        t.actions(
            t.button("Keep it longer", Action.KEEP_LONGER, ref, heard=t.accessibility("Keep longer:", facts.product)),
            t.button("Let it end", Action.LET_END, ref, heard=t.accessibility("Let it end:", facts.product)),
        ),
        t.context(consequence),
    ]
    return Message(t.spoken(head.replace("*", ""), keep, quote=facts.given_for, after=(consequence,)), blocks)


def _ask_about_end(facts: EndingFacts) -> Message:
    """Given until a day by a rule: nobody agreed that it is taken, so the holder is asked (rules §7)."""
    name = t.named(facts.product)
    head = f"*{name} was given until {t.day(facts.ends_on)}.*"
    asked = "Do you still need it?"
    small = "Nothing is taken without your answer. Giving it back frees the seat for somebody who waits."
    ref = Ref(facts.seat_id)
    blocks: list[Block] = [
        t.section(f"{head} {asked}"),
        t.actions(
            t.button("Keep it longer", Action.KEEP_LONGER, ref, heard=t.accessibility("Keep longer:", facts.product)),
            t.button("Give it back", Action.GIVE_BACK, ref, heard=t.accessibility("Give back:", facts.product)),
        ),
        t.context(small),
    ]
    return Message(t.spoken(head.replace("*", ""), asked, after=(small,)), blocks)


def returned_card(facts: ReturnedFacts, now: datetime) -> Message:
    """A seat on its way back, taken back, put back, or kept after all. "I need it back" while it can be undone."""
    name = t.named(facts.product)
    given_back = facts.ground == "given_back"
    if facts.state == "restored":
        as_now = f". {t.inert(t.one_line(facts.differs))}" if facts.differs else ", exactly as it was."
        return _plain(f"*Back again:* you have {name}{as_now}")
    if facts.state == "kept":
        return _plain(f"*You keep {name}.* It was not taken back.")
    if facts.state == "restoring":
        return _plain(f"*On its way back:* {name}. This message says when you have it.")
    if facts.state == "waiting":
        return _plain(f"*No seat is free:* you wait for {name} before everybody else, and nobody needs to approve it.")
    if facts.state == "failed":
        return _plain(f"*{name} was not taken back.* A person looks at it. You need not do anything.")
    if facts.state != "removed":
        said = f"*Given back:* {name}." if given_back else f"*{name} is being taken back.*"
        comes = f" You get {t.named(facts.instead)} instead." if facts.instead else ""
        return _plain(f"{said}{comes} This message says when it is done.")
    at = f" {t.instant(facts.removed_at)}" if facts.removed_at else ""
    head = f"*Given back*{at}: {name}." if given_back else f"*Your {name} licence was taken back*{at}."
    has = f"You have {t.named(facts.instead)} instead." if facts.instead else ""
    parts = [has, _why(facts), _where_it_went(facts) if given_back else "", t.inert(t.one_line(facts.lost_on_return))]
    body = " ".join(part for part in parts if part)
    open_undo = facts.undo_until is not None and now < facts.undo_until
    blocks: list[Block] = [t.section(head)]
    if body:
        blocks.append(t.section(body))
    small = ""
    if open_undo and facts.undo_until is not None:
        until = t.instant(facts.undo_until)
        place = f" in place of {t.named(facts.instead)}" if facts.instead else ""
        small = f"Until {until} one press brings it back as it was{place}, while a seat is free."
        button = t.button(
            "I need it back", Action.NEED_BACK, Ref(facts.id), heard=t.accessibility("I need it back:", facts.product)
        )
        blocks += [t.actions(button), t.context(small)]
    else:
        small = "You can ask for it again at any time."
        blocks.append(t.context(small))
    return Message(t.spoken(head.replace("*", ""), body, after=(small,)), blocks)


def _why(facts: ReturnedFacts) -> str:
    by = who(facts.confirmed_by)
    if facts.ground == "agreed_end":
        end = f" on {t.day(facts.agreed_end)}" if facts.agreed_end else ""
        return f"Its agreed time ended{end}; {by} agreed to that when approving."
    if facts.ground == "leaving":
        return f"{by} confirmed that it is no longer needed."
    if facts.ground == "too_big" and facts.instead:
        return f"{by} confirmed it: {t.named(facts.instead)} would do."
    if facts.ground == "idle":
        seen = t.inert(t.one_line(facts.evidence)).rstrip(".") or "it looked idle"
        asked = f", and no answer since {t.day(facts.asked_on)}" if facts.asked_on is not None else ""
        return f"{by} confirmed it: {seen}{asked}."
    return ""


def _where_it_went(facts: ReturnedFacts) -> str:
    if facts.went_to_queue:
        return "It went to someone who was waiting."
    return f"That frees {facts.monthly} a month for others." if facts.monthly else "It is free for others now."


def received_card(facts: ReceivedFacts) -> Message:
    """To a person who was given a seat: by whom, until when, what to do to see it."""
    name, end = t.named(facts.product), facts.until_on or facts.term_ends_on
    until = f" until {t.day(end)}" if end else ""
    own = facts.requester.id == facts.who.id
    if facts.line_state != LineState.GRANTED:
        return _plain(f"*{name} is being looked at again.* You are told here when it is ready. {facts.reference}")
    said = f"{t.named(facts.said_by)} says your {name} licence is ready." if facts.said_by else ""
    head = f"*You have {name}*{until}."
    asked = "" if own else f"{who(facts.requester)} asked for it."
    hint = t.inert(t.one_line(facts.ready_hint))
    body = " ".join(part for part in (said, asked, hint) if part)
    ref = Ref(facts.request_id, facts.request_version)
    guide = facts.guide_url or ""
    works = facts.said_by != ""
    blocks: list[Block] = [t.section(head)]
    if body:
        blocks.append(t.section(body))
    blocks.append(
        t.actions(
            t.button("It works", Action.WORKS, ref, heard=t.accessibility("It works:", facts.product))
            if works
            else None,
            t.button("Open guide", Action.GUIDE, ref, heard=t.accessibility("Open guide for", facts.product), url=guide)
            if guide.startswith("http")
            else None,
            t.button(
                "It does not work",
                Action.DOES_NOT_WORK,
                ref,
                heard=t.accessibility("It does not work:", facts.product),
            ),
        )
    )
    small = f"{facts.reference} · nothing more to do" if not works else facts.reference
    blocks.append(t.context(small))
    return Message(t.spoken(head.replace("*", ""), body, after=(t.sentence(small.replace(" · ", ": ")),)), blocks)


def _plain(said: str) -> Message:
    return Message(said.replace("*", ""), [t.section(said)])
