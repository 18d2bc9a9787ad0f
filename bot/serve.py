"""Runs the assembled program until it is told to stop: web server, workers, clock, sealing, Socket Mode."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import structlog
import waitress

from bot.bootstrap import Service
from bot.socket import SocketRunner
from model.seal import seal
from model.session import DatabaseBusy
from workflows.effects import ReadFigures, enqueue

log = structlog.get_logger(__name__)

#: Between an event and its place in the chain; exports seal first.
SEAL_EVERY_SECONDS = 3.0
#: A press is answered in milliseconds; more threads than this only fight for the database.
WEB_THREADS = 8
LAST_ANSWERS_SECONDS = 5
#: Often enough that the log stays small: some dozen decisions at most.
CHECKPOINT_EVERY_SECONDS = 0.2
LONGEST_SOCKET_WAIT_SECONDS = 60.0
#: How often the clock looks for schedules that are due.
TICK_SECONDS, DEMO_TICK_SECONDS = 1.0, 0.2
LARGEST_BODY = 64 * 1024 * 1024


class Running:
    """The started parts of a service; `stop` lets what runs finish and returns when all is quiet."""

    def __init__(self, service: Service, *, web: bool = True, work: bool = True) -> None:
        self._service = service
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._server: waitress.server.BaseWSGIServer | None = None
        self._web, self._work = web, work
        self.port = 0

    def start(self) -> Running:
        """Start and return; the web server accepts connections when this returns. OSError when the port is taken."""
        service = self._service
        if self._work:
            service.clock.ensure(service.now())
            self._read_figures_now()
            self._thread("worker", lambda: service.worker.run(self._stop))
            self._thread("sealer", self._seal_on)
            # where time is moved by hand, what falls due on the way begins before it moves on
            service.clock.start(DEMO_TICK_SECONDS if service.settings.clock_offset_file else TICK_SECONDS)
        if self._web and service.sockets is not None:
            self._thread("socket", lambda: self._open_socket(service.sockets))
        if self._web:
            self._server = waitress.create_server(
                service.web,
                host=service.settings.listen,
                port=service.settings.port,
                threads=WEB_THREADS,
                max_request_body_size=LARGEST_BODY,
                ident=None,
            )
            self.port = int(self._server.effective_port)
            self._thread("web", self._server.run)
        if service.database.is_sqlite:
            self._thread("checkpoint", self._checkpoint_on)
        return self

    def _thread(self, name: str, target: Callable[[], object]) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _read_figures_now(self) -> None:
        """After a stop the counts are old: read them before the first card shows them."""
        if self._service.clients.graph is None:
            return
        with self._service.database.unit_of_work() as work:
            enqueue(work, [ReadFigures()], self._service.now())
            work.commit()

    def _open_socket(self, sockets: SocketRunner | None) -> None:
        """Slack may be away when we start: everything else runs, and the socket is tried again until it is open."""
        wait = 1.0
        while sockets is not None and not self._stop.is_set():
            try:
                sockets.start()
            except Exception as error:  # noqa: BLE001  whatever is wrong out there, it is tried again
                log.warning("the socket to Slack is not open yet", reason=type(error).__name__, again_in=wait)
                self._stop.wait(wait)
                wait = min(wait * 2, LONGEST_SOCKET_WAIT_SECONDS)
            else:
                log.info("the socket to Slack is open")
                return

    def _checkpoint_on(self) -> None:
        while not self._stop.wait(CHECKPOINT_EVERY_SECONDS):
            self._service.database.checkpoint()

    def _seal_on(self) -> None:
        while not self._stop.wait(SEAL_EVERY_SECONDS):
            try:
                seal(self._service.database, self._service.now())
            except DatabaseBusy:
                continue  # the next turn takes it along
            except Exception:
                log.exception("sealing failed; the next turn tries again")

    def stop(self) -> None:
        """Stop taking work, let what runs finish, seal what is committed."""
        self._stop.set()
        self._service.worker.wake()
        if self._work:
            self._service.clock.stop()
        if self._service.sockets is not None:
            self._service.sockets.stop()
        if self._server is not None:
            _close(self._server)
        for thread in self._threads:
            thread.join(timeout=20)
        if self._work:
            seal(self._service.database, self._service.now())
        self._service.close()


def _close(server: Any) -> None:
    """Answers under way are finished; then connections kept open without a request are closed too.

    Waitress alone would wait for those: a browser on the dashboard held up the end for two minutes. Its loop owns the
    sockets, so closing them is handed to it.
    """
    server.task_dispatcher.shutdown(timeout=LAST_ANSWERS_SECONDS)

    def close_all() -> None:
        for channel in list(server.active_channels.values()):
            channel.handle_close()
        server.close()

    server.trigger.pull_trigger(close_all)


def until_told(running: Running) -> None:
    """Wait for SIGTERM or SIGINT, then stop in order."""
    told = threading.Event()

    def tell(_number: int, _frame: FrameType | None) -> None:
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, tell)
    told.wait()
    log.info("stopping")
    running.stop()
