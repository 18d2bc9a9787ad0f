"""XML read with bounds: no document type and so no entities, a bounded number of parts, flat sections.

Parser and tree are in C: an inventory has some thousands of elements, and a call of ours for each would cost more than
all the rest of taking it in; pyexpat's own handlers take twice as long as this (measured). Depth costs nothing,
because nothing here descends further than a section's cells.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NoReturn
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser
from xml.parsers import expat

from workflows.inventory.report import TooMuch, Unreadable

#: A list of 20,000 titles with twelve cells each is a quarter of a million.
MOST_ELEMENTS = 400_000
MOST_SECTIONS = 50_000

#: Cells of one section: for <CPUS><CORE>2</CORE></CPUS> {"CORE": "2"}. Those of a section within come as
#: "TIMEZONE.OFFSET", the text of a section without cells under "".
Cells = dict[str, str]
_CUT_OFF = {
    expat.errors.codes[one] for one in (expat.errors.XML_ERROR_UNCLOSED_TOKEN, expat.errors.XML_ERROR_NO_ELEMENTS)
}


def read(text: bytes, kept: Collection[str]) -> tuple[str, Cells, dict[str, list[Cells]]]:
    """The root's name, the values directly under it, and the sections of CONTENT that are `kept`, by name.

    Raises Unreadable.
    """
    if text.count(b"<") > 2 * MOST_ELEMENTS:
        raise TooMuch(f"The inventory has more than {MOST_ELEMENTS:,} elements.")
    root = _tree(text)
    head: Cells = {}
    sections: dict[str, list[Cells]] = {}
    count = 0
    for part in root:
        if part.tag != "CONTENT":
            head.setdefault(part.tag, (part.text or "").strip())
            continue
        count += len(part)
        if count > MOST_SECTIONS:
            raise TooMuch(f"The inventory has more than {MOST_SECTIONS:,} sections.")
        for section in part:
            if section.tag in kept:
                sections.setdefault(section.tag, []).append(_cells(section))
    return root.tag, head, sections


class _Builder(TreeBuilder):
    """A tree builder that takes no document type."""

    def doctype(self, *_declared: object) -> NoReturn:
        raise Unreadable("The inventory declares a document type or entities, which no agent does. It was not read.")


def _tree(text: bytes) -> Element:
    builder = _Builder()
    if b"<!DOCTYPE" in text:
        builder.doctype()  # before a single entity is read; the parser finds it in other encodings too
    parser = XMLParser(target=builder)  # noqa: S314  document types are refused, size and parts are bounded
    try:
        parser.feed(text)
        root: Element = parser.close()
    except ParseError as wrong:
        if wrong.code in _CUT_OFF:
            raise Unreadable("The inventory was cut off on its way: its XML ends early. Send it again.") from None
        said, (line, _) = expat.ErrorString(wrong.code), wrong.position
        raise Unreadable(f"The inventory is not XML that can be read (line {line}: {said}).") from None
    except (LookupError, ValueError) as wrong:
        if isinstance(wrong, Unreadable):
            raise
        raise Unreadable("The inventory is in an encoding that is not known here. Send it as UTF-8.") from None
    return root


def _cells(section: Element) -> Cells:
    if not len(section):
        return {"": (section.text or "").strip()}
    cells = {cell.tag: cell.text or "" for cell in section}
    if any(map(len, section)):
        for cell in section:
            for within in cell:
                if len(within):
                    raise Unreadable(f"The section {section.tag} is nested deeper than any agent writes it.")
                cells[f"{cell.tag}.{within.tag}"] = within.text or ""
    return cells
