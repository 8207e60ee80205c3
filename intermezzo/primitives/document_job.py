"""Reading a document inside the sandbox: what `document_sandbox` runs there.

Standard input has one line of JSON, a `Job`, and then the document. Standard output gets one JSON object: what was
read, or `{"error": …}` with what to tell the author.
"""

import json
import logging
import re
import signal
import sys
import warnings
from collections.abc import Mapping
from dataclasses import fields

from intermezzo.errors import InvalidInput
from intermezzo.primitives.document_content import Caps, DocumentPage, DocumentSheet, DocumentTable, Job
from intermezzo.primitives.document_formats import contradicts, macros_of, recognise
from intermezzo.primitives.document_readers import TimeIsUp, read_document

_AGAIN_SECONDS = 0.5
"""A timer that a library has swallowed in a callback rings again."""


def main() -> None:
    """Read the document from standard input, and answer."""
    logging.disable()
    warnings.simplefilter("ignore")
    output, sys.stdout = sys.stdout, sys.stderr  # whatever a library prints is no answer
    job: Job = json.loads(sys.stdin.buffer.readline())
    answer = _answer(sys.stdin.buffer.read(), job)
    output.write(json.dumps(answer, default=_as_dict, separators=(",", ":")))
    output.flush()


def _answer(data: bytes, job: Job) -> Mapping[str, object]:
    try:
        return _read(data, job)
    except InvalidInput as error:
        return {"error": " ".join(str(error).split())}
    except MemoryError:
        return {"out_of": "memory"}
    except TimeIsUp:
        return {"out_of": "time"}


def _read(data: bytes, job: Job) -> Mapping[str, object]:
    mime_type, page_url = job["mime_type"], job["page_url"]
    # Of computing time: what a document may take does not depend on how busy the machine is.
    signal.signal(signal.SIGPROF, _ring)
    signal.setitimer(signal.ITIMER_PROF, job["seconds"], _AGAIN_SECONDS)
    try:
        format = "html" if page_url else recognise(data, mime_type)
        charset = re.search(r"charset=[\"']?([\w.:-]+)", mime_type or "", re.IGNORECASE)
        document = read_document(
            data,
            format,
            charset=charset[1] if charset else None,
            caps=Caps(characters=job["max_characters"]),
            page_url=page_url,
        )
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    document.note(size_bytes=len(data))
    if contradicts(format, mime_type):
        document.note(mime_type_mismatch=f"said to be {' '.join((mime_type or '').split())}")
    if format in ("docx", "xlsx") and macros_of(data):
        document.note(macros="there are some; they were not run")
    return {
        "format": format,
        "text": document.text,
        "pages": document.pages,
        "sheets": document.sheets,
        "tables": document.tables,
        "metadata": document.metadata,
        "truncated": document.truncated,
    }


def _ring(_signal: int, _frame: object) -> None:
    raise TimeIsUp


def _as_dict(item: object) -> dict[str, object]:
    assert isinstance(item, DocumentPage | DocumentSheet | DocumentTable)
    return {field.name: getattr(item, field.name) for field in fields(item)}
