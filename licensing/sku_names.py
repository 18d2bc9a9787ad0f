"""What Microsoft calls its SKUs: by GUID, since one part number belongs to two of them."""

from __future__ import annotations

from functools import lru_cache

from licensing.suites import microsoft_rows


def sku_name(guid: str, part_number: str) -> str:
    """The product's name in Microsoft's table, the newer where it was renamed; else the part number, else the id."""
    return _names().get(guid.lower()) or part_number.strip() or guid.lower()


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    return {row.sku.lower(): row.name for row in microsoft_rows() if row.name}
