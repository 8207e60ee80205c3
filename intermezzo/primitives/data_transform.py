"""`data_transform`: change data as described in plain words, through a language model (spec: CS-53).

Called by pipelines to rename, filter, normalise and convert. The data is shown to the model as data, and its answer
is only accepted when it really is in the format that was asked for.
"""

import json
from typing import Annotated, Literal

from pydantic import AfterValidator, JsonValue

from intermezzo.primitives.model_output import Instruction, ModelOutput, facts, one_line
from intermezzo.steps import StepInput, primitive

MAX_DATA_CHARACTERS = 100_000
"""Of the data as JSON: some 30,000 tokens, about as much as a model still transforms without losing rows."""

_MAX_TOKENS = 16_000
"""Room for the answer: as much as the usual small models give in one."""

_FORMATS = {
    "json": "one JSON value: no comments, no code fence",
    "csv": "CSV with a header row, commas, and double quotes where a field needs them; all rows have as many fields",
    "markdown": "Markdown, without a code fence around it",
    "text": "plain text, without Markdown",
}


def _shown(data: JsonValue) -> str:
    return data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, allow_nan=False)


def _usable(data: JsonValue) -> JsonValue:
    shown = _shown(data)
    size = len(shown)
    if size > MAX_DATA_CHARACTERS:
        raise ValueError(
            f"data has at most {MAX_DATA_CHARACTERS:,} characters as JSON, this one has {size:,}; split it, and "
            "transform the parts with `.map`"
        )
    if not shown.strip() or data is None:
        raise ValueError("there must be data to transform")
    try:
        shown.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"data must be valid Unicode; character {error.start} is half of a surrogate pair") from None
    return data


class DataTransformInput(StepInput):
    """Data, and what to do with it."""

    data: Annotated[JsonValue, AfterValidator(_usable)]
    """Object, array or plain text."""
    transform: Instruction
    """What to do, in plain words."""
    output_format: Literal["json", "csv", "markdown", "text"] = "json"
    """What the result is to be."""


class DataTransformOutput(ModelOutput):
    """The transformed data."""

    data: JsonValue
    """The value that was parsed for json, else the result as text."""
    output_format: Literal["json", "csv", "markdown", "text"]


@primitive(DataTransformInput, credits=2)
async def data_transform(input: DataTransformInput) -> DataTransformOutput:
    """Transform data as an instruction in plain words says.

    A model does it, so check what matters: rows may get lost and numbers change. Where the transformation can be
    written down, `code_execute` is exact.

    Args:
        input: the data, the instruction and the format of the result.

    Returns:
        The result, which parses as the format that was asked for.

    Raises:
        ProviderError: one of its subclasses: AnswerInvalid when the result is still not in the format after two
            corrections, AnswerTruncated when it is too long; else see `llm_generate`.
    """
    from intermezzo.llm import Request, Turn, fence, generate, reader

    data = fence(_shown(input.data), name="data")
    request = Request(
        system=(
            "You transform data. Do exactly what the instruction says with all of the data and add nothing of your "
            f"own. {data.rule} Answer with the result only, as {_FORMATS[input.output_format]}."
        ),
        turns=(Turn(role="user", content=f"Instruction:\n{input.transform}\n\n{data.text}"),),
        temperature=0,
        max_tokens=_MAX_TOKENS,
    )
    done = await generate(request, reader(input.output_format))
    return DataTransformOutput(
        summary=one_line(f"{input.output_format}: {done.answer.text}"),
        data=done.value,
        output_format=input.output_format,
        **facts(done),
    )
