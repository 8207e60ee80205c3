"""Time on task and limits: too much or too fast is refused, and told when it may go on."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert

from intermezzo import Quality, label_text
from intermezzo.errors import AnswerTooSoon, DefinitionError, InvalidInput, NotClaimable, StoreError
from intermezzo.human_steps import workers
from intermezzo.human_steps.human_options import HumanOptions
from intermezzo.human_steps.terms import terms_of
from intermezzo.steps import options_from
from intermezzo.store import new_id
from intermezzo.store.tables import terms as terms_table
from tests.desk import START, Desk
from tests.plans import plans

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_an_answer_that_comes_too_soon_is_refused_and_the_claim_kept(desk: Desk) -> None:
    task = desk.post(quality=Quality(min_seconds=20))
    desk.take("ann", task)
    with pytest.raises(
        AnswerTooSoon, match="asks for 20 seconds of work: send the answer again in 13 seconds"
    ) as error:
        desk.submit("ann", task, at=START + timedelta(seconds=7.4))
    assert error.value.wait_seconds == 13
    with pytest.raises(AnswerTooSoon, match="in 20 seconds"):
        desk.submit("ann", task, at=START - HOUR)  # a clock that is behind
    assert desk.submit("ann", task, at=START + timedelta(seconds=20)) == "completed"
    assert desk.submit("ann", task, at=START + timedelta(seconds=20)) == "completed"


def test_whoever_has_answered_as_much_as_they_may_is_told_when_to_come_back(desk: Desk) -> None:
    posted = [desk.post(quality=Quality(hourly_limit=2), minutes=480) for _ in range(6)]
    for number in (0, 1):
        desk.answer("ann", posted[number], at=START + number * MINUTE)
    claims: list[Callable[[], object]] = [
        lambda: desk.take_next("ann", at=START + 59 * MINUTE),
        lambda: desk.take("ann", posted[2], at=START + 59 * MINUTE),
    ]
    for claim in claims:
        with pytest.raises(
            NotClaimable, match=r"at most 2 answers .* in an hour: come back at 2030-01-01 01:00"
        ) as error:
            claim()
        assert error.value.again_at == START + HOUR
    assert desk.take_next("bob", at=START + MINUTE) is not None
    assert desk.take_next("ann", at=START + HOUR) is not None
    with pytest.raises(NotClaimable, match="come back at 2030-01-01 01:01"):
        desk.take_next("ann", at=START + HOUR)


def test_claims_that_are_held_count_as_answers_to_come(desk: Desk) -> None:
    posted = [desk.post(quality=Quality(daily_limit=2)) for _ in range(3)]
    desk.take("ann", posted[0])
    desk.take("ann", posted[1])
    with pytest.raises(NotClaimable, match=r"at most 2 answers .* in a day: answer the 2 tasks that you hold"):
        desk.take_next("ann")
    desk.release("ann", posted[0])
    assert desk.take_next("ann") is not None


def test_tasks_of_another_type_or_without_a_limit_are_still_given(desk: Desk) -> None:
    desk.answer("ann", desk.post(quality=Quality(daily_limit=1)))
    desk.post(quality=Quality(daily_limit=1), priority="urgent")
    plain = desk.post()
    claim = desk.take_next("ann")
    assert claim is not None
    assert claim.task_id == plain


def test_a_workers_own_limit_holds_for_all_types(desk: Desk) -> None:
    desk.do(lambda c: workers.describe(c, "ann", daily_limit=1, at=START))
    desk.answer("ann", desk.post())
    desk.post()
    with pytest.raises(NotClaimable, match="at most 1 answers in a day: come back at 2030-01-02 00:00"):
        desk.take_next("ann")
    desk.describe("ann", skills={"law": 1})
    with pytest.raises(NotClaimable, match="at most 1"):
        desk.take_next("ann")
    desk.do(lambda c: workers.describe(c, "ann", daily_limit=0, at=START))
    assert desk.take_next("ann") is not None


def test_test_tasks_know_neither_limits_nor_least_times(desk: Desk) -> None:
    test = Desk(desk.store, test=True)
    for _ in range(3):
        test.answer("simulated-1", test.post(quality=Quality(daily_limit=1, min_seconds=60)))
    desk.post(quality=Quality(daily_limit=1))
    assert desk.take_next("simulated-1") is not None  # what was answered in test mode does not count


def test_answers_are_counted_by_an_index(desk: Desk) -> None:
    from intermezzo.human_steps.limits import check_limits
    from intermezzo.human_steps.terms import Terms
    from intermezzo.human_steps.workers import Profile

    desk.answer("ann", desk.post())
    terms = Terms(type="label_text", quality=Quality(hourly_limit=3))

    def seen(connection: Any) -> None:
        check_limits(connection, Profile(id="ann"), terms, at=START)

    found = plans(desk, seen, tables="responses")
    assert len(found) == 1
    assert "ix_responses_worker" in found[0]


# --- the options


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"gold_set": "a b"}, "gold_set is a name of 1 to 64 letters"),
        ({"gold_set": "x", "gold_share": 1.5}, "gold_share is a number from 0 to 1, got 1.5"),
        ({"gold_set": "x", "gold_share": True}, "got True"),
        ({"qualification_tasks": 3}, "need a gold_set"),
        ({"min_gold_accuracy": 0.5}, "need a gold_set"),
        ({"min_seconds": -1}, "min_seconds is a whole number from 0 to 86400, got -1"),
        ({"hourly_limit": 0}, "hourly_limit is a whole number from 1"),
        ({"max_reports": None}, "max_reports is a whole number from 1 to 100, got None"),
    ],
)
def test_quality_that_makes_no_sense_is_refused_when_it_is_said(given: dict[str, Any], said: str) -> None:
    with pytest.raises(DefinitionError, match=said):
        Quality(**given)
    with pytest.raises(InvalidInput, match=r"quality"):
        options_from(HumanOptions, {"quality": given})


def test_more_time_than_a_claim_gives_cannot_be_asked_for() -> None:
    with pytest.raises(DefinitionError, match="is less than the 300 seconds there are for an answer"):
        label_text.with_options(claim_timeout_minutes=5, quality=Quality(min_seconds=300))


def test_quality_comes_from_json_too_and_tells_queues_apart() -> None:
    read = options_from(HumanOptions, {"quality": {"gold_set": "x", "gold_share": 1, "daily_limit": 9}})
    assert read == {"quality": Quality(gold_set="x", gold_share=1.0, daily_limit=9)}
    terms = label_text.with_options(**read).terms
    assert terms.queue != label_text.terms.queue
    assert terms.queue_of("acme") != terms.queue_of("other")
    assert label_text.terms.queue_of("acme") == label_text.terms.queue_of("other")
    slower = terms.model_copy(update={"quality": Quality(gold_set="x", daily_limit=9, min_seconds=9, max_reports=1)})
    assert slower.queue == terms.queue


def test_terms_of_a_newer_version_ask_for_an_upgrade(desk: Desk) -> None:
    document = json.dumps({"type": "label_text", "karma": 3})
    id = new_id()[:32]
    row = insert(terms_table).values(id=id, document=document, created_at=START)
    desk.do(lambda c: c.execute(row))
    with pytest.raises(StoreError, match=r"newer version of Intermezzo .*karma: unknown field.*; upgrade this one"):
        desk.see(lambda c: terms_of(c, id))
