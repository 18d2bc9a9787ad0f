"""Random companies, with circles, leavers, absences, deputies and empty roles: routing stays total and fair."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from licensing.money import Money, Sums
from model.people import Role
from model.requests import StepKind
from workflows.approval import may_decide, next_in_line, plan_step, route
from workflows.facts import Directory, PersonFacts, RequestFacts, StepFacts
from workflows.policy import Approval, Deciders, Finance, Policy, PreApproval

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TODAY = date(2026, 11, 23)
IDS = st.integers(1, 9)  # 9 is never anybody: a reference that leads nowhere
ROLES = (Role.FINANCE, Role.SECURITY, Role.LICENCE_MANAGER, Role.PROCUREMENT)
STEPS = [StepKind.LINE_MANAGER, StepKind.PRODUCT_OWNER, StepKind.FINANCE, StepKind.SECURITY, StepKind.LICENCE_MANAGER]


@st.composite
def companies(draw: st.DrawFn) -> dict[int, PersonFacts]:
    staff = {}
    for number in range(1, draw(st.integers(2, 9))):
        away = draw(st.sampled_from((None, None, None, -1, 0, 5)))
        staff[number] = PersonFacts(
            number,
            f"Person {number}",
            f"p{number}@example.test",
            manager_id=draw(st.none() | IDS),
            active=draw(st.sampled_from((True, True, True, False))),
            absent_from=None if away is None else TODAY - timedelta(days=3),
            absent_until=None if away is None else TODAY + timedelta(days=away),
            deputy_id=draw(st.none() | IDS),
            roles=frozenset(draw(st.lists(st.sampled_from(ROLES), max_size=2))),
            department=draw(st.sampled_from(("Design", "Sales"))),
            reachable=draw(st.sampled_from((True, True, True, False))),
        )
    return staff


REQUESTS = st.builds(
    RequestFacts,
    requester_id=IDS,
    beneficiary_ids=st.lists(IDS, max_size=4, unique=True).map(tuple),
    product_key=st.sampled_from(("copilot", "copilot", None)),
    product_name=st.just("Copilot"),
    owner_id=st.none() | IDS,
    seats=st.integers(1, 4),
    free_seats=st.none() | st.integers(0, 4),
    cost=st.none() | st.builds(Money, st.decimals(0, 200, places=2), st.sampled_from(("EUR", "SEK"))),
    recent=st.builds(Sums.of, st.lists(st.none() | st.just(Money(Decimal(40), "EUR")), max_size=2)),
    is_extension=st.booleans(),
    purchase_needed=st.booleans(),
    over_budget=st.booleans(),
    sensitive_data=st.booleans(),
)
POOLS = st.builds(
    Deciders,
    people=st.lists(st.sampled_from([f"p{n}@example.test" for n in range(1, 10)]), max_size=2, unique=True).map(tuple),
    roles=st.lists(st.sampled_from(ROLES), max_size=2, unique=True).map(tuple),
    quorum=st.integers(1, 2),
)
POLICIES = st.builds(
    Policy,
    approval=st.builds(
        Approval,
        steps=st.lists(st.sampled_from(STEPS), min_size=1, max_size=4, unique=True).map(tuple),
        line_manager_quorum=st.integers(1, 2),
        product_owner=POOLS,
        finance=POOLS,
        security=POOLS,
        fallback=POOLS,
    ),
    finance=st.builds(Finance, above=st.sampled_from(({}, {"EUR": Decimal(100)}))),
)


def available(person: PersonFacts) -> bool:
    """Written apart from the program's own test of it."""
    away = person.absent_until is not None and person.absent_until >= TODAY
    return person.active and person.reachable and not away


def fallback_of(policy: Policy, staff: Directory) -> set[int]:
    group = policy.approval.fallback
    return {one.id for one in staff.values() if one.email in group.people or one.roles & set(group.roles)}


@settings(max_examples=400)
@given(companies(), REQUESTS, POLICIES)
def test_every_step_has_people_unless_truly_nobody_is_left(
    staff: dict[int, PersonFacts], request: RequestFacts, policy: Policy
) -> None:
    found = route(request, staff, policy, NOW)
    assert found.pre_approved is None, "no rule says so"
    assert found.steps
    everybody = [one.person_id for step in found.steps for one in step.asked]
    assert len(everybody) == len(set(everybody)), "one person, one step"
    assert not set(everybody) & request.excluded
    assert all(available(staff[person_id]) for person_id in everybody)
    for step in found.steps:
        assert step.is_stuck == (len(step.asked) < step.quorum)
        assert all(one.because and len(one.because) <= 300 for one in step.asked)
        for one in step.asked:
            if one.stands_in_for_id is not None:
                assert staff[one.stands_in_for_id].deputy_id == one.person_id
    assert {stuck.kind for stuck in found.stuck} == {step.kind for step in found.steps if step.is_stuck}
    if found.stuck:
        spare = {person_id for person_id in fallback_of(policy, staff) if available(staff[person_id])}
        assert spare <= request.excluded | set(everybody), "somebody of the fallback group was left out"


@settings(max_examples=200)
@given(companies(), REQUESTS, POLICIES, st.none() | st.integers(1, 9))
def test_only_those_asked_may_press(
    staff: dict[int, PersonFacts], request: RequestFacts, policy: Policy, stranger: int | None
) -> None:
    found = route(request, staff, policy, NOW)
    for planned in found.steps:
        asked = tuple(one.person_id for one in planned.asked)
        others = frozenset(one.person_id for step in found.steps if step is not planned for one in step.asked)
        step = StepFacts(planned.kind, request, asked, tried_ids=frozenset(asked), elsewhere_ids=others)
        for person_id in asked:
            assert may_decide(person_id, step, staff, policy, NOW) is None
        refused = may_decide(stranger, step, staff, policy, NOW)
        assert (refused is None) == (stranger in asked)
        assert refused is None or refused.sentence.endswith(".")
        for person_id in request.excluded:
            handed = replace(step, asked_ids=(person_id,), handed_on_ids=frozenset({person_id}))
            assert may_decide(person_id, handed, staff, policy, NOW) is not None, "not even when handed on"


@settings(max_examples=200)
@given(companies(), REQUESTS, POLICIES, st.frozensets(IDS, max_size=3), st.sampled_from(list(StepKind)))
def test_passing_on_ends_and_asks_nobody_twice(
    staff: dict[int, PersonFacts], request: RequestFacts, policy: Policy, elsewhere: frozenset[int], kind: StepKind
) -> None:
    asked = [
        one.person_id for step in plan_step(kind, request, staff, policy, NOW, elsewhere).steps for one in step.asked
    ]
    tried = set(asked)
    for _ in range(len(staff) + 1):
        step = StepFacts(kind, request, tuple(asked), frozenset(tried), elsewhere_ids=elsewhere)
        following = next_in_line(step, staff, policy, NOW)
        if following is None:
            break
        assert following.person_id not in tried | elsewhere | request.excluded
        assert available(staff[following.person_id])
        asked = [following.person_id]
        tried.add(following.person_id)
    else:
        raise AssertionError("passing on never ended")


@settings(max_examples=300)
@given(companies(), REQUESTS)
def test_a_rule_approves_only_what_it_names(staff: dict[int, PersonFacts], request: RequestFacts) -> None:
    rule = PreApproval.model_validate(
        {"rule": 4, "below": {"EUR": 100}, "who": {"departments": ["Design"]}, "max_seats": 2}
    )
    found = route(request, staff, Policy(pre_approved=(rule,)), NOW)
    people = [staff.get(person_id) for person_id in request.beneficiary_ids]
    total = sum((money.amount for money in request.total.each()), Decimal(0))
    allowed = (
        request.product_key == "copilot"
        and (request.is_extension or (request.free_seats or 0) >= request.seats)
        and not request.purchase_needed
        and not request.over_budget
        and request.seats <= min(2, len(people))
        and all(person is not None and person.active and person.department == "Design" for person in people)
        and request.cost is not None
        and request.total.unknown == 0
        and (request.cost.currency == "EUR" or not request.cost)
        and total < 100
    )
    assert (found.pre_approved is not None) == allowed
    assert bool(found.steps) != allowed
