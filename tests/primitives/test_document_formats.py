"""`document_parse` gives the text a person sees of word documents, pages, tables and e-mails."""

import base64
import datetime as dt
import io
import subprocess
import sys
import zipfile
from email.message import EmailMessage
from pathlib import Path

import docx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from intermezzo.primitives.document_content import Caps
from intermezzo.primitives.document_formats import recognise
from intermezzo.primitives.document_numbers import shown
from intermezzo.primitives.document_parse import DocumentParseOutput, document_parse
from intermezzo.primitives.document_readers import read_document
from tests.primitives.hostile_documents import (
    CATALOG,
    FONT,
    PAGES,
    WORD,
    docx_of,
    page,
    pdf,
    plain_docx,
    plain_xlsx,
    saved,
    stream,
    with_parts,
    xlsx_of,
)

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


NUMBERING = (
    f'<w:numbering xmlns:w="{WORD}"><w:abstractNum w:abstractNumId="7">'
    '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>'
    '<w:lvl w:ilvl="1"><w:start w:val="3"/><w:numFmt w:val="lowerRoman"/><w:lvlText w:val="%1.%2)"/></w:lvl>'
    '<w:lvl w:ilvl="2"><w:numFmt w:val="bullet"/><w:lvlText w:val="\uf0b7"/></w:lvl></w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>'
    '<w:num w:numId="2"><w:abstractNumId w:val="7"/>'
    '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride></w:num></w:numbering>'
)
LISTS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/numbering"


def item(text: str, level: int, number: int = 1) -> str:
    place = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>'
    return f"<w:p><w:pPr>{place}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def test_items_of_a_list_have_their_numbers_and_bullets() -> None:
    items = [("a", 0), ("b", 1), ("c", 1), ("d", 2), ("e", 0), ("f", 1)]
    body = "".join(item(*one) for one in items) + item("g", 0, 2) + item("none", 0, 0)
    relation = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{LISTS}" Target="numbering.xml"/></Relationships>'
    )
    data = with_parts(docx_of(body), {"word/numbering.xml": NUMBERING, "word/_rels/document.xml.rels": relation})
    assert text_of(data).split("\n") == [
        "1. a", "1.iii) b", "1.iv) c", "• d", "2. e", "2.iii) f", "1. g", "none",
    ]  # fmt: skip


def test_a_style_makes_an_item_of_a_list() -> None:
    source = docx.Document()
    for style in ("List Number", "List Bullet", "List Number"):
        source.add_paragraph("x", style=style)
    assert text_of(saved(source.save)) == "1. x\n• x\n2. x"


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        (0.125, "0.0%", "12.5%"),
        (0.125, "0%", "13%"),
        (1234.5, '#,##0.00 "€"', "1,234.50 €"),
        (1234.5, "[$€-407]#,##0", "€1,235"),
        (-5.5, "0.00;[Red](0.00)", "(5.50)"),
        (-5.5, "$0.0", "-$5.5"),
        (0, '0;-0;"none"', "none"),
        (12, "00000", "00012"),
        (0.5, "#.##", ".5"),
        (2, "0.##", "2"),
        (1_234_567, '0.0,,"M"', "1.2M"),
        (5, ";;;", ""),
        (1.5, "General", "1.5"),
        (3.0, "General", "3"),
        (1.5, "# ?/?", "1.5"),
        (1.5, "0.0.0", "1.5"),
        (1e300, "0.00", "1e+300"),
        (9e14, "0.000000000000000", "900000000000000"),
        (7, '"n/a "@', "7"),
    ],
)
def test_a_number_is_written_as_the_workbook_shows_it(value: float, number_format: str, text: str) -> None:
    assert shown(value, number_format) == text


@given(st.floats(allow_nan=True), st.text('0#?.,;%$\\"[]()-_* @dE€', max_size=30))
def test_any_number_is_written_in_any_format(value: float, number_format: str) -> None:
    assert len(shown(value, number_format)) <= 500


async def test_hidden_sheets_are_named_and_not_read() -> None:
    book = Workbook()
    book.worksheets[0].append([dt.timedelta(hours=30), 0.5])
    book.worksheets[0]["B1"].number_format = "0%"
    book.create_sheet("Notes").sheet_state = "hidden"
    book["Notes"]["A1"] = "secret"
    output = await parse(saved(book.save))
    assert output.text == "30:00:00\t50%"
    assert output.metadata["hidden_sheets"] == "Notes"


def test_a_number_in_a_style_that_is_not_there_is_read() -> None:
    assert text_of(xlsx_of('<row r="1"><c r="A1" s="99"><v>5</v></c></row>')) == "5"


def test_a_workbook_with_a_sheet_that_is_a_chart_is_read() -> None:
    book = Workbook()
    book.worksheets[0]["A1"] = "beetle"
    book.create_chartsheet("Chart")
    assert text_of(saved(book.save)) == "beetle"


def test_a_workbook_is_read_without_numpy(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit('numpy was imported')")
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from intermezzo.primitives import document_warmup as w; "
        "print(w.READ['xlsx'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("warm\n", "")


LINES = {
    "words placed one by one": (b"(two) Tj T* ET BT 40 20 Td (words) Tj T* ET", "two words"),
    "letters placed one by one": (b"(w) Tj T* ET BT 26.5 20 Td (ord) Tj T* ET", "word"),
    "the next line": (b"(two) Tj T* ET BT 20 10 Td (lines) Tj T* ET", "two\nlines"),
    "another column": (b"(right) Tj T* ET BT 1 20 Td (left) Tj T* ET", "right\nleft"),
    "a space and a gap": (b"[(two ) -500 (words)] TJ ET", "two words"),
}


@pytest.mark.parametrize("name", LINES)
def test_text_of_a_pdf_that_is_on_one_line_is_one_line(name: str) -> None:
    contents, text = LINES[name]
    data = page(stream(b"BT 10 TL /F1 9 Tf 20 20 Td " + contents), FONT, resources=b"/Font << /F1 5 0 R >>")
    assert text_of(data) == text


def two_byte_font(mapping: bytes) -> bytes:
    """A PDF that shows the code 0005 in a font with this mapping, and an encoding that is a table."""
    spelled_out = b"1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n1 begincidchar\n<0005> 5\nendcidchar"
    font = (
        b"<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding 7 0 R /ToUnicode 6 0 R /DescendantFonts "
        b"[<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X >>] >>"
    )
    contents = stream(b"BT /F1 9 Tf <00050005> Tj ET")
    return page(contents, font, stream(mapping), stream(spelled_out), resources=b"/Font << /F1 5 0 R >>")


def test_a_font_of_a_pdf_whose_encoding_is_a_table_is_read() -> None:
    assert text_of(two_byte_font(b"1 beginbfchar\n<0005> <00660066>\nendbfchar")) == "ffff"


@pytest.mark.parametrize("nothing", [b"0000", b"d800"])
async def test_what_is_no_character_is_left_out(nothing: bytes) -> None:
    output = await parse(two_byte_font(b"1 beginbfchar\n<0005> <0041%s>\nendbfchar" % nothing))
    assert output.text == "AA"


def test_what_is_filled_into_a_form_is_read() -> None:
    look = stream(b"BT /F1 9 Tf (Ann) Tj ET", b"/Type /XObject /Subtype /Form /Resources << /Font << /F1 5 0 R >> >>")
    field = b"<< /Subtype /Widget /AP << /N 6 0 R >> /F %d >>"
    head = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Annots [7 0 R 8 0 R] "
    head += b"/Resources << /Font << /F1 5 0 R >> >> >>"
    contents = stream(b"BT /F1 9 Tf (Name:) Tj ET")
    data = pdf(CATALOG, PAGES, head, contents, FONT, look, field % 4, field % 2)
    assert text_of(data) == "Name:\n\nAnn"


@pytest.mark.parametrize("charset", ["", "; charset=x-klingon", "; charset=utf-8", "; charset=zlib_codec"])
def test_an_email_in_an_encoding_that_does_not_fit_is_read_all_the_same(charset: str) -> None:
    data = EML.replace(b"\n\nHello Bo", f"\nContent-Type: text/plain{charset}\n\nGrüße".encode("latin-1"))
    assert text_of(data).endswith("Subject: Hi\n\nGrüße")


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
        (page(stream(b"")), "text/html\n\nx: y", "PDF of 0 characters, 1 page, no text, said to be text/html x: y"),
        (plain_docx(), "application/octet-stream", "DOCX of 6 characters"),
        (CSV, "text/plain", "CSV of 24 characters, 1 table"),
    ],
)
async def test_a_mime_type_that_the_bytes_contradict_is_mentioned(data: bytes, mime_type: str, said: str) -> None:
    output = await parse(data, mime_type)
    assert output.summary == said
    assert ("mime_type_mismatch" in output.metadata) == ("said to be" in said)
