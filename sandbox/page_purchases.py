"""What a purchase that ended well changes outside: the vendor's count goes up, as after an order with a reseller."""

from __future__ import annotations

from sandbox.company import Software, Tier
from sandbox.graph_licensing import set_enabled
from sandbox.page_world import DemoWorld

COMPLETE = "3"  # sc_req_item.state, Closed Complete


def completed(world: DemoWorld) -> set[str]:
    """sys_ids of the requested items that ended well so far."""
    return {row["sys_id"] for row in world.servicenow.instance.rows("sc_req_item") if row["state"] == COMPLETE}


def deliver(world: DemoWorld, before: set[str]) -> None:
    """Units for each order of a Microsoft product that ended well since `before`; other vendors keep no count here."""
    instance, directory = world.servicenow.instance, world.graph.directory
    orders = {one.purchase_name: one for one in world.company.products.values() if one.purchase_name is not None}
    for number in completed(world) - before:
        row = instance.get("sc_req_item", number) or {}
        item = instance.get("sc_cat_item", row.get("cat_item", "")) or {}
        product = orders.get(str(item.get("name", "")))
        if product is None or not product.from_microsoft:
            continue
        tier = _tier(product, str(row.get("_variables", {}).get("short_description", "")))
        if tier.sku_id is None:
            continue
        sku = directory.store.get("graph.sku", directory.sku_key(tier.sku_id))
        if sku is not None:
            set_enabled(directory, tier.sku_id, int(sku["prepaid"]["enabled"]) + int(row.get("quantity") or 1))


def _tier(product: Software, words: str) -> Tier:
    """The tier an order names; a product of one tier needs no name."""
    return next((tier for tier in product.tiers if tier.tier and tier.tier in words), product.tiers[0])
