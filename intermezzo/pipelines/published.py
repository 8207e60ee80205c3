"""The JSON Schema of pipeline documents, for editors: docs/pipeline.schema.json is what this gives."""

from typing import Any, cast

from pydantic import TypeAdapter

from intermezzo.pipelines.document import Document
from intermezzo.pipelines.options import option_types
from intermezzo.steps import BUILT_IN, Step, family_of, registered, registered_types

Node = dict[str, Any]


def document_schema() -> Node:
    """The schema, with the names of the built-in step types and the options of human steps."""
    schema: Node = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Intermezzo pipeline",
        **Document.model_json_schema(),
    }
    definitions = cast("Node", schema["$defs"])
    step = cast("Node", definitions["StepDocument"]["properties"])
    built_in = [type for type in registered_types() if family_of(type) in BUILT_IN]
    step["type"]["examples"] = built_in
    human = next(registered(type) for type in built_in if registered(type).kind == "human")
    options, more = _options(human)
    definitions.update(more)
    step["with"] = {**options, "description": step["with"]["description"]}
    schema["title"] = "Intermezzo pipeline"
    return schema


def _options(step: Step[..., Any, Any]) -> tuple[Node, Node]:
    """The schema of what stands under `with`, and the definitions it refers to."""
    properties: Node = {}
    definitions: Node = {}
    for name, hint in option_types(type(step.options)).items():
        one = TypeAdapter(hint).json_schema(ref_template="#/$defs/{model}")
        definitions.update(one.pop("$defs", {}))
        properties[name] = one
    for definition in definitions.values():
        if definition.get("type") == "object":
            definition["additionalProperties"] = False
    return {"type": "object", "properties": properties, "additionalProperties": False}, definitions
