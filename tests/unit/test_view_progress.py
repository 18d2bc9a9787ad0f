"""The requester's card and the lines in its thread: every state in words, whatever the names."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.ids import Action, Ref
from bot.views.notes import draft_card, note_card, parked_card, stuck_card
from bot.views.progress_card import may_remind, progress_card
from bot.views.thread_replies import thread_reply
from model.requests import ApproverState, LineState, RequestKind, Status, StepKind, StepState
from tests.unit.message_checks import check, element, labels, shown
from tests.unit.view_facts import DUE, NOW, ORDINARY, VOICES, Voice, asked, progress, request, step, who
from workflows.reads.facts import ProgressFacts, QueuePlace, RequestFacts, StepFacts, TicketFacts
from workflows.reads.seat_facts import ParkedFacts, StuckFacts
from workflows.replies import About, Said

LATER = NOW + timedelta(hours=1)
PURCHASE = TicketFacts("RITM0012345", "purchase", "open", True, "")


def nameless(
    voice: Voice, *steps: StepFacts, seats: int, named: int, queued: int = 0, status: Status = Status.FULFILLED
) -> RequestFacts:
    """Seats of which the first `named` have a holder, and the last `queued` are not given yet."""
    one = request(voice, *steps, seats=seats, status=status)
    lines = tuple(
        replace(
            line,
            who=line.who if place < named else None,
            state=LineState.QUEUED if place >= seats - queued else LineState.GRANTED,
        )
        for place, line in enumerate(one.lines)
    )
    return replace(one, lines=lines)


def states(voice: Voice) -> dict[str, ProgressFacts]:
    agreed = asked(voice, state=ApproverState.AGREED, decided_at=LATER)
    first = step(voice, agreed, state=StepState.APPROVED, decided_at=LATER)
    finance = step(voice, asked(voice, id=8, who=who(7, voice.mia)), id=4, position=2, kind=StepKind.FINANCE)
    two = step(voice, asked(voice), asked(voice, id=6, who=who(7, voice.mia)), quorum=2)
    granting = tuple(replace(line, state=LineState.GRANTING, words=voice.words) for line in request(voice).lines)
    return {
        "waiting": progress(voice),
        "question": progress(
            voice, request=request(voice, question=voice.words, question_by=who(2, voice.ben), question_at=NOW)
        ),
        "second step": progress(voice, request=request(voice, first, finance)),
        "later step": progress(voice, request=request(voice, step(voice), replace(finance, state=StepState.LATER))),
        "quorum": progress(voice, request=request(voice, two)),
        "approved": progress(voice, request=request(voice, first, status=Status.APPROVED)),
        "by rule": progress(
            voice,
            request=request(
                voice, first, status=Status.FULFILLING, pre_approved_rule="rule 4: free seat, under €50.00"
            ),
        ),
        "on its way": progress(voice, request=request(voice, first, status=Status.FULFILLING, lines=granting)),
        "by hand": progress(
            voice, request=request(voice, first, status=Status.FULFILLING), task_with=who(8, voice.mia)
        ),
        "waits there": progress(
            voice,
            request=request(voice, first, status=Status.FULFILLING),
            tickets=(replace(PURCHASE, purpose="grant"),),
        ),
        "queue": progress(
            voice, request=request(voice, first, status=Status.WAITING_FOR_SEAT), queue=QueuePlace(2, 3, 3, "", 40)
        ),
        "queue unknown": progress(
            voice,
            request=request(voice, first, status=Status.WAITING_FOR_SEAT, urgent_reason=voice.words),
            queue=QueuePlace(11, 10_000, None, "nobody has waited for this product before", 1),
        ),
        "being bought": progress(
            voice, request=request(voice, first, status=Status.WAITING_FOR_SEAT), tickets=(PURCHASE,)
        ),
        "in the way": progress(voice, request=request(voice, first, status=Status.FAILED, closing_words=voice.words)),
        "ready": progress(voice, request=request(voice, first, status=Status.FULFILLED)),
        "ready for several": progress(voice, request=request(voice, first, seats=4, status=Status.FULFILLED)),
        "ready, one to be named": progress(voice, request=nameless(voice, first, seats=3, named=2)),
        "ready, all to be named": progress(voice, request=nameless(voice, first, seats=2, named=0)),
        "ready, nobody yet": progress(voice, request=nameless(voice, first, seats=1, named=0)),
        "in the queue, one to be named": progress(
            voice,
            request=nameless(voice, first, seats=2, named=0, queued=1, status=Status.WAITING_FOR_SEAT),
            queue=QueuePlace(2, 3, 3, "", 40),
        ),
        "kept longer": progress(
            voice, request=request(voice, first, status=Status.FULFILLED, kind=RequestKind.EXTENSION)
        ),
        "not approved": progress(
            voice,
            request=request(
                voice,
                step(voice, asked(voice, state=ApproverState.DENIED), state=StepState.DENIED),
                status=Status.DENIED,
                closing_words=voice.words,
            ),
            alternative=voice.product,
        ),
        "withdrawn": progress(voice, request=request(voice, status=Status.WITHDRAWN)),
        "expired": progress(voice, request=request(voice, status=Status.EXPIRED)),
    }


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("state", states(ORDINARY))
def test_every_state_holds_with_every_name(voice: str, state: str) -> None:
    check(progress_card(states(VOICES[voice])[state], DUE), own_words=voice == "ordinary")


@pytest.mark.parametrize(
    ("state", "first_words"),
    [
        ("waiting", "*Waiting for Ben Okafor* · Microsoft Copilot for Microsoft 365 for you · REQ-1042"),
        ("question", "*Ben Okafor asks you something*"),
        ("second step", "*Waiting for Mia Chen*"),
        ("quorum", "*Waiting for Ben Okafor and Mia Chen*"),
        ("approved", "*Approved*"),
        ("on its way", "*Approved, seat on its way*"),
        ("queue", "*In the queue: 2nd of 3*"),
        ("ready", "*Ready*"),
        ("not approved", "*Not approved*"),
        ("withdrawn", "*Withdrawn*"),
        ("expired", "*Closed without an answer*"),
    ],
)
def test_the_first_words_are_the_state(state: str, first_words: str) -> None:
    assert shown(progress_card(states(ORDINARY)[state], NOW)).startswith(first_words)


def test_the_ears_hear_a_name_with_its_first_letter() -> None:
    assert "REQ-1042: Ben Okafor asks you something." in progress_card(states(ORDINARY)["question"], NOW).text
    assert "REQ-1042: waiting for Ben Okafor." in progress_card(states(ORDINARY)["waiting"], NOW).text


def test_a_seat_without_a_holder_has_a_button_to_name_one() -> None:
    found = {name: progress_card(one, NOW) for name, one in states(ORDINARY).items()}
    assert {name for name, card in found.items() if "Name a holder" in labels(card)} == {
        "ready, one to be named", "ready, all to be named", "ready, nobody yet", "in the queue, one to be named",
    }  # fmt: skip
    one = found["ready, one to be named"]
    assert "3 of 3 seats given · 1 seat without a holder: name one" in shown(one)
    assert "2 people and 1 to be named have Microsoft Copilot" in shown(one)
    assert "1 seat without a holder: name one." in one.text
    assert element(one, "Name a holder")["value"] == str(Ref(42, 3))
    assert "2 seats of Microsoft Copilot for Microsoft 365 are given until 31 Mar 2027." in shown(
        found["ready, all to be named"]
    )
    assert "1 seat without a holder: name one" in shown(found["ready, nobody yet"])
    assert "1 of 2 seats given · 1 in the queue · 1 seat without a holder" in shown(
        found["in the queue, one to be named"]
    )


def test_waiting_says_done_now_next() -> None:
    said = shown(progress_card(progress(), NOW))
    assert f"Done: sent <!date^{int(NOW.timestamp())}^" in said
    assert f"Now: Ben Okafor decides, due <!date^{int(DUE.timestamp())}^" in said
    assert "Next: the seat is given, usually within minutes" in said


def test_the_queue_says_place_order_and_usual_wait() -> None:
    message = progress_card(states(ORDINARY)["queue"], NOW)
    assert "All 40 seats are taken." in shown(message)
    assert "Order is by date of request. Usual wait: 3 working days." in shown(message)
    assert labels(message) == ["Leave the queue", "It is urgent"]
    assert "in the queue: 2nd of 3" in message.text
    unknown = progress_card(states(ORDINARY)["queue unknown"], NOW)
    assert "Usual wait: not known, nobody has waited for this product before." in shown(unknown)


def test_the_queue_says_how_many_holders_were_asked() -> None:
    for count, words in (
        (4, "4 holders who have not used theirs lately were"),
        (1, "1 holder who has not used theirs"),
    ):
        asked = replace(states(ORDINARY)["queue"], queue=QueuePlace(2, 3, 3, "", 40, count, NOW))
        assert f"All 40 seats are taken. {words}" in shown(progress_card(asked, NOW))


def test_approval_in_servicenow_shows_as_waiting_there() -> None:
    assert "waits in ServiceNow for the service desk, RITM0012345" in shown(
        progress_card(states(ORDINARY)["waits there"], NOW)
    )
    assert "It waits in ServiceNow for the service desk." in shown(progress_card(states(ORDINARY)["being bought"], NOW))


def test_a_reminder_can_be_sent_from_half_of_the_time_on_and_once_a_day() -> None:
    facts = progress()
    assert not may_remind(facts, NOW + timedelta(hours=1))
    half = NOW + (DUE - NOW) / 2
    assert may_remind(facts, half)
    message = progress_card(facts, half)
    assert labels(message) == ["Withdraw", "Add a note", "Remind Ben"]
    nudged = progress(request=request(ORDINARY, nudged_at=half))
    assert not may_remind(nudged, half + timedelta(hours=1))
    assert "Remind Ben" not in labels(progress_card(nudged, half + timedelta(hours=1)))


def test_withdrawing_asks_back_and_names_who_is_told() -> None:
    press = element(progress_card(progress(), NOW), "Withdraw")
    assert press["value"] == str(Ref(42, 3))
    assert press["confirm"]["text"]["text"] == (
        "Ben Okafor is told and the request closes. You can ask again at any time."
    )


def test_an_expired_request_opens_again_with_one_press() -> None:
    message = progress_card(states(ORDINARY)["expired"], NOW)
    assert [element(message, "Open it again")["action_id"]] == [Action.REOPEN]


SAID = {
    About.QUESTION: Said(About.QUESTION, by=2, words="For which team?"),
    About.ANSWERED: Said(About.ANSWERED, by=1, words="Design"),
    About.STEP_PASSED: Said(About.STEP_PASSED, by=2),
    About.APPROVED: Said(About.APPROVED, by=2, words="Good luck"),
    About.CHANGED: Said(
        About.CHANGED, by=2, words="pilot first", until=date(2027, 1, 31), instead_of=date(2027, 3, 31), seats=2
    ),
    About.BY_RULE: Said(About.BY_RULE, rule="rule 4: a seat is free and it costs under €50.00"),
    About.QUEUED: Said(About.QUEUED, place=2, of=3),
    About.ORDERED: Said(About.ORDERED, ticket="RITM0012345"),
    About.READY: Said(About.READY),
    About.CLOSED: Said(About.CLOSED, by=2, words="Procurement found no offer"),
    About.NAMED: Said(About.NAMED, by=3, holder=4),
    About.NOT_APPROVED: Said(About.NOT_APPROVED, by=2, words="the team plan covers it", suggestion="Microsoft Planner"),
    About.EXPIRED: Said(About.EXPIRED),
    About.TROUBLE: Said(About.TROUBLE, system="Microsoft 365"),
    About.WAITS_THERE: Said(About.WAITS_THERE, ticket="RITM0012345"),
    About.NEEDS_PERSON: Said(About.NEEDS_PERSON, text="No usage location is set for Ana."),
    About.WITHDRAWN: Said(About.WITHDRAWN, by=1),
    About.URGENT: Said(About.URGENT, by=1, words="a customer waits", text="Said to be urgent."),
    About.DEPUTY: Said(About.DEPUTY, by=2, deputy=7, since=date(2026, 11, 24), until=date(2026, 11, 30), text="Set."),
    About.TEXT: Said(About.TEXT, text="The order arrived."),
}


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("about", About)
def test_every_event_has_its_line(voice: str, about: About) -> None:
    spoken = VOICES[voice]
    said = SAID[about]
    if voice != "ordinary":
        said = replace(said, words=spoken.words if said.words else "", text=spoken.words, suggestion=spoken.product)
    message = thread_reply(said, who(2, spoken.ben), progress(spoken))
    check(message, own_words=voice == "ordinary")
    assert labels(message) == []


@pytest.mark.parametrize("about", About)
def test_what_a_line_says_survives_its_stored_form(about: About) -> None:
    assert Said.read(SAID[about].facts()) == SAID[about]


def test_an_unknown_stored_kind_still_says_its_text() -> None:
    said = Said.read({"about": "from_a_newer_version", "text": "Something happened.", "more": 1})
    assert "Something happened." in thread_reply(said, None, progress()).text


def test_who_was_named_by_somebody_else_is_told() -> None:
    said = thread_reply(SAID[About.NAMED], who(3, "Chitra Rao"), progress(), who(4, "Kai Moreno"))
    assert said.text.startswith("Chitra Rao named Kai Moreno as the holder of a seat of ")


def test_changed_terms_are_said_with_what_they_were() -> None:
    said = thread_reply(SAID[About.CHANGED], who(2, "Ben Okafor"), progress())
    assert "Ben Okafor approved it until 31 Jan 2027 instead of 31 Mar 2027, for 2 seats." in said.text
    assert "“pilot first”" in shown(said)


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("status", [Status.DRAFT, Status.AWAITING_APPROVAL, Status.EXPIRED])
def test_a_kept_draft_opens_again_until_it_is_sent_or_gone(voice: str, status: Status) -> None:
    message = draft_card(request(VOICES[voice], status=status), 24)
    check(message, own_words=voice == "ordinary")
    assert labels(message) == (["Open it again"] if status == Status.DRAFT else [])


@pytest.mark.parametrize("voice", VOICES)
def test_notes_hold_with_every_name(voice: str) -> None:
    one = VOICES[voice]
    ordinary = voice == "ordinary"
    check(note_card(Said(About.TEXT, text=one.words), who(2, one.ben), None), own_words=ordinary)
    check(note_card(Said(About.ANSWERED, words=one.words), who(1, one.ana), request(one)), own_words=ordinary)
    broken = ParkedFacts(7, "close code", "servicenow", one.words, 3, ("REQ-1042", "REQ-1043"), NOW, False)
    check(parked_card(broken, "https://desk.example.test/system"), own_words=ordinary)
    check(parked_card(replace(broken, settled=True, count=0)), own_words=ordinary)
    stuck = StuckFacts(42, "REQ-1042", one.product, Status.AWAITING_APPROVAL, one.words, NOW, False)
    check(stuck_card(stuck, "https://desk.example.test/42"), own_words=ordinary)
    check(stuck_card(replace(stuck, settled=True)), own_words=ordinary)


def test_both_read_who_stands_in_and_when() -> None:
    stored = {"about": "deputy", "by": 2, "deputy": 7, "from": "2026-11-24", "until": "2026-11-30"}
    said = Said.read(stored)
    note = note_card(said, who(2, "Ben Okafor"), None, who(7, "Mia Chen"))
    assert note.text == "Mia Chen decides for Ben Okafor from 24 Nov 2026 to 30 Nov 2026."


def test_a_channel_card_names_nobody() -> None:
    stuck = StuckFacts(42, "REQ-1042", "Copilot", Status.FAILED, "", NOW, False)
    assert shown(stuck_card(stuck)).startswith("*REQ-1042 waits for a person:* its seat could not be given.")


def test_what_the_service_desk_writes_and_reopens_stands_in_the_small_print() -> None:
    ready = request(ORDINARY, status=Status.FULFILLED)
    words = "Licence *key* comes <!channel> by post\ntomorrow"
    ticket = replace(PURCHASE, comment=words, reopened=True)
    said = shown(progress_card(progress(request=ready, tickets=(ticket,)), NOW))
    assert "RITM0012345 was opened again in ServiceNow." in said
    assert "The service desk writes: “Licence ∗key∗ comes" in said
    assert "<!channel>" not in str(progress_card(progress(request=ready, tickets=(ticket,)), NOW).blocks)
    silent = shown(progress_card(progress(request=ready, tickets=(PURCHASE,)), NOW))
    assert "service desk writes" not in silent and "opened again" not in silent
