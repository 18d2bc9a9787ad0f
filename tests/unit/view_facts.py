"""Facts for messages: one ordinary company and one whose every name and word tries to break something."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from licensing.money import Money
from model.requests import ApproverState, LineState, RequestKind, Status, StepKind, StepState
from workflows.reads.facts import (
    USE_NOT_READ,
    ApprovalFacts,
    AskedFacts,
    BudgetLeft,
    Held,
    LineFacts,
    Price,
    ProgressFacts,
    RequestFacts,
    SeatNumbers,
    StepFacts,
    Who,
)
from workflows.reads.prices import charge

NOW = datetime(2026, 11, 23, 9, 14, tzinfo=UTC)
DUE = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)
HOSTILE = "*_~`<!channel>"


@dataclass(frozen=True)
class Voice:
    """A set of names and words to fill every place with."""

    ana: str
    ben: str
    mia: str
    team: str
    product: str
    words: str
    system: str = "Microsoft 365"


ORDINARY = Voice(
    "Ana Lindqvist", "Ben Okafor", "Mia Chen", "Design", "Microsoft Copilot for Microsoft 365", "Minutes of the move"
)
VOICES = {
    "ordinary": ORDINARY,
    "right to left": Voice(
        "محمد عبد الرحمن الفارسي", "佐藤 花子", "Ngô Thị Bích-Ngọc", "التصميم", "فوتوشوب", "ملاحظات الاجتماع"
    ),
    "longest": Voice(
        "Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh, Maximiliana",
        "Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh, Maximilian",
        "Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh, Maxime",
        "Department of " + "very " * 18 + "long names",
        "T" * 200,
        "word " * 400,
    ),
    "hostile": Voice(HOSTILE + " Ana", HOSTILE + " Ben", HOSTILE + " Mia", "<!here>", "<@U0BEN|x>" + HOSTILE, HOSTILE),
    "entities": Voice("&<>" * 80, "<https://evil.example|Pay>", "&amp;&lt;", "&" * 120, "&" * 200, "&<>\n" * 300),
    "pictures": Voice("👨‍👩‍👧‍👦 Ana", "Ben 👩🏽‍💻", "Mia 🏳️‍🌈", "🎨 Design", "👨‍👩‍👧‍👦" * 30 + " Family", "🎉" * 400),
}


def who(number: int, name: str, team: str = "Design") -> Who:
    return Who(number, name, team, f"person{number}@example.test", f"U0{number}", "Europe/Paris", True)


def asked(voice: Voice, **changes: Any) -> AskedFacts:
    one = AskedFacts(
        id=5,
        who=who(2, voice.ben),
        because="Ben is the manager of Ana",
        stands_in_for=None,
        stands_in_until=None,
        state=ApproverState.ASKED,
        asked_at=NOW,
        reminders=0,
        decided_at=None,
        words="",
        lowered_until=None,
        lowered_seats=None,
        lowered_tier="",
        handed_on=False,
    )
    return replace(one, **changes)


def step(voice: Voice, *people: AskedFacts, **changes: Any) -> StepFacts:
    one = StepFacts(
        id=3,
        position=1,
        kind=StepKind.LINE_MANAGER,
        because="the line manager decides",
        quorum=1,
        state=StepState.OPEN,
        opened_at=NOW,
        due_at=DUE,
        escalations=0,
        decided_at=None,
        asked=people or (asked(voice),),
    )
    return replace(one, **changes)


def request(voice: Voice, *steps: StepFacts, seats: int = 1, **changes: Any) -> RequestFacts:
    ana = who(1, voice.ana, voice.team)
    others = [who(100 + number, f"{voice.mia} {number}", voice.team) for number in range(seats - 1)]
    lines = tuple(
        LineFacts(10 + place, person, LineState.WANTED, "", None) for place, person in enumerate([ana, *others])
    )
    one = RequestFacts(
        id=42,
        reference="REQ-1042",
        version=3,
        kind=RequestKind.SEAT,
        status=Status.AWAITING_APPROVAL,
        requester=ana,
        product_id=1,
        product=voice.product,
        sku_id=1,
        tier="",
        seats=seats,
        until_on=None,
        reason=voice.words,
        frequency="weekly",
        alternative_offered="",
        cost_centre="Design",
        purchase=False,
        pre_approved_rule="",
        question="",
        question_by=None,
        question_at=None,
        urgent_reason="",
        created_at=NOW,
        submitted_at=NOW,
        decided_at=None,
        queued_at=None,
        closed_at=None,
        nudged_at=None,
        closing_words="",
        extends_until=None,
        details={},
        lines=lines,
        steps=steps or (step(voice),),
    )
    return replace(one, **changes)


PRICE = Price(Money(Decimal(336), "EUR"), "year", date(2027, 3, 31))
NO_PRICE = Price(None, "year", date(2027, 3, 31), "the price is not recorded")


def numbers(free: int | None, **changes: Any) -> SeatNumbers:
    one = SeatNumbers(
        bought=40,
        in_use=40 - (free or 0),
        reserved=0,
        free=free,
        waiting=0,
        unlimited=False,
        source="Microsoft 365",
        read_at=NOW - timedelta(minutes=4),
    )
    return replace(one, **changes)


def approval(
    voice: Voice = ORDINARY, *, free: int = 3, buys: int = 0, price: Price = PRICE, **changes: Any
) -> ApprovalFacts:
    req = changes.pop("request", None) or request(voice)
    first = req.steps[0]
    one = ApprovalFacts(
        request=req,
        step=first,
        asked=first.asked[0],
        numbers=numbers(free),
        price=price,
        charge=charge(price, buys, NOW.date()),
        budget=BudgetLeft("Design", Money(Decimal("1204.00"), "EUR")),
        can_buy=True,
        orders=who(9, "Goran Petrović"),
        use_unknown=USE_NOT_READ,
        history=(Held(date(2026, 2, 1), date(2026, 5, 30), True),),
        licences=6,
        overlap=(),
        next_if_silent=who(7, voice.mia),
        passed_to=(),
        after_this=(),
        safe=buys == 0,
    )
    return replace(one, **changes)


def progress(voice: Voice = ORDINARY, **changes: Any) -> ProgressFacts:
    one = ProgressFacts(
        request=changes.pop("request", None) or request(voice),
        queue=None,
        tickets=(),
        owner=who(8, "Chitra Rao"),
        task_with=None,
        guide_url="https://guide.example.test/copilot",
        ready_hint="Sign out of Office and in again to see it.",
        until_on=None,
        term_ends_on=date(2027, 3, 31),
        alternative="",
    )
    return replace(one, **changes)
