"""The vendor's figures just before a seat is given (rules §5): read again in one request, stored, and looked at.

Many seats given in one go share a reading: it is not repeated within seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select

from integrations.errors import NotFound, Refused
from integrations.graph import GraphClient
from model.licences import Sku
from model.positions import seat_figures
from model.session import Database
from workflows import directory

log = structlog.get_logger(__name__)

#: Figures younger than this count as read now.
FRESH = timedelta(seconds=10)


def read_again(database: Database, client: GraphClient, sku_guid: str, now: Callable[[], datetime]) -> None:
    """Read the counts of all SKUs unless this one's are fresh. Raises Transient, RateLimited or Unclear.

    A tenant that does not let us read them is no reason to give no seat: then Microsoft's answer to the try decides.
    """
    read_at = now()
    with database.reading() as connection:
        figures_at = connection.execute(select(Sku.figures_at).where(Sku.sku_id == sku_guid).limit(1)).scalar()
    if figures_at is not None and read_at - figures_at < FRESH:
        return
    try:
        skus = client.subscribed_skus()
    except (Refused, NotFound) as error:
        log.warning("figures not read before granting", cause=str(error))
        return
    with database.unit_of_work() as work:
        directory.store_figures(work, skus, read_at, now())
        work.commit()


def no_unit_left(database: Database, sku_guid: str) -> bool:
    """Whether the vendor's figures show no unit at all for what we reserved; False when there are no figures.

    Reservations are not taken off: the seat asked about is one of them. Units in their grace period can be given.
    """
    with database.reading() as connection:
        row = connection.execute(
            select(Sku.id, Sku.enabled, Sku.warning, Sku.figures_at).where(Sku.sku_id == sku_guid).limit(1)
        ).one_or_none()
        if row is None or row.enabled is None or row.figures_at is None:
            return False
        consumed = seat_figures(connection, [row.id], row.figures_at.date())[row.id].consumed
    return bool(row.enabled + (row.warning or 0) - consumed <= 0)
