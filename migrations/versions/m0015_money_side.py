"""Lines of reconciliation live on from look to look, looks happen once, and what procurement was told is kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015_money_side"
down_revision = "0013_renewal_brief"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OLD = "uq_reconciliation_line_run_on_kind_cause"
_NEW = "uq_reconciliation_line_kind_cause"


def upgrade() -> None:
    with op.batch_alter_table("reconciliation_line") as batch_op:
        batch_op.add_column(sa.Column("seen_on", sa.Date(), nullable=False))
        batch_op.add_column(sa.Column("version", sa.Integer(), nullable=False))
        batch_op.add_column(sa.Column("words", sa.Text(), nullable=False))
        batch_op.add_column(sa.Column("mark", sa.String(length=200), nullable=False))
        batch_op.drop_constraint(op.f(_OLD), type_="unique")
        batch_op.create_unique_constraint(op.f(_NEW), ["kind", "cause"])

    op.create_table(
        "reconciliation_run",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("renewal_id", _KEY, nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counts", _JSON, nullable=False),
        sa.ForeignKeyConstraint(["renewal_id"], ["renewal.id"], name=op.f("fk_reconciliation_run_renewal_id_renewal")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_run")),
        sa.UniqueConstraint("key", name=op.f("uq_reconciliation_run_key")),
    )
    op.create_table(
        "procurement_notice",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("cause", sa.String(length=160), nullable=False),
        sa.Column("product_id", _KEY, nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("facts", _JSON, nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_procurement_notice_product_id_product")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_procurement_notice")),
    )
    with op.batch_alter_table("procurement_notice") as batch_op:
        batch_op.create_index(
            "uq_procurement_notice_standing",
            ["kind", "cause"],
            unique=True,
            sqlite_where=sa.text("cleared_at IS NULL"),
            postgresql_where=sa.text("cleared_at IS NULL"),
        )


def downgrade() -> None:
    with op.batch_alter_table("procurement_notice") as batch_op:
        batch_op.drop_index(
            "uq_procurement_notice_standing",
            sqlite_where=sa.text("cleared_at IS NULL"),
            postgresql_where=sa.text("cleared_at IS NULL"),
        )

    op.drop_table("procurement_notice")
    op.drop_table("reconciliation_run")
    with op.batch_alter_table("reconciliation_line") as batch_op:
        batch_op.drop_constraint(op.f(_NEW), type_="unique")
        batch_op.create_unique_constraint(op.f(_OLD), ["run_on", "kind", "cause"])
        batch_op.drop_column("mark")
        batch_op.drop_column("words")
        batch_op.drop_column("version")
        batch_op.drop_column("seen_on")
