"""The kinds of value a policy file may hold, each refusing in words an administrator can act on.

pydantic's own messages speak of types; these say what is allowed and what stands there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetCoreSchemaHandler, PlainSerializer
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


class Part(BaseModel):
    """Any part of a policy: it never changes, and a setting nobody knows is an error and not a silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")


def wrong(words: str) -> PydanticCustomError:
    """An error whose words follow the field's name: "must be 1 to 365, it says 0"."""
    return PydanticCustomError("policy", "{words}", {"words": words})


def shown(value: Any) -> str:
    """What stands in the file, short."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list, tuple)):
        return "a list" if not isinstance(value, dict) else "settings"
    text = str(value)
    return text if len(text) <= 40 else text[:39] + "…"


@dataclass(frozen=True, slots=True)
class Between:
    """A whole number from `low` to `high`, both allowed."""

    low: int
    high: int

    def check(self, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not self.low <= value <= self.high:
            raise wrong(f"must be {self.low:,} to {self.high:,}, it says {shown(value)}")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.check, handler(source))


@dataclass(frozen=True, slots=True)
class Like:
    """Text that matches a pattern; `words` say what it must be, with an example."""

    pattern: str
    words: str

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(self.pattern, value):
            raise wrong(f"must be {self.words}, it says {shown(value)}")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.check, handler(source))


def _amount(value: Any) -> Decimal:
    try:
        amount = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0 or amount > 10**12 or amount != amount.quantize(Decimal("0.0001")):
        raise wrong(f"must be an amount of money such as 50.00, it says {shown(value)}")
    if amount.as_tuple().exponent == -3:
        whole = f"{amount:f}".replace(".", "").lstrip("0") or "0"
        raise wrong(f"could be read two ways, it says {shown(value)}: write {amount:.2f} or {whole}")
    return amount


def _rate(value: Any) -> Decimal:
    try:
        rate = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        rate = Decimal("NaN")
    if not rate.is_finite() or not 0 < rate < 10**9 or rate != rate.quantize(Decimal("1e-10")):
        raise wrong(f"must be a rate above 0 such as 0.9312, it says {shown(value)}")
    return rate


def _clock(value: Any) -> time:
    if isinstance(value, time):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise wrong(f'must be a time of day such as "09:00", it says {shown(value)}')
    return time.fromisoformat(value)


def _text(value: Any) -> str:
    if isinstance(value, (bool, int, Decimal)):
        raise wrong(f'must be text; put it in quotes: "{shown(value)}"')
    if not isinstance(value, str) or not value.strip() or len(value) > 500:
        raise wrong(f"must be text of 1 to 500 characters, it says {shown(value)}")
    return value


Words = Annotated[str, BeforeValidator(_text)]
Amount = Annotated[Decimal, BeforeValidator(_amount), PlainSerializer(lambda value: f"{value:f}", when_used="json")]
RateValue = Annotated[Decimal, BeforeValidator(_rate), PlainSerializer(lambda value: f"{value:f}", when_used="json")]
Clock = Annotated[time, BeforeValidator(_clock), PlainSerializer(lambda at: f"{at:%H:%M}", when_used="json")]
Currency = Annotated[str, Like(r"[A-Z]{3}", "a currency code such as EUR")]
Country = Annotated[str, Like(r"[A-Z]{2}", "a country code such as FR")]
Key = Annotated[str, Like(r"[a-z0-9][a-z0-9_-]{0,79}", "a key of small letters, digits, - and _")]
Email = Annotated[str, Like(r"[^@\s,;]{1,64}@[^@\s,;]{1,255}", "an e-mail address")]
RuleNumber = Annotated[int, Between(1, 999)]
Guid = Annotated[str, Like(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", "an id of 36 characters")]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Employment = Literal["employee", "contractor", "guest"]
