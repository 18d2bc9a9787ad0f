"""Whether any seat is on its way back is asked with each press: an index of those alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021_restoring"
down_revision = "0020_absence_before"
branch_labels = None
depends_on = None


def upgrade() -> None:
    restoring = sa.text("state = 'restoring'")
    op.create_index(
        "ix_seat_return_restoring", "seat_return", ["seat_id"], sqlite_where=restoring, postgresql_where=restoring
    )


def downgrade() -> None:
    op.drop_index("ix_seat_return_restoring", "seat_return")
