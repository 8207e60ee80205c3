"""Prepared statements do what SQLAlchemy's own execution would, on both engines, errors included."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import psycopg
import pytest
from sqlalchemy import bindparam, event, func, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from intermezzo.store import Prepared, Store, one_of
from intermezzo.store.tables import accounts, outbox

INSERT_ACCOUNT = Prepared.insert(accounts)
INSERT_EVENT = Prepared.insert(outbox)
AT = datetime(2026, 3, 1, 12, 30, 15, 250, tzinfo=timezone(timedelta(hours=2)))


def test_rows_go_in_as_sqlalchemy_would_put_them(store: Store) -> None:
    row = {"topic": "a", "subject": "b", "run_id": "c", "actor": "d", "detail": "e", "at": AT, "pending": True}
    store.write_now(lambda c: INSERT_EVENT.run(c, [row]))
    store.write_now(lambda c: c.execute(insert(outbox), [row]))
    first, second = store.read_now(lambda c: c.execute(select(outbox).order_by(outbox.c.seq)).all())
    assert first[1:] == second[1:] == ("a", "b", "c", "d", "e", AT.astimezone(UTC), True)


def test_a_row_may_leave_out_what_can_be_null_and_nothing_else(store: Store) -> None:
    store.write_now(lambda c: INSERT_EVENT.run(c, [{"topic": "a", "subject": "b", "at": AT, "pending": False}]))
    assert store.read_now(lambda c: c.scalar(select(outbox.c.run_id))) is None
    with pytest.raises(KeyError, match="topic"):
        store.write_now(lambda c: INSERT_EVENT.run(c, [{"subject": "b", "at": AT, "pending": False}]))


def test_the_number_of_touched_rows_is_summed_over_all_parameters(store: Store) -> None:
    names = ["a", "b", "c"]
    raise_by = Prepared(
        update(accounts)
        .where(accounts.c.name == bindparam("account"), accounts.c.balance < 2)
        .values(balance=accounts.c.balance + bindparam("more"))
    )
    assert (
        store.write_now(lambda c: INSERT_ACCOUNT.run(c, [{"name": n, "balance": i} for i, n in enumerate(names)])) == 3
    )
    assert store.write_now(lambda c: raise_by.run(c, [{"account": n, "more": 5} for n in names])) == 2
    assert store.write_now(lambda c: raise_by.run(c, [{"account": "nobody", "more": 5}])) == 0


def test_the_first_row_or_none(store: Store) -> None:
    balance = Prepared(select(accounts.c.balance).where(accounts.c.name == bindparam("account")))
    store.write_now(lambda c: INSERT_ACCOUNT.run(c, [{"name": "a", "balance": 7}]))
    assert store.read_now(lambda c: balance.first(c, {"account": "a"})) == (7,)
    assert store.read_now(lambda c: balance.first(c, {"account": "b"})) is None


def test_rows_come_out_as_sqlalchemy_would_give_them(store: Store) -> None:
    rows = [{"topic": topic, "subject": "s", "at": AT, "pending": topic == "b"} for topic in "abcd"]
    store.write_now(lambda c: INSERT_EVENT.run(c, rows))
    query = select(outbox).where(one_of(outbox.c.topic, ("a", "b", "d")), outbox.c.topic != bindparam("not"))
    query = query.order_by(outbox.c.seq)
    prepared = Prepared(query)
    found = store.read_now(lambda c: prepared.all(c, {"not": "d"}))
    assert found == store.read_now(lambda c: c.execute(query, {"not": "d"}).all())
    assert [(row.topic, row.at, row.pending) for row in found] == [("a", AT, False), ("b", AT, True)]
    assert store.read_now(lambda c: prepared.all(c, {"not": "b"}))[-1].topic == "d"
    latest = Prepared(select(func.max(outbox.c.at)).where(outbox.c.topic == bindparam("of")))
    assert [store.read_now(lambda c, of=of: latest.scalar(c, {"of": of})) for of in "az"] == [AT, None]


def test_who_listens_to_sqlalchemys_statements_hears_prepared_ones(store: Store) -> None:
    heard: list[tuple[str, bool]] = []

    def hear(*told: Any) -> None:
        heard.append((told[2].split()[0], told[5]))

    event.listen(store.engine, "before_cursor_execute", hear)
    account = Prepared(select(accounts.c.balance).where(accounts.c.name == bindparam("account")))
    store.write_now(lambda c: INSERT_ACCOUNT.run(c, [{"name": name, "balance": 1} for name in "ab"]))
    store.read_now(lambda c: account.scalar(c, {"account": "a"}))
    event.remove(store.engine, "before_cursor_execute", hear)
    assert [told for told in heard if told[0] != "BEGIN"] == [("INSERT", True), ("SELECT", False)]


def test_an_error_is_sqlalchemys_own_and_does_not_show_the_parameters(store: Store) -> None:
    with pytest.raises(IntegrityError) as raised:
        store.write_now(lambda c: INSERT_ACCOUNT.run(c, [{"name": "secret", "balance": -1}]))
    assert "INSERT INTO accounts" in str(raised.value)
    assert "'secret'" not in str(raised.value.params)
    store.write_now(lambda c: INSERT_ACCOUNT.run(c, [{"name": "a", "balance": 1}]))


def test_a_lost_connection_is_told_as_one_and_the_next_transaction_gets_another(postgres_database: str) -> None:
    store = Store(postgres_database)
    add = Prepared.insert(accounts)
    kill = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with store.engine.connect() as connection:
        with psycopg.connect(postgres_database.replace("postgresql+asyncpg", "postgresql"), autocommit=True) as other:
            connection.exec_driver_sql("SELECT 1")
            other.execute(kill)
        with pytest.raises(DBAPIError) as raised:
            add.run(connection, [{"name": "a", "balance": 1}])
        assert raised.value.connection_invalidated
    assert store.write_now(lambda c: add.run(c, [{"name": "a", "balance": 1}])) == 1
    store.close()


async def test_whoever_reads_does_not_notice_that_the_database_was_restarted(postgres_database: str) -> None:
    store = Store(postgres_database)
    balance = Prepared(select(func.count()).select_from(accounts))
    # All of the threads that read have a connection of their own.
    await asyncio.gather(*(store.read(lambda c: c.exec_driver_sql("SELECT pg_sleep(0.2)")) for _ in range(8)))
    with psycopg.connect(postgres_database.replace("postgresql+asyncpg", "postgresql"), autocommit=True) as other:
        ended = other.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    assert ended is not None
    assert ended[0] >= 4
    assert await asyncio.gather(*(store.read(lambda c: balance.scalar(c, {})) for _ in range(8))) == [0] * 8
    store.close()
