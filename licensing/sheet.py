"""What is written into the cells of a CSV, which people open with a spreadsheet program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def no_formula(text: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe in front keeps it text. A plain number stays one."""
    number = text[1:].replace(".", "", 1).isdecimal()
    return f"'{text}" if text.startswith(FORMULA_STARTS) and not (number and text[0] in "+-") else text


def as_cell(value: object, part: Callable[[Any], str] = str) -> str:
    """Nothing for None, yes or no, sums by currency, the parts of a list, anything else as it reads."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "; ".join(f"{amount} {currency}" for currency, amount in value.items())
    if isinstance(value, list):
        return no_formula("; ".join(part(one) for one in value))
    return no_formula(str(value))
