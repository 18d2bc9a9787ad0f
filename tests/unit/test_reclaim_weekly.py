"""The weekly summary: what it counts, when it is told, its words, its chart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from bot.cards import Setting, card_row, draw
from bot.views.week_card import lasted, week_card
from licensing.money import Sums
from model.licences import SeatReturn
from model.reclaim import Saving
from model.requests import LicenceRequest, Status
from tests.reclaim_town import START, Town
from tests.unit.message_checks import check, shown
from workflows.reads.week import MonthSaved, WeekFacts, from_stored, week
from workflows.reclaim import week_chart, weekly

JULY = date(2026, 7, 1)


def euro(amount: str, unknown: int = 0) -> Sums:
    return Sums({"EUR": Decimal(amount)}, unknown)


def facts(**changed: object) -> WeekFacts:
    months = tuple(
        MonthSaved(date(2026, number, 1), euro("408.00"), euro(realised), euro(back))
        for number, realised, back in ((10, "0", "0"), (11, "816.00", "102.00"))
    )
    made = WeekFacts(
        year=2026, number=47, short=Decimal(7), short_products=2, short_otherwise=0, unused=Decimal(31),
        unused_a_year=Sums({"EUR": Decimal(8940), "USD": Decimal(1120)}), unused_before=Decimal(34), decide=2,
        decide_until=date(2026, 12, 23), requests=14, half_minutes=130, taken_back=11, given_back=2, put_back=1,
        saved=euro("6480.00"), months=months,
    )  # fmt: skip
    return replace(made, **changed)  # type: ignore[arg-type]


@pytest.fixture
def town(sqlite_url: str) -> Iterator[Town]:
    made = Town(sqlite_url)
    yield made
    made.close()


def test_it_reads_as_the_guide_has_it() -> None:
    message = week_card(facts(), "https://seats.example.test")
    check(message)
    said = shown(message)
    assert "Licences, week 47" in said
    assert "*Short:* 7 seats in 2 products. *Idle or free:* 31 seats, €8,940.00 and US$1,120.00 a year." in said
    assert "*To decide by 23 Dec 2026:* 2 contracts." in said
    assert "14 requests, half decided within 2 h 10 min. Taken back 11, put back 1. Saved this year: €6,480.00." in said
    assert "Idle or free −3 since last week: this week 2 given back, 9 taken back after a list was confirmed." in said
    assert "<https://seats.example.test|Open in dashboard>" in said
    assert message.picture is not None and "6,480.00" in message.text


def test_nothing_is_said_as_words_and_not_as_zeros() -> None:
    quiet = facts(
        short=Decimal(0), unused=Decimal(0), decide=0, requests=0, half_minutes=None, taken_back=0, given_back=0,
        put_back=0, saved=Sums(), unused_before=None, months=(), unused_a_year=Sums(),
    )  # fmt: skip
    message = week_card(quiet)
    said = shown(message)
    other = shown(week_card(facts(short_otherwise=1)))
    assert "*Short:* 7 seats in 2 products, and 1 product counted otherwise." in other
    assert "no seat, but 2 products counted otherwise" in shown(week_card(facts(short=Decimal(0), short_otherwise=2)))
    # "/licence waste" told of more money than the week did: concurrent use and cores were left out without a word
    idle = shown(week_card(facts(unused_otherwise=1)))
    assert "31 seats, €8,940.00 and US$1,120.00 a year, and 1 product counted otherwise." in idle
    none = shown(week_card(facts(unused=Decimal(0), unused_otherwise=2)))
    assert "*Idle or free:* no seat, but 2 products counted otherwise." in none
    unpriced = shown(week_card(facts(unused_a_year=euro("12.50", unknown=2))))
    assert "31 seats, €12.50 a year, 2 prices not known." in unpriced
    for words in ("*Short:* nothing.", "nothing that costs money", "nothing.", "No new request.", "nothing yet"):
        assert words in said
    assert "€" not in said and "since last week" not in said and message.picture is None
    assert quiet.nothing and not facts().nothing
    assert "3 prices not known" in shown(week_card(facts(saved=Sums({}, 3))))


@pytest.mark.parametrize(
    ("minutes", "words"), [(0, "0 min"), (45, "45 min"), (60, "1 h"), (130, "2 h 10 min"), (3120, "2 days 4 h")]
)
def test_how_long_half_of_them_took(minutes: int, words: str) -> None:
    assert lasted(minutes) == words


def test_stored_facts_come_back_the_same() -> None:
    for one in (facts(), facts(unused_before=None, half_minutes=None, saved=euro("10.50", unknown=2))):
        assert from_stored(one.stored()) == one


def test_the_chart_is_of_one_currency_and_says_all_it_shows() -> None:
    made = week_chart.chart(facts())
    assert made is not None and made.currency == "EUR"
    assert made.title == "€6,480.00 saved in 2026"
    assert (made.highest, made.lowest) == (1000, -200)
    assert "Nov 2026: possible €408.00, realised €816.00, put back €102.00." in made.alt
    before = week_chart.chart(facts(saved=Sums()))
    assert before is not None and before.title == "Nothing saved yet in 2026"
    dollars = MonthSaved(JULY, Sums({"USD": Decimal(5)}), Sums({"USD": Decimal(5)}), Sums({"EUR": Decimal(1)}))
    other = week_chart.chart(facts(months=(dollars,)))
    assert other is not None and other.currency == "USD" and other.key != made.key
    assert week_chart.chart(facts(months=())) is None
    assert week_chart.chart(facts(months=(MonthSaved(JULY, euro("0"), Sums({}, 2), euro("0")),))) is None
    assert week_chart.png(made).startswith(b"\x89PNG\r\n")


def test_the_week_is_counted_from_rows(town: Town) -> None:
    kai, seat = town.staff["kai"], town.seats["kai"]
    for days, ground, state in ((2, "given_back", "removed"), (3, "idle", "removed"), (9, "idle", "restored")):
        gone = town.now - timedelta(days=days)
        row = SeatReturn(
            seat_id=seat, person_id=kai, product_id=town.products["copilot"], ground=ground, confirmed_by_id=kai,
            confirmed_at=gone, state=state, removed_at=gone,
            restored_at=town.now - timedelta(days=1) if state == "restored" else None,
        )  # fmt: skip
        town.add(row)
        if ground == "idle":
            town.add(
                Saving(
                    seat_return_id=row.id, kind="avoided", amount=Decimal("118.75"), currency="EUR",
                    from_on=gone.date(), realised_at=gone, taken_back_at=row.restored_at,
                )
            )  # fmt: skip
    for number, minutes in enumerate((30, 90, 600)):
        sent = town.now - timedelta(days=1)
        town.add(
            LicenceRequest(
                submission_key=f"k{number}", requester_id=kai, status=Status.DENIED, created_at=sent, submitted_at=sent,
                decided_at=sent + timedelta(minutes=minutes),
            )
        )  # fmt: skip
    with town.database.reading() as connection:
        found = week(connection, town.rules.policy, town.now)
    assert (found.taken_back, found.given_back, found.put_back) == (2, 1, 1)
    assert (found.requests, found.half_minutes) == (3, 90)
    assert str(found.saved) == "€118.75", "what was put back is saved no more"
    november = found.months[-1]
    assert november.first == date(2026, 11, 1) and len(found.months) == 6
    assert str(november.possible) == "€672.00" and str(november.realised) == "€237.50"
    assert str(november.put_back) == "€118.75" and not found.months[0].possible
    assert found.unused == 3 + 8, "free seats of Copilot and of E3; what looks idle is counted at night"


def told(town: Town) -> list[int]:
    """The clock's turn at this moment; the weeks told so far."""
    policy = town.rules.policy
    with town.database.reading() as connection:
        facts = weekly.gather(connection, policy, town.now) if weekly.due(connection, policy, town.now) else None
    if facts is not None:
        with town.database.unit_of_work() as work:
            weekly.tell(work, policy, facts, town.now)
            work.commit()
    return [card.subject_id for card in town.cards("week")]


def test_once_a_week_on_its_day_or_as_soon_as_somebody_is_back(town: Town) -> None:
    assert START.weekday() == 0 and told(town) == [], "set up after eight on Monday: the next one is the first"
    town.later(days=6)
    assert told(town) == []
    town.now = START.replace(hour=7) + timedelta(days=7)
    assert told(town) == [], "not before eight"
    town.later(hours=1)
    assert told(town) == told(town) == [202649]
    (card,) = town.cards("week")
    assert card.audience == "channel:licences"
    with town.database.reading() as connection:
        row = card_row(connection, card.id)
        assert row is not None
        drawn = draw(connection, row, Setting(town.rules.policy, town.now + timedelta(days=40)))
    assert drawn is not None and drawn.wanted and "Licences, week 48." in drawn.message.text, "the week that is over"
    town.later(days=24)  # down for two Mondays, back on a Thursday
    assert told(town) == told(town) == [202649, 202652]
