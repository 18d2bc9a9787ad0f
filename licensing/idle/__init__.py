"""Whether a seat looks idle: signals to a verdict with the sentence that explains it. Pure; `judge` is the door."""

from __future__ import annotations

from licensing.idle.facts import Kind, PersonFacts, Rule, SeatFacts, SourceSeen, Verdict
from licensing.idle.judge import judge
from licensing.idle.products import Evidence, evidence_of, gives_mail, is_free
from licensing.idle.signals import Reading

__all__ = [
    "Evidence",
    "Kind",
    "PersonFacts",
    "Reading",
    "Rule",
    "SeatFacts",
    "SourceSeen",
    "Verdict",
    "evidence_of",
    "gives_mail",
    "is_free",
    "judge",
]
