"""The published JSON Schema of documents."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from intermezzo.pipelines.published import document_schema

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


def test_the_published_schema_is_up_to_date() -> None:
    published = json.loads((ROOT / "docs" / "pipeline.schema.json").read_text("utf-8"))
    assert published == document_schema(), "run `intermezzo pipelines schema > docs/pipeline.schema.json`"


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.stem for example in EXAMPLES])
def test_an_example_fits_the_schema(example: Path) -> None:
    validator: Any = Draft202012Validator(document_schema())
    assert list(validator.iter_errors(yaml.safe_load(example.read_text("utf-8")))) == []
