"""Reading DOCX with python-docx; called by `document_readers`.

python-docx opens the package and finds its parts. The text is collected here: its own `text` leaves out content
controls, footnotes and text boxes, which a person sees.
"""

import io
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, cast

from intermezzo.primitives.document_content import Caps, Document, DocumentTable, line, stamp
from intermezzo.primitives.document_elements import Element, attribute, name_of
from intermezzo.primitives.document_lists import Lists

if TYPE_CHECKING:
    from docx.document import Document as DocxDocument

_ALSO_DOCUMENTS = (
    "application/vnd.ms-word.document.macroEnabled.main+xml",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml",
    "application/vnd.ms-word.template.macroEnabledTemplate.main+xml",
)
"""Main parts of DOCM, DOTX and DOTM, which are written like those of a DOCX."""


def read_docx(data: bytes, caps: Caps, document: Document) -> None:
    """Fill a document with headers, body, notes and footers of a DOCX.

    Raises:
        Exception: whatever python-docx makes of a damaged file.
    """
    source = _opened(data)
    _note_properties(source, document)
    headers, footers = _margins(source)
    marks = _Marks(source)
    main = cast("Element", source.part.element)  # its child is the body
    # Lazily, because the notes are those that the body refers to.
    for blocks in chain(headers, main, marks.notes(), footers):
        _read_blocks(blocks, caps, document, marks)
        if caps.cut:
            return


def _opened(data: bytes) -> "DocxDocument":
    from docx.opc.part import PartFactory
    from docx.package import Package
    from docx.parts.document import DocumentPart

    for content_type in _ALSO_DOCUMENTS:
        PartFactory.part_type_for[content_type] = DocumentPart
    part = Package.open(io.BytesIO(data)).main_document_part
    if not isinstance(part, DocumentPart):
        raise TypeError(f"its main part is of type {part.content_type!r}")
    return part.document


def _note_properties(source: "DocxDocument", document: Document) -> None:
    # Where a document has no properties, python-docx makes some up.
    package = source.part.package
    if package is None or not any(rel.reltype.endswith("/core-properties") for rel in package.rels.values()):
        return
    info = source.core_properties
    document.note(title=info.title, author=info.author, subject=info.subject, created=stamp(info.created))


def _margins(source: "DocxDocument") -> tuple[list[Element], list[Element]]:
    """Headers and footers, each once."""
    headers: list[Element] = []
    footers: list[Element] = []
    for section in source.sections:
        kinds = [(section.header, section.footer)]
        if section.different_first_page_header_footer:
            kinds.insert(0, (section.first_page_header, section.first_page_footer))
        if source.settings.odd_and_even_pages_header_footer:
            kinds.append((section.even_page_header, section.even_page_footer))
        for header, footer in kinds:
            if not header.is_linked_to_previous:
                headers.append(cast("Element", header.part.element))
            if not footer.is_linked_to_previous:
                footers.append(cast("Element", footer.part.element))
    return headers, footers


class _Marks:
    """What is seen beside text: numbers of footnotes and endnotes, counted as they are referred to, and of lists."""

    def __init__(self, source: "DocxDocument") -> None:
        from docx.opc.part import XmlPart
        from docx.oxml.parser import parse_xml

        self._notes: dict[tuple[str, str], Element] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        parts: dict[str, Element] = {}
        for rel in source.part.rels.values():
            kind = rel.reltype.rpartition("/")[2]
            if kind in ("footnotes", "endnotes", "numbering", "styles") and not rel.is_external:
                part = rel.target_part
                parts[kind] = cast("Element", part.element if isinstance(part, XmlPart) else parse_xml(part.blob))
        for kind in ("footnote", "endnote"):
            for note in parts.get(f"{kind}s", ()):
                self._notes[kind, attribute(note, "id")] = note
        self._lists = Lists(parts.get("numbering"), parts.get("styles"))

    def of_note(self, reference: Element) -> str:
        """What stands in the text where a note is referred to."""
        key = (name_of(reference).removesuffix("Reference"), attribute(reference, "id"))
        return f"[{self._numbers.setdefault(key, len(self._numbers) + 1)}]" if key in self._notes else ""

    def before_note(self, note: Element) -> str:
        """What stands before a note."""
        number = self._numbers.get((name_of(note), attribute(note, "id")))
        return f"[{number}] " if number else ""

    def of_paragraph(self, paragraph: Element) -> str:
        """What stands before a paragraph that is an item of a list."""
        return self._lists.marker(paragraph)

    def notes(self) -> Iterator[Element]:
        """The notes that were referred to by the time they are asked for."""
        for key in tuple(self._numbers):
            yield self._notes[key]


def _read_blocks(blocks: Element, caps: Caps, document: Document, marks: _Marks) -> None:
    prefix = marks.before_note(blocks)
    for block in _blocks(blocks):
        if caps.no_more():
            return
        if name_of(block) == "tbl":
            _read_table(block, caps, document, marks)
        else:
            document.parts.append(caps.take(prefix + _paragraph(block, marks).lstrip(" " if prefix else "")))
            prefix = ""


def _read_table(table: Element, caps: Caps, document: Document, marks: _Marks) -> None:
    rows: list[list[str]] = []
    document.tables.append(DocumentTable(rows))
    try:
        for row in _rows(table):
            if caps.no_more():
                return
            rows.append([])
            for cell in _cells(row):
                rows[-1] += caps.take_row([_cell(cell, marks)])
                if caps.cut:
                    return
    finally:
        # Set off by empty lines, as a person sees it.
        document.parts.append("\n" + "\n".join(map(line, rows)) + "\n")


_WRAPPERS = {"sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag"}
_REMOVED = {"del", "moveFrom", "Fallback", "instrText", "delText"}
"""What a person does not see: removed under tracked changes, or there twice for old programs."""


def _through(parent: Element, wanted: set[str]) -> Iterator[Element]:
    """Children of some kinds, also those in content controls and tracked insertions."""
    for child in parent:
        name = name_of(child)
        if name in wanted:
            yield child
        elif name in _WRAPPERS:
            yield from _through(child, wanted)


def _blocks(parent: Element) -> Iterable[Element]:
    return _through(parent, {"p", "tbl"})


def _rows(table: Element) -> Iterable[Element]:
    return _through(table, {"tr"})


def _cells(row: Element) -> Iterable[Element]:
    return _through(row, {"tc"})


def _cell(cell: Element, marks: _Marks) -> str:
    if _continues_cell_above(cell):
        return ""
    return "\n".join(_nested(cell, marks))


def _nested(parent: Element, marks: _Marks) -> Iterator[str]:
    for block in _blocks(parent):
        if name_of(block) == "tbl":
            for row in _rows(block):
                yield line(_cell(cell, marks) for cell in _cells(row))
        else:
            yield _paragraph(block, marks)


def _continues_cell_above(cell: Element) -> bool:
    merges = (item for part in cell if name_of(part) == "tcPr" for item in part if name_of(item) == "vMerge")
    return any(attribute(merge, "val") in ("", "continue") for merge in merges)


def _paragraph(paragraph: Element, marks: _Marks) -> str:
    item = marks.of_paragraph(paragraph)
    text = "".join(_texts(paragraph, marks))
    return item + text if text.strip() else text


def _texts(element: Element, marks: _Marks) -> Iterator[str]:
    """Text inside of a paragraph, piece by piece."""
    for child in element:
        name = name_of(child)
        if name in _REMOVED or (name == "r" and _hidden(child)):
            continue
        match name:
            case "t":
                yield child.text or ""
            case "tab" if name_of(element) == "r":
                yield "\t"
            case "br" | "cr":
                yield "\n"
            case "noBreakHyphen":
                yield "-"
            case "footnoteReference" | "endnoteReference":
                yield marks.of_note(child)
            case "txbxContent":
                yield from ("\n", *(_paragraph(block, marks) + "\n" for block in _blocks(child)))
            case _:
                yield from _texts(child, marks)


def _hidden(run: Element) -> bool:
    marks = (item for part in run if name_of(part) == "rPr" for item in part if name_of(item) == "vanish")
    return any(attribute(mark, "val") not in ("0", "false") for mark in marks)
