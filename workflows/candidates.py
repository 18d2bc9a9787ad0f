"""Who could decide a step, nearest first, and who holds the right to. The choice among them is `workflows.approval`.

Tiers: 0 the natural person or their deputy (for a pool: everybody named), 1 to 2 those next to them, 3 the fallback
group. People who cannot be asked are passed over with a reason in words, never silently.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from licensing.words import and_more, cut
from model.requests import StepKind
from workflows.facts import Asked, Directory, PersonFacts, RequestFacts
from workflows.policy import Deciders, Policy

FALLBACK_TIER = 3
LONGEST_WORDS = 300


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who can be asked now; a lower tier is nearer."""

    asked: Asked
    tier: int


@dataclass(frozen=True, slots=True)
class Search:
    """All candidates for one decision (several managers are several decisions), who has the right to it, who not."""

    candidates: tuple[Candidate, ...]
    quorum: int
    rights: frozenset[int]
    skipped: tuple[str, ...]


def search_for(
    kind: StepKind,
    facts: RequestFacts,
    directory: Directory,
    policy: Policy,
    now: datetime,
    barred: Iterable[int],
) -> list[Search]:
    """The decisions a step consists of; one, except where beneficiaries have different managers."""
    if kind is not StepKind.LINE_MANAGER:
        finder = _Finder(facts, directory, policy, now, frozenset(barred))
        quorum = policy.approval.deciders(kind).quorum
        if kind is StepKind.PRODUCT_OWNER:
            if facts.product_key is not None:
                quorum = max(quorum, policy.product(facts.product_key).owner_quorum)
            finder.product_owner(0)
            finder.pool(policy.approval.product_owner, "whoever looks after products", 1)
            finder.above(directory.get(facts.owner_id or 0), 2)
        else:
            finder.pool(policy.approval.deciders(kind), _PURPOSE[kind], 0)
        finder.fallback()
        return [finder.found(quorum)]
    return _line_managers(facts, directory, policy, now, frozenset(barred))


_PURPOSE = {
    StepKind.FINANCE: "finance",
    StepKind.SECURITY: "security",
    StepKind.LICENCE_MANAGER: "licence questions",
    StepKind.PURCHASE: "confirming orders",
}


def _line_managers(
    facts: RequestFacts, directory: Directory, policy: Policy, now: datetime, barred: frozenset[int]
) -> list[Search]:
    """One decision per manager: people whose decision falls to the same person share it."""
    groups: dict[int | None, list[tuple[str, Search]]] = {}
    for person_id in facts.beneficiary_ids or (facts.requester_id,):
        finder = _Finder(facts, directory, policy, now, barred)
        person = directory.get(person_id)
        finder.managers_of(person)
        finder.product_owner(2)
        finder.fallback()
        search = finder.found(1)
        first = search.candidates[0].asked.person_id if search.candidates else None
        groups.setdefault(first, []).append((person.name if person else "somebody new", search))
    quorum = policy.approval.line_manager_quorum if len(groups) == 1 else 1
    merged = []
    for members in groups.values():
        names = and_more([name for name, _ in members], 3)
        search = members[0][1]
        candidates = tuple(
            replace(one, asked=replace(one.asked, because=one.asked.because.replace(members[0][0], names, 1)))
            if one.asked.because.startswith("You manage ") and len(members) > 1
            else one
            for one in search.candidates
        )
        rights = frozenset[int]().union(*(each.rights for _, each in members))
        skipped = tuple(dict.fromkeys(words for _, each in members for words in each.skipped))
        merged.append(Search(candidates, quorum, rights, skipped))
    return merged


class _Finder:
    """Collects candidates in order, each person once."""

    def __init__(
        self, facts: RequestFacts, directory: Directory, policy: Policy, now: datetime, barred: frozenset[int]
    ) -> None:
        self.facts, self.directory, self.policy, self.now, self.barred = facts, directory, policy, now, barred
        self._candidates: dict[int, Candidate] = {}
        self._rights: set[int] = set()
        self._skipped: dict[str, None] = {}

    def found(self, quorum: int) -> Search:
        ordered = sorted(self._candidates.values(), key=lambda one: one.tier)
        return Search(tuple(ordered), quorum, frozenset(self._rights), tuple(self._skipped))

    def managers_of(self, person: PersonFacts | None) -> None:
        """The manager and the manager's manager, with their deputies; a chain that returns to itself ends."""
        if person is None:
            self._skipped["Somebody who gets a seat is not in the staff directory"] = None
            return
        below, seen, because = person, {person.id}, f"You manage {person.name}."
        for tier in (0, 1):
            manager = self.directory.get(below.manager_id or 0)
            if manager is None:
                self._skipped[f"{below.name} has no manager in the staff directory"] = None
                return
            if manager.id in seen:
                self._skipped[f"The managers above {person.name} form a circle"] = None
                return
            seen.add(manager.id)
            self.consider(manager, because, tier)
            self.deputy_of(manager, tier)
            reason = self._reason(manager) or "was asked first"
            because = f"You manage {manager.name}, who manages {person.name} and {reason}."
            below = manager

    def product_owner(self, tier: int) -> None:
        owner = self.directory.get(self.facts.owner_id or 0)
        if owner is None:
            if tier == 0:
                self._skipped[f"Nobody looks after {self.facts.product_name}"] = None
            return
        self.consider(owner, f"You look after {self.facts.product_name}.", tier)
        self.deputy_of(owner, tier)

    def above(self, person: PersonFacts | None, tier: int) -> None:
        """The manager of somebody who should have decided."""
        manager = None if person is None else self.directory.get(person.manager_id or 0)
        if person is not None and manager is not None:
            self.consider(manager, f"You manage {person.name}, who looks after {self.facts.product_name}.", tier)

    def pool(self, deciders: Deciders, purpose: str, tier: int) -> None:
        """The people policy names, in its order, then everybody with one of the roles, by id."""
        by_email = {person.email.casefold(): person for person in self.directory.values() if person.email}
        for email in deciders.people:
            person = by_email.get(email.casefold())
            if person is None:
                self._skipped[f"Policy names {email}, who is not in the staff directory"] = None
                continue
            self.consider(person, f"The policy names you for {purpose}.", tier)
            self.deputy_of(person, tier)
        holders = [person for person in self.directory.values() if person.roles & set(deciders.roles)]
        for person in sorted(holders, key=lambda one: one.id):
            self.consider(person, f"Your role stands for {purpose}.", tier)
            self.deputy_of(person, tier)

    def fallback(self) -> None:
        nearer = next(iter(self._skipped), "")
        why = f": {nearer}" if nearer and not self._candidates else ""
        start = f"Nobody nearer could be asked{why}."
        group = self.policy.approval.fallback
        before = set(self._candidates)
        self.pool(group, "requests nobody else can decide", FALLBACK_TIER)
        for person_id in set(self._candidates) - before:
            one = self._candidates[person_id]
            words = cut(f"{start} {one.asked.because}", LONGEST_WORDS)
            self._candidates[person_id] = replace(one, asked=replace(one.asked, because=words))

    def consider(self, person: PersonFacts, because: str, tier: int) -> None:
        """Adds the person, or notes why not. The right to decide outlasts an absence: who is away may press."""
        self._rights.add(person.id)
        reason = self._passed_over(person)
        if reason is not None:
            self._skipped[reason] = None
        elif person.id not in self._candidates:
            self._candidates[person.id] = Candidate(Asked(person.id, cut(because, LONGEST_WORDS)), tier)

    def deputy_of(self, person: PersonFacts, tier: int) -> None:
        """Who stands in while the person is away, under the same exclusions; nobody stands in for a stand-in."""
        if person.has_left(self.now) or person.id in self.facts.excluded or not person.is_away(self.now):
            return
        deputy = self.directory.get(person.deputy_id or 0)
        if deputy is None or deputy.id == person.id:
            return
        self._rights.add(deputy.id)
        reason = self._reason(deputy)
        if reason is not None:
            self._skipped[f"{deputy.name} stands in for {person.name} but {reason}"] = None
        elif deputy.id not in self._candidates:
            why = cut(f"You stand in for {person.name}, who {person.cannot_be_asked(self.now)}.", LONGEST_WORDS)
            self._candidates[deputy.id] = Candidate(Asked(deputy.id, why, person.id), tier)

    def _passed_over(self, person: PersonFacts) -> str | None:
        reason = self._reason(person)
        return None if reason is None else f"{person.name} {reason}"

    def _reason(self, person: PersonFacts) -> str | None:
        """Why a person cannot be asked, in words that follow the name."""
        if person.id == self.facts.requester_id:
            return "made this request"
        if person.id in self.facts.beneficiary_ids:
            return "would get a seat"
        if person.id in self.barred:
            return "was asked already, here or in another step"
        return person.cannot_be_asked(self.now)


def fill(slots: list[tuple[Candidate, ...]]) -> list[Candidate | None]:
    """One candidate per slot, nobody twice, as many slots filled as can be; nearer tiers and earlier slots first.

    A choice that would leave empty a slot that could be filled is not made: when the only person of the finance pool
    is also a spare for an earlier step, finance gets them.
    """
    chosen: list[Candidate | None] = [None] * len(slots)
    reachable = _most_filled(slots, chosen)
    for tier in sorted({candidate.tier for slot in slots for candidate in slot}):
        for index, slot in enumerate(slots):
            for candidate in slot:
                taken = {one.asked.person_id for one in chosen if one is not None}
                if chosen[index] is not None or candidate.tier != tier or candidate.asked.person_id in taken:
                    continue
                chosen[index] = candidate
                if _most_filled(slots, chosen) < reachable:
                    chosen[index] = None
    return chosen


def _most_filled(slots: list[tuple[Candidate, ...]], fixed: list[Candidate | None]) -> int:
    """How many slots can be filled at all when some are fixed (maximum bipartite matching, augmenting paths)."""
    taken = {one.asked.person_id for one in fixed if one is not None}
    slot_of: dict[int, int] = {}

    def place(index: int, tried: set[int]) -> bool:
        for candidate in slots[index]:
            person_id = candidate.asked.person_id
            if person_id in taken or person_id in tried:
                continue
            tried.add(person_id)
            if person_id not in slot_of or place(slot_of[person_id], tried):
                slot_of[person_id] = index
                return True
        return False

    return len(taken) + sum(place(index, set()) for index, one in enumerate(fixed) if one is None)


def together(
    candidates: tuple[Candidate, ...], farthest: int, used: Iterable[int], already: int, at_most: int
) -> list[Candidate]:
    """Further people of a pool to ask along with those chosen, up to `at_most` in all, none of them used elsewhere.

    Natural persons decide alone: a tier of one named owner or manager is not widened by the tier behind it.
    """
    busy = set(used)
    spare = [one for one in candidates if one.tier == farthest and one.asked.person_id not in busy]
    return spare[: max(0, at_most - already)]
