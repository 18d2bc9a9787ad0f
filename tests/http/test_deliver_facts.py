"""What cards are drawn from, read from rows on both databases: figures, history, queue, budgets, in few queries."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event

from licensing.money import Money
from model.contracts import Entitlement
from model.licences import Alternative, Budget, Granting, Product, Seat, SeatReturn, Sku
from model.requests import LicenceRequest, LineState, OwnerTask, RequestLine, Status
from tests.http.delivery import MONDAY, Office, ask, office
from workflows.reads.approvals import approvals, decisions
from workflows.reads.progress import progress, request_rows
from workflows.reads.seats import endings, holdings, received, returned
from workflows.reads.tasks import tasks


@pytest.fixture
def place(database_url: str) -> Iterator[Office]:
    with office(database_url) as made:
        yield made


def _add(place: Office, *rows: object) -> None:
    with place.database.unit_of_work() as work:
        for row in rows:
            work.session.add(row)
            work.session.flush()
        work.commit()


def _seat(key: int, person: int, began_days_ago: int, ended_days_ago: int | None = None, **more: object) -> Seat:
    ended = None if ended_days_ago is None else MONDAY - timedelta(days=ended_days_ago)
    began = MONDAY - timedelta(days=began_days_ago)
    values: dict[str, object] = {"product_id": 1, "sku_id": 1} | more
    return Seat(id=key, person_id=person, began_at=began, ended_at=ended, recorded_at=began, **values)


def test_an_approval_knows_figures_history_budget_and_overlap(place: Office) -> None:
    ask(place)
    _add(
        place,
        _seat(1, 1, 290, 180),
        SeatReturn(
            seat_id=1,
            person_id=1,
            product_id=1,
            ground="given_back",
            confirmed_by_id=1,
            confirmed_at=MONDAY,
            state="removed",
        ),
        Budget(cost_centre="Design", year=2026, amount=Decimal(2000), currency="EUR"),
        Product(id=2, publisher_id=1, name="Microsoft Planner", key="planner", granting=Granting.OWNER_TASK),
        Sku(id=2, product_id=2, part_number="PLANNER"),
        Alternative(asked_product_id=1, held_product_id=2, offered_name="Planner", sentence="It does boards."),
        _seat(2, 1, 100, product_id=2, sku_id=2),
    )
    with place.database.reading() as connection:
        facts = approvals(connection, [1], place.now)[1]
    assert facts.numbers is not None
    assert (facts.numbers.bought, facts.numbers.in_use, facts.numbers.free) == (40, 37, 3)
    assert facts.charge.nothing
    assert facts.safe
    assert facts.budget.left == Money(Decimal(2000), "EUR")
    assert [(one.began_on, one.gave_back) for one in facts.history] == [(date(2026, 2, 6), True)]
    assert facts.licences == 1
    assert facts.overlap == ("Microsoft Planner",)
    assert facts.next_if_silent is not None
    assert facts.next_if_silent.name == "Mia Chen"


def test_a_purchase_is_charged_to_the_end_of_the_term_and_spent_money_is_gone(place: Office) -> None:
    place.change(Sku, 1, consumed=40)
    _add(place, Budget(cost_centre="Design", year=2026, amount=Decimal(300), currency="EUR"))
    ask(place)
    ask(place, 2, requester=3)
    place.change(
        LicenceRequest,
        2,
        status=Status.WAITING_FOR_SEAT,
        purchase=True,
        cost=Decimal("118.75"),
        currency="EUR",
        decided_at=MONDAY,
    )
    with place.database.reading() as connection:
        facts = approvals(connection, [1], place.now)[1]
    assert facts.charge.to_end == Money(Decimal("118.75"), "EUR")
    assert facts.budget.left == Money(Decimal("181.25"), "EUR")
    assert not facts.safe


def test_a_free_seat_is_not_safe_to_give_where_purchases_are_short_of_what_is_in_use(place: Office) -> None:
    """Microsoft has three seats free, the register says that one was bought and one is held already."""
    ask(place)
    ask(place, 2, requester=3)
    for bought, safe in ((2, True), (1, False)):
        place.change(Entitlement, 1, quantity=bought)
        with place.database.unit_of_work() as work:
            work.connection.execute(Seat.__table__.delete())  # type: ignore[attr-defined]
            work.commit()
        _add(place, _seat(9, 2, 100))
        with place.database.reading() as connection:
            listed = decisions(connection, [2], place.now)[2]
            [alone] = approvals(connection, [1], place.now).values()
        assert [one.safe for one in listed.open] == [safe, safe], "each alone fits, or does not"
        assert alone.safe is safe and alone.then is not None and (alone.then.short == 0) is safe


def test_a_free_seat_that_somebody_waits_for_is_not_free_for_the_next(place: Office) -> None:
    place.change(Sku, 1, consumed=39)
    ask(place)
    ask(place, 2, requester=3)
    place.change(LicenceRequest, 2, status=Status.WAITING_FOR_SEAT, queued_at=MONDAY)
    place.change(RequestLine, 2, state=LineState.QUEUED)
    with place.database.reading() as connection:
        facts = approvals(connection, [1], place.now)[1]
        stands = progress(connection, [2], place.now)[2]
        [row] = request_rows(connection, 3, place.now)
    assert facts.numbers is not None
    assert (facts.numbers.free, facts.numbers.free_for_new, facts.charge.buys) == (1, 0, 1)
    assert stands.queue is not None
    assert (stands.queue.place, stands.queue.of, stands.queue.taken) == (1, 1, 40)
    assert stands.queue.usual_days is None
    assert "nobody has waited" in stands.queue.usual_unknown
    assert row.queue == stands.queue


def test_the_usual_wait_is_the_middle_of_earlier_ones(place: Office) -> None:
    for number, days in ((1, 1), (2, 3), (3, 20)):
        ask(place, number)
        asked = MONDAY - timedelta(days=42)
        place.change(LicenceRequest, number, status=Status.FULFILLED, queued_at=asked)
        place.change(RequestLine, number, state=LineState.GRANTED, granted_at=asked + timedelta(days=days))
    ask(place, 4)
    place.change(LicenceRequest, 4, status=Status.WAITING_FOR_SEAT, queued_at=MONDAY)
    place.change(RequestLine, 4, state=LineState.QUEUED)
    with place.database.reading() as connection:
        queue = progress(connection, [4], place.now)[4].queue
    assert queue is not None
    assert queue.usual_days == 3


def test_seats_of_a_person_add_up_per_currency_and_say_what_is_not_known(place: Office) -> None:
    _add(
        place,
        Product(id=2, publisher_id=1, name="Miro", key="miro", granting=Granting.OWNER_TASK),
        Sku(id=2, product_id=2, part_number="MIRO"),
        _seat(1, 1, 10),
        _seat(2, 1, 10, product_id=2, sku_id=2, path="group:design-all"),
    )
    with place.database.reading() as connection:
        held = holdings(connection, [1, 2], place.now)
    assert str(held[1].yearly) == "€336.00, and 1 price not known"
    assert [(seat.product, seat.can_give_back) for seat in held[1].seats] == [
        ("Microsoft Copilot", True),
        ("Miro", False),
    ]
    assert held[2].seats == ()


def test_endings_returns_and_tasks_name_what_people_need(place: Office) -> None:
    ask(place)
    place.change(RequestLine, 1, state=LineState.GRANTED, granted_at=MONDAY)
    _add(
        place,
        _seat(1, 1, 10, until_on=date(2027, 1, 31), line_id=1),
        SeatReturn(
            id=5,
            seat_id=1,
            person_id=1,
            product_id=1,
            ground="agreed_end",
            confirmed_by_id=2,
            confirmed_at=MONDAY,
            state="removed",
            removed_at=MONDAY,
        ),
        OwnerTask(
            id=6, kind="give", line_id=1, request_id=1, product_id=1, assignee_id=4, due_at=MONDAY, created_at=MONDAY
        ),
    )
    with place.database.reading() as connection:
        ends = endings(connection, [1], place.now)[1]
        back = returned(connection, [5], place.now)[5]
        work = tasks(connection, [6], place.now)[6]
        given = received(connection, [1], place.now)[1]
    assert (ends.ends_on, ends.given_for) == (date(2027, 1, 31), "Minutes for the office move")
    assert (back.confirmed_by.name, back.monthly) == ("Ben Okafor", Money(Decimal(28), "EUR"))
    assert work.holder is not None
    assert (work.holder.name, work.assignee.name, work.reference) == ("Ana Lindqvist", "Mia Chen", "REQ-1001")
    assert given.until_on == date(2027, 1, 31)


def test_a_form_that_was_never_sent_is_no_request_of_theirs(place: Office) -> None:
    ask(place)
    ask(place, 2)
    for number, sent in ((1, place.now), (2, None)):
        place.change(LicenceRequest, number, status=Status.EXPIRED, closed_at=place.now, submitted_at=sent)
    with place.database.reading() as connection:
        rows = request_rows(connection, 1, place.now, closed_since=place.now - timedelta(days=1))
    assert [one.id for one in rows] == [1]


def test_thirty_decisions_take_as_many_queries_as_two(place: Office) -> None:
    counts = []
    for number in range(1, 31):
        ask(place, number)
        if number in (2, 30):
            statements: list[str] = []

            def seen(*arguments: object, into: list[str] = statements) -> None:
                into.append(str(arguments[2]))

            event.listen(place.database.engine, "before_cursor_execute", seen)
            with place.database.reading() as connection:
                assert len(decisions(connection, [2], place.now)[2].open) == number
            event.remove(place.database.engine, "before_cursor_execute", seen)
            counts.append(len(statements))
    assert counts[0] == counts[1]
    assert counts[1] <= 40, counts
