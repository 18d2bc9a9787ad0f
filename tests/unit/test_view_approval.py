"""The approval card in every situation: what it says, which buttons it has, and that no name can break it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from bot.ids import Action, Ref
from bot.views.approval_card import Shown, approval_body, approval_card
from bot.views.decisions_card import decisions_card
from bot.views.said import after
from licensing.money import Money
from model.requests import ApproverState, LineState, RequestKind, Status, StepKind, StepState
from tests.unit.message_checks import check, element, labels, shown
from tests.unit.view_facts import (
    DUE,
    NO_PRICE,
    NOW,
    ORDINARY,
    VOICES,
    Voice,
    approval,
    asked,
    numbers,
    request,
    step,
    who,
)
from workflows.reads.facts import AfterApproval, ApprovalFacts, BudgetLeft, DecisionsFacts

LATER = NOW + timedelta(hours=1)


def _decided(voice: Voice, status: Status, step_state: StepState, **one: object) -> ApprovalFacts:
    person = asked(voice, decided_at=LATER, **one)
    there = step(voice, person, state=step_state, decided_at=LATER)
    return approval(voice, request=request(voice, there, status=status, closed_at=LATER))


def situations(voice: Voice) -> dict[str, ApprovalFacts]:
    deputy = asked(voice, stands_in_for=who(6, voice.mia), stands_in_until=date(2026, 11, 30))
    second = asked(voice, id=6, who=who(7, voice.mia))
    passed = asked(voice, state=ApproverState.PASSED, decided_at=LATER)
    security = step(voice, asked(voice, id=9), id=4, position=2, kind=StepKind.SECURITY, because="customer data")
    nobody_yet = replace(security, state=StepState.LATER, asked=())
    given = tuple(replace(line, state=LineState.GRANTED, granted_at=LATER) for line in request(voice).lines)
    agreed = asked(voice, state=ApproverState.AGREED, decided_at=LATER, words=voice.words)
    approved = step(voice, agreed, state=StepState.APPROVED, decided_at=LATER)
    return {
        "free": approval(voice),
        "must be bought": approval(voice, free=0, buys=1),
        "no order form": approval(voice, free=0, buys=1, can_buy=False),
        "over budget": approval(
            voice,
            free=0,
            buys=1,
            budget=BudgetLeft(voice.team, None, "no budget is recorded"),
            orders=who(9, voice.mia),
        ),
        "several": approval(voice, request=request(voice, seats=17), free=30, licences=None),
        "early end": approval(voice, request=request(voice, until_on=date(2027, 1, 31))),
        "price not known": approval(voice, free=0, buys=1, price=NO_PRICE),
        "seats not known": approval(voice, numbers=numbers(None, bought=None, unknown="no purchase is recorded")),
        "no limit": approval(voice, numbers=numbers(None, bought=None, unlimited=True)),
        "restricted": approval(voice, after_this=(nobody_yet,)),
        "short with devices counted": approval(
            voice, then=AfterApproval(Decimal(43), Decimal(38), Decimal(0), Decimal(5), by_device=True)
        ),
        "overlap": approval(voice, overlap=(voice.product, voice.product)),
        "offered": approval(
            voice, request=request(voice, alternative_offered=voice.product, urgent_reason=voice.words)
        ),
        "question": approval(
            voice, request=request(voice, question=voice.words, question_by=who(2, voice.ben), question_at=NOW)
        ),
        "longer": approval(
            voice,
            request=request(
                voice, kind=RequestKind.EXTENSION, extends_until=date(2027, 1, 31), until_on=date(2027, 3, 31)
            ),
        ),
        "something new": approval(
            voice,
            request=request(
                voice, kind=RequestKind.NEW_PRODUCT, product_id=None, sku_id=None, details={"price": voice.words}
            ),
            numbers=None,
        ),
        "deputy": approval(voice, request=request(voice, step(voice, deputy))),
        "two must agree": approval(voice, request=request(voice, step(voice, asked(voice), second, quorum=2))),
        "reminded": approval(voice, request=request(voice, step(voice, asked(voice, reminders=1)))),
        "approved": approval(voice, request=request(voice, approved, status=Status.FULFILLING)),
        "given": approval(voice, request=request(voice, approved, status=Status.FULFILLED, lines=given)),
        "lowered": approval(
            voice,
            request=request(
                voice,
                step(
                    voice,
                    replace(agreed, lowered_until=date(2027, 1, 31), lowered_seats=2, lowered_tier=voice.product),
                    state=StepState.APPROVED,
                ),
                status=Status.WAITING_FOR_SEAT,
            ),
        ),
        "denied": _decided(voice, Status.DENIED, StepState.DENIED, state=ApproverState.DENIED, words=voice.words),
        "withdrawn": _decided(voice, Status.WITHDRAWN, StepState.CLOSED, state=ApproverState.CLOSED),
        "expired": _decided(voice, Status.EXPIRED, StepState.CLOSED, state=ApproverState.CLOSED),
        "passed on": approval(voice, request=request(voice, step(voice, passed, second)), passed_to=(second,)),
        "closed": approval(voice, request=request(voice, step(voice, asked(voice, state=ApproverState.CLOSED)))),
    }


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("situation", situations(ORDINARY))
def test_every_situation_holds_with_every_name(voice: str, situation: str) -> None:
    facts = situations(VOICES[voice])[situation]
    message = approval_card(
        facts, Shown(generation=2, first_asked_at=NOW, dashboard_url="https://desk.example.test/42")
    )
    check(message, own_words=voice == "ordinary")


def test_a_free_seat_is_one_press_without_a_dialog() -> None:
    message = approval_card(approval())
    assert shown(message).startswith("Ana Lindqvist asks for Microsoft Copilot for Microsoft 365\n*Waiting for you.*")
    assert "a paid seat is free, nothing extra to pay." in shown(message)
    assert "3 of 40" in shown(message)
    assert "38 of 40 in use, 2 free" in shown(message)
    assert "31 Mar 2027 (end of contract)" in shown(message)
    assert "had it from Feb to May 2026, gave it back · has 6 licences" in shown(message)
    assert labels(message) == ["Approve", "Change and approve", "Deny", "Ask a question"]
    press = element(message, "Approve")
    assert "confirm" not in press
    assert press["style"] == "primary"
    assert press["value"] == str(Ref(5, 3))
    assert press["accessibility_label"] == "Approve Microsoft Copilot for M… for Ana Lindqvist"


def test_the_ears_hear_facts_question_and_deadline() -> None:
    said = approval_card(approval()).text
    for fact in (
        "Ana Lindqvist",
        "Design",
        "Copilot",
        "31 Mar 2027",
        "Minutes of the move",
        "3 of 40",
        "nothing extra",
    ):
        assert fact in said
    assert f"ecide by <!date^{int(DUE.timestamp())}^" in said
    assert "then Mia Chen is asked" in said
    assert "REQ-1042" in said


def test_what_is_typed_is_shortened_in_the_spoken_text_and_never_the_deadline() -> None:
    said = approval_card(approval(VOICES["longest"])).text
    assert "ecide by" in said
    assert "REQ-1042" in said


def test_a_purchase_names_sum_end_and_budget_in_its_dialog() -> None:
    message = approval_card(approval(free=0, buys=1))
    assert "a seat must be bought: €118.75 to 31 Mar 2027 (129 of 365 days), then €336.00 a year." in shown(message)
    assert labels(message)[:2] == ["Approve and buy", "Approve and wait"]
    dialog = element(message, "Approve and buy")["confirm"]
    assert dialog["title"]["text"] == "Approve and buy 1 seat?"
    assert dialog["text"]["text"] == (
        "This buys 1 Microsoft Copilot for Microsoft 365 seat: €118.75 to 31 Mar 2027, then €336.00 a year."
        " Budget Design: €1,204.00 left. Goran Petrović confirms the order."
    )
    assert "confirm" not in element(message, "Approve and wait")


def test_over_budget_is_said_with_the_sum() -> None:
    message = approval_card(approval(free=0, buys=1, budget=BudgetLeft("Design", Money(Decimal(100), "EUR"))))
    assert "Design would be €18.75 over its budget." in shown(message)


def test_an_unknown_price_counts_as_above_every_limit_and_is_never_zero() -> None:
    message = approval_card(approval(free=0, buys=1, price=NO_PRICE))
    assert "the price is not recorded, so it counts as above every limit" in shown(message)
    assert "0.00" not in shown(message).replace("204.00", "")


def test_unknown_use_is_said_with_its_reason() -> None:
    assert "not known: no report of use is connected yet" in shown(approval_card(approval()))


def test_an_early_end_says_that_the_seat_is_taken_back_then() -> None:
    facts = approval(request=request(ORDINARY, until_on=date(2027, 1, 31)))
    assert "31 Jan 2027, then taken back" in shown(approval_card(facts))


def test_several_people_stand_in_lines_of_their_own_up_to_ten() -> None:
    message = approval_card(approval(request=request(ORDINARY, seats=17), free=30))
    assert "17 seats, 30 free" in shown(message)
    assert "and 7 more" in shown(message)
    assert shown(message).count("• ") == 10


@pytest.mark.parametrize(
    ("situation", "first_words"),
    [
        ("approved", "*Approved by Ben Okafor* <!date"),
        ("denied", "*Not approved by Ben Okafor* <!date"),
        ("withdrawn", "*Withdrawn by Ana Lindqvist* <!date"),
        ("expired", "*Closed without an answer* <!date"),
        ("passed on", "*Passed to Mia Chen* <!date"),
        ("closed", "*Nothing to decide any more*"),
    ],
)
def test_a_settled_card_says_by_whom_and_has_no_buttons(situation: str, first_words: str) -> None:
    message = approval_card(situations(ORDINARY)[situation])
    assert shown(message).startswith(first_words)
    assert all(block["type"] != "actions" for block in message.blocks)
    assert message.text != approval_card(approval()).text


def test_a_request_that_ended_says_so_to_those_who_agreed_and_by_whom() -> None:
    agreed = asked(ORDINARY, state=ApproverState.AGREED, decided_at=LATER)
    silent = asked(ORDINARY, id=6, who=who(7, ORDINARY.mia), state=ApproverState.CLOSED)
    there = step(ORDINARY, agreed, silent, quorum=2, state=StepState.CLOSED)
    gone = request(ORDINARY, there, status=Status.WITHDRAWN, closed_at=LATER)
    for one in (agreed, silent):
        said = approval_card(approval(request=gone, asked=one))
        assert shown(said).startswith("*Withdrawn by Ana Lindqvist* <!date"), one.state
    by_it = replace(gone, closed_by=who(8, "Eli Marsh"))
    assert shown(approval_card(approval(request=by_it))).startswith("*Closed by Eli Marsh* <!date")


def test_whoever_approved_keeps_their_answer_when_a_later_step_ran_out_of_time() -> None:
    agreed = asked(ORDINARY, state=ApproverState.AGREED, decided_at=LATER)
    first = step(ORDINARY, agreed, state=StepState.APPROVED, decided_at=LATER)
    said = shown(approval_card(approval(request=request(ORDINARY, first, status=Status.EXPIRED, closed_at=LATER))))
    assert said.startswith("*Approved by Ben Okafor* <!date")
    assert "Closed without an answer in a later step" in said


def test_the_ears_hear_who_asked_and_not_the_question_as_the_reason() -> None:
    wondered = request(ORDINARY, question="Which meetings?", question_by=who(2, ORDINARY.ben), question_at=NOW)
    said = approval_card(approval(request=wondered)).text
    assert "Ben Okafor asked: “Which meetings?”." in said
    assert "“Minutes of the move" in said


def test_seat_given_is_said_only_when_it_was_read_back() -> None:
    assert "Seat given" not in shown(approval_card(situations(ORDINARY)["approved"]))
    assert "Seat given" in shown(approval_card(situations(ORDINARY)["given"]))


def test_a_deputy_reads_for_whom_they_stand_in() -> None:
    assert "*You stand in for Mia Chen*, away until 30 Nov 2026." in shown(
        approval_card(situations(ORDINARY)["deputy"])
    )


def test_a_reminder_says_still_and_the_older_copy_points_on() -> None:
    reminded = situations(ORDINARY)["reminded"]
    assert "*Still waiting for you*, asked <!date" in shown(
        approval_card(reminded, Shown(generation=2, first_asked_at=NOW))
    )
    old = approval_card(reminded, Shown(generation=1, asked_again_at=LATER))
    check(old)
    assert shown(old).startswith("*Asked again below* <!date")
    assert labels(old) == []


def test_the_modal_shows_the_same_without_its_header() -> None:
    body = approval_body(approval())
    assert [block["type"] for block in body] == [block["type"] for block in approval_card(approval()).blocks][1:]


def _several(count: int) -> DecisionsFacts:
    return DecisionsFacts(
        who(2, ORDINARY.ben),
        tuple(
            approval(
                request=request(
                    ORDINARY, step(ORDINARY, asked(ORDINARY, id=number)), reference=f"REQ-{number}", sku_id=number % 2
                )
            )
            for number in range(count)
        ),
    )


@pytest.mark.parametrize("count", [0, 1, 2, 6, 60])
def test_the_list_of_decisions_holds_for_any_number(count: int) -> None:
    message = decisions_card(_several(count))
    check(message, most_blocks=40, most_characters=9000)
    assert len(message.blocks) <= 40
    assert len([label for label in labels(message) if label == "Decide"]) == min(count, 20)


def test_safe_ones_are_approved_together_only_as_far_as_seats_are_free() -> None:
    facts = _several(9)  # two SKUs with 3 free seats each
    assert len(facts.safe) == 6
    press = element(decisions_card(facts), "Approve 6 safe ones")
    assert press["action_id"] == Action.APPROVE_SAFE
    assert press["confirm"]["title"]["text"] == "Approve 6 requests?"
    assert "The other 3 stay." in press["confirm"]["text"]["text"]
    assert press["value"].split(",")[0] == str(Ref(facts.safe[0].asked.id, 3))


@pytest.mark.parametrize(
    ("then", "words"),
    [
        ((38, 40, 2, 0), ""),
        ((41, 38, 0, 3), "41 of 38 in use, 3 short; Microsoft 365 counts 37 of 40 seats in use now"),
        ((36, 40, 4, 0), "36 of 40 in use, 4 free; Microsoft 365 counts 37 of 40 seats in use now"),
        ((39, 40, 3, 2), "39 of 40 in use, 3 free and 2 short; Microsoft 365 counts 37 of 40 seats in use now"),
        ((39, None, 0, 0), "39 in use, no limit; Microsoft 365 counts 37 of 40 seats in use now"),
    ],
)
def test_purchases_against_use_are_said_where_the_seats_say_otherwise(
    then: tuple[int, int | None, int, int], words: str
) -> None:
    """The vendor counts seats given, the register everything in use: where they differ the card says who says what."""
    in_use, bought, free, short = then
    counted = AfterApproval(Decimal(in_use), None if bought is None else Decimal(bought), Decimal(free), Decimal(short))
    said = shown(approval_card(approval(then=counted)))
    assert ("Purchases against use" in said) is bool(words) and words in said
    assert ("short of what is in use" in said) is bool(short)


@pytest.mark.parametrize(
    ("idle", "unknown", "words"),
    [
        (4, 2, "4 look idle, 2 not known"),
        (1, 0, "1 looks idle"),
        (0, 3, "none looks idle, 3 not known"),
        (None, 37, "not known: no report of use is connected yet"),
    ],
)
def test_what_could_be_reused_is_what_the_position_says(idle: int | None, unknown: int, words: str) -> None:
    counted = AfterApproval(Decimal(38), Decimal(40), Decimal(2), Decimal(0), idle=idle, use_unknown=unknown)
    said = shown(approval_card(approval(then=counted)))
    assert f"*Could be reused*\n{words}\n" in said + "\n"


def test_a_seat_figure_above_what_was_bought_is_short_and_not_nothing_free() -> None:
    assert after(numbers(0, in_use=43), 1, 0) == "44 of 40 in use, 4 short"
    assert after(numbers(3), 1, 0) == "38 of 40 in use, 2 free"
