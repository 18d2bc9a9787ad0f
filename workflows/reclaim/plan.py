"""A dry run: which seats, with which evidence, and by when asking, confirmation and removal fit. Nobody is asked."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import func, select

from licensing.business_time import WorkCalendar, zone_of
from licensing.idle.facts import Kind
from licensing.money import Sums
from licensing.words import day, plural
from model.events import Happened, Tag, person_of
from model.licences import Product
from model.people import Person
from model.reclaim import CampaignKind, CampaignState, CandidateState, ReclaimCampaign, ReclaimCandidate
from model.requests import LicenceRequest
from model.session import UnitOfWork
from workflows.effects import Effect, enqueue
from workflows.permissions import Duty
from workflows.policy import Policy
from workflows.reads.prices import prices
from workflows.reads.reclaim import less_a_year
from workflows.reclaim import campaign as campaigns
from workflows.reclaim import candidate as candidates
from workflows.reclaim import held, rights, shown, sources
from workflows.reclaim.campaign import LIVE, Verb, locked, move, reference
from workflows.reclaim.limits import ASKED_PER_SEAT, Timeline, limits, timeline
from workflows.reclaim.sources import Found, Picture
from workflows.refusals import Refusal
from workflows.rules import Rules

#: What a campaign of each kind will say as the ground of a return that its holder did not make themselves.
GROUNDS = {kind: kind.value for kind in CampaignKind}


class AlreadyPlanned(Refusal):
    """One campaign of a kind and product at a time."""

    def __init__(self, campaign_id: int) -> None:
        super().__init__(
            f"{reference(campaign_id)} is under way for this product; a new one can follow when it is over."
        )
        self.campaign_id = campaign_id


class NoTier(Refusal):
    """A swap needs the tier that would do."""

    def __init__(self) -> None:
        super().__init__("Choose the tier that would do: a swap gives it in the same step.")


def plan(
    work: UnitOfWork,
    rules: Rules,
    product_id: int,
    kind: CampaignKind,
    planned_by: str,
    now: datetime,
    *,
    decide_by: date | None = None,
    request_id: int | None = None,
    to_sku_id: int | None = None,
    ask_unknown: bool = False,
    picture: Picture | None = None,
) -> ReclaimCampaign:
    """List what could come back. `planned_by` as events name actors: "person:4" or "rule:renewal".

    `picture`: what `sources.looked_at` read of thousands of seats right before, so that no press waits for it.

    `ask_unknown` lists seats whose use nobody knows too: they may be asked about, and never reach a list to confirm.

    A dry run that stands already is planned anew; it is replaced. Raises NotForYou for a person without the right,
    AlreadyPlanned while a campaign of the kind asks or takes, NoTier for a swap to nothing.
    """
    by = person_of(planned_by)
    if by is not None:
        rights.require(work.connection, Duty.PLAN_RECLAIM, product_id, by, now)
    if kind is CampaignKind.TOO_BIG and to_sku_id is None:
        raise NoTier
    # two that plan at once meet at the product's row
    product = work.session.get_one(Product, product_id, with_for_update=True, populate_existing=True)
    _replace_dry_run(work, product_id, kind, planned_by, now)
    if picture is None:
        picture = sources.looked_at(
            work.connection, rules.policy, product_id, kind, now, ask_unknown=ask_unknown, to_sku_id=to_sku_id
        )
    else:
        busy = sources.busy(work.connection, product_id)  # what became a candidate since it was read
        picture.found = [one for one in picture.found if one.seat_id not in busy]
    if request_id is not None:
        picture.found = picture.found[: _enough(work, request_id)]
    when = timeline(
        now.date(), decide_by, len(picture.found), limits(rules.policy), calendar_for(work, product, rules.policy)
    )
    row = ReclaimCampaign(
        kind=kind,
        product_id=product_id,
        to_sku_id=to_sku_id,
        state=CampaignState.DRY_RUN,
        planned_by_id=by,
        planned_by=planned_by,
        planned_at=now,
        request_id=request_id,
        policy_id=rules.version_id,
        decide_by=decide_by,
        answer_by=when.answer_by,
        figures=picture.figures() | _when(when) | {"reducible": _money(work, picture.found, to_sku_id, now)},
    )
    work.session.add(row)
    work.session.flush()  # candidates and the event name it
    row.words = _words(work, rules.policy, row, picture, when, now)
    for one in picture.found:
        work.session.add(candidate_of(row, one, now))
    facts = {"kind": kind.value, "product": product_id, "listed": len(picture.found), "decide_by": decide_by}
    facts |= {"request": request_id} if request_id is not None else {}
    work.record([Happened(Tag.CAMPAIGN_PLANNED, planned_by, f"campaign:{row.id}", facts)], now)
    return row


def cancel(work: UnitOfWork, rules: Rules, campaign_id: int, by: int, words: str, now: datetime) -> ReclaimCampaign:
    """Call a campaign off before anything is confirmed; all its seats stay.

    Raises NoCampaign, NotForYou, IllegalMove.
    """
    row = locked(work, campaign_id)
    rights.require(work.connection, Duty.PLAN_RECLAIM, row.product_id, by, now)
    effects = call_off(work, row, f"person:{by}", words, now, limits(rules.policy).ask_again_calendar_days)
    enqueue(work, effects, now)
    return row


def call_off(
    work: UnitOfWork, row: ReclaimCampaign, actor: str, words: str, now: datetime, again_after: int = 0
) -> list[Effect]:
    """The same on a row the caller has locked, by whoever is named. Raises IllegalMove."""
    personal = {"words": words} if words.strip() else {}
    move(work, row, Verb.CANCEL, actor, now, personal=personal)
    row.words = words.strip()
    effects: list[Effect] = []
    for one in campaigns.in_states(work, row.id, *campaigns.OPEN):
        candidates.move(work, one, candidates.Verb.DROP, actor, now, facts={"because": "cancelled"})
        one.words = "The campaign was called off."
        if row.kind == CampaignKind.LEAVING:  # or the next look would list it again
            one.ask_again_on = now.date() + timedelta(days=again_after)
        effects += shown.candidate(work, one)
    return [*effects, *shown.campaign(work, row.id)]


def calendar_for(work: UnitOfWork, product: Product, policy: Policy) -> WorkCalendar:
    """Working days of the product's owner; of nobody in particular where it has none."""
    owner = work.session.get(Person, product.owner_id) if product.owner_id is not None else None
    hours = policy.working_hours
    return WorkCalendar(
        zone=zone_of(owner.time_zone if owner else "UTC"),
        starts=hours.starts,
        ends=hours.ends,
        weekdays=hours.weekdays,
        country=owner.country if owner else "",
        holidays_off=hours.public_holidays,
    )


def _replace_dry_run(work: UnitOfWork, product_id: int, kind: CampaignKind, actor: str, now: datetime) -> None:
    live = select(ReclaimCampaign.id, ReclaimCampaign.state).where(
        ReclaimCampaign.product_id == product_id, ReclaimCampaign.kind == kind, ReclaimCampaign.state.in_(LIVE)
    )
    found = work.connection.execute(live).one_or_none()
    if found is None:
        return
    if found.state != CampaignState.DRY_RUN:  # not locked: its holders' answers lock it before the product
        raise AlreadyPlanned(found.id)
    known = locked(work, found.id)
    if known.state != CampaignState.DRY_RUN:
        raise AlreadyPlanned(known.id)
    enqueue(work, call_off(work, known, actor, "Planned anew.", now), now)
    work.session.flush()


def _enough(work: UnitOfWork, request_id: int) -> int:
    """How many holders are asked for a waiting request: the idlest, a few more than seats are missing."""
    seats = work.connection.execute(
        select(func.coalesce(LicenceRequest.seats, 1)).where(LicenceRequest.id == request_id)
    ).scalar_one()
    return int(seats) * ASKED_PER_SEAT


def candidate_of(row: ReclaimCampaign, one: Found, now: datetime) -> ReclaimCandidate:
    """A seat as the campaign begins with it."""
    return ReclaimCandidate(
        campaign_id=row.id,
        seat_id=one.seat_id,
        person_id=one.person_id,
        product_id=row.product_id,
        state=CandidateState.LISTED,
        ground=GROUNDS[CampaignKind(row.kind)],
        verdict=one.verdict,
        sentence=one.sentence,
        rule=one.rule,
        evidence=dict(one.evidence),
        look=one.look,
        checked_at=now,
    )


def _when(when: Timeline) -> dict[str, object]:
    return {
        "take_days": when.take_days,
        "answer_days": when.answer_days,
        "begin_by": when.begin_by.isoformat() if when.begin_by else None,
        "late": when.late,
    }


def _money(work: UnitOfWork, found: list[Found], to_sku_id: int | None, now: datetime) -> dict[str, str]:
    """What the listed seats cost a year, or a swap saves, per currency; only renewal makes it less."""
    known = prices(work.connection, {one.sku_id for one in found} | ({to_sku_id} if to_sku_id else set()), now.date())
    to = known.get(to_sku_id or 0)
    return Sums.of(less_a_year(known[one.sku_id], to) for one in found).rounded()


def _words(
    work: UnitOfWork, policy: Policy, row: ReclaimCampaign, picture: Picture, when: Timeline, now: datetime
) -> str:
    if not picture.found:
        unknown = int((picture.figures().get("verdicts") or {}).get(Kind.UNKNOWN.value, 0))
        nothing = "No seat looks as if nobody needed it"
        return f"{nothing}, and of {plural(unknown, 'seat')} nobody can say." if unknown else f"{nothing}."
    if held.lacking(work.connection, policy, row, now):
        return held.DRY_RUN_ONLY
    if when.late and row.decide_by is not None:
        return f"Asking, confirming and taking no longer fit before {day(row.decide_by)}: fewer will be back by then."
    return ""
