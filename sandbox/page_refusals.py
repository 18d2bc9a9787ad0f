"""Blocks that Slack would refuse, said in words: which block, what is wrong, and the JSON to look at."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs

from sandbox.traffic import Traffic

Json = dict[str, Any]
_POINTED = re.compile(r"^(?:\[ERROR\] )?(?P<what>.*?) ?\[json-pointer:(?P<pointer>[^\]]*)\]$")
_LIMIT = re.compile(r"(?:less than|no more than|at most|exceed) (\d+)")
_KEPT = 5


def refusals(traffic: Traffic, after: int) -> list[Json]:
    """The last faulty messages and views the app sent since an exchange, newest last, each as a sentence with JSON."""
    found = []
    for exchange in traffic.since(after, "slack"):
        if "json-pointer" not in exchange["response_body"]:
            continue
        answer = _json(exchange["response_body"])
        pointed = ((answer.get("response_metadata") or {}).get("messages") or []) + (answer.get("errors") or [])
        if pointed:
            sent = _sent(exchange["request_body"])
            sentence, part = explain(str(pointed[0]), sent)
            found.append({"number": exchange["number"], "text": sentence, "json": _pretty(part)})
    return found[-_KEPT:]


def explain(complaint: str, sent: Json) -> tuple[str, Any]:
    """The complaint in words, and the block it speaks of (or all that was sent)."""
    match = _POINTED.match(complaint)
    if match is None:
        return f"Slack would refuse this: {complaint}.", sent
    steps = match["pointer"].strip("/").split("/")
    at = _follow(sent, steps)
    block = re.search(r"(?:^|/)blocks/(\d+)", match["pointer"])
    part = _follow(sent, steps[: steps.index("blocks") + 2]) if block else sent
    where = f"block {int(block[1]) + 1}" if block else steps[-1]
    limit = _LIMIT.search(match["what"])
    if limit and isinstance(at, str):
        most = int(limit[1]) - ("less than" in match["what"])
        return f"Slack would refuse this: {where} has {len(at):,} of {most:,} characters.", part
    if limit and isinstance(at, list):
        return f"Slack would refuse this: {where} has {len(at):,} of {int(limit[1]):,} entries.", part
    return f"Slack would refuse this: {where}: {match['what']}.", part


def _sent(body: str) -> Json:
    """What the app sent, with its JSON inside a form unfolded."""
    given = _json(body)
    if not given:
        given = {name: values[0] for name, values in parse_qs(body).items()}
    return {name: _unfolded(value) for name, value in given.items()}


def _unfolded(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in "[{":
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _json(text: str) -> Json:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _follow(value: Any, steps: list[str]) -> Any:
    for step in steps:
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            return value
    return value


def _pretty(part: Any) -> str:
    return json.dumps(part, ensure_ascii=False, indent=2)[:6000]
