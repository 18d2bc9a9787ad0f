"""Tokens for Microsoft Graph by client credentials, with msal.

msal answers a wrong secret with a dict and a broken token endpoint with an exception; both become our five errors here.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msal
import requests
from msal.exceptions import MsalServiceError

from integrations.errors import IntegrationError, RateLimited, Refused, Transient
from integrations.http import PinnedSession, Timeouts, quiet_libraries, retry_after, transport_trouble, utc_now

SYSTEM = "graph"
OPERATION = "sign in"
PUBLIC_AUTHORITY = "https://login.microsoftonline.com"
PUBLIC_SCOPE = "https://graph.microsoft.com/.default"

# The numbers Microsoft documents behind AADSTS; texts are not contract, numbers are.
_SAY = {
    7000215: "the client secret is wrong: put the secret's value (not its id) into M365_CLIENT_SECRET",
    7000222: "the client secret has expired: make a new one in Entra and set M365_CLIENT_SECRET",
    700016: "the tenant does not know this application: check M365_CLIENT_ID and M365_TENANT_ID",
    90002: "there is no such tenant: check M365_TENANT_ID",
    900023: "M365_TENANT_ID is neither a tenant id nor a domain name",
    700027: "the certificate is not registered with the application: upload its public half in Entra",
    7000112: "the application is switched off in Entra",
    53003: "a Conditional Access rule keeps the application out",
}


class _TokenSession(PinnedSession):
    """msal's way out: turns trouble at the token endpoint into our errors before msal's own cache can replay it."""

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **options: Any) -> requests.Response:
        try:
            response = super().request(method, url, *args, **options)
        except requests.RequestException as error:
            raise transport_trouble(error, SYSTEM, OPERATION, reading=True) from None
        if response.status_code == 429:
            wait = retry_after(response.headers, utc_now())
            raise RateLimited(SYSTEM, OPERATION, "the token endpoint asks us to wait", retry_after=wait)
        if response.status_code >= 500:
            raise Transient(SYSTEM, OPERATION, f"the token endpoint answered {response.status_code}")
        try:
            response.json()
        except ValueError:
            raise Transient(SYSTEM, OPERATION, "the token endpoint's answer is not JSON") from None
        return response


class GraphCredentials:
    """One app registration. msal keeps the token until it expires; threads share it under a lock."""

    def __init__(
        self,
        tenant_id: str,
        client_id: str,
        *,
        secret: str | None = None,
        certificate: str | None = None,
        authority: str = PUBLIC_AUTHORITY,
        graph_url: str = "https://graph.microsoft.com/v1.0",
        ca_bundle: str | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        """Either `secret`, or `certificate`: a PEM file that holds the private key and the certificate."""
        quiet_libraries()
        if (secret is None) == (certificate is None):
            raise ValueError("give either a client secret or a client certificate")
        self.client_id = client_id
        self._authority = f"{authority.rstrip('/')}/{tenant_id}"
        self._known_authority = urlsplit(authority).hostname == urlsplit(PUBLIC_AUTHORITY).hostname
        self._credential: str | dict[str, str] = secret if secret is not None else _certificate(str(certificate))
        self._scope = scope_for(graph_url)
        self._session = _TokenSession(timeouts or Timeouts(), ca_bundle=ca_bundle)
        self._app: Any = None
        self._lock = threading.Lock()

    def token(self) -> str:
        """A valid access token."""
        with self._lock:
            try:
                result = self._application().acquire_token_for_client([self._scope])
            except IntegrationError:
                raise
            except MsalServiceError:
                raise Transient(SYSTEM, OPERATION, "the token endpoint is in trouble") from None
            except ValueError as error:  # msal's word for an authority it cannot use
                raise self._authority_refused(error) from None
        if result and "access_token" in result:
            return str(result["access_token"])
        raise _refusal(result or {})

    def authorization(self) -> str:
        return f"Bearer {self.token()}"

    def renew(self) -> bool:
        """Drop the cached token after a 401 (revoked, key rolled)."""
        with self._lock:
            if self._app is None:
                return False
            self._app.remove_tokens_for_client()
            return True

    def close(self) -> None:
        self._session.close()

    def _application(self) -> Any:
        if self._app is None:
            self._app = msal.ConfidentialClientApplication(
                self.client_id,
                authority=self._authority,
                client_credential=self._credential,
                instance_discovery=None if self._known_authority else False,
                http_client=self._session,
            )
        return self._app

    def _authority_refused(self, error: ValueError) -> Refused:
        if "https" in str(error) and not self._authority.startswith("https://"):
            sentence = "M365_AUTHORITY must begin with https://"
        else:
            sentence = "the sign-in address does not answer as one: check M365_AUTHORITY and M365_TENANT_ID"
        return Refused(SYSTEM, OPERATION, sentence, code="invalid_authority", fatal=True)


def claimed_roles(header: str) -> frozenset[str] | None:
    """The `roles` claim of a bearer token, unverified; None when the token is not a readable JWT."""
    parts = header.removeprefix("Bearer ").split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    roles = claims.get("roles") if isinstance(claims, dict) else None
    return frozenset(str(role) for role in roles) if isinstance(roles, list) else None


def scope_for(graph_url: str) -> str:
    """National clouds have their own Graph and their own scope; any other address plays the public one."""
    host = urlsplit(graph_url).hostname or ""
    if host.endswith((".microsoft.us", ".chinacloudapi.cn")):
        return f"https://{host}/.default"
    return PUBLIC_SCOPE


def _certificate(path: str) -> dict[str, str]:
    try:
        pem = Path(path).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        raise ValueError(f"M365_CLIENT_CERTIFICATE: cannot read {path} as a PEM file") from None
    key = re.search(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----", pem, re.DOTALL)
    public = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", pem, re.DOTALL)
    if key is None or public is None:
        raise ValueError("M365_CLIENT_CERTIFICATE: the PEM file must hold both the private key and the certificate")
    return {"private_key": key.group(), "public_certificate": public.group()}


def _refusal(result: dict[str, Any]) -> IntegrationError:
    code = str(result.get("error") or "unknown")
    reference = str(result.get("correlation_id") or "") or None
    if code in ("temporarily_unavailable", "server_error"):
        return Transient(SYSTEM, OPERATION, "the token endpoint is in trouble", reference)
    numbers = [number for number in result.get("error_codes") or [] if isinstance(number, int)]
    for number in numbers:
        if number in _SAY:
            return Refused(SYSTEM, OPERATION, _SAY[number], reference, code=f"AADSTS{number}", fatal=True)
    named = f" (AADSTS{numbers[0]})" if numbers else ""
    sentence = f"Microsoft refuses the sign-in: {code}{named}; check M365_TENANT_ID, M365_CLIENT_ID and the secret"
    return Refused(SYSTEM, OPERATION, sentence, reference, code=code, fatal=True)
