"""`/calendar/<token>.ics`: a person's renewals for their own calendar program, which signs in nowhere.

The address is the secret; an unknown one and an ended one answer alike.
"""

from __future__ import annotations

from flask import Flask, Response, abort, make_response

from web.deps import WebDeps
from workflows.renewals import calendar, pages


def mount(app: Flask, deps: WebDeps) -> None:
    """Add the address."""

    def feed(token: str) -> Response:
        now = deps.now()
        with deps.database.reading() as connection:
            reader = calendar.reader(connection, deps.link_key, token)
            if reader is None:
                abort(404)
            rows = calendar.own_rows(connection, deps.rules().policy, reader.person_id, now)

        def page(renewal_id: int) -> str:
            return pages.address(deps.base_url, deps.link_key, renewal_id, reader.person_id, now)

        answer = make_response(calendar.ics(rows, now, page))
        answer.headers["Content-Type"] = "text/calendar; charset=utf-8"
        answer.headers["Content-Disposition"] = 'inline; filename="renewals.ics"'
        return answer

    app.add_url_rule("/calendar/<token>.ics", "calendar", feed, methods=["GET"])
