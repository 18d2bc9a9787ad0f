"""An undo says what came back and what did not: two paths, services switched meanwhile, the smaller licence that stays.

"Back again, exactly as it was" was said as soon as the person held the product in any way at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.views.reclaim_result import result_card
from bot.views.seat_cards import returned_card
from model.events import Event, Tag
from model.licences import Seat, Sku
from model.reclaim import ReclaimCandidate
from sandbox.certificates import Authority, make_ca
from sandbox.graph_directory import GROUP as GROUPS
from sandbox.graph_directory import SKU, USER
from tests.http.reclaim_desk import E1_SKU, E3_PLAN, Desk, desk
from tests.reclaim_town import E3_SKU, POLICY
from tests.unit.message_checks import shown
from workflows.reads.reclaim import campaigns
from workflows.reads.seats import returned

GROUP = "22222222-0000-4000-8000-00000000000e"
NAMED = POLICY.replace("idle_days: 60,", f"idle_days: 60, groups: [{{id: {GROUP}, does_nothing_but_license: true}}],")
EXACTLY = "*Back again:* you have Microsoft 365 E3, exactly as it was."


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_ca(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def office(tmp_path: Path, authority: Authority) -> Iterator[Desk]:
    with desk(tmp_path, authority, policy=NAMED) as made:
        yield made


def licensing_group(office: Desk) -> None:
    office.graph.directory.add_group("All of E3", id=GROUP, licences=[E3_SKU], members=["kai@example.test"])


def leave_group(office: Desk) -> None:
    """An administrator takes Kai out of the group."""
    group = office.graph.directory.store.get(GROUPS, GROUP)
    assert group is not None
    group["members"] = []
    office.graph.directory.store.put(GROUPS, GROUP, group)
    document = office.document()
    document["licences"] = [one for one in document["licences"] if one["assignedByGroup"] is None]
    office.graph.directory.write(USER, document)


def given_by_hand(office: Desk, sku: str = E3_SKU) -> None:
    """An administrator gives it in the admin centre, with every service on."""
    office.graph.directory.grant(office.user, sku)


def paths(office: Desk) -> list[str | None]:
    return [one["assignedByGroup"] for one in office.document()["licences"] if one["skuId"].lower() == E3_SKU]


def open_paths(office: Desk, sku: str = "e3") -> list[str]:
    with office.town.database.reading() as connection:
        rows = connection.execute(
            select(Seat.path).where(Seat.sku_id == office.town.skus[sku], Seat.ended_at.is_(None)).order_by(Seat.path)
        ).scalars()
        return list(rows)


def told(office: Desk, return_id: int) -> str:
    """What the holder's message says now."""
    with office.town.database.reading() as connection:
        facts = returned(connection, [return_id], office.now())[return_id]
    return shown(returned_card(facts, office.now()))


def result(office: Desk, return_id: int) -> str:
    """What the list's own card says now."""
    with office.town.database.reading() as connection:
        found = select(ReclaimCandidate.campaign_id).where(ReclaimCandidate.seat_return_id == return_id)
        campaign_id = connection.execute(found).scalar_one()
        facts = campaigns(connection, [campaign_id], office.now())[campaign_id]
    return shown(result_card(facts, office.now()))


def written(office: Desk) -> list[str]:
    """What the events of seats that came back say was not as before."""
    with office.town.database.reading() as connection:
        rows = connection.execute(select(Event.facts).where(Event.tag == Tag.SEAT_RESTORED).order_by(Event.id))
        return [str(json.loads(facts).get("differs", "")) for facts in rows.scalars()]


def test_the_direct_one_of_two_paths_is_put_back_beside_the_group(office: Desk) -> None:
    """The group still gave it, so nothing was written, and the holder read that all was as before."""
    licensing_group(office)
    made = office.given_back()
    office.settle()
    assert (office.row(made).state, paths(office)) == ("removed", [GROUP])
    office.need_back(made)
    office.settle()
    assert office.row(made).state == "restored"
    assert office.held() == {E3_SKU: [E3_PLAN]} and set(paths(office)) == {None, GROUP}
    assert told(office, made) == EXACTLY and written(office) == [""]


def test_one_of_two_paths_needs_no_free_seat_to_come_back(office: Desk) -> None:
    """The unit never came free, and its holder was put into the queue for what they held."""
    licensing_group(office)
    made = office.given_back()
    office.settle()
    with office.town.database.unit_of_work() as work:
        work.session.get_one(Sku, office.town.skus["e3"]).enabled = 0
        work.commit()
    office.need_back(made)
    office.settle()
    assert office.row(made).state == "restored" and office.held() == {E3_SKU: [E3_PLAN]}


def test_the_group_one_of_two_paths_is_put_back_beside_the_direct_one(office: Desk) -> None:
    document = office.document()
    document["licences"] = []
    office.graph.directory.write(USER, document)
    licensing_group(office)
    with office.town.database.unit_of_work() as work:
        work.session.get_one(Seat, office.seat_id).path = f"group:{GROUP}"
        work.commit()
    made = office.taken("review")
    given_by_hand(office)
    office.put_back(made)
    office.settle()
    assert office.row(made).state == "restored" and set(paths(office)) == {None, GROUP}
    assert told(office, made) == EXACTLY


def test_a_second_path_that_went_meanwhile_is_said_to_be_missing(office: Desk) -> None:
    licensing_group(office)
    made = office.given_back()
    office.settle()
    leave_group(office)
    office.need_back(made)
    office.settle()
    differs = "It came through a group as well before, and does not any more."
    assert (office.row(made).state, office.row(made).note) == ("restored", differs)
    assert told(office, made) == f"*Back again:* you have Microsoft 365 E3. {differs}"
    assert written(office) == [differs]


def test_a_seat_given_by_hand_meanwhile_is_not_called_as_it_was(office: Desk) -> None:
    """Mail was off in Kai's seat and is on in the one that an administrator gave."""
    made = office.taken()
    given_by_hand(office)
    office.put_back(made)
    office.settle()
    differs = "1 service that was off before is on now."
    assert (office.row(made).state, office.row(made).note) == ("restored", differs)
    assert office.held() == {E3_SKU: []}  # what an administrator did since is left alone
    assert told(office, made) == f"*Back again:* you have Microsoft 365 E3. {differs}"
    assert office.candidate(made) == ("put_back", differs)
    assert f"To note: Kai Moreno: {differs}" in result(office, made)
    assert office.notes("dara") == [f"Kai Moreno has Microsoft 365 E3 again, not quite as before: {differs}"]


def test_services_switched_off_meanwhile_are_counted(office: Desk) -> None:
    made = office.taken()
    given_by_hand(office)
    document = office.document()
    plans = sorted(one for one in document_plans(office) if one != E3_PLAN)[:2]
    document["licences"][-1]["disabledPlans"] = plans
    office.graph.directory.write(USER, document)
    office.need_back(made)
    office.settle()
    assert (
        office.row(made).note == "2 services that were on before are off now. 1 service that was off before is on now."
    )
    assert office.notes("kai") == office.notes("dara") == []  # whoever pressed reads it in their own message


def document_plans(office: Desk) -> list[str]:
    sku = office.graph.directory.store.get(SKU, E3_SKU)
    assert sku is not None
    return [str(one["servicePlanId"]) for one in sku["servicePlans"]]


def test_the_smaller_licence_that_stays_is_named_and_not_written_off(office: Desk) -> None:
    """E3 was given again by hand: there was nothing to move, and our books closed an E1 seat that is still held."""
    made = office.taken("too_big", swap=True)
    given_by_hand(office)
    office.put_back(made)
    office.settle(8)
    row = office.row(made)
    assert row.state == "restored" and set(office.held()) == {E1_SKU, E3_SKU}
    assert row.note.endswith("Office 365 E1, given in its place, is still there too.")
    assert office.notes("dara") == [
        f"Kai Moreno has Microsoft 365 E3 again, not quite as before: {row.note} Take that back by hand."
    ]
    assert open_paths(office, "e1") == ["direct"] and open_paths(office) == ["direct"]


def test_a_swap_is_undone_by_its_own_path_though_a_group_gives_the_larger_one(office: Desk) -> None:
    made = office.taken("too_big", swap=True)
    licensing_group(office)
    office.put_back(made)
    office.settle()
    assert office.row(made).state == "restored" and office.held() == {E3_SKU: [E3_PLAN]}
    assert open_paths(office, "e1") == [] and told(office, made) == EXACTLY


REFUSED: list[tuple[Callable[[Desk], None], str]] = [
    (lambda office: office.change(usageLocation=None), "Microsoft 365 has no usage location for Kai."),
]


@pytest.mark.parametrize(("wrong", "words"), REFUSED, ids=["no location"])
def test_held_another_way_only_is_not_back(office: Desk, wrong: Callable[[Desk], None], words: str) -> None:
    """A group gives it meanwhile, and Microsoft refuses the seat that was taken: nothing of it came back."""
    made = office.taken()
    licensing_group(office)
    wrong(office)
    office.put_back(made)
    office.settle(2)
    row = office.row(made)
    assert row.state == "removed" and row.note.startswith(words)
    assert row.note.endswith("Kai has it through a group meanwhile.")
    assert office.candidate(made)[0] == "taken"


def test_a_seat_by_no_path_that_microsoft_names_is_not_called_as_it_was(office: Desk) -> None:
    made = office.taken()
    given_by_hand(office)
    document = office.document()
    document["licences"][-1]["unlisted"] = True
    office.graph.directory.write(USER, document)
    office.put_back(made)
    office.settle()
    row = office.row(made)
    assert (row.state, row.note) == ("restored", "Microsoft 365 does not say by which path it comes.")
