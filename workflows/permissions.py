"""Who may see and do what: the one table behind Slack and the web (design §7, wording guide §4.1).

A person has several parts at once: everybody is an employee, a manager has reports, a product owner looks after a
product, and roles are granted. The strongest of their rights counts.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import Connection, select

from licensing.words import and_more, isolate
from model.licences import Product
from model.people import Person, Role, RoleGrant
from workflows.refusals import Instant, Refusal, plain_instant


class Part(enum.StrEnum):
    """What somebody is for a page: the columns of the table."""

    EMPLOYEE = "employee"
    MANAGER = "manager"
    PRODUCT_OWNER = "product_owner"
    LICENCE_MANAGER = "licence_manager"
    IT = "it"
    FINANCE = "finance"
    PROCUREMENT = "procurement"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Page(enum.StrEnum):
    """What can be opened: the rows of the table."""

    OVERVIEW = "overview"
    REQUESTS = "requests"
    RENEWALS = "renewals"
    ALERTS = "alerts"
    RECLAIM = "reclaim"
    POSITIONS = "positions"
    MONEY = "money"
    CONTRACTS = "contracts"
    PEOPLE = "people"
    NAMES = "names"
    EVIDENCE = "evidence"
    AUDIT = "audit"
    SYSTEM = "system"


class Duty(enum.StrEnum):
    """What only some may do. Who confirms seats is the policy's `reclaim: confirmers` (rules §7)."""

    PLAN_RECLAIM = "plan_reclaim"  # plan and begin a campaign
    SWITCH_REMOVALS = "switch_removals"
    STATE_HOLDS = "state_holds"  # say which mailboxes are on hold
    ANSWER_DIFFERENCES = "answer_differences"  # between invoices, purchases, the vendor and us


class Access(enum.IntEnum):
    """How far a right goes; the higher one wins."""

    NONE = 0
    OWN = 1  # own people or own products
    READ = 2
    ACT = 3  # read, and act within the role's rights


_SIGNS = {"–": Access.NONE, "◐": Access.OWN, "○": Access.READ, "●": Access.ACT}

#: One sign per part, in the order of `Part`.
_TABLE: Mapping[Page, str] = {
    Page.OVERVIEW: "–◐◐●○○○○○",
    Page.REQUESTS: "◐◐◐●●○●○○",
    Page.RENEWALS: "––◐●○●●○○",
    Page.ALERTS: "––◐●●○–○○",
    Page.RECLAIM: "–◐◐●○○–○○",
    Page.POSITIONS: "––◐●●○○○○",
    Page.MONEY: "–◐–○–●○○–",
    Page.CONTRACTS: "––◐●○○●○○",
    Page.PEOPLE: "◐◐–●●––○○",
    Page.NAMES: "–––●●––○–",
    Page.EVIDENCE: "–––●–○○●–",
    Page.AUDIT: "–––○○––●○",
    Page.SYSTEM: "–––○●––○●",
}

#: The same for duties: "●" for all products, "◐" for the products somebody looks after.
_DUTIES: Mapping[Duty, str] = {
    Duty.PLAN_RECLAIM: "––◐●●––––",
    Duty.SWITCH_REMOVALS: "–––●●–––●",
    Duty.STATE_HOLDS: "–––●●––––",
    Duty.ANSWER_DIFFERENCES: "–––●–●●––",
}


class NotForYou(Refusal):
    """What was asked for is shown to others only; the sentence names who can tell."""

    def __init__(self, what: str, names: tuple[str, ...]) -> None:
        super().__init__(what, names)
        self.what, self.names = what, names

    def say(self, instant: Instant = plain_instant) -> str:
        if not self.names:
            return f"{self.what} is shown to those who look after licences; IT can tell you who that is."
        who = and_more([isolate(name) for name in self.names], 3)
        return f"{self.what} is shown to those who look after licences: ask {who}."


def cell(page: Page, part: Part) -> Access:
    """One cell of the table."""
    return _SIGNS[_TABLE[page][list(Part).index(part)]]


def access(page: Page, parts: Iterable[Part]) -> Access:
    """The strongest right anybody with these parts has; no parts, no right."""
    return max((cell(page, part) for part in parts), default=Access.NONE)


def duty(which: Duty, parts: Iterable[Part]) -> Access:
    """How far a duty goes for anybody with these parts: none, own products, all."""
    return max((_SIGNS[_DUTIES[which][list(Part).index(part)]] for part in parts), default=Access.NONE)


def parts_of(roles: Collection[Role], *, manages: bool = False, owns: bool = False) -> frozenset[Part]:
    """What somebody is. Security decides on requests and has no page of its own."""
    found = {Part.EMPLOYEE, *(Part(role.value) for role in roles if role is not Role.SECURITY)}
    if manages:
        found.add(Part.MANAGER)
    if owns:
        found.add(Part.PRODUCT_OWNER)
    return frozenset(found)


def own_products(connection: Connection, person_id: int) -> frozenset[int]:
    """Products somebody looks after."""
    rows = connection.execute(select(Product.id).where(Product.owner_id == person_id, Product.retired_at.is_(None)))
    return frozenset(rows.scalars())


def products_seen(
    connection: Connection, page: Page, person_id: int, roles: Collection[Role], what: str
) -> frozenset[int] | None:
    """Which products a page about products shows to somebody: None for all, else their own.

    Raises NotForYou, naming licence managers, for those who may see none; `what` starts its sentence.
    """
    if access(page, parts_of(roles)) >= Access.READ:
        return None
    own = own_products(connection, person_id)
    if own and access(page, parts_of(roles, owns=True)) >= Access.OWN:
        return own
    raise NotForYou(what, licence_managers(connection))


def sees_products(connection: Connection, page: Page, person_id: int, roles: Collection[Role]) -> bool:
    """Whether a page about products shows anything to somebody."""
    own = access(page, parts_of(roles, owns=True)) >= Access.OWN
    return access(page, parts_of(roles)) >= Access.READ or (own and bool(own_products(connection, person_id)))


def require(connection: Connection, page: Page, roles: Collection[Role], what: str) -> None:
    """Raises NotForYou unless the roles may act on the page."""
    if access(page, parts_of(roles)) < Access.ACT:
        raise NotForYou(what, licence_managers(connection))


def licence_managers(connection: Connection) -> tuple[str, ...]:
    """Their names, for a refusal that says whom to ask."""
    rows = connection.execute(
        select(Person.name)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .where(RoleGrant.role == Role.LICENCE_MANAGER, RoleGrant.ended_at.is_(None), Person.active)
        .order_by(Person.name)
        .limit(4)
    )
    return tuple(rows.scalars())
