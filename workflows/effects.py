"""What should happen outside, as values. `enqueue` turns them into jobs of the caller's transaction.

An effect names rows and carries no content: whoever performs it reads the present state, so an effect that comes
late, twice or in another order still does what is right now.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from jobs.outbox import NewJob
from jobs.outbox import enqueue as enqueue_jobs
from jobs.outbox import write as write_jobs
from model.session import UnitOfWork
from model.writes import Write


@dataclass(frozen=True)
class ShowCard:
    """Bring a message in line with the rows it shows: post it, rewrite it, or point on from it."""

    card_id: int

    def job(self) -> NewJob:
        return NewJob("card.show", "slack", {"card": self.card_id}, lane=f"card:{self.card_id}")


@dataclass(frozen=True)
class ShowReply:
    """Say a line in a thread, after the lines that were written before it."""

    card_id: int
    thread_of_id: int

    def job(self) -> NewJob:
        return NewJob("reply.show", "slack", {"card": self.card_id}, lane=f"thread:{self.thread_of_id}")


@dataclass(frozen=True)
class MailCard:
    """Say the same by mail, a question with a signed link, to a person without Slack; wanted twice it is sent once."""

    card_id: int

    def job(self) -> NewJob:
        return NewJob(
            "card.mail",
            "mail",
            {"card": self.card_id},
            lane=f"mail:{self.card_id}",
            dedupe_key=f"card.mail:{self.card_id}",
        )


@dataclass(frozen=True)
class SendDigest:
    """Look at nine what was held back for a person; one for each card held, the first makes the digest."""

    person_id: int
    card_id: int
    at: datetime

    def job(self) -> NewJob:
        return NewJob(
            "digest.send",
            "local",
            {"person": self.person_id},
            lane=f"digest:{self.person_id}",
            dedupe_key=f"digest.send:{self.card_id}:{int(self.at.timestamp())}",
            run_at=self.at,
        )


@dataclass(frozen=True)
class ShowRequest:
    """Bring every message about a request in line; fans out to its cards."""

    request_id: int

    def job(self) -> NewJob:
        return NewJob("request.show", "local", {"request": self.request_id}, lane=f"show:{self.request_id}")


@dataclass(frozen=True)
class PublishHome:
    """Renew a person's Home tab if they ever opened it."""

    person_id: int

    def job(self) -> NewJob:
        return NewJob("home.publish", "slack", {"person": self.person_id}, lane=f"home:{self.person_id}")


@dataclass(frozen=True)
class PublishStranger:
    """Say on the Home tab of a Slack account that belongs to nobody how it can be linked."""

    slack_id: str

    def job(self) -> NewJob:
        return NewJob("home.publish", "slack", {"slack": self.slack_id}, lane=f"home:{self.slack_id}")


@dataclass(frozen=True)
class Say:
    """Answer one person where they pressed, visible to them only; lost after Slack's 30 minutes.

    `replaces`: in place of an answer that only they saw, so that its buttons go.
    """

    response_url: str
    text: str
    replaces: bool = False

    def job(self) -> NewJob:
        more = {"replaces": True} if self.replaces else {}
        return NewJob("answer.say", "slack", {"response_url": self.response_url, "text": self.text} | more)


@dataclass(frozen=True)
class Advance:
    """Do what follows from a request's present state: open the next step, reserve, order, start granting."""

    request_id: int

    def job(self) -> NewJob:
        return NewJob("request.advance", "local", {"request": self.request_id}, lane=f"request:{self.request_id}")


@dataclass(frozen=True)
class WatchStep:
    """Look at an open step when its next reminder or its end is due."""

    step_id: int
    at: datetime

    def job(self) -> NewJob:
        return NewJob(
            "step.watch",
            "local",
            {"step": self.step_id},
            lane=f"step:{self.step_id}",
            dedupe_key=f"step.watch:{self.step_id}:{int(self.at.timestamp())}",
            run_at=self.at,
        )


@dataclass(frozen=True)
class GrantLine:
    """Give the seat of one line in its target system."""

    line_id: int
    system: str  # the queue: graph, servicenow or local

    def job(self) -> NewJob:
        return NewJob("line.grant", self.system, {"line": self.line_id}, lane=f"line:{self.line_id}")


@dataclass(frozen=True)
class SettleTicket:
    """Bring a ServiceNow record to what we want of it: open, noted, closed; and read what they made of it."""

    ticket_id: int

    def job(self) -> NewJob:
        return NewJob("ticket.settle", "servicenow", {"ticket": self.ticket_id}, lane=f"ticket:{self.ticket_id}")


@dataclass(frozen=True)
class TakeBackSeat:
    """Remove one confirmed seat in its target system."""

    return_id: int
    system: str
    at: datetime | None = None

    def job(self) -> NewJob:
        return NewJob(
            "seat.take_back", self.system, {"return": self.return_id}, lane=f"return:{self.return_id}", run_at=self.at
        )


@dataclass(frozen=True)
class RestoreSeat:
    """Give a removed seat back exactly as it was."""

    return_id: int
    system: str

    def job(self) -> NewJob:
        return NewJob("seat.restore", self.system, {"return": self.return_id}, lane=f"return:{self.return_id}")


@dataclass(frozen=True)
class FollowReturn:
    """Bring what belongs to a confirmed return in line with where it stands: candidate, campaign, money, record."""

    return_id: int

    def job(self) -> NewJob:
        return NewJob("return.follow", "local", {"return": self.return_id}, lane=f"follow:{self.return_id}")


@dataclass(frozen=True)
class LookAtAlerts:
    """Look at what red alerts some products deserve, after an inventory; without any, a complete run over all."""

    product_ids: tuple[int, ...] = ()

    def job(self) -> NewJob:
        return NewJob("alerts.look", "local", {"products": sorted(self.product_ids)}, lane="alerts")


@dataclass(frozen=True)
class ReadMicrosoft365:
    """Read everybody, their seats and what sources say of use now, instead of at night."""

    def job(self) -> NewJob:
        return NewJob("sync.m365", "graph", {})


@dataclass(frozen=True)
class LookAtCampaign:
    """Do what is due for one campaign now, instead of at the next hour: the rest of its questions."""

    campaign_id: int

    def job(self) -> NewJob:
        return NewJob("reclaim.look", "local", {"campaign": self.campaign_id}, lane=f"campaign:{self.campaign_id}")


@dataclass(frozen=True)
class KeepProof:
    """Fetch a file attached as proof from Slack and keep it; fetched twice it is kept once."""

    file_id: int

    def job(self) -> NewJob:
        return NewJob(
            "proof.keep", "slack", {"file": self.file_id}, lane=f"proof:{self.file_id}",
            dedupe_key=f"proof.keep:{self.file_id}",
        )  # fmt: skip


@dataclass(frozen=True)
class FollowRenewal:
    """Bring what belongs to a renewal in line with where it stands: its messages, record, and asking for seats."""

    renewal_id: int

    def job(self) -> NewJob:
        return NewJob("renewal.follow", "local", {"renewal": self.renewal_id}, lane=f"renewal:{self.renewal_id}")


@dataclass(frozen=True)
class MatchQueue:
    """Hand free seats of a SKU to the requests that wait for them, oldest first."""

    sku_id: int

    def job(self) -> NewJob:
        return NewJob("queue.match", "local", {"sku": self.sku_id}, lane=f"sku:{self.sku_id}")


@dataclass(frozen=True)
class ReadFigures:
    """Read the vendor's seat counts now instead of at the next five-minute turn."""

    def job(self) -> NewJob:
        return NewJob("m365.figures", "graph", {}, lane="m365.figures")


#: Kinds whose lane says all of their payload: of several that wait, the one that runs first does the work of all.
MERGED = frozenset(
    {
        "card.show",
        "request.show",
        "home.publish",
        "request.advance",
        "ticket.settle",
        "queue.match",
        "m365.figures",
        "return.follow",
        "renewal.follow",
    }
)

Effect = (
    ShowCard
    | ShowReply
    | MailCard
    | SendDigest
    | ShowRequest
    | PublishHome
    | PublishStranger
    | Say
    | Advance
    | WatchStep
    | GrantLine
    | SettleTicket
    | TakeBackSeat
    | ReadMicrosoft365
    | RestoreSeat
    | FollowReturn
    | LookAtAlerts
    | LookAtCampaign
    | FollowRenewal
    | KeepProof
    | MatchQueue
    | ReadFigures
)


def enqueue(work: UnitOfWork, effects: Iterable[Effect], now: datetime) -> None:
    """Write the jobs of these effects in the caller's transaction."""
    enqueue_jobs(work.connection, [effect.job() for effect in effects], now)


def write(effects: Iterable[Effect], now: datetime) -> Write:
    """The jobs of these effects, to be written together with other rows; of effects that may be asked for twice."""
    return write_jobs([effect.job() for effect in effects], now)
