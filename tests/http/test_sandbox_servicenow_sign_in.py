"""Signing in to the ServiceNow stand-in: tokens by three grants, their life, basic credentials and API scope."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from tests.http.servicenow_standin import Snow, running

CLIENT = {"client_id": "example-client", "client_secret": "example-secret"}
PASSWORD = {"grant_type": "password", "username": "seatkeeper", "password": "example-password", **CLIENT}
CREDENTIALS = {"grant_type": "client_credentials", **CLIENT}


@pytest.fixture
def snow() -> Iterator[Snow]:
    with running() as snow:
        yield snow


def ask(snow: Snow, form: dict[str, str]) -> requests.Response:
    return requests.post(f"{snow.url}/oauth_token.do", data=form, timeout=10)


def with_token(snow: Snow, token: str) -> requests.Response:
    return snow.call("GET", "incident", user="", headers={"Authorization": f"Bearer {token}"})


def test_client_credentials_carry_no_refresh_token(snow: Snow) -> None:
    answer = ask(snow, CREDENTIALS).json()
    assert set(answer) == {"access_token", "scope", "token_type", "expires_in"}
    assert (answer["token_type"], answer["scope"]) == ("Bearer", "useraccount")
    assert with_token(snow, answer["access_token"]).status_code == 200


def test_asking_again_gives_the_same_token_with_the_life_that_is_left(snow: Snow) -> None:
    first = ask(snow, PASSWORD).json()
    snow.clock.forward(timedelta(minutes=20))
    second = ask(snow, PASSWORD).json()
    refresh = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], **CLIENT}
    third = ask(snow, refresh).json()
    assert first["access_token"] == second["access_token"] == third["access_token"]
    assert first["expires_in"] - second["expires_in"] in (1200, 1201)
    assert "refresh_token" not in third
    snow.clock.forward(timedelta(minutes=11))
    assert ask(snow, refresh).json()["access_token"] != first["access_token"]


def test_a_token_of_seconds_expires(snow: Snow) -> None:
    snow.standin.auth.change(token_seconds=3)
    answer = ask(snow, CREDENTIALS).json()
    assert answer["expires_in"] <= 3
    snow.clock.forward(timedelta(seconds=4))
    late = with_token(snow, answer["access_token"])
    assert (late.status_code, late.json()["error"]["message"]) == (401, "User Not Authenticated")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        (CREDENTIALS | {"client_secret": "wrong"}, "invalid_client"),
        (CREDENTIALS | {"client_id": "nobody"}, "invalid_client"),
        (CREDENTIALS | {"client_id": "userless-client"}, "access_denied"),
        (CREDENTIALS | {"scope": "everything"}, "access_denied"),
        (PASSWORD | {"password": "wrong"}, "access_denied"),
        ({"grant_type": "refresh_token", "refresh_token": "unknown", **CLIENT}, "access_denied"),
        ({"grant_type": "device_code", **CLIENT}, "server_error"),
    ],
)
def test_refusals_have_the_shape_of_oauth(snow: Snow, form: dict[str, str], error: str) -> None:
    answer = ask(snow, form)
    assert (answer.status_code, answer.json()["error"]) == (401, error)
    assert "error_description" in answer.json()


def test_the_token_endpoint_reads_forms_only(snow: Snow) -> None:
    answer = requests.post(f"{snow.url}/oauth_token.do", json=CREDENTIALS, timeout=10)
    assert (answer.status_code, answer.json()["error"]) == (401, "server_error")


def test_basic_credentials_may_be_forbidden(snow: Snow) -> None:
    assert snow.call("GET", "incident").status_code == 200
    snow.control("POST", "settings", basic_auth=False)
    refused = snow.call("GET", "incident")
    wrong: dict[str, Any] = snow.call("GET", "incident", auth=("seatkeeper", "wrong")).json()
    assert (refused.status_code, refused.json()) == (401, wrong)
    assert with_token(snow, ask(snow, CREDENTIALS).json()["access_token"]).status_code == 200


def test_a_client_without_the_scope_is_refused_with_403(snow: Snow) -> None:
    token = ask(snow, CREDENTIALS | {"client_id": "scoped-client"}).json()["access_token"]
    answer = with_token(snow, token)
    assert answer.status_code == 403
    assert answer.json()["error"]["detail"] == "Access to unscoped api is not allowed"
    snow.standin.auth.change(auth_scope_enforced=False)
    assert with_token(snow, token).status_code == 200


def test_secrets_do_not_reach_the_traffic_log(snow: Snow) -> None:
    token = ask(snow, PASSWORD).json()["access_token"]
    logged = str(snow.traffic.since())
    assert token not in logged
    assert "example-secret" not in logged
    assert "example-password" not in logged
