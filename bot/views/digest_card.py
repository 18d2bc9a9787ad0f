"""The digest at nine (wording guide §2.13): what was held back, a row each with its button, oldest first."""

from __future__ import annotations

from datetime import datetime

from bot.ids import Action, Ref
from bot.views import text as t
from bot.views.decisions_card import decide_button, row_words
from bot.views.notes import note_card
from bot.views.said import product, who
from bot.views.text import Block, Element, Message
from workflows.reads.digest import DigestFacts, News, NoteFacts, RenewalNote, Waiting
from workflows.reads.facts import ApprovalFacts, DecisionsFacts
from workflows.reads.seat_facts import EndingFacts, ReturnedFacts, TaskFacts

ROWS = 20
_NEWS = 8
_SPOKEN = 8
_GIVEN = 5
#: Characters of the rows together, of a list's 9,000, and what a row's button adds.
_ROOM, _ROW_LABELS = 5500, 90


def digest_card(facts: DigestFacts, now: datetime) -> Message:
    """The digest as it stands now: settled rows are gone, and with none left it says so."""
    waits, news = facts.waiting, facts.news[:_NEWS]
    count = len(waits)
    if not waits and not news:
        return Message(
            "Nothing of this waits for you any more.", [t.section("*Nothing waits for you.* All is settled.")]
        )
    title = f"{t.plural(count, 'thing')} {'waits' if count == 1 else 'wait'} for you" if count else "News for you"
    shown = _fitting(waits[: ROWS - len(news)])
    blocks: list[Block] = [t.header(title)]
    blocks += [t.section(row_of(one), accessory=_button(one)) for one in shown]
    if count > len(shown):
        blocks.append(t.context(f"and {count - len(shown)} more, all of them on the Home tab"))
    blocks += [_news(one, now) for one in news]
    if len(facts.news) > len(news):
        blocks.append(t.context(f"and {len(facts.news) - len(news)} more"))
    since = _since(facts)
    if since:
        blocks.append(t.context(since))
    blocks.append(t.actions(t.button("Open Home", Action.OPEN_HOME, heard="Open Home: all that waits for you")))
    why = "Three messages came before these, so they come together. Each time limit runs on its own."
    blocks.append(t.context(why))
    return Message(_spoken(facts, title, since, why, now), blocks)


def _fitting(rows: tuple[Waiting, ...]) -> tuple[Waiting, ...]:
    """The first rows within the room of a list; names can be long."""
    used, kept = 0, 0
    for one in rows:
        used += t.length(row_of(one)) + _ROW_LABELS
        if used > _ROOM:
            break
        kept += 1
    return rows[: max(1, kept)]


def row_of(one: Waiting) -> str:
    """One thing that waits, as a line of mrkdwn."""
    if isinstance(one, ApprovalFacts):
        return row_words(one)
    if isinstance(one, TaskFacts):
        verb = "Give a seat in" if one.kind == "give" else "Take back a seat in"
        holder = f" · {who(one.holder)}" if one.holder else ""
        return f"*{verb} {t.named(one.product)}*{holder} · due {t.instant(one.due_at)}"
    if isinstance(one, EndingFacts):
        if not one.agreed_by:
            return f"*{t.named(one.product)} was given until {t.day(one.ends_on)}: still needed?*"
        return f"*Your {t.named(one.product)} licence ends on {t.day(one.ends_on)}*"
    if isinstance(one, RenewalNote):
        return _renewal(one)
    count = len(one.open)
    return f"*{t.plural(count, 'decision')} {'waits' if count == 1 else 'wait'} for you*"


def _button(one: Waiting) -> Element:
    if isinstance(one, ApprovalFacts):
        return decide_button(one)
    if isinstance(one, TaskFacts):
        heard = t.accessibility("Done:", one.product, one.holder.name if one.holder else "")
        return t.button("Done", Action.TASK_DONE, Ref(one.id, one.version), heard=f"{heard}, {one.reference or one.id}")
    if isinstance(one, EndingFacts):
        heard = f"{t.accessibility('Keep or give back', one.product)}, ends {t.day(one.ends_on)}"
        return t.button("Keep or give back", Action.KEEP_OR_BACK, Ref(one.seat_id), heard=heard)
    if isinstance(one, RenewalNote):
        heard = f"{t.accessibility('Open the renewal of', one.name)}, REN-{one.id}"
        return t.button("Open", Action.RENEWAL_SEE, Ref(one.id, one.version), heard=heard)
    return t.button("Show all", Action.SHOW_ALL, "decisions", heard="Show all decisions that wait for you")


def _renewal(one: RenewalNote) -> str:
    name, by = t.named(one.name, 40), f" by {t.day(one.decide_by)}" if one.decide_by is not None else ""
    if one.red:
        return f"*{name}: decided, no proof yet*"
    return f"*{name}: {'agree or not' if one.asks_to_agree else 'renew, reduce or cancel'}{by}*"


def _news(one: News, now: datetime) -> Block:
    words = _news_words(one)
    if (
        isinstance(one, ReturnedFacts)
        and one.state == "removed"
        and one.undo_until is not None
        and now < one.undo_until
    ):
        heard = f"{t.accessibility('I need it back:', one.product)}, {one.id}"
        return t.section(words, accessory=t.button("I need it back", Action.NEED_BACK, Ref(one.id), heard=heard))
    return t.section(words)


def _news_words(one: News) -> str:
    if isinstance(one, NoteFacts):
        # what somebody typed stands in plain text on the message of its own; here it is heard with the sentence
        return t.cut(note_card(one.said, one.by, one.request, one.deputy).text, 600)
    at = f" {t.instant(one.removed_at)}" if one.removed_at else ""
    if one.state == "removed":
        has = f"; you have {t.named(one.instead)} instead" if one.instead else ""
        return f"*Your {t.named(one.product)} licence was taken back*{at}{has}"
    return (
        f"*Your {t.named(one.product)} licence:* {'you keep it' if one.state in ('kept', 'restored') else 'see Home'}"
    )


def _since(facts: DigestFacts) -> str:
    if not facts.given:
        return ""
    said = [f"{t.named(name, 40)} given to {t.named(holder, 40)}" for name, holder in facts.given[:_GIVEN]]
    more = f" and {len(facts.given) - _GIVEN} more" if len(facts.given) > _GIVEN else ""
    return f"Since {t.weekday(facts.since)}: {'; '.join(said)}{more}."


def _spoken(facts: DigestFacts, title: str, since: str, why: str, now: datetime) -> str:
    rows = [_row_heard(one) for one in facts.waiting[:_SPOKEN]]
    more = f" And {len(facts.waiting) - _SPOKEN} more." if len(facts.waiting) > _SPOKEN else ""
    said = f"{title}: {'; '.join(rows)}.{more}" if rows else f"{title}."
    news = " ".join(t.sentence(_news_words(one).replace("*", "")) for one in facts.news[:2])
    return t.spoken(said, why, news, since)


def _row_heard(one: Waiting) -> str:
    if isinstance(one, ApprovalFacts):
        due = f", by {t.utc(one.step.due_at)}" if one.step.due_at else ""
        return f"{t.named(one.request.requester.name, 40)} asks for {t.named(product(one.request), 40)}{due}"
    if isinstance(one, DecisionsFacts):
        return f"{len(one.open)} decisions"
    if isinstance(one, TaskFacts):
        return f"a seat in {t.named(one.product, 40)} to {'give' if one.kind == 'give' else 'take back'}"
    if isinstance(one, RenewalNote):
        return _renewal(one).replace("*", "")
    return f"{t.named(one.product, 40)} ends on {t.day(one.ends_on)}"
