"""Reported software names for a person to settle: the list behind Home's row, and the form behind each name (§2.7)."""

from __future__ import annotations

from collections.abc import Sequence

from bot.ids import Action, Callback, Ref
from bot.ids import Block as Field
from bot.views import modals as m
from bot.views import text as t
from bot.views.text import Block, Element
from workflows.reads.names import Offered, Unsettled
from workflows.titles_settled import As, Settled

#: Names on a page of the window.
PAGE = 15
AS = {
    As.KNOWN: "It is a product of the register",
    As.NEW: "It is a new product",
    As.NOTHING: "Not a product: an update, a driver, a part of something",
}
LICENCES = {"paid": "Paid: it needs a licence", "free": "Free: nobody needs a licence"}


def names_window(found: Sequence[Unsettled], page: int) -> Element:
    """A page of the queue; each name has one button. A page that is gone shows the last one there is."""
    if not found:
        return m.shown("Names to settle", t.section("No software name waits. All that devices report is settled."))
    pages = -(-len(found) // PAGE)
    page = max(0, min(page, pages - 1))
    first = page * PAGE
    listed = found[first : first + PAGE]
    start = f"*{t.plural(len(found), 'software name')} to settle*"
    blocks: list[Block] = [t.section(f"{start} · {first + 1:,} to {first + len(listed):,}")]
    blocks += [_row(one, first + place) for place, one in enumerate(listed, start=1)]
    if pages > 1:
        blocks.append(
            t.actions(
                t.button("Previous", Action.NAMES_BEFORE, str(page - 1)) if page else None,
                t.button("Next", Action.NAMES_AFTER, str(page + 1)) if page < pages - 1 else None,
            )
        )
    blocks.append(
        t.context("First those of publishers the company buys from, then by devices. Your word holds for all devices.")
    )
    return m.modal(Callback.SHOWN, "Names to settle", blocks, metadata={"page": page})


def _row(one: Unsettled, place: int) -> Block:
    by = f" · {t.named(one.publisher, 40)}" if one.publisher.strip() else " · no publisher reported"
    new = f"{one.new_devices:,} of them " if one.new_devices < one.devices else ""
    grows = f", {new}new in 4 weeks" if one.new_devices else ""
    return t.section(
        f"*{t.named(one.title)}*{by}\non {t.plural(one.devices, 'device')}{grows} · {guess_words(one)}",
        accessory=t.button(
            "Settle",
            Action.SETTLE_NAME,
            Ref(one.id, one.version),
            heard=t.accessibility("Settle", one.title) + f", number {place:,}",
        ),
    )


def as_field(chosen: As, action: Action) -> Block:
    """What a name is; the fields below follow the answer as soon as it changes."""
    options = {key.value: label for key, label in AS.items()}
    asked = m.choices(Field.AS, options, initial=chosen.value) | {"action_id": action.value}
    return m.field(Field.AS, "What is it?", asked, dispatch=True)


def guess_words(one: Unsettled) -> str:
    """ "best guess Visio Professional, 62% sure", "no guess"."""
    return f"best guess *{t.named(one.guess, 40)}*, {one.confidence}% sure" if one.guess else "no guess"


def applies(installations: int) -> str:
    """How far the decision reaches."""
    return f"applies to {t.plural(installations, 'installation')}"


def settle_form(one: Unsettled, as_: As | None, page: int) -> Element:
    """What is it: the fields follow the answer; the best guess is filled in and nobody is held to it."""
    chosen = as_ or (As.KNOWN if one.guess_id is not None else As.NEW)
    version = f" · version {t.inert(t.one_line(one.reported_version), 60)}" if one.reported_version else ""
    by = t.named(one.publisher) if one.publisher.strip() else "no publisher reported"
    blocks: list[Block] = [
        t.plain(one.title or "(no name)"),
        t.context(f"{by}{version} · on {t.plural(one.devices, 'device')} · {guess_words(one)}"),
        as_field(chosen, Action.SETTLE_AS),
        *_fields(one, chosen),
        t.context(f"It {applies(one.installations)}, and to every device that reports this name later."),
    ]
    return m.modal(
        Callback.SETTLE_NAME,
        "What is this?",
        blocks,
        submit="Settle",
        ref=Ref(one.id, one.version),
        metadata={"page": page},
    )


def _fields(one: Unsettled, as_: As) -> list[Block]:
    if as_ is As.NOTHING:
        return [t.section("It leaves every count, and is not asked about again.")]
    if as_ is As.NEW:
        return [
            m.field(
                Field.NAME,
                "New product",
                m.text_input(Field.NAME, initial=t.cut(t.one_line(one.title), 200), least=2, most=200),
                hint="Its name without version, language or bits; with its edition, if it has one.",
            ),
            m.field(
                Field.PUBLISHER,
                "Publisher",
                m.text_input(Field.PUBLISHER, initial=t.cut(t.one_line(one.publisher), 200), least=1, most=200),
            ),
            m.field(Field.LICENCE, "Does it need a licence?", m.choices(Field.LICENCE, LICENCES, initial="paid")),
        ]
    element: Element = {
        "type": "external_select",
        "action_id": Field.REGISTER.value,
        "min_query_length": 1,
        "placeholder": {"type": "plain_text", "text": "Type a name, for example Visio", "emoji": False},
    }
    if one.guess_id is not None:
        element["initial_option"] = m.option(str(one.guess_id), one.guess)
    return [m.field(Field.REGISTER, "It is …", element)]


def register_options(found: Sequence[Offered]) -> list[Element]:
    """Products of the register for the searchable list."""
    return [m.option(str(one.id), one.name, f"{t.one_line(one.publisher)} · {one.licence_model}") for one in found]


def settled_words(done: Settled) -> str:
    """ "*Visio 2019* is Visio Professional now: applies to 240 installations." """
    if not done.product:
        what = "is no product now"
    elif done.product == done.title:
        what = "is a product of the register now"
    else:
        what = f"is {t.named(done.product)} now"
    return f"*{t.named(done.title)}* {what}: {applies(done.installations)}."
