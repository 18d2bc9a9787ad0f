"""Seats that are more than is needed: covered by another seat of the same person, or larger than what they hold.

A smaller tier fits only where what is stored and used fits it (rules §7). What cannot be read is "not checked", and a
person must tick that row by itself. Mail is looked at first: what is lost there is lost for good after 30 days.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from licensing.idle.products import gives_mail, gives_office, plans_of
from licensing.suites import Covers, key

#: Sizes of a mailbox by the plan that gives it, in bytes: kiosk 2 GB, plan 1 50 GB, plan 2 100 GB.
GB = 1024**3
MAILBOX_ROOM: dict[str, int] = {
    "EXCHANGE_S_DESKLESS": 2 * GB,
    "EXCHANGE_S_DESKLESS_GOV": 2 * GB,
    "EXCHANGE_S_STANDARD": 50 * GB,
    "EXCHANGE_S_STANDARD_GOV": 50 * GB,
    "EXCHANGE_B_STANDARD": 50 * GB,
    "EXCHANGE_S_ENTERPRISE": 100 * GB,
    "EXCHANGE_S_ENTERPRISE_GOV": 100 * GB,
}
_ARCHIVES = frozenset({"EXCHANGE_S_ENTERPRISE", "EXCHANGE_S_ENTERPRISE_GOV", "EXCHANGE_S_ARCHIVE_ADDON"})
_PHONE = frozenset({"MCOEV", "MCOEV_GOV"})
_POWER_BI = frozenset({"BI_AZURE_P1", "BI_AZURE_P2", "BI_AZURE_P3", "BI_AZURE_P_2_GOV", "BI_AZURE_P3_GOV"})


#: What goes by a report, so that it may be known when a row is listed and not when it goes.
_REPORTED = ("mailbox", "archive", "desktop apps")


class Fit(enum.StrEnum):
    """Whether one thing a person stores or uses has room in the smaller tier."""

    FITS = "fits"
    TOO_BIG = "too_big"
    NOT_CHECKED = "not_checked"  # it could not be read: a tick of its own


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was compared, with words for the row: "mailbox: 12.4 GB of 50 GB"."""

    what: str
    fit: Fit
    words: str


@dataclass(frozen=True, slots=True)
class Rightsizing:
    """Whether a smaller tier would do. `offered` False: something that is stored or used has no room there."""

    checks: tuple[Check, ...]

    @property
    def offered(self) -> bool:
        return not any(one.fit is Fit.TOO_BIG for one in self.checks)

    @property
    def not_checked(self) -> tuple[str, ...]:
        """What needs a tick for this row alone."""
        return tuple(one.words for one in self.checks if one.fit is Fit.NOT_CHECKED)

    @property
    def unread(self) -> tuple[str, ...]:
        """Of these, what reports say on other days."""
        return tuple(one.words for one in self.checks if one.fit is Fit.NOT_CHECKED and one.what in _REPORTED)

    @property
    def words(self) -> str:
        """Why it is not offered, or what was not checked; "" when everything fits."""
        too_big = [one.words for one in self.checks if one.fit is Fit.TOO_BIG]
        return "; ".join(too_big or self.not_checked)


def covered_by(sku: str, held: Iterable[str], covers: Covers) -> str:
    """The other SKU of the same person that wholly covers `sku`, or "": a candidate "redundant" (rules §7).

    Where two cover each other the one that is named first in the order of ids stays, so that never both go.
    """
    for other in sorted({key(one) for one in held} - {key(sku)}):
        if covers.covers(other, sku) and not (covers.covers(sku, other) and key(sku) < other):
            return other
    return ""


def dry_run_words(said_on: date | None, max_age_days: int, today: date) -> str:
    """Why a campaign that deletes mailboxes may only be a dry run, or "": who is on hold must have been said lately."""
    if said_on is None:
        return "Dry run only: nobody has said which mailboxes are on hold."
    age = (today - said_on).days
    if age > max_age_days:
        return f"Dry run only: nobody has said which mailboxes are on hold in the last {max_age_days} days."
    return ""


def rightsizing(
    from_sku: str,
    to_sku: str,
    mailbox: Mapping[str, Any] | None,
    apps: Mapping[str, Any] | None,
    *,
    phone_number: bool | None = None,
    power_bi: bool | None = None,
    watched: Iterable[str] = (),
) -> Rightsizing:
    """Whether what a person stores and uses fits the smaller tier; SKUs by id or part number.

    `mailbox` and `apps` are the facts of their reports, None where the person is not in them; of a phone number and of
    Power BI None means that nobody can say. `watched` are service plans the company's policy names (security add-ons):
    nobody reports their use, so losing one is always told.
    """
    before, after = plans_of(from_sku, from_sku), plans_of(to_sku, to_sku)
    checks: list[Check] = []
    if gives_mail(from_sku, from_sku):
        checks += _mail(mailbox, after)
    if gives_office(from_sku, from_sku) and not gives_office(to_sku, to_sku):
        checks.append(_used("desktop apps", apps.get("desktop") if apps else None))
    if before & _PHONE and not after & _PHONE:
        checks.append(_used("phone number", phone_number))
    if before & _POWER_BI and not after & _POWER_BI:
        checks.append(_used("Power BI", power_bi))
    checks += [_used(plan, None) for plan in sorted({one.upper() for one in watched} & (before - after))]
    return Rightsizing(tuple(checks))


def _mail(mailbox: Mapping[str, Any] | None, after: frozenset[str]) -> list[Check]:
    room = max((MAILBOX_ROOM[plan] for plan in after if plan in MAILBOX_ROOM), default=0)
    size = mailbox.get("bytes") if mailbox else None
    archive = mailbox.get("archive") if mailbox else None
    checks = []
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        checks.append(Check("mailbox", Fit.NOT_CHECKED, "mailbox size not checked"))
    else:
        fit = Fit.FITS if size <= room else Fit.TOO_BIG
        checks.append(Check("mailbox", fit, f"mailbox: {size / GB:.1f} GB of {room // GB} GB"))
    if archive is None:
        checks.append(Check("archive", Fit.NOT_CHECKED, "archive not checked"))
    elif archive:
        fits = bool(after & _ARCHIVES)
        words = "has an archive mailbox" if fits else "has an archive mailbox, which the smaller tier lacks"
        checks.append(Check("archive", Fit.FITS if fits else Fit.TOO_BIG, words))
    return checks


def _used(what: str, used: bool | None) -> Check:
    if used is None:
        return Check(what, Fit.NOT_CHECKED, f"{what} not checked")
    return Check(what, Fit.TOO_BIG if used else Fit.FITS, f"{what} in use" if used else f"{what} not in use")
