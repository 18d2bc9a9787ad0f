"""Slack's bodies as typed values. What cannot be read raises `Malformed`, which is answered with a 400.

The same shapes come over HTTP and over a socket; nothing here looks at headers.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from bot.ids import Ref
from workflows.refusals import Refusal

Json = Mapping[str, Any]


class Malformed(ValueError):
    """A signed delivery that is not what Slack documents."""


class OldButton(Refusal):
    """A button or window nobody listens to any more: of an older version, or of rows that are gone."""

    def __init__(self) -> None:
        super().__init__("This is from an older message, so nothing changed. Open Home to see where things stand.")


def row_id(value: str) -> int | None:
    """The row an option names; None for anything but plain digits ("²" counts as a digit elsewhere)."""
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None


class Place(enum.StrEnum):
    """Where somebody pressed, and so where an answer to them can go."""

    MESSAGE = "message"
    MODAL = "modal"
    HOME = "home"
    NOWHERE = "nowhere"


@dataclass(frozen=True)
class OpenView:
    """A window as it was when something was pressed or sent in it."""

    id: str
    hash: str
    callback_id: str
    kind: Place
    metadata: Json
    values: Json
    inputs: tuple[str, ...] = ()
    root_id: str = ""

    @property
    def ref(self) -> Ref:
        """The row it speaks of. Raises OldButton."""
        return reference(str(self.metadata.get("ref") or ""))

    def text(self, name: str) -> str:
        """What was typed, stripped; "" for nothing."""
        return str(self._given(name).get("value") or "").strip()

    def number(self, name: str) -> int | None:
        """A whole number, None for nothing. Raises Malformed for anything else (Slack's client checks it first)."""
        value = self.text(name)
        if not value:
            return None
        try:
            return int(value)
        except ValueError:
            raise Malformed(f"{name} is no whole number") from None

    def day(self, name: str) -> date | None:
        value = self._given(name).get("selected_date")
        if not value:
            return None
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            raise Malformed(f"{name} is no date") from None

    def option(self, name: str) -> str:
        """The value of the chosen option, "" for none."""
        chosen = self._given(name).get("selected_option")
        return str(chosen.get("value") or "") if isinstance(chosen, Mapping) else ""

    def users(self, name: str) -> tuple[str, ...]:
        given = self._given(name)
        one, several = given.get("selected_user"), given.get("selected_users")
        if isinstance(several, list):
            return tuple(str(user) for user in several)
        return (str(one),) if one else ()

    def files(self, name: str) -> tuple[tuple[str, str], ...]:
        """Files that were attached: Slack's id and the name of each."""
        return tuple(
            (str(one.get("id") or ""), str(one.get("name") or ""))
            for one in self._given(name).get("files") or ()
            if isinstance(one, Mapping)
        )

    def ticked(self, name: str) -> tuple[str, ...]:
        """The values of all ticked boxes with this name, in however many fields they stand."""
        return tuple(
            str(option.get("value") or "")
            for _, fields in self._blocks()
            for option in (fields.get(name) or {}).get("selected_options") or ()
        )

    def has(self, name: str) -> bool:
        return any(name in fields for _, fields in self._blocks())

    def block_of(self, name: str) -> str | None:
        """The block that shows this field, for an error to stand at it; block ids change when a field is reset."""
        for block_id in self.inputs:
            if block_id.partition(":")[0] == name:
                return block_id
        return None

    def errors(self, by_field: Mapping[str, str]) -> dict[str, str]:
        """Sentences at their fields. One whose field is not on the form stands at the first one, none is lost."""
        placed: dict[str, str] = {}
        for name, words in by_field.items():
            block_id = self.block_of(name) or (self.inputs[0] if self.inputs else name)
            placed[block_id] = f"{placed[block_id]} {words}" if block_id in placed else words
        return placed

    def _given(self, name: str) -> Json:
        for _, fields in self._blocks():
            given = fields.get(name)
            if isinstance(given, Mapping):
                return given
        return {}

    def _blocks(self) -> Iterator[tuple[str, Json]]:
        for block_id, fields in self.values.items():
            if isinstance(fields, Mapping):
                yield block_id, fields


@dataclass(frozen=True)
class Press:
    """A button, menu or picker that was used. `value` is the button's value or the chosen option's."""

    slack_id: str
    action: str
    value: str
    trigger_id: str
    place: Place
    response_url: str = ""
    view: OpenView | None = None
    chosen: tuple[str, ...] = ()  # of boxes: all that are ticked now

    @property
    def ref(self) -> Ref:
        """The row it speaks of. Raises OldButton."""
        return reference(self.value)

    @property
    def choice(self) -> tuple[str, Ref]:
        """An overflow entry: "hand_on/12.3". Raises OldButton."""
        name, _, rest = self.value.partition("/")
        return name, reference(rest)


@dataclass(frozen=True)
class Sent:
    """A window that was sent or closed."""

    slack_id: str
    view: OpenView
    trigger_id: str = ""

    @property
    def ref(self) -> Ref:
        """The row the window speaks of. Raises OldButton."""
        return self.view.ref


@dataclass(frozen=True)
class Command:
    """`/licence word rest`; `word` in lower case."""

    slack_id: str
    command: str
    word: str
    rest: str
    trigger_id: str


@dataclass(frozen=True)
class Typing:
    """Letters typed into a searchable list."""

    slack_id: str
    action: str
    words: str
    view: OpenView | None = field(default=None)


def reference(value: str) -> Ref:
    """A stored reference. Raises OldButton."""
    try:
        return Ref.parse(value)
    except ValueError:
        raise OldButton from None


def press(body: Json) -> Press:
    """From a block_actions body."""
    actions = body.get("actions")
    if not isinstance(actions, list) or not actions or not isinstance(actions[0], Mapping):
        raise Malformed("no action")
    action = actions[0]
    chosen = action.get("selected_option")
    boxes = action.get("selected_options")
    value = chosen.get("value") if isinstance(chosen, Mapping) else action.get("value")
    view = _view(body["view"]) if isinstance(body.get("view"), Mapping) else None
    place = view.kind if view is not None else (Place.MESSAGE if body.get("response_url") else Place.NOWHERE)
    return Press(
        slack_id=user_of(body),
        action=str(action.get("action_id") or ""),
        value=str(value or ""),
        trigger_id=str(body.get("trigger_id") or ""),
        place=place,
        response_url=str(body.get("response_url") or ""),
        view=view,
        chosen=tuple(str(one.get("value") or "") for one in (boxes if isinstance(boxes, list) else [])),
    )


def sent(body: Json) -> Sent:
    """From a view_submission or view_closed body."""
    if not isinstance(body.get("view"), Mapping):
        raise Malformed("no view")
    return Sent(user_of(body), _view(body["view"]), str(body.get("trigger_id") or ""))


def command(body: Json) -> Command:
    words = str(body.get("text") or "").split(maxsplit=1)
    return Command(
        slack_id=str(body.get("user_id") or ""),
        command=str(body.get("command") or ""),
        word=words[0].lower() if words else "",
        rest=" ".join(words[1].split()) if len(words) > 1 else "",
        trigger_id=str(body.get("trigger_id") or ""),
    )


def typing(body: Json) -> Typing:
    view = _view(body["view"]) if isinstance(body.get("view"), Mapping) else None
    return Typing(user_of(body), str(body.get("action_id") or ""), str(body.get("value") or "").strip(), view)


def user_of(body: Json) -> str:
    """The Slack id of whoever acts, from any kind of body; "" when there is none."""
    user = body.get("user")
    if isinstance(user, Mapping):
        return str(user.get("id") or "")
    event = body.get("event")
    if isinstance(event, Mapping):
        return str(event.get("user") or "")
    return str(body.get("user_id") or user or "")


def _view(view: Json) -> OpenView:
    state = view.get("state")
    values = state.get("values") if isinstance(state, Mapping) else None
    blocks = view.get("blocks")
    return OpenView(
        id=str(view.get("id") or ""),
        hash=str(view.get("hash") or ""),
        callback_id=str(view.get("callback_id") or ""),
        kind=Place.HOME if view.get("type") == "home" else Place.MODAL,
        metadata=_metadata(view.get("private_metadata")),
        values=values if isinstance(values, Mapping) else {},
        inputs=tuple(
            str(block.get("block_id"))
            for block in (blocks if isinstance(blocks, list) else [])
            if isinstance(block, Mapping) and block.get("type") == "input"
        ),
        root_id=str(view.get("root_view_id") or ""),
    )


def _metadata(stored: object) -> Json:
    try:
        read = json.loads(str(stored or "{}"))
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
