"""The verdict on one seat: active, little used, idle, or not known, with the sentence that explains it (rules §7).

It leans one way. Any source that counts and shows use within the rule's days makes a seat active, however old the
source is, since use on a day stays true. Idle needs more: every source that must speak is fine, fresh and names the
person, a day of use is known and lies far enough back, and nothing about the person or the seat explains the silence.
Whatever is missing makes the verdict unknown, and unknown never leads to a removal.
"""

from __future__ import annotations

from datetime import date, timedelta

from licensing.idle.facts import Kind, PersonFacts, Rule, SeatFacts, SourceSeen, Verdict
from licensing.idle.products import MAY_LACK, Evidence, named
from licensing.idle.signals import FINE, NO_LICENCE, NOT_READ, Reading, days_of_use, last_use
from licensing.idle.silence import absences, days_away, excluded, look_at, nobody, not_usable, too_soon
from licensing.words import day, joined, plural


def judge(
    person: PersonFacts, seat: SeatFacts, readings: tuple[Reading, ...], evidence: Evidence, rule: Rule, today: date
) -> Verdict:
    """The verdict on one seat on `today`."""
    seen = tuple(_seen(one, evidence, today) for one in readings)
    code, forbidden = excluded(person, seat, rule, today)
    kind, sentence, unknown, last = _kind(person, seat, readings, evidence, rule, today)
    because = ""
    if kind is Kind.IDLE:
        because = f"no use for {plural(rule.idle_days, 'day')} ({rule.name})"
    elif kind is Kind.LITTLE_USED:
        because = f"little use ({rule.name})"
    return Verdict(
        kind=kind,
        sentence=sentence,
        short=_short(kind, rule),
        sources=seen,
        rule=rule.name,
        because=because,
        look=tuple(look_at(person, seat, readings, evidence, last, rule, today)),
        excluded=forbidden,
        excluded_code=code,
        unknown_because=unknown,
        used_on=last,
    )


def _short(kind: Kind, rule: Rule) -> str:
    """Without a day: what privacy mode shows to managers and in lists."""
    if kind is Kind.IDLE:
        return f"looks idle, over {plural(rule.idle_days, 'day')}"
    return {Kind.ACTIVE: "in use", Kind.LITTLE_USED: "little used"}.get(kind, "use not known")


# -- what the sources say ----------------------------------------------------------------------------------------------


def _kind(
    person: PersonFacts, seat: SeatFacts, readings: tuple[Reading, ...], evidence: Evidence, rule: Rule, today: date
) -> tuple[Kind, str, str, date | None]:
    """Kind, sentence, why it is not known, and the last day of use."""
    last, said_by = _latest(readings, evidence, today)
    if why := nobody(person):
        return _unknown(why, last)
    if last is not None and last > today - timedelta(days=rule.idle_days):
        return _in_use(person, seat, last, said_by, readings, evidence, rule, today)
    if why := _untold(readings, evidence, rule, today):
        return _unknown(why, last)
    if last is None or said_by is None:
        return _unknown("no source shows a day of use, and that is no proof of none", None)
    if why := too_soon(person, seat, rule, today):
        return _unknown(why, last)
    if (today - last).days - days_away(person, last, today) < rule.idle_days:
        until = max(final for _, final in absences(person, today))
        return Kind.ACTIVE, f"used on {day(last)} ({_source(said_by, today)}), and away until {day(until)}", "", last
    lacking = [named(one.source) for one in readings if one.source in MAY_LACK and one.health == NO_LICENCE]
    without = f", without the {joined(lacking)}" if lacking and set(MAY_LACK) & set(evidence.needs) else ""
    return Kind.IDLE, f"no use since {day(last)} ({_source(said_by, today)}{without})", "", last


def _in_use(
    person: PersonFacts,
    seat: SeatFacts,
    last: date,
    said_by: Reading | None,
    readings: tuple[Reading, ...],
    evidence: Evidence,
    rule: Rule,
    today: date,
) -> tuple[Kind, str, str, date | None]:
    """Used lately; little where the product's own source counts few days and nothing explains them."""
    by = f" ({_source(said_by, today)})" if said_by else ""
    counted = _days_used(readings, evidence)
    if counted is not None and rule.little_used_days and counted[0] <= rule.little_used_days:
        few = not _untold(readings, evidence, rule, today) and not too_soon(person, seat, rule, today)
        if few:
            days, window = counted
            sentence = f"used on {days} of {plural(window, 'day')}, last on {day(last)}{by}"
            return Kind.LITTLE_USED, sentence, "", last
    return Kind.ACTIVE, f"used on {day(last)}{by}", "", last


def _unknown(why: str, last: date | None) -> tuple[Kind, str, str, date | None]:
    return Kind.UNKNOWN, f"not known: {why}", why, last


def _latest(readings: tuple[Reading, ...], evidence: Evidence, today: date) -> tuple[date | None, Reading | None]:
    """The newest day of use among the sources that count; a day in the future is a clock that is wrong, so today."""
    best: tuple[date | None, Reading | None] = (None, None)
    for source in evidence.counts:
        for reading in readings:
            used = last_use(reading) if reading.source == source else None
            if used is not None and (best[0] is None or min(used, today) > best[0]):
                best = (min(used, today), reading)
    return best


def _days_used(readings: tuple[Reading, ...], evidence: Evidence) -> tuple[int, int] | None:
    """Days of use, where one source alone speaks of the product: few days in Teams say nothing about a suite."""
    if len(evidence.needs) != 1:
        return None
    return next((days_of_use(one) for one in readings if one.source == evidence.needs[0]), None)


def _untold(readings: tuple[Reading, ...], evidence: Evidence, rule: Rule, today: date) -> str:
    """Why the sources that must speak do not, or ""; one that is missing is never read as "no use"."""
    if not evidence.needs:
        return evidence.silent
    by_source = {one.source: one for one in readings}
    lacking = 0
    for source in evidence.needs:
        reading = by_source.get(source)
        if reading is not None and reading.health == NO_LICENCE and source in MAY_LACK:
            lacking += 1
            continue
        if reading is None or reading.health == NOT_READ:
            if len(evidence.needs) > 1:
                return f"the {named(source)} has not been read"
            return evidence.silent
        if why := not_usable(reading, rule, today):
            return why
    return evidence.silent if lacking == len(evidence.needs) else ""


def _source(reading: Reading, today: date) -> str:
    """ "Copilot report, 2 days old"."""
    age = reading.age(today)
    if age is None:
        return f"{named(reading.source)}, of unknown age"
    return f"{named(reading.source)} of today" if age == 0 else f"{named(reading.source)}, {plural(age, 'day')} old"


def _seen(reading: Reading, evidence: Evidence, today: date) -> SourceSeen:
    used = last_use(reading)
    value = f"last use {day(used)}" if used else "no day of use" if reading.listed else "does not list this person"
    if reading.health != FINE:
        value = reading.health.replace("_", " ")
    return SourceSeen(
        source=reading.source,
        words=named(reading.source),
        used_on=used,
        as_of=reading.as_of,
        age=reading.age(today),
        health=reading.health,
        counts=reading.source in evidence.counts,
        value=value,
    )
