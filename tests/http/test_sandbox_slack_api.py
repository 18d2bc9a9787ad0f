"""The stand-in's Web API refuses what Slack refuses, asked through slack_sdk as the product asks it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from sandbox.clock import SandboxClock
from sandbox.faults import Fault, Faults
from sandbox.slack import SCOPES, SlackStandIn, create_slack
from sandbox.slack_person import NotThere, Person
from sandbox.store import Store
from sandbox.traffic import Traffic

BOT, APP = "xoxb-example-bot", "xapp-example-app"


def stand_in(store: Store, scopes: tuple[str, ...] = SCOPES) -> SlackStandIn:
    return create_slack(
        store,
        SandboxClock(),
        Traffic(),
        Faults(),
        signing_secret="example",
        bot_token=BOT,
        app_token=APP,
        scopes=scopes,
    ).start()


def seed(slack: SlackStandIn) -> None:
    slack.add_user("U1", "ana", "Ana Lindqvist", "ana@example.test", tz="Europe/Stockholm")
    slack.add_user("U2", "ben", "Ben Okafor", "ben@example.test")
    slack.add_user("U3", "lea", "Lea Gone", "lea@example.test", deleted=True)
    slack.add_channel("C1", "licences", ["U1"])
    slack.add_channel("C2", "elsewhere", ["U2"], bot=False)
    slack.add_channel("C3", "hidden", ["U2"], private=True, bot=False)
    slack.add_channel("C4", "old", ["U1"], archived=True)


@pytest.fixture
def slack() -> Iterator[SlackStandIn]:
    one = stand_in(Store())
    seed(one)
    yield one
    one.stop()


@pytest.fixture
def client(slack: SlackStandIn) -> WebClient:
    return WebClient(BOT, base_url=slack.api_url, timeout=5, retry_handlers=[])


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def view(**more: Any) -> dict[str, Any]:
    return {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": [section("x")]} | more


def refused(code: str) -> Any:
    return pytest.raises(SlackApiError, match=rf"'error': '{code}'")


def test_tokens_and_scopes(slack: SlackStandIn) -> None:
    def answer(token: str | None, method: str = "auth.test") -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        found: dict[str, Any] = requests.post(slack.api_url + method, headers=headers, timeout=5).json()
        return found

    assert answer(None)["error"] == "not_authed"
    assert answer("xoxb-wrong")["error"] == "invalid_auth"
    assert answer(APP)["error"] == "not_allowed_token_type"
    assert answer(BOT)["bot_id"] == "B0SANDBOX"
    assert answer(BOT, "no.such")["error"] == "unknown_method"
    assert answer(APP, "apps.connections.open")["url"].startswith("ws://127.0.0.1:")
    assert answer(BOT, "apps.connections.open")["error"] == "not_allowed_token_type"
    poor = stand_in(Store(), ("commands",))
    headers = {"Authorization": f"Bearer {BOT}"}
    said = requests.post(poor.api_url + "chat.postMessage", headers=headers, timeout=5)
    assert said.json() == {"ok": False, "error": "missing_scope", "needed": "chat:write", "provided": "commands"}
    assert said.headers["x-oauth-scopes"] == "commands"
    poor.stop()


def test_form_and_json_bodies_mean_the_same(slack: SlackStandIn) -> None:
    headers = {"Authorization": f"Bearer {BOT}"}
    url = slack.api_url + "chat.postMessage"
    form = requests.post(
        url, data={"channel": "C1", "blocks": '[{"type": "divider"}]', "text": "a"}, headers=headers, timeout=5
    ).json()
    same = requests.post(
        url, json={"channel": "C1", "blocks": [{"type": "divider"}], "text": "a"}, headers=headers, timeout=5
    ).json()
    assert form["ok"] and same["ok"]
    assert [b["type"] for b in form["message"]["blocks"]] == [b["type"] for b in same["message"]["blocks"]]
    bad = requests.post(url, data={"channel": "C1", "blocks": "[{"}, headers=headers, timeout=5).json()
    assert bad["error"] == "invalid_blocks_format"


@pytest.mark.parametrize(
    ("channel", "code"),
    [
        ("C2", "not_in_channel"),
        ("C3", "channel_not_found"),
        ("C4", "is_archived"),
        ("C9", "channel_not_found"),
        ("U9", "channel_not_found"),
    ],
)
def test_where_the_bot_may_not_post(client: WebClient, channel: str, code: str) -> None:
    with refused(code):
        client.chat_postMessage(channel=channel, text="x")


def test_a_leaver_gets_messages_nobody_reads(slack: SlackStandIn, client: WebClient) -> None:
    """The live service accepts the post, so `deleted` of users.info is what to go by."""
    assert client.chat_postMessage(channel="U3", text="x")["channel"].startswith("D")
    assert client.users_info(user="U3")["user"]["deleted"]
    slack.world.settings.refuse_deactivated = True
    with refused("user_disabled"):
        client.chat_postMessage(channel="U3", text="x")


def test_direct_messages(slack: SlackStandIn, client: WebClient) -> None:
    first = client.chat_postMessage(channel="U1", text="one")
    assert first["channel"].startswith("D")
    assert client.chat_postMessage(channel=first["channel"], text="two")["channel"] == first["channel"]
    with refused("channel_not_found"):
        client.chat_update(channel="U1", ts=first["ts"], text="x")
    slack.world.settings.messages_tab_enabled = False
    with refused("messages_tab_disabled"):
        client.chat_postMessage(channel="U1", text="three")
    assert [m["text"] for m in Person(slack.url, "U1").messages()] == ["one", "two"]
    with pytest.raises(NotThere):
        Person(slack.url, "U2").message("one")


def test_updates(slack: SlackStandIn, client: WebClient) -> None:
    posted = client.chat_postMessage(
        channel="C1", text="a", blocks=[section("a")], metadata={"event_type": "e", "event_payload": {"key": "1"}}
    )
    where: dict[str, Any] = {"channel": "C1", "ts": posted["ts"]}
    client.chat_update(**where, text="b", blocks=[section("b")])
    message = Person(slack.url, "U1").message("b")
    assert not message["edited"] and message["updates"] == 1
    client.chat_update(**where, text="only text")
    message = Person(slack.url, "U1").message("only text")
    assert message["blocks"] == [] and message["edited"]
    stored = slack.world.message("C1", posted["ts"])
    assert stored and stored["metadata"]["event_payload"] == {"key": "1"}
    assert [past["text"] for past in stored["history"]] == ["a", "b"]
    with refused("msg_too_long"):
        client.chat_update(**where, text="x" * 4001)
    with refused("no_text"):
        client.api_call("chat.update", json=where)
    with refused("message_not_found"):
        client.chat_update(channel="C1", ts="1.000000", text="x")
    slack.world.save_message(stored | {"user": "U1"})
    with refused("cant_update_message"):
        client.chat_update(**where, text="x")
    with refused("cant_delete_message"):
        client.chat_delete(**where)


def test_faulty_blocks_are_pointed_at(client: WebClient) -> None:
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel="C1", text="x", blocks=[section("ok"), section("x" * 3001)])
    assert caught.value.response["error"] == "invalid_blocks"
    assert caught.value.response["response_metadata"]["messages"] == [
        "[ERROR] must be less than 3001 characters [json-pointer:/blocks/1/text/text]"
    ]
    with refused("msg_blocks_too_long"):
        client.chat_postMessage(channel="C1", text="x", blocks=[section("x" * 2900)] * 5)


def test_ephemeral_threads_permalinks_and_deletion(slack: SlackStandIn, client: WebClient) -> None:
    ana = Person(slack.url, "U1")
    client.chat_postEphemeral(channel="C1", user="U1", text="only you")
    assert ana.message("only you")["ephemeral"]
    with refused("user_not_in_channel"):
        client.chat_postEphemeral(channel="C1", user="U2", text="x")
    top = client.chat_postMessage(channel="C1", text="top")
    client.chat_postMessage(channel="C1", text="reply", thread_ts=top["ts"])
    assert [one["text"] for one in ana.message("top")["replies"]] == ["reply"]
    with refused("thread_not_found"):
        client.chat_postMessage(channel="C1", text="reply", thread_ts="1.000000")
    assert client.chat_getPermalink(channel="C1", message_ts=top["ts"])["permalink"].endswith(
        "/C1/p" + str(top["ts"]).replace(".", "")
    )
    client.chat_delete(channel="C1", ts=top["ts"])
    with pytest.raises(NotThere):
        ana.message("top")


def test_people_and_channels(slack: SlackStandIn, client: WebClient) -> None:
    assert client.users_lookupByEmail(email="ANA@example.test")["user"]["id"] == "U1"
    with refused("users_not_found"):
        client.users_lookupByEmail(email="lea@example.test")
    assert client.users_info(user="U1")["user"]["tz"] == "Europe/Stockholm"
    with refused("user_not_found"):
        client.users_info(user="U9")
    pages = [page["members"] for page in client.users_list(limit=3)]
    assert [len(page) for page in pages] == [3, 1]
    assert [one["deleted"] for page in pages for one in page] == [False, False, True, False]
    with refused("missing_scope"):
        client.conversations_list()
    with refused("missing_scope"):
        client.conversations_open(users="U1")


def test_views_need_a_trigger_and_stack_three_high(slack: SlackStandIn, client: WebClient) -> None:
    world = slack.world
    with refused("invalid_trigger_id"):
        client.views_open(trigger_id="1.2.3", view=view())
    opened = client.views_open(trigger_id=world.new_trigger("U1"), view=view(external_id="one"))["view"]
    with refused("duplicate_external_id"):
        client.views_push(trigger_id=world.new_trigger("U1"), view=view(external_id="one"))
    pushed = client.views_push(trigger_id=world.new_trigger("U1"), view=view())["view"]
    assert pushed["previous_view_id"] == pushed["root_view_id"] == opened["id"]
    client.views_push(trigger_id=world.new_trigger("U1"), view=view())
    with refused("push_limit_reached"):
        client.views_push(trigger_id=world.new_trigger("U1"), view=view())
    with pytest.raises(NotThere, match="on top"):
        Person(slack.url, "U1")._post("/close", view_id=opened["id"])
    fresh = client.views_update(external_id="one", view=view(external_id="one"), hash=opened["hash"])["view"]
    assert fresh["hash"] != opened["hash"]
    with refused("hash_conflict"):
        client.views_update(view_id=opened["id"], view=view(), hash=opened["hash"])
    with refused("not_found"):
        client.views_update(view_id="V9", view=view())
    with pytest.raises(SlackApiError, match="json-pointer:/view/title/text"):
        client.views_update(view_id=opened["id"], view=view(title={"type": "plain_text", "text": "x" * 25}))


def test_response_urls_serve_five_times_within_half_an_hour(slack: SlackStandIn, client: WebClient) -> None:
    ana, world = Person(slack.url, "U1"), slack.world
    client.chat_postMessage(channel="C1", text="card", blocks=[section("card")])
    stored = world.store.all("slack.message")[-1]
    hook = WebhookClient(world.new_response_url(slack.url, "U1", "C1", stored))
    assert hook.send(text="for you").body == "ok"
    assert ana.message("for you")["ephemeral"]
    assert hook.send(text="for all", response_type="in_channel").status_code == 200
    assert not ana.message("for all")["ephemeral"]
    assert hook.send(text="changed", replace_original=True).status_code == 200
    assert ana.message("changed")["ts"] == stored["ts"]
    assert hook.send(delete_original=True).status_code == 200
    with pytest.raises(NotThere):
        ana.message("changed")
    faulty = hook.send(blocks=[section("x" * 3001)])
    assert (faulty.status_code, faulty.body) == (400, "invalid_blocks")
    assert (hook.send(text="sixth").status_code, hook.send(text="sixth").body) == (
        404,
        '{"error":"used_url","ok":false}\n',
    )
    late = WebhookClient(world.new_response_url(slack.url, "U1", "C1", None))
    world.clock.forward(timedelta(minutes=31))
    assert "expired_url" in str(late.send(text="late").body)


def test_rate_limits_and_injected_errors(slack: SlackStandIn, client: WebClient) -> None:
    slack.world.settings.enforce_channel_rate = True
    client.chat_postMessage(channel="C1", text="x")
    with refused("ratelimited") as caught:
        client.chat_postMessage(channel="C1", text="x")
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "1"
    client.chat_postMessage(channel="U1", text="another channel")
    slack.faults.add(Fault("error_answer", path="chat.update", times=1, parameters={"error": "edit_window_closed"}))
    with refused("edit_window_closed"):
        client.chat_update(channel="C1", ts="1.0", text="x")
    slack.faults.add(Fault("throttled", path="users.info", times=1, parameters={"retry_after": 7}))
    with refused("ratelimited") as limited:
        client.users_info(user="U1")
    assert limited.value.response.headers["Retry-After"] == "7"


def test_files_are_announced_sent_and_shared(slack: SlackStandIn, client: WebClient) -> None:
    done = client.files_upload_v2(
        channel="C1", content="a,b\n1,2\n", filename="report.csv", title="Report", initial_comment="The report"
    )
    assert done["file"]["title"] == "Report"
    assert Person(slack.url, "U1").message("The report")
    with refused("file_not_found"):
        client.files_completeUploadExternal(files=[{"id": "F9"}])


def test_unread_people_and_changes(slack: SlackStandIn, client: WebClient) -> None:
    ana = Person(slack.url, "U1")
    before = ana.screen()
    posted = client.chat_postMessage(channel="C1", text="x")
    after = ana.screen()
    assert after["change"] > before["change"]
    assert next(c["unread"] for c in after["conversations"] if c["id"] == "C1") == 1
    ana.read("C1")
    assert next(c["unread"] for c in ana.screen()["conversations"] if c["id"] == "C1") == 0
    assert {one["name"] for one in after["people"]} == {"ana", "ben", "lea"}
    assert posted["ts"] in str(requests.get(slack.url + "/_sandbox/messages", timeout=5).json())


def test_controls_take_json_from_this_computer_only(slack: SlackStandIn) -> None:
    url = slack.url + "/_sandbox/faults"
    assert (
        requests.post(url, json={"kind": "slow"}, headers={"Origin": "https://evil.example"}, timeout=5).status_code
        == 403
    )
    assert requests.post(url, data="kind=slow", timeout=5).status_code == 415
    assert requests.post(url, json={"kind": "slow"}, timeout=5).json()["id"] == 1
    assert requests.delete(url, timeout=5).json()["faults"] == []
    assert requests.post(slack.url + "/_sandbox/command", json={}, timeout=5).status_code == 400


def test_the_workspace_survives_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path / "slack.journal")
    first = stand_in(store)
    seed(first)
    posted = WebClient(BOT, base_url=first.api_url).chat_postMessage(channel="U1", text="kept")
    first.stop()
    store.close()
    again_store = Store(tmp_path / "slack.journal")
    second = stand_in(again_store)
    assert Person(second.url, "U1").message("kept")["ts"] == posted["ts"]
    fresh = WebClient(BOT, base_url=second.api_url).chat_postMessage(channel="U1", text="more")
    assert fresh["channel"] == posted["channel"] and float(str(fresh["ts"])) > float(str(posted["ts"]))
    second.stop()
    again_store.close()


def test_old_tickets_are_forgotten_in_the_end(slack: SlackStandIn) -> None:
    world = slack.world
    old = world.new_trigger("U1")
    world.clock.forward(timedelta(hours=2))
    fresh = [world.new_trigger("U1") for _ in range(499)]
    assert world.store.get("slack.trigger", old) is None
    assert world.use_trigger(fresh[-1]) == "U1"
