"""A renewal's decision as the letter to the vendor; the words are `licensing.renewal.notice`."""

from __future__ import annotations

from licensing.renewal.notice import Draft, Item
from workflows.reads.renewal_facts import BriefFacts


def draft(facts: BriefFacts) -> Draft:
    """The drafted notice of what was decided; of nothing yet: of renewing as it is.

    A statement reports what is used, not what was bought; a number that is not known is left to whoever sends it.
    """
    decision = facts.decision
    verdict = decision.verdict if decision is not None else "renew"
    chosen = decision.product if decision is not None else ""
    items = []
    for line in facts.lines:
        fewer = verdict == "reduce" and (line.product == chosen or len(facts.lines) == 1)
        after = decision.quantity if fewer and decision is not None else line.quantity
        items.append(Item(line.product, line.quantity, after))
    statement = not facts.whole_term
    if statement:
        items = [Item(one.name, one.quantity, one.reported) for one in facts.products]
    return Draft(
        verdict=verdict,
        vendor=facts.vendor,
        number=facts.contract,
        ends_on=facts.ends_on,
        items=items,
        next_term=facts.next_term,
        be_there_by=decision.carry_out_by if decision is not None else None,
        not_before=decision.not_before if decision is not None else None,
        asked_for=decision.words if decision is not None and verdict == "renegotiate" else "",
        sender=facts.senders[0].name if facts.senders else "",
        statement=statement,
    )
