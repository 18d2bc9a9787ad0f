"""An operator's first steps from the command line, as processes of their own beside a running office."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from model.contracts import Entitlement
from model.events import Event, Tag
from model.licences import Product, Sku
from model.people import Person, Role, RoleGrant
from tests.whole import COPILOT, Whole, directory_id, email, whole

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Whole]:
    folder = tmp_path_factory.mktemp("office")
    (folder / "seatkeeper.db").write_bytes(migrated_file.read_bytes())
    with whole(folder, f"sqlite:///{folder / 'seatkeeper.db'}") as made:
        yield made


def seatkeeper(office: Whole, *words: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "bot", *words],
        cwd=ROOT,
        env=kept | office.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_role_is_given_listed_and_ended_with_its_events(office: Whole) -> None:
    given = seatkeeper(office, "role", "give", email("kai"), "security")
    assert (given.returncode, given.stdout) == (0, "kai@lumenfjord.example is security now.\n"), given.stderr
    again = seatkeeper(office, "role", "give", email("kai"), "security")
    assert "already" in again.stdout
    assert "Kai Moreno <kai@lumenfjord.example>: security" in seatkeeper(office, "role", "list").stdout
    ended = seatkeeper(office, "role", "end", email("kai"), "security")
    assert ended.returncode == 0
    with office.database.reading() as connection:
        open_grants = connection.execute(
            select(func.count()).where(RoleGrant.role == Role.SECURITY, RoleGrant.ended_at.is_(None))
        ).scalar_one()
        tags = list(
            connection.execute(
                select(Event.tag).where(Event.tag.in_([Tag.ROLE_GRANTED, Tag.ROLE_ENDED])).order_by(Event.id)
            ).scalars()
        )
    assert open_grants == 0
    assert tags == [Tag.ROLE_GRANTED, Tag.ROLE_ENDED]


def test_a_role_for_nobody_says_what_to_do(office: Whole) -> None:
    refused = seatkeeper(office, "role", "give", "nobody@lumenfjord.example", "it")
    assert refused.returncode == 1
    assert "seatkeeper sync people" in refused.stderr and len(refused.stderr.splitlines()) == 1


def test_a_product_is_registered_with_its_purchase(office: Whole) -> None:
    added = seatkeeper(
        office, "product", "add", "--key", "figma", "--name", "Figma", "--publisher", "Figma",
        "--owner", email("chitra"), "--seats", "12", "--price", "180.00USD",
        "--from", "2026-06-01", "--until", "2027-05-31",
    )  # fmt: skip
    assert added.returncode == 0, added.stderr
    assert (
        "figma: Figma, given by owner_task, looked after by Chitra Rao" in seatkeeper(office, "product", "list").stdout
    )
    with office.database.reading() as connection:
        row = connection.execute(
            select(Entitlement.quantity, Entitlement.unit_price, Entitlement.currency)
            .join(Product, Product.id == Entitlement.product_id)
            .where(Product.key == "figma")
        ).one()
    assert (row.quantity, str(row.unit_price), row.currency) == (12, "180", "USD")
    twice = seatkeeper(office, "product", "add", "--key", "figma", "--name", "Figma")
    assert twice.returncode == 1 and "in the register already" in twice.stderr
    incomplete = seatkeeper(office, "product", "add", "--key", "x", "--name", "X", "--granting", "graph_direct")
    assert incomplete.returncode == 1 and "--sku-id" in incomplete.stderr


def test_people_and_counts_are_read_now(office: Whole) -> None:
    with office.work() as work:
        kai = work.session.get_one(Person, office.staff["kai"])
        kai.job_title = "Unknown to the directory"
    read = seatkeeper(office, "sync", "people")
    assert read.returncode == 0, read.stderr
    assert "seen 11" in read.stdout
    office.graph.directory.add_sku(COPILOT, 9)
    figures = seatkeeper(office, "sync", "figures")
    assert figures.returncode == 0, figures.stderr
    accounts = seatkeeper(office, "sync", "accounts")
    assert accounts.returncode == 0 and "seen 11" in accounts.stdout, accounts.stderr
    with office.database.reading() as connection:
        assert connection.execute(select(Sku.enabled).where(Sku.sku_id == COPILOT)).scalar() == 9
        assert connection.execute(select(Person.job_title).where(Person.id == office.staff["kai"])).scalar() == ""


def test_microsoft_365_is_read_now_and_says_what_it_could_not_read(office: Whole) -> None:
    read = seatkeeper(office, "sync", "m365", "--full")
    assert read.returncode == 0, read.stderr
    assert "seen 11" in read.stdout and "added 0" in read.stdout
    assert "sign in: no permission." in read.stdout and "AuditLog.Read.All" in read.stdout
    assert "teams: no permission." in read.stdout and "Reports.Read.All" in read.stdout
    office.graph.directory.change_user(directory_id("kai"), jobTitle="Pilot")
    changes = seatkeeper(office, "sync", "m365")
    assert changes.returncode == 0 and "seen 1" in changes.stdout, changes.stderr
    matches = seatkeeper(office, "matches", "list")
    assert (matches.returncode, matches.stdout) == (0, "No match waits for an answer.\n")
    assert seatkeeper(office, "matches", "same", "99", "--by", email("eli")).returncode == 1
