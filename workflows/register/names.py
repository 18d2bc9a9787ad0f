"""Who and what rows name: products, tiers, publishers, contracts, people, devices. Loaded once a run, by name.

A product that a purchase, seat or installation names and nobody registered is made, with its publisher and one tier
without a name; a person, device or contract never is: those a row must find.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select

from licensing.words import joined
from model.contracts import Contract
from model.licences import Granting, Product, Publisher, Sku
from model.people import Device, Person
from workflows.register.entries import Book, Entry
from workflows.register.history import chunks, table_of

NOT_RECORDED = "not recorded"


@dataclass
class KnownProduct:
    """A product of the register, with its tiers: (sku id, name)."""

    id: int
    key: str
    name: str
    publisher: str
    metric: str
    tiers: list[tuple[int, str]]

    @property
    def first_tier(self) -> int | None:
        """The tier that was made first: the only one that can ever have been alone."""
        return min((sku_id for sku_id, _ in self.tiers), default=None)


class Products:
    """Products by key or name, whatever the case of letters."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._by_name: dict[str, KnownProduct] = {}
        self._keys: set[str] = set()
        self._publishers = {
            name.casefold(): (row_id, name)
            for row_id, name in book.work.connection.execute(select(Publisher.id, Publisher.name)).tuples()
        }
        rows = book.work.connection.execute(
            select(Product.id, Product.key, Product.name, Publisher.name, Product.metric).join(
                Publisher, Publisher.id == Product.publisher_id
            )
        ).tuples()
        by_id: dict[int, KnownProduct] = {}
        for row_id, key, name, publisher, metric in rows:
            by_id[row_id] = KnownProduct(row_id, key, name, publisher, metric, [])
        tiers = select(Sku.id, Sku.product_id, Sku.tier).order_by(Sku.rank, Sku.id)
        for sku_id, product_id, tier in book.work.connection.execute(tiers).tuples():
            by_id[product_id].tiers.append((sku_id, tier))
        for known in by_id.values():
            self._remember(known)
        for known in by_id.values():
            self._by_name[known.name.casefold()] = known  # a name wins over another product's key

    def _remember(self, known: KnownProduct) -> None:
        self._keys.add(known.key)
        self._by_name.setdefault(known.key.casefold(), known)
        self._by_name.setdefault(known.name.casefold(), known)

    def find(self, name: str) -> KnownProduct | None:
        """The product with this name or key."""
        return self._by_name.get(name.casefold())

    def get(self, name: str, publisher: str = "") -> KnownProduct:
        """The product with this name or key; made when nobody registered it."""
        known = self.find(name)
        if known is None:
            known = self.make(name, publisher)
            self.tier(known, "")
        return known

    def publisher(self, name: str) -> int:
        """The publisher's id; made when it is new."""
        name = name or NOT_RECORDED
        known = self._publishers.get(name.casefold())
        if known is None:
            made = self._book.work.connection.execute(insert(Publisher), {"name": name}).inserted_primary_key
            assert made is not None  # noqa: S101  one row went in
            known = self._publishers[name.casefold()] = (int(made[0]), name)
            if name != NOT_RECORDED:
                self._book.create("publisher", name)
        return known[0]

    def all(self) -> list[KnownProduct]:
        """Every product of the register, once each."""
        return list({known.id: known for known in self._by_name.values()}.values())

    def make(
        self, name: str, publisher: str = "", key: str = "", *, licence_model: str = "paid", provisional: bool = False
    ) -> KnownProduct:
        """Register a product by its name; its owner gives seats by hand until somebody says otherwise."""
        publisher_id = self.publisher(publisher)
        key = key or self._free_key(name)
        made = self._book.work.connection.execute(
            insert(Product),
            {
                "publisher_id": publisher_id,
                "name": name,
                "key": key,
                "granting": Granting.OWNER_TASK,
                "licence_model": licence_model,
                "provisional": provisional,
            },
        ).inserted_primary_key
        assert made is not None  # noqa: S101  one row went in
        known = KnownProduct(int(made[0]), key, name, publisher or NOT_RECORDED, "", [])
        self._remember(known)
        self._book.create("product", name)
        return known

    def tier(self, known: KnownProduct, tier: str) -> int | None:
        """The id of a product's tier, made when it is new; None when none is named and there are several."""
        wanted = tier.casefold()
        for sku_id, name in known.tiers:
            if name.casefold() == wanted:
                return sku_id
        if not tier and len(known.tiers) == 1:
            return known.tiers[0][0]
        if not tier and known.tiers:
            return None
        part = f"{known.key}-{slug(tier)}" if tier else known.key
        row = {
            "product_id": known.id,
            "part_number": part.upper()[:100],
            "tier": tier,
            "rank": len(known.tiers) + 1,
        }
        made = self._book.work.connection.execute(insert(Sku), row).inserted_primary_key
        assert made is not None  # noqa: S101  one row went in
        known.tiers.append((int(made[0]), tier))
        if tier:
            self._book.create("tier", f"{known.name} {tier}")
        return int(made[0])

    def tier_of(self, entry: Entry, known: KnownProduct) -> int | None:
        """The tier an entry names; that there are several and none is named is wrong."""
        found = self.tier(known, entry["tier"] or "")
        if found is None:
            names = joined([name or "the one without a name" for _, name in known.tiers], "or")
            self._book.wrong(entry, "tier", f"is empty, and {known.name} has several: {names}.")
        return found

    def _free_key(self, name: str) -> str:
        base = slug(name)[:70] or "product"
        key, further = base, 2
        while key in self._keys:
            key, further = f"{base}-{further}", further + 1
        return key


def slug(name: str) -> str:
    """The key a product of this name gets: "notepad-plus-plus" of "Notepad++"."""
    words = name.casefold().replace("+", " plus ").replace("#", " sharp ")
    return re.sub(r"[^a-z0-9]+", "-", words).strip("-")


class People:
    """People by e-mail address."""

    def __init__(self, book: Book, emails: Iterable[str | None]) -> None:
        self._book = book
        self._ids: dict[str, int] = {}
        for part in chunks(sorted({email for email in emails if email})):
            rows = book.work.connection.execute(select(Person.email, Person.id).where(Person.email.in_(part))).tuples()
            self._ids |= dict(iter(rows))

    def find(self, entry: Entry, column: str) -> int | None:
        """The id of the person an entry names; None when it names nobody, or (said as wrong) nobody we know."""
        email = entry[column]
        if not email:
            return None
        found = self._ids.get(email)
        if found is None:
            self._book.wrong(
                entry, column, f"nobody in the register has the address {email}. Import people first, or correct it."
            )
        return found


class Devices:
    """Devices by identity, or by a name that only one of them has; the case of letters is looked past at last."""

    def __init__(self, book: Book, names: Iterable[str | None]) -> None:
        self._book = book
        self._ids: dict[str, int] = {}
        self._persons: dict[int, int | None] = {}
        self._named: dict[str, list[int]] = {}
        wanted = sorted({name for name in names if name})
        table = table_of(Device)
        for column in (table.c.name, table.c.identity):
            for part in chunks(wanted):
                rows = book.work.connection.execute(
                    select(table.c.id, table.c.identity, table.c.name, table.c.person_id).where(column.in_(part))
                )
                for row_id, identity, name, person_id in rows.tuples():
                    self._ids[identity] = row_id
                    self._call(name, row_id, person_id)
        missing: dict[str, list[str]] = {}
        for name in wanted:
            if name not in self._ids and name not in self._named:
                missing.setdefault(name.casefold(), []).append(name)
        if missing:
            rows = book.work.connection.execute(select(table.c.id, table.c.identity, table.c.name, table.c.person_id))
            for row_id, identity, name, person_id in rows.tuples():
                for called in {identity.casefold(), name.casefold()} & missing.keys():
                    for written in missing[called]:
                        self._call(written, row_id, person_id)

    def _call(self, name: str, row_id: int, person_id: int | None) -> None:
        self._persons[row_id] = person_id
        if row_id not in self._named.setdefault(name, []):
            self._named[name].append(row_id)

    def find(self, entry: Entry, column: str = "device") -> int | None:
        """The id of the device an entry names; None when it names none, or (said as wrong) none we know."""
        name = entry[column]
        if not name:
            return None
        found = self._ids.get(name)
        if found is not None:
            return found
        named = self._named.get(name, [])
        if len(named) == 1:
            return named[0]
        if named:
            self._book.wrong(entry, column, f"{len(named)} devices are called {name}. Write the identity of the one.")
        else:
            self._book.wrong(entry, column, f"no device is called {name}. Import devices first, or correct it.")
        return None

    def person(self, device_id: int) -> int | None:
        """Whose device it is."""
        return self._persons.get(device_id)


class Contracts:
    """Contracts by number."""

    def __init__(self, book: Book, numbers: Iterable[str | None]) -> None:
        self._book = book
        self._ids: dict[str, int] = {}
        for part in chunks(sorted({number for number in numbers if number})):
            rows = book.work.connection.execute(
                select(Contract.number, Contract.id).where(Contract.number.in_(part))
            ).tuples()
            self._ids |= dict(iter(rows))

    def find(self, entry: Entry, column: str = "contract") -> int | None:
        """The id of the contract an entry names; None when it names none, or (said as wrong) none we know."""
        number = entry[column]
        if not number:
            return None
        found = self._ids.get(number)
        if found is None:
            self._book.wrong(
                entry, column, f"no contract has the number {number}. Import contracts first, or correct it."
            )
        return found


def named(entries: Sequence[Entry], *columns: str) -> list[str | None]:
    """Everything the entries say in these columns."""
    return [entry[column] for entry in entries for column in columns]
