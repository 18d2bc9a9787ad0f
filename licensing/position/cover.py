"""The largest cover possible (rules §1, "Order of cover"): second use, own version newest first, then downgrade.

A small network: on the left the units bought, by version and right, and the second uses they allow; on the right what
is used, by version. The flow found is the largest, and among the largest the one that keeps the order. Surplus of one
version stays where it is when it may not cover another: it never nets a shortfall there. Where several licences cover
a use equally well, it takes the unit that would be wasted last.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from licensing.position.versions import BOUNDLESS, Fit, Parts, Supply, whole

#: Second use comes before the version's own units.
SECOND = max(Fit) + 1


@dataclass(frozen=True, slots=True)
class Taker:
    """`count` alike users; each takes a unit per entry of `devices` (its version, and whether it can be carried).

    `wasting` is why their units are wasted though taken: idle, or held by a leaver. "" when they are not.
    """

    count: int
    devices: tuple[tuple[Parts, bool], ...]
    wasting: str = ""
    person: bool = True


@dataclass(frozen=True, slots=True)
class Cover:
    """What covers what. `units` by supply and version used, `second` by taker and version of the portable."""

    supplies: tuple[Supply, ...]
    needed: Mapping[Parts, int]  # by version, second uses taken off
    units: Mapping[tuple[int, Parts], int]
    second: Mapping[tuple[int, Parts], int] = field(default_factory=dict)

    @property
    def second_uses(self) -> int:
        return sum(self.second.values())

    def covered(self, version: Parts) -> int:
        return sum(units for (_, used), units in self.units.items() if used == version)

    def short(self, version: Parts) -> int:
        """Units of that version's use that nothing covers."""
        return self.needed.get(version, 0) - self.covered(version)

    def spare(self, number: int) -> int:
        """Units of a supply that nobody needs; unlimited ones, and those beside unlimited ones, have none."""
        units = self.supplies[number].units
        if units is None or self.costs_nothing_more(number):
            return 0
        return units - sum(some for (which, _), some in self.units.items() if which == number)

    def costs_nothing_more(self, number: int) -> bool:
        """Whether a supply is unlimited, or lies beside an unlimited one that covers the same: it wastes nothing."""
        supply = self.supplies[number]
        return any(
            other.units is None
            and (other is supply or not other.version or (supply.version and other.fit(supply.version) is not None))
            for other in self.supplies
        )


def cover(
    supplies: Sequence[Supply],
    takers: Sequence[Taker],
    *,
    second_use: bool = False,
    places: Mapping[int, int] | None = None,
) -> Cover:
    """The largest cover of what the takers need. Second use is looked at where devices are counted.

    Rights of several versions are served one after the other, newest first. `places`: by purchase, in which order
    units are used that cover equally well.
    """
    needed: dict[Parts, int] = {}
    for taker in takers:
        for version, _ in taker.devices:
            needed[version] = needed.get(version, 0) + taker.count
    second: dict[tuple[int, Parts], int] = {}
    for supply in supplies if second_use else ():
        if supply.second_use:
            for (number, version), uses in _second_uses(supply, supplies, takers, needed, second).items():
                second[number, version] = second.get((number, version), 0) + uses
                needed[version] -= uses
    network = _Network(supplies, needed, places or {})
    network.solve()
    return Cover(tuple(supplies), needed, network.units(), second)


def _second_uses(
    right: Supply,
    supplies: Sequence[Supply],
    takers: Sequence[Taker],
    needed: Mapping[Parts, int],
    taken: Mapping[tuple[int, Parts], int],
) -> dict[tuple[int, Parts], int]:
    """Portables that one right lets leave the count: per person no more than half of the devices it covers."""
    network = _Network(supplies, needed)
    for number, taker in enumerate(takers):
        if not taker.person:
            continue
        fitting = [(version, portable) for version, portable in taker.devices if right.fit(version) is not None]
        portables: dict[Parts, int] = {}
        for version, portable in fitting:
            if portable:
                portables[version] = portables.get(version, 0) + 1
        gone = sum(uses for (who, _), uses in taken.items() if who == number)
        each = min(sum(portables.values()), len(fitting) // 2)
        # a unit already spared by another right has its first device elsewhere: both count towards the half
        most = min(taker.count * each, taker.count * (len(taker.devices) // 2) - gone)
        left = {
            version: min(devices * taker.count - taken.get((number, version), 0), needed[version])
            for version, devices in portables.items()
        }
        network.offer_second(number, most, left)
    network.limit_second(right.second_use)
    network.solve()
    return network.seconds()


def _batches(supply: Supply, places: Mapping[int, int], last: int) -> list[tuple[int, int]]:
    """Its units with their places; without limit they come last: beside them nothing is wasted."""
    if supply.units is None or not supply.purchases or not places:
        return [(BOUNDLESS if supply.units is None else supply.units, last)]
    made: list[tuple[int, int]] = []
    total, so_far = Decimal(0), 0
    for one in sorted(supply.purchases, key=lambda one: places[one.id]):
        total += one.quantity or 0
        made.append((whole(total) - so_far, places[one.id]))
        so_far = whole(total)
    return made


class _Network:
    """Nodes and edges with capacities; the largest flow of least cost by shortest augmenting paths."""

    def __init__(
        self, supplies: Sequence[Supply], needed: Mapping[Parts, int], places: Mapping[int, int] | None = None
    ) -> None:
        self._edges: list[list[int]] = []  # [to, capacity left, cost]; an edge and its reverse are neighbours
        self._from: list[list[int]] = []
        self._source, self._sink, self._rights = self._node(), self._node(), self._node()
        versions = sorted((version for version in needed if needed[version] > 0), reverse=True)
        self._total = sum(needed[version] for version in versions)
        self._rank = {version: place for place, version in enumerate(versions)}
        self._used = {version: self._node() for version in versions}
        several = places if places and len(supplies) > 1 else {}
        last = max(several.values(), default=-1) + 1
        self._above_places = (self._total + 1) * (last + 1)  # all places together weigh less than a step of the order
        for version, node in self._used.items():
            self._edge(node, self._sink, needed[version], 0)
        self._units: dict[int, tuple[int, Parts]] = {}
        self._seconds: dict[int, tuple[int, Parts]] = {}
        for number, supply in enumerate(supplies):
            node = self._node()
            capacity = self._total if supply.units is None else min(supply.units, self._total)
            for units, place in _batches(supply, several, last):
                self._edge(self._source, node, min(units, capacity), place)
            for version in versions:
                fit = supply.fit(version)
                if fit is not None:
                    edge = self._edge(
                        node, self._used[version], min(capacity, needed[version]), self._cost(fit, version)
                    )
                    self._units[edge] = (number, version)

    def offer_second(self, taker: int, most: int, portables: Mapping[Parts, int]) -> None:
        node = self._node()
        self._edge(self._rights, node, max(0, most), 0)
        for version, uses in portables.items():
            if uses > 0:
                edge = self._edge(node, self._used[version], uses, self._cost(SECOND, version))
                self._seconds[edge] = (taker, version)

    def limit_second(self, most: int) -> None:
        self._edge(self._source, self._rights, min(most, BOUNDLESS), 0)

    def units(self) -> dict[tuple[int, Parts], int]:
        return {what: flow for edge, what in self._units.items() if (flow := self._edges[edge ^ 1][1])}

    def seconds(self) -> dict[tuple[int, Parts], int]:
        return {what: flow for edge, what in self._seconds.items() if (flow := self._edges[edge ^ 1][1])}

    def _cost(self, fit: int, version: Parts) -> int:
        """Less is better: a step of the order outweighs all that come after it, and the newest version goes first."""
        weight: int = (self._total + 1) * (len(self._rank) + 1)
        outweighing: int = weight ** (int(fit) + 1)
        return (self._rank[version] - outweighing) * self._above_places

    def _node(self) -> int:
        self._from.append([])
        return len(self._from) - 1

    def _edge(self, tail: int, head: int, capacity: int, cost: int) -> int:
        self._edges += [[head, capacity, cost], [tail, 0, -cost]]
        self._from[tail].append(len(self._edges) - 2)
        self._from[head].append(len(self._edges) - 1)
        return len(self._edges) - 2

    def solve(self) -> None:
        while path := self._cheapest_path():
            flow = min(self._edges[edge][1] for edge in path)
            for edge in path:
                self._edges[edge][1] -= flow
                self._edges[edge ^ 1][1] += flow

    def _cheapest_path(self) -> list[int]:
        """Bellman and Ford's search with a queue: costs are negative, circles of negative cost never arise."""
        best: dict[int, int] = {self._source: 0}
        by: dict[int, int] = {}
        waiting, queued = deque([self._source]), {self._source}
        while waiting:
            node = waiting.popleft()
            queued.discard(node)
            for edge in self._from[node]:
                head, capacity, cost = self._edges[edge]
                if capacity > 0 and (head not in best or best[node] + cost < best[head]):
                    best[head] = best[node] + cost
                    by[head] = edge
                    if head not in queued:
                        queued.add(head)
                        waiting.append(head)
        if self._sink not in best:
            return []
        path, node = [], self._sink
        while node != self._source:
            path.append(by[node])
            node = self._edges[by[node] ^ 1][0]
        return path[::-1]
