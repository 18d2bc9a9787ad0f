"""The invented company holds together: managers, seats, prices, hard names, Microsoft's own ids, and moved dates."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from licensing.money import Money, cost_to_end, share
from sandbox import company, graph_skus
from sandbox.company import EXAMPLE_DAY, Company, first_morning, load
from workflows import policy_file

POLICY = Path(company.DATA / "policy.demo.yaml")
HARD_NAMES = (
    "محمد عبد الرحمن الفارسي",
    "佐藤 花子",
    "Ngô Thị Bích-Ngọc",
    "Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh, Maximiliana",
    "*_~<!channel>",
)


@pytest.fixture(scope="module")
def lumen() -> Company:
    return load()


def test_the_company_has_the_promised_size(lumen: Company) -> None:
    assert len(lumen.people) == 60
    assert len(lumen.products) == 25
    assert len({staff.time_zone for staff in lumen.people.values()}) >= 8


def test_every_manager_exists_and_leads_to_the_top(lumen: Company) -> None:
    tops = [staff.key for staff in lumen.people.values() if staff.manager is None]
    assert tops == ["ingrid"]
    for staff in lumen.people.values():
        seen, at = set(), staff
        while at.manager is not None:
            assert at.key not in seen, f"{staff.key} is led in a circle"
            seen.add(at.key)
            at = lumen.people[at.manager]


def test_addresses_and_ids_belong_to_one_person_each(lumen: Company) -> None:
    for field in ("email", "directory_id", "name"):
        assert max(Counter(getattr(staff, field) for staff in lumen.people.values()).values()) == 1, field
    slack = [staff.slack_id for staff in lumen.people.values() if staff.slack_id]
    assert len(slack) == len(set(slack)) == 59


def test_hard_names_are_ordinary_staff(lumen: Company) -> None:
    names = {staff.name for staff in lumen.people.values()}
    assert names.issuperset(HARD_NAMES)
    assert max(len(product.name) for product in lumen.products.values()) == 200
    assert any("👨‍👩‍👧‍👦" in product.name for product in lumen.products.values())


def test_the_awkward_cases_are_there(lumen: Company) -> None:
    people = lumen.people
    assert people["harald"].left and people["kai"].manager == "harald"
    farsi, nina = people["farsi"], people["nina"]
    assert farsi.absent_from is not None and farsi.absent_until is not None and nina.starts_on is not None
    assert farsi.deputy == "grace" and farsi.absent_from <= lumen.day <= farsi.absent_until
    assert people["wiremu"].slack_id is None and people["aroha"].manager == "wiremu"
    assert people["kai"].usage_location is None
    assert {staff.employment for staff in people.values()} == {"employee", "contractor", "guest"}
    assert not people["guest"].in_servicenow
    assert nina.starts_on > lumen.day and not lumen.holdings("nina")


def test_seats_in_use_fit_what_was_bought(lumen: Company) -> None:
    for product in lumen.products.values():
        for tier in product.tiers:
            assert tier.bought is None or len(tier.holders) <= tier.bought, product.name


def test_the_story_of_copilot(lumen: Company) -> None:
    tier = lumen.products["microsoft-copilot"].tiers[0]
    assert (tier.bought, len(tier.holders), tier.price, tier.currency) == (40, 37, Decimal("336.00"), "EUR")
    assert "ana" not in tier.holders
    assert len(lumen.holdings("ana")) == 6
    [had] = [seat for seat in lumen.past_seats if seat.who == "ana"]
    assert (had.began_at.month, had.ended_at.month) == (2, 5)


def test_microsoft_products_are_microsofts_own(lumen: Company) -> None:
    table = graph_skus.load()
    names = set()
    for product in lumen.products.values():
        for tier in product.tiers:
            assert (tier.sku_id is not None) == product.from_microsoft
            if tier.sku_id is not None:
                assert table[tier.sku_id].part_number == tier.part
                names.add(table[tier.sku_id].name)
    assert {"Microsoft 365 E3", "Microsoft Copilot for Microsoft 365", "Planner and Project Plan 3"} <= names
    single = [one for one in lumen.products.values() if one.from_microsoft and len(one.tiers) == 1]
    assert {one.name for one in single} <= names


def test_owners_contracts_groups_and_alternatives_name_what_exists(lumen: Company) -> None:
    numbers = {contract.number for contract in lumen.contracts}
    for product in lumen.products.values():
        assert product.owner in lumen.people
        assert product.contract is None or product.contract in numbers
        assert (product.granting == "graph_group") == (lumen.group_of(product) is not None)
    assert {product.granting for product in lumen.products.values()} == {
        "graph_direct", "graph_group", "servicenow_item", "owner_task",
    }  # fmt: skip
    for one in lumen.alternatives:
        assert {one.asked, one.held} <= lumen.products.keys()
    assert {tier.currency for one in lumen.products.values() for tier in one.tiers} == {"EUR", "USD", None}


def test_past_requests_are_in_order_and_left_a_seat(lumen: Company) -> None:
    times = [request.asked_at for request in lumen.past_requests]
    assert times == sorted(times) and len(times) == 41  # the first one of the demo is REQ-1042
    past = {(seat.who, seat.product) for seat in lumen.past_seats}
    for request in lumen.past_requests:
        tier = next(tier for tier in lumen.products[request.product].tiers if tier.tier == request.tier)
        held = request.who in tier.holders or (request.who, request.product) in past
        assert held == (request.outcome in ("fulfilled", "bought")), f"{request.who}: {request.product}"


def test_the_policy_of_the_demo_speaks_of_this_company(lumen: Company) -> None:
    policy = policy_file.load(POLICY.read_text(encoding="utf-8"), POLICY.name)
    assert set(policy.products) <= lumen.products.keys()
    for rule in policy.pre_approved:
        assert set(rule.products) <= lumen.products.keys()
    for keys in policy.often_asked_for.values():
        assert set(keys) <= lumen.products.keys()
    [group] = policy.licensing_groups.values()
    product = lumen.products["visio-plan-1"]
    assert policy.group_of("visio-plan-1") == group and group.id == getattr(lumen.group_of(product), "id", "")
    assert policy.not_allowed_for("Dropbox") is not None
    assert policy.servicenow.purchase_catalogue_item == company.catalogue_id("Software: any purchase")
    assert policy.servicenow.new_product_catalogue_item == company.catalogue_id("Software: something new")
    addresses = {staff.email for staff in lumen.people.values()}
    for deciders in (policy.approval.finance, policy.approval.purchase, policy.approval.fallback):
        assert set(deciders.people) <= addresses


@pytest.mark.parametrize(
    ("real", "expected"),
    [
        (datetime(2026, 8, 1, 3, tzinfo=UTC), datetime(2026, 11, 23, 8, 14, tzinfo=UTC)),
        (datetime(2026, 11, 23, 4, tzinfo=UTC), datetime(2026, 11, 23, 8, 14, tzinfo=UTC)),
        (datetime(2026, 11, 23, 20, tzinfo=UTC), datetime(2026, 11, 23, 8, 14, tzinfo=UTC)),
        (datetime(2026, 11, 24, 3, tzinfo=UTC), datetime(2026, 11, 24, 8, 14, tzinfo=UTC)),
        (datetime(2026, 11, 24, 9, tzinfo=UTC), datetime(2026, 11, 25, 8, 14, tzinfo=UTC)),
        (datetime(2026, 11, 27, 9, tzinfo=UTC), datetime(2026, 11, 30, 8, 14, tzinfo=UTC)),
        (datetime(2027, 7, 3, 9, tzinfo=UTC), datetime(2027, 7, 5, 7, 14, tzinfo=UTC)),
    ],
)
def test_the_first_morning_is_a_working_day_not_before_today(real: datetime, expected: datetime) -> None:
    assert first_morning(real) == expected
    assert expected.astimezone(ZoneInfo("Europe/Paris")).strftime("%H:%M") == "09:14"


@pytest.mark.parametrize("day", [EXAMPLE_DAY, date(2027, 2, 10), date(2028, 3, 1)])
def test_on_any_day_the_sums_are_those_of_the_story(day: date) -> None:
    moved = load(day)
    [contract] = [one for one in moved.contracts if one.number == "LF-MS-COPILOT"]
    assert contract.ends_on == day + timedelta(days=128)
    price = moved.products["microsoft-copilot"].tiers[0].price
    assert price is not None
    cost = cost_to_end(Money(price, "EUR"), "year", day, contract.ends_on, 1)
    counted = share("year", day, contract.ends_on)
    assert cost == Money(Decimal("118.75"), "EUR") and counted is not None
    assert all(request.asked_at.date() < day for request in moved.past_requests)
