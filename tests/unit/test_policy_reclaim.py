"""The part `reclaim:` of the policy says on its own line what is wrong with it, and what each product's rule is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from licensing.idle import Rule, evidence_of
from workflows.policy_file import PolicyProblems, dump, load

LATIN = "8f0e9a52-0000-4000-8000-0000000000bb"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("reclaim:\n  idle_days: 3\n", "line 2: *idle_days* must be 14 to 730, it says 3"),
        ("reclaim:\n  rule: 2\n", "line 2: rule 2 is used twice"),
        (
            "reclaim:\n  products:\n    miro: {rule: 40}\n",
            "line 3: rule 40 is used twice; reclaim has it already",
        ),
        ("reclaim:\n  idle_day: 60\n", "line 2: *idle_day* is not a setting here; did you mean *idle_days*?"),
        ("reclaim:\n  products:\n    miro: {idle_days: 60}\n", "line 3: *rule* is missing"),
        ("reclaim:\n  products:\n    miro: {rule: 50, sources: [gossip]}\n", "line 3: *sources* must be one of"),
        (
            "reclaim:\n  products:\n    miro: {rule: 50, sources: [import, import]}\n",
            "line 3: *sources* must not name a source twice",
        ),
        (
            f"reclaim:\n  groups:\n    - {{id: {LATIN}}}\n",
            "line 3: *does_nothing_but_license* is missing",
        ),
        (
            f"reclaim:\n  groups:\n    - {{id: {LATIN}, does_nothing_but_license: false}}\n",
            "line 3: *does_nothing_but_license* must be true, it says false",
        ),
        (
            "reclaim:\n  groups:\n    - {id: Copilot, does_nothing_but_license: true}\n",
            "line 3: *id* must be an id of 36",
        ),
        (
            f"reclaim:\n  never: {{groups: [{LATIN}]}}\n  groups:\n"
            f"    - {{id: {LATIN.upper()}, does_nothing_but_license: true}}\n",
            "line 3: *groups* holds a group that *never* leaves out",
        ),
        (
            "reclaim:\n  confirmers: []\n",
            "line 2: *confirmers* must name at least one role: nothing is taken unconfirmed",
        ),
        ("reclaim:\n  confirmers: [anybody]\n", "line 2: *confirmers* must be one of"),
        (
            "reclaim:\n  answer_working_days: 5\n  remind_after_working_days: 5\n",
            "line 3: *remind_after_working_days* must be below *answer_working_days*",
        ),
        ("reclaim:\n  reviews: {products: [miro], every: week}\n", "line 2: *every* must be one of"),
        (
            'reclaim:\n  never: {service_accounts: ["*"]}\n',
            "line 2: *service_accounts* holds a pattern that fits every address",
        ),
        ("reclaim:\n  limits: {per_cent_of_product: 0}\n", "line 2: *per_cent_of_product* must be 1 to 100, it says 0"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, said: str) -> None:
    with pytest.raises(PolicyProblems) as wrong:
        load(text)
    assert said in "\n".join(wrong.value.lines())


def test_each_product_has_its_rule_and_the_register_counts_where_the_file_has_none() -> None:
    rules = load(
        "reclaim:\n  idle_days: 80\n  products:\n    copilot: {rule: 41, idle_days: 60, little_used_days: 2}\n"
    ).reclaim
    general = Rule(number=40, idle_days=80)
    assert rules.judged_by("miro", None, large_mailbox_gb=50) == general
    assert rules.judged_by("miro", 120, large_mailbox_gb=50) == replace(general, idle_days=120)
    own = rules.judged_by("copilot", 120, large_mailbox_gb=50, paused="5 of 12")
    assert own == Rule(number=41, idle_days=60, little_used_days=2, paused="5 of 12")
    assert own.name == "rule 41"


def test_a_rule_may_leave_sources_out_and_a_product_all_campaigns() -> None:
    rules = load(
        "reclaim:\n  products:\n    e3: {rule: 41, sources: [m365_active]}\n    visio: {rule: 42, never: true}\n"
    ).reclaim
    e3 = evidence_of("Microsoft 365 E3", "SPE_E3")
    assert rules.counts_for("e3", e3).needs == ("m365_active",)
    assert rules.counts_for("miro", e3) is e3
    assert rules.never_judged("visio") and not rules.never_judged("e3")


@pytest.mark.parametrize(
    ("email", "service"),
    [
        ("svc-backup@example.com", True),
        ("SVC_Print@example.com", True),
        ("breakglass1@example.com", True),
        ("svetlana@example.com", False),
        ("ana@svc-example.com", False),
    ],
)
def test_service_accounts_by_the_part_before_the_at(email: str, service: bool) -> None:
    assert load("").reclaim.service_account(email) is service


def test_people_departments_and_groups_whatever_their_case() -> None:
    text = f"""
reclaim:
  never: {{people: [Ceo@Example.com], departments: [Legal]}}
  groups: [{{id: {LATIN}, does_nothing_but_license: true}}]
"""
    rules = load(text).reclaim
    assert rules.excluded_by("ceo@example.com", "") == "the policy names this person"
    assert rules.excluded_by("ana@example.com", "LEGAL") == "the policy leaves out Legal"
    assert rules.excluded_by("ana@example.com", "") == ""
    assert rules.acts_on(LATIN.upper()) and not rules.acts_on(LATIN[:-1] + "c")
    assert load(dump(load(text))) == load(text)
