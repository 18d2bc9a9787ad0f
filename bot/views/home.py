"""The Home tab: what waits first, then what one asked for, then what one has, with prices (wording guide §2.7).

At most 60 blocks; 15 rows a group, then [Show all 34]; a group without rows is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from bot.ids import Action, Ref
from bot.views import text as t
from bot.views.decisions_card import decide_button, row_words
from bot.views.said import price_paid, who
from bot.views.text import Block, Element
from licensing.money import Sums
from model.people import Role
from model.requests import Status
from workflows.reads.facts import USE_NOT_READ, RequestRow
from workflows.reads.home import HomeFacts, TeamRow, TodayFacts
from workflows.reads.seat_facts import SeatFacts, TaskFacts
from workflows.reads.still_needed import StillNeededFacts

ROWS = 15
MOST_BLOCKS = 60
#: Figures older than this are said to be old.
OLD_AFTER_SECONDS = 24 * 3600

DECISIONS, TASKS, REQUESTS, SEATS, TEAM = "decisions", "tasks", "requests", "seats", "team"


def home_view(facts: HomeFacts, now: datetime) -> Element:
    """The whole tab for one person."""
    blocks = _first_open(facts, now) if facts.first_time else _usual(facts, now)
    return {"type": "home", "callback_id": "home", "blocks": blocks[:MOST_BLOCKS]}


def unknown_person(words: str) -> Element:
    """For a Slack account that belongs to nobody; `words` is the refusal's sentence."""
    return {"type": "home", "callback_id": "home", "blocks": [t.section(words)]}


def _first_open(facts: HomeFacts, now: datetime) -> list[Block]:
    manager = who(facts.manager) if facts.manager else "A licence manager"
    blocks = [*_today_first(facts, now.date()), *_waiting_first(facts)]
    return [
        *blocks,
        t.header("Licences, without the paperwork"),
        t.section(
            "Ask for software, see what you have and what it costs, give back what you no longer need. "
            f"{manager} decides on your requests."
        ),
        t.actions(
            t.button("Ask for a licence", Action.ASK_LICENCE, style="primary"),
            t.button("See what I have", Action.SEE_MINE),
        ),
        t.context("You get a message only when something of yours changes."),
        t.actions(t.button("What is stored about me", Action.STORED_ABOUT_ME), t.button("Help", Action.HELP)),
    ]


def _today_first(facts: HomeFacts, today: date) -> list[Block]:
    """What waits for a licence manager; for IT only when something does."""
    if facts.today is None or not (Role.LICENCE_MANAGER in facts.roles or _waits(facts.today)):
        return []
    return _today(facts.today, today)


def _waiting_first(facts: HomeFacts) -> list[Block]:
    """What waits comes before anything else, also on the very first open."""
    blocks: list[Block] = []
    if facts.decisions.open:
        blocks.append(t.header(f"Waiting for your decision ({len(facts.decisions.open)})"))
        blocks += limited(
            [t.section(row_words(one), accessory=decide_button(one)) for one in facts.decisions.open], DECISIONS
        )
    return blocks


def _usual(facts: HomeFacts, now: datetime) -> list[Block]:
    blocks = [*_today_first(facts, now.date()), *_waiting_first(facts)]
    blocks.append(t.header("Your licences and requests"))
    blocks.append(t.section(total(facts), accessory=t.button("Ask for a licence", Action.ASK_LICENCE, style="primary")))
    if not facts.holding.seats:
        blocks.append(t.actions(t.button("Tell IT", Action.TELL_IT)))
    waiting = [
        *(asked_row(one) for one in facts.asked),
        *(question_row(one) for one in facts.questions),
        *(task_row(one) for one in facts.tasks),
    ]
    if waiting:
        blocks += [t.header("Waiting for you"), *limited(waiting, TASKS)]
    if facts.requests:
        blocks += [t.header("Your requests"), *limited([request_row(one) for one in facts.requests], REQUESTS)]
    if facts.holding.seats:
        blocks += [t.header("Your licences"), *limited([seat_row(one) for one in facts.holding.seats], SEATS)]
    if facts.team:
        blocks += [t.header("Your team"), team_line(facts.team)]
    room = MOST_BLOCKS - 2
    return [*blocks[:room], t.context(_source(facts, now)), _foot()]


def limited(rows: Sequence[Block], group: str, most: int = ROWS) -> list[Block]:
    """The first rows of a group, and a button for the rest."""
    if len(rows) <= most:
        return list(rows)
    more = t.button(
        f"Show all {len(rows):,}", Action.SHOW_ALL, group, heard=f"Show all {len(rows):,} {_HEARD.get(group, 'rows')}"
    )
    return [*rows[:most], t.actions(more)]


_HEARD = {
    DECISIONS: "decisions that wait for you",
    TASKS: "things that wait for you",
    REQUESTS: "requests of yours",
    SEATS: "licences of yours",
    TEAM: "people of your team",
}


# Rows, also used by the answers to commands


def total(facts: HomeFacts) -> str:
    """ "6 licences, together €1,412.00 and US$240.00 a year." """
    count = len(facts.holding.seats)
    if not count:
        return "No licences on record for you. Missing one?"
    return f"{t.plural(count, 'licence')}{_together(facts.holding.yearly)}."


def _together(sums: Sums) -> str:
    known = [money for money in sums.each() if money]
    if not known:
        gap = f"{t.plural(sums.unknown, 'price')} not known" if sums.unknown else "nothing extra to pay"
        return f", {gap}"
    gap = f", {t.plural(sums.unknown, 'price')} not known" if sums.unknown else ""
    return f", together {t.joined([str(money) for money in known])} a year{gap}"


def question_row(row: RequestRow) -> Block:
    return t.section(
        f"*A question about {t.named(row.product)}* · {row.reference}",
        accessory=t.button(
            "Answer", Action.ANSWER, Ref(row.id, row.version), heard=t.accessibility("Answer about", row.product)
        ),
    )


def task_row(task: TaskFacts) -> Block:
    verb = "Give a seat in" if task.kind == "give" else "Take back a seat in"
    holder = f" · {who(task.holder)}" if task.holder else ""
    return t.section(
        f"*{verb} {t.named(task.product)}*{holder} · due {t.instant(task.due_at)}",
        accessory=t.button(
            "Done",
            Action.TASK_DONE,
            Ref(task.id, task.version),
            heard=t.accessibility("Done:", task.product, task.holder.name if task.holder else ""),
        ),
    )


STATE_WORDS = {
    Status.APPROVED: "approved, seat on its way",
    Status.FULFILLING: "approved, seat on its way",
    Status.FULFILLED: "ready",
    Status.DENIED: "not approved",
    Status.WITHDRAWN: "withdrawn",
    Status.EXPIRED: "closed without an answer",
    Status.FAILED: "approved, waits for a person",
    Status.WAITING_FOR_SEAT: "approved, in the queue",
}


def request_words(row: RequestRow) -> str:
    """ "waiting for Ben Okafor until ⟨Tue 13:00⟩", "in the queue: 2nd of 3"."""
    if row.status == Status.AWAITING_APPROVAL:
        names = t.joined([t.named(name) for name in row.waits_for[:3]], "or") or "somebody to be named"
        due = f" until {t.instant(row.due_at)}" if row.due_at else ""
        return f"waiting for {names}{due}"
    if row.queue is not None:
        return f"in the queue: {t.ordinal(row.queue.place)} of {row.queue.of:,}"
    closed = f" {t.instant(row.closed_at)}" if row.closed_at else ""
    nameless = f", {t.plural(row.unnamed, 'seat')} without a holder" if row.unnamed else ""
    return f"{STATE_WORDS.get(row.status, 'waiting')}{closed}{nameless}"


def request_row(row: RequestRow) -> Block:
    """A row has one button: the name that is wanted, where nothing else can be done with the request."""
    if row.unnamed and row.status in (Status.FULFILLING, Status.FULFILLED):
        return t.section(
            f"*{t.named(row.product)}* · {request_words(row)} · {row.reference}",
            accessory=t.button(
                "Name a holder",
                Action.NAME_HOLDER,
                Ref(row.id, row.version),
                heard=t.accessibility("Name a holder for", row.product) + f", {row.reference}",
            ),
        )
    return t.section(
        f"*{t.named(row.product)}* · {request_words(row)} · {row.reference}",
        accessory=t.button(
            "Open",
            Action.OPEN_REQUEST,
            Ref(row.id, row.version),
            heard=t.accessibility("Open your request for", row.product) + f", {row.reference}",
        ),
    )


def asked_row(asked: StillNeededFacts) -> Block:
    """A row has one button: the question as a window."""
    by = f" Answer by {t.day(asked.answer_by)}." if asked.answer_by is not None else ""
    return t.section(
        f"*Do you still need {t.named(asked.product)}?*{by}",
        accessory=t.button(
            "Answer",
            Action.SEAT_ANSWER,
            Ref(asked.id, asked.version),
            heard=t.accessibility("Answer about", asked.product),
        ),
    )


def seat_row(seat: SeatFacts) -> Block:
    name = f"{t.named(seat.product)}" + (f", {t.named(seat.tier)}" if seat.tier else "")
    price = price_paid(seat.price)
    until = f"until {t.day(seat.until_on)}" if seat.until_on else "until the contract ends"
    words = f"*{name}* · {price} · since {t.day(seat.since)} · {until}"
    if seat.return_state:
        return t.section(f"{words} · is being given back")
    if seat.path == "role":
        return t.section(f"{words} · comes with your role; ask IT to change it")
    if not seat.can_give_back and seat.path.startswith("group:"):
        return t.section(f"{words} · given through a group of the directory")
    if seat.until_on is not None:
        keep = t.button(
            "Keep it longer",
            Action.KEEP_LONGER,
            Ref(seat.id),
            heard=t.accessibility("Keep longer:", seat.product) + f", since {t.day(seat.since)}",
        )
        return t.section(words, accessory=_seat_menu(seat) if seat.can_give_back else keep)
    return t.section(words, accessory=_give_back(seat))


def _give_back(seat: SeatFacts) -> Element:
    tier = f", {t.cut(seat.tier, 20)}" if seat.tier else ""
    return t.button(
        "Give back", Action.GIVE_BACK, Ref(seat.id), heard=t.accessibility("Give back", seat.product) + tier
    )


def _seat_menu(seat: SeatFacts) -> Element:
    """A seat that ends has two things to do, and a row has one button: it opens the rest."""
    return t.button(
        "Keep or give back",
        Action.KEEP_OR_BACK,
        Ref(seat.id),
        heard=t.accessibility("Keep longer or give back", seat.product),
    )


def both_ways(seat: SeatFacts) -> list[Block]:
    """The two things one can do with a seat that ends, for the window behind its row."""
    ends = f" ends on {t.day(seat.until_on)}." if seat.until_on else ""
    keep = t.button(
        "Keep it longer", Action.KEEP_LONGER, Ref(seat.id), heard=t.accessibility("Keep longer:", seat.product)
    )
    return [t.section(f"*{t.named(seat.product)}*{ends}"), t.actions(keep, _give_back(seat))]


def team_line(team: Sequence[TeamRow]) -> Block:
    seats = sum(row.licences for row in team)
    sums = Sums.of([])
    for row in team:
        sums = sums.plus(row.yearly)
    money = _together(sums).removeprefix(", together ").removeprefix(", ")
    words = f"{t.plural(len(team), 'person', 'people')} · {t.plural(seats, 'licence')} · {money} · {_team_use(team)}"
    return t.section(words, accessory=t.button("See the team", Action.SEE_TEAM))


def _team_use(team: Sequence[TeamRow]) -> str:
    """ "3 seats look idle, 2 not known": counts only, never days (privacy mode)."""
    unknown = sum(row.use_unknown for row in team)
    known = [row.idle for row in team if row.idle is not None]
    if not known:
        return f"use not known: {USE_NOT_READ}" if not unknown else "use not known of any seat"
    looks = sum(known)
    said = f"{t.plural(looks, 'seat')} {'looks' if looks == 1 else 'look'} idle" if looks else "no seat looks idle"
    return f"{said}, {unknown:,} not known" if unknown else said


def team_rows(team: Sequence[TeamRow]) -> list[Block]:
    """Who has how much, and whether something looks idle: yes or no, never since when (privacy mode)."""
    blocks = []
    for row in team:
        held = f": {t.inert(t.and_more([t.name(name, 40) for name in row.names], 6))}" if row.names else ""
        looks = f" · looks idle: {'yes' if row.idle else 'no'}" if row.idle is not None else ""
        money = _together(row.yearly)
        blocks.append(t.section(f"*{who(row.who)}* · {t.plural(row.licences, 'licence')}{money}{held}{looks}"))
    return blocks


def _waits(today: TodayFacts) -> bool:
    return bool(
        today.lists
        or today.renewals
        or today.red_renewals
        or today.alerts
        or today.stuck
        or today.parked
        or today.names
        or today.short
        or today.short is None
    )


def _today(today: TodayFacts, day: date) -> list[Block]:
    rows = []
    if today.alerts:
        age = (day - today.alerts_since.date()).days if today.alerts_since is not None else 0
        oldest = f", oldest {t.plural(age, 'day')}" if age else ""
        rows.append(
            t.section(
                f"*{t.plural(today.alerts, 'red alert')}*{oldest}",
                accessory=t.button("See alerts", Action.SEE_ALERTS, heard="See the red alerts that are open"),
            )
        )
    if today.lists:
        rows.append(
            t.section(
                f"*{t.plural(today.lists, 'list')} to confirm*, {t.plural(today.list_seats, 'seat')}",
                accessory=t.button("Review the list", Action.SEE_CAMPAIGNS, heard="See the lists of seats to confirm"),
            )
        )
    if today.renewals or today.red_renewals:
        rows.append(t.section(_renewals(today), accessory=t.button("See renewals", Action.SEE_RENEWALS)))
    if today.short is None or today.short:
        many = "*What is short* has not been counted today"
        rows.append(
            t.section(
                many if today.short is None else f"*{t.plural(today.short, 'product')} short*",
                accessory=t.button("See positions", Action.SEE_POSITIONS, heard="See positions: what is short"),
            )
        )
    if today.names:
        rows.append(
            t.section(
                f"*{t.plural(today.names, 'software name')} to settle*",
                accessory=t.button("Settle names", Action.SETTLE_NAMES, heard="Settle reported software names"),
            )
        )
    if today.stuck:
        rows.append(
            t.section(
                f"*{t.plural(len(today.stuck), 'request')}* "
                f"{'needs' if len(today.stuck) == 1 else 'need'} somebody named or a hand",
                accessory=t.button("See it", Action.SHOW_ALL, "stuck", heard="See requests that need a person"),
            )
        )
    if today.parked:
        verb = "waits" if today.parked == 1 else "wait"
        rows.append(
            t.section(
                f"*{t.plural(today.parked, 'thing')}* {verb} for a person",
                accessory=t.button("See it", Action.SHOW_ALL, "parked", heard="See what waits for a person"),
            )
        )
    if not rows:
        following = ""
        if today.next_decide is not None:
            name, by = today.next_decide
            following = f" Next: {t.named(name)}, decide by {t.day(by)} ({t.plural((by - day).days, 'day')})."
        elif today.next_end is not None:
            name, ends = today.next_end
            days = t.plural((ends - day).days, "day")
            following = f" Next: the contract for {t.named(name)} ends on {t.day(ends)} ({days})."
        rows.append(t.section(f"Nothing waits for you.{following}"))
    return [t.header("Today"), *rows]


def _renewals(today: TodayFacts) -> str:
    """ "2 renewals to decide this month", and those decided without proof."""
    parts = [f"*{t.plural(today.renewals, 'renewal')} to decide this month*"] if today.renewals else []
    if today.red_renewals:
        parts.append(f"*{t.plural(today.red_renewals, 'decision')} without proof*")
    return " · ".join(parts)


def _source(facts: HomeFacts, now: datetime) -> str:
    start = "Prices are what the company pays."
    if facts.figures_at is None:
        return f"{start} Updated {t.instant(now)} from the licence register."
    if (now - facts.figures_at).total_seconds() > OLD_AFTER_SECONDS:
        return f"{start} Updated {t.instant(facts.figures_at)}; Microsoft 365 has not answered since."
    return f"{start} Updated {t.instant(facts.figures_at)} from Microsoft 365 and the licence register."


def _foot() -> Block:
    return t.actions(
        t.button("Settings", Action.SETTINGS),
        t.button("What is stored about me", Action.STORED_ABOUT_ME),
        t.button("Help", Action.HELP),
    )
