"""The invoices of the demo's company: some differ from what was bought, in two currencies."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from model.contracts import Invoice
from model.events import Happened, Tag
from model.session import UnitOfWork
from sandbox.bills import Bill

OPERATOR = "operator:set-up"


def store(
    work: UnitOfWork,
    bills: tuple[Bill, ...],
    products: Mapping[str, int],
    contracts: Mapping[str, int],
    began: datetime,
) -> None:
    """Every line as the import would have kept it, with its event."""
    work.session.add_all(
        Invoice(
            vendor=bill.vendor,
            number=bill.number,
            line=bill.line,
            contract_id=contracts[bill.contract] if bill.contract is not None else None,
            product_id=products[bill.product] if bill.product is not None else None,
            issued_on=bill.issued_on,
            period_from=bill.period_from,
            period_to=bill.period_to,
            quantity=bill.quantity,
            amount=bill.amount,
            currency=bill.currency,
            cost_centre=bill.cost_centre,
            words=bill.words,
            recorded_at=began,
        )
        for bill in bills
    )
    work.session.flush()
    work.record([Happened(Tag.REGISTRY_IMPORTED, OPERATOR, "registry:invoices", {"invoices": len(bills)})], began)
