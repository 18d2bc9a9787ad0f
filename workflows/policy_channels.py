"""The part `channels:` of the policy: where messages go that are nobody's own."""

from __future__ import annotations

from workflows.policy_fields import Part, Words


class Channels(Part):
    """The Slack channel for each purpose, by name or id; without one those with the role are told in person."""

    licences: Words | None = None
    it_alerts: Words | None = None
    renewals: Words | None = None  # without one only whoever answers for a contract gets its brief
    finance: Words | None = None
    procurement: Words | None = None

    def of(self, purpose: str) -> str:
        """The channel of a purpose; "" when there is none."""
        found: str | None = getattr(self, purpose, None)
        return found or ""
