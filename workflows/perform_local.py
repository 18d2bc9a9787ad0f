"""Jobs that touch nothing outside: they read rows, decide, and write rows, each in one transaction."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from jobs import outbox
from jobs.worker import Handler, JobRun
from model.reclaim import CampaignKind
from workflows import advance, deadlines_watch, outages, seat_ends, seats_free, submit, tasks_watch
from workflows.alerts import looks, observed
from workflows.alerts.causes import picture
from workflows.effects import enqueue
from workflows.inventory import stale
from workflows.perform_returns import ReturnWork
from workflows.positions import nightly
from workflows.positions.keep import refresh
from workflows.procurement import watch as procuring
from workflows.reclaim import by_hand, kept, leavers, reviews, waiting, weekly
from workflows.reclaim import deadlines as reclaim_deadlines
from workflows.reclaim.sources import looked_at
from workflows.reconciling import run as reconciling
from workflows.renewals import follow, night
from workflows.rules import Rules, RulesSource

#: Done jobs are kept this long for whoever asks what happened; their dedupe keys go with them.
KEEP_DONE = timedelta(days=14)


class LocalWork:
    """The handlers of `request.advance`, `step.watch`, `queue.match` and the daily rounds."""

    def __init__(self, rules: RulesSource) -> None:
        self._rules = rules

    def handlers(self) -> dict[str, Handler]:
        """By kind of job."""
        return {
            "request.advance": self.advance,
            "step.watch": self.watch,
            "queue.match": self.match,
            "seats.ends": self.ends,
            "tasks.look": self.tasks,
            "outages.watch": self.outages,
            "positions.count": self.positions,
            "positions.keep": self.keep,
            "alerts.look": self.alerts,
            "names.weekly": self.names,
            "renewals.begin": self.terms,
            "renewals.look": self.renewals,
            "renewal.follow": self.renewal,
            "reconciliation.look": self.reconciliation,
            "procurement.look": self.procurement,
            "work.tidy": self.tidy,
            "devices.stale": self.stale,
            "reclaim.watch": self.reclaim,
            "reclaim.look": self.campaign,
            "reclaim.weekly": self.weekly,
            **ReturnWork(self._rules).handlers(),
        }

    def advance(self, payload: dict[str, Any], run: JobRun) -> None:
        """What follows from a request's present state."""
        rules = self._rules()
        with run.database.unit_of_work() as work:
            advance.advance(work, rules, int(payload["request"]), run.now())
            run.finish(work)
            work.commit()

    def watch(self, payload: dict[str, Any], run: JobRun) -> None:
        """An open step whose next moment has come."""
        rules = self._rules()
        with run.database.unit_of_work() as work:
            deadlines_watch.watch(work, rules, int(payload["step"]), run.now())
            run.finish(work)
            work.commit()

    def match(self, payload: dict[str, Any], run: JobRun) -> None:
        """Free seats to those who wait."""
        with run.database.unit_of_work() as work:
            enqueue(work, seats_free.match_queue(work, int(payload["sku"]), run.now()), run.now())
            run.finish(work)
            work.commit()

    def ends(self, payload: dict[str, Any], run: JobRun) -> None:
        """Agreed ends: announced, and taken back on their day."""
        rules = self._rules()
        with run.database.unit_of_work() as work:
            seat_ends.announce_ends(work, rules, run.now())
            seat_ends.take_back_ended(work, rules, run.now())
            run.finish(work)
            work.commit()

    def tasks(self, payload: dict[str, Any], run: JobRun) -> None:
        """Work by hand of people who left, and what is overdue."""
        rules = self._rules()
        with run.database.unit_of_work() as work:
            tasks_watch.look(work, rules, run.now())
            run.finish(work)
            work.commit()

    def outages(self, payload: dict[str, Any], run: JobRun) -> None:
        """Systems that have not answered for hours, and those that do again."""
        rules = self._rules()
        with run.database.unit_of_work() as work:
            outages.watch(work, rules, run.now())
            run.finish(work)
            work.commit()

    def positions(self, payload: dict[str, Any], run: JobRun) -> None:
        """The night's verdicts and full count of positions; a count that disagrees with itself waits for a person."""
        kept.judge_all(run.database, self._rules().policy, run.now().date())
        night = nightly.count(run.database, run.now())
        if night.differ:
            raise nightly.PositionsDiffer(nightly.differ_in_words(night))
        with run.database.unit_of_work() as work:
            run.finish(work)
            work.commit()

    def keep(self, payload: dict[str, Any], run: JobRun) -> None:
        """What positions are brought up to date from: counted anew where a day began or much changed."""
        refresh(run.database, run.now())
        with run.database.unit_of_work() as work:
            run.finish(work)
            work.commit()

    def terms(self, payload: dict[str, Any], run: JobRun) -> None:
        """Terms that begin with the day."""
        night.begin_terms(run.database, self._rules(), run.now())
        with run.database.unit_of_work() as work:
            run.finish(work)
            work.commit()

    def renewals(self, payload: dict[str, Any], run: JobRun) -> None:
        """The night's round over contracts and subscriptions. It writes in parts, each of which can come again."""
        night.run(run.database, self._rules(), run.now())
        with run.database.unit_of_work() as work:
            run.finish(work)
            work.commit()

    def renewal(self, payload: dict[str, Any], run: JobRun) -> None:
        """What follows from where one renewal stands; seats are looked at before the transaction."""
        rules, renewal_id, now = self._rules(), int(payload["renewal"]), run.now()
        with run.database.reading() as connection:
            known = follow.seen(connection, rules.policy, renewal_id, now)
        with run.database.unit_of_work() as work:
            follow.follow(work, rules, renewal_id, known, now)
            run.finish(work)
            work.commit()

    def reconciliation(self, payload: dict[str, Any], run: JobRun) -> None:
        """This month's look at invoices, purchases, the vendor and us, and one before each renewal that comes up."""
        reconciling.run(run.database, self._rules(), run.now())
        with run.database.unit_of_work() as work:
            run.finish(work)
            work.commit()

    def procurement(self, payload: dict[str, Any], run: JobRun) -> None:
        """What procurement should know of before the cycle. Read before written."""
        procuring.look(run.database, self._rules(), run.now())
        with run.database.unit_of_work() as work:
            run.finish(work)
            work.commit()

    def alerts(self, payload: dict[str, Any], run: JobRun) -> None:
        """What deserves a red alert: of some products after an inventory, of all every hour. Read before written.

        A term that begins today is written first, whether or not the day's own job came yet: else all its seats are
        short for an hour.
        """
        rules, now = self._rules(), run.now()
        night.begin_terms(run.database, rules, now)
        wanted = payload.get("products") or None
        with run.database.reading() as connection:
            seen = picture(connection, rules.policy, wanted, now)
        with run.database.unit_of_work() as work:
            looks.apply(work, rules, seen, now)
            run.finish(work)
            work.commit()

    def names(self, payload: dict[str, Any], run: JobRun) -> None:
        """The week's card of software names nobody has decided on, where there are any."""
        with run.database.unit_of_work() as work:
            enqueue(work, observed.weekly_names(work, run.now()), run.now())
            run.finish(work)
            work.commit()

    def reclaim(self, payload: dict[str, Any], run: JobRun) -> None:
        """Campaigns whose next moment has come, seats taken by hand, leavers, reviews, requests that wait for a seat.

        One transaction each, and what takes long is read before it: presses go in between.
        """
        rules, now = self._rules(), run.now()
        with run.database.reading() as connection:
            live = reclaim_deadlines.live(connection)
        for campaign_id in live:
            self._campaign(campaign_id, rules, run)
            run.heartbeat()
        self._by_hand(rules, run)
        with run.database.unit_of_work() as work:
            leavers.look(work, rules, now)
            work.commit()
        self._reviews(rules, run)
        with run.database.reading() as connection:
            wanted = waiting.wanted(connection)
        for product_id, request_id in wanted.items():
            run.heartbeat()
            with run.database.reading() as connection:
                if waiting.under_way(connection, product_id, request_id) is None:
                    picture = looked_at(connection, rules.policy, product_id, CampaignKind.IDLE, now)
                else:
                    picture = None
            with run.database.unit_of_work() as work:
                waiting.ask_for(work, rules, product_id, request_id, now, picture)
                work.commit()

    def _by_hand(self, rules: Rules, run: JobRun) -> None:
        with run.database.unit_of_work() as work:
            by_hand.ask(work, rules, run.now())
            work.commit()
        with run.database.reading() as connection:
            waiting_ones = by_hand.open_ones(connection)
        for return_id in waiting_ones:
            run.heartbeat()
            with run.database.unit_of_work() as work:
                by_hand.look(work, rules, return_id, run.now())
                work.commit()

    def _reviews(self, rules: Rules, run: JobRun) -> None:
        with run.database.reading() as connection:
            due = reviews.due(connection, rules.policy, run.now())
        for one in due:
            run.heartbeat()
            picture = None
            if one.read_before:
                with run.database.reading() as connection:
                    picture = looked_at(connection, rules.policy, one.product_id, CampaignKind.REVIEW, run.now())
            with run.database.unit_of_work() as work:
                reviews.start(work, rules, one, picture, run.now())
                work.commit()

    def campaign(self, payload: dict[str, Any], run: JobRun) -> None:
        """One campaign, now."""
        self._campaign(int(payload["campaign"]), self._rules(), run, last=True)

    def _campaign(self, campaign_id: int, rules: Rules, run: JobRun, *, last: bool = False) -> None:
        with run.database.reading() as connection:
            seen = reclaim_deadlines.seen(connection, rules.policy, campaign_id, run.now())
        with run.database.unit_of_work() as work:
            reclaim_deadlines.look(work, rules, seen, run.now())
            if last:
                run.finish(work)
            work.commit()

    def weekly(self, payload: dict[str, Any], run: JobRun) -> None:
        """The week's summary to the channel, when it is its day or that day was missed."""
        policy, now = self._rules().policy, run.now()
        with run.database.reading() as connection:
            facts = weekly.gather(connection, policy, now) if weekly.due(connection, policy, now) else None
        if facts is None:
            return
        run.heartbeat()
        with run.database.unit_of_work() as work:
            weekly.tell(work, policy, facts, now)
            run.finish(work)
            work.commit()

    def tidy(self, payload: dict[str, Any], run: JobRun) -> None:
        """Old drafts and done jobs."""
        rules = self._rules()
        with run.database.unit_of_work() as work:
            submit.drop_old_drafts(work, rules, run.now())
            outbox.forget_done(work.connection, run.now() - KEEP_DONE)
            run.finish(work)
            work.commit()

    def stale(self, payload: dict[str, Any], run: JobRun) -> None:
        """Devices that fell silent."""
        rules = self._rules()
        with run.database.unit_of_work() as work:
            stale.mark(work, rules.policy.inventory, run.now())
            run.finish(work)
            work.commit()
