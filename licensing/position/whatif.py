"""What a position would be after some more seats are given, and bought: the same arithmetic on changed facts."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from licensing.position.compute import position
from licensing.position.facts import Facts, Installed, Metric, Users
from licensing.position.figure import Position
from licensing.position.worth import newest

#: What a seat given to a person changes; cores, sessions, meters and sites follow something else.
BY_SEAT = (Metric.NAMED_USER, Metric.DEVICE)


def after(facts: Facts, more: int, bought: int = 0) -> Position | None:
    """The position once `more` people who do not count yet have a seat each, and `bought` units came on top.

    Counted by device, each of them is taken to have one device. None where a seat changes nothing that is counted.
    """
    metrics = [one.metric for one in position(facts)]
    metric = next((one for one in BY_SEAT if one in metrics), None)
    if metric is None:
        return None
    changed = _given(_bought(facts, metric, bought), metric, more)
    return next((one for one in position(changed) if one.metric is metric), None)


def _bought(facts: Facts, metric: Metric, units: int) -> Facts:
    """As one more purchase like the newest in force; where only the vendor says what there is, it would say more."""
    if units <= 0:
        return facts
    like = newest(one for one in facts.purchases if one.metric is metric and one.holds(facts.at))
    if like:
        same = replace(like[0], id=0, quantity=Decimal(units), quantity_missing=False, acquired_on=None)
        return replace(facts, purchases=(*facts.purchases, same))
    if facts.vendor is not None and not facts.purchases:
        return replace(facts, vendor=replace(facts.vendor, enabled=facts.vendor.enabled + units))
    return facts


def _given(facts: Facts, metric: Metric, more: int) -> Facts:
    if more <= 0:
        return facts
    vendor = facts.vendor
    if vendor is not None and vendor.consumed and not facts.purchases and not facts.users:
        return replace(facts, vendor=replace(vendor, consumed=vendor.consumed + more))  # nobody is known by name
    by_person = metric is Metric.NAMED_USER
    group = Users(count=more, seat=by_person, devices=() if by_person else (Installed(),))
    return replace(facts, users=(*facts.users, group))
