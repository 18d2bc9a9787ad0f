"""Whatever is imported in whatever order, what was known when comes out the same, and nothing is ever half imported."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from model.contracts import Entitlement, Superseded
from model.people import Device
from tests.unit.import_desk import Desk, desk
from workflows.register.entries import RegisterRefused

FIRST = date(2026, 1, 1)
#: Months after the first in which something was learned, and what.
LEARNED = st.dictionaries(st.integers(0, 9), st.integers(1, 4), min_size=1, max_size=5)
#: The same, each month something else: "still the same" leaves no row, so a later file cannot contradict around it.
DIFFERENT = st.sets(st.integers(0, 9), min_size=1, max_size=5).map(lambda months: {at: at + 1 for at in months})
NUMBERS = count()


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Desk]:
    path = tmp_path_factory.mktemp("import") / "seatkeeper.db"
    path.write_bytes(migrated_file.read_bytes())
    with desk(f"sqlite:///{path}") as made:
        made.take("products", "name\nVisio")
        yield made


def instant(month: int) -> datetime:
    return datetime.combine(FIRST + timedelta(days=30 * month), datetime.min.time(), UTC)


def quantity_known(register: Desk, reference: str, when: datetime) -> int | None:
    with register.database.reading() as connection:
        row = connection.execute(
            select(Entitlement.id, Entitlement.quantity, Entitlement.recorded_at).where(
                Entitlement.reference == reference
            )
        ).one()
        earlier = connection.execute(
            select(Superseded.facts, Superseded.recorded_at, Superseded.superseded_at).where(
                Superseded.table_name == "entitlement", Superseded.row_id == row.id
            )
        ).all()
    found = [(one.recorded_at, one.facts["quantity"]) for one in earlier if one.recorded_at <= when < one.superseded_at]
    found += [(row.recorded_at, row.quantity)] if row.recorded_at <= when else []
    return int(max(found)[1]) if found else None


@settings(max_examples=40, deadline=None)
@given(st.one_of(st.tuples(LEARNED, st.just(True)), st.tuples(DIFFERENT, st.booleans())), st.randoms())
def test_what_was_known_when_does_not_hang_on_the_order(
    register: Desk, history: tuple[dict[int, int], bool], dice: Random
) -> None:
    learned, whole = history
    reference = f"P-{next(NUMBERS)}"
    head = "reference,product,metric,quantity,starts_on,recorded_at"
    rows = [f"{reference},Visio,user,{what},2026-01-01,{instant(month)}" for month, what in learned.items()]
    dice.shuffle(rows)
    files = ["\n".join([head, *rows])] if whole else [f"{head}\n{row}" for row in rows]
    for text in files:
        register.take("entitlements", text)
    for month in range(10):
        then = [at for at in learned if at <= month]
        assert quantity_known(register, reference, instant(month)) == (learned[max(then)] if then else None)
    sizes = register.sizes()
    for text in files:
        assert not register.take("entitlements", text).changes
    assert register.sizes() == sizes


def site_of(register: Desk, identity: str, on: date) -> str | None:
    """As known at the end: the version recorded last among those whose days hold this one."""
    with register.database.reading() as connection:
        row = connection.execute(
            select(Device.id, Device.site, Device.facts_since, Device.recorded_at).where(Device.identity == identity)
        ).one()
        changes = connection.execute(
            select(Superseded.facts, Superseded.recorded_at, Superseded.effective_from, Superseded.effective_until)
            .where(Superseded.table_name == "device", Superseded.row_id == row.id)
            .order_by(Superseded.id)
        ).all()
    found = [
        (one.recorded_at, one.facts["site"])
        for one in changes
        if one.effective_until is not None and one.effective_from <= on < one.effective_until
    ]
    if row.facts_since <= on:
        found.append((row.recorded_at, row.site))
    return max(found, key=lambda pair: pair[0])[1] if found else None


@settings(max_examples=40, deadline=None)
@given(DIFFERENT, st.randoms())
def test_where_a_device_stood_does_not_hang_on_the_order(register: Desk, stood: dict[int, int], dice: Random) -> None:
    identity = f"L{next(NUMBERS)}"
    rows = [f"{identity},laptop,Site {what},{instant(month).date()}" for month, what in stood.items()]
    dice.shuffle(rows)
    for row in rows:
        register.take("devices", f"identity,kind,site,since\n{row}")
    for month in range(10):
        then = [at for at in stood if at <= month]
        expected = f"Site {stood[max(then)]}" if then else None
        assert site_of(register, identity, instant(month).date()) == expected
    for row in rows:
        assert not register.take("devices", f"identity,kind,site,since\n{row}").changes


GOOD, BAD = "Visio,user,3,2026-01-01,", ("Visio,user,x,2026-01-01,", "Visio,user,3,2026-01-01,C-404", "New one,,3,,")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([GOOD, *BAD]), min_size=1, max_size=8))
def test_a_file_is_taken_whole_or_not_at_all(register: Desk, rows: list[str]) -> None:
    text = "\n".join(["product,metric,quantity,starts_on,contract", *rows])
    before = register.sizes()
    if set(rows) == {GOOD}:
        outcome = register.take("entitlements", text)
        assert register.sizes()["entitlement"] == before["entitlement"] + outcome.counts.new
        return
    with pytest.raises(RegisterRefused):
        register.take("entitlements", text)
    assert register.sizes() == before
