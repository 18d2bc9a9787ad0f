"""Agents over real sockets: each answered in its dialect; wrong tokens and hostile bodies store nothing."""

from __future__ import annotations

import gzip
import json
import threading
import xml.etree.ElementTree as ElementTree
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import select

from model.inventory import Installation
from model.people import Device
from tests.http.web_company import Company, found
from tests.http.web_server import KEY, Web, serving
from tests.unit.inventory_desk import Desk
from workflows.inventory.take import Intake
from workflows.policy import Policy
from workflows.rules import Rules

SAMPLES = Path(__file__).resolve().parents[1] / "data" / "inventories"
TOKEN = "example-token-of-the-agents"
FUSION = "FusionInventory-Agent_v2.6-3"
OCS = "OCS-NG_unified_unix_agent_v2.10.0"
AGENT_ID = "9e1d7a4c-6b1f-4f0e-9b60-2a7d5c3e8f10"
PROLOG = (
    '<?xml version="1.0" encoding="UTF-8" ?>\n<REQUEST><DEVICEID>pc-0001-2026-01-15-08-30-00</DEVICEID>'
    "<QUERY>PROLOG</QUERY><TOKEN>12345678</TOKEN></REQUEST>"
)


@pytest.fixture
def company(sqlite_url: str) -> Iterator[Company]:
    made = found(sqlite_url)
    yield made
    made.database.dispose()


def intake(company: Company) -> Intake:
    return Intake(company.database, lambda: Rules(Policy(), 1), KEY, lambda: None)


@pytest.fixture
def web(company: Company) -> Iterator[Web]:
    with serving(company, inventory_token=TOKEN, intake=intake(company)) as running:
        yield running


def send(
    web: Web, body: bytes | str, path: str = "/inventory", *, user: str = FUSION, token: str = TOKEN, **headers: str
) -> requests.Response:
    """As an agent sends it: Basic, whatever its user name is."""
    data = body if isinstance(body, bytes) else body.encode()
    sent = {"User-Agent": user, "Content-Type": "application/x-compress-zlib"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return requests.post(web.url + path, data=data, headers=sent, auth=("agent", token) if token else None, timeout=10)


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def devices(company: Company) -> list[tuple[str, str]]:
    with company.database.reading() as connection:
        return [(name, agent) for name, agent in connection.execute(select(Device.name, Device.agent))]


def open_rows(company: Company) -> int:
    with company.database.reading() as connection:
        return len(connection.execute(select(Installation.id).where(Installation.ended_at.is_(None))).all())


# who may


@pytest.mark.parametrize(
    "way",
    [
        {"auth": ("anybody", TOKEN)},
        {"headers": {"Authorization": f"Bearer {TOKEN}"}},
        {"path": f"/inventory/{TOKEN}"},
        {"path": f"/inventory/{TOKEN}/front/inventory.php"},
        {"auth": ("anybody", TOKEN), "path": "/inventory/plugins/fusioninventory/"},
        {"auth": ("anybody", TOKEN), "path": "/inventory/ocsinventory"},
    ],
)
def test_the_token_comes_in_any_way_an_agent_can_send_it(web: Web, way: dict[str, Any]) -> None:
    url = web.url + way.pop("path", "/inventory")
    answer = requests.post(url, data=zlib.compress(PROLOG.encode()), timeout=10, **way)
    assert answer.status_code == 200 and "SEND" in answer.text


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "x", "\u00e9" * 10])
@pytest.mark.parametrize("path", ["/inventory", "/inventory/plugins/fusioninventory/"])
def test_a_wrong_token_is_refused_with_the_challenge_agents_wait_for(web: Web, token: str, path: str) -> None:
    credentials = ("agent", token) if token else None
    answer = requests.post(web.url + path, data=sample("fusioninventory-2.6-linux.xml"), auth=credentials, timeout=10)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="Seatkeeper"'
    assert answer.json()["error"]["message"].endswith(".")
    assert devices(web.company) == []


def test_without_a_token_it_is_off_and_says_what_to_set(company: Company) -> None:
    with serving(company, intake=intake(company)) as off:
        answer = send(off, PROLOG)
        assert answer.status_code == 404 and "INVENTORY_TOKEN" in answer.json()["error"]["message"]
        assert send(off, PROLOG, "/inventory/", token="").status_code == 404


# dialects


@pytest.mark.parametrize("pack", [zlib.compress, gzip.compress, bytes])
def test_a_fusion_agent_is_asked_to_send_and_answered_in_plain_xml(web: Web, pack: Any) -> None:
    answer = send(web, pack(PROLOG.encode()))
    reply = ElementTree.fromstring(answer.text)  # noqa: S314  our own answer
    assert answer.status_code == 200
    assert (reply.tag, reply.findtext("RESPONSE"), reply.findtext("PROLOG_FREQ")) == ("REPLY", "SEND", "24")
    taken = send(web, pack(sample("fusioninventory-2.6-linux.xml")))
    assert taken.status_code == 200
    assert ElementTree.fromstring(taken.text).tag == "REPLY"  # noqa: S314
    assert devices(web.company) == [("pc-0001", FUSION)]
    assert open_rows(web.company) == 90


def test_an_ocs_agent_is_answered_by_a_zlib_stream_of_the_level_all_read(web: Web) -> None:
    prolog = PROLOG.replace("<TOKEN>12345678</TOKEN>", "")
    for body, word in ((prolog.encode(), b"SEND"), (sample("ocsinventory-2.10-linux.xml"), b"NO_ACCOUNT_UPDATE")):
        answer = send(web, zlib.compress(body), "/inventory/ocsinventory", user=OCS)
        assert answer.content[:2] == b"\x78\x9c"
        assert word in zlib.decompress(answer.content)
    assert devices(web.company) == [("pc-0002", OCS)]


def test_the_injector_sends_without_a_prolog(web: Web) -> None:
    body = zlib.compress(sample("fusioninventory-2.3-windows.xml"))
    answer = send(web, body, user="FusionInventory-Injector", Content_Type="Application/x-compress")
    assert answer.status_code == 200
    assert devices(web.company) == [("pc-0003", "FusionInventory-Agent_v2.3.19")]


def test_a_glpi_agent_goes_on_in_json_and_its_partial_inventories_remove_nothing(web: Web) -> None:
    def glpi(body: bytes | str) -> dict[str, Any]:
        packed = zlib.compress(body if isinstance(body, bytes) else body.encode())
        answer = send(web, packed, "/inventory/front/inventory.php", user="GLPI-Agent_v1.12", GLPI_Agent_ID=AGENT_ID)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/json"
        made: dict[str, Any] = answer.json()
        return made

    assert glpi(PROLOG)["status"] == "ok"
    contact = glpi(sample("glpi-agent-1.12-contact.json"))
    assert contact["tasks"]["inventory"]["server"] == "glpi"
    assert contact["expiration"] == 24 and "deploy" in contact["disabled"]
    assert "inventory" not in contact["disabled"]
    for name, count in (("full", 90), ("partial-no-software", 90), ("partial-software", 90)):
        assert glpi(sample(f"glpi-agent-1.12-{name}.json")) == {"status": "ok"}
        assert open_rows(web.company) == count
    assert devices(web.company) == [("pc-0004", "GLPI-Agent_v1.12-dev")]


def test_a_glpi_agent_in_its_older_mode_is_told_that_nothing_else_is_wanted(web: Web) -> None:
    asked = {"action": "getConfig", "machineid": "pc-0004", "task[Deploy]": "3.0"}
    answer = requests.get(f"{web.url}/inventory", params=asked, auth=("agent", TOKEN), timeout=10)
    assert (answer.status_code, answer.json()) == (200, {})
    assert requests.get(f"{web.url}/inventory", params=asked, timeout=10).status_code == 401
    assert requests.get(f"{web.url}/inventory/{TOKEN}", timeout=10).status_code == 400


def test_osquery_and_fleet_are_read_as_they_are(web: Web) -> None:
    queries = {
        "system_info": [
            {"hostname": "mac-1", "computer_name": "Mac 1", "uuid": "A1B2C3D4-0000-4000-8000-00000000AAAA",
             "hardware_serial": "C02XK1", "cpu_sockets": "1", "cpu_physical_cores": "8", "cpu_logical_cores": "16"}
        ],
        "os_version": [{"name": "macOS", "version": "15.1"}],
        "apps": [{"name": "Figma.app", "display_name": "", "bundle_short_version": "124.5"}],
        "deb_packages": [{"name": "bash", "version": "5.2"}],
    }  # fmt: skip
    host = {
        "uuid": "a1b2c3d4-0000-4000-8000-00000000aaaa", "hardware_serial": "C02XK1", "computer_name": "Mac 1",
        "os_version": "macOS 15.1", "cpu_physical_cores": 8, "cpu_logical_cores": 16,
        "software": [
            {"name": "Figma.app", "source": "apps", "installed_versions": [{"version": "124.5"}]},
            {"name": "A blocker", "source": "chrome_extensions", "version": "1"},
        ],
    }  # fmt: skip
    assert send(web, json.dumps(queries)).status_code == 200
    assert open_rows(web.company) == 2
    assert send(web, json.dumps({"host": host})).status_code == 200
    assert devices(web.company) == [("Mac 1", "osquery")]  # one machine, by its hardware


# what is refused


def xml(inside: str, head: str = "", encoding: str = "UTF-8") -> str:
    return (
        f'<?xml version="1.0" encoding="{encoding}"?>{head}<REQUEST><CONTENT><HARDWARE><NAME>pc-1</NAME></HARDWARE>'
        f"<SOFTWARES><NAME>{inside}</NAME></SOFTWARES></CONTENT><DEVICEID>pc-1-2026-01-01-01-01-01</DEVICEID>"
        "<QUERY>INVENTORY</QUERY></REQUEST>"
    )


BOMB = "<!DOCTYPE r [<!ENTITY a 'aaaaaaaaaa'>" + "".join(
    f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(9)
) + "]>"  # fmt: skip
GOOD = xml("Visio").encode()
HOSTILE: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 400, "empty"),
    "blanks": (b"  \r\n ", 400, "empty"),
    "text": (b"hello", 400, "neither XML nor JSON"),
    "cut xml": (GOOD[:-40], 400, "cut off"),
    "cut zlib": (zlib.compress(GOOD)[:-10], 400, "cut off"),
    "cut gzip": (gzip.compress(GOOD)[:-5], 400, "cut off"),
    "cut json": (sample("glpi-agent-1.12-full.json")[:5000], 400, "cut off"),
    "damaged": (zlib.compress(GOOD)[:30] + b"\xff" * 60 + zlib.compress(GOOD)[90:], 400, "does not inflate"),
    "twice": (zlib.compress(zlib.compress(GOOD)), 400, "twice"),
    "twice, mixed": (gzip.compress(zlib.compress(GOOD)), 400, "twice"),
    "two in one": (zlib.compress(GOOD) + zlib.compress(GOOD), 400, "follows"),
    "zlib bomb": (zlib.compress(b" " * 80_000_000), 413, "200 times"),
    "gzip bomb": (gzip.compress(b"<" + b"a" * 80_000_000), 413, "200 times"),
    "large": (b"<" + b"x" * (9 * 1024 * 1024), 413, "larger than 8 MB"),
    "entities": (xml("&i;", BOMB).encode(), 400, "entities"),
    "outside entity": (xml("&x;", '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>').encode(), 400, "entities"),
    "outside dtd": (xml("a", '<!DOCTYPE r SYSTEM "http://127.0.0.1:1/x.dtd">').encode(), 400, "entities"),
    "wrong encoding": (xml("caf\u00e9").encode("latin-1"), 400, "not XML"),
    "unknown encoding": (xml("a", encoding="KLINGON").encode(), 400, "encoding"),
    "a nul": (xml("a\0b").encode(), 400, "not XML"),
    "deep xml": (b"<REQUEST>" + b"<A>" * 100_000, 400, "cut off"),
    "deep xml that ends": (b"<A>" * 100_000 + b"</A>" * 100_000, 400, "begins with A"),
    "deep section": (xml("<A><B><C>" * 9000 + "</C></B></A>" * 9000).encode(), 400, "deeper"),
    "deep json": (b'{"a":' * 100_000, 400, "nested deeper"),
    "many sections": (b"<REQUEST><CONTENT>" + b"<A/>" * 60_000 + b"</CONTENT></REQUEST>", 413, "50,000"),
    "many elements": (b"<REQUEST>" + b"<A/>" * 900_000 + b"</REQUEST>", 413, "400,000"),
    "another root": (b"<HTML><BODY/></HTML>", 400, "begins with HTML"),
    "no query": (b"<REQUEST><CONTENT/></REQUEST>", 400, "no QUERY"),
    "another query": (b"<REQUEST><QUERY>SNMP</QUERY></REQUEST>", 400, "SNMP"),
    "no device": (b"<REQUEST><CONTENT/><QUERY>INVENTORY</QUERY></REQUEST>", 400, "DEVICEID"),
    "json list": (b"[1, 2]", 400, "list"),
    "json, not utf-8": (b'{"deviceid": "\xff\xfe"}', 400, "UTF-8"),
    "json without content": (b'{"action": "inventory", "deviceid": "a"}', 400, "content"),
    "json of another kind": (b'{"action": "netdiscovery"}', 400, "netdiscovery"),
    "json of odd shape": (b'{"deviceid": "a", "content": {"softwares": {"name": "x"}}}', 400, "schema"),
    "json of odd rows": (b'{"deviceid": "a", "content": {"softwares": ["x"]}}', 400, "schema"),
    "a printer": (b'{"deviceid": "a", "itemtype": "Printer", "content": {}}', 400, "computers"),
    "osquery of nobody": (b'{"system_info": [{}], "programs": []}', 400, "which machine"),
    "osquery of odd shape": (b'{"system_info": ["x"]}', 400, "list of rows"),
    "fleet of nobody": (b'{"host": {"software": []}}', 400, "which machine"),
    "fleet of odd shape": (b'{"host": {"uuid": "ab12cd", "hostname": "m", "software": [1]}}', 400, "Fleet"),
}  # fmt: skip


def test_hostile_and_broken_bodies_get_a_sentence_and_change_nothing(web: Web) -> None:
    before = Desk(web.company.database).sizes()
    wrong = []
    for name, (body, status, words) in HOSTILE.items():
        answer = send(web, body)
        said = answer.json()["error"]["message"]
        if answer.status_code != status or words not in said or not said.rstrip(")").endswith((".", "?")):
            wrong.append(f"{name}: {answer.status_code} {said}")
    assert not wrong
    assert Desk(web.company.database).sizes() == before
    assert send(web, GOOD).status_code == 200


def test_other_encodings_that_are_declared_are_read(web: Web) -> None:
    for encoding in ("ISO-8859-1", "windows-1252", "UTF-16"):
        assert send(web, xml("Caf\u00e9 Pro", encoding=encoding).encode(encoding)).status_code == 200
    assert open_rows(web.company) == 1


def test_what_is_odd_in_a_cell_is_stored_as_one_line(web: Web) -> None:
    content = {
        "hardware": {"name": "pc-1"},
        "softwares": [
            {"name": "Odd\u202e\n\tname \ud800 ", "version": 7, "publisher": ["x"]}, {"name": None}, {"name": " "},
            {"name": "t" * 9000},
        ],
        "versionclient": "GLPI-Agent_v1.12",
    }  # fmt: skip
    assert send(web, json.dumps({"deviceid": "pc-1", "content": content})).status_code == 200
    rows = Desk(web.company.database).open_titles(1)
    assert rows == {"Odd name", "t" * 500}


def test_more_than_two_at_a_time_wait_and_then_are_told_to_come_again(company: Company) -> None:
    """Four hold or wait for the two places; the fifth is told at once, and gets its place when they are free."""
    entered, leave = threading.Semaphore(0), threading.Event()

    class Slow(Intake):
        def take(self, report: Any, now: Any) -> Any:
            entered.release()
            assert leave.wait(20)
            return super().take(report, now)

    slow = Slow(company.database, lambda: Rules(Policy(), 1), KEY, lambda: None)
    with serving(company, inventory_token=TOKEN, intake=slow) as web:
        answers: list[int] = []

        def deliver(number: int) -> None:
            answers.append(send(web, xml("Visio").replace("pc-1", f"pc-{number}")).status_code)

        threads = [threading.Thread(target=deliver, args=(number,)) for number in (1, 2)]
        for one in threads:
            one.start()
        assert entered.acquire(timeout=10) and entered.acquire(timeout=10)
        refused = []
        more = [threading.Thread(target=lambda: refused.append(send(web, PROLOG))) for _ in range(3)]
        for one in more:
            one.start()
        more[0].join(0.5)
        while not refused:
            for one in more:
                one.join(0.05)
        assert refused[0].status_code == 503 and int(refused[0].headers["Retry-After"]) > 0
        leave.set()
        for one in threads + more:
            one.join(15)
        assert answers == [200, 200]
        assert sorted(one.status_code for one in refused) == [200, 200, 503]
        assert send(web, PROLOG).status_code == 200
