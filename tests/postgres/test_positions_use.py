"""The one statement that counts use, held against plain loops over the same rows, on both databases.

A random small company, many times over: seats, devices, titles, versions, exclusions, suites, signals of use, what was
corrected later, and questions about other days. Whoever reads the loops below has read the rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from licensing.position.facts import Installed, Server, Users
from model.session import Database, make_engine
from tests.positions_town import IDLE, NOW, Town, settle
from workflows.positions.times import Times
from workflows.positions.use import users
from workflows.positions.use_then import Cover, Plan

# -- the rule, in loops ------------------------------------------------------------------------------------------------


def there(row: Any, times: Times) -> bool:
    if row.began_at >= times.after:
        return False
    ended_at = row.ended_at
    if not times.plain:
        if row.recorded_at > times.known_at:
            return False
        if ended_at is not None and (row.end_recorded_at or ended_at) > times.known_at:
            ended_at = None
    return ended_at is None or ended_at >= times.after


def as_known(town: Town, table: str, row: Any, times: Times) -> Any:
    """The facts of a row then: an earlier version, the row, or None when it was not known and counts by no earlier."""
    if times.plain:
        return row
    found = [
        one
        for one in town.before
        if one.table_name == table
        and one.row_id == row.id
        and one.recorded_at <= times.known_at
        and (one.superseded_at > times.known_at or (one.effective_until is not None and one.effective_until > times.at))
        and (one.effective_from is None or one.effective_from <= times.at)
    ]
    return type("Then", (), dict(found[-1].facts) | {"id": row.id}) if found else row


def on_devices(town: Town, times: Times, product_id: int, *, undecided: bool) -> dict[int, set[str]]:
    """Device -> versions of the product on it."""
    found: dict[int, set[str]] = {}
    for row in town.installations:
        title = next(one for one in town.titles if one.id == row.title_id)
        then = as_known(town, "title", title, times)
        if then is title and not times.plain and title.recorded_at > times.known_at:
            continue
        is_it = (
            then.product_id is None and then.candidate_id == product_id if undecided else then.product_id == product_id
        )
        if is_it and there(row, times):
            found.setdefault(row.device_id, set()).add(row.version)
    return found


def covered(town: Town, times: Times, product_id: int, covers: list[Cover]) -> tuple[dict[int, str], dict[int, str]]:
    """Person -> suite, device -> suite."""
    people: dict[int, str] = {}
    devices: dict[int, str] = {}
    for cover in covers:
        if cover.part[0] != product_id:
            continue
        for seat in town.seats:
            if seat.product_id == cover.suite[0] and there(seat, times):
                people[seat.person_id] = min(people.get(seat.person_id, cover.name), cover.name)
        suite_titles = {one.id for one in town.titles if one.product_id == cover.suite[0]}
        for row in town.installations:
            if row.title_id in suite_titles and there(row, times):
                devices[row.device_id] = min(devices.get(row.device_id, cover.name), cover.name)
    return people, devices


def excluded(town: Town, times: Times, product_id: int, device: Any, person_id: int | None) -> bool:
    return any(
        one.product_id == product_id
        and one.starts_on <= times.at <= one.ends_on
        and (times.plain or one.recorded_at <= times.known_at)
        and (
            (device is not None and one.device_id == device.id)
            or (person_id is not None and one.person_id == person_id)
            or (device is not None and one.site != "" and one.site == device.site)
        )
        for one in town.exclusions
    )


def idle(town: Town, times: Times, product_id: int, person_id: int | None, device_id: int | None) -> bool | None:
    days = [
        one.day
        for one in town.signals
        if one.product_id == product_id
        and one.day <= times.at
        and (times.plain or one.recorded_at <= times.known_at)
        and (
            (person_id is not None and one.person_id == person_id)
            or (device_id is not None and one.device_id == device_id)
        )
    ]
    return max(days) < times.at - timedelta(days=IDLE) if days else None


def leaver(town: Town, times: Times, person_id: int | None) -> bool:
    person = next((one for one in town.people if one.id == person_id), None)
    if person is None:
        return False
    if person.leaves_on is None:
        return times.plain and not person.active
    return person.leaves_on < times.at


def newest(versions: set[str]) -> str:
    return max(versions, key=lambda one: ([int(part) for part in one.split(".") if part], one))


def by_loops(town: Town, plan: Plan, times: Times, product_id: int, covers: list[Cover]) -> Counter[Any]:
    """Groups of alike users and how many of each."""
    suite_people, suite_devices = covered(town, times, product_id, covers)
    rows: list[tuple[Any, Any, Any, bool, bool]] = []  # device facts, versions, person, undecided, excluded
    sure = on_devices(town, times, product_id, undecided=False)
    maybe = on_devices(town, times, product_id, undecided=True) if plan.undecided else {}
    for device_id in sure.keys() | maybe.keys():
        row = next(one for one in town.devices if one.id == device_id)
        device = as_known(town, "device", row, times)
        if device.state == "retired" and not (device.retired_on is not None and device.retired_on > times.at):
            continue
        found = sure.get(device_id, set()) | maybe.get(device_id, set())
        out = plan.exclusions and excluded(town, times, product_id, device, device.person_id)
        rows.append((device, found, device.person_id, device_id not in sure, out))
    groups: Counter[Any] = Counter()
    if plan.servers:
        for device, found, person_id, is_maybe, out in rows:
            server = Server(
                1,
                device.kind == "virtual",
                device.processors,
                device.cores,
                device.state == "stale",
                is_maybe,
                suite_devices.get(device.id) or suite_people.get(person_id, ""),
                newest(found) if plan.versions else "",
            )
            groups[server, out] += 1
        return groups

    def installed(device: Any, found: set[str]) -> Installed:
        return Installed(
            newest(found) if plan.versions else "",
            plan.portable and device.kind == "portable",
            device.state == "stale",
            device.site if plan.sites else "",
        )

    if not plan.people:
        for device, found, person_id, is_maybe, out in rows:
            group = Users(
                1,
                person=False,
                devices=(installed(device, found),),
                suite=suite_devices.get(device.id) or suite_people.get(person_id, ""),
                idle=idle(town, times, product_id, person_id, device.id) if plan.signals else None,
                leaver=leaver(town, times, person_id),
                undecided=is_maybe,
            )
            groups[group, out] += 1
        return groups
    who: dict[Any, list[Any]] = {}
    for device, found, person_id, is_maybe, out in rows:
        key = ("person", person_id) if person_id is not None else ("device", device.id)
        who.setdefault((key, is_maybe, out), []).append((device, found))
    for seat in town.seats:
        if seat.product_id == product_id and there(seat, times):
            out = plan.exclusions and excluded(town, times, product_id, None, seat.person_id)
            who.setdefault((("person", seat.person_id), False, out), []).append(None)
    for (key, is_maybe, out), uses in who.items():
        ranks = [2 * m + o for (k, m, o) in who if k == key]
        if not plan.portable and (plan.exclusions or plan.undecided) and 2 * is_maybe + out != min(ranks):
            continue
        person_id = key[1] if key[0] == "person" else None
        devices = [one for one in uses if one is not None]
        on_each = [suite_devices.get(one[0].id) for one in devices]
        by_device = (
            min(str(one) for one in on_each) if on_each and None not in on_each and len(devices) == len(uses) else ""
        )
        shown = tuple(sorted((installed(*one) for one in devices), key=repr))
        if not plan.devices and shown:
            shown = (Installed(stale=all(one.stale for one in shown)),)
        group = Users(
            1,
            person=person_id is not None,
            seat=None in uses,
            devices=shown,
            suite=suite_people.get(person_id, "") or by_device if person_id is not None else by_device,
            idle=idle(town, times, product_id, person_id, None if person_id is not None else key[1])
            if plan.signals
            else None,
            leaver=leaver(town, times, person_id),
            undecided=is_maybe,
        )
        groups[group, out] += 1
    return groups


# -- held against each other -------------------------------------------------------------------------------------------

PLANS = [
    Plan(),
    Plan(people=True),
    Plan(people=True, devices=False),
    Plan(people=True, devices=False, exclusions=True, undecided=True, signals=True),
    Plan(versions=True, sites=True, undecided=True, exclusions=True, signals=True),
    Plan(people=True, signals=True, undecided=True),
    Plan(people=True, exclusions=True, undecided=True),
    Plan(people=True, versions=True, portable=True, exclusions=True, undecided=True, signals=True),
    Plan(servers=True, exclusions=True, undecided=True),
    Plan(servers=True, versions=True, exclusions=True, undecided=True),
]
QUESTIONS = [
    Times.today(NOW),
    Times(date(2026, 11, 22), NOW, NOW),
    Times(date(2026, 8, 1), NOW, NOW),
    Times(date(2026, 11, 23), NOW - timedelta(days=40), NOW),
    Times(date(2026, 6, 1), NOW - timedelta(days=150), NOW),
]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(make_engine(database_url))
    yield made
    made.dispose()


@pytest.mark.parametrize("seed", range(3))
def test_the_statement_counts_as_the_loops_do(database: Database, seed: int) -> None:
    town = settle(database, seed)
    first, second, third, _ = town.product_ids
    covers = [Cover((first, 0), (second, 0), "Suite A"), Cover((first, 0), (third, 0), "Suite B")]
    for times in QUESTIONS:
        for plan in PLANS:
            with database.reading() as connection:
                found: dict[int, Counter[Any]] = {one: Counter() for one in town.product_ids}
                for key, group, out in users(
                    connection,
                    plan,
                    town.product_ids,
                    times,
                    base_sku={},
                    covers=covers,
                    idle_after=dict.fromkeys(town.product_ids, IDLE),
                ):
                    one = type(group)(**{name: getattr(group, name) for name in group.__slots__} | {"count": 1})
                    if isinstance(one, Users):
                        ordered = tuple(sorted(one.devices, key=repr))
                        one = Users(**{name: getattr(one, name) for name in one.__slots__} | {"devices": ordered})
                    found[key[0]][one, out] += group.count
            for product_id in town.product_ids:
                assert found[product_id] == by_loops(town, plan, times, product_id, covers), (times, plan, product_id)
