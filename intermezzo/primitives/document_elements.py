"""Elements of the XML of a DOCX: what is used of those of lxml; called by `document_docx` and `document_lists`."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


class Element(Protocol):
    """An element of lxml."""

    tag: str
    text: str | None

    def get(self, key: str) -> str | None:
        """An attribute."""
        ...

    def __iter__(self) -> "Iterator[Element]":
        """The children."""
        ...


def name_of(element: Element) -> str:
    """Its name without the namespace; a comment or processing instruction has none."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""  # pyright: ignore[reportUnnecessaryIsInstance]


def attribute(element: Element, name: str) -> str:
    """An attribute in the namespace of the element; empty if there is none."""
    return element.get(f"{element.tag.rpartition('}')[0]}}}{name}") or ""


def child(element: Element | None, *names: str) -> Element | None:
    """The first child of a name, its first child of the next name, and so on."""
    for name in names:
        for item in element if element is not None else ():
            if name_of(item) == name:
                element = item
                break
        else:
            return None
    return element


def value(element: Element | None, *names: str) -> str:
    """The attribute `val` of such a child; empty if there is none."""
    found = child(element, *names)
    return attribute(found, "val") if found is not None else ""
