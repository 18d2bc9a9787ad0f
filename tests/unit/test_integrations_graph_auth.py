"""msal answers trouble in three ways: a dict, an exception, and a ValueError. All become our errors, in words."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import responses

from integrations.errors import RateLimited, Refused, Transient
from integrations.graph_auth import PUBLIC_SCOPE, GraphCredentials, claimed_roles, scope_for

TENANT = "0f0f0f0f-0000-4000-8000-00000000aaaa"
AUTHORITY = "https://login.example.test"
OPENID = f"{AUTHORITY}/{TENANT}/v2.0/.well-known/openid-configuration"
TOKEN = f"{AUTHORITY}/{TENANT}/oauth2/v2.0/token"


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        found = {
            "token_endpoint": TOKEN,
            "authorization_endpoint": f"{AUTHORITY}/{TENANT}/oauth2/v2.0/authorize",
            "issuer": f"{AUTHORITY}/{TENANT}/v2.0",
        }
        mocked.get(OPENID, json=found)
        yield mocked


def credentials(**more: Any) -> GraphCredentials:
    return GraphCredentials(TENANT, "example-client", **{"secret": "example-secret", "authority": AUTHORITY} | more)


def test_a_token_is_kept_until_it_ends_or_is_refused(wire: responses.RequestsMock) -> None:
    wire.post(TOKEN, json={"access_token": "t1", "token_type": "Bearer", "expires_in": 3600})
    ours = credentials()
    assert not ours.renew(), "nothing to forget before the first token"
    assert ours.authorization() == "Bearer t1"
    asked = len(wire.calls)
    assert ours.authorization() == "Bearer t1"
    assert len(wire.calls) == asked
    assert ours.renew()
    assert ours.authorization() == "Bearer t1"
    assert len(wire.calls) == asked + 1


@pytest.mark.parametrize(
    ("body", "words", "code"),
    [
        ({"error": "invalid_client", "error_codes": [7000215]}, "M365_CLIENT_SECRET", "AADSTS7000215"),
        ({"error": "invalid_client", "error_codes": [7000222]}, "expired", "AADSTS7000222"),
        ({"error": "unauthorized_client", "error_codes": [700016]}, "M365_CLIENT_ID", "AADSTS700016"),
        ({"error": "invalid_request", "error_codes": [90002]}, "M365_TENANT_ID", "AADSTS90002"),
        ({"error": "invalid_grant", "error_codes": [999]}, "AADSTS999", "invalid_grant"),
        ({"error": "invalid_grant"}, "invalid_grant", "invalid_grant"),
    ],
)
def test_a_refusal_is_a_dict_and_says_which_setting(
    wire: responses.RequestsMock, body: dict[str, Any], words: str, code: str
) -> None:
    wire.post(TOKEN, status=401, json=body | {"correlation_id": "their-reference"})
    with pytest.raises(Refused) as caught:
        credentials().token()
    assert caught.value.fatal
    assert words in caught.value.detail
    assert caught.value.code == code
    assert caught.value.request_id == "their-reference"
    assert "example-secret" not in str(caught.value)


def test_trouble_is_safe_to_repeat_and_not_replayed_by_msal(wire: responses.RequestsMock) -> None:
    ours = credentials()
    wire.post(TOKEN, status=400, json={"error": "temporarily_unavailable"})
    with pytest.raises(Transient):
        ours.token()
    for reply in (
        {"status": 500, "json": {}},
        {"status": 503, "body": "<html>"},
        {"status": 200, "body": "<html>"},
        {"body": requests.ConnectionError()},
        {"body": requests.ReadTimeout()},
    ):
        wire.replace("POST", TOKEN, **reply)
        with pytest.raises(Transient):
            credentials().token()
    wire.replace("POST", TOKEN, status=429, json={}, headers={"Retry-After": "8"})
    limited = credentials()
    with pytest.raises(RateLimited) as caught:
        limited.token()
    assert caught.value.retry_after == 8
    wire.replace("POST", TOKEN, json={"access_token": "t2", "token_type": "Bearer", "expires_in": 3600})
    assert limited.token() == "t2"


def test_an_authority_that_is_none_is_refused(wire: responses.RequestsMock) -> None:
    wire.replace("GET", OPENID, status=400, json={"error": "invalid_tenant"})
    with pytest.raises(Refused) as caught:
        credentials().token()
    assert "M365_TENANT_ID" in caught.value.detail
    with pytest.raises(Refused) as plain:
        credentials(authority="http://login.example.test").token()
    assert "https://" in plain.value.detail


def test_a_lost_discovery_is_safe_to_repeat(wire: responses.RequestsMock) -> None:
    wire.replace("GET", OPENID, body=requests.ConnectionError())
    with pytest.raises(Transient):
        credentials().token()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"secret": None}, "either"),
        ({"certificate": "x.pem"}, "either"),
        ({"secret": None, "certificate": "/nowhere.pem"}, "cannot read"),
    ],
)
def test_wrong_settings_are_found_at_the_start(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        credentials(**given)


def test_a_certificate_file_needs_both_halves(tmp_path: Path) -> None:
    half = tmp_path / "half.pem"
    half.write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    with pytest.raises(ValueError, match="both"):
        credentials(secret=None, certificate=str(half))


@pytest.mark.parametrize(
    ("url", "scope"),
    [
        ("https://graph.microsoft.com/v1.0", PUBLIC_SCOPE),
        ("https://127.0.0.1:8443/v1.0", PUBLIC_SCOPE),
        ("https://graph.microsoft.us/v1.0", "https://graph.microsoft.us/.default"),
        ("https://microsoftgraph.chinacloudapi.cn/v1.0", "https://microsoftgraph.chinacloudapi.cn/.default"),
    ],
)
def test_national_clouds_have_a_scope_of_their_own(url: str, scope: str) -> None:
    assert scope_for(url) == scope


@pytest.mark.parametrize(
    ("claims", "expected"),
    [({"roles": ["User.Read.All"]}, {"User.Read.All"}), ({"roles": []}, set()), ({}, None), ([], None)],
)
def test_a_token_may_say_what_it_allows(claims: Any, expected: set[str] | None) -> None:
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    assert claimed_roles(f"Bearer head.{middle}.tail") == expected
    assert claimed_roles("Bearer opaque") is None
    assert claimed_roles("Bearer a.!!!.c") is None
