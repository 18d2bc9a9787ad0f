"""The job `sync.intune`: software that Intune detected, into the register."""

from __future__ import annotations

from typing import Any

import structlog

from integrations.errors import NotFound, Refused
from integrations.graph_devices import DetectedApp, IntuneOff, IntuneReader, ManagedDevice
from jobs.worker import JobRun
from workflows.inventory import intune
from workflows.inventory.intune_devices import Managed
from workflows.rules import RulesSource

log = structlog.get_logger(__name__)


class IntuneSync:
    """Reads page by page. Told to wait, it goes on from its page when the job runs again."""

    def __init__(self, reader: IntuneReader, rules: RulesSource) -> None:
        self._reader, self._rules = reader, rules

    def read(self, payload: dict[str, Any], run: JobRun) -> None:
        """One whole reading; that a tenant has no Intune, or we no permission, is said in words and is no outage."""
        begun = self._begin(run)
        try:
            try:
                self._pages(begun, run)
            except (NotFound, Refused) as wrong:
                if begun.following is None or isinstance(wrong, IntuneOff) or getattr(wrong, "fatal", False):
                    raise
                self._give_up(run, begun, intune.FAILED, "Microsoft no longer knew the page it waited at.")
                begun = self._begin(run)
                self._pages(begun, run)
        except IntuneOff as off:
            log.warning("Intune is not read", code=off.code)
            words = f"{off.detail[:1].upper()}{off.detail[1:]}."
            with run.database.unit_of_work() as work:
                intune.give_up(work, begun.run_id, intune.STOPPED, words, run.now())
                run.finish(work)
                work.commit()
            return
        self._finish(begun, run, accept=bool(payload.get("accept")))

    def _begin(self, run: JobRun) -> intune.Begun:
        with run.database.unit_of_work() as work:
            begun = intune.begin(work, run.now())
            work.commit()
        return begun

    def _give_up(self, run: JobRun, begun: intune.Begun, outcome: str, words: str) -> None:
        with run.database.unit_of_work() as work:
            intune.give_up(work, begun.run_id, outcome, words, run.now())
            work.commit()

    def _pages(self, begun: intune.Begun, run: JobRun) -> None:
        rules = self._rules()
        with run.database.unit_of_work() as work:  # left without a commit: it only reads
            choice = intune.Choice(work, rules.policy, run.now())
        gathering = intune.Gathering(begun.run_id, rules.policy.inventory)
        for page in self._reader.app_pages(begun.following):
            run.heartbeat()
            kept, counts = choice.of(_app(one) for one in page.apps)
            by_id = {app.id: app for app in kept}
            counts["unlisted"] = 0
            if kept:
                with run.database.unit_of_work() as work:
                    gathering.meet(work, kept, run.now())
                    work.commit()
            for app_id, devices in self._reader.devices_of(list(by_id)):
                with run.database.unit_of_work() as work:
                    listed = gathering.add(work, by_id[app_id], [_managed(one) for one in devices], run.now())
                    work.commit()
                counts["unlisted"] += not listed
            with run.database.unit_of_work() as work:
                intune.turn(work, begun.run_id, counts, page.following)
                work.commit()

    def _finish(self, begun: intune.Begun, run: JobRun, *, accept: bool) -> None:
        rules = self._rules().policy.inventory
        try:
            with run.database.unit_of_work() as work:
                intune.finish(work, begun.run_id, rules, run.now(), accept=accept)
                run.finish(work)
                work.commit()
        except intune.TooMuchGone as stopped:
            self._give_up(run, begun, intune.STOPPED, str(stopped))
            raise Refused("graph", "read Intune", str(stopped), code="too_many_gone") from stopped


def _app(one: DetectedApp) -> intune.App:
    return intune.App(one.id, one.name, one.version, one.publisher, one.platform, one.devices)


def _managed(one: ManagedDevice) -> Managed:
    return Managed(one.id, one.name, one.serial, one.user_id, one.user_name, one.system, one.synced_at)
