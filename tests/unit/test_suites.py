"""Which Microsoft SKU covers which, computed from Microsoft's own table of service plans (rules §1, "Suites")."""

from __future__ import annotations

import pytest

from licensing.suites import CoverRow, Covers, PlanRow, cover_table, covers, microsoft, microsoft_rows, sku_named

E3, E5, F3 = "SPE_E3", "SPE_E5", "SPE_F1"
E3_NO_TEAMS = "Microsoft_365_E3_(no_Teams)"
VISIO_2, PROJECT_3, COPILOT = "VISIOCLIENT", "PROJECTPROFESSIONAL", "Microsoft_365_Copilot"
SUITES = (E3, E5, F3, "ENTERPRISEPACK", "ENTERPRISEPREMIUM", "STANDARDPACK", "DESKLESSPACK", "SPB", "EMSPREMIUM")


@pytest.mark.parametrize(
    ("suite", "part"),
    [
        (E5, "POWER_BI_PRO"),
        (E5, "MCOEV"),  # Teams Phone Standard
        (E5, "EMSPREMIUM"),  # EMS E5
        (E5, "EMS"),  # EMS E3
        (E5, E3),
        (E3, "OFFICESUBSCRIPTION"),  # Microsoft 365 Apps for enterprise
        (E3, "EMS"),
        (E3, "EXCHANGESTANDARD"),  # Exchange Online 1
        (E3, "EXCHANGEENTERPRISE"),  # Exchange Online 2
        (E3, F3),
        (E3, "ENTERPRISEPACK"),  # Office 365 E3
        (E3, "DESKLESSPACK"),  # Office 365 F3
        ("ENTERPRISEPACK", "DESKLESSPACK"),
        ("06ebc4ee-1bb5-47dd-8120-11324bc54e06", "F8A1DB68-BE16-40ED-86D5-CB42CE701560"),  # the same by id, any case
    ],
)
def test_a_suite_covers_its_parts(suite: str, part: str) -> None:
    assert covers(suite, part)
    assert not covers(part, suite)


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("part", [VISIO_2, PROJECT_3, COPILOT])
def test_no_suite_covers_visio_project_or_copilot(suite: str, part: str) -> None:
    assert not covers(suite, part)


@pytest.mark.parametrize(
    "part", ["Microsoft_Teams_Enterprise_New", "Microsoft_Teams_EEA_New", "TEAMS_ESSENTIALS_AAD", E3]
)
def test_the_suite_without_teams_does_not_cover_teams(part: str) -> None:
    assert not covers(E3_NO_TEAMS, part)
    assert covers(E3, E3_NO_TEAMS) is False  # that one has Places Core, which E3 has not: computed, not guessed


@pytest.mark.parametrize(
    ("suite", "part"),
    [
        (E3, "POWER_BI_PRO"),  # another ladder altogether
        (E3, "EMSPREMIUM"),  # P2 is above P1
        (F3, "EXCHANGESTANDARD"),  # kiosk is below plan 1
        ("EXCHANGESTANDARD", "EXCHANGEENTERPRISE"),
        (E5, E5),  # a seat is not covered by itself
        (E5, "NO_SUCH_SKU"),
        ("NO_SUCH_SKU", "POWER_BI_PRO"),
    ],
)
def test_a_lower_rung_or_an_unknown_sku_covers_nothing(suite: str, part: str) -> None:
    assert not covers(suite, part)


def rows(**skus: str) -> list[PlanRow]:
    """SKUs of a made-up vendor: name -> plans in one word list."""
    return [PlanRow(sku, sku, sku.title(), f"id-{plan}", plan) for sku, plans in skus.items() for plan in plans.split()]


def test_one_shared_plan_never_covers() -> None:
    """The foundation plan is in 246 SKUs; dropped, nothing is left of a SKU that has no other, so nothing covers it."""
    table = Covers(rows(big="EXCHANGE_S_FOUNDATION A B", small="EXCHANGE_S_FOUNDATION B", bare="EXCHANGE_S_FOUNDATION"))
    assert table.covers("big", "small")
    assert not table.covers("small", "big")
    assert not table.covers("big", "bare")
    assert not table.covers("bare", "small")
    sharing = [row.sku for row in microsoft_rows() if row.plan.upper() == "EXCHANGE_S_FOUNDATION"]
    assert len(set(sharing)) == 246


@pytest.mark.parametrize(
    ("higher", "lower"),
    [
        ("THING_P2", "THING_P1"),
        ("THING_P3", "THING_P1"),
        ("THING_E5", "THING_E1"),
        ("THING_E1", "THING_F1"),
        ("EXCHANGE_S_ENTERPRISE", "EXCHANGE_S_DESKLESS"),
        ("EXCHANGE_S_STANDARD", "EXCHANGE_S_DESKLESS"),
    ],
)
def test_a_higher_rung_covers_a_lower_one_and_never_the_other_way(higher: str, lower: str) -> None:
    table = Covers(rows(upper=f"{higher} X", under=f"{lower} X"))
    assert table.covers("upper", "under")
    assert not table.covers("under", "upper")


def test_rungs_of_different_ladders_do_not_meet() -> None:
    table = Covers(rows(upper="THING_P2 X", under="OTHER_P1 X", gov="THING_P1_GOV X"))
    assert not table.covers("upper", "under")
    assert not table.covers("upper", "gov")  # the government cloud has ladders of its own


def test_the_customers_rows_win_for_and_against() -> None:
    own = (
        CoverRow(E3, VISIO_2, "Visio comes with our agreement 4711, annex 2.", True),
        CoverRow(E5, "POWER_BI_PRO", "Our E5 was sold without Power BI.", False),
    )
    assert covers(E3, VISIO_2, own)
    assert not covers(E5, "f8a1db68-be16-40ed-86d5-cb42ce701560", own)  # by id as well as by part number
    listed = cover_table([E3, E5, VISIO_2, "POWER_BI_PRO"], own)
    assert own[0] in listed
    assert not [row for row in listed if "Power BI Pro" in row.source]


EXCHANGE_2, EXCHANGE_1 = "efb87545-963c-4e0d-99df-69c6916d9eb0", "9aaf7827-d63c-4b61-89c3-182f06f82e5c"
E1_PLANS = "STANDARDPACK"


@pytest.mark.parametrize(
    ("part", "suite_off", "part_off", "stands"),
    [
        (E3, [], [], True),
        (E3, [EXCHANGE_2], [], False),
        (E3, [EXCHANGE_2.upper()], [EXCHANGE_2], True),  # nothing is lost that was on
        (E3, [], [EXCHANGE_2], True),
        (E1_PLANS, [EXCHANGE_2], [], False),  # a higher rung that is off gives no lower one
        (E1_PLANS, [EXCHANGE_2], [EXCHANGE_1], True),
        (VISIO_2, [], [], False),
        (VISIO_2, [], ["663a804f-1c30-4ff0-9915-9db84f0d1cea"], False),  # no part of it, whatever is off
    ],
)
def test_a_service_that_is_off_in_the_suite_stands_in_for_none_that_is_on(
    part: str, suite_off: list[str], part_off: list[str], stands: bool
) -> None:
    assert microsoft().stands_in(E5, part, suite_off, part_off) is stands


def test_what_the_customers_row_covers_stands_in_unless_it_is_off_there() -> None:
    table = microsoft((CoverRow(E3, VISIO_2, "Our agreement.", True), CoverRow("made up", E3, "Our word.", True)))
    assert table.stands_in(E3, VISIO_2, [EXCHANGE_2])
    assert table.stands_in("made up", E3)


def test_each_row_of_the_table_names_its_source() -> None:
    (row,) = cover_table([E5, "POWER_BI_PRO"])
    assert row.source == (
        "Microsoft 365 E5 has the plan of Power BI Pro, or a higher one "
        "(Microsoft, Product names and service plan identifiers for licensing, 29 Jul 2026)."
    )


def test_of_two_equal_products_one_still_needs_its_unit() -> None:
    """The variant for departments has the same plans: were each covered by the other, neither would count."""
    one, other = "POWER_BI_PRO", "POWER_BI_PRO_DEPT"
    assert covers(one, other) and covers(other, one)
    assert len(cover_table([one, other])) == 1


def test_the_whole_table_never_covers_in_a_circle() -> None:
    pairs = {(row.suite, row.part) for row in microsoft().table()}
    assert len(pairs) > 3000
    assert not [pair for pair in pairs if pair[::-1] in pairs]


@pytest.mark.parametrize(
    ("written", "part_number"),
    [
        ("M365 E5", "SPE_E5"),
        ("MS 365 E3", "SPE_E3"),
        ("Microsoft 365 Enterprise E5", "SPE_E5"),
        ("O365 E3", "ENTERPRISEPACK"),
        ("Office 365 Enterprise E3", "ENTERPRISEPACK"),
        ("Microsoft Power BI Pro", "POWER_BI_PRO"),
        ("PowerBI Pro", "POWER_BI_PRO"),
        ("Azure AD Premium P1", "AAD_PREMIUM"),
        ("Azure Active Directory Premium P2", "AAD_PREMIUM_P2"),
        ("Entra ID P2", "AAD_PREMIUM_P2"),
        ("Exchange Online P1", "EXCHANGESTANDARD"),
        ("Microsoft Exchange Online (Plan 2)", "EXCHANGEENTERPRISE"),
        ("Microsoft EMS E3", "EMS"),
        ("Office 365 ProPlus", "OFFICESUBSCRIPTION"),
        ("Microsoft Teams Phone", "MCOEV"),
        ("Copilot for Microsoft 365", COPILOT),
    ],
)
def test_products_are_found_as_people_write_them(written: str, part_number: str) -> None:
    found = sku_named(written)
    assert {row.part_number for row in microsoft_rows() if row.sku.casefold() == found} == {part_number}


@pytest.mark.parametrize("written", ["Miro", "E5", "Microsoft", "Microsoft Office 365", "Visual Studio", "P2"])
def test_what_names_no_sku_is_none(written: str) -> None:
    assert sku_named(written) is None
