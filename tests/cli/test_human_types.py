"""`intermezzo types`: what people can be asked to do."""

import pytest

from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.steps import registered, registered_types
from tests.cli.conftest import Terminal

BUILT_IN = [name for name in registered_types() if registered(name).kind == "human"]


def test_the_list_has_every_type_with_its_family_its_price_and_its_work(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = terminal.json("types", "list")
    assert {row["name"] for row in listed} >= set(BUILT_IN)
    [label_text] = [row for row in listed if row["name"] == "label_text"]
    assert label_text == {
        "name": "label_text",
        "family": "native",
        "work": "Read the text and choose the one category that fits it best",
        "reward_credits": 2,
        "price_credits": {"1": 3, "3": 7},
    }
    monkeypatch.setenv("COLUMNS", "200")
    shown = terminal("types", "list").stdout
    assert all(f" {name} " in shown for name in BUILT_IN)


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_type_is_shown_with_its_schemas_and_an_example_that_fits_them(terminal: Terminal, name: str) -> None:
    sheet = terminal.json("types", "show", name)
    fields = sheet["input_schema"]["properties"] if sheet["input_fields"] else sheet["example"]
    assert sheet["example"].keys() <= fields.keys()
    assert AnswerSchema.of(sheet["answer_schema"]).sample()
    assert set(sheet["output_fields"]) >= sheet["answer_schema"]["properties"].keys()
    assert {"summary", "agreement", "submissions"} <= sheet["output_schema"]["properties"].keys()


def test_a_type_is_shown_to_people(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    shown = " ".join(terminal("types", "show", "categorization").stdout.split())
    for said in (
        "categorization (scale) Put the attachment into a category.",
        "2 credits to the worker per answer; with the fee 3 for 1 answer, 7 for 3 answers; wanted within 1 day.",
        "attachment_type required text | image | video | audio | website | pdf What the attachment is.",
        "categories required list of string, at least 1, at most 500 What workers choose from.",
        "allow_multiple false boolean Workers may choose several categories.",
        "category required public | private",
        "A call gives category, category_id; and summary, agreement, agreement_by_field, submissions.",
        '"category_ids": { "123": "public", "124": "private" }',
    ):
        assert said in shown


def test_a_type_that_is_not_there_or_not_for_people_is_one_line(terminal: Terminal) -> None:
    assert "known: annotation, answer_question" in terminal.error("types", "show", "labl_text", code=2)
    assert "pii_detect is an AI step" in terminal.error("types", "show", "pii_detect", code=2)
