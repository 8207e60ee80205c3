"""The baseline sandbox: whatever a program does, it ends in time and leaves nothing behind."""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

import pytest

from intermezzo.sandbox import Limits, Outcome, baseline
from intermezzo.sandbox.workdir import WorkDir

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="relies on Linux's /proc or memory limit")


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def entries(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def run(code: str, *, stdin: str = "", timeout_seconds: float = 10.0) -> Outcome:
    return await baseline.run(code.encode(), stdin=stdin.encode(), limits=Limits(timeout_seconds=timeout_seconds))


async def test_the_interpreter_is_isolated_with_a_clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    outcome = await run("import os, sys; print(sys.flags.isolated, sorted(os.environ), os.getcwd())")
    assert outcome.stdout.text.startswith("1 ['HOME', 'LC_ALL', 'PATH', 'TMPDIR']")


async def test_the_program_finds_only_itself_in_its_folder() -> None:
    assert (await run("import os; print(os.listdir())")).stdout.text == "['main.py']\n"


@linux_only
async def test_no_descriptor_of_the_orchestrator_is_inherited() -> None:
    descriptor = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(descriptor, True)  # noqa: FBT003 - positional-only
    outcome = await run("import os; print(sorted(map(int, os.listdir('/proc/self/fd')))[:4])")
    os.close(descriptor)
    assert outcome.stdout.text == "[0, 1, 2, 3]\n"


async def test_the_program_has_a_session_of_its_own() -> None:
    assert (await run("import os; print(os.getsid(0) == os.getpid())")).stdout.text == "True\n"


async def test_an_endless_loop_is_killed_when_its_time_is_over() -> None:
    started = time.monotonic()
    outcome = await run("while True: pass", timeout_seconds=0.5)
    assert outcome.timed_out
    assert outcome.exit_code == -9
    assert time.monotonic() - started < 5


async def test_a_program_that_ignores_signals_is_killed_all_the_same() -> None:
    code = "import signal, time\nfor s in (1, 2, 15): signal.signal(s, signal.SIG_IGN)\ntime.sleep(60)"
    assert (await run(code, timeout_seconds=0.5)).timed_out


async def test_a_grandchild_that_holds_stdout_does_not_hang_the_run() -> None:
    started = time.monotonic()
    outcome = await run("import os, time\nif os.fork() == 0: time.sleep(60)\nprint('done')")
    assert outcome.stdout.text == "done\n"
    assert not outcome.timed_out
    assert time.monotonic() - started < 8


async def test_a_grandchild_that_left_the_group_does_not_hang_the_run() -> None:
    started = time.monotonic()
    code = "import os, time\nif os.fork() == 0: os.setsid(); time.sleep(3); os._exit(0)\nprint('done')"
    outcome = await run(code)
    assert outcome.stdout.text == "done\n"
    assert time.monotonic() - started < 2.9


def is_running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


@linux_only
async def test_children_left_behind_are_killed() -> None:
    outcome = await run("import os, time\npid = os.fork()\nif pid == 0: time.sleep(60)\nprint(pid)")
    await asyncio.sleep(0.05)
    assert not is_running(int(outcome.stdout.text))


async def test_an_endless_writer_is_capped_while_it_writes() -> None:
    outcome = await run("while True: print('x' * 10_000)", timeout_seconds=1)
    assert outcome.timed_out
    assert outcome.stdout.truncated
    assert len(outcome.stdout.data) == Limits().output_bytes


async def test_both_streams_are_read_at_once() -> None:
    code = "import sys\nfor _ in range(50): print('o' * 5_000); print('e' * 5_000, file=sys.stderr)"
    outcome = await run(code)
    assert outcome.stdout.total_bytes == outcome.stderr.total_bytes == 50 * 5_001


async def test_output_that_is_not_utf8_is_replaced_not_refused() -> None:
    outcome = await run(r"import sys; sys.stdout.buffer.write(b'a\xff\xfe\x00b')")
    assert outcome.stdout.text == "a\ufffd\ufffd\x00b"


@linux_only
async def test_memory_beyond_the_limit_fails_in_the_program() -> None:
    outcome = await run("x = bytearray(2_000_000_000)")
    assert outcome.exit_code == 1
    assert "MemoryError" in outcome.stderr.text


async def test_a_file_beyond_the_limit_fails_in_the_program() -> None:
    outcome = await run("open('big', 'wb').write(bytes(40_000_000))")
    assert "File too large" in outcome.stderr.text


async def test_limits_cannot_be_seen_raised_by_the_program() -> None:
    code = "import resource as r\nprint(r.getrlimit(r.RLIMIT_CORE), r.getrlimit(r.RLIMIT_CPU))"
    assert (await run(code, timeout_seconds=3)).stdout.text == "(0, 0) (4, 4)\n"


async def test_a_large_stdin_that_nobody_reads_does_no_harm() -> None:
    assert (await run("print('ok')", stdin="x" * 5_000_000)).stdout.text == "ok\n"


MESSES = {
    "deep nesting": "import os\nfor _ in range(1_200):\n    os.mkdir('d' * 20)\n    os.chdir('d' * 20)",
    "forbidden folders": "import os\nos.makedirs('a/b/c')\nopen('a/b/f', 'w').close()\n"
    "os.chmod('a/b', 0)\nos.chmod('a', 0)\nos.chmod('.', 0)",
    "links out": "import os\nos.symlink('/', 'root')\nos.symlink('nowhere', 'broken')\nos.mkfifo('pipe')",
    "odd names": "import os\nos.mkdir(b'\\xff\\n')\nopen(b'\\xff\\n/\\xfe', 'w').close()\n"
    "os.mkdir('d.0')\nos.mkdir('d')\nos.mkdir('d/x')",
    "a forbidden parent": "import os\nos.chmod('..', 0)",
    "no folder": "import os, shutil\nshutil.rmtree(os.getcwd())",
}


@pytest.mark.parametrize("mess", MESSES)
async def test_the_folder_is_removed_whatever_is_in_it(mess: str, own_temporary_folder: Path) -> None:
    outcome = await run(MESSES[mess], timeout_seconds=20)
    assert outcome.exit_code == 0, outcome.stderr.text
    assert entries(own_temporary_folder) == []


def test_removing_a_folder_does_not_follow_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "keep").touch()
    folder = WorkDir.create()
    folder.fill(b"", b"")
    (folder.work / "link").symlink_to(outside)
    folder.remove()
    assert (outside / "keep").exists()
    assert not folder.path.exists()


@linux_only
async def test_a_cancelled_run_is_killed_and_cleaned_up(own_temporary_folder: Path) -> None:
    before = len(entries(Path("/proc/self/fd")))
    task = asyncio.create_task(run("import time\ntime.sleep(60)"))
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert entries(own_temporary_folder) == []
    assert len(entries(Path("/proc/self/fd"))) == before


async def test_runs_side_by_side_share_nothing() -> None:
    code = "import sys, os\nopen('own', 'w').write(sys.stdin.read())\nprint(open('own').read(), len(os.listdir()))"
    outcomes = await asyncio.gather(*(run(code, stdin=str(number)) for number in range(6)))
    assert [outcome.stdout.text for outcome in outcomes] == [f"{number} 2\n" for number in range(6)]


async def test_it_works_in_a_second_event_loop_of_another_thread() -> None:
    outcome = await asyncio.to_thread(lambda: asyncio.run(run("print(1)")))
    assert outcome.stdout.text == "1\n"


async def test_it_works_without_pidfd(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int, flags: int = 0) -> int:
        raise OSError("not on this kernel")

    monkeypatch.setattr(os, "pidfd_open", refuse, raising=False)
    outcome = await run("print(1); raise SystemExit(3)")
    assert (outcome.stdout.text, outcome.exit_code) == ("1\n", 3)


def test_limits_must_be_above_zero() -> None:
    with pytest.raises(ValueError, match="memory_bytes must be above 0, got 0"):
        Limits(memory_bytes=0)
