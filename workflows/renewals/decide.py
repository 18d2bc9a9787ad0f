"""What people decide about a renewal, with who may, until when, and whose word is needed besides (rules §9).

A decision that spends money runs the approval steps of a request on what the term costs; nobody agrees to their own.
What has to be sent stays red until there is proof (`workflows.renewals.proof`).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from licensing.money import Sums
from licensing.renewal.dates import Occasion
from licensing.renewal.offer import term_cost
from licensing.renewal.terms import ONE_DAY
from licensing.words import day
from model.events import Tag
from model.renewals import Renewal, RenewalDate, RenewalDecision, RenewalState
from model.session import UnitOfWork
from workflows import cards
from workflows.cards import CardKind
from workflows.effects import FollowRenewal, enqueue
from workflows.people import person_facts
from workflows.reads.prices import budgets
from workflows.refusals import AlreadyDecided, FieldRefusals, Refusal
from workflows.renewals import need
from workflows.renewals import renewal as moves
from workflows.renewals.agreeing import LONGEST_WORDS, settle, steps
from workflows.renewals.proof import units_at_vendor
from workflows.renewals.renewal import UNDECIDED, Verb
from workflows.renewals.rights import TooLate, names_of, require, subject_of
from workflows.renewals.rollover import standing
from workflows.renewals.subjects import Bought, Subject
from workflows.rules import Rules


class Verdict(enum.StrEnum):
    """What can be decided. Stored: read a new name twice."""

    RENEW = "renew"
    REDUCE = "reduce"
    RENEGOTIATE = "renegotiate"
    CANCEL = "cancel"


#: What each verdict needs the vendor to have in time; the first that has a date counts.
_DATE_OF = {
    Verdict.RENEW: (),
    Verdict.REDUCE: ("reduce", "cancel"),
    Verdict.RENEGOTIATE: ("cancel", "reduce"),
    Verdict.CANCEL: ("cancel",),
}
_PAST = {
    Verdict.RENEW: "decided to renew",
    Verdict.REDUCE: "decided to reduce",
    Verdict.RENEGOTIATE: "decided to renegotiate",
    Verdict.CANCEL: "decided to cancel",
}


@dataclass(frozen=True)
class Asked:
    """What somebody decides. `quantity` and `entitlement_id` belong to a reduction; `words` say why, or what to ask."""

    verdict: Verdict
    quantity: int | None = None
    entitlement_id: int | None = None
    words: str = ""


def decide(
    work: UnitOfWork, rules: Rules, renewal_id: int, version: int | None, by: int, asked: Asked, now: datetime
) -> RenewalDecision:
    """Record a decision. Raises NotYourRenewal, TooLate, AlreadyDecided, IllegalMove, OldCard or FieldRefusals."""
    renewal = moves.locked(work, renewal_id, version)
    subject = subject_of(work, renewal, rules, now)
    require(work, renewal, subject, by, now)
    still_open(work, renewal)
    last = _in_time(work, renewal, asked.verdict, now.date())
    chosen = _checked(subject, renewal, asked)
    total = _total(subject, renewal, asked, chosen)
    spends = asked.verdict in (Verdict.RENEW, Verdict.REDUCE)
    over = spends and _over_budget(work, subject, renewal, total)
    needs = steps(work, rules, subject, chosen, by, total, over, now) if spends else []
    money = next(iter(total.each()), None) if len(total.totals) == 1 and not total.unknown else None
    about = chosen.entitlement_id if asked.verdict is Verdict.REDUCE and chosen is not None else None
    decision = RenewalDecision(
        renewal_id=renewal.id,
        verdict=asked.verdict.value,
        quantity=asked.quantity,
        entitlement_id=about,
        vendor_units=units_at_vendor(work, subject, about)[0],
        words=asked.words.strip()[:LONGEST_WORDS],
        by_id=by,
        at=now,
        total=money.amount if money is not None and spends else None,
        currency=money.currency if money is not None and spends else "",
        over_budget=over,
        needs=needs,
        not_before=last.not_before if last is not None else None,
        carry_out_by=last.not_after if last is not None else None,
    )
    work.session.add(decision)
    work.session.flush()  # its id goes into the event
    facts = {
        "decision": decision.id,
        "verdict": decision.verdict,
        "quantity": decision.quantity,
        "total": total.rounded(),
        "over_budget": over,
        "needs": [one["step"] for one in needs],
    }
    moves.move(
        work, renewal, Verb.DECIDE, f"person:{by}", now, facts, {"words": decision.words} if decision.words else None
    )
    if not needs:
        settle(work, renewal, subject, decision, now)
    work.session.flush()
    return decision


def change(work: UnitOfWork, rules: Rules, renewal_id: int, version: int | None, by: int, now: datetime) -> None:
    """Take a decision back while there is time for another. Raises NotYourRenewal, TooLate, OldCard or IllegalMove."""
    renewal = moves.locked(work, renewal_id, version, moves.DECIDED)
    require(work, renewal, subject_of(work, renewal, rules, now), by, now)
    decision = standing(work, renewal.id)
    moves.step(RenewalState(renewal.state), Verb.CHANGE)
    last = max((row.decide_by for row in _dates(work, renewal.id)), default=None)
    if last is not None and now.date() > last:
        raise TooLate(last)
    if decision is not None:
        decision.replaced_at = now
    moves.move(work, renewal, Verb.CHANGE, f"person:{by}", now, {"decision": decision.id if decision else None})


def defer(
    work: UnitOfWork,
    rules: Rules,
    renewal_id: int,
    version: int | None,
    by: int,
    until: date,
    words: str,
    now: datetime,
) -> None:
    """Put it off to a day before decide-by. Raises NotYourRenewal, IllegalMove or FieldRefusals."""
    renewal = moves.locked(work, renewal_id, version)
    require(work, renewal, subject_of(work, renewal, rules, now), by, now)
    still_open(work, renewal)
    if until <= now.date():
        raise FieldRefusals({"until": "Choose a day after today."})
    if renewal.decide_by is not None and until >= renewal.decide_by:
        raise FieldRefusals({"until": f"Choose a day before {day(renewal.decide_by)}, the day to decide by."})
    if not words.strip():
        raise FieldRefusals({"words": "Say in a few words why."})
    moves.move(
        work, renewal, Verb.DEFER, f"person:{by}", now, {"until": until}, {"words": words.strip()[:LONGEST_WORDS]}
    )
    renewal.deferred_until = until


def assign(work: UnitOfWork, rules: Rules, renewal_id: int, by: int, owner_id: int, now: datetime) -> None:
    """Name who answers for this renewal. Raises NotYourRenewal, IllegalMove or FieldRefusals."""
    renewal = moves.locked(work, renewal_id)
    require(work, renewal, subject_of(work, renewal, rules, now), by, now)
    if renewal.state not in moves.LIVE:
        raise moves.IllegalMove(RenewalState(renewal.state), Verb.TELL)
    owner = person_facts(work.connection, [owner_id], now).get(owner_id)
    if owner is None or owner.has_left(now):
        raise FieldRefusals({"owner": "Choose somebody who works here."})
    facts = {"from": renewal.owner_id, "to": owner_id}
    renewal.owner_id, renewal.version = owner_id, renewal.version + 1
    work.record([moves.happened(renewal, Tag.RENEWAL_OWNER_NAMED, f"person:{by}", facts)], now)
    work.session.flush()
    made = cards.new_card(work, CardKind.RENEWAL, renewal.id, cards.person(owner_id), now)
    enqueue(work, [*made, FollowRenewal(renewal.id)], now)


def still_open(work: UnitOfWork, renewal: Renewal) -> None:
    """Raises AlreadyDecided with who and when, TooLate or IllegalMove unless nobody has decided yet.

    Of terms of a month or less nothing is decided: they are looked at once a quarter.
    """
    if renewal.state in UNDECIDED and renewal.occasion == Occasion.REVIEW:
        raise Refusal("Terms of a month or less go on: change or cancel it with the vendor, then correct the register.")
    if renewal.state in UNDECIDED:
        return
    decision = standing(work, renewal.id)
    if decision is not None:
        (name,) = names_of(work, [decision.by_id]) or ("Somebody",)
        raise AlreadyDecided(name, _PAST[Verdict(decision.verdict)], decision.at, decision.by_id)
    if renewal.state == RenewalState.MISSED and renewal.decide_by is not None:
        raise TooLate(renewal.decide_by, renewal.words)
    raise moves.IllegalMove(RenewalState(renewal.state), Verb.DECIDE)


def _dates(work: UnitOfWork, renewal_id: int) -> list[RenewalDate]:
    rows = work.session.execute(
        select(RenewalDate).where(RenewalDate.renewal_id == renewal_id).order_by(RenewalDate.decide_by)
    )
    return list(rows.scalars())


def _in_time(work: UnitOfWork, renewal: Renewal, verdict: Verdict, today: date) -> RenewalDate | None:
    """The window it is to be carried out in: the last one for what the verdict needs. Raises TooLate."""
    dates = _dates(work, renewal.id)
    for name in _DATE_OF[verdict]:
        own = [one for one in dates if one.decision == name]
        if own and own[-1].decide_by < today:
            raise TooLate(own[-1].decide_by)
        if own:
            return own[-1]
    if dates and _DATE_OF[verdict]:
        raise Refusal("Only the true-up or statement of this day is decided here. The rest is decided with the term.")
    return None


def _checked(subject: Subject, renewal: Renewal, asked: Asked) -> Bought | None:
    """The purchase a reduction speaks of, and whether its number can be. Raises FieldRefusals."""
    if asked.verdict is Verdict.RENEGOTIATE and not asked.words.strip():
        raise FieldRefusals({"words": "Say what to ask for."})
    lines = subject.bought
    dearest = max(lines, key=_yearly, default=None)
    if asked.verdict is not Verdict.REDUCE:
        return dearest
    chosen = next((one for one in lines if one.entitlement_id == asked.entitlement_id), None)
    if asked.entitlement_id is None:
        chosen = lines[0] if len(lines) == 1 else None
    if chosen is None:
        raise FieldRefusals({"entitlement": "Choose which product gets fewer."})
    if asked.quantity is None or asked.quantity < 0:
        raise FieldRefusals({"quantity": "Write how many are to remain."})
    have = chosen.line.quantity
    if have is not None and asked.quantity >= have:
        raise FieldRefusals({"quantity": f"{have:,} is what you have: choose Renew."})
    floor = subject.commit_floor if len(lines) == 1 else None
    if floor is not None and asked.quantity < floor:
        following = need.paid_next(subject, Occasion(renewal.occasion), renewal.ends_on)
        until = f" until {day(following.ends_on)}" if following is not None else ""
        raise FieldRefusals({"quantity": f"The contract allows no fewer than {floor:,}{until}."})
    _above_the_floor_of_all(subject, chosen, asked.quantity)
    return chosen


def _above_the_floor_of_all(subject: Subject, chosen: Bought, quantity: int) -> None:
    """A number agreed for a contract of several purchases is one for all their units together. Raises FieldRefusals."""
    others = [one.line.quantity for one in subject.bought if one is not chosen]
    if not others or None in others or subject.commit_floor is None:
        return
    beside = sum(one for one in others if one is not None)
    if quantity + beside < subject.commit_floor:
        least = subject.commit_floor - beside
        floor = f"The contract allows no fewer than {subject.commit_floor:,} in all"
        raise FieldRefusals({"quantity": f"{floor}, so {least:,} remain here."})


def _yearly(one: Bought) -> tuple[bool, Any]:
    price = one.line.unit_price
    return price is not None, (price.amount * (one.line.quantity or 0) if price else 0)


def _total(subject: Subject, renewal: Renewal, asked: Asked, chosen: Bought | None) -> Sums:
    """What the decided term costs; an occasion in the middle of a term counts the year after it."""
    following = need.paid_next(subject, Occasion(renewal.occasion), renewal.ends_on)
    if following is None or not subject.bought:
        return Sums.of([None])
    lines = [
        replace(one.line, quantity=asked.quantity) if one is chosen and asked.verdict is Verdict.REDUCE else one.line
        for one in subject.bought
    ]
    return term_cost(lines, following.starts_on, following.ends_on)


def _over_budget(work: UnitOfWork, subject: Subject, renewal: Renewal, total: Sums) -> bool:
    """Whether the year's budget of the cost centre is not known to hold it. No budget on record is no limit."""
    if not subject.cost_centre:
        return False
    year = (renewal.ends_on + ONE_DAY).year  # in which what is decided begins
    left = budgets(work.connection, [subject.cost_centre], year)
    ours = {currency: money for (_, currency), money in left.items()}
    if not ours:
        return False
    return bool(total.unknown) or any(
        money.currency not in ours or money > ours[money.currency] for money in total.each()
    )
