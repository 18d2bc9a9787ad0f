"""What recognition answers, and what a person can decide instead."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from licensing.recognition.text import clean, key


class Kind(StrEnum):
    """What a row of an inventory is. Only `product` may ever count as an installation that needs a licence."""

    PRODUCT = "product"
    COMPONENT = "component"
    UPDATE = "update"
    ASK = "ask"
    UNRECOGNISED = "unrecognised"


@dataclass(frozen=True, slots=True)
class Recognition:
    """The answer on one title.

    `product` is "" when there is none to name. A question (`Kind.ASK`) names one only where the licence is open and the
    product is not; its `candidates` are what a person chooses from and `decides` says how to tell. `confidence` is 0
    to 1. `provisional`: the catalogue does not know the product, its name was made by rule.
    """

    product: str
    publisher: str
    kind: Kind
    confidence: float
    rule: str
    provisional: bool = False
    candidates: tuple[str, ...] = ()
    decides: str = ""

    @property
    def key(self) -> str:
        """Equal for two titles of one product; "" without a product. Store and group by this."""
        return key(self.product)

    @property
    def needs_review(self) -> bool:
        """Whether a person should look at it: a question, nothing recognised, or a name made by rule."""
        return self.kind in (Kind.ASK, Kind.UNRECOGNISED) or (self.provisional and self.kind is Kind.PRODUCT)


@dataclass(frozen=True, slots=True)
class Correction:
    """A person's decision on a title: its product, or that it is none (`kind` component, update or unrecognised)."""

    product: str
    publisher: str = ""
    kind: Kind = Kind.PRODUCT

    @staticmethod
    def title(raw_title: str, raw_publisher: str = "") -> tuple[str, str]:
        """The key a correction is stored under: case, spaces and trademark signs do not count, versions do.

        A correction under an empty publisher holds for the title from every publisher.
        """
        return clean(raw_title).casefold(), clean(raw_publisher).casefold()
