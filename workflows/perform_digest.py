"""`digest.send`: at nine, what was held back for a person becomes one message."""

from __future__ import annotations

from typing import Any

from jobs.worker import Handler, JobRun
from workflows import digest
from workflows.links import CardDrawer
from workflows.rules import RulesSource


class DigestWork:
    """The handler of `digest.send`; `draw` says of each held message whether it is still worth saying."""

    def __init__(self, rules: RulesSource, draw: CardDrawer) -> None:
        self._rules = rules
        self._draw = draw

    def handlers(self) -> dict[str, Handler]:
        """By kind of job."""
        return {"digest.send": self.send}

    def send(self, payload: dict[str, Any], run: JobRun) -> None:
        """Make the digest, or find that there is nothing to say."""
        rules, now = self._rules(), run.now()
        with run.database.unit_of_work() as work:

            def wanted(card_id: int) -> bool:
                card = self._draw(work.connection, card_id, now)
                return card is not None and card.wanted

            digest.gather(work, rules, int(payload["person"]), wanted, now)
            run.finish(work)
            work.commit()
