"""Each mistake in the request form has its sentence at its field, word for word."""

from dataclasses import replace
from datetime import date

import pytest

from workflows.eligibility import FormFacts, Held, OpenRequest, check, check_named, latest_day, may_have, not_allowed
from workflows.facts import PersonFacts
from workflows.policy import Policy

TODAY = date(2026, 11, 23)
ANA = PersonFacts(1, "Ana Lindqvist", department="Design", country="SE")
KAI = PersonFacts(2, "Kai Moreno", department="Sales", country="FR", employment="guest")
FINE = FormFacts(
    requester=ANA,
    product_key="project",
    product_name="Planner and Project",
    people=(ANA,),
    seats=1,
    why="plan of the Lyon office move",
    tier="Plan 1",
    tiers={"Plan 1": 1, "Plan 3": 2, "Plan 5": 3},
    term_ends=date(2027, 6, 30),
    approver="Ben Okafor",
    helper="Dara Novak",
)
POLICY = Policy.model_validate(
    {
        "not_allowed": [
            {"rule": 4, "name": "Dropbox", "because": "customer data",
             "alternative": "OneDrive does the same and is yours already."},
            {"rule": 5, "name": "torrents", "because": "no licence"},
        ],
        "products": {
            "project": {
                "tiers": [
                    {"rule": 6, "highest": "Plan 1"},
                    {"rule": 7, "departments": ["Sales"], "highest": "Plan 5"},
                ]
            },
            "autocad": {
                "may_ask": {"rule": 9, "only": {"departments": ["Engineering"]}, "reason": "only Engineering draws"}
            },
            "miro": {"max_days": 30, "max_seats": 2},
        },
        "conflicts": [{"rule": 11, "products": ["project", "release"], "because": "one pair of eyes"}],
    }
)  # fmt: skip


def test_a_form_without_mistakes_has_no_sentence() -> None:
    assert check(FINE, POLICY, TODAY) == {}
    assert check(replace(FINE, until=date(2026, 11, 24)), POLICY, TODAY) == {}
    assert check(replace(FINE, until=date(2027, 6, 30), people=(), seats=50 - 30), POLICY, TODAY) == {}


@pytest.mark.parametrize(
    ("change", "name", "sentence"),
    [
        ({"product_key": None}, "product", "Choose a product from the list, or “Something else”."),
        ({"held": (Held(1, "project", "Planner and Project", date(2027, 3, 31)),)}, "product",
         "You already have this, until 31 Mar 2027. To keep it longer, open Home and choose it."),
        ({"held": (Held(1, "project", "Planner and Project"),)}, "product",
         "You already have this, until the contract ends."),
        ({"open_requests": (OpenRequest(1, date(2026, 11, 20), "Ben Okafor"),)}, "product",
         "You asked for this on 20 Nov 2026; it waits for Ben Okafor."),
        ({"product_key": "dropbox", "product_name": "Dropbox", "tiers": {}}, "product",
         "Dropbox may not be used here (policy 4: customer data). OneDrive does the same and is yours already."),
        ({"product_key": "autocad", "product_name": "AutoCAD LT", "tiers": {}}, "product",
         "AutoCAD LT is not open to your team (policy 9: only Engineering draws). Dara Novak can tell you more."),
        ({"held": (Held(1, "release", "Payment release"),)}, "product",
         "You have Payment release, and nobody may hold both (policy 11: one pair of eyes). Give that back first."),
        ({"tier": "Plan 3"}, "tier", "Your team may have Plan 1. For Plan 3, say below what Plan 1 lacks."),
        ({"tier": ""}, "tier", "Choose a tier."),
        ({"unknown_people": ("Kai Moreno",)}, "people",
         "Kai Moreno is not in the staff directory. Remove the name, or ask IT to add it."),
        ({"unknown_people": ("Kai Moreno", "Li Wei")}, "people",
         "Kai Moreno and Li Wei are not in the staff directory. Remove the names, or ask IT to add them."),
        ({"people": (ANA, replace(KAI, active=False)), "seats": 2}, "people", "Kai Moreno has left. Remove the name."),
        ({"people": (KAI,), "held": (Held(2, "project", "Planner and Project", date(2027, 3, 31)),)}, "people",
         "Kai Moreno already has this, until 31 Mar 2027. Remove the name."),
        ({"people": (KAI,), "open_requests": (OpenRequest(2, date(2026, 11, 20), "Ben Okafor"),)}, "people",
         "This was asked for Kai Moreno on 20 Nov 2026; it waits for Ben Okafor. Remove the name."),
        ({"people": (KAI,), "held": (Held(2, "release", "Payment release"),)}, "people",
         "Kai Moreno has Payment release, and nobody may hold both (policy 11: one pair of eyes). Remove the name."),
        ({"people": (KAI,), "product_key": "autocad", "product_name": "AutoCAD LT", "tiers": {}}, "people",
         "AutoCAD LT is not open to Kai Moreno (policy 9: only Engineering draws). Remove the name."),
        ({"people": (ANA, KAI, replace(KAI, id=3))}, "count", "You named 3 people: ask for 3 seats or more."),
        ({"seats": 21}, "count", "At most 20 at once. For more, ask Dara Novak."),
        ({"seats": 3, "product_key": "miro", "tiers": {}, "until": date(2026, 12, 1)}, "count",
         "At most 2 at once. For more, ask Dara Novak."),
        ({"seats": 0, "people": ()}, "count", "Ask for 1 seat or more."),
        ({"until": TODAY}, "until", "Choose a day from 24 Nov 2026 to 30 Jun 2027."),
        ({"until": date(2027, 7, 1)}, "until", "Choose a day from 24 Nov 2026 to 30 Jun 2027."),
        ({"until": TODAY, "term_ends": None}, "until", "Choose a day from 24 Nov 2026 on."),
        ({"product_key": "miro", "tiers": {}}, "until", "Choose a day from 24 Nov 2026 to 23 Dec 2026."),
        ({"term_ends": TODAY}, "until",
         "23 Nov 2026 is the last day a seat can be given for; there is no later one. Ask Dara Novak."),
        ({"extends_until": date(2027, 1, 31), "until": date(2027, 1, 31)}, "until",
         "Choose a day from 1 Feb 2027 to 30 Jun 2027."),
        ({"why": "  short   "}, "why", "Write at least 10 characters, so that Ben need not ask."),
        ({"why": "", "approver": ""}, "why", "Write at least 10 characters, so that nobody needs to ask."),
        ({"why": "x" * 501}, "why", "Write at most 500 characters; 1 are too many."),
    ],
)  # fmt: skip
def test_each_mistake_stands_at_its_field(change: dict[str, object], name: str, sentence: str) -> None:
    assert check(replace(FINE, **change), POLICY, TODAY) == {name: sentence}  # type: ignore[arg-type]


def test_several_fields_are_named_at_once_and_each_says_one_thing() -> None:
    wrong = check(replace(FINE, tier="Plan 5", seats=0, until=TODAY, why="?", unknown_people=("X",)), POLICY, TODAY)
    assert list(wrong) == ["people", "tier", "count", "until", "why"]


def test_saying_what_the_smaller_tier_lacks_is_enough() -> None:
    assert check(replace(FINE, tier="Plan 3", why="plan 1 has no timelines for the move"), POLICY, TODAY) == {}
    assert check(replace(FINE, tier="Plan 5", people=(KAI,)), POLICY, TODAY) == {}, "Sales may have Plan 5"


def test_keeping_a_seat_longer_is_not_asking_for_it_again() -> None:
    held = (Held(1, "project", "Planner and Project", date(2027, 1, 31)),)
    longer = replace(FINE, held=held, extends_until=date(2027, 1, 31), until=date(2027, 3, 31))
    assert check(longer, POLICY, TODAY) == {}


def test_the_last_day_is_the_contracts_or_policys_whichever_is_first() -> None:
    assert latest_day(FINE, POLICY, TODAY) == date(2027, 6, 30)
    assert latest_day(replace(FINE, product_key="miro"), POLICY, TODAY) == date(2026, 12, 23)
    assert latest_day(replace(FINE, term_ends=None), POLICY, TODAY) is None


def test_the_search_list_can_say_why_before_anything_is_sent() -> None:
    assert not_allowed(POLICY, "", "torrents") == "torrents may not be used here (policy 5: no licence)."
    assert not_allowed(POLICY, "miro", "Miro") is None
    assert may_have(KAI, "autocad", POLICY) == "policy 9: only Engineering draws"
    assert may_have(KAI, "miro", POLICY) is None


def test_right_to_left_names_do_not_turn_the_sentence_round() -> None:
    name = "محمد الفارسي"
    words = check(replace(FINE, people=(replace(KAI, name=name, active=False),)), POLICY, TODAY)["people"]
    assert words.startswith(f"\u2068{name}\u2069 has left")


@pytest.mark.parametrize(
    ("change", "sentences"),
    [
        ({}, ()),
        ({"why": "", "seats": 0, "until": date(2020, 1, 1), "people": (KAI,)}, ()),  # decided before
        ({"people": (KAI,), "tier": "Plan 3", "why": ""}, ()),  # Sales may have Plan 5
        (
            {"people": (replace(KAI, department="Legal"),), "tier": "Plan 3", "why": ""},
            ("Legal may have Plan 1. Remove the name.",),
        ),
        (
            {"people": (KAI,), "product_key": "autocad", "product_name": "AutoCAD", "tiers": {}},
            ("AutoCAD is not open to Kai Moreno (policy 9: only Engineering draws). Remove the name.",),
        ),
        (
            {"people": (KAI,), "held": (Held(2, "project", "Planner and Project", date(2027, 3, 31)),)},
            ("Kai Moreno already has this, until 31 Mar 2027. Remove the name.",),
        ),
        (
            {"people": (KAI,), "held": (Held(2, "release", "Release"),)},
            (
                "Kai Moreno has Release, and nobody may hold both (policy 11: one pair of eyes). Remove the name.",
            ),
        ),
        ({"people": (), "unknown_people": ("Kai Moreno",)}, (
            "Kai Moreno is not in the staff directory. Remove the name, or ask IT to add it.",)),
        ({"product_key": "dropbox", "product_name": "Dropbox", "tiers": {}}, (
            "Dropbox may not be used here (policy 4: customer data). OneDrive does the same and is yours already.",)),
    ],
)  # fmt: skip
def test_who_may_be_named_later_is_said_in_the_words_of_the_form(change: dict[str, object], sentences: object) -> None:
    assert check_named(replace(FINE, **change), POLICY) == sentences  # type: ignore[arg-type]


def test_a_limit_that_names_no_tier_of_the_product_opens_none() -> None:
    """`highest: Plan3` where the tier is "Plan 3": every tier was open."""
    policy = Policy.model_validate({"products": {"project": {"tiers": [{"rule": 6, "highest": "Plan3"}]}}})
    assert check(FINE, policy, TODAY) == {}, "the lowest is within any limit"
    for tier in ("Plan 3", "Plan 5"):
        assert "tier" in check(replace(FINE, tier=tier), policy, TODAY)
