"""Draws the messages about red alerts, sources that are watched only, and the week's names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from bot.questions.kind import Kind
from bot.views.alert_card import alert_card, alerts_card
from bot.views.found_card import found_card
from bot.views.observe_card import names_card, observe_card
from bot.views.question_card import question_card
from bot.views.text import Message
from model.alerts import AlertState
from workflows.questions import held
from workflows.reads.alerts import AlertFacts, alerts, found, observed
from workflows.reads.names import unsettled

if TYPE_CHECKING:
    from bot.cards import CardRow, Setting

Shown = tuple[Message, bool]  # the message, and whether it is worth posting if it never was


def ticket_url(facts: AlertFacts, servicenow_url: str) -> str:
    """The record in their own pages; "" while there is none or nobody knows where they are."""
    if facts.ticket is None or not facts.ticket.sys_id or not servicenow_url:
        return ""
    table, sys_id = facts.ticket.table, facts.ticket.sys_id
    return f"{servicenow_url.rstrip('/')}/nav_to.do?uri=%2F{table}.do%3Fsys_id%3D{sys_id}"


def alert(connection: Connection, card: CardRow, setting: Setting) -> Shown | None:
    facts = alerts(connection, [card.subject_id]).get(card.subject_id)
    if facts is None:
        return None
    url = ticket_url(facts, setting.servicenow_url)
    message = alert_card(facts, dashboard_url=setting.dashboard_url, ticket_url=url)
    return message, facts.state not in (AlertState.CLOSED, AlertState.WATCHING)


def many(connection: Connection, card: CardRow, setting: Setting) -> Shown | None:
    ids = [int(one) for one in card.facts.get("alerts", ())]
    known = alerts(connection, ids)
    if not known:
        return None
    since = datetime.fromisoformat(str(card.facts["since"]))
    facts = [known[one] for one in ids if one in known]
    going = any(one.state is not AlertState.CLOSED for one in facts)
    return alerts_card(facts, since, setting.dashboard_url), going


def question(connection: Connection, card: CardRow, setting: Setting) -> Shown | None:
    facts = found(connection, [int(one) for one in card.facts.get("places", ())], setting.policy, card.person_id)
    return None if facts is None else (found_card(facts), any(place.open for place in facts.places))


def observe(connection: Connection, card: CardRow, setting: Setting) -> Shown | None:
    facts = observed(connection, card.subject_id)
    return None if facts is None else (observe_card(facts, card.facts, setting.now), facts.accepted_at is None)


def put_to_it(kind: Kind[Any]) -> Callable[[Connection, CardRow, Setting], Shown | None]:
    """Draws the messages of one kind of question to IT."""

    def drawn(connection: Connection, card: CardRow, setting: Setting) -> Shown | None:
        asked = kind.read(connection, held(card.facts))
        return (question_card(kind, asked), any(one.open for one in asked)) if asked else None

    return drawn


def names(connection: Connection, card: CardRow, setting: Setting) -> Shown | None:
    left = unsettled(connection, setting.now)
    return names_card(left), bool(left)
