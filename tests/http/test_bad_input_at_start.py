"""The program that does not start: which setting, why, and what to put. Real processes, as an operator runs them."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
KEY = {"SECRET_KEY": "example-secret-key-of-more-than-32-characters"}


def serve(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """`python -m bot serve` in an empty folder, with these settings and nothing else."""
    (folder / "policy.yaml").write_bytes((HOUSE / "policy.yaml").read_bytes())
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(HOUSE), "PORT": "18998"}
    return subprocess.run(
        [sys.executable, "-m", "bot", "serve"],
        cwd=folder,
        env=environment | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, ("SECRET_KEY must have at least 32 characters", "secrets.token_urlsafe")),
        (KEY | {"PORT": "eighty"}, ("PORT must be a whole number", "'eighty'")),
        (KEY | {"SLACK_BOT_TOKEN": "xoxb-example"}, ("SLACK_SIGNING_SECRET is missing", "Basic Information")),
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
    tmp_path: Path, settings: dict[str, str], said: tuple[str, ...]
) -> None:
    ended = serve(tmp_path, **settings)
    assert ended.returncode in (1, 2), ended
    for words in said:
        assert words in ended.stderr
    assert "Traceback" not in ended.stderr and "hunter-example" not in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("shopping: milk\n" * 100, encoding="utf-8")
    ended = serve(tmp_path, **KEY, DATABASE_URL=f"sqlite:///{tmp_path}/notes.db")
    assert ended.returncode == 1 and "DATABASE_URL: the database cannot be opened" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"version: 1\nfoo: 3\n", "policy-1.yaml, line 2: *foo* is not a setting here"),
        (b"version: 1\n# caf\xe9\n", "policy-1.yaml is not UTF-8 text"),
    ],
)
def test_a_first_policy_with_an_error_stops_it_with_its_line(tmp_path: Path, text: bytes, said: str) -> None:
    (tmp_path / "policy-1.yaml").write_bytes(text)
    ended = serve(tmp_path, **KEY, POLICY_FILE="policy-1.yaml")
    assert ended.returncode == 1 and said in ended.stderr
    assert "Traceback" not in ended.stderr
    with sqlite3.connect(tmp_path / "var" / "seatkeeper.db") as database:
        assert database.execute("SELECT count(*) FROM policy_version").fetchone() == (0,)
    database.close()
