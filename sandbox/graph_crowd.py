"""Very many people who are made when they are asked for: the same for the same seed, none of them kept.

They come after the people of the store, can be listed, looked up and found in usage reports, and never change. Among
them are all forms of "never", capital letters in ids, guests, rooms, disabled accounts and people without a manager.
"""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sandbox.graph_directory import iso, licence_entry
from sandbox.store import Document

_NEVER: tuple[Any, ...] = (None, {}, {"lastSignInDateTime": None, "lastSuccessfulSignInDateTime": ""})
_NO_TIME = "0001-01-01T00:00:00Z"
_MARKS = ("§name§", "§id§", "§day§")
#: One in so many leads others; the first is everybody's in the end.
_TEAM = 10


class Crowd:
    """`size` people who hold the given SKUs; `now` is the day they are described on."""

    def __init__(self, size: int, skus: Sequence[str], now: datetime, seed: int = 0) -> None:
        self.size, self.skus, self.now, self.seed = size, list(skus), now, seed

    def id_of(self, number: int) -> str:
        """A GUID that holds the number, so that a person is found again without a list."""
        return str(uuid.UUID(int=(0xC0DE << 112) | (self.seed & 0xFFFF) << 64 | (0x4000 << 64) | number))

    def number_of(self, key: str) -> int | None:
        """Whose id this is, None for somebody else's."""
        try:
            number = uuid.UUID(key).int & 0xFFFFFFFF
        except ValueError:
            return None
        return number if number < self.size and self.id_of(number) == key.lower() else None

    def name_of(self, number: int) -> str:
        return f"person{number}@crowd.example"

    def used_on(self, number: int) -> date | None:
        """The last day of use that every report agrees on; one in nine shows none."""
        return None if number % 9 == 0 else self.now.date() - timedelta(days=3 + (number * 7) % 200)

    def person(self, number: int) -> Document:
        """One person, in the shape of the store's."""
        name, identity = self.name_of(number), self.id_of(number)
        guest, used = number % 50 == 49, self.used_on(number)
        activity: Any = _NEVER[(number // 9) % 3] if used is None else {
            "lastSignInDateTime": f"{used}T08:00:00Z",
            "lastNonInteractiveSignInDateTime": _NO_TIME if number % 4 == 0 else f"{used}T09:30:00Z",
            "lastSuccessfulSignInDateTime": f"{used}T09:30:00Z" if number % 5 else "",
        }  # fmt: skip
        made = self.now - timedelta(days=30 + number % 3000)
        return {
            "id": identity.upper() if number % 6 == 0 else identity,
            "properties": {
                "id": identity.upper() if number % 6 == 0 else identity,
                "userPrincipalName": name,
                "displayName": f"Person {number}",
                "mail": None if number % 8 == 0 else name,
                "businessPhones": [],
                "accountEnabled": number % 40 != 39,
                "userType": "Guest" if guest else "Member",
                "department": f"Department {number % 120}",
                "jobTitle": f"Role {number % 60}",
                "usageLocation": ("DE", "FR", "JP", "US")[number % 4],
                "createdDateTime": iso(made),
                "employeeHireDate": _NO_TIME if number % 7 == 0 else iso(made),
            },
            "signInActivity": activity,
            "manager": None if number == 0 else self.id_of(number // _TEAM),
            "licences": [
                licence_entry(
                    sku.upper() if number % 10 == 0 else sku, made, None, error=None if number % 2 else "None"
                )
                for place, sku in enumerate(self.skus)
                if place == 0 or number % (place + 2) == 0
            ],
            "usage": {},
        }

    def lines(self, columns: Sequence[str], row: dict[str, Any], days: Sequence[str]) -> Iterator[str]:
        """A report's lines: the row of one person with name, id and days of use put in for each."""
        out = io.StringIO()
        marked = row | {"User Principal Name": _MARKS[0], "Display Name": _MARKS[0], "User Id": _MARKS[1]}
        marked |= dict.fromkeys(days, _MARKS[2])
        csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\n").writerow(marked)
        pattern = out.getvalue()
        for number in range(self.size):
            day = self.used_on(number)
            yield (
                pattern.replace(_MARKS[0], self.name_of(number))
                .replace(_MARKS[1], self.id_of(number))
                .replace(_MARKS[2], day.isoformat() if day is not None else "")
            )

    def holders(self, place: int) -> int:
        """How many hold the SKU at this place of the list."""
        return self.size if place == 0 else len(range(0, self.size, place + 2))
