"""The arithmetic of rules §1, sentence by sentence, in cases worked out by hand.

Each row: the sentence it proves, the facts, and the figures. Money is what leaves the computation: rounded half up
once. `None` is "not known". Unless a row says otherwise, a purchase is a yearly subscription for all of 2026 at €100.00
a unit, and the day is 23 Nov 2026.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from licensing.position.compute import position
from licensing.position.facts import CoreProfile, Facts, Spared, Users
from licensing.position.figure import Position, to_json
from tests.unit.position_facts import (
    CONCURRENT,
    CONSUMPTION,
    CORE,
    DEVICE,
    DOWNGRADE,
    SECOND_USE,
    SITE,
    USER,
    alone,
    bought,
    day,
    enabled,
    facts,
    has,
    laptop,
    people,
    perpetual,
    reading,
    seats,
    server,
    session,
)


@dataclass(frozen=True)
class Case:
    """`want` holds the figures that matter to the sentence; `says` are parts of sentences among the reasons."""

    rule: str
    facts: Facts
    want: dict[str, Any]
    says: tuple[str, ...] = ()


SQL = CoreProfile(per_processor=4, per_virtual=4, pack=2)
WINDOWS = CoreProfile(per_processor=8, per_server=16, per_virtual=8, pack=2)

WHAT_COUNTS = [
    Case(
        "Per product, metric and calendar day: two metrics are two positions, the first alone looked at here",
        facts(bought(5, metric=DEVICE), bought(9), people(3)),
        {"metric": "device", "entitled": 5, "consumed": 3},
    ),
    Case(
        "A term includes its first day",
        facts(bought(4, starts_on="2026-11-23"), seats(3)),
        {"entitled": 4, "consumed": 3, "surplus": 1},
    ),
    Case(
        "A term includes its last day",
        facts(bought(4, ends_on="2026-11-23"), seats(3)),
        {"entitled": 4, "surplus": 1},
    ),
    Case(
        "A term that ended the day before gives nothing any more",
        facts(bought(4, ends_on="2026-11-22", name="PO-1"), seats(3)),
        {"entitled": 0, "consumed": 3, "shortfall": 3, "at_risk": {"EUR": "300.00"}},
        ("Nothing bought is in force: PO-1 ended on 22 Nov 2026",),
    ),
    Case(
        "A term that begins tomorrow gives nothing yet",
        facts(bought(2), bought(4, starts_on="2026-11-24"), seats(3)),
        {"entitled": 2, "shortfall": 1, "at_risk": {"EUR": "100.00"}},
    ),
    Case(
        "What is bought for later and not used yet is zero, and says when it begins",
        facts(bought(5, starts_on="2027-01-01", ends_on="2027-12-31", name="PO-2")),
        {"entitled": 0, "consumed": 0, "surplus": 0, "shortfall": 0, "at_risk": {}, "wasted": {}},
        ("Nothing bought is in force: PO-2 begins on 1 Jan 2027",),
    ),
    Case(
        "What has ended and is not used any more is zero, and wastes nothing",
        facts(bought(10, "10", cycle="month", starts_on="2025-01-01", ends_on="2025-12-31", name="PO-3")),
        {"entitled": 0, "consumed": 0, "surplus": 0, "shortfall": 0, "at_risk": {}, "wasted": {}},
        ("Nothing bought is in force: PO-3 ended on 31 Dec 2025",),
    ),
]

ENTITLED = [
    Case(
        "Entitled: registered purchases whose term holds the day add up",
        facts(bought(30), bought(10, "120"), seats(37)),
        {"entitled": 40, "consumed": 37, "surplus": 3, "shortfall": 0, "at_risk": {}},
        ("40 units bought in 2 purchases", "37 people hold a seat"),
    ),
    Case(
        "Where none is registered, the vendor's figure, marked not proven",
        facts(enabled(40), seats(37)),
        {"entitled": 40, "consumed": 37, "surplus": 3, "not_proven": 40, "wasted": None, "shelfware": 3},
        ("40 units are enabled by Microsoft 365, not proven", "without a known price, not in the sum"),
    ),
    Case(
        "A purchase without a quantity is kept and marked, not unlimited and not a guess",
        facts(bought(5), bought(0, quantity_missing=True), seats(7, idle=True)),
        {"entitled": None, "consumed": 7, "surplus": None, "shortfall": None, "at_risk": None, "wasted": {}},
        ("At least 5 units bought in 2 purchases", "1 purchase has no quantity: what is bought in all is not known"),
    ),
    Case(
        "A purchase without a quantity alone: nothing is short of what nobody knows",
        facts(bought(0, "10", cycle="month", ends_on=None, quantity_missing=True), seats(3)),
        {"entitled": None, "consumed": 3, "surplus": None, "shortfall": None, "at_risk": None, "shelfware": 0},
    ),
    Case(
        "A purchase without a quantity beside one without limit leaves nothing open",
        facts(bought(None), bought(0, quantity_missing=True), seats(7)),
        {"entitled": None, "consumed": 7, "surplus": 0, "shortfall": 0, "at_risk": {}},
    ),
    Case(
        "A purchase without a quantity that has ended leaves nothing open",
        facts(bought(5), bought(0, quantity_missing=True, ends_on="2026-11-22"), seats(7)),
        {"entitled": 5, "surplus": 0, "shortfall": 2, "at_risk": {"EUR": "200.00"}},
    ),
    Case(
        "A metered purchase without a quantity: use is known, what is short is not",
        facts(
            bought(5, metric=CONSUMPTION),
            bought(0, metric=CONSUMPTION, quantity_missing=True),
            readings=(reading("2026-02-01", "2026-02-01", "9"),),
        ),
        {"entitled": None, "consumed": 9, "surplus": None, "shortfall": None, "at_risk": None, "wasted": {}},
    ),
    Case(
        "The vendor's figure never adds to what is registered",
        facts(bought(35), enabled(40), seats(37)),
        {"entitled": 35, "shortfall": 2, "not_proven": 0, "at_risk": {"EUR": "200.00"}},
        ("Microsoft 365 has 40 enabled, 35 are registered",),
    ),
    Case(
        "Nor does it come back when the registered purchases have ended",
        facts(bought(35, ends_on="2026-10-31"), enabled(40), seats(7)),
        {"entitled": 0, "shortfall": 7, "not_proven": 0},
    ),
    Case(
        "Microsoft units in warning, suspended or locked out are not entitled",
        facts(enabled(10, warning=5, suspended=3, locked_out=2), seats(12)),
        {"entitled": 10, "shortfall": 2, "at_risk": None, "not_proven": 10},
        ("5 in warning, 3 suspended and 2 locked out at Microsoft 365 give no right", "At risk is unpriced"),
    ),
    Case(
        "Over-allocation is a shortfall and is said",
        facts(enabled(10, consumed=12), seats(12), list_price="20", list_cycle="month"),
        {"entitled": 10, "consumed": 12, "shortfall": 2, "at_risk": {"EUR": "480.00"}},  # 2 x 20 x 12
        ("Over-allocated at Microsoft 365: 12 given, 10 enabled",),
    ),
    Case(
        "Unlimited has no surplus",
        facts(bought(None, name="ELA-9"), seats(300, idle=True)),
        {"entitled": None, "consumed": 300, "surplus": 0, "shortfall": 0, "wasted": {}, "shelfware": 0},
        ("Bought without limit in ELA-9",),
    ),
    Case(
        "An unlimited purchase beside a limited one has no surplus either",
        facts(bought(None), bought(50), seats(3)),
        {"entitled": None, "surplus": 0, "shortfall": 0, "wasted": {}},
    ),
    Case(
        "Nothing bought, nothing enabled: all of it is short and unpriced",
        facts(seats(2)),
        {"metric": "named_user", "entitled": 0, "consumed": 2, "shortfall": 2, "at_risk": None},
        ("No purchase is registered",),
    ),
    Case(
        "Nothing bought and only installations: devices are counted",
        facts(people(2, has(), has())),
        {"metric": "device", "entitled": 0, "consumed": 4, "shortfall": 4},
    ),
]

NAMED_USERS = [
    Case(
        "Named user: people who hold a seat or are the person of a device that has the product",
        facts(bought(20), seats(5), people(7)),
        {"consumed": 12, "surplus": 8},
        ("12 people hold a seat or use a device that has it",),
    ),
    Case(
        "Named user: each once, whatever seats and devices they have",
        facts(bought(20), seats(3, devices=(has(), laptop())), people(2, has(), laptop(), laptop())),
        {"consumed": 5, "surplus": 15},
    ),
    Case(
        "A device without a person counts one",
        facts(bought(20), seats(3), alone(4)),
        {"consumed": 7, "surplus": 13},
        ("4 devices without a person count one each",),
    ),
    Case(
        "A person's version is the newest among their devices: no older licence will do",
        facts(bought(5, version="2016"), people(2, has("2016"), has("2019"))),
        {"consumed": 2, "shortfall": 2, "surplus": 5},
    ),
    Case(
        "A seat has no version: any version bought covers it",
        facts(bought(5, version="2016"), seats(5)),
        {"consumed": 5, "surplus": 0, "shortfall": 0},
    ),
]

DEVICES = [
    Case(
        "Device: devices, each once, whoever uses them",
        facts(bought(10, metric=DEVICE), people(3, has(), has()), alone(2)),
        {"consumed": 8, "surplus": 2},
        ("8 devices have it",),
    ),
    Case(
        "Device: a seat without an installation is no device",
        facts(bought(10, metric=DEVICE), seats(6), people(1)),
        {"consumed": 1, "surplus": 9},
    ),
    Case(
        "Device: a seat given to a device that reports nothing is one",
        facts(bought(10, metric=DEVICE), Users(2, person=False, seat=True)),
        {"consumed": 2},
    ),
    Case(
        "A stale device counts until a person retires it",
        facts(bought(10, metric=DEVICE), alone(4), alone(3, has(stale=True))),
        {"consumed": 7, "stale": 3, "surplus": 3},
        ("3 count by a device that is stale",),
    ),
    Case(
        "A person known only by a stale device counts as well",
        facts(bought(10), people(2, has(stale=True)), seats(1, devices=(has(stale=True),))),
        {"consumed": 3, "stale": 2},
    ),
    Case(
        "An exclusion leaves the count (it is out of the users), and is said",
        facts(bought(10, metric=DEVICE), alone(7), excluded={DEVICE: 2}),
        {"consumed": 7, "surplus": 3},
        ("2 left out by an exclusion in the contract",),
    ),
    Case(
        "Undecided titles show as up to + n, and are not consumed",
        facts(bought(10, metric=DEVICE), alone(9), alone(4, undecided=True), people(1, has(), has(), undecided=True)),
        {"consumed": 9, "undecided": 6, "surplus": 1},
        ("Up to + 6",),
    ),
]

DEVICES += [
    Case(
        "An undecided title of somebody who is counted anyway adds no named user",
        facts(bought(10), seats(2, devices=(has(undecided=True),)), people(3, has(), has(undecided=True))),
        {"consumed": 5, "undecided": 0},
    ),
    Case(
        "The same titles may each be a device more",
        facts(
            bought(10, metric=DEVICE), seats(2, devices=(has(undecided=True),)), people(3, has(), has(undecided=True))
        ),
        {"consumed": 3, "undecided": 5},
    ),
    Case(
        "What a suite covers adds nothing whatever is decided",
        facts(bought(10), people(3, suite="Microsoft 365 E5", undecided=True)),
        {"consumed": 0, "undecided": 0, "surplus": 10},
    ),
]

CONCURRENTS = [
    Case(
        "Concurrent: highest overlap of sessions since the true-up period began",
        facts(
            bought(2, metric=CONCURRENT),
            sessions=(
                session("2026-03-02 09:00", "2026-03-02 12:00"),
                session("2026-03-02 10:00", "2026-03-02 11:00"),
                session("2026-03-02 10:30", "2026-03-02 10:45"),
                session("2026-11-02 09:00", "2026-11-02 12:00"),
            ),
        ),
        {"consumed": 3, "shortfall": 1, "at_risk": {"EUR": "100.00"}},
        ("At most 3 at the same time since 1 Jan 2026",),
    ),
    Case(
        "Concurrent: one that ends as another begins is no overlap",
        facts(
            bought(2, metric=CONCURRENT),
            sessions=(
                session("2026-03-02 09:00", "2026-03-02 10:00"),
                session("2026-03-02 10:00", "2026-03-02 11:00"),
            ),
        ),
        {"consumed": 1, "surplus": 1, "wasted": {"EUR": "100.00"}},
    ),
    Case(
        "Concurrent: the period began on the last anniversary, what was before plays no part",
        facts(
            bought(1, metric=CONCURRENT, starts_on="2024-03-01", ends_on="2027-02-28"),
            sessions=(
                session("2026-02-28 09:00", "2026-02-28 17:00"),
                session("2026-02-28 09:00", "2026-02-28 17:00"),
                session("2026-03-01 09:00", "2026-03-01 17:00"),
            ),
        ),
        {"consumed": 1, "surplus": 0, "shortfall": 0},
        ("since 1 Mar 2026",),
    ),
    Case(
        "Concurrent: or on the day the contract states; a session that runs into the period counts in it",
        facts(
            bought(1, metric=CONCURRENT, true_up_from="2026-10-01"),
            sessions=(
                session("2026-05-05 09:00", "2026-05-05 17:00"),
                session("2026-05-05 09:00", "2026-05-05 17:00"),
                session("2026-05-05 09:00", "2026-05-05 17:00"),
                session("2026-09-30 22:00", "2026-10-01 02:00"),
                session("2026-10-01 01:00", None),
            ),
        ),
        {"consumed": 2, "shortfall": 1},
        ("since 1 Oct 2026",),
    ),
    Case(
        "Concurrent: the day counts to its end, not beyond",
        facts(
            bought(1, metric=CONCURRENT),
            sessions=(
                session("2026-11-23 23:00", None),
                session("2026-11-23 23:59", "2026-11-24 03:00"),
                session("2026-11-24 00:00", "2026-11-24 08:00"),
            ),
        ),
        {"consumed": 2},
    ),
    Case(
        "Concurrent: a session does not count on days on which an exclusion or a suite spares it",
        facts(
            bought(2, metric=CONCURRENT),
            sessions=(
                session("2026-03-02 09:00", "2026-03-02 12:00"),
                session("2026-03-02 09:00", "2026-03-02 12:00", Spared(day("2026-03-02"), day("2026-03-02"))),
                session("2026-03-02 09:00", "2026-03-02 12:00", Spared(day("2026-01-01"), None, "Suite")),
                session("2026-03-02 09:00", "2026-03-02 12:00", Spared(day("2026-03-03"), None, "Suite")),
            ),
        ),
        {"consumed": 2, "surplus": 0, "shortfall": 0},
        ("1 session left out by an exclusion in the contract", "1 session covered by Suite"),
    ),
    Case(
        "Concurrent: a session left open counts again when the exclusion has ended, and is counted out once",
        facts(
            bought(1, metric=CONCURRENT),
            sessions=(
                session(
                    "2026-03-02 09:00",
                    None,
                    Spared(day("2026-01-01"), day("2026-03-04"), "Suite"),
                    Spared(day("2026-03-02"), day("2026-03-05")),
                ),
                session("2026-03-05 09:00", "2026-03-05 23:59"),
                session("2026-03-06 09:00", "2026-03-06 10:00"),
                session("2026-03-06 00:00", "2026-03-06 08:00"),
            ),
        ),
        {"consumed": 2, "shortfall": 1},
        ("1 session left out by an exclusion in the contract",),
    ),
    Case(
        "Concurrent: where all are spared nothing is used, which is known",
        facts(
            bought(1, metric=CONCURRENT),
            sessions=(session("2026-03-02 09:00", None, Spared(day("2026-03-02"), day("2030-01-01"))),),
        ),
        {"consumed": 0, "surplus": 1, "shortfall": 0},
    ),
    Case(
        "Concurrent: without session data unknown, never installations",
        facts(bought(5, metric=CONCURRENT), people(30)),
        {"entitled": 5, "consumed": None, "surplus": None, "shortfall": None, "at_risk": None, "wasted": {}},
        ("Use is not known: no sessions were ever recorded",),
    ),
]

CORES = [
    Case(
        "Core: the larger of physical cores and the minimum, in packs",
        facts(bought(20, metric=CORE, cores=WINDOWS), server(processors=2, cores=24)),
        {"consumed": 12, "surplus": 8},  # 24 > 2 x 8 and 16; 24 / 2
    ),
    Case(
        "Core: the minimum per processor",
        facts(bought(20, metric=CORE, cores=WINDOWS), server(processors=4, cores=16)),
        {"consumed": 16, "surplus": 4},  # 4 x 8 = 32 > 16; 32 / 2
    ),
    Case(
        "Core: the minimum per server",
        facts(bought(20, metric=CORE, cores=WINDOWS), server(2, processors=1, cores=6)),
        {"consumed": 16, "surplus": 4, "at_least": False},  # 16 > 8 > 6; twice 16 / 2
    ),
    Case(
        "Core: the minimum per virtual machine; processors play no part there",
        facts(bought(20, metric=CORE, cores=SQL), server(virtual=True, cores=2), server(virtual=True, cores=6)),
        {"consumed": 5, "surplus": 15},  # 4 / 2 + 6 / 2
    ),
    Case(
        "Core: packs are rounded up per machine",
        facts(bought(20, metric=CORE, cores=SQL), server(3, processors=1, cores=5)),
        {"consumed": 9},  # 5 cores are 3 packs, three times
    ),
    Case(
        "Core: a server without facts counts its minimum and makes the figure at least",
        facts(bought(20, metric=CORE, cores=WINDOWS), server(processors=2, cores=24), server(2)),
        {"consumed": 28, "at_least": True, "shortfall": 8, "at_risk": {"EUR": "800.00"}},  # 12 + 2 x 8
        ("At least: machines without facts",),
    ),
    Case(
        "Core: without a minimum a server without facts still has a core",
        facts(bought(4, metric=CORE), server(3), server(virtual=True, cores=None)),
        {"consumed": 4, "at_least": True},
    ),
    Case(
        "Core: a machine whose processors are missing, where the minimum is per processor, is at least its cores",
        facts(bought(9, metric=CORE, cores=SQL), server(cores=12)),
        {"consumed": 6, "at_least": True},
    ),
    Case(
        "Core: the profile is that of the newest purchase in force that has one",
        facts(
            bought(4, metric=CORE, cores=CoreProfile(per_server=8), starts_on="2026-01-01"),
            bought(4, metric=CORE, cores=CoreProfile(per_server=6), starts_on="2026-02-01"),
            bought(4, metric=CORE, starts_on="2026-03-01"),
            server(processors=1, cores=2),
        ),
        {"entitled": 12, "consumed": 6, "surplus": 6},
    ),
    Case(
        "Core: a licence of an older version does not cover the newer one installed, both are shown",
        facts(
            bought(16, metric=CORE, cores=CoreProfile(per_server=16), version="2019"),
            server(processors=1, cores=8, version="2022"),
        ),
        {"entitled": 16, "consumed": 16, "surplus": 16, "shortfall": 16, "at_risk": {"EUR": "1600.00"}},
        ("16 of version 2022 short, 16 of version 2019 free",),
    ),
    Case(
        "Core: nor does a newer one cover the older without a right to downgrade",
        facts(
            bought(16, metric=CORE, cores=CoreProfile(per_server=16), version="2022"),
            server(processors=1, cores=8, version="2019"),
        ),
        {"surplus": 16, "shortfall": 16},
    ),
    Case(
        "Core: with the right it does; machines of both versions take their own first",
        facts(
            bought(8, metric=CORE, version="2022", rights=DOWNGRADE),
            bought(8, metric=CORE, version="2019"),
            server(processors=1, cores=8, version="2019"),
            server(processors=1, cores=6, version="2022"),
            server(processors=1, cores=2, version="2019"),
        ),
        {"consumed": 16, "surplus": 0, "shortfall": 0},
        ("2 units of version 2022 cover version 2019 by downgrade right",),
    ),
    Case(
        "Core: surplus of one version does not net the shortfall of another",
        facts(
            bought(32, metric=CORE, cores=CoreProfile(per_server=16), version="2019"),
            bought(16, metric=CORE, cores=CoreProfile(per_server=16), version="2022"),
            server(2, processors=1, cores=8, version="2022"),
            server(processors=1, cores=8, version="2019"),
        ),
        {"consumed": 48, "surplus": 16, "shortfall": 16},
    ),
    Case(
        "Core: a machine that reports no version may be covered by any",
        facts(bought(8, metric=CORE, version="2019"), server(processors=1, cores=8)),
        {"consumed": 8, "surplus": 0, "shortfall": 0},
        ("1 reports no version that can be read",),
    ),
    Case(
        "Core: suites cover servers too",
        facts(
            bought(4, metric=CORE, cores=SQL),
            server(2, cores=8, processors=1, suite="Core suite"),
            server(cores=8, processors=1),
        ),
        {"consumed": 4, "surplus": 0},
        ("8 covered by Core suite",),
    ),
]

CONSUMPTIONS = [
    Case(
        "Consumption: units of the period, nothing carried over",
        facts(
            bought(1000, "0.10", metric=CONSUMPTION, cycle="month", overage_price="0.15"),
            readings=(reading("2026-10-01", "2026-10-31", "200"), reading("2026-11-01", "2026-11-20", "1300")),
        ),
        {"entitled": 1000, "consumed": 1300, "shortfall": 300, "at_risk": {"EUR": "45.00"}},  # 300 x 0.15, not x 12
        ("1,300 used up since 1 Nov 2026",),
    ),
    Case(
        "Consumption: its surplus is no waste while the period runs",
        facts(
            bought(1000, "0.10", metric=CONSUMPTION, cycle="month"),
            readings=(reading("2026-11-01", "2026-11-23", "700"),),
        ),
        {"consumed": 700, "surplus": 300, "wasted": {}, "shelfware": 0},
        ("The period runs until 30 Nov 2026",),
    ),
    Case(
        "Consumption: its surplus is waste when the period is over",
        facts(
            bought(1000, "0.10", metric=CONSUMPTION, cycle="month"),
            readings=(reading("2026-11-01", "2026-11-30", "700"),),
            at="2026-11-30",
        ),
        {"consumed": 700, "surplus": 300, "wasted": {"EUR": "30.00"}, "shelfware": 300},
        ("300 units wasted, €30.00 in the period: 300 free",),
    ),
    Case(
        "Consumption: a period is counted from the purchase's start, by its cycle",
        facts(
            bought(100, "1", metric=CONSUMPTION, cycle="month", starts_on="2026-01-15"),
            readings=(reading("2026-11-14", "2026-11-14", "50"), reading("2026-11-15", "2026-11-15", "60")),
        ),
        {"consumed": 60, "surplus": 40},
        ("since 15 Nov 2026",),
    ),
    Case(
        "Consumption: paid once, the whole term is the period",
        facts(
            bought(100, "1", metric=CONSUMPTION, cycle="once", starts_on="2025-01-01"),
            readings=(reading("2025-02-01", "2025-02-28", "50"), reading("2026-11-15", "2026-11-15", "60")),
        ),
        {"consumed": 110, "shortfall": 10, "at_risk": {"EUR": "10.00"}},
    ),
    Case(
        "Consumption: a reading over the period's edge counts by its days within",
        facts(
            bought(100, "1", metric=CONSUMPTION, cycle="month"),
            readings=(reading("2026-10-22", "2026-11-10", "80"),),
        ),
        {"consumed": 40, "surplus": 60},  # 10 of 20 days
        ("1 reading over an edge of the period",),
    ),
    Case(
        "Consumption: a period without a reading is not known, never zero",
        facts(bought(100, metric=CONSUMPTION, cycle="month"), readings=(reading("2026-10-01", "2026-10-31", "80"),)),
        {"entitled": 100, "consumed": None, "surplus": None, "shortfall": None, "at_risk": None},
    ),
    Case(
        "Consumption: no meter ever read is not known",
        facts(bought(100, metric=CONSUMPTION)),
        {"consumed": None, "shortfall": None},
    ),
]

SITES = [
    Case(
        "Site: devices of the named sites are covered; unknown sites are not",
        facts(
            bought(None, "500", metric=SITE, sites=("Lyon", "Oslo")),
            alone(200, has(site="Lyon")),
            alone(30, has(site="oslo ")),
            alone(3, has(site="Bergen")),
            alone(2),
        ),
        {"entitled": None, "consumed": 235, "surplus": 0, "shortfall": 5, "at_risk": {"EUR": "2500.00"}, "wasted": {}},
        (
            "230 devices at the named sites (Lyon and Oslo)",
            "3 devices at other sites",
            "2 devices at a site nobody knows",
        ),
    ),
    Case(
        "Site: with no site named nothing is covered",
        facts(bought(1, "500", metric=SITE), alone(2, has(site="Lyon"))),
        {"shortfall": 2, "at_risk": {"EUR": "1000.00"}},
    ),
]

COVER = [
    Case(
        "Order of cover: suites before the product's own units",
        facts(bought(10), seats(8), seats(3, suite="Microsoft 365 E5"), people(1, suite="Microsoft 365 E5")),
        {"consumed": 8, "surplus": 2, "wasted": {"EUR": "200.00"}},
        ("4 covered by Microsoft 365 E5", "3 of them hold a seat beside Microsoft 365 E5", "2 held beside a suite"),
    ),
    Case(
        "Second use: a portable of the same person leaves under a right in force",
        facts(perpetual(10, rights=SECOND_USE), people(4, has(), laptop()), people(2, laptop())),
        {"consumed": 6, "surplus": 4},  # 10 devices, 4 second uses; a laptop alone is a first use
        ("4 portable devices are second use",),
    ),
    Case(
        "Second use: at most half of a person's devices, the first use needs its unit",
        facts(
            perpetual(10, rights=SECOND_USE), people(1, laptop(), laptop(), laptop()), people(1, has(), has(), laptop())
        ),
        {"consumed": 4},  # 3 devices each: one of three leaves, and the one laptop
    ),
    Case(
        "Second use: no more than units with the right are in force",
        facts(
            perpetual(3, rights=SECOND_USE),
            perpetual(9),
            perpetual(9, rights=SECOND_USE, ends_on="2026-10-31"),
            people(5, has(), laptop()),
        ),
        {"entitled": 12, "consumed": 7, "surplus": 5},  # 10 devices, 3 second uses
    ),
    Case(
        "Second use: not without the right, nor for a desktop, nor for another person",
        facts(perpetual(9), people(2, has(), laptop())),
        {"consumed": 4},
    ),
    Case(
        "Second use: two desktops, or a desktop and somebody else's laptop",
        facts(
            perpetual(9, rights=SECOND_USE), people(2, has(), has()), people(1), people(1, laptop()), alone(1, laptop())
        ),
        {"consumed": 7, "surplus": 2},
    ),
    Case(
        "Second use: the right's version must fit both devices",
        facts(perpetual(9, version="2019", rights=SECOND_USE), people(2, has("2019"), laptop("2021"))),
        {"consumed": 4, "surplus": 7, "shortfall": 2},
    ),
    Case(
        "Second use: of two portables the one leaves that nothing else covers",
        facts(
            perpetual(2, version="2019", rights=(SECOND_USE, DOWNGRADE)),
            perpetual(1, version="2021"),
            people(1, has("2019"), laptop("2021"), laptop("2016")),
        ),
        {"consumed": 2, "shortfall": 0, "surplus": 1},  # 2016 leaves; 2021 has its own
    ),
    Case(
        "Own version first, then downgrade: a newer unit covers older use only with the right",
        facts(
            perpetual(10, version="2019", rights=DOWNGRADE),
            perpetual(5, version="2016"),
            alone(6, has("2019")),
            alone(9, has("2016")),
        ),
        {"entitled": 15, "consumed": 15, "surplus": 0, "shortfall": 0},
        ("4 units of version 2019 cover version 2016 by downgrade right",),
    ),
    Case(
        "Without the downgrade right the newer units stay a surplus beside the shortfall of the older",
        facts(
            perpetual(10, version="2019"),
            perpetual(5, version="2016"),
            alone(6, has("2019")),
            alone(9, has("2016")),
        ),
        {"consumed": 15, "surplus": 4, "shortfall": 4, "at_risk": {"EUR": "1600.00"}},
        ("4 of version 2016 short, 4 of version 2019 free",),
    ),
    Case(
        "Never upward without maintenance",
        facts(perpetual(5, version="2016"), alone(2, has("2019"))),
        {"surplus": 5, "shortfall": 2},
    ),
    Case(
        "Upward while maintenance runs, its last day included",
        facts(
            perpetual(5, version="2016", maintenance_until="2026-11-23", maintenance_price="80"), alone(2, has("2019"))
        ),
        {"surplus": 3, "shortfall": 0, "wasted": {"EUR": "240.00"}},  # 3 x 80 of maintenance
        ("2 units of version 2016 cover version 2019 while maintenance runs",),
    ),
    Case(
        "Not upward the day after it ended; what is left costs nothing more",
        facts(
            perpetual(5, version="2016", maintenance_until="2026-11-22", maintenance_price="80"), alone(2, has("2019"))
        ),
        {"surplus": 5, "shortfall": 2, "wasted": {}, "shelfware": 5, "at_risk": {"EUR": "960.00"}},  # 2 x (400 + 80)
    ),
    Case(
        "The largest cover possible: a unit that could cover two kinds of use is given to the one nothing else covers",
        facts(
            perpetual(1, version="2021", rights=DOWNGRADE),
            perpetual(1, version="2019", rights=DOWNGRADE),
            alone(1, has("2019")),
            alone(1, has("2016")),
        ),
        {"surplus": 0, "shortfall": 0},  # 2021 covers one of the two downward whatever comes first
    ),
    Case(
        "The largest cover possible: the unit of any version gives way",
        facts(perpetual(1), perpetual(1, version="2016"), alone(1, has("2016")), alone(1, has("2019"))),
        {"surplus": 0, "shortfall": 0},
    ),
    Case(
        "A version is compared number by number: 11 is for 11.2, and 9 is below 11",
        facts(
            perpetual(3, version="11", rights=DOWNGRADE),
            alone(1, has("11.2.7")),
            alone(1, has("v9.4")),
            alone(1, has("12.0")),
        ),
        {"consumed": 3, "surplus": 1, "shortfall": 1},
    ),
    Case(
        "A version that cannot be read may be any that is bought, and that is said",
        facts(perpetual(3, version="2016"), alone(1, has("2016")), alone(2, has("unknown"))),
        {"surplus": 0, "shortfall": 0},
        ("2 report no version that can be read",),
    ),
    Case(
        "Where nothing bought names a version, versions play no part",
        facts(perpetual(3), alone(1, has("2016")), alone(2, has("2021"))),
        {"surplus": 0, "shortfall": 0},
    ),
    Case(
        "An unlimited purchase of one version covers its versions only",
        facts(perpetual(None, version="2016"), alone(8, has("2016")), alone(2, has("2019"))),
        {"entitled": None, "surplus": 0, "shortfall": 2, "at_risk": {"EUR": "800.00"}},
    ),
]

AT_RISK = [
    Case(
        "At risk: the contract's true-up price while the contract runs, though its purchase has ended",
        facts(
            bought(
                1,
                "10",
                cycle="month",
                true_up_price="12.50",
                starts_on="2025-01-01",
                ends_on="2025-12-31",
                contract_from="2025-01-01",
                contract_until="2027-12-31",
            ),
            seats(2),
        ),
        {"entitled": 0, "shortfall": 2, "at_risk": {"EUR": "300.00"}},  # 2 x 12.50 x 12
    ),
    Case(
        "At risk: the true-up price of a contract without an end stands",
        facts(
            bought(
                1,
                "10",
                cycle="month",
                true_up_price="12.50",
                starts_on="2025-01-01",
                ends_on="2025-12-31",
                contract_from="2025-01-01",
                contract_until=None,
            ),
            seats(2),
        ),
        {"entitled": 0, "shortfall": 2, "at_risk": {"EUR": "300.00"}},  # 2 x 12.50 x 12
    ),
    Case(
        "At risk: the true-up price of a running contract comes before a price of another purchase in force",
        facts(
            bought(
                1,
                "10",
                cycle="month",
                true_up_price="12.50",
                starts_on="2025-01-01",
                ends_on="2025-12-31",
                contract_from="2025-01-01",
                contract_until="2027-12-31",
            ),
            bought(1, "90"),
            seats(2),
        ),
        {"entitled": 1, "shortfall": 1, "at_risk": {"EUR": "150.00"}},  # 12.50 x 12
    ),
    Case(
        "At risk: the true-up price of a contract that has ended is gone",
        facts(
            bought(
                1,
                "10",
                cycle="month",
                true_up_price="12.50",
                starts_on="2025-01-01",
                ends_on="2025-12-31",
                contract_from="2025-01-01",
                contract_until="2026-06-30",
            ),
            seats(2),
        ),
        {"entitled": 0, "shortfall": 2, "at_risk": {"EUR": "240.00"}},  # 2 x 10 x 12
    ),
    Case(
        "At risk: the contract's true-up price before any other",
        facts(bought(1, "100", true_up_price="130"), bought(1, "90", acquired_on="2026-06-01"), seats(4)),
        {"shortfall": 2, "at_risk": {"EUR": "260.00"}},
    ),
    Case(
        "At risk: else the newest purchase in force, by the day it was acquired",
        facts(bought(1, "100", acquired_on="2026-05-01"), bought(1, "90", acquired_on="2025-12-01"), seats(4)),
        {"at_risk": {"EUR": "200.00"}},
    ),
    Case(
        "At risk: a newest purchase without a price is passed over, and that is said",
        facts(bought(1, "100"), bought(1, None, starts_on="2026-05-01"), seats(4)),
        {"at_risk": {"EUR": "200.00"}},
        ("1 purchase has no price: at risk counts the next one that has",),
    ),
    Case(
        "At risk: else the last ended",
        facts(
            bought(1, "70", starts_on="2024-01-01", ends_on="2024-12-31"),
            bought(1, "80", starts_on="2025-01-01", ends_on="2025-12-31"),
            bought(1, None),
            seats(4),
        ),
        {"entitled": 1, "shortfall": 3, "at_risk": {"EUR": "240.00"}},
    ),
    Case(
        "At risk: else list",
        facts(bought(1, None), seats(4), list_price="50 USD"),
        {"at_risk": {"USD": "150.00"}},
    ),
    Case(
        "At risk: else unpriced, never zero",
        facts(bought(1, None), seats(4)),
        {"shortfall": 3, "at_risk": None},
        ("At risk is unpriced: nothing says what 3 units cost",),
    ),
    Case(
        "At risk: a subscription counts 12 months",
        facts(bought(1, "10.55", cycle="month"), seats(4)),
        {"at_risk": {"EUR": "379.80"}},  # 3 x 126.60
    ),
    Case(
        "At risk: what is paid once for a term of three years counts a third",
        facts(bought(1, "900", cycle="once", starts_on="2025-01-01", ends_on="2027-12-31"), seats(3)),
        {"at_risk": {"EUR": "600.00"}},
    ),
    Case(
        "At risk: perpetual once plus a year of its maintenance",
        facts(perpetual(1, "400", maintenance_price="80"), alone(3)),
        {"at_risk": {"EUR": "960.00"}},  # 2 x 480
    ),
    Case(
        "At risk: maintenance in another currency stands beside, never added",
        facts(perpetual(1, "400", maintenance_price="90 USD"), alone(3)),
        {"at_risk": {"EUR": "800.00", "USD": "180.00"}},
    ),
    Case(
        "At risk: maintenance that runs and has no price is said",
        facts(perpetual(1, "400", maintenance_until="2027-06-30"), alone(3)),
        {"at_risk": {"EUR": "800.00"}},
        ("Not in the sum: a year of maintenance, which has no recorded price",),
    ),
    Case(
        "At risk: penalties apart",
        facts(bought(1, penalty="25 per cent of list"), seats(2)),
        {"at_risk": {"EUR": "100.00"}},
        ("not part of the sum: 25 per cent of list",),
    ),
    Case(
        "At risk: a penalty is said once for its contract, however much was bought under it",
        facts(
            bought(1, name="PO-1", contract="LF-7", penalty="25 per cent of list"),
            bought(2, name="PO-2", contract="LF-7", penalty="25 per cent of list"),
            bought(1, name="PO-3", contract="LF-8", penalty="25 per cent of list"),
            seats(5),
        ),
        {"at_risk": {"EUR": "100.00"}},
        (
            "Penalty stated in LF-7, not part of the sum: 25 per cent of list",
            "Penalty stated in LF-8, not part of the sum: 25 per cent of list",
        ),
    ),
    Case(
        "Round half up once per product and currency",
        facts(bought(0, "0.335", cycle="month"), seats(1), at="2026-11-23"),
        {"at_risk": {"EUR": "4.02"}},  # 0.335 x 12 = 4.02; rounded first it would be 4.08
    ),
    Case(
        "Round half up once: the half cent goes up",
        facts(bought(0, "33.335"), seats(3)),
        {"at_risk": {"EUR": "100.01"}},  # 100.005; rounded each it would be 100.02
    ),
]

WASTED = [
    Case(
        "Wasted a year: units surplus",
        facts(bought(10), seats(7)),
        {"wasted": {"EUR": "300.00"}, "shelfware": 3},
    ),
    Case(
        "Wasted a year: idle units and those held by leavers, each once",
        facts(bought(10), seats(5), seats(2, idle=True), seats(1, leaver=True), seats(1, idle=True, leaver=True)),
        {"surplus": 1, "wasted": {"EUR": "500.00"}, "shelfware": 5},
        ("5 units wasted, €500.00 a year: 1 free, 2 not used and 2 held by leavers",),
    ),
    Case(
        "Wasted a year: held beside a suite, each once: the unit is free already",
        facts(bought(10), seats(5), seats(3, suite="Microsoft 365 E5", idle=True)),
        {"consumed": 5, "surplus": 5, "wasted": {"EUR": "500.00"}, "shelfware": 5},
    ),
    Case(
        "Unknown wastes nothing",
        facts(bought(10), seats(9, idle=None), seats(1, idle=False)),
        {"wasted": {}, "shelfware": 0},
    ),
    Case(
        "Wasted a year: never more units than were bought",
        facts(bought(2), seats(5, idle=True)),
        {"shortfall": 3, "wasted": {"EUR": "200.00"}, "shelfware": 2},
    ),
    Case(
        "Wasted: from the purchase that ends first, then the dearest",
        facts(
            bought(2, "100", ends_on="2026-12-31"),
            bought(2, "300", ends_on="2027-06-30"),
            bought(2, "200", ends_on="2026-12-31"),
            seats(1),
        ),
        {"surplus": 5, "wasted": {"EUR": "900.00"}},  # 2 x 200 + 2 x 100 + 1 x 300
    ),
    Case(
        "Wasted: from the purchase that ends first also where seats may be of either version bought",
        facts(
            bought(5, "10", cycle="month", version="2021", ends_on="2026-12-31"),
            bought(5, "20", cycle="month", version="2019", ends_on="2027-12-31"),
            seats(7),
        ),
        {"surplus": 3, "shortfall": 0, "wasted": {"EUR": "360.00"}},  # 3 x 10 x 12
    ),
    Case(
        "Wasted: the idle hold the units that end first where they may hold either version bought",
        facts(
            bought(5, "20", cycle="month", version="2021", ends_on="2027-12-31"),
            bought(5, "10", cycle="month", version="2019", ends_on="2026-12-31"),
            seats(6),
            seats(3, idle=True),
        ),
        {"surplus": 1, "wasted": {"EUR": "480.00"}, "shelfware": 4},  # 4 x 10 x 12
    ),
    Case(
        "Wasted: purchases of two versions take turns by their ends",
        facts(
            bought(2, "10", version="2021", ends_on="2026-12-31"),
            bought(2, "50", version="2021", ends_on="2028-12-31"),
            bought(2, "20", version="2019", ends_on="2027-12-31"),
            seats(3),
        ),
        {"surplus": 3, "wasted": {"EUR": "40.00"}},  # 2 x 10 + 1 x 20
    ),
    Case(
        "Wasted: the dearest of two versions that end on one day, and own versions stay with their own",
        facts(
            bought(3, "10", metric=DEVICE, version="2021"),
            bought(3, "20", metric=DEVICE, version="2019"),
            alone(1, has("2019")),
            alone(1),
        ),
        {"surplus": 4, "wasted": {"EUR": "60.00"}},  # the one without version takes a 2021: 2 x 10 + 2 x 20
    ),
    Case(
        "Wasted: the dearest a year, whatever the cycle",
        facts(bought(1, "90"), bought(1, "10", cycle="month"), seats(1)),
        {"wasted": {"EUR": "120.00"}},
    ),
    Case(
        "Wasted: what never ends comes last",
        facts(bought(3, "50", metric=DEVICE), perpetual(3, "900", maintenance_price="90"), alone(4)),
        {"surplus": 2, "wasted": {"EUR": "100.00"}},
    ),
    Case(
        "Wasted: perpetual costs its maintenance only",
        facts(perpetual(5, "900", maintenance_price="90", maintenance_until="2027-01-31"), alone(3)),
        {"wasted": {"EUR": "180.00"}, "shelfware": 2},
    ),
    Case(
        "Wasted: perpetual without maintenance costs nothing more, and is shelfware still",
        facts(perpetual(5, "900"), alone(3)),
        {"wasted": {}, "shelfware": 2},
        ("2 units of them were paid once and have no maintenance",),
    ),
    Case(
        "Wasted: maintenance that runs without a price is not known, never zero",
        facts(perpetual(5, "900", maintenance_until="2027-01-31"), alone(3)),
        {"wasted": None, "shelfware": 2},
    ),
    Case(
        "Wasted: a unit without a price is counted, and every sum that misses it says so",
        facts(bought(2, "100"), bought(3, None, ends_on="2026-11-30"), seats(1)),
        {"surplus": 4, "wasted": {"EUR": "100.00"}, "shelfware": 4},  # three of the one that ends first, one more
        ("3 units of them without a known price, not in the sum",),
    ),
    Case(
        "Wasted: currencies stand side by side",
        facts(bought(2, "100"), bought(3, "50 USD"), seats(1)),
        {"wasted": {"EUR": "200.00", "USD": "100.00"}},
    ),
    Case(
        "Wasted: an idle person's devices each hold a unit, less second use",
        facts(
            perpetual(9, "0", maintenance_price="10", rights=SECOND_USE),
            people(2, has(), laptop(), idle=True),
            alone(7),
        ),
        {"consumed": 9, "surplus": 0, "wasted": {"EUR": "20.00"}, "shelfware": 2},
    ),
    Case(
        "Wasted: surplus of one version is wasted though another is short",
        facts(
            perpetual(4, version="2021", maintenance_price="10"),
            perpetual(1, version="2016", maintenance_price="7"),
            alone(2, has("2021")),
            alone(3, has("2016")),
        ),
        {"surplus": 2, "shortfall": 2, "wasted": {"EUR": "20.00"}},
    ),
]

TWO_TIMES = [
    Case(
        "A day before the first record is not known, never zero",
        facts(bought(10, starts_on="2020-01-01"), seats(3), at="2025-05-01", first_record_on="2026-01-03"),
        {"entitled": None, "consumed": None, "surplus": None, "shortfall": None, "at_risk": None, "wasted": {}},
        ("Not known: the first record is of 3 Jan 2026",),
    ),
    Case(
        "The first day of record is known",
        facts(bought(10), seats(3), at="2026-01-03", first_record_on="2026-01-03"),
        {"entitled": 10, "consumed": 3},
    ),
    Case(
        "Purchases lacking proof are said, with their units",
        facts(bought(10), bought(4, proof="", name="PO-7"), seats(3)),
        {"entitled": 14},
        ("1 purchase without proof, 4 units: PO-7",),
    ),
]

CASES = [
    *WHAT_COUNTS, *ENTITLED, *NAMED_USERS, *DEVICES, *CONCURRENTS, *CORES, *CONSUMPTIONS, *SITES, *COVER, *AT_RISK,
    *WASTED, *TWO_TIMES,
]  # fmt: skip


def only(given: Facts) -> Position:
    return position(given)[0]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_rules_1_by_hand(case: Case) -> None:
    found = only(case.facts)
    shape = to_json(found)
    assert {name: shape[name] for name in case.want} == case.want, "\n".join(found.reasons)
    assert len(set(found.reasons)) == len(found.reasons), "each reason is said once"
    for words in case.says:
        assert any(words in reason for reason in found.reasons), (words, found.reasons)


def test_each_case_proves_another_sentence() -> None:
    assert len({case.rule for case in CASES}) == len(CASES) > 90


def test_two_metrics_are_two_positions() -> None:
    both = position(facts(bought(5, metric=DEVICE), bought(9), people(3), seats(1)))
    assert [(str(one.metric), one.entitled, one.consumed) for one in both] == [
        ("device", Decimal(5), Decimal(3)),
        ("named_user", Decimal(9), Decimal(4)),
    ]


def test_nothing_ever_bought_and_nothing_used_is_no_position() -> None:
    assert position(facts()) == ()
    assert [str(one.metric) for one in position(facts(seats(1), default_metric=USER))] == ["named_user"]
