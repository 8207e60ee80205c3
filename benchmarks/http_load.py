"""Load on an HTTP server: workers who claim and answer, and requesters who post what they claim.

It is made by a few processes of this module: each reads its part as JSON and prints what came of it. Imports nothing
but the standard library.
"""

import asyncio
import json
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from benchmarks.http_client import Connection, ConnectionLostError
from benchmarks.sample import now

TASK = {
    "type": "label_text",
    "input": {
        "text": "The new phone is great, but its battery is not what the advertisement promised.",
        "categories": ["positive", "negative", "neutral"],
        "question": "What is the sentiment?",
    },
}
"""Posted in batches: one worker answers."""
ASKED_OF_THREE = {**TASK, "assignments_required": 3, "consensus_strategy": "majority_vote"}
"""Posted one at a time."""
ANSWER = {"answer": {"category": "positive"}}

SINGLES_PER_SECOND = 5.0
"""That each process posts."""
LARGEST_BATCH = 200
LOOK_SECONDS = 0.1
"""Between two looks whether there is enough to claim, whether there is a task, and whether the server is back."""
GRACE_SECONDS = 120.0
"""For what was begun before the end."""

WELL = (200, 201, 204)
REFUSED = (409, 429)
"""What the protocol has for those who come too late, or too often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one process does."""

    host: str
    port: int
    requester: str
    """Key of whoever posts."""
    workers: Sequence[str]
    """Key of each worker."""
    ahead: int
    """Slots that are to be open for them."""
    begin_at: float
    """By the machine's clock; what is asked before is not measured."""
    end_at: float
    """From then on nothing is begun; SIGTERM ends it sooner."""
    outlives: bool = False
    """The server may be killed meanwhile: whoever got no answer asks again."""


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What came of it."""

    milliseconds: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    """How long each took that was asked and answered well in time: `claim`, `submit`, `create`, `batch` and others."""
    answers: dict[str, int] = field(default_factory=dict[str, int])
    """How many there were of each kind, such as `claim 200`, from the first to the last."""
    lost: int = 0
    """Requests without an answer, because the server was killed."""
    posted: list[str] = field(default_factory=list)
    """Ids of the tasks of which the server has said that they are posted."""
    claimed: list[str] = field(default_factory=list)
    """Ids of the assignments of which it has said that they are claimed."""
    answered: list[str] = field(default_factory=list)
    """Tasks of the answers of which it has said that they are stored; one of three workers is here three times."""
    cpu_seconds: float = 0.0

    def count(self, *statuses: int) -> int:
        """How many answers had one of these statuses."""
        return sum(count for kind, count in self.answers.items() if int(kind.rpartition(" ")[2]) in statuses)

    @property
    def errors(self) -> int:
        """How many answers were neither good nor a refusal."""
        return sum(self.answers.values()) - self.count(*WELL, *REFUSED)

    @classmethod
    def together(cls, outcomes: "Sequence[Outcome]") -> "Outcome":
        """What came of several parts."""
        whole = cls()
        for one in outcomes:
            for what, milliseconds in one.milliseconds.items():
                whole.milliseconds.setdefault(what, []).extend(milliseconds)
            for kind, count in one.answers.items():
                whole.answers[kind] = whole.answers.get(kind, 0) + count
            whole.lost += one.lost
            whole.posted += one.posted
            whole.claimed += one.claimed
            whole.answered += one.answered
            whole.cpu_seconds += one.cpu_seconds
        return whole


def begin(part: Part, processes: int) -> "list[subprocess.Popen[str]]":
    """Start so many processes that share a part."""
    started: list[subprocess.Popen[str]] = []
    for number in range(processes):
        command = [sys.executable, "-m", "benchmarks.http_load"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        share = replace(part, workers=part.workers[number::processes], ahead=part.ahead // processes)
        assert process.stdin
        process.stdin.write(json.dumps(asdict(share)))
        process.stdin.close()
        started.append(process)
    return started


def outcome_of(processes: "Sequence[subprocess.Popen[str]]") -> Outcome:
    """Wait for them all.

    Raises:
        RuntimeError: one failed.
    """
    found: list[Outcome] = []
    for process in processes:
        assert process.stdout
        with process:
            said = process.stdout.read()
        if process.returncode:
            raise RuntimeError(f"a process that makes load exited with {process.returncode}")
        found.append(Outcome(**json.loads(said)))
    return Outcome.together(found)


class Load:
    """One process's part, as it is done."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.outcome = Outcome()
        self._name = uuid.uuid4().hex
        self._ended = False
        self._open_slots = 0
        """Posted and claimed by nobody, as if each process had tasks of its own."""

    async def run(self) -> Outcome:
        """Do it.

        Raises:
            TimeoutError: the server no longer answers.
        """
        async with asyncio.timeout(self.part.end_at + GRACE_SECONDS - now()), asyncio.TaskGroup() as group:
            group.create_task(self._post_batches(self._connection(self.part.requester)))
            group.create_task(self._post_singly(self._connection(self.part.requester)))
            for key in self.part.workers:
                group.create_task(self._work(self._connection(key)))
        self.outcome.cpu_seconds = time.process_time()
        return self.outcome

    def _connection(self, key: str) -> Connection:
        return Connection(self.part.host, self.part.port, {"Authorization": f"Bearer {key}"})

    @property
    def _over(self) -> bool:
        return self._ended or now() >= self.part.end_at

    def end(self, *_: object) -> None:
        """Begin nothing more."""
        self._ended = True

    async def _work(self, worker: Connection) -> None:
        while not self._over:
            try:
                status, claim = await self._ask(worker, "claim", "POST", "/v1/worker/tasks/claim", {})
            except ConnectionLostError:
                await self._answer_all(worker)
                continue
            if status == 200:
                self._open_slots -= 1
                self.outcome.claimed.append(claim["assignment_id"])
                await self._answer(worker, claim["task_id"])
            else:
                await asyncio.sleep(LOOK_SECONDS)

    async def _answer_all(self, worker: Connection) -> None:
        """Answer what the worker may have claimed without hearing of it."""
        status, mine = await self._ask_again(worker, "list", "GET", "/v1/worker/tasks?mine=true")
        for task in mine["items"] if status == 200 else ():
            await self._answer(worker, task["id"])

    async def _answer(self, worker: Connection, task_id: str) -> None:
        status, _ = await self._ask_again(worker, "submit", "POST", f"/v1/worker/tasks/{task_id}/submit", ANSWER)
        if status == 200:
            self.outcome.answered.append(task_id)

    async def _post_batches(self, requester: Connection) -> None:
        number = 0
        while not self._over:
            count = min(self.part.ahead - self._open_slots, LARGEST_BATCH)
            if count > 0:
                number += 1
                batch, once = {"tasks": [TASK] * count}, {"Idempotency-Key": f"{self._name} batch {number}"}
                status, posted = await self._ask_again(requester, "batch", "POST", "/v1/tasks/batch", batch, once)
                if status == 201:
                    self.outcome.posted += posted["task_ids"]
                    self._open_slots += count
            else:
                await asyncio.sleep(LOOK_SECONDS)

    async def _post_singly(self, requester: Connection) -> None:
        number = 0
        while not self._over:
            number += 1
            once = {"Idempotency-Key": f"{self._name} single {number}"}
            status, task = await self._ask_again(requester, "create", "POST", "/v1/tasks", ASKED_OF_THREE, once)
            if status == 201:
                self.outcome.posted.append(task["id"])
                self._open_slots += 3
            await asyncio.sleep(1 / SINGLES_PER_SECOND)

    async def _ask_again(self, connection: Connection, what: str, *request: Any) -> tuple[int, Any]:  # noqa: ANN401
        """Ask until there is an answer; a request is what `Connection.ask` takes."""
        while True:
            try:
                return await self._ask(connection, what, *request)
            except ConnectionLostError:
                await asyncio.sleep(LOOK_SECONDS)

    async def _ask(self, connection: Connection, what: str, *request: Any) -> tuple[int, Any]:  # noqa: ANN401
        began = now()
        try:
            status, body = await connection.ask(*request)
        except ConnectionLostError as error:
            if not self.part.outlives:
                raise RuntimeError(f"{what}: {error}") from None
            self.outcome.lost += 1
            raise
        kind = f"{what} {status}"
        self.outcome.answers[kind] = self.outcome.answers.get(kind, 0) + 1
        ended = now()
        if status in WELL and status != 204 and self.part.begin_at <= began and ended <= self.part.end_at:
            self.outcome.milliseconds.setdefault(what, []).append((ended - began) * 1000)
        return status, body


if __name__ == "__main__":
    load = Load(Part(**json.load(sys.stdin)))
    signal.signal(signal.SIGTERM, load.end)
    print(json.dumps(asdict(asyncio.run(load.run()))))
