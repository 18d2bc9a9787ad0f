"""Messages about a seat and the product owner's task, in every state and with every name."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from bot.ids import Ref
from bot.views.seat_cards import ending_card, received_card, returned_card
from bot.views.task_card import task_card
from licensing.money import Money
from model.requests import LineState, Status
from tests.unit.message_checks import check, element, labels, shown
from tests.unit.view_facts import NOW, ORDINARY, VOICES, Voice, numbers, who
from workflows.reads.seat_facts import EndingFacts, ReceivedFacts, ReturnedFacts, TaskFacts


def task(voice: Voice = ORDINARY) -> TaskFacts:
    return TaskFacts(
        id=4,
        version=2,
        kind="give",
        state="open",
        product=voice.product,
        tier="",
        admin_url="https://admin.example.test/miro",
        assignee=who(3, voice.mia),
        holder=who(1, voice.ana),
        request_id=50,
        reference="REQ-1050",
        approved_by=voice.ben,
        confirmed_by="",
        words="",
        due_at=NOW + timedelta(days=2),
        done_by=None,
        done_at=None,
        numbers=numbers(1, bought=12, in_use=11, reserved=1),
    )


def ending(voice: Voice = ORDINARY) -> EndingFacts:
    return EndingFacts(
        seat_id=9,
        product=voice.product,
        who=who(1, voice.ana),
        ends_on=date(2027, 1, 31),
        given_for=voice.words,
        agreed_by=voice.ben,
        ended_at=None,
        extension=None,
        extension_reference="",
        let_end=False,
    )


def returned(voice: Voice = ORDINARY) -> ReturnedFacts:
    return ReturnedFacts(
        id=11,
        product=voice.product,
        who=who(1, voice.ana),
        ground="agreed_end",
        confirmed_by=who(2, voice.ben),
        confirmed_at=NOW,
        state="removed",
        reason="",
        removed_at=NOW,
        undo_until=NOW + timedelta(days=30),
        monthly=Money(Decimal(28), "EUR"),
        went_to_queue=False,
        lost_on_return="Your files and mail stay.",
        agreed_end=date(2027, 1, 31),
    )


def received(voice: Voice = ORDINARY) -> ReceivedFacts:
    return ReceivedFacts(
        line_id=3,
        who=who(1, voice.ana),
        requester=who(2, voice.ben),
        reference="REQ-1042",
        product=voice.product,
        until_on=None,
        term_ends_on=date(2027, 3, 31),
        ready_hint="Sign out of Office and in again to see it.",
        guide_url="https://guide.example.test",
        line_state=LineState.GRANTED,
        said_by="",
        request_version=5,
        request_id=42,
    )


@pytest.mark.parametrize("voice", VOICES)
def test_all_states_hold_with_every_name(voice: str) -> None:
    one, ordinary = VOICES[voice], voice == "ordinary"
    done = replace(task(one), state="done", done_by=who(3, one.mia), done_at=NOW)
    messages = [
        task_card(task(one)),
        task_card(replace(task(one), kind="take", confirmed_by=one.ben, words=one.words, holder=None, admin_url=None)),
        task_card(done),
        task_card(replace(task(one), state="could_not", words=one.words)),
        task_card(replace(task(one), state="closed")),
        task_card(replace(done, state="closed", kind="take", words=one.words)),
        task_card(replace(task(one), holder=None)),
        task_card(replace(done, holder=None)),
        task_card(task(one), theirs=False),
        ending_card(ending(one)),
        *(ending_card(replace(ending(one), extension=status)) for status in Status),
        ending_card(replace(ending(one), let_end=True)),
        ending_card(replace(ending(one), ended_at=NOW)),
        *(
            returned_card(replace(returned(one), ground=ground, state=state, instead=instead), NOW)
            for ground in ("given_back", "agreed_end", "leaving", "idle", "too_big")
            for state in ("confirmed", "removing", "removed", "kept", "failed", "restored")
            for instead in ("", one.product)
        ),
        received_card(received(one)),
        received_card(replace(received(one), said_by=one.mia, guide_url=None)),
        received_card(replace(received(one), line_state=LineState.GRANTING)),
    ]
    for message in messages:
        check(message, own_words=ordinary)


def test_a_task_says_what_to_do_and_by_when() -> None:
    message = task_card(task())
    said = shown(message)
    assert said.startswith("Give Ana Lindqvist a seat in Microsoft Copilot for Microsoft 365")
    assert "*To do, approved by Ben Okafor.* 1. Open <https://admin.example.test/miro|the admin page>." in said
    assert "2. Add person1@example.test. 3. Press Done." in said
    assert "12 of 12 in use after this" in said
    assert labels(message) == ["Done, seat given", "I could not do it"]
    assert element(message, "Done, seat given")["value"] == str(Ref(4, 2))


def test_a_task_without_a_holder_can_name_one_open_and_done() -> None:
    still_open = replace(task(), holder=None)
    done = replace(still_open, state="done", done_by=who(3, "Mia Chen"), done_at=NOW)
    for facts in (still_open, done):
        assert element(task_card(facts), "Name a holder")["value"] == str(Ref(facts.request_id or 0))
    assert "Keep a seat free there for whoever is named later." in shown(task_card(still_open))
    for facts in (task(), replace(done, holder=task().holder), replace(still_open, kind="take")):
        assert "Name a holder" not in labels(task_card(facts))
    for facts in (still_open, done):
        assert "Name a holder" not in labels(task_card(replace(facts, state="closed")))


def test_an_admin_address_that_is_no_web_address_never_becomes_a_link() -> None:
    said = shown(task_card(replace(task(), admin_url="javascript:alert(1)")))
    assert "<javascript" not in said


def test_the_end_is_announced_with_what_happens_without_an_answer() -> None:
    message = ending_card(ending())
    assert shown(message).startswith("*Your Microsoft Copilot for Microsoft 365 licence ends on 31 Jan 2027.*")
    assert "If you do nothing it is taken back on 1 Feb 2027, as Ben Okafor agreed when approving." in message.text
    assert labels(message) == ["Keep it longer", "Let it end"]
    assert all("style" not in element(message, label) for label in labels(message))


def test_a_former_holder_can_have_it_back_until_the_undo_ends() -> None:
    message = returned_card(returned(), NOW)
    assert labels(message) == ["I need it back"]
    assert "while a seat is free" in message.text
    assert labels(returned_card(returned(), NOW + timedelta(days=31))) == []


def test_giving_back_says_what_it_frees() -> None:
    given = replace(returned(), ground="given_back")
    assert "That frees €28.00 a month for others." in shown(returned_card(given, NOW))
    assert "It went to someone who was waiting." in shown(returned_card(replace(given, went_to_queue=True), NOW))


def test_a_person_who_did_not_ask_reads_who_did() -> None:
    assert "Ben Okafor asked for it." in shown(received_card(received()))
    by_hand = replace(received(), said_by="Chitra Rao")
    assert "Chitra Rao says your Microsoft Copilot for Microsoft 365 licence is ready." in shown(received_card(by_hand))
    assert labels(received_card(by_hand)) == ["It works", "Open guide", "It does not work"]


def test_the_former_holder_reads_the_evidence_and_since_when_nobody_answered() -> None:
    idle = replace(returned(), ground="idle", evidence="no use since 12 Sep 2026 (Copilot report, 2 days old)")
    said = shown(returned_card(replace(idle, asked_on=date(2026, 11, 9)), NOW))
    assert (
        "Ben Okafor confirmed it: no use since 12 Sep 2026 (Copilot report, 2 days old), "
        "and no answer since 9 Nov 2026. Your files and mail stay." in said
    )
    assert "no answer" not in shown(returned_card(idle, NOW))
    assert "confirmed it: it looked idle." in shown(returned_card(replace(idle, evidence=""), NOW))


def test_whoever_was_moved_to_a_smaller_licence_reads_which_one_they_have() -> None:
    """The notice said only that the larger one was taken back, as if nothing were left."""
    moved = replace(returned(), ground="too_big", instead="Office 365 E1", lost_on_return="")
    said = shown(returned_card(moved, NOW))
    assert "licence was taken back*" in said and "You have Office 365 E1 instead." in said
    assert "Ben Okafor confirmed it: Office 365 E1 would do." in said
    assert "one press brings it back as it was in place of Office 365 E1, while a seat is free." in said
    assert "You have Office 365 E1 instead." in returned_card(moved, NOW).text
    going = shown(returned_card(replace(moved, ground="given_back", state="removing"), NOW))
    assert "You get Office 365 E1 instead. This message says when it is done." in going
    back = shown(returned_card(replace(moved, state="restored"), NOW))
    assert "Office 365 E1" not in back
    assert "instead" not in shown(returned_card(returned(), NOW))
