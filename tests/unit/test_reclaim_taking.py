"""Just before a write: each thing that stands against a removal, in its order, and what becomes of the seat."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from model.licences import Seat, SeatReturn
from model.people import Person
from model.reclaim import CampaignKind, CampaignState, CandidateState, ReclaimCampaign, ReclaimCandidate, RemovalSwitch
from model.usage import HeldMailboxList, LastUse, SourceHealth
from tests.reclaim_town import POLICY, Town
from workflows import seat_returns, seats
from workflows.reclaim import candidate, taking
from workflows.reclaim.recheck import recheck

PRIOR = '{"disabled_plans": [], "path": "direct"}'


@pytest.fixture
def town(sqlite_url: str) -> Iterator[Town]:
    made = Town(sqlite_url)
    yield made
    made.close()


def confirmed(town: Town, ground: str = "idle", verdict: str = "idle", *, listed: bool = True, **more: Any) -> int:
    with town.database.unit_of_work() as work:
        seat = work.session.get_one(Seat, town.seats["ana"])
        by = town.staff["dara"]
        row = seat_returns.confirm(work, town.rules, seat, ground, by, town.now, **more)
        if listed:
            campaign = ReclaimCampaign(
                kind=CampaignKind.IDLE, product_id=seat.product_id, state=CampaignState.TAKING, planned_by="person:1",
                planned_at=town.now,
            )  # fmt: skip
            work.session.add(campaign)
            work.session.flush()
            one = ReclaimCandidate(
                campaign_id=campaign.id, seat_id=seat.id, person_id=seat.person_id, product_id=seat.product_id,
                state=CandidateState.UNANSWERED, ground=ground, verdict=verdict, sentence="", rule="rule 40",
                checked_at=town.now, confirmed_by_id=by, confirmed_at=town.now, seat_return_id=row.id,
            )  # fmt: skip
            work.session.add(one)
            work.session.flush()
            candidate.move(work, one, candidate.Verb.CONFIRM, f"person:{by}", town.now)
        work.commit()
        return row.id


def idle_suite(town: Town) -> None:
    """Ana's seat is of the suite, which sign-ins and the report of Microsoft 365 show no use of; no mailbox is held."""
    town.add(HeldMailboxList(said_by_id=town.staff["eli"], said_at=town.now, mailboxes=[]))
    as_of, used_on = town.now.date() - timedelta(days=2), date(2026, 3, 2)
    for source in ("sign_in", "m365_active"):
        town.add(SourceHealth(source=source, state="fine", as_of=as_of, read_at=town.now))
        use: dict[str, Any] = {"person_id": town.staff["ana"], "source": source, "used_on": used_on, "facts": {}}
        town.add(LastUse(**use, as_of=as_of, read_at=town.now))
    with town.database.unit_of_work() as work:
        seat = work.session.get_one(Seat, town.seats["ana"])
        seat.product_id, seat.sku_id = town.products["e3"], town.skus["e3"]
        work.commit()


def clear(town: Town, row_id: int, **found: Any) -> bool | taking.Wait:
    with town.database.unit_of_work() as work:
        said = taking.clear_to_write(
            work, town.rules, recheck, row_id, taking.Found(PRIOR, **found), town.now + timedelta(minutes=1)
        )
        work.commit()
    return said


def stands(town: Town, row_id: int) -> tuple[str, str]:
    with town.database.reading() as connection:
        row = connection.execute(select(SeatReturn.state, SeatReturn.note).where(SeatReturn.id == row_id)).one()
    return row.state, row.note


def test_what_still_holds_goes_on_with_the_state_before_it_stored(town: Town) -> None:
    row_id = confirmed(town)
    assert clear(town, row_id) is True
    (row,) = town.returns()
    assert row.state == "removing" and '"path": "direct"' in row.prior_state


def test_removals_that_are_switched_off_wait_and_keep_their_confirmation(town: Town) -> None:
    row_id = confirmed(town)
    with town.database.unit_of_work() as work:
        work.session.add(RemovalSwitch(on=False, by="Eli", at=town.now))
        work.commit()
    said = clear(town, row_id)
    assert isinstance(said, taking.Wait) and said.words == "Removals are switched off."
    assert stands(town, row_id)[0] == "confirmed"


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda town: town.report({"ana": town.now.date() - timedelta(days=3)}), "is using it again"),
        (lambda town: town.report({}, state="concealed"), "its use is not known any more"),
        (lambda town: town.report({"ana": None}), "its use is not known any more"),
        (lambda town: town.person("ana", absent_from=date(2026, 11, 1), absent_until=date(2026, 12, 24)), ""),
        (lambda town: town.person("ana", active=False), "the account is disabled"),
    ],
)
def test_idleness_that_does_not_hold_any_more_leaves_the_seat(town: Town, act: Any, words: str) -> None:
    row_id = confirmed(town)
    act(town)
    assert clear(town, row_id) is False
    state, note = stands(town, row_id)
    assert state == "kept" and note.startswith(words) and note


def test_a_sign_in_since_the_list_was_made_counts_though_no_report_shows_it(town: Town) -> None:
    idle_suite(town)
    row_id = confirmed(town)
    assert clear(town, row_id, signed_in_at=town.now + timedelta(seconds=20)) is False
    assert stands(town, row_id) == ("kept", "is using it again")


def test_an_earlier_sign_in_is_no_new_activity(town: Town) -> None:
    idle_suite(town)
    assert clear(town, confirmed(town), signed_in_at=town.now - timedelta(days=3)) is True


def test_a_sign_in_shows_no_use_of_copilot(town: Town) -> None:
    """It is the tenant's: everybody who works signs in each day, and has not used Copilot by it."""
    assert clear(town, confirmed(town), signed_in_at=town.now + timedelta(seconds=20)) is True


def test_a_sign_in_that_the_company_leaves_out_is_no_activity(sqlite_url: str) -> None:
    """Its rule says which sources count for a product; none other takes the ground away either."""
    rule = "reclaim: {idle_days: 60, products: {e3: {rule: 41, sources: [m365_active]}},"
    town = Town(sqlite_url, POLICY.replace("reclaim: {idle_days: 60,", rule))
    idle_suite(town)
    assert clear(town, confirmed(town), signed_in_at=town.now + timedelta(seconds=20)) is True
    town.close()


@pytest.mark.parametrize("ground", ["idle", "review", "redundant", "too_big", "made_up", "agreed_end", "given_back"])
def test_without_a_stored_confirmation_nothing_goes(town: Town, ground: str) -> None:
    row_id = confirmed(town, ground, listed=False)
    assert clear(town, row_id) is False
    assert stands(town, row_id)[0] == "kept"


def test_a_confirmation_for_another_reason_is_none(town: Town) -> None:
    row_id = confirmed(town, "review")
    with town.database.unit_of_work() as work:
        work.session.get_one(SeatReturn, row_id).ground = "idle"
        work.commit()
    assert clear(town, row_id) is False
    assert stands(town, row_id)[1] == "it was confirmed for another reason"


def test_a_leavers_seat_waits_until_it_is_handed_over(town: Town) -> None:
    town.person("ana", leaves_on=town.now.date() - timedelta(days=1))
    row_id = confirmed(town, "leaving")
    said = clear(town, row_id)
    assert isinstance(said, taking.Wait) and said.at is None and stands(town, row_id)[0] == "confirmed"
    with town.database.unit_of_work() as work:
        work.session.get_one(SeatReturn, row_id).handed_over_at = town.now
        work.commit()
    assert clear(town, row_id) is True


@pytest.mark.parametrize("days", [None, 0, 30], ids=["not at all", "today is the last day", "later"])
def test_who_has_not_left_after_all_keeps_the_seat(town: Town, days: int | None) -> None:
    """The list was confirmed, and the leave was taken back or put off before the day of the removal."""
    town.person("ana", leaves_on=town.now.date() - timedelta(days=1))
    row_id = confirmed(town, "leaving", handed_over_at=town.now)
    town.person("ana", leaves_on=None if days is None else town.now.date() + timedelta(days=days))
    assert clear(town, row_id) is False
    assert stands(town, row_id) == ("kept", "the holder has not left")


def test_who_was_switched_off_and_is_back_keeps_the_seat(town: Town) -> None:
    town.person("ana", active=False)
    row_id = confirmed(town, "leaving", handed_over_at=town.now)
    town.person("ana", active=True)
    with town.database.unit_of_work() as work:  # before the first read too
        assert taking.begin(work, town.rules, recheck, row_id, town.now) is None
        work.commit()
    assert stands(town, row_id) == ("kept", "the holder has not left")


@pytest.mark.parametrize(
    ("mailboxes", "days", "words"),
    [
        ([], 1, None),
        (["ana@example.test"], 1, "the mailbox is on hold"),
        ([], 31, "nobody has said lately which mailboxes are on hold"),
    ],
)
def test_mail_needs_a_fresh_list_of_held_mailboxes(
    town: Town, mailboxes: list[str], days: int, words: str | None
) -> None:
    with town.database.unit_of_work() as work:
        seat = work.session.get_one(Seat, town.seats["ana"])
        seat.product_id, seat.sku_id = town.products["e3"], town.skus["e3"]
        said_at = town.now - timedelta(days=days)
        work.session.add(HeldMailboxList(said_by_id=town.staff["eli"], said_at=said_at, mailboxes=mailboxes))
        work.commit()
    row_id = confirmed(town, "review")
    assert clear(town, row_id) is (words is None)
    if words is not None:
        assert stands(town, row_id) == ("kept", words)


NEVER = POLICY.replace("{idle_days", "{never: {mailboxes: [Ana@Example.test]}, idle_days")


def on_mail(town: Town, mailboxes: list[str] | None, days: int) -> None:
    """Ana's seat holds her mailbox, and somebody said so many days ago which ones are on hold."""
    with town.database.unit_of_work() as work:
        seat = work.session.get_one(Seat, town.seats["ana"])
        seat.product_id, seat.sku_id = town.products["e3"], town.skus["e3"]
        work.session.get_one(Person, town.staff["ana"]).upn = "ana.lind@tenant.onmicrosoft.com"
        if mailboxes is not None:
            said_at = town.now - timedelta(days=days)
            work.session.add(HeldMailboxList(said_by_id=town.staff["eli"], said_at=said_at, mailboxes=mailboxes))
        work.commit()


def given_back(town: Town) -> int:
    return int(town.do(seats.give_back, town.seats["ana"], town.staff["ana"], "").id)


@pytest.mark.parametrize(
    ("policy", "mailboxes", "goes"),
    [
        (POLICY, None, True),
        (POLICY, [], True),
        (POLICY, ["ana@example.test"], False),
        (POLICY, ["ana.lind@tenant.onmicrosoft.com"], False),  # the name Ana signs in with
        (NEVER, None, False),
        (NEVER, [], False),
    ],
)
def test_what_its_holder_gives_back_stays_on_hold_by_policy_or_the_newest_list_however_old(
    sqlite_url: str, policy: str, mailboxes: list[str] | None, goes: bool
) -> None:
    town = Town(sqlite_url, policy)
    on_mail(town, mailboxes, 200)
    row_id = given_back(town)
    assert clear(town, row_id) is goes
    assert stands(town, row_id) == (("removing", "") if goes else ("kept", "the mailbox is on hold"))
    town.close()


def test_nobody_is_asked_to_take_a_mailbox_on_hold_by_hand(sqlite_url: str) -> None:
    town = Town(sqlite_url, graph=False)
    on_mail(town, ["ana@example.test"], 31)
    assert stands(town, given_back(town)) == ("kept", "the mailbox is on hold")
    assert not town.cards("task") and len(town.cards("returned")) == 1
    town.add(HeldMailboxList(said_by_id=town.staff["eli"], said_at=town.now, mailboxes=[]))
    assert stands(town, given_back(town)) == ("confirmed", "") and len(town.cards("task")) == 1
    town.close()


def test_a_seat_that_ended_meanwhile_is_not_taken(town: Town) -> None:
    row_id = confirmed(town)
    with town.database.unit_of_work() as work:
        work.session.get_one(Seat, town.seats["ana"]).ended_at = town.now
        work.commit()
    with town.database.unit_of_work() as work:
        assert taking.begin(work, town.rules, recheck, row_id, town.now) is None
        work.commit()
    assert stands(town, row_id) == ("kept", "the seat had ended already")
