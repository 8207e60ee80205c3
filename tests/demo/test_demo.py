"""The demo's documents are feedback a person would recognise, and fall apart into clear items."""

import base64

import pytest

from intermezzo import HumanTaskExpired, NoConsensus
from intermezzo.demo import documents, split_items
from intermezzo.demo.pipeline import as_vote
from intermezzo.primitives import document_parse, pii_detect


async def items_of(suffix: str) -> list[str]:
    [path] = [path for path in documents() if path.suffix == suffix]
    output = await document_parse.fn(content_base64=base64.b64encode(path.read_bytes()).decode())
    return split_items(output.text)


def test_there_is_one_document_of_each_format() -> None:
    assert [path.suffix for path in documents()] == [".txt", ".xlsx", ".docx", ".pdf"]


@pytest.mark.parametrize(
    ("suffix", "starts"),
    [
        (".pdf", ["Respondent 1:", "Respondent 2:", "Respondent 3:", "Respondent 4:"]),
        (
            ".docx",
            ["From: Helen", "From: Samuel", "From: Aiko", "2025-03-03 | J. Novak", "2025-03-04 | L. Fischer"],
        ),
        (".xlsx", ["2025-03-02 |", "2025-03-05 |", "2025-03-09 |", "2025-03-14 |"]),
        (".txt", ["[2025-03-11 18:04] Daniel", "[2025-03-12 09:15] Ingrid", "[2025-03-12 14:40] Kofi"]),
    ],
)
async def test_each_document_falls_apart_into_its_items(suffix: str, starts: list[str]) -> None:
    items = await items_of(suffix)
    assert len(items) == len(starts)
    assert all(item.startswith(start) for item, start in zip(items, starts, strict=True))


async def test_all_personal_data_in_the_documents_is_found() -> None:
    text = "\n".join([item for suffix in (".pdf", ".docx", ".xlsx", ".txt") for item in await items_of(suffix)])
    output = await pii_detect.fn(text=text, mask=True)
    types = [entity.type for entity in output.entities]
    assert {type: types.count(type) for type in types} == {
        "EMAIL": 6, "PHONE": 6, "CREDIT_CARD": 1, "IBAN": 1, "IPV4": 1,
    }  # fmt: skip
    assert output.redacted_text is not None
    assert "@" not in output.redacted_text


def test_a_block_of_lines_is_one_item_and_a_table_row_is_one_item() -> None:
    text = "\n\none\ntwo  lines\n \n\nname\treview\nAnn\tgood\nBob\tbad\n\nlast"
    assert split_items(text) == ["one two lines", "Ann | good", "Bob | bad", "last"]


def test_a_single_line_with_a_tab_is_no_table() -> None:
    assert split_items("Ann:\tgood") == ["Ann: good"]
    assert split_items("") == []


def test_three_people_who_each_say_something_else_are_shown_and_do_not_end_the_run() -> None:
    tie = NoConsensus("sentiment: tied on category")
    assert as_vote(tie) == {"category": "no majority", "agreement": 0.0, "summary": "sentiment: tied on category"}
    with pytest.raises(HumanTaskExpired):
        as_vote(HumanTaskExpired("nobody came"))
