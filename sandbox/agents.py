"""The company's machines as one plays them: titles come and go, and a scan is sent as an inventory agent sends it.

What was played is kept in one file of the world's folder, so that a second start goes on from there. The inventory is
XML as FusionInventory writes it, compressed with zlib, with the agents' token as password of Basic authentication.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
import zlib
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import requests

from sandbox.clock import SandboxClock
from sandbox.company import Company
from sandbox.inventory import Copy, Inventory, Machine, load
from sandbox.traffic import Traffic

AGENT = "FusionInventory-Agent_v2.6"
TIMEOUT_SECONDS = 20.0
LONGEST_TITLE = 200
#: Titles nobody has a right to, to choose from; one may type any other.
SUGGESTED = (
    ("AutoCAD LT 2024", "Autodesk", "31.0.47.0"),
    ("Dropbox", "Dropbox, Inc.", "211.4.6008"),
    ("Camtasia 2023", "TechSmith Corporation", "23.4.2"),
)
_VERSION = "1.0"
_CHASSIS = {"portable": "Notebook", "server": "Rack Mount Chassis", "virtual": "Other"}


class NotTaken(Exception):
    """A change or a scan that came to nothing; the message says why and what to do."""


@dataclass(frozen=True, order=True)
class Shown:
    """A title on a machine as its agent reports it."""

    title: str
    publisher: str
    version: str


def device_id(machine: Machine) -> str:
    """What the agent calls itself: the name, and when it was set up."""
    return f"{machine.name}-{machine.first_seen:%Y-%m-%d-%H-%M-%S}"


def hardware_id(machine: Machine) -> str:
    """The UUID of the mainboard, the same each time."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{machine.name.casefold()}.lumenfjord.example"))


class Agents:
    """The agents of all machines of a company, and what was added or removed since the company's first morning."""

    def __init__(self, folder: Path, company: Company, clock: SandboxClock, traffic: Traffic) -> None:
        self._file = folder / "devices.json"
        self._company, self._clock, self._traffic = company, clock, traffic
        self._found: Inventory = load(company)
        self._lock = threading.Lock()
        self._played: dict[str, dict[str, Any]] = {}
        if self._file.exists():
            self._played = json.loads(self._file.read_text(encoding="utf-8"))

    def start_over(self, company: Company) -> None:
        """Every machine as on the company's first morning."""
        with self._lock:
            self._company, self._found, self._played = company, load(company), {}
            self._file.unlink(missing_ok=True)

    @property
    def machines(self) -> tuple[Machine, ...]:
        return self._found.machines

    def titles(self, name: str) -> list[Shown]:
        """What is on a machine now, by name."""
        with self._lock:
            played = self._played.get(name, {}).get("titles")
        if played is not None:
            return [Shown(*one) for one in played]
        return sorted((_shown(one) for one in self._found.on(name)), key=lambda one: one.title.casefold())

    def waiting(self, name: str) -> bool:
        """Whether something changed on it since its last scan."""
        with self._lock:
            return bool(self._played.get(name, {}).get("waiting"))

    def last_seen(self, machine: Machine) -> datetime:
        """When it was last heard of."""
        with self._lock:
            said = self._played.get(machine.name, {}).get("scanned")
        return datetime.fromisoformat(said) if said else machine.last_seen

    # -- what one plays ----------------------------------------------------------------------------------------------

    def add(self, name: str, title: str) -> None:
        """Install a title on a machine. Raises NotTaken."""
        self._machine(name)
        words = " ".join(title.split())
        if not words or len(words) > LONGEST_TITLE or not words.isprintable():
            raise NotTaken(f"Type the name of a title, up to {LONGEST_TITLE} characters.")
        there = self.titles(name)
        if any(one.title.casefold() == words.casefold() for one in there):
            raise NotTaken(f"{words} is on {name} already.")
        known = next((one for one in SUGGESTED if one[0].casefold() == words.casefold()), (words, "", _VERSION))
        self._keep(name, titles=sorted([*there, Shown(*known)], key=lambda one: one.title.casefold()), waiting=True)

    def remove(self, name: str, title: str) -> None:
        """Take a title off a machine, in all its versions. Raises NotTaken."""
        self._machine(name)
        there = self.titles(name)
        left = [one for one in there if one.title != title]
        if len(left) == len(there):
            raise NotTaken(f"{title} is not on {name}.")
        self._keep(name, titles=left, waiting=True)

    def scan(self, name: str, service_url: str, token: str) -> str:
        """Send a full inventory of a machine to the service; says in a sentence what was sent. Raises NotTaken."""
        machine = self._machine(name)
        titles = self.titles(name)
        text = self.inventory(machine, titles)
        began = time.perf_counter()
        status, said = _post(f"{service_url.rstrip('/')}/inventory", text, token)
        sentence = f"{name} sent its inventory, {len(titles)} {'title' if len(titles) == 1 else 'titles'}"
        self._traffic.add(
            at=self._clock.now(),
            system="devices",
            sender="devices",
            receiver="seatkeeper",
            method="POST",
            path="/inventory",
            status=status,
            milliseconds=round((time.perf_counter() - began) * 1000, 1),
            sentence=sentence,
            request_body=text.decode("utf-8"),
            response_body=said,
        )
        if status == 0:
            raise NotTaken("Seatkeeper is not running, so the scan was not taken. Send it again once it is back.")
        if status != 200:
            raise NotTaken(f"Seatkeeper did not take the scan (it answered {status}). Traffic shows what it said.")
        self._keep(name, scanned=self._clock.now().isoformat(), waiting=False)
        return f"{sentence}."

    def inventory(self, machine: Machine, titles: list[Shown]) -> bytes:
        """The message of the machine's agent, not compressed."""
        root = ElementTree.Element("REQUEST")
        content = ElementTree.SubElement(root, "CONTENT")
        login = self._company.people[machine.person].email.partition("@")[0] if machine.person else ""
        _cells(content, "ACCESSLOG", LOGDATE=f"{self._clock.now():%Y-%m-%d %H:%M:%S}")
        _cells(content, "BIOS", SMANUFACTURER="Example Computers")
        for cell in _processors(machine):
            _cells(content, "CPUS", **cell)
        _cells(
            content,
            "HARDWARE",
            NAME=machine.name,
            UUID=hardware_id(machine).upper(),
            OSNAME=machine.system,
            CHASSIS_TYPE=_CHASSIS.get(machine.kind, "Desktop"),
            VMSYSTEM="VMware" if machine.kind == "virtual" else "Physical",
            LASTLOGGEDUSER=login,
        )
        _cells(content, "OPERATINGSYSTEM", FULL_NAME=machine.system)
        for one in titles:
            _cells(content, "SOFTWARES", NAME=one.title, PUBLISHER=one.publisher, VERSION=one.version)
        if not titles:
            ElementTree.SubElement(content, "SOFTWARES")
        if login:
            _cells(content, "USERS", LOGIN=login)
        ElementTree.SubElement(content, "VERSIONCLIENT").text = AGENT
        ElementTree.SubElement(root, "DEVICEID").text = device_id(machine)
        ElementTree.SubElement(root, "QUERY").text = "INVENTORY"
        text: bytes = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
        return text

    def _machine(self, name: str) -> Machine:
        found = next((one for one in self.machines if one.name == name), None)
        if found is None:
            raise NotTaken(f"There is no device {name}.")
        return found

    def _keep(self, name: str, *, titles: list[Shown] | None = None, **more: Any) -> None:
        with self._lock:
            own = self._played.setdefault(name, {})
            if titles is not None:
                own["titles"] = [[one.title, one.publisher, one.version] for one in titles]
            own.update(more)
            fresh = self._file.with_name(f"{self._file.name}.new")
            fresh.write_text(json.dumps(self._played, ensure_ascii=False), encoding="utf-8")
            fresh.replace(self._file)


def _shown(copy: Copy) -> Shown:
    return Shown(copy.raw_title, copy.raw_publisher, copy.version)


def _processors(machine: Machine) -> list[dict[str, str]]:
    """One entry for each processor; cores and threads are shared out among them."""
    count = machine.processors or 0
    found = []
    for place in range(count):
        cell = {"NAME": "Example processor"}
        for name, whole in (("CORE", machine.cores), ("THREAD", machine.threads)):
            if whole is not None:
                cell[name] = str(whole // count + (place < whole % count))
        found.append(cell)
    return found


def _cells(parent: ElementTree.Element, section: str, **cells: str) -> None:
    made = ElementTree.SubElement(parent, section)
    for name, value in cells.items():
        if value:
            ElementTree.SubElement(made, name).text = value


def _post(url: str, text: bytes, token: str) -> tuple[int, str]:
    """Status and what was answered; 0 when nobody did."""
    session = requests.Session()
    session.trust_env = False
    try:
        answer = session.post(
            url,
            data=zlib.compress(text),
            headers={
                "Content-Type": "application/x-compress",
                "User-Agent": AGENT,
                "Authorization": f"Basic {b64encode(f'agent:{token}'.encode()).decode('ascii')}",
            },
            timeout=TIMEOUT_SECONDS,
        )
        return answer.status_code, _read(answer.content)
    except requests.RequestException:
        return 0, ""
    finally:
        session.close()


def _read(body: bytes) -> str:
    try:
        body = zlib.decompress(body)
    except zlib.error:
        pass  # it was not compressed
    return body.decode("utf-8", "replace")
