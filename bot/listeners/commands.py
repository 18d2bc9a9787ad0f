"""`/licence` and `/license`: the same words, answered to one person only, or the form."""

from __future__ import annotations

from slack_bolt import App

from bot import payloads
from bot.deps import BotDeps
from bot.listeners import positions, reclaim, renewals
from bot.listeners.base import Ack, Body
from bot.listeners.form import Form
from bot.payloads import Command
from bot.views import answers
from bot.views.request_modal import Asking
from bot.views.text import Message
from workflows.reads.catalogue import best_match
from workflows.reads.home import HomeFacts, home
from workflows.refusals import UnknownPerson

#: As in manifest.yaml; a test compares.
COMMANDS = ("/licence", "/license")


def register(app: App, deps: BotDeps) -> None:
    for name in COMMANDS:
        app.command(name)(Commands(deps).typed)


class Commands(Form):
    """What was typed decides; what is not known is answered with the nearest word."""

    def typed(self, ack: Ack, body: Body) -> None:
        command = payloads.command(body)
        if command.word == "request":
            said = self._request(command)
            if said is None:
                ack()
                return
        elif command.word in positions.WORDS:
            said = positions.Positions(self.deps).answer(command)
        elif command.word == reclaim.WORD:
            said = reclaim.Reclaim(self.deps).answer(command)
        elif command.word == renewals.WORD:
            said = renewals.Renewals(self.deps).answer(command)
        else:
            said = self._answer(command)
        ack({"response_type": "ephemeral", "text": said.text, "blocks": said.blocks})

    def _request(self, command: Command) -> Message | None:
        """The form, filled with what the words mean; words that mean nothing are answered with what comes close."""
        with self.look(command.slack_id) as (connection, by):
            asking = Asking()
            if command.rest:
                match = best_match(connection, self.deps.rules().policy, by.id, command.rest, self.deps.now())
                if match.product_id is None:
                    return answers.unknown_product(command.rest, match)
                asking = Asking(product_id=match.product_id)
            view = self.form(connection, by, asking)
        self.deps.slack.open_view(command.trigger_id, view)
        return None

    def _answer(self, command: Command) -> Message:
        with self.look(command.slack_id) as (connection, by):
            facts = home(connection, self.deps.rules().policy, by.id, self.deps.now())
        if facts is None:
            raise UnknownPerson
        return self._words(command, facts)

    def _words(self, command: Command, facts: HomeFacts) -> Message:
        match command.word:
            case "" | "mine":
                return answers.mine(facts)
            case "status":
                return answers.status(facts)
            case "approvals":
                return answers.approvals(facts)
            case "return":
                return answers.give_back(facts)
            case "help":
                return answers.help_words(facts, self.deps.settings.public_url)
            case word:
                return answers.unknown_word(word)
