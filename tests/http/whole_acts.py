"""Short ways to act as people of the test office and to look at every side of a request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select

from jobs.tables import Job, JobState
from model.contracts import Entitlement
from model.events import Event
from model.licences import Seat, SeatReturn
from model.requests import OwnerTask, StepApprover
from model.tickets import Ticket
from sandbox.slack_person import NotThere, message_text
from tests.whole import POLICY, Whole, directory_id, email, slack_id, whole

__all__ = ["directory_id", "email", "slack_id"]

WHY = "Minutes and drafts for the Lyon office move."


@contextmanager
def open_office(folder: Path, url: str, **how: Any) -> Iterator[Whole]:
    """The office with the real service listening; work is done by `settle`."""
    with whole(folder, url, **how) as made:
        made.run(work=False)
        yield made


def policy_with(more: str, *, finance: str = "", approval: str = "") -> str:
    """The office's policy with some lines changed or added."""
    changed = POLICY
    if finance:
        changed = changed.replace("finance: {above: {EUR: 5000.00}, counts: purchases}", f"finance: {finance}")
    if approval:
        changed = changed.replace("approval: {fallback: {roles: [licence_manager]}}", f"approval: {approval}")
    return changed + more


def ask(office: Whole, key: str, product: str, *, why: str = WHY, **more: Any) -> int:
    """Ask through the form, as a person; returns the request's id."""
    person = office.person(key)
    person.command(f"/licence request {product}")
    person.fill(why=why, **more)
    answer = person.submit()
    assert answer["ok"], answer
    office.settle()
    return office.newest().id


def refused(office: Whole, key: str, product: str, *, why: str = WHY, **more: Any) -> dict[str, str]:
    """Ask and be refused: the sentences by field. Nothing is stored."""
    person = office.person(key)
    person.command(f"/licence request {product}")
    person.fill(why=why, **more)
    answer = person.submit()
    assert not answer["ok"], answer
    person.close()
    return {str(block).partition(":")[0]: words for block, words in answer["errors"].items()}


def press(office: Whole, key: str, label: str, containing: str) -> None:
    """Press a button on the newest message with these words, and let the work be done."""
    office.person(key).press(label, in_message=containing)
    office.settle()


def send(office: Whole, key: str, label: str, containing: str, **fields: Any) -> dict[str, Any]:
    """Press a button that opens a window, fill it in and send it; the answer of the window."""
    person = office.person(key)
    person.press(label, in_message=containing)
    answer: dict[str, Any] = person.fill(**fields).submit()
    office.settle()
    return answer


def card(office: Whole, key: str, request_id: int) -> str:
    """The requester's own card as it looks now."""
    reference = f"REQ-{1000 + request_id}"
    for message in reversed(office.person(key).messages(replies=False)):
        if reference in message_text(message) and not str(message["channel"]).startswith("C0CHANNEL"):
            return message_text(message)
    raise AssertionError(f"{key} has no card about {reference}")


def all_said(office: Whole, key: str) -> str:
    """Everything this person can read in Slack."""
    return "\n".join(message_text(one) for one in office.person(key).messages())


def tags(office: Whole, request_id: int) -> list[str]:
    with office.database.reading() as connection:
        return list(
            connection.execute(
                select(Event.tag).where(Event.subject == f"request:{request_id}").order_by(Event.id)
            ).scalars()
        )


def rows(office: Whole, table: Any, *conditions: Any) -> list[Any]:
    with office.database.unit_of_work() as work:
        return list(work.session.execute(select(table).where(*conditions).order_by(table.id)).scalars())


def seats_of(office: Whole, key: str, *, open_only: bool = True) -> list[Seat]:
    found: list[Seat] = rows(office, Seat, Seat.person_id == office.staff[key])
    return [seat for seat in found if seat.ended_at is None or not open_only]


def tickets(office: Whole, request_id: int, purpose: str) -> list[Ticket]:
    return rows(office, Ticket, Ticket.request_id == request_id, Ticket.purpose == purpose)


def tasks(office: Whole) -> list[OwnerTask]:
    return rows(office, OwnerTask)


def returns(office: Whole) -> list[SeatReturn]:
    return rows(office, SeatReturn)


def approvers(office: Whole) -> list[StepApprover]:
    return rows(office, StepApprover)


def entitlements(office: Whole, product: str) -> list[Entitlement]:
    return rows(office, Entitlement, Entitlement.product_id == office.products[product])


def parked(office: Whole) -> list[Job]:
    return rows(office, Job, Job.state == JobState.PARKED)


def change(office: Whole, table: Any, key: int, **values: Any) -> None:
    """Change a stored row as its own page would."""
    with office.work() as work:
        row = work.session.get_one(table, key)
        for name, value in values.items():
            setattr(row, name, value)
        work.session.flush()


def holds(office: Whole, key: str, sku: str) -> bool:
    return office.graph.directory.holds(directory_id(key), sku)


def at_work(office: Whole, key: str, containing: str) -> None:
    """Wait until this person reads it: unasked messages come in working hours; nights and weekends pass at once."""
    for _ in range(60):
        try:
            message = office.person(key).message(containing)
        except NotThere:
            message = None
        if message is not None and "actions" in str(message["blocks"]):
            return
        now = office.now()
        by_day = now.weekday() < 5 and 7 <= now.hour < 18
        office.forward(hours=1 if by_day else (31 - now.hour) % 24 or 24)
    raise AssertionError(f"{key} never reads {containing!r}")
