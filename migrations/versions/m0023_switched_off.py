"""Which services are switched off in a seat is kept as the last reading showed it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023_switched_off"
down_revision = "0022_sign_in_name"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("seat", "staged_seat"):
        op.add_column(table, sa.Column("off", sa.Text(), nullable=True))


def downgrade() -> None:
    for table in ("staged_seat", "seat"):
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_column("off")
