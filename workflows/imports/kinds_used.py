"""Files of who and what uses: people, devices, seats, installations, sessions, meters."""

from __future__ import annotations

from licensing import cells
from licensing.cells import Cell, Format, Unreadable
from workflows.imports import vocabulary as words
from workflows.imports.columns import Column, Kind, email, from_one, text, yes_no
from workflows.imports.vocabulary import RECORDED
from workflows.register.devices import put_devices
from workflows.register.installations import put_installations
from workflows.register.people import put_people
from workflows.register.seats import put_seats
from workflows.register.uses import put_meters, put_sessions

_PERSON = ("user", "email", "e-mail", "holder", "assigned to", "user principal name", "person email")
_DEVICE = (
    "resource id",
    "netbios_name0",
    "computer",
    "computer name",
    "hostname",
    "host name",
    "machine",
    "asset",
    "device name",
    "identity",
)
_PRODUCT = ("software", "product name", "application", "licence", "license")
_BEGAN = (
    "start",
    "start date",
    "since",
    "from",
    "began",
    "assigned on",
    "install date",
    "installdate0",
    "installed on",
    "first seen",
)
_ENDED = ("end", "end date", "until", "ended", "removed on", "uninstalled on")
_LAST_USED = ("last used", "last use", "last activity", "last activity date", "last sign-in", "last login")

PEOPLE = Kind(
    "people",
    "People, where no directory is read, and what only the register knows of the others.",
    (
        Column(
            "email",
            email,
            "E-mail address, by which everything else names the person.",
            ("e-mail", "mail", "email address", "user principal name"),
            True,
        ),
        Column("name", text(256), "Full name.", ("full name", "display name"), True),
        Column(
            "manager",
            email,
            "E-mail address of their manager, in the register or in this file.",
            ("manager email", "reports to"),
        ),
        Column("department", text(120), "Department.", ("team",)),
        Column("cost_centre", text(64), "Who pays for their seats.", ("cost center",)),
        Column("country", words.country, "ISO 3166-1, two letters.", ("country code",)),
        Column("time_zone", words.zone, "For example Europe/Paris.", ("timezone",)),
        Column("job_title", text(120), "Job title.", ("title", "position")),
        Column("employment", words.EMPLOYMENTS, "employee, contractor or guest.", ("employment type",)),
        Column("usage_location", words.country, "Where Microsoft 365 is used, two letters."),
        Column("starts_on", cells.day, "First day.", ("hire date", "start date", "joined on")),
        Column(
            "leaves_on",
            cells.day,
            "Last day; seats held after it are held by a leaver.",
            ("leave date", "end date", "left on"),
        ),
        Column("active", yes_no, "Whether they are here; empty follows from leaves_on.", ("enabled",)),
        RECORDED,
    ),
    put_people,
)


DEVICES = Kind(
    "devices",
    "Devices: what can carry software, whose it is, how many cores it has.",
    (
        Column(
            "identity",
            text(128),
            "What tells it from all others; empty is its name.",
            ("device", "device id", "asset tag", "uuid"),
        ),
        Column(
            "name",
            text(256),
            "What people call it.",
            ("hostname", "host name", "computer", "computer name", "device name"),
        ),
        Column("kind", words.DEVICES, "desktop, portable, server or virtual.", ("type", "device type"), True),
        Column(
            "person",
            email,
            "E-mail address of its person; empty where it has none.",
            ("user", "owner", "assigned to", "primary user", "email"),
        ),
        Column("person_source", text(40), "How the person is known; empty is import."),
        Column("site", text(120), "Where it stands.", ("location", "office")),
        Column("processors", from_one, "Physical processors.", ("sockets", "cpus", "processor count")),
        Column(
            "cores",
            from_one,
            "Physical cores of the whole machine; a virtual machine's own.",
            ("physical cores", "core count"),
        ),
        Column("threads", from_one, "Threads of the whole machine.", ("logical processors",)),
        Column("host", text(128), "Identity of the machine a virtual one runs on.", ("host device", "hypervisor")),
        Column("state", words.STATES, "live, stale or retired; stale ones count.", ("status",)),
        Column("retired_on", cells.day, "The day it was retired; it counts up to, not on, that day.", ("disposed on",)),
        Column("retired_by", email, "E-mail address of the person who retired it."),
        Column(
            "since",
            cells.day,
            "First day for which this row is true; a later one than before is a change, else it is a correction.",
            ("effective from", "valid from"),
        ),
        Column(
            "last_seen_at",
            cells.instant,
            "When it last reported.",
            ("last seen", "last report", "last contact", "last check-in"),
        ),
        Column("system", text(160), "Operating system and version.", ("os", "operating system")),
        Column("serial", text(128), "Serial number of the machine.", ("serial number",)),
        RECORDED,
    ),
    put_devices,
    own_fields=True,
)

SEATS = Kind(
    "seats",
    "Seats that people hold, in products whose vendor is not read.",
    (
        Column("product", text(200), "The product's name or key; a new one is made.", _PRODUCT, True),
        Column("tier", text(80), "Its tier, where it has several.", ("plan",)),
        Column("person", email, "E-mail address of the holder.", _PERSON, True),
        Column("began_on", cells.day, "First day; empty is the day it was recorded.", _BEGAN),
        Column("ended_on", cells.day, "The day it ended; it counts up to, not on, that day.", _ENDED),
        Column("until_on", cells.day, "Last day agreed by the approver.", ("agreed until",)),
        Column("last_used_on", cells.day, "The last day of use; without it idleness is unknown.", _LAST_USED),
        Column("path", text(100), "direct, or group:NAME; empty is direct.", ("assigned by",)),
        Column("authorised_by", words.AUTHORISED, "request, baseline, exception or nothing.", ("authorized by",)),
        RECORDED,
    ),
    put_seats,
)

INSTALLATIONS = Kind(
    "installations",
    "Installations: a title on a device, from a scanner's export or by hand.",
    (
        Column("device", text(256), "Identity or name of the device.", _DEVICE, True),
        Column(
            "title",
            text(500),
            "The name as the device reports it, or fill product.",
            ("display name", "displayname", "displayname0", "raw title", "software name", "name", "software"),
        ),
        Column(
            "product", text(200), "The product's name or key, where it is known; a new one is made.", ("product name",)
        ),
        Column(
            "may_be",
            text(200),
            "The product it may be, where nobody decided yet; the position then shows up to + n.",
            ("candidate", "may be product"),
        ),
        Column("publisher", text(300), "The publisher as reported.", ("publisher0", "vendor", "manufacturer")),
        Column("version", text(120), "The version as reported.", ("display version", "displayversion", "version0")),
        Column("began_on", cells.day, "First day; empty is the day it was recorded.", _BEGAN),
        Column("ended_on", cells.day, "The day it was gone; it counts up to, not on, that day.", _ENDED),
        Column(
            "last_used_on",
            cells.day,
            "The last day of use; without it idleness is unknown.",
            (*_LAST_USED, "last opened"),
        ),
        Column("source", text(40), "Where the row comes from; empty is import.", ("scanner",)),
        Column("authorised_by", words.AUTHORISED, "request, baseline, exception or nothing.", ("authorized by",)),
        RECORDED,
    ),
    put_installations,
)

SESSIONS = Kind(
    "sessions",
    "Sessions of products that are counted by their highest overlap.",
    (
        Column("product", text(200), "The product's name or key; a new one is made.", _PRODUCT, True),
        Column("person", email, "E-mail address of who used it.", _PERSON),
        Column("device", text(256), "Identity or name of the device.", _DEVICE),
        Column(
            "began_at",
            cells.instant,
            "When it began: 2026-05-01 09:00, UTC unless a zone is written.",
            ("start", "begin", "checkout", "started at", "start time"),
            True,
        ),
        Column(
            "ended_at",
            cells.instant,
            "When it ended; it counts up to, not at, that instant. Empty is still running.",
            ("end", "checkin", "stop", "end time"),
        ),
        Column(
            "reference", text(160), "The source's own number; empty is who, where and when.", ("session id", "session")
        ),
        RECORDED,
    ),
    put_sessions,
)


def units(cell: Cell, form: Format) -> object:
    """Units used up: a number, none below zero, with at most four decimals."""
    value = cells.number(cell, form)
    if value < 0:
        raise Unreadable(f"{cells.shown(cell)} is below zero")
    return cells.storable(value, cell)


METERS = Kind(
    "meters",
    "Readings of meters: units used up in a period.",
    (
        Column("product", text(200), "The product's name or key; a new one is made.", _PRODUCT, True),
        Column("meter", text(120), "Which meter, where the product has several.", ("meter name",)),
        Column("from_on", cells.day, "First day of the period.", ("from", "start", "period from", "starts_on"), True),
        Column(
            "to_on", cells.day, "Last day of the period, counted.", ("to", "end", "until", "period to", "ends_on"), True
        ),
        Column("units", units, "Units used up.", ("quantity", "usage", "consumed", "amount"), True),
        RECORDED,
    ),
    put_meters,
)

USED = (PEOPLE, DEVICES, SEATS, INSTALLATIONS, SESSIONS, METERS)
