"""Blocks as plain lines: what a person can read on a message or view, for tests and for the Traffic panel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]


def render_text(blocks: list[Json]) -> str:
    """Every text of the blocks in reading order, one per line; buttons as `[Label]`, options as `( ) label`."""
    return "\n".join(line for block in blocks for line in _lines(block))


def buttons(blocks: list[Json]) -> list[tuple[str, str, Json]]:
    """Each button with its label: (block_id, label, element), in reading order."""
    return [
        (str(block.get("block_id", "")), str(element["text"]["text"]), element)
        for block, element in elements(blocks)
        if element.get("type") == "button"
    ]


def elements(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Each interactive element with its block, in reading order."""
    for block in blocks:
        kind = block.get("type")
        if kind == "actions":
            for element in block.get("elements", []):
                yield block, element
        elif kind == "section" and isinstance(block.get("accessory"), dict):
            if block["accessory"].get("type") != "image":
                yield block, block["accessory"]
        elif kind == "input":
            yield block, block["element"]


def _lines(block: Json) -> Iterator[str]:
    kind = block.get("type")
    if kind == "divider":
        yield "---"
    if kind in ("section", "header", "alert"):
        yield from _text(block.get("text"))
        for one in block.get("fields") or []:
            yield from _text(one)
    if kind == "markdown":
        yield str(block["text"])
    if kind == "image":
        yield f"(image: {block.get('alt_text', '')})"
    if kind == "context":
        for one in block.get("elements", []):
            yield f"(image: {one.get('alt_text', '')})" if one.get("type") == "image" else str(one.get("text", ""))
    if kind == "input":
        yield from _text(block.get("label"))
        yield from _element(block["element"])
        yield from _text(block.get("hint"))
    if kind == "actions":
        for one in block.get("elements", []):
            yield from _element(one)
    if kind == "section" and block.get("accessory"):
        yield from _element(block["accessory"])
    if kind in ("rich_text", "table"):
        yield "".join(_leaves(block))


def _text(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value.get("text"):
        yield str(value["text"])


def _element(element: Json) -> Iterator[str]:
    kind = element.get("type")
    if kind == "button":
        yield f"[{element['text']['text']}]"
    elif kind == "image":
        yield f"(image: {element.get('alt_text', '')})"
    groups = [{"options": element.get("options") or []}, *(element.get("option_groups") or [])]
    for group in groups:
        yield from _text(group.get("label"))
        for option in group["options"]:
            yield f"( ) {option['text']['text']}"
            yield from _text(option.get("description"))


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, dict):
        if isinstance(value.get("text"), str):
            yield value["text"]
        for name, item in value.items():
            if name != "text":
                yield from _leaves(item)
