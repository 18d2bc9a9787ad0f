"""JSON of the GLPI agent: a contact, or an inventory that may be partial (inventory_format's inventory.schema.json).

A section that is absent from a partial inventory is unchanged. Never read that as "everything was removed".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workflows.inventory import report
from workflows.inventory.dialects import fusion
from workflows.inventory.report import Report, Unreadable


@dataclass(frozen=True, slots=True)
class Contact:
    """The agent asks what to do; `others` are tasks it has beside the inventory."""

    deviceid: str
    others: tuple[str, ...] = ()


def read(body: Mapping[str, Any], agent: str = "", agent_id: str = "") -> Contact | Report:
    """Read a message that was parsed. Raises Unreadable."""
    action = body.get("action")
    deviceid = report.text(body.get("deviceid"), 200)
    if action == "contact":
        tasks = body.get("installed-tasks")
        names = [report.text(one, 40) for one in tasks[:40]] if isinstance(tasks, list) else []
        return Contact(deviceid, tuple(one for one in names if one and one != "inventory"))
    if action not in (None, "inventory"):
        raise Unreadable(f"The action {report.text(action, 40)!r} is not known here: contact and inventory are.")
    content = body.get("content")
    if not isinstance(content, dict):
        raise Unreadable("The inventory has no content.")
    if not deviceid:
        raise Unreadable("The inventory has no deviceid, so nobody can say which device it is of.")
    if body.get("itemtype", "Computer") != "Computer":
        raise Unreadable("Only inventories of computers are taken.")
    return _report(body, content, deviceid, agent, agent_id)


def _report(body: Mapping[str, Any], content: dict[str, Any], deviceid: str, agent: str, agent_id: str) -> Report:
    hardware, bios, system = (_one(content, name) for name in ("hardware", "bios", "operatingsystem"))
    client = report.text(content.get("versionclient"), 80) or report.text(agent, 80)
    named = fusion.system_name(system.get("full_name") or system.get("name"), system.get("version"))
    processors, cores, threads = fusion.counts(cpus) if (cpus := _rows(content, "cpus")) else (None, None, None)
    zone = system.get("timezone")
    infos, listed = _rows(content, "licenseinfos"), _rows(content, "softwares")
    pairs = [(one.get("fullname") or one.get("name"), one.get("key")) for one in infos or ()]
    if "winprodkey" in hardware:
        pairs.append((named, hardware["winprodkey"]))
    signed_in = _rows(content, "users")
    return Report(
        source="glpi",
        name=report.text(hardware.get("name")) or fusion.hostname(deviceid),
        agent=client,
        agent_id=report.known(agent_id, 200),
        uuid=report.known(hardware.get("uuid")).lower(),
        serial=report.known(bios.get("ssn")),
        deviceid=deviceid,
        kind=report.kind_of(hardware.get("chassis_type"), hardware.get("vmsystem"), named),
        system=named,
        processors=processors,
        cores=cores,
        threads=threads,
        tag=report.text(body.get("tag"), 80),
        users=fusion.users(
            [one.get("login") for one in signed_in or ()],
            hardware.get("lastloggeduser"),
            signed_in is not None,
        ),
        collected=report.when(_one(content, "accesslog").get("logdate")),
        offset=report.text(zone.get("offset"), 6) if isinstance(zone, dict) else "",
        partial=body.get("partial") is True,
        software=None if listed is None else report.software(_software(listed, named)),
        keys=report.keys(pairs) if infos is not None else None,
    )


def _one(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = content.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Unreadable(f"The section {name} is not what the agent's own schema says.")
    return found


def _rows(content: Mapping[str, Any], name: str) -> list[dict[str, Any]] | None:
    """A section that is a list; None when it is absent."""
    found = content.get(name)
    if found is None:
        return None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Unreadable(f"The section {name} is not what the agent's own schema says.")
    return found


def _software(rows: list[dict[str, Any]], system: str) -> Iterator[tuple[Any, Any, Any]]:
    for one in rows:
        if one.get("from") == "deb":
            # a partial inventory may leave the system out; this agent names the distribution itself
            publisher = report.distribution(system) if system else one.get("publisher")
            yield report.package(one.get("name")), publisher, one.get("version")
        else:
            yield one.get("name"), one.get("publisher"), one.get("version")
