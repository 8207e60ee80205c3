"""`intermezzo tasks attach` and `inbox attachment`: files on their way from a requester to a worker."""

from pathlib import Path

import pytest

from intermezzo.store import new_id, utc_now
from tests.cli.conftest import Terminal
from tests.desk import Desk
from tests.human_steps.sample_files import PDF

ANN = ("--worker", "ann")
ACME = ("--org", "acme")


@pytest.fixture
def task(desk: Desk) -> str:
    return desk.post(at=utc_now())


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = tmp_path / "scan.pdf"
    path.write_bytes(PDF)
    return path


def test_a_file_goes_from_the_requester_to_the_worker(
    terminal: Terminal, task: str, scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = terminal.json("tasks", "attach", task, str(scan), *ACME, "--by", "boss")
    assert (added["name"], added["size_bytes"], added["added_by"]) == ("scan.pdf", len(PDF), "boss")
    assert terminal.json("tasks", "attachments", task, *ACME) == [added]
    [shown] = terminal.json("inbox", "show", task)["attachments"]
    assert shown == added
    assert f"intermezzo inbox attachment {added['id']}" in terminal("inbox", "claim", task, *ANN).stdout
    monkeypatch.chdir(tmp_path)
    scan.unlink()
    saved = terminal.json("inbox", "attachment", added["id"], *ANN)
    assert saved["file"] == "scan.pdf"
    assert scan.read_bytes() == PDF
    assert "attached" in terminal("tasks", "show", task, *ACME).stdout
    assert "there already" in terminal.error("inbox", "attachment", added["id"], *ANN, code=2)
    out = tmp_path / "other"
    terminal("inbox", "attachment", added["id"], "--out", str(out), *ANN)
    assert out.read_bytes() == PDF


def test_an_address_is_attached_and_shown(terminal: Terminal, task: str) -> None:
    url = "https://93.184.216.34/plan?x=1"
    assert "attached The plan as" in terminal("tasks", "attach", task, "--url", url, "--name", "The plan", *ACME).stdout
    assert f"[attached] The plan <{url}>" in terminal("inbox", "show", task).stdout
    assert [one["name"] for one in terminal.json("tasks", "attachments", task, *ACME)] == ["The plan"]


def test_what_cannot_be_attached_or_opened_is_said(
    terminal: Terminal, desk: Desk, task: str, scan: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    page.write_text("<b>")
    attach = ("tasks", "attach", task)
    assert "ends in pdf, png" in terminal.error(*attach, str(page), *ACME, code=2)
    assert "either FILE or --url" in terminal.error(*attach, *ACME, code=2)
    assert "either FILE or --url" in terminal.error(*attach, str(scan), "--url", "https://x.example", *ACME, code=2)
    assert "public address" in terminal.error(*attach, "--url", "http://127.0.0.1/", *ACME, code=2)
    assert "no human task" in terminal.error(*attach, str(scan), "--org", "rival", code=2)
    assert "no human task" in terminal.error("tasks", "attachments", new_id(), *ACME, code=2)
    assert "no attachment" in terminal.error("inbox", "attachment", new_id(), *ANN, code=2)
    assert "does not exist" in terminal.error(*attach, str(tmp_path / "none"), *ACME, code=2)
    assert terminal("tasks", "attachments", task, *ACME).stdout == "Nothing is attached.\n"
    desk.cancel(task)
    assert "is cancelled" in terminal.error(*attach, str(scan), *ACME, code=2)
