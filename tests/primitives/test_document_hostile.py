"""A hostile document ends in one clear line or a truncated output, and harms nothing but its own run."""

import asyncio
import base64
import sys

import pytest

from intermezzo.errors import InvalidInput
from intermezzo.primitives import document_sandbox
from intermezzo.primitives.document_parse import document_parse
from intermezzo.sandbox import Outcome, Sandbox
from intermezzo.settings import settings
from tests.primitives.hostile_documents import HOSTILE, plain_docx

SAID = {
    "nothing": "the document is empty",
    "one byte": "none of them and no text",
    "random bytes": "none of them and no text",
    "random bytes called PDF": "cut short or damaged",
    "random bytes called zip": "cut short or damaged",
    "an old Office file": "save it as DOCX or XLSX",
    "PDF: 100,000 pages": "seconds to open; use a smaller",
    "PDF: one page a million times": "too large to be read",
    "PDF: the page tree is a loop": "cyclic page references",
    "PDF: the page tree loops over two": "cyclic page references",
    "PDF: a page tree 50,000 deep": "Maximum page tree depth",
    "PDF: the cross-references are a loop": "1 page, no text",
    "PDF: two billion objects claimed": "exceeds allowed limit",
    "PDF: a stream of 4 GB": "1 page, no text",
    "PDF: a stream of 1 GB, compressed twice": "1 page, no text",
    "PDF: a thousand filters": "1 page, no text",
    "PDF: an array 100,000 deep": "cut short or damaged",
    "PDF: contents 100,000 deep": "1 page, no text",
    "PDF: a form that draws itself": "1 page, no text",
    "PDF: forms drawing ten forms each": "1 page, no text",
    "PDF: a million pieces of text": "seconds to open; use a smaller",
    "PDF: four billion characters mapped": "Maximum /ToUnicode size",
    "PDF: a length that is its own reference": "loop with self reference",
    "PDF: with a password": "remove its password",
    "PDF: cut in the middle": "cut short or damaged",
    "PDF: fifty thousand fonts": "use a smaller or simpler one",
    "PDF: a string of 30 MB": "use a smaller or simpler one",
    "PDF: widths of four billion characters": "too large to be read",
    "DOCX: cut in the middle": "cut short or damaged",
    "DOCX: a zip bomb": "unpacks to 315,",
    "DOCX: a zip that lies about sizes": "Bad CRC-32",
    "DOCX: 400,000 names": "in 400,000 entries",
    "DOCX: encrypted parts": "remove its password",
    "DOCX: 20,000 entries": "in 20,017 entries",
    "DOCX: billion laughs": "has a DTD in 'word/document.xml'",
    "DOCX: billion laughs in UTF-16": "has a DTD",
    "DOCX: a type declared far below": "has a DTD",
    "DOCX: an external entity": "has a DTD",
    "DOCX: ten million paragraphs": "use a smaller or simpler one",
    "DOCX: tables 10,000 deep": "Excessive depth",
    "DOCX: tables 80 deep": "1 table",
    "DOCX: a row of a million cells": "1 table, truncated",
    "DOCX: footnotes that are not there": "DOCX of 0 characters",
    "XLSX: a range of all cells": "XLSX of 6 characters",
    "XLSX: one cell in the last row and column": "truncated",
    "XLSX: a cell in the last column of every row": "truncated",
    "XLSX: a million rows": "truncated",
    "XLSX: a row far below all rows": "truncated",
    "XLSX: one cell of 100 MB": "XLSX of 1,000,000 characters, 1 sheet, 1 table, truncated",
    "XLSX: billion laughs": "has a DTD",
    "XLSX: an external entity": "has a DTD",
    "XLSX: laughing shared strings": "has a DTD in 'xl/sharedStrings.xml'",
    "XLSX: three million shared strings": "use a smaller or simpler one",
    "XLSX: laughing relationships": "has a DTD in '_rels/.rels'",
    "XLSX: a million formats": "use a smaller or simpler one",
    "XLSX: a hundred thousand sheets": "use a smaller or simpler one",
    "XLSX: a workbook that is no XML": "cut short or damaged",
    "EML: parts 1,000 deep": "cut short or damaged",
    "EML: a million encoded words": "use a smaller or simpler one",
    "EML: 200,000 groups": "seconds to open; use a smaller",
    "CSV: one line of 20 MB": "truncated",
    "CSV: a quotation without end": "truncated",
    "text: 20 MB in cp1251": "text of 1,000,000 characters, truncated",
    "HTML: four million comments begin": "truncated",
}


async def parse(data: bytes) -> str:
    """The summary, or the error."""
    try:
        return (await document_parse.fn(content_base64=base64.b64encode(data).decode())).summary
    except InvalidInput as error:
        return str(error)


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_document_ends_in_one_line_that_says_why(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_sandbox, "READING_SECONDS", 3.0)  # what takes longer takes far longer
    outcomes: list[Outcome] = []

    async def run(self: Sandbox, code: str, *, stdin: str | bytes = b"", timeout_seconds: float) -> Outcome:
        outcomes.append(await run_for_real(self, code, stdin=stdin, timeout_seconds=timeout_seconds))
        return outcomes[-1]

    run_for_real = Sandbox.run
    monkeypatch.setattr(Sandbox, "run", run)
    said = await parse(HOSTILE[name]())
    assert all(outcome.runtime_seconds < 10 for outcome in outcomes)
    assert all(outcome.memory_peak_bytes < 600_000_000 for outcome in outcomes)
    assert SAID[name] in said
    assert len(said) <= 500
    assert "\n" not in said


async def test_documents_beside_a_hostile_one_are_parsed_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_sandbox, "READING_SECONDS", 3.0)
    bomb = asyncio.create_task(parse(HOSTILE["DOCX: ten million paragraphs"]()))
    said = await asyncio.gather(*(parse(plain_docx()) for _ in range(5)))
    assert set(said) == {"DOCX of 6 characters"}
    assert "512 MB" in await bomb


async def test_a_parser_that_no_timer_reaches_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_sandbox, "SECONDS", 0.5)
    assert "use a smaller" in await parse(HOSTILE["PDF: a million pieces of text"]())


@pytest.mark.parametrize("level", ["L1", "L2"])
async def test_documents_are_parsed_at_the_weaker_levels_too(level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if level == "L2" and sys.platform != "linux":
        pytest.skip("needs Linux")
    monkeypatch.setenv("INTERMEZZO_SANDBOX_MINIMUM", "L1")
    settings.cache_clear()
    monkeypatch.setattr("intermezzo.sandbox.levels._candidates", lambda _minimum: [level])  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    sandbox = document_sandbox.parsers.__wrapped__()
    monkeypatch.setattr(document_sandbox, "parsers", lambda: sandbox)
    try:
        assert (await sandbox.run("pass", timeout_seconds=5)).isolation.level == level
        assert await parse(plain_docx()) == "DOCX of 6 characters"
        assert "remove its password" in await parse(HOSTILE["PDF: with a password"]())
    finally:
        sandbox.close()
