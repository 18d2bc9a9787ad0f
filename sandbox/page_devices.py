"""The machines of the company as the demo page lists them, each with what is on it now."""

from __future__ import annotations

from typing import Any

from sandbox.agents import Agents
from sandbox.company import Company

Json = dict[str, Any]


def devices(company: Company, agents: Agents) -> list[Json]:
    """All machines in the order of the table; titles by name. A person or a site that is not known is ""."""
    return [
        {
            "name": one.name,
            "kind": one.kind,
            "system": one.system,
            "site": one.site,
            "person": company.people[one.person].name if one.person else "",
            "no_person": one.no_person,
            "state": "live" if agents.last_seen(one) > one.last_seen else one.state,
            "last_seen": agents.last_seen(one).isoformat(),
            "waiting": agents.waiting(one.name),
            "titles": [
                {"title": copy.title, "publisher": copy.publisher, "version": copy.version}
                for copy in agents.titles(one.name)
            ],
        }
        for one in agents.machines
    ]
