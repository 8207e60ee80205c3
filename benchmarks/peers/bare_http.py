"""A bare FastAPI application: what a request costs at least that inserts one row and commits it."""

import json
import sqlite3
import threading
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, closing, nullcontext
from pathlib import Path
from typing import Any

import psycopg
import uvicorn
from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from pydantic import BaseModel

from benchmarks import http_figures, postgres
from benchmarks.http_load import TASK
from benchmarks.processes import free_port
from benchmarks.sample import arguments, play, report

THREADS = 10
"""That insert at once: as many connections to PostgreSQL."""
Insert = Callable[[Sequence[tuple[str, str]]], None]


class NewTask(BaseModel):
    type: str
    input: dict[str, Any]


class NewTasks(BaseModel):
    tasks: list[NewTask]


class Answer(BaseModel):
    answer: dict[str, Any]


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--url", default="", help="of the database; of phase serve")
    parser.add_argument("--port", type=int, default=0, help="of phase serve")
    options = parser.parse_args()
    on_postgres = options.engine == "postgresql"
    if options.phase == "serve":
        insert = into_postgres(options.url) if on_postgres else into_sqlite(options.folder / "bare.db")
        uvicorn.run(application(insert), port=options.port, log_level="error", access_log=False)
        return
    with ExitStack() as stack:
        url = stack.enter_context(postgres.database() if on_postgres else nullcontext(""))
        port = free_port()
        more = ("--engine", options.engine, "--url", url, "--port", str(port))
        server = play("benchmarks.peers.bare_http", "serve", options, *more)
        stack.callback(server.wait)
        stack.callback(server.kill)
        http_figures.wait_until_ready(f"http://127.0.0.1:{port}/ready")
        whole = http_figures.part(port, {"requester": "-", "workers": ["-"] * options.n}, options.seconds)
        pids = lambda: postgres.backends(url) if on_postgres else ()  # noqa: E731
        outcome, figures = http_figures.measured(whole, server.pid, pids)
        settings = postgres.settings(url) if on_postgres else {"journal_mode": "wal", "synchronous": 2}
    settings |= {"workers": options.n, "processes": http_figures.PROCESSES, "threads": THREADS}
    done = len(outcome.milliseconds["submit"])
    report("bare FastAPI", "http", done, seconds=options.seconds, settings=settings, **figures)


def into_sqlite(path: Path) -> Insert:
    """Inserts rows and commits; the one connection takes turns, which is quicker than many that wait for the file."""
    connection, turn = sqlite3.connect(path, check_same_thread=False), threading.Lock()
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE things (id TEXT PRIMARY KEY, document TEXT NOT NULL)")

    def insert(rows: Sequence[tuple[str, str]]) -> None:
        with turn, connection:
            connection.executemany("INSERT INTO things VALUES (?, ?)", rows)

    return insert


def into_postgres(url: str) -> Insert:
    """Inserts rows and commits, each thread on a connection of its own."""
    with closing(psycopg.connect(url)) as connection, connection:
        connection.execute("CREATE TABLE things (id text PRIMARY KEY, document text NOT NULL)")
    own = threading.local()

    def insert(rows: Sequence[tuple[str, str]]) -> None:
        if not hasattr(own, "connection"):
            own.connection = psycopg.connect(url)
        with own.connection.transaction(), own.connection.cursor() as cursor:
            if len(rows) == 1:
                cursor.execute("INSERT INTO things VALUES (%s, %s)", rows[0])
            else:
                cursor.executemany("INSERT INTO things VALUES (%s, %s)", rows)

    return insert


def application(insert: Insert) -> FastAPI:
    """The same addresses as ours, and nothing behind them."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        current_default_thread_limiter().total_tokens = THREADS
        yield

    app = FastAPI(lifespan=lifespan)

    def keep(document: Mapping[str, Any]) -> str:
        made = str(uuid.uuid4())
        insert([(made, json.dumps(document))])
        return made

    @app.get("/ready")
    def ready() -> str:
        return "ok"

    @app.post("/v1/tasks", status_code=201)
    def create(new: NewTask) -> dict[str, Any]:
        return {**new.model_dump(), "id": keep(new.model_dump())}

    @app.post("/v1/tasks/batch", status_code=201)
    def create_many(new: NewTasks) -> dict[str, list[str]]:
        rows = [(str(uuid.uuid4()), json.dumps(task.model_dump())) for task in new.tasks]
        insert(rows)
        return {"task_ids": [made for made, _ in rows]}

    @app.post("/v1/worker/tasks/claim")
    def claim() -> dict[str, Any]:
        made = keep({"state": "claimed"})
        return {"assignment_id": made, "task_id": made, "task": TASK}

    @app.post("/v1/worker/tasks/{task_id}/submit")
    def submit(task_id: str, given: Answer) -> dict[str, str]:
        keep({"task_id": task_id, **given.model_dump()})
        return {"task_id": task_id, "status": "approved"}

    return app


if __name__ == "__main__":
    main()
