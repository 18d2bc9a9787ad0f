"""What people choose from when they deny, cannot do a task, keep a seat, or say what software is: key and words."""

from __future__ import annotations

from collections.abc import Mapping

from workflows.alerts.acting import Answer
from workflows.reclaim.answers import Answer as Keep
from workflows.tasks import InTheWay

#: Why somebody denies a request.
DENIAL_REASONS: Mapping[str, str] = {
    "cheaper": "A cheaper tier will do",
    "owned": "Use something we own",
    "not_needed": "Not needed for the work",
    "not_now": "Not now",
    "other": "Other",
}
#: What keeps an owner from giving or taking back a seat.
IN_THE_WAY: Mapping[str, str] = {
    InTheWay.NO_SEAT.value: "No seat left",
    InTheWay.UNKNOWN_THERE.value: "Person unknown there",
    InTheWay.NO_RIGHT.value: "No right to do it",
    InTheWay.OTHER.value: "Other",
}
#: What software found on a device really is.
REALLY: Mapping[str, str] = {
    Answer.ANOTHER_PRODUCT.value: "Another product",
    Answer.PART_OF.value: "Part of something we own",
    Answer.NOT_MINE.value: "Not my device",
    Answer.HAVE.value: "We have a licence",
}
#: Why somebody keeps a seat that looks idle.
KEEPS: Mapping[str, str] = {
    Keep.USES_IT.value: "I use it; the report is wrong",
    Keep.SEASONAL.value: "I use it at certain times of the year",
    Keep.ABOUT_TO.value: "I am about to start",
    Keep.AWAY.value: "I was away",
    Keep.OTHER.value: "Other",
}
