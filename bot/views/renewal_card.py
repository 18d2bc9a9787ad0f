"""The brief of a renewal in each of its states: open, decided and red, done, over (wording guide §2.12)."""

from __future__ import annotations

from datetime import timedelta

from bot.ids import Action, Ref
from bot.views import text as t
from bot.views.renewal_open import Reader, open_brief, title, too_late
from bot.views.said import who
from bot.views.text import Block, Element, Message
from model.renewals import RenewalState
from workflows.reads.renewal_facts import BriefFacts, DecisionFacts, UseFacts
from workflows.renewals.rollover import UNPROVED

S = RenewalState


def renewal_card(facts: BriefFacts, reader: Reader) -> Message:
    """The brief as it stands."""
    if facts.undecided and not too_late(facts, reader.today):
        return open_brief(facts, reader)
    if facts.state is S.DECIDED and facts.decision is not None:
        return _waiting(facts, facts.decision, reader)
    if facts.state is S.PROOF_AWAITED and facts.decision is not None:
        return _red(facts, facts.decision, reader)
    if facts.state is S.DONE and facts.decision is not None:
        return _done(facts, facts.decision, reader)
    return _over(facts, reader)


# -- decided -----------------------------------------------------------------------------------------------------------


def verdict_words(decision: DecisionFacts) -> str:
    """ "reduce to 34", "cancel", "renegotiate", "renew"."""
    of = f" {t.named(decision.product)}" if decision.product else ""
    if decision.verdict == "reduce" and decision.quantity is not None:
        return f"reduce{of} to {decision.quantity:,}"
    return {"cancel": "cancel the contract"}.get(decision.verdict, decision.verdict)


def _decided_by(decision: DecisionFacts) -> str:
    return f"{who(decision.by)} {t.instant(decision.at)}"


def _waiting(facts: BriefFacts, decision: DecisionFacts, reader: Reader) -> Message:
    """Somebody else's word is missing."""
    each = [t.joined([who(one) for one in step], "or") for step in decision.waits_for if step]
    names = (", and " if any(len(step) > 1 for step in decision.waits_for) else " and ").join(each)
    names = names or "a person to be named"
    why = " ".join(t.sentence(t.inert(one)) for one in dict.fromkeys(decision.because))
    money = f" It costs {decision.total}." if decision.total is not None else ""
    over = " That is over the budget." if decision.over_budget and "budget" not in why else ""
    head = f"*Waiting for {names}*: {verdict_words(decision)}, decided by {_decided_by(decision)}."
    body = why + money + over
    by = f" by {t.day(facts.decide_by)}" if facts.decide_by is not None else ""
    small = f"{facts.reference} · agreed or not{by}; without their word nothing is sent"
    ref = Ref(facts.id, facts.version)
    blocks: list[Block] = [t.header(title(facts)), t.section(head)]
    if body:
        blocks.append(t.section(body))
    blocks += _quoted(decision)
    buttons: list[Element] = []
    if decision.waits_on(reader.person_id):
        buttons += [
            t.button("Agree", Action.RENEWAL_AGREE, ref, heard=t.accessibility("Agree:", facts.name), style="primary"),
            t.button("Do not agree", Action.RENEWAL_DISAGREE, ref, heard=t.accessibility("Do not agree:", facts.name)),
        ]
    blocks += [t.actions(*buttons, _change(facts), _page(facts, reader)), t.context(small)]
    said = (f"{t.escape(title(facts))}.", head.replace("*", ""), body)
    return Message(t.spoken(*said, quote=decision.words, after=(small,)), blocks)


def _red(facts: BriefFacts, decision: DecisionFacts, reader: Reader) -> Message:
    """Decided, and nothing shows yet that it was done."""
    head = f"*Decided, not yet done: {verdict_words(decision)}*, {_decided_by(decision)}."
    does = does_what(facts, decision)
    if decision.awaits_file:
        does += f"\nThe file {t.named(decision.awaits_file)} is attached and being kept."
    frees = freeing(facts, decision)
    blocks: list[Block] = [t.header(title(facts)), t.section(f"{head} :red_circle:\n{does}")]
    blocks += _quoted(decision)
    if frees:
        blocks.append(t.section(frees))
    blocks.append(
        t.actions(
            _plain("Read the notice", Action.RENEWAL_NOTICE, facts),
            _plain("Add proof", Action.RENEWAL_PROOF, facts),
            _change(facts),
            _page(facts, reader),
        )
    )
    small = f"{facts.reference} · stays red until there is proof: who sent what, when, how, and the answer"
    blocks.append(t.context(small))
    said = (f"{t.escape(title(facts))}.", head.replace("*", ""), does, frees)
    return Message(t.spoken(*said, after=(small,)), blocks)


def _plain(label: str, action: Action, facts: BriefFacts) -> Element:
    heard = t.accessibility(f"{label} for", facts.name)
    return t.button(label, action, Ref(facts.id, facts.version), heard=heard)


def does_what(facts: BriefFacts, decision: DecisionFacts) -> str:
    """ "Goran Petrović sends the drafted notice by 29 Jan 2027, RITM0012399"."""
    names = t.joined([who(one) for one in facts.senders[:2]], "or") or "Somebody"
    by = f" by {t.day(facts.send_by)}" if facts.send_by is not None else ""
    since = f", not before {t.day(decision.not_before)}" if decision.not_before is not None else ""
    state = ", closed there" if decision.ticket_state not in ("", "open") else ""
    ticket = f", {decision.ticket}{state}" if decision.ticket else ""
    return f"{names} sends the drafted notice{by}{since}{ticket}."


def freeing(facts: BriefFacts, decision: DecisionFacts) -> str:
    """What has to happen so that a reduction is possible."""
    if decision.verdict != "reduce" or not facts.needs_freed:
        return ""
    product = facts.of_line(decision.entitlement_id)
    use = product.use if product is not None else facts.use
    held = use.in_use or 0
    head = f"{held:,} are in use, so {facts.needs_freed:,} must be freed"
    note = decision.campaign
    if note is None:
        return f"{head}: {_nobody_asked(use)}, so it is for their holders and managers to say."
    if note.begins_on is not None:
        begin = f"asking starts on {t.day(note.begins_on)}"
        words = f" {t.sentence(t.inert(note.words))}" if note.words else ""
        return f"{head}: {begin} (CMP-{note.id}, {t.plural(note.listed, 'holder')}).{words}"
    if note.over:
        return f"{head}: the asking is over (CMP-{note.id}). If fewer come back, the notice says so."
    return f"{head}: their holders are being asked (CMP-{note.id}). If fewer come back, the notice says so."


def _nobody_asked(use: UseFacts) -> str:
    """Why no asking was planned."""
    if not use.idle:
        return "no seat looks idle"
    these = "the 1 that looks idle was" if use.idle == 1 else f"the {use.idle:,} that look idle were"
    return f"{these} asked about lately or {'is' if use.idle == 1 else 'are'} left alone by policy"


def _done(facts: BriefFacts, decision: DecisionFacts, reader: Reader) -> Message:
    if decision.sent_on is not None:
        by = f" by {who(decision.sent_by)}" if decision.sent_by is not None else ""
        paper = f": {t.inert(decision.document, 80)}" if decision.document else ""
        head = f"*Done:* sent on {t.day(decision.sent_on)}{by}, answer attached{paper}."
    elif decision.verified_by == "renews by itself":
        head = f"*Done:* it renews by itself on {t.day(facts.ends_on + timedelta(days=1))}; nothing has to be sent."
    else:
        head = f"*Done:* seen there: {t.inert(decision.verified_by)}."
    body = f"{t.sentence(verdict_words(decision))[:-1]}, decided by {_decided_by(decision)}."
    blocks: list[Block] = [t.header(title(facts)), t.section(head), t.section(body), *_quoted(decision)]
    last = max((one.on for one in facts.due.dates), default=None)
    change = _change(facts) if last is None or last >= reader.today else None
    blocks += _buttons(change, _page(facts, reader))
    small = f"{facts.reference}{f' · {decision.ticket}' if decision.ticket else ''}"
    blocks.append(t.context(small))
    return Message(t.spoken(f"{t.escape(title(facts))}.", head.replace("*", ""), body, after=(small,)), blocks)


def _quoted(decision: DecisionFacts) -> list[Block]:
    return [t.typed(decision.words, 300)] if decision.words else []


def _page(facts: BriefFacts, reader: Reader) -> Element | None:
    """The way to its page: chart, rows and decisions behind each figure."""
    return _plain("Open in dashboard", Action.RENEWAL_PAGE, facts) if reader.dashboard_url else None


def _buttons(*elements: Element | None) -> list[Block]:
    """A row of buttons, or nothing where none applies."""
    return [t.actions(*elements)] if any(elements) else []


def _change(facts: BriefFacts) -> Element:
    return t.button(
        "Change decision",
        Action.RENEWAL_CHANGE,
        Ref(facts.id, facts.version),
        heard=t.accessibility("Change the decision on", facts.name),
        confirm=t.dialog(
            "Change the decision?",
            "The decision that stands is taken back, and its ticket is cancelled. What was asked of holders goes on.",
            "Take it back",
            "Go back",
        ),
    )


# -- over --------------------------------------------------------------------------------------------------------------


def _over(facts: BriefFacts, reader: Reader) -> Message:
    words = t.inert(facts.words)
    match facts.state:
        case S.ROLLED_OVER if facts.words == UNPROVED:
            head = f"*Not proved in time:* {words}"
        case S.ROLLED_OVER:
            head = f"*The next term began by itself:* {words or 'nobody decided in time.'}"
        case S.DROPPED:
            head = f"*Closed:* {words or 'nothing is left to decide.'}"
        case _:
            head = f"*Too late to change:* {words or 'nobody decided in time.'}"
    small = f"{facts.reference} · {t.named(facts.vendor)}{f', {t.named(facts.contract)}' if facts.contract else ''}"
    blocks: list[Block] = [t.header(title(facts)), t.section(head), *_buttons(_page(facts, reader)), t.context(small)]
    return Message(t.spoken(f"{t.escape(title(facts))}.", head.replace("*", ""), after=(small,)), blocks)
