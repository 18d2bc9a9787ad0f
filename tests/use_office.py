"""A small company whose use rows are written as a sync would write them; for tests of verdicts on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import event

from model.licences import Granting, Product, Publisher, Seat, Sku
from model.people import Person
from model.session import Database
from model.usage import LastUse, SourceHealth
from workflows.policy_file import load
from workflows.reclaim.evidence import SeatVerdict, verdicts

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
LONG_AGO = datetime(2025, 1, 7, tzinfo=UTC)
DESIGN, LATIN = "8f0e9a52-0000-4000-8000-0000000000aa", "8f0e9a52-0000-4000-8000-0000000000bb"
COPILOT_SKU = "639dec6b-bb19-468b-871c-c5c441c4b0cb"
E3_SKU = "05e9a617-0261-4cee-bb44-138d3ef5d965"
POLICY = load(
    f"""
reclaim:
  idle_days: 60
  products:
    copilot: {{rule: 7, idle_days: 60, little_used_days: 2}}
  groups:
    - {{id: {LATIN}, does_nothing_but_license: true}}
"""
)


class Office:
    """A small company whose rows are written as a sync would."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.unit_of_work() as work:
            publisher = Publisher(name="Microsoft")
            other = Publisher(name="Drawing House")
            work.session.add_all([publisher, other])
            work.session.flush()
            self.products: dict[str, int] = {}
            self.skus: dict[str, int] = {}
            for key, name, owner, guid, part in (
                ("copilot", "Microsoft Copilot for Microsoft 365", publisher, COPILOT_SKU, "Microsoft_365_Copilot"),
                ("e3", "Microsoft 365 E3", publisher, E3_SKU, "SPE_E3"),
                ("visio", "Visio Plan 2", publisher, "c5928f49-12ba-48f7-ada3-0d743a3601d5", "VISIOCLIENT"),
                ("draw", "Draw Pro", other, None, "draw"),
            ):
                product = Product(publisher_id=owner.id, name=name, key=key, granting=Granting.GRAPH_DIRECT)
                work.session.add(product)
                work.session.flush()
                sku = Sku(product_id=product.id, sku_id=guid, part_number=part)
                work.session.add(sku)
                work.session.flush()
                self.products[key], self.skus[key] = product.id, sku.id
            work.session.add_all(
                SourceHealth(source=one, state="fine", as_of=TODAY - timedelta(days=2), read_at=NOW)
                for one in ("sign_in", "m365_active", "copilot", "mailbox")
            )
            work.commit()

    def person(self, name: str, **said: Any) -> int:
        with self.database.unit_of_work() as work:
            row = Person(email=f"{name}@example.com", name=name.title(), **said)
            work.session.add(row)
            work.session.flush()
            work.commit()
            return row.id

    def seat(self, person_id: int, key: str, path: str = "direct", began_at: datetime = LONG_AGO) -> int:
        row = Seat(
            product_id=self.products[key], sku_id=self.skus[key], person_id=person_id, path=path, began_at=began_at,
            recorded_at=began_at,
        )  # fmt: skip
        self.add(row)
        return row.id

    def used(self, person_id: int, source: str, day: date | None, key: str | None = None, **facts: Any) -> None:
        self.add(
            LastUse(
                person_id=person_id, source=source, product_id=self.products[key] if key else None, used_on=day,
                facts=facts, as_of=TODAY - timedelta(days=2), read_at=NOW,
            )
        )  # fmt: skip

    def add(self, row: Any) -> None:
        with self.database.unit_of_work() as work:
            work.session.add(row)
            work.session.flush()
            work.session.expunge(row)
            work.commit()

    def verdicts(self, key: str, seat_ids: list[int] | None = None, policy: Any = POLICY) -> dict[int, SeatVerdict]:
        with self.database.reading() as connection:
            return {one.seat_id: one for one in verdicts(connection, policy, self.products[key], TODAY, seat_ids)}

    @contextmanager
    def counting(self) -> Iterator[list[str]]:
        seen: list[str] = []

        def listen(_c: Any, _u: Any, statement: str, *_rest: Any) -> None:
            seen.append(statement)

        event.listen(self.database.engine, "before_cursor_execute", listen)
        try:
            yield seen
        finally:
            event.remove(self.database.engine, "before_cursor_execute", listen)
