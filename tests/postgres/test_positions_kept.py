"""Groups that are kept and brought up to date say what counting anew says: after any changes, by several writers."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import astuple, replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, delete, func, insert, select, text, update

from licensing.position.facts import Users
from licensing.position.figure import to_json
from model.contracts import Entitlement, EntitlementRight, Exclusion, SuiteCover
from model.inventory import Installation, PositionRun, Title, UsageSignal
from model.kept import PositionChange, PositionKept
from model.licences import Seat, Sku
from model.people import Device, Person
from model.session import Database, UnitOfWork, make_engine
from model.usage import SeatUse
from tests.positions_town import NOW, VERSIONS, Town, settle
from workflows.positions import keep, kept, nightly
from workflows.positions.compute import positions
from workflows.positions.gather import facts
from workflows.positions.times import Times

TODAY = Times.today(NOW)
DAY = timedelta(days=1)


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    made = Database(make_engine(postgres_url))
    yield made
    made.dispose()


def buy(database: Database, town: Town) -> None:
    """By person with a second use, by device or core and version, and by person at sites; a suite covers the first."""
    metrics = ("named_user", "device", "core", "site")
    with database.unit_of_work() as work:
        for number, product_id in enumerate(town.product_ids):
            bought = Entitlement(
                product_id=product_id,
                metric=metrics[number],
                quantity=4,
                version="10" if metrics[number] in ("device", "core") else "",
                sites=["Lyon"] if metrics[number] == "site" else [],
                starts_on=date(2026, 1, 1),
                recorded_at=NOW - 320 * DAY,
            )
            work.session.add(bought)
            work.session.flush()
            if metrics[number] == "named_user":
                work.session.add(
                    EntitlementRight(entitlement_id=bought.id, name="second_use", evidence="clause 4", recorded_at=NOW)
                )
        work.session.add(
            SuiteCover(
                suite_product_id=town.product_ids[3],
                part_product_id=town.product_ids[0],
                source="our agreement",
                recorded_at=NOW - 320 * DAY,
            )
        )
        work.commit()


def judge(database: Database, town: Town, dice: random.Random) -> None:
    """Of half of the seats it is said how they are used, of some too long ago."""
    with database.unit_of_work() as work:
        for seat in work.connection.execute(select(Seat).where(Seat.ended_at.is_(None))):
            if dice.random() < 0.5:
                row = {"seat_id": seat.id, "product_id": seat.product_id, "sku_id": seat.sku_id}
                row |= {"person_id": seat.person_id, "verdict": dice.choice(["active", "idle", "idle", "unknown"])}
                row |= {"rule": "test", "idle_days": 60, "taken": False}
                row |= {"judged_on": NOW.date() - dice.choice([0, 0, 9]) * DAY}
                work.connection.execute(insert(SeatUse), row)
        work.commit()


def use_of(connection: Connection, product_id: int) -> dict[Any, Any]:
    """Who uses it, group by group, whatever the order."""
    found: dict[Any, Any] = {}
    for subject, known in facts(connection, TODAY, [product_id]):
        groups: Counter[Any] = Counter()
        users: list[Any] = [*known.users, *known.servers]
        for one in users:
            kind: Any = replace(one, count=0)
            if isinstance(kind, Users):
                kind = replace(kind, devices=tuple(sorted(kind.devices, key=astuple)))
            groups[kind] += one.count
        found[subject.key] = dict(groups), {metric: count for metric, count in known.excluded.items() if count}
    return found


class Beside:
    """Asks each product twice, from what is kept and from the rows alone; counts how often the first way was gone."""

    def __init__(self, town: Town, patch: pytest.MonkeyPatch) -> None:
        self.town, self.patch, self.answers = town, patch, 0
        self.moved = 0
        real, real_moved = kept.users_since, kept._moved
        patch.setattr(kept, "FEW_CHANGES", kept.MOST_CHANGES)  # else companies this small would be counted each time

        def watched(*given: Any) -> Any:
            found = real(*given)
            self.answers += found is not None
            return found

        def moved(*given: Any) -> Any:
            self.moved += 1
            return real_moved(*given)

        patch.setattr(kept, "users_since", watched)
        patch.setattr(kept, "_moved", moved)

    def agree(self, connection: Connection, note: object = "") -> None:
        for product_id in self.town.product_ids:
            quick = use_of(connection, product_id)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(kept, "applies", lambda *_: False)
                assert quick == use_of(connection, product_id), note


# -- everything that can happen to the rows ----------------------------------------------------------------------------


class Changes:
    """Single changes of a random company, drawn by weight; each writes rows as the workflows do."""

    def __init__(self, town: Town, dice: random.Random) -> None:
        self.town, self.dice, self.made = town, dice, 0
        self.devices = [one.id for one in town.devices]
        self.people = [one.id for one in town.people]
        self.titles = [one.id for one in town.titles]

    def one(self, work: UnitOfWork, *, rare: bool = True) -> str:
        often = [
            self.install, self.install, self.remove, self.remove, self.owner, self.state, self.facts,
            self.leave, self.give, self.give, self.take, self.machine, self.end_moved, self.sentence,
        ]  # fmt: skip
        seldom = [self.named_anew, self.exclude, self.signal, self.merge, self.forget]
        change = self.dice.choice(often + seldom if rare else often)
        self.made += 1
        change(work)
        return change.__name__

    def install(self, work: UnitOfWork) -> None:
        """One to three rows, some of which end later than today."""
        for _ in range(self.dice.choice([1, 1, 3])):
            self._installed(work, self.dice.choice(self.devices), self.dice.choice(self.titles))

    def _installed(self, work: UnitOfWork, device_id: int, title_id: int) -> None:
        version = self.dice.choice(VERSIONS)
        same = (Installation.device_id == device_id, Installation.title_id == title_id, Installation.version == version)
        if work.connection.execute(select(Installation.id).where(*same, Installation.ended_at.is_(None))).first():
            return
        row = {"device_id": device_id, "title_id": title_id, "version": version, "source": "test"}
        row |= {"began_at": NOW - DAY, "recorded_at": NOW, "ended_at": self.dice.choice([None, None, NOW + DAY])}
        work.connection.execute(insert(Installation), row)

    def remove(self, work: UnitOfWork) -> None:
        device_id = self.dice.choice(self.devices)
        gone = update(Installation).where(Installation.device_id == device_id, Installation.ended_at.is_(None))
        if self.dice.random() < 0.6:
            gone = gone.where(Installation.title_id == self.dice.choice(self.titles))
        work.connection.execute(gone.values(ended_at=NOW - DAY, end_recorded_at=NOW))

    def end_moved(self, work: UnitOfWork) -> None:
        rows = update(Installation).where(
            Installation.device_id == self.dice.choice(self.devices), Installation.ended_at.is_not(None)
        )
        work.connection.execute(rows.values(ended_at=NOW + self.dice.choice([-2, 3]) * DAY))

    def owner(self, work: UnitOfWork) -> None:
        self._device(work, person_id=self.dice.choice([None, *self.people]))

    def state(self, work: UnitOfWork) -> None:
        retired = self.dice.choice([None, NOW.date(), NOW.date() + DAY])
        self._device(work, state=self.dice.choice(["live", "stale", "retired"]), retired_on=retired)

    def facts(self, work: UnitOfWork) -> None:
        self._device(
            work,
            kind=self.dice.choice(["portable", "server", "virtual"]),
            site=self.dice.choice(["", "Lyon", "LYON", "London"]),
            cores=self.dice.choice([None, 4, 12]),
        )

    def _device(self, work: UnitOfWork, **values: Any) -> None:
        work.connection.execute(update(Device).where(Device.id == self.dice.choice(self.devices)).values(**values))

    def leave(self, work: UnitOfWork) -> None:
        chosen = update(Person).where(Person.id == self.dice.choice(self.people))
        leaves_on = self.dice.choice([None, NOW.date() - DAY, NOW.date()])
        work.connection.execute(chosen.values(leaves_on=leaves_on, active=self.dice.random() < 0.7))

    def give(self, work: UnitOfWork) -> None:
        person_id, product_id = self.dice.choice(self.people), self.dice.choice(self.town.product_ids)
        sku_id = work.connection.execute(select(Sku.id).where(Sku.product_id == product_id)).scalar_one()
        self.made += 1
        row = {"person_id": person_id, "product_id": product_id, "sku_id": sku_id, "path": f"group:{self.made}"}
        if not work.connection.execute(select(Seat.id).where(Seat.path == row["path"])).first():
            work.connection.execute(insert(Seat), row | {"began_at": NOW - DAY, "recorded_at": NOW})

    def take(self, work: UnitOfWork) -> None:
        held = update(Seat).where(Seat.person_id == self.dice.choice(self.people), Seat.ended_at.is_(None))
        ended_at = self.dice.choice([NOW - timedelta(hours=12), NOW + DAY])
        work.connection.execute(held.values(ended_at=ended_at, end_recorded_at=NOW))

    def machine(self, work: UnitOfWork) -> None:
        """A device reports for the first time, and in some companies is known no more a moment later."""
        row: dict[str, Any] = {
            "identity": f"new{self.made}-{self.dice.random()}",
            "name": "New",
            "state": "live",
            "fields": {},
        }
        row |= {"person_id": self.dice.choice([None, *self.people])}
        device_id = work.connection.execute(insert(Device).values(**row).returning(Device.id)).scalar_one()
        for title_id in self.dice.sample(self.titles, 3):
            self._installed(work, device_id, title_id)
        self.devices = [*self.devices, device_id]

    def sentence(self, work: UnitOfWork) -> None:
        """What no position depends on."""
        self._device(work, last_seen_at=NOW, tag=str(self.dice.random()))

    def named_anew(self, work: UnitOfWork) -> None:
        chosen = update(Title).where(Title.id == self.dice.choice(self.titles))
        product_id = self.dice.choice([None, *self.town.product_ids])
        work.connection.execute(
            chosen.values(product_id=product_id, candidate_id=None if product_id else self.town.product_ids[0])
        )

    def exclude(self, work: UnitOfWork) -> None:
        row = {"reference": f"y{self.made}-{self.dice.random()}", "product_id": self.dice.choice(self.town.product_ids)}
        row |= {"device_id": self.dice.choice(self.devices), "right": "test", "evidence": "clause 5"}
        row |= {"starts_on": date(2026, 1, 1), "ends_on": date(2027, 1, 1), "recorded_at": NOW}
        work.connection.execute(insert(Exclusion), row)

    def signal(self, work: UnitOfWork) -> None:
        row: dict[str, Any] = {
            "product_id": self.dice.choice(self.town.product_ids),
            "person_id": self.dice.choice(self.people),
        }
        row |= {"kind": f"n{self.dice.random()}"[:20], "day": NOW.date(), "recorded_at": NOW}
        work.connection.execute(insert(UsageSignal), row)

    def merge(self, work: UnitOfWork) -> None:
        """What ended on one device is another's history now."""
        gone, into = self.dice.sample(self.devices, 2)
        rows = update(Installation).where(Installation.device_id == gone, Installation.ended_at.is_not(None))
        work.connection.execute(rows.values(device_id=into))

    def forget(self, work: UnitOfWork) -> None:
        """Rows that were written in error."""
        work.connection.execute(delete(Installation).where(Installation.device_id == self.dice.choice(self.devices)))
        person_id = self.dice.choice(self.people)
        for table in (SeatUse, Seat):
            work.connection.execute(delete(table).where(table.person_id == person_id))


@pytest.mark.parametrize("seed", range(6))
def test_what_is_kept_says_what_counting_anew_says_after_any_changes(
    database: Database, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = settle(database, seed)
    buy(database, town)
    dice = random.Random(seed)
    if seed % 2:
        judge(database, town, dice)
    changes, beside = Changes(town, dice), Beside(town, monkeypatch)
    keep.keep(database, NOW)
    for number in range(30):
        names = []
        with database.unit_of_work() as work:
            names += [changes.one(work, rare=number % 10 == 9) for _ in range(dice.choice([1, 1, 2, 5]))]
            work.commit()
        if number % 10 == 9 or dice.random() < 0.1:
            keep.refresh(database, NOW)
        with database.reading() as connection:
            beside.agree(connection, (number, names))
    assert beside.answers > 100 and beside.moved > 50


def test_a_question_inside_a_transaction_sees_what_it_wrote(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = settle(database, 7)
    buy(database, town)
    changes, beside = Changes(town, random.Random(7)), Beside(town, monkeypatch)
    keep.keep(database, NOW)
    with database.unit_of_work() as work:
        for _ in range(12):
            changes.one(work, rare=False)
            beside.agree(work.connection)
    with database.reading() as connection:  # undone
        beside.agree(connection)
    assert beside.moved


# -- several at once ---------------------------------------------------------------------------------------------------


def test_two_devices_of_one_person_lose_a_product_at_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each writer sees the other device have it still; the person counts no more when both are done."""
    town = settle(database, 1)
    product_id, title_id, person_id = town.product_ids[0], town.titles[0].id, town.people[0].id
    first, second = town.devices[0].id, town.devices[1].id
    with database.unit_of_work() as work:
        for table in (Seat, Exclusion, UsageSignal, Installation):
            work.connection.execute(delete(table))
        work.connection.execute(update(Title).values(product_id=None, candidate_id=None))
        work.connection.execute(update(Title).where(Title.id == title_id).values(product_id=product_id))
        own = update(Device).where(Device.id.in_([first, second]))
        work.connection.execute(own.values(person_id=person_id, state="live"))
        row = {"title_id": title_id, "version": "", "source": "test", "began_at": NOW - DAY, "recorded_at": NOW}
        work.connection.execute(insert(Installation), [row | {"device_id": one} for one in (first, second)])
        work.commit()
    buy(database, town)
    keep.keep(database, NOW)
    beside = Beside(town, monkeypatch)

    def gone(work: UnitOfWork, device_id: int) -> None:
        rows = update(Installation).where(Installation.device_id == device_id)
        work.connection.execute(rows.values(ended_at=NOW - DAY))

    with database.unit_of_work() as one, database.unit_of_work() as other:
        gone(one, first)
        gone(other, second)  # neither waits for the other
        with database.reading() as connection:
            beside.agree(connection)
            assert consumed(connection, product_id) == 1
        with database.unit_of_work() as third:  # begun last and done first: what is older is not therefore seen
            third.connection.execute(update(Device).where(Device.id == town.devices[5].id).values(state="stale"))
            third.commit()
        keep.keep(database, NOW)  # a count that sees neither
        one.commit()
        with database.reading() as connection:
            beside.agree(connection)
            assert consumed(connection, product_id) == 1
        other.commit()
    with database.reading() as connection:
        beside.agree(connection)
        assert consumed(connection, product_id) == 0
    assert beside.moved


def consumed(connection: Connection, product_id: int) -> int:
    return sum(int(one.position.consumed or 0) for one in positions(connection, TODAY, [product_id]))


@pytest.mark.parametrize("seed", range(2))
def test_many_writers_while_it_is_counted_anew(database: Database, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four writers, one that counts anew again and again, and one that asks; afterwards both ways agree."""
    town = settle(database, 20 + seed)
    buy(database, town)
    beside = Beside(town, monkeypatch)
    keep.keep(database, NOW)
    wrong: list[Exception] = []
    done = threading.Event()

    def writer(number: int) -> None:
        changes = Changes(town, random.Random(100 * seed + number))
        changes.made = 10_000 * (number + 1)
        share = len(changes.devices) // 4
        changes.devices = changes.devices[number * share : (number + 1) * share]  # people and products are shared
        changes.people = changes.people if number == 0 else changes.people[:5]
        for _ in range(25):
            with database.unit_of_work() as work:
                for _ in range(changes.dice.choice([1, 2])):
                    if changes.one(work, rare=False) in ("leave", "take"):
                        break  # one such row a transaction: two that take them in another order would wait in a ring
                work.commit()

    def keeper() -> None:
        while not done.is_set():
            keep.keep(database, NOW)

    def asker() -> None:
        while not done.is_set():
            with database.reading() as connection:
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                beside.agree(connection)

    def watched(act: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                act()
            except Exception as error:  # noqa: BLE001  what another thread found wrong must not go by unheard
                wrong.append(error)
                done.set()

        return run

    writers = [threading.Thread(target=watched(lambda n=number: writer(n))) for number in range(4)]  # type: ignore[misc]
    others = [threading.Thread(target=watched(act)) for act in (keeper, asker)]
    for thread in [*writers, *others]:
        thread.start()
    for thread in writers:
        thread.join(60)
    done.set()
    for thread in others:
        thread.join(60)
    assert not wrong, wrong
    with database.reading() as connection:
        beside.agree(connection)
    assert beside.answers and beside.moved


# -- when it does not hold ---------------------------------------------------------------------------------------------


def test_what_is_kept_holds_for_one_day_one_server_and_one_question(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = settle(database, 3)
    buy(database, town)
    keep.keep(database, NOW)
    beside = Beside(town, monkeypatch)

    def answered(times: Times = TODAY) -> int:
        before = beside.answers
        with database.reading() as connection:
            for product_id in town.product_ids:
                list(facts(connection, times, [product_id]))
        return beside.answers - before

    assert answered() == len(town.product_ids)
    assert answered(Times.today(NOW + DAY)) == 0
    assert answered(Times(NOW.date() - DAY, NOW, NOW)) == 0
    with database.unit_of_work() as work:
        rows = update(Entitlement).where(Entitlement.product_id == town.product_ids[1])
        work.connection.execute(rows.values(version=""))
        work.commit()
    assert answered() == len(town.product_ids) - 1  # bought otherwise, so asked otherwise
    with database.unit_of_work() as work:
        work.connection.execute(update(PositionKept).values(cluster="another"))
        work.commit()
    assert answered() == 0
    assert keep.refresh(database, NOW) == len(town.product_ids)
    assert answered() == len(town.product_ids)


def test_rows_by_the_thousand_are_counted_anew_and_then_kept(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = settle(database, 4)
    buy(database, town)
    keep.refresh(database, NOW)
    beside = Beside(town, monkeypatch)
    title = next(one for one in town.titles if one.product_id)
    with database.unit_of_work() as work:
        work.connection.execute(
            text(
                "INSERT INTO installation (device_id, title_id, version, source, began_at, recorded_at, authorised_by) "
                "SELECT :device, :title, 'v' || n, 'test', :began, :began, 'nothing' FROM generate_series(1, 1001) n"
            ),
            {"device": town.devices[0].id, "title": title.id, "began": NOW - DAY},
        )
        work.commit()
    with database.reading() as connection:
        (told,) = connection.execute(select(PositionChange.what, PositionChange.title_id)).all()
        assert tuple(told) == ("all", title.id)
        beside.agree(connection)
    answers = beside.answers
    assert keep.refresh(database, NOW) >= 1
    with database.reading() as connection:
        beside.agree(connection)
    assert beside.answers - answers == len(town.product_ids)
    keep.keep(database, NOW)
    assert keep.refresh(database, NOW) == 0
    with database.reading() as connection:  # every count has seen what was told
        assert connection.execute(select(func.count()).select_from(PositionChange)).scalar_one() == 0


def test_a_product_of_few_users_is_counted_rather_than_its_many_changes(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = settle(database, 8)
    buy(database, town)
    keep.keep(database, NOW)
    beside = Beside(town, monkeypatch)
    monkeypatch.setattr(kept, "FEW_CHANGES", 3)
    asked = []
    for number in range(5):
        with database.unit_of_work() as work:
            device = update(Device).where(Device.id == town.devices[number].id)
            work.connection.execute(device.values(site=f"Site {number}"))
            work.commit()
        before = beside.answers
        with database.reading() as connection:
            beside.agree(connection)
        asked.append(beside.answers - before)
    assert asked == [len(town.product_ids)] * 3 + [0, 0]


def test_the_night_finds_a_kept_group_that_is_wrong(database: Database) -> None:
    """Whatever puts it wrong: here somebody writes into the table by hand."""
    town = settle(database, 5)
    buy(database, town)
    keep.keep(database, NOW)
    assert nightly.count(database, NOW).differ == ()
    with database.unit_of_work() as work:
        chosen = work.session.get_one(
            PositionKept,
            work.connection.execute(
                select(PositionKept.product_id, PositionKept.question).where(
                    PositionKept.product_id == town.product_ids[0]
                )
            ).one(),
        )
        chosen.groups = [[count + 50, *kind] for count, *kind in chosen.groups]
        work.commit()
    night = nightly.count(database, NOW)
    assert night.differ == ("Product 0",)
    with database.reading() as connection:
        words = connection.execute(select(PositionRun.words).order_by(PositionRun.id)).scalars().all()
        assert ["Product 0" in one for one in words] == [False, True]
    assert nightly.count(database, NOW).differ == ()  # and keeps what it counted itself


def test_positions_from_what_is_kept_are_those_of_the_full_count(database: Database) -> None:
    """To the cent: every exported figure."""
    town = settle(database, 6)
    buy(database, town)
    keep.keep(database, NOW)
    changes = Changes(town, random.Random(6))
    for _ in range(10):
        with database.unit_of_work() as work:
            changes.one(work, rare=False)
            work.commit()
    with database.reading() as connection:
        whole = [to_json(one.position) for one in positions(connection, TODAY)]
        alone = [to_json(one.position) for one in positions(connection, TODAY, town.product_ids)]
    assert whole == alone


def test_sqlite_keeps_nothing(sqlite_url: str) -> None:
    database = Database(make_engine(sqlite_url))
    town = settle(database, 0)
    buy(database, town)
    assert keep.refresh(database, NOW) == 0
    keep.keep(database, NOW)
    with database.reading() as connection:
        assert not connection.execute(select(PositionKept.product_id)).all()
        assert not connection.execute(select(PositionChange.id)).all()
    database.dispose()
