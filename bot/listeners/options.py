"""The searchable list of products in the form."""

from __future__ import annotations

import re

from slack_bolt import App

from bot import payloads
from bot.deps import BotDeps
from bot.ids import Action
from bot.listeners.base import Ack, Body, Listener
from bot.views.request_modal import options_answer
from workflows.reads.catalogue import search


def register(app: App, deps: BotDeps) -> None:
    app.options(Action.PRODUCT.value)(Options(deps).products)
    app.options(re.compile(".*"))(none_known)


def none_known(ack: Ack) -> None:
    """A list of an older version: nothing to choose."""
    ack(options=[])


class Options(Listener):
    def products(self, ack: Ack, body: Body) -> None:
        typing = payloads.typing(body)
        with self.look(typing.slack_id) as (connection, by):
            found = search(connection, self.deps.rules().policy, by.id, typing.words, self.deps.now())
        ack(option_groups=options_answer(found, by.department)["option_groups"])
