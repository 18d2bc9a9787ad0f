"""Usage reports: a 302 to a second address that refuses the token, a BOM, names that may be hidden, dates that lag."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import secrets
from datetime import date, timedelta
from typing import Any

from flask import Flask, Response, request

from sandbox.graph_directory import SKU, USER, assigned_licences
from sandbox.graph_errors import bad_request
from sandbox.graph_http import Context, answer, metadata
from sandbox.store import Document

_CALL = re.compile(r"(?P<name>get\w+)\((?:period='(?P<period>D7|D30|D90|D180)'|date=(?P<date>\d{4}-\d\d-\d\d))\)")
_URL_LIFE = timedelta(minutes=5)
_REFRESH_LAG = 2  # days; Microsoft promises reports within 48 hours
_SERVICES = ("Exchange", "OneDrive", "SharePoint", "Skype For Business", "Yammer", "Teams")
_APPS = ("Outlook", "Word", "Excel", "PowerPoint", "OneNote", "Teams")
_COPILOT_APPS = (
    "Copilot Chat", "Microsoft Teams Copilot", "Word Copilot", "Excel Copilot", "PowerPoint Copilot",
    "Outlook Copilot", "OneNote Copilot", "Loop Copilot",
)  # fmt: skip
_PLATFORMS = ("Windows", "Mac", "Mobile", "Web")
_TEAMS_LONG = (
    "Post Messages", "Reply Messages", "Urgent Messages", "Meetings Organized Count", "Meetings Attended Count",
    "Ad Hoc Meetings Organized Count", "Ad Hoc Meetings Attended Count", "Scheduled One-time Meetings Organized Count",
    "Scheduled One-time Meetings Attended Count", "Scheduled Recurring Meetings Organized Count",
    "Scheduled Recurring Meetings Attended Count", "Audio Duration", "Video Duration", "Screen Share Duration",
    "Audio Duration In Seconds", "Video Duration In Seconds", "Screen Share Duration In Seconds",
)  # fmt: skip
_LEADING = ("Report Refresh Date", "User Principal Name")
_COLUMNS: dict[str, tuple[str, ...]] = {
    "getOffice365ActiveUserDetail": (
        *_LEADING,
        "Display Name",
        "Is Deleted",
        "Deleted Date",
        *(f"Has {service} License" for service in _SERVICES),
        *(f"{service} Last Activity Date" for service in _SERVICES),
        *(f"{service} License Assign Date" for service in _SERVICES),
        "Assigned Products",
    ),
    "getM365AppUserDetail": (
        *_LEADING,
        "Last Activation Date",
        "Last Activity Date",
        "Report Period",
        *_PLATFORMS,
        *_APPS,
        *(f"{app} ({platform})" for platform in _PLATFORMS for app in _APPS),
    ),
    "getMailboxUsageDetail": (
        *_LEADING,
        "Display Name",
        "Is Deleted",
        "Deleted Date",
        "Created Date",
        "Last Activity Date",
        "Item Count",
        "Storage Used (Byte)",
        "Issue Warning Quota (Byte)",
        "Prohibit Send Quota (Byte)",
        "Prohibit Send/Receive Quota (Byte)",
        "Deleted Item Count",
        "Deleted Item Size (Byte)",
        "Deleted Item Quota (Byte)",
        "Has Archive",
        "Recipient Type",
        "Report Period",
    ),
    "getTeamsUserActivityUserDetail": (
        "Report Refresh Date",
        "Tenant Display Name",
        "User Id",
        "User Principal Name",
        "Last Activity Date",
        "Is Deleted",
        "Deleted Date",
        "Assigned Products",
        "Team Chat Message Count",
        "Private Chat Message Count",
        "Call Count",
        "Meeting Count",
        *_TEAMS_LONG,
        "Has Other Action",
        "Is Licensed",
        "Report Period",
    ),
    "getMicrosoft365CopilotUsageUserDetail": (
        *_LEADING,
        "Display Name",
        "Last Activity Date",
        *(f"{app} Last Activity Date" for app in _COPILOT_APPS),
        "Report Period",
    ),
}
_OWN_DATES = {
    "getMailboxUsageDetail": ("Exchange",),
    "getTeamsUserActivityUserDetail": ("Teams",),
    "getMicrosoft365CopilotUsageUserDetail": _COPILOT_APPS,
}
_NEWER = {
    "Deleted Item Quota (Byte)",
    "Has Archive",
    "Recipient Type",
    *_TEAMS_LONG,
}  # absent with the fault `short_columns`


def install(app: Flask, context: Context) -> None:
    @app.get("/v1.0/admin/reportSettings")
    def report_settings() -> Response:
        context.require("report_settings")
        concealed = context.faults.active("concealed", consume=False) is not None
        return answer({"@odata.context": metadata("admin/reportSettings"), "displayConcealedNames": concealed})

    @app.get("/v1.0/reports/<call>")
    def report(call: str) -> Response:
        context.require("reports")
        found = _CALL.fullmatch(call)
        if found is None or found["name"] not in _COLUMNS:
            raise bad_request(f"Resource not found for the segment '{call}'.", "BadRequest")
        if found["date"] and found["name"] == "getMailboxUsageDetail":
            raise bad_request("getMailboxUsageDetail has no date form.", "BadRequest")
        token = secrets.token_urlsafe(24)
        content = _csv(context, found["name"], found["period"] or "D7")
        context.downloads[token] = (context.clock.now() + _URL_LIFE, content)
        while len(context.downloads) > 50:
            context.downloads.pop(next(iter(context.downloads)))
        response = Response(b"", status=302, content_type="text/plain")
        response.headers["Location"] = f"{request.host_url}reports-download/{token}"
        return response

    @app.get("/reports-download/<token>")
    def download(token: str) -> Response:
        """Pre-authenticated: whoever sends the token along has leaked it, and is told so."""
        if "Authorization" in request.headers:
            return Response("Authorization header is not accepted here.", status=400, content_type="text/plain")
        until, content = context.downloads.get(token, (None, b""))
        if until is None or context.clock.now() > until:
            return Response("Link expired.", status=403, content_type="text/plain")
        return Response(content, content_type="application/octet-stream")


def _csv(context: Context, name: str, period: str) -> bytes:
    faults = context.faults
    stale = faults.active("stale_reports", consume=False)
    days = int(stale.parameters.get("days", 20)) if stale else _REFRESH_LAG
    refreshed = context.clock.now().date() - timedelta(days=days)
    concealed = faults.active("concealed", consume=False) is not None
    columns = [
        column
        for column in _COLUMNS[name]
        if column not in _NEWER or faults.active("short_columns", consume=False) is None
    ]
    if faults.active("odd_columns", consume=False) is not None:  # renamed, and some that nobody heard of
        columns = ["Something New", *(f"{column} (v2)" for column in columns)]
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    if faults.active("no_rows", consume=False) is not None:
        return out.getvalue().encode("utf-8-sig")
    directory = context.directory
    products = {str(sku["id"]).lower(): str(sku["name"]).upper() for sku in directory.store.all(SKU)}
    for key in directory.user_keys():
        user = directory.seen(USER, key)
        if user is not None and user["licences"]:
            row = _row(user, products, refreshed, period, concealed, _OWN_DATES.get(name))
            if "Copilot" not in name or "COPILOT" in row["Assigned Products"]:
                writer.writerow(row)
    if context.crowd is not None:
        crowd = context.crowd
        row = _row(crowd.person(1), products, refreshed, period, concealed, ())
        if not concealed:
            dated = [column for column in columns if column.endswith("Last Activity Date")]
            out.writelines(crowd.lines(columns, row, dated))
    return out.getvalue().encode("utf-8-sig")


def _row(
    user: Document,
    products: dict[str, str],
    refreshed: date,
    period: str,
    concealed: bool,
    own: tuple[str, ...] | None,
) -> dict[str, Any]:
    """One person's line, with every column any report knows; `usage` dates after the refresh are not known yet.

    `own`: the services whose dates are this report's last activity, None for all of them.
    """
    usage: dict[str, str] = {
        service: day for service, day in user["usage"].items() if not _is_date(day) or day <= refreshed.isoformat()
    }
    dates = sorted(day for service, day in usage.items() if _is_date(day) and (own is None or service in own))
    name, display = user["properties"]["userPrincipalName"], user["properties"]["displayName"]
    if concealed:
        name, display = (hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() for text in (name, display))
    skus = [products.get(one["skuId"].lower(), "") for one in assigned_licences(user)]
    row: dict[str, Any] = {
        "Report Refresh Date": refreshed.isoformat(),
        "User Principal Name": name,
        "Display Name": display,
        "User Id": "" if concealed else user["id"],
        "Is Deleted": "False",
        "Last Activity Date": dates[-1] if dates else "",
        "Report Period": period.removeprefix("D"),
        "Assigned Products": "+".join(skus),
        "Is Licensed": "Yes" if skus else "No",
        "Has Other Action": "No",
        "Created Date": user["properties"]["createdDateTime"][:10],
        "Item Count": usage.get("Item Count", "4096"),
        "Storage Used (Byte)": usage.get("Storage Used (Byte)", "23293152"),
        "Issue Warning Quota (Byte)": "105226698752",
        "Prohibit Send Quota (Byte)": "106300440576",
        "Prohibit Send/Receive Quota (Byte)": "107374182400",
        "Deleted Item Count": "0",
        "Deleted Item Size (Byte)": "0",
        "Deleted Item Quota (Byte)": "107374182400",
        "Has Archive": usage.get("Has Archive", "False"),
        "Recipient Type": usage.get("Recipient Type", "User"),
    }
    for service in _SERVICES:
        row[f"Has {service} License"] = str(bool(skus))
        row[f"{service} Last Activity Date"] = usage.get(service, "")
    for app in _COPILOT_APPS:
        row[f"{app} Last Activity Date"] = usage.get(app, "")
    for app in (*_APPS, *_PLATFORMS):
        row[app] = "Yes" if usage.get(app) else "No"
    return row


def _is_date(text: Any) -> bool:
    return isinstance(text, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", text) is not None
