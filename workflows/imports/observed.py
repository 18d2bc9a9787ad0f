"""Sources of imported installations: watched only until a licence manager accepts them, as agents' are (rules §3)."""

from __future__ import annotations

from sqlalchemy import select

from licensing.words import joined, plural
from model.alerts import InventorySource, SourceState
from workflows import policies
from workflows.alerts.causes import picture
from workflows.alerts.observed import counts
from workflows.alerts.seen import Would
from workflows.inventory import sources
from workflows.register.entries import Book


def settle(book: Book) -> None:
    """Count what the rows' sources brought; of those that are watched only, note what they would have sent.

    A source nobody knew begins in observe; one that grows by more than policy allows in a day goes back there.
    """
    if not book.sources:
        return
    connection = book.work.connection
    policy = policies.in_force(connection)
    for name, device_ids in sorted(book.sources.items()):
        sources.grew(book.work, name, len(device_ids), policy.inventory, book.now)
    watched = connection.execute(
        select(InventorySource.name, InventorySource.words)
        .where(InventorySource.name.in_(sorted(book.sources)), InventorySource.state == SourceState.OBSERVE)
        .order_by(InventorySource.name)
    ).all()
    if not watched:
        return
    would = picture(connection, policy, None, book.now).would
    for row in watched:
        sent = counts(would.get(row.name, Would()))
        said = joined([plural(number, what.removesuffix("s")) for what, number in sent.items()])
        why = f" {row.words}" if row.words else ""
        book.note(
            f"The source {row.name} is watched only: it would have sent {said}, and nothing is sent.{why} "
            f"When that is right: seatkeeper sources accept {row.name} --by YOUR-ADDRESS",
            0,
        )
