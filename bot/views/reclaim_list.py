"""The list to confirm: its card, and the window in which rows are ticked page by page (wording guide §2.9).

Slack keeps ticks only of what a window shows, so those of other pages travel in its metadata: the ids whose tick
differs from how they began (suggested rows ticked, rows that need a look not).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot.ids import Action, Callback, Menu, Ref
from bot.views import modals as m
from bot.views import text as t
from bot.views.said import who
from bot.views.text import Block, Element, Message
from model.reclaim import CampaignKind, CampaignState, CandidateState
from workflows.reads.reclaim import CampaignFacts, SeatRow

A_PAGE = 10  # Slack shows at most ten boxes in a field
LONGEST_NAME, LONGEST_TEAM = 27, 18
_IDS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Around:
    """What the list says besides its rows: the switch, limits, who waits, until when undo would go."""

    switched_off: str = ""  # "Eli Marsh switched removals off …", mrkdwn
    dry_run: str = ""  # why nothing may be confirmed, mrkdwn
    limits: str = ""  # "20 a day: 20 today, 5 tomorrow."
    by_group: int = 0
    undo_days: int = 30
    holds_missing: bool = False  # nobody has said which mailboxes are on hold


def verb(facts: CampaignFacts) -> str:
    return "Move" if facts.kind is CampaignKind.TOO_BIG else "Take back"


def list_card(facts: CampaignFacts, around: Around) -> Message:
    """To each person with the right to confirm; afterwards who confirmed what."""
    name = t.named(facts.product)
    if facts.state is not CampaignState.CONFIRMING:
        return _over(facts)
    rows = facts.listed
    suggested = sum(row.suggested for row in rows)
    kept = facts.count(CandidateState.KEPT)
    head = (
        f"*Waiting for you.* Suggested to {verb(facts).lower()}: {suggested} · needs a look: {len(rows) - suggested}"
        f" · kept by their holders: {kept}, not listed"
    )
    sums, unpriced = facts.yearly(rows)
    money = f"{sums} a year" if sums else "not known: no price is recorded"
    if sums and unpriced:
        money += f", without {t.plural(unpriced, 'seat')} that {'has' if unpriced == 1 else 'have'} no price"
    paid = f"nothing: paid to {t.day(facts.term_ends_on)}" if facts.term_ends_on else "nothing before the term ends"
    waits = f", {t.plural(facts.numbers.waiting, 'person waits', 'people wait')}" if facts.numbers.waiting else ""
    pairs = [
        ("Reusable now", f"{t.plural(len(rows), 'seat')}{waits}"),
        ("Saved before renewal", paid),
        ("Reducible at renewal", money),
        ("Limits", t.inert(around.limits)),
    ]
    planned = f"planned by {who(facts.planned_by)}" if facts.planned_by else "planned by a rule"
    switch = around.switched_off or "removals are switched on"
    figures = f"figures {t.instant(facts.numbers.read_at)}" if facts.numbers.read_at else "figures of the register"
    small = f"{facts.reference} · {planned} · {switch} · {figures}"
    title = f"{t.plural(len(rows), f'{t.name(facts.product)} seat')} to look at"
    blocks: list[Block] = [t.header(title), t.section(head), *t.fields(pairs)]
    if around.by_group:
        groups = f"{t.plural(around.by_group, 'seat comes', 'seats come')} through a group and are only reported."
        blocks.append(t.context(groups))
    if around.dry_run:
        blocks.append(t.section(around.dry_run))
    buttons = [
        t.button(
            "Review the list",
            Action.REVIEW_LIST,
            Ref(facts.id, facts.version),
            heard=t.accessibility("Review the list", facts.product),
            style="primary",
        )
    ]
    if around.holds_missing:
        buttons.append(
            t.button("We have none", Action.HOLDS_NONE, Ref(facts.id), heard="No mailbox is on hold", confirm=_NONE)
        )
    blocks += [t.actions(*buttons), t.context(small)]
    said = (
        f"{name}: {t.plural(len(rows), 'seat')} to look at. {head.replace('*', '').replace(' · ', ', ')}.",
        f"Reusable now {len(rows)}{waits}. Reducible at renewal: {money}.",
        around.dry_run,
    )
    return Message(t.spoken(*said, after=(t.sentence(small.replace(" · ", ", ")),)), blocks)


_NONE = t.dialog(
    "No mailbox on hold?",
    "You sign with your name that no mailbox is on litigation hold today. It is good for 30 days.",
    "We have none",
    "Go back",
)


def _over(facts: CampaignFacts) -> Message:
    name = t.named(facts.product)
    match facts.state:
        case CampaignState.TAKING | CampaignState.DONE if facts.confirmed_by and facts.confirmed_at:
            by, seats = who(facts.confirmed_by), t.plural(len(facts.confirmed), "seat")
            said = f"*Confirmed by {by}* {t.instant(facts.confirmed_at)}: {name}, {seats}."
        case CampaignState.CANCELLED:
            said = f"*Called off:* {name}. Nothing was taken."
        case CampaignState.DONE:
            said = f"*Closed:* {name}. Nobody's seat was taken."
        case _:
            said = f"*Nothing to confirm yet:* {name}. The holders are being asked."
    said = f"{said} {facts.reference}"
    return Message(said.replace("*", ""), [t.section(said)])


# The window


def ticked(facts: CampaignFacts, changed: Collection[int]) -> list[SeatRow]:
    """The rows that are ticked now."""
    return [row for row in facts.listed if row.suggested != (row.id in changed)]


def list_window(facts: CampaignFacts, around: Around, changed: Collection[int], page: int, today: date) -> Element:
    """One page of rows, and the button that takes back what is ticked on all of them."""
    rows = facts.listed
    pages = max(1, -(-len(rows) // A_PAGE))
    page = min(max(1, page), pages)
    here = rows[(page - 1) * A_PAGE : page * A_PAGE]
    taken = ticked(facts, changed)
    blocks: list[Block] = [
        t.section(f"Page {page} of {pages} · {len(taken)} of {len(rows)} ticked · ticks are kept as you go")
    ]
    for title, action, some in (
        ("Needs a look", Action.LIST_LOOKS, [row for row in here if not row.suggested]),
        ("Suggested", Action.LIST_TICKS, [row for row in here if row.suggested]),
    ):
        if some:
            chosen = [row for row in some if row in taken]
            blocks += [t.section(f"*{title}*"), _boxes(action, some, chosen, facts, page, changed)]
    if not rows:
        blocks.append(t.section("Nothing is left to confirm."))
    if around.by_group:
        words = f"{t.plural(around.by_group, 'seat comes', 'seats come')} through a group and are only reported."
        blocks.append(t.context(words))
    if around.limits:
        blocks.append(t.context(t.inert(around.limits)))
    if around.dry_run or around.switched_off:
        blocks.append(t.section(around.dry_run or f"{around.switched_off} The list can be prepared."))
    if not taken and rows:
        blocks.append(t.context("Nothing is ticked."))
    blocks.append(_bar(facts, around, taken, page, pages, today))
    return m.modal(
        Callback.RECLAIM_LIST,
        "Seats to move" if facts.kind is CampaignKind.TOO_BIG else "Seats to take back",
        blocks,
        metadata={"ref": str(Ref(facts.id, facts.version)), "page": page, "ticks": packed(changed)},
    )


def _boxes(
    action: Action,
    rows: Sequence[SeatRow],
    chosen: Sequence[SeatRow],
    facts: CampaignFacts,
    page: int,
    changed: Collection[int],
) -> Block:
    options = {row.id: m.option(str(row.id), _line(row), _reason(row, facts)) for row in rows}
    element: Element = {"type": "checkboxes", "action_id": action.value, "options": list(options.values())}
    if chosen:
        element["initial_options"] = [options[row.id] for row in chosen]
    # a block that kept its id would keep the ticks Slack remembers over those of this window
    key = hash((page, tuple(sorted(changed)))) % 10**6
    return {"type": "actions", "block_id": f"{action.value}:{page}:{key}", "elements": [element]}


def _line(row: SeatRow) -> str:
    team = f" · {t.cut(t.one_line(row.holder.team), LONGEST_TEAM)}" if row.holder.team else ""
    return f"{t.name(row.holder.name, LONGEST_NAME)}{team}{f' · {row.short}' if row.short else ''}"


def _reason(row: SeatRow, facts: CampaignFacts) -> str:
    """The reason first, since the rest may be cut."""
    if row.state is CandidateState.RELEASED:
        first = "Given back by the holder"
    elif row.state is CandidateState.UNANSWERED:
        asked = f" since {t.day(row.asked_at.date())}" if row.asked_at else ""
        first = f"No answer{asked}"
    else:
        first = "Left the company" if facts.kind is CampaignKind.LEAVING else ""
    parts = [t.one_line(row.look), first, f"loses: {t.one_line(facts.lost)}" if facts.lost else ""]
    return " · ".join(dict.fromkeys(part for part in parts if part))


def _bar(facts: CampaignFacts, around: Around, taken: Sequence[SeatRow], page: int, pages: int, today: date) -> Block:
    ref = Ref(facts.id, facts.version)
    elements: list[Element] = []
    if page > 1:
        elements.append(t.button("Previous", Action.LIST_BEFORE, ref, heard="Previous page of seats"))
    if page < pages:
        elements.append(t.button("Next", Action.LIST_AFTER, ref, heard="Next page of seats"))
    if taken and not around.dry_run and not around.switched_off:
        label = f"{verb(facts)} {t.plural(len(taken), 'seat')}"
        elements.append(
            t.button(
                label,
                Action.LIST_TAKE,
                ref,
                heard=t.accessibility(label, facts.product, joined="of"),
                style="danger",
                confirm=_dialog(facts, around, taken, today),
            )
        )
    elements.append(
        t.overflow(
            Action.LIST_MORE,
            {f"{Menu.UNTICK.value}/{ref}": "Untick this page", f"{Menu.EVIDENCE.value}/{ref}": "See the evidence"},
        )
    )
    return t.actions(*elements)


def _dialog(facts: CampaignFacts, around: Around, taken: Sequence[SeatRow], today: date) -> Element:
    count, left = len(taken), len(facts.listed) - len(taken)
    name = t.name(facts.product, 40)
    seats = t.plural(count, "seat")
    lost = t.cut(t.one_line(facts.lost), 90)
    until = t.day(today + timedelta(days=around.undo_days))
    words = [
        t.sentence(f"{t.plural(count, 'person loses', 'people lose')} it{f': {lost}' if lost else ''}"),
        f"The {left} unticked keep theirs; whoever used it since is skipped."
        if left
        else "Whoever used it since is skipped.",
        f"Undo until {until}.",
    ]
    label = f"{verb(facts)} {seats}"
    return t.dialog(f"{verb(facts)} {t.plural(count, f'{name} seat')}?", " ".join(words), label, "Go back", danger=True)


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


def evidence_window(rows: Sequence[SeatRow], now: datetime) -> Element:
    """Each source with what it says and how old it is; shown after a stored reason only."""
    blocks: list[Block] = []
    for row in rows[:12]:
        blocks.append(t.section(f"*{who(row.holder)}* · rule {t.inert(row.rule)}"))
        sources: Sequence[Mapping[str, object]] = row.evidence.get("sources") or ()
        lines = [
            f"{t.inert(str(one.get('source') or ''))}: {t.inert(str(one.get('value') or 'no use shown'))}"
            + (f", as of {t.inert(str(one['as_of']))}" if one.get("as_of") else "")
            for one in sources
        ]
        blocks.append(t.context("; ".join(lines) or "No source is kept for it."))
    if len(rows) > 12:
        blocks.append(t.context(f"and {len(rows) - 12} more on the other pages"))
    return m.shown("Evidence", *blocks)
