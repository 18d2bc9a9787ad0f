"""GET /calendar/<token>.ics over a real socket: what a calendar program reads, and nothing without the address."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from icalendar import Calendar

from tests.http.web_company import NOW, found
from tests.http.web_server import KEY, Web, serving
from tests.unit.import_desk import Desk
from workflows.renewals import calendar


@pytest.fixture
def web(sqlite_url: str) -> Iterator[Web]:
    company = found(sqlite_url)
    desk = Desk(company.database)
    desk.take("people", "email,name\nowner@example.test,Olga Vrba")
    desk.take(
        "contracts",
        """
        number,vendor,starts_on,ends_on,notice,auto_renew,owner
        K-1,Northwind,2026-04-01,2027-03-31,2 months,yes,owner@example.test
        K-2,Southwind,2026-04-01,2027-03-31,1 month,yes,
        """,
    )
    with serving(company) as opened:
        yield opened
    company.database.dispose()


def address(web: Web, *, anew: bool = False) -> str:
    with web.company.database.unit_of_work() as work:
        made = calendar.token_of(
            work, KEY, calendar.person_of(work.connection, "owner@example.test"), "operator:test", NOW, anew=anew
        )
        work.commit()
    return f"{web.url}/calendar/{made}.ics"


def test_a_calendar_program_reads_its_persons_renewals(web: Web) -> None:
    answer = requests.get(address(web), timeout=10)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert "no-store" in answer.headers["Cache-Control"]
    (event,) = Calendar.from_ical(answer.content).walk("VEVENT")
    assert str(event["summary"]) == "Decide by 29 Jan 2027: Northwind, K-1"
    assert requests.head(address(web), timeout=10).status_code == 200


def test_an_unknown_and_an_ended_address_answer_alike(web: Web) -> None:
    old = address(web)
    address(web, anew=True)
    for gone in (old, f"{web.url}/calendar/{'x' * 43}.ics", f"{web.url}/calendar/short.ics"):
        answer = requests.get(gone, timeout=10)
        assert (answer.status_code, answer.json()["error"]["message"]) == (404, "There is nothing at this address.")
    assert requests.post(old, timeout=10).status_code == 405
