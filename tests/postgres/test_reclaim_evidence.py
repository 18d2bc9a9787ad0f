"""Verdicts on the seats of a product as the database tells them, on both databases, in a fixed number of statements."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest

from model.inventory import UsageSignal
from model.reclaim import RulePause
from model.session import Database, make_engine
from model.usage import HeldMailboxList, LicensingGroup
from tests.use_office import DESIGN, LATIN, NOW, POLICY, TODAY, Office
from workflows.reclaim.evidence import dry_run_only, in_words


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    engine = make_engine(database_url)
    yield Office(Database(engine))
    engine.dispose()


def test_each_seat_is_judged_by_what_its_sources_say(office: Office) -> None:
    """Copilot by its own report, the suite by all workloads, Visio by nobody; dates stay out of the short words."""
    ana, ben, kai = office.person("ana"), office.person("ben"), office.person("kai")
    idle, few, unlisted = (office.seat(one, "copilot") for one in (ana, ben, kai))
    suite, visio = office.seat(ana, "e3"), office.seat(ana, "visio")
    office.used(ana, "copilot", date(2026, 9, 12))
    office.used(ben, "copilot", date(2026, 11, 20), days=2, window=30)
    office.used(
        ana, "sign_in", None, success="", interactive="0001-01-01T00:00:00Z", non_interactive="2026-11-20T06:00:00Z"
    )
    office.used(ana, "m365_active", date(2026, 9, 1))
    office.used(ana, "mailbox", date(2026, 9, 1), bytes=61 * 1024**3, archive=True, recipient_type=None)

    copilot = office.verdicts("copilot")
    assert copilot[idle].sentence == "no use since 12 Sep 2026 (Copilot report, 2 days old)"
    assert (copilot[idle].short, copilot[idle].rule) == ("looks idle, over 60 days", "rule 7")
    assert copilot[idle].because == "no use for 60 days (rule 7)" and copilot[idle].may_be_taken
    assert copilot[few].verdict == "little_used"
    assert copilot[few].sentence == "used on 2 of 30 days, last on 20 Nov 2026 (Copilot report, 2 days old)"
    assert copilot[unlisted].sentence == "not known: the Copilot report does not list this person"
    seen = {one["source"]: one for one in copilot[idle].evidence["sources"]}
    assert seen["copilot"] == {
        "source": "copilot", "words": "Copilot report", "used_on": "2026-09-12", "as_of": "2026-11-21", "age": 2,
        "health": "fine", "counts": True, "value": "last use 12 Sep 2026",
    }  # fmt: skip
    assert not seen["sign_in"]["counts"]
    assert in_words(copilot[idle].evidence).startswith("Copilot report: last use 12 Sep 2026, 2 days old; ")

    (e3,) = office.verdicts("e3").values()
    assert e3.seat_id == suite and e3.verdict == "active"
    assert e3.sentence == "used on 20 Nov 2026 (sign-in log, 2 days old)"
    assert e3.mail and e3.look == "has an archive mailbox; mailbox over 50 GB"
    assert office.verdicts("visio")[visio].sentence == "not known: Microsoft does not report use of Visio"


def test_paths_groups_and_holds_forbid_and_are_told(office: Office) -> None:
    office.add(LicensingGroup(group_id=DESIGN, name="Design-All", read_at=NOW))
    office.add(LicensingGroup(group_id=LATIN, name="Latin", read_at=NOW))
    people = [office.person(f"p{number}") for number in range(6)]
    for one in people:
        office.used(one, "copilot", date(2026, 9, 1))
    twice = [office.seat(people[0], "copilot"), office.seat(people[0], "copilot", f"group:{DESIGN}")]
    reported, acted = (
        office.seat(people[1], "copilot", f"group:{DESIGN}"),
        office.seat(people[2], "copilot", f"group:{LATIN}"),
    )
    unstated, role = office.seat(people[3], "copilot", "unstated"), office.seat(people[4], "copilot", "role")
    new = office.seat(people[5], "copilot", began_at=NOW - timedelta(days=3))
    found = office.verdicts("copilot")
    assert {found[one].excluded_code for one in twice} == {"two_paths"}
    assert found[reported].excluded == "comes through the group Design-All and is only reported"
    assert found[acted].may_be_taken
    assert [found[one].excluded_code for one in (unstated, role, new)] == ["unstated", "role", "new_seat"]
    assert found[new].sentence == "not known: given on 20 Nov 2026, too lately to judge"


def test_mail_is_protected_by_a_list_somebody_signed(office: Office) -> None:
    ana = office.person("ana")
    suite = office.seat(ana, "e3")
    office.used(
        ana, "sign_in", None, success="2026-08-01T06:00:00Z", interactive="2026-08-01T06:00:00Z", non_interactive=None
    )
    office.used(ana, "m365_active", date(2026, 8, 1))

    def dry(key: str, today: date = TODAY) -> str:
        with office.database.reading() as connection:
            return dry_run_only(connection, POLICY, office.products[key], today)

    assert dry("copilot") == ""
    assert dry("e3") == "Dry run only: nobody has said which mailboxes are on hold."
    office.add(HeldMailboxList(said_by_id=ana, said_at=NOW, mailboxes=["ana@example.com"]))
    assert dry("e3") == ""
    assert dry("e3", TODAY + timedelta(days=31)).endswith("in the last 30 days.")
    found = office.verdicts("e3")[suite]
    assert (found.verdict, found.excluded, found.look) == (
        "idle",
        "the mailbox is on hold",
        "size of the mailbox not known",
    )


def test_imported_days_of_use_and_a_paused_rule(office: Office) -> None:
    """Another vendor's product is judged by what was imported while that is fresh; a paused rule judges nothing."""
    ana, ben = office.person("ana"), office.person("ben")
    idle, unlisted = office.seat(ana, "draw"), office.seat(ben, "draw")

    def signal(recorded_at: datetime) -> UsageSignal:
        return UsageSignal(
            product_id=office.products["draw"],
            person_id=ana,
            kind="import",
            day=date(2026, 9, 1),
            recorded_at=recorded_at,
        )

    assert office.verdicts("draw")[idle].sentence == "not known: no source reports use of Draw Pro"
    office.add(signal(NOW - timedelta(days=5)))
    found = office.verdicts("draw")
    assert found[idle].sentence == "no use since 1 Sep 2026 (imported list of use, 5 days old)"
    assert found[unlisted].sentence == "not known: the imported list of use does not list this person"
    kai = office.person("kai")
    old = office.seat(kai, "draw")
    told = NOW - timedelta(days=20)
    office.add(
        UsageSignal(
            product_id=office.products["draw"], person_id=kai, kind="import", day=date(2026, 8, 1), recorded_at=told
        )
    )
    words = office.verdicts("draw")[old].sentence
    assert words == "not known: the imported list of use is 20 days old", "a list of others made nothing of it fresh"
    pause = RulePause(
        product_id=office.products["draw"], rule="rule 40", paused_at=NOW, words="5 of 12 holders said they use it"
    )
    office.add(pause)
    assert office.verdicts("draw")[idle].sentence == "not known: rule 40 is paused: 5 of 12 holders said they use it"


def test_the_number_of_statements_does_not_grow_with_the_seats(office: Office) -> None:
    ids = []

    def statements(chosen: list[int] | None, expected: int) -> int:
        with office.counting() as seen:
            assert len(office.verdicts("copilot", chosen)) == expected
        return len(seen)

    counts = set()
    for number in range(12):
        person_id = office.person(f"p{number}")
        ids.append(office.seat(person_id, "copilot"))
        office.used(person_id, "copilot", date(2026, 9, 1))
        if number == 0:
            counts |= {statements(None, 1), statements(ids, 1)}
    counts |= {statements(None, 12), statements(ids[3:7], 4)}
    assert len(counts) == 1 and max(counts) <= 14
