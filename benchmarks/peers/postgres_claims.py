"""Bare SQL on PostgreSQL: what claiming and answering costs at least, one UPDATE … SKIP LOCKED and one UPDATE each."""

from collections.abc import Callable

import psycopg

from benchmarks import crowd, postgres
from benchmarks.sample import arguments, report

CLAIM = """
UPDATE tasks SET state = 'claimed', worker = %s WHERE id = (
    SELECT id FROM tasks WHERE state = 'open' ORDER BY created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING id
"""
ANSWER = "UPDATE tasks SET state = 'completed', answer = %s WHERE id = %s"


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--processes", type=int, default=50)
    options = parser.parse_args()
    each = options.n // options.processes
    n = each * options.processes
    with postgres.database() as url:
        crowd.apart(lambda: fill(url, n))
        seconds, claimed = crowd.together(lambda number: worker(url, f"worker {number}", each), options.processes)
        if len({id for mine in claimed for id in mine}) != n:
            raise RuntimeError("a task was claimed twice")
        settings = {**postgres.settings(url), "processes": options.processes}
    report("bare SQL", "claiming", n, seconds=seconds, settings=settings, per_second=n / seconds)


def fill(url: str, n: int) -> None:
    """A table of open tasks with the index of its queue."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "CREATE TABLE tasks (id bigint PRIMARY KEY, state text NOT NULL, worker text, answer text,"
            " created_at timestamptz NOT NULL)"
        )
        connection.execute("CREATE INDEX queue ON tasks (created_at, id) WHERE state = 'open'")
        connection.execute("INSERT INTO tasks SELECT i, 'open', NULL, NULL, now() FROM generate_series(1, %s) i", [n])


def worker(url: str, name: str, count: int) -> Callable[[], list[int]]:
    """A connected worker, ready to claim and answer so many tasks."""
    connection = psycopg.connect(url, autocommit=True)

    def work() -> list[int]:
        claimed: list[int] = []
        for _ in range(count):
            row = connection.execute(CLAIM, [name]).fetchone()
            assert row is not None
            connection.execute(ANSWER, ['{"category": "good"}', row[0]])
            claimed.append(row[0])
        connection.close()
        return claimed

    return work


if __name__ == "__main__":
    main()
