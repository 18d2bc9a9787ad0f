"""XML of FusionInventory, of OCS Inventory and of the GLPI agent in its older mode: REQUEST with QUERY and CONTENT.

They differ in names of cells (ARCH and ARCHITECTURE, CORE and CORES) and in what they say of a Debian package's
publisher. Product keys stand in LICENSEINFOS and HARDWARE/WINPRODKEY.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workflows.inventory import report
from workflows.inventory.dialects import markup
from workflows.inventory.report import Report, Unreadable

#: What is read of an inventory; printers, drives, networks and all else are looked past.
_KEPT = frozenset(
    {
        "ACCESSLOG",
        "ACCOUNTINFO",
        "BIOS",
        "CPUS",
        "HARDWARE",
        "LICENSEINFOS",
        "OPERATINGSYSTEM",
        "SOFTWARES",
        "USERS",
        "VERSIONCLIENT",
    }
)


@dataclass(frozen=True, slots=True)
class Request:
    """One message: what is asked ("PROLOG", "INVENTORY" …), and the report where there is one."""

    query: str
    deviceid: str
    report: Report | None = None


def read(text: bytes, agent: str = "", agent_id: str = "") -> Request:
    """Read a message; `agent` is the User-Agent header, `agent_id` that of GLPI-Agent-ID. Raises Unreadable."""
    root, head, found = markup.read(text, _KEPT)
    if root != "REQUEST":
        raise Unreadable(f"The message begins with {report.text(root, 40)}, and an agent's begins with REQUEST.")
    query, deviceid = head.get("QUERY", "").upper(), report.text(head.get("DEVICEID"), 200)
    if not query:
        raise Unreadable("The message has no QUERY: it should say PROLOG or INVENTORY.")
    if query != "INVENTORY":
        return Request(report.text(query, 40), deviceid)
    if not deviceid:
        raise Unreadable("The inventory has no DEVICEID, so nobody can say which device it is of.")
    made = _report(found, found.get("SOFTWARES"), deviceid, agent, agent_id)
    return Request(query, deviceid, made)


def _report(
    found: dict[str, list[dict[str, str]]], rows: list[dict[str, str]] | None, deviceid: str, agent: str, agent_id: str
) -> Report:
    def first(name: str) -> dict[str, str]:
        return found.get(name, [{}])[0]

    hardware, bios, system = first("HARDWARE"), first("BIOS"), first("OPERATINGSYSTEM")
    client = report.text(first("VERSIONCLIENT").get(""), 80) or report.text(agent, 80)
    named = system_name(system.get("FULL_NAME") or hardware.get("OSNAME"), system.get("VERSION"))
    cpus = found.get("CPUS")
    processors, cores, threads = (None, None, None) if not cpus else counts([_cpu(one) for one in cpus])
    if processors is None:
        processors = report.whole(hardware.get("PROCESSORN"))
    log = first("ACCESSLOG").get("LOGDATE")
    pairs = [(one.get("FULLNAME") or one.get("NAME"), one.get("KEY")) for one in found.get("LICENSEINFOS", ())]
    if "WINPRODKEY" in hardware:
        pairs.append((hardware.get("OSNAME"), hardware["WINPRODKEY"]))
    return Report(
        source=source_of(client),
        name=report.text(hardware.get("NAME")) or hostname(deviceid),
        agent=client,
        agent_id=report.known(agent_id, 200),
        uuid=report.known(hardware.get("UUID")).lower(),
        serial=report.known(bios.get("SSN")),
        deviceid=deviceid,
        kind=report.kind_of(hardware.get("CHASSIS_TYPE") or bios.get("TYPE"), hardware.get("VMSYSTEM"), named),
        system=named,
        processors=processors,
        cores=cores,
        threads=threads,
        tag=next(
            (
                report.text(one.get("KEYVALUE"), 80)
                for one in found.get("ACCOUNTINFO", ())
                if one.get("KEYNAME") == "TAG"
            ),
            "",
        ),
        users=users(
            [one.get("LOGIN") for one in found.get("USERS", ())], hardware.get("LASTLOGGEDUSER"), "HARDWARE" in found
        ),
        collected=report.when(log),
        offset=report.text(system.get("TIMEZONE.OFFSET"), 6),
        software=None if rows is None else report.software(_title(one, named) for one in rows),
        keys=report.keys(pairs) if pairs or cpus else None,
    )


def _title(row: dict[str, str], system: str) -> tuple[Any, Any, Any]:
    if row.get("FROM") == "deb":
        return report.package(row.get("NAME")), report.distribution(system), row.get("VERSION")
    return row.get("NAME"), row.get("PUBLISHER"), row.get("VERSION")


def _cpu(cells: dict[str, str]) -> dict[str, Any]:
    return {
        "core": cells.get("CORE") or cells.get("CORES"),
        "thread": cells.get("THREAD") or cells.get("LOGICAL_CPUS"),
        "corecount": cells.get("CORECOUNT"),
    }


def counts(cpus: list[dict[str, Any]]) -> tuple[int, int | None, int | None]:
    """Processors, cores and threads of the whole machine; a processor that hides its cores makes them unknown."""
    cores = [report.whole(one.get("core") or one.get("corecount"), 4096) for one in cpus]
    threads = [
        # some agents say threads of the processor, some threads of a core
        found * own if (found := report.whole(one.get("thread"), 8192)) and own and found < own else found
        for one, own in zip(cpus, cores, strict=True)
    ]
    return (
        len(cpus),
        None if None in cores else sum(one for one in cores if one),
        None if None in threads else sum(one for one in threads if one),
    )


def system_name(name: Any, version: Any) -> str:
    """Operating system and version, the version once: "Debian GNU/Linux 12 (bookworm) 12.11"."""
    line, number = report.text(name, 120), report.text(version, 38)
    return line if not number or number in line else f"{line} {number}".strip()


def users(logins: list[Any], last: Any, said: bool) -> tuple[str, ...] | None:
    """Who was signed in, else who was last; None when the agent said nothing of either."""
    found = dict.fromkeys(name for one in logins if (name := report.text(one, 120)))
    if not found and (name := report.text(last, 120)):
        found[name] = None
    return tuple(found) if found or said else None


def hostname(deviceid: str) -> str:
    """The name in a DEVICEID: "pc-0001" of "pc-0001-2026-01-15-08-30-00"."""
    parts = deviceid.rsplit("-", 6)
    is_dated = len(parts) == 7 and all(one.isdigit() for one in parts[1:])
    return parts[0][: report.NAME] if is_dated and parts[0] else deviceid[: report.NAME]


def source_of(agent: str) -> str:
    """The source an agent belongs to, by how it calls itself."""
    name = agent.casefold()
    if name.startswith("glpi"):
        return "glpi"
    return "ocs" if name.startswith("ocs") else "fusioninventory"
