"""Slack's words and broken connections as our five errors, each refusal with something to do in it."""

from __future__ import annotations

import http.client
import socket
import ssl
import urllib.error
from datetime import UTC, datetime
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from integrations.errors import NotFound, RateLimited, Refused, Transient, Unclear
from integrations.slack import shortened
from integrations.slack_errors import FATAL, NOT_FOUND, REFUSED, from_answer, from_transport, webhook_word

NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Answer:
    """What SlackApiError carries."""

    def __init__(self, status: int, data: Any, headers: dict[str, str]) -> None:
        self.status_code, self.data, self.headers = status, data, headers

    def __str__(self) -> str:
        return "an answer"


def judged(status: int, data: Any, *, repeatable: bool = False, headers: dict[str, str] | None = None) -> Exception:
    error = SlackApiError("failed", Answer(status, data, headers or {}))
    return from_answer(error, "post message", repeatable=repeatable, now=NOW)


@pytest.mark.parametrize("code", sorted(NOT_FOUND))
def test_what_is_not_there(code: str) -> None:
    assert type(judged(200, {"ok": False, "error": code})) is NotFound


@pytest.mark.parametrize("code", sorted(FATAL))
def test_a_dead_token_is_fatal(code: str) -> None:
    error = judged(200, {"ok": False, "error": code})
    assert isinstance(error, Refused)
    assert error.fatal
    assert error.code == code


@pytest.mark.parametrize("code", sorted(REFUSED))
def test_refusals_have_a_sentence(code: str) -> None:
    error = judged(200, {"ok": False, "error": code})
    assert isinstance(error, Refused)
    assert not error.fatal
    assert error.detail != code
    assert len(error.detail) > 15


def test_a_word_we_do_not_know_is_refused_with_the_word() -> None:
    error = judged(200, {"ok": False, "error": "brand_new_word"})
    assert isinstance(error, Refused)
    assert "brand_new_word" in error.detail


def test_the_missing_scope_is_named() -> None:
    error = judged(200, {"ok": False, "error": "missing_scope", "needed": "chat:write", "provided": "commands"})
    assert "chat:write" in str(error)


@pytest.mark.parametrize(
    ("status", "data"), [(429, {"ok": False, "error": "ratelimited"}), (429, "x"), (200, {"error": "ratelimited"})]
)
def test_limits_tell_the_seconds(status: int, data: Any) -> None:
    error = judged(status, data, headers={"Retry-After": "30", "x-slack-req-id": "req-1"})
    assert isinstance(error, RateLimited)
    assert error.retry_after == 30
    assert error.request_id == "req-1"
    bare = judged(status, data)
    assert isinstance(bare, RateLimited)
    assert bare.retry_after is None


@pytest.mark.parametrize(
    ("status", "data"),
    [
        (500, {}),
        (503, "<html>"),
        (200, {"error": "internal_error"}),
        (200, {"error": "fatal_error"}),
        (200, {"error": "Received a response in a non-JSON format: <html>secret"}),
        (200, {}),
        (200, None),
    ],
)
def test_a_post_that_may_have_been_shown_is_unclear(status: int, data: Any) -> None:
    assert type(judged(status, data)) is Unclear
    assert type(judged(status, data, repeatable=True)) is Transient
    assert "secret" not in str(judged(status, data))


@pytest.mark.parametrize("code", ["service_unavailable", "request_timeout", "team_added_to_org"])
def test_what_slack_says_it_did_not_begin_is_safe_to_repeat(code: str) -> None:
    assert type(judged(200, {"error": code})) is Transient


@pytest.mark.parametrize(
    ("error", "once", "repeatable"),
    [
        (urllib.error.URLError(ConnectionRefusedError()), Transient, Transient),
        (urllib.error.URLError(socket.gaierror()), Transient, Transient),
        (urllib.error.URLError(TimeoutError()), Unclear, Transient),
        (urllib.error.URLError(ConnectionResetError()), Unclear, Transient),
        (urllib.error.URLError(ssl.SSLCertVerificationError()), Refused, Refused),
        (TimeoutError(), Unclear, Transient),
        (ConnectionResetError(), Unclear, Transient),
        (http.client.RemoteDisconnected("closed"), Unclear, Transient),
        (http.client.IncompleteRead(b""), Unclear, Transient),
    ],
)
def test_broken_connections(error: Exception, once: type[Exception], repeatable: type[Exception]) -> None:
    assert type(from_transport(error, "post message", repeatable=False)) is once
    assert type(from_transport(error, "update message", repeatable=True)) is repeatable


@pytest.mark.parametrize(
    ("status", "body", "word"),
    [
        (404, '{"ok":false,"error":"used_url"}', "used_url"),
        (404, "expired_url", "expired_url"),
        (404, "<html>", "expired_url"),
        (400, "<html>", "400"),
    ],
)
def test_the_words_of_an_answer_address(status: int, body: str, word: str) -> None:
    assert webhook_word(status, body) == word


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("short", 10, "short"),
        ("0123456789", 10, "0123456789"),
        ("0123456789x", 10, "012345678…"),
        ("01234&amp;89x", 10, "01234…"),
        ("0&amp;56789xyz", 10, "0&amp;567…"),
    ],
)
def test_text_is_cut_on_whole_entities(text: str, limit: int, short: str) -> None:
    assert shortened(text, limit) == short
