"""Verdicts on the seats of a product as the database tells them, on both databases, in a fixed number of statements."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from model.inventory import UsageSignal
from model.licences import Granting, Product, Publisher, Seat, Sku
from model.people import Person
from model.reclaim import RulePause
from model.session import Database, make_engine
from model.usage import HeldMailboxList, LastUse, LicensingGroup, SourceHealth
from workflows.policy_file import load
from workflows.reclaim.evidence import SeatVerdict, dry_run_only, in_words, verdicts

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
LONG_AGO = datetime(2025, 1, 7, tzinfo=UTC)
DESIGN, LATIN = "8f0e9a52-0000-4000-8000-0000000000aa", "8f0e9a52-0000-4000-8000-0000000000bb"
COPILOT_SKU = "639dec6b-bb19-468b-871c-c5c441c4b0cb"
E3_SKU = "05e9a617-0261-4cee-bb44-138d3ef5d965"
POLICY = load(
    f"""
reclaim:
  idle_days: 60
  products:
    copilot: {{rule: 7, idle_days: 60, little_used_days: 2}}
  groups:
    - {{id: {LATIN}, does_nothing_but_license: true}}
"""
)


class Office:
    """A small company whose rows are written as a sync would."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.unit_of_work() as work:
            publisher = Publisher(name="Microsoft")
            other = Publisher(name="Drawing House")
            work.session.add_all([publisher, other])
            work.session.flush()
            self.products: dict[str, int] = {}
            self.skus: dict[str, int] = {}
            for key, name, owner, guid, part in (
                ("copilot", "Microsoft Copilot for Microsoft 365", publisher, COPILOT_SKU, "Microsoft_365_Copilot"),
                ("e3", "Microsoft 365 E3", publisher, E3_SKU, "SPE_E3"),
                ("visio", "Visio Plan 2", publisher, "c5928f49-12ba-48f7-ada3-0d743a3601d5", "VISIOCLIENT"),
                ("draw", "Draw Pro", other, None, "draw"),
            ):
                product = Product(publisher_id=owner.id, name=name, key=key, granting=Granting.GRAPH_DIRECT)
                work.session.add(product)
                work.session.flush()
                sku = Sku(product_id=product.id, sku_id=guid, part_number=part)
                work.session.add(sku)
                work.session.flush()
                self.products[key], self.skus[key] = product.id, sku.id
            work.session.add_all(
                SourceHealth(source=one, state="fine", as_of=TODAY - timedelta(days=2), read_at=NOW)
                for one in ("sign_in", "m365_active", "copilot", "mailbox")
            )
            work.commit()

    def person(self, name: str, **said: Any) -> int:
        with self.database.unit_of_work() as work:
            row = Person(email=f"{name}@example.com", name=name.title(), **said)
            work.session.add(row)
            work.session.flush()
            work.commit()
            return row.id

    def seat(self, person_id: int, key: str, path: str = "direct", began_at: datetime = LONG_AGO) -> int:
        row = Seat(
            product_id=self.products[key], sku_id=self.skus[key], person_id=person_id, path=path, began_at=began_at,
            recorded_at=began_at,
        )  # fmt: skip
        self.add(row)
        return row.id

    def used(self, person_id: int, source: str, day: date | None, key: str | None = None, **facts: Any) -> None:
        self.add(
            LastUse(
                person_id=person_id, source=source, product_id=self.products[key] if key else None, used_on=day,
                facts=facts, as_of=TODAY - timedelta(days=2), read_at=NOW,
            )
        )  # fmt: skip

    def add(self, row: Any) -> None:
        with self.database.unit_of_work() as work:
            work.session.add(row)
            work.session.flush()
            work.session.expunge(row)
            work.commit()

    def verdicts(self, key: str, seat_ids: list[int] | None = None, policy: Any = POLICY) -> dict[int, SeatVerdict]:
        with self.database.reading() as connection:
            return {one.seat_id: one for one in verdicts(connection, policy, self.products[key], TODAY, seat_ids)}

    @contextmanager
    def counting(self) -> Iterator[list[str]]:
        seen: list[str] = []

        def listen(_c: Any, _u: Any, statement: str, *_rest: Any) -> None:
            seen.append(statement)

        event.listen(self.database.engine, "before_cursor_execute", listen)
        try:
            yield seen
        finally:
            event.remove(self.database.engine, "before_cursor_execute", listen)


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
