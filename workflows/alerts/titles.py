"""What a ServiceNow record calls a red alert."""

from __future__ import annotations

from licensing.words import still_with
from model.alerts import RedAlert

TITLES = {
    "unauthorised": "{name} on {devices} devices without a licence",
    "shortfall": "{name}: short by {short}",
    "near_limit": "{name}: {free} left",
    "expired_right": "{name}: the right ended, {still}",
    "duplicate_activation": "{name}: one key on {devices} devices",
}


def title_of(alert: RedAlert) -> str:
    """ "AutoCAD LT on 3 devices without a licence"."""
    figures = dict(alert.figures or {})
    known = {name: str(figures.get(name, "?")) for name in ("name", "devices", "short", "free")}
    still = still_with(int(figures.get("devices") or 0), int(figures.get("people") or 0))
    return TITLES[str(alert.cause)].format(**known, still=still).replace("1 devices", "1 device")
