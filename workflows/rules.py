"""What an operation must know besides the rows: the policy in force and which outside systems are connected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from workflows.policy import Policy


@dataclass(frozen=True)
class Rules:
    """The active policy version (parsed) and the systems that are switched on; passed to whoever decides."""

    policy: Policy
    version_id: int
    graph: bool = False
    servicenow: bool = False
    mail: bool = False
    instance: str = ""  # part of every correlation id, so that two installations never share a ticket


#: Gives the rules in force at the moment of the call.
RulesSource = Callable[[], Rules]
