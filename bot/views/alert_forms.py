"""Windows around a red alert: the exception, what it really is, who it is (wording guide §2.11)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, timedelta

from bot.ids import Action, Callback, Ref
from bot.ids import Block as Field
from bot.views import modals as m
from bot.views import text as t
from bot.views.names import LICENCES, as_field
from bot.views.text import Element
from workflows.choices import REALLY
from workflows.reads.alerts import AlertFacts, PlaceFacts
from workflows.titles_settled import As

HERE = "here"


def exception_form(facts: AlertFacts, today: date, reader: str) -> Element:
    """Reason, proof, who answers, until when; what stands here is read by an auditor."""
    devices = t.plural(facts.devices, "device")
    scope = {HERE: f"These {devices}" if facts.devices != 1 else "This device"}
    scope |= {department_key(one): f"All of {t.name(one, 40)}" for one in facts.departments[:8]}
    if not facts.devices:
        scope = {HERE: "The whole company"}
    return m.modal(
        Callback.ALERT_EXCEPT,
        "Grant an exception",
        [
            t.section(
                f"*{t.named(facts.product)}* on {devices}. Goes into the register of exceptions and the audit evidence."
            ),
            m.field(Field.AS, "For what?", m.choices(Field.AS, scope, initial=HERE)),
            m.words_field(Field.WHY, "Why?", most=1000, hint="20 to 1,000 characters."),
            m.field(Field.LINK, "Proof", m.text_input(Field.LINK, most=500, placeholder="A link"), optional=True),
            m.field(Field.PERSON, "Who answers for it?", m.person_input(Field.PERSON, initial=reader)),
            m.field(Field.UNTIL, "Until", m.date_input(Field.UNTIL, today + timedelta(days=180))),
            t.context("Asked again 30 days before the end. It counts as before; only the alert is silent."),
        ],
        submit="Grant exception",
        ref=Ref(facts.id, facts.version),
    )


def department_key(name: str) -> str:
    """The option that means a department: a name can be longer than Slack lets a value be."""
    return f"all:{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def really(place: PlaceFacts) -> dict[str, str]:
    """What software can be besides what it was taken for."""
    return {**REALLY, **({"not_mine": "Not their device"} if place.of is not None else {})}


def really_form(place: PlaceFacts) -> Element:
    """ "That is not right": what a person who uses the device says."""
    return m.modal(
        Callback.FOUND_WRONG,
        "What is it really?",
        [
            t.section(f"*{t.named(place.product)}* on {t.named(place.device, 40)}."),
            m.field(
                Field.AS,
                "What is it?",
                m.choices(Field.AS, really(place), initial="another_product"),
            ),
            m.words_field(Field.WORDS, "In your words", most=500, optional=True),
        ],
        submit="Send to IT",
        ref=Ref(place.id),
    )


def wrong_product_form(
    facts: AlertFacts, titles: Sequence[tuple[int, str, int]], said: Sequence[str], as_: As
) -> Element:
    """For those who settle names: which reported name is something else, and what."""
    options = {str(key): f"{t.cut(t.one_line(name), 50)} ({t.plural(count, 'device')})" for key, name, count in titles}
    blocks = [
        t.section(f"*{t.named(facts.product)}* is what these names are taken for. Your word holds for all devices."),
        *[t.typed(one) for one in said[:3] if one],
        m.field(Field.REPORTED, "Which name?", m.choices(Field.REPORTED, options, kind="static_select")),
        as_field(as_, Action.WRONG_AS),
    ]
    if as_ is As.KNOWN:
        element: Element = {
            "type": "external_select",
            "action_id": Field.REGISTER.value,
            "min_query_length": 1,
            "placeholder": {"type": "plain_text", "text": "Type a name, for example Visio", "emoji": False},
        }
        blocks.append(m.field(Field.REGISTER, "It is …", element))
    elif as_ is As.NEW:
        blocks += [
            m.field(Field.NAME, "New product", m.text_input(Field.NAME, least=2, most=200)),
            m.field(Field.PUBLISHER, "Publisher", m.text_input(Field.PUBLISHER, least=1, most=200)),
            m.field(Field.LICENCE, "Does it need a licence?", m.choices(Field.LICENCE, LICENCES, initial="free")),
        ]
    return m.modal(Callback.ALERT_WRONG, "Wrong product", blocks, submit="Settle", ref=Ref(facts.id))


def who_words(found: Sequence[tuple[str, str, str]]) -> str:
    """ "Who is it?", for one reader: mrkdwn."""
    if not found:
        return "No device is known for it."
    lines = []
    for name, device, answer in found[:20]:
        person = t.named(name) if name else "nobody known"
        more = f", {REALLY_SAID[answer]}" if answer in REALLY_SAID else ""
        lines.append(f"{person}: {t.named(device, 40)}{more}")
    more = f" and {len(found) - 20} more" if len(found) > 20 else ""
    return "; ".join(lines) + f"{more}."


REALLY_SAID = {
    "ask": "asks for a licence",
    "remove": "removes it",
    "another_product": "says it is another product",
    "part_of": "says it is part of something we own",
    "not_mine": "says it is not their device",
    "have": "says there is a licence",
    "right": "was right",
}
