"""Records in ServiceNow are followed whatever people, faults and clocks do there, with few requests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import update

from integrations.errors import Refused
from model.alerts import AlertState, Cause, RedAlert
from model.tickets import TicketNote, TicketPoll, TicketPurpose
from sandbox.servicenow import add_choice
from tests.http.ticket_desk import PREFIX, Desk, desk
from workflows import ticket_budget, ticket_sync


@pytest.fixture
def at_desk(sqlite_url: str) -> Iterator[Desk]:
    with desk(sqlite_url) as opened:
        yield opened


RESOLVED = {"state": "6", "close_code": "Solution provided", "close_notes": "done"}


# -- changes


def test_one_request_a_table_whatever_the_number_of_records(at_desk: Desk) -> None:
    tickets = [at_desk.record(number) for number in range(40)]
    item, item_id = at_desk.record(99, "sc_req_item", purpose=TicketPurpose.RECORD)
    for _, sys_id in tickets[:3]:
        at_desk.person(sys_id, **RESOLVED)
    at_desk.person(item_id, "sc_req_item", state="4")
    before = len(at_desk.asked())
    at_desk.poll()
    tables = [one for one in at_desk.asked(before) if one.endswith(("/incident", "/sc_req_item"))]
    assert tables == ["GET /api/now/table/incident", "GET /api/now/table/sc_req_item"]
    assert [at_desk.ticket(ticket).state for ticket, _ in tickets[:4]] == [*["complete"] * 3, "open"]
    assert at_desk.ticket(item).state == "incomplete"
    before = len(at_desk.asked())
    at_desk.forward(minutes=1)
    at_desk.poll()
    assert len(at_desk.asked(before)) == 2, "nothing changed: what the overlap brings again is not asked about"


def test_the_overlap_brings_changes_twice_and_they_count_once(at_desk: Desk) -> None:
    ticket, sys_id = at_desk.record()
    at_desk.person(sys_id, **RESOLVED)
    at_desk.poll()
    first = at_desk.tags()
    at_desk.forward(minutes=1)
    at_desk.restart()
    at_desk.poll()
    assert at_desk.tags() == first == ["closed", "conflicted"]
    assert at_desk.ticket(ticket).closed_at is not None


def test_a_change_that_is_seen_late_is_not_missed(at_desk: Desk) -> None:
    """Stamped before what was read last, committed after it."""
    early, early_id = at_desk.record(1)
    _, late_id = at_desk.record(2)
    stamp = at_desk.snow.standin.instance.now()
    at_desk.forward(seconds=90)
    at_desk.person(late_id, **RESOLVED)
    at_desk.poll()
    store, kind = at_desk.snow.standin.instance.store, "sn:incident"
    row = store.get(kind, early_id)
    assert row is not None
    store.put(kind, early_id, row | {"state": "8", "sys_updated_on": stamp, "sys_mod_count": "7"})
    at_desk.poll()
    assert at_desk.ticket(early).state == "cancelled"


def test_a_time_to_come_does_not_hide_what_follows(at_desk: Desk) -> None:
    _, first_id = at_desk.record(1)
    second, second_id = at_desk.record(2)
    store, kind = at_desk.snow.standin.instance.store, "sn:incident"
    row = store.get(kind, first_id)
    assert row is not None
    store.put(kind, first_id, row | {"sys_updated_on": "2031-01-01 00:00:00", "sys_mod_count": "9"})
    at_desk.poll()
    assert at_desk.polled().read_until <= at_desk.now()
    at_desk.forward(minutes=5)
    at_desk.person(second_id, **RESOLVED)
    at_desk.poll()
    assert at_desk.ticket(second).state == "complete"


def test_records_of_others_are_not_read_and_another_key_is_not_ours(at_desk: Desk) -> None:
    ticket, sys_id = at_desk.record()
    at_desk.snow.create(correlation_id="seatkeeper-other-record-1", correlation_display="Seatkeeper")
    twin = at_desk.snow.create(correlation_id=f"{PREFIX}record-1", correlation_display="Seatkeeper")
    at_desk.person(str(twin["sys_id"]), **RESOLVED)
    at_desk.person(sys_id, correlation_id=f"{PREFIX}record-2", **RESOLVED)
    at_desk.poll()
    assert at_desk.ticket(ticket).state == "open"
    assert at_desk.tags() == []


def test_an_instance_that_ignores_the_search_is_not_believed(at_desk: Desk) -> None:
    at_desk.record()
    at_desk.snow.create(correlation_id="", short_description="somebody else's")
    fields = at_desk.snow.standin.instance.tables["incident"].fields
    object.__setattr__(at_desk.snow.standin.instance.tables["incident"], "fields", fields - {"correlation_id"})
    with pytest.raises(Refused) as caught:
        at_desk.poll()
    assert caught.value.code == "query_ignored" and "returns_no_rows" in caught.value.detail
    assert at_desk.tags() == []


# -- our own echo


def test_what_we_wrote_ourselves_is_no_news_and_is_not_written_again(at_desk: Desk) -> None:
    ticket, _ = at_desk.record(table="sc_req_item")
    at_desk.want(ticket, wanted="complete")
    at_desk.settle(ticket)
    assert at_desk.tags() == ["closed"]
    for _ in range(3):
        at_desk.forward(minutes=1)
        at_desk.poll()
        at_desk.restart()
    at_desk.settle(ticket)
    assert at_desk.tags() == ["closed"]
    assert len([one for one in at_desk.asked() if one.startswith("PATCH")]) == 1


def test_what_happens_after_the_end_is_noted_once_on_the_closed_record(at_desk: Desk) -> None:
    """An undo was noted only while the record was open, and it closes as soon as the list is through."""
    ticket, sys_id = at_desk.record(table="sc_req_item")
    at_desk.want(ticket, wanted="complete")
    at_desk.settle(ticket)
    assert at_desk.ticket(ticket).closed_at is not None
    before = len(at_desk.asked())
    at_desk.settle(ticket)
    assert len(at_desk.asked()) == before, "nothing to say, nothing asked"
    with at_desk.database.unit_of_work() as work:
        work.session.add(TicketNote(ticket_id=ticket, effect_key="reclaim-1-0-0-0-1", words="1 seat put back."))
        work.commit()
    at_desk.settle(ticket)
    with at_desk.database.unit_of_work() as work:  # its answer was lost: the note is looked for there
        work.connection.execute(update(TicketNote).values(sent_at=None))
        work.commit()
    at_desk.settle(ticket)
    at_desk.settle(ticket)
    assert str(at_desk.snow.standin.instance.journal(sys_id)).count("1 seat put back.") == 1
    row = at_desk.snow.standin.instance.get("sc_req_item", sys_id)
    assert row is not None and row["state"] == "3" and at_desk.tags() == ["closed"]
    at_desk.delete(sys_id, "sc_req_item")
    with at_desk.database.unit_of_work() as work:
        work.session.add(TicketNote(ticket_id=ticket, effect_key="reclaim-1-late", words="Nobody reads it."))
        work.commit()
    at_desk.settle(ticket)


def test_a_change_of_a_person_under_ours_is_seen(at_desk: Desk) -> None:
    ticket, sys_id = at_desk.record()
    at_desk.person(sys_id, **RESOLVED)
    at_desk.snow.patch("incident", sys_id, work_notes="ours, written last")
    at_desk.poll()
    assert at_desk.ticket(ticket).state == "complete"


# -- notes


def test_notes_of_people_are_kept_once_and_ours_dropped(at_desk: Desk) -> None:
    ticket, sys_id = at_desk.record()
    with at_desk.database.unit_of_work() as work:
        work.session.add(TicketNote(ticket_id=ticket, effect_key="approved:7", words="Approved by Ben"))
        work.commit()
    at_desk.settle(ticket)
    at_desk.person(sys_id, comments="It comes on Friday.", work_notes="Licence key in the vault")
    at_desk.person(sys_id, comments="Somebody quotes us\n[approved:7]")
    for _ in range(2):
        at_desk.poll()
        at_desk.restart()
    said = ["Approved by Ben", "It comes on Friday.", "Licence key in the vault", "Somebody quotes us\n[approved:7]"]
    assert sorted(at_desk.notes(ticket)) == sorted(said)


def test_without_the_right_to_read_notes_changes_are_still_followed(at_desk: Desk) -> None:
    ticket, sys_id = at_desk.record()
    table = at_desk.snow.standin.instance.tables["sys_journal_field"]
    object.__setattr__(table, "reads", frozenset({"admin"}))
    at_desk.person(sys_id, comments="Done.", **RESOLVED)
    at_desk.poll()
    assert at_desk.ticket(ticket).state == "complete" and at_desk.notes(ticket) == []


# -- deleted and hidden


def test_a_deleted_record_is_believed_after_two_looks_and_told_once(at_desk: Desk) -> None:
    ticket, sys_id = at_desk.record()
    kept, _ = at_desk.record(2)
    at_desk.delete(sys_id)
    at_desk.poll()
    at_desk.forward(hours=2)
    run = at_desk.look()
    assert run.put_back_to == run.at + timedelta(minutes=1)
    assert at_desk.ticket(ticket).closed_at is None and at_desk.jobs("ticket.settle") == []
    at_desk.forward(minutes=1)
    assert at_desk.look().put_back_to is None
    assert at_desk.jobs("ticket.settle") == [{"ticket": ticket}]
    refused = at_desk.refused(ticket)
    number = at_desk.ticket(ticket).number
    assert refused.code == "deleted" and refused.detail.startswith(f"{number} is not there any more: somebody deleted")
    assert at_desk.tags() == ["deleted_there", "conflicted"]
    assert (at_desk.ticket(ticket).state, at_desk.ticket(kept).state) == ("deleted", "open")
    at_desk.settle(ticket)  # pressed again: the note goes, nothing else happens
    assert at_desk.tags() == ["deleted_there", "conflicted"]


def test_a_record_that_is_back_at_the_second_look_was_never_deleted(at_desk: Desk) -> None:
    ticket, sys_id = at_desk.record()
    at_desk.record(2)
    at_desk.forward(hours=2)
    at_desk.snow.fault("acl_hidden", path="incident", sys_ids=[sys_id])
    assert at_desk.look().put_back_to is not None
    at_desk.forward(minutes=1)
    at_desk.look()
    at_desk.forward(hours=2)
    at_desk.snow.fault("acl_hidden", path="incident", sys_ids=[sys_id])
    at_desk.look()
    assert at_desk.ticket(ticket).closed_at is None and at_desk.jobs("ticket.settle") == []


def test_a_right_that_is_lost_deletes_nothing_and_is_told(at_desk: Desk) -> None:
    tickets = [at_desk.record(number)[0] for number in range(6)]
    at_desk.forward(hours=2)
    at_desk.snow.fault("acl_hidden", None, path="incident")
    words = "none of our 6 open records in incident can be seen: the integration user may have lost the right"
    for _ in range(3):
        with pytest.raises(Refused, match=words) as caught:
            at_desk.look()
        assert caught.value.code == "records_hidden"
    assert {at_desk.ticket(ticket).state for ticket in tickets} == {"open"}


def test_silent_records_are_looked_at_a_hundred_with_one_request(at_desk: Desk) -> None:
    for number in range(120):
        at_desk.record(number)
    at_desk.forward(hours=2)
    before = len(at_desk.asked())
    at_desk.look()
    assert [one for one in at_desk.asked(before) if one.endswith("/incident")] == ["GET /api/now/table/incident"] * 2
    before = len(at_desk.asked())
    at_desk.forward(minutes=5)
    at_desk.look()
    assert at_desk.asked(before) == []


# -- reopened


def test_a_record_reopened_there_is_noticed_once_and_not_closed_again(at_desk: Desk) -> None:
    ticket, sys_id = at_desk.record(table="sc_req_item")
    at_desk.want(ticket, wanted="complete")
    at_desk.settle(ticket)
    at_desk.poll()
    at_desk.forward(minutes=10)
    at_desk.person(sys_id, "sc_req_item", state="2")
    for _ in range(2):
        at_desk.poll()
        at_desk.restart()
        at_desk.settle(ticket)
    assert at_desk.tags() == ["closed", "reopened_there"]
    assert at_desk.snow.read("sc_req_item", sys_id)["state"] == "2"
    at_desk.forward(minutes=10)
    at_desk.person(sys_id, "sc_req_item", state="3")
    at_desk.poll()
    assert at_desk.tags() == ["closed", "reopened_there", "closed"]


def test_alerts_hear_of_their_incidents(at_desk: Desk) -> None:
    ticket, sys_id = at_desk.record(purpose=TicketPurpose.ALERT, alert_id=_alert(at_desk))
    at_desk.person(sys_id, **RESOLVED)
    at_desk.poll()
    assert at_desk.alerts == [("resolved", 1)]
    at_desk.forward(minutes=3)
    at_desk.person(sys_id, state="2")
    at_desk.poll()
    assert at_desk.alerts == [("resolved", 1), ("reopened", 1)]
    assert at_desk.ticket(ticket).closed_at is None
    at_desk.delete(sys_id)
    for _ in range(ticket_sync.LOOKS):
        at_desk.forward(hours=2)
        at_desk.look()
    assert at_desk.refused(ticket).code == "deleted"
    assert at_desk.alerts[-1] == ("deleted", 1)


def _alert(at_desk: Desk) -> int:
    now = at_desk.now()
    alert = RedAlert(
        id=1, key="unauthorised:1", cause=Cause.UNAUTHORISED, state=AlertState.OPEN, first_seen_at=now, last_seen_at=now
    )
    with at_desk.database.unit_of_work() as work:
        work.session.add(alert)
        work.commit()
    return 1


# -- set-up that went wrong at run time


def test_a_wrong_close_code_is_told_with_those_the_instance_knows(at_desk: Desk) -> None:
    at_desk.servicenow["close_codes"] = {"resolved": {"state": "6", "close_code": "Solved (Permanently)"}}
    ticket, _ = at_desk.record()
    at_desk.want(ticket, wanted="complete")
    refused = at_desk.refused(ticket)
    assert refused.code == "close_code"
    assert refused.detail.startswith("it refuses the close code “Solved (Permanently)”; it knows Solution provided,")
    add_choice(at_desk.snow.standin.instance, "incident", "close_code", "Solved (Permanently)")
    at_desk.settle(ticket)
    assert at_desk.ticket(ticket).state == "complete"


def test_a_group_is_sent_by_its_id_and_a_missing_one_is_told(at_desk: Desk) -> None:
    words = "Seat without a right\nDrawing on 3 devices"
    ticket, _ = at_desk.record()
    at_desk.want(ticket, sys_id=None, number=None, correlation_id=f"{PREFIX}alert-1", opening_words=words)
    at_desk.servicenow |= {"assignment_group": "Software Desk", "category": "software", "impact": 2, "urgency": 2}
    refused = at_desk.refused(ticket)
    assert refused.code == "group_missing" and "the assignment group “Software Desk” is not there" in refused.detail
    at_desk.servicenow["assignment_group"] = "Licence Desk"
    at_desk.settle(ticket)
    (made,) = at_desk.snow.standin.instance.find("incident", correlation_id=f"{PREFIX}alert-1")
    assert made["assignment_group"] == at_desk.snow.group
    assert (made["short_description"], made["description"]) == ("Seat without a right", "Drawing on 3 devices")
    assert (made["category"], made["priority"]) == ("software", "3")


# -- the budget


def test_an_hour_keeps_its_budget_and_writing_comes_first(at_desk: Desk) -> None:
    at_desk.servicenow["requests_an_hour"] = 60
    ticket, sys_id = at_desk.record()
    at_desk.next_hour()
    before = len(at_desk.asked())
    polls = []
    for minute in range(59):
        asked = len(at_desk.asked())
        at_desk.person(sys_id, short_description=f"change {minute}")
        at_desk.poll()
        if len(at_desk.asked()) > asked:
            polls.append(minute)
        at_desk.forward(minutes=1)
    read = len(at_desk.asked(before))
    assert read <= 45 + 8, "a quarter is kept for writing, but for a reading now and then"
    assert max(later - earlier for earlier, later in pairwise(polls)) <= 16
    at_desk.want(ticket, wanted="complete")
    at_desk.settle(ticket)
    assert at_desk.ticket(ticket).state == "complete"


def test_when_nothing_is_left_work_waits_for_the_next_hour(at_desk: Desk) -> None:
    at_desk.servicenow["requests_an_hour"] = 60
    ticket, _ = at_desk.record()
    at_desk.next_hour(minute=20)
    with at_desk.database.unit_of_work() as work:
        ticket_budget.spend(work, 60, at_desk.now())
        work.commit()
    before = len(at_desk.asked())
    hour = at_desk.now().replace(minute=0, second=0, microsecond=0)
    assert at_desk.settle(ticket).put_back_to == hour + timedelta(hours=1)
    at_desk.poll()
    assert at_desk.asked(before) == []
    at_desk.next_hour(minute=1)
    assert at_desk.settle(ticket).put_back_to is None
    with at_desk.database.reading() as connection:
        assert ticket_budget.used(connection, at_desk.now()) == len(at_desk.asked(before))


def test_the_limit_an_instance_names_is_obeyed_where_it_is_lower(at_desk: Desk) -> None:
    at_desk.record()
    at_desk.next_hour(minute=20)
    at_desk.snow.standin.auth.change(rate_limit_per_hour=90)
    at_desk.poll()
    assert at_desk.sync.budget.an_hour == 90
    at_desk.snow.standin.auth.change(rate_limit_per_hour=0)
    at_desk.forward(minutes=2)
    at_desk.poll()
    assert at_desk.sync.budget.an_hour == 600


@pytest.mark.parametrize(
    ("used", "cost", "minute", "minutes"),
    [
        (0, 3, 0, 0),  # 180 of 450 that reading may use
        (269, 3, 0, 0),
        (271, 3, 0, 2),
        (420, 3, 0, 6),
        (440, 3, 30, 9),
        (449, 3, 0, 15),
        (450, 3, 59, 15),
        (2000, 3, 0, 15),
    ],
)
def test_readings_come_further_apart_as_the_budget_runs_low(used: int, cost: int, minute: int, minutes: int) -> None:
    now = datetime(2026, 11, 23, 9, minute, tzinfo=UTC)
    assert ticket_budget.pause(600, used, cost, now) == timedelta(minutes=minutes)


def test_a_hint_makes_reading_come_sooner_and_is_forgotten_with_it(at_desk: Desk) -> None:
    at_desk.servicenow["requests_an_hour"] = 100
    at_desk.record()
    at_desk.next_hour(minute=1)
    at_desk.poll()
    at_desk.forward(seconds=10)
    before = len(at_desk.asked())
    at_desk.poll()
    assert at_desk.asked(before) == [], "too soon: the hour's budget must last"
    with at_desk.database.unit_of_work() as work:
        ticket_sync.hinted(work, at_desk.now())
        work.commit()
    at_desk.forward(seconds=5)
    at_desk.poll()
    assert len(at_desk.asked(before)) == 1
    with at_desk.database.unit_of_work() as work:
        assert work.session.get_one(TicketPoll, ticket_budget.ALL).hinted_at is None
