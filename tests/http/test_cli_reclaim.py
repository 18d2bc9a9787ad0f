"""`seatkeeper reclaim` as typed: what it prints, what it keeps, and what it refuses in words."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import pytest
from sqlalchemy import update

from bot.__main__ import main
from model.events import Event
from model.people import Person
from model.reclaim import CampaignState
from model.usage import HeldMailboxList
from tests.reclaim_town import POLICY, START, Town
from workflows.reclaim import switch

Run = Callable[..., int]


@pytest.fixture
def town(sqlite_url: str) -> Iterator[Town]:
    made = Town(sqlite_url)
    yield made
    made.close()


@pytest.fixture
def run(town: Town, sqlite_url: str, tmp_path: Path) -> Iterator[Run]:
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    (tmp_path / "clock").write_text(f"{(START - _real_now()).total_seconds():.0f}", encoding="ascii")
    environment = {
        "DATABASE_URL": sqlite_url,
        "SECRET_KEY": "example-secret-key-of-more-than-32-characters",
        "POLICY_FILE": str(tmp_path / "policy.yaml"),
        "CLOCK_OFFSET_FILE": str(tmp_path / "clock"),
    }
    with mock.patch.dict(os.environ, environment):
        yield lambda *words: main(["reclaim", *words])


def _real_now() -> datetime:
    return datetime.now(UTC)


def test_plan_begin_list_and_cancel(town: Town, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list") == 0
    assert capsys.readouterr().out.splitlines() == ["No campaign is running.", "Removals are switched on."]
    assert run("plan", "copilot", "--by", "eli@example.test") == 0
    said = capsys.readouterr().out
    assert said.startswith("CMP-1  Copilot, idle, dry run: 5 seats\n")
    assert "Nobody was asked." in said and not town.cards("still_needed")
    assert run("begin", "CMP-1", "--by", "ELI@example.test") == 0
    assert "Answers by 7 Dec 2026. Nothing is taken without a list" in capsys.readouterr().out
    assert len(town.cards("still_needed")) == 5
    assert run("list") == 0
    assert "CMP-1  Copilot, idle, asking: 5 seats, asked 5" in capsys.readouterr().out
    assert run("cancel", "cmp-1", "--by", "eli@example.test") == 0
    assert "everybody keeps their seat" in capsys.readouterr().out
    assert town.campaign(1).state == CampaignState.CANCELLED and not town.returns()


def test_a_plan_counts_backwards_and_names_what_is_close(
    town: Town, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("plan", "Copilot", "--decide-by", "2026-11-27", "--by", "eli@example.test") == 0
    assert "no longer fit before 27 Nov 2026" in capsys.readouterr().out
    assert run("plan", "Copilott", "--by", "eli@example.test") == 1
    assert "Nothing in the register is called “Copilott”. Close: Copilot." in capsys.readouterr().err


def test_refusals_say_why_and_change_nothing(town: Town, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for words, why in (
        (("plan", "Copilot", "--by", "ana@example.test"), "Dara"),
        (("plan", "Copilot", "--by", "nobody@example.test"), "has the address nobody@example.test"),
        (("begin", "CMP-7", "--by", "eli@example.test"), "There is no campaign CMP-7."),
        (("begin", "7" * 30, "--by", "eli@example.test"), "There is no campaign"),
        (("switch", "off", "--by", "eli@example.test"), "why"),
        (("switch", "off", "--reason", "A test run.", "--by", "ana@example.test"), "Dara"),
        (("holds", "--file", "/nowhere/holds.txt", "--by", "dara@example.test"), "cannot be read"),
        (("holds", "--none", "--by", "ana@example.test"), "Dara"),
    ):
        assert run(*words) == 1, words
        said = capsys.readouterr()
        assert why in said.err and said.err.count("\n") == 1 and not said.out, (words, said)
    with town.database.reading() as connection:
        assert switch.state(connection).on
    with pytest.raises(SystemExit) as wrong:
        run("plan", "Copilot")
    assert wrong.value.code == 2 and "--by" in capsys.readouterr().err


def test_the_switch_is_read_by_everybody(town: Town, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("switch", "off", "--reason", "Audit week.", "--by", "eli@example.test") == 0
    assert run("list") == 0
    assert "Eli switched removals off" in capsys.readouterr().out
    with town.database.reading() as connection:
        assert not switch.state(connection).on
    assert run("switch", "on", "--by", "eli@example.test") == 0
    with town.database.reading() as connection:
        assert switch.state(connection).on


def test_held_mailboxes_are_loaded_or_signed_away(
    town: Town, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("plan", "Microsoft 365 E3", "--kind", "review", "--by", "eli@example.test") == 0
    capsys.readouterr()
    file = tmp_path / "holds.txt"
    file.write_bytes(b"\xef\xbb\xbfkai@example.test\r\n\r\nlea@example.test\r\n")
    assert run("holds", "--file", str(file), "--by", "dara@example.test") == 0
    assert run("holds", "--none", "--by", "dara@example.test") == 0
    with town.database.unit_of_work() as work:
        stored = work.session.query(HeldMailboxList).order_by(HeldMailboxList.id).all()
        assert [one.mailboxes for one in stored] == [["kai@example.test", "lea@example.test"], []]
        assert {one.said_by_id for one in stored} == {town.staff["dara"]}
        assert work.session.query(Event).filter(Event.actor == f"person:{town.staff['dara']}").count() >= 2
    file.write_bytes(b"\xff\xfe\x00")
    assert run("holds", "--file", str(file), "--by", "dara@example.test") == 1
    assert "UTF-8" in capsys.readouterr().err


def test_somebody_who_left_gives_no_orders(town: Town, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with town.database.unit_of_work() as work:
        work.connection.execute(update(Person).where(Person.id == town.staff["eli"]).values(active=False))
        work.commit()
    assert run("plan", "Copilot", "--by", "eli@example.test") == 1
    assert "Nobody in the staff directory" in capsys.readouterr().err
