"""How alike two sets of boxes on an image are. Called by the measures.

Two boxes match if they have the same label and an intersection of at least half of their union (IoU). That pairs are
sought for the whole set, and half of what has no partner counts as missing, is the *panoptic quality* of Kirillov et
al. (2019), which is the F1 of found boxes times the mean IoU of those. Label Studio compares boxes by IoU as well, and
CVAT matches them by IoU to make a consensus.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from pydantic import JsonValue

from intermezzo.human_steps.json_values import canonical_json
from intermezzo.human_steps.matching import Pair, best_pairs

SIDES = ("left", "top", "width", "height")

MIN_IOU = 0.5
"""What two boxes must have in common to be of the same thing."""

MAX_LOOKED_AT = 16
"""How many boxes that lie near are looked at for one; more lie there only when somebody stacks them."""

MAX_PARTNERS = 4
"""How many of them may match it before the others are not looked at any more."""

_MAX_PIXELS = 1e9


class Box(NamedTuple):
    """A rectangle in pixels, and what it shows."""

    left: float
    top: float
    width: float
    height: float
    label: str
    """What it shows; with anything else that is said about it, as JSON text."""


def comparable_boxes(boxes: JsonValue) -> tuple[Box, ...] | None:
    """The boxes in an order of their own, or None if these are none."""
    made = [_box(box) for box in boxes] if isinstance(boxes, list) else [None]
    found = [box for box in made if box is not None]
    return tuple(sorted(found)) if len(found) == len(made) else None


def _box(box: JsonValue) -> Box | None:
    if not isinstance(box, dict):
        return None
    sides = [box.get(side) for side in SIDES]
    numbers = [
        max(-_MAX_PIXELS, min(_MAX_PIXELS, float(side)))
        for side in sides
        if isinstance(side, int | float) and not isinstance(side, bool)
    ]
    if len(numbers) < len(SIDES):
        return None
    left, top, width, height = numbers
    return Box(left, top, max(width, 0.0), max(height, 0.0), _label({k: v for k, v in box.items() if k not in SIDES}))


def _label(said: dict[str, JsonValue]) -> str:
    label = said.get("label")
    # What most boxes have, without the cost of JSON for each; no JSON text of an object looks like it.
    return label if isinstance(label, str) and len(said) == 1 and label[:1] != "{" else canonical_json(said)


def iou(one: Box, other: Box) -> float:
    """Intersection over union of two rectangles, 0 to 1; equal ones without an area have 1."""
    across = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    down = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    if one[:4] == other[:4]:
        return 1.0
    if across <= 0 or down <= 0:
        return 0.0
    shared = across * down
    return shared / (one.width * one.height + other.width * other.height - shared)


def matches(ones: Sequence[Box], others: Sequence[Box]) -> dict[Pair, float]:
    """Which of the boxes are of the same thing: pair of indexes → IoU."""
    near = _Grid(others).near
    possible: dict[Pair, float] = {}
    for i, one in enumerate(ones):
        overlaps = ((j, iou(one, others[j])) for j in islice(near(one), MAX_LOOKED_AT))
        partners = ((j, overlap) for j, overlap in overlaps if overlap >= MIN_IOU)
        possible |= {(i, j): overlap for j, overlap in islice(partners, MAX_PARTNERS)}
    return {pair: possible[pair] for pair in best_pairs(possible)}


def box_similarity(ones: Sequence[Box], others: Sequence[Box]) -> float:
    """Panoptic quality: 1 if both have the same boxes, 0 if none matches; a few tenths less for boxes drawn loosely."""
    if not ones and not others:
        return 1.0
    return 2 * math.fsum(matches(ones, others).values()) / (len(ones) + len(others))


class _Grid:
    """Boxes by label and by where their centres are, so that only those near are compared."""

    def __init__(self, boxes: Sequence[Box]) -> None:
        self._boxes = boxes
        count = max(len(boxes), 1)
        self._across = max(sum(box.width for box in boxes) / count, 1e-6)
        self._down = max(sum(box.height for box in boxes) / count, 1e-6)
        self._cells: defaultdict[tuple[str, int, int], list[int]] = defaultdict(list)
        for index, box in enumerate(boxes):
            x, y = box.left + box.width / 2, box.top + box.height / 2
            self._cells[box.label, math.floor(x / self._across), math.floor(y / self._down)].append(index)

    def near(self, box: Box) -> Iterator[int]:
        """Those that may match a box: no centre farther away than its own sides, no sides twice as long."""
        x, y = box.left + box.width / 2, box.top + box.height / 2
        xs = range(math.floor((x - box.width) / self._across), math.floor((x + box.width) / self._across) + 1)
        ys = range(math.floor((y - box.height) / self._down), math.floor((y + box.height) / self._down) + 1)
        if len(xs) * len(ys) > len(self._boxes):
            found = (index for index, other in enumerate(self._boxes) if other.label == box.label)
        else:
            found = (index for x in xs for y in ys for index in self._cells.get((box.label, x, y), ()))
        for index in found:
            _, _, width, height, _ = self._boxes[index]
            if width <= 2 * box.width <= 4 * width and height <= 2 * box.height <= 4 * height:
                yield index
