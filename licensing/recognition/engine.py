"""The recogniser: the rules in their order, over one catalogue and one set of corrections."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rapidfuzz import fuzz

from licensing.recognition.catalogue import Catalogue, Entry, Question
from licensing.recognition.families import (
    TOLD_BY_VERSION,
    family,
    without_edition_word,
    without_vendor_versions,
    without_x_version,
)
from licensing.recognition.naming import product_name
from licensing.recognition.noise import library, named_part, noise
from licensing.recognition.publishers import brand
from licensing.recognition.result import Correction, Kind, Recognition
from licensing.recognition.text import clean, key
from licensing.recognition.words import EDITIONS

#: Titles whose answers are kept; an inventory repeats the same few thousand. Full, it starts anew: bounded memory.
REMEMBERED = 32768
#: Similarity (0 to 100) from which two spellings are one name, within one publisher and under the guards below.
SIMILAR = 93.0
SIMILAR_WORD = 80.0
SHORTEST_SIMILAR = 8
#: Brands that are words of other names too ("Zoom Player"): a title that begins so says nothing.
COMMON_WORDS = frozenset("zoom box sketch opera slack sun helios progress quest brave dell origin unity git".split())

#: How sure an answer is, by what decided it.
EXACT, FAMILY, NAME, FUZZY, RULE_PART, PROVISIONAL, PROVISIONAL_BARE = 0.99, 0.95, 0.93, 0.8, 0.85, 0.6, 0.5
#: The most an answer can have when the row names a publisher we do not know for the product.
OTHER_PUBLISHER = 0.75


class Answers(dict[tuple[str, str, str], Recognition]):
    """What was answered, by (title, publisher, version); a missing one is worked out. A known title costs a look-up."""

    def __init__(self, decide: Callable[[str, str, str], Recognition]) -> None:
        super().__init__()
        self._decide = decide

    def __missing__(self, asked: tuple[str, str, str]) -> Recognition:
        if len(self) >= REMEMBERED:
            self.clear()
        answer = self[asked] = self._decide(*asked)
        return answer


class Recogniser:
    """Answers on titles. Holds no state but what it remembers of answers given, so any number may run side by side."""

    def __init__(self, catalogue: Catalogue, corrections: Mapping[tuple[str, str], Correction] | None = None) -> None:
        """`corrections` maps `Correction.title(raw title, raw publisher)` to what a person decided, which wins."""
        self.catalogue = catalogue
        self.corrections = dict(corrections or {})
        #: `answers[title, publisher, version]` is `recognise` without the call, for loops over an inventory.
        self.answers = Answers(self._decide)
        self._brands: dict[str, str] = {}

    def recognise(self, raw_title: str, raw_publisher: str = "", raw_version: str = "") -> Recognition:
        """The answer on one row of an inventory; never raises on any text."""
        return self.answers[raw_title, raw_publisher, raw_version]

    def publisher(self, raw: str) -> str:
        """The brand of a raw publisher: without legal form or leading "The", the current owner where it was sold."""
        known = self._brands.get(raw)
        if known is None:
            if len(self._brands) >= REMEMBERED:
                self._brands.clear()
            known = self._brands[raw] = brand(raw, self.catalogue.owners)
        return known

    def _decide(self, raw_title: str, raw_publisher: str, raw_version: str) -> Recognition:
        title = clean(raw_title)
        publisher = self.publisher(raw_publisher)
        if self.corrections:
            decided = self._corrected(raw_title, raw_publisher, publisher)
            if decided is not None:
                return decided
        if not title or not any(letter.isalpha() for letter in title) or _is_identifier(title):
            return Recognition("", publisher, Kind.UNRECOGNISED, 0.0, "no name in the title")
        low = title.lower()
        exact = key(title)
        entry = self._fitting(exact, publisher)
        if low not in TOLD_BY_VERSION:
            question = self._question(exact, publisher)
            if question is not None:
                return _asked(question, publisher)
            if entry is not None:
                return self._named(entry, EXACT, "name of the catalogue", publisher)
        rubbish = noise(low)
        if rubbish is not None:
            kind = Kind.UPDATE if rubbish.update else Kind.COMPONENT
            return Recognition("", publisher or self._brand_in(low), kind, RULE_PART, rubbish.rule)
        version = raw_version.strip()
        told = family(low, version)
        if told is not None and (not publisher or self._publisher_of(told.product, publisher)):
            question = self.catalogue.asked.get(key(told.question))
            if question is not None:
                return _asked(question, publisher, told.rule)
            known = self.catalogue.index.get(key(told.product))
            if known is not None:
                return self._named(known, FAMILY, told.rule, publisher)
        return self._by_name(title, low, publisher, version)

    def _by_name(self, title: str, low: str, publisher: str, version: str) -> Recognition:
        name = product_name(title, version)
        if not name:
            return Recognition("", publisher, Kind.UNRECOGNISED, 0.0, "no name in the title")
        vendor = publisher or self._brand_in(low)
        plain = without_vendor_versions(name, vendor)
        for form in dict.fromkeys((name, plain, without_edition_word(plain), without_x_version(plain))):
            found = key(form)
            question = self._question(found, publisher)
            if question is not None:
                return _asked(question, publisher)
            entry = self._fitting(found, publisher)
            if entry is not None:
                return self._named(entry, NAME, "name without version and decorations", publisher)
        if plain != name:
            name = plain
        lowered = name.lower()
        part = named_part(lowered)
        if part is not None:
            return Recognition(name, vendor, Kind.COMPONENT, RULE_PART, part.rule, provisional=True)
        if library(title, publisher):
            return Recognition(
                title, vendor, Kind.COMPONENT, PROVISIONAL, "package of a Linux system", provisional=True
            )
        similar = self._similar(key(name), lowered, vendor)
        if similar is not None:
            return self._named(similar, FUZZY, "similar spelling, same publisher", vendor)
        sure = PROVISIONAL if publisher else PROVISIONAL_BARE
        return Recognition(name, vendor, Kind.PRODUCT, sure, "provisional name by rule", provisional=True)

    def _corrected(self, raw_title: str, raw_publisher: str, publisher: str) -> Recognition | None:
        title, by = Correction.title(raw_title, raw_publisher)
        decided = self.corrections.get((title, by))
        if decided is None and by:
            decided = self.corrections.get((title, ""))
        if decided is None:
            return None
        product = decided.product if decided.kind in (Kind.PRODUCT, Kind.COMPONENT) else ""
        return Recognition(product, decided.publisher or publisher, decided.kind, 1.0, "decided by a person")

    def _fitting(self, found: str, publisher: str) -> Entry | None:
        """The entry of that name, unless its publisher is certainly another."""
        entry = self.catalogue.index.get(found)
        if entry is None:
            return None
        if not publisher:
            return None if entry.needs_publisher else entry
        if self._agrees(entry.known.publisher, publisher, entry.needs_publisher or entry.known.strict):
            return entry
        # "IBM Notes" by IBM: the former owner's brand is in the name itself.
        return entry if found.startswith(key(publisher)) else None

    def _agrees(self, expected: str, given: str, strictly: bool) -> bool:
        """Whether a product of `expected` may come from `given`; an unknown publisher passes unless `strictly`."""
        if given == expected or not expected:
            return True
        low, wanted = given.lower(), expected.lower()
        if low == wanted or low.startswith(f"{wanted} ") or wanted.startswith(f"{low} "):
            return True
        return not strictly and low not in self.catalogue.brands

    def _publisher_of(self, product: str, publisher: str) -> bool:
        entry = self.catalogue.index.get(key(product))
        return entry is None or self._agrees(entry.known.publisher, publisher, False)

    def _question(self, found: str, publisher: str) -> Question | None:
        """The question under that name, unless the publisher is another."""
        question = self.catalogue.asked.get(found)
        if question is None or not publisher:
            return question
        return question if self._agrees(question.publisher, publisher, " " not in question.names[0]) else None

    def _brand_in(self, low: str) -> str:
        """The brand a title begins with, for feeds that give no publisher."""
        words = low.split(" ", 3)
        brands = self.catalogue.brands
        if len(words) < 2:
            return ""
        brand_of_two = brands.get(f"{words[0]} {words[1]}")
        return brand_of_two or ("" if words[0] in COMMON_WORDS else brands.get(words[0], ""))

    def _named(self, entry: Entry, confidence: float, rule: str, publisher: str) -> Recognition:
        known = entry.known
        kind = Kind.COMPONENT if known.component else Kind.PRODUCT
        question = self.catalogue.asked.get(key(known.product))
        if question is not None and question.product == known.product:
            return _asked(question, known.publisher)
        if publisher and publisher.casefold() != known.publisher.casefold():
            confidence = min(confidence, OTHER_PUBLISHER)
        return Recognition(known.product, known.publisher, kind, confidence, rule)

    def _similar(self, found: str, lowered: str, publisher: str) -> Entry | None:
        """A name of the same publisher that differs by a slip of the keys: same digits, same edition words."""
        if len(found) < SHORTEST_SIMILAR or not publisher:
            return None
        best: Entry | None = None
        highest = SIMILAR
        words = lowered.split()
        for length in range(max(SHORTEST_SIMILAR, len(found) - 2), len(found) + 3):
            for name, others, entry in self.catalogue.by_length.get((publisher, length), ()):
                score = fuzz.ratio(found, name, score_cutoff=highest)
                if score >= highest and _same_words(words, others):
                    best, highest = entry, score
        return best


def _asked(question: Question, publisher: str, rule: str = "the title alone cannot decide") -> Recognition:
    return Recognition(
        question.product,
        question.publisher or publisher,
        Kind.ASK,
        0.5,
        rule,
        False,
        question.candidates,
        question.decides,
    )


def _same_words(left: list[str], right: list[str]) -> bool:
    """Whether two names have the same words up to slips: a word more, or another number or edition, is no slip."""
    return len(left) == len(right) and all(
        one == other
        or (
            len(one) > 4
            and one.isalpha()
            and not EDITIONS.intersection((one, other))
            and fuzz.ratio(one, other) >= SIMILAR_WORD
        )
        for one, other in zip(left, right, strict=True)
    )


def _is_identifier(title: str) -> bool:
    """A GUID in place of a name, as agents send when the registry holds no display name."""
    bare = title.strip("{}").replace("-", "")
    return len(bare) == 32 and all(letter in "0123456789abcdefABCDEF" for letter in bare)
