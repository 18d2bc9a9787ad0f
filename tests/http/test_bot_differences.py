"""A difference between an invoice and what was bought, told and answered in Slack."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest

from model.contracts import Invoice
from model.people import Person as Employee
from model.people import Role, RoleGrant
from model.renewals import ReconciliationLine
from sandbox.slack_person import message_text
from tests.http.bot_desk import NOW, Desk, bot_desk
from workflows.reconciling import run
from workflows.rules import Rules


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[Desk]:
    with bot_desk(sqlite_url) as found:
        for key in (4, 5):
            found.change(Employee, key, welcomed_at=NOW)
        found.add(
            RoleGrant(person_id=5, role=Role.FINANCE, began_at=NOW - timedelta(days=30)),
            Invoice(
                vendor="Reseller", number="R-7", contract_id=1, product_id=2, issued_on=date(2026, 4, 2),
                period_from=date(2026, 4, 1), period_to=date(2027, 3, 31), quantity=14, amount=Decimal(4368),
                currency="EUR", recorded_at=NOW,
            ),
        )  # fmt: skip
        yield found


def test_finance_reads_the_list_answers_a_line_and_the_list_follows(desk: Desk) -> None:
    """Without a channel in the policy whoever has the role is told in person."""
    run.run(desk.database, Rules(desk.policy, 1), desk.now)
    desk.work()
    dara = desk.person("dara")
    card = dara.message("Billed, not bought")
    assert "€624.00" in message_text(card)
    dara.press("Answer", in_message=card)
    dara.fill_in({"as": "dispute", "words": "They count two who left"})
    answer = dara.submit()
    assert answer["ok"], answer
    desk.work()
    line = next(one for one in desk.rows(ReconciliationLine) if one.kind == "billed_not_bought")
    assert (line.state, line.answer, line.answered_by_id) == ("disputed", "They count two who left", 5)
    assert "disputed" in message_text(dara.message("Billed, not bought"))


def test_without_words_the_window_stays_with_a_sentence(desk: Desk) -> None:
    run.run(desk.database, Rules(desk.policy, 1), desk.now)
    desk.work()
    dara = desk.person("dara")
    dara.press("Answer", in_message=dara.message("Billed, not bought"))
    dara.fill_in({"as": "accept", "words": "   "})
    assert not dara.submit()["ok"]
    assert {one.state for one in desk.rows(ReconciliationLine)} == {"open"}
