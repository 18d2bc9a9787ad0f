"""The name a person signs in with, beside the mail address: a list of held mailboxes may name either."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022_sign_in_name"
down_revision = "0021_restoring"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("person", sa.Column("upn", sa.String(length=320), nullable=True))
    op.create_index(op.f("ix_person_upn"), "person", ["upn"])


def downgrade() -> None:
    op.drop_index(op.f("ix_person_upn"), table_name="person")
    with op.batch_alter_table("person") as batch_op:
        batch_op.drop_column("upn")
