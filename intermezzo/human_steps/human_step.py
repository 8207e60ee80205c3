"""Steps whose workers are people: what the worker sees, what they answer, what it costs."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, ParamSpec, Self, TypeVar, cast, overload

from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter, ValidationError
from pydantic_core import to_json

from intermezzo.errors import DefinitionError, InvalidInput, InvalidResponse, RecordedOutputMismatch
from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.consensus import ConsensusStrategy
from intermezzo.human_steps.controls import Control, default_controls
from intermezzo.human_steps.forms import Form
from intermezzo.human_steps.human_options import Audience, Escalation, HumanOptions, make_terms
from intermezzo.human_steps.inputs import Input
from intermezzo.human_steps.quality import Quality
from intermezzo.human_steps.tasks import NewHumanTask, Priority
from intermezzo.human_steps.terms import OnSplit
from intermezzo.steps import Cost, Step, explain, register

P = ParamSpec("P")
In = TypeVar("In", bound=BaseModel)
Out = TypeVar("Out")
M = TypeVar("M", bound=BaseModel)

JsonSchema = Mapping[str, object]


class Submission(BaseModel):
    """One worker's answer."""

    model_config = ConfigDict(frozen=True)

    worker: str
    answer: dict[str, JsonValue]
    submitted_at: datetime


class Answer(BaseModel):
    """Base of output models that also tell how the workers agreed; workers never fill these fields."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    summary: str = ""
    """One line for a person: `positive (3/3 workers agree)` (spec: CS-21)."""
    agreement: float = 1.0
    """How far the workers agree with the outcome, 0 to 1: of a choice, the winner's share of the votes."""
    agreement_by_field: dict[str, float] = {}
    """The same for each field, `fields.title` inside of an object, those that do not decide included."""
    submissions: list[Submission] = []
    """Every worker's answer, in order of submission."""


class AnyInput(BaseModel):
    """Input of a custom human step that declares none: every field is shown to the worker."""

    model_config = ConfigDict(extra="allow", frozen=True)


class HumanStep(Step[P, In, Out]):
    """A step whose workers are people."""

    kind = "human"
    options: HumanOptions
    example: Mapping[str, object] | None = None
    """An input, for those who look the type up."""

    def __init__(
        self,
        type: str,
        *,
        input_model: Callable[P, In],
        output: TypeAdapter[Out],
        answer_schema: Callable[[In], AnswerSchema],
        controls: Callable[[In], Sequence[Control | Input]] | None,
        reward_credits: int,
        instructions: str,
        options: HumanOptions,
        merges_agreement: bool,
    ) -> None:
        super().__init__(type, input_model=input_model, output=output, options=options)
        self.answer_schema = answer_schema
        self.controls = controls
        self.reward_credits = reward_credits
        self.instructions = instructions
        self.merges_agreement = merges_agreement
        self._check()

    @property
    def reward(self) -> int:
        """Credits a worker gets per approved answer."""
        given = self.options.worker_reward_credits
        return self.reward_credits if given is None else given

    def price(self, input: In) -> int:  # noqa: ARG002 (the same whatever the input)
        """Credits one call reserves: rewards of all slots it may come to have, and the platform fee (spec: CS-25)."""
        return self.terms.price_credits

    @property
    def cost(self) -> Cost:
        """What one call costs: at least the answers that an outcome takes, at most what it reserves (spec: CS-25)."""
        return self.terms.cost

    def new_task(
        self, input: In, *, id: str, call_id: str | None = None, run_id: str | None = None, generation: int = 1
    ) -> NewHumanTask:
        """What is posted for workers: by a call, or by a requester without a flow.

        Raises:
            InvalidInput: a default answer does not fit the form of this input.
        """
        controls = None if self.controls is None else [c.model_dump(mode="json") for c in self.controls(input)]
        schema = self.answer_schema(input)
        for terms in self.terms.chain():
            if terms.default_answer is not None:
                self._check_default(schema, terms.default_answer)
        return NewHumanTask(
            id=id,
            call_id=call_id,
            run_id=run_id,
            generation=generation,
            type=self.type,
            name=self.name,
            input=input.model_dump_json(),
            controls=None if controls is None else json.dumps(controls, ensure_ascii=False),
            answer_schema=json.dumps(schema.schema, ensure_ascii=False),
            priority=self.options.priority,
            terms=self.terms,
        )

    def _check_default(self, schema: AnswerSchema, answer: Mapping[str, JsonValue]) -> None:
        try:
            schema.validate(dict(answer))
        except InvalidResponse as error:
            raise InvalidInput(f"{self.name}: default_answer does not fit the form of this input: {error}") from None

    def load(self, recorded: str, input: In | None = None) -> Out:
        """The output from the journal, which keeps the answer with how the workers agreed.

        Args:
            input: of the call; validators of the output model find it as `info.context`.

        Raises:
            RecordedOutputMismatch: the model has changed since it was recorded.
        """
        envelope = json.loads(recorded)
        answer = envelope.pop("answer")
        value = {**answer, **envelope} if self.merges_agreement else answer
        try:
            # As JSON, so that strict models still take a date or an enum written as text.
            return self.output.validate_json(to_json(value), context=input)
        except ValidationError as error:
            raise RecordedOutputMismatch(
                f"{self.name}: the recorded answer no longer fits the step's output model: {explain(error)}; "
                "make the new fields optional, or give the step a new name to ask again"
            ) from None

    def with_options(  # noqa: PLR0913 (one argument per option)
        self,
        *,
        name: str | None = None,
        key: str | None = None,
        assignments_required: int | None = None,
        consensus_strategy: ConsensusStrategy | None = None,
        claim_timeout_minutes: int | None = None,
        priority: Priority | None = None,
        worker_reward_credits: int | None = None,
        task_instructions: str | None = None,
        audience: Audience | None = None,
        skills: Sequence[str] | None = None,
        min_skill_level: int | None = None,
        languages: Sequence[str] | None = None,
        deadline_seconds: int | None = None,
        default_answer: Mapping[str, JsonValue] | None = None,
        escalation: Escalation | None = None,
        max_assignments: int | None = None,
        on_split: OnSplit | None = None,
        auto_approve_hours: float | Literal["never"] | None = None,
        domain: str | None = None,
        quality: Quality | None = None,
    ) -> Self:
        """A copy of the step with other options; see `HumanOptions`.

        Raises:
            DefinitionError: an option is out of range.
        """
        return self._with(
            name=name,
            key=key,
            assignments_required=assignments_required,
            consensus_strategy=consensus_strategy,
            claim_timeout_minutes=claim_timeout_minutes,
            priority=priority,
            worker_reward_credits=worker_reward_credits,
            task_instructions=task_instructions,
            audience=audience,
            skills=skills,
            min_skill_level=min_skill_level,
            languages=languages,
            deadline_seconds=deadline_seconds,
            default_answer=default_answer,
            escalation=escalation,
            max_assignments=max_assignments,
            on_split=on_split,
            auto_approve_hours=auto_approve_hours,
            domain=domain,
            quality=quality,
        )

    def _check(self) -> None:
        super()._check()
        self.terms = make_terms(
            self.options, type=self.type, instructions=self.instructions, reward_credits=self.reward_credits
        )


@overload
def human_step(
    name: str,
    *,
    output: type[M],
    input: Callable[P, In],
    answer_schema: Callable[[In], JsonSchema] | None = None,
    controls: Callable[[In], Sequence[Control]] | None = None,
    reward_credits: int = 2,
    instructions: str = "",
    deadline_seconds: int | None = None,
    example: Mapping[str, object] | None = None,
) -> HumanStep[P, In, M]: ...
@overload
def human_step(
    name: str,
    *,
    output: type[M],
    reward_credits: int = 2,
    instructions: str = "",
    deadline_seconds: int | None = None,
    example: Mapping[str, object] | None = None,
) -> HumanStep[..., AnyInput, M]: ...
@overload
def human_step(
    name: str,
    *,
    output: JsonSchema | Form,
    reward_credits: int = 2,
    instructions: str = "",
    deadline_seconds: int | None = None,
    example: Mapping[str, object] | None = None,
) -> HumanStep[..., AnyInput, dict[str, JsonValue]]: ...
@overload
def human_step(
    name: str,
    *,
    output: JsonSchema | Form,
    input: Callable[P, In],
    controls: Callable[[In], Sequence[Control]] | None = None,
    reward_credits: int = 2,
    instructions: str = "",
    deadline_seconds: int | None = None,
    example: Mapping[str, object] | None = None,
) -> HumanStep[P, In, dict[str, JsonValue]]: ...
def human_step(
    name: str,
    *,
    output: type[BaseModel] | JsonSchema | Form,
    input: Callable[..., Any] = AnyInput,
    answer_schema: Callable[[Any], JsonSchema] | None = None,
    controls: Callable[[Any], Sequence[Control]] | None = None,
    reward_credits: int = 2,
    instructions: str = "",
    deadline_seconds: int | None = None,
    example: Mapping[str, object] | None = None,
) -> HumanStep[..., Any, Any]:
    """Declare a step that people do.

    Args:
        name: name of the type, as workers and the registry see it.
        output: what a call returns and workers fill in: a pydantic model, or a JSON Schema or a `Form` (then a dict
            comes back).
            A model derived from `Answer` also gets `summary`, `agreement`, `agreement_by_field` and `submissions`. Its
            validators find the input of the call as `info.context`, for fields that follow from it.
        input: model of the input; without one, any fields are accepted and shown.
        answer_schema: the form for one input, where it depends on it (a list of categories, say).
        controls: what the worker sees for one input; without it every field of the input is shown, and then
            a form's own controls.
        reward_credits: per approved answer, 0 to 10,000.
        instructions: shown to workers; Markdown. Its first sentence says in lists what the type is.
        deadline_seconds: after how long an answer is no longer of use, 30 to 2,592,000; `with_options` changes it.
        example: an input, for those who look the type up.

    Raises:
        DefinitionError: the schema is not one that a form can be made of, a number is out of range, or the example
            does not fit the input model.
    """
    seen: Callable[[Any], Sequence[Control | Input]] | None = controls
    if isinstance(output, Form):
        seen = controls or _laid_out(output)
        output = output.schema
    is_model = isinstance(output, type)
    merges = is_model and issubclass(output, Answer)
    fixed = None if answer_schema else AnswerSchema.of(_form_schema(output) if merges else cast("Any", output))

    def schema_for(value: Any) -> AnswerSchema:  # noqa: ANN401 (the type's own input model)
        return fixed or AnswerSchema.of(cast("Callable[[Any], Any]", answer_schema)(value))

    step = HumanStep(
        name,
        input_model=input,
        output=TypeAdapter(output if is_model else dict[str, JsonValue]),
        answer_schema=schema_for,
        controls=seen,
        reward_credits=reward_credits,
        instructions=instructions,
        options=HumanOptions(name=name, deadline_seconds=deadline_seconds),
        merges_agreement=merges,
    )
    if example is not None:
        try:
            step.parse(example)
        except InvalidInput as error:
            raise DefinitionError(f"the example does not fit the input of {error}") from None
        step.example = example
    return register(step)


def _laid_out(form: Form) -> Callable[[BaseModel], Sequence[Control | Input]]:
    return lambda input: [*default_controls(input.model_dump(mode="json")), *form.controls]


def _form_schema(output: object) -> dict[str, object]:
    """The JSON Schema of an `Answer` model without the fields that workers never fill."""
    form = AnswerSchema.of(output)
    properties = {name: field for name, field in form.fields.items() if name not in Answer.model_fields}
    required = [name for name in cast("list[str]", form.schema.get("required", [])) if name in properties]
    return {**form.schema, "properties": properties, "required": required}
