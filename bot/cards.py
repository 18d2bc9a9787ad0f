"""From a stored card to the message it must show now: read the facts, build, and say whether it is still wanted.

Level-triggered: what a card shows depends on the rows at this moment and on nothing that was sent before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from bot import cards_alerts, cards_money, cards_reclaim, cards_renewals
from bot.questions import KINDS
from bot.views import text as t
from bot.views.approval_card import Shown, approval_card, is_open
from bot.views.decisions_card import decisions_card
from bot.views.digest_card import digest_card
from bot.views.notes import draft_card, note_card, parked_card, stuck_card
from bot.views.outage_card import outage_card
from bot.views.progress_card import progress_card
from bot.views.seat_cards import ending_card, received_card, returned_card
from bot.views.task_card import task_card
from bot.views.text import Message
from bot.views.thread_replies import thread_reply
from model.events import person_of
from model.requests import Card, LineState, Status
from workflows import cards
from workflows.cards import CardKind
from workflows.outages import outage
from workflows.policy import Policy
from workflows.reads.approvals import approvals, decisions
from workflows.reads.digest import digest
from workflows.reads.people import people
from workflows.reads.progress import progress
from workflows.reads.requests import requests
from workflows.reads.seats import endings, received, returned
from workflows.reads.stuck import stuck
from workflows.reads.tasks import parked, tasks
from workflows.replies import Said


@dataclass(frozen=True)
class CardRow:
    """A card as it is stored."""

    id: int
    kind: CardKind
    subject_id: int
    request_id: int | None
    audience: str
    generation: int
    live: bool
    thread_of_id: int | None
    facts: Mapping[str, Any]
    channel: str | None
    ts: str | None
    shown_digest: str | None
    created_at: datetime
    posted_at: datetime | None
    by_mail_at: datetime | None

    @property
    def person_id(self) -> int | None:
        """Whose direct message it is; None for a channel."""
        return person_of(self.audience)

    @property
    def mailed(self) -> bool:
        """Given to the mail, which needs no `ts`. A list of which nobody knows whether Slack took it was drawn once."""
        return self.by_mail_at is not None or (self.posted_at is not None and not (self.ts or self.shown_digest))

    @property
    def purpose(self) -> str | None:
        """The channel's purpose in policy; None for a person."""
        kind, _, key = self.audience.partition(":")
        return key if kind == "channel" else None


@dataclass(frozen=True)
class Drawn:
    """What the card shows; `wanted`: worth posting if it never was; `own`: answers what its reader did."""

    message: Message
    wanted: bool
    own: bool = False
    answers_wanted: bool = False  # somebody must press something on it


@dataclass(frozen=True)
class Setting:
    """What drawing depends on besides the rows."""

    policy: Policy
    now: datetime
    dashboard_url: str = ""
    servicenow_url: str = ""


def card_row(connection: Connection, card_id: int) -> CardRow | None:
    """The stored card, or None."""
    row = connection.execute(select(*Card.__table__.c).where(Card.id == card_id)).one_or_none()
    return None if row is None else _card(row)


def _card(row: Row[Any]) -> CardRow:
    return CardRow(**{**row._mapping, "kind": CardKind(row.kind), "facts": row.facts or {}})


def draw(connection: Connection, card: CardRow, setting: Setting) -> Drawn | None:
    """The card as it must look now; None when what it speaks of does not exist."""
    drawn = _DRAWERS[card.kind](connection, card, setting)
    if drawn is None or card.live:
        return drawn
    newer = _newer(connection, card)
    if newer.on_its_way:
        return replace(drawn, wanted=False)
    if drawn.wanted and card.kind != CardKind.APPROVAL:  # the approval card points on by itself, with its facts
        again = newer.came_at or setting.now
        subject = drawn.message.text
        said = f"Sent again {t.instant(again)}, as a newer message."
        pointer = Message(t.spoken(said, subject), [t.section(f"*Sent again below* {t.instant(again)}")])
        return Drawn(pointer, wanted=False, own=drawn.own)
    return Drawn(drawn.message, wanted=False, own=drawn.own)


@dataclass(frozen=True)
class _Newer:
    """The later copies of a card, and when the newest of them came to its reader as a message of its own."""

    made: bool
    came_at: datetime | None

    @property
    def on_its_way(self) -> bool:
        """Held for working hours, a list or the digest: until it is there, the older one is the one to press."""
        return self.made and self.came_at is None


def _newer(connection: Connection, card: CardRow) -> _Newer:
    later = connection.execute(
        select(Card.posted_at, Card.by_mail_at, Card.facts)
        .where(
            Card.kind == card.kind,
            Card.subject_id == card.subject_id,
            Card.audience == card.audience,
            Card.generation > card.generation,
        )
        .order_by(Card.generation.desc())
    ).all()
    came = (row.posted_at or row.by_mail_at for row in later if cards.DIGEST not in (row.facts or {}))
    return _Newer(bool(later), next((at for at in came if at is not None), None))


def _approval(connection: Connection, card: CardRow, setting: Setting) -> Drawn | None:
    facts = approvals(connection, [card.subject_id], setting.now, setting.policy).get(card.subject_id)
    if facts is None:
        return None
    newer = None if card.live else _newer(connection, card)
    shown = Shown(
        generation=card.generation,
        first_asked_at=facts.asked.asked_at if card.generation > 1 else None,
        asked_again_at=None if newer is None or newer.on_its_way else newer.came_at or setting.now,
        dashboard_url=setting.dashboard_url,
    )
    open_still = is_open(facts)
    return Drawn(
        approval_card(facts, shown),
        wanted=open_still and card.live,
        own=cards.ANSWERS in card.facts,
        answers_wanted=open_still,
    )


def _decisions(connection: Connection, card: CardRow, setting: Setting) -> Drawn | None:
    facts = decisions(connection, [card.subject_id], setting.now, setting.policy).get(card.subject_id)
    return None if facts is None else Drawn(decisions_card(facts), wanted=bool(facts.open))


def _digest(connection: Connection, card: CardRow, setting: Setting) -> Drawn | None:
    if card.person_id is None:
        return None
    since = datetime.fromisoformat(str(card.facts.get("since") or card.created_at.isoformat()))
    ids = [int(one) for one in card.facts.get("cards", ())]
    facts = digest(connection, card.person_id, ids, since, card.created_at, setting.policy, setting.now)
    something = bool(facts.waiting or facts.news)
    # an older digest stays what it is: a newer one repeats none of its rows
    return Drawn(digest_card(facts, setting.now), wanted=something and card.live, answers_wanted=bool(facts.waiting))


def _progress(connection: Connection, card: CardRow, setting: Setting) -> Drawn | None:
    facts = progress(connection, [card.subject_id], setting.now).get(card.subject_id)
    if facts is None:
        return None
    return Drawn(progress_card(facts, setting.now), wanted=facts.request.status != Status.DRAFT, own=True)


def _reply(connection: Connection, card: CardRow, setting: Setting) -> Drawn | None:
    if card.request_id is None:
        return None
    facts = progress(connection, [card.request_id], setting.now).get(card.request_id)
    if facts is None:
        return None
    said = Said.read(card.facts)
    known = people(connection, [said.by, said.holder])
    by, holder = known.get(said.by or 0), known.get(said.holder or 0)
    return Drawn(thread_reply(said, by, facts, holder), wanted=True, own=True)


def _note(connection: Connection, card: CardRow, setting: Setting) -> Drawn | None:
    said = Said.read(card.facts)
    known = people(connection, [said.by, said.deputy])
    by, deputy = known.get(said.by or 0), known.get(said.deputy or 0)
    request = requests(connection, [card.request_id]).get(card.request_id) if card.request_id is not None else None
    return Drawn(note_card(said, by, request, deputy), wanted=True)


def _received(connection: Connection, card: CardRow, setting: Setting) -> Drawn | None:
    facts = received(connection, [card.subject_id], setting.now).get(card.subject_id)
    if facts is None:
        return None
    return Drawn(received_card(facts), wanted=facts.line_state == LineState.GRANTED, own=True)


def _draft(connection: Connection, card: CardRow, setting: Setting) -> Drawn | None:
    request = requests(connection, [card.subject_id]).get(card.subject_id)
    if request is None:
        return None
    kept = draft_card(request, setting.policy.draft_kept_hours)
    return Drawn(kept, wanted=request.status == Status.DRAFT, own=True)


def _task(connection: Connection, card: CardRow, setting: Setting) -> Drawn | None:
    facts = tasks(connection, [card.subject_id], setting.now).get(card.subject_id)
    if facts is None:
        return None
    theirs = facts.assignee.id == card.person_id
    return Drawn(task_card(facts, theirs), wanted=facts.state == "open" and theirs, answers_wanted=theirs)


def _ending(connection: Connection, card: CardRow, setting: Setting) -> Drawn | None:
    facts = endings(connection, [card.subject_id], setting.now).get(card.subject_id)
    if facts is None:
        return None
    facts = facts.announced_by(str(card.facts.get("notice", "")))
    if not card.live and not _newer(connection, card).made:  # closed by the holder, not followed by a reminder
        facts = replace(facts, let_end=True)
    return Drawn(ending_card(facts), wanted=facts.waits)


def _returned(connection: Connection, card: CardRow, setting: Setting) -> Drawn | None:
    facts = returned(connection, [card.subject_id], setting.now).get(card.subject_id)
    if facts is None:
        return None
    return Drawn(returned_card(facts, setting.now), wanted=True, own=facts.ground == "given_back")


def _parked(connection: Connection, card: CardRow, setting: Setting) -> Drawn | None:
    facts = parked(connection, [card.subject_id], setting.now).get(card.subject_id)
    return None if facts is None else Drawn(parked_card(facts, setting.dashboard_url), wanted=not facts.settled)


def _outage(connection: Connection, card: CardRow, setting: Setting) -> Drawn | None:
    facts = outage(connection, card.facts)
    return Drawn(outage_card(facts), wanted=facts.over_at is None and card.live)


def _stuck(connection: Connection, card: CardRow, setting: Setting) -> Drawn | None:
    facts = stuck(connection, [card.subject_id], setting.now).get(card.subject_id)
    return None if facts is None else Drawn(stuck_card(facts, setting.dashboard_url), wanted=not facts.settled)


def _elsewhere(
    draw_one: Callable[[Connection, CardRow, Setting], tuple[Message, bool] | None],
) -> Callable[[Connection, CardRow, Setting], Drawn | None]:
    """What the modules beside this one draw, in this module's terms."""

    def drawn(connection: Connection, card: CardRow, setting: Setting) -> Drawn | None:
        found = draw_one(connection, card, setting)
        return None if found is None else Drawn(found[0], wanted=found[1])

    return drawn


_DRAWERS = {
    CardKind.APPROVAL: _approval,
    CardKind.DECISIONS: _decisions,
    CardKind.DIGEST: _digest,
    CardKind.PROGRESS: _progress,
    CardKind.REPLY: _reply,
    CardKind.RECEIVED: _received,
    CardKind.DRAFT: _draft,
    CardKind.TASK: _task,
    CardKind.ENDING: _ending,
    CardKind.RETURNED: _returned,
    CardKind.NOTE: _note,
    CardKind.PARKED: _parked,
    CardKind.OUTAGE: _outage,
    CardKind.STUCK: _stuck,
    CardKind.ALERT: _elsewhere(cards_alerts.alert),
    CardKind.ALERTS: _elsewhere(cards_alerts.many),
    CardKind.FOUND: _elsewhere(cards_alerts.question),
    CardKind.OBSERVE: _elsewhere(cards_alerts.observe),
    CardKind.NAMES: _elsewhere(cards_alerts.names),
    CardKind.STILL_NEEDED: _elsewhere(cards_reclaim.question),
    CardKind.KEEP_WORD: _elsewhere(cards_reclaim.keep_word),
    CardKind.RECLAIM_LIST: _elsewhere(cards_reclaim.to_confirm),
    CardKind.RULE_PAUSE: _elsewhere(cards_reclaim.rule_pause),
    CardKind.WEEK: _elsewhere(cards_reclaim.weekly),
    CardKind.HANDOVER: _elsewhere(cards_reclaim.handing_over),
    CardKind.RENEWAL: _elsewhere(cards_renewals.renewal),
    CardKind.RENEWALS: _elsewhere(cards_renewals.many),
    CardKind.RECONCILIATION: _elsewhere(cards_money.differing),
    CardKind.NOTICES: _elsewhere(cards_money.noticed),
    **{kind.matter.card: _elsewhere(cards_alerts.put_to_it(kind)) for kind in KINDS},
}
