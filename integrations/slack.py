"""Outbound Slack: post, change, open and look up, with typed results. Nothing here retries or sleeps.

slack_sdk repeats a dropped connection once by itself, posts included, which shows a message twice; so each client is
built with `retry_handlers=[]` and a lost answer to a post is `Unclear`. Text and blocks always go together, because an
update with text alone deletes the blocks.
"""

from __future__ import annotations

import http.client
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookClient

from integrations.errors import NotFound, RateLimited, Refused, Transient, Unclear
from integrations.http import quiet_libraries, retry_after, utc_now
from integrations.slack_errors import SYSTEM, from_answer, from_code, from_transport, webhook_word
from integrations.slack_files import fetch_file, send_file

Blocks = Sequence[Mapping[str, Any]]
View = Mapping[str, Any]

UPDATE_TEXT_LIMIT = 4000  # chat.update refuses more; chat.postMessage advises it
LISTENER_TIMEOUT = 2  # seconds: a listener must ack within three


@dataclass(frozen=True)
class Posted:
    """Where the message is now; `channel` is the D… id when it was sent to a person."""

    channel: str
    ts: str


@dataclass(frozen=True)
class Updated:
    channel: str
    ts: str


@dataclass(frozen=True)
class MessageGone:
    """The message was deleted; nothing to update."""


@dataclass(frozen=True)
class OpenView:
    """An open window: its id for later updates, its hash against late writers."""

    view_id: str
    hash: str


@dataclass(frozen=True)
class Published:
    """The Home tab as it now is; pass the hash next time."""

    hash: str


@dataclass(frozen=True)
class HashConflict:
    """Somebody wrote meanwhile: rebuild from current data."""


@dataclass(frozen=True)
class SlackPerson:
    """A member of the workspace; `email` is None for bots and without the scope users:read.email."""

    id: str
    email: str | None
    name: str
    tz: str | None
    deleted: bool
    is_bot: bool


@dataclass(frozen=True)
class PeoplePage:
    people: tuple[SlackPerson, ...]
    next_cursor: str | None


@dataclass(frozen=True)
class Identity:
    """Whose token this is and what it may do."""

    team_id: str
    team: str
    user_id: str
    bot_id: str | None
    url: str
    scopes: frozenset[str]


@dataclass(frozen=True)
class SlackChannel:
    id: str
    name: str
    is_member: bool
    is_archived: bool
    is_private: bool


class SlackClient:
    """One workspace's Web API. Safe for several threads: slack_sdk opens a connection per call.

    Raises `Transient`, `RateLimited`, `NotFound`, `Refused` (`fatal` when our own token is dead) or, for what cannot
    be repeated without showing twice, `Unclear`.
    """

    def __init__(
        self,
        token: str,
        base_url: str = "https://slack.com/api/",
        *,
        timeout: int = 15,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        quiet_libraries()
        quiet = logging.getLogger("slack_sdk.seatkeeper")
        quiet.setLevel(logging.CRITICAL)  # its debug lines hold message bodies, its error lines answer bodies
        address = base_url.rstrip("/") + "/"
        self._base_url = address
        self._timeout = timeout
        self._now = now
        self._client = WebClient(token=token, base_url=address, timeout=timeout, retry_handlers=[], logger=quiet)
        self._quick = WebClient(
            token=token, base_url=address, timeout=LISTENER_TIMEOUT, retry_handlers=[], logger=quiet
        )
        self._quiet = quiet

    # -- messages --------------------------------------------------------------------------------------------------

    def post_message(self, channel: str, text: str, blocks: Blocks, thread_ts: str | None = None) -> Posted:
        """Send to a channel or, by user id, to a person. A lost answer is `Unclear`: it may have been shown."""
        answer = self._call(
            "post message",
            lambda: self._client.chat_postMessage(
                channel=channel,
                text=shortened(text),
                blocks=_plain(blocks),
                thread_ts=thread_ts,
                unfurl_links=False,
                unfurl_media=False,
            ),
            repeatable=False,
        )
        return Posted(str(answer["channel"]), str(answer["ts"]))

    def update_message(self, channel: str, ts: str, text: str, blocks: Blocks) -> Updated | MessageGone:
        """Rewrite a message of ours; `channel` must be the one that `Posted` named."""
        try:
            answer = self._call(
                "update message",
                lambda: self._client.chat_update(channel=channel, ts=ts, text=shortened(text), blocks=_plain(blocks)),
                repeatable=True,
            )
        except NotFound as error:
            if error.detail == _GONE:
                return MessageGone()
            raise
        return Updated(str(answer["channel"]), str(answer["ts"]))

    def upload_picture(self, name: str, content: bytes, alt: str) -> str:
        """Keep a PNG with Slack, shared nowhere, for an image block of ours; returns its file id.

        Needs files:write (`Refused`, code "missing_scope", without it). Repeating leaves a copy that nobody sees.
        """
        announced = self._call(
            "announce picture",
            lambda: self._client.files_getUploadURLExternal(filename=name, length=len(content), alt_txt=alt[:1000]),
            repeatable=True,
        )
        send_file(str(announced["upload_url"]), content, self._timeout, self._now)
        file_id = str(announced["file_id"])
        self._call(
            "keep picture",
            lambda: self._client.files_completeUploadExternal(files=[{"id": file_id, "title": name}]),
            repeatable=True,
        )
        return file_id

    def read_file(self, file_id: str, most: int) -> bytes:
        """What a person attached to a form of ours, at most so many bytes; needs files:read. Raises as `fetch_file`."""
        answer = self._call("look up file", lambda: self._client.files_info(file=file_id), repeatable=True)
        return fetch_file(answer["file"], most, str(self._client.token), self._base_url, self._timeout)

    def post_ephemeral(self, channel: str, user_id: str, text: str, blocks: Blocks) -> None:
        """Show something to one member of a channel; it is not kept and must not be the only copy."""
        self._call(
            "post ephemeral",
            lambda: self._client.chat_postEphemeral(
                channel=channel, user=user_id, text=shortened(text), blocks=_plain(blocks)
            ),
            repeatable=False,
        )

    def respond(self, response_url: str, text: str, blocks: Blocks, replace_original: bool) -> None:
        """Answer a press by its response_url (5 uses in 30 minutes); used up or expired is `NotFound`."""
        operation = "respond"
        self._check_response_url(response_url, operation)
        hook = WebhookClient(response_url, timeout=self._timeout, retry_handlers=[], logger=self._quiet)
        try:
            answer = hook.send(
                text=shortened(text),
                blocks=_plain(blocks),
                replace_original=replace_original,
                response_type=None if replace_original else "ephemeral",
            )
        except (OSError, http.client.HTTPException) as error:
            raise from_transport(error, operation, repeatable=replace_original) from None
        if answer.status_code == 429:
            wait = retry_after(answer.headers, self._now())
            raise RateLimited(SYSTEM, operation, "asks us to wait", retry_after=wait)
        if answer.status_code >= 500:
            kind = Transient if replace_original else Unclear
            raise kind(SYSTEM, operation, f"answered {answer.status_code}")
        if answer.status_code != 200:
            raise from_code(webhook_word(answer.status_code, answer.body or ""), operation)
        if "<html" in (answer.body or "").lower():
            kind = Transient if replace_original else Unclear
            raise kind(SYSTEM, operation, "the answer is not Slack's")

    # -- windows and Home ------------------------------------------------------------------------------------------

    def open_view(self, trigger_id: str, view: View) -> OpenView:
        """Open a window within the press's three seconds; two are allowed for the call."""
        return self._view(
            "open view", lambda: self._quick.views_open(trigger_id=trigger_id, view=dict(view)), repeatable=False
        )

    def push_view(self, trigger_id: str, view: View) -> OpenView:
        """Open a window on top of the present one (three at most)."""
        return self._view(
            "push view", lambda: self._quick.views_push(trigger_id=trigger_id, view=dict(view)), repeatable=False
        )

    def update_view(self, view_id: str, view: View, hash: str | None = None) -> OpenView | HashConflict:
        """Rewrite an open window; with a hash a late writer gets `HashConflict`. A closed window is `NotFound`.

        Somebody waits for it with a thread of the server: two seconds, as for opening one.
        """
        try:
            return self._view(
                "update view",
                lambda: self._quick.views_update(view_id=view_id, view=dict(view), hash=hash),
                repeatable=True,
            )
        except Refused as error:
            if error.code == "hash_conflict":
                return HashConflict()
            raise

    def publish_home(self, user_id: str, view: View, hash: str | None = None) -> Published | HashConflict:
        """Write a person's Home tab."""
        try:
            opened = self._view(
                "publish home",
                lambda: self._client.views_publish(user_id=user_id, view=dict(view), hash=hash),
                repeatable=True,
            )
        except Refused as error:
            if error.code == "hash_conflict":
                return HashConflict()
            raise
        return Published(opened.hash)

    # -- people, channels, ourselves -------------------------------------------------------------------------------

    def find_by_email(self, email: str) -> SlackPerson | None:
        """The member with this address, or None."""
        try:
            answer = self._call("find person", lambda: self._client.users_lookupByEmail(email=email), repeatable=True)
        except NotFound:
            return None
        return _person(answer["user"])

    def person(self, user_id: str) -> SlackPerson:
        """One member, with the time zone."""
        answer = self._call("read person", lambda: self._client.users_info(user=user_id), repeatable=True)
        return _person(answer["user"])

    def people_page(self, cursor: str | None = None, limit: int = 200) -> PeoplePage:
        """One page of members, for a job that must be able to go on where it was asked to wait."""
        answer = self._call("list people", lambda: self._client.users_list(cursor=cursor, limit=limit), repeatable=True)
        return PeoplePage(tuple(_person(member) for member in answer.get("members") or []), _next_cursor(answer))

    def list_people(self, limit: int = 200) -> Iterator[SlackPerson]:
        """All members, deactivated ones and bots included."""
        cursor: str | None = None
        while True:
            page = self.people_page(cursor, limit)
            yield from page.people
            if page.next_cursor is None or page.next_cursor == cursor:
                return
            cursor = page.next_cursor

    def channel(self, channel_id: str) -> SlackChannel:
        """A channel by id; `NotFound` when it is hidden from the bot."""
        answer = self._call(
            "read channel", lambda: self._client.conversations_info(channel=channel_id), repeatable=True
        )
        return _channel(answer["channel"])

    def find_channel(self, name: str) -> SlackChannel | None:
        """A channel by name (with or without #), or None. Reads all pages: for set-up and `doctor` only."""
        wanted = name.removeprefix("#").lower()
        cursor: str | None = None
        while True:
            answer = self._call(
                "list channels",
                partial(
                    self._client.conversations_list,
                    cursor=cursor,
                    limit=200,
                    exclude_archived=True,
                    types="public_channel,private_channel",
                ),
                repeatable=True,
            )
            for facts in answer.get("channels") or []:
                if str(facts.get("name", "")).lower() == wanted:
                    return _channel(facts)
            following = _next_cursor(answer)
            if following is None or following == cursor:
                return None
            cursor = following

    def auth_test(self) -> Identity:
        """Whose token this is, with its scopes as Slack's header states them."""
        answer = self._call("check token", lambda: self._client.auth_test(), repeatable=True)
        headers = {key.lower(): value for key, value in answer.headers.items()}
        scopes = frozenset(part.strip() for part in headers.get("x-oauth-scopes", "").split(",") if part.strip())
        return Identity(
            team_id=str(answer.get("team_id") or ""),
            team=str(answer.get("team") or ""),
            user_id=str(answer.get("user_id") or ""),
            bot_id=answer.get("bot_id"),
            url=str(answer.get("url") or ""),
            scopes=scopes,
        )

    # -- one call --------------------------------------------------------------------------------------------------

    def _view(self, operation: str, call: Callable[[], SlackResponse], *, repeatable: bool) -> OpenView:
        answer = self._call(operation, call, repeatable=repeatable)
        view = answer["view"]
        return OpenView(str(view["id"]), str(view.get("hash") or ""))

    def _call(self, operation: str, call: Callable[[], SlackResponse], *, repeatable: bool) -> SlackResponse:
        try:
            return call()
        except SlackApiError as error:
            raise from_answer(error, operation, repeatable=repeatable, now=self._now()) from None
        except (OSError, http.client.HTTPException, UnicodeDecodeError) as error:
            raise from_transport(error, operation, repeatable=repeatable) from None

    def _check_response_url(self, url: str, operation: str) -> None:
        """It came with a signed request, yet it is an address to call: https, or our own configured host."""
        asked, ours = urlsplit(url), urlsplit(self._base_url)
        if asked.scheme != "https" and (asked.scheme, asked.netloc) != (ours.scheme, ours.netloc):
            raise Refused(SYSTEM, operation, "the button's answer address is not Slack's", code="foreign_link")


_GONE = "the message is gone"


def shortened(text: str, limit: int = UPDATE_TEXT_LIMIT) -> str:
    """Text within Slack's limit, cut before an escaped entity rather than through it, ending in an ellipsis."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    ampersand = cut.rfind("&", len(cut) - 5)
    if ampersand != -1 and ";" not in cut[ampersand:]:
        cut = cut[:ampersand]
    return cut + "…"


def _plain(blocks: Blocks) -> list[dict[str, Any]]:
    return [dict(block) for block in blocks]


def _next_cursor(answer: SlackResponse) -> str | None:
    metadata: Mapping[str, Any] = answer.get("response_metadata") or {}
    return str(metadata.get("next_cursor") or "") or None


def _person(user: Mapping[str, Any]) -> SlackPerson:
    profile: Mapping[str, Any] = user.get("profile") or {}
    name = profile.get("real_name") or user.get("real_name") or profile.get("display_name") or user.get("name") or ""
    return SlackPerson(
        id=str(user["id"]),
        email=str(profile["email"]) if profile.get("email") else None,
        name=str(name),
        tz=str(user["tz"]) if user.get("tz") else None,
        deleted=bool(user.get("deleted")),
        is_bot=bool(user.get("is_bot")) or user["id"] == "USLACKBOT",
    )


def _channel(facts: Mapping[str, Any]) -> SlackChannel:
    return SlackChannel(
        id=str(facts["id"]),
        name=str(facts.get("name") or ""),
        is_member=bool(facts.get("is_member")),
        is_archived=bool(facts.get("is_archived")),
        is_private=bool(facts.get("is_private")),
    )
