"""A form is one thing with two views: controls for the eye, JSON Schema for the machine (spec: SA-44…SA-49, HR-06).

Pages, the command line and the HTTP API make forms of tasks; whoever posts a task makes one of a list of controls.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from pydantic import BaseModel, JsonValue, ValidationError

from intermezzo.errors import DefinitionError
from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.controls import Control, default_controls
from intermezzo.human_steps.form_fields import parse_fields, write_fields
from intermezzo.human_steps.input_schemas import inputs_of, object_schema, schema_of, words_of
from intermezzo.human_steps.inputs import DISPLAYS, INPUTS, ITEM_ID, Group, Input, Json, List, check_ids
from intermezzo.human_steps.json_values import join, plain_json, shown
from intermezzo.human_steps.options import Option
from intermezzo.human_steps.schema_definition import Node
from intermezzo.human_steps.schema_validator import is_valid
from intermezzo.steps import explain

MAX_FORM_BYTES = 1_000_000
"""Size limit of a list of controls as JSON."""

MAX_FORM_VALUES = 100_000
"""Most values in a list of controls; enough for 10,000 options with labels."""

MAX_ID_CHARACTERS = 100


@dataclass(frozen=True)
class Form:
    """What a worker sees and fills in: `Form.of_schema(…)` or `Form.of_controls(…)` makes one."""

    controls: tuple[Control | Input, ...]
    """Display and input controls, in their order."""
    rules: Node = field(default_factory=dict[str, JsonValue], hash=False)
    """JSON Schema of what the answer as a whole must fit besides. Do not change it."""

    @classmethod
    def of_schema(cls, schema: object) -> "Form":
        """The form for an answer: one input for each field, JSON text where no control says what the schema says.

        Args:
            schema: whatever `AnswerSchema.of` takes.

        Raises:
            DefinitionError: it cannot be a form; see `AnswerSchema.of`.
        """
        node = AnswerSchema.of(schema).schema
        rules = {word: value for word, value in node.items() if word not in ("type", "properties", "required")}
        if rules.get("additionalProperties") is False and "unevaluatedProperties" not in rules:
            del rules["additionalProperties"]
        properties = cast("Node", node["properties"])
        required = cast("list[str]", node.get("required", []))
        if others := [name for name in required if name not in properties]:
            rules["required"] = cast("JsonValue", others)
        return cls(tuple(inputs_of(properties, required)), rules)

    @classmethod
    def of_controls(cls, controls: object) -> "Form":
        """The form of a list of controls as people and programs write it, in normal form (spec: SA-46…SA-48).

        Args:
            controls: parsed JSON. Options may be plain values, `content` may stand for `value`, and types have
                the aliases `text`, `textarea`, `text-area`, `dropdown`, `markdown-display`, `text-display`.

        Raises:
            DefinitionError: naming the control by its index, the field, what was expected and what came.
        """
        try:
            plain = plain_json(controls, max_bytes=MAX_FORM_BYTES, max_values=MAX_FORM_VALUES)
        except ValueError as error:
            raise DefinitionError(f"form: {error}") from None
        if not isinstance(plain, list):
            raise DefinitionError(f"form: expected a list of controls, got {shown(plain)}")
        made = _controls(plain)
        inputs = tuple(control for control in made if isinstance(control, INPUTS))
        if not inputs:
            raise DefinitionError(
                "form: expected at least one input control, got none; add one, "
                'such as {"type": "text-input", "id": "answer", "label": "Answer"}'
            )
        try:
            check_ids(inputs)
        except ValueError as error:
            raise DefinitionError(f"form: {error}") from None
        normal = iter(cls.of_schema(object_schema(inputs)).inputs)
        form = cls(tuple(next(normal) if isinstance(control, INPUTS) else control for control in made))
        _check_defaults({f"controls.{index}": control for index, control in enumerate(form.controls)})
        return form

    @classmethod
    def of_task(cls, *, controls: Sequence[object] | None, input: Mapping[str, JsonValue], schema: object) -> "Form":
        """The form of a human task: what it shows, and the inputs of its answer unless it shows those too.

        Args:
            controls: as stored with the task; None: every field of the input is shown.
            input: of the step call.
            schema: of the answer.

        Raises:
            DefinitionError: the controls or the schema are not ones that a task can have.
        """
        asked = cls.of_schema(schema)
        shown = default_controls(input) if controls is None else _controls(controls)
        if any(isinstance(control, INPUTS) for control in shown):
            return cls(tuple(shown), asked.rules)
        return cls((*shown, *asked.controls), asked.rules)

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The controls a worker fills in."""
        return tuple(control for control in self.controls if isinstance(control, INPUTS))

    @cached_property
    def schema(self) -> Node:
        """The answer as JSON Schema 2020-12. Do not change it."""
        own = object_schema(self.inputs)
        required = [
            *cast("list[JsonValue]", own.get("required", [])),
            *cast("list[JsonValue]", self.rules.get("required", [])),
        ]
        if "unevaluatedProperties" in self.rules:
            del own["additionalProperties"]
        return {**own, **self.rules, **({"required": required} if required else {})}

    @property
    def answers(self) -> AnswerSchema:
        """The validator of the answers.

        Raises:
            DefinitionError: there is no input, or they are too many or too large.
        """
        return AnswerSchema.of(self.schema)

    def as_json(self) -> list[dict[str, JsonValue]]:
        """The controls in normal form."""
        return [control.model_dump(mode="json") for control in self.controls]

    def parse(self, fields: Mapping[str, Sequence[str]]) -> dict[str, JsonValue]:
        """The answer that a browser sent.

        Args:
            fields: name of each field → the texts sent for it, as HTML forms send them. A blank text means that
                nothing is given. Parts are named by dots: `address.city`, `items.0.name`; an empty field
                `address` says that there is an address even if nothing is in it. Other names are ignored.

        Raises:
            InvalidResponse: `fields` of it tells for the names of fields what is wrong with each.
        """
        return parse_fields(self.inputs, self.answers, fields)

    def fields(self, answer: Mapping[str, JsonValue]) -> dict[str, list[str]]:
        """The fields a browser would send for an answer, or for the part of one that is there.

        Args:
            answer: a valid answer; `parse` gives it back but for what a form cannot tell from nothing, which is
                empty text, null where it need not be, and carriage returns.
        """
        return write_fields(self.inputs, answer)


_KINDS: Mapping[JsonValue, type[BaseModel]] = {kind.model_fields["type"].default: kind for kind in (*DISPLAYS, *INPUTS)}

_ALIASES = {
    "textarea": "text-input",
    "text-area": "text-input",
    "dropdown": "select",
    "markdown-display": "markdown",
    "text-display": "markdown",
}
"""Names that other systems know controls by (spec: SA-48)."""


def _controls(raw: Sequence[object]) -> list[Control | Input]:
    return [_control(cast("JsonValue", one), f"controls.{index}") for index, one in enumerate(raw)]


def _control(raw: JsonValue, place: str, *, inputs_only: bool = False) -> Any:  # noqa: ANN401 (any control)
    """One control in normal form."""
    if not isinstance(raw, dict):
        raise _refusal(place, "", f"expected a control such as {{'type': 'divider'}}, got {shown(raw)}")
    fields = _normal(raw)
    type, id = fields.get("type"), fields.get("id")
    kind = _KINDS.get(type) if isinstance(type, str) else None
    if kind is None or (inputs_only and kind in DISPLAYS):
        known = [name for name in _KINDS if not inputs_only or _KINDS[name] in INPUTS]
        raise _refusal(place, "", f"type: expected one of {', '.join(map(str, known))}, got {shown(raw.get('type'))}")
    named = f"{type} {shown(id)}" if isinstance(id, str) else str(type)
    if kind in INPUTS and not place.endswith(".item"):
        _check_id(id, place, named)
    try:
        made = kind.model_validate({**fields, **_nested(fields, place)})
    except ValidationError as error:
        raise _refusal(place, named, f"{explain(error)}; {_HINT}") from None
    if isinstance(made, INPUTS) and (said := set(made.rules) & words_of(made)):
        problem = f"rules: expected keywords that the control has no field for, got {', '.join(sorted(said))}; {_HINT}"
        raise _refusal(place, named, problem)
    return _closed(made, place, named) if isinstance(made, Json) else made


def _closed(control: Json, place: str, named: str) -> Json:
    """JSON text whose rules are in normal form: references put in, objects closed to unknown fields."""
    try:
        answers = AnswerSchema.of({"type": "object", "properties": {"rules": control.rules}})
    except DefinitionError as error:
        raise _refusal(place, named, str(error)) from None
    return control.model_copy(update={"rules": answers.fields["rules"]})


def _nested(fields: dict[str, JsonValue], place: str) -> dict[str, object]:
    """The inputs inside of a group or a list, in normal form."""
    inner, item = fields.get("controls"), fields.get("item")
    nested: dict[str, object] = {}
    if isinstance(inner, list):
        places = [join(place, f"controls.{index}") for index in range(len(inner))]
        nested["controls"] = [_control(one, at, inputs_only=True) for one, at in zip(inner, places, strict=True)]
    if isinstance(item, dict):
        nameless: JsonValue = {"id": ITEM_ID, "required": True, **item}
        nested["item"] = _control(nameless, join(place, "item"), inputs_only=True)
    return nested


_HINT = "docs/forms.md shows every control with its fields"


def _normal(raw: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Aliases and shorthands of one control in full (spec: SA-46…SA-48)."""
    fields = dict(raw)
    type = raw.get("type")
    if type == "text":
        type = "text-input" if "id" in raw else "markdown"
    elif isinstance(type, str) and type in _ALIASES:
        fields.setdefault("multiline", True) if _ALIASES[type] == "text-input" else None
        type = _ALIASES[type]
    fields["type"] = type
    if type in ("title", "markdown") and "content" in fields and "value" not in fields:
        fields["value"] = fields.pop("content")
    if type == "link" and "url" in fields:
        fields.setdefault("text", fields["url"])
    if isinstance(options := fields.get("options"), list):
        fields["options"] = [_option(option) for option in options]
    return fields


def _option(raw: JsonValue) -> JsonValue:
    """An option in full, from its value, from its label alone, or from its value alone."""
    if isinstance(raw, list):
        return raw
    if not isinstance(raw, dict):
        return Option.of(raw).model_dump()
    if "value" not in raw and "label" in raw:
        return {**raw, "value": raw["label"]}
    value = raw.get("value")
    return raw if "label" in raw or isinstance(value, dict | list) else {"label": Option.of(value).label, **raw}


def _check_id(id: JsonValue, place: str, named: str) -> None:
    good = isinstance(id, str) and id.isprintable() and id == id.strip() and 0 < len(id) <= MAX_ID_CHARACTERS
    if not good:
        raise _refusal(
            place,
            named,
            f"id: expected 1 to {MAX_ID_CHARACTERS} printable characters without spaces around them, got "
            f"{shown(id)}; the answer has the field under this name",
        )


def _check_defaults(controls: Mapping[str, Control | Input]) -> None:
    for place, control in controls.items():
        if isinstance(control, Group):
            _check_defaults({join(place, f"controls.{index}"): one for index, one in enumerate(control.controls)})
        if isinstance(control, List):
            _check_defaults({join(place, "item"): control.item})
        if (
            isinstance(control, INPUTS)
            and control.default is not None
            and not is_valid(schema_of(control), control.default)
        ):
            problem = f"default: expected an answer that fits, got {shown(control.default)}; correct it or leave it out"
            raise _refusal(place, f"{control.type} {shown(control.id)}", problem)


def _refusal(place: str, named: str, problem: str) -> DefinitionError:
    return DefinitionError(f"form, {place}{f' ({named})' if named else ''}: {problem}")
