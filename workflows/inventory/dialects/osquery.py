"""JSON of osquery, and of Fleet which manages it.

osquery: an object of query results by table, `{"system_info": [{…}], "os_version": [{…}], "programs": [{…}]}`. Fleet:
the answer of `GET /api/v1/fleet/hosts/:id`, `{"host": {…, "software": [{…}]}}`. Both list everything they list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workflows.inventory import report
from workflows.inventory.dialects import fusion
from workflows.inventory.report import Report, Unreadable

#: Tables that list software, with the columns of name and publisher; packages of a distribution have its name.
TABLES = {
    "programs": ("name", "publisher"),
    "apps": ("name", ""),
    "deb_packages": ("name", ""),
    "rpm_packages": ("name", "vendor"),
}


def is_osquery(body: Mapping[str, Any]) -> bool:
    """Whether these are results of osquery."""
    return isinstance(body.get("system_info"), list)


def is_fleet(body: Mapping[str, Any]) -> bool:
    """Whether this is a host of Fleet."""
    return isinstance(body.get("host"), dict)


def read(body: Mapping[str, Any]) -> Report:
    """Results of osquery for one machine. Raises Unreadable."""
    info, system = _first(body, "system_info"), _first(body, "os_version")
    named = fusion.system_name(system.get("name"), system.get("version"))
    name = report.text(info.get("computer_name")) or report.text(info.get("hostname"))
    uuid = report.known(info.get("uuid")).lower()
    if not name or not (uuid or report.known(info.get("hardware_serial"))):
        raise Unreadable("The results have no system_info with a name and a uuid or serial: which machine is it?")
    listed = [one for one in TABLES if isinstance(body.get(one), list)]
    signed_in = body.get("logged_in_users")
    return Report(
        source="osquery",
        name=name,
        agent=f"osquery {report.text(_first(body, 'osquery_info').get('version'), 40)}".strip(),
        uuid=uuid,
        serial=report.known(info.get("hardware_serial")),
        system=named,
        kind=report.kind_of("", "", named),
        processors=report.whole(info.get("cpu_sockets")),
        cores=report.whole(info.get("cpu_physical_cores")),
        threads=report.whole(info.get("cpu_logical_cores")),
        users=fusion.users([one.get("user") for one in _rows(body, "logged_in_users")], "", True)
        if isinstance(signed_in, list)
        else None,
        software=report.software(_listed(body, listed, named)) if listed else None,
    )


def fleet(body: Mapping[str, Any]) -> Report:
    """A host as Fleet's API answers it. Raises Unreadable."""
    host = body["host"]
    uuid, serial = report.known(host.get("uuid")).lower(), report.known(host.get("hardware_serial"))
    name = report.text(host.get("computer_name")) or report.text(host.get("hostname"))
    if not name or not (uuid or serial):
        raise Unreadable("The host has no name, or neither a uuid nor a hardware_serial: which machine is it?")
    named = report.text(host.get("os_version"), 160)
    listed = host.get("software")
    if listed is not None and not (isinstance(listed, list) and all(isinstance(one, dict) for one in listed)):
        raise Unreadable("The host's software is not the list that Fleet documents.")
    return Report(
        source="fleet",
        name=name,
        agent=f"osquery {report.text(host.get('osquery_version'), 40)}".strip(),
        uuid=uuid,
        serial=serial,
        system=named,
        kind=report.kind_of("", "", named),
        cores=report.whole(host.get("cpu_physical_cores")),
        threads=report.whole(host.get("cpu_logical_cores")),
        tag=report.text(host.get("team_name"), 80),
        collected=report.when(host.get("software_updated_at") or host.get("detail_updated_at")),
        offset="+0000",
        software=None if listed is None else report.software(_of_fleet(listed, named)),
    )


def _first(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return next(iter(_rows(body, name)), {})


def _rows(body: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = body.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Unreadable(f"The results of {name} are not a list of rows.")
    return found


def _listed(body: Mapping[str, Any], tables: list[str], system: str) -> Iterator[tuple[Any, Any, Any]]:
    for table in tables:
        name, publisher = TABLES[table]
        for row in _rows(body, table):
            title = row.get(name)
            if table == "apps":
                title = row.get("display_name") or str(title or "").removesuffix(".app")
            elif table == "deb_packages":
                title = report.package(title)
            version = row.get("version") or row.get("bundle_short_version")
            given = report.distribution(system) if table == "deb_packages" else row.get(publisher)
            yield title, given, version


def _of_fleet(rows: list[dict[str, Any]], system: str) -> Iterator[tuple[Any, Any, Any]]:
    for row in rows:
        if row.get("source") in ("chrome_extensions", "firefox_addons", "ie_extensions", "vscode_extensions"):
            continue  # extensions of a browser need no licence of their own
        given = report.distribution(system) if row.get("source") == "deb_packages" else row.get("vendor")
        versions = [one.get("version") for one in row.get("installed_versions") or () if isinstance(one, dict)]
        for version in versions or [row.get("version")]:
            yield str(row.get("name") or "").removesuffix(".app"), given, version
