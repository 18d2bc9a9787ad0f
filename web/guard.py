"""Who may call, and what may be asked: bearer tokens, and parameters that are refused in a sentence when unknown."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flask import Request, request
from werkzeug.exceptions import HTTPException

from web.deps import WebDeps

P = ParamSpec("P")
R = TypeVar("R")


class Wrong(HTTPException):
    """A request that gets a status and a sentence in the one error shape."""

    def __init__(self, status: int, code: str, sentence: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.code = status
        self.word = code
        self.headers = dict(headers or {})


def holds_token(asked: Request, token: str) -> bool:
    """Whether the request carries the token: as a bearer, or as the password of Basic. Compared in constant time."""
    given = asked.authorization
    if given is None:
        return False
    if given.type == "bearer":
        value = given.token or ""
    elif given.type == "basic":
        value = given.password or ""
    else:
        return False
    return hmac.compare_digest(value.encode("utf-8", "replace"), token.encode())


def need_token(deps: WebDeps) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A decorator: 404 while no token is set, 401 without the right one."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            check_token(deps)
            return view(*args, **kwargs)

        return checked

    return decorate


def check_token(deps: WebDeps, scheme: str = "Bearer") -> None:
    """Raises Wrong unless the request carries API_TOKEN."""
    if not deps.api_token:
        raise Wrong(404, "off", "This is switched off. Set API_TOKEN to switch it on.")
    if not holds_token(request, deps.api_token):
        challenge = {"WWW-Authenticate": f'{scheme} realm="Seatkeeper"'}
        raise Wrong(401, "token", "A token is needed: send API_TOKEN as a bearer token.", challenge)


def parameters(**known: str | int) -> dict[str, Any]:
    """The query's parameters by name; `known` gives the defaults, whose type counts. Raises Wrong for any other."""
    for name in request.args:
        if name not in known:
            there = f" Known are: {', '.join(known)}." if known else ""
            raise Wrong(400, "unknown_parameter", f"There is no parameter {name[:40]!r} here.{there}")
        if len(request.args.getlist(name)) > 1:
            raise Wrong(400, "repeated_parameter", f"The parameter {name!r} is given more than once.")
    return {name: _read(name, default) for name, default in known.items()}


def _read(name: str, default: str | int) -> str | int:
    text = request.args.get(name)
    if text is None:
        return default
    if isinstance(default, str):
        return text
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise Wrong(400, "not_a_number", f"The parameter {name!r} must be a whole number; it says {text[:40]!r}.")
    return int(text)


def whole(name: str, value: int, low: int, high: int) -> int:
    """`value` when it lies within; raises Wrong."""
    if not low <= value <= high:
        raise Wrong(400, "out_of_range", f"The parameter {name!r} must be {low:,} to {high:,}; it says {value:,}.")
    return value
