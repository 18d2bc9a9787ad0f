"""One machine or two: a question about devices that agents report alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection

from bot.ids import Action
from bot.questions.kind import Asked, Choice, Kind
from bot.views import text as t
from bot.views.said import who
from workflows.device_doubts import MATTER, MOOT, Answer
from workflows.reads.doubts import DeviceFacts, DoubtFacts, doubts


def asked(one: DoubtFacts) -> Asked:
    """What was seen, with the device it is about."""
    words = t.inert(t.one_line(one.words), 300)
    devices = [one.device] if one.other is None else [one.device, one.other]
    return Asked(
        one.id,
        words=words if one.other is not None else f"{t.named(one.device.name, 40)}: {words}",
        details=tuple((t.name(each.name, 40), _about(each)) for each in devices),
        about=(one.device.name, one.other.name if one.other is not None else ""),
        outcome="" if one.open else _outcome(one),
        confirm=_merging(one),
    )


def _outcome(one: DoubtFacts) -> str:
    """ "*One device*, says Eli Marsh: PC-9 counts as PC-7." """
    by = f", says {who(one.decided_by)}" if one.decided_by is not None else ""
    name = t.named(one.device.name, 40)
    if one.decision == MOOT:
        return f"*Settled:* {name}, with another answer about it."
    if one.other is None:
        return f"*{'One device' if one.decision == Answer.ONE else 'Two devices'}*{by}: {name}."
    other = t.named(one.other.name, 40)
    if one.decision == Answer.ONE:
        return f"*One device*{by}: {name} counts as {other}."
    return f"*Two devices*{by}: {name} and {other}."


def _about(device: DeviceFacts) -> str:
    """What a person at the machine can check."""
    serial = f"serial {t.named(device.serial, 40)}" if device.serial else "no serial number"
    seen = f"last report {t.instant(device.last_seen_at)}" if device.last_seen_at is not None else "no report yet"
    return ", ".join(part for part in (serial, t.named(device.system, 60) if device.system else "", seen) if part)


def _merging(one: DoubtFacts) -> Mapping[Action, tuple[str, str]]:
    """Only where it retires a row; the dialog says which."""
    if one.other is None:
        return {}
    gone, kept = t.name(one.device.name, 40), t.name(one.other.name, 40)
    title = f"Count {t.name(one.device.name, 30)} as {t.name(one.other.name, 30)}?"
    text = f"{gone} is retired today, and what it reports counts for {kept} from now on."
    return {Action.DOUBT_ONE: (title, text)}


def _read(connection: Connection, ids: Collection[int]) -> list[Asked]:
    return [asked(one) for one in doubts(connection, ids)]


DEVICES = Kind(
    matter=MATTER,
    header="One machine or two?",
    about="devices",
    known_to="somebody who knows them",
    meanwhile="Nothing is merged or parted until somebody answers.",
    listed_by="seatkeeper sources doubts lists them",
    see=Action.DOUBT_SEE,
    choices=(
        Choice("Same device", Action.DOUBT_ONE, Answer.ONE),
        Choice("Two devices", Action.DOUBT_TWO, Answer.TWO),
    ),
    read=_read,
)
