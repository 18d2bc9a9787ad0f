"""Takes confirmed Microsoft 365 seats back, or swaps them for a smaller one; each time by reading the state first.

Nothing is held open during a call: read rows, call, write rows. Whether the seat may go is asked in the transaction
right before the write (`workflows.reclaim.taking`), which also stores the exact state before it. A removal counts only
when a later read shows it, and what was given anew in between is left alone. Putting back is `perform_restoring`.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from integrations import graph_types as g
from integrations.errors import NotFound, Refused
from integrations.graph import GraphClient
from jobs.worker import JobRun
from model.licences import SeatReturn
from model.session import Database
from workflows import seat_returns
from workflows.perform_giving import READS_LAG, look_again, unit, ways
from workflows.reclaim import taking
from workflows.reclaim.taking import Recheck, Removal, Wait
from workflows.rules import RulesSource

ACTOR = "microsoft365"


class LeftAlone(Exception):
    """The seat is not taken; the message says why, in words for IT and the result card."""


class TakingEffects:
    """The job `seat.take_back` of products that Microsoft 365 gives."""

    def __init__(self, database: Database, client: GraphClient, rules: RulesSource, recheck: Recheck) -> None:
        self.database = database
        self.client = client
        self.rules = rules
        self.recheck = recheck

    def take_back(self, payload: dict[str, Any], run: JobRun) -> None:
        """Remove one confirmed seat. Raises what the client raises, for the job to be tried again or parked."""
        return_id = int(payload["return"])
        with self.database.unit_of_work() as work:
            aim = taking.begin(work, self.rules(), self.recheck, return_id, run.now())
            work.commit()
        if isinstance(aim, Wait):
            self._wait(aim, run)
        elif aim is not None:
            try:
                self._take(return_id, aim, run)
            except LeftAlone as why:
                self._settled(return_id, run, str(why))
            except NotFound:
                gone = "The person is not in Microsoft 365 any more; nothing was taken."
                self._settled(return_id, run, None if aim.prior_state else gone)  # a write of ours may have been first
            except Refused as refused:
                if refused.fatal or refused.code in ("Authorization_RequestDenied", "certificate", "address", "moved"):
                    self._unwritten(return_id, aim, run)
                    raise  # nothing about this seat: one note to IT, and a person runs it again
                self._settled(return_id, run, f"{refused.detail[:1].upper()}{refused.detail[1:]}.")

    def _take(self, return_id: int, aim: Removal, run: JobRun) -> None:
        look = self.client.last_look(aim.user_id)
        held = look.licences
        if aim.group_id is not None and not aim.named and held.holds(aim.sku_id):
            raise LeftAlone("The seat comes by a group that is not this product's and was left alone.")
        mine = _mine(held, aim)
        if mine is None:
            self._not_there(return_id, aim, held, run)
            return
        before = json.loads(aim.prior_state or "{}")
        if before and run.now() < datetime.fromisoformat(before[taking.WRITTEN_AT]) + READS_LAG:
            run.later(look_again(run))  # our write may be there, and the read older than it
            return
        if before and before.get("updated_at") != mine.updated_at:
            self._kept(return_id, "it was given anew meanwhile", run)  # not what was confirmed
            return
        _look_for_more_paths(held, aim)
        if aim.group_id is not None:
            self.client.check_group(aim.group_id, aim.sku_id, "look before removing")
        plans = self._plans_of_target(aim, held, mine) if aim.swap_to is not None else ()
        with self.database.unit_of_work() as work:
            prior = _prior(held, aim, mine)
            found = taking.Found(json.dumps(prior, sort_keys=True), look.signed_in_at, held.switched_off())
            clear = taking.clear_to_write(work, self.rules(), self.recheck, return_id, found, run.now())
            if clear is False:
                run.finish(work)
            work.commit()
        if isinstance(clear, Wait):
            self._wait(clear, run)
        elif clear:
            run.heartbeat()
            self._write(aim, plans)
            run.later(look_again(run))  # done when a read no longer shows it

    # -- what the read showed ------------------------------------------------------------------------------------------

    def _not_there(self, return_id: int, aim: Removal, held: g.UserLicences, run: JobRun) -> None:
        """Gone: by our write, or before it. Held another way it was not ours to take."""
        if aim.swap_to is not None and aim.prior_state and held.direct(aim.swap_to) is None:
            run.later(look_again(run))  # one call does both: the read is older than the one half
            return
        if aim.prior_state or not held.holds(aim.sku_id):
            self._settled(return_id, run, None, by_us=bool(aim.prior_state))
            return
        if held.unexplained(aim.sku_id):
            raise LeftAlone("Microsoft 365 does not say by which path the seat comes; it was left alone.")
        if held.groups(aim.sku_id):
            raise LeftAlone("The seat comes through a group and was left alone.")
        raise LeftAlone("The seat comes another way and was left alone.")

    def _plans_of_target(self, aim: Removal, held: g.UserLicences, mine: g.LicenceState) -> tuple[str, ...]:
        """What stays switched off in the smaller licence: whatever is off now and is a part of it."""
        assert aim.swap_to is not None  # noqa: S101  asked for by the caller
        if held.holds(aim.swap_to):
            raise LeftAlone("The person holds the smaller licence already, so nothing was swapped.")
        target = next((one for one in self.client.subscribed_skus() if one.sku_id == aim.swap_to), None)
        if target is None:
            raise LeftAlone("The company does not hold the smaller licence, so nothing was swapped.")
        parts = {plan.plan_id for plan in target.plans}
        return tuple(plan for plan in mine.disabled_plans if plan in parts)

    # -- the write -----------------------------------------------------------------------------------------------------

    def _write(self, aim: Removal, plans: tuple[str, ...]) -> None:
        if aim.group_id is not None:
            self.client.remove_from_group(aim.group_id, aim.user_id, aim.sku_id)
            return
        outcome: g.RemoveOutcome | g.SwapOutcome
        if aim.swap_to is not None:
            outcome = self.client.swap(aim.user_id, aim.sku_id, aim.swap_to, plans)
        else:
            outcome = self.client.remove(aim.user_id, aim.sku_id)
        words = not_taken_words(outcome, swap=aim.swap_to is not None)
        if words:
            raise LeftAlone(words)

    # -- the end -------------------------------------------------------------------------------------------------------

    def _wait(self, wait: Wait, run: JobRun) -> None:
        if wait.at is not None:
            run.later(wait.at)

    def _unwritten(self, return_id: int, aim: Removal, run: JobRun) -> None:
        """The only write was refused: nothing is under way, the next try asks all anew, the holder can call it off."""
        if aim.prior_state:
            return  # an earlier write may have been carried out
        with run.database.unit_of_work() as work:
            taking.not_written(work, return_id)
            work.commit()

    def _kept(self, return_id: int, words: str, run: JobRun) -> None:
        with run.database.unit_of_work() as work:
            row = work.session.get_one(SeatReturn, return_id, with_for_update=True)
            if row.state in ("confirmed", "removing"):
                seat_returns.called_off(unit(work), row, words, run.now())
            run.finish(work)
            work.commit()

    def _settled(self, return_id: int, run: JobRun, obstacle: str | None, *, by_us: bool = True) -> None:
        with run.database.unit_of_work() as work:
            row = work.session.get_one(SeatReturn, return_id, with_for_update=True)
            if obstacle is not None:
                seat_returns.not_removed(unit(work), return_id, obstacle, ACTOR, run.now())
            elif by_us or row.ground not in taking.LISTED:
                seat_returns.removed(unit(work), return_id, ACTOR, run.now())
            elif row.state in ("confirmed", "removing"):
                seat_returns.called_off(unit(work), row, "the seat had ended already", run.now())
            run.finish(work)
            work.commit()


def _mine(held: g.UserLicences, aim: Removal) -> g.LicenceState | None:
    """The assignment that was confirmed to go: the direct one, or that of its group."""
    return held.by(aim.sku_id, aim.group_id)


def _prior(held: g.UserLicences, aim: Removal, mine: g.LicenceState) -> dict[str, Any]:
    """The exact state before the write: of the confirmed path only, as Graph states it."""
    path = f"group:{aim.group_id}" if aim.group_id else "direct"
    beside = [one for one in ways(held, aim.sku_id) if one != path]
    return {
        seat_returns.FREES_UNIT: not beside,
        seat_returns.BESIDE: beside,
        "path": path,
        "disabled_plans": sorted(mine.disabled_plans),
        "usage_location": held.usage_location,
        "updated_at": mine.updated_at,
    }


def _look_for_more_paths(held: g.UserLicences, aim: Removal) -> None:
    """Held by two paths, taking one frees nothing (rules §7), so a list leaves it alone.

    What its holder gave back, or what ends as agreed, goes by the path that was given, and the other one stays.
    """
    if len(ways(held, aim.sku_id)) > 1 and aim.listed:
        raise LeftAlone("The person holds it by a second path, so taking this one frees no seat; it was left alone.")


def not_taken_words(outcome: g.RemoveOutcome | g.SwapOutcome, *, swap: bool) -> str:
    """Why nothing was taken, in words without names; "" when it was, or when the seat is gone."""
    match outcome:
        case g.SeatRemoved() | g.NotAssigned() | g.Swapped():
            return ""
        case g.InheritedFromGroup():
            return "The seat comes through a group and was left alone."
        case g.DependencyMissing():
            what = "The smaller licence needs" if swap else "Another licence of the person needs"
            return f"{what} a service of this one, so it was left alone."
        case g.NoSeatsLeft():
            return (
                "No seat of the smaller licence is free, so nothing was swapped. Buy or free one, then confirm again."
            )
        case g.NoUsageLocation(prohibited=True):
            return "Microsoft does not allow the smaller licence in the person's country, so nothing was swapped."
        case g.NoUsageLocation():
            return "Microsoft 365 has no usage location for the person, so nothing was swapped. Set it, confirm again."
        case g.ConflictingPlans():
            return "The smaller licence excludes another one that the person has, so nothing was swapped."
        case g.PlanUnknown():
            return "A service that is switched off is not part of the smaller licence, so nothing was swapped."
        case g.NotAssignable():
            return "Microsoft 365 gives the smaller licence to the whole company only, so nothing was swapped."
