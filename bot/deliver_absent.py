"""What becomes of messages while Slack is not connected: by mail where mail is on and the reader has an address.

Without both, nobody is told and the rows say it all: the dashboard shows them. Nothing waits for a system that is not
there, and a message is not sent late when Slack is connected one day.
"""

from __future__ import annotations

from typing import Any

import structlog
from sqlalchemy import select

from bot.cards import Setting, card_row, draw
from bot.deliver import Handler, Run
from model.people import Person
from model.session import Database
from workflows.effects import MailCard, enqueue
from workflows.rules import RulesSource

log = structlog.get_logger(__name__)


class DeliverWithoutSlack:
    """The handlers of Slack's jobs for an installation without Slack. `mail`: whether mail is on."""

    def __init__(self, database: Database, rules: RulesSource, *, mail: bool) -> None:
        self._database = database
        self._rules = rules
        self._mail = mail

    def handlers(self) -> dict[str, Handler]:
        """By kind of job."""
        return {
            "card.show": self.show_card,
            "reply.show": self.show_card,
            "request.show": self.nothing,
            "home.publish": self.nothing,
            "answer.say": self.nothing,
        }

    def show_card(self, payload: dict[str, Any], run: Run) -> None:
        """A card for a person goes by mail, once; any other is only in the dashboard."""
        card_id, now = int(payload["card"]), run.now()
        if not self._mail or not self._mailable(card_id, run):
            log.debug("message not sent: Slack is off", card=card_id)
            return
        with self._database.unit_of_work() as work:
            enqueue(work, [MailCard(card_id)], now)
            run.finish(work)
            work.commit()

    def _mailable(self, card_id: int, run: Run) -> bool:
        with self._database.reading() as connection:
            card = card_row(connection, card_id)
            if card is None or card.person_id is None or card.by_mail_at is not None:
                return False
            drawn = draw(connection, card, Setting(self._rules().policy, run.now()))
            address = connection.execute(select(Person.email).where(Person.id == card.person_id, Person.active))
            return drawn is not None and drawn.wanted and bool(address.scalar())

    def nothing(self, payload: dict[str, Any], run: Run) -> None:
        """There is no Home tab and nobody pressed anything."""
        log.debug("nothing to show: Slack is off")
