"""Logs: one JSON object per line on standard error, fixed wording, values as fields.

What must never be in a log is taken out at the last step, whoever wrote the line: secrets, bodies, addresses, and the
message of an exception, which could hold what somebody typed. Of an exception the type and the places remain.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from types import TracebackType
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

LEVELS = ("debug", "info", "warning", "error")
_LONGEST = 500
_MOST_FRAMES = 12

_HIDDEN_FIELDS = re.compile(
    r"token|secret|password|authori[sz]ation|cookie|signature|\bbody\b|payload|response_url", re.I
)
_ADDRESS = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_SECRETS = re.compile(
    r"xox[a-z]-[\w-]+|xapp-[\w-]+|(?i:bearer|basic)\s+[\w.~+/=-]{8,}|eyJ[\w-]+\.[\w-]+\.[\w-]*|(?<=://)[^/@\s]+:[^/@\s]+(?=@)"
    r"|/d/[\w.~-]{16,}|https://hooks\.slack\.com/\S+"
)


def configure(level: str = "info", stream: TextIO | None = None) -> None:
    """Send everything, the libraries' logs included, to `stream` as JSON lines from `level` on."""
    number = {name: getattr(logging, name.upper()) for name in LEVELS}[level]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        places,
        harmless,
    ]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    logging.captureWarnings(True)
    for noisy in ("apscheduler", "werkzeug", "waitress.queue", "urllib3", "msal", "alembic"):
        logging.getLogger(noisy).setLevel(max(number, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def places(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """An exception as its type and where it happened, without its message."""
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["error_type"] = type(error).__name__
        event["at"] = _frames(error.__traceback__)
        cause = error.__cause__ or error.__context__
        if cause is not None:
            event["because"] = type(cause).__name__
    event.pop("stack_info", None)
    return event


def _frames(trace: TracebackType | None) -> list[str]:
    frames = []
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return frames[-_MOST_FRAMES:]


def harmless(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """The line without secrets, bodies and addresses."""
    cleaned = _clean(event)
    assert isinstance(cleaned, MutableMapping)  # noqa: S101  (a mapping stays one)
    return cleaned


def _clean(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        text = _SECRETS.sub("(hidden)", _ADDRESS.sub("(address)", value))
        return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
    if isinstance(value, Mapping) and depth < 4:
        return {
            key: "(hidden)" if isinstance(key, str) and _HIDDEN_FIELDS.search(key) else _clean(one, depth + 1)
            for key, one in value.items()
        }
    if isinstance(value, list | tuple) and depth < 4:
        return [_clean(one, depth + 1) for one in value]
    return value
