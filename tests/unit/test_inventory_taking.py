"""Inventories into the register: lists open and close installations, devices are told apart, sources are watched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from model.alerts import DeviceIdentity, DeviceReport, InstalledKey, InventorySource, SourceState
from model.contracts import Superseded
from model.inventory import Installation, Title
from model.people import Device, Role
from tests.unit.inventory_desk import (
    NOW,
    PHOTOSHOP,
    SEVEN_ZIP,
    VISIO,
    Desk,
    desk,
    licence,
    person,
    report,
    sample,
)
from workflows.inventory import stale
from workflows.inventory.report import Report, Software
from workflows.inventory_sources import accept_baseline
from workflows.permissions import NotForYou
from workflows.policy import InventoryRules
from workflows.refusals import AlreadyDecided
from workflows.register.history import table_of

UUID = "4c4c4544-0042-4a10-8053-b4c04f4e3732"


@pytest.fixture
def office(sqlite_url: str) -> Iterator[Desk]:
    with desk(sqlite_url) as made:
        yield made


def local(text: str) -> datetime:
    """A time as an agent writes it, without its zone."""
    return datetime.fromisoformat(text)


# what a list says


def test_a_first_list_opens_its_titles_and_a_later_one_closes_what_it_no_longer_shows(office: Desk) -> None:
    first = office.take(report(PHOTOSHOP, VISIO))
    assert (first.new, first.opened, first.closed) == (True, 2, 0)
    then = office.now
    second = office.take(report(VISIO, SEVEN_ZIP))
    assert (second.new, second.opened, second.closed) == (False, 1, 1)
    assert office.open_titles(first.device_id) == {VISIO.title, SEVEN_ZIP.title}
    rows = office.rows(Installation, "source", "began_at", "ended_at", "end_recorded_at")
    assert rows[0] == ("fusioninventory", then, office.now, office.now)
    assert office.woken == 2


def test_an_update_closes_the_former_version_and_opens_the_new_one(office: Desk) -> None:
    office.take(report(VISIO))
    office.take(report(VISIO._replace(version="16.0.15000")))
    assert [(version, ended is None) for version, ended in office.rows(Installation, "version", "ended_at")] == [
        ("16.0.14332", False),
        ("16.0.15000", True),
    ]
    assert len(office.rows(Title, "id")) == 1


def test_an_unchanged_inventory_writes_the_device_and_its_report_only(office: Desk) -> None:
    taken = office.take(report(VISIO, PHOTOSHOP))
    before, jobs = office.sizes(), office.jobs()
    office.take(report(PHOTOSHOP, VISIO))  # the order of a list means nothing
    assert office.sizes() == before | {"device_report": 2}
    assert office.jobs() == jobs and len(jobs) == 1
    assert office.device(taken.device_id)["last_seen_at"] == office.now
    for _ in range(12):
        office.take(report(PHOTOSHOP, VISIO))
    assert office.sizes() == before | {"device_report": 10}


def test_the_job_that_looks_for_alerts_names_products_that_came_and_went(office: Desk) -> None:
    device_id = office.take(report(VISIO)).device_id
    office.take(report())
    [came, went] = office.jobs()
    assert came == went and came["products"]
    assert len(came["products"]) == 1
    assert office.open_titles(device_id) == set()  # a list that is there and empty says that nothing is installed


def test_a_row_of_a_file_is_handed_over_to_the_agent_that_sees_the_same(office: Desk) -> None:
    device_id = office.take(report(VISIO)).device_id
    with office.database.unit_of_work() as work:
        title_id, version = office.rows(Installation, "title_id", "version")[0]
        table = table_of(Installation)
        work.connection.execute(table.update().values(source="import", authorised_by="baseline"))
        work.commit()
    office.take(report(VISIO, SEVEN_ZIP))
    rows = office.rows(Installation, "title_id", "version", "source", "ended_at", "authorised_by")
    assert rows[0] == (title_id, version, "import", office.now, "baseline")
    assert rows[1] == (title_id, version, "fusioninventory", None, "baseline")
    office.take(report(SEVEN_ZIP))
    assert office.open_titles(device_id) == {SEVEN_ZIP.title}


def test_two_agents_on_one_machine_do_not_close_what_the_other_sees(office: Desk) -> None:
    device_id = office.take(report(VISIO, uuid=UUID)).device_id
    ocs = report(PHOTOSHOP, source="ocs", uuid=UUID, deviceid="PC-7-2026-02-02-02-02-02")
    assert office.take(ocs).device_id == device_id
    assert office.open_titles(device_id) == {VISIO.title, PHOTOSHOP.title}
    for _ in range(10):
        office.take(ocs)
    office.take(replace(ocs, software=(PHOTOSHOP, SEVEN_ZIP)))  # the other was taken off ten reports ago
    assert office.open_titles(device_id) == {PHOTOSHOP.title, SEVEN_ZIP.title}


# partial inventories


def test_the_measured_sequence_of_a_glpi_agent_neither_loses_nor_invents_anything(office: Desk) -> None:
    full = sample("glpi-agent-1.12-full.json", collected=None)
    quiet = sample("glpi-agent-1.12-partial-no-software.json", collected=None)
    changed = sample("glpi-agent-1.12-partial-software.json", collected=None)
    assert full.software and changed.software
    first = office.take(full)
    listed_at = office.now
    before = office.open_titles(first.device_id)
    assert len(before) == len({one.title for one in full.software})
    second = office.take(quiet)
    assert (second.device_id, second.opened, second.closed) == (first.device_id, 0, 0)
    device = office.device(first.device_id)
    assert (device["software_at"], device["last_seen_at"]) == (listed_at, office.now)
    assert (device["cores"], device["system"]) == (2, "Debian GNU/Linux 12 (bookworm) 12.11")
    third = office.take(changed)
    assert office.open_titles(first.device_id) == {one.title for one in changed.software}
    assert third.opened == len(set(changed.software) - set(full.software))
    assert third.closed == len(set(full.software) - set(changed.software))
    assert office.device(first.device_id)["software_at"] == office.now
    office.take(quiet)
    assert office.take(changed).opened == 0
    assert office.take(full).closed == third.opened


@pytest.mark.parametrize("partial", [True, False])
def test_a_report_without_a_list_removes_nothing(office: Desk, partial: bool) -> None:
    device_id = office.take(report(VISIO)).device_id
    office.take(report(partial=partial, software=None))
    assert office.open_titles(device_id) == {VISIO.title}
    assert [software for (software,) in office.rows(DeviceReport, "software")] == [True, False]


# older inventories


def test_an_older_inventory_is_history_and_overwrites_nothing(office: Desk) -> None:
    device_id = office.take(report(VISIO, system="Microsoft Windows 11 Pro")).device_id
    first_seen = office.now
    before = office.device(device_id)
    then = local("2026-10-01 09:00")
    old = report(
        VISIO, PHOTOSHOP, system="Microsoft Windows 10 Pro", collected=then, offset="+0000", keys=(licence("A" * 25),)
    )
    taken = office.take(old)
    assert taken.older and taken.device_id == device_id
    assert office.open_titles(device_id) == {VISIO.title}
    assert office.device(device_id) == before | {"first_seen_at": then.replace(tzinfo=UTC)}
    past = [row for row in office.rows(Installation, "began_at", "ended_at") if row[1] is not None]
    assert past == [(then.replace(tzinfo=UTC), first_seen)] * 2
    assert office.jobs() and len(office.jobs()) == 1
    assert office.take(old).opened == 0  # and once only


@pytest.mark.parametrize(
    ("collected", "offset", "at"),
    [
        ("2026-11-23 08:50", "+0000", NOW),  # on its way
        ("2026-11-23 09:50", "+0100", NOW),
        ("2026-11-22 22:00", "", NOW),  # without a zone it may be now
        ("2026-11-23 06:00", "+0000", datetime(2026, 11, 23, 6, tzinfo=UTC)),
        ("2026-11-20 06:00", "+0200", datetime(2026, 11, 20, 4, tzinfo=UTC)),
        ("2026-11-20 06:00", "", datetime(2026, 11, 20, 6, tzinfo=UTC)),
        ("1980-01-01", "+0000", NOW),  # a clock that stopped
        ("2031-01-01", "+0000", NOW),
        ("2026-11-20 06:00", "+9900", datetime(2026, 11, 20, 6, tzinfo=UTC)),
        ("", "+0000", NOW),
    ],
)
def test_when_a_report_is_of(collected: str, offset: str, at: datetime) -> None:
    assert report(collected=local(collected) if collected else None, offset=offset).at(NOW) == at


# which device it is


def test_a_device_is_found_again_by_whatever_stays(office: Desk) -> None:
    one = report(VISIO, uuid=UUID, serial="S-1", agent_id="a-1")
    device_id = office.take(one).device_id
    several: tuple[dict[str, Any], ...] = (
        {"deviceid": "PC-7-2026-06-06-06-06-06", "agent_id": "a-2"},  # set up anew
        {"name": "PC-8"},  # renamed
        {"uuid": "", "serial": ""},  # an agent without the right to read them
        {"agent_id": "", "deviceid": "PC-7-2026-08-08-08-08-08", "uuid": ""},
    )
    for changes in several:
        taken = office.take(replace(one, **changes))
        assert (taken.device_id, taken.new) == (device_id, False), changes
    assert {kind for (kind,) in office.rows(DeviceIdentity, "kind")} == {"agent", "uuid", "serial", "deviceid"}
    assert len(office.rows(Device, "id")) == 1


@pytest.mark.parametrize("shared", [{"agent_id": "a-1"}, {}])
def test_clones_of_a_disk_are_told_apart_by_their_hardware(office: Desk, shared: dict[str, Any]) -> None:
    first = report(VISIO, serial="S-1", uuid=UUID, **shared)
    clone = replace(first, serial="S-2", uuid=UUID.replace("4c", "5d"), name="PC-9")
    one, two = office.take(first).device_id, office.take(clone).device_id
    assert one != two
    [(device_id, other_id, words)] = office.doubts()
    assert (device_id, other_id) == (two, one) and "PC-7" in words and "PC-9" in words
    assert [office.take(first).device_id, office.take(clone).device_id] == [one, two]
    assert len(office.doubts()) == 1


@pytest.mark.parametrize(
    "clone",
    [
        {"uuid": UUID, "deviceid": "PC-9-2026-03-03-03-03-03", "name": "PC-9"},  # a template's UUID
        {"uuid": UUID, "serial": "S-2", "deviceid": "PC-7-2026-03-03-03-03-03"},
        {"name": "PC-9"},  # a container's copy: nothing but DEVICEID, and that is shared
    ],
)
def test_two_agents_with_one_identity_are_told_apart(office: Desk, clone: dict[str, Any]) -> None:
    first = report(VISIO, **({"uuid": UUID, "serial": "S-1"} if "uuid" in clone else {}))
    changes: dict[str, Any] = {"serial": ""} | clone
    second = replace(first, **changes)
    one, two = office.take(first).device_id, office.take(second).device_id
    assert one != two and len(office.doubts()) == 1
    for _ in range(3):
        assert [office.take(first).device_id, office.take(second).device_id] == [one, two]
    assert len(office.rows(Device, "id")) == 2 and len(office.doubts()) == 1


def test_two_agents_in_turn_on_one_hardware_are_put_to_a_person(office: Desk) -> None:
    one, two = report(uuid=UUID), report(uuid=UUID, deviceid="PC-7-2026-03-03-03-03-03")
    assert len({office.take(each).device_id for each in (one, two, one, two, one)}) == 1
    [(_, other_id, words)] = office.doubts()
    assert other_id is None and "in turn" in words


def test_another_serial_number_under_the_same_uuid_is_put_to_a_person(office: Desk) -> None:
    one = report(uuid=UUID, serial="S-1")
    assert office.take(one).device_id == office.take(replace(one, serial="S-2")).device_id
    assert ["serial number" in words for _, _, words in office.doubts()] == [True]


def test_fillers_identify_nothing(office: Desk) -> None:
    raw = sample("fusioninventory-2.6-linux.xml")
    assert raw.identities() == {"deviceid": "pc-0001-2026-01-15-08-30-00"}
    windows = sample("fusioninventory-2.3-windows.xml")
    assert windows.identities()["serial"] == "SERIAL0001" and windows.keys == ()


def test_an_imported_device_is_taken_up_by_its_name_or_serial(office: Desk) -> None:
    with office.database.unit_of_work() as work:
        for name, serial in (("pc-7", ""), ("Laptop 12", "S-12"), ("pc-20", "S-20")):
            work.session.add(Device(identity=name, name=name, serial=serial, kind="desktop", site="Lyon"))
        work.commit()
    assert office.take(report(VISIO)).device_id == 1
    assert office.take(report(VISIO, name="PC-12", serial="S-12")).device_id == 2
    assert office.take(report(VISIO, name="PC-20", serial="S-21")).new  # the same name on other hardware
    device = office.device(1)
    assert (device["kind"], device["site"], device["cores"]) == ("desktop", "Lyon", 8)
    assert device["facts_since"] is None  # cores that nobody knew were there all along


def test_a_second_device_with_a_name_that_reports_already_is_a_doubt(office: Desk) -> None:
    one = office.take(report(VISIO, deviceid="a-1")).device_id
    two = office.take(report(VISIO, deviceid="b-1")).device_id
    assert [(device_id, other_id) for device_id, other_id, _ in office.doubts()] == [(two, one)]
    assert [identity for (identity,) in office.rows(Device, "identity")] == ["PC-7", "b-1"]


# facts, person, keys


def test_a_changed_fact_leaves_what_it_was_before(office: Desk) -> None:
    device_id = office.take(report(VISIO)).device_id
    taken = office.take(report(VISIO, cores=16, threads=32), days=3)
    assert taken.facts == ("cores", "threads")
    device = office.device(device_id)
    assert (device["cores"], device["facts_since"]) == (16, office.now.date())
    [(table, facts, until)] = office.rows(Superseded, "table_name", "facts", "effective_until")
    assert (table, facts["cores"], until) == ("device", 8, office.now.date())


def test_the_person_of_two_thirds_of_the_last_reports_and_nobody_below(office: Desk) -> None:
    ana, ben = person(office, "ana@acme.example"), person(office, "ben@acme.example")
    device_id = 0
    for user in ("ACME\\ana", "ana", "Ana"):
        assert device_id == 0 or office.device(device_id)["person_id"] is None  # two reports are too few
        device_id = office.take(report(VISIO, users=(user,))).device_id
    assert office.device(device_id)["person_id"] == ana
    assert office.device(device_id)["person_source"] == "reports"
    office.take(report(VISIO, users=("ben@acme.example",)))
    assert office.device(device_id)["person_id"] == ana
    office.take(report(VISIO, users=("ben",)))
    assert office.device(device_id)["person_id"] is None
    for _ in range(6):
        office.take(report(VISIO, users=("ben",)))
    assert office.device(device_id)["person_id"] == ben


@pytest.mark.parametrize(
    ("known", "kind"),
    [({"person_source": "import"}, "portable"), ({"person_source": "themselves"}, "portable"), ({}, "server")],
)
def test_a_person_known_otherwise_stays_and_a_server_gets_none(office: Desk, known: dict[str, Any], kind: str) -> None:
    ana, ben = person(office, "ana@acme.example"), person(office, "ben@acme.example")
    with office.database.unit_of_work() as work:
        work.session.add(Device(identity="PC-7", name="PC-7", kind=kind, person_id=ana if known else None, **known))
        work.commit()
    taken = [office.take(report(VISIO, users=("ben",), kind=None)).device_id for _ in range(4)]
    assert taken == [1] * 4 and ben
    assert office.device(1)["person_id"] == (ana if known else None)


def test_keys_are_kept_as_a_hash_and_five_signs_and_are_gone_when_they_are(office: Desk) -> None:
    key = "VK7JG-NPHTM-C97JM-9MPGT-3V66T"
    office.take(report(VISIO, keys=(licence(key),)))
    [(fingerprint, last_five, gone)] = office.rows(InstalledKey, "fingerprint", "last_five", "gone_at")
    assert (len(fingerprint), last_five, gone) == (64, "3V66T", None)
    assert key not in repr(licence(key))
    everything = repr([office.rows(InstalledKey, "label", "fingerprint"), office.tags(), office.jobs()])
    assert "NPHTM" not in everything and "NPHTM" not in repr(report(keys=(licence(key),)))
    office.take(report(VISIO, keys=()))
    assert office.rows(InstalledKey, "gone_at") == [(office.now,)]
    office.take(report(VISIO, keys=(licence(key.replace("-", "")),)))
    assert office.rows(InstalledKey, "gone_at") == [(None,)]
    office.take(report(VISIO, keys=None))
    assert office.rows(InstalledKey, "gone_at") == [(None,)]


def test_a_silent_device_turns_stale_and_is_live_when_it_reports(office: Desk) -> None:
    device_id = office.take(report(VISIO)).device_id
    rules = InventoryRules()

    def mark(days: int) -> int:
        with office.database.unit_of_work() as work:
            count = stale.mark(work, rules, office.now + timedelta(days=days))
            work.commit()
            return count

    assert mark(30) == 0
    assert mark(31) == 1 and mark(32) == 0
    assert office.device(device_id)["state"] == "stale"
    assert office.open_titles(device_id) == {VISIO.title}  # stale, not clean
    office.take(report(VISIO), days=40)
    assert office.device(device_id)["state"] == "live"


def test_a_retired_device_that_reports_is_in_use(office: Desk) -> None:
    with office.database.unit_of_work() as work:
        work.session.add(Device(identity="PC-7", name="PC-7", state="retired", retired_on=NOW.date()))
        work.commit()
    assert "state" in office.take(report(VISIO)).facts
    assert (office.device(1)["state"], office.device(1)["retired_on"]) == ("live", None)


# sources


def fill(office: Desk, first: int, count: int) -> None:
    for number in range(first, first + count):
        office.take(report(SEVEN_ZIP, name=f"PC-{number}"), days=0.0001)


def accept(office: Desk, by: int, *roles: Role) -> dict[str, Any]:
    with office.database.unit_of_work() as work:
        found = accept_baseline(work, 1, by, roles, office.now)
        work.commit()
        return found


def state(office: Desk) -> tuple[SourceState, str]:
    [(found, words)] = office.rows(InventorySource, "state", "words")
    return found, words


def test_a_source_begins_in_observe_and_is_accepted_by_a_licence_manager_with_its_counts(office: Desk) -> None:
    dara = person(office, "dara@acme.example", Role.LICENCE_MANAGER)
    ana = person(office, "ana@acme.example", Role.IT)
    fill(office, 1, 3)
    assert state(office)[0] == SourceState.OBSERVE
    with pytest.raises(NotForYou):
        accept(office, ana, Role.IT)
    accept(office, dara, Role.LICENCE_MANAGER)
    [(by, counts, day)] = office.rows(InventorySource, "accepted_by_id", "accepted_counts", "day")
    assert (by, day) == (dara, office.now.date())
    assert (counts["devices"], counts["installations"], counts["adopted"]) == (3, 3, 3)
    assert office.tags().count("inventory:source:accepted") == 1
    assert {one for (one,) in office.rows(Installation, "authorised_by")} == {"baseline"}
    with pytest.raises(AlreadyDecided):
        accept(office, dara, Role.LICENCE_MANAGER)


def test_a_source_that_suddenly_reports_ten_times_as_much_goes_back_to_observe(office: Desk) -> None:
    dara = person(office, "dara@acme.example", Role.LICENCE_MANAGER)
    fill(office, 1, 10)
    accept(office, dara, Role.LICENCE_MANAGER)
    office.now += timedelta(days=1)
    fill(office, 11, 20)
    assert state(office)[0] == SourceState.ACCEPTED  # twenty more are no jump
    fill(office, 31, 70)
    found, words = state(office)
    assert found == SourceState.OBSERVE and "21 new devices in a day, on top of 10" in words
    assert office.tags().count("inventory:source:returned_to_observe") == 1
    accept(office, dara, Role.LICENCE_MANAGER)
    office.now += timedelta(days=1)
    fill(office, 1, 100)  # the same devices on another day
    assert state(office) == (SourceState.ACCEPTED, "")


def test_a_quiet_sunday_makes_no_jump_of_monday(office: Desk) -> None:
    dara = person(office, "dara@acme.example", Role.LICENCE_MANAGER)
    fill(office, 1, 60)
    accept(office, dara, Role.LICENCE_MANAGER)
    office.now += timedelta(days=1)
    fill(office, 1, 1)
    office.now += timedelta(days=1)
    fill(office, 1, 80)
    assert state(office)[0] == SourceState.ACCEPTED


# samples


@pytest.mark.parametrize(
    ("name", "titles"),
    [
        ("fusioninventory-2.6-linux.xml", 90),
        ("ocsinventory-2.10-linux.xml", 90),
        ("fusioninventory-2.3-windows.xml", 8),
        ("glpi-agent-1.12-full.json", 90),
    ],
)
def test_every_sample_is_taken(office: Desk, name: str, titles: int) -> None:
    taken = office.take(sample(name))
    assert (taken.new, taken.opened) == (True, titles)


def test_packages_of_a_distribution_have_one_publisher_whichever_agent_reports_them(office: Desk) -> None:
    office.take(sample("fusioninventory-2.6-linux.xml", collected=None))
    before = office.sizes()["title"]
    office.take(sample("ocsinventory-2.10-linux.xml", source="ocs", collected=None))
    assert office.sizes()["title"] == before
    assert {publisher for (publisher,) in office.rows(Title, "raw_publisher")} == {"Debian"}


def test_a_title_is_cut_to_what_is_stored(office: Desk) -> None:
    long = Report(
        source="glpi", name="n" * 256, deviceid="d" * 200, software=(Software("t" * 500, "p" * 300, "v" * 120),)
    )
    assert office.take(long).opened == 1
