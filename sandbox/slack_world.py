"""The workspace as it stands: people, channels, messages, views, tickets of interaction. Everything lives in the Store.

Compound changes take the store's lock; nothing here talks to the app, so nothing here ever waits while holding it.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sandbox.clock import SandboxClock
from sandbox.slack_values import Json, fresh_values
from sandbox.store import Store

TRIGGER_LIFE = timedelta(seconds=3)
RESPONSE_URL_LIFE = timedelta(minutes=30)
RESPONSE_URL_USES = 5
VIEW_STACK = 3
FORGET_EVERY = 500


class SlackError(Exception):
    """Slack's `error` code, with the further fields of its answer."""

    def __init__(self, code: str, status: int = 200, headers: dict[str, str] | None = None, **more: Any) -> None:
        super().__init__(code)
        self.code = code
        self.status = status
        self.headers = headers or {}
        self.more = more


@dataclass(frozen=True)
class App:
    """The one app installed: its ids and secrets. Scopes are those of the bot token."""

    bot_token: str
    app_token: str
    signing_secret: str
    scopes: frozenset[str]
    team_id: str = "T0SANDBOX"
    team_domain: str = "sandbox"
    app_id: str = "A0SANDBOX"
    bot_id: str = "B0SANDBOX"
    bot_user_id: str = "U0SANDBOX"
    name: str = "Seatkeeper"
    verification_token: str = "example-verification-token"
    commands: frozenset[str] | None = None
    shortcuts: frozenset[str] | None = None


@dataclass
class Settings:
    """Switches of the workspace and the app's configuration; `request_url` may come later."""

    request_url: str | None = None
    socket_mode: bool = False
    messages_tab_enabled: bool = True
    enforce_channel_rate: bool = False
    channel_burst: int = 1
    refuse_deactivated: bool = False


class Changes:
    """A number that grows with every change; across restarts too, since it starts at the time of day."""

    def __init__(self) -> None:
        self._number = int(time.time() * 1000)
        self._condition = threading.Condition()

    @property
    def number(self) -> int:
        with self._condition:
            return self._number

    def bump(self) -> None:
        with self._condition:
            self._number += 1
            self._condition.notify_all()

    def wait(self, since: int, seconds: float) -> int:
        """The number as soon as it is above `since`, or as it stands after `seconds`."""
        with self._condition:
            self._condition.wait_for(lambda: self._number > since, timeout=seconds)
            return self._number


@dataclass
class World:
    """The workspace's state and its rules."""

    store: Store
    clock: SandboxClock
    app: App
    settings: Settings = field(default_factory=Settings)
    changes: Changes = field(default_factory=Changes)

    def __post_init__(self) -> None:
        self.store.watch(lambda kind, key: self.changes.bump() if kind.startswith("slack.") else None)

    # -- seeding ---------------------------------------------------------------------------------------------------

    def add_user(
        self,
        id: str,
        name: str,
        real_name: str,
        email: str,
        tz: str = "Europe/Berlin",
        title: str = "",
        deleted: bool = False,
    ) -> Json:
        """A member of the workspace, or a changed one. `deleted` is Slack's word for deactivated."""
        user = {
            "id": id,
            "name": name,
            "real_name": real_name,
            "email": email,
            "tz": tz,
            "title": title,
            "deleted": deleted,
        }
        self.store.put("slack.user", id, user)
        return user

    def add_channel(
        self,
        id: str,
        name: str,
        members: Iterable[str],
        private: bool = False,
        *,
        bot: bool = True,
        archived: bool = False,
    ) -> Json:
        """A channel; the bot is a member unless told otherwise."""
        people = list(dict.fromkeys(members))
        channel = {
            "id": id,
            "name": name,
            "members": people + ([self.app.bot_user_id] if bot else []),
            "kind": "private_channel" if private else "public_channel",
            "archived": archived,
            "created": int(self.now().timestamp()),
        }
        self.store.put("slack.channel", id, channel)
        return channel

    # -- time and ids ----------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        return self.clock.now()

    def next_ts(self) -> str:
        """A message's time stamp: unique and growing, as Slack's are."""
        with self.store.lock:
            last = (self.store.get("slack.meta", "ts") or {"microseconds": 0})["microseconds"]
            fresh = max(int(self.now().timestamp() * 1_000_000), last + 1)
            self.store.put("slack.meta", "ts", {"microseconds": fresh})
        return f"{fresh // 1_000_000}.{fresh % 1_000_000:06d}"

    def new_id(self, prefix: str) -> str:
        return prefix + "".join(secrets.choice("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789") for _ in range(10))

    # -- people and channels ---------------------------------------------------------------------------------------

    def user(self, user_id: str) -> Json | None:
        return self.store.get("slack.user", user_id)

    def need_person(self, user_id: str) -> Json:
        """A person who can act; PersonError in a sentence otherwise."""
        user = self.user(user_id)
        if user is None:
            raise PersonError(f"There is nobody with the id {user_id}.")
        if user["deleted"]:
            raise PersonError(f"{user['real_name']} is deactivated and cannot act in Slack.")
        return user

    def channel(self, channel_id: str) -> Json | None:
        return self.store.get("slack.channel", channel_id)

    def direct(self, user_id: str) -> Json:
        """The conversation between the app and a person, opened when missing."""
        with self.store.lock:
            known = self.store.get("slack.direct", user_id)
            if known:
                return self.channel(known["id"]) or {}
            channel: Json = {
                "id": self.new_id("D0"),
                "name": "directmessage",
                "kind": "im",
                "user": user_id,
                "members": [user_id, self.app.bot_user_id],
                "archived": False,
                "created": int(self.now().timestamp()),
            }
            self.store.put("slack.channel", channel["id"], channel)
            self.store.put("slack.direct", user_id, {"id": channel["id"]})
            return channel

    # -- messages --------------------------------------------------------------------------------------------------

    def message(self, channel: str, ts: str) -> Json | None:
        found = self.store.get("slack.message", f"{channel}:{ts}")
        return None if found is None or found.get("deleted") else found

    def save_message(self, message: Json) -> None:
        self.store.put("slack.message", f"{message['channel']}:{message['ts']}", message)

    def post(self, channel: str, text: str, blocks: list[Json], **more: Any) -> Json:
        """A new message of the app; `more` may hold thread_ts, metadata, ephemeral_for, reply_broadcast."""
        with self.store.lock:
            ts = self.next_ts()
            message: Json = {
                "type": "message",
                "user": self.app.bot_user_id,
                "bot_id": self.app.bot_id,
                "app_id": self.app.app_id,
                "team": self.app.team_id,
                "channel": channel,
                "ts": ts,
                "text": text[:40_000],
                "blocks": self.with_block_ids(blocks),
                "history": [],
            }
            message |= {name: value for name, value in more.items() if value not in (None, False)}
            self.save_message(message)
            return message

    def rewrite(self, message: Json, text: str, blocks: list[Json], metadata: Json | None = None) -> Json:
        """Replace text and blocks; what stood there goes to `history` (which Slack itself does not keep)."""
        with self.store.lock:
            message["history"].append(
                {"at": self.now().isoformat(), "text": message["text"], "blocks": message["blocks"]}
            )
            message["text"], message["blocks"] = text, self.with_block_ids(blocks)
            if metadata is not None:
                message["metadata"] = metadata
            message["updated_at"] = self.now().isoformat()
            if not blocks:
                message["edited"] = {"user": self.app.bot_user_id, "ts": f"{self.now().timestamp():.6f}"}
            self.save_message(message)
            return message

    def erase(self, message: Json) -> None:
        with self.store.lock:
            message["deleted"] = True
            self.save_message(message)

    def with_block_ids(self, blocks: list[Json]) -> list[Json]:
        """Slack names the blocks and elements the app left unnamed."""
        named = []
        for block in blocks:
            block = {**block, "block_id": block.get("block_id") or secrets.token_urlsafe(4)}
            if block["type"] == "actions":
                block["elements"] = [self._with_action_id(one) for one in block["elements"]]
            for place in ("accessory", "element"):
                if isinstance(block.get(place), dict) and block[place].get("type") != "image":
                    block[place] = self._with_action_id(block[place])
            named.append(block)
        return named

    def _with_action_id(self, element: Json) -> Json:
        return {**element, "action_id": element.get("action_id") or secrets.token_urlsafe(4)}

    # -- tickets of interaction ------------------------------------------------------------------------------------

    def new_trigger(self, user_id: str) -> str:
        if self.store.next_number("slack.trigger") % FORGET_EVERY == 0:
            self._forget_old_tickets()
        trigger = f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self.store.put("slack.trigger", trigger, {"user": user_id, "used": False, "at": self.now().isoformat()})
        return trigger

    def _forget_old_tickets(self) -> None:
        """Drop triggers and response URLs of more than an hour ago; an app gets the same refusal in other words."""
        with self.store.lock:
            for kind in ("slack.trigger", "slack.response_url"):
                for key in self.store.keys(kind):
                    known = self.store.get(kind, key)
                    if known and self.now() - datetime.fromisoformat(known["at"]) > timedelta(hours=1):
                        self.store.drop(kind, key)

    def use_trigger(self, trigger: str) -> str:
        """The person of a fresh trigger; SlackError for an unknown, used or old one."""
        with self.store.lock:
            known = self.store.get("slack.trigger", trigger)
            if known is None:
                raise SlackError("invalid_trigger_id")
            if known["used"]:
                raise SlackError("exchanged_trigger_id")
            if self.now() - datetime.fromisoformat(known["at"]) > TRIGGER_LIFE:
                raise SlackError("expired_trigger_id")
            self.store.put("slack.trigger", trigger, known | {"used": True})
            return str(known["user"])

    def new_response_url(self, base: str, user: str, channel: str, message: Json | None) -> str:
        key = secrets.token_urlsafe(18)
        self.store.put(
            "slack.response_url",
            key,
            {
                "key": key,
                "user": user,
                "channel": channel,
                "uses": 0,
                "at": self.now().isoformat(),
                "ts": message["ts"] if message else None,
                "thread_ts": (message or {}).get("thread_ts"),
            },
        )
        return f"{base}/actions/{self.app.team_id}/{key}"

    def use_response_url(self, key: str) -> Json:
        with self.store.lock:
            known = self.store.get("slack.response_url", key)
            if known is None:
                raise SlackError("invalid_url", 404)
            if self.now() - datetime.fromisoformat(known["at"]) > RESPONSE_URL_LIFE:
                raise SlackError("expired_url", 404)
            if known["uses"] >= RESPONSE_URL_USES:
                raise SlackError("used_url", 404)
            self.store.put("slack.response_url", key, known | {"uses": known["uses"] + 1})
            return known

    # -- views -----------------------------------------------------------------------------------------------------

    def stack(self, user_id: str) -> list[str]:
        """Ids of the person's open modals, the top one last."""
        return list((self.store.get("slack.stack", user_id) or {"views": []})["views"])

    def set_stack(self, user_id: str, views: list[str]) -> None:
        self.store.put("slack.stack", user_id, {"views": views})

    def view(self, view_id: str) -> Json | None:
        return self.store.get("slack.view", view_id)

    def home(self, user_id: str) -> Json | None:
        known = self.store.get("slack.home", user_id)
        return self.view(known["id"]) if known else None

    def new_view(self, spec: Json, user_id: str, previous: Json | None = None) -> Json:
        """A stored view made from what the app sent, with ids, hash and the values its elements start with."""
        view_id = self.new_id("V0")
        view = self.filled(
            spec,
            {
                "id": view_id,
                "team_id": self.app.team_id,
                "app_id": self.app.app_id,
                "bot_id": self.app.bot_id,
                "app_installed_team_id": self.app.team_id,
                "previous_view_id": previous["id"] if previous else None,
                "root_view_id": previous["root_view_id"] if previous else view_id,
                "_user": user_id,
                "_errors": {},
                "_offered": {},
            },
            {},
        )
        self.store.put("slack.view", view_id, view)
        return view

    def filled(self, spec: Json, kept: Json, typed: Json) -> Json:
        """`spec` in Slack's full shape; `typed` values survive where block_id and action_id are unchanged."""
        blocks = self.with_block_ids(spec["blocks"])
        return kept | {
            "type": spec["type"],
            "blocks": blocks,
            "private_metadata": spec.get("private_metadata") or "",
            "callback_id": spec.get("callback_id") or "",
            "external_id": spec.get("external_id") or "",
            "title": spec.get("title"),
            "submit": spec.get("submit"),
            "close": spec.get("close"),
            "clear_on_close": bool(spec.get("clear_on_close")),
            "notify_on_close": bool(spec.get("notify_on_close")),
            "state": {"values": fresh_values(blocks, typed)},
            "hash": f"{int(time.time())}.{secrets.token_hex(4)}",
        }

    def save_view(self, view: Json) -> None:
        self.store.put("slack.view", view["id"], view)

    # -- what the person is told by the client itself --------------------------------------------------------------

    def toast(self, user_id: str, sentence: str, detail: str = "") -> Json:
        """A line the Slack client shows by itself, such as a command that timed out; the last 20 are kept."""
        with self.store.lock:
            number = self.store.next_number("slack.toast")
            known = (self.store.get("slack.toasts", user_id) or {"toasts": []})["toasts"]
            fresh = {"number": number, "at": self.now().isoformat(), "text": sentence, "detail": detail}
            self.store.put("slack.toasts", user_id, {"toasts": [*known, fresh][-20:]})
            return fresh


class PersonError(Exception):
    """What a Slack client would not let this person do; the message is the sentence."""
