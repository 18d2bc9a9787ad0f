"""Slack accounts and people: ties that stay, doubts that wait, and a person's word on them. No two become one alone."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select, true

from bot import cli_progress
from bot.cli_matches import listed, run
from bot.settings import Settings, load
from jobs.tables import Job
from model.base import Base
from model.events import Event, Tag
from model.people import Person, Role
from model.requests import Card
from model.session import Database, make_engine
from model.sync import MatchDoubt
from workflows import directory_merge, directory_stage, match_doubts, matching, questions
from workflows.effects import enqueue
from workflows.match_doubts import Answer
from workflows.matching import SlackAccount
from workflows.permissions import NotForYou
from workflows.questions import Answered

NOW = datetime(2026, 11, 23, 3, 45, tzinfo=UTC)
WORD = {True: Answer.SAME, False: Answer.DIFFERENT}


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    made = Database(make_engine(sqlite_url))
    yield made
    made.dispose()


def add(database: Database, key: str, **facts: Any) -> int:
    with database.unit_of_work() as work:
        values: dict[str, Any] = {"email": f"{key}@acme.example", "directory_id": f"d-{key}"}
        one = Person(name=key.title(), **(values | facts))
        work.session.add(one)
        work.session.flush()
        work.commit()
        return one.id


def link(database: Database, *accounts: SlackAccount) -> int:
    with database.unit_of_work() as work:
        linked = matching.link_slack(work, accounts, NOW)
        work.commit()
        return linked


def slack(key: str, email: str, zone: str = "Europe/Paris", *, active: bool = True) -> SlackAccount:
    return SlackAccount(f"U0{key.upper()}", f"{email}@acme.example", zone, active)


def ties(database: Database) -> dict[str, tuple[str | None, str]]:
    with database.reading() as connection:
        return {row[0]: (row[1], row[2]) for row in connection.execute(
            select(Person.name, Person.slack_id, Person.time_zone))}  # fmt: skip


def doubts(database: Database) -> list[int]:
    with database.reading() as connection:
        return [one.id for one in match_doubts.waiting(connection)]


def settle(database: Database, doubt_id: int, *, same: bool) -> str:
    with database.unit_of_work() as work:
        said = match_doubts.settle(work, doubt_id, WORD[same], "eli@acme.example", NOW)
        work.commit()
        return said


def test_an_account_is_tied_by_address_once_and_stays_tied_when_the_address_changes(database: Database) -> None:
    add(database, "ana")
    assert link(database, slack("ana", "ANA")) == 1
    with database.unit_of_work() as work:
        person = work.session.execute(select(Person)).scalar_one()
        person.email = "ana.married@acme.example"
        work.commit()
    assert link(database, slack("ana", "ana", "Asia/Tokyo")) == 0
    assert ties(database) == {"Ana": ("U0ANA", "Asia/Tokyo")} and doubts(database) == []


def test_an_inactive_account_is_tied_to_nobody(database: Database) -> None:
    add(database, "ana")
    assert link(database, slack("ana", "ana", active=False)) == 0
    assert ties(database)["Ana"][0] is None


def test_a_deactivated_account_is_untied_until_it_is_active_again(database: Database) -> None:
    """Slack takes a message to a deactivated account and nobody reads it; without the tie it goes by mail."""
    add(database, "ana", slack_id="U0ANA")
    add(database, "ben", slack_id="U0BEN")
    gone = SlackAccount("U0ANA", "", "", False)  # Slack may leave its address out
    assert link(database, gone, slack("ben", "ben")) == 0
    link(database, gone, slack("ben", "ben"))
    assert (ties(database)["Ana"][0], ties(database)["Ben"][0]) == (None, "U0BEN")
    with database.reading() as connection:
        assert list(connection.execute(select(Event.tag, Event.subject))) == [(Tag.PERSON_UNLINKED, "person:1")]
    assert link(database, slack("ana", "ana")) == 1
    assert ties(database)["Ana"][0] == "U0ANA"


def test_a_new_account_takes_the_place_of_a_deactivated_one(database: Database) -> None:
    add(database, "ana", slack_id="U0OLD")
    assert link(database, slack("new", "ana"), slack("old", "ana", active=False)) == 1
    assert ties(database)["Ana"][0] == "U0NEW" and doubts(database) == []


def test_two_accounts_for_one_person_tie_the_first_and_ask(database: Database) -> None:
    add(database, "ana")
    assert link(database, slack("one", "ana"), slack("two", "ana")) == 1
    link(database, slack("one", "ana"), slack("two", "ana"))
    [number] = doubts(database)
    assert ties(database)["Ana"][0] == "U0ONE"
    assert "U0TWO" in settle(database, number, same=True)
    assert ties(database)["Ana"][0] == "U0TWO" and doubts(database) == []
    link(database, slack("one", "ana"), slack("two", "ana"))
    assert len(doubts(database)) == 1  # the other way round is another question
    with database.reading() as connection:
        tags = list(connection.execute(select(Event.tag)).scalars())
    assert tags == [Tag.PERSON_LINKED, Tag.PERSON_LINKED]


def test_an_address_that_moved_to_another_person_gives_them_no_account(database: Database) -> None:
    add(database, "ana", slack_id="U0ANA", email="old@acme.example")
    add(database, "ben", email="ana@acme.example")
    assert link(database, slack("ana", "ana")) == 0
    [number] = doubts(database)
    assert ties(database)["Ben"][0] is None
    settle(database, number, same=False)
    link(database, slack("ana", "ana"))
    assert doubts(database) == [] and ties(database)["Ana"][0] == "U0ANA"
    with pytest.raises(Answered, match="eli@acme.example answered this already"):
        settle(database, number, same=True)


def staged(database: Database, account: str, email: str) -> None:
    row = {"directory_id": account, "seq": 1, "email": f"{email}@acme.example", "upn": "x", "name": "X", "active": True,
           "department": "", "job_title": "", "usage_location": "", "employment": "employee", "shadow": False,
           "gone": False, "merged": False, "later": True}  # fmt: skip
    with database.unit_of_work() as work:
        work.connection.execute(Base.metadata.tables["staged_person"].insert(), [row])
        assert directory_merge.doubt_addresses(work.connection, NOW) == 1
        directory_merge.free_addresses(work.connection)
        assert directory_merge.merge_people(work.connection, true())[0] == 0
        directory_stage.clear(work.connection)
        work.commit()


def test_an_account_that_takes_the_address_of_somebody_entered_by_hand_is_asked_about(database: Database) -> None:
    add(database, "ana", email="ana.old@acme.example")
    add(database, "hand", directory_id=None, email="ana@acme.example", slack_id="U0ANA")
    staged(database, "d-ana", "ana")
    [number] = doubts(database)
    with database.reading() as connection:
        emails = set(connection.execute(select(Person.email)).scalars())
        assert emails == {"ana.old@acme.example", "ana@acme.example"}
        [line] = listed(connection)
    assert line.startswith(f"{number}  Hand: ") and "@" not in line
    settle(database, number, same=True)
    with database.reading() as connection:
        rows = {row.name: row for row in connection.execute(
            select(Person.name, Person.email, Person.slack_id, Person.active))}  # fmt: skip
    assert rows["X"][1:] == ("ana@acme.example", "U0ANA", True)
    assert rows["Hand"].active is False and rows["Hand"].slack_id is None


def test_a_twin_that_is_the_person_becomes_their_account(database: Database) -> None:
    ana = add(database, "ana")
    with database.unit_of_work() as work:
        work.session.add(
            MatchDoubt(key="k", kind="directory", person_id=ana, account="d-twin", words="Which one?", found_at=NOW)
        )
        work.commit()
    settle(database, doubts(database)[0], same=True)
    with database.reading() as connection:
        assert connection.execute(select(Person.directory_id)).scalar_one() == "d-twin"
        assert list(listed(connection)) == ["No match waits for an answer."]


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        ({}, ""),
        ({"step": "people", "seen": 500, "total": 1000}, f"people [{'#' * 15}{'.' * 15}] 500 of 1,000"),
        ({"step": "people", "seen": 2000, "total": 1000}, f"people [{'#' * 30}] 2,000 of 1,000"),
        ({"step": "people", "seen": 500, "total": None}, "people 500"),
        ({"step": "changes", "seen": 3}, "changes 3"),
        ({"step": "reports", "reports": {"teams": "2026-11-20"}}, "usage reports 1 read"),
        ({"step": "merge"}, "storing"),
    ],
)
def test_the_bar_says_how_far_a_reading_is(state: dict[str, Any], wanted: str) -> None:
    assert cli_progress.line(state) == wanted


# -- put to IT in Slack


def asked(database: Database) -> list[tuple[str, list[int]]]:
    """The messages that ask: to whom, about which questions."""
    with database.unit_of_work() as work:
        enqueue(work, questions.show(work, match_doubts.MATTER, NOW), NOW)
        work.commit()
    with database.reading() as connection:
        rows = connection.execute(select(Card.audience, Card.facts).where(Card.kind == "match").order_by(Card.id))
        return [(row.audience, row.facts["doubts"]) for row in rows]


def test_it_is_asked_in_one_message_a_day_and_about_each_once(database: Database) -> None:
    assert asked(database) == []
    add(database, "ana")
    add(database, "ben")
    link(database, slack("one", "ana"), slack("two", "ana"))
    first = doubts(database)
    assert asked(database) == asked(database) == [("channel:it_alerts", first)]
    link(database, slack("three", "ben"), slack("four", "ben"))
    assert asked(database) == [("channel:it_alerts", doubts(database))]


def test_whoever_presses_later_hears_who_answered_and_changes_nothing(database: Database) -> None:
    ana = add(database, "ana")
    link(database, slack("one", "ana"), slack("two", "ana"))
    [number] = doubts(database)

    def said(*roles: Role, same: bool) -> str:
        with database.unit_of_work() as work:
            words = questions.answer(work, match_doubts.MATTER, number, WORD[same], ana, roles, NOW)
            work.commit()
            return words

    with pytest.raises(NotForYou):
        said(Role.FINANCE, same=True)
    assert "stays as they are" in said(Role.IT, same=False)
    with pytest.raises(Answered, match="Ana answered this already; your press changed nothing."):
        said(Role.IT, same=True)
    assert ties(database)["Ana"][0] == "U0ONE"
    with database.reading() as connection:
        tags = connection.execute(select(Event.tag, Event.actor)).all()
    assert (Tag.PERSON_TOLD_APART, f"person:{ana}") in [tuple(one) for one in tags]


def test_a_word_on_the_command_line_changes_the_message_too(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    add(database, "ana")
    link(database, slack("one", "ana"), slack("two", "ana"))
    [(_, [number])] = asked(database)

    def settings() -> Settings:
        secret = "example-secret-key-of-more-than-32-characters"
        return load({"DATABASE_URL": str(database.engine.url), "SECRET_KEY": secret}, dotenv=None)

    def shows() -> int:
        query = select(func.count()).select_from(Job).where(Job.kind == "card.show")
        with database.reading() as connection:
            return connection.execute(query).scalar_one()

    before = shows()
    given = Namespace(verb="different", number=number, by="eli@acme.example")
    assert run(given, settings, NOW) == 0
    assert capsys.readouterr().out == "Ana stays as they are.\n" and shows() == before + 1
    assert run(given, settings, NOW) == 1
    assert f"No match {number} waits for an answer" in capsys.readouterr().err and shows() == before + 1
