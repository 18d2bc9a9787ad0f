"""Whoever asked and has no Slack account reads by mail what came of it, and answers a question on a page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from sqlalchemy import select, update

from jobs.tables import JobState
from model.people import Person
from model.requests import Card, LicenceRequest, Status
from tests.http.delivery import Office, ask, office
from tests.http.mail_desk import browser, deliver, link
from tests.http.smtp_standin import Post, posting
from tests.http.web_company import NOW, Company, found
from tests.http.web_server import KEY, serving
from workflows import links, talk
from workflows.advance import advance
from workflows.cards import CardKind, person
from workflows.decide import Verdict, decide
from workflows.request import Verb, move
from workflows.rules import Rules


@pytest.fixture
def place(database_url: str) -> Iterator[Office]:
    with office(database_url) as made:
        yield made


@pytest.fixture
def company(database_url: str) -> Iterator[Company]:
    made = found(database_url)
    with made.database.unit_of_work() as work:
        work.connection.execute(update(Person).where(Person.id == made.ana).values(slack_id=None))
        work.commit()
    yield made
    made.database.dispose()


@pytest.fixture
def post() -> Iterator[Post]:
    with posting() as running:
        yield running


def denied(company: Company) -> None:
    row = asked_row(company)
    with company.database.unit_of_work() as work:
        decide(work, lambda: company.rules, row, None, company.ben, Verdict(False, words="Not now: budget"), NOW)
        work.commit()
    followed(company)


def questioned(company: Company, words: str = "Which office is it for?") -> None:
    with company.database.unit_of_work() as work:
        talk.ask(work, company.rules, asked_row(company), company.ben, words, NOW)
        work.commit()
    followed(company)


def asked_row(company: Company) -> int:
    with company.database.reading() as connection:
        card = company.approval_card(company.ben)
        return connection.execute(select(Card.subject_id).where(Card.id == card)).scalar_one()


def followed(company: Company) -> None:
    with company.database.unit_of_work() as work:
        advance(work, company.rules, work.connection.execute(select(LicenceRequest.id)).scalar_one(), NOW)
        work.commit()


def newest_reply(company: Company) -> int:
    with company.database.reading() as connection:
        replies = select(Card.id).where(Card.kind == CardKind.REPLY).order_by(Card.id.desc())
        return connection.execute(replies.limit(1)).scalar_one()


def mailed(company: Company, post: Post) -> str:
    """The text of the mail of the newest reply."""
    assert deliver(company, newest_reply(company), post.url).state == JobState.DONE
    return str(post.mails[-1].get_body(("plain",)).get_content()).replace("\r", "")  # type: ignore[union-attr]


# -- which mails go out


def test_the_outcome_is_a_mail_of_its_own_after_the_one_that_said_who_decides(place: Office) -> None:
    """A mail said "waiting for Ben"; then its card was rewritten for nobody, and the seat ended unannounced."""
    ask(place, requester=3)
    place.card(CardKind.PROGRESS, 1, person(3), request_id=1)
    place.deliver()
    [progress] = place.cards()
    place.change(Card, progress.id, by_mail_at=place.now)
    with place.database.unit_of_work() as work:
        rules = Rules(policy=place.policy, version_id=1, mail=True)
        decide(work, lambda: rules, 1, None, 2, Verdict(False, words="Not now: budget"), place.now)
        advance(work, rules, 1, place.now)
        work.commit()
    place.deliver()
    reply = next(card for card in place.cards() if card.kind == CardKind.REPLY)
    assert [job.payload for job in place.jobs("card.mail")] == [{"card": progress.id}, {"card": reply.id}]
    assert place.messages("U0ANA") == []


# -- what they say


def test_the_mail_says_what_was_asked_for_and_what_became_of_it(company: Company, post: Post) -> None:
    company.ask(company.copilot, key="v1")
    denied(company)
    text = mailed(company, post)
    assert text.startswith("Your request REQ-1001 for Microsoft Copilot. Ben Okafor did not approve this.")
    assert "Not now: budget" in text and "/d/" not in text
    assert (post.mails[0]["To"], post.mails[0]["Subject"]) == (
        "Ana Lindqvist <ana@acme.example>",
        "About your licence request",
    )


def test_a_question_comes_with_a_link_by_which_it_is_answered_once(company: Company, post: Post) -> None:
    company.ask(company.copilot, key="v1")
    questioned(company)
    text = mailed(company, post)
    path = f"/d/{links.token_for(KEY, newest_reply(company), company.ana)}"
    assert "Ben Okafor asks about Microsoft Copilot: “Which office is it for?”" in text and path in text
    with serving(company) as web, browser(web, path) as press:
        for words in ("Microsoft Copilot</bdi>", "Ben Okafor asks about", "Which office is it for?", "Your answer"):
            assert words in press.page.text, words
        assert press("approve").status_code == 409
        wrong = press("answer_question", words=" ")
        assert wrong.status_code == 422 and "Write your answer." in wrong.text
        done = press("answer_question", words="Lyon. " + "For the move in March. " * 40)
        assert done.status_code == 200 and "Sent. Whoever asked reads it" in done.text and "<form" not in done.text
        assert press("answer_question", words="Lyon again.").status_code == 410
    with company.database.reading() as connection:
        row = connection.execute(select(LicenceRequest.question, LicenceRequest.details)).one()
    assert row.question == "" and len(row.details["answers"]) == 1
    assert row.details["answers"][0].startswith("Lyon. For the move") and len(row.details["answers"][0]) > 900


def test_a_question_that_was_answered_elsewhere_takes_no_second_answer(company: Company, post: Post) -> None:
    company.ask(company.copilot, key="v1")
    questioned(company)
    with serving(company) as web, browser(web, link(company, newest_reply(company), company.ana)) as press:
        with company.database.unit_of_work() as work:
            request = work.connection.execute(select(LicenceRequest.id)).scalar_one()
            talk.answer(work, company.rules, request, company.ana, "Lyon.", NOW)
            work.commit()
        late = press("answer_question", words="Paris.")
        assert late.status_code == 409 and "not open any more" in late.text and "<form" not in late.text
    assert "/d/" not in mailed(company, post), "a mail that comes late asks nothing"
    questioned(company, "And until when?")
    with serving(company) as web:
        old = requests.get(web.url + link(company, _first_reply(company), company.ana), timeout=10)
    assert "<form" not in old.text, "the older question is not the one that is open"


def test_a_request_that_nobody_decided_is_opened_again_from_its_mail(company: Company, post: Post) -> None:
    request = company.ask(company.copilot, key="v1")
    with company.database.unit_of_work() as work:
        event = move(work, request, Status.AWAITING_APPROVAL, Verb.EXPIRE, "rule:silence", NOW)
        work.record([event], NOW)
        work.commit()
    followed(company)
    text = mailed(company, post)
    assert "Nobody decided in time." in text and "/d/" in text and "on the card" not in text
    with serving(company) as web, browser(web, link(company, newest_reply(company), company.ana)) as press:
        done = press("reopen_request")
        assert done.status_code == 200 and "Open again. Whoever decides is asked anew." in done.text
    with company.database.reading() as connection:
        assert connection.execute(select(LicenceRequest.status)).scalar() == Status.AWAITING_APPROVAL


def _first_reply(company: Company) -> int:
    with company.database.reading() as connection:
        return (
            connection.execute(select(Card.id).where(Card.kind == CardKind.REPLY).order_by(Card.id)).scalars().first()
            or 0
        )
