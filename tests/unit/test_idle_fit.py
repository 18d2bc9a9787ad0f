"""Seats that are more than is needed: covered by another seat, or larger than what is stored and used (rules §7)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from licensing.idle.fit import covered_by, dry_run_words, rightsizing
from licensing.suites import CoverRow, microsoft

GB = 1024**3
SMALL = {"bytes": 12 * GB, "archive": False}
NO_APPS = {"desktop": False}
E3_TO_E1 = ("ENTERPRISEPACK", "STANDARDPACK")  # of Office 365


@pytest.mark.parametrize(
    ("sku", "held", "by"),
    [
        ("POWER_BI_PRO", ["SPE_E5"], "spe_e5"),
        ("EMSPREMIUM", ["SPE_E5", "EMSPREMIUM"], "spe_e5"),
        ("SPE_E3", ["SPE_E5"], "spe_e5"),
        ("SPE_E5", ["SPE_E3"], ""),
        ("VISIOCLIENT", ["SPE_E5"], ""),
        ("PROJECTPROFESSIONAL", ["SPE_E5"], ""),
        ("Microsoft_365_Copilot", ["SPE_E5"], ""),
        ("NOBODY_KNOWS_IT", ["SPE_E5"], ""),
        ("SPE_E3", [], ""),
    ],
)
def test_a_seat_is_redundant_when_another_covers_all_of_it(sku: str, held: list[str], by: str) -> None:
    assert covered_by(sku, held, microsoft()) == by


def test_of_two_that_cover_each_other_one_stays() -> None:
    own = (CoverRow("A1", "B1", "ours"), CoverRow("B1", "A1", "ours"))
    taken = [sku for sku in ("A1", "B1") if covered_by(sku, ["A1", "B1"], microsoft(own))]
    assert len(taken) == 1


@pytest.mark.parametrize(
    ("what", "pair", "mailbox", "apps", "offered", "words"),
    [
        ("all fits", ("SPE_E5", "SPE_E3"), SMALL, None, True,
         "phone number not checked; Power BI not checked"),
        ("a mailbox too large for plan 1", E3_TO_E1, {"bytes": 61 * GB, "archive": False}, NO_APPS,
         False, "mailbox: 61.0 GB of 50 GB"),
        ("an archive that plan 1 lacks", E3_TO_E1, {"bytes": GB, "archive": True}, NO_APPS,
         False, "has an archive mailbox, which the smaller tier lacks"),
        ("desktop apps in use", E3_TO_E1, SMALL, {"desktop": True}, False, "desktop apps in use"),
        ("nothing in the way", E3_TO_E1, SMALL, NO_APPS, True, ""),
        ("nothing could be read", E3_TO_E1, None, None, True,
         "mailbox size not checked; archive not checked; desktop apps not checked"),
        ("a kiosk mailbox holds 2 GB", ("SPE_E3", "SPE_F1"), {"bytes": 3 * GB, "archive": False}, NO_APPS, False,
         "mailbox: 3.0 GB of 2 GB"),
        ("a size that is no number", ("SPE_E5", "SPE_E3"), {"bytes": "12", "archive": False}, None, True,
         "mailbox size not checked; phone number not checked; Power BI not checked"),
    ],
)  # fmt: skip
def test_a_smaller_tier_fits_or_says_what_was_not_checked(
    what: str,
    pair: tuple[str, str],
    mailbox: dict[str, Any] | None,
    apps: dict[str, Any] | None,
    offered: bool,
    words: str,
) -> None:
    found = rightsizing(*pair, mailbox, apps)
    assert (found.offered, found.words) == (offered, words), what
    assert bool(found.not_checked) == ("not checked" in words), what


def test_a_phone_number_and_plans_that_policy_watches_are_never_lost_silently() -> None:
    assert rightsizing("SPE_E5", "SPE_E3", SMALL, None, phone_number=True).words == "phone number in use"
    watched = rightsizing("SPE_E5", "SPE_E3", SMALL, None, phone_number=False, watched=["WINDEFATP", "TEAMS1"])
    assert watched.offered and watched.not_checked == ("Power BI not checked", "WINDEFATP not checked")
    used = rightsizing("SPE_E5", "SPE_E3", SMALL, None, phone_number=False, power_bi=True)
    assert (used.offered, used.words) == (False, "Power BI in use")
    assert rightsizing("SPE_E5", "SPE_E3", SMALL, None, phone_number=False, power_bi=False).words == ""


@pytest.mark.parametrize(
    ("said_on", "words"),
    [
        (None, "Dry run only: nobody has said which mailboxes are on hold."),
        (date(2026, 10, 23), "Dry run only: nobody has said which mailboxes are on hold in the last 30 days."),
        (date(2026, 10, 24), ""),
        (date(2026, 11, 23), ""),
    ],
)
def test_without_a_list_of_held_mailboxes_a_campaign_stays_a_dry_run(said_on: date | None, words: str) -> None:
    assert dry_run_words(said_on, 30, date(2026, 11, 23)) == words
