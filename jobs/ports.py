"""What durable work asks of the database it lives in; `model.session` fulfils it. Jobs import nothing else of ours."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection


class Work(Protocol):
    """One writing transaction, undone unless committed."""

    @property
    def connection(self) -> Connection: ...

    def after_commit(self, call: Callable[[], None]) -> None: ...

    def commit(self) -> None: ...


class Database(Protocol):
    """Where transactions come from. On SQLite a unit of work holds the one write lock from its first moment."""

    def unit_of_work(self) -> AbstractContextManager[Work]: ...

    def reading(self) -> AbstractContextManager[Connection]: ...
