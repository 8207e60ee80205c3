# ruff: noqa: INP001 - a script, not a package
"""Writes the demo's four customer-feedback documents; run it after changing a text below.

    uv run --with reportlab scripts/make_demo_documents.py

The company, its customers and their data are made up: numbers are those reserved for fiction and for testing.
The files come out byte for byte the same every time, so a change of text is the only change in a commit.
"""

import datetime as dt
import io
import zipfile
from pathlib import Path

from docx import Document
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from reportlab.lib.pagesizes import A4  # pyright: ignore[reportMissingTypeStubs]
from reportlab.lib.styles import getSampleStyleSheet  # pyright: ignore[reportMissingTypeStubs]
from reportlab.platypus import (  # pyright: ignore[reportMissingTypeStubs]
    Flowable,
    PageBreak,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
)

FOLDER = Path(__file__).parents[1] / "intermezzo" / "demo" / "documents"
WRITTEN_AT = dt.datetime(2025, 3, 31, 9, 0)  # noqa: DTZ001 - Office files know no time zones
AUTHOR = "Brightkettle Customer Care"

SURVEY = [
    [
        (
            "Respondent 1: I have used the Brightkettle Pro every morning for three months and it is the "
            "best kettle I have owned. It boils a litre in two minutes and looks lovely on the counter. "
            "Happy to be quoted: maria.lindgren@example.com."
        ),
        (
            "Respondent 2: The lid started to leak after two weeks and there was hot water all over my "
            "hand. Nobody has answered my complaint. Please call me on +44 20 7946 0958. I want my money "
            "back."
        ),
    ],
    [
        (
            "Respondent 3: Your app is a disaster. It logs me out every day, and the schedule I set for "
            "6:30 has never once worked. I have given up on it."
        ),
        (
            "Respondent 4: Delivery came a day early and the driver carried it up to the third floor. "
            "Wonderful service, thank you! Tom Okafor, (555) 010-4477."
        ),
    ],
]

EMAILS = [
    (
        "Charged twice",
        "From: Helen Brandt <h.brandt@example.org>",
        (
            "I was charged twice for order 88213 on my card 4111 1111 1111 1111, and your chat agent hung "
            "up on me. This is not acceptable. Please refund the second payment to DE89 3704 0044 0532 0130"
            " 00 at once."
        ),
    ),
    (
        "Thank you, Priya",
        "From: Samuel Ortiz <sam.ortiz@example.net>",
        (
            "Just a note to say how kind Priya in your support team was. My replacement base arrived within"
            " two days and works perfectly. You have a customer for life."
        ),
    ),
    (
        "Change of address",
        "From: Aiko Tanaka <aiko@example.com>",
        (
            "We have moved. Please send future invoices to the new address on my account. My phone number "
            "is still +1 555 010 2368."
        ),
    ),
]
CALLS = [
    ("Date", "Customer", "Phone", "What the customer said"),
    (
        "2025-03-03",
        "J. Novak",
        "555-010-7731",
        "The kettle is so loud that it wakes the baby. Very disappointed.",
    ),
    (
        "2025-03-04",
        "L. Fischer",
        "+49 30 23125 014",
        "Loves the new colours and has ordered two more as presents.",
    ),
]

REVIEWS = [
    ("date", "customer", "product", "review"),
    (
        dt.date(2025, 3, 2),
        "Nadia K.",
        "Kettle Pro",
        "Elegant, quick and quiet. Worth every penny.",
    ),
    (
        dt.date(2025, 3, 5),
        "Greg P.",
        "Kettle Mini",
        "Broke after one month, and the warranty form is a joke. Write to me: greg.p@example.com",
    ),
    (
        dt.date(2025, 3, 9),
        "Oluwaseun A.",
        "Kettle Pro",
        "It is a kettle. It boils water. The cable is 70 cm long.",
    ),
    (
        dt.date(2025, 3, 14),
        "Chloé D.",
        "Milk Frother",
        "My cappuccino has never been this good, I recommend it to everyone!",
    ),
]

CHAT = """\
[2025-03-11 18:04] Daniel Reyes: The display shows 80 degrees when the water is boiling. That is dangerous and
I am really angry. Your own web page says it was fixed in February.
You can reach me at daniel.reyes@example.com or 555-010-1199.

[2025-03-12 09:15] Ingrid Solberg: Is it possible to use the base of the Mini with the Pro? I have
both at home.

[2025-03-12 14:40] Kofi Boateng: Your agent Lena solved my problem in five minutes. Fantastic support, and so
friendly. I had logged in from 203.0.113.42, in case you need that for your records.
"""


def write_survey(path: Path) -> None:
    """The PDF: comments of a survey, on two pages."""
    style = getSampleStyleSheet()
    story: list[Flowable] = []
    for number, comments in enumerate(SURVEY):
        story += [PageBreak()] if number else []
        for comment in comments:
            story += [Paragraph(comment, style["Normal"]), Spacer(1, 14)]
    document = SimpleDocTemplate(
        str(path), pagesize=A4, invariant=1, title="Brightkettle customer survey, March 2025", author=AUTHOR
    )
    document.build(story)


def write_emails(path: Path) -> None:
    """The DOCX: e-mails to the support, and a table of calls."""
    document = Document()
    properties = document.core_properties
    properties.title, properties.author = "Support inbox, week 10", AUTHOR
    properties.created = properties.modified = WRITTEN_AT
    for subject, sender, body in EMAILS:
        document.add_paragraph(sender)
        document.add_paragraph(f"Subject: {subject}")
        document.add_paragraph(body)
        document.add_paragraph()
    table = document.add_table(rows=0, cols=len(CALLS[0]), style="Table Grid")
    for row in CALLS:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    document.save(str(path))
    freeze(path)


def write_reviews(path: Path) -> None:
    """The XLSX: one sheet of reviews."""
    workbook = Workbook()
    workbook.properties.title, workbook.properties.creator = "Shop reviews, March 2025", AUTHOR
    workbook.properties.created = WRITTEN_AT
    sheet = workbook.worksheets[0]
    sheet.title = "Reviews"
    for row in REVIEWS:
        sheet.append(row)
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for column, width in zip("ABCD", (12, 18, 16, 70), strict=True):
        sheet.column_dimensions[column].width = width
    for row in sheet.iter_rows(min_row=2):
        row[3].alignment = Alignment(wrap_text=True, vertical="top")
    workbook.save(path)
    freeze(path)


def freeze(path: Path) -> None:
    """Set every time in an Office file to the same moment."""
    stamp = f"{WRITTEN_AT.isoformat()}Z".encode()
    out = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename == "docProps/core.xml":
                data = with_modified(data, stamp)
            info = zipfile.ZipInfo(entry.filename, WRITTEN_AT.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, data)
    path.write_bytes(out.getvalue())


def with_modified(properties: bytes, stamp: bytes) -> bytes:
    """The document properties with another time of modification."""
    head, opening, rest = properties.partition(b"<dcterms:modified")
    attributes, _, rest = rest.partition(b">")
    _, closing, tail = rest.partition(b"</dcterms:modified>")
    return head + opening + attributes + b">" + stamp + closing + tail


def main() -> None:
    """Write all four."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_survey(FOLDER / "survey.pdf")
    write_emails(FOLDER / "support-emails.docx")
    write_reviews(FOLDER / "reviews.xlsx")
    (FOLDER / "chat.txt").write_text(CHAT, encoding="utf-8")


if __name__ == "__main__":
    main()
