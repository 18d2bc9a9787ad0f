"""Renewals with their dates, decisions and proofs, private calendars, the hiring plan, lines of reconciliation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012_renewals"
down_revision = "0010_reclaim_days"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendar_feed",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_calendar_feed_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_feed")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_calendar_feed_token_digest")),
    )
    with op.batch_alter_table("calendar_feed") as batch_op:
        batch_op.create_index(
            "uq_calendar_feed_person",
            ["person_id"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "hiring_plan",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reference", sa.String(length=120), nullable=False),
        sa.Column("department", sa.String(length=120), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("heads", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("cost_centre", sa.String(length=64), nullable=False),
        sa.Column("words", sa.String(length=500), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_hiring_plan_product_id_product")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hiring_plan")),
        sa.UniqueConstraint("reference", name=op.f("uq_hiring_plan_reference")),
    )
    with op.batch_alter_table("hiring_plan") as batch_op:
        batch_op.create_index("ix_hiring_plan_starts_on", ["starts_on"], unique=False)

    op.create_table(
        "renewal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("contract_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("subscription_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("occasion", sa.String(length=20), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("decide_by", sa.Date(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("known_since", sa.Date(), nullable=False),
        sa.Column("deferred_until", sa.Date(), nullable=True),
        sa.Column("words", sa.String(length=500), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_renewal_contract_id_contract")),
        sa.ForeignKeyConstraint(["owner_id"], ["person.id"], name=op.f("fk_renewal_owner_id_person")),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["vendor_subscription.id"], name=op.f("fk_renewal_subscription_id_vendor_subscription")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_renewal")),
    )
    with op.batch_alter_table("renewal") as batch_op:
        batch_op.create_index("ix_renewal_owner", ["owner_id", "state"], unique=False)
        batch_op.create_index("ix_renewal_state", ["state", "decide_by"], unique=False)
        batch_op.create_index(
            "uq_renewal_contract",
            ["contract_id", "occasion", "ends_on"],
            unique=True,
            sqlite_where=sa.text("contract_id IS NOT NULL"),
            postgresql_where=sa.text("contract_id IS NOT NULL"),
        )
        batch_op.create_index(
            "uq_renewal_subscription",
            ["subscription_id", "occasion", "ends_on"],
            unique=True,
            sqlite_where=sa.text("subscription_id IS NOT NULL"),
            postgresql_where=sa.text("subscription_id IS NOT NULL"),
        )

    op.create_table(
        "reconciliation_line",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_on", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("cause", sa.String(length=160), nullable=False),
        sa.Column("product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("contract_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("renewal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("registered", sa.Integer(), nullable=True),
        sa.Column("vendor", sa.Integer(), nullable=True),
        sa.Column("invoiced", sa.Integer(), nullable=True),
        sa.Column("assigned", sa.Integer(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("owner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("evidence", sa.String(length=500), nullable=False),
        sa.Column("facts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["answered_by_id"], ["person.id"], name=op.f("fk_reconciliation_line_answered_by_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("fk_reconciliation_line_contract_id_contract")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["person.id"], name=op.f("fk_reconciliation_line_owner_id_person")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_reconciliation_line_product_id_product")),
        sa.ForeignKeyConstraint(["renewal_id"], ["renewal.id"], name=op.f("fk_reconciliation_line_renewal_id_renewal")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_line")),
        sa.UniqueConstraint("run_on", "kind", "cause", name=op.f("uq_reconciliation_line_run_on_kind_cause")),
    )
    with op.batch_alter_table("reconciliation_line") as batch_op:
        batch_op.create_index("ix_reconciliation_line_open", ["state", "product_id"], unique=False)

    op.create_table(
        "renewal_date",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("renewal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("decision", sa.String(length=20), nullable=False),
        sa.Column("decide_by", sa.Date(), nullable=False),
        sa.Column("not_before", sa.Date(), nullable=True),
        sa.Column("not_after", sa.Date(), nullable=False),
        sa.Column("why", sa.String(length=200), nullable=False),
        sa.Column("what", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["renewal_id"], ["renewal.id"], name=op.f("fk_renewal_date_renewal_id_renewal")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_renewal_date")),
        sa.UniqueConstraint(
            "renewal_id", "decision", "not_after", name=op.f("uq_renewal_date_renewal_id_decision_not_after")
        ),
    )
    op.create_table(
        "renewal_decision",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("renewal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("entitlement_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("vendor_units", sa.Integer(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("over_budget", sa.Boolean(), nullable=False),
        sa.Column("needs", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("not_before", sa.Date(), nullable=True),
        sa.Column("carry_out_by", sa.Date(), nullable=True),
        sa.Column("carried_out_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("carried_out_on", sa.Date(), nullable=True),
        sa.Column("carried_out_how", sa.String(length=500), nullable=False),
        sa.Column("document_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_by", sa.String(length=120), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_renewal_decision_by_id_person")),
        sa.ForeignKeyConstraint(
            ["carried_out_by_id"], ["person.id"], name=op.f("fk_renewal_decision_carried_out_by_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["contract_document.id"], name=op.f("fk_renewal_decision_document_id_contract_document")
        ),
        sa.ForeignKeyConstraint(
            ["entitlement_id"], ["entitlement.id"], name=op.f("fk_renewal_decision_entitlement_id_entitlement")
        ),
        sa.ForeignKeyConstraint(["renewal_id"], ["renewal.id"], name=op.f("fk_renewal_decision_renewal_id_renewal")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_renewal_decision")),
    )
    with op.batch_alter_table("renewal_decision") as batch_op:
        batch_op.create_index("ix_renewal_decision_renewal", ["renewal_id", "id"], unique=False)
        batch_op.create_index(
            "uq_renewal_decision_standing",
            ["renewal_id"],
            unique=True,
            sqlite_where=sa.text("replaced_at IS NULL"),
            postgresql_where=sa.text("replaced_at IS NULL"),
        )

    op.create_table(
        "renewal_stage",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("renewal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stood_for_by", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["renewal_id"], ["renewal.id"], name=op.f("fk_renewal_stage_renewal_id_renewal")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_renewal_stage")),
        sa.UniqueConstraint("renewal_id", "name", name=op.f("uq_renewal_stage_renewal_id_name")),
    )
    op.create_table(
        "renewal_agreement",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("decision_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("step", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["renewal_decision.id"], name=op.f("fk_renewal_agreement_decision_id_renewal_decision")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_renewal_agreement_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_renewal_agreement")),
        sa.UniqueConstraint("decision_id", "person_id", name=op.f("uq_renewal_agreement_decision_id_person_id")),
    )
    with op.batch_alter_table("contract") as batch_op:
        batch_op.add_column(sa.Column("receipt_counts", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("delivery_days", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("term_months", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("programme", sa.String(length=30), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("true_up_peak", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(
            sa.Column(
                "told_days",
                sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
                nullable=False,
                server_default="[]",
            )
        )


def downgrade() -> None:
    with op.batch_alter_table("contract") as batch_op:
        batch_op.drop_column("told_days")
        batch_op.drop_column("true_up_peak")
        batch_op.drop_column("programme")
        batch_op.drop_column("term_months")
        batch_op.drop_column("delivery_days")
        batch_op.drop_column("receipt_counts")

    op.drop_table("renewal_agreement")
    op.drop_table("renewal_stage")
    with op.batch_alter_table("renewal_decision") as batch_op:
        batch_op.drop_index(
            "uq_renewal_decision_standing",
            sqlite_where=sa.text("replaced_at IS NULL"),
            postgresql_where=sa.text("replaced_at IS NULL"),
        )
        batch_op.drop_index("ix_renewal_decision_renewal")

    op.drop_table("renewal_decision")
    op.drop_table("renewal_date")
    with op.batch_alter_table("reconciliation_line") as batch_op:
        batch_op.drop_index("ix_reconciliation_line_open")

    op.drop_table("reconciliation_line")
    with op.batch_alter_table("renewal") as batch_op:
        batch_op.drop_index(
            "uq_renewal_subscription",
            sqlite_where=sa.text("subscription_id IS NOT NULL"),
            postgresql_where=sa.text("subscription_id IS NOT NULL"),
        )
        batch_op.drop_index(
            "uq_renewal_contract",
            sqlite_where=sa.text("contract_id IS NOT NULL"),
            postgresql_where=sa.text("contract_id IS NOT NULL"),
        )
        batch_op.drop_index("ix_renewal_state")
        batch_op.drop_index("ix_renewal_owner")

    op.drop_table("renewal")
    with op.batch_alter_table("hiring_plan") as batch_op:
        batch_op.drop_index("ix_hiring_plan_starts_on")

    op.drop_table("hiring_plan")
    with op.batch_alter_table("calendar_feed") as batch_op:
        batch_op.drop_index(
            "uq_calendar_feed_person",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.drop_table("calendar_feed")
