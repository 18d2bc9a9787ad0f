"""Budgets with what was billed and what is committed, by cost centre or department, in a handful of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import Connection, func, or_, select

from licensing.budgets import Line, Obliged, Spent, lines
from licensing.money import Cycle, Money
from model.contracts import Contract, Entitlement, Invoice
from model.licences import Budget
from model.people import Person
from workflows.policy_procurement import Procurement


def budget_lines(
    connection: Connection,
    year: int,
    policy: Procurement,
    *,
    departments: bool = False,
    coming: Sequence[Obliged] = (),
) -> list[Line]:
    """A line per cost centre and currency, or per department. `coming`: terms that are certain and not yet stored."""
    budgets = {
        (row.cost_centre, row.currency): row.amount
        for row in connection.execute(
            select(Budget.cost_centre, Budget.currency, Budget.amount).where(Budget.year == year)
        )
    }
    spent, obliged = _spent(connection, year), [*_obliged(connection, year), *coming]
    if not departments:
        return lines(year, budgets, spent, obliged)
    centres = {centre for centre, _ in budgets} | {one.centre for one in spent} | {one.centre for one in obliged}
    return lines(year, budgets, spent, obliged, department_of(connection, centres, policy))


def department_of(connection: Connection, centres: set[str], policy: Procurement) -> Mapping[str, str]:
    """The department a cost centre belongs to: as the policy says, else that of all its people, else its own name.

    A centre whose people are in several departments belongs to none until the policy says whose it is.
    """
    known: dict[str, set[str]] = defaultdict(set)
    rows = connection.execute(
        select(Person.cost_centre, Person.department)
        .where(Person.active, Person.cost_centre != "", Person.department != "")
        .distinct()
    )
    names: dict[str, str] = {}
    for row in rows:
        known[row.cost_centre].add(row.department)
        names[row.department.casefold()] = row.department
    said = {centre.casefold(): name for name, own in policy.departments.items() for centre in own}
    found: dict[str, str] = {}
    for centre in centres:
        people = known.get(centre, set())
        if centre.casefold() in said:
            found[centre] = said[centre.casefold()]
        elif len(people) == 1:
            (found[centre],) = people
        elif not people and centre.casefold() in names:
            found[centre] = names[centre.casefold()]
    return found


def _spent(connection: Connection, year: int) -> list[Spent]:
    """Lines issued in the year; of those that name no cost centre the contract's counts."""
    rows = connection.execute(
        select(
            func.coalesce(func.nullif(Invoice.cost_centre, ""), Contract.cost_centre, "").label("centre"),
            Invoice.amount,
            Invoice.currency,
        )
        .outerjoin(Contract, Contract.id == Invoice.contract_id)
        .where(Invoice.issued_on.between(date(year, 1, 1), date(year, 12, 31)))
        .order_by(Invoice.id)
    )
    return [
        Spent(row.centre, Money(row.amount, row.currency) if row.amount is not None and row.currency else None)
        for row in rows
    ]


def _obliged(connection: Connection, year: int) -> list[Obliged]:
    """Purchases in force in the year that cost something; unlimited ones with a price count as one unit.

    An invoice that names a contract covers that contract's purchases alone; one that names none covers the product.
    """
    billed = (
        select(func.max(func.coalesce(Invoice.period_to, Invoice.issued_on)))
        .where(
            Invoice.product_id == Entitlement.product_id,
            or_(Invoice.contract_id.is_(None), Invoice.contract_id == Entitlement.contract_id),
            or_(Invoice.amount.is_(None), Invoice.amount >= 0),
        )
        .correlate(Entitlement)
        .scalar_subquery()
    )
    ends_on = func.coalesce(Entitlement.ends_on, Contract.ends_on)
    rows = connection.execute(
        select(
            Entitlement.__table__, Contract.cost_centre, Contract.ends_on.label("contract_ends"), billed.label("until")
        )
        .outerjoin(Contract, Contract.id == Entitlement.contract_id)
        .where(
            Entitlement.starts_on <= date(year, 12, 31),
            or_(Entitlement.kind == "perpetual", ends_on.is_(None), ends_on >= date(year, 1, 1)),
        )
        .order_by(Entitlement.id)
    )
    found = []
    for row in rows:
        unlimited = row.quantity is None and row.quantity_known
        found.append(
            Obliged(
                centre=row.cost_centre or "",
                starts_on=row.starts_on,
                ends_on=row.ends_on or row.contract_ends,
                quantity=1 if unlimited else row.quantity if row.quantity_known else None,
                unit_price=Money(row.unit_price, row.currency) if row.unit_price is not None and row.currency else None,
                cycle=_cycle(row.billing_cycle, row.kind),
                billed_until=row.until,
            )
        )
    return found


def _cycle(stored: str, kind: str) -> Cycle:
    if stored == "once" or kind == "perpetual":
        return "once"
    return "month" if stored == "month" else "year"
