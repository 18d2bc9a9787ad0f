"""Terms that are certain and not yet in the register: decided, or renewing by themselves since a date has passed.

A contract's next term is written when the one before it is over; until then budgets would not know of it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from licensing.budgets import Obliged
from licensing.renewal.dates import Occasion
from model.contracts import Contract, Entitlement
from model.renewals import Renewal, RenewalDecision, RenewalState
from workflows.policy import Policy
from workflows.renewals.need import paid_next
from workflows.renewals.subjects import Bought, Subject, subjects

_DECIDED = (RenewalState.PROOF_AWAITED, RenewalState.DONE)
_GOING_ON = ("renew", "reduce")


def next_terms(connection: Connection, policy: Policy, now: datetime) -> list[Obliged]:
    """What each purchase of those terms obliges to, at the units decided and at announced prices.

    Decided means agreed to as well; a decision that is not proved yet counts as decided. What nobody decided in time
    counts as it is where the contract renews by itself. Purchases registered for that term already count there.
    """
    rows = connection.execute(
        select(Renewal.contract_id, Renewal.ends_on, Renewal.state, RenewalDecision.verdict, RenewalDecision.quantity,
               RenewalDecision.entitlement_id)
        .join(Contract, (Contract.id == Renewal.contract_id) & (Contract.ends_on == Renewal.ends_on))
        .outerjoin(RenewalDecision, (RenewalDecision.renewal_id == Renewal.id) & RenewalDecision.replaced_at.is_(None))
        .where(
            Renewal.occasion == Occasion.TERM.value,
            Renewal.ends_on >= now.date(),
            Renewal.state.in_((*_DECIDED, RenewalState.MISSED)),
        )
        .order_by(Renewal.id)
    ).all()  # fmt: skip
    ids = [row.contract_id for row in rows]
    if not ids:
        return []
    by_contract = {one.contract_id: one for one in subjects(connection, policy, now, ids)}
    there = {
        (row.contract_id, row.product_id)
        for row in connection.execute(
            select(Entitlement.contract_id, Entitlement.product_id)
            .join(Contract, Contract.id == Entitlement.contract_id)
            .where(Entitlement.contract_id.in_(ids), Entitlement.starts_on > Contract.ends_on)
        )
    }
    found = []
    for row in rows:
        subject = by_contract.get(row.contract_id)
        if subject is None or not _goes_on(row.state, row.verdict, subject):
            continue
        term = paid_next(subject, Occasion.TERM, row.ends_on)
        if term is None:
            continue
        for one in subject.bought:
            if one.line.cycle == "once" or (row.contract_id, one.product_id) in there:
                continue
            units = _units(one, row.verdict, row.quantity, row.entitlement_id)
            found.append(
                Obliged(subject.cost_centre, term.starts_on, term.ends_on, units, one.line.next_price, one.line.cycle)
            )
    return found


def _goes_on(state: str, verdict: str | None, subject: Subject) -> bool:
    if state == RenewalState.MISSED:
        return subject.agreement.auto_renew
    return verdict in _GOING_ON


def _units(one: Bought, verdict: str | None, quantity: int | None, entitlement_id: int | None) -> int | None:
    """Units of a purchase in the next term."""
    if verdict == "reduce" and quantity is not None and entitlement_id == one.entitlement_id:
        return quantity
    return one.line.quantity
