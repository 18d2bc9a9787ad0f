"""An import on PostgreSQL: rows, versions and events as on SQLite, and two operators with the same file at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy.exc import IntegrityError

from model.contracts import Entitlement
from model.inventory import Installation
from model.people import Device
from tests.unit.import_desk import DEVICES, PEOPLE, Desk, desk
from tests.unit.test_import_register import CONTRACTS, ENTITLEMENTS, INSTALLATIONS, PRODUCTS


@pytest.fixture
def register(postgres_url: str) -> Iterator[Desk]:
    with desk(postgres_url) as made:
        yield made


def test_every_file_is_taken_once_and_corrected_with_its_past(register: Desk) -> None:
    files = {
        "people": PEOPLE, "products": PRODUCTS, "contracts": CONTRACTS, "entitlements": ENTITLEMENTS,
        "devices": DEVICES, "installations": INSTALLATIONS,
    }  # fmt: skip
    for kind, text in files.items():
        register.take(kind, text)
    sizes = register.sizes()
    for kind, text in files.items():
        assert not register.take(kind, text).changes, kind
    assert register.sizes() == sizes
    assert register.take("entitlements", ENTITLEMENTS.replace("perpetual,10", "perpetual,12")).counts.changed == 1
    assert register.take("devices", DEVICES.replace(",8,,", ",10,,2026-06-01")).counts.changed == 1
    assert register.rows(Entitlement, "quantity")[0] == (12,)
    assert register.rows(Device, "cores")[0] == (10,)
    assert [row[0] for row in register.superseded()] == ["entitlement", "device"]
    assert len(register.rows(Installation, "id")) == 4


def test_of_two_who_import_the_same_file_at_once_nobody_doubles_a_row(register: Desk) -> None:
    failed: list[Exception] = []

    def take() -> None:
        try:
            register.take("people", PEOPLE)
        except IntegrityError as wrong:
            failed.append(wrong)

    both = [threading.Thread(target=take) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert register.sizes()["person"] == 3 and len(failed) <= 1
