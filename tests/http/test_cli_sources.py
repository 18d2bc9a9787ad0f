"""`seatkeeper sources` on a real database: what would have been sent, and who may accept."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from bot import cli_sources
from bot.settings import Settings, load
from model.alerts import DeviceDoubt, SourceState
from model.inventory import Installation
from model.people import Device, Person, Role, RoleGrant
from model.session import Database, make_engine
from model.tickets import SyncRun
from tests.http import alert_acts as acts

NOW = datetime(2026, 11, 23, 8, 14, tzinfo=UTC)


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    """A licence manager, a colleague, and a source with one unlicensed title on two devices."""
    made = Database(make_engine(sqlite_url))
    with made.unit_of_work() as work:
        for name in ("dara", "ana"):
            work.session.add(Person(email=f"{name}@example.test", name=name.title(), active=True))
        work.session.flush()
        people = {row.name: row.id for row in work.connection.execute(select(Person.name, Person.id))}
        work.session.add(RoleGrant(person_id=people["Dara"], role=Role.LICENCE_MANAGER, began_at=NOW))
        acts.accepted(work, NOW, "ocs", SourceState.OBSERVE)
        _, title_id = acts.product(work, "autocad-lt", "AutoCAD LT", NOW)
        for number in range(2):
            acts.installed(work, acts.device(work, f"d{number}", people["Ana"], NOW), title_id, NOW, "ocs")
        work.commit()
    yield made
    made.dispose()


def run(database: Database, **given: str | int) -> int:
    def settings() -> Settings:
        environment = {
            "DATABASE_URL": str(database.engine.url),
            "SECRET_KEY": "example-secret-key-of-more-than-32-characters",
            "POLICY_FILE": str(Path(__file__).resolve().parents[2] / "policy.yaml"),
        }
        return load(environment, dotenv=None)

    return cli_sources.run(Namespace(**({"name": None, "by": None} | given)), settings, NOW)


def test_a_watched_source_says_what_it_would_have_sent(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(database, verb="list") == 0
    said = capsys.readouterr().out
    assert said == "ocs: watched only since 23 Nov 2026; would have sent 1 alert, 1 ticket, 1 question.\n"


def test_one_source_lists_products_and_causes_and_names_only_for_the_entitled(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    row = "Red alert: AutoCAD LT on 2 devices, no licence, 1 ticket, asks 1 person\n"
    assert run(database, verb="list", name="ocs") == 0
    assert capsys.readouterr().out == row
    assert run(database, verb="list", name="ocs", by="dara@example.test") == 0
    assert capsys.readouterr().out == f"{row}  Ana: d1\n  Ana: d0\n"
    assert run(database, verb="list", name="ocs", by="ana@example.test") == 1
    assert "ask Dara" in capsys.readouterr().err


def test_what_was_adopted_is_one_list_to_work_off(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(database, verb="accept", name="ocs", by="dara@example.test") == 0
    capsys.readouterr()
    assert run(database, verb="list", name="ocs") == 0
    assert capsys.readouterr().out == "AutoCAD LT, by device: 2 short at the baseline, 2 today\n"


def test_only_a_licence_manager_accepts_and_once(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(database, verb="accept", name="ocs", by="ana@example.test") == 1
    assert "ask Dara" in capsys.readouterr().err
    assert run(database, verb="accept", name="ocs", by="Dara@example.test") == 0
    assert "2 installations on 2 devices are the baseline" in capsys.readouterr().out
    with database.reading() as connection:
        assert set(connection.execute(select(Installation.authorised_by)).scalars()) == {"baseline"}
    assert run(database, verb="accept", name="ocs", by="dara@example.test") == 1
    assert "Dara accepted this" in capsys.readouterr().err
    assert run(database, verb="list") == 0
    assert capsys.readouterr().out == "ocs: accepted by Dara on 23 Nov 2026\n"


def test_why_intune_was_not_read_is_said_until_it_is(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    for outcome, words in (("stopped", "The tenant has no Intune licence."), ("done", "")):
        with database.unit_of_work() as work:
            work.session.add(SyncRun(source="intune", began_at=NOW, ended_at=NOW, outcome=outcome, words=words))
            work.commit()
        assert run(database, verb="list") == 0
        said = capsys.readouterr().out.splitlines()[1:]
        assert said == ([f"intune: not read on 23 Nov 2026. {words}"] if words else [])


@pytest.mark.parametrize(("name", "by"), [("glpi", "dara@example.test"), ("ocs", "nobody@example.test")])
def test_what_is_not_there_is_said(database: Database, capsys: pytest.CaptureFixture[str], name: str, by: str) -> None:
    for verb in ("accept", "list"):
        assert run(database, verb=verb, name=name, by=by) == 1
        assert capsys.readouterr().err


def test_devices_in_doubt_are_listed_and_decided(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(database, verb="doubts") == 0
    assert capsys.readouterr().out == "No device is in doubt.\n"
    with database.unit_of_work() as work:
        first, second = work.connection.execute(select(Device.id).order_by(Device.id)).scalars()
        words = "d1 has the DEVICEID of d0: a copied disk, or one machine renamed?"
        work.session.add(DeviceDoubt(device_id=second, other_id=first, words=words, seen_at=NOW))
        work.commit()
    assert run(database, verb="doubts") == 0
    assert capsys.readouterr().out == f"1: {words}\n"
    assert run(database, verb="decide", number=1, answer="same", by="ana@example.test") == 1
    assert "ask Dara" in capsys.readouterr().err
    assert run(database, verb="decide", number=1, answer="same", by="dara@example.test") == 0
    assert capsys.readouterr().out == "d1 counts as d0 from now on and is retired.\n"
    assert run(database, verb="decide", number=1, answer="two", by="dara@example.test") == 1
    assert "Dara answered this already" in capsys.readouterr().err
