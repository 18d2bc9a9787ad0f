"""Bytes to and from Slack beside its Web API: an upload takes no token, a download takes ours.

A download without the right is answered by a page to sign in, with status 200: what came is compared with what was
announced before it counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import requests

from integrations.errors import NotFound, Refused, Transient
from integrations.slack_errors import SYSTEM

OPERATION = "send picture"
READ = "read file"


def send_file(url: str, content: bytes, timeout: int, now: Callable[[], datetime]) -> None:
    """Raises Transient when the bytes may not have arrived (sending them again does no harm), else Refused."""
    try:
        answer = requests.post(
            url, data=content, headers={"Content-Type": "application/octet-stream"}, timeout=timeout,
            allow_redirects=False,
        )  # fmt: skip
    except requests.RequestException as error:
        raise Transient(SYSTEM, OPERATION, f"the connection broke: {type(error).__name__}") from None
    if answer.status_code == 429 or answer.status_code >= 500:
        raise Transient(SYSTEM, OPERATION, f"answered {answer.status_code}")
    if answer.status_code != 200:
        raise Refused(SYSTEM, OPERATION, f"the upload address answered {answer.status_code}", code="upload_refused")


def fetch_file(facts: Mapping[str, Any], most: int, token: str, base_url: str, timeout: int) -> bytes:
    """The bytes of a file as files.info describes it.

    Raises Refused ("too_large", "foreign_link", "missing_scope"), NotFound when it is gone, Transient else.
    """
    address, size = str(facts.get("url_private_download") or ""), int(facts.get("size") or 0)
    if size > most:
        raise Refused(SYSTEM, READ, f"it is larger than {most // 1_000_000} MB", code="too_large")
    if not _ours(address, base_url):  # our token goes nowhere else
        raise Refused(SYSTEM, READ, "Slack keeps it elsewhere; upload the file itself", code="foreign_link")
    try:
        answer = requests.get(
            address, headers={"Authorization": f"Bearer {token}"}, timeout=timeout, allow_redirects=False, stream=True
        )
        content = answer.raw.read(size + 1, decode_content=True) if answer.status_code == 200 else b""
        answer.close()
    except (requests.RequestException, OSError) as error:
        raise Transient(SYSTEM, READ, f"the connection broke: {type(error).__name__}") from None
    if answer.status_code == 429 or answer.status_code >= 500:
        raise Transient(SYSTEM, READ, f"answered {answer.status_code}")
    if answer.status_code == 404:
        raise NotFound(SYSTEM, READ, "the file is gone")
    if answer.status_code != 200 or len(content) != size:
        words = "Slack did not hand the file out; IT can see whether the app has the right files:read"
        raise Refused(SYSTEM, READ, words, code="missing_scope")
    return bytes(content)


def _ours(address: str, base_url: str) -> bool:
    """Whether an address is Slack's own, or of the very host that we were told to use for it."""
    asked, base = urlsplit(address), urlsplit(base_url)
    if (asked.scheme, asked.netloc) == (base.scheme, base.netloc):
        return True
    host = asked.hostname or ""
    return asked.scheme == "https" and (host == "slack.com" or host.endswith(".slack.com"))
