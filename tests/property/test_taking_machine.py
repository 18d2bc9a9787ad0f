"""Taking seats back under every kind of bad day: nothing goes without its stored confirmation, and undo is exact.

People confirm, give back, use it again, need it back; sources fall silent, the switch goes off and on, administrators
change licences by hand, answers get lost after a committed write, reads lag, calls are throttled, the clock jumps.
A witness outside looks at every removal in the moment it is committed. `TAKING_STEPS=100000` with `--timeout=0` runs it
at length, with `TAKING_DATABASE=postgres` on PostgreSQL.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select, update

from benchmarks.postgres import cluster
from jobs.tables import Job
from jobs.worker import JobRun, Worker
from licensing.idle.facts import Kind
from migrations import upgrade
from model.licences import Granting, Product, Seat, SeatReturn, Sku
from model.people import Person
from model.reclaim import (
    CampaignKind,
    CampaignState,
    CandidateState,
    ReclaimCampaign,
    ReclaimCandidate,
    RemovalSwitch,
    Saving,
)
from model.session import UnitOfWork, make_engine
from model.usage import HeldMailboxList, LastUse, SourceHealth
from sandbox.graph_directory import stable_id
from tests.property.request_machine_office import _template
from tests.property.taking_world import Clock, Taken, World
from tests.reclaim_town import COPILOT_SKU, E3_SKU, HOLDERS, LONG_AGO, Town
from workflows import seat_returns, seats
from workflows.effects import MERGED, TakeBackSeat, enqueue
from workflows.perform_giving import READS_LAG
from workflows.perform_graph import GraphEffects
from workflows.perform_local import LocalWork
from workflows.perform_restoring import RestoringEffects
from workflows.perform_taking import TakingEffects
from workflows.perform_trouble import classify, on_parked
from workflows.reclaim import candidate, evidence, undo
from workflows.reclaim.recheck import recheck
from workflows.reclaim.sources import busy
from workflows.refusals import Refusal

E1_SKU = "18181a46-0d4e-45cd-891e-60aabd171b4e"
E3_HOLDERS = ("ana", "kai", "tom")
A_DAY = 4
POLICY = f"""
version: 1
approval: {{fallback: {{roles: [licence_manager]}}}}
channels: {{licences: licences, it_alerts: it-alerts}}
reclaim: {{idle_days: 60, limits: {{a_day: {A_DAY}, per_cent_of_product: 100}}}}
"""
WHO, GO, RARE = st.sampled_from(HOLDERS), st.booleans(), st.integers(0, 3)
STEPS = int(os.environ.get("TAKING_STEPS", "300"))
PER_EXAMPLE = 50

_stack = ExitStack()


@cache
def _server() -> Any:
    """The PostgreSQL of this process, with one migrated database to copy."""
    running = _stack.enter_context(cluster(durable=False))
    running.execute('CREATE DATABASE "taking"')
    engine = make_engine(running.url("taking"))
    upgrade(engine)
    engine.dispose()
    return running


class Taking(RuleBasedStateMachine):
    """One town, one tenant, many hands."""

    @initialize(plans=st.integers(0, 3))
    def open(self, plans: int) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="seatkeeper-taking-")
        self.drop: Callable[[], None] = lambda: None
        self.town = Town(self._database(), POLICY)
        self.town.report({})
        self.clock = Clock(self.town.now)
        self.world = World(self.clock)
        self.world.witness = self.witness
        self.user: dict[str, str] = {}
        self.taken: dict[int, Taken] = {}  # by return: what a committed call took for it
        self.wrong: list[str] = []  # what the witness saw
        self.told: dict[int, str] = {}  # the last state of each return that was held against the world
        self._fill(plans)
        client, rules = self.world.client(), self.town.rules_source
        taking = TakingEffects(self.town.database, client, rules, recheck)

        def quiet(payload: dict[str, Any], run: JobRun) -> None:
            """Messages are proved elsewhere, and figures move with the seats here."""

        silent = ("card.show", "reply.show", "card.mail", "request.show", "home.publish", "answer.say", "m365.figures")
        self.worker = Worker(
            self.town.database,
            {
                **LocalWork(rules).handlers(),
                **dict.fromkeys(silent, quiet),
                "seat.take_back": taking.take_back,
                "seat.restore": RestoringEffects(self.town.database, client).restore,
                "line.grant": GraphEffects(self.town.database, client).grant,
            },
            now=self.clock.now, classify=classify, limits={}, owner="taking:1:1", on_parked=on_parked,
            jitter=lambda: 0.5, batch=1, merged=MERGED,
        )  # fmt: skip

    def _database(self) -> str:
        if os.environ.get("TAKING_DATABASE") == "postgres":
            name, server = f"taking_{uuid.uuid4().hex}", _server()
            server.execute(f'CREATE DATABASE "{name}" TEMPLATE "taking" STRATEGY FILE_COPY')
            self.drop = lambda: server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            return str(server.url(name))
        path = Path(self.folder.name) / "town.db"
        shutil.copyfile(_template(), path)
        return f"sqlite:///{path}"

    def teardown(self) -> None:
        if hasattr(self, "town"):
            self.town.close()
            self.drop()
            self.folder.cleanup()

    def _fill(self, plans: int) -> None:
        """The same seats outside as in our rows; some services are switched off in them."""
        for sku, units in ((COPILOT_SKU, 5), (E3_SKU, 4), (E1_SKU, 2)):
            self.world.directory.add_sku(sku, units)
        town = self.town
        with town.database.unit_of_work() as work:
            e1 = Product(
                publisher_id=work.session.get_one(Product, town.products["e3"]).publisher_id, name="Office 365 E1",
                key="e1", granting=Granting.GRAPH_DIRECT,
            )  # fmt: skip
            work.session.add(e1)
            work.session.flush()
            small = Sku(product_id=e1.id, sku_id=E1_SKU, part_number="STANDARDPACK", enabled=2, consumed=0)
            small.figures_at = town.now
            work.session.add(small)
            work.session.add(HeldMailboxList(said_by_id=town.staff["eli"], said_at=town.now, mailboxes=[]))
            work.session.flush()
            town.skus["e1"] = small.id
            for key, count in (("copilot", len(HOLDERS)), ("e3", len(E3_HOLDERS))):
                work.connection.execute(
                    update(Sku).where(Sku.id == town.skus[key]).values(enabled=count + (key == "e3"), consumed=count)
                )
            for key in HOLDERS:
                self.user[key] = stable_id(key)
                work.connection.execute(
                    update(Person).where(Person.id == town.staff[key]).values(directory_id=self.user[key])
                )
                held = [COPILOT_SKU, *([E3_SKU] if key in E3_HOLDERS else [])]
                self.world.directory.add_user(
                    f"{key}@example.test", key.title(), id=self.user[key], seats=held, usageLocation="FR"
                )
                self._switch_off(self.user[key], plans)
                if key in E3_HOLDERS:
                    seat = Seat(
                        product_id=town.products["e3"], sku_id=town.skus["e3"], person_id=town.staff[key],
                        path="direct", began_at=LONG_AGO, recorded_at=LONG_AGO,
                    )  # fmt: skip
                    facts = {"bytes": 10**9, "archive": False}
                    as_of, person = town.now.date(), town.staff[key]
                    box = LastUse(person_id=person, source="mailbox", facts=facts, as_of=as_of, read_at=town.now)
                    apps = LastUse(
                        person_id=person, source="m365_apps", facts={"desktop": False}, as_of=as_of, read_at=town.now
                    )
                    work.session.add_all([seat, box, apps])
            work.commit()

    def _switch_off(self, user: str, count: int) -> None:
        document = self.world.directory.store.get("graph.user", user)
        assert document is not None
        for entry in document["licences"]:
            known = self.world.directory.store.get("graph.sku", entry["skuId"].lower())
            assert known is not None
            entry["disabledPlans"] = sorted(plan["servicePlanId"] for plan in known["servicePlans"])[:count]
        self.world.directory.write("graph.user", document)

    # -- the witness ---------------------------------------------------------------------------------------------------

    def witness(self, taken: Taken) -> None:
        """Called while a removal is committed outside; a job that fails is only parked, so what is wrong is kept."""
        try:
            self._look(taken)
        except AssertionError as wrong:
            self.wrong.append(str(wrong) or "something taken was not as confirmed")

    def _look(self, taken: Taken) -> None:
        """Who confirmed it, and does it hold at this moment?"""
        with self.town.database.reading() as connection:
            rows = connection.execute(
                select(*SeatReturn.__table__.c, Sku.sku_id)
                .join(Seat, Seat.id == SeatReturn.seat_id)
                .join(Sku, Sku.id == Seat.sku_id)
                .join(Person, Person.id == SeatReturn.person_id)
                .where(Person.directory_id == taken.user)
            ).all()
            back = [one for one in rows if one.state == "restoring" and one.swap_to_sku_id and taken.sku == E1_SKU]
            if back:
                assert taken.given == (E3_SKU,), "an undo of a swap only swaps"
                return
            mine = [one for one in rows if one.sku_id == taken.sku and one.state == "removing"]
            assert len(mine) == 1, f"{taken} was taken without a confirmation"
            (row,) = mine
            self.taken[row.id] = taken
            assert row.confirmed_by_id is not None and row.confirmed_at <= self.clock.now()
            switch = connection.execute(select(RemovalSwitch.on).order_by(RemovalSwitch.id.desc())).scalars().first()
            assert switch in (None, True), "taken while removals are off"
            listed = connection.execute(
                select(*ReclaimCandidate.__table__.c).where(ReclaimCandidate.seat_return_id == row.id)
            ).one_or_none()
            if row.ground == "given_back":
                assert row.confirmed_by_id == row.person_id
            elif row.ground == "leaving":
                assert row.confirmed_by_id != row.person_id and row.handed_over_at is not None
                leaves_on = connection.execute(select(Person.leaves_on).where(Person.id == row.person_id)).scalar_one()
                assert leaves_on is not None and leaves_on < self.clock.now().date(), "taken from who has not left"
            else:
                assert listed is not None and listed.ground == row.ground and listed.person_id == row.person_id
                assert listed.confirmed_by_id == row.confirmed_by_id and listed.state == CandidateState.CONFIRMED
            assert (row.swap_to_sku_id is not None) == bool(taken.given), "a swap is one call"
            if row.ground == "idle":
                self._was_idle(connection, row, listed)
            if row.swap_to_sku_id:
                told = select(LastUse.as_of).where(
                    LastUse.person_id == row.person_id, LastUse.source.in_(["mailbox", "m365_apps"])
                )
                week_ago = self.clock.now().date() - timedelta(days=7)
                assert all(as_of >= week_ago for as_of in connection.execute(told).scalars()), "swapped unchecked"
            if taken.sku == E3_SKU and row.ground != "given_back":
                self._no_hold(connection, row)
            if row.ground != "given_back":
                self._within_limits(connection)

    def _was_idle(self, connection: Any, row: Any, listed: Any) -> None:
        """In the machine's own words: a fresh, readable report that shows no use for 60 days, nor since the list."""
        today = self.clock.now().date()
        health = connection.execute(select(*SourceHealth.__table__.c).where(SourceHealth.source == "copilot")).one()
        use = connection.execute(
            select(LastUse.used_on, LastUse.as_of).where(
                LastUse.person_id == row.person_id, LastUse.source == "copilot"
            )
        ).one()
        assert health.state == "fine" and (today - use.as_of).days <= 7, "taken while its use was unknown"
        assert use.used_on is not None and use.used_on <= today - timedelta(days=60), "taken while it was used"
        assert use.used_on <= listed.checked_at.date()

    def _no_hold(self, connection: Any, row: Any) -> None:
        newest = connection.execute(
            select(HeldMailboxList.said_at, HeldMailboxList.mailboxes).order_by(HeldMailboxList.id.desc()).limit(1)
        ).one_or_none()
        assert newest is not None and newest.said_at > self.clock.now() - timedelta(days=30)
        email = connection.execute(select(Person.email).where(Person.id == row.person_id)).scalar_one()
        assert email not in newest.mailboxes, "taken though the mailbox is on hold"

    def _within_limits(self, connection: Any) -> None:
        today = self.clock.now().date()
        rows = connection.execute(
            select(SeatReturn.state, SeatReturn.removed_at).where(SeatReturn.ground != "given_back")
        ).all()
        of_today = sum(
            one.state == "removing" or (one.removed_at is not None and one.removed_at.date() == today) for one in rows
        )
        assert of_today <= A_DAY, "more than a day's limit"

    # -- helpers -------------------------------------------------------------------------------------------------------

    def press(self, act: Callable[[UnitOfWork], object]) -> None:
        """One press: committed, or refused in words and nothing changed."""
        self.move(timedelta(seconds=5))
        with self.town.database.unit_of_work() as work:
            try:
                act(work)
            except Refusal:
                return
            work.commit()

    def move(self, by: timedelta) -> None:
        self.clock.time += by
        self.town.now = self.clock.time

    def seat(self, work: UnitOfWork, key: str, product: str) -> Seat | None:
        return work.session.execute(
            select(Seat).where(
                Seat.person_id == self.town.staff[key],
                Seat.sku_id == self.town.skus[product],
                Seat.ended_at.is_(None),
            )
        ).scalar_one_or_none()

    # -- confirmations -------------------------------------------------------------------------------------------------

    @rule(key=WHO, ground=st.sampled_from(["idle", "idle", "idle", "too_big", "too_big", "redundant"]), go=GO)
    def confirm(self, key: str, ground: str, go: bool) -> None:
        """A seat is listed by its verdict, and confirmed by a person with the right."""
        product = "copilot" if ground in ("idle", "redundant") else "e3"

        def act(work: UnitOfWork) -> None:
            now, rules, seat = self.clock.now(), self.town.rules, self.seat(work, key, product)
            if seat is None or seat.id in busy(work.connection, seat.product_id) or key == "dara":
                return
            found = evidence.verdicts(work.connection, rules.policy, seat.product_id, now.date(), [seat.id])[0]
            if ground == "idle" and found.verdict is not Kind.IDLE:
                return
            campaign = ReclaimCampaign(
                kind=CampaignKind(ground), product_id=seat.product_id, state=CampaignState.DONE, planned_by="person:1",
                planned_at=now,
            )  # fmt: skip
            work.session.add(campaign)
            work.session.flush()
            one = ReclaimCandidate(
                campaign_id=campaign.id, seat_id=seat.id, person_id=seat.person_id, product_id=seat.product_id,
                state=CandidateState.UNANSWERED, ground=ground, verdict=found.verdict, sentence=found.short,
                rule=found.rule, checked_at=now,
            )  # fmt: skip
            work.session.add(one)
            work.session.flush()
            by = self.town.staff["dara"]
            to = self.town.skus["e1"] if ground == "too_big" else None
            made = seat_returns.confirm(work, rules, seat, ground, by, now, swap_to_sku_id=to)
            one.confirmed_by_id, one.confirmed_at, one.seat_return_id = by, now, made.id
            candidate.move(work, one, candidate.Verb.CONFIRM, f"person:{by}", now)

        self.press(act)
        self.go(go)

    @rule(key=WHO, product=st.sampled_from(["copilot", "e3"]), go=GO)
    def give_back(self, key: str, product: str, go: bool) -> None:
        def act(work: UnitOfWork) -> None:
            seat = self.seat(work, key, product)
            if seat is not None:
                seats.give_back(work, self.town.rules, seat.id, seat.person_id, "", self.clock.now())

        self.press(act)
        self.go(go)

    @rule(key=WHO, handed_over=st.booleans())
    def leave(self, key: str, handed_over: bool) -> None:
        self.town.person(key, leaves_on=self.clock.now().date() - timedelta(days=1))

        def act(work: UnitOfWork) -> None:
            now, seat = self.clock.now(), self.seat(work, key, "e3")
            if seat is None or seat_returns.open_return(work, seat.id) is not None:
                return
            by = self.town.staff["dara"]
            seat_returns.confirm(
                work, self.town.rules, seat, "leaving", by, now, handed_over_at=now if handed_over else None
            )

        self.press(act)

    @rule(key=WHO, ground=st.sampled_from(["idle", "review", "agreed_end", "given_back", "made_up"]), rare=RARE)
    def fault_of_ours(self, key: str, ground: str, rare: int) -> None:
        """A return that nobody confirmed in a list, as a bug or a hand in the database could make it."""

        def act(work: UnitOfWork) -> None:
            now, seat = self.clock.now(), self.seat(work, key, "copilot")
            if rare or seat is None or seat_returns.open_return(work, seat.id) is not None:
                return
            row = SeatReturn(
                seat_id=seat.id, person_id=seat.person_id, product_id=seat.product_id, ground=ground,
                confirmed_by_id=self.town.staff["mia"], confirmed_at=now, state="confirmed",
            )  # fmt: skip
            work.session.add(row)
            work.session.flush()
            enqueue(work, [TakeBackSeat(row.id, "graph")], now)

        self.press(act)

    # -- back again ----------------------------------------------------------------------------------------------------

    @rule(number=st.integers(0, 30), early=st.integers(0, 4), go=GO)
    def need_back(self, number: int, early: int, go: bool) -> None:
        states = ["confirmed", "removing"] if early == 0 else ["removed"]

        def act(work: UnitOfWork) -> None:
            query = select(SeatReturn).where(SeatReturn.state.in_(states)).order_by(SeatReturn.id)
            rows = list(work.session.execute(query).scalars())
            if rows:
                row = rows[number % len(rows)]
                seats.need_back(work, self.town.rules, row.id, row.person_id, self.clock.now())

        self.press(act)
        self.go(go)

    @rule(all_of_them=st.booleans(), number=st.integers(0, 30), go=GO)
    def undo(self, all_of_them: bool, number: int, go: bool) -> None:
        def act(work: UnitOfWork) -> None:
            ids = list(work.connection.execute(select(SeatReturn.id).where(SeatReturn.state == "removed")).scalars())
            chosen = ids if all_of_them else ids[number % len(ids) : number % len(ids) + 1] if ids else []
            undo.put_back(work, self.town.rules, chosen, self.town.staff["dara"], self.clock.now())

        self.press(act)
        self.go(go)

    # -- what changes around it ----------------------------------------------------------------------------------------

    @rule(
        key=WHO,
        what=st.sampled_from(["use", "sign_in", "report", "switch", "holds", "by_hand", "country", "stays"]),
        number=st.integers(0, 90),
        right=st.booleans(),
    )
    def around(self, key: str, what: str, number: int, right: bool) -> None:
        """People work, sources fail, administrators act; `right` is what makes removals possible again."""
        user, now = self.user[key], self.clock.now()
        if what == "use":
            self.town.report({key: now.date() - timedelta(days=75 if right else number)})
        elif what == "sign_in":
            at = now - timedelta(days=number if right else 0)
            said = at.strftime("%Y-%m-%dT%H:%M:%SZ")
            self.world.change(user, sign_in={"lastSuccessfulSignInDateTime": said})
        elif what == "report":
            self.town.report({}, state="fine" if right else ("concealed", "stale", "unreadable")[number % 3])
            if right:
                fits = update(LastUse).where(LastUse.source.in_(["mailbox", "m365_apps"])).values(as_of=now.date())
                self.press(lambda work: work.connection.execute(fits))
        elif what == "switch":
            self.press(lambda work: work.session.add(RemovalSwitch(on=right, by="eli", at=self.clock.now())))
        elif what == "holds":
            boxes = [] if right else [f"{key}@example.test"]
            said_by = self.town.staff["eli"]
            self.press(lambda work: work.session.add(HeldMailboxList(said_by_id=said_by, said_at=now, mailboxes=boxes)))
        elif what == "by_hand":
            sku = (COPILOT_SKU, E3_SKU, E1_SKU)[number % 3]
            self.world.by_hand(user, add=[sku] if right else [], remove=[] if right else [sku])
        elif what == "stays":
            self.town.person(key, leaves_on=now.date() + timedelta(days=number) if right else None)
        else:
            self.world.change(user, usageLocation="FR" if right else None)

    @rule(
        faults=st.lists(
            st.sampled_from(["", "lost_answer", "lost_answer", "hang_up", "throttled", "conflict"]), max_size=3
        ),
        lag=st.integers(0, 60),
        denied=st.booleans(),
    )
    def bad_day(self, faults: list[str], lag: int, denied: bool) -> None:
        self.world.faults, self.world.lag, self.world.denied = faults, timedelta(seconds=lag), denied

    @rule(seconds=st.sampled_from([3, 20, 90, 400, 4_000, 90_000, 1_500_000]))
    def wait(self, seconds: int) -> None:
        self.move(timedelta(seconds=seconds))

    @rule(jobs=st.integers(1, 12))
    def work(self, jobs: int) -> None:
        for _ in range(jobs):
            self.worker.run_once()

    def go(self, go: bool) -> None:
        """What was begun goes through, before something else happens."""
        for _ in range(5 if go else 0):
            self.worker.drain()
            self.move(timedelta(seconds=30))

    @rule()
    def settle(self) -> None:
        """Time and work go on until little is left, as on a quiet afternoon."""
        for _ in range(12):
            self.worker.drain()
            self.move(timedelta(seconds=30))
        self.move(timedelta(minutes=6))
        self.worker.drain()

    # -- what must hold ------------------------------------------------------------------------------------------------

    @invariant()
    def what_is_told_is_so(self) -> None:
        """Taken is taken, kept is kept, restored is as before; whatever people changed by hand is theirs."""
        if not hasattr(self, "worker"):
            return
        assert not self.wrong, self.wrong
        self._no_fault_of_ours()
        with self.town.database.reading() as connection:
            rows = connection.execute(
                select(
                    SeatReturn.id, SeatReturn.state, SeatReturn.prior_state, SeatReturn.confirmed_at, Sku.sku_id,
                    Person.directory_id,
                )
                .join(Seat, Seat.id == SeatReturn.seat_id)
                .join(Sku, Sku.id == Seat.sku_id)
                .join(Person, Person.id == SeatReturn.person_id)
                .order_by(SeatReturn.id)
            ).all()  # fmt: skip
            fresh = [row for row in rows if self.told.get(row.id) != row.state]
            for row in fresh:
                self._hold_against_the_world(row)
                self.told[row.id] = row.state
            if fresh:
                self._money_is_taken_back(connection)

    def _no_fault_of_ours(self) -> None:
        """No job failed by a fault in the program itself."""
        with self.town.database.reading() as connection:
            bug = connection.execute(select(Job.kind, Job.error).where(Job.error_kind == "bug")).first()
        assert bug is None, bug

    def _hold_against_the_world(self, row: Any) -> None:
        there = self.world.entry(row.directory_id, row.sku_id)
        changed = self.world.foreign.get((row.directory_id, row.sku_id))
        # what people change while our reads are older than that cannot be seen by anybody
        by_hand = changed is not None and changed >= row.confirmed_at - READS_LAG
        taken = self.taken.get(row.id)
        if row.state in ("kept", "failed") and not by_hand:
            assert taken is None, f"return {row.id} says kept, and the seat was taken"
        if row.state == "removed" and self.told.get(row.id) != "restoring" and not by_hand:
            assert there is None, f"return {row.id} says removed, and the seat is there"
            assert taken is not None or not row.prior_state, "removed, but not by us"  # gone before we came is no write
        if row.state == "restored" and taken is not None and not by_hand:
            assert there is not None, f"return {row.id} says restored, and there is no seat"
            assert sorted(there["disabledPlans"]) == sorted(taken.entry["disabledPlans"]), "other services than before"
        if taken is not None and row.prior_state and not by_hand:
            prior = json.loads(row.prior_state)
            assert prior["disabled_plans"] == sorted(taken.entry["disabledPlans"])
            assert prior["path"] == "direct"

    def _money_is_taken_back(self, connection: Any) -> None:
        """A unit saves once; with its holder again, and all work done, it saves nothing."""
        open_ = connection.execute(select(Saving.seat_return_id).where(Saving.taken_back_at.is_(None))).scalars()
        found = list(open_)
        assert len(found) == len(set(found))


TestTaking = Taking.TestCase
TestTaking.settings = settings(
    max_examples=max(1, STEPS // PER_EXAMPLE),
    stateful_step_count=PER_EXAMPLE,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)

__all__ = ["TestTaking"]
