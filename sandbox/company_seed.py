"""Puts the invented company into the three stand-ins: the same people everywhere, each system with what it knows.

Every row has a fixed id, so filling a stand-in a second time changes nothing.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sandbox import bills
from sandbox.company import CHANNELS, NAME, Company, Staff
from sandbox.graph_directory import Directory
from sandbox.inventory import Inventory
from sandbox.servicenow import add_catalog_item, add_group, add_user
from sandbox.servicenow_records import Instance
from sandbox.slack import SlackStandIn

#: Groups of ServiceNow that policy and the catalogue speak of.
SOFTWARE_GROUP = "Software"
PURCHASING_GROUP = "Purchasing"
#: What an order carries: Seatkeeper's key, by which a lost order is found again, and words for the one who fulfils it.
ORDER_FORM = (
    ("seatkeeper_key", "Seatkeeper key", False),
    ("seatkeeper_ref", "In short", False),
    ("short_description", "Title", False),
    ("details", "Details", False),
)
_EMPLOYEE_TYPES = {"employee": "Employee", "contractor": "Contractor", "guest": None}


def channel_id(name: str) -> str:
    """The id of a channel, for example C0ITALERTS."""
    return f"C0{name.replace('-', '').upper()}"


#: A product with a report of its own, and the service whose date in that report says when somebody used it.
_OWN_REPORT = {"microsoft-copilot": "Copilot Chat"}


def fill_graph(directory: Directory, company: Company, inventory: Inventory) -> None:
    """SKUs with their purchases, people with managers, seats and what they used last, and groups."""
    used: dict[str, dict[str, str]] = defaultdict(dict)
    for name, holder, day in sorted(inventory.used, key=lambda one: one[2]):
        if name in _OWN_REPORT:
            used[holder][_OWN_REPORT[name]] = day.isoformat()
    ends = {contract.number: contract.ends_on for contract in company.contracts}
    trials = bills.trials(company.day)
    for product in company.products.values():
        for tier in product.tiers if product.from_microsoft else ():
            assert tier.sku_id is not None and tier.bought is not None  # noqa: S101  the tables say so, and a test
            end = ends.get(product.contract or "")
            renewal: dict[str, Any] = {"nextLifecycleDateTime": _midnight(end + timedelta(days=1))} if end else {}
            if tier.part in trials:
                renewal = {"nextLifecycleDateTime": _midnight(trials[tier.part]), "isTrial": True}
            directory.add_sku(tier.sku_id, tier.bought, subscriptions=(renewal,))
    for person in company.people.values():
        _add_person(directory, company, person, inventory.signed_in.get(person.key), used[person.key])
    for person in company.people.values():
        if person.manager is not None:
            directory.set_manager(person.directory_id, company.people[person.manager].directory_id)
    for group in company.groups:
        directory.add_group(
            group.name,
            id=group.id,
            licences=group.licences,
            members=[company.people[key].directory_id for key in group.members],
        )


def _add_person(
    directory: Directory, company: Company, person: Staff, signed_in: date | None, used: dict[str, str]
) -> None:
    seats = [
        tier.sku_id
        for product, tier in company.holdings(person.key)
        if product.granting == "graph_direct" and tier.sku_id is not None
    ]
    seen = signed_in or _last_seen(company, person)
    properties: dict[str, Any] = {
        "mail": person.email,
        "accountEnabled": not person.left,
        "userType": "Guest" if person.employment == "guest" else "Member",
        "usageLocation": person.usage_location,
        "country": person.country,
        "department": person.department,
        "jobTitle": person.title,
        "companyName": NAME if person.employment != "guest" else "Partner",
        "officeLocation": person.office,
        "employeeType": _EMPLOYEE_TYPES[person.employment],
        "employeeOrgData": {"costCenter": person.department, "division": NAME},
        "employeeHireDate": _midnight(person.starts_on) if person.starts_on else None,
        "employeeLeaveDateTime": _midnight(person.leaves_on) if person.leaves_on else None,
    }
    directory.add_user(
        person.user_principal_name,
        person.name,
        id=person.directory_id,
        seats=seats,
        sign_in={"lastSignInDateTime": _midnight(seen), "lastSuccessfulSignInDateTime": _midnight(seen)},
        usage={service: seen.isoformat() for service in ("Exchange", "OneDrive", "Teams")} | used,
        goes_on=True,
        **properties,
    )


def _last_seen(company: Company, person: Staff) -> date:
    """The day before yesterday or a little earlier; for the absent and for those who left, their last day at work."""
    if person.left and person.leaves_on is not None:
        return person.leaves_on
    if person.absent_from is not None and person.absent_from <= company.day:
        return person.absent_from - timedelta(days=3)
    return company.day - timedelta(days=2 + zlib.crc32(person.key.encode()) % 4)


def _midnight(day: date) -> str:
    return datetime.combine(day, time(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def fill_slack(slack: SlackStandIn, company: Company) -> None:
    """Accounts of everybody who has one, and the channels with the bot in them."""
    members = [person for person in company.people.values() if person.slack_id is not None]
    for person in members:
        handle = person.email.partition("@")[0]
        slack.add_user(
            str(person.slack_id), handle, person.name, person.email, person.time_zone, person.title, deleted=person.left
        )
    present = [str(person.slack_id) for person in members if not person.left]
    desk = [str(person.slack_id) for person in members if person.department in ("IT", "Procurement", "Finance")]
    for name in CHANNELS:
        slack.add_channel(channel_id(name), name, present if name in ("licences", "it-help") else desk)


def fill_servicenow(instance: Instance, company: Company) -> None:
    """People with their managers, two groups, and catalogue items that give a seat or buy one."""
    known: dict[str, str] = {}
    for person in company.people.values():  # managers come before those they lead
        if not person.in_servicenow:
            continue
        known[person.key] = add_user(
            instance,
            person.email.partition("@")[0],
            name=person.name,
            email=person.email,
            active=not person.left,
            manager=known.get(person.manager or "", ""),
            department=person.department,
            title=person.title,
            time_zone=person.time_zone,
        )
    software = add_group(instance, SOFTWARE_GROUP, description="Gives and takes back software", manager=known["eli"])
    buyers = add_group(instance, PURCHASING_GROUP, description="Orders from vendors", manager=known["goran"])
    for product in company.products.values():
        if product.order_name is not None:
            _add_item(instance, product.order_name, software, f"Give a seat in {product.name}")
        if product.purchase_name is not None:
            _add_item(instance, product.purchase_name, buyers, f"Order one seat of {product.name}")
    for name, words in (
        ("Software: something new", "Buy software the company does not own yet"),
        ("Software: any purchase", "Order more of what the company has"),
    ):
        add_catalog_item(instance, name, short_description=words, variables=ORDER_FORM, group=buyers)


def _add_item(instance: Instance, name: str, group: str, words: str) -> None:
    add_catalog_item(
        instance,
        name,
        short_description=words[:160],
        description=words,
        variables=ORDER_FORM,
        tasks=(words[:120],),
        group=group,
    )
