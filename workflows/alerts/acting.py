"""What people do with a red alert: take it, ask the people, answer, tolerate, say what it really is (wording §2.11)."""

from __future__ import annotations

import enum
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, select, update

from licensing.words import day
from model.alerts import AlertPlace, AlertState, ExceptionGrant, RedAlert
from model.contracts import Superseded
from model.events import Happened, Tag
from model.inventory import Installation, Title
from model.people import Device, Person, Role
from model.session import UnitOfWork
from workflows import cards, titles_settled
from workflows.alerts import asking, messages, records
from workflows.alerts.red_alert import Verb, devices, locked, move, reference, taken_already
from workflows.cards import CardKind
from workflows.effects import Effect, LookAtAlerts, enqueue
from workflows.permissions import Access, NotForYou, Page, access, licence_managers, own_products, parts_of
from workflows.refusals import FieldRefusals, Refusal
from workflows.replies import About, Said
from workflows.rules import Rules

WHAT = "Red alerts"
REASON_AT_LEAST, REASON_AT_MOST = 20, 1000
TOO_SHORT = "Say why in 20 characters or more: an auditor reads this."
USES_IT = "You use it yourself, so someone else must grant this."


class Answer(enum.StrEnum):
    """What a person says to software found on their device. Stored."""

    ASK = "ask"
    REMOVE = "remove"
    ANOTHER_PRODUCT = "another_product"
    PART_OF = "part_of"
    NOT_MINE = "not_mine"
    HAVE = "have"


#: "That is not right": a person looks at it.
WRONG = frozenset({Answer.ANOTHER_PRODUCT, Answer.PART_OF, Answer.NOT_MINE, Answer.HAVE})


class NotYourPlace(Refusal):
    """Somebody else is asked about this device."""

    def __init__(self) -> None:
        super().__init__("This question is for somebody else. You can look, not answer.")


class Settled(Refusal):
    """The software is gone, or the alert closed."""

    def __init__(self) -> None:
        super().__init__("This is settled already; there is nothing more to do.")


@dataclass(frozen=True)
class Grant:
    """An exception as it is asked for. `department` "" means the devices of the alert, else everybody there."""

    reason: str
    owner_id: int | None
    ends_on: date | None
    evidence: str = ""
    department: str = ""


def require_acting(connection: Connection, product_id: int | None, by: int, roles: Collection[Role]) -> None:
    """Licence managers and IT act on alerts; an owner on those of their own products. Raises NotForYou."""
    if access(Page.ALERTS, parts_of(roles)) >= Access.ACT:
        return
    if product_id is not None and product_id in own_products(connection, by):
        return
    raise NotForYou(WHAT, licence_managers(connection))


def take(
    work: UnitOfWork, rules: Rules, alert_id: int, version: int | None, by: int, roles: Collection[Role], now: datetime
) -> None:
    """One person has it; the record there hears of it. Raises NotForYou, AlreadyDecided, IllegalMove or OldCard."""
    alert = locked(work, alert_id)
    require_acting(work.connection, alert.product_id, by, roles)
    if alert.state == AlertState.TAKEN:
        raise taken_already(work, alert)
    alert = locked(work, alert_id, version)
    alert.taken_by_id, alert.taken_at = by, now
    move(work, alert, Verb.TAKE, f"person:{by}", now)
    name = work.session.get_one(Person, by).name
    effects = records.note(work, alert, "taken", f"{name} has {reference(alert.id)}.")
    enqueue(work, [*effects, *messages.changed(work, [alert.id], now)], now)


def ask_people(
    work: UnitOfWork, rules: Rules, alert_id: int, version: int | None, by: int, roles: Collection[Role], now: datetime
) -> int:
    """Ask everybody it is about, each in private; a person hears once a day about software, of all of it (§8).

    Returns how many were asked. Raises what `take` raises.
    """
    alert = locked(work, alert_id, version)
    require_acting(work.connection, alert.product_id, by, roles)
    asked = asking.to_ask(work, alert_id)
    people = {place.person_id for place in asked}
    effects = asking.ask(work, alert, asked, f"person:{by}", now)
    effects += messages.changed(work, [alert_id], now)
    enqueue(work, dict.fromkeys(effects), now)
    return len(people)


def place_of(work: UnitOfWork, place_id: int, by: int) -> tuple[AlertPlace, RedAlert]:
    """A place this person is asked about, their own or in place of somebody, with its alert, both held.

    Raises NotYourPlace or Settled.
    """
    alert_id = work.connection.execute(select(AlertPlace.alert_id).where(AlertPlace.id == place_id)).scalar()
    if alert_id is None:
        raise Settled
    alert = work.session.get_one(RedAlert, alert_id, with_for_update=True, populate_existing=True)
    place = work.session.get_one(AlertPlace, place_id, with_for_update=True, populate_existing=True)
    if place.person_id != by and not asking.asked_instead(work.connection, place_id, by):
        raise NotYourPlace
    if place.gone_at is not None or alert.state == AlertState.CLOSED:
        raise Settled
    return place, alert


def answer(
    work: UnitOfWork, rules: Rules, place_id: int, by: int, said: Answer, now: datetime, words: str = ""
) -> AlertPlace:
    """Keep what the person says; "not my device" corrects whose it is. Raises NotYourPlace or Settled."""
    place, alert = place_of(work, place_id, by)
    place.answer, place.words, place.answered_at = said.value, words.strip(), now
    if said is Answer.REMOVE:
        answer_by = (place.asked_at or now).date() + timedelta(days=rules.policy.alerts.answer_days)
        place.remove_by = answer_by + timedelta(days=rules.policy.alerts.remove_days)
    if said is Answer.NOT_MINE and place.device_id is not None and place.person_id is not None:
        _not_theirs(work, place.device_id, place.person_id, by, now)
    facts = {"place": place.id, "device": place.device_id, "answer": said.value}
    move(work, alert, Verb.ANSWER, f"person:{by}", now, facts=facts, personal={"words": words} if words else {})
    effects = messages.changed(work, [alert.id], now)
    effects += records.note(work, alert, f"answers-{now.date()}", _answers(work, alert))
    enqueue(work, effects, now)
    return place


def _answers(work: UnitOfWork, alert: RedAlert) -> str:
    """How many asked have answered; names stay here."""
    rows = work.connection.execute(
        select(AlertPlace.answer).where(AlertPlace.alert_id == alert.id, AlertPlace.asked_at.is_not(None))
    ).scalars()
    given = list(rows)
    return f"{reference(alert.id)}: {len(given)} asked, {sum(1 for one in given if one)} answered."


def _not_theirs(work: UnitOfWork, device_id: int, person_id: int, by: int, now: datetime) -> None:
    """Nobody is known as the device's person until it reports who is; what was thought before is kept."""
    device = work.session.get_one(Device, device_id, with_for_update=True)
    if device.person_id != person_id:
        return
    work.session.add(
        Superseded(
            table_name="device",
            row_id=device.id,
            facts={"person_id": device.person_id, "person_source": device.person_source},
            recorded_at=device.recorded_at or device.first_seen_at or now,
            superseded_at=now,
        )
    )
    device.person_id, device.person_source, device.recorded_at = None, "themselves", now
    work.session.flush()
    facts = {"device": device_id, "before": person_id}
    work.record([Happened(Tag.DEVICE_PERSON_CORRECTED, f"person:{by}", f"device:{device_id}", facts)], now)


def grant_exception(
    work: UnitOfWork,
    rules: Rules,
    alert_id: int,
    version: int | None,
    grant: Grant,
    by: int,
    roles: Collection[Role],
    now: datetime,
) -> ExceptionGrant:
    """Tolerate it until a day. It never leaves a count. Raises FieldRefusals, NotForYou, IllegalMove or OldCard."""
    alert = locked(work, alert_id, version)
    require_acting(work.connection, alert.product_id, by, roles)
    places = work.connection.execute(
        select(AlertPlace.device_id, AlertPlace.person_id).where(
            AlertPlace.alert_id == alert_id, AlertPlace.gone_at.is_(None)
        )
    ).all()
    wrong = _wrong(grant, rules, now.date())
    if any(place.person_id == by for place in places) or _holds(work, alert.product_id, by):
        wrong["why"] = USES_IT
    if wrong:
        raise FieldRefusals(wrong)
    assert grant.owner_id is not None and grant.ends_on is not None  # noqa: S101  checked above
    row = ExceptionGrant(
        product_id=alert.product_id,
        alert_id=alert.id,
        devices=[] if grant.department else sorted(one.device_id for one in places if one.device_id is not None),
        department=grant.department,
        reason=grant.reason.strip(),
        evidence=grant.evidence.strip()[:500],
        owner_id=grant.owner_id,
        granted_by_id=by,
        granted_at=now,
        ends_on=grant.ends_on,
    )
    work.session.add(row)
    work.session.flush()  # the alert names it
    alert.exception_id = row.id
    facts = {"exception": row.id, "ends_on": grant.ends_on, "devices": len(row.devices), "owner": grant.owner_id}
    move(work, alert, Verb.EXCEPT, f"person:{by}", now, facts=facts, personal={"reason": row.reason})
    _authorised(work, alert, row)
    words = f"{reference(alert.id)}: exception until {day(grant.ends_on)} for {devices(len(places))}."
    effects = records.note(work, alert, f"exception-{row.id}", words)
    effects += _tell_owner(work, row, alert, by, now)
    enqueue(work, [*effects, *messages.changed(work, [alert.id], now)], now)
    return row


def _wrong(grant: Grant, rules: Rules, today: date) -> dict[str, str]:
    """Sentences by field; the last day is the policy's."""
    last = today + timedelta(days=rules.policy.alerts.exception_max_days)
    wrong = {}
    if not REASON_AT_LEAST <= len(grant.reason.strip()) <= REASON_AT_MOST:
        wrong["why"] = TOO_SHORT
    if grant.owner_id is None:
        wrong["person"] = "Choose somebody in the staff directory who answers for it."
    if grant.ends_on is None or not today < grant.ends_on <= last:
        wrong["until"] = f"Choose a day up to {day(last)}."
    return wrong


def _holds(work: UnitOfWork, product_id: int | None, person_id: int) -> bool:
    """Whether the product is on a device of this person."""
    if product_id is None:
        return False
    query = (
        select(Installation.id)
        .join(Title, Title.id == Installation.title_id)
        .join(Device, Device.id == Installation.device_id)
        .where(Title.product_id == product_id, Installation.ended_at.is_(None), Device.person_id == person_id)
        .limit(1)
    )
    return work.connection.execute(query).first() is not None


def _authorised(work: UnitOfWork, alert: RedAlert, grant: ExceptionGrant) -> None:
    """Each installation says what authorised it (rules §2); it counts as before."""
    if not grant.devices or alert.product_id is None:
        return
    titles = select(Title.id).where(Title.product_id == alert.product_id)
    work.connection.execute(
        update(Installation)
        .where(
            Installation.device_id.in_(grant.devices),
            Installation.title_id.in_(titles),
            Installation.ended_at.is_(None),
            Installation.authorised_by == "nothing",
        )
        .values(authorised_by="exception")
    )


def _tell_owner(work: UnitOfWork, grant: ExceptionGrant, alert: RedAlert, by: int, now: datetime) -> list[Effect]:
    if grant.owner_id == by:
        return []
    name = (alert.figures or {}).get("name", "the software")
    granter = work.session.get_one(Person, by).name
    text = (
        f"You answer for an exception: {name}, until {day(grant.ends_on)}. {granter} granted it. "
        "You are asked again 30 days before the end."
    )
    event = Happened(Tag.ALERT_EXCEPTED, f"person:{by}", f"exception:{grant.id}", {"told": grant.owner_id})
    (event_id,) = work.record([event], now)
    said = Said(About.TEXT, text=text)
    return list(cards.new_card(work, CardKind.NOTE, event_id, cards.person(grant.owner_id), now, facts=said.facts()))


def settle_wrong_product(
    work: UnitOfWork,
    alert_id: int,
    title_id: int,
    word: titles_settled.Word,
    by: int,
    roles: Collection[Role],
    now: datetime,
) -> titles_settled.Settled:
    """A human agrees that a name is something else, once for all devices; people who said so hear that they were right.

    Raises what `titles_settled.correct` raises. The cause is looked at anew at once.
    """
    alert = locked(work, alert_id)
    done = titles_settled.correct(work, title_id, alert.product_id, word, by, roles, now)
    what = f"it is {done.product}" if done.product else "it is no product that needs a licence"
    if done.product and not word.paid and word.as_ is titles_settled.As.NEW:
        what += ", which is free"
    device_ids = select(Installation.device_id).where(
        Installation.title_id == title_id, Installation.ended_at.is_(None)
    )
    work.connection.execute(
        update(AlertPlace)
        .where(
            AlertPlace.alert_id == alert_id,
            AlertPlace.device_id.in_(device_ids),
            AlertPlace.answer.in_([one.value for one in WRONG]),
        )
        .values(answer="right", words=what)
    )
    products = tuple({one for one in (alert.product_id, word.product_id) if one is not None})
    enqueue(work, [LookAtAlerts(products), *messages.changed(work, [alert_id], now)], now)
    return done
