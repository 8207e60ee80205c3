"""Reads a small document of every format when it is imported; preloaded by `document_sandbox`.

The libraries load modules and compile expressions when they first meet a document. Done here, it is shared by all
processes instead of repeated in each.
"""

import io
import zlib

import docx

from intermezzo.primitives.document_formats import Format
from intermezzo.primitives.document_readers import read_document
from intermezzo.primitives.document_xlsx import import_openpyxl


def _docx() -> bytes:
    out = io.BytesIO()
    source = docx.Document()
    source.add_paragraph("warm")
    source.save(out)
    return out.getvalue()


def _xlsx() -> bytes:
    out = io.BytesIO()
    book = import_openpyxl().Workbook()
    book.worksheets[0]["A1"] = "warm"
    book.save(out)
    return out.getvalue()


def _pdf() -> bytes:
    text = zlib.compress(b"BT /F 9 Tf (warm) Tj ET")
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Length %d/Filter/FlateDecode>>\nstream\n%s\nendstream" % (len(text), text),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        b"<</CreationDate(D:20250101000000Z)>>",
    )
    body = b"%PDF-1.7\n"
    places: list[int] = []
    for number, item in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, item)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    end = b"trailer\n<</Size %d/Root 1 0 R/Info 6 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(body))
    return body + head + table + end


_SAMPLES: dict[Format, bytes] = {
    "docx": _docx(),
    "xlsx": _xlsx(),
    "pdf": _pdf(),
    "eml": b"From: a@example.org\nDate: Mon, 3 Mar 2025 10:00:00 +0000\nContent-Type: text/html\n\n<p>warm",
    "html": b"<!doctype html><title>warm</title><table><tr><td>a<td>b</table>",
    "csv": b"a,b\n1,2\n",
    "text": "тепло, тепло".encode("cp1251"),
}

READ = {format: read_document(data, format).text for format, data in _SAMPLES.items()}
"""What was read of each."""
