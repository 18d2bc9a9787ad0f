"""Indexes for their changes of records and for a device's story."""

from __future__ import annotations

from alembic import op

revision = "0005_indexes"
down_revision = "0004_alerts"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_index("ix_ticket_sys_id", "ticket", ["sys_id"])
    op.create_index("ix_installation_device", "installation", ["device_id"])


def downgrade() -> None:

    op.drop_index("ix_installation_device", table_name="installation")
    op.drop_index("ix_ticket_sys_id", table_name="ticket")
