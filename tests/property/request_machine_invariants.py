"""What must hold after every step of the request machine, said over the stored rows only."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, func, select

from jobs.tables import Job, JobState
from model.contracts import Entitlement
from model.events import Event
from model.licences import Seat, SeatReturn, Sku
from model.people import Person
from model.requests import (
    ApprovalStep,
    ApproverState,
    Card,
    LicenceRequest,
    LineState,
    RequestKind,
    RequestLine,
    Status,
    StepApprover,
    StepKind,
    StepState,
)
from workflows import needed_back
from workflows.cards import CardKind
from workflows.request import ALLOWED, FINAL, Verb, verb_for_lines

STATUS_OF_VERB = {
    Verb.BEGIN: Status.FULFILLING,
    Verb.FAIL: Status.FAILED,
    Verb.QUEUE: Status.WAITING_FOR_SEAT,
    Verb.FULFIL: Status.FULFILLED,
}
PROVIDING = frozenset(STATUS_OF_VERB.values())
CLOSED = frozenset({Status.DENIED, Status.WITHDRAWN, Status.EXPIRED})
STATES = frozenset(status.value for status in Status)
MOVES = frozenset((source.value, target.value) for (source, _), target in ALLOWED.items())


class Watch:
    """Remembers what the last look saw: final stays final, and seats in use only grow while there are units."""

    def __init__(self, vendor_skus: Iterable[int]) -> None:
        self.vendor = frozenset(vendor_skus)
        self.final: dict[int, Status] = {}
        self.in_use: Counter[int] = Counter()

    def look(self, connection: Connection) -> None:
        requests = connection.execute(select(*LicenceRequest.__table__.c)).all()
        lines: dict[int, list[Row[Any]]] = defaultdict(list)
        for line in connection.execute(select(*RequestLine.__table__.c)).all():
            lines[line.request_id].append(line)
        waiting = {
            job.payload["request"]
            for job in connection.execute(
                select(Job.payload).where(Job.kind == "request.advance", Job.state != JobState.DONE)
            )
        }
        assert not connection.execute(select(Job.kind, Job.error).where(Job.state == JobState.PARKED)).all()
        self._final_stays(requests)
        self._moves_chain(connection, requests)
        self._lines_agree(requests, lines, waiting)
        self._deciding_is_separate(connection, requests, lines)
        self._somebody_is_asked(connection, requests, waiting)
        self._seats(connection)
        self._removals_were_confirmed(connection)
        self._whoever_waits_has_a_request(connection, requests)

    def _whoever_waits_has_a_request(self, connection: Connection, requests: Iterable[Row[Any]]) -> None:
        """A seat that its holder needs back and waits for is on its way by exactly one request."""
        coming = Counter(
            needed_back.return_of(request.submission_key) for request in requests if request.status not in FINAL
        )
        for row in connection.execute(select(SeatReturn.id).where(SeatReturn.state == "waiting")):
            assert coming[row.id] == 1, f"return {row.id} waits for nothing"

    def _final_stays(self, requests: Iterable[Row[Any]]) -> None:
        for request in requests:
            known = self.final.get(request.id)
            assert known is None or known == request.status, f"request {request.id} left {known} for {request.status}"
            if request.status in FINAL:
                self.final[request.id] = Status(request.status)

    def _moves_chain(self, connection: Connection, requests: Iterable[Row[Any]]) -> None:
        events = connection.execute(
            select(Event.subject, Event.tag, Event.facts).where(Event.subject.like("request:%")).order_by(Event.id)
        ).all()
        stands: dict[str, str] = {}
        for event in events:
            facts = json.loads(event.facts)
            if not {"from", "to"} <= facts.keys() or facts["to"] not in STATES:
                continue
            assert facts["from"] == stands.get(event.subject, "draft"), (event, stands.get(event.subject))
            assert (facts["from"], facts["to"]) in MOVES, event
            stands[event.subject] = facts["to"]
        for request in requests:
            assert stands.get(f"request:{request.id}", "draft") == request.status, (request.id, request.status)

    def _lines_agree(self, requests: Iterable[Row[Any]], lines: dict[int, list[Row[Any]]], waiting: set[int]) -> None:
        for request in requests:
            states = [LineState(line.state) for line in lines[request.id]]
            status = Status(request.status)
            if status in CLOSED and request.id not in waiting:
                assert set(states) <= {LineState.DROPPED, LineState.GRANTED}, (request.id, status, states)
            if status not in PROVIDING or request.kind != RequestKind.SEAT:
                continue
            if LineState.WANTED in states:  # a person pressed "try again": the Advance that follows is on its way
                assert request.id in waiting, (request.id, status, states)
                continue
            assert STATUS_OF_VERB[verb_for_lines(states)] == status, (request.id, status, states)
            kept = [state for state in states if state != LineState.DROPPED]
            assert len(kept) == request.seats, (request.id, request.seats, states)

    def _deciding_is_separate(
        self, connection: Connection, requests: Iterable[Row[Any]], lines: dict[int, list[Row[Any]]]
    ) -> None:
        answers: dict[int, list[Row[Any]]] = defaultdict(list)
        for row in connection.execute(
            select(
                ApprovalStep.request_id,
                ApprovalStep.kind,
                ApprovalStep.opened_at,
                StepApprover.step_id,
                StepApprover.person_id,
                StepApprover.state,
                StepApprover.bought,
            )
            .join(ApprovalStep, ApprovalStep.id == StepApprover.step_id)
            .where(StepApprover.state.in_([ApproverState.AGREED, ApproverState.DENIED]))
        ):
            answers[row.request_id].append(row)
        for request in requests:
            gain = {line.person_id for line in lines[request.id]} | {request.requester_id}
            steps_of: dict[int, set[int]] = defaultdict(set)
            for one in answers[request.id]:
                assert one.person_id not in gain, f"person {one.person_id} decided on request {request.id} of their own"
                if request.submitted_at <= one.opened_at:  # asked anew after it closed unanswered: a new round
                    steps_of[one.person_id].add(one.step_id)
            assert all(len(steps) == 1 for steps in steps_of.values()), (request.id, dict(steps_of))
            money = {
                one.person_id
                for one in answers[request.id]
                if one.state == ApproverState.AGREED and (one.bought or one.kind == StepKind.FINANCE)
            }
            order = {
                one.person_id
                for one in answers[request.id]
                if one.state == ApproverState.AGREED and one.kind == StepKind.PURCHASE
            }
            assert not money & order, (request.id, money & order)

    def _somebody_is_asked(self, connection: Connection, requests: Iterable[Row[Any]], waiting: set[int]) -> None:
        steps = connection.execute(
            select(
                ApprovalStep.id,
                ApprovalStep.request_id,
                ApprovalStep.quorum,
                func.count().filter(StepApprover.state == ApproverState.ASKED).label("asked"),
                func.count().filter(StepApprover.state == ApproverState.AGREED).label("agreed"),
            )
            .outerjoin(StepApprover, StepApprover.step_id == ApprovalStep.id)
            .where(ApprovalStep.state == StepState.OPEN)
            .group_by(ApprovalStep.id)
        ).all()
        stuck = set(connection.execute(select(Card.request_id).where(Card.kind == CardKind.STUCK)).scalars())
        open_steps = Counter(step.request_id for step in steps)
        for step in steps:
            assert step.asked + step.agreed >= step.quorum or step.request_id in stuck, step
        for request in requests:
            if request.status != Status.AWAITING_APPROVAL:
                assert open_steps[request.id] == 0 or request.id in waiting, (request.id, request.status)
            else:
                assert open_steps[request.id] == 1 or request.id in waiting, (request.id, open_steps[request.id])

    def _seats(self, connection: Connection) -> None:
        seats = connection.execute(select(*Seat.__table__.c).where(Seat.ended_at.is_(None))).all()
        for what in (("person_id", "sku_id"), ("line_id",)):
            held = Counter(tuple(getattr(seat, name) for name in what) for seat in seats)
            assert not [key for key, number in held.items() if number > 1 and key != (None,)], (what, held)
        # products without a vendor's figure: what is given or kept grows only while the register has units
        bought = connection.execute(
            select(Entitlement.sku_id, func.sum(Entitlement.quantity)).group_by(Entitlement.sku_id)
        ).all()
        kept = connection.execute(
            select(LicenceRequest.sku_id, func.count())
            .join(RequestLine, RequestLine.request_id == LicenceRequest.id)
            .where(
                RequestLine.state.in_([LineState.RESERVED, LineState.GRANTING]),
                ~select(Seat.id)  # held, and done anew by hand: one unit
                .where(Seat.line_id == RequestLine.id, Seat.ended_at.is_(None))
                .exists(),
            )
            .group_by(LicenceRequest.sku_id)
        ).all()
        use = Counter(seat.sku_id for seat in seats)
        use.update({int(sku or 0): number for sku, number in kept})
        for sku, quantity in bought:
            if sku in self.vendor:
                continue
            assert use[sku] <= max(quantity, self.in_use[sku]), (sku, use[sku], quantity)
        self.in_use = use

    def _removals_were_confirmed(self, connection: Connection) -> None:
        gone = connection.execute(
            select(
                Seat.id,
                Seat.person_id,
                Seat.product_id,
                SeatReturn.ground,
                SeatReturn.person_id.label("named"),
                SeatReturn.product_id.label("of"),
                SeatReturn.confirmed_by_id,
                SeatReturn.step_id,
                SeatReturn.state,
            )
            .outerjoin(SeatReturn, SeatReturn.seat_id == Seat.id)
            .where(Seat.ended_at.is_not(None))
        ).all()
        agreed = {
            tuple(row)
            for row in connection.execute(
                select(StepApprover.step_id, StepApprover.person_id).where(StepApprover.state == ApproverState.AGREED)
            )
        }
        for seat in gone:
            assert seat.ground in ("given_back", "agreed_end"), seat
            assert (seat.named, seat.of) == (seat.person_id, seat.product_id), seat
            if seat.ground == "given_back":
                assert seat.confirmed_by_id == seat.person_id, seat
            else:
                assert (seat.step_id, seat.confirmed_by_id) in agreed, seat


def names(connection: Connection) -> dict[int, str]:
    """People by id, for a failing example that can be read."""
    return {row.id: row.name for row in connection.execute(select(Person.id, Person.name))}


__all__ = ["Sku", "Watch", "names"]
