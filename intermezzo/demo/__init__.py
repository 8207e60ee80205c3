"""The demo's customer feedback: four documents of a made-up company, and how to cut them into items."""

from collections.abc import Iterator
from pathlib import Path


def documents() -> list[Path]:
    """The demo's documents: a survey (PDF), support e-mails (DOCX), reviews (XLSX) and a chat (TXT)."""
    return sorted(path for path in (Path(__file__).parent / "documents").iterdir() if not path.name.startswith("."))


def split_items(text: str) -> list[str]:
    """Cut a parsed document's text into feedback items.

    Args:
        text: what `document_parse` gave. A block between blank lines is one item. Of a table, a block of
            lines with tabs, the first line is the header and every other line one item.

    Returns:
        The items, each on one line, in order.
    """
    return [" ".join(item.split()) for block in _blocks(text) for item in _items(block)]


def _blocks(text: str) -> Iterator[list[str]]:
    block: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.strip():
            block.append(line)
        elif block:
            yield block
            block = []


def _items(block: list[str]) -> list[str]:
    is_table = len(block) > 1 and all("\t" in line for line in block)
    return [line.replace("\t", " | ") for line in block[1:]] if is_table else ["\n".join(block)]
