"""The ServiceNow client against the stand-in: nothing opened twice, nothing believed unread, every common fault."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from integrations.errors import NotFound, RateLimited, Refused, Transient, Unclear
from integrations.http import Credentials, Timeouts
from integrations.servicenow import ServiceNowClient
from integrations.servicenow_auth import BasicCredentials, TokenCredentials
from integrations.servicenow_tables import Tables
from integrations.servicenow_types import NoteAdded, NoteAlreadyThere
from sandbox.servicenow import add_catalog_item, add_choice, add_user
from tests.http.servicenow_standin import Snow, running

KEY = "seat:example:0001"
FIELDS = {"short_description": "Seat for Ana", "impact": "3", "urgency": "3"}
SHOWN = "Seatkeeper"
SLOW = 2.0  # seconds; a busy machine answers what is not slow well before half of it


@pytest.fixture
def snow() -> Iterator[Snow]:
    with running() as started:
        yield started


def client(snow: Snow, credentials: Credentials | None = None, read: float = 5.0) -> ServiceNowClient:
    signed = credentials or BasicCredentials("seatkeeper", "example-password")
    return ServiceNowClient(Tables(snow.url, signed, timeouts=Timeouts(connect=2, read=read)))


def impatient(snow: Snow, kind: str) -> ServiceNowClient:
    """A client that gives up before a fault's `SLOW` answer; with every other fault it waits as long as any client."""
    return client(snow, read=SLOW / 2 if "slow" in kind else 5.0)


def item(snow: Snow, *, copies: dict[str, str] | None = None, price: str = "15") -> str:
    variables = [("seatkeeper_key", "Reference", False), ("plan", "Plan", False)]
    name = f"Whiteboard seat {price} {copies}"
    return add_catalog_item(snow.standin.instance, name, price=price, variables=variables, copies=copies)


# -- records


def test_a_record_is_made_once_for_its_key(snow: Snow) -> None:
    ours = client(snow)
    made = ours.create("incident", FIELDS, KEY, SHOWN)
    assert made.number.startswith("INC")
    assert made.get("correlation_id") == KEY
    assert ours.create("incident", FIELDS, KEY, SHOWN).sys_id == made.sys_id
    assert [record.sys_id for record in ours.find_by_correlation("incident", KEY)] == [made.sys_id]
    assert ours.read("incident", made.sys_id).get("short_description") == "Seat for Ana"
    assert ours.find_by_correlation("incident", "seat:other") == []
    with pytest.raises(NotFound):
        ours.read("incident", "0" * 32)


def test_of_several_records_for_one_key_the_oldest_is_ours(snow: Snow) -> None:
    first = snow.create(correlation_id=KEY, correlation_display=SHOWN)
    snow.clock.forward(timedelta(seconds=5))
    snow.create(correlation_id=KEY, correlation_display=SHOWN)
    assert client(snow).create("incident", FIELDS, KEY, SHOWN).sys_id == first["sys_id"]


def test_a_change_tells_which_fields_were_not_taken_over(snow: Snow) -> None:
    ours = client(snow)
    made = ours.create("incident", FIELDS, KEY, SHOWN)
    done = ours.patch("incident", made.sys_id, {"short_description": "New", "priority": "1", "work_notes": "hello"})
    assert done.ignored == ("priority",)
    assert done.record.get("short_description") == "New"
    snow.fault("read_only_field", path="incident", fields=["urgency"])
    assert ours.patch("incident", made.sys_id, {"urgency": "1"}).ignored == ("urgency",)


def test_resolving_without_a_close_code_is_refused_in_words(snow: Snow) -> None:
    ours = client(snow)
    made = ours.create("incident", FIELDS, KEY, SHOWN)
    with pytest.raises(Refused) as caught:
        ours.patch("incident", made.sys_id, {"state": "6"})
    assert caught.value.code == "data_policy"
    assert "mandatory" in caught.value.detail
    add_choice(snow.standin.instance, "incident", "close_code", "Licence given", "Licence given")
    codes = [choice.value for choice in ours.setup.choices("incident", "close_code")]
    assert "Licence given" in codes
    closed = ours.patch("incident", made.sys_id, {"state": "6", "close_code": codes[0], "close_notes": "done"})
    assert closed.ignored == ()


def test_a_note_is_written_once(snow: Snow) -> None:
    ours = client(snow)
    made = ours.create("incident", FIELDS, KEY, SHOWN)
    assert ours.add_note("incident", made.sys_id, "Approved by Ana", "note:1") == NoteAdded()
    assert ours.add_note("incident", made.sys_id, "Approved by Ana", "note:1") == NoteAlreadyThere()
    assert ours.add_note("incident", made.sys_id, "Something else", "note:11") == NoteAdded()
    assert len(snow.standin.instance.journal(made.sys_id, "work_notes")) == 2


def test_a_file_is_attached_once(snow: Snow) -> None:
    ours = client(snow)
    made = ours.create("incident", FIELDS, KEY, SHOWN)
    first = ours.attach("incident", made.sys_id, "devices.csv", b"host\nexample-1\n", "text/csv")
    again = ours.attach("incident", made.sys_id, "devices.csv", b"host\nexample-1\n", "text/csv")
    assert (first.already_there, again.already_there) == (False, True)
    assert first.sys_id == again.sys_id != ""


def test_a_person_is_found_only_when_there_is_exactly_one(snow: Snow) -> None:
    ours = client(snow)
    assert ours.find_person("Ana.Lindqvist@example.com") == snow.ana
    assert ours.find_person("nobody@example.com") is None
    assert ours.find_person("a^active=true@example.com") is None
    add_user(snow.standin.instance, "ana.two", name="Ana Two", email="ana.lindqvist@example.com")
    assert ours.find_person("ana.lindqvist@example.com") is None


def test_changes_are_read_by_time_over_page_borders(snow: Snow) -> None:
    ours = client(snow)
    began = datetime.now(UTC) - timedelta(minutes=2)
    made = [ours.create("incident", FIELDS, f"seat:{n}", SHOWN) for n in range(7)]
    snow.create(correlation_display="Somebody else")
    found = list(ours.changes.since("incident", "seat:", began, 2))
    assert sorted(record.sys_id for record in found) == sorted(record.sys_id for record in made)
    snow.clock.forward(timedelta(minutes=10))
    snow.patch("incident", made[3].sys_id, short_description="changed there")
    later = datetime.now(UTC) + timedelta(minutes=5)
    [changed] = ours.changes.since("incident", "seat:", later)
    assert changed.sys_id == made[3].sys_id
    assert changed.changes > made[3].changes
    assert changed.updated_at is not None


def test_rows_hidden_by_rights_do_not_end_the_reading(snow: Snow) -> None:
    ours = client(snow)
    began = datetime.now(UTC) - timedelta(minutes=2)
    made = [ours.create("incident", FIELDS, f"seat:{n}", SHOWN) for n in range(5)]
    hidden = [record.sys_id for record in made[:2]]
    snow.fault("acl_hidden", None, path="incident", sys_ids=hidden)
    found = {record.sys_id for record in ours.changes.since("incident", "seat:", began, 2)}
    assert {record.sys_id for record in made[2:]} <= found


# -- the catalogue


def test_an_item_is_ordered_once_and_carries_our_key(snow: Snow) -> None:
    ours, what = client(snow), item(snow)
    first = ours.order_item(what, snow.ana, {"plan": "Team"}, KEY)
    assert first.number.startswith("RITM")
    assert first.get("correlation_id") == KEY
    assert ours.order_item(what, snow.ana, {"plan": "Team"}, KEY).sys_id == first.sys_id
    assert len(snow.standin.instance.rows("sc_req_item")) == 1


@pytest.mark.parametrize("kind", ["commit_then_hang_up", "commit_then_error", "commit_then_slow", "truncated"])
@pytest.mark.parametrize("step", ["order_now", "sc_req_item"])
def test_a_lost_answer_never_orders_twice(snow: Snow, kind: str, step: str) -> None:
    """Both writes of an order can lose their answer; in each case the next try finds the order and completes it."""
    what = item(snow)
    snow.fault(kind, method="POST|PATCH", path=step, seconds=SLOW)
    with pytest.raises(Unclear):
        impatient(snow, kind).order_item(what, snow.ana, {"plan": "Team"}, KEY)
    found = client(snow).order_item(what, snow.ana, {"plan": "Team"}, KEY)
    assert found.get("correlation_id") == KEY
    assert len(snow.standin.instance.rows("sc_req_item")) == 1


def test_an_item_that_cannot_carry_the_key_is_refused_before_anything_is_ordered(snow: Snow) -> None:
    with pytest.raises(Refused) as caught:
        client(snow).order_item(snow.cheap, snow.ana, {"reference": "x"}, KEY)
    assert caught.value.code == "no_key_variable"
    assert snow.standin.instance.rows("sc_req_item") == []


def test_an_instance_with_a_cart_is_refused_in_words(snow: Snow) -> None:
    snow.fault("two_step_checkout")
    with pytest.raises(Refused) as caught:
        client(snow).order_item(item(snow), snow.ana, {}, KEY)
    assert caught.value.code == "two_step_checkout"


def test_an_approval_over_there_is_seen(snow: Snow) -> None:
    ours = client(snow)
    ordered = ours.order_item(item(snow, price="2000"), snow.ana, {}, KEY)
    [approval] = ours.approvals("sc_req_item", ordered.sys_id)
    assert approval.state == "requested"
    assert approval.approver


# -- what the Table API hides


def test_a_search_the_instance_ignores_stops_the_work(snow: Snow) -> None:
    """A part with an unknown field is ignored and all rows come back: neither use them nor make a new one."""
    snow.create(short_description="unrelated")
    ours = client(snow)
    with pytest.raises(Refused) as caught:
        ours._ours("incident", [{"sys_id": "a" * 32, "number": "INC1"}], "u_misspelt", KEY, "find")
    assert caught.value.code == "query_ignored"
    assert ours.find_by_correlation("incident", KEY) == []


@pytest.mark.parametrize("value", ["a^active=true", "a\nb", "javascript:gs.sleep(1)", " JavaScript:x", ""])
def test_values_that_would_change_a_query_are_refused(snow: Snow, value: str) -> None:
    before = len(snow.traffic.since(0))
    with pytest.raises(Refused) as caught:
        client(snow).find_by_correlation("incident", value)
    assert caught.value.code == "unsafe_value"
    assert len(snow.traffic.since(0)) == before


def test_rows_beside_an_error_are_not_an_answer(snow: Snow) -> None:
    ours = client(snow)
    made = ours.create("incident", FIELDS, KEY, SHOWN)
    for kind in ("quota_truncated", "result_and_error", "asleep"):
        snow.fault(kind)
        with pytest.raises(Transient):
            ours.find_by_correlation("incident", KEY)
        snow.fault(kind, method="PATCH")
        with pytest.raises(Unclear):
            ours.patch("incident", made.sys_id, {"urgency": "2"})


def test_missing_rights_are_refused_in_words(snow: Snow) -> None:
    with pytest.raises(Refused) as caught:
        client(snow, BasicCredentials("powerless", "example-password")).create("incident", FIELDS, KEY, SHOWN)
    assert caught.value.code == "forbidden"
    snow.fault("business_rule_abort", method="POST", name="Freeze")
    with pytest.raises(Refused) as caught:
        client(snow).create("incident", FIELDS, KEY, SHOWN)
    assert "Freeze" in caught.value.detail


# -- signing in


def test_the_three_ways_to_sign_in(snow: Snow) -> None:
    ways: list[Credentials] = [
        BasicCredentials("seatkeeper", "example-password"),
        TokenCredentials(snow.url, "example-client", "example-secret"),
        TokenCredentials(snow.url, "example-client", "example-secret", user="seatkeeper", password="example-password"),
    ]
    for credentials in ways:
        assert client(snow, credentials).find_by_correlation("incident", KEY) == []


def test_refused_sign_ins_say_which_setting(snow: Snow) -> None:
    cases = [
        (TokenCredentials(snow.url, "example-client", "wrong"), "SERVICENOW_CLIENT_SECRET"),
        (TokenCredentials(snow.url, "userless-client", "example-secret"), "OAuth Application User"),
        (
            TokenCredentials(snow.url, "example-client", "example-secret", user="seatkeeper", password="no"),
            "SERVICENOW_PASSWORD",
        ),
    ]
    for credentials, words in cases:
        with pytest.raises(Refused) as caught:
            credentials.authorization()
        assert caught.value.fatal
        assert words in caught.value.detail
    with pytest.raises(Refused) as caught:
        client(snow, BasicCredentials("seatkeeper", "wrong")).find_by_correlation("incident", KEY)
    assert caught.value.fatal
    scoped = TokenCredentials(snow.url, "scoped-client", "example-secret")
    with pytest.raises(Refused) as caught:
        client(snow, scoped).find_by_correlation("incident", KEY)
    assert caught.value.code == "scope"


def test_a_token_is_fetched_again_before_it_ends_and_after_a_401(snow: Snow) -> None:
    now = [1000.0]
    credentials = TokenCredentials(snow.url, "example-client", "example-secret", clock=lambda: now[0])
    ours = client(snow, credentials)

    def fetched() -> int:
        return sum("oauth_token" in exchange["path"] for exchange in snow.traffic.since(0))

    ours.find_by_correlation("incident", KEY)
    ours.find_by_correlation("incident", KEY)
    assert fetched() == 1
    now[0] += 1775
    ours.find_by_correlation("incident", KEY)
    assert fetched() == 2
    snow.fault("signed_out")
    ours.find_by_correlation("incident", KEY)
    assert fetched() == 3
    snow.fault("signed_out", 2)
    with pytest.raises(Refused):
        ours.find_by_correlation("incident", KEY)


def test_trouble_at_the_token_endpoint(snow: Snow) -> None:
    credentials = TokenCredentials(snow.url, "example-client", "example-secret")
    snow.fault("throttled", path="oauth_token", retry_after=4)
    with pytest.raises(RateLimited) as limited:
        credentials.authorization()
    assert limited.value.retry_after == 4
    for kind in ("server_error", "unavailable", "hang_up", "html", "truncated"):
        snow.fault(kind, path="oauth_token")
        with pytest.raises(Transient):
            credentials.authorization()
    assert credentials.authorization().startswith("Bearer ")


# -- limits, threads and every common fault


def test_an_hourly_limit_is_told_in_seconds_and_a_full_queue_without(snow: Snow) -> None:
    ours = client(snow)
    snow.fault("rate_limited", retry_after=1800)
    with pytest.raises(RateLimited) as caught:
        ours.find_by_correlation("incident", KEY)
    assert caught.value.retry_after == 1800
    snow.fault("queue_full")
    with pytest.raises(RateLimited) as caught:
        ours.find_by_correlation("incident", KEY)
    assert caught.value.retry_after is None


def test_threads_have_sessions_of_their_own(snow: Snow) -> None:
    ours, numbers = client(snow), []

    def work(n: int) -> None:
        numbers.append(ours.create("incident", FIELDS, f"seat:{n}", SHOWN).get("correlation_id"))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert sorted(numbers) == [f"seat:{n}" for n in range(8)]


READS = ["server_error", "unavailable", "commit_then_error", "commit_then_hang_up", "hang_up", "commit_then_slow"]


@pytest.mark.parametrize("kind", [*READS, "html", "truncated", "throttled", "throttled_bare"])
def test_each_fault_on_a_read_is_safe_to_repeat(snow: Snow, kind: str) -> None:
    snow.fault(kind, method="GET", seconds=SLOW, retry_after=3)
    with pytest.raises(RateLimited if "throttled" in kind else Transient) as caught:
        impatient(snow, kind).find_by_correlation("incident", KEY)
    assert caught.value.retry_after == (3 if kind == "throttled" else None)
    assert client(snow).find_by_correlation("incident", KEY) == []


@pytest.mark.parametrize("kind", [*READS, "html", "truncated", "throttled", "throttled_bare"])
def test_each_fault_on_a_creation_ends_in_one_record(snow: Snow, kind: str) -> None:
    snow.fault(kind, method="POST", seconds=SLOW)
    with pytest.raises(RateLimited if "throttled" in kind else Unclear):
        impatient(snow, kind).create("incident", FIELDS, KEY, SHOWN)
    made = client(snow).create("incident", FIELDS, KEY, SHOWN)
    assert [row["sys_id"] for row in snow.standin.instance.rows("incident")] == [made.sys_id]


def test_an_instance_that_is_not_there_is_safe_to_repeat() -> None:
    with running() as snow:
        ours = client(snow)
        ours.find_by_correlation("incident", KEY)
        fresh = client(snow)
    with pytest.raises(Transient):
        fresh.find_by_correlation("incident", KEY)
    with pytest.raises(Transient):
        fresh.patch("incident", "a" * 32, {"urgency": "1"})
