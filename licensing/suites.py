"""Which product covers which: a seat of the suite gives every right that a seat of the part would give (rules §1).

For Microsoft the table is computed from its own list of SKUs and service plans. One shared plan never covers: 246 of
the 619 SKUs share the foundation plan alone. Plans that only make the tenant ready are dropped, each other plan stands
on its ladder, and a suite covers a part when it has an equal or higher rung for every plan of the part. Whether a plan
is switched off for a person plays no part: the right stays. A customer's own rows win, for and against.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources

SOURCE = "Microsoft, Product names and service plan identifiers for licensing, 29 Jul 2026"

#: Plans of the tenant, not of a person: they give nobody anything. Of the foundation plan there are several spellings.
FOUNDATION = re.compile(r"EXCHANGE(_S)?_FOUNDATION.*")
COMPANY = frozenset({"INTUNE_O365", "M365_LIGHTHOUSE_CUSTOMER_PLAN1", "M365_LIGHTHOUSE_PARTNER_PLAN1"})

#: Ladders whose rungs do not follow from the names, lowest first. A plan may stand on several.
LADDERS: tuple[tuple[str, ...], ...] = tuple(
    tuple(line.split())
    for line in """
    EXCHANGE_S_DESKLESS EXCHANGE_S_STANDARD EXCHANGE_S_ENTERPRISE
    EXCHANGE_S_DESKLESS_GOV EXCHANGE_S_STANDARD_GOV EXCHANGE_S_ENTERPRISE_GOV
    SHAREPOINTDESKLESS SHAREPOINTSTANDARD SHAREPOINTENTERPRISE
    SHAREPOINTSTANDARD_EDU SHAREPOINTENTERPRISE_EDU
    SHAREPOINTDESKLESS_GOV SHAREPOINTENTERPRISE_GOV
    ONEDRIVE_BASIC ONEDRIVESTANDARD SHAREPOINTSTANDARD SHAREPOINTENTERPRISE
    ONEDRIVESTANDARD ONEDRIVEENTERPRISE SHAREPOINTENTERPRISE
    MCOIMP MCOSTANDARD
    MCOIMP_GOV MCOSTANDARD_GOV
    RMS_S_BASIC RMS_S_ENTERPRISE
    RMS_S_PREMIUM RMS_S_PREMIUM2
    RMS_S_PREMIUM_GOV RMS_S_PREMIUM2_GOV
    AAD_BASIC AAD_PREMIUM AAD_PREMIUM_P2
    ADALLOM_S_DISCOVERY ADALLOM_S_STANDALONE
    ADALLOM_S_O365 ADALLOM_S_STANDALONE
    ATP_ENTERPRISE THREAT_INTELLIGENCE
    ATP_ENTERPRISE_GOV THREAT_INTELLIGENCE_GOV
    MDE_LITE WINDEFATP
    BPOS_S_TODO_FIRSTLINE BPOS_S_TODO_1 BPOS_S_TODO_2 BPOS_S_TODO_3
    WHITEBOARD_FIRSTLINE1 WHITEBOARD_PLAN1 WHITEBOARD_PLAN2 WHITEBOARD_PLAN3
    OFFICEMOBILE_SUBSCRIPTION OFFICE_BUSINESS OFFICESUBSCRIPTION
    OFFICEMOBILE_SUBSCRIPTION_GOV OFFICESUBSCRIPTION_GOV
    KAIZALA_O365_P1 KAIZALA_O365_P2 KAIZALA_O365_P3 KAIZALA_STANDALONE
    MIP_S_CLP1 MIP_S_CLP2
    CONTENTEXPLORER_STANDARD CONTENT_EXPLORER
    INTUNE_SMBIZ INTUNE_A
    WIN10_ENT_LOC_F1 WIN10_PRO_ENT_SUB
    TEAMS_DESKLESS TEAMS1
    MYANALYTICS_P2 EXCHANGE_ANALYTICS
    YAMMER_BASIC YAMMER_ENTERPRISE
    VIVA_LEARNING_SEEDED VIVA_LEARNING_PREMIUM
    PROJECT_P1 PROJECT_PROFESSIONAL
    """.split("\n")
    if line.strip()
)

#: The rungs that names carry: first line workers' plans, then P1 < P2 < P3 and F1 < E1 < E3 < E5.
RUNGS = {
    rung: height
    for height, rungs in enumerate(("K S1 F1", "F3 P0", "P1 E1 PLAN1", "P2 E3 PLAN2", "P3 PLAN3", "E5"))
    for rung in rungs.split()
}
NAMED_RUNG = re.compile(rf"(?P<stem>.+?)_(?P<rung>{'|'.join(RUNGS)})(?P<cloud>_GOV|_GCC|_GCCHIGH|_AR_GCCHIGH)?")


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One SKU with one of its service plans, as the vendor lists them; ids in any case, blanks around keys allowed."""

    sku: str
    part_number: str
    name: str
    plan_id: str
    plan: str
    friendly: str = ""


@dataclass(frozen=True, slots=True)
class CoverRow:
    """`suite` covers `part`, or by the customer's word does not; `source` says who says so, in a sentence."""

    suite: str
    part: str
    source: str
    covered: bool = True


@dataclass(frozen=True, slots=True)
class Suite:
    """A SKU reduced to what decides: the plans it needs and the plans it answers for, as bits.

    `plans` has the same by the id of each plan, for seats in which some are switched off.
    """

    sku: str
    part_number: str
    name: str
    needs: int
    answers: int
    plans: Mapping[str, tuple[int, int]] = field(compare=False)

    def covers(self, part: Suite) -> bool:
        """A SKU of nothing but dropped plans is covered by none: nothing is known that could be equal or higher."""
        return self.sku != part.sku and part.needs != 0 and part.needs & ~self.answers == 0

    def without(self, off: Collection[str]) -> tuple[int, int]:
        """What a seat needs and answers for in which the plans of these ids are switched off."""
        needs = answers = 0
        for plan, (need, answer) in self.plans.items():
            if plan not in off:
                needs, answers = needs | need, answers | answer
        return needs, answers


def clean(text: str) -> str:
    """A key of the table without outer blanks; no-break spaces count as blanks."""
    return text.replace("\u00a0", " ").strip()


def key(sku: str) -> str:
    """How ids and part numbers are compared."""
    return clean(sku).casefold()


class Covers:
    """The computed table over `rows`, with `own` rows of the customer, which win. A SKU is its id or part number."""

    def __init__(self, rows: Iterable[PlanRow], own: Iterable[CoverRow] = ()) -> None:
        self._suites = _reduced(rows)
        self._by_part: dict[str, list[Suite]] = {}
        for suite in self._suites.values():
            self._by_part.setdefault(key(suite.part_number), []).append(suite)
        self._own = {(key(row.suite), key(row.part)): row for row in own}

    def _named(self, sku: str) -> list[Suite]:
        """The SKUs meant: one by id, or all with this part number (one belongs to two SKUs)."""
        found = self._suites.get(key(sku))
        return [found] if found else self._by_part.get(key(sku), [])

    def _said(self, suite: str, part: str) -> CoverRow | None:
        """The customer's row on this pair, whichever way both are written."""
        for left in self._spellings(suite):
            for right in self._spellings(part):
                if row := self._own.get((left, right)):
                    return row
        return None

    def _spellings(self, sku: str) -> list[str]:
        return [key(sku), *(key(word) for known in self._named(sku) for word in (known.sku, known.part_number))]

    def covers(self, suite: str, part: str) -> bool:
        """Whether a seat of `suite` gives all that a seat of `part` gives. Never for SKUs nobody knows."""
        if self._own and (said := self._said(suite, part)):
            return said.covered
        suites, parts = self._named(suite), self._named(part)
        return bool(suites and parts) and all(one.covers(other) for one in suites for other in parts)

    def stands_in(self, suite: str, part: str, suite_off: Iterable[str] = (), part_off: Iterable[str] = ()) -> bool:
        """Whether the person keeps each service of `part` by `suite`, as both seats are switched on; plans by id.

        A plan of `part` counts that is on there; one that `suite` never had and the customer's word covers does not.
        """
        if not self.covers(suite, part):
            return False
        off, part_is_off = frozenset(map(key, suite_off)), frozenset(map(key, part_off))
        return all(
            other.without(part_is_off)[0] & one.answers & ~one.without(off)[1] == 0
            for one in self._named(suite)
            for other in self._named(part)
        )

    def table(self, skus: Iterable[str] | None = None) -> list[CoverRow]:
        """All pairs among `skus` (all known ones by default), by suite and part, with the source of each.

        Two products that cover each other stand in one direction only, the one with more plans as the suite: with
        both, a person who holds the two would need neither.
        """
        chosen = self._suites.values() if skus is None else [suite for sku in skus for suite in self._named(sku)]
        known = sorted({suite.sku: suite for suite in chosen}.values(), key=lambda suite: suite.sku)
        found = [
            CoverRow(suite.sku, part.sku, _sentence(suite, part))
            for suite in known
            for part in known
            if suite.covers(part) and not (part.covers(suite) and _rank(part) > _rank(suite))
        ]
        if not self._own:
            return found
        wanted = None if skus is None else {word for sku in skus for word in self._spellings(sku)}
        denied = [row for row in found if not self._said(row.suite, row.part)]
        added = [row for pair, row in self._own.items() if row.covered and (wanted is None or wanted.issuperset(pair))]
        return sorted([*denied, *added], key=lambda row: (row.suite, row.part))


def _rank(suite: Suite) -> tuple[int, str]:
    return suite.needs.bit_count(), suite.sku


def _sentence(suite: Suite, part: Suite) -> str:
    plans = part.needs.bit_count()
    has = "the plan" if plans == 1 else f"each of the {plans} plans"
    return f"{suite.name} has {has} of {part.name}, or a higher one ({SOURCE})."


def _reduced(rows: Iterable[PlanRow]) -> dict[str, Suite]:
    """The SKUs by id. A plan is known by its id; its name is the one most rows give it, since some are misspelt."""
    words: dict[str, tuple[str, str]] = {}
    held: dict[str, dict[str, None]] = {}
    spelt: dict[str, Counter[str]] = {}
    for row in rows:
        sku, plan = key(row.sku), key(row.plan_id) or key(row.plan)
        words[sku] = (clean(row.part_number), clean(row.name))  # renamed products: the later row wins
        held.setdefault(sku, {})
        if plan:
            held[sku][plan] = None
            spelt.setdefault(plan, Counter())[clean(row.plan).upper()] += 1
    names = {plan: counted.most_common(1)[0][0] for plan, counted in spelt.items()}
    kept = sorted({name for name in names.values() if not (FOUNDATION.fullmatch(name) or name in COMPANY)})
    bits = {name: 1 << number for number, name in enumerate(kept)}
    below = _below(kept)
    worth: dict[str, tuple[int, int]] = {}
    for plan, name in names.items():
        own = bits.get(name, 0)
        lower = sum(bits.get(one, 0) for one in below.get(name, ())) if own else 0
        worth[plan] = own, own | lower
    suites: dict[str, Suite] = {}
    for sku, plans in held.items():
        needs = answers = 0
        for plan in plans:
            needs, answers = needs | worth[plan][0], answers | worth[plan][1]
        suites[sku] = Suite(sku, *words[sku], needs, answers, {plan: worth[plan] for plan in plans})
    return suites


def _below(names: Iterable[str]) -> dict[str, set[str]]:
    """For each plan the plans of lower rungs, on whichever ladder it stands."""
    ladders = [list(ladder) for ladder in LADDERS]
    stems: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for name in names:
        if found := NAMED_RUNG.fullmatch(name):
            stem = (found["stem"], found["cloud"] or "")
            stems.setdefault(stem, []).append((RUNGS[found["rung"]], name))
    ladders += [[name for _, name in sorted(rungs)] for rungs in stems.values() if len(rungs) > 1]
    below: dict[str, set[str]] = {}
    for ladder in ladders:
        for height, name in enumerate(ladder):
            below.setdefault(name, set()).update(ladder[:height])
    return below


@lru_cache(maxsize=1)
def microsoft_rows() -> tuple[PlanRow, ...]:
    """Microsoft's table, which ships with the product; see the README beside it for where it is from."""
    text = resources.files("licensing").joinpath("data", "m365_sku_names.csv").read_text("utf-8-sig")
    return tuple(
        PlanRow(
            clean(row["GUID"]),
            clean(row["String_Id"]),
            clean(row["Product_Display_Name"]),
            clean(row["Service_Plan_Id"]),
            clean(row["Service_Plan_Name"]),
            clean(row["Service_Plans_Included_Friendly_Names"]),
        )
        for row in csv.DictReader(io.StringIO(text, newline=""))
        if clean(row["GUID"])
    )


@lru_cache(maxsize=1)
def _plan_names() -> dict[str, str]:
    return {key(row.plan_id): row.friendly or row.plan for row in microsoft_rows()}


def plan_names(plan_ids: Iterable[str]) -> tuple[str, ...]:
    """Services as Microsoft's table calls them, in order; one that it lacks goes by its id."""
    known = _plan_names()
    return tuple(sorted({known.get(key(one), one) for one in plan_ids}))


@lru_cache(maxsize=8)
def microsoft(own: tuple[CoverRow, ...] = ()) -> Covers:
    """The table of Microsoft's SKUs with the customer's own rows."""
    return Covers(microsoft_rows(), own)


def covers(suite_sku: str, part_sku: str, own: tuple[CoverRow, ...] = ()) -> bool:
    """Whether a seat of one Microsoft SKU includes the other; both by id or part number."""
    return microsoft(own).covers(suite_sku, part_sku)


def cover_table(skus: Iterable[str] | None = None, own: tuple[CoverRow, ...] = ()) -> list[CoverRow]:
    """The rows among the given Microsoft SKUs (all 619 by default), each with its source."""
    return microsoft(own).table(skus)


#: What companies write in their registers for products that Microsoft's table calls otherwise.
SAID: dict[str, str] = {
    "ems e3": "Enterprise Mobility + Security E3",
    "ems e5": "Enterprise Mobility + Security E5",
    "exchange online 1": "Exchange Online (Plan 1)",
    "exchange online 2": "Exchange Online (Plan 2)",
    "microsoft 365 apps": "Microsoft 365 Apps for Enterprise",
    "teams phone standard": "Microsoft Teams Phone Standard",
    "project plan 1": "Planner Plan 1",
    "project plan 3": "Planner and Project Plan 3",
    "project plan 5": "Planner and Project Plan 5",
    "microsoft copilot": "Microsoft Copilot for Microsoft 365",
    "microsoft 365 copilot": "Microsoft Copilot for Microsoft 365",
    "copilot for microsoft 365": "Microsoft Copilot for Microsoft 365",
    "office 365 proplus": "Microsoft 365 Apps for Enterprise",
    "teams phone": "Microsoft Teams Phone Standard",
    "intune plan 1": "Intune",
}
#: Short and former words, tried where a name as it is written names nothing.
SHORT: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(rf"\b(?:{short})\b"), full)
    for short, full in (
        ("m365|ms 365|ms365", "microsoft 365"),
        ("o365", "office 365"),
        ("powerbi", "power bi"),
        ("azure ad|azure active directory|aad", "entra id"),
        ("entra id premium", "entra id"),
        (r"365 enterprise ([ef]\d)", r"365 \1"),
        ("visio online plan", "visio plan"),
        (r"(?<!id )p(\d)", r"plan \1"),
    )
)
_WORDS = re.compile(r"[^\w+]+")


def sku_named(name: str) -> str | None:
    """The id of the Microsoft SKU that a product of the register is, by its name or part number; None when none is.

    "Exchange Online Plan 1" is "Exchange Online (Plan 1)": case and punctuation do not count, words do.
    """
    known = _by_name()
    return next((known[one] for one in _spellings_of(_plain(name)) if one in known), None)


def _spellings_of(wanted: str) -> Iterator[str]:
    """The names it may stand for, as written first; the publisher in front may be there or not."""
    full = wanted
    for short, word in SHORT:
        full = " ".join(short.sub(word, full).split())
    for name in (wanted, full):
        for one in (name, name.removeprefix("microsoft "), f"microsoft {name}"):
            if one in SAID:
                yield _plain(SAID[one])
            yield one


def _plain(name: str) -> str:
    return " ".join(_WORDS.sub(" ", name.casefold()).split())


@lru_cache(maxsize=1)
def _by_name() -> dict[str, str]:
    """Ids by name; of SKUs with the same name the one with the most rows in the table, the ordinary one."""
    rows: Counter[tuple[str, str]] = Counter()
    for row in microsoft_rows():
        rows[_plain(row.name), key(row.sku)] += 1
        rows[_plain(row.part_number), key(row.sku)] += 1
    found: dict[str, str] = {}
    for (name, sku), _ in sorted(rows.items(), key=lambda item: (-item[1], item[0])):
        found.setdefault(name, sku)
    return found
