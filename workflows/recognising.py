"""Titles meet the rules: what licensing.recognition says becomes a product of the register, made where there is none.

The rules speak of products by name. A product of the register is the one meant when its own name is recognised as the
same, whatever the company calls it ("Acrobat Pro", "Adobe Acrobat Pro DC"). What nobody registered becomes a
provisional product: paid when the catalogue says so, so that it shows as used without a right.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from licensing.recognition import Correction, Kind, Recogniser, Recognition, key, paid, shipped
from model.inventory import Title
from model.licences import Product
from model.session import UnitOfWork
from workflows.register.names import KnownProduct, Products, slug

#: What a person's "not a product" is stored as, beside the kinds of recognition.
NOT_A_PRODUCT = "not_a_product"


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a title is: a product, or not decided yet; `candidate_id` is what it may be."""

    kind: str
    product_id: int | None
    confidence: int  # per cent
    rule: str
    candidate_id: int | None = None


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What a title may be without anything being made: names and keys of the products meant, and whether one is paid.

    `paid` is what a person registered as not free, else what the catalogue says.
    """

    names: tuple[str, ...] = ()
    paid: bool = False


class Recognising:
    """The rules with all that people decided, for one run over any number of titles."""

    def __init__(self, work: UnitOfWork, products: Products) -> None:
        self._products = products
        self._catalogue = shipped()
        self._paid = paid(self._catalogue)
        self._recogniser = Recogniser(self._catalogue, _corrections(work))
        self._by_key: dict[str, KnownProduct] = {}
        for known in products.all():
            found = self._recogniser.recognise(known.name, known.publisher)
            if found.kind is Kind.PRODUCT:
                self._by_key.setdefault(found.key, known)
        for known in products.all():
            self._by_key[key(known.name)] = known  # its own name wins over what another is recognised as
        by_hand = select(Product.id).where(Product.provisional.is_(False), Product.licence_model != "free")
        self._by_hand = set(work.connection.execute(by_hand).scalars())

    def recognise(self, raw_title: str, raw_publisher: str = "", raw_version: str = "") -> Recognised:
        """What a title nobody decided about is."""
        exact = self._products.find(raw_title.strip())
        if exact is not None:
            return Recognised(Kind.PRODUCT, exact.id, 100, "exact name")
        found = self._recogniser.recognise(raw_title, raw_publisher, raw_version)
        confidence = round(found.confidence * 100)
        if found.kind is Kind.PRODUCT:
            return Recognised(Kind.PRODUCT, self._product(found).id, confidence, found.rule)
        candidate = self._candidate(found) if found.kind is Kind.ASK else None
        return Recognised(found.kind.value, None, confidence, found.rule, candidate.id if candidate else None)

    def looked_up(self, raw_title: str, raw_publisher: str = "", raw_version: str = "") -> LookedUp:
        """What a title nobody has stored yet would be, or may be; the register stays as it is."""
        exact = self._products.find(raw_title.strip())
        if exact is not None:
            return LookedUp((exact.key, exact.name), exact.id in self._by_hand or key(exact.name) in self._paid)
        found = self._recogniser.recognise(raw_title, raw_publisher, raw_version)
        if found.kind not in (Kind.PRODUCT, Kind.ASK):
            return LookedUp()
        called = [name for name in (found.product, *found.candidates) if name]
        known = [self._by_key[key(name)] for name in called if key(name) in self._by_key]
        names = (*called, *map(slug, called), *(part for one in known for part in (one.key, one.name)))
        paid = any(one.id in self._by_hand for one in known) or any(key(name) in self._paid for name in called)
        return LookedUp(names, paid)

    def _product(self, found: Recognition) -> KnownProduct:
        known = self._by_key.get(found.key)
        if known is None:
            if found.key in self._paid:
                model = "paid"
            else:
                model = "unknown" if found.provisional else "free"
            known = self._products.make(found.product, found.publisher, licence_model=model, provisional=True)
            self._by_key[found.key] = known
        return known

    def _candidate(self, found: Recognition) -> KnownProduct | None:
        """What a question may be about: the first such product somebody registered as paid, else the first there is.

        A free edition that was only found on a device must not hide that the paid one may be used beyond what is owned.
        """
        names = [key(name) for name in (found.product, *found.candidates) if name]
        there = [self._by_key[name] for name in names if name in self._by_key]
        return next((known for known in there if known.id in self._by_hand), there[0] if there else None)


def _corrections(work: UnitOfWork) -> dict[tuple[str, str], Correction]:
    """What people decided, by title and publisher."""
    rows = work.connection.execute(
        select(Title.raw_title, Title.raw_publisher, Title.kind, Product.name)
        .outerjoin(Product, Product.id == Title.product_id)
        .where(Title.decided_by_id.is_not(None))
    )
    return {
        Correction.title(row.raw_title, row.raw_publisher): Correction(
            row.name or "", kind=Kind.COMPONENT if row.kind == NOT_A_PRODUCT else Kind(row.kind)
        )
        for row in rows
    }
