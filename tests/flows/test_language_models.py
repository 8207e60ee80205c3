"""Steps that ask a language model, in a run: who tries again, and what is paid."""

from collections.abc import Iterator

import pytest
from prefect import flow

from intermezzo import StepFailed, data_transform, llm_generate
from intermezzo.demo.pipeline import draft_labels
from tests.llm.openai_wire import OpenAIWire
from tests.llm.server import KEY, FakeProvider, Reply, serving
from tests.rig import Rig

pytestmark = pytest.mark.prefect

stubborn = llm_generate.with_options(name="draft", retries=2, retry_delay_seconds=0)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeProvider]:
    with serving(OpenAIWire()) as server:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("LLM_MODEL", "gpt-6-luna")
        monkeypatch.setenv("LLM_RETRIES", "1")
        yield server


@flow
async def drafting() -> str:
    try:
        return (await stubborn({"messages": [{"role": "user", "content": "Hello?"}]})).text
    except StepFailed as failed:
        return failed.type


async def test_retries_of_the_step_add_to_those_of_the_model_layer(model: FakeProvider, sqlite_rig: Rig) -> None:
    model.will(Reply(status=500, body=model.wire.error(500).body, headers={"Retry-After": "0"}))
    assert await drafting() == "ProviderUnavailable"
    assert len(model.asked) == 4  # the first try and its retry, then the two of the step
    assert len({asked.headers["idempotency-key"] for asked in model.asked}) == 1
    assert await sqlite_rig.spent() == 0


async def test_what_no_retry_mends_is_asked_once_and_refunded(model: FakeProvider, sqlite_rig: Rig) -> None:
    model.will(model.wire.error(403))
    assert await drafting() == "KeyRefused"
    assert len(model.asked) == 1
    assert await sqlite_rig.spent() == 0


async def test_a_mended_answer_is_paid_once(model: FakeProvider, sqlite_rig: Rig) -> None:
    model.will(model.wire.answer("Sure!"), model.wire.answer("[2, 1]"))

    @flow
    async def turning() -> object:
        return (await data_transform(data=[1, 2], transform="Turn round")).data

    assert await turning() == [2, 1]
    assert await sqlite_rig.spent() == 2


async def test_the_demo_goes_on_without_the_drafts_that_fail(model: FakeProvider, sqlite_rig: Rig) -> None:
    model.will(model.wire.answer('{"category": "positive"}'), model.wire.error(401))
    drafts = await flow(draft_labels)(["Good.", "Bad."])
    assert sorted(drafts.categories, key=str) == [None, "positive"]
    assert drafts.model == "answering-model"
    assert "KeyRefused" in str(drafts.failure)
    assert await sqlite_rig.spent() == 1
