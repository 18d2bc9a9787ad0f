"""Machines, titles, purchases and use of the invented company hold together, and every kind the rules know is there."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from licensing.position.facts import Kind, Metric, Right
from licensing.recognition import Kind as TitleKind
from licensing.recognition import Recogniser, shipped
from sandbox import inventory
from sandbox.company import DATA, EXAMPLE_DAY, Company, load
from sandbox.inventory import Inventory

LABELS = Path(__file__).resolve().parents[2] / "benchmarks" / "data"
COLUMNS = (("raw_title", "raw_publisher"), ("raw_title_a", "raw_publisher_a"), ("raw_title_b", "raw_publisher_b"))


@pytest.fixture(scope="module")
def lumen() -> Company:
    return load()


@pytest.fixture(scope="module")
def machines(lumen: Company) -> Inventory:
    return inventory.load(lumen)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


def test_there_are_eighty_devices_of_every_kind_and_state(machines: Inventory) -> None:
    assert len(machines.machines) == len({one.name for one in machines.machines}) == 80
    kinds = Counter(one.kind for one in machines.machines)
    assert kinds == {"portable": 54, "desktop": 17, "server": 5, "virtual": 4}
    assert Counter(one.state for one in machines.machines) == {"live": 77, "stale": 2, "retired": 1}
    [retired] = [one for one in machines.machines if one.state == "retired"]
    assert retired.retired_on and retired.retired_by


def test_every_device_has_a_person_or_says_why_not(lumen: Company, machines: Inventory) -> None:
    for one in machines.machines:
        assert bool(one.person) != bool(one.no_person), one.name
        assert not one.person or (one.person in lumen.people and one.known in ("intune", "reports", "themselves"))
        assert one.kind not in ("server", "virtual") or not one.person
    second = Counter(one.person for one in machines.machines if one.person and one.state != "retired")
    assert sorted(key for key, devices in second.items() if devices > 1) == [
        "akira", "ben", "chloe", "hanako", "jonas", "rahul", "tariq",
    ]  # fmt: skip
    assert [one.name for one in machines.machines if not one.site] == ["XX-NB-07"]


def test_virtual_machines_have_a_host_and_one_has_no_facts(machines: Inventory) -> None:
    names = {one.name: one for one in machines.machines}
    virtual = [one for one in machines.machines if one.kind == "virtual"]
    assert all(names[one.host].kind == "server" for one in virtual)
    assert [one.name for one in virtual if one.cores is None] == ["LYO-VM-SQL2"]


def test_a_desktop_carries_what_desktops_carry(machines: Inventory) -> None:
    recogniser, kinds = Recogniser(shipped()), Counter[str]()
    for one in machines.machines:
        if one.person and one.state != "retired":
            assert 13 <= len(machines.on(one.name)) <= 30, one.name
    seen = [(one.raw_title, one.raw_publisher, one.version) for one in machines.copies]
    assert len(set(seen)) < len(seen) / 5  # the same few on nearly all of them
    for title in set(seen):
        kinds[recogniser.recognise(*title).kind] += 1
    assert kinds[TitleKind.ASK] >= 10 and kinds[TitleKind.COMPONENT] >= 15 and kinds[TitleKind.UPDATE] >= 1
    there = Counter((one.device, one.raw_title, one.raw_publisher, one.version) for one in machines.copies)
    assert max(there.values()) == 1
    assert {one.device for one in machines.copies} <= {one.name for one in machines.machines}
    assert all(one.until is None or one.since < one.until for one in machines.copies)


def test_every_title_is_a_real_one_and_says_where_it_is_from(machines: Inventory) -> None:
    sources = {(row["raw_title"], row["raw_publisher"]): row for row in rows(DATA / "titles.csv")}
    assert set(sources) == {(one.raw_title, one.raw_publisher) for one in machines.copies}
    known: dict[str, set[tuple[str, str]]] = {}
    for name in {row["list"] for row in sources.values()}:
        listed = rows(LABELS / f"{name}.csv")
        known[name] = {(row[title], row[by]) for row in listed for title, by in COLUMNS if title in row}
    for raw, row in sources.items():
        assert raw in known[row["list"]], raw
        assert row["source"]


def test_purchases_are_of_every_metric_and_kind(lumen: Company, machines: Inventory) -> None:
    bought = machines.purchases
    assert {one.metric for one in bought} == set(Metric)
    assert {one.kind for one in bought} >= {Kind.SUBSCRIPTION, Kind.PERPETUAL, Kind.CONCURRENT, Kind.CONSUMPTION}
    assert {one.currency for one in bought} == {"EUR", "USD"}
    assert {name for one in bought for name, _ in one.rights} == set(Right)
    assert all(evidence for one in bought for _, evidence in one.rights)
    over = {bool(one.maintenance_until and one.maintenance_until < EXAMPLE_DAY) for one in bought if one.maintenance}
    assert over == {True, False}
    assert [one.product for one in bought if one.ends_on and one.ends_on < EXAMPLE_DAY] == ["camtasia"]
    prices = {(one.product, one.price) for one in bought}
    assert len(prices) > len({product for product, _ in prices})  # several purchases of one product, several prices
    assert any(one.cores for one in bought) and any(one.sites for one in bought)
    assert all(one.proof for one in bought) and machines.without_proof <= lumen.products.keys()


def test_keys_name_what_exists(lumen: Company, machines: Inventory) -> None:
    own = {one.key for one in machines.products}
    assert not own & lumen.products.keys()
    known = own | lumen.products.keys()
    numbers = {one.number for one in lumen.contracts} | {one.number for one in machines.papers}
    parts = {tier.part for one in lumen.products.values() for tier in one.tiers}
    names = {one.name for one in machines.machines}
    for bought in machines.purchases:
        assert bought.product in known and bought.of_tier in parts | {""}
        assert bought.contract is None or bought.contract in numbers
    assert {one.product for one in machines.left_out} | {part for _, part, _ in machines.covers} <= known
    assert {suite for suite, _, _ in machines.covers} <= known and all(source for _, _, source in machines.covers)
    for session in machines.sessions:
        assert session.product in own and session.device in names and session.began_at < session.ended_at
        assert not session.person or session.person in lumen.people
    assert {person for _, person, _ in machines.used} | {one.by for one in machines.decisions} <= lumen.people.keys()
    titles = {(one.raw_title, one.raw_publisher) for one in machines.copies}
    assert {(one.raw_title, one.raw_publisher) for one in machines.decisions} <= titles
    assert {one.owner for one in machines.products} | {one.owner for one in machines.papers} <= lumen.people.keys()


def test_on_another_day_everything_has_moved_with_the_company() -> None:
    day = date(2027, 2, 10)
    moved, first = inventory.load(load(day)), inventory.load(load())
    by = day - EXAMPLE_DAY
    assert by == timedelta(days=79)
    for late, early in zip(moved.machines, first.machines, strict=True):
        assert late.last_seen - early.last_seen == by and late.last_seen.date() <= day
    for new, old in zip(moved.purchases, first.purchases, strict=True):
        assert new.starts_on - old.starts_on == by
    assert max(day for _, _, day in moved.used) < day
    assert all(one.at.date() < day for one in moved.decisions)
