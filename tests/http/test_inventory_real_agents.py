"""The agents of Debian's packages, unmodified, deliver to the running service: their server setting is all there is.

They end with 0 whatever happens, so what counts is what the service stored. Each has its own files in the test's
folder and talks to the loopback address only.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.bootstrap import Service, assemble
from bot.serve import Running
from bot.settings import load
from model.alerts import InventorySource
from model.events import Event
from model.inventory import Installation, Title
from model.people import Device
from tests.http.real_agents import fusion, run
from workflows.register.history import table_of

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "example-token-of-the-agents"


@dataclass
class Place:
    """The running service."""

    service: Service
    url: str

    def device(self) -> dict[str, Any]:
        """The one device there is."""
        with self.service.database.reading() as connection:
            return dict(connection.execute(select(table_of(Device))).mappings().one())

    def titles(self) -> dict[str, str]:
        """What is installed now, with its publisher."""
        with self.service.database.reading() as connection:
            rows = connection.execute(
                select(Title.raw_title, Title.raw_publisher)
                .join(Installation, Installation.title_id == Title.id)
                .where(Installation.ended_at.is_(None))
            )
            return {row.raw_title: row.raw_publisher for row in rows}

    def told(self) -> tuple[list[str], list[str]]:
        """Sources, and tags of events about inventories."""
        with self.service.database.reading() as connection:
            names = list(connection.execute(select(InventorySource.name)).scalars())
            tags = connection.execute(select(Event.tag).where(Event.tag.like("inventory:%"))).scalars()
            return names, list(tags)


@pytest.fixture
def place(sqlite_url: str) -> Iterator[Place]:
    settings = load(
        {
            "DATABASE_URL": sqlite_url,
            "SECRET_KEY": "example-secret-key-of-more-than-32-characters",
            "POLICY_FILE": str(ROOT / "policy.yaml"),
            "INVENTORY_TOKEN": TOKEN,
        },
        dotenv=None,
    )
    service = assemble(replace(settings, port=0))
    running = Running(service, work=False).start()
    try:
        yield Place(service, f"http://127.0.0.1:{running.port}")
    finally:
        running.stop()


def dpkg() -> set[str]:
    """Packages that are installed here, as the system says itself."""
    listed = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n"], capture_output=True, text=True, check=True
    )
    return {
        name for status, name in (line.split(" ", 1) for line in listed.stdout.splitlines()) if status == "installed"
    }


def test_an_unmodified_fusion_agent_signs_in_and_delivers(fusion_agent: str, place: Place, tmp_path: Path) -> None:
    server = f"{place.url}/inventory/plugins/fusioninventory/"
    said = fusion(fusion_agent, tmp_path, server, "--user=agent", f"--password={TOKEN}")
    device = place.device()
    assert device["agent"].startswith("FusionInventory-Agent"), said
    assert device["cores"] and device["system"]
    assert set(place.titles()) == dpkg()
    assert place.told() == (["fusioninventory"], ["inventory:report:taken"])
    again = fusion(fusion_agent, tmp_path, f"{place.url}/inventory/{TOKEN}", "--no-category=software")
    assert place.device()["id"] == device["id"], again
    assert set(place.titles()) == dpkg()  # a run that does not list software removes nothing


def test_an_agent_with_a_wrong_password_stores_nothing(fusion_agent: str, place: Place, tmp_path: Path) -> None:
    server = f"{place.url}/inventory"
    fusion(fusion_agent, tmp_path, server, "--user=agent", "--password=wrong", "--no-category=software")
    with place.service.database.reading() as connection:
        assert connection.execute(select(Device.id)).all() == []


def test_an_unmodified_ocs_agent_delivers_and_reads_our_answer(ocs_agent: str, place: Place, tmp_path: Path) -> None:
    server = f"{place.url}/inventory/{TOKEN}/ocsinventory"
    said = run(
        ocs_agent, "--nolocal", f"--server={server}", f"--basevardir={tmp_path}", "--debug", "--tag=SITE-A", "--wait=0",
        folder=tmp_path,
    )  # fmt: skip
    device = place.device()
    assert (device["agent"].partition("_")[0], device["tag"]) == ("OCS-NG", "SITE-A"), said
    assert "Deflating problem" not in said
    titles = place.titles()
    assert set(titles) == dpkg()
    assert set(titles.values()) == {"Debian"} or set(titles.values()) == {"Ubuntu"}
