"""Block Kit as tables: which blocks stand where, which elements a block takes, which properties each one knows."""

from __future__ import annotations

_ACTION = {"action_id", "confirm", "focus_on_load"}
_SELECT = _ACTION | {"placeholder"}
_MULTI = _SELECT | {"max_selected_items"}
_TEXT = {"action_id", "focus_on_load", "placeholder", "initial_value", "dispatch_action_config"}

ELEMENT_KEYS: dict[str, set[str]] = {
    "button": {"action_id", "confirm", "text", "value", "url", "style", "accessibility_label"},
    "image": {"image_url", "alt_text", "slack_file"},
    "overflow": {"action_id", "confirm", "options"},
    "checkboxes": _ACTION | {"options", "initial_options"},
    "radio_buttons": _ACTION | {"options", "initial_option"},
    "datepicker": _SELECT | {"initial_date"},
    "timepicker": _SELECT | {"initial_time", "timezone"},
    "datetimepicker": _ACTION | {"initial_date_time"},
    "static_select": _SELECT | {"options", "option_groups", "initial_option"},
    "external_select": _SELECT | {"min_query_length", "initial_option"},
    "users_select": _SELECT | {"initial_user"},
    "conversations_select": _SELECT
    | {"initial_conversation", "default_to_current_conversation", "response_url_enabled", "filter"},
    "channels_select": _SELECT | {"initial_channel", "response_url_enabled"},
    "multi_static_select": _MULTI | {"options", "option_groups", "initial_options"},
    "multi_external_select": _MULTI | {"min_query_length", "initial_options"},
    "multi_users_select": _MULTI | {"initial_users"},
    "multi_conversations_select": _MULTI | {"initial_conversations", "default_to_current_conversation", "filter"},
    "multi_channels_select": _MULTI | {"initial_channels"},
    "plain_text_input": _TEXT | {"multiline", "min_length", "max_length"},
    "email_text_input": _TEXT,
    "url_text_input": _TEXT,
    "number_input": _TEXT | {"is_decimal_allowed", "min_value", "max_value"},
    "rich_text_input": _TEXT,
    "file_input": {"action_id", "filetypes", "max_files"},
    "workflow_button": {"action_id", "text", "workflow", "style", "accessibility_label"},
}

SELECTS = {"static_select", "external_select", "users_select", "conversations_select", "channels_select"}
MULTI_SELECTS = {f"multi_{name}" for name in SELECTS}
_PICKERS = {"datepicker", "timepicker", "datetimepicker", "checkboxes", "radio_buttons"}
ACTIONS_ELEMENTS = SELECTS | MULTI_SELECTS | _PICKERS | {"button", "overflow", "workflow_button", "rich_text_input"}
SECTION_ACCESSORIES = SELECTS | MULTI_SELECTS | _PICKERS | {"button", "overflow", "image", "workflow_button"}
INPUT_ELEMENTS = (
    SELECTS
    | MULTI_SELECTS
    | _PICKERS
    | {
        "plain_text_input",
        "email_text_input",
        "url_text_input",
        "number_input",
        "rich_text_input",
        "file_input",
    }
)

KNOWN_BLOCKS: dict[str, set[str]] = {
    "section": {"text", "fields", "accessory", "expand"},
    "header": {"text"},
    "context": {"elements"},
    "actions": {"elements"},
    "divider": set(),
    "image": {"image_url", "alt_text", "title", "slack_file"},
    "input": {"label", "element", "hint", "optional", "dispatch_action"},
    "rich_text": {"elements"},
    "markdown": {"text"},
    "table": {"rows", "column_settings"},
    "alert": {"text", "level"},
}
_EVERYWHERE = {"section", "header", "context", "actions", "divider", "image", "input", "rich_text"}
BLOCKS_BY_SURFACE: dict[str, set[str]] = {
    "message": _EVERYWHERE | {"markdown", "table"},
    "modal": _EVERYWHERE | {"alert"},
    "home": _EVERYWHERE,
}
