"""The small texts: whole characters, lists, plurals, right-to-left names."""

from datetime import date

import pytest

from licensing.words import and_more, cut, day, first_name, isolate, joined, ordinal, plural, weekday

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


def test_a_short_text_stays_as_it_is() -> None:
    assert cut("Microsoft Copilot", 60) == "Microsoft Copilot"
    assert cut("x" * 60) == "x" * 60


def test_a_long_text_is_cut_with_an_ellipsis_inside_the_limit() -> None:
    assert cut("Wolfeschlegelsteinhausen", 10) == "Wolfeschl…"
    assert len(cut("x" * 500, 60)) == 60
    assert cut("one two three", 5) == "one…"


@pytest.mark.parametrize("room", range(1, 12))
def test_no_cut_goes_through_what_reads_as_one_character(room: int) -> None:
    whole = FAMILY * 3
    shown = cut(whole, room)
    assert len(shown) <= room
    assert len(shown.rstrip("…")) % len(FAMILY) == 0
    accents = cut("e\u0301" * 9, room)
    assert not accents.rstrip("…").endswith("e")


def test_a_cut_to_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        cut("abc", 0)


def test_right_to_left_names_are_isolated_and_others_left_alone() -> None:
    arabic = "محمد عبد الرحمن الفارسي"
    assert isolate(arabic) == f"\u2068{arabic}\u2069"
    assert isolate("Ana Lindqvist") == "Ana Lindqvist"
    assert isolate("佐藤 花子") == "佐藤 花子"
    assert isolate("evil\u202egpj.exe") == "evilgpj.exe"
    assert isolate(isolate(arabic)) == isolate(arabic)


def test_counts_lists_and_days() -> None:
    assert [plural(n, "seat") for n in (0, 1, 2, 1204)] == ["0 seats", "1 seat", "2 seats", "1,204 seats"]
    assert plural(3, "person", "people") == "3 people"
    assert [joined(list("ABC")[:n]) for n in range(4)] == ["", "A", "A and B", "A, B and C"]
    assert joined(["Mia Chen", "Omar Said"], "or") == "Mia Chen or Omar Said"
    assert and_more(list("ABCDE"), 2) == "A, B and 3 more"
    assert and_more(list("AB"), 2) == "A and B"
    assert day(date(2027, 3, 31)) == "31 Mar 2027"
    assert weekday(date(2027, 1, 29)) == "Fri 29 Jan 2027"
    assert [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 102, 111)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Ben Okafor", "Ben"),
        ("佐藤 花子", "佐藤"),
        ("Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh, Maximiliana", "Maximiliana"),
        ("Prince", "Prince"),
        ("", ""),
    ],
)
def test_first_names(name: str, short: str) -> None:
    assert first_name(name) == short
