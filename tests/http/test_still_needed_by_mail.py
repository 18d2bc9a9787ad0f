""" "Do you still need it?" for people without Slack: a mail, its link and all three answers; the manager likewise."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from jobs.tables import JobState
from model.licences import Seat, Sku
from model.people import Person
from model.reclaim import CampaignKind, CampaignState, CandidateState, ReclaimCampaign, ReclaimCandidate
from model.requests import Card, SignedLink
from tests.http.mail_desk import browser, deliver, link
from tests.http.smtp_standin import Post, posting
from tests.http.web_company import NOW, POLICY, Company, found
from tests.http.web_server import Web, serving
from workflows.cards import CardKind
from workflows.reclaim import asking

_S = CandidateState


@pytest.fixture
def company(sqlite_url: str) -> Iterator[Company]:
    """Ben and Pia have no Slack account; Ben manages Ana, Mia manages Ben."""
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


def asked(company: Company, holder: int, kind: CampaignKind = CampaignKind.IDLE) -> int:
    """A seat of Copilot that looks idle and whose holder is asked; the candidate's id."""
    with company.database.unit_of_work() as work:
        sku = work.connection.execute(select(Sku.id).where(Sku.product_id == company.copilot)).scalar_one()
        began = NOW - timedelta(days=400)
        seat = Seat(
            product_id=company.copilot, sku_id=sku, person_id=holder, path="task", began_at=began, recorded_at=began
        )
        campaign = ReclaimCampaign(
            kind=kind, product_id=company.copilot, state=CampaignState.DRY_RUN, planned_by="rule:test", planned_at=NOW
        )
        work.session.add_all([seat, campaign])
        work.session.flush()
        one = ReclaimCandidate(
            campaign_id=campaign.id, seat_id=seat.id, person_id=holder, product_id=company.copilot, state=_S.LISTED,
            ground=kind.value, verdict="idle", sentence="looks idle, over 60 days", rule="rule 40", checked_at=NOW,
            evidence={"sentence": "no use since 12 Sep 2026 (Copilot report, 2 days old)"},
        )  # fmt: skip
        work.session.add(one)
        work.session.flush()
        asking.begin(work, company.rules, campaign.id, None, NOW)
        work.commit()
        return one.id


def card(company: Company, kind: CardKind, person_id: int) -> int:
    query = select(Card.id).where(Card.kind == kind, Card.audience == f"person:{person_id}", Card.live)
    with company.database.reading() as connection:
        return connection.execute(query.order_by(Card.id.desc()).limit(1)).scalar_one()


def stored(company: Company, candidate_id: int) -> ReclaimCandidate:
    with company.database.unit_of_work() as work:
        row = work.session.get_one(ReclaimCandidate, candidate_id)
        work.session.expunge(row)
        return row


def links_used(company: Company) -> int:
    with company.database.reading() as connection:
        return len(connection.execute(select(SignedLink.id).where(SignedLink.used_at.is_not(None))).all())


def test_the_mail_says_all_of_it_and_carries_the_link(company: Company, web: Web, post: Post) -> None:
    asked(company, company.ben)
    question = card(company, CardKind.STILL_NEEDED, company.ben)
    assert deliver(company, question, post.url).state == JobState.DONE
    (mail,) = post.mails
    assert (mail["To"], mail["Subject"]) == ("Ben Okafor <ben@acme.example>", "Do you still need this licence?")
    body: Any = mail.get_body(("plain",))
    text = body.get_content()
    assert "No use since 12 Sep 2026" in text and "Without an answer nothing is taken" in text
    path = link(company, question, company.ben)
    assert path in text
    with browser(web, path) as press:
        for words in ("Keep it", "Give it back", "Ask me later", "I use it; the report is wrong", "€28.00 a month"):
            assert words in press.page.text
        assert "<script" not in press.page.text


@pytest.mark.parametrize(
    ("action", "fields", "state", "said"),
    [
        ("keep_seat", {"reason": "uses_it"}, _S.KEPT, "That counts against the rule."),
        ("keep_seat", {"reason": "other", "words": "The audit comes in May."}, _S.KEPT, "You will not be asked again"),
        ("release_seat", {"words": "Ana does it now."}, _S.RELEASED, "goes back when a person confirmed the list"),
        ("ask_me_later", {"until": "2026-12-14"}, _S.SNOOZED, "a new mail asks you on 14 Dec 2026"),
    ],
)
def test_each_answer_is_kept_once(
    company: Company, web: Web, action: str, fields: dict[str, str], state: CandidateState, said: str
) -> None:
    candidate = asked(company, company.ben)
    with browser(web, link(company, card(company, CardKind.STILL_NEEDED, company.ben), company.ben)) as press:
        page = press(action, **fields)
        assert page.status_code == 200 and said in page.text
        one = stored(company, candidate)
        assert (one.state, one.answer_words) == (state, fields.get("words", ""))
        assert links_used(company) == 1
        again = press("release_seat")
        assert again.status_code == 410 and "A link works once" in again.text
    assert stored(company, candidate).version == one.version


def test_what_cannot_be_is_said_at_its_field_and_typed_words_stay(company: Company, web: Web) -> None:
    candidate = asked(company, company.ben)
    with browser(web, link(company, card(company, CardKind.STILL_NEEDED, company.ben), company.ben)) as press:
        for action, fields, said in (
            ("keep_seat", {"reason": "because"}, "Choose why."),
            ("keep_seat", {"reason": "other", "words": "x"}, "Say in a few words why you keep it."),
            ("ask_me_later", {"until": "soon"}, "Choose a day, such as 2026-11-23."),
            ("ask_me_later", {"until": "2027-12-14"}, "Choose a day from 24 Nov 2026 to 21 Dec 2026."),
        ):
            page = press(action, **fields)
            assert page.status_code == 422 and said in page.text, (action, page.text)
        for action in ("keep_agree", "keep_see_differently", "handed_over", "approve", "give_back"):
            assert press(action, words="abc").status_code == 409
    assert stored(company, candidate).state == _S.ASKED and not links_used(company)


def test_the_managers_word_is_asked_and_taken_by_mail(sqlite_url: str, post: Post) -> None:
    company = found(sqlite_url, policy=POLICY + "reclaim: {keep_needs_manager: true}\n")
    with serving(company) as web:
        candidate = asked(company, company.ana)
        with company.database.unit_of_work() as work:
            work.connection.execute(update(Person).where(Person.id == company.ana).values(slack_id=None))
            work.commit()
        with browser(web, link(company, card(company, CardKind.STILL_NEEDED, company.ana), company.ana)) as press:
            assert "Ben Okafor is asked to agree" in press("keep_seat", reason="seasonal").text
        word = card(company, CardKind.KEEP_WORD, company.ben)
        assert deliver(company, word, post.url).state == JobState.DONE
        assert [mail["Subject"] for mail in post.mails] == ["A licence that somebody keeps"]
        with browser(web, link(company, word, company.ben)) as press:
            assert "12 Sep" not in press.page.text, "days of use are not the manager's to see"
            page = press("keep_see_differently", words="She moved to Sales.")
            assert "keeps it until then" in page.text
            assert press("keep_agree").status_code == 410
    assert stored(company, candidate).state == _S.KEPT
    company.database.dispose()


def test_a_manager_agrees_by_mail(sqlite_url: str) -> None:
    company = found(sqlite_url, policy=POLICY + "reclaim: {keep_needs_manager: true}\n")
    with serving(company) as web:
        candidate = asked(company, company.ana)
        with browser(web, link(company, card(company, CardKind.STILL_NEEDED, company.ana), company.ana)) as press:
            press("keep_seat", reason="seasonal")
        with browser(web, link(company, card(company, CardKind.KEEP_WORD, company.ben), company.ben)) as press:
            assert "keeps it." in press("keep_agree").text
    assert stored(company, candidate).state == _S.KEPT
    company.database.dispose()


def test_nobody_without_slack_and_address_is_asked_but_their_manager(company: Company, web: Web) -> None:
    with company.database.unit_of_work() as work:
        work.connection.execute(update(Person).where(Person.id == company.ben).values(email=""))
        work.commit()
    candidate = asked(company, company.ben)
    with browser(web, link(company, card(company, CardKind.STILL_NEEDED, company.mia), company.mia)) as press:
        assert "Does Ben Okafor still need Microsoft Copilot?" in press.page.text
        assert "Ask me later" not in press.page.text and press("ask_me_later", until="2026-12-14").status_code == 409
        assert "a licence manager looks at it" in press("release_seat").text
    one = stored(company, candidate)
    assert one.state == _S.UNANSWERED and one.answer == "manager_release"
