"""The list to confirm: its card, and the window in which rows are ticked page by page (wording guide §2.9).

Slack keeps ticks only of what a window shows, so those of other pages travel in its metadata: the ids whose tick
differs from how they began (suggested rows ticked, rows that need a look not).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta

from bot.ids import Action, Callback, Menu, Ref
from bot.views import modals as m
from bot.views import text as t
from bot.views.said import who
from bot.views.text import Block, Element, Message
from licensing.words import and_more
from model.reclaim import CampaignKind, CampaignState
from workflows.reads.reclaim import CampaignFacts, SeatRow
from workflows.reclaim.listing import ListRow, ReclaimList
from workflows.seat_returns import UNDO_DAYS

#: Services that are off in a seat and named with its evidence.
MOST_OFF = 3

A_PAGE = 10  # Slack shows at most ten boxes in a field
LONGEST_NAME, LONGEST_TEAM = 27, 18
_IDS = "0123456789abcdefghijklmnopqrstuvwxyz"


def verb(facts: CampaignFacts) -> str:
    return "Move" if facts.kind is CampaignKind.TOO_BIG else "Take back"


def list_card(facts: CampaignFacts, listed: ReclaimList) -> Message:
    """To each person with the right to confirm; afterwards who confirmed what."""
    if facts.state is not CampaignState.CONFIRMING:
        return _over(facts)
    name, count = t.named(facts.product), len(listed.rows)
    head = (
        f"*Waiting for you.* Suggested to {verb(facts).lower()}: {len(listed.suggested)} · "
        f"needs a look: {len(listed.look)}"
        + (f" · kept by their holders: {listed.kept}, not listed" if listed.kept else "")
    )
    money = _money(facts, listed)
    paid = f"nothing: paid to {t.day(facts.term_ends_on)}" if facts.term_ends_on else "nothing before the term ends"
    waits = f", {t.plural(listed.waiting, 'seat is', 'seats are')} waited for" if listed.waiting else ""
    pairs = [
        ("Reusable now", f"{t.plural(count, 'seat')}{waits}"),
        ("Saved before renewal", paid),
        ("Reducible at renewal", money),
        ("Limits", f"{listed.a_day} a day, {listed.per_cent}% of the product in 30 days"),
    ]
    figures = f"figures {t.instant(facts.numbers.read_at)}" if facts.numbers.read_at else "figures of the register"
    switch = t.inert(listed.switch.words(t.instant)) if listed.switch.at is None else _switch(listed)
    small = f"{facts.reference} · planned by {t.inert(listed.planned_by)} · {switch.rstrip('.')} · {figures}"
    title = f"{count} {t.name(facts.product)} {'seat' if count == 1 else 'seats'} to look at"
    blocks: list[Block] = [t.header(title), t.section(head), *t.fields(pairs)]
    if listed.groups:
        blocks.append(t.context(_groups(listed)))
    dry = DRY if listed.no_held_list else ""
    if dry:
        blocks.append(t.section(dry))
    review = t.button(
        "Review the list",
        Action.REVIEW_LIST,
        Ref(facts.id, facts.version),
        heard=t.accessibility("Review the list", facts.product),
        style="primary",
    )
    none = t.button(
        "We have none", Action.HOLDS_NONE, Ref(facts.id), heard="We have none: no mailbox is on hold", confirm=_NONE
    )
    blocks += [t.actions(review, none if dry else None), t.context(small)]
    said = (
        f"{name}: {t.plural(count, 'seat')} to look at. {head.replace('*', '').replace(' · ', ', ')}.",
        f"Reusable now {count}{waits}. Reducible at renewal: {money}.",
        dry,
    )
    return Message(t.spoken(*said, after=(t.sentence(small.replace(" · ", ", ")),)), blocks)


DRY = "*Dry run only:* nobody has said which mailboxes are on hold."


def _money(facts: CampaignFacts, listed: ReclaimList) -> str:
    ids = {row.candidate_id for row in listed.rows}
    sums, unpriced = facts.yearly([row for row in facts.rows if row.id in ids])
    if not sums:
        return "not known: no price is recorded"
    return f"{sums} a year" + (f", {t.plural(unpriced, 'seat')} without a recorded price" if unpriced else "")


def _groups(listed: ReclaimList) -> str:
    return f"{t.plural(listed.groups, 'seat comes', 'seats come')} through a group and are only reported."


def _switch(listed: ReclaimList) -> str:
    """ "Eli Marsh switched removals off ⟨…⟩."; names escaped, the instant as a date token."""
    one = listed.switch
    turned = f"{t.named(one.by)} switched removals {'on' if one.on else 'off'}"
    return f"{turned} {t.instant(one.at)}." if one.at is not None else "Removals are switched on."


_NONE = t.dialog(
    "No mailbox on hold?",
    "You sign with your name that no mailbox is on litigation hold today. It is good for 30 days.",
    "We have none",
    "Go back",
)


def _over(facts: CampaignFacts) -> Message:
    name = t.named(facts.product)
    match facts.state:
        case CampaignState.CANCELLED:
            said = f"*Called off:* {name}. Nothing was taken."
        case CampaignState.DONE:
            said = f"*Closed:* {name}. Nobody's seat was taken."
        case _:
            said = f"*Nothing to confirm yet:* {name}. The holders are being asked."
    said = f"{said} {facts.reference}"
    return Message(said.replace("*", ""), [t.section(said)])


# The window


def ordered(listed: ReclaimList) -> tuple[ListRow, ...]:
    """As the pages show them: what needs a look comes first."""
    return (*listed.look, *listed.suggested)


def ticked(listed: ReclaimList, changed: Collection[int]) -> list[ListRow]:
    """The rows that are ticked now."""
    return [row for row in ordered(listed) if row.ticked != (row.candidate_id in changed) and not row.waits]


def page_of(listed: ReclaimList, page: int) -> tuple[int, int, tuple[ListRow, ...]]:
    """The page, how many there are, and its rows; a page that is gone becomes the last one."""
    rows = ordered(listed)
    pages = max(1, -(-len(rows) // A_PAGE))
    page = min(max(1, page), pages)
    return page, pages, rows[(page - 1) * A_PAGE : page * A_PAGE]


def list_window(facts: CampaignFacts, listed: ReclaimList, changed: Collection[int], page: int, today: date) -> Element:
    """One page of rows, and the button that takes back what is ticked on all of them."""
    page, pages, here = page_of(listed, page)
    taken = ticked(listed, changed)
    total = len(listed.rows)
    blocks: list[Block] = [
        t.section(f"Page {page} of {pages} · {len(taken)} of {total} ticked · ticks are kept as you go")
    ]
    for title, action, some in (
        ("Needs a look", Action.LIST_LOOKS, [row for row in here if row.needs_look and not row.waits]),
        ("Suggested", Action.LIST_TICKS, [row for row in here if not row.needs_look]),
    ):
        if some:
            chosen = {row.candidate_id for row in some} & {row.candidate_id for row in taken}
            blocks += [t.section(f"*{title}*"), _boxes(action, some, chosen, facts, page, changed)]
    waits = [f"{t.named(row.name)}: {t.inert(row.waits)}" for row in here if row.waits]
    if waits:
        blocks.append(t.section(f"*Not yet possible*\n{'; '.join(waits)}"))
    if not total:
        blocks.append(t.section("Nothing is left to confirm."))
    if listed.groups:
        blocks.append(t.context(_groups(listed)))
    limit = listed.limit_words(len(taken), today)
    if limit:
        blocks.append(t.context(t.inert(limit)))
    if listed.no_held_list:
        blocks.append(t.section(DRY))
    if not listed.switch.on:
        blocks.append(t.section(f"{_switch(listed)} The list can be prepared."))
    if not taken and total:
        blocks.append(t.context("Nothing is ticked."))
    blocks.append(_bar(facts, listed, taken, page, pages, today))
    return m.modal(
        Callback.RECLAIM_LIST,
        "Seats to move" if facts.kind is CampaignKind.TOO_BIG else "Seats to take back",
        blocks,
        ref=Ref(facts.id, listed.version),
        metadata={"page": page, "ticks": packed(changed)},
    )


def _boxes(
    action: Action,
    rows: Sequence[ListRow],
    chosen: Collection[int],
    facts: CampaignFacts,
    page: int,
    changed: Collection[int],
) -> Block:
    options = {row.candidate_id: m.option(str(row.candidate_id), _line(row), _reason(row, facts)) for row in rows}
    element: Element = {"type": "checkboxes", "action_id": action.value, "options": list(options.values())}
    if chosen:
        element["initial_options"] = [options[one] for one in options if one in chosen]
    # a block that kept its id would keep the ticks Slack remembers over those of this window
    key = hash((page, tuple(sorted(changed)))) % 10**6
    return {"type": "actions", "block_id": f"{action.value}:{page}:{key}", "elements": [element]}


def _line(row: ListRow) -> str:
    team = f" · {t.cut(t.one_line(row.team), LONGEST_TEAM)}" if row.team else ""
    return f"{t.name(row.name, LONGEST_NAME)}{team}{f' · {row.sentence}' if row.sentence else ''}"


def _reason(row: ListRow, facts: CampaignFacts) -> str:
    """The reason first, since the rest may be cut."""
    reason = t.one_line(row.reason)
    lost = f"loses: {t.one_line(facts.lost)}" if facts.lost else ""
    return " · ".join(part for part in (f"{reason[:1].upper()}{reason[1:]}", lost) if part)


def _bar(
    facts: CampaignFacts, listed: ReclaimList, taken: Sequence[ListRow], page: int, pages: int, today: date
) -> Block:
    ref = Ref(facts.id, listed.version)
    elements: list[Element] = []
    if page > 1:
        elements.append(t.button("Previous", Action.LIST_BEFORE, ref, heard="Previous page of seats"))
    if page < pages:
        elements.append(t.button("Next", Action.LIST_AFTER, ref, heard="Next page of seats"))
    if taken and not listed.no_held_list and listed.switch.on:
        label = f"{verb(facts)} {t.plural(len(taken), 'seat')}"
        elements.append(
            t.button(
                label,
                Action.LIST_TAKE,
                ref,
                heard=t.accessibility(label, facts.product, joined="of"),
                style="danger",
                confirm=_dialog(facts, listed, taken, today),
            )
        )
    elements.append(
        t.overflow(
            Action.LIST_MORE,
            {f"{Menu.UNTICK.value}/{ref}": "Untick this page", f"{Menu.EVIDENCE.value}/{ref}": "See the evidence"},
        )
    )
    return t.actions(*elements)


def _dialog(facts: CampaignFacts, listed: ReclaimList, taken: Sequence[ListRow], today: date) -> Element:
    count, left = len(taken), len(listed.rows) - len(taken)
    name, seats = t.name(facts.product, 40), t.plural(count, "seat")
    lost = t.cut(t.one_line(facts.lost), 90)
    last_day = today + timedelta(days=UNDO_DAYS)
    kept = f"The {left} unticked keep theirs; " if left else ""
    skipped = "whoever used it since is skipped." if left else "Whoever used it since is skipped."
    words = [
        t.sentence(f"{t.plural(count, 'person loses', 'people lose')} it{f': {lost}' if lost else ''}"),
        f"{kept}{skipped}",
        f"Undo until {t.day(last_day)}.",
    ]
    title = f"{verb(facts)} {count} {name} {'seat' if count == 1 else 'seats'}?"
    if facts.to_name:  # a title has room for a hundred characters
        title = f"Move {seats} from {t.name(facts.product, 34)} to {t.name(facts.to_name, 34)}?"
    return t.dialog(title, " ".join(words), f"{verb(facts)} {seats}", "Go back", danger=True)


# Ticks in the metadata


def packed(changed: Collection[int]) -> str:
    """Row ids in base 36, "a.1k.9": five hundred of them fit into a window's metadata."""
    return ".".join(_base36(one) for one in sorted(changed))


def unpacked(words: str) -> frozenset[int]:
    """Raises ValueError for anything `packed` cannot have made."""
    return frozenset(int(one, 36) for one in words.split(".") if one)


def _base36(number: int) -> str:
    made = ""
    while number:
        number, left = divmod(number, 36)
        made = _IDS[left] + made
    return made or "0"


def evidence_window(rows: Sequence[SeatRow]) -> Element:
    """Each source with what it says and how old it is, and what is off in the seat; after a stored reason only."""
    blocks: list[Block] = []
    for row in rows[:12]:
        judged = (
            f" · {t.inert(row.rule)}" if row.ground == CampaignKind.IDLE else ""
        )  # others have no rule of their own
        blocks.append(t.section(f"*{who(row.holder)}*{judged}"))
        sources: Sequence[Mapping[str, object]] = row.evidence.get("sources") or ()
        lines = [_source(one) for one in sources if one.get("counts", True)]
        others = [_source(one) for one in sources if not one.get("counts", True)]
        off = [t.inert(str(one)) for one in row.evidence.get("off") or ()]
        if off:
            lines.append(f"switched off in this seat: {and_more(off, MOST_OFF)}")
        blocks.append(t.context("; ".join(lines) or "No source is kept for it."))
        if others:
            blocks.append(t.context(f"Says nothing of this product: {'; '.join(others)}"))
    if len(rows) > 12:
        blocks.append(t.context(f"and {len(rows) - 12} more on the other pages"))
    return m.shown("Evidence", *blocks)


def _source(one: Mapping[str, object]) -> str:
    """ "Copilot report: last use 12 Sep 2026, as of 21 Nov 2026"."""
    name, as_of = str(one.get("words") or one.get("source") or ""), str(one.get("as_of") or "")
    age = f", as of {t.day(date.fromisoformat(as_of))}" if as_of else ""
    return f"{t.inert(name)}: {t.inert(str(one.get('value') or 'no use shown'))}{age}"
