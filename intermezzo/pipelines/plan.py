"""A checked pipeline: its steps with their options, in an order in which each comes after what it reads."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic import JsonValue

from intermezzo.pipelines.allowance import ExpressionFailed
from intermezzo.pipelines.document import Document, StepDocument
from intermezzo.pipelines.expressions import json_kind
from intermezzo.pipelines.references import read_steps
from intermezzo.pipelines.shapes import ANY, Shape
from intermezzo.pipelines.templates import Template, expressions_in
from intermezzo.steps import Step

AnyStep = Step[..., Any, Any]


@dataclass(frozen=True)
class PlannedStep:
    """One step, ready to be called."""

    id: str
    document: StepDocument
    step: AnyStep
    """With its options; its name is the id."""
    input: Template
    when: Template = None
    for_each: Template = None
    key: Template = None

    @property
    def repeats(self) -> bool:
        """Whether it is called once per element of a list."""
        return self.document.for_each is not None

    def scopes(self, items: JsonValue, values: Mapping[str, JsonValue]) -> list[dict[str, JsonValue]]:
        """The values that expressions see in each call of a step that is called once per element.

        Args:
            items: what its `for_each` gives.
            values: what expressions see besides.

        Raises:
            ExpressionFailed: it is no list, or longer than allowed.
        """
        if not isinstance(items, list):
            raise ExpressionFailed(f"for_each goes through a list, got {json_kind(items)}")
        if len(items) > self.document.max_items:
            raise ExpressionFailed(
                f"for_each has {len(items):,} items, and max_items allows {self.document.max_items:,}; "
                "raise it, or go through fewer"
            )
        return [{**values, "item": item, "index": index} for index, item in enumerate(items)]

    @cached_property
    def asked(self) -> frozenset[str]:
        """Steps it asks about, with `has()` or `.skipped`: it is not skipped because they are."""
        return frozenset(id for id, asks in self._reads if asks)

    @cached_property
    def needs(self) -> tuple[str, ...]:
        """Steps whose results it reads, each once."""
        return tuple(dict.fromkeys(id for id, _ in self._reads))

    @cached_property
    def _reads(self) -> list[tuple[str, bool]]:
        templates = (self.for_each, self.when, self.key, self.input)
        return [read for t in templates for expression in expressions_in(t) for read in read_steps(expression)]


@dataclass(frozen=True)
class Plan:
    """A pipeline that can run."""

    document: Document
    steps: Mapping[str, PlannedStep]
    """By id, each after the steps it needs."""
    output: Template
    input_shape: Shape = ANY
    result_shapes: Mapping[str, Shape] = field(default_factory=dict[str, Shape])

    @cached_property
    def text(self) -> str:
        """The document as canonical JSON, as it is stored."""
        value = self.document.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return json.dumps(value, ensure_ascii=False, sort_keys=True)

    @cached_property
    def digest(self) -> str:
        """Digest of what the document says, however it is written."""
        return hashlib.blake2b(self.text.encode(), digest_size=16).hexdigest()

    def with_defaults(self, input: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """An input with the `default` of every field of its schema that it leaves out."""
        properties = self.document.input.get("properties")
        known = properties if isinstance(properties, dict) else {}
        defaults = {
            name: schema["default"]
            for name, schema in known.items()
            if isinstance(schema, dict) and "default" in schema
        }
        return {**defaults, **input}
