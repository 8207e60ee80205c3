# ruff: noqa: INP001 - a script, not a package
"""Write `docs/types/`: one page per family of human step types, from the registry. `pages()` makes their texts."""

import inspect
import json
import re
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from textwrap import indent

from pydantic import JsonValue

from intermezzo import __all__ as public_names
from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.type_sheet import SheetField, TypeSheet, human_types
from intermezzo.steps import BUILT_IN

LINE = 90
"""Characters of a value that stays on one line."""

FOLDER = Path(__file__).parents[1] / "docs" / "types"

TITLES = {"native": "Native types", "humanrail": "HumanRail's types", "scale": "Scale's types"}

HEAD = """\
<!-- Made from the registry by scripts/make_type_pages.py: change the declarations, not this page. -->
# {title}

{about}

Every one is called like any other step, and takes the [options of human steps](../steps.md#human-steps). Fields that
a type does not know are kept and shown to the worker. Where the answer depends on the input, it is the example's.
"""

SECTION = """
## {name}

{instructions}

{prices}{deadline}.

{input}
{answer}
A call gives {outputs}, and `summary`, `agreement`, `agreement_by_field` and `submissions`.

```python
{code}
```
"""

CODE = """\
from {module} import {name}

call = {name}.parse(
{input}
)
assert {name}.price(call) == {price_one}
assert {name}.with_options(assignments_required=3).price(call) == {price_three}

answer = {answer}
assert {name}.answer_schema(call).validate(answer)"""


def pages() -> dict[str, str]:
    """Name of each file → its text."""
    sheets = [TypeSheet.of(step) for step in human_types()]
    return {f"{family}.md": _page(family, [s for s in sheets if s.family == family]) for family in TITLES}


def _page(family: str, sheets: Sequence[TypeSheet]) -> str:
    about = (inspect.getdoc(import_module(BUILT_IN[family])) or "").strip()
    head = HEAD.format(title=TITLES[family], about=about)
    return head + "".join(_section(family, sheet) for sheet in sheets)


def _section(family: str, sheet: TypeSheet) -> str:
    return SECTION.format(
        name=sheet.name,
        instructions=sheet.instructions,
        prices=sheet.prices,
        deadline=f"; wanted within {sheet.deadline}" if sheet.deadline else "",
        input=_table("input", sheet.input_fields) if sheet.input_fields else "The input has any fields.\n",
        answer=_table("answer", sheet.answer_fields),
        outputs=", ".join(f"`{name}`" for name in sheet.output_fields),
        code=_code(family, sheet),
    )


def _table(heading: str, fields: Sequence[SheetField]) -> str:
    return "\n".join([f"| {heading} | default | |", "|---|---|---|", *_rows(fields)]) + "\n"


def _rows(fields: Sequence[SheetField]) -> Iterator[str]:
    for field in fields:
        default = "required" if field.required else f"`{field.default}`" if field.default else "optional"
        about = f". {field.about}" if field.about else ""
        expected = field.expected.replace("|", "\\|")
        yield f"| `{field.name}` | {default} | {expected}{about} |"


def _code(family: str, sheet: TypeSheet) -> str:
    assert sheet.example is not None
    assert sheet.answer_schema is not None
    return CODE.format(
        module="intermezzo" if sheet.name in public_names else BUILT_IN[family],
        name=sheet.name,
        input=indent("\n".join(f"{name}={_literal(value)}," for name, value in sheet.example.items()), "    "),
        price_one=sheet.price_credits[1],
        price_three=sheet.price_credits[3],
        answer=_literal(AnswerSchema.of(sheet.answer_schema).sample()),
    )


def _literal(value: JsonValue) -> str:
    """A value as Python, as the formatter would write it: on one line if that is short."""
    text = json.dumps(value, ensure_ascii=False)
    if len(text) > LINE:
        text = re.sub(r"(?<=[^\[{,\s])(?=\n\s*[}\]])", ",", json.dumps(value, ensure_ascii=False, indent=4))
    return re.sub(r"(?<=: )(true|false)(?=[,}\n])|^(true|false)$", lambda found: found[0].capitalize(), text)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text)
