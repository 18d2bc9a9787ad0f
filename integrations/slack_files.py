"""The middle step of an upload to Slack: the bytes, to an address that Slack gave and that takes no token."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import requests

from integrations.errors import Refused, Transient
from integrations.slack_errors import SYSTEM

OPERATION = "send picture"


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
