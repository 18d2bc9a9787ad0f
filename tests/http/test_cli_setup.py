"""An operator's first steps from the command line, as processes of their own beside a running office."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import func, select

from model.contracts import Entitlement
from model.events import Event, Tag
from model.licences import Product, Sku
from model.people import Person, Role, RoleGrant
from tests.recovery.service_forks import Forks
from tests.whole import COPILOT, Whole, directory_id, email, whole

ROOT = Path(__file__).resolve().parents[2]


class Ended(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Whole]:
    folder = tmp_path_factory.mktemp("office")
    (folder / "seatkeeper.db").write_bytes(migrated_file.read_bytes())
    with whole(folder, f"sqlite:///{folder / 'seatkeeper.db'}") as made:
        yield made


@pytest.fixture
def seatkeeper(office: Whole, forks: Forks, tmp_path: Path) -> Callable[..., Ended]:
    """`python -m bot` with these words: a fork of a process that has imported everything."""

    def run(*words: str) -> Ended:
        said, errors = tmp_path / "said", tmp_path / "errors"
        process = forks.start([*words], environment_of(office), ROOT, said, errors=errors)
        return Ended(process.wait(60), said.read_text(encoding="utf-8"), errors.read_text(encoding="utf-8"))

    return run


def environment_of(office: Whole) -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | office.environment


def test_the_program_as_it_is_started_lists_the_roles(office: Whole) -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "bot", "role", "list"], cwd=ROOT, env=environment_of(office), capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert listed.returncode == 0, listed.stderr
    assert "Fatima Haddad <fatima@lumenfjord.example>: finance" in listed.stdout


def test_a_role_is_given_listed_and_ended_with_its_events(office: Whole, seatkeeper: Callable[..., Ended]) -> None:
    given = seatkeeper("role", "give", email("kai"), "security")
    assert (given.returncode, given.stdout) == (0, "kai@lumenfjord.example is security now.\n"), given.stderr
    again = seatkeeper("role", "give", email("kai"), "security")
    assert "already" in again.stdout
    assert "Kai Moreno <kai@lumenfjord.example>: security" in seatkeeper("role", "list").stdout
    ended = seatkeeper("role", "end", email("kai"), "security")
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


def test_a_role_for_nobody_says_what_to_do(office: Whole, seatkeeper: Callable[..., Ended]) -> None:
    refused = seatkeeper("role", "give", "nobody@lumenfjord.example", "it")
    assert refused.returncode == 1
    assert "seatkeeper sync people" in refused.stderr and len(refused.stderr.splitlines()) == 1


def test_a_product_is_registered_with_its_purchase(office: Whole, seatkeeper: Callable[..., Ended]) -> None:
    added = seatkeeper(
        "product", "add", "--key", "figma", "--name", "Figma", "--publisher", "Figma",
        "--owner", email("chitra"), "--seats", "12", "--price", "180.00USD",
        "--from", "2026-06-01", "--until", "2027-05-31",
    )  # fmt: skip
    assert added.returncode == 0, added.stderr
    assert "figma: Figma, given by owner_task, looked after by Chitra Rao" in seatkeeper("product", "list").stdout
    with office.database.reading() as connection:
        row = connection.execute(
            select(Entitlement.quantity, Entitlement.unit_price, Entitlement.currency)
            .join(Product, Product.id == Entitlement.product_id)
            .where(Product.key == "figma")
        ).one()
    assert (row.quantity, str(row.unit_price), row.currency) == (12, "180", "USD")
    twice = seatkeeper("product", "add", "--key", "figma", "--name", "Figma")
    assert twice.returncode == 1 and "in the register already" in twice.stderr
    incomplete = seatkeeper("product", "add", "--key", "x", "--name", "X", "--granting", "graph_direct")
    assert incomplete.returncode == 1 and "--sku-id" in incomplete.stderr


def test_people_and_counts_are_read_now(office: Whole, seatkeeper: Callable[..., Ended]) -> None:
    with office.work() as work:
        kai = work.session.get_one(Person, office.staff["kai"])
        kai.job_title = "Unknown to the directory"
    read = seatkeeper("sync", "people")
    assert read.returncode == 0, read.stderr
    assert "seen 11" in read.stdout
    office.graph.directory.add_sku(COPILOT, 9)
    figures = seatkeeper("sync", "figures")
    assert figures.returncode == 0, figures.stderr
    accounts = seatkeeper("sync", "accounts")
    assert accounts.returncode == 0 and "seen 11" in accounts.stdout, accounts.stderr
    with office.database.reading() as connection:
        assert connection.execute(select(Sku.enabled).where(Sku.sku_id == COPILOT)).scalar() == 9
        assert connection.execute(select(Person.job_title).where(Person.id == office.staff["kai"])).scalar() == ""


def test_microsoft_365_is_read_now_and_says_what_it_could_not_read(
    office: Whole, seatkeeper: Callable[..., Ended]
) -> None:
    read = seatkeeper("sync", "m365", "--full")
    assert read.returncode == 0, read.stderr
    assert "seen 11" in read.stdout and "added 0" in read.stdout
    assert "sign in: no permission." in read.stdout and "AuditLog.Read.All" in read.stdout
    assert "teams: no permission." in read.stdout and "Reports.Read.All" in read.stdout
    office.graph.directory.change_user(directory_id("kai"), jobTitle="Pilot")
    changes = seatkeeper("sync", "m365")
    assert changes.returncode == 0 and "seen 1" in changes.stdout, changes.stderr
    matches = seatkeeper("matches", "list")
    assert (matches.returncode, matches.stdout) == (0, "No match waits for an answer.\n")
    assert seatkeeper("matches", "same", "99", "--by", email("eli")).returncode == 1
