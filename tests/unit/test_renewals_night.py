"""The night's round: renewals are opened, told once and in time, missed, and their next term is written (rules §9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, timedelta

import pytest
from sqlalchemy import insert, update

from bot.cards import Setting, card_row
from bot.cards_renewals import many
from model.contracts import Contract, Entitlement, Superseded
from model.renewals import Renewal, RenewalDate, RenewalState
from model.requests import Card
from model.usage import VendorSubscription
from tests.unit.message_checks import check, labels, shown
from tests.unit.renewal_desk import CONTRACTS, Office, office
from workflows.effects import ShowCard
from workflows.reads.renewal_brief import brief
from workflows.reads.renewals import renewals
from workflows.renewals import follow, night
from workflows.renewals.calendar import description
from workflows.renewals.renewal import ALLOWED, FINAL, IllegalMove, Verb, step

HEAD = "number,vendor,starts_on,ends_on,notice,auto_renew,owner,programme,true_up_from,told_days\n"


@pytest.fixture
def company(sqlite_url: str) -> Iterator[Office]:
    with office(sqlite_url) as made:
        yield made


@pytest.fixture
def with_contracts(sqlite_url: str) -> Iterator[Callable[[str], Office]]:
    """A company whose contracts are the lines given."""
    with ExitStack() as stack:
        yield lambda lines: stack.enter_context(office(sqlite_url, HEAD + lines, ""))


def test_a_contract_becomes_a_renewal_with_a_date_per_decision(company: Office) -> None:
    assert company.night("2026-09-01").opened == 1
    assert company.renewals("occasion", "starts_on", "ends_on", "decide_by", "state", "owner_id") == [
        ("term", date(2026, 4, 1), date(2027, 3, 31), date(2027, 1, 29), "open", company.person("chitra"))
    ]
    assert company.rows(RenewalDate, "decision", "decide_by", "not_after", "why") == [
        ("cancel", date(2027, 1, 29), date(2027, 1, 31), "31 Jan 2027 is a Sunday"),
        ("reduce", date(2027, 1, 29), date(2027, 1, 31), "31 Jan 2027 is a Sunday"),
    ]
    again = company.night("2026-09-01")
    assert (again.opened, again.told) == (0, 0)


def test_each_stage_is_told_once_to_whoever_answers_for_it(company: Office) -> None:
    day = date(2026, 9, 1)
    while day <= date(2027, 2, 10):
        company.night(day.isoformat())
        day += timedelta(days=1 if day.month == 1 else 3)
    assert company.told() == [
        ("before-90", "2026-10-31"),
        ("before-30", "2026-12-30"),
        ("before-14", "2027-01-15"),
        ("before-3", "2027-01-26"),
        ("missed", "2027-01-30"),
    ]
    audience, text = company.notes()[0]
    assert audience == f"person:{company.person('chitra')}"
    assert text == (
        "Decide by 29 Jan 2027: Northwind, K-1 (REN-1): Copilot, 40 seats. The date was brought forward: 31 Jan 2027 "
        "is a Sunday. Without a decision it renews by itself on 1 Apr 2027."
    )


def test_the_service_down_over_a_stage_tells_it_once_before_the_date(company: Office) -> None:
    """The issue's own case: asleep from October to the day before decide-by."""
    company.night("2026-09-01")
    woken = company.night("2027-01-28")
    assert (woken.told, company.told()) == (1, [("before-3", "2027-01-28")])
    assert len(company.notes()) == 1
    company.night("2027-01-28")
    company.night("2027-01-29")
    assert len(company.notes()) == 1


def test_down_over_the_date_says_what_was_missed_and_what_it_costs(company: Office) -> None:
    company.night("2026-09-01")
    company.take("seats", "product,person,began_on\nCopilot,ana@example.test,2026-05-01")
    assert company.night("2027-02-15").missed == 1
    assert company.states() == ["missed"]
    # 30 are committed, so 10 of 40 at €336.00 are too many; 29 Jan 2028 is a Saturday two days before 31 Jan
    words = "40 seats until 31 Mar 2028, €3,360.00 more than needed. Next decision by 31 Jan 2028."
    assert company.renewals("words") == [(words,)]
    assert company.notes()[-1][1] == f"Too late to change: Northwind, K-1 (REN-1): Copilot, 40 seats. {words}"


@pytest.mark.parametrize(
    ("metric", "held"),
    [("consumption", "40 units"), ("core", "40 units"), ("device", "40 seats"), ("concurrent", "40 seats")],
)
def test_what_renews_is_told_in_the_word_its_brief_has(company: Office, metric: str, held: str) -> None:
    """The brief said "40 units" and the note of the missed date "40 seats"."""
    kind = metric if metric in ("consumption", "concurrent") else "subscription"
    company.take(
        "entitlements",
        f"""reference,product,metric,kind,quantity,unit_price,currency,starts_on,ends_on,contract
        PO-1,Copilot,{metric},{kind},40,336.00,EUR,2026-04-01,2027-03-31,K-1""",
    )
    company.night("2026-09-01")
    company.night("2027-01-28")
    assert f"Copilot, {held}. " in company.notes()[-1][1]
    with company.database.reading() as connection:
        (row,) = renewals(connection, company.policy, company.now)
        facts = brief(connection, company.policy, 1, company.now)
    assert facts is not None and f"40 {facts.use.counted_by}" == held
    assert f"Copilot, {held}." in description(row)
    company.night("2027-02-15")
    assert company.notes()[-1][1].startswith(
        f"Too late to change: Northwind, K-1 (REN-1): Copilot, {held}. {held} until 31 Mar 2028, "
    )


def test_a_date_that_passed_before_we_knew_is_missed_and_told_to_nobody(company: Office) -> None:
    company.night("2027-03-01")
    assert (company.states()[0], company.notes()) == ("missed", [])


def test_auto_renewal_writes_the_next_term_and_loses_nothing(company: Office) -> None:
    company.night("2027-02-01")
    assert company.states() == ["missed"]
    assert company.night("2027-04-01").rolled == 1
    assert company.states()[:2] == ["rolled_over", "open"]
    assert company.rows(Contract, "starts_on", "ends_on", "term_months") == [(date(2026, 4, 1), date(2028, 3, 31), 12)]
    assert company.rows(Entitlement, "ends_on", "quantity") == [(date(2028, 3, 31), 40)]
    assert {row[0] for row in company.rows(Superseded, "table_name")} == {"contract", "entitlement"}
    assert company.night("2027-04-02").rolled == 0


def test_of_a_perpetual_licence_the_maintenance_renews(company: Office) -> None:
    company.take(
        "entitlements",
        """
        reference,product,metric,kind,quantity,unit_price,maintenance_price,maintenance_until,currency,starts_on,contract
        PO-7,AutoCAD,device,perpetual,5,4000.00,600.00,2027-03-31,EUR,2022-01-01,K-1
        """,
    )
    company.night("2027-01-20")
    assert company.notes()[0][1].startswith(
        "Decide by 29 Jan 2027: Northwind, K-1 (REN-1): maintenance of AutoCAD, 5 seats and Copilot, 40 seats."
    )
    company.night("2027-04-01")
    assert company.rows(Entitlement, "reference", "ends_on", "maintenance_until") == [
        ("PO-1", date(2028, 3, 31), None),
        ("PO-7", None, date(2028, 3, 31)),
    ]


def test_a_service_that_slept_for_years_comes_out_in_the_right_term(company: Office) -> None:
    company.night("2026-12-01")
    company.night("2029-05-10")
    assert company.rows(Contract, "ends_on") == [(date(2030, 3, 31),)]
    assert company.renewals("ends_on", "state") == [
        (date(2027, 3, 31), "rolled_over"), (date(2030, 3, 31), "open"),
    ]  # fmt: skip
    assert [text[:18] for _, text in company.notes()] == ["Decide by 29 Jan 2", "Too late to change"]


def test_a_contract_read_in_long_after_its_end_goes_on(company: Office) -> None:
    company.night("2028-06-01")
    assert company.rows(Contract, "ends_on") == [(date(2029, 3, 31),)]


def test_a_contract_that_ends_by_itself_is_closed_with_its_term(with_contracts: Callable[[str], Office]) -> None:
    company = with_contracts("K-2,Northwind,2026-04-01,2027-03-31,30 days,no,chitra@example.test,,,")
    company.night("2027-01-15")
    assert company.notes()[0][1].startswith("Decide by 1 Mar 2027: Northwind, K-2 (REN-1). Without a decision it ends")
    company.night("2027-04-01")
    assert company.renewals("state", "words") == [("missed", "It ends on 31 Mar 2027.")]
    assert company.rows(Contract, "ends_on") == [(date(2027, 3, 31),)]


def test_what_is_missing_is_said_with_who_can_fill_it(with_contracts: Callable[[str], Office]) -> None:
    company = with_contracts("K-3,Northwind,2026-04-01,2027-03-31,30 days,yes,,,,")
    company.night("2027-01-15")
    ((audience, text),) = company.notes()
    assert audience == "channel:licences"
    assert text.endswith("Not recorded: a price and an owner; procurement or licence manager can fill it in.")


MANY = "\n".join(f"K-{at:02},Northwind,2026-04-01,2027-03-31,30 days,yes,,,," for at in range(12))


def in_channel(company: Office) -> list[tuple[str, str, int]]:
    """Kind, audience and how many renewals of each card in a channel."""
    rows = company.rows(Card, "kind", "audience", "facts")
    return [
        (kind, audience, len(facts.get("renewals", [0])))
        for kind, audience, facts in rows
        if audience.startswith("channel:")
    ]


def test_many_at_once_are_one_message_with_a_row_each(with_contracts: Callable[[str], Office]) -> None:
    """The first night of a register filled the channel with a brief for every contract."""
    company = with_contracts(MANY)
    assert company.night("2027-01-15").told == 12
    assert in_channel(company) == [("renewals", "channel:licences", 12)]
    with company.database.reading() as connection:
        card = card_row(connection, company.rows(Card, "id")[0][0])
        assert card is not None
        drawn = many(connection, card, Setting(company.policy, company.now))
    assert drawn is not None and drawn[1]
    check(drawn[0])
    seen = shown(drawn[0])
    assert "12 renewals to decide" in seen and "The first by 1 Mar 2027: Northwind, K-00." in seen
    assert "*Northwind, K-00* · decide by 1 Mar 2027 · nobody answers for it yet" in seen
    assert labels(drawn[0]) == ["Open"] * 12
    assert "And 7 more." in drawn[0].text


def test_a_list_of_a_day_takes_what_comes_later_that_day_and_is_rewritten(
    with_contracts: Callable[[str], Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(night, "TOGETHER", 8)
    company = with_contracts(MANY)
    company.night("2027-01-15")
    assert in_channel(company) == [("renewals", "channel:licences", 12)]
    with company.work() as work:
        effects = follow.shown(work, 3)
    assert effects == [ShowCard(company.rows(Card, "id")[0][0])]


def test_three_at_once_are_briefs_of_their_own(with_contracts: Callable[[str], Office]) -> None:
    company = with_contracts("\n".join(MANY.split("\n")[:3]))
    company.night("2027-01-15")
    assert in_channel(company) == [("renewal", "channel:licences", 1)] * 3


def test_without_notice_nothing_is_told_but_the_renewal_is_there(with_contracts: Callable[[str], Office]) -> None:
    company = with_contracts("K-4,Northwind,2026-04-01,2027-03-31,,yes,,,,\nK-5,Northwind,2026-04-01,,,yes,,,,")
    company.night("2027-01-15")
    assert company.renewals("ends_on", "decide_by", "state") == [(date(2027, 3, 31), None, "open")]
    assert company.notes() == []


def test_a_corrected_contract_moves_its_dates_and_opens_what_was_missed(company: Office) -> None:
    company.night("2026-12-01")
    company.night("2027-02-01")
    assert company.states() == ["missed"]
    company.take("contracts", CONTRACTS.replace("2 months", "1 month"))
    moved = company.night("2027-02-02")
    assert company.renewals("decide_by", "state", "words") == [(date(2027, 2, 26), "briefed", "")]
    assert moved.told == 1  # by its new date


def test_another_end_drops_the_renewal_of_the_old_one(company: Office) -> None:
    company.night("2026-12-01")
    company.take("contracts", CONTRACTS.replace("2027-03-31", "2027-06-30"))
    assert company.night("2026-12-02").dropped == 1
    assert company.renewals("ends_on", "state") == [(date(2027, 3, 31), "dropped"), (date(2027, 6, 30), "open")]


def test_short_terms_get_one_review_a_quarter_in_one_note(with_contracts: Callable[[str], Office]) -> None:
    company = with_contracts(
        "M-1,Northwind,2026-11-01,2026-11-30,7 days,yes,chitra@example.test,,,\n"
        "M-2,Southwind,2026-11-15,2026-12-14,7 days,yes,chitra@example.test,,,"
    )
    for day in ("2026-11-24", "2026-11-25", "2026-12-20", "2027-01-01", "2027-01-04", "2027-02-01"):
        company.night(day)
    texts = [text for _, text in company.notes()]
    assert len(texts) == 2 and len(set(texts)) == 1
    assert texts[0].startswith("2 contracts with terms of a month or less to look at this quarter: Northwind, M-1 and")
    assert company.told() == [("review", "2026-11-24")] * 2 + [("review", "2027-01-04")] * 2


def test_an_enterprise_agreement_has_its_statement_each_year(with_contracts: Callable[[str], Office]) -> None:
    company = with_contracts("EA-1,Microsoft,2025-04-01,2028-03-31,,no,chitra@example.test,EA,,30")
    company.night("2026-12-01")
    assert company.renewals("occasion", "ends_on", "decide_by") == [
        ("anniversary", date(2027, 3, 31), date(2027, 3, 2))
    ]
    company.night("2027-01-31")
    assert company.told() == [("opens", "2027-01-31")]  # and stands for the 30 days before, a Friday


def test_days_of_the_contract_are_its_own(with_contracts: Callable[[str], Office]) -> None:
    company = with_contracts("K-6,Northwind,2026-04-01,2027-03-31,30 days,yes,,,,120; 7")
    for day in ("2026-10-01", "2026-11-02", "2026-12-15", "2027-02-22"):
        company.night(day)
    assert [name for name, _ in company.told()] == ["before-120", "before-7"]


def subscription(company: Office, **values: object) -> None:
    row = {
        "subscription_id": "sub-1", "sku_guid": "guid-1", "part_number": "Microsoft_365_Copilot", "status": "Enabled",
        "units": 40, "trial": False, "next_change_on": date(2026, 12, 15), "created_on": date(2023, 12, 15),
        "read_at": company.at("2026-11-01"),
    }  # fmt: skip
    with company.work() as work:
        work.connection.execute(insert(VendorSubscription).values(row | values))


def test_a_subscription_joins_with_microsofts_dates_and_its_next_term_by_the_sync(
    with_contracts: Callable[[str], Office],
) -> None:
    company = with_contracts("K-5,Northwind,2026-04-01,,,yes,,,,")
    subscription(company)
    company.night("2026-11-24")
    assert company.renewals("subscription_id", "starts_on", "ends_on", "decide_by")[0] == (
        1, date(2025, 12, 15), date(2026, 12, 14), date(2026, 12, 14),
    )  # fmt: skip
    company.night("2026-12-16")
    assert company.states()[0] == "missed"  # Microsoft has not said yet that it renewed
    with company.work() as work:
        work.connection.execute(update(VendorSubscription).values(next_change_on=date(2027, 12, 15)))
    company.night("2026-12-17")
    assert company.renewals("ends_on", "state")[:2] == [
        (date(2026, 12, 14), "rolled_over"), (date(2027, 12, 14), "open"),
    ]  # fmt: skip


def test_a_monthly_or_ended_subscription_makes_no_brief(with_contracts: Callable[[str], Office]) -> None:
    company = with_contracts("K-5,Northwind,2026-04-01,,,yes,,,,")
    subscription(company, created_on=date(2026, 11, 15))
    subscription(company, subscription_id="sub-2", status="Suspended")
    subscription(company, subscription_id="sub-3", gone_at=company.at("2026-11-20"))
    subscription(company, subscription_id="sub-4", next_change_on=None)
    company.night("2026-11-24")
    assert company.renewals("subscription_id", "occasion") == [(1, "review")]


def test_two_that_run_the_night_at_once_tell_once(company: Office) -> None:
    """The second finds the stage's row there: it tells nobody, and leaves the renewal as it is."""
    company.night("2026-09-01")
    company.night("2026-11-10")
    with company.work() as work:  # as if the second had read the row before the first told it
        work.connection.execute(update(Renewal).values(state=RenewalState.OPEN))
    company.night("2026-11-10")
    assert (company.states(), len(company.notes())) == (["open"], 1)


def test_every_state_is_reached_and_no_final_one_is_left() -> None:
    reached, more = {RenewalState.OPEN}, True
    while more:
        further = {after for (before, _), after in ALLOWED.items() if before in reached} - reached
        reached |= further
        more = bool(further)
    assert reached == set(RenewalState)
    assert {verb for before, verb in ALLOWED if before in FINAL} == {Verb.REOPEN}  # of what was dropped by mistake
    assert RenewalState.ROLLED_OVER not in {before for before, _ in ALLOWED}
    assert {verb for _, verb in ALLOWED} == set(Verb)
    with pytest.raises(IllegalMove, match="The date to decide has passed"):
        step(RenewalState.MISSED, Verb.DECIDE)
