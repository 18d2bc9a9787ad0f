"""Takes confirmed Microsoft 365 seats back and puts them back on undo, each time by reading the state first.

Nothing is held open during a call: read rows, call, write rows. A removal counts only when a later read shows it.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import select

from integrations.graph import GraphClient
from jobs.worker import JobRun
from model.licences import Granting, Seat, SeatReturn, Sku
from model.people import Person
from model.session import Database
from workflows import seat_returns, seats
from workflows.perform_giving import Blocked, Wish, answered, give_by_group, look_again, unit


class TakingEffects:
    """The jobs `seat.take_back` and `seat.restore` of products that Microsoft 365 gives."""

    def __init__(self, database: Database, client: GraphClient) -> None:
        self.database = database
        self.client = client

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
        run.later(look_again(run))  # done when a read no longer shows it

    def _settled(self, return_id: int, run: JobRun, obstacle: str | None) -> None:
        with run.database.unit_of_work() as work:
            if obstacle is None:
                seat_returns.removed(unit(work), return_id, "microsoft365", run.now())
            else:
                seat_returns.not_removed(unit(work), return_id, obstacle, "microsoft365", run.now())
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
        wish = Wish(
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
            run.later(look_again(run))
            return
        with run.database.unit_of_work() as work:
            if outcome:
                seat_returns.restored(unit(work), return_id, "microsoft365", run.now())
            elif words:
                seat_returns.not_restored(unit(work), return_id, words, "microsoft365", run.now())
            else:  # the last one went elsewhere meanwhile
                seats.none_free_after_all(unit(work), return_id, run.now())
            run.finish(work)
            work.commit()

    def _restored(self, wish: Wish, disabled_plans: tuple[str, ...]) -> bool | None:
        held = self.client.licence_states(wish.user_id)
        if held.holds(wish.sku_id):
            return True
        if wish.way is Granting.GRAPH_GROUP:
            return give_by_group(self.client, wish, held)
        return answered(self.client.assign(wish.user_id, wish.sku_id, disabled_plans), wish)
