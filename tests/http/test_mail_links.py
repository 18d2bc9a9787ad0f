"""A person without Slack is asked by mail and answers on a page, once; opening a link changes nothing."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import requests
from sqlalchemy import func, select, update

from integrations.errors import Refused, Transient, Unclear
from integrations.mail import Mail, Mailer
from jobs.tables import JobState
from model.base import Base
from model.people import Person
from model.requests import Card, LicenceRequest, OwnerTask, SignedLink, Status
from model.session import Database
from tests.http.mail_desk import browser, deliver, link
from tests.http.smtp_standin import Post, posting
from tests.http.web_company import NOW, Company, found
from tests.http.web_server import KEY, serving
from workflows import cards, links
from workflows.advance import advance
from workflows.perform_mail import spoken
from workflows.talk import withdraw


@pytest.fixture
def company(database_url: str) -> Iterator[Company]:
    made = found(database_url)
    yield made
    made.database.dispose()


@pytest.fixture
def post() -> Iterator[Post]:
    with posting() as running:
        yield running


def asked(company: Company, **more: Any) -> str:
    """A request that waits for Ben; returns the path of his link."""
    company.ask(company.copilot, key=more.get("key", "v1"))
    return link(company, company.approval_card(company.ben), company.ben)


def status(company: Company) -> Status:
    with company.database.reading() as connection:
        return Status(connection.execute(select(LicenceRequest.status)).scalar_one())


def rows(database: Database) -> dict[str, int]:
    with database.reading() as connection:
        return {table.name: hash(str(connection.execute(select(table)).all())) for table in Base.metadata.sorted_tables}


# -- the mail


def test_the_question_comes_by_mail_once_with_a_link(company: Company, post: Post) -> None:
    company.ask(company.copilot, key="v1")
    card = company.approval_card(company.ben)
    assert deliver(company, card, post.url).state == JobState.DONE
    assert deliver(company, card, post.url).state == JobState.DONE
    (mail,) = post.mails
    assert (mail["To"], mail["Subject"]) == ("Ben Okafor <ben@acme.example>", "A licence waits for your decision")
    assert mail["From"] == "Seatkeeper <seatkeeper@acme.example>" and mail["Message-ID"].startswith(f"<card-{card}@")
    plain, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None and html is not None
    text = plain.get_content()
    assert "Ana Lindqvist (Design) asks for Microsoft Copilot" in text and "<!date" not in text
    assert re.search(r"decide by \w+ \d+ Nov 2026, \d\d:\d\d, then", text, re.IGNORECASE)
    assert "Times are in UTC." in text
    assert f"http://127.0.0.1:8080/d/{links.token_for(KEY, card, company.ben)}" in text
    assert "Approve" not in html.get_content(), "a mail has no buttons: scanners would press them"
    with company.database.reading() as connection:
        assert connection.execute(select(Card.by_mail_at).where(Card.id == card)).scalar() == NOW
        stored = connection.execute(select(SignedLink.token_digest, SignedLink.expires_at)).one()
    assert stored == (links.digest(links.token_for(KEY, card, company.ben)), NOW + timedelta(days=14))


def test_a_mail_in_doubt_is_sent_again_with_the_same_link(company: Company, post: Post) -> None:
    company.ask(company.copilot, key="v1")
    card = company.approval_card(company.ben)
    post.answers["END"] = ""
    waiting = deliver(company, card, post.url)
    assert (waiting.state, waiting.error_kind) == (JobState.READY, "unclear")
    del post.answers["END"]
    assert deliver(company, card, post.url).state == JobState.DONE
    first, second = post.mails
    assert first["Message-ID"] == second["Message-ID"], "a reader's mailbox shows it once"
    assert first.get_body(("plain",)).get_content() == second.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_without_a_mail_server_the_work_waits_for_a_person_in_words(company: Company) -> None:
    company.ask(company.copilot, key="v1")
    parked = deliver(company, company.approval_card(company.ben), "")
    assert parked.state == JobState.PARKED
    assert "set SMTP_URL, then run this again" in parked.error


def test_what_is_settled_or_whose_reader_left_is_not_mailed(company: Company, post: Post) -> None:
    company.ask(company.copilot, key="v1")
    card = company.approval_card(company.ben)
    with company.database.unit_of_work() as work:
        work.connection.execute(update(Person).where(Person.id == company.ben).values(active=False))
        work.commit()
    assert deliver(company, card, post.url).state == JobState.DONE
    assert post.mails == []


@pytest.mark.parametrize(
    ("command", "answer", "kind"),
    [
        ("CONNECT", "421 busy", Transient),
        ("CONNECT", "", Transient),
        ("RCPT", "450 later", Transient),
        ("RCPT", "550 nobody", Refused),
        ("DATA", "554 spam", Refused),
        ("END", "451 later", Transient),
        ("END", "", Unclear),
    ],
)
def test_each_answer_of_a_mail_server_has_its_error(
    post: Post, command: str, answer: str, kind: type[Exception]
) -> None:
    post.answers[command] = answer
    mail = Mail("ben@acme.example", "Ben", "A question", "text", "<p>text</p>", "card-1")
    with pytest.raises(kind):
        Mailer(post.url, timeout=5).send(mail)


def test_names_cannot_write_headers(post: Post) -> None:
    mail = Mail("ben@acme.example", "Ben\r\nBcc: x@evil.example", "Hi\nX-Evil: 1", "text", "<p>text</p>", "card-1")
    Mailer(post.url, timeout=5).send(mail)
    (sent,) = post.mails
    assert post.to == ["ben@acme.example"] and sent["Bcc"] is None and sent["X-Evil"] is None
    with pytest.raises(Refused, match="address in the directory"):
        Mailer(post.url, timeout=5).send(replace(mail, to="ben@acme.example\r\nRCPT TO:<x@evil.example>"))


@pytest.mark.parametrize(
    "url", ["http://mail.example?from=a@b.example", "smtp://mail.example", "smtp://?from=a@b.example",
            "smtp://mail.example:port?from=a@b.example", "smtp://mail.example?from=nobody"]
)  # fmt: skip
def test_a_mail_address_that_cannot_work_is_refused_at_start(url: str) -> None:
    with pytest.raises(ValueError, match="SMTP_URL"):
        Mailer(url)


def test_a_server_that_is_not_there_is_tried_again() -> None:
    with pytest.raises(Transient):
        Mailer("smtp://127.0.0.1:1?from=a@b.example", timeout=2).check()


def test_messages_become_plain_words() -> None:
    said = "*Due* <!date^1795525200^{date}|x>: <https://a.example|the page>, R&amp;D &lt;x&gt;"
    assert spoken(said) == "Due Tue 24 Nov 2026, 13:00: the page (https://a.example), R&D <x>"
    assert spoken(said, "Pacific/Auckland").startswith("Due Wed 25 Nov 2026, 02:00: ")
    assert spoken(said, "Pacific/Honolulu").startswith("Due Tue 24 Nov 2026, 03:00: ")


# -- the page


def test_opening_a_link_changes_nothing_and_shows_the_question(company: Company) -> None:
    path = asked(company)
    before = rows(company.database)
    with serving(company) as web:
        requests.get(web.url + path, timeout=10)
        page = requests.get(web.url + path, timeout=10)
        assert requests.head(web.url + path, timeout=10).status_code == 200
    assert page.status_code == 200 and rows(company.database) == before
    for words in (
        "Ana Lindqvist asks for Microsoft Copilot</bdi>", "<dt>Free seats</dt><dd>40 of 40</dd>", "Lyon office move",
        ">Approve</button>", "Deny request", "Times are in UTC.", "The link works once",
    ):  # fmt: skip
        assert words in page.text, words
    assert "<script" not in page.text and "style=" not in page.text and "&lt;!date" not in page.text
    cookie = page.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/d/" in cookie and "Secure" not in cookie
    with serving(company, base_url="https://seatkeeper.example.com") as web:
        assert "Secure" in requests.get(web.url + path, timeout=10).headers["Set-Cookie"]


def test_a_press_decides_as_the_person_of_the_link_and_closes_it(company: Company) -> None:
    path = asked(company)
    with serving(company) as web, browser(web, path) as press:
        done = press("approve")
        assert done.status_code == 200 and "Approved. Whoever asked is told" in done.text
        assert "Approved by Ben Okafor" in done.text and "<form" not in done.text
        assert web.woken
        again = press("approve")
        assert again.status_code == 410
        assert "You answered this Mon 23 Nov 2026, 10:00. A link works once, so nothing changed." in again.text
        assert requests.get(web.url + path, timeout=10).status_code == 410
    assert status(company) == Status.APPROVED


def test_a_denial_needs_its_reason_and_keeps_what_was_typed(company: Company) -> None:
    path = asked(company)
    with serving(company) as web, browser(web, path) as press:
        wrong = press("deny", reason="other", words="")
        assert wrong.status_code == 422 and "Say why in a few words: whoever asked reads this." in wrong.text
        assert 'value="other" required checked' in wrong.text
        assert press("deny").status_code == 422
        assert status(company) == Status.AWAITING_APPROVAL
        assert press("deny", reason="owned", words="<b>the team plan</b>").status_code == 200
    with company.database.reading() as connection:
        words = connection.execute(select(LicenceRequest.closing_words)).scalar()
    assert (status(company), words) == (Status.DENIED, "Use something we own: <b>the team plan</b>")


def test_a_question_leaves_the_link_open(company: Company) -> None:
    path = asked(company)
    with serving(company) as web, browser(web, path) as press:
        assert press("ask_question", question="?").status_code == 422
        assert "Asked." in press("ask_question", question="Which office is it for?").text
        page = requests.get(web.url + path, timeout=10)
        assert page.status_code == 200 and "Which office is it for?" in page.text


def test_forged_foreign_expired_and_other_presses_change_nothing(company: Company) -> None:
    path = asked(company)
    card = company.approval_card(company.ben)
    before = rows(company.database)
    forged = links.token_for(b"x" * 32, card, company.ben)
    with serving(company) as web:
        for bad in ("x", "x" * 43, forged, links.token_for(KEY, card, company.ana), path[3:] + "A"):
            assert requests.get(f"{web.url}/d/{bad}", timeout=10).status_code == 404, bad
            assert requests.post(f"{web.url}/d/{bad}", data={"action": "approve"}, timeout=10).status_code == 404
        assert requests.post(web.url + path, data={"action": "approve"}, timeout=10).status_code == 400
        with browser(web, path) as press:
            for action in ("approve_and_buy", "task_done", "nonsense", ""):
                assert press(action).status_code == 409, action
            assert press("approve", version="99").status_code == 409
            assert press("approve", form="0" * 64).status_code == 400
            web.time[0] = NOW + timedelta(days=14)
            late = press("approve")
            assert late.status_code == 410 and "This link was good until Mon 7 Dec 2026, 10:00." in late.text
    assert rows(company.database) == before
    with serving(company, link_key=b"y" * 32) as web:
        assert requests.get(web.url + path, timeout=10).status_code == 404, "a new SECRET_KEY calls all links in"


def test_a_form_sent_by_another_page_is_refused(company: Company) -> None:
    path = asked(company)
    with serving(company) as web, requests.Session() as session:
        page = session.get(web.url + path, timeout=10).text
        hidden = dict(re.findall(r'<input type="hidden" name="(form|version)" value="([^"]*)"', page))
        fields = hidden | {"action": "approve"}
        cross = session.post(web.url + path, data=fields, headers={"Sec-Fetch-Site": "cross-site"}, timeout=10)
        assert cross.status_code == 400
        assert requests.post(web.url + path, data=fields, timeout=10).status_code == 400, "without the cookie"
    assert status(company) == Status.AWAITING_APPROVAL


def test_a_decision_made_elsewhere_is_shown_with_no_form(company: Company) -> None:
    path = asked(company)
    with serving(company) as web, browser(web, path) as press:
        with company.database.unit_of_work() as work:
            request = work.connection.execute(select(LicenceRequest.id)).scalar_one()
            withdraw(work, company.rules, request, company.ana, NOW)
            work.commit()
        late = press("approve")
        assert late.status_code == 409 and "not open any more, so nothing changed" in late.text
        assert "Withdrawn by Ana Lindqvist" in late.text and "<form" not in late.text
        assert requests.get(web.url + path, timeout=10).status_code == 200


def test_somebody_who_left_can_do_nothing_with_the_link(company: Company) -> None:
    path = asked(company)
    with company.database.unit_of_work() as work:
        work.connection.execute(update(Person).where(Person.id == company.ben).values(active=False))
        work.commit()
    with serving(company) as web:
        page = requests.get(web.url + path, timeout=10)
    assert page.status_code == 410 and "has left" in page.text and "Lyon" not in page.text


@pytest.mark.parametrize("how", ["expired", "used", "form of another page"])
def test_a_link_that_is_closed_shows_nothing_but_why(company: Company, how: str) -> None:
    """A mail kept for half a year still opened the request as it stood that day."""
    path = asked(company)
    with serving(company) as web:
        if how == "used":
            with browser(web, path) as press:
                assert "Approved by Ben Okafor" in press("approve").text, "the answer itself shows what came of it"
        else:
            web.time[0] = NOW + timedelta(days=200)
        if how == "form of another page":
            page = requests.post(web.url + path, data={"action": "approve"}, timeout=10)
        else:
            page = requests.get(web.url + path, timeout=10)
    assert page.status_code == 410
    for name in ("Ana", "Lindqvist", "Ben Okafor", "Copilot", "Lyon", "REQ-1001"):
        assert name not in page.text, name
    assert "<form" not in page.text


def test_two_presses_at_once_decide_once(company: Company) -> None:
    path = asked(company)
    with serving(company) as web, browser(web, path) as press:
        gate, answers = threading.Barrier(2), []

        def both(action: str, **fields: str) -> None:
            gate.wait()
            answers.append(press(action, **fields).status_code)

        threads = [
            threading.Thread(target=both, args=("approve",)),
            threading.Thread(target=both, args=("deny",), kwargs={"reason": "not_now"}),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(answers)[0] == 200 and sorted(answers)[1] in (409, 410)
    with company.database.reading() as connection:
        used = select(func.count()).select_from(SignedLink).where(SignedLink.used_at.is_not(None))
        assert connection.execute(used).scalar() == 1


def test_an_owner_closes_a_task_by_link(company: Company) -> None:
    path = asked(company)
    with serving(company) as web:
        with browser(web, path) as press:
            assert press("approve").status_code == 200
        with company.database.unit_of_work() as work:
            request = work.connection.execute(select(LicenceRequest.id)).scalar_one()
            advance(work, company.rules, request, NOW)
            work.commit()
        with company.database.reading() as connection:
            task = connection.execute(select(OwnerTask.id, OwnerTask.assignee_id)).one()
            card = connection.execute(
                select(Card.id).where(Card.kind == "task", Card.subject_id == task.id)
            ).scalar_one()
        with browser(web, link(company, card, task.assignee_id)) as press:
            assert "Give Ana Lindqvist a seat in Microsoft Copilot" in press.page.text
            assert press("task_blocked", reason="other").status_code == 422
            assert "Done. Whoever asked is told." in press("task_done").text
    with company.database.reading() as connection:
        assert connection.execute(select(OwnerTask.state)).scalar() == "done"
    assert status(company) == Status.FULFILLED


def test_many_open_decisions_are_one_mail_with_a_link_each(company: Company, post: Post) -> None:
    company.ask(company.copilot, key="v1")
    with company.database.unit_of_work() as work:
        work.connection.execute(update(Person).where(Person.id == company.dara).values(manager_id=company.ben))
        work.commit()
    company.ask(company.copilot, key="v2", by=company.dara)
    with company.database.unit_of_work() as work:
        cards.new_card(work, cards.CardKind.DECISIONS, company.ben, cards.person(company.ben), NOW)
        card = work.connection.execute(select(func.max(Card.id))).scalar_one()
        work.commit()
    assert deliver(company, card, post.url).state == JobState.DONE
    text = post.mails[0].get_body(("plain",)).get_content().replace("\r", "")  # type: ignore[union-attr]
    assert "REQ-1001: Microsoft Copilot for Ana Lindqvist:\nhttp" in text
    assert text.count("/d/") == 2
