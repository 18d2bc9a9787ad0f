"""Gives and takes Microsoft 365 seats, each time by reading the state first: an effect may come twice.

Nothing is held open during a call: read rows, call, write rows. An assignment counts as given only when a later read
shows it, since reads lag writes and a group grants in its own time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from integrations import graph_types as g
from integrations.errors import NotFound, RateLimited, Refused, Transient, Unclear
from integrations.graph import GraphClient
from jobs.worker import JobRun
from model.licences import Granting, Product, Seat, SeatReturn, Sku
from model.people import Person
from model.requests import LicenceRequest, LineState, RequestLine
from model.session import Database, UnitOfWork
from workflows import granting, seat_returns, seats
from workflows.perform_figures import no_unit_left, read_again

#: How soon a written assignment is looked for again.
LOOK_AGAIN = timedelta(seconds=3)
#: A group may take hours: after the first minute the looks become rare.
LOOKS_SOON = 20
LOOK_LATER = timedelta(minutes=1)


class Blocked(Exception):
    """A person must change something in Microsoft 365; the message says what."""


@dataclass(frozen=True)
class _Wish:
    """One seat to give: who, what and how."""

    line_id: int
    user_id: str
    sku_id: str
    way: Granting
    group_id: str | None
    name: str
    disabled_plans: tuple[str, ...] = ()  # of a seat that was needed back

    @property
    def path(self) -> str:
        return f"group:{self.group_id}" if self.way is Granting.GRAPH_GROUP else "direct"


class GraphEffects:
    """The jobs `line.grant`, `seat.take_back` and `seat.restore` of products that Microsoft 365 gives."""

    def __init__(self, database: Database, client: GraphClient) -> None:
        self.database = database
        self.client = client

    # -- give ----------------------------------------------------------------------------------------------------------

    def grant(self, payload: dict[str, Any], run: JobRun) -> None:
        """Give one line its seat; finishes the job together with the outcome."""
        line_id = int(payload["line"])
        try:
            wish = self._wish(line_id)
        except Blocked as obstacle:
            self._block(line_id, str(obstacle), run)
            return
        if wish is None:
            return
        try:
            if run.attempt == 1 or run.failures:  # else a seat is on its way, and only its coming is looked for
                read_again(self.database, self.client, wish.sku_id, run.now)
            outcome = self._give(wish, first=run.attempt == 1)
        except NotFound:
            self._block(line_id, f"{wish.name} is not in Microsoft 365 any more.", run)
            return
        except Blocked as obstacle:
            self._block(line_id, str(obstacle), run)
            return
        except Refused as refused:
            if refused.code != "unusable_group":
                self._tell_delay(line_id, run, refused=True)
                raise
            words = f"{refused.detail[:1].upper()}{refused.detail[1:]}."
            self._block(line_id, f"{words} Name another group, then try again.", run)
            return
        except (Transient, RateLimited, Unclear):
            self._tell_delay(line_id, run)
            raise
        if outcome is None:
            with run.database.unit_of_work() as work:
                granting.no_seat_left(_unit(work), line_id, "microsoft365", run.now())
                run.finish(work)
                work.commit()
        elif outcome:
            with run.database.unit_of_work() as work:
                granting.given(_unit(work), line_id, outcome, "microsoft365", run.now(), sku=wish.sku_id)
                run.finish(work)
                work.commit()
        else:
            run.later(_look_again(run))

    def _wish(self, line_id: int) -> _Wish | None:
        with self.database.reading() as connection:
            row = connection.execute(
                select(
                    RequestLine.state,
                    Person.directory_id,
                    Person.name,
                    Sku.sku_id,
                    Product.name.label("product"),
                    Product.granting,
                    Product.group_id,
                )
                .join(LicenceRequest, LicenceRequest.id == RequestLine.request_id)
                .join(Person, Person.id == RequestLine.person_id)
                .join(Product, Product.id == LicenceRequest.product_id)
                .join(Sku, Sku.id == LicenceRequest.sku_id)
                .where(RequestLine.id == line_id)
            ).one_or_none()
        if row is None or row.state not in (LineState.RESERVED, LineState.GRANTING):
            return None
        if row.directory_id is None:
            raise Blocked(f"{row.name} has no account in Microsoft 365. Make one, then try again.")
        if row.sku_id is None:
            raise Blocked(f"{row.product} has no Microsoft SKU in the register. Add it, then try again.")
        way = Granting(row.granting)
        if way is Granting.GRAPH_GROUP and not row.group_id:
            raise Blocked(f"Policy names no licensing group for {row.product}. Name one, then try again.")
        return _Wish(line_id, row.directory_id, row.sku_id, way, row.group_id, row.name, self._plans_before(line_id))

    def _plans_before(self, line_id: int) -> tuple[str, ...]:
        """What was switched off in a seat that is given anew because it was needed back."""
        with self.database.reading() as connection:
            key = connection.execute(
                select(LicenceRequest.submission_key)
                .join(RequestLine, RequestLine.request_id == LicenceRequest.id)
                .where(RequestLine.id == line_id)
            ).scalar_one()
            kind, _, number = key.partition(":")
            if kind != "back" or not number.isdigit():
                return ()
            prior = connection.execute(select(SeatReturn.prior_state).where(SeatReturn.id == int(number))).scalar()
        return tuple(json.loads(prior or "{}").get("disabled_plans", ()))

    def _give(self, wish: _Wish, *, first: bool) -> str | None:
        """The path by which the seat is there. Empty: on its way, look again. None: no seat is left. Raises Blocked.

        On the `first` try the figures alone say that nothing is left. Later ones may count the very unit that an
        earlier try took and no read shows yet, so then Microsoft's own answer decides.
        """
        held = self.client.licence_states(wish.user_id)
        if held.holds(wish.sku_id):
            return _path_of(held, wish)
        if first and no_unit_left(self.database, wish.sku_id):
            return None
        if wish.way is Granting.GRAPH_GROUP:
            there = self._give_by_group(wish, held)
        else:
            there = self._answered(self.client.assign(wish.user_id, wish.sku_id, wish.disabled_plans), wish)
        return None if there is None else wish.path if there else ""

    def _give_by_group(self, wish: _Wish, held: g.UserLicences) -> bool | None:
        assert wish.group_id is not None  # noqa: S101  checked when the wish was read
        failing = held.failing(wish.sku_id)
        if failing == "CountViolation":
            self.client.remove_from_group(wish.group_id, wish.user_id)  # else the next free unit goes past our queue
            return None
        if failing is not None:
            raise Blocked(f"The group gives {wish.name} no seat: Microsoft 365 says {failing}.")
        self.client.add_to_group(wish.group_id, wish.user_id)
        return False

    def _answered(self, outcome: g.AssignOutcome, wish: _Wish) -> bool | None:
        match outcome:
            case g.Assigned():
                return False
            case g.AlreadyHeld():
                return True
            case g.NoSeatsLeft():
                return None
            case g.NoUsageLocation(prohibited=True):
                raise Blocked(f"Microsoft does not allow this product in the country set for {wish.name}.")
            case g.NoUsageLocation():
                raise Blocked(f"Microsoft 365 has no usage location for {wish.name}. Set it, then try again.")
            case g.DependencyMissing():
                raise Blocked(f"The product needs another Microsoft licence that {wish.name} does not have.")
            case g.ConflictingPlans():
                raise Blocked(f"The product excludes a Microsoft licence that {wish.name} has.")
            case g.NotAssignable():
                raise Blocked("Microsoft 365 gives this product to the whole company, not to single people.")

    def _block(self, line_id: int, words: str, run: JobRun) -> None:
        with run.database.unit_of_work() as work:
            granting.blocked(_unit(work), line_id, words, "microsoft365", run.now())
            run.finish(work)
            work.commit()

    def _tell_delay(self, line_id: int, run: JobRun, *, refused: bool = False) -> None:
        with run.database.unit_of_work() as work:
            granting.delayed(_unit(work), line_id, "Microsoft 365", run.now(), refused=refused)
            work.commit()

    # -- take and restore ----------------------------------------------------------------------------------------------

    def take_back(self, payload: dict[str, Any], run: JobRun) -> None:
        """Remove one confirmed seat: the exact prior state is stored before the write, the result read after it."""
        return_id = int(payload["return"])
        with self.database.unit_of_work() as work:
            aim = seat_returns.removal_to_make(work, return_id, run.now())
            work.commit()
        if aim is None:
            return
        held = self.client.licence_states(aim.user_id)
        if not held.holds(aim.sku_id):
            self._settled(return_id, run, None)
            return
        direct = held.direct(aim.sku_id)
        group_id = aim.path.removeprefix("group:") if aim.path.startswith("group:") else None
        if group_id and group_id != aim.group_id:  # somebody else's group may give more than this one seat
            self._settled(return_id, run, "The seat comes by a group that is not this product's and was left alone.")
            return
        ours = group_id in held.groups(aim.sku_id) if group_id else direct is not None
        if not ours:  # held another way too: what was agreed to is gone, or was never there
            self._settled(return_id, run, None if aim.prior_state else "The seat comes another way and was left alone.")
            return
        if not aim.prior_state:
            prior = {
                "path": aim.path,
                "disabled_plans": list(direct.disabled_plans) if direct else [],
                "usage_location": held.usage_location,
            }
            with self.database.unit_of_work() as work:
                seat_returns.keep_prior_state(work, return_id, json.dumps(prior, sort_keys=True))
                work.commit()
        if group_id:
            self.client.remove_from_group(group_id, aim.user_id)
        else:
            self.client.remove(aim.user_id, aim.sku_id)
        run.later(_look_again(run))  # done when a read no longer shows it

    def _settled(self, return_id: int, run: JobRun, obstacle: str | None) -> None:
        with run.database.unit_of_work() as work:
            if obstacle is None:
                seat_returns.removed(_unit(work), return_id, "microsoft365", run.now())
            else:
                seat_returns.not_removed(_unit(work), return_id, obstacle, "microsoft365", run.now())
            run.finish(work)
            work.commit()

    def restore(self, payload: dict[str, Any], run: JobRun) -> None:
        """Give a removed seat back with the disabled plans it had."""
        return_id = int(payload["return"])
        with self.database.reading() as connection:
            row = connection.execute(
                select(
                    Person.directory_id, Person.name, Sku.sku_id, Seat.path, SeatReturn.prior_state, SeatReturn.state
                )
                .join(Seat, Seat.id == SeatReturn.seat_id)
                .join(Person, Person.id == SeatReturn.person_id)
                .join(Sku, Sku.id == Seat.sku_id)
                .where(SeatReturn.id == return_id)
            ).one()
        if row.state != "restoring":
            return
        prior = json.loads(row.prior_state or "{}")
        wish = _Wish(
            0,
            row.directory_id,
            row.sku_id,
            Granting.GRAPH_GROUP if row.path.startswith("group:") else Granting.GRAPH_DIRECT,
            row.path.removeprefix("group:") if row.path.startswith("group:") else None,
            row.name,
        )
        try:
            outcome = self._restored(wish, tuple(prior.get("disabled_plans", ())))
        except Blocked as obstacle:
            outcome, words = None, str(obstacle)
        else:
            words = ""
        if outcome is False:
            run.later(_look_again(run))
            return
        with run.database.unit_of_work() as work:
            if outcome:
                seat_returns.restored(_unit(work), return_id, "microsoft365", run.now())
            elif words:
                seat_returns.not_restored(_unit(work), return_id, words, "microsoft365", run.now())
            else:  # the last one went elsewhere meanwhile
                seats.none_free_after_all(_unit(work), return_id, run.now())
            run.finish(work)
            work.commit()

    def _restored(self, wish: _Wish, disabled_plans: tuple[str, ...]) -> bool | None:
        held = self.client.licence_states(wish.user_id)
        if held.holds(wish.sku_id):
            return True
        if wish.way is Granting.GRAPH_GROUP:
            return self._give_by_group(wish, held)
        return self._answered(self.client.assign(wish.user_id, wish.sku_id, disabled_plans), wish)


def _path_of(held: g.UserLicences, wish: _Wish) -> str:
    """How the person holds it: as wished, or the way they have it already."""
    ways = ["direct"] if held.direct(wish.sku_id) else []
    ways += [f"group:{group_id}" for group_id in held.groups(wish.sku_id)]
    return wish.path if wish.path in ways or not ways else ways[0]


def _look_again(run: JobRun) -> datetime:
    """When the next look is due; a slow group must not use up what the tenant lets us ask."""
    return run.now() + (LOOK_AGAIN if run.attempt < LOOKS_SOON else LOOK_LATER)


def _unit(work: Any) -> UnitOfWork:
    """Jobs know a unit of work by its protocol; here it is always the model's own."""
    assert isinstance(work, UnitOfWork)  # noqa: S101
    return work
