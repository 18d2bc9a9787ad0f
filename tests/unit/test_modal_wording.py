"""Every window, Home and answer to a command: within Slack's limits and in plain words, whatever the names are."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.ids import Ref
from bot.views import answers, forms, modals, request_modal
from bot.views import home as home_views
from bot.views.request_modal import Asking
from bot.views.text import Message
from licensing.money import Sums
from model.people import Role
from model.requests import Status
from sandbox.blocks import validate_options, validate_view
from tests.unit.message_checks import check as check_message
from tests.unit.test_view_positions import windows as position_windows
from tests.unit.view_facts import DUE, NOW, ORDINARY, PRICE, VOICES, Voice, approval, numbers, progress, request, who
from workflows.forms import Receipt
from workflows.naming import Follows, Named
from workflows.reads.catalogue import Found, Match, Offer
from workflows.reads.facts import DecisionsFacts, RequestRow
from workflows.reads.form import ChosenFacts, Owned, Tier
from workflows.reads.home import DeputyFacts, HomeFacts, TeamRow, TodayFacts
from workflows.reads.seat_facts import HoldingFacts, SeatFacts, TaskFacts
from workflows.refusals import AlreadyDecided, NotYourStep, UnknownPerson

Json = dict[str, Any]


def tier(number: int, name: str, rank: int) -> Tier:
    return Tier(number, name, rank, PRICE, numbers(3))


def chosen(voice: Voice, **changes: Any) -> ChosenFacts:
    tiers = (tier(1, voice.product, 1), tier(2, "Plan 3", 3))
    one = ChosenFacts(
        product_id=1,
        name=voice.product,
        tiers=tiers,
        chosen=tiers[0],
        owned=Owned(voice.product, voice.product, voice.words[:300], "https://example.test/planner"),
        decides=(voice.ben,),
        by_rule="",
        within_hours=4,
        refusal="",
        most_seats=20,
        latest=date(2027, 3, 31),
    )
    return replace(one, **changes)


def seat(voice: Voice, number: int = 1, **changes: Any) -> SeatFacts:
    one = SeatFacts(
        id=number,
        product_id=number,
        product=voice.product if number == 1 else f"{number} {voice.product}",
        tier="",
        who=who(1, voice.ana),
        price=PRICE,
        since=date(2024, 2, 3),
        until_on=None,
        path="direct",
        return_state="",
        lost_on_return=voice.words[:300],
    )
    return replace(one, **changes)


def task(voice: Voice) -> TaskFacts:
    return TaskFacts(
        id=1, version=1, kind="give", state="open", product=voice.product, tier="", admin_url="https://example.test",
        assignee=who(4, "Chitra Rao"), holder=who(1, voice.ana), request_id=1, reference="REQ-1001",
        approved_by=voice.ben, confirmed_by="", words="", due_at=DUE, done_by=None, done_at=None, numbers=numbers(3),
    )  # fmt: skip


def row(voice: Voice, number: int, status: Status = Status.AWAITING_APPROVAL) -> RequestRow:
    return RequestRow(number, f"REQ-{number}", 1, status, voice.product, (voice.ben,), DUE, None, NOW)


def home(voice: Voice, rows: int = 1, **changes: Any) -> HomeFacts:
    seats = tuple(seat(voice, number) for number in range(1, rows + 1))
    one = HomeFacts(
        who=who(1, voice.ana),
        roles=frozenset({Role.LICENCE_MANAGER}),
        manager=who(2, voice.ben),
        first_time=False,
        decisions=DecisionsFacts(who(1, voice.ana), tuple(approval(voice) for _ in range(min(rows, 1)))),
        questions=(row(voice, 900),),
        tasks=(task(voice),),
        requests=tuple(row(voice, number) for number in range(1, rows + 1)),
        holding=HoldingFacts(seats, Sums.of([one.price.yearly for one in seats])),
        team=tuple(
            TeamRow(who(number, voice.ana), 2, Sums.of([PRICE.yearly]), (voice.product,)) for number in range(rows)
        ),
        today=TodayFacts(2, (1,), (3,), (voice.product, date(2027, 1, 29)), names=14, short=3),
        figures_at=NOW - timedelta(hours=3),
        deputy=DeputyFacts(None, None, None),
    )
    return replace(one, **changes)


def windows(voice: Voice) -> dict[str, Json]:
    asked, ref, mine = approval(voice), Ref(1, 2), seat(voice)
    owned = chosen(voice).owned
    assert owned is not None
    question = request(voice)
    question = replace(question, question=voice.words, question_by=who(2, voice.ben))
    asking = Asking(product_id=1, why=voice.words[:500], until=date(2027, 1, 31), people=("U0ANA", "U0BEN"), named=2)
    receipt = Receipt(1, "REQ-1001", (voice.ben,), 4)
    return {
        "empty form": request_modal.request_form(Asking(), None, "U0ANA", NOW.date()),
        "form": request_modal.request_form(asking, chosen(voice), "U0ANA", NOW.date()),
        "form, asked anyway": request_modal.request_form(
            replace(asking, asked_anyway=True), chosen(voice), "U0ANA", NOW.date()
        ),
        "form, refused": request_modal.request_form(asking, chosen(voice, refusal=voice.words), "U0ANA", NOW.date()),
        "form, nobody decides": request_modal.request_form(
            asking, chosen(voice, decides=(), tiers=(), chosen=None), "U0ANA", NOW.date()
        ),
        "nothing to ask for": request_modal.nothing_to_ask(owned, chosen(voice)),
        "sent": request_modal.sent(receipt),
        "sent by rule": request_modal.sent(replace(receipt, approved_by_rule="rule 4: a seat is free")),
        "new": request_modal.new_product_form(voice.product, Offer(1, voice.product, free=1)),
        "new, sent": request_modal.sent(receipt, new=True, holds="people"),
        "card": forms.card_window(asked),
        "why me": forms.why_me(asked),
        "change": forms.change_form(asked, chosen(voice).tiers, NOW.date()),
        "deny": forms.deny_form(asked),
        "ask": forms.ask_form(asked),
        "hand on": forms.hand_on_form(ref),
        "hand on a task": forms.hand_on_form(ref, task=True),
        "answer": forms.answer_form(question, ref),
        "note": forms.note_form(question, ref),
        "urgent": forms.urgent_form(question, ref),
        "name a holder": forms.name_form(question, ref, 1),
        "name holders": forms.name_form(replace(question, until_on=date(2027, 1, 31)), ref, 20),
        **{
            f"named, {follows}": forms.named(Named((voice.ana, voice.mia)[:count], voice.product, follows))
            for follows in Follows
            for count in (1, 2)
        },
        "not working": forms.not_working_form(question, ref),
        "give back": forms.give_back_form(mine),
        "keep longer": forms.keep_longer_form(replace(mine, until_on=date(2027, 1, 31))),
        "keep or give back": answers.keep_or_back(home_views.both_ways(mine)),
        "task blocked": forms.task_blocked_form(task(voice), ref),
        "task why": forms.task_why(task(voice)),
        "settings": forms.settings_form(who(3, voice.mia), NOW.date(), NOW.date()),
        "nothing changed": modals.nothing_changed(modals.refused(AlreadyDecided(voice.mia, "approved", NOW))),
        "team": answers.all_rows("team", home(voice, 3)),
        "seats": answers.all_rows("seats", home(voice, 120)),
        "stored": answers.stored(
            {"name": voice.ana, "department": voice.team, "seats": 1, "requests": 2, "decisions": 0, "events": 5}
        ),
        "stored, with use": answers.stored(
            {"name": voice.ana, "seats": 1, "requests": 2, "decisions": 0, "events": 5, "use": (voice.product,) * 20}
        ),
        "tell it": answers.tell_it(),
        "help": answers.help_window(home(voice), "https://seatkeeper.example.test"),
        "home": home_views.home_view(home(voice), NOW),
        "home, first": home_views.home_view(home(voice, first_time=True), NOW),
        "home, much": home_views.home_view(home(voice, 40), NOW),
        "home, nothing": home_views.home_view(home(voice, 0, questions=(), tasks=(), today=None, figures_at=None), NOW),
        **{f"figures, {which}": view for which, view in position_windows(voice).items()},
        "home, unknown": home_views.unknown_person(modals.refused(UnknownPerson("U-LINK-17"))),
    }


def test_a_row_of_home_offers_the_name_that_is_wanted() -> None:
    wanted = replace(row(VOICES["ordinary"], 7, Status.FULFILLED), unnamed=2)
    block = home_views.request_row(wanted)
    assert "2 seats without a holder" in block["text"]["text"]
    assert block["accessory"]["text"]["text"] == "Name a holder"
    waiting = home_views.request_row(replace(wanted, status=Status.WAITING_FOR_SEAT))
    assert waiting["accessory"]["text"]["text"] == "Open", "whose window has every button"
    assert home_views.request_row(replace(wanted, unnamed=0))["accessory"]["text"]["text"] == "Open"


@pytest.mark.parametrize("name", VOICES)
def test_every_window_passes_slacks_limits(name: str) -> None:
    for which, view in windows(VOICES[name]).items():
        assert validate_view(view) == [], which
        assert len(view["blocks"]) <= (60 if view["type"] == "home" else 100), which


@pytest.mark.parametrize("name", VOICES)
def test_every_window_is_plain_words_and_mentions_nobody(name: str) -> None:
    """Inputs are left out of the message check, which knows messages only; their words are scanned with the rest."""
    for which, view in windows(VOICES[name]).items():
        blocks = [block for block in view["blocks"] if block["type"] != "input"][:50]
        labels = [
            {"type": "section", "text": {"type": "plain_text", "text": block["label"]["text"]}}
            for block in view["blocks"]
            if block["type"] == "input"
        ]
        own = name == "ordinary"
        try:
            for start in range(0, len(blocks), 20):  # a window holds more than a message may
                part = Message("x", blocks[start : start + 20])
                check_message(part, most_characters=13_000, own_words=own)
            if labels and own:
                check_message(Message("x", labels), most_blocks=60, most_characters=13_000)
        except AssertionError as error:
            raise AssertionError(f"{which}: {error}") from error


@pytest.mark.parametrize("name", VOICES)
def test_every_answer_to_a_command_is_a_good_message(name: str) -> None:
    voice = VOICES[name]
    facts = home(voice, 20)
    match = Match(None, "", (Offer(1, voice.product, free=2), Offer(2, "Visio", free=0, waiting=2)))
    for message in (
        answers.mine(facts),
        answers.mine(home(voice, 0)),
        answers.status(facts),
        answers.status(home(voice, 0)),
        answers.approvals(facts),
        answers.give_back(facts),
        answers.help_words(facts, "https://seatkeeper.example.test"),
        answers.unknown_word(voice.words),
        answers.unknown_product(voice.words, match),
    ):
        check_message(message, most_blocks=40, most_characters=9000, own_words=name == "ordinary")


def test_options_are_within_limits_and_end_with_something_else() -> None:
    many = tuple(Offer(number, VOICES["longest"].product, free=number) for number in range(98))
    answer = request_modal.options_answer(Found((many[0],), many[1:], 240), "D" * 120)
    assert validate_options(answer) == []
    assert answer["option_groups"][1]["label"]["text"] == "Keep typing: 240 match, 98 shown"
    assert answer["option_groups"][-1]["options"][-1]["value"] == "else"
    assert [
        request_modal.offer_words(one)
        for one in (
            Offer(1, "x", free=3),
            Offer(1, "x", free=0, waiting=2),
            Offer(1, "x", allowed=False),
            Offer(1, "x", unlimited=True),
            Offer(1, "x"),
        )
    ] == [
        "3 free",
        "none free, 2 waiting",
        "not allowed: choose it to see why",
        "no limit of seats",
        "free seats not known",
    ]


@pytest.mark.parametrize(
    ("in_use", "free", "short", "words"),
    [
        (37, 3, 0, "3 of 40 free ·"),
        (37, 3, 5, "3 of 40 free, though 5 short with every device counted ·"),
        (40, 0, 0, "none of 40 free ·"),
        (43, 0, 0, "none of 40 free, 3 short ·"),
        (43, 0, 9, "none of 40 free, 9 short ·"),
    ],
)
def test_the_form_says_short_and_never_only_that_none_is_free(in_use: int, free: int, short: int, words: str) -> None:
    one = Tier(1, "Plan 3", 1, PRICE, numbers(free, in_use=in_use))
    assert words in request_modal.about(chosen(ORDINARY, chosen=one, owned=None, short=Decimal(short)))


def test_a_changed_approval_says_that_it_buys_nothing_where_a_seat_is_missing() -> None:
    """The window has no dialog that names a sum, so it spends none (wording guide §2.3)."""
    said = "Approving here buys nothing: a seat that is not free waits in the queue."
    free, missing = approval(), approval(free=0, buys=1)
    bought = replace(missing, request=replace(missing.request, purchase=True))  # in an earlier step
    tiers = chosen(ORDINARY).tiers
    assert [said in str(forms.change_form(one, tiers, NOW.date())) for one in (free, missing, bought)] == [
        False, True, False,
    ]  # fmt: skip


def test_literal_sentences() -> None:
    words = request_modal.about(chosen(replace(ORDINARY, product="Planner"), owned=None))
    assert words.startswith("*Planner* · 3 of ") and words.endswith(
        "a year until 31 Mar 2027 · Ben Okafor decides, usually within 4 working hours"
    )
    sent = request_modal.sent(Receipt(42, "REQ-1042", ("Ben Okafor",), 4))
    assert sent["blocks"][0]["text"]["text"] == (
        "*Sent.* Ben Okafor has been asked and usually answers within 4 working hours. "
        "News comes as a message from Seatkeeper. Reference REQ-1042."
    )
    several = request_modal.sent(Receipt(42, "REQ-1042", ("Ben Okafor", "Mia Chen"), 4))
    assert several["blocks"][0]["text"]["text"].startswith(
        "*Sent.* Ben Okafor and Mia Chen have been asked and usually answer within 4 working hours. "
    )
    assert sent["close"]["text"] == "Done" and "submit" not in sent
    assert answers.unknown_word("aprovals").text == (
        "`aprovals` is not known. Did you mean `approvals`? All words: `/licence help`."
    )
    said = modals.refused(AlreadyDecided("Mia & <Chen>", "approved", NOW))
    assert said.startswith("Mia &amp; &lt;Chen&gt; approved this <!date^") and said.endswith(
        "; your press changed nothing."
    )
    assert modals.refused(NotYourStep(("Ben Okafor",))) == "This waits for Ben Okafor. You can look, not decide."
    assert progress(ORDINARY).request.reference
