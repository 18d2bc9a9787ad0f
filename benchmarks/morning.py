"""x"""
from datetime import UTC, datetime
from model.session import Database
from workflows import policies

def first_policy(database: Database, text: str) -> None:
    """The policy in force from the first start, as the service would take it over."""
    with database.unit_of_work() as work:
        policies.ensure_first(work, text, datetime.now(UTC))
        work.commit()
