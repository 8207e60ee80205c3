"""Reading XLSX with openpyxl; called by `document_readers`."""

import datetime as dt
import io
from collections.abc import Iterable, Sequence

from intermezzo.primitives.document_content import Caps, Document, DocumentSheet, DocumentTable, line, stamp


def read_xlsx(data: bytes, caps: Caps, document: Document) -> None:
    """Fill a document with the sheets of a workbook.

    Raises:
        Exception: whatever openpyxl makes of a damaged file.
    """
    from openpyxl import load_workbook

    document.gap = "\n\n"
    workbook = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    info = workbook.properties
    document.note(
        sheet_count=len(workbook.worksheets),
        title=info.title,
        author=info.creator,
        subject=info.subject,
        created=stamp(info.created),
    )
    for sheet in workbook.worksheets:
        if caps.no_more():
            return
        # A file may claim a million rows by sixteen thousand columns and have three cells.
        sheet.reset_dimensions()
        rows: list[list[str]] = []
        try:
            _fill(rows, sheet.iter_rows(values_only=True), caps)
        finally:
            _add_sheet(document, sheet.title, rows)


def _add_sheet(document: Document, title: str, rows: list[list[str]]) -> None:
    while rows and not rows[-1]:
        rows.pop()
    text = "\n".join(map(line, rows))
    document.sheets.append(DocumentSheet(title, text))
    document.tables.append(DocumentTable([row for row in rows if row], title))
    if text:
        document.parts.append(text)


def _fill(rows: list[list[str]], source: Iterable[Sequence[object]], caps: Caps) -> None:
    for count, values in enumerate(source):
        if count >= caps.rows or caps.no_more():
            caps.cut = True
            return
        last = max((index for index, value in enumerate(values) if value not in (None, "")), default=-1)
        row = caps.take_row([_cell(value) for value in values[: last + 1]])
        # One empty line is a gap a person sees; a thousand are nothing.
        if row or (rows and rows[-1]):
            rows.append(row)


_LARGEST_WHOLE = 1e15
"""Beyond, a float has no whole-number precision, and a person sees an exponent."""


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case float() if value.is_integer() and abs(value) < _LARGEST_WHOLE:
            return str(int(value))
        case dt.datetime() if value.time() == dt.time():
            return value.date().isoformat()
        case dt.datetime():
            return value.isoformat(" ", "seconds")
        case _:
            return str(value)
