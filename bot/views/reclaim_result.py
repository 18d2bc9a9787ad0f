"""What became of a confirmed list, and Undo (wording guide §2.10); the counters of all campaigns (§2.14)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.ids import Action, Callback, Ref
from bot.ids import Block as Field
from bot.views import modals as m
from bot.views import text as t
from bot.views.said import who
from bot.views.text import Block, Element, Message
from model.reclaim import CampaignKind, CampaignState, CandidateState
from workflows.reads.reclaim import CampaignFacts, SeatRow
from workflows.reclaim.undo import Done

MOST_NAMED = 5
MOST_BOXES = 10
MOST_UNDONE = 90  # in one window
_S = CandidateState
_KINDS = {
    CampaignKind.IDLE: "looks idle",
    CampaignKind.REDUNDANT: "covered by another licence",
    CampaignKind.TOO_BIG: "a smaller licence would do",
    CampaignKind.LEAVING: "leavers",
    CampaignKind.REVIEW: "looked through",
}
_STATES = {
    CampaignState.DRY_RUN: "dry run, nobody asked yet",
    CampaignState.ASKING: "holders are being asked",
    CampaignState.CONFIRMING: "waits for confirmation",
    CampaignState.TAKING: "being taken back",
    CampaignState.DONE: "over",
    CampaignState.CANCELLED: "called off",
}
#: Why a seat is not listed, after "2 seats"; whatever has no words here is the policy's.
_LEFT_OUT = {
    "elsewhere": "in another list or on the way back",
    "not_again": "asked about lately",
    "on_hold": "with a mailbox on hold",
    "held": "with a mailbox on hold",
    "leaving": "for the list of those who left",
    "leaver": "for the list of those who left",
    "leave": "of people who are away",
    "future_hire": "newly given or newly hired",
    "new_hire": "newly given or newly hired",
    "new_seat": "newly given or newly hired",
    "account": "of rooms, shared mailboxes or service accounts",
    "free": "without a cost",
    "unstated": "given in a way that Microsoft does not say",
    "two_paths": "held by two paths",
    "role": "part of a role",
    "group": "in a group that is left alone",
}


def result_card(facts: CampaignFacts, now: datetime) -> Message:
    """Rewritten while it goes on; afterwards what was taken, what was skipped and why, and Undo while it lasts."""
    rows = facts.confirmed
    taken = [row for row in rows if row.state is _S.TAKEN]
    to_do = [row for row in rows if row.state is _S.CONFIRMED]
    left = [row for row in rows if row.state in (_S.SKIPPED, _S.NOT_TAKEN)]
    back = [row for row in rows if row.state is _S.PUT_BACK]
    swap = facts.kind is CampaignKind.TOO_BIG
    name = t.named(facts.product)
    if to_do:
        doing = "Moving" if swap else "Taking back"
        gone = len(taken) + len(back)
        head = f"*{doing} {t.plural(len(rows), 'seat')}:* {gone} done, {len(to_do)} to do, {len(left)} skipped"
    else:
        done = f"{t.plural(len(taken) + len(back), 'seat')} {'moved' if swap else 'taken back'}"
        by = f" · confirmed by {who(facts.confirmed_by)}" if facts.confirmed_by else ""
        at = f" {t.instant(facts.confirmed_at)}" if facts.confirmed_at else ""
        head = f"*{done}, {len(left)} skipped*{by}{at}"
    name = f"{name} to {t.named(facts.to_name)}" if facts.to_name else name
    blocks: list[Block] = [t.section(f"{head} · {name}")]
    why = _why(left)
    if why:
        blocks.append(t.section(why))
    money = _money(facts, taken)
    if money:
        blocks.append(t.section(money))
    put_back = _put_back(back, taken)
    if put_back:
        blocks.append(t.section(put_back))
    small = _undo_words(taken, now)
    if small:
        blocks.append(t.context(small))
    if _open_undo(taken, now):
        blocks.append(t.actions(*_undo_buttons(facts, taken, now)))
    blocks.append(t.context(facts.reference))
    said = (f"{name}: {head.replace('*', '').replace(' · ', ', ')}.", why, money, put_back.replace("*", ""))
    return Message(t.spoken(*said, after=(small,)), blocks)


def _why(left: Sequence[SeatRow]) -> str:
    return f"Skipped: {_named(left)}" if left else ""


def _named(rows: Sequence[SeatRow]) -> str:
    """Whose seats, each with the words about it."""
    named = [f"{who(row.holder)}: {t.inert(t.one_line(row.words) or 'left alone', 160)}" for row in rows[:MOST_NAMED]]
    return f"{'; '.join(named)}{f'; and {len(rows) - MOST_NAMED} more' if len(rows) > MOST_NAMED else ''}"


def _money(facts: CampaignFacts, taken: Sequence[SeatRow]) -> str:
    if not taken:
        return ""
    kept = [row for row in taken if row.gone and not row.went_on]
    sums, unpriced = facts.yearly(kept)
    free, went_on = facts.numbers.free, sum(row.went_on for row in taken)
    where = [f"{went_on} went to {'a person' if went_on == 1 else 'people'} waiting"] if went_on else []
    where += [f"{t.plural(free, 'seat is', 'seats are')} free now"] if free is not None and (free or kept) else []
    free_words = f"{', '.join(where)}. " if where else ""
    if not kept:
        return free_words.strip()
    if not sums:
        return f"{free_words}What they cost is not recorded, so nothing is counted as saved."
    without = f" ({unpriced} without a recorded price)" if unpriced else ""
    return f"{free_words}Reducible at renewal: {sums} a year{without}, counted as saved only then."


def _put_back(back: Sequence[SeatRow], taken: Sequence[SeatRow]) -> str:
    """ "*Put back by Dara Novak* ⟨…⟩: 9; in the queue: 2." Named only when one person pressed for all of them."""
    coming = [row for row in taken if row.returned == "restoring"]
    queued = [row for row in taken if row.returned == "waiting"]
    rows = [*back, *coming, *queued]
    if not rows:
        return ""
    by = {row.restored_by.id: row.restored_by for row in rows if row.restored_by is not None}
    pressed = f" by {who(next(iter(by.values())))}" if len(by) == 1 else ""
    at = max((row.restored_at for row in back if row.restored_at is not None), default=None)
    counts = [str(len(back))]
    counts += [f"on the way back: {len(coming)}"] if coming else []
    counts += [f"in the queue: {len(queued)}"] if queued else []
    differ = [row for row in back if row.words]
    named = f" To note: {_named(differ)}" if differ else ""
    return f"*Put back{pressed}*{f' {t.instant(at)}' if at else ''}: {'; '.join(counts)}.{named}"


def _open_undo(taken: Sequence[SeatRow], now: datetime) -> list[SeatRow]:
    """Rows that can still be put back; a row that was taken names its return."""
    rows = [row for row in taken if row.gone and row.return_id is not None]
    return [row for row in rows if row.undo_until is not None and now < row.undo_until]


def _undo_words(taken: Sequence[SeatRow], now: datetime) -> str:
    gone = [row for row in taken if row.gone]
    still = _open_undo(gone, now)
    days = [row.undo_until for row in (still or gone) if row.undo_until is not None]
    if not days:
        return ""
    if not still:
        return f"Undo ended {t.instant(max(days))}."
    return f"Undo until {t.instant(min(days))}: earlier settings come back exactly as they were."


def _undo_buttons(facts: CampaignFacts, taken: Sequence[SeatRow], now: datetime) -> list[Element]:
    ref = Ref(facts.id, facts.version)
    rows = _open_undo(taken, now)
    seats = t.plural(len(rows), "seat")
    free = facts.numbers.free
    queue = max(0, len(rows) - free) if free is not None else 0
    people = t.plural(len(rows), "person gets", "people get")
    words = f"{people} {t.name(facts.product, 60)} back with the settings they had."
    if queue:
        words += f" {t.plural(queue, 'person joins', 'people join')} the queue at the top: not enough seats are free."
    words += " The saving is taken back."
    return [
        t.button("Undo some", Action.UNDO_SOME, ref, heard=t.accessibility("Undo some of", facts.product)),
        t.button(
            "Undo all",
            Action.UNDO_ALL,
            ref,
            heard=t.accessibility("Undo all of", facts.product),
            confirm=t.dialog(f"Put back {seats}?", words, "Put them back", "Leave as it is"),
        ),
    ]


def undo_window(facts: CampaignFacts, now: datetime) -> Element:
    """[Undo some]: who gets theirs back, ten to a field."""
    rows = _open_undo([row for row in facts.rows if row.state is _S.TAKEN], now)
    blocks: list[Block] = [t.section(f"*{t.named(facts.product)}*: who gets the seat back?")]
    for start in range(0, min(len(rows), MOST_UNDONE), MOST_BOXES):
        options = [
            m.option(str(row.return_id), t.name(row.holder.name), t.one_line(row.holder.team))  # what is put back
            for row in rows[start : start + MOST_BOXES]
        ]
        element: Element = {"type": "checkboxes", "action_id": Field.PEOPLE.value, "options": options}
        blocks.append(m.field(f"{Field.PEOPLE.value}:{start}", "Seats", element, optional=True))
    if len(rows) > MOST_UNDONE:
        rest = "“Undo all” puts back the others too, or each of them presses “I need it back” in their own message."
        blocks.insert(1, t.section(f"{MOST_UNDONE} of {len(rows)} are shown. {rest}"))
    if not rows:
        return m.said("Nothing of this list can be put back any more.", "Undo")
    return m.modal(
        Callback.UNDO_SOME,
        "Put seats back",
        blocks,
        submit="Put them back",
        ref=Ref(facts.id, facts.version),
    )


def put_back_words(done: Done) -> str:
    """What a press on Undo began."""
    parts = []
    if done.coming:
        parts.append(f"{t.plural(done.coming, 'seat is', 'seats are')} on the way back.")
    if done.queued:
        waits = t.plural(done.queued, "person waits", "people wait")
        parts.append(f"{waits} at the top of the queue, since no seat is free for them.")
    return " ".join(parts) or "Nothing was left to put back."


#: What to type; the words after the product are those of the listener.
HOW = (
    "A product's name after the command looks at its seats, and nobody hears of it. `review` after the name looks "
    "through all of them, `covered` at those that another licence of the same person covers, `smaller` at those for "
    "which a smaller licence would do."
)


def campaigns_message(found: Sequence[CampaignFacts], switch: str, own_list: Sequence[int]) -> Message:
    """`/licence reclaim`: counters per campaign; people are counted and not named."""
    if not found:
        said = f"No campaign is running: nothing is being taken back. {switch}"
        return Message(t.spoken(said, after=(HOW.replace("`", ""),)), [t.section(said), t.context(HOW)])
    blocks: list[Block] = [t.section(f"*{t.plural(len(found), 'campaign')}* · {switch}")]
    lines = []
    for one in found[:15]:
        line = campaign_line(one)
        lines.append(line)
        accessory = None
        ref = Ref(one.id, one.version)
        if one.state is CampaignState.CONFIRMING and one.id in own_list:
            accessory = t.button(
                "Review the list", Action.REVIEW_LIST, ref, heard=t.accessibility("Review the list", one.product)
            )
        elif one.state in (CampaignState.DRY_RUN, CampaignState.ASKING):
            accessory = t.button("Open", Action.CAMPAIGN_OPEN, ref, heard=t.accessibility("Open", one.product))
        blocks.append(t.section(line, accessory))
    if len(found) > 15:
        blocks.append(t.context(f"and {len(found) - 15} more"))
    blocks.append(t.context(HOW))
    return Message(t.spoken(*(line.replace("*", "").replace(" · ", ", ") + "." for line in lines)), blocks)


def campaign_line(facts: CampaignFacts) -> str:
    """ "*Copilot*, looks idle · asked 4, kept 1, given back 1, no answer 2 · answers by 7 Dec 2026 · CMP-12"."""
    asked = sum(row.asked_at is not None for row in facts.rows)
    counts = [
        f"asked {asked}" if facts.begun_at else f"listed {len(facts.rows)}",
        f"kept {facts.count(_S.KEPT, _S.KEEP_ASKED)}",
        f"given back {facts.count(_S.RELEASED) + sum(row.answer == 'release' for row in facts.confirmed)}",
        f"asked again later {facts.count(_S.SNOOZED)}",
        f"no answer yet {facts.count(_S.ASKED)}",
        f"no answer {facts.count(_S.UNANSWERED)}",
        f"in use again {facts.count(_S.IN_USE)}",
        f"taken {facts.count(_S.TAKEN)}",
        f"put back {facts.count(_S.PUT_BACK)}",
    ]
    shown = [counts[0], *(one for one in counts[1:] if not one.endswith(" 0"))]
    by = f" · answers by {t.day(facts.answer_by)}" if facts.answer_by and facts.state is CampaignState.ASKING else ""
    dry = facts.words if facts.state is CampaignState.DRY_RUN else ""
    words = f" · {t.inert(t.one_line(dry), 200)}" if dry else ""
    kind = f"{t.named(facts.to_name)} would do" if facts.to_name else _KINDS[facts.kind]
    head = f"*{t.named(facts.product)}*, {kind} · {_STATES[facts.state]} · {', '.join(shown)}"
    return f"{head}{by}{words} · {facts.reference}"


def campaign_message(facts: CampaignFacts, switch: str, *, plans: bool) -> Message:
    """One campaign: what the dry run found and did not list, and the two things its planner can do."""
    line = campaign_line(facts)
    figures = facts.figures
    verdicts = {str(key): int(count) for key, count in (figures.get("verdicts") or {}).items()}
    words = {"active": "in use", "little_used": "little used", "idle": "idle", "unknown": "not known"}
    found = [f"{words[key]} {verdicts[key]}" for key in words if verdicts.get(key)]
    groups = sum((figures.get("groups") or {}).values())
    more = [f"{t.plural(groups, 'seat comes', 'seats come')} through a group and are only reported"] if groups else []
    more += _left_out(figures.get("left_out") or {})
    listed = [row for row in facts.rows if row.state is _S.LISTED]
    sums, unpriced = facts.yearly(listed)
    money = f"{sums} a year" if sums else "not known: no price is recorded" if listed else "nothing"
    blocks: list[Block] = [t.section(line)]
    pairs = [
        ("Looked at", ", ".join(found) or "nothing"),
        ("Would be asked", t.plural(facts.count(_S.LISTED), "person", "people")),
        ("Reducible at renewal", money + (f", {unpriced} without a price" if sums and unpriced else "")),
        ("Not listed", "; ".join(more)),
    ]
    if facts.state is CampaignState.DRY_RUN:
        blocks += t.fields(pairs)
    blocks.append(t.context(switch))
    if plans:
        blocks += _planner_buttons(facts)
    said = [f"{label}: {value}." for label, value in pairs if value] if facts.state is CampaignState.DRY_RUN else []
    return Message(t.spoken(line.replace("*", "").replace(" · ", ", ") + ".", *said), blocks)


def _left_out(counts: Mapping[str, int]) -> list[str]:
    """ "2 seats asked about lately": each reason with its number, the same words once."""
    found: Counter[str] = Counter()
    for reason, count in counts.items():
        found[_LEFT_OUT.get(reason, "left out by policy")] += count
    return [f"{t.plural(found[words], 'seat')} {words}" for words in sorted(found) if found[words]]


def _planner_buttons(facts: CampaignFacts) -> list[Block]:
    ref, count = Ref(facts.id, facts.version), facts.count(_S.LISTED)
    elements: list[Element] = []
    if facts.state is CampaignState.DRY_RUN and count:
        people = t.plural(count, "person", "people")
        elements.append(
            t.button(
                f"Ask {people}",
                Action.CAMPAIGN_BEGIN,
                ref,
                heard=t.accessibility(f"Ask {people} about", facts.product),
                style="primary",
                confirm=t.dialog(
                    f"Ask {people}?",
                    "Each gets a private question with three answers. Nothing is taken without a confirmed list.",
                    f"Ask {people}",
                    "Go back",
                ),
            )
        )
    if facts.state in (CampaignState.DRY_RUN, CampaignState.ASKING, CampaignState.CONFIRMING):
        elements.append(
            t.button(
                "Call it off",
                Action.CAMPAIGN_CANCEL,
                ref,
                heard=t.accessibility("Call it off:", facts.product),
                confirm=t.dialog(
                    "Call it off?", "Everybody keeps their seat; whoever was asked is told.", "Call it off", "Go back"
                ),
            )
        )
    return [t.actions(*elements)] if elements else []
