"""Each kind of file into an empty register: what is stored, what is refused, and that the same file changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from model.contracts import (
    Contract,
    ContractDocument,
    Entitlement,
    EntitlementRight,
    Exclusion,
    Invoice,
    ProductKey,
    SuiteCover,
)
from model.inventory import Installation, MeterReading, Title, UsageSignal, UseSession
from model.licences import Product, Publisher, Seat, Sku
from model.people import Device, Person
from model.usage import LastUse
from tests.unit.import_desk import DEVICES, PEOPLE, Desk, desk
from workflows.imports.kinds import KINDS
from workflows.imports.run import edit
from workflows.register.entries import RegisterRefused


@pytest.fixture
def register(sqlite_url: str) -> Iterator[Desk]:
    with desk(sqlite_url) as made:
        yield made


def counts(register: Desk, kind: str, text: str) -> tuple[int, int, int]:
    found = register.take(kind, text).counts
    return found.new, found.changed, found.unchanged


CYCLE = "billing_cycle"
PRODUCTS = """
    name,publisher,metric,list price,currency,cycle,owner,idle_after_days,tiers,field: class
    Visio Plan 2,Microsoft,named user,"15,00",EUR,monthly,ben@example.test,60,,A
    Figma,Figma,,,,,,,Starter;Professional,
"""
CONTRACTS = """
    number,vendor,starts_on,ends_on,notice,auto_renew,commit_floor,owner,true_up_price,true_up_from,documents
    C-1,Lumen Resale,2026-01-01,2026-12-31,3 months,yes,20,ben@example.test,€12.50,2026-04-01,a.pdf; b.pdf
    C-2,Lumen Resale,2026-01-01,,20 working days,no,,,,,
"""
ENTITLEMENTS = """
    reference,product,publisher,version,metric,kind,quantity,unit_price,currency,billing_cycle,starts_on,ends_on,\
contract,maintenance_until,rights,evidence,pack,cores_per_processor,sites,proof,product_key,field: project
    P-1,Visio,Microsoft,2021,device,perpetual,10,"1,200.50",EUR,once,2021-05-01,,C-1,2027-04-30,\
downgrade; second_use,clause 4,,,,inv 7,AAAAA-BBBBB-CCCCC-DDDDD-EEEEE,North
    P-2,SQL Server Standard,Microsoft,,core,subscription,unlimited,90 USD,,month,2026-01-01,2026-12-31,,,,,2,4,,,,
    P-3,CAD,Dassault,,site,subscription,1,,,,2026-01-01,2026-12-31,,,,,,,Lyon; Oslo,,,
    P-4,CAD Viewer,Dassault,,named_user,subscription,,7.50,,,2026-01-01,2026-12-31,,,,,,,,,,
"""


def test_products_with_tiers_owner_price_and_own_fields(register: Desk) -> None:
    register.take("people", PEOPLE)
    assert counts(register, "products", PRODUCTS) == (2, 0, 0)
    assert register.rows(
        Product, "key", "metric", "list_price", "list_currency", "list_cycle", "idle_after_days", "fields"
    ) == [
        ("visio-plan-2", "named_user", Decimal("15"), "EUR", "month", 60, {"class": "A"}),
        ("figma", "", None, None, "year", None, {}),
    ]
    assert register.rows(Sku, "part_number", "tier", "rank") == [
        ("VISIO-PLAN-2", "", 1), ("FIGMA-STARTER", "Starter", 1), ("FIGMA-PROFESSIONAL", "Professional", 2),
    ]  # fmt: skip
    assert counts(register, "products", PRODUCTS) == (0, 0, 2)


def test_contracts_with_their_notice_and_documents(register: Desk) -> None:
    register.take("people", PEOPLE)
    assert counts(register, "contracts", CONTRACTS) == (2, 0, 0)
    assert register.rows(
        Contract, "number", "notice_count", "notice_unit", "auto_renew", "commit_floor", "owner_id"
    ) == [
        ("C-1", 3, "months", True, 20, 2),
        ("C-2", 20, "working_days", False, None, None),
    ]
    assert register.rows(Contract, "true_up_price", "true_up_currency") == [(Decimal("12.5"), "EUR"), (None, None)]
    assert register.rows(ContractDocument, "reference") == [("a.pdf",), ("b.pdf",)]
    assert counts(register, "contracts", CONTRACTS) == (0, 0, 2)


def test_entitlements_of_every_shape(register: Desk) -> None:
    register.take("people", PEOPLE)
    register.take("contracts", CONTRACTS)
    outcome = register.take("entitlements", ENTITLEMENTS)
    assert (outcome.counts.new, outcome.counts.changed) == (4, 0)
    assert "1 row kept without a quantity; sums that miss it say so" in outcome.lines
    assert "1 row kept without a price; sums that miss it say so" in outcome.lines
    assert "1 row kept without a currency; sums that miss it say so" in outcome.lines
    assert "2 publishers made: Microsoft, Dassault" in outcome.lines
    assert register.rows(Entitlement, "metric", "quantity", "quantity_known", "unit_price", "currency", CYCLE) == [
        ("device", 10, True, Decimal("1200.5"), "EUR", "once"),
        ("core", None, True, Decimal("90"), "USD", "month"),
        ("site", 1, True, None, None, "year"),
        ("named_user", None, False, Decimal("7.5"), None, "year"),
    ]  # fmt: skip
    assert register.rows(Entitlement, "version", "contract_id", "pack", "cores_per_processor", "sites", "fields") == [
        ("2021", 1, 1, 0, [], {"project": "North"}),
        ("", None, 2, 4, [], {}),
        ("", None, 1, 0, ["Lyon", "Oslo"], {}),
        ("", None, 1, 0, [], {}),
    ]  # fmt: skip
    assert register.rows(EntitlementRight, "name", "evidence") == [
        ("downgrade", "clause 4"),
        ("second_use", "clause 4"),
    ]
    ((fingerprint, last_five),) = register.rows(ProductKey, "fingerprint", "last_five")
    assert last_five == "EEEEE" and len(fingerprint) == 64
    assert "AAAAA" not in str(outcome.first)
    assert counts(register, "entitlements", ENTITLEMENTS) == (0, 0, 4)
    assert register.superseded() == []


def test_equal_purchases_without_a_reference_are_several(register: Desk) -> None:
    text = """
        product,metric,kind,quantity,unit_price,starts_on,ends_on
        Miro,named_user,saas,10,5 EUR,2026-01-01,2026-12-31
        Miro,named_user,saas,15,4 EUR,2026-01-01,2026-12-31
        Miro,named_user,saas,15,4 EUR,2026-01-01,2026-12-31
    """
    assert counts(register, "entitlements", text) == (3, 0, 0)
    assert counts(register, "entitlements", text) == (0, 0, 3)
    assert register.rows(Product, "name") == [("Miro",)]
    assert register.rows(Publisher, "name") == [("not recorded",)]


def test_a_file_with_fewer_columns_leaves_the_others_alone(register: Desk) -> None:
    register.take("people", PEOPLE)
    register.take("contracts", CONTRACTS)
    register.take("entitlements", ENTITLEMENTS)
    before = register.rows(Entitlement, "contract_id", "version", "kind", "billing_cycle", "ends_on", "unit_price")[0]
    register.take("entitlements", "reference,product,metric,quantity,starts_on\nP-1,Visio,device,11,2021-05-01")
    assert register.rows(Entitlement, "quantity")[0] == (11,)
    after = register.rows(Entitlement, "contract_id", "version", "kind", "billing_cycle", "ends_on", "unit_price")[0]
    assert after == before
    register.take("devices", "identity,name,kind,cores\nL1,Laptop of Ana,laptop,8")
    register.take("devices", "identity,kind\nL1,desktop")
    assert register.rows(Device, "name", "kind", "cores") == [("Laptop of Ana", "desktop", 8)]


def test_a_purchase_stays_the_same_when_its_product_gets_tiers(register: Desk) -> None:
    text = "product,metric,starts_on\nFigma,user,2026-01-01"
    register.take("entitlements", text)
    register.take("products", "name,tiers\nFigma,Starter;Professional")
    assert counts(register, "entitlements", text) == (0, 0, 1)
    assert counts(register, "entitlements", "product,tier,metric,starts_on\nFigma,Starter,user,2026-01-01") == (1, 0, 0)


UNTIERED = "product,tier,metric,quantity,starts_on\n"


def test_a_file_that_names_a_further_tier_changes_nothing_when_it_comes_again(register: Desk) -> None:
    """The row without a tier was Standard's as long as that was the only one, and the product's in the second run:
    one purchase of 50 became two, and 100 were entitled."""
    register.take("products", "name,tiers\nVisio,Standard")
    text = f"{UNTIERED}Visio,,user,50,2026-01-01\nVisio,Pro,user,10,2026-01-01"
    assert counts(register, "entitlements", text) == (2, 0, 0)
    for _ in range(2):
        assert counts(register, "entitlements", text) == (0, 0, 2)
    corrected = text.replace(",50,", ",55,")
    assert counts(register, "entitlements", corrected) == (0, 1, 1)
    assert register.rows(Entitlement, "sku_id", "quantity") == [(1, 55), (2, 10)]


def test_a_purchase_with_a_reference_keeps_its_tier_when_a_further_one_comes(register: Desk) -> None:
    register.take("products", "name,tiers\nVisio,Standard")
    head = "reference,product,tier,metric,quantity,starts_on\n"
    text = f"{head}P-1,Visio,,user,50,2026-01-01\nP-2,Visio,Pro,user,10,2026-01-01"
    assert counts(register, "entitlements", text) == (2, 0, 0)
    assert counts(register, "entitlements", text) == (0, 0, 2)
    assert register.rows(Entitlement, "sku_id") == [(1,), (2,)]


@pytest.mark.parametrize("rows", [(",20", "Standard,50"), ("Standard,50", ",20"), (",20", ",30", "Standard,50")])
def test_a_purchase_for_the_product_is_never_taken_for_one_of_its_first_tier(
    register: Desk, rows: tuple[str, ...]
) -> None:
    """Both tiers were there before: what names none is the product's, also beside a purchase of Standard."""
    register.take("products", "name,tiers\nVisio,Standard;Pro")

    def file(*some: str) -> str:
        tiers = [row.split(",") for row in some]
        return UNTIERED + "\n".join(f"Visio,{tier},user,{number},2026-01-01" for tier, number in tiers)

    register.take("entitlements", file("Standard,50"))
    assert counts(register, "entitlements", file(*rows)) == (len(rows) - 1, 0, 1)
    assert counts(register, "entitlements", file(*rows)) == (0, 0, len(rows))
    assert register.rows(Entitlement, "sku_id", "quantity")[0] == (1, 50)
    assert {sku_id for sku_id, _ in register.rows(Entitlement, "sku_id", "quantity")[1:]} == {None}


def test_purchases_without_a_tier_from_before_and_after_the_second_tier_stay_apart(register: Desk) -> None:
    register.take("products", "name,tiers\nVisio,Standard")
    register.take("entitlements", f"{UNTIERED}Visio,,user,50,2026-01-01")
    register.take("products", "name,tiers\nVisio,Standard;Pro")
    text = f"{UNTIERED}Visio,,user,50,2026-01-01\nVisio,,user,20,2026-01-01"
    assert counts(register, "entitlements", text) == (1, 0, 1)
    for _ in range(2):
        assert counts(register, "entitlements", text) == (0, 0, 2)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (
            "P,Visio,user,,1,5 EUR,2026-12-31,2026-01-01,,",
            "*ends_on*: 1 Jan 2026 is before 31 Dec 2026, the first day.",
        ),
        ("P,Visio,user,,1,5 EUR,2026-01-01,,downgrade,", "*evidence*: is empty. The right downgrade counts only"),
        ("P,Visio,user,,1,5 XQX,2026-01-01,,,", "*unit_price*: “XQX” is no ISO 4217 currency"),
        ("P,Visio,user,EUR,1,5 USD,2026-01-01,,,", "*unit_price*: is in USD, but the row says EUR"),
        ("P,Visio,,,1,5 EUR,2026-01-01,,,", "*metric*: is empty, and Visio has none of its own"),
        ("P,Visio,site,,1,5 EUR,2026-01-01,,,", "sites*: is empty"),
        ("P,Visio,user,,1,-5 EUR,2026-01-01,,,", "*unit_price*: “-5” is below zero"),
        ("P,Visio,user,,1,5 EUR,,,,", "*starts_on*: is empty, and so is acquired_on"),
    ],
)
def test_what_is_wrong_with_a_purchase_is_named(register: Desk, row: str, says: str) -> None:
    head = "reference,product,metric,currency,quantity,unit_price,starts_on,ends_on,rights,evidence"
    (line,) = register.refused("entitlements", f"{head}\n{row}")
    assert line.startswith("Row 2, ") and says in line


def test_a_purchase_twice_is_named_with_its_overlap(register: Desk) -> None:
    head = "reference,product,metric,quantity,starts_on,ends_on"
    first, second = "P,Visio,user,1,2026-01-01,2026-12-31", "P,Visio,user,1,2026-06-01,2027-05-31"
    (line,) = register.refused("entitlements", f"{head}\n{first}\n{second}")
    assert line.startswith("Row 3, *reference*: P is in row 2 too, and its term until 31 Dec 2026 overlaps this one.")
    (line,) = register.refused("entitlements", f"{head}\n{first}\nP,Visio,user,1,2027-01-01,2027-05-31")
    assert "Each term has a reference of its own" in line


def test_an_unknown_contract_person_or_device_is_named_and_nothing_is_kept(register: Desk) -> None:
    (line,) = register.refused("entitlements", "product,metric,starts_on,contract\nVisio,user,2026-01-01,C-9")
    assert "no contract has the number C-9" in line
    (line,) = register.refused("seats", "product,person\nVisio,nobody@example.test")
    assert "nobody in the register has the address nobody@example.test" in line
    (line,) = register.refused("installations", "device,title\nL9,Visio")
    assert "no device is called L9" in line
    assert register.rows(Product, "name") == []


def test_people_with_managers_in_the_same_file(register: Desk) -> None:
    assert counts(register, "people", PEOPLE) == (3, 0, 0)
    assert register.rows(Person, "email", "manager_id", "active", "leaves_on") == [
        ("ana@example.test", 2, True, None),
        ("ben@example.test", None, True, None),
        ("kai@example.test", 2, False, date(2026, 6, 30)),
    ]
    assert counts(register, "people", PEOPLE) == (0, 0, 3)
    lines = register.refused("people", "email,name,manager\nx@example.test,X,y@example.test\nx@example.test,X,")
    assert len(lines) == 2 and "is the same as in row 2" in lines[1]


def test_devices_with_hosts_and_cores(register: Desk) -> None:
    register.take("people", PEOPLE)
    assert counts(register, "devices", DEVICES) == (3, 0, 0)
    assert register.rows(Device, "identity", "name", "kind", "person_id", "person_source", "cores", "host_id") == [
        ("L1", "L1", "portable", 1, "import", 8, None),
        ("S1", "S1", "server", None, "", 32, None),
        ("V1", "V1", "virtual", None, "", 4, 2),
    ]
    assert counts(register, "devices", DEVICES) == (0, 0, 3)
    (line,) = register.refused("devices", "identity,kind,state\nL5,laptop,retired")
    assert "*retired_on*: is empty" in line
    (line,) = register.refused("devices", "identity,kind,host\nV5,vm,S9")
    assert "no device is called S9" in line


def test_seats_open_and_end_up_to_their_last_day(register: Desk) -> None:
    register.take("people", PEOPLE)
    text = """
        product,person,began_on,ended_on,last_used_on
        Miro,ana@example.test,2026-01-10,2026-03-01,2026-02-20
        Miro,ana@example.test,2026-05-01,,2026-09-01
        Miro,ben@example.test,,,
    """
    assert counts(register, "seats", text) == (3, 0, 0)
    assert sorted(register.rows(Seat, "began_at", "ended_at", "person_id", "path", "authorised_by"), key=str) == [
        (at(2026, 1, 10), at(2026, 3, 1), 1, "direct", "nothing"),
        (at(2026, 11, 23), None, 2, "direct", "nothing"),
        (at(2026, 5, 1), None, 1, "direct", "nothing"),
    ]
    assert sorted(register.rows(UsageSignal, "person_id", "day")) == [(1, date(2026, 2, 20)), (1, date(2026, 9, 1))]
    assert counts(register, "seats", text) == (0, 0, 3)


def test_a_list_that_says_the_same_again_is_news_of_those_it_names(register: Desk) -> None:
    """How fresh a list is goes by the person: one that names Ana alone says nothing new of Ben."""
    register.take("people", PEOPLE)
    both = "product,person,last_used_on\nMiro,ana@example.test,2026-09-01\nMiro,ben@example.test,2026-09-02"
    register.take("seats", both)
    register.now += timedelta(days=7)
    register.take("seats", "product,person,last_used_on\nMiro,ana@example.test,2026-09-01")
    rows = sorted(register.rows(LastUse, "person_id", "used_on", "as_of"))
    assert rows == [
        (1, date(2026, 9, 1), date(2026, 11, 30)),
        (2, date(2026, 9, 2), date(2026, 11, 23)),
    ]


def test_overlapping_seats_are_named(register: Desk) -> None:
    register.take("people", PEOPLE)
    register.take("seats", "product,person,began_on\nMiro,ana@example.test,2026-01-10")
    (line,) = register.refused("seats", "product,person,began_on\nMiro,ana@example.test,2026-05-01")
    assert "the one that began on 10 Jan 2026 and has no end overlaps this" in line
    (line,) = register.refused("seats", "product,person,began_on,ended_on\nMiro,ben@example.test,2026-05-01,2026-01-01")
    assert "1 Jan 2026 is before 1 May 2026" in line


def test_a_seat_of_a_product_with_tiers_names_its_tier(register: Desk) -> None:
    register.take("people", PEOPLE)
    register.take("products", "name,tiers\nFigma,Starter;Professional")
    (line,) = register.refused("seats", "product,person\nFigma,ana@example.test")
    assert "*tier*: is empty, and Figma has several: Starter or Professional" in line
    register.take("seats", "product,tier,person\nFigma,professional,ana@example.test")
    assert register.rows(Seat, "sku_id") == [(2,)]


INSTALLATIONS = """
    device,title,product,publisher,version,began_on,ended_on,last_used_on
    L1,Microsoft Visio Professional 2021,Visio,Microsoft,16.0,2026-02-01,,2026-09-01
    L1,Java 8,,Oracle,8.0,2026-02-01,2026-03-01,
    L1,visio,,,16.0,2026-02-01,,
    S1,,SQL Server Standard,Microsoft,,2026-02-01,,2026-09-02
"""


def test_installations_decide_titles_they_name_and_keep_the_rest_open(register: Desk) -> None:
    register.take("people", PEOPLE)
    register.take("devices", DEVICES)
    outcome = register.take("installations", INSTALLATIONS)
    assert outcome.counts.new == 4 and "1 undecided title made: Java 8" in outcome.lines
    assert register.rows(Title, "raw_title", "product_id", "kind", "rule") == [
        ("Microsoft Visio Professional 2021", 1, "product", "import"),
        ("Java 8", None, "ask", "the title alone cannot decide"),
        ("visio", 1, "product", "exact name"),
        ("SQL Server Standard", 2, "product", "import"),
    ]
    assert len(register.rows(Installation, "id")) == 4
    assert register.rows(UsageSignal, "person_id", "device_id", "product_id") == [(1, None, 1), (None, 2, 2)]
    assert counts(register, "installations", INSTALLATIONS) == (0, 0, 4)
    register.take("installations", "device,title,product,publisher\nS1,Java 8,Java,Oracle")
    assert register.rows(Title, "kind", "rule")[1] == ("product", "import")


def test_a_title_may_be_a_product_until_somebody_decides(register: Desk) -> None:
    register.take("devices", "identity,kind\nL1,laptop")
    register.take("installations", "device,title,may_be\nL1,CAD 2026,CAD Professional")
    assert register.rows(Title, "kind", "product_id", "candidate_id") == [("ask", None, 1)]
    register.take("installations", "device,title,product\nL1,CAD 2026,CAD Viewer")
    assert register.rows(Title, "kind", "product_id", "candidate_id") == [("product", 2, None)]


def test_the_vendors_figures_are_kept_with_their_age(register: Desk) -> None:
    text = "name,enabled,consumed,warning,suspended,recorded_at\nPower BI Pro,40,37,2,,2026-02-01\nFigma,,,,,"
    assert counts(register, "products", text) == (2, 0, 0)
    assert register.rows(Sku, "enabled", "consumed", "warning", "suspended", "figures_at") == [
        (40, 37, 2, 0, at(2026, 2, 1)),
        (None, None, 0, 0, None),
    ]
    assert counts(register, "products", text) == (0, 0, 2)
    assert counts(register, "products", text.replace("40,37", "41,37").replace("-02-", "-03-")) == (0, 1, 1)
    assert register.rows(Sku, "enabled", "figures_at")[0] == (41, at(2026, 3, 1))
    assert [row[0] for row in register.superseded()] == ["sku", "sku"]  # that nothing was known, then the first figures


def test_a_device_is_found_by_its_name_and_asked_about_when_two_have_it(register: Desk) -> None:
    register.take(
        "devices", "identity,name,kind\nA-1,PC-01,desktop\nA-2,PC-02,desktop\nA-3,pc-03,desktop\nA-4,PC-03,vm"
    )
    register.take("installations", "device,product\npc-01,Visio\nPC-02,Visio\nA-3,Visio")
    assert register.rows(Installation, "device_id") == [(1,), (2,), (3,)]
    (line,) = register.refused("installations", "device,product\nPc-03,Visio")
    assert "2 devices are called Pc-03. Write the identity of the one." in line


def test_one_title_is_not_two_products_in_one_file(register: Desk) -> None:
    register.take("devices", "identity,kind\nL1,laptop\nL2,laptop")
    text = "device,title,product\nL1,Office,Office Standard\nL2,Office,Office Professional"
    assert "row 2 says this title is Office Standard" in register.refused("installations", text)[0]


def test_sessions_meters_invoices_exclusions_and_covers(register: Desk) -> None:
    register.take("people", PEOPLE)
    register.take("devices", DEVICES)
    register.take("contracts", CONTRACTS)
    files = {
        "sessions": """
            product,person,began_at,ended_at
            CAD,ana@example.test,2026-05-01 09:00,2026-05-01T10:30:00+02:00
            CAD,,2026-05-01 09:00,
            CAD,,2026-05-01 09:00,
        """.replace("T10:30:00+02:00", "T12:30:00+02:00"),
        "meters": """
            product,meter,from_on,to_on,units
            Cloud,compute,2026-01-01,2026-01-31,"1,250.5"
            Cloud,storage,2026-01-01,2026-01-31,80
        """,
        "invoices": """
            vendor,number,issued_on,contract,product,quantity,amount,words
            Lumen Resale,R-1,2026-02-01,C-1,CAD,10,"€1,000.00",Seats
            Lumen Resale,R-1,2026-02-01,,Unknown,,-50.00 EUR,
        """,
        "exclusions": """
            product,device,person,site,right,evidence,starts_on,ends_on
            CAD,S1,,,disaster recovery,clause 9,2026-01-01,2026-12-31
            CAD,,ana@example.test,,evaluation,letter,2026-01-01,2026-12-31
            CAD,,,Lyon,training,letter,2026-01-01,2026-12-31
        """,
        "covers": """
            suite,part,covers,source
            Suite,CAD,yes,price list
            Suite,Cloud,no,letter
        """,
    }
    for kind, text in files.items():
        rows = len(text.strip().splitlines()) - 1
        assert counts(register, kind, text) == (rows, 0, 0), kind
        assert counts(register, kind, text) == (0, 0, rows), kind
    assert register.rows(UseSession, "person_id", "ended_at")[0] == (1, datetime(2026, 5, 1, 10, 30, tzinfo=UTC))
    assert register.rows(MeterReading, "meter", "units") == [("compute", Decimal("1250.5")), ("storage", Decimal("80"))]
    assert register.rows(Invoice, "line", "amount", "currency", "words") == [
        (1, Decimal("1000"), "EUR", "Seats"), (2, Decimal("-50"), "EUR", "Unknown"),
    ]  # fmt: skip
    assert register.rows(Exclusion, "device_id", "person_id", "site") == [
        (2, None, ""),
        (None, 1, ""),
        (None, None, "Lyon"),
    ]
    assert register.rows(SuiteCover, "covers", "source") == [(True, "price list"), (False, "letter")]
    assert register.superseded() == []


def test_readings_that_count_a_day_twice_and_exclusions_of_nothing_are_named(register: Desk) -> None:
    head = "product,from_on,to_on,units"
    (line,) = register.refused("meters", f"{head}\nCloud,2026-01-01,2026-01-31,5\nCloud,2026-01-31,2026-02-28,5")
    assert "the reading from 1 Jan 2026 to 31 Jan 2026 has some of these days too" in line
    (line,) = register.refused(
        "exclusions", "product,right,evidence,starts_on,ends_on\nCAD,training,letter,2026-01-01,2026-12-31"
    )
    assert "one device, one person or one site" in line


SNIPEIT = """
    Full Name,Email,Username,Item name,serial number,Category,manufacturer,purchase date,purchase cost,purchase order,\
order number,Licensed To Name,Licensed to Email,expiration date,maintained,reassignable,seats,company,supplier,notes
    Mildred Gibson,m@example.test,mg,Argentum,aaaa1-bbbb2-ccccc,Software,Acme,07/04/2024,$12.58,PO-1,,,,,true,yes,\
3,Ours,Reseller,line
    ,,,Argentum,aaaa1-bbbb2-ccccc,Software,Acme,07/04/2024,$12.58,PO-1,,,,,true,yes,3,Ours,Reseller,line
    ,,,Borum,,Software,Acme,12/31/2025,$5.00,,,,,12/30/2026,,,10,,,
"""


def test_the_licence_file_of_snipe_it(register: Desk) -> None:
    outcome = register.take("snipeit-licences", SNIPEIT)
    assert outcome.counts.new == 2
    assert "1 row named again for another holder, counted once" in outcome.lines
    assert register.rows(
        Entitlement, "quantity", "unit_price", "currency", "kind", "starts_on", "ends_on", "proof"
    ) == [
        (3, Decimal("12.58"), None, "perpetual", date(2024, 7, 4), None, "PO-1"),
        (10, Decimal("5"), None, "subscription", date(2025, 12, 31), date(2026, 12, 30), ""),
    ]
    assert register.rows(ProductKey, "last_five") == [("CCCCC",)]
    with register.database.reading() as connection:
        dump = "\n".join(connection.connection.driver_connection.iterdump())  # type: ignore[union-attr]
    assert "bbbb2" not in dump.lower() and "m@example.test" not in dump
    assert register.take("snipeit-licences", SNIPEIT).counts.unchanged == 2


def test_one_event_says_what_was_imported_and_none_that_nothing_was(register: Desk) -> None:
    register.take("people", PEOPLE)
    register.take("people", PEOPLE)
    (facts,) = map(json.loads, register.events())
    assert {name: facts[name] for name in ("kind", "file", "rows", "new", "changed", "unchanged")} == {
        "kind": "people", "file": "people.csv", "rows": 3, "new": 3, "changed": 0, "unchanged": 0,
    }  # fmt: skip
    assert len(facts["digest"]) == 64


def test_one_row_can_be_typed_with_an_event_of_its_own(register: Desk) -> None:
    register.take("products", "name\nVisio")
    cells = {"reference": "P-1", "product": "Visio", "metric": "user", "quantity": "3", "starts_on": "2026-01-01"}
    for quantity, expected in (("3", (1, 0)), ("3", (0, 0)), ("5", (0, 1))):
        with register.database.unit_of_work() as work:
            typed = cells | {"quantity": quantity}
            found = edit(work, KINDS["entitlements"], typed, "person:1", key=b"k", now=register.now)
            work.commit()
        assert (found.new, found.changed) == expected
    assert register.rows(Entitlement, "quantity") == [(5,)]
    assert len(register.events()) == 3
    with register.database.unit_of_work() as work, pytest.raises(RegisterRefused, match="Seats|quantity"):
        edit(work, KINDS["entitlements"], cells | {"quantity": "-1"}, "person:1", key=b"k", now=register.now)


def test_a_preview_keeps_nothing(register: Desk) -> None:
    before = register.sizes()
    outcome = register.take("entitlements", "product,metric,starts_on\nVisio,user,2026-01-01", keep=False)
    assert outcome.counts.new == 1 and outcome.first[0]["product"] == "Visio"
    assert register.sizes() == before


def test_of_many_bad_rows_fifty_are_listed(register: Desk) -> None:
    rows = "\n".join(f"Visio,user,C-{number},2026-01-01" for number in range(80))
    lines = register.refused("entitlements", f"product,metric,contract,starts_on\n{rows}")
    assert len(lines) == 51 and lines[-1] == "And 30 more."


def at(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


def test_rows_with_wrong_cells_and_rows_that_are_wrong_are_named_in_one_list(register: Desk) -> None:
    with pytest.raises(RegisterRefused) as refused:
        register.take(
            "entitlements",
            "reference,product,metric,quantity,starts_on,ends_on,rights,evidence\n"
            "P-1,Visio,per_potato,1,2026-01-01,,,\n"
            "P-2,Visio,device,1,2026-12-01,2026-01-31,,\n"
            "P-3,Visio,device,1,2026-01-01,,downgrade,",
        )
    lines = refused.value.lines()
    assert [line.partition(":")[0] for line in lines] == ["Row 2, *metric*", "Row 3, *ends_on*", "Row 4, *evidence*"]
    assert register.rows(Entitlement, "id") == []


def test_a_manager_whose_own_row_is_wrong_is_not_called_unknown(register: Desk) -> None:
    with pytest.raises(RegisterRefused) as refused:
        register.take(
            "people",
            "email,name,manager,starts_on\nm@example.test,Mo Park,,2026-02-30\nn@example.test,Nia Holm,m@example.test,",
        )
    assert [line.partition(":")[0] for line in refused.value.lines()] == ["Row 2, *starts_on*"]
