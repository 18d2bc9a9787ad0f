"""What is short, what is wasted and why it changed, asked and pressed in Slack; reported names settled there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, text

from model.contracts import Entitlement, Superseded
from model.events import Event, Tag
from model.inventory import Installation, PositionRow, PositionRun, Title
from model.licences import Product, Seat, Sku
from model.people import Device, Role, RoleGrant
from model.people import Person as Employee
from sandbox.blocks import validate_view
from sandbox.blocks_text import buttons, render_text
from sandbox.slack_person import Person
from tests.http.bot_desk import NOW, Desk, Fault, bot_desk
from tests.postgres.test_decide_together import at_once
from workflows import titles_settled
from workflows.positions import nightly
from workflows.positions.compute import positions
from workflows.positions.times import Times
from workflows.reads import positions as reads
from workflows.reads.names import version_of
from workflows.titles_settled import As, Settled, Word


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    with bot_desk(database_url) as found:
        for key in (1, 2, 4, 5):
            found.change(Employee, key, welcomed_at=NOW)
        stocked(found)
        yield found


def stocked(desk: Desk) -> None:
    """Miro runs on 14 devices and 12 were bought; "Visoi 2019" is what two devices report of something unknown."""
    ago = NOW - timedelta(days=60)
    numbers_follow(desk, "product", "publisher", "seat")
    for key in range(1, 7):
        desk.change(Entitlement, key, recorded_at=ago)
    desk.add(
        Title(id=1, raw_title="Miro", raw_publisher="Miro", kind="product", product_id=2, confidence=100,
              first_seen_at=ago, recorded_at=ago),
        Title(id=2, raw_title="Visoi <2019>", raw_publisher="Microsoft Corp.", kind="ask", candidate_id=3,
              confidence=62, first_seen_at=ago, recorded_at=ago),
        Title(id=3, raw_title="Helper Tool", raw_publisher="", kind="unrecognised", first_seen_at=ago,
              recorded_at=ago),
    )  # fmt: skip
    for number in range(1, 15):
        began = ago if number < 13 else NOW - timedelta(days=3)
        desk.add(
            Device(id=number, identity=f"D{number}", name=f"LYO-{number:04}", first_seen_at=ago, last_seen_at=NOW,
                   recorded_at=ago),
            Installation(device_id=number, title_id=1, source="agent", began_at=began, recorded_at=began),
        )  # fmt: skip
    for number, title in ((1, 2), (2, 2), (1, 3), (2, 3), (3, 3)):
        desk.add(Installation(device_id=number, title_id=title, source="agent", began_at=ago, recorded_at=ago))


def numbers_follow(desk: Desk, *tables: str) -> None:
    """PostgreSQL counts rows that were given their number by hand only when told to."""
    with desk.database.unit_of_work() as work:
        if work.connection.dialect.name == "postgresql":
            for table in tables:
                work.connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 1000)"))
        work.commit()


def window(person: Person) -> str:
    shown = person.modal()
    keys = ("type", "callback_id", "title", "blocks", "close", "submit")
    assert validate_view({key: shown[key] for key in keys if shown.get(key)}) == []
    return render_text(shown["blocks"])


def answer(person: Person, words: str) -> Any:
    assert person.command(f"/licence {words}")["ok"]
    return person.messages()[-1]


def at_home(desk: Desk, name: str) -> str:
    person = desk.person(name)
    person.open_home()
    desk.work()
    return render_text(person.home()["blocks"])


def test_the_licence_manager_reads_what_is_short_and_what_is_wasted(desk: Desk) -> None:
    dara = desk.person("dara")
    said = answer(dara, "position")
    words = render_text(said["blocks"])
    # Ana has a seat, 14 devices have no person: 15 against 12
    assert "*What are we short of?* 1 product is short, at risk: €936.00." in words
    assert "*Miro* · *3 short* · 15 in use, 12 bought · at risk: €936.00" in words
    assert "*What do we waste?*" in words and "a year" in words
    assert "US$300.00" in words and "€" in words and "Counted <!date" in words
    assert said["text"].startswith("Short: 1 product is short") and "Miro 3." in said["text"]
    heard = [one["accessibility_label"] for _, text, one in buttons(said["blocks"]) if text == "See it"]
    assert len(heard) == len(set(heard)) > 2
    dara.press("See Miro, short, row 1", in_message=said)
    assert "Miro: 12 bought, 15 in use, 3 short" in window(dara)
    assert answer(dara, "short")["text"].startswith("What are we short of? 1 product is short")
    assert answer(dara, "waste")["text"].startswith("What do we waste?")
    assert "`position` bought, free, short" in answer(dara, "help")["text"]


def test_one_product_says_how_it_came_about_and_why_it_changed(desk: Desk) -> None:
    dara = desk.person("dara")
    said = answer(dara, "position miro")
    assert said["text"].startswith("Miro: 12 bought, 15 in use, 3 short")
    words = render_text(said["blocks"])
    assert "12 bought" in words and "15 in use = 3 short" in words
    assert "• 12 units bought in 1 purchase" in words
    dara.press("Why did it change?", in_message=said)
    assert "from 23 Oct 2026 to 23 Nov 2026" in window(dara)
    assert "Short went from" in window(dara) and "*not explained*: 0" in window(dara)
    assert "• installed: −2" in window(dara)
    dara.fill(**{"from": "2026-11-23", "until": "2026-11-23"})
    assert dara.submit()["errors"] == {"from": "Choose a day up to 22 Nov 2026."}
    dara.fill(until="2027-01-01")
    assert dara.submit()["errors"] == {"until": "Choose a day up to 23 Nov 2026."}
    dara.fill(**{"from": "2026-11-21", "until": "2026-11-23"})
    assert dara.submit()["ok"]
    assert "from 21 Nov 2026 to 23 Nov 2026" in window(dara) and "*not explained*: 0" in window(dara)
    assert "installed" not in window(dara)


def test_why_it_changed_is_reached_from_home_through_the_whole_list(desk: Desk) -> None:
    """The list, all of it, the product, the reason: four windows, of which Slack stacks three."""
    for key in range(20, 26):
        desk.add(
            Product(id=key, publisher_id=1, name=f"Unused {key}", key=f"u-{key}", owner_id=4, granting="owner_task"),
            Sku(id=key, product_id=key, part_number=f"UNUSED{key}"),
            Entitlement(product_id=key, sku_id=key, contract_id=1, quantity=5, unit_price=Decimal(9), currency="EUR",
                        starts_on=date(2026, 4, 1), recorded_at=NOW - timedelta(days=60)),
        )  # fmt: skip
    at_home(desk, "dara")
    dara = desk.person("dara")
    dara.press("See positions", in_home=True)
    dara.press(next(text for _, text, _ in buttons(dara.modal()["blocks"]) if text.startswith("Show all")))
    dara.press("See it")
    dara.press("Why did it change?")
    assert "from 23 Oct 2026 to 23 Nov 2026" in window(dara)
    assert len(dara.screen()["modals"]) == 3
    dara.fill(**{"from": "2026-11-21", "until": "2026-11-23"})
    assert dara.submit()["ok"]
    assert "from 21 Nov 2026 to 23 Nov 2026" in window(dara)


def test_tiers_stand_apart_and_unknown_products_are_answered(desk: Desk) -> None:
    dara = desk.person("dara")
    words = render_text(answer(dara, "position visio")["blocks"])
    assert "Visio Plan 2, Plan 1: 5 bought, 0 in use, 5 free" in words
    assert "Visio Plan 2, Plan 2: 12 bought, 0 in use, 12 free" in words
    assert answer(dara, "position zzzqqq")["text"].startswith("Nothing called “zzzqqq”.")


def test_roles_that_may_read_and_one_that_may_not(desk: Desk) -> None:
    numbers_follow(desk, "role_grant")
    for number, role in enumerate(("it", "finance", "procurement", "auditor", "admin", "security"), start=50):
        desk.add(RoleGrant(id=number, person_id=1, role=role, began_at=NOW - timedelta(days=1)))
        said = answer(desk.person("ana"), "position")["text"]
        assert ("1 product is short" in said) is (role != "security"), role
        desk.change(RoleGrant, number, ended_at=NOW)


def test_others_are_told_whom_to_ask_and_owners_see_their_own(desk: Desk) -> None:
    ana, chitra = desk.person("ana"), desk.person("chitra")
    refused = "What the company has bought and uses is shown to those who look after licences: ask Dara Novak."
    for words in ("position", "position miro", "short", "waste"):
        assert answer(ana, words)["text"] == refused
    assert "position" not in answer(ana, "help")["text"]
    assert "1 product is short" in answer(chitra, "position")["text"]
    desk.change(Product, 2, owner_id=None)
    assert answer(chitra, "position")["text"].startswith("Short: Nothing is short.")
    assert answer(chitra, "position miro")["text"] == refused
    assert "position" in answer(chitra, "help")["text"]


def test_home_counts_what_is_short_and_what_to_settle(desk: Desk) -> None:
    words = at_home(desk, "dara")
    assert "*1 product short*" in words and "*2 software names to settle*" in words
    dara = desk.person("dara")
    dara.press("See positions", in_home=True)
    assert "*What are we short of?* 1 product is short" in window(dara)
    assert "software name" not in at_home(desk, "ana")


def test_a_name_is_settled_once_for_all_devices(desk: Desk) -> None:
    at_home(desk, "dara")
    dara = desk.person("dara")
    dara.press("Settle names", in_home=True)
    words = window(dara)
    assert words.index("Visoi &lt;2019&gt;") < words.index("Helper Tool"), "publishers the company buys from come first"
    assert "on 2 devices · best guess *Visio Plan 2*, 62% sure" in words and "no publisher reported" in words
    dara.press("Settle Visoi <2019>, number 1")
    assert "applies to 2 installations" in window(dara) and "Visoi <2019>" in window(dara)
    assert [one["text"]["text"] for one in dara.options("register", "miro")] == ["Miro"]
    before = desk.row(Title, id=2).recorded_at
    desk.later(timedelta(hours=1))
    dara.fill(register="3")
    assert dara.submit()["ok"]
    assert "*Visoi &lt;2019&gt;* is Visio Plan 2 now: applies to 2 installations." in window(dara)
    title = desk.row(Title, id=2)
    assert (title.kind, title.product_id, title.candidate_id, title.decided_by_id) == ("product", 3, None, 5)
    old = desk.row(Superseded)
    assert (old.table_name, old.row_id, old.recorded_at, old.superseded_at) == ("title", 2, before, desk.now)
    assert (old.facts["kind"], old.facts["candidate_id"]) == ("ask", 3)
    [event] = desk.rows(Event, tag=Tag.TITLE_DECIDED.value)
    assert (event.actor, event.subject) == ("person:5", "title:2")
    with desk.database.reading() as connection:
        then = Times(NOW.date(), NOW, desk.now)
        [visio] = [one.position for one in positions(connection, then, [3]) if one.subject.takes_devices]
        [now] = [one.position for one in positions(connection, Times.today(desk.now), [3]) if one.subject.takes_devices]
    assert (visio.consumed, visio.undecided, now.consumed, now.undecided) == (Decimal(0), 2, Decimal(2), 0), (
        "as known then still holds"
    )
    dara.close()
    assert "1 software name to settle" in window(dara), "the list beneath follows"


def test_a_name_stays_settled_when_the_list_beneath_cannot_be_drawn(desk: Desk) -> None:
    at_home(desk, "dara")
    dara = desk.person("dara")
    dara.press("Settle names", in_home=True)
    dara.press("Settle Visoi <2019>, number 1")
    dara.fill(register="3")
    desk.faults.add(Fault("unavailable", ".*", ".*/views.update", 1))
    assert dara.submit()["ok"]
    assert "is Visio Plan 2 now" in window(dara)
    assert desk.row(Title, id=2).product_id == 3


def test_a_new_product_and_something_that_is_none(desk: Desk) -> None:
    at_home(desk, "dara")
    dara = desk.person("dara")
    dara.press("Settle names", in_home=True)
    dara.press("Settle Helper Tool, number 2")
    assert "New product" in str(dara.modal()["blocks"]), "no guess: a new product is what is asked about"
    dara.fill(name="miro", publisher="Somebody", licence="free")
    assert "is in the register already" in dara.submit()["errors"]["name"]
    dara.fill(name="Helper")
    assert dara.submit()["ok"]
    product = desk.row(Product, name="Helper")
    assert (product.licence_model, product.key, product.provisional) == ("free", "helper", False)
    assert desk.row(Title, id=3).product_id == product.id
    dara.close()
    dara.press("Settle Visoi <2019>, number 1")
    dara.choose("settle_as", "nothing")
    assert "It leaves every count" in window(dara)
    assert dara.submit()["ok"]
    assert desk.row(Title, id=2).kind == "not_a_product"
    dara.close()
    assert "No software name waits." in window(dara)
    desk.work()
    assert "to settle" not in render_text(dara.home()["blocks"])


def test_an_older_window_and_a_lost_right_change_nothing(desk: Desk) -> None:
    at_home(desk, "dara")
    dara = desk.person("dara")
    dara.press("Settle names", in_home=True)
    dara.press("Settle Visoi <2019>, number 1")
    desk.change(Title, 2, kind="product", product_id=4, decided_by_id=4, recorded_at=NOW)
    dara.fill(register="3")
    dara.submit()
    assert "Chitra Rao settled this" in window(dara) and "your press changed nothing" in window(dara)
    assert desk.row(Title, id=2).product_id == 4
    dara.close()
    dara.press("Settle Helper Tool, number 2")
    desk.change(RoleGrant, 1, ended_at=NOW)
    dara.fill(name="Helper", publisher="Somebody")
    dara.submit()
    assert "is shown to those who look after licences" in window(dara)
    assert desk.row(Title, id=3).kind == "unrecognised" and desk.count(Superseded) == 0


def test_the_approval_card_says_what_is_in_use_then(desk: Desk) -> None:
    desk.ask("Miro", by="ben")
    card = desk.person("mia").message("asks for Miro")
    words = render_text(card["blocks"])
    assert "16 of 12 in use, 4 short; the licence register counts 1 of 12 seats in use now" in words
    assert "Purchases are then 4 short of what is in use." in words and "then 4 short" in card["text"]
    desk.ask("Planner")
    card = desk.person("ben").message("asks for Planner")
    assert "Purchases against use" not in render_text(card["blocks"]), "both agree: it is said once"


def test_the_form_says_short_beside_the_free_seats(desk: Desk) -> None:
    ana = desk.person("ana")
    ana.command("/licence request miro")
    assert "11 of 12 free, though 3 short with every device counted" in window(ana)


def test_the_nights_figures_stand_in_for_a_large_register(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reads, "MANY", 3)
    with desk.database.reading() as connection:
        assert reads.overview(connection, desk.now, wait=False) is None
        live = reads.overview(connection, desk.now)
    nightly.count(desk.database, desk.now)
    assert desk.count(PositionRun) == 1 and desk.count(PositionRow) > 3
    desk.later(timedelta(hours=2))
    desk.add(Installation(device_id=1, title_id=1, version="2", source="agent", began_at=NOW, recorded_at=NOW))
    desk.add(Seat(product_id=2, sku_id=2, person_id=2, began_at=NOW, recorded_at=NOW))
    with desk.database.reading() as connection:
        kept = reads.overview(connection, desk.now)
        own = reads.overview(connection, desk.now, [2])
    assert live is not None and kept is not None and own is not None
    assert kept.all == live.all and kept.counted_at == NOW
    assert [one.short for one in own.short] == [4], "a few products are always counted anew"
    with desk.database.unit_of_work() as work:
        assert work.connection.execute(select(PositionRun.kind)).scalar_one() == "nightly"


def test_two_who_settle_a_name_at_once_leave_one_word(desk: Desk) -> None:
    desk.add(RoleGrant(id=60, person_id=4, role="it", began_at=NOW - timedelta(days=1)))
    version = version_of(desk.row(Title, id=2).recorded_at)

    def settle(by: int, role: Role, product_id: int) -> Callable[[], Settled]:
        def act() -> Settled:
            with desk.database.unit_of_work() as work:
                done = titles_settled.settle(work, 2, version, Word(As.KNOWN, product_id), by, {role}, NOW)
                work.commit()
            return done

        return act

    outcomes = at_once([settle(5, Role.LICENCE_MANAGER, 3), settle(4, Role.IT, 4)])
    assert sorted(type(one).__name__ for one in outcomes) == ["AlreadyDecided", "Settled"]
    assert desk.count(Superseded) == 1 and len(desk.rows(Event, tag=Tag.TITLE_DECIDED.value)) == 1
    title = desk.row(Title, id=2)
    assert (title.decided_by_id, title.product_id) in {(5, 3), (4, 4)}
