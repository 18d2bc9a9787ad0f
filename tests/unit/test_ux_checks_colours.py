"""Check 27 of the wording guide: the colours of both style sheets, measured as WCAG 2.2 measures them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHEETS = {"demo page": ROOT / "sandbox/static/base.css", "link and status pages": ROOT / "web/static/seatkeeper.css"}
TEXT, GRAPHIC = 4.5, 3.0
#: Sheet: foreground, background, ratio wanted (1.4.3 for text, 1.4.11 for borders and rings).
PAIRS = {
    "demo page": [
        *((text, ground, TEXT) for text in ("text", "muted", "accent") for ground in ("page", "panel", "raised")),
        ("on-accent", "accent", TEXT), ("on-accent", "accent-press", TEXT), ("text", "tint", TEXT),
        ("text", "hover", TEXT), ("muted", "tint", TEXT), ("short", "raised", TEXT), ("short", "short-fill", TEXT),
        ("near", "near-fill", TEXT), ("fine", "fine-fill", TEXT), ("unknown", "unknown-fill", TEXT),
        ("control", "raised", GRAPHIC), ("control", "page", GRAPHIC), ("ring", "page", GRAPHIC),
        ("ring", "panel", GRAPHIC),
    ],
    "link and status pages": [
        *((text, ground, TEXT) for text in ("text", "muted", "link") for ground in ("ground", "panel")),
        ("on-main", "main", TEXT), ("bad", "bad-ground", TEXT), ("bad", "ground", TEXT), ("fine", "fine-ground", TEXT),
        ("line", "ground", GRAPHIC), ("focus", "ground", GRAPHIC), ("main", "ground", GRAPHIC),
    ],
}  # fmt: skip


def tokens(sheet: str, *, dark: bool) -> dict[str, str]:
    """The colour tokens of a sheet in light, or with the dark ones over them."""
    light, _, rest = sheet.partition("prefers-color-scheme: dark")
    found = dict(re.findall(r"--([\w-]+):\s*(#[0-9a-fA-F]{6})\b", light))
    return found | dict(re.findall(r"--([\w-]+):\s*(#[0-9a-fA-F]{6})\b", rest)) if dark else found


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_27_the_measure_is_the_known_one() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#0B4FA3", "#FFFFFF") == pytest.approx(7.9, abs=0.05), "as the guide computed it"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", SHEETS)
def test_27_every_pair_of_colours_is_readable(name: str, dark: bool) -> None:
    found = tokens(SHEETS[name].read_text(encoding="utf-8"), dark=dark)
    for front, back, wanted in PAIRS[name]:
        ratio = contrast(found[front], found[back])
        assert ratio >= wanted, f"{front} on {back}: {ratio:.2f}, wanted {wanted}"


@pytest.mark.parametrize("name", SHEETS)
def test_27_every_token_has_a_dark_form_and_forced_colours_are_thought_of(name: str) -> None:
    sheet = SHEETS[name].read_text(encoding="utf-8")
    dark = sheet.partition("prefers-color-scheme: dark")[2].partition("\n}")[0]
    for token in tokens(sheet, dark=False):
        assert f"--{token}:" in dark, token
    beside = "\n".join(one.read_text(encoding="utf-8") for one in SHEETS[name].parent.glob("*.css"))
    assert "forced-colors: active" in beside
