"""Product keys seen on devices: a keyed hash and the last five characters, never the key (rules §2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, select, update

from model.alerts import InstalledKey
from model.inventory import Title
from model.session import UnitOfWork
from workflows.inventory.report import FoundKey
from workflows.register.entitlements import fingerprint


def put(work: UnitOfWork, secret: bytes, device_id: int, keys: Sequence[FoundKey], at: datetime) -> tuple[int, ...]:
    """Bring a device's keys in line with its report; returns the ids of rows that are new or gone."""
    there = {
        row.fingerprint: row
        for row in work.connection.execute(
            select(InstalledKey.id, InstalledKey.fingerprint, InstalledKey.gone_at).where(
                InstalledKey.device_id == device_id
            )
        )
    }
    seen = {}
    for one in keys:
        digest, last_five = fingerprint(secret, one.key)
        seen[digest] = (one.label, last_five)
    changed = []
    for digest, (label, last_five) in seen.items():
        row = there.get(digest)
        if row is None:
            product = select(Title.product_id).where(Title.raw_title == label, Title.product_id.is_not(None)).limit(1)
            made = work.connection.execute(
                insert(InstalledKey).returning(InstalledKey.id),
                {
                    "device_id": device_id,
                    "product_id": work.connection.execute(product).scalar(),
                    "label": label,
                    "fingerprint": digest,
                    "last_five": last_five,
                    "first_seen_at": at,
                    "last_seen_at": at,
                },
            )
            changed.append(int(made.scalar_one()))
        elif row.gone_at is not None:
            back = update(InstalledKey).where(InstalledKey.id == row.id)
            work.connection.execute(back.values(gone_at=None, last_seen_at=at))
            changed.append(row.id)
    gone = [row.id for digest, row in there.items() if digest not in seen and row.gone_at is None]
    if gone:
        work.connection.execute(update(InstalledKey).where(InstalledKey.id.in_(gone)).values(gone_at=at))
    return (*changed, *gone)
