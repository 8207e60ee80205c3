"""What an author may import, and what importing it costs."""

import subprocess
import sys

import pytest

import intermezzo


def test_the_public_names_are_sorted_and_importable() -> None:
    assert intermezzo.__all__ == sorted(intermezzo.__all__, key=lambda name: (name[0].islower(), name))
    assert len(set(intermezzo.__all__)) == len(intermezzo.__all__)
    for name in intermezzo.__all__:
        assert getattr(intermezzo, name) is not None
    assert dir(intermezzo) == intermezzo.__all__


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'labl_text'"):
        _ = intermezzo.labl_text  # pyright: ignore[reportAttributeAccessIssue] - the point


WITHOUT_PREFECT = """
import asyncio, sys
import intermezzo
assert not {"prefect", "sqlalchemy", "pydantic"} & sys.modules.keys(), "importing intermezzo alone"
from intermezzo import pii_detect
found = asyncio.run(pii_detect.fn(text="write to ann@example.org", mask=True))
assert found.count == 1, found
heavy = {"prefect", "sqlalchemy", "alembic", "psycopg"} & sys.modules.keys()
assert not heavy, heavy
"""


def test_a_primitive_works_without_importing_prefect_or_a_database() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_PREFECT], check=True, timeout=60)


WITHOUT_PREFECT_HUMAN = """
import sys
from intermezzo import label_text
label_text.parse(text="t", categories=["a", "b"])
assert "prefect" not in sys.modules
"""


def test_a_human_step_is_declared_without_importing_prefect() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_PREFECT_HUMAN], check=True, timeout=60)
