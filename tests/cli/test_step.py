"""`intermezzo step`: one primitive, once or over a file, at once."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import COMMAND, Terminal

TEXT = json.dumps({"text": "write to ann@example.org", "mask": True})


def lines_of(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def test_a_step_prints_its_output(terminal: Terminal) -> None:
    result = terminal("step", "pii_detect", "--input", TEXT)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["redacted_text"] == "write to [EMAIL]"
    assert terminal.json("step", "pii_detect", "--input", TEXT) == json.loads(result.stdout)


def test_an_input_may_come_from_a_file_or_from_stdin(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "input.json"
    file.write_text(TEXT)
    direct = terminal.json("step", "pii_detect", "--input", TEXT)
    assert terminal.json("step", "pii_detect", "--input", f"@{file}") == direct
    assert terminal.json("step", "pii_detect", "--input", "-", input=TEXT) == direct


def test_help_lists_the_types_and_tells_all_about_one(terminal: Terminal) -> None:
    general = terminal("step", "--help")
    assert general.exit_code == 0
    assert "code_execute    Run a Python program in a sandbox." in general.stdout
    help = " ".join(terminal("step", "code_execute", "--help").stdout.split())
    assert "3 credits in a flow, free here." in help
    assert "code string, required. Python source to run." in help
    assert "timeout_seconds number, above 0, at most 30, default 10. Wall clock in seconds" in help
    assert "isolation {level, layers, missing}. What protected the machine from it." in help
    assert "entities list of EMAIL | PHONE |" in terminal("step", "pii_detect", "-h").stdout.replace("  ", " ")
    assert terminal("step", "web_research", "--help").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "missing argument TYPE, one of code_execute, data_transform"),
        (["nonsense", "--help"], "there is no step type 'nonsense'; known: code_execute"),
        (
            ["document_parse", "--input", "{}"],
            "document_parse: expected exactly one of url and content_base64, got neither",
        ),
        (["pii_detect", "--input", '{"text": "x", "entities": []}'], "at least 1 item, got []"),
        (["pii_detect"], "give either --input or --batch"),
        (["pii_detect", "--input", TEXT, "--batch", "-"], "give either --input or --batch"),
        (["pii_detect", "--input", "{"], "not JSON"),
        (["pii_detect", "--input", "[" * 100_000], "not JSON"),
        (["pii_detect", "--input", "[]"], "expected PiiDetectInput or a mapping, got list"),
        (["pii_detect", "--input", "{}"], "text: field required"),
        (
            ["pii_detect", "--input", '{"text": "x", "nonsense": 1}'],
            "nonsense: unknown field; the fields are text, entities, mask",
        ),
        (["pii_detect", "--input", "@/does/not/exist"], "cannot read '/does/not/exist'"),
        (["pii_detect", "--batch", "/does/not/exist"], "cannot read '/does/not/exist'"),
        (["pii_detect", "--batch", "-", "--concurrency", "0"], "0 is not in the range"),
        (["label_text", "--input", "{}"], "label_text is done by people"),
        (["nonsense", "--input", "{}"], "there is no step type 'nonsense'; known: code_execute"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(terminal: Terminal, arguments: list[str], said: str) -> None:
    assert said in terminal.error("step", *arguments, code=2)


def test_a_batch_answers_line_by_line_in_order(terminal: Terminal) -> None:
    batch = "\n".join(json.dumps({"text": f"{number}@example.org"}) for number in range(300))
    result = terminal("step", "pii_detect", "--batch", "-", "--concurrency", "7", input=batch)
    assert result.exit_code == 0
    lines = lines_of(result.stdout)
    assert [line["index"] for line in lines] == list(range(300))
    assert [line["output"]["entities"][0]["value"] for line in lines] == [
        f"{number}@example.org" for number in range(300)
    ]


def test_slow_inputs_do_not_change_the_order(terminal: Terminal) -> None:
    programs = [f"import time; time.sleep({pause}); print({pause})" for pause in (0.6, 0, 0.3, 0)]
    batch = "\n".join(json.dumps({"code": program}) for program in programs)
    result = terminal("step", "code_execute", "--batch", "-", input=batch)
    assert [line["output"]["stdout"] for line in lines_of(result.stdout)] == ["0.6\n", "0\n", "0.3\n", "0\n"]


def test_bad_lines_are_error_objects_and_the_batch_still_succeeds(terminal: Terminal) -> None:
    batch = b'{"text": "a"}\n{broken\n\n\xff\xfe\n[1]\n{"text": 1}\nnull\n{"text": "b"}'
    result = terminal("step", "pii_detect", "--batch", "-", input=batch)
    assert result.exit_code == 0
    lines = lines_of(result.stdout)
    assert [line["index"] for line in lines] == list(range(7))
    assert [line["ok"] for line in lines] == [True, False, False, False, False, False, True]
    assert {line["error"]["type"] for line in lines if not line["ok"]} == {"InvalidInput"}
    assert "not JSON" in lines[1]["error"]["message"]
    assert "text: " in lines[4]["error"]["message"]


def test_an_output_is_one_line_whatever_it_holds(terminal: Terminal) -> None:
    odd = "a\u2028b\x85c\nd\x1be@example.org"
    [line] = terminal(
        "step", "pii_detect", "--batch", "-", input=json.dumps({"text": odd, "mask": True})
    ).stdout.splitlines()
    assert json.loads(line)["output"]["redacted_text"].startswith("a\u2028b\x85c\nd")


def test_an_empty_batch_writes_nothing(terminal: Terminal) -> None:
    result = terminal("step", "pii_detect", "--batch", "-", input="\n\n")
    assert (result.exit_code, result.stdout) == (0, "")


def test_a_step_imports_neither_prefect_nor_a_database(environment: dict[str, str]) -> None:
    check = (
        "import sys, atexit\n"
        "from intermezzo.cli import main\n"
        "heavy = ('prefect', 'sqlalchemy', 'alembic', 'rich', 'pydantic_settings')\n"
        "atexit.register(lambda: print([module for module in heavy if module in sys.modules]))\n"
        f"sys.argv = ['intermezzo', 'step', 'pii_detect', '--json', '--input', {TEXT!r}]\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", check], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1] == "[]"


def test_a_reader_that_leaves_ends_a_batch_quietly(environment: dict[str, str]) -> None:
    batch = subprocess.Popen(
        [*COMMAND, "step", "pii_detect", "--batch", "-"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert batch.stdin is not None
    assert batch.stdout is not None
    assert batch.stderr is not None
    line = TEXT.encode() + b"\n"
    batch.stdin.write(line)
    batch.stdin.flush()
    assert json.loads(batch.stdout.readline())["index"] == 0  # results come as they are ready
    batch.stdout.close()
    batch.stdin.write(line)
    batch.stdin.flush()
    assert batch.wait(timeout=60) == 1  # although its own input has not ended
    assert batch.stderr.read() == b""
    batch.stderr.close()
    batch.stdin.close()


def test_a_reader_that_leaves_ends_a_file_quietly(environment: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "batch.jsonl"
    file.write_text(f"{TEXT}\n" * 5_000)
    batch = subprocess.Popen(
        [*COMMAND, "step", "pii_detect", "--batch", str(file)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert batch.stdout is not None
    batch.stdout.readline()
    batch.stdout.close()
    _, stderr = batch.communicate(timeout=60)
    assert (batch.returncode, stderr) == (1, b"")


def test_a_long_batch_is_not_held_in_memory(environment: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "batch.jsonl"
    line = json.dumps({"text": "x" * 20_000}) + "\n"
    with file.open("w") as out:
        out.writelines(line for _ in range(4_000))  # 80 MB
    measure = (
        "import resource, subprocess, sys\n"
        f"subprocess.run([*{COMMAND!r}, 'step', 'pii_detect', '--batch', {str(file)!r}], check=True,"
        " stdout=subprocess.DEVNULL)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    done = subprocess.run([sys.executable, "-c", measure], env=environment, capture_output=True, text=True, check=True)
    kilobytes = int(done.stdout) if sys.platform != "darwin" else int(done.stdout) // 1024
    assert kilobytes < 80_000 + os.sysconf("SC_PAGESIZE")
