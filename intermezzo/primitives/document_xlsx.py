"""Reading XLSX with openpyxl; called by `document_readers`."""

import datetime as dt
import io
import sys
from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Protocol, cast

from intermezzo.primitives.document_content import Caps, Document, DocumentSheet, DocumentTable, line, stamp
from intermezzo.primitives.document_numbers import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from openpyxl import Workbook
    from openpyxl.chartsheet import Chartsheet
    from openpyxl.packaging.relationship import Relationship


class Cell(Protocol):
    """What is used of a cell of openpyxl."""

    value: object

    @property
    def number_format(self) -> str:
        """Such as `0%`."""
        ...


def read_xlsx(data: bytes, caps: Caps, document: Document) -> None:
    """Fill a document with the sheets of a workbook.

    Raises:
        Exception: whatever openpyxl makes of a damaged file.
    """
    document.gap = "\n\n"
    workbook = _workbook(data)
    info = workbook.properties
    hidden = [sheet.title for sheet in workbook.worksheets if sheet.sheet_state != "visible"]
    document.note(
        sheet_count=len(workbook.worksheets),
        hidden_sheets=", ".join(hidden),
        title=info.title,
        author=info.creator,
        subject=info.subject,
        created=stamp(info.created),
    )
    for sheet in workbook.worksheets:
        if caps.no_more():
            return
        if sheet.sheet_state != "visible":
            continue
        # A file may claim a million rows by sixteen thousand columns and have three cells.
        sheet.reset_dimensions()
        rows: list[list[str]] = []
        try:
            _fill(rows, cast("Iterable[Sequence[Cell]]", sheet.iter_rows()), caps)
        finally:
            _add_sheet(document, sheet.title, rows)


def _workbook(data: bytes) -> "Workbook":
    import_openpyxl()
    from openpyxl.reader.excel import ExcelReader

    class Reader(ExcelReader):
        def read_chartsheet(self, sheet: "Chartsheet", rel: "Relationship") -> None:
            with suppress(AttributeError):  # raised for a chart without a drawing, after the sheet was added
                super().read_chartsheet(sheet, rel)

    reader = Reader(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    reader.read()
    return reader.wb


def import_openpyxl() -> ModuleType:
    """Have openpyxl without numpy.

    It imports numpy, where there is one, to know the types of its numbers. That starts threads, and a sandbox whose
    processes are forked beside threads runs nothing at all.
    """
    absent = {"numpy": None} if "numpy" not in sys.modules else {}
    modules = cast("dict[str, object]", sys.modules)
    modules.update(absent)
    try:
        return import_module("openpyxl")
    finally:
        for name in absent:
            del modules[name]


def _add_sheet(document: Document, title: str, rows: list[list[str]]) -> None:
    while rows and not rows[-1]:
        rows.pop()
    text = "\n".join(map(line, rows))
    document.sheets.append(DocumentSheet(title, text))
    document.tables.append(DocumentTable([row for row in rows if row], title))
    if text:
        document.parts.append(text)


def _fill(rows: list[list[str]], source: "Iterable[Sequence[Cell]]", caps: Caps) -> None:
    for count, cells in enumerate(source):
        if count >= caps.rows or caps.no_more():
            caps.cut = True
            return
        length = len(cells)
        while length and cells[length - 1].value in (None, ""):
            length -= 1
        row = caps.take_row([_shown(cell) for cell in cells[:length]])
        # One empty line is a gap a person sees; a thousand are nothing.
        if row or (rows and rows[-1]):
            rows.append(row)


def _shown(cell: "Cell") -> str:
    value = cell.value
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float():
            return shown(value, _format_of(cell))
        case _:
            return _moment(value) if isinstance(value, dt.datetime | dt.timedelta) else str(value)


def _format_of(cell: "Cell") -> str:
    try:
        return cell.number_format
    except IndexError:  # its style is none of the workbook's
        return "General"


def _moment(value: dt.datetime | dt.timedelta) -> str:
    if isinstance(value, dt.datetime):
        return value.isoformat(" ", "seconds") if value.time() != dt.time() else value.date().isoformat()
    minutes, seconds = divmod(round(value.total_seconds()), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
