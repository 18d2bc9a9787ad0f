"""Product keys on more devices than their entitlement allows (rules §2): the cause duplicate activation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from licensing.alerts import KeySeen, Limits, wanted_of_key
from model.alerts import InstalledKey
from model.contracts import Entitlement, ProductKey
from model.inventory import Installation
from model.licences import Product
from model.people import Device, Person
from workflows.alerts.seen import OF_DEVICE, Found, places_of
from workflows.policy import Policy


def duplicates(
    connection: Connection,
    policy: Policy,
    product_ids: Collection[int] | None,
    limits: Limits,
    observed: Collection[str],
    adopted: Mapping[str, int],
    now: datetime,
) -> dict[str, Found]:
    """Keys on more devices than their entitlement allows, on devices of accepted sources.

    `adopted` are the devices by fingerprint that had it when a baseline was accepted.
    """
    many = (
        select(InstalledKey.fingerprint)
        .where(InstalledKey.gone_at.is_(None), InstalledKey.product_id.is_not(None))
        .group_by(InstalledKey.fingerprint)
        .having(func.count(InstalledKey.device_id.distinct()) > 1)
    )
    query = (
        select(
            InstalledKey.fingerprint,
            InstalledKey.last_five,
            InstalledKey.product_id,
            Product.name.label("product"),
            InstalledKey.device_id,
            *OF_DEVICE,
        )
        .join(Product, Product.id == InstalledKey.product_id)
        .join(Device, Device.id == InstalledKey.device_id)
        .outerjoin(Person, Person.id == Device.person_id)
        .where(InstalledKey.fingerprint.in_(many), InstalledKey.gone_at.is_(None), Device.state != "retired")
        .order_by(InstalledKey.first_seen_at.desc(), InstalledKey.id.desc())
    )
    if observed:  # a device nobody but sources in observe reports is not spoken of
        spoken = select(Installation.device_id).where(
            Installation.ended_at.is_(None), Installation.source.not_in(observed)
        )
        query = query.where(InstalledKey.device_id.in_(spoken))
    if product_ids is not None:
        query = query.where(InstalledKey.product_id.in_(product_ids))
    by_key: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(query):
        by_key[row.fingerprint].append(row)
    allowed = _allowed(connection, by_key)
    found = {}
    for fingerprint, rows in by_key.items():
        quantity, volume = allowed.get(fingerprint, (1, False))
        devices = len({row.device_id for row in rows})
        key = KeySeen(
            fingerprint, rows[0].last_five, rows[0].product_id, devices, quantity, volume, adopted.get(fingerprint, 0)
        )
        seen = wanted_of_key(key, limits)
        if seen is not None:
            found[seen.key] = Found(seen, rows[0].product, places_of(rows, policy, now))
    return found


def _allowed(connection: Connection, fingerprints: Collection[str]) -> dict[str, tuple[int | None, bool]]:
    """Units bought under each registered key (None: any number), and whether it is a volume key."""
    rows = connection.execute(
        select(ProductKey.fingerprint, ProductKey.volume, Entitlement.quantity)
        .join(Entitlement, Entitlement.id == ProductKey.entitlement_id)
        .where(ProductKey.fingerprint.in_(fingerprints))
    )
    found: dict[str, tuple[int | None, bool]] = {}
    for row in rows:
        before, volume = found.get(row.fingerprint, (0, False))
        both = None if before is None or row.quantity is None else before + row.quantity
        found[row.fingerprint] = (both, volume or row.volume)
    return found
