"""`document_parse` gives the text a person sees of word documents, pages, tables and e-mails."""

import base64
import io
import zipfile
from email.message import EmailMessage

import docx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intermezzo.primitives.document_content import Caps
from intermezzo.primitives.document_formats import recognise
from intermezzo.primitives.document_parse import DocumentParseOutput, document_parse
from intermezzo.primitives.document_readers import read_document
from tests.primitives.hostile_documents import WORD, docx_of, page, plain_docx, plain_xlsx, saved, stream, with_parts

CSV = b'name,age\nann,31\n"bo, jr",4\n'
EML = b"From: ann@example.org\nTo: bo@example.org\nDate: Mon, 3 Mar 2025 10:00:00 +0000\nSubject: Hi\n\nHello Bo\n"
HTML = b"<!doctype html><title>T</title><p>Hi"


async def parse(data: bytes, mime_type: str | None = None) -> DocumentParseOutput:
    return await document_parse.fn(content_base64=base64.b64encode(data).decode(), mime_type=mime_type)


def text_of(data: bytes, mime_type: str | None = None) -> str:
    return read_document(data, recognise(data, mime_type)).text


@pytest.mark.parametrize(
    ("data", "mime_type", "format"),
    [
        (HTML, None, "html"),
        (b"  <!-- made by hand -->\n<HTML><p>Hi", "text/plain", "html"),
        (b"<p>Hi", "text/html; charset=utf-8", "html"),
        (b"<p>Hi", None, "text"),
        (CSV, None, "csv"),
        (CSV, "text/plain", "csv"),
        (b"one,two", "text/csv", "csv"),
        (b"Dear Ann,\nthank you, too,\nBo", None, "text"),
        (b"a, b\nc, d\ne, f\n", None, "text"),
        (b"a,b\nc,d,e\nf,g\n", None, "text"),
        (EML, None, "eml"),
        (b"From: the start\nTo: the end\n\nA poem", None, "text"),
        (b"Subject: x\n\ny", "message/rfc822", "eml"),
        (CSV, "application/json", "text"),
    ],
)
def test_text_is_told_apart_by_what_is_said_of_it_and_by_its_shape(
    data: bytes, mime_type: str | None, format: str
) -> None:
    assert recognise(data, mime_type) == format


async def test_html_gives_visible_text_title_and_tables() -> None:
    source = """<!doctype html><html><head><title>The  title</title><style>p {}</style></head><body>
    <script>if (1 < 2) alert("no")</script><h1>Head&shy;ing</h1><p>One <b>bold</b>
    word</p><p hidden>unseen</p><div style="display: none"><div>unseen</div>unseen</div>
    <table><caption>Age</caption><tr><th>name<th>age<tr><td>Ann<td>31</table>
    <ul><li>first<li>second &amp; last</ul><pre>a
  b</pre>end<br>of it"""
    output = await parse(source.encode())
    assert output.format == "html"
    assert output.text.replace("\xad", "").split("\n") == [
        "Heading", "", "One bold word", "", "Age", "name\tage", "Ann\t31", "", "- first", "- second & last", "",
        "a", "  b", "", "end", "of it",
    ]  # fmt: skip
    assert [table.rows for table in output.tables] == [[["name", "age"], ["Ann", "31"]]]
    assert output.metadata["title"] == "The title"


async def test_cells_of_one_line_stay_on_the_line_of_their_row() -> None:
    source = """<html><table><tr><td><p>name</p></td><td></td><td>
      <p>age</p></td></tr><tr><td>Ann<td colspan=2><table><tr><td>3<td>1</table></table><p>end"""
    output = await parse(source.encode())
    assert output.text == "name\tage\nAnn\t3\t1\n\nend"
    assert [table.rows for table in output.tables] == [[["name", "", "age"], ["Ann", "3 1"]], [["3", "1"]]]


def test_html_is_read_in_the_encoding_it_declares() -> None:
    assert text_of('<html><meta charset="koi8-r"><p>жук'.encode("koi8-r")) == "жук"


@pytest.mark.parametrize(
    "source", ["<html><table><tr><td>x", "<html><p hidden>a<p>x", "<html><head><p>x", "<html><table>" * 9 + "x"]
)
def test_html_that_is_left_open_keeps_its_text(source: str) -> None:
    assert text_of(source.encode()) == "x"


@given(st.text("<>/!-=\"' aptdrbl\n", max_size=200))
def test_any_markup_is_read(source: str) -> None:
    assert len(text_of(source.encode() or b"x", "text/html")) <= 2 * len(source) + 1


async def test_a_csv_gives_its_rows_with_quotes_resolved() -> None:
    output = await parse(CSV)
    assert output.tables[0].rows == [["name", "age"], ["ann", "31"], ["bo, jr", "4"]]
    assert output.text == "name\tage\nann\t31\nbo, jr\t4"
    assert output.metadata["delimiter"] == ","
    assert output.summary == "CSV of 24 characters, 1 table"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_csv_is_read_with_the_delimiter_it_has(delimiter: str) -> None:
    data = "a,b\n1,2\n3,4\n".replace(",", delimiter).encode()
    assert read_document(data, recognise(data, None)).tables[0].rows == [["a", "b"], ["1", "2"], ["3", "4"]]


def test_a_csv_past_the_caps_is_truncated() -> None:
    document = read_document(CSV, "csv", caps=Caps(rows=1))
    assert document.truncated
    assert document.tables[0].rows == [["name", "age"]]


async def test_an_email_gives_headers_text_and_the_names_of_attachments() -> None:
    message = EmailMessage()
    message["From"], message["Subject"] = "Ann <ann@example.org>", "Käfer"
    message["Date"] = "Mon, 03 Mar 2025 10:00:00 +0000"
    message.set_content("The naïve beetle")
    message.add_alternative("<p>not this one</p>", subtype="html")
    message.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="beetle.pdf")
    output = await parse(message.as_bytes())
    assert output.format == "eml"
    assert output.text == (
        "From: Ann <ann@example.org>\nDate: Mon, 03 Mar 2025 10:00:00 +0000\nSubject: Käfer\n\nThe naïve beetle\n\n"
        "[attached: beetle.pdf (application/pdf, 5 bytes)]"
    )
    assert (output.metadata["subject"], output.metadata["attachments"]) == ("Käfer", 1)


def test_an_email_in_html_only_gives_its_visible_text() -> None:
    data = EML.replace(b"\n\nHello Bo", b"\nContent-Type: text/html\n\n<style>x</style><p>Hello</p><p>Bo</p>")
    assert text_of(data).endswith("Subject: Hi\n\nHello\n\nBo")


def test_a_docx_gives_header_body_notes_and_footer_in_reading_order() -> None:
    source = docx.Document()
    source.add_paragraph("body")
    source.sections[0].header.paragraphs[0].text = "top"
    source.sections[0].footer.paragraphs[0].text = "bottom"
    assert text_of(saved(source.save)) == "top\nbody\nbottom"


FOOTNOTES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"


def test_a_footnote_is_marked_where_it_belongs_and_follows_the_body() -> None:
    run = "<w:r><w:t>{}</w:t></w:r>"
    reference = '<w:r><w:footnoteReference w:id="2"/></w:r>'
    body = f"<w:p>{run.format('claim')}{reference}</w:p><w:p>{run.format('end')}</w:p>"
    note = f'<w:footnote w:id="2"><w:p>{run.format(" source")}</w:p></w:footnote>'
    notes = f'<w:footnotes xmlns:w="{WORD}">{note}</w:footnotes>'
    relation = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{FOOTNOTES}" Target="footnotes.xml"/></Relationships>'
    )
    data = with_parts(docx_of(body), {"word/footnotes.xml": notes, "word/_rels/document.xml.rels": relation})
    assert text_of(data) == "claim[1]\nend\n[1] source"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<w:sdt><w:sdtContent><w:p><w:r><w:t>control</w:t></w:r></w:p></w:sdtContent></w:sdt>", "control"),
        (
            "<w:p><w:ins><w:r><w:t>new</w:t></w:r></w:ins><w:del><w:r><w:delText>old</w:delText></w:r></w:del></w:p>",
            "new",
        ),
        ("<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r><w:r><w:t>seen</w:t></w:r></w:p>", "seen"),
        ("<w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r></w:p>", "a\tb\nc"),
    ],
)
def test_a_docx_gives_what_a_person_sees(body: str, text: str) -> None:
    assert text_of(docx_of(body)) == text


def test_every_library_has_read_a_document_before_the_first_run() -> None:
    from intermezzo.primitives import document_warmup

    assert all("warm" in document_warmup.READ[format] for format in ("docx", "xlsx", "pdf", "eml"))


MACROS = {"word/vbaProject.bin": b"x"}
DOCM = "application/vnd.ms-word.document.macroEnabled.main+xml"


async def test_macros_are_mentioned_and_not_run() -> None:
    with zipfile.ZipFile(io.BytesIO(plain_docx())) as archive:
        content_types = archive.read("[Content_Types].xml").decode()
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    data = with_parts(plain_docx(), MACROS | {"[Content_Types].xml": content_types.replace(main, DOCM)})
    output = await parse(data)
    assert output.text == "beetle"
    assert "macros" in output.metadata
    assert output.summary == "DOCX of 6 characters, has macros, which were not run"


@pytest.mark.parametrize(
    ("data", "mime_type", "said"),
    [
        (plain_xlsx(), "application/pdf", "XLSX of 6 characters, 1 sheet, 1 table, said to be application/pdf"),
        (page(stream(b"")), "text/html", "PDF of 0 characters, 1 page, no text, said to be text/html"),
        (plain_docx(), "application/octet-stream", "DOCX of 6 characters"),
        (CSV, "text/plain", "CSV of 24 characters, 1 table"),
    ],
)
async def test_a_mime_type_that_the_bytes_contradict_is_mentioned(data: bytes, mime_type: str, said: str) -> None:
    output = await parse(data, mime_type)
    assert output.summary == said
    assert ("mime_type_mismatch" in output.metadata) == ("said to be" in said)
