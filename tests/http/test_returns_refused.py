"""Each row of Microsoft's error table for licences, met over HTTP when a seat is taken, swapped and put back.

Told in words each time, with nothing changed; what passes by itself is tried again, and a lost answer is read back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.views.seat_cards import returned_card
from licensing.savings import Pile
from model.licences import Seat
from sandbox.certificates import Authority, make_ca
from sandbox.graph_directory import GROUP as GROUPS
from sandbox.graph_directory import SKU, USER
from tests.http.reclaim_desk import APP, E1_PLAN, E1_SKU, E3_PLAN, READS, VISIO, Desk, desk
from tests.reclaim_town import E3_SKU, POLICY
from workflows import seats
from workflows.reads.seats import returned
from workflows.reclaim import savings

VISIO_PLAN = "663a804f-1c30-4ff0-9915-9db84f0d1cea"  # VISIO_CLIENT_SUBSCRIPTION


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_ca(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def office(tmp_path: Path, authority: Authority) -> Iterator[Desk]:
    with desk(tmp_path, authority) as made:
        yield made


def entry(office: Desk, **values: Any) -> None:
    document = office.document()
    document["licences"][0] |= values
    office.graph.directory.write(USER, document)


def by_group(office: Desk) -> None:
    group = office.graph.directory.add_group("Everybody", licences=[E3_SKU], members=["kai@example.test"])
    document = office.document()
    document["licences"] = [one for one in document["licences"] if one["assignedByGroup"] == group]
    office.graph.directory.write(USER, document)


def two_paths(office: Desk) -> None:
    office.graph.directory.add_group("Everybody", licences=[E3_SKU], members=["kai@example.test"])


def needed(office: Desk) -> None:
    office.graph.directory.add_sku(VISIO, 1, depends={VISIO_PLAN: [E1_PLAN]})
    hold(office, VISIO)


def hold(office: Desk, sku: str) -> None:
    office.graph.directory.grant(office.user, sku)


def no_units(office: Desk) -> None:
    used_up(office, E1_SKU)


def used_up(office: Desk, sku: str) -> None:
    document = office.graph.directory.store.get(SKU, sku)
    assert document is not None
    document["consumedElsewhere"] = 99
    office.graph.directory.write(SKU, document)


def of_company(office: Desk, sku: str = E1_SKU) -> None:
    document = office.graph.directory.store.get(SKU, sku)
    assert document is not None
    document["appliesTo"] = "Company"
    office.graph.directory.write(SKU, document)


def rule_of(office: Desk, sku: str, kind: str, plan: str, other: str) -> None:
    document = office.graph.directory.store.get(SKU, sku)
    assert document is not None
    document[kind] = {plan: [other]}
    office.graph.directory.write(SKU, document)


GONE = "The person is not in Microsoft 365 any more; nothing was taken."
REMOVALS: list[tuple[Callable[[Desk], None], str]] = [
    (by_group, "The seat comes through a group and was left alone."),
    (two_paths, "The person holds it by a second path, so taking this one frees no seat; it was left alone."),
    (lambda office: entry(office, unlisted=True),
     "Microsoft 365 does not say by which path the seat comes; it was left alone."),
    (lambda office: office.graph.directory.delete_user(office.user), GONE),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "words"), REMOVALS, ids=["group", "two paths", "no path", "gone"])
def test_a_removal_that_is_refused_leaves_the_seat_and_says_why(
    office: Desk, wrong: Callable[[Desk], None], words: str
) -> None:
    made = office.confirmed("review")
    wrong(office)
    office.settle(1)
    assert (office.row(made).state, office.row(made).note) == ("failed", words)
    assert office.candidate(made) == ("not_taken", words)
    assert not office.parked()


def test_a_licence_that_another_one_needs_is_left_alone(office: Desk) -> None:
    office.graph.directory.add_sku(VISIO, 1)
    hold(office, VISIO)
    made = office.confirmed("review")
    plan = office.graph.directory.store.get(SKU, VISIO)
    assert plan is not None
    whole = next(one["servicePlanId"] for one in e3_plans(office) if one["servicePlanId"] != E3_PLAN)
    rule_of(office, VISIO, "depends", plan["servicePlans"][0]["servicePlanId"], whole)
    office.settle(1)
    assert office.row(made).note == "Another licence of the person needs a service of this one, so it was left alone."
    assert set(office.held()) == {E3_SKU, VISIO}


def e3_plans(office: Desk) -> list[dict[str, str]]:
    document = office.graph.directory.store.get(SKU, E3_SKU)
    assert document is not None
    plans: list[dict[str, str]] = document["servicePlans"]
    return plans


def test_what_is_gone_already_was_not_taken_by_us(office: Desk) -> None:
    made = office.confirmed("review")
    document = office.document()
    document["licences"] = []
    office.graph.directory.write(USER, document)
    office.settle(1)
    assert (office.row(made).state, office.candidate(made)[0]) == ("kept", "skipped")


def test_without_the_permission_nothing_goes_and_it_hears_it_once(tmp_path: Path, authority: Authority) -> None:
    with desk(tmp_path, authority, roles=[]) as office:
        made = office.confirmed("review")
        office.settle(1)
        assert [error for error in office.parked() if "lacks a permission" in error]
        assert (office.row(made).state, office.row(made).prior_state) == ("confirmed", "")
        assert set(office.held()) == {E3_SKU}


def test_while_the_permission_lacks_the_holder_can_call_it_off(tmp_path: Path, authority: Authority) -> None:
    with desk(tmp_path, authority, roles=[]) as office:
        made = office.given_back()
        office.settle(1)
        office.need_back(made)
        assert (office.row(made).state, office.row(made).note) == ("kept", "the holder needs it")


@pytest.mark.parametrize(
    "kind", ["commit_then_hang_up", "commit_then_error", "hang_up", "throttled", "unavailable", "concurrency_409"]
)
def test_what_passes_by_itself_is_finished_once(office: Desk, kind: str) -> None:
    office.fault(kind)
    made = office.confirmed("review")
    office.settle(10)
    assert (office.row(made).state, office.candidate(made)[0], office.held()) == ("removed", "taken", {})
    office.fault(kind)
    office.put_back(made)
    office.settle(10)
    assert office.row(made).state == "restored" and office.held() == {E3_SKU: [E3_PLAN]}
    assert not office.parked()


SWAPS: list[tuple[Callable[[Desk], None], str]] = [
    (no_units, "No seat of the smaller licence is free, so nothing was swapped. Buy or free one, then confirm again."),
    (lambda office: office.change(usageLocation=None),
     "Microsoft 365 has no usage location for the person, so nothing was swapped. Set it, confirm again."),
    (lambda office: rule_of(office, E1_SKU, "depends", E1_PLAN, E3_PLAN),
     "The smaller licence needs a service of this one, so it was left alone."),
    (of_company, "Microsoft 365 gives the smaller licence to the whole company only, so nothing was swapped."),
    (by_group, "The seat comes through a group and was left alone."),
    (lambda office: hold(office, E1_SKU),
     "The person holds the smaller licence already, so nothing was swapped."),
    (lambda office: office.graph.directory.delete_user(office.user), GONE),
]  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "words"), SWAPS, ids=["no seat", "no location", "dependency", "company", "group", "held", "gone"]
)
def test_a_swap_that_is_refused_changes_nothing(office: Desk, wrong: Callable[[Desk], None], words: str) -> None:
    made = office.confirmed("too_big", swap=True)
    wrong(office)
    office.settle(1)
    assert (office.row(made).state, office.row(made).note) == ("failed", words)
    assert office.candidate(made) == ("not_taken", words)


def test_a_swap_that_excludes_another_licence_changes_nothing(office: Desk) -> None:
    office.graph.directory.add_sku(VISIO, 1)
    hold(office, VISIO)
    plan = office.graph.directory.store.get(SKU, VISIO)
    assert plan is not None
    rule_of(office, E1_SKU, "conflicts", E1_PLAN, plan["servicePlans"][0]["servicePlanId"])
    made = office.confirmed("too_big", swap=True)
    office.settle(1)
    words = "The smaller licence excludes another one that the person has, so nothing was swapped."
    assert office.row(made).note == words and set(office.held()) == {E3_SKU, VISIO}


@pytest.mark.parametrize("kind", ["", "lagging_reads"])
def test_a_swap_and_its_undo_are_one_call_each_and_exact(office: Desk, kind: str) -> None:
    if kind:
        office.fault(kind, method="GET", times=None, seconds=40)
    made = office.taken("too_big", swap=True)
    assert set(office.held()) == {E1_SKU}
    office.put_back(made)
    office.settle()
    assert office.row(made).state == "restored"
    assert office.held() == {E3_SKU: [E3_PLAN]}
    assert office.candidate(made)[0] == "put_back"


def test_the_holder_reads_which_smaller_licence_they_have(office: Desk) -> None:
    made = office.taken("too_big", swap=True)
    with office.town.database.reading() as connection:
        facts = returned(connection, [made], office.now())[made]
    said = returned_card(facts, office.now()).text
    assert "Your Microsoft 365 E3 licence was taken back" in said and "You have Office 365 E1 instead." in said


UNDO: list[tuple[Callable[[Desk], None], str]] = [
    (lambda office: office.change(usageLocation=None),
     "Microsoft 365 has no usage location for Kai. Nothing else changed. Set it, then press Undo again."),
    (lambda office: of_company(office, E3_SKU),
     "Microsoft 365 gives this product to the whole company now, not to single people. Nothing else changed."),
    (lambda office: plan_gone(office),
     "a service that was switched off is not part of the product any more. Nothing else changed. "
     "Give the seat by hand in the Microsoft 365 admin centre."),
    (lambda office: rule_of(office, E3_SKU, "depends", some_plan(office), E1_PLAN),
     "it needs a Microsoft licence that Kai does not have any more. Nothing else changed. "
     "Give that one first, then press Undo again."),
    (lambda office: office.graph.directory.delete_user(office.user),
     "Kai Moreno is not in Microsoft 365 any more. Nothing else changed. Restore the account, then press Undo again."),
]  # fmt: skip


def some_plan(office: Desk) -> str:
    return next(one["servicePlanId"] for one in e3_plans(office) if one["servicePlanId"] != E3_PLAN)


def plan_gone(office: Desk) -> None:
    document = office.graph.directory.store.get(SKU, E3_SKU)
    assert document is not None
    document["servicePlans"] = [one for one in document["servicePlans"] if one["servicePlanId"] != E3_PLAN]
    office.graph.directory.write(SKU, document)


@pytest.mark.parametrize(("wrong", "words"), UNDO, ids=["no location", "company", "plan", "dependency", "gone"])
def test_an_undo_that_is_refused_is_told_and_never_repeats_itself(
    office: Desk, wrong: Callable[[Desk], None], words: str
) -> None:
    made = office.taken()
    wrong(office)
    office.put_back(made)
    office.settle(2)
    row = office.row(made)
    assert (row.state, row.note) == ("removed", words)
    assert office.notes("dara") == [f"Kai Moreno's seat could not be put back: {words}"]
    assert not office.parked()


def test_an_undo_goes_through_when_what_was_missing_is_there(office: Desk) -> None:
    made = office.taken()
    office.change(usageLocation=None)
    office.put_back(made)
    office.settle(1)
    office.change(usageLocation="FR")
    office.put_back(made)
    office.settle()
    assert office.row(made).state == "restored" and office.held() == {E3_SKU: [E3_PLAN]}


def test_an_undo_that_conflicts_with_another_licence_is_told(office: Desk) -> None:
    made = office.taken()
    office.graph.directory.add_sku(VISIO, 1)
    hold(office, VISIO)
    plan = office.graph.directory.store.get(SKU, VISIO)
    assert plan is not None
    rule_of(office, E3_SKU, "conflicts", some_plan(office), plan["servicePlans"][0]["servicePlanId"])
    office.put_back(made)
    office.settle(1)
    assert office.row(made).note.startswith("it excludes a Microsoft licence that Kai has now. Nothing else changed.")


def test_without_a_free_seat_the_holder_waits_first_and_the_confirmer_knows(office: Desk) -> None:
    made = office.taken()
    used_up(office, E3_SKU)
    office.need_back(made)
    office.settle(2)
    assert office.row(made).state == "waiting"
    assert office.notes("dara") == ["No seat is free for Kai Moreno, who needs it back and is 1st in the queue."]


def test_after_its_end_nothing_is_undone(office: Desk) -> None:
    made = office.taken()
    office.clock.forward(timedelta(days=30))
    with pytest.raises(seats.UndoEnded):
        office.need_back(made)
    with pytest.raises(Exception, match=r"Undo ended on \d+ Dec 2026"):
        office.put_back(made)


def test_the_time_to_undo_runs_from_the_removal_however_late_it_is_seen(office: Desk) -> None:
    made = office.given_back()
    while office.held():
        assert office.worker.run_once()
    gone = office.now()
    office.clock.forward(timedelta(days=12))
    office.settle()
    row = office.row(made)
    assert row.state == "removed" and row.undo_until is not None
    assert abs(row.undo_until - gone - timedelta(days=30)) < timedelta(minutes=1)


def test_an_undo_without_the_permission_says_so(office: Desk) -> None:
    made = office.taken()
    office.graph.context.tokens.clients[APP]["roles"] = READS
    office.fault("expired_token", times=1)  # a token keeps what it was given; the next one has less
    office.put_back(made)
    office.settle(1)
    row = office.row(made)
    assert row.state == "removed" and row.note.startswith("Seatkeeper may not change licences in Microsoft 365.")
    assert office.held() == {}


def test_a_holder_who_gave_it_back_has_it_again_exactly(office: Desk) -> None:
    made = office.given_back()
    office.settle()
    assert office.row(made).state == "removed" and office.held() == {}
    office.need_back(made)
    office.settle()
    assert office.row(made).state == "restored" and office.held() == {E3_SKU: [E3_PLAN]}


@pytest.mark.parametrize(("wrong", "units"), [(None, 1), (two_paths, 0)], ids=["one path", "two paths"])
def test_what_frees_no_unit_can_save_nothing(office: Desk, wrong: Callable[[Desk], None] | None, units: int) -> None:
    if wrong is not None:
        wrong(office)
    made = office.given_back()
    office.settle()
    assert office.row(made).state == "removed" and office.held() == {}
    with office.town.database.unit_of_work() as work:
        assert savings.report(work.connection, office.now().date()).count(Pile.POTENTIAL) == units
        fewer = savings.reduced(work, 1, office.town.skus["e3"], 3, None, (office.now().date(), None), office.now())
        assert fewer == units


GROUP = "22222222-0000-4000-8000-00000000000e"
NAMED = POLICY.replace("idle_days: 60,", f"idle_days: 60, groups: [{{id: {GROUP}, does_nothing_but_license: true}}],")


@pytest.mark.parametrize(
    ("how", "policy", "words"),
    [
        ({"licences": [E3_SKU]}, NAMED, ""),
        ({"licences": [E3_SKU]}, POLICY, "The seat comes by a group that is not this product's and was left alone."),
        ({"licences": [E3_SKU, E1_SKU]}, NAMED, "The group “All of E3” is not usable: it gives other licences"),
        ({"licences": [E3_SKU], "dynamic": True}, NAMED, "The group “All of E3” is not usable"),
        ({"licences": [E3_SKU], "synced": True}, NAMED, "The group “All of E3” is not usable"),
        ({"licences": [E3_SKU], "role_assignable": True}, NAMED, "The group “All of E3” is not usable"),
    ],
    ids=["named", "not named", "gives more", "dynamic", "synced", "role"],
)
def test_a_group_seat_goes_only_by_a_named_group_that_only_licenses(
    tmp_path: Path, authority: Authority, how: dict[str, Any], policy: str, words: str
) -> None:
    with desk(tmp_path, authority, policy=policy) as office:
        document = office.document()
        document["licences"] = []
        office.graph.directory.write(USER, document)
        office.graph.directory.add_group("All of E3", id=GROUP, members=["kai@example.test"], **how)
        with office.town.database.unit_of_work() as work:
            work.session.get_one(Seat, office.seat_id).path = f"group:{GROUP}"
            work.commit()
        made = office.confirmed("review")
        office.settle(3)
        if words:
            assert (office.row(made).state, bool(office.row(made).note.startswith(words))) == ("failed", True)
            assert office.graph.directory.holds(office.user, E3_SKU)
            return
        assert office.row(made).state == "removed" and not office.graph.directory.holds(office.user, E3_SKU)
        office.put_back(made)
        office.settle()
        assert office.row(made).state == "restored"
        assert [one["assignedByGroup"] for one in office.document()["licences"]] == [GROUP]


@contextmanager
def group_seat(tmp_path: Path, authority: Authority) -> Iterator[Desk]:
    """Kai's seat comes by the group that policy names."""
    with desk(tmp_path, authority, policy=NAMED) as office:
        document = office.document()
        document["licences"] = []
        office.graph.directory.write(USER, document)
        office.graph.directory.add_group("All of E3", id=GROUP, licences=[E3_SKU], members=["kai@example.test"])
        with office.town.database.unit_of_work() as work:
            work.session.get_one(Seat, office.seat_id).path = f"group:{GROUP}"
            work.commit()
        yield office


def test_a_seat_is_not_put_back_by_a_group_that_gives_more_now(tmp_path: Path, authority: Authority) -> None:
    with group_seat(tmp_path, authority) as office:
        made = office.taken("review")
        office.graph.directory.add_group("All of E3", id=GROUP, licences=[E3_SKU, E1_SKU])
        office.put_back(made)
        office.settle(2)
        assert office.row(made).state == "removed"
        assert "gives other licences besides this one" in office.row(made).note
        assert not office.graph.directory.holds(office.user, E1_SKU)


@pytest.mark.parametrize("written", [False, True], ids=["first try", "after a write"])
def test_a_group_that_was_deleted_takes_nothing_and_is_not_taken_for_the_person(
    tmp_path: Path, authority: Authority, written: bool
) -> None:
    """After a write of ours the person who had "left" counted as a seat taken, with no read that showed it gone."""
    with group_seat(tmp_path, authority) as office:
        made = office.confirmed("review")
        if written:
            office.fault("hang_up", method="DELETE", times=None)
            office.settle(1)
            assert office.row(made).prior_state is not None and office.row(made).state == "removing"
        office.graph.directory.store.drop(GROUPS, GROUP)
        office.settle(10)
        assert office.row(made).state == "failed"
        assert office.row(made).note == "The licensing group is not in Microsoft 365 any more."
        assert office.graph.directory.holds(office.user, E3_SKU)
