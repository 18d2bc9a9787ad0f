"""Whoever answers for a contract and has no Slack decides about it behind the link of a mail, and proves it there."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from html import unescape

import pytest
import requests
from sqlalchemy import select

from model.people import Person
from model.renewals import ProofFile, Renewal, RenewalDecision, RenewalState
from model.requests import Card
from tests.http.mail_desk import browser, deliver, link
from tests.http.smtp_standin import posting
from tests.http.web_company import NOW, Company, found
from tests.http.web_server import Web, serving
from tests.unit.import_desk import Desk
from workflows import cards
from workflows.cards import CardKind
from workflows.renewals import agreeing, decide, night
from workflows.renewals.decide import Asked, Verdict
from workflows.renewals.rollover import standing

LETTER = b"%PDF-1.7 We confirm the end of contract K-1."


@pytest.fixture
def company(sqlite_url: str) -> Iterator[Company]:
    made = found(sqlite_url)
    desk = Desk(made.database)
    desk.take("people", "email,name,department\nowner@acme.example,Olga Vrba,Design\nnext@acme.example,Nia Ito,Design")
    desk.take(
        "contracts",
        """
        number,vendor,starts_on,ends_on,notice,auto_renew,owner,commit_floor
        K-1,Northwind,2026-04-01,2027-03-31,2 months,no,owner@acme.example,10
        """,
    )
    desk.take(
        "entitlements",
        """
        reference,product,metric,quantity,unit_price,currency,starts_on,ends_on,contract
        PO-1,Whiteboard,named_user,40,10.00,EUR,2026-04-01,2027-03-31,K-1
        """,
    )
    night.run(made.database, made.rules, NOW)
    yield made
    made.database.dispose()


def owner(company: Company) -> int:
    with company.database.reading() as connection:
        found: int = connection.execute(select(Person.id).where(Person.name == "Olga Vrba")).scalar_one()
    return found


def card(company: Company) -> int:
    with company.database.reading() as connection:
        found: int = connection.execute(
            select(Card.id).where(Card.kind == CardKind.RENEWAL, Card.audience == f"person:{owner(company)}")
        ).scalar_one()
    return found


def stands(company: Company) -> tuple[str, int | None]:
    """State of the renewal, and the quantity decided."""
    with company.database.reading() as connection:
        row = connection.execute(
            select(Renewal.state, RenewalDecision.quantity)
            .outerjoin(
                RenewalDecision,
                (RenewalDecision.renewal_id == Renewal.id) & RenewalDecision.replaced_at.is_(None),
            )
            .where(Renewal.owner_id == owner(company))
        ).one()
    return row.state, row.quantity


def test_the_mail_leads_to_a_page_that_decides_and_proves(company: Company) -> None:
    with posting() as post:
        deliver(company, card(company), post.url)
        (mail,) = post.mails
    assert mail["Subject"] == "A contract to decide about"
    plain = mail.get_body(("plain",))
    assert plain is not None and "/d/" in plain.get_content() and "Each link works for 14 days" in plain.get_content()

    found = re.search(r"http://127.0.0.1:8080(/renewals/\d+\?key=\S+)", plain.get_content())
    assert found is not None
    with serving(company) as web:
        with requests.Session() as session:
            page = session.get(web.url + found[1], timeout=20)
        assert page.status_code == 200 and "Whiteboard: decide by 29 Jan 2027" in page.text
        _played(company, web)


def _played(company: Company, web: Web) -> None:
    path = link(company, card(company), owner(company))
    with browser(web, path) as press:
        for words in ("Decide by 29 Jan 2027: Whiteboard, 40 seats", "Renew 40", "Reduce", "Renegotiate",
                      "Cancel contract", "Decide later", "Assign owner"):  # fmt: skip
            assert words in press.page.text, words
        wrong = press("renewal_reduce", quantity="4")
        assert wrong.status_code == 422 and "The contract allows no fewer than 10" in unescape(wrong.text)
        assert 'value="4"' in wrong.text and stands(company) == (RenewalState.BRIEFED, None)
        untold = press("renewal_cancel")
        assert untold.status_code == 422 and "Tick it to cancel the contract." in untold.text
        decided = press("renewal_reduce", quantity="30", words="Ten are free.")
        assert decided.status_code == 200 and "Decided: fewer units." in decided.text, decided.text
        assert stands(company) == (RenewalState.DECIDED, 30) and "Change decision" in decided.text
        again = press("renewal_renew")
        assert again.status_code == 409 and "not open any more" in again.text
    asked = agreed(company)
    assert asked and stands(company) == (RenewalState.PROOF_AWAITED, 30)
    with browser(web, path) as press:
        assert "Whiteboard: 30 units from 1 Apr 2027" in press.page.text
        wrong = press("renewal_add_proof", sent_by="nobody@acme.example", sent_on="2026-11-23", how="letter")
        assert wrong.status_code == 422 and "Nobody in the staff directory has this address." in wrong.text
    with requests.Session() as session:
        page = session.get(web.url + path, timeout=10)
        fields = dict(re.findall(r'<input type="hidden" name="(form|version)" value="([^"]*)"', page.text))
        fields |= {"action": "renewal_add_proof", "sent_by": "Owner@acme.example", "sent_on": "2026-11-23"}
        fields |= {"how": "registered letter", "document": ""}
        program = {"file": ("answer.exe", io.BytesIO(b"MZ"), "application/pdf")}
        refused = session.post(web.url + path, data=fields, files=program, timeout=10)
        assert refused.status_code == 422 and "Attach one of these" in refused.text
        letter = {"file": ("answer.pdf", io.BytesIO(LETTER), "application/pdf")}
        done = session.post(web.url + path, data=fields, files=letter, timeout=10)
        assert done.status_code == 200 and "the proof is attached" in done.text, done.text
        closed = session.get(web.url + path, timeout=10)
        assert closed.status_code == 410 and "You answered this" in closed.text
    assert stands(company) == (RenewalState.DONE, 30)
    with company.database.reading() as connection:
        row = connection.execute(select(ProofFile.name, ProofFile.state, ProofFile.size, ProofFile.sha256)).one()
    assert tuple(row) == ("answer.pdf", "kept", len(LETTER), hashlib.sha256(LETTER).hexdigest())


def agreed(company: Company) -> list[int]:
    """Everybody whose word is missing gives it; who they were."""
    said = []
    with company.database.unit_of_work() as work:
        renewal = work.session.execute(select(Renewal).where(Renewal.owner_id == owner(company))).scalar_one()
        decision = standing(work, renewal.id)
        assert decision is not None
        while renewal.state == RenewalState.DECIDED and (waits := agreeing.pending(work, decision)):
            said.append(int(waits[0]["asked"][0]))
            agreeing.agree(work, company.rules, renewal.id, None, said[-1], NOW)
        work.commit()
    return said


def test_it_is_put_off_and_handed_on(company: Company) -> None:
    with serving(company) as web:
        with browser(web, link(company, card(company), owner(company))) as press:
            late = press("renewal_defer", until="2027-01-29", words="Budget round")
            assert late.status_code == 422 and "Choose a day before 29 Jan 2027" in late.text
            later = press("renewal_defer", until="2026-12-14", words="Budget round")
            assert later.status_code == 200 and stands(company)[0] == RenewalState.DEFERRED
        with browser(web, link(company, card(company), owner(company))) as press:
            given = press("renewal_assign", owner="next@acme.example")
            assert given.status_code == 200 and "Handed on." in given.text, given.text


def test_whoever_only_has_to_agree_answers_once(company: Company) -> None:
    with serving(company) as web:
        with browser(web, link(company, card(company), owner(company))) as press:
            press("renewal_renew")
        with company.database.unit_of_work() as work:
            renewal = work.session.execute(select(Renewal).where(Renewal.owner_id == owner(company))).scalar_one()
            decision = standing(work, renewal.id)
            assert decision is not None
            (who,) = agreeing.pending(work, decision)[0]["asked"][:1]
            cards.new_card(work, CardKind.RENEWAL, renewal.id, cards.person(who), NOW)
            theirs = work.connection.execute(
                select(Card.id).where(Card.kind == CardKind.RENEWAL, Card.audience == cards.person(who))
            ).scalar_one()
            work.commit()
        with browser(web, link(company, theirs, who)) as press:
            assert "Do not agree" in press.page.text
            answer = press("renewal_agree")
            assert answer.status_code == 200 and "Agreed." in answer.text
            assert press("renewal_agree").status_code == 410


def test_a_page_that_shows_another_decision_agrees_to_nothing(company: Company) -> None:
    """The page of a reduction lay open while it was taken back and the whole was renewed: its press settled that."""
    with serving(company) as web:
        with browser(web, link(company, card(company), owner(company))) as press:
            press("renewal_reduce", quantity="30")
        with company.database.unit_of_work() as work:
            renewal = work.session.execute(select(Renewal).where(Renewal.owner_id == owner(company))).scalar_one()
            number, decision = renewal.id, standing(work, renewal.id)
            assert decision is not None
            (who,) = agreeing.pending(work, decision)[0]["asked"][:1]
            cards.new_card(work, CardKind.RENEWAL, number, cards.person(who), NOW)
            theirs = work.connection.execute(
                select(Card.id).where(Card.kind == CardKind.RENEWAL, Card.audience == cards.person(who))
            ).scalar_one()
            work.commit()
        with browser(web, link(company, theirs, who)) as press:
            with company.database.unit_of_work() as work:
                decide.change(work, company.rules, number, None, owner(company), NOW)
                decide.decide(work, company.rules, number, None, owner(company), Asked(Verdict.RENEW), NOW)
                work.commit()
            late = press("renewal_agree")
            assert late.status_code == 409 and "The renewal changed meanwhile." in late.text, late.text
            assert stands(company) == (RenewalState.DECIDED, None)
        with browser(web, link(company, theirs, who)) as press:
            assert "Agreed." in press("renewal_agree").text


def test_a_list_by_mail_leads_to_the_page_of_each(company: Company) -> None:
    with company.database.unit_of_work() as work:
        number = work.connection.execute(select(Renewal.id).where(Renewal.owner_id == owner(company))).scalar_one()
        facts = {"renewals": [number]}
        cards.new_card(work, CardKind.RENEWALS, number, cards.person(company.dara), NOW, facts=facts)
        listed = work.connection.execute(select(Card.id).where(Card.kind == CardKind.RENEWALS)).scalar_one()
        work.commit()
    with posting() as post:
        deliver(company, listed, post.url)
        (mail,) = post.mails
    plain = mail.get_body(("plain",))
    assert mail["Subject"] == "Contracts to decide about" and plain is not None
    assert f"REN-{number}:" in plain.get_content() and f"/renewals/{number}?key=" in plain.get_content()
