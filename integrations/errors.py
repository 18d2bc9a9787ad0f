"""What can go wrong outside, as five exceptions. Whoever calls a client needs no others and no status codes.

Expected answers ("already held", "no seats left") are result types of the clients; these are for trouble only.
"""

from __future__ import annotations


class IntegrationError(Exception):
    """An outside system did not do what was asked; `detail` is a sentence without secrets or personal data."""

    retry_after: float | None = None

    def __init__(self, system: str, operation: str, detail: str, request_id: str | None = None) -> None:
        super().__init__(system, operation, detail, request_id)
        self.system = system
        self.operation = operation
        self.detail = detail
        self.request_id = request_id

    def __str__(self) -> str:
        reference = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.system}: {self.operation}: {self.detail}{reference}"


class Transient(IntegrationError):
    """Nothing was changed outside, or repeating changes nothing more: the same call is safe to repeat later."""


class RateLimited(IntegrationError):
    """The system asks us to wait; nothing was done. `retry_after` is in seconds, None when it did not say."""

    def __init__(
        self,
        system: str,
        operation: str,
        detail: str,
        request_id: str | None = None,
        *,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(system, operation, detail, request_id)
        self.retry_after = retry_after


class NotFound(IntegrationError):
    """What the call names does not exist there, or is hidden from us."""


class Refused(IntegrationError):
    """The system said no, finally, until somebody changes something; `detail` says to a person what and where.

    `code` is the system's own word for it. `fatal` means our own sign-in is dead: stop and raise the alarm.
    """

    def __init__(
        self,
        system: str,
        operation: str,
        detail: str,
        request_id: str | None = None,
        *,
        code: str,
        fatal: bool = False,
    ) -> None:
        super().__init__(system, operation, detail, request_id)
        self.code = code
        self.fatal = fatal


class Unclear(IntegrationError):
    """A write that may have happened: read the state before repeating it."""
