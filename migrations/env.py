"""How Alembic reaches the database: the caller hands in an engine (see `migrations.upgrade`)."""

from __future__ import annotations

from alembic import context

import jobs.tables  # noqa: F401  the imports fill the metadata
import model.alerts
import model.contracts
import model.events
import model.inventory
import model.licences
import model.people
import model.reclaim
import model.requests
import model.sync
import model.tickets
import model.usage  # noqa: F401
from model.base import Base

engine = context.config.attributes["engine"]

with engine.connect() as connection:
    if connection.dialect.name == "postgresql":
        # the old code is still running: give up rather than queue behind it and block everybody
        connection.exec_driver_sql("SET lock_timeout = '5s'")
        connection.exec_driver_sql("SET statement_timeout = '600s'")
        connection.commit()
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
