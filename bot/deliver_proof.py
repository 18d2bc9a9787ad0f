"""Fetches a file that somebody attached as proof, from Slack, and has it kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from integrations.errors import NotFound, Refused
from integrations.slack import SlackClient
from model.session import Database
from workflows.renewals import proof_files
from workflows.rules import Rules


class KeepProofs:
    """The handler of `proof.keep`. What Slack will never give is said to whoever attached it; else tried again."""

    def __init__(self, database: Database, slack: SlackClient, rules: Callable[[], Rules]) -> None:
        self._database = database
        self._slack = slack
        self._rules = rules

    def handlers(self) -> dict[str, Callable[[dict[str, Any], Any], None]]:
        """By kind of job."""
        return {"proof.keep": self.keep}

    def keep(self, payload: dict[str, Any], run: Any) -> None:
        """Fetch, then store and prove in one transaction with the end of the job."""
        file_id, now = int(payload["file"]), run.now()
        with self._database.reading() as connection:
            slack_file_id = proof_files.awaited(connection, file_id)
        if slack_file_id is None:
            return
        content, why = b"", ""
        try:
            content = self._slack.read_file(slack_file_id, proof_files.LARGEST)
        except NotFound:
            why = "it is not in Slack any more"
        except Refused as refused:
            if refused.fatal:
                raise
            why = str(refused.detail)
        with self._database.unit_of_work() as work:
            if why:
                proof_files.refuse(work, file_id, why, now)
            else:
                proof_files.keep(work, self._rules(), file_id, content, now)
            run.finish(work)
            work.commit()
