"""People, presses, timeouts and replies in any order: no second seat, no self-approval, final stays final.

The workflows are the real ones, on SQLite; local work runs when the machine says so, and the outside answers late,
twice or never. After every step `request_machine_invariants` looks at all rows.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import func, select, update

from jobs.tables import Job, JobState
from model.contracts import Entitlement
from model.licences import Seat, SeatReturn
from model.people import Person
from model.requests import LicenceRequest, LineState, OwnerTask, RequestLine, StepApprover
from model.seal import seal, verify_database
from model.session import UnitOfWork
from tests.property.request_machine_invariants import Watch
from tests.property.request_machine_office import STAFF, Office
from workflows import decide, granting, not_working, seats, submit, talk, tasks, ticket_outcomes
from workflows.decide import Lowered, Verdict
from workflows.forms import NewProductForm, RequestForm
from workflows.refusals import FieldRefusals, Refusal

PEOPLE = st.sampled_from(sorted(STAFF))
NUMBER = st.integers(0, 40)  # which of the rows there are, modulo
UNTIL = st.sampled_from([None, None, 10, 40])


class Requests(RuleBasedStateMachine):
    """One office, many hands."""

    @initialize()
    def open(self) -> None:
        self.office = Office()
        self.watch = Watch([self.office.skus["copilot"], self.office.skus["planner"]])
        self.sent = 0
        self.confirmed_outside: list[int] = []

    def teardown(self) -> None:
        if not hasattr(self, "office"):
            return
        try:
            seal(self.office.database, self.office.now)
            report = verify_database(self.office.database)
            assert report.ok, report.words
        finally:
            self.office.close()

    # -- helpers -------------------------------------------------------------------------------------------------------

    def press(self, act: Callable[[UnitOfWork], object]) -> None:
        """One press: committed, or refused in words and nothing changed."""
        self.office.now += timedelta(seconds=7)
        with self.office.unit() as work:
            try:
                act(work)
            except (Refusal, FieldRefusals):
                return
            work.commit()

    def pick(self, column: Any, number: int, *where: Any) -> int | None:
        ids = self.office.ids(column, *where)
        return ids[number % len(ids)] if ids else None

    def key(self) -> str:
        self.sent += 1
        return f"V{self.sent}"

    def asked(self, number: int, right: bool, presser: str) -> tuple[int, int] | None:
        """A card, and who presses on it: whoever it was sent to, or anybody it was forwarded to."""
        approver = self.pick(StepApprover.id, number)
        if approver is None:
            return None
        with self.office.database.reading() as connection:
            theirs = connection.execute(select(StepApprover.person_id).where(StepApprover.id == approver)).scalar_one()
        return approver, theirs if right else self.office.staff[presser]

    # -- asking --------------------------------------------------------------------------------------------------------

    @rule(
        by=PEOPLE,
        product=st.sampled_from(["copilot", "copilot", "planner", "miro", "acrobat", "figma"]),
        people=st.lists(PEOPLE, min_size=1, max_size=2, unique=True),
        more=st.integers(0, 1),
        until=UNTIL,
        twice=st.booleans(),
    )
    def submit(self, by: str, product: str, people: list[str], more: int, until: int | None, twice: bool) -> None:
        office = self.office
        form = RequestForm(
            submission_key=self.key(),
            product_id=office.products[product],
            people=tuple(office.staff[key] for key in people),
            seats=len(people) + more,
            why="Minutes and drafts for the office move.",
            frequency="weekly",
            until=office.now.date() + timedelta(days=until) if until else None,
        )
        for _ in range(2 if twice else 1):
            self.press(lambda work: submit.submit(work, office.rules(), form, office.staff[by], office.now))

    @rule(by=PEOPLE)
    def submit_new(self, by: str) -> None:
        form = NewProductForm(self.key(), "Whiteboard Deluxe", "For workshops with customers.")
        office = self.office
        self.press(lambda work: submit.submit_new_product(work, office.rules(), form, office.staff[by], office.now))

    @rule(by=PEOPLE)
    def draft(self, by: str) -> None:
        office, key = self.office, self.key()
        self.press(
            lambda work: submit.keep_draft(work, office.rules(), office.staff[by], key, {"why": "Later"}, office.now)
        )

    # -- deciding ------------------------------------------------------------------------------------------------------

    @rule(number=NUMBER, right=st.integers(0, 3), presser=PEOPLE, buy=st.booleans(), wait=st.booleans(),
          fewer=st.booleans(), sooner=st.booleans())  # fmt: skip
    def approve(self, number: int, right: int, presser: str, buy: bool, wait: bool, fewer: bool, sooner: bool) -> None:
        found = self.asked(number, right > 0, presser)
        if found is None:
            return
        lowered = Lowered(
            seats=1 if fewer else None,
            until_on=self.office.now.date() + timedelta(days=5) if sooner else None,
        )
        verdict = Verdict(True, buy=buy, wait=wait and not buy, lowered=lowered)
        office = self.office
        self.press(lambda work: decide.decide(work, office.rules, found[0], None, found[1], verdict, office.now))

    @rule(number=NUMBER, right=st.integers(0, 3), presser=PEOPLE)
    def deny(self, number: int, right: int, presser: str) -> None:
        found = self.asked(number, right > 0, presser)
        if found is None:
            return
        office = self.office
        verdict = Verdict(False, words="Not this quarter")
        self.press(lambda work: decide.decide(work, office.rules, found[0], None, found[1], verdict, office.now))

    @rule(number=NUMBER, right=st.integers(0, 3), presser=PEOPLE, to=PEOPLE)
    def hand_on(self, number: int, right: int, presser: str, to: str) -> None:
        found = self.asked(number, right > 0, presser)
        if found is None:
            return
        office = self.office
        self.press(lambda work: talk.hand_on(work, office.rules(), found[0], found[1], office.staff[to], office.now))

    @rule(number=NUMBER, right=st.integers(0, 3), presser=PEOPLE)
    def ask_question(self, number: int, right: int, presser: str) -> None:
        found = self.asked(number, right > 0, presser)
        if found is None:
            return
        office = self.office
        self.press(lambda work: talk.ask(work, office.rules(), found[0], found[1], "For how long?", office.now))

    @rule(number=NUMBER, what=st.sampled_from(["answer", "note", "nudge", "withdraw", "reopen", "urgent"]),
          other=st.integers(0, 5), by=PEOPLE)  # fmt: skip
    def requester(self, number: int, what: str, other: int, by: str) -> None:
        """The person who asked says something about it, or somebody else tries to."""
        office = self.office
        request = self.pick(LicenceRequest.id, number)
        if request is None:
            return
        with office.database.reading() as connection:
            person = connection.execute(
                select(LicenceRequest.requester_id).where(LicenceRequest.id == request)
            ).scalar_one()
        if other == 0:
            person = office.staff[by]
        rules, now = office.rules(), office.now
        acts: dict[str, Callable[[UnitOfWork], object]] = {
            "answer": lambda work: talk.answer(work, rules, request, person, "Until spring", now),
            "note": lambda work: talk.add_note(work, rules, request, person, f"Note {self.sent}", now),
            "nudge": lambda work: talk.nudge(work, rules, request, person, now),
            "withdraw": lambda work: talk.withdraw(work, rules, request, person, now),
            "reopen": lambda work: talk.reopen(work, rules, request, person, now),
            "urgent": lambda work: talk.urgent(work, rules, request, person, "A tender is due.", now),
        }
        self.press(acts[what])

    # -- giving --------------------------------------------------------------------------------------------------------

    @rule(number=NUMBER, how=st.sampled_from(["given", "given", "given", "lost", "delayed", "blocked"]))
    def microsoft_answers(self, number: int, how: str) -> None:
        if self.office.granting:
            self.office.now += timedelta(seconds=3)
            self.office.answer_grant(self.office.granting[number % len(self.office.granting)], how)

    @rule(number=NUMBER, how=st.sampled_from(["removed", "removed", "lost", "blocked"]))
    def microsoft_removed(self, number: int, how: str) -> None:
        office = self.office
        if office.removals:
            return_id = office.removals[number % len(office.removals)]
            if office.answer_removal(return_id, how):
                with office.database.reading() as connection:
                    row = connection.execute(
                        select(SeatReturn.ground, SeatReturn.confirmed_by_id).where(SeatReturn.id == return_id)
                    ).one()
                assert row.ground and row.confirmed_by_id, "a seat was taken outside without a person's word"

    @rule(number=NUMBER)
    def microsoft_restored(self, number: int) -> None:
        if self.office.restorings:
            self.office.answer_restore(self.office.restorings[number % len(self.office.restorings)])

    @rule(number=NUMBER, state=st.sampled_from(["open", "complete", "complete", "incomplete", "cancelled", "rejected",
                                                "gone"]), waits=st.booleans())  # fmt: skip
    def servicenow_says(self, number: int, state: str, waits: bool) -> None:
        office = self.office
        if not office.tickets:
            return
        ticket = office.tickets[number % len(office.tickets)]
        reading = ticket_outcomes.Reading(state, waits_for_approval=waits and state == "open")
        self.press(lambda work: ticket_outcomes.seen(work, office.rules(), ticket, reading, office.now))

    @rule(number=NUMBER, what=st.sampled_from(["done", "done", "no_seat", "other", "hand_on"]), to=PEOPLE,
          right=st.integers(0, 3), by=PEOPLE)  # fmt: skip
    def owner_task(self, number: int, what: str, to: str, right: int, by: str) -> None:
        office = self.office
        task_id = self.pick(OwnerTask.id, number)
        if task_id is None:
            return
        rules, now = office.rules(), office.now

        def act(work: UnitOfWork) -> object:
            task = work.session.get_one(OwnerTask, task_id)
            presser = work.session.get_one(Person, task.assignee_id if right else office.staff[by])
            if what == "hand_on":
                tasks.hand_on(work, rules, task_id, presser, work.session.get_one(Person, office.staff[to]), now)
            elif what == "done" and not (task.kind == "give" and self._none_left(work, task)):
                tasks.done(work, rules, task_id, presser, now)
            else:
                why = tasks.InTheWay.OTHER if what == "other" else tasks.InTheWay.NO_SEAT
                tasks.could_not(work, rules, task_id, presser, why, "It said no", now)
            return None

        self.press(act)

    def _none_left(self, work: UnitOfWork, task: OwnerTask) -> bool:
        """The owner looks in the product's own admin page, where no more units are than were bought."""
        bought = work.connection.execute(
            select(func.sum(Entitlement.quantity)).where(Entitlement.product_id == task.product_id)
        ).scalar()
        used = work.connection.execute(
            select(func.count()).where(Seat.product_id == task.product_id, Seat.ended_at.is_(None))
        ).scalar_one()
        return used >= (bought or 0)

    @rule(number=NUMBER, by=PEOPLE, own=st.integers(0, 3))
    def does_not_work(self, number: int, by: str, own: int) -> None:
        office = self.office
        request = self.pick(LicenceRequest.id, number)
        if request is None:
            return

        def act(work: UnitOfWork) -> object:
            row = work.session.get_one(LicenceRequest, request)
            person = work.session.get_one(Person, row.requester_id if own else office.staff[by])
            return not_working.report(work, office.rules(), request, person, "I cannot sign in", office.now)

        self.press(act)

    @rule(number=NUMBER)
    def try_again(self, number: int) -> None:
        office = self.office
        request = self.pick(LicenceRequest.id, number)
        if request is not None:
            actor = f"person:{office.staff['eli']}"
            self.press(lambda work: granting.try_again(work, office.rules(), request, actor, office.now))

    # -- seats ---------------------------------------------------------------------------------------------------------

    @rule(number=NUMBER, what=st.sampled_from(["give_back", "extend", "let_end"]), other=st.integers(0, 5), by=PEOPLE,
          days=st.integers(1, 60))  # fmt: skip
    def holder(self, number: int, what: str, other: int, by: str, days: int) -> None:
        office = self.office
        seat_id = self.pick(Seat.id, number)
        if seat_id is None:
            return
        with office.database.reading() as connection:
            person = connection.execute(select(Seat.person_id).where(Seat.id == seat_id)).scalar_one()
        if other == 0:
            person = office.staff[by]
        rules, now, key = office.rules(), office.now, self.key()
        until = now.date() + timedelta(days=days)
        acts: dict[str, Callable[[UnitOfWork], object]] = {
            "give_back": lambda work: seats.give_back(work, rules, seat_id, person, "Done with it", now),
            "extend": lambda work: seats.extend(work, rules, seat_id, person, until, "The project goes on.", key, now),
            "let_end": lambda work: seats.let_end(work, rules, seat_id, person, now),
        }
        self.press(acts[what])

    @rule(number=NUMBER)
    def need_back(self, number: int) -> None:
        office = self.office
        row = self.pick(SeatReturn.id, number)
        if row is None:
            return
        with office.database.reading() as connection:
            person = connection.execute(select(SeatReturn.person_id).where(SeatReturn.id == row)).scalar_one()
        self.press(lambda work: seats.need_back(work, office.rules(), row, person, office.now))

    # -- the world goes on ---------------------------------------------------------------------------------------------

    @rule(jobs=st.integers(1, 12))
    def work_a_little(self, jobs: int) -> None:
        for _ in range(jobs):
            if not self.office.worker.run_once():
                return

    @rule()
    def work_all(self) -> None:
        self.office.worker.drain()

    @rule(hours=st.sampled_from([1, 6, 30, 80, 24 * 9, 24 * 45]), work=st.booleans())
    def time_passes(self, hours: int, work: bool) -> None:
        self.office.now += timedelta(hours=hours)
        if work:
            self.office.worker.drain()
            self._round("seats.ends")
            self._round("tasks.look")
            self._round("work.tidy")
            self.office.worker.drain()

    def _round(self, kind: str) -> None:
        from jobs.outbox import NewJob
        from jobs.outbox import enqueue as enqueue_jobs

        with self.office.unit() as work:
            enqueue_jobs(work.connection, [NewJob(kind, "local")], self.office.now)
            work.commit()

    @rule(product=st.sampled_from(["copilot", "planner"]), more=st.sampled_from([-1, 1]), stranger=st.booleans(),
          read=st.booleans())  # fmt: skip
    def vendor_seats(self, product: str, more: int, stranger: bool, read: bool) -> None:
        """Units appear and vanish, strangers take and leave seats, and the figures are read, or not yet."""
        outside, sku = self.office.outside, self.office.skus[product]
        if stranger and (more < 0 or outside.free(sku) > 0):
            outside.strangers[sku] = max(0, outside.strangers.get(sku, 0) + more)
        elif not stranger:
            outside.enabled[sku] = max(0, outside.enabled[sku] + more)
        if read:
            self.office.now += timedelta(seconds=1)
            self.office.read_figures()

    @rule(product=st.sampled_from(["miro", "acrobat", "figma"]), more=st.sampled_from([-1, 1]))
    def register_seats(self, product: str, more: int) -> None:
        with self.office.unit() as work:
            bought = work.session.execute(
                select(Entitlement).where(Entitlement.product_id == self.office.products[product]).limit(1)
            ).scalar_one()
            bought.quantity = max(0, (bought.quantity or 0) + more)
            work.commit()

    @rule(who=PEOPLE, what=st.sampled_from(["leaves", "returns", "new manager", "deputy"]), to=PEOPLE)
    def staff_changes(self, who: str, what: str, to: str) -> None:
        office = self.office
        person, other = office.staff[who], office.staff[to]
        if what == "deputy":
            today = office.now.date()
            self.press(
                lambda work: talk.set_deputy(
                    work, office.rules(), person, other, today, today + timedelta(days=5), office.now
                )
            )
            return
        changes: dict[str, dict[str, Any]] = {
            "leaves": {"active": False},
            "returns": {"active": True},
            "new manager": {"manager_id": other},
        }
        with office.unit() as work:
            work.connection.execute(update(Person).where(Person.id == person).values(**changes[what]))
            work.commit()

    # -- what must hold ------------------------------------------------------------------------------------------------

    @invariant()
    def everything_holds(self) -> None:
        if not hasattr(self, "office"):
            return
        with self.office.database.reading() as connection:
            self.watch.look(connection)
        for sku, holders in self.office.outside.holders.items():
            assert len(holders) <= max(self.office.outside.enabled[sku], self._most(sku)), "more seats than units"

    def _most(self, sku: int) -> int:
        """Units that vanish later take no seat from anybody: what was given while there were enough stays."""
        most: dict[int, int] = self.__dict__.setdefault("_held", {})
        now_held = len(self.office.outside.holders[sku])
        allowed = most.get(sku, 0)
        if now_held <= max(allowed, self.office.outside.enabled[sku]):
            most[sku] = now_held
        return max(allowed, most.get(sku, 0))


TestRequests = Requests.TestCase
TestRequests.settings = settings(
    max_examples=int(os.environ.get("MACHINE_EXAMPLES", "25")),
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)

__all__ = ["Job", "JobState", "LineState", "RequestLine", "TestRequests"]
