"""Documents made to take a parser down, each a few kilobytes, built where they are needed."""

import io
import random
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping

import docx
from openpyxl import Workbook
from pypdf import PdfReader, PdfWriter

LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(
        '<!ENTITY {} "{}">'.format(name, f"&{before};" * 30)
        for before, name in ("ab", "bc", "cd", "de", "ef", "fg", "gh")
    )
    + "]>"
)
OUTSIDE = '<!DOCTYPE x [<!ENTITY h SYSTEM "file:///etc/passwd">]>'
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def pdf(*objects: bytes, root: int = 1, header: bytes = b"%PDF-1.7\n") -> bytes:
    """A PDF of these objects, numbered from 1, with a correct table of where they are."""
    out = bytearray(header)
    places: list[int] = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, root, start)
    return bytes(out)


CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
PAGES = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"


def page(contents: bytes, *more: bytes, resources: bytes = b"") -> bytes:
    """A PDF of one page, its contents being object 4."""
    head = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources << %s >> >>" % resources
    return pdf(CATALOG, PAGES, head, contents, *more)


def stream(data: bytes, entries: bytes = b"") -> bytes:
    """An object that is a stream."""
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), entries, data)


def deflated(data: bytes, times: int = 1) -> bytes:
    """A stream compressed once or more often."""
    for _ in range(times):
        data = zlib.compress(data, 9)
    return stream(data, b"/Filter [%s]" % (b"/FlateDecode " * times))


def zeros(count: int) -> bytes:
    """Zlib's output for many zero bytes: one block over and over."""
    packer = zlib.compressobj(9)
    first, again = (packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + again * ((count >> 20) - 1) + packer.flush()


def many_kids(count: int) -> bytes:
    """A PDF of many pages that share one content."""
    kids = b" ".join(b"%d 0 R" % number for number in range(3, count + 3))
    one = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>"
    return pdf(CATALOG, b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, count), *[one] * count)


def one_kid_many_times(count: int) -> bytes:
    """A PDF whose page tree names the same page over and over."""
    return pdf(CATALOG, b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b"3 0 R " * count, count), b"<< /Type /Page >>")


def deep_tree(depth: int) -> bytes:
    """A PDF whose page tree is a chain."""
    links = [b"<< /Type /Pages /Kids [%d 0 R] /Count 1 >>" % (number + 3) for number in range(depth)]
    return pdf(CATALOG, *links, b"<< /Type /Page >>")


def form_loop() -> bytes:
    """A page whose form draws itself."""
    form = stream(b"/F Do " * 50, b"/Type /XObject /Subtype /Form /Resources << /XObject << /F 5 0 R >> >>")
    return page(stream(b"/F Do " * 50), form, resources=b"/XObject << /F 5 0 R >>")


def forms_doubling(depth: int) -> bytes:
    """A page whose forms each draw the next one ten times."""
    forms = [
        stream(b"/F Do " * 10, b"/Type /XObject /Subtype /Form /Resources << /XObject << /F %d 0 R >> >>" % (5 + next))
        for next in range(1, depth + 1)
    ]
    last = stream(b"BT (x) Tj ET", b"/Type /XObject /Subtype /Form")
    return page(stream(b"/F Do " * 10), *forms, last, resources=b"/XObject << /F 5 0 R >>")


def xref_loop() -> bytes:
    """A PDF whose cross-reference table names itself as the one before."""
    data = pdf(CATALOG, PAGES, b"<< /Type /Page >>")
    start = data.rindex(b"startxref")
    place = data[start:].split()[1]
    return data.replace(b"/Root", b"/Prev %s /Root" % place)


def huge_xref() -> bytes:
    """A PDF that claims two billion objects."""
    return pdf(CATALOG, PAGES, b"<< /Type /Page >>").replace(b"xref\n0 4", b"xref\n0 2000000000")


def endless_text() -> bytes:
    """A page that shows a little text a million times."""
    body = b"BT /F1 9 Tf " + b"(beetle) Tj 0 1 Td " * 1_000_000 + b" ET"
    return page(deflated(body), FONT, resources=b"/Font << /F1 5 0 R >>")


def huge_mapping() -> bytes:
    """A font whose mapping to Unicode has a range of four billion characters."""
    mapping = b"1 beginbfrange <00000000> <ffffffff> <0041> endbfrange"
    font = b"<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /ToUnicode 6 0 R >>"
    return page(stream(b"BT /F1 9 Tf (x) Tj ET"), font, stream(mapping), resources=b"/Font << /F1 5 0 R >>")


def encrypted(data: bytes) -> bytes:
    """The PDF with a password."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    writer.encrypt("secret", "owner", algorithm="RC4-128")
    return saved(writer.write)


def saved(save: Callable[[io.BytesIO], object]) -> bytes:
    """What a library writes."""
    out = io.BytesIO()
    save(out)
    return out.getvalue()


def plain_docx() -> bytes:
    """A DOCX of one paragraph."""
    source = docx.Document()
    source.add_paragraph("beetle")
    return saved(source.save)


def plain_xlsx() -> bytes:
    """An XLSX of one cell."""
    book = Workbook()
    book.worksheets[0]["A1"] = "beetle"
    return saved(book.save)


def with_parts(data: bytes, parts: Mapping[str, str | bytes]) -> bytes:
    """The archive with some of its parts replaced or added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            if entry.filename not in parts:
                target.writestr(entry, source.read(entry))
        for name, content in parts.items():
            target.writestr(name, content)
    return out.getvalue()


def docx_of(body: str, declarations: str = "", encoding: str = "utf-8") -> bytes:
    """A DOCX with this body."""
    xml = f'{declarations}<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'
    return with_parts(plain_docx(), {"word/document.xml": xml.encode(encoding)})


def xlsx_of(rows: str, declarations: str = "", dimension: str = "A1") -> bytes:
    """An XLSX with these rows."""
    xml = (
        f'{declarations}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f'<dimension ref="{dimension}"/><sheetData>{rows}</sheetData></worksheet>'
    )
    return with_parts(plain_xlsx(), {"xl/worksheets/sheet1.xml": xml})


SHARED_STRINGS = (
    '<Override PartName="/xl/sharedStrings.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>'
)


def shared_strings(strings: str, declarations: str = "") -> bytes:
    """An XLSX of one cell, which is the first of these strings."""
    row = '<row r="1"><c r="A1" t="s"><v>0</v></c></row>'
    with zipfile.ZipFile(io.BytesIO(plain_xlsx())) as archive:
        types = archive.read("[Content_Types].xml").decode()
    if "sharedStrings" not in types:
        types = types.replace("</Types>", SHARED_STRINGS)
    table = f'{declarations}<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{strings}</sst>'
    return with_parts(xlsx_of(row), {"[Content_Types].xml": types, "xl/sharedStrings.xml": table})


def cell(place: str, text: str) -> str:
    """One row of one cell."""
    row = place.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return f'<row r="{row}"><c r="{place}" t="inlineStr"><is><t>{text}</t></is></c></row>'


STYLES = (
    '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts>'
    + "".join(f'<numFmt numFmtId="{number}" formatCode="0"/>' for number in range(200, 500_000))
    + "</numFmts></styleSheet>"
)


def many_sheets(count: int) -> bytes:
    """An XLSX whose sheets are one part."""
    with zipfile.ZipFile(io.BytesIO(plain_xlsx())) as archive:
        book = archive.read("xl/workbook.xml").decode()
    first = re.search(r"<sheet .*?/>", book)
    assert first is not None
    sheets = (first[0].replace('name="Sheet"', f'name="S{number}"') for number in range(count))
    return with_parts(plain_xlsx(), {"xl/workbook.xml": book.replace(first[0], "".join(sheets))})


def lying_zip() -> bytes:
    """A DOCX that says its largest part is small."""
    data = bytearray(docx_of("<w:p/>" * 4_000_000))
    place = data.index(b"word/document.xml", data.index(b"PK\x01\x02")) - 22
    data[place : place + 4] = (1000).to_bytes(4, "little")
    return bytes(data)


def many_entries(count: int) -> bytes:
    """An archive of many empty parts."""
    return with_parts(plain_docx(), {f"x{number}": b"" for number in range(count)})


def nested(opening: str, closing: str, depth: int) -> str:
    """Elements inside of each other."""
    return opening * depth + closing * depth


def encrypted_zip() -> bytes:
    """A DOCX whose parts say that they are encrypted."""
    data = plain_docx()
    for start, flags in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        head, *entries = data.split(start)
        data = head + b"".join(start + entry[: flags - 4] + b"\x01" + entry[flags - 3 :] for entry in entries)
    return data


def million_names() -> bytes:
    """An archive that lists one part 400,000 times."""
    entry = b"PK\x01\x02" + bytes(24) + b"\x01" + bytes(17) + b"x"
    count = 400_000
    end = b"PK\x05\x06" + bytes(4) + b"\xff" * 4 + (len(entry) * count).to_bytes(4, "little") + bytes(6)
    return b"PK\x03\x04" + entry * count + end


def deep_mail(depth: int) -> bytes:
    """An e-mail whose parts are inside of each other."""
    parts = (b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (number, number) for number in range(depth))
    return b"From: a@example.org\nDate: x\n" + b"".join(parts) + b"\nhi"


BEETLE = b"BT /F1 9 Tf (beetle) Tj ET"

HOSTILE: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "one byte": lambda: b"\x00",
    "random bytes": lambda: random.Random(1).randbytes(100_000),
    "random bytes called PDF": lambda: b"%PDF-1.7\n" + random.Random(2).randbytes(100_000),
    "random bytes called zip": lambda: b"PK\x03\x04" + random.Random(3).randbytes(100_000),
    "an old Office file": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    "PDF: 100,000 pages": lambda: many_kids(100_000),
    "PDF: one page a million times": lambda: one_kid_many_times(1_000_000),
    "PDF: the page tree is a loop": lambda: pdf(CATALOG, b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>"),
    "PDF: the page tree loops over two": lambda: pdf(
        CATALOG, b"<< /Type /Pages /Kids [3 0 R] >>", b"<< /Type /Pages /Kids [2 0 R 2 0 R] >>"
    ),
    "PDF: a page tree 50,000 deep": lambda: deep_tree(50_000),
    "PDF: the cross-references are a loop": xref_loop,
    "PDF: two billion objects claimed": huge_xref,
    "PDF: a stream of 4 GB": lambda: page(stream(zeros(4 << 30), b"/Filter /FlateDecode")),
    "PDF: a stream of 1 GB, compressed twice": lambda: page(
        stream(zlib.compress(zeros(1 << 30), 9), b"/Filter [/FlateDecode /FlateDecode]")
    ),
    "PDF: a thousand filters": lambda: page(stream(b"x", b"/Filter [%s]" % (b"/ASCIIHexDecode " * 1000))),
    "PDF: an array 100,000 deep": lambda: pdf(CATALOG, PAGES, b"[" * 100_000 + b"]" * 100_000),
    "PDF: contents 100,000 deep": lambda: page(stream(b"[" * 100_000)),
    "PDF: a form that draws itself": form_loop,
    "PDF: forms drawing ten forms each": lambda: forms_doubling(9),
    "PDF: a million pieces of text": endless_text,
    "PDF: four billion characters mapped": huge_mapping,
    "PDF: a length that is its own reference": lambda: page(
        b"<< /Length 4 0 R >>\nstream\n%s\nendstream" % BEETLE, FONT, resources=b"/Font << /F1 5 0 R >>"
    ),
    "PDF: with a password": lambda: encrypted(page(stream(BEETLE), FONT, resources=b"/Font << /F1 5 0 R >>")),
    "PDF: cut in the middle": lambda: many_kids(50)[:2000],
    "PDF: fifty thousand fonts": lambda: page(
        stream(BEETLE), FONT, resources=b"/Font << %s >>" % b" ".join(b"/F%d 5 0 R" % n for n in range(50_000))
    ),
    "PDF: a string of 30 MB": lambda: page(
        deflated(b"BT /F1 9 Tf (" + b"beetle " * 4_500_000 + b") Tj ET"), FONT, resources=b"/Font << /F1 5 0 R >>"
    ),
    "PDF: widths of four billion characters": lambda: page(
        stream(BEETLE),
        b"<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts "
        b"[<< /Type /Font /Subtype /CIDFontType2 /W [0 4000000000 500] >>] >>",
        resources=b"/Font << /F1 5 0 R >>",
    ),
    "DOCX: cut in the middle": lambda: plain_docx()[:9000],
    "DOCX: a zip bomb": lambda: with_parts(plain_docx(), {"word/media/bomb": bytes(300 << 20)}),
    "DOCX: a zip that lies about sizes": lying_zip,
    "DOCX: 20,000 entries": lambda: many_entries(20_000),
    "DOCX: 400,000 names": million_names,
    "DOCX: encrypted parts": encrypted_zip,
    "DOCX: billion laughs": lambda: docx_of("<w:p><w:r><w:t>&h;</w:t></w:r></w:p>", LAUGHS),
    "DOCX: an external entity": lambda: docx_of("<w:p><w:r><w:t>&h;</w:t></w:r></w:p>", OUTSIDE),
    "DOCX: billion laughs in UTF-16": lambda: docx_of("<w:p><w:r><w:t>&h;</w:t></w:r></w:p>", LAUGHS, "utf-16"),
    "DOCX: a type declared far below": lambda: docx_of("<w:p/>", "<!--" + "x" * 1_000_000 + "-->" + OUTSIDE),
    "DOCX: ten million paragraphs": lambda: docx_of("<w:p/>" * 10_000_000),
    "DOCX: tables 10,000 deep": lambda: docx_of(nested("<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>", 10_000)),
    "DOCX: tables 80 deep": lambda: docx_of(nested("<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>", 80)),
    "DOCX: a row of a million cells": lambda: docx_of(f"<w:tbl><w:tr>{'<w:tc/>' * 1_000_000}</w:tr></w:tbl>"),
    "DOCX: footnotes that are not there": lambda: docx_of("<w:p>" + "<w:footnoteReference/>" * 100_000 + "</w:p>"),
    "XLSX: a range of all cells": lambda: xlsx_of(cell("A1", "beetle"), dimension="A1:XFD1048576"),
    "XLSX: one cell in the last row and column": lambda: xlsx_of(cell("XFD1048576", "beetle")),
    "XLSX: a cell in the last column of every row": lambda: xlsx_of(
        "".join(cell(f"XFD{row}", "x") for row in range(1, 20_000))
    ),
    "XLSX: a million rows": lambda: xlsx_of("<row/>" * 1_000_000),
    "XLSX: a row far below all rows": lambda: xlsx_of(f'<row r="{10**15}"><c/></row>'),
    "XLSX: one cell of 100 MB": lambda: xlsx_of(cell("A1", "x" * (100 << 20))),
    "XLSX: billion laughs": lambda: xlsx_of(cell("A1", "&h;"), LAUGHS),
    "XLSX: an external entity": lambda: xlsx_of(cell("A1", "&h;"), OUTSIDE),
    "XLSX: laughing shared strings": lambda: shared_strings("<si><t>&h;</t></si>", LAUGHS),
    "XLSX: three million shared strings": lambda: shared_strings("<si><t>x</t></si>" * 3_000_000),
    "XLSX: laughing relationships": lambda: with_parts(
        plain_xlsx(), {"_rels/.rels": f"{LAUGHS}<Relationships>&h;</Relationships>"}
    ),
    "XLSX: a million formats": lambda: with_parts(plain_xlsx(), {"xl/styles.xml": STYLES}),
    "XLSX: a hundred thousand sheets": lambda: many_sheets(100_000),
    "XLSX: a workbook that is no XML": lambda: with_parts(plain_xlsx(), {"xl/workbook.xml": b"\x00" * 1000}),
    "EML: parts 1,000 deep": lambda: deep_mail(1_000),
    "EML: a million encoded words": lambda: (
        b"From: a@example.org\nDate: x\nSubject: " + b"=?utf-8?Q?=41?= " * 1_000_000 + b"\n\nhi"
    ),
    "EML: 200,000 groups": lambda: b"From: a@example.org\nDate: x\nTo: " + b"a:b," * 200_000 + b"\n\nhi",
    "CSV: one line of 20 MB": lambda: b"a," * 10_000_000,
    "CSV: a quotation without end": lambda: b'a,b\n1,2\n3,4\n5,"' + b"x\n" * 9_000_000,
    "text: 20 MB in cp1251": lambda: "Жук ползёт по листу. ".encode("cp1251") * 990_000,
    "HTML: four million comments begin": lambda: b"<html>" + b"<!--" * 4_000_000,
}
