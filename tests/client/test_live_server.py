"""The client against the real server."""

import asyncio
from typing import Any

import pytest
from pydantic import JsonValue

from intermezzo.access import Access
from intermezzo.client import (
    AsyncCrowdSorcerer,
    AuthError,
    ConflictError,
    CrowdSorcerer,
    ForbiddenError,
    InsufficientCreditsError,
    InvalidRequestError,
    NotFoundError,
    RateLimitError,
    TaskError,
    WaitTimeoutError,
)
from intermezzo.settings import settings
from intermezzo.store import Store
from tests.client.live_server import LiveServer, serving

LABEL: dict[str, JsonValue] = {"text": "Great!", "categories": ["positive", "negative"]}
THREE: dict[str, Any] = {"assignments_required": 3, "consensus_strategy": "unanimous", "metadata": {"order": 7}}


def client_of(live: LiveServer, **key: Any) -> CrowdSorcerer:
    return CrowdSorcerer(live.key(**key), base_url=live.url)


def worker_of(live: LiveServer, name: str) -> CrowdSorcerer:
    key, _ = asyncio.run(Access(live.store).create_key("crowd", worker_id=name))
    return CrowdSorcerer(key, base_url=live.url)


def test_a_task_is_posted_answered_and_read(live: LiveServer) -> None:
    with client_of(live) as client:
        done = client.tasks.run("label_text", LABEL, timeout_seconds=60, **THREE)
        assert done.output is not None
        assert done.output.summary.endswith("(3/3 workers agree)")
        assert done.output.answer["category"] in ("positive", "negative")
        assert done.output.agreement_by_field == {"category": 1.0}
        assert len(done.output.raw.submissions) == 3
        assert (done.credits_used, done.metadata) == (7, {"order": 7})
        assert client.tasks.get(done.id) == done
        assert client.tasks.cancel(done.id) == done


def test_hundred_tasks_are_posted_and_awaited_at_once(live: LiveServer) -> None:
    key = live.key()

    async def main() -> list[str]:
        async with AsyncCrowdSorcerer(key, base_url=live.url) as client:
            ids = await client.tasks.create_many(
                [{"type": "label_text", "input": {**LABEL, "text": f"No. {number}"}} for number in range(100)]
            )
            done = await asyncio.gather(*[client.tasks.wait(task_id, timeout_seconds=120) for task_id in ids])
        assert [task.id for task in done] == ids
        return [task.status for task in done]

    assert asyncio.run(main()) == ["completed"] * 100


def test_lists_come_page_by_page(live: LiveServer) -> None:
    with client_of(live, test=False) as client:
        ids = [client.tasks.create("label_text", {**LABEL, "text": f"No. {number}"}).id for number in range(3)]
        first = client.tasks.list(status=["open", "assigned"], type="label_text", limit=2)
        rest = client.tasks.list(status="open", cursor=first.next_cursor, limit=2)
        assert [task.id for task in [*first.items, *rest.items]] == ids[::-1]
        assert rest.next_cursor is None
        assert client.tasks.list(created_before=rest.items[0].created_at).items == []
        with pytest.raises(InvalidRequestError, match="colour"):
            client.tasks.list(colour="red")


def test_an_idempotency_key_is_one_task(live: LiveServer) -> None:
    with client_of(live) as client:
        first, again = [client.tasks.create("label_text", LABEL, idempotency_key="order-1").id for _ in "12"]
        assert first == again
        assert client.tasks.create("label_text", LABEL).id != first
        with pytest.raises(ConflictError, match="'order-1' was used for another request"):
            client.tasks.create("label_text", LABEL, idempotency_key="order-1", priority="high")


def test_refusals_have_a_class_each(live: LiveServer) -> None:
    with client_of(live, credits=5) as client:
        with pytest.raises(InsufficientCreditsError, match="credits"):
            client.tasks.create("label_text", LABEL, assignments_required=20)
        with pytest.raises(InvalidRequestError, match="POST /v1/pipelines") as refused:
            client.tasks.create("llm_generate", {"messages": []})
        assert (refused.value.status, refused.value.code) == (422, "not_a_human_task")
        with pytest.raises(InvalidRequestError) as invalid:
            client.tasks.create("", {})
        assert list(invalid.value.fields) == ["type"]
        assert invalid.value.request_id
        with pytest.raises(NotFoundError):
            client.tasks.wait("nothing")
    with CrowdSorcerer("csk_wrong", base_url=live.url) as stranger, pytest.raises(AuthError):
        stranger.tasks.list()


def test_another_organisation_and_a_test_key_see_nothing(live: LiveServer) -> None:
    with client_of(live, test=False) as owner:
        task = owner.tasks.create("label_text", LABEL)
        for other in ({"org": "other", "test": False}, {"test": True}):
            with client_of(live, **other) as stranger:
                for method in ("get", "wait", "cancel"):
                    with pytest.raises(NotFoundError):
                        getattr(stranger.tasks, method)(task.id)
                assert stranger.tasks.list().items == []
        assert owner.tasks.get(task.id).status == "open"


def test_who_waits_hears_of_a_cancellation_and_of_the_end_of_their_patience(live: LiveServer) -> None:
    with client_of(live, test=False) as client:
        task = client.tasks.create("label_text", LABEL)
        with pytest.raises(WaitTimeoutError, match="it goes on"):
            client.tasks.wait(task.id, timeout_seconds=0.1)
        client.tasks.cancel(task.id)
        with pytest.raises(TaskError, match="was cancelled: label_text: cancelled by") as ended:
            client.tasks.wait(task.id)
        assert ended.value.task.credits_used == 0


def test_who_asks_too_often_is_told_when_to_ask_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERMEZZO_REQUESTS_PER_MINUTE", "1")
    monkeypatch.setenv("INTERMEZZO_REQUESTS_AT_ONCE", "1")
    settings.cache_clear()
    with serving(store) as live, CrowdSorcerer(live.key(), base_url=live.url, retries=0) as client:
        client.tasks.list()
        with pytest.raises(RateLimitError, match="try again in") as limited:
            client.tasks.list()
    assert limited.value.retry_after is not None
    assert 50 < limited.value.retry_after <= 60


REVIEWED: dict[str, Any] = {"consensus_strategy": "requester_review", "assignments_required": 1}


def test_a_worker_finds_claims_and_answers_and_the_requester_reviews(live: LiveServer) -> None:
    with client_of(live, test=False) as client, worker_of(live, "ann") as ann, worker_of(live, "bob") as bob:
        first, second = [client.tasks.create("label_text", LABEL, **REVIEWED).id for _ in "12"]
        assert [task.id for task in ann.worker.list()] == [first, second]
        claim = ann.worker.claim_next(types=["label_text"])
        assert claim is not None
        assert (claim.task_id, ann.worker.claim(first)) == (first, claim)
        assert [task.part for task in ann.worker.list(mine=True)] == ["claimed"]
        with pytest.raises(InvalidRequestError) as wrong:
            ann.worker.submit(first, {"category": "neither"})
        assert list(wrong.value.fields) == ["category"]
        assert [ann.worker.submit(first, {"category": "positive"}) for _ in "12"] == ["submitted", "submitted"]
        [answer] = client.tasks.submissions(first)
        assert client.tasks.approve(first, answer.id, score=9).status == "approved"
        assert client.tasks.score(first, answer.id, 7).score == 7
        assert (ann.worker.balance(), ann.worker.me().worker_id) == (2, "ann")
        with pytest.raises(ConflictError):
            client.tasks.dispute(first, answer.id, reason="too late")
        told = [one.what for one in client.tasks.story(first).happened]
        assert told == ["opened", "claimed", "submitted", "approved", "scored", "closed", "scored"]

        bob.worker.claim(second)
        bob.worker.submit(second, {"category": "negative"})
        [answer] = client.tasks.submissions(second)
        assert client.tasks.dispute(second, answer.id, reason="the opposite").status == "disputed"
        assert client.tasks.story(second).parts[0].state == "disputed"


def test_a_requester_decides_what_workers_do_not_agree_on(live: LiveServer) -> None:
    with client_of(live, test=False) as client, worker_of(live, "ann") as ann, worker_of(live, "bob") as bob:
        split: dict[str, Any] = {"assignments_required": 2, "consensus_strategy": "unanimous", "on_split": "review"}
        task = client.tasks.create("label_text", LABEL, **split).id
        for worker, category in ((ann, "positive"), (bob, "negative")):
            worker.worker.claim(task)
            worker.worker.submit(task, {"category": category})
        decided = client.tasks.decide(task, {"category": "negative"})
        assert decided.output is not None
        assert decided.output.answer == {"category": "negative"}


def test_a_worker_gives_tasks_back(live: LiveServer) -> None:
    with client_of(live, test=False) as client, worker_of(live, "ann") as ann:
        task = client.tasks.create("label_text", LABEL).id
        for give_back in (ann.worker.release, ann.worker.decline):
            ann.worker.claim(task)
            give_back(task)
            with pytest.raises(ConflictError):
                ann.worker.submit(task, {"category": "positive"})
        assert (ann.worker.claim_next(), list(ann.worker.list())) == (None, [])
        other = client.tasks.create("label_text", LABEL).id
        assert ann.worker.get(other).answer_schema["type"] == "object"
        ann.worker.claim(other)
        ann.worker.report(other, "unclear", note="Which one?")
        assert "reported" in [one.what for one in client.tasks.story(other).happened]
        with pytest.raises(ForbiddenError, match="needs the scope work"):
            client.worker.balance()


def test_many_workers_at_once_share_the_tasks(live: LiveServer) -> None:
    with client_of(live, test=False) as client:
        label = {"type": "label_text", "input": LABEL, "assignments_required": 1}
        ids = client.tasks.create_many([label] * 10)

    async def work(name: str) -> list[str]:
        done: list[str] = []
        key = await Access(live.store).create_key("crowd", worker_id=name)
        async with AsyncCrowdSorcerer(key[0], base_url=live.url) as worker:
            while claim := await worker.worker.claim_next():
                assert await worker.worker.submit(claim.task_id, {"category": "positive"}) == "approved"
                done.append(claim.task_id)
            assert await worker.worker.balance() == 2 * len(done)
        return done

    async def main() -> list[list[str]]:
        return await asyncio.gather(*[work(f"worker-{number}") for number in range(3)])

    assert sorted(task for done in asyncio.run(main()) for task in done) == sorted(ids)
