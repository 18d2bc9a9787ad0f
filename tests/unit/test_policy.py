"""What a policy answers: whose limit, which rule, and sums compared across currencies only by a stated rate."""

from datetime import date
from decimal import Decimal

import pytest

from licensing.money import Money, Sums
from model.requests import StepKind
from workflows.policy import ExchangeRate, Policy, Rule
from workflows.policy_limits import limit_passed_by

ON = date(2026, 11, 23)
LIMITS = {"EUR": Decimal(1000), "USD": Decimal(1100)}


def policy(**parts: object) -> Policy:
    return Policy.model_validate(parts)


def sums(*amounts: tuple[str, str]) -> Sums:
    return Sums.of([Money(Decimal(amount), currency) for amount, currency in amounts])


def test_an_empty_policy_lets_the_line_manager_decide() -> None:
    assert Policy().steps_for("anything") == (StepKind.LINE_MANAGER,)
    assert Policy().seats_at_most("anything") == 20
    assert Policy().days_at_most("anything") is None
    assert Policy().approval.time_limit_hours == 12
    assert Policy().messages.one_list_above == 4
    assert Policy().end_of_term.notices_days == (14, 3)


def test_a_product_differs_where_it_says_so_and_only_there() -> None:
    given = policy(
        limits={"max_days": 90},
        products={"miro": {"max_seats": 2, "steps": ["product_owner", "security"]}, "visio": {"max_days": 10}},
    )
    assert given.seats_at_most("miro") == 2
    assert given.seats_at_most("visio") == 20
    assert given.days_at_most("miro") == 90
    assert given.days_at_most("visio") == 10
    assert given.steps_for("miro") == (StepKind.PRODUCT_OWNER, StepKind.SECURITY)


def test_a_ban_is_found_by_key_or_name_in_any_case() -> None:
    given = policy(not_allowed=[{"rule": 4, "name": "Dropbox", "because": "customer data"}])
    assert given.not_allowed_for("dropbox") is not None
    assert given.not_allowed_for("box", "DROPBOX") is not None
    assert given.not_allowed_for("box", "") is None


def test_the_tier_of_a_department_goes_before_the_general_one() -> None:
    tiers = [{"rule": 9, "departments": ["Operations"], "highest": "Plan 5"}, {"rule": 10, "highest": "Plan 1"}]
    given = policy(products={"project": {"tiers": tiers}})
    own, general = given.tier_limit("project", "operations"), given.tier_limit("project", "Design")
    assert own is not None
    assert general is not None
    assert (own.highest, general.highest) == ("Plan 5", "Plan 1")
    assert given.tier_limit("miro", "Design") is None


def test_groups_rates_and_favourites_are_found() -> None:
    group = {"id": "0f9d51a2-7a3c-4a53-9b1c-111111111111", "does_nothing_but_license": True}
    given = policy(
        licensing_groups={"copilot": group},
        products={"microsoft-copilot": {"group": "copilot"}},
        often_asked_for={"Design": ["miro"]},
        rates=[{"base": "USD", "quote": "EUR", "rate": Decimal("0.9"), "on": "2026-11-20", "source": "Treasury"}],
    )
    assert given.group_of("microsoft-copilot") == given.licensing_groups["copilot"]
    assert given.group_of("miro") is None
    assert given.often_for("design") == ("miro",)
    assert given.often_for("Sales") == ()
    assert [str(rate) for rate in given.dated_rates()] == ["1 USD = 0.9 EUR, 20 Nov 2026, Treasury"]


@pytest.mark.parametrize(
    ("total", "passed"),
    [
        (sums(("1000", "EUR")), None),
        (sums(("1000.01", "EUR")), "€1,000.00"),
        (sums(("1100", "USD")), None),
        (sums(("1100.01", "USD")), "US$1,100.00"),
        (Sums(), None),
        (Sums.of([None]), "€1,000.00"),  # an unknown price is above every sum
        (sums(("1", "EUR")).plus(None), "€1,000.00"),
        (sums(("1", "SEK")), "€1,000.00"),  # no limit, no rate: above
        (sums(("500", "EUR"), ("500", "USD")), "€1,000.00"),  # cannot be added without a rate
    ],
)
def test_what_is_not_known_to_stay_within_a_limit_is_above_it(total: Sums, passed: str | None) -> None:
    limit = limit_passed_by(LIMITS, total, (), ON)
    assert (str(limit) if limit else None) == passed


def test_a_stated_rate_brings_a_sum_under_a_limit() -> None:
    rate = ExchangeRate(base="SEK", quote="EUR", rate=Decimal("0.09"), on=date(2026, 11, 20), source="Treasury")
    rates = Policy(rates=(rate,)).dated_rates()
    assert limit_passed_by(LIMITS, sums(("11111", "SEK")), rates, ON) is None
    assert limit_passed_by(LIMITS, sums(("11112", "SEK")), rates, ON) == Money(Decimal(1000), "EUR")
    assert limit_passed_by(LIMITS, sums(("9000", "SEK"), ("500", "EUR")), rates, ON) is not None
    assert limit_passed_by(LIMITS, sums(("1", "SEK")), rates, date(2026, 11, 19)) is not None, "the rate is newer"


def test_without_limits_nothing_is_above() -> None:
    assert limit_passed_by({}, Sums.of([None]), (), ON) is None


def test_reaching_a_limit_can_count_as_passing_it() -> None:
    assert limit_passed_by({"EUR": Decimal(50)}, sums(("50", "EUR")), (), ON, inclusive=True) is not None
    assert limit_passed_by({"EUR": Decimal(50)}, sums(("49.99", "EUR")), (), ON, inclusive=True) is None


def test_a_rule_reads_as_a_sentence_part() -> None:
    assert str(Rule(4, "a seat is free")) == "rule 4: a seat is free"
