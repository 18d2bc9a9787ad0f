"""What people sent, parsed: the request form, the form for software not owned yet, and the receipt they get."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class RequestForm:
    """The request form as typed and parsed. `people` are person ids; seats beyond them get their holder later."""

    submission_key: str
    product_id: int
    people: tuple[int, ...]
    seats: int
    why: str
    frequency: str
    sku_id: int | None = None  # None: the only tier, or the lowest
    until: date | None = None
    alternative_offered: str = ""
    draft_id: int | None = None
    urgent: str = ""


@dataclass(frozen=True)
class NewProductForm:
    """Software the company does not own yet. `holds`: "nothing", "internal" or "people"."""

    submission_key: str
    name: str
    why: str
    link: str = ""
    others: str = ""
    holds: str = "nothing"
    price: str = ""


@dataclass(frozen=True)
class Receipt:
    """What the person reads right after sending."""

    request_id: int
    reference: str
    waits_for: tuple[str, ...]
    within_hours: int
    approved_by_rule: str = ""
