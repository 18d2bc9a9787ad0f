"""`seatkeeper demo` as people use it: real processes, started, played, cut off, stopped, gone on with, begun anew."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.slack_person import Person, message_text
from tests.recovery.service_forks import Forks

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0


@dataclass
class Played:
    """A running demo and the addresses it printed."""

    process: subprocess.Popen[str]
    page: str
    service: str

    def call(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        session = requests.Session()
        session.trust_env = False
        try:
            answer = session.request(method, f"{self.page}{path}", json=body if method != "GET" else None, timeout=300)
        finally:
            session.close()
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def seats_of(self, name: str) -> list[str]:
        [person] = [user for user in self.call("GET", "/api/m365")["users"] if user["name"] == name]
        return [seat["name"] for seat in person["seats"]]

    def steps_done(self) -> list[bool]:
        return [step["done"] for step in self.call("GET", "/api/state")["tour"]]

    def until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, f"{what} did not happen"
            assert self.process.poll() is None, f"the demo ended: {self.process.communicate()}"
            time.sleep(0.05)  # a poll, since the page has no event for it

    def ports(self) -> list[int]:
        return [int(address.rpartition(":")[2]) for address in (self.page, self.service)]


def command(state: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "bot", "demo", "--no-browser", "--state", str(state), *more]


def environment() -> dict[str, str]:
    """A shell in which a real installation is set up: none of it may reach the demo."""
    return dict(os.environ) | {
        "SLACK_APP_TOKEN": "xapp-example-of-a-real-one",
        "SLACK_API_URL": "http://127.0.0.1:9/api/",
        "SMTP_URL": "smtp://127.0.0.1:9",
        "DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:9/nothing",
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def demo(state: Path, *more: str) -> Iterator[Played]:
    process = subprocess.Popen(
        command(state, "--port", "0", *more), cwd=ROOT, env=environment(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        said = ""
        found: dict[str, str] = {}
        assert process.stdout is not None
        while len(found) < 2:
            line = process.stdout.readline()
            assert line, f"the demo ended before it was ready:\n{said}{logs(state)}"
            said += line
            found |= {m[1]: m[2] for m in re.finditer(r"(Play the company|Seatkeeper itself): +(http\S+)", line)}
        yield Played(process, found["Play the company"], found["Seatkeeper itself"])
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)


def logs(state: Path) -> str:
    return "\n".join(file.read_text(errors="replace")[-3000:] for file in sorted(state.glob("*.log")))


def children(pid: int) -> list[int]:
    """Processes started by this one (Linux)."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False).stdout
    return [int(word) for word in found.split()]


def command_of(pid: int) -> str:
    return subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def all_gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}/cmdline").exists() and command_of(pid).strip() for pid in pids)


@pytest.mark.slow
def test_play_it_stop_it_go_on_and_start_over(tmp_path: Path) -> None:
    """The path of the tour: Ana asks, Ben approves, Microsoft 365 has the seat, the ticket closes; and it lasts."""
    state = tmp_path / "demo"
    copilot = "Microsoft Copilot for Microsoft 365"
    with demo(state) as played:
        assert len(played.call("GET", "/api/state")["people"]) == 59  # one has no account
        assert copilot not in played.seats_of("Ana Lindqvist")
        played.call("POST", "/api/tour/1")
        played.until(lambda: played.steps_done()[0], "the request")
        played.until(lambda: bool(played.call("GET", "/api/state")["people"][1]["waiting"]), "Ben's card")
        played.call("POST", "/api/tour/2")
        played.until(lambda: all(played.steps_done()[:3]), "the seat, the closed ticket and the record")
        played.call("POST", "/api/tour/4")
        played.until(lambda: all(played.steps_done()[:4]), "the answer to what is short")
        assert copilot in played.seats_of("Ana Lindqvist")
        browser = http.client.HTTPConnection("127.0.0.1", played.ports()[1])
        browser.request("GET", "/healthz")  # and keeps the connection, which must not hold up the end
        assert browser.getresponse().read()
        family, ports = children(played.process.pid), played.ports()
        assert len(family) == 2
        played.process.send_signal(signal.SIGINT)
        said, _ = played.process.communicate(timeout=PATIENCE)
        assert played.process.returncode == 0, said
        browser.close()
        assert "goes on from here" in said
        assert "stopping" in logs(state) and "Traceback" not in logs(state)
        assert all_gone(family) and not any(listens(port) for port in ports)
    with demo(state) as again:
        assert copilot in again.seats_of("Ana Lindqvist")
        assert again.steps_done()[0]
        again.call("POST", "/api/start-over")
        assert copilot not in again.seats_of("Ana Lindqvist")
        assert not any(again.steps_done())
        again.call("POST", "/api/tour/1")
        again.until(lambda: again.steps_done()[0], "a request after starting over")
    with demo(state, "--reset") as fresh:
        assert not any(fresh.steps_done())


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_end_of_the_tour_takes_a_seat_back_and_undoes_it(tmp_path: Path) -> None:
    """A seat nobody uses is asked about, given back, taken after Dara's press, noted in ServiceNow, and put back."""
    copilot, holder = "Microsoft Copilot for Microsoft 365", "Goran Petrović"
    with demo(tmp_path / "demo") as played:
        assert copilot in played.seats_of(holder)
        played.call("POST", "/api/tour/5")
        played.until(lambda: played.steps_done()[4], "the question to a holder")
        played.call("POST", "/api/tour/6")
        played.until(lambda: played.steps_done()[5], "the holder's answer")
        assert copilot in played.seats_of(holder), "the holder's word alone takes nothing"
        played.call("POST", "/api/tour/7")
        played.until(lambda: played.steps_done()[6], "the confirmed list, carried out")
        assert copilot not in played.seats_of(holder)
        records = played.call("GET", "/api/servicenow")["records"]
        assert [one["number"] for one in records if "CMP-1: take back" in str(one["short_description"])]
        played.call("POST", "/api/tour/8")
        played.until(lambda: all(played.steps_done()[4:]), "the seat put back")
        assert copilot in played.seats_of(holder)


@pytest.mark.slow
def test_a_manager_without_slack_is_asked_by_mail_and_nothing_outlives_a_killed_demo(tmp_path: Path) -> None:
    """Aroha's manager in Auckland has no Slack account: a mail with a link reaches him in his working hours.

    Then the demo itself is killed without warning: its children end by themselves.
    """
    with demo(tmp_path / "demo") as played:
        aroha = Person(played.page, "U0AROHA")
        aroha.command("/licence request copilot")
        aroha.wait_for(lambda one: one.modal())
        aroha.fill(why="Letters to dealers in three languages").submit()
        aroha.wait_for(lambda one: one.message("REQ-1042"))
        played.call("POST", "/api/clock", seconds=13 * 3600)

        def mails() -> list[dict[str, Any]]:
            lines = played.call("GET", "/api/traffic?system=mail")["traffic"]
            return [line for line in lines if "wiremu.parata@" in line["path"]]

        played.until(lambda: bool(mails()), "the mail")
        body = played.call("GET", f"/api/traffic/{mails()[0]['number']}")["request_body"]
        [link] = set(re.findall(r"http://127\.0\.0\.1:\d+/d/\S+", body))
        page = requests.get(link, timeout=10)
        assert page.status_code == 200 and "Aroha Ngata" in page.text

        family = children(played.process.pid)
        played.process.kill()
        played.process.wait(PATIENCE)
        deadline = time.monotonic() + PATIENCE
        while not all_gone(family):
            assert time.monotonic() < deadline, "a child outlived the demo"
            time.sleep(0.05)  # a poll: they are no children of ours


@pytest.mark.slow
def test_a_power_cut_from_the_page_is_survived_and_a_child_that_dies_ends_the_demo(tmp_path: Path) -> None:
    """Another service starts after a power cut; a sandbox that dies by itself ends the demo with its last words."""
    with demo(tmp_path / "demo") as played:
        [before] = [pid for pid in children(played.process.pid) if "-m bot" in command_of(pid)]
        assert "starts again" in played.call("DELETE", "/api/worker")["text"]
        assert all_gone([before])

        def is_back() -> bool:
            return any("-m bot" in command_of(pid) for pid in children(played.process.pid)) and listens(
                played.ports()[1]
            )

        played.until(is_back, "a new service")
        family = children(played.process.pid)
        [sandbox] = [pid for pid in family if "-m sandbox" in command_of(pid)]
        os.kill(sandbox, signal.SIGKILL)
        said, _ = played.process.communicate(timeout=PATIENCE)
        assert played.process.returncode == 1
        assert "The sandbox ended by itself" in said and "sandbox.log" in said and "The stand-ins run" in said
        assert all_gone(family)


def refused(forks: Forks, folder: Path, *words: str) -> str:
    """What a demo says that does not start; a fork of a program that has imported everything will do for that."""
    process = forks.start(
        ["demo", "--no-browser", *words], environment(), ROOT, folder / "said", errors=folder / "errors"
    )
    assert process.wait(PATIENCE) == 1
    return (folder / "errors").read_text(encoding="utf-8")


def test_a_port_in_use_is_said_in_a_sentence(forks: Forks, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1] - 1  # the service's port is the one after the page's
        said = refused(forks, tmp_path, "--state", str(tmp_path / "demo"), "--port", str(port))
    assert f"listens on port {port + 1}" in said and "Traceback" not in said


def test_a_folder_of_something_else_is_never_emptied(forks: Forks, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "thesis.txt").write_text("years of work")
    said = refused(forks, tmp_path, "--state", str(state), "--reset", "--port", "0")
    assert "leaves it alone" in said
    assert (state / "thesis.txt").read_text() == "years of work"


@pytest.mark.slow
def test_a_device_reports_an_unlicensed_title_and_later_reports_it_gone(tmp_path: Path) -> None:
    """From the scan to the card, the question and the incident; and the next scan settles all three."""
    with demo(tmp_path / "demo") as played:
        eli, ana = Person(played.page, "U0ELI"), Person(played.page, "U0ANA")

        def device() -> dict[str, Any]:
            [found] = [one for one in played.call("GET", "/api/devices")["devices"] if one["person"] == "Ana Lindqvist"]
            return dict(found)

        def incidents() -> list[str]:
            records = played.call("GET", "/api/servicenow")["records"]
            return [one["state_word"] for one in records if "AutoCAD LT" in one["short_description"]]

        def alert(*words: str) -> bool:
            said = [message_text(one).replace("*", "") for one in eli.messages("it-alerts")]
            return any(all(word in one for word in words) for one in said)

        laptop = device()["name"]
        before = len(device()["titles"])
        assert played.call("POST", "/api/devices/scan", device=laptop)["text"].endswith(f"{before} titles.")
        played.call("POST", "/api/clock", seconds=2 * 3600 + 60)  # two complete runs over all that is in the register
        dara = Person(played.page, "U0DARA")
        told = [one for person in (eli, dara) for one in person.messages() if one["channel"] != "C0RENEWALS"]
        assert not told and not incidents()  # the company's baseline is accepted; a renewal was decided before
        played.call("POST", "/api/devices/title", device=laptop, title="AutoCAD LT 2024")
        assert device()["waiting"]
        played.call("POST", "/api/devices/scan", device=laptop)
        assert not device()["waiting"]
        played.until(lambda: alert("Red alert: AutoCAD LT", "INC00"), "the red alert with its record")
        assert incidents() == ["New"]
        played.until(lambda: "AutoCAD LT" in str(ana.messages()), "the question")
        played.call("DELETE", "/api/devices/title", device=laptop, title="AutoCAD LT 2024")
        played.call("POST", "/api/devices/scan", device=laptop)
        played.until(lambda: alert("Closed: gone at the scan of"), "the end of the alert")
        played.until(lambda: incidents() == ["Resolved"], "the end of the record")
        played.until(lambda: "Settled:" in str(ana.messages()), "the end of the question")
        assert len(device()["titles"]) == before
        with closing(sqlite3.connect(tmp_path / "demo" / "seatkeeper.db")) as register:
            assert register.execute("SELECT count(*) FROM device").fetchone() == (80,)  # no device came to be twice
            assert register.execute("SELECT count(*) FROM device_doubt").fetchone() == (0,)
