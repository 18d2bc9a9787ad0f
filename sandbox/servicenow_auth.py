"""Who is calling: basic credentials, `/oauth_token.do`, and the roles and scope that a token carries."""

from __future__ import annotations

import base64
import binascii
import secrets
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, Response, jsonify, request

from sandbox.servicenow_records import Actor, Instance, Refused

SETTINGS = "sn_settings"
DEFAULT_SETTINGS: dict[str, Any] = {
    "basic_auth": True,  # False as on newly provisioned instances
    "token_seconds": 1800,
    "auth_scope_enforced": True,  # a client without the scope useraccount is refused
    "rate_limit_per_hour": 0,  # 0: no rule, as delivered
    "webhook": None,
}


class Auth:
    """Users and OAuth registry of one instance. Tokens live in the store, so they survive a restart."""

    def __init__(self, instance: Instance, users: dict[str, dict[str, Any]], oauth: dict[str, dict[str, Any]]) -> None:
        self._instance, self.users, self.oauth = instance, users, oauth

    # -- settings --------------------------------------------------------------------------------------------------

    def settings(self) -> dict[str, Any]:
        return DEFAULT_SETTINGS | (self._instance.store.get(SETTINGS, "all") or {})

    def change(self, **settings: Any) -> dict[str, Any]:
        """Set some of the switches; KeyError names an unknown one."""
        for name in settings:
            if name not in DEFAULT_SETTINGS:
                raise KeyError(name)
        fresh = self.settings() | settings
        self._instance.store.put(SETTINGS, "all", fresh)
        return fresh

    # -- calls -----------------------------------------------------------------------------------------------------

    def actor(self) -> Actor:
        """The caller of the current request, or Refused 401; all reasons look the same to the client."""
        kind, _, rest = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "basic" and self.settings()["basic_auth"]:
            return self._by_password(rest)
        if kind.lower() == "bearer":
            return self._by_token(rest.strip())
        raise unauthenticated()

    def _by_password(self, encoded: str) -> Actor:
        try:
            name, _, password = base64.b64decode(encoded).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise unauthenticated() from None
        if not self._password_is(name, password):
            raise unauthenticated()
        return self.as_user(name)

    def _by_token(self, token: str) -> Actor:
        found = self._instance.store.get("sn_token", token)
        if found is None or datetime.fromisoformat(found["expires_at"]) <= self._instance.clock.now():
            raise unauthenticated()
        return self.as_user(found["user"], found["scope"])

    def _password_is(self, name: str, password: str) -> bool:
        user = self.users.get(name)
        return user is not None and secrets.compare_digest(str(user["password"]).encode(), password.encode())

    def as_user(self, name: str, scope: str = "useraccount") -> Actor:
        rows = self._instance.find("sys_user", user_name=name)
        if not rows or rows[0]["active"] != "true" or rows[0].get("locked_out") == "true":
            raise unauthenticated()
        roles = frozenset(self.users.get(name, {}).get("roles", ()))
        return Actor(name, rows[0]["sys_id"], roles, rows[0].get("time_zone") or "GMT", scope)

    def check_scope(self, actor: Actor) -> None:
        if self.settings()["auth_scope_enforced"] and "useraccount" not in actor.scope.split():
            raise Refused(403, "User Not Authorized", "Access to unscoped api is not allowed")

    # -- tokens ----------------------------------------------------------------------------------------------------

    def install(self, app: Flask) -> None:
        app.add_url_rule("/oauth_token.do", "oauth_token", self._token, methods=["POST"])

    def _token(self) -> tuple[Response, int]:
        request.environ["sandbox.said"] = "asked for an access token"
        if request.mimetype != "application/x-www-form-urlencoded":
            return _oauth_error("server_error", "The request could not be read")
        form = request.form.to_dict()
        if request.authorization is not None and request.authorization.type == "basic":  # the other way RFC 6749 has
            form["client_id"] = request.authorization.username or ""
            form["client_secret"] = request.authorization.password or ""
        client = self.oauth.get(form.get("client_id", ""))
        if client is None or client["secret"] != form.get("client_secret"):
            return _oauth_error("invalid_client", "The client credentials are not valid")
        granted = client.get("scope", "useraccount")
        if not set(form.get("scope", granted).split()) <= set(granted.split()):
            return _oauth_error("access_denied", "The requested scope is not granted to this client")
        match form.get("grant_type"):
            case "client_credentials" if client.get("user"):
                return self._issue(form["client_id"], client["user"], granted, refreshable=False)
            case "client_credentials":
                return _oauth_error("access_denied", "No OAuth Application User")
            case "password" if self._password_is(form.get("username", ""), form.get("password", "")):
                return self._issue(form["client_id"], form["username"], granted, refreshable=True)
            case "password":
                return _oauth_error("access_denied", "access_denied")
            case "refresh_token":
                found = self._instance.store.get("sn_refresh", form.get("refresh_token", ""))
                if found is None or found["client"] != form["client_id"]:
                    return _oauth_error("access_denied", "The refresh token is not valid")
                return self._issue(form["client_id"], found["user"], granted, refreshable=False)
        return _oauth_error("server_error", "The grant type is not supported")

    def _issue(self, client: str, user: str, scope: str, *, refreshable: bool) -> tuple[Response, int]:
        """The current token with its remaining life when there is one, as the original does; else a new one."""
        store, now = self._instance.store, self._instance.clock.now()
        with store.lock:
            current = next(
                (
                    found
                    for found in store.where("sn_token", lambda t: t["client"] == client and t["user"] == user)
                    if datetime.fromisoformat(found["expires_at"]) > now + timedelta(seconds=1)
                ),
                None,
            )
            if current is None:
                ends = now + timedelta(seconds=float(self.settings()["token_seconds"]))
                current = {"token": secrets.token_urlsafe(48), "client": client, "user": user, "scope": scope}
                current["expires_at"] = ends.isoformat()
                store.put("sn_token", current["token"], current)
            left = int((datetime.fromisoformat(current["expires_at"]) - now).total_seconds())
            answer: dict[str, Any] = {"access_token": current["token"], "scope": scope, "token_type": "Bearer"}
            answer["expires_in"] = left
            if refreshable:
                answer["refresh_token"] = self._refresh_token(client, user)
        return jsonify(answer), 200

    def _refresh_token(self, client: str, user: str) -> str:
        store = self._instance.store
        for found in store.where("sn_refresh", lambda t: t["client"] == client and t["user"] == user):
            return str(found["token"])
        token = secrets.token_urlsafe(48)
        store.put("sn_refresh", token, {"token": token, "client": client, "user": user})
        return token


def unauthenticated() -> Refused:
    return Refused(401, "User Not Authenticated", "Required to provide Auth information")


def _oauth_error(error: str, description: str) -> tuple[Response, int]:
    return jsonify({"error": error, "error_description": description}), 401
