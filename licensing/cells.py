"""What a cell of a spreadsheet says: numbers, sums of money, days and instants, read right or refused with a reason.

A cell that can be read two ways is never guessed (“1.200”, “03/04/2026”). What settles it is either said by whoever
imports the file or shown by the other cells of the column: `Format` holds what is settled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Literal

from licensing.words import MONTHS

Decimals = Literal[".", ","]
Order = Literal["dmy", "mdy", "ymd"]


@dataclass(frozen=True, slots=True)
class Formula:
    """A cell that is computed; its value may be years old, so it is refused."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """A cell that holds an error of the spreadsheet program, such as #REF!"""

    text: str


Cell = str | int | float | bool | date | datetime | time | timedelta | Formula | Broken | None


class Unreadable(ValueError):
    """The cell cannot be read; the message is the rest of the sentence after the column's name."""


class Ambiguous(Unreadable):
    """The cell can be read two ways; `choices` is what would settle it."""

    def __init__(self, sentence: str, choices: str) -> None:
        super().__init__(sentence)
        self.choices = choices


@dataclass(frozen=True, slots=True)
class Format:
    """What is settled about a column: the decimal mark and the order of day and month; None is not settled."""

    decimals: Decimals | None = None
    order: Order | None = None


UNSETTLED = Format()
_EPOCH = date(1899, 12, 30)  # day 0 of spreadsheets; their day 60 never was, and nobody bought software before it
_SERIALS = range(10_000, 80_001)  # 1927 to 2119
_YEARS = range(1970, 2151)
# From the start or the sign on, with one kind of mark, each before exactly three digits.
_THOUSANDS = re.compile(r"(?<![^+-])[1-9]\d{0,2}(?:(?:[ \u00a0\u202f\u2009\u2007]\d{3})+|(?:['’]\d{3})+)(?![\d\s'’])")
_NUMBER = re.compile(r"[+-]?\d*(?:[.,]\d+)*[.,]?")
_SIGNS = {"€": "EUR", "£": "GBP", "US$": "USD", "CA$": "CAD", "C$": "CAD", "A$": "AUD", "AU$": "AUD", "¥": "JPY"}
_MONEY = re.compile(
    r"(?P<before>[^\d+\-−.,(]*?)\s*(?P<number>[(]?[+\-−]?\s*[\d.,][\d.,\s\u00a0\u202f'’]*[)]?)\s*(?P<after>\D*)"
)
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_COMPACT = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)")
_DOTTED = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{2,4})")
_SLASHED = re.compile(r"(\d{1,2})([/-])(\d{1,2})\2(\d{2,4})")
_WORDED = re.compile(
    r"(?:(\d{1,2})(?:st|nd|rd|th)?[ .-]+([A-Za-z]{3,9})|([A-Za-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?)[ ,.-]+(\d{4})"
)
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?\s*(AM|PM)?\s*(Z|UTC|[+-]\d\d:?\d\d)?", re.I)


def shown(cell: Cell) -> str:
    """The cell as people recognise it, in quotation marks, cut where it is long."""
    text = " ".join(text_of(cell).split())
    return f"“{text if len(text) <= 60 else text[:59] + '…'}”"


def text_of(cell: Cell) -> str:
    """The cell as a text: 16.0 is "16", a day is written as ISO; surrounding space goes."""
    match cell:
        case None:
            return ""
        case bool():
            return "yes" if cell else "no"
        case float():
            return f"{cell:.15g}"
        case datetime():
            return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ")
        case date() | time():
            return cell.isoformat()
        case Formula() | Broken():
            return cell.text
        case _:
            return str(cell).strip()


def is_empty(cell: Cell) -> bool:
    """Whether nothing is written in the cell."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def plain(cell: Cell) -> None:
    """Raises Unreadable for what a spreadsheet computes and for its errors."""
    if isinstance(cell, Formula):
        raise Unreadable("holds a formula. Copy the column and paste it as values")
    if isinstance(cell, Broken):
        raise Unreadable(f"holds the error {cell.text}. Correct the cell")


# -- numbers -----------------------------------------------------------------------------------------------------------


def number(cell: Cell, form: Format = UNSETTLED) -> Decimal:
    """ "1,200.00", "1.200,00", "1 200,00", "(5)". Raises Ambiguous for "1.200" while the decimal mark is open."""
    plain(cell)
    if isinstance(cell, bool | date | time | timedelta):
        raise Unreadable(f"{shown(cell)} is not a number")
    if isinstance(cell, int | float):
        return Decimal(text_of(cell)) if isinstance(cell, float) else Decimal(cell)
    written = text_of(cell)
    text = written.replace("−", "-")
    if text.startswith("(") and text.endswith(")"):
        text = f"-{text[1:-1].strip()}"
    text = re.sub(r"^([+-])\s+", r"\1", text)
    text = _THOUSANDS.sub(lambda found: re.sub(r"\D", "", found[0]), text)  # other spaces stay: "10 20" is two numbers
    if not any(letter.isascii() and letter.isdigit() for letter in text) or not _NUMBER.fullmatch(text):
        raise Unreadable(f"{shown(cell)} is not a number")
    mark = decimal_mark(text)
    if mark == "?":
        if form.decimals is None:
            whole, _, rest = text.replace(",", ".").partition(".")
            least = rest.rstrip("0").ljust(2, "0")
            raise Ambiguous(f"{shown(cell)} could be {whole},{rest} or {whole}.{least}", "--decimal . or --decimal ,")
        mark = form.decimals
    elif form.decimals and mark and mark != form.decimals:
        raise Unreadable(f"{shown(cell)} does not have “{form.decimals}” as its decimal mark")
    whole, _, fraction = text.partition(mark) if mark else (text, "", "")
    group = {".": ",", ",": "."}.get(mark or "", "")
    if (mark and mark in fraction) or not _grouped(whole, group):
        raise Unreadable(f"{shown(cell)} is not a number")
    try:
        return Decimal(f"{whole.replace(',', '').replace('.', '')}.{fraction}".rstrip("."))
    except InvalidOperation:
        raise Unreadable(f"{shown(cell)} is not a number") from None


def decimal_mark(text: str) -> str:
    """The decimal mark the number shows: "." or ",", "" where it shows none, "?" where it could be either."""
    digits = text.lstrip("+-")
    dots, commas = digits.count("."), digits.count(",")
    if dots and commas:
        return "." if digits.rfind(".") > digits.rfind(",") else ","
    if not dots and not commas:
        return ""
    used, other = (".", ",") if dots else (",", ".")
    if dots + commas > 1:
        return other  # 1.200.000: what repeats separates thousands
    before, after = digits.split(used)
    thousands = len(after) == 3 and 1 <= len(before) <= 3 and not before.startswith("0")
    return "?" if thousands else used


def _grouped(whole: str, group: str) -> bool:
    parts = re.split(r"[.,]", whole.lstrip("+-"))
    if group and any(mark in whole for mark in ".," if mark != group):
        return False
    return len(parts) == 1 or (1 <= len(parts[0]) <= 3 and all(len(part) == 3 for part in parts[1:]))


def count(cell: Cell, form: Format = UNSETTLED) -> int:
    """A whole number, none below zero."""
    value = number(cell, form)
    if value < 0:
        raise Unreadable(f"{shown(cell)} is below zero")
    if value != value.to_integral_value():
        raise Unreadable(f"{shown(cell)} is not a whole number")
    if value > 2_000_000_000:
        raise Unreadable(f"{shown(cell)} is more than can be counted here")
    return int(value)


def money(cell: Cell, form: Format = UNSETTLED) -> tuple[Decimal, str | None]:
    """The amount, and its currency where the cell names it: "€336.00", "336.00 EUR", "1.200,00 CHF".

    A bare "$" is no currency: it could be many; the amount counts and the currency stays open.
    """
    plain(cell)
    if not isinstance(cell, str):
        return storable(number(cell, form), cell), None
    text, below = cell.strip(), False
    if re.match(r"[-−]\s*[^\d\s.,]", text) or re.fullmatch(r"\([^\d.,][^()]*\)", text):
        text, below = text.strip("-−() "), True  # the sign stands before the currency
    found = _MONEY.fullmatch(text)
    if found is None:
        raise Unreadable(f"{shown(cell)} is not a sum of money")
    try:
        value = number(found["number"].strip(), form) * (-1 if below else 1)
    except Ambiguous:
        raise
    except Unreadable:
        raise Unreadable(f"{shown(cell)} is not a sum of money") from None
    names = {name.strip().upper() for name in (found["before"], found["after"]) if name.strip()}
    names.discard("$")
    if not names:
        return storable(value, cell), None
    if len(names) > 1:
        raise Unreadable(f"{shown(cell)} names two currencies")
    name = names.pop()
    code = _SIGNS.get(name, name)
    if not re.fullmatch("[A-Z]{3}", code):
        raise Unreadable(f"{shown(cell)} is not a sum of money")
    return storable(value, cell), code


def storable(value: Decimal, cell: Cell) -> Decimal:
    """`value`, if it can be kept exactly: at most four decimals, at most a hundred billion."""
    if abs(value) > Decimal("100000000000"):
        raise Unreadable(f"{shown(cell)} is more than a hundred billion")
    if value != value.quantize(Decimal("0.0001")):
        raise Unreadable(f"{shown(cell)} has more than four decimals")
    return value


# -- days and instants -------------------------------------------------------------------------------------------------


def day(cell: Cell, form: Format = UNSETTLED) -> date:
    """ISO, 31/12/2026, 12/31/2026, 31.12.2026, 31 Dec 2026, or a spreadsheet's day number.

    Raises Ambiguous for 03/04/2026 while the order is not settled.
    """
    plain(cell)
    match cell:
        case datetime():
            return _within_reason(cell.date(), cell)
        case date():
            return _within_reason(cell, cell)
        case bool() | time() | timedelta():
            raise Unreadable(f"{shown(cell)} is not a day")
        case int() | float():
            return _serial(cell)
    text = text_of(cell)
    text = re.sub(r"[T ]00:00(:00(\.0+)?)?Z?$", "", text)
    if text.isdigit() and len(text) == 5:
        return _serial(int(text), cell)
    if found := _ISO.fullmatch(text) or _COMPACT.fullmatch(text):
        return _made(int(found[1]), int(found[2]), int(found[3]), cell)
    if found := _DOTTED.fullmatch(text):
        return _made(_year(found[3], cell), int(found[2]), int(found[1]), cell)
    if found := _WORDED.fullmatch(text):
        month = (found[2] or found[3])[:3].title()
        if month in MONTHS:
            return _made(int(found[5]), MONTHS.index(month) + 1, int(found[1] or found[4]), cell)
    if found := _SLASHED.fullmatch(text):
        first, second, year = int(found[1]), int(found[3]), _year(found[4], cell)
        order = day_order(text)
        if order == "?":
            if form.order not in ("dmy", "mdy"):
                either = f"{first} {_month(second)} or {second} {_month(first)} {year}"
                raise Ambiguous(f"{shown(cell)} could be {either}", "--dates dmy or --dates mdy")
            order = form.order
        elif order and form.order in ("dmy", "mdy") and order != form.order:
            raise Unreadable(f"{shown(cell)} is not written {WORDED[form.order]}")
        return _made(year, second, first, cell) if order == "dmy" else _made(year, first, second, cell)
    raise Unreadable(f"{shown(cell)} is not a day. Write it as 2026-12-31")


WORDED = {"dmy": "day, month, year", "mdy": "month, day, year", "ymd": "year, month, day"}


def day_order(text: str) -> str:
    """The order a day with slashes or hyphens shows: "dmy", "mdy", "" where it does not matter, "?" where it may."""
    found = _SLASHED.match(text)
    if found is None:
        return ""
    first, second = int(found[1]), int(found[3])
    if first > 12:
        return "dmy"
    if second > 12:
        return "mdy"
    return "?" if first != second else ""


def instant(cell: Cell, form: Format = UNSETTLED) -> datetime:
    """A day with a time, "2026-05-01 09:00" or "…T09:00:00+02:00"; without a zone it is UTC, without a time 00:00."""
    plain(cell)
    if isinstance(cell, datetime):
        _within_reason(cell.date(), cell)
        return cell.replace(tzinfo=UTC) if cell.tzinfo is None else cell.astimezone(UTC)
    if isinstance(cell, float) and not cell.is_integer():
        return datetime.combine(_serial(int(cell), cell), time(), UTC) + timedelta(seconds=round(cell % 1 * 86400))
    text = text_of(cell)
    found = re.search(r"[T ,]+(?=\d{1,2}:\d\d)", text)
    if found is None or not isinstance(cell, str):
        return datetime.combine(day(cell, form), time(), UTC)
    clock = _CLOCK.fullmatch(text[found.end() :].strip())
    if clock is None:
        raise Unreadable(f"{shown(cell)} is not a time. Write it as 2026-12-31 09:30")
    hour = int(clock[1])
    if clock[4]:
        hour = hour % 12 + (12 if clock[4].upper() == "PM" else 0)
    try:
        when = datetime.combine(day(text[: found.start()], form), time(hour, int(clock[2]), int(clock[3] or 0)))
    except Ambiguous:
        raise
    except ValueError:
        raise Unreadable(f"{shown(cell)} is not a time. Write it as 2026-12-31 09:30") from None
    return when.replace(tzinfo=_zone(clock[5])).astimezone(UTC)


def _zone(text: str | None) -> timezone:
    if not text or text.upper() in ("Z", "UTC"):
        return UTC
    digits = text[1:].replace(":", "")
    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-ahead if text.startswith("-") else ahead)


def _serial(value: float, cell: Cell = None) -> date:
    if int(value) not in _SERIALS:
        raise Unreadable(f"{shown(value if cell is None else cell)} is not a day. Write it as 2026-12-31")
    return _EPOCH + timedelta(days=int(value))


def _year(text: str, cell: Cell) -> int:
    if len(text) != 4:
        raise Unreadable(f"{shown(cell)} has a short year. Write it with four digits")
    return int(text)


def _made(year: int, month: int, number_: int, cell: Cell) -> date:
    try:
        return _within_reason(date(year, month, number_), cell)
    except Unreadable:
        raise
    except ValueError:
        raise Unreadable(f"{shown(cell)} is no day of the calendar") from None


def _within_reason(value: date, cell: Cell) -> date:
    if value.year not in _YEARS:
        raise Unreadable(f"{shown(cell)} is in the year {value.year}; expected is 1970 to 2150")
    return value


def _month(number_: int) -> str:
    return MONTHS[number_ - 1]


# -- words -------------------------------------------------------------------------------------------------------------

_YES, _NO = {"yes", "y", "true", "1", "x", "on"}, {"no", "n", "false", "0", "off", "-"}


def yes_no(cell: Cell) -> bool:
    """ "yes" or "no", in the usual spellings."""
    plain(cell)
    word = text_of(cell).casefold()
    if word in _YES or word in _NO:
        return word in _YES
    raise Unreadable(f"{shown(cell)} is neither yes nor no")


def folded(text: str) -> str:
    """What headings and words of a list are compared by: "Unit price", "unit_price" and "UNIT-PRICE" are one."""
    return re.sub(r"[\W_]+", "", text.casefold())


def choice(cell: Cell, words: Mapping[str, str]) -> str:
    """The stored word for a cell; `words` is folded spelling -> stored word. Raises Unreadable naming the words."""
    plain(cell)
    found = words.get(folded(text_of(cell)))
    if found is None:
        known = ", ".join(dict.fromkeys(words.values()))
        raise Unreadable(f"{shown(cell)} is not known. Write one of: {known}")
    return found


def settled(cells: Iterable[Cell], given: Format = UNSETTLED) -> Format:
    """What the cells of a column settle by themselves: all that show a decimal mark, or an order, show the same."""
    marks, orders = set(), set()
    for cell in cells:
        if isinstance(cell, str):
            bare = re.sub(r"[^\d.,+\-]", "", cell.replace("−", "-"))
            marks.add(decimal_mark(bare) if _NUMBER.fullmatch(bare) else "")
            orders.add(day_order(cell.strip()))
    marks -= {"", "?"}
    orders -= {"", "?"}
    decimals = given.decimals or (marks.pop() if len(marks) == 1 else None)
    order = given.order or (orders.pop() if len(orders) == 1 else None)
    return Format(decimals, order)  # type: ignore[arg-type]  # the marks and orders are those of the types
