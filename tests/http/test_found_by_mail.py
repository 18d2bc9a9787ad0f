"""Software found on the device of somebody without Slack: asked by mail, answered on the page; else the manager is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from sqlalchemy import select, update

from jobs.tables import JobState
from model.alerts import AlertPlace, AlertState, RedAlert
from model.people import Device, Person
from model.requests import Card, LicenceRequest, RequestLine, SignedLink
from tests.http import alert_acts as acts
from tests.http.mail_desk import browser, deliver, link
from tests.http.smtp_standin import Post, posting
from tests.http.web_company import NOW, Company, found
from tests.http.web_server import Web, serving
from workflows import quiet
from workflows.alerts import looks
from workflows.cards import CardKind
from workflows.policies import ActiveRules


@pytest.fixture
def company(sqlite_url: str) -> Iterator[Company]:
    """Ben and Pia have no Slack account; Ben's manager is Mia."""
    made = found(sqlite_url)
    yield made
    made.database.dispose()


@pytest.fixture
def post() -> Iterator[Post]:
    with posting() as running:
        yield running


@pytest.fixture
def web(company: Company) -> Iterator[Web]:
    with serving(company) as running:
        yield running


def seen(company: Company, *names: str, person: int | None = None) -> int:
    """Titles without a licence on a laptop of Ben's, looked at; his newest card."""
    owner = company.ben if person is None else person
    with company.database.unit_of_work() as work:
        if work.connection.execute(select(Device.id)).first() is None:
            acts.accepted(work, NOW)
            acts.device(work, "LYO-0231", owner, NOW)
        device_id = work.connection.execute(select(Device.id)).scalar_one()
        for name in names:
            _, title_id = acts.product(work, name.lower(), name, NOW)
            acts.installed(work, device_id, title_id, NOW)
        work.commit()
    look(company)
    return newest(company, owner)


def look(company: Company) -> None:
    with company.database.unit_of_work() as work:
        looks.look(work, ActiveRules(company.database, mail=True)(), None, NOW)
        work.commit()


def newest(company: Company, person_id: int) -> int:
    query = select(Card.id).where(Card.kind == CardKind.FOUND, Card.audience == f"person:{person_id}")
    with company.database.reading() as connection:
        return connection.execute(query.order_by(Card.id.desc()).limit(1)).scalar_one()


def answers(company: Company) -> list[tuple[str, str]]:
    with company.database.reading() as connection:
        rows = connection.execute(select(AlertPlace.answer, AlertPlace.words).order_by(AlertPlace.id))
        return [(row.answer, row.words) for row in rows]


def used(company: Company) -> bool:
    with company.database.reading() as connection:
        return connection.execute(select(SignedLink.used_at)).scalar() is not None


def places(page: requests.Response) -> list[str]:
    return list(dict.fromkeys(re.findall(r'name="place" value="(\d+)"', page.text)))


def test_the_question_comes_by_mail_and_its_link_takes_all_three_answers(
    company: Company, web: Web, post: Post
) -> None:
    card = seen(company, "AutoCAD", "Camtasia", "Visio")
    assert deliver(company, card, post.url).state == JobState.DONE
    (mail,) = post.mails
    assert (mail["To"], mail["Subject"]) == ("Ben Okafor <ben@acme.example>", "Software on your device")
    body: Any = mail.get_body(("plain",))
    text = body.get_content()
    assert "3 programs on your devices need an answer." in text and "AutoCAD on laptop LYO-0231" in text
    path = link(company, card, company.ben)
    assert path in text
    with browser(web, path) as press:
        first, second, third = places(press.page)
        for words in ("Ask for a licence", "I will remove it", "That is not right", "AutoCAD", "Camtasia", "Visio"):
            assert words in press.page.text
        page = press("found_remove", place=first)
        assert "The next scan checks" in page.text and "2 more need an answer below." in page.text
        assert places(page) == [second, third] and not used(company)
        page = press("found_not_right", place=second, reason="part_of", words="It came with the scanner.")
        assert "1 more needs an answer below." in page.text
        page = press("found_ask_licence", place=third, why="Plans of the Lyon office are drawn in it.")
        assert "This closes by itself when there is a licence." in page.text and used(company)
    assert answers(company) == [("remove", ""), ("part_of", "It came with the scanner."), ("ask", "")]
    with company.database.reading() as connection:
        request = connection.execute(select(*LicenceRequest.__table__.c)).one()
        asked_for = connection.execute(select(AlertPlace.request_id).where(AlertPlace.answer == "ask")).scalar()
    assert request.requester_id == company.ben and request.id == asked_for
    assert request.reason.endswith("(found on LYO-0231)") and request.details["name"] == "Visio"


def test_a_product_with_tiers_is_asked_for_as_one_the_company_owns(company: Company, web: Web) -> None:
    """AutoCAD was found; the register says that it is the Miro that can be ordered."""
    card = seen(company, "AutoCAD")
    with company.database.unit_of_work() as work:
        work.connection.execute(update(RedAlert).values(product_id=company.miro))
        work.commit()
    with browser(web, link(company, card, company.ben)) as press:
        (place,) = places(press.page)
        page = press("found_ask_licence", place=place, why="Short.")
        assert page.status_code == 422 and "10 characters" in page.text and answers(company) == [("", "")]
        assert press("found_ask_licence", place=place, why="Boards for the Lyon office move.").status_code == 200
    with company.database.reading() as connection:
        assert connection.execute(select(LicenceRequest.product_id)).scalar() == company.miro
        assert connection.execute(select(RequestLine.person_id)).scalar() == company.ben


def test_a_request_from_the_form_is_named_by_the_question_it_answers(company: Company) -> None:
    seen(company, "AutoCAD", "Camtasia")
    with company.database.unit_of_work() as work:
        work.connection.execute(update(RedAlert).where(RedAlert.id == 1).values(product_id=company.miro))
        work.connection.execute(update(AlertPlace).values(answer="ask", answered_at=NOW))
        work.commit()
    others = company.ask(company.miro, by=company.ana, key="v1")
    request = company.ask(company.miro, by=company.ben, key="v2")
    with company.database.reading() as connection:
        stored = list(connection.execute(select(AlertPlace.request_id).order_by(AlertPlace.alert_id)).scalars())
    assert stored == [request, None] and others != request


def test_what_is_not_asked_here_is_refused_and_changes_nothing(company: Company, web: Web) -> None:
    card = seen(company, "AutoCAD")
    with browser(web, link(company, card, company.ben)) as press:
        (place,) = places(press.page)
        for fields in ({}, {"place": "0"}, {"place": "99"}, {"place": "x" * 30}):
            assert press("found_remove", **fields).status_code == 409
        assert press("found_not_right", place=place, reason="ask").status_code == 422
        assert press("approve", place=place).status_code == 409
        assert answers(company) == [("", "")]
        with company.database.unit_of_work() as work:
            work.connection.execute(update(RedAlert).values(state=AlertState.CLOSED, closed_at=NOW))
            work.commit()
        assert press("found_remove", place=place).status_code == 409 and not used(company)


@pytest.mark.parametrize("why", ["mail is off", "no address"])
def test_without_slack_and_mail_the_manager_is_asked_the_same(company: Company, web: Web, post: Post, why: str) -> None:
    card = seen(company, "AutoCAD")
    if why == "no address":
        with company.database.unit_of_work() as work:
            work.connection.execute(update(Person).where(Person.id == company.ben).values(email=""))
            work.commit()
    assert deliver(company, card, "" if why == "mail is off" else post.url).state == JobState.DONE
    assert not post.mails
    asked = newest(company, company.mia)
    with browser(web, link(company, asked, company.mia)) as press:
        said = press.page.text
        assert "AutoCAD is on Ben Okafor" in said and "Ben has neither Slack nor mail here, so you are asked." in said
        (place,) = places(press.page)
        assert "They remove it" in said and "Not their device" in said
        assert "Thank you" in press("found_not_right", place=place, reason="not_mine").text
    with company.database.reading() as connection:
        assert connection.execute(select(Device.person_id)).scalar() is None
    again = deliver(company, asked, "")
    assert again.state == JobState.DONE, "an answered question is not asked higher up"


def test_nobody_above_is_asked_twice_and_it_waits_for_a_person(company: Company) -> None:
    card = seen(company, "AutoCAD")
    assert deliver(company, card, "").state == JobState.DONE
    parked = deliver(company, newest(company, company.mia), "")
    assert parked.state == JobState.PARKED and "set SMTP_URL" in parked.error
    pia = company.pia
    with company.database.unit_of_work() as work:
        work.connection.execute(update(Device).values(person_id=pia))
        work.commit()
    look(company)
    assert deliver(company, newest(company, pia), "").state == JobState.PARKED, "Pia has no manager"


def test_what_is_found_after_the_mail_waits_for_its_own_day(company: Company, post: Post) -> None:
    first = seen(company, "AutoCAD")
    assert deliver(company, first, post.url).state == JobState.DONE
    second = seen(company, "Camtasia")
    assert second != first
    rules = ActiveRules(company.database)().policy
    with company.database.reading() as connection:
        reader = quiet.reader(connection, company.ben, rules, NOW, before=second)
    assert reader.software_today
    verdict = quiet.when(CardKind.FOUND, reader, rules.messages, NOW)
    assert isinstance(verdict, quiet.At) and verdict.at.date() == NOW.date() + timedelta(days=1)
