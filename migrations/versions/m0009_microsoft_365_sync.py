"""A reading of Microsoft 365 under way, its SKUs, and matches that a person must make."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009_m365_sync"
down_revision = "0008_seat_use"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_index(
        "ix_seat_ended_person",
        "seat",
        ["person_id", "sku_id"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NOT NULL"),
        postgresql_where=sa.text("ended_at IS NOT NULL"),
    )
    op.create_table(
        "staged_person",
        sa.Column("directory_id", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("upn", sa.String(length=320), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("department", sa.String(length=120), nullable=False),
        sa.Column("job_title", sa.String(length=120), nullable=False),
        sa.Column("usage_location", sa.String(length=2), nullable=False),
        sa.Column("employment", sa.String(length=20), nullable=False),
        sa.Column("account_since", sa.Date(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("manager", sa.String(length=64), nullable=True),
        sa.Column("used_on", sa.Date(), nullable=True),
        sa.Column("sign_in", JSON, nullable=True),
        sa.Column("shadow", sa.Boolean(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("directory_id", name=op.f("pk_staged_person")),
    )
    with op.batch_alter_table("staged_person") as batch_op:
        batch_op.create_index("ix_staged_person_email", ["email"], unique=False)
        batch_op.create_index("ix_staged_person_upn", ["upn"], unique=False)

    op.create_table(
        "staged_seat",
        sa.Column("directory_id", sa.String(length=64), nullable=False),
        sa.Column("sku_guid", sa.String(length=36), nullable=False),
        sa.Column("path", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("directory_id", "sku_guid", "path", name=op.f("pk_staged_seat")),
    )
    op.create_table(
        "vendor_sku",
        sa.Column("sku_guid", sa.String(length=36), nullable=False),
        sa.Column("part_number", sa.String(length=120), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("applies_to", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("enabled", sa.Integer(), nullable=False),
        sa.Column("consumed", sa.Integer(), nullable=False),
        sa.Column("warning", sa.Integer(), nullable=False),
        sa.Column("suspended", sa.Integer(), nullable=False),
        sa.Column("locked_out", sa.Integer(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("sku_guid", name=op.f("pk_vendor_sku")),
    )
    op.create_table(
        "match_doubt",
        sa.Column("id", KEY, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("words", sa.String(length=500), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.String(length=320), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_match_doubt_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match_doubt")),
        sa.UniqueConstraint("key", name=op.f("uq_match_doubt_key")),
    )
    with op.batch_alter_table("match_doubt") as batch_op:
        batch_op.create_index(
            "ix_match_doubt_open",
            ["id"],
            unique=False,
            sqlite_where=sa.text("settled_at IS NULL"),
            postgresql_where=sa.text("settled_at IS NULL"),
        )

    op.create_table(
        "sync_progress",
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("run_id", KEY, nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("state", JSON, nullable=False),
        sa.Column("delta_link", sa.Text(), nullable=True),
        sa.Column("delta_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("full_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["sync_run.id"], name=op.f("fk_sync_progress_run_id_sync_run")),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_sync_progress")),
    )
    with op.batch_alter_table("last_use") as batch_op:
        batch_op.create_index(
            "uq_last_use_person",
            ["person_id", "source"],
            unique=True,
            sqlite_where=sa.text("product_id IS NULL"),
            postgresql_where=sa.text("product_id IS NULL"),
        )


def downgrade() -> None:
    with op.batch_alter_table("last_use") as batch_op:
        batch_op.drop_index("uq_last_use_person")

    op.drop_table("sync_progress")
    with op.batch_alter_table("match_doubt") as batch_op:
        batch_op.drop_index("ix_match_doubt_open")

    op.drop_table("match_doubt")
    op.drop_table("vendor_sku")
    op.drop_table("staged_seat")
    with op.batch_alter_table("staged_person") as batch_op:
        batch_op.drop_index("ix_staged_person_upn")
        batch_op.drop_index("ix_staged_person_email")

    op.drop_table("staged_person")
    op.drop_index("ix_seat_ended_person", table_name="seat")
