"""The two sides of the sync row, each a process of its own: the tenant that is read, and the one who reads it.

`python -m benchmarks.sync_parts serve PEOPLE SECONDS FOLDER` prints its address and serves until its input closes.
`… floor PLACE` asks for the fewest pages and reports there can be and keeps nothing. `… sync PLACE URL` is the product.
The last two print what they took as JSON.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import func, select

import migrations
from bot import logs
from integrations.graph import GraphClient
from integrations.graph_auth import GraphCredentials
from integrations.graph_transport import graph_transport
from jobs.outbox import NewJob, enqueue
from jobs.tables import Job
from jobs.worker import Worker
from model.licences import Product, Publisher, Seat, Sku
from model.people import Person
from model.session import Database, make_engine
from model.usage import LastUse
from sandbox.certificates import make_ca
from sandbox.clock import SandboxClock
from sandbox.faults import Fault, Faults
from sandbox.graph import create_graph
from sandbox.graph_crowd import Crowd
from sandbox.store import Store
from sandbox.traffic import Traffic
from workflows.perform_m365 import M365Sync
from workflows.perform_trouble import classify

ROOT = Path(__file__).resolve().parents[1]
TENANT, CLIENT, SECRET = "11111111-0000-4000-8000-000000000001", "bench", "example-secret"
ROLES = [
    "LicenseAssignment.Read.All", "User.Read.All", "AuditLog.Read.All", "Reports.Read.All", "ReportSettings.Read.All",
    "Organization.Read.All", "GroupMember.Read.All",
]  # fmt: skip
SKUS = ("SPE_E5", "VISIOCLIENT", "Microsoft_365_Copilot")
REPORTS = (
    "getOffice365ActiveUserDetail", "getM365AppUserDetail", "getMailboxUsageDetail", "getTeamsUserActivityUserDetail",
    "getMicrosoft365CopilotUsageUserDetail",
)  # fmt: skip
FIELDS = (
    "id,userPrincipalName,mail,displayName,accountEnabled,userType,department,jobTitle,companyName,country,"
    "usageLocation,employeeType,employeeHireDate,createdDateTime,onPremisesSyncEnabled,assignedLicenses,"
    "licenseAssignmentStates,signInActivity"
)


@dataclass(frozen=True)
class Place:
    """Where the tenant is."""

    authority: str
    graph_url: str
    ca: str


@dataclass(frozen=True)
class Took:
    """What one side took: requests to Graph, seconds by the clock and of a processor, the most memory in bytes, and
    the people and rows it ended with."""

    requests: int
    seconds: float
    processor: float
    memory: int
    people: int
    rows: int


@contextmanager
def serving(people: int, seconds: float, folder: Path) -> Iterator[Place]:
    """A tenant of so many people whose pages take so long, in a process of its own."""
    words = [sys.executable, "-m", "benchmarks.sync_parts", "serve", str(people), str(seconds), str(folder)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdin is not None and process.stdout is not None
    try:
        yield Place(**json.loads(process.stdout.readline()))
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


def run(side: str, place: Place, *words: str) -> Took:
    """One side in a process of its own, so that its memory is its own too."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.sync_parts", side, json.dumps(asdict(place)), *words],
        stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    return Took(**json.loads(done.stdout.splitlines()[-1]))


def _serve(people: int, seconds: float, folder: Path) -> None:
    faults = Faults()
    authority = make_ca(folder / "ca")
    graph = create_graph(
        Store(), SandboxClock(), Traffic(keep=10), faults, tenant_id=TENANT,
        clients={CLIENT: {"secret": SECRET, "roles": ROLES}}, certificate=authority.pair,
    )  # fmt: skip
    skus = [graph.directory.add_sku(part, people) for part in SKUS]
    graph.context.crowd = Crowd(people, skus, datetime.now(UTC))
    faults.add(Fault("slow", path=r"^/v1\.0/users$", parameters={"seconds": seconds}))
    graph.start()
    print(json.dumps(asdict(Place(graph.url, graph.graph_url, str(authority.ca)))), flush=True)
    sys.stdin.read()
    graph.stop()


def _credentials(place: Place) -> GraphCredentials:
    return GraphCredentials(TENANT, CLIENT, secret=SECRET, authority=place.authority, ca_bundle=place.ca)


def _floor(place: Place) -> Took:
    """Every page, one after the other, parsed for its next link; every report, read to its end."""
    bearer = _credentials(place).authorization()
    began, used, asked, people, rows = time.perf_counter(), time.process_time(), 0, 0, 0
    with requests.Session() as session:
        session.verify, session.trust_env = place.ca, False
        session.headers.update({"Authorization": bearer, "ConsistencyLevel": "eventual"})

        def get(url: str, **options: Any) -> requests.Response:
            nonlocal asked
            asked += 1
            answer = session.get(url, timeout=60, **options)
            answer.raise_for_status()
            return answer

        get(f"{place.graph_url}/subscribedSkus")
        get(f"{place.graph_url}/directory/subscriptions")
        get(f"{place.graph_url}/admin/reportSettings")
        expand = "manager($levels=1;$select=id)"
        link = f"{place.graph_url}/users?$select={FIELDS}&$expand={expand}&$count=true&$top=500"
        while link:
            page = get(link).json()
            people += len(page["value"])
            link = page.get("@odata.nextLink", "")
        for report in REPORTS:
            where = get(f"{place.graph_url}/reports/{report}(period='D180')", allow_redirects=False).headers["Location"]
            asked += 1
            with requests.get(where, verify=place.ca, timeout=60, stream=True) as content:
                rows += sum(chunk.count(b"\n") for chunk in content.iter_content(1 << 16)) - 1
    return Took(asked, time.perf_counter() - began, time.process_time() - used, _memory(), people, rows)


def _sync(place: Place, url: str) -> Took:
    database = Database(make_engine(url))
    migrations.upgrade(database.engine)
    http = graph_transport(place.graph_url, _credentials(place), ca_bundle=place.ca)
    client = GraphClient(http, client_id=CLIENT)
    with database.unit_of_work() as work:
        publisher = Publisher(name="Microsoft")
        work.session.add(publisher)
        work.session.flush()
        for sku in client.subscribed_skus():
            key = sku.part_number.lower()
            product = Product(publisher_id=publisher.id, name=key, key=key, granting="graph_direct")
            work.session.add(product)
            work.session.flush()
            work.session.add(Sku(product_id=product.id, sku_id=sku.sku_id, part_number=sku.part_number))
        enqueue(work.connection, [NewJob("sync.m365", "graph", {})], datetime.now(UTC))
        work.commit()
    asked = 0
    send, download = http.send, client.reports._download

    def counted(*words: Any, **more: Any) -> Any:
        nonlocal asked
        asked += 1
        return send(*words, **more)

    def downloaded(*words: Any) -> Any:
        nonlocal asked
        asked += 1
        return download(*words)

    vars(http)["send"], vars(client.reports)["_download"] = counted, downloaded
    worker = Worker(
        database, {"sync.m365": M365Sync(client).everything}, now=lambda: datetime.now(UTC), classify=classify,
        limits={}, owner="bench",
    )  # fmt: skip
    began, used = time.perf_counter(), time.process_time()
    worker.drain()
    seconds, processor = time.perf_counter() - began, time.process_time() - used
    with database.reading() as connection:
        assert connection.execute(select(Job.state)).scalars().all() == ["done"]
        people = connection.execute(select(func.count()).select_from(Person)).scalar_one()
        rows = sum(connection.execute(select(func.count()).select_from(one)).scalar_one() for one in (LastUse, Seat))
    database.dispose()
    return Took(asked, seconds, processor, _memory(), people, rows)


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(words: list[str]) -> None:
    """The program of one side."""
    logs.configure("warning")
    os.environ.pop("REQUESTS_CA_BUNDLE", None)
    match words:
        case ["serve", people, seconds, folder]:
            _serve(int(people), float(seconds), Path(folder))
        case ["floor", place]:
            print(json.dumps(asdict(_floor(Place(**json.loads(place))))))
        case ["sync", place, url]:
            print(json.dumps(asdict(_sync(Place(**json.loads(place)), url))))


if __name__ == "__main__":
    main(sys.argv[1:])
