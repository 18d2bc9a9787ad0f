"""What procurement hears of before the cycle: tables, then once per cause, cleared, quiet, per channel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.views.notices_card import notices_card
from licensing.money import Money
from licensing.procurement import Both, Notice, Priced, Seats, Trial, few_seats, overlap, price_rise, trial_ends
from model.contracts import Entitlement
from model.licences import Alternative, Product, Sku
from model.renewals import ProcurementNotice
from model.requests import Card
from model.usage import VendorSubscription
from tests.unit.message_checks import check
from tests.unit.renewal_desk import CONTRACTS, Office, office
from tests.unit.view_facts import VOICES
from workflows.policy import Policy
from workflows.policy_file import PolicyProblems, load
from workflows.procurement import watch
from workflows.reads.procurement import NoticeFacts, notices

TODAY = date(2026, 11, 23)


def eur(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


SEATS = Seats("1", "Copilot", 1, 40, 2, ends_on=date(2027, 3, 31))
FEW: dict[str, tuple[dict[str, Any], str]] = {
    "two of forty": ({}, "Copilot: 2 of 40 seats are free. The term ends on 31 Mar 2027."),
    "one": ({"free": 1}, "Copilot: 1 of 40 seats is free. The term ends on 31 Mar 2027."),
    "none, some wait": (
        {"free": 0, "waiting": 2, "ends_on": None},
        "Copilot: no seat of 40 is free, and 2 people wait.",
    ),
    "more taken than bought": ({"free": -1, "ends_on": None}, "Copilot: no seat of 40 is free."),
    "ten per cent exactly": ({"free": 4}, "Copilot: 4 of 40 seats are free. The term ends on 31 Mar 2027."),
    "small count, large share": ({"free": 5}, ""),
    "small share, large count": ({"bought": 400, "free": 6}, ""),
    "few were bought": ({"bought": 9, "free": 0}, ""),
    "not known how many were bought": ({"bought": None}, ""),
    "not known how many are free": ({"free": None}, ""),
}


@pytest.mark.parametrize("case", FEW)
def test_few_seats(case: str) -> None:
    changes, words = FEW[case]
    found = few_seats(replace(SEATS, **changes), 10, 5, 10)
    assert (found.words if found is not None else "") == words


OLD = Priced(1, date(2025, 11, 1), eur("320"), "year", 40)
NEW = Priced(2, date(2026, 11, 1), eur("336"), "year", 40)
RISES: dict[str, tuple[tuple[Priced, ...], str]] = {
    "five per cent": (
        (OLD, NEW),
        "Copilot: €336.00 a seat a year since 1 Nov 2026, 5% more than €320.00 before. For 40 seats that is €640.00 "
        "more a year.",
    ),
    "announced": (
        (OLD, replace(NEW, starts_on=date(2027, 4, 1))),
        "Copilot: €336.00 a seat a year from 1 Apr 2027, 5% more than €320.00 before. For 40 seats that is €640.00 "
        "more a year.",
    ),
    "by the month": (
        (replace(OLD, cycle="month", unit_price=eur("30")), replace(NEW, cycle="month", unit_price=eur("32"))),
        "Copilot: €32.00 a seat a month since 1 Nov 2026, 6.7% more than €30.00 before. For 40 seats that is €960.00 "
        "more a year.",
    ),
    "once": (
        (replace(OLD, cycle="once"), replace(NEW, cycle="once")),
        "Copilot: €336.00 a seat, paid once since 1 Nov 2026, 5% more than €320.00 before. For 40 seats that is "
        "€640.00 more.",
    ),
    "how many is not known": (
        (OLD, replace(NEW, quantity=None)),
        "Copilot: €336.00 a seat a year since 1 Nov 2026, 5% more than €320.00 before. For how many seats is not "
        "known.",
    ),
    "below the share": ((OLD, replace(NEW, unit_price=eur("335.99"))), ""),
    "below the sum": ((OLD, replace(NEW, quantity=6)), ""),
    "cheaper": ((OLD, replace(NEW, unit_price=eur("300"))), ""),
    "another currency": ((OLD, replace(NEW, unit_price=Money(Decimal(400), "USD"))), ""),
    "another cycle": ((OLD, replace(NEW, cycle="month")), ""),
    "no price before": ((replace(OLD, unit_price=None), NEW), ""),
    "bought on the same day": ((replace(OLD, starts_on=NEW.starts_on), NEW), ""),
    "old news": ((OLD, replace(NEW, starts_on=date(2026, 8, 1))), ""),
    "alone": ((NEW,), ""),
}


@pytest.mark.parametrize("case", RISES)
def test_price_rises(case: str) -> None:
    purchases, words = RISES[case]
    found = price_rise("Copilot", 1, purchases, TODAY, 5, {"EUR": Decimal(100)})
    assert (found.words if found is not None else "") == words


TRIAL = Trial(7, "Visio Plan 2", 3, 25, 4, date(2026, 12, 10), eur("150"))
TRIALS: dict[str, tuple[dict[str, Any], str]] = {
    "soon": ({}, "Visio Plan 2: the trial of 25 seats ends on 10 Dec 2026, 4 in use. Kept, it costs €3,750.00 a year."),
    "no price, no use": (
        {"unit_price": None, "in_use": None},
        "Visio Plan 2: the trial of 25 seats ends on 10 Dec 2026, use not known. What it costs then is not known.",
    ),
    "no day": (
        {"turns_on": None},
        "Visio Plan 2: the trial of 25 seats ends on a day that is not known, 4 in use. Kept, it costs €3,750.00 a "
        "year.",
    ),
    "on the last day looked at": (
        {"turns_on": date(2026, 12, 23), "in_use": 0},
        "Visio Plan 2: the trial of 25 seats ends on 23 Dec 2026, 0 in use. Kept, it costs €3,750.00 a year.",
    ),
    "a day later": ({"turns_on": date(2026, 12, 24)}, ""),
    "over": ({"turns_on": date(2026, 11, 22)}, ""),
}


@pytest.mark.parametrize("case", TRIALS)
def test_trials(case: str) -> None:
    changes, words = TRIALS[case]
    found = trial_ends(replace(TRIAL, **changes), TODAY, 30)
    assert (found.words if found is not None else "") == words


BOTH = Both(1, "Asana", 2, "Microsoft 365 E3", 3, offered="Microsoft Planner", price=eur("120"))
OVERLAPS: dict[str, tuple[Both, int, str]] = {
    "an alternative": (
        BOTH, 1,
        "3 people hold Asana and Microsoft 365 E3: Microsoft Planner is part of the latter. Asana for them costs "
        "€360.00 a year."),
    "a category": (
        replace(BOTH, second="Trello", category="Task boards", people=1), 1,
        "1 person holds Asana and Trello: both are in Task boards. Asana for them costs €120.00 a year."),
    "no price": (
        replace(BOTH, price=None), 1,
        "3 people hold Asana and Microsoft 365 E3: Microsoft Planner is part of the latter. What Asana costs is not "
        "known."),
    "too few": (BOTH, 4, ""),
    "nobody": (replace(BOTH, people=0), 0, ""),
}  # fmt: skip


@pytest.mark.parametrize("case", OVERLAPS)
def test_overlaps(case: str) -> None:
    both, least, words = OVERLAPS[case]
    found = overlap(both, least)
    assert (found.words if found is not None else "") == words


def test_a_pair_has_one_cause_whichever_way_it_is_read() -> None:
    turned = replace(BOTH, first_id=2, second_id=1)
    one, other = overlap(BOTH, 1), overlap(turned, 1)
    assert one is not None and other is not None and one.cause == other.cause


# -- Kept, told, cleared


class Buying(Office):
    """A company whose policy says what procurement hears of."""

    policy = Policy.model_validate(
        {
            "approval": {"steps": []},
            "procurement": {
                "teams": {"design": "design-tools"},
                "quiet_hours": {"starts": "20:00", "ends": "07:00"},
                "overlap": {"categories": ["Whiteboards"]},
            },
        }
    )


@pytest.fixture
def company(sqlite_url: str) -> Iterator[Buying]:
    with office(sqlite_url) as made:
        buying = Buying(made.database)
        buying.now = made.now  # what is imported next is known later
        yield buying


def watched(company: Buying, day: str, hour: int = 9) -> watch.Watched:
    company.now = company.at(day, hour)
    return watch.look(company.database, company.rules, company.now)


def told(company: Buying) -> list[tuple[str, list[int]]]:
    return [
        (audience, facts["notices"])
        for kind, audience, facts in company.rows(Card, "kind", "audience", "facts")
        if kind == "notices"
    ]


def trial(company: Buying, **changes: Any) -> None:
    row: dict[str, Any] = {"subscription_id": "s-1", "sku_guid": "33333333-0000-4000-8000-00000000000c"}
    row |= {"part_number": "VISIO", "status": "Enabled", "units": 25, "trial": True}
    row |= {"next_change_on": date(2026, 12, 10), "read_at": company.at("2026-11-01")}
    with company.work() as work:
        work.session.add(VendorSubscription(**row | changes))


def standing(company: Buying) -> list[tuple[Any, ...]]:
    return [row[:2] for row in company.rows(ProcurementNotice, "kind", "words", "cleared_at") if row[2] is None]


def test_a_cause_is_told_once_and_cleared_when_it_is_gone(company: Buying) -> None:
    trial(company)
    first = watched(company, "2026-11-23")
    assert (first.opened, first.told, first.cleared) == (1, 1, 0)
    assert told(company) == [("channel:procurement", [1])]
    again = watched(company, "2026-11-24")
    assert (again.opened, again.told) == (0, 0)
    with company.work() as work:
        work.connection.execute(update(VendorSubscription).values(trial=False))
    assert watched(company, "2026-11-25").cleared == 1
    assert standing(company) == [] and len(told(company)) == 1


def test_back_within_a_week_says_nothing_new_and_later_it_does(company: Buying) -> None:
    trial(company)
    watched(company, "2026-11-12")
    for on, expected in (("2026-11-14", 0), ("2026-11-25", 1)):
        with company.work() as work:
            work.connection.execute(update(VendorSubscription).values(trial=False))
        watched(company, "2026-11-13")
        with company.work() as work:
            work.connection.execute(update(VendorSubscription).values(trial=True))
        assert watched(company, on).told == expected


def test_quiet_hours_keep_it_for_the_morning_and_only_if_it_stands(company: Buying) -> None:
    trial(company)
    night = watched(company, "2026-11-23", 22)
    assert (night.opened, night.told, told(company)) == (1, 0, [])
    assert watched(company, "2026-11-24", 7).told == 1
    trial(company, subscription_id="s-2")
    watched(company, "2026-11-24", 21)
    with company.work() as work:
        work.connection.execute(update(VendorSubscription).values(trial=False))
    assert watched(company, "2026-11-25", 8).told == 0


def test_few_seats_reach_procurement_and_the_team_that_holds_most(company: Buying) -> None:
    company.take("entitlements", "reference,product,metric,quantity,unit_price,currency,starts_on,ends_on,contract\n"
                 "PO-1,Copilot,named_user,10,336.00,EUR,2026-04-01,2027-03-31,K-1")  # fmt: skip
    with company.work() as work:
        work.connection.execute(
            update(Sku).values(
                sku_id="44444444-0000-4000-8000-00000000000d", enabled=10, consumed=9, figures_at=company.now
            )
        )
    company.take(
        "seats",
        "product,person,began_on\nCopilot,ana@example.test,2026-05-01\nCopilot,chitra@example.test,2026-05-01\nCopilot,dara@example.test,2026-05-01",
    )
    watched(company, "2026-11-23")
    assert standing(company) == [("free_seats", "Copilot: 1 of 10 seats is free. The term ends on 31 Mar 2027.")]
    assert told(company) == [("channel:procurement", [1]), ("channel:team:Design", [1])]
    assert company.policy.channel_for("team:Design") == "design-tools"
    assert company.policy.channel_for("procurement") == company.policy.channel_for("team:Sales") == ""


def test_a_dearer_purchase_and_an_announced_price(company: Buying) -> None:
    head = "reference,product,metric,quantity,unit_price,currency,starts_on,ends_on,contract,field:announced price\n"
    company.take("entitlements", head + "PO-1,Copilot,named_user,40,336.00,EUR,2026-04-01,2027-03-31,K-1,352.80 EUR")
    watched(company, "2026-11-23")
    assert standing(company) == [
        (
            "price_rise",
            "Copilot: €352.80 a seat a year from 1 Apr 2027, 5% more than €336.00 before. For 40 seats that is €672.00 "
            "more a year.",
        )
    ]
    with company.work() as work:
        work.connection.execute(update(Entitlement).values(fields={"announced price": "soon"}))
    assert watched(company, "2026-11-24").cleared == 1


def test_an_announced_price_that_comes_true_is_no_second_news(company: Buying) -> None:
    """€352.80 was told on 10 Jan, and again on 1 Apr when the next term's purchase was written at that price."""
    company.take("contracts", CONTRACTS)
    head = "reference,product,metric,quantity,unit_price,currency,starts_on,ends_on,contract,field:announced price\n"
    company.take("entitlements", head + "PO-1,Copilot,named_user,40,336.00,EUR,2026-04-01,2027-03-31,K-1,352.80 EUR")
    assert watched(company, "2027-01-10").told == 1
    company.night("2027-04-01")
    assert company.rows(Entitlement, "unit_price", "starts_on")[1:] == [(Decimal("352.80"), date(2027, 4, 1))]
    again = watched(company, "2027-04-01")
    assert (again.opened, again.told, again.cleared) == (0, 0, 0)
    ((_, words),) = standing(company)
    assert words.startswith("Copilot: €352.80 a seat a year since 1 Apr 2027, 5% more than €336.00 before.")


def test_a_purchase_that_no_renewal_speaks_of_is_told_before_it_ends(company: Buying) -> None:
    company.take("entitlements", """
        reference,product,metric,quantity,unit_price,currency,starts_on,ends_on,contract
        PO-1,Copilot,named_user,40,336.00,EUR,2026-04-01,2027-03-31,K-1
        PO-2,Copilot,named_user,4,336.00,EUR,2026-04-01,2027-02-15,K-1
        PO-3,Miro,named_user,12,96.00,EUR,2026-03-01,2027-02-28,
        PO-4,Figma,named_user,9,96.00,EUR,2026-03-01,2027-02-28,
        PO-5,Figma,named_user,9,96.00,EUR,2027-03-01,2028-02-29,
        """)  # fmt: skip
    watched(company, "2026-12-16")
    assert standing(company) == []
    watched(company, "2027-01-10")
    assert [kind for kind, _ in standing(company)] == ["ending", "ending"]
    assert [words.replace("\u2068", "").replace("\u2069", "") for _, words in standing(company)] == [
        "Copilot: the term of 4 seats of PO-2 ends on 15 Feb 2027, and nothing follows. Contract K-1 goes on to "
        "31 Mar 2027 and does not renew it.",
        "Miro: the term of 12 seats of PO-3 ends on 28 Feb 2027, and nothing follows. It stands under no contract.",
    ]
    watched(company, "2027-03-01")
    assert standing(company) == []


def test_two_products_for_one_job(company: Buying) -> None:
    """A pair somebody named and a pair of one category; a pair that is meant to be is left alone."""
    company.take(
        "products",
        "name,publisher,category,licence_model\nMiro,Miro,Whiteboards,paid\nMural,Mural,whiteboards,paid\nFigJam,Figma,Design,paid",
    )
    company.take(
        "seats",
        "product,person,began_on\n"
        + "\n".join(f"{name},ana@example.test,2026-05-01" for name in ("Miro", "Mural", "FigJam", "Copilot")),
    )
    with company.work() as work:
        ids = {row.name: row.id for row in work.connection.execute(select(Product.id, Product.name))}
        work.session.add(
            Alternative(
                asked_product_id=ids["FigJam"],
                held_product_id=ids["Copilot"],
                offered_name="Whiteboard",
                sentence="It is there.",
            )
        )
    watched(company, "2026-11-23")
    words = sorted(row[1] for row in standing(company))
    assert words == [
        "1 person holds FigJam and Copilot: Whiteboard is part of the latter. What FigJam costs is not known.",
        "1 person holds Miro and Mural: both are in Whiteboards. What Miro costs is not known.",
    ]


@pytest.mark.parametrize(("text", "words"), [
    ("procurement: {quiet_hours: {starts: '07:00', ends: '07:00'}}", "*ends* must be another time than *starts*"),
    ("procurement: {overlap: {never: [[miro, miro]]}}", "*never* must name two different products"),
    ("procurement: {departments: {A: [c1], B: [C1]}}", "*C1* belongs to A already"),
    ("procurement: {free_seats: {per_cent: 51}}", "must be 0 to 50, it says 51"),
])  # fmt: skip
def test_a_policy_that_cannot_be(text: str, words: str) -> None:
    with pytest.raises(PolicyProblems) as wrong:
        load(text)
    assert words in wrong.value.say()


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("cleared", [False, True])
@pytest.mark.parametrize("count", [1, 40])
def test_the_message_keeps_every_rule(company: Buying, voice: str, cleared: bool, count: int) -> None:
    now, name = company.now, VOICES[voice].product
    found = [
        NoticeFacts(at, Notice.TRIAL, f"{name}: the trial ends", now, now if cleared else None) for at in range(count)
    ]
    check(notices_card(found, 60), most_blocks=40, most_characters=9000, own_words=voice == "ordinary")


def test_the_message_says_what_stands_and_what_is_settled(company: Buying) -> None:
    trial(company)
    watched(company, "2026-11-23")
    with company.database.reading() as connection:
        found = notices(connection)
    message = notices_card(found, 60)
    assert message.text.startswith("1 thing to know about licences. Trial ends: VISIO: the trial of 25 seats ends on")
    settled = notices_card([replace(found[0], cleared_at=company.now)], 60)
    assert settled.text == "Settled: 1 thing to know, none of it is so any more."
