"""Positions are kept up: what rows said before they changed is written with the change, by triggers on PostgreSQL.

Only what a count depends on is written. Rows that a statement brings by the thousand are not told one by one: their
titles are to be counted anew. The software of a device that came with the same transaction is not told either, for
the device itself was not there before.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017_kept"
down_revision = "0016_proof_files"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
#: Rows of one statement above which they are not told one by one.
_MANY = 1000
_INDEXES = {
    "ix_position_change_title": (["title_id", "xid"], "title_id IS NOT NULL"),
    "ix_position_change_product": (["product_id", "xid"], "product_id IS NOT NULL"),
    "ix_position_change_of_all": (["xid"], "title_id IS NULL AND product_id IS NULL"),
}

#: What is asked of each table; a change of other columns is none.
_COLUMNS = {
    "installation": ["device_id", "title_id", "version", "began_at", "ended_at"],
    "seat": ["product_id", "sku_id", "person_id", "began_at", "ended_at"],
    "device": ["person_id", "kind", "state", "site", "retired_on", "processors", "cores"],
    "person": ["leaves_on", "active"],
}
#: For each table: columns of `position_change` that say whom or what a row concerns, and where they come from.
_CONCERNS = {
    "installation": {"device_id": "device_id", "title_id": "title_id"},
    "seat": {"person_id": "person_id", "product_id": "product_id"},
    "device": {"device_id": "id", "person_id": "person_id"},
    "person": {"person_id": "id"},
}
#: Tables of which any change has the product counted anew, and the columns that name one.
_ANEW = {"exclusion": ["product_id"], "usage_signal": ["product_id"], "seat_use": ["product_id"]}
_XID = "CAST(CAST(pg_current_xact_id() AS text) AS bigint)"


def upgrade() -> None:
    op.create_table(
        "position_change",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("xid", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=True),
        sa.Column("device_id", sa.BigInteger(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("title_id", sa.BigInteger(), nullable=True),
        sa.Column("product_id", sa.BigInteger(), nullable=True),
        sa.Column("was", _JSON, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_position_change")),
    )
    with op.batch_alter_table("position_change") as batch_op:
        for name, (columns, where) in _INDEXES.items():
            batch_op.create_index(
                name, columns, unique=False, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
            )
    op.create_table(
        "position_kept",
        sa.Column("product_id", _KEY, nullable=False),
        sa.Column("question", sa.String(length=40), nullable=False),
        sa.Column("at", sa.Date(), nullable=False),
        sa.Column("seen_below", sa.BigInteger(), nullable=False),
        sa.Column("snapshot", sa.Text(), nullable=False),
        sa.Column("cluster", sa.String(length=20), nullable=False),
        sa.Column("groups", _JSON, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_position_kept_product_id_product")),
        sa.PrimaryKeyConstraint("product_id", "question", name=op.f("pk_position_kept")),
    )
    if op.get_bind().dialect.name == "postgresql":
        for table in _COLUMNS:
            _tell_rows(table)
        for table, columns in _ANEW.items():
            _count_anew(table, columns)
        _tell_titles()


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in _COLUMNS:
            op.execute(f"DROP FUNCTION position_{table}_changed() CASCADE")
        for table in ("installation", "seat"):
            op.execute(f"DROP FUNCTION position_{table}_came() CASCADE")
        for table in (*_ANEW, "title"):
            op.execute(f"DROP FUNCTION position_{table}_anew() CASCADE")
    op.drop_table("position_kept")
    op.drop_table("position_change")


def _tell_rows(table: str) -> None:
    """Each row that was changed or taken out says how it read; rows that came say that they were not there."""
    concerns, columns = _CONCERNS[table], _COLUMNS[table]
    into = f"INSERT INTO position_change (xid, what, row_id, {', '.join(concerns)}, was)"
    image = ", ".join(f"'{name}', OLD.{name}" for name in ["id", *columns])

    def told(side: str, was: str) -> str:
        whom = ", ".join(f"{side}.{name}" for name in concerns.values())
        return f"{into} VALUES ({_XID}, '{table}', {side}.id, {whom}, {was});"

    moved = " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in concerns.values())
    op.execute(
        f"CREATE FUNCTION position_{table}_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'INSERT' THEN {told('NEW', 'NULL')} RETURN NULL; END IF; "
        f"{told('OLD', f'jsonb_build_object({image})')} "
        f"IF TG_OP = 'UPDATE' THEN IF {moved} THEN {told('NEW', f'jsonb_build_object({image})')} END IF; END IF; "
        "RETURN NULL; END $$"
    )
    differs = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in columns)
    run = f"FOR EACH ROW {{when}}EXECUTE FUNCTION position_{table}_changed()"
    op.execute(
        f"CREATE TRIGGER position_{table}_changed AFTER UPDATE ON {table} {run.format(when=f'WHEN ({differs}) ')}"
    )
    op.execute(f"CREATE TRIGGER position_{table}_gone AFTER DELETE ON {table} {run.format(when='')}")
    if table == "device":
        op.execute(f"CREATE TRIGGER position_{table}_came AFTER INSERT ON {table} {run.format(when='')}")
    elif table != "person":  # a person who came has nothing yet
        _tell_new(table)


def _tell_new(table: str) -> None:
    """Rows come by the hundred: one statement tells them all."""
    concerns = _CONCERNS[table]
    of = "title_id" if table == "installation" else "product_id"
    with_device = (
        "WHERE NOT EXISTS (SELECT 1 FROM position_change c WHERE c.title_id IS NULL AND c.product_id IS NULL "
        "AND c.xid = own AND c.what = 'device' AND c.was IS NULL AND c.device_id = n.device_id)"
        if table == "installation"
        else ""
    )
    op.execute(
        f"CREATE FUNCTION position_{table}_came() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"DECLARE own bigint := {_XID}; BEGIN "
        f"IF (SELECT count(*) FROM (SELECT 1 FROM came LIMIT {_MANY + 1}) c) > {_MANY} THEN "
        f"INSERT INTO position_change (xid, what, {of}) SELECT DISTINCT own, 'all', n.{of} FROM came n; "
        f"ELSE INSERT INTO position_change (xid, what, row_id, {', '.join(concerns)}) "
        f"SELECT own, '{table}', n.id, {', '.join(f'n.{name}' for name in concerns.values())} "
        f"FROM came n {with_device}; END IF; RETURN NULL; END $$"
    )
    op.execute(
        f"CREATE TRIGGER position_{table}_came AFTER INSERT ON {table} REFERENCING NEW TABLE AS came "
        f"FOR EACH STATEMENT EXECUTE FUNCTION position_{table}_came()"
    )


def _count_anew(table: str, columns: list[str]) -> None:
    """What is written rarely, or all at once, has its products counted anew."""
    (named,) = columns
    op.execute(
        f"CREATE FUNCTION position_{table}_anew() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"INSERT INTO position_change (xid, what, product_id) SELECT DISTINCT {_XID}, 'all', {named} FROM rows_told; "
        "RETURN NULL; END $$"
    )
    for verb, sides in (("INSERT", ["NEW"]), ("UPDATE", ["OLD", "NEW"]), ("DELETE", ["OLD"])):
        for side in sides:
            op.execute(
                f"CREATE TRIGGER position_{table}_{verb.lower()}_{side.lower()} AFTER {verb} ON {table} "
                f"REFERENCING {side} TABLE AS rows_told FOR EACH STATEMENT EXECUTE FUNCTION position_{table}_anew()"
            )


def _tell_titles() -> None:
    """A title that is recognised as something else concerns what it was and what it is."""
    op.execute(
        "CREATE FUNCTION position_title_anew() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"INSERT INTO position_change (xid, what, product_id) SELECT DISTINCT {_XID}, 'all', p FROM unnest("
        "ARRAY[OLD.product_id, OLD.candidate_id, NEW.product_id, NEW.candidate_id]) p WHERE p IS NOT NULL; "
        "RETURN NULL; END $$"
    )
    names = ("product_id", "candidate_id", "release", "kind")
    differs = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in names)
    op.execute(
        f"CREATE TRIGGER position_title_anew AFTER UPDATE ON title FOR EACH ROW WHEN ({differs}) "
        "EXECUTE FUNCTION position_title_anew()"
    )
