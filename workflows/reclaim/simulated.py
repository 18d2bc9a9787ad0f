"""What another policy would make of the seats: how many look idle by the one in force and by a new file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, select

from licensing.idle.facts import Kind
from licensing.words import and_more, plural
from model.licences import Product, Seat
from workflows import policies
from workflows.policy import Policy
from workflows.policy_file import PolicyProblems
from workflows.reclaim.evidence import each_verdict

#: Products named in the sentence.
NAMED = 5


@dataclass(frozen=True)
class UseDifference:
    """One product of which another number of seats could be listed as idle or little used."""

    product: str
    then: int
    now: int

    def __str__(self) -> str:
        return f"{self.product} {self.then:,} → {self.now:,}"


def differences(connection: Connection, new: Policy, today: date) -> list[UseDifference]:
    """Products by name where the new policy lists more or fewer seats than the one in force; none if it says the same.

    Counted is what a campaign could list: a verdict that is a ground, and nothing that forbids it.
    """
    try:
        old = policies.in_force(connection)
    except PolicyProblems:  # of an earlier version of the program: nothing to hold the new one against
        return []
    if (old.reclaim, old.mail) == (new.reclaim, new.mail):
        return []
    held = select(Seat.product_id).where(Seat.ended_at.is_(None)).distinct()
    rows = connection.execute(select(Product.id, Product.name).where(Product.id.in_(held)).order_by(Product.name)).all()
    found = []
    for product_id, name in rows:
        then, now = (_listed(connection, one, product_id, today) for one in (old, new))
        if then != now:
            found.append(UseDifference(name, then.total(), now.total()))
    return found


def _listed(connection: Connection, policy: Policy, product_id: int, today: date) -> Counter[Kind]:
    return Counter(one.verdict for one in each_verdict(connection, policy, product_id, today) if one.may_be_taken)


def in_words(found: list[UseDifference]) -> str:
    """ "Seats that look idle: 4 → 9 in 2 products (Copilot 4 → 6 and Miro 0 → 3)."; "" when nothing differs."""
    if not found:
        return ""
    then, now = sum(one.then for one in found), sum(one.now for one in found)
    named = and_more([str(one) for one in found], NAMED)
    return f"Seats that look idle: {then:,} → {now:,} in {plural(len(found), 'product')} ({named})."
