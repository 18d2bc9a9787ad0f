"""Values of interactive elements: what they start with, what a person may put in, how Slack reports them.

Pure. `state.values` holds one entry per element that keeps a value, keyed by block_id and action_id.
"""

from __future__ import annotations

import re
from typing import Any

from sandbox.blocks_text import elements

Json = dict[str, Any]

# element type -> (property in state and actions, property of the initial value)
VALUE_OF: dict[str, tuple[str, str]] = {
    "plain_text_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "file_input": ("files", "initial_files"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "users_select": ("selected_user", "initial_user"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "checkboxes": ("selected_options", "initial_options"),
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
}


def fresh_values(blocks: list[Json], typed: Json) -> Json:
    """`state.values` of these blocks: initial values, over which what was already typed wins."""
    values: Json = {}
    for block, element in elements(blocks):
        names = VALUE_OF.get(element["type"])
        if names is None:
            continue
        known = typed.get(block["block_id"], {}).get(element["action_id"])
        if known is None or known["type"] != element["type"]:
            empty: Any = [] if names[0].startswith("selected_") and names[0].endswith("s") else None
            known = {"type": element["type"], names[0]: element.get(names[1], empty)}
        values.setdefault(block["block_id"], {})[element["action_id"]] = known
    return values


def find_element(blocks: list[Json], block_id: str | None, action_id: str) -> tuple[Json, Json] | None:
    """The element with this action_id, in the named block or the first that has it."""
    for block, element in elements(blocks):
        if element.get("action_id") == action_id and block_id in (None, block["block_id"]):
            return block, element
    return None


def offered(element: Json, loaded: list[Json]) -> list[Json]:
    """The options a person can see at this element; `loaded` are those of the last option load."""
    options = list(element.get("options") or [])
    for group in element.get("option_groups") or []:
        options += group["options"]
    if element["type"].endswith("external_select"):
        options += loaded
        initial = element.get("initial_option")
        options += ([initial] if initial else []) + list(element.get("initial_options") or [])
    return options


def refusal(element: Json, given: Json, loaded: list[Json], users: set[str]) -> str | None:
    """Why the client would not take this value, in a sentence; None when it would."""
    name = "selected_option" if element["type"] == "overflow" else VALUE_OF.get(element["type"], ("", ""))[0]
    if not name or name not in given:
        return f"A {element['type']} takes {name or 'no value'}."
    value = given[name]
    if value is None or value == []:
        return None
    if name in ("selected_option", "selected_options"):
        known = {option.get("value") for option in offered(element, loaded)}
        chosen = value if isinstance(value, list) else [value]
        most = element.get("max_selected_items")
        if most is not None and len(chosen) > most:
            return f"At most {most} can be chosen."
        for one in chosen:
            if not isinstance(one, dict) or one.get("value") not in known:
                return f"{one.get('value') if isinstance(one, dict) else one!r} is not among the options shown."
    if name in ("selected_user", "selected_users"):
        unknown = [one for one in (value if isinstance(value, list) else [value]) if one not in users]
        if unknown:
            return f"There is nobody with the id {unknown[0]}."
    if name == "selected_date" and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(value)):
        return "A date is written YYYY-MM-DD."
    return None


def field_error(block: Json, element: Json, state: Json) -> str | None:
    """What the client itself says at a field before it sends a form; None when the value may go."""
    name = VALUE_OF[element["type"]][0]
    value = state.get(name)
    if value in (None, "", []):
        return None if block.get("optional") else "Please complete this required field."
    if element["type"] == "plain_text_input":
        least, most = element.get("min_length", 0), element.get("max_length", 3000)
        if len(value) < least:
            return f"Please enter at least {least} characters."
        if len(value) > most:
            return f"Please enter at most {most} characters."
    if element["type"] == "number_input":
        return _number_error(element, str(value))
    if element["type"] == "email_text_input" and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
        return "Please enter a valid email address."
    if element["type"] == "url_text_input" and not re.fullmatch(r"https?://\S+", value):
        return "Please enter a valid URL."
    return None


def _number_error(element: Json, value: str) -> str | None:
    pattern = r"-?\d+(\.\d+)?" if element.get("is_decimal_allowed") else r"-?\d+"
    if not re.fullmatch(pattern, value):
        return "Please enter a valid number."
    if element.get("min_value") is not None and float(value) < float(element["min_value"]):
        return f"Please enter a number of at least {element['min_value']}."
    if element.get("max_value") is not None and float(value) > float(element["max_value"]):
        return f"Please enter a number of at most {element['max_value']}."
    return None


def action_of(block: Json, element: Json, given: Json, at: str) -> Json:
    """The entry of `actions` for one press or choice."""
    action: Json = {
        "type": element["type"],
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "action_ts": at,
    }
    for name in ("text", "style", "value", "url", "placeholder", "accessibility_label", "confirm"):
        if name in element:
            action[name] = element[name]
    if element["type"] == "overflow":
        action["selected_option"] = given["selected_option"]
    elif element["type"] in VALUE_OF:
        name = VALUE_OF[element["type"]][0]
        action[name] = given[name]
    return action


def normalised(element: Json, given: Json, loaded: list[Json]) -> Json:
    """What was given, reduced to the element's own property; an option may be named by its value alone."""
    name = "selected_option" if element["type"] == "overflow" else VALUE_OF.get(element["type"], ("", ""))[0]
    if name not in given:
        return {}
    value = given[name]
    if name in ("selected_option", "selected_options"):
        known = {option.get("value"): option for option in offered(element, loaded)}

        def whole(one: Any) -> Any:
            return known.get(one.get("value") if isinstance(one, dict) else one, one)

        value = [whole(one) for one in value] if isinstance(value, list) else whole(value) if value else None
    return {name: value}
