"""The part `reclaim:` of the policy: when a seat looks idle, who is never asked, how much may be taken (rules §7).

Nothing here takes a seat: every removal needs a stored confirmation by a person with one of the `confirmers` roles, and
no setting can leave that out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from licensing.idle.facts import Rule
from licensing.idle.products import Evidence
from model.people import Role
from workflows.policy_fields import Between, Email, Guid, Key, Part, RuleNumber, Weekday, Words

UseSource = Literal["copilot", "import", "sign_in", "m365_active", "m365_apps", "mailbox", "teams"]
Path = tuple[str | int, ...]


class IdleRule(Part):
    """What differs for one product; what is left out follows the general figures."""

    rule: RuleNumber
    idle_days: Annotated[int, Between(14, 730)] | None = None
    little_used_days: Annotated[int, Between(0, 60)] | None = None
    new_seat_days: Annotated[int, Between(0, 365)] | None = None
    new_hire_days: Annotated[int, Between(0, 365)] | None = None
    sources: tuple[UseSource, ...] = ()  # those that count; empty: all that say something about the product
    never: bool = False  # nobody is asked and nothing is taken for want of use


class NeverTaken(Part):
    """Whom and what no campaign touches, and no rule judges to be idle."""

    people: tuple[Email, ...] = ()
    departments: tuple[Words, ...] = ()
    groups: tuple[Guid, ...] = ()  # seats that come through these groups
    mailboxes: tuple[Email, ...] = ()
    # accounts nobody works with, by their address before the @; "*" stands for anything
    service_accounts: tuple[Words, ...] = ("svc-*", "svc_*", "svc.*", "service-*", "srv-*", "adm-*", "breakglass*")
    guests: bool = True
    # units of which a vendor enables so many, and which nobody bought, are given away
    free_from_units: Annotated[int, Between(100, 100_000_000)] = 10_000


class ActedOnGroup(Part):
    """A directory group whose members may be taken out. It must state that it does nothing but license (rules §6)."""

    id: Guid
    does_nothing_but_license: Literal[True]


class TakingLimits(Part):
    """How much is taken at most: on one day, and of a product's seats in one campaign."""

    a_day: Annotated[int, Between(1, 10_000)] = 20
    per_cent_of_product: Annotated[int, Between(1, 100)] = 30


class WrongAnswers(Part):
    """When a rule pauses itself: so many per cent of at least so many answers said that the report is wrong."""

    per_cent: Annotated[int, Between(1, 100)] = 25
    of_at_least: Annotated[int, Between(1, 1000)] = 8
    in_days: Annotated[int, Between(7, 1096)] = 180


class WeeklySummary(Part):
    """Where and when the weekly figures are told."""

    channel: Literal["licences", "it_alerts"] = "licences"
    day: Weekday = "mon"


class Reviews(Part):
    """Products whose every seat is looked through once a period: somebody says keep or drop for each."""

    products: tuple[Key, ...] = ()
    every: Literal["month", "quarter", "half_year", "year"] = "quarter"


class Reclaim(Part):
    """Taking back seats that look idle: what that is, who is asked, who confirms, and how much at once."""

    rule: RuleNumber = 40  # of every product that has none of its own
    idle_days: Annotated[int, Between(14, 730)] = 90
    little_used_days: Annotated[int, Between(0, 60)] = 0  # 0: little use is no ground
    new_seat_days: Annotated[int, Between(0, 365)] = 30
    new_hire_days: Annotated[int, Between(0, 365)] = 60
    report_max_age_days: Annotated[int, Between(1, 30)] = 7
    import_max_age_days: Annotated[int, Between(1, 120)] = 14
    products: Mapping[Key, IdleRule] = {}
    never: NeverTaken = NeverTaken()
    groups: tuple[ActedOnGroup, ...] = ()
    answer_working_days: Annotated[int, Between(2, 40)] = 10
    remind_after_working_days: Annotated[int, Between(1, 39)] = 5
    snooze_max_days: Annotated[int, Between(1, 180)] = 28
    keep_needs_manager: bool = False
    ask_again_after_days: Annotated[int, Between(14, 730)] = 90
    limits: TakingLimits = TakingLimits()
    wrong_answers: WrongAnswers = WrongAnswers()
    # service plans that a smaller tier may lack and whose use nobody reports: losing one needs a tick of its own
    watched_plans: tuple[Words, ...] = ("AAD_PREMIUM_P2", "THREAT_INTELLIGENCE", "WINDEFATP")
    confirmers: tuple[Role, ...] = (Role.LICENCE_MANAGER,)
    weekly: WeeklySummary = WeeklySummary()
    reviews: Reviews = Reviews()

    def judged_by(self, key: str, registered_days: int | None, *, large_mailbox_gb: int, paused: str = "") -> Rule:
        """The rule for one product. `registered_days` are those of the register: they count where the file has none."""
        own = self.products.get(key)
        number, days, little = self.rule, registered_days or self.idle_days, self.little_used_days
        seat, hire = self.new_seat_days, self.new_hire_days
        if own is not None:
            number = own.rule
            days = own.idle_days if own.idle_days is not None else days
            little = own.little_used_days if own.little_used_days is not None else little
            seat = own.new_seat_days if own.new_seat_days is not None else seat
            hire = own.new_hire_days if own.new_hire_days is not None else hire
        return Rule(
            number=number,
            idle_days=days,
            little_used_days=little,
            seat_grace_days=seat,
            hire_grace_days=hire,
            report_max_age_days=self.report_max_age_days,
            import_max_age_days=self.import_max_age_days,
            guests=not self.never.guests,
            large_mailbox_gb=large_mailbox_gb,
            paused=paused,
        )

    def counts_for(self, key: str, evidence: Evidence) -> Evidence:
        """The evidence narrowed to what the product's rule names."""
        own = self.products.get(key)
        return evidence.only(own.sources) if own is not None else evidence

    def never_judged(self, key: str) -> bool:
        """Whether the policy takes a product out of all campaigns."""
        own = self.products.get(key)
        return own is not None and own.never

    def acts_on(self, group_id: str) -> bool:
        """Whether people may be taken out of a group, by its id."""
        return group_id.casefold() in {one.id.casefold() for one in self.groups}

    def excluded_by(self, email: str, department: str) -> str:
        """Why the policy leaves a person out, in words; "" when it does not."""
        if email.casefold() in {one.casefold() for one in self.never.people}:
            return "the policy names this person"
        named = next((one for one in self.never.departments if one.casefold() == department.casefold()), "")
        if named:
            return f"the policy leaves out {named}"
        return ""

    def service_account(self, email: str) -> bool:
        """Whether an address is that of an account nobody works with."""
        name = email.casefold().partition("@")[0]
        return any(fnmatchcase(name, pattern.casefold()) for pattern in self.never.service_accounts)

    def rules(self) -> Iterator[tuple[int, str, Path]]:
        """Every numbered rule with its words and its place in the file."""
        yield self.rule, "when a seat looks idle", ("reclaim", "rule")
        for key, own in self.products.items():
            days = own.idle_days or self.idle_days
            words = "never asked for" if own.never else f"no use for {days} days"
            yield own.rule, words, ("reclaim", "products", key, "rule")

    def contradictions(self) -> Iterator[tuple[Path, str]]:
        """What each setting allows alone but not together; the path leads to the line to correct."""
        if self.remind_after_working_days >= self.answer_working_days:
            words = "*remind_after_working_days* must be below *answer_working_days*: a reminder comes before the end"
            yield ("reclaim", "remind_after_working_days"), words
        if not self.confirmers:
            yield ("reclaim", "confirmers"), "*confirmers* must name at least one role: nothing is taken unconfirmed"
        both = {one.casefold() for one in self.never.groups} & {one.id.casefold() for one in self.groups}
        if both:
            yield ("reclaim", "groups"), "*groups* holds a group that *never* leaves out"
        if any(pattern.strip("*?[] ") == "" for pattern in self.never.service_accounts):
            words = "*service_accounts* holds a pattern that fits every address"
            yield ("reclaim", "never", "service_accounts"), words
        for key, own in self.products.items():
            if len(set(own.sources)) != len(own.sources):
                yield ("reclaim", "products", key, "sources"), "*sources* must not name a source twice"
