"""What people can ask for: the searchable list of the form, and the best match for words typed after a command."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from rapidfuzz import fuzz, utils
from sqlalchemy import Connection, exists, select

from model.licences import Product, Sku
from workflows.eligibility import may_have
from workflows.facts import PersonFacts
from workflows.people import person_facts
from workflows.policy import Policy
from workflows.reads.facts import SeatNumbers
from workflows.reads.prices import seat_numbers

#: Slack takes a hundred options.
MOST_OPTIONS = 100
#: Below this likeness a name is not shown as close, above the other it is taken as meant (0 to 100).
CLOSE, MEANT = 70, 88


@dataclass(frozen=True)
class Offer:
    """A product as one line of the list; `ban` is policy's rule against something that is not in the registry."""

    product_id: int | None
    name: str
    allowed: bool = True
    free: int | None = None
    waiting: int = 0
    unlimited: bool = False
    ban: int | None = None


@dataclass(frozen=True)
class Found:
    """`often`: what the person's team asks for; `rest`: other matches, at most what fits; `total` of all matches."""

    often: tuple[Offer, ...]
    rest: tuple[Offer, ...]
    total: int


@dataclass(frozen=True)
class Match:
    """What words mean: a product, or the names that come close."""

    product_id: int | None
    name: str
    close: tuple[Offer, ...] = ()


@dataclass(frozen=True)
class _Named:
    id: int
    key: str
    name: str
    words: str

    @property
    def searched(self) -> str:
        return f"{self.name} {self.words}".casefold()


def search(connection: Connection, policy: Policy, person_id: int, words: str, now: datetime) -> Found:
    """Products whose name or search words hold what was typed, best first, then those that only come close."""
    person = person_facts(connection, [person_id], now)[person_id]
    products = _products(connection)
    matching = _matching(products, words)
    banned = [
        Offer(None, ban.name, allowed=False, ban=ban.rule)
        for ban in policy.not_allowed
        if words
        and words.casefold() in ban.name.casefold()
        and not any(ban.name.casefold() in (one.name.casefold(), one.key.casefold()) for one in products)
    ]
    keys = policy.often_for(person.department)
    often = sorted((one for one in matching if one.key in keys), key=lambda one: keys.index(one.key))
    rest = [one for one in matching if one not in often]
    room = max(0, MOST_OPTIONS - 1 - len(often) - len(banned))
    offers = _offers(connection, [*often, *rest[:room]], policy, person, now)
    return Found(
        tuple(offers[one.id] for one in often),
        (*(offers[one.id] for one in rest[:room]), *banned),
        len(matching) + len(banned),
    )


def best_match(connection: Connection, policy: Policy, person_id: int, words: str, now: datetime) -> Match:
    """The product meant by words after a command; without one that is clear, up to three that come close."""
    products = _products(connection)
    wanted = words.casefold().strip()
    exact = [one for one in products if one.name.casefold() == wanted or one.key.casefold() == wanted]
    inside = exact or [one for one in products if wanted and wanted in one.searched]
    if len(exact) == 1 or len(inside) == 1:
        return Match(inside[0].id, inside[0].name)
    scored = _scored(products, wanted)
    if not inside and scored and scored[0][1] >= MEANT and (len(scored) == 1 or scored[1][1] < scored[0][1]):
        return Match(scored[0][0].id, scored[0][0].name)
    near = [one for one, _ in scored or _scored(products, wanted, any_word=True)][:3]
    if inside:  # several hold the word: the form opens with the first, the list shows the others
        first = min(inside, key=lambda one: (not one.name.casefold().startswith(wanted), len(one.name), one.name))
        return Match(first.id, first.name)
    person = person_facts(connection, [person_id], now)[person_id]
    offers = _offers(connection, near, policy, person, now)
    return Match(None, "", tuple(offers[one.id] for one in near))


def closest(connection: Connection, policy: Policy, person_id: int, words: str, now: datetime) -> Offer | None:
    """The owned product whose name is closest to a name typed for something new; None when nothing is near."""
    scored = _scored(_products(connection), words.casefold().strip(), any_word=True)
    if not scored:
        return None
    person = person_facts(connection, [person_id], now)[person_id]
    return _offers(connection, [scored[0][0]], policy, person, now)[scored[0][0].id]


def product_ids(connection: Connection, keys: Collection[str]) -> dict[str, int]:
    """Product id by policy key."""
    rows = connection.execute(select(Product.key, Product.id).where(Product.key.in_(keys)))
    return {row.key: row.id for row in rows}


def _products(connection: Connection) -> list[_Named]:
    """What can be given: a product without a tier was bought for machines or found on them, and nobody asks for it."""
    rows = connection.execute(
        select(Product.id, Product.key, Product.name, Product.search_words)
        .where(Product.retired_at.is_(None), exists().where(Sku.product_id == Product.id))
        .order_by(Product.name)
    )
    return [_Named(*row) for row in rows]


def _matching(products: Sequence[_Named], words: str) -> list[_Named]:
    wanted = words.casefold().strip()
    if not wanted:
        return list(products)
    holding = [one for one in products if all(part in one.searched for part in wanted.split())]
    holding.sort(key=lambda one: (not one.name.casefold().startswith(wanted), wanted not in one.name.casefold()))
    if len(wanted) < 3:
        return holding
    known = {one.id for one in holding}
    return [*holding, *(one for one, _ in _scored(products, wanted) if one.id not in known)]


def _scored(products: Sequence[_Named], wanted: str, *, any_word: bool = False) -> list[tuple[_Named, float]]:
    """Names that look alike, the likest first. Words of a name count one by one: "visoi" is near "Visio Plan 2".

    `any_word`: one typed word that is near is enough, which makes a name close but not yet meant.
    """
    typed = [wanted, *(word for word in wanted.split() if len(word) > 3)] if any_word else [wanted]
    if not wanted:
        return []
    scores: dict[int, float] = {}
    for index, one in enumerate(products):
        parts = [part for part in one.searched.split() if len(part) > 2]
        best = max((fuzz.ratio(word, part) for word in typed for part in parts), default=0.0)
        whole = fuzz.token_set_ratio(wanted, one.name, processor=utils.default_process) if not any_word else 0.0
        scores[index] = max(best, whole)
    ranked = sorted(scores.items(), key=lambda pair: (-pair[1], products[pair[0]].name))
    return [(products[index], score) for index, score in ranked if score >= CLOSE]


def _offers(
    connection: Connection, products: Sequence[_Named], policy: Policy, person: PersonFacts, now: datetime
) -> dict[int, Offer]:
    rows = connection.execute(
        select(Sku.id, Sku.product_id).where(Sku.product_id.in_([one.id for one in products]))
    ).all()
    numbers = seat_numbers(connection, [row.id for row in rows], now)
    skus: dict[int, list[SeatNumbers]] = defaultdict(list)
    for row in rows:
        if row.id in numbers:
            skus[row.product_id].append(numbers[row.id])
    offers = {}
    for one in products:
        seats = skus[one.id]
        known = [number.free for number in seats if number.free is not None]
        offers[one.id] = Offer(
            product_id=one.id,
            name=one.name,
            allowed=policy.not_allowed_for(one.key, one.name) is None and may_have(person, one.key, policy) is None,
            free=sum(known) if known else None,
            waiting=sum(number.waiting for number in seats),
            unlimited=any(number.unlimited for number in seats),
        )
    return offers
