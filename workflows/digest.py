"""The digest: what was held back for a person becomes rows of one message at nine (rules §10).

Each held card has a durable job at nine of that morning; the first that runs makes the digest of all that is held and
the others find nothing. One digest a day: one not posted yet takes the new rows up, and after one that was, the rest
waits for the next. A held card is never posted by itself; its later changes show in its row.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta

from sqlalchemy import Row, select, update

from licensing.business_time import WorkCalendar
from model.requests import Card
from model.session import UnitOfWork
from workflows import cards, quiet
from workflows.cards import DIGEST, HELD, CardKind
from workflows.effects import SendDigest, ShowCard, enqueue
from workflows.quiet import UNASKED
from workflows.rules import Rules


def hold(work: UnitOfWork, card_id: int, person_id: int, at: datetime, now: datetime) -> None:
    """This card waits for the digest of that morning."""
    facts = work.connection.execute(select(Card.facts).where(Card.id == card_id)).scalar_one()
    work.connection.execute(
        update(Card).where(Card.id == card_id).values(facts={**(facts or {}), HELD: at.isoformat()})
    )
    enqueue(work, [SendDigest(person_id, card_id, at)], now)


def gather(work: UnitOfWork, rules: Rules, person_id: int, wanted: Callable[[int], bool], now: datetime) -> None:
    """Make the person's digest of what is held and still `wanted`, if it is the time for one. The caller commits."""
    held = _held(work, person_id)
    if not held:
        return
    messages = rules.policy.messages
    calendar = quiet.reader(work.connection, person_id, rules.policy, now).calendar
    newest = _newest(work, person_id)
    unsent = newest is not None and newest.posted_at is None and newest.by_mail_at is None
    if not unsent and (
        not quiet.digest_time(calendar, messages.digest_at, now) or _had_one_today(newest, calendar, now)
    ):
        enqueue(work, [SendDigest(person_id, held[0].id, quiet.next_digest(calendar, messages.digest_at, now))], now)
        return
    rows = [row for row in held if wanted(row.id)]
    if not rows:
        return
    if newest is not None and unsent:
        digest_id = newest.id
        known = {**newest.facts, "cards": [*newest.facts.get("cards", []), *(row.id for row in rows)]}
        work.connection.execute(update(Card).where(Card.id == digest_id).values(facts=known))
        enqueue(work, [ShowCard(digest_id)], now)
    else:
        facts = {"cards": [row.id for row in rows], "since": _working_day_before(calendar, now).isoformat()}
        effects = cards.new_card(work, CardKind.DIGEST, person_id, cards.person(person_id), now, facts=facts)
        digest_id = effects[-1].card_id
        enqueue(work, effects, now)
    for row in rows:
        # delivered by the digest: never posted by itself, also not when it changes
        facts = {key: value for key, value in row.facts.items() if key != HELD} | {DIGEST: digest_id}
        work.connection.execute(update(Card).where(Card.id == row.id).values(posted_at=now, facts=facts))


def _held(work: UnitOfWork, person_id: int) -> list[Row[tuple[int, dict[str, object]]]]:
    rows = work.connection.execute(
        select(Card.id, Card.facts)
        .where(
            Card.audience == cards.person(person_id),
            Card.kind.in_(sorted(UNASKED)),
            Card.posted_at.is_(None),
            Card.by_mail_at.is_(None),
            Card.live,
        )
        .order_by(Card.created_at, Card.id)
    )
    return [row for row in rows if HELD in (row.facts or {})]


def _newest(work: UnitOfWork, person_id: int) -> Card | None:
    return work.session.execute(
        select(Card)
        .where(Card.kind == CardKind.DIGEST, Card.subject_id == person_id, Card.audience == cards.person(person_id))
        .order_by(Card.generation.desc())
        .limit(1)
    ).scalar_one_or_none()


def _had_one_today(newest: Card | None, calendar: WorkCalendar, now: datetime) -> bool:
    if newest is None:
        return False
    days = {calendar.local_day(one) for one in (newest.created_at, newest.posted_at, newest.by_mail_at) if one}
    return calendar.local_day(now) in days


def _working_day_before(calendar: WorkCalendar, now: datetime) -> datetime:
    """The beginning of the last working day before today: "since Friday"."""
    day = calendar.local_day(now) - timedelta(days=1)
    for _ in range(30):
        if calendar.works_on(day):
            break
        day -= timedelta(days=1)
    return datetime.combine(day, time(0), calendar.zone)
