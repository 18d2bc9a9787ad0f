"""A campaign from dry run to the stored confirmation, as people press through it; each refusal with its sentence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from bot.views.rule_pause import rule_pause_card
from jobs.tables import Job
from model.contracts import SuiteCover
from model.events import Event
from model.licences import Seat, SeatReturn, Sku
from model.people import Person
from model.reclaim import CampaignKind, CampaignState, CandidateState, ReclaimCampaign, ReclaimCandidate
from model.requests import LicenceRequest, LineState, RequestKind, RequestLine, Status
from model.usage import HeldMailboxList, LastUse, SourceHealth
from tests.reclaim_town import POLICY, Town
from tests.unit.message_checks import check, labels
from workflows import seats, talk
from workflows.permissions import NotForYou
from workflows.policy_file import load
from workflows.reads.still_needed import still_needed
from workflows.reclaim import (
    answers,
    asking,
    confirm,
    deadlines,
    held,
    leavers,
    listing,
    outcome,
    plan,
    rule_scores,
    switch,
    taking,
    waiting,
)
from workflows.reclaim.answers import Answer, NotAsked
from workflows.reclaim.campaign import IllegalMove
from workflows.reclaim.candidate import IllegalMove as SeatIllegalMove
from workflows.reclaim.confirm import NothingTicked, NotLooked, OwnSeat, PlannedIt, TooMany
from workflows.reclaim.counters import counters
from workflows.reclaim.held import NoHeldList
from workflows.reclaim.listing import ReclaimList, list_of
from workflows.reclaim.recheck import recheck
from workflows.reclaim.switch import SwitchedOff
from workflows.refusals import AlreadyDecided, FieldRefusals, OldCard, Refusal
from workflows.replies import Said


@pytest.fixture
def town(sqlite_url: str) -> Iterator[Town]:
    made = Town(sqlite_url)
    yield made
    made.close()


def states(town: Town, campaign_id: int) -> dict[str, str]:
    return {key: str(one.state) for key, one in town.of(campaign_id).items()}


def listed(town: Town, campaign_id: int) -> ReclaimList:
    with town.database.reading() as connection:
        found = list_of(connection, town.rules.policy, campaign_id, town.now)
    assert found is not None
    return found


def press(town: Town, campaign_id: int, keys: set[str], by: str = "gil", **more: Any) -> Said:
    shown = listed(town, campaign_id)
    ids = town.ids(campaign_id, keys)
    more.setdefault("looked_at", frozenset(ids))
    version = more.pop("version", shown.version)
    said = town.do(confirm.confirm, campaign_id, version, ids, town.staff[by], **more)
    assert isinstance(said, Said)
    return said


def silent(town: Town) -> int:
    """A campaign whose time to answer is over, as the clock left it; the report is fresh."""
    campaign_id = town.asked()
    town.later(days=16)
    town.report({})
    town.do(deadlines.due)
    return campaign_id


def answer(town: Town, campaign_id: int, who: str, act: Any, *args: Any, by: str | None = None) -> Said:
    said = town.do(act, town.of(campaign_id)[who].id, town.staff[by or who], *args)
    assert isinstance(said, Said)
    return said


# -- the dry run -------------------------------------------------------------------------------------------------------


def test_a_dry_run_lists_and_asks_nobody(town: Town) -> None:
    campaign_id = town.planned()
    row = town.campaign(campaign_id)
    assert row.state == CampaignState.DRY_RUN and row.planned_by_id == town.staff["eli"] and row.begun_at is None
    assert set(states(town, campaign_id).values()) == {"listed"} and len(states(town, campaign_id)) == 5
    assert row.figures["verdicts"] == {"idle": 5} and row.figures["reducible"] == {"EUR": "1680.00"}
    assert not town.cards("still_needed") and not town.returns()


def test_only_some_may_plan(town: Town) -> None:
    with pytest.raises(NotForYou):
        town.planned("ana")
    assert town.planned("chitra")  # looks after the product


def test_what_is_used_unknown_or_through_a_group_is_counted_and_not_listed(town: Town) -> None:
    town.report({"ana": town.now.date() - timedelta(days=3)})
    with town.database.unit_of_work() as work:
        seat = work.session.get_one(Seat, town.seats["kai"])
        seat.path = "group:8f0e9a52-0000-4000-8000-0000000000aa"
        work.commit()
    row = town.campaign(town.planned())
    assert set(states(town, row.id)) == {"tom", "lea", "dara"}
    assert row.figures["groups"] == {"group:8f0e9a52-0000-4000-8000-0000000000aa": 1}
    assert row.figures["verdicts"] == {"active": 1, "idle": 3}


def test_what_is_not_listed_is_counted_by_its_reason(town: Town) -> None:
    answer(town, town.asked(), "dara", answers.keep, Answer.AWAY, "")
    with town.database.unit_of_work() as work:
        work.connection.execute(update(ReclaimCampaign).values(state=CampaignState.DONE))
        work.connection.execute(update(ReclaimCandidate).where(ReclaimCandidate.state == "asked").values(state="kept"))
        work.commit()
    town.person("ana", absent_from=town.now.date(), absent_until=town.now.date() + timedelta(days=9))
    town.person("kai", active=False)
    with town.database.unit_of_work() as work:
        work.session.get_one(Seat, town.seats["tom"]).began_at = town.now - timedelta(days=3)
        work.commit()
    row = town.campaign(town.planned())
    assert set(states(town, row.id)) == {"lea"}
    assert row.figures["left_out"] == {"leave": 1, "leaver": 1, "new_seat": 1, "not_again": 1}


@pytest.mark.parametrize("next_one", [(None, None), (date(2026, 12, 20), date(2027, 1, 3))])
def test_whoever_is_back_from_leave_is_not_idle_whatever_absence_they_enter_next(
    town: Town, next_one: tuple[date | None, date | None]
) -> None:
    """Ana was away from June to yesterday; clearing her deputy, or naming one for Christmas, made her seat idle."""
    town.report({"ana": date(2026, 6, 1)})
    today, town.now = town.now, town.now.replace(month=6, day=1)
    ana, ben = town.staff["ana"], town.staff["ben"]
    town.do(talk.set_deputy, ana, ben, date(2026, 6, 2), date(2026, 11, 22))
    town.now = today
    town.do(talk.set_deputy, ana, ben if next_one[0] else None, *next_one)
    assert set(states(town, town.planned())) == {"kai", "tom", "lea", "dara"}


@pytest.mark.parametrize(
    ("until", "next_one", "kept"),
    [
        (date(2026, 11, 20), (None, None), (date(2026, 11, 2), date(2026, 11, 20))),
        (date(2026, 12, 4), (None, None), (date(2026, 11, 2), date(2026, 11, 23))),  # back earlier
        (date(2026, 12, 4), (date(2026, 12, 20), date(2027, 1, 3)), (date(2026, 11, 2), date(2026, 12, 4))),
        (date(2026, 12, 4), (date(2026, 11, 16), date(2026, 12, 9)), (date(2026, 11, 2), date(2026, 11, 15))),
        (date(2026, 12, 4), (date(2026, 11, 2), date(2026, 12, 9)), (None, None)),  # the same one, longer
    ],
)
def test_the_absence_before_is_kept_as_far_as_it_went(
    town: Town, until: date, next_one: tuple[date | None, date | None], kept: tuple[date | None, date | None]
) -> None:
    ana, ben = town.staff["ana"], town.staff["ben"]
    town.do(talk.set_deputy, ana, ben, date(2026, 11, 2), until)
    town.do(talk.set_deputy, ana, ben if next_one[0] else None, *next_one)
    with town.database.unit_of_work() as work:
        row = work.session.get_one(Person, ana)
        assert (row.absent_from, row.absent_until) == next_one
        assert (row.was_absent_from, row.was_absent_until) == kept


def test_without_a_report_nothing_is_listed_unless_unknown_is_asked_about(town: Town) -> None:
    town.report({}, state="concealed")
    nothing = town.planned()
    assert states(town, nothing) == {}
    assert town.campaign(nothing).words == "No seat looks as if nobody needed it, and of 5 seats nobody can say."
    asked = town.planned(ask_unknown=True)
    assert {one.verdict for one in town.of(asked).values()} == {"unknown"}


def test_a_dry_run_is_planned_anew_and_a_campaign_that_asks_is_not(town: Town) -> None:
    first = town.planned()
    second = town.asked()
    assert town.campaign(first).state == CampaignState.CANCELLED
    with pytest.raises(plan.AlreadyPlanned, match=f"CMP-{second} is under way"):
        town.planned()


def test_planned_backwards_from_the_day_of_the_decision(town: Town) -> None:
    far = town.campaign(town.planned(decide_by=date(2027, 1, 29)))
    # removals on 29 Jan, three working days to confirm, ten to answer; no public holidays among them in France
    assert far.figures["begin_by"] == "2027-01-12" and far.answer_by == date(2027, 1, 26) and not far.words
    near = town.campaign(town.planned(decide_by=date(2026, 12, 4)))
    assert near.figures["late"] and "no longer fit before 4 Dec 2026" in near.words
    short = town.campaign(town.planned(decide_by=date(2026, 12, 8)))
    assert short.figures["answer_days"] == 8 and not short.figures["late"]


def test_a_product_with_mailboxes_stays_a_dry_run_without_a_list_of_holds(town: Town) -> None:
    with town.database.reading() as connection:
        assert held.wants_list(connection, town.products["e3"])
        assert not held.wants_list(connection, town.products["copilot"])
        with pytest.raises(NoHeldList, match="Dry run only: nobody has said"):
            held.check(connection, town.rules.policy, town.products["e3"], town.now)
    with pytest.raises(NotForYou), town.database.unit_of_work() as work:
        held.state_none(work, town.staff["ana"], town.now)
    with town.database.unit_of_work() as work:
        assert held.state_none(work, town.staff["dara"], town.now).text == "Dara said that no mailbox is on hold."
        work.commit()
    with town.database.reading() as connection:
        assert held.check(connection, town.rules.policy, town.products["e3"], town.now) == frozenset()
        with pytest.raises(NoHeldList):
            held.check(connection, town.rules.policy, town.products["e3"], town.now + timedelta(days=30))


def test_a_list_of_holds_is_addresses(town: Town) -> None:
    with town.database.unit_of_work() as work:
        with pytest.raises(FieldRefusals, match="no mail address"):
            held.state_list(work, ["ana@example.test", "nonsense"], town.staff["dara"], town.now)
        strange = [f"ana{number}@tenant.onmicrosoft.com" for number in range(7)]
        with pytest.raises(FieldRefusals, match=f"has the address {', '.join(strange[:5])} and 2 more") as refused:
            held.state_list(work, ["ana@example.test", *strange], town.staff["dara"], town.now)
        assert "mail address or the name they sign in with" in str(refused.value)
        assert "Nothing was loaded." in str(refused.value)
        with pytest.raises(FieldRefusals, match="empty"):
            held.state_list(work, [" "], town.staff["dara"], town.now)
        said = held.state_list(work, ["Ana@Example.test", "ana@example.test"], town.staff["dara"], town.now)
        assert said.text.startswith("1 mailbox on hold")
        assert held.addresses(work.connection, town.rules.policy, town.products["e3"], town.now) == {"ana@example.test"}
        assert held.addresses(work.connection, town.rules.policy, town.products["copilot"], town.now) == frozenset()
        assert held.held_people(work.connection, {"ana@example.test"}) == {town.staff["ana"]}


SIGN_IN_NAME = "Kai.Moreno@Tenant.onmicrosoft.com"


def test_a_mailbox_on_hold_is_known_by_the_sign_in_name_as_well(town: Town) -> None:
    """Purview lists mailboxes by the name people sign in with: where the mail address differs the list was refused."""
    town.person("kai", upn=SIGN_IN_NAME.lower())
    town.person("lea", upn="ana@example.test")  # a name that passed from one to the other: nobody's mail is lost
    with town.database.unit_of_work() as work:
        said = held.state_list(work, [SIGN_IN_NAME], town.staff["dara"], town.now)
        assert said.text.startswith("1 mailbox on hold")
        work.commit()
    with town.database.reading() as connection:
        found = held.addresses(connection, town.rules.policy, town.products["e3"], town.now)
        assert held.held_people(connection, found) == {town.staff["kai"]}
        assert held.held_people(connection, {"Kai@Example.test"}) == {town.staff["kai"]}
        assert held.held_people(connection, {"ana@example.test"}) == {town.staff["ana"], town.staff["lea"]}
        assert held.held_people(connection, {"ana@example.test"}, [town.staff["ana"]]) == {town.staff["ana"]}
    for key in ("ana", "kai", "lea"):
        town.seat(key, "e3")
        town.person(key, active=False)
    campaign_id = town.planned(kind=CampaignKind.LEAVING, product="e3")
    assert town.campaign(campaign_id).figures["left_out"]["on_hold"] == 1
    assert set(states(town, campaign_id)) == {"ana", "lea"}


def test_whoever_is_listed_leaves_the_list_by_either_name(sqlite_url: str) -> None:
    never = f"{{never: {{mailboxes: [{SIGN_IN_NAME}]}}, idle_days"
    town = Town(sqlite_url)
    town.add(HeldMailboxList(said_by_id=town.staff["eli"], said_at=town.now, mailboxes=[]))
    for key in ("kai", "lea"):
        town.seat(key, "e3")
        town.person(key, active=False)
    campaign_id = town.planned(kind=CampaignKind.LEAVING, product="e3")
    assert set(states(town, campaign_id)) == {"kai", "lea"}
    town.person("kai", upn=SIGN_IN_NAME.lower())
    policy = load(POLICY.replace("{idle_days", never))
    with town.database.reading() as connection:
        shown = listing.list_of(connection, policy, campaign_id, town.now)
        assert shown is not None
        assert {row.name: row.waits for row in shown.rows} == {
            "Kai": "the mailbox is on hold", "Lea": "not handed over yet",
        }  # fmt: skip
        seen = deadlines.seen(connection, policy, campaign_id, town.now)
        assert [words for _, words in seen.gone.values()] == ["The mailbox is on hold."]
    town.close()


def test_policy_and_an_older_list_keep_mailboxes_out_of_the_dry_run(sqlite_url: str) -> None:
    town = Town(sqlite_url, POLICY.replace("{idle_days", "{never: {mailboxes: [Ana@example.test]}, idle_days"))
    for key in ("ana", "kai", "lea"):
        town.seat(key, "e3")
        town.person(key, active=False)
    town.add(HeldMailboxList(said_by_id=town.staff["eli"], said_at=town.now, mailboxes=["kai@example.test"]))
    town.later(days=31)
    campaign_id = town.planned(kind=CampaignKind.LEAVING, product="e3")
    assert town.campaign(campaign_id).figures["left_out"]["on_hold"] == 2
    assert set(states(town, campaign_id)) == {"lea"}
    town.close()


def test_a_leaver_with_a_mailbox_on_hold_loses_what_holds_no_mail_by_one_list(town: Town) -> None:
    town.add(HeldMailboxList(said_by_id=town.staff["eli"], said_at=town.now, mailboxes=["tom@example.test"]))
    town.seat("tom", "e3")
    town.person("tom", active=False)
    (campaign_id,) = town.do(leavers.look)
    for _ in range(3):
        town.later(minutes=15)
        town.do(deadlines.due)
        assert town.do(leavers.look) == []
    assert [(row.name, row.waits) for row in listed(town, campaign_id).rows] == [("Tom", "not handed over yet")]
    assert town.campaign(campaign_id).product_id == town.products["copilot"]


# -- asking ------------------------------------------------------------------------------------------------------------


def test_each_holder_gets_one_question(town: Town) -> None:
    campaign_id = town.asked()
    assert set(states(town, campaign_id).values()) == {"asked"}
    assert {card.audience for card in town.cards("still_needed")} == {
        f"person:{town.staff[key]}" for key in ("ana", "kai", "tom", "lea", "dara")
    }
    assert town.campaign(campaign_id).answer_by == date(2026, 12, 7)
    with pytest.raises(IllegalMove, match="holders are being asked"):
        town.do(asking.begin, campaign_id, town.staff["eli"])


def test_whoever_has_no_slack_is_asked_by_mail_or_their_manager_is(town: Town) -> None:
    town.person("kai", slack_id=None)
    campaign_id = town.asked()
    one = town.of(campaign_id)["kai"]
    assert one.manager_id == town.staff["ben"]
    assert town.cards("still_needed", f"person:{town.staff['ben']}")[0].subject_id == one.id
    said = answer(town, campaign_id, "kai", answers.give_back, "left the team", by="ben")
    assert "licence manager looks at it" in said.text
    assert town.of(campaign_id)["kai"].state == CandidateState.UNANSWERED  # a manager's word is no release
    row = next(row for row in listed(town, campaign_id).look)
    assert row.name == "Kai" and not row.ticked and row.ground == "idle"


def test_whoever_nobody_can_reach_is_found_in_the_list(town: Town) -> None:
    town.person("mia", slack_id=None)
    town.person("dara", slack_id=None)
    campaign_id = town.asked()
    assert town.of(campaign_id)["dara"].asked_at is None and not town.cards(
        "still_needed", f"person:{town.staff['dara']}"
    )
    town.later(days=16)
    town.report({})
    town.do(deadlines.due)
    assert {row.name: row.reason for row in listed(town, campaign_id).look}["Dara"] == "nobody could be asked"


def test_keep_says_until_when_nobody_asks_again(town: Town) -> None:
    campaign_id = town.asked()
    said = answer(town, campaign_id, "ana", answers.keep, Answer.SEASONAL, "")
    assert said.text == "Kept. You will not be asked again before 21 Feb 2027."
    said = answer(town, campaign_id, "tom", answers.keep, Answer.USES_IT, "every day")
    assert said.text.endswith("That counts against the rule.")
    with pytest.raises(FieldRefusals, match="few words"):
        answer(town, campaign_id, "kai", answers.keep, Answer.OTHER, " ")
    with pytest.raises(SeatIllegalMove, match="kept already"):
        answer(town, campaign_id, "ana", answers.give_back, "")


def test_a_rule_that_is_wrong_too_often_pauses_itself_and_nothing_more_is_taken_by_it(sqlite_url: str) -> None:
    town = Town(sqlite_url, POLICY.replace("idle_days: 60,", "idle_days: 60, wrong_answers: {of_at_least: 2},"))
    campaign_id = town.asked()
    for key in ("ana", "kai"):
        answer(town, campaign_id, key, answers.keep, Answer.USES_IT, "daily")
    (told,) = town.cards("rule_pause", "channel:licences")
    with town.database.reading() as connection:
        facts = rule_scores.pause(connection, told.subject_id)
    assert facts is not None
    message = rule_pause_card(facts)
    check(message)
    assert labels(message) == ["Switch it on again"]
    assert "The rule that finds idle seats of Copilot paused itself: 2 of 2 holders said they use it." in message.text
    town.later(days=16)
    town.report({})
    town.do(deadlines.due)
    said = press(town, campaign_id, {"tom", "lea"})
    assert said.text == (
        "Nothing is taken back. Left alone: Tom, Lea "
        "(its use is not known any more: rule 40 is paused: 2 of 2 holders said they use it)."
    )
    assert not town.returns()
    with pytest.raises(NotForYou), town.database.unit_of_work() as work:
        rule_scores.lift(work, facts.id, town.staff["eli"], town.now)
    with town.database.unit_of_work() as work:
        rule_scores.lift(work, facts.id, town.staff["dara"], town.now)
        work.commit()
    with town.database.reading() as connection:
        after = rule_scores.pause(connection, told.subject_id)
    assert after is not None and (after.lifted_by, after.lifted_at) == ("Dara", town.now)
    assert "Switched on again by Dara" in rule_pause_card(after).text and not labels(rule_pause_card(after))
    with pytest.raises(rule_scores.NotPaused), town.database.unit_of_work() as work:
        rule_scores.lift(work, facts.id, town.staff["dara"], town.now)
    town.close()


def test_needing_it_back_counts_against_the_rule_and_may_pause_it(sqlite_url: str) -> None:
    town = Town(sqlite_url, POLICY.replace("idle_days: 60,", "idle_days: 60, wrong_answers: {of_at_least: 1},"))
    campaign_id = town.asked()
    town.later(days=16)
    town.report({})
    town.do(deadlines.due)
    press(town, campaign_id, {"kai"})
    (back,) = town.returns()
    gone = {"state": "removed", "removed_at": town.now, "undo_until": town.now + timedelta(days=30)}
    with town.database.unit_of_work() as work:
        work.connection.execute(update(SeatReturn).where(SeatReturn.id == back.id).values(**gone))
        work.commit()
    assert not town.cards("rule_pause")
    town.do(seats.need_back, back.id, town.staff["kai"])
    given = {"state": "restored", "restored_at": town.now, "restored_by_id": town.staff["kai"]}
    with town.database.unit_of_work() as work:
        work.connection.execute(update(SeatReturn).where(SeatReturn.id == back.id).values(**given))
        work.commit()
    town.do(outcome.follow, back.id)
    assert len(town.cards("rule_pause", "channel:licences")) == 1
    town.close()


def test_only_who_is_asked_answers(town: Town) -> None:
    campaign_id = town.asked()
    for act, args in ((answers.keep, (Answer.AWAY, "")), (answers.give_back, ("",)), (answers.manager_agrees, ())):
        with pytest.raises(NotAsked, match="for somebody else"):
            answer(town, campaign_id, "ana", act, *args, by="kai")
    assert states(town, campaign_id)["ana"] == "asked"


def test_later_is_within_the_limit_and_wakes_up_on_its_day(town: Town) -> None:
    campaign_id = town.asked()
    with pytest.raises(FieldRefusals, match="Choose a day from 24 Nov 2026 to 21 Dec 2026"):
        answer(town, campaign_id, "ana", answers.ask_later, date(2026, 12, 22))
    said = answer(town, campaign_id, "ana", answers.ask_later, date(2026, 12, 14))
    assert said.text == "Later: you will be asked again on 14 Dec 2026."
    town.later(days=20)
    town.report({})
    town.do(deadlines.due)
    assert states(town, campaign_id)["ana"] == "snoozed"
    town.later(days=1)
    town.do(deadlines.due)
    town.do(deadlines.due)
    one = town.of(campaign_id)["ana"]
    assert one.state == CandidateState.ASKED and one.answer_by == date(2026, 12, 29)  # after Christmas
    assert len(town.cards("still_needed", f"person:{town.staff['ana']}")) == 2
    town.later(days=8)
    with pytest.raises(FieldRefusals, match="as long as the policy allows"):
        answer(town, campaign_id, "ana", answers.ask_later, date(2026, 12, 23))


def test_one_reminder_and_silence_goes_to_a_human(town: Town) -> None:
    campaign_id = town.asked()
    town.later(days=7)
    town.report({})
    for _ in range(3):
        town.do(deadlines.due)
    assert len(town.cards("still_needed", f"person:{town.staff['ana']}")) == 2
    town.later(days=40)  # the service was down
    town.report({})
    town.do(deadlines.due)
    assert set(states(town, campaign_id).values()) == {"unanswered"}
    assert town.campaign(campaign_id).state == CampaignState.CONFIRMING
    assert len(town.cards("still_needed", f"person:{town.staff['ana']}")) == 2 and not town.returns()
    assert {card.audience for card in town.cards("reclaim_list")} == {
        f"person:{town.staff[key]}" for key in ("dara", "gil")
    }


def test_new_use_ends_the_question(town: Town) -> None:
    campaign_id = town.asked()
    town.later(days=3)
    town.report({"ana": town.now.date() - timedelta(days=3)})
    town.do(deadlines.due)
    assert states(town, campaign_id)["ana"] == "in_use"
    with pytest.raises(SeatIllegalMove, match="in use"):
        answer(town, campaign_id, "ana", answers.give_back, "")


def test_silence_about_a_seat_whose_use_is_not_known_leaves_it(town: Town) -> None:
    town.report({}, state="concealed")
    campaign_id = town.planned(ask_unknown=True)
    town.do(asking.begin, campaign_id, town.staff["eli"])
    answer(town, campaign_id, "ana", answers.give_back, "never wanted it")
    town.later(days=16)
    town.do(deadlines.due)
    assert states(town, campaign_id) == {"ana": "released"} | dict.fromkeys(("kai", "tom", "lea", "dara"), "dropped")
    assert [row.name for row in listed(town, campaign_id).suggested] == ["Ana"]
    press(town, campaign_id, {"ana"})
    assert [row.ground for row in town.returns()] == ["given_back"]


def test_the_managers_word_on_a_keep(sqlite_url: str) -> None:
    town = Town(sqlite_url, POLICY.replace("idle_days: 60,", "idle_days: 60, keep_needs_manager: true,"))
    campaign_id = town.asked()
    for key in ("ana", "kai", "tom"):
        said = answer(town, campaign_id, key, answers.keep, Answer.ABOUT_TO, "")
        assert said.text == "Ben is asked to agree; until then you keep it."
    assert len(town.cards("keep_word", f"person:{town.staff['ben']}")) == 3
    answer(town, campaign_id, "ana", answers.manager_agrees, by="ben")
    said = answer(town, campaign_id, "kai", answers.manager_disagrees, "not in our project", by="ben")
    assert said.text == "A licence manager looks at it. Kai keeps it until then."
    note = town.cards("note", "channel:licences")[-1]
    assert "Ben does not see why Kai keeps Copilot" in note.facts["text"]
    with pytest.raises(SeatIllegalMove):
        answer(town, campaign_id, "ana", answers.manager_disagrees, "", by="ben")
    town.later(days=16)
    town.report({})
    town.do(deadlines.due)
    found = states(town, campaign_id)
    assert (found["ana"], found["kai"], found["tom"]) == ("kept", "kept", "kept")  # no word: the holder's stands
    assert found["lea"] == "unanswered" and not {"Ana", "Kai", "Tom"} & {
        one.name for one in listed(town, campaign_id).rows
    }
    town.close()


# -- the list and its confirmation -------------------------------------------------------------------------------------


def test_the_list_has_what_was_given_back_ticked_and_no_answer_to_look_at(town: Town) -> None:
    campaign_id = town.asked()
    answer(town, campaign_id, "ana", answers.give_back, "moved on")
    answer(town, campaign_id, "kai", answers.keep, Answer.AWAY, "")
    town.later(days=16)
    town.report({})
    town.do(deadlines.due)
    found = listed(town, campaign_id)
    assert [(row.name, row.ground, row.ticked) for row in found.suggested] == [("Ana", "given_back", True)]
    assert {row.name for row in found.look} == {"Tom", "Lea", "Dara"} and not any(row.ticked for row in found.look)
    assert all(row.reason.startswith("no answer since 23 Nov 2026") for row in found.look)
    assert found.kept == 1 and found.planned_by == "Eli"


def test_confirming_stores_a_return_for_each_ticked_row_and_leaves_the_rest(town: Town) -> None:
    campaign_id = silent(town)
    answer(town, campaign_id, "ana", answers.give_back, "late, and it counts")
    said = press(town, campaign_id, {"ana", "tom"})
    assert said.text == "Confirmed: 2 seats to take back."
    rows = {row.seat_id: row for row in town.returns()}
    assert {town.seats["ana"]: "given_back", town.seats["tom"]: "idle"} == {
        seat_id: row.ground for seat_id, row in rows.items()
    }
    assert all(row.confirmed_by_id == town.staff["gil"] and row.reason.startswith("CMP-") for row in rows.values())
    assert states(town, campaign_id) == {
        "ana": "confirmed", "tom": "confirmed", "kai": "dropped", "lea": "dropped", "dara": "dropped",
    }  # fmt: skip
    assert town.campaign(campaign_id).state == CampaignState.TAKING
    one = town.of(campaign_id)["tom"]
    assert one.seat_return_id == rows[town.seats["tom"]].id and one.confirmed_by_id == town.staff["gil"]
    with pytest.raises(AlreadyDecided, match="Gil confirmed this"):
        press(town, campaign_id, {"ana"}, by="dara")
    with pytest.raises(SeatIllegalMove, match="“Keep it” leaves it with you until that is done"):
        answer(town, campaign_id, "tom", answers.give_back, "")


def test_keep_counts_until_a_confirmed_seat_is_taken(town: Town) -> None:
    campaign_id = silent(town)
    answer(town, campaign_id, "ana", answers.give_back, "moved on")
    press(town, campaign_id, {"ana", "tom", "kai"})
    said = answer(town, campaign_id, "tom", answers.keep, Answer.USES_IT, "every day")
    assert said.text == (
        "Kept: nothing is taken back. You will not be asked again before 9 Mar 2027. That counts against the rule."
    )
    answer(town, campaign_id, "ana", answers.keep, Answer.ABOUT_TO, "")
    with pytest.raises(NotAsked):
        answer(town, campaign_id, "kai", answers.keep, Answer.USES_IT, "", by="ben")
    for row in town.returns():
        town.do(outcome.follow, row.id)
    notes = {row.person_id: (row.state, row.note) for row in town.returns()}
    assert notes[town.staff["tom"]] == notes[town.staff["ana"]] == ("kept", "the holder needs it")
    assert notes[town.staff["kai"]][0] == "confirmed"
    found = states(town, campaign_id)
    assert (found["ana"], found["tom"], found["kai"]) == ("skipped", "skipped", "confirmed")
    with town.database.reading() as connection:
        score = rule_scores.score(
            connection, town.rules.policy, town.products["copilot"], town.of(campaign_id)["tom"].rule, town.now
        )
    assert (score.answers, score.wrong) == (2, 1)


def test_keep_comes_too_late_while_the_seat_is_being_taken(town: Town) -> None:
    campaign_id = silent(town)
    press(town, campaign_id, {"tom"})
    with town.database.unit_of_work() as work:
        work.connection.execute(update(SeatReturn).values(state="removing"))
        work.commit()
    with pytest.raises(answers.BeingTaken, match="I need it back"):
        answer(town, campaign_id, "tom", answers.keep, Answer.USES_IT, "")
    assert states(town, campaign_id)["tom"] == "confirmed" and not town.of(campaign_id)["tom"].answer


@pytest.mark.parametrize(
    ("by", "refusal", "words"),
    [("ana", NotForYou, "look after licences"), ("eli", NotForYou, "look after licences"), ("dara", OwnSeat, "own")],
)
def test_who_does_not_confirm(town: Town, by: str, refusal: type[Refusal], words: str) -> None:
    campaign_id = silent(town)
    with pytest.raises(refusal, match=words):
        press(town, campaign_id, {"tom", "dara"}, by=by)
    assert not town.returns()


def test_the_planner_does_not_confirm_nor_whoever_began_it(town: Town) -> None:
    campaign_id = town.asked("gil")
    town.later(days=16)
    town.report({})
    town.do(deadlines.due)
    assert {card.audience for card in town.cards("reclaim_list")} == {f"person:{town.staff['dara']}"}
    with pytest.raises(PlannedIt):
        press(town, campaign_id, {"tom"}, by="gil")
    assert not town.returns()


def test_whoever_begins_a_dry_run_of_somebody_else_is_its_planner(town: Town) -> None:
    """Who may confirm began what another had only looked at, and confirmed it alone; a look of theirs barred them."""
    campaign_id = town.planned("chitra")
    town.do(asking.begin, campaign_id, town.staff["gil"])
    assert town.campaign(campaign_id).planned_by_id == town.staff["gil"]
    town.later(days=16)
    town.report({})
    town.do(deadlines.due)
    assert {card.audience for card in town.cards("reclaim_list")} == {f"person:{town.staff['dara']}"}
    with pytest.raises(PlannedIt):
        press(town, campaign_id, {"tom"}, by="gil")


def test_an_older_list_is_refused_and_nothing_ticked_too(town: Town) -> None:
    campaign_id = silent(town)
    before = listed(town, campaign_id).version
    answer(town, campaign_id, "lea", answers.keep, Answer.AWAY, "")
    with pytest.raises(OldCard, match="The list changed meanwhile"):
        press(town, campaign_id, {"tom"}, version=before)
    with pytest.raises(OldCard):
        press(town, campaign_id, {"lea"})  # kept meanwhile: no row any more
    with pytest.raises(NothingTicked):
        press(town, campaign_id, set())


def test_a_row_that_needs_a_look_goes_only_by_its_own_tick(town: Town) -> None:
    campaign_id = silent(town)
    with pytest.raises(NotLooked, match="Tom"):
        press(town, campaign_id, {"tom"}, looked_at=frozenset())
    assert not town.returns()


def test_whoever_used_it_since_is_left_alone(town: Town) -> None:
    campaign_id = silent(town)
    town.report({"tom": town.now.date() - timedelta(days=2)})
    said = press(town, campaign_id, {"tom", "lea"})
    assert said.text == "Confirmed: 1 seat to take back. Left alone: Tom (it is in use again)."
    assert [row.person_id for row in town.returns()] == [town.staff["lea"]]
    assert states(town, campaign_id)["tom"] == "in_use"


def test_whoever_is_away_now_is_left_alone_and_that_is_the_reason_told(town: Town) -> None:
    """Dara read "Its use is not known any more" of somebody who is on leave."""
    campaign_id = silent(town)
    town.person("tom", absent_from=town.now.date(), absent_until=town.now.date() + timedelta(days=9))
    said = press(town, campaign_id, {"tom", "lea"})
    assert said.text == "Confirmed: 1 seat to take back. Left alone: Tom (away now)."
    one = town.of(campaign_id)["tom"]
    assert (one.state, one.words) == ("dropped", "Away now.")


def test_nothing_is_confirmed_on_a_report_that_is_too_old(town: Town) -> None:
    campaign_id = silent(town)
    town.later(days=9)
    said = press(town, campaign_id, {"tom", "lea"})
    assert said.text.startswith("Nothing is taken back.") and not town.returns()
    assert town.campaign(campaign_id).state == CampaignState.DONE


def test_the_switch_stops_the_confirmation_and_not_the_asking(town: Town) -> None:
    with town.database.unit_of_work() as work:
        with pytest.raises(NotForYou):
            switch.turn(work, False, town.staff["ana"], "audit", town.now)
        with pytest.raises(FieldRefusals):
            switch.turn(work, False, town.staff["eli"], "", town.now)
        assert switch.is_on(work.connection)
        switch.turn(work, False, town.staff["eli"], "audit this week", town.now)
        work.commit()
    campaign_id = silent(town)
    with pytest.raises(SwitchedOff, match="Eli switched removals off"):
        press(town, campaign_id, {"tom"})
    with town.database.unit_of_work() as work:
        switch.turn(work, True, town.staff["dara"], "", town.now)
        work.commit()
    press(town, campaign_id, {"tom"})
    assert len(town.returns()) == 1


def test_the_limit_a_day_spreads_removals_and_the_per_cent_refuses(sqlite_url: str) -> None:
    town = Town(sqlite_url, POLICY.replace("a_day: 20, per_cent_of_product: 100", "a_day: 1, per_cent_of_product: 40"))
    campaign_id = silent(town)
    with pytest.raises(TooMany, match="At most 40%.*2 seats can still be ticked"):
        press(town, campaign_id, {"tom", "lea", "kai"})
    assert listed(town, campaign_id).limit_words(2, town.now.date()) == "1 a day: 1 today, 1 tomorrow."
    said = press(town, campaign_id, {"tom", "lea"})
    assert said.text == "Confirmed: 2 seats to take back. 1 a day: 1 today, 1 tomorrow."
    days = sorted(one.take_on for one in town.of(campaign_id).values() if one.take_on)
    assert days == [town.now.date(), town.now.date() + timedelta(days=1)]
    with town.database.reading() as connection:
        due = connection.execute(select(Job.run_at).where(Job.kind == "seat.take_back").order_by(Job.run_at)).scalars()
        assert [one.date() for one in due] == days
    town.close()


def test_a_seat_that_was_given_back_meanwhile_is_no_row(town: Town) -> None:
    campaign_id = silent(town)
    with town.database.unit_of_work() as work:
        work.session.get_one(Seat, town.seats["tom"]).ended_at = town.now
        work.commit()
    assert "Tom" not in {row.name for row in listed(town, campaign_id).rows}
    town.do(deadlines.due)
    assert states(town, campaign_id)["tom"] == "dropped"


def test_called_off_before_anything_was_confirmed(town: Town) -> None:
    campaign_id = silent(town)
    with pytest.raises(NotForYou):
        town.do(plan.cancel, campaign_id, town.staff["ana"], "no")
    town.do(plan.cancel, campaign_id, town.staff["eli"], "the contract was renewed")
    assert set(states(town, campaign_id).values()) == {"dropped"}
    with pytest.raises(IllegalMove, match="called off"):
        press(town, campaign_id, set())


def test_counters_count_people_and_keep_money_apart(town: Town) -> None:
    campaign_id = town.asked()
    answer(town, campaign_id, "ana", answers.give_back, "")
    answer(town, campaign_id, "kai", answers.keep, Answer.AWAY, "")
    town.later(days=16)
    town.report({"lea": town.now.date() - timedelta(days=4)})
    town.do(deadlines.due)
    press(town, campaign_id, {"ana"})
    with town.database.reading() as connection:
        found = counters(connection, [campaign_id], town.now.date())[campaign_id]
    assert (found.asked, found.kept, found.given_back, found.no_answer, found.in_use) == (5, 1, 1, 2, 1)
    assert (found.confirmed, found.taken, found.reusable_now) == (1, 0, 0)
    assert found.reducible_more.rounded() == {"EUR": "336.00"} and found.reducible_now.rounded() == {}


# -- leavers, and requests that wait -----------------------------------------------------------------------------------


def test_a_leavers_seat_waits_for_the_hand_over_and_for_a_person(town: Town) -> None:
    town.person("tom", active=False)
    (campaign_id,) = town.do(leavers.look)
    assert town.do(leavers.look) == []
    assert town.campaign(campaign_id).kind == CampaignKind.LEAVING
    (row,) = listed(town, campaign_id).rows
    assert row.waits == "not handed over yet" and not row.ticked
    with pytest.raises(Refusal, match="Tom cannot be ticked: not handed over yet"):
        press(town, campaign_id, {"tom"})
    assert [card.audience for card in town.cards("handover")] == [f"person:{town.staff['ben']}"]
    with pytest.raises(NotForYou):
        town.do(leavers.handed_over, town.staff["tom"], town.staff["kai"], "me")
    town.do(leavers.handed_over, town.staff["tom"], town.staff["ben"], "mailbox and files to Ana, no flows")
    (row,) = listed(town, campaign_id).rows
    assert row.ticked and row.ground == "leaving"
    press(town, campaign_id, {"tom"}, looked_at=frozenset())
    (made,) = town.returns()
    assert made.ground == "leaving" and made.handed_over_at is not None
    assert states(town, town.planned()).keys() == {"ana", "kai", "lea", "dara"}


def test_a_second_leaver_joins_the_list_that_waits(town: Town) -> None:
    town.person("tom", leaves_on=date(2026, 11, 20))
    (campaign_id,) = town.do(leavers.look)
    before = listed(town, campaign_id).version
    town.person("lea", active=False)
    town.do(leavers.look)
    found = listed(town, campaign_id)
    assert {row.name for row in found.rows} == {"Tom", "Lea"} and found.version > before
    assert next(row.sentence for row in found.rows if row.name == "Tom") == "Left on 20 Nov 2026."


def test_a_leavers_mailbox_waits_for_the_list_of_holds_and_what_was_left_alone_is_not_listed_again(town: Town) -> None:
    town.seat("tom", "e3")
    town.person("tom", active=False)
    (copilot,) = town.do(leavers.look)
    with town.database.unit_of_work() as work:
        assert leavers.look(work, town.rules, town.now) == []
        held.state_list(work, ["mia@example.test"], town.staff["dara"], town.now)
        work.commit()
    (mail,) = town.do(leavers.look)
    assert town.campaign(mail).product_id == town.products["e3"]
    town.do(leavers.handed_over, town.staff["tom"], town.staff["ben"], "all to Ben")
    town.person("lea", active=False)
    town.do(leavers.look)
    town.do(leavers.handed_over, town.staff["lea"], town.staff["ben"], "all to Ben")
    press(town, copilot, {"lea"})
    assert states(town, copilot) == {"tom": "dropped", "lea": "confirmed"}
    before = town.campaign(mail).id
    for _ in range(3):
        assert town.do(leavers.look) == []
    with town.database.reading() as connection:
        assert connection.execute(select(func.max(ReclaimCampaign.id))).scalar() == before


def test_whoever_kept_theirs_and_left_since_is_listed(town: Town) -> None:
    campaign_id = town.asked()
    answer(town, campaign_id, "tom", answers.keep, Answer.AWAY, "")
    town.person("tom", active=False)
    town.person("lea", active=False)
    town.do(deadlines.due)
    (leaving,) = town.do(leavers.look)
    assert set(states(town, leaving)) == {"tom", "lea"} and states(town, campaign_id)["lea"] == "dropped"


def test_a_leaver_who_comes_back_leaves_the_list(town: Town) -> None:
    town.person("tom", active=False)
    (campaign_id,) = town.do(leavers.look)
    town.person("tom", active=True)
    town.do(deadlines.due)
    assert states(town, campaign_id)["tom"] == "dropped"
    assert town.campaign(campaign_id).state == CampaignState.DONE


def test_a_leaver_who_stays_on_is_left_alone_at_the_press(town: Town) -> None:
    """The list was made before the leave was put off, and the clock has not looked since."""
    for key in ("tom", "lea"):
        town.person(key, leaves_on=town.now.date() - timedelta(days=1))
    (campaign_id,) = town.do(leavers.look)
    for key in ("tom", "lea"):
        town.do(leavers.handed_over, town.staff[key], town.staff["ben"], "all to Ben")
    town.person("tom", leaves_on=town.now.date() + timedelta(days=30))
    said = press(town, campaign_id, {"tom", "lea"})
    assert said.text == "Confirmed: 1 seat to take back. Left alone: Tom (the holder has not left)."
    assert states(town, campaign_id) == {"tom": "dropped", "lea": "confirmed"}
    assert [row.person_id for row in town.returns()] == [town.staff["lea"]]


def test_whoever_leaves_once_more_is_handed_over_once_more(town: Town) -> None:
    town.person("tom", active=False)
    town.do(leavers.look)
    town.person("tom", active=True)
    town.do(deadlines.due)
    town.later(days=200)
    town.report({})
    town.person("tom", active=False)
    (campaign_id,) = town.do(leavers.look)
    town.later(days=1)
    town.do(leavers.look)
    assert [row.waits for row in listed(town, campaign_id).rows] == ["not handed over yet"]
    ben = f"person:{town.staff['ben']}"
    assert [(card.audience, card.generation, card.live) for card in town.cards("handover")][-1] == (ben, 2, True)
    town.do(leavers.handed_over, town.staff["tom"], town.staff["ben"], "all to Ben")
    town.seat("tom", "e3")
    town.add(HeldMailboxList(said_by_id=town.staff["eli"], said_at=town.now, mailboxes=[]))
    town.do(leavers.look)
    assert len(town.cards("handover")) == 3  # another seat, found after that answer


def test_a_list_of_holds_makes_a_list_that_waits_another_one(town: Town) -> None:
    def state_holds(*keys: str) -> None:
        with town.database.unit_of_work() as work:
            if keys:
                held.state_list(work, [f"{key}@example.test" for key in keys], town.staff["dara"], town.now)
            else:
                held.state_none(work, town.staff["dara"], town.now)
            work.commit()

    state_holds()
    for key in ("tom", "lea"):
        town.seat(key, "e3")
        town.person(key, active=False)
    copilot, mail = sorted(town.do(leavers.look))
    if town.campaign(mail).product_id != town.products["e3"]:
        copilot, mail = mail, copilot
    for key in ("tom", "lea"):
        town.do(leavers.handed_over, town.staff[key], town.staff["ben"], "all to Ben")
    other = listed(town, copilot).version
    state_holds("tom")
    shown = listed(town, mail)
    assert {row.name: row.waits for row in shown.rows} == {"Tom": "the mailbox is on hold", "Lea": ""}
    state_holds()
    with pytest.raises(OldCard, match="The list changed meanwhile"):
        press(town, mail, {"tom", "lea"}, version=shown.version)
    before = listed(town, mail).version
    state_holds()
    assert listed(town, mail).version == before  # said once more, and nothing is different
    assert listed(town, copilot).version == other


def test_a_leaver_who_was_not_handed_over_comes_with_the_next_list(town: Town) -> None:
    town.person("tom", active=False)
    town.person("lea", active=False)
    (campaign_id,) = town.do(leavers.look)
    town.do(leavers.handed_over, town.staff["tom"], town.staff["dara"], "there is nothing")
    press(town, campaign_id, {"tom"})
    town.do(deadlines.due)
    assert states(town, campaign_id) == {"tom": "confirmed", "lea": "listed"}
    assert town.campaign(campaign_id).state == CampaignState.TAKING
    town.do(leavers.handed_over, town.staff["lea"], town.staff["ben"], "all to Ben")
    assert [row.name for row in listed(town, campaign_id).rows] == ["Lea"]
    assert town.campaign(campaign_id).state == CampaignState.CONFIRMING


def queue(town: Town) -> int:
    with town.database.unit_of_work() as work:
        request = LicenceRequest(
            submission_key="waits", kind=RequestKind.SEAT, requester_id=town.staff["mia"],
            product_id=town.products["copilot"], sku_id=town.skus["copilot"], status=Status.WAITING_FOR_SEAT,
            created_at=town.now, submitted_at=town.now, queued_at=town.now,
        )  # fmt: skip
        work.session.add(request)
        work.session.flush()
        line = RequestLine(request_id=request.id, person_id=town.staff["mia"], state=LineState.QUEUED)
        work.session.add(line)
        work.commit()
        return request.id


def test_a_waiting_request_asks_the_idlest_holders_by_itself_once(town: Town) -> None:
    request_id = queue(town)
    (campaign_id,) = town.do(waiting.look)
    assert town.do(waiting.look) == []
    row = town.campaign(campaign_id)
    assert row.request_id == request_id and row.planned_by == "rule:waiting" and row.planned_by_id is None
    assert set(states(town, campaign_id)) == {"ana", "kai"}
    answer(town, campaign_id, "kai", answers.give_back, "take it")
    assert town.campaign(campaign_id).state == CampaignState.CONFIRMING  # the first release is worth a list
    press(town, campaign_id, {"kai"})
    assert [one.person_id for one in town.returns()] == [town.staff["kai"]]
    town.do(deadlines.due)
    assert town.campaign(campaign_id).state == CampaignState.TAKING and states(town, campaign_id)["ana"] == "asked"
    answer(town, campaign_id, "ana", answers.give_back, "me too")
    assert town.campaign(campaign_id).state == CampaignState.CONFIRMING


# -- covered by another seat, and larger than what is used -----------------------------------------------------------


def test_a_seat_that_another_covers_is_redundant_while_the_other_stays(town: Town) -> None:
    town.report(dict.fromkeys(("ana", "kai", "tom", "lea", "dara"), town.now.date() - timedelta(days=3)))
    suite, part = town.products["e3"], town.products["copilot"]
    town.add(
        SuiteCover(suite_product_id=suite, part_product_id=part, covers=True, source="company", recorded_at=town.now)
    )
    covering = {key: town.seat(key, "e3") for key in ("ana", "kai", "lea")}
    town.add(  # on its way back: it covers nothing any more
        SeatReturn(
            seat_id=covering["lea"], person_id=town.staff["lea"], product_id=suite, ground="given_back",
            confirmed_by_id=town.staff["lea"], confirmed_at=town.now, state="confirmed",
        )
    )  # fmt: skip
    campaign_id = town.asked(kind=CampaignKind.REDUNDANT)
    assert {key: one.sentence for key, one in town.of(campaign_id).items()} == dict.fromkeys(
        ("ana", "kai"), "Covered wholly by Microsoft 365 E3."
    )
    town.later(days=16)
    town.report(dict.fromkeys(("ana", "kai"), town.now.date() - timedelta(days=3)))
    town.do(deadlines.due)
    assert states(town, campaign_id) == {"ana": "unanswered", "kai": "unanswered"}  # use does not decide
    with town.database.unit_of_work() as work:
        work.session.get_one(Seat, covering["kai"]).ended_at = town.now
        work.commit()
    said = press(town, campaign_id, {"ana", "kai"})
    assert said.text.endswith("Left alone: Kai (no other licence covers it any more).")
    assert [(row.person_id, row.ground) for row in town.returns()][1:] == [(town.staff["ana"], "redundant")]


def small_tier(town: Town) -> int:
    """Office 365 E1 beside E3, which three people hold: what Ana stores and uses fits it, Kai's and Tom's do not."""
    small = Sku(
        product_id=town.products["e3"], sku_id="18181a46-0d4e-45cd-891e-60aabd171b4e", part_number="STANDARDPACK",
        tier="Office 365 E1",
    )  # fmt: skip
    town.add(small)
    for key, size, desktop in (("ana", 10**9, False), ("kai", 60 * 10**9, False), ("tom", 10**9, True)):
        town.seat(key, "e3")
        for source, facts in (("mailbox", {"bytes": size, "archive": False}), ("m365_apps", {"desktop": desktop})):
            town.add(
                LastUse(
                    person_id=town.staff[key], source=source, used_on=None, facts=facts, as_of=town.now.date(),
                    read_at=town.now,
                )
            )  # fmt: skip
    for source in ("mailbox", "m365_apps"):
        town.add(SourceHealth(source=source, state="fine", as_of=town.now.date(), read_at=town.now))
    return small.id


def stores(town: Town, key: str, size: int) -> None:
    """The mailbox report, and that of the desktop apps, of today."""
    with town.database.unit_of_work() as work:
        rows = work.session.execute(select(LastUse).where(LastUse.person_id == town.staff[key])).scalars()
        for row in rows:
            row.as_of = town.now.date()
            if row.source == "mailbox":
                row.facts = {"bytes": size, "archive": False}
        work.commit()


def test_a_smaller_tier_is_offered_where_what_is_stored_fits(town: Town) -> None:
    small = small_tier(town)
    with pytest.raises(plan.NoTier):
        town.planned(kind=CampaignKind.TOO_BIG, product="e3")
    more: dict[str, Any] = {"kind": CampaignKind.TOO_BIG, "product": "e3", "to_sku_id": small}
    dry = town.planned(**more)
    assert town.campaign(dry).words == "Dry run only: nobody has said which mailboxes are on hold."
    with pytest.raises(NoHeldList):
        town.do(asking.begin, dry, town.staff["eli"])
    with town.database.unit_of_work() as work:
        held.state_none(work, town.staff["dara"], town.now)
        work.commit()
    campaign_id = town.asked(**more)
    assert set(states(town, campaign_id)) == {"ana"}
    assert town.of(campaign_id)["ana"].sentence == "Office 365 E1 would do for what is stored and used."
    town.later(days=16)
    town.do(deadlines.due)
    stores(town, "ana", 10**9)
    press(town, campaign_id, {"ana"})
    (made,) = town.returns()
    assert made.ground == "too_big" and made.swap_to_sku_id == small


def test_a_seat_given_back_for_a_smaller_one_is_swapped_only_while_that_fits(town: Town) -> None:
    """The holder's word takes the larger one; what is stored must still have room in the smaller."""
    small = small_tier(town)
    with town.database.unit_of_work() as work:
        held.state_none(work, town.staff["dara"], town.now)
        work.commit()
    stores(town, "kai", 10**9)
    campaign_id = town.asked(kind=CampaignKind.TOO_BIG, product="e3", to_sku_id=small)
    with town.database.reading() as connection:
        ids = town.ids(campaign_id, ("ana",))
        assert [one.instead for one in still_needed(connection, ids, town.now).values()] == ["Office 365 E1"]
    for key in ("ana", "kai"):
        said = answer(town, campaign_id, key, answers.give_back, "")
        assert "You get Office 365 E1 instead. Until then you can keep it." in said.text
    stores(town, "kai", 60 * 10**9)
    town.person("ana", absent_from=town.now.date(), absent_until=town.now.date() + timedelta(days=9))
    said = press(town, campaign_id, {"ana", "kai"})
    assert said.text.endswith("Left alone: Kai (it does not fit the smaller licence any more).")
    (made,) = town.returns()
    assert (made.person_id, made.ground, made.swap_to_sku_id) == (town.staff["ana"], "given_back", small)
    found = taking.Found('{"path": "direct"}')
    with town.database.unit_of_work() as work:  # being away does not stand against one's own word
        assert taking.clear_to_write(work, town.rules, recheck, made.id, found, town.now) is True
    stores(town, "ana", 60 * 10**9)
    with town.database.unit_of_work() as work:
        assert taking.clear_to_write(work, town.rules, recheck, made.id, found, town.now) is False
        work.commit()
    assert [(row.state, row.note) for row in town.returns()] == [
        ("kept", "it does not fit the smaller licence any more")
    ]


def test_a_row_that_was_ticked_as_checked_is_not_swapped_unchecked(town: Town) -> None:
    """The reports fell silent: at the press for one, before the write for the other; who saw it may still tick it."""
    small = small_tier(town)
    with town.database.unit_of_work() as work:
        held.state_none(work, town.staff["dara"], town.now)
        work.connection.execute(delete(LastUse).where(LastUse.person_id == town.staff["tom"]))
        work.commit()
    stores(town, "kai", 10**9)
    campaign_id = town.asked(kind=CampaignKind.TOO_BIG, product="e3", to_sku_id=small)
    town.later(days=16)
    town.do(deadlines.due)
    stores(town, "kai", 10**9)
    said = press(town, campaign_id, {"ana", "kai", "tom"})
    assert said.text.endswith("Left alone: Ana (whether it fits the smaller licence is not known any more).")
    town.later(days=8)
    going = town.returns()
    with town.database.unit_of_work() as work:
        for row in going:
            found = taking.Found('{"path": "direct"}')
            taking.clear_to_write(work, town.rules, recheck, row.id, found, town.now)
        work.commit()
    assert [(row.person_id, row.state, row.note) for row in town.returns()] == [
        (town.staff["kai"], "kept", "whether it fits the smaller licence is not known any more"),
        (town.staff["tom"], "removing", ""),
    ]


# -- a review ----------------------------------------------------------------------------------------------------------


def test_a_review_asks_the_managers_and_silence_changes_nothing(town: Town) -> None:
    town.report({"ana": town.now.date() - timedelta(days=3)})
    campaign_id = town.asked(kind=CampaignKind.REVIEW)
    assert {one.manager_id for one in town.of(campaign_id).values()} == {town.staff["ben"], town.staff["mia"]}
    answer(town, campaign_id, "ana", answers.keep, Answer.USES_IT, "", by="ben")
    answer(town, campaign_id, "kai", answers.give_back, "not in the team", by="ben")
    town.later(days=16)
    town.report({})
    town.do(deadlines.due)
    assert [(row.name, row.ground, row.ticked) for row in listed(town, campaign_id).rows] == [("Kai", "review", False)]
    press(town, campaign_id, {"kai"})
    assert [row.ground for row in town.returns()] == ["review"]


def test_every_move_left_its_event(town: Town) -> None:
    campaign_id = silent(town)
    press(town, campaign_id, {"tom"})
    with town.database.reading() as connection:
        moves = sum(one.version - 1 for one in town.of(campaign_id).values())
        found = connection.execute(select(func.count()).where(Event.tag.startswith("reclaim:seat:"))).scalar_one()
    assert found == moves
