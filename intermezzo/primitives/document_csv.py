"""Reading and recognising tables of separated values; called by `document_readers` and `document_formats`."""

import csv
import io
from itertools import islice

from intermezzo.primitives.document_content import Caps, Document, DocumentTable, line
from intermezzo.primitives.document_text import decode

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_CHARACTERS = 20_000
_SAMPLE_ROWS = 50
_LEAST_ROWS = 3
_LONGEST_HEADING = 64


def read_csv(data: bytes, caps: Caps, document: Document, charset: str | None) -> None:
    """Fill a document with one table.

    Raises:
        InvalidInput: it is no text.
        csv.Error: it breaks the rules of quoting.
    """
    text, encoding = decode(data, charset)
    delimiter = delimiter_of(text) or max(_DELIMITERS, key=text[:_SAMPLE_CHARACTERS].count)
    document.note(encoding=encoding, delimiter="tab" if delimiter == "\t" else delimiter)
    rows: list[list[str]] = []
    document.tables.append(DocumentTable(rows))
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    try:
        for count, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)):
            if count >= caps.rows or caps.no_more():
                caps.cut = True
                break
            if row:
                rows.append(caps.take_row(row))
    finally:
        document.parts.append("\n".join(map(line, rows)))


def delimiter_of(text: str) -> str | None:
    """What separates values, if a text is surely a table: same number of values everywhere, under distinct headings."""
    sample = text[:_SAMPLE_CHARACTERS]
    if len(sample) < len(text):
        sample = sample.rpartition("\n")[0]
    return next((delimiter for delimiter in _DELIMITERS if _is_table(sample, delimiter)), None)


def _is_table(sample: str, delimiter: str) -> bool:
    try:
        rows = list(islice(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter, strict=True), _SAMPLE_ROWS))
    except csv.Error:
        return False
    rows = [row for row in rows if row]
    if len(rows) < _LEAST_ROWS or len({len(row) for row in rows}) > 1:
        return False
    head = rows[0]
    headings = len(head) > 1 and len(set(head)) == len(head) and all(0 < len(name) <= _LONGEST_HEADING for name in head)
    # Prose has a space after its commas.
    return headings and not any(value.startswith(" ") for row in rows for value in row[1:])
