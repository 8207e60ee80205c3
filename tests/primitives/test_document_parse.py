"""`document_parse` reads the four formats, and refuses the rest with an error that says what to do."""

import base64
import io
import zipfile

import docx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from pypdf import PdfReader, PdfWriter

from intermezzo.demo import documents
from intermezzo.errors import InvalidInput
from intermezzo.primitives.document_content import Caps
from intermezzo.primitives.document_formats import recognise
from intermezzo.primitives.document_parse import (
    MAX_DOCUMENT_BYTES,
    DocumentParseInput,
    DocumentParseOutput,
    document_parse,
)
from intermezzo.primitives.document_readers import read_document
from intermezzo.steps import registered
from tests.primitives.hostile_documents import page, stream

DOCUMENTS = {path.suffix: path.read_bytes() for path in documents()}
PDF, DOCX, XLSX, TXT = (DOCUMENTS[suffix] for suffix in (".pdf", ".docx", ".xlsx", ".txt"))


RUSSIAN = "Добрый день! Отчёт за март готов: продажи выросли, возвратов стало меньше."
JAPANESE = "本日は晴天なり。三月の報告書を送ります。カブトムシは木の上にいます。"
CHINESE = "尊敬的客户。三月份的报告已经完成。销售额增长了百分之十二。"
KOREAN = "안녕하세요, 고객님. 3월 보고서가 완성되었습니다. 매출이 증가했습니다."
GREEK = "Καλημέρα σας, η έκθεση για τον Μάρτιο είναι έτοιμη."  # noqa: RUF001
FRENCH = "Le coléoptère naïf était déjà là, à côté du garçon"


async def parse(data: bytes, mime_type: str | None = None) -> DocumentParseOutput:
    return await document_parse.fn(content_base64=base64.b64encode(data).decode(), mime_type=mime_type)


def test_the_documented_example_is_a_valid_input() -> None:
    assert DocumentParseInput(url="https://example.com/report.pdf").content_base64 is None


def test_it_costs_three_credits_and_is_registered() -> None:
    assert registered("document_parse") is document_parse
    assert document_parse.credits == 3


async def test_the_output_has_the_documented_fields() -> None:
    output = await parse(TXT)
    assert set(output.model_dump()) == {
        "summary", "text", "format", "pages", "sheets", "tables", "metadata", "truncated",
    }  # fmt: skip
    assert document_parse.load(document_parse.dump(output)) == output


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "expected exactly one of url and content_base64, got neither"),
        (
            {"url": "https://example.com", "content_base64": "eA=="},
            "exactly one of url and content_base64, got both",
        ),
        ({"content_base64": "data:text/plain;base64,eA=="}, "expected standard base64"),
        ({"content_base64": "x"}, "expected standard base64"),
        ({"content_base64": ""}, "the document is empty"),
        (
            {"content_base64": base64.b64encode(bytes(MAX_DOCUMENT_BYTES + 1)).decode()},
            "at most 20,971,520 bytes",
        ),
        ({"url": "http://127.0.0.1/report.pdf"}, "expected a public address"),
        ({"url": "file:///etc/passwd"}, "expected an http or https address"),
        ({"path": "report.pdf"}, "path"),
    ],
)
async def test_input_that_the_spec_does_not_allow_is_refused(fields: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await document_parse.fn(**fields)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 1_000


async def test_base64_may_be_broken_into_lines() -> None:
    output = await document_parse.fn(content_base64=base64.encodebytes(TXT).decode())
    assert output.text == TXT.decode()


async def test_a_pdf_gives_its_pages_and_paragraphs() -> None:
    output = await parse(PDF)
    assert output.format == "pdf"
    assert [page.number for page in output.pages] == [1, 2]
    assert output.text == "\n\n".join(page.text for page in output.pages)
    assert output.text.count("\n\n") == 3
    assert output.metadata["page_count"] == 2
    assert output.metadata["title"] == "Brightkettle customer survey, March 2025"
    assert output.summary == f"PDF of {len(output.text)} characters, 2 pages"


async def test_a_docx_gives_paragraphs_and_tables_in_reading_order() -> None:
    source = docx.Document()
    source.add_paragraph("before")
    table = source.add_table(rows=2, cols=2)
    for index, cell in enumerate(cell for row in table.rows for cell in row.cells):
        cell.text = f"cell\n{index}"
    table.add_row().cells[0].merge(table.rows[2].cells[1]).text = "merged"
    source.add_paragraph("after")
    output = await parse(saved(source))
    assert output.format == "docx"
    assert output.text == "before\n\ncell 0\tcell 1\ncell 2\tcell 3\nmerged\n\nafter"
    assert [table.rows for table in output.tables] == [[["cell\n0", "cell\n1"], ["cell\n2", "cell\n3"], ["merged"]]]


async def test_an_xlsx_gives_each_sheet_as_lines_and_as_a_table() -> None:
    book = Workbook()
    first = book.worksheets[0]
    first.title = "Numbers"
    for row in (["a", None, 1.0], [], [], [True, 2.5, "two\nlines"], []):
        first.append(row)
    book.create_sheet("Empty")
    output = await parse(saved(book))
    assert output.format == "xlsx"
    assert output.sheets[0].text == "a\t\t1\n\nTRUE\t2.5\ttwo lines"
    assert [(table.sheet, table.rows) for table in output.tables] == [
        ("Numbers", [["a", "", "1"], ["TRUE", "2.5", "two\nlines"]]),
        ("Empty", []),
    ]
    assert output.metadata["sheet_count"] == 2


async def test_dates_in_a_sheet_are_written_as_iso_dates() -> None:
    assert (await parse(XLSX)).tables[0].rows[1][0] == "2025-03-02"


@pytest.mark.parametrize(
    ("data", "text", "encoding"),
    [
        ("naïve ☎".encode(), "naïve ☎", "utf-8"),
        ("naïve ☎".encode("utf-8-sig"), "naïve ☎", "utf-8-sig"),
        ("naïve ☎".encode("utf-16"), "naïve ☎", "utf-16"),
        (b"\xfe\xff" + "naïve ☎".encode("utf-16-be"), "naïve ☎", "utf-16"),
        ("naïve".encode("latin-1"), "naïve", "latin-1"),
        ("“naïve”".encode("cp1252"), "“naïve”", "cp1252"),
        ("naïve ☎".encode("utf-16-le"), "naïve ☎", "utf-16-le"),
        *(
            (RUSSIAN.encode(encoding), RUSSIAN, encoding)
            for encoding in ("koi8-r", "cp1251", "iso8859-5", "utf-16-be", "utf-32-le")
        ),
        (JAPANESE.encode("cp932"), JAPANESE, "cp932"),
        (JAPANESE.encode("euc-jp"), JAPANESE, "euc-jp"),
        (CHINESE.encode("gb18030"), CHINESE, "gb18030"),
        (KOREAN.encode("cp949"), KOREAN, "cp949"),
        (GREEK.encode("cp1253"), GREEK, "cp1253"),
        (FRENCH.encode("latin-1"), FRENCH, "latin-1"),
        (b"A" * 100_000 + b"\n" + RUSSIAN.encode("cp1251"), "A" * 100_000 + "\n" + RUSSIAN, "cp1251"),
        ("ť".encode("cp1250"), "ť", "cp1250"),
        (b"one\r\ntwo\rthree", "one\ntwo\nthree", "utf-8"),
    ],
)
async def test_plain_text_is_read_in_the_encoding_it_has(data: bytes, text: str, encoding: str) -> None:
    output = await parse(data)
    assert (output.format, output.text, output.metadata["encoding"]) == ("text", text, encoding)


async def test_the_charset_of_a_mime_type_is_believed() -> None:
    assert (await parse("жук".encode("koi8-r"), "text/plain; charset=koi8-r")).text == "жук"


async def test_an_unknown_charset_falls_back_to_detection() -> None:
    assert (await parse(b"beetle", "text/plain; charset=klingon")).text == "beetle"


@pytest.mark.parametrize("data", [PDF, DOCX, XLSX])
async def test_magic_bytes_win_over_the_mime_type(data: bytes) -> None:
    assert (await parse(data, "text/plain")).format != "text"


def archive(**entries: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in entries.items():
            file.writestr(name.replace("__", "/"), data)
    return out.getvalue()


def saved(source: object) -> bytes:
    out = io.BytesIO()
    source.save(out)  # type: ignore[attr-defined]
    return out.getvalue()


def encrypted(algorithm: str, *, user_password: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(PDF)))
    writer.encrypt(user_password, "owner", algorithm=algorithm)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


HUGE = archive(word__document_xml=b"").replace(b"word/document_xml", b"word/document.xml")

BAD = {
    "empty": (b"", "empty"),
    "binary junk": (bytes(range(256)) * 4, "no text in a known encoding"),
    "half a utf-16 character": (b"\xff\xfea", "no text"),
    "a cut PDF": (PDF[:-400], "cut short or damaged"),
    "half a PDF": (PDF[: len(PDF) // 2], "cut short or damaged"),
    "a PDF header alone": (b"%PDF-1.7\n", "cut short or damaged"),
    "a cut DOCX": (DOCX[:-100], "cut short or damaged"),
    "a cut XLSX": (XLSX[:-100], "cut short or damaged"),
    "an empty DOCX": (HUGE, "cut short or damaged"),
    "a PDF with a password": (encrypted("RC4-128", user_password="secret"), "encrypted"),
    "an Office file with a password": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le"),
        "encrypted; remove its password",
    ),
    "an old Office file": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "save it as DOCX or XLSX"),
    "another archive": (archive(readme=b"hello"), "neither a DOCX nor an XLSX"),
    "a presentation": (archive(**{"ppt/presentation.xml": b""}), "a PPTX presentation; save it as PDF"),
    "an OpenDocument text": (archive(**{"mimetype": b"", "content.xml": b""}), "OpenDocument"),
    "an image of a phone": (b"\0\0\0\x18ftypheic" + bytes(20), "a HEIC image"),
    "a program": (b"MZ\x90\x00" + bytes(20), "a Windows program"),
    "an RTF document": (b"{\\rtf1 hello}", "save it as DOCX"),
    "an image": (b"\x89PNG\r\n\x1a\n" + bytes(20), "a PNG image"),
    "a bomb": (archive(xl__workbook=b"", bomb=bytes(210 * 1024 * 1024)), "unpacks to"),
}


@pytest.mark.parametrize("name", BAD)
async def test_what_cannot_be_read_is_refused_with_the_reason(name: str) -> None:
    data, said = BAD[name]
    with pytest.raises(InvalidInput) as caught:
        await parse(data)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("mime_type", "said"),
    [("application/pdf", "the mime_type says PDF"), ("image/png", "got mime_type 'image/png'")],
)
async def test_text_that_is_said_to_be_something_else_is_refused(mime_type: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        await parse(b"<html>404</html>", mime_type)


async def test_a_pdf_that_anyone_may_open_is_read_though_it_is_encrypted() -> None:
    assert "Respondent 1" in (await parse(encrypted("RC4-128", user_password=""))).text


async def test_a_pdf_of_images_is_said_to_be_one() -> None:
    image = stream(
        b"\0", b"/Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray"
    )
    output = await parse(page(stream(b"/I Do"), image, resources=b"/XObject << /I 5 0 R >>"))
    assert (output.text, output.metadata["images_only"]) == ("", "yes")
    assert output.summary == "PDF of 0 characters, 1 page, no text: its pages are images, probably scanned"


async def test_a_pdf_without_text_and_images_is_not_said_to_be_scanned() -> None:
    assert (await parse(page(stream(b"")))).summary == "PDF of 0 characters, 1 page, no text"


async def test_a_sheet_that_claims_all_rows_and_columns_is_read_as_what_it_has() -> None:
    book = Workbook()
    book.worksheets[0]["A1"] = "only"
    data = saved(book)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
        for entry in source.infolist():
            target.writestr(entry, source.read(entry).replace(b'ref="A1:A1"', b'ref="A1:XFD1048576"'))
    assert out.getvalue() != data
    output = await parse(out.getvalue())
    assert output.text == "only"
    assert not output.truncated


@pytest.mark.parametrize(
    ("data", "caps"),
    [
        (PDF, Caps(pages=1)),
        (PDF, Caps(characters=100)),
        (DOCX, Caps(characters=100)),
        (DOCX, Caps(cells=4)),
        (XLSX, Caps(rows=2)),
        (XLSX, Caps(cells=6)),
        (XLSX, Caps(characters=100)),
        (TXT, Caps(characters=100)),
    ],
)
def test_past_a_cap_the_document_is_truncated(data: bytes, caps: Caps) -> None:
    format = recognise(data, None)
    document = read_document(data, format, caps=caps)
    assert document.truncated
    assert len(document.text) < len(read_document(data, format).text)


def test_up_to_the_cap_nothing_is_truncated() -> None:
    length = len(TXT.decode())
    assert not read_document(TXT, "text", caps=Caps(characters=length)).truncated
    assert read_document(TXT, "text", caps=Caps(characters=length - 1)).truncated


PREFIXES = [
    b"",
    b"%PDF-1.4\n",
    b"PK\x03\x04",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    PDF[:300],
    DOCX[:300],
    XLSX[:300],
]


@given(st.sampled_from(PREFIXES), st.binary(max_size=300))
def test_random_bytes_are_read_or_refused_and_never_crash(prefix: bytes, data: bytes) -> None:
    read_or_refuse(prefix + data)


@given(st.sampled_from([PDF, XLSX]), st.data())
def test_a_document_with_changed_bytes_is_read_or_refused_and_never_crashes(
    original: bytes, data: st.DataObject
) -> None:
    damaged = bytearray(original)
    for index in data.draw(st.lists(st.integers(0, len(original) - 1), min_size=1, max_size=8)):
        damaged[index] = data.draw(st.integers(0, 255))
    read_or_refuse(bytes(damaged))


def read_or_refuse(data: bytes) -> None:
    said = ""
    try:
        read_document(data, recognise(data, None))
    except InvalidInput as error:
        said = str(error)
    assert len(said) <= 500
    assert "\n" not in said
