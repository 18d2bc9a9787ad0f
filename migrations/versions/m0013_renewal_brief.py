"""A renewal's decision with the ServiceNow record it opened and the campaign that frees the seats."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013_renewal_brief"
down_revision = "0012_renewals"
branch_labels = None
depends_on = None


def upgrade() -> None:
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    with op.batch_alter_table("renewal_decision") as batch_op:
        batch_op.add_column(sa.Column("campaign_id", key, nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_renewal_decision_campaign_id_reclaim_campaign"), "reclaim_campaign", ["campaign_id"], ["id"]
        )
    with op.batch_alter_table("ticket") as batch_op:
        batch_op.add_column(sa.Column("renewal_decision_id", key, nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_ticket_renewal_decision_id_renewal_decision"),
            "renewal_decision",
            ["renewal_decision_id"],
            ["id"],
        )
        batch_op.create_index(batch_op.f("ix_ticket_renewal_decision_id"), ["renewal_decision_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("ticket") as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_renewal_decision_id"))
        batch_op.drop_constraint(batch_op.f("fk_ticket_renewal_decision_id_renewal_decision"), type_="foreignkey")
        batch_op.drop_column("renewal_decision_id")
    with op.batch_alter_table("renewal_decision") as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_renewal_decision_campaign_id_reclaim_campaign"), type_="foreignkey")
        batch_op.drop_column("campaign_id")
