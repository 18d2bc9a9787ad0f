"""views.*: modals on a stack of three, Home, and the hash that makes a late writer fail."""

from __future__ import annotations

from typing import Any

from sandbox.blocks import validate_view
from sandbox.blocks_text import elements
from sandbox.slack_api import WebApi, need_scope, refuse, structured
from sandbox.slack_values import Json
from sandbox.slack_world import VIEW_STACK, SlackError, World


def register(api: WebApi) -> None:
    """Add the views methods; they need a valid token and no scope."""
    api.add("views.open", open_view)
    api.add("views.push", push)
    api.add("views.update", update)
    api.add("views.publish", publish)


def shown(view: Json) -> Json:
    """The view as apps see it: without the stand-in's own notes."""
    return {name: value for name, value in view.items() if not name.startswith("_")}


def checked(world: World, given: Any, kind: str = "modal") -> Json:
    """A view fit to be shown, or SlackError."""
    if given is None:
        raise SlackError("invalid_arguments", response_metadata={"messages": ["[ERROR] missing required field: view"]})
    refuse(validate_view(given))
    if any(element["type"] == "file_input" for _, element in elements(given["blocks"])):
        need_scope(world, "files:read")  # stated of the element; which error comes is not
    if given["type"] != kind:
        raise SlackError(
            "invalid_arguments",
            response_metadata={"messages": [f"[ERROR] expected a view of type {kind} [json-pointer:/view/type]"]},
        )
    result: Json = given
    return result


def _spec(world: World, arguments: Json, kind: str = "modal") -> Json:
    return checked(world, structured(arguments, "view", "invalid_arguments"), kind)


def _unique(world: World, spec: Json, besides: str | None = None) -> None:
    wanted = spec.get("external_id")
    if wanted and any(v["external_id"] == wanted and v["id"] != besides for v in world.store.all("slack.view")):
        raise SlackError("duplicate_external_id")


def put_on_top(world: World, spec: Json, user: str) -> Json:
    """A new view on the person's stack; SlackError push_limit_reached above three."""
    with world.store.lock:
        stack = world.stack(user)
        if len(stack) >= VIEW_STACK:
            raise SlackError("push_limit_reached")
        _unique(world, spec)
        view = world.new_view(spec, user, world.view(stack[-1]) if stack else None)
        world.set_stack(user, [*stack, view["id"]])
        return view


def replace(world: World, view: Json, spec: Json) -> Json:
    """New content for an open view; typed values stay where the ids are unchanged, errors go."""
    _unique(world, spec, besides=view["id"])
    fresh = world.filled(spec, view | {"_errors": {}}, view["state"]["values"])
    world.save_view(fresh)
    return fresh


def open_view(world: World, arguments: Json) -> Json:
    spec = _spec(world, arguments)
    with world.store.lock:
        user = world.use_trigger(str(arguments.get("trigger_id") or ""))
        return {"view": shown(put_on_top(world, spec, user))}


def push(world: World, arguments: Json) -> Json:
    spec = _spec(world, arguments)
    with world.store.lock:
        user = world.use_trigger(str(arguments.get("trigger_id") or ""))
        if not world.stack(user):
            raise SlackError("not_found")  # nothing open to push on
        return {"view": shown(put_on_top(world, spec, user))}


def update(world: World, arguments: Json) -> Json:
    with world.store.lock:
        view = None
        if arguments.get("view_id"):
            view = world.view(str(arguments["view_id"]))
        elif arguments.get("external_id"):
            named = str(arguments["external_id"])
            view = next((v for v in world.store.all("slack.view") if v["external_id"] == named), None)
        if view is None or not is_shown(world, view):
            raise SlackError("not_found")
        spec = _spec(world, arguments, view["type"])
        _check_hash(arguments, view)
        return {"view": shown(replace(world, view, spec))}


def is_shown(world: World, view: Json) -> bool:
    """Whether the view is open (a modal on its person's stack) or published."""
    return view["type"] == "home" or view["id"] in world.stack(view["_user"])


def _check_hash(arguments: Json, view: Json) -> None:
    if arguments.get("hash") and arguments["hash"] != view["hash"]:
        raise SlackError("hash_conflict")


def publish(world: World, arguments: Json) -> Json:
    user = str(arguments.get("user_id") or "")
    person = world.user(user)
    if person is None or person["deleted"]:
        raise SlackError("user_not_found" if person is None else "user_disabled")
    spec = _spec(world, arguments, "home")
    with world.store.lock:
        known = world.home(user)
        if known is None:
            known = world.new_view(spec, user)
            world.store.put("slack.home", user, {"id": known["id"]})
        else:
            _check_hash(arguments, known)
            known = replace(world, known, spec)
        return {"view": shown(known)}


def close(world: World, view: Json) -> list[Json]:
    """Take a view and what lies above it off the stack (clear_on_close: all). What was closed, top first."""
    with world.store.lock:
        stack = world.stack(view["_user"])
        if view["id"] not in stack:
            return []
        keep = [] if view["clear_on_close"] else stack[: stack.index(view["id"])]
        gone = [found for one in reversed(stack[len(keep) :]) if (found := world.view(one))]
        world.set_stack(view["_user"], keep)
        for one in gone:
            world.store.drop("slack.view", one["id"])
        return gone


def close_all(world: World, user: str) -> None:
    """Clear the person's stack."""
    with world.store.lock:
        for one in world.stack(user):
            world.store.drop("slack.view", one)
        world.set_stack(user, [])
