"""Ten times a normal morning: presses, Home tabs and commands at their own pace, with the workers running beside them.

The assumption: a company of ten thousand whose approvers press 60 times in its busiest minute, who open Home as often
and type half as many commands. Ten times that is 25 deliveries a second, sent when they are due whether or not the
earlier ones were answered. What follows from each decision is worked on meanwhile, against the Slack stand-in.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import deliveries, load
from benchmarks.company import POLICY, Open, fill, outcome
from benchmarks.load import Load
from benchmarks.press_setting import SECRET, TOKEN, migrated, settings
from benchmarks.servers import serving
from sandbox.clock import SandboxClock
from sandbox.faults import Faults
from sandbox.slack import SlackStandIn, create_slack
from sandbox.store import Store
from sandbox.traffic import Traffic

TIMES = 10
PRESSES_A_MINUTE = 60 * TIMES
HOMES_A_MINUTE = 60 * TIMES
COMMANDS_A_MINUTE = 30 * TIMES
A_SECOND = (PRESSES_A_MINUTE + HOMES_A_MINUTE + COMMANDS_A_MINUTE) / 60
#: Slack's limit for an acknowledgement, milliseconds.
LIMIT = 3000
#: As many as may wait for an answer at once; Slack opens what it needs.
CONNECTIONS = 64
_WORDS = ("status", "mine", "approvals", "help")


def spend(url: str, folder: Path, open_requests: int, seconds: int) -> Load:
    """One morning on an empty database. Raises RuntimeError when a press was not decided."""
    presses = PRESSES_A_MINUTE * seconds // 60
    with migrated(url, POLICY) as database, tempfile.TemporaryDirectory(dir=folder) as name:
        now = datetime.now(UTC)
        waiting = fill(database, max(open_requests, presses), now)
        pressed = waiting[:presses]
        with database.reading() as connection:
            bodies = deliveries.presses(connection, pressed, now)
        slack = _slack(waiting[:presses])
        slack.start()
        try:
            with serving("everything", settings(url, Path(name), slack.api_url), Path(name)) as server:
                result = load.run(
                    server.port,
                    _mixed([deliveries.interaction(body, SECRET) for body in bodies], pressed, now),
                    folder,
                    connections=CONNECTIONS,
                    rate=A_SECOND,
                )
        finally:
            slack.stop()
        left = outcome(database, [one.request_id for one in pressed])
    if left.decided != presses:
        raise RuntimeError(f"{presses} presses left {left}: the measurement means nothing")
    return result


def _mixed(presses: list[bytes], people: list[Open], now: datetime) -> list[bytes]:
    """In every five: two presses, two Home tabs, one command."""
    mixed: list[bytes] = []
    for number in range(0, len(presses) - 1, 2):
        one, other = people[number], people[number + 1]
        words = _WORDS[number // 2 % len(_WORDS)]
        mixed += [
            presses[number],
            deliveries.event(deliveries.home_opened(one.requester_slack, number, now), SECRET),
            presses[number + 1],
            deliveries.event(deliveries.home_opened(other.manager_slack, number + 1, now), SECRET),
            deliveries.slash(deliveries.command(other.requester_slack, words, number), SECRET),
        ]
    return mixed + presses[len(mixed) // 5 * 2 :]


def _slack(people: list[Open]) -> SlackStandIn:
    slack = create_slack(
        Store(), SandboxClock(), Traffic(), Faults(), signing_secret=SECRET, bot_token=TOKEN, app_token="xapp-example"
    )
    everybody = {one.manager_slack for one in people} | {one.requester_slack for one in people}
    for slack_id in sorted(everybody):
        slack.add_user(slack_id, slack_id.lower(), slack_id, f"{slack_id.lower()}@example.test")
    return slack
