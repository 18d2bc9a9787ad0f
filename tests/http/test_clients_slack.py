"""The Slack client against the Slack stand-in: messages, windows, Home, people, and every common fault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from integrations.errors import IntegrationError, NotFound, RateLimited, Refused, Transient, Unclear
from integrations.slack import HashConflict, MessageGone, Posted, Published, SlackClient, Updated
from integrations.slack_files import fetch_file
from sandbox.clock import SandboxClock
from sandbox.faults import Fault, Faults
from sandbox.slack import SlackStandIn, create_slack
from sandbox.slack_files import attach
from sandbox.store import Store
from sandbox.traffic import Traffic

TOKEN = "xoxb-example-token"
BLOCKS = [{"type": "section", "text": {"type": "plain_text", "text": "Ana asks for a seat"}}]
OTHER = [{"type": "section", "text": {"type": "plain_text", "text": "Approved"}}]
MODAL: dict[str, Any] = {
    "type": "modal",
    "callback_id": "example",
    "title": {"type": "plain_text", "text": "Ask"},
    "blocks": BLOCKS,
}
HOME: dict[str, Any] = {"type": "home", "blocks": BLOCKS}


@dataclass
class Workspace:
    standin: SlackStandIn
    faults: Faults
    traffic: Traffic

    def client(self, token: str = TOKEN, timeout: int = 5) -> SlackClient:
        return SlackClient(token, self.standin.api_url, timeout=timeout)

    def fault(self, kind: str, path: str = ".*", times: int | None = 1, **more: Any) -> None:
        self.faults.add(Fault(kind, ".*", path, times, parameters=more))

    def messages(self) -> list[dict[str, Any]]:
        return self.standin.world.store.all("slack.message")


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    store, traffic, faults = Store(), Traffic(), Faults()
    standin = create_slack(
        store,
        SandboxClock(),
        traffic,
        faults,
        signing_secret="example-signing-secret",
        bot_token=TOKEN,
        app_token="xapp-example-token",
        scopes=("commands", "chat:write", "users:read", "users:read.email", "channels:read", "groups:read"),
    )
    standin.add_user("U0ANA", "ana", "Ana Lindqvist", "ana@example.test")
    standin.add_user("U0BEN", "ben", "Ben Okafor", "ben@example.test", tz="America/New_York")
    standin.add_user("U0OLD", "old", "Old Timer", "old@example.test", deleted=True)
    standin.add_channel("C0DESK", "licences", ["U0ANA"])
    standin.add_channel("C0SHUT", "shut", ["U0ANA"], archived=True)
    standin.add_channel("C0AWAY", "away", ["U0ANA"], bot=False)
    standin.start()
    try:
        yield Workspace(standin, faults, traffic)
    finally:
        standin.stop()
        store.close()


def test_a_message_is_posted_to_a_person_rewritten_and_missed(workspace: Workspace) -> None:
    client = workspace.client()
    posted = client.post_message("U0ANA", "Ana asks for a seat", BLOCKS)
    assert posted.channel.startswith("D")
    assert client.update_message(posted.channel, posted.ts, "Approved", OTHER) == Updated(posted.channel, posted.ts)
    [message] = workspace.messages()
    assert message["text"] == "Approved"
    assert message["blocks"][0]["text"]["text"] == "Approved"
    reply = client.post_message(posted.channel, "In the thread", BLOCKS, thread_ts=posted.ts)
    assert reply.channel == posted.channel
    assert client.update_message(posted.channel, "1.000001", "x", OTHER) == MessageGone()
    with pytest.raises(NotFound):
        client.update_message("D0NOBODY", posted.ts, "x", OTHER)


def test_long_text_is_shortened_for_updates(workspace: Workspace) -> None:
    client = workspace.client()
    posted = client.post_message("C0DESK", "x" * 5000, BLOCKS)
    assert isinstance(client.update_message(posted.channel, posted.ts, "y" * 5000, OTHER), Updated)


def test_an_ephemeral_message_is_seen_by_members_only(workspace: Workspace) -> None:
    client = workspace.client()
    client.post_ephemeral("C0DESK", "U0ANA", "Decided already", BLOCKS)
    with pytest.raises(Refused) as caught:
        client.post_ephemeral("C0DESK", "U0BEN", "Decided already", BLOCKS)
    assert caught.value.code == "user_not_in_channel"


@pytest.mark.parametrize(
    ("channel", "code", "words"),
    [
        ("C0SHUT", "is_archived", "archived"),
        ("C0AWAY", "not_in_channel", "/invite"),
    ],
)
def test_refusals_say_what_to_do(workspace: Workspace, channel: str, code: str, words: str) -> None:
    with pytest.raises(Refused) as caught:
        workspace.client().post_message(channel, "x", BLOCKS)
    assert caught.value.code == code
    assert words in caught.value.detail
    assert not caught.value.fatal


def test_bad_blocks_a_missing_channel_and_a_switched_off_tab(workspace: Workspace) -> None:
    client = workspace.client()
    with pytest.raises(Refused) as caught:
        client.post_message("C0DESK", "x", [{"type": "no such block"}])
    assert caught.value.code.startswith("invalid_blocks")
    with pytest.raises(NotFound):
        client.post_message("C0NOWHERE", "x", BLOCKS)
    workspace.standin.world.settings.messages_tab_enabled = False
    with pytest.raises(Refused) as caught:
        client.post_message("U0ANA", "x", BLOCKS)
    assert caught.value.code == "messages_tab_disabled"
    assert "App Home" in caught.value.detail


@pytest.mark.parametrize("code", ["invalid_auth", "account_inactive", "token_revoked"])
def test_a_dead_token_is_fatal(workspace: Workspace, code: str) -> None:
    workspace.fault("error_answer", error=code)
    with pytest.raises(Refused) as caught:
        workspace.client().post_message("C0DESK", "x", BLOCKS)
    assert caught.value.fatal
    assert "SLACK_BOT_TOKEN" in caught.value.detail


def test_a_wrong_token_is_fatal(workspace: Workspace) -> None:
    with pytest.raises(Refused) as caught:
        workspace.client("xoxb-example-wrong").auth_test()
    assert caught.value.fatal
    assert "xoxb-example" not in str(caught.value)


def test_windows_open_once_stack_and_notice_late_writers(workspace: Workspace) -> None:
    client, world = workspace.client(), workspace.standin.world
    trigger = world.new_trigger("U0ANA")
    opened = client.open_view(trigger, MODAL)
    with pytest.raises(Refused) as caught:
        client.open_view(trigger, MODAL)
    assert "press again" in caught.value.detail
    fresh = client.update_view(opened.view_id, MODAL | {"blocks": OTHER}, opened.hash)
    assert not isinstance(fresh, HashConflict)
    assert client.update_view(opened.view_id, MODAL, opened.hash) == HashConflict()
    client.push_view(world.new_trigger("U0ANA"), MODAL)
    client.push_view(world.new_trigger("U0ANA"), MODAL)
    with pytest.raises(Refused) as caught:
        client.push_view(world.new_trigger("U0ANA"), MODAL)
    assert caught.value.code == "push_limit_reached"
    with pytest.raises(NotFound):
        client.update_view("V0NOWHERE", MODAL)


def test_home_notices_a_late_writer(workspace: Workspace) -> None:
    client = workspace.client()
    first = client.publish_home("U0ANA", HOME)
    assert isinstance(first, Published)
    second = client.publish_home("U0ANA", HOME | {"blocks": OTHER}, first.hash)
    assert isinstance(second, Published)
    assert client.publish_home("U0ANA", HOME, first.hash) == HashConflict()


def test_a_press_is_answered_by_its_address(workspace: Workspace) -> None:
    client, world = workspace.client(), workspace.standin.world
    posted = client.post_message("C0DESK", "Ana asks", BLOCKS)
    message = world.message(posted.channel, posted.ts)
    url = world.new_response_url(workspace.standin.url, "U0ANA", posted.channel, message)
    client.respond(url, "Approved", OTHER, replace_original=True)
    assert (world.message(posted.channel, posted.ts) or {})["text"] == "Approved"
    for _ in range(4):
        client.respond(url, "Only you see this", OTHER, replace_original=False)
    with pytest.raises(NotFound):
        client.respond(url, "Too often", OTHER, replace_original=False)
    with pytest.raises(Refused) as caught:
        client.respond("http://example.test/actions/x", "x", OTHER, replace_original=True)
    assert caught.value.code == "foreign_link"


@pytest.mark.parametrize(
    ("kind", "replace", "expected"),
    [
        ("throttled", True, RateLimited),
        ("server_error", True, Transient),
        ("server_error", False, Unclear),
        ("commit_then_hang_up", True, Transient),
        ("commit_then_hang_up", False, Unclear),
        ("html", False, Unclear),
    ],
)
def test_faults_of_an_answer_address(workspace: Workspace, kind: str, replace: bool, expected: type[Exception]) -> None:
    client, world = workspace.client(), workspace.standin.world
    posted = client.post_message("C0DESK", "Ana asks", BLOCKS)
    message = world.message(posted.channel, posted.ts)
    url = world.new_response_url(workspace.standin.url, "U0ANA", posted.channel, message)
    workspace.fault(kind, "/actions/")
    with pytest.raises(expected):
        client.respond(url, "Approved", OTHER, replace_original=replace)


def test_people_and_channels_are_found(workspace: Workspace) -> None:
    client = workspace.client()
    ana = client.find_by_email("ana@example.test")
    assert ana is not None
    assert (ana.id, ana.name, ana.tz, ana.deleted, ana.is_bot) == (
        "U0ANA",
        "Ana Lindqvist",
        "Europe/Berlin",
        False,
        False,
    )
    assert client.find_by_email("nobody@example.test") is None
    assert client.person("U0BEN").tz == "America/New_York"
    people = {person.id: person for person in client.list_people(limit=2)}
    assert people["U0OLD"].deleted
    assert any(person.is_bot for person in people.values())
    page = client.people_page(limit=1)
    assert len(page.people) == 1
    assert page.next_cursor
    assert client.channel("C0DESK").is_member
    found = client.find_channel("#licences")
    assert found is not None
    assert found.id == "C0DESK"
    assert client.find_channel("nowhere") is None
    with pytest.raises(NotFound):
        client.channel("C0NOWHERE")


PNG = b"\x89PNG\r\n\x1a\n" + bytes(2000)


def picture(file_id: str) -> list[dict[str, Any]]:
    return [{"type": "image", "slack_file": {"id": file_id}, "alt_text": "Seats: bought 40, in use 37."}]


def allow(workspace: Workspace, scope: str) -> None:
    object.__setattr__(workspace.standin.world.app, "scopes", workspace.standin.world.app.scopes | {scope})


def test_a_picture_is_uploaded_and_shown_in_a_block(workspace: Workspace) -> None:
    client = workspace.client()
    with pytest.raises(Refused, match="files:write") as refused:
        client.upload_picture("seats.png", PNG, "Seats")
    assert refused.value.code == "missing_scope"
    allow(workspace, "files:write")
    file_id = client.upload_picture("seats.png", PNG, "Seats")
    posted = client.post_message("U0ANA", "Seats: bought 40, in use 37.", picture(file_id))
    assert posted.ts == workspace.messages()[-1]["ts"]
    with pytest.raises(Refused, match="does not accept the layout"):
        client.post_message("U0ANA", "Seats", picture("F0NOBODY"))


def test_an_upload_that_broke_off_is_tried_again_and_one_refused_is_said(workspace: Workspace) -> None:
    allow(workspace, "files:write")
    workspace.fault("hang_up", "files.getUploadURLExternal")
    with pytest.raises(Transient):
        workspace.client().upload_picture("seats.png", PNG, "Seats")
    assert workspace.client().upload_picture("seats.png", PNG, "Seats")


def test_a_file_that_somebody_attached_is_read_whole_or_refused(workspace: Workspace) -> None:
    """A page to sign in, half of a file, or an address elsewhere is no file."""
    client, world = workspace.client(), workspace.standin.world
    given = attach(world, "U0ANA", "answer.pdf", b"%PDF-1.7 the answer")["id"]
    with pytest.raises(Refused, match="files:read") as refused:
        client.read_file(given, 1000)
    assert refused.value.code == "missing_scope"
    allow(workspace, "files:read")
    assert client.read_file(given, 1000) == b"%PDF-1.7 the answer"
    with pytest.raises(Refused) as large:
        client.read_file(given, 5)
    assert large.value.code == "too_large"
    with pytest.raises(NotFound):
        client.read_file("F0NOBODY", 1000)
    known = world.store.get("slack.file", given)
    assert known is not None
    world.store.put("slack.file", given, known | {"length": 400})
    with pytest.raises(Refused, match="did not hand the file out"):
        client.read_file(given, 1000)
    workspace.fault("hang_up", "files-pri")
    with pytest.raises(Transient):
        client.read_file(given, 1000)


@pytest.mark.parametrize(
    "address",
    ["https://files.slack.com.evil.example/f", "http://files.slack.com/f", "https://evil.example/slack.com", ""],
)
def test_our_token_goes_to_slack_alone(address: str) -> None:
    with pytest.raises(Refused) as refused:
        fetch_file({"url_private_download": address, "size": 5}, 1000, TOKEN, "https://slack.com/api/", 1)
    assert refused.value.code == "foreign_link"


def test_the_token_tells_its_scopes(workspace: Workspace) -> None:
    identity = workspace.client().auth_test()
    assert {"chat:write", "users:read.email"} <= identity.scopes
    assert identity.user_id


def test_a_missing_scope_is_named(workspace: Workspace) -> None:
    object.__setattr__(workspace.standin.world.app, "scopes", frozenset({"chat:write"}))
    with pytest.raises(Refused) as caught:
        workspace.client().find_by_email("ana@example.test")
    assert caught.value.code == "missing_scope"
    assert "users:read" in caught.value.detail


POST_FAULTS = {
    "throttled": (RateLimited, 0),
    "throttled_bare": (RateLimited, 0),
    "server_error": (Unclear, 0),
    "unavailable": (Unclear, 0),
    "commit_then_error": (Unclear, 1),
    "commit_then_hang_up": (Unclear, 1),
    "hang_up": (Unclear, 0),
    "commit_then_slow": (Unclear, 1),
    "html": (Unclear, 0),
    "truncated": (Unclear, 1),
}


@pytest.mark.parametrize("kind", POST_FAULTS)
def test_each_fault_on_a_post_sends_at_most_once(workspace: Workspace, kind: str) -> None:
    """slack_sdk would repeat a dropped connection by itself; ours must not."""
    expected, sent = POST_FAULTS[kind]
    workspace.fault(kind, "chat.postMessage", seconds=1.5, retry_after=6)
    with pytest.raises(expected) as caught:
        workspace.client(timeout=1).post_message("C0DESK", "Ana asks", BLOCKS)
    assert isinstance(caught.value, IntegrationError)
    assert caught.value.retry_after == (6 if kind == "throttled" else None)
    assert len(workspace.messages()) == sent
    assert sum("postMessage" in exchange["path"] for exchange in workspace.traffic.since(0)) <= 1


@pytest.mark.parametrize("kind", POST_FAULTS)
def test_each_fault_on_what_can_be_repeated_is_transient(workspace: Workspace, kind: str) -> None:
    client = workspace.client()
    posted = client.post_message("C0DESK", "Ana asks", BLOCKS)
    workspace.fault(kind, "chat.update|users.list", times=2, seconds=1.5)
    slow = workspace.client(timeout=1)
    with pytest.raises(RateLimited if "throttled" in kind else Transient):
        slow.update_message(posted.channel, posted.ts, "Approved", OTHER)
    with pytest.raises(RateLimited if "throttled" in kind else Transient):
        list(slow.list_people())
    assert isinstance(client.update_message(posted.channel, posted.ts, "Approved", OTHER), Updated)


def test_a_workspace_that_is_not_there_is_safe_to_repeat(workspace: Workspace) -> None:
    client = SlackClient(TOKEN, "http://127.0.0.1:1/api/")
    with pytest.raises(Transient):
        client.post_message("C0DESK", "x", BLOCKS)
    with pytest.raises(Transient):
        client.respond("http://127.0.0.1:1/actions/x", "x", BLOCKS, replace_original=False)
    assert isinstance(workspace.client().post_message("C0DESK", "x", BLOCKS), Posted)


def test_a_window_is_rewritten_with_the_patience_of_a_listener(workspace: Workspace) -> None:
    """Fifteen seconds of a slow Slack in a handler would hold a thread of the server that others press on."""
    workspace.fault("slow", "views.update", seconds=3)
    with pytest.raises(Transient):  # with its usual patience the client would hear that there is no such window
        workspace.client(timeout=15).update_view("V1", {"type": "modal"})
