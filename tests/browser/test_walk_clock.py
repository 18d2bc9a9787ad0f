"""Moving the demo's clock: what falls due on the way is done in its order, at its own time."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from pathlib import Path

from flask import Flask, Response, jsonify
from werkzeug.serving import make_server

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
