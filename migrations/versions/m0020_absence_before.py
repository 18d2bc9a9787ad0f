"""The absence before the one that is entered: its days are no idleness after the return either."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020_absence_before"
down_revision = "0019_staged_use"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("person", sa.Column("was_absent_from", sa.Date(), nullable=True))
    op.add_column("person", sa.Column("was_absent_until", sa.Date(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("person") as batch_op:
        batch_op.drop_column("was_absent_until")
        batch_op.drop_column("was_absent_from")
