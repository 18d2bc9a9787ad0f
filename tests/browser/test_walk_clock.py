"""What the demo's page does to the world: it moves the clock in order, and an order that was resolved arrives."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask, Response, jsonify, request
from werkzeug.serving import make_server

from sandbox.company import catalogue_id
from sandbox.graph_licensing import set_enabled
from sandbox.page import create_page
from sandbox.world import World


def test_the_clock_stops_at_each_due_thing_and_passes_over_what_repeats_often(tmp_path: Path) -> None:
    """One leap did a week's reminders at the end of it, and mail for working hours elsewhere waited a day more."""
    app = Flask("small")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    world = World(tmp_path / "demo", service_url=f"http://127.0.0.1:{server.server_port}").start()
    start = world.clock.now()
    waiting = [start + timedelta(hours=hours) for hours in (2, 2.1, 20, 200)]
    done: list[tuple[datetime, datetime]] = []

    @app.get("/api/v1/due")
    def due() -> Response:
        """As the service: what is due is done when it is looked at; a turn every five minutes always lies ahead."""
        now = world.clock.now()
        for at in [one for one in waiting if one <= now]:
            waiting.remove(at)
            done.append((at, now))
        rows = [{"at": at.isoformat(), "words": "work", "repeats": False} for at in waiting]
        rows.append({"at": (now + timedelta(minutes=5)).isoformat(), "words": "figures", "repeats": True})
        return jsonify(now=now.isoformat(), due=rows)

    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        client = create_page(world).test_client()
        client.environ_base["HTTP_HOST"] = "127.0.0.1:8480"
        moved = client.post("/api/clock", json={"seconds": 86400, "label": "1 day"})
        assert moved.status_code == 200
        assert [at for at, _ in done] == [start + timedelta(hours=hours) for hours in (2, 2.1, 20)]
        for at, when in done:
            assert at <= when <= at + timedelta(minutes=11), "at its own time, or with what is minutes away"
        now = datetime.fromisoformat(moved.get_json()["now"])
        assert timedelta(days=1) <= now - start < timedelta(days=1, minutes=1)
        assert len(waiting) == 1
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
        world.stop()


def test_a_turn_that_is_due_has_begun_before_the_clock_moves_on(tmp_path: Path) -> None:
    """On a quick machine a day had passed before the hourly look at campaigns began: lists came weeks late."""
    app = Flask("small")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    world = World(tmp_path / "demo", service_url=f"http://127.0.0.1:{server.server_port}").start()
    start = world.clock.now()
    turns = [start + timedelta(hours=hours) for hours in (4, 9)]
    begun: list[tuple[datetime, datetime]] = []
    looks = {"since": 0}

    @app.get("/api/v1/due")
    def due() -> Response:
        """A turn begins at the third look after it is due, as a clock that ticks does."""
        now = world.clock.now()
        if turns and turns[0] <= now:
            looks["since"] += 1
            if looks["since"] > 2:
                looks["since"] = 0
                begun.append((turns.pop(0), now))
        rows = [{"at": max(at, now).isoformat(), "words": "count positions", "repeats": True} for at in turns]
        return jsonify(now=now.isoformat(), due=rows)

    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        client = create_page(world).test_client()
        client.environ_base["HTTP_HOST"] = "127.0.0.1:8480"
        assert client.post("/api/clock", json={"seconds": 86400, "label": "1 day"}).status_code == 200
        assert len(begun) == 2
        assert all(at <= when < at + timedelta(minutes=11) for at, when in begun), begun
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
        world.stop()


def test_much_that_is_held_up_does_not_hide_what_comes_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty messages waited for a busy system; the rest of the day was one leap, and its reminders came days late."""
    monkeypatch.setattr("sandbox.page.SETTLE_SECONDS", 0.2)
    app = Flask("small")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    world = World(tmp_path / "demo", service_url=f"http://127.0.0.1:{server.server_port}").start()
    start = world.clock.now()
    later = start + timedelta(hours=20)
    done: list[datetime] = []

    @app.get("/api/v1/due")
    def due() -> Response:
        now = world.clock.now()
        if not done and later <= now:
            done.append(now)
        rows = [{"at": now.isoformat(), "words": "held up", "repeats": False}] * 30
        rows += [] if done else [{"at": later.isoformat(), "words": "a reminder", "repeats": False}]
        return jsonify(now=now.isoformat(), due=rows[: int(request.args.get("limit", 20))])

    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        client = create_page(world).test_client()
        client.environ_base["HTTP_HOST"] = "127.0.0.1:8480"
        assert client.post("/api/clock", json={"seconds": 86400, "label": "1 day"}).status_code == 200
        assert done and later <= done[0] < later + timedelta(minutes=1)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
        world.stop()


def test_a_resolved_purchase_raises_what_microsoft_counts_once(tmp_path: Path) -> None:
    """The order was closed, and the seat never came: nobody had told the vendor's side."""
    world = World(tmp_path / "demo", service_url="http://127.0.0.1:9").start()
    try:
        instance, directory = world.servicenow.instance, world.graph.directory
        product = world.company.products["visio-plan-2"]
        key = directory.sku_key(str(product.tiers[0].sku_id))
        set_enabled(directory, key, 6)
        item = instance.get("sc_cat_item", catalogue_id(str(product.purchase_name)))
        person = next(one for one in instance.rows("sys_user") if one["name"] == "Ana Lindqvist")
        assert item is not None
        agent = world.servicenow.control.agent()
        words = {"short_description": "Buy 2 seats of Visio Plan 2", "details": "x"}
        names = [variable["name"] for variable in item.get("_variables", [])]
        _, row = world.servicenow.catalog.order(agent, item, 2, person, dict.fromkeys(names, "x") | words)
        client = create_page(world).test_client()
        client.environ_base["HTTP_HOST"] = "127.0.0.1:8480"
        assert client.post("/api/resolve", json={"number": row["number"]}).status_code == 200
        assert (directory.store.get("graph.sku", key) or {})["prepaid"]["enabled"] == 8
        client.post("/api/resolve", json={"number": row["number"]})
        assert (directory.store.get("graph.sku", key) or {})["prepaid"]["enabled"] == 8
    finally:
        world.stop()
