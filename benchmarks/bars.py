"""The bars of the project, as functions of the measured figures."""

from collections.abc import Iterable

from benchmarks.plan import ENGINES, PRESIDIO_CONTEXTS, Bar, Figures, Sizes


class NotMeasuredError(LookupError):
    """A bar needs a figure that this run does not have."""


def bars(sizes: Sizes) -> list[Bar]:
    """Every bar for runs of these sizes."""
    return [
        *_calls(sizes),
        *_replay(sizes),
        *_resume(sizes),
        *_waiting(sizes),
        *_growth(sizes),
        *_pii(sizes),
        *_sandbox(sizes),
        *_queue(sizes),
        *_http(sizes),
    ]


def _figure(figures: Figures, name: str, key: str = "ms_per_item") -> float:
    try:
        return figures[name][key]
    except KeyError:
        raise NotMeasuredError(f"{key} of {name}") from None


def _fastest(figures: Figures, names: Iterable[str]) -> float:
    """The best of a peer's settings, so that none of them is chosen to its disadvantage."""
    return min(_figure(figures, name) for name in names)


def _langgraph(figures: Figures, what: str, n: int) -> float:
    return _fastest(figures, (f"calls/{what}/langgraph {durability}/{n}" for durability in ("async", "sync")))


def _calls(sizes: Sizes) -> list[Bar]:
    found: list[Bar] = []
    for n in sizes.parallel:
        dbos_n = sizes.dbos_large if n > sizes.parallel[0] else n
        ours, dbos = f"calls/parallel/ours/{n}", f"calls/parallel/dbos/{dbos_n}"
        found += [
            Bar(
                case="calls",
                text=f"a call in a map of {n:,} costs less than LangGraph's, by",
                measure=lambda f, n=n, ours=ours: _langgraph(f, "parallel", n) / _figure(f, ours),
                limit=5,
                sense="at least",
                unit="×",
            ),
            Bar(
                case="calls",
                text=f"a call in a map of {n:,} costs less than DBOS's of {dbos_n:,}, by",
                measure=lambda f, dbos=dbos, ours=ours: _figure(f, dbos) / _figure(f, ours),
                limit=10,
                sense="at least",
                unit="×",
            ),
        ]
    n, ours = sizes.sequential, f"calls/sequential/ours/{sizes.sequential}"
    sequential = Bar(
        case="calls",
        text="calls awaited one after another, against LangGraph",
        measure=lambda f: _figure(f, ours) / _langgraph(f, "sequential", n),
        limit=1.5,
        sense="at most",
        unit="×",
    )
    return [*found, sequential]


def _replay(sizes: Sizes) -> list[Bar]:
    return [
        Bar(
            case="replay",
            text=f"replay of {sizes.replay:,} finished calls to the first new call",
            measure=lambda f: _figure(f, f"replay/first new call/ours/{sizes.replay}", "seconds_total"),
            limit=1,
            sense="at most",
            unit="s",
        )
    ]


def _resume(sizes: Sizes) -> list[Bar]:
    hot = f"resume/hot/ours/{sizes.hot_resumes}"
    parked = f"resume/parked/ours/{2 * sizes.parked_resumes}"
    prefect = f"resume/parked/prefect/{sizes.parked_resumes}"
    return [
        Bar(
            case="resume",
            text="hot: answer stored by another process → next line",
            measure=lambda f: _figure(f, hot, "median_ms"),
            limit=10,
            sense="at most",
            unit="ms",
        ),
        Bar(
            case="resume",
            text="parked: answer stored → next line in the warm worker",
            measure=lambda f: _figure(f, parked, "median_ms"),
            limit=300,
            sense="at most",
            unit="ms",
        ),
        Bar(
            case="resume",
            text="parked: faster than raw Prefect under a runner polling every second, by",
            measure=lambda f: _figure(f, prefect, "median_ms") / _figure(f, parked, "median_ms"),
            limit=8,
            sense="at least",
            unit="×",
        ),
    ]


def _waiting(sizes: Sizes) -> list[Bar]:
    name = f"waiting/human tasks/ours/{sizes.waiting}"
    limits = (
        ("store per waiting human task", "bytes_per_task", 3_072.0, "bytes"),
        ("processes added by a suspended run", "processes_added", 0.0, ""),
        # Idle figures of one server differ by a few tenths of a percent from one 20 s window to the next.
        ("rise of the Prefect server's idle CPU, of one core", "server_cpu_percent_rise", 1.0, "% points"),
    )
    return [
        Bar(
            case="waiting",
            text=f"{sizes.waiting:,} human tasks: {text}",
            measure=lambda f, key=key: _figure(f, name, key),
            limit=limit,
            sense="at most",
            unit=unit,
        )
        for text, key, limit, unit in limits
    ]


def _growth(sizes: Sizes) -> list[Bar]:
    first, *later = sizes.growth

    def rise(figures: Figures) -> float:
        start = _figure(figures, f"growth/map/ours/{first}")
        return (max(_figure(figures, f"growth/map/ours/{n}") for n in later) / start - 1) * 100

    text = f"time per item from {first:,} to {later[-1]:,} rises by"
    return [Bar(case="growth", text=text, measure=rise, limit=20, sense="at most", unit="%")]


def _pii(sizes: Sizes) -> list[Bar]:
    ours = f"pii/texts/ours/{sizes.pii_texts}"
    presidio = [f"pii/texts/presidio context {context}/{sizes.pii_texts}" for context in PRESIDIO_CONTEXTS]
    return [
        Bar(
            case="pii",
            text="micro-F1 of pii_detect is above Presidio's patterns, with or without context, by",
            measure=lambda f: _figure(f, ours, "f1") - max(_figure(f, name, "f1") for name in presidio),
            limit=0.03,
            sense="at least",
            unit="",
        ),
        Bar(
            case="pii",
            text="pii_detect is faster than Presidio's patterns without context, by",
            measure=lambda f: _fastest(f, presidio) / _figure(f, ours),
            limit=10,
            sense="at least",
            unit="×",
        ),
    ]


def _sandbox(sizes: Sizes) -> list[Bar]:
    name = f"sandbox/programs/ours/{sizes.programs}"
    left = {
        "descriptors": ("descriptors_left", 0.0, ""),
        "processes": ("processes_left", 0.0, ""),
        "memory": ("megabytes_left", 1.0, "MB"),
    }
    return [
        Bar(
            case="sandbox",
            text="a program in the sandbox, against a bare `python -I -c`",
            measure=lambda f: _figure(f, name, "median_ms") / _figure(f, name, "bare_median_ms"),
            limit=0.5,
            sense="at most",
            unit="×",
        ),
        Bar(
            case="sandbox",
            text="programs per second, two at a time, against bare ones, by",
            measure=lambda f: _figure(f, name, "per_second") / _figure(f, name, "bare_per_second"),
            limit=2,
            sense="at least",
            unit="×",
        ),
        *(
            Bar(
                case="sandbox",
                text=f"{what} that {sizes.programs:,} programs leave behind",
                measure=lambda f, key=key: _figure(f, name, key),
                limit=limit,
                sense="at most",
                unit=unit,
            )
            for what, (key, limit, unit) in left.items()
        ),
    ]


def _queue(sizes: Sizes) -> list[Bar]:
    claiming = f"queue/claim and answer/ours/{sizes.assignments}"
    shown = ("list_ms", "count_ms", "claim_ms", "claim_after_thousands_ms")
    return [
        Bar(
            case="queue",
            text=f"{sizes.assignments:,} claimed and answered by {sizes.processes} processes: what is wrong afterwards",
            measure=lambda f: _figure(f, claiming, "flaws"),
            limit=0,
            sense="at most",
            unit="",
        ),
        Bar(
            case="queue",
            text=f"claims per second among {sizes.other_tasks:,} other open tasks, against none",
            measure=lambda f: _figure(f, claiming, "among_others_ratio"),
            limit=0.9,
            sense="at least",
            unit="×",
        ),
        *(
            Bar(
                case="queue",
                text=f"{sizes.open_tasks:,} open tasks on {engine}: {key.removesuffix('_ms').replace('_', ' ')}",
                measure=lambda f, engine=engine, key=key: _figure(
                    f, f"queue/open tasks/ours {engine}/{sizes.open_tasks}", key
                ),
                limit=20,
                sense="at most",
                unit="ms",
            )
            for engine in ENGINES
            for key in shown
        ),
    ]


def _http(sizes: Sizes) -> list[Bar]:
    found: list[Bar] = []
    for engine in ENGINES:
        ours = f"http/claim and answer/ours {engine}/{sizes.workers}"
        bare = f"http/claim and answer/bare FastAPI {engine}/{sizes.workers}"
        killed = f"http/killed/ours {engine}/{sizes.workers}"
        wrong = f"{sizes.workers} workers over HTTP, {engine}"
        for what, name in ((wrong, ours), (f"{wrong}, the server killed {sizes.kills} times", killed)):
            found.append(
                Bar(
                    case="http",
                    text=f"{what}: errors, and what is wrong afterwards",
                    measure=lambda f, name=name: _figure(f, name, "errors") + _figure(f, name, "flaws"),
                    limit=0,
                    sense="at most",
                    unit="",
                )
            )
        found.append(
            Bar(
                case="http",
                text=f"{wrong}: assignments per second, against a bare FastAPI that inserts a row per request",
                measure=lambda f, ours=ours, bare=bare: _figure(f, ours, "per_second") / _figure(f, bare, "per_second"),
                limit=LEAST_OF_BARE[engine],
                sense="at least",
                unit="×",
            )
        )
    return found


LEAST_OF_BARE = {"sqlite": 0.25, "postgresql": 0.1}
"""A claimed and answered task is some 40 statements with its money and its history, in two requests."""
