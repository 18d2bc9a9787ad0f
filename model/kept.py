"""What of positions is kept between two questions, on PostgreSQL: groups of users, and the rows that changed since.

Nobody adds to a kept count. A writer appends what its row said before (triggers do, so that nobody can forget it), and
whoever asks takes those few people and devices out of the kept groups as they were and puts them in as they are. So no
two writers meet on a row, and none of their changes can be lost.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from model.base import Base, Json, Key, UtcTime

#: Changes of a device or person, which may concern any product.
_OF_ALL = text("title_id IS NULL AND product_id IS NULL")


class PositionChange(Base):
    """A row that positions are counted from was written by transaction `xid`; `was` is how it read before.

    `what` names the table, or says `all`: so much changed of the title or product that it is to be counted anew.
    `was` NULL: the row was not there. The first of several changes of a row since a count says how it read then.
    """

    __tablename__ = "position_change"
    __table_args__ = (
        Index(
            "ix_position_change_title",
            "title_id",
            "xid",
            sqlite_where=text("title_id IS NOT NULL"),
            postgresql_where=text("title_id IS NOT NULL"),
        ),
        Index(
            "ix_position_change_product",
            "product_id",
            "xid",
            sqlite_where=text("product_id IS NOT NULL"),
            postgresql_where=text("product_id IS NOT NULL"),
        ),
        Index("ix_position_change_of_all", "xid", sqlite_where=_OF_ALL, postgresql_where=_OF_ALL),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    xid: Mapped[int] = mapped_column(BigInteger)
    what: Mapped[str] = mapped_column(String(20))  # installation, device, person, seat, all
    row_id: Mapped[int | None] = mapped_column(BigInteger)
    device_id: Mapped[int | None] = mapped_column(BigInteger)
    person_id: Mapped[int | None] = mapped_column(BigInteger)
    title_id: Mapped[int | None] = mapped_column(BigInteger)
    product_id: Mapped[int | None] = mapped_column(BigInteger)
    was: Mapped[dict[str, Any] | None] = mapped_column(Json)


class PositionKept(Base):
    """Who uses a product, in groups, as counted in one snapshot of the data; it holds for the day `at`.

    `question` is a digest of all that was asked but the rows themselves: another question has another row.
    """

    __tablename__ = "position_kept"

    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), primary_key=True)
    question: Mapped[str] = mapped_column(String(40), primary_key=True)
    at: Mapped[date]
    seen_below: Mapped[int] = mapped_column(BigInteger)  # no change by an older transaction is missing
    snapshot: Mapped[str] = mapped_column(Text)
    cluster: Mapped[str] = mapped_column(String(20))  # numbers of transactions mean nothing on another server
    groups: Mapped[list[Any]] = mapped_column(Json)
    made_at: Mapped[datetime] = mapped_column(UtcTime)
