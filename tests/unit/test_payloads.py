"""Slack's bodies become typed values, or a refusal that changes nothing."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import payloads
from bot.ids import Ref
from bot.payloads import Malformed, OldButton, Place

VIEW: dict[str, Any] = {
    "id": "V1",
    "hash": "1.2",
    "type": "modal",
    "callback_id": "request_form",
    "private_metadata": '{"ref":"12.3","draft":7}',
    "state": {
        "values": {
            "product:1": {"product": {"selected_option": {"value": "1"}}},
            "count:2": {"count": {"value": "2"}},
            "until": {"until": {"selected_date": "2027-01-31"}},
            "people": {"people": {"selected_users": ["U1", "U2"]}},
            "person": {"person": {"selected_user": None}},
            "why": {"why": {"value": "  Lyon  "}},
        }
    },
    "blocks": [
        {"type": "section"},
        *({"type": "input", "block_id": name} for name in ("product:1", "count:2", "until", "people", "why")),
    ],
}


def sent(**changes: Any) -> payloads.Sent:
    return payloads.sent({"type": "view_submission", "user": {"id": "U1"}, "view": VIEW | changes})


def test_a_form_is_read_by_the_names_of_its_fields() -> None:
    view = sent().view
    assert (view.option("product"), view.number("count"), view.text("why")) == ("1", 2, "Lyon")
    assert (view.day("until"), view.users("people"), view.users("person")) == (date(2027, 1, 31), ("U1", "U2"), ())
    assert (view.text("nothing"), view.number("nothing"), view.day("nothing")) == ("", None, None)
    assert sent().ref == Ref(12, 3)


def test_errors_stand_at_their_field_and_none_is_lost() -> None:
    placed = sent().view.errors({"count": "Two.", "tier": "Gone.", "product": "Choose."})
    assert placed == {"count:2": "Two.", "product:1": "Gone. Choose."}


@pytest.mark.parametrize("field", ["count", "until"])
def test_what_the_client_never_sends_is_malformed(field: str) -> None:
    wrong = {field: {field: {"value": "two", "selected_date": "soon"}}}
    view = sent(state={"values": wrong}).view
    with pytest.raises(Malformed):
        view.number(field) if field == "count" else view.day(field)


@pytest.mark.parametrize("metadata", ["", None, "{", "[]", '{"ref": 7}', '{"ref": "x"}', '{"ref": "1"}'])
def test_a_window_without_its_row_is_old(metadata: str | None) -> None:
    with pytest.raises(OldButton):
        _ = sent(private_metadata=metadata).ref


def test_where_somebody_pressed() -> None:
    action = {"action_id": "approve", "value": "1.2"}
    body = {"user": {"id": "U1"}, "actions": [action], "trigger_id": "t"}
    assert payloads.press(body | {"response_url": "https://x"}).place is Place.MESSAGE
    assert payloads.press(body | {"view": VIEW}).place is Place.MODAL
    assert payloads.press(body | {"view": VIEW | {"type": "home"}}).place is Place.HOME
    assert payloads.press(body).place is Place.NOWHERE
    assert payloads.press(body).ref == Ref(1, 2)
    menu = {"action_id": "more", "selected_option": {"value": "hand_on/3.4"}}
    assert payloads.press(body | {"actions": [menu]}).choice == ("hand_on", Ref(3, 4))


@pytest.mark.parametrize("text", ["", "   "])
def test_an_empty_command(text: str) -> None:
    assert payloads.command({"text": text, "user_id": "U1"}).word == ""


def test_a_command_has_a_word_and_the_rest() -> None:
    read = payloads.command({"text": "  Request   visio  plan 2 ", "user_id": "U1", "command": "/licence"})
    assert (read.word, read.rest) == ("request", "visio plan 2")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
_BODY = st.dictionaries(
    st.sampled_from(["type", "user", "view", "actions", "text", "user_id", "value", "event", "response_url"]), _JSON
)


@given(_BODY)
def test_no_body_breaks_the_reader(body: dict[str, Any]) -> None:
    """Whatever comes: a value, or one of the two refusals."""
    for read in (payloads.press, payloads.sent, payloads.command, payloads.typing, payloads.user_of):
        try:
            read(body)
        except (Malformed, OldButton):
            continue


@given(st.text(max_size=30))
def test_only_our_own_references_are_read(value: str) -> None:
    try:
        ref = payloads.reference(value)
    except OldButton:
        return
    assert ref == Ref(ref.id, ref.version) and "." in value
