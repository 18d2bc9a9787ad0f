"""The stand-in refuses what Slack refuses: each limit of Block Kit, with the pointer to the fault."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.blocks import validate_message, validate_options, validate_view
from sandbox.blocks_text import buttons, render_text

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def section(text: str = "x", **more: Any) -> Json:
    return {"type": "section", "text": mrkdwn(text)} | more


def button(label: str = "Go", **more: Any) -> Json:
    return {"type": "button", "text": plain(label), "action_id": "go"} | more


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def option(value: str = "a", label: str = "A") -> Json:
    return {"text": plain(label), "value": value}


def select(count: int = 1, **more: Any) -> Json:
    return {"type": "static_select", "action_id": "s", "options": [option(str(n)) for n in range(count)]} | more


def field(element: Json | None = None, **more: Any) -> Json:
    return {"type": "input", "label": plain("L"), "element": element or {"type": "plain_text_input"}} | more


def modal(*blocks: Json, **more: Any) -> Json:
    return {"type": "modal", "title": plain("T"), "submit": plain("Go"), "blocks": list(blocks)} | more


def confirm(**more: Any) -> Json:
    return {"title": plain("t"), "text": plain("x"), "confirm": plain("y"), "deny": plain("n")} | more


GOOD_BLOCKS = [
    section("x" * 3000),
    {"type": "section", "fields": [mrkdwn("x" * 2000)]},
    {"type": "header", "text": plain("x" * 150)},
    {"type": "context", "elements": [mrkdwn("x")] * 10},
    {"type": "divider"},
    actions(*[button(action_id=str(n)) for n in range(25)]),
    actions(button("x" * 75, value="v" * 2000, accessibility_label="a" * 75, style="danger", confirm=confirm())),
    actions({"type": "overflow", "action_id": "o", "options": [option("a"), option("b")]}),
    section(accessory=select(100)),
    {"type": "image", "image_url": "https://example.test/a.png", "alt_text": "a"},
    {"type": "image", "slack_file": {"id": "F1"}, "alt_text": "a"},
    actions({"type": "checkboxes", "action_id": "c", "options": [option("a")], "initial_options": [option("a")]}),
    {"type": "rich_text", "elements": []},
]

BAD_BLOCKS = [
    (section(""), "/blocks/0/text/text"),
    (section("x" * 3001), "/blocks/0/text/text"),
    ({"type": "section"}, "/blocks/0"),
    ({"type": "section", "fields": [mrkdwn("x")] * 11}, "/blocks/0/fields"),
    ({"type": "section", "fields": [mrkdwn("x" * 2001)]}, "/blocks/0/fields/0/text"),
    ({"type": "header", "text": mrkdwn("x")}, "/blocks/0/text/type"),
    ({"type": "header", "text": plain("x" * 151)}, "/blocks/0/text/text"),
    ({"type": "context", "elements": [mrkdwn("x")] * 11}, "/blocks/0/elements"),
    ({"type": "context", "elements": [button()]}, "/blocks/0/elements/0/type"),
    (actions(), "/blocks/0/elements"),
    (actions(*[button(action_id=str(n)) for n in range(26)]), "/blocks/0/elements"),
    (actions(button(), button()), "/blocks/0/elements/1/action_id"),
    (actions(button("x" * 76)), "/blocks/0/elements/0/text/text"),
    (actions(button(value="v" * 2001)), "/blocks/0/elements/0/value"),
    (actions(button(accessibility_label="a" * 76)), "/blocks/0/elements/0/accessibility_label"),
    (actions(button(style="green")), "/blocks/0/elements/0/style"),
    (actions(button(action_id="a" * 256)), "/blocks/0/elements/0/action_id"),
    (actions(button(colour="red")), "/blocks/0/elements/0"),
    (actions(button(text=mrkdwn("x"))), "/blocks/0/elements/0/text/type"),
    (actions(button(confirm=confirm(title=plain("t" * 101)))), "/blocks/0/elements/0/confirm/title/text"),
    (actions(button(confirm=confirm(text=plain("t" * 301)))), "/blocks/0/elements/0/confirm/text/text"),
    (actions(button(confirm=confirm(deny=plain("t" * 31)))), "/blocks/0/elements/0/confirm/deny/text"),
    (actions({"type": "overflow", "options": [option()]}), "/blocks/0/elements/0/options"),
    (actions({"type": "overflow", "options": [option()] * 6}), "/blocks/0/elements/0/options"),
    (actions({"type": "plain_text_input"}), "/blocks/0/elements/0"),
    (actions(select(101)), "/blocks/0/elements/0/options"),
    (actions(select(1, options=[option("v" * 76)])), "/blocks/0/elements/0/options/0/value"),
    (actions(select(1, options=[option(label="x" * 76)])), "/blocks/0/elements/0/options/0/text/text"),
    (actions(select(1, placeholder=plain("x" * 151))), "/blocks/0/elements/0/placeholder/text"),
    (actions(select(1, initial_option=option("other"))), "/blocks/0/elements/0/initial_option"),
    (actions(select(1, option_groups=[])), "/blocks/0/elements/0"),
    (actions({"type": "radio_buttons", "options": [option()] * 11}), "/blocks/0/elements/0/options"),
    (actions({"type": "datepicker", "initial_date": "1.2.2027"}), "/blocks/0/elements/0/initial_date"),
    (section(accessory={"type": "plain_text_input"}), "/blocks/0/accessory"),
    ({"type": "image", "image_url": "https://example.test/a.png"}, "/blocks/0"),
    ({"type": "frame"}, "/blocks/0"),
    (section(block_id="b" * 256), "/blocks/0/block_id"),
    (section() | {"colour": "red"}, "/blocks/0"),
    ({"type": "markdown", "text": "x" * 12_001}, "/blocks/0/text"),
    (field({"type": "number_input", "action_id": "n"}), "/blocks/0/element"),
    (field({"type": "button", "text": plain("x")}), "/blocks/0/element"),
    ("text", "/blocks/0"),
]


@pytest.mark.parametrize("block", GOOD_BLOCKS, ids=lambda block: block["type"])
def test_what_stands_at_the_limit_is_taken(block: Json) -> None:
    assert validate_message([block]) == []


@pytest.mark.parametrize(("block", "pointer"), BAD_BLOCKS, ids=[str(n) for n in range(len(BAD_BLOCKS))])
def test_what_is_over_the_limit_is_named_by_its_pointer(block: Json, pointer: str) -> None:
    assert pointer in {problem.pointer for problem in validate_message([block])}


def test_fifty_blocks_in_a_message_a_hundred_in_a_view() -> None:
    assert validate_message([section()] * 50) == []
    assert [p.pointer for p in validate_message([section()] * 51)] == ["/blocks"]
    assert validate_view(modal(*[section()] * 100)) == []
    assert [p.pointer for p in validate_view(modal(*[section()] * 101))] == ["/view/blocks"]


def test_a_message_that_is_long_as_a_whole() -> None:
    assert validate_message([section("x" * 2640)] * 5) == []
    assert validate_message([section("x" * 2641)] * 5)[0].code == "msg_blocks_too_long"


def test_block_ids_are_unique_and_tables_single() -> None:
    assert validate_message([section(block_id="a"), section(block_id="a")])[0].pointer == "/blocks/1/block_id"
    table = {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}
    assert validate_message([table, table])[0].code == "only_one_table_allowed"


@pytest.mark.parametrize(
    ("view", "pointer"),
    [
        (modal(title=plain("x" * 25)), "/view/title/text"),
        (modal(submit=plain("x" * 25)), "/view/submit/text"),
        (modal(close=plain("x" * 25)), "/view/close/text"),
        (modal(private_metadata="x" * 3001), "/view/private_metadata"),
        (modal(callback_id="x" * 256), "/view/callback_id"),
        (modal(field(), submit=None), "/view/submit"),
        (modal({"type": "markdown", "text": "x"}), "/view/blocks/0"),
        (modal(colour="red"), "/view"),
        ({"type": "home", "blocks": [], "title": plain("x")}, "/view"),
        ({"type": "modal", "blocks": []}, "/view"),
        ({"type": "sheet", "blocks": []}, "/view/type"),
        (
            modal(
                field({"type": "plain_text_input", "focus_on_load": True}),
                field({"type": "plain_text_input", "focus_on_load": True}),
            ),
            "/view/blocks/1/element/focus_on_load",
        ),
        ([], "/view"),
    ],
    ids=[str(n) for n in range(13)],
)
def test_views(view: Any, pointer: str) -> None:
    problems = validate_view(view)
    assert pointer in {problem.pointer for problem in problems}
    assert {problem.code for problem in problems} == {"invalid_arguments"}


def test_good_views_and_a_view_too_large() -> None:
    assert validate_view(modal(field(), title=plain("x" * 24), private_metadata="x" * 3000)) == []
    assert validate_view({"type": "home", "blocks": [section()]}) == []
    heavy = [section("x" * 3000)] * 90
    assert validate_view(modal(*heavy))[0].code == "view_too_large"


def test_answers_to_an_option_load() -> None:
    assert validate_options({"options": []}) == []
    assert validate_options({"options": [option(str(n)) for n in range(100)]}) == []
    assert validate_options({"options": [option(str(n)) for n in range(101)]})
    assert validate_options({"option_groups": [{"label": plain("All"), "options": [option()]}]}) == []
    assert validate_options({"option_groups": [{"label": plain("All"), "options": []}]})
    assert validate_options({}) and validate_options("no")


def test_rendered_text_reads_in_order() -> None:
    blocks = [
        {"type": "header", "text": plain("Head")},
        section("*Waiting*", accessory=button("Open")),
        {"type": "section", "fields": [mrkdwn("*For* Ana"), mrkdwn("*Until* May")]},
        field(select(1, options=[option("a", "Plan 3") | {"description": plain("3 free")}])),
        actions(button("Approve"), button("Deny")),
        {"type": "context", "elements": [mrkdwn("REQ-1")]},
    ]
    assert render_text(blocks).splitlines() == [
        "Head",
        "*Waiting*",
        "[Open]",
        "*For* Ana",
        "*Until* May",
        "L",
        "( ) Plan 3",
        "3 free",
        "[Approve]",
        "[Deny]",
        "REQ-1",
    ]
    assert [label for _, label, _ in buttons(blocks)] == ["Open", "Approve", "Deny"]
