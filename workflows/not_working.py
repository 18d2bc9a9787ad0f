"""Somebody who got a seat says that it does not work: whoever gave it looks again, or IT does."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from licensing.words import cut
from model.events import Happened, Tag
from model.licences import Product
from model.people import Person
from model.requests import LicenceRequest, RequestLine
from model.session import UnitOfWork
from model.tickets import TicketPurpose
from workflows import cards, tasks
from workflows.effects import Advance, Effect, enqueue
from workflows.refusals import Refusal
from workflows.replies import About, Said
from workflows.request import reference
from workflows.rules import Rules
from workflows.tickets import open_ticket


class NotYourRequest(Refusal):
    """Only who asked, or who got the seat, can say that it does not work."""


def report(work: UnitOfWork, rules: Rules, request_id: int, by: Person, words: str, now: datetime) -> bool:
    """True: the owner's task is open again. False: IT was told and an incident is opened. Raises NotYourRequest."""
    request = work.session.get(LicenceRequest, request_id, with_for_update=True)
    if request is None or not _concerns(work, request, by.id):
        raise NotYourRequest("This request belongs to somebody else, so nothing changed.")
    if tasks.reopen(work, rules, request_id, by, words, now):
        return True
    ids = work.record(
        [Happened(Tag.REQUEST_NOT_WORKING, f"person:{by.id}", f"request:{request.id}", {}, {"words": words})], now
    )
    name = work.connection.execute(select(Product.name).where(Product.id == request.product_id)).scalar() or "A licence"
    said = Said(About.TEXT, text=f"{reference(request.id)}: the seat of {cut(name, 60)} was given and does not work.")
    effects: list[Effect] = [Advance(request.id)]
    effects += cards.new_card(
        work,
        cards.CardKind.NOTE,
        ids[0],
        cards.channel("it_alerts"),
        now,
        request_id=request.id,
        facts=said.facts(),
    )
    effects += open_ticket(
        work, rules, TicketPurpose.TROUBLE, ids[0], now, table="incident", request_id=request.id, words=words
    )
    enqueue(work, effects, now)
    return False


def _concerns(work: UnitOfWork, request: LicenceRequest, person_id: int) -> bool:
    if request.requester_id == person_id:
        return True
    holders = select(RequestLine.id).where(
        RequestLine.request_id == request.id, RequestLine.person_id == person_id, RequestLine.granted_at.is_not(None)
    )
    return work.connection.execute(holders).first() is not None
