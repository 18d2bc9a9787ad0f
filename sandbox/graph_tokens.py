"""The token endpoint: client credentials with a secret or a signed assertion, and the tokens it handed out.

Tokens are random strings tied to an app and its permissions at that moment. They are kept in the store, because the
real ones also outlive a restart. Their hour is real time and not the demo's clock: msal counts real seconds too, and a
clock moved forward by a week must not look like a broken sign-in.
"""

from __future__ import annotations

import hmac
import secrets
import time
import uuid
from datetime import UTC, datetime
from typing import Any, NoReturn

import flask
import jwt
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from flask import Flask, Response, request

from sandbox.graph_errors import GraphError
from sandbox.store import Store

TOKEN = "graph.token"
LIFETIME = 3599
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Tokens:
    """Clients of one tenant: `{"secret": …, "certificate": PEM, "roles": […]}`; either proof may be absent."""

    def __init__(self, store: Store, tenant_id: str, clients: dict[str, dict[str, Any]]) -> None:
        self.store, self.tenant_id, self.clients = store, tenant_id, clients

    def issue(self, client_id: str) -> str:
        token = "sandbox." + secrets.token_urlsafe(48)
        now = time.time()
        for key in list(self.store.keys(TOKEN)):
            document = self.store.get(TOKEN, key)
            if document is not None and document["expires"] < now - LIFETIME:
                self.store.drop(TOKEN, key)
        roles = list(self.clients[client_id].get("roles", ()))
        self.store.put(TOKEN, token, {"client": client_id, "roles": roles, "expires": now + LIFETIME})
        return token

    def caller(self, header: str) -> tuple[str, tuple[str, ...]]:
        """(client id, permissions) of a bearer header; 401 in Graph's words otherwise."""
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _unauthorised("Access token is empty.")
        document = self.store.get(TOKEN, token)
        if document is None:
            raise _unauthorised("IDX14100: JWT is not well formed, there are no dots (.).")
        if document["expires"] < time.time():
            self.refuse_expired()
        return document["client"], tuple(document["roles"])

    def refuse_expired(self) -> NoReturn:
        raise _unauthorised("Lifetime validation failed, the token is expired.")


def _unauthorised(message: str) -> GraphError:
    challenge = 'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"'
    return GraphError(401, "InvalidAuthenticationToken", message, headers={"WWW-Authenticate": challenge})


class _RefusedError(Exception):
    """One AADSTS answer."""

    def __init__(self, status: int, error: str, number: int, text: str) -> None:
        super().__init__(text)
        self.status, self.error, self.number, self.text = status, error, number, text


def install(app: Flask, tokens: Tokens) -> None:
    @app.get("/<tenant>/v2.0/.well-known/openid-configuration")
    def openid_configuration(tenant: str) -> Response:
        if not _known(tokens, tenant):
            return _answer(_no_tenant(tenant))
        base = f"{request.host_url}{tenant}"
        return flask.jsonify(
            token_endpoint=f"{base}/oauth2/v2.0/token",
            authorization_endpoint=f"{base}/oauth2/v2.0/authorize",
            jwks_uri=f"{base}/discovery/v2.0/keys",
            issuer=f"{base}/v2.0",
            token_endpoint_auth_methods_supported=["client_secret_post", "private_key_jwt"],
            response_types_supported=["code"],
            subject_types_supported=["pairwise"],
            id_token_signing_alg_values_supported=["RS256"],
        )

    @app.post("/<tenant>/oauth2/v2.0/token")
    def token(tenant: str) -> Response:
        try:
            if not _known(tokens, tenant):
                raise _no_tenant(tenant)
            client = _proved(tokens, tenant)
        except _RefusedError as refused:
            return _answer(refused)
        return flask.jsonify(
            token_type="Bearer", expires_in=LIFETIME, ext_expires_in=LIFETIME, access_token=tokens.issue(client)
        )


def _known(tokens: Tokens, tenant: str) -> bool:
    return tenant.lower() == tokens.tenant_id.lower()


def _no_tenant(tenant: str) -> _RefusedError:
    text = f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID."
    return _RefusedError(400, "invalid_request", 90002, text)


def _proved(tokens: Tokens, tenant: str) -> str:
    form = request.form
    if form.get("grant_type") != "client_credentials":
        text = f"The app requested an unsupported grant type '{form.get('grant_type', '')}'."
        raise _RefusedError(400, "unsupported_grant_type", 70003, text)
    if not form.get("scope", "").endswith("/.default"):
        text = (
            f"The provided value for scope {form.get('scope', '')} is not valid. Client credential flows must have a "
            "scope value with /.default suffixed to the resource identifier (application ID URI)."
        )
        raise _RefusedError(400, "invalid_scope", 1002012, text)
    client_id = form.get("client_id", "")
    client = tokens.clients.get(client_id)
    if client is None:
        text = f"Application with identifier '{client_id}' was not found in the directory '{tenant}'."
        raise _RefusedError(400, "unauthorized_client", 700016, text)
    if form.get("client_assertion_type") == _ASSERTION:
        _check_assertion(client_id, client, form.get("client_assertion", ""))
    elif form.get("client_secret"):
        known = client.get("secret")
        if not known or not hmac.compare_digest(str(known).encode(), form["client_secret"].encode()):
            text = (
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
                f"value, not the client secret ID, for a secret added to app '{client_id}'."
            )
            raise _RefusedError(401, "invalid_client", 7000215, text)
    else:
        text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
        raise _RefusedError(401, "invalid_client", 7000218, text)
    return client_id


def _check_assertion(client_id: str, client: dict[str, Any], assertion: str) -> None:
    """The signature against the registered public key, and that it was meant for this endpoint, this app and now."""
    pem = client.get("certificate")
    try:
        if not pem:
            raise jwt.InvalidTokenError("no certificate is registered")
        raw = pem.encode() if isinstance(pem, str) else pem
        certified = b"BEGIN CERTIFICATE" in raw
        key: Any = x509.load_pem_x509_certificate(raw).public_key() if certified else load_pem_public_key(raw)
        claims = jwt.decode(
            assertion, key, algorithms=["RS256", "PS256"], audience=request.base_url, issuer=client_id, leeway=300
        )
        if claims.get("sub") != client_id:
            raise jwt.InvalidTokenError("the subject is another app")
    except jwt.InvalidTokenError as error:
        text = f"The certificate with identifier used to sign the client assertion is not registered or wrong: {error}."
        raise _RefusedError(401, "invalid_client", 700027, text) from error


def _answer(refused: _RefusedError) -> Response:
    trace, correlation = str(uuid.uuid4()), request.form.get("client-request-id") or str(uuid.uuid4())
    stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    response = flask.jsonify(
        error=refused.error,
        error_description=(
            f"AADSTS{refused.number}: {refused.text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}"
        ),
        error_codes=[refused.number],
        timestamp=stamp,
        trace_id=trace,
        correlation_id=correlation,
        error_uri=f"{request.host_url}error?code={refused.number}",
    )
    response.status_code = refused.status
    return response
