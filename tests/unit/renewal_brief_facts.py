"""The example brief of the wording guide (§2.12) as facts: Copilot, 40 bought, 37 in use, decide by 29 Jan 2027."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from licensing.forecast import Ahead, Forecast, Month, Tried
from licensing.money import Money, Sums
from licensing.renewal.dates import DecideBy, Due, Occasion
from licensing.renewal.offer import Suggestion
from licensing.renewal.windows import Decision
from model.renewals import RenewalState
from tests.unit.view_facts import NOW, ORDINARY, Voice, who
from workflows.reads.renewal_facts import BriefFacts, DecisionFacts, LineFacts, MoneyFacts, UseFacts
from workflows.renewals import chart as charts
from workflows.renewals.outlook import Bought, Outlook

DARA, GORAN, FATIMA = who(4, "Dara Novak"), who(6, "Goran Petrović"), who(5, "Fatima Haddad")
PRICE = Money(Decimal("336.00"), "EUR")
NEXT_TERM = (date(2027, 4, 1), date(2028, 3, 31))


def euro(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


def due() -> Due:
    dates = tuple(
        DecideBy(one, date(2027, 1, 29), date(2027, 1, 29), None, "31 Jan 2027 is a Sunday", "notice of 2 months")
        for one in (Decision.CANCEL, Decision.REDUCE)
    )
    return Due(Occasion.TERM, date(2026, 4, 1), date(2027, 3, 31), dates)


def seen() -> Outlook:
    first, months = date(2025, 4, 1), []
    for number, seats in enumerate((20, 22, 24, 26, 28, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 38, 38, 37, 37, 37)):
        year, month = divmod(first.month - 1 + number, 12)
        months.append(Month(date(first.year + year, month + 1, 1), seats))
    ahead = (Ahead(date(2027, 4, 1), 33.4, 31.6, 35.2), Ahead(date(2028, 3, 1), 34.0, 32.0, 36.0))
    tried = (Tried(12, 2.2, 3.0, 6),)
    made = Forecast(tuple(months), ahead, tried, "smoothing", "", Decimal(3))
    return Outlook(NOW.date(), tuple(months), tuple(Bought(one.first, 40) for one in months), made, ahead[-1])


def facts(voice: Voice = ORDINARY, **changed: Any) -> BriefFacts:
    line = LineFacts(7, voice.product, 40, PRICE, "year")
    look = seen()
    made = BriefFacts(
        id=12,
        version=3,
        state=RenewalState.BRIEFED,
        due=due(),
        vendor="Northwind",
        contract="K-1",
        lines=(line,),
        main=line,
        product_id=7,
        owner=who(3, voice.ben),
        senders=(GORAN,),
        auto_renew=True,
        receipt_counts=True,
        next_term=NEXT_TERM,
        floor=30,
        use=UseFacts(37, (date(2026, 6, 1), 39), 4, 2, 3, 0, Sums(), "seats"),
        money=MoneyFacts(Sums.of([euro("14112.00")]), euro("12000.00"), "", "CC-1"),
        suggestion=Suggestion(37, 4, 2, Decimal(3), 30),
        suggestion_unknown="",
        outlook=look,
        chart=charts.chart(voice.product, look),
        missing="",
        missing_by="",
        words="",
        deferred_until=None,
        decision=None,
    )
    return replace(made, **changed)


def decided(verdict: str = "reduce", quantity: int | None = 34, **changed: Any) -> DecisionFacts:
    made = DecisionFacts(
        id=9,
        verdict=verdict,
        quantity=quantity,
        product="",
        words="",
        by=DARA,
        at=NOW,
        total=euro("11424.00"),
        over_budget=False,
        waits_for=(),
        because=(),
        not_before=None,
        carry_out_by=date(2027, 1, 29),
        ticket="RITM0012399",
        ticket_state="open",
        sent_by=None,
        sent_on=None,
        sent_how="",
        verified_at=None,
        verified_by="",
        campaign=None,
    )
    return replace(made, **changed)
