"""What holds for every verdict, whatever the sources say: it leans towards leaving a seat alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from licensing.idle import Evidence, Kind, PersonFacts, Reading, Rule, SeatFacts, evidence_of, judge
from licensing.idle.signals import SOURCE_WORDS, last_use

TODAY = date(2026, 11, 23)
MORE = {Kind.ACTIVE: 0, Kind.LITTLE_USED: 1, Kind.IDLE: 2}
NEVER: list[Any] = [None, "", "0001-01-01T00:00:00Z", "0001-01-01"]

days_ago = st.integers(-3, 900).map(lambda back: TODAY - timedelta(days=back))
maybe_day = st.none() | days_ago | st.just(date(1, 1, 1))
evidences = st.sampled_from(
    [
        evidence_of("Microsoft 365 E3", "SPE_E3"),
        evidence_of("Microsoft Copilot for Microsoft 365", "Microsoft_365_Copilot"),
        evidence_of("Visio Plan 2", "VISIOCLIENT"),
        evidence_of("Miro", microsoft=False),
    ]
) | st.builds(
    lambda names: evidence_of("Microsoft 365 E3", "SPE_E3").only(names), st.sets(st.sampled_from(sorted(SOURCE_WORDS)))
)


def seldom(value: st.SearchStrategy[Any], usual: Any = None) -> st.SearchStrategy[Any]:
    """Mostly the ordinary: verdicts other than unknown need many things to be so at once."""
    return st.integers(0, 9).flatmap(lambda dice: value if dice == 9 else st.just(usual))


people = st.builds(
    PersonFacts,
    account=seldom(st.sampled_from(["room", "shared", "service"]), "user"),
    employment=seldom(st.just("guest"), "employee"),
    active=seldom(st.just(False), True),
    starts_on=seldom(days_ago),
    leaves_on=seldom(days_ago),
    absent_from=seldom(days_ago),
    absent_until=seldom(days_ago),
    was_absent_from=seldom(days_ago),
    was_absent_until=seldom(days_ago),
)
seats = st.builds(
    SeatFacts,
    since=seldom(days_ago, date(2023, 1, 1)),
    mail=st.booleans(),
    paths=seldom(st.just(2), 1),
    stated=seldom(st.just(False), True),
    free=seldom(st.just(True), False),
)
rules = st.builds(
    Rule, number=st.just(7), idle_days=st.integers(14, 200), little_used_days=st.integers(0, 5),
    seat_grace_days=st.integers(0, 60), paused=seldom(st.just("wrong too often"), ""),
)  # fmt: skip
instants = st.sampled_from(NEVER) | days_ago.map(lambda day: f"{day}T08:00:00Z")


@st.composite
def readings(draw: st.DrawFn, evidence: Evidence) -> tuple[Reading, ...]:
    """Mostly those that must speak, mostly fine; sometimes others, and sometimes anything."""
    found = []
    sources = {one for one in evidence.needs if draw(seldom(st.just(False), True))}
    for source in sorted(sources | draw(st.sets(st.sampled_from(sorted(SOURCE_WORDS)), max_size=3))):
        facts: dict[str, Any] = {}
        if source == "sign_in":
            facts = {one: draw(instants) for one in ("success", "interactive", "non_interactive")}
        elif draw(st.booleans()):
            facts = {"days": draw(st.integers(0, 8)), "window": 30}
        troubles = st.sampled_from(["stale", "concealed", "no_licence", "no_permission", "unreadable"])
        listed = draw(seldom(st.just(False), True))
        used = draw(maybe_day) if listed and "success" not in facts else None
        as_of = TODAY - timedelta(days=draw(st.integers(0, 3)))
        as_of = draw(seldom(st.none() | st.integers(4, 60).map(lambda back: TODAY - timedelta(days=back)), as_of))
        found.append(Reading(source, used, as_of, draw(seldom(troubles, "fine")), listed, facts if listed else {}))
    return tuple(found)


cases = evidences.flatmap(lambda evidence: st.tuples(people, seats, readings(evidence), st.just(evidence), rules))
Case = tuple[PersonFacts, SeatFacts, tuple[Reading, ...], Evidence, Rule]


def verdict(case: Case) -> Any:
    return judge(*case, TODAY)


def poorer(reading: Reading, how: int) -> Reading | None:
    """The same source knowing less."""
    blank = replace(reading, used_on=None, facts={})
    return (
        None, blank, replace(blank, listed=False), replace(reading, as_of=None), replace(reading, health="stale"),
        replace(reading, health="concealed", used_on=None, facts={}, listed=False),
        replace(reading, used_on=date(1, 1, 1), facts=dict.fromkeys(reading.facts, "0001-01-01T00:00:00Z")),
    )[how]  # fmt: skip


@given(cases, st.data())
def test_losing_information_never_turns_unknown_into_a_ground(case: Case, data: st.DataObject) -> None:
    person, seat, said, evidence, rule = case
    if not said or verdict(case).kind is not Kind.UNKNOWN:
        return
    at = data.draw(st.integers(0, len(said) - 1))
    less = poorer(said[at], data.draw(st.integers(0, 6)))
    left = (*said[:at], *([less] if less else []), *said[at + 1 :])
    assert verdict((person, seat, left, evidence, rule)).kind is Kind.UNKNOWN


@given(cases, st.integers(0, 400), st.data())
def test_later_use_never_makes_a_seat_more_idle(case: Case, later: int, data: st.DataObject) -> None:
    person, seat, said, evidence, rule = case
    before = verdict(case)
    if not said or before.kind is Kind.UNKNOWN:
        return
    at = data.draw(st.integers(0, len(said) - 1))
    last = last_use(said[at])
    if last is None:
        return
    day = last + timedelta(days=later)
    facts = dict(said[at].facts) | ({"success": f"{day}T09:00:00Z"} if said[at].source == "sign_in" else {})
    newer = replace(said[at], used_on=day, facts=facts)
    after = verdict((person, seat, (*said[:at], newer, *said[at + 1 :]), evidence, rule))
    assert after.kind is Kind.UNKNOWN or MORE[after.kind] <= MORE[before.kind]
    assert not (after.may_be_taken and not before.may_be_taken)


@given(cases)
def test_a_ground_always_rests_on_fresh_sources_and_a_real_day(case: Case) -> None:
    person, seat, said, evidence, rule = case
    found = verdict(case)
    assert found.used_on is None or date(1990, 1, 1) <= found.used_on <= TODAY
    assert "0001" not in found.sentence
    if found.kind is Kind.ACTIVE or found.kind is Kind.UNKNOWN:
        assert not found.may_be_taken
        return
    by_source = {one.source: one for one in said}
    for source in evidence.needs:
        one = by_source[source]
        assert one.health == "fine" or (source, one.health) == ("sign_in", "no_licence")
        assert one.health == "no_licence" or (one.listed and one.as_of is not None)
    assert found.used_on is not None and not rule.paused and person.account == "user"
    if found.kind is Kind.IDLE:
        assert (TODAY - found.used_on).days >= rule.idle_days
        assert (TODAY - seat.since).days >= rule.idle_days
    if found.may_be_taken:
        assert person.active and person.employment != "guest" and seat.paths == 1 and seat.stated and not seat.free


@given(cases)
def test_words_for_managers_and_lists_hold_no_date(case: Case) -> None:
    found = verdict(case)
    for words in (found.short, found.because, *found.look):
        assert "2026" not in words and "2025" not in words and "2024" not in words
