"""A filled company: the stand-ins run, and a database was seeded from what the clients read there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot import seed
from integrations.graph import GraphClient
from integrations.graph_auth import GraphCredentials
from integrations.graph_transport import graph_transport
from integrations.slack import SlackClient
from model.session import Database
from sandbox.world import World
from workflows import policies
from workflows.matching import SlackAccount

POLICY = Path(__file__).resolve().parents[2] / "sandbox" / "data" / "policy.demo.yaml"
#: Before the example day, so that the company stands on it.
REAL_NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@dataclass
class Filled:
    """The world and the first reading of it."""

    world: World
    graph: GraphClient
    slack: SlackClient
    outside: seed.Outside


@contextmanager
def running_world(folder: Path, real_now: datetime = REAL_NOW) -> Iterator[Filled]:
    """The three stand-ins on free ports, with clients as the service would make them."""
    world = World(folder, real_now=real_now).start()
    settings = world.environment()
    credentials = GraphCredentials(
        settings["M365_TENANT_ID"],
        settings["M365_CLIENT_ID"],
        secret=settings["M365_CLIENT_SECRET"],
        authority=settings["M365_AUTHORITY"],
        ca_bundle=settings["M365_CA_BUNDLE"],
    )
    http = graph_transport(settings["GRAPH_URL"], credentials, ca_bundle=settings["M365_CA_BUNDLE"])
    graph = GraphClient(http)
    slack = SlackClient(settings["SLACK_BOT_TOKEN"], settings["SLACK_API_URL"])
    try:
        accounts = [
            SlackAccount(one.id, one.email, one.tz or "", not one.deleted)
            for one in slack.list_people()
            if one.email and not one.is_bot
        ]
        yield Filled(world, graph, slack, seed.Outside(list(graph.users()), accounts, graph.subscribed_skus()))
    finally:
        http.close()
        credentials.close()
        world.stop()


def seed_into(database: Database, filled: Filled, now: datetime | None = None) -> None:
    """What the demo does at its first start, after migrating; `now` is the world's unless it is given."""
    company = filled.world.company
    with database.unit_of_work() as work:
        policies.ensure_first(work, POLICY.read_text(encoding="utf-8"), seed.introduced_at(company), POLICY.name)
        work.commit()
    assert seed.seed(database, company, filled.outside, now or filled.world.clock.now())
