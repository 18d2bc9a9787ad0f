"""Slack's windows as listeners use them: what went wrong there, in the two ways that make a difference to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bot.deps import NotShown, TooManyWindows, View
from integrations.errors import IntegrationError, Refused
from integrations.slack import SlackClient


class SlackScreen:
    """A `Screen` of one workspace. Raises `NotShown`."""

    def __init__(self, slack: SlackClient) -> None:
        self._slack = slack

    def open_view(self, trigger_id: str, view: View) -> object:
        with _told():
            return self._slack.open_view(trigger_id, view)

    def push_view(self, trigger_id: str, view: View) -> object:
        with _told():
            return self._slack.push_view(trigger_id, view)

    def update_view(self, view_id: str, view: View, hash: str | None = None) -> object:
        with _told():
            return self._slack.update_view(view_id, view, hash)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except IntegrationError as error:
        full = isinstance(error, Refused) and error.code == "push_limit_reached"
        raise (TooManyWindows if full else NotShown)(str(error)) from error
