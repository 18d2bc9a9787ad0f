"""Sending one message by mail, and answering it on the page behind its link as a browser does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from sqlalchemy import select, update

from bot.shown import drawer
from jobs.outbox import NewJob, enqueue
from jobs.tables import Job, JobState
from jobs.worker import Worker
from tests.http.web_company import NOW, Company
from tests.http.web_server import KEY, Web
from workflows import links
from workflows.perform_mail import MailEffects
from workflows.perform_trouble import classify
from workflows.policies import ActiveRules


def deliver(company: Company, card: int, url: str, public_url: str = "http://127.0.0.1:8080") -> Job:
    """Run one `card.mail` job; returns how it stands afterwards."""
    rules = ActiveRules(company.database, mail=True)
    effects = MailEffects(url, public_url, KEY, rules, drawer(rules))
    with company.database.unit_of_work() as work:
        work.connection.execute(update(Job).values(state=JobState.DONE))
        enqueue(work.connection, [NewJob("card.mail", "mail", {"card": card})], NOW)
        work.commit()
    worker = Worker(
        company.database, effects.handlers(), now=lambda: NOW, classify=classify, limits={}, owner="test", threads=1
    )
    assert worker.run_once() == 1
    with company.database.reading() as connection:
        query = select(*Job.__table__.c).where(Job.kind == "card.mail")
        row = connection.execute(query.order_by(Job.id.desc()).limit(1)).one()
    return Job(**row._mapping)


def link(company: Company, card: int, person: int) -> str:
    with company.database.unit_of_work() as work:
        token = links.make(work, KEY, card, person, NOW)
        work.commit()
    return f"/d/{token}"


@contextmanager
def browser(web: Web, path: str) -> Iterator[Any]:
    """Opens the page and returns a way to press: `press("approve", words="…")`."""
    with requests.Session() as session:
        page = session.get(web.url + path, timeout=10)
        assert page.status_code == 200, page.text

        def press(action: str, **fields: str) -> requests.Response:
            hidden = dict(re.findall(r'<input type="hidden" name="(form|version)" value="([^"]*)"', page.text))
            return session.post(web.url + path, data=hidden | {"action": action} | fields, timeout=10)

        press.page = page  # type: ignore[attr-defined]
        yield press
