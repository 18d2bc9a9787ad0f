"""Files that people attach to a form: kept, described to the app, and handed out to its token alone.

A download without the right answers as the live service does: with a page to sign in, and status 200.
"""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Callable
from typing import Any

from flask import Response

from sandbox.slack_api import need_scope
from sandbox.slack_values import Json
from sandbox.slack_world import PersonError, SlackError, World

#: Files of one field when the app names no number.
MOST_FILES = 10
SIGN_IN = "<!DOCTYPE html><html><head><title>Slack</title></head><body>Sign in to your workspace</body></html>"


def attach(world: World, user_id: str, name: str, content: bytes) -> Json:
    """Keep a file that a person picked; what the client knows of it."""
    world.need_person(user_id)
    if not name.strip() or not content:
        raise PersonError("Choose a file that is not empty.")
    file_id = world.new_id("F0")
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    known = {
        "id": file_id, "name": name, "length": len(content), "received": len(content), "done": True, "kind": kind,
        "user": user_id, "content": base64.b64encode(content).decode(), "created": int(world.clock.now().timestamp()),
    }  # fmt: skip
    world.store.put("slack.file", file_id, known)
    return {"id": file_id, "name": name, "size": len(content)}


def described(known: Json, base: str) -> Json:
    """A file as apps see it."""
    name = str(known["name"])
    path = f"{base}/files-pri/T0SANDBOX-{known['id']}"
    return {
        "id": known["id"], "created": known.get("created", 0), "timestamp": known.get("created", 0), "name": name,
        "title": known.get("title") or name, "mimetype": known.get("kind", "image/png"),
        "filetype": name.rpartition(".")[2].lower(), "user": known.get("user"), "size": known["length"],
        "mode": "hosted", "is_external": False, "is_public": False,
        "url_private": f"{path}/{name}", "url_private_download": f"{path}/download/{name}",
    }  # fmt: skip


def chosen(world: World, user_id: str, element: Json, given: Any, base: str) -> list[Json]:
    """The files of a field as its state holds them; PersonError for what the client would not take."""
    if not isinstance(given, list):
        return []
    if len(given) > element.get("max_files", MOST_FILES):
        raise PersonError(f"At most {element.get('max_files', MOST_FILES)} files can be added.")
    found = []
    for one in given:
        known = world.store.get("slack.file", str(one.get("id") if isinstance(one, dict) else one))
        if known is None or known.get("user") != user_id:
            raise PersonError("That file is not there for this person.")
        made = described(known, base)
        if element.get("filetypes") and made["filetype"] not in element["filetypes"]:
            raise PersonError(f"A {made['filetype']} file is not taken here.")
        found.append(made)
    return found


def info(base: Callable[[], str]) -> Callable[[World, Json], Json]:
    """files.info."""

    def answer(world: World, arguments: Json) -> Json:
        known = world.store.get("slack.file", str(arguments.get("file") or ""))
        if known is None:
            raise SlackError("file_not_found")
        return {"file": described(known, base())}

    return answer


def download(world: World, named: str, authorization: str) -> Response:
    """The bytes, for the app's token with the right to read."""
    known = world.store.get("slack.file", named.partition("-")[2])
    kind, _, token = authorization.partition(" ")
    if known is None:
        return Response("not found", 404, mimetype="text/plain")
    try:
        need_scope(world, "files:read")
    except SlackError:
        return Response(SIGN_IN, mimetype="text/html")
    if kind.lower() != "bearer" or token.strip() != world.app.bot_token:
        return Response(SIGN_IN, mimetype="text/html")
    return Response(base64.b64decode(known["content"]), mimetype=str(known.get("kind", "image/png")))
