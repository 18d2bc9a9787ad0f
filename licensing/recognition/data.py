"""The data files shipped beside the rules, read as rows."""

from __future__ import annotations

import csv
from importlib import resources


def rows(name: str) -> list[dict[str, str]]:
    """The rows of `licensing/data/<name>`; the first line holds the column names."""
    text = resources.files("licensing").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
