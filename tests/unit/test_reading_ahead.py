"""Parts read ahead by several threads: each source in order, none far ahead, and an end that waits for them."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import closing

import pytest

from workflows.perform_m365_rows import AHEAD, soonest


def test_every_part_comes_once_and_each_source_in_its_order() -> None:
    first, second = [f"a{n}" for n in range(50)], [f"b{n}" for n in range(20)]
    taken = list(soonest(iter(first), iter(second), iter([])))
    assert [one for one in taken if one in first] == first
    assert [one for one in taken if one in second] == second
    assert len(taken) == 70


def test_a_slow_source_holds_up_no_other() -> None:
    go_on = threading.Event()

    def slow() -> Iterator[str]:
        assert go_on.wait(10)
        yield "slow"

    with closing(soonest(slow(), iter("abc"))) as parts:
        assert [next(parts) for _ in range(3)] == ["a", "b", "c"]
        go_on.set()
        assert list(parts) == ["slow"]


def test_a_source_is_read_a_few_parts_ahead_and_no_further() -> None:
    read: list[int] = []
    full = threading.Event()

    def numbers() -> Iterator[int]:
        for number in range(20):
            read.append(number)
            if number == AHEAD:  # one taken, and as many as may lie
                full.set()
            yield number

    with closing(soonest(numbers())) as parts:
        assert next(parts) == 0
        assert full.wait(10)
        full.clear()
        assert not full.wait(0.05) and len(read) == AHEAD + 1
        assert list(parts) == list(range(1, 20))


def test_trouble_is_raised_where_the_parts_are_taken_and_the_others_end() -> None:
    def breaking() -> Iterator[int]:
        yield 1
        raise RuntimeError("gone")

    def endless() -> Generator[int, None, None]:
        while True:
            yield 0

    source = endless()
    with pytest.raises(RuntimeError, match="gone"), closing(soonest(breaking(), source)) as parts:
        for _ in parts:
            pass
    source.close()  # it would raise while a thread is in it


def test_closing_early_waits_for_what_is_under_way() -> None:
    under_way, done = threading.Event(), threading.Event()

    def source() -> Iterator[int]:
        yield 1
        under_way.set()
        threading.Event().wait(0.05)
        done.set()
        yield 2

    with closing(soonest(source())) as parts:
        assert next(parts) == 1
        assert under_way.wait(10)
    assert done.is_set()
