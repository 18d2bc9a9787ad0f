"""What explains that a seat is silent, what forbids to take it, and why somebody should look first (rules §7)."""

from __future__ import annotations

from datetime import date, timedelta

from licensing.idle.facts import PersonFacts, Rule, SeatFacts
from licensing.idle.products import Evidence, named
from licensing.idle.signals import (
    CONCEALED,
    FINE,
    MAILBOX,
    NO_LICENCE,
    NO_PERMISSION,
    NOT_READ,
    SIGN_IN,
    STALE,
    Reading,
    attempt_after_success,
    last_use,
)
from licensing.words import day, joined, plural


def not_usable(reading: Reading, rule: Rule, today: date) -> str:
    words = named(reading.source)
    if reading.health == CONCEALED:
        return "Microsoft hides the names in its reports"
    if reading.health == NO_PERMISSION:
        return f"Seatkeeper has no permission to read the {words}"
    if reading.health == NO_LICENCE:
        return f"the company has no licence for the {words}"
    age = reading.age(today)
    if reading.health == STALE or age is None or age > rule.max_age(reading.source):
        return f"the {words} is {plural(age, 'day')} old" if age else f"the {words} is too old"
    if reading.health != FINE:
        return f"the {words} could not be read"
    return "" if reading.listed else f"the {words} does not list this person"


def nobody(person: PersonFacts) -> str:
    """Accounts no person works with: their silence, and their noise, say nothing."""
    account = {"room": "a room", "shared": "a shared mailbox", "service": "a service account"}.get(person.account)
    return f"this is {account}, not a person" if account else ""


def too_soon(person: PersonFacts, seat: SeatFacts, rule: Rule, today: date) -> str:
    """Why the person cannot have used it for that long yet, or is not expected to; "" when nothing explains it."""
    if person.starts_on is not None and person.starts_on > today:
        return f"starts on {day(person.starts_on)}"
    began = max((one for one in (person.starts_on, person.account_since) if one is not None), default=None)
    if began is not None and began > today - timedelta(days=rule.hire_grace_days):
        return f"started on {day(began)}, too lately to judge"
    if seat.since > today - timedelta(days=max(rule.seat_grace_days, rule.idle_days)):
        return f"given on {day(seat.since)}, too lately to judge"
    if _away(person, today):
        return f"away until {day(person.absent_until)}" if person.absent_until else "away"
    if rule.paused:
        return f"{rule.name} is paused: {rule.paused}"
    return ""


def _away(person: PersonFacts, today: date) -> bool:
    return (
        person.absent_from is not None
        and person.absent_from <= today
        and (person.absent_until is None or person.absent_until >= today)
    )


def days_away(person: PersonFacts, last: date, today: date) -> int:
    """Days of absence after the last use and up to today, each once: nobody is expected to use anything then."""
    days, counted = 0, last
    for first, final in absences(person, today):
        begins = max(first, counted + timedelta(days=1))
        if begins <= final:
            days, counted = days + (final - begins).days + 1, final
    return days


def absences(person: PersonFacts, today: date) -> list[tuple[date, date]]:
    """First and last day of each absence that has begun, the last one not after today; the earliest first."""
    known = ((person.was_absent_from, person.was_absent_until), (person.absent_from, person.absent_until))
    begun = [(first, min(until or today, today)) for first, until in known if first is not None]
    return sorted((first, final) for first, final in begun if first <= final)


def excluded(person: PersonFacts, seat: SeatFacts, rule: Rule, today: date) -> tuple[str, str]:
    """Why the seat must not be taken for want of use, in one word and in words; the first that holds."""
    account = {"room": "a room", "shared": "a shared mailbox", "service": "a service account"}.get(person.account)
    new_seat = seat.since > today - timedelta(days=rule.seat_grace_days)
    began = max((one for one in (person.starts_on, person.account_since) if one is not None), default=None)
    group = f"comes through the group {seat.group} and is only reported"
    obstacle = {
        "dynamic": "whose members a rule decides",
        "synced": "which is kept in the local directory",
        "role_assignable": "which gives rights in the directory",
        "gone": "which is gone",
    }.get(seat.group_obstacle, "")
    reasons: tuple[tuple[bool, str, str], ...] = (
        (bool(account), "account", f"this is {account}"),
        (not person.active, "leaver", "the account is disabled: leavers have a list of their own"),
        (
            person.leaves_on is not None and person.leaves_on <= today,
            "leaver",
            "left: leavers have a list of their own",
        ),
        (person.employment == "guest" and not rule.guests, "guest", "a guest"),
        (bool(person.excluded_by), "policy", person.excluded_by),
        (bool(seat.excluded_by), "policy", seat.excluded_by),
        (seat.mail and seat.mailbox_held, "held", "the mailbox is on hold"),
        (person.starts_on is not None and person.starts_on > today, "future_hire", "has not started yet"),
        (_away(person, today), "leave", "away now"),
        (began is not None and began > today - timedelta(days=rule.hire_grace_days), "new_hire", "newly hired"),
        (new_seat, "new_seat", "newly given"),
        (seat.free, "free", "costs nothing, so taking it back frees nothing"),
        (not seat.stated, "unstated", "Microsoft does not say how it was given, so it is not touched"),
        (seat.paths > 1, "two_paths", "held by two paths, so removing one frees no seat"),
        (seat.role, "role", "part of the role"),
        (bool(seat.group) and bool(obstacle), "group", f"{group}, {obstacle}"),
        (bool(seat.group) and not seat.group_may_act, "group", group),
    )
    return next(((code, words) for holds, code, words in reasons if holds), ("", ""))


def look_at(
    person: PersonFacts,
    seat: SeatFacts,
    readings: tuple[Reading, ...],
    evidence: Evidence,
    last: date | None,
    rule: Rule,
    today: date,
) -> list[str]:
    """Why somebody should look before this row is ticked; the mailbox first, for its loss is for good. No days."""
    by_source = {one.source: one for one in readings}
    found = mail_look(by_source.get(MAILBOX), rule, today) if seat.mail else []
    sign_in = by_source.get(SIGN_IN)
    if sign_in is not None and attempt_after_success(sign_in.facts):
        found.append("tried to sign in since, without success")
    beside = [
        named(one.source)
        for one in readings
        if one.source in evidence.beside and (used := last_use(one)) and (last is None or used > last)
    ]
    if beside:
        found.append(f"sources disagree: later use in the {joined(beside)}")
    old = [
        named(one.source)
        for one in readings
        if one.source in evidence.counts and one.source not in evidence.needs and one.health != NOT_READ
        if not_usable(one, rule, today) and one.listed
    ]
    if old:
        found.append(f"not up to date: {joined(old)}")
    if person.leaves_on is not None and person.leaves_on > today:
        found.append("will leave the company")
    return found


def mail_look(mailbox: Reading | None, rule: Rule, today: date) -> list[str]:
    """What about a mailbox wants a tick of its own: an archive, a large one, or one of which it is not known."""
    if mailbox is None or not mailbox.listed or not_usable(mailbox, rule, today):
        return ["size of the mailbox not known"]
    found = []
    archive, size = mailbox.facts.get("archive"), mailbox.facts.get("bytes")
    if archive is True:
        found.append("has an archive mailbox")
    elif archive is None:
        found.append("archive not checked")
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        found.append("size of the mailbox not known")
    elif size > rule.large_mailbox_gb * 1024**3:
        found.append(f"mailbox over {rule.large_mailbox_gb} GB")
    return found
