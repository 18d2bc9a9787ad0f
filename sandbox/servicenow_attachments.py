"""The Attachment API: each upload is a new attachment, also under a name that is already there."""

from __future__ import annotations

import base64
import hashlib

from flask import Flask, Response, jsonify, request

from sandbox.servicenow_auth import Auth
from sandbox.servicenow_query import Reader, parse
from sandbox.servicenow_records import Actor, Instance, Refused, Row, no_right, not_found
from sandbox.servicenow_schema import fresh_id
from sandbox.servicenow_table import number, said

TABLE = "sys_attachment"
_DEFAULT_LIMIT = 1000


class AttachmentApi:
    """Routes under /api/now/attachment."""

    def __init__(self, instance: Instance, auth: Auth) -> None:
        self._instance, self._auth = instance, auth

    def install(self, app: Flask) -> None:
        for version in ("", "v1/"):
            base = f"/api/now/{version}attachment"
            app.add_url_rule(base, f"{version}attachments", self._list, methods=["GET"])
            app.add_url_rule(f"{base}/file", f"{version}attach_file", self._upload, methods=["POST"])
            app.add_url_rule(f"{base}/upload", f"{version}attach_form", self._upload_form, methods=["POST"])
            app.add_url_rule(f"{base}/<sys_id>", f"{version}attachment", self._read, methods=["GET"])
            app.add_url_rule(f"{base}/<sys_id>/file", f"{version}attachment_file", self._content, methods=["GET"])
            app.add_url_rule(f"{base}/<sys_id>", f"{version}detach", self._delete, methods=["DELETE"])

    def _actor(self) -> Actor:
        actor = self._auth.actor()
        self._auth.check_scope(actor)
        return actor

    def _list(self) -> Response:
        said("listed attachments")
        actor = self._actor()
        query = parse(request.args.get("sysparm_query", ""), now=self._instance.clock.now(), user_id=actor.sys_id)
        known = query.checked(lambda name: self._instance.knows(TABLE, name), strict=False)
        limit = number(request.args.get("sysparm_limit"), _DEFAULT_LIMIT)
        rows = [] if known is None else self._instance.where(TABLE, lambda row: known.matches(self._reader(row)))
        answer = jsonify({"result": [self._shown(row) for row in rows[:limit]]})
        answer.headers["X-Total-Count"] = str(len(rows))
        return answer

    def _reader(self, row: Row) -> Reader:
        return lambda name: self._instance.read(TABLE, row, name)

    def _upload(self) -> Response:
        said("tried to attach a file")
        actor = self._actor()
        missing = [name for name in ("table_name", "table_sys_id", "file_name") if not request.args.get(name)]
        if missing or not request.headers.get("Content-Type"):
            raise Refused(400, "Missing parameter", ", ".join(missing) or "Content-Type")
        names = request.args
        return self._attach(
            actor, names["table_name"], names["table_sys_id"], names["file_name"], request.mimetype, request.get_data()
        )

    def _upload_form(self) -> Response:
        """multipart/form-data: the fields first, the file part last."""
        said("tried to attach a file")
        actor = self._actor()
        raw = request.get_data(cache=True, parse_form_data=False)
        files = list(request.files.values())
        table, record = request.form.get("table_name"), request.form.get("table_sys_id")
        if not table or not record or len(files) != 1:
            raise Refused(400, "Missing parameter", "table_name, table_sys_id and one file are required")
        if raw.rfind(b"filename=") < max(raw.rfind(b'name="table_name"'), raw.rfind(b'name="table_sys_id"')):
            raise Refused(400, "Failed to create the attachment", "The file must be the last part")
        found = files[0]
        return self._attach(actor, table, record, found.filename or "file", found.mimetype, found.read())

    def _attach(self, actor: Actor, table: str, record: str, name: str, kind: str, content: bytes) -> Response:
        target = self._instance.get(table, record) if table in self._instance.tables else None
        if target is None or not self._instance.may(actor, "read", table):
            raise not_found()
        if not self._instance.may(actor, "write", table):
            raise no_right("Insert")
        now, sys_id = self._instance.now(), fresh_id()
        row: Row = {
            "sys_id": sys_id, "file_name": name, "content_type": kind, "size_bytes": str(len(content)),
            "table_name": table, "table_sys_id": record, "hash": hashlib.sha256(content).hexdigest(),
            "download_link": "", "sys_created_on": now, "sys_created_by": actor.user_name, "sys_updated_on": now,
            "sys_updated_by": actor.user_name, "sys_mod_count": "0",
            "_content": base64.b64encode(content).decode("ascii"),
        }  # fmt: skip
        self._instance.store.put(f"sn:{TABLE}", sys_id, row)
        said(f"attached {name} to {target.get('number', record)}")
        answer = jsonify({"result": self._shown(row)})
        answer.status_code = 201
        answer.headers["Location"] = f"{request.host_url}api/now/attachment/{sys_id}"
        return answer

    def _shown(self, row: Row) -> Row:
        link = f"{request.host_url}api/now/attachment/{row['sys_id']}/file"
        return {name: value for name, value in row.items() if not name.startswith("_")} | {"download_link": link}

    def _found(self, sys_id: str, actor: Actor) -> Row:
        row = self._instance.get(TABLE, sys_id)
        if row is None or not self._instance.may(actor, "read", row["table_name"]):
            raise not_found()
        return row

    def _read(self, sys_id: str) -> Response:
        said("read an attachment")
        return jsonify({"result": self._shown(self._found(sys_id, self._actor()))})

    def _content(self, sys_id: str) -> Response:
        row = self._found(sys_id, self._actor())
        said(f"downloaded {row['file_name']}")
        return Response(base64.b64decode(row["_content"]), mimetype=row["content_type"])

    def _delete(self, sys_id: str) -> Response:
        said("tried to delete an attachment")
        actor = self._actor()
        row = self._found(sys_id, actor)
        if not self._instance.may(actor, "write", row["table_name"]):
            raise no_right("Delete")
        self._instance.store.drop(f"sn:{TABLE}", sys_id)
        said(f"deleted the attachment {row['file_name']}")
        return Response(status=204)
