"""Renewals as a list: `/licence renewals`, many told at once, the window behind Home's line (guide §2.7, §2.14)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from bot.ids import Action, Ref
from bot.views import modals as m
from bot.views import text as t
from bot.views.text import Block, Element, Message
from licensing.renewal.dates import Occasion
from model.renewals import RenewalState
from workflows.reads.renewals import RenewalRow
from workflows.renewals.renewal import UNDECIDED

#: Rows of an answer seen by one person only, and of a window.
ROWS, WINDOW_ROWS = 15, 40
_HEARD = 5


def renewals_message(rows: Sequence[RenewalRow], today: date) -> Message:
    """What is to be decided, by its date; what stands red, and what is missing, are never left out."""
    if not rows:
        words = "No renewal is on record that you decide. Contracts come with `seatkeeper import contracts`."
        return Message(words.replace("`", ""), [t.section(words)])
    open_now = [one for one in rows if one.state in UNDECIDED and one.decide_by is not None]
    head = f"{t.plural(len(rows), 'renewal')}, {len(open_now):,} to decide."
    said = [f"{_name(one)}: {_state(one, today)}" for one in rows[:_HEARD]]
    more = f" And {len(rows) - _HEARD} more." if len(rows) > _HEARD else ""
    blocks: list[Block] = [t.section(f"*{head}*"), *_rows(rows, ROWS, today), t.actions(_calendar())]
    return Message(f"{head} {'; '.join(said)}.{more}", blocks)


def renewals_list(rows: Sequence[RenewalRow], over: int = 0) -> Message:
    """Many renewals a channel is told of at once, the most urgent first, each with the way to its brief.

    It is rewritten only when one changes, so it counts no days. `over`: of how many nothing is left to decide.
    """
    open_now = [one for one in rows if one.state in UNDECIDED]
    head = f"{t.plural(len(open_now), 'renewal')} to decide" if open_now else "Every renewal of this list is decided"
    first = next((one for one in open_now if one.decide_by is not None), None)
    urgent = f"The first by {t.day(first.decide_by)}: {_name(first)}." if first and first.decide_by else ""
    asked = "Open one for its brief, with figures and buttons." if open_now else ""
    gone = f"Of {over:,} more nothing is left to decide." if over else ""
    lead = " ".join(part for part in (urgent, asked, gone) if part)
    said = [f"{_name(one)}: {_state(one, None)}." for one in rows[:_HEARD]]
    more = f"And {len(rows) - _HEARD:,} more." if len(rows) > _HEARD else ""
    blocks: list[Block] = [t.header(head), *([t.section(lead)] if lead else []), *_rows(rows, ROWS, None)]
    return Message(t.spoken(f"{head}.", *said, more), blocks)


def renewals_window(rows: Sequence[RenewalRow], today: date) -> Element:
    if not rows:
        return m.shown("Renewals", t.section("Nothing is to be decided."))
    return m.shown("Renewals", *_rows(rows, WINDOW_ROWS, today), t.actions(_calendar()))


def _calendar() -> Element:
    return t.button("My calendar", Action.RENEWAL_CALENDAR, heard="Renewals in my calendar")


def calendar_window(address: str) -> Element:
    """The private address of the reader's calendar, in words that can be copied."""
    return m.shown(
        "My calendar",
        t.section(
            "Add this address to your calendar program as a subscription. Each renewal stands on its last day "
            "to decide, with a reminder three days before and the way to its page."
        ),
        t.section(f"```{t.escape(address)}```"),
        t.actions(
            t.button("Open the file", Action.DASHBOARD, url=address, heard="Open the calendar file"),
            t.button(
                "New address",
                Action.RENEWAL_CALENDAR_NEW,
                heard="Make a new calendar address",
                confirm=t.dialog(
                    "Make a new address?",
                    "The old one ends at once: calendars that read it show nothing new until they have the new one.",
                    "Make a new one",
                    "Go back",
                ),
            ),
        ),
        t.context("Whoever has the address can read what you may see. It is yours alone: please do not pass it on."),
    )


def _rows(rows: Sequence[RenewalRow], most: int, today: date | None) -> list[Block]:
    blocks = [_row(one, today) for one in rows[:most]]
    if len(rows) > most:
        blocks.append(t.context(f"and {len(rows) - most:,} more, all of them in `seatkeeper renewals`"))
    return blocks


def _row(row: RenewalRow, today: date | None) -> Block:
    words = f"*{_name(row)}* · {_state(row, today)}"
    if today is None:  # a channel's: it reads whose matter it is
        words += f" · {t.named(row.owner)} answers for it" if row.owner else " · nobody answers for it yet"
    missing = f"\nNot recorded: {t.inert(row.missing_words)}" if row.missing else ""
    button = None
    if row.id is not None:
        heard = f"{t.accessibility('Open the renewal of', _plain_name(row))}, {row.reference}"
        button = t.button("Open", Action.RENEWAL_SEE, Ref(row.id), heard=heard)
    return t.section(words + missing, accessory=button)


def _plain_name(row: RenewalRow) -> str:
    return row.subject.products[0] if row.subject.products else row.subject.name


def _name(row: RenewalRow) -> str:
    """ "Copilot, 40 seats (Northwind, K-1)"."""
    more = f" and {len(row.subject.products) - 1} more" if len(row.subject.products) > 1 else ""
    seats = f", {row.seats:,}" if row.seats is not None and not more else ""
    contract = f" ({t.named(row.subject.name, 40)})" if row.subject.products else ""
    name = t.named(_plain_name(row), 40)
    return f"{name[:1].upper()}{name[1:]}{seats}{more}{contract}"


def _state(row: RenewalRow, today: date | None) -> str:
    if row.state is RenewalState.PROOF_AWAITED:
        return f"decided: {row.verdict}, *no proof yet* :red_circle:"
    if row.state is RenewalState.MISSED:
        return "*too late to change*"
    if row.state not in UNDECIDED:
        return row.state_words
    if row.occasion is not None and row.occasion.occasion is Occasion.REVIEW:
        return "to look at this quarter"
    if row.decide_by is None:
        return "no date to decide by"
    if today is None:
        return f"decide by {t.day(row.decide_by)}"
    left = (row.decide_by - today).days
    return f"decide by {t.day(row.decide_by)} ({t.plural(left, 'day')})"
