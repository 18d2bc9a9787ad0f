"""What a policy says of things in the register, compared with the register: a name nobody has would open or close all.

Products that the register does not hold yet are left alone; they may come with the next import.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, select

from licensing.words import joined
from model.licences import Product, Sku
from workflows import policy_file
from workflows.policy import Policy
from workflows.policy_fields import shown


def check(connection: Connection, policy: Policy, text: str, source_name: str) -> None:
    """Raises PolicyProblems with the lines of names that the register does not know."""
    problems = list(_tiers(connection, policy))
    if problems:
        raise policy_file.located(text, source_name, problems)


def _tiers(connection: Connection, policy: Policy) -> Iterator[tuple[policy_file.Path, str]]:
    limited = {key: rules.tiers for key, rules in policy.products.items() if rules.tiers}
    if not limited:
        return
    known: dict[str, list[str]] = {}
    rows = connection.execute(
        select(Product.key, Sku.tier)
        .join(Sku, Sku.product_id == Product.id)
        .where(Product.key.in_(limited), Sku.tier != "")
        .order_by(Sku.rank, Sku.id)
    )
    for key, tier in rows:
        known.setdefault(key, []).append(tier)
    for key, limits in limited.items():
        for index, limit in enumerate(limits):
            tiers = list(dict.fromkeys(known.get(key, ())))
            if tiers and limit.highest not in tiers:
                words = f"*highest* must be a tier of {key}: {joined(tiers, 'or')}; it says {shown(limit.highest)}"
                yield ("products", key, "tiers", index, "highest"), words
