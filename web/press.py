"""A press on the page behind a signed link, while its transaction is open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import request

from model.people import Person
from model.session import UnitOfWork
from web.deps import WebDeps
from workflows.links import Link, ShownCard

LONGEST_WORDS = 500


@dataclass(frozen=True)
class Press:
    """A press being handled."""

    work: UnitOfWork
    deps: WebDeps
    link: Link
    card: ShownCard
    now: datetime

    def text(self, name: str, most: int = LONGEST_WORDS) -> str:
        """What was typed in a field, cut to what the field allows."""
        return request.form.get(name, "").strip()[:most]

    @property
    def version(self) -> int:
        """The request's version on the page that was pressed."""
        shown = request.form.get("version", "")
        return int(shown) if shown.isascii() and shown.isdigit() and len(shown) < 10 else -1

    @property
    def person(self) -> Person:
        return self.work.session.get_one(Person, self.link.person_id)
