"""The part `alerts:` of the policy: which causes alert, how loud, and how their tickets are opened and closed (§8)."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator

from licensing.alerts import Cause, Limits, QuietHours
from workflows.policy_fields import Between, Clock, Part, RuleNumber, Words, shown, wrong


def _zone(value: object) -> str:
    try:
        if not isinstance(value, str) or not value or len(value) > 64:
            raise ValueError
        ZoneInfo(value)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise wrong(f"must be a time zone such as Europe/Paris, it says {shown(value)}") from None
    return value


Zone = Annotated[str, BeforeValidator(_zone)]


class NearLimit(Part):
    """Few free units: both the share and the count must be small, of at least `from_bought`."""

    per_cent: Annotated[int, Between(0, 50)] = 5
    count: Annotated[int, Between(0, 1000)] = 2
    from_bought: Annotated[int, Between(1, 100_000)] = 20


class Quiet(Part):
    """Hours in which new alerts share one card; `always` names causes that come at once all the same."""

    starts: Clock = time(20)
    ends: Clock = time(7)
    zone: Zone = "UTC"
    always: tuple[Cause, ...] = ()


class AlertTicket(Part):
    """The record a cause opens on the company's instance; priority is derived there from impact and urgency."""

    open: bool = True
    table: Literal["incident", "sc_task"] = "incident"
    category: Words | None = None
    assignment_group: Words | None = None
    impact: Annotated[int, Between(1, 3)] = 3
    urgency: Annotated[int, Between(1, 3)] = 3
    resolve_state: Words = "6"
    close_code: Words | None = "Solution provided"
    reopen_state: Words = "2"


class AlertTickets(Part):
    """By cause; what is left out follows the defaults."""

    unauthorised: AlertTicket = AlertTicket(urgency=2)
    shortfall: AlertTicket = AlertTicket()
    near_limit: AlertTicket = AlertTicket(open=False)
    expired_right: AlertTicket = AlertTicket(urgency=2)
    duplicate_activation: AlertTicket = AlertTicket()

    def of(self, cause: str) -> AlertTicket:
        found: AlertTicket = getattr(self, cause)
        return found


Asking = Literal["by_itself", "by_hand"]


class AskPeople(Part):
    """By cause: whether the person of a device is asked as soon as the alert opens, or when somebody presses.

    An alert that is about more people than `people_at_most` asks nobody by itself.
    """

    unauthorised: Asking = "by_itself"
    shortfall: Asking = "by_hand"
    near_limit: Asking = "by_hand"
    expired_right: Asking = "by_hand"
    duplicate_activation: Asking = "by_hand"
    people_at_most: Annotated[int, Between(1, 1000)] = 20

    def of(self, cause: str) -> str:
        found: str = getattr(self, cause)
        return found


class Alerts(Part):
    """Red alerts: what opens one, how many a channel hears of, what people are asked, what may be tolerated."""

    rule: RuleNumber = 30
    causes: tuple[Cause, ...] = tuple(Cause)
    near_limit: NearLimit = NearLimit()
    channel: Literal["it_alerts", "licences"] = "it_alerts"
    new_an_hour_at_most: Annotated[int, Between(1, 100)] = 5
    quiet_hours: Quiet | None = None
    ask_people: AskPeople = AskPeople()
    answer_days: Annotated[int, Between(1, 30)] = 4
    remove_days: Annotated[int, Between(1, 90)] = 7
    exception_max_days: Annotated[int, Between(1, 1096)] = 365
    exception_asked_again_days: Annotated[int, Between(1, 90)] = 30
    silent_after_days: Annotated[int, Between(1, 180)] = 14  # a device that has not reported for so long
    removal_guide: Words | None = None  # an address the person's message links to
    tickets: AlertTickets = AlertTickets()

    def limits(self) -> Limits:
        """As the pure rules want them."""
        near = self.near_limit
        return Limits(frozenset(self.causes), near.per_cent, near.count, near.from_bought, f"rule {self.rule}")

    def quiet(self) -> QuietHours | None:
        hours = self.quiet_hours
        return None if hours is None else QuietHours(hours.starts, hours.ends, hours.zone)
