"""Positions of any number of products, on any day and as known at any moment."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from licensing.position.compute import position, proofs
from licensing.position.facts import Facts
from licensing.position.figure import Position
from workflows.positions.gather import facts
from workflows.positions.subjects import Subject
from workflows.positions.times import Times


@dataclass(frozen=True)
class Computed:
    """A subject with its position and the facts it came from."""

    subject: Subject
    facts: Facts
    position: Position


def positions(
    connection: Connection, times: Times, product_ids: Collection[int] | None = None, *, proven: bool = False
) -> Iterator[Computed]:
    """One after the other by name and metric; products of which nothing was ever bought and nothing is used have none.

    `proven`: only purchases with proof count, as an auditor may insist (rules §1).
    """
    for subject, known in facts(connection, times, product_ids):
        for found in (both.proven for both in proofs(known)) if proven else position(known):
            yield Computed(subject, known, found)
