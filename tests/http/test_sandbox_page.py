"""The demo page's server: only this computer may ask, time goes forward, faults and refusals are said in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from sandbox.agents import Agents
from sandbox.page import create_page
from sandbox.page_refusals import explain, refusals
from sandbox.world import World
from workflows.inventory.dialects import fusion


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "demo", service_url="http://127.0.0.1:9").start()
    yield made
    made.stop()


@pytest.fixture
def client(world: World) -> FlaskClient:
    made = create_page(world).test_client()
    made.environ_base["HTTP_HOST"] = "127.0.0.1:8480"
    return made


def state(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/state").get_json()
    return found


def test_people_are_listed_with_the_cast_first(client: FlaskClient) -> None:
    people = state(client)["people"]
    assert [one["name"].split()[0] for one in people[:6]] == ["Ana", "Ben", "Chitra", "Dara", "Eli", "Fatima"]
    assert people[1]["role"] == "her manager"
    assert len(people) > 50


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://example.com"}, {"Origin": "http://127.0.0.1:9999"}, {"Host": "demo.example.com:8480"}],
    ids=["another site", "another port", "a name that points here"],
)
def test_pages_of_others_get_nothing(client: FlaskClient, headers: dict[str, str]) -> None:
    for path in ("/", "/api/state", "/_sandbox/screen?user=U0ANA", "/static/app.js"):
        assert client.get(path, headers=headers).status_code == 403
    assert client.post("/api/clock", json={"seconds": 60}, headers=headers).status_code == 403


def test_a_form_of_another_site_cannot_start_over(client: FlaskClient, world: World) -> None:
    """A plain form needs no permission of ours to be sent, but it cannot send JSON."""
    before = world.clock.offset()
    for path in ("/api/start-over", "/api/clock", "/api/faults", "/api/resolve"):
        assert client.post(path, data={"seconds": "60"}).status_code == 415
    assert world.clock.offset() == before


def test_nothing_from_elsewhere_is_loaded(client: FlaskClient) -> None:
    policy = client.get("/", buffered=True).headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    for name in sorted((Path(__file__).parents[2] / "sandbox" / "static").iterdir()):
        text = name.read_text(encoding="utf-8")
        assert "innerHTML" not in text
        assert 'src="http' not in text
        assert client.get(f"/static/{name.name}", buffered=True).status_code == 200


def test_time_goes_forward_only(client: FlaskClient, world: World) -> None:
    before = world.clock.now()
    for wrong in ({"seconds": -1}, {"seconds": 0}, {"seconds": "soon"}, {"to": "2001-01-01T00:00:00+00:00"},
                  {"to": "tomorrow"}, {"seconds": 1e12}, {"to": "2030-01-01"}):  # fmt: skip
        assert client.post("/api/clock", json=wrong).status_code == 400
    assert client.post("/api/clock", json={"seconds": 604800, "label": "7 days"}).get_json()["ok"]
    assert (world.clock.now() - before).days == 7
    world.slack.world.post(world.slack.world.direct(world.cast[1].user_id)["id"], "Still waiting", [])
    moved = state(client)["moved"]
    assert moved["label"] == "7 days"
    assert [(one["name"], one["count"]) for one in moved["arrived"]] == [("Ben Okafor", 1)]


def test_faults_are_switched_by_name(client: FlaskClient, world: World) -> None:
    assert client.post("/api/faults", json={"name": "volcano", "on": True}).status_code == 404
    for one in state(client)["faults"]:
        answer = client.post("/api/faults", json={"name": one["name"], "on": True}).get_json()
        assert {row["name"] for row in answer["faults"] if row["on"]} >= {one["name"]}
    assert {rule["kind"] for rule in world.servicenow.faults.listed()} == {"asleep", "wrong_close_code"}
    client.delete("/api/faults")
    assert not any(one["on"] for one in state(client)["faults"])


def test_a_record_is_resolved_the_way_a_person_there_does_it(client: FlaskClient, world: World) -> None:
    row = world.servicenow.instance.insert("incident", {"short_description": "x"}, world.servicenow.control.agent())
    assert client.post("/api/resolve", json={"number": row["number"]}).get_json() == {"ok": True}
    records = client.get("/api/servicenow").get_json()["records"]
    assert [(one["number"], one["state_word"]) for one in records] == [(row["number"], "Resolved")]
    again = client.post("/api/resolve", json={"number": row["number"]})
    assert (again.status_code, again.get_json()["error"]) == (409, f"Already ended: {row['number']}")


def test_devices_are_listed_with_what_is_on_them_now(client: FlaskClient) -> None:
    devices = {one["name"]: one for one in client.get("/api/devices").get_json()["devices"]}
    assert len(devices) == 80
    [sales_assistant] = [one for one in devices.values() if one["person"] == "Dmitri Vassilev"]
    titles = {one["title"] for one in sales_assistant["titles"]}
    assert "Google Chrome" in titles and "Adobe Acrobat XI Pro" not in titles  # removed three weeks ago
    assert (devices["LYO-PC-MEET"]["person"], devices["LYO-PC-MEET"]["no_person"]) == ("", "shared: meeting room")


@pytest.mark.parametrize(
    ("method", "device", "title", "words"),
    [
        ("POST", "LYO-PC-NONE", "Dropbox", "There is no device LYO-PC-NONE."),
        ("POST", "LYO-PC-MEET", "  ", "Type the name of a title, up to 200 characters."),
        ("POST", "LYO-PC-MEET", "x" * 201, "Type the name of a title, up to 200 characters."),
        ("POST", "LYO-PC-MEET", "a\x00b", "Type the name of a title, up to 200 characters."),
        ("POST", "LYO-PC-MEET", "google chrome", "google chrome is on LYO-PC-MEET already."),
        ("DELETE", "LYO-PC-MEET", "Nothing", "Nothing is not on LYO-PC-MEET."),
    ],
)
def test_what_cannot_be_put_on_a_device_is_said(
    client: FlaskClient, method: str, device: str, title: str, words: str
) -> None:
    answer = client.open("/api/devices/title", method=method, json={"device": device, "title": title})
    assert (answer.status_code, answer.get_json()["error"]) == (409, words)


def test_what_was_put_on_a_device_lasts_until_it_is_started_over(client: FlaskClient, world: World) -> None:
    def there(agents: Agents) -> bool:
        return any(one.title == "<b>Any & title</b>" for one in agents.titles("LYO-PC-MEET"))

    put = {"device": "LYO-PC-MEET", "title": " <b>Any &  title</b> "}
    assert client.post("/api/devices/title", json=put).get_json() == {"ok": True}
    again = Agents(world.folder, world.company, world.clock, world.traffic)
    assert there(world.agents) and there(again) and again.waiting("LYO-PC-MEET")
    [machine] = [one for one in again.machines if one.name == "LYO-PC-MEET"]
    report = fusion.read(again.inventory(machine, again.titles(machine.name))).report
    assert report is not None and report.software is not None
    assert report.name == machine.name and (report.processors, report.cores) == (machine.processors, machine.cores)
    assert "<b>Any & title</b>" in {one.title for one in report.software}
    assert len(report.software) == len(again.titles(machine.name))
    client.post("/api/start-over", json={})
    assert not there(world.agents) and not world.agents.waiting("LYO-PC-MEET")


def test_a_scan_without_the_service_is_said_and_waits(client: FlaskClient, world: World) -> None:
    world.agents.add("LYO-PC-MEET", "Dropbox")
    answer = client.post("/api/devices/scan", json={"device": "LYO-PC-MEET"})
    assert answer.status_code == 409 and "is not running, so the scan was not taken" in answer.get_json()["error"]
    assert world.agents.waiting("LYO-PC-MEET")
    [line] = world.traffic.since(0, "devices")
    assert line["status"] == 0 and world.inventory_token not in str(line)


def test_without_the_service_the_page_still_stands(client: FlaskClient) -> None:
    assert state(client)["running"] is False
    assert client.get("/api/record").get_json() == {"running": False, "known": False, "record": {}}
    assert client.get("/api/due").get_json() == {"next": None}
    assert [step["done"] for step in state(client)["tour"]] == [False] * 8
    assert "The record cannot be read now" in str(state(client)["tour"][2]["checks"])
    assert client.post("/api/tour/1").status_code == 409


def test_waiting_ends_with_a_change(client: FlaskClient, world: World) -> None:
    known = state(client)["stamp"]
    assert client.get("/api/wait", query_string={"known": known, "seconds": 0}).get_json() == {"stamp": known}
    world.clock.forward(datetime.now(UTC) - datetime.now(UTC).replace(microsecond=0))
    world.graph.directory.grant("ana.lindqvist@lumenfjord.example", "Microsoft_365_Copilot")
    assert client.get("/api/wait", query_string={"known": known, "seconds": 5}).get_json()["stamp"] != known


def test_refused_blocks_are_said_in_words(world: World) -> None:
    sent = {"channel": "C1", "blocks": [{"type": "divider"}, {"type": "section", "text": {"text": "a" * 3012}}]}
    world.traffic.add(
        at=world.clock.now(), system="slack", sender="Seatkeeper", receiver="slack", method="POST",
        path="/api/chat.postMessage", status=200, milliseconds=1.0, sentence="", request_body=json.dumps(sent),
        response_body=json.dumps({"ok": False, "errors": [
            "must be less than 3001 characters [json-pointer:/blocks/1/text/text]"]}),
    )  # fmt: skip
    [found] = refusals(world.traffic, 0)
    assert found["text"] == "Slack would refuse this: block 2 has 3,012 of 3,000 characters."
    assert json.loads(found["json"])["type"] == "section"


@pytest.mark.parametrize(
    ("complaint", "words"),
    [
        ("no more than 50 items allowed [json-pointer:/blocks]", "blocks has 51 of 50 entries."),
        ("missing required field: title [json-pointer:/view]", "view: missing required field: title."),
        ("something else", "something else."),
    ],
)
def test_other_refusals(complaint: str, words: str) -> None:
    said, _ = explain(complaint, {"blocks": [{}] * 51, "view": {}})
    assert said == f"Slack would refuse this: {words}"
