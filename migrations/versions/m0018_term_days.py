"""A renewed term that is no whole number of months keeps its length in days."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018_term_days"
down_revision = "0017_kept"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("contract") as batch_op:
        batch_op.add_column(sa.Column("term_days", sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("contract") as batch_op:
        batch_op.drop_column("term_days")
