"""Encoded queries: `active=true^priorityIN1,2^ORnumber=INC0010001^ORDERBYDESCsys_updated_on`.

The trap that this keeps true to the original: a part with an unknown field is dropped and the rest is run, unless the
instance's property says that such a query finds nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

Reader = Callable[[str], str | None]
"""Value of a possibly dot-walked field of one row, None when the table has no such field."""

_PART = re.compile(
    r"([a-z_][A-Za-z0-9_.]*)"
    r"(NOT LIKE|NOT IN|ISNOTEMPTY|ISEMPTY|STARTSWITH|ENDSWITH|BETWEEN|ANYTHING|LIKE|IN|!=|>=|<=|=|>|<)(.*)",
    re.DOTALL,
)
_STAMP = "%Y-%m-%d %H:%M:%S"
_SCRIPT = re.compile(r"javascript:\s*gs\.(\w+)\((.*?)\)", re.DOTALL)


@dataclass(frozen=True)
class Condition:
    """One comparison of a field with a literal."""

    name: str
    operator: str
    operand: str

    def holds(self, value: str) -> bool:
        return _OPERATORS[self.operator](value, self.operand)


@dataclass
class Query:
    """Alternatives (`^NQ`) of conjunctions (`^`) of alternatives (`^OR`), then the order."""

    alternatives: list[list[list[Condition]]] = field(default_factory=lambda: [[]])
    order: list[tuple[str, bool]] = field(default_factory=list)
    malformed: bool = False

    def checked(self, known: Callable[[str], bool], *, strict: bool) -> Query | None:
        """Without the parts whose field is unknown; None when `strict` and there is such a part (no rows)."""
        lost = self.malformed
        kept: list[list[list[Condition]]] = []
        for conjunction in self.alternatives:
            groups = []
            for group in conjunction:
                good = [condition for condition in group if known(condition.name)]
                lost = lost or len(good) != len(group)
                if good:
                    groups.append(good)
            kept.append(groups)
        if lost and strict:
            return None
        return Query(kept, [(name, down) for name, down in self.order if known(name)])

    def matches(self, read: Reader) -> bool:
        return any(
            all(any(condition.holds(read(condition.name) or "") for condition in group) for group in conjunction)
            for conjunction in self.alternatives
        )


def parse(text: str, *, now: datetime, user_id: str = "") -> Query:
    """Parse an encoded query; `now` and `user_id` serve the few `javascript:gs.…` forms that clients send."""
    query = Query()
    for part in text.split("^"):
        if part.startswith("NQ"):
            query.alternatives.append([])
            part = part[2:]
        either = part.startswith("OR") and not part.startswith("ORDERBY")
        if either:
            part = part[2:]
        if not part or part == "EQ":
            continue
        if part.startswith("ORDERBYDESC"):
            query.order.append((part[11:], True))
        elif part.startswith("ORDERBY"):
            query.order.append((part[7:], False))
        elif found := _PART.fullmatch(part):
            operand = _SCRIPT.sub(lambda script: _evaluate(script, now, user_id), found.group(3))
            condition = Condition(found.group(1), found.group(2), operand)
            conjunction = query.alternatives[-1]
            if either and conjunction:
                conjunction[-1].append(condition)
            else:
                conjunction.append([condition])
        else:
            query.malformed = True
    return query


def stamp(moment: datetime) -> str:
    """UTC without a zone, to the second, as the platform stores it."""
    return moment.strftime(_STAMP)


def parse_stamp(text: str, zone: tzinfo = UTC) -> datetime:
    """The inverse of `stamp`; ValueError on anything else."""
    return datetime.strptime(text, _STAMP).replace(tzinfo=zone)


def _evaluate(script: re.Match[str], now: datetime, user_id: str) -> str:
    name, arguments = script.group(1), [a.strip().strip("'\"") for a in script.group(2).split(",")]
    count = int(arguments[0]) if arguments[0].lstrip("-").isdigit() else 0
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    match name:
        case "getUserID":
            return user_id
        case "nowDateTime" | "now":
            return stamp(now)
        case "minutesAgo" | "minutesAgoStart":
            return stamp(now - timedelta(minutes=count))
        case "hoursAgo" | "hoursAgoStart":
            return stamp(now - timedelta(hours=count))
        case "daysAgo" | "daysAgoStart":
            return stamp(midnight - timedelta(days=count))
        case "daysAgoEnd":
            return stamp(midnight - timedelta(days=count) + timedelta(days=1, seconds=-1))
        case "dateGenerate":
            return " ".join(arguments)
    return ""


def _rank(value: str, operand: str) -> int | None:
    """Sign of value against operand, as numbers when both are; None when there is nothing to compare."""
    if not value:
        return None
    try:
        left, right = float(value), float(operand)
        return (left > right) - (left < right)
    except ValueError:
        return (value > operand) - (value < operand)


def _listed(value: str, operand: str) -> bool:
    return value.lower() in {item.strip().lower() for item in operand.split(",")}


def _between(value: str, operand: str) -> bool:
    low, _, high = operand.partition("@")
    below, above = _rank(value, low), _rank(value, high)
    return below is not None and above is not None and below >= 0 >= above


# Comparison ignores case, as the database collation of the platform does.
_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "=": lambda value, operand: value.lower() == operand.lower(),
    "!=": lambda value, operand: value.lower() != operand.lower(),
    ">": lambda value, operand: _rank(value, operand) == 1,
    ">=": lambda value, operand: _rank(value, operand) in (0, 1),
    "<": lambda value, operand: _rank(value, operand) == -1,
    "<=": lambda value, operand: _rank(value, operand) in (0, -1),
    "LIKE": lambda value, operand: operand.lower() in value.lower(),
    "NOT LIKE": lambda value, operand: operand.lower() not in value.lower(),
    "STARTSWITH": lambda value, operand: value.lower().startswith(operand.lower()),
    "ENDSWITH": lambda value, operand: value.lower().endswith(operand.lower()),
    "IN": _listed,
    "NOT IN": lambda value, operand: not _listed(value, operand),
    "ISEMPTY": lambda value, operand: value == "",
    "ISNOTEMPTY": lambda value, operand: value != "",
    "ANYTHING": lambda value, operand: True,
    "BETWEEN": _between,
}
