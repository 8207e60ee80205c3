"""Numbers and bullets of the lists in a DOCX, which are not in its text; called by `document_docx`."""

import re
from dataclasses import dataclass

from intermezzo.primitives.document_elements import Element, attribute, child, name_of, value

_DEEPEST_STYLE = 20
_LONGEST_MARKER = 50
_NUMBER = re.compile(r"[0-9]{1,9}")
_LARGEST_ROMAN = 3999
_ROMAN = tuple(
    zip(
        (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1),
        ("m", "cm", "d", "cd", "c", "xc", "l", "xl", "x", "ix", "v", "iv", "i"),
        strict=True,
    )
)


@dataclass(frozen=True, slots=True)
class _Level:
    format: str
    text: str
    """Such as `%1.%2.`"""
    start: int


class Lists:
    """Counts the items of all lists of a document, in reading order.

    Args:
        numbering: root of the part that defines lists, if there is one.
        styles: root of the part that defines styles, which can make a paragraph an item.
    """

    def __init__(self, numbering: Element | None, styles: Element | None) -> None:
        self._styles = {
            attribute(style, "styleId"): style
            for style in (styles if styles is not None else ())
            if name_of(style) == "style"
        }
        self._levels: dict[str, dict[int, _Level]] = {}
        self._kinds: dict[str, str] = {}
        self._restarts: dict[str, dict[int, int]] = {}
        self._counts: dict[str, dict[int, int]] = {}
        """How far each kind of list has come, by level."""
        for item in numbering if numbering is not None else ():
            if name_of(item) == "abstractNum":
                self._levels[attribute(item, "abstractNumId")] = {
                    _whole(attribute(level, "ilvl"), 0): _Level(
                        value(level, "numFmt"), value(level, "lvlText"), _whole(value(level, "start"), 1)
                    )
                    for level in item
                    if name_of(level) == "lvl"
                }
            elif name_of(item) == "num":
                number = attribute(item, "numId")
                self._kinds[number] = value(item, "abstractNumId")
                self._restarts[number] = {
                    _whole(attribute(change, "ilvl"), 0): _whole(value(change, "startOverride"), 1)
                    for change in item
                    if child(change, "startOverride") is not None
                }

    def marker(self, paragraph: Element) -> str:
        """What stands before a paragraph: a number, a bullet, or nothing."""
        number, depth = self._place(paragraph)
        levels = self._levels.get(self._kinds.get(number, ""), {})
        level = levels.get(depth)
        if level is None or level.format == "none":
            return ""
        if level.format == "bullet":
            return "• "
        counts = self._counts.setdefault(self._kinds[number], {})
        counts.update({key: start - 1 for key, start in self._restarts.pop(number, {}).items()})
        counts[depth] = counts.get(depth, level.start - 1) + 1
        for deeper in [key for key in counts if key > depth]:
            del counts[deeper]

        def counted(place: re.Match[str]) -> str:
            key = int(place[1]) - 1
            above = levels.get(key)
            return "" if above is None else _written(counts.get(key, above.start), above.format)

        text = re.sub(r"%([1-9])", counted, level.text[:_LONGEST_MARKER])
        return f"{text} " if text else ""

    def _place(self, paragraph: Element) -> tuple[str, int]:
        """List and level of a paragraph; it may leave either to its style."""
        own = child(paragraph, "pPr")
        if own is None:
            return "", 0
        number, depth = value(own, "numPr", "numId"), value(own, "numPr", "ilvl")
        style = self._styles.get(value(own, "pStyle"))
        for _ in range(_DEEPEST_STYLE):
            if number or style is None:
                break
            number = value(style, "pPr", "numPr", "numId")
            depth = depth or value(style, "pPr", "numPr", "ilvl")
            style = self._styles.get(value(style, "basedOn"))
        return number, _whole(depth, 0)


def _whole(text: str, default: int) -> int:
    return int(text) if _NUMBER.fullmatch(text) else default


def _written(count: int, format: str) -> str:
    match format:
        case "lowerLetter" | "upperLetter" if count > 0:
            # After z comes aa, then bb.
            text = chr(ord("a") + (count - 1) % 26) * min((count - 1) // 26 + 1, _LONGEST_MARKER)
        case "lowerRoman" | "upperRoman" if 0 < count <= _LARGEST_ROMAN:
            text = ""
            for worth, sign in _ROMAN:
                text += sign * (count // worth)
                count %= worth
        case "decimalZero":
            text = f"{count:02}"
        case _:
            text = str(count)
    return text.upper() if format.startswith("upper") else text
