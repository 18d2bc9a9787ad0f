"""Who must decide, who is next in line, and whether the person who pressed may: facts in, a decision out, no I/O.

Routing is total (rules §5). A missing manager, a cycle, a leaver, somebody away or without an account leads to the
manager's manager, the product owner, the fallback group, and then to a `Stuck` step that people are shown; it never
leads to an approval. Requester and beneficiaries are excluded everywhere, deputies under the same exclusions, and one
person fills one step of a request.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from licensing.money import Money
from licensing.words import cut
from model.requests import StepKind
from workflows import refusals
from workflows.candidates import FALLBACK_TIER, LONGEST_WORDS, Search, fill, search_for, together
from workflows.facts import Asked, Directory, PlannedStep, RequestFacts, Route, StepFacts, Stuck
from workflows.policy import Policy, Rule
from workflows.policy_limits import limit_passed_by

#: A pool is asked together, but no more people than this unless the quorum needs them.
ASKED_AT_MOST = 5
#: Steps with one natural person; the fallback group behind them is asked together all the same.
ALONE = {StepKind.LINE_MANAGER, StepKind.PRODUCT_OWNER}

__all__ = ["may_be_asked", "may_decide", "next_in_line", "plan_step", "pre_approval", "route", "step_kinds"]


def route(facts: RequestFacts, directory: Directory, policy: Policy, now: datetime) -> Route:
    """The steps of a request in order, or the rule that approves it without asking."""
    rule = pre_approval(facts, directory, policy, now)
    if rule is not None:
        return Route((), pre_approved=rule)
    return _plan(step_kinds(facts, policy, now), facts, directory, policy, now, frozenset())


def plan_step(
    kind: StepKind,
    facts: RequestFacts,
    directory: Directory,
    policy: Policy,
    now: datetime,
    taken: frozenset[int] = frozenset(),
) -> Route:
    """A route of one further step, for a need that came up later; `taken` were asked in or decided other steps.

    For the purchase confirmation `taken` holds whoever approved the money.
    """
    because = dict(step_kinds(facts, policy, now)).get(kind, _because(kind, facts, policy))
    return _plan([(kind, because)], facts, directory, policy, now, taken)


def step_kinds(facts: RequestFacts, policy: Policy, now: datetime) -> list[tuple[StepKind, str]]:
    """The decisions a request needs, in order, each with the rule in words."""
    if facts.product_key is None:
        kinds = [StepKind.LICENCE_MANAGER, *([StepKind.SECURITY] if facts.sensitive_data else []), StepKind.PURCHASE]
        return [(kind, _because(kind, facts, policy)) for kind in kinds]
    steps = {kind: _because(kind, facts, policy) for kind in policy.steps_for(facts.product_key)}
    restricted = policy.product(facts.product_key).restricted
    if restricted is not None:
        steps[StepKind.SECURITY] = f"rule {restricted.rule}: security decides too ({restricted.because})"
    finance = _finance(facts, policy, now)
    if finance is not None:
        steps[StepKind.FINANCE] = finance
    confirms = steps.pop(StepKind.PURCHASE, None)
    if confirms or facts.purchase_needed:
        steps[StepKind.PURCHASE] = _because(StepKind.PURCHASE, facts, policy)
    return list(steps.items())


def pre_approval(facts: RequestFacts, directory: Directory, policy: Policy, now: datetime) -> Rule | None:
    """The first rule that approves the request without asking, in words for "Approved by rule 4: …"; usually None.

    A seat must be free for each named person, the sum known and below the rule's, and nothing about it restricted.
    """
    key = facts.product_key
    if key is None or facts.purchase_needed or facts.over_budget or len(facts.beneficiary_ids) < facts.seats:
        return None
    if not facts.is_extension and (facts.free_seats is None or facts.free_seats < facts.seats):
        return None
    own = policy.product(key)
    people = [directory.get(person_id) for person_id in facts.beneficiary_ids]
    if own.restricted is not None or policy.not_allowed_for(key, facts.product_name) is not None:
        return None
    for free in policy.pre_approved:
        if free.products and key not in free.products:
            continue
        if any(
            person is None
            or person.has_left(now)
            or not person.fits(free.who)
            or not (own.may_ask is None or person.fits(own.may_ask.only))
            for person in people
        ):
            continue
        if facts.seats > free.max_seats or (free.highest_rank is not None and facts.tier_rank > free.highest_rank):
            continue
        if free.max_days is not None and (facts.days is None or facts.days > free.max_days):
            continue
        if not free.below or facts.cost is None or _above(free.below, facts, policy, now, inclusive=True):
            continue
        currency = facts.cost.currency if facts.cost.currency in free.below else next(iter(free.below))
        limit = Money(free.below[currency], currency)
        start = "the seat is held already" if facts.is_extension else "a seat is free"
        return Rule(free.rule, f"{start} and it costs under {limit}")
    return None


def next_in_line(
    step: StepFacts, directory: Directory, policy: Policy, now: datetime, instead_of_id: int | None = None
) -> Asked | None:
    """Whom to ask when the time is up for `instead_of_id` (default: the first who was asked).

    None when nobody is left: the step stays open, and the licence managers are told.
    """
    late_id = instead_of_id if instead_of_id is not None else next(iter(step.asked_ids), None)
    late = None if late_id is None else directory.get(late_id)
    barred = step.barred | step.tried_ids | set(step.asked_ids)
    searches = search_for(step.kind, step.request, directory, policy, now, barred)
    near = [search for search in searches if late_id in search.rights] or searches
    found = sorted((candidate for search in near for candidate in search.candidates), key=lambda one: one.tier)
    if not found:
        return None
    chosen = found[0].asked
    if late is None:
        return chosen
    return Asked(
        chosen.person_id,
        cut(f"{late.name} was asked first and did not answer in time. {chosen.because}", LONGEST_WORDS),
        chosen.stands_in_for_id,
    )


def may_be_asked(person_id: int, step: StepFacts, directory: Directory, now: datetime) -> str | None:
    """Why a step cannot be handed on to somebody, as a sentence; None when it can."""
    person = directory.get(person_id)
    if person is None:
        return "This person is not in the staff directory."
    if person_id == step.request.requester_id:
        return f"{person.name} made this request, so someone else decides."
    if person_id in step.request.beneficiary_ids:
        return f"{person.name} would get this seat, so someone else decides."
    if person_id in step.money_barred:
        return f"{person.name} approved the money, so someone else confirms the order."
    if person_id in step.elsewhere_ids | step.decided_elsewhere_ids:
        return f"{person.name} decides another step of this request."
    if person_id in step.agreed_ids or person_id in step.asked_ids:
        return f"{person.name} has been asked already."
    reason = person.cannot_be_asked(now)
    return None if reason is None else f"{person.name} {reason}. Choose someone else."


def may_decide(
    presser_id: int | None,
    step: StepFacts,
    directory: Directory,
    policy: Policy,
    now: datetime,
    link_code: str = "",
) -> refusals.Refusal | None:
    """Whether the person who pressed may decide this step now; None means yes, else the sentence for them.

    The right is derived anew: having been asked is not enough when the department has another manager since.
    """
    presser = None if presser_id is None else directory.get(presser_id)
    if presser is None or presser.has_left(now):
        return refusals.UnknownPerson(link_code)
    others = tuple(
        directory[person_id].name for person_id in step.asked_ids if person_id != presser.id and person_id in directory
    )
    if presser.id == step.request.requester_id:
        return refusals.OwnRequest(others)
    if presser.id in step.request.beneficiary_ids:
        return refusals.WouldBenefit()
    if presser.id in step.money_barred:
        return refusals.MoneyThenOrder(others)
    if presser.id in step.decided_elsewhere_ids:
        return refusals.DecidedAnotherStep(others)
    if presser.id not in step.asked_ids:
        return refusals.NotYourStep(others)
    if presser.id in step.handed_on_ids:
        return None
    searches = search_for(step.kind, step.request, directory, policy, now, step.barred - {presser.id})
    if any(presser.id in search.rights for search in searches):
        return None
    heirs = sorted((one for search in searches for one in search.candidates), key=lambda one: one.tier)
    heir = directory.get(heirs[0].asked.person_id) if heirs else None
    return refusals.RightGone(heir.name if heir else "", _what(step, directory), heir.id if heir else None)


def _what(step: StepFacts, directory: Directory) -> str:
    """What the right was over: a department for managers, else the product."""
    first = directory.get(next(iter(step.request.beneficiary_ids), step.request.requester_id))
    if step.kind is StepKind.LINE_MANAGER and first is not None and first.department:
        return first.department
    return step.request.product_name


def _because(kind: StepKind, facts: RequestFacts, policy: Policy) -> str:
    who = {
        StepKind.LINE_MANAGER: "the manager of the person who gets the seat decides",
        StepKind.PRODUCT_OWNER: f"whoever looks after {facts.product_name} decides",
        StepKind.FINANCE: "finance decides too",
        StepKind.SECURITY: "security decides too",
        StepKind.LICENCE_MANAGER: "a licence manager decides",
        StepKind.PURCHASE: "somebody other than who approved the money confirms the order",
    }[kind]
    if facts.product_key is None and kind is StepKind.SECURITY:
        who = "security decides too (data about people or customers)"
    rule = policy.finance.rule if kind is StepKind.FINANCE else policy.approval.rule
    return f"rule {rule}: {who}"


def _finance(facts: RequestFacts, policy: Policy, now: datetime) -> str | None:
    """Why finance decides too, or None."""
    rule = f"rule {policy.finance.rule}"
    if facts.over_budget:
        return f"{rule}: this goes over the budget, so finance decides too"
    if policy.finance.counts == "purchases" and not facts.purchase_needed:
        return None
    limit = _above(policy.finance.above, facts, policy, now)
    if limit is None:
        return None
    if facts.cost is None or facts.total.unknown:
        return f"{rule}: the price is not recorded, so it counts as above every limit and finance decides too"
    days = policy.finance.sum_over_days
    return f"{rule}: {facts.total} in {days} days is not known to stay within {limit}, so finance decides too"


def _above(
    limits: Mapping[str, Decimal], facts: RequestFacts, policy: Policy, now: datetime, *, inclusive: bool = False
) -> Money | None:
    return limit_passed_by(limits, facts.total, policy.dated_rates(), now.date(), inclusive=inclusive)


def _plan(
    kinds: list[tuple[StepKind, str]],
    facts: RequestFacts,
    directory: Directory,
    policy: Policy,
    now: datetime,
    taken: frozenset[int],
) -> Route:
    """Fills the steps so that nobody is in two of them and, while it is possible at all, none stays without people.

    Each step offers candidates in tiers, nearest first. Slots are filled tier by tier in the order of the steps, and a
    choice that would leave another slot empty that could be filled is not made.
    """
    searches: list[list[Search]] = [
        search_for(kind, facts, directory, policy, now, facts.excluded | taken) for kind, _ in kinds
    ]
    slots: list[tuple[int, Search]] = []
    for step, found in enumerate(searches):
        for search in found:
            slots += [(step, search)] * search.quorum
    chosen = fill([search.candidates for _, search in slots])
    used = {candidate.asked.person_id for candidate in chosen if candidate is not None}
    steps: list[PlannedStep] = []
    stuck: list[Stuck] = []
    skipped: list[str] = []
    for step, (kind, because) in enumerate(kinds):
        asked = [one for (owner, _), one in zip(slots, chosen, strict=True) if owner == step and one is not None]
        quorum = sum(search.quorum for search in searches[step])
        if len(searches[step]) == 1 and asked:
            farthest = max(one.tier for one in asked)
            further = together(searches[step][0].candidates, farthest, used, len(asked), ASKED_AT_MOST)
            if kind not in ALONE or farthest == FALLBACK_TIER:
                used |= {one.asked.person_id for one in further}
                asked += further
        step_skipped = [words for search in searches[step] for words in search.skipped]
        planned = PlannedStep(kind, cut(because, LONGEST_WORDS), quorum, tuple(one.asked for one in asked))
        steps.append(planned)
        skipped += [words for words in step_skipped if words not in skipped]
        if planned.is_stuck:
            stuck.append(Stuck(kind, _stuck_words(planned, step_skipped)))
    return Route(tuple(steps), skipped=tuple(skipped), stuck=tuple(stuck))


def _stuck_words(step: PlannedStep, skipped: list[str]) -> str:
    """For the licence managers: which decision, what is in the way, what to do."""
    reasons = ". ".join(skipped) + ". " if skipped else ""
    missing = step.quorum - len(step.asked)
    need = "Nobody is left" if not step.asked else f"{missing} more needed, and nobody is left"
    return cut(f"{need} for this decision ({step.because}). {reasons}Name somebody to decide it.", 500)
