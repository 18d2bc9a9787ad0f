"""The right to decide is checked at the press, against the person who pressed and the directory of that moment."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from model.people import Role
from model.requests import StepKind
from workflows import refusals
from workflows.approval import may_be_asked, may_decide
from workflows.facts import PersonFacts, RequestFacts, StepFacts
from workflows.policy import Policy

NOW = datetime(2026, 11, 23, 9, 14, tzinfo=UTC)
ANA, BEN, MIA, OMAR, GORAN, LI = range(1, 7)
STAFF = {
    person.id: person
    for person in (
        PersonFacts(ANA, "Ana Lindqvist", manager_id=BEN, department="Design"),
        PersonFacts(BEN, "Ben Okafor", manager_id=MIA),
        PersonFacts(MIA, "Mia Chen"),
        PersonFacts(OMAR, "Omar Said"),
        PersonFacts(GORAN, "Goran Petrović", roles=frozenset({Role.PROCUREMENT})),
        PersonFacts(LI, "Li Wei", active=False),
    )
}
REQUEST = RequestFacts(OMAR, (ANA,), "copilot", "Copilot")
STEP = StepFacts(StepKind.LINE_MANAGER, REQUEST, (BEN,))
ORDER = StepFacts(StepKind.PURCHASE, REQUEST, (GORAN,), money_approved_ids=frozenset({BEN}))


def test_the_person_asked_may_decide() -> None:
    assert may_decide(BEN, STEP, STAFF, Policy(), NOW) is None
    assert may_decide(GORAN, ORDER, STAFF, Policy(), NOW) is None


@pytest.mark.parametrize(
    ("presser", "step", "kind", "sentence"),
    [
        (OMAR, STEP, refusals.OwnRequest, "This is your own request, so someone else decides: Ben Okafor was asked."),
        (ANA, STEP, refusals.WouldBenefit, "You would get this seat, so someone else decides."),
        (BEN, ORDER, refusals.MoneyThenOrder,
         "You approved the money, so someone else confirms the order: Goran Petrović."),
        (GORAN, STEP, refusals.NotYourStep, "This waits for Ben Okafor. You can look, not decide."),
        (LI, STEP, refusals.UnknownPerson,
         "Your Slack account belongs to nobody in the staff directory, so nothing changed. "
         "IT can link it: say *U-LINK-17*."),
        (None, STEP, refusals.UnknownPerson,
         "Your Slack account belongs to nobody in the staff directory, so nothing changed. "
         "IT can link it: say *U-LINK-17*."),
        (BEN, replace(STEP, decided_elsewhere_ids=frozenset({BEN}), asked_ids=(BEN, MIA)),
         refusals.DecidedAnotherStep,
         "You decided another step of this request, so someone else decides this one: Mia Chen."),
    ],
)  # fmt: skip
def test_everybody_else_reads_why_not(
    presser: int | None, step: StepFacts, kind: type[refusals.Refusal], sentence: str
) -> None:
    refused = may_decide(presser, step, STAFF, Policy(), NOW, link_code="U-LINK-17")
    assert type(refused) is kind
    assert refused.sentence == sentence


def test_being_asked_is_not_enough_when_there_is_another_manager_since() -> None:
    staff = STAFF | {ANA: replace(STAFF[ANA], manager_id=MIA)}
    refused = may_decide(BEN, STEP, staff, Policy(), NOW)
    assert isinstance(refused, refusals.RightGone)
    assert refused.sentence == "Mia Chen decides for Design now; it went to their list."
    assert refused.now_asked_id == MIA


def test_a_deputy_decides_while_the_absence_lasts_and_not_after() -> None:
    away = replace(STAFF[BEN], absent_from=date(2026, 11, 20), absent_until=date(2026, 11, 30), deputy_id=GORAN)
    step = replace(STEP, asked_ids=(GORAN,))
    assert may_decide(GORAN, step, STAFF | {BEN: away}, Policy(), NOW) is None
    refused = may_decide(GORAN, step, STAFF | {BEN: away}, Policy(), NOW.replace(month=12))
    assert isinstance(refused, refusals.RightGone)
    assert refused.now_asked_id == BEN


def test_a_role_taken_away_takes_the_right_along() -> None:
    staff = STAFF | {GORAN: replace(STAFF[GORAN], roles=frozenset())}
    refused = may_decide(GORAN, ORDER, staff, Policy(), NOW)
    assert isinstance(refused, refusals.RightGone)
    assert refused.sentence == "You no longer decide for Copilot; a licence manager names who does."


def test_who_is_away_may_still_press_and_who_was_handed_it_may_too() -> None:
    away = STAFF | {BEN: replace(STAFF[BEN], absent_from=date(2026, 11, 20))}
    assert may_decide(BEN, STEP, away, Policy(), NOW) is None
    handed = replace(STEP, asked_ids=(GORAN,), handed_on_ids=frozenset({GORAN}))
    assert may_decide(GORAN, handed, STAFF, Policy(), NOW) is None
    assert may_decide(OMAR, replace(handed, handed_on_ids=frozenset({OMAR})), STAFF, Policy(), NOW) is not None


@pytest.mark.parametrize(
    ("person", "step", "words"),
    [
        (MIA, STEP, None),
        (99, STEP, "This person is not in the staff directory."),
        (OMAR, STEP, "Omar Said made this request, so someone else decides."),
        (ANA, STEP, "Ana Lindqvist would get this seat, so someone else decides."),
        (BEN, STEP, "Ben Okafor has been asked already."),
        (BEN, ORDER, "Ben Okafor approved the money, so someone else confirms the order."),
        (LI, STEP, "Li Wei has left. Choose someone else."),
        (MIA, replace(STEP, elsewhere_ids=frozenset({MIA})), "Mia Chen decides another step of this request."),
    ],
)
def test_to_whom_a_step_can_be_handed_on(person: int, step: StepFacts, words: str | None) -> None:
    assert may_be_asked(person, step, STAFF, NOW) == words


def test_refusals_write_instants_as_the_surface_wants_and_isolate_names() -> None:
    at = datetime(2026, 11, 23, 10, 2, tzinfo=UTC)
    decided = refusals.AlreadyDecided("Mia Chen", "approved", at)
    assert decided.sentence == "Mia Chen approved this 23 Nov, 10:02 UTC; your press changed nothing."
    assert decided.say(lambda _: "<token>") == "Mia Chen approved this <token>; your press changed nothing."
    arabic = "محمد الفارسي"
    assert f"\u2068{arabic}\u2069" in refusals.NotYourStep((arabic, "Ben Okafor")).sentence
    assert refusals.NotYourStep(()).sentence.startswith("This waits for a licence manager")
    gone = refusals.RightGone("Mia Chen", "Design", MIA, date(2026, 11, 1))
    assert gone.sentence == "Since 1 Nov 2026 Mia Chen decides for Design; it went to their list."
    assert refusals.OldCard().sentence == (
        "A seat was taken meanwhile. The card shows the new figures now: press again."
    )
    assert refusals.AlreadyClosed("withdrawn", at).sentence.startswith("This was withdrawn 23 Nov, 10:02 UTC;")
    assert refusals.FieldRefusals({"why": "Say more."}).by_field == {"why": "Say more."}
