"""`card.mail`: the same message by mail, with a signed link where it asks something. Sent once per card.

The words are those of the Slack message: one sentence after the other, as a reader by ear would hear them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any

from sqlalchemy import Connection, select, update

from integrations.errors import Refused
from integrations.mail import Mail, Mailer
from jobs.worker import Handler, JobRun
from licensing.business_time import zone_of
from licensing.words import cut, weekday
from model.people import Person
from model.requests import Card
from workflows import links
from workflows.alerts.asking import ask_manager
from workflows.cards import CardKind
from workflows.links import CardDrawer, ShownCard
from workflows.reads.approvals import decisions
from workflows.renewals import pages
from workflows.renewals.renewal import reference
from workflows.renewals.telling import RENEWALS
from workflows.rules import RulesSource

#: Messages that ask their reader something a page can take.
ANSWERABLE = frozenset(
    {
        CardKind.APPROVAL,
        CardKind.TASK,
        CardKind.ENDING,
        CardKind.RETURNED,
        CardKind.FOUND,
        CardKind.STILL_NEEDED,
        CardKind.KEEP_WORD,
        CardKind.HANDOVER,
        CardKind.RENEWAL,
    }
)
#: Renewals of a list that a mail leads to.
PAGES_LISTED = 15
_SUBJECTS = {
    CardKind.RENEWALS: "Contracts to decide about",
    CardKind.APPROVAL: "A licence waits for your decision",
    CardKind.DECISIONS: "Licences wait for your decision",
    CardKind.DIGEST: "What waits for you",
    CardKind.TASK: "A seat to give or take back",
    CardKind.ENDING: "Your licence ends soon",
    CardKind.RECEIVED: "You have a new licence",
    CardKind.RETURNED: "About a licence you had",
    CardKind.FOUND: "Software on your device",
    CardKind.RENEWAL: "A contract to decide about",
    CardKind.STILL_NEEDED: "Do you still need this licence?",
    CardKind.KEEP_WORD: "A licence that somebody keeps",
    CardKind.HANDOVER: "Somebody left: who gets what they had?",
    CardKind.REPLY: "About your licence request",
}
_DATE = re.compile(r"<!date\^(\d{1,12})\^[^|<>]*\|[^<>]*>")
_LINK = re.compile(r"<(https?://[^|<>\s]+)(?:\|([^<>]*))?>")


@dataclass(frozen=True)
class _Draft:
    """A mail before it is sent: whom to, what it says, the links it carries as (label, card)."""

    person: Person
    card: ShownCard
    asks: tuple[tuple[str, int], ...]
    looks: tuple[tuple[str, int], ...] = ()  # pages of renewals as (label, renewal)


class MailEffects:
    """The handler of `card.mail`. `smtp_url` empty: the work is parked with what to do."""

    def __init__(
        self, smtp_url: str, public_url: str, key: bytes, rules: RulesSource, draw: CardDrawer | None = None
    ) -> None:
        """Raises ValueError for an SMTP_URL that cannot be used."""
        self._mailer = Mailer(smtp_url) if smtp_url else None
        self._public_url = public_url.rstrip("/")
        self._key = key
        self._rules = rules
        self._draw = draw

    def handlers(self) -> dict[str, Handler]:
        """By kind of job."""
        return {"card.mail": self.mail}

    def mail(self, payload: dict[str, Any], run: JobRun) -> None:
        """Send one card by mail unless it was sent, or nobody needs it any more."""
        now, card_id = run.now(), int(payload["card"])
        with run.database.reading() as connection:
            draft = self._drafted(connection, card_id, now)
        if draft is None:
            return  # sent already, or there is nothing to say; the worker finishes the job
        unreachable = self._mailer is None or not draft.person.email
        if draft.card.kind is CardKind.FOUND and unreachable and self._manager_asked(card_id, run):
            return
        if self._mailer is None:
            words = "mail is off, so a person without Slack was not reached; set SMTP_URL, then run this again"
            raise Refused("mail", "send mail", words, code="off")
        with run.database.unit_of_work() as work:
            found = [(label, links.make(work, self._key, one, draft.person.id, now)) for label, one in draft.asks]
            work.commit()
        addresses = [(label, f"{self._public_url}/d/{token}") for label, token in found]
        addresses += [
            (label, pages.address(self._public_url, self._key, renewal_id, draft.person.id, now))
            for label, renewal_id in draft.looks
        ]
        run.heartbeat()  # the job must still be ours before a mail that cannot be taken back
        self._mailer.send(_mail(draft, addresses))
        with run.database.unit_of_work() as work:
            work.connection.execute(update(Card).where(Card.id == card_id).values(by_mail_at=now))
            run.finish(work)
            work.commit()

    def _manager_asked(self, card_id: int, run: JobRun) -> bool:
        """Whether somebody is asked about the person's device in their place."""
        with run.database.unit_of_work() as work:
            if not ask_manager(work, card_id, run.now()):
                return False
            run.finish(work)
            work.commit()
        return True

    def _drafted(self, connection: Connection, card_id: int, now: datetime) -> _Draft | None:
        sent = connection.execute(select(Card.by_mail_at).where(Card.id == card_id)).one_or_none()
        if sent is None or sent.by_mail_at is not None or self._draw is None:
            return None
        card = self._draw(connection, card_id, now)
        if card is None or not card.wanted or card.person_id is None:
            return None
        row = connection.execute(select(*Person.__table__.c).where(Person.id == card.person_id)).one_or_none()
        if row is None or not row.active:
            return None
        return _Draft(Person(**row._mapping), card, self._asks(connection, card, now), _looks(connection, card))

    def _asks(self, connection: Connection, card: ShownCard, now: datetime) -> tuple[tuple[str, int], ...]:
        if card.kind in ANSWERABLE or _asks_back(card):
            return (("Open it to answer", card.id),)
        if card.kind is CardKind.DIGEST:
            return self._asks_of_rows(connection, card, now)
        if card.kind is not CardKind.DECISIONS or card.person_id is None:
            return ()
        facts = decisions(connection, [card.person_id], now, self._rules().policy).get(card.person_id)
        asks = []
        for one in facts.open if facts else ():
            own = links.approval_card_of(connection, one.asked.id, card.person_id)
            if own is not None:
                request = one.request
                asks.append((f"{request.reference}: {request.product} for {request.requester.name}", own))
        return tuple(asks)

    def _asks_of_rows(self, connection: Connection, card: ShownCard, now: datetime) -> tuple[tuple[str, int], ...]:
        """What a digest holds was never sent by itself: each question of it has its link here, once."""
        facts = connection.execute(select(Card.facts).where(Card.id == card.id)).scalar_one() or {}
        rows = select(Card.id).where(Card.id.in_([int(one) for one in facts.get("cards", ())]), Card.live)
        found: dict[int, str] = {}
        for held in connection.execute(rows.order_by(Card.created_at, Card.id)).scalars():
            shown = self._draw(connection, held, now) if self._draw is not None else None
            if shown is None or not shown.wanted:
                continue
            for label, one in self._asks(connection, shown, now):
                found.setdefault(one, label if shown.kind is CardKind.DECISIONS else _first_sentence(shown))
        return tuple((label, one) for one, label in found.items())


def _first_sentence(card: ShownCard) -> str:
    return cut(spoken(card.text).partition(". ")[0].rstrip(".:"), 120)


def _asks_back(card: ShownCard) -> bool:
    """Whether a reply waits for something: an answer to its question, or a request to be opened again."""
    return card.kind is CardKind.REPLY and any(block.get("type") == "actions" for block in card.blocks)


def _looks(connection: Connection, card: ShownCard) -> tuple[tuple[str, int], ...]:
    """Pages that a message about renewals leads to: its own, or those of its list."""
    if card.kind is CardKind.RENEWAL:
        return (("Dates, figures, papers and what happened", card.subject_id),)
    if card.kind is not CardKind.RENEWALS:
        return ()
    facts = connection.execute(select(Card.facts).where(Card.id == card.id)).scalar_one() or {}
    return tuple((reference(int(one)), int(one)) for one in facts.get(RENEWALS, ())[:PAGES_LISTED])


def _mail(draft: _Draft, addresses: list[tuple[str, str]]) -> Mail:
    zone = draft.person.time_zone or "UTC"
    words = spoken(draft.card.text, zone)
    once = "" if draft.looks else " once,"  # a decision today, its proof next week
    small = (
        f"Each link works{once} for {links.VALID.days} days, and for you alone: please do not pass this mail on."
        if addresses
        else ""
    )
    why = "You get this by mail because Seatkeeper knows no Slack account of yours."
    if _DATE.search(draft.card.text):
        why = f"Times are in {zone_of(zone).key.replace('_', ' ')}. {why}"
    text = "\n\n".join(part for part in (words, *(f"{label}:\n{url}" for label, url in addresses), small, why) if part)
    listed = "".join(
        f'<p><a href="{escape(url)}" style="font-weight:bold">{escape(label)}</a></p>' for label, url in addresses
    )
    tail = "".join(f'<p style="color:#4A5560">{escape(part)}</p>' for part in (small, why) if part)
    html = (
        '<!DOCTYPE html><html lang="en"><body style="font-family:sans-serif;font-size:16px;line-height:1.5">'
        f'<p dir="auto">{escape(words)}</p>{listed}{tail}</body></html>'
    )
    subject = _SUBJECTS.get(draft.card.kind, "News about a licence")
    return Mail(draft.person.email, cut(draft.person.name), subject, text + "\n", html, f"card-{draft.card.id}")


def spoken(text: str, zone: str = "UTC") -> str:
    """A Slack message's text as plain words: instants in the reader's zone, links with their address."""

    def local(token: re.Match[str]) -> str:
        at = datetime.fromtimestamp(int(token[1]), UTC).astimezone(zone_of(zone))
        return f"{weekday(at.date())}, {at:%H:%M}"

    said = _LINK.sub(lambda link: f"{link[2]} ({link[1]})" if link[2] else link[1], _DATE.sub(local, text))
    return said.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace("*", "")
