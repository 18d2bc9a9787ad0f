"""XML read with bounds: no document type and so no entities, bounded depth and number of parts, one section at a time.

The reader is expat as Python ships it. A tree of the whole text is never made: an inventory is a list of flat
sections, and each becomes a small dict as it ends, so that memory follows what is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn
from xml.parsers import expat

from workflows.inventory.report import TooMuch, Unreadable

DEEPEST = 12
MOST_ELEMENTS = 1_000_000
LONGEST_VALUE = 65_536
#: A list of software has some thousand rows of some twenty cells.
MOST_SECTIONS = 50_000
MOST_CELLS = 400

#: Called with the name of a section and its cells: for <CPUS><CORE>2</CORE></CPUS> "CPUS" and {"CORE": "2"}. The cells
#: of a section within come as "TIMEZONE.OFFSET", the text of a section without cells under "".
Section = Callable[[str, dict[str, str]], None]


class _Reader:
    """Follows the elements; `head` collects what stands beside CONTENT."""

    def __init__(self, section: Section) -> None:
        self.head: dict[str, str] = {}
        self.root = ""
        self._section = section
        self._path: list[str] = []
        self._text: list[str] = []
        self._length = 0
        self._cells: dict[str, str] = {}
        self._elements = self._sections = 0

    def start(self, name: str, _attributes: Any) -> None:
        self._elements += 1
        self._path.append(name)
        if len(self._path) > DEEPEST:
            raise Unreadable(f"The inventory is nested deeper than {DEEPEST} levels. No agent writes such XML.")
        if self._elements > MOST_ELEMENTS:
            raise TooMuch(f"The inventory has more than {MOST_ELEMENTS:,} elements.")
        if len(self._path) == 1:
            self.root = name
        self._text.clear()
        self._length = 0

    def data(self, piece: str) -> None:
        self._length += len(piece)
        if self._length > LONGEST_VALUE:
            raise TooMuch(f"A value in the inventory is longer than {LONGEST_VALUE:,} characters.")
        self._text.append(piece)

    def end(self, _name: str) -> None:
        path = self._path
        depth = len(path)
        if depth >= 4 and path[1] == "CONTENT":
            if self._text:
                name = path[3] if depth == 4 else ".".join(path[3:])
                # a cell that is there twice keeps its first value
                if len(self._cells) < MOST_CELLS:
                    self._cells.setdefault(name, "".join(self._text))
        elif depth == 3 and path[1] == "CONTENT":
            self._sections += 1
            if self._sections > MOST_SECTIONS:
                raise TooMuch(f"The inventory has more than {MOST_SECTIONS:,} sections.")
            cells = self._cells
            if self._text:
                cells.setdefault("", "".join(self._text))
            self._section(path[2], cells)
            self._cells = {}
        elif depth == 2 and path[1] != "CONTENT":
            self.head.setdefault(path[1], "".join(self._text).strip())
        path.pop()
        self._text.clear()
        self._length = 0


def read(text: bytes, section: Section) -> tuple[str, dict[str, str]]:
    """The name of the root and the values directly under it; sections go to `section`. Raises Unreadable."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    reader = _Reader(section)
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.data
    parser.StartDoctypeDeclHandler = _no_doctype
    parser.EntityDeclHandler = _no_doctype
    try:
        parser.Parse(text, True)
    except expat.ExpatError as wrong:
        if wrong.code == _CUT_OFF or wrong.code == _NOTHING:
            raise Unreadable("The inventory was cut off on its way: its XML ends early. Send it again.") from None
        said = expat.ErrorString(wrong.code)
        raise Unreadable(f"The inventory is not XML that can be read (line {wrong.lineno}: {said}).") from None
    except (LookupError, ValueError) as wrong:
        if isinstance(wrong, Unreadable):
            raise
        raise Unreadable("The inventory is in an encoding that is not known here. Send it as UTF-8.") from None
    return reader.root, reader.head


_CUT_OFF = expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN]
_NOTHING = expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS]


def _no_doctype(*_declared: Any) -> NoReturn:
    raise Unreadable("The inventory declares a document type or entities, which no agent does. It was not read.")
