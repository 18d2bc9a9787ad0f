"""Red alerts at the desk: what is bought and found of one product, looks of a day, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, update

from model.alerts import AlertState, InventorySource, RedAlert, SourceState
from model.contracts import Entitlement
from model.licences import Seat, Sku
from model.people import Role
from model.tickets import Ticket, TicketNote
from tests.http import alert_acts as acts
from tests.unit.inventory_desk import Desk, desk, person
from workflows import policy_file, ticket_outcomes
from workflows.alerts import looks
from workflows.inventory_sources import accept_baseline
from workflows.rules import Rules

BASE = "version: 1\n"
NEW_YEAR = date(2026, 1, 1)


class AlertDesk:
    """A database with one accepted source, on which looks are taken at the desk's time."""

    def __init__(self, made: Desk) -> None:
        self.desk = made
        self.policy = BASE
        self.servicenow = True
        self.manager = person(made, "dara@acme.example", Role.LICENCE_MANAGER)

    @property
    def now(self) -> datetime:
        return self.desk.now

    @now.setter
    def now(self, value: datetime) -> None:
        self.desk.now = value

    def rules(self) -> Rules:
        return Rules(policy_file.load(self.policy), 1, servicenow=self.servicenow)

    def source(self, name: str = acts.SOURCE, state: SourceState = SourceState.ACCEPTED) -> None:
        with self.desk.database.unit_of_work() as work:
            acts.accepted(work, self.now, name, state)
            work.commit()

    def accept(self, name: str = acts.SOURCE) -> None:
        """A licence manager adopts what the source holds now."""
        with self.desk.database.unit_of_work() as work:
            source_id = work.connection.execute(
                select(InventorySource.id).where(InventorySource.name == name)
            ).scalar_one()
            accept_baseline(work, source_id, self.manager, {Role.LICENCE_MANAGER}, self.now)
            work.commit()

    def product(self, name: str) -> tuple[int, int]:
        """Ids of a paid product and of the name devices report."""
        with self.desk.database.unit_of_work() as work:
            found = acts.product(work, name.lower().replace(" ", "-"), name, self.now)
            work.commit()
        return found

    def buy(self, product_id: int, quantity: int | None, ends_on: date | None = None, **more: Any) -> None:
        values: dict[str, Any] = {"metric": "device", "starts_on": NEW_YEAR, "recorded_at": self.now}
        with self.desk.database.unit_of_work() as work:
            work.session.add(Entitlement(product_id=product_id, quantity=quantity, ends_on=ends_on, **(values | more)))
            work.commit()

    def place(self, title_id: int, *names: str, source: str = acts.SOURCE) -> list[int]:
        """New devices that have it."""
        with self.desk.database.unit_of_work() as work:
            ids = [acts.device(work, name, None, self.now) for name in names]
            for device_id in ids:
                acts.installed(work, device_id, title_id, self.now, source)
            work.commit()
        return ids

    def gone(self, title_id: int, *device_ids: int) -> None:
        """A full list of these devices came without it."""
        with self.desk.database.unit_of_work() as work:
            for device_id in device_ids:
                acts.reported(work, device_id, self.now, without=title_id)
            work.commit()

    def seat(self, product_id: int, email: str) -> None:
        who = person(self.desk, email)
        with self.desk.database.unit_of_work() as work:
            sku = Sku(product_id=product_id, part_number=f"seat of {email}")
            work.session.add(sku)
            work.session.flush()
            work.session.add(
                Seat(product_id=product_id, sku_id=sku.id, person_id=who, began_at=self.now, recorded_at=self.now)
            )
            work.commit()

    def look(self, times: int = 1) -> None:
        """Complete runs."""
        for _ in range(times):
            with self.desk.database.unit_of_work() as work:
                looks.look(work, self.rules(), None, self.now)
                work.commit()

    def alerts(self) -> list[RedAlert]:
        with self.desk.database.unit_of_work() as work:
            return list(work.session.execute(select(RedAlert).order_by(RedAlert.id)).scalars())

    def live(self) -> list[str]:
        """Keys of alerts on somebody's table."""
        over = (AlertState.CLOSED, AlertState.WATCHING)
        return [alert.key for alert in self.alerts() if alert.state not in over]

    def tickets(self) -> list[Ticket]:
        with self.desk.database.unit_of_work() as work:
            return list(work.session.execute(select(Ticket).order_by(Ticket.id)).scalars())

    def there(self, ticket_id: int, state: str = "open") -> None:
        """The record was created there, or is read in this state."""
        with self.desk.database.unit_of_work() as work:
            ticket = work.session.get_one(Ticket, ticket_id)
            ticket.sys_id, ticket.number = f"{ticket_id:032d}", f"INC{ticket_id:07d}"
            ticket_outcomes.seen(work, self.rules(), ticket_id, ticket_outcomes.Reading(state), self.now)
            work.commit()

    def sent(self) -> None:
        """All notes are written there."""
        with self.desk.database.unit_of_work() as work:
            work.connection.execute(update(TicketNote).values(sent_at=self.now))
            work.commit()

    def notes(self) -> list[str]:
        with self.desk.database.unit_of_work() as work:
            return list(work.session.execute(select(TicketNote.words).order_by(TicketNote.id)).scalars())


@contextmanager
def alert_desk(url: str) -> Iterator[AlertDesk]:
    with desk(url) as made:
        yield AlertDesk(made)
