"""What is measured: the jobs of every case, and the bars that Intermezzo must hold."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

Case = Literal["calls", "replay", "resume", "waiting", "growth", "pii", "sandbox", "queue", "http"]
CASES: tuple[Case, ...] = ("calls", "replay", "resume", "waiting", "growth", "pii", "sandbox", "queue", "http")
Figures = Mapping[str, Mapping[str, float]]
"""Median of every figure of every job, by the job's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One script with its arguments, run `repeats` times; the median counts."""

    case: Case
    what: str
    """What is done, the same words for all who do it."""
    who: str
    variant: str = ""
    """A setting that is not the peer's default, or one of several."""
    module: str
    n: int
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """Settings of ours that the case needs; in the environment, because they are read once per process."""
    figure: str = "ms_per_item"
    """The key in the script's result that the table shows; its end is its unit."""
    beside: str = ""
    """A second key to show, of a figure without unit."""
    repeats: int | None = None
    """None: as often as asked for."""
    timeout_seconds: float = 1_200

    @property
    def name(self) -> str:
        """Unique name: `calls/parallel/dbos wal/2000`."""
        return f"{self.case}/{self.what}/{' '.join(filter(None, (self.who, self.variant)))}/{self.n}"

    @property
    def needs_our_environment(self) -> bool:
        """Whether it runs where Intermezzo and Prefect are installed."""
        return self.who in ("ours", "prefect")

    @property
    def needs_prefect(self) -> bool:
        """Whether it needs a Prefect server."""
        return self.needs_our_environment and self.case not in ("pii", "queue")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A promise of the project, judged on medians."""

    case: Case
    text: str
    measure: Callable[[Figures], float]
    limit: float
    sense: Literal["at least", "at most"]
    unit: str

    def holds(self, measured: float) -> bool:
        """Whether the measured value is on the right side."""
        return measured >= self.limit if self.sense == "at least" else measured <= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much of everything; `--quick` takes less."""

    parallel: tuple[int, ...] = (2_000, 20_000)
    sequential: int = 2_000
    dbos_sequential: int = 300
    dbos_large: int = 5_000
    """In place of every larger map: 20,000 did not end in 7 minutes on a busy machine (pool exhausted)."""
    prefect_parallel: int = 300
    prefect_sequential: int = 200
    replay: int = 10_000
    dbos_replay: int = 5_000
    hot_resumes: int = 20
    polled_resumes: int = 10
    parked_resumes: int = 5
    waiting: int = 10_000
    growth: tuple[int, ...] = (1_000, 10_000, 50_000)
    programs: int = 10_000
    pii_texts: int = 5_000
    """Of each set at most."""
    assignments: int = 20_000
    other_tasks: int = 100_000
    processes: int = 50
    open_tasks: int = 200_000
    claimed_before: int = 5_000
    workers: int = 100
    load_seconds: float = 60
    kills: int = 5


QUICK = Sizes(
    parallel=(1_000,),
    sequential=200,
    dbos_sequential=100,
    dbos_large=1_000,
    prefect_parallel=100,
    prefect_sequential=50,
    replay=1_000,
    dbos_replay=1_000,
    hot_resumes=5,
    polled_resumes=5,
    parked_resumes=2,
    waiting=500,
    growth=(500, 2_000),
    programs=300,
    pii_texts=100,
    assignments=400,
    other_tasks=2_000,
    processes=10,
    open_tasks=3_000,
    claimed_before=300,
    workers=20,
    load_seconds=3,
    kills=1,
)


def jobs(sizes: Sizes, pii_sets: Sequence[Path]) -> list[Job]:
    """Everything to measure, in order.

    Args:
        sizes: how much of everything.
        pii_sets: the files with the texts of the case `pii`.
    """
    runs = [*_calls(sizes), *_replay(sizes), *_resume(sizes), *_waiting(sizes), *_growth(sizes)]
    return [*runs, *_pii(sizes, pii_sets), *_sandbox(sizes), *_queue(sizes), *_http(sizes)]


def _calls(sizes: Sizes) -> list[Job]:
    found: list[Job] = []
    for n in sizes.parallel:
        parallel = ("--mode", "parallel")
        found.append(_job("calls", "parallel", "ours", "benchmarks.ours.calls", n, *parallel))
        large = n > sizes.parallel[0]
        # The peers' large maps take minutes each.
        dbos_n, repeats = (sizes.dbos_large, 1) if large else (n, None)
        for durability in ("async", "sync"):
            arguments = (*parallel, "--durability", durability)
            job = _job("calls", "parallel", "langgraph", LANGGRAPH_CALLS, n, *arguments, variant=durability)
            found.append(replace(job, repeats=repeats))
        found.append(_job("calls", "parallel", "dbos", DBOS_CALLS, dbos_n, *parallel, repeats=repeats))
        if not large:
            found.append(_job("calls", "parallel", "dbos", DBOS_CALLS, n, *parallel, "--wal", variant="wal"))
    n = sizes.prefect_parallel
    found.append(_job("calls", "parallel", "prefect", PREFECT_CALLS, n, "--mode", "parallel"))
    found.append(_job("calls", "parallel", "prefect", PREFECT_CALLS, n, "--mode", "mapped", variant=".map"))
    sequential, n = ("--mode", "sequential"), sizes.sequential
    found.append(_job("calls", "sequential", "ours", "benchmarks.ours.calls", n, *sequential))
    for durability in ("async", "sync"):
        arguments = (*sequential, "--durability", durability)
        found.append(_job("calls", "sequential", "langgraph", LANGGRAPH_CALLS, n, *arguments, variant=durability))
    found.append(_job("calls", "sequential", "dbos", DBOS_CALLS, sizes.dbos_sequential, *sequential))
    found.append(_job("calls", "sequential", "prefect", PREFECT_CALLS, sizes.prefect_sequential, *sequential))
    return found


def _replay(sizes: Sizes) -> list[Job]:
    peers = (("ours", "benchmarks.ours.replay"), ("langgraph", "benchmarks.peers.langgraph_replay"))
    seconds = "seconds_total"
    found = [_job("replay", "first new call", who, module, sizes.replay, figure=seconds) for who, module in peers]
    # Filling it takes DBOS a minute or more.
    dbos = "benchmarks.peers.dbos_replay"
    return [
        *found,
        _job("replay", "first new call", "dbos", dbos, sizes.dbos_replay, figure=seconds, repeats=1),
    ]


def _resume(sizes: Sizes) -> list[Job]:
    hot, polled, parked = sizes.hot_resumes, sizes.polled_resumes, sizes.parked_resumes
    dbos, in_process = "benchmarks.peers.dbos_resume", "benchmarks.peers.langgraph_resume"
    tuned = ("--polling-seconds", "0.01")
    median = "median_ms"
    return [
        replace(_job("resume", "hot", "ours", "benchmarks.ours.hot_resume", hot, figure=median), environment=HOT),
        _job("resume", "hot", "dbos", dbos, polled, figure=median),
        _job("resume", "hot", "dbos", dbos, hot, *tuned, figure=median, variant="polling 10 ms"),
        _job("resume", "hot", "langgraph", in_process, hot, figure=median, variant="same process"),
        replace(
            _job("resume", "parked", "ours", "benchmarks.ours.parked_resume", 2 * parked, figure=median),
            environment=PARKED,
        ),
        _job("resume", "parked", "prefect", "benchmarks.peers.prefect_resume", parked, figure=median),
    ]


def _waiting(sizes: Sizes) -> list[Job]:
    module, figure = "benchmarks.ours.waiting", "bytes_per_task"
    job = _job("waiting", "human tasks", "ours", module, sizes.waiting, figure=figure, repeats=1)
    return [replace(job, environment=PARKED)]


def _growth(sizes: Sizes) -> list[Job]:
    module = "benchmarks.ours.calls"
    return [_job("growth", "map", "ours", module, n, "--mode", "parallel") for n in sizes.growth]


def _pii(sizes: Sizes, sets: Sequence[Path]) -> list[Job]:
    n, named = sizes.pii_texts, tuple(word for path in sets for word in ("--set", str(path)))
    found = [_job("pii", "texts", "ours", "benchmarks.ours.pii", n, *named)]
    for context in PRESIDIO_CONTEXTS:
        variant = f"context {context}"
        found.append(_job("pii", "texts", "presidio", PRESIDIO_PII, n, *named, "--context", context, variant=variant))
    return [replace(job, beside="f1") for job in found]


def _sandbox(sizes: Sizes) -> list[Job]:
    module = "benchmarks.ours.sandbox"
    return [_job("sandbox", "programs", "ours", module, sizes.programs, figure="median_ms", repeats=1)]


def _queue(sizes: Sizes) -> list[Job]:
    n, processes = sizes.assignments, ("--processes", str(sizes.processes))
    others, before = ("--others", str(sizes.other_tasks)), ("--claimed", str(sizes.claimed_before))
    return [
        _job("queue", "claim and answer", "ours", "benchmarks.ours.claiming", n, *processes, *others),
        _job("queue", "claim and answer", "bare SQL", "benchmarks.peers.postgres_claims", n, *processes),
        *(
            _job(
                "queue",
                "open tasks",
                "ours",
                "benchmarks.ours.open_tasks",
                sizes.open_tasks,
                *("--engine", engine),
                *before,
                variant=engine,
                figure="claim_ms",
            )
            for engine in ENGINES
        ),
    ]


def _http(sizes: Sizes) -> list[Job]:
    found: list[Job] = []
    for engine in ENGINES:
        load = ("--engine", engine, "--seconds", str(sizes.load_seconds))
        for who, module in (("ours", SERVING), ("bare FastAPI", "benchmarks.peers.bare_http")):
            found.append(_job("http", "claim and answer", who, module, sizes.workers, *load, variant=engine))
        kills = ("--kills", str(sizes.kills))
        killed = _job("http", "killed", "ours", SERVING, sizes.workers, *load, *kills, variant=engine, repeats=1)
        found.append(killed)
    return [replace(job, beside="per_second", repeats=1) for job in found]


HOT = {"INTERMEZZO_HOT_WAIT_SECONDS": "60"}
"""Longer than the longest pause of the answering process: nothing suspends."""
PARKED = {"INTERMEZZO_HOT_WAIT_SECONDS": "0"}
"""A run that waits suspends at once."""
ENGINES = ("sqlite", "postgresql")
SERVING = "benchmarks.ours.serving"
LANGGRAPH_CALLS = "benchmarks.peers.langgraph_calls"
DBOS_CALLS = "benchmarks.peers.dbos_calls"
PREFECT_CALLS = "benchmarks.peers.prefect_calls"
PRESIDIO_PII = "benchmarks.peers.presidio_pii"
PRESIDIO_CONTEXTS = ("none", "words")


def _job(
    case: Case,
    what: str,
    who: str,
    module: str,
    n: int,
    *arguments: str,
    variant: str = "",
    figure: str = "ms_per_item",
    repeats: int | None = None,
) -> Job:
    return Job(
        case=case,
        what=what,
        who=who,
        variant=variant,
        module=module,
        n=n,
        arguments=arguments,
        figure=figure,
        repeats=repeats,
    )
