"""Microsoft's own names of SKUs and service plans, cleaned of the table's known defects.

The key is the GUID: one part number (`MCOPSTN5`) belongs to two SKUs. Keys may carry blanks, tabs and no-break spaces;
rows repeat; three GUIDs carry two names because Microsoft renamed the product, and the later row wins.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

#: The data only, none of the code beside it: what the stand-in believes must not come from what it is to check.
TABLE = Path(__file__).parents[1] / "licensing" / "data" / "m365_sku_names.csv"


@dataclass(frozen=True)
class Plan:
    """A service plan inside a SKU; `id` is lower case."""

    id: str
    name: str
    friendly: str


@dataclass(frozen=True)
class SkuName:
    """One SKU of the table; `id` is lower case, `former_names` are what the product was called before."""

    id: str
    part_number: str
    name: str
    plans: tuple[Plan, ...]
    former_names: tuple[str, ...] = ()


def clean(text: str) -> str:
    """Text without outer white space, no-break spaces read as blanks (str.strip alone would keep inner ones)."""
    return text.replace("\u00a0", " ").strip()


@lru_cache(maxsize=4)
def load(table: Path = TABLE) -> dict[str, SkuName]:
    """SKUs by lower-cased GUID."""
    names: dict[str, list[str]] = {}
    parts: dict[str, str] = {}
    plans: dict[str, dict[str, Plan]] = {}
    with table.open(encoding="utf-8-sig", newline="") as source:
        for row in csv.DictReader(source):
            sku = clean(row["GUID"]).lower()
            if not sku:
                continue
            name = clean(row["Product_Display_Name"])
            known = names.setdefault(sku, [])
            if name not in known:
                known.append(name)
            parts[sku] = clean(row["String_Id"])
            plan = Plan(
                clean(row["Service_Plan_Id"]).lower(),
                clean(row["Service_Plan_Name"]),
                clean(row["Service_Plans_Included_Friendly_Names"]),
            )
            if plan.id:
                plans.setdefault(sku, {}).setdefault(plan.id, plan)
    return {
        sku: SkuName(sku, parts[sku], known[-1], tuple(plans.get(sku, {}).values()), tuple(known[:-1]))
        for sku, known in names.items()
    }


def by_part_number(part_number: str, table: Path = TABLE) -> list[SkuName]:
    """All SKUs with this part number: usually one, sometimes two, none when Microsoft's table lacks it."""
    wanted = clean(part_number).upper()
    return [sku for sku in load(table).values() if sku.part_number.upper() == wanted]
