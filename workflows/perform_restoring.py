"""Puts seats back in Microsoft 365 on undo: the same path, the same switched-off services, or words that say why not.

Held another way is not back: the path that was taken is put beside it. What a read then shows otherwise than it was
before (services, a second path, the smaller licence of a swap) is said with it, and left as somebody made it since.

Tried once for each press. What a person must change first is told to whoever pressed and ends the try; only what
passes by itself (waiting, a lost answer, a conflicting write) is tried again by the job table.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import aliased

from integrations import graph_types as g
from integrations.errors import NotFound, Refused
from integrations.graph import GraphClient
from jobs.worker import JobRun
from licensing.words import isolate, plural
from model.licences import Granting, Seat, SeatReturn, Sku
from model.people import Person
from model.session import Database
from workflows import seat_returns, seats, seats_back
from workflows.perform_giving import LOOKS_SOON, READS_LAG, Blocked, Wish, give_by_group, look_again, unit, ways
from workflows.seats_back import Back

ACTOR = "microsoft365"
AGAIN = "Nothing else changed."


@dataclass(frozen=True)
class _Undo:
    """One seat to put back as it was."""

    wish: Wish
    updated_at: str  # of the assignment that was taken, as Graph worded it
    removed_at: datetime | None
    swapped_to: str | None  # given in exchange: taken in the same call
    beside: tuple[str, ...]  # other paths by which the person held it then


class RestoringEffects:
    """The job `seat.restore` of products that Microsoft 365 gives."""

    def __init__(self, database: Database, client: GraphClient) -> None:
        self.database = database
        self.client = client

    def restore(self, payload: dict[str, Any], run: JobRun) -> None:
        """Give a removed seat back exactly as it was. Raises what the client raises when waiting may help."""
        return_id = int(payload["return"])
        undo = self._undo(return_id)
        if undo is None:
            return
        try:
            there = self._there(undo, run)
        except Blocked as obstacle:
            self._refused(return_id, str(obstacle), run)
            return
        except NotFound:
            words = f"{isolate(undo.wish.name)} is not in Microsoft 365 any more. {AGAIN}"
            self._refused(return_id, f"{words} Restore the account, then press Undo again.", run)
            return
        except Refused as refused:
            if refused.fatal or refused.code in ("certificate", "address", "moved"):
                raise
            self._refused(return_id, refusal_words(refused), run)
            return
        if there is False:
            run.later(look_again(run))
            return
        with run.database.unit_of_work() as work:
            if there is not None:
                seats_back.restored(unit(work), return_id, ACTOR, run.now(), there)
            else:  # the last one went elsewhere meanwhile
                seats.none_free_after_all(unit(work), return_id, run.now())
            run.finish(work)
            work.commit()

    def _undo(self, return_id: int) -> _Undo | None:
        target = aliased(Sku)
        with self.database.reading() as connection:
            row = connection.execute(
                select(
                    Person.directory_id,
                    Person.name,
                    Sku.sku_id,
                    Seat.path,
                    SeatReturn.prior_state,
                    SeatReturn.state,
                    SeatReturn.removed_at,
                    target.sku_id.label("swapped_to"),
                )
                .join(Seat, Seat.id == SeatReturn.seat_id)
                .join(Person, Person.id == SeatReturn.person_id)
                .join(Sku, Sku.id == Seat.sku_id)
                .outerjoin(target, target.id == SeatReturn.swap_to_sku_id)
                .where(SeatReturn.id == return_id)
            ).one()
        if row.state != "restoring":
            return None
        prior = json.loads(row.prior_state or "{}")
        path = str(prior.get("path") or row.path)
        group = path.removeprefix("group:") if path.startswith("group:") else None
        way = Granting.GRAPH_GROUP if group else Granting.GRAPH_DIRECT
        plans = tuple(prior.get("disabled_plans", ()))
        wish = Wish(0, row.directory_id, str(row.sku_id).lower(), way, group, row.name, plans)
        swapped_to = str(row.swapped_to).lower() if row.swapped_to else None
        beside = tuple(str(one) for one in prior.get(seat_returns.BESIDE, ()))
        return _Undo(wish, str(prior.get("updated_at", "")), row.removed_at, swapped_to, beside)

    def _there(self, undo: _Undo, run: JobRun) -> Back | Literal[False] | None:
        """What is back, by a read. False: on its way. None: no unit is left. Raises Blocked."""
        wish = undo.wish
        held = self.client.licence_states(wish.user_id)
        mine = held.by(wish.sku_id, wish.group_id)
        if mine is not None:
            return False if _older_than_it_is(undo, held, mine, run) else _back(undo, held, mine)
        if held.holds(wish.sku_id) and not ways(held, wish.sku_id):
            return Back("Microsoft 365 does not say by which path it comes.")
        try:
            return self._write(undo, held)
        except (Blocked, Refused) as why:
            if (isinstance(why, Refused) and why.fatal) or not held.holds(wish.sku_id):
                raise
            words = str(why) if isinstance(why, Blocked) else refusal_words(why)
            raise Blocked(f"{words} {_meanwhile(held, wish)}") from why

    def _write(self, undo: _Undo, held: g.UserLicences) -> Literal[False] | None:
        wish = undo.wish
        if wish.way is Granting.GRAPH_GROUP:
            return None if give_by_group(self.client, wish, held) is None else False
        outcome: g.AssignOutcome | g.SwapOutcome
        if undo.swapped_to is not None and held.direct(undo.swapped_to) is not None:
            outcome = self.client.swap(wish.user_id, undo.swapped_to, wish.sku_id, wish.disabled_plans)
        else:
            outcome = self.client.assign(wish.user_id, wish.sku_id, wish.disabled_plans, beside_groups=True)
        return _answered(outcome, wish)

    def _refused(self, return_id: int, words: str, run: JobRun) -> None:
        with run.database.unit_of_work() as work:
            seats_back.not_restored(unit(work), return_id, words, ACTOR, run.now())
            run.finish(work)
            work.commit()


def _older_than_it_is(undo: _Undo, held: g.UserLicences, mine: g.LicenceState, run: JobRun) -> bool:
    """Whether the read may be older than our write: it shows what was taken, or half of the call that moves back."""
    if mine.updated_at == undo.updated_at and undo.removed_at is not None:
        return run.now() < undo.removed_at + READS_LAG
    half = undo.swapped_to is not None and held.direct(undo.swapped_to) is not None
    return half and run.attempt < LOOKS_SOON


def _back(undo: _Undo, held: g.UserLicences, mine: g.LicenceState) -> Back:
    """The path is there; what else was so before and is not now, a sentence each."""
    before, now = set(undo.wish.disabled_plans), set(mine.disabled_plans)
    said = []
    if now - before:
        were = plural(len(now - before), "service that was on before is", "services that were on before are")
        said.append(f"{were} off now.")
    if before - now:
        were = plural(len(before - now), "service that was off before is", "services that were off before are")
        said.append(f"{were} on now.")
    missing = set(undo.beside) - set(ways(held, undo.wish.sku_id))
    if "direct" in missing:
        said.append("It was given directly as well before, and is not any more.")
    if missing - {"direct"}:
        said.append("It came through a group as well before, and does not any more.")
    both = undo.swapped_to is not None and held.direct(undo.swapped_to) is not None
    return Back(" ".join(said), both_held=both)


def _meanwhile(held: g.UserLicences, wish: Wish) -> str:
    """Held, but not as it was: the seat that was taken is not back."""
    how = "directly" if held.direct(wish.sku_id) is not None else "through a group"
    return f"{isolate(wish.name.split(' ')[0])} has it {how} meanwhile."


def _answered(outcome: g.AssignOutcome | g.SwapOutcome, wish: Wish) -> Literal[False] | None:
    match outcome:
        case g.Assigned() | g.AlreadyHeld() | g.Swapped() | g.NotAssigned() | g.InheritedFromGroup():
            return False  # the next read says what is there
        case g.NoSeatsLeft():
            return None
        case _:
            raise Blocked(not_put_back_words(outcome, wish.name))


def not_put_back_words(outcome: g.NotAssigning, name: str) -> str:
    """What stands in the way of putting a seat back and what to do, after "X's seat could not be put back: "."""
    first = isolate(name.split(" ")[0])
    match outcome:
        case g.NoUsageLocation(prohibited=True):
            return (
                f"Microsoft does not allow this product in the country set for {first}. {AGAIN} "
                "Correct the usage location, then press Undo again."
            )
        case g.NoUsageLocation():
            return f"Microsoft 365 has no usage location for {first}. {AGAIN} Set it, then press Undo again."
        case g.DependencyMissing():
            return (
                f"it needs a Microsoft licence that {first} does not have any more. {AGAIN} "
                "Give that one first, then press Undo again."
            )
        case g.ConflictingPlans():
            return (
                f"it excludes a Microsoft licence that {first} has now. {AGAIN} "
                "Take that one away, then press Undo again."
            )
        case g.PlanUnknown():
            return (
                f"a service that was switched off is not part of the product any more. {AGAIN} "
                "Give the seat by hand in the Microsoft 365 admin centre."
            )
        case g.NotAssignable():
            return f"Microsoft 365 gives this product to the whole company now, not to single people. {AGAIN}"
        case g.NoSeatsLeft():
            return f"no seat is free. {AGAIN}"


def refusal_words(refused: Refused) -> str:
    """A refusal that says nothing about the licences themselves."""
    if refused.code == "Authorization_RequestDenied":
        return (
            f"Seatkeeper may not change licences in Microsoft 365. {AGAIN} `seatkeeper doctor` names the permission; "
            "give it, then press Undo again."
        )
    if refused.code == "unusable_group":
        return f"{refused.detail}. {AGAIN} Correct it or name another group in the policy, then press Undo again."
    return f"Microsoft 365 says: {refused.detail.rstrip('.')}. {AGAIN} Clear it, then press Undo again."
