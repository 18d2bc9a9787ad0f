"""Indexes for their changes of records, for a first report of a device that was imported, and for a device's story."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005_indexes"
down_revision = "0004_alerts"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_index("ix_ticket_sys_id", "ticket", ["sys_id"])
    op.create_index("ix_device_name_folded", "device", [sa.text("lower(name)")])
    op.create_index("ix_device_identity_folded", "device", [sa.text("lower(identity)")])
    op.create_index("ix_device_serial", "device", ["serial"])
    op.create_index("ix_installation_device", "installation", ["device_id"])


def downgrade() -> None:

    op.drop_index("ix_installation_device", table_name="installation")
    op.drop_index("ix_device_serial", table_name="device")
    op.drop_index("ix_device_identity_folded", table_name="device")
    op.drop_index("ix_device_name_folded", table_name="device")
    op.drop_index("ix_ticket_sys_id", table_name="ticket")
