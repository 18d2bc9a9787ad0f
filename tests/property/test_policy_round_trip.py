"""Whatever policy can be written can be read back, and no text whatever brings the reader down."""

from datetime import date, time
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from model.people import Role
from model.requests import StepKind
from workflows import policy as p
from workflows.policy_channels import Channels
from workflows.policy_file import PolicyProblems, contradictions, dump, load
from workflows.policy_procurement import PriceRise, Procurement

KEYS = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,12}", fullmatch=True)
# Words as they can stand in a file: no control characters, and something to read in them.
WORDS = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff\u2028\u2029\x85\ufffe\uffff"), min_size=1
).filter(lambda text: bool(text.strip()))
CURRENCIES = st.sampled_from(("EUR", "USD", "CHF", "NOK"))
SUMS = st.dictionaries(CURRENCIES, st.decimals(0, 10**6, places=4), max_size=3)
COUNTRIES = st.sampled_from(("FR", "NO", "US"))
STEPS = st.lists(st.sampled_from(list(StepKind)), min_size=1, max_size=3, unique=True).map(tuple)
ROLES = st.lists(st.sampled_from(list(Role)), max_size=2, unique=True).map(tuple)
EMAILS = st.lists(st.from_regex(r"[a-z]{1,8}@[a-z]{1,8}\.test", fullmatch=True), max_size=2).map(tuple)


def few(items: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(items, max_size=2).map(tuple)


DECIDERS = st.builds(p.Deciders, people=EMAILS, roles=ROLES, quorum=st.integers(1, 10))
WHO = st.builds(
    p.Who,
    departments=few(WORDS),
    countries=few(COUNTRIES),
    employment=few(st.sampled_from(("employee", "guest"))),
    roles=ROLES,
)


@st.composite
def policies(draw: st.DrawFn) -> p.Policy:
    """A policy whose rules have numbers of their own, as `load` demands."""
    numbers = iter(range(1, 999))

    def number() -> st.SearchStrategy[int]:
        return st.builds(lambda: next(numbers))

    products = st.builds(
        p.ProductRules,
        may_ask=st.none() | st.builds(p.MayAsk, rule=number(), only=WHO, reason=WORDS),
        steps=st.none() | STEPS,
        tiers=few(st.builds(p.TierLimit, rule=number(), departments=st.tuples(WORDS), highest=WORDS)),
        max_days=st.none() | st.integers(1, 3650),
    )
    free = st.builds(
        p.PreApproval, rule=number(), below=SUMS.filter(bool), who=WHO, max_days=st.none() | st.integers(1, 99)
    )
    bans = st.builds(p.NotAllowed, rule=number(), name=WORDS, because=WORDS, alternative=st.none() | WORDS)
    rates = st.builds(
        p.ExchangeRate,
        base=st.just("GBP"),
        quote=CURRENCIES,
        rate=st.decimals("0.0001", 1000, places=4),
        on=st.dates(date(2020, 1, 1), date(2030, 1, 1)),
        source=WORDS,
    )
    return p.Policy(
        working_hours=p.WorkingHours(
            starts=time(draw(st.integers(0, 11)), draw(st.integers(0, 59))), ends=time(draw(st.integers(12, 23)), 5)
        ),
        approval=p.Approval(rule=next(numbers), steps=draw(STEPS), security=draw(DECIDERS), finance=draw(DECIDERS)),
        finance=p.Finance(rule=next(numbers), above=draw(SUMS)),
        limits=p.Limits(rule=next(numbers), max_seats=draw(st.integers(1, 50))),
        safe=p.Safe(rule=next(numbers), below=draw(SUMS)),
        products=draw(st.dictionaries(KEYS, products, max_size=3)),
        not_allowed=draw(few(bans)),  # type: ignore[arg-type]
        pre_approved=draw(few(free)),  # type: ignore[arg-type]
        rates=draw(few(rates)),  # type: ignore[arg-type]
        often_asked_for=draw(st.dictionaries(WORDS, few(KEYS), max_size=2)),  # type: ignore[arg-type]
        servicenow=p.ServiceNow(catalogue_approval_above={"USD": draw(st.decimals(0, 9999, places=2))}),
        channels=Channels(licences=draw(st.none() | WORDS)),
        procurement=Procurement(
            teams=draw(st.dictionaries(WORDS, WORDS, max_size=2)), price_rise=PriceRise(a_year=draw(SUMS))
        ),
    )


@settings(deadline=None)  # a busy machine is slow, not wrong
@given(policies())
def test_a_policy_reads_back_equal(policy: p.Policy) -> None:
    assert list(contradictions(policy)) == []
    again = load(dump(policy))
    assert again == policy
    assert dump(again) == dump(policy)


FRAGMENTS = st.sampled_from(
    ("limits:", "  max_seats: ", "\n", "- ", "{", "}", "[", "]", "&a ", "*a", "!!str ", ": ", "rule: 4", "'", '"', "|")
)


@given(st.text() | st.lists(FRAGMENTS | st.text(max_size=4), max_size=30).map("".join))
def test_any_text_is_a_policy_or_a_list_of_problems_with_lines(text: str) -> None:
    try:
        policy = load(text)
    except PolicyProblems as found:
        wrong = found
    else:
        assert load(dump(policy)) == policy
        return
    assert wrong.problems
    assert all(1 <= problem.line <= text.count("\n") + text.count("\r") + 2 for problem in wrong.problems)
    assert wrong.say(date(2026, 11, 2)).endswith("then run the check.")


@given(st.integers() | st.decimals() | st.booleans() | st.text(max_size=20))
def test_a_number_setting_takes_its_range_and_nothing_else(value: object) -> None:
    fits = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 50
    try:
        assert p.Policy.model_validate({"limits": {"max_seats": value}}).limits.max_seats == value
    except ValueError:
        assert not fits
    else:
        assert fits


def test_money_survives_as_exact_decimals() -> None:
    policy = load("finance: {above: {EUR: 0.1}}")
    assert policy.finance.above["EUR"] == Decimal("0.1")
