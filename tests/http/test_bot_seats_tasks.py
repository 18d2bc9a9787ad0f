"""Work by hand, seats that do not work, the queue, parked work: pressed in Slack, on both databases where it races."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from jobs.tables import Job, JobState
from model.contracts import Entitlement
from model.events import Event, Tag
from model.licences import Product, Sku
from model.requests import LicenceRequest, OwnerTask, Status, StepApprover
from sandbox.blocks_text import render_text
from tests.http.bot_desk import NOW, Desk, bot_desk
from tests.http.test_bot_deliveries import delivered, post
from workflows import cards
from workflows.effects import enqueue


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[Desk]:
    with bot_desk(sqlite_url) as found:
        yield found


@pytest.fixture
def either(database_url: str) -> Iterator[Desk]:
    with bot_desk(database_url) as found:
        yield found


def with_task(desk: Desk) -> Any:
    """A request for a product that its owner gives by hand, approved; returns the task."""
    desk.add(
        Product(id=6, publisher_id=1, name="Figma", key="figma", granting="owner_task", owner_id=4),
        Sku(id=6, product_id=6, part_number="FIGMA"),
        Entitlement(product_id=6, sku_id=6, contract_id=1, quantity=12, starts_on=NOW.date(), recorded_at=NOW),
    )
    desk.ask("Figma")
    desk.person("ben").press("Approve", in_message="Waiting for you")
    desk.work()
    return desk.row(OwnerTask)


def test_a_task_is_done_and_reopened_when_it_does_not_work(desk: Desk) -> None:
    task = with_task(desk)
    ana, chitra = desk.person("ana"), desk.person("chitra")
    assert task.assignee_id == 4
    chitra.press("Done, seat given", in_message="Figma")
    desk.work()
    assert desk.row(LicenceRequest).status == Status.FULFILLED
    message = next(one for one in ana.messages() if "It does not work" in str(one["blocks"]))
    ana.press("It does not work", in_message=message)
    assert ana.fill(words="It says no seat").submit()["ok"]
    assert "Sent to whoever gave it to you." in render_text(ana.modal()["blocks"])
    desk.work()
    assert (desk.row(OwnerTask).state, desk.row(OwnerTask).words) == ("open", "It says no seat")


def test_a_task_that_cannot_be_done_says_why(desk: Desk) -> None:
    with_task(desk)
    chitra = desk.person("chitra")
    chitra.press("I could not do it", in_message="Figma")
    chitra.fill(reason="Other")
    assert "words" in chitra.submit()["errors"]
    assert chitra.fill(words="The page is down").submit()["ok"]
    assert (desk.row(OwnerTask).state, desk.row(OwnerTask).words) == ("could_not", "The page is down")


def test_a_task_is_handed_on_and_belongs_to_one_person(desk: Desk) -> None:
    with_task(desk)
    chitra, dara = desk.person("chitra"), desk.person("dara")
    message = chitra.message("Figma")
    chitra.choose("task_more", "Why me?", in_message=message)
    assert "You look after Figma" in render_text(chitra.modal()["blocks"])
    chitra.close()
    chitra.choose("task_more", "Hand on", in_message=message)
    assert chitra.fill(person="U0DARA").submit()["ok"]
    assert desk.row(OwnerTask).assignee_id == 5
    chitra.press("Done, seat given", in_message=message)
    desk.work()
    assert any("This waits for Dara Novak." in one["text"] for one in chitra.messages())
    dara.press("Done, seat given", in_message="Figma")
    assert desk.row(OwnerTask).state == "done"


def test_the_queue_is_left_or_called_urgent(desk: Desk) -> None:
    desk.change(Entitlement, 1, quantity=0)
    desk.ask("Planner")
    ben, ana = desk.person("ben"), desk.person("ana")
    ben.press("Approve and wait", in_message="Waiting for you")
    desk.work()
    assert desk.row(LicenceRequest).status == Status.WAITING_FOR_SEAT
    ana.press("It is urgent", in_message="In the queue")
    assert ana.fill(words="The move is next week").submit()["ok"]
    desk.work()
    assert desk.row(LicenceRequest).urgent_reason == "The move is next week"
    ana.press("Leave the queue", in_message="In the queue")
    assert desk.row(LicenceRequest).status == Status.WITHDRAWN


def test_parked_work_is_run_again_by_those_who_may(desk: Desk) -> None:
    desk.add(
        *[
            Job(
                id=9000 + number, kind="ticket.settle", queue="servicenow", payload={}, state=JobState.PARKED,
                run_at=NOW, cause="close_code", error="ServiceNow refuses the close code", created_at=NOW,
            )
            for number in (1, 2)
        ]
    )  # fmt: skip
    with desk.database.unit_of_work() as work:
        effects = cards.new_card(work, cards.CardKind.PARKED, 9001, cards.person(5), NOW)
        enqueue(work, effects, NOW)
        work.commit()
    desk.work()
    ana, dara = desk.person("ana"), desk.person("dara")
    message = dara.message("wait for a person")
    ts = desk.slack.world.post("C0LICENCES", message["text"], message["blocks"])["ts"]
    ana.press("Try 2 again", in_message=next(one for one in ana.messages("C0LICENCES") if one["ts"] == ts))
    desk.work()
    assert any("This waits for IT or a licence manager." in one["text"] for one in ana.messages())
    dara.press("Leave it", in_message=message)
    dara.press("Try 2 again", in_message=message)
    assert {one.state for one in desk.rows(Job, cause="")} >= {"ready"}
    assert [one.state for one in desk.rows(Job, kind="ticket.settle")] == ["ready", "ready"]
    assert len(desk.rows(Event, tag=Tag.JOB_RUN_AGAIN.value)) == 1


def test_a_note_sent_twice_is_one_note(desk: Desk) -> None:
    desk.ask()
    ana = desk.person("ana")
    ana.press("Add a note", in_message="Waiting for Ben Okafor")
    ana.fill(words="It is for the move in May").submit()
    again = delivered(desk, "view_submission")
    assert post(desk, urlencode({"payload": again})).status_code == 200
    assert desk.row(LicenceRequest).details["notes"] == ["It is for the move in May"]
    assert json.loads(again)["view"]["callback_id"] == "note_form"


def test_four_people_press_at_the_same_moment_and_one_decides(either: Desk) -> None:
    either.ask()
    step = either.rows(StepApprover)[0].step_id
    either.add(*[StepApprover(step_id=step, person_id=key, asked_at=NOW) for key in (3, 4, 5)])
    shown = either.person("ben").message("Waiting for you")
    ts = either.slack.world.post("C0LICENCES", shown["text"], shown["blocks"])["ts"]
    answers: list[bool] = []
    together = threading.Barrier(4)

    def press(name: str, label: str) -> None:
        person = either.person(name)
        message = next(one for one in person.messages("C0LICENCES") if one["ts"] == ts)
        together.wait()
        answers.append(person.press(label, in_message=message)["ok"])

    names = ["ben", "mia", "chitra", "dara"]
    threads = [threading.Thread(target=press, args=(name, "Approve")) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 4
    either.work()
    decided = [one for one in either.rows(StepApprover) if one.state == "agreed"]
    assert len(decided) == 1
    assert len(either.rows(Event, tag=Tag.REQUEST_APPROVED.value)) == 1
    told = [name for name in names if any("your press changed" in m["text"] for m in either.person(name).messages())]
    assert len(told) == 3
