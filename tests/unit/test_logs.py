"""A log line is one JSON object and holds no secret, no address, no body and nothing an exception's message says."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from bot import logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    kept = (root.handlers[:], root.level, structlog.get_config())
    out = io.StringIO()
    logs.configure("debug", out)
    yield out
    root.handlers[:] = kept[0]
    root.setLevel(kept[1])
    structlog.configure(**kept[2])
    logging.captureWarnings(False)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_time_level_and_request(stream: io.StringIO) -> None:
    structlog.contextvars.bind_contextvars(request_id="abc")
    structlog.get_logger("bot.test").info("seat removed", request=42, sku="E5")
    structlog.contextvars.clear_contextvars()
    (line,) = lines(stream)
    assert {key: line[key] for key in ("event", "request", "sku", "level", "request_id")} == {
        "event": "seat removed", "request": 42, "sku": "E5", "level": "info", "request_id": "abc"
    }  # fmt: skip
    assert line["timestamp"].endswith("Z")


def test_what_must_not_be_there_is_not(stream: io.StringIO) -> None:
    log = structlog.get_logger("bot.test")
    log.warning(
        "refused ana@acme.example",
        address="smtp://user:secret@mail.example",
        authorization="Bearer abc",
        header="Bearer abcdefghijkl",
        slack="xoxb-example-1234",
        path="/d/AAAAAAAAAAAAAAAAAAAAAAAA",
        payload={"text": "private"},
        nested={"list": ["ben@acme.example", {"api_token": "t0ken"}]},
    )
    text = stream.getvalue()
    for secret in ("acme.example", "secret", "abc", "xoxb", "AAAA", "private", "t0ken"):
        assert secret not in text, secret
    assert lines(stream)[0]["nested"]["list"][0] == "(address)"


def test_an_exception_is_its_type_and_places(stream: io.StringIO) -> None:
    for log in (structlog.get_logger("bot.test"), logging.getLogger("some.library")):
        try:
            raise ValueError("typed by ana: my salary")
        except ValueError:
            log.exception("job broke")
    ours, theirs = lines(stream)
    assert "salary" not in stream.getvalue()
    for line in (ours, theirs):
        assert line["event"] == "job broke" and line["error_type"] == "ValueError"
        assert line["at"][-1].startswith("test_logs.py:")
