"""Intermezzo on PostgreSQL: many processes claim and answer human tasks as fast as they can, alone and among others."""

import statistics
from collections.abc import Callable
from contextlib import ExitStack

from benchmarks import crowd, postgres
from benchmarks.ours import queue
from benchmarks.sample import arguments, now, report
from intermezzo.human_steps import claims
from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.store import Store, utc_now

Times = tuple[list[float], list[float]]
"""Milliseconds that each claim and each answer of a process took."""

EXPERT_QUEUES = 20


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--processes", type=int, default=50)
    parser.add_argument("--others", type=int, default=100_000, help="open tasks beside those that are claimed")
    options = parser.parse_args()
    each = options.n // (2 * options.processes)
    n = each * 2 * options.processes
    with ExitStack() as stack:
        alone, among = (stack.enter_context(postgres.database()) for _ in range(2))
        for url, others in ((alone, 0), (among, options.others)):
            crowd.apart(lambda url=url, others=others: fill(url, n, others))
        seconds, claimed, answered = dict.fromkeys((alone, among), 0.0), {alone: [], among: []}, {alone: [], among: []}
        for url in (alone, among, among, alone):  # so that whatever drifts disturbs both
            took, times = crowd.together(
                lambda number, url=url: worker(url, f"worker {number}", each), options.processes
            )
            seconds[url] += took
            claimed[url] += [ms for mine, _ in times for ms in mine]
            answered[url] += [ms for _, mine in times for ms in mine]
        flaws = [
            flaw
            for url, others in ((alone, 0), (among, options.others))
            for flaw in crowd.apart(lambda url=url, others=others: look(url, n, others))
        ]
        for flaw in flaws:
            print("wrong:", flaw)
        report(
            "ours",
            "claiming",
            n,
            seconds=seconds[alone],
            settings={**postgres.settings(alone), "processes": options.processes, "others": options.others},
            per_second=n / seconds[alone],
            per_second_among_others=n / seconds[among],
            among_others_ratio=seconds[alone] / seconds[among],
            claim_median_ms=statistics.median(claimed[alone]),
            claim_median_ms_among_others=statistics.median(claimed[among]),
            answer_median_ms=statistics.median(answered[alone]),
            answer_median_ms_among_others=statistics.median(answered[among]),
            flaws=len(flaws),
        )


def fill(url: str, n: int, others: int) -> None:
    """Post what is claimed, and the others: half of them ask for skills, half are less urgent."""
    store = Store(url)
    run_id = queue.open_for_business(store)
    for number in range(EXPERT_QUEUES):
        queue.post(store, run_id, queue.for_experts(number), others // 2 // EXPERT_QUEUES, urgent=True)
    queue.post(store, run_id, queue.OPEN_TO_ALL, others - others // 2 // EXPERT_QUEUES * EXPERT_QUEUES)
    queue.post(store, run_id, queue.OPEN_TO_ALL, n, urgent=True)
    store.close()


def worker(url: str, name: str, count: int) -> Callable[[], Times]:
    """A worker in a process of their own, ready to claim and answer so many tasks."""
    store = Store(url)
    store.read_now(lambda c: c.exec_driver_sql("SELECT 1"))

    def work() -> Times:
        claimed: list[float] = []
        answered: list[float] = []
        for _ in range(count):
            began = now()
            claim = store.write_now(lambda c: claims.claim_next(c, name, test=False, at=utc_now()))
            assert claim is not None
            between = now()
            answer(store, name, claim.task_id)
            claimed.append((between - began) * 1000)
            answered.append((now() - between) * 1000)
        store.close()
        return claimed, answered

    return work


def answer(store: Store, name: str, task_id: str) -> None:
    """Validate an answer and store it, as the inbox does."""
    valid = _SCHEMA.validate(queue.ANSWER)
    store.write_now(lambda c: claims.submit(c, task_id, name, valid, at=utc_now()))


_SCHEMA = AnswerSchema.of({"type": "object", "properties": {"category": {"enum": ["good", "bad"]}}})


def look(url: str, n: int, others: int) -> list[str]:
    """What is not as it must be."""
    store = Store(url)
    flaws = queue.flaws(store, answered=n, still_open=others)
    store.close()
    return flaws


if __name__ == "__main__":
    main()
