"""A random small company for tests of positions: seats, devices, titles, versions, exclusions, signals, corrections."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from model.contracts import Exclusion, Superseded
from model.inventory import Installation, Title, UsageSignal
from model.licences import Granting, Product, Publisher, Seat, Sku
from model.people import Device, Person
from model.session import Database

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
IDLE = 60
VERSIONS = ["", "9.1", "10.0", "10.2"]


@dataclass
class Town:
    """The rows of one random company, as they were written."""

    people: list[Person] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)
    titles: list[Title] = field(default_factory=list)
    seats: list[Seat] = field(default_factory=list)
    installations: list[Installation] = field(default_factory=list)
    exclusions: list[Exclusion] = field(default_factory=list)
    signals: list[UsageSignal] = field(default_factory=list)
    before: list[Superseded] = field(default_factory=list)
    product_ids: list[int] = field(default_factory=list)


def settle(database: Database, seed: int) -> Town:
    """Write a random company."""
    dice = random.Random(seed)
    town = Town()

    def some_time(back: int = 300) -> datetime:
        return NOW - timedelta(days=dice.randrange(back), hours=dice.randrange(24))

    with database.unit_of_work() as work:
        publisher = Publisher(name="Example Software")
        work.session.add(publisher)
        work.session.flush()
        products = [
            Product(publisher_id=publisher.id, name=f"Product {n}", key=f"p{n}", granting=Granting.OWNER_TASK)
            for n in range(4)
        ]
        work.session.add_all(products)
        work.session.flush()
        town.product_ids = [one.id for one in products]
        skus = [Sku(product_id=one.id, part_number=one.key) for one in products]
        work.session.add_all(skus)
        town.people = [
            Person(
                email=f"p{n}@example.com",
                name=f"P{n}",
                leaves_on=dice.choice([None, None, date(2026, 11, 22), date(2026, 11, 23), date(2026, 6, 1)]),
                active=dice.random() < 0.9,
            )
            for n in range(7)
        ]
        work.session.add_all(town.people)
        work.session.flush()
        town.devices = [
            Device(
                identity=f"d{n}",
                name=f"D{n}",
                kind=dice.choice(["portable", "desktop", "server", "virtual"]),
                site=dice.choice(["", "Lyon", "London"]),
                person_id=dice.choice([None, *(one.id for one in town.people)]),
                state=dice.choice(["live", "live", "live", "stale", "retired"]),
                retired_on=None,
                processors=dice.choice([None, 1, 2]),
                cores=dice.choice([None, 4, 12]),
                recorded_at=some_time(),
            )
            for n in range(14)
        ]
        for device in town.devices:
            if device.state == "retired":
                device.retired_on = dice.choice([date(2026, 11, 23), date(2026, 11, 24), date(2026, 7, 1)])
        work.session.add_all(town.devices)
        work.session.flush()
        town.titles = [
            Title(
                raw_title=f"T{n}",
                kind="product",
                product_id=chosen,
                candidate_id=None if chosen else dice.choice(town.product_ids),
                first_seen_at=NOW,
                recorded_at=some_time(),
            )
            for n in range(9)
            for chosen in [dice.choice([None, *town.product_ids])]
        ]
        work.session.add_all(town.titles)
        work.session.flush()
        for device in town.devices:
            for title in dice.sample(town.titles, 4):
                for version in dice.sample(VERSIONS, dice.choice([1, 1, 2])):
                    began, ended = some_time(), dice.choice([None, None, some_time(200), NOW + timedelta(days=9)])
                    town.installations.append(
                        Installation(
                            device_id=device.id,
                            title_id=title.id,
                            version=version,
                            source="test",
                            began_at=min(began, ended or began),
                            ended_at=ended,
                            recorded_at=some_time(),
                            end_recorded_at=some_time() if ended else None,
                        )
                    )
        for person in town.people:
            for sku in dice.sample(skus, 2):
                ended = dice.choice([None, None, some_time(100)])
                town.seats.append(
                    Seat(
                        product_id=sku.product_id,
                        sku_id=sku.id,
                        person_id=person.id,
                        began_at=min(some_time(), ended or NOW),
                        ended_at=ended,
                        recorded_at=some_time(),
                        end_recorded_at=some_time() if ended else None,
                    )
                )
        for n in range(5):
            on, whose, site = dice.choice(
                [
                    (dice.choice(town.devices).id, None, ""),
                    (None, dice.choice(town.people).id, ""),
                    (None, None, "Lyon"),
                ]
            )
            town.exclusions.append(
                Exclusion(
                    reference=f"x{n}",
                    product_id=dice.choice(town.product_ids),
                    device_id=on,
                    person_id=whose,
                    site=site,
                    right="test",
                    evidence="clause 3",
                    starts_on=date(2026, 1, 1),
                    ends_on=dice.choice([date(2026, 11, 23), date(2026, 11, 22), date(2027, 1, 1)]),
                    recorded_at=some_time(),
                )
            )
        for n in range(12):
            on, whose = dice.choice([(dice.choice(town.devices).id, None), (None, dice.choice(town.people).id)])
            town.signals.append(
                UsageSignal(
                    product_id=dice.choice(town.product_ids),
                    person_id=whose,
                    device_id=on,
                    kind=f"k{n}",
                    day=NOW.date() - timedelta(days=dice.choice([0, 59, 60, 61, 200])),
                    recorded_at=some_time(),
                )
            )
        for device in dice.sample(town.devices, 4):
            facts = {
                "person_id": dice.choice([None, town.people[0].id]),
                "kind": "portable",
                "state": "live",
                "site": "Lyon",
                "retired_on": None,
                "processors": 2,
                "cores": None,
            }
            since = NOW.date() - timedelta(days=dice.randrange(100))
            town.before.append(
                Superseded(
                    table_name="device",
                    row_id=device.id,
                    facts=facts,
                    recorded_at=NOW - timedelta(days=301),
                    superseded_at=device.recorded_at,
                    effective_from=dice.choice([None, date(2026, 1, 1)]),
                    effective_until=dice.choice([None, since]),
                )
            )
        for title in dice.sample(town.titles, 3):
            town.before.append(
                Superseded(
                    table_name="title",
                    row_id=title.id,
                    facts={"product_id": dice.choice([None, *town.product_ids]), "candidate_id": town.product_ids[0]},
                    recorded_at=NOW - timedelta(days=301),
                    superseded_at=title.recorded_at,
                    effective_from=None,
                    effective_until=None,
                )
            )
        for rows in (town.installations, town.seats, town.exclusions, town.signals, town.before):
            work.session.add_all(rows)
        work.commit()
    return town
