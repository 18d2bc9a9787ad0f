"""A red alert in its channel, many at once, and the rows behind Home's line (wording guide §2.11). It names nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from bot.ids import Action, Menu, Ref
from bot.views import modals as m
from bot.views import text as t
from bot.views.said import who
from bot.views.text import Block, Element, Message
from licensing.alerts import Cause as Why
from licensing.alerts import Costed, costliest
from licensing.money import Money, Sums
from licensing.position.figure import shown
from licensing.words import still_with
from model.alerts import AlertState, Cause
from workflows.alerts.messages import amount, count
from workflows.reads.alerts import AlertFacts

#: Rows of the card for many.
COSTLIEST = 5
LISTED = 30
_TICKET_STATES = {"open": "New", "complete": "Resolved", "cancelled": "Cancelled", "gone": "not there any more"}


def headline(facts: AlertFacts) -> str:
    """The header, plain text: what it is about and how much."""
    devices = facts.devices or _number(facts.figures, "devices")
    return headline_of(facts.cause, facts.product, facts.figures, devices, facts.rule)


def headline_of(cause: Cause, product: str, figures: Mapping[str, Any], count: int, rule: str) -> str:
    """ "Red alert: AutoCAD LT on 3 devices, no licence"; plain text, of an alert or of one that was only counted."""
    name, devices = t.name(product), t.plural(count, "device")
    match cause:
        case Cause.UNAUTHORISED:
            end = "not allowed here" if rule.startswith("not allowed") else "no licence"
            return f"Red alert: {name} on {devices}, {end}"
        case Cause.SHORTFALL:
            return f"Short by {_shown(figures, 'short')}: {name}, {_in_use(figures)}{_apart(figures)}"
        case Cause.NEAR_LIMIT:
            used, bought = _shown(figures, "in_use"), _shown(figures, "bought")
            left = _shown(figures, "free")
            return f"{left if left != '0' else 'None'} left: {name}, {used} of {bought} in use"
        case Cause.EXPIRED_RIGHT:
            ended = t.day(date.fromisoformat(str(figures["ended_on"]))) if figures.get("ended_on") else "a past day"
            return f"Right ended on {ended}: {name}, {still_with(count, _number(figures, 'people'))}"
        case _:
            return f"One {name} key on {devices}"


def alert_card(facts: AlertFacts, *, dashboard_url: str = "", ticket_url: str = "") -> Message:
    """The channel card, as the alert stands now."""
    title, state = headline(facts), _state(facts)
    numbers = _numbers(facts)
    seen = f"First seen {t.instant(facts.first_seen_at)}, last {t.instant(facts.last_seen_at)}."
    over = facts.state is AlertState.CLOSED
    blocks: list[Block] = [t.header(title), t.section(state if over else f"{state} {numbers} {seen}".strip())]
    if over:
        blocks.append(t.context(facts.reference))
        return Message(t.spoken(t.escape(title) + ".", state.replace("*", ""), facts.reference), blocks)
    blocks += t.fields(_fields(facts))
    blocks.append(t.actions(*_buttons(facts, dashboard_url, ticket_url)))
    small = f"{facts.reference} · closes by itself when a scan shows it gone"
    if facts.state is AlertState.EXCEPTED:
        small = f"{facts.reference} · counts as before; opens again when the exception ends"
    blocks.append(t.context(small))
    ticket = _ticket(facts)
    spoken = t.spoken(
        f"{t.escape(title)}.",
        state.replace("*", ""),
        numbers,
        f"At risk: {risk}." if (risk := _risk(facts)) else "",
        f"Ticket {ticket}." if ticket else "",
        t.sentence(small.replace(" · ", ": ")),
    )
    return Message(spoken, blocks)


def _state(facts: AlertFacts) -> str:
    """The first words: who has it, or what became of it."""
    number = facts.ticket.number if facts.ticket is not None else ""
    still = facts.own.get("still")
    answers = f"{facts.asked} asked, {facts.answered} answered" if facts.asked else ""
    match facts.state:
        case AlertState.CLOSED:
            at = f" gone at the scan of {t.instant(facts.closed_at)}" if facts.closed_at else " gone"
            return f"*Closed:*{at}" + (f"; {t.escape(number)} resolved." if number else ".")
        case AlertState.EXCEPTED:
            by = f", {who(facts.exception_by)}" if facts.exception_by is not None else ""
            until = t.day(facts.exception_until) if facts.exception_until is not None else "its end"
            return f"*Exception until {until}*{by}."
        case AlertState.AWAITING_SCAN:
            waits = facts.own.get("waits") or {}
            pending = int(waits.get("pending", facts.devices)) or facts.devices
            silent = [t.named(str(one), 40) for one in waits.get("silent", ())]
            more = f" Not heard of: {t.and_more(silent, 5)}." if silent else ""
            what = f"a scan of {t.plural(pending, 'device')}" if pending else "the next count"
            return f"*Resolved in ServiceNow, waiting for {what}.*{more}"
        case AlertState.TAKEN if facts.taken_by is not None and facts.taken_at is not None:
            head = f"*{who(facts.taken_by)} has it* {t.instant(facts.taken_at)}."
            return f"{head} {answers}." if answers else head
    if isinstance(still, Mapping):
        again = f": {t.escape(number)} was opened again" if number else ""
        scanned = datetime.fromisoformat(str(still.get("at")))
        on = t.plural(int(still.get("devices") or 0) or facts.devices, "device")
        return f"*Still on {on}* at the scan of {t.instant(scanned)}{again}."
    return f"*{answers}.* Nobody has it yet." if answers else "*Nobody has it yet.*"


def _numbers(facts: AlertFacts) -> str:
    figures = facts.figures
    match facts.cause:
        case Cause.DUPLICATE_ACTIVATION:
            return f"It ends in {t.inert(str(figures.get('last_five', '')))} and is for {_shown(figures, 'allowed')}."
        case Cause.SHORTFALL | Cause.NEAR_LIMIT:
            return f"{_in_use(figures).capitalize()}."
        case Cause.EXPIRED_RIGHT if not facts.devices:
            return f"{_in_use(figures).capitalize()}."
        case _:
            return f"{t.plural(facts.devices, 'installation')}, {_shown(figures, 'bought')} seats bought."


def _fields(facts: AlertFacts) -> list[tuple[str, str]]:
    places = [*facts.departments[:2], *facts.sites[:2]]
    where = ", ".join([t.plural(facts.devices, "device"), *(t.named(one, 40) for one in places)])
    return [
        ("Where", where if facts.devices else ""),
        ("At risk", _risk(facts)),
        ("Ticket", _ticket(facts)),
        ("Why", t.inert(facts.rule)),
    ]


def _ticket(facts: AlertFacts) -> str:
    if facts.own.get("ticket_gone"):
        return f"{t.escape(str(facts.own['ticket_gone']))} was deleted in ServiceNow"
    if facts.ticket is None:
        return ""
    if not facts.ticket.number:
        return "is being opened"
    state = _TICKET_STATES.get(facts.ticket.state, facts.ticket.state or "New")
    return f"{t.escape(facts.ticket.number)}, {state}, opened by itself"


def _risk(facts: AlertFacts) -> str:
    """What the use costs beyond what was bought; "" where nothing is used beyond it yet."""
    if facts.cause is Cause.NEAR_LIMIT:
        return ""
    if not facts.at_risk:
        return "not known: no price is recorded"
    sums = Sums.of([Money(Decimal(str(value)), currency) for currency, value in facts.at_risk.items()])
    if not sums:
        return "nothing extra to pay"
    return f"{t.escape(str(sums))} a year"


def _buttons(facts: AlertFacts, dashboard_url: str, ticket_url: str) -> list[Element | None]:
    ref = Ref(facts.id, facts.version)

    def heard(verb: str) -> str:
        return f"{t.accessibility(verb, facts.product)}, {facts.reference}"

    if facts.state is AlertState.EXCEPTED:
        return [_more(facts, ref, dashboard_url)]
    ask = None
    if facts.to_ask and facts.state is not AlertState.AWAITING_SCAN:
        people = t.plural(facts.to_ask, "person", "people")
        ask = t.button(
            f"Ask {people}",
            Action.ALERT_ASK,
            ref,
            heard=heard(f"Ask {people} about"),
            confirm=t.dialog(
                f"Ask {people}?",
                "Each gets a private message with three answers. Nobody else sees it.",
                f"Ask {people}",
                "Go back",
            ),
        )
    ticket: Element | None = None
    if ticket_url:
        ticket = t.button("Open the ticket", Action.DASHBOARD, url=ticket_url, heard=heard("Open the ticket about"))
    elif facts.ticket is None:
        ticket = t.button("Open a ticket", Action.ALERT_TICKET, ref, heard=heard("Open a ticket about"))
    return [
        t.button("I will take it", Action.ALERT_TAKE, ref, heard=heard("Take the alert about"), style="primary")
        if facts.state is AlertState.OPEN
        else None,
        ask,
        ticket,
        t.button("Grant an exception", Action.ALERT_EXCEPT, ref, heard=heard("Grant an exception for")),
        _more(facts, ref, dashboard_url),
    ]


def _more(facts: AlertFacts, ref: Ref, dashboard_url: str) -> Element:
    options = {f"{Menu.WHO}/{ref}": "Who is it?", f"{Menu.WRONG}/{ref}": "Wrong product"}
    urls = {}
    if dashboard_url:
        options[f"{Menu.DASHBOARD}/{ref}"] = "Open in dashboard"
        urls[f"{Menu.DASHBOARD}/{ref}"] = dashboard_url
    return t.overflow(Action.ALERT_MORE, options, urls)


def _number(figures: Mapping[str, object], name: str) -> int:
    return int(Decimal(str(figures.get(name) or 0)))


def _shown(figures: Mapping[str, object], name: str) -> str:
    known = figures.get(name)
    return "not known" if known is None else shown(Decimal(str(known)))


def _apart(figures: Mapping[str, object]) -> str:
    """What is short beside it and no part of the alert, so that the figures add up."""
    parts = [
        f"{_shown(figures, name)} more {words}"
        for name, words in (("adopted", "accepted as baseline"), ("hidden", "only watched"))
        if figures.get(name)
    ]
    return f"; {t.joined(parts)}" if parts else ""


def _in_use(figures: Mapping[str, object]) -> str:
    """Without a number bought where there is no limit: of a site's licence, or an unlimited one of another version."""
    used = f"{_shown(figures, 'in_use')} in use"
    return used if figures.get("bought") is None else f"{used}, {_shown(figures, 'bought')} bought"


# -- many at once


def alerts_card(found: Sequence[AlertFacts], since: datetime, dashboard_url: str = "") -> Message:
    """One card for what came in quiet hours or above the hour's number: the costliest as rows."""
    going = [one for one in found if one.state is not AlertState.CLOSED]
    count_of = t.plural(len(found), "red alert")
    head = f"*{count_of} since* {t.instant(since)}"
    rows = dearest(going)[:COSTLIEST]
    if not going:
        said = f"{head}, all closed."
        return Message(said.replace("*", ""), [t.section(said)])
    closed = len(found) - len(going)
    more = len(going) - len(rows)
    ending = ", ".join(
        part for part in (f"and {more} more" if more > 0 else "", f"{closed} closed" if closed else "") if part
    )
    blocks: list[Block] = [t.section(f"{head}. The costliest come first.")]
    blocks += [alert_row(one) for one in rows]
    if ending:
        blocks.append(t.context(ending))
    blocks.append(
        t.actions(
            t.button("See alerts", Action.SEE_ALERTS, heard=f"See all red alerts since {t.utc(since)}"),
            t.button("Open in dashboard", Action.DASHBOARD, url=dashboard_url) if dashboard_url else None,
        )
    )
    spoken = t.spoken(
        f"{count_of} since {t.instant(since)}.", *(t.sentence(row_words(one)) for one in rows), t.sentence(ending)
    )
    return Message(spoken.replace("*", ""), blocks)


def dearest(found: Sequence[AlertFacts]) -> list[AlertFacts]:
    by_id = {one.id: one for one in found}
    costed = [Costed(one.id, Why(one.cause.value), amount(one.figures), count(one.figures)) for one in found]
    return [by_id[one.id] for one in costliest(costed)]


def row_words(facts: AlertFacts) -> str:
    has = f" · {who(facts.taken_by)} has it" if facts.state is AlertState.TAKEN and facts.taken_by is not None else ""
    waits = " · waiting for a scan" if facts.state is AlertState.AWAITING_SCAN else ""
    risk = f" · {found}" if (found := _risk(facts)) else ""
    return f"*{t.inert(headline(facts))}*{risk}{has}{waits}"


def alert_row(facts: AlertFacts) -> Block:
    """A row has one button: the card as a window."""
    see = t.button(
        "See",
        Action.ALERT_SEE,
        Ref(facts.id, facts.version),
        heard=f"{t.accessibility('See the alert about', facts.product)}, {facts.reference}",
    )
    return t.section(row_words(facts), accessory=see)


def alerts_window(found: Sequence[AlertFacts]) -> Element:
    """All that are open, the oldest first."""
    if not found:
        return m.shown("Red alerts", t.section("No red alert is open."))
    blocks: list[Block] = [t.section(f"*{t.plural(len(found), 'red alert')}*, the oldest first")]
    blocks += [alert_row(one) for one in found[:LISTED]]
    if len(found) > LISTED:
        blocks.append(t.context(f"and {len(found) - LISTED} more"))
    return m.shown("Red alerts", *blocks)
