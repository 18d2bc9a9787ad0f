"""What a person does in a Slack client, and what the client does with the app's answer.

Each method delivers in the calling thread and returns what the person would notice. PersonError carries the sentence
for what a client does not offer: a button that is not there, a channel one is not in, a modal that was closed.
"""

from __future__ import annotations

import re
from typing import Any

from sandbox.blocks import validate_options
from sandbox.slack_delivery import Deliveries, Outcome
from sandbox.slack_files import chosen
from sandbox.slack_messages import answer_command, shown
from sandbox.slack_values import Json, action_of, field_error, find_element, fresh_values, normalised, refusal
from sandbox.slack_views import checked, close, close_all, put_on_top, replace
from sandbox.slack_views import shown as shown_view
from sandbox.slack_world import PersonError, SlackError, World

TROUBLE = "We had some trouble connecting. Try again?"
NO_ANSWER = "This app did not respond. Try again?"
MIN_QUERY = 3


class Actions:
    """Acts for people on a world; `base_url()` is asked late for response URLs."""

    def __init__(self, world: World, deliveries: Deliveries, base_url: Any) -> None:
        self.world = world
        self.deliveries = deliveries
        self._base_url = base_url

    # -- commands, shortcuts, Home ---------------------------------------------------------------------------------

    def command(self, user_id: str, command: str, text: str, channel_id: str | None) -> Json:
        world, user = self.world, self.world.need_person(user_id)
        channel = world.direct(user_id) if channel_id is None else world.channel(channel_id)
        if channel is None or user_id not in channel["members"]:
            raise PersonError(f"{user['real_name']} is not in that channel.")
        if world.app.commands is not None and command not in world.app.commands:
            raise PersonError(
                f"{command} is not a valid command. In Slack, all messages that start with the “/” "
                "character are interpreted as commands."
            )
        payload = self._stamped(
            {
                "team_domain": world.app.team_domain,
                "team_id": world.app.team_id,
                "channel_id": channel["id"],
                "channel_name": channel["name"],
                "user_id": user_id,
                "user_name": user["name"],
                "command": command,
                "text": self._escaped(text),
                "is_enterprise_install": "false",
                "response_url": world.new_response_url(self._base_url(), user_id, channel["id"], None),
            },
            user_id,
        )
        outcome = self.deliveries.send("slash_commands", payload, f"{user['real_name']} typed {command} {text}".strip())
        if not outcome.ok:
            code = "operation_timeout" if outcome.reason == "http_timeout" else "dispatch_failed"
            return self._noticed(user_id, outcome, f"{command} failed with the error “{code}”", code)
        try:
            answer_command(world, outcome.body, user_id, channel["id"])
        except SlackError as refused:
            return self._noticed(
                user_id, outcome, f"{command} failed with the error “{refused.code}”", refused.code, str(refused.more)
            )
        return {"ok": True}

    def shortcut(self, user_id: str, callback_id: str) -> Json:
        world, user = self.world, self.world.need_person(user_id)
        if world.app.shortcuts is not None and callback_id not in world.app.shortcuts:
            raise PersonError(f"There is no shortcut called {callback_id}.")
        payload = self._interaction("shortcut", user, callback_id=callback_id, action_ts=self._ts())
        outcome = self.deliveries.send(
            "interactive", self._stamped(payload, user_id), f"{user['real_name']} used the shortcut {callback_id}"
        )
        return {"ok": True} if outcome.ok else self._noticed(user_id, outcome, NO_ANSWER)

    def home(self, user_id: str, tab: str = "home") -> Json:
        world, user = self.world, self.world.need_person(user_id)
        event: Json = {
            "type": "app_home_opened",
            "user": user_id,
            "channel": world.direct(user_id)["id"],
            "tab": tab,
            "event_ts": self._ts(),
        }
        view = world.home(user_id)
        if view is not None and tab == "home":
            event["view"] = shown_view(view)
        outcome = self.deliveries.event(event, f"{user['real_name']} opened {tab}")
        return {"ok": outcome.ok, "reason": outcome.reason}

    # -- presses and choices ---------------------------------------------------------------------------------------

    def press(self, user_id: str, where: Json, block_id: str | None, action_id: str, given: Json, typed: Json) -> Json:
        world, user = self.world, self.world.need_person(user_id)
        holder = self._holder(user_id, where)
        found = find_element(holder["blocks"], block_id, action_id)
        if found is None:
            raise PersonError(f"There is no “{action_id}” here for {user['real_name']} to use.")
        block, element = found
        values = self._put_in(holder, user_id, typed)
        loaded = self._loaded(holder, block, element)
        given = normalised(element, given, loaded)
        if element["type"] not in ("button", "workflow_button"):
            why = refusal(element, given, loaded, set(world.store.keys("slack.user")))
            if why is not None:
                raise PersonError(why)
            if element["type"] != "overflow":
                values = self._put_in(holder, user_id, {block["block_id"]: {element["action_id"]: given}})
        if block["type"] == "input" and not block.get("dispatch_action"):
            return {"ok": True, "delivered": False}
        payload = self._interaction("block_actions", user, actions=[action_of(block, element, given, self._ts())])
        payload |= self._place(holder, user_id, values)
        if holder["type"] == "message":
            payload["response_url"] = world.new_response_url(self._base_url(), user_id, holder["channel"], holder)
        label = (element.get("text") or {}).get("text", action_id)
        outcome = self.deliveries.send(
            "interactive", self._stamped(payload, user_id), f"{user['real_name']} pressed “{label}”"
        )
        if not outcome.ok:
            return self._noticed(user_id, outcome, NO_ANSWER)
        return {"ok": True, "delivered": True} | ({"url": element["url"]} if element.get("url") else {})

    def options(self, user_id: str, where: Json, block_id: str | None, action_id: str, query: str) -> Json:
        """What an external select offers for what was typed; nothing is asked below its minimum length."""
        world, user = self.world, self.world.need_person(user_id)
        holder = self._holder(user_id, where)
        found = find_element(holder["blocks"], block_id, action_id)
        if found is None or not found[1]["type"].endswith("external_select"):
            raise PersonError(f"There is no searchable list “{action_id}” here.")
        block, element = found
        if len(query) < element.get("min_query_length", MIN_QUERY):
            return {"ok": True, "delivered": False, "options": []}
        payload = self._interaction(
            "block_suggestion", user, action_id=action_id, block_id=block["block_id"], value=query
        ) | self._place(holder, user_id, self._values(holder, user_id))
        outcome = self.deliveries.send("interactive", payload, f"{user['real_name']} typed “{query}” into a list")
        problems = validate_options(outcome.body) if outcome.ok else []
        if not outcome.ok or problems:
            detail = "; ".join(map(str, problems))
            return self._noticed(user_id, outcome, "The list could not be loaded.", detail=detail)
        answer: Json = {k: outcome.body[k] for k in ("options", "option_groups") if k in outcome.body}
        seen = list(answer.get("options") or []) + [o for g in answer.get("option_groups") or [] for o in g["options"]]
        world.store.put("slack.offered", self._offer_key(holder, block, element), {"options": seen})
        return {"ok": True, "delivered": True} | answer

    # -- modals ----------------------------------------------------------------------------------------------------

    def submit(self, user_id: str, view_id: str, values: Json) -> Json:
        """Send a form. What the client checks itself (empty required fields, lengths) never reaches the app."""
        user = self.world.need_person(user_id)
        view = self._top(user_id, view_id)
        if not view["submit"]:
            raise PersonError("This modal has no button to send it.")
        self._put_in(view, user_id, values)
        view = self._top(user_id, view_id)
        wrong = {}
        for block in view["blocks"]:
            if block["type"] == "input":
                element = block["element"]
                said = field_error(block, element, view["state"]["values"][block["block_id"]][element["action_id"]])
                if said is not None:
                    wrong[block["block_id"]] = said
        if wrong:
            return self._show_errors(view_id, wrong, delivered=False)
        payload = self._interaction("view_submission", user, view=shown_view(view), response_urls=[])
        outcome = self.deliveries.send(
            "interactive", self._stamped(payload, user_id), f"{user['real_name']} sent “{view['title']['text']}”"
        )
        if not outcome.ok:
            return self._noticed(user_id, outcome, TROUBLE)
        try:
            return self._after_submit(user_id, view_id, outcome.body)
        except SlackError as refused:
            return self._noticed(user_id, outcome, TROUBLE, refused.code, str(refused.more))

    def _after_submit(self, user_id: str, view_id: str, body: Any) -> Json:
        world = self.world
        view = world.view(view_id)
        if body in (None, "", {}):
            if view is not None:
                close(world, view)
            return {"ok": True, "closed": True}
        action = body.get("response_action") if isinstance(body, dict) else None
        if action == "clear":
            close_all(world, user_id)
            return {"ok": True, "closed": True}
        if view is None:
            return {"ok": True, "closed": True}
        if action == "errors":
            inputs = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
            errors = body.get("errors")
            if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
                raise SlackError("invalid_errors", inputs=sorted(inputs))
            return self._show_errors(view_id, errors, delivered=True)
        if action == "update":
            replace(world, view, checked(world, body.get("view")))
            return {"ok": True, "closed": False}
        if action == "push":
            put_on_top(world, checked(world, body.get("view")), user_id)
            return {"ok": True, "closed": False}
        raise SlackError("invalid_response_action")

    def close(self, user_id: str, view_id: str) -> Json:
        """Press Cancel: the view goes, and the app hears of those that asked to be told."""
        world, user = self.world, self.world.need_person(user_id)
        view = self._top(user_id, view_id)
        for gone in close(world, view):
            if gone["notify_on_close"]:
                payload = self._interaction(
                    "view_closed", user, view=shown_view(gone), is_cleared=gone["id"] != view_id
                )
                self.deliveries.send("interactive", payload, f"{user['real_name']} closed “{gone['title']['text']}”")
        return {"ok": True}

    # -- parts -----------------------------------------------------------------------------------------------------

    def _holder(self, user_id: str, where: Json) -> Json:
        world = self.world
        if where.get("home"):
            view = world.home(user_id)
            if view is None:
                raise PersonError("Home is empty: open it first.")
            return view
        if where.get("view_id"):
            home = world.home(user_id)
            if home is not None and home["id"] == where["view_id"]:
                return home
            return self._top(user_id, str(where["view_id"]))
        channel = world.channel(str(where.get("channel") or ""))
        message = world.message(str(where.get("channel")), str(where.get("ts")))
        if (
            channel is None
            or message is None
            or user_id not in channel["members"]
            or message.get("ephemeral_for", user_id) != user_id
        ):
            raise PersonError("That message is not there for this person.")
        return message

    def _top(self, user_id: str, view_id: str) -> Json:
        stack = self.world.stack(user_id)
        view = self.world.view(view_id)
        if view is None or view_id not in stack:
            raise PersonError("That modal is not open.")
        if stack[-1] != view_id:
            raise PersonError("Another modal lies on top of that one.")
        return view

    def _put_in(self, holder: Json, user_id: str, typed: Json) -> Json:
        """Keep what was typed or chosen; PersonError for what the client would not take. Returns all values."""
        world = self.world
        with world.store.lock:
            current = (world.view(holder["id"]) or holder) if holder["type"] != "message" else holder
            values = self._values(current, user_id)
            for block_id, fields in typed.items():
                for action_id, given in fields.items():
                    found = find_element(current["blocks"], block_id, action_id)
                    if found is None or action_id not in values.get(block_id, {}):
                        raise PersonError(f"There is no field {block_id} / {action_id} here.")
                    if found[1]["type"] == "file_input":
                        files = chosen(world, user_id, found[1], given.get("files"), self._base_url())
                        values[block_id][action_id] = {"type": "file_input", "files": files}
                        continue
                    loaded = self._loaded(current, *found)
                    wanted = normalised(found[1], given, loaded)
                    why = refusal(found[1], wanted, loaded, set(world.store.keys("slack.user")))
                    if why is not None:
                        raise PersonError(why)
                    values[block_id][action_id] = {"type": found[1]["type"]} | wanted
            if typed and current["type"] == "message":
                world.store.put("slack.message_values", self._values_key(current, user_id), {"values": values})
            elif typed:
                world.save_view(current | {"state": {"values": values}})
            holder["state"] = {"values": values} if holder["type"] != "message" else holder.get("state")
            return values

    def _values(self, holder: Json, user_id: str) -> Json:
        if holder["type"] != "message":
            values: Json = holder["state"]["values"]
            return values
        kept = self.world.store.get("slack.message_values", self._values_key(holder, user_id)) or {"values": {}}
        return fresh_values(holder["blocks"], kept["values"])

    @staticmethod
    def _values_key(message: Json, user_id: str) -> str:
        return f"{message['channel']}:{message['ts']}:{user_id}"

    @staticmethod
    def _offer_key(holder: Json, block: Json, element: Json) -> str:
        return f"{holder.get('id') or holder['ts']}:{block['block_id']}:{element['action_id']}"

    def _loaded(self, holder: Json, block: Json, element: Json) -> list[Json]:
        known = self.world.store.get("slack.offered", self._offer_key(holder, block, element))
        return list(known["options"]) if known else []

    def _place(self, holder: Json, user_id: str, values: Json) -> Json:
        if holder["type"] != "message":
            view = self.world.view(holder["id"]) or holder
            return {"container": {"type": "view", "view_id": view["id"]}, "view": shown_view(view)}
        channel = self.world.channel(holder["channel"]) or {}
        alone = bool(holder.get("ephemeral_for"))
        container: Json = {
            "type": "message",
            "message_ts": holder["ts"],
            "channel_id": holder["channel"],
            "is_ephemeral": alone,
        }
        if holder.get("thread_ts"):
            container["thread_ts"] = holder["thread_ts"]
        place: Json = {
            "container": container,
            "channel": {"id": holder["channel"], "name": channel["name"]},
            "state": {"values": values},
        }
        if not alone:  # Slack sends no copy of an ephemeral message
            place["message"] = shown(holder)
        return place

    def _interaction(self, kind: str, user: Json, **more: Any) -> Json:
        app = self.world.app
        return {
            "type": kind,
            "token": app.verification_token,
            "api_app_id": app.app_id,
            "enterprise": None,
            "is_enterprise_install": False,
            "team": {"id": app.team_id, "domain": app.team_domain},
            "user": {"id": user["id"], "username": user["name"], "name": user["name"], "team_id": app.team_id},
        } | more

    def _stamped(self, payload: Json, user_id: str) -> Json:
        app = self.world.app
        return payload | {
            "token": app.verification_token,
            "api_app_id": app.app_id,
            "trigger_id": self.world.new_trigger(user_id),
        }

    def _ts(self) -> str:
        return f"{self.world.now().timestamp():.6f}"

    def _escaped(self, text: str) -> str:
        """Mentions as `should_escape: true` sends them: <@U…|name> and <#C…|name>."""
        names = {user["name"]: user["id"] for user in self.world.store.all("slack.user")} if "@" in text else {}
        rooms = (
            {c["name"]: c["id"] for c in self.world.store.all("slack.channel") if c["kind"] == "public_channel"}
            if "#" in text
            else {}
        )
        text = re.sub(r"(?<!\S)@([\w.-]+)", lambda m: f"<@{names[m[1]]}|{m[1]}>" if m[1] in names else m[0], text)
        return re.sub(r"(?<!\S)#([\w.-]+)", lambda m: f"<#{rooms[m[1]]}|{m[1]}>" if m[1] in rooms else m[0], text)

    def _show_errors(self, view_id: str, errors: Json, *, delivered: bool) -> Json:
        with self.world.store.lock:
            view = self.world.view(view_id)
            if view is not None:
                self.world.save_view(view | {"_errors": errors})
        return {"ok": False, "delivered": delivered, "errors": errors}

    def _noticed(self, user_id: str, outcome: Outcome, sentence: str, code: str = "", detail: str = "") -> Json:
        said = detail or (f"{outcome.reason} {outcome.status or ''}".strip())
        self.world.toast(user_id, sentence, said)
        return {"ok": False, "error": sentence, "code": code or outcome.reason, "detail": said}
