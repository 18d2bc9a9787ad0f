"""A file as proof: asked for in Slack, fetched by a job, kept with its SHA-256, size, who and when.

Attaching it proves nothing yet: the renewal closes in the transaction that keeps the file, so that a proof which
cannot be read leaves the decision red, and whoever attached it hears why.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from licensing.words import cut
from model.events import Tag
from model.people import Person
from model.renewals import ProofFile
from model.session import UnitOfWork
from workflows.effects import KeepProof, enqueue
from workflows.refusals import FieldRefusals, Refusal
from workflows.renewals import proof as proofs
from workflows.renewals import renewal as moves
from workflows.renewals import telling
from workflows.renewals.proof import Proof
from workflows.renewals.rollover import standing
from workflows.rules import Rules

AWAITED, KEPT, REFUSED = "awaited", "kept", "refused"
#: Bytes of one file; a confirmation is a page or a mail.
LARGEST = 10_000_000
#: Endings of files that are taken: what a confirmation comes as. No program, no page, no archive.
ENDINGS = ("pdf", "eml", "msg", "png", "jpg", "jpeg", "docx", "xlsx", "txt")


@dataclass(frozen=True)
class Attached:
    """A file somebody picked: Slack's id and its name."""

    slack_file_id: str
    name: str


@dataclass(frozen=True)
class Kept:
    """A file as it is listed; its bytes are read apart."""

    id: int
    name: str
    size: int
    sha256: str
    by: str
    at: datetime


def ask(
    work: UnitOfWork,
    rules: Rules,
    renewal_id: int,
    version: int | None,
    by: int,
    proof: Proof,
    file: Attached,
    now: datetime,
) -> None:
    """Take a file for proof and have it fetched. Raises as `proof.prove` does."""
    row = _row(work, rules, renewal_id, version, by, proof, file, now)
    enqueue(work, [KeepProof(row.id)], now)


def _row(
    work: UnitOfWork,
    rules: Rules,
    renewal_id: int,
    version: int | None,
    by: int,
    proof: Proof,
    file: Attached,
    now: datetime,
) -> ProofFile:
    """The file's row, where it may be proof."""
    ending = file.name.rpartition(".")[2].casefold() if "." in file.name else ""
    if ending not in ENDINGS:
        raise FieldRefusals({"file": f"Attach one of these: {', '.join(ENDINGS)}."})
    named = Proof(proof.sent_by_id, proof.sent_on, proof.how, cut(file.name, 255))
    renewal, decision = proofs.checked(work, rules, renewal_id, version, by, named, now)
    row = ProofFile(
        renewal_id=renewal.id,
        decision_id=decision.id,
        slack_file_id=file.slack_file_id,
        name=cut(file.name, 255),
        by_id=by,
        at=now,
        sent_by_id=proof.sent_by_id,
        sent_on=proof.sent_on,
        how=proof.how.strip()[: proofs.LONGEST_HOW],
        reference=proof.document.strip()[:500],
    )
    work.session.add(row)
    work.session.flush()  # its id goes into the job
    return row


def give(
    work: UnitOfWork,
    rules: Rules,
    renewal_id: int,
    version: int | None,
    by: int,
    proof: Proof,
    name: str,
    content: bytes,
    now: datetime,
) -> None:
    """Keep a file that was sent with its form, and close the renewal. Raises as `proof.prove` does."""
    if not content or len(content) > LARGEST:
        raise FieldRefusals({"file": f"Attach a file of at most {LARGEST // 1_000_000} MB that is not empty."})
    row = _row(work, rules, renewal_id, version, by, proof, Attached("", name), now)
    row.content, row.size, row.sha256 = content, len(content), hashlib.sha256(content).hexdigest()
    shown = Proof(row.sent_by_id, row.sent_on, _how(row), row.name, row.sha256)
    proofs.prove(work, rules, renewal_id, version, by, shown, now)
    row.state, row.settled_at = KEPT, now


def awaited(connection: Connection, file_id: int) -> str | None:
    """Slack's id of a file still to be fetched; None when nothing is left to do."""
    return connection.execute(
        select(ProofFile.slack_file_id).where(ProofFile.id == file_id, ProofFile.state == AWAITED)
    ).scalar_one_or_none()


def keep(work: UnitOfWork, rules: Rules, file_id: int, content: bytes, now: datetime) -> None:
    """Store the file and close the renewal; what no longer fits is refused, and who attached it hears why."""
    row = _locked(work, file_id)
    if row is None:
        return
    row.content, row.size = content, len(content)
    row.sha256 = hashlib.sha256(content).hexdigest()
    shown = Proof(row.sent_by_id, row.sent_on, _how(row), row.name, row.sha256)
    try:
        _for_what_stands(work, row)
        proofs.prove(work, rules, row.renewal_id, None, row.by_id, shown, now)
    except Refusal as refused:
        _refused(work, row, str(refused), now)
        return
    row.state, row.settled_at = KEPT, now


def _for_what_stands(work: UnitOfWork, row: ProofFile) -> None:
    """Raises Refusal where another decision than the file's stands by now; where none does, `prove` says so."""
    moves.locked(work, row.renewal_id)
    decision = standing(work, row.renewal_id)
    if decision is not None and decision.id != row.decision_id:
        raise Refusal("It was attached for another decision, which stands no more.")


def _how(row: ProofFile) -> str:
    """How it was sent, with the link that was given beside the file."""
    return f"{row.how}; {row.reference}" if row.reference else row.how


def refuse(work: UnitOfWork, file_id: int, why: str, now: datetime) -> None:
    """The file could not be fetched: say so to whoever attached it."""
    row = _locked(work, file_id)
    if row is not None:
        _refused(work, row, why, now)


def _refused(work: UnitOfWork, row: ProofFile, why: str, now: datetime) -> None:
    row.state, row.words, row.settled_at = REFUSED, why[:500], now
    row.content = None
    renewal = moves.locked(work, row.renewal_id)
    facts = {"file": row.id, "decision": row.decision_id}
    event_id = work.record([moves.happened(renewal, Tag.RENEWAL_PROOF_REFUSED, "clock", facts)], now)[0]
    reference = moves.reference(row.renewal_id)
    words = f"The file “{row.name}” is no proof yet ({reference}): {why.rstrip('.')}. Nothing changed; add proof again."
    telling.note(work, row.by_id, event_id, words, now)


def _locked(work: UnitOfWork, file_id: int) -> ProofFile | None:
    row = work.session.get(ProofFile, file_id, with_for_update=True, populate_existing=True)
    return row if row is not None and row.state == AWAITED else None


def kept(connection: Connection, renewal_id: int) -> tuple[Kept, ...]:
    """The files of a renewal, newest first."""
    rows = connection.execute(
        select(ProofFile.id, ProofFile.name, ProofFile.size, ProofFile.sha256, Person.name.label("by"), ProofFile.at)
        .join(Person, Person.id == ProofFile.by_id)
        .where(ProofFile.renewal_id == renewal_id, ProofFile.state == KEPT)
        .order_by(ProofFile.id.desc())
    )
    return tuple(Kept(row.id, row.name, row.size or 0, row.sha256, row.by, row.at) for row in rows)


def content_of(connection: Connection, renewal_id: int, file_id: int) -> tuple[str, bytes] | None:
    """Name and bytes of a kept file of this renewal."""
    row = connection.execute(
        select(ProofFile.name, ProofFile.content).where(
            ProofFile.id == file_id, ProofFile.renewal_id == renewal_id, ProofFile.state == KEPT
        )
    ).one_or_none()
    return None if row is None or row.content is None else (row.name, row.content)
