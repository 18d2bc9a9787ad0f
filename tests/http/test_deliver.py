"""Cards become messages in the Slack stand-in and stay in line with their rows, through every fault it knows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from jobs.tables import Job, JobState
from model.events import Event, Happened, Tag
from model.licences import Seat
from model.people import Person
from model.requests import ApprovalStep, ApproverState, Card, LicenceRequest, Status, StepApprover, StepState
from tests.http.delivery import Office, ask, office
from workflows import cards, thread
from workflows.cards import CardKind, channel, person
from workflows.effects import Say, ShowCard, ShowRequest, enqueue
from workflows.replies import About, Said


@pytest.fixture
def place(database_url: str) -> Iterator[Office]:
    with office(database_url) as made:
        yield made


def _decide(place: Office, number: int = 1) -> None:
    place.change(StepApprover, number, state=ApproverState.AGREED, decided_at=place.now)
    place.change(ApprovalStep, number, state=StepState.APPROVED, decided_at=place.now)
    place.change(LicenceRequest, number, status=Status.FULFILLING, version=2, decided_at=place.now)


def test_a_card_is_posted_once_and_rewritten_after_the_decision(place: Office) -> None:
    ask(place)
    [show] = place.card(CardKind.APPROVAL, 1, person(2), request_id=1)
    place.deliver()
    [message] = place.messages("U0BEN")
    assert "Ana Lindqvist (Design) asks for Microsoft Copilot" in message["text"]
    assert "3 of 40" in message["text"]
    assert "Mia Chen is asked" in message["text"]

    place.enqueue(show, show)  # nothing changed: nothing is sent
    place.deliver()
    [same] = place.messages("U0BEN")
    assert same["history"] == []

    _decide(place)
    place.enqueue(ShowRequest(1))
    place.deliver()
    [decided] = place.messages("U0BEN")
    assert decided["text"].startswith("Approved by Ben Okafor")
    assert all(block["type"] != "actions" for block in decided["blocks"])
    [card] = place.cards()
    assert (card.channel, card.ts) == (decided["channel"], decided["ts"])


def test_a_card_nobody_needs_any_more_is_never_posted(place: Office) -> None:
    ask(place)
    place.card(CardKind.APPROVAL, 1, person(2), request_id=1)
    _decide(place)
    place.deliver()
    assert place.messages() == []
    assert [job.state for job in place.jobs("card.show")] == [JobState.DONE]


def test_a_reminder_is_the_one_live_card_and_the_old_one_points_on(place: Office) -> None:
    ask(place)
    place.card(CardKind.APPROVAL, 1, person(2), request_id=1)
    place.deliver()
    place.later(timedelta(hours=3))
    place.change(StepApprover, 1, reminders=1)
    place.card(CardKind.APPROVAL, 1, person(2), request_id=1)
    place.deliver()
    old, new = place.messages("U0BEN")
    assert "Asked again" in old["text"]
    assert "The newer message has the buttons." in old["text"]
    assert "Still waiting for you" in new["text"]


def test_a_reminder_that_is_held_back_leaves_the_older_copy_its_buttons(place: Office) -> None:
    ask(place)
    place.card(CardKind.APPROVAL, 1, person(2), request_id=1)
    for number in (2, 3):
        place.card(CardKind.NOTE, number, person(2), facts=Said(About.TEXT, text=f"Note {number}.").facts())
    place.deliver()
    place.change(StepApprover, 1, reminders=1)
    place.card(CardKind.APPROVAL, 1, person(2), request_id=1)  # the fourth of the day: a row of tomorrow's digest
    place.enqueue(ShowRequest(1))
    place.deliver()
    decision = place.messages("U0BEN")[0]
    assert "Asked again" not in decision["text"]
    assert any(block["type"] == "actions" for block in decision["blocks"])

    place.later(timedelta(hours=24))
    place.enqueue(ShowRequest(1))
    place.deliver()
    first, *_, digest = place.messages("U0BEN")
    assert "1 thing waits for you" in digest["text"]
    assert any(block["type"] == "actions" for block in first["blocks"]), "a row of the digest is no newer message"


@pytest.mark.parametrize("fault", ["throttled", "server_error", "hang_up"])
def test_trouble_before_slack_did_anything_ends_in_one_message(place: Office, fault: str) -> None:
    ask(place)
    place.fault(fault, ".*chat.postMessage")
    place.card(CardKind.APPROVAL, 1, person(2), request_id=1)
    place.deliver()
    for _ in range(5):
        place.later(timedelta(minutes=2))
        place.deliver()
    messages = place.messages("U0BEN")
    assert 1 <= len(messages) <= 2  # an approval rather twice than not at all
    if fault == "throttled":
        assert len(messages) == 1
    assert [job.state for job in place.jobs("card.show")] == [JobState.DONE]


def test_an_approval_whose_answer_was_lost_comes_rather_twice_than_never(place: Office) -> None:
    ask(place)
    place.fault("commit_then_hang_up", ".*chat.postMessage")
    place.card(CardKind.APPROVAL, 1, person(2), request_id=1)
    place.deliver()
    place.later(timedelta(minutes=1))
    place.deliver()
    assert len(place.messages("U0BEN")) == 2
    [card] = place.cards()
    assert card.ts == place.messages("U0BEN")[-1]["ts"]


def test_a_list_whose_answer_was_lost_is_not_said_twice(place: Office) -> None:
    ask(place)
    [show] = place.card(CardKind.DECISIONS, 2, person(2))
    place.fault("commit_then_hang_up", ".*chat.postMessage")
    place.deliver()
    place.later(timedelta(minutes=1))
    place.enqueue(show)
    place.deliver()
    assert len(place.messages("U0BEN")) == 1
    ask(place, 2)
    place.enqueue(show)  # there is something new to say, so it is said
    place.deliver()
    assert len(place.messages("U0BEN")) == 2


def test_a_rewrite_whose_answer_was_lost_is_repeated(place: Office) -> None:
    ask(place)
    place.card(CardKind.APPROVAL, 1, person(2), request_id=1)
    place.deliver()
    _decide(place)
    place.fault("commit_then_hang_up", ".*chat.update")
    place.enqueue(ShowRequest(1))
    place.deliver()
    place.later(timedelta(minutes=1))
    place.deliver()
    [message] = place.messages("U0BEN")
    assert message["text"].startswith("Approved by")
    [card] = place.cards()
    assert card.shown_digest is not None


def test_a_deleted_approval_comes_again_while_it_waits(place: Office) -> None:
    ask(place)
    [show] = place.card(CardKind.APPROVAL, 1, person(2), request_id=1)
    place.deliver()
    [message] = place.messages("U0BEN")
    place.standin.world.erase(message)
    place.change(LicenceRequest, 1, version=2)
    place.enqueue(show)
    place.deliver()
    [again] = place.messages("U0BEN")
    assert again["ts"] != message["ts"]
    assert [(card.generation, card.live) for card in place.cards()] == [(1, False), (2, True)]

    place.standin.world.erase(again)
    _decide(place)
    place.enqueue(ShowRequest(1))
    place.deliver()
    assert place.messages("U0BEN") == []


def test_a_reply_stands_in_the_thread_even_when_its_job_comes_first(place: Office) -> None:
    ask(place)
    with place.database.unit_of_work() as work:
        [progress] = cards.new_card(work, CardKind.PROGRESS, 1, person(1), place.now, request_id=1)
        [reply] = cards.new_card(
            work,
            CardKind.REPLY,
            77,
            person(1),
            place.now,
            request_id=1,
            thread_of_id=progress.card_id,
            facts=Said(About.QUESTION, by=2, words="For which team? <!channel>").facts(),
        )
        work.commit()
    place.enqueue(reply)
    place.deliver()
    assert place.messages() == []
    place.enqueue(ShowCard(progress.card_id))
    place.later(timedelta(seconds=5))
    place.deliver()
    place.later(timedelta(seconds=5))
    place.deliver()
    first, line = place.messages("U0ANA")
    assert "waiting for Ben Okafor" in first["text"]
    assert line["thread_ts"] == first["ts"]
    assert "“For which team? &lt;!channel&gt;”" in line["text"]


def test_the_lines_of_a_thread_wait_for_one_another(place: Office) -> None:
    """One after the other however many workers there are, so that the story is told in its order."""
    ask(place)
    with place.database.unit_of_work() as work:
        [progress] = cards.new_card(work, CardKind.PROGRESS, 1, person(1), place.now, request_id=1)
        enqueue(work, [progress], place.now)
        work.commit()
    place.deliver()
    for number, tag in enumerate((Tag.REQUEST_APPROVED, Tag.REQUEST_PURCHASE_ORDERED, Tag.REQUEST_FULFILLED)):
        with place.database.unit_of_work() as work:
            happened = Happened(tag, "person:2" if number == 0 else "rule:test", "request:1", {})
            work.record([happened], place.now)
            request = work.session.get_one(LicenceRequest, 1)
            enqueue(work, thread.announce(work, request, place.now), place.now)
            work.commit()
    with place.database.unit_of_work() as work:
        lanes = work.session.execute(select(Job.lane).where(Job.kind == "reply.show").order_by(Job.id)).scalars().all()
    assert lanes == [f"thread:{progress.card_id}"] * 3
    place.deliver()
    said = [one["text"] for one in place.messages("U0ANA") if one.get("thread_ts")]
    assert [words.split()[0] for words in said] == ["Ben", "One", "You"]


def test_a_reply_whose_thread_was_deleted_is_still_said(place: Office) -> None:
    ask(place)
    [show] = place.card(CardKind.PROGRESS, 1, person(1), request_id=1)
    place.deliver()
    place.standin.world.erase(place.messages("U0ANA")[0])
    place.card(
        CardKind.REPLY,
        78,
        person(1),
        request_id=1,
        thread_of_id=show.card_id,  # type: ignore[union-attr]
        facts=Said(About.READY).facts(),
    )
    place.deliver()
    [line] = place.messages("U0ANA")
    assert line["text"].startswith("You have Microsoft Copilot until 31 Mar 2027.")


def test_more_than_four_open_decisions_are_one_list(place: Office) -> None:
    for number in range(1, 7):
        ask(place, number)
        place.card(CardKind.APPROVAL, number, person(2), request_id=number)
    place.deliver()
    [message] = place.messages("U0BEN")
    assert message["text"].startswith("6 decisions wait for you")
    _decide(place, 1)
    place.enqueue(ShowRequest(1))
    place.deliver()
    [fewer] = place.messages("U0BEN")
    assert fewer["text"].startswith("5 decisions wait for you")


def test_unasked_messages_wait_for_working_hours_and_stop_at_three(place: Office) -> None:
    place.later(timedelta(hours=10))  # half past seven in the evening
    ask(place)
    place.card(CardKind.APPROVAL, 1, person(2), request_id=1)
    place.deliver()
    assert place.messages() == []
    place.later(timedelta(hours=14))
    place.deliver()
    assert len(place.messages("U0BEN")) == 1
    for number in (2, 3, 4):
        place.card(
            CardKind.NOTE, number, person(2), facts=Said(About.TEXT, text=f"Note {number} for the record.").facts()
        )
    place.deliver()
    assert len(place.messages("U0BEN")) == 3
    place.later(timedelta(hours=24))
    place.deliver()
    assert len(place.messages("U0BEN")) == 4


def test_an_unlinked_person_is_found_by_address_and_linked(place: Office) -> None:
    place.change(Person, 2, slack_id=None)
    ask(place)
    place.card(CardKind.APPROVAL, 1, person(2), request_id=1)
    place.deliver()
    assert len(place.messages("U0BEN")) == 1
    with place.database.reading() as connection:
        assert connection.execute(select(Person.slack_id).where(Person.id == 2)).scalar() == "U0BEN"
        assert connection.execute(select(Event.tag)).scalars().all() == [Tag.PERSON_LINKED]


def test_a_person_without_slack_is_asked_by_mail_once(place: Office) -> None:
    ask(place, approver=3)
    [show] = place.card(CardKind.APPROVAL, 1, person(3), request_id=1)
    place.deliver()
    place.enqueue(show)
    place.deliver()
    assert place.messages() == []
    [mail] = place.jobs("card.mail")
    assert (mail.queue, mail.payload) == ("mail", {"card": 1})


@pytest.mark.parametrize("account", ["U0NOBODY", "U0LEFT"])
def test_an_account_that_nobody_reads_any_more_is_mailed_instead(place: Office, account: str) -> None:
    """One Slack does not know was tried until the work was parked; one deactivated was written to."""
    place.standin.add_user("U0LEFT", "ben2", "Ben Okafor", "ben@example.test", deleted=True)
    place.change(Person, 2, slack_id=account, email="okafor@example.test")
    place.job("sync.slack")
    place.deliver()
    ask(place)
    place.card(CardKind.APPROVAL, 1, person(2), request_id=1)
    place.deliver()
    assert place.messages() == []
    assert [job.payload for job in place.jobs("card.mail")] == [{"card": 1}]
    assert [job.state for job in place.jobs("card.show")] == [JobState.DONE]


def test_a_channel_is_the_one_policy_names(place: Office) -> None:
    ask(place)
    place.change(LicenceRequest, 1, status=Status.FAILED, closing_words="No usage location is set.")
    place.card(CardKind.STUCK, 1, channel("it_alerts"), request_id=1)
    place.deliver()
    [message] = place.messages()
    assert message["channel"] == "C0ALERTS"
    assert "REQ-1001 waits for a person" in message["text"]
    assert "Ana" not in str(message["blocks"]) + message["text"]


def test_without_a_channel_the_holders_of_the_role_are_told(place: Office) -> None:
    from model.people import Role, RoleGrant

    with place.database.unit_of_work() as work:
        work.session.add(RoleGrant(person_id=4, role=Role.LICENCE_MANAGER, began_at=place.now))
        work.commit()
    ask(place)
    place.change(StepApprover, 1, state=ApproverState.PASSED)
    place.card(CardKind.STUCK, 1, channel("licences"), request_id=1)
    place.deliver()
    [message] = place.messages("U0MIA")
    assert "nobody can decide it" in message["text"]


def test_an_answer_to_a_press_is_seen_by_one_and_mentions_nobody(place: Office) -> None:
    url = place.standin.world.new_response_url(
        place.standin.url, "U0BEN", place.standin.world.direct("U0BEN")["id"], None
    )
    place.enqueue(Say(url, "<!channel> decided this <!date^1^{time}|then>; your press changed nothing."))
    place.deliver()
    [message] = place.messages("U0BEN")
    assert message["ephemeral_for"] == "U0BEN"
    assert message["text"] == "&lt;!channel&gt; decided this <!date^1^{time}|then>; your press changed nothing."


def test_an_answer_that_comes_too_late_is_dropped(place: Office) -> None:
    place.enqueue(Say(f"{place.standin.url}/actions/T0SANDBOX/unknown", "Mia Chen approved this."))
    place.deliver()
    assert [job.state for job in place.jobs("answer.say")] == [JobState.DONE]


def test_a_holder_who_lets_it_end_sees_that_on_the_card(place: Office) -> None:
    ask(place)
    place.change(LicenceRequest, 1, until_on=date(2026, 12, 7), status=Status.FULFILLED)
    place.change(StepApprover, 1, state=ApproverState.AGREED, decided_at=place.now)
    with place.database.unit_of_work() as work:
        work.session.add(
            Seat(
                id=1,
                product_id=1,
                sku_id=1,
                person_id=1,
                began_at=place.now,
                recorded_at=place.now,
                until_on=date(2026, 12, 7),
                line_id=1,
            )
        )
        work.commit()
    [show] = place.card(CardKind.ENDING, 1, person(1))
    place.deliver()
    assert "If you do nothing it is taken back on 8 Dec 2026" in place.messages("U0ANA")[0]["text"]
    place.change(Card, 1, live=False)
    place.enqueue(show)
    place.deliver()
    [ended] = place.messages("U0ANA")
    assert ended["text"].startswith("Microsoft Copilot ends on 7 Dec 2026.")
    assert all(block["type"] != "actions" for block in ended["blocks"])
