"""The form to ask for a licence, what it says about the chosen product, and the form for software not owned (§2.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from bot.ids import Action, Callback
from bot.ids import Block as Field
from bot.views import modals as m
from bot.views import text as t
from bot.views.said import price_paid
from bot.views.text import Block, Element
from licensing.position.figure import shown
from workflows.forms import Receipt
from workflows.reads.catalogue import Found, Offer
from workflows.reads.form import ChosenFacts, Owned, Tier

SOMETHING_ELSE = "else"
FREQUENCIES = {
    "daily": "Every day",
    "weekly": "A few times a week",
    "monthly": "A few times a month",
    "once": "Once",
}
HOLDS = {
    "nothing": "Nothing of ours",
    "internal": "Internal data",
    "people": "Data about people or customers",
}
MOST_PEOPLE = 20
MOST_SEATS = 50


@dataclass(frozen=True)
class Asking:
    """What stands in the form besides what Slack keeps: the choice, and what was said about it."""

    product_id: int | None = None
    sku_id: int | None = None
    offered: str = ""  # an owned alternative was shown
    asked_anyway: bool = False
    draft_id: int | None = None
    named: int = 1  # how many people the number of seats was filled from
    people: tuple[str, ...] = ()  # Slack ids
    seats: int | None = None
    until: date | None = None
    why: str = ""
    frequency: str = "weekly"
    resets: Mapping[str, str] = field(default_factory=dict)  # block id endings of fields that start afresh

    def metadata(self) -> dict[str, Any]:
        stored = {
            "product": self.product_id,
            "offered": self.offered,
            "anyway": self.asked_anyway,
            "draft": self.draft_id,
            "named": self.named,
        }
        return {key: value for key, value in stored.items() if value not in (None, "", False)}


def product_field(chosen: ChosenFacts | None) -> Block:
    element: Element = {
        "type": "external_select",
        "action_id": Action.PRODUCT.value,
        "min_query_length": 1,
        "placeholder": {"type": "plain_text", "text": "Type a name, for example Planner", "emoji": False},
    }
    block_id: str = Field.PRODUCT
    if chosen is not None:
        element["initial_option"] = m.option(str(chosen.product_id), chosen.name)
        block_id = f"{Field.PRODUCT}:{chosen.product_id}"
    return m.field(block_id, "Which product?", element, dispatch=True)


def request_form(asking: Asking, chosen: ChosenFacts | None, reader_slack_id: str, today: date) -> Element:
    """The form as it must look for what is chosen now."""
    blocks: list[Block] = [product_field(chosen)]
    if chosen is not None:
        blocks.append(t.section(about(chosen)))
        if chosen.owned is not None and not chosen.refusal:
            blocks += _owned(chosen.owned, asking, chosen)
        if len(chosen.tiers) > 1:
            blocks.append(_tiers(chosen))
    people: Element = {
        "type": "multi_users_select",
        "action_id": Field.PEOPLE.value,
        "initial_users": list(asking.people or (reader_slack_id,))[:MOST_PEOPLE],
        "max_selected_items": MOST_PEOPLE,
    }
    seats = asking.seats if asking.seats is not None else max(1, asking.named)
    count = f"{Field.COUNT}:{asking.resets['count']}" if "count" in asking.resets else Field.COUNT
    blocks += [
        m.field(Field.PEOPLE, "Who is it for?", people, dispatch=True),
        m.field(count, "How many seats?", m.number_input(Field.COUNT, 1, MOST_SEATS, seats)),
        m.field(
            Field.UNTIL,
            "Until when?",
            m.date_input(Field.UNTIL, asking.until),
            hint=_until_hint(chosen),
            optional=not _must_end(chosen),
        ),
        m.field(
            Field.WHY,
            "What will you use it for?",
            m.text_input(
                Field.WHY,
                initial=asking.why,
                multiline=True,
                most=500,
                placeholder="For example: plan of the Lyon office move",
            ),
        ),
        m.field(Field.FREQUENCY, "How often?", m.choices(Field.FREQUENCY, FREQUENCIES, initial=asking.frequency)),
        t.context(_readers(chosen)),
    ]
    return m.modal(
        Callback.REQUEST,
        "Ask for a licence",
        blocks,
        submit="Send request",
        metadata=asking.metadata(),
        notify=True,
    )


def about(chosen: ChosenFacts) -> str:
    """ "*Planner* · 3 of 12 free · €312.00 a seat a year until 30 Jun 2027 · Ben Okafor decides, …" for mrkdwn."""
    if chosen.refusal:
        return t.inert(chosen.refusal)
    tier = chosen.chosen
    parts = [f"*{t.named(chosen.name)}*"]
    if tier is not None:
        parts += [_free(tier, chosen.short), _price(tier)]
    if chosen.by_rule:
        parts.append(f"approved by {t.escape(chosen.by_rule)}")
    elif chosen.decides:
        names = t.joined([t.named(name) for name in chosen.decides], "or")
        verb = "decides" if len(chosen.decides) == 1 else "decide"
        parts.append(f"{names} {verb}, usually within {t.plural(chosen.within_hours, 'working hour')}")
    else:
        parts.append("a licence manager names who decides")
    return " · ".join(parts)


def _free(tier: Tier, short: Decimal) -> str:
    """ "3 of 12 free", "none of 40 free, 3 short": where more is in use than was bought, that is said as well."""
    numbers = tier.numbers
    if numbers.unlimited:
        return "no limit of seats"
    if numbers.free is None or numbers.bought is None:
        return f"free seats not known: {t.escape(numbers.unknown or 'no figures are recorded')}"
    if not numbers.free:
        waiting = f", {t.plural(numbers.waiting, 'request')} waiting" if numbers.waiting else ""
        over = max(short, Decimal(numbers.in_use - numbers.bought))
        return f"none of {numbers.bought:,} free{f', {shown(over)} short' if over > 0 else ''}{waiting}"
    also = f", though {shown(short)} short with every device counted" if short else ""
    return f"{numbers.free:,} of {numbers.bought:,} free{also}"


def _price(tier: Tier) -> str:
    price = tier.price
    if price.unit is None:
        return f"price not known: {t.escape(price.unknown)}"
    until = f" until {t.day(price.ends_on)}" if price.ends_on else ""
    return f"{price_paid(price, seat=True)}{until}"


def _owned(owned: Owned, asking: Asking, chosen: ChosenFacts) -> list[Block]:
    name = t.named(owned.name)
    part = f", part of your {t.named(owned.held)}" if owned.held != owned.name else ""
    if asking.asked_anyway:
        who = t.called(chosen.decides[0]) if chosen.decides else "Whoever decides"
        return [t.context(f"{name} was offered; you asked anyway. {who} sees this.")]
    return [
        t.section(f"You already have *{name}*{part}. {t.inert(owned.sentence)}".strip()),
        t.actions(
            t.button(f"Use {t.name(owned.name, 20)}", Action.USE_ALTERNATIVE, str(chosen.product_id)),
            t.button("Ask anyway", Action.ASK_ANYWAY, str(chosen.product_id)),
        ),
    ]


def _tiers(chosen: ChosenFacts) -> Block:
    options = []
    for tier in chosen.tiers[:100]:
        yearly = tier.price.yearly
        options.append(m.option(str(tier.sku_id), tier.name, f"{yearly} a year" if yearly else price_paid(tier.price)))
    element: Element = {"type": "static_select", "action_id": Field.TIER.value, "options": options}
    if chosen.chosen is not None:
        element["initial_option"] = next(one for one in options if one["value"] == str(chosen.chosen.sku_id))
    return m.field(f"{Field.TIER}:{chosen.product_id}", "Which tier?", element)


def _must_end(chosen: ChosenFacts | None) -> bool:
    """Whether a last day has to be chosen: nothing ends by itself before the longest time policy allows."""
    ends = chosen.chosen.price.ends_on if chosen and chosen.chosen else None
    return chosen is not None and chosen.latest is not None and (ends is None or chosen.latest < ends)


def _until_hint(chosen: ChosenFacts | None) -> str:
    if chosen is not None and chosen.latest is not None and _must_end(chosen):
        return f"At most until {t.day(chosen.latest)}. Shorter is easier to approve."
    ends = chosen.chosen.price.ends_on if chosen and chosen.chosen else None
    if ends is None:
        return "Leave empty to keep it until the contract ends. Shorter is easier to approve."
    return f"Leave empty to keep it until the contract ends on {t.day(ends)}. Shorter is easier to approve."


def _readers(chosen: ChosenFacts | None) -> str:
    first = t.called(chosen.decides[0]) if chosen and chosen.decides else "Your manager"
    return f"{first} and the product owner read this. Leave out health and other personal matters."


# Answers to what was typed into the list


def options_answer(found: Found, department: str) -> dict[str, Any]:
    """Groups of the searchable list; "Something else" is always the last."""
    groups = []
    if found.often:
        label = f"Often asked for in {department}" if department else "Often asked for"
        groups.append({"label": _plain(label), "options": [_offer(one) for one in found.often]})
    shown = len(found.often) + len(found.rest)
    label = "All products" if shown >= found.total else f"Keep typing: {found.total:,} match, {shown:,} shown"
    last = m.option(SOMETHING_ELSE, "Something else", "not in the list: a separate, short form")
    groups.append({"label": _plain(label), "options": [*[_offer(one) for one in found.rest], last]})
    return {"option_groups": groups}


def _offer(one: Offer) -> Element:
    value = str(one.product_id) if one.product_id is not None else f"ban:{one.ban}"
    return m.option(value, one.name, offer_words(one))


def offer_words(one: Offer) -> str:
    if not one.allowed:
        return "not allowed: choose it to see why"
    if one.unlimited:
        return "no limit of seats"
    if one.free is None:
        return "free seats not known"
    if one.free:
        return f"{one.free:,} free"
    return f"none free, {one.waiting:,} waiting" if one.waiting else "none free"


# What it turns into


def nothing_to_ask(owned: Owned, chosen: ChosenFacts) -> Element:
    """[Use Planner]: the same window says that it is there already. No request exists."""
    name = t.named(owned.name)
    where = f": {t.link(owned.link, owned.link)}" if owned.link else ""
    return m.modal(
        Callback.SHOWN,
        "Nothing to ask for",
        [
            t.section(f"{name} is ready for you{where}. No request was sent."),
            t.actions(t.button("Ask anyway", Action.ASK_ANYWAY, str(chosen.product_id))),
        ],
        close="Done",
    )


def sent(receipt: Receipt, *, new: bool = False, holds: str = "") -> Element:
    """ "*Sent.* Ben Okafor has been asked …" in place of the form."""
    if receipt.approved_by_rule:
        words = f"*Approved* by {t.escape(receipt.approved_by_rule)}. The seat is on its way."
    elif new:
        first = t.joined([t.named(name) for name in receipt.waits_for], "or") or "A licence manager"
        security = "then security (customer data), " if holds == "people" else ""
        words = (
            f"*Sent.* {first} looks first, {security}then procurement. Buying something new usually takes 2 to 4 weeks."
        )
    elif receipt.waits_for:
        names = t.joined([t.named(name) for name in receipt.waits_for])
        hours = t.plural(receipt.within_hours, "working hour")
        have, answer = ("has", "answers") if len(receipt.waits_for) == 1 else ("have", "answer")
        words = f"*Sent.* {names} {have} been asked and usually {answer} within {hours}."
    else:
        words = "*Sent.* A licence manager names who decides."
    return m.shown(
        "Request sent",
        t.section(f"{words} News comes as a message from Seatkeeper. Reference {receipt.reference}."),
        close="Done",
    )


def new_product_form(
    name: str = "", close: Offer | None = None, *, metadata: Mapping[str, Any] | None = None
) -> Element:
    """ "Something else": software the company does not own."""
    blocks: list[Block] = [
        m.field(Field.NAME, "What is it called?", m.text_input(Field.NAME, initial=name, least=2, most=200)),
        m.field(
            Field.LINK,
            "Web page",
            {
                "type": "url_text_input",
                "action_id": Field.LINK.value,
                "placeholder": _plain("https://…"),
            },
            optional=True,
        ),
    ]
    if close is not None and close.product_id is not None and close.allowed:
        blocks.append(t.section(f"Close to what you typed and owned: *{t.named(close.name)}*, {offer_words(close)}."))
        label = f"Ask for {t.name(close.name, 15)}"
        blocks.append(t.actions(t.button(label, Action.ASK_FOR_OWNED, str(close.product_id))))
    blocks += [
        m.words_field(Field.WHY, "What is it for?", least=10, most=500),
        m.field(Field.OTHERS, "Who else would use it?", m.text_input(Field.OTHERS, most=300), optional=True),
        m.field(Field.HOLDS, "What would it hold?", m.choices(Field.HOLDS, HOLDS, initial="nothing")),
        m.field(Field.PRICE, "Price, if known", m.text_input(Field.PRICE, most=100), optional=True),
    ]
    return m.modal(
        Callback.NEW_PRODUCT, "Not owned yet", blocks, submit="Send to procurement", metadata=metadata, notify=False
    )


def _plain(text: str) -> Element:
    return {"type": "plain_text", "text": t.cut(text, 75), "emoji": False}
