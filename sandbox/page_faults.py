"""What can be made to fail from the page, in words, and the rules of the stand-ins each of them stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.faults import Fault, Faults
from sandbox.page_world import DemoWorld

TOKENS = r"^/(?!.*oauth2)"  # signing in still works: a sign-in that fails is another story


@dataclass(frozen=True)
class Choice:
    """One line of the dialog. `on` is what the bar says while it is on."""

    name: str
    system: str
    label: str
    on: str
    kind: str
    method: str = ".*"
    path: str = ".*"
    parameters: dict[str, Any] = field(default_factory=dict)


CHOICES = (
    Choice("graph_slow", "Microsoft 365", "slow", "Microsoft 365 is slow: each answer takes 3 seconds.",
           "slow", path=TOKENS, parameters={"seconds": 3}),
    Choice("graph_busy", "Microsoft 365", "too busy", "Microsoft 365 is too busy and says when to come back.",
           "throttled", path=TOKENS, parameters={"retry_after": 10}),
    Choice("graph_down", "Microsoft 365", "down", "Microsoft 365 is down. Requests are still taken.", "unavailable"),
    Choice("graph_hang_up", "Microsoft 365", "does it, then hangs up",
           "Microsoft 365 does what it is asked and hangs up before it answers.",
           "commit_then_hang_up", method="POST|PATCH|DELETE", path=TOKENS),
    Choice("graph_concealed", "Microsoft 365", "hides names in reports",
           "Microsoft 365 hides names in its reports, so nobody can be called idle.", "concealed"),
    Choice("servicenow_asleep", "ServiceNow", "asleep", "ServiceNow is asleep. Decisions still work.", "asleep"),
    Choice("servicenow_close_code", "ServiceNow", "refuses the close code",
           "ServiceNow refuses the close code. Tickets stay open over there.", "wrong_close_code"),
    Choice("slack_busy", "Slack", "too busy", "Slack is too busy: messages wait and come later.",
           "throttled", path="^/api/chat[.]", parameters={"retry_after": 10}),
)  # fmt: skip


class FaultBoard:
    """Switches choices on and off; a rule somebody else added is not touched and not shown."""

    def __init__(self, world: DemoWorld) -> None:
        self._world = world

    def _rules_of(self, choice: Choice) -> Faults:
        if choice.system == "Microsoft 365":
            return self._world.graph.faults
        return self._world.servicenow.faults if choice.system == "ServiceNow" else self._world.slack.faults

    def _ids(self, choice: Choice) -> Sequence[int]:
        wanted = (choice.kind, choice.method, choice.path, choice.parameters)
        return [
            rule["id"]
            for rule in self._rules_of(choice).listed()
            if (rule["kind"], rule["method"], rule["path"], rule["parameters"]) == wanted and rule["times"] is None
        ]

    def listed(self) -> list[dict[str, Any]]:
        return [
            {"name": one.name, "system": one.system, "label": one.label, "says": one.on, "on": bool(self._ids(one))}
            for one in CHOICES
        ]

    def switch(self, name: str, on: bool) -> bool:
        """False when there is no such choice."""
        choice = next((one for one in CHOICES if one.name == name), None)
        if choice is None:
            return False
        for number in self._ids(choice):
            self._rules_of(choice).remove(number)
        if on:
            self._rules_of(choice).add(
                Fault(choice.kind, choice.method, choice.path, parameters=dict(choice.parameters))
            )
        return True

    def clear(self) -> None:
        for choice in CHOICES:
            self.switch(choice.name, False)
