"""What `seatkeeper position` says of Microsoft's own figures beside the position."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from licensing.words import plural
from workflows.reads.vendor import VendorStanding


def lines(found: Iterable[VendorStanding]) -> Iterator[str]:
    """One block for each SKU of a product."""
    for one in found:
        free = f"{one.standing.free:,} free" if one.standing.free >= 0 else f"{-one.standing.free:,} too many"
        promised = f", {one.reserved:,} promised" if one.reserved else ""
        yield (
            f"  Microsoft: {one.name} ({one.part_number}): {one.units.consumed:,} of {one.units.enabled:,} in use"
            f"{promised}, {free}, {one.read_at:%d %b %Y, %H:%M} UTC."
        )
        for words in one.standing.words:
            yield f"    {words[:1].upper()}{words[1:]}."


def unknown(found: Iterable[VendorStanding]) -> Iterator[str]:
    """SKUs that the tenant holds and the register does not; empty when there is none."""
    missing = [one for one in found if one.product_id is None and not one.units.gone]
    if missing:
        yield f"\nHeld at Microsoft and not in the register ({plural(len(missing), 'SKU')}):"
    for one in missing:
        yield (
            f"  {one.name} ({one.part_number}): {one.units.consumed:,} of {one.units.enabled:,} in use; "
            f"seatkeeper product add --sku-id {one.guid} …"
        )
