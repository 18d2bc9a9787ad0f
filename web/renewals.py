"""`/renewals/<id>`: one renewal with everything behind it, for somebody whom a signed address was given to.

The address is changed for a cookie at once, so that it stands in no history and no screenshot. The page only shows:
decisions are made in the message, or behind the link of a mail.
"""

from __future__ import annotations

from io import BytesIO

from flask import Flask, Response, make_response, redirect, render_template, request, send_file, url_for
from markupsafe import Markup
from sqlalchemy import Connection

from licensing.forecast import whole
from licensing.money import with_period
from licensing.words import and_more, day, plural
from web.deps import WebDeps
from web.words import instant, zone_words
from workflows.facts import PersonFacts
from workflows.permissions import Access, Page, access, licence_managers, parts_of
from workflows.reads.renewal_brief import brief
from workflows.reads.renewal_facts import BriefFacts, ProductFacts
from workflows.reads.renewal_page import HOLDERS_SHOWN, Rows, papers, rows_of, story
from workflows.renewals import draw, pages, proof_files
from workflows.renewals.notices import draft
from workflows.renewals.renewal import UNDECIDED

COOKIE = "seatkeeper_renewals"
HOURS = 12
NO_ADDRESS = "This page opens by an address of your own."
HOW = "In Slack, open the menu of the renewal's message and choose “Open in dashboard”."
_DECISIONS = {"cancel": "Cancel", "reduce": "Fewer units", "true_up": "True-up or statement"}


def mount(app: Flask, deps: WebDeps) -> None:
    """Add the page."""

    def shown(renewal_id: int) -> Response:
        now = deps.now()
        if "key" in request.args:
            return _let_in(deps, renewal_id, request.args["key"])
        with deps.database.reading() as connection:
            person = pages.reader(connection, deps.link_key, request.cookies.get(COOKIE, ""), now)
            if person is None:
                return _said(401, NO_ADDRESS, HOW)
            facts = brief(connection, deps.rules().policy, renewal_id, now, forecast="always")
            if facts is None:
                return _said(404, "There is no renewal of this number.")
            if not pages.may_see(connection, person.id, person.roles, facts):
                return _said(403, "This renewal is shown to those who look after licences.", _who_can(connection))
            return make_response(_page(connection, deps, person, facts))

    def proof(renewal_id: int, file_id: int) -> Response:
        now = deps.now()
        with deps.database.reading() as connection:
            person = pages.reader(connection, deps.link_key, request.cookies.get(COOKIE, ""), now)
            facts = brief(connection, deps.rules().policy, renewal_id, now, forecast="never") if person else None
            if person is None or facts is None or not pages.may_see(connection, person.id, person.roles, facts):
                return _said(401 if person is None else 403, NO_ADDRESS, HOW)
            found = proof_files.content_of(connection, renewal_id, file_id)
        if found is None:
            return _said(404, "There is no file of this number.")
        name, content = found
        answer = send_file(  # never shown in the page: whatever it holds stays a file
            BytesIO(content), "application/octet-stream", as_attachment=True, download_name=name
        )
        answer.headers["X-Robots-Tag"] = "noindex, nofollow"
        return answer

    app.add_url_rule("/renewals/<int:renewal_id>", "renewal", shown, methods=["GET"])
    app.add_url_rule("/renewals/<int:renewal_id>/files/<int:file_id>", "renewal_file", proof, methods=["GET"])


def _let_in(deps: WebDeps, renewal_id: int, token: str) -> Response:
    """Keep the address as a cookie and show the page under its plain name."""
    with deps.database.reading() as connection:
        if pages.reader(connection, deps.link_key, token, deps.now()) is None:
            return _said(401, "This address is not one of ours, or it has run out.", HOW)
    answer = make_response(redirect(url_for("renewal", renewal_id=renewal_id), 303))
    answer.set_cookie(
        COOKIE, token, max_age=HOURS * 3600, path="/renewals", secure=deps.https, httponly=True, samesite="Lax"
    )
    return answer


def _said(status: int, heading: str, *lines: str) -> Response:
    answer = make_response(render_template("said.html", title="Renewal", heading=heading, lines=lines))
    answer.status_code = status
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer


def _who_can(connection: Connection) -> str:
    names = licence_managers(connection)
    return f"{and_more(list(names), 3)} can show you." if names else "IT can say who they are."


def _page(connection: Connection, deps: WebDeps, person: PersonFacts, facts: BriefFacts) -> str:
    names = access(Page.PEOPLE, parts_of(person.roles)) >= Access.READ
    zone = person.time_zone
    today = deps.now().date()
    chart = Markup(draw.svg(facts.chart)) if facts.chart is not None else None  # noqa: S704  drawn here, names escaped
    return render_template(
        "renewal.html",
        facts=facts,
        heading=_heading(facts),
        state=_state(facts),
        verdict=_verdict(facts),
        dates=[
            {
                "decision": _DECISIONS[one.decision.value],
                "on": day(one.on),
                "left": plural((one.on - today).days, "day") if one.on >= today else "passed",
                "why": one.why,
                "window": f"{day(one.not_before)} to {day(one.not_after)}" if one.not_before else day(one.not_after),
                "what": one.what,
                "source": one.source,
                "confirmed": one.confirmed,
            }
            for one in facts.due.dates
        ],
        products=[_product(one, rows_of(connection, one, names=names)) for one in facts.products],
        total=str(facts.money.total),
        saves=str(facts.saves_a_year) if facts.saves_a_year else "nothing",
        budget=str(facts.money.budget or f"not known: {facts.money.budget_unknown}"),
        most=HOLDERS_SHOWN,
        chart=chart,
        months=_months(facts),
        letter=draft(facts).text if facts.decision is not None else "",
        files=proof_files.kept(connection, facts.id),
        papers=papers(connection, facts.id),
        story=[(instant(one.at, zone), one.who, one.what) for one in story(connection, facts)],
        decided_at=instant(facts.decision.at, zone) if facts.decision is not None else "",
        verified_at=instant(facts.decision.verified_at, zone)
        if facts.decision is not None and facts.decision.verified_at is not None
        else "",
        open=facts.state in UNDECIDED,
        day=day,
        instant=lambda at: instant(at, zone),
        who=person.name,
        zone=zone_words(zone),
        as_of=instant(deps.now(), zone),
    )


def _heading(facts: BriefFacts) -> str:
    if facts.reviewed:
        return f"{facts.name}{f' and {len(facts.products) - 1} more' if facts.several else ''}: to look at this quarter"
    by = f"decide by {day(facts.decide_by)}" if facts.decide_by is not None else "no date to decide by"
    more = f" and {len(facts.products) - 1} more" if facts.several else ""
    return f"{facts.name}{more}: {by}"


def _state(facts: BriefFacts) -> str:
    """One sentence on where it stands."""
    verdict = _verdict(facts)
    if facts.reviewed and facts.undecided:
        return "Terms of a month or less: each goes on until it is cancelled with the vendor."
    words = {
        "open": "Nobody has decided.",
        "briefed": "Nobody has decided.",
        "deferred": f"Put off to {day(facts.deferred_until)}." if facts.deferred_until is not None else "Put off.",
        "decided": f"Decided, others have to agree: {verdict}.",
        "proof_awaited": f"Red: decided, not yet done: {verdict}. Proof is missing.",
        "done": f"Done: {verdict}.",
        "missed": f"Too late to change. {facts.words}",
        "rolled_over": f"The next term began by itself. {facts.words}",
        "dropped": f"Closed. {facts.words}",
    }
    return words[facts.state.value].strip()


def _verdict(facts: BriefFacts) -> str:
    """ "reduce Copilot to 34"; "" while nothing is decided."""
    decision = facts.decision
    if decision is None:
        return ""
    to = f" to {decision.quantity:,}" if decision.quantity is not None else ""
    of = f" {decision.product}" if decision.product else ""
    return f"{decision.verdict}{of}{to}"


def _product(one: ProductFacts, rows: Rows) -> dict[str, object]:
    """A product's figures in words, "not known" where nobody can say, and the rows behind them."""
    use = one.use

    def figure(value: int | None) -> str:
        return f"{value:,}" if value is not None else "not known"

    return {
        "name": one.name[:1].upper() + one.name[1:],
        "bought": figure(one.quantity) if one.quantity is not None else "no number",
        "in_use": figure(use.in_use) if use.least is None else f"at least {use.least:,}",
        "idle": f"{figure(use.idle)}{f', not known {use.unknown:,}' if use.idle is not None and use.unknown else ''}",
        "free": f"{use.short:,} short" if use.short else figure(use.free),
        "would_do": figure(one.suggested),
        "why": str(one.suggestion) if one.suggestion is not None else one.suggestion_unknown,
        "next_costs": str(one.next_costs),
        "saves": str(one.saves_a_year) if one.reducible and one.saves_a_year is not None else "",
        "rows": rows,
        "purchases": [
            {
                "reference": each.reference or "no number",
                "quantity": figure(each.quantity),
                "price": with_period(each.unit_price, each.cycle) if each.unit_price is not None else "not known",
                "term": f"{day(each.starts_on)} to {day(each.ends_on) if each.ends_on else 'no end'}",
                "proof": each.proof,
            }
            for each in rows.purchases
        ],
    }


def _months(facts: BriefFacts) -> list[tuple[str, str, str]]:
    """The chart as a table: month, in use, or the forecast with its interval."""
    if facts.outlook is None:
        return []
    seen = [(f"{one.first:%Y-%m}", f"{one.seats:,}", "") for one in facts.outlook.history]
    ahead = [
        (f"{one.first:%Y-%m}", "", f"{whole(one.seats):,} (likely {whole(one.low):,} to {whole(one.high):,})")
        for one in facts.outlook.forecast.ahead
    ]
    return [*seen, *ahead]
