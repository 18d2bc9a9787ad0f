"""Days of use are for the person and, with a stored reason, for whoever confirms a list (rules §10)."""

from __future__ import annotations

from datetime import datetime

from model.events import Happened, Tag
from model.session import UnitOfWork
from workflows.policy import Policy
from workflows.reclaim import rights
from workflows.refusals import FieldRefusals

LEAST, MOST = 10, 500


def look(work: UnitOfWork, policy: Policy, campaign_id: int, by: int, reason: str, rows: int, now: datetime) -> None:
    """Store who looks at the evidence of how many seats, and why; only then is it shown.

    Raises NotForYou for somebody who may not confirm, FieldRefusals for a reason too short to mean anything.
    """
    rights.require_confirming(work.connection, policy, by, now)
    words = " ".join(reason.split())[:MOST]
    if len(words) < LEAST:
        raise FieldRefusals({"why": f"Say why in {LEAST} characters or more: it is kept with your name."})
    facts = {"seats": rows}
    work.record([Happened(Tag.EVIDENCE_SEEN, f"person:{by}", f"campaign:{campaign_id}", facts, {"reason": words})], now)
