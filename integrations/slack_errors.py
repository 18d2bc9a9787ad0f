"""Slack's error words as our five errors, each refusal with a sentence that says what to do."""

from __future__ import annotations

import json
import socket
import ssl
import urllib.error
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from slack_sdk.errors import SlackApiError

from integrations.errors import IntegrationError, NotFound, RateLimited, Refused, Transient, Unclear
from integrations.http import retry_after

SYSTEM = "slack"

NOT_FOUND = {
    "channel_not_found": "the channel does not exist, or the bot is not in it and may not see it",
    "user_not_found": "Slack knows no such person",
    "users_not_found": "Slack knows no such person",
    "message_not_found": "the message is gone",
    "thread_not_found": "the thread is gone",
    "view_not_found": "the window is no longer open",
    "not_found": "the window is no longer open",
    "file_not_found": "the file is gone",
    "file_deleted": "the file is gone",
    "invalid_url": "the button's answer address is not known",
    "used_url": "the button's answer address was used up",
    "expired_url": "the button's answer address has expired",
}

FATAL = {
    "invalid_auth": "the bot token is not valid: put the current one into SLACK_BOT_TOKEN",
    "not_authed": "no bot token was sent: set SLACK_BOT_TOKEN",
    "account_inactive": "the bot's account was deactivated: reinstall the app and set the new SLACK_BOT_TOKEN",
    "token_revoked": "the bot token was revoked: reinstall the app and set the new SLACK_BOT_TOKEN",
    "token_expired": "the bot token has expired: switch token rotation off and reinstall the app",
    "org_login_required": "the workspace is moving to an Enterprise organisation: try after the move is complete",
    "team_access_not_granted": "the app is not granted to this workspace: an organisation admin must add it",
}

REFUSED = {
    "not_in_channel": "the bot is not in that channel: invite it with /invite",
    "is_archived": "the channel is archived: choose another one in the policy",
    "messages_tab_disabled": "the app's Messages tab is off: switch it on in the app's App Home settings",
    "missing_scope": "the app lacks a permission: add the scope in the manifest and reinstall the app",
    "invalid_blocks": "Slack does not accept the layout of this message",
    "invalid_blocks_format": "Slack does not accept the layout of this message",
    "invalid_arguments": "Slack does not accept this call",
    "msg_too_long": "the message is too long",
    "msg_blocks_too_long": "the message is too long",
    "no_text": "the message is empty",
    "view_too_large": "the window is too large",
    "push_limit_reached": "three windows are open already: close one first",
    "restricted_action": "a workspace setting keeps the bot from posting there: ask a workspace admin",
    "restricted_action_read_only_channel": "the channel is read-only for the bot: ask a workspace admin",
    "restricted_action_thread_only_channel": "the channel takes threads only: choose another one in the policy",
    "cant_update_message": "only the bot's own messages can be changed",
    "edit_window_closed": "the workspace no longer lets this message be changed",
    "user_not_in_channel": "the person is not in that channel",
    "user_disabled": "the person's Slack account is deactivated",
    "cannot_dm_bot": "a bot cannot be written to",
    "expired_trigger_id": "the press came too long ago: press again",
    "trigger_expired": "the press came too long ago: press again",
    "exchanged_trigger_id": "the press was used already: press again",
    "trigger_exchanged": "the press was used already: press again",
    "invalid_trigger_id": "the press is not known: press again",
    "not_enabled": "the app's Home tab is off: switch it on in the app's App Home settings",
    "access_denied": "the app may not do this: check its scopes and reinstall it",
    "not_allowed_token_type": "SLACK_BOT_TOKEN must be a bot token (it begins with xoxb-)",
    "ekm_access_denied": "the organisation's admins have suspended posting",
}

# Slack says of these that they come before the work begins.
NOTHING_DONE = {"request_timeout", "service_unavailable", "team_added_to_org"}
# ... and of these that part of the work may have been done.
SERVER_TROUBLE = {"internal_error", "fatal_error"}


def from_answer(error: SlackApiError, operation: str, *, repeatable: bool, now: datetime) -> IntegrationError:
    """What an answer that is not ok means; `repeatable` calls change nothing more when sent twice."""
    response: Any = error.response
    status = int(getattr(response, "status_code", 0) or 0)
    headers: Mapping[str, str] = getattr(response, "headers", None) or {}
    data = getattr(response, "data", None)
    body: dict[str, Any] = data if isinstance(data, dict) else {}
    code = str(body.get("error") or "")
    request_id = {k.lower(): v for k, v in headers.items()}.get("x-slack-req-id")
    if status == 429 or code in ("ratelimited", "rate_limited"):
        wait = retry_after(headers, now)
        return RateLimited(SYSTEM, operation, "asks us to wait", request_id, retry_after=wait)
    if status >= 500 or code in SERVER_TROUBLE:
        kind = Transient if repeatable else Unclear
        return kind(SYSTEM, operation, f"answered {code if code in SERVER_TROUBLE else status}", request_id)
    if not _is_slack_word(code):  # HTML, half a body, nothing
        kind = Transient if repeatable else Unclear
        return kind(SYSTEM, operation, "the answer is not complete JSON", request_id)
    if code in NOTHING_DONE:
        return Transient(SYSTEM, operation, f"answered {code}", request_id)
    return from_code(code, operation, request_id, body)


def from_code(
    code: str, operation: str, request_id: str | None = None, body: Mapping[str, Any] | None = None
) -> IntegrationError:
    """The error for one of Slack's own words."""
    if code in NOT_FOUND:
        return NotFound(SYSTEM, operation, NOT_FOUND[code], request_id)
    if code in FATAL:
        return Refused(SYSTEM, operation, FATAL[code], request_id, code=code, fatal=True)
    sentence = REFUSED.get(code, f"Slack refused it ({code})")
    if code == "missing_scope" and body and body.get("needed"):
        sentence += f" (needed: {body['needed']})"
    return Refused(SYSTEM, operation, sentence, request_id, code=code)


def from_transport(error: Exception, operation: str, *, repeatable: bool) -> IntegrationError:
    """What a lost connection means. urllib wraps what failed while connecting or sending in URLError."""
    reason: object = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return Refused(
            SYSTEM,
            operation,
            "the certificate of SLACK_API_URL is not signed by an authority this machine knows",
            code="certificate",
        )
    if isinstance(error, urllib.error.URLError) and _before_sending(reason):
        return Transient(SYSTEM, operation, "cannot be reached")
    if repeatable:
        return Transient(SYSTEM, operation, "the connection was lost or too slow")
    return Unclear(SYSTEM, operation, "the connection was lost after the request was sent")


def _before_sending(reason: object) -> bool:
    return isinstance(reason, ConnectionRefusedError | socket.gaierror)


def _is_slack_word(code: str) -> bool:
    return 0 < len(code) <= 80 and all(ch.isalnum() or ch in "_-.:" for ch in code)


def webhook_word(status: int, body: str) -> str:
    """The error word in an answer of a response_url, which is text or JSON."""
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = None
    if isinstance(parsed, dict):
        return str(parsed.get("error") or "")
    word = body.strip()
    return word if _is_slack_word(word) else ("expired_url" if status == 404 else str(status))
