"""A policy file with errors: each is named with its line and what to put; nothing of the file is taken over."""

from datetime import date, time
from decimal import Decimal
from pathlib import Path
from textwrap import dedent

import pytest

from workflows.policy import Policy
from workflows.policy_file import LARGEST_TEXT, PolicyProblems, digest, dump, load

SHIPPED = Path(__file__).parents[2] / "policy.yaml"


def problems(text: str) -> list[str]:
    with pytest.raises(PolicyProblems) as caught:
        load(dedent(text))
    return caught.value.lines()


def test_the_shipped_policy_is_right_and_says_every_setting() -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    policy = load(text)
    assert policy.approval.fallback.roles
    assert policy.finance.above
    for setting in Policy.model_fields:
        assert f"\n{setting}:" in text, f"{setting} is not explained in policy.yaml"


@pytest.mark.parametrize("text", ["", "\n", "# nothing yet\n", "{}", "---\n..."])
def test_an_empty_file_is_the_default_policy(text: str) -> None:
    assert load(text) == Policy()


def test_the_sentence_names_file_line_setting_bounds_and_what_to_do() -> None:
    text = "limits:\n  rule: 3\n  max_seats: 0\n"
    with pytest.raises(PolicyProblems) as caught:
        load(text, "policy.yaml")
    problem = caught.value.problems[0]
    assert (problem.line, problem.column) == (3, 3)
    assert caught.value.say(date(2026, 11, 2)) == (
        "policy.yaml, line 3: *max_seats* must be 1 to 50, it says 0. "
        "The policy of 2 Nov 2026 stays in force. Correct the line, then run the check."
    )
    assert "stays in force" not in caught.value.say()


def test_all_problems_are_named_at_once_in_the_order_of_the_file() -> None:
    assert problems(
        """\
        working_hours: {starts: 9, days: [mon, someday]}
        messages:
          a_day_at_most: 12
        chanels:
          licences: x
        mail: 3
        """
    ) == [
        'policy.yaml, line 1: *starts* must be a time of day such as "09:00", it says 9.',
        "policy.yaml, line 1: *days* must be one of mon, tue, wed, thu, fri, sat or sun, it says someday.",
        "policy.yaml, line 3: *a_day_at_most* must be 1 to 3, it says 12.",
        "policy.yaml, line 4: *chanels* is not a setting here; did you mean *channels*?",
        "policy.yaml, line 6: *mail* must be settings, each written as name: value, it says 3.",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("limits:\n  max_seats: 3\n  max_seats: 4\n", "line 3: *max_seats* is given twice"),
        ("limits:\n  max_seat: 3\n", "line 2: *max_seat* is not a setting here; did you mean *max_seats*?"),
        ("limits: {max_seats: 2.5}", "must be 1 to 50, it says 2.5"),
        ("limits: {max_seats: true}", "must be 1 to 50, it says true"),
        ("limits: {max_seats: '5'}", "must be 1 to 50, it says 5"),
        ("limits: {ask_for_more: Dara}", "*ask_for_more* must be an e-mail address, it says Dara"),
        ("version: 2", "*version* must be 1, it says 2"),
        ("finance: {above: {EUR: -1}}", "*EUR* must be an amount of money such as 50.00, it says -1"),
        ("finance: {above: {EUR: .nan}}", "*EUR* must be an amount of money"),
        ("finance: {above: {EUR: 1.00001}}", "*EUR* must be an amount of money"),
        ("finance: {above: {euros: 1}}", "*euros* must be a currency code such as EUR"),
        ("finance: {above: 1000}", "*above* must be settings"),
        ("approval: {steps: [boss]}", "*steps* must be one of line_manager, product_owner"),
        ("approval: {steps: line_manager}", "*steps* must be a list"),
        ("approval: {steps: []}", "*steps* must name at least one step"),
        ("approval: {steps: [finance, finance]}", "*steps* must not name a step twice"),
        ("approval: {fallback: {}}", "*fallback* must name people or roles"),
        ("approval: {remind_at_percent: [80, 50]}", "*remind_at_percent* must grow"),
        ("working_hours: {starts: '17:00', ends: '09:00'}", "*ends* must be later than *starts*"),
        ("working_hours: {days: []}", "*days* must name at least one working day"),
        ("working_hours: {starts: '25:00'}", "*starts* must be a time of day"),
        ("not_allowed: [{rule: 4, name: Dropbox}]", "*because* is missing"),
        ("not_allowed: [{rule: 4, name: 7, because: x}]", '*name* must be text; put it in quotes: "7"'),
        ("not_allowed: [{rule: 4, name: '', because: x}]", "*name* must be text of 1 to 500 characters"),
        ("not_allowed: [{rule: 1, name: A, because: x}]", "rule 1 is used twice; approval has it already"),
        ("conflicts: [{rule: 9, products: [a, a], because: x}]", "*products* must name at least two different"),
        ("pre_approved: [{rule: 4, below: {}}]", "*below* must name a sum"),
        ("pre_approved: [{rule: 4}]", "*below* is missing"),
        (
            "products: {e5: {restricted: {rule: 6, because: x}}}\npre_approved:\n- rule: 4\n  below: {EUR: 1}\n"
            "  products: [e5]",
            "line 5: *products* holds e5, which is restricted",
        ),
        ("products: {Big Thing: {}}", "*Big Thing* must be a key of small letters"),
        ("products: {e5: {group: g}}", "*group* names g, which *licensing_groups* does not hold"),
        ("products: {p: {tiers: [{rule: 7, highest: A}, {rule: 9, highest: B}]}}", "*tiers* may hold one limit"),
        ("licensing_groups: {g: {id: x, does_nothing_but_license: true}}", "*id* must be an id of 36 characters"),
        (
            "licensing_groups: {g: {id: 0f9d51a2-7a3c-4a53-9b1c-111111111111, does_nothing_but_license: false}}",
            "*does_nothing_but_license* must be true, it says false",
        ),
        ("safe: {restricted: true}", "*restricted* must be false, it says true"),
        ("rates: [{base: EUR, quote: USD, rate: 0, on: 2026-01-01, source: x}]", "*rate* must be a rate above 0"),
        ("rates: [{base: EUR, quote: EUR, rate: 1, on: 2026-01-01, source: x}]", "*quote* must be another currency"),
        ("rates: [{base: EUR, quote: USD, rate: 1, on: 2026-13-01, source: x}]", "*on* must be a day such as"),
        ("[1, 2]", "a policy is settings"),
        ("just words", "a policy is settings"),
        ("a: [", "line 1: this cannot be read as YAML"),
        ("a: b: c", "line 1: this cannot be read as YAML"),
        ("a: 1\n---\nb: 2", "line 2: this cannot be read as YAML"),
        ("? [a]\n: 1", "a setting's name must be one word"),
        (
            "channels: {licences: !!python/object/apply:os.system [x]}",
            "the tag !!python/object/apply:os.system has",
        ),
        ("channels: {licences: !secret x}", "the tag !secret has no meaning here"),
        ("channels:\n  <<: {licences: a}", "*<<* is not a setting here"),
        ("x: 1\x00", "a character here cannot stand in YAML"),
        ("x: *nowhere", "this cannot be read as YAML"),
    ],
)
def test_each_mistake_has_its_sentence(text: str, words: str) -> None:
    assert any(words in line for line in problems(text)), problems(text)


def test_every_sentence_ends_once_and_names_a_line() -> None:
    for line in problems("limits: {max_seat: 3}\nversion: 9\n"):
        assert line.startswith("policy.yaml, line ")
        assert line[-1] in ".?"
        assert line[-2] not in ".?"


def test_words_that_yaml_would_change_stay_words() -> None:
    """`NO` is Norway and 09:00 a time, whatever older YAML makes of them."""
    text = "working_hours: {starts: 09:30}\npre_approved: [{rule: 4, below: {EUR: 1}, who: {countries: [NO, FR]}}]"
    policy = load(text)
    assert policy.working_hours.starts == time(9, 30)
    assert policy.pre_approved[0].who.countries == ("NO", "FR")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 5000,
        "{a: " * 500,
        "x: &a [*a]",
        "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
            f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(8)
        ),
        "- 1\n" * 30_000,
        "#" * (LARGEST_TEXT + 1),
    ],
    ids=["nested lists", "nested settings", "a circle", "a billion laughs", "many rows", "a large file"],
)  # fmt: skip
def test_a_file_made_to_exhaust_is_refused_quickly(text: str) -> None:
    with pytest.raises(PolicyProblems) as caught:
        load(text)
    assert len(caught.value.problems) <= 2


def test_an_alias_within_bounds_is_fine() -> None:
    text = "finance: {above: &sums {EUR: 10.50}}\nsafe: {below: *sums}\n"
    assert load(text).safe.below == load(text).finance.above


def test_the_digest_names_the_text() -> None:
    assert digest("a: 1") == digest("a: 1") != digest("a: 2")
    assert len(digest("\ud800")) == 64


def test_the_shipped_policy_reads_back_equal() -> None:
    policy = load(SHIPPED.read_text(encoding="utf-8"))
    assert load(dump(policy)) == policy


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("channels:\n  licences: #licences\n  procurement: null  # none here\n", 2),
        ("products:\n  visio:\n    tiers:\n    - # up to Plan 1\n", 4),
        ("channels: {licences: #licences\n  }\n", 1),
    ],
)
def test_what_a_comment_swallowed_is_not_taken_for_nothing(text: str, line: int) -> None:
    """`licences: #licences` named no channel at all, and nobody was told."""
    with pytest.raises(PolicyProblems) as caught:
        load(text)
    assert [problem.line for problem in caught.value.problems] == [line]
    assert "is empty: # begins a comment; put what follows in quotes, or write null" in str(caught.value)


def test_comments_beside_and_above_values_stay_allowed() -> None:
    text = "channels:  # where\n  # the first\n  licences: '#licences'  # quoted\nrates: []  # none\nlimits:\n# last\n"
    with pytest.raises(PolicyProblems, match="limits"):
        load(text)
    assert load(text.replace("limits:", "limits: {}")).channels.licences == "#licences"


@pytest.mark.parametrize(("amount", "meant"), [("1.000", "1.00 or 1000"), ("0.125", "0.12 or 125")])
@pytest.mark.parametrize("quote", ["", '"'])
def test_an_amount_with_three_decimals_is_refused(amount: str, meant: str, quote: str) -> None:
    """In half of Europe 1.000 is a thousand: finance would have decided above one euro."""
    with pytest.raises(PolicyProblems, match=rf"line 2: \*EUR\* could be read two ways, .*: write {meant}"):
        load(f"finance:\n  above: {{EUR: {quote}{amount}{quote}}}\n")
    assert load("finance: {above: {EUR: 1000, SEK: 10.5, USD: 1.0000}}").finance.above["SEK"] == Decimal("10.5")
