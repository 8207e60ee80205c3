"""The document of a pipeline: what an author writes, in YAML or JSON."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

LONGEST_ID = 63


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, populate_by_name=True)


class Default(_Part):
    """What a step gives in place of an output."""

    default: JsonValue
    """Taken as it is: no expressions."""


class StepDocument(_Part):
    """One step of a pipeline. Texts may hold `${ … }` expressions in `input`, `when`, `for_each` and `key`."""

    id: Annotated[str, Field(pattern=rf"^[A-Za-z][A-Za-z0-9_]{{0,{LONGEST_ID - 1}}}$")]
    """Name of the step in this pipeline; expressions read its result as `steps.ID.output`."""
    type: str
    """Name of a step type: built in, or registered by a module of yours."""
    input: dict[str, JsonValue] | str = Field(default_factory=dict[str, JsonValue])
    """Fields of the type's input, or one expression that gives them all."""
    with_: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue], alias="with")
    """Options of a human step, such as `assignments_required`; fixed, without expressions."""
    when: bool | str | None = None
    """The step is skipped unless this is true; under `for_each`, asked of every item."""
    for_each: list[JsonValue] | str | None = None
    """A list: the step is called once per element, as `item` and its `index`, and gives a list."""
    max_items: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    """Longest list that `for_each` may go through; the run fails on a longer one."""
    key: str | None = None
    """Tells calls with equal input apart, which are one call otherwise."""
    retries: Annotated[int, Field(ge=0, le=100)] | None = None
    """How often a failed call of an AI step is tried again."""
    retry_delay_seconds: Annotated[float, Field(ge=0, le=86_400)] | None = None
    """Pause before the first retry; doubles each time."""
    timeout_seconds: Annotated[float, Field(gt=0, le=86_400)] | None = None
    """Longest time one try of an AI step may take."""
    on_error: Literal["fail", "continue"] | Default = "fail"
    """`fail`: the run fails. `continue`: the output is null and `steps.ID.error` says why. `default`: this is the
    output."""


class Document(_Part):
    """A pipeline: steps that refer to each other's results."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")]
    """Under which its versions are kept."""
    version: Annotated[str, Field(max_length=50)] = ""
    """A label of the author's; versions are numbered by the store."""
    description: Annotated[str, Field(max_length=10_000)] = ""
    """What it is for."""
    input: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    """JSON Schema of its input, an object; left out: any fields."""
    budget: Annotated[int, Field(ge=0)] | None = None
    """Most credits one run may spend."""
    steps: Annotated[list[StepDocument], Field(min_length=1, max_length=500)]
    """In any order: what refers to a result comes after it."""
    output: JsonValue = None
    """What a run returns; left out: the outputs of all steps, by id."""
