"""What Slack accepts as blocks: limits, required and known properties, with JSON pointers as Slack's answers give them.

Pure. Limits are those of Slack's Block Kit reference, its published types and its SDK; where sources differ the
stricter one stands (an option's value: 75). Slack refuses the whole message or view for one fault, so do callers.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from sandbox.block_shapes import (
    ACTIONS_ELEMENTS,
    BLOCKS_BY_SURFACE,
    ELEMENT_KEYS,
    INPUT_ELEMENTS,
    KNOWN_BLOCKS,
    MULTI_SELECTS,
    SECTION_ACCESSORIES,
    SELECTS,
)

Json = dict[str, Any]
MESSAGE_CHARACTERS = 13_200
VIEW_BYTES = 250_000


@dataclass(frozen=True)
class Problem:
    """One fault: where (JSON pointer), what (Slack's wording), and the error code Slack answers with."""

    pointer: str
    message: str
    code: str = "invalid_blocks"

    def __str__(self) -> str:
        return f"{self.message} [json-pointer:{self.pointer}]"


def validate_message(blocks: Any, text: str | None = None) -> list[Problem]:
    """Faults of a message; `text` is its fallback text, at most 40,000 characters are ever shown."""
    check = _Check("message")
    check.blocks(blocks, "/blocks", most=50)
    if not check.problems and isinstance(blocks, list) and characters(blocks) > MESSAGE_CHARACTERS:
        check.say("/blocks", f"all blocks together exceed {MESSAGE_CHARACTERS} characters", "msg_blocks_too_long")
    return check.problems


def validate_view(view: Any) -> list[Problem]:
    """Faults of a modal or a Home view."""
    check = _Check("modal")
    if not isinstance(view, dict):
        return [Problem("/view", "must be an object", "invalid_arguments")]
    if len(json.dumps(view).encode()) > VIEW_BYTES:
        return [Problem("/view", "view is larger than 250 kB", "view_too_large")]
    kind = view.get("type")
    if kind not in ("modal", "home"):
        return [Problem("/view/type", "must be a valid enum value", "invalid_arguments")]
    check.surface = kind
    known = {"type", "blocks", "private_metadata", "callback_id", "external_id"}
    if kind == "modal":
        known |= {"title", "submit", "close", "clear_on_close", "notify_on_close", "submit_disabled"}
        if "title" not in view:
            check.say("/view", "missing required field: title")
        for name in ("title", "submit", "close"):
            if view.get(name) is not None:
                check.text(view[name], f"/view/{name}", most=24, kinds=("plain_text",))
    check.known(view, "/view", known)
    for name, most in (("private_metadata", 3000), ("callback_id", 255), ("external_id", 255)):
        check.string(view, name, "/view", most, least=0)
    if "blocks" not in view:
        check.say("/view", "missing required field: blocks")
    else:
        check.blocks(view["blocks"], "/view/blocks", most=100)
        inputs = (
            [b for b in view["blocks"] if isinstance(b, dict) and b.get("type") == "input"]
            if isinstance(view["blocks"], list)
            else []
        )
        if kind == "modal" and inputs and not view.get("submit"):
            check.say("/view/submit", "`submit` is required when an `input` is within blocks")
    return [
        p if p.code == "view_too_large" else Problem(p.pointer, p.message, "invalid_arguments") for p in check.problems
    ]


def validate_options(answer: Any) -> list[Problem]:
    """Faults of an answer to an option load: `options` or `option_groups`, at most 100 of each; none is allowed."""
    check = _Check("message")
    if not isinstance(answer, dict):
        return [Problem("", "must be an object")]
    check.options(answer, "", most=100, least=0)
    return check.problems


def characters(value: Any) -> int:
    """Characters of all text objects and markdown in a piece of Block Kit."""
    if isinstance(value, list):
        return sum(characters(item) for item in value)
    if not isinstance(value, dict):
        return 0
    own = len(value["text"]) if isinstance(value.get("text"), str) else 0
    return own + sum(characters(item) for item in value.values() if isinstance(item, dict | list))


@dataclass
class _Check:
    surface: str
    problems: list[Problem] = field(default_factory=list)
    focused: bool = False
    markdown: int = 0
    tables: int = 0

    def say(self, pointer: str, message: str, code: str = "invalid_blocks") -> None:
        self.problems.append(Problem(pointer, message, code))

    def known(self, value: Json, pointer: str, keys: set[str]) -> None:
        for name in value:
            if name not in keys:
                self.say(pointer, f"invalid additional property: {name}")

    def string(self, value: Json, name: str, pointer: str, most: int, least: int = 1, needed: bool = False) -> None:
        found = value.get(name)
        if found is None:
            if needed:
                self.say(pointer, f"missing required field: {name}")
        elif not isinstance(found, str):
            self.say(f"{pointer}/{name}", "must be a string")
        elif len(found) > most:
            self.say(f"{pointer}/{name}", f"must be less than {most + 1} characters")
        elif len(found) < least:
            self.say(f"{pointer}/{name}", f"must be more than {least - 1} characters")

    def text(self, value: Any, pointer: str, *, most: int, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> None:
        if not isinstance(value, dict):
            return self.say(pointer, "must be a text object")
        if value.get("type") not in kinds:
            return self.say(f"{pointer}/type", f"must be one of {', '.join(kinds)}")
        extra = {"emoji"} if value["type"] == "plain_text" else {"verbatim"}
        self.known(value, pointer, {"type", "text"} | extra)
        self.string(value, "text", pointer, most, needed=True)

    def optional_text(self, owner: Json, name: str, pointer: str, most: int, needed: bool = False) -> None:
        if owner.get(name) is not None:
            self.text(owner[name], f"{pointer}/{name}", most=most, kinds=("plain_text",))
        elif needed:
            self.say(pointer, f"missing required field: {name}")

    # -- blocks ----------------------------------------------------------------------------------------------------

    def blocks(self, blocks: Any, pointer: str, *, most: int) -> None:
        if not isinstance(blocks, list):
            return self.say(pointer, "must be an array")
        if len(blocks) > most:
            self.say(pointer, f"no more than {most} items allowed")
        seen: set[str] = set()
        for number, block in enumerate(blocks):
            here = f"{pointer}/{number}"
            if not isinstance(block, dict):
                self.say(here, "must be an object")
                continue
            kind = block.get("type")
            if kind not in KNOWN_BLOCKS or kind not in BLOCKS_BY_SURFACE[self.surface]:
                self.say(here, f"unsupported type: {kind}")
                continue
            self.known(block, here, KNOWN_BLOCKS[kind] | {"type", "block_id"})
            self.string(block, "block_id", here, 255)
            block_id = block.get("block_id")
            if block_id is not None and block_id in seen:
                self.say(f"{here}/block_id", f"`block_id` {block_id} already exists")
            seen.add(str(block_id))
            getattr(self, f"_{kind}", self._unchecked)(block, here)

    def _unchecked(self, block: Json, pointer: str) -> None:
        """Dividers, rich text and the newer blocks: known, not looked into."""

    def _section(self, block: Json, pointer: str) -> None:
        text, fields = block.get("text"), block.get("fields")
        if text is None and not fields:
            self.say(pointer, "either text or fields is required")
        if text is not None:
            self.text(text, f"{pointer}/text", most=3000)
        if fields is not None:
            if not isinstance(fields, list) or len(fields) > 10:
                return self.say(f"{pointer}/fields", "no more than 10 items allowed")
            for number, one in enumerate(fields):
                self.text(one, f"{pointer}/fields/{number}", most=2000)
        if block.get("accessory") is not None:
            self.element(block["accessory"], f"{pointer}/accessory", SECTION_ACCESSORIES)

    def _header(self, block: Json, pointer: str) -> None:
        self.optional_text(block, "text", pointer, 150, needed=True)

    def _context(self, block: Json, pointer: str) -> None:
        elements = self._list(block, "elements", pointer, 10)
        for number, one in enumerate(elements):
            here = f"{pointer}/elements/{number}"
            if isinstance(one, dict) and one.get("type") == "image":
                self.element(one, here, {"image"})
            else:
                self.text(one, here, most=3000)

    def _actions(self, block: Json, pointer: str) -> None:
        seen: set[str] = set()
        for number, one in enumerate(self._list(block, "elements", pointer, 25)):
            here = f"{pointer}/elements/{number}"
            self.element(one, here, ACTIONS_ELEMENTS)
            action_id = one.get("action_id") if isinstance(one, dict) else None
            if action_id is not None and action_id in seen:
                self.say(f"{here}/action_id", f"`action_id` {action_id} already exists")
            seen.add(str(action_id))

    def _list(self, block: Json, name: str, pointer: str, most: int) -> list[Any]:
        found = block.get(name)
        if not isinstance(found, list) or not found:
            self.say(f"{pointer}/{name}", "must contain at least 1 item")
            return []
        if len(found) > most:
            self.say(f"{pointer}/{name}", f"no more than {most} items allowed")
        return found

    def _image(self, block: Json, pointer: str) -> None:
        self.element({k: v for k, v in block.items() if k not in ("title", "block_id")}, pointer, {"image"})
        self.optional_text(block, "title", pointer, 2000)

    def _input(self, block: Json, pointer: str) -> None:
        self.optional_text(block, "label", pointer, 2000, needed=True)
        self.optional_text(block, "hint", pointer, 2000)
        if block.get("element") is None:
            return self.say(pointer, "missing required field: element")
        self.element(block["element"], f"{pointer}/element", INPUT_ELEMENTS)

    def _markdown(self, block: Json, pointer: str) -> None:
        self.string(block, "text", pointer, 12_000, needed=True)
        self.markdown += len(str(block.get("text", "")))
        if self.markdown > 12_000:
            self.say(pointer, "all markdown blocks together exceed 12000 characters")

    def _table(self, block: Json, pointer: str) -> None:
        self.tables += 1
        if self.tables > 1:
            self.say(pointer, "only one table is allowed", "only_one_table_allowed")
        for number, row in enumerate(self._list(block, "rows", pointer, 100)):
            if not isinstance(row, list) or not 1 <= len(row) <= 20:
                self.say(f"{pointer}/rows/{number}", "must hold 1 to 20 cells")

    # -- elements --------------------------------------------------------------------------------------------------

    def element(self, one: Any, pointer: str, allowed: set[str]) -> None:
        if not isinstance(one, dict):
            return self.say(pointer, "must be an object")
        kind = one.get("type")
        if kind not in allowed:
            return self.say(pointer, f"unsupported type: {kind}")
        self.known(one, pointer, ELEMENT_KEYS[kind] | {"type"})
        if kind == "image":
            self.string(one, "alt_text", pointer, 2000, needed=True)
            self.string(one, "image_url", pointer, 3000)
            if not one.get("image_url") and not one.get("slack_file"):
                self.say(pointer, "missing required field: image_url")
            return
        self.string(one, "action_id", pointer, 255)
        self.optional_text(one, "placeholder", pointer, 150)
        if one.get("confirm") is not None:
            self.confirm(one["confirm"], f"{pointer}/confirm")
        if one.get("focus_on_load"):
            if self.focused:
                self.say(f"{pointer}/focus_on_load", "only one element may have focus")
            self.focused = True
        if kind == "button":
            self._button(one, pointer)
        elif kind in SELECTS | MULTI_SELECTS:
            self._select(one, pointer, kind)
        elif kind in ("overflow", "checkboxes", "radio_buttons"):
            self.options(
                one,
                pointer,
                most=5 if kind == "overflow" else 10,
                least=2 if kind == "overflow" else 1,
                markdown=kind != "overflow",
            )
            self._initial(one, pointer)
        elif kind == "datepicker":
            self._pattern(one, "initial_date", pointer, r"\d{4}-\d{2}-\d{2}")
        elif kind == "timepicker":
            self._pattern(one, "initial_time", pointer, r"\d{2}:\d{2}")
        elif kind == "plain_text_input":
            self.string(one, "initial_value", pointer, 3000, least=0)
            for name in ("min_length", "max_length"):
                length = one.get(name)
                if length is not None and (not isinstance(length, int) or not 0 <= length <= 3000):
                    self.say(f"{pointer}/{name}", "must be between 0 and 3000")
        elif kind == "number_input":
            if not isinstance(one.get("is_decimal_allowed"), bool):
                self.say(pointer, "missing required field: is_decimal_allowed")
            for name in ("initial_value", "min_value", "max_value"):
                self._pattern(one, name, pointer, r"-?\d+(\.\d+)?")

    def _pattern(self, one: Json, name: str, pointer: str, pattern: str) -> None:
        found = one.get(name)
        if found is not None and not (isinstance(found, str) and re.fullmatch(pattern, found)):
            self.say(f"{pointer}/{name}", "failed to match the expected pattern")

    def _button(self, one: Json, pointer: str) -> None:
        self.optional_text(one, "text", pointer, 75, needed=True)
        for name, most in (("value", 2000), ("url", 3000), ("accessibility_label", 75)):
            self.string(one, name, pointer, most)
        if one.get("style") not in (None, "primary", "danger"):
            self.say(f"{pointer}/style", "must be a valid enum value")

    def confirm(self, value: Any, pointer: str) -> None:
        if not isinstance(value, dict):
            return self.say(pointer, "must be an object")
        self.known(value, pointer, {"title", "text", "confirm", "deny", "style"})
        for name, most in (("title", 100), ("confirm", 30), ("deny", 30)):
            self.optional_text(value, name, pointer, most, needed=True)
        self.text(value.get("text"), f"{pointer}/text", most=300)
        if value.get("style") not in (None, "primary", "danger"):
            self.say(f"{pointer}/style", "must be a valid enum value")

    def _select(self, one: Json, pointer: str, kind: str) -> None:
        if kind in ("static_select", "multi_static_select"):
            self.options(one, pointer, most=100, least=1)
            self._initial(one, pointer)
        least = one.get("min_query_length")
        if least is not None and (not isinstance(least, int) or least < 0):
            self.say(f"{pointer}/min_query_length", "must be a whole number from 0")
        most = one.get("max_selected_items")
        if most is not None and (not isinstance(most, int) or most < 1):
            self.say(f"{pointer}/max_selected_items", "must be a whole number from 1")

    def options(self, owner: Json, pointer: str, *, most: int, least: int, markdown: bool = False) -> None:
        """`options` or `option_groups` of an element or of an answer to an option load."""
        groups, options = owner.get("option_groups"), owner.get("options")
        if (groups is None) == (options is None):
            return self.say(pointer, "must have either options or option_groups")
        if groups is None:
            return self._options(options, f"{pointer}/options", most, least, markdown)
        if not isinstance(groups, list) or not (least and 1) <= len(groups) <= 100:
            return self.say(f"{pointer}/option_groups", "must hold 1 to 100 groups")
        for number, group in enumerate(groups):
            here = f"{pointer}/option_groups/{number}"
            if not isinstance(group, dict):
                self.say(here, "must be an object")
                continue
            self.optional_text(group, "label", here, 75, needed=True)
            self._options(group.get("options"), f"{here}/options", 100, 1, markdown)

    def _options(self, options: Any, pointer: str, most: int, least: int, markdown: bool) -> None:
        if not isinstance(options, list) or len(options) < least:
            return self.say(pointer, f"must contain at least {least} items")
        if len(options) > most:
            self.say(pointer, f"no more than {most} items allowed")
        kinds = ("plain_text", "mrkdwn") if markdown else ("plain_text",)
        for number, option in enumerate(options):
            here = f"{pointer}/{number}"
            if not isinstance(option, dict):
                self.say(here, "must be an object")
                continue
            self.known(option, here, {"text", "value", "description", "url"})
            self.text(option.get("text"), f"{here}/text", most=75, kinds=kinds)
            self.string(option, "value", here, 75, needed=True)
            if option.get("description") is not None:
                self.text(option["description"], f"{here}/description", most=75, kinds=kinds)

    def _initial(self, one: Json, pointer: str) -> None:
        offered = list(one.get("options") or [])
        for group in one.get("option_groups") or []:
            offered += (group.get("options") or []) if isinstance(group, dict) else []
        single = one.get("initial_option")
        if single is not None and single not in offered:
            self.say(f"{pointer}/initial_option", "initial_option must exactly match one of the provided options")
        several = one.get("initial_options")
        if several is not None and (not several or any(option not in offered for option in several)):
            self.say(f"{pointer}/initial_options", "initial_options must exactly match provided options")
