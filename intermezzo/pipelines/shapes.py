"""What is known of a value from its JSON Schema: which fields it has, and what is in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

Schema = Mapping[str, object]


@dataclass(frozen=True)
class Shape:
    """A value that a schema describes; every question has the answer "unknown", which is None."""

    schema: Schema
    definitions: Schema = field(default_factory=dict[str, object])

    @classmethod
    def of(cls, schema: Schema) -> "Shape":
        """The shape of a whole JSON Schema."""
        definitions = schema.get("$defs", {})
        return cls(schema, cast("Schema", definitions) if isinstance(definitions, dict) else {}).resolved()

    @cached_property
    def fields(self) -> "dict[str, Shape] | None":
        """The fields it may have; None: not known, or any."""
        properties = self.schema.get("properties")
        if not isinstance(properties, dict) or not properties or self.schema.get("additionalProperties"):
            return None
        known = cast("dict[str, object]", properties)
        return {name: self._inner(schema) or ANY for name, schema in known.items()}

    @cached_property
    def items(self) -> "Shape | None":
        """Its elements, if it is a list."""
        return self._inner(self.schema.get("items"))

    @property
    def kind(self) -> str | None:
        """The JSON type it has, if that is certain."""
        kind = self.schema.get("type")
        return kind if isinstance(kind, str) else None

    @property
    def lengths(self) -> tuple[int, int | None]:
        """The fewest and the most elements of a list."""
        least, most = self.schema.get("minItems", 0), self.schema.get("maxItems")
        return least if isinstance(least, int) else 0, most if isinstance(most, int) else None

    def _inner(self, schema: object) -> "Shape | None":
        if not isinstance(schema, dict):
            return None
        return Shape(cast("Schema", schema), self.definitions).resolved()

    def resolved(self) -> "Shape":
        """Follow a `$ref`, and of a choice between null and something else take the latter."""
        shape = self
        for _ in range(10):
            ref, choice = shape.schema.get("$ref"), shape.schema.get("anyOf")
            if isinstance(ref, str) and ref.startswith("#/$defs/"):
                found = self.definitions.get(ref.removeprefix("#/$defs/"))
            elif isinstance(choice, list):
                options = [option for option in cast("list[Schema]", choice) if option != {"type": "null"}]
                found = options[0] if len(options) == 1 else ANY.schema
            else:
                return shape
            if not isinstance(found, dict):
                return ANY
            shape = Shape(cast("Schema", found), self.definitions)
        return ANY


ANY = Shape({})
"""Nothing is known."""


def list_of(items: Shape) -> Shape:
    """A list of such values."""
    return Shape({"type": "array", "items": items.schema}, items.definitions)


def object_of(fields: Mapping[str, Shape], definitions: Schema | None = None) -> Shape:
    """An object with exactly these fields."""
    properties = {name: shape.schema for name, shape in fields.items()}
    return Shape({"type": "object", "properties": properties}, definitions or {})
