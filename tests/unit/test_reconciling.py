"""Looks at all sides: kept once, answered by those who may, closed when the figures agree, back when they differ."""

from __future__ import annotations

import argparse
import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, event, insert, select, update

from bot import cli_reconcile
from bot.settings import Settings
from bot.views.difference_card import all_differences, answer_window, digest_of_differences
from licensing.reconciliation.facts import Kind
from model.contracts import Invoice
from model.events import Event
from model.licences import Product, Sku
from model.people import Role
from model.renewals import ReconciliationLine, ReconciliationRun
from model.requests import Card
from model.sync import VendorSku
from sandbox.blocks import validate_view
from tests.unit.message_checks import check, labels
from tests.unit.renewal_desk import Office, office
from tests.unit.view_facts import VOICES
from workflows.reads.reconciliation import DigestOfDifferences, differences, digest
from workflows.reconciling import answer, run
from workflows.reconciling.gather import look
from workflows.reconciling.lines import ALLOWED, IllegalMove, State, Verb, step
from workflows.refusals import FieldRefusals, OldCard

INVOICES = """
    vendor,number,product,issued_on,period_from,period_to,quantity,amount,currency
    Northwind,INV-1,Copilot,2026-04-05,2026-04-01,2027-03-31,45,15120.00,EUR
"""
HEAD = INVOICES.strip().splitlines()[0]


@pytest.fixture
def company(sqlite_url: str) -> Iterator[Office]:
    with office(sqlite_url) as made:
        made.take("invoices", INVOICES)
        yield made


def looked(company: Office, day: str) -> run.Run:
    company.now = company.at(day)
    return run.run(company.database, company.rules, company.now)


def lines(company: Office, *columns: str) -> list[tuple[Any, ...]]:
    return company.rows(ReconciliationLine, *columns)


def say(
    company: Office,
    verb: Verb,
    who: str = "fatima",
    role: Role = Role.FINANCE,
    words: str = "Agreed with them",
    **more: Any,
) -> str:
    """Somebody answers the first line, as they see it now."""
    version = more.get("version", lines(company, "version")[0][0])
    with company.work() as work:
        return answer.answer(
            work, 1, version, verb, company.person(who), [role], words, more.get("evidence", ""), company.now
        )


def cards(company: Office, kind: str) -> list[tuple[Any, ...]]:
    return [row[1:] for row in company.rows(Card, "kind", "audience", "facts", "subject_id") if row[0] == kind]


def test_a_month_has_one_look_one_line_and_one_digest(company: Office) -> None:
    first = looked(company, "2026-11-02")
    assert (first.looks, first.counts) == (1, {"found": 1, "again": 0, "gone": 0})
    assert lines(company, "kind", "state", "registered", "invoiced", "amount", "currency", "owner_id") == [
        ("billed_not_bought", "open", 40, 45, 1680, "EUR", None)
    ]
    assert cards(company, "reconciliation") == [("channel:finance", {"renewal": None, "products": None}, 1)]
    assert looked(company, "2026-11-20").looks == 0
    second = looked(company, "2026-12-01")
    assert (second.looks, second.counts) == (1, {"found": 0, "again": 1, "gone": 0})
    assert lines(company, "run_on", "seen_on") == [(company.at("2026-11-02").date(), company.at("2026-12-01").date())]
    assert len(cards(company, "reconciliation")) == 2


def test_down_for_months_there_is_one_look_when_it_wakes(company: Office) -> None:
    looked(company, "2026-08-03")
    assert looked(company, "2026-11-20").looks == 1
    assert [row[0] for row in company.rows(ReconciliationRun, "key")] == ["month:2026-08", "month:2026-11"]


def test_two_processes_make_one_look(company: Office) -> None:
    now = company.at("2026-11-02")
    with company.database.reading() as connection:
        seen = look(connection, now.date())
    made = []
    for _ in range(2):
        with company.work() as work:
            made.append(run.keep(work, seen, "month:2026-11", now))
    assert made == [True, False]
    assert len(lines(company, "id")) == 1 and len(cards(company, "reconciliation")) == 1


def test_a_renewal_is_looked_at_before_it_is_decided(company: Office) -> None:
    looked(company, "2026-11-02")
    company.night("2026-12-10")  # decide by 29 Jan 2027
    assert looked(company, "2026-12-10").looks == 2
    keys = [row[0] for row in company.rows(ReconciliationRun, "key")]
    assert keys == ["month:2026-11", "month:2026-12", "renewal:1:2027-03-31"]
    assert len(cards(company, "reconciliation")) == 2  # nothing new for the renewal: the month's list says it all


def test_what_agrees_at_a_later_look_is_gone_and_may_come_back(company: Office) -> None:
    looked(company, "2026-11-02")
    company.take(
        "invoices", INVOICES.splitlines()[1] + "\nNorthwind,C-1,Copilot,2026-11-10,2026-04-01,2027-03-31,5,-1680.00,EUR"
    )
    assert looked(company, "2026-12-01").counts["gone"] == 1
    assert lines(company, "state", "answered_by_id") == [("gone", None)]
    with company.work() as work:
        work.connection.execute(delete(Invoice).where(Invoice.number == "C-1"))
    assert looked(company, "2027-01-04").counts == {"found": 0, "again": 1, "gone": 0}
    assert lines(company, "id", "state") == [(1, "open")]


def test_nothing_corrects_itself(company: Office) -> None:
    """A look writes lines, runs, cards, jobs and events, and touches no purchase, invoice or seat."""
    before = company.sizes()
    looked(company, "2026-11-02")
    changed = {name for name, size in company.sizes().items() if size != before[name]}
    assert changed == {"reconciliation_line", "reconciliation_run", "card", "job", "event", "unsealed"}
    assert company.rows(Invoice, "quantity", "amount") == [(45, 15120)]


def test_it_is_right_closes_it_until_the_figures_change(company: Office) -> None:
    looked(company, "2026-11-02")
    assert say(company, Verb.ACCEPT, evidence="https://example.test/mail/7").startswith("Noted: it is right")
    assert lines(company, "state", "answer", "evidence", "answered_by_id") == [
        ("accepted", "Agreed with them", "https://example.test/mail/7", company.person("fatima"))
    ]
    looked(company, "2026-12-01")
    assert lines(company, "state") == [("accepted",)]
    assert len(cards(company, "reconciliation")) == 1  # nothing is open: no second digest
    with company.work() as work:
        work.connection.execute(update(Invoice).values(quantity=47, amount=15792))
    looked(company, "2027-01-04")
    assert lines(company, "state", "answer", "invoiced") == [("open", "", 47)]


def test_disputed_stays_open_and_procurement_is_told(company: Office) -> None:
    looked(company, "2026-11-02")
    assert "disputed" in say(company, Verb.DISPUTE)
    assert say(company, Verb.ASK) == "Asked: Goran Petrović. It stays open."
    ((audience, facts, _),) = cards(company, "note")
    assert audience == f"person:{company.person('goran')}"
    assert facts["text"].startswith("Fatima Haddad asks you to look at this: Copilot: 45 units billed")
    assert say(company, Verb.ACCEPT, "goran", Role.PROCUREMENT).startswith("Noted: it is right")


@pytest.mark.parametrize("role", [Role.FINANCE, Role.PROCUREMENT, Role.LICENCE_MANAGER])
def test_who_may(company: Office, role: Role) -> None:
    looked(company, "2026-11-02")
    assert say(company, Verb.DISPUTE, role=role)


@pytest.mark.parametrize("role", [Role.IT, Role.AUDITOR, Role.ADMIN, Role.SECURITY])
def test_who_may_not_hears_who_can(company: Office, role: Role) -> None:
    looked(company, "2026-11-02")
    with pytest.raises(answer.NotYours, match="ask Fatima Haddad"):
        say(company, Verb.ACCEPT, "ana", role)
    assert lines(company, "state") == [("open",)]


WRONG = [("", "", "words"), ("no", "", "words"), ("x" * 2001, "", "words"), ("fine so", "y" * 501, "link")]


@pytest.mark.parametrize(("words", "evidence", "field"), WRONG)
def test_words_are_wanted(company: Office, words: str, evidence: str, field: str) -> None:
    looked(company, "2026-11-02")
    with pytest.raises(FieldRefusals) as refused:
        say(company, Verb.ACCEPT, words=words, evidence=evidence)
    assert list(refused.value.by_field) == [field]


def test_an_older_window_changes_nothing(company: Office) -> None:
    looked(company, "2026-11-02")
    say(company, Verb.DISPUTE)
    with pytest.raises(OldCard):
        say(company, Verb.ASK, version=1)
    say(company, Verb.ACCEPT)
    with pytest.raises(IllegalMove, match="it is right as it is"):
        say(company, Verb.DISPUTE, version=1)


def test_every_move_leaves_an_event(company: Office) -> None:
    looked(company, "2026-11-02")
    say(company, Verb.DISPUTE)
    say(company, Verb.ACCEPT)
    with company.database.reading() as connection:
        tags = list(
            connection.execute(select(Event.tag).where(Event.subject == "difference:1").order_by(Event.id)).scalars()
        )
    assert tags == [f"reconciliation:difference:{one}" for one in ("found", "disputed", "accepted")]


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("verb", Verb)
def test_the_table_of_moves(state: State, verb: Verb) -> None:
    """Only a person's word accepts, only the figures make it go; what is gone can only differ again."""
    if (state, verb) in ALLOWED:
        after = step(state, verb)
        assert (after is State.ACCEPTED) == (verb is Verb.ACCEPT) and (after is State.GONE) == (verb is Verb.AGREE)
        assert state is not State.GONE or verb is Verb.DIFFER
    else:
        with pytest.raises(IllegalMove):
            step(state, verb)


def test_the_digest_lists_what_is_open_and_says_when_nothing_is(company: Office) -> None:
    looked(company, "2026-11-02")
    with company.database.reading() as connection:
        facts = digest(connection, 1, None)
    assert facts is not None
    message = digest_of_differences(facts)
    check(message)
    assert "1 difference waits for an answer: €1,680.00 in doubt." in message.text
    assert labels(message) == ["Answer"]
    say(company, Verb.ACCEPT)
    with company.database.reading() as connection:
        facts = digest(connection, 1, None)
    assert facts is not None
    settled = digest_of_differences(facts)
    check(settled)
    assert settled.text == "All settled. Look of Nov 2026: 1 difference, none is open any more."


def test_the_window_shows_four_sides_and_asks_for_words(company: Office) -> None:
    looked(company, "2026-11-02")
    with company.database.reading() as connection:
        (one,) = differences(connection)
    view = answer_window(one)
    assert validate_view(view) == []
    text = json.dumps(view, ensure_ascii=False)
    assert "*Billed*\\n45" in text and "*The vendor enables*\\nnot known" in text
    say(company, Verb.DISPUTE, words="*bold* <!channel>")
    with company.database.reading() as connection:
        (again,) = differences(connection)
    assert validate_view(answer_window(again)) == []
    assert "We dispute it" not in json.dumps(answer_window(again))


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("count", [1, 60])
def test_the_list_and_its_windows_keep_every_rule(company: Office, voice: str, count: int) -> None:
    looked(company, "2026-11-02")
    with company.database.reading() as connection:
        (one,) = differences(connection)
    name = VOICES[voice].product
    rows = [replace(one, id=at, product=name, words=f"{name}: {name} billed", state="asked") for at in range(count)]
    listed = DigestOfDifferences(company.now, "", tuple(rows), 2)
    check(digest_of_differences(listed), most_blocks=40, most_characters=9000, own_words=voice == "ordinary")
    assert validate_view(answer_window(rows[0])) == []
    assert validate_view(all_differences(rows, company.now.date())) == []


def test_a_sku_nobody_registered_and_seats_nobody_knows(company: Office) -> None:
    """Microsoft lists one that the register lacks, and counts more seats of another than are known here."""
    with company.work() as work:
        known = "11111111-0000-4000-8000-00000000000a"
        work.connection.execute(update(Sku).values(sku_id=known, enabled=42, consumed=3))
        work.connection.execute(
            insert(VendorSku).values(
                sku_guid="22222222-0000-4000-8000-00000000000b",
                name="Visio Plan 2",
                applies_to="User",
                enabled=10,
                consumed=4,
                read_at=company.now,
                part_number="V",
                status="Enabled",
                warning=0,
                suspended=0,
                locked_out=0,
            )
        )
    looked(company, "2026-11-02")
    with company.database.reading() as connection:
        found = {one.kind: one.words for one in differences(connection) if one.kind is not Kind.BILLED_NOT_BOUGHT}
        unknown = [one.words for one in differences(connection) if one.kind is Kind.SEAT_UNKNOWN]
    assert found[Kind.ENABLED_EARLY] == "Copilot: Microsoft 365 enables 42, 40 are bought."
    assert unknown == [
        "Copilot: Microsoft 365 counts 3 seats as given, none of them is known here.",
        "Visio Plan 2 is not in the register: Microsoft 365 enables 10 and counts 4 seats as given.",
    ]


def test_tiers_do_not_hide_one_another(company: Office) -> None:
    with company.work() as work:
        product = work.connection.execute(select(Product.id)).scalar_one()
        for at, enabled in ((1, 12), (2, 28)):
            work.session.add(
                Sku(product_id=product, part_number=f"T{at}", tier=f"Tier {at}", rank=at, enabled=enabled, consumed=0)
            )
    company.take(
        "entitlements",
        """
        reference,product,tier,metric,quantity,unit_price,currency,starts_on,ends_on,contract
        PO-1,Copilot,Tier 1,named_user,15,336.00,EUR,2026-04-01,2027-03-31,K-1
        PO-2,Copilot,Tier 2,named_user,25,336.00,EUR,2026-04-01,2027-03-31,K-1
    """,
    )
    looked(company, "2026-11-02")
    with company.database.reading() as connection:
        words = [one.words for one in differences(connection) if one.kind in (Kind.ENABLED_EARLY, Kind.NOT_ENABLED)]
    assert words == [
        "Copilot, Tier 2: The vendor enables 28, 25 are bought.",
        "Copilot, Tier 1: 15 are bought, The vendor enables 12.",
    ]


@pytest.fixture
def typed(company: Office, sqlite_url: str) -> Callable[..., int]:
    def type_words(*words: str) -> int:
        parser = argparse.ArgumentParser(prog="seatkeeper")
        cli_reconcile.add_parser(parser.add_subparsers(required=True))
        settings = Settings(database_url=sqlite_url, secret_key="example-secret-key-of-more-than-32-characters")
        args = parser.parse_args(["reconcile", *words])
        return cli_reconcile.run(args, lambda: settings, company.at("2026-11-02"))

    return type_words


def test_the_command_prints_a_line_a_product(
    company: Office, typed: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    company.take("products", "name,publisher,licence_model\nMiro,Miro,paid")
    assert typed() == 0
    said = capsys.readouterr().out.splitlines()
    assert [" ".join(line.split()) for line in said[:3]] == [
        "As of 2 Nov 2026.",
        "product bought enabled billed given",
        "Copilot 40 ? 45 0",
    ]
    assert said[3].startswith("    Billed, not bought, €1,680.00: Copilot: 45 units billed")
    looked(company, "2026-11-02")
    say(company, Verb.DISPUTE)
    typed()
    assert "Billed, not bought, €1,680.00 [disputed]: " in capsys.readouterr().out


def test_csv_and_json_carry_unknown_as_nothing(
    company: Office, typed: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    company.take("invoices", f"{HEAD}\n=cmd,INV-9,,2026-04-05,,,,12.50,USD")
    typed("--format", "json")
    shape = json.loads(capsys.readouterr().out)
    (product,) = shape["products"]
    assert (product["registered"], product["vendor"], product["invoiced"], product["assigned"]) == (40, None, 45, 0)
    assert product["differences"][0]["amount"] == "1680.00" and product["differences"][0]["state"] is None
    assert (shape["others"][0]["kind"], shape["others"][0]["currency"]) == ("billed_not_bought", "USD")
    typed("--format", "csv")
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["amount"] for row in rows] == ["1680.00", "12.50"]
    assert rows[0]["vendor"] == "" and rows[0]["from"] == "2026-04-01"


def test_a_look_takes_the_same_queries_for_many_products(company: Office) -> None:
    def counted() -> int:
        asked: list[str] = []
        with company.database.reading() as connection:
            event.listen(connection, "before_cursor_execute", lambda *args: asked.append(args[2]))
            look(connection, company.now.date())
        return len(asked)

    before = counted()
    more = "\n".join(f"PO-{n},Product {n},named_user,5,10.00,EUR,2026-04-01,2027-03-31,K-1" for n in range(30))
    company.take(
        "entitlements", "reference,product,metric,quantity,unit_price,currency,starts_on,ends_on,contract\n" + more
    )
    assert counted() == before
