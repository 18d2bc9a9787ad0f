"""Reads how a renewal's decision stands: who decided, whose word is missing, its ticket, its campaign, its proof."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import Connection, select

from licensing.money import Money
from model.contracts import ContractDocument
from model.reclaim import CampaignState, ReclaimCampaign
from model.renewals import ProofFile, RenewalAgreement, RenewalDecision
from model.tickets import Ticket
from workflows.reads.facts import Who
from workflows.reads.people import people
from workflows.reads.renewal_facts import CampaignNote, DecisionFacts, LineFacts


def standing(connection: Connection, renewal_id: int) -> RenewalDecision | None:
    row = connection.execute(
        select(*RenewalDecision.__table__.c).where(
            RenewalDecision.renewal_id == renewal_id, RenewalDecision.replaced_at.is_(None)
        )
    ).one_or_none()
    return None if row is None else RenewalDecision(**row._mapping)


def decision_facts(
    connection: Connection, row: RenewalDecision, lines: Sequence[LineFacts], ask_days: int
) -> DecisionFacts:
    agreed = connection.execute(
        select(RenewalAgreement.step, RenewalAgreement.person_id).where(RenewalAgreement.decision_id == row.id)
    ).all()
    given = [step for step, _ in agreed]
    open_steps = [one for one in row.needs if given.count(one["step"]) < one["quorum"]]
    said = {person for _, person in agreed}
    waits = [[one for one in step["asked"] if one not in said] for step in open_steps]
    known = people(connection, [row.by_id, row.carried_out_by_id, *(one for step in waits for one in step)])
    ticket = connection.execute(
        select(Ticket.number, Ticket.state)
        .where(Ticket.renewal_decision_id == row.id)
        .order_by(Ticket.id.desc())
        .limit(1)
    ).one_or_none()
    product = next((one.product for one in lines if one.entitlement_id == row.entitlement_id), "")
    return DecisionFacts(
        id=row.id,
        verdict=row.verdict,
        quantity=row.quantity,
        product=product if len(lines) > 1 else "",
        words=row.words,
        by=known.get(row.by_id) or Who(row.by_id, "Somebody", "", "", None, "UTC", False),
        at=row.at,
        total=Money(row.total, row.currency) if row.total is not None and row.currency else None,
        over_budget=row.over_budget,
        waits_for=tuple(tuple(known[one] for one in step if one in known) for step in waits),
        because=tuple(str(one["because"]) for one in open_steps),
        not_before=row.not_before,
        carry_out_by=row.carry_out_by,
        ticket=(ticket.number or "") if ticket is not None else "",
        ticket_state=ticket.state if ticket is not None else "",
        sent_by=known.get(row.carried_out_by_id or 0),
        sent_on=row.carried_out_on,
        sent_how=row.carried_out_how,
        verified_at=row.verified_at,
        verified_by=row.verified_by,
        campaign=_campaign(connection, row.campaign_id, ask_days),
        entitlement_id=row.entitlement_id,
        document=_paper(connection, row.document_id),
        awaits_file=_awaited(connection, row.id),
    )


def _paper(connection: Connection, document_id: int | None) -> str:
    if document_id is None:
        return ""
    return connection.execute(select(ContractDocument.reference).where(ContractDocument.id == document_id)).scalar_one()


def _awaited(connection: Connection, decision_id: int) -> str:
    """The name of a file attached as proof that is still being fetched."""
    named = select(ProofFile.name).where(ProofFile.decision_id == decision_id, ProofFile.state == "awaited")
    return connection.execute(named.order_by(ProofFile.id.desc()).limit(1)).scalar() or ""


def _campaign(connection: Connection, campaign_id: int | None, ask_days: int) -> CampaignNote | None:
    if campaign_id is None:
        return None
    row = connection.execute(select(*ReclaimCampaign.__table__.c).where(ReclaimCampaign.id == campaign_id)).one()
    figures = row.figures or {}
    waits = row.state == CampaignState.DRY_RUN
    return CampaignNote(
        id=row.id,
        listed=int(figures.get("listed") or 0),
        begins_on=begins_on(row.decide_by, figures.get("begin_by"), row.planned_at.date(), ask_days) if waits else None,
        over=row.state in (CampaignState.DONE, CampaignState.CANCELLED),
        late=bool(figures.get("late")),
        words=row.words,
    )


def begins_on(decide_by: date | None, begin_by: str | None, planned_on: date, ahead_days: int = 0) -> date:
    """The day a planned campaign asks its holders: so many days before the date, sooner where asking takes longer."""
    days = [date.fromisoformat(begin_by)] if begin_by else []
    if decide_by is not None and ahead_days:
        days.append(decide_by - timedelta(days=ahead_days))
    return max(planned_on, min(days, default=planned_on))
