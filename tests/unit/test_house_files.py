"""The files around the code keep their promises: locks, packaging, ignore rules."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ["requirements-build.lock", "requirements.lock", "requirements-dev.lock"]
PIN = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ]+)(?: ;.*)? \\\n(?P<hashes>(?:    --hash=sha256:[0-9a-f]{64}.*\n)+)",
    re.M,
)


def pins(lock: str) -> dict[str, str]:
    return {canonicalize_name(found["name"]): found["version"] for found in PIN.finditer((ROOT / lock).read_text())}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_host_index_or_path(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert not re.findall(
        r"(?i)https?:|\bfile:/|--index|--extra-index|--find-links|--trusted-host|@ |(?<![\w.])/\w+/", text
    )


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_and_hashes_every_line(lock: str) -> None:
    names = [line for line in (ROOT / lock).read_text().splitlines() if line and line[0] not in " #"]
    assert len(names) == len(pins(lock)) > 0


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements-build.lock", PROJECT["build-system"]["requires"]),
        ("requirements.lock", PROJECT["project"]["dependencies"]),
        ("requirements-dev.lock", PROJECT["project"]["dependencies"]),
        ("requirements-dev.lock", PROJECT["project"]["optional-dependencies"]["dev"]),
        ("requirements-dev.lock", PROJECT["build-system"]["requires"]),
    ],
)
def test_the_locks_fit_what_the_project_asks_for(lock: str, wanted: list[str]) -> None:
    pinned = pins(lock)
    unfit = [
        line
        for line in wanted
        if pinned.get(canonicalize_name(Requirement(line).name), "0") not in Requirement(line).specifier
    ]
    assert not unfit, f"{lock} does not fit pyproject.toml, run `make lock`: {unfit}"


def test_the_locks_agree_with_one_another() -> None:
    everything = pins("requirements-dev.lock")
    for lock in LOCKS:
        assert pins(lock).items() <= everything.items(), lock


def test_every_package_folder_is_shipped() -> None:
    """A folder without `__init__.py` works here and is missed only by an installed copy."""
    patterns = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    holding_code = {path.parent for pattern in patterns for path in ROOT.glob(f"{pattern}/**/*.py")}
    assert len(holding_code) > len(patterns)
    assert not [folder for folder in holding_code if not (folder / "__init__.py").exists()]


def test_secrets_and_data_stay_out_of_the_repository() -> None:
    private = [".env", "seatkeeper.db", "seatkeeper.db-wal", "seatkeeper.db-shm", ".venv/x", "var/x"]
    asked = subprocess.run(["git", "check-ignore", *private], cwd=ROOT, capture_output=True, text=True, check=False)
    assert asked.stdout.split() == private
