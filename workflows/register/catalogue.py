"""Products that people ask for, with how their seats are given: one at a time, each with its event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from licensing.money import Money
from licensing.position.facts import Kind
from model.contracts import Entitlement
from model.events import Happened, Tag
from model.licences import Granting, Product, Publisher, Sku
from model.people import Person
from model.session import UnitOfWork
from workflows.refusals import Refusal


class RegistryRefused(Refusal):
    """The register was not changed; the sentence says what to correct."""


@dataclass(frozen=True)
class NewProduct:
    """A product with one tier. `sku_id` is Graph's skuId for Microsoft 365; `quantity` None is unlimited."""

    key: str
    name: str
    publisher: str
    granting: Granting
    owner_email: str = ""
    part_number: str = ""
    sku_id: str | None = None
    tier: str = ""
    quantity: int | None = None
    price: Money | None = None
    billing_cycle: str = "year"
    starts_on: date | None = None
    ends_on: date | None = None
    group_id: str | None = None
    catalog_item_id: str | None = None
    purchase_item_id: str | None = None
    admin_url: str | None = None


def add_product(work: UnitOfWork, new: NewProduct, actor: str, now: datetime) -> int:
    """Register a product, its tier and its purchase; returns the product's id. Raises RegistryRefused."""
    taken = work.connection.execute(
        select(Product.id).where((Product.key == new.key) | (Product.name == new.name))
    ).scalar()
    if taken is not None:
        raise RegistryRefused(f"{new.name} ({new.key}) is in the register already.")
    _check(new)
    owner_id = _owner(work, new.owner_email)
    publisher = work.session.execute(select(Publisher).where(Publisher.name == new.publisher)).scalar_one_or_none()
    if publisher is None:
        publisher = Publisher(name=new.publisher)
        work.session.add(publisher)
        work.session.flush()  # the product names it
    product = Product(
        publisher_id=publisher.id,
        name=new.name,
        key=new.key,
        owner_id=owner_id,
        granting=new.granting,
        group_id=new.group_id,
        catalog_item_id=new.catalog_item_id,
        purchase_item_id=new.purchase_item_id,
        admin_url=new.admin_url,
    )
    work.session.add(product)
    work.session.flush()  # its tier names it
    sku = Sku(
        product_id=product.id,
        sku_id=new.sku_id.lower() if new.sku_id else None,
        part_number=new.part_number or new.key.upper(),
        tier=new.tier,
    )
    work.session.add(sku)
    work.session.flush()  # the purchase names it
    if new.starts_on is not None:
        work.session.add(
            Entitlement(
                product_id=product.id,
                sku_id=sku.id,
                quantity=new.quantity,
                unit_price=new.price.amount if new.price else None,
                currency=new.price.currency if new.price else None,
                kind=(Kind.PERPETUAL if new.billing_cycle == "once" else Kind.SUBSCRIPTION).value,
                billing_cycle=new.billing_cycle,
                acquired_on=new.starts_on,
                starts_on=new.starts_on,
                ends_on=new.ends_on,
                recorded_at=now,
            )
        )
    work.session.flush()
    facts: dict[str, Any] = {"key": new.key, "granting": new.granting, "quantity": new.quantity}
    work.record([Happened(Tag.REGISTRY_CHANGED, actor, f"product:{product.id}", facts)], now)
    return product.id


def products(work: UnitOfWork) -> Sequence[tuple[str, str, str, str | None]]:
    """All products as (key, name, granting, owner's name)."""
    rows = work.connection.execute(
        select(Product.key, Product.name, Product.granting, Person.name)
        .outerjoin(Person, Person.id == Product.owner_id)
        .where(Product.retired_at.is_(None))
        .order_by(Product.name)
    )
    return [(key, name, str(granting), owner) for key, name, granting, owner in rows]


def _check(new: NewProduct) -> None:
    if new.granting in (Granting.GRAPH_DIRECT, Granting.GRAPH_GROUP) and not new.sku_id:
        raise RegistryRefused("A product that Microsoft 365 gives needs --sku-id, the skuId of GET /subscribedSkus.")
    if new.granting is Granting.GRAPH_GROUP and not new.group_id:
        raise RegistryRefused("A product given through a group needs --group-id, and policy must name the group.")
    if new.granting is Granting.SERVICENOW_ITEM and not new.catalog_item_id:
        raise RegistryRefused("A product ordered in ServiceNow needs --catalogue-item, the item's sys_id.")


def _owner(work: UnitOfWork, email: str) -> int | None:
    if not email:
        return None
    found = work.connection.execute(
        select(Person.id).where(Person.email == email.strip().lower(), Person.active)
    ).scalar()
    if found is None:
        raise RegistryRefused(f"Nobody in the staff directory has the address {email}.")
    return found
