"""The hourly budget and the hints on PostgreSQL: several processes count into one row and none of them is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from jobs.tables import Job
from model.session import Database, make_engine
from model.tickets import TicketPoll
from workflows import ticket_budget, ticket_sync

NOW = datetime(2026, 11, 23, 9, 58, tzinfo=UTC)


def test_requests_are_counted_by_all_and_forgotten_with_the_hour(postgres_url: str) -> None:
    database = Database(make_engine(postgres_url))

    def one(_: int) -> None:
        with database.unit_of_work() as work:
            ticket_budget.spend(work, 3, NOW)
            ticket_sync.hinted(work, NOW)
            work.commit()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(20)))
    with database.reading() as connection:
        assert ticket_budget.used(connection, NOW) == 60
        assert ticket_budget.used(connection, NOW + timedelta(minutes=5)) == 0
        assert len(connection.execute(select(Job.id).where(Job.kind == "tickets.poll")).all()) == 1
    with database.unit_of_work() as work:
        ticket_budget.spend(work, 2, NOW + timedelta(minutes=5))
        ticket_budget.mark_read(work, NOW - timedelta(seconds=1), NOW)
        work.commit()
    with database.unit_of_work() as work:
        row = work.session.get_one(TicketPoll, ticket_budget.ALL)
        assert row.hinted_at == NOW, "a hint that came while changes were read is not followed yet"
        ticket_budget.mark_read(work, NOW + timedelta(seconds=1), NOW)
        work.commit()
    with database.unit_of_work() as work:
        assert work.session.get_one(TicketPoll, ticket_budget.ALL).hinted_at is None
    database.dispose()
