"""What is known of the use of each seat of a product, and the verdict: before listing, and again before a removal.

The number of statements is the same for one seat and for 200,000: everything a verdict needs is read set by set and
joined here in the order of people. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, and_, exists, func, or_, select

from licensing.idle import Evidence, PersonFacts, Reading, Rule, SeatFacts, Verdict, evidence_of, judge
from licensing.idle.facts import Kind
from licensing.idle.fit import dry_run_words
from licensing.idle.products import gives_mail, is_free
from licensing.idle.signals import FINE, IMPORT, MAILBOX, NOT_READ, SOURCE_WORDS
from licensing.suites import plan_names, sku_named
from licensing.words import plural
from model.contracts import Entitlement
from model.inventory import UsageSignal
from model.licences import Product, Publisher, Seat, Sku
from model.people import Person
from model.reclaim import RulePause
from model.usage import HeldMailboxList, LastUse, LicensingGroup, SourceHealth
from workflows.policy import Policy

#: More seats than this are not named one by one in a statement: all of the product are read, and chosen from here.
NAMED_AT_MOST = 500
DIRECT, ROLE, BY_GROUP = "direct", "role", "group:"
MICROSOFT = "microsoft"


@dataclass(frozen=True)
class SeatVerdict:
    """The verdict on one open seat. `sentence` names days, `short` none (rules §10); `evidence` may be kept as JSON.

    `look` says why the row starts unticked, `excluded` why it must not be listed to be taken back at all; both are
    empty where nothing is to be said. `may_be_taken` is the ground "idle" of rules §7: it must hold again just before
    a removal.
    """

    seat_id: int
    person_id: int
    sku_id: int
    path: str
    verdict: Kind
    sentence: str
    short: str
    rule: str
    because: str
    evidence: dict[str, Any]
    look: str
    excluded: str
    excluded_code: str
    unknown_because: str
    used_on: date | None
    mail: bool  # taking it deletes a mailbox

    @property
    def may_be_taken(self) -> bool:
        return self.verdict in (Kind.IDLE, Kind.LITTLE_USED) and not self.excluded


@dataclass(frozen=True)
class _Tier:
    """A SKU of the product, with what its use can be known from."""

    evidence: Evidence
    mail: bool
    free: bool


@dataclass(frozen=True)
class _Known:
    """All that is the same for every seat of the product."""

    tiers: Mapping[int, _Tier]
    rule: Rule
    health: Mapping[str, Row[Any]]
    told_on: date | None  # the last day on which days of use of the product were imported or reported
    groups: Mapping[str, Row[Any]]
    held: frozenset[str]
    several: frozenset[tuple[int, int]]  # person and SKU held by several paths
    left_out: str


def verdicts(
    connection: Connection, policy: Policy, product_id: int, today: date, seat_ids: Collection[int] | None = None
) -> list[SeatVerdict]:
    """The verdict on each open seat of a product, or on those of `seat_ids` that are open; in the order of people."""
    return list(each_verdict(connection, policy, product_id, today, seat_ids))


def each_verdict(
    connection: Connection, policy: Policy, product_id: int, today: date, seat_ids: Collection[int] | None = None
) -> Iterator[SeatVerdict]:
    """As `verdicts`, one by one: what 200,000 of them say need not be in memory at once."""
    if seat_ids is not None and not seat_ids:
        return
    known = _known(connection, policy, product_id)
    if known is None:
        return
    chosen = None if seat_ids is None else set(seat_ids)
    few = chosen if chosen is not None and len(chosen) <= NAMED_AT_MOST else None
    told = _Beside(_last_uses(connection, product_id, few))
    signals = _Beside(_signals(connection, product_id, few))
    for person_id, seats in groupby(_seats(connection, product_id, few), key=lambda row: row.person_id):
        own, days = told.of(person_id), signals.of(person_id)
        for row in seats:
            if chosen is None or row.seat_id in chosen:
                yield _verdict(row, own, days, known, policy, today)


def dry_run_only(connection: Connection, policy: Policy, product_id: int, today: date) -> str:
    """Why a campaign on this product stays a dry run, in words; "" when nothing stands against it (rules §7, mail).

    Graph cannot say which mailboxes are on hold, so somebody must have said it lately.
    """
    tiers = connection.execute(select(Sku.sku_id, Sku.part_number).where(Sku.product_id == product_id)).all()
    if not any(gives_mail(row.sku_id or "", row.part_number) for row in tiers):
        return ""
    said_at = connection.execute(select(func.max(HeldMailboxList.said_at))).scalar()
    return dry_run_words(said_at.date() if said_at else None, policy.mail.held_list_max_age_days, today)


# -- what is the same for every seat -----------------------------------------------------------------------------------


def _known(connection: Connection, policy: Policy, product_id: int) -> _Known | None:
    bought = exists().where(Entitlement.product_id == Product.id, Entitlement.unit_price.is_not(None))
    product = connection.execute(
        select(
            Product.name,
            Product.key,
            Product.idle_after_days,
            Product.licence_model,
            Publisher.name.label("publisher"),
            bought.label("bought"),
        )
        .join(Publisher, Publisher.id == Product.publisher_id)
        .where(Product.id == product_id)
    ).one_or_none()
    if product is None:
        return None
    held_by = select(Seat.sku_id).where(Seat.product_id == product_id, Seat.ended_at.is_(None))
    skus = connection.execute(
        select(Sku.id, Sku.sku_id, Sku.part_number, Sku.enabled).where(
            or_(Sku.product_id == product_id, Sku.id.in_(held_by))  # a tier may have moved to another product since
        )
    ).all()
    pause = connection.execute(
        select(RulePause.words, RulePause.rule)
        .where(RulePause.product_id == product_id, RulePause.lifted_at.is_(None))
        .order_by(RulePause.id.desc())
    ).all()
    rules = policy.reclaim
    rule = rules.judged_by(product.key, product.idle_after_days, large_mailbox_gb=policy.mail.large_mailbox_gb)
    paused = next((row.words for row in pause if row.rule == rule.name), "")
    held = connection.execute(
        select(HeldMailboxList.mailboxes).order_by(HeldMailboxList.said_at.desc(), HeldMailboxList.id.desc()).limit(1)
    ).scalar()
    several = connection.execute(
        select(Seat.person_id, Seat.sku_id)
        .where(Seat.product_id == product_id, Seat.ended_at.is_(None))
        .group_by(Seat.person_id, Seat.sku_id)
        .having(func.count() > 1)
    ).all()
    told_at = connection.execute(
        select(func.max(UsageSignal.recorded_at)).where(UsageSignal.product_id == product_id)
    ).scalar()
    health = {row.source: row for row in connection.execute(select(*SourceHealth.__table__.c))}
    return _Known(
        tiers={row.id: _tier(product, row, policy, health) for row in skus},
        rule=replace(rule, paused=paused),
        health=health,
        told_on=told_at.date() if told_at else None,
        groups={row.group_id.casefold(): row for row in connection.execute(select(*LicensingGroup.__table__.c))},
        held=frozenset(one.casefold() for one in (*(held or ()), *rules.never.mailboxes)),
        several=frozenset((row.person_id, row.sku_id) for row in several),
        left_out="the policy leaves this product out" if rules.never_judged(product.key) else "",
    )


def _tier(product: Row[Any], sku: Row[Any], policy: Policy, connected: Collection[str]) -> _Tier:
    """The vendor's id decides where there is one; a product the register knows by name only is looked up by it."""
    microsoft = bool(sku.sku_id) or product.publisher.casefold().startswith(MICROSOFT)
    guid = sku.sku_id or (sku_named(product.name) or "" if microsoft else "")
    evidence = evidence_of(product.name, sku.part_number, guid, microsoft=microsoft)
    free = product.licence_model == "free" or is_free(
        sku.part_number, sku.enabled, policy.reclaim.never.free_from_units, bought=product.bought
    )
    return _Tier(
        evidence=policy.reclaim.counts_for(product.key, evidence).connected_to(connected),
        mail=microsoft and gives_mail(guid, sku.part_number),
        free=free,
    )


# -- row by row --------------------------------------------------------------------------------------------------------


class _Beside:
    """Rows of the same order of people, read along: `of` gives those of one person, who must come in that order."""

    def __init__(self, rows: Iterable[Row[Any]]) -> None:
        self._groups = groupby(rows, key=lambda row: int(row.person_id))
        self._next: tuple[int, list[Row[Any]]] | None = None

    def of(self, person_id: int) -> list[Row[Any]]:
        while self._next is None or self._next[0] < person_id:
            following = next(self._groups, None)
            if following is None:
                return []
            self._next = following[0], list(following[1])
        return self._next[1] if self._next[0] == person_id else []


def _open(product_id: int, few: Collection[int] | None) -> Any:
    asked = and_(Seat.product_id == product_id, Seat.ended_at.is_(None))
    return asked if few is None else and_(asked, Seat.id.in_(few))


def _seats(connection: Connection, product_id: int, few: Collection[int] | None) -> Iterable[Row[Any]]:
    person = (
        Person.email, Person.upn, Person.department, Person.account, Person.employment, Person.active,
        Person.account_since, Person.starts_on, Person.leaves_on, Person.absent_from, Person.absent_until,
        Person.was_absent_from, Person.was_absent_until,
    )  # fmt: skip
    return connection.execute(
        select(Seat.id.label("seat_id"), Seat.person_id, Seat.sku_id, Seat.path, Seat.began_at, Seat.off, *person)
        .join(Person, Person.id == Seat.person_id)
        .where(_open(product_id, few))
        .order_by(Seat.person_id, Seat.id)
    )


def _last_uses(connection: Connection, product_id: int, few: Collection[int] | None) -> Iterable[Row[Any]]:
    """What sources say of the holders; a list that was imported speaks of its own product only."""
    of_this = or_(LastUse.product_id == product_id, and_(LastUse.product_id.is_(None), LastUse.source != IMPORT))
    return connection.execute(
        select(
            LastUse.person_id, LastUse.source, LastUse.product_id, LastUse.used_on, LastUse.as_of, LastUse.facts
        )
        .where(LastUse.person_id.in_(select(Seat.person_id).where(_open(product_id, few))), of_this)
        .order_by(LastUse.person_id, LastUse.id)
    )  # fmt: skip


def _signals(connection: Connection, product_id: int, few: Collection[int] | None) -> Iterable[Row[Any]]:
    return connection.execute(
        select(
            UsageSignal.person_id,
            func.max(UsageSignal.day).label("day"),
            func.max(UsageSignal.recorded_at).label("recorded_at"),
        )
        .where(
            UsageSignal.product_id == product_id,
            UsageSignal.person_id.in_(select(Seat.person_id).where(_open(product_id, few))),
        )
        .group_by(UsageSignal.person_id)
        .order_by(UsageSignal.person_id)
    )


def _verdict(
    row: Row[Any], told: list[Row[Any]], signals: list[Row[Any]], known: _Known, policy: Policy, today: date
) -> SeatVerdict:
    tier = known.tiers[row.sku_id]
    readings = tuple(_readings(told, signals, known, tier))
    person, seat = _person(row, readings, policy), _seat(row, tier, known, policy)
    found = judge(person, seat, readings, tier.evidence, known.rule, today)
    return SeatVerdict(
        seat_id=row.seat_id,
        person_id=row.person_id,
        sku_id=row.sku_id,
        path=row.path,
        verdict=found.kind,
        sentence=found.sentence,
        short=found.short,
        rule=found.rule,
        because=found.because,
        evidence=_kept(found, readings, known.rule, today) | _off(row.off),
        look="; ".join(found.look),
        excluded=found.excluded,
        excluded_code=found.excluded_code,
        unknown_because=found.unknown_because,
        used_on=found.used_on,
        mail=tier.mail,
    )


def _readings(
    told: list[Row[Any]], signals: list[Row[Any]], known: _Known, tier: _Tier
) -> Iterator[Reading]:  # fmt: skip
    """One reading a source: those with a row, and those that must or may speak and do not."""
    rows: dict[str, Row[Any]] = {}
    for row in told:
        if row.source in SOURCE_WORDS and (row.source not in rows or row.product_id is not None):
            rows[row.source] = row
    asked = {*tier.evidence.counts, *tier.evidence.needs, *rows}
    asked |= {MAILBOX} if tier.mail else set()
    for source in SOURCE_WORDS:
        if source not in asked:
            continue
        told_by, health = rows.get(source), known.health.get(source)
        state = health.state if health is not None else FINE
        if source == IMPORT and (told_by is not None or known.told_on is not None):
            yield _imported(told_by, signals, known.told_on, state)
        elif told_by is not None:
            yield Reading(source, told_by.used_on, told_by.as_of, state, True, told_by.facts or {})
        elif health is not None:
            yield Reading(source, None, health.as_of, state, False)
        else:
            yield Reading(source, health=NOT_READ, listed=False)


def _imported(row: Row[Any] | None, signals: list[Row[Any]], told_on: date | None, state: str) -> Reading:
    """Lists and metering arrive as days of use, and as what a list last said of each person.

    How fresh that is goes by the person: a list of one says nothing new of the others.
    """
    days = [one.day for one in signals] + ([row.used_on] if row is not None and row.used_on else [])
    told = [one.recorded_at.date() for one in signals] + ([row.as_of] if row is not None else [])
    facts = row.facts or {} if row is not None else {}
    return Reading(IMPORT, max(days, default=None), max(told, default=told_on), state, bool(told), facts)


def _person(row: Row[Any], readings: tuple[Reading, ...], policy: Policy) -> PersonFacts:
    account = row.account
    kind = next((str(one.facts.get("recipient_type") or "") for one in readings if one.source == MAILBOX), "").lower()
    if account == "user" and ("shared" in kind or "room" in kind or "equipment" in kind):
        account = "shared" if "shared" in kind else "room"
    if account == "user" and policy.reclaim.service_account(row.email):
        account = "service"
    return PersonFacts(
        account=account,
        employment="guest" if "#ext#" in row.email else row.employment,
        active=row.active,
        account_since=row.account_since,
        starts_on=row.starts_on,
        leaves_on=row.leaves_on,
        absent_from=row.absent_from,
        absent_until=row.absent_until,
        was_absent_from=row.was_absent_from,
        was_absent_until=row.was_absent_until,
        excluded_by=policy.reclaim.excluded_by(row.email, row.department),
    )


def _seat(row: Row[Any], tier: _Tier, known: _Known, policy: Policy) -> SeatFacts:
    group_id = row.path.removeprefix(BY_GROUP) if row.path.startswith(BY_GROUP) else ""
    group = known.groups.get(group_id.casefold()) if group_id else None
    never = {one.casefold() for one in policy.reclaim.never.groups}
    left_out = known.left_out or ("the policy leaves out this group" if group_id.casefold() in never else "")
    return SeatFacts(
        since=row.began_at.date(),
        group=(group.name if group is not None else "") or group_id,
        group_may_act=bool(group_id) and policy.reclaim.acts_on(group_id),
        group_obstacle=group.obstacle if group is not None else "",
        role=row.path == ROLE,
        paths=2 if (row.person_id, row.sku_id) in known.several else 1,
        stated=row.path in (DIRECT, ROLE) or bool(group_id),
        free=tier.free,
        mail=tier.mail,
        mailbox_held=not known.held.isdisjoint({row.email.casefold(), (row.upn or row.email).casefold()}),
        excluded_by=left_out,
    )


def _kept(found: Verdict, readings: tuple[Reading, ...], rule: Rule, today: date) -> dict[str, Any]:
    """The evidence as it is stored with a candidate: every source with value and age, counted or not."""
    mailbox = next((one.facts for one in readings if one.source == MAILBOX and one.listed), None)
    kept: dict[str, Any] = {
        "judged_on": today.isoformat(),
        "rule": {"name": rule.name, "idle_days": rule.idle_days, "little_used_days": rule.little_used_days},
        "used_on": found.used_on.isoformat() if found.used_on else None,
        "sources": [
            {
                "source": one.source,
                "words": one.words,
                "used_on": one.used_on.isoformat() if one.used_on else None,
                "as_of": one.as_of.isoformat() if one.as_of else None,
                "age": one.age,
                "health": one.health,
                "counts": one.counts,
                "value": one.value,
            }
            for one in found.sources
        ],
    }
    if mailbox is not None:
        kept["mailbox"] = {name: mailbox.get(name) for name in ("bytes", "archive", "recipient_type")}
    return kept


def _off(plan_ids: str | None) -> dict[str, Any]:
    """What is switched off in the seat, by name; nothing where all is on, or nobody read it."""
    return {"off": list(plan_names(plan_ids.split(",")))} if plan_ids else {}


def in_words(evidence: Mapping[str, Any]) -> str:
    """Kept evidence as one line, with days: "Copilot report: last use 12 Sep 2026, 2 days old; …". Not for lists."""
    return "; ".join(
        f"{one['words']}: {one['value']}" + (f", {plural(one['age'], 'day')} old" if one["age"] is not None else "")
        for one in evidence.get("sources", ())
    )
