"""Human tasks without a flow: posted, followed, waited for and cancelled by their requester."""

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from intermezzo import ledger
from intermezzo.errors import (
    DefinitionError,
    HumanTaskNotFound,
    InsufficientCredits,
    InvalidInput,
    KeyReused,
)
from intermezzo.human_steps.inbox import Inbox
from intermezzo.human_steps.requester import Requester, TaskRequest, request_of
from intermezzo.human_steps.simulated_workers import SimulatedCrowd
from intermezzo.human_steps.task_views import TaskFilter, TaskView
from intermezzo.ledger import Payer
from intermezzo.store import Store, new_id, utc_now
from intermezzo.store.tables import human_tasks

if TYPE_CHECKING:
    from collections.abc import Callable

INPUT = {"text": "The new iPhone is great!", "categories": ["positive", "negative", "neutral"]}


def label(text: str = "great", **options: Any) -> TaskRequest:
    return request_of("label_text", {**INPUT, "text": text}, options)


def grant(store: Store, payer: Payer, credits: int) -> None:
    store.write_now(lambda c: ledger.grant(c, payer, credits, subject=new_id(), at=utc_now()))


@pytest.fixture
def requester(store: Store) -> Requester:
    payer = Payer("acme")
    grant(store, payer, 1_000)
    return Requester(store, payer)


def problems(requester: Requester) -> list[str]:
    return requester.store.read_now(ledger.audit).problems


def available(requester: Requester) -> int:
    return requester.store.read_now(lambda c: ledger.balance(c, requester.payer.available))


async def answer(requester: Requester, task_id: str, category: str, *workers: str) -> None:
    inbox = Inbox(requester.store, test=requester.payer.test)
    for worker in workers:
        await inbox.claim(worker, task_id)
        await inbox.submit(worker, task_id, {"category": category})


async def test_the_quickstart_of_the_documents_costs_seven_credits(requester: Requester) -> None:
    task_id = await requester.post(
        label(assignments_required=3, consensus_strategy="majority_vote", claim_timeout_minutes=60, priority="high")
    )
    posted = await requester.get(task_id)
    assert (posted.state, posted.assignments_completed, posted.reserved_credits, posted.spent_credits) == (
        "open",
        0,
        7,
        0,
    )
    assert available(requester) == 993
    await answer(requester, task_id, "positive", "ann", "bob", "cy")
    done = await requester.get(task_id)
    assert done.outcome is not None
    assert done.outcome["summary"] == "positive (3/3 workers agree)"
    assert done.outcome["answer"] == {"category": "positive"}
    assert (done.state, done.is_closed, done.assignments_completed, done.spent_credits) == ("completed", True, 3, 7)
    assert (done.error, done.priority, done.run_id) == (None, "high", None)
    assert problems(requester) == []


async def test_what_closes_without_an_outcome_says_why_and_costs_nothing(requester: Requester) -> None:
    task_id = await requester.post(label())
    assert await requester.cancel(task_id, reason="a duplicate")
    assert not await requester.cancel(task_id)
    closed = await requester.get(task_id)
    assert (closed.state, closed.error, closed.spent_credits) == ("cancelled", "label_text: a duplicate", 0)
    assert (closed.outcome, available(requester), problems(requester)) == (None, 1_000, [])


async def test_the_same_key_and_request_are_one_task_however_often_and_at_once(requester: Requester) -> None:
    asked = [requester.post(label(), idempotency_key="order-1") for _ in range(8)]
    assert len(set(await asyncio.gather(*asked))) == 1
    assert requester.store.read_now(lambda c: c.scalar(select(func.count()).select_from(human_tasks))) == 1
    assert available(requester) == 997
    with pytest.raises(KeyReused, match="'order-1' was used for another request"):
        await requester.post(label("another"), idempotency_key="order-1")
    other = Requester(requester.store, Payer("other"))
    grant(requester.store, other.payer, 10)
    assert await other.post(label("another"), idempotency_key="order-1")
    with pytest.raises(ValueError, match="1 to 256 printable characters"):
        await requester.post(label(), idempotency_key="")


async def test_a_key_whose_request_failed_may_be_used_again(requester: Requester) -> None:
    poor = Requester(requester.store, Payer("poor"))
    grant(requester.store, poor.payer, 2)
    with pytest.raises(InsufficientCredits):
        await poor.post(label(), idempotency_key="order-1")
    grant(requester.store, poor.payer, 1)
    assert await poor.post(label(), idempotency_key="order-1")


async def test_a_batch_is_posted_whole_or_not_at_all(requester: Requester) -> None:
    ids = await requester.post_many([label(str(number)) for number in range(100)], idempotency_key="batch")
    assert await requester.post_many([label(str(number)) for number in range(100)], idempotency_key="batch") == ids
    assert (len(set(ids)), available(requester)) == (100, 700)
    with pytest.raises(InsufficientCredits):
        await requester.post_many([label(str(number)) for number in range(300)])
    assert (available(requester), problems(requester)) == (700, [])
    assert await requester.post_many([]) == []


async def test_tasks_are_listed_newest_first_page_by_page(requester: Requester) -> None:
    ids = [await requester.post(label(str(number))) for number in range(5)]
    await requester.cancel(ids[1])
    first = await requester.list(limit=2)
    rest = await requester.list(limit=10, after=first[-1].id)
    assert [view.id for view in (*first, *rest)] == ids[::-1]
    assert [view.id for view in await requester.list(TaskFilter(states=["cancelled"]))] == [ids[1]]
    assert not await requester.list(TaskFilter(types=["verify_fact"]))
    middle = (await requester.get(ids[2])).created_at
    assert [view.id for view in await requester.list(TaskFilter(created_after=middle))] == [ids[4], ids[3]]
    assert [view.id for view in await requester.list(TaskFilter(created_before=middle))] == [ids[1], ids[0]]


async def test_nobody_sees_or_touches_the_tasks_of_another_organisation(requester: Requester) -> None:
    task_id = await requester.post(label())
    strangers: list[Callable[[Requester], Any]] = [
        lambda other: other.get(task_id),
        lambda other: other.cancel(task_id),
        lambda other: other.wait(task_id, timeout_seconds=0),
        lambda other: other.list(after=task_id),
    ]
    for payer in (Payer("other"), Payer("acme", test=True)):
        other = Requester(requester.store, payer)
        for act in strangers:
            with pytest.raises(HumanTaskNotFound):
                await act(other)
        assert not await other.list()


async def test_whoever_waits_hears_of_the_end_at_once(requester: Requester) -> None:
    task_id = await requester.post(label())
    waiting = asyncio.gather(*(requester.wait(task_id, timeout_seconds=30) for _ in range(50)))
    assert (await requester.wait(task_id, timeout_seconds=0.01)).state == "open"
    await answer(requester, task_id, "neutral", "ann")
    views: list[TaskView] = await waiting
    assert {view.state for view in views} == {"completed"}
    requester.close()


async def test_test_tasks_are_answered_by_simulated_workers(store: Store) -> None:
    payer = Payer("acme", test=True)
    grant(store, payer, 10)
    requester = Requester(store, payer)
    crowd = asyncio.create_task(SimulatedCrowd(store, workers=3).serve())
    task_id = await requester.post(label(assignments_required=3, consensus_strategy="majority_vote"))
    view = await requester.wait(task_id, timeout_seconds=30)
    crowd.cancel()
    assert (view.state, view.spent_credits) == ("completed", 7)
    requester.close()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"skills": "law"}, "skills: input should be a valid array, got 'law'"),
        ({"assignment_required": 3}, "assignment_required: unknown field; the fields are key, assignments_required"),
        ({"assignments_required": "3"}, "assignments_required: input should be a valid integer, got '3'"),
        ({"assignments_required": True}, "got True"),
        ({"audience": 5}, 'audience: expected "public", "guild:ID" or a list of workers\' ids, got 5'),
        ({"auto_approve_hours": "ever"}, 'auto_approve_hours: expected a number of hours or "never", got'),
        ({"escalation": {"deadline": 3}}, "escalation.deadline: unknown field"),
    ],
)
def test_options_that_came_as_json_are_refused_by_name(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        label(**options)
    assert said in str(refused.value)


async def test_what_cannot_be_asked_of_people_is_refused(requester: Requester) -> None:
    with pytest.raises(DefinitionError, match="llm_generate is done by a function, not by people"):
        request_of("llm_generate", {})
    with pytest.raises(DefinitionError, match="no step type 'nonsense'"):
        request_of("nonsense", {})
    with pytest.raises(DefinitionError, match="assignments_required is a whole number from 1 to 20"):
        label(assignments_required=21)
    with pytest.raises(InvalidInput, match="metadata: expected at most 16,384 bytes"):
        await requester.post(request_of("label_text", INPUT, metadata={"note": "x" * 20_000}))
    with pytest.raises(InvalidInput, match="default_answer does not fit"):
        await requester.post(label(default_answer={"category": "unheard of"}))
    assert available(requester) == 1_000


async def test_metadata_and_webhook_come_back_with_the_task(requester: Requester) -> None:
    request = request_of("label_text", INPUT, webhook_url="https://example.com/hook", metadata={"order": 7})
    view = await requester.get(await requester.post(request))
    assert (view.webhook_url, view.metadata) == ("https://example.com/hook", {"order": 7})


@pytest.mark.parametrize("url", ["http://example.com/hook", "https://10.0.0.1/", "https://inside/", "hook", ""])
async def test_an_address_that_could_never_be_told_is_refused_when_the_task_is_posted(
    requester: Requester, url: str
) -> None:
    with pytest.raises(InvalidInput, match=r"^webhook_url: expected "):
        await requester.post(request_of("label_text", INPUT, webhook_url=url))
    assert await requester.list() == []
