"""The register of rights and the inventory: what was bought on which terms, what is installed and used, both times."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003_registry"
down_revision = "0002_refuse"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "position_run",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("at", sa.Date(), nullable=False),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_position_run")),
    )
    op.create_index("ix_position_run_kind", "position_run", ["kind", "at"], unique=False)

    op.create_table(
        "superseded",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("table_name", sa.String(length=40), nullable=False),
        sa.Column("row_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("facts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=True),
        sa.Column("effective_until", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_superseded")),
    )
    op.create_index("ix_superseded_row", "superseded", ["table_name", "row_id"], unique=False)

    op.create_table(
        "contract_document",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("contract_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reference", sa.String(length=500), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("fk_contract_document_contract_id_contract")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_document")),
        sa.UniqueConstraint("contract_id", "reference", name=op.f("uq_contract_document_contract_id_reference")),
    )
    op.create_table(
        "exclusion",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reference", sa.String(length=120), nullable=False),
        sa.Column("product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("device_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("site", sa.String(length=120), nullable=False),
        sa.Column("right", sa.String(length=200), nullable=False),
        sa.Column("evidence", sa.String(length=500), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_exclusion_device_id_device")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_exclusion_person_id_person")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_exclusion_product_id_product")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exclusion")),
        sa.UniqueConstraint("reference", name=op.f("uq_exclusion_reference")),
    )
    op.create_index("ix_exclusion_product", "exclusion", ["product_id"], unique=False)

    op.create_table(
        "invoice",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("vendor", sa.String(length=200), nullable=False),
        sa.Column("number", sa.String(length=100), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("contract_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("period_from", sa.Date(), nullable=True),
        sa.Column("period_to", sa.Date(), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("cost_centre", sa.String(length=64), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_invoice_contract_id_contract")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_invoice_product_id_product")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("vendor", "number", "line", name=op.f("uq_invoice_vendor_number_line")),
    )
    op.create_index(op.f("ix_invoice_product_id"), "invoice", ["product_id"], unique=False)

    op.create_table(
        "meter_reading",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("meter", sa.String(length=120), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_meter_reading_product_id_product")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meter_reading")),
        sa.UniqueConstraint(
            "product_id", "meter", "from_on", "to_on", name=op.f("uq_meter_reading_product_id_meter_from_on_to_on")
        ),
    )
    op.create_table(
        "suite_cover",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("suite_product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("part_product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("covers", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(length=500), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["part_product_id"], ["product.id"], name=op.f("fk_suite_cover_part_product_id_product")
        ),
        sa.ForeignKeyConstraint(
            ["suite_product_id"], ["product.id"], name=op.f("fk_suite_cover_suite_product_id_product")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suite_cover")),
        sa.UniqueConstraint(
            "suite_product_id", "part_product_id", name=op.f("uq_suite_cover_suite_product_id_part_product_id")
        ),
    )
    op.create_index(op.f("ix_suite_cover_part_product_id"), "suite_cover", ["part_product_id"], unique=False)

    op.create_table(
        "title",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("raw_title", sa.String(length=500), nullable=False),
        sa.Column("raw_publisher", sa.String(length=300), nullable=False),
        sa.Column("sample_version", sa.String(length=120), nullable=False),
        sa.Column("release", sa.String(length=20), nullable=False),
        sa.Column("product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("candidate_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("confidence", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(length=80), nullable=False),
        sa.Column("decided_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["candidate_id"], ["product.id"], name=op.f("fk_title_candidate_id_product")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["person.id"], name=op.f("fk_title_decided_by_id_person")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_title_product_id_product")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_title")),
        sa.UniqueConstraint("raw_title", "raw_publisher", name=op.f("uq_title_raw_title_raw_publisher")),
    )
    op.create_index("ix_title_candidate", "title", ["candidate_id"], unique=False)
    op.create_index("ix_title_product", "title", ["product_id"], unique=False)
    op.create_index(
        "ix_title_undecided",
        "title",
        ["id"],
        unique=False,
        sqlite_where=sa.text("kind IN ('unrecognised', 'ask')"),
        postgresql_where=sa.text("kind IN ('unrecognised', 'ask')"),
    )

    op.create_table(
        "usage_signal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("device_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_usage_signal_device_id_device")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_usage_signal_person_id_person")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_usage_signal_product_id_product")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_signal")),
    )
    op.create_index("ix_usage_signal_day", "usage_signal", ["day"], unique=False)
    op.create_index(
        "uq_usage_signal", "usage_signal", ["product_id", "person_id", "device_id", "kind", "day"], unique=True
    )

    op.create_table(
        "use_session",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reference", sa.String(length=160), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("device_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_use_session_device_id_device")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_use_session_person_id_person")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_use_session_product_id_product")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_use_session")),
        sa.UniqueConstraint("product_id", "reference", name=op.f("uq_use_session_product_id_reference")),
    )
    op.create_index("ix_use_session_time", "use_session", ["product_id", "began_at"], unique=False)

    op.create_table(
        "installation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("device_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("title_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.String(length=120), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("authorised_by", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_installation_device_id_device")),
        sa.ForeignKeyConstraint(["title_id"], ["title.id"], name=op.f("fk_installation_title_id_title")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    op.create_index(
        "ix_installation_ended",
        "installation",
        ["ended_at", "title_id"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NOT NULL"),
        postgresql_where=sa.text("ended_at IS NOT NULL"),
    )
    op.create_index(
        "ix_installation_open_title",
        "installation",
        ["title_id", "device_id", "version", "began_at"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "uq_installation_open",
        "installation",
        ["device_id", "title_id", "version"],
        unique=True,
        postgresql_include=["began_at"],
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )

    op.create_table(
        "position_row",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sku_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("metric", sa.String(length=20), nullable=False),
        sa.Column("figures", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_position_row_product_id_product")),
        sa.ForeignKeyConstraint(["run_id"], ["position_run.id"], name=op.f("fk_position_row_run_id_position_run")),
        sa.ForeignKeyConstraint(["sku_id"], ["sku.id"], name=op.f("fk_position_row_sku_id_sku")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_position_row")),
        sa.UniqueConstraint(
            "run_id", "product_id", "sku_id", "metric", name=op.f("uq_position_row_run_id_product_id_sku_id_metric")
        ),
    )
    op.create_index(op.f("ix_position_row_product_id"), "position_row", ["product_id"], unique=False)

    op.create_table(
        "entitlement_right",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entitlement_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("evidence", sa.String(length=500), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["entitlement_id"], ["entitlement.id"], name=op.f("fk_entitlement_right_entitlement_id_entitlement")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entitlement_right")),
        sa.UniqueConstraint("entitlement_id", "name", name=op.f("uq_entitlement_right_entitlement_id_name")),
    )
    op.create_table(
        "product_key",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entitlement_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("last_five", sa.String(length=5), nullable=False),
        sa.Column("volume", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entitlement_id"], ["entitlement.id"], name=op.f("fk_product_key_entitlement_id_entitlement")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product_key")),
        sa.UniqueConstraint("entitlement_id", "fingerprint", name=op.f("uq_product_key_entitlement_id_fingerprint")),
    )
    op.create_index(op.f("ix_product_key_fingerprint"), "product_key", ["fingerprint"], unique=False)

    with op.batch_alter_table("contract") as batch_op:
        batch_op.add_column(sa.Column("true_up_from", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("true_up_price", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("true_up_currency", sa.String(length=3), nullable=True))
        batch_op.add_column(sa.Column("penalty", sa.String(length=500), nullable=False, server_default=""))
        batch_op.add_column(
            sa.Column(
                "fields", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False, server_default="{}"
            )
        )
        batch_op.add_column(sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("device") as batch_op:
        batch_op.add_column(sa.Column("host_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True))
        batch_op.add_column(sa.Column("processors", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("cores", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("threads", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("system", sa.String(length=160), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("person_source", sa.String(length=40), nullable=False, server_default=""))
        batch_op.add_column(
            sa.Column("retired_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.add_column(sa.Column("retired_on", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("facts_since", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(
            sa.Column(
                "fields", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False, server_default="{}"
            )
        )
        batch_op.create_index("ix_device_host", ["host_id"], unique=False)
        batch_op.create_index("ix_device_last_seen", ["last_seen_at"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_device_host_id_device"), "device", ["host_id"], ["id"])
        batch_op.create_foreign_key(batch_op.f("fk_device_retired_by_id_person"), "person", ["retired_by_id"], ["id"])

    with op.batch_alter_table("entitlement") as batch_op:
        batch_op.add_column(sa.Column("reference", sa.String(length=120), nullable=True))
        batch_op.add_column(sa.Column("quantity_known", sa.Boolean(), nullable=False, server_default=sa.true()))
        batch_op.add_column(sa.Column("version", sa.String(length=60), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("true_up_price", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("overage_price", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("maintenance_price", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("maintenance_until", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("acquired_on", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("cores_per_processor", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("cores_per_server", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("cores_per_virtual", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("pack", sa.Integer(), nullable=False, server_default="1"))
        batch_op.add_column(
            sa.Column(
                "sites", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False, server_default="[]"
            )
        )
        batch_op.add_column(sa.Column("proof", sa.String(length=500), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("supplier", sa.String(length=200), nullable=False, server_default=""))
        batch_op.add_column(
            sa.Column(
                "fields", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False, server_default="{}"
            )
        )
        batch_op.create_index("uq_entitlement_reference", ["reference"], unique=True)

    with op.batch_alter_table("product") as batch_op:
        batch_op.add_column(sa.Column("metric", sa.String(length=20), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("licence_model", sa.String(length=10), nullable=False, server_default="paid"))
        batch_op.add_column(sa.Column("provisional", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("list_price", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("list_currency", sa.String(length=3), nullable=True))
        batch_op.add_column(sa.Column("list_cycle", sa.String(length=10), nullable=False, server_default="year"))
        batch_op.add_column(sa.Column("idle_after_days", sa.Integer(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "fields", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False, server_default="{}"
            )
        )

    with op.batch_alter_table("seat") as batch_op:
        batch_op.add_column(sa.Column("end_recorded_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:

    with op.batch_alter_table("seat") as batch_op:
        batch_op.drop_column("end_recorded_at")

    with op.batch_alter_table("product") as batch_op:
        batch_op.drop_column("fields")
        batch_op.drop_column("idle_after_days")
        batch_op.drop_column("list_cycle")
        batch_op.drop_column("list_currency")
        batch_op.drop_column("list_price")
        batch_op.drop_column("provisional")
        batch_op.drop_column("licence_model")
        batch_op.drop_column("metric")

    with op.batch_alter_table("entitlement") as batch_op:
        batch_op.drop_index("uq_entitlement_reference")
        batch_op.drop_column("fields")
        batch_op.drop_column("supplier")
        batch_op.drop_column("proof")
        batch_op.drop_column("sites")
        batch_op.drop_column("pack")
        batch_op.drop_column("cores_per_virtual")
        batch_op.drop_column("cores_per_server")
        batch_op.drop_column("cores_per_processor")
        batch_op.drop_column("acquired_on")
        batch_op.drop_column("maintenance_until")
        batch_op.drop_column("maintenance_price")
        batch_op.drop_column("overage_price")
        batch_op.drop_column("true_up_price")
        batch_op.drop_column("version")
        batch_op.drop_column("quantity_known")
        batch_op.drop_column("reference")

    with op.batch_alter_table("device") as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_device_retired_by_id_person"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_device_host_id_device"), type_="foreignkey")
        batch_op.drop_index("ix_device_last_seen")
        batch_op.drop_index("ix_device_host")
        batch_op.drop_column("fields")
        batch_op.drop_column("recorded_at")
        batch_op.drop_column("facts_since")
        batch_op.drop_column("first_seen_at")
        batch_op.drop_column("retired_on")
        batch_op.drop_column("retired_by_id")
        batch_op.drop_column("person_source")
        batch_op.drop_column("system")
        batch_op.drop_column("threads")
        batch_op.drop_column("cores")
        batch_op.drop_column("processors")
        batch_op.drop_column("host_id")

    with op.batch_alter_table("contract") as batch_op:
        batch_op.drop_column("recorded_at")
        batch_op.drop_column("fields")
        batch_op.drop_column("penalty")
        batch_op.drop_column("true_up_currency")
        batch_op.drop_column("true_up_price")
        batch_op.drop_column("true_up_from")

    op.drop_index(op.f("ix_product_key_fingerprint"), table_name="product_key")

    op.drop_table("product_key")
    op.drop_table("entitlement_right")
    op.drop_index(op.f("ix_position_row_product_id"), table_name="position_row")

    op.drop_table("position_row")
    op.drop_index(
        "uq_installation_open",
        table_name="installation",
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.drop_index(
        "ix_installation_open_title",
        table_name="installation",
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.drop_index(
        "ix_installation_ended",
        table_name="installation",
        sqlite_where=sa.text("ended_at IS NOT NULL"),
        postgresql_where=sa.text("ended_at IS NOT NULL"),
    )

    op.drop_table("installation")
    op.drop_index("ix_use_session_time", table_name="use_session")

    op.drop_table("use_session")
    op.drop_index("uq_usage_signal", table_name="usage_signal")
    op.drop_index("ix_usage_signal_day", table_name="usage_signal")

    op.drop_table("usage_signal")
    op.drop_index(
        "ix_title_undecided",
        table_name="title",
        sqlite_where=sa.text("kind IN ('unrecognised', 'ask')"),
        postgresql_where=sa.text("kind IN ('unrecognised', 'ask')"),
    )
    op.drop_index("ix_title_product", table_name="title")
    op.drop_index("ix_title_candidate", table_name="title")

    op.drop_table("title")
    op.drop_index(op.f("ix_suite_cover_part_product_id"), table_name="suite_cover")

    op.drop_table("suite_cover")
    op.drop_table("meter_reading")
    op.drop_index(op.f("ix_invoice_product_id"), table_name="invoice")

    op.drop_table("invoice")
    op.drop_index("ix_exclusion_product", table_name="exclusion")

    op.drop_table("exclusion")
    op.drop_table("contract_document")
    op.drop_index("ix_superseded_row", table_name="superseded")

    op.drop_table("superseded")
    op.drop_index("ix_position_run_kind", table_name="position_run")

    op.drop_table("position_run")
