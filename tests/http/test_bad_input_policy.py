"""A policy file that was changed and is wrong: the version in force stays, and the operator reads why."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog

from bot.bootstrap import assemble
from bot.settings import load

KEY = "example-secret-key-of-more-than-32-characters"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"version: 1\napproval: {time_limit_hours: 0}\n", "line 2"),
        (b"version: 1\n# caf\xe9\n", "is not UTF-8 text"),
        (b"version: 1\n\tproducts: {", "line"),
    ],
)
def test_the_old_version_stays_in_force_and_the_log_says_so(
    tmp_path: Path, sqlite_url: str, text: bytes, said: str
) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("version: 1\nlimits: {max_seats: 7}\n", encoding="utf-8")
    environment = {"DATABASE_URL": sqlite_url, "SECRET_KEY": KEY, "POLICY_FILE": str(file)}
    first = assemble(load(environment, dotenv=None))
    version = first.rules().version_id
    first.close()
    file.write_bytes(text)
    with structlog.testing.capture_logs() as lines:
        second = assemble(load(environment, dotenv=None))
    (line,) = [one for one in lines if one["event"] == "policy file"]
    assert said in line["detail"] and "stays in force" in line["detail"]
    assert (second.rules().version_id, second.rules().policy.limits.max_seats) == (version, 7)
    second.close()
