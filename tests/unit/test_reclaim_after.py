"""After seats were taken: money once a unit, warnings once a distance, the record's counts, undo within its time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select, update

from jobs.tables import Job
from licensing.money import Money
from licensing.savings import Pile, Savings
from model.contracts import Contract, Entitlement
from model.licences import Granting, Product, Seat, SeatReturn, Sku
from model.positions import seat_figures
from model.reclaim import CampaignKind, CampaignState, CandidateState, ReclaimCampaign, ReclaimCandidate, Saving
from model.requests import LicenceRequest, LineState, RequestKind, RequestLine, Status
from model.tickets import Ticket, TicketNote, TicketPurpose
from tests.reclaim_town import HOLDERS, POLICY, Town
from workflows import seat_returns, seats_back, seats_free
from workflows.advance import advance
from workflows.permissions import NotForYou
from workflows.policies import ActiveRules
from workflows.reclaim import candidate, outcome, savings, taking, undo, warnings
from workflows.refusals import Refusal

E1_SKU = "18181a46-0d4e-45cd-891e-60aabd171b4e"


@pytest.fixture
def town(sqlite_url: str) -> Iterator[Town]:
    made = Town(sqlite_url)
    yield made
    made.close()


def taken(town: Town, *holders: str, product: str = "copilot") -> list[int]:
    """Seats of one confirmed list that are gone, with the candidates behind them."""
    made = []
    with town.database.unit_of_work() as work:
        campaign = ReclaimCampaign(
            kind=CampaignKind.REVIEW, product_id=town.products[product], state=CampaignState.TAKING,
            planned_by="person:1", planned_at=town.now,
        )  # fmt: skip
        work.session.add(campaign)
        work.session.flush()
        for key in holders:
            seat = work.session.get_one(Seat, town.seats[key])
            seat.product_id, seat.sku_id = town.products[product], town.skus[product]
            one = ReclaimCandidate(
                campaign_id=campaign.id, seat_id=seat.id, person_id=seat.person_id, product_id=seat.product_id,
                state=CandidateState.UNANSWERED, ground="review", verdict="idle", sentence="", rule="rule 40",
                checked_at=town.now,
            )  # fmt: skip
            work.session.add(one)
            work.session.flush()
            by = town.staff["dara"]
            row = seat_returns.confirm(work, town.rules, seat, "review", by, town.now)
            one.confirmed_by_id, one.confirmed_at, one.seat_return_id = by, town.now, row.id
            candidate.move(work, one, candidate.Verb.CONFIRM, f"person:{by}", town.now)
            seat_returns.removed(work, row.id, "microsoft365", town.now)
            made.append(row.id)
        work.commit()
    for row_id in made:
        town.do(outcome.follow, row_id)
    return made


def requests(town: Town, count: int) -> list[int]:
    with town.database.unit_of_work() as work:
        rows = [
            LicenceRequest(
                submission_key=f"V{number}", kind=RequestKind.SEAT, requester_id=town.staff["mia"],
                product_id=town.products["copilot"], sku_id=town.skus["copilot"], reason="Minutes.",
                status=Status.WAITING_FOR_SEAT, created_at=town.now,
            )
            for number in range(count)
        ]  # fmt: skip
        work.session.add_all(rows)
        work.session.flush()
        work.commit()
        return [row.id for row in rows]


def avoid(town: Town, served: list[int], free: int) -> int:
    with town.database.unit_of_work() as work:
        found = savings.avoided(work, town.skus["copilot"], served, free, town.now)
        work.commit()
    return found


def money(town: Town) -> Savings:
    with town.database.reading() as connection:
        return savings.report(connection, town.now.date())


def test_a_seat_that_came_back_is_reassignable_and_saves_nothing_yet(town: Town) -> None:
    taken(town, "ana", "kai")
    found = money(town)
    assert found.of(Pile.POTENTIAL).rounded() == {"EUR": "672.00"}
    assert not found.realised


def test_of_a_move_to_a_smaller_licence_only_the_difference_could_be_saved(town: Town) -> None:
    """The plan said €236.00 a year; once the seat was moved its whole price of €336.00 could be saved."""
    small = Sku(product_id=town.products["copilot"], sku_id=E1_SKU, part_number="STANDARDPACK", tier="Office 365 E1")
    town.add(small)
    (row_id, _) = taken(town, "ana", "kai", product="e3")
    with town.database.unit_of_work() as work:
        work.session.get_one(SeatReturn, row_id).swap_to_sku_id = small.id
        work.connection.execute(
            update(Entitlement)
            .where(Entitlement.product_id == small.product_id)
            .values(sku_id=None, unit_price=Decimal("100.00"))
        )
        work.commit()
    assert money(town).of(Pile.POTENTIAL).rounded() == {"EUR": "572.00"}, "€236.00, and €336.00 of the other one"
    with town.database.unit_of_work() as work:
        work.connection.execute(
            update(Entitlement).where(Entitlement.product_id == small.product_id).values(unit_price=None)
        )
        work.commit()
    found = money(town).of(Pile.POTENTIAL)
    assert (found.rounded(), found.unknown) == ({"EUR": "336.00"}, 1), "a difference that is not known is not all of it"


def test_a_request_that_would_have_been_a_purchase_realises_one_unit_to_the_end_of_the_term(town: Town) -> None:
    first, second = taken(town, "ana", "kai")
    wanted = requests(town, 3)
    assert avoid(town, wanted[:1], 2) == 1
    assert avoid(town, [wanted[1]], 1) == 1
    assert avoid(town, [wanted[2]], 1) == 0, "both units have saved already"
    with town.database.reading() as connection:
        rows = connection.execute(
            select(Saving.seat_return_id, Saving.kind, Saving.request_id, Saving.amount, Saving.to_on)
        ).all()
    # €336.00 a year from 23 Nov 2026 to 31 Mar 2027 is 129 of 365 days
    assert [tuple(row) for row in rows] == [
        (first, "avoided", wanted[0], Decimal("118.75"), date(2027, 3, 31)),
        (second, "avoided", wanted[1], Decimal("118.75"), date(2027, 3, 31)),
    ]
    assert money(town).realised.rounded() == {"EUR": "237.50"} and not money(town).of(Pile.POTENTIAL)


def test_a_seat_that_was_free_anyway_avoids_no_purchase(town: Town) -> None:
    taken(town, "ana")
    assert avoid(town, requests(town, 1), 4) == 0
    assert avoid(town, [], 1) == 0


def test_without_a_price_it_is_saved_and_unpriced(town: Town) -> None:
    taken(town, "ana")
    with town.database.unit_of_work() as work:
        work.connection.execute(update(Entitlement).values(unit_price=None))
        work.commit()
    avoid(town, requests(town, 1), 1)
    assert money(town).realised.unknown == 1 and not money(town).realised.totals


def test_a_renewal_with_fewer_units_saves_from_the_new_term(town: Town) -> None:
    taken(town, "ana", "kai")
    with town.database.unit_of_work() as work:
        contract = work.connection.execute(select(Contract.id)).scalar_one()
        term = (date(2027, 4, 1), date(2028, 3, 31))
        price = Money(Decimal("300.00"), "EUR")
        assert savings.reduced(work, contract, town.skus["copilot"], 5, price, term, town.now) == 2
        assert savings.reduced(work, contract, town.skus["copilot"], 5, price, term, town.now) == 0
        work.commit()
    assert money(town).of(Pile.REDUCED).rounded() == {"EUR": "600.00"}


def test_undo_takes_the_saving_back_and_the_unit_can_save_again(town: Town) -> None:
    (row_id,) = taken(town, "ana")
    avoid(town, requests(town, 1), 1)
    town.do(undo.put_back, [row_id], town.staff["gil"])
    with town.database.unit_of_work() as work:
        seats_back.restored(work, row_id, "microsoft365", town.now)
        work.commit()
    town.do(outcome.follow, row_id)
    found = money(town)
    assert not found.realised and found.of(Pile.TAKEN_BACK).rounded() == {"EUR": "118.75"}


@pytest.mark.parametrize("ends", [Status.WITHDRAWN, Status.FAILED])
def test_a_request_that_gets_no_seat_after_all_saved_nothing(town: Town, ends: Status) -> None:
    """The purchase it would have been is none: the unit saves for the next one, and each is counted once."""
    (row_id,) = taken(town, "ana")
    lost, other = requests(town, 2)
    assert avoid(town, [lost], 1) == 1
    with town.database.unit_of_work() as work:
        work.session.add(RequestLine(request_id=lost, person_id=town.staff["mia"], state=LineState.RESERVED))
        work.commit()
    town.do(advance, lost)
    assert money(town).realised.rounded() == {"EUR": "118.75"}, "on its way it counts"
    with town.database.unit_of_work() as work:
        line = LineState.FAILED if ends is Status.FAILED else LineState.RESERVED
        work.connection.execute(update(RequestLine).values(state=line))
        work.connection.execute(update(LicenceRequest).where(LicenceRequest.id == lost).values(status=ends))
        work.commit()
    for _ in range(2):
        town.do(advance, lost)
    found = money(town)
    assert not found.realised and found.of(Pile.TAKEN_BACK).rounded() == {"EUR": "118.75"}
    assert avoid(town, [other], 1) == 1
    with town.database.reading() as connection:
        rows = connection.execute(select(Saving.seat_return_id, Saving.request_id, Saving.taken_back_at))
        assert [(*row[:2], row[2] is None) for row in rows] == [(row_id, lost, False), (row_id, other, True)]


def test_of_two_seats_the_one_that_fell_is_counted_no_more(town: Town) -> None:
    taken(town, "ana", "kai")
    (request,) = requests(town, 1)
    assert avoid(town, [request, request], 2) == 2
    with town.database.unit_of_work() as work:
        lines = [RequestLine(request_id=request, person_id=None, state=one) for one in ("granted", "failed")]
        work.session.add_all(lines)
        work.connection.execute(update(LicenceRequest).values(status=Status.FAILED))
        work.commit()
    town.do(advance, request)
    assert money(town).count(Pile.AVOIDED) == 1 and money(town).count(Pile.TAKEN_BACK) == 1


def test_the_list_and_its_campaign_follow(town: Town) -> None:
    first, second = taken(town, "ana", "kai")
    with town.database.unit_of_work() as work:
        states = work.connection.execute(select(ReclaimCandidate.state)).scalars().all()
        campaign = work.session.execute(select(ReclaimCampaign)).scalar_one()
        assert set(states) == {"taken"} and campaign.state == "done"
    town.do(undo.put_back, [first, second], town.staff["dara"])
    with town.database.unit_of_work() as work:
        seats_back.restored(work, first, "microsoft365", town.now)
        work.commit()
    town.do(outcome.follow, first)
    with town.database.reading() as connection:
        by_return = dict(
            connection.execute(select(ReclaimCandidate.seat_return_id, ReclaimCandidate.state)).tuples().all()
        )
    assert by_return == {first: "put_back", second: "taken"}


def test_only_who_may_confirm_undoes_a_list(town: Town) -> None:
    made = taken(town, "ana")
    with pytest.raises(NotForYou):
        town.do(undo.put_back, made, town.staff["ben"])
    assert town.returns()[0].state == "removed"


def test_pressing_undo_twice_and_after_its_end_says_what_happened(town: Town) -> None:
    made = taken(town, "ana")
    town.do(undo.put_back, made, town.staff["dara"])
    with pytest.raises(Refusal, match="Nothing of this is left to put back."):
        town.do(undo.put_back, made, town.staff["dara"])
    more = taken(town, "kai")
    town.later(days=31)
    with pytest.raises(Refusal, match="Undo ended on 23 Dec 2026."):
        town.do(undo.put_back, more, town.staff["dara"])


def test_what_undo_would_do_is_said_before(town: Town) -> None:
    made = taken(town, "ana", "kai", "tom")
    with town.database.reading() as connection:
        ahead = undo.ahead(connection, made, town.now)
    assert (ahead.seats, ahead.queued) == (3, 0)
    assert ahead.words() == "A seat is free for each of them. The saving is taken back."
    short = undo.Ahead(11, 9, ahead.until)
    assert short.words() == (
        "9 seats are free; 2 are in use, so 2 people join the queue at the top. The saving is taken back."
    )


def asks(town: Town, who: str) -> tuple[int, int]:
    """An approved request of somebody for a seat: how many are reserved, how many wait."""
    with town.database.unit_of_work() as work:
        request = LicenceRequest(
            submission_key=f"S-{who}", kind=RequestKind.SEAT, requester_id=town.staff[who],
            product_id=town.products["copilot"], sku_id=town.skus["copilot"], reason="Minutes.",
            status=Status.APPROVED, created_at=town.now,
        )  # fmt: skip
        work.session.add(request)
        work.session.flush()
        work.session.add(RequestLine(request_id=request.id, person_id=town.staff[who], state=LineState.WANTED))
        work.session.flush()
        found = seats_free.reserve(work, request.id, town.skus["copilot"], town.now)
        work.commit()
    return found


def matches(town: Town) -> int:
    with town.database.reading() as connection:
        return connection.execute(select(func.count()).where(Job.kind == "queue.match")).scalar_one()


def full(town: Town) -> None:
    """Every unit that was bought is in use."""
    with town.database.unit_of_work() as work:
        work.connection.execute(update(Sku).where(Sku.id == town.skus["copilot"]).values(enabled=5, consumed=5))
        work.commit()


def test_the_unit_of_a_seat_on_its_way_back_goes_to_nobody_else(town: Town) -> None:
    full(town)
    town.later(minutes=1)
    first, second = taken(town, "ana", "kai")
    town.do(undo.put_back, [first, second], town.staff["gil"])
    assert [row.state for row in town.returns()] == ["restoring", "restoring"]
    assert asks(town, "mia") == (0, 1)
    before = matches(town)
    with town.database.unit_of_work() as work:
        seats_back.restored(work, first, "microsoft365", town.now)
        seats_back.not_restored(work, second, "Something is in the way.", "microsoft365", town.now)
        work.commit()
    with town.database.reading() as connection:
        assert seat_figures(connection, [town.skus["copilot"]], town.now.date())[town.skus["copilot"]].free == 1
    assert matches(town) == before + 1  # whoever waits is looked at again


def test_a_seat_that_is_given_back_by_hand_is_reserved_once(town: Town) -> None:
    full(town)
    town.later(minutes=1)
    (one,) = taken(town, "ana")
    with town.database.unit_of_work() as work:
        work.connection.execute(update(Product).values(granting=Granting.OWNER_TASK))
        work.commit()
    town.do(undo.put_back, [one], town.staff["gil"])
    with town.database.unit_of_work() as work:
        request = work.session.execute(select(LicenceRequest)).scalar_one()
        advance(work, town.rules, request.id, town.now)
        work.commit()
    with town.database.reading() as connection:
        found = seat_figures(connection, [town.skus["copilot"]], town.now.date())[town.skus["copilot"]]
        lines = connection.execute(select(RequestLine.state)).scalars().all()
    assert (lines, found.reserved, found.free) == ([LineState.GRANTING], 1, 0)


def test_mail_is_announced_7_days_and_1_day_before_it_is_gone_to_holder_and_confirmer(town: Town) -> None:
    taken(town, "ana", "kai", product="e3")
    for days, spoken in ((20, 0), (4, 2), (1, 0), (4, 2), (0, 0), (2, 0)):  # at 20, 24, 25, 29, 29 and 31 days
        town.later(days=days)
        with town.database.unit_of_work() as work:
            assert warnings.warn(work, town.now) == spoken, town.now
            work.commit()
    told = [card.facts["text"] for card in town.cards("note", f"person:{town.staff['dara']}")]
    assert told == ["Undo ends on 23 Dec 2026: then 2 mailboxes are gone for good (Microsoft 365 E3)."] * 2
    assert len(town.cards("note", f"person:{town.staff['ana']}")) == 2


def test_who_waits_for_a_seat_hears_it_too_and_so_does_who_can_free_one(town: Town) -> None:
    waits, _ = taken(town, "ana", "kai", product="e3")
    with town.database.unit_of_work() as work:
        work.session.get_one(SeatReturn, waits).state = "waiting"
        work.commit()
    town.later(days=24)
    with town.database.unit_of_work() as work:
        assert warnings.warn(work, town.now) == 2
        work.commit()
    (told,) = town.cards("note", f"person:{town.staff['ana']}")
    assert told.facts["text"].endswith("gone for good. You are in the queue as no seat is free.")
    (told,) = town.cards("note", f"person:{town.staff['dara']}")
    assert told.facts["text"] == (
        "Undo ends on 23 Dec 2026: then 2 mailboxes are gone for good (Microsoft 365 E3). "
        "Needed back: 1, in the queue as no seat is free. Buy or free one before then."
    )


def test_whoever_was_down_for_weeks_hears_of_the_last_day_alone(town: Town) -> None:
    taken(town, "ana", product="e3")
    town.later(days=29, hours=12)
    with town.database.unit_of_work() as work:
        assert warnings.warn(work, town.now) == 1
        assert warnings.warn(work, town.now) == 0
        work.commit()
    assert len(town.cards("note", f"person:{town.staff['dara']}")) == 1


def test_a_product_without_mail_loses_nothing_and_is_not_announced(town: Town) -> None:
    taken(town, "ana")
    town.later(days=29)
    with town.database.unit_of_work() as work:
        assert warnings.warn(work, town.now) == 0
        work.commit()


def test_a_mailbox_that_another_licence_holds_is_not_lost_and_not_announced(town: Town) -> None:
    """After a move to a smaller licence holder and confirmer read that the mailbox is gone for good."""
    small = Sku(product_id=town.products["copilot"], sku_id=E1_SKU, part_number="STANDARDPACK", tier="Office 365 E1")
    town.add(small)
    taken(town, "ana", "kai", "tom", product="e3")
    for key, ended_at in (("ana", None), ("kai", town.now)):
        town.add(
            Seat(
                product_id=small.product_id, sku_id=small.id, person_id=town.staff[key], path="direct",
                began_at=town.now, recorded_at=town.now, ended_at=ended_at,
            )
        )  # fmt: skip
    town.seat("tom", "copilot")  # it holds no mail
    town.later(days=29)
    with town.database.unit_of_work() as work:
        assert warnings.warn(work, town.now) == 2
        work.commit()
    assert not town.cards("note", f"person:{town.staff['ana']}")
    assert [card.facts["text"] for card in town.cards("note", f"person:{town.staff['dara']}")] == [
        "Undo ends on 23 Dec 2026: then 2 mailboxes are gone for good (Microsoft 365 E3)."
    ]


def test_one_record_a_list_is_opened_noted_with_its_counts_and_closed(town: Town) -> None:
    town.rules_source = ActiveRules(town.database, graph=True, servicenow=True, instance="town")
    taken(town, "ana", "kai")
    with town.database.unit_of_work() as work:
        (ticket,) = work.session.execute(select(Ticket)).scalars()
        assert ticket.purpose == TicketPurpose.RECLAIM and ticket.wanted == "complete"
        assert ticket.opening_words.startswith("CMP-1: take back 2 seats of Copilot\nConfirmed by Dara.")
        assert ticket.closing_words == "2 seats taken back."
        notes = work.session.execute(select(TicketNote.words)).scalars().all()
    assert notes == ["2 seats taken back."]


def test_the_counts_in_words() -> None:
    state = CandidateState
    assert outcome.told({state.TAKEN: 9, state.SKIPPED: 1, state.NOT_TAKEN: 2}) == (
        "9 seats taken back, 1 skipped, 2 not done."
    )
    assert outcome.told({}) == "Nothing was taken back."


def test_a_day_has_its_limit_and_the_rest_waits_for_the_next(town: Town) -> None:
    with town.database.unit_of_work() as work:
        for key in ("ana", "kai"):
            seat = work.session.get_one(Seat, town.seats[key])
            by = town.staff["dara"]
            seat_returns.confirm(work, town.rules, seat, "leaving", by, town.now, handed_over_at=town.now)
        ids = list(work.connection.execute(select(SeatReturn.id).order_by(SeatReturn.id)).scalars())
        work.commit()
    tight = town.rules.policy.model_copy(
        update={"reclaim": town.rules.policy.reclaim.model_copy(
            update={"limits": town.rules.policy.reclaim.limits.model_copy(update={"a_day": 1})})}
    )  # fmt: skip
    rules = type(town.rules)(tight, 1, graph=True)
    found = taking.Found('{"path": "direct"}')
    with town.database.unit_of_work() as work:
        assert taking.clear_to_write(work, rules, lambda *_: None, ids[0], found, town.now) is True
        wait = taking.clear_to_write(work, rules, lambda *_: None, ids[1], found, town.now)
        assert isinstance(wait, taking.Wait) and wait.words == "Today's limit of 1 seat is reached."
        assert wait.at is not None and wait.at - town.now < timedelta(days=1)
        tomorrow = town.now + timedelta(days=1)
        seat_returns.removed(work, ids[0], "microsoft365", town.now)
        assert taking.clear_to_write(work, rules, lambda *_: None, ids[1], found, tomorrow) is True
        work.commit()


def test_the_per_cent_of_a_product_is_of_the_seats_it_had_before(sqlite_url: str) -> None:
    town = Town(sqlite_url, POLICY.replace("per_cent_of_product: 100", "per_cent_of_product: 50"))
    with town.database.unit_of_work() as work:  # of five seats two may go, however many are under way at once
        for key in HOLDERS:
            seat = work.session.get_one(Seat, town.seats[key])
            seat_returns.confirm(work, town.rules, seat, "review", town.staff["gil"], town.now)
        rows = list(work.session.execute(select(SeatReturn).order_by(SeatReturn.id)).scalars())
        may = []
        for row in rows:
            if taking._over_limit(work, town.rules, row, town.now) is None:
                row.state = "removing"
                work.session.flush()
                may.append(row)
        assert len(may) == 2
        for row in may:
            seat_returns.removed(work, row.id, "microsoft365", town.now)
        assert isinstance(taking._over_limit(work, town.rules, rows[-1], town.now), taking.Wait)
        may[0].state = "restored"  # and its holder has a seat again
        again = Seat(
            product_id=rows[0].product_id, sku_id=town.skus["copilot"], person_id=may[0].person_id, path="direct",
            began_at=town.now, recorded_at=town.now,
        )  # fmt: skip
        work.session.add(again)
        work.session.flush()
        assert isinstance(taking._over_limit(work, town.rules, rows[-1], town.now), taking.Wait)
    town.close()
