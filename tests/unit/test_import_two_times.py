"""Corrections and changes with both times: what is stored now, what was known before, history in its order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from model.contracts import Entitlement, EntitlementRight, Superseded
from model.inventory import Installation, Title
from model.licences import Seat
from model.people import Device, Person
from tests.unit.import_desk import DEVICES, PEOPLE, Desk, desk
from workflows.register.history import restored


@pytest.fixture
def register(sqlite_url: str) -> Iterator[Desk]:
    with desk(sqlite_url) as made:
        yield made


def at(month: int, day: int, year: int = 2026) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


def entitlement(quantity: str, recorded_at: str = "", rights: str = "", evidence: str = "") -> str:
    return (
        "reference,product,metric,quantity,unit_price,starts_on,rights,evidence,recorded_at\n"
        f"P-1,Visio,user,{quantity},5 EUR,2026-01-01,{rights},{evidence},{recorded_at}"
    )


def known(register: Desk, column: str, when: datetime) -> object:
    """What a reader of both times finds: the version with the greatest recorded_at that was not replaced by then."""
    current = register.rows(Entitlement, "recorded_at", column)
    versions = [(*row, None) for row in current] + [
        (recorded, restored(Entitlement, facts)[column], until)
        for table, recorded, until, _, _, facts in register.superseded()
        if table == "entitlement"
    ]
    open_then = [
        (recorded, value) for recorded, value, until in versions if recorded <= when and (not until or when < until)
    ]
    return max(open_then, key=lambda pair: pair[0])[1] if open_then else "not known"


def test_a_correction_keeps_what_was_known(register: Desk) -> None:
    register.take("entitlements", entitlement("10", "2026-02-01"))
    outcome = register.take("entitlements", entitlement("12", "2026-03-01"))
    assert (outcome.counts.new, outcome.counts.changed) == (0, 1)
    assert register.rows(Entitlement, "quantity", "recorded_at") == [(12, at(3, 1))]
    ((table, recorded_at, superseded_at, first, until, facts),) = register.superseded()
    assert (table, recorded_at, superseded_at, first, until) == ("entitlement", at(2, 1), at(3, 1), None, None)
    assert restored(Entitlement, facts)["quantity"] == 10
    assert restored(Entitlement, facts)["starts_on"] == date(2026, 1, 1)
    assert str(restored(Entitlement, facts)["unit_price"]) == "5"
    for when, value in ((at(1, 15), "not known"), (at(2, 1), 10), (at(2, 28), 10), (at(3, 1), 12)):
        assert known(register, "quantity", when) == value


def test_history_in_one_file_is_applied_in_its_order_and_again_changes_nothing(register: Desk) -> None:
    head, row = entitlement("12", "2026-03-01").split("\n")
    _, earlier = entitlement("10", "2026-02-01").split("\n")
    _, latest = entitlement("15", "2026-05-01").split("\n")
    text = "\n".join([head, row, latest, earlier])
    outcome = register.take("entitlements", text)
    assert (outcome.counts.new, outcome.counts.changed) == (1, 2)
    sizes = register.sizes()
    assert [known(register, "quantity", at(month, 15)) for month in (1, 2, 3, 4, 5)] == ["not known", 10, 12, 12, 15]
    assert register.take("entitlements", text).counts.unchanged == 3
    assert register.sizes() == sizes


def test_a_late_fact_about_what_was_known_once_leaves_the_present_alone(register: Desk) -> None:
    register.take("entitlements", entitlement("10", "2026-02-01"))
    register.take("entitlements", entitlement("15", "2026-05-01"))
    for month, quantity in ((3, "12"), (1, "7")):
        assert register.take("entitlements", entitlement(quantity, f"2026-0{month}-01")).counts.changed == 1
    assert register.rows(Entitlement, "quantity") == [(15,)]
    assert [known(register, "quantity", at(month, 15)) for month in range(1, 6)] == [7, 10, 12, 12, 15]
    sizes = register.sizes()
    for month, quantity in ((3, "12"), (1, "7"), (2, "10")):
        assert register.take("entitlements", entitlement(quantity, f"2026-0{month}-01")).counts.unchanged == 1
    assert register.sizes() == sizes


def test_a_right_that_is_no_longer_named_is_over_since_then(register: Desk) -> None:
    register.take("entitlements", entitlement("10", "2026-02-01", "downgrade;second_use", "clause 4"))
    outcome = register.take("entitlements", entitlement("10", "2026-03-01", "second_use", "clause 4"))
    assert (outcome.counts.changed, outcome.counts.unchanged) == (1, 0)
    assert register.rows(EntitlementRight, "name", "ended_recorded_at") == [
        ("downgrade", at(3, 1)),
        ("second_use", None),
    ]
    again = register.take("entitlements", entitlement("10", "2026-03-01", "second_use", "clause 4"))
    assert again.counts.unchanged == 1


def test_a_right_given_up_in_the_same_file_is_over_and_stays_over(register: Desk) -> None:
    """The first run kept the right and those after it ended and restored it in turn."""
    head, given = entitlement("10", "2025-03-01", "second_use", "clause 4").split("\n")
    _, gone = entitlement("10", "2026-03-01").split("\n")
    text = f"{head}\n{given}\n{gone}"
    register.take("entitlements", text)
    once = [("second_use", at(3, 1, 2025), at(3, 1))]
    assert register.rows(EntitlementRight, "name", "recorded_at", "ended_recorded_at") == once
    sizes = register.sizes()
    for again in (text, f"{head}\n{given}", text):
        assert register.take("entitlements", again).counts.changed == 0
        assert register.rows(EntitlementRight, "name", "recorded_at", "ended_recorded_at") == once
    assert register.sizes() == sizes


def test_a_right_that_comes_back_later_stays_whichever_of_its_rows_come_again(register: Desk) -> None:
    head, given = entitlement("10", "2025-03-01", "second_use", "clause 4").split("\n")
    _, gone = entitlement("10", "2026-03-01").split("\n")
    _, back = entitlement("10", "2026-06-01", "second_use", "clause 4").split("\n")
    for row in (given, gone, back):
        register.take("entitlements", f"{head}\n{row}")
    sizes = register.sizes()
    for rows in ((given, gone, back), (given,), (gone,), (given, gone), (given, gone, back)):
        assert register.take("entitlements", "\n".join([head, *rows])).counts.changed == 0
        assert register.rows(EntitlementRight, "name", "ended_recorded_at") == [("second_use", None)]
    assert register.sizes() == sizes


def test_an_empty_cell_clears_and_a_missing_column_leaves(register: Desk) -> None:
    register.take("people", PEOPLE)
    register.take("people", "email,name\nana@example.test,Ana Lind")
    assert register.rows(Person, "name", "department", "manager_id")[0] == ("Ana Lind", "Design", 2)
    register.take("people", "email,name,department,manager\nana@example.test,Ana Lind,,")
    assert register.rows(Person, "department", "manager_id")[0] == ("", None)
    assert [row[0] for row in register.superseded()] == ["person", "person"]


# -- devices -----------------------------------------------------------------------------------------------------------


def device(person: str, since: str, recorded_at: str = "") -> str:
    return f"identity,kind,person,since,recorded_at\nL1,laptop,{person}@example.test,{since},{recorded_at}"


def test_a_device_with_a_later_first_day_has_changed(register: Desk) -> None:
    register.take("people", PEOPLE)
    register.take("devices", device("ana", "2026-01-01", "2026-01-05"))
    register.take("devices", device("ben", "2026-06-01", "2026-06-03"))
    assert register.rows(Device, "person_id", "facts_since", "recorded_at") == [(2, date(2026, 6, 1), at(6, 3))]
    ((_, recorded_at, superseded_at, first, until, facts),) = register.superseded()
    assert (recorded_at, superseded_at) == (at(1, 5), at(6, 3))
    assert (first, until) == (date(2026, 1, 1), date(2026, 6, 1))
    assert restored(Device, facts)["person_id"] == 1


def test_a_device_with_the_same_first_day_is_corrected(register: Desk) -> None:
    register.take("people", PEOPLE)
    register.take("devices", device("ana", "2026-01-01"))
    register.take("devices", device("ben", "2026-01-01"))
    register.take("devices", device("kai", ""))
    assert register.rows(Device, "person_id", "facts_since") == [(3, date(2026, 1, 1))]
    assert [row[3:5] for row in register.superseded()] == [(None, None), (None, None)]


def test_the_past_of_a_device_loads_in_one_file_and_later_and_again_changes_nothing(register: Desk) -> None:
    register.take("people", PEOPLE)
    head, first = device("ana", "2026-01-01").split("\n")
    _, second = device("ben", "2026-06-01").split("\n")
    outcome = register.take("devices", f"{head}\n{second}\n{first}")
    assert (outcome.counts.new, outcome.counts.changed) == (1, 1)
    assert register.take("devices", f"{head}\n{second}\n{first}").counts.unchanged == 2
    assert register.take("devices", device("kai", "2026-03-01")).counts.changed == 1
    assert register.rows(Device, "person_id") == [(2,)]
    assert [row[3:5] for row in register.superseded()] == [
        (date(2026, 1, 1), date(2026, 6, 1)),
        (date(2026, 3, 1), date(2026, 6, 1)),
    ]
    sizes = register.sizes()
    assert register.take("devices", device("kai", "2026-03-01")).counts.unchanged == 1
    assert register.sizes() == sizes


def test_a_retired_device_says_since_when(register: Desk) -> None:
    register.take("people", PEOPLE)
    register.take("devices", DEVICES)
    register.take("devices", "identity,kind,retired_on,retired_by\nL1,laptop,2026-09-01,ben@example.test")
    assert register.rows(Device, "state", "retired_on", "retired_by_id", "person_id")[0] == (
        "retired", date(2026, 9, 1), 2, 1,
    )  # fmt: skip


# -- seats and installations -------------------------------------------------------------------------------------------


def seat(ended_on: str = "", recorded_at: str = "") -> str:
    head = "product,person,began_on,ended_on,recorded_at"
    return f"{head}\nMiro,ana@example.test,2026-01-10,{ended_on},{recorded_at}"


def test_an_end_learned_later_is_no_correction(register: Desk) -> None:
    register.take("people", PEOPLE)
    register.take("seats", seat(recorded_at="2026-01-11"))
    register.take("seats", seat("2026-03-01", "2026-04-02"))
    assert register.rows(Seat, "ended_at", "recorded_at", "end_recorded_at") == [(at(3, 1), at(1, 11), at(4, 2))]
    assert register.superseded() == []
    for text in (seat(recorded_at="2026-01-11"), seat("2026-03-01", "2026-04-02")):
        assert register.take("seats", text).counts.unchanged == 1


def test_another_end_is_a_correction_and_an_older_one_is_history(register: Desk) -> None:
    register.take("people", PEOPLE)
    register.take("seats", seat("2026-03-01", "2026-04-02"))
    register.take("seats", seat("2026-03-15", "2026-05-02"))
    assert register.rows(Seat, "ended_at", "end_recorded_at") == [(at(3, 15), at(5, 2))]
    register.take("seats", seat("2026-02-01", "2026-03-02"))
    assert register.rows(Seat, "ended_at") == [(at(3, 15),)]
    assert [row[1:3] for row in register.superseded()] == [(at(4, 2), at(5, 2)), (at(3, 2), at(4, 2))]
    sizes = register.sizes()
    register.take("seats", seat("2026-02-01", "2026-03-02"))
    register.take("seats", seat("2026-03-15", "2026-05-02"))
    assert register.sizes() == sizes


def test_an_open_row_for_what_had_ended_opens_it_again_as_a_correction(register: Desk) -> None:
    register.take("people", PEOPLE)
    register.take("seats", seat("2026-03-01"))
    register.take("seats", seat())
    assert register.rows(Seat, "ended_at", "end_recorded_at") == [(None, None)]
    assert len(register.superseded()) == 1


def test_the_history_of_an_installation_in_one_file(register: Desk) -> None:
    register.take("devices", "identity,kind\nL1,laptop")
    text = """
        device,product,version,began_on,ended_on,recorded_at
        L1,Visio,16,2026-04-01,,2026-04-02
        L1,Visio,15,2026-01-01,2026-04-01,2026-04-02
        L1,Visio,15,2026-01-01,,2026-01-02
    """
    outcome = register.take("installations", text)
    assert (outcome.counts.new, outcome.counts.changed) == (2, 1)
    assert register.rows(Installation, "version", "began_at", "ended_at", "recorded_at", "end_recorded_at") == [
        ("15", at(1, 1), at(4, 1), at(1, 2), at(4, 2)),
        ("16", at(4, 1), None, at(4, 2), None),
    ]
    assert register.rows(Title, "recorded_at") == [(at(1, 2),)]
    assert register.take("installations", text).counts.unchanged == 3
    assert register.rows(Superseded, "id") == []


HEAD = "device,title,may_be,product,began_on,recorded_at\n"
ASKED = "L1,Board App,Miro,,2026-01-01,2026-01-05\n"
DECIDED = "L1,Board App,,Miro,2026-01-01,2026-06-01\n"


def titles_known(register: Desk) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    now = register.rows(Title, "product_id", "candidate_id", "recorded_at")
    return now, [
        (facts["product_id"], facts["candidate_id"], since, until)
        for table, since, until, _, _, facts in register.superseded()
        if table == "title"
    ]


@pytest.mark.parametrize("files", [(ASKED, DECIDED), (DECIDED, ASKED), (ASKED + DECIDED,)])
def test_a_title_that_is_decided_later_was_undecided_before(register: Desk, files: tuple[str, ...]) -> None:
    register.take("devices", "identity,kind\nL1,laptop")
    register.take("products", "name\nMiro")
    *_, last = [register.take("installations", HEAD + text).counts for text in files]
    assert (last.changed, last.unchanged) == (1, 0)
    stands = ([(1, None, at(6, 1))], [(None, 1, at(1, 5), at(6, 1))])
    assert titles_known(register) == stands
    for text in (DECIDED, ASKED, ASKED + DECIDED):
        assert register.take("installations", HEAD + text).counts.changed == 0
    assert titles_known(register) == stands


def test_a_title_that_was_guessed_from_its_name_keeps_the_guess_as_known_then(register: Desk) -> None:
    register.take("devices", "identity,kind\nL1,laptop\nL2,laptop")
    register.take("installations", HEAD + "L1,Board App,,,2026-01-01,2026-01-05\nL2,Board App,,,2026-01-01,2026-01-05")
    text = HEAD + "L1,Board App,,Miro,2026-01-01,2026-06-01\nL2,Board App,,,2026-01-01,2026-01-05"
    counts = register.take("installations", text).counts
    assert (counts.new, counts.changed, counts.unchanged) == (0, 1, 1)
    assert register.rows(Title, "rule", "recorded_at") == [("import", at(6, 1))]
    assert [row[1:3] for row in register.superseded()] == [(at(1, 5), at(6, 1))]


def test_a_title_is_known_since_the_first_row_that_saw_it_where_nothing_else_was_known(register: Desk) -> None:
    register.take("devices", "identity,kind\nL1,laptop\nL2,laptop\nL3,laptop")
    register.take("installations", "device,title\nL1,Board App")
    register.take(
        "installations", HEAD + "L2,Board App,,Miro,2026-01-01,2026-06-01\nL3,Board App,,,2026-01-01,2026-01-05"
    )
    assert register.rows(Title, "rule", "recorded_at") == [("import", at(1, 5))]
    assert register.superseded() == []


def test_another_product_for_a_title_is_a_correction_and_an_older_one_is_history(register: Desk) -> None:
    register.take("devices", "identity,kind\nL1,laptop")
    register.take("products", "name\nMiro\nFigma\nVisio")
    for name, day in (
        ("Miro", "2026-03-01"),
        ("Figma", "2026-06-01"),
        ("Visio", "2026-02-01"),
        ("Visio", "2026-04-01"),
    ):
        register.take("installations", HEAD + f"L1,Board App,,{name},2026-01-01,{day}")
    now, before = titles_known(register)
    assert now == [(2, None, at(6, 1))]
    assert before == [
        (1, None, at(3, 1), at(6, 1)), (3, None, at(2, 1), at(3, 1)), (3, None, at(4, 1), at(6, 1))
    ]  # fmt: skip
