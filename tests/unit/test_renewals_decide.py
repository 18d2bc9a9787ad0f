"""Decisions about renewals: who may, until when, whose word is needed, and the proof that ends the red (rules §9)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert, update

from model.contracts import Contract, ContractDocument, Entitlement, EntitlementRight
from model.events import Event
from model.licences import Budget, SeatReturn, Sku
from model.reclaim import Saving
from model.renewals import RenewalDecision
from model.usage import VendorSubscription
from tests.unit.renewal_desk import CONTRACTS, ENTITLEMENTS, Office, office
from workflows.policy import Policy
from workflows.reads.budgets import budget_lines
from workflows.reads.next_terms import next_terms
from workflows.reads.renewal_brief import brief
from workflows.reads.renewals import renewals
from workflows.refusals import AlreadyDecided, FieldRefusals, MoneyThenOrder, OldCard, Refusal
from workflows.renewals import agreeing, proof
from workflows.renewals import decide as decisions
from workflows.renewals.decide import Asked, Verdict
from workflows.renewals.proof import Proof
from workflows.renewals.renewal import IllegalMove
from workflows.renewals.rights import NotYourRenewal, TooLate
from workflows.renewals.whatif import renewing

REDUCE = Asked(Verdict.REDUCE, 34)
CANCEL = Asked(Verdict.CANCEL)
RISEN = ENTITLEMENTS.replace("contract\n", "contract,field:announced price\n").replace("K-1\n", "K-1,€352.80\n")
RENEW = Asked(Verdict.RENEW)


@pytest.fixture
def company(sqlite_url: str) -> Iterator[Office]:
    with office(sqlite_url) as made:
        made.night("2026-12-01")
        yield made


def decide(company: Office, who: str, asked: Asked, day: str = "2026-12-02", version: int | None = None) -> None:
    with company.work() as work:
        decisions.decide(work, company.rules, 1, version, company.person(who), asked, company.at(day))


def prove(company: Office, who: str, day: str = "2026-12-10", **values: Any) -> None:
    given: dict[str, Any] = {
        "sent_by_id": company.person("goran"), "sent_on": date(2026, 12, 9), "how": "by e-mail",
        "document": "answer.eml",
    }  # fmt: skip
    with company.work() as work:
        proof.prove(work, company.rules, 1, None, company.person(who), Proof(**(given | values)), company.at(day))


def test_a_reduction_stays_red_until_the_proof_is_attached(company: Office) -> None:
    decide(company, "chitra", REDUCE)
    assert company.states() == ["proof_awaited"]
    assert company.rows(RenewalDecision, "verdict", "quantity", "total", "currency", "carry_out_by") == [
        ("reduce", 34, Decimal("11424.00"), "EUR", date(2027, 1, 31))
    ]
    prove(company, "goran")
    assert company.states() == ["done"]
    assert company.rows(ContractDocument, "reference") == [("answer.eml",)]
    assert company.rows(RenewalDecision, "carried_out_how", "document_id", "verified_by") == [
        ("by e-mail", 1, f"person:{company.person('goran')}")
    ]


def test_a_reduction_that_was_proved_is_a_smaller_purchase_of_the_next_term(company: Office) -> None:
    decide(company, "chitra", REDUCE)
    prove(company, "goran")
    company.night("2027-04-01")
    assert company.rows(Contract, "ends_on") == [(date(2028, 3, 31),)]
    assert company.rows(Entitlement, "reference", "quantity", "starts_on", "ends_on") == [
        ("PO-1", 40, date(2026, 4, 1), date(2027, 3, 31)),
        ("PO-1 from 2027-04-01", 34, date(2027, 4, 1), date(2028, 3, 31)),
    ]


TWO = (
    ENTITLEMENTS
    + """    PO-2,Visio,named_user,10,162.00,EUR,2026-04-01,2027-03-31,K-1
    PO-3,Copilot,named_user,5,350.00,EUR,2026-09-01,2027-03-31,K-1
"""
)


def test_of_several_products_each_is_judged_and_the_floor_holds_for_all(sqlite_url: str) -> None:
    """A floor of 30 over 55 units: of the ten none need remain, of the dearer forty fifteen."""
    with office(sqlite_url, entitlements=TWO) as company:
        company.night("2026-12-01")
        with company.database.reading() as connection:
            made = brief(connection, company.policy, 1, company.at("2026-12-02"), forecast="never")
        assert made is not None
        assert [(one.name, one.quantity, one.use.in_use) for one in made.products] == [
            ("Copilot", 45, 0),
            ("Visio", 10, 0),
        ]
        assert (made.seats, made.several, made.commit_floor, made.floor) == (45, True, 30, None)
        assert str(made.products[0].next_costs) == "€15,190.00"
        with pytest.raises(FieldRefusals) as wrong:
            decide(company, "chitra", Asked(Verdict.REDUCE, 14, 1))
        assert wrong.value.by_field == {"quantity": "The contract allows no fewer than 30 in all, so 15 remain here."}
        decide(company, "chitra", Asked(Verdict.REDUCE, 15, 1))
        assert company.states() == ["proof_awaited"]


@pytest.mark.parametrize("reduced", [False, True])
def test_the_next_term_is_written_at_the_announced_price_which_then_announces_no_more(
    sqlite_url: str, reduced: bool
) -> None:
    """It went on at the old price, and the same rise was announced again for the term after."""
    with office(sqlite_url, entitlements=RISEN) as company:
        company.night("2026-12-01")
        if reduced:
            decide(company, "chitra", REDUCE)
            prove(company, "goran")
        company.night("2027-04-01")
        units = 34 if reduced else 40
        assert company.rows(Entitlement, "reference", "quantity", "unit_price", "starts_on", "ends_on", "fields") == [
            ("PO-1", 40, Decimal("336.00"), date(2026, 4, 1), date(2027, 3, 31), {"announced price": "€352.80"}),
            ("PO-1 from 2027-04-01", units, Decimal("352.80"), date(2027, 4, 1), date(2028, 3, 31), {}),
        ]
        assert company.night("2027-04-02").rolled == 0


UPKEEP = """
    reference,product,metric,kind,quantity,unit_price,maintenance_price,maintenance_until,currency,starts_on,contract,rights,evidence
    PO-7,AutoCAD,device,perpetual,5,4000.00,600.00,2027-03-31,EUR,2022-01-01,K-1,downgrade,clause 4
"""


def test_of_perpetual_licences_fewer_are_maintained_and_none_is_lost(sqlite_url: str) -> None:
    """A reduction of maintenance was decided and proved, and the next term maintained all five again."""
    with office(sqlite_url, CONTRACTS.replace(",30,", ",,"), UPKEEP) as company:
        company.night("2026-12-01")
        decide(company, "chitra", Asked(Verdict.REDUCE, 2))
        prove(company, "goran")
        company.night("2027-04-01")
        assert company.rows(Entitlement, "reference", "quantity", "maintenance_until", "starts_on", "ends_on") == [
            ("PO-7", 2, date(2028, 3, 31), date(2022, 1, 1), None),
            ("PO-7 without maintenance from 2027-03-31", 3, date(2027, 3, 31), date(2022, 1, 1), None),
        ]
        assert company.rows(EntitlementRight, "entitlement_id", "name", "evidence") == [
            (1, "downgrade", "clause 4"), (2, "downgrade", "clause 4"),
        ]  # fmt: skip
        with company.database.reading() as connection:
            (row,) = renewals(connection, company.policy, company.at("2027-12-02"))
        assert row.seats == 2 and row.next_cost is not None and row.next_cost.rounded() == {"EUR": "1200.00"}


@pytest.mark.parametrize(
    ("asked", "day", "committed"),
    [
        (None, "2026-12-02", "€3,313.97"),  # to 31 Mar 2027; nothing is certain yet
        (REDUCE, "2026-12-02", "€11,897.58"),  # and 34 from April on: 275 of 366 days of €11,424.00
        (CANCEL, "2026-12-02", "€3,313.97"),
        (None, "2027-02-01", "€13,412.33"),  # missed: it renews by itself at 40: 275 of 366 days of €13,440.00
    ],
)
def test_a_next_term_that_is_certain_is_committed_before_it_begins(
    company: Office, asked: Asked | None, day: str, committed: str
) -> None:
    if asked is not None:
        decide(company, "chitra", asked)
    else:
        company.night(day)
    with company.database.reading() as connection:
        coming = next_terms(connection, company.policy, company.at(day))
        (line,) = budget_lines(connection, 2027, company.policy.procurement, coming=coming)
    assert (line.name, str(line.committed)) == ("CC-1", committed)


def test_an_order_of_the_next_term_is_no_second_purchase(sqlite_url: str) -> None:
    """Registered early it was added to what runs: 75 seats were to be decided about, at the cost of both."""
    early = ENTITLEMENTS + "    PO-2,Copilot,named_user,35,336.00,EUR,2027-04-01,2028-03-31,K-1\n"
    with office(sqlite_url, entitlements=early) as company:
        company.night("2026-12-01")
        with company.database.reading() as connection:
            (row,) = renewals(connection, company.policy, company.at("2026-12-02"))
    assert row.seats == 40 and row.next_cost is not None and row.next_cost.rounded() == {"EUR": "13440.00"}


def test_an_announced_price_is_what_the_next_term_costs(sqlite_url: str) -> None:
    """The forecast of the cost at renewal left the rise out, which stood in a column of its own."""
    with office(sqlite_url, entitlements=RISEN) as company:
        company.night("2026-12-01")
        with company.database.reading() as connection:
            (row,) = renewals(connection, company.policy, company.at("2026-12-02"))
            made = brief(connection, company.policy, 1, company.at("2026-12-02"), forecast="never")
            (as_is,) = renewing(connection, company.policy, "K-1", company.at("2026-12-02"))
        assert row.next_cost is not None and row.next_cost.rounded() == {"EUR": "14112.00"}
        assert made is not None and made.money.total == row.next_cost and made.lines[0].rise == 5
        assert str(as_is.as_is.unit_price) == "€352.80"
        decide(company, "chitra", REDUCE)
        assert company.rows(RenewalDecision, "total", "currency") == [(Decimal("11995.20"), "EUR")]


def test_a_cancellation_that_was_proved_ends_the_contract(company: Office) -> None:
    decide(company, "dara", CANCEL)
    prove(company, "goran")
    company.night("2027-04-01")
    assert company.rows(Contract, "ends_on") == [(date(2027, 3, 31),)]
    assert company.states() == ["done"]


def test_what_nobody_proved_goes_on_by_itself_and_says_so(company: Office) -> None:
    decide(company, "chitra", CANCEL)
    company.night("2027-01-15")
    assert company.notes()[-1][1].startswith("Proof is missing: Northwind, K-1 (REN-1): Copilot, 40 seats.")
    company.night("2027-04-01")
    assert company.renewals("state", "words")[0] == (
        "rolled_over", "Decided, but nothing shows that it was done: the next term began by itself.",
    )  # fmt: skip
    assert company.rows(Contract, "ends_on") == [(date(2028, 3, 31),)]


def test_a_renewal_that_goes_on_by_itself_needs_no_letter(company: Office) -> None:
    decide(company, "chitra", RENEW)
    assert company.states() == ["done"]
    company.night("2027-04-01")
    assert company.rows(Entitlement, "quantity", "ends_on") == [(40, date(2028, 3, 31))]


@pytest.mark.parametrize("who", ["chitra", "dara", "fatima", "goran"])
def test_who_answers_for_it_and_who_has_the_role_decide(company: Office, who: str) -> None:
    decide(company, who, RENEW)
    assert company.states() == ["done"]


def test_nobody_else_decides_and_hears_who_does(company: Office) -> None:
    with pytest.raises(NotYourRenewal) as wrong:
        decide(company, "ana", RENEW)
    assert str(wrong.value) == "This is decided by Chitra Rao or Dara Novak. You can look, not decide."
    assert company.states() == ["briefed"]


def test_a_second_decision_hears_of_the_first(company: Office) -> None:
    decide(company, "chitra", REDUCE)
    with pytest.raises(AlreadyDecided, match="Chitra Rao decided to reduce this"):
        decide(company, "dara", RENEW)
    with pytest.raises(AlreadyDecided):
        decide(company, "chitra", REDUCE)
    assert len(company.rows(RenewalDecision, "id")) == 1


def test_an_older_card_decides_nothing(company: Office) -> None:
    with pytest.raises(OldCard):
        decide(company, "chitra", RENEW, version=0)


def test_too_late_says_until_when_and_what_it_costs(company: Office) -> None:
    with pytest.raises(TooLate, match="had to be decided by 29 Jan 2027"):
        decide(company, "chitra", REDUCE, "2027-01-30")
    company.night("2027-02-01")
    with pytest.raises(TooLate, match=r"by 29 Jan 2027\. 40 seats until 31 Mar 2028"):
        decide(company, "chitra", CANCEL, "2027-02-02")


@pytest.mark.parametrize(
    ("asked", "field", "words"),
    [
        (Asked(Verdict.REDUCE), "quantity", "Write how many are to remain."),
        (Asked(Verdict.REDUCE, 40), "quantity", "40 is what you have: choose Renew."),
        (Asked(Verdict.REDUCE, 29), "quantity", "The contract allows no fewer than 30 until 31 Mar 2028."),
        (Asked(Verdict.REDUCE, 34, 999), "entitlement", "Choose which product gets fewer."),
        (Asked(Verdict.RENEGOTIATE, words=" "), "words", "Say what to ask for."),
    ],
)
def test_what_cannot_be_decided_is_a_sentence_at_its_field(
    company: Office, asked: Asked, field: str, words: str
) -> None:
    with pytest.raises(FieldRefusals) as wrong:
        decide(company, "chitra", asked)
    assert wrong.value.by_field == {field: words}
    assert company.rows(RenewalDecision, "id") == []


def test_of_several_purchases_one_must_be_named(company: Office) -> None:
    company.take("entitlements", ENTITLEMENTS.replace("PO-1,Copilot,named_user,40", "PO-2,Miro,named_user,12"))
    with pytest.raises(FieldRefusals, match="which product"):
        decide(company, "chitra", REDUCE)
    decide(company, "chitra", Asked(Verdict.REDUCE, 10, 2))
    prove(company, "goran")
    company.night("2027-04-01")
    in_force = [row for row in company.rows(Entitlement, "quantity", "ends_on") if row[1] == date(2028, 3, 31)]
    assert sorted(quantity for quantity, _ in in_force) == [10, 40]


def test_a_decision_is_changed_while_there_is_time(company: Office) -> None:
    decide(company, "chitra", REDUCE)
    with company.work() as work:
        decisions.change(work, company.rules, 1, None, company.person("dara"), company.at("2026-12-05"))
    decide(company, "chitra", RENEW, "2026-12-06")
    assert [row[0] for row in company.rows(RenewalDecision, "replaced_at")] != [None, None]
    assert company.states() == ["done"]
    with pytest.raises(TooLate), company.work() as work:
        decisions.change(work, company.rules, 1, None, company.person("dara"), company.at("2027-02-05"))


def test_put_off_and_taken_up_again(company: Office) -> None:
    def put_off(until: date, words: str = "waiting for the offer") -> None:
        with company.work() as work:
            decisions.defer(
                work, company.rules, 1, None, company.person("chitra"), until, words, company.at("2026-12-02")
            )

    for until, words in ((date(2027, 1, 29), "later"), (date(2026, 12, 2), "now"), (date(2027, 1, 8), " ")):
        with pytest.raises(FieldRefusals):
            put_off(until, words)
    put_off(date(2027, 1, 8))
    company.night("2027-01-07")
    assert company.states() == ["deferred"]
    company.night("2027-01-08")
    assert company.states() == ["briefed"]


def test_an_owner_is_named_and_told_from_then_on(company: Office) -> None:
    with company.work() as work:
        decisions.assign(
            work, company.rules, 1, company.person("dara"), company.person("ana"), company.at("2026-12-02")
        )
    company.night("2026-12-31")
    assert company.notes()[-1][0] == f"person:{company.person('ana')}"
    decide(company, "ana", RENEW, "2027-01-02")


def test_nobody_who_is_not_here_becomes_the_owner(company: Office) -> None:
    with company.database.unit_of_work() as work, pytest.raises(FieldRefusals, match="somebody who works here"):
        decisions.assign(work, company.rules, 1, company.person("dara"), 999, company.at("2027-01-03"))


# -- others agree ------------------------------------------------------------------------------------------------------


@pytest.fixture
def strict(company: Office) -> Office:
    """Finance decides too above €10,000.00."""
    company.policy = Policy.model_validate(
        {"approval": {"steps": []}, "finance": {"above": {"EUR": "10000.00"}, "rule": 2}}
    )
    return company


def agree(company: Office, who: str, **more: Any) -> None:
    with company.work() as work:
        agreeing.agree(work, company.rules, 1, None, company.person(who), company.at("2026-12-03"), **more)


def test_above_the_limit_finance_agrees_first(strict: Office) -> None:
    decide(strict, "chitra", RENEW)
    assert strict.states() == ["decided"]
    ((needs,),) = strict.rows(RenewalDecision, "needs")
    assert [(one["step"], one["asked"]) for one in needs] == [("finance", [strict.person("fatima")])]
    with pytest.raises(NotYourRenewal, match="decided by Fatima Haddad"):
        agree(strict, "chitra")
    agree(strict, "fatima")
    assert strict.states() == ["done"]


def test_finance_may_say_no(strict: Office) -> None:
    decide(strict, "chitra", REDUCE)
    agree(strict, "fatima", agrees=False, words="too dear")
    assert strict.states() == ["briefed"]
    decide(strict, "chitra", CANCEL)
    assert strict.states() == ["proof_awaited"]  # it spends nothing


def test_who_approved_the_money_does_not_confirm_the_order(strict: Office) -> None:
    decide(strict, "chitra", REDUCE)
    agree(strict, "fatima")
    with pytest.raises(MoneyThenOrder):
        prove(strict, "fatima")
    prove(strict, "goran")


def test_nobody_agrees_to_their_own(strict: Office) -> None:
    decide(strict, "fatima", RENEW)
    with pytest.raises(NotYourRenewal):
        agree(strict, "fatima")
    assert strict.states() == ["decided"]


def test_over_budget_needs_finance_and_no_budget_does_not(company: Office) -> None:
    company.policy = Policy.model_validate({"approval": {"steps": []}})
    with company.work() as work:
        work.session.add(Budget(cost_centre="CC-1", year=2027, amount=Decimal("12000.00"), currency="EUR"))
    decide(company, "chitra", REDUCE)  # 34 x 336 = 11,424
    assert company.states() == ["proof_awaited"]
    with company.work() as work:
        decisions.change(work, company.rules, 1, None, company.person("chitra"), company.at("2026-12-05"))
    decide(company, "chitra", RENEW, "2026-12-06")  # 13,440
    assert company.states() == ["decided"]
    assert company.rows(RenewalDecision, "over_budget") == [(False,), (True,)]


def test_the_steps_of_a_request_are_run(company: Office) -> None:
    """The usual policy: the line manager of whoever decides agrees."""
    company.policy = Policy()
    decide(company, "chitra", RENEW)
    with pytest.raises(NotYourRenewal, match="Fay Ito"):
        agree(company, "dara")
    agree(company, "fay")
    assert company.states() == ["done"]


def test_a_decision_nobody_agreed_to_in_time_is_missed(strict: Office) -> None:
    decide(strict, "chitra", RENEW)
    strict.night("2027-01-30")
    assert strict.states() == ["missed"]


# -- proof -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"sent_on": date(2026, 12, 11)}, "sent_on"),
        ({"how": "  "}, "how"),
        ({"document": ""}, "document"),
        ({"sent_by_id": 999}, "sent_by"),
    ],
)
def test_a_proof_without_substance_is_none(company: Office, values: dict[str, Any], field: str) -> None:
    decide(company, "chitra", CANCEL)
    with pytest.raises(FieldRefusals) as wrong:
        prove(company, "goran", **values)
    assert list(wrong.value.by_field) == [field]
    assert company.states() == ["proof_awaited"]


def test_a_letter_sent_after_the_last_day_proves_nothing(company: Office) -> None:
    decide(company, "chitra", CANCEL)
    with pytest.raises(FieldRefusals, match="by 31 Jan 2027"):
        prove(company, "goran", "2027-02-05", sent_on=date(2027, 2, 1))
    prove(company, "goran", "2027-02-05", sent_on=date(2027, 1, 29))  # the proof itself may come late


def test_nothing_is_proved_that_was_not_decided(company: Office) -> None:
    with pytest.raises(IllegalMove):
        prove(company, "goran")


def test_microsofts_figure_is_proof(company: Office) -> None:
    """Fewer units at a sync after the decision; a figure read before it shows nothing."""
    with company.work() as work:
        work.connection.execute(
            insert(VendorSubscription).values(
                subscription_id="sub-1", sku_guid="g", part_number="SPE_E3", status="Enabled", units=40, trial=False,
                next_change_on=date(2027, 1, 15), created_on=date(2024, 1, 15), read_at=company.at("2026-12-01"),
            )
        )  # fmt: skip
    company.night("2026-12-01")
    with company.work() as work:
        decisions.decide(work, company.rules, 2, None, company.person("dara"), REDUCE, company.at("2026-12-02"))

    def synced(day: str, units: int, until: date = date(2027, 1, 15)) -> str:
        with company.work() as work:
            work.connection.execute(
                update(VendorSubscription).values(units=units, read_at=company.at(day, 3), next_change_on=until)
            )
        company.night(day)
        return company.states()[1]

    assert synced("2026-12-03", 40) == "proof_awaited"
    assert synced("2027-01-16", 34, date(2028, 1, 15)) == "done"
    assert company.rows(RenewalDecision, "verified_by") == [("Microsoft 365, 34 units on 16 Jan 2027",)]


def test_a_tenants_seat_count_is_proof_for_a_contract_too(company: Office) -> None:
    company.take("products", "name,publisher,enabled,figures_at\nCopilot,Microsoft,40,2026-12-01 09:00")
    with company.work() as work:
        work.connection.execute(update(Entitlement).values(sku_id=1))
    decide(company, "chitra", REDUCE)
    company.night("2026-12-03")
    assert company.states() == ["proof_awaited"]
    with company.work() as work:
        work.connection.execute(update(Sku).values(enabled=34, figures_at=company.at("2026-12-04")))
    company.night("2026-12-05")
    assert company.states() == ["done"]


def test_a_change_in_mid_term_undoes_a_planned_decrease(company: Office) -> None:
    """Rules §9: at Microsoft such a change deletes what was scheduled, also when it had been proved."""
    with company.work() as work:
        work.connection.execute(
            insert(VendorSubscription).values(
                subscription_id="sub-1", sku_guid="g", part_number="SPE_E3", status="Enabled", units=40, trial=False,
                next_change_on=date(2027, 6, 15), created_on=date(2024, 6, 15), read_at=company.at("2026-12-01"),
            )
        )  # fmt: skip
    company.night("2026-12-01")
    with company.work() as work:
        decisions.decide(work, company.rules, 2, None, company.person("dara"), REDUCE, company.at("2026-12-02"))
    with company.work() as work:
        done = Proof(company.person("goran"), date(2026, 12, 3), "planned in the admin centre", "screen.png")
        proof.prove(work, company.rules, 2, None, company.person("goran"), done, company.at("2026-12-03"))
    assert company.states()[1] == "done"
    with company.work() as work:
        work.connection.execute(update(VendorSubscription).values(units=42, read_at=company.at("2026-12-10", 3)))
    for day in ("2026-12-10", "2026-12-11"):
        company.night(day)
    assert company.states()[1] == "proof_awaited"
    assert [text for _, text in company.notes() if text.startswith("Plan the decrease again")] == [
        "Plan the decrease again: Microsoft, SPE_E3 (REN-2). Microsoft shows 42 seats since a change in mid-term, and "
        "such a change deletes a planned decrease. It must be planned by 14 Jun 2027."
    ]


def test_fewer_units_are_a_saving_once_for_each_seat_that_was_taken_back(company: Office) -> None:
    """Six fewer, but two seats were taken back, of which one was counted before: one is saved."""
    company.take(
        "seats",
        """
        product,person,began_on
        Copilot,ana@example.test,2026-05-01
        Copilot,dara@example.test,2026-05-01
        """,
    )
    with company.work() as work:
        for seat in (1, 2):
            values = {"seat_id": seat, "person_id": 1, "product_id": 1, "ground": "idle", "confirmed_by_id": 1,
                      "confirmed_at": company.at("2026-11-01"), "state": "removed",
                      "removed_at": company.at("2026-11-02")}  # fmt: skip
            work.connection.execute(insert(SeatReturn).values(values))
        work.connection.execute(
            insert(Saving).values(seat_return_id=1, kind="avoided", from_on=date(2026, 11, 2), realised_at=company.now)
        )
    decide(company, "chitra", REDUCE)
    prove(company, "goran")
    company.night("2027-04-01")
    company.night("2027-04-02")
    assert company.rows(Saving, "seat_return_id", "kind", "amount", "currency", "from_on", "to_on")[1:] == [
        (2, "reduced", Decimal("336.00"), "EUR", date(2027, 4, 1), date(2028, 3, 31))
    ]


def test_a_subscription_that_is_gone_proves_its_cancellation_and_ends_the_others(company: Office) -> None:
    with company.work() as work:
        for number in (1, 2):
            work.connection.execute(
                insert(VendorSubscription).values(
                    subscription_id=f"sub-{number}", sku_guid="g", status="Enabled", units=40, trial=False,
                    part_number="SPE_E3", next_change_on=date(2027, 1, 15), created_on=date(2024, 1, 15),
                    read_at=company.at("2026-12-01"),
                )
            )  # fmt: skip
    company.night("2026-12-01")
    with company.work() as work:
        decisions.decide(work, company.rules, 2, None, company.person("dara"), CANCEL, company.at("2026-12-02"))
        work.connection.execute(update(VendorSubscription).values(gone_at=company.at("2026-12-04")))
    night = company.night("2026-12-05")
    assert (night.proved, night.dropped) == (1, 1)
    assert company.states()[1:] == ["done", "dropped"]


def test_a_true_up_is_an_order_and_stays_red(company: Office) -> None:
    """Also where the contract goes on by itself; and only the order is decided there."""
    company.take("contracts", "number,vendor,starts_on,true_up_from\nK-1,Northwind,2026-04-01,2026-04-01")
    company.night("2026-12-02")
    assert company.renewals("occasion")[1] == ("true_up",)
    with company.database.unit_of_work() as work, pytest.raises(Refusal, match="decided with the term"):
        decisions.decide(work, company.rules, 2, None, company.person("dara"), CANCEL, company.at("2026-12-03"))
    with company.work() as work:
        decisions.decide(work, company.rules, 2, None, company.person("dara"), RENEW, company.at("2026-12-03"))
    assert company.states()[1] == "proof_awaited"


def test_every_move_left_its_event(company: Office) -> None:
    decide(company, "chitra", REDUCE)
    prove(company, "goran")
    company.night("2027-04-01")
    tags = [tag for tag, subject in company.rows(Event, "tag", "subject") if subject == "renewal:1"]
    assert tags == [
        "renewal:occasion:opened", "renewal:people:told", "renewal:decision:made", "renewal:proof:awaited",
        "renewal:proof:given",
    ]  # fmt: skip


def test_no_order_of_presses_makes_two_decisions(company: Office) -> None:
    """Whatever is pressed, at most one decision stands."""
    day = date(2026, 12, 2)
    for who, asked in [("chitra", RENEW), ("dara", CANCEL), ("goran", REDUCE), ("chitra", CANCEL)]:
        with suppress(Refusal):
            decide(company, who, asked, day.isoformat())
        with suppress(Refusal), company.work() as work:
            decisions.change(work, company.rules, 1, None, company.person(who), company.at(day.isoformat()))
        with suppress(Refusal):
            decide(company, "dara", REDUCE, day.isoformat())
        day += timedelta(days=1)
        standing = [row for row in company.rows(RenewalDecision, "replaced_at") if row[0] is None]
        assert len(standing) == 1
