"""What a store promises, on both engines: grouped transactions, consistent reads, clear refusals."""

import asyncio
import threading
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, event, insert, select, update
from sqlalchemy.exc import IntegrityError

from intermezzo.errors import StoreError
from intermezzo.store import Store, open_store
from intermezzo.store.tables import accounts

SOON_SECONDS = 10


def deposit(connection: Connection, name: str, balance: int = 0) -> str:
    connection.execute(insert(accounts).values(name=name, balance=balance))
    return name


def add_one(connection: Connection, name: str) -> None:
    connection.execute(update(accounts).where(accounts.c.name == name).values(balance=accounts.c.balance + 1))


def balance_of(connection: Connection, name: str) -> int | None:
    return connection.scalar(select(accounts.c.balance).where(accounts.c.name == name))


def names_in(store: Store) -> list[str]:
    return list(store.read_now(lambda c: c.scalars(select(accounts.c.name).order_by(accounts.c.name)).all()))


@contextmanager
def busy_writer(store: Store) -> Generator[None]:
    """What is submitted inside queues up and is committed together afterwards."""
    gate, running = threading.Event(), threading.Event()

    def wait(_connection: Connection) -> None:
        running.set()
        gate.wait(SOON_SECONDS)

    blocker = store.submit(wait)
    assert running.wait(SOON_SECONDS)
    try:
        yield
    finally:
        gate.set()
        blocker.result(SOON_SECONDS)


@contextmanager
def counted_commits(store: Store) -> Generator[list[object]]:
    commits: list[object] = []

    def note(connection: Connection) -> None:
        commits.append(connection)

    event.listen(store.engine, "commit", note)
    yield commits
    event.remove(store.engine, "commit", note)


# --- transactions -------------------------------------------------------------------------------------------


def test_transactions_that_queue_up_share_one_commit(store: Store) -> None:
    with counted_commits(store) as commits:
        with busy_writer(store):
            futures = [store.submit(lambda c, n=n: deposit(c, f"a{n:03}")) for n in range(100)]
        assert [future.result(SOON_SECONDS) for future in futures] == [f"a{n:03}" for n in range(100)]
    assert len(commits) == 2  # that of the blocker, and theirs
    assert len(names_in(store)) == 100


def test_a_failing_transaction_does_not_hurt_the_others_of_its_group(store: Store) -> None:
    def fail(connection: Connection) -> None:
        deposit(connection, "half-done")
        raise LookupError("my own mistake")

    with busy_writer(store):
        before, failing = store.submit(lambda c: deposit(c, "before")), store.submit(fail)
        doubled, after = store.submit(lambda c: deposit(c, "before")), store.submit(lambda c: deposit(c, "z"))
    assert before.result(SOON_SECONDS) == "before"
    assert after.result(SOON_SECONDS) == "z"
    with pytest.raises(LookupError, match="my own mistake"):
        failing.result(SOON_SECONDS)
    with pytest.raises(IntegrityError):
        doubled.result(SOON_SECONDS)
    assert names_in(store) == ["before", "z"]


def test_a_base_exception_goes_to_whoever_asked_and_the_writer_lives_on(store: Store) -> None:
    class Stop(BaseException):
        pass

    def stop(connection: Connection) -> None:
        deposit(connection, "half-done")
        raise Stop

    with pytest.raises(Stop):
        store.write_now(stop)
    assert store.write_now(lambda c: deposit(c, "alive")) == "alive"
    assert names_in(store) == ["alive"]


def test_a_transaction_that_was_submitted_cannot_be_taken_back(store: Store) -> None:
    with busy_writer(store):
        future = store.submit(lambda c: deposit(c, "a"))
        assert not future.cancel()
    assert future.result(SOON_SECONDS) == "a"


async def test_a_caller_that_stops_waiting_does_not_stop_the_writer(store: Store) -> None:
    with busy_writer(store):
        writing = asyncio.ensure_future(store.write(lambda c: deposit(c, "left alone")))
        await asyncio.sleep(0)
        writing.cancel()
    await store.write(lambda c: deposit(c, "next"))
    assert names_in(store) == ["left alone", "next"]


def test_an_event_loop_that_closes_while_it_waits_does_not_stop_the_writer(store: Store) -> None:
    async def start() -> None:
        writing = asyncio.ensure_future(store.write(lambda c: deposit(c, "left alone")))
        await asyncio.sleep(0)
        writing.cancel()

    with busy_writer(store):
        asyncio.run(start())
    store.write_now(lambda c: deposit(c, "next"))
    assert names_in(store) == ["left alone", "next"]


async def test_a_read_sees_what_was_committed_before_it(store: Store) -> None:
    for n in range(20):
        await store.write(lambda c, n=n: deposit(c, f"a{n}", n))
        assert await store.read(lambda c, n=n: balance_of(c, f"a{n}")) == n


def test_a_read_sees_one_moment_however_many_queries_it_makes(store: Store) -> None:
    store.write_now(lambda c: deposit(c, "a"))

    def look_twice(connection: Connection) -> tuple[int | None, int | None]:
        first = balance_of(connection, "a")
        store.write_now(lambda c: add_one(c, "a"))
        return first, balance_of(connection, "a")

    assert store.read_now(look_twice) == (0, 0)
    assert store.read_now(lambda c: balance_of(c, "a")) == 1


def test_a_read_writes_nothing(store: Store) -> None:
    store.read_now(lambda _connection: None)
    store.write_now(lambda c: deposit(c, "a"))
    assert names_in(store) == ["a"]


async def test_equal_handlers_get_everybodys_items_in_one_call(store: Store) -> None:
    calls: list[list[str]] = []

    def handle(connection: Connection, items: list[str]) -> None:
        calls.append(list(items))
        connection.execute(insert(accounts), [{"name": name, "balance": 0} for name in items])

    with busy_writer(store):
        adding = [asyncio.ensure_future(store.add(handle, f"a{n}")) for n in range(5)]
        await asyncio.sleep(0)  # let each of them queue its item
    await asyncio.gather(*adding)
    assert calls == [["a0", "a1", "a2", "a3", "a4"]]
    assert names_in(store) == ["a0", "a1", "a2", "a3", "a4"]


async def test_items_are_handled_one_by_one_when_their_common_call_fails(store: Store) -> None:
    calls: list[list[str]] = []

    def handle(connection: Connection, items: list[str]) -> None:
        calls.append(list(items))
        connection.execute(insert(accounts), [{"name": name, "balance": 0} for name in items])

    with busy_writer(store):
        adding = [asyncio.ensure_future(store.add(handle, name)) for name in ("a", "b", "b", "c")]
        await asyncio.sleep(0)
    outcomes = await asyncio.gather(*adding, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), type(None), IntegrityError, type(None)]
    assert calls == [["a", "b", "b", "c"], ["a"], ["b"], ["b"], ["c"]]
    assert names_in(store) == ["a", "b", "c"]


async def test_different_handlers_are_called_apart_in_the_same_commit(store: Store) -> None:
    def left(connection: Connection, items: list[str]) -> None:
        deposit(connection, "left " + "".join(items))

    def right(connection: Connection, items: list[str]) -> None:
        deposit(connection, "right " + "".join(items))

    with counted_commits(store) as commits:
        with busy_writer(store):
            adding = [
                asyncio.ensure_future(store.add(handler, item))
                for handler, item in ((left, "1"), (right, "2"), (left, "3"))
            ]
            await asyncio.sleep(0)
        await asyncio.gather(*adding)
    assert len(commits) == 2
    assert names_in(store) == ["left 13", "right 2"]


def how_synced(connection: Connection) -> str:
    """Whether the commit of this transaction waits for the disk, as the database itself says."""
    if connection.dialect.name == "sqlite":
        return {1: "NORMAL", 2: "FULL"}[connection.exec_driver_sql("PRAGMA synchronous").scalar_one()]
    return {"off": "NORMAL", "on": "FULL"}[connection.exec_driver_sql("SHOW synchronous_commit").scalar_one()]


async def test_a_commit_waits_for_the_disk_unless_nobody_in_it_needs_that(store: Store) -> None:
    seen: list[tuple[list[str], str]] = []

    def handle(connection: Connection, items: list[str]) -> None:
        seen.append((items, how_synced(connection)))

    await store.add(handle, "synced")
    await store.add(handle, "not synced", synced=False)
    await store.write(lambda c: seen.append((["written"], how_synced(c))))
    with busy_writer(store):
        adding = [asyncio.ensure_future(store.add(handle, name, synced=name == "b")) for name in ("a", "b")]
        await asyncio.sleep(0)
    await asyncio.gather(*adding)
    assert seen == [(["synced"], "FULL"), (["not synced"], "NORMAL"), (["written"], "FULL"), (["a", "b"], "FULL")]


async def test_what_is_not_synced_is_seen_by_every_process_at_once(store: Store, store_url: str) -> None:
    def handle(connection: Connection, items: list[str]) -> None:
        for item in items:
            deposit(connection, item)

    await store.add(handle, "a", synced=False)
    other = Store(store_url)
    assert names_in(other) == ["a"]
    other.close()


def test_many_threads_and_two_event_loops_use_one_store_at_once(store: Store) -> None:
    store.write_now(lambda c: deposit(c, "sum"))

    async def write_and_read() -> None:
        async def one() -> None:
            await store.write(lambda c: add_one(c, "sum"))
            assert await store.read(lambda c: balance_of(c, "sum")) is not None

        await asyncio.gather(*(one() for _ in range(50)))

    def write() -> None:
        for _ in range(20):
            store.write_now(lambda c: add_one(c, "sum"))

    with ThreadPoolExecutor(8) as pool:
        loops = [pool.submit(asyncio.run, write_and_read()) for _ in range(2)]
        threads = [pool.submit(write) for _ in range(6)]
        for future in (*loops, *threads):
            future.result(60)
    assert store.read_now(lambda c: balance_of(c, "sum")) == 2 * 50 + 6 * 20


def test_two_stores_that_write_against_each_other_both_succeed(store: Store, store_url: str) -> None:
    """In opposite order, so that PostgreSQL finds a deadlock and undoes one of them."""
    other = Store(store_url)
    try:
        for name in ("a", "b"):
            store.write_now(lambda c, name=name: deposit(c, name))
        meeting = threading.Barrier(2)

        def both(connection: Connection, *names: str) -> None:
            for name in names:
                add_one(connection, name)
                try:
                    meeting.wait(0.3)
                except threading.BrokenBarrierError:
                    continue  # SQLite lets one in after the other; and a second try is alone

        futures = [store.submit(lambda c: both(c, "a", "b")), other.submit(lambda c: both(c, "b", "a"))]
        for future in futures:
            future.result(30)
        assert store.read_now(lambda c: [balance_of(c, "a"), balance_of(c, "b")]) == [2, 2]
    finally:
        other.close()


@pytest.mark.postgres
def test_a_write_survives_a_connection_that_was_lost_before_it(postgres_database: str) -> None:
    store = Store(postgres_database)
    try:
        store.write_now(lambda c: deposit(c, "before"))
        address = postgres_database.replace("postgresql+asyncpg", "postgresql")
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        store.write_now(lambda c: deposit(c, "after"))
        assert names_in(store) == ["after", "before"]
    finally:
        store.close()


# --- closing ------------------------------------------------------------------------------------------------


def test_closing_finishes_what_is_queued_and_refuses_what_comes_later(store_url: str) -> None:
    store = Store(store_url)
    futures = [store.submit(lambda c, n=n: deposit(c, f"a{n}")) for n in range(700)]
    store.close()
    assert all(future.done() and future.exception() is None for future in futures)
    with pytest.raises(StoreError, match="the store is closed"):
        store.submit(lambda c: deposit(c, "late"))
    with pytest.raises(StoreError, match="the store is closed"):
        store.read_now(names_of)
    store.close()  # twice does no harm
    again = Store(store_url)
    assert len(names_in(again)) == 700
    again.close()


def names_of(connection: Connection) -> Sequence[str]:
    return connection.scalars(select(accounts.c.name)).all()


async def test_a_closed_store_refuses_reads_and_added_items(store_url: str) -> None:
    store = Store(store_url)
    store.close()
    with pytest.raises(StoreError, match="the store is closed"):
        await store.add(lambda _connection, _items: None, "item")
    with pytest.raises(StoreError, match="the store is closed"):
        await store.read(names_of)
    with pytest.raises(StoreError, match="the store is closed"):
        store.subscribe(lambda _events: None)


def test_transactions_submitted_while_the_store_closes_are_done_or_refused_but_never_left_waiting(
    store_url: str,
) -> None:
    store = Store(store_url)

    def write_until_refused() -> int:
        done = 0
        while True:
            try:
                store.submit(lambda c: c.scalar(select(1))).result(SOON_SECONDS)
            except StoreError:
                return done
            done += 1

    with ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(write_until_refused) for _ in range(4)]
        time.sleep(0.05)
        store.close()
        assert all(future.result(SOON_SECONDS + 5) >= 0 for future in writing)


def test_the_process_opens_a_store_once_and_again_after_it_was_closed(store_url: str) -> None:
    store = open_store(store_url)
    assert open_store(store_url) is store
    store.close()
    again = open_store(store_url)
    assert again is not store
    again.close()


# --- opening ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "cannot be read"),
        ("intermezzo.db", "cannot be read"),
        ("postgresql://me@localhost:port/test", "cannot be read"),
        ("mysql://localhost/test", "a sqlite or postgresql URL, got 'mysql'"),
        ("sqlite:///:memory:", "must be a file"),
        ("sqlite://", "must be a file"),
        ("postgresql+asyncpg://nobody@127.0.0.1:1/test", "cannot open the store"),
        ("postgresql+asyncpg://127.0.0.1:1/test?no_such_option=1", "cannot open the store"),
    ],
)
def test_a_url_that_cannot_be_opened_is_one_clear_line(url: str, said: str) -> None:
    with pytest.raises(StoreError) as caught:
        Store(url)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["postgresql://me:s3cret@127.0.0.1:1/test", "postgresql://me:s3cret@host:port/t"])
def test_an_error_never_shows_the_password(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        Store(url)
    assert "s3cret" not in str(caught.value)


def test_a_path_that_cannot_hold_a_store_is_one_clear_line(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database, but long enough to be taken for one\n" * 100)
    for path, said in ((file, "not a database"), (tmp_path, "unable to open"), (file / "s.db", "notes.txt")):
        with pytest.raises(StoreError) as caught:
            Store(f"sqlite+aiosqlite:///{path}")
        assert said in str(caught.value)
        assert "INTERMEZZO_DATABASE_URL" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_store_makes_the_folder_it_lies_in(tmp_path: Path) -> None:
    store = Store(f"sqlite+aiosqlite:///{tmp_path}/a/b/store.db")
    store.close()
    assert (tmp_path / "a" / "b" / "store.db").exists()
