"""Pauses between tries."""

import pytest

from intermezzo import KeyRefused, ProviderError, RateLimited
from intermezzo.llm.patience import Patience


class Failing:
    """Fails with each error in turn, then answers."""

    def __init__(self, *errors: ProviderError) -> None:
        self.errors = list(errors)
        self.pauses: list[float] = []

    async def __call__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "done"

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def patience(self, *, retries: int = 9, luck: float = 1.0, left_seconds: float = 1000.0) -> Patience:
        return Patience(
            retries=retries,
            longest_wait_seconds=60,
            left_seconds=lambda: left_seconds,
            sleep=self.sleep,
            random=lambda: luck,
        )


async def test_pauses_double_up_to_twenty_seconds() -> None:
    failing = Failing(*(RateLimited("busy") for _ in range(8)))
    assert await failing.patience().persist(failing) == "done"
    assert failing.pauses == [0.5, 1, 2, 4, 8, 16, 20, 20]


async def test_pauses_are_spread_over_half_their_length() -> None:
    failing = Failing(*(RateLimited("busy") for _ in range(3)))
    await failing.patience(luck=0.0).persist(failing)
    assert failing.pauses == [0.25, 0.5, 1]


@pytest.mark.parametrize(("luck", "pause"), [(0.0, 7.0), (1.0, 7.25)])
async def test_the_providers_own_pause_is_never_shortened(luck: float, pause: float) -> None:
    failing = Failing(RateLimited("busy", retry_after_seconds=7))
    await failing.patience(luck=luck).persist(failing)
    assert failing.pauses == [pause]


@pytest.mark.parametrize(
    ("error", "left_seconds"),
    [
        (KeyRefused("no"), 1000.0),
        (RateLimited("busy", retry_after_seconds=61), 1000.0),
        (RateLimited("busy", retry_after_seconds=10), 9.0),
    ],
)
async def test_what_no_pause_mends_is_raised_at_once(error: ProviderError, left_seconds: float) -> None:
    failing = Failing(error)
    with pytest.raises(type(error)) as caught:
        await failing.patience(left_seconds=left_seconds).persist(failing)
    assert caught.value is error
    assert failing.pauses == []


async def test_the_last_error_is_raised_when_the_retries_are_used_up() -> None:
    failing = Failing(RateLimited("first"), RateLimited("second"), RateLimited("third"))
    with pytest.raises(RateLimited, match="third"):
        await failing.patience(retries=2).persist(failing)
