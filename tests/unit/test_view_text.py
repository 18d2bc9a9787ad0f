"""Escaping, cutting and dates: the small tools that keep every message whole."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import grapheme
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ids import Action, Ref
from bot.views import text as t

FAMILY = "👨‍👩‍👧‍👦"


@given(st.text(max_size=200), st.integers(1, 60))
def test_a_cut_keeps_whole_graphemes_and_its_limit(words: str, limit: int) -> None:
    short = t.cut(words, limit)
    assert t.length(short) <= max(limit, 1)
    if short != words:
        assert short.endswith("…")
        kept = short[:-1]
        whole = list(grapheme.graphemes(words))
        assert any("".join(whole[:count]).rstrip() == kept for count in range(len(whole) + 1))


@given(st.text(max_size=200), st.integers(10, 60))
def test_escaped_words_stay_within_the_limit_and_never_break_an_entity(words: str, limit: int) -> None:
    short = t.escape(words, limit)
    assert t.length(short) <= limit
    bare = short.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert not set(bare) & set("&<>")


@given(st.text(max_size=300))
def test_no_text_whatever_can_mention_anybody(words: str) -> None:
    assert "<" not in t.named(words + "<!channel>")
    safe = t.disarmed(words + "<!channel><@U0ANA><https://example.test|x>")
    assert "<!" not in safe
    assert "<@" not in safe


def test_an_emoji_family_is_kept_or_left_out_whole() -> None:
    assert t.cut(FAMILY * 3, 15) == FAMILY + "…"
    assert t.without_pictures(f"{FAMILY} Plan") == "Plan"
    assert t.without_pictures(FAMILY) == FAMILY


def test_a_message_text_is_never_over_its_limit_nor_empty() -> None:
    message = t.Message("&amp;" * 400, [t.section("x")])
    assert t.length(message.text) <= t.TEXT_LIMIT
    assert message.text.endswith("&amp;…")
    with pytest.raises(ValueError, match="needs its text"):
        t.Message("  ", [])


def test_a_right_to_left_name_is_isolated_and_cannot_turn_the_line() -> None:
    assert t.name("محمد الفارسي") == "\u2068محمد الفارسي\u2069"
    assert t.name("Ana \u202eLindqvist\u202c") == "Ana Lindqvist"
    assert t.name("佐藤 花子") == "佐藤 花子"


def test_an_instant_is_a_token_with_a_utc_fallback() -> None:
    at = datetime(2026, 11, 24, 14, 0, tzinfo=timezone(timedelta(hours=1)))
    assert t.instant(at) == "<!date^1795525200^{date_short_pretty} at {time}|Tue 24 Nov 2026, 13:00 UTC>"
    assert int(datetime(2026, 11, 24, 13, tzinfo=UTC).timestamp()) == 1795525200


def test_a_time_before_is_said_in_months() -> None:
    assert t.span(date(2026, 2, 1), date(2026, 5, 30)) == "from Feb to May 2026"
    assert t.span(date(2025, 11, 1), date(2026, 5, 30)) == "from Nov 2025 to May 2026"
    assert t.span(date(2026, 5, 1), date(2026, 5, 30)) == "in May 2026"


def test_a_button_is_told_apart_by_ear_within_the_limits() -> None:
    heard = t.accessibility("Change, then approve", "Microsoft Copilot for Microsoft 365", "Wolfe" * 20)
    assert heard == "Change, then approve Microsoft Copilot for M… for WolfeWolfeWolfeWolfeWol…"
    press = t.button("A label that is far too long", Action.APPROVE, Ref(4, 2), heard=heard * 2)
    assert len(press["text"]["text"]) <= 24
    assert len(press["accessibility_label"]) <= 75
    assert press["value"] == "4.2"


def test_what_was_typed_gives_way_to_what_must_be_heard() -> None:
    said = t.spoken("Ana asks for Copilot.", quote="word " * 500, after=("Decide by Tuesday.",))
    assert t.length(said) <= t.TEXT_LIMIT
    assert said.startswith("Ana asks for Copilot. “word word")
    assert said.endswith("…”. Decide by Tuesday.")


def test_only_web_addresses_become_links() -> None:
    assert t.link("https://admin.example.test/a?b=1&c=2", "the page") == (
        "<https://admin.example.test/a?b=1&amp;c=2|the page>"
    )
    assert t.link("javascript:alert(1)", "the page") == "the page"
    assert t.link("https://x|y", "the page") == "the page"


def test_a_menu_has_two_to_five_entries() -> None:
    with pytest.raises(ValueError, match="two to five"):
        t.overflow(Action.APPROVAL_MORE, {"a": "A"})
