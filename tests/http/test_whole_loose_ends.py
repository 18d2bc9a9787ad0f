"""Paths that cross: what one side gave up or took back never goes on by itself on the other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from model.events import Event, EventPersonal
from model.people import Person
from model.positions import SeatFigures, seat_figures
from model.requests import LicenceRequest, Status
from sandbox.graph_licensing import assign, set_enabled
from sandbox.slack_person import message_text
from tests.http.test_whole_granting import give_back
from tests.http.whole_acts import (
    all_said,
    ask,
    change,
    directory_id,
    entitlements,
    holds,
    open_office,
    parked,
    policy_with,
    press,
    returns,
    seats_of,
    send,
    tasks,
    tickets,
)
from tests.whole import COPILOT, PLANNER, Whole
from workflows import seats, submit
from workflows.forms import NewProductForm


@pytest.fixture
def full(tmp_path: Path, sqlite_url: str) -> Iterator[Whole]:
    """The office with no seat of Copilot left."""
    with open_office(tmp_path, sqlite_url, copilot_seats=0) as made:
        yield made


@pytest.fixture
def office(tmp_path: Path, sqlite_url: str) -> Iterator[Whole]:
    with open_office(tmp_path, sqlite_url, copilot_seats=1) as made:
        yield made


def test_leaving_the_queue_calls_the_order_off_and_that_is_all(full: Whole) -> None:
    request_id = ask(full, "ana", "Copilot")
    press(full, "ben", "Approve and buy", "Ana Lindqvist asks for Copilot")
    press(full, "goran", "Approve and buy", "Ana Lindqvist asks for Copilot")
    assert full.request(request_id).status == Status.WAITING_FOR_SEAT
    (order,) = tickets(full, request_id, "purchase")
    assert order.number and order.number.startswith("RITM")
    press(full, "ana", "Leave the queue", f"REQ-{1000 + request_id}")
    full.forward(minutes=2)
    assert full.request(request_id).status == Status.WITHDRAWN
    (order,) = tickets(full, request_id, "purchase")
    assert (order.wanted, order.state) == ("cancelled", "cancelled")
    assert not parked(full), [(job.kind, job.error) for job in parked(full)]
    assert "waits for a person" not in all_said(full, "eli")


def test_an_order_names_the_seats_that_are_missing_and_not_those_that_are_free(office: Whole) -> None:
    people = ["U0ANA", "U0KAI", "U0LI"]
    request_id = ask(office, "ana", "Copilot", people=people, count="3")
    press(office, "ben", "Approve and buy", "Ana Lindqvist asks for 3 seats of Copilot")
    press(office, "goran", "Approve and buy", "Ana Lindqvist asks for 3 seats of Copilot")
    (order,) = tickets(office, request_id, "purchase")
    item = office.servicenow.instance.find("sc_req_item", correlation_id=order.correlation_id)[0]
    assert (item["quantity"], item["_variables"]["short_description"]) == ("2", "Buy 2 seats of Copilot")


def test_what_was_ordered_is_registered_although_a_seat_came_back_meanwhile(office: Whole) -> None:
    people = ["U0ANA", "U0KAI", "U0LI"]
    request_id = ask(office, "ana", "Copilot", people=people, count="3")
    press(office, "ben", "Approve and buy", "Ana Lindqvist asks for 3 seats of Copilot")
    press(office, "goran", "Approve and buy", "Ana Lindqvist asks for 3 seats of Copilot")
    (order,) = tickets(office, request_id, "purchase")
    assert order.quantity == 2 and order.number
    set_enabled(office.graph.directory, COPILOT, 3)
    office.forward(minutes=6)
    office.servicenow.control.resolve(order.number, "complete")
    office.forward(minutes=6)
    assert entitlements(office, "copilot")[-1].quantity == 2


def test_a_refused_procurement_is_not_ordered_again_by_itself(full: Whole) -> None:
    with full.work() as work:
        form = NewProductForm("V-new", "Frobnicator", "We need it for the Lyon move.", "", "", "nothing", "")
        rules = full.service.rules()
        made = submit.submit_new_product(work, rules, form, full.staff["ana"], full.now())
    full.settle()
    request_id = made.request_id
    press(full, "dara", "Approve", "Frobnicator")
    press(full, "goran", "Approve", "Frobnicator")
    assert full.request(request_id).status == Status.FULFILLING
    (order,) = tickets(full, request_id, "new_product")
    full.servicenow.control.resolve(order.number or "", "incomplete")
    full.forward(minutes=2)
    full.forward(minutes=2)
    assert len(tickets(full, request_id, "new_product")) == 1
    assert full.request(request_id).status == Status.FAILED


def test_a_seat_asked_for_back_takes_the_owners_work_away(office: Whole) -> None:
    ask(office, "ana", "Miro")
    press(office, "ben", "Approve", "Ana Lindqvist asks for Miro")
    press(office, "chitra", "Done, seat given", "Give Ana Lindqvist a seat")
    give_back(office, "ana", "Miro")
    assert [task.state for task in tasks(office)] == ["done", "open"]
    (row,) = returns(office)
    with office.work() as work:
        seats.need_back(work, office.service.rules(), row.id, office.staff["ana"], office.now())
    office.settle()
    assert returns(office)[0].state == "kept"
    assert [task.state for task in tasks(office)] == ["done", "closed"]
    assert "Nothing to do any more" in all_said(office, "chitra")
    assert len(seats_of(office, "ana")) == 1


def test_an_extension_asked_for_holds_a_seat_that_its_owner_was_to_take(office: Whole) -> None:
    """The owner's task once stayed open: a press there ended a seat whose longer use was approved (rules §7)."""
    ask(office, "ana", "Miro", until="2026-12-01")
    press(office, "ben", "Approve", "Ana Lindqvist asks for Miro")
    press(office, "chitra", "Done, seat given", "Give Ana Lindqvist a seat")
    office.forward(days=9)
    assert [(one.ground, one.state) for one in returns(office)] == [("agreed_end", "confirmed")]
    (seat,) = seats_of(office, "ana")
    with office.work() as work:
        rules, until = office.service.rules(), date(2027, 1, 15)
        seats.extend(work, rules, seat.id, office.staff["ana"], until, "The move takes longer.", "V9", office.now())
    office.settle()
    assert [(one.ground, one.state) for one in returns(office)] == [("agreed_end", "kept")]
    assert [task.state for task in tasks(office)] == ["done", "closed"]
    office.forward(hours=2)
    assert [task.state for task in tasks(office)] == ["done", "closed"]  # held while it is open


def test_a_seat_given_to_somebody_not_named_yet_is_in_use(office: Whole) -> None:
    """Two seats of Miro are bought: with both given, the next request has none, whoever holds the second."""
    ask(office, "ana", "Miro", people=["U0ANA"], count="2")
    press(office, "ben", "Approve", "Ana Lindqvist asks for 2 seats of Miro")
    press(office, "chitra", "Done, seat given", "Give Ana Lindqvist a seat")
    press(office, "chitra", "Done, seat given", "Give Somebody to be named a seat")
    figures = seat_figures_of(office, "miro")
    assert (figures.enabled, figures.consumed, figures.free) == (2, 2, 0)
    request_id = ask(office, "kai", "Miro")
    press(office, "ben", "Approve and wait", "Kai Moreno asks for Miro")
    assert office.request(request_id).status == Status.WAITING_FOR_SEAT


def seat_figures_of(office: Whole, product: str) -> SeatFigures:
    sku = office.skus[product]
    with office.database.reading() as connection:
        return seat_figures(connection, [sku], office.now().date())[sku]


def test_why_a_seat_could_not_be_given_is_kept_where_it_can_be_erased(office: Whole) -> None:
    """The chained part of an event is for ever; names and typed words lie beside it (design §4)."""
    request_id = ask(office, "ana", "Miro")
    press(office, "ben", "Approve", "Ana Lindqvist asks for Miro")
    words = "Ana is not known to them."
    assert send(office, "chitra", "I could not do it", "Give Ana Lindqvist a seat", reason="Other", words=words)["ok"]
    assert office.request(request_id).status == Status.FAILED
    assert words in all_said(office, "ana")
    with office.database.reading() as connection:
        chained = connection.execute(select(Event.facts)).scalars().all()
        beside = connection.execute(select(EventPersonal.facts)).scalars().all()
    assert not any("Ana" in facts for facts in chained)
    assert any(words in (facts or "") for facts in beside)


def test_the_last_day_ends_where_the_holder_is(office: Whole) -> None:
    """In California a seat agreed until 1 December once went at four in the afternoon of that day."""
    change(office, Person, office.staff["ana"], time_zone="America/Los_Angeles")
    ask(office, "ana", "Miro", until="2026-12-01")
    press(office, "ben", "Approve", "Ana Lindqvist asks for Miro")
    press(office, "chitra", "Done, seat given", "Give Ana Lindqvist a seat")
    office.forward(days=8, hours=17)  # 2 December, 01:14 in Greenwich
    assert not returns(office)
    office.forward(hours=8)
    assert [(one.ground, one.state) for one in returns(office)] == [("agreed_end", "confirmed")]


def test_a_group_seat_is_taken_although_its_holder_has_the_same_another_way(office: Whole) -> None:
    """It once was looked for, and asked to be removed, every three seconds for ever."""
    ask(office, "ana", "Planner")
    press(office, "ben", "Approve", "Ana Lindqvist asks for Planner")
    office.forward(minutes=1)
    assert holds(office, "ana", PLANNER)
    client = office.service.clients.graph
    assert client is not None
    wanted = {"addLicenses": [{"skuId": PLANNER, "disabledPlans": []}], "removeLicenses": []}
    assign(office.graph.directory, directory_id("ana"), wanted)  # by an administrator, in Microsoft's own pages
    (seat,) = seats_of(office, "ana")
    with office.work() as work:
        seats.give_back(work, office.service.rules(), seat.id, office.staff["ana"], "", office.now())
    office.forward(minutes=2)
    assert [(one.ground, one.state) for one in returns(office)] == [("given_back", "removed")]
    assert client.licence_states(directory_id("ana")).groups(PLANNER) == ()
    assert client.licence_states(directory_id("ana")).direct(PLANNER) is not None  # nobody agreed to take that


def test_a_request_whose_only_decision_is_the_order_is_not_approved_by_itself(tmp_path: Path, sqlite_url: str) -> None:
    """With a seat free nothing must be ordered, and once the step fell away without anybody having decided."""
    policy = policy_with("", approval="{steps: [purchase], fallback: {roles: [licence_manager]}}")
    with open_office(tmp_path, sqlite_url, policy=policy) as office:
        request_id = ask(office, "ana", "Copilot")
        assert office.request(request_id).status == Status.AWAITING_APPROVAL
        press(office, "goran", "Approve", "Ana Lindqvist asks for Copilot")
        assert office.request(request_id).status == Status.FULFILLED


def test_a_form_that_was_kept_says_when_it_is_kept_no_longer(office: Whole) -> None:
    ana = office.person("ana")
    ana.command("/licence request Copilot")
    ana.fill(why="Plan of the Lyon office move")
    ana.choose("people", ["U0ANA", "U0BEN"])
    ana.close()
    office.settle()
    assert "kept for 24 hours" in message_text(ana.message("The form closed before it was sent."))
    office.forward(hours=48)
    kept = ana.message("The form closed before it was sent.")
    assert "are no longer kept" in message_text(kept) and "actions" not in str(kept["blocks"])


def waits_for_a_lock(office: Whole) -> bool:
    """Whether somebody in this PostgreSQL database does."""
    here = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
    with office.database.reading() as connection:
        return bool(connection.execute(here).scalar_one())


def test_a_kept_form_that_is_sent_this_moment_is_not_forgotten(tmp_path: Path, postgres_url: str) -> None:
    """The nightly look saw the draft, and before it wrote the request was sent: the request stays."""
    with open_office(tmp_path, postgres_url) as office:
        with office.work() as work:
            answers = {"why": "Plan of the Lyon office move"}
            draft = submit.keep_draft(work, office.service.rules(), office.staff["ana"], "V-1", answers, office.now())
        assert draft is not None
        later = office.now() + timedelta(days=2)

        def forget() -> None:
            with office.work() as work:
                submit.drop_old_drafts(work, office.service.rules(), later)

        with office.database.unit_of_work() as sending, ThreadPoolExecutor(1) as pool:
            request = sending.session.get_one(LicenceRequest, draft)
            request.status, request.reason = Status.AWAITING_APPROVAL, "Plan of the Lyon office move"
            sending.session.flush()
            tidying = pool.submit(forget)
            deadline = time.monotonic() + 20
            while not waits_for_a_lock(office):  # it looked, and wants the row
                assert time.monotonic() < deadline, "the tidying never met the request"
                wait([tidying], timeout=0.01)
            sending.commit()
            tidying.result(20)
        assert office.request(draft).status == Status.AWAITING_APPROVAL
