"""Pressed at the same moment: four approvers decide once, two approvals share no last seat, one form makes one request.

Presses go as signed HTTP to the running service, on both databases; the same is then tried at the operation itself,
where threads meet more closely than a network lets them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from model.events import Event
from model.licences import Seat
from model.people import Role, RoleGrant
from model.requests import LicenceRequest, LineState, RequestLine, Status, StepApprover
from model.seal import seal, verify_database
from sandbox.slack_person import NotThere, message_text
from tests.whole import COPILOT, MORNING, POLICY, Whole, directory_id, whole
from workflows import advance, decide, submit
from workflows.decide import Verdict
from workflows.forms import RequestForm
from workflows.refusals import AlreadyDecided, Refusal

FOUR = ("mia", "chitra", "dara", "eli")
BY_FOUR = POLICY.replace("approval: {", "approval: {steps: [licence_manager], ")


@pytest.fixture
def office(tmp_path: Path, database_url: str) -> Iterator[Whole]:
    """One Copilot seat; four licence managers, any one of whom decides."""
    with whole(tmp_path, database_url, copilot_seats=1, policy=BY_FOUR) as made:
        with made.work() as work:
            for key in set(FOUR) - {"dara"}:
                began = MORNING - timedelta(days=1)
                grant = RoleGrant(person_id=made.staff[key], role=Role.LICENCE_MANAGER, began_at=began)
                work.session.add(grant)
        made.run(work=False)
        yield made


def at_once(acts: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run all at the same moment; what each returned or raised."""
    gate, found = threading.Barrier(len(acts)), [None] * len(acts)

    def one(place: int, act: Callable[[], Any]) -> None:
        gate.wait(10)
        try:
            found[place] = act()
        except (Refusal, NotThere) as refused:
            found[place] = refused  # type: ignore[call-overload]

    threads = [threading.Thread(target=one, args=(place, act)) for place, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    return found


def ask(office: Whole, key: str) -> int:
    person = office.person(key)
    person.command("/licence request Copilot")
    person.fill(why="Minutes and drafts for the Lyon office move.")
    assert person.submit()["ok"]
    office.settle()
    return office.newest().id


def told(office: Whole, key: str) -> list[str]:
    """What was said to this person only, after a press."""
    return [message_text(one) for one in office.person(key).messages() if one["ephemeral"]]


def decisions(office: Whole, request_id: int) -> int:
    with office.database.reading() as connection:
        return connection.execute(
            select(func.count())
            .select_from(Event)
            .where(Event.subject == f"request:{request_id}", Event.tag == "request:approval:granted")
        ).scalar_one()


def seats(office: Whole) -> int:
    with office.database.reading() as connection:
        return connection.execute(select(func.count()).select_from(Seat)).scalar_one()


def sealed(office: Whole) -> None:
    seal(office.database, office.now())
    report = verify_database(office.database)
    assert report.ok, report.words


def test_four_people_press_at_the_same_moment_and_decide_once(office: Whole) -> None:
    request_id = ask(office, "ana")
    cards = {key: office.person(key).message("Ana Lindqvist asks for Copilot") for key in FOUR}
    answers = at_once(
        [lambda key=key: office.person(key).press("Approve", in_message=cards[key]) for key in FOUR]  # type: ignore[misc]
    )
    assert all(answer["ok"] for answer in answers)
    office.settle()
    assert decisions(office, request_id) == 1
    words = {key: [one for one in told(office, key) if "your press changed nothing" in one] for key in FOUR}
    assert sorted(len(said) for said in words.values()) == [0, 1, 1, 1], words
    assert office.request(request_id).status == Status.FULFILLED
    assert seats(office) == 1 and office.graph.directory.holds(directory_id("ana"), COPILOT)
    for key in FOUR:
        assert "Approved by" in message_text(office.person(key).message("REQ-"))
    sealed(office)


def test_four_threads_at_the_operation_itself_decide_once(office: Whole) -> None:
    request_id = ask(office, "ana")
    with office.database.reading() as connection:
        asked = connection.execute(select(StepApprover.id, StepApprover.person_id)).all()
    assert len(asked) == 4

    def press(approver: int, person: int) -> decide.Decided:
        with office.database.unit_of_work() as work:
            done = decide.decide(work, office.service.rules, approver, None, person, Verdict(True), office.now())
            work.commit()
            return done

    found: list[Any] = []
    for _ in range(3):  # again and again: later presses find it decided
        found = at_once([lambda row=row: press(row.id, row.person_id) for row in asked])  # type: ignore[misc]
    assert all(isinstance(one, AlreadyDecided) for one in found), found
    assert decisions(office, request_id) == 1
    office.settle()
    assert seats(office) == 1
    sealed(office)


def test_an_approval_and_a_denial_at_the_same_moment_leave_one_of_them(office: Whole) -> None:
    request_id = ask(office, "ana")
    with office.database.reading() as connection:
        asked = connection.execute(select(StepApprover.id, StepApprover.person_id)).all()

    def press(approver: int, person: int, yes: bool) -> bool:
        with office.database.unit_of_work() as work:
            verdict = Verdict(yes, words="" if yes else "Not this quarter")
            decide.decide(work, office.service.rules, approver, None, person, verdict, office.now())
            work.commit()
            return yes

    found = at_once(
        [lambda n=n, row=row: press(row.id, row.person_id, n % 2 == 0) for n, row in enumerate(asked)]  # type: ignore[misc]
    )
    won = [one for one in found if isinstance(one, bool)]
    assert len(won) == 1, found
    office.settle()
    assert office.request(request_id).status == (Status.FULFILLED if won[0] else Status.DENIED)
    assert seats(office) == int(won[0])
    sealed(office)


def test_two_approvals_of_the_last_seat_give_one_seat_and_one_place_in_the_queue(office: Whole) -> None:
    first, second = ask(office, "ana"), ask(office, "kai")
    ana = office.person("dara").message("Ana Lindqvist asks for Copilot")
    kai = office.person("eli").message("Kai Moreno asks for Copilot")
    answers = at_once(
        [
            lambda: office.person("dara").press("Approve", in_message=ana),
            lambda: office.person("eli").press("Approve", in_message=kai),
        ]
    )
    assert all(answer["ok"] for answer in answers)

    def go_on(request_id: int) -> None:
        with office.database.unit_of_work() as work:
            advance.advance(work, office.service.rules(), request_id, office.now())
            work.commit()

    at_once([lambda: go_on(first), lambda: go_on(second)])
    with office.database.reading() as connection:
        states = sorted(connection.execute(select(RequestLine.state)).scalars())
    assert states == [LineState.GRANTING, LineState.QUEUED]
    office.settle()
    assert {office.request(first).status, office.request(second).status} == {
        Status.FULFILLED,
        Status.WAITING_FOR_SEAT,
    }
    assert seats(office) == 1 and office.graph.directory.consumed(COPILOT) == 1
    sealed(office)


def test_the_same_window_sent_twice_at_the_same_moment_makes_one_request(office: Whole) -> None:
    people = [office.person("ana"), office.person("ana")]
    people[0].command("/licence request Copilot")
    for person in people:
        person.fill(why="Minutes and drafts for the Lyon office move.")
    at_once([person.submit for person in people])
    office.settle()

    form = RequestForm(
        submission_key="V-TWICE", product_id=office.products["copilot"], people=(office.staff["kai"],), seats=1,
        why="Minutes and drafts for the Lyon office move.", frequency="weekly",
    )  # fmt: skip

    def send() -> int:
        with office.database.unit_of_work() as work:
            receipt = submit.submit(work, office.service.rules(), form, office.staff["kai"], office.now())
            work.commit()
            return receipt.request_id

    made = at_once([send] * 4)
    with office.database.reading() as connection:
        requests = connection.execute(select(LicenceRequest.requester_id)).scalars().all()
    assert sorted(requests) == sorted([office.staff["ana"], office.staff["kai"]])
    assert len(set(made)) == 1, made


def test_a_double_click_decides_once_and_says_nothing(office: Whole) -> None:
    request_id = ask(office, "ana")
    card = office.person("dara").message("Ana Lindqvist asks for Copilot")
    answers = at_once([lambda: office.person("dara").press("Approve", in_message=card)] * 2)
    assert all(answer["ok"] for answer in answers)
    office.settle()
    assert decisions(office, request_id) == 1
    assert told(office, "dara") == []
    assert seats(office) == 1
