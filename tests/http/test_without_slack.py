"""A service with nothing but its database: it starts, is ready, and no work waits for Slack."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from bot.bootstrap import assemble
from bot.settings import load
from jobs.tables import Job, JobState
from model.licences import Granting, Product, Publisher, Sku
from model.people import Person
from workflows import submit
from workflows.forms import RequestForm


def test_a_request_without_slack_parks_nothing(tmp_path: Path, database_url: str) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\n", encoding="utf-8")
    environment = {
        "DATABASE_URL": database_url,
        "SECRET_KEY": "example-secret-key-of-more-than-32-characters",
        "POLICY_FILE": str(policy),
    }
    service = assemble(load(environment, dotenv=None))
    try:
        with service.database.unit_of_work() as work:
            ben = Person(directory_id="d-ben", email="ben@lumenfjord.example", name="Ben Okafor")
            publisher = Publisher(name="Example Publisher")
            work.session.add_all([ben, publisher])
            work.session.flush()
            ana = Person(directory_id="d-ana", email="ana@lumenfjord.example", name="Ana Lindqvist", manager_id=ben.id)
            product = Product(publisher_id=publisher.id, name="Miro", key="miro", granting=Granting.OWNER_TASK)
            work.session.add_all([ana, product])
            work.session.flush()
            sku = Sku(product_id=product.id, part_number="MIRO")
            work.session.add(sku)
            work.session.flush()
            form = RequestForm("V-1", product.id, (ana.id,), 1, "Boards for the Lyon office move.", "weekly", sku.id)
            submit.submit(work, service.rules(), form, ana.id, service.now())
            work.commit()
        while service.worker.drain():
            pass
        with service.database.reading() as connection:
            states = connection.execute(select(Job.kind, Job.state, Job.error)).all()
        assert {"card.show", "request.show"} <= {job.kind for job in states}
        assert not [job for job in states if job.state == JobState.PARKED]
        ready = service.web.test_client().get("/readyz")
        assert ready.status_code == 200, ready.get_data(as_text=True)
    finally:
        service.close()
