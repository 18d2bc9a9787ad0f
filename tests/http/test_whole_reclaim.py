"""Taking seats back with real stand-ins on every side: from the report of use to the freed seat, and back again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from model.licences import Granting, Product, Publisher, Seat
from model.people import Role, RoleGrant
from model.reclaim import CampaignState, CandidateState, ReclaimCampaign, ReclaimCandidate
from model.requests import LicenceRequest, Status
from sandbox.graph_directory import USER
from sandbox.slack_person import NotThere, message_text
from tests.http.test_whole_queue import give_back, wait
from tests.http.whole_acts import all_said, at_work, card, holds, open_office, press, returns, rows, send
from tests.whole import COPILOT, MORNING, Whole, directory_id
from workflows.effects import ReadMicrosoft365, enqueue

POLICY = """
version: 1
approval: {fallback: {roles: [licence_manager]}}
finance: {above: {EUR: 5000.00}, counts: purchases}
channels: {licences: licences, it_alerts: it-alerts}
reclaim:
  idle_days: 60
  answer_working_days: 2
  remind_after_working_days: 1
  limits: {a_day: 20, per_cent_of_product: 100}
"""
QUESTION = "you still need Copilot"
HOLDERS = ("goran", "kai", "tom", "fatima")
NAMES = {"goran": "Goran Petrović", "kai": "Kai Moreno", "tom": "Tom Becker", "fatima": "Fatima Haddad"}


def used(office: Whole, key: str, days_ago: int) -> None:
    """Microsoft's own record of the last use."""
    document = office.graph.directory.store.get(USER, directory_id(key))
    assert document is not None
    document["usage"] = {"Copilot Chat": (office.now() - timedelta(days=days_ago)).date().isoformat()}
    office.graph.directory.write(USER, document)


def read_use(office: Whole) -> None:
    """The sync of Microsoft 365, as every night."""
    with office.work() as work:
        enqueue(work, [ReadMicrosoft365()], office.now())
    office.settle()


@contextmanager
def opened(folder: Path, url: str, holders: tuple[str, ...] = HOLDERS) -> Iterator[Whole]:
    """Every Copilot seat is held by somebody who has not used it since April."""
    with open_office(folder, url, copilot_seats=len(holders), policy=POLICY, reads_use=True) as office:
        for key in holders:
            office.graph.directory.grant(directory_id(key), COPILOT)
            used(office, key, 220)
        read_use(office)
        with office.work() as work:  # the register knows them for long: what is newly given is never judged
            work.connection.execute(update(Seat).values(began_at=MORNING - timedelta(days=400)))
        yield office


@pytest.fixture
def office(tmp_path: Path, sqlite_url: str) -> Iterator[Whole]:
    with opened(tmp_path, sqlite_url) as made:
        yield made


def asked(office: Whole, by: str = "eli") -> None:
    """A dry run, then its question to every holder."""
    office.person(by).command("/licence reclaim Copilot")
    press(office, by, f"Ask {len(HOLDERS)} people", "dry run")


def campaign(office: Whole) -> ReclaimCampaign:
    found: list[ReclaimCampaign] = rows(office, ReclaimCampaign, ReclaimCampaign.state != CampaignState.CANCELLED)
    return found[-1]


def grant(office: Whole, key: str, role: Role) -> None:
    with office.work() as work:
        work.session.add(RoleGrant(person_id=office.staff[key], role=role, began_at=MORNING - timedelta(days=9)))


def seen(office: Whole, key: str) -> str:
    """All this person can read, windows and what only they were told included."""
    return f"{all_said(office, key)}\n{office.person(key).screen()}"


def states(office: Whole) -> dict[str, CandidateState]:
    names = {person: key for key, person in office.staff.items()}
    candidates = rows(office, ReclaimCandidate, ReclaimCandidate.campaign_id == campaign(office).id)
    return {names[one.person_id]: CandidateState(one.state) for one in candidates}


def given_back(office: Whole, key: str) -> None:
    at_work(office, key, QUESTION)
    assert send(office, key, "Give it back", QUESTION, words="My minutes are taken by Ana now.")["ok"]


def listed(office: Whole) -> None:
    """Time goes on until the answers are in and the list is with whoever confirms."""
    for _ in range(30):
        if campaign(office).state == CampaignState.CONFIRMING:
            return
        office.forward(hours=12)
    raise AssertionError(states(office))


def tick(office: Whole, key: str, *names: str) -> None:
    """Tick rows that need a look, by the names they begin with."""
    person = office.person(key)
    for block in person.modal()["blocks"]:
        for element in block.get("elements", ()):
            if element.get("action_id") == "list_looks":
                options = {one["text"]["text"]: one["value"] for one in element["options"]}
                chosen = [value for text, value in options.items() if text.startswith(names)]
                person.choose("list_looks", chosen, block_id=block["block_id"])
                return
    raise AssertionError("nothing needs a look")


def confirm(office: Whole, label: str, *names: str) -> None:
    dara = office.person("dara")
    dara.press("Review the list", in_message="to look at")
    if names:
        tick(office, "dara", *names)
    dara.press(label)
    office.settle()


def ticket(office: Whole) -> dict[str, Any]:
    found = [one for one in office.servicenow.instance.rows("sc_req_item") if "CMP-" in str(one["short_description"])]
    assert len(found) == 1, found
    return found[0]


def notes(office: Whole, record: dict[str, Any]) -> str:
    return str(office.servicenow.instance.journal(record["sys_id"]))


def test_from_the_report_of_use_to_the_freed_seat_and_back(tmp_path: Path, database_url: str) -> None:
    with opened(tmp_path, database_url) as office:
        office.person("eli").command("/licence reclaim Copilot")
        dry = message_text(office.person("eli").message("dry run"))
        assert "listed 4" in dry and "idle 4" in dry and "€1,344.00 a year" in dry
        assert not any(QUESTION in all_said(office, key) for key in HOLDERS), "a dry run asks nobody"
        for _ in range(2):  # the button of the first answer works once
            office.person("eli").press("Ask 4 people", in_message="dry run")
        office.settle()
        with pytest.raises(NotThere):  # and is gone with it
            office.person("eli").press("Ask 4 people", in_message="dry run")
        assert "CMP-1: The holders are being asked." in seen(office, "eli").replace("*", "")
        assert set(states(office).values()) == {CandidateState.ASKED}
        for key in HOLDERS:
            at_work(office, key, QUESTION)
        request = wait(office, "ana", "Ana Lindqvist")
        assert "4 holders who have not used theirs lately were asked" in card(office, "ana", request)

        given_back(office, "goran")
        assert send(office, "kai", "Keep it", QUESTION, reason="I use it; the report is wrong")["ok"]
        assert "That counts against the rule." in all_said(office, "kai")
        assert holds(office, "goran", COPILOT), "given back: it goes when a person confirmed the list"
        used(office, "fatima", 0)
        office.forward(hours=47)  # Microsoft's report is two days late; the last day to answer is today
        read_use(office)
        office.forward(hours=1)
        assert states(office)["fatima"] == CandidateState.IN_USE
        assert "No longer asked" in all_said(office, "fatima")
        listed(office)
        assert states(office)["tom"] == CandidateState.UNANSWERED and "looks at it now" in all_said(office, "tom")
        assert all(holds(office, key, COPILOT) for key in HOLDERS) and not returns(office)

        at_work(office, "dara", "to look at")
        assert "Suggested to take back: 1" in all_said(office, "dara") and "1 seat is waited for" in all_said(
            office, "dara"
        )
        assert not any("to look at" in all_said(office, key) for key in ("eli", "ben", "chitra"))
        confirm(office, "Take back 2 seats", "Tom Becker")
        assert not holds(office, "goran", COPILOT) and not holds(office, "tom", COPILOT)
        assert holds(office, "ana", COPILOT) and office.request(request).status == Status.FULFILLED
        assert holds(office, "kai", COPILOT) and holds(office, "fatima", COPILOT)
        assert {(one.ground, one.state, one.confirmed_by_id) for one in returns(office)} == {
            ("given_back", "removed", office.staff["dara"]),
            ("idle", "removed", office.staff["dara"]),
        }
        assert "2 seats taken back, 0 skipped" in all_said(office, "dara")
        assert "1 went to a person waiting, 1 seat is free now." in all_said(office, "dara")
        assert "Reducible at renewal: €336.00 a year" in all_said(office, "dara")
        assert "Dara Novak confirmed it: no use since 17 Apr 2026 (Copilot report" in all_said(office, "tom")
        assert "and no answer since 23 Nov 2026." in all_said(office, "tom")
        record = ticket(office)
        assert record["state"] == "3" and "2 seats taken back" in notes(office, record), record

        # each button that is over says so and changes nothing
        before = [(one.id, one.state) for one in returns(office)]
        for key in ("goran", "kai"):
            with pytest.raises(NotThere):
                office.person(key).press("Keep it", in_message="Copilot")
        assert [(one.id, one.state) for one in returns(office)] == before

        # Undo some with nobody ticked says what is missing, and keeps the form
        nobody = send(office, "dara", "Undo some", "2 seats taken back")
        assert nobody["errors"] == {"people:0": "Tick at least one person."}
        office.person("dara").close()

        # Undo some: one seat is free, Tom has it back as it was
        assert send(office, "dara", "Undo some", "2 seats taken back", **{"people:0": ["Tom Becker"]})["ok"]
        assert holds(office, "tom", COPILOT) and not holds(office, "goran", COPILOT)
        assert all_said(office, "dara").count(": 1.") and "Put back by Dara Novak" in all_said(office, "dara")
        assert states(office)["tom"] == CandidateState.PUT_BACK
        assert ticket(office)["state"] == "3", "an undo opens nothing anew"
        assert notes(office, record).count("1 seat taken back, 1 put back.") == 1, notes(office, record)

        # "I need it back" with no seat free: first in the queue, and the licence manager knows
        assert "was taken back" in all_said(office, "goran")
        press(office, "goran", "I need it back", "one press brings it back")
        assert not holds(office, "goran", COPILOT) and holds(office, "ana", COPILOT)
        again = office.newest()
        assert again.requester_id == office.staff["goran"] and again.status == Status.WAITING_FOR_SEAT
        assert "In the queue: 1st of 1" in card(office, "goran", again.id)
        count = len(rows(office, LicenceRequest))
        with pytest.raises(NotThere):
            press(office, "goran", "I need it back", "one press brings it back")
        assert len(rows(office, LicenceRequest)) == count
        assert ticket(office)["state"] == "3", "closed once"
        said = notes(office, record)
        assert said.count("1 wanted back: in the queue until a seat is free.") == 1, said


def test_a_product_somebody_may_not_see_is_not_said_to_be_unknown(office: Whole) -> None:
    """An owner of other products read that nothing is called Copilot, with a seat of it."""
    with office.work() as work:
        publisher = Publisher(name="Celtx")
        work.session.add(publisher)
        work.session.flush()
        work.session.add(
            Product(
                key="celtx", name="Celtx", publisher_id=publisher.id, granting=Granting.OWNER_TASK,
                owner_id=office.staff["goran"],
            )
        )  # fmt: skip
    goran = office.person("goran")
    goran.command("/licence reclaim Copilot")
    assert "ask Dara Novak" in seen(office, "goran") and "Nothing called" not in seen(office, "goran")


def test_the_planner_does_not_confirm_and_neither_does_anybody_without_the_right(office: Whole) -> None:
    grant(office, "fatima", Role.LICENCE_MANAGER)
    asked(office, by="dara")
    given_back(office, "goran")
    office.forward(days=4)
    listed(office)
    at_work(office, "fatima", "to look at")
    assert "to look at" not in all_said(office, "dara"), "no list for its planner"
    dara = office.person("dara")
    dara.command("/licence reclaim")
    dara.press("Review the list", in_message="waits for confirmation")
    dara.press("Take back 1 seat")
    assert "You planned this campaign, so someone else confirms the list." in seen(office, "dara")
    fatima = office.person("fatima")
    fatima.press("Review the list", in_message="to look at")
    with office.work() as work:
        work.connection.execute(
            update(RoleGrant).where(RoleGrant.person_id == office.staff["fatima"]).values(ended_at=office.now())
        )
    fatima.press("Take back 1 seat")
    office.settle()
    assert "Dara Novak" in seen(office, "fatima") and not returns(office)
    assert holds(office, "goran", COPILOT) and campaign(office).state == CampaignState.CONFIRMING


def test_a_request_that_waits_asks_the_idlest_holders_by_itself(tmp_path: Path, sqlite_url: str) -> None:
    with opened(tmp_path, sqlite_url) as office:
        request = wait(office, "ana", "Ana Lindqvist")
        assert "were asked" not in card(office, "ana", request)
        office.forward(hours=1)
        row = campaign(office)
        assert (row.request_id, row.state, row.planned_by) == (request, CampaignState.ASKING, "rule:waiting")
        count = len(states(office))
        assert 1 <= count <= 4
        assert f"{count} holder" in card(office, "ana", request)
        office.forward(hours=2)
        assert len(rows(office, ReclaimCampaign)) == 1, "a request asks once"
        given_back(office, "goran")
        office.forward(hours=2)
        at_work(office, "dara", "to look at")
        assert not holds(office, "ana", COPILOT), "the holder's word alone takes nothing"
        confirm(office, "Take back 1 seat")
        assert holds(office, "ana", COPILOT) and not holds(office, "goran", COPILOT)
        assert office.request(request).status == Status.FULFILLED
        assert "went to" in all_said(office, "goran") or "was taken back" in all_said(office, "goran")


def test_a_waiting_colleague_gets_the_freed_seat_and_undo_afterwards_queues_its_holder_first(
    tmp_path: Path, database_url: str
) -> None:
    with opened(tmp_path, database_url) as office:
        request = wait(office, "ana", "Ana Lindqvist")
        later = wait(office, "li", "Li Wei")
        asked(office)
        given_back(office, "goran")
        office.forward(days=4)
        listed(office)
        at_work(office, "dara", "to look at")
        assert "2 seats are waited for" in all_said(office, "dara")
        confirm(office, "Take back 1 seat")
        assert holds(office, "ana", COPILOT) and not holds(office, "goran", COPILOT)
        assert "Ready" in card(office, "ana", request) and "You have Copilot" in card(office, "ana", request)
        assert "In the queue: 1st of 1" in card(office, "li", later), "one seat, one colleague"
        assert "It went to someone who was waiting." in all_said(office, "goran")
        assert "Ana" not in all_said(office, "goran"), "who has it now is nobody's business"
        result = message_text(office.person("dara").message("1 seat taken back"))
        assert "1 went to a person waiting." in result and "Reducible" not in result

        press(office, "dara", "Undo all", "1 seat taken back")
        assert holds(office, "ana", COPILOT), "nobody loses a seat to an undo"
        assert "1 person waits at the top of the queue" in all_said(office, "dara")
        result = message_text(office.person("dara").message("1 seat taken back"))
        assert "Put back by Dara Novak: 0; in the queue: 1." in result.replace("*", "") and "Undo" not in result
        again = office.newest()
        assert (again.requester_id, again.status) == (office.staff["goran"], Status.WAITING_FOR_SEAT)
        assert "In the queue: 1st of 2" in card(office, "goran", again.id), "before whoever waited already"
        assert "In the queue: 2nd of 2" in card(office, "li", later)

        give_back(office, "kai", "Copilot")
        assert holds(office, "goran", COPILOT) and not holds(office, "li", COPILOT)
        assert states(office)["goran"] == CandidateState.PUT_BACK
        result = message_text(office.person("dara").message("1 seat taken back"))
        assert ": 1." in result.split("Put back by Dara Novak")[1] and "in the queue" not in result


def test_every_seat_is_looked_through_when_somebody_wants_a_review(office: Whole) -> None:
    eli = office.person("eli")
    eli.command("/licence reclaim Copilot review")
    assert "looked through · dry run" in message_text(eli.message("dry run")) and campaign(office).kind == "review"
    eli.command("/licence reclaim Copilot covered")
    assert "another licence" in message_text(eli.message("dry run")) and campaign(office).kind == "redundant"
    eli.command("/licence reclaim Copilot")
    assert {one.kind for one in rows(office, ReclaimCampaign)} == {"review", "redundant", "idle"}
    eli.command("/licence reclaim Copilot smaller")
    assert "nothing to move to" in message_text(eli.message("nothing to move to"))
    eli.command("/licence reclaim review")
    assert "Nothing called “review”" in message_text(eli.message("Nothing called"))
    office.person("ana").command("/licence reclaim Copilot review")
    assert len(rows(office, ReclaimCampaign)) == 3, "who has no right to it plans nothing"
