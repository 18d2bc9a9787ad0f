"""Red alerts and exceptions, what agents report and how a device is known, and how far ServiceNow was read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004_alerts"
down_revision = "0003_registry"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "ticket_poll",
        sa.Column("table_name", sa.String(length=80), nullable=False),
        sa.Column("read_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hinted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("table_name", name=op.f("pk_ticket_poll")),
    )
    op.create_table(
        "inventory_source",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_counts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("day_devices", sa.Integer(), nullable=False),
        sa.Column("last_day_devices", sa.Integer(), nullable=False),
        sa.Column("last_report_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("words", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["accepted_by_id"], ["person.id"], name=op.f("fk_inventory_source_accepted_by_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inventory_source")),
        sa.UniqueConstraint("name", name=op.f("uq_inventory_source_name")),
    )
    op.create_table(
        "device_doubt",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("device_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("other_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("words", sa.String(length=500), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("decision", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["decided_by_id"], ["person.id"], name=op.f("fk_device_doubt_decided_by_id_person")),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_doubt_device_id_device")),
        sa.ForeignKeyConstraint(["other_id"], ["device.id"], name=op.f("fk_device_doubt_other_id_device")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_doubt")),
        sa.UniqueConstraint("device_id", "other_id", name=op.f("uq_device_doubt_device_id_other_id")),
    )
    op.create_table(
        "device_identity",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("device_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_identity_device_id_device")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_identity")),
        sa.UniqueConstraint("kind", "value", name=op.f("uq_device_identity_kind_value")),
    )
    op.create_index(op.f("ix_device_identity_device_id"), "device_identity", ["device_id"], unique=False)

    op.create_table(
        "device_report",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("device_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("software", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_report_device_id_device")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_device_report_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_report")),
    )
    op.create_index("ix_device_report_device", "device_report", ["device_id", "at"], unique=False)

    op.create_table(
        "installed_key",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("device_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("last_five", sa.String(length=5), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_installed_key_device_id_device")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_installed_key_product_id_product")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installed_key")),
        sa.UniqueConstraint("device_id", "fingerprint", name=op.f("uq_installed_key_device_id_fingerprint")),
    )
    op.create_index("ix_installed_key_fingerprint", "installed_key", ["fingerprint"], unique=False)

    op.create_table(
        "red_alert",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("cause", sa.String(length=24), nullable=False),
        sa.Column("product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("sku_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("metric", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(length=120), nullable=False),
        sa.Column("figures", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("agreed", sa.Integer(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("exception_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("follows_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closing_words", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["follows_id"], ["red_alert.id"], name=op.f("fk_red_alert_follows_id_red_alert")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_red_alert_product_id_product")),
        sa.ForeignKeyConstraint(["sku_id"], ["sku.id"], name=op.f("fk_red_alert_sku_id_sku")),
        sa.ForeignKeyConstraint(["taken_by_id"], ["person.id"], name=op.f("fk_red_alert_taken_by_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_red_alert")),
    )
    op.create_index(op.f("ix_red_alert_product_id"), "red_alert", ["product_id"], unique=False)
    op.create_index("ix_red_alert_state", "red_alert", ["state", "opened_at"], unique=False)
    op.create_index(
        "uq_red_alert_live",
        "red_alert",
        ["key"],
        unique=True,
        sqlite_where=sa.text("state <> 'closed'"),
        postgresql_where=sa.text("state <> 'closed'"),
    )

    op.create_table(
        "alert_place",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("alert_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("device_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.String(length=20), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("remove_by", sa.Date(), nullable=True),
        sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["red_alert.id"], name=op.f("fk_alert_place_alert_id_red_alert")),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_alert_place_device_id_device")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_alert_place_person_id_person")),
        sa.ForeignKeyConstraint(
            ["request_id"], ["licence_request.id"], name=op.f("fk_alert_place_request_id_licence_request")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_place")),
        sa.UniqueConstraint(
            "alert_id", "device_id", "person_id", name=op.f("uq_alert_place_alert_id_device_id_person_id")
        ),
    )
    op.create_index(op.f("ix_alert_place_alert_id"), "alert_place", ["alert_id"], unique=False)
    op.create_index(op.f("ix_alert_place_device_id"), "alert_place", ["device_id"], unique=False)
    op.create_index("ix_alert_place_person", "alert_place", ["person_id", "asked_at"], unique=False)

    op.create_table(
        "exception_grant",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("alert_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("devices", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("department", sa.String(length=120), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("evidence", sa.String(length=500), nullable=False),
        sa.Column("owner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("granted_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("asked_again_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["red_alert.id"], name=op.f("fk_exception_grant_alert_id_red_alert")),
        sa.ForeignKeyConstraint(["granted_by_id"], ["person.id"], name=op.f("fk_exception_grant_granted_by_id_person")),
        sa.ForeignKeyConstraint(["owner_id"], ["person.id"], name=op.f("fk_exception_grant_owner_id_person")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_exception_grant_product_id_product")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exception_grant")),
    )
    op.create_index("ix_exception_grant_product", "exception_grant", ["product_id", "ends_on"], unique=False)

    with op.batch_alter_table("device") as batch_op:
        batch_op.add_column(sa.Column("software_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("agent", sa.String(length=80), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("tag", sa.String(length=80), nullable=False, server_default=""))

    with op.batch_alter_table("ticket") as batch_op:
        batch_op.add_column(sa.Column("alert_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True))
        batch_op.create_index(batch_op.f("ix_ticket_alert_id"), ["alert_id"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_ticket_alert_id_red_alert"), "red_alert", ["alert_id"], ["id"])


def downgrade() -> None:

    with op.batch_alter_table("ticket") as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_ticket_alert_id_red_alert"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_ticket_alert_id"))
        batch_op.drop_column("alert_id")

    with op.batch_alter_table("device") as batch_op:
        batch_op.drop_column("tag")
        batch_op.drop_column("agent")
        batch_op.drop_column("software_at")

    op.drop_index("ix_exception_grant_product", table_name="exception_grant")

    op.drop_table("exception_grant")
    op.drop_index("ix_alert_place_person", table_name="alert_place")
    op.drop_index(op.f("ix_alert_place_device_id"), table_name="alert_place")
    op.drop_index(op.f("ix_alert_place_alert_id"), table_name="alert_place")

    op.drop_table("alert_place")
    op.drop_index(
        "uq_red_alert_live",
        table_name="red_alert",
        sqlite_where=sa.text("state <> 'closed'"),
        postgresql_where=sa.text("state <> 'closed'"),
    )
    op.drop_index("ix_red_alert_state", table_name="red_alert")
    op.drop_index(op.f("ix_red_alert_product_id"), table_name="red_alert")

    op.drop_table("red_alert")
    op.drop_index("ix_installed_key_fingerprint", table_name="installed_key")

    op.drop_table("installed_key")
    op.drop_index("ix_device_report_device", table_name="device_report")

    op.drop_table("device_report")
    op.drop_index(op.f("ix_device_identity_device_id"), table_name="device_identity")

    op.drop_table("device_identity")
    op.drop_table("device_doubt")
    op.drop_table("inventory_source")
    op.drop_table("ticket_poll")
