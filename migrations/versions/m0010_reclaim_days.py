"""Which day a confirmed removal is due, so that the limit a day holds over all lists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010_reclaim_days"
down_revision = "0008_seat_use"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("reclaim_candidate") as batch_op:
        batch_op.add_column(sa.Column("take_on", sa.Date(), nullable=True))
        batch_op.create_index(batch_op.f("ix_reclaim_candidate_take_on"), ["take_on"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("reclaim_candidate") as batch_op:
        batch_op.drop_index(batch_op.f("ix_reclaim_candidate_take_on"))
        batch_op.drop_column("take_on")
