"""How often the rule behind a verdict was wrong, and the rule that stops itself when that is too often (rules §7).

"I use it; the report is wrong" counts against the rule, and so does "I need it back" within the undo window: both say
that a seat which looked idle was not. Each answer counts once. A paused rule judges nothing, so its seats are neither
listed nor taken, until a person with the right lifts the pause; what was answered before then counts no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, func, or_, select

from licensing.words import plural
from model.events import Happened, Tag
from model.licences import Product, SeatReturn
from model.people import Person, Role, RoleGrant
from model.reclaim import CandidateState, ReclaimCandidate, RulePause
from model.requests import Card
from model.session import UnitOfWork
from workflows import cards
from workflows.cards import CardKind
from workflows.effects import Effect, ShowCard, enqueue
from workflows.permissions import Page, require
from workflows.policy import Policy
from workflows.refusals import Refusal

#: The answer that says that the verdict was wrong.
USES_IT = "uses_it"
WHAT = "What rules of use may judge"


class NotPaused(Refusal):
    """The rule judges again already; nothing was changed."""

    def __init__(self) -> None:
        super().__init__("That rule is not paused any more; your press changed nothing.")


@dataclass(frozen=True)
class Score:
    """Answers to one rule of one product, and how many of them said that it was wrong."""

    product_id: int
    rule: str
    answers: int
    wrong: int

    def too_often(self, per_cent: int, of_at_least: int) -> bool:
        """More than the share, of enough answers to say so."""
        return self.answers >= of_at_least and self.wrong * 100 > per_cent * self.answers

    @property
    def words(self) -> str:
        """ "5 of 12 holders said they use it"."""
        return f"{self.wrong} of {plural(self.answers, 'holder')} said they use it"


@dataclass(frozen=True)
class Paused:
    """A rule that waits for a person, with the words why."""

    id: int
    product_id: int
    product: str
    rule: str
    paused_at: datetime
    words: str
    lifted_by: str = ""
    lifted_at: datetime | None = None


def score(connection: Connection, policy: Policy, product_id: int, rule: str, now: datetime) -> Score:
    """The answers to a rule since it was last lifted, and not longer ago than the policy looks back."""
    lifted = connection.execute(
        select(func.max(RulePause.lifted_at)).where(RulePause.product_id == product_id, RulePause.rule == rule)
    ).scalar()
    since = now - timedelta(days=policy.reclaim.wrong_answers.in_days)
    if lifted is not None:
        since = max(since, lifted)
    one = ReclaimCandidate
    back = and_(one.state == CandidateState.PUT_BACK, SeatReturn.restored_by_id == one.person_id)
    when = func.coalesce(SeatReturn.restored_at, one.answered_at)
    wrong = or_(one.answer == USES_IT, back)
    row = connection.execute(
        select(func.count(one.id), func.count(one.id).filter(wrong))
        .outerjoin(SeatReturn, SeatReturn.id == one.seat_return_id)
        .where(one.product_id == product_id, one.rule == rule, when > since, or_(one.answer != "", back))
    ).one()
    return Score(product_id, rule, row[0], row[1])


def answered(work: UnitOfWork, policy: Policy, product_id: int, rule: str, now: datetime) -> Paused | None:
    """To be called in the transaction that stores an answer or puts a seat back: pauses the rule if it must.

    The pause, or None while the rule goes on or was paused before. Rows of the session must have been flushed.
    """
    work.session.flush()
    limit = policy.reclaim.wrong_answers
    product = work.session.execute(
        select(Product.name).where(Product.id == product_id).with_for_update()  # two answers at once, one pause
    ).scalar_one()
    found = score(work.connection, policy, product_id, rule, now)
    if not found.too_often(limit.per_cent, limit.of_at_least) or _open(work.connection, product_id, rule):
        return None
    row = RulePause(product_id=product_id, rule=rule, paused_at=now, words=found.words)
    work.session.add(row)
    work.session.flush()  # the event names it
    facts = {"product": product_id, "rule": rule, "answers": found.answers, "wrong": found.wrong}
    work.record([Happened(Tag.USE_RULE_PAUSED, rule.replace(" ", ":"), f"rule_pause:{row.id}", facts)], now)
    return Paused(row.id, product_id, product, rule, now, found.words)


def lift(work: UnitOfWork, pause_id: int, by_id: int, now: datetime) -> None:
    """Let a paused rule judge again. Raises NotForYou for those without the right, NotPaused when somebody did it."""
    roles = work.connection.execute(
        select(RoleGrant.role)
        .join(Person, Person.id == RoleGrant.person_id)
        .where(
            RoleGrant.person_id == by_id,
            Person.active,
            RoleGrant.began_at <= now,
            or_(RoleGrant.ended_at.is_(None), RoleGrant.ended_at > now),
        )
    )
    require(work.connection, Page.RECLAIM, [Role(role) for role in roles.scalars()], WHAT)
    row = work.session.execute(
        select(RulePause).where(RulePause.id == pause_id, RulePause.lifted_at.is_(None)).with_for_update()
    ).scalar_one_or_none()
    if row is None:
        raise NotPaused
    row.lifted_by_id, row.lifted_at = by_id, now
    work.session.flush()
    facts = {"product": row.product_id, "rule": row.rule}
    work.record([Happened(Tag.USE_RULE_LIFTED, f"person:{by_id}", f"rule_pause:{row.id}", facts)], now)
    shown = select(Card.id).where(Card.kind == CardKind.RULE_PAUSE, Card.subject_id == row.id, Card.live)
    enqueue(work, [ShowCard(card_id) for card_id in work.connection.execute(shown).scalars()], now)


def tell(work: UnitOfWork, one: Paused, now: datetime) -> list[Effect]:
    """The message to the channel where licence managers are: why it stopped, and the button that ends the pause."""
    return list(cards.new_card(work, CardKind.RULE_PAUSE, one.id, cards.channel("licences"), now))


def pause(connection: Connection, pause_id: int) -> Paused | None:
    """One pause, also when it is over."""
    row = connection.execute(
        select(*RulePause.__table__.c, Product.name.label("product"), Person.name.label("by"))
        .join(Product, Product.id == RulePause.product_id)
        .outerjoin(Person, Person.id == RulePause.lifted_by_id)
        .where(RulePause.id == pause_id)
    ).one_or_none()
    if row is None:
        return None
    return Paused(row.id, row.product_id, row.product, row.rule, row.paused_at, row.words, row.by or "", row.lifted_at)


def paused(connection: Connection) -> list[Paused]:
    """Rules that wait for a person, the longest first."""
    rows = connection.execute(
        select(RulePause, Product.name)
        .join(Product, Product.id == RulePause.product_id)
        .where(RulePause.lifted_at.is_(None))
        .order_by(RulePause.paused_at, RulePause.id)
    )
    return [Paused(row.id, row.product_id, row.name, row.rule, row.paused_at, row.words) for row in rows]


def in_words(one: Paused) -> str:
    """For those who look after licences: what stopped, why, and what follows."""
    return (
        f"{one.rule[0].upper()}{one.rule[1:]} is paused for {one.product}: {one.words}. "
        "Until somebody lifts it, nobody is asked and nothing is taken because of it."
    )


def _open(connection: Connection, product_id: int, rule: str) -> bool:
    query = select(RulePause.id).where(
        RulePause.product_id == product_id, RulePause.rule == rule, RulePause.lifted_at.is_(None)
    )
    return connection.execute(query.limit(1)).first() is not None
