"""The program that does not start: which setting, why, and what to put. Real processes, as an operator runs them.

One of them is started as an operator starts it; the others are forks of one that has imported everything.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.recovery.service_forks import Forks

HOUSE = Path(__file__).parents[2]
KEY = {"SECRET_KEY": "example-secret-key-of-more-than-32-characters"}


class Ended(NamedTuple):
    returncode: int
    said: str  # on both outputs


@pytest.fixture
def serve(forks: Forks, tmp_path: Path) -> Callable[..., Ended]:
    """`python -m bot serve` in an empty folder, with these settings and nothing else."""

    def run(**settings: str) -> Ended:
        process = forks.start(["serve"], prepared(tmp_path) | settings, tmp_path, log := tmp_path / "said")
        return Ended(process.wait(60), log.read_text(encoding="utf-8"))

    return run


def prepared(folder: Path) -> dict[str, str]:
    """The folder with a policy in it, and the bare environment."""
    (folder / "policy.yaml").write_bytes((HOUSE / "policy.yaml").read_bytes())
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(HOUSE), "PORT": "18998"}


def test_the_program_as_it_is_started_says_what_is_missing(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "bot", "serve"], cwd=tmp_path, env=prepared(tmp_path), capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode in (1, 2), ended
    assert "SECRET_KEY must have at least 32 characters" in ended.stderr and "secrets.token_urlsafe" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (KEY | {"PORT": "eighty"}, ("PORT must be a whole number", "'eighty'")),
        (KEY | {"SLACK_BOT_TOKEN": "xoxb-example"}, ("SLACK_SIGNING_SECRET is missing", "Basic Information")),
        (
            KEY | {"SLACK_BOT_TOKEN": "xapp-example", "SLACK_APP_TOKEN": "xapp-example"},
            ("SLACK_BOT_TOKEN begins with xapp-", "begins with xoxb- from OAuth & Permissions"),
        ),
        (KEY | {"POLICY_FILE": "nowhere.yaml"}, ("POLICY_FILE names the file 'nowhere.yaml'", "not there")),
        (KEY | {"M365_TENANT_ID": "example", "M365_CLIENT_SECRET": "example"}, ("M365_CLIENT_ID is missing: put",)),
        (KEY | {"SMTP_URL": "mail.example.com"}, ("SMTP_URL must look like smtp://",)),
        (
            KEY
            | {
                "SERVICENOW_URL": "https://example.service-now.com",
                "SERVICENOW_CLIENT_ID": "example",
                "SERVICENOW_USER": "example",
                "SERVICENOW_PASSWORD": "example",
            },
            ("SERVICENOW_CLIENT_ID and SERVICENOW_CLIENT_SECRET belong together",),
        ),
        (
            KEY | {"DATABASE_URL": "postgresql+psycopg://sam:hunter-example@127.0.0.1:1/none"},
            ("DATABASE_URL: the database cannot be opened", "Put an SQLite file of ours"),
        ),
        (KEY | {"DATABASE_URL": "postgresql+psycopg://127.0.0.1:many/none"}, ("DATABASE_URL: the database cannot",)),
    ],
)
def test_a_wrong_setting_stops_it_with_a_sentence(
    serve: Callable[..., Ended], settings: dict[str, str], said: tuple[str, ...]
) -> None:
    ended = serve(**settings)
    assert ended.returncode in (1, 2), ended
    for words in said:
        assert words in ended.said
    assert "Traceback" not in ended.said and "hunter-example" not in ended.said
    assert len(ended.said.strip().splitlines()) == 1


def test_a_file_that_is_no_database_is_said(serve: Callable[..., Ended], tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("shopping: milk\n" * 100, encoding="utf-8")
    ended = serve(**KEY, DATABASE_URL=f"sqlite:///{tmp_path}/notes.db")
    assert ended.returncode == 1 and "DATABASE_URL: the database cannot be opened" in ended.said
    assert "Traceback" not in ended.said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"version: 1\nfoo: 3\n", "policy-1.yaml, line 2: *foo* is not a setting here"),
        (b"version: 1\n# caf\xe9\n", "policy-1.yaml is not UTF-8 text"),
    ],
)
def test_a_first_policy_with_an_error_stops_it_with_its_line(
    serve: Callable[..., Ended], tmp_path: Path, text: bytes, said: str
) -> None:
    (tmp_path / "policy-1.yaml").write_bytes(text)
    ended = serve(**KEY, POLICY_FILE="policy-1.yaml")
    assert ended.returncode == 1 and said in ended.said
    assert "Traceback" not in ended.said
    with sqlite3.connect(tmp_path / "var" / "seatkeeper.db") as database:
        assert database.execute("SELECT count(*) FROM policy_version").fetchone() == (0,)
    database.close()
