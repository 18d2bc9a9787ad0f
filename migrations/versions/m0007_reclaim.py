"""Use as outside sources tell it, Microsoft's subscriptions and groups, and taking seats back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007_reclaim"
down_revision = "0006_intune"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "licensing_group",
        sa.Column("group_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("obstacle", sa.String(length=60), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("group_id", name=op.f("pk_licensing_group")),
    )
    op.create_table(
        "source_health",
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("words", sa.String(length=500), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_source_health")),
    )
    op.create_table(
        "vendor_subscription",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subscription_id", sa.String(length=64), nullable=False),
        sa.Column("sku_guid", sa.String(length=36), nullable=False),
        sa.Column("part_number", sa.String(length=120), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("trial", sa.Boolean(), nullable=False),
        sa.Column("next_change_on", sa.Date(), nullable=True),
        sa.Column("created_on", sa.Date(), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vendor_subscription")),
        sa.UniqueConstraint("subscription_id", name=op.f("uq_vendor_subscription_subscription_id")),
    )
    with op.batch_alter_table("vendor_subscription") as batch_op:
        batch_op.create_index("ix_vendor_subscription_sku", ["sku_guid"], unique=False)

    op.create_table(
        "held_mailbox_list",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("said_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mailboxes", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(["said_by_id"], ["person.id"], name=op.f("fk_held_mailbox_list_said_by_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_held_mailbox_list")),
    )
    with op.batch_alter_table("held_mailbox_list") as batch_op:
        batch_op.create_index(batch_op.f("ix_held_mailbox_list_said_at"), ["said_at"], unique=False)

    op.create_table(
        "removal_switch",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("on", sa.Boolean(), nullable=False),
        sa.Column("by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("by", sa.String(length=320), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_removal_switch_by_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_removal_switch")),
    )
    op.create_table(
        "last_use",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("used_on", sa.Date(), nullable=True),
        sa.Column("facts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_last_use_person_id_person")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_last_use_product_id_product")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_last_use")),
    )
    with op.batch_alter_table("last_use") as batch_op:
        batch_op.create_index("ix_last_use_source", ["source", "as_of"], unique=False)
        batch_op.create_index(
            "uq_last_use",
            ["person_id", "source", "product_id"],
            unique=True,
            sqlite_where=sa.text("product_id IS NOT NULL"),
            postgresql_where=sa.text("product_id IS NOT NULL"),
        )

    op.create_table(
        "rule_pause",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rule", sa.String(length=60), nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", sa.String(length=500), nullable=False),
        sa.Column("lifted_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["lifted_by_id"], ["person.id"], name=op.f("fk_rule_pause_lifted_by_id_person")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_rule_pause_product_id_product")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_pause")),
    )
    with op.batch_alter_table("rule_pause") as batch_op:
        batch_op.create_index(batch_op.f("ix_rule_pause_rule"), ["rule"], unique=False)

    op.create_table(
        "reclaim_campaign",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("to_sku_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("planned_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("planned_by", sa.String(length=120), nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("policy_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("decide_by", sa.Date(), nullable=True),
        sa.Column("answer_by", sa.Date(), nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("listed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("figures", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(
            ["planned_by_id"], ["person.id"], name=op.f("fk_reclaim_campaign_planned_by_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["policy_id"], ["policy_version.id"], name=op.f("fk_reclaim_campaign_policy_id_policy_version")
        ),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_reclaim_campaign_product_id_product")),
        sa.ForeignKeyConstraint(
            ["request_id"], ["licence_request.id"], name=op.f("fk_reclaim_campaign_request_id_licence_request")
        ),
        sa.ForeignKeyConstraint(["to_sku_id"], ["sku.id"], name=op.f("fk_reclaim_campaign_to_sku_id_sku")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reclaim_campaign")),
    )
    with op.batch_alter_table("reclaim_campaign") as batch_op:
        batch_op.create_index("ix_reclaim_campaign_state", ["state", "answer_by"], unique=False)
        batch_op.create_index(
            "uq_reclaim_campaign_live",
            ["product_id", "kind"],
            unique=True,
            sqlite_where=sa.text("state NOT IN ('done', 'cancelled')"),
            postgresql_where=sa.text("state NOT IN ('done', 'cancelled')"),
        )

    op.create_table(
        "reclaim_candidate",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seat_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("ground", sa.String(length=20), nullable=False),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.Column("sentence", sa.String(length=500), nullable=False),
        sa.Column("rule", sa.String(length=60), nullable=False),
        sa.Column("evidence", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("look", sa.String(length=200), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer_by", sa.Date(), nullable=True),
        sa.Column("snoozed_until", sa.Date(), nullable=True),
        sa.Column("answer", sa.String(length=20), nullable=False),
        sa.Column("answer_words", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("manager_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("ask_again_on", sa.Date(), nullable=True),
        sa.Column("confirmed_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seat_return_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("words", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["reclaim_campaign.id"], name=op.f("fk_reclaim_candidate_campaign_id_reclaim_campaign")
        ),
        sa.ForeignKeyConstraint(
            ["confirmed_by_id"], ["person.id"], name=op.f("fk_reclaim_candidate_confirmed_by_id_person")
        ),
        sa.ForeignKeyConstraint(["manager_id"], ["person.id"], name=op.f("fk_reclaim_candidate_manager_id_person")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_reclaim_candidate_person_id_person")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_reclaim_candidate_product_id_product")),
        sa.ForeignKeyConstraint(["seat_id"], ["seat.id"], name=op.f("fk_reclaim_candidate_seat_id_seat")),
        sa.ForeignKeyConstraint(
            ["seat_return_id"], ["seat_return.id"], name=op.f("fk_reclaim_candidate_seat_return_id_seat_return")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reclaim_candidate")),
    )
    with op.batch_alter_table("reclaim_candidate") as batch_op:
        batch_op.create_index("ix_reclaim_candidate_campaign", ["campaign_id", "state"], unique=False)
        batch_op.create_index("ix_reclaim_candidate_person", ["person_id", "state"], unique=False)
        batch_op.create_index("ix_reclaim_candidate_rule", ["rule", "answered_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_reclaim_candidate_seat_return_id"), ["seat_return_id"], unique=False)
        batch_op.create_index(
            "uq_reclaim_candidate_live",
            ["seat_id"],
            unique=True,
            sqlite_where=sa.text(
                "state IN ('listed','asked','snoozed','keep_asked','released','unanswered','confirmed')"
            ),
            postgresql_where=sa.text(
                "state IN ('listed','asked','snoozed','keep_asked','released','unanswered','confirmed')"
            ),
        )

    op.create_table(
        "saving",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seat_return_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("contract_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=True),
        sa.Column("realised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_saving_contract_id_contract")),
        sa.ForeignKeyConstraint(
            ["request_id"], ["licence_request.id"], name=op.f("fk_saving_request_id_licence_request")
        ),
        sa.ForeignKeyConstraint(
            ["seat_return_id"], ["seat_return.id"], name=op.f("fk_saving_seat_return_id_seat_return")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saving")),
    )
    with op.batch_alter_table("saving") as batch_op:
        batch_op.create_index(
            "uq_saving_return",
            ["seat_return_id"],
            unique=True,
            sqlite_where=sa.text("taken_back_at IS NULL"),
            postgresql_where=sa.text("taken_back_at IS NULL"),
        )

    with op.batch_alter_table("person") as batch_op:
        batch_op.add_column(sa.Column("account", sa.String(length=20), nullable=False, server_default="user"))
        batch_op.add_column(sa.Column("account_since", sa.Date(), nullable=True))

    with op.batch_alter_table("seat_return") as batch_op:
        batch_op.add_column(
            sa.Column("swap_to_sku_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.add_column(
            sa.Column("restored_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.add_column(sa.Column("restored_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("warned_days", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("handed_over_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_seat_return_restored_by_id_person"), "person", ["restored_by_id"], ["id"]
        )
        batch_op.create_foreign_key(batch_op.f("fk_seat_return_swap_to_sku_id_sku"), "sku", ["swap_to_sku_id"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("seat_return") as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_seat_return_swap_to_sku_id_sku"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_seat_return_restored_by_id_person"), type_="foreignkey")
        batch_op.drop_column("handed_over_at")
        batch_op.drop_column("warned_days")
        batch_op.drop_column("restored_at")
        batch_op.drop_column("restored_by_id")
        batch_op.drop_column("swap_to_sku_id")

    with op.batch_alter_table("person") as batch_op:
        batch_op.drop_column("account_since")
        batch_op.drop_column("account")

    with op.batch_alter_table("saving") as batch_op:
        batch_op.drop_index(
            "uq_saving_return",
            sqlite_where=sa.text("taken_back_at IS NULL"),
            postgresql_where=sa.text("taken_back_at IS NULL"),
        )

    op.drop_table("saving")
    with op.batch_alter_table("reclaim_candidate") as batch_op:
        batch_op.drop_index(
            "uq_reclaim_candidate_live",
            sqlite_where=sa.text(
                "state IN ('listed','asked','snoozed','keep_asked','released','unanswered','confirmed')"
            ),
            postgresql_where=sa.text(
                "state IN ('listed','asked','snoozed','keep_asked','released','unanswered','confirmed')"
            ),
        )
        batch_op.drop_index(batch_op.f("ix_reclaim_candidate_seat_return_id"))
        batch_op.drop_index("ix_reclaim_candidate_rule")
        batch_op.drop_index("ix_reclaim_candidate_person")
        batch_op.drop_index("ix_reclaim_candidate_campaign")

    op.drop_table("reclaim_candidate")
    with op.batch_alter_table("reclaim_campaign") as batch_op:
        batch_op.drop_index(
            "uq_reclaim_campaign_live",
            sqlite_where=sa.text("state NOT IN ('done', 'cancelled')"),
            postgresql_where=sa.text("state NOT IN ('done', 'cancelled')"),
        )
        batch_op.drop_index("ix_reclaim_campaign_state")

    op.drop_table("reclaim_campaign")
    with op.batch_alter_table("rule_pause") as batch_op:
        batch_op.drop_index(batch_op.f("ix_rule_pause_rule"))

    op.drop_table("rule_pause")
    with op.batch_alter_table("last_use") as batch_op:
        batch_op.drop_index("uq_last_use")
        batch_op.drop_index("ix_last_use_source")

    op.drop_table("last_use")
    op.drop_table("removal_switch")
    with op.batch_alter_table("held_mailbox_list") as batch_op:
        batch_op.drop_index(batch_op.f("ix_held_mailbox_list_said_at"))

    op.drop_table("held_mailbox_list")
    with op.batch_alter_table("vendor_subscription") as batch_op:
        batch_op.drop_index("ix_vendor_subscription_sku")

    op.drop_table("vendor_subscription")
    op.drop_table("source_health")
    op.drop_table("licensing_group")
