"""Draws the messages about red alerts, sources that are watched only, and the week's names."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from bot.views.alert_card import alert_card, alerts_card
from bot.views.doubt_card import doubt_card
from bot.views.found_card import found_card
from bot.views.match_card import match_card
from bot.views.observe_card import names_card, observe_card
from bot.views.text import Message
from model.alerts import AlertState
from workflows.reads.alerts import AlertFacts, alerts, found, observed
from workflows.reads.doubts import doubts
from workflows.reads.matches import matches
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


def doubtful(connection: Connection, card: CardRow, setting: Setting) -> Shown | None:
    found = doubts(connection, [int(one) for one in card.facts.get("doubts", ())])
    return (doubt_card(found), any(one.open for one in found)) if found else None


def whose_account(connection: Connection, card: CardRow, setting: Setting) -> Shown | None:
    found = matches(connection, [int(one) for one in card.facts.get("doubts", ())])
    return (match_card(found), any(one.open for one in found)) if found else None


def names(connection: Connection, card: CardRow, setting: Setting) -> Shown | None:
    left = unsettled(connection, setting.now)
    return names_card(left), bool(left)
