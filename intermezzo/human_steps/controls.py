"""What a worker sees: display controls. Human step types return them, pages and APIs show them (spec: SA-44).

Markdown here means CommonMark. `title`, `markdown` and so on take the author's text as it is; what comes
from an input goes through `escaped`, `quoted` or `fenced`, so that it can neither pose as the author nor
smuggle in a link.
"""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, TypeAdapter, ValidationError

from intermezzo.errors import DefinitionError
from intermezzo.human_steps.file_references import REFERENCE, FileReference
from intermezzo.steps import explain

_WEB_ADDRESS = r"[Hh][Tt][Tt][Pp][Ss]?://[^\s<>\"`\\]+"

WebAddress = Annotated[str, StringConstraints(pattern=f"^(?:{_WEB_ADDRESS}|{REFERENCE})$", max_length=4096)]
"""An http or https address, or a reference to a stored file, which is shown under an address of ours: anything else
(`javascript:`, `file:`) could act in the worker's browser."""


def is_web_address(text: str) -> bool:
    """Whether a text is an http or https address that a worker may open."""
    return re.fullmatch(_WEB_ADDRESS, text) is not None


class _Control(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Title(_Control):
    """A heading of plain text."""

    type: Literal["title"] = "title"
    value: str


class Markdown(_Control):
    """Text in CommonMark; HTML in it is shown as text."""

    type: Literal["markdown"] = "markdown"
    value: str


class Divider(_Control):
    """A line between two parts."""

    type: Literal["divider"] = "divider"


class Link(_Control):
    """A link that opens elsewhere."""

    type: Literal["link"] = "link"
    url: WebAddress
    text: str
    """What the link reads."""


class Image(_Control):
    """A picture."""

    type: Literal["image"] = "image"
    url: WebAddress
    alt: str = ""
    """What it shows, for those who cannot see it. Empty: decoration."""


class Audio(_Control):
    """A recording to listen to."""

    type: Literal["audio"] = "audio"
    url: WebAddress


Control = Annotated[Title | Markdown | Divider | Link | Image | Audio, Field(discriminator="type")]
"""One thing a worker sees; in JSON told apart by its `type`."""

_CONTROLS: TypeAdapter[list[Control]] = TypeAdapter(list[Control])

_C = TypeVar("_C", bound=_Control)


def parse_controls(controls: object) -> list[Control]:
    """Controls from parsed JSON.

    Raises:
        DefinitionError: naming each field, what was expected and what came.
    """
    try:
        return _CONTROLS.validate_python(controls)
    except ValidationError as error:
        raise DefinitionError(f"controls: {explain(error)}") from None


def title(value: str) -> Title:
    """A heading."""
    return Title(value=value)


def markdown(value: str) -> Markdown:
    """Text in CommonMark; put what comes from an input through `quoted` first."""
    return Markdown(value=value)


def divider() -> Divider:
    """A line between two parts."""
    return Divider()


def link(url: str, text: str = "") -> Link:
    """A link.

    Args:
        url: http or https address.
        text: what it reads; the address itself by default.

    Raises:
        DefinitionError: the address is not one a worker may open.
    """
    return _made(Link, url=url, text=text or url)


def image(url: str, alt: str = "") -> Image:
    """A picture.

    Raises:
        DefinitionError: the address is not one a worker may open.
    """
    return _made(Image, url=url, alt=alt)


def audio(url: str) -> Audio:
    """A recording.

    Raises:
        DefinitionError: the address is not one a worker may open.
    """
    return _made(Audio, url=url)


def _made(control: type[_C], **fields: str) -> _C:
    try:
        return control.model_validate(fields)
    except ValidationError as error:
        raise DefinitionError(f"{control.__name__.lower()}: {explain(error)}") from None


def default_controls(input: Mapping[str, JsonValue]) -> list[Control]:
    """Any input, readable: one markdown per field with its name and value."""
    return [Markdown(value=f"**{escaped(name) or '(unnamed)'}:**{_value(value)}") for name, value in input.items()]


def _value(value: JsonValue) -> str:
    if isinstance(value, dict | list) and value:
        return "\n\n" + fenced(json.dumps(value, ensure_ascii=False, indent=2), "json")
    if not isinstance(value, str):
        return f" {escaped(json.dumps(value, ensure_ascii=False))}"
    if not value.strip():
        return " *(empty)*"
    if file := FileReference.parse(value):
        return f" {escaped(file.name)} *(attached)*"
    lines = value.splitlines()
    if any(line[:1].isspace() for line in lines):
        return "\n\n" + fenced(value)
    return f" {escaped(value)}" if len(lines) == 1 else f"\n\n{quoted(value)}"


_SPECIAL = re.compile(r"[\\`*_\[\]~|$#+={}()!-]")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "@": "&#64;"}


def escaped(text: str) -> str:
    """A text as one line of CommonMark that reads exactly so, spacing aside: no emphasis, link or HTML."""
    line = " ".join(text.split())
    line = "".join(_ENTITIES.get(char, char) for char in _SPECIAL.sub(r"\\\g<0>", line))
    # Many renderers make links of bare addresses; an entity is never part of one.
    line = re.sub(r":(?=//)|(?<=mailto):|(?<=xmpp):", "&#58;", line, flags=re.IGNORECASE)
    line = re.sub(r"(?<=www)\.", "&#46;", line, flags=re.IGNORECASE)
    return re.sub(r"^(\d+)([.)])", r"\1\\\2", line)


def quoted(text: str) -> str:
    """A text as a CommonMark block quote that reads exactly so, line by line, indents aside."""
    return "  \n".join(f"> {escaped(line)}".rstrip() for line in text.splitlines())


def fenced(text: str, language: str = "") -> str:
    """A text as a CommonMark code block, line by line as it is."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
