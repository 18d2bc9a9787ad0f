"""Jobs after a confirmed return reached an end: what belongs to it follows, and its last days are announced."""

from __future__ import annotations

from typing import Any

from jobs.worker import Handler, JobRun
from workflows.perform_giving import unit
from workflows.reclaim import outcome, warnings
from workflows.rules import RulesSource


class ReturnWork:
    """The handlers of `return.follow` and the hourly `returns.warn`."""

    def __init__(self, rules: RulesSource) -> None:
        self._rules = rules

    def handlers(self) -> dict[str, Handler]:
        """By kind of job."""
        return {"return.follow": self.follow, "returns.warn": self.warn}

    def follow(self, payload: dict[str, Any], run: JobRun) -> None:
        """Candidate, campaign, money and record of one return."""
        rules = self._rules()
        with run.database.unit_of_work() as work:
            outcome.follow(unit(work), rules, int(payload["return"]), run.now())
            run.finish(work)
            work.commit()

    def warn(self, payload: dict[str, Any], run: JobRun) -> None:
        """Mailboxes that are soon gone for good."""
        with run.database.unit_of_work() as work:
            warnings.warn(unit(work), run.now())
            run.finish(work)
            work.commit()
