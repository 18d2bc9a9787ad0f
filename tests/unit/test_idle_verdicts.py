"""Hand-worked verdicts: each sentence of the field's rules on idleness and of Graph's reference has a row here."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from licensing.idle import (
    Evidence,
    Kind,
    PersonFacts,
    Reading,
    Rule,
    SeatFacts,
    Verdict,
    evidence_of,
    gives_mail,
    judge,
)
from licensing.idle.products import is_free
from licensing.idle.signals import attempt_after_success, day_of, last_use, signed_in_on
from licensing.idle.silence import days_away

TODAY = date(2026, 11, 23)
RULE = Rule(number=7, idle_days=60)
ANA = PersonFacts(account_since=date(2024, 2, 1), starts_on=date(2024, 2, 3))
SEAT = SeatFacts(since=date(2025, 1, 7))
COPILOT = evidence_of("Microsoft Copilot for Microsoft 365", "Microsoft_365_Copilot")
E3 = evidence_of("Microsoft 365 E3", "SPE_E3")
VISIO = evidence_of("Visio Plan 2", "VISIOCLIENT")
MIRO = evidence_of("Miro", "", microsoft=False)
NEVER = [
    "absent",
    None,
    "",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00",
    datetime(1, 1, 1, tzinfo=UTC),
    date(1, 1, 1),
]


def read(
    source: str,
    used_on: date | None = None,
    as_of: date | None = date(2026, 11, 21),
    health: str = "fine",
    listed: bool = True,
    **facts: Any,
) -> Reading:
    """A reading two days old, with its facts."""
    return Reading(source, used_on, as_of, health, listed, facts)


def signs(success: Any = None, interactive: Any = None, non_interactive: Any = None, health: str = "fine") -> Reading:
    facts = {"success": success, "interactive": interactive, "non_interactive": non_interactive}
    return read("sign_in", None, health=health, **{name: one for name, one in facts.items() if one != "absent"})


def verdict(
    *readings: Reading,
    by: Evidence = COPILOT,
    person: PersonFacts = ANA,
    seat: SeatFacts = SEAT,
    rule: Rule = RULE,
    today: date = TODAY,
) -> Verdict:
    return judge(person, seat, readings, by, rule, today)


# -- what counts as a day ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("never", NEVER)
def test_every_form_of_never_is_no_date(never: Any) -> None:
    """Absent, null, the empty string and year 1 all mean never; nobody was idle for two thousand years."""
    assert signed_in_on({} if never == "absent" else {"success": never, "interactive": never}) is None
    found = verdict(signs(never, never, never), read("m365_active"), by=E3)
    assert (found.kind, found.used_on) == (Kind.UNKNOWN, None)
    assert found.sentence == "not known: no source shows a day of use, and that is no proof of none"


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2021-06-17T16:41:33Z", date(2021, 6, 17)),
        ("2026-11-20T23:30:00-05:00", date(2026, 11, 21)),
        ("2026-11-20", date(2026, 11, 20)),
        (datetime(2026, 11, 20, 1, tzinfo=UTC), date(2026, 11, 20)),
        (date(2026, 11, 20), date(2026, 11, 20)),
        ("yesterday", None),
        ("   ", None),
        (20261120, None),
        (True, None),
        ("1601-01-01T00:00:00Z", None),
    ],
)
def test_a_day_is_read_or_it_is_none(value: Any, day: date | None) -> None:
    assert day_of(value) == day


@pytest.mark.parametrize(
    ("what", "facts", "day"),
    [
        ("the last success, where there is one, and not a later attempt that failed",
         {"success": "2026-09-12T08:00:00Z", "interactive": "2026-11-22T03:00:00Z", "non_interactive": None},
         date(2026, 9, 12)),
        ("a success by a client counts though nobody typed a password",
         {"success": "2026-11-20T08:00:00Z", "interactive": "2024-01-01T00:00:00Z"}, date(2026, 11, 20)),
        ("no success was filled in before Dec 2023: the later of both attempts",
         {"success": None, "interactive": "2023-10-01T00:00:00Z", "non_interactive": "2023-11-15T00:00:00Z"},
         date(2023, 11, 15)),
        ("the same with the empty string, as Microsoft's own sample writes it",
         {"success": "", "interactive": "2021-06-17T16:41:33Z", "non_interactive": "0001-01-01T00:00:00Z"},
         date(2021, 6, 17)),
        ("nothing at all", {}, None),
    ],
)  # fmt: skip
def test_last_use_by_sign_ins(what: str, facts: dict[str, Any], day: date | None) -> None:
    assert signed_in_on(facts) == day, what
    assert last_use(Reading("sign_in", TODAY, TODAY, facts={"success": None, **facts})) == day, what


def test_an_attempt_after_the_last_success_is_a_reason_to_look() -> None:
    """A password spray refreshes lastSignInDateTime; so does somebody who can no longer get in."""
    sprayed = signs("2026-09-01T08:00:00Z", "2026-11-22T03:00:00Z", "2026-09-01T08:00:00Z")
    assert attempt_after_success(sprayed.facts) == date(2026, 11, 22)
    found = verdict(sprayed, read("m365_active", date(2026, 9, 12)), by=E3)
    assert (found.kind, found.look) == (Kind.IDLE, ("tried to sign in since, without success",))


# -- verdicts of each source -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "by", "readings", "kind", "sentence"),
    [
        ("idle by the product's own report", COPILOT, [read("copilot", date(2026, 9, 12))], Kind.IDLE,
         "no use since 12 Sep 2026 (Copilot report, 2 days old)"),
        ("the rule's last day: 60 days ago is idle", COPILOT, [read("copilot", date(2026, 9, 24))], Kind.IDLE,
         "no use since 24 Sep 2026 (Copilot report, 2 days old)"),
        ("59 days ago is not", COPILOT, [read("copilot", date(2026, 9, 25))], Kind.ACTIVE,
         "used on 25 Sep 2026 (Copilot report, 2 days old)"),
        ("a sign-in says nothing about Copilot", COPILOT,
         [signs("2026-11-22T08:00:00Z"), read("copilot", date(2026, 9, 12))], Kind.IDLE,
         "no use since 12 Sep 2026 (Copilot report, 2 days old)"),
        ("a sign-in never makes Visio used or unused", VISIO,
         [signs("2026-08-01T08:00:00Z"), read("m365_active", date(2026, 8, 1))], Kind.UNKNOWN,
         "not known: Microsoft does not report use of Visio"),
        ("metering that was imported does", VISIO, [read("import", date(2026, 9, 1))], Kind.IDLE,
         "no use since 1 Sep 2026 (imported list of use, 2 days old)"),
        ("of another vendor's product nobody reports use", MIRO, [], Kind.UNKNOWN,
         "not known: no source reports use of Miro"),
        ("the suite: the newest of sign-in and workloads counts", E3,
         [signs("2026-09-01T08:00:00Z"), read("m365_active", date(2026, 8, 1)), read("teams", date(2026, 9, 3))],
         Kind.IDLE,
         "no use since 3 Sep 2026 (Teams report, 2 days old)"),
        ("the suite: a workload shows use that no sign-in shows", E3,
         [signs("2026-08-01T08:00:00Z"), read("m365_active", date(2026, 11, 19))], Kind.ACTIVE,
         "used on 19 Nov 2026 (Microsoft 365 report, 2 days old)"),
        ("the suite without Entra P1: by the reports, and said so", E3,
         [read("sign_in", health="no_licence", listed=False), read("m365_active", date(2026, 9, 1))], Kind.IDLE,
         "no use since 1 Sep 2026 (Microsoft 365 report, 2 days old, without the sign-in log)"),
        ("a report of today", COPILOT, [read("copilot", date(2026, 9, 12), as_of=TODAY)], Kind.IDLE,
         "no use since 12 Sep 2026 (Copilot report of today)"),
        ("use on a day stays true, however old the report", COPILOT,
         [read("copilot", date(2026, 10, 20), as_of=date(2026, 10, 21), health="stale")], Kind.ACTIVE,
         "used on 20 Oct 2026 (Copilot report, 33 days old)"),
        ("a day in the future is a clock that is wrong", COPILOT, [read("copilot", date(2027, 3, 1))], Kind.ACTIVE,
         "used on 23 Nov 2026 (Copilot report, 2 days old)"),
        ("listed without a day is no proof of none", COPILOT, [read("copilot")], Kind.UNKNOWN,
         "not known: no source shows a day of use, and that is no proof of none"),
        ("never read", COPILOT, [], Kind.UNKNOWN, "not known: no Copilot report has been read"),
        ("one of two was never read", E3, [signs("2026-08-01T08:00:00Z")], Kind.UNKNOWN,
         "not known: the Microsoft 365 report has not been read"),
        ("not in the report", COPILOT, [read("copilot", listed=False)], Kind.UNKNOWN,
         "not known: the Copilot report does not list this person"),
        ("stale", COPILOT, [read("copilot", date(2026, 9, 12), as_of=date(2026, 11, 15))], Kind.UNKNOWN,
         "not known: the Copilot report is 8 days old"),
        ("of no known day", COPILOT, [read("copilot", date(2026, 9, 12), as_of=None)], Kind.UNKNOWN,
         "not known: the Copilot report is too old"),
        ("concealed names", COPILOT, [read("copilot", health="concealed", listed=False)], Kind.UNKNOWN,
         "not known: Microsoft hides the names in its reports"),
        ("no permission", E3, [signs(health="no_permission"), read("m365_active", date(2026, 8, 1))], Kind.UNKNOWN,
         "not known: Seatkeeper has no permission to read the sign-in log"),
        ("unreadable", COPILOT, [read("copilot", date(2026, 9, 12), health="unreadable")], Kind.UNKNOWN,
         "not known: the Copilot report could not be read"),
    ],
)  # fmt: skip
def test_a_verdict_and_its_sentence(
    what: str, by: Evidence, readings: list[Reading], kind: Kind, sentence: str
) -> None:
    found = verdict(*readings, by=by)
    assert (found.kind, found.sentence) == (kind, sentence), what
    assert bool(found.unknown_because) == (kind is Kind.UNKNOWN), what
    assert found.may_be_taken == (kind is Kind.IDLE), what


def test_little_use_is_a_ground_only_where_policy_asks_and_the_source_counts_days() -> None:
    little = replace(RULE, little_used_days=2)
    used = read("copilot", date(2026, 11, 20), days=2, window=30)
    assert verdict(used).kind is Kind.ACTIVE
    found = verdict(used, rule=little)
    assert (found.kind, found.because, found.short) == (Kind.LITTLE_USED, "little use (rule 7)", "little used")
    assert found.sentence == "used on 2 of 30 days, last on 20 Nov 2026 (Copilot report, 2 days old)"
    assert verdict(read("copilot", date(2026, 11, 20), days=3), rule=little).kind is Kind.ACTIVE
    assert verdict(read("copilot", date(2026, 11, 20), days="2"), rule=little).kind is Kind.ACTIVE
    few_in_teams = [signs("2026-11-20T08:00:00Z"), read("m365_active"), read("teams", date(2026, 11, 20), days=1)]
    assert verdict(*few_in_teams, by=E3, rule=little).kind is Kind.ACTIVE, "one workload says nothing about a suite"
    old = read("copilot", date(2026, 11, 10), days=1, as_of=date(2026, 11, 11))
    assert verdict(old, rule=little).kind is Kind.ACTIVE, "a stale report proves use and not its absence"


def test_words_without_a_day_are_for_managers_and_lists() -> None:
    """Privacy mode: managers see active or idle, never dates."""
    assert verdict(read("copilot", date(2026, 9, 12))).short == "looks idle, over 60 days"
    assert verdict(read("copilot", date(2026, 11, 12))).short == "in use"
    assert verdict().short == "use not known"


def test_each_source_is_kept_with_value_and_age() -> None:
    found = verdict(signs("2026-11-22T08:00:00Z"), read("copilot", date(2026, 9, 12)), read("mailbox", listed=False))
    seen = {one.source: (one.value, one.age, one.counts) for one in found.sources}
    assert seen == {
        "sign_in": ("last use 22 Nov 2026", 2, False),
        "copilot": ("last use 12 Sep 2026", 2, True),
        "mailbox": ("does not list this person", 2, False),
    }


# -- what explains silence ---------------------------------------------------------------------------------------------

QUIET = read("copilot", date(2026, 9, 1))


@pytest.mark.parametrize(
    ("what", "person", "sentence"),
    [
        ("a future hire", {"starts_on": date(2026, 12, 1)}, "not known: starts on 1 Dec 2026"),
        ("a new hire", {"starts_on": date(2026, 10, 1)}, "not known: started on 1 Oct 2026, too lately to judge"),
        ("a new account counts like a new hire",
         {"account_since": date(2026, 11, 1)}, "not known: started on 1 Nov 2026, too lately to judge"),
        ("away now", {"absent_from": date(2026, 8, 1), "absent_until": date(2026, 12, 7)},
         "not known: away until 7 Dec 2026"),
        ("away without an end", {"absent_from": date(2026, 8, 1)}, "not known: away"),
        ("a room", {"account": "room"}, "not known: this is a room, not a person"),
        ("a shared mailbox", {"account": "shared"}, "not known: this is a shared mailbox, not a person"),
        ("a service account", {"account": "service"}, "not known: this is a service account, not a person"),
    ],
)  # fmt: skip
def test_silence_that_is_explained_is_not_idleness(what: str, person: dict[str, Any], sentence: str) -> None:
    found = verdict(QUIET, person=replace(ANA, **person))
    assert (found.kind, found.sentence, found.may_be_taken) == (Kind.UNKNOWN, sentence, False), what


def test_days_away_are_taken_off_and_the_rest_counts() -> None:
    """Away for two weeks within 83 quiet days: 69 of them were at work."""
    away = replace(ANA, absent_from=date(2026, 10, 1), absent_until=date(2026, 10, 14))
    assert verdict(QUIET, person=away).kind is Kind.IDLE
    back = verdict(QUIET, person=replace(ANA, absent_from=date(2026, 9, 5), absent_until=date(2026, 11, 16)))
    assert back.kind is Kind.ACTIVE, "ten days at work are not sixty"
    assert back.sentence == "used on 1 Sep 2026 (Copilot report, 2 days old), and away until 16 Nov 2026"
    before = replace(ANA, was_absent_from=date(2026, 9, 5), was_absent_until=date(2026, 11, 16))
    planned = replace(before, absent_from=date(2026, 12, 20), absent_until=date(2027, 1, 2))
    for person in (before, planned):
        assert verdict(QUIET, person=person).sentence == back.sentence, "what is planned next does not matter"
    twice = replace(away, was_absent_from=date(2026, 10, 10), was_absent_until=date(2026, 10, 20))
    assert days_away(twice, date(2026, 9, 1), TODAY) == 20, "each day once"
    later = replace(ANA, absent_from=date(2026, 12, 20), absent_until=date(2027, 1, 2))
    assert verdict(QUIET, person=later).kind is Kind.IDLE


def test_a_seat_is_judged_once_it_was_held_for_the_days_of_the_rule() -> None:
    assert verdict(QUIET, seat=SeatFacts(since=date(2026, 9, 24))).kind is Kind.IDLE
    found = verdict(QUIET, seat=SeatFacts(since=date(2026, 10, 4)))
    assert found.sentence == "not known: given on 4 Oct 2026, too lately to judge"
    assert found.excluded == ""
    assert verdict(QUIET, seat=SeatFacts(since=date(2026, 11, 10))).excluded_code == "new_seat"


def test_a_room_that_signs_in_is_not_used_by_a_person() -> None:
    assert verdict(read("copilot", TODAY), person=replace(ANA, account="room")).kind is Kind.UNKNOWN


def test_a_paused_rule_judges_nothing_and_says_why() -> None:
    found = verdict(QUIET, rule=replace(RULE, paused="5 of 12 holders said they use it"))
    assert found.sentence == "not known: rule 7 is paused: 5 of 12 holders said they use it"


# -- what forbids to take it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("person", "seat", "code", "words"),
    [
        ({"active": False}, {}, "leaver", "the account is disabled: leavers have a list of their own"),
        ({"leaves_on": date(2026, 11, 20)}, {}, "leaver", "left: leavers have a list of their own"),
        ({"employment": "guest"}, {}, "guest", "a guest"),
        ({"account": "room"}, {}, "account", "this is a room"),
        ({"account": "service"}, {}, "account", "this is a service account"),
        ({"excluded_by": "the policy leaves out Legal"}, {}, "policy", "the policy leaves out Legal"),
        ({"starts_on": date(2026, 12, 1)}, {}, "future_hire", "has not started yet"),
        ({"starts_on": date(2026, 11, 1)}, {}, "new_hire", "newly hired"),
        ({"absent_from": date(2026, 11, 1)}, {}, "leave", "away now"),
        ({}, {"since": date(2026, 11, 10)}, "new_seat", "newly given"),
        ({}, {"free": True}, "free", "costs nothing, so taking it back frees nothing"),
        ({}, {"stated": False}, "unstated", "Microsoft does not say how it was given, so it is not touched"),
        ({}, {"paths": 2}, "two_paths", "held by two paths, so removing one frees no seat"),
        ({}, {"role": True}, "role", "part of the role"),
        ({}, {"mail": True, "mailbox_held": True}, "held", "the mailbox is on hold"),
        ({}, {"group": "Design-All"}, "group", "comes through the group Design-All and is only reported"),
        ({}, {"group": "Design-All", "group_may_act": True, "group_obstacle": "dynamic"}, "group",
         "comes through the group Design-All and is only reported, whose members a rule decides"),
        ({}, {"group": "Copilot", "group_may_act": True}, "", ""),
        ({}, {"mailbox_held": True}, "", ""),
        ({}, {}, "", ""),
    ],
)  # fmt: skip
def test_what_is_never_listed_however_idle(person: dict[str, Any], seat: dict[str, Any], code: str, words: str) -> None:
    found = verdict(QUIET, person=replace(ANA, **person), seat=replace(SEAT, **seat))
    assert (found.excluded_code, found.excluded) == (code, words)
    assert found.may_be_taken == (not code)


def test_guests_are_judged_where_policy_says_so() -> None:
    assert verdict(QUIET, person=replace(ANA, employment="guest"), rule=replace(RULE, guests=True)).may_be_taken


# -- why somebody should look ------------------------------------------------------------------------------------------

GB = 1024**3


@pytest.mark.parametrize(
    ("mailbox", "look"),
    [
        (read("mailbox", bytes=12 * GB, archive=False), ()),
        (read("mailbox", bytes=50 * GB, archive=False), ()),
        (read("mailbox", bytes=50 * GB + 1, archive=False), ("mailbox over 50 GB",)),
        (read("mailbox", bytes=2 * GB, archive=True), ("has an archive mailbox",)),
        (read("mailbox", bytes=None, archive=False), ("size of the mailbox not known",)),
        (read("mailbox", bytes=2 * GB), ("archive not checked",)),
        (read("mailbox", listed=False), ("size of the mailbox not known",)),
        (read("mailbox", bytes=GB, archive=False, as_of=date(2026, 11, 1)),
         ("size of the mailbox not known", "not up to date: mailbox report")),
        (None, ("size of the mailbox not known",)),
    ],
)  # fmt: skip
def test_a_mailbox_that_wants_a_tick_of_its_own(mailbox: Reading | None, look: tuple[str, ...]) -> None:
    quiet = [signs("2026-08-01T08:00:00Z"), read("m365_active", date(2026, 8, 1))]
    found = verdict(*quiet, *([mailbox] if mailbox else []), by=E3, seat=replace(SEAT, mail=True))
    assert (found.kind, found.look) == (Kind.IDLE, look)


def test_sources_that_disagree_are_a_reason_to_look() -> None:
    """A rule may leave out the sign-in; that it shows later use is told all the same."""
    readings = [signs("2026-11-20T08:00:00Z"), read("m365_active", date(2026, 9, 1))]
    found = verdict(*readings, by=E3.only(["m365_active"]))
    assert (found.kind, found.look) == (Kind.IDLE, ("sources disagree: later use in the sign-in log",))
    assert verdict(*readings, by=E3).kind is Kind.ACTIVE


def test_somebody_who_leaves_soon_wants_a_look_and_no_reason_names_a_day() -> None:
    found = verdict(QUIET, person=replace(ANA, leaves_on=TODAY + timedelta(days=20)))
    assert found.look == ("will leave the company",)


# -- products ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "part", "needs", "mail"),
    [
        ("Microsoft 365 E3", "SPE_E3", ("sign_in", "m365_active"), True),
        ("Microsoft 365 F3", "SPE_F1", ("sign_in", "m365_active"), True),
        ("Exchange Online (Plan 1)", "EXCHANGESTANDARD", ("sign_in", "m365_active"), True),
        ("Microsoft 365 Apps for Enterprise", "OFFICESUBSCRIPTION", ("sign_in", "m365_active"), False),
        ("Microsoft Copilot for Microsoft 365", "Microsoft_365_Copilot", ("copilot",), False),
        ("Microsoft Copilot Studio", "Power_Virtual_Agents", ("import",), False),
        ("Visio Plan 2", "VISIOCLIENT", ("import",), False),
        ("Planner and Project Plan 3", "PROJECTPROFESSIONAL", ("import",), False),
        ("Power BI Pro", "POWER_BI_PRO", ("import",), False),
        ("Enterprise Mobility + Security E5", "EMSPREMIUM", ("import",), False),
        ("Teams Phone Standard", "MCOEV", ("import",), False),
        ("A product of tomorrow", "NOT_IN_THE_TABLE", ("import",), False),
    ],
)
def test_which_sources_must_speak_of_a_product(name: str, part: str, needs: tuple[str, ...], mail: bool) -> None:
    assert (evidence_of(name, part).needs, gives_mail("", part)) == (needs, mail)


def test_a_rule_can_leave_sources_out_and_make_none_speak_of_more() -> None:
    assert VISIO.only(["sign_in"]).needs == ()
    found = verdict(signs("2026-08-01T08:00:00Z"), by=VISIO.only(["sign_in"]))
    assert found.sentence == "not known: Microsoft does not report use of Visio"


def test_a_list_stands_in_for_a_report_that_was_never_connected_and_for_no_other() -> None:
    """Hidden names in the reports are not got round by an old list."""
    listed = read("import", date(2026, 9, 1))
    alone = verdict(listed, by=COPILOT.connected_to([]))
    assert alone.sentence == "no use since 1 Sep 2026 (imported list of use, 2 days old)"
    hidden = verdict(listed, read("copilot", health="concealed", listed=False), by=COPILOT.connected_to(["copilot"]))
    assert hidden.sentence == "not known: Microsoft hides the names in its reports"


@pytest.mark.parametrize(
    ("part", "units", "bought", "free"),
    [
        ("FLOW_FREE", 10, False, True),
        ("flow_free", 10, True, True),
        ("SOMETHING_VIRAL", 1_000_000, False, True),
        ("SPE_E3", 200_000, True, False),
        ("SPE_E3", 40, False, False),
        ("SPE_E3", None, False, False),
    ],
)
def test_what_costs_nothing_is_not_taken_back(part: str, units: int | None, bought: bool, free: bool) -> None:
    assert is_free(part, units, 10_000, bought=bought) is free
