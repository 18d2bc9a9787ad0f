"""A body as it came over the wire, unpacked within bounds: by its first bytes, not by what its header says."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from workflows.inventory.report import TooMuch, Unreadable

#: On the wire; 770 packages are 36 kB.
MOST_RECEIVED = 8 * 1024 * 1024
MOST_UNPACKED = 64 * 1024 * 1024
#: XML of a long list shrinks to a fifteenth, JSON of equal rows to a fiftieth; a bomb to a thousandth.
MOST_RATIO = 200
#: Below this a ratio says nothing: it is small anyhow.
RATIO_FROM = 1024 * 1024
_GZIP = b"\x1f\x8b"
MARK = 2


def unpack(parts: Iterable[bytes]) -> bytes:
    """The text inside. Raises TooMuch, or Unreadable for what does not inflate or is compressed twice."""
    received, unpacked = 0, bytearray()
    inflater = None
    first = True
    for part in _from_its_mark(parts):
        received += len(part)
        if received > MOST_RECEIVED:
            raise TooMuch(f"The inventory is larger than {MOST_RECEIVED // 1024 // 1024} MB as sent.")
        if first:
            inflater, first = _inflater(part), False
        if inflater is None:
            unpacked += part
        else:
            _inflate(inflater, part, unpacked, received)
    if inflater is not None and not inflater.eof:
        raise Unreadable("The inventory was cut off on its way: its compressed data ends early. Send it again.")
    if inflater is not None and inflater.unused_data:
        raise Unreadable("Something follows the compressed inventory. Send one inventory at a time.")
    if _is_packed(bytes(unpacked[:2])) and inflater is not None:
        raise Unreadable("The inventory is compressed twice. Compress it once, or not at all.")
    return bytes(unpacked)


def _from_its_mark(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The parts, the first at least as long as what tells how it is compressed."""
    head = b""
    for part in parts:
        if len(head) >= MARK:
            yield part
            continue
        head += part
        if len(head) >= MARK:
            yield head
    if 0 < len(head) < MARK:
        yield head


def _inflater(first: bytes) -> zlib._Decompress | None:
    if first.startswith(_GZIP):
        return zlib.decompressobj(wbits=31)
    return zlib.decompressobj() if _is_zlib(first) else None


def _is_zlib(first: bytes) -> bool:
    return first[:1] == b"\x78" and (len(first) < 2 or (first[0] * 256 + first[1]) % 31 == 0)


def _is_packed(first: bytes) -> bool:
    return first.startswith(_GZIP) or (len(first) == 2 and _is_zlib(first))


def _inflate(inflater: zlib._Decompress, part: bytes, unpacked: bytearray, received: int) -> None:
    while part:
        room = min(MOST_UNPACKED, max(RATIO_FROM, MOST_RATIO * received)) - len(unpacked) + 1
        try:
            unpacked += inflater.decompress(part, room)
        except zlib.error:
            raise Unreadable("The inventory does not inflate: it was damaged on its way. Send it again.") from None
        if len(unpacked) > MOST_UNPACKED:
            raise TooMuch(f"The inventory is larger than {MOST_UNPACKED // 1024 // 1024} MB unpacked.")
        if len(unpacked) > max(RATIO_FROM, MOST_RATIO * received):
            raise TooMuch(f"The inventory unpacks to more than {MOST_RATIO} times its size. No inventory does.")
        part = inflater.unconsumed_tail
