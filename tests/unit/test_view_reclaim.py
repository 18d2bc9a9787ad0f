"""Taking seats back as people see it: the question, the list to confirm, its result (wording guide §2.8 to §2.10)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.ids import Action, Ref
from bot.views.reclaim_forms import evidence_form, handed_over_form, handover_card
from bot.views.reclaim_list import evidence_window, list_card, list_window, packed, ticked, unpacked
from bot.views.reclaim_result import campaign_message, campaigns_message, put_back_words, result_card, undo_window
from bot.views.reclaim_smaller import smaller_message
from bot.views.still_needed import keep_form, keep_word_card, later_form, release_form, still_needed_card
from licensing.money import Money
from model.reclaim import CampaignKind, CampaignState, CandidateState
from sandbox.blocks import validate_view
from tests.unit.message_checks import check, element, labels, shown
from tests.unit.view_facts import NOW, ORDINARY, PRICE, VOICES, Voice, numbers, who
from workflows.reads.reclaim import CampaignFacts, HandoverFacts, SeatRow
from workflows.reads.smaller import Smaller, SmallerChoice
from workflows.reads.still_needed import StillNeededFacts
from workflows.reclaim.listing import ListRow, ReclaimList
from workflows.reclaim.switch import Switch
from workflows.reclaim.undo import Done

TODAY = NOW.date()
DATED = "no use since 12 Sep 2026 (Copilot report, 2 days old)"
S = CandidateState


def asked(voice: Voice = ORDINARY, **changed: Any) -> StillNeededFacts:
    facts = StillNeededFacts(
        id=31,
        version=2,
        state=S.ASKED,
        kind=CampaignKind.IDLE,
        product=voice.product,
        product_id=7,
        holder=who(1, voice.ana),
        manager=who(2, "Ben Okafor"),
        sentence=DATED,
        verdict="idle",
        short="looks idle, over 60 days",
        rule="rule 7",
        lost="Copilot stops in Word, Excel, Outlook and Teams. Files and mail stay.",
        monthly=Money(Decimal("28.00"), "EUR"),
        answer_by=date(2026, 12, 7),
        looks=who(4, "Dara Novak"),
        asked_at=NOW,
        reminded_at=None,
        snoozed_until=None,
        answer="",
        answer_words="",
        answered_at=None,
        ask_again_on=None,
        words="",
        begun_on=TODAY,
    )
    return replace(facts, **changed)


def seat_row(number: int, voice: Voice = ORDINARY, **changed: Any) -> SeatRow:
    facts = SeatRow(
        id=number,
        seat_id=100 + number,
        holder=who(number, voice.ana, voice.team),
        state=S.RELEASED,
        ground="idle",
        short="looks idle, over 60 days",
        look="",
        answer="release",
        asked_at=NOW - timedelta(days=14),
        words="",
        evidence={
            "sources": [{"source": "Copilot report", "value": "no use since 12 Sep 2026", "as_of": "2026-11-21"}]
        },
        rule="rule 7",
        return_id=None,
        undo_until=None,
        returned="",
        price=PRICE,
    )
    return replace(facts, **changed)


def campaign(voice: Voice = ORDINARY, *rows: SeatRow, **changed: Any) -> CampaignFacts:
    facts = CampaignFacts(
        id=12,
        version=5,
        kind=CampaignKind.IDLE,
        state=CampaignState.CONFIRMING,
        product=voice.product,
        product_id=7,
        lost="Office, mail and Teams",
        to_name="",
        to_price=None,
        planned_by=who(9, "Eli Marsh"),
        planned_by_rule="person:9",
        planned_at=NOW,
        begun_at=NOW,
        answer_by=date(2026, 12, 7),
        decide_by=None,
        words="",
        figures={},
        confirmed_by=None,
        confirmed_at=None,
        rows=rows,
        numbers=numbers(3),
        term_ends_on=date(2027, 6, 30),
    )
    return replace(facts, **changed)


def list_row(number: int, voice: Voice = ORDINARY, *, look: bool = False, waits: str = "") -> ListRow:
    return ListRow(
        candidate_id=number,
        seat_id=100 + number,
        person_id=number,
        name=voice.ana,
        team=voice.team,
        state=S.UNANSWERED if look else S.RELEASED,
        ground="idle" if look else "given_back",
        verdict="idle",
        sentence="looks idle, over 60 days",
        reason="no answer since 9 Nov 2026" if look else "given back by the holder",
        needs_look=look or bool(waits),
        waits=waits,
    )


def listing(*rows: ListRow, **changed: Any) -> ReclaimList:
    facts = ReclaimList(
        campaign_id=12,
        kind=CampaignKind.IDLE,
        product_id=7,
        product="Microsoft 365 E3",
        lost="Office, mail and Teams",
        version=5,
        planned_by="Eli Marsh",
        planned_by_id=9,
        listed_at=NOW,
        suggested=tuple(one for one in rows if not one.needs_look),
        look=tuple(one for one in rows if one.needs_look),
        kept=9,
        still_asked=0,
        groups=8,
        waiting=2,
        switch=Switch(True),
        no_held_list=False,
        a_day=20,
        per_cent=30,
        room=20,
        taken_on={},
        to_sku_id=None,
    )
    return replace(facts, **changed)


SIXTEEN = [*(list_row(number) for number in range(1, 13)), *(list_row(number, look=True) for number in range(13, 17))]


def boxes(view: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        one
        for block in view["blocks"]
        if block["type"] == "actions"
        for one in block["elements"]
        if one["type"] == "checkboxes"
    ]


# The holder


def test_17_the_question_has_three_plain_answers_none_of_them_coloured() -> None:
    message = still_needed_card(asked(), 1)
    assert labels(message) == ["Keep it", "Give it back", "Ask me later"]
    assert all("style" not in element(message, label) for label in labels(message))


def test_the_question_says_source_age_cost_deadline_and_that_silence_takes_nothing() -> None:
    said = still_needed_card(asked(), 1).text
    for part in ("No use since 12 Sep 2026 (Copilot report, 2 days old)", "can be wrong", "€28.00 a month"):
        assert part in said
    assert "Answer by Mon 7 Dec 2026. Without an answer nothing is taken: Dara Novak looks at it first." in said
    assert said.endswith("Asked because it looks idle (rule 7).")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"verdict": "unknown"}, "no report says whether it is used (rule 7)"),
        ({"kind": CampaignKind.TOO_BIG, "rule": "too_big"}, "a smaller tier would do"),
        ({"kind": CampaignKind.REDUNDANT, "rule": "redundant"}, "another licence of yours does the same"),
        ({"kind": CampaignKind.REVIEW, "rule": "review"}, "all licences of this product are looked through"),
    ],
)
def test_a_holder_reads_why_they_are_asked_in_words(changed: dict[str, Any], why: str) -> None:
    """ "Asked because a smaller tier would do (too_big)"."""
    assert still_needed_card(asked(**changed), 1).text.endswith(f"Asked because {why}.")


def test_a_move_to_a_smaller_licence_names_it_wherever_the_holder_gives_theirs_back() -> None:
    facts = asked(kind=CampaignKind.TOO_BIG, sentence="used on 20 Nov 2026", instead="Office 365 E1")
    card = still_needed_card(facts, 1)
    assert "You get Office 365 E1 instead. You can ask again at any time." in card.text
    assert card.text.endswith("Asked because Office 365 E1 would do.")
    form = release_form(facts)
    assert "You get Office 365 E1 instead." in form["blocks"][0]["text"]["text"]
    assert "instead" not in still_needed_card(asked(), 1).text
    check(card, own_words=True)
    validate_view(form)


def test_the_evidence_names_the_rule_that_judged() -> None:
    heads = [
        block["text"]["text"]
        for block in evidence_window([seat_row(1), seat_row(2, ground="too_big", rule="too_big")])["blocks"]
        if block["type"] == "section"
    ]
    assert heads == [f"*{ORDINARY.ana}* · rule 7", f"*{ORDINARY.ana}*"]


def test_the_evidence_is_in_words_and_says_which_sources_do_not_count() -> None:
    """ "sign_in: last use 29 Nov 2026, as of 2026-11-29" beside a seat that looks idle, as if it spoke of it."""
    sources = [
        {"source": "copilot", "words": "Copilot report", "value": "last use 12 Sep 2026", "as_of": "2026-11-21",
         "age": 2, "counts": True},
        {"source": "sign_in", "words": "sign-in log", "value": "last use 20 Nov 2026", "as_of": "2026-11-22",
         "age": 1, "counts": False},
    ]  # fmt: skip
    blocks = evidence_window([seat_row(1, evidence={"sources": sources})])["blocks"]
    said = [one["text"] for block in blocks if block["type"] == "context" for one in block["elements"]]
    assert said == [
        "Copilot report: last use 12 Sep 2026, as of 21 Nov 2026",
        "Says nothing of this product: sign-in log: last use 20 Nov 2026, as of 22 Nov 2026",
    ]


def test_17_keeping_it_suggests_no_reason() -> None:
    """ "I use it; the report is wrong" was chosen from the start, so that a hurried press counted against the rule."""
    form = keep_form(asked())
    why = next(block["element"] for block in form["blocks"] if block["type"] == "input")
    assert why["type"] == "radio_buttons" and "initial_option" not in why


def test_the_older_question_says_where_the_seat_can_be_had_back() -> None:
    said = still_needed_card(asked(state=S.TAKEN), 1).text
    assert said.endswith("“I need it back”, on the message that says so, brings it back.")


def test_the_counters_of_a_campaign_add_up_to_all_who_were_asked() -> None:
    """Whoever chose a later day was asked and stood in no counter."""
    rows = [seat_row(1), seat_row(2, state=S.KEPT, answer="away"), seat_row(3, state=S.SNOOZED, answer="")]
    waits = seat_row(4, state=S.ASKED, answer="")
    line = campaigns_message([campaign(ORDINARY, *rows, waits)], "", []).text
    assert "asked 4, kept 1, given back 1, asked again later 1, no answer yet 1" in line


def test_a_dry_run_that_lists_nothing_has_nothing_to_reduce() -> None:
    """ "Reducible at renewal: not known: no price is recorded", of no seat at all."""
    empty = campaign(ORDINARY, state=CampaignState.DRY_RUN, begun_at=None)
    assert "Reducible at renewal: nothing." in campaign_message(empty, "", plans=True).text


def test_the_evidence_names_what_is_switched_off_in_the_seat() -> None:
    off = ["Exchange Online (Plan 2)", "Sway", "To-Do <Plan 3>", "Yammer", "Whiteboard"]
    row = seat_row(1)
    view = evidence_window([replace(row, evidence={**row.evidence, "off": off}), row])
    named, plain = (block["elements"][0]["text"] for block in view["blocks"] if block["type"] == "context")
    assert named.endswith("switched off in this seat: Exchange Online (Plan 2), Sway, To-Do &lt;Plan 3&gt; and 2 more")
    assert "switched off" not in plain
    validate_view(view)


def test_a_price_nobody_recorded_is_said_and_is_not_nothing() -> None:
    said = still_needed_card(asked(monthly=None), 1).text
    assert "What it costs is not recorded" in said
    assert "€" not in said


@pytest.mark.parametrize(
    ("changed", "begins"),
    [
        ({"reminded_at": NOW}, "Still open: do you still need"),
        ({"state": S.UNANSWERED}, "Dara Novak looks at it now. You can still answer."),
        ({"state": S.KEPT, "answer": "uses_it", "ask_again_on": date(2027, 3, 7)}, "Kept"),
        ({"state": S.KEEP_ASKED}, "Kept for now"),
        ({"state": S.SNOOZED, "snoozed_until": date(2026, 12, 14)}, "Later: you will be asked again"),
        ({"state": S.RELEASED, "answer": "release"}, "Given back"),
        (
            {"state": S.CONFIRMED, "take_on": date(2026, 12, 9)},
            "Microsoft Copilot for Microsoft 365 goes back on 9 Dec 2026.",
        ),
        ({"state": S.IN_USE, "words": "Copilot was used on 24 Nov."}, "No longer asked: Copilot was used on 24 Nov."),
        ({"state": S.DROPPED}, "You keep"),
        ({"state": S.SKIPPED}, "You keep"),
    ],
)
def test_each_state_of_the_question_begins_with_what_is_so(changed: dict[str, Any], begins: str) -> None:
    assert still_needed_card(asked(**changed), 1).text.startswith(begins)


def test_buttons_stay_while_an_answer_counts_and_go_with_the_answer() -> None:
    assert labels(still_needed_card(asked(state=S.UNANSWERED), 1))
    assert labels(still_needed_card(asked(state=S.CONFIRMED), 1)) == ["Keep it"]
    assert not labels(still_needed_card(asked(state=S.CONFIRMED, answer="release"), 1))
    assert not labels(still_needed_card(asked(state=S.KEPT), 1))


def test_that_the_report_is_wrong_counts_against_the_rule() -> None:
    assert "That counts against the rule." in still_needed_card(asked(state=S.KEPT, answer="uses_it"), 1).text
    assert "counts against" not in still_needed_card(asked(state=S.KEPT, answer="away"), 1).text
    covered = asked(state=S.KEPT, answer="uses_it", **COVERED)
    assert "counts against" not in still_needed_card(covered, 1).text, "no rule of idleness judged it"


def test_20_a_manager_asked_instead_and_the_managers_word_show_no_day_of_use() -> None:
    for message in (still_needed_card(asked(), 2), keep_word_card(asked(state=S.KEEP_ASKED, answer="seasonal"))):
        assert "12 Sep" not in shown(message)
        assert "12 Sep" not in message.text
    assert labels(still_needed_card(asked(), 2)) == ["Still needed", "Not needed"]


COVERED: dict[str, Any] = {
    "kind": CampaignKind.REDUNDANT,
    "verdict": "active",
    "short": "Covered wholly by Microsoft 365 E5.",
}
SMALLER: dict[str, Any] = {
    "kind": CampaignKind.TOO_BIG,
    "verdict": "active",
    "short": "Office 365 E1 would do for what is stored and used.",
}


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, "It looks idle."),
        ({"verdict": "little_used"}, "It is little used."),
        ({"verdict": "unknown"}, "Its use is not known."),
        (COVERED, COVERED["short"]),
        (SMALLER, SMALLER["short"]),
    ],
)
def test_a_manager_reads_why_this_seat_is_asked_about_and_not_that_it_looks_idle(
    changed: dict[str, Any], found: str
) -> None:
    """Whatever the campaign was about, the manager read "It looks idle"."""
    instead = still_needed_card(asked(**changed), 2)
    assert f"{found} Ana cannot be asked: there is no Slack account and no mail." in instead.text
    word = keep_word_card(asked(state=S.KEEP_ASKED, answer="seasonal", **changed))
    assert word.text.startswith(f"{ORDINARY.ana} wants to keep {ORDINARY.product}. {found} They use it")
    for message in (instead, word):
        check(message, own_words=True)


@pytest.mark.parametrize("name", VOICES)
def test_every_message_keeps_the_rules_for_all_voices(name: str) -> None:
    voice, own = VOICES[name], name == "ordinary"
    rows = (
        seat_row(1, voice, state=S.TAKEN, returned="removed", return_id=9, undo_until=NOW + timedelta(days=30)),
        seat_row(2, voice, state=S.SKIPPED, words="it is in use again"),
    )
    done = campaign(voice, *rows, state=CampaignState.DONE, confirmed_by=who(4, voice.ana), confirmed_at=NOW)
    check(still_needed_card(asked(voice), 1), own_words=own)
    check(still_needed_card(asked(voice), 2), own_words=own)
    check(keep_word_card(asked(voice, state=S.KEEP_ASKED, answer="other", answer_words=voice.words)), own_words=own)
    check(list_card(campaign(voice, seat_row(1, voice)), listing(list_row(1, voice))), own_words=own)
    check(result_card(done, NOW), own_words=own)
    check(
        campaigns_message([done, campaign(voice, seat_row(1, voice))], "Removals are switched on.", [12]), own_words=own
    )
    check(handover_card(HandoverFacts(who(5, voice.ana), TODAY, (voice.product,), None, ""), 5), own_words=own)
    for view in (
        keep_form(asked(voice)),
        release_form(asked(voice)),
        later_form(asked(voice), TODAY, TODAY + timedelta(days=28)),
        list_window(campaign(voice), listing(*(list_row(number, voice) for number in range(1, 14))), (), 1, TODAY),
        undo_window(done, NOW),
        evidence_form(Ref(12, 5), 1, [1, 2]),
        handed_over_form(Ref(5), voice.ana),
    ):
        validate_view(view)


# The list


def test_18_the_dialog_counts_what_is_ticked_on_all_pages() -> None:
    view = list_window(campaign(), listing(*SIXTEEN), (), 1, TODAY)
    take = next(one for block in view["blocks"] for one in block.get("elements", ()) if one.get("style") == "danger")
    assert take["text"]["text"] == "Take back 12 seats"
    assert take["confirm"]["title"]["text"] == "Take back 12 Microsoft Copilot for Microsoft 365 seats?"
    assert "Undo until 23 Dec 2026." in take["confirm"]["text"]["text"]
    assert take["confirm"]["confirm"]["text"] == "Take back 12 seats"
    second = list_window(campaign(), listing(*SIXTEEN), {1, 13}, 2, TODAY)
    assert "Page 2 of 2 · 12 of 16 ticked" in second["blocks"][0]["text"]["text"]


def test_18_doubtful_rows_start_unticked_and_come_first() -> None:
    view = list_window(campaign(), listing(*SIXTEEN), (), 1, TODAY)
    looks, suggested = boxes(view)
    assert looks["action_id"] == Action.LIST_LOOKS and "initial_options" not in looks
    assert len(looks["options"]) == 4 and len(suggested["options"]) == len(suggested["initial_options"]) == 6
    assert looks["options"][0]["description"]["text"].startswith("No answer since 9 Nov 2026")


def test_nothing_ticked_has_no_danger_button() -> None:
    view = list_window(campaign(), listing(list_row(1)), {1}, 1, TODAY)
    assert all(one.get("style") != "danger" for block in view["blocks"] for one in block.get("elements", ()))
    assert any("Nothing is ticked." in str(block) for block in view["blocks"])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"switch": Switch(False, "Eli Marsh", NOW)}, "Eli Marsh switched removals off"),
        ({"no_held_list": True}, "nobody has said which mailboxes are on hold"),
    ],
)
def test_a_list_that_may_not_be_carried_out_is_shown_without_its_button(changed: dict[str, Any], said: str) -> None:
    view = list_window(campaign(), listing(list_row(1), **changed), (), 1, TODAY)
    assert all(one.get("style") != "danger" for block in view["blocks"] for one in block.get("elements", ()))
    assert any(said in str(block) for block in view["blocks"])


def test_a_row_that_waits_for_its_hand_over_has_no_box() -> None:
    listed = listing(list_row(1), list_row(2, waits="not handed over yet"))
    view = list_window(campaign(), listed, (), 1, TODAY)
    assert [one["value"] for box in boxes(view) for one in box["options"]] == ["1"]
    assert any("not handed over yet" in str(block) for block in view["blocks"])
    assert [row.candidate_id for row in ticked(listed, {2})] == [1]


def test_the_ticks_of_five_hundred_rows_fit_into_the_windows_metadata() -> None:
    many = list(range(10_000, 10_500))
    assert unpacked(packed(many)) == frozenset(many)
    assert len(packed(many)) < 2500


def test_the_card_counts_and_names_no_holder() -> None:
    message = list_card(campaign(ORDINARY, seat_row(1)), listing(*SIXTEEN))
    assert "Suggested to take back: 12, needs a look: 4" in message.text
    assert "planned by Eli Marsh" in message.text
    assert ORDINARY.ana not in shown(message)


# The result


def taken(count: int, **changed: Any) -> list[SeatRow]:
    return [
        seat_row(
            number,
            state=S.TAKEN,
            return_id=number,
            undo_until=NOW + timedelta(days=30),
            **{"returned": "removed", **changed},
        )
        for number in range(1, count + 1)
    ]


def test_while_it_goes_on_the_result_counts_what_is_done() -> None:
    rows = [*taken(9), seat_row(10, state=S.CONFIRMED), seat_row(11, state=S.CONFIRMED), seat_row(12, state=S.SKIPPED)]
    going = campaign(ORDINARY, *rows, state=CampaignState.TAKING, confirmed_by=who(4, "Dara Novak"), confirmed_at=NOW)
    assert "Taking back 12 seats: 9 done, 2 to do, 1 skipped" in result_card(going, NOW).text


def test_19_undo_stands_until_its_end_and_not_after() -> None:
    done = campaign(ORDINARY, *taken(2), state=CampaignState.DONE, confirmed_by=who(4, "Dara Novak"), confirmed_at=NOW)
    assert labels(result_card(done, NOW)) == ["Undo some", "Undo all"]
    ask = element(result_card(done, NOW), "Undo all")["confirm"]
    assert ask["title"]["text"] == "Put back 2 seats?" and ask["confirm"]["text"] == "Put them back"
    after = result_card(done, NOW + timedelta(days=31))
    assert not labels(after) and "Undo ended" in after.text


def test_a_window_that_cannot_show_all_seats_to_put_back_says_so() -> None:
    done = campaign(ORDINARY, *taken(120), state=CampaignState.DONE)
    view = undo_window(done, NOW)
    validate_view(view)
    boxes = [block["element"]["options"] for block in view["blocks"] if block["type"] == "input"]
    assert sum(map(len, boxes)) == 90
    assert view["blocks"][1]["text"]["text"].startswith("90 of 120 are shown. “Undo all” puts back the others too")
    all_of_them = undo_window(replace(done, rows=done.rows[:90]), NOW)
    assert "are shown" not in str(all_of_them)


def test_after_undo_the_result_says_who_put_back_how_many_and_how_many_wait() -> None:
    """The card of a list that was put back whole said "1 seat taken back" and offered Undo again."""
    by = who(4, "Dara Novak")
    rows = taken(2, returned="restored", restored_by=by, restored_at=NOW)
    back = [replace(one, state=S.PUT_BACK) for one in rows]
    waits = [replace(one, id=9) for one in taken(1, returned="waiting", went_on=True, restored_by=by)]
    done = campaign(ORDINARY, *back, *waits, state=CampaignState.DONE, confirmed_by=who(4, "Dara"), confirmed_at=NOW)
    message = result_card(done, NOW)
    assert not labels(message)
    assert message.text.count("Put back by Dara Novak") == 1 and ": 2; in the queue: 1." in message.text
    assert "1 went to a person waiting" in message.text and "Reducible" not in message.text
    assert "Nothing of this list can be put back" in str(undo_window(done, NOW))
    others = replace(done, rows=(back[0], replace(back[1], restored_by=who(5, "Kai Moreno"))))
    assert "Put back <!date" in result_card(others, NOW).text, "by two people: nobody is named"


def test_a_saving_is_reducible_at_renewal_and_not_saved_yet() -> None:
    done = campaign(ORDINARY, *taken(2), state=CampaignState.DONE, confirmed_by=who(4, "Dara Novak"), confirmed_at=NOW)
    assert "counted as saved only then" in result_card(done, NOW).text


def test_who_was_skipped_is_named_with_the_reason() -> None:
    rows = [*taken(1), seat_row(2, state=S.SKIPPED, words="It is in use again.")]
    done = campaign(ORDINARY, *rows, state=CampaignState.DONE, confirmed_by=who(4, "Dara Novak"), confirmed_at=NOW)
    assert f"Skipped: {ORDINARY.ana}: It is in use again." in result_card(done, NOW).text


def test_what_undo_began_is_said_in_numbers() -> None:
    assert put_back_words(Done(9, 2)) == (
        "9 seats are on the way back. 2 people wait at the top of the queue, since no seat is free for them."
    )


def test_which_smaller_licence_would_do_is_chosen_with_its_free_seats_and_price() -> None:
    choice = SmallerChoice(7, "Microsoft 365 E5", (Smaller(3, "Microsoft 365 E3", numbers(3), PRICE),))
    message = smaller_message(choice)
    button = element(message, "Look at its seats")
    assert button["value"] == str(Ref(7, 3)) and "Microsoft 365 E3" in button["accessibility_label"]
    assert "3 of 40 free" in message.text and "It is a dry run" in message.text
    assert "nothing to move to" in smaller_message(replace(choice, found=())).text
    check(message, own_words=True)


def test_a_move_names_both_licences() -> None:
    """The question said "Move 2 Microsoft 365 E5 seats?", and not where to."""
    moving = campaign(ORDINARY, *taken(2), kind=CampaignKind.TOO_BIG, product="Microsoft 365 E5", to_name="E3")
    view = list_window(moving, listing(*SIXTEEN, kind=CampaignKind.TOO_BIG), (), 1, TODAY)
    ask = next(one for block in view["blocks"] for one in block.get("elements", ()) if one.get("style") == "danger")
    assert ask["confirm"]["title"]["text"] == "Move 12 seats from Microsoft 365 E5 to E3?"
    done = replace(moving, state=CampaignState.DONE, confirmed_by=who(4, "Dara Novak"), confirmed_at=NOW)
    cheaper = replace(done, to_price=replace(PRICE, unit=Money(Decimal("100.00"), "EUR")))
    whole, less = done.yearly(done.rows)[0], cheaper.yearly(cheaper.rows)[0]
    saved = Decimal(whole.rounded()["EUR"]) - Decimal(less.rounded()["EUR"])
    assert saved == Decimal("200.00"), "of two seats only the difference is saved"
    assert replace(done, to_price=replace(PRICE, unit=None)).yearly(done.rows)[1] == 2, "not known, and not all of it"
    assert "2 seats moved" in result_card(done, NOW).text and "Microsoft 365 E5 to E3" in result_card(done, NOW).text
    assert "E3 would do" in campaigns_message([moving], "", []).text


def test_no_campaign_is_said_and_a_dry_run_can_be_begun_from_the_answer() -> None:
    assert campaigns_message([], "Removals are switched on.", []).text.startswith("No campaign is running")
    dry = campaign(ORDINARY, seat_row(1, state=S.LISTED), state=CampaignState.DRY_RUN, begun_at=None)
    message = campaigns_message([dry], "Removals are switched on.", [])
    assert labels(message) == ["Open"] and "listed 1" in message.text
    one = campaign_message(dry, "Removals are switched on.", plans=True)
    assert labels(one) == ["Ask 1 person", "Call it off"]
    assert element(one, "Ask 1 person")["confirm"]["title"]["text"] == "Ask 1 person?"
    assert not labels(campaign_message(dry, "Removals are switched on.", plans=False))


def test_a_dry_run_says_of_each_seat_it_does_not_list_why() -> None:
    """Leavers, mailboxes on hold and those asked lately were told as "5 seats are left out by policy"."""
    left_out = {"not_again": 2, "on_hold": 1, "held": 1, "leaver": 1, "elsewhere": 3, "policy": 1, "new_seat": 0}
    dry = campaign(ORDINARY, state=CampaignState.DRY_RUN, figures={"groups": {"group:g": 8}, "left_out": left_out})
    assert (
        "Not listed: 8 seats come through a group and are only reported; 2 seats asked about lately; "
        "1 seat for the list of those who left; 3 seats in another list or on the way back; 1 seat left out by policy; "
        "2 seats with a mailbox on hold."
    ) in campaign_message(dry, "", plans=True).text
