"""The whole sync against the stand-in: what it stores, how it degrades in words, and what bad input does not remove."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from bot import cli_position_vendor
from integrations.graph_listing import Expired
from model.events import Event, Tag
from model.licences import Seat, Sku
from model.people import Person
from model.positions import seat_figures
from model.sync import SyncProgress, VendorSku
from model.tickets import SyncRun
from model.usage import LicensingGroup, VendorSubscription
from sandbox.graph_directory import USER
from tests.http.sandbox_graph_tenant import E5, VISIO
from tests.http.sync_desk import Desk, desk
from workflows.perform_m365 import Reading
from workflows.reads.vendor import standings

WATCHED = ("sign_in", "m365_active", "m365_apps", "mailbox", "teams")
P0 = "p0@contoso.example"


@pytest.fixture
def made(tmp_path: Path, sqlite_url: str) -> Iterator[Desk]:
    with desk(tmp_path, sqlite_url) as ready:
        yield ready


def test_one_run_reads_people_seats_use_subscriptions_and_groups(tmp_path: Path, database_url: str) -> None:
    with desk(tmp_path, database_url) as made:
        directory = made.tenant.directory
        directory.add_sku(VISIO, 1)
        group = directory.add_group("Visio users", licences=[VISIO], members=["p1@contoso.example"], synced=True)
        directory.set_manager(P0, "p1@contoso.example")
        directory.add_user(
            "room@contoso.example", "Room 1", usage={"Recipient Type": "Room", "Exchange": "2026-01-02"}, seats=[E5]
        )
        made.register(VISIO, "visio")
        assert made.sync() == "done"
        assert len(made.people()) == 6 and ("p1@contoso.example", f"group:{group}") in made.seats()
        assert (P0, "direct") in made.seats()
        assert made.use("sign_in")[P0] == (
            date(2026, 1, 10),
            {"success": "2026-01-10T08:00:00+00:00", "interactive": None, "non_interactive": None},
        )
        assert made.use("m365_active")[P0][0] == date(2026, 1, 12)
        assert "Outlook" in made.use("m365_apps")[P0][1]["apps"]
        assert set(made.use("mailbox")[P0][1]) == {"bytes", "archive", "recipient_type"}
        assert {made.health()[source] for source in WATCHED} == {"fine"}
        [(name, obstacle)] = made.rows(select(LicensingGroup.name, LicensingGroup.obstacle))
        assert (name, obstacle) == ("Visio users", "synced")
        assert {row[0] for row in made.rows(select(VendorSku.name))} == {"Microsoft 365 E5", "Visio Plan 2"}
        assert len(made.rows(select(VendorSubscription.id))) == 2
        people = {row.email: row for row in made.rows(select(Person.email, Person.account, Person.account_since))}
        assert people["room@contoso.example"].account == "room" and people[P0].account == "user"
        assert people[P0].account_since is not None
        run = made.run()
        assert (run.outcome, run.counts["seen"], run.counts["added"], run.counts["seats_opened"]) == ("done", 6, 6, 7)
        assert made.staged() == 0
        assert len(made.rows(select(Event.id).where(Event.tag == Tag.SYNC_COMPLETED))) == 1
        assert made.sync() == "done"  # the same again changes nothing
        again = made.run().counts
        assert (again["added"], again["changed"], again["seats_opened"], again["seats_closed"]) == (0, 0, 0, 0)


def test_a_run_takes_the_fewest_requests(made: Desk) -> None:
    made.sync()
    asked = made.asked()
    assert asked.count("GET /v1.0/users") == 1
    assert sum("/reports/" in one for one in asked) == sum("/reports-download/" in one for one in asked) == 4
    assert (
        len([one for one in asked if one.startswith("GET /v1.0/")]) == 1 + 1 + 1 + 1 + 1 + 4
    )  # Copilot: no seat, no call


# -- throttling, kills, links ------------------------------------------------------------------------------------------


@pytest.fixture
def paged(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Pages of two people: the tenant takes no $top."""
    monkeypatch.setattr("sandbox.graph_users._page_size", lambda *_: 2)
    with desk(tmp_path, sqlite_url) as ready:
        yield ready


def links(made: Desk) -> list[str]:
    return [one["path"] for one in made.tenant.traffic.since() if one["path"].startswith("/v1.0/users?")]


def test_asked_to_wait_the_job_goes_on_later_from_the_stored_page(paged: Desk) -> None:
    paged.order()
    worker = paged.worker()
    paged.tenant.fault("throttled", times=1, retry_after=40, path="/v1.0/reports/")
    paged.tenant.fault("throttled", times=1, retry_after=60, path=r"/v1.0/users$")
    worker.drain()
    assert paged.job() == "ready" and not paged.people()
    before = len(links(paged))
    paged.tenant.forward(seconds=61)
    worker.drain()
    assert paged.job() == "ready" and len(paged.people()) == 5  # now the reports asked us to wait
    paged.tenant.forward(seconds=61)
    worker.drain()
    assert paged.job() == "done"
    assert len(links(paged)) == before + 3
    assert paged.run().counts["seen"] == 5


def test_a_page_may_be_empty_and_go_on(paged: Desk) -> None:
    paged.tenant.fault("empty_page", times=2, path=r"/v1.0/users$")
    assert paged.sync() == "done"
    assert len(paged.people()) == 5


def test_a_foreign_next_link_stops_the_run_and_removes_nothing(made: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    made.sync()
    monkeypatch.setattr("sandbox.graph_users._page_size", lambda *_: 2)
    monkeypatch.setattr("sandbox.graph_users.root", lambda: "https://evil.example.test/v1.0")
    people, seats = made.people(), made.seats()
    made.tenant.forward(hours=2)
    assert made.sync() == "parked"
    assert (made.people(), made.seats()) == (people, seats)
    assert made.run().outcome == "failed" and "another host" in made.run().words
    assert made.staged() == 0


def test_a_page_link_that_grew_too_old_begins_anew(paged: Desk) -> None:
    paged.order()
    paged.tenant.fault("throttled", times=1, retry_after=60, path=r"/v1.0/users$")
    paged.worker().drain()
    with paged.database.unit_of_work() as work:
        row = work.session.get(SyncProgress, "m365")
        assert row is not None
        stale = f"{paged.tenant.graph.graph_url}/users?$skiptoken=stale"
        row.state = dict(row.state) | {"step": "people", "link": stale, "seen": 2,
                                       "form": {"sign_in": True, "managers": True, "top": 500, "only": ""}}  # fmt: skip
        work.commit()
    paged.tenant.forward(seconds=61)
    paged.worker().drain()
    assert paged.job() == "done"
    assert (len(paged.people()), paged.run().counts["seen"]) == (5, 5)


def test_another_job_waits_while_a_reading_is_under_way_and_takes_over_from_one_given_up(paged: Desk) -> None:
    paged.order()
    paged.tenant.fault("throttled", times=1, retry_after=600, path=r"/v1.0/users$")
    paged.worker().drain()
    paged.order("sync.people")
    worker = paged.worker("other")
    for seconds in (601, 61, 61):
        paged.tenant.forward(seconds=seconds)
        worker.drain()
    outcomes = [row[0] for row in paged.rows(select(SyncRun.outcome).order_by(SyncRun.id))]
    assert outcomes == ["done", "done"] and len(paged.people()) == 5


# -- what a source cannot tell -----------------------------------------------------------------------------------------


def test_without_entra_p1_it_is_tried_a_few_times_and_then_done_without(made: Desk) -> None:
    made.tenant.fault("non_premium")
    made.order()
    worker = made.worker()
    for _ in range(3):
        worker.drain()
        made.tenant.forward(seconds=21)
    assert made.job() == "done"
    assert made.health()["sign_in"] == "no_licence" and "P1" in made.words("sign_in")
    assert made.use("sign_in") == {} and made.use("m365_active")
    refused = [one for one in made.tenant.traffic.since() if one["status"] == 403]
    assert len(refused) == 3
    made.sync()  # known by now: one try
    assert len([one for one in made.tenant.traffic.since() if one["status"] == 403]) == 4


def test_a_premium_tenant_that_refused_once_keeps_its_sign_ins(made: Desk) -> None:
    made.tenant.fault("non_premium", times=1)
    made.order()
    worker = made.worker()
    worker.drain()
    made.tenant.forward(seconds=21)
    worker.drain()
    assert made.health()["sign_in"] == "fine"


@pytest.mark.parametrize(
    ("fault", "facts", "state"),
    [("concealed", {}, "concealed"), ("stale_reports", {"days": 20}, "stale"), ("short_columns", {}, "fine")],
)
def test_reports_that_hide_age_or_lack_columns_say_so(
    made: Desk, fault: str, facts: dict[str, int], state: str
) -> None:
    made.tenant.fault(fault, **facts)
    assert made.sync() == "done"
    assert made.health()["mailbox"] == state
    assert made.health()["sign_in"] == "fine"
    assert bool(made.use("mailbox")) is (state != "concealed")
    if state == "concealed":
        assert not any("/reports/" in one for one in made.asked())


def test_hidden_names_are_seen_in_the_report_where_the_setting_may_not_be_read(tmp_path: Path, sqlite_url: str) -> None:
    clients = {"half": {"secret": "example-secret", "roles": [
        "LicenseAssignment.Read.All", "User.Read.All", "Reports.Read.All"]}}  # fmt: skip
    with desk(tmp_path, sqlite_url, client="half", more=clients) as made:
        made.tenant.fault("concealed")
        assert made.sync() == "done"
        assert made.health()["teams"] == "concealed" and not made.use("teams")


def test_missing_permissions_are_named_and_cost_only_what_needs_them(tmp_path: Path, sqlite_url: str) -> None:
    clients = {"bare": {"secret": "example-secret", "roles": ["LicenseAssignment.Read.All", "User.Read.All"]}}
    with desk(tmp_path, sqlite_url, client="bare", more=clients) as made:
        made.tenant.directory.add_group("Licensed", licences=[E5], members=[P0])
        assert made.sync() == "done"
        assert len(made.people()) == 5
        said = {source: made.words(source) for source in ("sign_in", "teams", "groups", "subscriptions")}
        for source, permission in (
            ("sign_in", "AuditLog.Read.All"),
            ("teams", "Reports.Read.All"),
            ("groups", "GroupMember.Read.All"),
            ("subscriptions", "Organization.Read.All"),
        ):
            assert made.health()[source] == "no_permission" and permission in said[source]
        assert made.use("sign_in") == {}


@pytest.mark.parametrize("fault", ["no_rows", "odd_columns"])
def test_a_report_without_rows_or_with_unknown_columns_is_not_used(made: Desk, fault: str) -> None:
    made.sync()
    before = made.use("teams")
    made.tenant.fault(fault)
    assert made.sync() == "done"
    assert {made.health()[source] for source in WATCHED[1:]} == {"unreadable"}
    assert made.use("teams") == before


def test_copilot_has_a_report_of_its_own(made: Desk) -> None:
    copilot = made.tenant.directory.add_sku("Microsoft_365_Copilot", 3)
    made.tenant.directory.add_user(
        "pilot@contoso.example", "Pilot", seats=[copilot], usage={"Word Copilot": "2026-02-03", "Teams": "2026-03-03"}
    )
    assert made.sync() == "done"
    assert made.use("copilot") == {"pilot@contoso.example": (date(2026, 2, 3), {"apps": {"Word": "2026-02-03"}})}
    assert made.use("teams")["pilot@contoso.example"][0] == date(2026, 3, 3)


# -- nothing is removed by mistake -------------------------------------------------------------------------------------


def test_a_sku_that_vanished_is_marked_and_its_seats_stay(made: Desk) -> None:
    made.sync()
    seats = made.seats()
    made.tenant.store.drop("graph.sku", E5)
    made.tenant.forward(hours=2)
    assert made.sync() == "done"
    [(gone_at,)] = made.rows(select(VendorSku.gone_at))
    assert gone_at is not None and made.seats() == seats


def test_licences_that_vanish_all_at_once_stop_the_run(made: Desk) -> None:
    made.sync()
    seats = made.seats()
    for document in made.tenant.store.all("graph.user"):
        made.tenant.directory.write("graph.user", document | {"licences": []})
    made.tenant.forward(hours=2)
    assert made.sync() == "parked"
    assert made.seats() == seats and "5 of 5 seats" in made.run().words
    assert made.sync(accept=True) == "done"
    assert made.seats() == []


def test_a_licence_that_graph_explains_by_no_path_is_left_alone(made: Desk) -> None:
    made.sync()
    user = made.tenant.store.get("graph.user", made.tenant.directory.user_key(P0) or "")
    assert user is not None
    for entry in user["licences"]:
        entry["unlisted"] = True
    made.tenant.directory.write("graph.user", user)
    made.tenant.forward(hours=2)
    assert made.sync() == "done"
    assert (P0, "direct") in made.seats()


def test_a_reading_that_ended_early_changes_nothing(paged: Desk) -> None:
    paged.sync()
    people = paged.people()
    paged.tenant.fault("cut_short", times=1)
    assert paged.sync() == "parked"
    assert paged.run().outcome == "stopped" and "ended early: 2 of 5" in paged.run().words
    assert paged.people() == people
    assert len(paged.rows(select(Event.id).where(Event.tag == Tag.SYNC_STOPPED))) == 1


def test_a_first_reading_that_ended_early_keeps_who_was_read_and_says_so(paged: Desk) -> None:
    """Of a first reading nobody can be closed: it begins with the next, and the trail holds who came when."""
    paged.tenant.fault("cut_short", times=1)
    assert paged.sync() == "parked"
    assert len(paged.people()) == 2 and len(paged.seats()) == 2
    assert "ended early: 2 of 5 people. Who was read is kept" in paged.run().words
    [(told,)] = paged.rows(select(Event.facts).where(Event.tag == Tag.SYNC_STOPPED))
    assert json.loads(told) == {"seen": 2, "added": 2, "seats_opened": 2}
    assert paged.sync() == "done"
    assert len(paged.people()) == 5 and len(paged.seats()) == 5 and paged.run().counts["added"] == 3


def too_old() -> None:
    raise Expired


def test_a_first_reading_begun_anew_that_ended_early_says_who_was_kept(paged: Desk) -> None:
    paged.before_page(2, too_old)
    paged.before_page(4, lambda: paged.tenant.fault("cut_short", times=1))
    paged.order()
    paged.worker().drain()
    assert paged.run().outcome == "stopped" and "Who was read is kept" in paged.run().words and paged.people()


def test_a_product_registered_during_a_first_reading_gets_its_seats(
    made: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.tenant.directory.add_sku(VISIO, 5)
    made.tenant.directory.add_user("draws@contoso.example", "Draws", seats=[VISIO])
    check = Reading._check

    def registered_first(reading: Reading) -> None:
        made.register(VISIO, "visio")
        check(reading)

    monkeypatch.setattr(Reading, "_check", registered_first)
    assert made.sync() == "done"
    assert ("draws@contoso.example", "direct") in made.seats()


def test_new_people_of_a_reading_that_was_stopped_are_nobody_of_ours(made: Desk) -> None:
    """The directory of another tenant, say: whoever it shows is added only when what we know is there too."""
    made.sync()
    directory, before = made.tenant.directory, made.people()
    for number in range(5):
        directory.delete_user(directory.user_key(f"p{number}@contoso.example") or "")
        directory.add_user(f"stranger{number}@contoso.example", f"Stranger {number}", seats=[E5])
    assert made.sync() == "parked" and made.run().outcome == "stopped"
    assert made.people() == before


# -- changes -----------------------------------------------------------------------------------------------------------


def test_changes_bring_joiners_leavers_and_renames_without_reading_everybody(made: Desk) -> None:
    directory = made.tenant.directory
    made.sync()
    directory.add_user("new@contoso.example", "New One", seats=[E5])
    directory.change_user(P0, displayName="Person Zero", mail="zero@contoso.example")
    directory.delete_user(directory.user_key("p4@contoso.example") or "")
    made.tenant.forward(hours=2)
    before = len(links(made))
    assert made.sync("sync.m365_changes") == "done"
    assert len(links(made)) == before
    people = made.people()
    assert people["new@contoso.example"] and people["zero@contoso.example"] and not people["p4@contoso.example"]
    assert len([one for one in people.values() if one]) == 5
    assert ("new@contoso.example", "direct") in made.seats()
    assert not [one for one in made.seats() if one[0] == "p4@contoso.example"]
    assert made.sync("sync.m365_changes") == "done"  # nothing more since
    assert made.run().counts["seen"] == 0 and made.people() == people


def test_the_name_a_person_signs_in_with_is_kept_beside_the_mail_address(made: Desk) -> None:
    def names() -> dict[str, str]:
        return dict(made.rows(select(Person.email, Person.upn)))

    directory = made.tenant.directory
    new = directory.add_user("New.One@contoso.example", "New One", mail="n.one@contoso.example")
    made.sync()
    assert names()["n.one@contoso.example"] == "new.one@contoso.example" and names()[P0] == P0
    directory.change_user(new, userPrincipalName="N.Married@contoso.example")
    made.tenant.forward(hours=2)
    assert made.sync("sync.m365_changes") == "done"
    assert names()["n.one@contoso.example"] == "n.married@contoso.example"


def test_what_is_switched_off_in_a_seat_is_kept_as_it_was_read(made: Desk) -> None:
    def off() -> dict[str, str | None]:
        query = select(Person.email, Seat.off).join(Seat, Seat.person_id == Person.id).where(Seat.ended_at.is_(None))
        return dict(made.rows(query))

    directory = made.tenant.directory
    sway, teams = "a23b959c-7ce8-4e57-9140-b90eb88a9e97", "57ff2da0-773e-42df-b2af-ffb7a2317929"

    def switch(*plans: str) -> None:
        document = directory.store.get(USER, directory.user_key(P0) or "")
        assert document is not None
        document["licences"][0]["disabledPlans"] = [one.upper() for one in plans]
        directory.write(USER, document)

    switch(teams, sway)
    made.sync()
    assert off()[P0] == f"{teams},{sway}" and off()["p1@contoso.example"] == ""
    switch(teams)
    made.tenant.forward(hours=2)
    assert made.sync("sync.m365_changes") == "done"
    assert off()[P0] == teams
    switch()
    made.sync()
    assert off()[P0] == ""


@pytest.mark.parametrize("how", ["reset", "week"])
def test_changes_that_cannot_be_told_any_more_are_a_full_reading(made: Desk, how: str) -> None:
    made.sync()
    made.tenant.directory.add_user("new@contoso.example", "New One")
    if how == "reset":
        made.tenant.fault("delta_reset", times=1)
    else:
        made.tenant.forward(days=8)
    assert made.sync("sync.m365_changes") == "done"
    assert made.people()["new@contoso.example"] and made.run().source == "directory"


def test_on_schedule_changes_wait_for_a_first_full_reading(made: Desk) -> None:
    assert made.sync("sync.m365_changes", schedule="directory changes") == "done"
    assert not made.people() and not links(made)


def test_a_person_deleted_between_two_reads_is_removed_by_the_next_change_only(made: Desk) -> None:
    made.sync()
    directory = made.tenant.directory
    directory.change_user(P0, displayName="Person Zero")
    key = directory.user_key(P0) or ""
    made.tenant.fault("batch_gone", path=key)
    made.tenant.forward(hours=2)
    assert made.sync("sync.m365_changes") == "done"
    assert made.people()[P0] and (P0, "direct") in made.seats()


def test_upper_case_ids_are_one_person_and_one_seat(tmp_path: Path, sqlite_url: str) -> None:
    with desk(tmp_path, sqlite_url, people=0) as made:
        identity = "ABCDEF00-0000-4000-8000-000000000001"
        made.tenant.directory.add_user(
            P0, "Person 0", id=identity, sign_in={"lastSuccessfulSignInDateTime": "0001-01-01T00:00:00Z"}
        )
        made.tenant.directory.grant(P0, E5, sku_id_as=E5.upper())
        for _ in range(2):
            assert made.sync() == "done"
        assert made.seats() == [(P0, "direct")]
        assert made.use("sign_in")[P0] == (None, {"success": None, "interactive": None, "non_interactive": None})
        [(directory_id,)] = made.rows(select(Person.directory_id))
        assert directory_id == identity.lower()


def test_signals_older_than_ninety_days_are_forgotten(made: Desk) -> None:
    made.sync()
    made.tenant.directory.delete_user(made.tenant.directory.user_key(P0) or "")
    made.tenant.forward(days=91)
    assert made.sync() == "done"
    assert P0 not in made.use("teams") and len(made.use("teams")) == 4


def test_seats_found_by_a_reading_are_not_counted_twice_until_the_next_figures(made: Desk) -> None:
    """Figures are read first; what the reading then shows was true at that time and is in them already."""
    made.sync()
    [(sku_id,)] = made.rows(select(Sku.id))
    with made.database.reading() as connection:
        figures = seat_figures(connection, [sku_id], made.now().date())[sku_id]
        [stands] = standings(connection, made.now().date())
    assert (figures.enabled, figures.consumed, figures.free) == (50, 5, 45)
    assert (stands.name, stands.standing.free, stands.standing.over) == ("Microsoft 365 E5", 45, 0)
    assert next(iter(cli_position_vendor.lines([stands]))).startswith(
        "  Microsoft: Microsoft 365 E5 (SPE_E5): 5 of 50 in use, 45 free, "
    )


def test_two_subscriptions_of_one_sku_keep_the_nearest_date_and_one_without_a_date(made: Desk) -> None:
    two = (
        {"totalLicenses": 3, "nextLifecycleDateTime": None, "status": "Enabled"},
        {"totalLicenses": 2, "status": "Warning"},
    )
    made.tenant.directory.add_sku(VISIO, 3, warning=2, status="Warning", subscriptions=two)
    made.tenant.directory.add_sku("WINDOWS_STORE", 9, applies_to="Company")
    assert made.sync() == "done"
    bought = select(VendorSubscription).where(VendorSubscription.sku_guid == VISIO).order_by(VendorSubscription.units)
    rows = made.rows(bought.with_only_columns(*VendorSubscription.__table__.columns))
    assert [(row.units, row.status, row.next_change_on is None) for row in rows] == [
        (2, "Warning", False), (3, "Enabled", True)
    ]  # fmt: skip
    with made.database.reading() as connection:
        found = {one.name: one.standing for one in standings(connection, made.now().date())}
    assert "Microsoft states no end of the term" in found["Visio Plan 2"].words
    assert any("a subscription of 2 units is past its term" in words for words in found["Visio Plan 2"].words)
    assert len(found) == 2  # what is for the whole company is given to nobody
    [late] = [one for one in made.tenant.store.all("graph.subscription") if one["status"] == "Warning"]
    made.tenant.store.drop("graph.subscription", str(late["id"]).lower())
    assert made.sync() == "done"
    gone = made.rows(select(VendorSubscription.status).where(VendorSubscription.gone_at.is_not(None)))
    assert [row.status for row in gone] == ["Warning"]


def test_an_overused_sku_that_the_register_does_not_know_is_named(made: Desk) -> None:
    made.tenant.directory.add_sku(VISIO, 1, warning=1)
    for number in range(3):
        made.tenant.directory.grant(f"p{number}@contoso.example", VISIO)
    made.sync()
    with made.database.reading() as connection:
        found = standings(connection, made.now().date())
    lines = list(cli_position_vendor.unknown(found))
    assert lines[0].strip() == "Held at Microsoft and not in the register (1 SKU):"
    assert "Visio Plan 2 (VISIOCLIENT): 3 of 1 in use" in lines[1]
    [visio] = [one for one in found if one.product_id is None]
    assert (visio.standing.free, visio.standing.over) == (-2, 2)
    assert "  Microsoft: Visio Plan 2 (VISIOCLIENT): 3 of 1 in use, 2 too many, " in next(
        iter(cli_position_vendor.lines([visio]))
    )


def test_a_long_reading_takes_turns_and_costs_no_page_twice(paged: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop of the service waits for one turn at most, not for two hundred thousand people."""
    monkeypatch.setattr("workflows.perform_m365_state.TURN_SECONDS", -1.0)  # over at once: a page a turn
    paged.order()
    worker = paged.worker()
    turns = 0
    while paged.job() != "done":
        assert worker.run_once() == 1
        turns += 1
    assert turns > 10 and len(links(paged)) == 3
    assert len(paged.people()) == 5 and paged.run().counts["seen"] == 5
