"""`seatkeeper serve`, `migrate`, `work` in words: start the service, bring the database up to date."""

from __future__ import annotations

import argparse

import structlog

import migrations
from bot import logs
from bot.bootstrap import assemble
from bot.serve import Running, until_told
from bot.settings import load
from model.session import make_engine

log = structlog.get_logger(__name__)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `serve` and `migrate`."""
    serve = subparsers.add_parser("serve", help="run the service: web, bot, clock and workers in one process")
    serve.add_argument(
        "--role",
        choices=("all", "web", "worker"),
        default="all",
        help="web: only answer Slack and HTTP; worker: only do the work; all: both (default)",
    )
    serve.set_defaults(run=run_serve)
    migrate = subparsers.add_parser("migrate", help="bring the database to this version's schema")
    migrate.set_defaults(run=run_migrate)


def run_serve(arguments: argparse.Namespace) -> int:
    """Start, say what is off, and run until told to stop."""
    settings = load()
    logs.configure()
    service = assemble(settings)
    for sentence in settings.off():
        log.warning("not connected", detail=sentence)
    running = Running(service, web=arguments.role in ("all", "web"), work=arguments.role in ("all", "worker"))
    running.start()
    log.info("started", role=arguments.role, port=running.port)
    until_told(running)
    return 0


def run_migrate(arguments: argparse.Namespace) -> int:
    """Upgrade to head; a no-op when it is there."""
    settings = load()
    engine = make_engine(settings.database_url)
    before = migrations.current(engine)
    migrations.upgrade(engine)
    after = migrations.current(engine)
    print(
        f"The database is at revision {after}." if before == after else f"The database moved from {before} to {after}."
    )
    engine.dispose()
    return 0
