"""Short messages: a kept draft, a note to one person, work that waits for IT, a request nobody can decide.

Channel cards count people and name nobody.
"""

from __future__ import annotations

from bot.ids import Action, Ref
from bot.views import text as t
from bot.views.said import product, who
from bot.views.text import Block, Message
from model.requests import Status
from workflows.reads.facts import RequestFacts, Who
from workflows.reads.seat_facts import ParkedFacts, StuckFacts
from workflows.replies import About, Said

SYSTEMS = {
    "servicenow": "ServiceNow",
    "graph": "Microsoft 365",
    "slack": "Slack",
    "mail": "the mail server",
    "local": "Seatkeeper",
}
FORM_CLOSED = "The form closed before it was sent."


def draft_card(request: RequestFacts, kept_hours: int) -> Message:
    """ "The form closed before it was sent." Sent or gone, the button goes."""
    name = t.named(product(request))
    if request.status == Status.WITHDRAWN or request.status == Status.EXPIRED:
        return _plain(f"*{FORM_CLOSED}* The answers about {name} are no longer kept. You can ask again at any time.")
    if request.status != Status.DRAFT:
        return _plain(f"*Sent after all:* {name}, {request.reference}.")
    said = f"*{FORM_CLOSED}* Your answers about {name} are kept for {t.plural(kept_hours, 'hour')}."
    button = t.button(
        "Open it again",
        Action.OPEN_DRAFT,
        Ref(request.id, request.version),
        heard=t.accessibility("Open again the form for", product(request)),
    )
    return Message(said.replace("*", ""), [t.section(said), t.actions(button)])


def note_card(said: Said, by: Who | None, request: RequestFacts | None, deputy: Who | None = None) -> Message:
    """A plain sentence to one person, with the words somebody typed in a block of their own."""
    if said.about is About.DEPUTY and by is not None and deputy is not None:
        days = f" from {t.day(said.since)} to {t.day(said.until)}" if said.since and said.until else ""
        return _plain(f"*{who(deputy)} decides for {who(by)}*{days}.")
    name = who(by) if by else "Somebody"
    about = f" about {t.named(product(request))}, {request.reference}" if request else ""
    sentence = t.escape(t.one_line(said.text), 900)
    if not sentence:
        verb = {About.ANSWERED: "answered", About.QUESTION: "asks", About.URGENT: "says it is urgent"}.get(
            said.about, "wrote a note"
        )
        sentence = f"*{name} {verb}*{about}:" if said.words else f"*{name} {verb}*{about}."
    blocks: list[Block] = [t.section(sentence)]
    if said.words:
        blocks.append(t.typed(said.words))
    return Message(t.spoken(sentence.replace("*", ""), quote=said.words), blocks)


def parked_card(facts: ParkedFacts, dashboard_url: str = "") -> Message:
    """One note per cause to IT's channel; the same cause again rewrites it."""
    system = SYSTEMS.get(facts.queue, facts.queue)
    if facts.settled:
        said = f"*Nothing waits for a person any more:* {system}."
        return Message(said.replace("*", ""), [t.section(said), t.plain(facts.cause or facts.error)])
    waits = f"{t.plural(facts.count, 'thing')} {'waits' if facts.count == 1 else 'wait'} for a person: {system}"
    cause = t.one_line(facts.error or facts.cause) or "The reason was not said."
    stays = f"Waiting: {t.joined(list(facts.references))}" if facts.references else ""
    elements = [
        t.button(
            f"Try {facts.count} again" if facts.count > 1 else "Try it again",
            Action.RUN_AGAIN,
            Ref(facts.job_id),
            heard=f"Try again what waits for a person: {system}",
            style="primary",
        ),
        t.button("Leave it", Action.LEAVE_PARKED, Ref(facts.job_id), heard=f"Leave what waits for a person: {system}"),
    ]
    if dashboard_url:
        elements.insert(1, t.button("Open in dashboard", Action.DASHBOARD, url=dashboard_url))
    blocks: list[Block] = [t.header(waits), t.plain(t.cut(cause, 1000)), t.section("Clear the cause, then try again.")]
    blocks.append(t.actions(*elements))
    blocks.append(t.context(*[part for part in (stays, f"since {t.instant(facts.since)}") if part]))
    spoken = t.spoken(
        t.sentence(waits),
        quote=cause,
        after=("Clear the cause, then try again.", t.sentence(stays), f"Since {t.instant(facts.since)}."),
    )
    return Message(spoken, blocks)


def stuck_card(facts: StuckFacts, dashboard_url: str = "") -> Message:
    """To a channel: a request that waits for a licence manager. It names no person."""
    name = t.named(facts.product)
    if facts.settled:
        return _plain(f"*Settled:* {facts.reference}, {name}. It goes on by itself.")
    why = "nobody can decide it" if facts.status == Status.AWAITING_APPROVAL else "its seat could not be given"
    head = f"*{facts.reference} waits for a person:* {why}."
    blocks: list[Block] = [t.section(f"{head} It is for {name}.")]
    if facts.words:
        blocks.append(t.plain(t.cut(t.one_line(facts.words), 500)))
    if dashboard_url:
        blocks.append(t.actions(t.button("Open in dashboard", Action.DASHBOARD, url=dashboard_url)))
    blocks.append(t.context(f"Asked {t.instant(facts.since)}. Nothing is lost; it goes on when this is cleared."))
    return Message(
        t.spoken(
            head.replace("*", ""),
            f"It is for {name}.",
            quote=facts.words,
            after=(f"Asked {t.instant(facts.since)}.", "It goes on when this is cleared."),
        ),
        blocks,
    )


def _plain(said: str) -> Message:
    return Message(said.replace("*", ""), [t.section(said)])
