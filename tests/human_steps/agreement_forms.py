"""Forms, answers and outcomes for the tests of agreement."""

from typing import Any

from hypothesis import strategies as st
from pydantic import JsonValue

from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.consensus import Agreed, ConsensusStrategy, NotYet, Split, consensus
from intermezzo.human_steps.leaves import Answer

Schema = dict[str, Any]

OPTIONS = ["a", "b", "c", "d"]
LETTERS: Schema = {"enum": OPTIONS}
SEVERAL: Schema = {"type": "array", "items": LETTERS, "uniqueItems": True}
RANKING: Schema = {**SEVERAL, "minItems": 4, "maxItems": 4}
TEXT: Schema = {"type": "string"}
SIDES: Schema = {side: {"type": "number", "minimum": 0} for side in ("left", "top", "width", "height")}
BOXES: Schema = {
    "type": "array",
    "x-control": "boxes",
    "items": {
        "type": "object",
        "properties": {**SIDES, "label": {"enum": ["cow", "calf"]}},
        "required": ["left", "top", "width", "height", "label"],
    },
}
PEOPLE: Schema = {
    "type": "array",
    "items": {"type": "object", "properties": {"name": TEXT, "age": {"type": "integer"}}, "required": ["name"]},
}


def form(*, optional: tuple[str, ...] = (), **fields: Schema) -> AnswerSchema:
    required = [name for name in fields if name not in optional]
    return AnswerSchema.of({"type": "object", "properties": fields, "required": required})


def outcome_of(
    schema: AnswerSchema, *answers: Answer, strategy: ConsensusStrategy = "majority_vote"
) -> Agreed | Split | NotYet:
    return consensus(strategy, answers, schema.leaves, len(answers))


def agreed(schema: AnswerSchema, *answers: Answer, strategy: ConsensusStrategy = "majority_vote") -> Agreed:
    outcome = outcome_of(schema, *answers, strategy=strategy)
    assert isinstance(outcome, Agreed), outcome
    schema.validate(outcome.answer)
    return outcome


def box(left: float, top: float, width: float = 100, height: float = 50, label: str = "cow") -> dict[str, JsonValue]:
    return {"left": left, "top": top, "width": width, "height": height, "label": label}


sides = st.integers(0, 40).map(float)
