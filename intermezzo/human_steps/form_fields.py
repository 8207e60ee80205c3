"""Forms as browsers send them: names and texts ⇄ answers. Called by `Form.parse` and `Form.fields`.

A blank text means that nothing is given. A text that is no value of its control stays as it is, so that the
validator says what was expected and what came.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NoReturn, cast
from urllib.parse import quote

from pydantic import JsonValue

from intermezzo.errors import InvalidResponse
from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.input_schemas import rectangle
from intermezzo.human_steps.inputs import (
    ITEM_ID,
    Boxes,
    Checkbox,
    Date,
    Group,
    Input,
    Json,
    List,
    Number,
    Radio,
    Select,
    TextInput,
)
from intermezzo.human_steps.json_values import MAX_INTEGER, canonical_json, join, shown
from intermezzo.human_steps.options import Option, option_texts

MAX_PARTS = 64
"""Most parts a name may have; schemas nest less deep."""

Path = tuple[str | int, ...]
"""Where a value is in the answer: `("items", 0, "name")`."""


def field_name(*path: str | int) -> str:
    """The name under which a browser sends the value at a path: `items.0.name`.

    Letters and digits of ASCII, `_`, `-` and `~` stand for themselves; the rest is percent-encoded.
    """
    return ".".join(quote(str(part), safe="").replace(".", "%2E") or "%" for part in path)


def parse_fields(
    inputs: Sequence[Input], answers: AnswerSchema, sent: Mapping[str, Sequence[str]]
) -> dict[str, JsonValue]:
    """See `Form.parse`."""
    reading = _Reading()
    answer = reading.object(inputs, _Sent.of(sent), (), "")
    try:
        valid = answers.validate(answer)
    except InvalidResponse as error:
        for path, problem in error.problems.items():
            reading.problems.setdefault(reading.name_of(path), problem)
        fields = reading.problems or {"": str(error)}
        raise InvalidResponse(str(error), problems=error.problems, fields=fields) from None
    if reading.problems:
        told = "; ".join(f"{name}: {problem}" for name, problem in reading.problems.items())
        raise InvalidResponse(f"{told}; correct it and submit again", fields=reading.problems)
    return valid


class _Absent(Enum):
    """Says that nothing was given, which null cannot: null may be an answer."""

    ABSENT = "absent"


ABSENT = _Absent.ABSENT


@dataclass(slots=True)
class _Sent:
    """What a browser sent under a name and under the names that go on from it."""

    texts: list[str] = field(default_factory=list[str])
    parts: "dict[str, _Sent]" = field(default_factory=dict[str, "_Sent"])

    @classmethod
    def of(cls, fields: Mapping[str, Sequence[str]]) -> "_Sent":
        root = cls()
        for name, texts in fields.items():
            if name.count(".") >= MAX_PARTS:
                continue
            place = root
            for part in name.split("."):
                place = place.parts.setdefault(part, cls())
            place.texts += texts
        return root

    @property
    def last(self) -> str:
        return self.texts[-1] if self.texts else ""

    @property
    def holds_text(self) -> bool:
        return any(self.texts) or any(part.holds_text for part in self.parts.values())

    def rows(self) -> "list[tuple[int, _Sent]]":
        return sorted(
            ((int(part), sent) for part, sent in self.parts.items() if _ROW.fullmatch(part)), key=lambda row: row[0]
        )


_ROW = re.compile(r"0|[1-9][0-9]{0,3}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?|[0-9]*\.[0-9]+)([eE][+-]?[0-9]+)?")


@dataclass(slots=True)
class _Reading:
    """One reading of what a browser sent."""

    problems: dict[str, str] = field(default_factory=dict[str, str])
    """Name of a field → what is wrong with its text."""
    names: dict[Path, str] = field(default_factory=dict[Path, str])
    """Where a value is in the answer → the name it was sent under; empty rows of lists make them differ."""

    def name_of(self, path: Path) -> str:
        """The name of the field that a place in the answer came from; empty for the answer as a whole."""
        lengths = range(len(path), 0, -1)
        return next((self.names[path[:length]] for length in lengths if path[:length] in self.names), "")

    def object(self, inputs: Sequence[Input], sent: _Sent, path: Path, name: str) -> dict[str, JsonValue]:
        answer: dict[str, JsonValue] = {}
        for control in inputs:
            part = field_name(control.id)
            value = self._field(control, sent.parts.get(part, _Sent()), (*path, control.id), join(name, part))
            if value is not ABSENT:
                answer[control.id] = value
        return answer

    def _field(self, control: Input, sent: _Sent, path: Path, name: str) -> JsonValue | _Absent:
        self.names[path] = name
        value = self._value(control, sent, path, name)
        if value is not ABSENT or not control.required:
            return value
        return None if control.nullable else _nothing(control)

    def _value(self, control: Input, sent: _Sent, path: Path, name: str) -> JsonValue | _Absent:
        match control:
            case TextInput() | Date():
                return sent.last.replace("\r\n", "\n") or ABSENT
            case Number():
                return _number(sent.last.strip())
            case Radio() | Select():
                return _option(control.options, sent.last) if sent.last else ABSENT
            case Checkbox():
                return _ticked(control, sent.texts)
            case Json():
                return self._json(sent.last, name)
            case Group() | List() | Boxes():
                return self._composite(control, sent, path, name)

    def _composite(self, control: Group | List | Boxes, sent: _Sent, path: Path, name: str) -> JsonValue | _Absent:
        if not isinstance(control, Group):
            item = control.item if isinstance(control, List) else _rectangle(control)
            return self._list(item, sent, path, name)
        given = (control.required and not control.nullable) or sent.texts or sent.holds_text
        return self.object(control.controls, sent, path, name) if given else ABSENT

    def _list(self, item: Input, sent: _Sent, path: Path, name: str) -> JsonValue | _Absent:
        items: list[JsonValue] = []
        for number, row in sent.rows():
            if row.holds_text or (row.texts and isinstance(item, Group | List | Boxes | Checkbox)):
                value = self._field(item, row, (*path, len(items)), join(name, number))
                items += [] if value is ABSENT else [value]
        return items if items or sent.texts else ABSENT

    def _json(self, text: str, name: str) -> JsonValue | _Absent:
        if not text.strip():
            return ABSENT
        try:
            return cast("JsonValue", json.loads(text, parse_constant=_refuse_constant))
        except (ValueError, RecursionError) as error:
            self.problems[name] = f"expected JSON, got {shown(text)}: {error}"
            return text


def _nothing(control: Input) -> JsonValue | _Absent:
    """What it means to send nothing for an input that is required."""
    match control:
        case Checkbox() if not control.options:
            return False
        case Checkbox() | List() | Boxes():
            return []
        case _:
            return ABSENT


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _number(text: str) -> JsonValue | _Absent:
    if not text:
        return ABSENT
    if not _NUMBER.fullmatch(text):
        return text
    if text.lstrip("+-").isdigit():
        # Longer ones would lose digits.
        return int(text) if len(text) <= _MAX_DIGITS and abs(int(text)) <= MAX_INTEGER else text
    number = float(text)
    return number if math.isfinite(number) else text


_MAX_DIGITS = 20


def _option(options: Sequence[Option], text: str) -> JsonValue:
    return option_texts(options).get(text, text)


def _ticked(control: Checkbox, texts: Sequence[str]) -> JsonValue | _Absent:
    if not texts:
        return ABSENT
    given = [text for text in texts if text]
    if control.options:
        values = option_texts(control.options)
        return [values.get(text, text) for text in given]
    last = given[-1] if given else "false"
    return {"true": True, "on": True, "false": False}.get(last, last)


def _rectangle(boxes: Boxes) -> Group:
    return Group(id=ITEM_ID, required=True, controls=rectangle(boxes.labels))


def write_fields(inputs: Sequence[Input], answer: Mapping[str, JsonValue]) -> dict[str, list[str]]:
    """See `Form.fields`."""
    fields: dict[str, list[str]] = {}
    _write_object(inputs, answer, "", fields)
    return fields


def _write_object(
    inputs: Sequence[Input], answer: Mapping[str, JsonValue], name: str, fields: dict[str, list[str]]
) -> None:
    for control in inputs:
        if control.id in answer:
            _write(control, answer[control.id], join(name, field_name(control.id)), fields)


def _write(control: Input, value: JsonValue, name: str, fields: dict[str, list[str]]) -> None:
    match control:
        case Radio() | Select():
            fields[name] = [_text_of(control.options, value)]
        case Json():
            fields[name] = [json.dumps(value, ensure_ascii=False)]
        case _ if value is None:
            return
        case Checkbox() if isinstance(value, list):
            fields[name] = [_text_of(control.options, item) for item in value] or [""]
        case Group() if isinstance(value, dict):
            fields[name] = [""]
            _write_object(control.controls, value, name, fields)
        case List() | Boxes() if isinstance(value, list):
            fields[name] = [""]
            item = control.item if isinstance(control, List) else _rectangle(control)
            for index, one in enumerate(value):
                _write(item, one, join(name, index), fields)
        case _:
            fields[name] = [value if isinstance(value, str) else json.dumps(value)]


def _text_of(options: Sequence[Option], value: JsonValue) -> str:
    wanted = canonical_json(value)
    return next((text for text, one in option_texts(options).items() if canonical_json(one) == wanted), wanted)
