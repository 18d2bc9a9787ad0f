"""The register is filled from files and asked for its position: hand-worked cases from CSV to the cent (rules §1).

Each case is what somebody would type into the templates of `seatkeeper import`, a question, and figures worked out by
hand. They stand beside the cases of the arithmetic alone and prove the way there: reading, storing with both times,
the set-based count, the export. Unless a case says otherwise, the day is 23 Nov 2026 as known then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from licensing.position.changes import Explanation, lines
from licensing.position.figure import to_json
from model.contracts import Contract
from model.people import Person
from model.renewals import Renewal, RenewalDecision, RenewalState
from tests.unit.import_desk import Desk, desk
from workflows.positions import why
from workflows.positions.compute import positions
from workflows.positions.named import find
from workflows.positions.times import Times

PEOPLE = """
    email,name,starts_on,leaves_on
    ana@example.test,Ana Lindqvist,2024-01-01,
    ben@example.test,Ben Okafor,2024-01-01,
    kai@example.test,Kai Moreno,2024-01-01,2026-06-30
    li@example.test,Li Wei,2026-09-01,
"""
DEVICES = """
    name,kind,person,site,processors,cores
    ana-laptop,portable,ana@example.test,Lyon,,
    ana-desk,desktop,ana@example.test,Lyon,,
    ben-laptop,portable,ben@example.test,London,,
    kiosk,desktop,,Berlin,,
    sql1,server,,Lyon,2,12
    sql2,server,,Lyon,2,
    vm1,virtual,,,,4
"""


def by_user(text: str) -> str:
    """Purchases as subscriptions by named user, where a case is about something else."""
    head, *rows = [line.strip() for line in text.strip().splitlines()]
    return "\n".join([f"{head},metric,kind", *(f"{row},named_user,subscription" for row in rows)])


SESSIONS = "person,product,began_at,ended_at,reference\n"


def sessions(times: str, count: int) -> str:
    """Lines of a file: so many of MATLAB at once."""
    return "".join(f"ana@example.test,MATLAB,{times},{times[:16]} {number}\n" for number in range(count))


MATLAB = """
    reference,product,metric,kind,quantity,unit_price,currency,starts_on
    PO-1,MATLAB,concurrent,concurrent,2,900.00,EUR,2026-01-01"""
#: Five at once, one of them on a device alone.
TOGETHER = """
    product,person,device,began_at,ended_at
    MATLAB,ana@example.test,,2026-05-04 09:00,2026-05-04 17:00
    MATLAB,ben@example.test,,2026-05-04 09:00,2026-05-04 17:00
    MATLAB,li@example.test,,2026-05-04 09:00,2026-05-04 17:00
    MATLAB,,kiosk,2026-05-04 09:00,2026-05-04 17:00
    MATLAB,li@example.test,ben-laptop,2026-05-04 09:00,2026-05-04 17:00"""
TITLE_DECIDED_LATER = {
    "entitlements": """
        product,metric,kind,quantity,unit_price,currency,starts_on,recorded_at
        Miro,device,perpetual,5,10.00,EUR,2026-01-01,2026-01-05""",
    "installations": """
        device,title,may_be,product,began_on,recorded_at
        kiosk,Board App,Miro,,2026-02-01,2026-02-05
        kiosk,Board App,,Miro,2026-02-01,2026-06-01""",
}


#: One year from 1 Jan 2025, and so on; nobody imported the term of 2026.
GOES_ON = """
    number,vendor,starts_on,ends_on,auto_renew,term_months
    K-1,Miro,2025-01-01,2025-12-31,yes,"""
UNDER_IT = by_user("""
    reference,product,quantity,unit_price,currency,starts_on,ends_on,contract
    PO-1,Miro,3,100.00,EUR,2025-01-01,,K-1""")
TWO_SEATS = """
    product,person,began_on
    Miro,ana@example.test,2025-02-01
    Miro,ben@example.test,2025-02-01"""


@dataclass(frozen=True)
class Case:
    """`files` by kind, in the order in which they are imported."""

    rule: str
    files: dict[str, str]
    product: str
    want: dict[str, Any]
    at: str = "2026-11-23"
    known: str = ""
    says: tuple[str, ...] = field(default=())


CASES = [
    Case(
        "Named user: people who hold a seat or are the person of a device that has the product, each once",
        {
            "entitlements": """
                reference,product,metric,kind,quantity,unit_price,currency,billing_cycle,starts_on,ends_on
                PO-1,Miro,named_user,subscription,3,28.00,EUR,month,2026-01-01,2026-12-31""",
            "seats": """
                product,person,began_on
                Miro,ana@example.test,2026-02-01
                Miro,ben@example.test,2026-02-01""",
            "installations": """
                device,product,began_on
                ana-laptop,Miro,2026-02-01
                ana-desk,Miro,2026-02-01
                kiosk,Miro,2026-02-01""",
        },
        "Miro",
        {"metric": "named_user", "entitled": 3, "consumed": 3, "surplus": 0, "shortfall": 0, "at_risk": {}},
    ),
    Case(
        "A seat counts up to, not on, the day it ended; the waste of a free unit is twelve months",
        {
            "entitlements": by_user("""
                reference,product,quantity,unit_price,currency,billing_cycle,starts_on
                PO-1,Miro,2,28.00,EUR,month,2026-01-01"""),
            "seats": """
                product,person,began_on,ended_on
                Miro,ana@example.test,2026-02-01,2026-11-23
                Miro,ben@example.test,2026-02-01,2026-11-24""",
        },
        "Miro",
        {"consumed": 1, "surplus": 1, "wasted": {"EUR": "336.00"}, "shelfware": 1},
    ),
    Case(
        "Held by a leaver: wasted though taken",
        {
            "entitlements": by_user("""
                reference,product,quantity,unit_price,currency,billing_cycle,starts_on
                PO-1,Figma,2,180.00,USD,year,2026-01-01"""),
            "seats": """
                product,person,began_on
                Figma,ana@example.test,2026-02-01
                Figma,kai@example.test,2026-02-01""",
        },
        "Figma",
        {"consumed": 2, "surplus": 0, "wasted": {"USD": "180.00"}, "shelfware": 1},
        says=("1 unit wasted, US$180.00 a year: 1 held by leavers",),
    ),
    Case(
        "Idle wastes, not known does not",
        {
            "entitlements": by_user("""
                reference,product,quantity,unit_price,currency,billing_cycle,starts_on
                PO-1,Figma,2,180.00,USD,year,2026-01-01"""),
            "seats": """
                product,person,began_on,last_used_on
                Figma,ana@example.test,2026-02-01,2026-05-01
                Figma,ben@example.test,2026-02-01,""",
        },
        "Figma",
        {"consumed": 2, "wasted": {"USD": "180.00"}},
    ),
    Case(
        "At risk: the contract's true-up price before the purchase's own",
        {
            "contracts": """
                number,vendor,starts_on,ends_on,true_up_price,currency,penalty
                C-7,Adobe,2026-01-01,2026-12-31,150.00,EUR,twice the list price""",
            "entitlements": by_user("""
                reference,product,quantity,unit_price,currency,billing_cycle,starts_on,contract
                PO-1,Acrobat Pro,1,120.00,EUR,year,2026-01-01,C-7"""),
            "seats": """
                product,person,began_on
                Acrobat Pro,ana@example.test,2026-02-01
                Acrobat Pro,ben@example.test,2026-02-01
                Acrobat Pro,li@example.test,2026-09-01""",
        },
        "Acrobat Pro",
        {"entitled": 1, "consumed": 3, "shortfall": 2, "at_risk": {"EUR": "300.00"}},
        says=("not part of the sum: twice the list price",),
    ),
    Case(
        "At risk: the contract's true-up price while it runs, though the purchase under it has ended",
        {
            "contracts": """
                number,vendor,starts_on,ends_on,true_up_price,currency
                C-8,Adobe,2025-01-01,2027-12-31,12.50,EUR""",
            "entitlements": by_user("""
                reference,product,quantity,unit_price,currency,billing_cycle,starts_on,ends_on,contract
                PO-1,Acrobat Pro,1,10.00,EUR,month,2025-01-01,2025-12-31,C-8"""),
            "seats": """
                product,person,began_on
                Acrobat Pro,ana@example.test,2026-02-01
                Acrobat Pro,ben@example.test,2026-02-01""",
        },
        "Acrobat Pro",
        {"entitled": 0, "consumed": 2, "shortfall": 2, "at_risk": {"EUR": "300.00"}},  # 2 x 12.50 x 12
    ),
    Case(
        "At risk: else the newest purchase in force, else the last ended",
        {
            "entitlements": by_user("""
                reference,product,quantity,unit_price,currency,billing_cycle,acquired_on,starts_on,ends_on
                PO-1,Camtasia,5,90.00,EUR,year,2024-11-01,2024-11-01,2025-10-31
                PO-2,Camtasia,5,110.00,EUR,year,2025-11-01,2025-11-01,2026-10-31"""),
            "seats": """
                product,person,began_on
                Camtasia,ana@example.test,2025-02-01
                Camtasia,ben@example.test,2025-02-01""",
        },
        "Camtasia",
        {"entitled": 0, "consumed": 2, "shortfall": 2, "at_risk": {"EUR": "220.00"}},
    ),
    Case(
        "Nothing says what it costs: unpriced, never zero",
        {
            "entitlements": by_user("reference,product,quantity,starts_on\nPO-1,Oddity,0,2026-01-01"),
            "seats": "product,person,began_on\nOddity,ana@example.test,2026-02-01",
        },
        "Oddity",
        {"shortfall": 1, "at_risk": None},
        says=("At risk is unpriced: nothing says what 1 unit costs",),
    ),
    Case(
        "A purchase without quantity is kept, marked, and in no sum",
        {
            "entitlements": by_user("""
                reference,product,quantity,unit_price,currency,starts_on
                PO-1,Miro,,100.00,EUR,2026-01-01
                PO-2,Miro,1,100.00,EUR,2026-01-01"""),
            "seats": "product,person,began_on\nMiro,ana@example.test,2026-02-01",
        },
        "Miro",
        {"entitled": None, "consumed": 1, "surplus": None, "shortfall": None, "at_risk": None},
        says=("1 purchase has no quantity: what is bought in all is not known",),
    ),
    Case(
        "Device: own version first, then downgrade; the surplus of one version never nets the shortfall of another",
        {
            "entitlements": """
                reference,product,publisher,version,metric,kind,quantity,unit_price,currency,billing_cycle,starts_on,rights,evidence
                PO-1,AutoCAD LT,Autodesk,2024,device,perpetual,1,1200.00,EUR,once,2024-01-01,downgrade,clause 4
                PO-2,AutoCAD LT,Autodesk,2021,device,perpetual,2,900.00,EUR,once,2021-01-01,,""",
            "installations": """
                device,title,publisher,version,began_on
                ana-desk,AutoCAD LT 2024,Autodesk,24.3,2026-02-01
                ben-laptop,AutoCAD LT 2024,Autodesk,24.3,2026-02-01
                kiosk,AutoCAD LT 2021,Autodesk,24.0,2026-02-01""",
        },
        "AutoCAD LT",
        {
            "metric": "device",
            "entitled": 3,
            "consumed": 3,
            "surplus": 1,
            "shortfall": 1,
            "at_risk": {"EUR": "1200.00"},
            "wasted": {},
        },
    ),
    Case(
        "Second use: the same person's portable, under a right still in force",
        {
            "entitlements": """
                reference,product,metric,kind,quantity,unit_price,currency,billing_cycle,starts_on,rights,evidence
                PO-1,Snagit,device,subscription,2,60.00,EUR,year,2026-01-01,second_use,terms 2.1""",
            "installations": """
                device,product,began_on
                ana-laptop,Snagit,2026-02-01
                ana-desk,Snagit,2026-02-01
                ben-laptop,Snagit,2026-02-01""",
        },
        "Snagit",
        {"entitled": 2, "consumed": 2, "surplus": 0, "shortfall": 0},
        says=("1 portable device is second use",),
    ),
    Case(
        "A right without evidence does not count, and one that is over neither",
        {
            "entitlements": """
                reference,product,metric,quantity,unit_price,currency,starts_on,rights,evidence,rights_until
                PO-1,Snagit,device,2,60.00,EUR,2026-01-01,second_use,terms 2.1,2026-06-30""",
            "installations": """
                device,product,began_on
                ana-laptop,Snagit,2026-02-01
                ana-desk,Snagit,2026-02-01
                ben-laptop,Snagit,2026-02-01""",
        },
        "Snagit",
        {"consumed": 3, "shortfall": 1, "at_risk": {"EUR": "60.00"}},
    ),
    Case(
        "Core: the larger of the cores and the minimum, in packs; without facts the minimum and “at least”",
        {
            "entitlements": """
                reference,product,metric,kind,quantity,unit_price,currency,billing_cycle,starts_on,cores_per_processor,cores_per_server,cores_per_virtual,pack
                PO-1,SQL Server Standard,core,subscription,10,1000.00,EUR,year,2026-01-01,4,8,4,2""",
            "installations": """
                device,title,publisher,version,began_on
                sql1,Microsoft SQL Server 2019 Standard,Microsoft Corporation,15.0.2000,2026-02-01
                sql2,Microsoft SQL Server 2019 Standard,Microsoft Corporation,15.0.2000,2026-02-01
                vm1,Microsoft SQL Server 2022 Standard,Microsoft Corporation,16.0.1000,2026-02-01""",
        },
        "SQL Server Standard",
        # 12 cores are 6 packs; 2 processors × 4 = 8 cores are 4; 4 cores are 2
        {
            "metric": "core",
            "entitled": 10,
            "consumed": 12,
            "at_least": True,
            "shortfall": 2,
            "at_risk": {"EUR": "2000.00"},
        },
    ),
    Case(
        "Core: a licence of 2019 does not cover the 2022 on the machine, whatever older one is beside it",
        {
            "entitlements": """
                reference,product,metric,kind,quantity,unit_price,currency,starts_on,cores_per_server,version
                PO-1,SQL Server Standard,core,perpetual,16,100.00,EUR,2026-01-01,16,2019
                PO-2,SQL Server Standard,core,perpetual,4,100.00,EUR,2026-01-01,,2022""",
            "installations": """
                device,title,publisher,version,began_on
                sql1,Microsoft SQL Server 2019 Standard,Microsoft Corporation,15.0.2000,2026-02-01
                sql1,Microsoft SQL Server 2022 Standard,Microsoft Corporation,16.0.1000,2026-02-01""",
        },
        "SQL Server Standard",
        {"entitled": 20, "consumed": 16, "surplus": 16, "shortfall": 12, "at_risk": {"EUR": "1200.00"}},
        says=("12 of version 2022 short, 16 of version 2019 free",),
    ),
    Case(
        "Concurrent: the highest overlap since the true-up period began, its end exclusive",
        {
            "contracts": """
                number,vendor,starts_on,ends_on,true_up_from
                C-9,MathWorks,2024-03-01,,2026-03-01""",
            "entitlements": """
                reference,product,metric,kind,quantity,unit_price,currency,starts_on,contract
                PO-1,MATLAB,concurrent,concurrent,2,900.00,EUR,2024-03-01,C-9""",
            "sessions": """
                product,person,began_at,ended_at
                MATLAB,ana@example.test,2026-02-20 09:00,2026-02-20 17:00
                MATLAB,ben@example.test,2026-02-20 09:00,2026-02-20 17:00
                MATLAB,li@example.test,2026-02-20 09:00,2026-02-20 17:00
                MATLAB,ana@example.test,2026-05-04 09:00,2026-05-04 12:00
                MATLAB,ben@example.test,2026-05-04 12:00,2026-05-04 13:00
                MATLAB,li@example.test,2026-05-04 11:00,2026-05-04 12:30""",
        },
        "MATLAB",
        {"metric": "concurrent", "entitled": 2, "consumed": 2, "surplus": 0, "shortfall": 0},
    ),
    Case(
        "Concurrent: a true-up period that began long ago counts from its first day",
        {
            "contracts": "number,vendor,starts_on,true_up_from\nC-9,MathWorks,2025-01-01,2025-01-01",
            "entitlements": """
                reference,product,metric,kind,quantity,unit_price,currency,starts_on,contract
                PO-1,MATLAB,concurrent,concurrent,5,900.00,EUR,2025-01-01,C-9""",
            "sessions": SESSIONS
            + sessions("2024-12-31 09:00,2024-12-31 17:00", 12)
            + sessions("2025-03-01 09:00,2025-03-01 17:00", 9)
            + "ana@example.test,MATLAB,2026-11-02 09:00,2026-11-02 10:00,last",
        },
        "MATLAB",
        {"consumed": 9, "surplus": 0, "shortfall": 4, "at_risk": {"EUR": "3600.00"}},
        says=("At most 9 at the same time since 1 Jan 2025",),
    ),
    Case(
        "Concurrent: the stated day of a contract that is over moves nothing; an end is exclusive",
        {
            "contracts": """
                number,vendor,starts_on,ends_on,true_up_from
                C-8,MathWorks,2023-01-01,2024-12-31,2023-01-01
                C-9,MathWorks,2025-01-01,,2025-06-01""",
            "entitlements": """
                reference,product,metric,kind,quantity,unit_price,currency,starts_on,ends_on,contract
                PO-0,MATLAB,concurrent,concurrent,5,900.00,EUR,2023-01-01,2024-12-31,C-8
                PO-1,MATLAB,concurrent,concurrent,5,900.00,EUR,2025-01-01,,C-9""",
            "sessions": SESSIONS
            + sessions("2024-03-01 09:00,2024-03-01 17:00", 9)
            + sessions("2025-05-31 22:00,2025-06-01 00:00", 8)
            + sessions("2025-05-31 23:00,2025-06-01 01:00", 7),
        },
        "MATLAB",
        {"consumed": 7, "shortfall": 2},
        says=("At most 7 at the same time since 1 Jun 2025",),
    ),
    Case(
        "Concurrent: who or what is excluded leaves the count, on the days of the exclusion",
        {
            "entitlements": MATLAB,
            "sessions": TOGETHER,
            "exclusions": """
                product,person,device,site,right,evidence,starts_on,ends_on
                MATLAB,ana@example.test,,,Teaching,clause 4,2026-05-01,2026-05-31
                MATLAB,ben@example.test,,,Teaching,clause 4,2026-05-05,2026-05-31
                MATLAB,,kiosk,,Test bench,clause 5,2026-01-01,2026-12-31
                MATLAB,,,london,Training room,clause 6,2026-01-01,2026-12-31""",
        },
        "MATLAB",
        {"entitled": 2, "consumed": 2, "surplus": 0, "shortfall": 0},
        says=("3 sessions left out by an exclusion in the contract",),
    ),
    Case(
        "Concurrent: whoever holds a suite that covers it, or works where it is installed, needs no unit",
        {
            "entitlements": MATLAB + "\nPO-2,Science Suite,named_user,subscription,5,900.00,EUR,2026-01-01",
            "covers": "suite,part,covers,source\nScience Suite,MATLAB,yes,its terms",
            "seats": """
                product,person,began_on,ended_on
                Science Suite,ana@example.test,2026-05-04,2026-05-05
                Science Suite,li@example.test,2026-05-01,2026-05-04""",
            "installations": "device,product,began_on\nkiosk,Science Suite,2026-02-01",
            "sessions": TOGETHER,
        },
        "MATLAB",
        {"entitled": 2, "consumed": 3, "shortfall": 1},
        says=("2 sessions covered by Science Suite",),
    ),
    Case(
        "Concurrent: a session on a device alone is that of the device's person, as known then",
        {
            "entitlements": """
                reference,product,metric,kind,quantity,unit_price,currency,starts_on,recorded_at
                PO-1,MATLAB,concurrent,concurrent,2,900.00,EUR,2026-01-01,2026-01-01
                PO-2,Science Suite,named_user,subscription,5,900.00,EUR,2026-01-01,2026-01-01""",
            "covers": "suite,part,covers,source,recorded_at\nScience Suite,MATLAB,yes,its terms,2026-02-01",
            "seats": """
                product,person,began_on,ended_on,recorded_at
                Science Suite,ben@example.test,2026-02-01,,2026-02-01
                Science Suite,ben@example.test,2026-02-01,2026-03-01,2026-09-01""",
            "sessions": """
                product,device,began_at,ended_at,recorded_at
                MATLAB,ben-laptop,2026-05-04 09:00,2026-05-04 12:00,2026-05-05
                MATLAB,ana-desk,2026-05-04 09:00,2026-05-04 12:00,2026-05-05""",
        },
        "MATLAB",
        {"consumed": 1},
        at="2026-06-30",
        known="2026-08-01",
        says=("1 session covered by Science Suite",),
    ),
    Case(
        "Concurrent without session data is not known, never installations",
        {
            "entitlements": """
                reference,product,metric,quantity,unit_price,currency,starts_on
                PO-1,MATLAB,concurrent,2,900.00,EUR,2026-01-01""",
            "installations": "device,product,began_on\nana-laptop,MATLAB,2026-02-01",
        },
        "MATLAB",
        {"entitled": 2, "consumed": None, "surplus": None, "shortfall": None, "wasted": {}},
    ),
    Case(
        "Consumption: units of the period, at the price of what is over",
        {
            "entitlements": """
                reference,product,metric,kind,quantity,unit_price,overage_price,currency,billing_cycle,starts_on
                PO-1,Maps API,consumption,consumption,1000,0.10,0.25,USD,month,2026-01-01""",
            "meters": """
                product,from_on,to_on,units
                Maps API,2026-10-01,2026-10-31,4000
                Maps API,2026-11-01,2026-11-15,900
                Maps API,2026-11-16,2026-11-22,300""",
        },
        "Maps API",
        {"metric": "consumption", "entitled": 1000, "consumed": 1200, "shortfall": 200, "at_risk": {"USD": "50.00"}},
    ),
    Case(
        "Site: devices of the named sites are covered, unknown sites are not",
        {
            "entitlements": """
                reference,product,metric,quantity,unit_price,currency,starts_on,sites
                PO-1,PrintGuard,site,unlimited,500.00,EUR,2026-01-01,Lyon; London""",
            "installations": """
                device,product,began_on
                ana-laptop,PrintGuard,2026-02-01
                ben-laptop,PrintGuard,2026-02-01
                kiosk,PrintGuard,2026-02-01
                vm1,PrintGuard,2026-02-01""",
        },
        "PrintGuard",
        {"metric": "site", "entitled": None, "consumed": 4, "shortfall": 2},
    ),
    Case(
        "An exclusion leaves the count",
        {
            "entitlements": "reference,product,metric,quantity,unit_price,currency,starts_on\n"
            "PO-1,Backup Agent,device,1,50.00,EUR,2026-01-01",
            "installations": """
                device,product,began_on
                sql1,Backup Agent,2026-02-01
                sql2,Backup Agent,2026-02-01""",
            "exclusions": """
                product,device,right,evidence,starts_on,ends_on
                Backup Agent,sql2,disaster recovery,clause 9,2026-01-01,2026-12-31""",
        },
        "Backup Agent",
        {"consumed": 1, "shortfall": 0},
        says=("1 left out by an exclusion in the contract",),
    ),
    Case(
        "A suite covers its parts: Microsoft's own table says that E5 includes Power BI Pro",
        {
            "entitlements": by_user("""
                reference,product,publisher,quantity,unit_price,currency,billing_cycle,starts_on
                PO-1,Microsoft 365 E5,Microsoft,5,600.00,EUR,year,2026-01-01
                PO-2,Power BI Pro,Microsoft,3,120.00,EUR,year,2026-01-01"""),
            "seats": """
                product,person,began_on
                Microsoft 365 E5,ana@example.test,2026-02-01
                Power BI Pro,ana@example.test,2026-02-01
                Power BI Pro,ben@example.test,2026-02-01""",
        },
        "Power BI Pro",
        {"entitled": 3, "consumed": 1, "surplus": 2, "wasted": {"EUR": "240.00"}},
        says=("1 covered by Microsoft 365 E5",),
    ),
    Case(
        "The customer's own row on a suite wins",
        {
            "entitlements": by_user("""
                reference,product,publisher,quantity,unit_price,currency,starts_on
                PO-1,Microsoft 365 E5,Microsoft,5,600.00,EUR,2026-01-01
                PO-2,Power BI Pro,Microsoft,3,120.00,EUR,2026-01-01"""),
            "seats": """
                product,person,began_on
                Microsoft 365 E5,ana@example.test,2026-02-01
                Power BI Pro,ana@example.test,2026-02-01""",
            "covers": "suite,part,covers,source\nMicrosoft 365 E5,Power BI Pro,no,our agreement of 2026",
        },
        "Power BI Pro",
        {"consumed": 1, "surplus": 2},
    ),
    Case(
        "An undecided title shows as “up to + n”",
        {
            "entitlements": "reference,product,metric,quantity,unit_price,currency,starts_on\n"
            "PO-1,Example CAD,device,2,50.00,EUR,2026-01-01",
            "installations": """
                device,title,product,may_be,began_on
                ana-laptop,Example CAD,Example CAD,,2026-02-01
                kiosk,Example CAD Suite,,Example CAD,2026-02-01""",
        },
        "Example CAD",
        {"consumed": 1, "undecided": 1},
    ),
    Case(
        "The vendor's figure where nothing is registered, not proven",
        {
            "products": "name,publisher,enabled,consumed,warning\nFigma,Figma,12,9,2",
            "seats": "product,person,began_on\nFigma,ana@example.test,2026-02-01",
        },
        "Figma",
        {"entitled": 12, "consumed": 1, "not_proven": 12},
    ),
    Case(
        "As known then: what was recorded later does not count yet",
        {
            "entitlements": by_user("""
                reference,product,quantity,unit_price,currency,starts_on,recorded_at
                PO-1,Miro,5,100.00,EUR,2026-01-01,2026-01-05
                PO-1,Miro,3,100.00,EUR,2026-01-01,2026-09-01"""),
            "seats": """
                product,person,began_on,recorded_at
                Miro,ana@example.test,2026-02-01,2026-02-01
                Miro,ben@example.test,2026-02-01,2026-10-01""",
        },
        "Miro",
        {"entitled": 5, "consumed": 1, "surplus": 4, "wasted": {"EUR": "400.00"}},
        at="2026-06-01",
        known="2026-06-01",
    ),
    Case(
        "As known now: the same day with what was corrected since",
        {
            "entitlements": by_user("""
                reference,product,quantity,unit_price,currency,starts_on,recorded_at
                PO-1,Miro,5,100.00,EUR,2026-01-01,2026-01-05
                PO-1,Miro,3,100.00,EUR,2026-01-01,2026-09-01"""),
            "seats": """
                product,person,began_on,recorded_at
                Miro,ana@example.test,2026-02-01,2026-02-01
                Miro,ben@example.test,2026-02-01,2026-10-01""",
        },
        "Miro",
        {"entitled": 3, "consumed": 2, "surplus": 1, "wasted": {"EUR": "100.00"}},
        at="2026-06-01",
    ),
    Case(
        "A day before the first record is not known, never zero",
        {
            "entitlements": by_user(
                "reference,product,quantity,unit_price,currency,starts_on\nPO-1,Miro,5,100.00,EUR,2026-01-01"
            ),
            "seats": "product,person,began_on\nMiro,ana@example.test,2026-02-01",
        },
        "Miro",
        {"entitled": None, "consumed": None, "surplus": None, "shortfall": None, "at_risk": None},
        at="2025-12-31",
    ),
    Case(
        "A stale device counts until a person retires it; retired, it counts up to that day",
        {
            "devices": """
                name,kind,state,retired_on,since
                old1,desktop,stale,,
                old2,desktop,retired,2026-11-23,""",
            "entitlements": "reference,product,metric,quantity,unit_price,currency,starts_on\n"
            "PO-1,Snagit,device,2,60.00,EUR,2026-01-01",
            "installations": "device,product,began_on\nold1,Snagit,2026-02-01\nold2,Snagit,2026-02-01",
        },
        "Snagit",
        {"consumed": 1, "stale": 1},
    ),
    Case(
        "The true-up period runs from the contract's anniversary; in a year without 29 Feb from the month's last day",
        {
            "contracts": "number,vendor,starts_on\nK-1,Esri,2024-02-29",
            "entitlements": "product,metric,kind,quantity,unit_price,currency,starts_on,contract\n"
            "ArcGIS,concurrent,concurrent,1,500.00,EUR,2024-03-15,K-1",
            "sessions": """
                product,person,began_at,ended_at
                ArcGIS,ana@example.test,2026-02-27 09:00,2026-02-27 10:00
                ArcGIS,ben@example.test,2026-02-27 09:00,2026-02-27 10:00
                ArcGIS,li@example.test,2026-02-27 09:00,2026-02-27 10:00
                ArcGIS,ana@example.test,2026-02-28 09:00,2026-02-28 10:00
                ArcGIS,ben@example.test,2026-02-28 09:00,2026-02-28 10:00""",
        },
        "ArcGIS",
        {"consumed": 2, "shortfall": 1, "at_risk": {"EUR": "500.00"}},
        says=("since 28 Feb 2026",),
    ),
    Case(
        "A purchase that was corrected: as known then, what it said, though nothing else was recorded yet",
        {
            "entitlements": by_user("""
                reference,product,quantity,unit_price,currency,starts_on,recorded_at
                PO-1,Miro,10,12.00,EUR,2026-01-01,2026-01-05
                PO-1,Miro,8,12.00,EUR,2026-01-01,2026-05-10""")
        },
        "Miro",
        {"entitled": 10, "consumed": 0, "surplus": 10, "wasted": {"EUR": "120.00"}},
        at="2026-03-01",
        known="2026-05-09",
    ),
    Case(
        "A title that an import decided later: as known then it was undecided",
        TITLE_DECIDED_LATER,
        "Miro",
        {"consumed": 0, "undecided": 1},
        at="2026-04-01",
        known="2026-05-31",
    ),
    Case(
        "A title that an import decided later: as known since it counts, on days before as well",
        TITLE_DECIDED_LATER,
        "Miro",
        {"consumed": 1, "undecided": 0},
        at="2026-04-01",
        known="2026-06-01",
    ),
    Case(
        "A purchase that was moved to another product later: as known then it was of this one",
        {
            "entitlements": by_user("""
                reference,product,quantity,unit_price,currency,starts_on,recorded_at
                PO-1,Miro,5,12.00,EUR,2026-01-01,2026-01-05
                PO-1,Figma,5,12.00,EUR,2026-01-01,2026-06-01""")
        },
        "Miro",
        {"entitled": 5, "consumed": 0, "surplus": 5, "wasted": {"EUR": "60.00"}},
        at="2026-04-01",
        known="2026-05-31",
    ),
    Case(
        "A purchase that was moved under another contract later: as known then, the price of the one it was under",
        {
            "contracts": """
                number,vendor,starts_on,true_up_price,true_up_currency,recorded_at
                K-1,Miro,2026-01-01,15.00,EUR,2026-01-05
                K-2,Miro,2026-01-01,25.00,EUR,2026-01-05""",
            "entitlements": by_user("""
                reference,product,quantity,unit_price,currency,billing_cycle,starts_on,contract,recorded_at
                PO-1,Miro,0,12.00,EUR,month,2026-01-01,K-1,2026-01-05
                PO-1,Miro,0,12.00,EUR,month,2026-01-01,K-2,2026-06-01"""),
            "seats": "product,person,began_on,recorded_at\nMiro,ben@example.test,2026-01-05,2026-01-05",
        },
        "Miro",
        {"shortfall": 1, "at_risk": {"EUR": "180.00"}},
        at="2026-04-01",
        known="2026-05-31",
    ),
    Case(
        "A day for which nothing was known yet is not known, in words a person can read",
        {
            "entitlements": by_user("""
                reference,product,quantity,unit_price,currency,starts_on,recorded_at
                PO-1,Miro,10,12.00,EUR,2026-01-01,2026-01-05""")
        },
        "Miro",
        {"entitled": None, "consumed": None, "surplus": None, "shortfall": None},
        at="2026-01-04",
        known="2026-01-04",
        says=("Not known: nothing was recorded by then",),
    ),
    Case(
        "A last day that was learned in June: in May nobody had left",
        {
            "people": """
                email,name,leaves_on,recorded_at
                ben@example.test,Ben Okafor,2026-03-31,2026-06-01""",
            "entitlements": by_user("""
                reference,product,quantity,unit_price,currency,starts_on,recorded_at
                PO-1,Miro,1,144.00,EUR,2025-01-01,2025-01-01"""),
            "seats": "product,person,began_on,recorded_at\nMiro,ben@example.test,2025-01-01,2025-01-01",
        },
        "Miro",
        {"consumed": 1, "wasted": {}, "shelfware": 0},
        at="2026-05-01",
        known="2026-05-31",
    ),
    Case(
        "A reading that was corrected: as known then, what the meter had said",
        {
            "entitlements": "product,metric,kind,quantity,unit_price,currency,billing_cycle,starts_on,recorded_at\n"
            "Maps,consumption,consumption,1000,0.10,EUR,month,2026-01-01,2026-01-01",
            "meters": """
                product,from_on,to_on,units,recorded_at
                Maps,2026-04-01,2026-04-30,1200,2026-05-02
                Maps,2026-04-01,2026-04-30,900,2026-06-15""",
        },
        "Maps",
        {"consumed": 1200, "shortfall": 200, "at_risk": {"EUR": "20.00"}},
        at="2026-04-30",
        known="2026-06-14",
    ),
    Case(
        "A session that was corrected: as known then, two ran at the same time",
        {
            "entitlements": "product,metric,kind,quantity,unit_price,currency,starts_on,recorded_at\n"
            "Ansys,concurrent,concurrent,1,500.00,EUR,2026-01-01,2026-01-01",
            "sessions": """
                product,person,began_at,ended_at,reference,recorded_at
                Ansys,ana@example.test,2026-04-01 09:00,2026-04-01 12:00,s1,2026-04-02
                Ansys,ben@example.test,2026-04-01 10:00,2026-04-01 11:00,s2,2026-04-02
                Ansys,ana@example.test,2026-04-01 09:00,2026-04-01 10:00,s1,2026-06-15""",
        },
        "Ansys",
        {"consumed": 2, "shortfall": 1},
        at="2026-04-30",
        known="2026-06-14",
    ),
    Case(
        "An exclusion whose end was corrected: as known then, it was in force",
        {
            "entitlements": "reference,product,metric,quantity,unit_price,currency,starts_on,recorded_at\n"
            "PO-1,Snagit,device,1,60.00,EUR,2025-01-01,2025-01-01",
            "installations": """
                device,product,began_on,recorded_at
                ana-desk,Snagit,2025-02-01,2025-02-01
                kiosk,Snagit,2025-02-01,2025-02-01""",
            "exclusions": """
                reference,product,device,right,evidence,starts_on,ends_on,recorded_at
                X-1,Snagit,kiosk,spare,clause 7,2026-01-01,2026-12-31,2026-03-10
                X-1,Snagit,kiosk,spare,clause 7,2026-01-01,2026-04-30,2026-07-01""",
        },
        "Snagit",
        {"consumed": 1, "shortfall": 0},
        at="2026-05-01",
        known="2026-06-30",
    ),
    Case(
        "A person's exclusion whose end was corrected: as known then, their seat did not count",
        {
            "entitlements": by_user("""
                reference,product,quantity,unit_price,currency,starts_on,recorded_at
                PO-1,Miro,1,144.00,EUR,2025-01-01,2025-01-01"""),
            "seats": """
                product,person,began_on,recorded_at
                Miro,ana@example.test,2025-01-01,2025-01-01
                Miro,ben@example.test,2025-01-01,2025-01-01""",
            "exclusions": """
                reference,product,person,right,evidence,starts_on,ends_on,recorded_at
                X-1,Miro,ben@example.test,training,clause 7,2026-01-01,2026-12-31,2026-03-10
                X-1,Miro,ben@example.test,training,clause 7,2026-01-01,2026-04-30,2026-07-01""",
        },
        "Miro",
        {"consumed": 1, "shortfall": 0},
        at="2026-05-01",
        known="2026-06-30",
    ),
    Case(
        "The company's word on a suite was turned round: as known then, it covered",
        {
            "entitlements": by_user("""
                reference,product,quantity,unit_price,currency,starts_on,recorded_at
                PO-1,Sketchbook,1,60.00,EUR,2025-01-01,2025-01-01
                PO-2,Design Suite,1,600.00,EUR,2025-01-01,2025-01-01"""),
            "seats": """
                product,person,began_on,recorded_at
                Design Suite,ana@example.test,2025-01-01,2025-01-01
                Sketchbook,ana@example.test,2025-01-01,2025-01-01
                Sketchbook,ben@example.test,2025-01-01,2025-01-01""",
            "covers": """
                suite,part,covers,source,recorded_at
                Design Suite,Sketchbook,yes,terms,2026-03-10
                Design Suite,Sketchbook,no,terms of July,2026-07-01""",
        },
        "Sketchbook",
        {"consumed": 1, "shortfall": 0},
        at="2026-05-01",
        known="2026-05-09",
    ),
    Case(
        "An end that was taken back: before it was written down, the seat was held",
        {
            "entitlements": by_user("""
                reference,product,quantity,unit_price,currency,starts_on,recorded_at
                PO-1,Miro,1,144.00,EUR,2025-01-01,2025-01-01"""),
            "seats": """
                product,person,began_on,ended_on,recorded_at
                Miro,ana@example.test,2025-01-01,,2025-01-01
                Miro,ana@example.test,2025-01-01,2026-02-01,2026-02-01
                Miro,ana@example.test,2025-01-01,,2026-04-01""",
        },
        "Miro",
        {"consumed": 1, "surplus": 0},
        at="2026-03-01",
        known="2026-01-31",
    ),
    Case(
        "An installation whose end was taken back: before that, it was there",
        {
            "entitlements": "reference,product,metric,quantity,unit_price,currency,starts_on,recorded_at\n"
            "PO-1,Snagit,device,1,60.00,EUR,2025-01-01,2025-01-01",
            "installations": """
                device,product,began_on,ended_on,recorded_at
                kiosk,Snagit,2025-01-01,,2025-01-01
                kiosk,Snagit,2025-01-01,2026-02-01,2026-02-01
                kiosk,Snagit,2025-01-01,,2026-04-01""",
        },
        "Snagit",
        {"consumed": 1, "surplus": 0},
        at="2026-03-01",
        known="2026-01-31",
    ),
    Case(
        "The vendor's figures and the list price of a past day, both replaced since",
        {
            "products": """
                name,metric,list_price,currency,cycle,enabled,figures_at,recorded_at
                Miro,named_user,10.00,EUR,month,1,2026-01-10,2026-01-10
                Miro,named_user,11.00,EUR,month,4,2026-06-10,2026-06-10""",
            "seats": """
                product,person,began_on,recorded_at
                Miro,ana@example.test,2026-01-15,2026-01-15
                Miro,ben@example.test,2026-01-15,2026-01-15""",
        },
        "Miro",
        {"entitled": 1, "not_proven": 1, "consumed": 2, "at_risk": {"EUR": "120.00"}},
        at="2026-05-01",
        known="2026-05-01",
    ),
    Case(
        "Vendor figures alone are a record: after they were read the position is known",
        {
            "products": """
                name,metric,enabled,consumed,figures_at,recorded_at
                Miro,named_user,5,3,2026-01-10,2026-01-10"""
        },
        "Miro",
        {"entitled": 5, "not_proven": 5, "consumed": 3, "surplus": 2},
        at="2026-05-01",
    ),
    Case(
        "A contract that goes on by itself is in its next term, though nobody wrote that term down",
        {"contracts": GOES_ON, "entitlements": UNDER_IT, "seats": TWO_SEATS},
        "Miro",
        {"entitled": 3, "consumed": 2, "surplus": 1, "shortfall": 0, "at_risk": {}, "wasted": {"EUR": "100.00"}},
    ),
    Case(
        "A purchase that ends with the contract goes on with it",
        {"contracts": GOES_ON, "entitlements": UNDER_IT.replace(",,K-1", ",2025-12-31,K-1"), "seats": TWO_SEATS},
        "Miro",
        {"entitled": 3, "consumed": 2, "surplus": 1, "wasted": {"EUR": "100.00"}},
    ),
    Case(
        "A purchase whose own term ended before the contract's does not go on with it",
        {"contracts": GOES_ON, "entitlements": UNDER_IT.replace(",,K-1", ",2025-06-30,K-1"), "seats": TWO_SEATS},
        "Miro",
        {"entitled": 0, "shortfall": 2, "at_risk": {"EUR": "200.00"}},
        says=("Nothing bought is in force: PO-1 ended on 30 Jun 2025",),
    ),
    Case(
        "A contract that does not go on by itself has ended",
        {"contracts": GOES_ON.replace(",yes,", ",no,"), "entitlements": UNDER_IT, "seats": TWO_SEATS},
        "Miro",
        {"entitled": 0, "shortfall": 2, "at_risk": {"EUR": "200.00"}},
        says=("Nothing bought is in force: PO-1 ended on 31 Dec 2025",),
    ),
    Case(
        "What was ordered for the next term takes the old purchase's place",
        {
            "contracts": GOES_ON,
            "entitlements": UNDER_IT + "\nPO-2,Miro,2,110.00,EUR,2026-01-01,,K-1,named_user,subscription",
            "seats": TWO_SEATS,
        },
        "Miro",
        {"entitled": 2, "consumed": 2, "surplus": 0, "shortfall": 0},
    ),
    Case(
        "An order of the last term but one goes on too; one for another product takes no place",
        {
            "contracts": GOES_ON.replace("2025-01-01,2025-12-31", "2024-01-01,2024-12-31"),
            "entitlements": UNDER_IT.replace("2025-01-01", "2024-01-01")
            + "\nPO-2,Miro,2,110.00,EUR,2025-01-01,2025-12-31,K-1,named_user,subscription"
            + "\nPO-3,Mural,9,1.00,EUR,2025-01-01,2025-12-31,K-1,named_user,subscription",
            "seats": TWO_SEATS,
        },
        "Miro",
        {"entitled": 2, "consumed": 2, "shortfall": 0},
    ),
    Case(
        "On the last day of its renewed term a contract of six months still holds; the next begins the day after",
        {"contracts": GOES_ON.replace(",yes,", ",yes,6"), "entitlements": UNDER_IT, "seats": TWO_SEATS},
        "Miro",
        {"entitled": 3, "consumed": 2},
        at="2026-06-30",
    ),
    Case(
        "A past day inside a renewed term, as known then: that it goes on by itself was known",
        {
            "contracts": GOES_ON.replace("term_months", "term_months,recorded_at").replace(",yes,", ",yes,,2025-01-05"),
            "entitlements": UNDER_IT.replace("contract,", "contract,recorded_at,").replace("K-1,", "K-1,2025-01-05,"),
            "seats": "product,person,began_on,recorded_at\nMiro,ana@example.test,2025-02-01,2025-02-01",
        },
        "Miro",
        {"entitled": 3, "consumed": 1, "surplus": 2},
        at="2026-02-01",
        known="2026-02-01",
    ),
    Case(
        "Maintenance under a contract that goes on by itself goes on: the version of this year is covered",
        {
            "contracts": GOES_ON,
            "entitlements": """
                reference,product,metric,kind,quantity,unit_price,currency,billing_cycle,starts_on,version,maintenance_until,maintenance_price,contract
                PO-1,Visual Paradigm,device,perpetual,1,500.00,EUR,once,2025-01-01,16,2025-12-31,90.00,K-1""",
            "installations": """
                device,product,version,began_on
                ana-desk,Visual Paradigm,17,2026-03-01""",
        },
        "Visual Paradigm",
        {"entitled": 1, "consumed": 1, "shortfall": 0, "at_risk": {}},
    ),
]


@pytest.fixture
def register(sqlite_url: str) -> Iterator[Desk]:
    with desk(sqlite_url) as made:
        made.take("people", PEOPLE)
        made.take("devices", DEVICES)
        yield made


def ask(register: Desk, case: Case) -> dict[str, Any]:
    """The exported shape of the product's one position."""
    known = register.now + timedelta(hours=1)
    if case.known:
        known = datetime.combine(date.fromisoformat(case.known), time.max, UTC)
    times = Times(date.fromisoformat(case.at), known, register.now + timedelta(hours=1))
    with register.database.reading() as connection:
        product_id = find(connection, case.product).product_id
        assert product_id is not None
        found = [to_json(one.position) for one in positions(connection, times, [product_id])]
        together = [
            to_json(one.position) for one in positions(connection, times) if one.subject.product_id == product_id
        ]
    assert found == together, "a product counted alone and among all is the same"
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_figures_worked_out_by_hand(register: Desk, case: Case) -> None:
    for kind, text in case.files.items():
        register.take(kind, text)
    found = ask(register, case)
    assert {name: found[name] for name in case.want} == case.want, found["reasons"]
    for part in case.says:
        assert any(part in reason for reason in found["reasons"]), found["reasons"]


@pytest.mark.parametrize(
    ("state", "verdict", "entitled"),
    [
        (RenewalState.DONE, "cancel", 0),
        (RenewalState.PROOF_AWAITED, "cancel", 3),  # nothing shows that it was sent: the next term began by itself
        (RenewalState.DONE, "renew", 3),
        (RenewalState.MISSED, None, 3),
    ],
)
def test_a_contract_that_was_cancelled_does_not_go_on_by_itself(
    register: Desk, state: RenewalState, verdict: str | None, entitled: int
) -> None:
    files = {"contracts": GOES_ON, "entitlements": UNDER_IT, "seats": TWO_SEATS}
    for kind, text in files.items():
        register.take(kind, text)
    with register.database.unit_of_work() as work:
        contract_id = work.connection.execute(select(Contract.id)).scalar_one()
        row = Renewal(
            contract_id=contract_id, occasion="term", starts_on=date(2025, 1, 1), ends_on=date(2025, 12, 31),
            state=state, known_since=date(2025, 1, 1), opened_at=register.now,
        )  # fmt: skip
        work.session.add(row)
        work.session.flush()
        if verdict is not None:
            by = work.connection.execute(select(Person.id).limit(1)).scalar_one()
            said = RenewalDecision(renewal_id=row.id, verdict=verdict, by_id=by, at=register.now)
            work.session.add(said)
        work.commit()
    assert ask(register, Case("", files, "Miro", {}))["entitled"] == entitled


def test_the_same_files_again_change_no_figure(register: Desk) -> None:
    case = CASES[0]
    for kind, text in case.files.items():
        register.take(kind, text)
    before = ask(register, case)
    for kind, text in case.files.items():
        assert register.take(kind, text).counts.new == 0
    after = ask(register, case)
    assert {name: before[name] for name in case.want} == {name: after[name] for name in case.want}


def steps(found: Explanation) -> list[tuple[str, str]]:
    return lines(found)


def test_why_it_changed_names_each_step(register: Desk) -> None:
    """From 1 Sep to 1 Nov, each as known then: 2 bought, 1 given, 1 joined, 1 taken back, nothing left over."""
    register.take(
        "entitlements",
        by_user("""
        reference,product,quantity,unit_price,currency,starts_on,recorded_at
        PO-1,Miro,3,100.00,EUR,2026-01-01,2026-01-02
        PO-2,Miro,2,100.00,EUR,2026-10-01,2026-09-20
        """),
    )
    register.take(
        "seats",
        """
        product,person,began_on,ended_on,recorded_at
        Miro,ana@example.test,2026-02-01,,2026-02-01
        Miro,kai@example.test,2026-02-01,,2026-02-01
        Miro,ben@example.test,2026-10-05,,2026-10-05
        Miro,li@example.test,2026-09-02,,2026-09-02
        """,
    )
    register.take("people", "email,name,starts_on\nli@example.test,Li Wei,2026-09-02")
    register.take(
        "seats",
        """
        product,person,began_on,ended_on,recorded_at
        Miro,kai@example.test,2026-02-01,2026-10-20,2026-10-20
        """,
    )
    with register.database.reading() as connection:
        product_id = find(connection, "miro").product_id
        assert product_id is not None
        (found,) = why.explain(connection, product_id, date(2026, 9, 1), date(2026, 11, 1), register.now)
    assert steps(found) == [
        ("on 1 Sep 2026", "1"),
        ("bought", "+2"),
        ("joined", "−1"),
        ("given", "−1"),
        ("taken back", "+1"),
        ("not explained", "0"),
        ("on 1 Nov 2026", "2"),
    ]


HISTORY = {
    "entitlements": by_user("""
        reference,product,quantity,unit_price,currency,starts_on
        PO-1,Miro,3,100.00,EUR,2026-01-01
        PO-2,Miro,2,100.00,EUR,2026-05-01"""),
    "seats": """
        product,person,began_on,ended_on
        Miro,ana@example.test,2026-02-01,
        Miro,kai@example.test,2026-02-01,2026-04-10
        Miro,ben@example.test,2026-04-01,""",
}


@pytest.mark.parametrize("known_at", [None, "now"])
def test_why_a_history_changed_that_was_imported_today(register: Desk, known_at: str | None) -> None:
    """Nothing was known on 1 Mar or 1 Jun: both days as known now. 3 bought and 2 held, then 5 and 2."""
    for kind, text in HISTORY.items():
        register.take(kind, text)
    with register.database.reading() as connection:
        product_id = find(connection, "miro").product_id
        assert product_id is not None
        since, until, now = date(2026, 3, 1), date(2026, 6, 1), register.now
        (found,) = why.explain(connection, product_id, since, until, now, now if known_at else None)
    assert steps(found) == [
        ("on 1 Mar 2026", "1"),
        ("bought", "+2"),
        ("given", "−1"),
        ("taken back", "+1"),
        ("not explained", "0"),
        ("on 1 Jun 2026", "3"),
    ]


def test_why_with_a_late_end_is_one_thing_as_known_then_and_another_as_known_now(register: Desk) -> None:
    """A seat that ended in March, written down in May: on 1 Apr it was thought held."""
    register.take(
        "entitlements",
        by_user("""
        reference,product,quantity,unit_price,currency,starts_on,recorded_at
        PO-1,Miro,3,100.00,EUR,2026-01-01,2026-01-02"""),
    )
    register.take(
        "seats",
        """
        product,person,began_on,ended_on,recorded_at
        Miro,ana@example.test,2026-01-05,,2026-01-05
        Miro,ana@example.test,2026-01-05,2026-03-01,2026-05-10
        """,
    )
    with register.database.reading() as connection:
        product_id = find(connection, "miro").product_id
        assert product_id is not None
        days = date(2026, 2, 1), date(2026, 4, 1)
        (then,) = why.explain(connection, product_id, *days, register.now)
        (now,) = why.explain(connection, product_id, *days, register.now, register.now)
    assert then.free == (Decimal(2), Decimal(2))
    assert now.free == (Decimal(2), Decimal(3))


def test_a_past_day_is_answered_however_many_devices_changed_since(register: Desk) -> None:
    """600 moved from Lyon to Paris in June: more rows than SQLite joins in one statement."""
    then = [f"m{number},desktop,Lyon,2025-01-01,2025-01-01" for number in range(600)]
    moved = [f"m{number},desktop,Paris,2026-06-01,2026-06-01" for number in range(600)]
    register.take("devices", "\n".join(["name,kind,site,since,recorded_at", *then, *moved]))
    head = "product,metric,kind,quantity,unit_price,currency,starts_on,sites,recorded_at"
    register.take("entitlements", f"{head}\nSnagit,site,subscription,1,60.00,EUR,2025-01-01,Lyon,2025-01-01")
    installed = [f"m{number},Snagit,2025-01-01,2025-01-01" for number in range(600)]
    register.take("installations", "\n".join(["device,product,began_on,recorded_at", *installed]))
    before = Case("", {}, "Snagit", {}, at="2026-05-31")
    assert (ask(register, before)["consumed"], ask(register, before)["shortfall"]) == (600, 0)
    after = Case("", {}, "Snagit", {}, at="2026-06-01")
    assert (ask(register, after)["consumed"], ask(register, after)["shortfall"]) == (600, 600)
