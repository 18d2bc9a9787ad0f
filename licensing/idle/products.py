"""Which sources say anything about the use of a product. A sign-in is tenant-wide: it shows no use of Visio.

What Microsoft reports covers the workloads of its suites, and Copilot. Visio, Project, Power BI and everything else is
reported by nobody but the company's own metering or an imported list; without one its use is not known.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from licensing.idle.signals import COPILOT, IMPORT, M365_ACTIVE, M365_APPS, MAILBOX, SIGN_IN, SOURCE_WORDS, TEAMS
from licensing.suites import key, microsoft_rows

#: Products that Microsoft gives away, so that taking one back frees nothing (reference page of Graph, §7).
FREE_PARTS = frozenset(
    """FLOW_FREE POWER_BI_STANDARD POWERAPPS_VIRAL POWERAPPS_DEV CCIBOTS_PRIVPREV_VIRAL WINDOWS_STORE STREAM
    RIGHTSMANAGEMENT_ADHOC TEAMS_EXPLORATORY FORMS_PRO VIRTUAL_AGENT_BASE DYN365_ENTERPRISE_P1_IW
    PROJECT_MADEIRA_PREVIEW_IW_SKU MICROSOFT_BUSINESS_CENTER SMB_APPS TEAMS_FREE""".split()
)
#: Names of products that have a report of their own, or none, whatever plans they carry.
_COPILOT = re.compile(r"copilot", re.I)
_NOT_COPILOT = re.compile(r"studio|finance|sales|service|security|virtual[ _]agent|github", re.I)
_UNREPORTED = re.compile(
    r"visio|project|planner|power[ _]?bi|\bpbi|fabric|power[ _]?apps|power automate|flow|copilot|dynamics|dyn365|viva",
    re.I,
)
#: Service plans whose use the reports of the workloads show.
_WORKLOADS = re.compile(
    r"EXCHANGE_S_(DESKLESS|STANDARD|ENTERPRISE)(_GOV)?|EXCHANGE_B_STANDARD|SHAREPOINT(DESKLESS|STANDARD|ENTERPRISE)"
    r"(_EDU|_GOV)?|TEAMS1(_GOV)?|TEAMS_DESKLESS|OFFICESUBSCRIPTION(_GOV)?|OFFICE_BUSINESS|MCOSTANDARD(_GOV)?|"
    r"ONEDRIVESTANDARD|ONEDRIVEENTERPRISE|YAMMER_ENTERPRISE"
)
_MAIL = re.compile(r"EXCHANGE_(S|B)_(DESKLESS|STANDARD|ENTERPRISE)(_GOV)?")
_OFFICE = re.compile(r"OFFICESUBSCRIPTION(_GOV|_EDU)?|OFFICE_BUSINESS")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What counts as use of a product (`counts`), and which of it must be fine before anything looks idle (`needs`).

    `silent` says why there is nothing where nothing was imported: "Microsoft does not report use of Visio". `beside`
    are sources that say something about it and which the company's rule leaves out.
    """

    counts: tuple[str, ...]
    needs: tuple[str, ...]
    silent: str
    beside: tuple[str, ...] = ()

    def only(self, sources: Collection[str]) -> Evidence:
        """Narrowed to what the company's rule names; it can leave sources out and never make one speak of more."""
        if not sources:
            return self
        counts = tuple(one for one in self.counts if one in sources)
        return Evidence(counts, counts, self.silent, tuple(one for one in self.counts if one not in sources))

    def connected_to(self, sources: Collection[str]) -> Evidence:
        """Where none of the sources that must speak was ever connected, an imported list of use stands in for them.

        A source that is connected and does not speak (stale, hidden names) is not replaced by a list.
        """
        if IMPORT not in self.counts or set(self.needs) & set(sources):
            return self
        return Evidence(self.counts, (IMPORT,), self.silent, self.beside)


#: The one source that may be missing altogether, said in words: a tenant without Entra ID P1 has no sign-ins to read.
MAY_LACK = frozenset({SIGN_IN})


def evidence_of(product: str, part_number: str = "", sku: str = "", *, microsoft: bool = True) -> Evidence:
    """The evidence for one product by its name and, at Microsoft, its part number and id."""
    names = f"{product} {part_number}"
    if not microsoft:
        return Evidence((IMPORT,), (IMPORT,), f"no source reports use of {product}")
    if _COPILOT.search(names) and not _NOT_COPILOT.search(names):
        return Evidence((COPILOT, IMPORT), (COPILOT,), "no Copilot report has been read")
    if not _UNREPORTED.search(names) and any(_WORKLOADS.fullmatch(plan) for plan in plans_of(sku, part_number)):
        counts = (IMPORT, SIGN_IN, M365_ACTIVE, M365_APPS, MAILBOX, TEAMS)
        return Evidence(counts, (SIGN_IN, M365_ACTIVE), "no report of use has been read")
    return Evidence((IMPORT,), (IMPORT,), f"Microsoft does not report use of {_short(product)}")


def _short(product: str) -> str:
    """ "Visio" of "Visio Plan 2": it is the same for every plan."""
    return re.sub(r"^Microsoft (?=Visio|Project|Power)|,? Plan \d.*$", "", product).strip() or product


def gives_mail(sku: str, part_number: str = "") -> bool:
    """Whether losing the seat deletes a mailbox: it carries a plan of Exchange Online."""
    return any(_MAIL.fullmatch(plan) for plan in plans_of(sku, part_number))


def gives_office(sku: str, part_number: str = "") -> bool:
    """Whether the seat carries the desktop apps."""
    return any(_OFFICE.fullmatch(plan) for plan in plans_of(sku, part_number))


def is_free(part_number: str, units: int | None, free_from_units: int, *, bought: bool) -> bool:
    """Whether nothing is gained by taking one back: given away, or units in huge numbers that nobody bought."""
    return part_number.upper() in FREE_PARTS or (units is not None and units >= free_from_units and not bought)


@lru_cache(maxsize=4096)
def plans_of(sku: str, part_number: str = "") -> frozenset[str]:
    """Names of the service plans of a SKU, by its id or, where the register knows none, by its part number."""
    by_id, by_part = _plans()
    return by_id.get(key(sku)) or by_part.get(key(part_number)) or frozenset()


@lru_cache(maxsize=1)
def _plans() -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    by_id: dict[str, set[str]] = {}
    by_part: dict[str, set[str]] = {}
    for row in microsoft_rows():
        by_id.setdefault(key(row.sku), set()).add(row.plan.upper())
        by_part.setdefault(key(row.part_number), set()).add(row.plan.upper())
    return (
        {one: frozenset(plans) for one, plans in by_id.items()},
        {one: frozenset(plans) for one, plans in by_part.items()},
    )


def named(source: str) -> str:
    """A source as people read it."""
    return SOURCE_WORDS.get(source, source)
