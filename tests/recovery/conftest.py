"""One program that forks the service's processes, per test process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.recovery.service_forks import Forks


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    made = Forks()
    yield made
    made.close()
