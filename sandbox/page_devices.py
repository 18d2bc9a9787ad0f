"""The machines of the company as the demo page lists them, each with what its agent reports."""

from __future__ import annotations

from typing import Any

from sandbox import inventory
from sandbox.company import Company

Json = dict[str, Any]


def devices(company: Company) -> list[Json]:
    """All machines in the order of the table; titles by name. A person or a site that is not known is ""."""
    found = inventory.load(company)
    return [
        {
            "name": one.name,
            "kind": one.kind,
            "system": one.system,
            "site": one.site,
            "person": company.people[one.person].name if one.person else "",
            "no_person": one.no_person,
            "state": one.state,
            "last_seen": one.last_seen.isoformat(),
            "titles": [
                {"title": copy.raw_title, "publisher": copy.raw_publisher, "version": copy.version}
                for copy in sorted(found.on(one.name), key=lambda copy: copy.raw_title.casefold())
            ],
        }
        for one in found.machines
    ]
