"""The demo page: a chat client with the outside world beside it, served from the same origin as what it asks.

    create_page(world)     # a Flask app; `world` is anything with the parts named in `sandbox.page_world.DemoWorld`

People act through Slack's person API (/_sandbox, as on the Slack stand-in); the rest is below /api. Only pages of this
computer may ask: the server listens on loopback without a login, so a page of another site must not reach it.
"""

from __future__ import annotations

import base64
import time
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, jsonify, request, send_from_directory

from sandbox.agents import SUGGESTED, NotTaken
from sandbox.graph import describe
from sandbox.page_devices import devices
from sandbox.page_faults import FaultBoard
from sandbox.page_people import arrived, people
from sandbox.page_purchases import completed, deliver
from sandbox.page_refusals import refusals
from sandbox.page_service import Service
from sandbox.page_tour import Tour, TourStuck
from sandbox.page_world import CastMember, DemoWorld, Moments
from sandbox.servicenow_records import Refused
from sandbox.slack_control import control

__all__ = ["CastMember", "DemoWorld", "create_page"]

Json = dict[str, Any]
LONGEST_WAIT_SECONDS = 25.0
LONGEST_STEP = timedelta(days=400)
STEPPING_SECONDS = 60.0  # real time a person is kept waiting while the clock goes from one due thing to the next
SETTLE_SECONDS = 6.0  # real time for what fell due at one of them: nightly counts take some on a busy machine
TOGETHER = timedelta(minutes=10)  # things so near one another are one stop
DUE_AT_ONCE = 200  # a morning's work at once must not hide what comes after it
OFTEN = timedelta(hours=1)  # what comes round sooner is no stop
SHOWN_BODY = 20_000
_LOCAL = ("127.0.0.1", "localhost")
_POLICY = (
    "default-src 'self'; img-src 'self' data: http: https:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


def create_page(world: DemoWorld) -> Flask:
    """The page's server."""
    app = Flask("sandbox.page", root_path=__file__.rpartition("/")[0], static_folder="static")
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.before_request(_only_this_computer)
    app.after_request(_headers)
    app.register_blueprint(control(world.slack.world, world.slack.actions, world.slack.faults, world.traffic))
    _Page(world).install(app)
    return app


def _only_this_computer() -> tuple[Response, int] | None:
    """A foreign page, also one behind a name that was made to point here, gets nothing."""
    origin = request.headers.get("Origin")
    named = urlsplit(f"//{request.host}").hostname
    if named not in _LOCAL or (origin and urlsplit(origin).netloc != request.host):
        return jsonify(ok=False, error="Only pages of this computer may act here."), 403
    return None


def _headers(answer: Response) -> Response:
    answer.headers["Content-Security-Policy"] = _POLICY
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["Cache-Control"] = "no-cache" if request.path.startswith("/static/") else "no-store"
    return answer


class _Page:
    """The routes, and the little the page itself remembers: where the clock was moved from."""

    def __init__(self, world: DemoWorld) -> None:
        self._world = world
        self._moments = Moments(world)
        self._service = Service(world)
        self._faults = FaultBoard(world)
        self._tour = Tour(world, self._service, self._forward)
        self._moved: Json | None = None

    def install(self, app: Flask) -> None:
        for path, view, methods in (
            ("state", self._state, ["GET"]),
            ("wait", self._wait, ["GET"]),
            ("files/<file_id>", self._file, ["GET"]),
            ("m365", self._m365, ["GET"]),
            ("servicenow", self._servicenow, ["GET"]),
            ("devices", self._devices, ["GET"]),
            ("devices/title", self._title, ["POST", "DELETE"]),
            ("devices/scan", self._scan, ["POST"]),
            ("resolve", self._resolve, ["POST"]),
            ("traffic", self._traffic, ["GET"]),
            ("traffic/<int:number>", self._exchange, ["GET"]),
            ("record", self._record, ["GET"]),
            ("chain", self._chain, ["GET"]),
            ("due", self._due, ["GET"]),
            ("clock", self._clock, ["POST"]),
            ("faults", self._switch, ["POST", "DELETE"]),
            ("worker", self._stop_worker, ["DELETE"]),
            ("tour/<int:number>", self._do, ["POST"]),
            ("start-over", self._start_over, ["POST"]),
        ):
            app.add_url_rule(f"/api/{path}", path, view, methods=methods)
        app.add_url_rule("/", "page", lambda: send_from_directory(app.static_folder or "", "index.html"))

    # -- what stands -------------------------------------------------------------------------------------------------

    def _state(self) -> Response:
        """Everything around the conversation: time, people, faults, tour, whether the service runs."""
        known = self._moments.stamp(self._service.running())
        moved = self._moved and self._moved | {"arrived": arrived(self._world, self._moved["ts"])}
        return jsonify(
            stamp=known,
            now=self._world.clock.now().isoformat(),
            running=self._service.running(),
            service_url=self._world.service_url,
            product=self._world.tour_product,
            people=people(self._world),
            faults=self._faults.listed(),
            tour=self._tour.steps(),
            moved=moved,
            refusals=refusals(self._world.traffic, request.args.get("after", 0, int)),
            commands=sorted(self._world.slack.world.app.commands or []),
        )

    def _wait(self) -> Response:
        """Answers as soon as anything differs from `known`, or after `seconds`."""
        seconds = min(max(request.args.get("seconds", 20.0, float), 0.0), LONGEST_WAIT_SECONDS)
        return jsonify(stamp=self._moments.wait(request.args.get("known", ""), seconds, self._service.running))

    def _file(self, file_id: str) -> Response:
        """A picture that was uploaded to Slack, as its reader's client would fetch it."""
        known = self._world.slack.world.store.get("slack.file", file_id)
        if known is None or not known["done"]:
            return Response("no such file", 404, mimetype="text/plain")
        return Response(base64.b64decode(known["content"]), mimetype="image/png")

    def _m365(self) -> Response:
        return jsonify(describe(self._world.graph.context))

    def _servicenow(self) -> Response:
        return jsonify(records=self._world.servicenow.control.records())

    def _devices(self) -> Response:
        suggested = [title for title, _, _ in SUGGESTED]
        return jsonify(devices=devices(self._world.company, self._world.agents), suggested=suggested)

    def _title(self) -> Response | tuple[Response, int]:
        """Install a title on a device, or take it off."""
        given = _body()
        change = self._world.agents.remove if request.method == "DELETE" else self._world.agents.add
        try:
            change(str(given.get("device", "")), str(given.get("title", "")))
        except NotTaken as wrong:
            return jsonify(ok=False, error=str(wrong)), 409
        self._moments.bump()
        return jsonify(ok=True)

    def _scan(self) -> Response | tuple[Response, int]:
        """A device's agent reports what is on it now."""
        name, world = str(_body().get("device", "")), self._world
        try:
            said = world.agents.scan(name, world.service_url, world.inventory_token)
        except NotTaken as wrong:
            return jsonify(ok=False, error=str(wrong)), 409
        self._moments.bump()
        return jsonify(ok=True, text=said)

    def _resolve(self) -> Response | tuple[Response, int]:
        given = _body()
        before = completed(self._world)
        try:
            self._world.servicenow.control.resolve(
                str(given.get("number", "")), str(given.get("outcome", "complete")), str(given.get("note", ""))
            )
        except Refused as refused:
            return jsonify(ok=False, error=f"{refused.message}: {refused.detail}"), 409
        deliver(self._world, before)
        return jsonify(ok=True)

    def _traffic(self) -> Response:
        """Exchanges after a number, without their bodies."""
        rows = self._world.traffic.since(request.args.get("after", 0, int), request.args.get("system"))
        for row in rows:
            del row["request_body"], row["response_body"]
        return jsonify(traffic=rows)

    def _exchange(self, number: int) -> Response | tuple[Response, int]:
        for row in self._world.traffic.since(number - 1):
            if row["number"] == number:
                return jsonify(row)
        return jsonify(ok=False, error="This exchange is no longer kept."), 404

    def _record(self) -> Response:
        found = self._service.events(request.args.get("after", 0, int))
        return jsonify(running=self._service.running(), known=found is not None, record=found or {})

    def _chain(self) -> Response:
        found = self._service.chain()
        return jsonify(running=self._service.running(), known=found is not None, chain=found or {})

    # -- time --------------------------------------------------------------------------------------------------------

    def _due(self) -> Response:
        return jsonify(next=self._next())

    def _next(self) -> Json | None:
        """The next thing that falls due, with what it is; None when the service cannot say or nothing waits."""
        found = self._service.due() or {}
        now = self._world.clock.now()
        rows = [
            (bool(one.get("repeats")), moment, str(one.get("words", "")))
            for one in found.get("due", [])
            if (moment := datetime.fromisoformat(one["at"])) > now
        ]
        if not rows:
            return None
        _, moment, what = min(rows)  # what only repeats, such as reading the directory, is no event to wait for
        return {"at": moment.isoformat(), "what": what}

    def _clock(self) -> Response | tuple[Response, int]:
        """Move forward by `seconds`, or `to` an instant. What arrives because of it is counted from here."""
        given = _body()
        before = self._world.clock.now()
        try:
            if given.get("to"):
                by = datetime.fromisoformat(str(given["to"])) - before + timedelta(seconds=1)
            else:
                by = timedelta(seconds=float(given.get("seconds") or 0))
        except (ValueError, TypeError, OverflowError):
            return jsonify(ok=False, error="That is no time this clock understands."), 400
        if not timedelta(0) < by <= LONGEST_STEP:
            return jsonify(ok=False, error="The clock moves forward only, by 400 days at most at a time."), 400
        now = self._forward(by, str(given.get("label", "")))
        return jsonify(ok=True, now=now.isoformat())

    def _forward(self, by: timedelta, label: str = "") -> datetime:
        """Move the clock, remember from where, and say what time it is then."""
        before = self._world.clock.now()
        ts = float(self._world.slack.world.next_ts())
        self._in_order(before + by)
        now = self._world.clock.now()
        if now < before + by:
            now = self._world.clock.forward(before + by - now)
        self._moved = {"ts": ts, "from": before.isoformat(), "to": now.isoformat(), "label": label}
        self._moments.bump()
        return now

    def _in_order(self, target: datetime) -> None:
        """Stop at each thing that falls due before `target` and let Seatkeeper do it, as the days would have.

        What repeats every few minutes is not stopped at. After STEPPING_SECONDS the rest of the way is one leap.
        """
        clock, until = self._world.clock, time.monotonic() + STEPPING_SECONDS
        while time.monotonic() < until:
            ahead = self._settled(min(until, time.monotonic() + SETTLE_SECONDS))
            if not ahead or ahead[0] >= target:
                return
            together = max(moment for moment in ahead if moment <= ahead[0] + TOGETHER)
            clock.forward(max(min(together, target) - clock.now() + timedelta(seconds=1), timedelta(0)))
            self._moments.bump()

    def _settled(self, until: float) -> list[datetime]:
        """What is still to come, earliest first, asked once nothing is due any more or at `until` (monotonic)."""
        while True:
            answer = self._service.due(DUE_AT_ONCE)
            found = answer or {}
            rows = [(bool(one.get("repeats")), datetime.fromisoformat(one["at"])) for one in found.get("due", [])]
            now = datetime.fromisoformat(found["now"]) if found.get("now") else self._world.clock.now()
            silent = answer is None and self._service.running()  # too busy to say: it does what fell due
            done = not silent and all(moment > now for _, moment in rows)  # a turn that is due has to begin as well
            if time.monotonic() >= until or done:
                return sorted(at for repeats, at in rows if at > now + (OFTEN if repeats else timedelta(0)))
            time.sleep(0.05)

    # -- trouble and the tour ----------------------------------------------------------------------------------------

    def _switch(self) -> Response | tuple[Response, int]:
        if request.method == "DELETE":
            self._faults.clear()
        else:
            given = _body()
            if not self._faults.switch(str(given.get("name", "")), bool(given.get("on"))):
                return jsonify(ok=False, error="There is no such trouble."), 404
        self._moments.bump()
        return jsonify(ok=True, faults=self._faults.listed())

    def _stop_worker(self) -> Response | tuple[Response, int]:
        try:
            said = self._world.stop_worker()
        except TimeoutError as late:
            return jsonify(ok=False, error=str(late)), 503
        self._moments.bump()
        return jsonify(ok=True, text=said)

    def _do(self, number: int) -> Response | tuple[Response, int]:
        try:
            self._tour.do(number)
        except TourStuck as stuck:
            return jsonify(ok=False, error=str(stuck)), 409
        return jsonify(ok=True)

    def _start_over(self) -> Response | tuple[Response, int]:
        _body()  # a page of another site cannot send JSON
        try:
            self._world.start_over()
        except TimeoutError as late:
            return jsonify(ok=False, error=str(late)), 503
        self._moved = None
        self._moments.bump()
        return jsonify(ok=True)


def _body() -> Json:
    given = request.get_json()
    return given if isinstance(given, dict) else {}
