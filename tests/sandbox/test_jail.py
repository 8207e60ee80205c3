"""The levels that the kernel makes: what programs find there, what runs leave behind, what happens when one is lost."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from intermezzo.errors import SandboxError
from intermezzo.sandbox import Sandbox
from intermezzo.sandbox.jail import Jail
from intermezzo.sandbox.job import Level, Limits, Outcome
from intermezzo.settings import settings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these levels are made of Linux's kernel")

LIMITS = Limits(timeout_seconds=30.0)


@pytest.fixture(scope="module", params=["L3", "L2"])
def jail(request: pytest.FixtureRequest) -> Iterator[Jail]:
    made = Jail(request.param, LIMITS)
    yield made
    made.close()


async def run(jail: Jail, code: str, *, stdin: str = "", seconds: float = 10.0) -> Outcome:
    return await jail.run(code.encode(), stdin=stdin.encode(), limits=LIMITS.within(seconds))


async def printed(jail: Jail, code: str, *, stdin: str = "") -> str:
    outcome = await run(jail, code, stdin=stdin)
    assert outcome.exit_code == 0, outcome.stderr.text
    return outcome.stdout.text.rstrip("\n")


# --- a program finds what it would find in an interpreter of its own ------------------------------------------


async def test_a_program_reads_its_input_and_prints(jail: Jail) -> None:
    assert await printed(jail, "print(input()[::-1])", stdin="straße\n") == "eßarts"


async def test_the_standard_library_is_there(jail: Jail) -> None:
    code = "import sqlite3, ssl, zoneinfo, decimal, csv, xml.etree, asyncio, lzma, hashlib; print(sqlite3.connect(':memory:').execute('select 41 + 1').fetchone()[0])"  # noqa: E501
    assert await printed(jail, code) == "42"


async def test_files_can_be_made_in_its_folder(jail: Jail) -> None:
    code = "import os, tempfile\nopen('a', 'w').write('b')\nos.makedirs('c/d')\nwith tempfile.TemporaryFile() as t: t.write(b'x')\nprint(sorted(os.listdir()))"  # noqa: E501
    assert await printed(jail, code) == "['a', 'c']"


async def test_files_are_copied_with_their_modes_and_times(jail: Jail) -> None:
    if jail.level == "L2":
        pytest.skip("modes and times cannot be changed where the host's files are in sight")
    code = "import os, shutil\nos.mkdir('a')\nopen('a/b', 'w').close()\nprint(os.listdir(shutil.copytree('a', 'c')))"
    assert await printed(jail, code) == "['b']"


async def test_threads_and_event_loops_work(jail: Jail) -> None:
    code = """
import asyncio, concurrent.futures
async def main():
    loop = asyncio.get_running_loop()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return sum(await asyncio.gather(*(loop.run_in_executor(pool, pow, n, 2) for n in range(4))))
print(asyncio.run(main()))
"""
    assert await printed(jail, code) == "14"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("raise SystemExit", 0),
        ("raise SystemExit(3)", 3),
        ("import sys; sys.exit('no')", 1),
        ("exit(4)", 4),
        ("quit()", 0),
        ("1 / 0", 1),
        ("not python", 1),
        ("import os; os._exit(7)", 7),
        ("import os; os.kill(os.getpid(), 0)", 0),
        ("import os; os.kill(os.getpid(), 9)", -9),
        ("import os; os.abort()", -6),
        ("import signal, time; signal.alarm(1); time.sleep(9)", -14),
        ("raise KeyboardInterrupt", -2),
        ("import sys; sys.exit(1 << 70)", 255),
        ("import sys; sys.stdout.close(); sys.stderr = None", 0),
    ],
)
async def test_it_ends_as_the_interpreter_would(jail: Jail, code: str, status: int) -> None:
    assert (await run(jail, code)).exit_code == status


async def test_an_error_is_shown_with_its_line(jail: Jail) -> None:
    outcome = await run(jail, "def f():\n    return 1 / 0\nf()")
    assert 'File "main.py", line 2, in f\n    return 1 / 0' in outcome.stderr.text
    assert outcome.stderr.text.rstrip().endswith("ZeroDivisionError: division by zero")
    assert "zygote" not in outcome.stderr.text


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("if 1: 1 / 0", "    if 1: 1 / 0\n          ~~^~~\nZeroDivisionError: division by zero\n"),
        ("import threading\nthreading.Thread(target=lambda: 1 / 0).start()", "(target=lambda: 1 / 0)"),
        ("import sys\nsys.excepthook = lambda *_: print('mine', file=sys.stderr)\n1 / 0", "mine\n"),
        ("import sys\nsys.excepthook = lambda *_: [][0]\n1 / 0", "IndexError: list index out of range\n\nOriginal"),
    ],
)
async def test_errors_are_shown_as_the_interpreter_shows_them(jail: Jail, code: str, shown: str) -> None:
    text = (await run(jail, code)).stderr.text
    assert shown in text
    assert "program.py" not in text


@pytest.mark.parametrize(
    "code",
    [
        "import sys; kept = sys.stdout; sys.stdout = None; kept.write('last')",
        "import sys; sys.stdout.detach().write(b'last')",
        "file = open(1, 'w'); file.write('last')",
        "class Last:\n    def __del__(self): print('last', end='')\nkept = Last()",
    ],
)
async def test_what_it_holds_at_its_end_is_written(jail: Jail, code: str) -> None:
    assert (await run(jail, code)).stdout.text == "last"


async def test_what_it_registers_for_its_end_is_done(jail: Jail) -> None:
    assert await printed(jail, "import atexit; atexit.register(print, 'last'); print('first')") == "first\nlast"


async def test_random_numbers_differ_between_runs(jail: Jail) -> None:
    code = "import random, os, uuid; print(random.random(), os.urandom(4), uuid.uuid4())"
    assert len({await printed(jail, code) for _ in range(5)}) == 5


async def test_dataclasses_and_pickle_find_main(jail: Jail) -> None:
    code = """
import dataclasses, pickle
@dataclasses.dataclass
class A:
    x: int
print(pickle.loads(pickle.dumps(A(1))))
"""
    assert await printed(jail, code) == "A(x=1)"


async def test_its_environment_names_nothing_of_ours(jail: Jail) -> None:
    names = await printed(jail, "import os; print(*sorted(os.environ))")
    assert names == "HOME LC_ALL OPENBLAS_NUM_THREADS PATH TMPDIR"


# --- limits ------------------------------------------------------------------------------------------------------


async def test_output_is_cut_and_counted(jail: Jail) -> None:
    outcome = await run(jail, "print('x' * 3_000_000)")
    assert len(outcome.stdout.data) == LIMITS.output_bytes
    assert outcome.stdout.total_bytes == 3_000_001


async def test_its_memory_is_measured(jail: Jail) -> None:
    small, large = await run(jail, "pass"), await run(jail, "x = bytearray(100 << 20)")
    assert 1 << 20 < small.memory_peak_bytes < large.memory_peak_bytes
    assert 100 << 20 <= large.memory_peak_bytes < 200 << 20


async def test_too_many_threads_end_it_and_say_why(jail: Jail) -> None:
    code = """
import threading, time
threading.stack_size(65536)
for _ in range(100):
    threading.Thread(target=time.sleep, args=(20,)).start()
"""
    outcome = await run(jail, code)
    assert outcome.killed_for == "more than 64 threads"


async def test_endless_output_ends_it_and_says_why(jail: Jail) -> None:
    outcome = await run(jail, "import os\nwhile True: os.write(1, b'x' * 65536)")
    assert outcome.killed_for == "more than 67,108,864 bytes of output"
    assert len(outcome.stdout.data) == LIMITS.output_bytes


async def test_nothing_of_the_sandbox_is_on_its_stack_or_among_its_modules(jail: Jail) -> None:
    code = """
import inspect, sys
print([f.function for f in inspect.stack()][1:], [m for m in sys.modules if 'intermezzo' in m], sys.orig_argv)
"""
    assert await printed(jail, code) == "['_execute', 'run', '<module>'] [] ['python', 'main.py']"


# --- what a run leaves behind ----------------------------------------------------------------------------------


async def test_runs_share_nothing(jail: Jail) -> None:
    await run(jail, "import json, builtins; json.mine = builtins.mine = 1; open('mine', 'w').write('x')")
    seen = await printed(
        jail, "import json, builtins, os; print(hasattr(json, 'mine'), hasattr(builtins, 'mine'), os.listdir())"
    )
    assert seen == "False False []"


def children_of(pid: int | str) -> list[str]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [child for children in lists for child in children.read_text().split()]


def resources() -> tuple[int, int]:
    """Open descriptors, and processes started by this one and its children."""
    return len(list(Path("/proc/self/fd").iterdir())), sum(
        len(children_of(child)) for child in children_of(os.getpid())
    )


async def test_hundreds_of_runs_leak_no_descriptor_and_no_process(jail: Jail) -> None:
    async def some() -> None:
        await asyncio.gather(*(run(jail, f"print({n})") for n in range(50)))
        await asyncio.sleep(0.2)

    await some()
    before = resources()
    for _ in range(5):
        await some()
    assert resources() == before


async def test_concurrent_runs_get_their_own_answers(jail: Jail) -> None:
    outcomes = await asyncio.gather(*(printed(jail, "print(input())", stdin=str(n)) for n in range(60)))
    assert outcomes == [str(n) for n in range(60)]


def test_every_thread_and_loop_may_use_it(jail: Jail) -> None:
    def use(n: int) -> str:
        return asyncio.run(printed(jail, f"print({n})"))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(use, range(24))) == [str(n) for n in range(24)]


async def test_a_cancelled_run_is_killed_and_the_next_one_works(jail: Jail) -> None:
    runs = [asyncio.ensure_future(run(jail, "import time; time.sleep(20)")) for _ in range(6)]
    await asyncio.sleep(0.2)
    for one in runs:
        one.cancel()
    ended = await asyncio.gather(*runs, return_exceptions=True)
    assert {type(end) for end in ended} == {asyncio.CancelledError}
    assert await printed(jail, "print('on')") == "on"


async def test_callers_that_leave_at_any_moment_harm_nobody(jail: Jail) -> None:
    for moment in range(150):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(run(jail, "pass"), timeout=0.002 + moment * 0.00005)
    assert await asyncio.wait_for(printed(jail, "print('on')"), timeout=10) == "on"


# --- choosing a level ------------------------------------------------------------------------------------------


async def test_the_strongest_level_that_holds_is_taken() -> None:
    sandbox = Sandbox(LIMITS)
    outcome = await sandbox.run("print(1)", timeout_seconds=10)
    sandbox.close()
    assert outcome.isolation.level == "L3"
    assert outcome.isolation.missing == []


async def test_a_level_that_an_attack_gets_through_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    leaky = "import json, sys; json.load(sys.stdin); print(json.dumps(['read a file of the host']))"
    monkeypatch.setattr("intermezzo.sandbox.levels.ATTACKS", leaky)
    with pytest.raises(
        SandboxError, match=r"L3: a program in it could read a file of the host; L2: .*INTERMEZZO_SANDBOX"
    ):
        await Sandbox(LIMITS).run("print(1)", timeout_seconds=10)


async def test_the_baseline_is_used_only_when_the_operator_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(level: Level, *_: object, **__: object) -> Jail:
        raise SandboxError(f"no {level} here")

    monkeypatch.setattr("intermezzo.sandbox.levels.Jail", unavailable)
    with pytest.raises(SandboxError, match=r"refused: .*no L3 here.*no L2 here"):
        await Sandbox(LIMITS).run("print(1)", timeout_seconds=10)
    monkeypatch.setenv("INTERMEZZO_SANDBOX_MINIMUM", "L1")
    settings.cache_clear()
    assert (await Sandbox(LIMITS).run("print(1)", timeout_seconds=10)).isolation.level == "L1"


async def test_a_demanded_level_is_never_undercut(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Jail

    def only_l2(level: Level, limits: Limits, **options: object) -> Jail:
        if level == "L3":
            raise SandboxError("no namespaces here")
        return real(level, limits)

    monkeypatch.setattr("intermezzo.sandbox.levels.Jail", only_l2)
    with pytest.raises(SandboxError, match="level L3 or above"):
        await Sandbox(LIMITS, minimum="L3").run("print(1)", timeout_seconds=10)
    sandbox = Sandbox(LIMITS)
    assert (await sandbox.run("print(1)", timeout_seconds=10)).isolation.level == "L2"
    sandbox.close()


async def test_a_killed_zygote_is_replaced() -> None:
    before = set(children_of(os.getpid()))
    sandbox = Sandbox(LIMITS)
    await sandbox.run("print(1)", timeout_seconds=10)
    [zygote] = set(children_of(os.getpid())) - before
    running = asyncio.ensure_future(sandbox.run("import time; time.sleep(20)", timeout_seconds=30))
    await asyncio.sleep(0.2)
    os.kill(int(zygote), signal.SIGKILL)
    with pytest.raises(SandboxError, match="has ended"):
        await running
    outcome = await sandbox.run("print(2)", timeout_seconds=10)
    sandbox.close()
    assert outcome.stdout.text == "2\n"


async def test_packages_of_an_environment_may_be_imported(tmp_path: Path) -> None:
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "greeting.py").write_text("TEXT = 'hello'")
    # Also in /tmp, where a run has its own folder.
    sandbox = Sandbox(LIMITS, packages=(str(tmp_path / "packages"),), minimum="L3")
    outcome = await sandbox.run("import greeting; print(greeting.TEXT)", timeout_seconds=10)
    sandbox.close()
    assert outcome.stdout.text == "hello\n", outcome.stderr.text
