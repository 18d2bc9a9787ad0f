"""Graph's error shape and the permission table: who may call what, as application permissions.

Messages are Microsoft's own where a capture or a page shows them. Where none was found the comment says "wording ours";
callers must branch on status and code anyway, because Microsoft says messages are no contract.
"""

from __future__ import annotations

import uuid
from typing import Any


class GraphError(Exception):
    """One failed call: HTTP status, `error.code`, `error.message`, and headers that go with it."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: dict[str, str] | None = None,
        details: list[dict[str, str]] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.headers = headers or {}
        self.details = details or []

    def body(self, now: str, request_id: str, client_request_id: str) -> dict[str, Any]:
        """The JSON answer; `now` carries no zone, as Graph's own does not."""
        inner = {"date": now, "request-id": request_id, "client-request-id": client_request_id}
        error: dict[str, Any] = {"code": self.code, "message": self.message, "innerError": inner}
        if self.details:
            error["details"] = self.details
        return {"error": error}


def bad_request(message: str, code: str = "Request_BadRequest", **more: Any) -> GraphError:
    return GraphError(400, code, message, **more)


def denied() -> GraphError:
    return GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def gone(resource: str) -> GraphError:
    """The 404 of the directory; also the normal answer for a person without a manager."""
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{resource}' does not exist or one of its queried reference-property objects are not present.",
    )


def unsupported(message: str) -> GraphError:
    return GraphError(400, "Request_UnsupportedQuery", message)


_DIRECTORY_READ = ("Directory.Read.All", "Directory.ReadWrite.All")
_USERS_READ = ("User.Read.All", "User.ReadWrite.All", *_DIRECTORY_READ)
_GROUPS_READ = ("Group.Read.All", "Group.ReadWrite.All", *_DIRECTORY_READ)
_MEMBERS_READ = ("GroupMember.Read.All", "GroupMember.ReadWrite.All", *_GROUPS_READ)
_MEMBERS_WRITE = ("GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All")

ACCEPTED: dict[str, tuple[str, ...]] = {
    "skus": (
        "LicenseAssignment.Read.All",
        "LicenseAssignment.ReadWrite.All",
        "Organization.Read.All",
        "Organization.ReadWrite.All",
        *_DIRECTORY_READ,
    ),
    "users.basic": ("User.ReadBasic.All", *_USERS_READ),
    "users": _USERS_READ,
    "signin": ("AuditLog.Read.All",),
    "licences": ("LicenseAssignment.Read.All", "LicenseAssignment.ReadWrite.All", *_USERS_READ),
    "assign": ("LicenseAssignment.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"),
    "reprocess": ("User.ReadWrite.All", "Directory.ReadWrite.All"),
    "users.delete": ("User.ReadWrite.All",),
    "groups": ("Group.ReadBasic.All", *_MEMBERS_READ),
    "members": _MEMBERS_READ,
    "members.write": _MEMBERS_WRITE,
    # Stricter than Microsoft on purpose: there the app must also be allowed to manage people. Here whoever may change
    # members can make the mistake, so that a missing `/$ref` costs a person in a test and not at a customer.
    "members.destroy": (*_MEMBERS_WRITE, "User.ReadWrite.All"),
    "subscriptions": ("Organization.Read.All", "Organization.ReadWrite.All", *_DIRECTORY_READ),
    "reports": ("Reports.Read.All",),
    "report_settings": ("ReportSettings.Read.All", "ReportSettings.ReadWrite.All"),
    "devices": ("DeviceManagementManagedDevices.Read.All", "DeviceManagementManagedDevices.ReadWrite.All"),
    "apps": ("Application.Read.All", "Application.ReadWrite.All", *_DIRECTORY_READ),
}

GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"

_ROLE_IDS = {
    "Application.Read.All": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
    "AuditLog.Read.All": "b0afded3-3588-46d8-8b3d-9842eff778da",
    "Directory.Read.All": "7ab1d382-f21e-4acd-a863-ba3e13f7da61",
    "Directory.ReadWrite.All": "19dbc75e-c2e2-444c-a770-ec69d8559fc7",
    "Group.Read.All": "5b567255-7703-4780-807c-7be8301ae99b",
    "Group.ReadWrite.All": "62a82d76-70ea-41e2-9197-370581804d09",
    "GroupMember.Read.All": "98830695-27a2-44f7-8c18-0c3ebc9698f6",
    "GroupMember.ReadWrite.All": "dbaae8cf-10b5-4b86-a4a1-f871c94c6695",
    "Organization.Read.All": "498476ce-e0fe-48b0-b801-37ba7e2685c6",
    "Reports.Read.All": "230c1aed-a721-4c5d-9cb4-a90514e508ef",
    "User.Read.All": "df021288-bdef-4463-88db-98f22de89214",
    "User.ReadWrite.All": "741f803b-c850-494e-b5df-cde7c675a1ca",
}


def role_id(permission: str) -> str:
    """The app role's GUID: Microsoft's where known, else one made from the name. Read names from `appRoles` instead."""
    return _ROLE_IDS.get(permission) or str(uuid.uuid5(uuid.NAMESPACE_DNS, f"role.{permission}"))


def known_permissions() -> list[str]:
    """Every permission any call of the stand-in looks at."""
    return sorted({name for names in ACCEPTED.values() for name in names})
