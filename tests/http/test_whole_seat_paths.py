"""One seat is one row, whatever way it came: it keeps its end and its ground, and is taken back once or stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from model.events import Event, Tag
from model.licences import Seat, SeatReturn, Sku
from model.people import Person
from model.requests import Status
from model.usage import HeldMailboxList
from sandbox.graph_licensing import assign
from sandbox.slack_person import message_text
from tests.http.whole_acts import (
    all_said,
    approvers,
    ask,
    card,
    change,
    directory_id,
    holds,
    open_office,
    press,
    returns,
    seats_of,
)
from tests.postgres.test_decide_together import at_once
from tests.reclaim_town import E3_SKU
from tests.whole import PLANNER, Whole
from workflows import decide, directory, refusals, seat_ends, seat_returns, seats


@pytest.fixture
def office(tmp_path: Path, database_url: str) -> Iterator[Whole]:
    with open_office(tmp_path, database_url, copilot_seats=3) as made:
        yield made


def nightly(office: Whole) -> tuple[int, int]:
    client = office.service.clients.graph
    assert client is not None
    users = list(client.users())
    with office.work() as work:
        return directory.store_seats(work, users, office.now())


def given(office: Whole, key: str, name: str, product: str, **more: str) -> Seat:
    ask(office, key, product, **more)
    press(office, "ben", "Approve", f"{name} asks for {product}")
    office.forward(minutes=1)
    seat: Seat = seats_of(office, key)[0]
    return seat


@pytest.mark.parametrize("path", ["servicenow", "task"])
def test_a_seat_given_by_hand_stays_the_same_seat_when_microsoft_shows_it(office: Whole, path: str) -> None:
    before = given(office, "ana", "Ana Lindqvist", "Copilot", until="2026-12-01")
    change(office, Seat, before.id, path=path)
    office.forward(hours=2)
    assert nightly(office) == (0, 0)
    (seat,) = seats_of(office, "ana", open_only=False)
    assert (seat.id, seat.path, seat.until_on, seat.line_id) == (before.id, "direct", date(2026, 12, 1), before.line_id)


def test_a_seat_held_another_way_is_written_down_as_it_is_held(office: Whole) -> None:
    request_id = ask(office, "ana", "Planner")
    wanted = {"addLicenses": [{"skuId": PLANNER, "disabledPlans": []}], "removeLicenses": []}
    assign(office.graph.directory, directory_id("ana"), wanted)  # by an administrator, while it is decided
    nightly(office)
    press(office, "ben", "Approve", "Ana Lindqvist asks for Planner")
    office.forward(minutes=1)
    assert office.request(request_id).status == Status.FULFILLED
    office.forward(hours=2)
    assert nightly(office) == (0, 0)
    (seat,) = seats_of(office, "ana", open_only=False)
    assert (seat.path, seat.authorised_by) == ("direct", "request")


def test_a_group_that_is_not_the_products_is_left_alone_and_it_hears_so(office: Whole) -> None:
    seat = given(office, "ana", "Ana Lindqvist", "Planner")
    change(office, Seat, seat.id, path="group:another")
    rules = office.service.rules()
    for count in (1, 2):  # the second press is a new try, not an old answer
        with office.work() as work:
            seats.give_back(work, rules, seat.id, office.staff["ana"], "", office.now())
        office.settle()
        assert [one.state for one in returns(office)] == ["failed"] * count
    assert holds(office, "ana", PLANNER)
    note = message_text(office.person("eli").message("was to be taken back", "it-alerts"))
    assert "Planner" in note and "not this product's" in note and "Ana" not in note


def test_an_extension_of_a_seat_that_ended_meanwhile_is_not_ready(office: Whole) -> None:
    seat = given(office, "ana", "Ana Lindqvist", "Copilot", until="2026-12-01")
    with office.work() as work:
        rules, until = office.service.rules(), date(2027, 1, 15)
        seats.extend(work, rules, seat.id, office.staff["ana"], until, "The move takes longer.", "V7", office.now())
    office.settle()
    request_id = office.newest().id
    change(office, Seat, seat.id, ended_at=office.now())
    asked = approvers(office)[-1]
    with office.work() as work:
        decide.decide(
            work, office.service.rules, asked.id, None, asked.person_id, decide.Verdict(approve=True), office.now()
        )
    office.settle()
    assert office.request(request_id).status == Status.FAILED
    shown = card(office, "ana", request_id)
    assert "The seat ended meanwhile; ask for it anew." in shown and "Ready" not in shown
    assert "ended meanwhile" in all_said(office, "eli")
    assert seats_of(office, "ana", open_only=False)[0].until_on == date(2026, 12, 1)


def test_a_seat_is_confirmed_once_though_holder_and_clock_meet(office: Whole) -> None:
    seat = given(office, "ana", "Ana Lindqvist", "Copilot", until="2026-12-01")
    rules, later = office.service.rules(), office.now() + timedelta(days=12)

    def holder() -> None:
        with office.work() as work:
            seats.give_back(work, rules, seat.id, office.staff["ana"], "", later)

    def clock() -> None:
        with office.work() as work:
            seat_ends.take_back_ended(work, rules, later)

    at_once([holder, clock, holder, clock])
    assert [one.state for one in returns(office)] == ["confirmed"]
    (row,) = returns(office)
    twice = {column.name: getattr(row, column.name) for column in SeatReturn.__table__.columns if column.name != "id"}
    with pytest.raises(IntegrityError), office.work() as work:
        work.session.execute(insert(SeatReturn).values(**twice))


def test_an_agreed_end_that_failed_is_not_tried_every_hour(office: Whole) -> None:
    seat = given(office, "ana", "Ana Lindqvist", "Copilot", until="2026-12-01")
    rules, later = office.service.rules(), office.now() + timedelta(days=12)
    with office.work() as work:
        assert seat_ends.take_back_ended(work, rules, later) == 1
    (row,) = returns(office)
    with office.work() as work:
        seat_returns.not_removed(work, row.id, "It was left alone.", "microsoft365", later)
    with office.work() as work:
        assert seat_ends.take_back_ended(work, rules, later + timedelta(hours=1)) == 0
        assert seat_returns.open_return(work, seat.id) is None


def test_an_agreed_end_waits_while_the_mailbox_is_on_hold(office: Whole) -> None:
    seat = given(office, "ana", "Ana Lindqvist", "Copilot", until="2026-12-01")
    change(office, Sku, seat.sku_id, sku_id=E3_SKU, part_number="SPE_E3")  # a product that holds the mailbox
    rules, later = office.service.rules(), office.now() + timedelta(days=12)
    with office.work() as work:
        email = work.session.get_one(Person, office.staff["ana"]).email
        work.session.add(HeldMailboxList(said_by_id=office.staff["eli"], said_at=office.now(), mailboxes=[email]))
    for hours in (0, 1, 2):
        with office.work() as work:
            assert seat_ends.take_back_ended(work, rules, later + timedelta(hours=hours)) == 0
    assert not returns(office)
    with office.work() as work:
        kept = select(Event.facts).where(Event.tag == Tag.SEAT_RETURN_HELD, Event.subject == f"seat:{seat.id}")
        (said,) = work.session.execute(kept).scalars()
        assert '"by":"hold"' in said
        work.session.add(HeldMailboxList(said_by_id=office.staff["eli"], said_at=later, mailboxes=[]))
    with office.work() as work:
        assert seat_ends.take_back_ended(work, rules, later + timedelta(hours=3)) == 1


def test_whoever_left_decides_nothing_though_the_account_is_still_open(office: Whole) -> None:
    request_id = ask(office, "ana", "Copilot")
    change(office, Person, office.staff["ben"], leaves_on=office.now().date() - timedelta(days=2))
    (asked,) = approvers(office)
    with pytest.raises(refusals.RightGone), office.work() as work:
        decide.decide(
            work, office.service.rules, asked.id, None, asked.person_id, decide.Verdict(approve=True), office.now()
        )
    assert office.request(request_id).status == Status.AWAITING_APPROVAL
