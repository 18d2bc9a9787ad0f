"""The seeded company tells its story in positions: what is short, wasted, part of a suite, undecided, and why.

The figures were worked out by hand from the tables in `sandbox/data/`; each row shows how.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.views import positions as position_views
from licensing.position import changes
from licensing.position.figure import number, to_json
from licensing.recognition import Kind
from model.events import Event, Tag
from model.inventory import Installation, Title
from model.licences import Product
from model.people import Device
from model.session import Database, make_engine
from sandbox import inventory
from sandbox.blocks_text import render_text
from sandbox.company import EXAMPLE_DAY
from tests.http.company_register import Filled, running_world, seed_into
from workflows import policy_file
from workflows.positions import why
from workflows.positions.compute import Computed, positions
from workflows.positions.times import Times
from workflows.reads import catalogue
from workflows.reads import positions as figures
from workflows.reads.names import unsettled
from workflows.reclaim import kept

NOW = datetime(2026, 11, 23, 8, 14, tzinfo=UTC)
LAST_MONTH = date(2026, 10, 23)


@dataclass(frozen=True)
class Row:
    """A position of the story; None is not known, "unlimited" has no number, and `more` is "up to + n"."""

    bought: float | str | None
    used: float | None
    free: int | None
    short: float | None
    at_risk: str
    wasted: str
    more: int
    how: str


# fmt: off
STORY = {
    # product: bought, in use, free, short, at risk, wasted a year, up to +, how it comes about
    "Adobe Acrobat Pro": Row(20, 24, 0, 4, "EUR 1104.00", "", 3,
        "16 + 4 bought; 15 hold a seat, 5 more have XI Pro, 4 a title decided on; 4 x 276.00, newest price"),
    "AutoCAD LT": Row(0, 3, 0, 3, "EUR 1650.00", "", 0, "three devices of Design, nothing bought; 3 x 550.00, list"),
    "AutoCAD": Row(2, 2, 0, 0, "", "", 0, "a seat each, and each on their device: counted once"),
    "Camtasia": Row(0, 6, 0, 6, "USD 1079.28", "", 0, "the right to 10 ended on 31 Oct; 6 x 179.88, the last price"),
    "CrowdStrike Windows Sensor": Row("unlimited", 77, 0, 3, "EUR 114.00", "", 0,
        "80 less the retired, a host and a web server; two in Nairobi and one nobody knows where: 3 x 38.00"),
    "DeepL API Pro": Row(240, 251.5, 0, 11.5, "EUR 253.00", "", 0, "ten readings since 1 Feb; 11.5 x 22.00, overage"),
    "DocuSign eSignature": Row(1200, 1148, 52, 0, "", "", 0, "the year still runs: 52 are left and none is wasted"),
    "Figma Professional": Row(14, 14, 0, 0, "", "USD 360.00", 0, "two idle: 2 x 180.00; of a guest nothing is known"),
    "IBM SPSS Statistics": Row(3, None, None, None, "not known", "", 0, "concurrent, and no session was ever recorded"),
    "JetBrains All Products Pack": Row(6, 4, 2, 0, "", "USD 1558.00", 0, "2 x 779.00"),
    "PyCharm Professional": Row(0, 1, 0, 1, "USD 249.00", "", 0, "three have it, two of them by the pack"),
    "IntelliJ IDEA Ultimate": Row(0, 0, 0, 0, "", "", 1, "two have it by the pack; a third may"),
    "Java SE Runtime Environment": Row(0, 3, 0, 3, "3 unpriced", "", 0, "three devices, no price known"),
    "Lucidchart Team": Row(5, 3, 2, 0, "", "2 unpriced", 0, "bought without a recorded price"),
    "MATLAB": Row(6, 4, 2, 0, "", "USD 4300.00", 0, "four at once on 16 Jul; 2 x 2,150.00"),
    "SOLIDWORKS": Row(4, 4, 0, 0, "", "", 0, "four at once on 12 Nov: at the limit"),
    "Microsoft 365 Apps for enterprise": Row(0, 1, 0, 1, "EUR 144.00", "", 0,
        "all but one have it by E3 or E5; F3 has no desktop apps: 144.00, list"),
    "Microsoft 365 E3": Row(55, 51, 4, 0, "", "EUR 2040.00", 0, "4 free and 1 held by a leaver: 5 x 408.00"),
    "Microsoft Copilot for Microsoft 365": Row(40, 37, 3, 0, "", "EUR 2352.00", 0,
        "3 free and 4 idle: 7 x 336.00; of two nothing is known and nothing wasted"),
    "Power BI Pro": Row(15, 9, 6, 0, "", "EUR 720.00", 0, "11 hold it, 2 of them beside E5; 6 x 12 x 10.00"),
    "Microsoft SQL Server Standard": Row(14, 16, 0, 2, "EUR 7800.00", "", 4,
        "8 + 4 packs of hosts, 2 + 2 of virtual machines by the minimum, recovery excluded; 2 x 3,900.00, true-up"),
    "Miro": Row(12, 11, 1, 0, "", "EUR 384.00", 0, "1 free and 1 idle: 2 x 192.00"),
    "Salesforce Sales Cloud": Row(14, 11, 3, 0, "", "USD 7920.00", 0, "3 free and 1 held by a leaver: 4 x 1,980.00"),
    "SketchUp Pro": Row(3, 1, 2, 0, "", "USD 698.00", 0, "2 x 349.00"),
    "Snagit": Row(10, 9, 1, 0, "", "USD 12.60", 0,
        "10 devices less a second use; one 2018 by downgrade; 1 x 12.60, maintenance only"),
    "TreeSize": Row(8, 8, 3, 3, "EUR 222.00", "", 0,
        "3 of version 8 free beside 3 of version 9 short: 3 x (59.00 + 15.00); version 8 costs nothing more"),
    "WinRAR": Row(0, 2, 0, 2, "2 unpriced", "", 0, "nothing bought, no price known"),
}

SINCE_LAST_MONTH = {
    # product: free then and now, and the steps between
    "Adobe Acrobat Pro": (-3, -4, "bought +4, joined -1, taken back +1, installed -2, removed +1, named anew -4"),
    "AutoCAD LT": (0, -3, "installed -3"),
    "Camtasia": (4, -6, "ended -10"),
    "DeepL API Pro": (53, -11.5, "used -64.5"),
    "DocuSign eSignature": (263, 52, "used -211"),
    "Microsoft 365 E3": (5, 4, "joined -1"),
    "Microsoft Copilot for Microsoft 365": (5, 3, "given -2"),
    "Microsoft SQL Server Standard": (2, -2, "installed -2, named anew -2"),
    "Power BI Pro": (7, 6, "given -1"),
    "SOLIDWORKS": (1, 0, "used -1"),
    "TreeSize": (2, 0, "installed -2"),
}
# fmt: on


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    with running_world(tmp_path_factory.mktemp("company")) as world:
        yield world


@pytest.fixture(scope="module")
def database(filled: Filled, migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One seeded company for all tests here: none of them writes."""
    path = tmp_path_factory.mktemp("seeded") / "seatkeeper.db"
    with closing(sqlite3.connect(migrated_file)) as template, closing(sqlite3.connect(path)) as copy:
        template.backup(copy)
    yield from _seeded(f"sqlite:///{path}", filled)


@pytest.fixture
def on_postgres(filled: Filled, postgres_url: str) -> Iterator[Database]:
    yield from _seeded(postgres_url, filled)


def _seeded(url: str, filled: Filled) -> Iterator[Database]:
    made = Database(make_engine(url))
    seed_into(made, filled, NOW)
    yield made
    made.dispose()


def shown(one: Computed) -> Row:
    found = to_json(one.position)

    def money(sums: object, unknown: int) -> str:
        amounts = [f"{code} {amount}" for code, amount in (sums if isinstance(sums, dict) else {}).items()]
        return ", ".join([*amounts, *([f"{unknown} unpriced"] if unknown else [])])

    at_risk = one.position.at_risk
    position = one.position
    return Row(
        "unlimited" if position.unlimited else number(position.entitled),
        number(position.consumed),
        None if position.surplus is None else int(position.surplus),
        number(position.shortfall),
        "not known" if at_risk is None else money(found["at_risk"], at_risk.unknown),
        money(found["wasted"], position.wasted.unknown),
        position.undecided,
        STORY[position.product].how,
    )


def told(database: Database) -> dict[str, Computed]:
    """All positions of today by name; those of the story are as told."""
    with database.reading() as connection:
        found = {one.position.product: one for one in positions(connection, Times.today(NOW))}
    assert found.keys() >= STORY.keys()
    assert {name: shown(found[name]) for name in STORY} == STORY
    return found


def test_positions_are_the_story(database: Database) -> None:
    found = told(database)
    sql, acrobat = found["Microsoft SQL Server Standard"].position, found["Adobe Acrobat Pro"].position
    assert sql.at_least and sql.sources
    without_proof = [
        name for name, one in found.items() if any("without proof" in said for said in one.position.reasons)
    ]
    assert without_proof == ["Lucidchart Team"]
    assert {line.label for line in acrobat.lines} >= {"bought, LF-ADOBE-19", "bought, PO-2026-1109"}
    apps = found["Microsoft 365 Apps for enterprise"].position
    assert {line.label: line.amount for line in apps.lines if "part of" in line.label} == {
        "part of Microsoft 365 E3": 51, "part of Microsoft 365 E5": 5,
    }  # fmt: skip


def changed(database: Database) -> dict[str, tuple[float | None, float | None, str]]:
    """Free then and now and the steps between, of every product of which something changed; each to the last unit."""
    steps: dict[str, tuple[float | None, float | None, str]] = {}
    with database.reading() as connection:
        ids = dict(connection.execute(select(Product.name, Product.id)).tuples().all())
        for name in STORY:
            for one in why.explain(connection, ids[name], LAST_MONTH, EXAMPLE_DAY, NOW):
                assert one.settled, f"{name}: {changes.lines(one)}"
                first, last = (number(free) for free in one.free)
                if one.steps and first is not None:
                    words = ", ".join(f"{step.words} {number(step.free):+}" for step in one.steps)
                    steps[name] = (first, last, words)
    return steps


def test_each_change_since_last_month_is_explained(database: Database) -> None:
    assert changed(database) == SINCE_LAST_MONTH


def test_on_postgresql_the_story_is_the_same(on_postgres: Database) -> None:
    told(on_postgres)
    assert changed(on_postgres) == SINCE_LAST_MONTH
    policy = policy_file.load((Path(__file__).parents[2] / "policy.yaml").read_text(encoding="utf-8"))
    assert kept.judge_all(on_postgres, policy, EXAMPLE_DAY) > 200
    told(on_postgres)  # the verdicts of the night say what the imported days of use say


def test_as_known_then_the_title_was_a_question_still(database: Database) -> None:
    """Dara said on 13 Nov what a title is: asked now, it was so in October already; as known then, it was open."""
    with database.reading() as connection:
        [acrobat] = connection.execute(select(Product.id).where(Product.key == "adobe-acrobat-pro")).scalars()
        [then] = positions(connection, why.known_on(LAST_MONTH, NOW), [acrobat])
        [today] = positions(connection, Times(LAST_MONTH, NOW, NOW), [acrobat])
    assert (number(then.position.consumed), then.position.undecided) == (19, 7)
    assert (number(today.position.consumed), today.position.undecided) == (23, 3)


def test_before_the_register_begins_nothing_is_known(database: Database) -> None:
    with database.reading() as connection:
        [copilot] = connection.execute(select(Product.id).where(Product.key == "microsoft-copilot")).scalars()
        [one] = positions(connection, Times(date(2015, 1, 1), NOW, NOW), [copilot])
    assert (one.position.entitled, one.position.consumed, one.position.surplus) == (None, None, None)


def test_titles_are_products_questions_or_nothing_that_counts(database: Database, filled: Filled) -> None:
    machines = inventory.load(filled.world.company)
    with database.reading() as connection:
        titles = connection.execute(select(*Title.__table__.c)).all()
        installed = connection.execute(select(func.count()).select_from(Installation)).scalar()
        devices = connection.execute(select(func.count()).select_from(Device)).scalar()
        provisional = connection.execute(select(Product.name).where(Product.provisional)).scalars().all()
        decided = connection.execute(
            select(func.count())
            .select_from(Event)
            .where(Event.tag == Tag.REGISTRY_CHANGED, Event.subject.startswith("title:"))
        ).scalar()
    assert (devices, installed) == (len(machines.machines), len(machines.copies))
    assert len(titles) == len({(one.raw_title, one.raw_publisher) for one in machines.copies})
    for one in titles:
        assert (one.product_id is not None) == (one.kind == Kind.PRODUCT), one.raw_title
        assert one.candidate_id is None or one.kind == Kind.ASK
    questions = {one.raw_title for one in titles if one.kind in (Kind.ASK, Kind.UNRECOGNISED)}
    assert questions >= {"Adobe Acrobat (64-bit)", "Docker Desktop", "IntelliJ IDEA 2025.3", "TeamViewer"}
    assert {"Empoche", "Google Chrome", "WinRAR"} <= set(provisional)
    assert decided == sum(one.decided_by_id is not None for one in titles) == 2


def test_nobody_is_offered_what_is_only_installed(database: Database, filled: Filled) -> None:
    with database.reading() as connection:
        named = {one.name for one in catalogue._products(connection)}
    assert named == {one.name for one in filled.world.company.products.values()}


def test_devices_stand_with_host_person_and_state(database: Database, filled: Filled) -> None:
    machines = {one.name: one for one in inventory.load(filled.world.company).machines}
    with database.reading() as connection:
        rows = {row.name: row for row in connection.execute(select(*Device.__table__.c))}
    assert rows.keys() == machines.keys()
    for name, row in rows.items():
        one = machines[name]
        assert (row.kind, row.site, row.state, row.cores) == (one.kind, one.site, one.state, one.cores)
        assert (row.person_id is None) == (one.person == "")
        assert (row.host_id is None) == (one.host == "") and (not one.host or row.host_id == rows[one.host].id)
        assert row.last_seen_at <= NOW
    silent = [
        row.name for row in rows.values() if NOW - row.last_seen_at > timedelta(days=30) and row.state != "retired"
    ]
    assert sorted(silent) == sorted(name for name, one in machines.items() if one.state == "stale")


def test_the_licence_manager_reads_the_story_in_slack(database: Database) -> None:
    """What are we short of, what do we waste, why did it change since last month, and which names wait."""
    with database.reading() as connection:
        found = figures.overview(connection, NOW)
        ids = dict(connection.execute(select(Product.name, Product.id)).tuples().all())
        acrobat = ids["Adobe Acrobat Pro"]
        details = figures.product_detail(connection, acrobat, NOW)
        steps = why.explain(connection, acrobat, LAST_MONTH, EXAMPLE_DAY, NOW)
        queue = unsettled(connection, NOW)
    assert found is not None
    short = render_text(position_views.rows(found, position_views.SHORT).blocks)
    assert "*Adobe Acrobat Pro* · *4 short* · 24 in use, 20 bought · at risk: €1,104.00" in short
    assert "*AutoCAD LT* · *3 short* · 3 in use, 0 bought · at risk: €1,650.00" in short
    assert "*Java SE Runtime Environment* · *3 short*" in short and "at risk: not known, no price is recorded" in short
    waste = render_text(position_views.rows(found, position_views.WASTE, 90).blocks)
    assert "*JetBrains All Products Pack* · *2 not needed* · 6 bought · US$1,558.00 a year" in waste
    assert "*Figma Professional* · *2 not needed* · 14 bought · US$360.00 a year" in waste
    assert "*Lucidchart Team* · *2 not needed* · 5 bought · price not known" in waste
    assert "DocuSign" not in waste, "a year that still runs wastes nothing"
    said = position_views.product("Adobe Acrobat Pro", details, acrobat).text
    assert said.startswith("Adobe Acrobat Pro: 20 bought, 24 in use, 4 short")
    assert "up to 3 more if names nobody settled are this" in said
    changed = render_text(
        position_views.why_form("Adobe Acrobat Pro", acrobat, steps, LAST_MONTH, EXAMPLE_DAY)["blocks"]
    )
    assert "Short went from 3 to 4: 5 more in use, 4 more bought." in changed and "*not explained*: 0" in changed
    assert queue[0].title == "Adobe Acrobat (64-bit)" and queue[0].guess == "Adobe Acrobat Pro"
    assert [one.commercial for one in queue] == sorted((one.commercial for one in queue), reverse=True)
