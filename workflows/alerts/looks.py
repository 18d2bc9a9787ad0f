"""What a look at the registry means for red alerts: opened, renewed, verified, closed (rules §3, §8).

After each inventory its products are looked at, every hour all of them; only the latter is a complete run. The reading
is done before the writing begins, so that a long count holds no lock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from licensing.alerts import Cause, Heard, Where, all_tolerated, heard
from licensing.words import and_more
from model.alerts import AlertPlace, AlertState, ExceptionGrant, InventorySource, RedAlert, SourceState
from model.people import Device, Person
from model.session import UnitOfWork
from workflows import device_doubts, questions
from workflows.alerts import asking, messages, records
from workflows.alerts.adopted import lower
from workflows.alerts.causes import picture
from workflows.alerts.device_notes import note_devices
from workflows.alerts.exceptions import as_rule, due, grants_for
from workflows.alerts.observed import show_observed
from workflows.alerts.records import NAMED_IN_NOTE
from workflows.alerts.red_alert import Verb, happened, head, move, own, reference, remember
from workflows.alerts.seen import Found, Picture, figures_of
from workflows.effects import Effect, enqueue
from workflows.rules import Rules

BY_SCAN = "clock"


def look(work: UnitOfWork, rules: Rules, product_ids: Collection[int] | None, now: datetime) -> None:
    """Read and apply in one transaction; None looks at everything, a complete run. The caller commits."""
    apply(work, rules, picture(work.connection, rules.policy, product_ids, now), now)


def apply(work: UnitOfWork, rules: Rules, seen: Picture, now: datetime) -> None:
    """Bring the alerts in line with what was read. The caller commits."""
    for name in sorted(seen.strangers):
        _new_source(work, name, now)
    lower(work, seen.lowered)
    run = _Run(work, rules, seen, now)
    for alert in run.live():
        run.known(alert)
    run.news()
    run.finish()
    if seen.complete:
        doubts = questions.show(work, device_doubts.MATTER, now)
        enqueue(work, [*due(work, rules, now), *show_observed(work, seen, now), *doubts], now)


def _new_source(work: UnitOfWork, name: str, now: datetime) -> None:
    """Whoever reports for the first time is watched only."""
    known = work.connection.execute(select(InventorySource.id).where(InventorySource.name == name)).first()
    if known is None:
        work.session.add(InventorySource(name=name, state=SourceState.OBSERVE, since=now))
        work.session.flush()


class _Run:
    """One application of a picture."""

    def __init__(self, work: UnitOfWork, rules: Rules, seen: Picture, now: datetime) -> None:
        self.work, self.rules, self.seen, self.now = work, rules, seen, now
        self.opened: list[RedAlert] = []
        self.changed: list[int] = []
        self.effects: list[Effect] = []
        self.met: set[str] = set()

    def live(self) -> Sequence[RedAlert]:
        """Alerts this look can speak of, locked in the order of their ids."""
        query = select(RedAlert).where(RedAlert.state != AlertState.CLOSED).order_by(RedAlert.id).with_for_update()
        if self.seen.product_ids is not None:
            query = query.where(RedAlert.product_id.in_(self.seen.product_ids))
        return self.work.session.execute(query.execution_options(populate_existing=True)).scalars().all()

    # -- alerts there are ----------------------------------------------------------------------------------------------

    def known(self, alert: RedAlert) -> None:
        self.met.add(alert.key)
        found = self.seen.found.get(alert.key)
        is_open = alert.state != AlertState.WATCHING
        meaning, agreed = heard(
            Cause(alert.cause),
            is_open=is_open,
            agreed=alert.agreed,
            seen=found is not None,
            complete=self.seen.complete,
        )
        alert.agreed = agreed
        if found is not None:
            self._renew(alert, found)
        if meaning is Heard.OPEN:
            self._open(alert)
        elif meaning is Heard.CLEAR:
            self._clear(alert)
        elif found is not None and is_open:
            self._still(alert, found)

    def _renew(self, alert: RedAlert, found: Found) -> None:
        """Figures and places as last seen; an event only where they changed."""
        alert.last_seen_at = self.now
        alert.rule = found.wanted.rule[:120]
        before = {name: value for name, value in (alert.figures or {}).items() if name != "own"}
        after = figures_of(found)
        came, went = sync_places(self.work, alert, found, self.now)
        if before == after and not came and not went:
            self._note_devices(alert, [], [])
            return
        alert.figures = after | ({"own": kept} if (kept := own(alert)) else {})
        if alert.state == AlertState.WATCHING:
            return
        move(self.work, alert, Verb.SEE, BY_SCAN, self.now, facts={"came": len(came), "went": len(went)})
        self.changed.append(alert.id)
        self._note_devices(alert, came, went)

    def _note_devices(self, alert: RedAlert, came: Sequence[str], went: Sequence[str]) -> None:
        if alert.state != AlertState.WATCHING:
            self.effects += note_devices(self.work, alert, came, went, self.now)

    def _open(self, alert: RedAlert) -> None:
        grant = self._grant(alert)
        if grant is not None:
            alert.exception_id = grant.id
            move(self.work, alert, Verb.EXCEPT, BY_SCAN, self.now, facts={"exception": grant.id})
            return
        move(self.work, alert, Verb.AGREE, BY_SCAN, self.now, facts=_plain(alert.figures))
        self.opened.append(alert)

    def _clear(self, alert: RedAlert) -> None:
        if alert.state == AlertState.WATCHING:
            move(self.work, alert, Verb.FADE, BY_SCAN, self.now)
            return
        alert.closing_words = "gone at the scan"
        gone_from(self.work, alert, self.now)
        move(self.work, alert, Verb.SCAN_GONE, BY_SCAN, self.now)
        self.changed.append(alert.id)
        words = f"A scan shows it gone ({reference(alert.id)}). Closed by Seatkeeper."
        self.effects += records.resolve(self.work, alert, words)

    def _still(self, alert: RedAlert, found: Found) -> None:
        """What a sighting means where somebody said it is settled, or tolerated it."""
        if alert.state == AlertState.AWAITING_SCAN:
            self._verify(alert, found)
        elif alert.state == AlertState.EXCEPTED and self._grant(alert) is None:
            grant = self.work.session.get(ExceptionGrant, alert.exception_id) if alert.exception_id else None
            over = grant is None or grant.ended_at is not None or grant.ends_on < self.now.date()
            if grant is not None and over and grant.ended_at is None:
                grant.ended_at = self.now
            alert.exception_id = None
            move(self.work, alert, Verb.END_EXCEPTION if over else Verb.OUTGROW, BY_SCAN, self.now)
            self.changed.append(alert.id)
            self._heard_of(alert)

    def _verify(self, alert: RedAlert, found: Found) -> None:
        """Still there once every device that reports has reported in full since; the silent ones are listed."""
        since = records.resolved_at(alert) or alert.last_seen_at
        still = [place for place in found.places if place.reported_at is not None and place.reported_at > since]
        silent = [place for place in found.places if place not in still and place.silent]
        pending = len(found.places) - len(still) - len(silent)
        if not found.places:
            still_there, pending = self.seen.complete and self.now > since, 0
        else:
            still_there = bool(still) and not pending
        waits = {"pending": pending, "silent": [place.device for place in silent][:NAMED_IN_NOTE]}
        if not still_there:
            if own(alert).get("waits") != waits:
                remember(alert, waits=waits)
                alert.version += 1
                self.changed.append(alert.id)
            return
        remember(alert, still={"devices": len(still), "at": self.now.isoformat()}, waits=waits, resolved_at=None)
        move(self.work, alert, Verb.STILL_THERE, BY_SCAN, self.now, facts={"devices": len(still)})
        self.changed.append(alert.id)
        names = and_more([place.device for place in still], NAMED_IN_NOTE) or "the count"
        quiet = f" Not heard of since: {and_more(waits['silent'], NAMED_IN_NOTE)}." if silent else ""  # type: ignore[arg-type]  # names
        words = f"A scan of {self.now:%d %b %Y} still shows it on {names}.{quiet}"
        self.effects += records.reopen(self.work, alert, words)

    # -- alerts there were not -----------------------------------------------------------------------------------------

    def news(self) -> None:
        for key, found in self.seen.found.items():
            if key in self.met:
                continue
            meaning, agreed = heard(found.wanted.cause, is_open=False, agreed=0, seen=True, complete=self.seen.complete)
            if meaning is Heard.OPEN or agreed:
                self._new(key, found, meaning is Heard.OPEN, agreed)

    def _new(self, key: str, found: Found, opens: bool, agreed: int) -> None:
        last = self.work.connection.execute(
            select(RedAlert.id)
            .where(RedAlert.key == key, RedAlert.state == AlertState.CLOSED, RedAlert.opened_at.is_not(None))
            .order_by(RedAlert.id.desc())
            .limit(1)
        ).scalar()
        alert = RedAlert(
            key=key,
            cause=found.wanted.cause.value,
            product_id=found.wanted.product_id,
            sku_id=found.wanted.sku_id,
            metric=found.wanted.metric,
            state=AlertState.OPEN if opens else AlertState.WATCHING,
            rule=found.wanted.rule[:120],
            figures=figures_of(found),
            agreed=agreed,
            first_seen_at=self.now,
            last_seen_at=self.now,
            opened_at=self.now if opens else None,
            follows_id=last,
        )
        self.work.session.add(alert)
        self.work.session.flush()  # places name it
        sync_places(self.work, alert, found, self.now)
        verb = Verb.SEE if not opens else Verb.AGREE if last is None else Verb.REOPEN
        facts = {"cause": alert.cause, "product": alert.product_id, "follows": last} | _plain(alert.figures)
        self.work.record([happened(alert, verb, BY_SCAN, facts)], self.now)
        if not opens:
            return
        grant = self._grant(alert)
        if grant is None:
            self.opened.append(alert)
            return
        alert.exception_id = grant.id
        move(self.work, alert, Verb.EXCEPT, BY_SCAN, self.now, facts={"exception": grant.id})

    def _heard_of(self, alert: RedAlert) -> None:
        """An alert that opens again: nobody may have heard of it while it was tolerated."""
        if not messages.spoken_of(self.work, alert.id):
            self.opened.append(alert)
            return
        words = f"{reference(alert.id)} is open again: no exception holds."
        self.effects += records.open_again(self.work, self.rules, alert, words, self.now)

    def _grant(self, alert: RedAlert) -> ExceptionGrant | None:
        """The exception in force that tolerates every place of the alert; several together count as the newest."""
        grants = grants_for(self.work, alert, self.now.date())
        if not grants:
            return None
        places = where(self.work, alert.id)
        return grants[-1] if all_tolerated(places, [as_rule(one) for one in grants], self.now.date()) else None

    def finish(self) -> None:
        """Cards, records and questions of what opened, and every message that changed."""
        self.work.session.flush()
        self.effects += messages.show_new(self.work, self.rules, self.opened, self.now)
        for alert in sorted(self.opened, key=lambda one: head(one) != one.id):  # others join the record of their lead
            self.effects += records.open_for(self.work, self.rules, alert, self.now)
        asked, questions = asking.by_itself(self.work, self.rules, self.seen.product_ids, self.now)
        self.effects += questions
        touched = [*self.changed, *(alert.id for alert in self.opened), *asked]
        self.effects += messages.changed(self.work, touched, self.now)
        enqueue(self.work, dict.fromkeys(self.effects), self.now)


def _plain(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in figures.items() if name not in ("own", "name")}


def sync_places(work: UnitOfWork, alert: RedAlert, found: Found, now: datetime) -> tuple[list[str], list[str]]:
    """Rows for devices that came, an end for those that went; the names of both. A new owner was never asked."""
    rows = work.session.execute(select(AlertPlace).where(AlertPlace.alert_id == alert.id)).scalars()
    known = {row.device_id: row for row in rows}
    came = []
    for place in found.places:
        row = known.get(place.device_id)
        if row is None:
            work.session.add(
                AlertPlace(alert_id=alert.id, device_id=place.device_id, person_id=place.person_id, first_seen_at=now)
            )
            came.append(place.device)
            continue
        if row.gone_at is not None:
            row.gone_at = None
            came.append(place.device)
        if row.person_id != place.person_id:
            row.person_id, row.asked_at, row.answer, row.answered_at = place.person_id, None, "", None
    here = {place.device_id for place in found.places}
    left = [row for row in known.values() if row.device_id not in here and row.gone_at is None]
    for row in left:
        row.gone_at = now
    work.session.flush()
    ids = [row.device_id for row in left]
    names = work.connection.execute(select(Device.name).where(Device.id.in_(ids)).order_by(Device.name)).scalars()
    return came, list(names)


def gone_from(work: UnitOfWork, alert: RedAlert, now: datetime) -> None:
    """No place is left."""
    rows = work.session.execute(
        select(AlertPlace).where(AlertPlace.alert_id == alert.id, AlertPlace.gone_at.is_(None))
    ).scalars()
    for row in rows:
        row.gone_at = now
    work.session.flush()


def where(work: UnitOfWork, alert_id: int) -> list[Where]:
    """The places of an alert as exceptions ask for them."""
    rows = work.connection.execute(
        select(AlertPlace.device_id, func.coalesce(Person.department, "").label("department"))
        .outerjoin(Device, Device.id == AlertPlace.device_id)
        .outerjoin(Person, Person.id == Device.person_id)
        .where(AlertPlace.alert_id == alert_id, AlertPlace.gone_at.is_(None))
    )
    return [Where(row.device_id, row.department) for row in rows]
