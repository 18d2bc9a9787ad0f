"""Inventories, scans, presses, tickets and clock jumps in any order: one alert per cause, none lost, none flapping.

The workflows are the real ones, on SQLite. What must be there is told by an oracle of a few dictionaries that knows
only which device reports what, through which source.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select, update

from model.alerts import AlertPlace, AlertState, InventorySource, RedAlert, SourceState
from model.contracts import Entitlement
from model.events import Event
from model.inventory import Installation, Title
from model.licences import Granting, Product, Publisher
from model.people import Device, Role
from model.requests import Card
from model.session import UnitOfWork
from model.tickets import Ticket, TicketPurpose
from tests.property.request_machine_office import Office
from workflows import inventory_sources, ticket_outcomes
from workflows.alerts import acting, looks
from workflows.alerts.acting import Answer, Grant
from workflows.alerts.red_alert import head
from workflows.cards import CardKind
from workflows.refusals import Refusal

UNBOUGHT, TIGHT, BANNED = "cad", "paint", "dropbox"
BOUGHT = 1
SEEN, WATCHED = "ocs", "intune"
PRODUCTS = st.sampled_from([UNBOUGHT, TIGHT, BANNED])
DEVICES = st.integers(0, 3)
PLACED = st.tuples(DEVICES, PRODUCTS, st.sampled_from([SEEN, SEEN, WATCHED]))
OWNERS = ("ana", "kai", "ben", "chitra")
BANS = "not_allowed: [{rule: 5, name: dropbox, because: customer data}]\nalerts: {new_an_hour_at_most: 1}\n"
IT = frozenset({Role.IT, Role.LICENCE_MANAGER})


class Alerts(RuleBasedStateMachine):
    """One office, four devices, two sources: one accepted, one watched only."""

    @initialize()
    def open(self) -> None:
        self.office = Office(BANS)
        self.has: dict[tuple[int, str], str] = {}  # device and product -> source
        self.adopted: set[tuple[int, str]] = set()
        self.short_adopted = 0
        self.accepted = False
        self.short_runs: list[bool] = []  # what complete runs said
        self.closed: dict[int, object] = {}
        self.tolerated: set[str] = set()  # causes an exception was ever granted for
        self.changes: Counter[str] = Counter()
        self.products: dict[str, int] = {}
        self.titles: dict[str, int] = {}
        self.devices: list[int] = []
        with self.office.database.unit_of_work() as work:
            now = self.office.now
            publisher = Publisher(name="Drawing makers")
            work.session.add(publisher)
            work.session.flush()
            for key in (UNBOUGHT, TIGHT, BANNED):
                paid = "free" if key == BANNED else "paid"
                product = Product(
                    publisher_id=publisher.id, name=key.title(), key=key, granting=Granting.OWNER_TASK,
                    licence_model=paid, metric="device",
                )  # fmt: skip
                work.session.add(product)
                work.session.flush()
                title = Title(raw_title=key, kind="product", product_id=product.id, first_seen_at=now, recorded_at=now)
                work.session.add(title)
                work.session.flush()
                self.products[key], self.titles[key] = product.id, title.id
            work.session.add(
                Entitlement(
                    product_id=self.products[TIGHT], metric="device", kind="perpetual", quantity=BOUGHT,
                    starts_on=date(2020, 1, 1), recorded_at=now,
                )
            )  # fmt: skip
            for name, state in ((SEEN, SourceState.ACCEPTED), (WATCHED, SourceState.OBSERVE)):
                work.session.add(InventorySource(name=name, state=state, since=now, accepted_counts={}))
            for number, owner in enumerate(OWNERS):
                device = Device(
                    identity=f"d{number}", name=f"d{number}", person_id=self.office.staff[owner], software_at=now,
                    last_seen_at=now, first_seen_at=now,
                )  # fmt: skip
                work.session.add(device)
                work.session.flush()
                self.devices.append(device.id)
            work.commit()

    def teardown(self) -> None:
        if hasattr(self, "office"):
            self.office.close()

    # -- helpers -------------------------------------------------------------------------------------------------------

    def do(self, act: Callable[[UnitOfWork], object]) -> bool:
        """One transaction; a refusal changes nothing."""
        try:
            with self.office.database.unit_of_work() as work:
                act(work)
                work.commit()
        except Refusal:
            return False
        return True

    def alerts(self) -> list[RedAlert]:
        with self.office.database.unit_of_work() as work:
            return list(work.session.execute(select(RedAlert).order_by(RedAlert.id)).scalars())

    def pick(self, number: int) -> int | None:
        live = [alert.id for alert in self.alerts() if alert.state not in (AlertState.CLOSED, AlertState.WATCHING)]
        return live[number % len(live)] if live else None

    def spoken(self, product: str) -> set[int]:
        """Devices an alert about the product may speak of."""
        return {
            device
            for (device, one), source in self.has.items()
            if one == product and (source == SEEN or self.accepted) and (device, one) not in self.adopted
        }

    def short(self) -> bool:
        """Whether more devices have the tight product than were bought or adopted with the baseline."""
        everywhere = {device for (device, one) in self.has if one == TIGHT}
        hidden = 0 if self.accepted else sum(self.has[device, TIGHT] == WATCHED for device in everywhere)
        return len(everywhere) - BOUGHT - hidden - self.short_adopted > 0

    # -- what devices do -----------------------------------------------------------------------------------------------

    @rule(placed=st.lists(PLACED, min_size=1, max_size=6), looked=st.booleans())
    def install(self, placed: list[tuple[int, str, str]], looked: bool) -> None:
        """An inventory with new software, looked at by a complete run or not yet."""
        for device, product, source in placed:
            if (device, product) in self.has:
                continue
            row = Installation(
                device_id=self.devices[device], title_id=self.titles[product], source=source,
                began_at=self.office.now, recorded_at=self.office.now,
            )  # fmt: skip
            self.do(lambda work, row=row: work.session.add(row))  # type: ignore[misc]  # the row of this turn
            self.has[device, product] = source
        if looked:
            self.look_at_all()

    @rule(product=PRODUCTS)
    def remove_all(self, product: str) -> None:
        """Gone from every device that has it, and a complete run sees it."""
        for device in range(4):
            self.remove(device, product)
        self.look_at_all()

    @rule(device=DEVICES, product=PRODUCTS)
    def remove(self, device: int, product: str) -> None:
        """A full scan does not show it any more."""
        now = self.office.now

        def act(work: UnitOfWork) -> None:
            work.connection.execute(
                update(Installation)
                .where(
                    Installation.device_id == self.devices[device],
                    Installation.title_id == self.titles[product],
                    Installation.ended_at.is_(None),
                )
                .values(ended_at=now, end_recorded_at=now)
            )

        self.do(act)
        self.has.pop((device, product), None)
        self.adopted.discard((device, product))
        self.report(device)

    @rule(device=DEVICES)
    def report(self, device: int) -> None:
        values = {"software_at": self.office.now, "last_seen_at": self.office.now}
        self.do(
            lambda work: work.connection.execute(
                update(Device).where(Device.id == self.devices[device]).values(**values)
            )
        )

    @rule(hours=st.sampled_from([1, 1, 5, 30, 24 * 16, 24 * 40]))
    def later(self, hours: int) -> None:
        self.office.now += timedelta(hours=hours)

    # -- looks ---------------------------------------------------------------------------------------------------------

    @rule(product=PRODUCTS)
    def look_at_one(self, product: str) -> None:
        rules, now = self.office.rules(), self.office.now
        self.do(lambda work: looks.look(work, rules, [self.products[product]], now))
        self.hold(product)

    @rule()
    def look_at_all(self) -> None:
        rules, now = self.office.rules(), self.office.now
        self.short_runs.append(self.short())
        self.do(lambda work: looks.look(work, rules, None, now))
        everywhere = {device for (device, one) in self.has if one == TIGHT}
        self.short_adopted = min(self.short_adopted, max(0, len(everywhere) - BOUGHT))  # worked off
        for product in (UNBOUGHT, BANNED):
            self.hold(product)
        self.hold_short()

    def hold(self, product: str) -> None:
        """None lost and none left over, right after a look; one scan is proof for these."""
        if product == TIGHT:
            return
        live = [one for one in self.alerts() if one.product_id == self.products[product] and one.closed_at is None]
        wanted = self.spoken(product)
        assert len(live) == bool(wanted), (product, [one.state for one in live], wanted)
        for alert in live:
            with self.office.database.reading() as connection:
                places = connection.execute(
                    select(AlertPlace.device_id).where(AlertPlace.alert_id == alert.id, AlertPlace.gone_at.is_(None))
                ).scalars()
                assert set(places) == {self.devices[one] for one in wanted}
                forgotten = select(AlertPlace.id).where(
                    AlertPlace.alert_id == alert.id, AlertPlace.gone_at.is_(None), AlertPlace.asked_at.is_(None)
                )
                if alert.state in (AlertState.OPEN, AlertState.TAKEN) and alert.key not in self.tolerated:
                    assert connection.execute(forgotten).first() is None

    def hold_short(self) -> None:
        """Two complete runs that agree open it, two that agree clear it, and nothing else moves it."""
        expected = False
        for before, after in zip([False, *self.short_runs], self.short_runs, strict=False):
            if before == after:
                expected = after
        live = [one for one in self.alerts() if one.cause == "shortfall" and one.closed_at is None]
        is_open = [one for one in live if one.state != AlertState.WATCHING]
        assert bool(is_open) is expected, (self.short_runs, [one.state for one in live])

    # -- what people do ------------------------------------------------------------------------------------------------

    @rule(number=st.integers(0, 9), who=st.sampled_from(["eli", "dara"]))
    def take(self, number: int, who: str) -> None:
        alert = self.pick(number)
        if alert is not None:
            rules, by, now = self.office.rules(), self.office.staff[who], self.office.now
            self.do(lambda work: acting.take(work, rules, alert, None, by, IT, now))

    @rule(number=st.integers(0, 9))
    def ask(self, number: int) -> None:
        alert = self.pick(number)
        if alert is not None:
            rules, by, now = self.office.rules(), self.office.staff["eli"], self.office.now
            self.do(lambda work: acting.ask_people(work, rules, alert, None, by, IT, now))

    @rule(number=st.integers(0, 9), said=st.sampled_from([Answer.ASK, Answer.REMOVE, Answer.HAVE]))
    def answer(self, number: int, said: Answer) -> None:
        with self.office.database.reading() as connection:
            asked = connection.execute(
                select(AlertPlace.id, AlertPlace.person_id).where(AlertPlace.asked_at.is_not(None))
            ).all()
        if asked:
            place = asked[number % len(asked)]
            rules, now = self.office.rules(), self.office.now
            self.do(lambda work: acting.answer(work, rules, place.id, place.person_id, said, now))

    @rule(number=st.integers(0, 9), days=st.integers(1, 60))
    def tolerate(self, number: int, days: int) -> None:
        alert = self.pick(number)
        if alert is None:
            return
        rules, by, now = self.office.rules(), self.office.staff["dara"], self.office.now
        grant = Grant("Needed until the new office stands.", by, now.date() + timedelta(days=days))
        self.do(lambda work: acting.grant_exception(work, rules, alert, None, grant, by, IT, now))
        self.tolerated |= {one.key for one in self.alerts() if one.id == alert}

    @rule(really=st.integers(0, 3))
    def accept(self, really: int) -> None:
        if really:
            return  # once, and late in most runs
        by, now = self.office.staff["dara"], self.office.now
        if self.do(lambda work: inventory_sources.accept_baseline(work, self.watched_id(work), by, IT, now)):
            self.accepted = True
            self.adopted |= {place for place, source in self.has.items() if source == WATCHED}
            everywhere = {device for (device, one) in self.has if one == TIGHT}
            self.short_adopted = max(0, len(everywhere) - BOUGHT)

    def watched_id(self, work: UnitOfWork) -> int:
        return work.connection.execute(select(InventorySource.id).where(InventorySource.name == WATCHED)).scalar_one()

    # -- what ServiceNow does ------------------------------------------------------------------------------------------

    @rule(number=st.integers(0, 9), state=st.sampled_from(["open", "complete", "complete", "cancelled", "gone"]))
    def their_record(self, number: int, state: str) -> None:
        """A poll tells what became of a record."""
        with self.office.database.reading() as connection:
            tickets = connection.execute(select(Ticket.id).where(Ticket.purpose == TicketPurpose.ALERT)).scalars().all()
        if tickets:
            ticket_id, rules, now = tickets[number % len(tickets)], self.office.rules(), self.office.now
            self.do(lambda work: ticket_outcomes.seen(work, rules, ticket_id, ticket_outcomes.Reading(state), now))

    # -- what always holds ---------------------------------------------------------------------------------------------

    @invariant()
    def one_per_cause_and_closed_stays_closed(self) -> None:
        if not hasattr(self, "office"):
            return
        found = self.alerts()
        live = Counter(alert.key for alert in found if alert.state != AlertState.CLOSED)
        assert all(count == 1 for count in live.values()), live
        for alert in found:
            if alert.id in self.closed:
                assert alert.state == AlertState.CLOSED and alert.closed_at == self.closed[alert.id]
            elif alert.state == AlertState.CLOSED:
                self.closed[alert.id] = alert.closed_at
                assert alert.closed_at is not None

    @invariant()
    def nothing_is_sent_of_what_is_watched_only(self) -> None:
        if not hasattr(self, "office") or self.accepted:
            return
        with self.office.database.reading() as connection:
            spoken = set(connection.execute(select(AlertPlace.device_id, RedAlert.product_id).join(RedAlert)).tuples())
            ever = set(
                connection.execute(
                    select(Installation.device_id, Title.product_id)
                    .join(Title, Title.id == Installation.title_id)
                    .where(Installation.source == SEEN)
                ).tuples()
            )
        assert spoken <= ever

    @invariant()
    def a_question_is_put_to_its_person_once(self) -> None:
        """How many messages that makes on a day is told when they are sent (`quiet`)."""
        if not hasattr(self, "office"):
            return
        with self.office.database.reading() as connection:
            cards = connection.execute(select(Card.audience, Card.facts).where(Card.kind == CardKind.FOUND)).all()
            owners = connection.execute(select(AlertPlace.id, AlertPlace.person_id)).all()
        asked = Counter((place, card.audience) for card in cards for place in card.facts["places"])
        assert all(count == 1 for count in asked.values()), asked
        assert set(asked) <= {(place, f"person:{person}") for place, person in owners}

    @invariant()
    def every_alert_has_its_message_and_its_record(self) -> None:
        if not hasattr(self, "office"):
            return
        with self.office.database.unit_of_work() as work:
            tickets = Counter(
                work.connection.execute(select(Ticket.alert_id).where(Ticket.purpose == TicketPurpose.ALERT)).scalars()
            )
            cards = work.connection.execute(
                select(Card.kind, Card.subject_id, Card.facts).where(Card.kind.in_([CardKind.ALERT, CardKind.ALERTS]))
            ).all()
            shown = {card.subject_id for card in cards if card.kind == CardKind.ALERT}
            shown |= {one for card in cards for one in (card.facts or {}).get("alerts", ())}
            for alert in work.session.execute(select(RedAlert)).scalars():
                if alert.state in (AlertState.OPEN, AlertState.TAKEN, AlertState.AWAITING_SCAN):
                    assert alert.id in shown
                    assert tickets[head(alert)] == 1
                last = work.connection.execute(
                    select(Event.facts)
                    .where(Event.subject == f"alert:{alert.id}", Event.tag.like("alert:%"))
                    .order_by(Event.id.desc())
                    .limit(1)
                ).scalar()
                assert last is not None
                assert json.loads(last).get("to", alert.state) == alert.state


Alerts.TestCase.settings = settings(
    max_examples=int(os.environ.get("MACHINE_EXAMPLES", "15")),
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)
TestAlerts = Alerts.TestCase
