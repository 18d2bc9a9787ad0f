"""What an agent sent, told apart by its first sign: XML, or JSON of one of three kinds. Pure."""

from __future__ import annotations

import json
from typing import Any

from workflows.inventory.dialects import fusion, glpi, osquery
from workflows.inventory.report import Report, TooMuch, Unreadable

Message = fusion.Request | glpi.Contact | Report
#: Brackets within brackets; an inventory has five.
DEEPEST = 20


def read(text: bytes, agent: str = "", agent_id: str = "") -> Message:
    """The message; `agent` and `agent_id` are the headers User-Agent and GLPI-Agent-ID. Raises Unreadable."""
    start = text[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        raise Unreadable("The message is empty.")
    if start[:1] == b"<" or start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return fusion.read(text.lstrip(b" \t\r\n"), agent, agent_id)
    if start[:1] not in (b"{", b"["):
        raise Unreadable("The message is neither XML nor JSON, compressed or not.")
    body = _json(text)
    if osquery.is_osquery(body):
        return osquery.read(body)
    if osquery.is_fleet(body):
        return osquery.fleet(body)
    return glpi.read(body, agent, agent_id)


def _json(text: bytes) -> dict[str, Any]:
    try:
        line = text.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("The JSON is not UTF-8.") from None
    _bound(line)
    try:
        body = json.loads(line)
    except RecursionError:
        raise Unreadable(f"The JSON is nested deeper than {DEEPEST} levels. No agent writes such JSON.") from None
    except ValueError:
        if not line.rstrip().endswith(("}", "]")):
            raise Unreadable("The message was cut off on its way: its JSON ends early. Send it again.") from None
        raise Unreadable("The message is not JSON that can be read.") from None
    if not isinstance(body, dict):
        raise Unreadable("The message is a list, and an agent sends an object.")
    return body


def _bound(line: str) -> None:
    """Refuse JSON that would become far more in memory than it is as text: small parts by the million."""
    if line.count("{") + line.count("[") > 200_000 or line.count(",") > 2_000_000:
        raise TooMuch("The JSON has more parts than the inventory of any machine.")


__all__ = ["Message", "read"]
