"""The Python examples of the documents' page, unchanged but for the import and the key (spec: CS-41, CS-45…CS-47)."""

import re
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.client.live_server import LiveServer
from tests.client.test_signatures import BODY, SECRET, signed

PAGE = Path(__file__).parent / "page_examples.txt"
"""The page's words and lines; the indentation, which its text has lost, is ours."""


def run(name: str, *, key: str = "", **names: Any) -> dict[str, Any]:
    """Run one example of the page, among these names; gives the names it leaves."""
    parts = re.split(r"^=== (.+)$\n", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    code = dict(zip(parts[::2], parts[1::2], strict=True))[name]
    code = code.replace("from crowdsourcerer import", "from intermezzo.client import").replace("csk_YOUR_KEY", key)
    exec(compile(code, name, "exec"), names)  # noqa: S102 (the documents' own code)
    return names


@pytest.fixture(autouse=True)
def addressed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples find the server by the environment."""
    if "live" in request.fixturenames:
        live: LiveServer = request.getfixturevalue("live")
        monkeypatch.setenv("INTERMEZZO_URL", live.url)


def test_the_synchronous_example(live: LiveServer, capsys: pytest.CaptureFixture[str]) -> None:
    left = run("Sync client", key=live.key())
    assert left["completed"].status == "completed"
    assert capsys.readouterr().out.endswith(f"Available: {left['balance'].available} credits\n")


def test_the_asynchronous_example(live: LiveServer, capsys: pytest.CaptureFixture[str]) -> None:
    run("Async client", key=live.key(), pending_outputs=["Paris is in France.", "Two and two make five."])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == ["completed", "completed"]


def test_the_example_of_errors(live: LiveServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("Error handling", key=live.key())["result"].status == "completed"
    assert capsys.readouterr().out == ""
    run("Error handling", key="csk_wrong")
    assert capsys.readouterr().out == "Invalid API key\n"
    run("Error handling", key=live.key("poor", credits=0))
    assert capsys.readouterr().out.startswith("Top up at")


def test_the_example_of_webhooks() -> None:
    class Delivery:
        """What the example calls `request`, as of Flask."""

        headers: ClassVar = {"X-Crowdsorcerer-Signature": signed()}

        @staticmethod
        def get_data() -> bytes:
            return BODY

    assert run("SDK helpers", request=Delivery, YOUR_SECRET=SECRET)["is_valid"] is True
    assert run("SDK helpers", request=Delivery, YOUR_SECRET="other")["is_valid"] is False
