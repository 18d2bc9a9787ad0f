"""The Graph client against the Graph stand-in over TLS: reading, giving and taking seats, and every common fault."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from integrations import graph_types as g
from integrations.errors import NotFound, RateLimited, Refused, Transient, Unclear
from integrations.graph import GraphClient
from integrations.graph_auth import GraphCredentials
from integrations.graph_transport import graph_transport
from integrations.http import Timeouts
from sandbox.certificates import make_ca
from sandbox.clock import SandboxClock
from sandbox.faults import Fault, Faults
from sandbox.graph import GraphStandIn, create_graph
from sandbox.graph_directory import stable_id
from sandbox.store import Store
from sandbox.traffic import Traffic

TENANT = "0f0f0f0f-0000-4000-8000-00000000aaaa"
READER = "0f0f0f0f-0000-4000-8000-00000000bbbb"
WRITER = "0f0f0f0f-0000-4000-8000-00000000cccc"
NOBODY = "0f0f0f0f-0000-4000-8000-00000000dddd"
READS = [
    "User.Read.All",
    "LicenseAssignment.Read.All",
    "GroupMember.Read.All",
    "Organization.Read.All",
    "Application.Read.All",
]
WRITES = ["LicenseAssignment.ReadWrite.All", "GroupMember.ReadWrite.All", "User.ReadWrite.All"]


@dataclass
class Tenant:
    """The stand-in, its certificate authority and some people."""

    standin: GraphStandIn
    ca: str
    faults: Faults
    clock: SandboxClock
    traffic: Traffic
    sku: str
    ana: str
    ben: str
    group: str

    def credentials(self, client: str = READER, secret: str = "example-secret", **more: Any) -> GraphCredentials:
        return GraphCredentials(TENANT, client, secret=secret, authority=self.standin.url, ca_bundle=self.ca, **more)

    def client(self, timeouts: Timeouts | None = None) -> GraphClient:
        def transport(client: str) -> Any:
            return graph_transport(
                self.standin.graph_url, self.credentials(client), ca_bundle=self.ca, timeouts=timeouts
            )

        return GraphClient(transport(READER), transport(WRITER), client_id=READER)

    def fault(self, kind: str, *, method: str = ".*", path: str = "/v1.0/", times: int | None = 1, **more: Any) -> None:
        self.faults.add(Fault(kind, method, path, times, parameters=more))

    def held(self, user: str) -> set[str]:
        return {state.sku_id for state in self.client().licence_states(user).states if state.state == "Active"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return make_ca(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def tenant(authority: Any) -> Iterator[Tenant]:
    store, clock, traffic, faults = Store(), SandboxClock(), Traffic(), Faults()
    clients = {
        READER: {"secret": "example-secret", "roles": READS},
        WRITER: {"secret": "example-secret", "roles": WRITES + READS},
    }
    standin = create_graph(
        store,
        clock,
        traffic,
        faults,
        tenant_id=TENANT,
        clients=clients,
        certificate=authority.pair,
        group_delay=timedelta(0),
    )
    directory = standin.directory
    sku = directory.add_sku("SPE_E5", 3)
    ana = directory.add_user("ana@example.test", "Ana Lindqvist", department="Design")
    ben = directory.add_user(
        "ben@example.test", "Ben Okafor", usageLocation=None, employeeHireDate="0001-01-01T00:00:00Z"
    )
    directory.set_manager(ana, ben)
    group = directory.add_group("Licensed designers", licences=[sku])
    standin.start()
    try:
        yield Tenant(standin, str(authority.ca), faults, clock, traffic, sku.lower(), ana, ben, group)
    finally:
        standin.stop()
        store.close()


# -- reading


def test_skus_people_managers_and_purchases_are_read(tenant: Tenant) -> None:
    client = tenant.client()
    [sku] = client.subscribed_skus()
    assert (sku.sku_id, sku.enabled, sku.consumed, sku.free, sku.applies_to) == (tenant.sku, 3, 0, 3, "User")
    assert sku.plans
    people = {user.id: user for user in client.users()}
    assert people[tenant.ana].manager_id == tenant.ben
    assert people[tenant.ben].manager_id is None
    assert people[tenant.ana].department == "Design"
    assert people[tenant.ben].hired_at is None, "year 1 means never"
    assert client.manager(tenant.ana) == tenant.ben
    assert client.manager(tenant.ben) is None
    assert client.user(tenant.ana).manager_id == tenant.ben
    [subscription] = client.subscriptions()
    assert (subscription.sku_id, subscription.status, subscription.total) == (tenant.sku, "Enabled", 3)
    assert subscription.next_lifecycle_at is not None


def test_a_person_who_is_gone_is_not_a_person_without_a_manager(tenant: Tenant) -> None:
    gone = stable_id("nobody")
    with pytest.raises(NotFound):
        tenant.client().manager(gone)
    with pytest.raises(NotFound):
        tenant.client().licence_states(gone)
    with pytest.raises(NotFound):
        tenant.client().assign(gone, tenant.sku)


def test_pages_are_followed_also_over_an_empty_one_and_can_be_resumed(tenant: Tenant) -> None:
    for number in range(7):
        tenant.standin.directory.add_user(f"p{number}@example.test", f"Person {number}")
    tenant.fault("empty_page", path="/users")
    pages = list(tenant.client().user_pages(page_size=2))
    assert pages[0].users == ()
    assert sum(len(page.users) for page in pages) == 9
    second = list(tenant.client().user_pages(page_size=2, resume=pages[2].next_link))
    assert [u.id for page in second for u in page.users] == [u.id for page in pages[3:] for u in page.users]


def test_managers_come_by_batch_where_the_expansion_is_refused(tenant: Tenant) -> None:
    directory = tenant.standin.directory
    for number in range(25):
        directory.set_manager(directory.add_user(f"p{number}@example.test", f"Person {number}"), tenant.ana)
    transport = graph_transport(tenant.standin.graph_url, tenant.credentials(), ca_bundle=tenant.ca)
    send, refused = transport.send, []

    def without_expand(method: str, path: str, **more: Any) -> Any:
        if "$expand" in (more.get("params") or {}):
            refused.append(path)
            raise Refused("graph", "list people", "not supported", code="Request_UnsupportedQuery")
        return send(method, path, **more)

    transport.send = without_expand  # type: ignore[method-assign]  # the stand-in always allows the expansion
    people = {user.id: user.manager_id for user in GraphClient(transport).users(page_size=999)}
    assert refused
    assert people.pop(tenant.ana) == tenant.ben
    assert people.pop(tenant.ben) is None
    assert set(people.values()) == {tenant.ana}
    tenant.fault("batch_throttled", path="manager", retry_after=7)
    with pytest.raises(RateLimited) as caught:
        list(GraphClient(transport).users())
    assert caught.value.retry_after == 7


# -- direct seats


def test_a_seat_is_given_once_and_taken_back_with_its_exact_state(tenant: Tenant) -> None:
    client = tenant.client()
    plan = client.subscribed_skus()[0].plans[0].plan_id
    assert client.assign(tenant.ana, tenant.sku.upper(), [plan]) == g.Assigned(tenant.sku)
    assert client.assign(tenant.ana, tenant.sku) == g.AlreadyHeld(True, ())
    removed = client.remove(tenant.ana, tenant.sku)
    assert removed == g.SeatRemoved(tenant.sku, (plan,), frees_unit=True)
    assert client.remove(tenant.ana, tenant.sku) == g.NotAssigned()


def test_no_seats_and_no_usage_location_are_answers_and_not_errors(tenant: Tenant) -> None:
    client = tenant.client()
    assert client.assign(tenant.ben, tenant.sku) == g.NoUsageLocation()
    tenant.standin.directory.add_sku("VISIOCLIENT", 0)
    visio = next(sku.sku_id for sku in client.subscribed_skus() if sku.part_number == "VISIOCLIENT")
    assert client.assign(tenant.ana, visio) == g.NoSeatsLeft()


def test_a_company_sku_and_an_unknown_sku(tenant: Tenant) -> None:
    client = tenant.client()
    company = tenant.standin.directory.add_sku("POWER_BI_STANDARD", 10, applies_to="Company")
    assert client.assign(tenant.ana, company) == g.NotAssignable()
    with pytest.raises(Refused):
        client.assign(tenant.ana, stable_id("no such sku"))


def test_missing_permission_is_refused_in_words(tenant: Tenant) -> None:
    reader = graph_transport(tenant.standin.graph_url, tenant.credentials(READER), ca_bundle=tenant.ca)
    with pytest.raises(Refused) as caught:
        GraphClient(reader).assign(tenant.ana, tenant.sku)
    assert "permission" in caught.value.detail
    assert not caught.value.fatal


# -- group seats


def test_group_seats_and_what_only_a_group_gives(tenant: Tenant) -> None:
    client = tenant.client()
    facts = client.group(tenant.group)
    assert [licence.sku_id for licence in facts.licences] == [tenant.sku]
    assert not (facts.dynamic or facts.synced or facts.role_assignable)
    assert client.add_to_group(tenant.group, tenant.ana, tenant.sku) == g.MemberAdded()
    assert client.add_to_group(tenant.group, tenant.ana, tenant.sku) == g.AlreadyMember()
    assert client.licence_states(tenant.ana).groups(tenant.sku) == (tenant.group,)
    assert client.assign(tenant.ana, tenant.sku) == g.AlreadyHeld(False, (tenant.group,))
    assert client.remove(tenant.ana, tenant.sku) == g.InheritedFromGroup((tenant.group,))
    assert client.remove_from_group(tenant.group, tenant.ana, tenant.sku) == g.MemberRemoved()
    assert client.remove_from_group(tenant.group, tenant.ana, tenant.sku) == g.NotMember()
    assert client.user(tenant.ana).id == tenant.ana, "out of the group, not out of the directory"


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"dynamic": True}, "rule"),
        ({"synced": True}, "local directory"),
        ({"role_assignable": True}, "administrator"),
    ],
)
def test_groups_that_must_not_be_written_are_refused_in_words(
    tenant: Tenant, facts: dict[str, Any], words: str
) -> None:
    group = tenant.standin.directory.add_group("Special", **facts)
    for write in (tenant.client().add_to_group, tenant.client().remove_from_group):
        with pytest.raises(Refused) as caught:
            write(group, tenant.ana, tenant.sku)
        assert words in caught.value.detail


def test_no_other_delete_leaves_the_process(tenant: Tenant) -> None:
    """The same address without /$ref deletes the person; the stand-in really does it, our transport never sends it."""
    transport = graph_transport(tenant.standin.graph_url, tenant.credentials(WRITER), ca_bundle=tenant.ca)
    GraphClient(transport).add_to_group(tenant.group, tenant.ana, tenant.sku)
    before = len(tenant.traffic.since(0))
    whole = f"{tenant.standin.graph_url}/groups/{tenant.group}/members/{tenant.ana}"
    for path in (f"/groups/{tenant.group}/members/{tenant.ana}", f"/users/{tenant.ana}", whole, whole + "?/$ref"):
        with pytest.raises(Refused) as caught:
            transport.send("DELETE", path, operation="test")
        assert caught.value.code == "guarded"
    assert len(tenant.traffic.since(0)) == before
    assert tenant.client().user(tenant.ana).id == tenant.ana


# -- the doctor


def test_permissions_of_both_registrations(tenant: Tenant) -> None:
    assert tenant.client().permissions() == set(READS)
    assert tenant.client().permissions(WRITER) == set(WRITES + READS)
    with pytest.raises(NotFound):
        tenant.client().permissions(NOBODY)


# -- signing in


def test_a_wrong_secret_says_which_setting(tenant: Tenant) -> None:
    with pytest.raises(Refused) as caught:
        tenant.credentials(secret="wrong").token()
    assert caught.value.fatal
    assert "M365_CLIENT_SECRET" in caught.value.detail
    with pytest.raises(Refused) as caught:
        tenant.credentials(client=NOBODY).token()
    assert "M365_CLIENT_ID" in caught.value.detail


def test_a_certificate_signs_in(tenant: Tenant, tmp_path: Path) -> None:
    from sandbox.certificates import make_client_certificate

    key, certificate = sorted(make_client_certificate(tmp_path), key=lambda path: "PRIVATE" not in path.read_text())
    both = tmp_path / "both.pem"
    both.write_text(certificate.read_text() + key.read_text())
    tenant.standin.context.tokens.clients[READER]["certificate"] = certificate.read_text()
    credentials = GraphCredentials(
        TENANT, READER, certificate=str(both), authority=tenant.standin.url, ca_bundle=tenant.ca
    )
    assert credentials.authorization().startswith("Bearer ")


def test_the_bundle_in_the_settings_wins_over_the_environment(
    tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.pem"
    other.write_text("not a bundle")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    monkeypatch.setenv("CURL_CA_BUNDLE", str(other))
    assert tenant.client().subscribed_skus()


def test_an_unknown_authority_is_refused_and_not_repeated_for_ever(tenant: Tenant) -> None:
    credentials = GraphCredentials(TENANT, READER, secret="example-secret", authority=tenant.standin.url)
    with pytest.raises(Refused) as caught:
        credentials.token()
    assert caught.value.code == "certificate"


def test_trouble_at_the_token_endpoint_is_not_replayed(tenant: Tenant) -> None:
    """msal would replay a 429 or 500 from its own cache; our session raises before it can keep one."""
    credentials = tenant.credentials()
    tenant.fault("throttled", method="POST", path="token", retry_after=9)
    with pytest.raises(RateLimited) as limited:
        credentials.token()
    assert limited.value.retry_after == 9
    for kind in ("server_error", "unavailable", "hang_up", "html"):
        tenant.fault(kind, method="POST", path="token")
        with pytest.raises(Transient):
            credentials.token()
    assert credentials.token()


def test_a_refused_token_is_fetched_anew_once(tenant: Tenant) -> None:
    client = tenant.client()
    assert client.subscribed_skus()
    tenant.fault("expired_token")
    assert client.subscribed_skus()
    tenant.fault("expired_token", times=2)
    with pytest.raises(Refused) as caught:
        client.subscribed_skus()
    assert caught.value.fatal


def test_threads_share_the_client(tenant: Tenant) -> None:
    client, found = tenant.client(), []
    threads = [threading.Thread(target=lambda: found.append(len(client.subscribed_skus()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert found == [1] * 8


# -- every common fault, on a read and on a write

SLOW = 2.0  # seconds; a busy machine answers what is not slow well before half of it


def impatient(tenant: Tenant, kind: str) -> GraphClient:
    """A client that gives up before a fault's `SLOW` answer; with every other fault it waits as long as any client."""
    return tenant.client(Timeouts(connect=2, read=SLOW / 2 if "slow" in kind else 5.0))


READ_FAULTS = {
    "throttled": RateLimited,
    "throttled_bare": RateLimited,
    "server_error": Transient,
    "unavailable": Transient,
    "commit_then_error": Transient,
    "commit_then_hang_up": Transient,
    "hang_up": Transient,
    "commit_then_slow": Transient,
    "html": Transient,
    "truncated": Transient,
    "concurrency_409": None,
}
WRITE_FAULTS = {
    "throttled": (RateLimited, False),
    "throttled_bare": (RateLimited, False),
    "server_error": (Unclear, False),
    "unavailable": (Unclear, False),
    "commit_then_error": (Unclear, True),
    "commit_then_hang_up": (Unclear, True),
    "hang_up": (Unclear, False),
    "commit_then_slow": (Unclear, True),
    "html": (Unclear, False),
    "truncated": (Unclear, True),
    "concurrency_409": (Transient, False),
}


@pytest.mark.parametrize("kind", [kind for kind, expected in READ_FAULTS.items() if expected])
def test_each_fault_on_a_read_is_safe_to_repeat(tenant: Tenant, kind: str) -> None:
    client = tenant.client()
    client.subscribed_skus()
    tenant.fault(kind, method="GET", path="subscribedSkus", seconds=SLOW, retry_after=3)
    with pytest.raises(READ_FAULTS[kind] or Exception) as caught:
        impatient(tenant, kind).subscribed_skus()
    if isinstance(caught.value, RateLimited):
        assert caught.value.retry_after == (3 if kind == "throttled" else None)
    assert client.subscribed_skus()


@pytest.mark.parametrize("kind", WRITE_FAULTS)
def test_each_fault_on_a_write_says_whether_to_look_first(tenant: Tenant, kind: str) -> None:
    client = tenant.client()
    expected, done = WRITE_FAULTS[kind]
    client.licence_states(tenant.ana)
    tenant.fault(kind, method="POST", path="assignLicense", seconds=SLOW, retry_after=3)
    with pytest.raises(expected):
        impatient(tenant, kind).assign(tenant.ana, tenant.sku)
    assert client.licence_states(tenant.ana).holds(tenant.sku) is done
    again = client.assign(tenant.ana, tenant.sku)
    assert again == (g.AlreadyHeld(True, ()) if done else g.Assigned(tenant.sku))
    assert client.subscribed_skus()[0].consumed == 1


def test_a_server_that_is_not_there_is_safe_to_repeat(tenant: Tenant) -> None:
    client = tenant.client()
    client.subscribed_skus()
    credentials = tenant.credentials(WRITER)
    credentials.token()
    tenant.standin.stop()
    gone = GraphClient(graph_transport(tenant.standin.graph_url, credentials, ca_bundle=tenant.ca))
    with pytest.raises(Transient):
        gone._assign_licence(tenant.ana, "assign licence", add=[], remove=[])
    with pytest.raises(Transient):
        gone.subscribed_skus()
