"""The two tables of reclaim: every state is reached and left as it should be, and no way to removal avoids a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from model.reclaim import CampaignState, CandidateState
from workflows.reclaim import campaign, candidate
from workflows.reclaim.candidate import Verb

CANDIDATE_ENDS = {"kept", "in_use", "dropped", "skipped", "not_taken", "put_back"}
#: What a machine may do by itself: the clock, new activity, what the outside answered.
OF_NOBODY = {Verb.REMIND, Verb.WAKE, Verb.SILENCE, Verb.USED, Verb.DROP, Verb.LAPSE, Verb.ASK}


def reached(start: str, allowed: Mapping[Any, str], but: frozenset[str] = frozenset()) -> set[str]:
    found, more = {start}, True
    while more:
        further = {to for (state, verb), to in allowed.items() if state in found and verb not in but} - found
        found |= further
        more = bool(further)
    return found


def test_every_state_is_reached_and_every_verb_is_used() -> None:
    assert reached("listed", candidate.ALLOWED) == {state.value for state in CandidateState}
    assert reached("dry_run", campaign.ALLOWED) == {state.value for state in CampaignState}
    assert {verb for _, verb in candidate.ALLOWED} == set(Verb) == set(candidate.TAGS)
    assert {verb for _, verb in campaign.ALLOWED} == set(campaign.Verb)


def test_what_is_over_is_left_by_nobody() -> None:
    left = {state.value for state, _ in candidate.ALLOWED}
    assert {state.value for state in CandidateState} - left == CANDIDATE_ENDS
    assert {state for state, _ in campaign.ALLOWED} == set(campaign.LIVE)


def test_nothing_is_taken_but_through_a_confirmation() -> None:
    """Without the verb CONFIRM neither TAKEN nor anything behind it is reached."""
    without = reached("listed", candidate.ALLOWED, frozenset({"confirm"}))
    assert not without & {"confirmed", "taken", "skipped", "not_taken", "put_back"}
    assert {state for (state, verb), to in candidate.ALLOWED.items() if to is CandidateState.TAKEN} == {
        CandidateState.CONFIRMED
    }


def test_silence_and_the_clock_never_confirm_and_never_release() -> None:
    for (state, verb), to in candidate.ALLOWED.items():
        if verb in OF_NOBODY:
            assert to not in (CandidateState.CONFIRMED, CandidateState.RELEASED, CandidateState.TAKEN), (state, verb)
    assert candidate.ALLOWED[CandidateState.ASKED, Verb.SILENCE] is CandidateState.UNANSWERED
    assert candidate.ALLOWED[CandidateState.KEEP_ASKED, Verb.DISAGREE] is CandidateState.KEPT
    assert candidate.ALLOWED[CandidateState.KEEP_ASKED, Verb.LAPSE] is CandidateState.KEPT


def test_whoever_keeps_cannot_be_confirmed() -> None:
    for state in (CandidateState.KEPT, CandidateState.KEEP_ASKED, CandidateState.IN_USE, CandidateState.SNOOZED):
        with pytest.raises(candidate.IllegalMove):
            candidate.step(state, Verb.CONFIRM)


@pytest.mark.parametrize("state", list(CandidateState))
@pytest.mark.parametrize("verb", list(Verb))
def test_an_illegal_move_of_a_seat_says_where_it_stands(state: CandidateState, verb: Verb) -> None:
    if (state, verb) in candidate.ALLOWED:
        assert candidate.step(state, verb) is candidate.ALLOWED[state, verb]
        return
    with pytest.raises(candidate.IllegalMove) as refused:
        candidate.step(state, verb)
    assert refused.value.sentence.endswith(".") and len(refused.value.sentence) > 20


@pytest.mark.parametrize("state", list(CampaignState))
@pytest.mark.parametrize("verb", list(campaign.Verb))
def test_an_illegal_move_of_a_campaign_says_where_it_stands(state: CampaignState, verb: campaign.Verb) -> None:
    if (state, verb) in campaign.ALLOWED:
        assert campaign.step(state, verb) is campaign.ALLOWED[state, verb]
        return
    with pytest.raises(campaign.IllegalMove) as refused:
        campaign.step(state, verb)
    assert refused.value.sentence.endswith(".") and len(refused.value.sentence) > 20


def test_late_answers_count_until_a_person_confirmed() -> None:
    assert candidate.step(CandidateState.UNANSWERED, Verb.KEEP) is CandidateState.KEPT
    assert candidate.step(CandidateState.UNANSWERED, Verb.RELEASE) is CandidateState.RELEASED
    with pytest.raises(candidate.IllegalMove, match="“Keep it” leaves it with you"):
        candidate.step(CandidateState.CONFIRMED, Verb.KEEP)


def test_a_campaign_under_way_is_not_called_off() -> None:
    with pytest.raises(campaign.IllegalMove, match="confirmed already"):
        campaign.step(CampaignState.TAKING, campaign.Verb.CANCEL)
    assert campaign.reference(12) == "CMP-12"
