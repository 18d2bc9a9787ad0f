"""What an operator sets up beside the service: people and counts read now, roles, products."""

from __future__ import annotations

import argparse
import getpass
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import date
from decimal import Decimal, InvalidOperation

from sqlalchemy import Row, select

from bot import cli_progress as progress
from bot.bootstrap import NotReady, Service, assemble
from bot.settings import load
from jobs.outbox import NewJob, enqueue
from jobs.tables import Job, JobState
from licensing.money import Money
from model.licences import Granting
from model.people import Role
from model.session import UnitOfWork
from model.tickets import SyncRun
from workflows import roles
from workflows.register import catalogue

_SYNCS = {
    "m365": ("sync.m365_changes", "graph"),
    "people": ("sync.people", "graph"),
    "accounts": ("sync.slack", "slack"),
    "figures": ("m365.figures", "graph"),
    "intune": ("sync.intune", "graph"),
}
_SOURCES = {"m365": "directory", "people": "directory", "accounts": "slack", "figures": "figures", "intune": "intune"}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `sync`, `role` and `product`."""
    sync = subparsers.add_parser(
        "sync",
        help="read Microsoft 365, people, Slack accounts, seat counts or Intune now, not on schedule",
        description="m365 reads what changed since the last time, with --full everybody, their seats and sign-ins, "
        "subscriptions, licensing groups and usage reports. people reads people and seats alone.",
    )
    sync.add_argument("what", choices=sorted(_SYNCS))
    sync.add_argument("--full", action="store_true", help="m365: read everything anew")
    sync.add_argument(
        "--accept", action="store_true", help="accept that many people, seats or installations are no longer there"
    )
    sync.set_defaults(run=_sync)

    role = subparsers.add_parser("role", help="give, end or list roles (licence_manager, it, finance, …)")
    role.add_argument("action", choices=("give", "end", "list"))
    role.add_argument("email", nargs="?", default="")
    role.add_argument("role", nargs="?", choices=[one.value for one in Role])
    role.set_defaults(run=_role)

    product = subparsers.add_parser("product", help="add a product to the register, or list them")
    product.add_argument("action", choices=("add", "list"))
    product.add_argument("--key", help="what policy.yaml calls it, for example microsoft-copilot")
    product.add_argument("--name", help="what people read")
    product.add_argument("--publisher", default="")
    product.add_argument("--granting", choices=[one.value for one in Granting], default=Granting.OWNER_TASK.value)
    product.add_argument("--owner", default="", help="e-mail address of the person who looks after it")
    product.add_argument("--sku-id", help="Microsoft's skuId")
    product.add_argument("--part-number", default="")
    product.add_argument("--group-id", help="the licensing group that policy names")
    product.add_argument("--catalogue-item", help="sys_id of the ServiceNow item that gives a seat")
    product.add_argument("--purchase-item", help="sys_id of the ServiceNow item that buys more")
    product.add_argument("--admin-url", help="where its owner gives seats by hand")
    product.add_argument("--seats", type=int, help="how many were bought; leave out for no limit")
    product.add_argument("--price", help="per seat, for example 336.00EUR")
    product.add_argument("--per", choices=("month", "year", "once"), default="year")
    product.add_argument("--from", dest="starts", type=date.fromisoformat, help="first day of the purchase")
    product.add_argument("--until", dest="ends", type=date.fromisoformat, help="last day of the purchase")
    product.set_defaults(run=_product)


def _sync(arguments: argparse.Namespace) -> int:
    """Put the reading into the queue and work until it is done; a running service may be quicker."""
    service = assemble(load())
    try:
        kind, queue = _SYNCS[arguments.what]
        if arguments.what == "m365" and arguments.full:
            kind = "sync.m365"
        connected = service.clients.slack if queue == "slack" else service.clients.graph
        if connected is None:
            raise NotReady(f"Nothing to read: {'Slack' if queue == 'slack' else 'Microsoft 365'} is not connected.")
        key = f"{kind}:{service.now().isoformat()}"
        with service.database.unit_of_work() as work:
            enqueue(work.connection, [NewJob(kind, queue, {"accept": arguments.accept}, dedupe_key=key)], service.now())
            work.commit()
        with progress.bar(service.database) if arguments.what in ("m365", "people") else nullcontext():
            job = _finished(service, key)
        if job.state != JobState.DONE:
            print(f"Not read: {job.error or 'it is tried again later'}")
            return 1
        print(_counts(service, _SOURCES[arguments.what]))
        if arguments.what == "m365":
            for line in progress.sources(service.database):
                print(line)
        return 0
    finally:
        service.close()


def _finished(service: Service, key: str) -> Row[tuple[JobState, str, str]]:
    """The job once it is done or met trouble; being asked to wait is none, and is waited for."""
    while True:
        service.worker.run_once()
        with service.database.reading() as connection:
            job = connection.execute(select(Job.state, Job.error, Job.error_kind).where(Job.dedupe_key == key)).one()
        if job.state in (JobState.DONE, JobState.PARKED) or (job.error and job.error_kind != "rate_limited"):
            return job
        time.sleep(0.05)  # another process has it


def _counts(service: Service, source: str) -> str:
    with service.database.reading() as connection:
        found = connection.execute(
            select(SyncRun.counts, SyncRun.words)
            .where(SyncRun.source.startswith(source))
            .order_by(SyncRun.id.desc())
            .limit(1)
        ).one_or_none()
    if found is not None and found.words:
        return str(found.words)
    counts = found.counts if found is not None else {}
    told = {name.replace("_", " "): value for name, value in counts.items() if name != "rows"}
    return ", ".join(f"{name} {value}" for name, value in told.items()) or "The seat counts were read."


def _in_one_go(change: Callable[[Service, UnitOfWork], int]) -> int:
    service = assemble(load())
    try:
        with service.database.unit_of_work() as work:
            code = change(service, work)
            work.commit()
        return code
    finally:
        service.close()


def _role(arguments: argparse.Namespace) -> int:
    def change(service: Service, work: UnitOfWork) -> int:
        if arguments.action == "list":
            for name, email, role in roles.held(work, service.now()):
                print(f"{name} <{email}>: {role.value}")
            return 0
        if not arguments.email or not arguments.role:
            print("Say who and which: seatkeeper role give ana@example.com licence_manager")
            return 2
        role, actor = Role(arguments.role), f"operator:{getpass.getuser()}"
        if arguments.action == "give":
            new = roles.grant(work, arguments.email, role, actor, service.now())
            print(f"{arguments.email} is {role.value} now." if new else f"{arguments.email} was {role.value} already.")
        else:
            ended = roles.end(work, arguments.email, role, actor, service.now())
            print(
                f"{arguments.email} is no longer {role.value}." if ended else f"{arguments.email} was not {role.value}."
            )
        return 0

    return _in_one_go(change)


def _product(arguments: argparse.Namespace) -> int:
    def change(service: Service, work: UnitOfWork) -> int:
        if arguments.action == "list":
            for key, name, granting, owner in catalogue.products(work):
                print(f"{key}: {name}, given by {granting}, looked after by {owner or 'nobody yet'}")
            return 0
        if not arguments.key or not arguments.name:
            print("Say at least --key and --name.")
            return 2
        new = catalogue.NewProduct(
            key=arguments.key,
            name=arguments.name,
            publisher=arguments.publisher or "not recorded",
            granting=Granting(arguments.granting),
            owner_email=arguments.owner,
            part_number=arguments.part_number,
            sku_id=arguments.sku_id,
            quantity=arguments.seats,
            price=_price(arguments.price) if arguments.price else None,
            billing_cycle=arguments.per,
            starts_on=arguments.starts,
            ends_on=arguments.ends,
            group_id=arguments.group_id,
            catalog_item_id=arguments.catalogue_item,
            purchase_item_id=arguments.purchase_item,
            admin_url=arguments.admin_url,
        )
        catalogue.add_product(work, new, f"operator:{getpass.getuser()}", service.now())
        print(f"{arguments.name} is in the register.")
        return 0

    return _in_one_go(change)


def _price(text: str) -> Money:
    try:
        return Money(Decimal(text[:-3].strip()), text[-3:].upper())
    except (InvalidOperation, ValueError):
        raise catalogue.RegistryRefused(
            f"--price must be a sum and a currency such as 336.00EUR; it says {text}."
        ) from None
