"""The small forms behind a card's buttons: change, deny, ask, hand on, answer, note, give back, keep longer, deputy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from bot.ids import Block as Field
from bot.ids import Callback, Ref
from bot.views import modals as m
from bot.views import text as t
from bot.views.approval_card import approval_body, must_wait, short_answer
from bot.views.said import cost, product, who
from bot.views.text import Block, Element
from workflows.choices import DENIAL_REASONS, IN_THE_WAY
from workflows.naming import Follows, Named
from workflows.reads.facts import ApprovalFacts, RequestFacts, Who
from workflows.reads.form import Tier
from workflows.reads.seat_facts import SeatFacts, TaskFacts

BOTH_NAMES = "Both names stay in the record."


# The approver's


def card_window(facts: ApprovalFacts) -> Element:
    """[Decide] on a list or on Home: the card as a window."""
    title = t.name(facts.request.requester.name, m.TITLE_LIMIT)
    heading = t.section(f"*{who(facts.request.requester, team=True)}: {t.named(product(facts.request))}*")
    return m.modal(Callback.CARD, title, [heading, *approval_body(facts)], close="Close", ref=_of(facts))


def why_me(facts: ApprovalFacts) -> Element:
    """Why this person was asked, and what happens without an answer."""
    asked = facts.asked
    because = t.inert(asked.because or facts.step.because or "The policy names you for this step.")
    then = f"{who(facts.next_if_silent)} is asked" if facts.next_if_silent else "the next in line is asked"
    due = f"Without an answer by {t.instant(facts.step.due_at)}, {then}." if facts.step.due_at else ""
    return m.shown("Why me?", t.section(f"{because} {due}".strip()))


def change_form(facts: ApprovalFacts, tiers: Sequence[Tier], today: date) -> Element:
    """Less than was asked, never more: a lower tier, an earlier end, fewer seats, and a note."""
    request = facts.request
    blocks: list[Block] = [t.section(f"In short: {short_answer(facts)}")]
    own = next((tier for tier in tiers if tier.sku_id == request.sku_id), None)
    lower = [tier for tier in tiers if own is not None and tier.rank <= own.rank]
    if len(lower) > 1 and own is not None:
        options = {str(tier.sku_id): tier.name for tier in lower}
        blocks.append(
            m.field(
                Field.TIER,
                "Tier",
                m.choices(Field.TIER, options, initial=str(own.sku_id), kind="static_select"),
                optional=True,
            )
        )
    latest = request.until_on or facts.price.ends_on
    hint = f"A day from {t.day(today + timedelta(days=1))} to {t.day(latest)}." if latest else "An earlier last day."
    blocks.append(m.field(Field.UNTIL, "Until", m.date_input(Field.UNTIL, request.until_on), hint=hint, optional=True))
    if request.seats > 1:
        blocks.append(m.field(Field.COUNT, "Seats", m.number_input(Field.COUNT, 1, request.seats, request.seats)))
    blocks.append(
        m.words_field(Field.NOTE, "Note", most=500, hint=f"{t.name(request.requester.name)} reads this.", optional=True)
    )
    spent = "nothing extra to pay as asked" if facts.charge.nothing else f"as asked {cost(facts.charge)}"
    queues = " Approving here buys nothing: a seat that is not free waits in the queue." if must_wait(facts) else ""
    blocks.append(t.section(f"Cost: {spent}; fewer seats or a lower tier cost less, the card says how much.{queues}"))
    return m.modal(Callback.CHANGE, "Change and approve", blocks, submit="Approve", ref=_of(facts))


def deny_form(facts: ApprovalFacts) -> Element:
    first = t.name(facts.request.requester.name)
    return m.modal(
        Callback.DENY,
        "Deny this request",
        [
            m.field(Field.REASON, "Why?", m.choices(Field.REASON, DENIAL_REASONS)),
            m.words_field(
                Field.WORDS, "In your words", most=500, hint=f"{first} reads this. Needed for “Other”.", optional=True
            ),
            m.field(
                Field.SUGGEST,
                "Product to suggest",
                m.text_input(Field.SUGGEST, most=100, placeholder="For example Microsoft Planner"),
                optional=True,
            ),
        ],
        submit="Deny request",
        ref=_of(facts),
    )


def ask_form(facts: ApprovalFacts) -> Element:
    first = t.name(facts.request.requester.name)
    return m.modal(
        Callback.ASK,
        "Ask a question",
        [
            m.words_field(
                Field.WORDS,
                f"What do you want to know from {first}?",
                least=3,
                most=500,
                hint="The time limit waits for the answer.",
            )
        ],
        submit="Ask",
        ref=_of(facts),
    )


def hand_on_form(ref: Ref, *, task: bool = False) -> Element:
    return m.modal(
        Callback.TASK_HAND_ON if task else Callback.HAND_ON,
        "Hand this on",
        [m.field(Field.PERSON, "To whom?", m.person_input(Field.PERSON), hint=BOTH_NAMES)],
        submit="Hand on",
        ref=ref,
    )


def _of(facts: ApprovalFacts) -> Ref:
    return Ref(facts.asked.id, facts.request.version)


# The requester's


def answer_form(request: RequestFacts, ref: Ref) -> Element:
    asker = who(request.question_by) if request.question_by else "Somebody"
    return m.modal(
        Callback.ANSWER,
        "Answer a question",
        [
            t.section(f"*{asker} asks:*"),
            t.typed(request.question or "–"),
            m.words_field(Field.WORDS, "Your answer", least=1, most=1000),
        ],
        submit="Answer",
        ref=ref,
    )


def note_form(request: RequestFacts, ref: Ref) -> Element:
    return m.modal(
        Callback.NOTE,
        "Add a note",
        [
            m.words_field(
                Field.WORDS,
                "What should whoever decides know?",
                least=1,
                most=1000,
                hint=f"It is added to {request.reference}.",
            )
        ],
        submit="Add note",
        ref=ref,
    )


def urgent_form(request: RequestFacts, ref: Ref) -> Element:
    return m.modal(
        Callback.URGENT,
        "Why is it urgent?",
        [
            m.words_field(
                Field.WORDS,
                "What cannot wait?",
                least=5,
                most=500,
                hint="Whoever looks after the product reads this. The order of the queue stays as it is.",
            )
        ],
        submit="Send",
        ref=ref,
    )


def not_working_form(request: RequestFacts, ref: Ref) -> Element:
    return m.modal(
        Callback.NOT_WORKING,
        "It does not work",
        [
            m.words_field(
                Field.WORDS,
                "What happens?",
                least=3,
                most=1000,
                hint=f"Whoever gave you {t.name(request.product)} reads this.",
            )
        ],
        submit="Send",
        ref=ref,
    )


# Seats and tasks


def name_form(request: RequestFacts, ref: Ref, most: int) -> Element:
    """Who has the seats that were given without a name; as many as there are, or fewer."""
    one = most == 1
    end = f" until {t.day(request.until_on)}" if request.until_on else ""
    has = "has no holder yet" if one else "have no holder yet"
    return m.modal(
        Callback.NAME_HOLDER,
        "Who has this seat?" if one else "Who has these seats?",
        [
            t.section(f"*{t.named(product(request))}* · {request.reference}: {t.plural(most, 'seat')}{end} {has}."),
            m.field(
                Field.PERSON,
                "Who has it?" if one else "Who has them?",
                m.people_input(Field.PERSON, most),
                hint="They hear of it when their seat is ready." if one else f"Up to {most}; the others can wait.",
            ),
        ],
        submit="Name the holder" if one else "Name the holders",
        ref=ref,
    )


def named(who_has: Named) -> Element:
    """What became of the names."""
    names, one = t.joined([t.named(name) for name in who_has.names]), len(who_has.names) == 1
    seats = f"{'a seat' if one else 'seats'} of {t.named(who_has.product)}"
    words = {
        Follows.NOTHING: f"{names} {'has' if one else 'have'} {seats} and {'hears' if one else 'hear'} of it now.",
        Follows.SYSTEM: f"{names} {'gets' if one else 'get'} {seats}, usually within minutes. They hear of it then.",
        Follows.OWNER: f"Whoever looks after {t.named(who_has.product)} puts in {names}. They hear of it then.",
        Follows.KNOWN: f"{names} {'was' if one else 'were'} named before, so nothing changed.",
    }
    return m.said(words[who_has.follows], "Already named" if who_has.follows is Follows.KNOWN else "Named")


def give_back_form(seat: SeatFacts) -> Element:
    lost = t.inert(seat.lost_on_return) or f"{t.named(seat.product)} stops for you."
    again = "" if "ask again" in lost.lower() else " You can ask again at any time."
    return m.modal(
        Callback.GIVE_BACK,
        "Give back this licence",
        [
            t.section(f"*{t.named(seat.product)}*\n{lost}{again}"),
            m.field(Field.REASON, "Reason", m.text_input(Field.REASON, most=300), optional=True),
        ],
        submit="Give it back",
        ref=Ref(seat.id),
    )


def keep_longer_form(seat: SeatFacts) -> Element:
    ends = f" It ends on {t.day(seat.until_on)} now." if seat.until_on else ""
    contract = f"The contract ends on {t.day(seat.price.ends_on)}." if seat.price.ends_on else ""
    return m.modal(
        Callback.KEEP_LONGER,
        "Keep it longer",
        [
            t.section(f"*{t.named(seat.product)}*{'.' if ends else ''}{ends}"),
            m.field(Field.UNTIL, "Until when?", m.date_input(Field.UNTIL), hint=contract),
            m.words_field(Field.WHY, "What do you still need it for?", most=500),
        ],
        submit="Send request",
        ref=Ref(seat.id),
    )


def task_blocked_form(task: TaskFacts, ref: Ref) -> Element:
    return m.modal(
        Callback.TASK_BLOCKED,
        "What is in the way?",
        [
            t.section(
                f"*{t.named(task.product)}* · {task.reference}" if task.reference else f"*{t.named(task.product)}*"
            ),
            m.field(Field.REASON, "What is in the way?", m.choices(Field.REASON, IN_THE_WAY)),
            m.words_field(Field.WORDS, "In your words", most=500, optional=True),
        ],
        submit="Send",
        ref=ref,
    )


def task_why(task: TaskFacts) -> Element:
    approved = f" {t.named(task.approved_by)} approved it." if task.approved_by else ""
    words = f"You look after {t.named(task.product)}, or stand in for whoever does.{approved}"
    return m.shown("Why me?", t.section(words), t.context(f"Due {t.instant(task.due_at)}"))


# Settings


def settings_form(deputy: Who | None, first_day: date | None, last_day: date | None) -> Element:
    """Who decides while the person is away. An empty deputy ends it."""
    return m.modal(
        Callback.SETTINGS,
        "Settings",
        [
            t.section("*While you are away*\nSomebody else can decide for you. You both hear of it."),
            m.field(
                Field.PERSON,
                "Deputy",
                m.person_input(Field.PERSON, (deputy.slack_id or "") if deputy else "", "Nobody"),
                hint="Leave empty to decide yourself again. A deputy never decides on what they asked for.",
                optional=True,
            ),
            m.field(Field.FROM, "From", m.date_input(Field.FROM, first_day), optional=True),
            m.field(Field.UNTIL, "Until, this day included", m.date_input(Field.UNTIL, last_day), optional=True),
        ],
        submit="Save",
    )
