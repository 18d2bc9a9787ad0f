"""Figures that decisions and proofs rest on: the vendor's own, what is used, and what a budget still holds (§9)."""

from __future__ import annotations

from sqlalchemy import update

from model.contracts import Entitlement
from model.licences import Sku
from model.renewals import RenewalDecision
from tests.unit.renewal_desk import Office, office
from workflows.renewals import decide as decisions
from workflows.renewals.decide import Asked, Verdict

REDUCE = Asked(Verdict.REDUCE, 34)


def decide(company: Office, asked: Asked, day: str = "2026-12-02", renewal: int = 1) -> None:
    with company.work() as work:
        decisions.decide(work, company.rules, renewal, None, company.person("dara"), asked, company.at(day))


def enabled(company: Office, units: int | None, day: str) -> str:
    """What Microsoft shows at a sync, and how the renewal stands after the night."""
    with company.work() as work:
        work.connection.execute(update(Entitlement).values(sku_id=1))
        work.connection.execute(update(Sku).values(enabled=units, figures_at=company.at(day, 3)))
    company.night(day)
    return company.states()[0]


# -- the vendor's figure as proof --------------------------------------------------------------------------------------


def test_a_figure_that_was_lower_all_along_proves_no_reduction(sqlite_url: str) -> None:
    """Registered 40, enabled 30 already: "reduce to 34" was done at the next sync, and nobody had sent anything."""
    with office(sqlite_url) as company:
        company.take("products", "name,publisher,enabled,figures_at\nCopilot,Microsoft,30,2026-12-01 01:00")
        assert enabled(company, 30, "2026-12-01") == "briefed"
        decide(company, REDUCE)
        assert company.rows(RenewalDecision, "vendor_units") == [(30,)]
        assert enabled(company, 30, "2026-12-03") == "proof_awaited"
        assert enabled(company, 32, "2026-12-04") == "proof_awaited"
        assert enabled(company, 28, "2026-12-05") == "done"


def test_a_figure_nobody_knew_before_shows_no_change(sqlite_url: str) -> None:
    with office(sqlite_url) as company:
        company.take("products", "name,publisher,enabled,figures_at\nCopilot,Microsoft,,")
        assert enabled(company, None, "2026-12-01") == "briefed"
        decide(company, REDUCE)
        assert enabled(company, 34, "2026-12-03") == "proof_awaited"
        assert enabled(company, 33, "2026-12-04") == "proof_awaited"
