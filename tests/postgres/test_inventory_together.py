"""Inventories on both databases: the lists are written by each one's own statement, and deliveries meet at one row."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from model.inventory import Installation, Title
from model.people import Device
from tests.unit.inventory_desk import NOW, PHOTOSHOP, SEVEN_ZIP, VISIO, Desk, desk, report, sample
from workflows.inventory.report import Software
from workflows.inventory.take import Taken

ODD = Software("Ünïcode \"quoted\" 'name' \\ {1,2}", 'a "publisher"', 'v1,"x"\\')


def test_lists_open_and_close_on_both_databases(database_url: str) -> None:
    with desk(database_url) as office:
        device_id = office.take(report(VISIO, PHOTOSHOP, ODD)).device_id
        assert office.open_titles(device_id) == {VISIO.title, PHOTOSHOP.title, ODD.title}
        assert (ODD.version,) in office.rows(Installation, "version")
        taken = office.take(report(SEVEN_ZIP, ODD))
        assert (taken.opened, taken.closed) == (1, 2)
        assert office.open_titles(device_id) == {SEVEN_ZIP.title, ODD.title}
        ended = [one for (one,) in office.rows(Installation, "ended_at") if one is not None]
        assert ended == [office.now] * 2
        [first, second] = office.jobs()
        assert first["products"] and len(second["products"]) >= 2
        full = sample("glpi-agent-1.12-full.json", collected=None)
        assert office.take(full).opened == 90
        assert office.take(full).opened == 0


@pytest.mark.parametrize("same_device", [True, False])
def test_deliveries_that_meet_leave_one_device_and_one_title_each(postgres_url: str, same_device: bool) -> None:
    """Eight at once, in two processes' worth of memory: all are taken, and nothing is there twice."""
    with desk(postgres_url) as office:
        other = Desk(office.database)
        taken: list[Taken] = []
        start = threading.Barrier(8)
        titles = tuple(Software(f"Tool {number} Professional", "Maker Ltd", "1.0") for number in range(20))

        def deliver(number: int) -> None:
            listed = titles if number % 4 < 2 else titles[::-1]
            mine = report(*listed, name="PC-7" if same_device else f"PC-{number}")
            if same_device:
                mine = replace(mine, uuid="4c4c4544-0042-4a10-8053-b4c04f4e3732")
            start.wait(20)
            taken.append((office if number % 2 else other).intake.take(mine, NOW))

        threads = [threading.Thread(target=deliver, args=(number,)) for number in range(8)]
        for one in threads:
            one.start()
        for one in threads:
            one.join(60)
        devices = 1 if same_device else 8
        assert len(taken) == 8 and len({one.device_id for one in taken}) == devices
        with office.database.reading() as connection:
            counts = {
                table: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (Device, Title, Installation)
            }
        assert counts == {Device: devices, Title: 20, Installation: 20 * devices}
