"""The jobs that read outside systems on a schedule: seat figures and Slack accounts (people: `perform_m365`)."""

from __future__ import annotations

from typing import Any

from integrations.graph import GraphClient
from integrations.slack import SlackClient
from jobs.worker import JobRun
from model.events import Happened, Tag
from model.tickets import SyncRun
from workflows import directory, match_doubts, matching, questions
from workflows.effects import enqueue


class Sync:
    """`m365.figures` and `sync.slack`; a system that is not connected has no client and no job."""

    def __init__(self, graph: GraphClient | None, slack: SlackClient | None) -> None:
        self.graph = graph
        self.slack = slack

    def figures(self, payload: dict[str, Any], run: JobRun) -> None:
        """Seat counts of all SKUs, in one request (rules §5: every five minutes and before granting)."""
        if self.graph is None:
            return
        read_at = run.now()
        skus = self.graph.subscribed_skus()
        with run.database.unit_of_work() as work:
            directory.store_figures(work, skus, read_at, run.now())
            run.finish(work)
            work.commit()

    def accounts(self, payload: dict[str, Any], run: JobRun) -> None:
        """Slack accounts by e-mail, with their time zones."""
        if self.slack is None:
            return
        accounts = [
            matching.SlackAccount(one.id, one.email or "", one.tz or "", not one.deleted)
            for one in self.slack.list_people()
            if (one.email or one.deleted) and not one.is_bot
        ]
        with run.database.unit_of_work() as work:
            linked = matching.link_slack(work, accounts, run.now())
            row = SyncRun(source="slack", began_at=run.now(), ended_at=run.now(), outcome="done")
            row.counts = {"seen": len(accounts), "linked": linked}
            work.session.add(row)
            work.session.flush()
            work.record([Happened(Tag.SYNC_COMPLETED, "slack", f"sync:{row.id}", row.counts)], run.now())
            enqueue(work, questions.show(work, match_doubts.MATTER, run.now()), run.now())
            run.finish(work)
            work.commit()
