"""The windows of a renewal: fewer seats, other terms, the end of a contract, later, an owner, notice and proof (§2.12).

Limits of a number are those of the contract; the operation checks them again and answers in the same words.
"""

from __future__ import annotations

from datetime import date, timedelta

from bot.ids import Action, Callback, Ref
from bot.ids import Block as Field
from bot.views import modals as m
from bot.views import text as t
from bot.views.renewal_open import otherwise, seats_of
from bot.views.text import Block, Element
from licensing.business_time import WorkCalendar, working_day_before
from licensing.renewal.notice import Draft
from licensing.renewal.windows import Decision
from workflows.reads.renewal_brief import fewer_a_year
from workflows.reads.renewal_facts import BriefFacts, LineFacts
from workflows.renewals import pages, proof_files

READ = "read"
FILE_HINT = (
    f"A letter, mail or picture of it, at most {proof_files.LARGEST // 1_000_000} MB. It is kept with its SHA-256."
)
#: A number field takes no more.
MOST = 1_000_000


def reduce_form(facts: BriefFacts, today: date, begins_on: date | None) -> Element:
    """How many are to remain, with what that costs and whom it asks. `begins_on`: when holders would be asked."""
    blocks: list[Block] = []
    lines = [one for one in facts.lines if one.quantity is not None and one.quantity > facts.least(one)]
    if len(facts.lines) > 1:
        options = {str(one.entitlement_id): f"{t.name(one.product, 50)}, {one.quantity:,}" for one in lines}
        blocks.append(m.field(Field.ENTITLEMENT, "Of which product?", m.choices(Field.ENTITLEMENT, options,
                                                                              kind="static_select")))  # fmt: skip
        least, most, initial = 0, max((one.quantity or 1) - 1 for one in lines), None
    else:
        line = lines[0]
        least, most = facts.least(line), (line.quantity or 1) - 1
        initial = facts.suggested if facts.suggested is not None and facts.suggested <= most else None
    number = m.number_input(Field.QUANTITY, 0, MOST, initial)
    hint = f"From {least:,} to {most:,}." if len(facts.lines) == 1 else "Fewer than it has now."
    blocks.append(m.field(Field.QUANTITY, "How many are to remain?", number, hint=hint))
    blocks.append(t.section(reduce_words(facts, begins_on)))
    blocks.append(m.words_field(Field.WORDS, "Why?", most=500, optional=True))
    return m.modal(
        Callback.RENEWAL_REDUCE,
        "Reduce the contract",
        blocks,
        submit="Save decision",
        ref=Ref(facts.id, facts.version),
    )


def reduce_words(facts: BriefFacts, begins_on: date | None) -> str:
    """ "34 seats: €11,424.00 a year at today's price. 37 are in use, so 3 must be freed: asking starts on …" """
    parts = []
    if facts.suggested is not None and facts.main is not None and len(facts.lines) == 1:
        cost = fewer_a_year(facts.main, facts.suggested)
        price = f"{cost} a year at today's price" if cost is not None else "no price is recorded"
        parts.append(f"{seats_of(facts, facts.suggested)}: {price}.")
        in_use = facts.use.in_use or 0
        freed = in_use - facts.suggested
        if freed > 0:
            start = f": asking starts on {t.day(begins_on)}" if begins_on is not None else ""
            parts.append(
                f"{in_use:,} are in use, so {freed:,} must be freed{start}. If fewer come back, the notice says so."
            )
    if not parts:
        parts.append("What is in use above your number must be freed first. If fewer come back, the notice says so.")
    return " ".join(parts)


def renegotiate_form(facts: BriefFacts) -> Element:
    """What to ask for, and by when."""
    last = facts.last_for(Decision.CANCEL) or facts.last_for(Decision.REDUCE)
    by = f"It has to be with {t.named(facts.vendor, 40)} by {t.day(last.on)}. " if last is not None else ""
    return m.modal(
        Callback.RENEWAL_RENEGOTIATE,
        "Renegotiate",
        [
            m.words_field(
                Field.WORDS,
                "What do you ask for?",
                most=1500,
                hint="For example: the announced 5% left out, or three years at today's price.",
            ),
            t.section(f"{by}{otherwise(facts)} A letter is drafted with your words."),
        ],
        submit="Save decision",
        ref=Ref(facts.id, facts.version),
    )


def cancel_form(facts: BriefFacts) -> Element:
    """Who loses what, and a tick."""
    last = facts.last_for(Decision.CANCEL)
    in_use = None if facts.several else facts.use.in_use  # of several nobody counted each person once
    people = (
        "Everybody who has it loses"
        if in_use is None
        else f"{t.plural(in_use, 'person', 'people')} " + ("loses" if in_use == 1 else "lose")
    )
    what = t.joined([t.named(one.product) for one in facts.lines][:3]) or t.named(facts.name)
    reach = ""
    if last is not None:
        verb = "must reach" if facts.receipt_counts else "must be sent to"
        reach = f" The notice {verb} {t.named(facts.vendor, 40)} by {t.day(last.on)}."
    tick: Element = {
        "type": "checkboxes",
        "action_id": Field.READ.value,
        "options": [m.option(READ, "I have read this")],
    }
    return m.modal(
        Callback.RENEWAL_CANCEL,
        "Cancel the contract",
        [
            t.section(f"{people} {what} on {t.day(facts.ends_on)}.{reach}"),
            m.field(Field.READ, "Please confirm", tick),
            m.words_field(Field.WORDS, "Why?", most=500, optional=True),
        ],
        submit="Cancel contract",
        close="Go back",
        ref=Ref(facts.id, facts.version),
    )


def last_to_defer(facts: BriefFacts, calendar: WorkCalendar) -> date | None:
    """The last day a decision may be put off to: three working days remain before the day to decide by."""
    if facts.decide_by is None:
        return None
    return working_day_before(facts.decide_by, 3, calendar)


def defer_form(facts: BriefFacts, today: date, last: date | None) -> Element:
    until = f"A day up to {t.weekday(last)}." if last is not None else ""
    initial = min(today + timedelta(days=7), last) if last is not None and last > today else None
    return m.modal(
        Callback.RENEWAL_DEFER,
        "Decide later",
        [
            m.field(Field.UNTIL, "Until when?", m.date_input(Field.UNTIL, initial), hint=until),
            m.words_field(Field.WORDS, "Why?", most=500),
        ],
        submit="Decide then",
        ref=Ref(facts.id, facts.version),
    )


def owner_form(facts: BriefFacts) -> Element:
    return m.modal(
        Callback.RENEWAL_OWNER,
        "Assign owner",
        [
            m.field(Field.OWNER, "Who answers for it?", m.person_input(Field.OWNER), hint="They get this brief."),
        ],
        submit="Assign owner",
        ref=Ref(facts.id, facts.version),
    )


def disagree_form(facts: BriefFacts) -> Element:
    return m.modal(
        Callback.RENEWAL_DISAGREE,
        "Do not agree",
        [m.words_field(Field.WORDS, "Why not?", most=500)],
        submit="Do not agree",
        ref=Ref(facts.id, facts.version),
    )


def notice_window(draft: Draft) -> Element:
    """The letter, to be copied. A draft sends nothing."""
    return m.shown(
        "The drafted notice",
        t.plain(draft.text),
        t.context("A draft: nothing was sent. Copy it, send it, then press Add proof."),
    )


def page_window(reference: str, address: str) -> Element:
    """The way to the page: the address is the reader's own, so it stands in no message that others see."""
    return m.shown(
        reference,
        t.section("Dates with their clauses, figures by product with the rows behind them, papers, and what happened."),
        t.actions(t.button("Open the page", Action.DASHBOARD, url=address, style="primary")),
        t.context(f"The address is yours alone and good for {pages.VALID.days} days: please do not pass it on."),
    )


def _file_field() -> Block:
    element: Element = {
        "type": "file_input",
        "action_id": Field.FILE.value,
        "filetypes": list(proof_files.ENDINGS),
        "max_files": 1,
    }
    return m.field(Field.FILE, "The confirmation itself", element, hint=FILE_HINT, optional=True)


def proof_form(facts: BriefFacts, today: date, reader_slack_id: str) -> Element:
    """Who sent what, when, how, and the confirmation: a file or where it is."""
    decision = facts.decision
    asked = ""
    if decision is not None and decision.carry_out_by is not None:
        asked = f"It had to be sent by {t.day(decision.carry_out_by)}."
    return m.modal(
        Callback.RENEWAL_PROOF,
        "Add proof",
        [
            m.field(Field.SENT_BY, "Who sent it?", m.person_input(Field.SENT_BY, reader_slack_id)),
            m.field(Field.SENT_ON, "When?", m.date_input(Field.SENT_ON, today), hint=asked),
            m.field(
                Field.HOW,
                "How?",
                m.text_input(Field.HOW, most=500),
                hint="For example: e-mail to their renewals desk, answered the same day.",
            ),
            _file_field(),
            m.field(
                Field.DOCUMENT,
                "Or where it is",
                m.text_input(Field.DOCUMENT, most=500),
                hint="A link, or the name of the file where contracts are kept.",
                optional=True,
            ),
        ],
        submit="Add proof",
        ref=Ref(facts.id, facts.version),
    )


def named_line(facts: BriefFacts, entitlement_id: int | None) -> LineFacts | None:
    """The purchase that was chosen, or the only one."""
    if entitlement_id is None:
        return facts.main if len(facts.lines) == 1 else None
    return next((one for one in facts.lines if one.entitlement_id == entitlement_id), None)
