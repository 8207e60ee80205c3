"""What a simulated worker answers: the same at every run, mostly right. Called by test mode's workers."""

from collections.abc import Sequence
from hashlib import blake2b

from pydantic import JsonValue

from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.json_values import canonical_json


def simulated_answer(schema: AnswerSchema, task_seed: str, worker_seed: str, accuracy: float) -> dict[str, JsonValue]:
    """A valid answer that depends on nothing but its arguments.

    A task has one true answer, the same for every worker: one of the options for every closed field, and what
    reads most naturally for every open one. A worker gives it with the probability `accuracy`, and otherwise
    another value for every field that has any.

    Args:
        schema: form of the answer.
        task_seed: stands for the task, such as its id.
        worker_seed: stands for the worker.
        accuracy: how often the worker is right, from 0 to 1.

    Raises:
        ValueError: `accuracy` is out of range.
        DefinitionError: no valid answer can be found for the schema.
    """
    if not 0 <= accuracy <= 1:
        raise ValueError(f"expected an accuracy from 0 to 1, got {accuracy!r}")
    right = _hashed("right", task_seed, worker_seed) / 2**64 < accuracy

    def choose(path: str, options: Sequence[JsonValue]) -> JsonValue:
        text = canonical_json(list(options))
        truth = _hashed("truth", task_seed, path, text) % len(options)
        if right:
            return options[truth]
        others = [option for index, option in enumerate(options) if index != truth]
        return others[_hashed("slip", task_seed, worker_seed, path, text) % len(others)]

    def stray(path: str, values: Sequence[JsonValue]) -> JsonValue:
        return values[1 + _hashed("stray", task_seed, worker_seed, path) % (len(values) - 1)]

    return schema.sample(choose, None if right else stray)


def _hashed(*parts: str) -> int:
    digest = blake2b(digest_size=8)
    for part in parts:
        encoded = part.encode(errors="surrogatepass")
        digest.update(len(encoded).to_bytes(8) + encoded)
    return int.from_bytes(digest.digest())
