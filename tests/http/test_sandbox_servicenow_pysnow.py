"""pysnow works against the ServiceNow stand-in as against the real one, traps included."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.http.servicenow_standin import Snow, running

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its dependencies warn at import, and python-magic may lack its library
    import pysnow
    from pysnow.exceptions import MultipleResults, NoResults


@pytest.fixture
def snow() -> Iterator[Snow]:
    with running() as snow:
        yield snow


@pytest.fixture
def client(snow: Snow) -> Iterator[Any]:
    with requests.Session() as session:
        session.auth = ("seatkeeper", "example-password")
        yield pysnow.Client(host=f"127.0.0.1:{snow.standin.port}", session=session, use_ssl=False)


def incidents(client: Any) -> Any:
    return client.resource(api_path="/table/incident")


def test_create_find_patch_and_delete(snow: Snow, client: Any) -> None:
    made = incidents(client).create({"short_description": "x", "correlation_id": "seat:1", "urgency": 1}).one()
    found = incidents(client).get(query="correlation_id=seat:1", limit=2, fields=["sys_id", "urgency"]).all()
    assert found == [{"sys_id": made["sys_id"], "urgency": "1"}]
    patched = incidents(client).request(
        "PATCH", path_append=f"/{made['sys_id']}", data=json.dumps({"work_notes": "n", "state": "2"})
    )
    assert patched.one()["state"] == "2"
    updated = incidents(client).update({"sys_id": made["sys_id"]}, {"description": "d"}).one()
    assert (updated["description"], updated["state"]) == ("d", "2")
    with pytest.raises(requests.HTTPError) as refused:
        incidents(client).delete(query={"sys_id": made["sys_id"]})
    assert refused.value.response.json()["error"]["detail"].startswith("ACL Exception Delete Failed")


def test_the_query_builder_and_paging_headers(client: Any) -> None:
    for number in range(3):
        incidents(client).create({"short_description": f"n{number}"}).one()
    builder = pysnow.QueryBuilder()
    builder.field("state").equals(["1", "2"]).AND().field("sys_updated_on").greater_than(
        datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=1)
    ).AND().field("number").order_descending()
    answer = incidents(client).get(query=builder, limit=2)
    assert [row["short_description"] for row in answer.all()] == ["n2", "n1"]
    assert answer.headers["X-Total-Count"] == "3"
    between = pysnow.QueryBuilder()
    between.field("sys_created_on").between(datetime(2020, 1, 1), datetime(2099, 1, 1))  # noqa: DTZ001 - it wants naive
    assert len(incidents(client).get(query=between).all()) == 3


def test_one_answers_for_none_and_for_two(client: Any) -> None:
    with pytest.raises(NoResults):
        incidents(client).get(query="number=INC404").one()
    for _ in range(2):
        incidents(client).create({"correlation_id": "seat:1"}).one()
    with pytest.raises(MultipleResults):
        incidents(client).get(query="correlation_id=seat:1").one()


def test_a_refusal_shows_only_when_the_answer_is_read(snow: Snow, client: Any) -> None:
    snow.fault("rate_limited", retry_after=7)
    answer = incidents(client).create({"short_description": "lost"})
    with pytest.raises(requests.HTTPError) as refused:
        answer.one()
    assert refused.value.response.headers["Retry-After"] == "7"
    assert incidents(client).get(query="").all() == []


def test_a_partial_answer_looks_like_success(snow: Snow, client: Any) -> None:
    for _ in range(4):
        incidents(client).create({"short_description": "x"}).one()
    snow.fault("result_and_error")
    assert len(incidents(client).get(query="").all()) == 2
    snow.fault("quota_truncated")
    with pytest.raises(requests.JSONDecodeError):
        incidents(client).get(query="").all()


def test_a_file_is_attached(client: Any, tmp_path: Path) -> None:
    made = incidents(client).create({"short_description": "x"}).one()
    file = tmp_path / "devices.csv"
    file.write_text("a,b", encoding="ascii")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # pysnow leaves the file to the collector
        sent = incidents(client).attachments.upload(sys_id=made["sys_id"], file_path=str(file)).one()
    assert (sent["file_name"], sent["size_bytes"]) == ("devices.csv", "3")
    listed = incidents(client).attachments.get(sys_id=made["sys_id"])
    assert [row["file_name"] for row in listed] == ["devices.csv"]


def test_the_password_grant_of_the_oauth_client(snow: Snow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    kept: list[dict[str, Any]] = []
    client = pysnow.OAuthClient(
        host=f"127.0.0.1:{snow.standin.port}", client_id="example-client", client_secret="example-secret",
        token_updater=kept.append, use_ssl=False,
    )  # fmt: skip
    client.set_token(client.generate_token("seatkeeper", "example-password"))
    assert client.token["refresh_token"]
    made = client.resource(api_path="/table/incident").create({"short_description": "x"}).one()
    assert made["number"].startswith("INC")
