"""Short messages: a kept draft, a note to one person, work that waits for IT, a request nobody can decide.

Channel cards count people and name nobody.
"""

from __future__ import annotations

from bot.ids import Action, Ref
from bot.views import text as t
from bot.views.said import product, who
from bot.views.text import Block, Element, Message
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
    sentence = t.inert(t.one_line(said.text), 900)
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
    """To a channel: a request that waits for IT or a licence manager. It names no person; [Who is it?] does."""
    name = t.named(facts.product)
    if facts.settled:
        gone = facts.status in (Status.DENIED, Status.WITHDRAWN, Status.EXPIRED)
        return _plain(f"*Settled:* {facts.reference}, {name}. {'It is closed.' if gone else 'It goes on by itself.'}")
    head = f"*{facts.reference} waits for a person:* {stuck_why(facts)}."
    asks = stuck_asks(facts)
    blocks: list[Block] = [t.section(f"{head} It is for {name}.")]
    if facts.words:
        blocks.append(t.plain(t.cut(t.one_line(facts.words), 500)))
    open_it = t.button("Open in dashboard", Action.DASHBOARD, url=dashboard_url) if dashboard_url else None
    blocks += [t.section(asks), t.actions(*stuck_buttons(facts), open_it)]
    small = f"Waits since {t.instant(facts.since)}. Whoever asked knows. Without an answer it stays as it is."
    blocks.append(t.context(small))
    return Message(
        t.spoken(head.replace("*", ""), f"It is for {name}.", quote=facts.words, after=(asks, small)), blocks
    )


def stuck_why(facts: StuckFacts) -> str:
    """What is in the way, as the end of a sentence."""
    if facts.failed:
        return "its seat could not be given"
    return "nobody has answered, and nobody is next" if facts.silent else "nobody can decide it"


def stuck_asks(facts: StuckFacts) -> str:
    """What to do about it."""
    if facts.failed and not facts.can_retry:
        return "Close it with a word to whoever asked; they can ask anew."
    if facts.failed:
        return "Clear what is in the way, then try again; or close it with a word to whoever asked."
    more = f" {facts.missing} people are missing." if facts.missing > 1 else ""
    return f"A licence manager names who decides, or closes it with a word to whoever asked.{more}"


def stuck_buttons(facts: StuckFacts) -> list[Element]:
    """The ways on."""
    ref = Ref(facts.request_id, facts.version)

    def button(label: str, action: Action, verb: str, style: str | None = None) -> Element:
        heard = f"{t.accessibility(verb, facts.product)}, {facts.reference}"
        return t.button(label, action, ref, heard=heard, style=style)

    first = []
    if not facts.failed:
        first = [button("Name who decides", Action.STUCK_NAME, "Name who decides on", "primary")]
    elif facts.can_retry:
        first = [button("Try again", Action.STUCK_RETRY, "Try again:", "primary")]
    return [
        *first,
        button("Close it", Action.STUCK_CLOSE, "Close the request for"),
        button("Who is it?", Action.STUCK_WHO, "Who asked for"),
    ]


def _plain(said: str) -> Message:
    return Message(said.replace("*", ""), [t.section(said)])
