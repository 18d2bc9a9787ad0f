"""A person in front of Slack, for tests: types commands, presses buttons by their label, fills and sends forms.

A thin client of the stand-in's HTTP person API; it can do what a Slack client can and sees only what that person sees.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

import requests

from sandbox.blocks_text import buttons, elements, render_text
from sandbox.slack_values import VALUE_OF, Json


class NotThere(AssertionError):
    """What the person looks for is not on their screen, or Slack would not let them do it."""


class Person:
    """One person; `base_url` is the stand-in's address."""

    def __init__(self, base_url: str, user_id: str, *, timeout: float = 30.0) -> None:
        self.id = user_id
        self._base = base_url.rstrip("/") + "/_sandbox"
        self._timeout = timeout
        self._typed: dict[str, Json] = {}

    # -- seeing ----------------------------------------------------------------------------------------------------

    def screen(self) -> Json:
        return self._get("/screen", user=self.id)

    def messages(self, channel: str | None = None, *, replies: bool = True) -> list[Json]:
        """Visible messages, oldest first; of one conversation (id or name) or of all."""
        found: list[Json] = []
        for conversation in self.screen()["conversations"]:
            if channel in (None, conversation["id"], conversation["name"]):
                for message in conversation["messages"]:
                    found.append(message)
                    found += message["replies"] if replies else []
        return sorted(found, key=lambda one: float(one["ts"]))

    def message(self, containing: str, channel: str | None = None) -> Json:
        """The newest visible message whose text or blocks contain this."""
        for message in reversed(self.messages(channel)):
            if containing in message_text(message):
                return message
        raise NotThere(f"no message with {containing!r}; visible: {[m['text'] for m in self.messages(channel)]}")

    def modal(self) -> Json:
        """The modal on top."""
        modals = self.screen()["modals"]
        if not modals:
            raise NotThere(f"no modal is open; toasts: {self.toasts()}")
        top: Json = modals[-1]
        return top

    def home(self) -> Json:
        found = self.screen()["home"]
        if found is None:
            raise NotThere("Home was never published for this person")
        view: Json = found
        return view

    def toasts(self) -> list[str]:
        """What the client itself told the person, oldest first."""
        return [toast["text"] for toast in self.screen()["toasts"]]

    def wait_for(self, predicate: Callable[[Person], Any], timeout: float = 10.0) -> Any:
        """The first true answer of `predicate(self)`, asked again after each change; NotThere counts as not yet."""
        until = time.monotonic() + timeout
        while True:
            since = self._get("/changes", since=0, wait=0)["change"]
            last: NotThere | None = None
            try:
                found = predicate(self)
            except NotThere as not_yet:
                found, last = None, not_yet
            if found:
                return found
            left = until - time.monotonic()
            if left <= 0:
                raise NotThere(f"not within {timeout} s: {last or predicate}")
            self._get("/changes", since=since, wait=min(left, 1.0))

    # -- acting ----------------------------------------------------------------------------------------------------

    def command(self, line: str, channel: str | None = None) -> Json:
        """Type a whole command line, such as `/licence request copilot`."""
        command, _, text = line.partition(" ")
        return self._post("/command", command=command, text=text, channel=channel)

    def shortcut(self, callback_id: str) -> Json:
        return self._post("/shortcut", callback_id=callback_id)

    def open_home(self, tab: str = "home") -> Json:
        return self._post("/home", tab=tab)

    def read(self, channel: str) -> Json:
        return self._post("/read", channel=channel)

    def press(self, label: str, *, in_message: Json | str | None = None, in_home: bool = False, **given: Any) -> Json:
        """Press the button with this visible label (or accessibility label): on a message, Home, or the top modal."""
        where, blocks = self._where(in_message, in_home)
        for block_id, text, element in buttons(blocks):
            if label in (text, element.get("accessibility_label")):
                return self._post(
                    "/press",
                    where=where,
                    block_id=block_id,
                    action_id=element["action_id"],
                    state=self._typed.pop(str(where.get("view_id")), {}),
                    **given,
                )
        raise NotThere(f"no button {label!r}; there are {[text for _, text, _ in buttons(blocks)]}")

    def choose(
        self,
        action_id: str,
        value: Any,
        *,
        in_message: Json | str | None = None,
        in_home: bool = False,
        block_id: str | None = None,
    ) -> Json:
        """Choose in a menu, picker or list; options are named by value or, for overflow and selects, by label."""
        where, blocks = self._where(in_message, in_home)
        block, element = _find(blocks, action_id, block_id)
        return self._post(
            "/press",
            where=where,
            block_id=block["block_id"],
            action_id=action_id,
            state=self._typed.pop(str(where.get("view_id")), {}),
            **_given(element, value),
        )

    def options(self, action_id: str, query: str, *, block_id: str | None = None) -> list[Json]:
        """What a searchable list of the top modal offers for a query, groups flattened."""
        view = self.modal()
        answer = self._post("/options", view_id=view["id"], block_id=block_id, action_id=action_id, query=query)
        if not answer["ok"]:
            raise NotThere(str(answer))
        groups = answer.get("option_groups") or []
        return list(answer.get("options") or []) + [option for group in groups for option in group["options"]]

    def fill(self, **fields: Any) -> Person:
        """Type into fields of the top modal, named by action_id or block_id; sent with the next press or submit."""
        return self.fill_in(fields)

    def fill_in(self, fields: dict[str, Any]) -> Person:
        """As `fill`, for names that are no Python words."""
        view = self.modal()
        for name, value in fields.items():
            block, element = _find(view["blocks"], name, None)
            typed = self._typed.setdefault(view["id"], {})
            typed.setdefault(block["block_id"], {})[element["action_id"]] = _given(element, value)
        return self

    def attach(self, field: str, name: str, content: bytes) -> Person:
        """Pick a file for a field of the top modal; sent with the next press or submit."""
        given = self._post("/attach", name=name, content=base64.b64encode(content).decode())
        return self.fill_in({field: [given["file"]]})

    def submit(self) -> Json:
        """Send the top modal with what was filled in."""
        view = self.modal()
        return self._post("/submit", view_id=view["id"], values=self._typed.pop(view["id"], {}))

    def close(self) -> Json:
        view = self.modal()
        self._typed.pop(view["id"], None)
        return self._post("/close", view_id=view["id"])

    # -- parts -----------------------------------------------------------------------------------------------------

    def _where(self, in_message: Json | str | None, in_home: bool) -> tuple[Json, list[Json]]:
        if in_home:
            return {"home": True}, self.home()["blocks"]
        if in_message is None:
            view = self.modal()
            return {"view_id": view["id"]}, view["blocks"]
        message = self.message(in_message) if isinstance(in_message, str) else in_message
        return {"channel": message["channel"], "ts": message["ts"]}, message["blocks"]

    def _post(self, path: str, **body: Any) -> Json:
        return self._answer(_session().post(self._base + path, json={"user": self.id} | body, timeout=self._timeout))

    def _get(self, path: str, **arguments: Any) -> Json:
        return self._answer(_session().get(self._base + path, params=arguments, timeout=self._timeout))

    @staticmethod
    def _answer(answer: requests.Response) -> Json:
        if answer.status_code != 200:
            said = answer.json().get("error") if answer.headers["Content-Type"] == "application/json" else answer.text
            raise NotThere(f"{answer.status_code}: {str(said)[:500]}")
        found: Json = answer.json()
        return found


def message_text(message: Json) -> str:
    """Everything readable on a message: its fallback text and all texts of its blocks."""
    return f"{message['text']}\n{render_text(message['blocks'])}"


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session


def _find(blocks: list[Json], name: str, block_id: str | None) -> tuple[Json, Json]:
    for block, element in elements(blocks):
        if name in (element.get("action_id"), block.get("block_id")) and block_id in (None, block.get("block_id")):
            return block, element
    raise NotThere(f"no field {name!r}; there are {[e.get('action_id') for _, e in elements(blocks)]}")


def _given(element: Json, value: Any) -> Json:
    name = "selected_option" if element["type"] == "overflow" else VALUE_OF[element["type"]][0]
    if name in ("selected_option", "selected_options"):
        labels = {option["text"]["text"]: option["value"] for option in _options(element)}

        def by_label(one: Any) -> Any:
            return labels.get(one, one) if isinstance(one, str) else one

        value = [by_label(one) for one in value] if isinstance(value, list | tuple) else by_label(value)
    return {name: value}


def _options(element: Json) -> list[Json]:
    groups = element.get("option_groups") or []
    return list(element.get("options") or []) + [option for group in groups for option in group["options"]]
