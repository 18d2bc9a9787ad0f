"""Where Slack's deliveries come in: what is too large, too odd or not signed never reaches a listener.

A form body is read here and not by Bolt, whose reader takes every body that holds the letters "payload" for an
interaction and so loses `/licence request payload tool`.
"""

from __future__ import annotations

import json
from binascii import a2b_qp
from typing import Any
from urllib.parse import parse_qsl

import structlog
from flask import Flask, Response, make_response, request
from slack_bolt import App, BoltRequest, BoltResponse
from slack_bolt.context import BoltContext
from slack_bolt.request.internals import build_context

from web.replays import Answered

log = structlog.get_logger(__name__)

PATH = "/slack/events"
#: A window is at most 250 kB as JSON; as a form every byte may take three.
LARGEST_BODY = 1_000_000
MOST_FIELDS = 100
#: Slack repeats an event up to three times, with this number in a header.
RETRIES = ("1", "2", "3")
ODD_SHAPE = "not shaped as Slack documents"
SEEN_BEFORE = "This delivery was answered already, so its copy changed nothing."


class Unreadable(ValueError):
    """The body is not what its content type says."""


def mount(flask_app: Flask, bolt_app: App) -> None:
    """Add POST /slack/events. Each delivery is answered once: see `web.replays`."""
    answered = Answered()

    def slack_events() -> Response:
        size = request.content_length
        if size is None or size > LARGEST_BODY:
            return _refused(413 if size else 411, "too large" if size else "no length")
        stamp = request.headers.get("X-Slack-Request-Timestamp", "")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
            return _refused(401, "the timestamp is no number")
        raw = request.get_data(cache=False)
        try:
            delivery = to_bolt(raw, request.content_type or "", dict(request.headers))
        except Unreadable as error:
            return _refused(400, str(error))
        key = _key(delivery)
        if not answered.take(key):
            return _refused(409, SEEN_BEFORE)
        kept = False
        try:
            made = bolt_app.dispatch(delivery)
            # what nobody signed is answered in one case, Slack's check of our certificate, and may come again
            kept = 200 <= made.status < 300 and bool(delivery.context.get("signed"))
        except (TypeError, AttributeError, KeyError, IndexError):
            if delivery.context.get("signed"):
                raise  # a listener's own trouble
            return _refused(400, ODD_SHAPE)  # Bolt reads into a body before it asks whether anybody signed it
        finally:
            if not kept:
                answered.give_up(key)
        return _answer(made)

    flask_app.add_url_rule(PATH, "slack_events", slack_events, methods=["POST"])


def _key(delivery: BoltRequest) -> str:
    """What tells one delivery from another: its signature, which covers timestamp and body.

    Slack's own retry of an event has the same body and says in a header, which is not signed, which retry it is; a
    retry within the same second has the same signature too. So each of its numbers is a delivery of its own, for events
    only: Slack repeats nothing else, and a repeated event tells us nothing new.
    """
    stamp, signature, number = (
        delivery.headers.get(f"x-slack-{name}", [""])[0] for name in ("request-timestamp", "signature", "retry-num")
    )
    retry = number if number in RETRIES and delivery.body.get("type") == "event_callback" else ""
    return f"{stamp} {signature} {retry}"


def to_bolt(raw: bytes, content_type: str, headers: dict[str, str]) -> BoltRequest:
    """The delivery as Bolt wants it, its raw body kept for the signature. Raises Unreadable."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("not UTF-8") from None
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json":
        body = _json(text)
    elif kind == "application/x-www-form-urlencoded":
        body = _form(text)
    else:
        raise Unreadable("neither a form nor JSON")
    delivery = BoltRequest(body="", headers=dict(headers))
    delivery.raw_body = text
    delivery.body = body
    try:
        delivery.context = build_context(BoltContext({}), body)
    except (TypeError, AttributeError, KeyError, IndexError):
        raise Unreadable(ODD_SHAPE) from None
    return delivery


def _form(text: str) -> dict[str, Any]:
    alone = _only_payload(text)
    if alone is not None:
        return _json(alone)
    try:
        fields = dict(
            parse_qsl(text, keep_blank_values=True, strict_parsing=True, max_num_fields=MOST_FIELDS, errors="strict")
        )
    except ValueError:
        raise Unreadable("not a form") from None
    # an interaction is one field; a command has a field of its own name and may say "payload" anywhere
    if "payload" in fields and "command" not in fields:
        return _json(fields["payload"])
    return fields


def _only_payload(text: str) -> str | None:
    """The value of a form that is `payload` and nothing else, None for any other and for anything unusual.

    A press carries a copy of its card, some ten thousand characters with a `%` at every fourth, and the reader of the
    standard library takes longer over them than the database over the decision (measured). Quoted-printable differs
    from form encoding in its sign alone, and its decoder is written in C.
    """
    if not text.startswith("payload=") or "&" in text or "\n" in text or "\r" in text or not text.isascii():
        return None
    value = text[len("payload=") :]
    read = a2b_qp(value.replace("=", "=3D").replace("+", " ").replace("%", "="))
    if len(read) != len(value) - 2 * value.count("%"):  # a stray "%" stays, and what follows it
        return None
    try:
        return read.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("not a form") from None


def _json(text: str) -> dict[str, Any]:
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        raise Unreadable("not JSON") from None
    if not isinstance(read, dict):
        raise Unreadable("not a JSON object")
    return read


def _refused(status: int, reason: str) -> Response:
    log.warning("delivery refused", reason=reason, status=status)
    return make_response({"error": reason}, status)


def _answer(made: BoltResponse) -> Response:
    answer = make_response(made.body, made.status)
    for name, values in made.headers.items():
        if name.lower() == "content-type":
            answer.headers.pop("Content-Type", None)
        for value in values:
            answer.headers.add(name, value)
    return answer
