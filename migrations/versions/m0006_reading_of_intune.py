"""What a reading of Intune has seen so far, and indexes by which a machine is found that reports for the first time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006_intune"
down_revision = "0005_indexes"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "managed_software",
        sa.Column("run_id", _KEY, nullable=False),
        sa.Column("device_id", _KEY, nullable=False),
        sa.Column("title_id", _KEY, nullable=False),
        sa.Column("version", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["sync_run.id"], name=op.f("fk_managed_software_run_id_sync_run")),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_managed_software_device_id_device")),
        sa.ForeignKeyConstraint(["title_id"], ["title.id"], name=op.f("fk_managed_software_title_id_title")),
        sa.PrimaryKeyConstraint("run_id", "device_id", "title_id", "version", name=op.f("pk_managed_software")),
    )
    op.create_index("ix_device_called", "device", [sa.text("lower(name)")])
    op.create_index("ix_device_lower_identity", "device", [sa.text("lower(identity)")])
    op.create_index("ix_device_serial", "device", ["serial"])


def downgrade() -> None:
    for name in ("ix_device_serial", "ix_device_lower_identity", "ix_device_called"):
        op.drop_index(name, "device")
    op.drop_table("managed_software")
