"""Proof that a decision was carried out: who sent what, when, how, with the confirmation; or the vendor's own figure.

Until then a renewal is red. Whoever approved the money does not also confirm the order (rules §5, §9).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import insert, select

from licensing.renewal.terms import ONE_DAY
from licensing.words import day
from model.contracts import ContractDocument
from model.licences import Sku
from model.renewals import Renewal, RenewalAgreement, RenewalDecision, RenewalState
from model.requests import StepKind
from model.session import UnitOfWork
from model.usage import VendorSubscription
from workflows.people import person_facts
from workflows.refusals import FieldRefusals, MoneyThenOrder
from workflows.renewals import renewal as moves
from workflows.renewals.renewal import Verb
from workflows.renewals.rights import require, subject_of
from workflows.renewals.rollover import standing
from workflows.renewals.subjects import Subject
from workflows.rules import Rules

LONGEST_HOW = 500


@dataclass(frozen=True)
class Proof:
    """What shows that it was done. `document` is a link or file name, `sha256` of the file where it was seen."""

    sent_by_id: int
    sent_on: date
    how: str  # "e-mail to renewals@northwind.example, answered the same day"
    document: str
    sha256: str = ""


def prove(
    work: UnitOfWork, rules: Rules, renewal_id: int, version: int | None, by: int, proof: Proof, now: datetime
) -> None:
    """Attach the proof and close the renewal. `version` is that of the form it was given in.

    Raises NotYourRenewal, MoneyThenOrder, OldCard, IllegalMove or FieldRefusals.
    """
    renewal, decision = checked(work, rules, renewal_id, version, by, proof, now)
    decision.carried_out_by_id, decision.carried_out_on = proof.sent_by_id, proof.sent_on
    decision.carried_out_how = proof.how.strip()[:LONGEST_HOW]
    if renewal.contract_id is not None:
        decision.document_id = _document(work, renewal.contract_id, proof, now)
    else:
        decision.carried_out_how = f"{decision.carried_out_how}; {proof.document.strip()}"[:LONGEST_HOW]
    decision.verified_at, decision.verified_by = now, f"person:{by}"
    facts = {"decision": decision.id, "sent_by": proof.sent_by_id, "sent_on": proof.sent_on, "sha256": proof.sha256}
    personal = {"how": proof.how, "document": proof.document}
    moves.move(work, renewal, Verb.PROVE, f"person:{by}", now, facts, personal)


def checked(
    work: UnitOfWork, rules: Rules, renewal_id: int, version: int | None, by: int, proof: Proof, now: datetime
) -> tuple[Renewal, RenewalDecision]:
    """The renewal, locked, and its decision, where this person's proof of it can count. Raises as `prove` does."""
    renewal = moves.locked(work, renewal_id, version, (RenewalState.PROOF_AWAITED,))
    require(work, renewal, subject_of(work, renewal, rules, now), by, now)
    decision = standing(work, renewal.id)
    if decision is None or renewal.state != RenewalState.PROOF_AWAITED:
        raise moves.IllegalMove(RenewalState(renewal.state), Verb.PROVE)
    money = select(RenewalAgreement.id).where(
        RenewalAgreement.decision_id == decision.id,
        RenewalAgreement.person_id == by,
        RenewalAgreement.step == StepKind.FINANCE.value,
    )
    if work.connection.execute(money).first() is not None:
        raise MoneyThenOrder(())
    _right(work, decision, proof, now)
    return renewal, decision


def _right(work: UnitOfWork, decision: RenewalDecision, proof: Proof, now: datetime) -> None:
    wrong = {}
    if proof.sent_on > now.date():
        wrong["sent_on"] = "This day is still to come."
    elif decision.carry_out_by is not None and proof.sent_on > decision.carry_out_by:
        wrong["sent_on"] = f"It had to be there by {day(decision.carry_out_by)}; later it changes nothing."
    elif decision.not_before is not None and proof.sent_on < decision.not_before:
        wrong["sent_on"] = f"It is taken from {day(decision.not_before)} on; send it again then."
    if len(proof.how.strip()) < 3:
        wrong["how"] = "Say how it was sent."
    if not proof.document.strip():
        wrong["document"] = "Attach the confirmation: a file or a link to it."
    if proof.sent_by_id not in person_facts(work.connection, [proof.sent_by_id], now):
        wrong["sent_by"] = "Choose who sent it."
    if wrong:
        raise FieldRefusals(wrong)


def _document(work: UnitOfWork, contract_id: int, proof: Proof, now: datetime) -> int:
    """The paper among those of the contract; one that is there already is the same paper."""
    reference = proof.document.strip()[:500]
    known = work.connection.execute(
        select(ContractDocument.id).where(
            ContractDocument.contract_id == contract_id, ContractDocument.reference == reference
        )
    ).scalar()
    if known is not None:
        return int(known)
    values = {"contract_id": contract_id, "reference": reference, "sha256": proof.sha256[:64], "recorded_at": now}
    made = work.connection.execute(insert(ContractDocument).values(values).returning(ContractDocument.id)).scalar_one()
    return int(made)


def seen_at_vendor(work: UnitOfWork, subject: Subject, rows: Sequence[Renewal], now: datetime) -> int:
    """Close what a later sync shows done: fewer units there, or a subscription that is gone. Returns how many."""
    if subject.subscription_id is not None:
        return sum(subscription_seen(work, renewal, now) for renewal in rows)
    return sum(_seen(work, renewal, _units_of_contract(work, subject, renewal), now) for renewal in rows)


def subscription_seen(work: UnitOfWork, renewal: Renewal, now: datetime) -> bool:
    """The same for one subscription, also one that is listed no more."""
    row = work.connection.execute(
        select(VendorSubscription.units, VendorSubscription.status, VendorSubscription.read_at,
               VendorSubscription.gone_at).where(VendorSubscription.id == renewal.subscription_id)
    ).one()  # fmt: skip
    ended = row.gone_at is not None or row.status != "Enabled"
    return _seen(work, renewal, (0 if ended else row.units, row.gone_at or row.read_at), now)


def _units_of_contract(work: UnitOfWork, subject: Subject, renewal: Renewal) -> tuple[int | None, datetime | None]:
    """The vendor's count of the one product decided about, where it fell since the decision, and when it was read."""
    decision = standing(work, renewal.id)
    if decision is None or decision.vendor_units is None:
        return None, None
    units, read_at = units_at_vendor(work, subject, decision.entitlement_id)
    if units is None or units >= decision.vendor_units:
        return None, None  # it was as low before anybody decided, and shows nothing of what was sent
    return units, read_at


def units_at_vendor(
    work: UnitOfWork, subject: Subject, entitlement_id: int | None
) -> tuple[int | None, datetime | None]:
    """What the vendor counts of one purchase's product, or of the contract's only one, and when it was read."""
    if subject.subscription_id is not None:
        return subject.bought[0].line.quantity, None
    sku_ids = {one.sku_id for one in subject.bought if entitlement_id in (None, one.entitlement_id)} - {None}
    if len(sku_ids) != 1:
        return None, None
    row = work.connection.execute(select(Sku.enabled, Sku.figures_at).where(Sku.id.in_(sku_ids))).one()
    return row.enabled, row.figures_at


def _seen(work: UnitOfWork, renewal: Renewal, figure: tuple[int | None, datetime | None], now: datetime) -> bool:
    """Close it where the figure was read after the decision and agrees with it."""
    decision = standing(work, renewal.id) if renewal.state == RenewalState.PROOF_AWAITED else None
    if decision is None or decision.verdict not in ("reduce", "cancel"):
        return False
    wanted = decision.quantity if decision.verdict == "reduce" else 0
    units, read_at = figure
    if units is None or read_at is None or wanted is None or read_at <= decision.at or units > wanted:
        return False
    seen = f"{units:,} units on {day(read_at.date())}"
    decision.verified_at, decision.verified_by = now, f"Microsoft 365, {seen}"[:120]
    moves.move(work, renewal, Verb.PROVE, "microsoft365", now, {"decision": decision.id, "seen": seen})
    return True


def undone_at_vendor(work: UnitOfWork, renewal: Renewal, now: datetime) -> int | None:
    """A decrease planned at Microsoft is deleted there by any change in mid-term: red again, whatever was proved.

    Returns how many units are there now, where they are others than when it was decided (or looked at last).
    """
    decision = standing(work, renewal.id)
    if decision is None or decision.verdict != "reduce" or decision.vendor_units is None:
        return None
    row = work.connection.execute(
        select(VendorSubscription.units, VendorSubscription.read_at, VendorSubscription.next_change_on).where(
            VendorSubscription.id == renewal.subscription_id
        )
    ).one()
    in_term = row.next_change_on is not None and row.next_change_on <= renewal.ends_on + ONE_DAY
    if not in_term or row.read_at <= decision.at or row.units == decision.vendor_units:
        return None
    facts = {"decision": decision.id, "units": row.units, "before": decision.vendor_units}
    decision.vendor_units = row.units
    decision.verified_at, decision.verified_by = None, ""
    moves.move(work, renewal, Verb.LOSE_PROOF, "microsoft365", now, facts)
    return int(row.units)
