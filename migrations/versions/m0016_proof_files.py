"""Files attached as proof that a renewal's decision was carried out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016_proof_files"
down_revision = "0015_money_side"
branch_labels = None
depends_on = None


def upgrade() -> None:
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "proof_file",
        sa.Column("id", key, nullable=False),
        sa.Column("renewal_id", key, nullable=False),
        sa.Column("decision_id", key, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("slack_file_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("by_id", key, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_by_id", key, nullable=False),
        sa.Column("sent_on", sa.Date(), nullable=False),
        sa.Column("how", sa.String(length=500), nullable=False),
        sa.Column("reference", sa.String(length=500), nullable=False),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("words", sa.String(length=500), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["renewal_id"], ["renewal.id"], name=op.f("fk_proof_file_renewal_id_renewal")),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["renewal_decision.id"], name=op.f("fk_proof_file_decision_id_renewal_decision")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_proof_file_by_id_person")),
        sa.ForeignKeyConstraint(["sent_by_id"], ["person.id"], name=op.f("fk_proof_file_sent_by_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proof_file")),
    )
    with op.batch_alter_table("proof_file") as batch_op:
        batch_op.create_index("ix_proof_file_renewal", ["renewal_id", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("proof_file") as batch_op:
        batch_op.drop_index("ix_proof_file_renewal")
    op.drop_table("proof_file")
