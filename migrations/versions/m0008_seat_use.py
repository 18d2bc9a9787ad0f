"""The verdict on each seat as it was last judged, for the figures of what looks idle."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008_seat_use"
down_revision = "0007_reclaim"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "seat_use",
        sa.Column("seat_id", _KEY, autoincrement=False, nullable=False),
        sa.Column("product_id", _KEY, nullable=False),
        sa.Column("sku_id", _KEY, nullable=False),
        sa.Column("person_id", _KEY, nullable=False),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.Column("rule", sa.String(length=60), nullable=False),
        sa.Column("idle_days", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Boolean(), nullable=False),
        sa.Column("judged_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_seat_use_person_id_person")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_seat_use_product_id_product")),
        sa.ForeignKeyConstraint(["seat_id"], ["seat.id"], name=op.f("fk_seat_use_seat_id_seat")),
        sa.ForeignKeyConstraint(["sku_id"], ["sku.id"], name=op.f("fk_seat_use_sku_id_sku")),
        sa.PrimaryKeyConstraint("seat_id", name=op.f("pk_seat_use")),
    )
    with op.batch_alter_table("seat_use") as batch_op:
        batch_op.create_index("ix_seat_use_person", ["person_id"], unique=False)
        batch_op.create_index("ix_seat_use_product", ["product_id", "person_id"], unique=False)


def downgrade() -> None:
    op.drop_table("seat_use")
