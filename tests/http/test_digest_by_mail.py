"""A digest that goes by mail has a link for each thing it asks, and mails count among the three of a day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from jobs.tables import JobState
from model.people import Person
from model.requests import ApproverState, Card, LicenceRequest, Status, StepApprover
from tests.http.delivery import Office, ask, office
from tests.http.mail_desk import browser, deliver
from tests.http.smtp_standin import Post, posting
from tests.http.web_company import NOW, Company, found
from tests.http.web_server import KEY, serving
from workflows import cards, links
from workflows.advance import advance
from workflows.cards import CardKind, person
from workflows.decide import Verdict, decide
from workflows.effects import ShowCard


@pytest.fixture
def place(database_url: str) -> Iterator[Office]:
    with office(database_url) as made:
        yield made


@pytest.fixture
def company(database_url: str) -> Iterator[Company]:
    made = found(database_url)
    with made.database.unit_of_work() as work:
        work.connection.execute(update(Person).where(Person.id == made.dara).values(manager_id=made.ben))
        work.commit()
    yield made
    made.database.dispose()


@pytest.fixture
def post() -> Iterator[Post]:
    with posting() as running:
        yield running


def digest_of(company: Company, *held: int) -> int:
    with company.database.unit_of_work() as work:
        facts = {"cards": list(held), "since": NOW.isoformat()}
        cards.new_card(work, CardKind.DIGEST, company.ben, cards.person(company.ben), NOW, facts=facts)
        made = work.connection.execute(select(func.max(Card.id))).scalar_one()
        work.commit()
    return int(made)


def test_a_digest_by_mail_has_a_link_for_each_thing_it_asks(company: Company, post: Post) -> None:
    """Four questions in the night: three came as mails, and the fourth was a row that nobody could answer."""
    company.ask(company.copilot, key="v1")
    first = company.approval_card(company.ben)
    second_request = company.ask(company.copilot, key="v2", by=company.dara)
    second = company.approval_card(company.ben)
    with company.database.unit_of_work() as work:  # two are one list beside the rows, each with one link
        cards.new_card(work, CardKind.DECISIONS, company.ben, cards.person(company.ben), NOW)
        both = work.connection.execute(select(func.max(Card.id))).scalar_one()
        work.commit()
    assert deliver(company, digest_of(company, first, second, both), post.url).state == JobState.DONE
    text = post.mails[0].get_body(("plain",)).get_content().replace("\r", "")  # type: ignore[union-attr]
    tokens = [links.token_for(KEY, one, company.ben) for one in (first, second)]
    assert text.count("/d/") == 2 and all(token in text for token in tokens)
    assert "Ana Lindqvist (Design) asks for Microsoft Copilot" in text and "Each link works once" in text
    assert post.mails[0]["Subject"] == "What waits for you"
    with serving(company) as web, browser(web, f"/d/{tokens[1]}") as press:
        assert press("approve").status_code == 200
    with company.database.reading() as connection:
        query = select(LicenceRequest.status).where(LicenceRequest.id == second_request)
        assert connection.execute(query).scalar() == Status.APPROVED
    deliver(company, digest_of(company, first, second), post.url)
    later = post.mails[1].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert tokens[0] in later and tokens[1] not in later, "what is settled is not asked"


def test_work_by_hand_in_a_digest_is_closed_by_its_link(company: Company, post: Post) -> None:
    request = company.ask(company.copilot, key="v1")
    with company.database.unit_of_work() as work:
        row = work.connection.execute(select(StepApprover.id)).scalar_one()
        decide(work, lambda: company.rules, row, None, company.ben, Verdict(True), NOW)
        work.commit()
    with company.database.unit_of_work() as work:
        work.connection.execute(update(Person).where(Person.id == company.dara).values(slack_id=None))
        advance(work, company.rules, request, NOW)
        task = work.connection.execute(select(Card.id).where(Card.kind == CardKind.TASK)).scalar_one()
        facts = {"cards": [task], "since": NOW.isoformat()}
        cards.new_card(work, CardKind.DIGEST, company.dara, cards.person(company.dara), NOW, facts=facts)
        digest = work.connection.execute(select(func.max(Card.id))).scalar_one()
        work.commit()
    assert deliver(company, digest, post.url).state == JobState.DONE
    with serving(company) as web, browser(web, f"/d/{links.token_for(KEY, task, company.dara)}") as press:
        assert "Done. Whoever asked is told." in press("task_done").text


def approvals(place: Office, *numbers: int) -> None:
    """More than the list begins at would be one list: each is asked for by itself."""
    for number in numbers:
        ask(place, number, approver=3)
        place.card(CardKind.APPROVAL, number, person(3), request_id=number)


@pytest.mark.parametrize("sent", [True, False])
def test_the_fourth_mail_of_a_day_is_held_for_the_digest(place: Office, sent: bool) -> None:
    """A mail has no place in Slack, so none was counted and every one went out; `sent`: before the fourth is asked."""
    approvals(place, 1, 2, 3)
    if sent:
        place.deliver()
        for card in place.cards():
            place.change(Card, card.id, by_mail_at=place.now)
        place.later(timedelta(hours=1))
    approvals(place, 4)
    place.deliver()
    assert [job.payload["card"] for job in place.jobs("card.mail")] == [1, 2, 3]
    assert [cards.HELD in (card.facts or {}) for card in place.cards()] == [False, False, False, True]
    place.later(timedelta(days=1))
    place.change(StepApprover, 1, state=ApproverState.ASKED, reminders=1)
    place.card(CardKind.APPROVAL, 1, person(3), request_id=1)
    place.deliver()
    assert {job.payload["card"] for job in place.jobs("card.mail")} > {1, 2, 3}


def test_what_was_mailed_is_not_held_when_it_changes_later(place: Office) -> None:
    """Held, it would stand for a message that nobody saw, and its reminder would never be made."""
    approvals(place, 1, 2, 3)
    place.deliver()
    [first, *_] = place.cards()
    place.change(LicenceRequest, 1, reason="Another reason", version=2)
    place.enqueue(ShowCard(first.id))
    place.deliver()
    assert not [card for card in place.cards() if cards.HELD in (card.facts or {})]
    assert len(place.jobs("card.mail")) == 3
