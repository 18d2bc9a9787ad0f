"""The products known by name: the data shipped beside this package, and the index that finds one by any of its names.

The files hold public knowledge on products, renames, owners and editions. What the customer's people decide is not
here; it is handed to the recogniser and wins over all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from types import MappingProxyType

from licensing.recognition.data import rows
from licensing.recognition.naming import product_name
from licensing.recognition.text import clean, key


@dataclass(frozen=True, slots=True)
class Known:
    """A product of the catalogue. `licence` is paid, free or ""; `component` never needs a licence of its own.

    `strict`: its name is also a common word, so a title from a publisher we do not know is another product.
    """

    product: str
    publisher: str
    licence: str = ""
    component: bool = False
    names: tuple[str, ...] = ()
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A title that alone cannot decide. `product` is filled where only the licence is open, not the product."""

    names: tuple[str, ...]
    publisher: str
    product: str
    candidates: tuple[str, ...]
    decides: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in the index; `needs_publisher` when it is too short to stand for the product without its publisher."""

    known: Known
    needs_publisher: bool = False


@dataclass(frozen=True)
class Catalogue:
    """Products, questions and owners, indexed by the key of each name."""

    products: tuple[Known, ...]
    questions: tuple[Question, ...]
    owners: MappingProxyType[str, str]
    index: MappingProxyType[str, Entry] = field(repr=False)
    asked: MappingProxyType[str, Question] = field(repr=False)
    brands: MappingProxyType[str, str] = field(repr=False)

    @cached_property
    def by_length(self) -> dict[tuple[str, int], list[tuple[str, list[str], Entry]]]:
        """Key, words and entry of each name by publisher and the key's length: what a misspelt name is compared to."""
        found: dict[tuple[str, int], list[tuple[str, list[str], Entry]]] = {}
        for known in self.products:
            for name in (known.product, *known.names):
                named = key(name)
                found.setdefault((known.publisher, len(named)), []).append((named, name.lower().split(), Entry(known)))
        return found

    def without(self, *products: str) -> Catalogue:
        """The same catalogue with every entry of these products left out: how well do the rules do alone?"""
        gone = {key(product) for product in products}
        if not any(key(one.product) in gone for one in self.products):
            return self
        return build(
            [one for one in self.products if key(one.product) not in gone],
            [one for one in self.questions if key(one.product or " ") not in gone],
            self.owners,
        )


def build(
    products: Iterable[Known],
    questions: Iterable[Question],
    owners: Iterable[tuple[str, str]] | MappingProxyType[str, str],
) -> Catalogue:
    """Index everything. A full name wins over a name that leaves the brand out."""
    known = tuple(products)
    asked_rows = tuple(questions)
    owner_map = dict(owners)
    index: dict[str, Entry] = {}
    short: dict[str, Entry] = {}
    for one in known:
        names, forms = _forms(one)
        for at, name in enumerate(names):
            if at == 0 or name not in index:
                index[name] = Entry(one)
        for form, needs_publisher in forms:
            short.setdefault(form, Entry(one, needs_publisher))
    for form, entry in short.items():
        index.setdefault(form, entry)
    brands = {
        brand.lower(): brand for brand in {one.publisher for one in known if one.publisher} | set(owner_map.values())
    }
    asked = {key(name): question for question in asked_rows for name in question.names}
    return Catalogue(
        known,
        asked_rows,
        MappingProxyType(owner_map),
        MappingProxyType(index),
        MappingProxyType(asked),
        MappingProxyType(brands),
    )


@lru_cache(maxsize=4096)
def _forms(one: Known) -> tuple[tuple[str, ...], tuple[tuple[str, bool], ...]]:
    """The keys of the names of a product, its own first, and those of shorter forms."""
    forms: list[tuple[str, bool]] = []
    for name in (one.product, *one.names):
        forms += _other_forms(name, one.publisher)
        bare = key(product_name(clean(name)))
        if bare:
            forms.append((bare, False))
    return tuple(key(name) for name in (one.product, *one.names)), tuple(forms)


def _other_forms(name: str, publisher: str) -> Iterator[tuple[str, bool]]:
    """The name with and without its publisher's brand. One word alone is too common to stand without the publisher."""
    if not publisher:
        return
    brand = publisher.split()[0] if publisher.split()[0].lower() == name.split()[0].lower() else publisher
    if name.lower().startswith(f"{brand.lower()} "):
        rest = name[len(brand) + 1 :]
        yield key(rest), len(rest.split()) < 2
    else:
        yield key(f"{publisher} {name}"), False


def _listed(cell: str) -> tuple[str, ...]:
    return tuple(part for part in cell.split("|") if part)


@cache
def shipped() -> Catalogue:
    """The catalogue that comes with the product; read once."""
    owners: dict[str, str] = {}
    for row in rows("publishers.csv"):
        for name in (row["brand"], *_listed(row["names"])):
            owners[key(name)] = row["brand"]
    products = [
        Known(
            row["product"], row["publisher"], row["licence"], row["kind"] == "component", _listed(row["aliases"]),
            "strict" in row["flags"],
        )
        for row in rows("catalogue.csv")
    ]  # fmt: skip
    questions = [
        Question(_listed(row["names"]), row["publisher"], row["product"], _listed(row["candidates"]), row["decides"])
        for row in rows("ask.csv")
    ]
    return build(products, questions, owners.items())


def paid(catalogue: Catalogue) -> frozenset[str]:
    """Keys of the products that need a paid licence."""
    return frozenset(key(one.product) for one in catalogue.products if one.licence == "paid")


__all__ = ["Catalogue", "Entry", "Known", "Question", "build", "paid", "shipped"]
