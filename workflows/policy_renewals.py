"""The part `renewals:` of the policy: when people are told, what is kept spare, how early holders are asked (§9)."""

from __future__ import annotations

from typing import Annotated

from licensing.renewal.stages import DAYS_BEFORE
from workflows.policy_fields import Between, Part, RuleNumber


class Renewals(Part):
    """Renewals of contracts and subscriptions. A contract may have days of its own in the register."""

    rule: RuleNumber = 50
    told_days: tuple[Annotated[int, Between(1, 400)], ...] = DAYS_BEFORE  # before decide-by
    look_ahead_days: Annotated[int, Between(30, 1100)] = 400  # renewals are opened so long before they end
    spare_per_cent: Annotated[int, Between(0, 50)] = 0  # of those in use, on top of what is needed
    spare_at_least: Annotated[int, Between(0, 1000)] = 0
    ask_holders_days: Annotated[int, Between(1, 365)] = 45  # before a reduction's date asking for idle seats begins
