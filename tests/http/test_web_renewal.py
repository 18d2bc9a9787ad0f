"""/renewals/<id> over a real socket: who gets in, what stands on it, and nothing for whoever has no address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from html import unescape

import pytest
import requests
from icalendar import Calendar
from sqlalchemy import select

from model.contracts import Contract
from model.people import Person, Role, RoleGrant
from model.renewals import Renewal
from tests.http.web_company import NOW, found
from tests.http.web_server import KEY, Web, serving
from tests.unit.import_desk import Desk
from workflows.renewals import calendar, night, pages
from workflows.renewals import decide as decisions
from workflows.renewals import proof as proofs
from workflows.renewals.decide import Asked, Verdict

HEADS = "email,name,department\nowner@example.test,Olga Vrba,Design\nana2@example.test,Ana <b>Holder</b>,Sales"


@pytest.fixture
def web(sqlite_url: str) -> Iterator[Web]:
    with to_renew(sqlite_url) as opened:
        yield opened


@contextmanager
def to_renew(url: str) -> Iterator[Web]:
    """A service with a contract of two products that has to be decided by 29 Jan 2027."""
    company = found(url)
    desk = Desk(company.database)
    desk.take("people", HEADS)
    desk.take(
        "contracts",
        """
        number,vendor,starts_on,ends_on,notice,auto_renew,owner,commit_floor
        K-1,Northwind,2026-04-01,2027-03-31,2 months,yes,owner@example.test,10
        """,
    )
    desk.take(
        "entitlements",
        """
        reference,product,metric,quantity,unit_price,currency,starts_on,ends_on,contract
        PO-1,Whiteboard,named_user,40,336.00,EUR,2026-04-01,2027-03-31,K-1
        PO-2,Diagrams,named_user,10,162.00,EUR,2026-04-01,2027-03-31,K-1
        """,
    )
    desk.take("seats", "product,person,since\nWhiteboard,ana2@example.test,2026-05-01")
    night.run(company.database, company.rules, NOW)
    with serving(company) as opened:
        yield opened
    company.database.dispose()


def person(web: Web, email: str) -> int:
    desk = Desk(web.company.database)
    return int(next(number for number, address in desk.rows(Person, "id", "email") if address == email))


def renewal(web: Web) -> int:
    with web.company.database.reading() as connection:
        found: int = connection.execute(
            select(Renewal.id).join(Contract, Contract.id == Renewal.contract_id).where(Contract.number == "K-1")
        ).scalar_one()
    return found


def browse(web: Web, person_id: int, until: date | None = None, number: int | None = None) -> requests.Response:
    """Open the address as a browser does: the cookie is kept, the way is followed."""
    with requests.Session() as session:
        token = pages.token_for(KEY, person_id, until or NOW.date() + timedelta(days=1))
        return session.get(f"{web.url}/renewals/{number or renewal(web)}?key={token}", timeout=20)


def words(answer: requests.Response) -> str:
    """What a reader sees, without markup."""
    text = re.sub(r"<svg.*?</svg>", "", answer.text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", text)))


def test_its_owner_reads_dates_figures_rows_and_story(web: Web) -> None:
    answer = browse(web, person(web, "owner@example.test"))
    assert answer.status_code == 200 and "key=" not in answer.url
    seen = words(answer)
    for part in (
        "Whiteboard and 1 more: decide by 29 Jan 2027",
        "Nobody has decided.",
        "Cancel 29 Jan 2027 (31 Jan 2027 is a Sunday) 67 days 31 Jan 2027 notice of 2 months",
        "The next term as it is: €15,060.00.",
        "Whiteboard 40 1 not known 39 1 €13,440.00",
        "The contract allows no fewer than 10 in all.",
        "PO-1 40 €336.00 a seat a year 1 Apr 2026 to 31 Mar 2027",
        "1 person has a seat",
        "Who they are is shown to licence managers, IT and auditors.",
        "Opened for the end on 31 Mar 2027; decide by 29 Jan 2027, by the calendar",
        "For Olga Vrba alone.",
    ):
        assert part in seen, (part, seen)
    assert "Holder" not in seen
    assert "<svg" in answer.text and "no-store" in answer.headers["Cache-Control"]


def test_a_licence_manager_sees_who_has_a_seat_and_names_stay_text(web: Web) -> None:
    answer = browse(web, web.company.dara)
    assert answer.status_code == 200
    assert "Ana <b>Holder</b>" in unescape(answer.text) and "<b>Holder" not in answer.text


def test_nobody_else_gets_in_and_hears_who_can_show_it(web: Web) -> None:
    no_address = requests.get(f"{web.url}/renewals/{renewal(web)}", timeout=10)
    assert no_address.status_code == 401 and "Open in dashboard" in unescape(no_address.text)
    ended = browse(web, web.company.dara, until=NOW.date() - timedelta(days=1))
    assert ended.status_code == 401 and "has run out" in ended.text
    forged = requests.get(f"{web.url}/renewals/1?key={web.company.dara}.20270101.{'x' * 43}", timeout=10)
    assert forged.status_code == 401
    other = browse(web, web.company.ana)
    assert other.status_code == 403 and "can show you" in other.text
    assert browse(web, web.company.dara, number=4711).status_code == 404


def test_an_address_lets_one_in_where_a_role_was_given_since(web: Web) -> None:
    """Rights are read at each visit, not kept in the address."""
    assert browse(web, web.company.ana).status_code == 403
    with web.company.database.unit_of_work() as work:
        work.session.add(RoleGrant(person_id=web.company.ana, role=Role.AUDITOR, began_at=NOW))
        work.commit()
    assert browse(web, web.company.ana).status_code == 200


def test_of_terms_of_a_month_it_says_that_nothing_is_decided_here(web: Web) -> None:
    desk = Desk(web.company.database)
    head = "number,vendor,starts_on,ends_on,notice,auto_renew,owner\n"
    desk.take("contracts", f"{head}M-1,Southwind,2026-11-01,2026-11-30,,yes,owner@example.test")
    night.run(web.company.database, web.company.rules, NOW)
    (number,) = [one for one, occasion in desk.rows(Renewal, "id", "occasion") if occasion == "review"]
    seen = words(browse(web, person(web, "owner@example.test"), number=number))
    for part in (
        "Southwind, M-1: to look at this quarter",
        "Terms of a month or less: each goes on until it is cancelled with the vendor.",
        "Nothing is decided here: change or cancel it with the vendor, then correct the register.",
    ):
        assert part in seen, (part, seen)
    assert "The term ends on" not in seen


def test_a_decision_and_its_proof_stand_on_it(web: Web) -> None:
    rules, number = web.company.rules, renewal(web)
    with web.company.database.unit_of_work() as work:
        decisions.decide(work, rules, number, None, web.company.dara, Asked(Verdict.CANCEL, words="Nobody draws."), NOW)
        work.commit()
    owner = person(web, "owner@example.test")
    answer = browse(web, owner)
    seen = words(answer)
    assert "<svg" in answer.text, "what it was decided on stays to be seen"
    assert "Red: decided, not yet done: cancel. Proof is missing." in seen and "Nobody draws." in seen
    given = proofs.Proof(owner, NOW.date(), "registered letter", "https://files.example/answer.pdf", "ab" * 32)
    with web.company.database.unit_of_work() as work:
        proofs.prove(work, rules, number, None, owner, given, NOW)
        work.commit()
    seen = words(browse(web, owner))
    assert "Sent on 23 Nov 2026 by Olga Vrba : registered letter" in seen
    assert "https://files.example/answer.pdf" in seen and "ab" * 32 in seen
    assert "Proved: sent on 23 Nov 2026 by Olga Vrba, Olga Vrba" in seen


def test_the_calendar_leads_to_it(web: Web) -> None:
    with web.company.database.unit_of_work() as work:
        token = calendar.token_of(
            work, KEY, calendar.person_of(work.connection, "owner@example.test"), "operator:test", NOW
        )
        work.commit()
    feed = requests.get(f"{web.url}/calendar/{token}.ics", timeout=10)
    (event,) = Calendar.from_ical(feed.content).walk("VEVENT")
    address = str(event["url"]).replace("http://127.0.0.1:8080", web.url)
    with requests.Session() as session:
        assert session.get(address, timeout=20).status_code == 200
