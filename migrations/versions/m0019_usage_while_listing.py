"""Lines of usage reports lie beside the people of a reading, so that both are read at the same time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019_staged_use"
down_revision = "0018_term_days"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "staged_use",
        sa.Column("upn", sa.String(length=320), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("used_on", sa.Date(), nullable=True),
        sa.Column("facts", JSON, nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("upn", "source", name=op.f("pk_staged_use")),
    )
    op.execute(  # what lies there was laid down without these columns: a reading under way begins anew
        "UPDATE sync_run SET outcome = 'failed', words = 'Given up: the service was renewed.', ended_at = began_at "
        "WHERE outcome = 'running' AND source IN ('directory', 'directory_changes')"
    )
    with op.batch_alter_table("staged_person") as batch_op:
        batch_op.add_column(sa.Column("merged", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("later", sa.Boolean(), nullable=False, server_default=sa.true()))
        batch_op.drop_index("ix_staged_person_upn")
        batch_op.create_index("ix_staged_person_seq", ["seq"], unique=False)
    with op.batch_alter_table("staged_person") as batch_op:
        batch_op.alter_column("merged", server_default=None)
        batch_op.alter_column("later", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("staged_person") as batch_op:
        batch_op.drop_index("ix_staged_person_seq")
        batch_op.create_index("ix_staged_person_upn", ["upn"], unique=False)
        batch_op.drop_column("later")
        batch_op.drop_column("merged")
    op.drop_table("staged_use")
