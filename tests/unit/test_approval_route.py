"""Who decides: tables of org charts, absences, sums and rules, each leading to people or to a step shown as stuck."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from licensing.money import Money, Sums
from model.people import Role
from model.requests import StepKind
from workflows.approval import next_in_line, plan_step, route
from workflows.facts import PersonFacts, RequestFacts, Route, StepFacts
from workflows.policy import Policy

NOW = datetime(2026, 11, 23, 9, 14, tzinfo=UTC)
ANA, BEN, MIA, CHITRA, FATIMA, DARA, SARA, GORAN, OMAR = range(1, 10)

PEOPLE = {
    person.id: person
    for person in (
        PersonFacts(ANA, "Ana Lindqvist", "ana@example.test", manager_id=BEN, department="Design"),
        PersonFacts(BEN, "Ben Okafor", "ben@example.test", manager_id=MIA, department="Design"),
        PersonFacts(MIA, "Mia Chen", "mia@example.test"),
        PersonFacts(CHITRA, "Chitra Rao", "chitra@example.test", manager_id=MIA),
        PersonFacts(FATIMA, "Fatima Haddad", "fatima@example.test", roles=frozenset({Role.FINANCE})),
        PersonFacts(DARA, "Dara Novak", "dara@example.test", roles=frozenset({Role.LICENCE_MANAGER})),
        PersonFacts(SARA, "Sara Lind", "sara@example.test", roles=frozenset({Role.SECURITY})),
        PersonFacts(GORAN, "Goran Petrović", "goran@example.test", roles=frozenset({Role.PROCUREMENT})),
        PersonFacts(OMAR, "Omar Said", "omar@example.test"),
    )
}
COPILOT = RequestFacts(
    ANA, (ANA,), "copilot", "Copilot", owner_id=CHITRA, free_seats=3, cost=Money(Decimal("118.75"), "EUR")
)


def people(**changes: Mapping[str, object]) -> dict[int, PersonFacts]:
    """The company, some of it changed: `people(ben={"active": False})`."""
    ids = {person.name.split()[0].lower(): person.id for person in PEOPLE.values()}
    return PEOPLE | {ids[name]: replace(PEOPLE[ids[name]], **change) for name, change in changes.items()}  # type: ignore[arg-type]


def policy(**parts: object) -> Policy:
    return Policy.model_validate(parts)


def asked(found: Route) -> list[tuple[str, list[int]]]:
    return [(step.kind.value, [one.person_id for one in step.asked]) for step in found.steps]


AWAY = {"absent_from": date(2026, 11, 20), "absent_until": date(2026, 11, 30)}


@pytest.mark.parametrize(
    ("change", "decides"),
    [
        ({}, BEN),
        ({"ana": {"manager_id": None}}, CHITRA),  # no manager: the product owner
        ({"ana": {"manager_id": 99}}, CHITRA),  # a manager nobody knows
        ({"ana": {"manager_id": ANA}}, CHITRA),  # their own manager
        ({"ben": {"active": False}}, MIA),
        ({"ben": {"leaves_on": date(2026, 11, 22)}}, MIA),
        ({"ben": {"leaves_on": date(2026, 11, 23)}}, BEN),  # the last day is a day
        ({"ben": {"reachable": False}}, MIA),
        ({"ben": AWAY}, MIA),
        ({"ben": {"absent_from": date(2026, 11, 20)}}, MIA),  # away until further notice
        ({"ben": {"absent_from": date(2026, 11, 24), "absent_until": date(2026, 11, 30)}}, BEN),  # not yet
        ({"ben": {"absent_from": date(2026, 11, 1), "absent_until": date(2026, 11, 22)}}, BEN),  # back
        ({"ben": AWAY | {"deputy_id": OMAR}}, OMAR),
        ({"ben": AWAY | {"deputy_id": ANA}}, MIA),  # the deputy asks for herself
        ({"ben": AWAY | {"deputy_id": OMAR}, "omar": {"active": False}}, MIA),
        ({"ben": AWAY | {"deputy_id": OMAR}, "omar": AWAY | {"deputy_id": CHITRA}}, MIA),  # no deputy of a deputy
        ({"ben": AWAY | {"deputy_id": BEN}}, MIA),
        ({"ben": {"manager_id": ANA, "active": False}}, CHITRA),  # a circle
        ({"ben": {"active": False}, "mia": {"active": False}}, CHITRA),
        ({"ben": {"active": False}, "mia": {"active": False}, "chitra": {"active": False}}, DARA),
    ],
)
def test_one_person_is_found_whatever_the_org_chart(change: dict[str, dict[str, object]], decides: int) -> None:
    found = route(COPILOT, people(**change), Policy(), NOW)
    assert asked(found) == [("line_manager", [decides])]
    assert not found.stuck
    assert found.pre_approved is None


def test_the_reason_is_said_to_the_person_and_the_skipped_are_named() -> None:
    found = route(COPILOT, people(ben=AWAY | {"deputy_id": ANA}), Policy(), NOW)
    assert found.steps[0].asked[0].because == (
        "You manage Ben Okafor, who manages Ana Lindqvist and is away until 30 Nov 2026."
    )
    assert found.skipped == (
        "Ben Okafor is away until 30 Nov 2026",
        "Ana Lindqvist stands in for Ben Okafor but made this request",
    )


def test_a_deputy_stands_in_and_says_for_whom() -> None:
    one = route(COPILOT, people(ben=AWAY | {"deputy_id": OMAR}), Policy(), NOW).steps[0].asked[0]
    assert (one.person_id, one.stands_in_for_id) == (OMAR, BEN)
    assert one.because == "You stand in for Ben Okafor, who is away until 30 Nov 2026."


def test_absence_is_counted_in_the_absent_persons_own_zone() -> None:
    """On the evening of the 22nd in Honolulu it is the 23rd elsewhere: the absence from the 23rd has not begun."""
    away = {"absent_from": date(2026, 11, 23), "absent_until": date(2026, 11, 30), "time_zone": "Pacific/Honolulu"}
    assert asked(route(COPILOT, people(ben=away), Policy(), NOW)) == [("line_manager", [BEN])]


def test_nobody_left_is_shown_as_stuck_and_never_approved() -> None:
    gone = {name: {"active": False} for name in ("ben", "mia", "chitra", "dara")}
    found = route(COPILOT, people(**gone), Policy(), NOW)
    assert [step.asked for step in found.steps] == [()]
    assert found.steps[0].is_stuck
    assert found.pre_approved is None
    assert found.stuck[0].words.startswith("Nobody is left for this decision (rule 1:")
    assert "Ben Okafor has left" in found.stuck[0].words
    assert found.stuck[0].words.endswith("Name somebody to decide it.")


def test_the_managers_of_those_who_get_the_seats_decide_not_the_requesters() -> None:
    staff = people(omar={"manager_id": CHITRA})
    assert asked(route(replace(COPILOT, beneficiary_ids=(OMAR,)), staff, Policy(), NOW)) == [("line_manager", [CHITRA])]
    both = route(replace(COPILOT, beneficiary_ids=(ANA, OMAR), seats=2), staff, Policy(), NOW)
    assert asked(both) == [("line_manager", [BEN, CHITRA])]
    assert both.steps[0].quorum == 2, "each manager decides on their own people"


def test_people_of_one_manager_are_one_decision() -> None:
    found = route(
        replace(COPILOT, beneficiary_ids=(ANA, OMAR), seats=2), people(omar={"manager_id": BEN}), Policy(), NOW
    )
    assert asked(found) == [("line_manager", [BEN])]
    assert found.steps[0].asked[0].because == "You manage Ana Lindqvist and Omar Said."


def test_a_manager_who_asks_for_their_own_people_does_not_decide() -> None:
    found = route(replace(COPILOT, requester_id=BEN, beneficiary_ids=(ANA,)), PEOPLE, Policy(), NOW)
    assert asked(found) == [("line_manager", [MIA])]


def test_seats_whose_holders_are_named_later_are_decided_by_the_requesters_manager() -> None:
    assert asked(route(replace(COPILOT, beneficiary_ids=(), seats=2), PEOPLE, Policy(), NOW)) == [
        ("line_manager", [BEN])
    ]


def test_one_person_fills_one_step() -> None:
    """Ben manages Ana and looks after Copilot: he decides as manager, somebody near decides for the product."""
    given = policy(approval={"steps": ["line_manager", "product_owner"]})
    found = route(replace(COPILOT, owner_id=BEN), PEOPLE, given, NOW)
    assert asked(found) == [("line_manager", [BEN]), ("product_owner", [MIA])]
    named = policy(
        approval={"steps": ["line_manager", "product_owner"], "product_owner": {"people": ["omar@example.test"]}}
    )
    assert asked(route(replace(COPILOT, owner_id=BEN), PEOPLE, named, NOW))[1] == ("product_owner", [OMAR])


def test_a_spare_is_left_to_the_step_that_has_nobody_else() -> None:
    """Dara is the fallback of the manager's step and all of finance: with Omar in the fallback too, both are filled."""
    staff = people(
        ben={"active": False}, mia={"active": False}, chitra={"active": False}, fatima={"active": False},
        dara={"roles": frozenset({Role.LICENCE_MANAGER, Role.FINANCE})},
        omar={"roles": frozenset({Role.LICENCE_MANAGER})},
    )  # fmt: skip
    given = policy(approval={"steps": ["line_manager", "finance"]})
    assert asked(route(COPILOT, staff, given, NOW)) == [("line_manager", [OMAR]), ("finance", [DARA])]


def test_an_earlier_pool_leaves_the_only_person_of_a_later_one() -> None:
    both = frozenset({Role.FINANCE, Role.SECURITY, Role.LICENCE_MANAGER})
    staff = {DARA: replace(PEOPLE[DARA], roles=both), OMAR: replace(PEOPLE[OMAR], roles=frozenset({Role.FINANCE}))}
    found = route(COPILOT, staff, policy(approval={"steps": ["finance", "security"]}), NOW)
    assert asked(found) == [("finance", [OMAR]), ("security", [DARA])]


def test_pools_that_share_people_ask_each_of_them_once() -> None:
    both = frozenset({Role.FINANCE, Role.SECURITY})
    staff = {ident: replace(PEOPLE[ident], roles=both) for ident in (BEN, MIA, CHITRA, FATIMA)}
    found = route(COPILOT, staff, policy(approval={"steps": ["finance", "security"]}), NOW)
    assert asked(found) == [("finance", [BEN, CHITRA, FATIMA]), ("security", [MIA])]


def test_a_circle_of_managers_is_named() -> None:
    found = route(COPILOT, people(ana={"manager_id": ANA}), Policy(), NOW)
    assert found.skipped == ("The managers above Ana Lindqvist form a circle",)


@pytest.mark.parametrize(
    ("facts", "parts", "kinds"),
    [
        ({}, {}, ["line_manager"]),
        ({}, {"finance": {"above": {"EUR": 100}}}, ["line_manager", "finance"]),
        ({}, {"finance": {"above": {"EUR": Decimal("118.75")}}}, ["line_manager"]),
        ({"cost": None}, {"finance": {"above": {"EUR": 10**6}}}, ["line_manager", "finance"]),
        ({"cost": None}, {}, ["line_manager"]),  # no limit, nothing is above it
        ({"recent": Sums.of([Money(Decimal(900), "EUR")])}, {"finance": {"above": {"EUR": 1000}}},
         ["line_manager", "finance"]),
        ({"recent": Sums.of([None])}, {"finance": {"above": {"EUR": 1000}}}, ["line_manager", "finance"]),
        ({"cost": Money(Decimal(1), "SEK")}, {"finance": {"above": {"EUR": 1000}}}, ["line_manager", "finance"]),
        ({}, {"finance": {"above": {"EUR": 100}, "counts": "purchases"}}, ["line_manager"]),
        (
            {"purchase_needed": True},
            {"finance": {"above": {"EUR": 100}, "counts": "purchases"}},
            ["line_manager", "finance", "purchase"],
        ),
        ({"over_budget": True}, {}, ["line_manager", "finance"]),
        ({"purchase_needed": True}, {}, ["line_manager", "purchase"]),
        (
            {},
            {"products": {"copilot": {"restricted": {"rule": 6, "because": "customer data"}}}},
            ["line_manager", "security"],
        ),
        ({}, {"products": {"copilot": {"steps": ["product_owner"]}}}, ["product_owner"]),
        ({"product_key": None, "product_name": "Figma"}, {}, ["licence_manager", "purchase"]),
        (
            {"product_key": None, "product_name": "Figma", "sensitive_data": True},
            {},
            ["licence_manager", "security", "purchase"],
        ),
    ],
)  # fmt: skip
def test_which_decisions_are_needed(facts: dict[str, object], parts: dict[str, object], kinds: list[str]) -> None:
    found = route(replace(COPILOT, **facts), PEOPLE, policy(**parts), NOW)  # type: ignore[arg-type]
    assert [step.kind.value for step in found.steps] == kinds
    assert not found.stuck
    assert all(step.because.startswith("rule ") for step in found.steps)


def test_splitting_a_request_does_not_go_under_the_limit() -> None:
    given = policy(finance={"rule": 2, "above": {"EUR": 1000}})
    whole = replace(COPILOT, cost=Money(Decimal(1200), "EUR"))
    half = replace(COPILOT, cost=Money(Decimal(600), "EUR"), recent=Sums.of([Money(Decimal(600), "EUR")]))
    assert asked(route(whole, PEOPLE, given, NOW)) == asked(route(half, PEOPLE, given, NOW))
    words = route(half, PEOPLE, given, NOW).steps[1].because
    assert words == "rule 2: €1,200.00 in 30 days is not known to stay within €1,000.00, so finance decides too"


def test_a_pool_is_asked_together_and_a_quorum_counts_different_people() -> None:
    staff = people(omar={"roles": frozenset({Role.FINANCE})}, chitra={"roles": frozenset({Role.FINANCE})})
    given = policy(approval={"steps": ["finance"], "finance": {"roles": ["finance"], "quorum": 2}})
    found = route(COPILOT, staff, given, NOW)
    assert asked(found) == [("finance", [CHITRA, FATIMA, OMAR])]
    assert found.steps[0].quorum == 2
    alone = route(COPILOT, people(dara={"active": False}), given, NOW)
    assert asked(alone) == [("finance", [FATIMA])]
    assert alone.stuck, "a quorum of two is not met by one"
    helped = route(COPILOT, PEOPLE, given, NOW)
    assert asked(helped) == [("finance", [FATIMA, DARA])]


def test_whoever_approved_the_money_does_not_confirm_the_order() -> None:
    staff = people(fatima={"roles": frozenset({Role.FINANCE, Role.PROCUREMENT})})
    added = plan_step(StepKind.PURCHASE, COPILOT, staff, Policy(), NOW, taken=frozenset({FATIMA}))
    assert asked(added) == [("purchase", [GORAN])]
    only = {ident: person for ident, person in staff.items() if ident not in (GORAN, DARA)}
    assert plan_step(StepKind.PURCHASE, COPILOT, only, Policy(), NOW, taken=frozenset({FATIMA})).stuck


FREE = {"rule": 4, "below": {"EUR": 200}, "who": {"departments": ["design"], "employment": ["employee"]}}


@pytest.mark.parametrize(
    ("facts", "change", "rule", "approved"),
    [
        ({}, {}, {}, True),
        ({"is_extension": True, "free_seats": 0}, {}, {}, True),  # the seat is theirs already
        ({"free_seats": 0}, {}, {}, False),
        ({"free_seats": None}, {}, {}, False),
        ({"seats": 2}, {}, {"max_seats": 5}, False),  # nobody named for the second
        ({"seats": 2, "beneficiary_ids": (ANA, BEN)}, {}, {}, False),  # more than one
        ({"seats": 2, "beneficiary_ids": (ANA, BEN)}, {}, {"max_seats": 2}, True),
        ({"beneficiary_ids": (OMAR,)}, {}, {}, False),  # another department
        ({"beneficiary_ids": (99,)}, {}, {}, False),
        ({}, {"ana": {"employment": "guest"}}, {}, False),
        ({"cost": None}, {}, {}, False),
        ({"cost": Money(Decimal(200), "EUR")}, {}, {}, False),  # below, not up to
        ({"cost": Money(Decimal(1), "USD")}, {}, {}, False),  # no rate
        ({"recent": Sums.of([Money(Decimal("81.25"), "EUR")])}, {}, {}, False),
        ({"recent": Sums.of([None])}, {}, {}, False),
        ({"purchase_needed": True}, {}, {}, False),
        ({"over_budget": True}, {}, {}, False),
        ({"product_key": None}, {}, {}, False),
        ({}, {}, {"products": ["miro"]}, False),
        ({}, {}, {"products": ["miro", "copilot"]}, True),
        ({"tier_rank": 2}, {}, {"highest_rank": 1}, False),
        ({}, {}, {"max_days": 30}, False),  # to the end of the contract
        ({"days": 30}, {}, {"max_days": 30}, True),
        ({"days": 31}, {}, {"max_days": 30}, False),
    ],
)
def test_only_what_a_rule_says_is_approved_without_asking(
    facts: dict[str, object], change: dict[str, dict[str, object]], rule: dict[str, object], approved: bool
) -> None:
    given = policy(pre_approved=[FREE | rule])
    found = route(replace(COPILOT, **facts), people(**change), given, NOW)  # type: ignore[arg-type]
    assert (found.pre_approved is not None) == approved
    assert bool(found.steps) != approved


def test_approval_by_rule_says_which_and_why() -> None:
    found = route(COPILOT, PEOPLE, policy(pre_approved=[FREE]), NOW)
    assert str(found.pre_approved) == "rule 4: a seat is free and it costs under €200.00"


@pytest.mark.parametrize(
    "parts",
    [
        {"products": {"copilot": {"restricted": {"rule": 6, "because": "x"}}}},
        {"not_allowed": [{"rule": 6, "name": "Copilot", "because": "x"}]},
        {"products": {"copilot": {"may_ask": {"rule": 6, "only": {"departments": ["Sales"]}, "reason": "x"}}}},
    ],
    ids=["restricted", "banned", "not for this person"],
)
def test_no_rule_approves_what_another_forbids(parts: dict[str, object]) -> None:
    assert route(COPILOT, PEOPLE, policy(pre_approved=[FREE], **parts), NOW).pre_approved is None


def test_when_the_time_is_up_the_next_above_is_asked_then_the_owner_then_the_fallback() -> None:
    tried: list[int] = [BEN]
    while True:
        step = StepFacts(StepKind.LINE_MANAGER, COPILOT, (tried[-1],), tried_ids=frozenset(tried))
        following = next_in_line(step, PEOPLE, Policy(), NOW)
        if following is None:
            break
        if len(tried) == 1:
            assert following.because.startswith("Ben Okafor was asked first and did not answer in time. You manage")
        tried.append(following.person_id)
    assert tried == [BEN, MIA, CHITRA, DARA]


def test_the_next_in_line_is_nobody_who_decides_another_step() -> None:
    step = StepFacts(StepKind.LINE_MANAGER, COPILOT, (BEN,), elsewhere_ids=frozenset({MIA, CHITRA}))
    following = next_in_line(step, PEOPLE, Policy(), NOW)
    assert following is not None
    assert following.person_id == DARA


def test_each_of_several_managers_has_a_next_of_their_own() -> None:
    staff = people(omar={"manager_id": CHITRA}, chitra={"manager_id": SARA})
    facts = replace(COPILOT, beneficiary_ids=(ANA, OMAR), seats=2, owner_id=None)
    step = StepFacts(StepKind.LINE_MANAGER, facts, (BEN, CHITRA))
    first, second = (next_in_line(step, staff, Policy(), NOW, instead_of_id=late) for late in (BEN, CHITRA))
    assert first is not None
    assert second is not None
    assert (first.person_id, second.person_id) == (MIA, SARA)
