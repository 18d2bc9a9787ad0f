"""Intune in the stand-in's tenant: detected software and managed devices, as Graph v1.0 shows them.

Faults of its own: `no_intune` (a tenant without a licence for it) and `empty_devices` (the record counts devices and
its relation lists none, as customers have met it).
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from flask import Flask, Response, request

from sandbox.graph_directory import Directory, iso, stable_id
from sandbox.graph_errors import GraphError, bad_request
from sandbox.graph_http import Context, answer, metadata
from sandbox.graph_users import next_link, read_skip_token, skip_token
from sandbox.store import Document

APP, DEVICE = "graph.detectedApp", "graph.managedDevice"
_PATH = "/deviceManagement/detectedApps"
_MOST = 999
_APP_PROPERTIES = ("id", "displayName", "version", "sizeInByte", "deviceCount", "publisher", "platform")
_DEVICE_PROPERTIES = (
    "id", "userId", "deviceName", "managedDeviceOwnerType", "enrolledDateTime", "lastSyncDateTime", "operatingSystem",
    "osVersion", "emailAddress", "userPrincipalName", "userDisplayName", "serialNumber", "model", "manufacturer",
    "azureADDeviceId",
)  # fmt: skip


def add_device(directory: Directory, name: str, *, user: str = "", serial: str = "", **more: Any) -> str:
    """Enrol a device; `user` is the object id of its primary user. Returns its key."""
    key = stable_id(f"device {name} {serial} {more.get('number', '')}")
    person = directory.store.get("graph.user", user.lower()) if user else None
    properties = person["properties"] if person else {}
    shown: Document = dict.fromkeys(_DEVICE_PROPERTIES, "") | {
        "id": key,
        "deviceName": name,
        "serialNumber": serial,
        "userId": user,
        "userPrincipalName": properties.get("userPrincipalName", ""),
        "userDisplayName": properties.get("displayName", ""),
        "managedDeviceOwnerType": "company",
        "enrolledDateTime": iso(directory.clock.now()),
        "lastSyncDateTime": iso(directory.clock.now()),
        "operatingSystem": "Windows",
        "osVersion": "10.0.26100.2314",
        "azureADDeviceId": stable_id(f"entra {key}"),
    }
    directory.store.put(DEVICE, key, shown | {name: value for name, value in more.items() if name in shown})
    return key


def remove_device(directory: Directory, key: str) -> None:
    """Take a device out of management; nothing is detected on it any more."""
    with directory.store.lock:
        directory.store.drop(DEVICE, key)
        for app in directory.store.all(APP):
            detect(directory, app["displayName"], app["version"], [one for one in app["on"] if one != key], like=app)


def detect(
    directory: Directory,
    name: str,
    version: str,
    devices: list[str],
    *,
    publisher: str = "",
    platform: str = "windows",
    like: Document | None = None,
) -> str:
    """Say on which devices a name and version is; a record without devices is gone. Returns its key."""
    publisher, platform = (like["publisher"], like["platform"]) if like else (publisher, platform)
    key = hashlib.sha256(f"{name}|{version}|{publisher}|{platform}".encode()).hexdigest()  # no GUID, as Intune's own
    if not devices:
        directory.store.drop(APP, key)
        return key
    shown = {
        "id": key,
        "displayName": name,
        "version": version,
        "sizeInByte": 0,
        "publisher": publisher,
        "platform": platform,
        "on": list(dict.fromkeys(devices)),
    }
    directory.store.put(APP, key, shown)
    return key


def install(app: Flask, context: Context) -> None:
    store = context.directory.store

    @app.get(f"/v1.0{_PATH}")
    def detected_apps() -> Response:
        _open(context)
        names = _selected(_APP_PROPERTIES)
        rows = {str(one["id"]): one | {"deviceCount": len(one["on"])} for one in store.all(APP)}
        return _page(context, rows, names, _PATH, "deviceManagement/detectedApps")

    @app.get(f"/v1.0{_PATH}/<app_id>/managedDevices")
    def managed_devices(app_id: str) -> Response:
        _open(context)
        names = _selected(_DEVICE_PROPERTIES)
        found = store.get(APP, app_id)
        if found is None:
            raise GraphError(404, "ResourceNotFound", "The detected app was not found.")  # wording ours
        keys = [] if context.fault("empty_devices") else found["on"]
        rows = {key: device for key in keys if (device := store.get(DEVICE, key)) is not None}
        path = f"{_PATH}/{app_id}/managedDevices"
        return _page(context, rows, names, path, "deviceManagement/managedDevices")


def _open(context: Context) -> None:
    """Intune answers with an error shape of its own inside Graph's. Wording ours, after what people report of it."""
    if not context.may("devices"):
        text = "Application is not authorized to perform this operation. Application must have one of the following "
        raise GraphError(403, "Forbidden", _wrapped(f"{text}scopes: DeviceManagementManagedDevices.Read.All"))
    if context.fault("no_intune"):
        raise GraphError(400, "BadRequest", _wrapped("Request not applicable to target tenant."))


def _wrapped(message: str) -> str:
    return f'{{"_version":3,"Message":"{message} - Operation ID (for customer support): 0"}}'


def _selected(known: tuple[str, ...]) -> tuple[str, ...]:
    raw = request.args.get("$select")
    if raw is None:
        return known
    wanted = [name.strip() for name in raw.split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in known]:
        raise bad_request(f"Parsing OData Select and Expand failed: Could not find a property named '{unknown[0]}'.")
    return tuple(dict.fromkeys(["id", *wanted]))


def _page(context: Context, rows: dict[str, Document], names: tuple[str, ...], path: str, what: str) -> Response:
    top = request.args.get("$top", "")
    if top and not re.fullmatch(r"[1-9]\d{0,5}", top):
        raise bad_request("Invalid value for $top.", "BadRequest")
    size = min(int(top), _MOST) if top else context.page_size
    keys = list(rows)
    start = read_skip_token(keys)
    if context.fault("empty_page"):
        size = 0
    end = start + size
    body: Document = {"@odata.context": metadata(what)}
    body["value"] = [{name: rows[key].get(name) for name in names} for key in keys[start:end]]
    if end < len(keys):
        body["@odata.nextLink"] = next_link(skip_token(end, keys[end - 1] if end else ""), path)
    return answer(body)
