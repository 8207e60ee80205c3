"""What holds for every test: isolation; and examples in README.md, docs/ and docstrings are tests too."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser
from sybil.parsers.rest import DocTestParser

from intermezzo.settings import settings
from intermezzo.steps import registry

PREFECT_HOME = tempfile.mkdtemp(prefix="intermezzo-tests-prefect-")
atexit.register(shutil.rmtree, PREFECT_HOME, ignore_errors=True)

FOREIGN_SETTINGS = (
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_BASE_URL",
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    "GOOGLE_GEMINI_BASE_URL",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
)
OWN_TEST_SETTINGS = ("INTERMEZZO_TEST_POSTGRES_URL", "INTERMEZZO_REQUIRE_POSTGRES", "LLM_TEST_MODEL")

# At import, not in a fixture: Prefect reads its settings when it is first imported.
for name in list(os.environ):
    ours = name.startswith(("INTERMEZZO_", "LLM_")) and name not in OWN_TEST_SETTINGS
    if ours or name.startswith("PREFECT_") or name in FOREIGN_SETTINGS:
        del os.environ[name]
os.environ |= {
    "DO_NOT_TRACK": "1",
    "PREFECT_HOME": PREFECT_HOME,
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_ENABLED": "false",
}

# No deadline: how long one example takes says more about the machine than about the code.
hypothesis.settings.register_profile("intermezzo", deadline=None, print_blob=True)
hypothesis.settings.load_profile("intermezzo")


@pytest.fixture(autouse=True)
def isolated_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An `INTERMEZZO_HOME` of the test's own, and settings that are read again."""
    home = tmp_path / "home"
    monkeypatch.setenv("INTERMEZZO_HOME", str(home))
    settings.cache_clear()
    yield home
    settings.cache_clear()


@pytest.fixture
def recorded_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples that ask a language model get recorded answers."""
    monkeypatch.setenv("LLM_PROVIDER", "recorded")
    monkeypatch.setenv("LLM_RECORDED", str(Path(__file__).parent / "docs" / "recorded-answers.jsonl"))


@pytest.fixture
def types_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Step types that an example declares are there for the examples of its page only."""
    monkeypatch.setattr(registry, "_registry", dict(vars(registry)["_registry"]))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files of the longest tests first, so that no process works on one of them alone at the end."""
    long = {item.path for item in items if item.get_closest_marker("crash")}
    items.sort(key=lambda item: item.path not in long)


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), DocTestParser(), SkipParser()],
    # In a pattern `**` stands for one folder, neither none nor several.
    patterns=["README.md", "docs/*.md", "docs/*/*.md", "intermezzo/*.py", "intermezzo/*/*.py"],
    fixtures=["isolated_home", "recorded_answers", "types_of_its_own"],
).pytest()
