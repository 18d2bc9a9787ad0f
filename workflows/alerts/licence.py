"""Asking for a licence because software was found: the answer and the request are made in one transaction."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from licensing.words import cut
from model.licences import Product, Sku
from model.people import Device
from model.session import UnitOfWork
from workflows.alerts import acting
from workflows.alerts.acting import Answer, Settled
from workflows.forms import NewProductForm, Receipt, RequestForm
from workflows.refusals import FieldRefusals
from workflows.rules import Rules
from workflows.submit import submit, submit_new_product


def ask_for_licence(
    work: UnitOfWork, rules: Rules, place_id: int, by: int, why: str, key: str, now: datetime
) -> Receipt:
    """One seat for the person of the device; software that has no tier to order is asked for as something new.

    Raises NotYourPlace, Settled, or FieldRefusals under `why`: nothing is stored then.
    """
    place, alert = acting.place_of(work, place_id, by)
    product = work.session.get(Product, alert.product_id) if alert.product_id is not None else None
    if product is None or place.person_id is None:
        raise Settled
    least = rules.policy.limits.why_at_least
    if len(why.strip()) < least:  # what was found does not say why it is needed
        raise FieldRefusals({"why": f"Write at least {least} characters, so that nobody needs to ask."})
    device = work.session.get(Device, place.device_id) if place.device_id is not None else None
    acting.answer(work, rules, place_id, by, Answer.ASK, now)
    found = f" (found on {device.name})" if device is not None else ""
    words = cut(why.strip(), 480 - len(found)) + found
    ordered = work.connection.execute(select(Sku.id).where(Sku.product_id == product.id).limit(1)).first()
    try:
        if ordered is not None:
            form = RequestForm(key, product.id, (place.person_id,), 1, words, "weekly")
            receipt = submit(work, rules, form, by, now)
        else:
            receipt = submit_new_product(work, rules, NewProductForm(key, product.name, words), by, now)
    except FieldRefusals as wrong:
        raise FieldRefusals({"why": " ".join(wrong.by_field.values())}) from None
    place.request_id = receipt.request_id
    work.session.flush()
    return receipt
