"""The audit trail refuses change in the database itself.

Rows of `event` and `seal` are written once. Personal words (`event_personal`) may be erased, never altered. Whoever
writes an event, by whatever way, it is marked as unsealed in the same statement.
"""

from __future__ import annotations

from alembic import op

revision = "0002_refuse"
down_revision = "0001_first"
branch_labels = None
depends_on = None

#: table, statement that is refused
REFUSED = [
    ("event", "UPDATE"),
    ("event", "DELETE"),
    ("seal", "UPDATE"),
    ("seal", "DELETE"),
    ("event_personal", "UPDATE"),
]


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table, verb in REFUSED:
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'the audit trail is never changed'); END"
            )
        op.execute(
            "CREATE TRIGGER event_unsealed AFTER INSERT ON event "
            "BEGIN INSERT INTO unsealed (event_id) VALUES (NEW.id); END"
        )
        return
    op.execute(
        "CREATE FUNCTION mark_unsealed() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO unsealed (event_id) VALUES (NEW.id); RETURN NULL; END $$"
    )
    op.execute("CREATE TRIGGER event_unsealed AFTER INSERT ON event FOR EACH ROW EXECUTE FUNCTION mark_unsealed()")
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit trail is never changed'; END $$"
    )
    for table, verb in REFUSED:
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    for table in ("event", "seal"):
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table, verb in REFUSED:
            op.execute(f"DROP TRIGGER {table}_no_{verb.lower()}")
        op.execute("DROP TRIGGER event_unsealed")
        return
    op.execute("DROP FUNCTION refuse_change() CASCADE")
    op.execute("DROP FUNCTION mark_unsealed() CASCADE")
