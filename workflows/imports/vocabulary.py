"""The words a cell may hold where the register knows a list, each with its other spellings."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from licensing import cells
from licensing.cells import Cell, Format, Unreadable
from licensing.position.facts import Kind, Metric, Right
from licensing.renewal.terms import Programme
from model.licences import Granting
from workflows.imports.columns import Column, Reader, listed, one_of, several_of, text
from workflows.register.entitlements import UNLIMITED

METRICS = one_of(
    {
        Metric.NAMED_USER.value: ("user", "users", "per user", "named users"),
        Metric.DEVICE.value: ("devices", "per device", "computer", "machine", "installation", "install"),
        Metric.CONCURRENT.value: ("floating", "concurrent user", "concurrent users", "network"),
        Metric.CORE.value: ("cores", "per core"),
        Metric.CONSUMPTION.value: ("usage", "metered", "pay as you go"),
        Metric.SITE.value: ("sites", "per site"),
    }
)
PURCHASES = one_of(
    {
        Kind.SUBSCRIPTION.value: ("term", "rental"),
        Kind.PERPETUAL.value: ("permanent", "one-off", "purchase"),
        Kind.SAAS.value: ("cloud", "software as a service"),
        Kind.CONCURRENT.value: ("floating",),
        Kind.CONSUMPTION.value: ("usage", "pay as you go"),
    }
)
CYCLES = one_of(
    {
        "month": ("monthly", "per month", "a month"),
        "year": ("yearly", "annual", "annually", "per year", "a year"),
        "once": ("one-off", "one-time", "onetime", "perpetual", "single"),
    }
)
RIGHTS = several_of(
    {Right.DOWNGRADE.value: ("downgrade rights",), Right.SECOND_USE.value: ("second use rights", "secondary use")}
)
DEVICES = one_of(
    {
        "desktop": ("pc", "workstation", "tower", "all in one"),
        "portable": ("laptop", "notebook", "tablet"),
        "server": ("host", "physical server"),
        "virtual": ("vm", "virtual machine", "virtual server", "vdi"),
    }
)
STATES = one_of({"live": ("active", "in use"), "stale": ("silent",), "retired": ("disposed", "scrapped")})
EMPLOYMENTS = one_of({"employee": ("staff", "permanent"), "contractor": ("external",), "guest": ()})
MODELS = one_of({"paid": ("commercial",), "free": ("freeware", "open source"), "unknown": ("not known",)})
AUTHORISED = one_of({"request": (), "baseline": (), "exception": (), "nothing": ("none", "unauthorised")})
PROGRAMMES = one_of(
    {
        Programme.ENTERPRISE_AGREEMENT.value: ("ea", "enterprise enrolment", "enterprise enrollment"),
        Programme.NEW_COMMERCE.value: ("nce", "csp", "microsoft customer agreement", "mca"),
    }
)
GRANTINGS = one_of({one.value: () for one in Granting})
_NOTICES = {
    "days": ("day", "d", "calendar days", "calendar day"),
    "working_days": ("working day", "working days", "business days", "business day", "workdays"),
    "weeks": ("week",),
    "months": ("month", "m"),
}
_NOTICE_UNITS = {cells.folded(spelling): unit for unit, also in _NOTICES.items() for spelling in (unit, *also)}


def notice(cell: Cell, form: Format) -> tuple[int, str]:
    """ "60 days", "6 weeks", "3 months", "20 working days"; kept in the contract's own unit."""
    cells.plain(cell)
    digits, _, words = cells.text_of(cell).replace("-", " ").partition(" ")
    unit = cells.folded(words)
    if digits.isascii() and digits.isdigit() and int(digits) <= 1000:
        if unit in ("year", "years"):
            return int(digits) * 12, "months"
        if unit in _NOTICE_UNITS:
            return int(digits), _NOTICE_UNITS[unit]
    raise Unreadable(f"{cells.shown(cell)} is not a notice period. Write 60 days, 3 months or 20 working days")


def days_before(cell: Cell, form: Format) -> list[int]:
    """Days before a date at which people are told: "90; 30; 7"."""
    written = listed(4)(cell, form)
    if not all(one.isascii() and one.isdigit() and 1 <= int(one) <= 400 for one in written):
        raise Unreadable(f"{cells.shown(cell)} is no list of days. Write for example 90; 30; 7")
    return sorted({int(one) for one in written}, reverse=True)


def up_to(most: int, least: int = 0) -> Reader:
    """A whole number in a range that makes sense."""

    def read(cell: Cell, form: Format) -> int:
        value = cells.count(cell, form)
        if not least <= value <= most:
            raise Unreadable(f"{cells.shown(cell)} must be {least} to {most}")
        return value

    return read


def heads(cell: Cell, form: Format) -> int:
    """People more, or fewer with a minus."""
    value = cells.number(cell, form)
    if value != value.to_integral_value() or abs(value) > 1_000_000:
        raise Unreadable(f"{cells.shown(cell)} is no whole number of people")
    return int(value)


def year(cell: Cell, form: Format) -> int:
    """A calendar year."""
    value = cells.count(cell, form)
    if not 2000 <= value <= 2100:
        raise Unreadable(f"{cells.shown(cell)} is no year from 2000 to 2100")
    return value


def units(cell: Cell, form: Format) -> int:
    """Units billed, or credited with a minus."""
    value = cells.number(cell, form)
    if value != value.to_integral_value() or abs(value) > 2_000_000_000:
        raise Unreadable(f"{cells.shown(cell)} is no whole number of units")
    return int(value)


def quantity(cell: Cell, form: Format) -> int | str:
    """A whole number, or "unlimited"."""
    if cells.text_of(cell).casefold() in ("unlimited", "no limit", "∞"):
        return UNLIMITED
    return cells.count(cell, form)


def currency(cell: Cell, form: Format) -> str:
    """Three letters; whether they are a currency is checked where the sums are."""
    code = str(text(40)(cell, form)).upper()
    if len(code) != 3 or not (code.isascii() and code.isalpha()):
        raise Unreadable(f"{cells.shown(cell)} is no ISO 4217 currency. Write for example EUR")
    return code


def country(cell: Cell, form: Format) -> str:
    """Two letters (ISO 3166-1)."""
    code = str(text(80)(cell, form)).upper()
    if len(code) != 2 or not (code.isascii() and code.isalpha()):
        raise Unreadable(f"{cells.shown(cell)} is no country code. Write two letters, for example FR")
    return code


def zone(cell: Cell, form: Format) -> str:
    """A time zone by its name."""
    name = str(text(64)(cell, form))
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Unreadable(f"{cells.shown(cell)} is no time zone. Write for example Europe/Paris") from None


def price(cell: Cell, form: Format) -> tuple[Any, str | None]:
    return cells.money(cell, form)


RECORDED = Column(
    "recorded_at",
    cells.instant,
    "When the former register learned it; empty is now. A row that was known before is corrected, not lost.",
    ("recorded", "recorded on", "known since"),
)
KEYS = listed(200)
