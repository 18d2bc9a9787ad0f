"""Every setting is explained to people: a sentence in the code, a row in the README, a line in .env.example."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from dotenv import dotenv_values

from bot.settings import Settings, load

ROOT = Path(__file__).resolve().parents[2]
NAMES = {one.metadata["env"] for one in fields(Settings)}
DEFAULTS = {one.metadata["env"]: str(one.default) for one in fields(Settings)}


def readme_rows() -> dict[str, str]:
    """Setting -> sentence, from the table under "Settings"."""
    section = (ROOT / "README.md").read_text().split("\n## Settings\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `([A-Z0-9_]+)` \| [^|]+ \| ([^|]+) \|$", section, re.M))


def test_every_setting_says_what_it_is() -> None:
    assert all(one.metadata["help"].strip() for one in fields(Settings))


def test_the_readme_explains_every_setting_and_no_other() -> None:
    rows = readme_rows()
    assert set(rows) == NAMES
    assert all(sentence.strip().endswith(".") for sentence in rows.values())


def test_the_example_lists_every_setting_with_a_comment() -> None:
    text = (ROOT / ".env.example").read_text()
    assert set(dotenv_values(ROOT / ".env.example")) == NAMES
    bare = [name for name in NAMES if not re.search(rf"^# .+\n{name}=", text, re.M)]
    assert not bare


def test_the_example_shows_the_defaults_and_holds_no_secret() -> None:
    values = dotenv_values(ROOT / ".env.example")
    odd = {name: value for name, value in values.items() if value not in {"", DEFAULTS[name]}}
    assert not odd
    secrets = {one.metadata["env"] for one in fields(Settings) if one.metadata["secret"]} - {"DATABASE_URL"}
    assert not [name for name in secrets if values[name]]


def test_the_example_works_once_it_has_a_key(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.touch()
    filled = load({"SECRET_KEY": "example-key-" * 4, "POLICY_FILE": str(policy)}, ROOT / ".env.example")
    assert filled.public_url == "http://127.0.0.1:8080"
    assert not (filled.slack_on or filled.graph_on or filled.servicenow_on)


def test_secrets_are_not_shown_when_settings_are_printed(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.touch()
    key = "example-key-" * 4
    assert key not in repr(load({"SECRET_KEY": key, "POLICY_FILE": str(policy)}, None))
