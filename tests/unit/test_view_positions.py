"""Answers about what is bought and used, and the windows to settle names: limits, words, and sums never added."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.views import names as name_views
from bot.views import positions as views
from bot.views.answers import no_such_product
from bot.views.text import Message
from licensing.money import Money, Sums
from licensing.position.changes import Explanation, Ground, Step
from licensing.position.facts import Metric, Source
from licensing.position.figure import VersionLine
from sandbox.blocks import validate_options, validate_view
from sandbox.blocks_text import buttons, render_text
from tests.unit.message_checks import check, labels, shown
from tests.unit.view_facts import NOW, ORDINARY, VOICES, Voice
from workflows.reads.names import Offered, Unsettled
from workflows.reads.positions import Detail, Overview, Standing
from workflows.titles_settled import As, Settled

Json = dict[str, Any]
D = Decimal
SOURCES = (
    Source("the licence register", NOW),
    Source("Microsoft 365", NOW - timedelta(hours=3)),
    Source("devices"),
)


def euros(amount: str) -> Sums:
    return Sums.of([Money(D(amount), "EUR")])


def standing(voice: Voice, number: int = 1, **changes: Any) -> Standing:
    name = voice.product if number == 1 else f"{voice.product} {number}"
    one = Standing(number, name, Metric.NAMED_USER, D(40), D(37), D(3), D(0), D(0), Sums(), Sums())
    return replace(one, **changes)


def found(voice: Voice, rows: int = 2) -> Overview:
    short = [standing(voice, n, in_use=D(44), free=D(0), short=D(4), at_risk=euros("1344")) for n in range(1, rows)]
    dollars = Sums.of([Money(D("1120"), "USD"), None])
    waste = [standing(voice, n + 100, unused=D(12), wasted=dollars, metric=Metric.CORE) for n in range(1, rows)]
    unknown = standing(voice, 99, free=None, short=None, in_use=None, at_risk=None, metric=Metric.CONCURRENT)
    return Overview((*short, *waste, unknown), NOW, SOURCES)


def detail(voice: Voice, **changes: Any) -> Detail:
    one = Detail(
        standing(voice),
        f"40 bought − 45 in use + 5 part of {voice.product} = 0 free",
        (f"40 units bought in 1 purchase: {voice.product}", *(["45 people hold a seat"] * 12)),
        (VersionLine("2019", D(10), D(12), D(0), D(2)), VersionLine("", None, D(1), D(0), D(0))),
        4,
        2,
        SOURCES,
        NOW,
    )
    return replace(one, **changes)


def explained(voice: Voice, **changes: Any) -> Explanation:
    steps = tuple(Step(ground, D(2), D(4), ("person:1",)) for ground in Ground)
    one = Explanation(
        Metric.NAMED_USER, date(2026, 10, 23), NOW.date(), (D(40), D(42)), (D(35), D(39)), steps, D(0), D(0),
        voice.product,
    )  # fmt: skip
    return replace(one, **changes)


def name(voice: Voice, number: int = 1, **changes: Any) -> Unsettled:
    one = Unsettled(number, 7, voice.product, voice.team, voice.product[:100], 240, 260, 12, True, 3, voice.product, 62)
    return replace(one, **changes)


def messages(voice: Voice) -> Iterator[tuple[str, Message]]:
    yield "overview", views.overview(found(voice))
    yield "overview, many", views.overview(found(voice, 40))
    yield "overview, own", views.overview(Overview((), NOW, ()), own=True)
    yield "short", views.rows(found(voice, 40), views.SHORT)
    yield "waste", views.rows(found(voice, 40), views.WASTE)
    yield "product", views.product(voice.product, [detail(voice)], 1)
    yield "product, tiers", views.product(voice.product, [detail(voice, versions=())] * 3, 1)
    yield "product, nothing", views.product(voice.product, [], 1)
    yield "no such product", no_such_product(voice.product, (voice.product, voice.team))


def windows(voice: Voice) -> dict[str, Json]:
    queue = [name(voice, number) for number in range(1, 60)]
    unknown = explained(voice, entitled=(None, D(3)), unexplained_entitled=None)
    return {
        "overview": views.overview_window(found(voice)),
        "short rows": views.rows_window(found(voice, 200), views.SHORT),
        "waste rows": views.rows_window(found(voice, 200), views.WASTE),
        "product": views.product_window(voice.product, [detail(voice)] * 9, 1),
        "why": views.why_form(voice.product, 1, [explained(voice)] * 9, date(2026, 10, 23), NOW.date()),
        "why, unknown": views.why_form(voice.product, 1, [unknown], date(2026, 10, 23), NOW.date()),
        "why, nothing": views.why_form(voice.product, 1, [], date(2026, 10, 23), NOW.date()),
        "names": name_views.names_window(queue, 0),
        "names, last": name_views.names_window(queue, 9),
        "names, none": name_views.names_window([], 0),
        **{
            f"settle, {as_ or 'first'}": name_views.settle_form(name(voice), as_, 1)
            for as_ in (None, *As)
        },
        "settle, bare": name_views.settle_form(
            name(voice, publisher="", reported_version="", guess_id=None, guess=""), None, 0
        ),
    }  # fmt: skip


@pytest.mark.parametrize("voice", VOICES)
def test_every_answer_is_a_good_message(voice: str) -> None:
    for which, message in messages(VOICES[voice]):
        try:
            check(message, most_blocks=40, most_characters=9000, own_words=voice == "ordinary")
        except AssertionError as error:
            raise AssertionError(f"{which}: {error}") from error


@pytest.mark.parametrize("voice", VOICES)
def test_every_window_is_within_slacks_limits_and_mentions_nobody(voice: str) -> None:
    for which, view in windows(VOICES[voice]).items():
        assert validate_view(view) == [], which
        assert len(view["blocks"]) <= 100, which
        rest = [block for block in view["blocks"] if block["type"] != "input"]
        for start in range(0, len(rest), 10):
            part = Message("x", rest[start : start + 10])
            try:
                check(part, most_characters=13_000, own_words=voice == "ordinary")
            except AssertionError as error:
                raise AssertionError(f"{which}: {error}") from error
        heard = [one.get("accessibility_label", label) for _, label, one in buttons(view["blocks"])]
        assert len(heard) == len(set(heard)), which


def test_literal_sentences() -> None:
    said = views.sentence(detail(replace(ORDINARY, product="Copilot")))
    assert said.startswith("Copilot: 40 bought, 37 in use, 3 free, 4 look idle, 2 not known; <!date^")
    one = replace(detail(replace(ORDINARY, product="Copilot")), idle=None, use_unknown=37)
    assert "3 free, use not known: no report of use is connected yet;" in views.sentence(one)
    assert views.short_words(found(ORDINARY, 3)) == (
        "2 products are short, at risk: €2,688.00. For 1 product it is not known."
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"short": D(4), "free": D(0), "in_use": D(44)}, "40 bought, 44 in use, 4 short"),
        ({"short": D(1), "free": D(3)}, "3 free, 1 short"),
        ({"bought": None, "unlimited": True, "free": D(0), "short": D(0)}, "bought without limit, 37 in use, no limit"),
        ({"bought": D(0), "free": D(0)}, "0 bought, 37 in use, 0 free"),
        ({"in_use": None, "free": None, "short": None}, "40 bought, in use not known, free not known"),
        ({"at_least": True}, "at least 37 in use"),
        ({"undecided": 3}, "up to 3 more if names nobody settled are this"),
        ({"not_proven": True}, "40 bought (by the vendor’s figure, no purchase recorded)"),
    ],
)
def test_what_is_not_known_or_without_limit_is_said(changes: Json, words: str) -> None:
    one = replace(detail(ORDINARY), standing=standing(ORDINARY, **changes))
    assert words in views.sentence(one)


def test_currencies_stand_side_by_side_and_what_a_sum_leaves_out_is_said() -> None:
    both = Overview(
        (
            standing(ORDINARY, 1, unused=D(2), wasted=euros("672")),
            standing(ORDINARY, 2, unused=D(1), wasted=Sums.of([Money(D(240), "USD"), None])),
            standing(ORDINARY, 3, short=D(2), at_risk=Sums(unknown=2)),
        ),
        NOW,
        SOURCES,
    )
    assert views.waste_words(both) == (
        "2 products have more than is needed: €672.00 and US$240.00 a year, 1 more unit without a known price."
    )
    assert views.short_words(both) == "1 product is short, at risk: not known, no price is recorded."
    nothing = Overview((standing(ORDINARY, 1, unused=D(5)),), NOW, SOURCES)
    assert views.waste_words(nothing) == (
        "Nothing paid for is known to be unused. 1 product with unused units costs nothing more."
    )
    assert views.short_words(nothing) == "Nothing is short."


def test_the_overview_shows_five_and_a_button_for_the_rest() -> None:
    message = views.overview(found(ORDINARY, 40))
    assert labels(message).count("See it") == 10 and labels(message).count("Show all 39") == 2
    assert "devices: never reported" in shown(message) and "Microsoft 365 <!date" in shown(message)


def test_a_long_answer_has_a_button_for_the_rest() -> None:
    """ "and 24 more" cut the answer off, and nothing said how to see them."""
    short, waste = (views.rows(found(ORDINARY, 40), which) for which in (views.SHORT, views.WASTE))
    for message in (short, waste):
        assert labels(message).count("See it") == 15 and labels(message)[-1] == "Show all 39"
        assert "more" not in shown(message).rpartition("Show all")[2]
    assert "Show all" not in shown(views.rows(found(ORDINARY, 10), views.SHORT))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        # "3 short · 8 in use, 8 bought" and "3 short · 77 in use, bought without limit" contradicted themselves
        ({"in_use": D(8), "bought": D(8), "free": D(3), "short": D(3)}, "8 in use, 8 bought, 3 free of other versions"),
        (
            {"in_use": D(77), "bought": None, "unlimited": True, "metric": Metric.SITE, "free": D(0), "short": D(3)},
            "77 in use, bought without limit at the named sites",
        ),
    ],
)
def test_a_row_that_is_short_says_why_its_figures_do_not_seem_so(changes: Json, words: str) -> None:
    assert words in views.row_words(standing(ORDINARY, **changes), views.SHORT)


def test_what_no_step_explains_is_always_shown() -> None:
    for view in (windows(ORDINARY)["why"], windows(ORDINARY)["why, unknown"]):
        assert "*not explained*" in render_text(view["blocks"])
    words = render_text(windows(ORDINARY)["why"]["blocks"])
    assert "Free went from 5 to 3: 4 more in use, 2 more bought." in words and "• *not explained*: 0" in words


def test_names_come_in_pages() -> None:
    first, last = windows(ORDINARY)["names"], windows(ORDINARY)["names, last"]
    assert "*59 software names to settle* · 1 to 15" in render_text(first["blocks"])
    assert "46 to 59" in render_text(last["blocks"]), "a page that is gone is the last there is"
    assert [label for _, label, _ in buttons(first["blocks"])][-1] == "Next"
    assert [label for _, label, _ in buttons(last["blocks"])][-1] == "Previous"


def test_the_form_starts_with_the_best_guess_and_says_how_far_it_reaches() -> None:
    view = name_views.settle_form(name(ORDINARY), None, 0)
    select = next(block["element"] for block in view["blocks"] if block.get("block_id") == "register")
    assert select["initial_option"]["value"] == "3"
    assert "applies to 260 installations" in render_text(view["blocks"])
    assert name_views.settled_words(Settled("Visio 2019", "Visio", 1)) == (
        "*Visio 2019* is Visio now: applies to 1 installation."
    )
    assert name_views.settled_words(Settled("Docker Desktop", "Docker Desktop", 4)) == (
        "*Docker Desktop* is a product of the register now: applies to 4 installations."
    )
    assert "is no product now" in name_views.settled_words(Settled("Driver", "", 2))


def test_options_of_the_register_are_within_limits() -> None:
    for voice in VOICES.values():
        options = name_views.register_options([Offered(n, voice.product, voice.team, "paid") for n in range(100)])
        assert validate_options({"options": options}) == []
