"""Many workers at once, in many processes: no slot is filled twice and nobody is left unpaid."""

import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from intermezzo.human_steps.open_counts import open_count
from intermezzo.store import Store, utc_now
from intermezzo.store.tables import human_tasks, outbox, responses
from tests.desk import Desk

CLAIM_ALL = """
import json, sys, uuid
from concurrent.futures import ThreadPoolExecutor
from intermezzo.human_steps import claims
from intermezzo.store import Store, utc_now

def claim_all(worker):
    store, claimed = Store(sys.argv[1]), []
    while claim := store.write_now(lambda c: claims.claim_next(c, worker, test=False, at=utc_now())):
        claimed.append(claim.task_id)
    store.close()
    return claimed

print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(4) as pool:
    print(json.dumps(list(pool.map(claim_all, sys.argv[2:]))))
"""


def claimed_by_processes(url: str, workers: list[list[str]]) -> list[list[str]]:
    """Each process claims for its workers, each of them over a connection of its own."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIM_ALL, url, *names],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for names in workers
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    claimed: list[list[str]] = []
    for process in processes:
        printed, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        claimed += json.loads(printed)
    return claimed


def test_eight_workers_in_two_processes_never_claim_the_same_slot(store: Store, store_url: str) -> None:
    desk = Desk(store)
    posted = desk.post_many(200)
    claimed = claimed_by_processes(store_url, [["w1", "w2", "w3", "w4"], ["w5", "w6", "w7", "w8"]])
    assert Counter(id for ids in claimed for id in ids) == Counter(posted)
    assert desk.problems() == []


CLAIM_AND_ANSWER = """
import sys
from intermezzo.human_steps import claims
from intermezzo.store import Store, utc_now

store, worker = Store(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
while claim := store.write_now(lambda c: claims.claim_next(c, worker, test=False, at=utc_now())):
    print(claim.task_id, flush=True)
    sys.stdin.readline()  # so that whoever is to be killed cannot be done before; the others are not kept waiting
    store.write_now(lambda c: claims.submit(c, claim.task_id, worker, {"category": "good"}, at=utc_now()))
store.close()
"""


def heard(process: "subprocess.Popen[str]") -> str:
    """The next line that a process prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def go_on(process: "subprocess.Popen[str]", times: int = 1) -> None:
    """Let a process pass where it waits."""
    assert process.stdin is not None
    process.stdin.write("go\n" * times)
    process.stdin.flush()


@pytest.mark.crash
def test_of_processes_that_are_killed_as_they_work_nothing_is_lost_or_done_twice(store: Store, store_url: str) -> None:
    desk = Desk(store)
    posted = desk.post_many(200)
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", CLAIM_AND_ANSWER, store_url, f"w{n}"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for n in range(4)
        ]
        killed, others = processes[:2], processes[2:]
        assert [heard(process) for process in processes] == ["ready"] * 4
        for process in killed:
            go_on(process)
        for process in others:
            go_on(process, 60)  # fast as they are, they leave something to those who are to be killed
        claimed: list[str] = []
        for _ in range(10):
            for process in killed:
                claimed.append(heard(process))
                go_on(process)
        for process in killed:
            process.kill()
        for process in others:
            go_on(process, 200)
        for process in processes:
            rest, _ = process.communicate(timeout=120)
            claimed += rest.split()
    assert [process.returncode for process in processes] == [-9, -9, 0, 0]
    left = desk.see(lambda c: c.scalars(select(human_tasks.c.id).where(human_tasks.c.state == "claimed")).all())
    assert len(left) <= 2
    assert len(set(claimed)) == len(claimed)

    assert desk.lapse(at=utc_now() + timedelta(hours=1)) == len(left)
    while claim := desk.take_next("late", at=utc_now()):
        desk.submit("late", claim.task_id, at=utc_now())
    answered = desk.see(lambda c: c.scalars(select(responses.c.task_id)).all())
    assert Counter(answered) == Counter(posted)
    assert {desk.state(task) for task in posted} == {"completed"}
    assert desk.see(lambda c: open_count(c, test=False)) == 0
    assert desk.problems() == []


def test_open_tasks_are_counted_right_whoever_moves_them_at_once(desk: Desk) -> None:
    stores = [Store(desk.store.url.render_as_string(hide_password=False)) for _ in range(4)]

    def post_and_claim(store: Store) -> None:
        here = Desk.__new__(Desk)
        here.store, here.payer, here.facts, here.claim = store, desk.payer, desk.facts, desk.claim
        for _ in range(10):
            here.post_many(3)
            here.take_next("ann")

    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(post_and_claim, stores))
    finally:
        for store in stores:
            store.close()
    assert desk.see(lambda c: open_count(c, test=False)) == 80


def test_one_worker_at_many_places_claims_each_task_once(desk: Desk) -> None:
    posted = [desk.post(reward=0, required=4) for _ in range(25)]
    stores = [Store(desk.store.url.render_as_string(hide_password=False)) for _ in range(4)]

    def claim_all(store: Store) -> list[str]:
        here, claimed = Desk.__new__(Desk), list[str]()
        here.store, here.payer = store, desk.payer
        while claim := here.take_next("ann"):
            claimed.append(claim.task_id)
        return claimed

    try:
        with ThreadPoolExecutor(4) as pool:
            claimed = [id for ids in pool.map(claim_all, stores) for id in ids]
    finally:
        for store in stores:
            store.close()
    assert Counter(claimed) == Counter(posted)
    assert {desk.open_slots(task) for task in posted} == {3}


def test_of_many_who_answer_the_last_slots_at_once_nobody_is_left_unpaid(desk: Desk) -> None:
    task = desk.post(required=8, strategy="majority_vote", reward=1)
    stores = [Store(desk.store.url.render_as_string(hide_password=False)) for _ in range(4)]

    def answer(n: int) -> str:
        here = Desk.__new__(Desk)
        here.store, here.payer = stores[n % 4], desk.payer
        return here.answer(f"w{n}", task)

    try:
        with ThreadPoolExecutor(8) as pool:
            states = Counter(pool.map(answer, range(8)))
    finally:
        for store in stores:
            store.close()
    assert states["completed"] == 1
    assert [desk.earned(f"w{n}") for n in range(8)] == [1] * 8
    assert desk.problems() == []
    desk.do(lambda c: c.execute(delete(outbox)))
