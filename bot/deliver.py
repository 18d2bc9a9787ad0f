"""Performs Slack effects: brings a message in line with its card, remembers where it stands, finishes the job with it.

Everything here may run twice, late or out of order. A card is read, built and compared with what it last showed, so
only a difference is sent. Nothing is posted that nobody needs any more. A post whose answer was lost is repeated for
what must not be missed (one duplicate rather than none) and not repeated for lists.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from sqlalchemy import Connection, select, update

from bot.cards import CardRow, Drawn, Setting, card_row, draw
from bot.deliver_picture import with_picture
from bot.deliver_whom import concerned, in_person
from bot.views import text as t
from bot.views.text import Message
from integrations.errors import NotFound, Refused, Unclear
from integrations.slack import MessageGone, Posted, SlackClient
from model.events import Happened, Tag
from model.people import Person, Role
from model.requests import Card
from model.session import Database, UnitOfWork
from workflows import cards, quiet
from workflows import digest as digests
from workflows.cards import CardKind
from workflows.effects import MailCard, ShowCard, enqueue
from workflows.rules import Rules

log = structlog.get_logger(__name__)

#: A thread's first message is normally posted within a second; after the last wait the reply goes without it.
PARENT_WAIT = timedelta(seconds=3)
PARENT_PATIENCE = timedelta(minutes=30)
#: Rather none than two of these: the next change writes them anew.
LISTS = frozenset({CardKind.DECISIONS})
#: Deleted by somebody, these come again: an answer is needed.
MUST_STAND = frozenset({CardKind.APPROVAL, CardKind.TASK, CardKind.RENEWAL})
#: Who is told in person when policy names no channel.
INSTEAD_OF_CHANNEL = {
    "licences": Role.LICENCE_MANAGER,
    "it_alerts": Role.IT,
    "renewals": Role.LICENCE_MANAGER,
    "finance": Role.FINANCE,
    "procurement": Role.PROCUREMENT,
}
#: The account is there and cannot be written to: the same as no account.
UNREACHABLE = frozenset({"user_disabled", "cannot_dm_bot"})
_CHANNEL_ID = re.compile(r"[CG][A-Z0-9]{6,}")


class Run(Protocol):
    """What a delivery asks of the job it runs in."""

    def now(self) -> datetime: ...

    def heartbeat(self) -> None: ...

    def finish(self, work: UnitOfWork) -> None: ...

    def later(self, at: datetime) -> None: ...


Handler = Callable[[dict[str, Any], Run], None]


@dataclass(frozen=True)
class _Target:
    """Where to post: a channel or a Slack user id, and the thread."""

    channel: str
    thread_ts: str | None = None


class Deliver:
    """The handlers of `card.show`, `request.show` and `answer.say`. Safe for several threads."""

    def __init__(
        self,
        database: Database,
        slack: SlackClient,
        rules: Callable[[], Rules],
        *,
        dashboard_url: str = "",
        servicenow_url: str = "",
    ) -> None:
        self._database = database
        self._slack = slack
        self._rules = rules
        self._urls = (dashboard_url, servicenow_url)

    def handlers(self) -> dict[str, Handler]:
        """By kind of job."""
        return {
            "card.show": self.show_card,
            "reply.show": self.show_card,
            "request.show": self.show_request,
            "answer.say": self.say,
        }

    # -- one card --------------------------------------------------------------------------------------------------

    def show_card(self, payload: dict[str, Any], run: Run) -> None:
        """Post, rewrite or leave alone one message; several jobs for one card do no harm."""
        now, rules = run.now(), self._rules()
        with self._database.reading() as connection:
            card = card_row(connection, int(payload["card"]))
            drawn = None if card is None else draw(connection, card, Setting(rules.policy, now, *self._urls))
        if card is None or drawn is None or cards.HELD in card.facts:
            return  # nothing to show, or the digest says it; the worker finishes the job
        if cards.DIGEST in card.facts and card.ts is None:
            self._in_its_row(int(card.facts[cards.DIGEST]), run, now)
            return
        if card.ts is not None and card.channel is not None:
            self._rewrite(card, drawn, run, now)
        elif drawn.wanted and not self._lately_in_doubt(card, drawn):
            self._post(card, drawn, rules, run, now)

    def _in_its_row(self, digest_id: int, run: Run, now: datetime) -> None:
        """Delivered as a row of a digest: there its change shows, and nowhere else."""
        with self._database.unit_of_work() as work:
            enqueue(work, [ShowCard(digest_id)], now)
            run.finish(work)
            work.commit()

    def _lately_in_doubt(self, card: CardRow, drawn: Drawn) -> bool:
        """Posted or not, nobody knows; said again only when there is something new to say."""
        return card.posted_at is not None and card.shown_digest == digest(drawn.message)

    def _rewrite(self, card: CardRow, drawn: Drawn, run: Run, now: datetime) -> None:
        shown = digest(drawn.message)
        if card.shown_digest == shown or card.channel is None or card.ts is None:
            return
        message = with_picture(self._database, self._slack, card, drawn.message)
        answer = self._slack.update_message(card.channel, card.ts, message.text, message.blocks)
        with self._database.unit_of_work() as work:
            if isinstance(answer, MessageGone):
                self._gone(work, card, drawn, now)
            else:
                _store(work, card.id, shown_digest=shown)
            run.finish(work)
            work.commit()

    def _gone(self, work: UnitOfWork, card: CardRow, drawn: Drawn, now: datetime) -> None:
        """Somebody deleted the message. What needs an answer is posted again; the rest is let go."""
        _store(work, card.id, channel=None, ts=None, shown_digest=digest(drawn.message))
        if drawn.wanted and card.live and card.kind in MUST_STAND:
            effects = cards.new_card(
                work, card.kind, card.subject_id, card.audience, now, request_id=card.request_id, facts=card.facts
            )
            enqueue(work, effects, now)

    # -- posting ---------------------------------------------------------------------------------------------------

    def _post(self, card: CardRow, drawn: Drawn, rules: Rules, run: Run, now: datetime) -> None:
        target = self._channel(card, rules, run, now) if card.purpose else self._person(card, drawn, rules, run, now)
        if target is None:
            return
        message = with_picture(self._database, self._slack, card, drawn.message)
        run.heartbeat()  # the job must still be ours before a write that cannot be taken back
        try:
            posted: Posted | None = self._send(target, message)
        except Unclear:
            if card.kind not in LISTS:
                raise  # tried again: rather two than none
            posted = None
        except (NotFound, Refused) as error:
            if card.person_id is None or (isinstance(error, Refused) and error.code not in UNREACHABLE):
                raise
            self._by_mail(card, run, now)
            return
        with self._database.unit_of_work() as work:
            _store(
                work,
                card.id,
                channel=posted.channel if posted else None,
                ts=posted.ts if posted else None,
                shown_digest=digest(drawn.message),
                posted_at=now,
            )
            if card.generation > 1:
                enqueue(work, cards.earlier_copies(work, card.id), now)
            run.finish(work)
            work.commit()

    def _send(self, target: _Target, message: Message) -> Posted:
        if target.thread_ts is None:
            return self._slack.post_message(target.channel, message.text, message.blocks)
        try:
            return self._slack.post_message(target.channel, message.text, message.blocks, thread_ts=target.thread_ts)
        except NotFound:  # the thread's first message was deleted: the words matter more than their place
            return self._slack.post_message(target.channel, message.text, message.blocks)

    def _channel(self, card: CardRow, rules: Rules, run: Run, now: datetime) -> _Target | None:
        """The channel policy names for the purpose; without one, each holder of the role is told in person."""
        purpose = card.purpose or ""
        named = rules.policy.channel_for(purpose)
        if named:
            return _Target(named if _CHANNEL_ID.fullmatch(named) else f"#{named.removeprefix('#')}")
        with self._database.unit_of_work() as work:
            effects = in_person(work, card, INSTEAD_OF_CHANNEL.get(purpose, Role.LICENCE_MANAGER), now)
            enqueue(work, effects, now)
            run.finish(work)
            work.commit()
        return None

    def _person(self, card: CardRow, drawn: Drawn, rules: Rules, run: Run, now: datetime) -> _Target | None:
        """The person's direct message, once it is the time for it; None when the job was settled otherwise."""
        person_id = card.person_id
        with self._database.reading() as connection:
            row = connection.execute(
                select(Person.slack_id, Person.email, Person.active).where(Person.id == person_id)
            ).one_or_none()
            parent = _parent(connection, card)
            reader = (
                quiet.reader(connection, person_id, rules.policy, now, before=card.id)
                if row and person_id is not None
                else None
            )
        if row is None or not row.active or reader is None:
            log.info("card not sent: the person has left", card=card.id, person=person_id)
            return None
        # what its reader has by mail is not held back any more when it changes: its reminder would wait for it
        own = drawn.own or card.mailed
        verdict = quiet.when(card.kind, reader, rules.policy.messages, now, own=own)
        if isinstance(verdict, quiet.At):
            run.later(verdict.at)
            return None
        if isinstance(verdict, quiet.IntoDigest) and person_id is not None:
            with self._database.unit_of_work() as work:
                digests.hold(work, card.id, person_id, verdict.at, now)
                run.finish(work)
                work.commit()
            return None
        if isinstance(verdict, quiet.IntoList):
            self._into_list(card, reader, run, now)
            return None
        slack_id = row.slack_id or self._find(int(person_id or 0), row.email, now)
        if slack_id is None:
            self._by_mail(card, run, now)
            return None
        if card.kind is not CardKind.REPLY or parent is None:
            return _Target(slack_id)
        if parent.ts is not None and parent.channel is not None:
            return _Target(parent.channel, parent.ts)
        if parent.posted_at is None and now - card.created_at < PARENT_PATIENCE:
            run.later(now + PARENT_WAIT)
            return None
        return _Target(slack_id)

    def _find(self, person_id: int, email: str, now: datetime) -> str | None:
        """A Slack account by the person's address, kept when there is one."""
        found = self._slack.find_by_email(email) if email else None
        if found is None or found.deleted or found.is_bot:
            return None
        with self._database.unit_of_work() as work:
            taken = work.connection.execute(select(Person.id).where(Person.slack_id == found.id)).scalar()
            if taken is not None:
                return found.id if taken == person_id else None
            work.connection.execute(
                update(Person).where(Person.id == person_id, Person.slack_id.is_(None)).values(slack_id=found.id)
            )
            work.record(
                [
                    Happened(
                        Tag.PERSON_LINKED, "rule:email", f"person:{person_id}", {"by": "email"}, {"slack": found.id}
                    )
                ],
                now,
            )
            work.commit()
        return found.id

    def _by_mail(self, card: CardRow, run: Run, now: datetime) -> None:
        """No Slack account: the same message, once; a question with a signed link."""
        with self._database.unit_of_work() as work:
            if card.by_mail_at is None:
                enqueue(work, [MailCard(card.id)], now)
                _store(work, card.id, posted_at=card.posted_at or now)  # it counts from now on: mail may be slow
            run.finish(work)
            work.commit()

    def _into_list(self, card: CardRow, reader: quiet.Reader, run: Run, now: datetime) -> None:
        """Bring the one list up to date in place of a message of its own; a new list at most once a day."""
        person_id = int(card.person_id or 0)
        with self._database.unit_of_work() as work:
            current = work.connection.execute(
                select(Card.id, Card.posted_at, Card.created_at)
                .where(
                    Card.kind == CardKind.DECISIONS,
                    Card.subject_id == person_id,
                    Card.audience == cards.person(person_id),
                    Card.live,
                )
                .order_by(Card.generation.desc())
                .limit(1)
            ).one_or_none()
            today = reader.calendar.local_day(now)
            if current and reader.calendar.local_day(current.posted_at or current.created_at) == today:
                effects: list[ShowCard] = [ShowCard(current.id)]
            else:
                effects = cards.new_card(work, CardKind.DECISIONS, person_id, cards.person(person_id), now)
            enqueue(work, effects, now)
            run.finish(work)
            work.commit()

    # -- everything about a request --------------------------------------------------------------------------------

    def show_request(self, payload: dict[str, Any], run: Run) -> None:
        """Every message about a request, the lists it stands in, and the Home of everybody it concerns."""
        request_id, now = int(payload["request"]), run.now()
        with self._database.unit_of_work() as work:
            enqueue(work, concerned(work, request_id), now)
            run.finish(work)
            work.commit()

    # -- an answer to a press --------------------------------------------------------------------------------------

    def say(self, payload: dict[str, Any], run: Run) -> None:
        """Tell one person where they pressed; the address is good for half an hour, then the answer is dropped."""
        words, replaces = t.disarmed(str(payload["text"])), bool(payload.get("replaces"))
        try:
            self._slack.respond(str(payload["response_url"]), words, [t.section(words)], replace_original=replaces)
        except NotFound:
            log.info("answer came too late for its address")
        except Unclear:
            log.info("answer perhaps not seen; it is not said twice")


def digest(message: Message) -> str:
    """Equal messages, equal digests: what was shown last is compared with what is due."""
    body = json.dumps([message.text, message.blocks], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()


def _store(work: UnitOfWork, card_id: int, **values: Any) -> None:
    work.connection.execute(update(Card).where(Card.id == card_id).values(**values))


def _parent(connection: Connection, card: CardRow) -> CardRow | None:
    """The first message of the thread a reply belongs to: the one it names, else the requester's card."""
    if card.kind is not CardKind.REPLY:
        return None
    if card.thread_of_id is not None:
        return card_row(connection, card.thread_of_id)
    found = connection.execute(
        select(Card.id)
        .where(Card.kind == CardKind.PROGRESS, Card.request_id == card.request_id, Card.audience == card.audience)
        .order_by(Card.generation.desc())
        .limit(1)
    ).scalar()
    return None if found is None else card_row(connection, found)
