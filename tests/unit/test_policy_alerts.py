"""The part `alerts:` of the policy says on its own line what is wrong with it."""

from __future__ import annotations

import pytest

from licensing.alerts import Cause
from workflows.policy_file import PolicyProblems, load


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("alerts:\n  causes: [shortfal]\n", "line 2: *causes* must be one of"),
        (
            "alerts:\n  ask_people: {unauthorised: maybe}\n",
            "*unauthorised* must be one of by_itself or by_hand, it says maybe",
        ),
        ("alerts:\n  ask_people: {people_at_most: 0}\n", "line 2: *people_at_most* must be 1 to 1,000, it says 0"),
        ("alerts:\n  answer_days: 0\n", "line 2: *answer_days* must be 1 to 30, it says 0"),
        ("alerts:\n  rule: 2\n", "line 2: rule 2 is used twice"),
        ("alerts:\n  channel_: it_alerts\n", "line 2: *channel_* is not a setting here; did you mean *channel*?"),
        ("alerts:\n  quiet_hours: {zone: Mars/Base}\n", "line 2: *zone* must be a time zone such as Europe/Paris"),
        (
            'alerts:\n  quiet_hours:\n    starts: "07:00"\n    ends: "07:00"\n',
            "line 4: *ends* must be another time than *starts*",
        ),
        (
            "alerts:\n  tickets:\n    shortfall:\n      close_code: null\n",
            "line 4: *close_code* is missing: an incident is resolved with one",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, said: str) -> None:
    with pytest.raises(PolicyProblems) as wrong:
        load(text)
    assert said in "\n".join(wrong.value.lines())


def test_what_is_left_out_follows_the_defaults() -> None:
    policy = load("alerts:\n  causes: [unauthorised]\n  tickets:\n    unauthorised: {urgency: 1, close_code: Solved}\n")
    assert policy.alerts.limits().causes == {Cause.UNAUTHORISED}
    ticket = policy.alerts.tickets.of("unauthorised")
    assert (ticket.urgency, ticket.close_code, ticket.table) == (1, "Solved", "incident")
    assert policy.alerts.quiet() is None
    assert not policy.alerts.tickets.of("near_limit").open
    assert [cause for cause in Cause if policy.alerts.ask_people.of(cause) == "by_itself"] == [Cause.UNAUTHORISED]
