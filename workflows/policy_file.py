"""Reading `policy.yaml`: every problem at once, each with its line, and nothing taken over unless all is right.

YAML is read node by node rather than by a loader, because the nodes keep their lines, because a key given twice must be
an error, and because the usual loader turns `NO` into false and `09:00` into 540. Size, depth and aliases are bounded:
the text may come from a form on the web.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from licensing.alerts import Cause
from licensing.words import day, joined
from workflows.policy import Policy
from workflows.policy_fields import shown

LARGEST_TEXT = 200_000
DEEPEST = 16
MOST_NODES = 20_000

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to correct. Lines and columns count from 1."""

    line: int
    column: int
    words: str


class PolicyProblems(Exception):
    """The policy cannot be used; the one in force stays. `problems` are in the order of the file."""

    def __init__(self, source_name: str, problems: Iterable[Problem]) -> None:
        self.source_name = source_name
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line, problem.column, problem.words)))
        super().__init__(source_name, self.problems)

    def lines(self) -> list[str]:
        """ "policy.yaml, line 31: *limit_days* must be 1 to 365, it says 0." """
        return [
            f"{self.source_name}, line {problem.line}: {problem.words}{'' if problem.words.endswith('?') else '.'}"
            for problem in self.problems
        ]

    def say(self, in_force_since: date | None = None) -> str:
        """All problems and what to do, for a person. Without a day no policy was in force before."""
        stays = f" The policy of {day(in_force_since)} stays in force." if in_force_since else ""
        them = "line" if len(self.problems) == 1 else "lines"
        return "\n".join(self.lines()) + f"{stays} Correct the {them}, then run the check."

    def __str__(self) -> str:
        return self.say()


def digest(text: str) -> str:
    """Names a version of the file by its content (SHA-256, hexadecimal)."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def load(text: str, source_name: str = "policy.yaml") -> Policy:
    """The policy in `text`. Raises PolicyProblems with everything that is wrong."""
    root = _compose(text, source_name)
    if root is None:
        return Policy()
    reading = _Reading()
    value = reading.value(root, ())
    if value is None and not reading.problems:
        return Policy()
    if not isinstance(value, dict):
        reading.problem(root, "a policy is settings, each written as *name*: value")
    if reading.problems:
        raise PolicyProblems(source_name, reading.problems)
    try:
        policy = Policy.model_validate(value)
    except ValidationError as error:
        raise PolicyProblems(source_name, [reading.explain(detail) for detail in error.errors()]) from None
    problems = [reading.at(path, words) for path, words in contradictions(policy)]
    if problems:
        raise PolicyProblems(source_name, problems)
    return policy


def located(text: str, source_name: str, problems: Iterable[tuple[Path, str]]) -> PolicyProblems:
    """What was found wrong elsewhere with a policy that can be read, on its lines of `text`."""
    reading = _Reading()
    root = _compose(text, source_name)
    if root is not None:
        reading.value(root, ())
    return PolicyProblems(source_name, [reading.at(path, words) for path, words in problems])


def dump(policy: Policy) -> str:
    """The policy as text that `load` reads back equal."""
    written = yaml.safe_dump(policy.model_dump(mode="json", exclude_none=True), sort_keys=False, allow_unicode=True)
    return str(written)


def contradictions(policy: Policy) -> Iterable[tuple[Path, str]]:
    """What each part allows alone but not together; the path leads to the line to correct."""
    seen: dict[int, str] = {}
    for rule, path in policy.rules():
        if rule.number in seen:
            yield path, f"rule {rule.number} is used twice; {seen[rule.number]} has it already"
        seen.setdefault(rule.number, ".".join(str(part) for part in path[:-1]))
    if policy.working_hours.starts >= policy.working_hours.ends:
        yield ("working_hours", "ends"), "*ends* must be later than *starts*, on the same day"
    if not policy.working_hours.days:
        yield ("working_hours", "days"), "*days* must name at least one working day"
    if not (policy.approval.fallback.people or policy.approval.fallback.roles):
        yield ("approval", "fallback"), "*fallback* must name people or roles: it decides when nobody nearer can"
    if list(policy.approval.remind_at_percent) != sorted(set(policy.approval.remind_at_percent)):
        yield ("approval", "remind_at_percent"), "*remind_at_percent* must grow, such as [50, 80]"
    steps: list[tuple[Path, tuple[Any, ...]]] = [(("approval", "steps"), policy.approval.steps)]
    for key, product in policy.products.items():
        if product.steps is not None:
            steps.append((("products", key, "steps"), product.steps))
        if product.group is not None and product.group not in policy.licensing_groups:
            yield ("products", key, "group"), f"*group* names {product.group}, which *licensing_groups* does not hold"
        if sum(not limit.departments for limit in product.tiers) > 1:
            yield ("products", key, "tiers"), "*tiers* may hold one limit without *departments*"
    for path, kinds in steps:
        if not kinds:
            yield path, "*steps* must name at least one step; use *pre_approved* for what needs no decision"
        if len(set(kinds)) != len(kinds):
            yield path, "*steps* must not name a step twice"
    for index, conflict in enumerate(policy.conflicts):
        if len(set(conflict.products)) < 2:
            yield ("conflicts", index, "products"), "*products* must name at least two different products"
    for index, free in enumerate(policy.pre_approved):
        if not free.below:
            yield ("pre_approved", index, "below"), "*below* must name a sum such as EUR: 50.00"
        for key in free.products:
            if policy.product(key).restricted:
                yield ("pre_approved", index, "products"), f"*products* holds {key}, which is restricted"
    quiet = policy.alerts.quiet_hours
    if quiet is not None and quiet.starts == quiet.ends:
        yield ("alerts", "quiet_hours", "ends"), "*ends* must be another time than *starts*"
    for cause in Cause:
        ticket = policy.alerts.tickets.of(cause)
        if ticket.open and ticket.table == "incident" and ticket.resolve_state in ("6", "7") and not ticket.close_code:
            words = "*close_code* is missing: an incident is resolved with one"
            yield ("alerts", "tickets", cause.value, "close_code"), words
    yield from policy.reclaim.contradictions()
    yield from policy.procurement.contradictions()
    for index, rate in enumerate(policy.rates):
        if rate.base == rate.quote:
            yield ("rates", index, "quote"), "*quote* must be another currency than *base*"


def _compose(text: str, source_name: str) -> yaml.Node | None:
    """The tree of nodes, after a look at the flat events: a deep or swollen file never reaches recursive code."""
    if len(text) > LARGEST_TEXT:
        raise PolicyProblems(source_name, [Problem(1, 1, f"the file is longer than {LARGEST_TEXT:,} characters")])
    try:
        depth = nodes = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            nodes += isinstance(event, yaml.NodeEvent)
            if depth > DEEPEST or nodes > MOST_NODES:
                what = "settings lie too deep in one another" if depth > DEEPEST else "the file holds too much"
                raise PolicyProblems(source_name, [_at(event.start_mark, what)])
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        words = f"this cannot be read as YAML: {error.problem or error.context}"
        raise PolicyProblems(source_name, [_at(error.problem_mark or error.context_mark, words)]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise PolicyProblems(source_name, [Problem(line, 1, "a character here cannot stand in YAML")]) from None


def _at(mark: Any, words: str) -> Problem:
    """The problem where a parser's mark points; those count from 0."""
    return Problem(mark.line + 1, mark.column + 1, words) if mark else Problem(1, 1, words)


def _comment_after(mark: Any) -> bool:
    """Whether the rest of the line is a comment."""
    return bool(_COMMENT.match(mark.buffer, mark.pointer)) if mark is not None and mark.buffer else False


_COMMENT = re.compile(r"[ \t]*#")
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]{0,14})")
_DECIMAL = re.compile(r"[-+]?[0-9]{1,15}\.[0-9]{1,15}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_TAGS = {
    f"tag:yaml.org,2002:{kind}"
    for kind in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "value", "merge")
}
_PLAIN = {"": None, "~": None, "null": None, "true": True, "false": False}


class _Reading:
    """Turns nodes into values and remembers where each stood."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.where: dict[Path, yaml.Node] = {}
        self.left = MOST_NODES
        self.swollen = False

    def problem(self, node: yaml.Node, words: str) -> None:
        self.problems.append(_at(node.start_mark, words))

    def value(self, node: yaml.Node, path: Path) -> Any:
        """The value of a node; aliases are followed, and what they multiply counts against the limit."""
        self.left -= 1
        if self.left < 0 or len(path) > DEEPEST:
            if not self.swollen:
                self.problem(node, "aliases make the file too large")
            self.swollen = True
            return None
        if node.tag not in _TAGS:
            self.problem(node, f"the tag {node.tag.replace('tag:yaml.org,2002:', '!!')} has no meaning here")
            return None
        self.where.setdefault(path, node)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.problem(key_node, "a setting's name must be one word")
                continue
            key = str(key_node.value)
            if key in found:
                self.problem(key_node, f"*{key}* is given twice; keep one of them")
                continue
            self.where[(*path, key)] = key_node
            found[key] = self.value(value_node, (*path, key))
        return found

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        text = str(node.value)
        if getattr(node, "style", None) is not None:  # quoted or a block: text as it stands
            return text
        if not text and _comment_after(node.end_mark):
            name = next((part for part in reversed(path) if isinstance(part, str)), "policy")
            self.problem(node, f"*{name}* is empty: # begins a comment; put what follows in quotes, or write null")
        if text in _PLAIN:
            return _PLAIN[text]
        if _WHOLE.fullmatch(text):
            return int(text)
        if _DECIMAL.fullmatch(text):
            return Decimal(text)
        return text

    def at(self, path: Path, words: str) -> Problem:
        """The problem on the line of `path`, or of the nearest part around it that stands in the file."""
        while path and path not in self.where:
            path = path[:-1]
        node = self.where.get(path)
        return _at(node.start_mark if node else None, words)

    def explain(self, detail: ErrorDetails) -> Problem:
        """What pydantic found, in words and on its line."""
        path: Path = tuple(part for part in detail["loc"] if part != "[key]")
        field = next((str(part) for part in reversed(path) if isinstance(part, str)), "policy")
        return self.at(path, _words(detail, field, path))


def _words(detail: ErrorDetails, field: str, path: Path) -> str:
    kind, given = detail["type"], detail["input"]
    context: Mapping[str, Any] = detail.get("ctx", {})
    if kind == "missing":
        return f"*{field}* is missing"
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(field, _known_fields(path), n=1)
        return f"*{field}* is not a setting here" + (f"; did you mean *{near[0]}*?" if near else "")
    if kind == "policy":
        return f"*{field}* {context['words']}"
    if kind in {"enum", "literal_error"}:
        choices = str(context["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
        choice = "must be " if len(choices) == 1 else "must be one of "
        return f"*{field}* {choice}{joined(choices, 'or').lower()}, it says {shown(given)}"
    expected = {
        "bool_type": "true or false",
        "bool_parsing": "true or false",
        "tuple_type": "a list such as [a, b]",
        "mapping_type": "settings, each written as name: value",
        "model_type": "settings, each written as name: value",
        "model_attributes_type": "settings, each written as name: value",
        "dict_type": "settings, each written as name: value",
        "string_type": "text",
        "date_from_datetime_parsing": "a day such as 2026-11-23",
        "date_parsing": "a day such as 2026-11-23",
        "date_type": "a day such as 2026-11-23",
    }.get(kind)
    if expected is None:
        return f"*{field}*: {detail['msg'].lower()}, it says {shown(given)}"
    return f"*{field}* must be {expected}, it says {shown(given)}"


def _known_fields(path: Path) -> list[str]:
    """Names of the settings beside the unknown one, for the guess."""
    known: set[str] = set()
    waiting: list[type[BaseModel]] = [Policy]
    if len(path) == 1:
        return sorted(Policy.model_fields)
    while waiting:
        for name, info in waiting.pop().model_fields.items():
            known.add(name)
            waiting.extend(_models_in(info.annotation))
    return sorted(known)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models_in(part)]
