"""Parsing documents in a sandbox whose processes have the parsing libraries loaded.

Called by `document_parse`, and by `web_page` for HTML.
"""

import importlib.util
import json
from functools import cache
from pathlib import Path
from typing import cast

from intermezzo.errors import InvalidInput, SandboxError
from intermezzo.primitives.document_content import MAX_CHARACTERS, Job
from intermezzo.sandbox import Limits, Outcome, Sandbox

MEMORY_BYTES = 512 * 1024 * 1024
SECONDS = 24.0
"""After which parsing is killed, however little of it was computing time."""
READING_SECONDS = 7.0
"""Of computing time, after which a document is handed back as far as it was read."""
_OUTPUT_BYTES = 48 * 1024 * 1024
"""The largest capped document as JSON: its characters as text, in pages or sheets, and in tables, six bytes each."""

_LIBRARIES = (
    "bs4",
    "soupsieve",
    "charset_normalizer",
    "docx",
    "lxml",
    "openpyxl",
    "et_xmlfile",
    "pypdf",
    "cryptography",
    "typing_extensions",
)
_PRELOAD = ("intermezzo.primitives.document_job", "intermezzo.primitives.document_warmup")

_FOLDER = Path(__file__).parent
_FOLDERS = {"intermezzo": str(_FOLDER.parent), "intermezzo.primitives": str(_FOLDER)}

_PROGRAM = f"""
import sys, types
for name, folder in {_FOLDERS!r}.items():
    if name not in sys.modules:
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = [folder]
from intermezzo.primitives.document_job import main
main()
"""
"""Bare packages instead of ours, where they are not preloaded: our own would load what parsing has no use for."""


async def parse_in_sandbox(
    data: bytes, mime_type: str | None, *, max_characters: int = MAX_CHARACTERS, page_url: str | None = None
) -> dict[str, object]:
    """Read a document in a process that can do nothing else.

    Args:
        data: the document.
        mime_type: what its sender says it is.
        max_characters: of its text.
        page_url: where a page of the web came from, which is HTML then, whatever else it looks like.

    Returns:
        The fields of a `DocumentParseOutput`, without the summary, as that process says; not validated.

    Raises:
        InvalidInput: it cannot be read, or not within the limits.
        SandboxError: there is no sandbox for it here.
    """
    job = Job(mime_type=mime_type, seconds=READING_SECONDS, max_characters=max_characters, page_url=page_url)
    stdin = json.dumps(job).encode() + b"\n" + data
    outcome = await parsers().run(_PROGRAM, stdin=stdin, timeout_seconds=SECONDS)
    answer = _answer(outcome)
    if "error" in answer:
        # Libraries report it as a damaged file when they are refused memory.
        if outcome.memory_peak_bytes > MEMORY_BYTES * 0.8:
            raise InvalidInput(_TOO_LARGE)
        raise InvalidInput(str(answer["error"])[:500])
    match answer.get("out_of"):
        case None:
            return answer
        case "memory":
            raise InvalidInput(_TOO_LARGE)
        case _:
            raise InvalidInput(_TOO_SLOW)


@cache
def parsers() -> Sandbox:
    """The sandbox for parsing, kept for the life of this process."""
    limits = Limits(
        timeout_seconds=SECONDS,
        memory_bytes=MEMORY_BYTES,
        output_bytes=_OUTPUT_BYTES,
        flood_bytes=2 * _OUTPUT_BYTES,
    )
    return Sandbox(limits, packages=_package_folders(), preload=_PRELOAD)


def _package_folders() -> tuple[str, ...]:
    """Where the libraries are: our own modules are preloaded, and nothing else is to be seen."""
    specs = (importlib.util.find_spec(name) for name in _LIBRARIES)
    origins = (spec.origin for spec in specs if spec is not None and spec.origin is not None)
    folders = {path.parent.parent if path.name == "__init__.py" else path.parent for path in map(Path, origins)}
    return tuple(sorted(map(str, folders)))


_TOO_LARGE = (
    f"the document takes more than {MEMORY_BYTES // 1024**2} MB of memory to read; use a smaller or simpler one"
)
_TOO_SLOW = f"the document takes more than {READING_SECONDS:g} seconds to open; use a smaller or simpler one"
_UNREADABLE = "the document cannot be read: the parser {}; save it anew with another program"


def _answer(outcome: Outcome) -> dict[str, object]:
    """What the process said; it may have been taken over by the document, so nothing of it is believed."""
    if outcome.timed_out:
        raise InvalidInput(_TOO_SLOW)
    if outcome.killed_for:
        raise InvalidInput(_UNREADABLE.format(f"was stopped for {outcome.killed_for}"))
    if outcome.exit_code == 0 and not outcome.stdout.truncated:
        try:
            answer = json.loads(outcome.stdout.data)
        except ValueError:
            answer = None
        if isinstance(answer, dict):
            return cast("dict[str, object]", answer)
    if "MemoryError" in outcome.stderr.text:
        raise InvalidInput(_TOO_LARGE)
    if "ModuleNotFoundError" in outcome.stderr.text:
        last = outcome.stderr.text.strip().rpartition("\n")[2]
        raise SandboxError(f"the document parser could not be loaded in the sandbox: {last[:300]}")
    raise InvalidInput(_UNREADABLE.format(f"has crashed (exit code {outcome.exit_code})"))
