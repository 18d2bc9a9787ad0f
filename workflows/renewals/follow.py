"""What follows from where a renewal stands: messages, the ServiceNow item, the asking that frees seats (rules §9).

Level-triggered: it looks at the rows and does what is missing, so that coming late or twice does no harm.
A reduction plans a campaign backwards from the day to decide by and begins it in time by rule; people confirm every
seat as in any other campaign.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import Connection, select, update

from licensing.words import day
from model.contracts import Entitlement
from model.licences import Sku
from model.reclaim import CampaignKind, CampaignState, ReclaimCampaign
from model.renewals import Renewal, RenewalDecision, RenewalState
from model.requests import Card
from model.session import UnitOfWork
from model.tickets import Ticket, TicketPurpose
from model.usage import VendorSubscription
from workflows import cards
from workflows.cards import CardKind
from workflows.effects import Effect, SettleTicket, ShowCard, enqueue
from workflows.policy import Policy
from workflows.reads.renewal_brief import brief
from workflows.reads.renewal_decision import begins_on
from workflows.reads.renewal_facts import BriefFacts
from workflows.reclaim import asking, plan, sources
from workflows.reclaim.held import NoHeldList
from workflows.reclaim.limits import ASKED_PER_SEAT
from workflows.renewals import telling
from workflows.renewals.agreeing import pending
from workflows.renewals.notices import draft
from workflows.renewals.rollover import standing
from workflows.rules import Rules
from workflows.tickets import correlation_id

log = structlog.get_logger(__name__)

#: Who plans a campaign that a reduction needs, as events name actors.
RULE = "rule:renewal"
#: States in which a decision is being carried out.
CARRIED_OUT = (RenewalState.PROOF_AWAITED, RenewalState.DONE)


@dataclass(frozen=True)
class Seen:
    """What was read before the transaction: nobody waits while thousands of seats are looked at."""

    facts: BriefFacts | None
    product_id: int | None = None
    to_free: int = 0
    picture: sources.Picture | None = None


def seen(connection: Connection, policy: Policy, renewal_id: int, now: datetime) -> Seen:
    """What the renewal is about, and whose seats could come back if fewer were decided."""
    facts = brief(connection, policy, renewal_id, now, forecast="never")
    decision = facts.decision if facts is not None else None
    if facts is None or decision is None or facts.state not in CARRIED_OUT or decision.campaign is not None:
        return Seen(facts)
    product_id = _product_of(connection, renewal_id)
    if decision.verdict != "reduce" or not facts.needs_freed or product_id is None:
        return Seen(facts)
    found = sources.looked_at(connection, policy, product_id, CampaignKind.IDLE, now)
    found.found = found.found[: facts.needs_freed * ASKED_PER_SEAT]  # the idlest, a few more than are wanted
    return Seen(facts, product_id, facts.needs_freed, found)


def _product_of(connection: Connection, renewal_id: int) -> int | None:
    """Whose units the standing decision is about."""
    row = connection.execute(
        select(Entitlement.product_id, VendorSubscription.sku_guid)
        .select_from(Renewal)
        .join(RenewalDecision, RenewalDecision.renewal_id == Renewal.id)
        .outerjoin(Entitlement, Entitlement.id == RenewalDecision.entitlement_id)
        .outerjoin(VendorSubscription, VendorSubscription.id == Renewal.subscription_id)
        .where(Renewal.id == renewal_id, RenewalDecision.replaced_at.is_(None))
    ).one_or_none()
    if row is None:
        return None
    if row.product_id is not None or row.sku_guid is None:
        product_id: int | None = row.product_id
        return product_id
    return connection.execute(select(Sku.product_id).where(Sku.sku_id == row.sku_guid)).scalar()


def follow(work: UnitOfWork, rules: Rules, renewal_id: int, known: Seen, now: datetime) -> None:
    """Do what is missing. The caller commits."""
    renewal = work.session.get(Renewal, renewal_id, with_for_update=True, populate_existing=True)
    if renewal is None:
        return
    decision = standing(work, renewal.id)
    effects: list[Effect] = []
    effects += _records(work, rules, renewal, decision, known, now)
    if decision is not None and renewal.state in CARRIED_OUT:
        _free(work, rules, renewal, decision, known, now)
    if decision is not None and renewal.state == RenewalState.DECIDED:
        effects += _asked_to_agree(work, renewal, decision, now)
    effects += shown(work, renewal.id)
    enqueue(work, effects, now)


def shown(work: UnitOfWork, renewal_id: int) -> list[Effect]:
    """Every copy of the brief, and the lists it stands in: after a decision all of them change."""
    rows = work.connection.execute(
        select(Card.id).where(Card.kind == CardKind.RENEWAL, Card.subject_id == renewal_id).order_by(Card.id)
    )
    lists = work.connection.execute(
        select(Card.id, Card.facts).where(Card.kind == CardKind.RENEWALS, Card.live).order_by(Card.id.desc()).limit(50)
    )
    among = [row.id for row in lists if renewal_id in (row.facts or {}).get(telling.RENEWALS, ())]
    return [ShowCard(card_id) for card_id in (*rows.scalars(), *among)]


# -- ServiceNow --------------------------------------------------------------------------------------------------------


def _records(
    work: UnitOfWork, rules: Rules, renewal: Renewal, decision: RenewalDecision | None, known: Seen, now: datetime
) -> list[Effect]:
    """One item per decision that has to be carried out: opened, completed with the proof, cancelled when replaced."""
    effects: list[Effect] = []
    rows = work.session.execute(
        select(Ticket)
        .join(RenewalDecision, RenewalDecision.id == Ticket.renewal_decision_id)
        .where(RenewalDecision.renewal_id == renewal.id)
        .order_by(Ticket.id)
    ).scalars()
    mine = None
    for ticket in rows:
        stands = decision is not None and ticket.renewal_decision_id == decision.id
        mine = ticket if stands else mine
        aim, words = _aim(renewal, decision, stands)
        if ticket.wanted != aim and ticket.closed_at is None:
            ticket.wanted, ticket.closing_words = aim, words
            effects.append(SettleTicket(ticket.id))
    needed = renewal.state == RenewalState.PROOF_AWAITED and decision is not None and mine is None
    if needed and decision is not None and rules.servicenow and known.facts is not None:
        ticket = Ticket(
            correlation_id=correlation_id(rules, TicketPurpose.RENEWAL, decision.id),
            purpose=TicketPurpose.RENEWAL,
            table_name="sc_req_item",
            renewal_decision_id=decision.id,
            opening_words=_opening(known.facts),
            quantity=decision.quantity,
            created_at=now,
        )
        work.session.add(ticket)
        work.session.flush()  # its id goes into the job
        effects.append(SettleTicket(ticket.id))
    return effects


def _aim(renewal: Renewal, decision: RenewalDecision | None, stands: bool) -> tuple[str, str]:
    """What is wanted of a record, and in which words it is closed."""
    if not stands or decision is None:
        return "cancelled", "Another decision replaced this one."
    if renewal.state == RenewalState.DONE:
        sent = f": {decision.carried_out_how}" if decision.carried_out_how else ""
        return "complete", f"Done{sent}."
    if renewal.state == RenewalState.ROLLED_OVER:
        return "incomplete", "Nothing shows that it was done, and the next term began by itself."
    return "open", ""


def _opening(facts: BriefFacts) -> str:
    letter = draft(facts)
    last = f"Send it by {day(facts.send_by)}.\n" if facts.send_by is not None else ""
    return f"{facts.reference}: {letter.subject}\n{last}Drafted notice:\n\n{letter.text}"


# -- the asking --------------------------------------------------------------------------------------------------------


def _free(
    work: UnitOfWork, rules: Rules, renewal: Renewal, decision: RenewalDecision, known: Seen, now: datetime
) -> None:
    """Plan the campaign that a reduction needs; begin it when its day has come."""
    if decision.verdict != "reduce":
        return
    if decision.campaign_id is None:
        if known.product_id is None or known.picture is None or not known.picture.found:
            return
        try:
            made = plan.plan(
                work,
                rules,
                known.product_id,
                CampaignKind.IDLE,
                RULE,
                now,
                decide_by=renewal.decide_by or decision.carry_out_by,
                picture=known.picture,
            )
            decision.campaign_id = made.id
        except plan.AlreadyPlanned as busy:
            decision.campaign_id = busy.campaign_id  # what is asked for anyway serves this too
        work.session.flush()
    campaign = work.session.get(ReclaimCampaign, decision.campaign_id, populate_existing=True)
    if campaign is None or campaign.state != CampaignState.DRY_RUN:
        return
    begin_by = (campaign.figures or {}).get("begin_by")
    first = begins_on(campaign.decide_by, begin_by, campaign.planned_at.date(), rules.policy.renewals.ask_holders_days)
    if now.date() < first:
        return
    try:
        asking.begin(work, rules, campaign.id, None, now)
    except NoHeldList as refused:
        log.info("asking has to wait", campaign=campaign.id, reason=type(refused).__name__)
        work.connection.execute(
            update(ReclaimCampaign).where(ReclaimCampaign.id == campaign.id).values(words=str(refused))
        )


# -- others' word ------------------------------------------------------------------------------------------------------


def _asked_to_agree(work: UnitOfWork, renewal: Renewal, decision: RenewalDecision, now: datetime) -> list[Effect]:
    """A message to each person whose word is missing, once for this decision."""
    effects: list[Effect] = []
    people = dict.fromkeys(person for step in pending(work, decision) for person in step["asked"])
    for person_id in people:
        asked = work.connection.execute(
            select(Card.id).where(
                Card.kind == CardKind.RENEWAL,
                Card.subject_id == renewal.id,
                Card.audience == cards.person(person_id),
                Card.created_at >= decision.at,
            )
        ).first()
        if asked is None:
            effects += cards.new_card(work, CardKind.RENEWAL, renewal.id, cards.person(person_id), now)
    return effects
