"""Words that stand in databases are still known to the code: kinds of jobs, statuses, verbs, tags of events.

A job kind that was renamed would strand work; a status or tag that was renamed would make old rows unreadable.
"""

from __future__ import annotations

import ast
import inspect
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import get_args

import pytest

from bot.bootstrap import LIMITS, SCHEDULES, connect, handlers
from bot.clock import ServiceClock
from bot.settings import load
from jobs.outbox import NewJob
from model.events import Tag
from model.requests import LineState, Status
from model.session import Database, make_engine
from workflows import effects
from workflows.policies import ActiveRules
from workflows.request import ALLOWED, FINAL, Verb, verb_for_lines

ROOT = Path(__file__).resolve().parents[2]
OURS = ("bot", "integrations", "jobs", "licensing", "model", "web", "workflows")
NOW = datetime.fromisoformat("2026-11-23T09:00:00+00:00")
#: Kinds of jobs that a database of an earlier version may hold. Never take one out: keep the old name known.
KINDS = {
    "answer.say", "card.mail", "card.show", "home.publish", "line.grant", "m365.figures", "queue.match",
    "reply.show",
    "request.advance", "request.show", "seat.restore", "seat.take_back", "seats.ends", "step.watch", "sync.people",
    "devices.stale", "sync.m365", "sync.m365_changes", "sync.slack", "ticket.settle", "tickets.look", "tickets.poll",
    "work.tidy", "reconciliation.look", "procurement.look", "reclaim.look", "reclaim.watch", "reclaim.weekly",
    "sync.intune", "tasks.look", "renewals.begin", "renewals.look", "renewal.follow", "proof.keep",
}  # fmt: skip
STATUSES = {
    "draft", "awaiting_approval", "approved", "waiting_for_seat", "fulfilling", "fulfilled", "denied", "withdrawn",
    "expired", "failed",
}  # fmt: skip
TAGS = {
    "inventory:device:doubt_decided", "inventory:devices:marked_stale", "inventory:report:taken",
    "inventory:source:accepted",
    "inventory:source:returned_to_observe", "inventory:title:decided",
    "procurement:notice:cleared", "procurement:notice:opened", "reconciliation:difference:accepted",
    "reconciliation:difference:asked_about", "reconciliation:difference:disputed", "reconciliation:difference:found",
    "reconciliation:difference:gone", "reconciliation:difference:reopened", "reconciliation:run:completed",
    "job:work:parked", "job:work:run_again", "person:data:erased", "person:deputy:set", "person:role:ended",
    "person:role:granted", "person:slack:linked", "person:slack:unlinked", "person:account:told_apart",
    "policy:version:activated", "policy:version:proposed",
    "registry:entry:written", "registry:rows:imported", "request:approval:denied", "request:approval:expired",
    "request:approval:granted", "request:approval:granted_by_rule", "request:draft:kept", "request:grant:begun",
    "request:grant:completed", "request:grant:delayed", "request:grant:failed", "request:grant:retried",
    "request:holder:named", "request:note:added", "request:purchase:arrived", "request:purchase:confirmation_needed",
    "request:purchase:ordered", "request:question:answered", "request:question:asked", "request:queue:joined",
    "request:queue:left", "request:queue:urgency_stated", "request:seat:reported_not_working",
    "request:seat:reserved", "request:step:agreed", "request:step:decider_named", "request:step:escalated",
    "request:step:handed_on", "request:step:opened", "request:step:reminded", "request:submission:closed",
    "request:submission:received", "request:submission:reopened", "request:submission:withdrawn",
    "request:terms:lowered", "seat:end:announced", "seat:end:moved", "seat:grant:completed",
    "seat:return:called_off", "seat:return:completed", "seat:return:confirmed", "seat:return:failed",
    "seat:return:held", "seat:return:undone",
    "seat:return:undo_given_up", "sync:run:completed", "sync:run:stopped", "task:work:blocked",
    "task:work:done", "task:work:opened", "task:work:reopened", "task:work:passed_on",
    "task:work:reminded", "ticket:record:changed_there",
    "ticket:record:closed", "ticket:record:conflicted", "ticket:record:deleted_there", "ticket:record:opened",
    "ticket:record:reopened_there",
}  # fmt: skip
LINES = {"wanted", "reserved", "queued", "granting", "granted", "failed", "dropped"}


@pytest.fixture(scope="module")
def known() -> set[str]:
    """Kinds that the whole program, with every system connected, handles."""
    settings = load(
        {
            "DATABASE_URL": "sqlite:///unused.db",
            "SECRET_KEY": "example-secret-key-of-more-than-32-characters",
            "SLACK_BOT_TOKEN": "xoxb-example",
            "SLACK_SIGNING_SECRET": "example-signing-secret",
            "M365_TENANT_ID": "11111111-0000-4000-8000-000000000001",
            "M365_CLIENT_ID": "seatkeeper",
            "M365_CLIENT_SECRET": "example-secret",
            "SERVICENOW_URL": "https://example.service-now.com",
            "SERVICENOW_USER": "seatkeeper",
            "SERVICENOW_PASSWORD": "example-password",
            "SMTP_URL": "smtp://127.0.0.1:25?from=licences@example.test",
            "POLICY_FILE": str(ROOT / "policy.yaml"),
        },
        dotenv=None,
    )
    database = Database(make_engine("sqlite://"))
    clients = connect(settings)
    rules = ActiveRules(database, graph=True, servicenow=True, mail=True, instance="words")
    found = set(handlers(settings, database, rules, clients, ServiceClock("")))
    database.dispose()
    return found


def every_effect() -> list[type]:
    return [one for one in get_args(effects.Effect) if inspect.isclass(one)]


def job_of(effect: type) -> NewJob:
    """A job of this effect, whatever its fields are."""
    values = {
        "tuple[int, ...]": (1, 2),
        "int": 1,
        "bool": True,
        "str": "graph",
        "datetime": NOW,
        "datetime | None": NOW,
    }
    made = effect(*(values[str(one.type)] for one in fields(effect)))
    job = made.job()
    assert isinstance(job, NewJob)
    return job


def test_every_effect_is_performed_by_somebody(known: set[str]) -> None:
    kinds = {job_of(effect).kind for effect in every_effect()}
    assert len(kinds) > 10
    assert kinds <= known


def test_every_schedule_makes_a_job_that_is_known(known: set[str]) -> None:
    assert {spec.kind for spec in SCHEDULES} <= known
    assert len({spec.name for spec in SCHEDULES}) == len(SCHEDULES)


def test_kinds_of_earlier_versions_are_still_known(known: set[str]) -> None:
    assert known >= KINDS


def test_a_kind_written_anywhere_is_known(known: set[str]) -> None:
    written = {
        node.args[0].value
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "NewJob"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert written and written <= known


def test_merged_kinds_say_their_whole_payload_in_their_lane(known: set[str]) -> None:
    """Of several such jobs in one lane one runs, so two different payloads must never share a lane."""
    assert known >= effects.MERGED
    for effect in every_effect():
        job = job_of(effect)
        if job.kind in effects.MERGED:
            assert job.lane is not None
            assert all(str(value) in job.lane for value in job.payload.values()), job


def test_every_queue_of_an_outside_system_has_a_limit() -> None:
    queues = {job_of(effect).queue for effect in every_effect()} | {spec.queue for spec in SCHEDULES}
    assert queues - {"local"} <= set(LIMITS)


def test_statuses_of_earlier_versions_are_still_known() -> None:
    assert {status.value for status in Status} >= STATUSES
    assert {state.value for state in LineState} >= LINES


def test_every_status_is_reached_and_only_final_ones_are_left_by_nobody() -> None:
    reached, more = {Status.DRAFT}, True
    while more:
        further = {target for (source, _), target in ALLOWED.items() if source in reached} - reached
        reached |= further
        more = bool(further)
    assert reached == set(Status)
    assert set(Status) - {source for source, _ in ALLOWED} == FINAL
    assert {verb for _, verb in ALLOWED} == set(Verb)


@pytest.mark.parametrize("first", list(LineState))
@pytest.mark.parametrize("second", list(LineState))
def test_whatever_the_lines_are_the_request_has_a_place(first: LineState, second: LineState) -> None:
    """From each place a request with lines can stand at, the lines' verb leads on, at most through fulfilling."""
    verb = verb_for_lines([first, second])
    for status in (Status.APPROVED, Status.WAITING_FOR_SEAT, Status.FULFILLING, Status.FAILED, Status.FULFILLED):
        through = ALLOWED.get((status, Verb.BEGIN))
        assert (status, verb) in ALLOWED or through is not None or status == Status.FULFILLING


def test_tags_are_told_apart_and_look_alike() -> None:
    for tag in Tag:
        assert tag.value == tag.value.lower() and ":" in tag.value and len(tag.value) <= 60, tag


def test_a_tag_named_anywhere_exists() -> None:
    named = {
        node.attr
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Tag"
    }
    assert len(named) > 30 and named <= {tag.name for tag in Tag}


def test_each_move_of_a_request_has_its_own_tag_and_tags_of_earlier_versions_are_known() -> None:
    assert {tag.value for tag in Tag} >= TAGS


def trees() -> list[ast.Module]:
    return [ast.parse(path.read_text()) for package in OURS for path in sorted((ROOT / package).rglob("*.py"))]
