"""Bodies are unpacked within bounds, however they arrive; memory follows what is kept and not what is claimed."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflows.inventory import body, message
from workflows.inventory.body import unpack
from workflows.inventory.report import TooMuch, Unreadable

Pack = Callable[[bytes], bytes]
PACKS: list[Pack] = [zlib.compress, gzip.compress]


@settings(deadline=None)
@given(st.binary(max_size=5000), st.sampled_from(PACKS), st.integers(1, 700))
def test_what_was_packed_once_comes_out_whichever_way_it_was_cut_into_parts(text: bytes, pack: Pack, size: int) -> None:
    text = b"<" + text  # what begins like a compressed stream is one
    packed = pack(text)
    assert unpack(packed[at : at + size] for at in range(0, len(packed), size)) == text
    assert unpack([text[:size], text[size:]]) == text


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_whatever_comes_is_read_or_refused_in_words(data: bytes) -> None:
    refusals = []
    for start in (b"", b"<REQUEST>", b'{"deviceid":', b"\x78\x9c", b"\x1f\x8b\x08"):
        try:
            message.read(unpack([start + data]))
        except Unreadable as wrong:
            refusals.append(str(wrong).rstrip(")"))
    assert all(one.endswith((".", "?")) for one in refusals)


@pytest.mark.parametrize("pack", PACKS)
def test_a_bomb_is_stopped_early(pack: Pack) -> None:
    bomb = pack(b"<" * 200_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(TooMuch):
            unpack([bomb])
        assert tracemalloc.get_traced_memory()[1] < 2 * body.MOST_UNPACKED
    finally:
        tracemalloc.stop()


def test_what_is_too_large_is_stopped_while_it_comes() -> None:
    seen = []

    def endless() -> Iterator[bytes]:
        while True:
            seen.append(1)
            yield b"x" * 1024 * 1024

    with pytest.raises(TooMuch):
        unpack(endless())
    assert len(seen) == 9
