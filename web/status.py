"""`/`: a small honest page for the operator. What is connected, what is not, what waits for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from flask import Flask, render_template, request
from markupsafe import Markup

from licensing.words import day, plural
from web.deps import WebDeps, is_loopback
from web.guard import check_token
from web.health import not_ready
from web.words import instant, status_words
from workflows.reads import operations

#: Lines of what happens next.
MOST = 5


def mount(app: Flask, deps: WebDeps) -> None:
    """Add the page."""

    def index() -> str:
        if not _from_here(deps):
            check_token(deps, "Basic")
        now = deps.now()
        missing = not_ready(deps)
        if missing:
            return render_template("status.html", missing=missing, off=deps.off)
        with deps.database.reading() as connection:
            measures = operations.measures(connection, now)
            policy = operations.policy_in_force(connection)
            parked = operations.parked(connection)
            ahead = operations.coming(connection, now, 500)
            coming = _lines([one for one in ahead if not one.repeats and one.at > now])
            people = operations.staff(connection)
        in_force = ""
        if policy is not None:
            since = f", since {day(policy[1].date())}" if policy[1] else ""
            in_force = f"Version {policy[0]}{since}"
        return render_template(
            "status.html",
            missing=(),
            off=deps.off,
            policy=in_force,
            people=plural(people, "person", "people"),
            requests=[(status_words(name), count) for name, count in sorted(measures.requests.items())],
            parked=[(one.words, plural(len(one.ids), "piece") + " of work", instant(one.first_at)) for one in parked],
            coming=coming,
            unsealed=measures.unsealed,
        )

    app.add_url_rule("/", "index", index)


def _lines(ahead: Sequence[operations.Coming]) -> list[tuple[str, Markup]]:
    """The next few pieces of work, the same words in the same minute as one line with their number."""
    same = Counter((one.words, one.at.replace(second=0, microsecond=0)) for one in ahead)
    lines = [(f"{words} ({count:,} times)" if count > 1 else words, at) for (words, at), count in same.items()]
    return [(words, instant(at)) for words, at in lines[:MOST]]


def _from_here(deps: WebDeps) -> bool:
    """Whether the caller sits at this machine: only where we are published nowhere else, and never for another name.

    Behind a proxy every caller comes from here, and a web page elsewhere can make a browser ask under its own name.
    """
    host = request.host.rpartition(":")[0] if ":" in request.host else request.host
    forwarded = any(name in request.headers for name in ("Forwarded", "X-Forwarded-For", "X-Real-IP"))
    return deps.only_here and not forwarded and is_loopback(request.remote_addr or "") and is_loopback(host.strip("[]"))
