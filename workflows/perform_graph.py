"""Gives Microsoft 365 seats, each time by reading the state first: an effect may come twice.

Nothing is held open during a call: read rows, call, write rows. An assignment counts as given only when a later read
shows it, since reads lag writes and a group grants in its own time.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import select

from integrations import graph_types as g
from integrations.errors import NotFound, RateLimited, Refused, Transient, Unclear
from integrations.graph import GraphClient
from jobs.worker import JobRun
from model.licences import Granting, Product, SeatReturn, Sku
from model.people import Person
from model.requests import LicenceRequest, LineState, RequestLine
from model.session import Database
from workflows import granting, needed_back
from workflows.perform_figures import no_unit_left, read_again
from workflows.perform_giving import Blocked, Wish, answered, give_by_group, look_again, unit, ways


class GraphEffects:
    """The job `line.grant` of products that Microsoft 365 gives."""

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
            self._block(line_id, f"{words} Correct it or name another group, then try again.", run)
            return
        except (Transient, RateLimited, Unclear):
            self._tell_delay(line_id, run)
            raise
        if outcome is None:
            with run.database.unit_of_work() as work:
                granting.no_seat_left(unit(work), line_id, "microsoft365", run.now())
                run.finish(work)
                work.commit()
        elif outcome:
            with run.database.unit_of_work() as work:
                granting.given(unit(work), line_id, outcome, "microsoft365", run.now(), sku=wish.sku_id)
                run.finish(work)
                work.commit()
        else:
            run.later(look_again(run))

    def _wish(self, line_id: int) -> Wish | None:
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
        return Wish(line_id, row.directory_id, row.sku_id, way, row.group_id, row.name, self._plans_before(line_id))

    def _plans_before(self, line_id: int) -> tuple[str, ...]:
        """What was switched off in a seat that is given anew because it was needed back."""
        with self.database.reading() as connection:
            key = connection.execute(
                select(LicenceRequest.submission_key)
                .join(RequestLine, RequestLine.request_id == LicenceRequest.id)
                .where(RequestLine.id == line_id)
            ).scalar_one()
            return_id = needed_back.return_of(key)
            if return_id is None:
                return ()
            prior = connection.execute(select(SeatReturn.prior_state).where(SeatReturn.id == return_id)).scalar()
        return tuple(json.loads(prior or "{}").get("disabled_plans", ()))

    def _give(self, wish: Wish, *, first: bool) -> str | None:
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
            there = give_by_group(self.client, wish, held)
        else:
            there = answered(self.client.assign(wish.user_id, wish.sku_id, wish.disabled_plans), wish)
        return None if there is None else wish.path if there else ""

    def _block(self, line_id: int, words: str, run: JobRun) -> None:
        with run.database.unit_of_work() as work:
            granting.blocked(unit(work), line_id, words, "microsoft365", run.now())
            run.finish(work)
            work.commit()

    def _tell_delay(self, line_id: int, run: JobRun, *, refused: bool = False) -> None:
        with run.database.unit_of_work() as work:
            granting.delayed(unit(work), line_id, "Microsoft 365", run.now(), refused=refused)
            work.commit()


def _path_of(held: g.UserLicences, wish: Wish) -> str:
    """How the person holds it: as wished, or the way they have it already."""
    found = ways(held, wish.sku_id)
    return wish.path if wish.path in found or not found else found[0]
