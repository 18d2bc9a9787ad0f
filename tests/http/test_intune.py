"""Intune through the Graph stand-in over TLS into the register: what is read, matched, kept, closed, and left alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from bot import cli_setup
from bot.bootstrap import SCHEDULES
from bot.doctor_checks import intune as doctor
from integrations.errors import Refused
from integrations.graph import GraphClient
from integrations.graph_auth import GraphCredentials
from integrations.graph_transport import graph_transport
from jobs.outbox import NewJob, enqueue
from jobs.tables import Job
from jobs.worker import Worker
from model.alerts import DeviceDoubt, DeviceIdentity, InventorySource, SourceState
from model.events import Event
from model.inventory import Installation, ManagedSoftware, Title
from model.people import Device, Person, Role
from model.session import Database, make_engine
from model.tickets import SyncRun
from sandbox.certificates import make_ca
from sandbox.clock import SandboxClock
from sandbox.faults import Fault, Faults
from sandbox.graph import GraphStandIn, create_graph
from sandbox.graph_devices import add_device, detect, remove_device
from sandbox.graph_directory import iso
from sandbox.store import Store
from sandbox.traffic import Traffic
from tests.unit.inventory_desk import report
from workflows.inventory.report import Software
from workflows.inventory.take import Intake
from workflows.inventory_sources import accept_baseline
from workflows.perform_intune import IntuneSync
from workflows.perform_trouble import classify
from workflows.policy import NotAllowed, Policy, ProductRules, Restricted
from workflows.register.history import table_of
from workflows.rules import Rules

TENANT = "0f0f0f0f-0000-4000-8000-00000000aaaa"
READER, POOR = "0f0f0f0f-0000-4000-8000-00000000bbbb", "0f0f0f0f-0000-4000-8000-00000000cccc"
VISIO, PHOTOSHOP = "Microsoft Visio Professional 2021 - en-us", "Adobe Photoshop 2026"


class Office:
    """The tenant, the register, and the job that reads the one into the other."""

    def __init__(self, standin: GraphStandIn, ca: str, url: str, faults: Faults, traffic: Traffic) -> None:
        self.standin, self.ca, self.faults, self.traffic = standin, ca, faults, traffic
        self.directory = standin.directory
        self.database = Database(make_engine(url))
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.policy = Policy()
        self.client = READER
        self.people: dict[str, int] = {}

    def graph(self) -> GraphClient:
        credentials = GraphCredentials(
            TENANT, self.client, secret="example-secret", authority=self.standin.url, ca_bundle=self.ca
        )
        return GraphClient(graph_transport(self.standin.graph_url, credentials, ca_bundle=self.ca))

    def person(self, name: str) -> str:
        """Somebody in the directory and in the register; returns the directory's id."""
        user = self.directory.add_user(f"{name}@example.test", name.title())
        with self.database.unit_of_work() as work:
            made = Person(email=f"{name}@example.test", name=name.title(), directory_id=user)
            work.session.add(made)
            work.session.flush()
            self.people[name] = made.id
            work.commit()
        return user

    def device(self, **columns: Any) -> int:
        with self.database.unit_of_work() as work:
            made = Device(**columns)
            work.session.add(made)
            work.session.flush()
            work.commit()
            return int(made.id)

    def sync(self, **payload: Any) -> str:
        """Let the job run for as long as it may; returns its error, "" when it is done."""
        self.now += timedelta(hours=1)
        rules = Rules(self.policy, 1)
        sync = IntuneSync(self.graph().intune, lambda: rules)
        worker = Worker(
            self.database, {"sync.intune": sync.read}, now=lambda: self.now, classify=classify, limits={}, owner="test"
        )
        with self.database.unit_of_work() as work:
            enqueue(work.connection, [NewJob("sync.intune", "graph", payload)], self.now)
            work.commit()
        worker.drain()
        self.worker = worker
        with self.database.reading() as connection:
            job = select(Job.error, Job.state).where(Job.kind == "sync.intune").order_by(Job.id.desc()).limit(1)
            return str(connection.execute(job).one().error)

    def go_on(self, **later: float) -> None:
        self.now += timedelta(**later)
        self.worker.drain()

    def rows(self, model: type, *columns: str) -> list[tuple[Any, ...]]:
        table = table_of(model)
        with self.database.reading() as connection:
            found = connection.execute(select(*(table.c[name] for name in columns)).order_by(*table.primary_key))
            return [tuple(row) for row in found]

    def run(self) -> tuple[str, dict[str, Any], str]:
        """Outcome, counts and words of the last reading."""
        outcome, counts, words = self.rows(SyncRun, "outcome", "counts", "words")[-1]
        return outcome, counts, words

    def installed(self) -> set[tuple[str, str]]:
        """(device, title) of what is open and has Intune as its source."""
        with self.database.reading() as connection:
            found = connection.execute(
                select(Device.name, Title.raw_title)
                .join(Installation, Installation.device_id == Device.id)
                .join(Title, Title.id == Installation.title_id)
                .where(Installation.ended_at.is_(None), Installation.source == "intune")
            )
            return {(device, title) for device, title in found.tuples()}

    def asked(self, part: str) -> int:
        return sum(part in call["path"] for call in self.traffic.since(0, "graph"))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return make_ca(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def office(authority: Any, sqlite_url: str) -> Iterator[Office]:
    store, clock, traffic, faults = Store(), SandboxClock(), Traffic(), Faults()
    clients = {
        READER: {"secret": "example-secret", "roles": ["DeviceManagementManagedDevices.Read.All"]},
        POOR: {"secret": "example-secret", "roles": ["User.Read.All"]},
    }
    standin = create_graph(
        store, clock, traffic, faults, tenant_id=TENANT, clients=clients, certificate=authority.pair, page_size=3
    )
    standin.start()
    made = Office(standin, str(authority.ca), sqlite_url, faults, traffic)
    try:
        yield made
    finally:
        made.database.dispose()
        standin.stop()
        store.close()


def machines(office: Office, *names: str, **more: Any) -> list[str]:
    return [add_device(office.directory, name, serial=f"SN-{name}", **more) for name in names]


# -- what is read


def test_detected_software_becomes_installations_of_its_own_source_in_observe(office: Office) -> None:
    ana = office.person("ana")
    [one] = machines(office, "LT-1", user=ana)
    [two] = machines(office, "LT-2")
    detect(office.directory, VISIO, "16.0.14332", [one, two], publisher="Microsoft Corporation")
    detect(office.directory, PHOTOSHOP, "27.0", [one], publisher="Adobe Inc.")
    detect(office.directory, "7-Zip 24.08 (x64)", "24.08", [one, two], publisher="Igor Pavlov")
    assert office.sync() == ""
    assert office.installed() == {("LT-1", VISIO), ("LT-2", VISIO), ("LT-1", PHOTOSHOP)}
    outcome, counts, words = office.run()
    assert (outcome, words) == ("done", "")
    assert counts == {
        "apps": 3, "kept": 2, "others": 1, "phones": 0, "unlisted": 0, "devices": 2, "opened": 3, "closed": 0
    }  # fmt: skip
    assert office.rows(InventorySource, "name", "state", "day_devices") == [("intune", SourceState.OBSERVE, 2)]
    devices = office.rows(Device, "name", "serial", "person_id", "person_source", "agent", "system")
    system = "Windows 10.0.26100.2314"
    assert devices == [
        ("LT-1", "SN-LT-1", office.people["ana"], "intune", "Intune", system),
        ("LT-2", "SN-LT-2", None, "", "Intune", system),
    ]
    assert [tag for (tag,) in office.rows(Event, "tag")].count("sync:run:completed") == 1
    assert office.rows(ManagedSoftware, "run_id") == []
    assert {title for (title,) in office.rows(Title, "raw_title")} == {VISIO, PHOTOSHOP}


def test_the_same_again_changes_nothing_and_what_went_is_closed(office: Office) -> None:
    one, two = machines(office, "LT-1", "LT-2")
    detect(office.directory, VISIO, "16.0", [one, two])
    detect(office.directory, PHOTOSHOP, "27.0", [one])
    office.sync()
    before = office.rows(Installation, "id", "began_at", "ended_at")
    office.sync()
    assert office.rows(Installation, "id", "began_at", "ended_at") == before
    detect(office.directory, VISIO, "16.0", [one])
    detect(office.directory, PHOTOSHOP, "27.0", [])
    office.sync()
    assert office.installed() == {("LT-1", VISIO)}
    assert office.run()[1]["closed"] == 2
    ended = [ended for (ended,) in office.rows(Installation, "ended_at") if ended is not None]
    assert ended == [office.now, office.now]


def test_pages_are_followed_also_empty_ones_and_twenty_records_share_a_request(office: Office) -> None:
    devices = machines(office, *(f"LT-{number}" for number in range(7)))
    for number in range(8):
        detect(office.directory, VISIO, f"16.0.{number}", devices)
    office.faults.add(Fault("empty_page", "GET", "detectedApps$", 1))
    office.sync()
    assert len(office.installed()) == 7
    assert len(office.rows(Installation, "id")) == 56
    assert office.asked("$batch") == 3  # one for each page that has records
    assert office.run()[1]["apps"] == 8


def test_a_next_link_to_another_host_is_not_followed(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The link would carry our token; the stand-in is made to point elsewhere."""
    devices = machines(office, *(f"LT-{number}" for number in range(4)))
    detect(office.directory, VISIO, "16.0", devices)
    elsewhere: Callable[..., str] = lambda token, path: f"https://graph.example.org/v1.0{path}?$skiptoken={token}"  # noqa: E731
    monkeypatch.setattr("sandbox.graph_devices.next_link", elsewhere)
    assert "another host (graph.example.org)" in office.sync()
    assert office.installed() == set()


def test_policy_names_what_recognition_would_pass_over(office: Office) -> None:
    [one] = machines(office, "LT-1")
    detect(office.directory, "uTorrent", "3.6", [one])
    office.sync()
    assert office.installed() == set()
    office.policy = Policy(not_allowed=(NotAllowed(rule=9, name="uTorrent", because="it shares files"),))
    office.sync()
    assert office.installed() == {("LT-1", "uTorrent")}


def test_what_policy_restricts_and_what_may_be_paid_is_looked_at_as_well(office: Office) -> None:
    [one] = machines(office, "LT-1")
    free, asked, component = (
        "uTorrent",
        "Adobe Acrobat (64-bit)",
        "Microsoft Visual C++ 2015-2022 Redistributable (x64)",
    )
    for name in (free, asked, component):
        detect(office.directory, name, "1.0", [one])
    office.sync()
    assert office.installed() == {("LT-1", asked)}
    rules = ProductRules(restricted=Restricted(rule=4, because="it shares files"))
    office.policy = Policy(products={"utorrent": rules})
    office.sync()
    assert office.installed() == {("LT-1", asked), ("LT-1", free)}


def test_what_is_on_phones_is_counted_and_left_out(office: Office) -> None:
    [one] = machines(office, "PHONE-1")
    detect(office.directory, VISIO, "16.0", [one], platform="ios")
    office.sync()
    assert (office.installed(), office.run()[1]["phones"]) == (set(), 1)


# -- which device, whose device


def test_devices_are_met_by_serial_number_and_by_name_and_person(office: Office) -> None:
    ana, ben = office.person("ana"), office.person("ben")
    by_serial = office.device(identity="A-1", name="OLD-NAME", serial="SN-LT-1")
    by_name = office.device(identity="lt-2", name="lt-2", person_id=office.people["ana"], person_source="import")
    [one] = machines(office, "LT-1")
    two = add_device(office.directory, "LT-2", user=ana)
    three = add_device(office.directory, "LT-2", user=ben, number=2)
    detect(office.directory, VISIO, "16.0", [one, two, three])
    office.sync()
    found = {device for (device,) in office.rows(Installation, "device_id")}
    assert {by_serial, by_name} < found and len(found) == 3
    [(told_apart, other, words)] = office.rows(DeviceDoubt, "device_id", "other_id", "words")
    assert (other, told_apart in found - {by_serial, by_name}) == (by_name, True)
    assert words == "Intune manages another device called LT-2: one machine, or two?"
    people = dict(office.rows(Device, "id", "person_source"))
    assert (people[by_name], people[told_apart]) == ("import", "intune")  # what was imported stands
    office.sync()
    assert len(office.rows(Device, "id")) == 3 and len(office.rows(DeviceDoubt, "id")) == 1


def test_an_agents_device_stays_one_whoever_comes_first(office: Office) -> None:
    intake = Intake(office.database, lambda: Rules(Policy(), 1), b"k" * 32, lambda: None)
    agent = report(Software(VISIO, "", "16.0"), name="LT-1", serial="SN-LT-1")
    taken = intake.take(agent, office.now)
    one, two = machines(office, "LT-1", "LT-2")
    detect(office.directory, VISIO, "16.0", [one, two])
    office.sync()
    assert len(office.rows(Device, "id")) == 2
    assert office.installed() == {("LT-2", VISIO)}  # the agent's own row of LT-1 is enough
    again = intake.take(report(name="LT-2", serial="SN-LT-2"), office.now + timedelta(hours=1))
    assert (again.new, again.device_id != taken.device_id, len(office.rows(DeviceDoubt, "id"))) == (False, True, 0)


def test_the_owner_follows_intune_but_not_over_a_persons_own_word(office: Office) -> None:
    ana, ben = office.person("ana"), office.person("ben")
    key = add_device(office.directory, "LT-1", user=ana, serial="SN-1")
    detect(office.directory, VISIO, "16.0", [key])
    office.sync()
    add_device(office.directory, "LT-1", user=ben, serial="SN-1")
    office.sync()
    assert office.rows(Device, "person_id", "person_source") == [(office.people["ben"], "intune")]
    with office.database.unit_of_work() as work:
        work.session.get_one(Device, 1).person_source = "themselves"
        work.commit()
    add_device(office.directory, "LT-1", user=ana, serial="SN-1")
    office.sync()
    assert office.rows(Device, "person_id", "person_source") == [(office.people["ben"], "themselves")]


def test_a_list_is_held_for_a_week_older_than_the_contact(office: Office) -> None:
    seen = office.now - timedelta(days=2)
    [one] = machines(office, "LT-1", lastSyncDateTime=iso(seen))
    detect(office.directory, VISIO, "16.0", [one])
    office.sync()
    assert office.rows(Device, "last_seen_at", "software_at") == [(seen, seen - timedelta(days=7))]


# -- trouble


def test_told_to_wait_it_goes_on_from_its_page(office: Office) -> None:
    devices = machines(office, "LT-1", "LT-2")
    for number in range(6):
        detect(office.directory, VISIO, f"16.0.{number}", devices)
    detect(office.directory, PHOTOSHOP, "27.0", devices)
    office.faults.add(Fault("throttled", "GET", "detectedApps", 1, parameters={"retry_after": 90}))
    office.faults.add(Fault("batch_throttled", "GET", "managedDevices", None, parameters={"retry_after": 600}))
    office.sync()
    assert office.installed() == set()
    office.go_on(seconds=91)
    assert (office.installed(), office.run()[0]) == (set(), "running")
    office.faults.clear()
    office.go_on(seconds=300)
    assert office.installed() == set()  # the ten minutes are not over
    office.go_on(seconds=310)
    assert office.run()[0] == "done" and len(office.rows(Installation, "id")) == 14


def test_a_run_that_waited_goes_on_where_it_was(office: Office) -> None:
    devices = machines(office, "LT-1", "LT-2")
    for number in range(7):
        detect(office.directory, VISIO, f"16.0.{number}", devices)
    office.sync()
    assert office.run()[0] == "done"
    with office.database.unit_of_work() as work:
        page = next(iter(office.graph().intune.app_pages()))
        run = SyncRun(source="intune", began_at=office.now, counts={"apps": 3, "kept": 3, "next": page.following})
        work.session.add(run)
        work.session.flush()
        rows = work.connection.execute(
            select(Installation.device_id, Installation.title_id, Installation.version)
        ).all()
        first = {app.version for app in page.apps}
        work.connection.execute(
            insert(table_of(ManagedSoftware)),
            [row._asdict() | {"run_id": run.id} for row in rows if row.version in first],
        )
        work.commit()
    before = office.asked("$batch")
    office.sync()
    assert (office.run()[0], office.run()[1]["apps"], office.run()[1]["closed"]) == ("done", 7, 0)
    assert office.asked("$batch") - before == 2  # two of three pages


def test_a_page_that_is_no_longer_known_is_begun_anew(office: Office) -> None:
    devices = machines(office, "LT-1")
    detect(office.directory, VISIO, "16.0", devices)
    with office.database.unit_of_work() as work:
        link = f"{office.standin.graph_url}/deviceManagement/detectedApps?$skiptoken=expired"
        work.session.add(SyncRun(source="intune", began_at=office.now, counts={"apps": 3, "next": link}))
        work.commit()
    assert office.sync() == ""
    runs = office.rows(SyncRun, "outcome", "words")
    assert runs == [("failed", "Microsoft no longer knew the page it waited at."), ("done", "")]
    assert office.installed() == {("LT-1", VISIO)}


def test_a_count_without_devices_removes_nothing(office: Office) -> None:
    """Customers met records that count devices and list none."""
    devices = machines(office, "LT-1", "LT-2")
    detect(office.directory, VISIO, "16.0", devices)
    office.sync()
    office.faults.add(Fault("empty_devices", "GET", ".*managedDevices", None))
    office.sync()
    assert office.installed() == {("LT-1", VISIO), ("LT-2", VISIO)}
    assert (office.run()[1]["unlisted"], office.run()[1]["closed"]) == (1, 0)


def test_a_tenant_that_suddenly_shows_nothing_is_put_to_a_person(office: Office) -> None:
    devices = machines(office, *(f"LT-{number}" for number in range(25)))
    detect(office.directory, VISIO, "16.0", devices)
    office.sync()
    for key in devices:
        remove_device(office.directory, key)
    said = office.sync()
    assert said == (
        "Microsoft 365: Intune no longer shows 25 of 25 installations. Nothing was changed. "
        "If that is right, run: seatkeeper sync intune --accept"
    )
    assert len(office.installed()) == 25 and office.run()[0] == "stopped"
    assert office.sync(accept=True) == ""
    assert office.installed() == set()


def test_no_licence_and_no_permission_are_said_in_words_and_park_nothing(office: Office) -> None:
    [one] = machines(office, "LT-1")
    detect(office.directory, VISIO, "16.0", [one])
    office.sync()
    office.faults.add(Fault("no_intune", "GET", ".*", None))
    assert office.sync() == ""
    assert office.run()[::2] == (
        "stopped", "The tenant has no Intune licence, so Microsoft lists no devices and no software on them."
    )  # fmt: skip
    assert [line.level for line in doctor(office.graph())] == ["ok"]
    office.faults.clear()
    office.client = POOR
    assert office.sync() == ""
    words = (
        "The registration that reads (M365_CLIENT_ID) lacks DeviceManagementManagedDevices.Read.All: add it as an "
        "application permission in Entra and grant admin consent."
    )
    assert office.run()[::2] == ("stopped", words)
    assert [(line.level, line.words) for line in doctor(office.graph())] == [("warn", words)]
    office.client = READER
    assert [line.words for line in doctor(office.graph())] == ["Detected software can be read."]
    assert office.installed() == {("LT-1", VISIO)}  # what was known stays


def test_an_id_that_would_change_the_address_is_refused(office: Office) -> None:
    with pytest.raises(Refused, match="id of a detected app"):
        list(office.graph().intune.devices_of(["../users"]))


# -- baseline


def test_accepted_its_growth_beyond_policy_returns_it_to_observe(office: Office) -> None:
    devices = machines(office, *(f"LT-{number}" for number in range(4)))
    detect(office.directory, VISIO, "16.0", devices)
    office.sync()
    with office.database.unit_of_work() as work:
        by = Person(email="dara@example.test", name="Dara")
        work.session.add(by)
        work.session.flush()
        accept_baseline(work, 1, by.id, {Role.LICENCE_MANAGER}, office.now)
        work.commit()
    office.now += timedelta(days=1)
    devices += machines(office, *(f"LT-{number}" for number in range(4, 30)))
    detect(office.directory, VISIO, "16.0", devices)
    office.sync()
    [(state, words)] = office.rows(InventorySource, "state", "words")
    assert state == SourceState.OBSERVE and "26 new devices in a day, on top of 4" in words
    assert len(office.rows(DeviceIdentity, "id")) == 60


def test_the_job_has_a_schedule_and_a_command() -> None:
    assert [spec.cron for spec in SCHEDULES if spec.kind == "sync.intune"] == ["30 5 * * *"]
    assert cli_setup._SYNCS["intune"] == ("sync.intune", "graph")


def test_the_schema_of_a_record_is_that_of_the_reference(office: Office) -> None:
    [one] = machines(office, "LT-1", user=office.person("ana"))
    detect(office.directory, VISIO, "16.0", [one], publisher="Microsoft Corporation")
    [page] = office.graph().intune.app_pages()
    [app] = page.apps
    assert (app.name, app.version, app.publisher, app.platform, app.devices) == (
        VISIO, "16.0", "Microsoft Corporation", "windows", 1
    )  # fmt: skip
    [(_, [device])] = office.graph().intune.devices_of([app.id])
    assert (device.name, device.serial, device.user_name) == ("LT-1", "SN-LT-1", "ana@example.test")
