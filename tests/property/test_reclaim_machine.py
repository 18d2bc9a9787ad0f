"""Random people, reports, answers, silence, clock jumps and presses by the wrong ones: nothing goes unconfirmed.

The workflows are the real ones, on SQLite. The oracle knows only what was pressed by whom and what the report said at
that moment: no `SeatReturn` exists without a press of a person with the right on a list that showed the seat, none on
the ground of idleness when the report said otherwise or nothing at the press, none of a seat its holder keeps.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select

from migrations import upgrade
from model.events import Event
from model.licences import Seat, SeatReturn
from model.reclaim import CampaignKind, CampaignState, CandidateState, ReclaimCampaign, ReclaimCandidate
from model.session import UnitOfWork, make_engine
from tests.reclaim_town import HOLDERS, POLICY, STAFF, Town
from workflows import seat_returns
from workflows.reclaim import answers, asking, candidate, confirm, deadlines, leavers, plan, switch
from workflows.reclaim.answers import Answer
from workflows.reclaim.campaign import OPEN, settle
from workflows.reclaim.listing import list_of
from workflows.refusals import Refusal

WHO = st.sampled_from(sorted(STAFF))
HOLDER = st.sampled_from(HOLDERS)
KINDS = st.sampled_from([CampaignKind.IDLE, CampaignKind.IDLE, CampaignKind.REVIEW])
MAY_CONFIRM = ("dara", "gil")
LIMITS = POLICY.replace("a_day: 20, per_cent_of_product: 100", "a_day: 2, per_cent_of_product: 80").replace(
    "idle_days: 60,", "idle_days: 60, keep_needs_manager: true,"
)


@cache
def template() -> Path:
    """A migrated, empty database file of this process."""
    path = Path(tempfile.mkdtemp(prefix="seatkeeper-reclaim-")) / "template.db"
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    engine = make_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


class Reclaiming(RuleBasedStateMachine):
    """One product, five holders, two people who may confirm, one of whom holds a seat."""

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="seatkeeper-reclaim-")
        path = Path(self.folder.name) / "town.db"
        shutil.copyfile(template(), path)
        self.town = Town(f"sqlite:///{path}", LIMITS)
        self.names = {person_id: key for key, person_id in self.town.staff.items()}
        self.used: dict[str, date] = {}  # what the newest report says
        self.reported_on = self.town.now.date()
        self.fine = True
        self.on = True
        self.left: set[str] = set()
        self.handed: set[str] = set()
        self.pressed: dict[int, tuple[int, str]] = {}  # seat -> who confirmed and the ground shown
        self.refused = "nothing yet"
        self.town.asked()

    def teardown(self) -> None:
        if hasattr(self, "town"):
            self.town.close()
            self.folder.cleanup()

    # -- helpers -------------------------------------------------------------------------------------------------------

    def do(self, act: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """One press; a refusal changes nothing and says why."""
        try:
            return self.town.do(act, *args, **more)
        except Refusal as refused:
            self.refused = refused.sentence
            return None

    def rows(self, query: Any) -> list[Any]:
        with self.town.database.reading() as connection:
            return list(connection.execute(query))

    def candidates(self) -> list[Any]:
        return self.rows(select(*ReclaimCandidate.__table__.c).order_by(ReclaimCandidate.id))

    def idle_by_report(self, key: str) -> bool:
        """Whether the report, as it is now, says that this holder's seat is idle."""
        if not self.fine or (self.town.now.date() - self.reported_on).days > 5:  # of two days before, seven at most
            return False
        last = self.used.get(key, date(2026, 3, 2))
        return (self.town.now.date() - last).days >= 60

    # -- what is outside -----------------------------------------------------------------------------------------------

    @rule(used=st.dictionaries(HOLDER, st.integers(3, 90), max_size=2), fine=st.sampled_from([True, True, True, False]))
    def report(self, used: dict[str, int], fine: bool) -> None:
        today = self.town.now.date()
        for key, days in used.items():
            self.used[key] = max(self.used.get(key, date(2026, 3, 2)), today - timedelta(days=days))
        self.fine, self.reported_on = fine, today
        self.town.report(dict(self.used), state="fine" if fine else "concealed")

    @rule(days=st.sampled_from([0.2, 1, 3, 8, 15, 30]), fresh=st.booleans())
    def later(self, days: float, fresh: bool) -> None:
        self.town.later(days=days)
        if fresh:
            self.report({}, fine=True)

    @rule(key=HOLDER)
    def leave(self, key: str) -> None:
        if key in self.left or len(self.left) > 1:
            return
        self.left.add(key)
        self.town.person(key, active=False)

    # -- the clock and the rules ---------------------------------------------------------------------------------------

    @rule(used=st.dictionaries(HOLDER, st.integers(3, 90), max_size=1))
    def the_time_to_answer_passes(self, used: dict[str, int]) -> None:
        """Three weeks with a report at their end, and the clock looks."""
        if any(row.state in ("asking", "taking") for row in self.rows(select(ReclaimCampaign.state))):
            self.town.later(days=21)
            self.report(used, fine=True)
            self.look()

    @rule()
    def look(self) -> None:
        self.town.do(deadlines.due)
        self.town.do(leavers.look)

    @rule(on=st.sampled_from([True, True, False]), by=WHO)
    def switch(self, on: bool, by: str) -> None:
        def act(work: UnitOfWork, rules: Any, now: Any) -> Any:
            return switch.turn(work, on, self.town.staff[by], "for a test", now)

        if self.do(act) is not None:
            assert by in ("dara", "gil", "eli") and by not in self.left
            self.on = on

    # -- presses -------------------------------------------------------------------------------------------------------

    @rule(
        by=st.one_of(st.just("eli"), WHO),
        kind=KINDS,
        begun=st.sampled_from([True, True, False]),
        fresh=st.sampled_from([True, True, False]),
    )
    def plan(self, by: str, kind: CampaignKind, begun: bool, fresh: bool) -> None:
        if fresh:
            self.report({}, fine=True)
        product, actor = self.town.products["copilot"], f"person:{self.town.staff[by]}"
        row = self.do(plan.plan, product, kind, actor, ask_unknown=not fresh)
        if row is not None:
            assert by in ("dara", "gil", "eli", "chitra")
            if begun:
                self.do(asking.begin, row.id, self.town.staff[by])

    @rule(number=st.integers(0, 30), by=WHO, right=st.booleans(), how=st.sampled_from(
        ["keep", "wrong", "back", "later", "agree", "disagree"]
    ))  # fmt: skip
    def answer(self, number: int, by: str, right: bool, how: str) -> None:
        found = [one for one in self.candidates() if one.state in OPEN]
        if not found:
            return
        one = found[number % len(found)]
        person = self.names[one.person_id if how in ("keep", "wrong", "back", "later") else one.manager_id or 0] if (
            right and (how not in ("agree", "disagree") or one.manager_id)
        ) else by  # fmt: skip
        staff = self.town.staff[person]
        acts: dict[str, tuple[Any, tuple[Any, ...]]] = {
            "keep": (answers.keep, (Answer.AWAY, "")),
            "wrong": (answers.keep, (Answer.USES_IT, "daily")),
            "back": (answers.give_back, ("",)),
            "later": (answers.ask_later, (self.town.now.date() + timedelta(days=7),)),
            "agree": (answers.manager_agrees, ()),
            "disagree": (answers.manager_disagrees, ("no",)),
        }
        act, more = acts[how]
        if self.do(act, one.id, staff, *more) is not None:
            assert staff in (one.person_id, one.manager_id)
            after = next(row for row in self.candidates() if row.id == one.id)
            if after.state == CandidateState.RELEASED:
                assert staff == one.person_id  # nobody else's word is a release

    @rule(key=HOLDER, by=st.one_of(st.just("ben"), st.just("mia"), WHO))
    def hand_over(self, key: str, by: str) -> None:
        if self.do(leavers.handed_over, self.town.staff[key], self.town.staff[by], "all to Ben") is not None:
            assert by != key and key in self.left
            self.handed.add(key)

    @rule(
        number=st.integers(0, 9),
        by=st.one_of(st.sampled_from(MAY_CONFIRM), st.sampled_from(MAY_CONFIRM), WHO),
        some=st.sets(st.integers(0, 3), min_size=1),
        old=st.sampled_from([0, 0, 0, 0, 1]),
        looked=st.sampled_from([True, True, True, False]),
    )
    def confirm(self, number: int, by: str, some: set[int], old: int, looked: bool) -> None:
        known = self.rows(select(ReclaimCampaign.id, ReclaimCampaign.planned_by_id, ReclaimCampaign.state))
        live = [one for one in known if one.state == CampaignState.CONFIRMING] or known
        if not live:
            return
        campaign = live[number % len(live)]
        with self.town.database.reading() as connection:
            shown = list_of(connection, self.town.rules.policy, campaign.id, self.town.now)
        assert shown is not None
        rows = [row for place, row in enumerate(shown.rows) if place in some]
        ticks = frozenset(row.candidate_id for row in rows)
        seen = ticks if looked else frozenset()
        said = self.do(
            confirm.confirm, campaign.id, shown.version - old, ticks, self.town.staff[by], looked_at=seen
        )  # fmt: skip
        if said is None:
            return
        assert by in MAY_CONFIRM and by not in self.left and self.on and not old
        assert campaign.planned_by_id != self.town.staff[by] and campaign.state == CampaignState.CONFIRMING
        for row in rows:
            assert row.person_id != self.town.staff[by]
            assert looked or not row.needs_look
            key = self.names[row.person_id]
            taken = self.rows(select(SeatReturn.id).where(SeatReturn.seat_id == row.seat_id))
            if taken and row.seat_id not in self.pressed:
                self.pressed[row.seat_id] = (self.town.staff[by], row.ground)
                if row.ground == "idle":
                    assert self.idle_by_report(key) and key not in self.left, key
                if row.ground == "leaving":
                    assert key in self.handed
            elif row.seat_id not in self.pressed:
                # left alone: used or not known any more, or the holder left and a list of its own comes
                assert row.ground == "idle" and (key in self.left or not self.idle_by_report(key)), (key, row.ground)

    @rule(number=st.integers(0, 9), how=st.sampled_from(["taken", "failed"]))
    def outside(self, number: int, how: str) -> None:
        """What became of a confirmed return; the seat is given anew, so that it may be looked at again."""
        going = [one for one in self.candidates() if one.state == CandidateState.CONFIRMED]
        if not going:
            return
        one = going[number % len(going)]

        def act(work: UnitOfWork, rules: Any, now: Any) -> None:
            row = work.session.get_one(ReclaimCandidate, one.id)
            if how == "taken":
                seat_returns.removed(work, one.seat_return_id, "microsoft365", now)
                candidate.move(work, row, candidate.Verb.TAKE, "microsoft365", now)
            else:
                seat_returns.not_removed(work, one.seat_return_id, "It was refused.", "microsoft365", now)
                candidate.move(work, row, candidate.Verb.FAIL, "microsoft365", now)
            settle(work, work.session.get_one(ReclaimCampaign, one.campaign_id), now)

        self.town.do(act)
        if how == "failed":
            self.pressed.pop(one.seat_id)

    # -- what holds at every moment ------------------------------------------------------------------------------------

    @invariant()
    def a_refusal_has_words(self) -> None:
        assert not hasattr(self, "town") or self.refused.strip()

    @invariant()
    def nothing_goes_unconfirmed(self) -> None:
        if not hasattr(self, "town"):
            return
        for row in self.rows(select(*SeatReturn.__table__.c).where(SeatReturn.state != "failed")):
            assert self.pressed[row.seat_id] == (row.confirmed_by_id, row.ground)
            assert row.ground in ("idle", "given_back", "leaving", "review")
            assert self.names[row.confirmed_by_id] in MAY_CONFIRM and row.confirmed_by_id != row.person_id
        ended = {row.id for row in self.rows(select(Seat.id).where(Seat.ended_at.is_not(None)))}
        assert ended <= self.pressed.keys()

    @invariant()
    def a_seat_is_where_its_events_say(self) -> None:
        if not hasattr(self, "town"):
            return
        moves = sum(one.version - 1 for one in self.candidates())
        told = Event.tag.startswith("reclaim:seat:") & Event.subject.startswith("seat:")
        assert len(self.rows(select(Event.id).where(told))) == moves
        for one in self.candidates():
            assert (one.state in ("confirmed", "taken", "not_taken")) == (one.seat_return_id is not None)

    @invariant()
    def no_day_has_more_than_its_limit(self) -> None:
        if not hasattr(self, "town"):
            return
        days = [one.take_on for one in self.candidates() if one.take_on is not None]
        assert all(days.count(day) <= 2 for day in days)

    @invariant()
    def what_is_over_holds_nothing_open(self) -> None:
        if not hasattr(self, "town"):
            return
        over = {
            row.id
            for row in self.rows(
                select(ReclaimCampaign.id).where(
                    ReclaimCampaign.state.in_([CampaignState.DONE, CampaignState.CANCELLED])
                )
            )
        }
        assert not [one for one in self.candidates() if one.campaign_id in over and one.state in OPEN]


Reclaiming.TestCase.settings = settings(
    max_examples=int(os.environ.get("MACHINE_EXAMPLES", "10")),
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)
TestReclaiming = Reclaiming.TestCase
