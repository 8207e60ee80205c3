"""Runs that are ordered are begun once, whoever dies: in Prefect, and in the memory that stands for it elsewhere."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from signal import SIGKILL
from typing import TypeVar, cast
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterIdempotencyKey,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, temporary_settings
from pydantic import JsonValue

from intermezzo import ledger
from intermezzo.errors import RunNotRetryable, RunsUnavailable
from intermezzo.flows import reconciler, run_orders, run_views
from intermezzo.flows.launching import Launcher, cancel, launch, retry
from intermezzo.flows.pipeline_requester import PipelineRequester
from intermezzo.flows.prefect_launcher import PrefectLauncher, key_of
from intermezzo.flows.reconciler import Reconciler
from intermezzo.flows.run_orders import RunOrder, new_order
from intermezzo.flows.run_views import RunFilter
from intermezzo.flows.serve import executor
from intermezzo.flows.stored_pipelines import keep
from intermezzo.human_steps.closings import Closings
from intermezzo.ledger import Payer
from intermezzo.pipelines import Plan, plan_of
from intermezzo.settings import settings
from intermezzo.store import Store, utc_now
from intermezzo.store.faults import LAUNCH_POINTS
from tests.launch_zygote import INPUT
from tests.rig import PAYER, Rig
from tests.server.memory_launcher import MemoryLauncher

pytestmark = [pytest.mark.prefect, pytest.mark.timeout(300)]

PLAN = plan_of(
    {
        "name": "shout",
        "steps": [{"id": "find", "type": "pii_detect", "input": {"text": "${ input.text }"}}],
        "output": "${ steps.find.output.count }",
    }
)
SOON_SECONDS = 60

T = TypeVar("T")


@pytest.fixture
async def pool(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> str:
    """A work pool of the test's own, and sweeps that do not wait for orders to age."""
    name = f"pool-{uuid4()}"
    monkeypatch.setenv("INTERMEZZO_WORK_POOL", name)
    monkeypatch.setenv("INTERMEZZO_RECONCILE_SECONDS", "0.2")
    monkeypatch.setattr(reconciler, "_ORDERS_AGE", timedelta(0))
    settings.cache_clear()
    return name


async def ordered(store: Store, payer: Payer = PAYER, plan: Plan = PLAN) -> RunOrder:
    """An order that nobody has launched."""
    stored = await store.write(lambda c: keep(c, payer, plan, at=utc_now()))
    order = new_order(payer, stored.name, stored.version, {"text": "{{ not.rendered }} ann@example.com"})
    await store.write(lambda c: run_orders.place(c, order, at=utc_now()))
    return order


async def flow_runs(rig: Rig, order: RunOrder) -> list[FlowRun]:
    """What Prefect has made of an order."""
    of_it = FlowRunFilter(idempotency_key=FlowRunFilterIdempotencyKey(any_=[key_of(order.id)]))
    return await rig.client.read_flow_runs(flow_run_filter=of_it)


async def completed(store: Store, payer: Payer, run_id: str) -> run_views.RunView:
    """The run, when it has come to its end."""
    async with asyncio.timeout(SOON_SECONDS):
        while not (view := await store.read(lambda c: run_views.find(c, payer, run_id))).is_closed:
            await asyncio.sleep(0.05)
    return view


@pytest.fixture(params=["prefect", "memory"])
async def launcher(request: pytest.FixtureRequest, rig: Rig, pool: str) -> AsyncIterator[Launcher]:
    """Each of the launchers there are."""
    if request.param == "memory":
        yield MemoryLauncher()
    else:
        async with get_client() as client:
            yield PrefectLauncher(client)


async def state(rig: Rig, launcher: Launcher, run_id: str) -> str | None:
    """State of a flow run."""
    if isinstance(launcher, MemoryLauncher):
        return launcher.states[run_id]
    return await rig.state(UUID(run_id))


async def test_an_order_is_launched_once_however_often_and_at_once(rig: Rig, launcher: Launcher) -> None:
    order = await ordered(rig.store)
    ids = await asyncio.gather(*[launch(rig.store, launcher, order.id) for _ in range(5)])
    assert set(ids) == {await launch(rig.store, launcher, order.id)}
    run_id = cast("str", ids[0])
    assert await state(rig, launcher, run_id) == "Scheduled"
    assert await rig.store.read(lambda c: run_orders.unstarted(c, before=utc_now())) == []
    view = await rig.store.read(lambda c: run_views.find(c, PAYER, run_id))
    assert (view.state, view.input, view.pipeline) == ("scheduled", order.input, "shout")


async def test_a_run_is_stopped_and_made_again(rig: Rig, launcher: Launcher) -> None:
    run_id = cast("str", await launch(rig.store, launcher, (await ordered(rig.store)).id))
    with pytest.raises(RunNotRetryable, match="expected one that has failed or was cancelled"):
        await insistently(lambda: retry(rig.store, launcher, run_id))
    for _ in range(2):
        await cancel(rig.store, launcher, run_id)
        assert await state(rig, launcher, run_id) == "Cancelled"
        assert await rig.run_state(UUID(run_id)) == "cancelled"
    await retry(rig.store, launcher, run_id)
    assert await state(rig, launcher, run_id) == "AwaitingRetry"
    assert await rig.run_state(UUID(run_id)) == "scheduled"


async def test_a_withdrawn_order_is_never_launched(rig: Rig, launcher: Launcher) -> None:
    order = await ordered(rig.store)
    assert await rig.store.write(lambda c: run_orders.withdraw(c, PAYER, order.id)) is None
    assert await launch(rig.store, launcher, order.id) is None
    begun = await ordered(rig.store)
    run_id = await launch(rig.store, launcher, begun.id)
    assert await rig.store.write(lambda c: run_orders.withdraw(c, PAYER, begun.id)) == run_id


async def test_a_flow_run_that_is_gone_is_not_made_again(rig: Rig, launcher: Launcher) -> None:
    with pytest.raises(RunNotRetryable, match="no longer known"):
        await launcher.again(str(uuid4()))


async def test_prefect_is_not_there(rig: Rig, pool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    order = await ordered(rig.store)
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        async with get_client() as client:
            with pytest.raises(RunsUnavailable, match="nothing was started"):
                await launch(rig.store, PrefectLauncher(client), order.id)
    assert await rig.store.read(lambda c: run_orders.unstarted(c, before=utc_now())) == [order.id]


async def test_a_deployment_that_somebody_deletes_is_made_again(sqlite_rig: Rig) -> None:
    launcher = PrefectLauncher(sqlite_rig.client)
    await sqlite_rig.client.delete_deployment(await launcher.prepare())
    order = await ordered(sqlite_rig.store)
    assert await launch(sqlite_rig.store, launcher, order.id)


async def test_the_input_is_not_told_to_prefect_which_would_fill_templates_in_it(rig: Rig, pool: str) -> None:
    order = await ordered(rig.store)
    run_id = cast("str", await launch(rig.store, PrefectLauncher(rig.client), order.id))
    [made] = await flow_runs(rig, order)
    assert (str(made.id), made.parameters) == (run_id, {"pipeline": "shout", "version": 1})
    async with executor():
        assert (await completed(rig.store, PAYER, run_id)).output == 1


async def insistently(act: Callable[[], Awaitable[T]]) -> T:
    """Do as clients do who are told to try again: Prefect on SQLite may be busy for long."""
    while True:
        with suppress(RunsUnavailable):
            return await act()


async def test_a_failed_run_tells_why_and_goes_on_where_it_failed(rig: Rig, pool: str) -> None:
    launcher = PrefectLauncher(rig.client)
    run_id = cast("str", await launch(rig.store, launcher, (await ordered(rig.store, POOR)).id))
    async with executor():
        view = await completed(rig.store, POOR, run_id)
        assert (view.state, view.spent_credits) == ("failed", 0)
        assert view.error is not None
        assert view.error["type"] == "InsufficientCredits"
        await rig.store.write(lambda c: ledger.grant(c, POOR, 10, subject="grant:poor", at=utc_now()))
        await insistently(lambda: retry(rig.store, launcher, run_id))
        view = await completed(rig.store, POOR, run_id)
        assert (view.state, view.output, view.error) == ("completed", 1, None)


@pytest.mark.parametrize(("when", "ended"), [(False, "completed"), ("${ input.text }", "failed")])
async def test_a_run_that_makes_no_call_is_over_at_once(
    rig: Rig, pool: str, monkeypatch: pytest.MonkeyPatch, when: JsonValue, ended: str
) -> None:
    monkeypatch.setenv("INTERMEZZO_RECONCILE_SECONDS", "600")
    settings.cache_clear()
    step: dict[str, JsonValue] = {"id": "find", "type": "pii_detect", "when": when, "input": {"text": "hi"}}
    plan = plan_of({"name": "nothing", "steps": [step]})
    run_id = cast("str", await launch(rig.store, PrefectLauncher(rig.client), (await ordered(rig.store, plan=plan)).id))
    async with executor():
        view = await completed(rig.store, PAYER, run_id)
    assert (view.state, view.steps) == (ended, [])
    assert (view.error is None) == (ended == "completed")


@pytest.mark.crash
async def test_a_run_ordered_of_a_server_that_dies_is_executed_once(
    rig: Rig, pool: str, session_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERMEZZO_LEASE_SECONDS", "3")
    settings.cache_clear()
    await rig.store.write(lambda c: keep(c, PAYER, PLAN, at=utc_now()))
    alone, again = [f"{point} alone" for point in LAUNCH_POINTS], [f"{point} again" for point in LAUNCH_POINTS]
    environment = session_environment | {
        "INTERMEZZO_DATABASE_URL": rig.store.url.render_as_string(hide_password=False),
        "INTERMEZZO_WORK_POOL": pool,
        "INTERMEZZO_LEASE_SECONDS": "3",
    }
    zygote = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.launch_zygote", *alone, *again),
        stdout=asyncio.subprocess.PIPE,
        env=environment,
        cwd=Path(__file__).parents[2],
    )
    told, _ = await zygote.communicate()
    assert json.loads(told) == [SIGKILL] * 8

    requester = PipelineRequester(
        rig.store, PAYER, launcher=PrefectLauncher(rig.client), closings=Closings(rig.store, "run.closed")
    )

    def ordering(key: str) -> Callable[[], Awaitable[str]]:
        return lambda: requester.run("shout", INPUT, idempotency_key=key)

    async with executor(), asyncio.TaskGroup() as group:
        asked = [group.create_task(insistently(ordering(key))) for key in again for _ in range(2)]
        for _ in range(2):
            group.create_task(Reconciler(rig.store).sweep())
        async with asyncio.timeout(SOON_SECONDS):
            while len(await requester.runs(RunFilter(states=["completed"]))) < 8:
                await asyncio.sleep(0.1)
    ids = [task.result() for task in asked]
    assert ids[::2] == ids[1::2]
    late = [await insistently(ordering(key)) for key in (*alone, *again)]
    assert late[4:] == ids[::2]
    assert sorted(late) == sorted(run.id for run in await requester.runs(RunFilter()))
    assert await rig.spent() == 8 * PRICE
    made = await rig.client.read_flow_runs(work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[pool])))
    assert sorted(str(run.id) for run in made) == sorted(late)


async def test_a_flow_run_of_a_withdrawn_order_is_dropped(rig: Rig, pool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    order, launcher = await ordered(rig.store), PrefectLauncher(rig.client)
    kept = await ordered(rig.store)
    for one in (order, kept):
        await launcher.create(one)
    await rig.store.write(lambda c: run_orders.withdraw(c, PAYER, order.id))
    monkeypatch.setenv("INTERMEZZO_LEASE_SECONDS", "0.01")
    settings.cache_clear()
    await asyncio.sleep(0.1)
    await Reconciler(rig.store).sweep()
    assert await flow_runs(rig, order) == []
    [begun] = await flow_runs(rig, kept)
    assert await rig.run_state(begun.id) == "scheduled"


POOR = Payer("poor")
PRICE = sum(step.step.cost.maximum for step in PLAN.steps.values())
