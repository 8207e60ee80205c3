"""`intermezzo run` and `serve`, as processes with a Prefect server."""

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from intermezzo import ledger
from intermezzo.ledger import Payer
from intermezzo.store import open_store, utc_now
from tests.cli.conftest import COMMAND, EXAMPLES, FLOWS, Terminal, run

pytestmark = [pytest.mark.prefect, pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def rich(isolated_home: object) -> None:
    for payer in (Payer("default"), Payer("default", test=True)):
        subject = f"grant:{payer.available}"
        open_store().write_now(lambda c, p=payer, s=subject: ledger.grant(c, p, 100, subject=s, at=utc_now()))


def outcome(done: "subprocess.CompletedProcess[bytes]") -> Any:
    assert done.returncode == 0, done.stderr.decode()
    [line] = done.stdout.splitlines()
    return json.loads(line)


def failure(done: "subprocess.CompletedProcess[bytes]", *, code: int) -> str:
    assert done.returncode == code, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    # Not simply the last line: at the end of a process Prefect may say that it is still sending events.
    [line] = [line for line in done.stderr.decode().splitlines() if line.startswith("error: ")]
    return line


def until(condition: Callable[[], Any], *, seconds: float = 60) -> object:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)
    return found


@contextmanager
def background(environment: dict[str, str], *args: str) -> Generator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen([*COMMAND, *args], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def ends(server: "subprocess.Popen[bytes]") -> tuple[int, list[str]]:
    """Wait for the end of a server; its exit code, and what it had to complain of."""
    _, stderr = server.communicate(timeout=60)
    lines = stderr.decode().splitlines()
    complaints = [line for line in lines if "Traceback" in line or line.startswith("error")]
    if complaints:
        print(stderr.decode())  # noqa: T201 (pytest shows it when the test fails)
    return server.returncode, complaints


def test_a_flow_runs_in_process_and_its_result_is_printed(online: dict[str, str]) -> None:
    done = run(online, "run", f"{FLOWS}:shouting", "-p", 'words=["a", "b"]', "--json")
    ended = outcome(done)
    assert (ended["state"], ended["result"]) == ("Completed", ["A", "B"])
    assert ended["steps"][0]["spent_credits"] == 4
    assert b"a flow may print" in done.stderr


def test_a_run_with_a_server_of_its_own_ends_with_its_log_delivered(environment: dict[str, str]) -> None:
    done = run({**environment, "INTERMEZZO_PREFECT_PORT": "1"}, "run", f"{FLOWS}:failing")
    assert "out of luck" in failure(done, code=1)
    assert b"Error logging to API" not in done.stderr


def test_simulated_workers_answer_a_test_run(online: dict[str, str], terminal: Terminal) -> None:
    ended = outcome(run(online, "run", f"{FLOWS}:asking", "--param", "text=well", "--test", "--json"))
    assert ended["result"] in ("good", "bad")
    assert terminal.json("runs", "show", ended["run_id"])["test"]
    assert terminal.json("credits", "balance")["available"] == 100


def test_the_example_of_the_readme_runs(online: dict[str, str], terminal: Terminal) -> None:
    reviews = json.dumps(["Great!", "It broke, call me at +44 20 7946 0958.", "Fine."])
    ended = outcome(
        run(online, "run", f"{EXAMPLES}/triage.py:triage", "--param", f"reviews={reviews}", "--test", "--json")
    )
    assert sum(ended["result"].values()) == 3
    assert set(ended["result"]) <= {"positive", "negative"}
    assert [step["step"] for step in ended["steps"]] == ["pii_detect", "verify", "code_execute"]
    # 3 texts of 2 credits, 3 tasks of 3 workers with a fee, 1 program of 3 credits
    assert sum(step["spent_credits"] for step in ended["steps"]) == 30
    assert terminal.json("credits", "audit")["clean"]


def test_a_budget_ends_a_run_before_it_is_overspent(online: dict[str, str], terminal: Terminal) -> None:
    words = json.dumps(list("abcde"))
    done = run(online, "run", f"{FLOWS}:shouting", "-p", f"words={words}", "--budget", "5")
    assert "BudgetExceeded" in failure(done, code=1)
    assert terminal.json("credits", "balance")["available"] == 96
    assert terminal.json("runs", "list")[0]["budget_credits"] == 5


def test_a_flow_that_raises_is_one_line(online: dict[str, str], terminal: Terminal) -> None:
    line = failure(run(online, "run", f"{FLOWS}:failing"), code=1)
    assert "is Failed: ValueError: out of luck" in line
    assert terminal.json("runs", "list")[0]["state"] == "failed"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "MODULE:FLOW"),
        (["no.such.module:flow"], "there is no module"),
        (["none.py:flow"], "there is no file"),
        ([f"{FLOWS}:none"], "cannot load"),
        ([f"{FLOWS}:not_async"], "is not async"),
        ([f"{FLOWS}:shouting"], "words: Field required"),
        ([f"{FLOWS}:shouting", "-p", "words=3"], "words: Input should be a valid list"),
        ([f"{FLOWS}:shouting", "-p", "words"], "name=value"),
        ([f"{FLOWS}:shouting", "-p", "words=[]", "-p", "words=[]"], "given twice"),
        ([f"{FLOWS}:shouting", "--wait"], "go with --deployed"),
        ([f"{FLOWS}:shouting", "--budget", "-1"], "--budget"),
    ],
)
def test_bad_input_starts_nothing(online: dict[str, str], terminal: Terminal, arguments: list[str], said: str) -> None:
    done = run(online, "run", *arguments)
    assert said in failure(done, code=2)
    assert len(done.stderr.splitlines()) == 1
    assert terminal.json("runs", "list") == []


def test_ctrl_c_ends_a_waiting_run_and_refunds_it(online: dict[str, str], terminal: Terminal) -> None:
    with background(online, "run", f"{FLOWS}:asking") as process:
        until(lambda: terminal.json("inbox", "list"))
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
    assert terminal.json("runs", "list")[0]["state"] == "cancelled"
    assert terminal.json("credits", "balance")["reserved"] == 0
    assert terminal.json("credits", "audit")["clean"]


def test_a_run_in_process_is_cancelled_from_elsewhere(online: dict[str, str], terminal: Terminal) -> None:
    with background(online, "run", f"{FLOWS}:asking", "--json") as process:
        until(lambda: terminal.json("inbox", "list"))
        run_id = terminal.json("runs", "list")[0]["id"]
        assert outcome(run(online, "runs", "cancel", run_id, "--json"))["prefect_knows"]
        assert process.wait(timeout=60) == 1
    assert terminal.json("runs", "show", run_id)["state"] == "cancelled"
    assert terminal.json("credits", "balance")["reserved"] == 0


def test_a_deployed_run_needs_a_server(environment: dict[str, str]) -> None:
    assert "intermezzo serve" in failure(run(environment, "run", f"{FLOWS}:asking", "--deployed"), code=1)
    nowhere = {**environment, "PREFECT_API_URL": "http://127.0.0.1:9/api"}
    assert "no Prefect server answers" in failure(run(nowhere, "run", f"{FLOWS}:asking"), code=1)


def test_a_suspended_run_is_cancelled_by_the_command_alone(online: dict[str, str], terminal: Terminal) -> None:
    hasty = {**online, "INTERMEZZO_HOT_WAIT_SECONDS": "0"}
    run_id = outcome(run(online, "run", f"{FLOWS}:asking", "--deployed", "--json"))["run_id"]
    with background(hasty, "serve") as server:
        until(lambda: terminal.json("runs", "show", run_id)["state"] == "suspended")
        server.send_signal(signal.SIGTERM)
        assert ends(server) == (0, [])
    assert outcome(run(online, "runs", "cancel", run_id, "--json"))["prefect_knows"]
    state = httpx.get(f"{online['PREFECT_API_URL']}/flow_runs/{run_id}").json()["state"]
    assert state["type"] == "CANCELLED"
    assert terminal.json("credits", "balance") == {
        "org": "default",
        "test": False,
        "available": 98,
        "reserved": 0,
    }
    assert terminal.json("inbox", "list") == []


def test_serve_brings_its_own_prefect_server_runs_a_flow_and_leaves_nothing(
    environment: dict[str, str], terminal: Terminal
) -> None:
    alone = {**environment, "INTERMEZZO_HOT_WAIT_SECONDS": "0", "INTERMEZZO_PREFECT_PORT": "1"}
    with background(alone, "serve", "--json") as server:
        assert server.stdout is not None
        told = json.loads(server.stdout.readline())
        assert told["pid"] == server.pid
        done = run(alone, "run", f"{FLOWS}:asking", "--deployed", "--test", "--wait")
        assert done.returncode == 0, done.stderr.decode()
        states = done.stdout.decode().splitlines()
        assert states[2].startswith(told["ui"])
        assert states[-1] == "Completed"
        [run_id] = re.findall(r"flow-run/(\S+)", states[2])
        assert terminal.json("runs", "show", run_id)["state"] == "completed"
        server.send_signal(signal.SIGINT)
        assert ends(server) == (0, [])
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{told['api']}/health")
    port = httpx.URL(told["api"]).port
    listing = subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=True).stdout
    assert f"intermezzo.flows.prefect_server {port}" not in listing


def test_serve_without_a_prefect_server_needs_one(environment: dict[str, str]) -> None:
    assert "PREFECT_API_URL" in failure(run(environment, "serve", "--no-prefect-server"), code=2)
